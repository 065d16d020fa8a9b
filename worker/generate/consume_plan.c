#include "worker/generate/consume_plan.h"

#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/generate/brace.h"
#include "worker/generate/command_rules.h"
#include "worker/generate/mix_number.h"

#define TARGET_BYTES_MAX 1024u
#define POP_WAIT_SECONDS_MAX 60.0
#define NO_SPACE UINT32_MAX

static const struct kind {
    const char *command; /* for reports; NULL: the lane's own */
    const char *feeding; /* commands that feed it, with blanks around */
    const char *named;   /* in errors */
} kinds[] = {
    [CONSUME_CHANNEL] = {"SUBSCRIBE", " PUBLISH ", "channel"},
    [CONSUME_PATTERN] = {"PSUBSCRIBE", " PUBLISH ", "pattern"},
    [CONSUME_SHARD_CHANNEL] = {"SSUBSCRIBE", " SPUBLISH ", "shard_channel"},
    [CONSUME_POP] = {NULL, " LPUSH RPUSH ZADD ", "pop"},
    [CONSUME_GROUP] = {"XREADGROUP", " XADD ", "stream"},
    [CONSUME_TRACKING] = {"CLIENT TRACKING", NULL, "tracking"},
};

/* ---- targets ---- */

/* Of the word: the key space that it names, or NO_SPACE, and then the text that it is. */
static enum err_code read_target(uint32_t *space, char text[TARGET_BYTES_MAX + 1],
                                 const struct workload_plan *workload, const char *word,
                                 struct err *err)
{
    struct brace_piece piece;
    size_t used = 0;
    *space = NO_SPACE;
    for (size_t i = 0, bytes = strlen(word); i < bytes; i += piece.used_bytes) {
        if (brace_next(&piece, word + i, bytes - i, err) != OK)
            return err->code;
        if (piece.kind == BRACE_KEY && piece.label == 0 && piece.used_bytes == bytes) {
            for (uint32_t k = 0; k < workload->key_space_count; k++)
                if (strcmp(workload->key_spaces[k].name, piece.name) == 0 ||
                    (piece.name[0] == '\0' && workload->key_space_count == 1))
                    *space = k;
            return *space != NO_SPACE
                       ? OK
                       : err_set(err, E_CONFIG, "there is no key space %.40s",
                                 piece.name[0] != '\0' ? piece.name : "of that name");
        }
        if (piece.kind != BRACE_TEXT)
            return err_set(err, E_CONFIG,
                           "%.60s: what is listened to is a text, or one {key:NAME} and nothing "
                           "beside it",
                           word);
        if (used + piece.text_bytes > TARGET_BYTES_MAX)
            return err_set(err, E_CONFIG, "more than %u bytes", TARGET_BYTES_MAX);
        memcpy(text + used, piece.text, piece.text_bytes);
        used += piece.text_bytes;
    }
    text[used] = '\0';
    return used > 0 ? OK : err_set(err, E_CONFIG, "what is listened to is empty");
}

static enum err_code allocate(struct consume_lane *lane, uint64_t count, size_t most_bytes,
                              struct err *err)
{
    lane->targets = calloc(count, sizeof lane->targets[0]);
    char *bytes = calloc(count, most_bytes); /* so each is terminated */
    if (lane->targets == NULL || bytes == NULL) {
        free(bytes);
        return err_set(err, E_SYSTEM, "no memory for %" PRIu64 " names", count);
    }
    lane->target_count = (uint32_t)count;
    for (uint32_t i = 0; i < count; i++)
        lane->targets[i].bytes = bytes + i * most_bytes;
    return OK;
}

static enum err_code take_keys(struct consume_lane *lane, const struct mix_keys *keys,
                               struct err *err)
{
    const struct plan_key_space *space = keys->plan;
    const struct plan_consumer *plan = lane->plan;
    if (space->count == 0 || space->count > CONSUME_TARGETS_MAX)
        return err_set(err, E_CONFIG, "%s has %" PRIu64 " keys; at most %u can be listened to",
                       space->name, space->count, CONSUME_TARGETS_MAX);
    if (plan->connections % space->count != 0)
        return err_set(err, E_CONFIG,
                       "connections: %" PRIu64 " do not divide among the %" PRIu64
                       " keys of %s; give a multiple, so that each has as many",
                       plan->connections, space->count, space->name);
    if (allocate(lane, space->count, mix_key_most_bytes(keys) + 1, err) != OK)
        return err->code;
    for (uint32_t i = 0; i < lane->target_count; i++) {
        struct consume_target *target = &lane->targets[i];
        target->byte_count = mix_key_text(target->bytes, keys, space->first + i);
    }
    return OK;
}

