#include "orchestrator/commands/scenario_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/scenario_actions.h"
#include "orchestrator/commands/scenario_acts.h"
#include "orchestrator/commands/scenario_buffers.h"
#include "orchestrator/commands/scenario_checkpoint.h"
#include "orchestrator/commands/scenario_disturb.h"
#include "orchestrator/commands/scenario_index.h"
#include "orchestrator/commands/scenario_phase.h"
#include "orchestrator/commands/scenario_resume.h"
#include "orchestrator/commands/scenario_send.h"
#include "orchestrator/commands/scenario_servers.h"
#include "orchestrator/commands/scenario_watch.h"
#include "orchestrator/machine/memory.h"
#include "orchestrator/scenario/judge.h"
#include "orchestrator/scenario/words.h"
#include "orchestrator/server/keyspace.h"
#include "orchestrator/server/slow_log.h"

#define BYTES_OF_A_KEY_LEAST 48u /* in a server, whatever its value is */
#define MAP_KEYS_LEAST (1ull << 20)
#define FULL_SHARE 0.9 /* of what there is that a memory target may take */

struct observation scenario_run_observation(const struct scenario_run *run)
{
    return (struct observation){
        .scenario = run->scenario,
        .series = &run->series,
        .accounts = run->accounts,
        .jemalloc = strncmp(run->allocator, "jemalloc", strlen("jemalloc")) == 0,
    };
}

/* Of the newest sample, where the condition names no phase. */
static void look_at_newest(struct check_outcome *outcome, struct scenario_run *run,
                           const struct scenario_check *test)
{
    enum series_metric metric = SERIES_METRICS;
    double divisor = 1;
    *outcome = (struct check_outcome){.value = NAN};
    if (!scenario_sample_now(run) || !series_metric_find(&metric, &divisor, test->metric))
        return;
    outcome->value = run->newest.values[metric] / divisor;
    outcome->result = judge_holds(test, outcome->value) ? CHECK_PASS : CHECK_FAIL;
}

/* Whether what a condition looks at is so. */
static enum err_code decide(struct scenario_run *run, const struct phase *phase, struct err *err)
{
    struct phase_account *account = scenario_account_now(run);
    const struct observation observation = scenario_run_observation(run);
    struct check_outcome outcome;
    char value[NUMBER_TEXT_BYTES], limit[NUMBER_TEXT_BYTES], found[160];
    if (phase->test.phase[0] == '\0')
        look_at_newest(&outcome, run, &phase->test);
    else if (judge_one(&outcome, &observation, &phase->test, err) != OK)
        return err->code;
    if (isnan(outcome.value))
        return err_set(
            err, E_DATA, "%s: %s is not known, so that nobody can say what is to follow%s%.200s",
            phase->name, phase->test.metric, outcome.reason[0] != '\0' ? ": " : "", outcome.reason);
    account->holds = outcome.result == CHECK_PASS;
    check_texts(value, limit, &phase->test, outcome.value);
    snprintf(found, sizeof found, "%s: %s is %s", account->holds ? "true" : "false",
             phase->test.metric, value);
    scenario_phase_end(run, found);
    log_line(LOG_INFO, "%s: %s is %.6g: %s", PRINTABLE(phase->name), phase->test.metric,
             outcome.value, account->holds ? "true" : "false");
    return OK;
}

/* One that stands in a branch that was not taken, or is sent with its parent. */
static bool is_left_out(struct scenario_run *run, const struct phase *phase)
{
    if (phase->parallel_place > 0)
        return true;
    if (phase->condition_place == 0)
        return false;
    const struct phase_account *condition = &run->accounts[phase->condition_place - 1];
    if (condition->ran && !condition->failed && condition->holds == phase->if_true)
        return false;
    scenario_account_now(run)->left_out = true;
    return true;
}

