/* A client that buffers: batches, stages, users, and what is left when somebody dies. */
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/http_client.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 60
#define WRITE_STAGES 7u /* the last one is the sum of the others */

static struct trial trial;
static char path[192];

static void write_buffer(const char *text)
{
    snprintf(path, sizeof path, "%s/buffer.yaml", world.tree.path);
    temp_tree_write(&world.tree, "/buffer.yaml", text, 0600);
}

#define RUN(...)                                                                                   \
    trial_start(&trial, "-p", world.server.port_text, "--buffer", path, "--cpus", "none", "-r",    \
                "1000", __VA_ARGS__, NULL)

static const json_t *buffer(const char *key)
{
    const json_t *value = json_object_get(json_object_get(trial.run, "buffer"), key);
    ck_assert_msg(value != NULL, "buffer.%s is missing", key);
    return value;
}

static long long flushes(const char *why)
{
    return json_integer_value(json_object_get(buffer("flushes"), why));
}

static long long messages(void)
{
    return llround(json_number_value(buffer("mean_batch")) *
                   (double)json_integer_value(buffer("batches")));
}

static const json_t *stage(size_t index)
{
    return json_array_get(buffer("stages"), index);
}

static long long stage_count(size_t index)
{
    return json_integer_value(json_object_get(stage(index), "count"));
}

static double stage_sum(size_t index)
{
    const json_t *mean = json_object_get(json_object_get(stage(index), "time_us"), "mean");
    return json_is_null(mean) ? 0 : json_number_value(mean) * (double)stage_count(index);
}

/* Stages that add up to their total, of writes and of reads, each request in all of them. */
static void ck_stages(long long writes, long long reads)
{
    const long long counts[] = {writes, reads};
    for (size_t kind = 0; kind < 2; kind++) {
        double sum = 0;
        const size_t first = kind * WRITE_STAGES, total = first + WRITE_STAGES - 1;
        for (size_t i = first; i <= total; i++) {
            ck_assert_int_eq(stage_count(i), counts[kind]);
            sum += i < total ? stage_sum(i) : 0;
        }
        ck_assert_msg(fabs(sum - stage_sum(total)) <= 0.001 * stage_sum(total) + 0.001,
                      "stages add up to %f us, the total is %f us", sum, stage_sum(total));
    }
}

TEST(full_batches)
{
    /* breaks when a round does not become a batch at its size, a request is lost between the buffers, stages do not
     * add up to what their requests took, or messages a minute are not 60 times the requests of a second */
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 8, max_tokens: 0}\n"
                 "performance: {flush_interval: 10s}\n");
    RUN("-t", "set", "-n", "8000", "-c", "32", "--processes", "2");
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 8000);
    ck_assert_int_eq(test_server_calls(&world.server, "set"), 8000);
    ck_assert_int_eq(messages(), 8000);
    ck_assert_int_ge(flushes("full"), 500);
    ck_stages(8000, 0);
    trial_expect(&trial, PROGRAM_OUT, "batches of 8 requests");
    trial_expect(&trial, PROGRAM_OUT, "write:buffer_wait");
    trial_expect(&trial, PROGRAM_OUT, "Users: each latency is");
    trial_expect(&trial, PROGRAM_OUT, "\nMessages per minute: ");
    const json_t *rate = json_object_get(trial.run, "rate");
    ck_assert_double_eq_tol(json_number_value(json_object_get(rate, "messages_per_minute")),
                            60 * json_number_value(json_object_get(rate, "achieved")), 0.01);
    trial_free(&trial);
}

