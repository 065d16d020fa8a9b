#include "orchestrator/report/anonymise.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/report/json_value.h"

#define NAMES_MAX 512u
#define NAME_BYTES 1024u
#define CUT_BYTES_MIN                                                                              \
    4u /* of a name that a text has no room for: so many are told from other words */

struct name {
    char from[NAME_BYTES];
    char to[24];
};

struct anonymiser {
    struct timeline *to;
    struct name names[NAMES_MAX]; /* the longest first */
    uint32_t count;
    bool full; /* a name found no room: nothing is shown */
    struct session_facts session;
    struct objective_list checks; /* of the session */
    char label[NAME_BYTES];
    struct run_facts run;
    struct run_result result;
};

/* Names -------------------------------------------------------------------------------------------- */

static uint32_t count_of(const struct anonymiser *anonymiser, const char *kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < anonymiser->count; i++)
        count += strncmp(anonymiser->names[i].to, kind, strlen(kind)) == 0;
    return count;
}

/* What is no name is left: nothing, a number, a word for loopback. */
static void add(struct anonymiser *anonymiser, const char *kind, const char *from, size_t bytes)
{
    struct name name = {.from = ""};
    if (bytes == 0 || strspn(from, "0123456789") >= bytes)
        return;
    snprintf(name.from, sizeof name.from, "%.*s", (int)bytes, from);
    uint32_t at = 0;
    for (uint32_t i = 0; i < anonymiser->count; i++)
        if (strcmp(anonymiser->names[i].from, name.from) == 0)
            return;
    if (anonymiser->count == NAMES_MAX) {
        anonymiser->full = true;
        return;
    }
    snprintf(name.to, sizeof name.to, "%.10s%u", kind, count_of(anonymiser, kind) + 1);
    while (at < anonymiser->count && strlen(anonymiser->names[at].from) >= strlen(name.from))
        at++;
    memmove(&anonymiser->names[at + 1], &anonymiser->names[at],
            (anonymiser->count++ - at) * sizeof anonymiser->names[0]);
    anonymiser->names[at] = name;
}

/* "a:1,b,[::1]:2": without the ports. */
static void add_hosts(struct anonymiser *anonymiser, const char *list)
{
    struct list_word word;
    while (list_next(&word, &list, ',')) {
        const char *end = word.text + word.byte_count;
        const char *colon = memchr(word.text, ':', word.byte_count);
        size_t host_bytes = word.byte_count;
        if (*word.text == '[')
            host_bytes = strcspn(word.text, "],") + 1;
        else if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) == NULL)
            host_bytes = (size_t)(colon - word.text);
        add(anonymiser, "host", word.text,
            host_bytes < word.byte_count ? host_bytes : word.byte_count);
    }
}

/* Addresses of four numbers, which nobody has named: servers say them in their errors. */
static void add_addresses(struct anonymiser *anonymiser, const char *text)
{
    for (const char *at = text; *at != '\0';) {
        unsigned parts = 0;
        const char *end = at;
        while (isdigit((unsigned char)*end)) {
            parts++;
            end += strspn(end, "0123456789");
            if (parts == 4 || *end != '.' || !isdigit((unsigned char)end[1]))
                break;
            end++;
        }
        if (parts == 4)
            add(anonymiser, "host", at, (size_t)(end - at));
        at = end > at ? end : at + 1;
    }
}

/* Of a command's words all but its name, numbers, the placeholders, and what stands between commands. */
static void add_words(struct anonymiser *anonymiser, const json_t *words)
{
    bool name = true; /* of a command comes next */
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *word = json_string_value(json_array_get(words, i));
        if (word == NULL || strcmp(word, ";") == 0) {
            name = true;
            continue;
        }
        for (const char *at = word; !name && *at != '\0';) {
            const char *placeholder = strstr(at, "__");
            const size_t bytes = placeholder != NULL ? (size_t)(placeholder - at) : strlen(at);
            const char *end = placeholder != NULL ? strstr(placeholder + 2, "__") : NULL;
            add(anonymiser, "word", at, bytes);
            at = end != NULL ? end + 2 : at + strlen(at);
        }
        name = false;
    }
}

static bool is_in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether a name stands at `at` by itself: 10.0.0.1 is not in 10.0.0.12. */
static bool stands_at(const struct name *name, const char *text, const char *at)
{
    const size_t bytes = strlen(name->from);
    if (strncmp(at, name->from, bytes) != 0)
        return false;
    const bool begins = at == text || !is_in_name(name->from[0]) || !is_in_name(at[-1]);
    const bool ends = !is_in_name(name->from[bytes - 1]) || !is_in_name(at[bytes]) ||
                      strncmp(at + bytes, "__", 2) == 0;
    return begins && ends;
}

