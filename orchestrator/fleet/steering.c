#include "orchestrator/fleet/steering.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/ipc.h"
#include "common/log.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_sections.h"
#include "orchestrator/report/json_value.h"

/* Where the run stands at a clock reading. */
enum phase { CONNECTING, WARMING_UP, RUNNING, PAUSED, STOPPING };

static const char *const phase_names[] = {"connecting", "warming up", "running", "paused",
                                          "stopping"};

struct moment {
    enum phase phase;
    uint64_t elapsed_ns;  /* since the common start, up to the stop */
    uint64_t measured_ns; /* since the start of measuring           */
};

static struct moment look(const struct steering *steering, uint64_t now_ns)
{
    struct ipc_control *control = ipc_control(steering->segments.each[0]);
    struct moment moment = {.phase = CONNECTING};
    uint64_t start_ns = atomic_load_explicit(&control->start_ns, memory_order_relaxed);
    uint64_t stop_ns = atomic_load_explicit(&control->stop_ns, memory_order_relaxed);
    uint64_t measure_after_ns =
        atomic_load_explicit(&control->measure_after_ns, memory_order_relaxed);
    uint64_t duration_ns = steering->facts->duration_ns;
    if (start_ns == 0)
        return moment;
    if (duration_ns > 0 && measure_after_ns != IPC_NEVER &&
        start_ns + measure_after_ns + duration_ns < stop_ns)
        stop_ns = start_ns + measure_after_ns + duration_ns;
    uint64_t at_ns = now_ns < stop_ns ? now_ns : stop_ns;
    moment.elapsed_ns = at_ns > start_ns ? at_ns - start_ns : 0;
    bool measuring = measure_after_ns != IPC_NEVER && moment.elapsed_ns >= measure_after_ns;
    if (measuring)
        moment.measured_ns = moment.elapsed_ns - measure_after_ns;
    moment.phase = now_ns >= stop_ns  ? STOPPING
                   : !measuring       ? WARMING_UP
                   : steering->paused ? PAUSED
                                      : RUNNING;
    /* A stop that was asked for lies a few milliseconds ahead. */
    if (atomic_load_explicit(&control->stop_ns, memory_order_relaxed) != IPC_NEVER)
        moment.phase = STOPPING;
    return moment;
}

/* Status --------------------------------------------------------------------------------------- */

/* What was intended up to this moment, warm-up included. Workers bring their own count up to date at
 * interval edges only; the schedule knows it at any time (of Poisson arrivals, what is expected). */
static uint64_t due_by_now(const struct steering *steering, const struct moment *moment)
{
    const schedule_units warmup = (schedule_units)steering->spec->rate.warmup_micro *
                                  (moment->elapsed_ns - moment->measured_ns);
    uint64_t due =
        (uint64_t)((warmup + SCHEDULE_UNITS_PER_REQUEST - 1) / SCHEDULE_UNITS_PER_REQUEST);
    schedule_hint hint = 0;
    uint64_t measured = schedule_tickets_before(ipc_schedule(steering->segments.each[0]),
                                                moment->measured_ns, &hint);
    if (steering->facts->requests > 0 && measured > steering->facts->requests)
        measured = steering->facts->requests;
    return due + measured;
}

/* The rate in force, or decided on: a change begins a few milliseconds ahead. */
static uint64_t rate_now_micro(const struct steering *steering, const struct moment *moment)
{
    return moment->phase == CONNECTING || moment->phase == WARMING_UP
               ? steering->spec->rate.warmup_micro
               : schedule_rate_micro(ipc_schedule(steering->segments.each[0]),
                                     moment->measured_ns + STEERING_AHEAD_NS);
}

