#include "orchestrator/commands/scenario_run.h"

#include <hiredis/hiredis.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/scenario_phase.h"
#include "orchestrator/machine/memory.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/server/keyspace.h"

/* Near the end of a phase samples come so early that the value moves on by half of what is left, and no more often. */
#define HURRY_LEAST_NS (2 * NS_PER_MS)
#define HURRY_FIRST_NS (20 * NS_PER_MS)
/* From a sample to the last request that the end of a phase lets through, beside what the next sample would take. */
#define STOP_TAKES_NS (3.0 * 1e6)
/* Parts of a load up to a number of bytes: the first one by what a key will cost at least. */
#define LEGS_MAX 8u
#define KEY_COST_GUESS_BYTES 64.0
#define CLOSE_ENOUGH 0.005
#define ANSWER_LIMIT_NS (10 * NS_PER_SECOND) /* of a checkpoint's sample */
#define BYTES_OF_A_KEY_LEAST 48u             /* in a server, whatever its value is */
#define MAP_KEYS_LEAST (1ull << 20)
#define FULL_SHARE 0.9 /* of what there is that a memory target may take */

/* ---- samples ---- */

static const struct phase *phase_now(const struct scenario_run *run)
{
    return &run->scenario->phases[run->phase];
}

static struct phase_account *account_now(const struct scenario_run *run)
{
    return &run->accounts[run->phase];
}

/* The phase has reached its end. */
static void end_phase(struct scenario_run *run, const char *why)
{
    struct phase_account *account = account_now(run);
    if (!run->done)
        snprintf(account->end, sizeof account->end, "%s", why);
    run->done = true;
    if (run->running)
        run->session->interrupts->enough = true;
    else
        event_base_loopbreak(run->session->base);
}

/* Of latencies, in ms; NAN: there are none. */
struct latency_summary {
    double p50_ms, p95_ms, p99_ms, max_ms;
};

static struct latency_summary summarise(const struct histogram *latency)
{
    if (latency->count == 0)
        return (struct latency_summary){NAN, NAN, NAN, NAN};
    return (struct latency_summary){.p50_ms = (double)histogram_quantile(latency, 0.5) / 1e6,
                                    .p95_ms = (double)histogram_quantile(latency, 0.95) / 1e6,
                                    .p99_ms = (double)histogram_quantile(latency, 0.99) / 1e6,
                                    .max_ms = (double)latency->max_ns / 1e6};
}

static void add_client_values(struct scenario_run *run, double values[SERIES_METRICS])
{
    if (!(run->window_seconds > 0))
        return;
    const struct latency_summary latency = summarise(run->window_latency);
    values[SERIES_OPS] = (double)run->window_ok / run->window_seconds;
    values[SERIES_REQUESTS] = (double)run->window_ok;
    values[SERIES_ERRORS] = (double)run->window_failed;
    values[SERIES_P50] = latency.p50_ms;
    values[SERIES_P95] = latency.p95_ms;
    values[SERIES_P99] = latency.p99_ms;
    values[SERIES_MAX] = latency.max_ms;
    run->window_ok = run->window_failed = 0;
    run->window_seconds = 0;
    histogram_reset(run->window_latency);
}

/* How far it is, as people read it. */
static void show(struct scenario_run *run, const double *values, uint64_t now_ns)
{
    const struct phase *phase = phase_now(run);
    char left[64] = "", used[32];
    if (!run->show_progress || now_ns - run->shown_ns < NS_PER_SECOND * 9 / 10)
        return;
    run->shown_ns = now_ns;
    if (phase->until.metric[0] != '\0')
        snprintf(left, sizeof left, " until %.50s", phase->until.text);
    else if (phase->duration_ns > 0)
        snprintf(left, sizeof left, " of %.0f s", clock_seconds(phase->duration_ns));
    units_format_size(used, sizeof used,
                      values[SERIES_USED_MEMORY] > 0 ? (uint64_t)values[SERIES_USED_MEMORY] : 0);
    fprintf(stderr, "[%.1fs] phase %u of %u, %s: %.1f s%s; %s keys, %s used",
            clock_seconds(now_ns - run->began_ns), run->phase + 1, run->scenario->phase_count,
            PRINTABLE(phase->name),
            clock_seconds(now_ns - run->began_ns) - clock_seconds(account_now(run)->start_ns), left,
            values[SERIES_KEYS] >= 0 ? UNITS_GROUPED((uint64_t)values[SERIES_KEYS]) : "?", used);
    if (values[SERIES_OPS] >= 0)
        fprintf(stderr, "; %s requests/s, p99 %.3f ms", UNITS_GROUPED((uint64_t)values[SERIES_OPS]),
                values[SERIES_P99]);
    fputs("\n", stderr);
}

