/* `volley ctl PATH COMMAND`: says one command to a run's control socket and prints its answer. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ipc.h"
#include "common/printable.h"
#include "common/schedule.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/fleet/control_line.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/options/rate_text.h"
#include "orchestrator/report/json_value.h"

#define ANSWER_SECONDS 5
#define ANSWER_MAX_BYTES 65536u
#define RATE_MAX ((double)SCHEDULE_RATE_MAX_MICRO / (double)SCHEDULE_MICRO)
#define ACHIEVED_MAX 1e12 /* what print_rate can hold */
#define COUNT_MAX ((double)IPC_REQUESTS_MAX)

struct ctl_request {
    struct option_values values;
    struct command_words words;
    bool json, help;
};

#define AT(member) offsetof(struct ctl_request, member)

/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("json", NULL, OPTION_FLAG, NULL, AT(json)), .section = "Output",
     .help = "Print the answer as it came, one line of JSON."},
    HELP_ROW(AT(help)),
};
/* clang-format on */

static const char *order_at(size_t index);

const struct option_table ctl_option_table = {
    TABLE_ROWS(rows),
    .command = "ctl",
    .usage = "volley ctl PATH status|rate N|pause|resume|stop|clear-cache|note TEXT [OPTIONS]",
    .synopsis =
        "Steers a run under way over its control socket (bench --control PATH): asks how it "
        "goes, changes its rate (per second; takes k and m, and fractions), pauses and "
        "resumes the load, ends the run with a full report, clears the near caches of --buffer, or "
        "adds a note to it. Exit status 5 "
        "when nobody "
        "listens or answers within 5 s, 1 when the command was refused.",
    .takes_command = true,
    .word_at = order_at,
};

/* The command --------------------------------------------------------------------------------- */

#define COMMANDS "volley ctl PATH status, rate N, pause, resume, stop, clear-cache or note TEXT"

/* A load is stopped by pause: 0, which other places take for no limit, is no rate here. */
static enum err_code make_rate(json_t **command, const char *text, struct err *err)
{
    struct err ignored = {.code = OK};
    uint64_t rate_micro = 0;
    if (rate_parse(&rate_micro, text, &ignored) != OK || rate_micro == 0)
        return err_set(err, E_USAGE,
                       "rate %.80s: a rate is above 0 and at most 100 million requests per second, "
                       "as in 1000, 0.5 or 10k; pause stops the load for a while",
                       text);
    *command = json_pack("{s:o}", "rate", control_rate_to_json(rate_micro));
    return OK;
}

static enum err_code make_note(json_t **command, const char *text, struct err *err)
{
    (void)err;
    *command = json_pack("{s:o}", "note", json_value_text(text));
    return OK;
}

/* What can be said. */
static const struct {
    const char *word;
    const char *key; /* of the command, which is `value`; NULL: it is made of what stands behind */
    bool value;
    enum err_code (*make)(json_t **command, const char *text, struct err *err);
    const char *takes; /* "one number" */
    const char *done;  /* what is told where the answer has nothing to tell; NULL: "done" */
} orders[] = {
    {"status", "status", true, NULL, NULL, NULL},
    {"rate", NULL, false, make_rate, "one number", NULL},
    {"pause", "pause", true, NULL, NULL, NULL},
    {"resume", "pause", false, NULL, NULL, NULL},
    {"stop", "stop", true, NULL, NULL, "the run stops, and waits for the replies in flight"},
    {"clear-cache", "clear_cache", true, NULL, NULL,
     "the near caches are emptied, each within its worker's next tick"},
    {"note", NULL, false, make_note, "one text, in quotes where it has blanks", NULL}};
#define ORDER_COUNT (sizeof orders / sizeof orders[0])

static const char *order_at(size_t index)
{
    return index < ORDER_COUNT ? orders[index].word : NULL;
}

