#include "orchestrator/commands/sampling.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/server/command_stats.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/discover.h"
#include "orchestrator/server/reply_value.h"

#define SCAN_COUNT "100"
#define BATCH_KEYS 128u
#define PAUSE_TIMES 4u /* of what was asked */
#define PAUSE_MAX_NS NS_PER_SECOND
#define WAIT_NS (100 * NS_PER_MS)
#define COUNTER_MAX 255
/* An element that is larger in the mean is not fetched to be measured. */
#define ELEMENT_FETCHED_MAX_BYTES 65536u
#define KEY_OVERHEAD_BYTES 100u /* of MEMORY USAGE, about */
#define BYTES_MAX (INT64_C(1) << 50)

struct asker {
    struct sampling *sampling;
    struct control *control;
    const char *address;
    uint64_t quota; /* keys that are still wanted of it */
    uint64_t until_ns;
};

/* A key of the batch under way. */
struct asked_key {
    const redisReply *name;
    struct sample_key key;
    bool gone;
    uint64_t memory_bytes;
};

/* ---- asking ---- */

static enum err_code refused(const struct asker *asker, const char *command, const char *grant,
                             const redisReply *reply, struct err *err)
{
    const bool error = reply->type == REDIS_REPLY_ERROR;
    const bool forbidden = error && strncmp(reply->str, "NOPERM", 6) == 0;
    return err_set(err, E_CONNECT, "%s does not answer %s, which a sample needs: %.160s%s%s",
                   asker->address, command, error ? PRINTABLE(reply->str) : "another kind of reply",
                   forbidden ? "; grant it with " : "", forbidden ? grant : "");
}

static enum err_code send_command(struct asker *asker, int argc, const char *const *argv,
                                  const size_t *lengths, struct err *err)
{
    asker->sampling->requests++;
    return control_send(asker->control, argc, argv, lengths, err);
}

#define WORDS_BEHIND_MAX 4

/* A command, perhaps of two words, a key, and what stands behind it; behind may be NULL. */
static enum err_code send_key(struct asker *asker, const char *command, const char *word,
                              const struct asked_key *asked,
                              const char *const behind[WORDS_BEHIND_MAX], struct err *err)
{
    const char *argv[3 + WORDS_BEHIND_MAX] = {command};
    size_t lengths[3 + WORDS_BEHIND_MAX] = {strlen(command)};
    int argc = 1;
    if (word != NULL) {
        argv[argc] = word;
        lengths[argc++] = strlen(word);
    }
    argv[argc] = asked->name->str;
    lengths[argc++] = (size_t)asked->name->len;
    for (int i = 0; behind != NULL && i < WORDS_BEHIND_MAX && behind[i] != NULL; i++) {
        argv[argc] = behind[i];
        lengths[argc++] = strlen(behind[i]);
    }
    return send_command(asker, argc, argv, lengths, err);
}

/* grant: what a user needs for it, so that an error is refused; NULL: an error is an answer. */
static enum err_code ask(struct asker *asker, redisReply **reply, int argc, const char *const *argv,
                         const char *grant, struct err *err)
{
    asker->sampling->requests++;
    enum err_code code = control_command(asker->control, reply, argc, argv, err);
    if (code == OK && grant != NULL && (*reply)->type == REDIS_REPLY_ERROR)
        code = refused(asker, argv[0], grant, *reply, err);
    return code;
}

/* ---- the server ---- */

static enum err_code ask_config(struct asker *asker, const char *parameter, double usual,
                                double *value)
{
    char text[32];
    struct err unknown = {.code = OK};
    asker->sampling->requests++;
    if (control_config_get(asker->control, parameter, text, sizeof text, &unknown) != OK ||
        !units_parse_real(value, text)) {
        *value = usual;
        log_line(LOG_WARNING, "%s does not tell %s: %.0f is taken, as it usually is",
                 asker->address, parameter, usual);
    }
    return OK;
}

