#include "orchestrator/commands/scenario_disturb.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/commands/scenario_actions.h"
#include "orchestrator/commands/scenario_nodes.h"
#include "orchestrator/commands/scenario_send.h"
#include "orchestrator/commands/scenario_watch.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/server/chaos.h"
#include "orchestrator/server/replication.h"
#include "orchestrator/server/topology_renew.h"

#define LOAD_FIRST_NS NS_PER_SECOND /* it is to be under way, so that a gap in it is one */
#define SETTLE_NS (90 * NS_PER_SECOND)
#define SETTLE_STEP_NS (100 * NS_PER_MS)
#define POLL_NS (20 * NS_PER_MS)
#define FORCE_LIMIT_NS (60 * NS_PER_SECOND)
#define ACTIONS_MAX 2u

struct disturbance {
    struct scenario_run *run;
    struct chaos_action actions[ACTIONS_MAX];
    struct chaos_plan plan;
    struct chaos *chaos; /* NULL: nodes are not volley's own, or there is nothing to do */
    /* Of nodes that are not: */
    uint32_t node; /* of the topology, whose replica is to take over */
    bool forces;
    struct child worker; /* that has it take over */
    struct event *poll;
    uint64_t limit_ns;
    uint64_t start_ns; /* clock reading that notes count from */
    bool begun, failed;
    char cause[160]; /* of the failure */
};

/* ---- what is allowed ---- */

static bool is_about_nodes(const struct phase *phase)
{
    return phase->type == PHASE_FAILOVER || phase->type == PHASE_REBALANCE;
}

/* The highest number that the phase names. */
static uint64_t highest_node(const struct phase *phase)
{
    if (phase->type == PHASE_FAILOVER)
        return phase->act.node;
    return !phase->act.named                 ? 0
           : phase->act.from > phase->act.to ? phase->act.from
                                             : phase->act.to;
}

enum err_code scenario_disturb_allowed(const struct managed_wish *wish,
                                       const struct scenario *scenario, bool others,
                                       struct err *err)
{
    const uint64_t nodes = wish->primaries + wish->replicas;
    for (uint32_t i = 0; i < scenario->phase_count; i++) {
        const struct phase *phase = &scenario->phases[i];
        if (!is_about_nodes(phase))
            continue;
        if (!wish->wanted && phase->type == PHASE_FAILOVER && !others)
            return err_set(err, E_USAGE,
                           "phase %s does something to a node that volley did not start: it needs "
                           "--allow-external-failover, and then has a replica take over; or name "
                           "no server",
                           phase->name);
        if (wish->wanted && highest_node(phase) >= nodes)
            return err_set(err, E_USAGE,
                           "phase %s is about node %" PRIu64 ", and --managed starts %" PRIu64
                           ": they count from 0",
                           phase->name, highest_node(phase), nodes);
        if (wish->wanted && wish->replicas == 0 && scenario->servers.replicas > 0 &&
            phase->type == PHASE_FAILOVER)
            return err_set(err, E_USAGE,
                           "phase %s needs replicas that take over: take --managed cluster=%" PRIu64
                           "+%" PRIu64,
                           phase->name, wish->primaries, wish->primaries);
    }
    return OK;
}

/* ---- what is to be done ---- */

static struct chaos_action *add_action(struct disturbance *disturbance, enum chaos_kind kind,
                                       uint64_t node, uint64_t at_ns)
{
    struct chaos_action *action = &disturbance->actions[disturbance->plan.count++];
    *action = (struct chaos_action){.kind = kind, .node = (uint32_t)node, .at_ns = at_ns};
    return action;
}

static void plan_failover(struct disturbance *disturbance, const struct phase_act *act,
                          uint64_t at_ns)
{
    static const enum chaos_kind kinds[] = {[HOW_FAILOVER] = CHAOS_FAILOVER,
                                            [HOW_KILL] = CHAOS_KILL,
                                            [HOW_PAUSE] = CHAOS_PAUSE,
                                            [HOW_RESTART] = CHAOS_RESTART};
    struct chaos_action *action = add_action(disturbance, kinds[act->how], act->node, at_ns);
    snprintf(action->text, sizeof action->text, "%s node %" PRIu64, scenario_how_name(act->how),
             act->node);
    if (act->how == HOW_PAUSE)
        action->for_ns = act->for_ns;
    if (act->how != HOW_KILL || act->for_ns == 0)
        return;
    action = add_action(disturbance, CHAOS_RESTART, act->node, at_ns + act->for_ns);
    snprintf(action->text, sizeof action->text, "restart node %" PRIu64, act->node);
}