/* Words -> the line to send, which the caller frees, and what is told when it is done. */
static enum err_code make_line(char **line, const char **done, const char *const *words,
                               size_t word_count, struct err *err)
{
    size_t i = 0;
    json_t *command = NULL;
    if (word_count == 0)
        return err_set(err, E_USAGE, "say what to do: " COMMANDS);
    while (i < ORDER_COUNT && strcmp(words[0], orders[i].word) != 0)
        i++;
    if (i == ORDER_COUNT)
        return err_set(err, E_USAGE, "%.40s is not a command of ctl: " COMMANDS, words[0]);
    if (orders[i].make != NULL && word_count != 2)
        return err_set(err, E_USAGE, "%s needs %s: " COMMANDS, words[0], orders[i].takes);
    if (orders[i].make == NULL && word_count > 1)
        return err_set(err, E_USAGE, "%s takes nothing behind it, and %.40s follows: " COMMANDS,
                       words[0], words[1]);
    if (orders[i].make == NULL)
        command = json_pack("{s:b}", orders[i].key, orders[i].value);
    else if (orders[i].make(&command, words[1], err) != OK)
        return err->code;
    *done = orders[i].done != NULL ? orders[i].done : "done";
    *line = control_line_make(command);
    return *line != NULL ? OK : err_set(err, E_SYSTEM, "no memory for a command");
}

/* The exchange --------------------------------------------------------------------------------- */

