#include "worker/generate/check_plan.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/units.h"
#include "worker/generate/mix.h"
#include "worker/generate/workload_state.h"

#define WORD_BYTES 32u

enum rule_kind {
    RULE_HARMLESS, /* changes nothing                             */
    RULE_LETS_GO,  /* keys end, or get a time to live             */
    RULE_READS,    /* each argument is a key                      */
    RULE_READS_ONE,
    RULE_READS_AND_LETS_GO, /* ... one, with options behind it    */
    RULE_SETS,              /* key, value, options                */
    RULE_SETS_IF_NEW,       /* key, value                         */
    RULE_SETS_FOR_A_TIME,   /* key, time, value                   */
    RULE_SETS_PAIRS,        /* key, value, key, value ...         */
    RULE_EMPTIES,           /* more than keys that are named      */
    RULE_OTHER
};

static const struct {
    const char *command;
    enum rule_kind kind;
} rules[] = {
    {"GET", RULE_READS_ONE},
    {"MGET", RULE_READS},
    {"GETDEL", RULE_READS_AND_LETS_GO},
    {"GETEX", RULE_READS_AND_LETS_GO},
    {"SET", RULE_SETS},
    {"SETNX", RULE_SETS_IF_NEW},
    {"SETEX", RULE_SETS_FOR_A_TIME},
    {"PSETEX", RULE_SETS_FOR_A_TIME},
    {"MSET", RULE_SETS_PAIRS},
    {"DEL", RULE_LETS_GO},
    {"UNLINK", RULE_LETS_GO},
    {"EXPIRE", RULE_LETS_GO},
    {"PEXPIRE", RULE_LETS_GO},
    {"EXPIREAT", RULE_LETS_GO},
    {"PEXPIREAT", RULE_LETS_GO},
    {"PERSIST", RULE_HARMLESS},
    {"EXISTS", RULE_HARMLESS},
    {"TOUCH", RULE_HARMLESS},
    {"TYPE", RULE_HARMLESS},
    {"TTL", RULE_HARMLESS},
    {"PTTL", RULE_HARMLESS},
    {"EXPIRETIME", RULE_HARMLESS},
    {"PEXPIRETIME", RULE_HARMLESS},
    {"STRLEN", RULE_HARMLESS},
    {"GETRANGE", RULE_HARMLESS},
    {"SUBSTR", RULE_HARMLESS},
    {"GETBIT", RULE_HARMLESS},
    {"BITCOUNT", RULE_HARMLESS},
    {"BITPOS", RULE_HARMLESS},
    {"DUMP", RULE_HARMLESS},
    {"OBJECT", RULE_HARMLESS},
    {"PING", RULE_HARMLESS},
    {"ECHO", RULE_HARMLESS},
    {"FLUSHALL", RULE_EMPTIES},
    {"FLUSHDB", RULE_EMPTIES},
    {"SWAPDB", RULE_EMPTIES},
    {"SELECT", RULE_EMPTIES},
};

static enum rule_kind rule_of(const char *command)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strcasecmp(rules[i].command, command) == 0)
            return rules[i].kind;
    return RULE_OTHER;
}

/* One command of a class. */
struct command {
    const struct mix *mix;
    const struct mix_program *program;
    uint32_t first, count; /* arguments of the program; the first one is its name */
    uint32_t reply;
    char name[WORD_BYTES];
    enum rule_kind rule;
};

static const struct mix_argument *argument_at(const struct command *command, uint32_t index)
{
    return &command->program->arguments[command->first + index];
}

/* The text of an argument that is nothing else, as far as there is room; "": it is something else. */
static void read_text(char word[WORD_BYTES], const struct command *command, uint32_t index)
{
    const struct mix_argument *argument = argument_at(command, index);
    size_t used = 0;
    for (uint32_t i = 0; i < argument->step_count; i++) {
        const struct mix_step *step = &argument->steps[i];
        const size_t left = WORD_BYTES - 1 - used;
        const size_t bytes = step->fixed_bytes < left ? step->fixed_bytes : left;
        if (step->kind != STEP_TEXT) {
            used = 0;
            break;
        }
        memcpy(word + used, command->program->text + step->offset_bytes, bytes);
        used += bytes;
    }
    word[used] = '\0';
}

static void read_command(struct command *command, const struct mix *mix,
                         const struct mix_program *program, uint32_t index)
{
    *command = (struct command){.mix = mix,
                                .program = program,
                                .first = program->commands[index].argument,
                                .count = program->commands[index].argument_count,
                                .reply = index};
    read_text(command->name, command, 0);
    command->rule = rule_of(command->name);
}

