#include "common/suggest.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned edit_distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    unsigned rows[3][SUGGEST_NAME_MAX + 1];
    unsigned *two_back = rows[0], *back = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_bytes; j++)
        back[j] = (unsigned)j;
    memset(two_back, 0, sizeof rows[0]);
    for (size_t i = 1; i <= a_bytes; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_bytes; j++) {
            unsigned replaced = back[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = smaller(replaced, smaller(back[j], row[j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped)
                row[j] = smaller(row[j], two_back[j - 2] + 1);
        }
        unsigned *oldest = two_back;
        two_back = back;
        back = row;
        row = oldest;
    }
    return back[b_bytes];
}

void suggest_offer(struct suggestion *suggestion, const char *name, size_t name_bytes)
{
    size_t wanted_bytes = suggestion->wanted_bytes;
    /* names of one letter are near to everything */
    if (wanted_bytes < 2 || name_bytes < 2 || wanted_bytes > SUGGEST_NAME_MAX ||
        name_bytes > SUGGEST_NAME_MAX)
        return;
    unsigned distance = edit_distance(suggestion->wanted, wanted_bytes, name, name_bytes);
    unsigned limit = 1 + (unsigned)wanted_bytes / 4;
    bool begins = wanted_bytes < name_bytes && wanted_bytes >= 3 &&
                  strncasecmp(suggestion->wanted, name, wanted_bytes) == 0;
    if (distance > limit) {
        if (!begins)
            return;
        distance = limit + 1; /* behind any real neighbour */
    }
    if (suggestion->best[0] != '\0' && distance >= suggestion->best_distance)
        return;
    memcpy(suggestion->best, name, name_bytes);
    suggestion->best[name_bytes] = '\0';
    suggestion->best_distance = distance;
}