static enum err_code connect_to(int *fd, const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    size_t bytes = strlen(path);
    if (bytes == 0 || bytes >= sizeof address.sun_path)
        return err_set(err, E_USAGE, "the path of a control socket is 1 to %zu bytes long",
                       sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, bytes + 1);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return err_set_errno(err, E_SYSTEM, errno, "cannot make a socket");
    /* Also the limit of connect, when the queue of the other side is full. */
    if (setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        connect(*fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return err_set_errno(err, E_CONNECT, errno,
                             "nobody listens at %s (does the run have --control %s, and is it "
                             "under way?)",
                             path, path);
    return OK;
}

/* Sends the line and reads one back, without its end, into answer. */
static enum err_code exchange(int fd, const char *path, const char *line, char *answer,
                              size_t answer_bytes, struct err *err)
{
    uint64_t end_ns = clock_now_ns() + ANSWER_SECONDS * NS_PER_SECOND;
    size_t used = 0;
    /* What the other side has to say is read even when it does not listen any more. */
    ssize_t sent = send(fd, line, strlen(line), MSG_NOSIGNAL);
    (void)sent;
    for (;;) {
        uint64_t now_ns = clock_now_ns();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (now_ns >= end_ns || poll(&wait, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1) == 0)
            return err_set(err, E_CONNECT, "%s: no answer within %d s", path, ANSWER_SECONDS);
        ssize_t got = recv(fd, answer + used, answer_bytes - used - 1, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return err_set(err, E_CONNECT, "%s: the run ended before it answered", path);
        used += (size_t)got;
        answer[used] = '\0';
        char *end = strchr(answer, '\n');
        if (end != NULL) {
            *end = '\0';
            return OK;
        }
        if (used + 1 == answer_bytes)
            return err_set(err, E_CONNECT, "%s: the answer has no end", path);
    }
}

/* The answer ----------------------------------------------------------------------------------- */

/* Whether each number is one that a run can have: whoever listens there may be anybody. */
static bool is_sound(const json_t *answer)
{
    static const struct {
        const char *path[3];
        double most;
    } numbers[] = {
        {{"rate"}, RATE_MAX},
        {{"resumes_at"}, RATE_MAX},
        {{"at_seconds"}, COUNT_MAX},
        {{"status", "rate", "target"}, RATE_MAX},
        {{"status", "rate", "achieved"}, ACHIEVED_MAX},
        {{"status", "elapsed_seconds"}, COUNT_MAX},
        {{"status", "requests", "due"}, COUNT_MAX},
        {{"status", "requests", "sent"}, COUNT_MAX},
        {{"status", "requests", "ok"}, COUNT_MAX},
        {{"status", "requests", "errors"}, COUNT_MAX},
        {{"status", "requests", "backlog"}, COUNT_MAX},
        {{"status", "connections", "open"}, COUNT_MAX},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const json_t *at = answer;
        for (size_t k = 0; k < 3 && numbers[i].path[k] != NULL; k++)
            at = json_object_get(at, numbers[i].path[k]);
        double number = json_number_value(at);
        bool none = at == NULL || json_is_null(at);
        if (!none && !(json_is_number(at) && number >= 0 && number <= numbers[i].most))
            return false;
    }
    return true;
}

static void print_count(const char *name, const json_t *counts, const char *key)
{
    const json_t *count = json_object_get(counts, key);
    printf(", %s %s", name, UNITS_GROUPED((uint64_t)json_integer_value(count)));
}

/* "target 20,000/s", "target 0.5/s" */
static void print_rate(const char *name, double rate)
{
    char text[RATE_TEXT_BYTES];
    printf("%s %s/s", name,
           rate_format(text, sizeof text, (uint64_t)(rate * (double)SCHEDULE_MICRO + 0.5)));
}

static void print_status(const json_t *status)
{
    const json_t *requests = json_object_get(status, "requests");
    const json_t *target = json_object_get(json_object_get(status, "rate"), "target");
    const json_t *achieved = json_object_get(json_object_get(status, "rate"), "achieved");
    const char *test = json_string_value(json_object_get(status, "test"));
    const char *state = json_string_value(json_object_get(status, "state"));
    printf("%s: %s%s", PRINTABLE(state != NULL ? state : "?"), PRINTABLE(test != NULL ? test : "?"),
           json_is_true(json_object_get(status, "prefill")) ? " (prefill)" : "");
    if (requests == NULL) { /* between runs */
        printf("\n");
        return;
    }
    printf(", %.1f s, ", json_number_value(json_object_get(status, "elapsed_seconds")));
    if (json_is_number(target))
        print_rate("target", json_number_value(target));
    else
        printf("no target");
    if (json_is_number(achieved)) /* to a tenth: it is a count over a time */
        print_rate(", achieved", round(json_number_value(achieved) * 10) / 10);
    print_count("due", requests, "due");
    print_count("sent", requests, "sent");
    print_count("ok", requests, "ok");
    print_count("errors", requests, "errors");
    print_count("backlog", requests, "backlog");
    print_count("connections", json_object_get(status, "connections"), "open");
    printf("\n");
}

/* One line for a person; E_FAILED when the command was refused. */
static enum err_code print_answer(char *answer, const char *done, bool raw, struct err *err)
{
    json_error_t json_err;
    json_t *json = json_loads(answer, 0, &json_err);
    if (!json_is_object(json) || !is_sound(json)) {
        json_decref(json);
        return err_set(err, E_CONNECT, "the answer is not of a volley: %.80s", answer);
    }
    if (raw)
        printf("%s\n", printable_line(answer));
    enum err_code code = OK;
    const char *error = json_string_value(json_object_get(json, "error"));
    const json_t *status = json_object_get(json, "status");
    if (!json_is_true(json_object_get(json, "ok"))) {
        code = err_set(err, E_FAILED, "%s", error != NULL ? error : "refused");
    } else if (raw) {
        code = OK;
    } else if (status != NULL) {
        print_status(status);
    } else if (json_object_get(json, "rate") != NULL) {
        bool paused = json_is_true(json_object_get(json, "paused"));
        print_rate(paused ? "paused: resume returns to" : "rate",
                   json_number_value(json_object_get(json, paused ? "resumes_at" : "rate")));
        printf("\n");
    } else if (json_object_get(json, "at_seconds") != NULL) {
        printf("noted, %.1f s since the start\n",
               json_number_value(json_object_get(json, "at_seconds")));
    } else {
        printf("%s\n", done);
    }
    json_decref(json);
    return code;
}

static enum err_code say(const char *path, const char *line, const char *done, bool raw,
                         struct err *err)
{
    int fd = -1;
    char *answer = malloc(ANSWER_MAX_BYTES);
    enum err_code code = answer != NULL ? connect_to(&fd, path, err)
                                        : err_set(err, E_SYSTEM, "no memory for an answer");
    if (code == OK)
        code = exchange(fd, path, line, answer, ANSWER_MAX_BYTES, err);
    if (code == OK)
        code = print_answer(answer, done, raw, err);
    if (fd >= 0)
        close(fd);
    free(answer);
    return code;
}

static enum err_code run(void *target, struct err *err)
{
    struct ctl_request *request = target;
    const char *const *words = request->words.items;
    const size_t count = request->words.count;
    const char *done = NULL;
    char *line = NULL;
    for (size_t i = 0; i < count; i++)
        if (strstr(words[i], "://") != NULL && /* not echoed: a URI may hold a password */
            !(i == 2 && strcmp(words[1], "note") == 0))
            return err_set(err, E_USAGE, "ctl takes a control socket, not a server: %s",
                           ctl_option_table.usage);
    if (count == 0)
        return err_set(err, E_USAGE, "name the control socket: %s", ctl_option_table.usage);
    enum err_code code = make_line(&line, &done, words + 1, count - 1, err);
    if (code == OK)
        code = say(words[0], line, done, request->json, err);
    free(line);
    return code;
}

int command_ctl(int argc, const char *const *argv)
{
    struct ctl_request request = {.json = false};
    const struct command_frame frame = {.table = &ctl_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .words = &request.words,
                                        .run = run};
    return command_frame_run(&frame, argc, argv);
}
