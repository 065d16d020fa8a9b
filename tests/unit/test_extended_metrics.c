/* What --extended-metrics adds to the outputs, played from rows and samples that are made up. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

#define COLUMNS 48

static char *directory;
static struct session_facts session;
static char *csv, *report;
static size_t csv_bytes, report_bytes;
static FILE *csv_out, *report_out;

static void set_up(void)
{
    directory = fixture_directory();
    session = fixture_session();
    session.extended_metrics = true;
}

static void tear_down(void)
{
    fixture_session_free(&session);
    fixture_remove(directory);
}

static void open_outputs(struct timeline *timeline)
{
    struct sink sink;
    struct err err = {.code = OK};
    csv_out = open_memstream(&csv, &csv_bytes);
    report_out = open_memstream(&report, &report_bytes);
    ck_assert_int_eq(timeline_init(timeline, &err), OK);
    ck_assert_int_eq(sink_interval_csv(&sink, csv_out, 0, &err), OK);
    timeline_add(timeline, sink);
    ck_assert_int_eq(sink_text(&sink, report_out, TEXT_REPORT, false, &err), OK);
    timeline_add(timeline, sink);
}

static void close_outputs(struct timeline *timeline)
{
    timeline_destroy(timeline);
    fclose(csv_out);
    fclose(report_out);
}

static void free_outputs(void)
{
    free(csv);
    free(report);
}

static void pass(struct timeline *timeline, struct interval_row *row)
{
    struct err err = {.code = OK};
    ck_assert_msg(timeline_interval(timeline, row, &err) == OK, "%s", err.text);
    free(row);
}

static void sample(struct timeline *timeline, uint64_t at_ns, int64_t keys, int64_t lag_seconds)
{
    struct note note = {.source = NOTE_SAMPLE, .at_ns = at_ns, .end_ns = at_ns, .ok = true};
    note_set(&note, NOTE_KEYS, keys);
    note_set(&note, NOTE_REPLICAS, 2);
    note_set(&note, NOTE_LAG_SECONDS, lag_seconds);
    note_set(&note, NOTE_LAG_BYTES, lag_seconds * 100);
    timeline_note(timeline, &note);
}

/* Warm-up with the connecting, a row with everything, a stall in which the server does not answer. */
static void play(struct timeline *timeline)
{
    struct run_facts facts = fixture_facts();
    facts.open_loop = true;
    facts.reads = true;
    timeline_session_begin(timeline, &session);
    timeline_run_begin(timeline, &facts);

    struct interval_row *row = fixture_row(0);
    row->header.flags = INTERVAL_WARMUP | INTERVAL_OPEN_LOOP;
    histogram_record_n(&row->histograms[HISTOGRAM_CONNECT], 2500000, 3);
    histogram_record_n(&row->histograms[HISTOGRAM_CONNECT], 40000000, 1);
    pass(timeline, row);
    sample(timeline, 1200 * NS_PER_MS, 1000, 1);

    row = fixture_row(1);
    row->header.flags = INTERVAL_OPEN_LOOP;
    fixture_answer(row, 100000, 1000);
    histogram_record_n(&row->histograms[HISTOGRAM_RESPONSE_OK], 700000, 1000);
    fixture_kind(timeline, "OOM", "OOM command not allowed");
    fixture_kind(timeline, "BUSY", "BUSY running a script");
    fixture_kind(timeline, "LOADING", "LOADING");
    for (uint32_t kind = 0; kind < 3; kind++)
        fixture_refuse(row, kind, 1000, kind + 1);
    row->counters[COUNTER_SENT] += 5;
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, NS_PER_SECOND, 2);
    fixture_unanswered(row, COUNTER_LOST_TIMEOUT, 0, NS_PER_MS, 1);
    fixture_unanswered(row, COUNTER_LOST_DISCONNECT, 0, NS_PER_MS, 2);
    row->counters[COUNTER_CONNECT_FAILURES] = 4;
    row->counters[COUNTER_HITS] = 990;
    row->counters[COUNTER_ASKED] = 11;
    row->counters[COUNTER_TRYAGAIN] = 12;
    row->counters[COUNTER_RESENT] = 13;
    row->counters[COUNTER_MISSES] = 10;
    fixture_unanswered(row, COUNTER_SHED_LATE, 0, NS_PER_MS, 6);
    fixture_unanswered(row, COUNTER_SHED_WORKER, 0, 0, 1);
    row->counters[COUNTER_DUE] = row->counters[COUNTER_SENT] + 7 + 9;
    row->counters[COUNTER_CPU_USER_NS] = 700 * NS_PER_MS;
    row->counters[COUNTER_CPU_SYSTEM_NS] = 500 * NS_PER_MS;
    row->counters[COUNTER_SPIN_NS] = 200 * NS_PER_MS;
    row->header.backlog_after = 9;
    histogram_record_n(&row->histograms[HISTOGRAM_SLIP], 30000, row->counters[COUNTER_SENT]);
    histogram_record_n(&row->histograms[HISTOGRAM_WAIT], 80000, row->counters[COUNTER_SENT]);
    histogram_record_n(&row->histograms[HISTOGRAM_LOOP_LAG], 4000, 10);
    pass(timeline, row);

    sample(timeline, 2200 * NS_PER_MS, 990, 4);
    timeline_note(timeline, &(struct note){.source = NOTE_SAMPLE,
                                           .at_ns = 2900 * NS_PER_MS,
                                           .end_ns = 3000 * NS_PER_MS});
    row = fixture_row(2);
    row->header.flags = INTERVAL_OPEN_LOOP | INTERVAL_LAST;
    row->header.backlog_before = 9;
    row->header.backlog_after = 20;
    row->counters[COUNTER_DUE] = 11;
    pass(timeline, row);

    struct run_result *result = fixture_result();
    timeline_run_end(timeline, result);
    timeline_session_end(timeline);
    free(result);
}