static bool is_transaction(const struct mix *mix, const struct mix_program *program)
{
    struct command first;
    read_command(&first, mix, program, 0);
    return strcmp(first.name, "MULTI") == 0;
}

/* The argument's only step where it is of this kind; NULL. */
static const struct mix_step *only_key(const struct command *command, uint32_t index)
{
    const struct mix_argument *argument = argument_at(command, index);
    const struct mix_step *step = argument->steps;
    return argument->step_count == 1 && (step->kind == STEP_KEY || step->kind == STEP_NEW_KEY)
               ? step
               : NULL;
}

static const struct mix_step *only_value(const struct command *command, uint32_t index)
{
    const struct mix_argument *argument = argument_at(command, index);
    return argument->step_count == 1 && argument->steps[0].kind == STEP_VALUE ? argument->steps
                                                                              : NULL;
}

/* ---- key spaces ---- */

static struct version_space describe(const struct mix *mix, uint32_t index)
{
    const struct mix_keys *keys = &mix->material.keys[index];
    const struct plan_key_space *plan = keys->plan;
    struct version_space space = {
        .first = plan->first,
        .count = plan->count + (keys->grown_per_block > 0 ? CHECK_GROWTH_KEYS : 0),
        .digits = plan->binary ? 0 : plan->digits,
        .key_bytes = plan->key_bytes,
        .flags = (plan->binary ? VERSION_BINARY : 0) | (plan->tagged ? VERSION_TAGGED : 0),
        .prefix_bytes = (uint32_t)keys->prefix_bytes,
    };
    memcpy(space.prefix, plan->prefix, keys->prefix_bytes);
    return space;
}

static bool is_alike(const struct version_space *one, const struct version_space *other)
{
    return one->digits == other->digits && one->key_bytes == other->key_bytes &&
           (one->flags | VERSION_MAY_GO) == (other->flags | VERSION_MAY_GO) &&
           one->prefix_bytes == other->prefix_bytes &&
           memcmp(one->prefix, other->prefix, one->prefix_bytes) == 0;
}

/* Whether a key of one may be a key of the other, though they are made in different ways. */
static bool may_share_keys(const struct version_space *one, const struct version_space *other)
{
    if (one->prefix_bytes > other->prefix_bytes)
        return may_share_keys(other, one);
    if (memcmp(one->prefix, other->prefix, one->prefix_bytes) != 0)
        return false;
    bool numbers = true;
    for (uint32_t i = one->prefix_bytes; i < other->prefix_bytes; i++)
        numbers &= isdigit((unsigned char)other->prefix[i]) || strchr("{}x", other->prefix[i]);
    return numbers || ((one->flags | other->flags) & VERSION_BINARY) != 0;
}

static uint32_t find_alike(const struct check_spaces *spaces, const struct version_space *wanted)
{
    for (uint32_t i = 0; i < spaces->count; i++)
        if (is_alike(&spaces->spaces[i], wanted))
            return i;
    return UINT32_MAX;
}

static enum err_code refuse_sharing(const struct mix *mix, uint32_t key_space, struct err *err)
{
    return err_set(err, E_USAGE,
                   "--verify: keys of %.40s may be those of another key space that has other "
                   "digits or another prefix: give them prefixes of which none begins another",
                   mix->plan->key_spaces[key_space].name);
}

static enum err_code add_space(struct check_spaces *spaces, const struct mix *mix,
                               uint32_t key_space, struct err *err)
{
    const struct version_space wanted = describe(mix, key_space);
    const uint32_t found = find_alike(spaces, &wanted);
    if (wanted.key_bytes > VERSION_KEY_BYTES_MAX)
        return err_set(err, E_USAGE, "--verify: keys of %.40s are longer than %u bytes",
                       mix->plan->key_spaces[key_space].name, VERSION_KEY_BYTES_MAX);
    if (found != UINT32_MAX) {
        struct version_space *space = &spaces->spaces[found];
        const uint64_t end = space->first + space->count, other_end = wanted.first + wanted.count;
        space->first = wanted.first < space->first ? wanted.first : space->first;
        space->count = (other_end > end ? other_end : end) - space->first;
        return OK;
    }
    for (uint32_t i = 0; i < spaces->count; i++)
        if (may_share_keys(&spaces->spaces[i], &wanted))
            return refuse_sharing(mix, key_space, err);
    if (spaces->count == VERSION_SPACES_MAX)
        return err_set(err, E_USAGE, "--verify: more than %u key spaces", VERSION_SPACES_MAX);
    spaces->spaces[spaces->count++] = wanted;
    return OK;
}

