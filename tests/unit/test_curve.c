/* What limits, and what a search is told, from made-up probes. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/capacity/curve.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

#define RATE (1000 * SCHEDULE_MICRO)

static struct objective_list objectives;
static struct curve curve;
static struct windows windows;
static struct run_result *result;
static struct run_facts facts;
static struct interval_row *total;

static void set_up(void)
{
    static const double percentiles[] = {50, 99};
    struct err err = {.code = OK};
    ck_assert_int_eq(
        objective_parse_list(&objectives, "p99<10ms,p99.9<20ms", &objective_of_check, &err), OK);
    ck_assert_int_eq(curve_init(&curve, &objectives, percentiles, 2, &err), OK);
    curve.windows = 3;
    curve.finding.first_failing_micro = RATE;
    windows = (struct windows){.objectives = &objectives, .wanted = 3};
    facts = fixture_open_facts();
    total = fixture_row(0);
    fixture_answer_at(total, NS_PER_MS, 0, 1000);
    result = fixture_result();
    result->facts = &facts;
    result->total = total;
    result->seconds = result->due_seconds = 3;
}

static void tear_down(void)
{
    curve_free(&curve);
    free(result);
    free(total);
}

static void add_window(bool kept_up, uint64_t p99_ns, uint64_t p99_9_ns)
{
    struct window *window = &windows.list[windows.count++];
    const uint64_t values_ns[] = {p99_ns, p99_9_ns};
    *window = (struct window){.kept_up = kept_up,
                              .passed = kept_up,
                              .due = 1000,
                              .ok = 1000,
                              .answered = 1000,
                              .seconds = 1};
    for (int i = 0; i < 2; i++) {
        window->readings[i] =
            (struct objective_reading){.known = true,
                                       .value_ns = values_ns[i],
                                       .kept = values_ns[i] < objectives.items[i].limit_ns};
        window->passed = window->passed && window->readings[i].kept;
    }
    windows.passed += window->passed;
}

static const struct probe *add_probe(void)
{
    struct err err = {.code = OK};
    ck_assert_int_eq(curve_add(&curve, RATE, false, &windows, result, &err), OK);
    curve_find_limit(&curve);
    return &curve.probes[curve.probe_count - 1];
}

static void expect_limit(enum limit_kind kind, const char *name, const char *evidence)
{
    ck_assert_int_eq(curve.limit.kind, kind);
    ck_assert_str_eq(curve.limit.name, name);
    ck_assert_msg(strstr(curve.limit.evidence, evidence) != NULL, "\"%s\" is not in: %s", evidence,
                  curve.limit.evidence);
}

TEST(test_percentiles)
{
    /* Breaks when the table lacks a percentile of an objective, or shows one twice. */
    ck_assert_uint_eq(curve.percentile_count, 3);
    ck_assert_double_eq(curve.percentiles[0], 50);
    ck_assert_double_eq(curve.percentiles[1], 99);
    ck_assert_double_eq(curve.percentiles[2], 99.9);
}

TEST(test_objective_limits)
{
    /* Breaks when another objective than the one most often broken is named. */
    add_window(true, 5 * NS_PER_MS, 25 * NS_PER_MS);
    add_window(true, 12 * NS_PER_MS, 30 * NS_PER_MS);
    add_window(true, 5 * NS_PER_MS, 10 * NS_PER_MS);
    const struct probe *probe = add_probe();
    char reason[256];
    ck_assert(!probe->passed);
    expect_limit(LIMIT_SLO, "p99.9<20ms",
                 "at 1,000/s it was broken in 2 of 3 windows, the worst: p99.9 30.000 ms");
    ck_assert_str_eq(curve_format_reason(reason, sizeof reason, &curve, probe),
                     "p99<10ms broken in 1, p99.9<20ms broken in 2");
}

TEST(test_throughput_limits)
{
    /* Breaks when a server that falls behind is said to be slow: the waiting is a consequence. */
    for (int i = 0; i < 3; i++)
        add_window(i == 0, 500 * NS_PER_MS, 900 * NS_PER_MS);
    total->counters[COUNTER_DUE] += 500;
    total->header.backlog_after = 500;
    total->counters[COUNTER_BLOCKED_NS] = 5 * NS_PER_SECOND;
    add_probe();
    expect_limit(LIMIT_THROUGHPUT, "throughput", "2 of 3 windows fell behind");
    expect_limit(LIMIT_THROUGHPUT, "throughput", "the server answered too slowly");
}

