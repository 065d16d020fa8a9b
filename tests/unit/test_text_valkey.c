/* The report as valkey-benchmark prints it: what parses that one parses this one. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static void feed(struct timeline *timeline, struct interval_row *row)
{
    struct err err = {.code = OK};
    ck_assert_int_eq(timeline_interval(timeline, row, &err), OK);
    free(row);
}

/* Half a second of warm-up, then a second and a half: of two commands a request, or of one. */
static void play_rows(struct timeline *timeline, const struct run_facts *facts, bool refused)
{
    timeline_run_begin(timeline, facts);
    for (uint32_t i = 0; i < 4; i++) {
        struct interval_row *row = fixture_row(i);
        row->header.start_ns = i * 500 * NS_PER_MS;
        row->header.end_ns = (i + 1) * 500 * NS_PER_MS;
        row->header.connections_open = 4;
        row->header.flags = i == 0 ? INTERVAL_WARMUP : i == 3 ? INTERVAL_LAST : 0;
        if (i != 3)
            fixture_answer(row, 150 * NS_PER_US, i == 1 ? 990 : 500);
        if (i == 1)
            fixture_answer(row, 2500 * NS_PER_US, 10);
        if (i == 2 && refused) {
            fixture_kind(timeline, "ERR", "ERR value is not an integer or out of range");
            fixture_refuse(row, 0, 50 * NS_PER_US, 2);
        }
        feed(timeline, row);
    }
    struct run_result *result = fixture_result();
    if (refused)
        result->status = E_FAILED;
    timeline_run_end(timeline, result);
    free(result);
}

static struct run_facts facts_of(const char *name, uint64_t commands)
{
    struct run_facts facts = fixture_facts();
    facts.requests = 0;
    facts.interval_ns = facts.warmup_ns = 500 * NS_PER_MS;
    facts.commands = commands;
    snprintf(facts.name, sizeof facts.name, "%s", name);
    return facts;
}

/* Two runs in a report of this kind; owned by the caller. */
static char *play(const struct valkey_report *report, const struct run_facts *facts, bool refused)
{
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_valkey_benchmark(&sink, out, report, &err), OK);
    timeline_add(&timeline, sink);
    struct session_facts session = fixture_session();
    json_object_set_new(session.environment, "server",
                        json_pack("{s:s, s:s}", "save", "3600 1 300 100", "appendonly", "no"));
    timeline_session_begin(&timeline, &session);
    play_rows(&timeline, facts, false);
    play_rows(&timeline, facts, refused);
    timeline_session_end(&timeline);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    fclose(out);
    return text;
}

TEST(what_had_no_reply)
{
    /* a percentile of the summary leaves out who waited in vain until the load ended */
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    const struct run_facts facts = fixture_facts();
    const struct valkey_report report = {.style = TEXT_CSV};
    struct session_facts session = fixture_session();
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_valkey_benchmark(&sink, out, &report, &err), OK);
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(0);
    row->header.flags = INTERVAL_LAST;
    fixture_answer(row, 150 * NS_PER_US, 94);
    row->counters[COUNTER_SENT] += 6;
    row->counters[COUNTER_DUE] += 6;
    fixture_unanswered(row, COUNTER_LOST_DRAIN, 0, 700 * NS_PER_MS, 6);
    feed(&timeline, row);
    struct run_result *result = fixture_result();
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, ",\"0.150\",\"0.150\",\"0.150\",\"699.924\",\"699.924\","
                                       "\"700.000\"\n"));
    free(result);
    free(text);
}

static void ck_prints(const struct valkey_report *report, const struct run_facts *facts,
                      bool refused, const char *expected)
{
    char *text = play(report, facts, refused);
    ck_assert_str_eq(text, expected);
    free(text);
}

#define CLEAN(blanks_) "%*s\r", blanks_, " "

TEST(csv)
{
    /* a column moves, a carriage return or a throughput line gets in, or the header comes twice */
    const struct run_facts facts = facts_of("GET", 1);
    const struct valkey_report report = {.style = TEXT_CSV};
    ck_prints(&report, &facts, false,
              "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\","
              "\"p95_latency_ms\",\"p99_latency_ms\",\"max_latency_ms\"\n"
              "\"GET\",\"1000.00\",\"0.166\",\"0.150\",\"0.150\",\"0.150\",\"0.150\",\"2.500\"\n"
              "\"GET\",\"1000.00\",\"0.166\",\"0.150\",\"0.150\",\"0.150\",\"0.150\",\"2.500\"\n");
}

