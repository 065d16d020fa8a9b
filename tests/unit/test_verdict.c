#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

/* A run that nothing can be said against; each case below spoils one thing. */
struct sound_run {
    struct run_facts facts;
    struct interval_row *total;
    struct error_kinds kinds;
    struct run_result *result;
    struct outages *outages;
};

static const double asked[] = {50, 99, 99.9};

static void sound(struct sound_run *run)
{
    memset(run, 0, sizeof *run);
    run->facts = fixture_facts();
    run->facts.reads = true;
    run->total = fixture_row(0);
    run->total->header.end_ns = 10 * NS_PER_SECOND;
    fixture_answer(run->total, 100000, 100000);
    run->total->counters[COUNTER_HITS] = 100000;
    histogram_record_n(&run->total->histograms[HISTOGRAM_LOOP_LAG], 1000, 100000);
    run->result = fixture_result();
    run->result->facts = &run->facts;
    run->result->error_kinds = &run->kinds;
    run->result->total = run->total;
    run->result->seconds = 10;
    run->result->percentiles = asked;
    run->result->percentile_count = 3;
    run->result->evidence.steal_share = 0;
    run->result->evidence.server_cpu_share = -1;
}

/* The same at 10,000/s in an open loop. */
static void sound_open(struct sound_run *run)
{
    sound(run);
    interval_row_reset(run->total);
    run->total->header.end_ns = 10 * NS_PER_SECOND;
    fixture_answer_at(run->total, 100000, 1000, 100000);
    run->total->counters[COUNTER_HITS] = 100000;
    run->total->header.flags |= INTERVAL_LAST;
    run->facts = fixture_open_facts();
    run->facts.reads = true;
    run->result->due_seconds = 10;
}

/* Only the median is asked for: what has no reply is in no percentile that is judged. */
static void ask_the_median(struct sound_run *run)
{
    run->result->percentile_count = 1;
}

static void drop(struct sound_run *run)
{
    outages_destroy(run->outages);
    free(run->total);
    free(run->result);
}