/* ---- writes ---- */

/* A key and its value, of those that a command writes. */
struct pair {
    const struct mix_step *key, *value;
    uint32_t key_argument, value_argument;
};

static uint32_t pair_count(const struct command *command)
{
    switch (command->rule) {
    case RULE_SETS:
        return command->count >= 3;
    case RULE_SETS_IF_NEW:
        return command->count == 3;
    case RULE_SETS_FOR_A_TIME:
        return command->count == 4;
    case RULE_SETS_PAIRS:
        return command->count % 2 == 1 ? (command->count - 1) / 2 : 0;
    default:
        return 0;
    }
}

static struct pair pair_at(const struct command *command, uint32_t index)
{
    const uint32_t key = 1 + 2 * index;
    const uint32_t value = command->rule == RULE_SETS_FOR_A_TIME ? 3 : key + 1;
    return (struct pair){.key = only_key(command, key),
                         .value = only_value(command, value),
                         .key_argument = key,
                         .value_argument = value};
}

static bool is_checked_write(const struct command *command)
{
    const uint32_t pairs = pair_count(command);
    bool checked = pairs > 0;
    for (uint32_t i = 0; i < pairs; i++) {
        const struct pair pair = pair_at(command, i);
        checked &= pair.key != NULL && pair.value != NULL;
    }
    return checked;
}

enum err_code check_plan_find(struct check_spaces *spaces, const struct workload *workload,
                              struct err *err)
{
    const struct mix *mix = workload->mix;
    enum err_code code = OK;
    for (uint32_t class = 0; mix != NULL && class < mix->class_count; class ++) {
        const struct mix_program *program = &mix->classes[class];
        if (is_transaction(mix, program))
            continue;
        for (uint32_t i = 0; i < program->command_count; i++) {
            struct command command;
            read_command(&command, mix, program, i);
            const uint32_t pairs = is_checked_write(&command) ? pair_count(&command) : 0;
            for (uint32_t pair = 0; pair < pairs && code == OK; pair++)
                code = add_space(spaces, mix, pair_at(&command, pair).key->shape, err);
        }
    }
    return code;
}

/* ---- marks ---- */

struct marker {
    struct mix *mix;
    struct mix_program *program;
    struct check_spaces *spaces;
    struct check_marks marks; /* of the class */
    struct err *err;
};

/* Which of the spaces the keys of this step are of; UINT32_MAX: of none. */
static uint32_t space_of(const struct marker *marker, const struct mix_step *step)
{
    const struct version_space shape = describe(marker->mix, step->shape);
    return find_alike(marker->spaces, &shape);
}

static enum err_code refuse(const struct marker *marker, const struct command *command,
                            const char *why)
{
    return err_set(marker->err, E_USAGE, "--verify: class %s: %s %s", marker->program->name,
                   command->name[0] != '\0' ? command->name : "a command", why);
}

/* Where in the program the step of an argument stands. Both have the same ones in the same order, but for texts and
 * lengths. */
static uint32_t place_of(const struct mix_program *program, const struct mix_step *wanted)
{
    uint32_t place = 0;
    for (uint32_t argument = 0; argument < program->argument_count; argument++)
        for (uint32_t i = 0; i < program->arguments[argument].step_count; i++) {
            const struct mix_step *step = &program->arguments[argument].steps[i];
            if (step->kind == STEP_TEXT)
                continue;
            while (program->whole.steps[place].kind == STEP_TEXT ||
                   program->whole.steps[place].kind == STEP_LENGTH)
                place++;
            if (step == wanted)
                return place;
            place++;
        }
    return UINT32_MAX;
}

static enum err_code add_check(const struct marker *marker, const struct command *command,
                               enum mix_check_kind kind, const struct mix_step *key)
{
    struct mix_program *program = marker->program;
    struct mix_check *grown =
        realloc(program->checks, (program->check_count + 1u) * sizeof grown[0]);
    if (grown == NULL)
        return err_set(marker->err, E_SYSTEM, "no memory for what --verify checks");
    program->checks = grown;
    program->checks[program->check_count++] = (struct mix_check){
        .kind = kind,
        .reply = command->reply,
        .key_step = place_of(program, key),
        .space = space_of(marker, key),
    };
    return OK;
}