TEST(estimated_and_measured)
{
    /* breaks when what a buffer may take is another sum than its sizes make, or the report does not say what it took */
    struct program program;
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 8}\nhybrid_buffer: {max_size: 4}\n"
                 "performance: {max_flush_workers: 1}\n");
    program_run_volley(&program, "bench", "-p", "1", "-t", "set", "-d", "55", "--buffer", path,
                       "-c", "200", "--processes", "2", "--cpus", "none", "--explain", NULL);
    ck_assert_int_eq(program.exit_status, 0);
    /* of 98 bytes: *3, $3, SET, $16, a key, $55, a value */
    ck_assert_msg(strstr(program.out,
                         "at most 7.66 KB; a process has 8 * 98 B in the round buffer, "
                         "and 4 * 8 * 98 B in the hybrid buffer") != NULL,
                  "%s", program.out);
    ck_assert_msg(strstr(program.out, "its workers   2 in all") != NULL, "%s", program.out);
    program_free(&program);
    program_run_volley(&program, "bench", "--cluster", "-p", "1", "-t", "set", "--buffer", path,
                       "--explain", NULL);
    ck_assert_int_eq(program.exit_status, 0);
    program_expect_text(program.out, " for each primary of the cluster; a process has");
    program_free(&program);
    RUN("-t", "set", "-d", "55", "-n", "20000", "-c", "200", "--processes", "2");
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_OUT, "their memory: estimated 7.66 KB at most; measured ");
    trial_expect(&trial, PROGRAM_OUT, "flush workers: 2");
    ck_assert_int_eq(json_integer_value(buffer("estimated_bytes")), 2 * 5 * 8 * 98);
    ck_assert_double_gt(json_number_value(buffer("mean_bytes")), 0);
    ck_assert_double_le(json_number_value(buffer("mean_bytes")), 2 * 5 * 8 * 98 * 1.001);
    ck_assert_double_gt(json_number_value(buffer("workers_busy_percent")), 0);
    trial_free(&trial);
}

/* With max_size 8, 8 batches and one process; 1,045 bytes a request, of which five make 1,200 tokens. */
static const struct {
    const char *clients, *rate, *tokens;
    int most;
} bounds[] = {
    {"1", NULL, "1200", 1},    /* a user has one request */
    {"200", NULL, "1200", 45}, /* tokens */
    {"200", NULL, "0", 72},    /* sizes */
    {"1", "1000", "1200", 45}, /* a schedule does not wait for users */
};

LOOP_TEST(users_and_tokens_bound_it, sizeof bounds / sizeof bounds[0])
{
    /* breaks when more writes, or more bytes, are called possible than there are users with one, or tokens let into a round */
    char text[160];
    const char *rate = bounds[_i].rate;
    test_server_start(&world.server, NULL);
    snprintf(text, sizeof text,
             "round_buffer: {max_size: 8, max_tokens: %s}\nhybrid_buffer: {max_size: 8}\n",
             bounds[_i].tokens);
    write_buffer(text);
    RUN("-t", "set", "-d", "1000", "-n", "200", "-c", bounds[_i].clients, "--processes", "1",
        rate != NULL ? "--qps" : NULL, rate);
    trial_end(&trial, 0);
    ck_assert_int_eq(json_integer_value(buffer("most_unsent")), bounds[_i].most);
    ck_assert_int_eq(json_integer_value(buffer("estimated_bytes")), bounds[_i].most * 1045);
    ck_assert_double_le(json_number_value(buffer("mean_unsent")), bounds[_i].most * 1.01);
    trial_free(&trial);
}

TEST(memory_is_of_writes)
{
    /* breaks when memory is that of so many requests of the mean size: reads, which are small, are not held */
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 8, max_tokens: 0}\nhybrid_buffer: {max_size: 4}\n");
    RUN("--mix", "set:5,get:95", "-d", "1000", "-n", "20000", "-c", "200", "--processes", "1");
    trial_end(&trial, 0);
    ck_assert_int_eq(json_integer_value(buffer("estimated_bytes")), 5 * 8 * 1045);
    ck_assert_double_gt(json_number_value(buffer("mean_unsent")), 0);
    ck_assert_double_eq_tol(json_number_value(buffer("mean_bytes")) /
                                json_number_value(buffer("mean_unsent")),
                            1045, 0.001);
    trial_free(&trial);
}

TEST(tokens_make_a_batch)
{
    /* breaks when bytes do not make a batch where requests are large */
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 100, max_tokens: 500}\n"
                 "performance: {flush_interval: 10s}\n");
    RUN("-t", "set", "-d", "950", "-n", "3000", "-c", "60", "--processes", "1");
    trial_end(&trial, 0);
    ck_assert_int_ge(flushes("full"), 900);
    ck_assert_int_eq(messages(), 3000);
    trial_free(&trial);
}

