/* A model (model.h) of what a server says of itself: a sample of its keys, and how often it executed each command. Pure;
 * `volley model --sample` asks the server.
 *
 * Which keys a command asks for the server does not say: it is divided among the key spaces of its type, in proportion to
 * what their keys' access counters say (LFU), or to their numbers.
 *
 * From n on an LFU counter grows by chance, with the probability 1 / (factor n + 1), so that it stands for A = n + factor n (n - 1) / 2
 * accesses; and it falls by one in each lfu-decay-time, so that factor n + 1 accesses in that time hold it where it is: E. What a key gets is A /
 * age + E, where the age of the load is chosen so that all keys together get what the server was asked for in the window; it is not
 * above the server's. At 255 a counter ends: such keys are hotter than it tells, and the skew is fitted to those behind them.
 *
 * Memory: SAMPLE_KEYS_MAX records of 32 bytes. */
#ifndef ORCHESTRATOR_TRAFFIC_SAMPLE_H
#define ORCHESTRATOR_TRAFFIC_SAMPLE_H

#include "orchestrator/traffic/model.h"

#define SAMPLE_KEYS_MAX 1000000u
#define SAMPLE_COMMANDS_MAX 400u
#define SAMPLE_LEFT_OUT_MAX 8u /* names that are told */

enum sample_type {
    SAMPLE_STRING,
    SAMPLE_HASH,
    SAMPLE_LIST,
    SAMPLE_SET,
    SAMPLE_ZSET,
    SAMPLE_STREAM,
    SAMPLE_OTHER, /* of modules: counted, and no part of the model */
    SAMPLE_TYPES
};

struct sample_key {
    uint64_t value_bytes; /* of a string, or of one element */
    uint64_t elements;    /* 1 of a string                  */
    int64_t time_left_ms; /* negative: it does not expire   */
    uint8_t counter;      /* OBJECT FREQ                    */
    uint8_t type;         /* enum sample_type               */
    uint8_t space;        /* the model's, by sample_add_key */
};

struct sample_space {
    uint64_t keys, others; /* that were sampled: of its type, and of other types */
    uint64_t expiring;     /* of `keys` */
    enum sample_type type; /* of most of its keys */
    struct histogram *value_bytes, *elements, *time_left_s; /* NULL: no room */
    double accesses; /* a minute, as the counters tell, of `keys` */
    uint64_t at_end; /* keys whose counters are */
    double weight;   /* of requests for its type */
    double hottest,
        hottest_modelled; /* part of the accesses that the hottest 1 % of the keys get */
    bool numeric;         /* values are written as numbers: something counts with them */
};

struct sample_calls {
    char name[RECORDING_COMMAND_BYTES];
    uint64_t calls;
};

/* Zeroed by sample_create. The first part is the asker's to set. */
struct sample {
    uint64_t keys_there; /* DBSIZE, of all primaries */
    uint64_t
        vanished; /* keys that were there when they were found, and not when they were asked for */
    bool counters_known; /* maxmemory-policy is an LFU one, everywhere */
    char policy[32];     /* maxmemory-policy */
    double log_factor, decay_minutes, up_minutes;
    double seconds;   /* of the window; 0: not known */
    bool since_start; /* commands are counted since the start of the server */

    struct model *model; /* owned */
    uint64_t sampled, without_room;
    uint64_t unknown,
        without_keys; /* requests: of commands that no form is known for, and for types without keys */
    uint32_t unknown_count, without_keys_count;
    struct sample_calls unknown_names[SAMPLE_LEFT_OUT_MAX];
    struct sample_calls without_keys_names[SAMPLE_LEFT_OUT_MAX];
    struct sample_space spaces[MODEL_SPACES_MAX]; /* beside the model's */
    /* private */
    struct sample_key *keys;
    uint32_t key_room, command_count;
    struct sample_calls commands[SAMPLE_COMMANDS_MAX];
    double age_minutes; /* of the load, as the counters are read */
};

/* Room for so many keys. NULL: no memory. */
struct sample *sample_create(uint32_t keys_max);
void sample_free(struct sample *sample);
const char *sample_type_name(enum sample_type type);
/* key->space is set here. Beyond the room keys are not looked at. False: no memory. */
MUST_USE bool sample_add_key(struct sample *sample, const struct recording_argument *name,
                             const struct sample_key *key);
/* A command, in any case of letters. Beyond SAMPLE_COMMANDS_MAX they are counted as unknown. */
void sample_add_calls(struct sample *sample, const char *name, uint64_t calls);
/* Behind the last of both: key spaces, skews, classes, and what writes the keys. False: no memory. */
MUST_USE bool sample_fit(struct sample *sample);
/* What is known and what is guessed, each line behind line_begin; the workload file with that as comments. */
void sample_write_fit(const struct sample *sample, FILE *out, const char *line_begin);
void sample_write(const struct sample *sample, FILE *out, const char *name, const char *source);

/* ---- for sample*.c ---- */

MUST_USE bool sample_fit_keys(struct sample *sample);
MUST_USE bool sample_fit_classes(struct sample *sample);
/* Whether it asks for keys, as far as is known. */
bool sample_command_has_keys(const char *name);
/* The median of how many elements the keys of a space have, as many of them as a prefill writes at most. */
#define SAMPLE_ELEMENTS_MAX 32u
uint32_t sample_elements(const struct sample_space *space);
bool sample_expires(const struct sample_space *space);

#endif