/* What the end of a phase looks at, and what that is to be; NAN: not known, or it looks at nothing. */
static double value_of(const struct scenario_run *run, const struct phase_until *until,
                       const double *values, double *wanted)
{
    enum series_metric metric;
    double divisor;
    if (until->metric[0] == '\0' || !series_metric_find(&metric, &divisor, until->metric))
        return NAN;
    *wanted = until->of_target ? until->value * (double)run->scenario->memory_target_bytes / divisor
                               : until->value;
    return values[metric] / divisor;
}

static void watch_until(struct scenario_run *run, const double *values, uint64_t at_ns,
                        uint64_t took_ns)
{
    const struct phase_until *until = &phase_now(run)->until;
    double wanted = NAN;
    const double value = value_of(run, until, values, &wanted);
    if (isnan(value))
        return;
    const double gap_ns = (double)(at_ns - run->last_value_ns);
    if (run->phase_samples > 1 && gap_ns > 0)
        run->slope = (value - run->last_value) / gap_ns;
    run->last_value = value;
    run->last_value_ns = at_ns;
    const double lag =
        run->running && !run->in_parts ? run->slope * (STOP_TAKES_NS + (double)took_ns) : 0;
    if (until->at_least ? value + lag >= wanted : value + lag <= wanted) {
        end_phase(run, until->text);
        return;
    }
    /* No later than in twice the time of the last one, since a load that begins is slower than it will be. */
    const bool moves = until->at_least ? run->slope > 0 : run->slope < 0;
    const double left_ns = moves ? (wanted - value) / run->slope : INFINITY;
    double delay_ns = run->phase_samples > 1 ? 2 * gap_ns : (double)HURRY_FIRST_NS;
    delay_ns = fmax(fmin(delay_ns, left_ns / 2), (double)HURRY_LEAST_NS);
    if (delay_ns < (double)run->scenario->sample_interval_ns)
        server_sampler_hurry(run->sampler, (uint64_t)delay_ns);
}

static bool keep_stable_value(struct scenario_run *run, double value, uint64_t at_ns)
{
    if (run->stable_count == run->stable_room) {
        const size_t room = run->stable_room > 0 ? 2 * run->stable_room : 256;
        double *values = realloc(run->stable_values, room * sizeof *values);
        if (values != NULL)
            run->stable_values = values;
        uint64_t *times = realloc(run->stable_at_ns, room * sizeof *times);
        if (times != NULL)
            run->stable_at_ns = times;
        if (values == NULL || times == NULL)
            return false;
        run->stable_room = room;
    }
    run->stable_values[run->stable_count] = value;
    run->stable_at_ns[run->stable_count++] = at_ns;
    return true;
}

static void watch_stable(struct scenario_run *run, const double *values, uint64_t at_ns)
{
    const struct phase_stable *stable = &phase_now(run)->stable;
    enum series_metric metric;
    double divisor, least = INFINITY, most = -INFINITY, sum = 0;
    size_t count = 0;
    if (stable->metric[0] == '\0' || !series_metric_find(&metric, &divisor, stable->metric) ||
        isnan(values[metric]) || !keep_stable_value(run, values[metric], at_ns) ||
        at_ns - run->stable_at_ns[0] < stable->window_ns)
        return;
    for (size_t i = run->stable_count; i-- > 0 && at_ns - run->stable_at_ns[i] <= stable->window_ns;
         count++) {
        sum += run->stable_values[i];
        least = fmin(least, run->stable_values[i]);
        most = fmax(most, run->stable_values[i]);
    }
    const double mean = sum / (double)count;
    if (count > 1 && most - mean <= stable->tolerance * fabs(mean) &&
        mean - least <= stable->tolerance * fabs(mean))
        end_phase(run, "stable");
}

