#include "orchestrator/report/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/report/verdict_checks.h"

const char *verdict_level_name(enum verdict_level level)
{
    static const char *const names[] = {"GREEN", "AMBER", "RED"};
    return names[level];
}

#define NONE NAN

/* Which side of its limits the value is to be on. */
enum side { AT_MOST, AT_LEAST };

static const struct verdict_row {
    const char *name;
    verdict_judge_function *judge;
    enum side side;
    const char *unit;
    double threshold, red_threshold; /* NONE: there is none, or the judge sets it */
    const char *limit;
    const char *advice; /* NULL: the judge's */
} rows[] = {
    {"worker_cpu", verdict_worker_cpu, AT_MOST, "percent", 90, NONE, "90 %", NULL},
    {"run_delay", verdict_run_delay, AT_MOST, "percent", 5, NONE, "5 %",
     "something else ran on a worker's CPU, and replies waited meanwhile: leave the workers CPUs "
     "of their own (--cpus), or stop what runs beside them"},
    {"loop_lag", verdict_loop_lag, AT_MOST, "percent", 10, NONE, "10 % of a percentile", NULL},
    {"slip", verdict_slip, AT_MOST, "ms", NONE, NONE, "10 % of response p50 or 0.25 ms",
     "volley sent late by itself: give the workers CPUs of their own, try --pacing spin, or more "
     "workers (--processes); the response time counts the delay"},
    {"wait", verdict_wait, AT_MOST, "ms", NONE, NONE, "10 % of response p50 or 0.25 ms",
     "requests waited for a free connection before they were sent; the response time counts that "
     "wait, the service time does not: it is no latency of this load"},
    {"target", verdict_target, AT_LEAST, "percent", 99, 90, "99 %, RED below 90 %", NULL},
    {"shed", verdict_shed, AT_MOST, "requests", 0, NONE, "0",
     "requests were dropped because they were later than --shed-after: the load was lighter than "
     "asked for"},
    {"errors", verdict_errors, AT_MOST, "percent", 0.1, 1, "0.1 %, RED above 1 %", NULL},
    {"lost_or_timed_out", verdict_lost_or_timed_out, AT_MOST, "percent", 0, 0.1,
     "0, RED above 0.1 %",
     "requests without a reply count as longer than any in the percentiles: find out why the "
     "server or the network dropped them"},
    {"censored", verdict_censored, AT_MOST, "percentiles", 0, NONE, "every percentile known",
     "too many requests went without a reply, or were never sent, to know this percentile: lower "
     "the rate, or find out why they were not answered"},
    {"misses", verdict_misses, AT_MOST, "percent", 1, NONE, "1 %", NULL},
    {"one_key", verdict_one_key, AT_MOST, "flag", 0, NONE, "two keys or more",
     "one hot key is not a real load: spread the requests over a key range (-r or --sequential)"},
    {"shared_cpu", verdict_shared_cpu, AT_MOST, "flag", 0, NONE, "CPUs of their own",
     "the server and a worker compete for one CPU: pin the server elsewhere, or choose the "
     "workers' CPUs with --cpus"},
    {"steal_time", verdict_steal_time, AT_MOST, "percent", 2, 10, "2 %, RED above 10 %",
     "the hypervisor gave this machine's CPUs to others: repeat on a quieter host"},
    {"throttling", verdict_throttling, AT_MOST, "percent", 0.1, 5,
     "0.1 % of the run, RED above 5 %",
     "the CPU quota of the control group stopped volley: raise the quota or use fewer workers"},
    {"stood_still", verdict_stood_still, AT_MOST, "percent", 0, 5, "0, RED above 5 % of the time",
     "volley itself was stopped (a debugger, Ctrl+Z) or kept from its CPU: what was not sent or "
     "read meanwhile is not the target's doing; run it again"},
    {"lost_workers", verdict_lost_workers, AT_MOST, "workers", NONE, 0, "0",
     "worker processes died during the run: look at stderr or volley.log, then repeat"},
    {"outage", verdict_outage, AT_MOST, "percent", 0, 10, "none, RED above 10 % of the run",
     "for a part of the run nothing succeeded: look at Failures, and do not compare rates and "
     "percentiles that span an outage with those of a run without"},
    {"tls_handshakes", verdict_tls_handshakes, AT_MOST, "handshakes", 0, NONE, "0 failed",
     "TLS handshakes failed while the run was under way: look at the log for the reason, and at "
     "certificates that ran out or a server that was restarted"},
    {"local_ports", verdict_local_ports, AT_MOST, "attempts", 0, NONE,
     "0, RED above the connections opened",
     "every local port was in use or waiting (TIME_WAIT): connect from more addresses, close with "
     "a reset, or renew connections less often"},
    {"node_ring", verdict_node_ring, AT_MOST, "seconds", 0, NONE, "0",
     "requests for one node that did not answer filled their ring, and the others had to wait for "
     "it: the load was lighter than asked for"},
    {"node_load", verdict_node_load, AT_MOST, "percent", NONE, NONE, "informative", ""},
    {"steady", verdict_steady, AT_MOST, "flag", 0, NONE, "settled within its limit",
     "rate and latency had not settled when the warm-up ended: allow it longer, or look for what "
     "keeps changing (a save, a rewrite, eviction, other users of the host)"},
    {"clamped", verdict_clamped, AT_MOST, "latencies", 0, NONE, "0",
     "latencies above one hour were counted as one hour: the percentiles near the maximum are "
     "too low"},
    {"few_samples", verdict_few_samples, AT_LEAST, "answers", NONE, NONE, "10 / (1 - q) answers",
     "too few requests for a percentile: run longer, or ask for lower --percentiles"},
    {"late_records", verdict_late_records, AT_MOST, "records", 0, NONE, "0",
     "some intervals hold requests of the one before; the totals are exact: use a longer "
     "--interval or fewer workers"},
    {"short_run", verdict_short_run, AT_LEAST, "seconds", 0.5, NONE, "0.5 s",
     "the run is too short to mean much: run longer"},
    {"failed", verdict_failed, AT_MOST, "flag", NONE, 0, "no failure",
     "the run failed, as its status says, and often before its time: what was measured is not what "
     "was asked for"},
    {"accounting", verdict_accounting, AT_MOST, "flag", NONE, 0, "no difference",
     "do not use these figures: volley's own counters disagree, which is a bug in volley"},
};

