#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

typedef void play_function(struct timeline *timeline, const struct session_facts *session);

/* A timeline whose only output is the text report. */
struct stage {
    char *text; /* so far */
    size_t text_bytes;
    FILE *out;
    struct timeline timeline;
    struct session_facts session;
};

static void open_stage(struct stage *stage, FILE *out, enum text_style style, bool debug)
{
    struct sink sink;
    struct err err = {.code = OK};
    *stage = (struct stage){.session = fixture_session()};
    stage->out = out != NULL ? out : open_memstream(&stage->text, &stage->text_bytes);
    ck_assert_int_eq(timeline_init(&stage->timeline, &err), OK);
    ck_assert_int_eq(sink_text(&sink, stage->out, style, debug, &err), OK);
    timeline_add(&stage->timeline, sink);
}

/* What was printed; owned by the caller. */
static char *end_stage(struct stage *stage)
{
    timeline_destroy(&stage->timeline);
    fixture_session_free(&stage->session);
    fclose(stage->out);
    return stage->text;
}

static void close_stage(struct stage *stage)
{
    free(end_stage(stage));
}

/* What a made-up session prints in this style; owned by the caller. */
static char *play_session(play_function *play, enum text_style style, bool debug)
{
    struct stage stage;
    open_stage(&stage, NULL, style, debug);
    play(&stage.timeline, &stage.session);
    return end_stage(&stage);
}

static char *play(enum text_style style, bool debug)
{
    setenv("LC_ALL", "C", 1);
    return play_session(fixture_play, style, debug);
}

static char *play_open(enum text_style style, bool debug)
{
    return play_session(fixture_play_open, style, debug);
}

static const char banner[] = "Volley Benchmark (Multi-Process Mode)\n"
                             "Version: volley 0.1.0 (abc)\n"
                             "Date: 2027-01-15 08:00:00 UTC\n"
                             "Target: 127.0.0.1:6379\n"
                             "Processes: 2 (CPUs 0, 1)\n"
                             "Clients: 4\n"
                             "Clients per process: 2\n"
                             "Pipeline: 1\n"
                             "Total Requests: 1,000\n"
                             "Warm-up: 1s\n"
                             "Data Size: 3 bytes\n"
                             "Keys: 100,000, random\n"
                             "Command: GET\n"
                             "\n";

static const char results[] =
    "Final Results:\n"
    "=============\n"
    "Total time: 3.00 seconds\n"
    "Requests completed: 1,500\n"
    "Requests per second: 500.00\n"
    "Total errors: 3\n"
    "\n"
    "Latency Statistics (ms):\n"
    "=====================\n"
    "Minimum: 0.150\n"
    "Average: 0.166\n"
    "Maximum: 2.500\n"
    "Median (p50): 0.150\n"
    "95th percentile: 0.150\n"
    "99th percentile: 0.150\n"
    "99.9th percentile: 2.500 (few samples)\n"
    "Closed loop: each latency is the time from a request's write to "
    "its reply's read (service time).\n"
    "Minimum, average, maximum and the distribution are of the 1,500 "
    "answered without an error.\n"
    "1 more had no reply or were never sent; the longest had waited "
    "2,000.000 ms. The percentiles count them; the average of all is at "
    "least 1.498 ms.\n"
    "\n"
    "Latency Distribution:\n"
    "====================\n"
    "(each row counts what the rows above do not)\n"
    "<= 0.1 ms: 0.00% (0 requests)\n"
    "<= 0.5 ms: 99.33% (1,490 requests)\n"
    "<= 1.0 ms: 0.00% (0 requests)\n"
    "<= 2.0 ms: 0.00% (0 requests)\n"
    "<= 5.0 ms: 0.67% (10 requests)\n"
    "\n"
    "Over Time:\n"
    "=========\n"
    "(a column is 1.00 s: its lowest rate, its highest latencies; what had no "
    "reply counts with its wait)\n"
    "rate/s           0 |# =| 1,000\n"
    "p50 ms       0.150 |# #| 0.150\n"
    "p99 ms       0.150 |# #| 0.150\n"
    "max ms       2.500 |_ #| 2,000.000\n"
    "\n"
    "Traffic:\n"
    "=======\n"
    "Out: 0.02 MB/s\n"
    "In: 0.00 MB/s\n"
    "Hits: 900\n"
    "Misses: 100 (10.00%)\n"
    "Warning: more than 1% of the keys were not there: the reads measure "
    "a server that finds nothing; write the keys first with --prefill\n"
    "\n"
    "Errors:\n"
    "======\n"
    "WRONGTYPE: 2 (first: WRONGTYPE Operation against a key)\n"
    "timed out: 1\n"
    "connections lost: 1, reconnects: 1\n"
    "\n"
    "Failures:\n"
    "========\n"
    "not known whether executed: 1 request (timed out 1, lost 0)\n"
    "outages: none seen\n"
    "\n";