static void hear_sample(void *state, const struct server_sample *sample)
{
    struct scenario_run *run = state;
    struct series_row row = {.at_ns = sample->at_ns - run->began_ns, .phase = run->phase};
    struct err err = {.code = OK};
    run->samples++;
    run->samples_missed += !sample->known;
    run->sampling_seconds += clock_seconds(sample->took_ns);
    row.wall_ns = run->began_wall_ns + row.at_ns;
    for (uint32_t i = 0; i < SERIES_METRICS; i++)
        row.values[i] = NAN;
    memcpy(row.values, sample->values, SERIES_OPS * sizeof row.values[0]);
    add_client_values(run, row.values);
    if (series_add(&run->series, &row, &err) != OK)
        log_line(LOG_WARNING, "a sample is lost: %s", err.text);
    if (!sample->known)
        return;
    run->newest = row;
    run->phase_samples++;
    show(run, row.values, sample->at_ns);
    if (!run->done) {
        watch_until(run, row.values, sample->at_ns, sample->took_ns);
        watch_stable(run, row.values, sample->at_ns);
    }
}

/* Waits for a sample that is asked for from now on; false: there is none. */
static bool sample_now(struct scenario_run *run)
{
    const uint64_t from_ns = clock_now_ns(), until_ns = from_ns + ANSWER_LIMIT_NS;
    server_sampler_hurry(run->sampler, 0);
    while (run->newest.at_ns + run->began_ns < from_ns && clock_now_ns() < until_ns &&
           run->session->interrupts->count == 0)
        event_base_loop(run->session->base, EVLOOP_ONCE);
    return run->newest.at_ns + run->began_ns >= from_ns;
}

static enum err_code hear_row(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct scenario_run *run = state;
    (void)error_kinds;
    (void)err;
    run->window_ok += row->counters[COUNTER_OK];
    run->window_failed += figure_failed(row->counters);
    run->window_seconds += clock_seconds(row->header.end_ns - row->header.start_ns);
    histogram_add(run->window_latency,
                  figure_latency(row, (row->header.flags & INTERVAL_OPEN_LOOP) != 0));
    return OK;
}

/* ---- phases without a load ---- */

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    end_phase(argument, "duration");
}

static void set_deadline(struct scenario_run *run, uint64_t length_ns)
{
    const struct timeval delay = {.tv_sec = (time_t)(length_ns / NS_PER_SECOND),
                                  .tv_usec = (suseconds_t)(length_ns % NS_PER_SECOND / NS_PER_US)};
    if (length_ns > 0 && event_add(run->deadline, &delay) != 0)
        log_line(LOG_WARNING, "%s: no timer for its end", phase_now(run)->name);
}

/* Until its end, or an interrupt, which a signal wakes the loop for. */
static void wait_for_end(struct scenario_run *run)
{
    while (!run->done && run->session->interrupts->count == 0)
        event_base_loop(run->session->base, EVLOOP_ONCE);
}

static void idle(struct scenario_run *run, const struct phase *phase)
{
    uint64_t length_ns = phase->duration_ns;
    if (phase->stable.metric[0] != '\0' && phase->stable.max_ns > 0 &&
        (length_ns == 0 || phase->stable.max_ns < length_ns))
        length_ns = phase->stable.max_ns;
    set_deadline(run, length_ns);
    wait_for_end(run);
}

/* A command to each primary. E_CONNECT: one of them refuses it, or cannot be reached; the others are told all the same. */
static enum err_code tell_servers(const struct session *session, int argc, const char *const *argv,
                                  struct err *err)
{
    const struct topology *topology = session->topology;
    for (uint32_t i = 0; i < topology->node_count || i == 0; i++) {
        const struct target_address *target =
            topology->node_count > 0 ? &topology->nodes[i].address : &session->target;
        struct control *control = NULL;
        redisReply *reply = NULL;
        struct err own = {.code = OK};
        if (topology->node_count > 0 && topology->nodes[i].role != TOPOLOGY_PRIMARY)
            continue;
        enum err_code code = control_connect_to(&control, target, &session->request->spec.endpoint,
                                                &session->interrupts->count, &own);
        if (code == OK)
            code = control_command(control, &reply, argc, argv, &own);
        if (code == OK && reply->type == REDIS_REPLY_ERROR)
            code =
                err_set(&own, E_CONNECT, "%s %s: %s", argv[0], argc > 1 ? argv[1] : "", reply->str);
        if (code != OK && err->code == OK)
            (void)err_set(err, code, "%s", own.text);
        freeReplyObject(reply);
        control_close(control);
    }
    return err->code;
}