static void busy(struct sound_run *run)
{
    run->result->workers[1].cpu_user_seconds = 8.5;
}
/* So many of the replies were there after 85 us, and read after 100. */
static void lag(struct sound_run *run, uint64_t replies)
{
    histogram_record_n(&run->total->histograms[HISTOGRAM_LAGGED], 100000, replies);
    histogram_record_n(&run->total->histograms[HISTOGRAM_UNLAGGED], 85000, replies);
}
static void lagging(struct sound_run *run)
{
    lag(run, 99001);
}
static void kept_waiting(struct sound_run *run)
{
    run->result->workers[0].run_delay_seconds = 0.6;
}
/* All of them in the warm-up, which is in no figure. */
static void too_many_errors(struct sound_run *run)
{
    run->result->status = E_FAILED;
    snprintf(run->result->status_text, sizeof run->result->status_text, "stopped after 5 errors");
}
static void some_errors(struct sound_run *run)
{
    fixture_refuse(run->total, 0, 1000, 200);
}
static void many_errors(struct sound_run *run)
{
    fixture_refuse(run->total, 0, 1000, 2000);
}
static void one_timeout(struct sound_run *run)
{
    run->total->counters[COUNTER_SENT]++;
    run->total->counters[COUNTER_DUE]++;
    run->total->counters[COUNTER_TIMED_OUT]++;
}
static void many_lost(struct sound_run *run)
{
    run->total->counters[COUNTER_SENT] += 200;
    run->total->counters[COUNTER_DUE] += 200;
    run->total->counters[COUNTER_LOST_DISCONNECT] += 200;
    ask_the_median(run);
}
static void missing_keys(struct sound_run *run)
{
    run->total->counters[COUNTER_MISSES] = 2000;
}
static void stale_values(struct sound_run *run)
{
    run->result->checked.known = true;
    run->result->checked.counts[CHECKED_STALE] = 1;
}
static void lost_write(struct sound_run *run)
{
    run->result->checked.known = true;
    run->result->checked.counts[CHECKED_LOST] = 1;
}
static void corrupted_value(struct sound_run *run)
{
    run->result->checked.known = true;
    run->result->checked.counts[CHECKED_CORRUPTED] = 1;
}
static void single_key(struct sound_run *run)
{
    run->facts.one_key = true;
    run->facts.keyspace_random = false;
}
static void same_cpu(struct sound_run *run)
{
    run->result->evidence.server_shares_worker_cpu = true;
}
static void some_steal(struct sound_run *run)
{
    run->result->evidence.steal_share = 0.03;
}
static void some_others(struct sound_run *run)
{
    run->result->server = (struct server_account){
        .known = true, .others_known = true, .commands = 1100, .own_commands = 1000};
}
static void mostly_others(struct sound_run *run)
{
    some_others(run);
    run->result->server.commands = 2100;
}
static void much_steal(struct sound_run *run)
{
    run->result->evidence.steal_share = 0.11;
}
static void some_throttling(struct sound_run *run)
{
    run->result->evidence.throttled_ns = 20 * NS_PER_MS;
}
static void much_throttling(struct sound_run *run)
{
    run->result->evidence.throttled_ns = 600 * NS_PER_MS;
}
static void dead_worker(struct sound_run *run)
{
    run->result->evidence.workers_lost = 1;
}
static void out_of_range(struct sound_run *run)
{
    run->total->histograms[HISTOGRAM_SERVICE_OK].clamped_count = 1;
}
static void high_percentile(struct sound_run *run)
{
    static const double higher[] = {99.99, 99.999};
    run->result->percentiles = higher;
    run->result->percentile_count = 2;
}
static void few(struct sound_run *run)
{
    interval_row_reset(run->total);
    run->total->header.end_ns = 10 * NS_PER_SECOND;
    fixture_answer(run->total, 100000, 900); /* p99 rests on nine */
    run->total->counters[COUNTER_HITS] = 900;
}
static void brief(struct sound_run *run)
{
    run->result->seconds = 0.4;
    for (uint32_t i = 0; i < run->result->worker_count; i++)
        run->result->workers[i].cpu_user_seconds = run->result->workers[i].cpu_system_seconds = 0;
}
static void untrusted(struct sound_run *run)
{
    run->result->status = E_UNTRUSTED;
}

static void never_steady(struct sound_run *run)
{
    run->facts.steady_auto = true;
    run->result->evidence.never_steady = true;
}
static void slipping(struct sound_run *run)
{
    fixture_answer_at(run->total, 100000, 251000, 2000);
}
static void leave_behind(struct sound_run *run, uint64_t count)
{
    run->total->counters[COUNTER_DUE] += count;
    run->total->header.backlog_after += count;
}
static void some_backlog(struct sound_run *run)
{
    leave_behind(run, 1500);
    ask_the_median(run);
}
static void much_backlog(struct sound_run *run)
{
    leave_behind(run, 12000);
    ask_the_median(run);
}
static void one_shed(struct sound_run *run)
{
    run->total->counters[COUNTER_DUE]++;
    run->total->counters[COUNTER_SHED_LATE]++;
}
static void unknown_tail(struct sound_run *run)
{
    leave_behind(run, 200); /* 0.2 %: the p99.9 is not known, and the target reached */
}
static void due_while_dead(struct sound_run *run)
{
    run->total->counters[COUNTER_DUE] += 50;
    run->total->counters[COUNTER_SHED_WORKER] += 50;
}