static enum err_code carry_out(struct scenario_run *run, const struct phase *phase, struct err *err)
{
    enum err_code code = OK;
    const double expired_before = run->newest.values[SERIES_EXPIRED];
    switch (phase->type) {
    case PHASE_IDLE:
        scenario_idle(run, phase);
        return OK;
    case PHASE_CHECKPOINT:
        scenario_phase_end(run, scenario_sample_now(run) ? "done" : "no sample");
        scenario_checkpoint(run);
        if (phase->duration_ns > 0) {
            run->done = false;
            scenario_idle(run, phase);
        }
        return OK;
    case PHASE_PURGE:
        scenario_purge(run, phase);
        return OK;
    case PHASE_INDEX_CREATE:
        return scenario_index_create(run, phase, err);
    case PHASE_INDEX_DROP:
        return scenario_index_drop(run, phase, err);
    case PHASE_WAIT_INDEX:
        return scenario_index_wait(run, phase, err);
    case PHASE_LOAD:
        return phase->datatype == LIVE_VECTOR ? scenario_index_load(run, phase, err)
                                              : scenario_send(run, phase, err);
    case PHASE_QUERY:
        return phase->datatype == LIVE_VECTOR ? scenario_index_query(run, phase, err)
                                              : scenario_send(run, phase, err);
    case PHASE_FAILOVER:
    case PHASE_REBALANCE:
        return scenario_disturb(run, phase, err);
    case PHASE_CONDITION:
        return decide(run, phase, err);
    case PHASE_PARALLEL:
        return scenario_send_children(run, phase, err);
    case PHASE_FLUSH:
        if (run->index != NULL && !phase->flush_all)
            return scenario_index_flush(run, phase, err);
        return phase->flush_all ? scenario_flush_all(run, phase, err)
                                : scenario_send(run, phase, err);
    case PHASE_EXPIRE:
        code = scenario_send(run, phase, err);
        if (code == OK && phase->wait)
            scenario_await_expired(run, phase, expired_before);
        return code;
    default:
        return scenario_send(run, phase, err);
    }
}

/* A phase that goes on until a number says so, and nothing else ends, would fill a server that does not tell the number. */
static enum err_code look_at_until(const struct scenario_run *run, const struct phase *phase,
                                   struct err *err)
{
    enum series_metric metric;
    double divisor;
    if (phase->until.metric[0] == '\0' || phase->duration_ns > 0 || phase->keys > 0 ||
        !series_metric_find(&metric, &divisor, phase->until.metric) ||
        (series_metric_source(metric) != SERIES_OF_SERVER &&
         series_metric_source(metric) != SERIES_OF_HOST) ||
        !isnan(run->newest.values[metric]))
        return OK;
    return err_set(err, E_DATA,
                   "%s: %s is not known here, and nothing else would end the phase: give it a "
                   "duration, or ask for another metric",
                   phase->name, phase->until.metric);
}

/* No server answers, whatever the phase itself came to. */
static enum err_code tell_gone(const struct scenario_run *run, enum err_code code, struct err *err)
{
    (void)err_set(err, E_CONNECT, "%.80s has gone: it has not answered INFO since %.1f s",
                  run->session->target_text, clock_seconds(run->silent_since_ns - run->began_ns));
    return err_worse(code, E_CONNECT);
}

/* One phase, from its first sample to its last. */
static enum err_code run_phase(struct scenario_run *run, struct err *err)
{
    const struct phase *phase = scenario_phase_now(run);
    struct phase_account *account = scenario_account_now(run);
    account->ran = true;
    account->mean_ms = account->p50_ms = account->p95_ms = account->p99_ms = account->max_ms = NAN;
    account->vectors = VECTOR_ACCOUNT_EMPTY;
    account->start_ns = clock_now_ns() - run->began_ns;
    account->keys_before = live_map_count(run->map);
    memcpy(account->before, run->newest.values, sizeof account->before);
    run->done = false;
    run->phase_samples = 0;
    run->sent_seconds = 0;
    histogram_reset(run->phase_latency);
    run->slope = 0;
    run->stable_count = 0;
    run->silent_since_ns = 0;
    log_line(LOG_INFO, "phase %u of %u: %s", run->phase + 1, run->scenario->phase_count,
             PRINTABLE(phase->name));
    watching_phase(run->session, phase->name, scenario_type_name(phase->type));
    server_sampler_hurry(run->sampler, 0);
    enum err_code code = look_at_until(run, phase, err);
    if (code == OK)
        code = scenario_actions_begin(run, err);
    if (code == OK)
        code = carry_out(run, phase, err);
    code = err_worse(code, scenario_actions_end(run, err));
    event_del(run->deadline);
    if (run->session->interrupts->count > 0)
        snprintf(account->end, sizeof account->end, "interrupted");
    else if (!scenario_sample_now(run) && run->silent_since_ns > 0)
        code = tell_gone(run, code, err);
    if (code == OK)
        scenario_index_look(run);
    account->failed = code != OK;
    if (code != OK)
        snprintf(account->end, sizeof account->end, "failed: %.140s", err->text);
    for (uint32_t i = 0; i < SERIES_METRICS; i++)
        account->after[i] = run->silent_since_ns > 0 ? (double)NAN : run->newest.values[i];
    account->keys_after = live_map_count(run->map);
    if (phase->type == PHASE_LOAD && account->keys_after > account->keys_before)
        account->payload_bytes = (uint64_t)llround(
            (double)(account->keys_after - account->keys_before) * scenario_mean_bytes(phase));
    account->end_ns = clock_now_ns() - run->began_ns;
    scenario_end_children(run, phase);
    return code;
}

