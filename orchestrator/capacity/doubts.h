/* Why the verdict of a probe or of a step is not GREEN, for people and for CSV. Pure but for the output. */
#ifndef ORCHESTRATOR_CAPACITY_DOUBTS_H
#define ORCHESTRATOR_CAPACITY_DOUBTS_H

#include <stddef.h>

#include "orchestrator/report/output.h"
#include "orchestrator/report/timeline.h"

/* Advice that a reader has had already; starts as {0}. It points into the verdicts that were written. */
struct doubts_said {
    const char *advice[VERDICT_CHECKS_MAX];
    uint32_t count;
};
/* "Verdict at clients 8: AMBER", and below it each check that is not GREEN, with its value and its limit,
 * and below that what to do about it, unless it was said before. Nothing when all are. */
void doubts_write(struct output *out, const char *where, const struct verdict *verdict,
                  struct doubts_said *said);

#define DOUBTS_TEXT_BYTES 2048
/* "few_samples 51 for p99; short_run 0.510 s", with_values false: "few_samples, short_run";
 * "" when all are GREEN. What finds no room is left out. Returns text. */
char *doubts_format(char *text, size_t text_bytes, const struct verdict *verdict, bool with_values);

#endif
