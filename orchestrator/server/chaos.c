#include "orchestrator/server/chaos.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/server/chaos_work.h"

#define POLL_NS (10 * NS_PER_MS)
#define TERM_TIMEOUT_NS (10 * NS_PER_SECOND)
#define WORK_TIMEOUT_NS (60 * NS_PER_SECOND)
#define MOVE_TIMEOUT_NS (600 * NS_PER_SECOND) /* slots, one by one, of a server under load */

enum phase {
    PHASE_NONE,     /* the place is free                                                */
    PHASE_DYING,    /* SIGKILL was sent; -> over when the process is reaped             */
    PHASE_PAUSED,   /* SIGSTOP was sent; -> over, after SIGCONT, at wake_ns             */
    PHASE_STOPPING, /* SIGTERM was sent; -> launched (restart), -> over (remove-node)   */
    PHASE_WORKING   /* a child talks to servers; -> over, -> STOPPING (remove-node)     */
};

/* An action under way. */
struct job {
    struct chaos *chaos;
    const struct chaos_action *action;
    enum phase phase;
    uint64_t began_ns;
    pid_t pid; /* of the node's process that was sent a signal: there may be another one later */
    uint64_t wake_ns;    /* PAUSED: when it ends; STOPPING: when it is killed; WORKING: the limit */
    struct child worker; /* WORKING: its struct err is heard */
};

struct chaos {
    const struct chaos_plan *plan;
    struct managed_cluster *cluster;
    struct note_listener listener;
    struct chaos_client client;
    struct event *timer; /* NULL: not under way */
    uint64_t start_ns, measure_ns;
    uint32_t next; /* action */
    bool begun;
    struct job jobs[]; /* one per action */
};

static struct managed_server *server_of(const struct job *job)
{
    return &job->chaos->cluster->nodes[job->action->node];
}

/* Whether the process that was sent a signal is gone. */
static bool process_gone(const struct job *job)
{
    struct child *process = &server_of(job)->process;
    return process->pid != job->pid || child_gone(process);
}

/* --- what is told ---------------------------------------------------------------------------- */

static bool names_one_node(const struct chaos_action *action)
{
    return action->kind != CHAOS_RESHARD && chaos_is_of_servers(action->kind) &&
           action->node != CHAOS_ALL_NODES;
}

/* Ends a job. cause NULL: it worked. */
static void conclude(struct job *job, const char *cause)
{
    const struct chaos *chaos = job->chaos;
    uint64_t now_ns = clock_now_ns();
    struct note note = {.source = NOTE_CHAOS,
                        .at_ns =
                            job->began_ns > chaos->start_ns ? job->began_ns - chaos->start_ns : 0,
                        .ok = cause == NULL};
    note.end_ns = note.at_ns + (now_ns - job->began_ns);
    if (names_one_node(job->action) && server_of(job)->port != 0)
        snprintf(note.text, sizeof note.text, "%s (port %u)", job->action->text,
                 server_of(job)->port);
    else
        snprintf(note.text, sizeof note.text, "%s", job->action->text);
    snprintf(note.cause, sizeof note.cause, "%s", cause != NULL ? cause : "");
    job->phase = PHASE_NONE;
    log_line(note.ok ? LOG_INFO : LOG_WARNING, "chaos: %s: %s after %.3f s%s%s", note.text,
             note.ok ? "done" : "failed", clock_seconds(note.end_ns - note.at_ns),
             note.ok ? "" : ": ", note.cause);
    chaos->listener.hear(chaos->listener.state, &note);
}

/* --- the child that talks to servers --------------------------------------------------------- */

static int talk(void *state, int telling_fd)
{
    const struct job *job = state;
    struct err err = {.code = OK};
    log_set_level(LOG_ERROR);
    enum err_code code = chaos_work(job->chaos->cluster, job->action, &err);
    if (code != OK && err.code == OK)
        err_set(&err, code, "it failed");
    return write(telling_fd, &err, sizeof err) == (ssize_t)sizeof err ? 0 : 1;
}

static void work(struct job *job)
{
    const int log_fd = log_file_fd();
    const struct child_plan plan = {
        .run = talk, .state = job, .heard = true, .keep_fds = &log_fd, .keep_count = 1};
    if (!child_start(&job->worker, &plan)) {
        conclude(job, "no process could be started");
        return;
    }
    bool moves = job->action->kind == CHAOS_RESHARD || job->action->kind == CHAOS_REMOVE_NODE;
    job->phase = PHASE_WORKING;
    job->wake_ns = clock_now_ns() + (moves ? MOVE_TIMEOUT_NS : WORK_TIMEOUT_NS);
}

static void stop_server(struct job *job)
{
    job->pid = server_of(job)->process.pid;
    server_of(job)->end_expected = true;
    (void)kill(job->pid, SIGTERM);
    (void)kill(job->pid, SIGCONT); /* one that is paused would not hear it */
    job->phase = PHASE_STOPPING;
    job->wake_ns = clock_now_ns() + TERM_TIMEOUT_NS;
}