static void read_server(struct asker *asker, const char *info, bool first)
{
    struct sample *sample = asker->sampling->sample;
    char policy[sizeof sample->policy] = "";
    uint64_t up_seconds = 0;
    if (!info_field(info, "maxmemory_policy", policy, sizeof policy))
        snprintf(policy, sizeof policy, "not told");
    printable_line(policy);
    if (info_number(&up_seconds, info, "uptime_in_seconds", INT64_MAX) &&
        (first || (double)up_seconds / 60 < sample->up_minutes))
        sample->up_minutes = (double)up_seconds / 60;
    const bool counts = strstr(policy, "lfu") != NULL;
    if (first || (sample->counters_known && !counts))
        memcpy(sample->policy, policy, sizeof policy);
    sample->counters_known = counts && (first || sample->counters_known);
}

/* INFO of one primary, into the sum. */
static enum err_code ask_stats(struct asker *asker, struct command_stats *stats, bool read,
                               bool first, struct err *err)
{
    static const char *const argv[] = {"INFO", "all"};
    redisReply *reply = NULL;
    enum err_code code = ask(asker, &reply, 2, argv, "+info", err);
    if (code == OK && reply_info(reply)[0] == '\0')
        code = refused(asker, "INFO", "+info", reply, err);
    if (code == OK) {
        command_stats_read_info(stats, reply_info(reply));
        if (read)
            read_server(asker, reply_info(reply), first);
    }
    freeReplyObject(reply);
    return code;
}

static enum err_code ask_all_stats(struct asker *askers, uint32_t count,
                                   struct command_stats **stats, bool read, struct err *err)
{
    enum err_code code = OK;
    *stats = command_stats_new();
    if (*stats == NULL)
        return err_set(err, E_SYSTEM, "no memory for the counters of commands");
    for (uint32_t i = 0; i < count && code == OK; i++)
        code = ask_stats(&askers[i], *stats, read, i == 0, err);
    return code;
}

static enum err_code ask_sizes(struct asker *askers, uint32_t count, uint64_t *sizes,
                               struct err *err)
{
    static const char *const argv[] = {"DBSIZE"};
    struct sampling *sampling = askers[0].sampling;
    enum err_code code = OK;
    for (uint32_t i = 0; i < count && code == OK; i++) {
        redisReply *reply = NULL;
        int64_t keys = 0;
        code = ask(&askers[i], &reply, 1, argv, "+dbsize", err);
        if (code == OK && !reply_integer(&keys, reply, 0, INT64_MAX))
            code = refused(&askers[i], argv[0], "+dbsize", reply, err);
        sizes[i] = (uint64_t)keys;
        sampling->sample->keys_there += sizes[i];
        freeReplyObject(reply);
    }
    if (code == OK && sampling->sample->keys_there == 0)
        code = err_set(err, E_DATA,
                       "%s has no keys in database %u, so there is nothing to be sampled; nothing "
                       "is written",
                       sampling->target_text, (unsigned)sampling->endpoint->database);
    return code;
}

