#include "orchestrator/watch/notify_sender.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/secret.h"
#include "orchestrator/watch/notify_body.h"
#include "orchestrator/watch/notify_group.h"

#define TOLD_MAX 64u /* alerts in one message */
#define WAIT_NS_MAX (60 * NS_PER_SECOND)

/* Behind a try that failed, and may not the next time: three more tries, which a run's end has time for. */
static const uint64_t pauses_ns[] = {200 * NS_PER_MS, 800 * NS_PER_MS, 3 * NS_PER_SECOND};
#define PAUSES (sizeof pauses_ns / sizeof pauses_ns[0])

/* One channel: its messages go one after the other, so that an end never overtakes its beginning. */
struct outlet {
    struct sender *sender;
    const struct notify_channel *channel;
    uint32_t index;
    struct notify_group group;
    struct notify_told *told;                /* [TOLD_MAX] of which told_at have been sent; owned */
    size_t told_at, told_count, taken_count; /* taken: of the message under way */
    char *body;                              /* of that message; NULL: none. Owned */
    struct notify_request request;
    size_t try_count;
    uint64_t next_try_ns;
    bool under_way, answered;
    enum notify_outcome outcome;
    char problem[NOTIFY_PROBLEM_BYTES]; /* of the last message that failed */
    uint64_t sent_count, failed_count, lost_count;
};

struct sender {
    const struct notify_sender_setup *setup;
    int fd;                             /* of packets, to and from the parent */
    const struct notify_driver *driver; /* NULL: nothing is sent */
    void *handle;                       /* its */
    struct outlet outlets[NOTIFY_CHANNELS_MAX];
    size_t outlet_count;
    bool ending;
    uint64_t end_ns;
};

size_t notify_message_bytes(const struct notify_message *message)
{
    return offsetof(struct notify_message, event) + offsetof(struct alert_event, labels) +
           message->label_count * sizeof message->event.labels[0];
}

/* ---- to the parent ---- */

static void report(const struct sender *sender, struct notify_report *told)
{
    const size_t bytes =
        offsetof(struct notify_report, text) + strnlen(told->text, sizeof told->text - 1) + 1;
    (void)!send(sender->fd, told, bytes, MSG_NOSIGNAL);
}

static void report_text(const struct sender *sender, enum notify_report_kind kind, uint32_t channel,
                        const char *text)
{
    struct notify_report told = {.kind = kind, .channel = channel};
    snprintf(told.text, sizeof told.text, "%s", text);
    report(sender, &told);
}

size_t notify_piece_bytes(const char *text, size_t line_bytes, size_t most_bytes)
{
    size_t bytes = line_bytes;
    if (bytes <= most_bytes)
        return bytes;
    for (bytes = most_bytes; bytes > 1 && ((unsigned char)text[bytes] & 0xc0) == 0x80;)
        bytes--;
    return bytes;
}

/* A body has line ends where it is a mail. */
static void report_dry(const struct outlet *outlet)
{
    bool goes_on = false;
    for (const char *at = outlet->body; *at != '\0';) {
        struct notify_report told = {.kind = NOTIFY_DRY, .channel = outlet->index};
        const size_t line_bytes = strcspn(at, "\r\n");
        const size_t bytes = notify_piece_bytes(at, line_bytes, sizeof told.text - 20);
        snprintf(told.text, sizeof told.text, "%s%.*s%s", goes_on ? "... " : "", (int)bytes, at,
                 bytes < line_bytes ? " ..." : "");
        report(outlet->sender, &told);
        at += bytes;
        goes_on = bytes < line_bytes;
        at += strspn(at, "\r");
        at += *at == '\n' ? 1 : 0;
    }
}

/* ---- one message ---- */

static void make_request(struct outlet *outlet)
{
    const struct notify_channel *channel = outlet->channel;
    outlet->request = (struct notify_request){
        .url = channel->url,
        .body = outlet->body,
        .body_bytes = strlen(outlet->body),
        .authority = channel->authority,
        .limit_ms = outlet->sender->setup->file->limit_ns / NS_PER_MS,
        .headers = (const char *const *)channel->headers,
        .header_count = channel->header_count,
        .from = channel->type == NOTIFY_EMAIL ? channel->from : NULL,
        .recipients = (const char *const *)channel->recipients,
        .recipient_count = channel->recipient_count,
        .user = channel->user,
        .password = channel->password,
        .starttls = channel->starttls,
    };
}

static void note_problem(struct outlet *outlet, const char *problem)
{
    char text[NOTIFY_PROBLEM_BYTES + 40];
    snprintf(outlet->problem, sizeof outlet->problem, "%s", problem);
    outlet->failed_count++;
    if (outlet->failed_count > 1)
        return;
    snprintf(text, sizeof text, "%s%s", problem,
             outlet->try_count > PAUSES ? " (tried four times)" : "");
    report_text(outlet->sender, NOTIFY_TROUBLE, outlet->index, text);
}