/* The throughput lines of one run, each over the one before. */
static char *throughput(const char *name, unsigned per_request)
{
    char *text = NULL;
    size_t text_bytes = 0;
    const struct {
        const char *before;
        unsigned rate, overall, done;
        const char *times;
    } lines[] = {{"Warming up ", 1000, 1000, 0, "0.150 (overall: 0.150)"},
                 {"", 2000, 2000, 1000, "0.173 (overall: 0.173)"},
                 {"", 1000, 1500, 1500, "0.150 (overall: 0.166)"},
                 {"", 0, 1000, 1500, "0.000 (overall: 0.166)"}};
    FILE *out = open_memstream(&text, &text_bytes);
    int bytes = 0;
    for (size_t i = 0; i < 4; i++) {
        char done[32];
        fprintf(out, CLEAN(bytes));
        snprintf(done, sizeof done, i == 0 ? "0.5 seconds" : "%u requests",
                 lines[i].done * per_request);
        bytes = fprintf(out, "%s%s: rps=%u.0 (overall: %u.0) avg_msec=%s %s", lines[i].before, name,
                        lines[i].rate * per_request, lines[i].overall * per_request, lines[i].times,
                        done);
        fprintf(out, "\r");
    }
    fprintf(out, CLEAN(bytes));
    fclose(out);
    return text;
}

TEST(quiet)
{
    /* -q: what takes the part behind the last carriage return of a line finds something else */
    const struct run_facts facts = facts_of("GET", 1);
    const struct valkey_report report = {.style = TEXT_QUIET};
    char expected[4000];
    char *lines = throughput("GET", 1);
    static const char last[] = "GET: 1000.00 requests per second, p50=0.150 msec\n";
    snprintf(expected, sizeof expected, "%s%s%s%s\n", lines, last, lines, last);
    ck_prints(&report, &facts, false, expected);
    free(lines);
}

TEST(whole)
{
    /* a heading, a caption or the order of the long report is not that tool's; a sequence counts once */
    struct run_facts facts = facts_of("set a b ; get a", 2);
    const struct valkey_report report = {
        .style = TEXT_REPORT, .command = true, .keepalive = true, .threads = true};
    char *text = play(&report, &facts, false);
    char *lines = throughput("set a b ; get a", 2);
    char expected[6000];
    snprintf(expected, sizeof expected,
             "%s"
             "====== set a b ; get a ======\n"
             "  3000 requests completed in 1.50 seconds\n"
             "  4 parallel clients\n"
             "  36 bytes payload\n"
             "  keep alive: 1\n"
             "  host configuration \"save\": 3600 1 300 100\n"
             "  host configuration \"appendonly\": no\n"
             "  multi-thread: yes\n"
             "  threads: 2\n"
             "\n"
             "Latency by percentile distribution:\n"
             "0.000%% <= 0.150 milliseconds (cumulative count 2980)\n"
             "99.609%% <= 2.500 milliseconds (cumulative count 3000)\n"
             "100.000%% <= 2.500 milliseconds (cumulative count 3000)\n"
             "\n"
             "Cumulative distribution of latencies:\n"
             "0.000%% <= 0.100 milliseconds (cumulative count 0)\n"
             "99.333%% <= 0.200 milliseconds (cumulative count 2980)\n"
             "100.000%% <= 3.100 milliseconds (cumulative count 3000)\n"
             "\n"
             "Summary:\n"
             "  throughput summary: 2000.00 requests per second\n"
             "  latency summary (msec):\n"
             "          avg       min       p50       p95       p99       max\n"
             "        0.166     0.150     0.150     0.150     0.150     2.500\n",
             lines);
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
    /* the second run follows at once; no blank line stands behind a command */
    ck_assert_int_eq(strncmp(text + strlen(expected), lines, strlen(lines)), 0);
    ck_assert_str_eq(text + strlen(text) - 2, "0\n");
    free(lines);
    free(text);
}

TEST(counted_requests)
{
    /* replies that the warm-up left behind count as those of -n */
    struct run_facts facts = facts_of("GET", 1);
    const struct valkey_report report = {.style = TEXT_REPORT};
    facts.requests = 1450;
    char *text = play(&report, &facts, false);
    ck_assert_ptr_nonnull(strstr(text, "  1450 requests completed in 1.50 seconds\n"));
    ck_assert_ptr_nonnull(strstr(text, "  keep alive: 0\n"));
    ck_assert_ptr_nonnull(strstr(text, "  multi-thread: no\n\nLatency"));
    ck_assert_str_eq(text + strlen(text) - 3, "0\n\n");
    free(text);
}

