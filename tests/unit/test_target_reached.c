#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/report/target_reached.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

/* 10 s at 50,000/s with two workers, of which 390,000 requests were sent. */
struct short_run {
    struct run_facts facts;
    struct interval_row *total;
    struct run_result *result;
    struct outages *outages; /* NULL: none */
};

static struct short_run *fall_short(void)
{
    struct short_run *run = calloc(1, sizeof *run);
    ck_assert_ptr_nonnull(run);
    run->facts = fixture_open_facts();
    run->facts.clients = 50;
    run->total = fixture_row(0);
    run->total->header.end_ns = 10 * NS_PER_SECOND;
    fixture_answer_at(run->total, 100000, 1000, 390000);
    run->total->counters[COUNTER_DUE] = 500000;
    run->total->header.backlog_after = 110000;
    run->result = fixture_result();
    run->result->facts = &run->facts;
    run->result->total = run->total;
    run->result->seconds = 10.2; /* the last replies came after the end */
    run->result->due_seconds = 10;
    return run;
}

static void drop(struct short_run *run)
{
    outages_destroy(run->outages);
    free(run->total);
    free(run->result);
    free(run);
}

static void slow_server(struct short_run *run)
{
    run->total->counters[COUNTER_BLOCKED_NS] = 18972 * NS_PER_MS; /* of 20.4 s */
}
static void busy_server(struct short_run *run)
{
    slow_server(run);
    run->result->evidence.server_cpu_share = 0.97;
}
static void idle_server(struct short_run *run)
{
    slow_server(run);
    run->result->evidence.server_cpu_share = 0.5;
}
static void one_deep_connection(struct short_run *run)
{
    slow_server(run);
    run->facts.clients = 1;
    run->facts.pipeline = 16;
}
static void no_server(struct short_run *run)
{
    run->total->counters[COUNTER_BLOCKED_NS] = 3000 * NS_PER_MS;
    run->total->counters[COUNTER_UNCONNECTED_NS] = 5100 * NS_PER_MS;
}
static void busy_worker(struct short_run *run)
{
    slow_server(run); /* who does not read replies keeps connections busy */
    run->result->workers[1].cpu_user_seconds = 9.384;
    run->result->workers[1].cpu_system_seconds = 0.51;
}
static void crowded_cpu(struct short_run *run)
{
    slow_server(run);
    for (uint32_t i = 0; i < run->result->worker_count; i++) {
        run->result->workers[i].cpu = 3;
        run->result->workers[i].cpu_user_seconds = 4.94;
        run->result->workers[i].cpu_system_seconds = 0;
        run->result->workers[i].run_delay_seconds = 4;
    }
}
static void kept_waiting(struct short_run *run)
{
    slow_server(run);
    run->result->workers[1].cpu_user_seconds = 5;
    run->result->workers[1].cpu_system_seconds = 0;
    run->result->workers[1].run_delay_seconds = 4.2;
}
static void spinning_worker(struct short_run *run)
{
    slow_server(run);
    run->result->workers[1].cpu_user_seconds = 10.2;
    run->result->workers[1].spin_seconds = 9;
}
static void dead_worker(struct short_run *run)
{
    slow_server(run);
    run->total->counters[COUNTER_SHED_WORKER] = 60000;
    run->total->header.backlog_after = 50000;
}
static void throttled(struct short_run *run)
{
    run->result->evidence.throttled_ns = 2500 * NS_PER_MS;
}
static void stolen(struct short_run *run)
{
    run->result->evidence.steal_share = 0.25;
    histogram_reset(&run->total->histograms[HISTOGRAM_SLIP]);
    histogram_record_n(&run->total->histograms[HISTOGRAM_SLIP], 12 * NS_PER_MS, 390000);
}
static void stopped(struct short_run *run)
{
    slow_server(run);
    run->total->counters[COUNTER_STOOD_STILL_NS] = 5100 * NS_PER_MS;
}
static void throttled_and_blocked(struct short_run *run)
{
    slow_server(run); /* replies that nobody reads keep connections busy */
    throttled(run);
}
static void slip(struct short_run *run, uint64_t slip_ns)
{
    histogram_reset(&run->total->histograms[HISTOGRAM_SLIP]);
    histogram_record_n(&run->total->histograms[HISTOGRAM_SLIP], slip_ns, 390000);
}
static void a_little_late(struct short_run *run)
{
    slip(run, 12 * NS_PER_MS); /* two seconds' worth of requests are missing */
}
static void late_for_shedding(struct short_run *run)
{
    run->facts.shed_after_ns = 15 * NS_PER_MS;
    a_little_late(run);
}
static void away_or_slow(struct short_run *run)
{
    run->total->counters[COUNTER_BLOCKED_NS] = 1200 * NS_PER_MS;
    run->total->counters[COUNTER_UNCONNECTED_NS] = 1300 * NS_PER_MS;
}
static void long_waits(struct short_run *run)
{
    a_little_late(run);
    histogram_record_n(&run->total->histograms[HISTOGRAM_WAIT], 3 * NS_PER_SECOND, 10000);
}
static void leave_for_node(struct short_run *run, uint32_t node, uint64_t requests)
{
    run->total->node_count = 3;
    run->total->nodes[node].counters[NODE_UNSENT] = requests;
}
static void away_node(struct short_run *run)
{
    a_little_late(run);
    run->facts.shed_after_ns = 20 * NS_PER_MS;
    run->total->counters[COUNTER_SHED_LATE] = run->total->header.backlog_after;
    run->total->header.backlog_after = 0;
    leave_for_node(run, 1, 100000);
    leave_for_node(run, 0, 9000); /* as any node of a busy cluster */
    run->facts.node_count = 2;
    snprintf(run->facts.nodes[1].text, sizeof run->facts.nodes[1].text, "127.0.0.1:7001");
}
static void away_nodes(struct short_run *run)
{
    away_node(run);
    leave_for_node(run, 2, 10000);
}
/* Behind a worker that was busy as well: what nothing came from at all it has not kept busy. */
static void dead_node(struct short_run *run)
{
    static const struct outage_setup setup = {.node_count = 2, .primary_of = {-1, -1}};
    struct outages *outages = outages_create();
    ck_assert_ptr_nonnull(outages);
    outages_begin(outages, &setup);
    for (uint32_t i = 0; i < 2; i++) {
        struct interval_row *row = fixture_row(i);
        fixture_node_ok(row, 0, i * 1000 + 10, i * 1000 + 990, 1000, 100);
        if (i == 0)
            fixture_node_ok(row, 1, 10, 400, 1000, 100);
        fixture_node_failed(row, 1, i * 1000 + 500, i * 1000 + 510, NODE_TIMED_OUT, 1);
        outages_add(outages, row);
        free(row);
    }
    outages_end(outages, 0);
    run->result->outages = run->outages = outages;
    away_node(run);
    busy_worker(run);
}
static void busy_nodes(struct short_run *run)
{
    away_node(run);
    busy_worker(run);
}
/* One node fails after 400 ms of 4 s, and the rest of its cluster with it 600 ms later, to the end. */
static void dead_cluster(struct short_run *run)
{
    static const struct outage_setup setup = {.node_count = 2, .primary_of = {-1, -1}};
    struct outages *outages = outages_create();
    ck_assert_ptr_nonnull(outages);
    outages_begin(outages, &setup);
    for (uint32_t i = 0; i < 4; i++) {
        struct interval_row *row = fixture_row(i);
        if (i == 0) {
            fixture_node_ok(row, 0, 10, 990, 1000, 100);
            fixture_node_ok(row, 1, 10, 400, 1000, 100);
        }
        if (i > 0)
            fixture_node_failed(row, 0, i * 1000 + 500, i * 1000 + 510, NODE_TIMED_OUT, 1);
        fixture_node_failed(row, 1, i * 1000 + 500, i * 1000 + 510, NODE_TIMED_OUT, 1);
        outages_add(outages, row);
        free(row);
    }
    outages_end(outages, 0);
    run->result->outages = run->outages = outages;
    run->total->node_count = run->facts.node_count = 2;
    snprintf(run->facts.nodes[1].text, sizeof run->facts.nodes[1].text, "127.0.0.1:7001");
    run->total->counters[COUNTER_BLOCKED_NS] = 6000 * NS_PER_MS; /* 29 % of the time */
}
static void frozen_behind_a_slow_worker(struct short_run *run)
{
    dead_cluster(run);
    busy_worker(run);
}
static void short_outage(struct short_run *run)
{
    dead_cluster(run);
    slow_server(run);
    run->result->seconds = 40; /* 3 s of them are less than half of 22 % */
    run->total->counters[COUNTER_BLOCKED_NS] *= 4;
}
static void full_node(struct short_run *run)
{
    slow_server(run); /* nothing was drawn, with connections to the others free */
    run->total->node_count = 2;
    run->total->nodes[1].counters[NODE_RING_FULL_NS] = 18000 * NS_PER_MS;
    run->total->nodes[0].counters[NODE_RING_FULL_NS] = 10 * NS_PER_MS;
}
static void a_little_blocked(struct short_run *run)
{
    run->total->counters[COUNTER_BLOCKED_NS] = 2000 * NS_PER_MS; /* 10 % cannot make 22 % */
}