/* The smallest size there can be. */
static uint64_t least_bytes(const struct size_wish *wish)
{
    uint64_t least = UINT64_MAX;
    if (wish->kind == SIZE_LOGNORMAL)
        return wish->most_bytes;
    if (wish->kind != SIZE_WEIGHTS)
        return wish->least_bytes;
    for (uint32_t i = 0; i < wish->weight_count; i++)
        if (wish->weights[i].bytes < least)
            least = wish->weights[i].bytes;
    return least;
}

/* Curves go on below: what is smaller is as large as it must be. */
static enum err_code check_size(const struct marker *marker, const struct mix_step *value)
{
    struct size_wish *wish = &marker->mix->material.values[value->value].size.wish;
    const uint64_t least = least_bytes(wish);
    if (wish->kind == SIZE_LOGNORMAL && least >= CHECKED_VALUE_BYTES_MIN)
        wish->least_bytes = CHECKED_VALUE_BYTES_MIN;
    else if (least < CHECKED_VALUE_BYTES_MIN)
        return err_set(
            marker->err, E_USAGE,
            "--verify: class %s writes values of %s byte%s, and %u are the least that "
            "can say whose they are: give --datasize %u or more, larger --value-size, or a "
            "larger size in the workload file",
            marker->program->name, UNITS_GROUPED(least), least == 1 ? "" : "s",
            CHECKED_VALUE_BYTES_MIN, CHECKED_VALUE_BYTES_MIN);
    return OK;
}

/* EX 60, PX {int 1 2}, KEEPTTL, NX, XX behind key and value. */
static enum err_code read_options(const struct marker *marker, const struct command *command,
                                  bool *if_so, bool *goes)
{
    static const char *const times[] = {"EX", "PX", "EXAT", "PXAT"};
    *if_so = command->rule == RULE_SETS_IF_NEW;
    *goes = command->rule == RULE_SETS_FOR_A_TIME;
    for (uint32_t i = 3; command->rule == RULE_SETS && i < command->count; i++) {
        char word[WORD_BYTES];
        bool known = false;
        read_text(word, command, i);
        for (size_t k = 0; k < sizeof times / sizeof times[0] && !known; k++)
            known = strcasecmp(word, times[k]) == 0;
        if (known) {
            *goes = true;
            i++;
        } else if (strcasecmp(word, "NX") == 0 || strcasecmp(word, "XX") == 0) {
            *if_so = true;
        } else if (strcasecmp(word, "KEEPTTL") != 0) {
            return refuse(marker, command,
                          "is followed with the options EX, PX, EXAT, PXAT, KEEPTTL, NX and XX "
                          "alone");
        }
    }
    return OK;
}

static enum err_code mark_write(struct marker *marker, const struct command *command)
{
    bool if_so, goes;
    enum err_code code = read_options(marker, command, &if_so, &goes);
    for (uint32_t i = 0; i < pair_count(command) && code == OK; i++) {
        const struct pair pair = pair_at(command, i);
        assert(pair.key != NULL && pair.value != NULL); /* is_checked_write */
        code = add_check(marker, command, if_so ? CHECK_WRITE_IF : CHECK_WRITE, pair.key);
        if (code != OK)
            return code;
        const uint32_t space = marker->program->checks[marker->program->check_count - 1].space;
        marker->program->whole.steps[place_of(marker->program, pair.value)].check =
            marker->program->check_count;
        marker->spaces->spaces[space].flags |= goes ? VERSION_MAY_GO : 0;
        marker->marks.writes++;
        code = check_size(marker, pair.value);
    }
    return code;
}

/* Whether an argument may be a key that is checked: one of its spaces, or a text that looks like one. */
static bool touches(const struct marker *marker, const struct command *command, uint32_t index)
{
    const struct mix_step *key = only_key(command, index);
    char word[WORD_BYTES];
    if (key != NULL)
        return space_of(marker, key) != UINT32_MAX;
    const struct mix_argument *argument = argument_at(command, index);
    for (uint32_t i = 0; i < argument->step_count && index == 1; i++) {
        const enum mix_step_kind kind = argument->steps[i].kind;
        if ((kind == STEP_KEY || kind == STEP_NEW_KEY) &&
            space_of(marker, &argument->steps[i]) != UINT32_MAX)
            return true;
    }
    read_text(word, command, index);
    for (uint32_t i = 0; i < marker->spaces->count && index == 1; i++) {
        const struct version_space *space = &marker->spaces->spaces[i];
        if (space->prefix_bytes > 0 && space->prefix_bytes <= strlen(word) &&
            memcmp(word, space->prefix, space->prefix_bytes) == 0)
            return true;
    }
    return false;
}