TEST(nobody_waits_for_ever)
{
    /* breaks when a round that nobody can add to waits for the flush interval, or for ever */
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 8}\nperformance: {flush_interval: 1h}\n");
    RUN("-t", "set", "-n", "501", "-c", "1", "--processes", "1");
    trial_end(&trial, 0);
    ck_assert_int_eq(flushes("idle"), 501);
    trial_free(&trial);
    RUN("-t", "set", "-n", "501", "-c", "13", "--processes", "1");
    trial_end(&trial, 0);
    ck_assert_int_eq(messages(), 501);
    trial_free(&trial);
}

TEST(a_rate)
{
    /* breaks when a schedule's requests wait longer than the flush interval, or are not all due and sent */
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 50}\n"
                 "performance: {flush_strategy: time_based, flush_interval: 20ms}\n");
    RUN("-t", "set", "-n", "300", "--qps", "500", "-c", "10", "--processes", "1");
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 300);
    ck_assert_int_ge(flushes("interval"), 10);
    ck_assert_int_eq(flushes("full"), 0);
    ck_stages(300, 0);
    trial_free(&trial);
}

TEST(only_time_flushes)
{
    /* breaks when a time_based round goes ahead of its time since every user waits */
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 50}\n"
                 "performance: {flush_strategy: time_based, flush_interval: 20ms}\n");
    RUN("-t", "set", "-n", "200", "-c", "10", "--processes", "1");
    trial_end(&trial, 0);
    ck_assert_int_ge(flushes("interval"), 10);
    ck_assert_int_le(flushes("idle"), 1); /* the last ones */
    ck_assert_int_eq(flushes("full"), 0);
    trial_free(&trial);
}

TEST(reads_are_not_held)
{
    /* breaks when what only reads waits in the buffers of writes */
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 5}\nperformance: {max_flush_workers: 2}\n");
    RUN("--mix", "set:70,get:30", "-n", "4000", "-c", "20", "--processes", "1");
    trial_end(&trial, 0);
    ck_assert_int_eq(messages(), 2800);
    ck_stages(2800, 1200);
    ck_assert_int_eq(test_server_calls(&world.server, "get"), 1200);
    trial_free(&trial);
}

TEST(batches_ahead)
{
    /* breaks when an async flush worker loses its place between batches */
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 4}\nhybrid_buffer: {max_size: 2}\n"
                 "performance: {max_flush_workers: 1, enable_async_processing: true}\n");
    RUN("--mix", "set:50,get:50", "-n", "20000", "-c", "100", "--processes", "1", "--warmup",
        "200ms");
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), 20000);
    ck_assert(json_number_value(buffer("full_percent")) > 0);
    trial_free(&trial);
}

TEST(values_are_checked)
{
    /* breaks when a buffer mixes requests up: a read finds what its key never had */
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 8}\nperformance: {enable_async_processing: true}\n");
    RUN("--mix", "set:50,get:50", "--verify", "-d", "64", "-n", "20000", "-c", "48", "--processes",
        "2");
    trial_end(&trial, 0);
    ck_assert_int_gt(trial_count(&trial, "values", "verified"), 1000);
    ck_assert(json_object_get(json_object_get(trial.run, "values"), "corrupted") == NULL);
    trial_free(&trial);
}

TEST(a_worker_that_is_killed)
{
    /* breaks when a dead worker's buffer is not told: each of its requests is answered, lost or shed */
    pid_t workers[8];
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 8}\n");
    RUN("-t", "set", "-n", "200000", "-c", "48", "--processes", "2");
    trial_wait_calls("set", 2000);
    ck_assert_uint_ge(support_children(trial.program.pid, workers, 8), 2);
    kill(workers[1], SIGKILL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_restarts(&trial), 1);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok") +
                         trial_count(&trial, "requests", "lost") +
                         trial_count(&trial, "requests", "shed"),
                     200000);
    trial_free(&trial);
}

