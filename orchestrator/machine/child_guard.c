#include "orchestrator/machine/child_guard.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"

#define GROUPS_MAX 1024u
#define END_LIMIT_NS NS_PER_SECOND
#define NONE_IS_LEFT 0

struct groups {
    pid_t items[GROUPS_MAX];
    size_t count;
};

/* number: a group that has begun, or the negative of one that has ended; NONE_IS_LEFT: all of them have. */
static void note(struct groups *groups, pid_t number)
{
    if (number == NONE_IS_LEFT)
        groups->count = 0;
    if (number > 0 && groups->count < GROUPS_MAX)
        groups->items[groups->count++] = number;
    for (size_t i = 0; number < 0 && i < groups->count; i++)
        if (groups->items[i] == -number)
            groups->items[i--] = groups->items[--groups->count];
}

/* In the guard, whose parent's end is what it waits for. */
static int watch(void *state, int telling_fd)
{
    const int fd = *(const int *)state;
    struct groups groups = {.count = 0};
    pid_t number;
    ssize_t bytes;
    (void)telling_fd;
    (void)prctl(PR_SET_PDEATHSIG, 0);
    (void)setsid(); /* who kills the whole of volley's group leaves it */
    do {
        bytes = read(fd, &number, sizeof number);
        if (bytes == (ssize_t)sizeof number)
            note(&groups, number);
    } while (bytes > 0 || (bytes < 0 && errno == EINTR));
    for (size_t i = 0; i < groups.count; i++)
        (void)kill(-groups.items[i], SIGKILL);
    return 0;
}

void child_guard_start(struct child_guard *guard)
{
    int ends[2];
    *guard = (struct child_guard){.telling_fd = 0};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return;
    const struct child_plan plan = {
        .run = watch, .state = &ends[0], .keep_fds = &ends[0], .keep_count = 1};
    const bool started = child_start(&guard->process, &plan);
    close(ends[0]);
    if (!started) {
        close(ends[1]);
        return;
    }
    guard->telling_fd = ends[1];
    child_tell_groups(ends[1]);
}

void child_guard_stop(struct child_guard *guard)
{
    if (guard->telling_fd == 0)
        return;
    const pid_t number = NONE_IS_LEFT; /* a message that was lost must not end a stranger */
    child_tell_groups(-1);
    (void)!send(guard->telling_fd, &number, sizeof number, MSG_NOSIGNAL);
    close(guard->telling_fd);
    (void)child_gone_within(&guard->process, END_LIMIT_NS);
    child_end(&guard->process);
    guard->telling_fd = 0;
}
