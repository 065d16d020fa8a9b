#include "orchestrator/watch/notifier.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/machine/child.h"
#include "orchestrator/machine/program_path.h"
#include "orchestrator/watch/notify_group.h"
#include "orchestrator/watch/notify_sender.h"

/* For loading a library; it is not waited for longer. */
#define READY_NS (20 * NS_PER_SECOND)
#define QUEUE_BYTES (1 << 20) /* if the system allows as much: else there is for hundreds */

struct notifier {
    struct notifier_setup setup;
    struct child child;  /* nobody to hear: it is not there (any more) */
    struct event *event; /* NULL: nothing is heard before the end */
    struct notifier_channel channels[NOTIFY_CHANNELS_MAX];
    size_t channel_count;
    uint64_t refused_count; /* alerts that the queue had no room for */
    bool ready, finished, quiet;
    char problem[600]; /* why it is not ready */
};

static bool is_there(const struct notifier *notifier)
{
    return notifier->child.hearing_fd > 0;
}

/* ---- hearing ---- */

static const char *named(char text[160], const struct notifier_channel *channel)
{
    snprintf(text, 160, "notification channel \"%s\" (%s)", channel->name,
             notify_type_name(channel->type));
    return text;
}

static void take_sum(struct notifier *notifier, struct notifier_channel *channel,
                     const struct notify_report *told)
{
    channel->sent_count = told->sent_count;
    channel->failed_count = told->failed_count;
    channel->lost_count = told->lost_count;
    snprintf(channel->problem, sizeof channel->problem, "%s", PRINTABLE(told->text));
    notifier->finished = true;
}

/* A line of the log has its limit: what is longer is told in several. */
#define DRY_LINE_BYTES 1600u

static void log_dry(const char *name, const char *text)
{
    size_t left_bytes = strlen(text);
    for (bool goes_on = false; left_bytes > 0 || !goes_on; goes_on = true) {
        const size_t bytes = notify_piece_bytes(text, left_bytes, DRY_LINE_BYTES);
        log_line(LOG_WARNING, "would be sent to %s: %s%.*s%s", name, goes_on ? "... " : "",
                 (int)bytes, text, bytes < left_bytes ? " ..." : "");
        text += bytes;
        left_bytes -= bytes;
    }
}

static void take(struct notifier *notifier, const struct notify_report *told)
{
    char text[160];
    struct notifier_channel *channel =
        told->channel < notifier->channel_count ? &notifier->channels[told->channel] : NULL;
    if (told->kind == NOTIFY_READY) {
        notifier->ready = true;
        snprintf(notifier->problem, sizeof notifier->problem, "%s", PRINTABLE(told->text));
        return;
    }
    if (channel == NULL)
        return;
    switch (told->kind) {
    case NOTIFY_READY:
        break;
    case NOTIFY_TROUBLE:
        if (!notifier->quiet)
            log_line(LOG_WARNING, "%s cannot be told: %s", named(text, channel),
                     PRINTABLE(told->text));
        break;
    case NOTIFY_DRY:
        if (notifier->setup.show != NULL)
            notifier->setup.show(notifier->setup.show_state, channel->name, told->text);
        else
            log_dry(named(text, channel), told->text);
        break;
    case NOTIFY_SUM:
        take_sum(notifier, channel, told);
        break;
    }
}

static void hang_up(struct notifier *notifier)
{
    if (notifier->event != NULL)
        event_free(notifier->event);
    notifier->event = NULL;
    child_hang_up(&notifier->child);
}

