/* `volley bench --workload`: what was asked for, what volley says was drawn, and what a real server holds then. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/fit.h"
#include "tests/support/check/suite.h"

#define REQUESTS 60000
#define COUNTERS 200u
#define MEDIAN 300.0
#define P99 4000.0
#define MOST 16384u

static const char workload[] =
    "name: three\n"
    "keys:\n"
    "  docs: {count: 20k, order: zipf, exponent: 0.8}\n"
    "  counters: {count: 200, order: zipf, exponent: 0.99, scatter: no}\n"
    "  absent: {count: 50}\n"
    "values:\n"
    "  body: {size: {lognormal: {median: 300, p99: 4000, max: 16kb}}}\n"
    "classes:\n"
    "  - {name: write, weight: 50, command: 'SET {key:docs} {value:body}'}\n"
    "  - {name: count, weight: 30, command: 'INCR {key:counters}'}\n"
    "  - {name: read, weight: 20, command: 'GET {key:absent}'}\n";

static char run_directory[100];

static void run_workload(void)
{
    char path[100];
    snprintf(path, sizeof path, "%s/three.yaml", server.directory);
    snprintf(run_directory, sizeof run_directory, "%s/run", server.directory);
    FILE *file = fopen(path, "w");
    ck_assert(file != NULL && fputs(workload, file) >= 0 && fclose(file) == 0);
    call_expect(&call, 0, &at_server,
                "--workload %s -n %d -c 6 -P 8 --processes 3 --cpus none --out %s", path, REQUESTS,
                run_directory);
}

/* Numbers with blanks between them, as many as there are. */
static size_t read_numbers(uint64_t numbers[], size_t most, char *text)
{
    size_t count = 0;
    for (char *at = text; *at != '\0' && count < most; count++)
        numbers[count] = strtoull(at, &at, 10);
    free(text);
    return count;
}

static double normal_below(double z)
{
    return erfc(-z / M_SQRT2) / 2;
}

/* Of sizes 1 to MOST, rounded to whole bytes. */
static void lognormal_probabilities(double probabilities[MOST + 1])
{
    const double sigma = log(P99 / MEDIAN) / 2.3263478740408408;
    double before = 0;
    probabilities[0] = 0;
    for (unsigned bytes = 1; bytes <= MOST; bytes++) {
        const double upto = bytes < MOST ? normal_below(log((bytes + 0.5) / MEDIAN) / sigma) : 1;
        probabilities[bytes] = upto - before;
        before = upto;
    }
}

static void assert_sizes_fit(long long keys_written)
{
    static const char script[] =
        "local all = {} for i = 0, 19999 do "
        "local n = redis.call('STRLEN', string.format('docs:%012d', i)) "
        "if n > 0 then all[#all + 1] = n end end return table.concat(all, ' ')";
    static uint64_t sizes[20000], cells[MOST + 1];
    static double probabilities[MOST + 1];
    const size_t count = read_numbers(sizes, 20000, test_server_text(&server, "EVAL %s 0", script));
    ck_assert_int_eq((long long)count, keys_written);
    for (size_t i = 0; i < count; i++) {
        ck_assert(sizes[i] >= 1 && sizes[i] <= MOST);
        cells[sizes[i]]++;
    }
    lognormal_probabilities(probabilities);
    ck_assert_double_lt(fit_distance(cells, probabilities, MOST + 1), FIT_DISTANCE_MOST);
    ck_assert_double_lt(fit_chi_square(cells, probabilities, MOST + 1), FIT_CHI_SQUARE_MOST);
}