/* Two rows with nearly a second between them, in which a request failed. */
static void break_down(struct sound_run *run, uint64_t until_ms)
{
    struct outage_setup setup = {0};
    struct outages *outages = outages_create();
    struct interval_row *row = fixture_row(0);
    ck_assert_ptr_nonnull(outages);
    outages_begin(outages, &setup);
    fixture_node_ok(row, 0, 10, 400, 1000, 100);
    fixture_node_failed(row, 0, 500, 500, NODE_ERRORS, 1);
    outages_add(outages, row);
    free(row);
    row = fixture_row(1);
    fixture_node_ok(row, 0, until_ms, until_ms + 10, 1000, 100);
    outages_add(outages, row);
    free(row);
    outages_end(outages, 0);
    run->outages = outages;
    run->result->outages = outages;
}
static void outage(struct sound_run *run)
{
    break_down(run, 1390);
}
static void long_outage(struct sound_run *run)
{
    break_down(run, 1900);
}
static void few_ports(struct sound_run *run)
{
    run->total->counters[COUNTER_CONNECTIONS_RECYCLED] = 10;
    run->total->counters[COUNTER_CONNECT_FAILURES] = 10;
    run->total->counters[COUNTER_CONNECT_NO_PORT] = 10;
}
static void no_ports(struct sound_run *run)
{
    run->total->counters[COUNTER_CONNECT_FAILURES] = 1;
    run->total->counters[COUNTER_CONNECT_NO_PORT] = 1;
}
static void bad_handshake(struct sound_run *run)
{
    run->total->counters[COUNTER_CONNECT_FAILURES] = 1;
    run->total->counters[COUNTER_CONNECT_TLS] = 1;
}
static void full_ring(struct sound_run *run)
{
    run->total->counters[COUNTER_RING_FULL_NS] = 1;
}
static void shed_of_node(struct sound_run *run)
{
    run->total->counters[COUNTER_DUE]++;
    run->total->counters[COUNTER_SHED_NODE]++;
}

static const struct {
    void (*spoil)(struct sound_run *run);
    const char *check;
    enum verdict_level level;
    bool open_loop;
} cases[] = {
    {busy, "worker_cpu", VERDICT_AMBER, false},
    {lagging, "loop_lag", VERDICT_AMBER, false},
    {some_errors, "errors", VERDICT_AMBER, false},
    {many_errors, "errors", VERDICT_RED, false},
    {one_timeout, "lost_or_timed_out", VERDICT_AMBER, false},
    {many_lost, "lost_or_timed_out", VERDICT_RED, false},
    {missing_keys, "misses", VERDICT_AMBER, false},
    {stale_values, "values", VERDICT_AMBER, false},
    {lost_write, "values", VERDICT_RED, false},
    {corrupted_value, "values", VERDICT_RED, false},
    {single_key, "one_key", VERDICT_AMBER, false},
    {same_cpu, "shared_cpu", VERDICT_AMBER, false},
    {some_steal, "steal_time", VERDICT_AMBER, false},
    {much_steal, "steal_time", VERDICT_RED, false},
    {some_others, "other_load", VERDICT_AMBER, false},
    {mostly_others, "other_load", VERDICT_RED, false},
    {some_throttling, "throttling", VERDICT_AMBER, false},
    {much_throttling, "throttling", VERDICT_RED, false},
    {dead_worker, "lost_workers", VERDICT_RED, false},
    {out_of_range, "clamped", VERDICT_AMBER, false},
    {high_percentile, "few_samples", VERDICT_AMBER, false},
    {few, "few_samples", VERDICT_AMBER, false},
    {kept_waiting, "run_delay", VERDICT_AMBER, false},
    {kept_waiting, "run_delay", VERDICT_AMBER, true},
    {long_outage, "outage", VERDICT_RED, false},
    {brief, "short_run", VERDICT_AMBER, false},
    {untrusted, "accounting", VERDICT_RED, false},
    {too_many_errors, "failed", VERDICT_RED, false},
    {never_steady, "steady", VERDICT_AMBER, false},
    {slipping, "slip", VERDICT_AMBER, true},
    {some_backlog, "target", VERDICT_AMBER, true},
    {much_backlog, "target", VERDICT_RED, true},
    {one_shed, "shed", VERDICT_AMBER, true},
    {unknown_tail, "censored", VERDICT_AMBER, true},
    {due_while_dead, "lost_workers", VERDICT_RED, true},
    {busy, "worker_cpu", VERDICT_AMBER, true},
    {outage, "outage", VERDICT_AMBER, false},
    {few_ports, "local_ports", VERDICT_AMBER, false},
    {no_ports, "local_ports", VERDICT_RED, false},
    {bad_handshake, "tls_handshakes", VERDICT_AMBER, false},
    {full_ring, "node_ring", VERDICT_AMBER, true},
    {shed_of_node, "node_ring", VERDICT_AMBER, true},
};

