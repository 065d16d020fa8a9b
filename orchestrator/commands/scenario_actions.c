#include "orchestrator/commands/scenario_actions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/commands/scenario_acts.h"
#include "orchestrator/commands/scenario_watch.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/server/chaos.h"
#include "orchestrator/server/slow_log.h"

#define EVENTS_MAX 10000u
#define EVENTS_FIRST 64u
#define EVENTS_PERIOD_NS (2 * NS_PER_SECOND)

/* ---- events ---- */

static bool make_room(struct scenario_events *events)
{
    if (events->count < events->room)
        return true;
    const size_t room = events->room > 0 ? 2 * events->room : EVENTS_FIRST;
    struct scenario_event *items = realloc(events->items, room * sizeof *items);
    if (items == NULL)
        return false;
    events->items = items;
    events->room = room;
    return true;
}

void scenario_note(struct scenario_run *run, const struct note *note)
{
    struct scenario_events *events = &run->events;
    if (events->count == EVENTS_MAX || !make_room(events)) {
        events->left_out++;
        return;
    }
    events->items[events->count++] = (struct scenario_event){.note = *note, .phase = run->phase};
}

/* Beside the scenario's own events the run of the fleet under way has it, on its time axis. */
static void hear(void *state, const struct note *note)
{
    struct scenario_run *run = state;
    const struct run_facts *facts = run->session->run;
    const uint64_t phase_ns = facts->started_wall_ns > run->began_wall_ns
                                  ? facts->started_wall_ns - run->began_wall_ns
                                  : 0;
    scenario_note(run, note);
    run->flushed |= note->ok && strncmp(note->text, "flushall", strlen("flushall")) == 0;
    if (!run->running)
        return;
    struct note moved = *note;
    moved.at_ns = note->at_ns > phase_ns ? note->at_ns - phase_ns : 0;
    moved.end_ns = note->end_ns > phase_ns ? note->end_ns - phase_ns : 0;
    timeline_note(&run->session->timeline, &moved);
}

static void hear_server(void *state, const struct note *note)
{
    scenario_note(state, note);
}

/* A server of our own notices stalls only where it is told from how long on. */
static void watch_latency(const struct session *session)
{
    static const char *const threshold[] = {"CONFIG", "SET", "latency-monitor-threshold", "100"};
    struct err err = {.code = OK};
    if (session->managed.count > 0 && scenario_tell_servers(session, 4, threshold, &err) != OK)
        log_line(LOG_INFO, "stalls of the server are not noticed: %s", err.text);
}

enum err_code scenario_events_begin(struct scenario_run *run, struct err *err)
{
    const struct session *session = run->session;
    const struct slow_log_setup setup = {
        .topology = session->topology,
        .target = &session->target,
        .tls = session->request->spec.endpoint.tls_client,
        .endpoint = &session->request->spec.endpoint,
        .period_ns = EVENTS_PERIOD_NS,
        .start_wall_ns = run->began_wall_ns,
        .listener = {.hear = hear_server, .state = run},
    };
    watch_latency(session);
    return slow_log_start(&run->slow_log, session->base, &setup, err);
}

/* ---- plans ---- */

#define REFUSE(file, phase, ...) file_refuse(file, &(phase)->place, "actions", err, __VA_ARGS__)

static enum err_code plan_phase(struct chaos_plan *plan, const struct scenario_run *run,
                                const struct phase *phase, const struct file *file, struct err *err)
{
    struct spec spec = run->session->request->spec;
    bool of_servers = false;
    for (size_t i = 0; i < phase->actions->count; i++) {
        const size_t kind = phase->actions->items[i].place.variant;
        of_servers |= chaos_is_of_servers((enum chaos_kind)kind);
        run->session->steered |= kind == CHAOS_CACHE_CLEAR;
    }
    spec.buffer = phase->buffer;
    if (of_servers && !spec.managed.wanted)
        return REFUSE(
            file, phase,
            "actions: they are done to servers of volley's own only: leave out -h, -p and "
            "VST_VALKEY_HOST, or the actions");
    spec.load.duration_ns = 0; /* their times were checked when the file was read */
    const enum err_code code = chaos_plan_make(plan, phase->actions, file, &spec, err);
    for (uint32_t i = 0; i < plan->count && code == OK; i++) {
        struct chaos_action *action = &plan->actions[i];
        action->at_ns = (uint64_t)llround((double)action->at_ns * run->scenario->scale);
        action->for_ns = (uint64_t)llround((double)action->for_ns * run->scenario->scale);
    }
    return code;
}

enum err_code scenario_actions_plan(struct scenario_run *run, const struct file *file,
                                    struct err *err)
{
    const struct scenario *scenario = run->scenario;
    enum err_code code = OK;
    run->plans = calloc(scenario->phase_count + 1u, sizeof run->plans[0]);
    if (run->plans == NULL)
        return err_set(err, E_SYSTEM, "no memory for the actions of a scenario");
    for (uint32_t i = 0; i < scenario->phase_count && code == OK; i++)
        if (scenario->phases[i].actions != NULL)
            code = plan_phase(&run->plans[i], run, &scenario->phases[i], file, err);
    return code;
}

/* ---- a phase ---- */

/* Before and behind its load nothing is kept. */
static enum err_code clear_caches(void *state, struct err *err)
{
    const struct scenario_run *run = state;
    const struct control_command command = {.action = CONTROL_CLEAR_CACHE};
    json_t *members = NULL;
    if (!run->running)
        return OK;
    const enum err_code code =
        run_control_command(run->session->interrupts->control, &members, &command, err);
    json_decref(members);
    return code;
}

enum err_code scenario_actions_begin(struct scenario_run *run, struct err *err)
{
    const struct chaos_plan *plan = &run->plans[run->phase];
    const struct note_listener listener = {.hear = hear, .state = run};
    if (plan->count == 0)
        return OK;
    enum err_code code = chaos_create(&run->chaos, plan, &run->session->managed, err);
    if (code == OK)
        chaos_set_client(run->chaos, (struct chaos_client){clear_caches, run});
    if (code == OK)
        code = chaos_begin(run->chaos, run->session->base, run->began_ns, clock_now_ns(), listener,
                           err);
    return code;
}

enum err_code scenario_actions_end(struct scenario_run *run, struct err *err)
{
    const bool flushed = run->flushed;
    chaos_destroy(run->chaos);
    run->chaos = NULL;
    run->flushed = false;
    return flushed ? scenario_begin_new_map(run, err) : OK;
}

void scenario_actions_free(struct scenario_run *run)
{
    slow_log_stop(run->slow_log);
    run->slow_log = NULL;
    chaos_destroy(run->chaos);
    run->chaos = NULL;
    for (uint32_t i = 0; run->plans != NULL && i < run->scenario->phase_count; i++)
        chaos_plan_free(&run->plans[i]);
    free(run->plans);
    run->plans = NULL;
    free(run->events.items);
    run->events = (struct scenario_events){.items = NULL};
}