TEST(the_report_has_its_fixed_layout)
{
    /* breaks if a program that parses the report of the tool volley replaces can no longer do so */
    char *text = play(TEXT_REPORT, false);
    size_t banner_bytes = sizeof banner - 1, results_bytes = sizeof results - 1;
    ck_assert_msg(strncmp(text, banner, banner_bytes) == 0, "%s", text);
    ck_assert_msg(strncmp(text + banner_bytes, results, results_bytes) == 0, "%s", text);
    const char *verdict = text + banner_bytes + results_bytes;
    ck_assert_msg(strncmp(verdict, "Verdict: AMBER\n=======\n", 23) == 0, "%s", verdict);
    ck_assert_ptr_nonnull(strstr(verdict, "\nAMBER misses   10.000 % of lookups   (limit: 1 %)\n"
                                          "      most servers answer a missing key "));
    ck_assert_ptr_null(strstr(verdict, "GREEN"));
    ck_assert_ptr_null(strstr(verdict, "Percentile Spectrum"));
    free(text);
}

static void play_usual(struct timeline *timeline, const struct session_facts *session)
{
    static const double usual[] = {50, 95, 99, 99.9, 99.99};
    struct session_facts unasked = *session;
    unasked.percentiles = usual;
    unasked.percentile_count = sizeof usual / sizeof usual[0];
    fixture_play(timeline, &unasked);
}

TEST(notes_stand_among_the_checks)
{
    /* breaks if what explains a figure without doubting it is not told, or told as a doubt */
    char *text = play_session(play_usual, TEXT_REPORT, false);
    ck_assert_msg(strstr(text, "\nnote  few_samples   1,500 for p99.9   (limit: ") != NULL, "%s",
                  text);
    ck_assert_ptr_null(strstr(text, "AMBER few_samples"));
    free(text);
}

TEST(nodes_and_outages_are_told)
{
    /* breaks if a reader cannot see which node failed, for how long, and who took over */
    char *text = play_session(fixture_play_cluster, TEXT_REPORT, false);
    static const char *const expected[] = {
        "\nConnections:\n===========\n"
        "TLS handshakes: 4, 1 resumed, p50 2.000 ms, p99 2.000 ms, max 2.000 ms\n"
        "Redirected: MOVED 7, ASK 0, TRYAGAIN 0, CLUSTERDOWN 0; sent again: 7\n",
        "\nNodes:\n=====\n"
        "(p50, p99 and max are of the requests that were answered without an error)\n"
        "address         role       share            ok      errors  redirected  "
        "unanswered     p50 ms     p99 ms     max ms  conn lost\n"
        "127.0.0.1:7000  primary   35.77%           660          25           0           0      "
        "0.152      9.000      9.000          0\n"
        "127.0.0.1:7001  gone ",
        "connections lost: 2, reconnects: 0\n  of them: reset 2\n"
        "failed connection attempts: 3\n  of them: refused 2\n",
        "\nFailures:\n========\n"
        "not known whether executed: 5 requests (timed out 3, lost 2)\n"
        "without one success: 1.400 s in 1 outage\n"
        "  at 4.500 s: 1.400 s without success, 1.390 s from the first failed request to the first "
        "success\n"
        "    failed in it or close by: 63 (LOADING 60, timed out 3), not known whether executed: "
        "3, failed attempts to connect: 3\n"
        "    response time of those answered, p50 / p99 / max: before 0.150 / 0.150 / 0.150 ms, "
        "the first 5 s after "
        "0.152 / 9.000 / 9.000 ms, then none\n",
        "127.0.0.1:7001: without one success: 2.750 s in 1 outage\n"
        "  at 3.200 s: 2.750 s without success, 2.740 s from the first failed request to the first "
        "success, 127.0.0.1:7003 took over\n"
        "    failed: 25 (errors 20, timed out 3, lost 2), not known whether executed: 5, "
        "connections lost: 2, failed attempts to connect: 3\n",
        "RED outage   1, 1.400 s without success   (limit: none, RED above 10 % of the run)\n"};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_msg(strstr(text, expected[i]) != NULL, "%s", expected[i]);
    ck_assert_ptr_null(strstr(text, "127.0.0.1:7003: without"));
    free(text);
}

