/* Distributions as people write them, on command lines and in files alike. Pure; callable from anywhere in the
 * orchestrator.
 *
 * Keys: uniform, sequential (seq), zipf[:EXPONENT], gaussian[:DEVIATION], exponential[:SCALE], hotset:KEYS/DRAWS,
 * latest[:EXPONENT], parallel, walk. Sizes: N, A-B (range:A-B), weights:SIZE:WEIGHT,... (list:...), bimodal:A/B/P,
 * lognormal:MEDIAN:P99[:MAX], pareto:MIN:SHAPE[:MAX]. Words in any case; sizes take b, kb and mb. */
#ifndef ORCHESTRATOR_OPTIONS_DISTRIBUTION_H
#define ORCHESTRATOR_OPTIONS_DISTRIBUTION_H

#include <stddef.h>

#include "common/distribution.h"
#include "common/err.h"

/* A wish is set whole or not at all, and fits worker/generate then. E_USAGE: the reason alone, to be put behind what
 * was given: what is allowed, and the nearest known word. Zipf and hotset are scattered; that they are not is for
 * others to say (wish->scattered). */
MUST_USE enum err_code distribution_parse_keys(struct key_order_wish *wish, const char *text,
                                               struct err *reason);
MUST_USE enum err_code distribution_parse_sizes(struct size_wish *wish, const char *text,
                                                struct err *reason);

/* The way back: a text that gives the same wish, with all that was left out. Returns text. */
#define DISTRIBUTION_KEYS_BYTES 128
#define DISTRIBUTION_SIZES_BYTES 2048
char *distribution_format_keys(char *text, size_t text_bytes, const struct key_order_wish *wish);
char *distribution_format_sizes(char *text, size_t text_bytes, const struct size_wish *wish);

/* Each as it may begin, for help and completion: "zipf"; NULL behind the last. */
const char *distribution_key_word_at(size_t index);

#endif
