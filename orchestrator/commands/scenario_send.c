#include "orchestrator/commands/scenario_send.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/commands/scenario_acts.h"
#include "orchestrator/commands/scenario_index.h"
#include "orchestrator/commands/scenario_nodes.h"
#include "orchestrator/commands/scenario_phase.h"
#include "orchestrator/commands/scenario_watch.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/scenario/scenario_file.h"

/* Parts of a load up to a number of bytes: the first one by what a key will cost at least. */
#define LEGS_MAX 8u
#define KEY_COST_GUESS_BYTES 64.0
#define CLOSE_ENOUGH 0.005

static void take_verdict(struct phase_verdict *taken, const struct verdict *verdict)
{
    taken->known = true;
    if (verdict->level > taken->level)
        taken->level = verdict->level;
    for (uint32_t i = 0; i < verdict->check_count; i++)
        taken->checks[verdict->checks[i].level] |= UINT64_C(1) << i;
}

/* Of one of the phase's loads, beside those before it. */
static void take_result(struct scenario_run *run, const struct scenario_step *made)
{
    struct phase_account *account = scenario_account_now(run);
    const struct run_result *result = run->session->result;
    const struct interval_row *total = result->total;
    histogram_add(run->phase_latency, figure_latency(total, made->step.spec.rate.steps != NULL));
    const struct latency_summary latency = scenario_latency(run->phase_latency);
    run->sent_seconds += result->seconds;
    account->requests_ok += total->counters[COUNTER_OK];
    account->requests_failed += figure_failed(total->counters);
    account->load_seconds = run->sent_seconds;
    account->rate = run->sent_seconds > 0 ? (double)account->requests_ok / run->sent_seconds : 0;
    run->last_rate = account->rate;
    if (scenario_measures_maximum(scenario_phase_now(run)) && account->rate > run->max_rate)
        run->max_rate = account->rate;
    account->mean_ms = latency.mean_ms;
    account->p50_ms = latency.p50_ms;
    account->p95_ms = latency.p95_ms;
    account->p99_ms = latency.p99_ms;
    account->max_ms = latency.max_ms;
    scenario_nodes_account(&account->trouble, result);
    phase_buffer_add(&account->buffer, result);
    take_verdict(&account->verdict, &result->verdict);
    if (scenario_phase_now(run)->type == PHASE_QUERY)
        account->search =
            (struct phase_search){.complete = made->plan.picked_count > 0 &&
                                              account->requests_ok == made->plan.picked_count,
                                  .missing = total->counters[COUNTER_MISSES]};
}

/* In ms; NAN: not known. */
static double latency_of(const struct metric_slice *slice, enum metric_statistic_kind kind,
                         double percent)
{
    const struct metric_statistic statistic = {"", kind, percent};
    const struct metric_value value = metric_read(slice, METRIC_RESPONSE_TIME, &statistic);
    return value.known ? value.number / 1e6 : NAN;
}

/* What is left of its duration; 0: it has none. */
static uint64_t time_left_ns(const struct scenario_run *run, uint64_t limit_ns)
{
    const uint64_t since_ns = clock_now_ns() - run->began_ns - scenario_account_now(run)->start_ns;
    return limit_ns == 0 ? 0 : since_ns < limit_ns ? limit_ns - since_ns : 1;
}

/* One of so many requests may be done before the others, and its rate is over the time until then. */
static void end_branch(struct scenario_run *run, struct phase_account *account,
                       struct metric_slice *slice, uint64_t requests, uint64_t branch_end_ns)
{
    const uint64_t wall_ns = run->session->run->started_wall_ns;
    if (requests == 0 || branch_end_ns == 0 ||
        account->requests_ok + account->requests_failed < requests)
        return;
    slice->seconds = clock_seconds(branch_end_ns);
    account->end_ns = wall_ns > run->began_wall_ns ? wall_ns - run->began_wall_ns : 0;
    account->end_ns += branch_end_ns;
    snprintf(account->end, sizeof account->end, "done");
}

/* Of each of those that were sent side by side. */
static void take_results_apart(struct scenario_run *run, const struct scenario_step *const *sent,
                               uint32_t count)
{
    const struct metric_slice whole = metric_slice_of_run(run->session->result);
    for (uint32_t i = 0; i < count; i++) {
        struct phase_account *account = &run->accounts[sent[i]->place];
        struct metric_slice slice = count > 1 ? metric_slice_of_stream(&whole, i) : whole;
        account->requests_ok = metric_count(&slice, METRIC_OK);
        account->requests_failed = metric_count(&slice, METRIC_ERRORS) +
                                   metric_count(&slice, METRIC_TIMED_OUT) +
                                   metric_count(&slice, METRIC_LOST);
        end_branch(run, account, &slice, sent[i]->step.spec.load.requests, run->branch_end_ns[i]);
        account->load_seconds = slice.seconds;
        account->rate = metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number;
        account->mean_ms = latency_of(&slice, STATISTIC_MEAN, 0);
        account->p50_ms = latency_of(&slice, STATISTIC_PERCENTILE, 50);
        account->p95_ms = latency_of(&slice, STATISTIC_PERCENTILE, 95);
        account->p99_ms = latency_of(&slice, STATISTIC_PERCENTILE, 99);
        account->max_ms = latency_of(&slice, STATISTIC_MAX, 0);
    }
}