static json_t *describe(const struct steering *steering, const struct moment *moment,
                        double achieved)
{
    static const enum metric_id told[] = {METRIC_DUE,    METRIC_SENT,      METRIC_OK,
                                          METRIC_ERRORS, METRIC_TIMED_OUT, METRIC_LOST,
                                          METRIC_SHED,   METRIC_BACKLOG,   METRIC_CONNECTIONS_OPEN};
    uint64_t counters[COUNTER_COUNT];
    for (int i = 0; i < COUNTER_COUNT; i++)
        counters[i] = segments_total(&steering->segments, (enum counter)i);
    uint64_t handled = counters[COUNTER_SENT] + counters_shed(counters);
    /* Workloads side by side have a rate each, or none. */
    const bool one_rate = run_facts_have_rate(steering->facts) && steering->segments.count == 1;
    uint64_t due = one_rate && moment->phase != CONNECTING ? due_by_now(steering, moment) : 0;
    if (!one_rate)
        due = counters[COUNTER_DUE];
    counters[COUNTER_DUE] = due > handled ? due : handled;
    const struct interval_header header = {.backlog_after = counters[COUNTER_DUE] - handled,
                                           .connections_open =
                                               segments_connections(&steering->segments)};
    const struct metric_slice slice = {.counters = counters, .header = &header};
    json_t *status =
        json_pack("{s:s, s:o, s:b, s:f, s:f, s:{s:o, s:o}}", "state", phase_names[moment->phase],
                  "test", json_value_text(steering->facts->name), "prefill",
                  steering->facts->prefill, "elapsed_seconds", clock_seconds(moment->elapsed_ns),
                  "measured_seconds", clock_seconds(moment->measured_ns), "rate", "target",
                  one_rate ? control_rate_to_json(rate_now_micro(steering, moment)) : json_null(),
                  "achieved", achieved < 0 ? json_null() : json_real(achieved));
    for (size_t i = 0; status != NULL && i < sizeof told / sizeof told[0]; i++)
        json_section_metrics(status, &slice, told[i], told[i]);
    return status;
}

/* Changes -------------------------------------------------------------------------------------- */

/* Only while the schedule is what sends: not before the start of measuring, not after the stop. */
static enum err_code refuse_phase(const struct steering *steering, const struct moment *moment,
                                  struct err *err)
{
    static const char *const reasons[] = {
        [CONNECTING] = "the workers are still connecting; try again when the state is \"running\"",
        [WARMING_UP] =
            "the warm-up runs at the start rate; try again when the state is \"running\"",
        [STOPPING] = "the run is stopping"};
    if (!run_facts_have_rate(steering->facts))
        return err_set(err, E_DATA, "%s runs without a rate: there is none to change",
                       steering->facts->name);
    if (steering->spec->rate.measured)
        return err_set(err, E_DATA,
                       "the rate of %s is what is measured: it cannot be changed under way",
                       steering->facts->name);
    if (steering->segments.count > 1)
        return err_set(err, E_DATA,
                       "%s runs several workloads side by side: each keeps the rate that it began "
                       "with",
                       steering->facts->name);
    const char *why = reasons[moment->phase];
    return why != NULL ? err_set(err, E_DATA, "%s", why) : OK;
}

static void tell_change(const struct steering *steering, const struct moment *moment,
                        const struct control_command *command, uint64_t rate_micro)
{
    const enum control_action action = command->action;
    struct note note = {
        .source = NOTE_CTL, .at_ns = moment->elapsed_ns + STEERING_AHEAD_NS, .ok = true};
    char rate[32];
    figure_rate_text(rate, sizeof rate, (double)rate_micro / (double)SCHEDULE_MICRO);
    note.end_ns = note.at_ns;
    note_set(&note, NOTE_BY, command->by);
    if (action == CONTROL_PAUSE)
        snprintf(note.text, sizeof note.text, "pause");
    else
        snprintf(note.text, sizeof note.text, "%srate %s/s",
                 action == CONTROL_RESUME ? "resume, " : "", rate);
    steering->listener.hear(steering->listener.state, &note);
}

static enum err_code change_rate(struct steering *steering, const struct moment *moment,
                                 const struct control_command *command, uint64_t rate_micro,
                                 struct err *err)
{
    uint64_t at_ns = moment->measured_ns + STEERING_AHEAD_NS;
    if (!schedule_change(ipc_schedule(steering->segments.each[0]), at_ns, rate_micro))
        return err_set(err, E_DATA, "the rate has changed %u times, as often as it can in one run",
                       SCHEDULE_CHANGES_MAX);
    log_line(LOG_INFO, "%s: %.6g requests per second from %.3f s on (%s)", steering->facts->name,
             (double)rate_micro / (double)SCHEDULE_MICRO, clock_seconds(at_ns),
             note_by_name(command->by));
    steering->changes++;
    tell_change(steering, moment, command, rate_micro);
    return OK;
}