static void purge(struct scenario_run *run, const struct phase *phase)
{
    static const char *const defrag[] = {"CONFIG", "SET", "activedefrag", "yes"},
                             *const memory[] = {"MEMORY", "PURGE"};
    struct err err = {.code = OK};
    if (phase->activedefrag)
        (void)tell_servers(run->session, 4, defrag, &err);
    if (phase->memory_purge)
        (void)tell_servers(run->session, 2, memory, &err);
    if (err.code != OK)
        log_line(LOG_WARNING, "%s: %s; the scenario goes on without it", phase->name,
                 PRINTABLE(err.text));
    end_phase(run, err.code == OK ? "done" : "done, but for what the server does not do");
    if (phase->duration_ns > 0) {
        run->done = false;
        idle(run, phase);
    }
}

/* ---- phases with a load ---- */

/* Of one of the phase's loads, beside those before it. */
static void take_result(struct scenario_run *run, const struct scenario_step *made)
{
    struct phase_account *account = account_now(run);
    const struct run_result *result = run->session->result;
    const struct interval_row *total = result->total;
    histogram_add(run->phase_latency, figure_latency(total, made->step.spec.rate.steps != NULL));
    const struct latency_summary latency = summarise(run->phase_latency);
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
    const uint64_t since_ns = clock_now_ns() - run->began_ns - account_now(run)->start_ns;
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
        set_deadline(run, time_left_ns(run, made.time_limit_ns));
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
    double cost = by_keys ? 1 : live_mean_bytes(&phase->value_size) + KEY_COST_GUESS_BYTES;
    const uint64_t first_keys = live_map_count(run->map);
    enum err_code code = OK;
    run->in_parts = true;
    for (unsigned leg = 0; leg < LEGS_MAX && code == OK && !run->done; leg++) {
        double wanted = NAN;
        const double value = value_of(run, &phase->until, run->newest.values, &wanted);
        const uint64_t keys_before = live_map_count(run->map);
        const double left = (wanted - value) / cost * (by_keys ? 1 : shares[leg]);
        struct phase part = *phase;
        bool sent;
        if (value >= wanted || left < 1 || (!by_keys && wanted - value < CLOSE_ENOUGH * wanted)) {
            end_phase(run, phase->until.text);
            break;
        }
        part.keys = left < 1e15 ? (uint64_t)ceil(left) : UINT64_MAX / 2;
        if (phase->keys > 0 && part.keys > phase->keys - (keys_before - first_keys))
            part.keys = phase->keys - (keys_before - first_keys);
        if (part.keys == 0)
            break;
        code = send_once(run, &part, &sent, err);
        if (code != OK || run->session->interrupts->count > 0 || !sample_now(run))
            break;
        const uint64_t more_keys = live_map_count(run->map) - keys_before;
        if (more_keys == 0)
            break;
        const double grown = value_of(run, &phase->until, run->newest.values, &wanted) - value;
        if (!by_keys && grown > 0)
            cost = grown / (double)more_keys;
    }
    run->in_parts = false;
    return code;
}

static enum err_code send_load(struct scenario_run *run, const struct phase *phase, struct err *err)
{
    const struct phase_until *until = &phase->until;
    struct phase_account *account = account_now(run);
    const bool in_parts =
        phase->type == PHASE_LOAD && !(phase->qps > 0) && until->at_least &&
        (strcmp(until->metric, "used_memory") == 0 || strcmp(until->metric, "keys") == 0);
    const bool by_requests = phase->type == PHASE_LOAD || phase->type == PHASE_DELETE ||
                             phase->type == PHASE_OVERWRITE || phase->type == PHASE_EXPIRE ||
                             phase->type == PHASE_FLUSH;
    bool sent = true;
    const enum err_code code =
        in_parts ? send_up_to(run, phase, err) : send_once(run, phase, &sent, err);
    if (!run->done)
        end_phase(run, !sent ? "no keys" : by_requests ? "done" : "duration");
    account->target_missed = run->session->interrupts->count == 0 &&
                             (phase->type == PHASE_LOAD && until->metric[0] != '\0'
                                  ? strcmp(account->end, until->text) != 0
                                  : by_requests && strcmp(account->end, "duration") == 0);
    if (account->target_missed)
        log_line(LOG_WARNING, "%s: target not reached%s%s", phase->name,
                 until->text[0] != '\0' ? ": " : "", until->text);
    return code;
}

