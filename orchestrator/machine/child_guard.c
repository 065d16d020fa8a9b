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
    struct groups groups = {.count = 0};
    pid_t number;
    ssize_t bytes;
    (void)state;
    (void)prctl(PR_SET_PDEATHSIG, 0);
    (void)setsid(); /* who kills the whole of volley's group leaves it */
    do {
        bytes = read(telling_fd, &number, sizeof number);
        if (bytes == (ssize_t)sizeof number)
            note(&groups, number);
    } while (bytes > 0 || (bytes < 0 && errno == EINTR));
    for (size_t i = 0; i < groups.count; i++)
        (void)kill(-groups.items[i], SIGKILL);
    return 0;
}

void child_guard_start(struct child_guard *guard)
{
    *guard = (struct child_guard){.process = {.pid = 0}};
    if (child_start(&guard->process, &(struct child_plan){.run = watch, .talks = true}))
        child_tell_groups(guard->process.hearing_fd);
}

void child_guard_stop(struct child_guard *guard)
{
    if (guard->process.hearing_fd == 0)
        return;
    const pid_t number = NONE_IS_LEFT; /* a message that was lost must not end a stranger */
    child_tell_groups(-1);
    (void)!send(guard->process.hearing_fd, &number, sizeof number, MSG_NOSIGNAL);
    child_hang_up(&guard->process);
    (void)child_gone_within(&guard->process, END_LIMIT_NS);
    child_end(&guard->process);
}