static const struct node_series_row *newest_of(const struct scenario_run *run, uint64_t number)
{
    const struct node_series *series = &run->nodes;
    for (size_t i = series->count; i-- > 0;) {
        if (series->rows[i].at_ns != series->rows[series->count - 1].at_ns)
            break;
        if (series->rows[i].node == number)
            return &series->rows[i];
    }
    return NULL;
}

/* The primaries with the most and the least memory used, of the newest sample. */
static void find_extremes(const struct scenario_run *run, struct phase_act *act)
{
    const struct node_series *series = &run->nodes;
    double most = -1, least = INFINITY;
    for (size_t i = series->count; i-- > 0;) {
        const struct node_series_row *row = &series->rows[i];
        const double used = row->values[NODE_USED_MEMORY];
        if (row->at_ns != series->rows[series->count - 1].at_ns)
            break;
        if (row->role != NODE_PRIMARY || !(row->values[NODE_SLOTS] > 0) || isnan(used))
            continue;
        if (used > most) {
            most = used;
            act->from = row->node;
        }
        if (used < least) {
            least = used;
            act->to = row->node;
        }
    }
    act->named = most >= 0 && act->from != act->to;
}

/* As many as bring both to the same memory, as if all slots of a node had the same. */
static uint64_t slots_to_move(const struct scenario_run *run, const struct phase_act *act)
{
    const struct node_series_row *from = newest_of(run, act->from), *to = newest_of(run, act->to);
    if (from == NULL || to == NULL)
        return 0;
    const double used = from->values[NODE_USED_MEMORY];
    const double share = (used - to->values[NODE_USED_MEMORY]) / 2 / used;
    return share > 0 ? (uint64_t)llround(share * from->values[NODE_SLOTS]) : 0;
}

static void plan_rebalance(struct disturbance *disturbance, const struct phase *phase,
                           uint64_t at_ns)
{
    struct scenario_run *run = disturbance->run;
    struct phase_act act = phase->act;
    (void)scenario_sample_now(run);
    if (!act.named)
        find_extremes(run, &act);
    const uint64_t slots = !act.named ? 0 : act.slots > 0 ? act.slots : slots_to_move(run, &act);
    if (slots == 0) {
        log_line(LOG_WARNING, "%s: the primaries are alike: no slot is moved", phase->name);
        return;
    }
    struct chaos_action *action = add_action(disturbance, CHAOS_RESHARD, act.from, at_ns);
    action->to_node = (uint32_t)act.to;
    action->slots = (uint32_t)slots;
    snprintf(action->text, sizeof action->text,
             "reshard %" PRIu64 " slots from %" PRIu64 " to %" PRIu64, slots, act.from, act.to);
}

/* Of nodes that are somebody else's: a replica takes over, and nothing else is done. */
static enum err_code plan_for_others(struct disturbance *disturbance, const struct phase *phase,
                                     struct err *err)
{
    const struct topology *topology = disturbance->run->session->topology;
    disturbance->node = (uint32_t)phase->act.node;
    disturbance->forces = phase->type == PHASE_FAILOVER &&
                          (phase->act.how == HOW_FAILOVER || phase->act.how == HOW_KILL);
    if (!disturbance->forces)
        log_line(LOG_WARNING, "%s: skipped: the nodes are not volley's own", phase->name);
    else if (phase->act.node >= topology->node_count)
        return err_set(err, E_FAILED, "the cluster has %u nodes; they count from 0",
                       topology->node_count);
    return OK;
}