/* Bytes of the text at `at` that are this name: all of it, or its beginning up to the end of a text that was cut. 0: none. */
static size_t length_at(const struct name *name, const char *text, const char *at)
{
    const size_t left = strlen(at);
    if (stands_at(name, text, at))
        return strlen(name->from);
    return left >= CUT_BYTES_MIN && left < strlen(name->from) &&
                   strncmp(name->from, at, left) == 0 &&
                   (at == text || !is_in_name(at[0]) || !is_in_name(at[-1]))
               ? left
               : 0;
}

/* In place, cut where the room ends. */
static void rename_in(struct anonymiser *anonymiser, char *text, size_t text_bytes)
{
    char *before = strdup(text);
    size_t used = 0;
    add_addresses(anonymiser, text);
    for (const char *at = before; before != NULL && *at != '\0' && used + 1 < text_bytes;) {
        uint32_t i = 0;
        size_t bytes = 0;
        while (i < anonymiser->count && (bytes = length_at(&anonymiser->names[i], before, at)) == 0)
            i++;
        if (i == anonymiser->count) {
            text[used++] = *at++;
            continue;
        }
        const int put = snprintf(text + used, text_bytes - used, "%s", anonymiser->names[i].to);
        used += (size_t)put < text_bytes - used ? (size_t)put : text_bytes - used - 1;
        at += bytes;
    }
    text[used] = '\0';
    free(before);
}

#define RENAME(anonymiser, text) rename_in(anonymiser, text, sizeof(text))

/* Facts -------------------------------------------------------------------------------------------- */

/* A copy of a value with the names replaced in all of its texts. */
static json_t *rename_json(struct anonymiser *anonymiser, const json_t *value)
{
    const char *key;
    json_t *member;
    if (json_is_string(value)) {
        char text[4096];
        snprintf(text, sizeof text, "%s", json_string_value(value));
        rename_in(anonymiser, text, sizeof text);
        return json_value_text(text);
    }
    if (json_is_array(value)) {
        json_t *list = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            json_array_append_new(list, rename_json(anonymiser, json_array_get(value, i)));
        return list;
    }
    if (!json_is_object(value))
        return json_deep_copy(value);
    json_t *object = json_object();
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
        json_object_set_new(object, key, rename_json(anonymiser, member));
    return object;
}

/* Values of a command line that say nothing of anybody: numbers with their units, and words that options have. */
static bool is_harmless(const json_t *spec, const char *value, size_t value_bytes)
{
    static const char *const options[] = {"type",      "arrival",     "pacing", "qps-ramp-mode",
                                          "managed",   "processes",   "cpus",   "client-ramp-mode",
                                          "log-level", "percentiles", "steady", "read-from-replica",
                                          "check",     "abort-on",    "slo"};
    if (value_bytes > 0 && strspn(value, "0123456789.,:%-+kmgbshun") >= value_bytes)
        return true;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        const char *known = json_string_value(json_object_get(spec, options[i]));
        if (known != NULL && strlen(known) == value_bytes &&
            strncmp(known, value, value_bytes) == 0)
            return true;
    }
    return false;
}

/* Of the command line everything up to the command but the options themselves; the program and its command stand first. */
static void add_arguments(struct anonymiser *anonymiser, const json_t *spec, const json_t *line)
{
    for (size_t i = 2; i < json_array_size(line); i++) {
        const char *word = json_string_value(json_array_get(line, i));
        if (word == NULL || strcmp(word, "--") == 0)
            return;
        const char *value = word[0] == '-' ? strchr(word, '=') : word - 1;
        if (value != NULL && !is_harmless(spec, value + 1, strlen(value + 1)))
            add(anonymiser, "argument", value + 1, strlen(value + 1));
    }
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* A name that was not taken would be shown. */
static enum err_code refuse_full(const struct anonymiser *anonymiser, struct err *err)
{
    return anonymiser->full ? err_set(err, E_DATA,
                                      "this run has more than %u names, or one of more than %u "
                                      "bytes: it is not shown without them",
                                      NAMES_MAX, NAME_BYTES - 1)
                            : OK;
}

/* A word of the command that no name has room for. */
static bool has_long_word(const json_t *spec)
{
    const json_t *words = json_object_get(spec, "command");
    for (size_t i = 0; i < json_array_size(words); i++)
        if (json_string_length(json_array_get(words, i)) >= NAME_BYTES)
            return true;
    return false;
}

/* Classes of requests that objectives name. */
static void add_classes(struct anonymiser *anonymiser, const json_t *spec)
{
    static const struct objective_grammar any = {.option = "", .both = true, .lasting = true};
    static const char *const options[] = {"check", "abort-on", "slo"};
    struct objective_list list;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        const char *text = text_of(spec, options[i]);
        struct err reason = {.code = OK};
        if (text == NULL || objective_parse_list(&list, text, &any, &reason) != OK)
            continue;
        for (uint32_t k = 0; k < list.count; k++)
            add(anonymiser, "class", list.items[k].class, strlen(list.items[k].class));
    }
}