/* The check of this name. */
static const struct verdict_check *check_of(const struct verdict *verdict, const char *name)
{
    for (uint32_t i = 0; i < verdict->check_count; i++)
        if (strcmp(verdict->checks[i].name, name) == 0)
            return &verdict->checks[i];
    ck_abort_msg("there is no check %s", name);
}

TEST(a_sound_run_is_green)
{
    /* breaks if a run without any fault is called doubtful */
    struct sound_run run;
    struct verdict verdict;
    sound(&run);
    verdict_judge(&verdict, run.result);
    for (uint32_t i = 0; i < verdict.check_count; i++)
        ck_assert_msg(verdict.checks[i].level == VERDICT_GREEN, "%s: %s", verdict.checks[i].name,
                      verdict.checks[i].text);
    ck_assert_int_eq(verdict.level, VERDICT_GREEN);
    ck_assert_uint_eq(verdict.check_count, 32);
    drop(&run);
    sound_open(&run);
    verdict_judge(&verdict, run.result);
    for (uint32_t i = 0; i < verdict.check_count; i++)
        ck_assert_msg(verdict.checks[i].level == VERDICT_GREEN, "%s: %s", verdict.checks[i].name,
                      verdict.checks[i].text);
    ck_assert_int_eq(verdict.level, VERDICT_GREEN);
    drop(&run);
}

LOOP_TEST(each_check_flips_alone, sizeof cases / sizeof cases[0])
{
    /* breaks if a fault goes unseen, is graded wrongly, or drags other checks with it */
    struct sound_run run;
    struct verdict verdict;
    bool seen = false;
    if (cases[_i].open_loop)
        sound_open(&run);
    else
        sound(&run);
    cases[_i].spoil(&run);
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(verdict.level, cases[_i].level);
    for (uint32_t i = 0; i < verdict.check_count; i++) {
        const struct verdict_check *check = &verdict.checks[i];
        bool spoiled = strcmp(check->name, cases[_i].check) == 0;
        seen = seen || spoiled;
        ck_assert_msg(check->level == (spoiled ? cases[_i].level : VERDICT_GREEN), "%s is %s: %s",
                      check->name, verdict_level_name(check->level), check->text);
        ck_assert_int_eq(check->advice[0] != '\0', spoiled);
        ck_assert(check->limit[0] != '\0' && check->text[0] != '\0');
    }
    ck_assert(seen);
    drop(&run);
}

TEST(thresholds_are_sharp)
{
    /* breaks if a value on the good side of a limit is graded down */
    struct sound_run run;
    struct verdict verdict;
    sound(&run);
    fixture_refuse(run.total, 0, 1000, 100);        /* 0.0999 % of replies */
    run.total->counters[COUNTER_MISSES] = 1000;     /* 0.99 % */
    run.result->evidence.steal_share = 0.02;        /* not above */
    run.result->workers[0].cpu_user_seconds = 8.49; /* 89.9 % with 0.5 system */
    run.result->evidence.server_place_known = true;
    run.result->seconds = 10;
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(verdict.level, VERDICT_GREEN);
    run.result->evidence.steal_share = -1; /* unknown is not a fault */
    run.facts.one_key = true;              /* -r 1: the user asked for it */
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(verdict.level, VERDICT_GREEN);
    drop(&run);
}

/* The level of the verdict is GREEN, this check alone has a note, and its advice says so. */
static void expect_note(struct sound_run *run, const char *name, const char *advice)
{
    struct verdict verdict;
    verdict_judge(&verdict, run->result);
    ck_assert_int_eq(verdict.level, VERDICT_GREEN);
    for (uint32_t i = 0; i < verdict.check_count; i++) {
        const struct verdict_check *check = &verdict.checks[i];
        bool noted = strcmp(check->name, name) == 0;
        ck_assert_msg(check->note == noted, "%s: %s", check->name, check->text);
        ck_assert_int_eq(check->advice[0] != '\0', noted);
        if (noted)
            ck_assert_msg(strstr(check->advice, advice) != NULL, "%s", check->advice);
    }
}