static enum err_code take_target(struct consume_lane *lane, uint32_t *space,
                                 const struct workload_plan *workload,
                                 const struct mix_material *material, struct err *err)
{
    char text[TARGET_BYTES_MAX + 1];
    const struct plan_consumer *plan = lane->plan;
    if (read_target(space, text, workload, plan->target, err) != OK)
        return err->code;
    const bool literal = plan->kind == CONSUME_PATTERN || plan->kind == CONSUME_TRACKING;
    if (*space != NO_SPACE && literal)
        return err_set(err, E_CONFIG, "%s is a text, without placeholders",
                       kinds[plan->kind].named);
    if (*space != NO_SPACE)
        return take_keys(lane, &material->keys[*space], err);
    enum err_code code = allocate(lane, 1, strlen(text) + 1, err);
    if (code != OK)
        return code;
    memcpy(lane->targets[0].bytes, text, strlen(text) + 1);
    lane->targets[0].byte_count = strlen(text);
    return OK;
}

/* Its command is one that waits for an element of one key. */
static enum err_code check_pop(const struct plan_consumer *plan, struct err *err)
{
    static const char *const known[] = {"BLPOP", "BRPOP", "BZPOPMIN", "BZPOPMAX"};
    const struct plan_command *command = &plan->command;
    bool fits = command->word_count == 3, is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof known[0] && fits; i++)
        is_known |= strcasecmp(command->words[0], known[i]) == 0;
    if (!fits || !is_known)
        return err_set(err, E_CONFIG,
                       "pop is one of BLPOP, BRPOP, BZPOPMIN and BZPOPMAX, with one key and a "
                       "timeout, as in \"BRPOP jobs 1\"");
    if (command_refuse_unsuitable(command->words, command->word_count, err) != OK)
        return err_set(err, E_CONFIG, "%s with timeout 0 waits for ever; give it a timeout above 0",
                       command->words[0]);
    char *end;
    const double seconds = strtod(command->words[2], &end);
    if (*end != '\0' || !(seconds > 0 && seconds <= POP_WAIT_SECONDS_MAX))
        return err_set(err, E_CONFIG, "%s: its timeout is in seconds, above 0 and at most %.0f",
                       command->words[0], POP_WAIT_SECONDS_MAX);
    return OK;
}

/* ---- who feeds whom ---- */

static uint32_t stamps_in(const struct plan_command *command, size_t from)
{
    uint32_t count = 0;
    for (size_t i = from; i < command->word_count; i++)
        for (const char *at = command->words[i]; (at = strstr(at, "{stamp")) != NULL; at++)
            count++;
    return count;
}

