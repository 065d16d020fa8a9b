/* Which writes make that the reads of a user's command find something: one table of read commands. The writes are
 * commands with placeholders themselves, in which every number is __rand_1st__: in sequence, a request for each key
 * number writes whatever any of the reads may ask for. Orchestrator, before the fork. */
#ifndef WORKER_GENERATE_PREFILL_H
#define WORKER_GENERATE_PREFILL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/spec.h"

/* A sequence of commands, as struct workload_source has it. */
struct prefill_write {
    const char **argv; /* argc; NULL: nothing to write */
    size_t argc, room;
    bool numbered;  /* one request for each number; else one is enough */
    char title[64]; /* "SET, HSET" */
};

struct prefill {
    struct prefill_write stored; /* what may be read any number of times       */
    struct prefill_write
        consumed; /* what a read takes away: one request for each request that reads */
};

/* argv: the user's command or sequence, terminated strings. E_USAGE names what cannot be written: a command that is
 * not known to read, or places with more numbers, or other contents, than requests in sequence can cover.
 * prefill_free in any case. */
MUST_USE enum err_code prefill_derive(struct prefill *prefill, const char *const *argv, size_t argc,
                                      const struct spec *spec, struct err *err);
void prefill_free(struct prefill *prefill);

#endif
