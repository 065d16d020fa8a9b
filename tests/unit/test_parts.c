/* Commands of requests of several: one whose time or error is another's, that is in a total, or that is told twice. By a
 * whole worker against a scripted server. */
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/workload_file.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"

#define HEAD "name: t\nkeys: {k: {count: 100}}\nclasses:\n"
#define SEQUENCE                                                                                   \
    "- {name: look, unit: sequence, commands: ['GET {key#1}', 'STRLEN {key#1}', 'TTL {key#1}']}\n"
#define TRANSACTION                                                                                \
    "- {name: add, unit: transaction, commands: ['INCR {key#1}', 'LPUSH {key#1} x']}\n"
#define PLAIN "- {name: plain, command: 'PING'}\n"

static struct simulated_run simulated;
static struct workload_file file;
static struct workload *workload;

static void prepare(const char *text)
{
    struct err err = {.code = OK};
    const struct file_source source = {.name = "t", .text = text, .text_bytes = strlen(text)};
    const struct spec spec = {.load = {.seed = 3, .clients = 2}};
    ck_assert_msg(workload_file_read(&file, &source, &err) == OK, "%s", err.text);
    ck_assert_int_eq(
        workload_create(&workload, &(struct workload_source){.plan = &file.plan}, &spec, &err), OK);
    simulated_run_init(&simulated);
    simulated.run.generator = generator_of(workload);
    simulated.run.generator_source = workload;
    simulated.run.requests = 200;
    simulated.share.connections = 2;
}

static void forget(void)
{
    simulated_run_free(&simulated);
    workload_destroy(workload);
    workload_file_free(&file);
}

static bool is(const char *bytes, const char *name)
{
    return strstr(bytes, name) != NULL;
}

/* The replies of a sequence one service time after the other; the second one of each fifth is an error. */
static void answer_slowly(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    char command[64] = {0};
    memcpy(command, bytes, byte_count < sizeof command ? byte_count : sizeof command - 1);
    if (is(command, "GET"))
        scripted_say_text(peer, "$1\r\nx\r\n", SCRIPTED_SERVICE_NS);
    else if (is(command, "STRLEN"))
        scripted_say_text(peer, peer->memo++ % 5 == 0 ? "-ERR no\r\n" : ":1\r\n",
                          2 * SCRIPTED_SERVICE_NS);
    else if (is(command, "TTL"))
        scripted_say_text(peer, ":1\r\n", 3 * SCRIPTED_SERVICE_NS);
    else
        scripted_say_text(peer, "+OK\r\n", SCRIPTED_SERVICE_NS);
}

TEST(each_command_of_a_sequence_has_its_own_time)
{
    /* Breaks when a part has the time of another one or of the whole, or its error is told of another. */
    static const uint64_t rates[] = {0, 500};
    const struct scripted_server server = {.command = answer_slowly};
    for (size_t k = 0; k < 2; k++) {
        prepare(HEAD SEQUENCE);
        simulated.rate = rates[k];
        simulated_run_go(&simulated, &server);
        const struct interval_row *row = simulated.measured;
        ck_assert_uint_eq(row->part_count, 3);
        ck_assert_uint_eq(row->class_count, 0);
        for (uint32_t i = 0; i < 3; i++) {
            const struct class_figures *part = &row->parts[i];
            const uint64_t took_ns = (i + 1) * SCRIPTED_SERVICE_NS;
            ck_assert_uint_eq(part->counters[CLASS_ERRORS], i == 1 ? 40 : 0);
            ck_assert_uint_eq(part->counters[CLASS_OK], i == 1 ? 160 : 200);
            ck_assert_uint_ge(part->times[CLASS_SERVICE].max_ns, took_ns);
            ck_assert_uint_lt(part->times[CLASS_SERVICE].max_ns, took_ns + SCRIPTED_SERVICE_NS);
            ck_assert_uint_eq(coarse_count(&part->times[CLASS_RESPONSE]),
                              k == 0 ? 0 : part->counters[CLASS_OK]);
        }
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 160);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_ERROR_REPLIES), 40);
        const uint64_t whole_ns = row->histograms[HISTOGRAM_SERVICE_OK].sum_ns +
                                  row->histograms[HISTOGRAM_SERVICE_ERROR].sum_ns;
        ck_assert_uint_eq(row->parts[2].times[CLASS_SERVICE].sum_ns, whole_ns);
        forget();
    }
}

/* Of five transactions: one whose second command fails when it is executed, one that refuses the first. */
static void execute(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    char command[64] = {0};
    memcpy(command, bytes, byte_count < sizeof command ? byte_count : sizeof command - 1);
    if (is(command, "MULTI"))
        peer->memo++;
    if (is(command, "INCR") && peer->memo % 5 == 3)
        scripted_say_text(peer, "-OOM no\r\n", SCRIPTED_SERVICE_NS);
    else if (is(command, "INCR") || is(command, "LPUSH"))
        scripted_say_text(peer, "+QUEUED\r\n", SCRIPTED_SERVICE_NS);
    else if (is(command, "EXEC") && peer->memo % 5 == 3)
        scripted_say_text(peer, "-EXECABORT no\r\n", 2 * SCRIPTED_SERVICE_NS);
    else if (is(command, "EXEC"))
        scripted_say_text(
            peer, peer->memo % 5 == 1 ? "*2\r\n:1\r\n-WRONGTYPE no\r\n" : "*2\r\n:1\r\n:2\r\n",
            2 * SCRIPTED_SERVICE_NS);
    else
        scripted_say_text(peer, "+OK\r\n", SCRIPTED_SERVICE_NS);
}

