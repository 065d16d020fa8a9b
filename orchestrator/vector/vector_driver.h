/* What a server does with vectors: one row of a table for each way, with its commands as words (worker's live_vector.h),
 * what it can do and what it cannot.
 *
 *   search      FT.* of a search module: documents are hashes, the server builds the index of them by itself
 *   vector-set  VADD and VSIM: vectors and index are one key, compared by cosine
 *   emulated    neither: hashes, and sets and a sorted set of volley's own as an index of tags and numbers, which are what is
 *               queried. Nothing is compared by distance, so there is no recall: every output says that it is emulated
 *
 * Words that are put in here: {index} {prefix} {dimensions} {metric} {m} {ef_construction} {ef_runtime} {k} {ef}. A command
 * to a server with {tag} is sent for each of them. What asks a server waits no longer than any question (control.h). */
#ifndef ORCHESTRATOR_VECTOR_VECTOR_DRIVER_H
#define ORCHESTRATOR_VECTOR_VECTOR_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/vectors.h"
#include "orchestrator/server/control.h"
#include "orchestrator/vector/vector_index.h"
#include "worker/worker.h"

#define VECTOR_BIT(value) (1u << (value))
struct vector_driver {
    const char *name, *about;
    const char *command;          /* a server that knows it is of this row; NULL: any */
    const char *module;           /* or has a module of this name; where commands are not told */
    unsigned metrics, algorithms; /* bits; those of emulated mean nothing to it */
    bool finds_neighbours;
    bool keeps_documents; /* the index can go without its documents */
    bool
        builds_itself; /* once it is created the server adds what is there, and says when that is done */
    /* Words, NULL behind the last. */
    const char *const *add, *const *again, *const *delete, *const *drop;
    const char *const *query[VECTOR_ALGORITHMS], *const *create[VECTOR_ALGORITHMS];
    const char *documents[2]; /* a command that says how many the index has, and its key */
    const char *const *keys;  /* of which the index consists */
};

const struct vector_driver *vector_driver_at(size_t index); /* NULL: behind the last */
const char *vector_metric_word(enum vector_metric metric);  /* "cosine"; NULL: behind the last */
const char *vector_algorithm_word(enum vector_algorithm algorithm);

/* Which one the server is of: the first row that it knows. E_CONNECT. */
MUST_USE enum err_code vector_driver_find(const struct vector_driver **driver,
                                          struct control *control, struct err *err);
/* E_USAGE: the driver has no such index; says what it has. */
MUST_USE enum err_code vector_driver_check(const struct vector_driver *driver,
                                           const struct vector_index *index, struct err *err);
/* Copies that keep who is near to whom by this metric. */
enum vector_copies vector_metric_copies(enum vector_metric metric);

/* Requests of workers. query may be NULL: 10 neighbours. */
void vector_driver_words(struct live_words words[LIVE_VECTOR_REQUESTS],
                         const struct vector_driver *driver, const char *prefix,
                         const struct vector_index *index, const struct vector_query *query);

/* Creates the index, where that is a command, and drops it; E_CONNECT: with the server's words. To drop what is not there
 * is no error of vector sets and of the emulation. */
MUST_USE enum err_code vector_index_create(struct control *control,
                                           const struct vector_driver *driver, const char *prefix,
                                           const struct vector_index *index, struct err *err);
MUST_USE enum err_code vector_index_drop(struct control *control,
                                         const struct vector_driver *driver, const char *prefix,
                                         struct err *err);

/* The first command of that, as a person types it. */
void vector_driver_remover(char *text, size_t text_bytes, const struct vector_driver *driver,
                           const char *prefix);

/* NAN: the server does not say. */
struct vector_state {
    double documents;   /* in the index */
    double index_bytes; /* of vector sets with the vectors */
    bool built;         /* the server is not adding what was there before */
};
MUST_USE enum err_code vector_index_look(struct vector_state *state, struct control *control,
                                         const struct vector_driver *driver, const char *prefix,
                                         struct err *err);

/* What a server has found: names of keys are looked at, all else is passed over. */
struct vector_found {
    uint64_t number;
    uint32_t level;
};
/* Query `query` of this level; *count found, at most VECTOR_K_MAX. E_CONNECT. */
MUST_USE enum err_code vector_ask(struct vector_found found[VECTOR_K_MAX], uint32_t *count,
                                  struct control *control, const struct live_words *words,
                                  const char *prefix, const struct vector_space *space,
                                  uint64_t query, uint32_t level, struct err *err);

#endif