static bool touches_any(const struct marker *marker, const struct command *command)
{
    bool any = false;
    for (uint32_t i = 1; i < command->count; i++)
        any |= touches(marker, command, i);
    return any;
}

static enum err_code let_go(const struct marker *marker, const struct command *command)
{
    for (uint32_t i = 1; i < command->count; i++) {
        const struct mix_step *key = only_key(command, i);
        if (key == NULL && touches(marker, command, i))
            return refuse(marker, command,
                          "has a key that is made of more than {key}, and may be one whose values "
                          "are checked");
        if (key != NULL && space_of(marker, key) != UINT32_MAX)
            marker->spaces->spaces[space_of(marker, key)].flags |= VERSION_MAY_GO;
    }
    return OK;
}

static enum err_code mark_reads(struct marker *marker, const struct command *command)
{
    const uint32_t end = command->rule == RULE_READS ? command->count : 2;
    enum err_code code = command->rule == RULE_READS_AND_LETS_GO ? let_go(marker, command) : OK;
    /* A reply's strings are told apart by their order: all of its keys, or none. */
    for (uint32_t i = 1; i < end && code == OK; i++) {
        const struct mix_step *key = only_key(command, i);
        if (key == NULL || space_of(marker, key) == UINT32_MAX)
            return refuse(marker, command,
                          "reads keys that are checked beside others: give them commands of their "
                          "own");
        code = add_check(marker, command, CHECK_READ, key);
        marker->marks.reads++;
    }
    return code;
}

static enum err_code mark_command(struct marker *marker, const struct command *command,
                                  bool transaction)
{
    if (command->rule == RULE_EMPTIES)
        return refuse(marker, command, "empties or changes the database whose values are checked");
    if (command->rule == RULE_HARMLESS || !touches_any(marker, command))
        return OK;
    if (transaction)
        return refuse(marker, command,
                      "stands in a transaction, whose replies --verify does not look into: leave "
                      "out the unit, or give it other keys");
    switch (command->rule) {
    case RULE_READS:
    case RULE_READS_ONE:
    case RULE_READS_AND_LETS_GO:
        return mark_reads(marker, command);
    case RULE_LETS_GO:
        return let_go(marker, command);
    default:
        break;
    }
    if (is_checked_write(command))
        return mark_write(marker, command);
    return refuse(marker, command,
                  "does to keys whose values are checked what cannot be followed: give it keys of "
                  "its own, or leave out --verify");
}

/* Keys of other shapes that may be the same. */
static enum err_code refuse_shared_keys(const struct marker *marker)
{
    for (uint32_t i = 0; i < marker->mix->material.key_count; i++) {
        const struct version_space shape = describe(marker->mix, i);
        for (uint32_t space = 0; space < marker->spaces->count; space++)
            if (!is_alike(&marker->spaces->spaces[space], &shape) &&
                may_share_keys(&marker->spaces->spaces[space], &shape))
                return refuse_sharing(marker->mix, i, marker->err);
    }
    return OK;
}

enum err_code check_plan_mark(struct workload *workload, struct check_spaces *spaces,
                              struct check_marks *marks, struct err *err)
{
    *marks = (struct check_marks){0};
    if (workload->mix == NULL)
        return OK;
    struct marker marker = {.mix = workload->mix, .spaces = spaces, .err = err};
    enum err_code code = refuse_shared_keys(&marker);
    for (uint32_t class = 0; class < marker.mix->class_count && code == OK; class ++) {
        marker.program = &marker.mix->classes[class];
        marker.marks = (struct check_marks){0};
        const bool transaction = is_transaction(marker.mix, marker.program);
        if (marker.program->cursor_count > 0)
            code =
                err_set(err, E_USAGE,
                        "--verify: class %s follows a cursor, which goes with loads whose values "
                        "are not checked: leave out one of both",
                        marker.program->name);
        for (uint32_t i = 0; i < marker.program->command_count && code == OK; i++) {
            struct command command;
            read_command(&command, marker.mix, marker.program, i);
            code = mark_command(&marker, &command, transaction);
        }
        if (code == OK && marker.program->until_hit && marker.program->check_count > 0)
            code = err_set(err, E_USAGE,
                           "--verify: class %s is asked until it hits, and what it finds before "
                           "says nothing about values",
                           marker.program->name);
        marks->reads = marker.marks.reads > marks->reads ? marker.marks.reads : marks->reads;
        marks->writes = marker.marks.writes > marks->writes ? marker.marks.writes : marks->writes;
    }
    return code;
}
