#include "orchestrator/server/chaos.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
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
    uint64_t wake_ns; /* PAUSED: when it ends; STOPPING: when it is killed; WORKING: the limit */
    pid_t child;      /* WORKING */
    int result_fd;    /* WORKING: the child's struct err comes from here */
};

struct chaos {
    const struct chaos_plan *plan;
    struct managed_cluster *cluster;
    struct chaos_listener listener;
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
    return server_of(job)->pid != job->pid || managed_server_gone(server_of(job));
}

/* --- what is told ---------------------------------------------------------------------------- */

static bool names_one_node(const struct chaos_action *action)
{
    return action->kind != CHAOS_RESHARD && action->node != CHAOS_ALL_NODES;
}

/* Ends a job. cause NULL: it worked. */
static void conclude(struct job *job, const char *cause)
{
    const struct chaos *chaos = job->chaos;
    uint64_t now_ns = clock_now_ns();
    struct run_event event = {
        .at_ns = job->began_ns > chaos->start_ns ? job->began_ns - chaos->start_ns : 0,
        .ok = cause == NULL};
    event.end_ns = event.at_ns + (now_ns - job->began_ns);
    if (names_one_node(job->action) && server_of(job)->port != 0)
        snprintf(event.text, sizeof event.text, "%s (port %u)", job->action->text,
                 server_of(job)->port);
    else
        snprintf(event.text, sizeof event.text, "%s", job->action->text);
    snprintf(event.cause, sizeof event.cause, "%s", cause != NULL ? cause : "");
    job->phase = PHASE_NONE;
    log_line(event.ok ? LOG_INFO : LOG_WARNING, "chaos: %s: %s after %.3f s%s%s", event.text,
             event.ok ? "done" : "failed", clock_seconds(event.end_ns - event.at_ns),
             event.ok ? "" : ": ", event.cause);
    chaos->listener.hear(chaos->listener.state, &event);
}

/* --- the child that talks to servers --------------------------------------------------------- */

static void close_all_but(int fd)
{
    if (fd > 3)
        (void)close_range(3, (unsigned)fd - 1, 0);
    (void)close_range((unsigned)fd + 1, ~0u, 0);
}

/* Never returns. It has a copy of everything, and touches nothing that is the parent's. */
static void child_main(const struct job *job, int result_fd, pid_t parent)
{
    sigset_t none;
    struct err err = {.code = OK};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    close_all_but(result_fd);
    /* A Ctrl+C is for the parent, which ends this process when the run is over. */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    log_set_level(LOG_ERROR);
    enum err_code code = chaos_work(job->chaos->cluster, job->action, &err);
    if (code != OK && err.code == OK)
        err_set(&err, code, "it failed");
    ssize_t written = write(result_fd, &err, sizeof err);
    _exit(written == (ssize_t)sizeof err ? 0 : 1);
}

static void work(struct job *job)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        conclude(job, "no pipe could be made");
        return;
    }
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0)
        child_main(job, ends[1], parent);
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        conclude(job, "no process could be started");
        return;
    }
    bool moves = job->action->kind == CHAOS_RESHARD || job->action->kind == CHAOS_REMOVE_NODE;
    job->child = child;
    job->result_fd = ends[0];
    job->phase = PHASE_WORKING;
    job->wake_ns = clock_now_ns() + (moves ? MOVE_TIMEOUT_NS : WORK_TIMEOUT_NS);
}

static void stop_server(struct job *job)
{
    job->pid = server_of(job)->pid;
    server_of(job)->told_to_end = true;
    (void)kill(job->pid, SIGTERM);
    (void)kill(job->pid, SIGCONT); /* one that is paused would not hear it */
    job->phase = PHASE_STOPPING;
    job->wake_ns = clock_now_ns() + TERM_TIMEOUT_NS;
}

static void end_child(struct job *job)
{
    (void)kill(job->child, SIGKILL);
    while (waitpid(job->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(job->result_fd);
}

/* The child has ended, or its time is over. */
static void take_result(struct job *job, bool ended)
{
    struct err result = {.code = OK};
    bool told = ended && read(job->result_fd, &result, sizeof result) == (ssize_t)sizeof result;
    if (ended)
        close(job->result_fd);
    else
        end_child(job);
    if (!told)
        conclude(job, ended ? "the process that did it ended without a word"
                            : "it took too long and was broken off");
    else if (result.code != OK)
        conclude(job, result.text);
    else if (job->action->kind == CHAOS_REMOVE_NODE && !managed_server_gone(server_of(job)))
        stop_server(job);
    else
        conclude(job, NULL);
}

/* --- the actions ----------------------------------------------------------------------------- */

static void launch_again(struct job *job)
{
    struct err err = {.code = OK};
    if (!managed_server_gone(server_of(job)))
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
    job->pid = server_of(job)->pid;
    if (!managed_server_gone(server_of(job)))
        return true;
    if (job->action->kind == CHAOS_KILL || job->action->kind == CHAOS_PAUSE)
        conclude(job, "the node does not run");
    return false;
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
        server_of(job)->told_to_end = true;
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
    case CHAOS_BGSAVE:
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
    pid_t reaped = waitpid(job->child, NULL, WNOHANG);
    bool launched = job->action->kind == CHAOS_RESTART || job->action->kind == CHAOS_ADD_NODE;
    if (reaped != 0 && !(reaped < 0 && errno == EINTR)) {
        take_result(job, true);
    } else if (launched && managed_server_gone(server_of(job))) {
        end_child(job);
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

enum err_code chaos_begin(struct chaos *chaos, struct event_base *base, uint64_t start_ns,
                          uint64_t measure_ns, struct chaos_listener listener, struct err *err)
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
        end_child(job);
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