/* EXPIRE was sent: until the server has let so many go. */
static void await_expired(struct scenario_run *run, const struct phase *phase,
                          double expired_before)
{
    const struct phase_account *account = account_now(run);
    const double wanted =
        expired_before + (double)(account->keys_before - live_map_count(run->map));
    run->done = false;
    set_deadline(run, phase->duration_ns > 0 ? phase->duration_ns
                                             : phase->most_ttl_s * 2 * NS_PER_SECOND);
    while (!run->done && run->session->interrupts->count == 0 &&
           !(run->newest.values[SERIES_EXPIRED] >= wanted))
        event_base_loop(run->session->base, EVLOOP_ONCE);
    event_del(run->deadline);
    if (!run->done)
        end_phase(run, "expired");
}

/* The database, or all of them. */
static enum err_code flush_all(struct scenario_run *run, const struct phase *phase, struct err *err)
{
    static const char *const all[] = {"FLUSHALL"};
    const struct session *session = run->session;
    struct live_map *fresh = NULL;
    enum err_code code = phase->every_database
                             ? tell_servers(session, 1, all, err)
                             : keyspace_flush(session->topology, &session->request->spec.endpoint,
                                              &session->interrupts->count, err);
    if (code == OK)
        code = live_map_create(&fresh, live_map_capacity(run->map), err);
    if (code != OK)
        return code;
    live_map_destroy(run->map);
    run->map = fresh;
    end_phase(run, "done");
    return OK;
}

static enum err_code carry_out(struct scenario_run *run, const struct phase *phase, struct err *err)
{
    enum err_code code = OK;
    const double expired_before = run->newest.values[SERIES_EXPIRED];
    switch (phase->type) {
    case PHASE_IDLE:
        idle(run, phase);
        return OK;
    case PHASE_CHECKPOINT:
        end_phase(run, sample_now(run) ? "done" : "no sample");
        if (phase->duration_ns > 0) {
            run->done = false;
            idle(run, phase);
        }
        return OK;
    case PHASE_PURGE:
        purge(run, phase);
        return OK;
    case PHASE_FLUSH:
        return phase->flush_all ? flush_all(run, phase, err) : send_load(run, phase, err);
    case PHASE_EXPIRE:
        code = send_load(run, phase, err);
        if (code == OK && phase->wait)
            await_expired(run, phase, expired_before);
        return code;
    default:
        return send_load(run, phase, err);
    }
}