#define SHORT "target not reached: 78 % of 50,000/s sent, "
#define SLOW SHORT "because the server answered too slowly for "

static const struct {
    void (*happen)(struct short_run *run);
    enum target_limit limit;
    const char *sentence;
} cases[] = {
    {slow_server, TARGET_SERVER_SLOW, SLOW "50 connections: all were busy 93 % of the time"},
    {busy_server, TARGET_SERVER_SLOW,
     SLOW "50 connections: all were busy 93 % of the time; the server's CPU was 97 % busy"},
    {idle_server, TARGET_SERVER_SLOW, SLOW "50 connections: all were busy 93 % of the time"},
    {one_deep_connection, TARGET_SERVER_SLOW,
     SLOW "1 connection of 16 requests each: all were busy 93 % of the time"},
    {spinning_worker, TARGET_SERVER_SLOW, SLOW "50 connections: all were busy 93 % of the time"},
    {no_server, TARGET_SERVER_AWAY, SHORT "because no connection was open 25 % of the time"},
    {busy_worker, TARGET_WORKER_BUSY,
     SHORT "because volley was at its limit: worker 1 used 97 % of its CPU"},
    {crowded_cpu, TARGET_WORKER_BUSY,
     SHORT "because volley was at its limit: 2 workers used 97 % of CPU 3"},
    {kept_waiting, TARGET_WORKER_BUSY,
     SHORT
     "because volley was kept from its CPU: worker 1 used 49 % of its CPU and waited 41 % for it"},
    {dead_worker, TARGET_WORKER_DIED,
     SHORT "because 60,000 requests fell due while a worker was dead and not yet replaced"},
    {throttled, TARGET_VOLLEY_LATE,
     SHORT "because volley was stopped or delayed: the CPU quota held it back for 2.500 s"},
    {stolen, TARGET_VOLLEY_LATE,
     SHORT "because volley was stopped or delayed: the hypervisor took 25.0 % of the CPU time, "
           "1 % of the requests went out 12.000 ms late or more"},
    {stopped, TARGET_VOLLEY_LATE,
     SHORT "because volley was stopped or delayed: it stood still 25 % of the time"},
    {throttled_and_blocked, TARGET_VOLLEY_LATE,
     SHORT "because volley was stopped or delayed: the CPU quota held it back for 2.500 s"},
    {late_for_shedding, TARGET_VOLLEY_LATE,
     SHORT "because volley was stopped or delayed: 1 % of the requests went out 12.000 ms late or "
           "more"},
    {a_little_late, TARGET_LIMIT_UNKNOWN, SHORT "for a reason that these figures do not show"},
    {away_or_slow, TARGET_SERVER_AWAY, SHORT "because no connection was open 6 % of the time"},
    {long_waits, TARGET_WAITED,
     SHORT "because 1 % of the requests waited 3.000 s or longer for a connection that could take "
           "them"},
    {away_node, TARGET_NODE_UNSENT,
     SHORT "because 100,000 requests for 127.0.0.1:7001 found no free connection and were never "
           "sent"},
    {away_nodes, TARGET_NODE_UNSENT,
     SHORT "because 110,000 requests for 127.0.0.1:7001 and 1 more node found no free connection "
           "and were never sent"},
    {dead_node, TARGET_NODE_UNSENT,
     SHORT "because 100,000 requests for 127.0.0.1:7001 found no free connection and were never "
           "sent; nothing succeeded there for 1.600 s"},
    {dead_cluster, TARGET_OUTAGE,
     SHORT "because nothing succeeded for 3.010 s, and at 127.0.0.1:7001 for 3.600 s"},
    {frozen_behind_a_slow_worker, TARGET_WORKER_BUSY,
     SHORT "because volley was at its limit: worker 1 used 97 % of its CPU"},
    {short_outage, TARGET_SERVER_SLOW, SLOW "50 connections: all were busy 95 % of the time"},
    {busy_nodes, TARGET_WORKER_BUSY,
     SHORT "because volley was at its limit: worker 1 used 97 % of its CPU"},
    {full_node, TARGET_NODE_FULL,
     SHORT "because so many requests waited for node 1 that no others were drawn 88 % of the "
           "time"},
    {a_little_blocked, TARGET_LIMIT_UNKNOWN, SHORT "for a reason that these figures do not show"},
};