static bool is_among(const char *all, const char *name)
{
    char wanted[24];
    if (all == NULL || strlen(name) + 3 > sizeof wanted)
        return false;
    snprintf(wanted, sizeof wanted, " %s ", name);
    for (char *c = wanted; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return strstr(all, wanted) != NULL;
}

/* Some of them do nothing under a condition, and the server's reply is no error. */
static bool is_unconditional(const struct plan_command *command)
{
    static const char conditions[] = " NX XX GT LT INCR NOMKSTREAM ";
    for (size_t i = 2; i < command->word_count && i < 4; i++)
        if (is_among(conditions, command->words[i]))
            return false;
    return true;
}

#define TRIED_KEYS 65536u

/* How many of the channels that a word stands for match the lane's pattern, of those that are looked at: all of a
 * key space, or that many of a larger one. */
static uint64_t count_matches(uint64_t *tried, const struct consume_lane *lane, const char *word,
                              const struct workload_plan *workload,
                              const struct mix_material *material)
{
    char text[TARGET_BYTES_MAX + 1];
    uint32_t space;
    struct err ignored = {.code = OK};
    uint64_t matches = 0;
    *tried = 0;
    if (read_target(&space, text, workload, word, &ignored) != OK)
        return 0;
    const struct plan_key_space *keys = space != NO_SPACE ? &workload->key_spaces[space] : NULL;
    if (keys != NULL && mix_key_most_bytes(&material->keys[space]) > TARGET_BYTES_MAX)
        return 0;
    *tried = keys == NULL ? 1 : keys->count < TRIED_KEYS ? keys->count : TRIED_KEYS;
    for (uint64_t i = 0; i < *tried; i++) {
        if (keys != NULL)
            text[mix_key_text(text, &material->keys[space],
                              keys->first + i * (keys->count / *tried))] = '\0';
        matches += fnmatch(lane->targets[0].bytes, text, 0) == 0;
    }
    return matches;
}

static enum err_code feeds_pattern(bool *feeds, const struct consume_lane *lane,
                                   const struct plan_command *command,
                                   const struct workload_plan *workload,
                                   const struct mix_material *material, struct err *err)
{
    uint64_t tried;
    const uint64_t matches = count_matches(&tried, lane, command->words[1], workload, material);
    *feeds = matches > 0;
    if (matches == 0 || matches == tried)
        return OK;
    return err_set(
        err, E_CONFIG,
        "the pattern %s matches some of the channels %s and not others, so that nobody can "
        "say how many messages are to come; give these a key space of their own",
        lane->targets[0].bytes, command->words[1]);
}

/* {key} is {key:NAME} where there is one key space. */
static bool is_same_target(const char *one, const char *other, const struct workload_plan *workload)
{
    char texts[2][TARGET_BYTES_MAX + 1];
    uint32_t spaces[2];
    struct err ignored = {.code = OK};
    return strcmp(one, other) == 0 ||
           (read_target(&spaces[0], texts[0], workload, one, &ignored) == OK &&
            read_target(&spaces[1], texts[1], workload, other, &ignored) == OK &&
            spaces[0] == spaces[1] && (spaces[0] != NO_SPACE || strcmp(texts[0], texts[1]) == 0));
}

static enum err_code feeds(bool *found, const struct consume_lane *lane,
                           const struct plan_command *command, const struct workload_plan *workload,
                           const struct mix_material *material, struct err *err)
{
    const struct plan_consumer *plan = lane->plan;
    *found = false;
    if (command->word_count < 2)
        return OK;
    if (plan->kind == CONSUME_TRACKING) {
        *found = strncmp(command->words[1], plan->target, strlen(plan->target)) == 0 &&
                 strstr(command->words[1], "{stamp") != NULL;
        return OK;
    }
    const uint32_t stamps = stamps_in(command, 2);
    if (!is_among(kinds[plan->kind].feeding, command->words[0]) || stamps == 0 ||
        !is_unconditional(command))
        return OK;
    if (plan->kind == CONSUME_PATTERN) {
        if (feeds_pattern(found, lane, command, workload, material, err) != OK)
            return err->code;
    } else {
        *found = is_same_target(command->words[1], plan->target, workload);
    }
    return *found && stamps > 1
               ? err_set(err, E_CONFIG,
                         "%s has %" PRIu32 " stamps for it in one request, and all are the same",
                         command->words[0], stamps)
               : OK;
}

static enum err_code find_feeding(struct consume_plan *plan, uint32_t number,
                                  const struct workload_plan *workload,
                                  const struct mix_material *material, struct err *err)
{
    const struct consume_lane *lane = &plan->lanes[number];
    for (size_t class = 0; class < workload->class_count; class ++) {
        const struct plan_class *from = &workload->classes[class];
        uint32_t found = 0;
        for (size_t i = 0; i < from->command_count; i++) {
            bool feeding;
            if (feeds(&feeding, lane, &from->commands[i], workload, material, err) != OK)
                return err->code;
            found += feeding;
        }
        if (found > 1 && lane->plan->kind != CONSUME_TRACKING)
            return err_set(err, E_CONFIG,
                           "class %s sends it %" PRIu32
                           " messages in one request, and all have the same stamp; give each a "
                           "class of its own",
                           from->name, found);
        if (found > 0)
            plan->feeds[class] |= 1u << number;
    }
    return OK;
}

/* ---- the whole ---- */

static enum err_code create_lane(struct consume_plan *plan, const struct workload_plan *workload,
                                 const struct mix_material *material, struct err *err)
{
    struct consume_lane *lane = &plan->lanes[plan->count];
    const struct plan_consumer *consumer = &workload->consumers[plan->count];
    uint32_t space = NO_SPACE;
    plan->count++;
    *lane = (struct consume_lane){.plan = consumer};
    enum err_code code = consumer->kind == CONSUME_POP ? check_pop(consumer, err) : OK;
    if (code == OK)
        code = take_target(lane, &space, workload, material, err);
    if (code != OK)
        return code;
    const bool one = consumer->kind == CONSUME_POP || consumer->kind == CONSUME_GROUP;
    lane->receivers =
        one || lane->target_count == 0 ? 1 : consumer->connections / lane->target_count;
    const char *name = kinds[consumer->kind].command;
    snprintf(lane->command, sizeof lane->command, "%s",
             name != NULL ? name : consumer->command.words[0]);
    return find_feeding(plan, plan->count - 1, workload, material, err);
}

enum err_code consume_plan_create(struct consume_plan *plan, const struct workload_plan *workload,
                                  const struct mix_material *material, size_t *at, struct err *err)
{
    enum err_code code = OK;
    *plan = (struct consume_plan){.count = 0};
    for (*at = 0; *at < workload->consumer_count && code == OK; ++*at) {
        code = create_lane(plan, workload, material, err);
        if (code != OK)
            break;
    }
    return code;
}

enum err_code consume_plan_check_cluster(const struct consume_plan *plan, struct err *err)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct consume_lane *lane = &plan->lanes[i];
        const char *open = strchr(lane->targets[0].bytes, '{');
        if (lane->plan->kind == CONSUME_TRACKING &&
            (open == NULL || open[1] == '}' || strchr(open, '}') == NULL))
            return err_set(
                err, E_USAGE,
                "consumers %s: in a cluster each node tells of its own keys only: give the "
                "beginning of the keys a hash tag, as in tracking: 'cached:\\{tag}:'",
                lane->plan->name);
    }
    return OK;
}

void consume_plan_free(struct consume_plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->lanes[i].targets != NULL)
            free(plan->lanes[i].targets[0].bytes);
        free(plan->lanes[i].targets);
    }
    plan->count = 0;
}
