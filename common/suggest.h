/* The nearest known name to one that nobody knows. */
#ifndef COMMON_SUGGEST_H
#define COMMON_SUGGEST_H

#include <stddef.h>

#define SUGGEST_NAME_MAX 64

/* Keeps the best of the names that were offered. Zeroed but for wanted before the first offer. */
struct suggestion {
    const char *wanted;
    size_t wanted_bytes;
    char best[SUGGEST_NAME_MAX + 1]; /* "": nothing is near */
    unsigned best_distance;
};

/* Insertions, deletions, replacements and swaps of neighbours count one each. A name is near when it
 * takes one edit and one more for every four letters, or begins with what was wanted. */
void suggest_offer(struct suggestion *suggestion, const char *name, size_t name_bytes);

/* For "%s%s%s": "; did you mean NAME?", or nothing. */
#define SUGGESTED(best)                                                                            \
    (best)[0] != '\0' ? "; did you mean " : "", (best), (best)[0] != '\0' ? "?" : ""

#endif