TEST(a_server_that_goes_away)
{
    /* breaks when users wait for ever for a server that is gone */
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 8}\n");
    RUN("-t", "set", "--duration", "2", "-c", "48", "--processes", "1");
    trial_wait_calls("set", 2000);
    test_server_kill(&world.server);
    program_wait(&trial.program);
    ck_assert_int_eq(trial.program.exit_status, 1);
    trial_free(&trial);
}

TEST(no_buffer_at_all)
{
    /* breaks when a file that switches the buffer off does not */
    test_server_start(&world.server, NULL);
    write_buffer("buffer: {enabled: false}\n");
    RUN("-t", "set", "-n", "1000", "-c", "5");
    trial_end(&trial, 0);
    ck_assert(json_object_get(trial.run, "buffer") == NULL);
    trial_free(&trial);
}

TEST(the_report_is_the_same)
{
    /* breaks when what the journal keeps of a buffer is less than what the run said */
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 8}\n");
    char directory[192];
    snprintf(directory, sizeof directory, "%s/run", world.tree.path);
    RUN("-t", "set", "-n", "5000", "-c", "48", "--out", directory);
    trial_end(&trial, 0);
    json_t *before = json_deep_copy(json_object_get(trial.run, "buffer"));
    trial_free(&trial);
    struct program program;
    program_run_volley(&program, "report", directory, "--json", "-", NULL);
    json_t *json = json_loads(program.out, 0, NULL);
    const json_t *run = json_array_get(json_object_get(json, "runs"), 0);
    ck_assert(json_equal(json_object_get(run, "buffer"), before));
    program_free(&program);
    json_decref(json);
    json_decref(before);
}