TEST(what_only_explains_is_a_note)
{
    /* breaks if a run is doubted for what no reader would decide differently for: its own default p99.99,
     * a moment of throttling, a row of the interval list */
    static const double usual[] = {50, 95, 99, 99.9, 99.99}, wished[] = {50, 95, 99, 99.99};
    struct sound_run run;
    struct verdict verdict;
    sound(&run);
    run.result->percentiles = usual;
    run.result->percentile_count = 5;
    expect_note(&run, "none", "");
    interval_row_reset(run.total);
    run.total->header.end_ns = 10 * NS_PER_SECOND;
    fixture_answer(run.total, 100000, 30000);
    run.total->counters[COUNTER_HITS] = 30000;
    expect_note(&run, "few_samples", "run longer");
    verdict_judge(&verdict, run.result);
    ck_assert_str_eq(check_of(&verdict, "few_samples")->text, "30,000 for p99.99");
    ck_assert_double_eq_tol(check_of(&verdict, "few_samples")->threshold, 100000, 0.01);
    run.result->percentiles = wished;
    run.result->percentile_count = 4;
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(check_of(&verdict, "few_samples")->level, VERDICT_AMBER);
    drop(&run);
    sound(&run);
    run.result->evidence.throttled_ns = 10 * NS_PER_MS;
    expect_note(&run, "throttling", "quota");
    run.result->evidence.throttled_ns = 0;
    run.result->evidence.late_records = 1;
    expect_note(&run, "late_records", "totals are exact");
    drop(&run);
}

TEST(a_server_at_its_limit_explains_a_lag)
{
    /* breaks if a closed loop at full speed is doubted for a wait that would only be spent at the server,
     * or one that the server does not limit is not */
    struct sound_run run;
    struct verdict verdict;
    sound(&run);
    lagging(&run);
    run.result->evidence.server_cpu_share = 0.97;
    expect_note(&run, "loop_lag", "97 % of a CPU");
    run.result->workers[1].cpu_user_seconds = 8.7; /* with the system's 92 % */
    run.result->workers[0].cpu_user_seconds = 1;
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(verdict.level, VERDICT_GREEN);
    ck_assert(check_of(&verdict, "worker_cpu")->note);
    run.result->evidence.server_cpu_share = 0.91; /* below the worker's */
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(check_of(&verdict, "worker_cpu")->level, VERDICT_AMBER);
    run.result->evidence.server_cpu_share = 0.89;
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(check_of(&verdict, "loop_lag")->level, VERDICT_AMBER);
    drop(&run);
    sound_open(&run);
    lagging(&run);
    run.result->evidence.server_cpu_share = 0.97; /* users wait for both, then */
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(check_of(&verdict, "loop_lag")->level, VERDICT_AMBER);
    drop(&run);
}

TEST(a_lag_is_bounded_for_each_percentile)
{
    /* breaks if a lag that few replies had spoils a percentile that they do not move, or if it is lost
     * which one they do */
    struct sound_run run;
    struct verdict verdict;
    sound(&run);
    lag(&run, 50000); /* the median is still that of the others */
    verdict_judge(&verdict, run.result);
    ck_assert_str_eq(check_of(&verdict, "loop_lag")->text,
                     "at most 15 % of p50, 0.0 % of p99, 0.0 % of p99.9");
    ck_assert_double_eq_tol(check_of(&verdict, "loop_lag")->value, 15, 0.1);
    drop(&run);
    sound(&run);
    lag(&run, 49999);
    verdict_judge(&verdict, run.result);
    ck_assert_str_eq(check_of(&verdict, "loop_lag")->text,
                     "at most 0.0 % of p50, 0.0 % of p99, 0.0 % of p99.9");
    ck_assert_int_eq(verdict.level, VERDICT_GREEN);
    drop(&run);
}