TEST(classes_are_told)
{
    /* Breaks when classes are not told apart, or one class gets a table of its own. */
    char *text = play_session(fixture_play_classes, TEXT_REPORT, false);
    static const char expected[] =
        "\nClasses:\n=======\n(service times in ms; share: of the requests sent)\n"
        "class    share  ok per second          p50          p99          max      errors  "
        "unanswered   misses\n"
        "read    79.73%         793.33        0.150        0.150        2.500           0  "
        "         0   11.39%\n"
        "write   20.27%         200.00        0.900        0.900        0.900           2  "
        "         3        -\n";
    ck_assert_msg(strstr(text, expected) != NULL, "%s", text);
    free(text);
    text = play(TEXT_REPORT, false);
    ck_assert_ptr_null(strstr(text, "Classes"));
    free(text);
}

TEST(debug_adds_spectrum_and_workers)
{
    /* breaks if --debug hides how the values spread, or who did the work */
    char *text = play(TEXT_REPORT, true);
    ck_assert_ptr_nonnull(strstr(text, "       0.150 0.500000000000       1490           2.00\n"));
    ck_assert_ptr_nonnull(strstr(text, "       2.500 1.000000000000       1500\n"));
    ck_assert_ptr_nonnull(strstr(text, "worker 0: pid 101, CPU 0, 500 requests (166.67 per "
                                       "second), CPU 0.250 s user + 0.500 s system (25.0%), 0 "
                                       "restarts\n"));
    ck_assert_ptr_nonnull(strstr(text, "worker 1: pid 102, not pinned, "));
    free(text);
}

TEST(quiet_is_one_line)
{
    /* breaks if -q prints anything but valkey-benchmark's line */
    char *text = play(TEXT_QUIET, true);
    ck_assert_str_eq(text, "GET: 500.00 requests per second, p50=0.150 msec\n");
    free(text);
}

TEST(csv_is_a_header_and_a_row)
{
    /* breaks if --csv differs from valkey-benchmark's columns and quotes */
    char *text = play(TEXT_CSV, false);
    ck_assert_str_eq(text, "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\","
                           "\"p50_latency_ms\",\"p95_latency_ms\",\"p99_latency_ms\","
                           "\"max_latency_ms\"\n"
                           "\"GET\",\"500.00\",\"0.166\",\"0.150\",\"0.150\",\"0.150\",\"0.150\","
                           "\"2.500\"\n");
    free(text);
}

static const char open_banner[] = "Clients: 2 to 4, ramped\n"
                                  "Clients per process: 2\n"
                                  "Pipeline: 1\n"
                                  "Rate: 1,000/s, even\n"
                                  "Shed after: 900ms\n"
                                  "Duration: 3s\n"
                                  "Warm-up: until steady, at most 5s\n"
                                  "Data Size: 3 bytes\n";

