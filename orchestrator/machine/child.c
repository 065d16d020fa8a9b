#include "orchestrator/machine/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/spec.h"

/* Longest wait without a look at *interrupted. */
#define SLICE_MS 100
#define POLL_NS (10 * NS_PER_MS)

static int groups_fd = -1;

void child_tell_groups(int socket_fd)
{
    groups_fd = socket_fd;
}

static void tell_group(const struct child *child, pid_t number)
{
    if (child->is_program && groups_fd >= 0)
        (void)!send(groups_fd, &number, sizeof number, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- in the child ---- */

/* Of a function only what the orchestrator's own ways with signals would get wrong: a sanitizer has some, too. */
static void settle_signals(bool is_program)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
    sigset_t none;
    for (int signal_number = 1; is_program && signal_number < NSIG; signal_number++)
        (void)signal(signal_number, SIG_DFL);
    for (size_t i = 0; !is_program && i < sizeof ignored / sizeof ignored[0]; i++)
        (void)signal(ignored[i], SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_between(int first, int last)
{
    struct rlimit limit;
    if (first > last || close_range((unsigned)first, (unsigned)last, 0) == 0 ||
        getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    for (int fd = first; fd <= last && (rlim_t)fd < limit.rlim_cur; fd++)
        close(fd); /* a kernel without close_range() */
}

/* The lowest descriptor from this one on that stays open; INT_MAX: there is none. */
static int next_kept(const struct child_plan *plan, int telling_fd, int from)
{
    int next = telling_fd >= from ? telling_fd : INT_MAX;
    for (uint32_t i = 0; i < plan->keep_count; i++)
        if (plan->keep_fds[i] >= from && plan->keep_fds[i] < next)
            next = plan->keep_fds[i];
    return next;
}

static void close_others(const struct child_plan *plan, int telling_fd)
{
    int from = STDERR_FILENO + 1;
    while (from < INT_MAX) {
        int kept = next_kept(plan, telling_fd, from);
        close_between(from, kept - 1);
        from = kept < INT_MAX ? kept + 1 : INT_MAX;
    }
}

static bool settle_streams(int output_fd)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0)
        return false;
    if (output_fd < 0)
        return dup2(null_fd, STDOUT_FILENO) >= 0;
    return dup2(output_fd, STDOUT_FILENO) >= 0 && dup2(output_fd, STDERR_FILENO) >= 0;
}

static bool pin(const uint32_t *cpus, uint32_t cpu_count)
{
    cpu_set_t *set = CPU_ALLOC(SPEC_CPUS_MAX);
    const size_t set_bytes = CPU_ALLOC_SIZE(SPEC_CPUS_MAX);
    if (set == NULL)
        return true;
    CPU_ZERO_S(set_bytes, set);
    for (uint32_t i = 0; i < cpu_count; i++)
        CPU_SET_S((size_t)cpus[i], set_bytes, set);
    bool pinned = sched_setaffinity(0, set_bytes, set) == 0;
    CPU_FREE(set);
    return pinned;
}

static _Noreturn void become_program(const struct child_plan *plan)
{
    for (uint32_t i = 0; i < plan->keep_count; i++)
        (void)fcntl(plan->keep_fds[i], F_SETFD, 0);
    for (const char *const *entry = plan->environment; entry != NULL && *entry != NULL; entry++)
        (void)putenv(
            (char *)(uintptr_t)*entry); /* of this process, which only begins the program */
    execv(plan->argv[0], (char *const *)(uintptr_t)plan->argv);
    if (plan->name != NULL)
        dprintf(STDERR_FILENO, "cannot run %s: %s\n", plan->argv[0], strerror(errno));
    else
        dprintf(STDERR_FILENO, "%s", strerror(errno));
    _exit(CHILD_STATUS_NO_PROGRAM);
}

static _Noreturn void live(const struct child_plan *plan, int telling_fd, pid_t parent)
{
    const bool is_program = plan->run == NULL;
    const int output_fd = plan->heard ? telling_fd : plan->output_fd;
    /* Before anything else: from here on this process cannot outlive its parent, which may be gone already. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(CHILD_STATUS_UNFIT);
    if (is_program)
        (void)setsid();
    settle_signals(is_program);
    if (!settle_streams(is_program ? output_fd : -1))
        _exit(CHILD_STATUS_UNFIT);
    close_others(plan, is_program ? -1 : telling_fd);
    if (plan->cpu_count > 0 && !pin(plan->cpus, plan->cpu_count)) {
        dprintf(STDERR_FILENO, "cannot pin %s to CPU %u: %s\n", plan->name, plan->cpus[0],
                strerror(errno));
        _exit(CHILD_STATUS_UNFIT);
    }
    if (is_program)
        become_program(plan);
    _exit(plan->run(plan->state, telling_fd));
}

/* ---- beginning ---- */

/* ends[0] is this process's. */
static bool open_ends(int ends[2], const struct child_plan *plan)
{
    ends[0] = 0;
    ends[1] = -1;
    if (plan->talks)
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0;
    return !plan->heard || pipe2(ends, O_CLOEXEC) == 0;
}

bool child_start(struct child *child, const struct child_plan *plan)
{
    int ends[2];
    sigset_t all, before;
    const pid_t parent = getpid();
    *child = (struct child){.is_program = plan->run == NULL};
    if (!open_ends(ends, plan))
        return false;
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t pid = fork();
    if (pid == 0)
        live(plan, ends[1], parent);
    const int sys_errno = errno;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (ends[1] >= 0)
        close(ends[1]);
    child->pid = pid > 0 ? pid : 0;
    if (pid > 0)
        tell_group(child, pid);
    child->hearing_fd = ends[0];
    if (pid < 0)
        child_end(child);
    errno = sys_errno;
    return pid > 0;
}

/* ---- what it tells ---- */

enum child_heard child_hear(struct child *child, void *bytes, size_t byte_count,
                            size_t *heard_bytes, uint64_t limit_ns, const volatile int *interrupted)
{
    const uint64_t end_ns = clock_now_ns() + limit_ns;
    *heard_bytes = 0;
    while (*heard_bytes < byte_count) {
        struct pollfd readable = {.fd = child->hearing_fd, .events = POLLIN};
        if (interrupted != NULL && *interrupted != 0)
            return CHILD_INTERRUPTED;
        const uint64_t now_ns = clock_now_ns();
        const uint64_t left_ms = now_ns < end_ns ? (end_ns - now_ns) / NS_PER_MS + 1 : 0;
        if (poll(&readable, 1, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS) <= 0) {
            if (left_ms == 0)
                return CHILD_HEARD_LATE;
            continue;
        }
        ssize_t got =
            read(child->hearing_fd, (char *)bytes + *heard_bytes, byte_count - *heard_bytes);
        if (got == 0 || (got < 0 && errno != EINTR))
            return CHILD_HEARD_END;
        *heard_bytes += got > 0 ? (size_t)got : 0;
    }
    return CHILD_HEARD_ALL;
}

void child_hang_up(struct child *child)
{
    if (child->hearing_fd > 0)
        close(child->hearing_fd);
    child->hearing_fd = 0;
}

/* ---- its end ---- */

static void note_end(struct child *child, int status, const struct rusage *usage)
{
    tell_group(child, -child->pid);
    child->pid = 0;
    child->end = WIFSIGNALED(status) ? CHILD_KILLED : CHILD_EXITED;
    child->number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    child->rss_peak_bytes = (uint64_t)usage->ru_maxrss * 1024; /* Linux has it in KB */
}

/* What a program has started, and leaves behind, ends with it. As long as it is not reaped, its number is nobody else's. */
static void end_group_of_dead(pid_t pid, int flags)
{
    siginfo_t about = {.si_pid = 0};
    if (waitid(P_PID, (id_t)pid, &about, WEXITED | WNOWAIT | (flags & WNOHANG)) == 0 &&
        about.si_pid == pid)
        (void)kill(-pid, SIGKILL);
}

/* Without a wait, or with one. */
static bool reap(struct child *child, int flags)
{
    int status = 0;
    struct rusage usage = {.ru_maxrss = 0};
    if (child->pid == 0)
        return true;
    if (child->is_program && child->pid > 0)
        end_group_of_dead(child->pid, flags);
    const pid_t reaped = wait4(child->pid, &status, flags, &usage);
    if (reaped == child->pid)
        note_end(child, status, &usage);
    else if (reaped < 0 && errno != EINTR)
        child->pid = 0; /* nobody's, or this is a copy of its parent: the number may be another's */
    return child->pid == 0;
}

bool child_gone(struct child *child)
{
    return reap(child, WNOHANG);
}

bool child_gone_within(struct child *child, uint64_t limit_ns)
{
    const uint64_t end_ns = clock_now_ns() + limit_ns;
    const struct timespec pause = {.tv_nsec = POLL_NS};
    while (!child_gone(child)) {
        if (clock_now_ns() >= end_ns)
            return false;
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

const char *child_describe(char *text, size_t text_bytes, const struct child *child)
{
    snprintf(text, text_bytes, "%s %d",
             child->end == CHILD_KILLED ? "was killed by signal" : "ended with status",
             child->number);
    return text;
}

void child_tell(const struct child *child, int signal_number)
{
    if (child->pid == 0)
        return;
    if (!child->is_program || kill(-child->pid, signal_number) != 0)
        (void)kill(child->pid, signal_number); /* before it has become the leader of its group */
}

void child_end(struct child *child)
{
    child_tell(child, SIGKILL);
    while (!reap(child, 0))
        continue;
    child_hang_up(child);
}
