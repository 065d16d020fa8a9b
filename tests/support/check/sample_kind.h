/* A kind of file that volley does not have, with every form that the tables of files know: for the tests of
 * the reader and of the schema, and for the fuzz target. */
#ifndef TESTS_SUPPORT_CHECK_SAMPLE_KIND_H
#define TESTS_SUPPORT_CHECK_SAMPLE_KIND_H

#include "orchestrator/options/file_reader.h"

struct sample_limits {
    struct file_place place;
    uint64_t size_bytes, timeout_ns;
};

struct sample_phase {
    struct file_place place;
    const char *name;
    uint64_t load_micro, load_ns; /* of a load */
    uint64_t wait_ns;             /* of a pause */
    struct sample_phase *phases;  /* of a group */
    size_t phase_count;
};

struct sample_channel {
    struct file_place place; /* whose key is its name */
    const char *url;         /* a webhook */
    const char **to;         /* mail */
    size_t to_count;
};

struct sample {
    struct file_place place;
    uint64_t seed;
    bool strict;
    unsigned colour;
    double skew;
    char first; /* of the text that a parser of its own has read */
    const char *tags;
    struct sample_limits limits;
    struct sample_phase *phases;
    size_t phase_count;
    struct sample_channel *channels;
    size_t channel_count;
};

enum sample_phase_kind { SAMPLE_LOAD, SAMPLE_WAIT, SAMPLE_GROUP };
enum sample_channel_kind { SAMPLE_WEBHOOK, SAMPLE_MAIL };

extern const struct file_kind sample_kind;

#endif