static const char open_results[] =
    "Final Results:\n"
    "=============\n"
    "Total time: 3.00 seconds\n"
    "Requests completed: 1,900\n"
    "Requests per second: 633.33\n"
    "Total errors: 20\n"
    "Target rate: 1,000.00 per second\n"
    "Achieved rate: 633.33 per second (63.33% of the target)\n"
    "Due: 3,000\n"
    "Sent: 1,920 (64.00% of what was due)\n"
    "Backlog (due, never sent): 680\n"
    "Shed (due, dropped): 400\n"
    "Target not reached: 64 % of 1,000/s sent, because the server answered too slowly for 4 "
    "connections: all were busy 33 % of the time\n"
    "Warm-up ended after: 1s, steady\n"
    "\n"
    "Latency Statistics (ms):\n"
    "=====================\n"
    "Minimum: 0.200\n"
    "Average: 236.989\n"
    "Maximum: 900.000\n"
    "Median (p50): 900.000\n"
    "95th percentile: >= 899.678\n"
    "99th percentile: >= 899.678\n"
    "99.9th percentile: >= 949.486 (few samples)\n"
    "Open loop: each latency is the time from a request's intended time to its reply's read "
    "(response time).\n"
    "Minimum, average, maximum and the distribution are of the 1,900 answered without an error.\n"
    "1,100 more had no reply or were never sent; the longest had waited 950.000 ms. The "
    "percentiles "
    "count them; the average of all is at least 353.380 ms.\n"
    "\n"
    "Times (ms):\n"
    "==========\n"
    "              response       service          wait          slip\n"
    "min              0.200         0.150         0.000         0.050\n"
    "avg            236.989         0.176         0.000       243.711\n"
    "p50            900.000         0.150         0.000         0.050\n"
    "p95          >=899.678         0.250         0.000       899.750\n"
    "p99          >=899.678      >=50.987         0.000       899.750\n"
    "p99.9       *>=949.486     *>=50.987        *0.000      *899.750\n"
    "max            900.000         0.250         0.000       899.750\n"
    "* few samples; response: intended time to reply, the sum of the others; service: sent to "
    "reply;\n"
    "wait: for a connection that could take it; slip: how late volley itself was\n"
    "\n"
    "Latency Distribution:\n"
    "====================\n"
    "(each row counts what the rows above do not)\n"
    "<= 0.1 ms: 0.00% (0 requests)\n"
    "<= 0.5 ms: 73.68% (1,400 requests)\n";

TEST(an_open_loop_shows_what_users_waited)
{
    /* breaks if a run at a rate reports service times, or hides what it did not send */
    char *text = play_open(TEXT_REPORT, false);
    ck_assert_msg(strstr(text, open_banner) != NULL, "%s", text);
    ck_assert_msg(strstr(text, open_results) != NULL, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "\nVerdict: RED\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\nRED target   64.00 % of 1,000/s sent   (limit: 99 %, RED below 90 %)\n"
                     "      target not reached: 64 % of 1,000/s sent, because the server"));
    ck_assert_ptr_nonnull(strstr(text, "\nAMBER shed   400, 13.333 % of due "));
    ck_assert_ptr_nonnull(strstr(text, "\nAMBER censored   p95 is at least 899.678 ms "));
    free(text);
}

TEST(one_line_styles_show_the_response_time)
{
    /* breaks if -q or --csv, which have room for one latency, leave the waiting out */
    char *text = play_open(TEXT_QUIET, false);
    ck_assert_str_eq(text, "GET: 633.33 requests per second, p50=900.000 msec\n");
    free(text);
    text = play_open(TEXT_CSV, false);
    ck_assert_ptr_nonnull(strstr(text, "\n\"GET\",\"633.33\",\"236.989\",\"0.200\",\"900.000\","
                                       "\"\",\"\",\"900.000\"\n"));
    free(text);
}