/* The value in a column of line `number` of the CSV (0: the header), by its name. */
static const char *cell(size_t number, const char *name)
{
    static char value[64];
    char line[2048], names[2048], *rest;
    const char *at = csv;
    ck_assert_int_eq(sscanf(csv, "%2047[^\n]", names), 1);
    for (size_t i = 0; i < number; i++)
        at = strchr(at, '\n') + 1;
    ck_assert_int_eq(sscanf(at, "%2047[^\n]", line), 1);
    /* a cell may be empty */
    char *cells = line, *found = NULL, *title = NULL;
    for (rest = names; title == NULL || strcmp(title, name) != 0;) {
        title = strsep(&rest, ",");
        found = strsep(&cells, ",");
        ck_assert_msg(title != NULL && found != NULL, "no column %s", name);
    }
    snprintf(value, sizeof value, "%s", found);
    return value;
}

TEST(names_and_values_stand_together)
{
    /* breaks if a column moves, is missing in some row, or a reader by position gets another one */
    struct timeline timeline;
    open_outputs(&timeline);
    play(&timeline);
    close_outputs(&timeline);
    static const char header[] =
        "timestamp,request_sec,p50_usec,p90_usec,p95_usec,p99_usec,p99_9_usec,p99_99_usec,"
        "p99_999_usec,p100_usec,avg_usec,request_finished,requests_total_failed,requests_moved,"
        "requests_clusterdown,client_disconnects,cache_hits,cache_misses,timeout_errors,"
        "connection_errors,busy_errors,oom_errors,loading_errors,keyspace_count,replication_lag,"
        "conn_est_p50,conn_est_p99,conn_est_p100,target_rate,due,sent,backlog,shed,wait_p99_usec,"
        "slip_p99_usec,service_p50_usec,service_p99_usec,service_p100_usec,loop_lag_p99_usec,"
        "connections,"
        "worker_cpu_percent,requests_asked,requests_tryagain,requests_resent,"
        "values_verified,values_corrupted,values_stale,lost_writes\n";
    ck_assert_int_eq(strncmp(csv, header, sizeof header - 1), 0);
    unsigned commas = 0, lines = 0;
    for (const char *c = csv; *c != '\0'; c++) {
        commas += *c == ',';
        lines += *c == '\n';
    }
    ck_assert_uint_eq(lines, 3);
    ck_assert_uint_eq(commas, lines * (COLUMNS - 1));
    free_outputs();
}

static const struct {
    size_t line;
    const char *column, *value;
} cells[] = {
    {1, "p50_usec", "700"}, /* response time, under a rate */
    {1, "p100_usec", "700"},
    {1, "avg_usec", "700"},
    {1, "cache_hits", "990"},
    {1, "cache_misses", "10"},
    {1, "timeout_errors", "3"},
    {1, "connection_errors", "6"},
    {1, "oom_errors", "1"},
    {1, "busy_errors", "2"},
    {1, "loading_errors", "3"},
    {1, "keyspace_count", "1000"},
    {1, "replication_lag", "1"},
    {1, "conn_est_p50", "2.50"}, /* of the warm-up */
    {1, "conn_est_p100", "40.00"},
    {1, "target_rate", "1027.000000"},
    {1, "due", "1027"},
    {1, "sent", "1011"},
    {1, "backlog", "9"},
    {1, "shed", "7"},
    {1, "wait_p99_usec", "80"},
    {1, "slip_p99_usec", "30"},
    {1, "service_p50_usec", "100"},
    {1, "service_p100_usec", "100"},
    {1, "loop_lag_p99_usec", "4"},
    {1, "connections", "4"},
    {1, "worker_cpu_percent", "50.00"}, /* 1.2 s - 0.2 s of spinning, of two workers' second */
    {1, "requests_asked", "11"},
    {1, "requests_tryagain", "12"},
    {1, "requests_resent", "13"},
    {2, "request_sec", "0.000000"},
    {2, "keyspace_count", "-1"}, /* the server does not answer any more */
    {2, "replication_lag", "-1"},
    {2, "conn_est_p100", "0.00"},
    {2, "target_rate", "11.000000"},
    {2, "backlog", "20"},
    {2, "oom_errors", "0"},
};