static void assert_counters_fit(void)
{
    static const char script[] = "local all = {} for i = 0, 199 do all[i + 1] = "
                                 "redis.call('GET', string.format('counters:%012d', i)) or '0' end "
                                 "return table.concat(all, ' ')";
    uint64_t counters[COUNTERS];
    double probabilities[COUNTERS], sum = 0;
    ck_assert_uint_eq(
        read_numbers(counters, COUNTERS, test_server_text(&server, "EVAL %s 0", script)), COUNTERS);
    for (unsigned rank = COUNTERS; rank-- > 0;)
        sum += pow(rank + 1, -0.99);
    for (unsigned rank = 0; rank < COUNTERS; rank++)
        probabilities[rank] = pow(rank + 1, -0.99) / sum;
    ck_assert_double_lt(fit_chi_square(counters, probabilities, COUNTERS), FIT_CHI_SQUARE_MOST);
    ck_assert_double_lt(fit_distance(counters, probabilities, COUNTERS), FIT_DISTANCE_MOST);
    /* The hottest key: what the report says is what the server counted. */
    ck_assert_double_eq_tol(
        run_json_number(run_json_at(call.root, 0), "drawn.keys.1.hottest_key_share_drawn") *
            REQUESTS * 0.3,
        (double)counters[0], 0.01);
}

TEST(test_the_server_holds_what_was_drawn)
{
    /* Breaks when the mix, the keys, how hot they are, or the sizes that reach a server are not those that the file
     * asks for, or not those that the report tells. */
    run_workload();
    ck_assert_int_eq(test_server_calls(&server, "set"), REQUESTS / 2);
    ck_assert_int_eq(test_server_calls(&server, "incr"), REQUESTS * 3 / 10);
    ck_assert_int_eq(test_server_calls(&server, "get"), REQUESTS / 5);
    ck_assert_int_eq(run_json_count(&call, 0, "drawn.requests"), REQUESTS);
    const long long docs = run_json_count(&call, 0, "drawn.keys.0.distinct");
    const long long counters = run_json_count(&call, 0, "drawn.keys.1.distinct");
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), docs + counters);
    assert_counters_fit();
    assert_sizes_fit(docs);
    call_free(&call);
}

/* From the heading to the empty line behind it; the caller frees. */
static char *section_of(const char *report)
{
    const char *begin = strstr(report, "Asked and drawn:\n");
    ck_assert_msg(begin != NULL, "%s", report);
    const char *end = strstr(begin, "\n\n");
    return strndup(begin, end != NULL ? (size_t)(end - begin) : strlen(begin));
}

TEST(test_reports_tell_it)
{
    /* Breaks when a report does not show what was asked beside what was drawn, or a rebuilt one shows something else. */
    static const char *const expected[] = {
        "(of the first 60,000 requests;", "\ndocs      zipf:0.8          20,000         30,000 ",
        "\ncounters  zipf:0.99            200         18,000            200       16.61%",
        "\nbody   lognormal:300:4000:16384         30,000          556.6 ",
        "\nwrite     50.00%     50.00%\ncount     30.00%     30.00%\nread      20.00%     20.00%"};
    struct program program;
    run_workload();
    char *live = section_of(call.program.out);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_msg(strstr(live, expected[i]) != NULL, "no %s in\n%s", expected[i], live);
    program_run_volley(&program, "report", run_directory, NULL);
    ck_assert_int_eq(program.exit_status, 0);
    char *rebuilt = section_of(program.out);
    ck_assert_str_eq(rebuilt, live);
    free(rebuilt);
    free(live);
    program_free(&program);
    call_free(&call);
}

TEST(test_plain_tests_have_nothing_to_tell)
{
    /* Breaks when reports of a test without a distribution, or of what --prefill writes, have the section, too. */
    call_expect(&call, 0, &at_server, "-t get -r 100 -n 100 --prefill");
    ck_assert_ptr_null(strstr(call.program.out, "Asked and drawn"));
    ck_assert_ptr_null(json_object_get(run_json_at(call.root, 1), "drawn"));
    call_free(&call);
    call_expect(&call, 0, &at_server, "-t get -r 100 --key-dist zipf -n 1k --prefill");
    ck_assert_ptr_null(json_object_get(run_json_at(call.root, 0), "drawn"));
    ck_assert_int_eq(run_json_count(&call, 1, "drawn.keys.0.draws"), 1000);
    char *section = section_of(call.program.out);
    ck_assert_ptr_nonnull(strstr(section, "\nkeys  zipf:0.99            100          1,000 "));
    ck_assert_ptr_null(strstr(section, "Not the same"));
    free(section);
    call_free(&call);
}

TEST_SUITE_WITH(drawn_at_server, .set_up = at_server_set_up, .tear_down = at_server_tear_down)