TEST(debug_follows_the_response_time)
{
    /* breaks if the spectrum shows other values than the report, or spinning looks like work */
    char *text = play_open(TEXT_REPORT, true);
    ck_assert_ptr_nonnull(strstr(text, "     900.000 1.000000000000       1900\n"));
    ck_assert_ptr_nonnull(strstr(text, "CPU 0.250 s user + 0.500 s system (25.0%; 15.0% without "
                                       "0.300 s of spinning), 0 restarts\n"));
    ck_assert_ptr_nonnull(strstr(text, "CPU 0.250 s user + 0.500 s system (25.0%), 0 restarts\n"));
    free(text);
}

/* Runs one row as one run. */
static void one_run(struct timeline *timeline, const struct run_facts *facts,
                    const struct interval_row *row)
{
    struct err err = {.code = OK};
    timeline_run_begin(timeline, facts);
    ck_assert_msg(timeline_interval(timeline, row, &err) == OK, "%s", err.text);
    struct run_result *result = fixture_result();
    timeline_run_end(timeline, result);
    free(result);
}

TEST(percentiles_without_replies_are_bounds)
{
    /* breaks if requests that never came back make the percentiles look better than they were */
    struct stage stage;
    open_stage(&stage, NULL, TEXT_REPORT, false);
    timeline_session_begin(&stage.timeline, &stage.session);
    struct run_facts facts = fixture_facts();
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000000, 940);
    fixture_answer(row, 3000000, 30);
    row->counters[COUNTER_SENT] += 30;
    row->counters[COUNTER_DUE] += 30;
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 5000000, 10);
    fixture_unanswered(row, COUNTER_LOST_DISCONNECT, 0, 10000, 20);
    one_run(&stage.timeline, &facts, row);
    ck_assert_ptr_nonnull(strstr(stage.text, "\n95th percentile: 3.000\n"));
    ck_assert_ptr_nonnull(strstr(stage.text, "\n99th percentile: >= 2.998 (few samples)\n"));
    ck_assert_ptr_nonnull(strstr(stage.text, "\n99.9th percentile: >= 4.997 (few samples)\n"));
    ck_assert_ptr_nonnull(strstr(
        stage.text, "\nMinimum, average, maximum and the distribution are of the 970 answered "
                    "without an error.\n30 more had no reply or were never sent; the longest had "
                    "waited 5.000 ms. The percentiles count them; the average of all is at least "
                    "1.080 ms.\n"));
    ck_assert_ptr_nonnull(strstr(stage.text, "\nTotal errors: 30\n"));
    ck_assert_ptr_nonnull(strstr(stage.text, "\ntimed out: 10\nlost (disconnect): 20\n"));
    close_stage(&stage);
    free(row);
}

TEST(without_success_there_are_no_latencies)
{
    /* breaks if a run in which nothing succeeded prints zeros as if they had been measured */
    struct stage stage;
    open_stage(&stage, NULL, TEXT_REPORT, false);
    timeline_session_begin(&stage.timeline, &stage.session);
    struct run_facts facts = fixture_facts();
    struct interval_row *row = fixture_row(0);
    row->counters[COUNTER_DUE] = row->counters[COUNTER_SENT] = 10;
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 5000000, 10);
    one_run(&stage.timeline, &facts, row);
    ck_assert_ptr_nonnull(strstr(stage.text,
                                 "\nTotal errors: 10\n\nno request succeeded: there are no "
                                 "latencies\n10 had no reply or were never sent; the "
                                 "longest had waited 5.000 ms. The percentiles count them; "
                                 "the average of all is at least 5.000 ms.\n\nTraffic:\n"));
    ck_assert_ptr_null(strstr(stage.text, "Latency"));
    ck_assert_ptr_null(strstr(stage.text, "few_samples"));
    close_stage(&stage);
    free(row);
}