TEST(a_page_asks_for_no_rate)
{
    /* breaks when the page of a load without a schedule tells what was achieved of 0/s asked for */
    char page[192];
    size_t bytes;
    test_server_start(&world.server, NULL);
    write_buffer("round_buffer: {max_size: 8}\n");
    snprintf(page, sizeof page, "%s/page.html", world.tree.path);
    RUN("-t", "set", "-n", "2000", "-c", "8", "--html", page);
    trial_end(&trial, 0);
    trial_free(&trial);
    const int fd = open(page, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    char *html = support_read_file(fd, &bytes);
    close(fd);
    ck_assert_ptr_nonnull(strstr(html, "</b>requests/s</div>"));
    ck_assert_ptr_null(strstr(html, " of 0/s asked for"));
    free(html);
}

static double stat(const json_t *stats, const char *group, const char *name)
{
    const json_t *number = json_object_get(json_object_get(stats, group), name);
    return json_is_number(number) ? json_number_value(number) : NAN;
}

/* Once an interval is known. */
static json_t *stats_of(uint16_t port)
{
    for (int i = 0; i < 1000; i++) {
        json_t *stats = http_get_json(port, "/stats");
        if (!json_is_null(json_object_get(stats, "throughput")))
            return stats;
        json_decref(stats);
        support_sleep_ms(10);
    }
    ck_abort_msg("there never was an interval");
}

static uint16_t port_of_page(void)
{
    program_wait_text(&trial.program, PROGRAM_ERR, "the live page is at ");
    char *said = program_output(&trial.program, PROGRAM_ERR);
    const uint16_t port = http_port_in(said);
    free(said);
    return port;
}

#define WATCHED(...)                                                                               \
    do {                                                                                           \
        trial_start(&trial, "-p", world.server.port_text, "--cpus", "none", "-r", "1000", "--mix", \
                    "set:50,get:50", "--processes", "1", "--duration", "60", "--interval",         \
                    "100ms", "--listen", "0", __VA_ARGS__, NULL);                                  \
        port = port_of_page();                                                                     \
        stats = stats_of(port);                                                                    \
        health = http_get_json(port, "/health/buffer");                                            \
        program_signal(&trial.program, SIGINT);                                                    \
        trial_end(&trial, 130);                                                                    \
    } while (0)

TEST(watched_while_it_runs)
{
    /* breaks when /stats, /health/buffer or KPIs say nothing of a buffer, or say 0 of one that is not there */
    static const char *const unknown[][2] = {
        {"round_buffer", "current_size"},       {"hybrid_buffer", "current_size"},
        {"write_buffer", "transfer_rate"},      {"write_buffer", "avg_batch_size"},
        {"write_buffer", "buffer_utilization"}, {"write_buffer", "flush_success_rate"}};
    uint16_t port;
    json_t *stats, *health;
    char kpis[192];
    test_server_start(&world.server, NULL);
    snprintf(kpis, sizeof kpis, "%s/kpis.yaml", world.tree.path);
    temp_tree_write(&world.tree, "/kpis.yaml",
                    "kpis: {rate: {metric: transfer_rate, warning: 1, critical: 0.5, direction: "
                    "higher}, flush: {metric: flush_success_rate, warning: 99, direction: "
                    "higher}}\n",
                    0600);
    write_buffer("round_buffer: {max_size: 2}\nhybrid_buffer: {max_size: 1}\n"
                 "performance: {max_flush_workers: 1}\n");
    WATCHED("-c", "100", "--buffer", path, "--kpis", kpis);
    ck_assert_double_gt(stat(stats, "round_buffer", "current_size"), 0);
    ck_assert_double_le(stat(stats, "round_buffer", "current_size"), 2.001);
    ck_assert_double_gt(stat(stats, "hybrid_buffer", "current_size"), 0);
    ck_assert_double_le(stat(stats, "hybrid_buffer", "current_size"), 1.001);
    ck_assert_double_gt(stat(stats, "performance", "avg_write_latency"), 0);
    ck_assert_double_gt(stat(stats, "performance", "avg_query_latency"), 0);
    ck_assert_double_gt(stat(stats, "performance", "worker_utilization"), 0);
    ck_assert_double_le(stat(stats, "performance", "worker_utilization"), 1);
    ck_assert_double_gt(stat(stats, "write_buffer", "transfer_rate"), 0);
    ck_assert_double_eq_tol(stat(stats, "write_buffer", "avg_batch_size"), 2, 0.01);
    ck_assert_double_gt(stat(stats, "write_buffer", "buffer_utilization"), 0.5);
    ck_assert_double_eq(stat(stats, "write_buffer", "flush_success_rate"), 100);
    ck_assert_str_eq(json_string_value(json_object_get(health, "status")), "degraded");
    trial_expect(&trial, PROGRAM_OUT, "flush                100 percent");
    trial_free(&trial);
    json_decref(stats);
    json_decref(health);
    WATCHED("-c", "10");
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        ck_assert(
            json_is_null(json_object_get(json_object_get(stats, unknown[i][0]), unknown[i][1])));
    ck_assert_str_eq(json_string_value(json_object_get(health, "status")), "ok");
    trial_free(&trial);
    json_decref(stats);
    json_decref(health);
}

/* Until the figure is at least `least`. */
static double stat_reaches(uint16_t port, const char *name, double least)
{
    double reached = NAN;
    for (int i = 0; i < 1000 && !(reached >= least); i++) {
        json_t *stats = http_get_json(port, "/stats");
        reached = stat(stats, "query_buffer", name);
        json_decref(stats);
        support_sleep_ms(10);
    }
    ck_assert_msg(reached >= least, "%s is %g", name, reached);
    return reached;
}

TEST(what_a_near_cache_holds)
{
    /* breaks when /stats, a KPI or the report say another size of the near cache than the replies that it has, or a size of
     * one that is not there */
    uint16_t port;
    json_t *stats, *health;
    char kpis[192];
    /* of each key: *2 $3 GET $16 key:000000000012, and $512 with its value */
    const double each = 4 + 4 + 5 + 5 + 18 + 6 + 514;
    test_server_start(&world.server, NULL);
    snprintf(kpis, sizeof kpis, "%s/kpis.yaml", world.tree.path);
    temp_tree_write(&world.tree, "/kpis.yaml",
                    "kpis: {kept: {metric: cache_memory, warning: 0.001, critical: 100}}\n", 0600);
    write_buffer("query: {cache_size: 100}\n");
    trial_start(&trial, "-p", world.server.port_text, "--cpus", "none", "-r", "50", "-t", "get",
                "-d", "512", "--prefill", "--processes", "2", "-c", "8", "--duration", "60",
                "--interval", "100ms", "--listen", "0", "--buffer", path, "--kpis", kpis, NULL);
    port = port_of_page();
    /* All of them in both workers, for the whole of an interval. */
    ck_assert_double_le(stat_reaches(port, "cache_size", 99.9), 100.001);
    ck_assert_double_eq_tol(stat_reaches(port, "cache_memory", 99.9 * each / 1048576),
                            100 * each / 1048576, 0.001);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    const json_t *cache = json_object_get(buffer("cache"), "mean_replies");
    ck_assert_double_gt(json_number_value(cache), 50);
    ck_assert_double_le(json_number_value(cache), 100.001);
    ck_assert_double_eq_tol(json_number_value(json_object_get(buffer("cache"), "mean_bytes")),
                            json_number_value(cache) * each, 50);
    trial_expect(&trial, PROGRAM_OUT, "it kept on the average ");
    trial_expect(&trial, PROGRAM_OUT, " replies, at most 200; its memory");
    trial_expect(&trial, PROGRAM_OUT, "kept                 0.0");
    trial_free(&trial);
    write_buffer("round_buffer: {max_size: 2}\n");
    WATCHED("-c", "10", "--buffer", path);
    ck_assert(isnan(stat(stats, "query_buffer", "cache_size")));
    ck_assert(isnan(stat(stats, "query_buffer", "cache_memory")));
    trial_free(&trial);
    json_decref(stats);
    json_decref(health);
}

#define WORKLOAD                                                                                   \
    "name: shop\nkeys: {items: {count: 1000}}\nvalues: {text: {size: 16}}\n"                       \
    "classes: [{name: write, command: \"SET {key:items} {value:text}\"}]\n"

TEST(of_a_workload)
{
    /* breaks when the buffer of a workload's file is not that of the run, or --buffer does not go before it */
    char file[192];
    test_server_start(&world.server, NULL);
    snprintf(file, sizeof file, "%s/shop.yaml", world.tree.path);
    temp_tree_write(&world.tree, "/shop.yaml",
                    WORKLOAD "buffer: {round_buffer: {max_size: 4, max_tokens: 0}, performance: "
                             "{flush_interval: 10s}}\n",
                    0600);
    trial_start(&trial, "-p", world.server.port_text, "--workload", file, "-n", "4000", "-c", "16",
                "--processes", "1", NULL);
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_OUT, "Buffer:\n======\nshop: ");
    ck_assert_int_eq(messages(), 4000);
    ck_assert_int_eq(flushes("full"), 1000);
    trial_free(&trial);
    trial_start(&trial, "-p", world.server.port_text, "--workload", file, "-n", "1000", "-c", "16",
                "--buffer", "bypass", NULL);
    trial_end(&trial, 0);
    ck_assert(json_object_get(trial.run, "buffer") == NULL);
    trial_free(&trial);
    struct program program;
    program_run_volley(&program, "bench", "-p", "1", "--workload", file, "--workload",
                       "leaderboard", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_msg(strstr(program.err, "--buffer and several workloads side by side exclude each "
                                      "other: it is of one client") != NULL,
                  "%s", program.err);
    program_free(&program);
    program_run_volley(&program, "bench", "-p", "1", "--workload", file, "--explain", NULL);
    ck_assert_msg(strstr(program.out, "the workload's own       command line: --workload") != NULL,
                  "%s", program.out);
    program_free(&program);
}

TEST(time_to_live_of_no_cache)
{
    /* breaks when an age of replies, none of which is kept, is taken without a word, or the notice of a workload does not say
     * in which file and line */
    static const struct {
        const char *query, *said;
    } rows[] = {{"{cache_ttl: 5s}", ":6:22: cache_ttl has no effect: without a cache_size above 0"},
                {"{cache_size: 0, cache_ttl: 5s}", ":6:37: cache_ttl has no effect"},
                {"{similarity_threshold: 0.9}", ":6:33: similarity_threshold has no effect"},
                {"{cache_ttl: 5s, max_size: 3}", "vectors; cache_ttl has no effect"},
                {"{cache_size: 10, cache_ttl: 5s}", NULL}};
    char file[192], text[400], said[400];
    snprintf(file, sizeof file, "%s/shop.yaml", world.tree.path);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct program program;
        snprintf(text, sizeof text, WORKLOAD "buffer:\n  query: %s\n", rows[i].query);
        temp_tree_write(&world.tree, "/shop.yaml", text, 0600);
        program_run_volley(&program, "bench", "-p", "1", "--workload", file, "--explain", NULL);
        snprintf(said, sizeof said, "%s%s",
                 rows[i].said != NULL && rows[i].said[0] == ':' ? file : "",
                 rows[i].said != NULL ? rows[i].said : "no effect");
        ck_assert_msg((strstr(program.err, said) != NULL) == (rows[i].said != NULL), "%s: %s%s",
                      rows[i].query, said, program.err);
        ck_assert(strstr(program.err, "the workload's own") == NULL);
        program_free(&program);
    }
}

