#include "orchestrator/watch/suite_live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/machine/child.h"
#include "orchestrator/watch/suite_live_server.h"

#define READY_NS (20 * NS_PER_SECOND)
#define END_NS NS_PER_SECOND
#define LOOK_NS (50 * NS_PER_MS)

struct suite_live {
    struct child child;
    pid_t owner; /* copies of its process that log something tell nothing */
    struct suite_live_ready ready;
};

static enum err_code start_child(struct suite_live *live, const struct watch_options *options,
                                 struct err *err)
{
    size_t heard_bytes = 0;
    const struct timeval patience = {.tv_sec = 1};
    struct suite_live_server_setup setup = {.options = options};
    const struct child_plan plan = {.run = suite_live_server_run, .state = &setup, .talks = true};
    if (!child_start(&live->child, &plan))
        return err_set_errno(err, E_SYSTEM, errno,
                             "the process of the live page cannot be started");
    (void)setsockopt(live->child.hearing_fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (child_hear(&live->child, &live->ready, sizeof live->ready, &heard_bytes, READY_NS, NULL) !=
        CHILD_HEARD_ALL)
        return err_set(err, E_SYSTEM, "the process of the live page does not begin");
    if (live->ready.err.code != OK)
        *err = live->ready.err;
    return live->ready.err.code;
}

enum err_code suite_live_start(struct suite_live **started, const struct watch_options *options,
                               struct err *err)
{
    struct suite_live *live = calloc(1, sizeof *live);
    *started = NULL;
    if (live == NULL)
        return err_set(err, E_SYSTEM, "no memory for the live page");
    live->owner = getpid();
    const enum err_code code = start_child(live, options, err);
    if (code != OK)
        suite_live_close(live);
    else
        *started = live;
    return code;
}

const char *suite_live_url(const struct suite_live *live)
{
    return live->ready.url;
}

void suite_live_tell(struct suite_live *live, const char *event, json_t *object)
{
    json_t *message = json_pack("{s:s, s:o?}", "event", event, "object", object);
    char *text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    if (text != NULL && live != NULL && live->child.hearing_fd > 0 && live->owner == getpid() &&
        strlen(text) <= SUITE_LIVE_MESSAGE_BYTES)
        (void)!send(live->child.hearing_fd, text, strlen(text), MSG_NOSIGNAL);
    free(text);
}

void suite_live_linger(struct suite_live *live, uint64_t linger_ns, const volatile int *interrupted)
{
    const int before = *interrupted;
    const uint64_t end_ns = clock_now_ns() + linger_ns;
    while (live != NULL && *interrupted == before && clock_now_ns() < end_ns)
        if (child_gone_within(&live->child, LOOK_NS))
            return;
}

void suite_live_close(struct suite_live *live)
{
    if (live == NULL)
        return;
    child_hang_up(&live->child);
    (void)child_gone_within(&live->child, END_NS);
    child_end(&live->child);
    free(live);
}
