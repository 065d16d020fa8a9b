/* Which command, which key, which value for ticket k: a pure function of (seed, k).
 *
 * A test is a row of one table; a workload is a test, or the user's own command, compiled into a
 * request template: the bytes of the request with the places that change from ticket to ticket.
 * Every request of a workload has the same length. Compiled in the orchestrator before the fork;
 * rendering is the worker's hot path and allocates nothing. */
#ifndef WORKER_GENERATE_WORKLOAD_H
#define WORKER_GENERATE_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"
#include "worker/generate/placeholder.h"
#include "worker/generate/workload_plan.h"

/* What a reply says about hits and misses. */
enum read_kind {
    READ_NONE,  /* not a read                                                        */
    READ_VALUE, /* one key: null or an empty aggregate is a miss, anything else a hit */
    READ_EACH,  /* MGET: every element is a hit or, when null, a miss                */
    READ_AT_LEAST /* WAIT: a number, or an array of numbers, each as large as was asked for, is a hit */
};

#define WORKLOAD_TEST_ARGS_MAX 24
#define WORKLOAD_TEST_ARG_BYTES 64

/* Which arguments are keys: every step-th one from first to last. As COMMAND INFO says it: 0 is the
 * command's name; a last below 0 counts from the end. first 0: none. */
struct workload_key_rule {
    int first, last, step;
};

/* Arguments behind those of a row, which follow from the spec. */
enum workload_more {
    MORE_NONE,
    MORE_LIBRARY, /* the text of a library with function_count functions             */
    MORE_KEYS     /* the number function_keys, and so many keys, of a call of foo1 */
};

/* One row a default test of valkey-benchmark, in the order in which it runs them. */
struct workload_test {
    const char *name;  /* for -t, lower case                       */
    const char *title; /* as valkey-benchmark prints it            */
    const char *argv[WORKLOAD_TEST_ARGS_MAX];
    struct workload_key_rule keys;
    bool reads_only;        /* the server flags the command readonly                        */
    bool tagged_on_cluster; /* several keys: {tag} keeps them in one slot                   */
    enum read_kind read_kind;
    bool inline_command; /* sent as one line, not as an array */
    enum workload_more more;
    const char *prefill_name; /* the test that writes what this one reads; NULL: nothing to write */
    bool prefill_per_request; /* the read consumes: one element is written per request */
    uint64_t prefill_elements; /* list elements a range needs; 0: one write a key of the range */
};

/* Row i of the table, NULL behind the last; by name (any case), NULL when unknown. */
const struct workload_test *workload_test_at(size_t index);
const struct workload_test *workload_test_find(const char *name);

/* An argument of a row without its :{tag}, where it has one. Returns text, which has room for all of the row's. */
const char *workload_test_untagged(char text[WORKLOAD_TEST_ARG_BYTES], const char *argument);

/* A library "benchlib" of functions foo1, foo2 ..., as FUNCTION LOAD takes it; they return their first key,
 * or 0. The caller frees; NULL: E_SYSTEM. */
char *workload_function_library(uint64_t functions, bool with_keys, struct err *err);

struct consume_plan;
struct live;
struct live_plan;
struct mix;
struct plugin_source;
struct workload; /* owns its template and value pool */

/* What is compiled: a workload file, a row of the table, or a command with placeholders and ';' sequences. */
struct workload_source {
    const struct plugin_source *plugin; /* that was tried; likewise as the next          */
    const struct live_plan
        *live; /* copied, but for its map, which lives as long; likewise, with a title */
    const struct workload_plan *plan; /* lives as long as the workload; NULL ...        */
    const struct workload_test *test; /* or NULL and ...                                */
    bool tagged; /* the test's keys have {tag} also where its row does not ask for it    */
    const char *const *argv;  /* ... the user's arguments                        */
    const size_t *argv_bytes; /* their lengths; NULL: terminated strings         */
    size_t argc;
    bool last_verbatim; /* the last of them is sent as it is, whatever stands in it */
    const struct replay_plan
        *replay;       /* its classes in place of the command's, which stands for it; NULL */
    const char *title; /* NULL: the test's title, or the command itself     */
};

