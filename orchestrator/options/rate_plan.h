/* The file of --rate-plan, JSON or YAML, as the steps of a schedule. It holds a list of items one
 * after the other, or {plan: [items], repeat: N}. An item is one of
 *
 *   {for: 10s, rate: 1000}                       a constant rate; 0 is a pause
 *   {for: 10s, from: 0, to: 5k, mode: linear}    the same change every second (the default mode)
 *   {for: 10s, from: 1, to: 5k, mode: exponential}   the same factor every second
 *   {plan: [items], repeat: 3}                   items within an item, 4 deep at most
 *
 * A time without a unit is seconds. */
#ifndef ORCHESTRATOR_OPTIONS_RATE_PLAN_H
#define ORCHESTRATOR_OPTIONS_RATE_PLAN_H

#include "orchestrator/options/file_reader.h"
#include "orchestrator/options/rate_steps.h"

#define RATE_PLAN_DEPTH_MAX 4

extern const struct file_kind rate_plan_kind;

/* Appends the whole plan, repeats written out. E_CONFIG, as "name:line:column: what is wrong": whatever
 * is no plan, an unknown key, a rate that is negative or too high, a mode that does not fit, no item,
 * pauses only, too many steps, too long. */
MUST_USE enum err_code rate_plan_read(struct rate_steps *steps, const struct file_source *source,
                                      struct err *err);

#endif