/* What is asked from here on is no access of the keys. */
static enum err_code ask_not_to_touch(struct asker *asker, struct err *err)
{
    static const char *const argv[] = {"CLIENT", "NO-TOUCH", "ON"};
    redisReply *reply = NULL;
    enum err_code code = ask(asker, &reply, 3, argv, NULL, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        asker->sampling->touches = true;
    freeReplyObject(reply);
    return code;
}

/* ---- keys ---- */

/* OK and *gone: an error that is about the key alone, because it has become another one. */
static enum err_code take(struct asker *asker, redisReply **reply, const char *command,
                          const char *grant, bool *gone, struct err *err)
{
    enum err_code code = control_take(asker->control, reply, err);
    if (code != OK || (*reply)->type != REDIS_REPLY_ERROR)
        return code;
    if (strncmp((*reply)->str, "WRONGTYPE", 9) == 0 ||
        strstr((*reply)->str, "no such key") != NULL) {
        *gone = true;
        return OK;
    }
    return refused(asker, command, grant, *reply, err);
}

static enum err_code take_number(struct asker *asker, int64_t *number, const char *command,
                                 const char *grant, bool *gone, struct err *err)
{
    redisReply *reply = NULL;
    *number = -1;
    enum err_code code = take(asker, &reply, command, grant, gone, err);
    if (code == OK && !reply_integer(number, reply, -2, BYTES_MAX))
        *gone = true;
    freeReplyObject(reply);
    return code;
}

static uint8_t type_named(const char *name)
{
    for (unsigned type = 0; type < SAMPLE_OTHER; type++) {
        if (strcmp(name, sample_type_name((enum sample_type)type)) == 0)
            return (uint8_t)type;
    }
    return SAMPLE_OTHER;
}

static enum err_code send_first(struct asker *asker, const struct asked_key *asked, struct err *err)
{
    enum err_code code = send_key(asker, "TYPE", NULL, asked, NULL, err);
    if (code == OK)
        code = send_key(asker, "PTTL", NULL, asked, NULL, err);
    if (code == OK && asker->sampling->sample->counters_known)
        code = send_key(asker, "OBJECT", "FREQ", asked, NULL, err);
    return code;
}

static enum err_code take_first(struct asker *asker, struct asked_key *asked, struct err *err)
{
    redisReply *reply = NULL;
    int64_t counter = 0;
    enum err_code code = take(asker, &reply, "TYPE", "+type", &asked->gone, err);
    if (code == OK) {
        const char *type = reply_text(reply);
        asked->gone |= type == NULL || strcmp(type, "none") == 0;
        asked->key.type = type_named(type != NULL ? type : "");
    }
    freeReplyObject(reply);
    if (code == OK)
        code = take_number(asker, &asked->key.time_left_ms, "PTTL", "+pttl", &asked->gone, err);
    asked->gone |= asked->key.time_left_ms == -2;
    if (code == OK && asker->sampling->sample->counters_known) {
        code = take_number(asker, &counter, "OBJECT FREQ", "+object|freq", &asked->gone, err);
        asked->key.counter = (uint8_t)(counter < 0             ? 0
                                       : counter > COUNTER_MAX ? COUNTER_MAX
                                                               : counter);
    }
    return code;
}

/* How each type tells its length, and one element. */
static const struct type_words {
    const char *length, *length_grant, *element, *element_grant;
    const char *behind[WORDS_BEHIND_MAX];
} type_words[SAMPLE_TYPES] = {
    [SAMPLE_STRING] = {"STRLEN", "+strlen", NULL, NULL, {NULL}},
    [SAMPLE_HASH] = {"HLEN", "+hlen", "HRANDFIELD", "+hrandfield", {"1", "WITHVALUES"}},
    [SAMPLE_LIST] = {"LLEN", "+llen", "LINDEX", "+lindex", {"0"}},
    [SAMPLE_SET] = {"SCARD", "+scard", "SRANDMEMBER", "+srandmember", {NULL}},
    [SAMPLE_ZSET] = {"ZCARD", "+zcard", "ZRANGE", "+zrange", {"0", "0"}},
    [SAMPLE_STREAM] = {"XLEN", "+xlen", "XREVRANGE", "+xrevrange", {"+", "-", "COUNT", "1"}},
};

static enum err_code send_size(struct asker *asker, const struct asked_key *asked, struct err *err)
{
    const struct type_words *words = &type_words[asked->key.type];
    if (asked->gone || words->length == NULL)
        return OK;
    enum err_code code = send_key(asker, words->length, NULL, asked, NULL, err);
    if (code == OK && asked->key.type != SAMPLE_STRING)
        code = send_key(asker, "MEMORY", "USAGE", asked, NULL, err);
    return code;
}

static enum err_code take_size(struct asker *asker, struct asked_key *asked, struct err *err)
{
    const struct type_words *words = &type_words[asked->key.type];
    int64_t length, memory = 0;
    if (asked->gone || words->length == NULL)
        return OK;
    enum err_code code =
        take_number(asker, &length, words->length, words->length_grant, &asked->gone, err);
    asked->key.elements = 1;
    if (asked->key.type == SAMPLE_STRING) {
        asked->key.value_bytes = length > 0 ? (uint64_t)length : 0;
        return code;
    }
    if (code == OK)
        code = take_number(asker, &memory, "MEMORY USAGE", "+memory|usage", &asked->gone, err);
    if (asked->gone || length <= 0) {
        asked->gone = true;
        return code;
    }
    asked->key.elements = (uint64_t)length;
    const uint64_t overhead = KEY_OVERHEAD_BYTES + (uint64_t)asked->name->len;
    const uint64_t inside = (uint64_t)memory > overhead ? (uint64_t)memory - overhead : 0;
    asked->key.value_bytes = inside / (uint64_t)length > 0 ? inside / (uint64_t)length : 1;
    return code;
}

static bool element_is_asked(const struct asked_key *asked)
{
    return !asked->gone && type_words[asked->key.type].element != NULL &&
           asked->key.value_bytes <= ELEMENT_FETCHED_MAX_BYTES;
}

static enum err_code send_element(struct asker *asker, const struct asked_key *asked,
                                  struct err *err)
{
    const struct type_words *words = &type_words[asked->key.type];
    return element_is_asked(asked)
               ? send_key(asker, words->element, NULL, asked, words->behind, err)
               : OK;
}

/* A server that does not know the command leaves what MEMORY USAGE says. */
static enum err_code take_element(struct asker *asker, struct asked_key *asked, struct err *err)
{
    redisReply *reply = NULL;
    const struct type_words *words = &type_words[asked->key.type];
    if (!element_is_asked(asked))
        return OK;
    enum err_code code = control_take(asker->control, &reply, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOPERM", 6) == 0)
        code = refused(asker, words->element, words->element_grant, reply, err);
    if (code == OK) {
        const redisReply *element = reply;
        /* The last string of the lists: of a field and its value, of an entry's fields and values. */
        while (element->type == REDIS_REPLY_ARRAY && element->elements > 0)
            element = element->element[element->elements - 1];
        if (element->type == REDIS_REPLY_STRING)
            asked->key.value_bytes = (uint64_t)element->len;
    }
    freeReplyObject(reply);
    return code;
}

typedef enum err_code step_send(struct asker *asker, const struct asked_key *asked,
                                struct err *err);
typedef enum err_code step_take(struct asker *asker, struct asked_key *asked, struct err *err);

static enum err_code ask_keys(struct asker *asker, struct asked_key *keys, uint32_t count,
                              struct err *err)
{
    static const struct {
        step_send *send;
        step_take *take;
    } steps[] = {{send_first, take_first}, {send_size, take_size}, {send_element, take_element}};
    struct sampling *sampling = asker->sampling;
    enum err_code code = OK;
    for (size_t step = 0; step < sizeof steps / sizeof steps[0]; step++) {
        for (uint32_t i = 0; i < count && code == OK; i++)
            code = steps[step].send(asker, &keys[i], err);
        for (uint32_t i = 0; i < count && code == OK; i++)
            code = steps[step].take(asker, &keys[i], err);
    }
    for (uint32_t i = 0; i < count && code == OK; i++) {
        const struct recording_argument name = {keys[i].name->str, (size_t)keys[i].name->len};
        sampling->sample->vanished += keys[i].gone;
        if (!keys[i].gone && !sample_add_key(sampling->sample, &name, &keys[i].key))
            code = err_set(err, E_SYSTEM, "no memory for the sample");
    }
    return code;
}

/* The keys of one answer of SCAN. */
static enum err_code ask_batch(struct asker *asker, const redisReply *names, struct err *err)
{
    struct asked_key keys[BATCH_KEYS];
    enum err_code code = OK;
    for (size_t at = 0; at < names->elements && asker->quota > 0 && code == OK;) {
        uint32_t count = 0;
        for (; at < names->elements && count < BATCH_KEYS && asker->quota > 0; at++) {
            if (names->element[at]->type != REDIS_REPLY_STRING)
                continue;
            keys[count++] = (struct asked_key){.name = names->element[at]};
            asker->quota--;
        }
        code = ask_keys(asker, keys, count, err);
    }
    return code;
}

static enum err_code scan_once(struct asker *asker, char cursor[24], struct err *err)
{
    const char *const argv[] = {"SCAN", cursor, "COUNT", SCAN_COUNT};
    redisReply *reply = NULL;
    enum err_code code = ask(asker, &reply, 4, argv, "+scan", err);
    const redisReply *next = code == OK ? reply_item(reply, 0) : NULL;
    const redisReply *names = code == OK ? reply_item(reply, 1) : NULL;
    const bool whole = next != NULL && reply_text(next) != NULL && strlen(reply_text(next)) <= 20 &&
                       names != NULL && names->type == REDIS_REPLY_ARRAY;
    if (code == OK && !whole)
        code = refused(asker, "SCAN", "+scan", reply, err);
    if (whole) {
        snprintf(cursor, 24, "%s", reply_text(next));
        code = ask_batch(asker, names, err);
    }
    freeReplyObject(reply);
    return code;
}

/* False: interrupted. */
static bool wait_for(const struct sampling *sampling, uint64_t time_ns)
{
    const uint64_t until_ns = clock_now_ns() + time_ns;
    for (uint64_t now_ns; (now_ns = clock_now_ns()) < until_ns && *sampling->interrupted == 0;)
        clock_sleep_until(until_ns - now_ns < WAIT_NS ? until_ns : now_ns + WAIT_NS);
    return *sampling->interrupted == 0;
}

static enum err_code interrupted(struct err *err)
{
    return err_set(err, E_INTERRUPTED, "interrupted: nothing is written");
}

static enum err_code scan(struct asker *asker, struct err *err)
{
    struct sampling *sampling = asker->sampling;
    char cursor[24] = "0";
    enum err_code code = OK;
    do {
        const uint64_t began_ns = clock_now_ns();
        code = scan_once(asker, cursor, err);
        const uint64_t took_ns = clock_now_ns() - began_ns;
        sampling->asked_seconds += (double)took_ns / NS_PER_SECOND;
        if (code != OK || asker->quota == 0 || strcmp(cursor, "0") == 0)
            return code;
        if (clock_now_ns() >= asker->until_ns) {
            sampling->ended_by_time = true;
            return OK;
        }
        if (!wait_for(sampling,
                      took_ns * PAUSE_TIMES < PAUSE_MAX_NS ? took_ns * PAUSE_TIMES : PAUSE_MAX_NS))
            return interrupted(err);
    } while (true);
}

/* ---- all of it ---- */

/* Each primary gives as many as it has of all, and one at least; and has as much of the time. */
static enum err_code scan_all(struct asker *askers, uint32_t count, const uint64_t *sizes,
                              struct err *err)
{
    struct sampling *sampling = askers[0].sampling;
    const uint64_t began_ns = clock_now_ns();
    enum err_code code = OK;
    for (uint32_t i = 0; i < count && code == OK; i++) {
        const double part = (double)sizes[i] / (double)sampling->sample->keys_there;
        if (sizes[i] == 0)
            continue;
        askers[i].quota = (uint64_t)(part * (double)sampling->keys_max + 0.5);
        askers[i].quota += askers[i].quota == 0;
        askers[i].until_ns = clock_now_ns() + (uint64_t)(part * (double)sampling->limit_ns);
        code = ask_not_to_touch(&askers[i], err);
        if (code == OK)
            code = scan(&askers[i], err);
    }
    sampling->seconds = (double)(clock_now_ns() - began_ns) / NS_PER_SECOND;
    if (code == OK && sampling->sample->sampled == 0)
        code = err_set(err, E_DATA,
                       "%s: of its keys none could be sampled: all were gone, or have names that "
                       "no workload file takes",
                       sampling->target_text);
    return code;
}

static void add_calls(void *context, const char *name, uint64_t calls)
{
    sample_add_calls(context, name, calls);
}

static enum err_code fit(struct sampling *sampling, const struct command_stats *before,
                         const struct command_stats *after, struct err *err)
{
    if (!command_stats_between(before, after, add_calls, sampling->sample))
        return err_set(err, E_DATA,
                       "%s: its counters of commands have gone back; they were reset, or a server "
                       "was started anew meanwhile; try again",
                       sampling->target_text);
    if (!sample_fit(sampling->sample))
        return err_set(err, E_SYSTEM, "no memory for the sample");
    if (sampling->sample->model->shape_count > 0)
        return OK;
    return err_set(err, E_DATA,
                   "%s: no client sent anything in %.1f s that can be modelled, so the mix is not "
                   "known; take a longer --window, or --window 0 for the counters since its start",
                   sampling->target_text, sampling->sample->seconds);
}

static enum err_code ask_servers(struct asker *askers, uint32_t count, uint64_t *sizes,
                                 struct err *err)
{
    struct sampling *sampling = askers[0].sampling;
    struct sample *sample = sampling->sample;
    struct command_stats *before = NULL, *after = NULL;
    enum err_code code = ask_sizes(askers, count, sizes, err);
    const uint64_t began_ns = clock_now_ns();
    if (code == OK)
        code = ask_all_stats(askers, count, &before, true, err);
    if (code == OK && sampling->window_ns > 0) {
        code = wait_for(sampling, sampling->window_ns) ? OK : interrupted(err);
        if (code == OK)
            code = ask_all_stats(askers, count, &after, false, err);
    }
    sample->seconds = (double)(clock_now_ns() - began_ns) / NS_PER_SECOND;
    sample->since_start = sampling->window_ns == 0;
    if (code == OK && sample->counters_known) {
        control_aside_begin();
        code = ask_config(&askers[0], "lfu-log-factor", 10, &sample->log_factor);
        if (code == OK)
            code = ask_config(&askers[0], "lfu-decay-time", 1, &sample->decay_minutes);
    }
    if (code == OK)
        code = scan_all(askers, count, sizes, err);
    if (code == OK)
        code = after != NULL ? fit(sampling, before, after, err) : fit(sampling, NULL, before, err);
    free(before);
    free(after);
    return code;
}

static enum err_code connect_all(struct asker *askers, const struct topology *topology,
                                 struct sampling *sampling, struct err *err)
{
    enum err_code code = OK;
    uint32_t count = 0;
    for (uint32_t i = 0; i < topology->node_count && code == OK; i++) {
        const struct topology_node *node = &topology->nodes[i];
        if (node->role != TOPOLOGY_PRIMARY)
            continue;
        askers[count].address = node->address.text;
        code = control_connect_to(&askers[count++].control, &node->address, sampling->endpoint,
                                  sampling->interrupted, err);
    }
    return code;
}

static enum err_code sample_topology(struct sampling *sampling, const struct topology *topology,
                                     struct err *err)
{
    const uint32_t primaries = topology_primaries(topology);
    sampling->primaries = primaries;
    if (topology->kind == TOPOLOGY_ALIKE && primaries > 1)
        return err_set(err, E_USAGE, "--host: --sample takes one server, or one cluster");
    if (primaries == 0 || primaries > SAMPLING_NODES_MAX)
        return err_set(err, E_CONNECT, "%s has %u primaries: from 1 to %u can be sampled",
                       sampling->target_text, primaries, SAMPLING_NODES_MAX);
    struct asker *askers = calloc(primaries, sizeof *askers);
    uint64_t *sizes = calloc(primaries, sizeof *sizes);
    sampling->sample = sample_create((uint32_t)sampling->keys_max + primaries);
    for (uint32_t i = 0; askers != NULL && i < primaries; i++)
        askers[i].sampling = sampling;
    enum err_code code = askers != NULL && sizes != NULL && sampling->sample != NULL
                             ? connect_all(askers, topology, sampling, err)
                             : err_set(err, E_SYSTEM, "no memory for the sample");
    if (code == OK)
        code = ask_servers(askers, primaries, sizes, err);
    for (uint32_t i = 0; askers != NULL && i < primaries; i++)
        control_close(askers[i].control);
    free(askers);
    free(sizes);
    return code;
}

enum err_code sampling_run(struct sampling *sampling, struct err *err)
{
    struct topology *topology = calloc(1, sizeof *topology);
    struct endpoint endpoint = *sampling->endpoint;
    struct control *control = NULL;
    struct target_address first;
    if (topology == NULL)
        return err_set(err, E_SYSTEM, "no memory for who serves what");
    enum err_code code = topology_discover(topology, &control, &endpoint.probe, &first, &endpoint,
                                           sampling->interrupted, err);
    control_close(control);
    sampling->endpoint = &endpoint;
    if (code == OK) {
        topology_describe(sampling->target_text, sizeof sampling->target_text, topology, &first,
                          &endpoint);
        code = sample_topology(sampling, topology, err);
    }
    sampling->endpoint = NULL;
    free(topology);
    return code;
}

void sampling_write_cost(const struct sampling *sampling, FILE *out, const char *line_begin)
{
    fprintf(
        out,
        "%sasked: %s requests over %u connection%s; keys in %.1f s, of which %.1f s were "
        "spent asking and the rest on pauses%s%s\n",
        line_begin, UNITS_GROUPED(sampling->requests), sampling->primaries,
        sampling->primaries == 1 ? "" : "s", sampling->seconds, sampling->asked_seconds,
        sampling->ended_by_time ? "; ended by --sample-limit" : "",
        sampling->touches
            ? "; the server does not know CLIENT NO-TOUCH, so each key was accessed once or twice"
            : "");
}

void sampling_free(struct sampling *sampling)
{
    sample_free(sampling->sample);
    sampling->sample = NULL;
}