LOOP_TEST(a_shortfall_has_one_reason, sizeof cases / sizeof cases[0])
{
    /* breaks if volley blames the server for what it did itself, or itself for the server */
    struct short_run *run = fall_short();
    struct target_reached reached;
    cases[_i].happen(run);
    target_reached_judge(&reached, run->result);
    ck_assert_str_eq(reached.sentence, cases[_i].sentence);
    ck_assert_int_eq(reached.limit, cases[_i].limit);
    drop(run);
}

TEST(a_target_reached_says_nothing)
{
    /* breaks if a run that kept its rate is told why it did not */
    struct short_run *run = fall_short();
    struct target_reached reached;
    slow_server(run);
    run->total->counters[COUNTER_DUE] = 393939; /* 99.0001 % */
    target_reached_judge(&reached, run->result);
    ck_assert_str_eq(reached.sentence, "");
    ck_assert_int_eq(reached.limit, TARGET_REACHED);
    run->total->counters[COUNTER_DUE] = 393940;
    target_reached_judge(&reached, run->result);
    ck_assert_ptr_eq(
        strstr(reached.sentence, "target not reached: 98.9 % of 39,394/s sent, because"),
        reached.sentence);
    interval_row_reset(run->total); /* nothing was due: a pause */
    target_reached_judge(&reached, run->result);
    ck_assert_int_eq(reached.limit, TARGET_REACHED);
    drop(run);
}