static enum err_code pause_load(struct steering *steering, const struct moment *moment,
                                const struct control_command *command, struct err *err)
{
    if (steering->paused)
        return OK;
    if (steering->changes + 1 == SCHEDULE_CHANGES_MAX) /* nothing would ever end the pause */
        return err_set(err, E_DATA,
                       "the rate has changed %u times: one more change is possible in a run, and a "
                       "pause needs another to end it",
                       SCHEDULE_CHANGES_MAX - 1);
    uint64_t at_ns = moment->measured_ns + STEERING_AHEAD_NS;
    uint64_t rate_micro = schedule_rate_micro(ipc_schedule(steering->segments.each[0]), at_ns);
    enum err_code code = change_rate(steering, moment, command, 0, err);
    if (code == OK) {
        steering->paused = true;
        steering->resume_micro = rate_micro;
    }
    return code;
}

static enum err_code resume_load(struct steering *steering, const struct moment *moment,
                                 const struct control_command *command, struct err *err)
{
    if (!steering->paused)
        return OK;
    enum err_code code = change_rate(steering, moment, command, steering->resume_micro, err);
    if (code == OK)
        steering->paused = false;
    return code;
}

static enum err_code steer(struct steering *steering, json_t **members,
                           const struct control_command *command, const struct moment *moment,
                           struct err *err)
{
    enum err_code code = refuse_phase(steering, moment, err);
    if (code != OK)
        return code;
    if (command->action == CONTROL_RATE) {
        code = change_rate(steering, moment, command, command->rate_micro, err);
        if (code == OK)
            steering->paused = false;
    } else {
        code = command->action == CONTROL_PAUSE ? pause_load(steering, moment, command, err)
                                                : resume_load(steering, moment, command, err);
    }
    if (code != OK)
        return code;
    *members =
        json_pack("{s:o, s:b}", "rate", control_rate_to_json(rate_now_micro(steering, moment)),
                  "paused", steering->paused);
    if (steering->paused && *members != NULL)
        json_object_set_new(*members, "resumes_at", control_rate_to_json(steering->resume_micro));
    return OK;
}

/* At any time but before the common start, which it counts from. */
static enum err_code take_note(const struct steering *steering, json_t **members,
                               const struct control_command *command, const struct moment *moment,
                               struct err *err)
{
    struct note note = {
        .source = NOTE_HAND, .at_ns = moment->elapsed_ns, .end_ns = moment->elapsed_ns, .ok = true};
    if (moment->phase == CONNECTING)
        return err_set(err, E_DATA, "the workers are still connecting; notes begin with the run");
    snprintf(note.text, sizeof note.text, "%s", command->note);
    note_set(&note, NOTE_BY, command->by);
    steering->listener.hear(steering->listener.state, &note);
    *members = json_pack("{s:f}", "at_seconds", clock_seconds(note.at_ns));
    return OK;
}

/* The workers look at each of their ticks. */
static enum err_code clear_cache(const struct steering *steering, struct err *err)
{
    if (steering->facts->cache_most == 0)
        return err_set(err, E_DATA, "%s has no near cache (query.cache_size of --buffer)",
                       steering->facts->name);
    for (uint32_t i = 0; i < steering->segments.count; i++)
        atomic_fetch_add(&ipc_control(steering->segments.each[i])->caches_cleared, 1);
    return OK;
}

enum err_code steering_apply(struct steering *steering, enum steering_effect *effect,
                             json_t **members, const struct control_command *command,
                             uint64_t now_ns, double achieved, struct err *err)
{
    struct moment moment = look(steering, now_ns);
    *effect = STEERING_NONE;
    *members = NULL;
    switch (command->action) {
    case CONTROL_STATUS:
        *members = json_pack("{s:o}", "status", describe(steering, &moment, achieved));
        return OK;
    case CONTROL_STOP:
        if (moment.phase != STOPPING)
            *effect = STEERING_STOP;
        *members = json_pack("{s:s}", "state", phase_names[STOPPING]);
        return OK;
    case CONTROL_CLEAR_CACHE:
        return clear_cache(steering, err);
    case CONTROL_NOTE:
        return take_note(steering, members, command, &moment, err);
    case CONTROL_RATE:
    case CONTROL_PAUSE:
    case CONTROL_RESUME:
        *effect = STEERING_WAKE_WORKERS;
        return steer(steering, members, command, &moment, err);
    }
    return err_set(err, E_DATA, "a command that nobody knows");
}