/* Compiles a plan and forgets it: what is wrong with it, and where. E_CONFIG: the reason alone; E_SYSTEM. */
struct workload_fault {
    size_t class, prefill, consumer; /* of the plan; that it is in none: its count of them */
};
MUST_USE enum err_code workload_check(struct workload_fault *fault,
                                      const struct workload_plan *plan, struct err *reason);
/* Cuts a command that is one text into words, as brace_word does: word needs its length and one byte more. */
MUST_USE enum err_code workload_next_word(char *word, bool *found, const char **at,
                                          struct err *reason);

/* Compiles for the spec's key order, range, data size and seed. E_USAGE names the placeholder that
 * is unknown, the command that breaks request and reply, or the test that cannot run so. */
MUST_USE enum err_code workload_create(struct workload **workload,
                                       const struct workload_source *source,
                                       const struct spec *spec, struct err *err);
void workload_destroy(struct workload *workload);

const char *workload_title(const struct workload *workload);
/* Classes of requests that are told apart, 1 to CLASSES_MAX, and what they are called; one is called as the workload.
 * Of several each has another name, shorter than CLASS_NAME_BYTES and without control characters, ',', '<' and '>',
 * so that an objective can name it. */
uint32_t workload_class_count(const struct workload *workload);
const char *workload_class_name(const struct workload *workload, uint32_t class);
/* Those that tickets are of: the first ones. Others follow a miss. */
uint32_t workload_weighted_class_count(const struct workload *workload);
/* The commands of requests of several, of a file's classes: at most PARTS_MAX, those of a class one after the other. No
 * name is that of a class. A class whose commands found no room has none. */
struct request_part {
    const char *name, *command; /* "add:2", "EXPIRE" */
    uint32_t class;
    /* Behind those of all classes: what connections that only receive get (consume). Then class means nothing. */
    bool consumes;
    bool fed; /* and some class sends what they listen to, with a stamp */
};
uint32_t workload_part_count(const struct workload *workload);
struct request_part workload_part(const struct workload *workload, uint32_t part);
/* The class of a file that is asked again until it hits, which means something of replicas only; NULL: none. */
const char *workload_asks_replicas(const struct workload *workload);
/* Of every request; of a file's the longest. */
size_t workload_request_bytes(const struct workload *workload);
/* A request has so many; of several classes they differ by class, and this is 1. */
uint32_t workload_replies(const struct workload *workload);
/* Commands that a request comes to on the average. */
double workload_mean_commands(const struct workload *workload);
enum read_kind workload_read_kind(const struct workload *workload, uint32_t reply_index);
bool workload_reads(const struct workload *workload);  /* any part is a read        */
bool workload_walks(const struct workload *workload);  /* it has {cursor} */
bool workload_awaits(const struct workload *workload); /* some misses are of WAIT, and no keys */
uint32_t workload_keys_per_request(const struct workload *workload); /* random numbers drawn     */
/* Of a file, or that the live map of a phase has room for; else 0. */
uint64_t workload_key_count(const struct workload *workload);
bool workload_uses_one_key(const struct workload *workload); /* every request has the same key */
bool workload_has_tag(const struct workload *workload);      /* a hash tag, for {tag}          */
/* Key numbers that share one hash tag; 0: the tags do not go with the numbers, or there are none. */
uint64_t workload_numbers_per_tag(const struct workload *workload);
/* A row of the table when made from one, else NULL. */
const struct workload_test *workload_test(const struct workload *workload);