/* The child has ended, or its time is over. */
static void take_result(struct job *job, bool ended)
{
    struct err result = {.code = OK};
    size_t heard_bytes;
    bool told = ended && child_hear(&job->worker, &result, sizeof result, &heard_bytes, 0, NULL) ==
                             CHILD_HEARD_ALL;
    child_end(&job->worker);
    if (!told)
        conclude(job, ended ? "the process that did it ended without a word"
                            : "it took too long and was broken off");
    else if (result.code != OK)
        conclude(job, result.text);
    else if (job->action->kind == CHAOS_REMOVE_NODE && !child_gone(&server_of(job)->process))
        stop_server(job);
    else
        conclude(job, NULL);
}

/* --- the actions ----------------------------------------------------------------------------- */

static void launch_again(struct job *job)
{
    struct err err = {.code = OK};
    if (!child_gone(&server_of(job)->process))
        conclude(job, "another action has started it meanwhile");
    else if (managed_server_relaunch(server_of(job), &err) == OK)
        work(job);
    else
        conclude(job, err.text);
}

static void add_node(struct job *job)
{
    struct err err = {.code = OK};
    if (managed_cluster_add(job->chaos->cluster, &err) == OK)
        work(job);
    else
        conclude(job, err.text);
}

static bool is_paused(const struct chaos *chaos, uint32_t node)
{
    for (uint32_t i = 0; i < chaos->next; i++)
        if (chaos->jobs[i].phase == PHASE_PAUSED && chaos->jobs[i].action->node == node)
            return true;
    return false;
}

/* Signals need a process that runs. */
static bool has_process(struct job *job)
{
    job->pid = server_of(job)->process.pid;
    if (!child_gone(&server_of(job)->process))
        return true;
    if (job->action->kind == CHAOS_KILL || job->action->kind == CHAOS_PAUSE)
        conclude(job, "the node does not run");
    return false;
}

static void clear_cache(struct job *job)
{
    const struct chaos_client *client = &job->chaos->client;
    struct err err = {.code = OK};
    if (client->clear_cache == NULL)
        conclude(job, "no load is under way");
    else
        conclude(job, client->clear_cache(client->state, &err) == OK ? NULL : err.text);
}

static void begin(struct job *job)
{
    const struct chaos_action *action = job->action;
    job->began_ns = clock_now_ns();
    log_line(LOG_INFO, "chaos: %s", action->text);
    switch (action->kind) {
    case CHAOS_KILL:
        if (!has_process(job))
            return;
        server_of(job)->end_expected = true;
        (void)kill(job->pid, SIGKILL);
        job->phase = PHASE_DYING;
        return;
    case CHAOS_PAUSE:
        if (!has_process(job))
            return;
        if (is_paused(job->chaos, action->node)) {
            conclude(job, "the node is paused already");
            return;
        }
        (void)kill(job->pid, SIGSTOP);
        job->phase = PHASE_PAUSED;
        job->wake_ns = job->began_ns + action->for_ns;
        return;
    case CHAOS_RESTART:
        if (has_process(job))
            stop_server(job);
        else
            launch_again(job);
        return;
    case CHAOS_ADD_NODE:
        add_node(job);
        return;
    case CHAOS_CACHE_CLEAR:
        clear_cache(job);
        return;
    case CHAOS_BGSAVE:
    case CHAOS_AOF_REWRITE:
    case CHAOS_FLUSHALL:
    case CHAOS_FULL_SYNC:
    case CHAOS_CLIENT_KILL:
    case CHAOS_FAILOVER:
    case CHAOS_RESHARD:
    case CHAOS_REMOVE_NODE:
    case CHAOS_KIND_COUNT:
        work(job);
    }
}

static void end_pause(struct job *job)
{
    bool gone = process_gone(job);
    if (!gone)
        (void)kill(job->pid, SIGCONT);
    conclude(job, gone ? "the process ended meanwhile" : NULL);
}

static void step_stopping(struct job *job, uint64_t now_ns)
{
    if (!process_gone(job)) {
        if (now_ns >= job->wake_ns)
            (void)kill(job->pid, SIGKILL);
    } else if (job->action->kind == CHAOS_RESTART) {
        launch_again(job);
    } else {
        conclude(job, NULL);
    }
}

static void step_working(struct job *job, uint64_t now_ns)
{
    bool launched = job->action->kind == CHAOS_RESTART || job->action->kind == CHAOS_ADD_NODE;
    if (child_gone(&job->worker)) {
        take_result(job, true);
    } else if (launched && child_gone(&server_of(job)->process)) {
        child_end(&job->worker);
        conclude(job, "the server ended as it started");
    } else if (now_ns >= job->wake_ns) {
        take_result(job, false);
    }
}

static void step(struct job *job, uint64_t now_ns)
{
    switch (job->phase) {
    case PHASE_NONE:
        return;
    case PHASE_DYING:
        if (process_gone(job))
            conclude(job, NULL);
        return;
    case PHASE_PAUSED:
        if (now_ns >= job->wake_ns || process_gone(job))
            end_pause(job);
        return;
    case PHASE_STOPPING:
        step_stopping(job, now_ns);
        return;
    case PHASE_WORKING:
        step_working(job, now_ns);
    }
}