/* Of these phases those that have something to send; what takes time stands first, since all last as long as the first one.
 * Returns how many. */
static uint32_t put_in_order(struct scenario_step *made, uint32_t count,
                             struct scenario_step **sent)
{
    uint32_t found = 0;
    for (int by_time = 1; by_time >= 0; by_time--)
        for (uint32_t i = 0; i < count; i++)
            if (made[i].step.workload != NULL &&
                (made[i].step.spec.load.duration_ns > 0) == (by_time == 1))
                sent[found++] = &made[i];
    return found;
}

static enum err_code run_fleet(struct scenario_run *run, struct scenario_step *const *sent,
                               uint32_t count, struct err *err)
{
    struct session *session = run->session;
    struct bench_step *beside = calloc(count, sizeof *beside);
    uint64_t limit_ns = 0;
    if (beside == NULL)
        return err_set(err, E_SYSTEM, "no memory for a phase");
    for (uint32_t i = 0; i < count; i++) {
        sent[i]->step.stream = count > 1 ? run->scenario->phases[sent[i]->place].name : NULL;
        if (i > 0)
            beside[i - 1] = sent[i]->step;
        if (sent[i]->time_limit_ns > limit_ns)
            limit_ns = sent[i]->time_limit_ns;
    }
    session->steps.beside = beside;
    session->steps.beside_count = count - 1;
    enum err_code code = session_plan(session, &sent[0]->step.spec, err);
    memset(run->branch_end_ns, 0, sizeof run->branch_end_ns);
    if (code == OK) {
        run->running = true;
        scenario_set_deadline(run, time_left_ns(run, limit_ns));
        code = session_run(session, &sent[0]->step, err);
        event_del(run->deadline);
        run->running = false;
        session->interrupts->enough = false;
    }
    if (code == OK) {
        const struct run_result *result = session->result;
        take_result(run, sent[0]);
        for (uint32_t i = 0; i < count; i++)
            run->sent_workload |= run->scenario->phases[sent[i]->place].workload != NULL;
        if (sent[0]->place != run->phase)
            take_results_apart(run, (const struct scenario_step *const *)sent, count);
        if (result->status != OK && result->status != E_INTERRUPTED)
            code = err_set(err, result->status, "%s", result->status_text);
    }
    session->steps.beside = NULL;
    session->steps.beside_count = 0;
    free(beside);
    return code;
}

/* One fleet of these phases, which stand one behind the other. *sent false: there were no keys for it. */
static enum err_code send_part(struct scenario_run *run, const struct phase *phases, uint32_t count,
                               uint32_t part, bool *sent, struct err *err)
{
    struct scenario_step *made = calloc(SCENARIO_CHILDREN_MAX, sizeof *made),
                         *in_order[SCENARIO_CHILDREN_MAX];
    enum err_code code = OK;
    *sent = true;
    if (made == NULL)
        return err_set(err, E_SYSTEM, "no memory for a phase");
    for (uint32_t i = 0; i < count && code == OK; i++) {
        code = scenario_step_make(&made[i], run, &phases[i], part, err);
        made[i].place = run->phase + (count > 1 ? 1 + i : 0);
    }
    const uint32_t found = code == OK ? put_in_order(made, count, in_order) : 0;
    *sent = found > 0;
    if (found > 0)
        code = run_fleet(run, in_order, found, err);
    for (uint32_t i = 0; i < count; i++)
        scenario_step_free(&made[i]);
    free(made);
    return code;
}

static enum err_code send_once(struct scenario_run *run, const struct phase *phases, uint32_t count,
                               bool *sent, struct err *err)
{
    enum err_code code = OK;
    for (uint32_t part = 0; part < scenario_step_parts(phases) && code == OK && !run->done &&
                            run->session->interrupts->count == 0;
         part++)
        code = send_part(run, phases, count, part, sent, err);
    return code;
}

/* A server may take hundreds of megabytes in the time between a sample and the last request that it stops. So a load up to
 * a number of keys or of bytes is sent in parts, each of as many keys as surely do not go beyond it by what the keys
 * before have cost. */