/* Files of --workload, and what stands behind them: their names, users and variables. */
static void add_workloads(struct anonymiser *anonymiser, const char *text)
{
    struct list_word word;
    for (const char *at = text; at != NULL && list_next(&word, &at, ',');) {
        const char *equals = memchr(word.text, '=', word.byte_count);
        if (equals == NULL)
            add(anonymiser, "path", word.text, word.byte_count);
        else if (strncmp(word.text, "user", 4) == 0 || strncmp(word.text, "name", 4) == 0 ||
                 strncmp(word.text, "password-env", 12) == 0)
            add(anonymiser, "name", equals + 1, word.byte_count - (size_t)(equals + 1 - word.text));
    }
}

static enum err_code session_begin(void *state, const struct session_facts *session,
                                   struct err *err)
{
    static const struct {
        const char *option, *kind;
    } options[] = {
        {"user", "user"},     {"client-name", "client"},
        {"master", "master"}, {"label", "label"},
        {"socket", "path"},   {"out", "path"},
        {"json", "path"},     {"hdr", "path"},
        {"cacert", "path"},   {"cacertdir", "path"},
        {"cert", "path"},     {"key", "path"},
        {"chaos", "path"},    {"rate-plan", "path"},
        {"control", "path"},  {"managed-program", "path"},
        {"csv", "path"},      {"managed-args", "arguments"},
        {"sni", "host"},
    };
    static const char *const hosts[] = {"host", "sentinel", "redirect-hosts", "source-address"};
    struct anonymiser *anonymiser = state;
    const json_t *environment = session->environment;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        add_hosts(anonymiser, text_of(session->spec, hosts[i]));
    add_hosts(anonymiser, text_of(json_object_get(environment, "host"), "name"));
    add_hosts(anonymiser, text_of(json_object_get(environment, "server"), "address"));
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        const char *text = text_of(session->spec, options[i].option);
        if (text != NULL)
            add(anonymiser, options[i].kind, text, strlen(text));
    }
    const char *run_id = text_of(json_object_get(environment, "server"), "run_id");
    if (run_id != NULL)
        add(anonymiser, "run", run_id, strlen(run_id));
    add_words(anonymiser, json_object_get(session->spec, "command"));
    add_classes(anonymiser, session->spec);
    add_workloads(anonymiser, text_of(session->spec, "workload"));
    add_arguments(anonymiser, session->spec,
                  json_object_get(json_object_get(environment, "invocation"), "command_line"));
    anonymiser->session = *session;
    anonymiser->session.spec = rename_json(anonymiser, session->spec);
    anonymiser->session.environment = rename_json(anonymiser, session->environment);
    anonymiser->session.tests =
        session->tests != NULL ? rename_json(anonymiser, session->tests) : NULL;
    if (session->checks != NULL)
        anonymiser->checks = *session->checks;
    for (uint32_t i = 0; i < anonymiser->checks.count; i++) {
        RENAME(anonymiser, anonymiser->checks.items[i].class);
        RENAME(anonymiser, anonymiser->checks.items[i].text);
    }
    anonymiser->session.checks = session->checks != NULL ? &anonymiser->checks : NULL;
    snprintf(anonymiser->label, sizeof anonymiser->label, "%s",
             session->label != NULL ? session->label : "");
    rename_in(anonymiser, anonymiser->label, sizeof anonymiser->label);
    anonymiser->session.label = session->label != NULL ? anonymiser->label : NULL;
    if (anonymiser->session.spec == NULL || anonymiser->session.environment == NULL)
        return err_set(err, E_SYSTEM, "no memory to replace names");
    anonymiser->full |= has_long_word(session->spec);
    if (refuse_full(anonymiser, err) != OK)
        return err->code;
    timeline_session_begin(anonymiser->to, &anonymiser->session);
    return OK;
}