/* --- time ------------------------------------------------------------------------------------ */

static uint64_t next_wake_ns(const struct chaos *chaos, uint64_t now_ns)
{
    uint64_t wake_ns = UINT64_MAX;
    if (chaos->next < chaos->plan->count)
        wake_ns = chaos->measure_ns + chaos->plan->actions[chaos->next].at_ns;
    for (uint32_t i = 0; i < chaos->next; i++) {
        const struct job *job = &chaos->jobs[i];
        uint64_t look_ns = now_ns + POLL_NS;
        if (job->phase == PHASE_PAUSED && job->wake_ns < look_ns)
            look_ns = job->wake_ns;
        if (job->phase != PHASE_NONE && look_ns < wake_ns)
            wake_ns = look_ns;
    }
    return wake_ns;
}

static void arm(struct chaos *chaos)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t wake_ns = next_wake_ns(chaos, now_ns);
    if (wake_ns == UINT64_MAX)
        return; /* all is done */
    uint64_t delay_ns = wake_ns > now_ns ? wake_ns - now_ns : 0;
    /* Rounded up: a wake-up before the time would only be repeated. */
    struct timeval delay = {
        .tv_sec = (time_t)(delay_ns / NS_PER_SECOND),
        .tv_usec = (suseconds_t)((delay_ns % NS_PER_SECOND + NS_PER_US - 1) / NS_PER_US)};
    if (event_add(chaos->timer, &delay) != 0)
        log_line(LOG_WARNING, "chaos: no timer: nothing more is done to the target");
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct chaos *chaos = argument;
    (void)fd;
    (void)what;
    uint64_t now_ns = clock_now_ns();
    for (uint32_t i = 0; i < chaos->next; i++)
        step(&chaos->jobs[i], now_ns);
    while (chaos->next < chaos->plan->count &&
           chaos->measure_ns + chaos->plan->actions[chaos->next].at_ns <= now_ns)
        begin(&chaos->jobs[chaos->next++]);
    arm(chaos);
}

/* --- life ------------------------------------------------------------------------------------ */

enum err_code chaos_create(struct chaos **chaos, const struct chaos_plan *plan,
                           struct managed_cluster *cluster, struct err *err)
{
    struct chaos *made = calloc(1, sizeof *made + plan->count * sizeof made->jobs[0]);
    *chaos = made;
    if (made == NULL)
        return err_set(err, E_SYSTEM, "no memory for the actions of --chaos");
    made->plan = plan;
    made->cluster = cluster;
    for (uint32_t i = 0; i < plan->count; i++)
        made->jobs[i] = (struct job){.chaos = made, .action = &plan->actions[i]};
    return OK;
}

void chaos_set_client(struct chaos *chaos, struct chaos_client client)
{
    chaos->client = client;
}

enum err_code chaos_begin(struct chaos *chaos, struct event_base *base, uint64_t start_ns,
                          uint64_t measure_ns, struct note_listener listener, struct err *err)
{
    if (chaos->begun)
        return OK;
    chaos->begun = true;
    chaos->listener = listener;
    chaos->start_ns = start_ns;
    chaos->measure_ns = measure_ns;
    chaos->timer = evtimer_new(base, on_timer, chaos);
    if (chaos->timer == NULL)
        return err_set(err, E_SYSTEM, "no memory for the timer of --chaos");
    arm(chaos);
    return OK;
}

bool chaos_has_begun(const struct chaos *chaos)
{
    return chaos->begun;
}

bool chaos_is_busy(const struct chaos *chaos)
{
    bool busy = chaos->next < chaos->plan->count;
    for (uint32_t i = 0; i < chaos->next && !busy; i++)
        busy = chaos->jobs[i].phase != PHASE_NONE;
    return busy;
}

static void break_off(struct job *job)
{
    switch (job->phase) {
    case PHASE_NONE:
        return;
    case PHASE_DYING:
        conclude(job, NULL); /* nothing survives it; the servers' end reaps it */
        return;
    case PHASE_PAUSED:
        if (!process_gone(job))
            (void)kill(job->pid, SIGCONT);
        break;
    case PHASE_STOPPING:
        break;
    case PHASE_WORKING:
        child_end(&job->worker);
    }
    conclude(job, "the run ended before it did");
}

void chaos_end(struct chaos *chaos)
{
    if (chaos == NULL || chaos->timer == NULL)
        return;
    event_free(chaos->timer);
    chaos->timer = NULL;
    for (uint32_t i = 0; i < chaos->next; i++)
        break_off(&chaos->jobs[i]);
    if (chaos->next < chaos->plan->count)
        log_line(LOG_WARNING, "chaos: the run ended before %u of %u actions: %s%s",
                 chaos->plan->count - chaos->next, chaos->plan->count,
                 chaos->plan->actions[chaos->next].text,
                 chaos->plan->count - chaos->next > 1 ? ", ..." : "");
}

void chaos_destroy(struct chaos *chaos)
{
    chaos_end(chaos);
    free(chaos);
}