TEST(several_runs_stand_apart)
{
    /* breaks if a prefill looks like a result, or the second report runs into the first */
    struct stage stage;
    open_stage(&stage, NULL, TEXT_REPORT, false);
    stage.session.label = "tuned";
    timeline_session_begin(&stage.timeline, &stage.session);
    struct run_facts facts = fixture_facts();
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000000, 2000);
    facts.prefill = true;
    snprintf(facts.prefill_for, sizeof facts.prefill_for, "GET");
    snprintf(facts.name, sizeof facts.name, "SET");
    one_run(&stage.timeline, &facts, row);
    ck_assert_str_eq(stage.text,
                     "Prefill for GET: 2,000 requests of SET in 1.00 s (2,000 per second)\n");
    facts.prefill = false;
    facts.worker_count = 1;
    facts.worker_cpus[0] = -1;
    facts.requests = 0;
    facts.duration_ns = 1500 * NS_PER_MS;
    facts.keyspace = 0;
    one_run(&stage.timeline, &facts, row);
    ck_assert_ptr_nonnull(strstr(stage.text,
                                 "second)\n\nVolley Benchmark\nVersion: volley 0.1.0 (abc)\n"
                                 "Date: 2027-01-15 08:00:00 UTC\nTarget: 127.0.0.1:6379\n"
                                 "Processes: 1 (not pinned)\nClients: 4\nPipeline: 1\n"
                                 "Duration: 1500ms\nData Size: 3 bytes\nKeys: fixed by the "
                                 "command\nCommand: SET\nLabel: tuned\n\nFinal Results:\n"));
    close_stage(&stage);
    free(row);
}

/* What the report says of one row of a run. */
static char *play_row_as(enum text_style style, const struct run_facts *facts,
                         const struct interval_row *row)
{
    struct stage stage;
    open_stage(&stage, NULL, style, false);
    timeline_session_begin(&stage.timeline, &stage.session);
    one_run(&stage.timeline, facts, row);
    return end_stage(&stage);
}

static char *play_row(const struct run_facts *facts, const struct interval_row *row)
{
    return play_row_as(TEXT_REPORT, facts, row);
}

TEST(quiet_has_no_median_of_nothing)
{
    /* Breaks when a run without an answer has a median of 0 ms. */
    struct run_facts facts = fixture_facts();
    struct interval_row *row = fixture_row(0);
    char *text = play_row_as(TEXT_QUIET, &facts, row);
    ck_assert_str_eq(text, "GET: 0.00 requests per second, p50 unknown\n");
    free(text);
    free(row);
}

TEST(a_run_that_measured_nothing_has_no_target)
{
    /* Breaks when a run that was stopped in its warm-up says that its target was 0, and reached. */
    struct run_facts facts = fixture_open_facts();
    struct interval_row *row = fixture_row(0);
    facts.warmup_ns = 5 * NS_PER_SECOND;
    row->header.flags = INTERVAL_WARMUP;
    fixture_answer_at(row, 1000000, 5000, 1000);
    char *text = play_row(&facts, row);
    ck_assert_ptr_null(strstr(text, "Target rate"));
    ck_assert_ptr_null(strstr(text, "no request succeeded"));
    ck_assert_ptr_nonnull(
        strstr(text, "\nnothing was measured: the run ended before measuring began\n"));
    free(text);
    free(row);
}

TEST(moves_are_no_renewals)
{
    /* Breaks when connections that went to another node after a failover pass for churn that was asked for. */
    struct run_facts facts = fixture_facts();
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000000, 20);
    row->counters[COUNTER_CONNECTIONS_RECYCLED] = 17;
    char *moved = play_row(&facts, row);
    facts.renewed = true;
    char *renewed = play_row(&facts, row);
    ck_assert_ptr_nonnull(strstr(moved, "\nMoved to another node: 17 ("));
    ck_assert_ptr_nonnull(strstr(renewed, "\nRenewed by plan: 17 ("));
    free(moved);
    free(renewed);
    free(row);
}