TEST(similarity_of_no_vectors)
{
    /* breaks when a key that changes nothing is refused, or taken without a word */
    struct program program;
    test_server_start(&world.server, NULL);
    write_buffer("query: {similarity_threshold: 0.9}\n");
    RUN("-t", "set", "-n", "100", "-c", "4");
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_ERR, "similarity_threshold has no effect");
    trial_free(&trial);
    program_run_volley(&program, "validate", "buffer", path, NULL);
    ck_assert_int_eq(program.exit_status, 0);
    ck_assert_msg(strstr(program.err, "similarity_threshold has no effect") != NULL, "%s",
                  program.err);
    program_free(&program);
    write_buffer("{}\n");
    RUN("-t", "set", "-n", "100", "-c", "4");
    trial_end(&trial, 0);
    trial_expect_not(&trial, PROGRAM_ERR, "similarity_threshold");
    trial_free(&trial);
}

static const struct {
    const char *text, *option, *value, *words;
} refused[] = {
    {"round_buffer: {max_size: 0}\n", "-n", "1", "buffer.yaml:1:26"},
    {"round_buffer: {max_sise: 8}\n", "-n", "1", "max_size"},
    {"performance: {flush_strategy: often}\n", "-n", "1", "size_based, time_based"},
    {"query: {cache_sise: 100}\n", "-n", "1", "cache_sise"},
    {"query: {similarity_threshold: 1.5}\n", "-n", "1", "similarity_threshold: 1.5"},
    {"{}\n", "-P", "4", "--buffer and --pipeline exclude each other"},
    {"{}\n", "--think-time", "1", "--buffer and --think-time exclude each other"},
    {"{}\n", "--shed-after", "1", "--shed-after"},
    {"{}\n", "--keepalive", "0", "--buffer and --keepalive exclude each other"},
    {"{}\n", "--clients-ramp-start", "1", "--clients-ramp"},
};

