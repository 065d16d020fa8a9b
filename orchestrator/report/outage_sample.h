/* What outages are found by. Private to outage.c. */
#ifndef ORCHESTRATOR_REPORT_OUTAGE_SAMPLE_H
#define ORCHESTRATOR_REPORT_OUTAGE_SAMPLE_H

#include "orchestrator/report/outage.h"

/* What one row says of all nodes together, or of one. */
struct outage_sample {
    const struct interval_row *row; /* of all nodes together; else NULL */
    uint64_t start_ns, end_ns;
    struct outcome_times times;
    uint64_t sent, ok;
    struct outage_failures failures;
    uint64_t evidence;
    bool waiting, degraded;
    bool cut_off; /* connections were lost or could not be opened */
    bool no_load; /* the schedule has a hole here: it is nobody's outage */
};

/* nodes_cut_off: each of the nodes that served is; of one server it does not matter. */
struct outage_sample outage_sample_of_all(const struct interval_row *row, bool open_loop,
                                          bool nodes_cut_off);
/* waiting: requests of this node are in flight at the row's end, which no gauge tells. */
struct outage_sample outage_sample_of_node(const struct interval_row *row, uint32_t node,
                                           bool waiting);

/* Response times around an outage: what came before it, in it and after it (outage_window.c). */

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