/* ---- the whole ---- */

enum err_code scenario_run_check(struct scenario_run *run, struct err *err)
{
    const struct session *session = run->session;
    const struct endpoint *endpoint = &session->request->spec.endpoint;
    const uint64_t target_bytes = run->scenario->memory_target_bytes;
    struct keyspace seen;
    struct err own = {.code = OK};
    char wanted[32], there[32];
    uint64_t room_bytes = UINT64_MAX;
    enum err_code code = scenario_buffers_check(session, run->scenario, err);
    if (code == OK)
        code = scenario_index_open(run, err);
    if (code != OK)
        return code;
    const char *whose = "this host has available";
    const double copies = scenario_servers_copies(session->request);
    if (session->locality.local)
        room_bytes = (uint64_t)((double)memory_available("") / copies);
    if (copies > 1)
        whose = "this host has available, beside what replicas take,";
    if (keyspace_look(&seen, session->topology, endpoint, &session->interrupts->count, &own) != OK)
        log_line(LOG_WARNING, "how much the server may take is not known: %s", own.text);
    else if (seen.room_bytes < room_bytes &&
             !scenario_servers_limited(session->request, run->scenario)) {
        room_bytes = seen.room_bytes;
        whose = "the server's maxmemory leaves";
    }
    if (target_bytes == 0 || run->force || room_bytes == UINT64_MAX ||
        (double)target_bytes <= FULL_SHARE * (double)room_bytes)
        return OK;
    units_format_size(wanted, sizeof wanted, target_bytes);
    units_format_size(there, sizeof there, room_bytes);
    return err_set(err, E_DATA,
                   "the memory target is %s, and %s %s: more than 90 %% of it; use a smaller "
                   "--scale, or --force",
                   wanted, whose, there);
}