TEST(a_cell_says_what_its_name_does)
{
    /* breaks if a column holds another figure than its name says */
    struct timeline timeline;
    open_outputs(&timeline);
    play(&timeline);
    close_outputs(&timeline);
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        ck_assert_msg(strcmp(cell(cells[i].line, cells[i].column), cells[i].value) == 0,
                      "line %zu, %s: %s, not %s", cells[i].line, cells[i].column,
                      cell(cells[i].line, cells[i].column), cells[i].value);
    free_outputs();
}

TEST(a_report_has_the_sections)
{
    /* breaks if a section is missing, or counts something else than the columns do */
    struct timeline timeline;
    open_outputs(&timeline);
    play(&timeline);
    close_outputs(&timeline);
    static const char *const parts[] = {
        "\nError Breakdown:\n===============\nTimeouts: 3\nConnection errors: 6\n",
        "\nOOM: 1\nBUSY: 2\nLOADING: 3\n",
        "\nCache Statistics:\n================\nHits: 990\nMisses: 10\nHit rate: 99.00%\n",
        "\nConnection Establishment Time:\n=============================\nConnections: 4\n"
        "50% <= 2.50 ms\n75% <= 2.50 ms\n90% <= 40.00 ms\n",
        "100% <= 40.00 ms\n",
        "\nKeyspace Monitoring:\n===================\nSamples: 3\nSamples without an answer: 1\n"
        "Keys at the first sample: 1,000\nKeys at the last sample: 990\n"
        "Fewest and most keys: 990, 1,000\nDrops of 1% or more: 1\n",
        "\nReplication Monitoring:\n======================\nRole: primary, 2 replicas\n"
        "Lag at the last sample: 4 s\nLargest lag: 4 s, 400 bytes\n"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        ck_assert_msg(strstr(report, parts[i]) != NULL, "%s\nis not in\n%s", parts[i], report);
    free_outputs();
}

TEST(without_the_option_nothing_is_added)
{
    /* breaks if the sixteen columns that programs read become more by themselves */
    struct timeline timeline;
    session.extended_metrics = false;
    open_outputs(&timeline);
    play(&timeline);
    close_outputs(&timeline);
    ck_assert_ptr_null(strstr(csv, "cache_hits"));
    ck_assert_str_eq(cell(1, "client_disconnects"), "0");
    ck_assert_str_eq(cell(1, "p50_usec"), "700");
    ck_assert_ptr_null(strstr(report, "Keyspace"));
    ck_assert_ptr_null(strstr(report, "Error Breakdown"));
    free_outputs();
}

TEST(a_replay_gives_the_same)
{
    /* breaks if a sample is not in the journal, or comes back at another place or different */
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    bool complete = false;
    open_outputs(&timeline);
    ck_assert_int_eq(sink_journal(&sink, directory, &err), OK);
    timeline_add(&timeline, sink);
    play(&timeline);
    close_outputs(&timeline);
    char *first_csv = csv, *first_report = report;
    open_outputs(&timeline);
    ck_assert_msg(journal_replay(directory, &timeline, &complete, &err) == OK, "%s", err.text);
    ck_assert(complete);
    close_outputs(&timeline);
    ck_assert_str_eq(csv, first_csv);
    const char *from = strstr(first_report, "\nError Breakdown"); /* the parts of this file */
    const char *to = strstr(first_report, "\nVerdict");
    ck_assert(from != NULL && to != NULL);
    char *sections = strndup(from, (size_t)(to - from));
    ck_assert_msg(strstr(report, sections) != NULL, "%s\nis not in\n%s", sections, report);
    free(sections);
    free(first_csv);
    free(first_report);
    free_outputs();
}

TEST(a_drop_is_one_percent_or_more)
{
    /* breaks if a few expired keys look like an eviction, or an eviction like a few expired keys */
    ck_assert(target_sample_dropped(1000, 990));
    ck_assert(!target_sample_dropped(1000, 991));
    ck_assert(target_sample_dropped(1, 0));
    ck_assert(!target_sample_dropped(0, 0));
    ck_assert(!target_sample_dropped(1000, 1001));
    ck_assert(!target_sample_dropped(1000, -1));
    ck_assert(!target_sample_dropped(-1, 5));
    ck_assert(target_sample_dropped(INT64_MAX, 0));
}

TEST_SUITE_WITH(extended_metrics, .set_up = set_up, .tear_down = tear_down)