static void rename_facts(struct anonymiser *anonymiser, struct run_facts *facts,
                         const struct run_facts *from)
{
    static const char filling[] = "prefill of ";
    *facts = *from;
    /* What a file names; of tests and commands everybody knows the name. */
    if (text_of(anonymiser->session.spec, "workload") != NULL && from->prefill)
        add(anonymiser, "workload", from->prefill_for, strlen(from->prefill_for));
    if (text_of(anonymiser->session.spec, "workload") != NULL && from->prefill &&
        strncmp(from->name, filling, strlen(filling)) == 0)
        add(anonymiser, "keys", from->name + strlen(filling), strlen(from->name) - strlen(filling));
    else if (text_of(anonymiser->session.spec, "workload") != NULL && from->stream_count == 0)
        add(anonymiser, "workload", from->name, strlen(from->name));
    for (uint32_t i = 0; i < facts->node_count; i++)
        add_hosts(anonymiser, facts->nodes[i].text);
    for (uint32_t i = 0; i < facts->class_count; i++)
        add(anonymiser, "class", from->class_names[i], strlen(from->class_names[i]));
    for (uint32_t i = 0; i < facts->part_count; i++) {
        const char *colon = strrchr(from->parts[i].name, ':');
        add(anonymiser, "class", from->parts[i].name,
            colon != NULL ? (size_t)(colon - from->parts[i].name) : strlen(from->parts[i].name));
    }
    for (uint32_t i = 0; i < facts->stream_count; i++) {
        add(anonymiser, "workload", from->streams[i].name, strlen(from->streams[i].name));
        add(anonymiser, "user", from->streams[i].user, strlen(from->streams[i].user));
    }
    for (uint32_t i = 0; i < facts->stream_count; i++) {
        RENAME(anonymiser, facts->streams[i].name);
        RENAME(anonymiser, facts->streams[i].user);
    }
    for (uint32_t i = 0; i < facts->node_count; i++)
        RENAME(anonymiser, facts->nodes[i].text);
    for (uint32_t i = 0; i < facts->class_count; i++)
        RENAME(anonymiser, facts->class_names[i]);
    for (uint32_t i = 0; i < facts->part_count; i++)
        RENAME(anonymiser, facts->parts[i].name);
    RENAME(anonymiser, facts->name);
    RENAME(anonymiser, facts->prefill_for);
    RENAME(anonymiser, facts->target);
    RENAME(anonymiser, facts->rate_text);
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct anonymiser *anonymiser = state;
    rename_facts(anonymiser, &anonymiser->run, run);
    if (refuse_full(anonymiser, err) != OK)
        return err->code;
    timeline_run_begin(anonymiser->to, &anonymiser->run);
    return OK;
}

/* What stands behind the first word of an error may be anybody's, and a first word that servers do not have, too. */
static void rename_error(struct anonymiser *anonymiser, char *text, size_t text_bytes)
{
    static const char *const kinds[] = {
        "ERR",       "WRONGTYPE", "NOAUTH",    "WRONGPASS", "NOPERM",     "OOM",
        "BUSY",      "LOADING",   "MOVED",     "ASK",       "TRYAGAIN",   "CLUSTERDOWN",
        "READONLY",  "MISCONF",   "NOSCRIPT",  "EXECABORT", "MASTERDOWN", "NOREPLICAS",
        "CROSSSLOT", "NOGROUP",   "BUSYGROUP", "BUSYKEY",   "NOPROTO",    "UNKILLABLE"};
    const size_t bytes = strcspn(text, " ");
    const char *const rest = text + bytes + strspn(text + bytes, " ");
    bool known = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        known |= strlen(kinds[i]) == bytes && strncmp(text, kinds[i], bytes) == 0;
    add(anonymiser, "text", rest, strlen(rest));
    if (!known)
        add(anonymiser, "kind", text, bytes);
    rename_in(anonymiser, text, text_bytes);
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct anonymiser *anonymiser = state;
    struct error_kinds *known = &anonymiser->to->error_kinds;
    for (; known->count < error_kinds->count; known->count++) {
        known->kinds[known->count] = error_kinds->kinds[known->count];
        rename_error(anonymiser, known->kinds[known->count].text,
                     sizeof known->kinds[known->count].text);
        RENAME(anonymiser, known->kinds[known->count].word);
    }
    if (refuse_full(anonymiser, err) != OK)
        return err->code;
    struct err said = {.code = OK}; /* by whoever reads the journal */
    const enum err_code code = timeline_interval(anonymiser->to, row, &said);
    (void)code;
    return OK;
}