/* What it was compiled from where that is a file, or options that are made into one; else NULL. */
const struct workload_plan *workload_plan(const struct workload *workload);
/* Who receives what it sends (consume_plan.h); NULL: nobody. */
const struct consume_plan *workload_consume_plan(const struct workload *workload);
/* The groups of streams that they belong to, whose keys stand at `index`. False: there are no more. */
struct workload_group {
    const char *consumer, *name, *key; /* the key is terminated, too */
    size_t key_bytes;
};
bool workload_group_at(struct workload_group *group, const struct workload *workload, size_t index);
/* Connections of all of them. */
uint64_t workload_consumer_connections(const struct workload *workload);
/* A file's mix of classes, else NULL. */
const struct mix *workload_mix(const struct workload *workload);
/* A phase of a scenario, compiled (live.h), else NULL. */
const struct live *workload_live(const struct workload *workload);
/* The plug-in that makes its requests, else NULL. */
const struct plugin_source *workload_plugin(const struct workload *workload);

/* One request, to be looked at. The caller frees bytes. E_SYSTEM: no memory. */
struct workload_sample {
    const char *class;
    char *bytes; /* byte_count, and an end behind them */
    size_t byte_count;
};
MUST_USE enum err_code workload_sample(struct workload_sample *sample,
                                       const struct workload *workload, uint64_t ticket,
                                       struct err *err);

/* Writes request `ticket` (workload_request_bytes) to out; not of a file. Hot path. */
void workload_render(const struct workload *workload, uint64_t ticket, char *out);

/* Writes bytes [from, from + byte_count) of request `ticket` to out: for half-written and for very long
 * requests. */
void workload_render_part(const struct workload *workload, uint64_t ticket, size_t from_byte,
                          size_t byte_count, char *out);

/* ---- keys and slots. Rows of the table know theirs; of a user's command the server is asked, before the
 * fork, by orchestrator/server/command_keys, when something depends on it. */

struct workload_range {
    size_t offset_bytes, byte_count; /* in the request, the same for every ticket */
};

/* Commands of the sequence; one that is repeated counts once, and has the places of its first time. Of
 * an inline command the arguments are not known: it has none. */
uint32_t workload_command_count(const struct workload *workload);
size_t workload_argument_count(const struct workload *workload, uint32_t command);
/* The text of one in the first request, terminated; the caller frees it. NULL: no memory. */
char *workload_argument_text(const struct workload *workload, uint32_t command, size_t argument,
                             size_t *byte_count);
/* Whether it differs from request to request: of a file's, by any placeholder in it; of a template's, by numbers. */
bool workload_argument_varies(const struct workload *workload, uint32_t command, size_t argument);
/* Where it stands; not of a file. */
struct workload_range workload_argument(const struct workload *workload, uint32_t command,
                                        size_t argument);

struct workload_command_keys {
    size_t *arguments; /* indices of those that are keys; owned by the caller */
    size_t count;
    bool reads_only;
};

/* Tells the keys of each command (workload_command_count of them). Orchestrator, before the fork. With
 * spec.cluster E_USAGE when keys of one request are in different slots: it looks at some hundred tickets. */
MUST_USE enum err_code workload_set_keys(struct workload *workload,
                                         const struct workload_command_keys *keys, struct err *err);
bool workload_keys_known(const struct workload *workload);

/* Every command of the request only reads, so that a replica can serve it. False while the keys are not known. */
bool workload_reads_only(const struct workload *workload);
/* The same of some of its requests, if not of all. */
bool workload_reads_some(const struct workload *workload);
/* The same of those of one class, below workload_class_count. */
bool workload_class_reads_only(const struct workload *workload, uint32_t class);
/* The hash slot of a ticket's first key; any node can serve a request without one, and gets slots in turn. Hot
 * path; one caller at a time in a process. */
uint16_t workload_slot(const struct workload *workload, uint64_t ticket);

/* The null transport's answer to one whole request of this workload; NULL in a spec without it. */
const char *workload_null_reply(const struct workload *workload, size_t *reply_bytes);

/* Warm-up requests draw from a stream of their own, so that measuring begins at ticket 0. Far from
 * every place of the measured stream also when multiplied by the numbers that a request draws: a
 * power of two would wrap around to 0. 2^64 times the golden ratio's inverse squared. */
#define WORKLOAD_WARMUP_TICKET 0x61c8864680b583ebull

#endif
