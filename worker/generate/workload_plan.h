/* What a workload file says, read and checked: key spaces, value makers, and classes of requests with the share of
 * each. Made by orchestrator/options/workload_file, compiled by mix.h. Texts are the reader's, and live as long as
 * the file. */
#ifndef WORKER_GENERATE_WORKLOAD_PLAN_H
#define WORKER_GENERATE_WORKLOAD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/distribution.h"

#define PLAN_CLASSES_MAX                                                                           \
    12u /* with what follows some of them, which are classes, too: CLASSES_MAX */
#define PLAN_KEY_SPACES_MAX 32u
#define PLAN_VALUES_MAX 32u
#define PLAN_CLASS_NAME_BYTES 32u /* with its end */
#define PLAN_COMMANDS_MAX 64u     /* of one class */
#define PLAN_DIGITS_USUAL 12u     /* of a key number, as everywhere in volley */
#define PLAN_DIGITS_MAX 18u
#define PLAN_KEYS_MAX 1000000000000ull

/* Keys: prefix, and a number of `digits` digits, which may stand in braces: a hash tag. */
struct plan_key_space {
    const char *name;
    const char *prefix;
    uint64_t count, first; /* numbers first .. first + count - 1                        */
    uint64_t digits;       /* filled up with zeros; 0: no more than the number has      */
    uint64_t key_bytes;    /* all keys are filled up with 'x' to so many; 0: they are not */
    bool binary;           /* the number is 8 bytes, the highest first, in place of digits */
    bool tagged;
    struct key_order_wish order;
};

enum value_content {
    CONTENT_LETTERS,     /* upper-case letters, as valkey-benchmark's */
    CONTENT_RANDOM,      /* any bytes                                 */
    CONTENT_COMPRESSIBLE /* to `compressible` of the size             */
};

/* A table whose fields {field NAME} and values take, row by row. */
struct plan_cell {
    const char *text;
    uint32_t byte_count;
};
struct plan_data {
    const char *const *names;
    const struct plan_cell *cells; /* row by row */
    uint32_t field_count;          /* 0: there is no table */
    uint64_t row_count;
    bool
        at_random; /* the row goes with the ticket at random; else requests of a class go through all rows */
};

struct plan_value {
    const char *name;
    struct size_wish size;
    enum value_content content;
    double compressible; /* 0..1 */
    bool
        size_by_key; /* the size, or the row, goes with the key in front of it, not with the ticket */
    /* A field of a table as it stands there; then nothing of the above is asked. */
    struct plan_data table; /* field_count 0: it is made */
    uint32_t field;
};

#define PLAN_SCRIPTS_MAX 16u
#define PLAN_SCRIPT_BYTES_MAX (1024u * 1024)
#define PLAN_SHA1_BYTES 41u /* in hexadecimal digits, with its end */
/* A script, or a library of functions. */
struct plan_script {
    const char *name;
    const char *text;
    size_t text_bytes;
    char sha1[PLAN_SHA1_BYTES]; /* of a script */
};

/* Words with placeholders in braces; brace.h. */
struct plan_command {
    const char *const *words;
    size_t word_count;
};

enum class_unit {
    UNIT_REQUEST,    /* one command                              */
    UNIT_SEQUENCE,   /* several, sent together: one request      */
    UNIT_TRANSACTION /* the same between MULTI and EXEC          */
};

#define PLAN_NO_CLASS UINT32_MAX
struct plan_class {
    const char *name;
    uint64_t weight;
    enum class_unit unit;
    const struct plan_command *commands;
    size_t command_count;
    /* Of these at most one: the class whose request, for the same keys, follows a miss, or any answer but an error;
     * PLAN_NO_CLASS. */
    uint32_t on_miss, then;
    bool until_hit; /* asked again until it finds something; it follows others only */
};

/* Each key of a space once, in order. */
struct plan_prefill {
    uint32_t key_space;
    struct plan_class write;
};

enum consume_kind {
    CONSUME_CHANNEL,       /* SUBSCRIBE  */
    CONSUME_PATTERN,       /* PSUBSCRIBE */
    CONSUME_SHARD_CHANNEL, /* SSUBSCRIBE */
    CONSUME_POP,           /* a command that waits for an element, again and again */
    CONSUME_GROUP,         /* XREADGROUP, again and again */
    CONSUME_TRACKING       /* CLIENT TRACKING in broadcasting mode */
};

/* Connections that only receive. What they get is told by the stamp in it (common/stamp.h). */
#define PLAN_CONSUMERS_MAX 8u
#define PLAN_ENTRIES_MAX 1000u /* that one reply to XREADGROUP has */
struct plan_consumer {
    const char *name;
    enum consume_kind kind;
    const char *target;          /* as a word of a command: a text, or one {key:NAME} */
    struct plan_command command; /* POP: what is asked; else empty                    */
    uint64_t connections;
    /* Of a group: who it is, entries of one reply, how long it waits for them, whether they are acknowledged, and after
     * how long others take over what a consumer did not (0: never). */
    const char *group;
    uint64_t count, block_ms, claim_after_ms;
    bool acknowledge;
};

struct workload_plan {
    const char *name;
    const struct plan_key_space *key_spaces;
    const struct plan_value *values;
    const struct plan_class *classes;
    const struct plan_prefill *prefills;
    const struct plan_consumer *consumers;
    struct plan_data data;
    const struct plan_script *scripts, *libraries;
    size_t script_count, library_count;
    size_t key_space_count, value_count, class_count, prefill_count, consumer_count;
};

#endif