TEST(test_busy_worker_limits)
{
    /* Breaks when volley's own limit is taken for the server's. */
    for (int i = 0; i < 3; i++)
        add_window(false, 500 * NS_PER_MS, 900 * NS_PER_MS);
    result->workers[1].cpu_user_seconds = 2.8;
    add_probe();
    expect_limit(LIMIT_VOLLEY, "volley itself", "worker 1 used");
}

TEST(test_worker_kept_from_its_cpu)
{
    /* Breaks when a worker that cannot run is told to bring more workers, which could not either. */
    for (int i = 0; i < 3; i++)
        add_window(false, 500 * NS_PER_MS, 900 * NS_PER_MS);
    result->workers[1].cpu_user_seconds = 0.01;
    result->workers[1].run_delay_seconds = 2.85;
    add_probe();
    expect_limit(LIMIT_VOLLEY, "volley itself", "(--cpus)");
    ck_assert_ptr_null(strstr(curve.limit.evidence, "--processes"));
}

TEST(test_mishaps_limit_nothing)
{
    /* Breaks when a server that went away during a probe is said to have reached its limit there, or the
     * search is said to have found it. */
    for (int i = 0; i < 3; i++)
        add_window(false, 500 * NS_PER_MS, 900 * NS_PER_MS);
    windows.hopeless = true;
    result->status = E_CONNECT;
    snprintf(result->status_text, sizeof result->status_text, "the server is away");
    const struct probe *probe = add_probe();
    char text[CURVE_REASON_BYTES];
    ck_assert_int_eq(probe->end, PROBE_ERROR);
    ck_assert(!probe->passed && !probe_counts(probe));
    ck_assert_int_eq(curve.limit.kind, LIMIT_UNKNOWN);
    ck_assert_str_eq(curve_format_reason(text, sizeof text, &curve, probe), "the server is away");
    struct printed printed;
    snprintf(curve.error, sizeof curve.error, "cannot connect to 127.0.0.1:7000");
    curve.finding = (struct search_finding){.status = SEARCH_UNFINISHED, .rate_micro = RATE};
    printed_begin(&printed);
    curve_write_text(&printed.out, &curve, false);
    char *written = printed_end(&printed);
    EXPECT_IN(written, "  error\n    the server is away\n");
    EXPECT_IN(written,
              "\nSustainable rate: 1,000 requests per second so far (ended by an error)\n");
    EXPECT_IN(written, "\n   1,000 "); /* no ">": the result does not come from it */
    EXPECT_IN(written, "\nEnded by an error: cannot connect to 127.0.0.1:7000\n");
    ck_assert_ptr_null(strstr(written, "Limit:"));
    free(written);
}

TEST(test_own_delay_limits)
{
    /* Breaks when slip that volley is to blame for is billed to the server, or a wait that the server
     * is to blame for to volley. */
    for (int i = 0; i < 3; i++)
        add_window(true, 11 * NS_PER_MS, 11 * NS_PER_MS);
    histogram_record_n(&total->histograms[HISTOGRAM_SLIP], 8 * NS_PER_MS, 500);
    add_probe();
    expect_limit(LIMIT_VOLLEY, "volley itself", "slip p99 8.0");
    histogram_reset(&total->histograms[HISTOGRAM_SLIP]);
    histogram_record_n(&total->histograms[HISTOGRAM_WAIT], 8 * NS_PER_MS, 500);
    add_probe();
    expect_limit(LIMIT_SLO, "p99<10ms", "broken in 6 of 6");
}

TEST(test_nothing_failed)
{
    /* Breaks when a limit is made up where none was met. */
    curve.finding.first_failing_micro = 0;
    for (int i = 0; i < 3; i++)
        add_window(true, NS_PER_MS, NS_PER_MS);
    add_probe();
    ck_assert_int_eq(curve.limit.kind, LIMIT_UNKNOWN);
}