static void end_message(struct outlet *outlet)
{
    free(outlet->body);
    outlet->body = NULL;
    outlet->told_at += outlet->taken_count;
    outlet->try_count = 0;
    outlet->next_try_ns = 0;
}

/* False: there is nothing to send. */
static bool begin_message(struct outlet *outlet, uint64_t now_ns)
{
    const struct sender *sender = outlet->sender;
    if (outlet->told_at == outlet->told_count) {
        outlet->told_at = 0;
        outlet->told_count =
            notify_group_tell(&outlet->group, now_ns, sender->ending, outlet->told, TOLD_MAX);
    }
    if (outlet->told_count == 0)
        return false;
    outlet->taken_count =
        notify_body_takes(outlet->channel->type, outlet->told_count - outlet->told_at);
    outlet->body = notify_body_make(outlet->channel, sender->driver == NULL ? "***" : NULL,
                                    &outlet->told[outlet->told_at], outlet->taken_count,
                                    clock_wall_ns() / NS_PER_MS);
    if (outlet->body == NULL) {
        note_problem(outlet, "no memory for a message");
        end_message(outlet);
    } else {
        make_request(outlet);
    }
    return true;
}

static void answer(void *state, enum notify_outcome outcome, const char *problem)
{
    struct outlet *outlet = state;
    outlet->answered = true;
    outlet->outcome = outcome;
    if (outcome != NOTIFY_SENT)
        snprintf(outlet->problem, sizeof outlet->problem, "%s", problem);
}

static void take_answer(struct outlet *outlet, uint64_t now_ns)
{
    outlet->answered = false;
    outlet->under_way = false;
    if (outlet->outcome == NOTIFY_SENT) {
        outlet->sent_count++;
        end_message(outlet);
    } else if (outlet->outcome == NOTIFY_FAILED && outlet->try_count >= 1 &&
               outlet->try_count <= PAUSES) {
        outlet->next_try_ns = now_ns + pauses_ns[outlet->try_count - 1];
    } else {
        char problem[NOTIFY_PROBLEM_BYTES];
        snprintf(problem, sizeof problem, "%s", outlet->problem);
        note_problem(outlet, problem);
        end_message(outlet);
    }
}

/* As far as it goes without waiting. */
static void advance(struct outlet *outlet, uint64_t now_ns)
{
    const struct sender *sender = outlet->sender;
    for (;;) {
        if (outlet->answered)
            take_answer(outlet, now_ns);
        if (outlet->under_way || (outlet->body == NULL && !begin_message(outlet, now_ns)))
            return;
        if (outlet->body == NULL)
            continue;
        if (sender->driver == NULL) {
            report_dry(outlet);
            outlet->sent_count++;
            end_message(outlet);
            continue;
        }
        if (now_ns < outlet->next_try_ns)
            return;
        outlet->under_way = true;
        outlet->try_count++;
        sender->driver->send(sender->handle, &outlet->request, answer, outlet);
        if (!outlet->answered)
            return;
    }
}

/* ---- what comes ---- */

static void take_event(struct sender *sender, struct notify_message *message, uint64_t now_ns)
{
    struct alert_event *event = &message->event;
    event->label_count = message->label_count;
    const uint64_t channels = sender->setup->channels != 0
                                  ? sender->setup->channels
                                  : notify_file_route(sender->setup->file, event);
    for (size_t i = 0; i < sender->outlet_count; i++) {
        struct outlet *outlet = &sender->outlets[i];
        if ((channels >> outlet->index & 1u) == 0)
            continue;
        if (!notify_group_take(&outlet->group, event, now_ns))
            outlet->lost_count++;
        advance(outlet, now_ns);
    }
}

static void end_within(struct sender *sender, uint64_t limit_ns)
{
    /* Some of it is for telling how it went. */
    sender->end_ns = clock_now_ns() + limit_ns - limit_ns / 10;
    sender->ending = true;
}

static void hear(struct sender *sender)
{
    struct notify_message message;
    memset(&message, 0, sizeof message);
    while (!sender->ending) {
        const ssize_t got = recv(sender->fd, &message, sizeof message, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got < (ssize_t)offsetof(struct notify_message, event) ||
            message.label_count > ALERT_LABELS_MAX || (size_t)got != notify_message_bytes(&message))
            end_within(sender, 0); /* nobody is there any more */
        else if (message.ends)
            end_within(sender, message.limit_ns);
        else
            take_event(sender, &message, clock_now_ns());
    }
}

/* ---- its life ---- */

static bool is_done(const struct outlet *outlet)
{
    bool waits = outlet->body != NULL || outlet->told_at < outlet->told_count;
    for (size_t i = 0; i < outlet->group.entry_count; i++)
        waits |= outlet->group.entries[i].waits;
    return !waits;
}