TEST(requests_that_are_all_sent_can_be_late)
{
    /* breaks if -n at twice the rate that the server can do counts as a target reached */
    struct short_run *run = fall_short();
    struct target_reached reached;
    interval_row_reset(run->total);
    run->facts.duration_ns = 0;
    run->facts.requests = 50000;
    fixture_answer_at(run->total, 40000, 1000, 25000);
    fixture_answer_at(run->total, 40000, 1000 * NS_PER_MS, 25000);
    run->total->counters[COUNTER_BLOCKED_NS] = 3800 * NS_PER_MS;
    run->result->due_seconds = 1;
    run->result->seconds = 2.0001;
    target_reached_judge(&reached, run->result);
    ck_assert_double_eq_tol(reached.evidence.share, 0.5, 1e-3);
    ck_assert_double_eq_tol(reached.evidence.target, 50000, 1e-6);
    ck_assert_ptr_nonnull(strstr(reached.sentence, "50 % of 50,000/s sent, because the server"));
    /* The wait for the last reply is the server's: all was sent in time. */
    histogram_reset(&run->total->histograms[HISTOGRAM_SLIP]);
    histogram_record_n(&run->total->histograms[HISTOGRAM_SLIP], 20000, 50000);
    target_reached_judge(&reached, run->result);
    ck_assert_int_eq(reached.limit, TARGET_REACHED);
    drop(run);
}

