/* Workers that exist only as records in their rings, the collector that takes them, and what the
 * timeline was told of it. For tests of orchestrator/fleet/collector. */
#ifndef TESTS_SUPPORT_FAKE_WORKERS_H
#define TESTS_SUPPORT_FAKE_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/interval.h"
#include "common/ipc.h"
#include "orchestrator/fleet/collector.h"
#include "orchestrator/report/timeline.h"

#define RING_BYTES (1ull << 21)
#define LENGTH_NS NS_PER_SECOND
#define LATENCY_NS 100000u
#define ROWS_MAX 64
#define MEMBERS_MAX 4

/* What the timeline was told of one row. */
struct seen {
    struct interval_header header;
    uint64_t counters[COUNTER_COUNT];
    uint64_t errors_by_kind[ERROR_KINDS_MAX];
    uint64_t latencies;
};

struct fakes {
    struct seen rows[ROWS_MAX];
    uint32_t row_count;
    struct timeline timeline;
    struct collector collector;
    struct run_facts facts;
    void *segment;
    struct interval *interval; /* the record under way */
    unsigned char *wire;
    uint64_t in_flight[MEMBERS_MAX]; /* at the end of each worker's last record */
};
extern struct fakes fakes;

void fakes_begin(uint32_t members, uint64_t warmup_ns);
void fakes_end(void);

/* An empty record of this worker, its gauges those of its last one. */
void fakes_record(uint32_t index, uint32_t first, uint32_t last);
/* Live totals as the worker keeps them, and the record the same. */
void fakes_count(uint32_t index, enum counter counter, uint64_t by);
void fakes_answer(uint32_t index, uint64_t times);
void fakes_leave_in_flight(uint32_t index, uint64_t requests);
void fakes_push(uint32_t index);
/* One record of one interval with so many answers. */
void fakes_publish(uint32_t index, uint32_t number, uint64_t answers, bool last);

/* The collector must succeed; so must its last check. */
void fakes_collect(uint64_t elapsed_ns);
void fakes_finish(void);
/* What the run came to by the timeline; the caller frees. */
struct run_result *fakes_conclude(void);

void fakes_expect_row(uint32_t number, uint32_t first, uint32_t last, uint64_t ok);
/* Warnings are part of the behaviour: a late record is said. */
void fakes_keep_log(void);
bool fakes_logged(const char *text);

#endif