TEST(open_loop_thresholds_are_sharp)
{
    /* breaks if a slip or a shortfall that is bearable is graded down */
    struct sound_run run;
    struct verdict verdict;
    sound_open(&run);
    fixture_answer_at(run.total, 100000, 250000, 2000); /* 0.25 ms is not above */
    run.result->workers[1].cpu_user_seconds = 9;        /* 9.5 s, of which 0.6 s are spinning */
    run.result->workers[1].spin_seconds = 0.6;
    leave_behind(&run, 1030); /* 102,000 of 103,030: 99.0 % */
    ask_the_median(&run);
    verdict_judge(&verdict, run.result);
    for (uint32_t i = 0; i < verdict.check_count; i++)
        ck_assert_msg(verdict.checks[i].level == VERDICT_GREEN, "%s: %s", verdict.checks[i].name,
                      verdict.checks[i].text);
    ck_assert_str_eq(check_of(&verdict, "worker_cpu")->text, "worker 1 used 89 % of its CPU");
    leave_behind(&run, 1);
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(check_of(&verdict, "target")->level, VERDICT_AMBER);
    drop(&run);
}

TEST(a_slip_is_weighed_against_the_response_time)
{
    /* breaks if a millisecond of slip counts as much for a slow server as for a fast one */
    struct sound_run run;
    struct verdict verdict;
    sound_open(&run);
    interval_row_reset(run.total);
    run.total->counters[COUNTER_HITS] = 1;
    run.total->header.end_ns = 10 * NS_PER_SECOND;
    fixture_answer_at(run.total, 19 * NS_PER_MS, NS_PER_MS, 100000);
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(check_of(&verdict, "slip")->level, VERDICT_GREEN);
    ck_assert_str_eq(check_of(&verdict, "slip")->text, "p99 1.000 ms, response p50 20.000 ms");
    fixture_answer_at(run.total, 17 * NS_PER_MS, 3 * NS_PER_MS, 2000);
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(check_of(&verdict, "slip")->level, VERDICT_AMBER);
    ck_assert_ptr_nonnull(strstr(check_of(&verdict, "slip")->advice, "volley sent late by itself"));
    drop(&run);
}

TEST(a_slip_is_weighed_against_all_who_waited)
{
    /* breaks if the median beside a slip, and its limit, are of the requests answered alone, where the report's
     * median counts those without a reply */
    struct sound_run run;
    struct verdict verdict;
    sound_open(&run);
    interval_row_reset(run.total);
    run.total->counters[COUNTER_HITS] = 1;
    run.total->header.end_ns = 10 * NS_PER_SECOND;
    fixture_answer_at(run.total, NS_PER_MS, NS_PER_MS, 1000);
    fixture_unanswered(run.total, COUNTER_TIMED_OUT, NS_PER_MS, 49 * NS_PER_MS, 2000);
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(check_of(&verdict, "slip")->level, VERDICT_GREEN);
    ck_assert_str_eq(check_of(&verdict, "slip")->text, "p99 1.000 ms, response p50 >= 49.971 ms");
    ck_assert_double_eq_tol(check_of(&verdict, "slip")->threshold, 4.99712, 1e-6);
    drop(&run);
}

TEST(a_wait_is_no_slip)
{
    /* breaks if requests that waited for a connection make volley late, or nobody says that they did */
    struct sound_run run;
    struct verdict verdict;
    sound_open(&run);
    histogram_reset(&run.total->histograms[HISTOGRAM_WAIT]);
    histogram_record_n(&run.total->histograms[HISTOGRAM_WAIT], 3 * NS_PER_MS, 100000);
    run.total->counters[COUNTER_BLOCKED_NS] = 400 * NS_PER_MS; /* of 2 x 10 s */
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(check_of(&verdict, "slip")->level, VERDICT_GREEN);
    ck_assert_int_eq(check_of(&verdict, "wait")->level, VERDICT_AMBER);
    ck_assert_ptr_nonnull(
        strstr(check_of(&verdict, "wait")->advice, "waited for a free connection"));
    drop(&run);
}

