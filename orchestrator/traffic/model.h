/* A model of recorded traffic: classes of requests with their shares, key spaces with their skew, sizes of values, the rate.
 * Memory is bounded: MODEL_SHAPES_MAX kinds of requests, MODEL_SPACES_MAX key spaces, and MODEL_KEYS_MAX keys that are counted one
 * by one; beyond those every second, fourth, ... key, chosen by its hash. What found no room is counted.
 *
 * The skew is fitted by maximum likelihood to the ranks that were observed (Clauset, Shalizi, Newman, "Power-law
 * distributions in empirical data", SIAM Review 51, 2009, for a finite range): only ranks of keys that were met often, since
 * rare ones stand in an order that is chance. */
#ifndef ORCHESTRATOR_TRAFFIC_MODEL_H
#define ORCHESTRATOR_TRAFFIC_MODEL_H

#include <stdio.h>

#include "common/histogram.h"
#include "common/recording.h"

#define MODEL_SHAPES_MAX 64u
#define MODEL_SPACES_MAX 32u
#define MODEL_ARGUMENTS_MAX 16u
#define MODEL_VALUES_MAX 32u
#define MODEL_KEYS_MAX (1u << 20)
#define MODEL_TEXT_BYTES 64u
#define MODEL_SECONDS_MAX 86400u
#define MODEL_CLASSES_MAX 8u /* of a workload file */
#define MODEL_FILLS_MAX (2 * MODEL_CLASSES_MAX)

struct model_space {
    char prefix[MODEL_TEXT_BYTES],
        suffix[MODEL_TEXT_BYTES];    /* around the number, or what stands for one */
    uint64_t draws, lowest, highest; /* of the numbers */
    bool opaque;                     /* not all keys have a number */
    uint32_t digits;                 /* to which numbers are filled by zeros; 0: none are */
    /* by model_fit */
    uint64_t distinct, count; /* keys that were met, and that there are */
    bool skewed;
    double exponent, distance; /* of zipf; the largest difference of cumulated shares */
    uint64_t ranks;            /* that were fitted */
};

struct model_argument {
    enum { ARGUMENT_NEW, ARGUMENT_LITERAL, ARGUMENT_NUMBER, ARGUMENT_VALUE, ARGUMENT_KEY } kind;
    char text[MODEL_TEXT_BYTES]; /* the literal; what stands before the number */
    uint64_t lowest, highest;
    bool each; /* a number of what a prefill writes: the first, the second ... of the group */
    uint32_t space;
    struct histogram *sizes; /* of a value, in bytes; NULL: no room */
};

struct model_shape {
    char name[RECORDING_COMMAND_BYTES];
    uint32_t argument_count;
    uint64_t requests;
    struct model_argument arguments[MODEL_ARGUMENTS_MAX];
    /* Of what a prefill writes: the arguments from here on are there so often; 0: once. */
    uint32_t group_from, group_times;
};

/* Zeroed by model_create; read only for others. */
struct model {
    uint64_t requests, modelled; /* all, and those of the shapes that are kept */
    uint64_t administrative;     /* that are no load: CLIENT, CONFIG, MULTI ... */
    uint64_t without_room;       /* more shapes, spaces or arguments than are kept */
    uint64_t span_us;
    bool has_times;
    uint32_t shape_count, space_count, value_count;
    struct model_shape shapes[MODEL_SHAPES_MAX];
    struct model_space spaces[MODEL_SPACES_MAX];
    /* What writes the keys, where it is known otherwise than by the requests (sample.h). */
    uint32_t fill_count;
    struct model_shape fills[MODEL_FILLS_MAX];
    uint64_t per_second[MODEL_SECONDS_MAX];
    struct model_key *keys; /* private */
    uint32_t key_count;     /* of those that are counted one by one */
    uint32_t halvings;      /* one key of 2^halvings is counted */
};

/* NULL: no memory. */
struct model *model_create(void);
/* False: no memory. */
MUST_USE bool model_add(struct model *model, const struct recording_entry *entry);
/* A key that exists, without a request: its key space; MODEL_SPACES_MAX: it found no room. False: no memory. */
MUST_USE bool model_add_key(struct model *model, const struct recording_argument *key,
                            uint32_t *space);
/* A command that is no load, or cannot be sent by itself; in upper case. */
bool model_is_administrative(const char *name);
/* Once, behind the last entry: sorts shapes by their shares, and finds counts and skews. False: no memory. */
MUST_USE bool model_fit(struct model *model);
/* The workload file, with what was fitted and how well as comments; and only those. */
void model_write(const struct model *model, FILE *out, const char *name, const char *source);
void model_write_fit(const struct model *model, FILE *out, const char *line_begin);
/* Parts of these: the file without its comments; about: where it comes from. The shares of classes. */
void model_write_body(const struct model *model, FILE *out, const char *name, const char *about);
void model_write_shares(const struct model *model, FILE *out, const char *line_begin);
/* Whether a request of the model, or what writes its keys, has keys of this space. */
bool model_uses_space(const struct model *model, uint32_t space);
/* The rate over time as a rate plan (--rate-plan), of all requests, also those that the model leaves out: by seconds, or by
 * several at once where there would be more than MODEL_RATE_STEPS_MAX. Only where model_has_rates: there are times, and a
 * second at least. source: as it can stand in a comment. */
#define MODEL_RATE_STEPS_MAX 1000u
bool model_has_rates(const struct model *model);
void model_write_rates(const struct model *model, FILE *out, const char *source);
void model_free(struct model *model);

/* For model_fit and tests: the counts of the keys of a space, in falling order -> the exponent of a zipf distribution over
 * `count` keys; *ranks: how many were used. Below two ranks the exponent is 0. */
double model_zipf_exponent(const uint32_t *counts, uint64_t distinct, uint64_t *ranks);
/* The exponent of draws of these ranks whose logarithms have this mean. */
#define MODEL_RANKS_MAX 20000u /* that are fitted */
double model_zipf_of_mean(double mean_log, uint64_t first, uint64_t last);
/* The sum of rank^-exponent up to `ranks`. */
double model_zipf_sum(double exponent, uint64_t ranks);
/* Keeps the most frequent shapes, as many as a file takes, in falling order. A part of model_fit. */
void model_keep_shapes(struct model *model);

#endif