_Static_assert(sizeof rows / sizeof rows[0] <= VERDICT_CHECKS_MAX, "the verdict has no room");

/* Comparisons with what is not known are false. */
static bool beyond(double value, double limit, enum side side)
{
    return side == AT_MOST ? value > limit : value < limit;
}

static enum verdict_level grade(const struct verdict_check *check, enum side side)
{
    if (beyond(check->value, check->red_threshold, side))
        return VERDICT_RED;
    return beyond(check->value, check->threshold, side) ? VERDICT_AMBER : VERDICT_GREEN;
}

static void judge_row(struct verdict_check *check, const struct verdict_row *row,
                      const struct run_result *result)
{
    *check = (struct verdict_check){
        .value = NAN, .threshold = row->threshold, .red_threshold = row->red_threshold};
    snprintf(check->name, sizeof check->name, "%s", row->name);
    snprintf(check->unit, sizeof check->unit, "%s", row->unit);
    snprintf(check->limit, sizeof check->limit, "%s", row->limit);
    row->judge(check, result);
    if (check->note)
        check->level = VERDICT_GREEN;
    else if (grade(check, row->side) > check->level)
        check->level = grade(check, row->side);
    if (check->level == VERDICT_GREEN && !check->note)
        check->advice[0] = '\0';
    else if (check->advice[0] == '\0' && row->advice != NULL)
        verdict_advise(check, "%s", row->advice);
}

void verdict_judge(struct verdict *verdict, const struct run_result *result)
{
    memset(verdict, 0, sizeof *verdict);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct verdict_check *check = &verdict->checks[verdict->check_count++];
        judge_row(check, &rows[i], result);
        if (check->level > verdict->level)
            verdict->level = check->level;
    }
}
