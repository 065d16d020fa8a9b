/* Stacks as flame graphs are drawn from: what `perf script` prints becomes "command;outer;inner count", one line a stack.
 * Of any input, and bounded: a stack has at most STACK_FOLD_FRAMES frames, a name STACK_FOLD_NAME_BYTES, and there are at most
 * STACK_FOLD_STACKS different ones; what goes beyond is counted. Pure but for memory; nobody else's process is asked.
 *
 *   valkey-server 123/124 [001] 16321.243328:    1001001 cycles:P:      a sample: command, process, thread, CPU, time, event
 *           55d0c0ffee12 processCommand+0x12 (/usr/bin/valkey-server)   its frames, the innermost first
 *       ffffffff81000000 [unknown] ([kernel.kallsyms])
 *                                                                       an empty line ends it */
#ifndef ORCHESTRATOR_SUITE_STACK_FOLD_H
#define ORCHESTRATOR_SUITE_STACK_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"

#define STACK_FOLD_FRAMES 128u     /* perf records at most 127 */
#define STACK_FOLD_NAME_BYTES 128u /* with its end; a longer one is cut */
#define STACK_FOLD_STACKS 100000u
#define STACK_FOLD_DEEPER "[deeper]" /* stands for what is further out than that */

struct stack_fold_counts {
    uint64_t folded;        /* samples that are in a stack                       */
    uint64_t without_stack; /* none of its frames was recorded                   */
    uint64_t other_events;  /* of another event than the first sample's          */
    uint64_t not_kept;      /* there were too many different stacks, or no memory */
    uint64_t not_read;      /* lines that are none of perf's                     */
};

struct stack_fold;

/* NULL: no memory. */
struct stack_fold *stack_fold_create(void);
void stack_fold_free(struct stack_fold *fold);

/* One line after another, with or without its end. */
void stack_fold_line(struct stack_fold *fold, const char *line);
/* Behind the last one. What is in the fold is sorted from then on, and takes no more lines. */
void stack_fold_end(struct stack_fold *fold);

struct stack_fold_counts stack_fold_counts(const struct stack_fold *fold);

struct folded_stack {
    const char *
        text; /* "valkey-server;main;aeMain;processCommand": a ; stands in no name, nor a line's end */
    uint64_t count; /* samples */
};

/* All of them, in the order of their bytes; they live as long as the fold. */
const struct folded_stack *stack_fold_stacks(const struct stack_fold *fold, size_t *count);

/* A line each, as other tools read it. E_SYSTEM. */
MUST_USE enum err_code stack_fold_write(const struct stack_fold *fold, FILE *file, struct err *err);

#endif