/* One phase, from its first sample to its last. */
static enum err_code run_phase(struct scenario_run *run, struct err *err)
{
    const struct phase *phase = phase_now(run);
    struct phase_account *account = account_now(run);
    account->ran = true;
    account->p50_ms = account->p95_ms = account->p99_ms = account->max_ms = NAN;
    account->start_ns = clock_now_ns() - run->began_ns;
    account->keys_before = live_map_count(run->map);
    memcpy(account->before, run->newest.values, sizeof account->before);
    run->done = false;
    run->phase_samples = 0;
    run->sent_seconds = 0;
    histogram_reset(run->phase_latency);
    run->slope = 0;
    run->stable_count = 0;
    log_line(LOG_INFO, "phase %u of %u: %s", run->phase + 1, run->scenario->phase_count,
             PRINTABLE(phase->name));
    server_sampler_hurry(run->sampler, 0);
    const enum err_code code = carry_out(run, phase, err);
    event_del(run->deadline);
    if (run->session->interrupts->count > 0)
        snprintf(account->end, sizeof account->end, "interrupted");
    else
        (void)sample_now(run);
    account->failed = code != OK;
    if (code != OK)
        snprintf(account->end, sizeof account->end, "failed: %.140s", err->text);
    memcpy(account->after, run->newest.values, sizeof account->after);
    account->keys_after = live_map_count(run->map);
    if (phase->type == PHASE_LOAD && account->keys_after > account->keys_before)
        account->payload_bytes =
            (uint64_t)llround((double)(account->keys_after - account->keys_before) *
                              live_mean_bytes(&phase->value_size));
    account->end_ns = clock_now_ns() - run->began_ns;
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
    const char *whose = "this host has available";
    if (session->locality.local)
        room_bytes = memory_available("");
    if (keyspace_look(&seen, session->topology, endpoint, &session->interrupts->count, &own) != OK)
        log_line(LOG_WARNING, "how much the server may take is not known: %s", own.text);
    else if (seen.room_bytes < room_bytes) {
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
    static struct sampler_field fields[SERIES_OPS];
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
    run->deadline = evtimer_new(session->base, on_deadline, run);
    if (run->accounts == NULL || run->window_latency == NULL || run->phase_latency == NULL ||
        run->deadline == NULL)
        return err_set(err, E_SYSTEM, "no memory for a scenario");
    histogram_init_zeroed(run->window_latency);
    histogram_init_zeroed(run->phase_latency);
    for (uint32_t i = 0; i < SERIES_METRICS; i++)
        run->newest.values[i] = NAN;
    for (uint32_t i = 0; i < SERIES_OPS; i++) {
        const char *name = series_metric_name(i);
        fields[i] = (struct sampler_field){.name = name, .highest = strstr(name, "_ratio") != NULL};
    }
    enum err_code code = live_map_create(&run->map, capacity, err);
    if (code != OK)
        return code;
    clock_gettime(CLOCK_REALTIME, &wall);
    run->began_ns = clock_now_ns();
    run->began_wall_ns = (uint64_t)wall.tv_sec * NS_PER_SECOND + (uint64_t)wall.tv_nsec;
    const struct server_sampler_setup setup = {
        .fields = fields,
        .field_count = SERIES_OPS,
        .topology = session->topology,
        .target = &session->target,
        .tls = session->request->spec.endpoint.tls_client,
        .endpoint = &session->request->spec.endpoint,
        .period_ns = scenario->sample_interval_ns,
        .hear = hear_sample,
        .state = run,
    };
    code = server_sampler_start(&run->sampler, session->base, &setup, err);
    if (code == OK && !sample_now(run))
        code = err_set(err, E_CONNECT, "%s does not answer INFO: a scenario needs its numbers",
                       session->target_text);
    snprintf(run->allocator, sizeof run->allocator, "%s",
             code == OK ? server_sampler_allocator(run->sampler) : "");
    return code;
}

enum err_code scenario_run_phases(struct scenario_run *run, struct err *err)
{
    struct session *session = run->session;
    const struct sink sink = {.name = "scenario", .state = run, .interval = hear_row};
    enum err_code worst = begin(run, err);
    if (worst != OK)
        return worst;
    timeline_add(&session->timeline, sink);
    timeline_session_begin(&session->timeline, &session->facts);
    for (run->phase = 0; run->phase < run->scenario->phase_count; run->phase++) {
        struct err own = {.code = OK};
        if (session->interrupts->count > 0)
            break;
        const enum err_code code = run_phase(run, &own);
        worst = err_worse(worst, code);
        if (code == OK)
            continue;
        log_line(LOG_ERROR, "phase %s: %s", phase_now(run)->name, own.text);
        if (!phase_now(run)->continue_on_error || code == E_UNTRUSTED)
            break;
    }
    if (run->phase == run->scenario->phase_count)
        run->phase--;
    if (session->interrupts->count > 0)
        worst = err_worse(worst, E_INTERRUPTED);
    server_sampler_stop(run->sampler);
    run->sampler = NULL;
    return worst;
}

void scenario_run_free(struct scenario_run *run)
{
    server_sampler_stop(run->sampler);
    run->sampler = NULL;
    if (run->deadline != NULL)
        event_free(run->deadline);
    run->deadline = NULL;
    live_map_destroy(run->map);
    series_free(&run->series);
    free(run->accounts);
    free(run->window_latency);
    free(run->phase_latency);
    free(run->stable_values);
    free(run->stable_at_ns);
}
