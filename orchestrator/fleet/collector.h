/* Rings -> rows. Merges the workers' records by interval number and hands each complete row to the
 * timeline. Private to orchestrator/fleet; never waits.
 *
 * A record that comes after its row was closed goes into the row under way. Only one of the warm-up
 * that comes when that row is a measured one is left out: the warm-up is in no figure. What it left
 * in flight is in the row's in_flight_before; where rows before it were measured, too, their gauges
 * were wrong, and the row is marked degraded. */
#ifndef ORCHESTRATOR_FLEET_COLLECTOR_H
#define ORCHESTRATOR_FLEET_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/interval.h"
#include "common/ipc.h"
#include "orchestrator/fleet/segments.h"
#include "orchestrator/fleet/steady.h"
#include "orchestrator/report/timeline.h"

/* One per worker slot and stream, over all replacements of the worker; streams first. */
struct collector_member {
    void *segment; /* of its stream */
    uint32_t worker, stream;
    uint64_t merged[COUNTER_COUNT]; /* sum of its records so far: must end as its live totals */
    uint64_t merged_kinds[ERROR_KINDS_MAX]; /* the same, by kind of the run */
    uint64_t measured[COUNTER_COUNT]; /* of those, outside the warm-up                        */
    uint64_t in_flight;               /* gauges at the end of its newest merged record          */
    uint64_t connections_open;
    uint64_t backlog;
    uint32_t next; /* first interval it has not covered yet                  */
    bool complete; /* no record will follow                                  */
    /* In the row under way: whether it has a record there, and its stops, over records that join. */
    bool in_row;
    struct own_stops own_stops;
};

struct collector {
    uint32_t worker_count, member_count; /* members: workers times streams */
    struct collector_member *members;
    const struct run_facts *facts;
    struct timeline *timeline;
    uint64_t interval_ns;
    uint64_t warmup_ns;       /* IPC_NEVER: the warm-up goes on until the fleet says when it ends */
    struct steady steady;     /* of the warm-up's rows */
    struct interval_row *row; /* under way */
    struct interval_row *harvest;  /* what dead workers left, for the row under way */
    struct interval_row *left_out; /* where a record is decoded that is in no row */
    struct interval_row *apart;    /* ... or that is one of several streams'      */
    bool harvest_pending;
    uint64_t harvest_end_ns; /* last reply that a dead worker counted, since the common start */
    unsigned char *record;   /* INTERVAL_WIRE_MAX_BYTES */
    uint32_t late_records;
    bool row_empty;
    bool row_has_late;        /* and that was said */
    struct own_stop own_stop; /* of volley, that may go on in the next row */
    uint64_t own_stop_end_ns; /* of the newest that a row has told */
};

/* facts: live as long; they say which classes of a row are of which stream. */
MUST_USE enum err_code collector_init(struct collector *collector, const struct segments *segments,
                                      uint32_t worker_count, const struct run_facts *facts,
                                      struct timeline *timeline, struct err *err);
void collector_destroy(struct collector *collector);

/* Emits every row that is complete, and rows that are overdue at elapsed_ns since the start. */
MUST_USE enum err_code collector_collect(struct collector *collector, uint64_t elapsed_ns,
                                         struct err *err);
/* Takes what a dead worker left into the books, of all its streams: its waiting records and what its live words count
 * beyond them go into the row under way, which becomes degraded; what was in flight is lost. */
MUST_USE enum err_code collector_harvest(struct collector *collector, uint32_t worker,
                                         struct err *err);
/* Whether no record of the worker will follow; and that none will. */
bool collector_worker_complete(const struct collector *collector, uint32_t worker);
void collector_complete_worker(struct collector *collector, uint32_t worker);
/* Sum of a counter over the streams of a worker, or the workers of a stream; outside the warm-up. */
uint64_t collector_of_worker(const struct collector *collector, uint32_t worker,
                             enum counter counter);
uint64_t collector_of_stream(const struct collector *collector, uint32_t stream,
                             enum counter counter);
/* Emits what is left, when all workers are gone or complete. */
MUST_USE enum err_code collector_finish(struct collector *collector, struct err *err);
/* The sum of all records must equal the workers' live totals. */
MUST_USE enum err_code collector_check(const struct collector *collector, struct err *err);

#endif