TEST(the_head_tells_how_to_repeat_it)
{
    /* Breaks when a reader of a report cannot say what was run, by which volley, when, against what. */
    struct stage stage;
    open_stage(&stage, NULL, TEXT_REPORT, false);
    json_object_update_missing_new(
        stage.session.environment,
        json_pack(
            "{s:{s:s, s:s, s:i, s:i}, s:{s:s, s:s, s:s, s:s, s:s}, s:{s:[s, s, s, s], s:{s:i, "
            "s:b, s:s, s:s}}}",
            "host", "name", "bench-1", "kernel", "Linux 6.1", "cpu_count", 8, "utc_offset_seconds",
            -12600, "server", "product", "valkey", "version", "8.1.1", "address", "10.0.0.1:6379",
            "mode", "cluster", "os", "Linux 5 x86_64", "invocation", "command_line", "volley",
            "--label", "it's\na \33[31mred one", "", "options_in_force", "idle", 3, "resp3", 1,
            "managed", "true", "chaos", "a b"));
    stage.session.label = "it's\na \33[31mred one";
    struct run_facts facts = fixture_facts();
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000000, 2000);
    timeline_session_begin(&stage.timeline, &stage.session);
    one_run(&stage.timeline, &facts, row);
    static const char *const expected[] = {
        "\nDate: 2027-01-15 04:30:00 -0330\n",
        "\nHost: bench-1, Linux 6.1, 8 CPUs\n",
        "\nCommand line: volley --label 'it'\\''s a  [31mred one' ''\n",
        "\nServer: valkey 8.1.1 at 10.0.0.1:6379, cluster, Linux 5 x86_64\n",
        "\nLabel: it's a  [31mred one\n",
        "\nOptions: --idle 3, --resp3, --managed, --chaos 'a b'\n"};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_msg(strstr(stage.text, expected[i]) != NULL, "%s in\n%s", expected[i],
                      stage.text);
    close_stage(&stage);
    free(row);
}

TEST(percentiles_come_as_asked)
{
    /* Breaks when --percentiles 99.9,50 shows others, or in another order. */
    static const double asked[] = {99.9, 50, 100};
    struct stage stage;
    open_stage(&stage, NULL, TEXT_REPORT, false);
    stage.session.percentiles = asked;
    stage.session.percentile_count = 3;
    fixture_play_open(&stage.timeline, &stage.session);
    ck_assert_msg(strstr(stage.text,
                         "\nMaximum: 900.000\n99.9th percentile: >= 949.486 (few samples)\n"
                         "Median (p50): 900.000\nLongest (p100): >= ") != NULL,
                  "%s", stage.text);
    ck_assert_ptr_null(strstr(stage.text, "p90"));
    ck_assert_ptr_null(strstr(stage.text, "p95 "));
    const char *first = strstr(stage.text, "\np99.9 ");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first, "\np50 "));
    close_stage(&stage);
}

TEST(names_are_quoted_in_csv)
{
    /* breaks if a command with quotes in it ends its CSV cell early */
    struct stage stage;
    open_stage(&stage, NULL, TEXT_CSV, false);
    struct run_facts facts = fixture_facts();
    snprintf(facts.name, sizeof facts.name, "SET \"a\", b");
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000000, 20);
    one_run(&stage.timeline, &facts, row);
    one_run(&stage.timeline, &facts, row);
    const char *first = strstr(stage.text, "\n\"SET \"\"a\"\", b\",\"20.00\",");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first + 1, "\n\"SET \"\"a\"\", b\",\"20.00\","));
    ck_assert_ptr_null(strstr(first, "\"test\""));
    close_stage(&stage);
    free(row);
}

TEST(a_reader_that_goes_away_is_no_failure)
{
    /* breaks if `volley ... | head -1` warns, or other outputs suffer from it */
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    FILE *out = fdopen(ends[1], "w");
    struct stage stage;
    open_stage(&stage, out, TEXT_REPORT, false);
    fixture_play(&stage.timeline, &stage.session);
    ck_assert(!stage.timeline.failed[0]);
    close_stage(&stage);
}

TEST(a_full_disk_is_a_failure)
{
    /* breaks if a report that could not be written is taken for written */
    FILE *out = fopen("/dev/full", "w");
    struct stage stage;
    open_stage(&stage, out, TEXT_REPORT, false);
    fixture_play(&stage.timeline, &stage.session);
    ck_assert(stage.timeline.failed[0]);
    close_stage(&stage);
}

TEST_SUITE(text)