static enum err_code begin(struct scenario_run *run, struct err *err)
{
    uint32_t field_count;
    const struct sampler_field *fields = watch_samples_fields(&field_count);
    struct session *session = run->session;
    const struct scenario *scenario = run->scenario;
    uint64_t capacity = scenario->memory_target_bytes / BYTES_OF_A_KEY_LEAST;
    struct timespec wall;
    for (uint32_t i = 0; i < scenario->phase_count; i++)
        capacity += scenario->phases[i].keys;
    capacity = capacity < MAP_KEYS_LEAST ? MAP_KEYS_LEAST : capacity;
    capacity =
        4 * capacity > LIVE_KEYS_MAX ? LIVE_KEYS_MAX : 4 * capacity; /* each key is new once */
    run->accounts = calloc(scenario->phase_count + 1u, sizeof run->accounts[0]);
    run->window_latency = calloc(1, sizeof *run->window_latency);
    run->phase_latency = calloc(1, sizeof *run->phase_latency);
    run->deadline = evtimer_new(session->base, scenario_on_deadline, run);
    if (run->accounts == NULL || run->window_latency == NULL || run->phase_latency == NULL ||
        run->deadline == NULL)
        return err_set(err, E_SYSTEM, "no memory for a scenario");
    histogram_init_zeroed(run->window_latency);
    histogram_init_zeroed(run->phase_latency);
    for (uint32_t i = 0; i < SERIES_METRICS; i++)
        run->newest.values[i] = NAN;
    if (run->resume != NULL)
        capacity += live_map_end(run->resume->map);
    enum err_code code = live_map_create(&run->map, capacity, err);
    if (code != OK)
        return code;
    if (run->resume != NULL) {
        live_map_copy(run->map, run->resume->map);
        run->last_rate = run->resume->last_rate;
        for (uint32_t i = 0; i < run->resume->phase; i++)
            run->accounts[i].done_before = true;
    }
    clock_gettime(CLOCK_REALTIME, &wall);
    run->line = live_line_on(stderr);
    run->began_ns = clock_now_ns();
    run->began_wall_ns = (uint64_t)wall.tv_sec * NS_PER_SECOND + (uint64_t)wall.tv_nsec;
    const struct server_sampler_setup setup = {
        .fields = fields,
        .field_count = field_count,
        .topology = session->topology,
        .target = &session->target,
        .tls = session->request->spec.endpoint.tls_client,
        .endpoint = &session->request->spec.endpoint,
        .period_ns = scenario->sample_interval_ns,
        .hear = scenario_hear_sample,
        .state = run,
    };
    code = server_sampler_start(&run->sampler, session->base, &setup, err);
    if (code == OK && !scenario_sample_now(run))
        code = err_set(err, E_CONNECT, "%s does not answer INFO: a scenario needs its numbers",
                       session->target_text);
    if (code == OK)
        code = scenario_events_begin(run, err);
    snprintf(run->allocator, sizeof run->allocator, "%s",
             code == OK ? server_sampler_allocator(run->sampler) : "");
    return code;
}

enum err_code scenario_run_phases(struct scenario_run *run, struct err *err)
{
    struct session *session = run->session;
    const struct sink sink = {.name = "scenario",
                              .state = run,
                              .run_begin = scenario_hear_begin,
                              .interval = scenario_hear_row};
    enum err_code worst = begin(run, err);
    if (worst != OK)
        return worst;
    timeline_add(&session->timeline, sink);
    timeline_session_begin(&session->timeline, &session->facts);
    for (run->phase = run->resume != NULL ? run->resume->phase : 0;
         run->phase < run->scenario->phase_count; run->phase++) {
        struct err own = {.code = OK};
        if (session->interrupts->count > 0)
            break;
        if (is_left_out(run, scenario_phase_now(run)))
            continue;
        const enum err_code code = run_phase(run, &own);
        worst = err_worse(worst, code);
        if (code == OK)
            continue;
        log_line(LOG_ERROR, "phase %s: %s", scenario_phase_now(run)->name, own.text);
        if (!scenario_phase_now(run)->continue_on_error || code == E_UNTRUSTED)
            break;
    }
    watching_phase(session, NULL, NULL);
    if (run->phase == run->scenario->phase_count)
        run->phase--;
    if (run->host_short)
        worst = err_worse(worst, err_set(err, E_DATA,
                                         "phases were ended, since this host ran short of memory: "
                                         "take a smaller --scale, or --host-reserve"));
    if (session->interrupts->count > 0)
        worst = err_worse(worst, E_INTERRUPTED);
    server_sampler_stop(run->sampler);
    run->sampler = NULL;
    live_line_end(&run->line);
    if (run->slow_log != NULL)
        slow_log_finish(run->slow_log, NS_PER_SECOND);
    slow_log_stop(run->slow_log);
    run->slow_log = NULL;
    return worst;
}

void scenario_run_free(struct scenario_run *run)
{
    server_sampler_stop(run->sampler);
    run->sampler = NULL;
    if (run->deadline != NULL)
        event_free(run->deadline);
    run->deadline = NULL;
    scenario_actions_free(run);
    live_map_destroy(run->map);
    scenario_index_free(run->index);
    series_free(&run->series);
    node_series_free(&run->nodes);
    for (uint32_t i = 0; run->accounts != NULL && i < run->scenario->phase_count; i++)
        json_decref(run->accounts[i].checkpoint);
    free(run->accounts);
    free(run->window_latency);
    free(run->phase_latency);
    free(run->stable_values);
    free(run->stable_at_ns);
}