TEST(test_outcomes)
{
    /* Breaks when the search climbs past a probe that only just passed, or repeats one that failed
     * beyond doubt. */
    for (int i = 0; i < 3; i++)
        add_window(true, NS_PER_MS, NS_PER_MS);
    struct search_outcome outcome = probe_outcome(add_probe(), &objectives);
    ck_assert_uint_eq(outcome.passed, 3);
    ck_assert_uint_eq(outcome.windows, 3);
    ck_assert(!outcome.close && !outcome.clear);

    windows.count = windows.passed = 0;
    for (int i = 0; i < 3; i++)
        add_window(true, 6 * NS_PER_MS, NS_PER_MS);
    outcome = probe_outcome(add_probe(), &objectives);
    ck_assert(outcome.close && !outcome.clear);

    windows.count = windows.passed = 0;
    for (int i = 0; i < 3; i++)
        add_window(true, 16 * NS_PER_MS, NS_PER_MS);
    outcome = probe_outcome(add_probe(), &objectives);
    ck_assert_uint_eq(outcome.passed, 0);
    ck_assert(!outcome.clear);

    windows.count = windows.passed = 0;
    for (int i = 0; i < 3; i++)
        add_window(false, 16 * NS_PER_MS, NS_PER_MS);
    outcome = probe_outcome(add_probe(), &objectives);
    ck_assert(outcome.clear);
}

TEST(test_ends)
{
    /* Breaks when windows that were not measured are counted, but for those behind a hopeless backlog;
     * or when a probe that was interrupted is taken for one that failed. */
    add_window(true, NS_PER_MS, NS_PER_MS);
    const struct probe *probe = add_probe();
    ck_assert_int_eq(probe->end, PROBE_WON);
    ck_assert_uint_eq(probe->windows_judged, 1);
    ck_assert(probe->passed);
    add_window(false, NS_PER_MS, NS_PER_MS);
    probe = add_probe();
    ck_assert_int_eq(probe->end, PROBE_LOST);
    ck_assert_uint_eq(probe->windows_judged, 2);
    windows.count = 1;
    windows.hopeless = true;
    probe = add_probe();
    ck_assert_int_eq(probe->end, PROBE_HOPELESS);
    ck_assert_uint_eq(probe->windows_judged, 3);
    ck_assert(!probe->passed);
    result->interrupted = true;
    probe = add_probe();
    ck_assert_int_eq(probe->end, PROBE_CUT);
}

static void feed(struct search *search, uint32_t passed)
{
    const struct search_outcome outcome = {.rate_micro = search_next_unbounded(search),
                                           .passed = passed,
                                           .windows = 5,
                                           .clear = passed == 0};
    search_feed(search, &outcome);
}

static void expect_doubt(const struct search *search, const char *expected)
{
    char text[160];
    ck_assert_str_eq(curve_format_doubt(text, sizeof text, search), expected);
}

TEST(test_doubt)
{
    /* Breaks when a search that takes long, or is not settled, does not say what keeps it from it. */
    static struct search search;
    const struct search_limits limits = {.start_micro = 1000 * SCHEDULE_MICRO,
                                         .lowest_micro = 10 * SCHEDULE_MICRO,
                                         .highest_micro = 100000 * SCHEDULE_MICRO,
                                         .precision = 0.5,
                                         .probes_max = 3};
    search_init(&search, &limits);
    feed(&search, 5);
    expect_doubt(&search, "every rate up to 1,000/s has passed so far");
    feed(&search, 0);
    expect_doubt(&search, "the limit seems to lie between 1,000/s and 2,000/s by now");
    feed(&search, 3);
    expect_doubt(&search,
                 "at 1,414/s 3 of 5 windows pass, which is no clear answer yet: the server, "
                 "or this machine, is not steady there");
    search_init(&search, &limits);
    feed(&search, 5);
    feed(&search, 0);
    feed(&search, 5);
    expect_doubt(&search, "at 1,414/s all of 5 windows passed, too few to be certain");
    search_init(&search, &limits);
    feed(&search, 0);
    expect_doubt(&search, "every rate down to 1,000/s has failed so far");
}