static enum err_code prepare(struct disturbance *disturbance, const struct phase *phase,
                             struct err *err)
{
    struct session *session = disturbance->run->session;
    const uint64_t at_ns = phase->mix_count > 0 ? LOAD_FIRST_NS : 0;
    disturbance->plan.actions = disturbance->actions;
    if (session->managed.count == 0)
        return plan_for_others(disturbance, phase, err);
    if (phase->type == PHASE_FAILOVER)
        plan_failover(disturbance, &phase->act, at_ns);
    else
        plan_rebalance(disturbance, phase, at_ns);
    return disturbance->plan.count > 0
               ? chaos_create(&disturbance->chaos, &disturbance->plan, &session->managed, err)
               : OK;
}

/* ---- a replica of somebody else's takes over ---- */

static int force(void *state, int telling_fd)
{
    const struct disturbance *disturbance = state;
    const struct session *session = disturbance->run->session;
    struct err err = {.code = OK};
    log_set_level(LOG_ERROR);
    if (topology_force_failover(session->topology, disturbance->node,
                                &session->request->spec.endpoint, &err) != OK &&
        err.code == OK)
        err_set(&err, E_FAILED, "it failed");
    return write(telling_fd, &err, sizeof err) == (ssize_t)sizeof err ? 0 : 1;
}

static void fail(struct disturbance *disturbance, const char *cause)
{
    if (!disturbance->failed)
        snprintf(disturbance->cause, sizeof disturbance->cause, "%.159s", cause);
    disturbance->failed = true;
}

static void look_at_worker(evutil_socket_t fd, short what, void *argument)
{
    struct disturbance *disturbance = argument;
    struct err result = {.code = OK};
    size_t heard_bytes;
    (void)fd;
    (void)what;
    const bool gone = child_gone(&disturbance->worker);
    if (!gone && clock_now_ns() < disturbance->limit_ns)
        return;
    if (!gone || child_hear(&disturbance->worker, &result, sizeof result, &heard_bytes, 0, NULL) !=
                     CHILD_HEARD_ALL)
        fail(disturbance, "it took too long, or its process ended without a word");
    else if (result.code != OK)
        fail(disturbance, result.text);
    child_end(&disturbance->worker);
    disturbance->forces = false;
    event_del(disturbance->poll);
}

static void begin_force(struct disturbance *disturbance)
{
    const struct child_plan plan = {.run = force, .state = disturbance, .heard = true};
    const struct timeval step = {.tv_usec = POLL_NS / NS_PER_US};
    disturbance->limit_ns = clock_now_ns() + FORCE_LIMIT_NS;
    disturbance->poll =
        event_new(disturbance->run->session->base, -1, EV_PERSIST, look_at_worker, disturbance);
    if (disturbance->poll != NULL && event_add(disturbance->poll, &step) == 0 &&
        child_start(&disturbance->worker, &plan))
        return;
    fail(disturbance, "no process could be started");
    disturbance->forces = false;
}

/* ---- under way ---- */

static void hear_note(void *state, const struct note *note)
{
    struct disturbance *disturbance = state;
    if (!note->ok)
        fail(disturbance, note->cause);
    struct note event = *note;
    event.at_ns += disturbance->start_ns - disturbance->run->began_ns;
    event.end_ns += disturbance->start_ns - disturbance->run->began_ns;
    scenario_note(disturbance->run, &event);
    if (disturbance->run->running)
        timeline_note(&disturbance->run->session->timeline, note);
}

static enum err_code begin(struct disturbance *disturbance, uint64_t start_ns, struct err *err)
{
    const struct note_listener listener = {.hear = hear_note, .state = disturbance};
    disturbance->begun = true;
    disturbance->start_ns = start_ns;
    if (disturbance->forces)
        begin_force(disturbance);
    return disturbance->chaos != NULL
               ? chaos_begin(disturbance->chaos, disturbance->run->session->base, start_ns,
                             start_ns, listener, err)
               : OK;
}

enum err_code scenario_hear_begin(void *state, const struct run_facts *facts, struct err *err)
{
    const struct scenario_run *run = state;
    const uint64_t wall_ns = clock_wall_ns();
    const uint64_t ahead_ns =
        facts->started_wall_ns > wall_ns ? facts->started_wall_ns - wall_ns : 0;
    if (run->disturbance == NULL || run->disturbance->begun)
        return OK;
    return begin(run->disturbance, clock_now_ns() + ahead_ns, err);
}

