#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/shell_word.h"
#include "orchestrator/report/text.h"

#define LINE_BYTES 2048u /* what is longer is cut; JSON has all of it */

struct line {
    char text[LINE_BYTES];
    size_t used;
    bool cut;
};

static void PRINTF_LIKE(2, 3) append(struct line *line, const char *format, ...)
{
    size_t room = sizeof line->text - line->used;
    va_list args;
    va_start(args, format);
    int needed = line->cut ? 0 : vsnprintf(line->text + line->used, room, format, args);
    va_end(args);
    line->cut |= needed < 0 || (size_t)needed >= room;
    line->used = line->cut ? sizeof line->text - 1 : line->used + (size_t)needed;
}

static void print_line(struct output *out, const char *caption, struct line *line)
{
    output_printf(out, "%s: %s%s\n", caption, printable_line(line->text), line->cut ? "..." : "");
}

static const json_t *member(const struct session_facts *session, const char *room)
{
    return session != NULL ? json_object_get(session->environment, room) : NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_int_t count_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void append_word(struct line *line, const char *word)
{
    if (line->cut)
        return;
    const size_t room = sizeof line->text - line->used;
    const size_t needed = shell_word(line->text + line->used, room, word);
    line->cut = needed >= room;
    line->used = line->cut ? sizeof line->text - 1 : line->used + needed;
}

static void print_command_line(struct output *out, const json_t *invocation)
{
    const json_t *words = json_object_get(invocation, "command_line");
    struct line line = {.used = 0};
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *word = json_string_value(json_array_get(words, i));
        append(&line, "%s", i > 0 ? " " : "");
        append_word(&line, word != NULL ? word : "");
    }
    if (line.used > 0)
        print_line(out, "Command line", &line);
}

static void print_date(struct output *out, const json_t *host, const struct run_facts *run)
{
    const json_t *known = json_object_get(host, "utc_offset_seconds");
    int64_t offset = json_integer_value(known), minutes = (offset < 0 ? -offset : offset) / 60;
    time_t shown = (time_t)((int64_t)(run->started_wall_ns / NS_PER_SECOND) + offset);
    struct tm tm;
    char date[40];
    if (run->started_wall_ns == 0 || gmtime_r(&shown, &tm) == NULL)
        return;
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
    if (json_is_integer(known))
        output_printf(out, "Date: %s %c%02" PRId64 "%02" PRId64 "\n", date, offset < 0 ? '-' : '+',
                      minutes / 60, minutes % 60);
    else
        output_printf(out, "Date: %s UTC\n", date);
}

void text_session(struct output *out, const struct session_facts *session,
                  const struct run_facts *run)
{
    const json_t *volley = member(session, "volley"), *host = member(session, "host");
    const json_t *cpus = json_object_get(host, "cpu_count");
    const char *version = text_of(volley, "version"), *commit = text_of(volley, "commit");
    const char *name = text_of(host, "name"), *kernel = text_of(host, "kernel");
    struct line line = {.used = 0};
    if (version != NULL)
        output_printf(out, "Version: volley %s (%s)\n", version,
                      commit != NULL ? commit : "unknown");
    print_date(out, host, run);
    if (name != NULL) {
        append(&line, "%s", name);
        if (kernel != NULL)
            append(&line, ", %s", kernel);
        if (json_is_integer(cpus))
            append(&line, ", %" JSON_INTEGER_FORMAT " CPUs", json_integer_value(cpus));
        print_line(out, "Host", &line);
    }
    print_command_line(out, member(session, "invocation"));
}

static void print_tls(struct output *out, const json_t *tls)
{
    const char *version = text_of(tls, "version"), *cipher = text_of(tls, "cipher");
    const char *kernel = text_of(tls, "kernel");
    if (version == NULL || cipher == NULL)
        return;
    output_printf(out, "TLS: %s, %s, certificate %s\n", version, cipher,
                  json_is_true(json_object_get(tls, "certificate_checked")) ? "checked"
                                                                            : "not checked");
    if (kernel != NULL)
        output_printf(out, "Kernel TLS: %s%s\n",
                      strncmp(kernel, "in use", 6) == 0 ? "" : "not in use: ", kernel);
}

void text_run_name(struct output *out, const struct session_facts *session,
                   const struct run_facts *run)
{
    const bool phase = session->command != NULL && strcmp(session->command, "run") == 0;
    output_printf(out, "%s: %s\n", phase ? "Phase" : "Command", PRINTABLE(run->name));
}

void text_server(struct output *out, const struct session_facts *session)
{
    const json_t *server = member(session, "server");
    const char *product = text_of(server, "product"), *version = text_of(server, "version");
    const char *address = text_of(server, "address"), *mode = text_of(server, "mode");
    const char *os = text_of(server, "os");
    struct line line = {.used = 0};
    if (json_is_object(server)) {
        append(&line, "%s %s", product != NULL ? product : "unknown",
               version != NULL ? version : "of unknown version");
        if (address != NULL)
            append(&line, " at %s", address);
        if (mode != NULL)
            append(&line, ", %s", mode);
        if (os != NULL)
            append(&line, ", %s", os);
        print_line(out, "Server", &line);
    }
    print_tls(out, member(session, "tls"));
}

/* What is sent again, and what of it is not. */
static void print_replay(struct output *out, const struct session_facts *session)
{
    static const char *const forms[][2] = {{"monitor", ", text of MONITOR"},
                                           {"aof", ", an append-only file"}};
    const json_t *replay = member(session, "replay"), *list = json_object_get(replay, "left_out");
    const char *file = text_of(replay, "file"), *form = text_of(replay, "form");
    struct line line = {.used = 0};
    if (file == NULL)
        return;
    append(&line, "%s", file);
    for (size_t i = 0; form != NULL && i < sizeof forms / sizeof forms[0]; i++)
        append(&line, "%s", strcmp(form, forms[i][0]) == 0 ? forms[i][1] : "");
    append(&line, ", %s requests", UNITS_GROUPED((uint64_t)count_of(replay, "requests")));
    append(&line, " of %s clients", UNITS_GROUPED((uint64_t)count_of(replay, "clients")));
    if (json_is_true(json_object_get(replay, "cut")))
        append(&line, "; it ends in the middle of a request");
    print_line(out, "Replay", &line);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *text = text_of(item, "text");
        line = (struct line){.used = 0};
        append(&line, "%s: %s", UNITS_GROUPED((uint64_t)count_of(item, "count")),
               text != NULL ? text : "?");
        print_line(out, "  left out", &line);
    }
}

void text_options(struct output *out, const struct session_facts *session)
{
    json_t *options = json_object_get(member(session, "invocation"), "options_in_force");
    const char *key;
    json_t *value;
    struct line line = {.used = 0};
    print_replay(out, session);
    if (session != NULL && session->label != NULL) {
        append(&line, "%s", session->label);
        print_line(out, "Label", &line);
        line = (struct line){.used = 0};
    }
    json_object_foreach(options, key, value)
    {
        append(&line, "%s--%s", line.used > 0 ? ", " : "", key);
        if (json_is_integer(value))
            append(&line, " %" JSON_INTEGER_FORMAT, json_integer_value(value));
        else if (json_is_string(value) && strcmp(json_string_value(value), "true") != 0) {
            append(&line, " ");
            append_word(&line, json_string_value(value));
        }
    }
    if (line.used > 0)
        print_line(out, "Options", &line);
}