TEST(a_missed_target_says_why)
{
    /* breaks if the verdict names a shortfall and leaves the reader to guess its cause */
    struct sound_run run;
    struct verdict verdict;
    sound_open(&run);
    leave_behind(&run, 25000);
    run.total->counters[COUNTER_BLOCKED_NS] = 18600 * NS_PER_MS;
    verdict_judge(&verdict, run.result);
    const struct verdict_check *target = check_of(&verdict, "target");
    ck_assert_int_eq(target->level, VERDICT_RED);
    ck_assert_str_eq(target->text, "80.00 % of 12,500/s sent");
    ck_assert_str_eq(
        target->advice,
        "target not reached: 80 % of 12,500/s sent, because the server answered too slowly "
        "for 4 connections: all were busy 93 % of the time");
    ck_assert_str_eq(check_of(&verdict, "censored")->text, "p99 is at least 0.101 ms");
    drop(&run);
}

TEST(a_steady_state_is_named)
{
    /* breaks if a warm-up that ended by itself does not say when */
    struct sound_run run;
    struct verdict verdict;
    sound(&run);
    run.facts.steady_auto = true;
    run.facts.warmup_ns = 12 * NS_PER_SECOND;
    verdict_judge(&verdict, run.result);
    ck_assert_str_eq(check_of(&verdict, "steady")->text, "after 12s");
    ck_assert_int_eq(verdict.level, VERDICT_GREEN);
    run.result->seconds = 0; /* interrupted: 12 s is only the limit */
    verdict_judge(&verdict, run.result);
    ck_assert_str_eq(check_of(&verdict, "steady")->text, "the run ended before");
    drop(&run);
}

TEST(shares_of_nodes_are_told)
{
    /* breaks if the report does not show how even the load was, or judges a load that was to be uneven */
    struct sound_run run;
    struct verdict verdict;
    sound(&run);
    verdict_judge(&verdict, run.result);
    ck_assert_str_eq(check_of(&verdict, "node_load")->text, "one server");
    run.total->node_count = 4;
    run.total->nodes[0].counters[NODE_SENT] = 20000;
    run.total->nodes[1].counters[NODE_SENT] = 50000;
    run.total->nodes[3].counters[NODE_SENT] = 30000;
    verdict_judge(&verdict, run.result);
    ck_assert_str_eq(check_of(&verdict, "node_load")->text, "20.00 to 50.00 % of 3 nodes");
    ck_assert_str_eq(check_of(&verdict, "outage")->text, "none");
    ck_assert_int_eq(verdict.level, VERDICT_GREEN);
    drop(&run);
}

TEST(without_answers_samples_are_not_judged)
{
    /* breaks if a run in which nothing succeeded is advised to run longer */
    struct sound_run run;
    struct verdict verdict;
    sound(&run);
    histogram_reset(&run.total->histograms[HISTOGRAM_SERVICE_OK]);
    verdict_judge(&verdict, run.result);
    ck_assert_int_eq(verdict.level, VERDICT_GREEN);
    drop(&run);
}

TEST(a_check_of_another_version_is_not_passed)
{
    /* breaks if a newer version's RED is forgotten by an older one's report, or counted as passed */
    static const struct {
        enum verdict_level level;
        bool note;
    } recorded[] = {{VERDICT_GREEN, true}, {VERDICT_AMBER, false}, {VERDICT_RED, false}};
    struct sound_run run;
    struct verdict verdict;
    sound(&run);
    run.result->foreign_count = 1;
    for (size_t i = 0; i < sizeof recorded / sizeof recorded[0]; i++) {
        run.result->foreign[0] =
            (struct verdict_foreign){.name = "moon", .text = "full", .level = recorded[i].level};
        verdict_judge(&verdict, run.result);
        const struct verdict_check *check = check_of(&verdict, "moon");
        ck_assert_int_eq(verdict.level, recorded[i].level);
        ck_assert_int_eq(check->level, recorded[i].level);
        ck_assert(check->note == recorded[i].note);
        ck_assert_str_eq(check->text, "full");
        ck_assert_str_eq(check->limit, "unknown to this version");
        ck_assert_ptr_nonnull(strstr(check->advice, verdict_level_name(recorded[i].level)));
        ck_assert_ptr_eq(check, &verdict.checks[verdict.check_count - 1]);
    }
    ck_assert(verdict_knows("accounting") && !verdict_knows("moon"));
    drop(&run);
}

TEST_SUITE(verdict)
