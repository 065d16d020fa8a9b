/* Response times around an outage: what came before it, in it and after it. Private to outage.c. */
#ifndef ORCHESTRATOR_REPORT_OUTAGE_WINDOW_H
#define ORCHESTRATOR_REPORT_OUTAGE_WINDOW_H

#include "orchestrator/report/outage.h"

#define OUTAGE_SLOT_NS 1000000000ull
#define OUTAGE_SLOTS 10u /* OUTAGE_BEFORE_NS */

struct outage_windows {
    struct node_figures slots[OUTAGE_SLOTS]; /* the newest seconds with replies */
    uint64_t slot_number[OUTAGE_SLOTS];      /* start of the row / OUTAGE_SLOT_NS, + 1; 0: empty */
    struct outage *outage; /* that ended last, while its windows are open; NULL: none */
    struct node_figures during, after, sum;
};

/* The response times of one row, of all nodes together, as coarse figures. */
void outage_coarse(struct node_figures *figures, const struct histogram *histogram);

/* Adds a row's response times to what comes before the next outage, and to the open windows. */
void outage_windows_add(struct outage_windows *windows, const struct node_figures *figures,
                        uint64_t start_ns);
/* An outage was found: what stood in the slots came before it. It stays open until it is closed;
 * OUTAGE may be NULL (not kept). */
void outage_windows_open(struct outage_windows *windows, struct outage *outage);
/* Writes what the open windows hold into their outage. */
void outage_windows_close(struct outage_windows *windows);

#endif
