/* What one row says of all nodes together, or of one. Private to outage.c. */
#ifndef ORCHESTRATOR_REPORT_OUTAGE_SAMPLE_H
#define ORCHESTRATOR_REPORT_OUTAGE_SAMPLE_H

#include "orchestrator/report/outage.h"

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

#endif
