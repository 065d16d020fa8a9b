/* What single values of a scenario file say. Pure; for scenario_fields.c and scenario_file.c. Errors are the reason
 * alone, to be put behind what was given, and E_USAGE. */
#ifndef ORCHESTRATOR_SCENARIO_SCENARIO_VALUES_H
#define ORCHESTRATOR_SCENARIO_SCENARIO_VALUES_H

#include "orchestrator/scenario/scenario.h"
#include "orchestrator/scenario/series.h"

/* A metric of the series, by its own name in name (48 bytes); *divisor: by what a number in the file is multiplied. */
MUST_USE enum err_code scenario_metric(char *name, double *divisor, const char *text,
                                       struct err *reason);
/* The same, or a figure of a phase that the judge derives. */
MUST_USE enum err_code scenario_check_metric(char *name, double *divisor, const char *text,
                                             struct err *reason);
bool scenario_metric_is_bytes(const char *name); /* a size: takes units, and a part of the target */
bool scenario_metric_only_grows(const char *name); /* a counter, or a peak */

/* "used_memory>=80%target", "keys>=100k", "rss_mb<=64", with blanks or without. */
MUST_USE enum err_code scenario_until(struct phase_until *until, const char *text,
                                      struct err *reason);
/* The number that a check compares with: "1.5", "-3", "0.1%", "64mb", "100%target"; of leak_verdict none, suspected or
 * detected. target_bytes 0: there is no target. */
MUST_USE enum err_code scenario_check_value(double *value, const char *metric, double divisor,
                                            uint64_t target_bytes, const char *text,
                                            struct err *reason);

/* "1000", "10k", or "80%max": *share is 0.8 then, else 0. */
MUST_USE enum err_code scenario_rate(uint64_t *micro, double *share, const char *text,
                                     struct err *reason);
/* A distribution of sizes, but for that the third part of bimodal:A/B/P is a part of 1. */
MUST_USE enum err_code scenario_sizes(struct size_wish *wish, const char *text, struct err *reason);
/* "60", "60-300", "1m-5m": whole seconds. */
MUST_USE enum err_code scenario_ttl(uint64_t *least_s, uint64_t *most_s, const char *text,
                                    struct err *reason);
/* "1.5", "0.5-3": above 0, up to 1000. */
MUST_USE enum err_code scenario_factors(double *least, double *most, const char *text,
                                        struct err *reason);
/* random, oldest, newest, stride:K */
/* What stands before numbers of keys; in loops with ${loop_index}. */
MUST_USE enum err_code scenario_key_prefix(char prefix[LIVE_NAME_BYTES], const char *text,
                                           struct err *reason);
MUST_USE enum err_code scenario_strategy(enum live_pick_order *order, uint64_t *stride,
                                         const char *text, struct err *reason);
/* "1%" or "0.01": a part of 1, above 0. */
MUST_USE enum err_code scenario_part(double *part, const char *text, struct err *reason);
/* load, set, insert; get, read; update, overwrite; del, delete; in any case. */
MUST_USE enum err_code scenario_operation(enum phase_operation *operation, const char *text,
                                          struct err *reason);
/* What a name may consist of: letters, digits, . _ - and, where `loops`, ${loop_index}; up to 48 bytes. */
MUST_USE enum err_code scenario_name(char *name, const char *text, bool loops, struct err *reason);

#endif