/* Every action has a limit of its own. */
static void await_end(const struct disturbance *disturbance)
{
    const struct session *session = disturbance->run->session;
    while (
        session->interrupts->count == 0 &&
        (disturbance->forces || (disturbance->chaos != NULL && chaos_is_busy(disturbance->chaos))))
        event_base_loop(session->base, EVLOOP_ONCE);
}

/* ---- the cluster is whole again ---- */

static bool comes_back(const struct phase_act *act)
{
    return act->how == HOW_RESTART || (act->how == HOW_KILL && act->for_ns > 0);
}

/* A node that was started again serves, or has all keys of its primary. It is asked itself: samples are of the nodes that
 * the cluster listed at the start. */
static bool is_back(const struct session *session, uint64_t number)
{
    struct replica_view view = {.replica = false};
    struct control *control = NULL;
    struct err ignored = {.code = OK};
    const bool asked =
        managed_cluster_connect(&control, &session->managed, (uint32_t)number, &ignored) == OK &&
        replica_ask(&view, control, &ignored) == OK;
    control_close(control);
    return asked && (!view.replica || view.ready);
}

static enum err_code settle(struct scenario_run *run, const struct phase *phase, struct err *err)
{
    struct session *session = run->session;
    const uint64_t end_ns = clock_now_ns() + SETTLE_NS;
    const struct timeval step = {.tv_usec = SETTLE_STEP_NS / NS_PER_US};
    const bool awaits_node =
        phase->type == PHASE_FAILOVER && session->managed.count > 0 && comes_back(&phase->act);
    for (;;) {
        struct err own = {.code = OK};
        const enum err_code code = topology_renew(
            session->topology, &session->request->spec.endpoint, &session->interrupts->count, &own);
        if (session->interrupts->count > 0)
            return OK;
        if (code == OK && (!awaits_node || is_back(session, phase->act.node)))
            return OK;
        if (code != OK && code != E_CONNECT)
            return err_set(err, code, "%s", own.text);
        if (clock_now_ns() >= end_ns)
            return err_set(err, E_FAILED, "the cluster did not come to be whole again: %s",
                           code != OK ? own.text : "the node is not in touch with its primary");
        event_base_loopexit(session->base, &step);
        event_base_dispatch(session->base);
    }
}

/* ---- all of it ---- */

static enum err_code send_beside(struct scenario_run *run, const struct phase *phase,
                                 struct err *err)
{
    struct err own = {.code = OK};
    const enum err_code code = scenario_send(run, phase, &own);
    if (code == E_FAILED) { /* that is what is to be seen */
        log_line(LOG_WARNING, "%s: %s", phase->name, own.text);
        return OK;
    }
    return code == OK ? OK : err_set(err, code, "%s", own.text);
}

static void clean_up(struct disturbance *disturbance)
{
    chaos_destroy(disturbance->chaos);
    child_end(&disturbance->worker);
    if (disturbance->poll != NULL)
        event_free(disturbance->poll);
    disturbance->run->disturbance = NULL;
    free(disturbance);
}

enum err_code scenario_disturb(struct scenario_run *run, const struct phase *phase, struct err *err)
{
    struct disturbance *disturbance = calloc(1, sizeof *disturbance);
    if (disturbance == NULL)
        return err_set(err, E_SYSTEM, "no memory for what is done to nodes");
    disturbance->run = run;
    enum err_code code = prepare(disturbance, phase, err);
    const bool acts = disturbance->chaos != NULL || disturbance->forces;
    run->disturbance = disturbance;
    if (code == OK && phase->mix_count > 0)
        code = send_beside(run, phase, err);
    else if (code == OK)
        code = begin(disturbance, clock_now_ns(), err);
    if (code == OK)
        await_end(disturbance);
    if (code == OK && disturbance->failed)
        code = err_set(err, E_FAILED, "%s", disturbance->cause);
    if (code == OK && acts)
        code = settle(run, phase, err);
    scenario_phase_end(run, acts ? "done" : "skipped");
    if (disturbance->chaos != NULL) /* what was done says more than when its load ended */
        snprintf(scenario_account_now(run)->end, sizeof scenario_account_now(run)->end, "%s",
                 disturbance->actions[0].text);
    clean_up(disturbance);
    return code;
}
