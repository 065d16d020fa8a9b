#include "orchestrator/commands/scenario_send.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/commands/scenario_acts.h"
#include "orchestrator/commands/scenario_phase.h"
#include "orchestrator/commands/scenario_watch.h"
#include "orchestrator/report/figures.h"

/* Parts of a load up to a number of bytes: the first one by what a key will cost at least. */
#define LEGS_MAX 8u
#define KEY_COST_GUESS_BYTES 64.0
#define CLOSE_ENOUGH 0.005

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
    account->rate = run->sent_seconds > 0 ? (double)account->requests_ok / run->sent_seconds : 0;
    run->last_rate = account->rate;
    account->p50_ms = latency.p50_ms;
    account->p95_ms = latency.p95_ms;
    account->p99_ms = latency.p99_ms;
    account->max_ms = latency.max_ms;
}

/* What is left of its duration; 0: it has none. */
static uint64_t time_left_ns(const struct scenario_run *run, uint64_t limit_ns)
{
    const uint64_t since_ns = clock_now_ns() - run->began_ns - scenario_account_now(run)->start_ns;
    return limit_ns == 0 ? 0 : since_ns < limit_ns ? limit_ns - since_ns : 1;
}

/* One fleet. *sent false: there were no keys for it. */
static enum err_code send_once(struct scenario_run *run, const struct phase *phase, bool *sent,
                               struct err *err)
{
    struct session *session = run->session;
    struct scenario_step made = {.rates = NULL};
    enum err_code code = scenario_step_make(&made, run, phase, err);
    *sent = made.step.workload != NULL;
    if (code == OK && *sent)
        code = session_plan(session, &made.step.spec, err);
    if (code == OK && *sent) {
        run->running = true;
        scenario_set_deadline(run, time_left_ns(run, made.time_limit_ns));
        code = session_run(session, &made.step, err);
        event_del(run->deadline);
        run->running = false;
        session->interrupts->enough = false;
    }
    if (code == OK && *sent) {
        const struct run_result *result = session->result;
        take_result(run, &made);
        if (result->status != OK && result->status != E_INTERRUPTED)
            code = err_set(err, result->status, "%s", result->status_text);
    }
    scenario_step_free(&made);
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
        code = send_once(run, &part, &sent, err);
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
                             phase->type == PHASE_FLUSH || phase->type == PHASE_INDEX_CREATE;
    bool sent = true;
    const enum err_code code =
        in_parts ? send_up_to(run, phase, err) : send_once(run, phase, &sent, err);
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