LOOP_TEST(refusals, sizeof refused / sizeof refused[0])
{
    /* breaks when a buffer that cannot be meant, or an option that means nothing beside one, is taken */
    snprintf(world.server.port_text, sizeof world.server.port_text, "1");
    write_buffer(refused[_i].text);
    RUN("-t", "set", refused[_i].option, refused[_i].value);
    program_wait(&trial.program);
    ck_assert_int_ge(trial.program.exit_status, 2);
    ck_assert_int_le(trial.program.exit_status, 3);
    trial_expect(&trial, PROGRAM_ERR, refused[_i].words);
    trial_free(&trial);
}

TEST(a_name_that_is_none)
{
    /* breaks when a buffer of an unknown name is not told from those that there are */
    struct program program;
    program_run_volley(&program, "bench", "-p", "1", "-t", "set", "--buffer", "minimall", NULL);
    ck_assert_int_eq(program.exit_status, 3);
    ck_assert_msg(strstr(program.err, "there are balanced, ") != NULL, "%s", program.err);
    ck_assert_msg(strstr(program.err, ", minimal") != NULL, "%s", program.err);
    ck_assert_msg(strstr(program.err, "configs/") == NULL, "%s", program.err);
    program_free(&program);
}

TEST_SUITE_WITH(buffer, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
