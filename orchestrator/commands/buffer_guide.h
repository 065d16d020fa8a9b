/* What can be said of a client's buffer before it runs: in a line how it is set, the memory that its buffers take when they are
 * full, and how many flush workers such clients begin with on a machine like this. */
#ifndef ORCHESTRATOR_COMMANDS_BUFFER_GUIDE_H
#define ORCHESTRATOR_COMMANDS_BUFFER_GUIDE_H

#include <stddef.h>
#include <stdint.h>

#include "orchestrator/commands/bench_steps.h"

struct buffer_guide {
    uint64_t
        request_bytes; /* of one write as it is sent, on the average of the first ones; 0: there are none */
    uint64_t round_writes; /* a round holds at most: max_size, or as many as make max_tokens */
    uint64_t users;        /* -c of a closed loop, who bound what is unsent; 0: nobody does */
    uint64_t most_unsent;  /* writes that all buffers hold at most */
    uint64_t bytes;        /* what those take at most, of the mean bytes */
    uint32_t least_workers, most_workers; /* 0: nothing is known of so few CPUs */
};
/* The step's spec has a buffer; `buffers`: one of each process, in a cluster of each node. */
struct buffer_guide buffer_guide_of(const struct bench_step *step, uint32_t buffers, uint32_t cpus);
/* Flush workers by CPUs: from 2 on 2 to 3, from 4 on 3 to 5, from 8 on 5 to 8. */
void buffer_guide_workers(uint32_t *least, uint32_t *most, uint32_t cpus);
/* "fast: batches of 8 requests ..." */
void buffer_guide_describe(char *text, size_t text_bytes, const struct buffer_options *buffer);

#endif