/* All that has come. */
static void hear(struct notifier *notifier)
{
    struct notify_report told;
    while (is_there(notifier)) {
        memset(&told, 0, sizeof told);
        const ssize_t got = recv(notifier->child.hearing_fd, &told, sizeof told, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            hang_up(notifier);
            return;
        }
        told.text[sizeof told.text - 1] = '\0';
        take(notifier, &told);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *state)
{
    struct notifier *notifier = state;
    (void)fd;
    (void)what;
    hear(notifier);
    if (!is_there(notifier))
        log_line(LOG_WARNING, "the process that sends notifications has ended before its time: "
                              "nobody is told any more");
}

/* Until that moment. False: it has passed. */
static bool wait_for(const struct notifier *notifier, short what, uint64_t end_ns)
{
    const uint64_t now_ns = clock_now_ns();
    struct pollfd ready = {.fd = notifier->child.hearing_fd, .events = what};
    if (now_ns >= end_ns)
        return false;
    (void)poll(&ready, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1);
    return true;
}

/* ---- beginning ---- */

static enum err_code take_channels(struct notifier *notifier, const struct notify_file *file,
                                   uint64_t *everyone, size_t *enabled_count, struct err *err)
{
    const char *only = notifier->setup.only;
    char text[160], missing[NOTIFY_MISSING_BYTES + 64];
    for (size_t i = 0; i < file->channel_count; i++) {
        const struct notify_channel *from = &file->channels[i];
        struct notifier_channel *channel = &notifier->channels[notifier->channel_count++];
        channel->type = from->type;
        snprintf(channel->name, sizeof channel->name, "%s", from->name);
        snprintf(channel->missing, sizeof channel->missing, "%s", from->missing);
        const bool wanted = only == NULL || strcmp(only, from->name) == 0;
        *everyone |= wanted ? 1ull << i : 0;
        *enabled_count += wanted && from->missing[0] == '\0' ? 1 : 0;
        if (!notifier->setup.everyone && from->missing[0] != '\0')
            log_line(LOG_WARNING, "%s is disabled: %s", named(text, channel),
                     notify_missing_text(missing, from->missing));
    }
    return *everyone != 0 ? OK
                          : err_set(err, E_USAGE, "%.150s has no channel \"%.60s\"",
                                    PRINTABLE(notifier->setup.path), PRINTABLE(only));
}

static enum err_code find_module(char path[PATH_MAX], struct err *err)
{
    /* The folder of the program has it when built, the other one when installed. */
    static const char *const places[] = {".", "../lib/volley"};
    if (program_path_beside(path, PATH_MAX, places, sizeof places / sizeof places[0],
                            "volley-notify.so"))
        return OK;
    return err_set(err, E_SYSTEM,
                   "notifications need the module volley-notify.so, which is not there: install "
                   "libcurl4-openssl-dev (`make deps ALL=1`) and build volley again");
}

static enum err_code start_child(struct notifier *notifier, struct notify_sender_setup *setup,
                                 struct err *err)
{
    const int room_bytes = QUEUE_BYTES;
    const struct child_plan plan = {.run = notify_sender_run, .state = setup, .talks = true};
    if (!child_start(&notifier->child, &plan))
        return err_set_errno(err, E_SYSTEM, errno,
                             "the process that sends notifications cannot be started");
    (void)setsockopt(notifier->child.hearing_fd, SOL_SOCKET, SO_SNDBUF, &room_bytes,
                     sizeof room_bytes);
    const uint64_t end_ns = clock_now_ns() + READY_NS;
    while (!notifier->ready && is_there(notifier) && wait_for(notifier, POLLIN, end_ns))
        hear(notifier);
    if (notifier->ready && notifier->problem[0] == '\0')
        return OK;
    return err_set(err, E_SYSTEM, "notifications: %s",
                   notifier->ready ? notifier->problem
                                   : "the process that sends them did not begin");
}

static enum err_code listen_on(struct notifier *notifier, struct err *err)
{
    if (notifier->setup.base == NULL || !is_there(notifier))
        return OK;
    notifier->event = event_new(notifier->setup.base, notifier->child.hearing_fd,
                                EV_READ | EV_PERSIST, on_readable, notifier);
    return notifier->event != NULL && event_add(notifier->event, NULL) == 0
               ? OK
               : err_set(err, E_SYSTEM, "no memory for notifications");
}

/* Behind the file, which is freed when the child has its copy. */
static enum err_code begin(struct notifier *notifier, struct notify_file *file, struct err *err)
{
    const struct notifier_setup *setup = &notifier->setup;
    char module[PATH_MAX];
    uint64_t everyone = 0;
    size_t enabled_count = 0;
    enum err_code code = take_channels(notifier, file, &everyone, &enabled_count, err);
    if (code == OK && !setup->dry_run)
        code = find_module(module, err);
    if (code != OK || enabled_count == 0)
        return code;
    if (setup->everyone)
        file->timing = (struct notify_timing){.group_wait_ns = 0};
    struct notify_sender_setup sender = {.file = file,
                                         .module = setup->dry_run ? NULL : module,
                                         .channels = setup->everyone ? everyone : 0};
    code = start_child(notifier, &sender, err);
    return code == OK ? listen_on(notifier, err) : code;
}

enum err_code notifier_start(struct notifier **notifier, const struct notifier_setup *setup,
                             struct err *err)
{
    struct notify_file file;
    const struct file_source source = {.name = setup->path};
    struct notifier *made = calloc(1, sizeof *made);
    *notifier = NULL;
    if (made == NULL)
        return err_set(err, E_SYSTEM, "no memory for notifications");
    made->setup = *setup;
    enum err_code code = notify_file_read(&file, &source, getenv, err);
    if (code == OK)
        code = begin(made, &file, err);
    notify_file_free(&file);
    if (code == OK)
        *notifier = made;
    else
        notifier_free(made);
    return code;
}

/* ---- going on, and ending ---- */

static bool put(const struct notifier *notifier, const struct notify_message *message)
{
    const size_t bytes = notify_message_bytes(message);
    return send(notifier->child.hearing_fd, message, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) ==
           (ssize_t)bytes;
}

void notifier_tell(void *state, const struct alert_event *event)
{
    struct notifier *notifier = state;
    struct notify_message message;
    if (notifier == NULL || !is_there(notifier))
        return;
    memset(&message, 0, sizeof message);
    message.event = *event;
    message.label_count =
        event->label_count < ALERT_LABELS_MAX ? event->label_count : ALERT_LABELS_MAX;
    if (put(notifier, &message))
        return;
    if (notifier->refused_count++ == 0)
        log_line(LOG_WARNING, "more alerts at once than notifications have room for: the newest "
                              "are not told");
}

const struct notifier_channel *notifier_finish(struct notifier *notifier, uint64_t limit_ns,
                                               size_t *channel_count)
{
    const struct notify_message message = {.ends = true, .limit_ns = limit_ns};
    const uint64_t end_ns = clock_now_ns() + limit_ns;
    bool told = false;
    *channel_count = notifier->channel_count;
    notifier->quiet = true; /* its sum follows */
    while (is_there(notifier)) {
        told = told || put(notifier, &message);
        hear(notifier);
        if (is_there(notifier) &&
            !wait_for(notifier, told ? POLLIN : (short)(POLLIN | POLLOUT), end_ns))
            break;
    }
    hang_up(notifier);
    return notifier->channels;
}

static void log_sum(const struct notifier_channel *channel)
{
    char text[160];
    const uint64_t all_count = channel->sent_count + channel->failed_count;
    if (channel->failed_count > 0)
        log_line(LOG_WARNING, "%s: %" PRIu64 " of %" PRIu64 " messages not sent: %s",
                 named(text, channel), channel->failed_count, all_count, channel->problem);
    else if (channel->missing[0] == '\0')
        log_line(LOG_INFO, "%s: %" PRIu64 " messages sent", named(text, channel),
                 channel->sent_count);
    if (channel->lost_count > 0)
        log_line(LOG_WARNING, "%s: %" PRIu64 " alerts not told: it knows %u at a time",
                 named(text, channel), channel->lost_count, NOTIFY_ALERTS_MAX);
}

void notifier_end(struct notifier *notifier, uint64_t limit_ns)
{
    if (notifier == NULL)
        return;
    size_t channel_count = 0;
    const bool was_there = is_there(notifier);
    const struct notifier_channel *channels = notifier_finish(notifier, limit_ns, &channel_count);
    for (size_t i = 0; i < channel_count && notifier->finished; i++)
        log_sum(&channels[i]);
    if (was_there && !notifier->finished)
        log_line(LOG_WARNING, "notifications: what was not sent within %g s is lost",
                 clock_seconds(limit_ns));
    if (notifier->refused_count > 0)
        log_line(LOG_WARNING, "notifications: %" PRIu64 " alerts not told: too many at once",
                 notifier->refused_count);
    notifier_free(notifier);
}

void notifier_free(struct notifier *notifier)
{
    if (notifier == NULL)
        return;
    hang_up(notifier);
    child_end(&notifier->child);
    free(notifier);
}