/* Marked, so that an alert that is called as a command, or as a figure, takes no name from that. */
#define ALERT_MARK "\x01"

/* "Late (critical) firing: 5 ms, limit 2": the name of its rule, and the words that its author has for it. */
static void add_alert(struct anonymiser *anonymiser, struct note *alert)
{
    struct note named = *alert;
    snprintf(named.text, sizeof named.text, ALERT_MARK "%.118s", alert->text);
    add(anonymiser, "alert", named.text, strcspn(named.text, " "));
    if (alert->cause[0] != '\0') {
        snprintf(named.cause, sizeof named.cause, ALERT_MARK "%.158s", alert->cause);
        add(anonymiser, "reason", named.cause, strlen(named.cause));
    }
    *alert = named;
}

static enum err_code note(void *state, const struct note *from, struct err *err)
{
    struct anonymiser *anonymiser = state;
    struct note renamed = *from;
    if (renamed.source == NOTE_HAND)
        add(anonymiser, "note", renamed.text, strlen(renamed.text));
    if (renamed.source == NOTE_ALERT)
        add_alert(anonymiser, &renamed);
    RENAME(anonymiser, renamed.text);
    RENAME(anonymiser, renamed.cause);
    if (refuse_full(anonymiser, err) != OK)
        return err->code;
    timeline_note(anonymiser->to, &renamed);
    return OK;
}

/* Classes are known by now. */
static void rename_drawn(struct anonymiser *anonymiser, struct drawn *drawn)
{
    for (uint32_t i = 0; i < drawn->key_count; i++)
        add(anonymiser, "keys", drawn->keys[i].name, strlen(drawn->keys[i].name));
    for (uint32_t i = 0; i < drawn->value_count; i++)
        add(anonymiser, "value", drawn->values[i].name, strlen(drawn->values[i].name));
    for (uint32_t i = 0; i < drawn->class_count; i++)
        add(anonymiser, "class", drawn->classes[i].name, strlen(drawn->classes[i].name));
    for (uint32_t i = 0; i < drawn->key_count; i++)
        RENAME(anonymiser, drawn->keys[i].name);
    for (uint32_t i = 0; i < drawn->value_count; i++)
        RENAME(anonymiser, drawn->values[i].name);
    for (uint32_t i = 0; i < drawn->class_count; i++)
        RENAME(anonymiser, drawn->classes[i].name);
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct anonymiser *anonymiser = state;
    struct run_facts *facts = &anonymiser->to->run;
    rename_facts(anonymiser, facts, result->facts);
    facts->session = &anonymiser->session;
    anonymiser->result = *result;
    rename_error(anonymiser, anonymiser->result.said_last, sizeof anonymiser->result.said_last);
    RENAME(anonymiser, anonymiser->result.status_text);
    struct checked_report *checked = &anonymiser->result.checked;
    for (uint32_t i = 0; i < checked->finding_count; i++) {
        add(anonymiser, "key", checked->findings[i].key, strlen(checked->findings[i].key));
        RENAME(anonymiser, checked->findings[i].key);
    }
    rename_drawn(anonymiser, &anonymiser->result.drawn);
    if (refuse_full(anonymiser, err) != OK)
        return err->code;
    timeline_run_end(anonymiser->to, &anonymiser->result);
    return OK;
}

static enum err_code session_end(void *state, struct err *err)
{
    (void)err;
    timeline_session_end(((struct anonymiser *)state)->to);
    return OK;
}

static void destroy(void *state)
{
    struct anonymiser *anonymiser = state;
    json_decref(anonymiser->session.spec);
    json_decref(anonymiser->session.environment);
    json_decref(anonymiser->session.tests);
    free(anonymiser);
}

enum err_code sink_anonymised(struct sink *sink, struct timeline *to, struct err *err)
{
    struct anonymiser *anonymiser = calloc(1, sizeof *anonymiser);
    if (anonymiser == NULL)
        return err_set(err, E_SYSTEM, "no memory to replace names");
    anonymiser->to = to;
    *sink = (struct sink){.name = "report without names",
                          .state = anonymiser,
                          .session_begin = session_begin,
                          .run_begin = run_begin,
                          .interval = interval,
                          .note = note,
                          .run_end = run_end,
                          .session_end = session_end,
                          .destroy = destroy};
    return OK;
}