static uint64_t wait_ns(const struct sender *sender, uint64_t now_ns)
{
    uint64_t at_ns = sender->ending ? sender->end_ns : now_ns + WAIT_NS_MAX;
    for (size_t i = 0; i < sender->outlet_count; i++) {
        const struct outlet *outlet = &sender->outlets[i];
        if (outlet->under_way)
            continue;
        const uint64_t outlet_ns =
            outlet->body != NULL ? outlet->next_try_ns : notify_group_due_ns(&outlet->group);
        if (outlet_ns < at_ns)
            at_ns = outlet_ns;
    }
    return at_ns > now_ns ? at_ns - now_ns : 0;
}

static bool goes_on(struct sender *sender)
{
    const uint64_t now_ns = clock_now_ns();
    bool done = sender->ending;
    for (size_t i = 0; i < sender->outlet_count; i++) {
        advance(&sender->outlets[i], now_ns);
        done = done && is_done(&sender->outlets[i]);
    }
    return !done && !(sender->ending && now_ns >= sender->end_ns);
}

static void step(const struct sender *sender)
{
    const int fd = sender->ending ? -1 : sender->fd;
    const uint64_t limit_ms = (wait_ns(sender, clock_now_ns()) + NS_PER_MS - 1) / NS_PER_MS;
    if (sender->driver != NULL) {
        sender->driver->step(sender->handle, fd, limit_ms);
        return;
    }
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    (void)poll(&readable, 1, (int)limit_ms);
}

/* What has not been sent by now is not. */
static void sum(struct outlet *outlet)
{
    struct notify_report told = {.kind = NOTIFY_SUM, .channel = outlet->index};
    uint64_t left_count = outlet->body != NULL || outlet->told_at < outlet->told_count ? 1 : 0;
    for (size_t i = 0; i < outlet->group.entry_count && left_count == 0; i++)
        left_count = outlet->group.entries[i].waits ? 1 : 0;
    if (left_count > 0 && outlet->problem[0] == '\0')
        snprintf(outlet->problem, sizeof outlet->problem, "it did not answer before time was up");
    told.sent_count = outlet->sent_count;
    told.failed_count = outlet->failed_count + left_count;
    told.lost_count = outlet->lost_count;
    if (told.failed_count > 0)
        snprintf(told.text, sizeof told.text, "%s", outlet->problem);
    report(outlet->sender, &told);
}

/* What is wrong with the module goes into problem. */
static bool load(struct sender *sender, char *problem, size_t problem_bytes)
{
    static void *library; /* stays until the process ends */
    const char *path = sender->setup->module;
    if (path == NULL)
        return true;
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct notify_driver *driver =
        library != NULL ? dlsym(library, NOTIFY_DRIVER_SYMBOL) : NULL;
    if (driver == NULL) {
        const char *why = dlerror();
        snprintf(problem, problem_bytes, "%s cannot be loaded: %s", PRINTABLE(path),
                 PRINTABLE(why != NULL ? why : "it is no module of notifications"));
        return false;
    }
    sender->handle = driver->abi == NOTIFY_DRIVER_ABI ? driver->open() : NULL;
    sender->driver = driver;
    if (sender->handle == NULL)
        snprintf(problem, problem_bytes, "%s %s", PRINTABLE(path),
                 driver->abi == NOTIFY_DRIVER_ABI ? "does not begin: no memory"
                                                  : "is of another volley: build both together");
    return sender->handle != NULL;
}

static bool open_outlets(struct sender *sender)
{
    const struct notify_file *file = sender->setup->file;
    for (size_t i = 0; i < file->channel_count; i++) {
        if (file->channels[i].missing[0] != '\0')
            continue;
        struct outlet *outlet = &sender->outlets[sender->outlet_count++];
        *outlet = (struct outlet){.sender = sender,
                                  .channel = &file->channels[i],
                                  .index = (uint32_t)i,
                                  .group.timing = file->timing,
                                  .told = calloc(TOLD_MAX, sizeof *outlet->told)};
        if (outlet->told == NULL)
            return false;
    }
    return true;
}

/* Transfers under way end with the process. */
static void end_sender(struct sender *sender)
{
    for (size_t i = 0; i < sender->outlet_count; i++) {
        notify_group_free(&sender->outlets[i].group);
        free(sender->outlets[i].told);
    }
    free(sender);
}

int notify_sender_run(void *state, int telling_fd)
{
    struct sender *sender = calloc(1, sizeof *sender);
    char problem[600] = "no memory for channels";
    secret_forbid_dumps(); /* libcurl copies what it is given */
    if (sender == NULL)
        return 1;
    sender->setup = state;
    sender->fd = telling_fd;
    const bool ready = open_outlets(sender) && load(sender, problem, sizeof problem);
    report_text(sender, NOTIFY_READY, 0, ready ? "" : problem);
    while (ready && goes_on(sender)) {
        step(sender);
        hear(sender);
    }
    for (size_t i = 0; ready && i < sender->outlet_count; i++)
        sum(&sender->outlets[i]);
    end_sender(sender);
    return 0;
}