TEST(with_a_rate)
{
    /* the rates are not summed up, or the time of a run is not in its throughput lines */
    struct run_facts facts = facts_of("GET", 1);
    const struct valkey_report report = {.style = TEXT_REPORT, .rate = 1500};
    facts.duration_ns = 1500 * NS_PER_MS;
    char *text = play(&report, &facts, false);
    ck_assert_ptr_nonnull(
        strstr(text, "\nRPS Summary:\n  target RPS: 1500.00\n  RPS distribution (reqs/sec):\n"
                     "          avg       min       p50       p95       p99       max\n"
                     "     1500.000  1000.000  1000.000  2000.000  2000.000  2000.000\n"));
    ck_assert_ptr_nonnull(strstr(text, " avg_msec=0.173 (overall: 0.173) 0.5 seconds\r"));
    free(text);
}

TEST(cluster)
{
    /* the nodes are not listed in front of all else, or those without load are */
    struct run_facts facts = facts_of("GET", 1);
    facts.node_count = 3;
    snprintf(facts.nodes[0].text, sizeof facts.nodes[0].text, "10.0.0.1:7000");
    snprintf(facts.nodes[1].text, sizeof facts.nodes[1].text, "10.0.0.2:7001");
    snprintf(facts.nodes[2].text, sizeof facts.nodes[2].text, "10.0.0.3:7002");
    for (uint32_t i = 0; i < 3; i++)
        facts.nodes[i].role = facts.nodes[i].role_at_start =
            i == 2 ? RUN_ROLE_REPLICA : RUN_ROLE_PRIMARY;
    struct valkey_report report = {.style = TEXT_CSV, .cluster = true};
    char *text = play(&report, &facts, false);
    static const char primaries[] = "Cluster has 2 primary nodes:\n\n"
                                    "Node 0(Primary): 10.0.0.1:7000\n"
                                    "Node 1(Primary): 10.0.0.2:7001\n\n\"test\"";
    ck_assert_int_eq(strncmp(text, primaries, strlen(primaries)), 0);
    free(text);
    report.replica_reads = REPLICA_READS_YES;
    text = play(&report, &facts, false);
    static const char replicas[] = "Cluster has 1 replica nodes:\n\n"
                                   "Node 0(Replica): 10.0.0.3:7002\n\n\"test\"";
    ck_assert_int_eq(strncmp(text, replicas, strlen(replicas)), 0);
    free(text);
    report = (struct valkey_report){.cluster = true, .replica_reads = REPLICA_READS_ALL};
    text = play(&report, &facts, false);
    ck_assert_ptr_nonnull(strstr(text, "\nNode 2(Replica): 10.0.0.3:7002\n\n"));
    ck_assert_ptr_nonnull(strstr(text, "  cluster mode: yes (3 cluster)\n  multi-thread: no\n"));
    free(text);
}

TEST(failed)
{
    /* a run that an error ended has a summary that a script takes for a result */
    const struct run_facts facts = facts_of("GET", 1);
    const struct valkey_report reports[] = {
        {.style = TEXT_REPORT}, {.style = TEXT_QUIET}, {.style = TEXT_CSV}};
    static const char *const results[] = {"======", "requests per second", "\"GET\""};
    for (size_t i = 0; i < 3; i++) {
        char *text = play(&reports[i], &facts, true);
        char *first = strstr(text, results[i]);
        ck_assert_ptr_nonnull(first);
        char *line_end = strchr(first, '\n');
        ck_assert_ptr_null(strstr(line_end, results[i]));
        free(text);
    }
}

TEST(idle)
{
    /* idle connections are reported as load */
    const struct run_facts facts = facts_of("PING", 1);
    const struct valkey_report report = {.style = TEXT_QUIET, .idle = true, .command = true};
    char *text = play(&report, &facts, false);
    static const char expected[] =
        "Creating 4 idle connections and waiting forever (Ctrl+C when done)\n"
        "clients: 4\rclients: 4\r";
    ck_assert_int_eq(strncmp(text, expected, strlen(expected)), 0);
    ck_assert_ptr_null(strstr(text, "rps"));
    free(text);
}

TEST_SUITE(text_valkey)