/* A probe at this rate of which no window passed, or all. */
static void add_probe_at(uint64_t rate_micro, bool passes, bool retest)
{
    struct err err = {.code = OK};
    windows.count = windows.passed = 0;
    for (int i = 0; i < 3; i++)
        add_window(passes, passes ? NS_PER_MS : 16 * NS_PER_MS,
                   passes ? NS_PER_MS : 900 * NS_PER_MS);
    ck_assert_int_eq(curve_add(&curve, rate_micro, retest, &windows, result, &err), OK);
}

TEST(test_table)
{
    /* Breaks when a terminal tears the rows of the table apart, or a reader cannot tell which of them the
     * result comes from. */
    struct printed printed;
    result->verdict.level = VERDICT_GREEN;
    curve.finding = (struct search_finding){.status = SEARCH_FOUND,
                                            .rate_micro = 98000 * SCHEDULE_MICRO,
                                            .passed = 5,
                                            .windows = 6,
                                            .first_failing_micro = RATE};
    add_probe_at(98000 * SCHEDULE_MICRO, true, false);
    add_probe_at(100000 * SCHEDULE_MICRO, false, false);
    add_probe_at(1000 * SCHEDULE_MICRO, true, false);
    add_probe_at(98000 * SCHEDULE_MICRO, true, true);
    printed_begin(&printed);
    curve_write_text(&printed.out, &curve, false);
    char *text = printed_end(&printed);
    printed_expect_width(text, 80);
    EXPECT_IN(text, "\n     1,000  ");
    EXPECT_IN(text, "\n>   98,000  ");
    EXPECT_IN(text, "  3/3     pass  again\n");
    EXPECT_IN(text, "     FAIL\n    behind in 3, p99<10ms broken in 3, p99.9<20ms broken in 3\n");
    EXPECT_IN(text, "\n> the sustainable rate\n\nSustainable rate: 98,000 requests per second\n"
                    "Kept in 5 of 6 windows at that rate: the majority decides\n");
    free(text);
}

TEST(test_maximum_of_all)
{
    /* Breaks when the longest time of those answered passes for the longest of all, of which some had no reply. */
    add_window(true, NS_PER_MS, NS_PER_MS);
    total->counters[COUNTER_DUE] += 1;
    total->counters[COUNTER_SENT] += 1;
    total->counters[COUNTER_TIMED_OUT] += 1;
    histogram_record_n(&total->histograms[HISTOGRAM_RESPONSE_UNANSWERED], 2 * NS_PER_SECOND, 1);
    add_probe();
    struct session_facts session = fixture_session();
    json_t *document = curve_document(&curve, &session, NULL);
    const json_t *probe = json_array_get(json_object_get(document, "probes"), 0);
    const json_t *bounds = json_object_get(probe, "at_least_us");
    ck_assert_double_eq_tol(json_number_value(json_object_get(bounds, "max")), 2e6, 2e4);
    ck_assert_double_gt(json_number_value(json_object_get(bounds, "mean")), 1000);
    json_decref(document);
    fixture_session_free(&session);
}

TEST(test_samples_nobody_asked_for)
{
    /* Breaks when a probe is doubted for a percentile that find-max shows by itself, as a run is not. */
    static const double usual[] = {50, 99, 99.9}, wished[] = {50, 99.9};
    const struct {
        const double *percentiles;
        uint32_t count;
        enum verdict_level level;
    } cases[] = {{usual, 3, VERDICT_GREEN}, {wished, 2, VERDICT_AMBER}};
    static struct verdict verdict;
    fixture_answer_at(total, NS_PER_MS, 0, 3000); /* enough for p99 */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        result->percentiles = cases[i].percentiles;
        result->percentile_count = cases[i].count;
        verdict_judge(&verdict, result);
        for (uint32_t c = 0; c < verdict.check_count; c++)
            if (strcmp(verdict.checks[c].name, "few_samples") == 0)
                ck_assert_int_eq(verdict.checks[c].level, cases[i].level);
    }
}

TEST_SUITE_WITH(curve, .set_up = set_up, .tear_down = tear_down)