static enum err_code send_up_to(struct scenario_run *run, const struct phase *phase,
                                struct err *err)
{
    static const double shares[LEGS_MAX] = {0.25, 0.9, 0.97, 1, 1, 1, 1, 1};
    const bool by_keys = strcmp(phase->until.metric, "keys") == 0;
    double cost = by_keys ? 1 : scenario_mean_bytes(phase) + KEY_COST_GUESS_BYTES;
    const uint64_t first_keys = live_map_count(run->map);
    enum err_code code = OK;
    run->in_parts = true;
    for (unsigned leg = 0; leg < LEGS_MAX && code == OK && !run->done; leg++) {
        double wanted = NAN;
        const double value = scenario_value_of(run, &phase->until, run->newest.values, &wanted);
        const uint64_t keys_before = live_map_count(run->map);
        const double left = (wanted - value) / cost * (by_keys ? 1 : shares[leg]);
        struct phase part = *phase;
        bool sent;
        if (value >= wanted || left < 1 || (!by_keys && wanted - value < CLOSE_ENOUGH * wanted)) {
            scenario_phase_end(run, phase->until.text);
            break;
        }
        part.keys = left < 1e15 ? (uint64_t)ceil(left) : UINT64_MAX / 2;
        if (phase->keys > 0 && part.keys > phase->keys - (keys_before - first_keys))
            part.keys = phase->keys - (keys_before - first_keys);
        if (part.keys == 0)
            break;
        code = send_once(run, &part, 1, &sent, err);
        if (code != OK || run->session->interrupts->count > 0 || !scenario_sample_now(run))
            break;
        const uint64_t more_keys = live_map_count(run->map) - keys_before;
        if (more_keys == 0)
            break;
        const double grown =
            scenario_value_of(run, &phase->until, run->newest.values, &wanted) - value;
        if (!by_keys && grown > 0)
            cost = grown / (double)more_keys;
    }
    run->in_parts = false;
    return code;
}

enum err_code scenario_send(struct scenario_run *run, const struct phase *phase, struct err *err)
{
    const struct phase_until *until = &phase->until;
    struct phase_account *account = scenario_account_now(run);
    const bool in_parts =
        phase->type == PHASE_LOAD && !(phase->qps > 0) && until->at_least &&
        (strcmp(until->metric, "used_memory") == 0 || strcmp(until->metric, "keys") == 0);
    const bool by_requests = phase->type == PHASE_LOAD || phase->type == PHASE_DELETE ||
                             phase->type == PHASE_OVERWRITE || phase->type == PHASE_EXPIRE ||
                             phase->type == PHASE_FLUSH || phase->type == PHASE_INDEX_CREATE ||
                             (phase->type == PHASE_QUERY && phase->fraction > 0);
    bool sent = true;
    const enum err_code code =
        in_parts ? send_up_to(run, phase, err) : send_once(run, phase, 1, &sent, err);
    if (!run->done)
        scenario_phase_end(run, !sent ? "no keys" : by_requests ? "done" : "duration");
    account->target_missed = run->session->interrupts->count == 0 &&
                             (phase->type == PHASE_LOAD && until->metric[0] != '\0'
                                  ? strcmp(account->end, until->text) != 0
                                  : by_requests && strcmp(account->end, "duration") == 0);
    if (account->target_missed)
        log_line(LOG_WARNING, "%s: target not reached%s%s", phase->name,
                 until->text[0] != '\0' ? ": " : "", until->text);
    return code;
}

enum err_code scenario_send_children(struct scenario_run *run, const struct phase *phase,
                                     struct err *err)
{
    const uint64_t start_ns = scenario_account_now(run)->start_ns;
    enum err_code code = OK;
    bool sent = true;
    for (uint32_t i = 1; i <= phase->child_count; i++) {
        struct phase_account *child = &run->accounts[run->phase + i];
        child->ran = true;
        child->start_ns = start_ns;
        child->mean_ms = child->p50_ms = child->p95_ms = child->p99_ms = child->max_ms = NAN;
        child->keys_before = live_map_count(run->map);
        memcpy(child->before, run->newest.values, sizeof child->before);
        if (phase[i].type == PHASE_INDEX_CREATE && code == OK)
            code = scenario_index_begin(run, &phase[i], run->phase + i, err);
    }
    if (code == OK)
        code = send_once(run, phase + 1, phase->child_count, &sent, err);
    for (uint32_t i = 1; i <= phase->child_count && code == OK; i++)
        if (phase[i].type == PHASE_INDEX_CREATE)
            scenario_index_end(run, run->phase + i);
    if (!run->done)
        scenario_phase_end(run, sent ? "duration" : "no keys");
    return code;
}

void scenario_end_children(struct scenario_run *run, const struct phase *phase)
{
    const struct phase_account *whole = scenario_account_now(run);
    for (uint32_t i = 1; i <= phase->child_count; i++) {
        struct phase_account *child = &run->accounts[run->phase + i];
        child->keys_after = whole->keys_after;
        memcpy(child->after, whole->after, sizeof child->after);
        if (child->end_ns > 0)
            continue; /* it was done */
        child->end_ns = whole->end_ns;
        child->failed = whole->failed;
        memcpy(child->end, whole->end, sizeof child->end);
    }
}