TEST(commands_of_a_transaction_have_what_exec_says)
{
    /* Breaks when QUEUED is taken for an answer, or what fails inside EXEC's reply is not told of its command. */
    const struct scripted_server server = {.command = execute};
    prepare(HEAD PLAIN TRANSACTION);
    simulated.share.connections = 1;
    simulated.run.requests = 1000; /* as the mix is exact */
    simulated_run_go(&simulated, &server);
    const struct interval_row *row = simulated.measured;
    ck_assert_uint_eq(row->class_count, 2);
    ck_assert_uint_eq(row->part_count, 2);
    ck_assert_uint_eq(row->parts[0].counters[CLASS_ERRORS], 100);
    ck_assert_uint_eq(row->parts[0].counters[CLASS_OK], 400);
    ck_assert_uint_eq(row->parts[1].counters[CLASS_ERRORS], 100);
    ck_assert_uint_eq(row->parts[1].counters[CLASS_OK], 300);
    ck_assert_uint_ge(coarse_quantile(&row->parts[0].times[CLASS_SERVICE], 0.01),
                      2 * SCRIPTED_SERVICE_NS);
    ck_assert_uint_eq(row->classes[1].counters[CLASS_OK], 300);
    ck_assert_uint_eq(row->classes[1].counters[CLASS_ERRORS], 200);
    forget();
}

/* One of two for WAIT, and for WAITAOF the second number is too low each third time. */
static void acknowledge(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    char command[64] = {0};
    memcpy(command, bytes, byte_count < sizeof command ? byte_count : sizeof command - 1);
    if (is(command, "WAITAOF"))
        scripted_say_text(peer, peer->memo % 3 == 0 ? "*2\r\n:1\r\n:1\r\n" : "*2\r\n:1\r\n:2\r\n",
                          SCRIPTED_SERVICE_NS);
    else if (is(command, "WAIT"))
        scripted_say_text(peer, peer->memo++ % 2 == 0 ? ":1\r\n" : ":3\r\n", SCRIPTED_SERVICE_NS);
    else if (is(command, "GET"))
        scripted_say_text(peer, "$1\r\nx\r\n", SCRIPTED_SERVICE_NS);
    else
        scripted_say_text(peer, "+OK\r\n", SCRIPTED_SERVICE_NS);
}

TEST(too_few_acknowledgements_are_misses_of_their_command)
{
    /* Breaks when WAIT's reply looks like a success whatever it says, or its miss is told of another command. */
    const struct scripted_server server = {.command = acknowledge};
    prepare(HEAD "- {name: safe, unit: sequence, commands: ['SET {key#1} x', 'WAIT 2 100', "
                 "'WAITAOF 1 2 100', 'GET {key#1}']}\n");
    simulated.share.connections = 1;
    simulated.run.requests = 600;
    simulated_run_go(&simulated, &server);
    const struct class_figures *parts = simulated.measured->parts;
    static const uint64_t hits[] = {0, 300, 400, 600}, misses[] = {0, 300, 200, 0};
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(parts[i].counters[CLASS_HITS], hits[i]);
        ck_assert_uint_eq(parts[i].counters[CLASS_MISSES], misses[i]);
        ck_assert_uint_eq(parts[i].counters[CLASS_OK], 600);
    }
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_HITS), 1300);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_MISSES), 500);
    forget();
}

TEST(a_class_that_only_waits_has_misses_too)
{
    /* Breaks when the quick way through replies takes any integer for a hit, with one class or several. */
    static const char *const beside[] = {"", PLAIN};
    const struct scripted_server server = {.command = acknowledge};
    for (size_t i = 0; i < 2; i++) {
        char text[256];
        snprintf(text, sizeof text, HEAD "- {name: wait, command: 'WAIT 2 100'}\n%s", beside[i]);
        prepare(text);
        simulated.share.connections = 1;
        simulated.run.requests = 1000;
        simulated.run.pipeline = 8;
        simulated_run_go(&simulated, &server);
        const uint64_t waits = i == 0 ? 1000 : 500;
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_HITS), waits / 2);
        ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_MISSES), waits / 2);
        ck_assert(workload_awaits(workload));
        forget();
    }
}

TEST(names_are_of_the_commands)
{
    /* Breaks when a row of the report is called like another command, or a class without room is told by halves. */
    char text[4096];
    prepare(HEAD PLAIN SEQUENCE TRANSACTION);
    ck_assert_uint_eq(workload_part_count(workload), 5);
    ck_assert_str_eq(workload_part(workload, 2).name, "look:3");
    ck_assert_str_eq(workload_part(workload, 2).command, "TTL");
    ck_assert_uint_eq(workload_part(workload, 3).class, 2);
    ck_assert_str_eq(workload_part(workload, 4).name, "add:2");
    ck_assert_str_eq(workload_part(workload, 4).command, "LPUSH");
    forget();
    int used =
        snprintf(text, sizeof text, HEAD SEQUENCE "- {name: long, unit: sequence, commands: [");
    for (int i = 0; i < 62; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "PING, ");
    snprintf(text + used, sizeof text - (size_t)used, "PING]}\n" TRANSACTION);
    prepare(text);
    ck_assert_uint_eq(workload_part_count(workload), 5);
    ck_assert_str_eq(workload_part(workload, 3).name, "add:1");
    forget();
}

TEST_SUITE(parts)