TEST(of_too_short_a_run_no_share_of_a_cpu_is_told)
{
    /* Breaks when ticks that are longer than the run make a worker use 156 % of its CPU. */
    static const char *const names[] = {"worker_cpu", "run_delay"};
    struct short_run *run = fall_short();
    struct verdict verdict;
    run->result->seconds = 0.003;
    run->result->workers[0].cpu_user_seconds = 0.004;
    run->result->workers[0].run_delay_seconds = 0.009;
    verdict_judge(&verdict, run->result);
    for (uint32_t i = 0; i < verdict.check_count; i++) {
        const struct verdict_check *check = &verdict.checks[i];
        if (strcmp(check->name, names[0]) != 0 && strcmp(check->name, names[1]) != 0)
            continue;
        ck_assert_str_eq(check->text, "unknown");
        ck_assert_int_eq(check->level, VERDICT_GREEN);
        ck_assert(isnan(check->value));
    }
    ck_assert_int_eq(target_busiest_cpu(run->result).workers, 0);
    drop(run);
}

TEST(a_share_that_is_not_nothing_does_not_look_it)
{
    /* Breaks when 0.05 % of a rate that nothing can reach is 0.0 %. */
    struct short_run *run = fall_short();
    struct target_reached reached;
    run->total->counters[COUNTER_SENT] = 250;
    target_reached_judge(&reached, run->result);
    ck_assert_ptr_nonnull(strstr(reached.sentence, "target not reached: under 0.1 % of "));
    drop(run);
}

TEST(any_evidence_fits_the_sentence)
{
    /* breaks if figures of a damaged journal write beyond the sentence, or are cut in a reason as long as
     * reasons can be */
    struct short_run *run = fall_short();
    struct target_reached reached;
    leave_for_node(run, 0, UINT64_MAX / 3);
    leave_for_node(run, 1, UINT64_MAX / 2);
    run->facts.node_count = 2;
    memset(run->facts.nodes[1].text, 'n', sizeof run->facts.nodes[1].text - 1);
    run->result->due_seconds = 1e-300;
    target_reached_judge(&reached, run->result);
    ck_assert_int_eq(reached.limit, TARGET_NODE_UNSENT);
    ck_assert_ptr_nonnull(
        strstr(reached.sentence, "1 more node found no free connection and were never sent"));
    leave_for_node(run, 0, 0);
    leave_for_node(run, 1, 0);
    run->result->evidence.throttled_ns = UINT64_MAX;
    run->result->evidence.steal_share = 1e300;
    run->result->due_seconds = 1e-300;
    histogram_record_n(&run->total->histograms[HISTOGRAM_SLIP], UINT64_MAX / 2, 390000);
    target_reached_judge(&reached, run->result);
    ck_assert_int_eq(reached.limit, TARGET_VOLLEY_LATE);
    ck_assert_uint_lt(strlen(reached.sentence), sizeof reached.sentence);
    ck_assert_ptr_nonnull(strstr(reached.sentence, "the CPU quota held it back for"));
    drop(run);
}

TEST_SUITE(target_reached)
