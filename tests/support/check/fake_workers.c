#include "tests/support/check/fake_workers.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fakes fakes;
static FILE *log_kept;

static enum err_code keep_row(void *state, const struct interval_row *row,
                              const struct error_kinds *kinds, struct err *err)
{
    (void)state;
    (void)err;
    ck_assert_uint_lt(fakes.row_count, ROWS_MAX);
    struct seen *seen = &fakes.rows[fakes.row_count++];
    seen->header = row->header;
    memcpy(seen->counters, row->counters, sizeof seen->counters);
    memcpy(seen->errors_by_kind, row->errors_by_kind, sizeof seen->errors_by_kind);
    seen->latencies = row->histograms[HISTOGRAM_SERVICE_OK].count;
    for (uint32_t kind = kinds->count; kind < ERROR_KINDS_MAX; kind++)
        ck_assert_uint_eq(row->errors_by_kind[kind], 0);
    return OK;
}

void fakes_begin(uint32_t members, uint64_t warmup_ns)
{
    struct err err = {.code = OK};
    size_t bytes = ipc_segment_bytes(members, RING_BYTES, 0);
    fakes.segment = aligned_alloc(64, (bytes + 63) / 64 * 64);
    fakes.interval = malloc(sizeof *fakes.interval);
    fakes.wire = malloc(INTERVAL_WIRE_MAX_BYTES);
    ck_assert(fakes.segment != NULL && fakes.interval != NULL && fakes.wire != NULL);
    memset(fakes.segment, 0, bytes);
    ipc_segment_init(fakes.segment, members, RING_BYTES);
    interval_init(fakes.interval);
    memset(fakes.in_flight, 0, sizeof fakes.in_flight);
    fakes.row_count = 0;
    fakes.facts = (struct run_facts){
        .name = "GET", .interval_ns = LENGTH_NS, .warmup_ns = warmup_ns, .worker_count = members};
    ck_assert_int_eq(timeline_init(&fakes.timeline, &err), OK);
    timeline_add(&fakes.timeline, (struct sink){.name = "rows", .interval = keep_row});
    timeline_run_begin(&fakes.timeline, &fakes.facts);
    const struct segments segments = {{fakes.segment}, 1};
    ck_assert_int_eq(
        collector_init(&fakes.collector, &segments, members, &fakes.facts, &fakes.timeline, &err),
        OK);
}

void fakes_end(void)
{
    collector_destroy(&fakes.collector);
    timeline_destroy(&fakes.timeline);
    free(fakes.segment);
    free(fakes.interval);
    free(fakes.wire);
}

void fakes_record(uint32_t index, uint32_t first, uint32_t last)
{
    interval_reset(fakes.interval);
    fakes.interval->header = (struct interval_header){
        .first = first,
        .last = last,
        .flags = first * LENGTH_NS < fakes.facts.warmup_ns ? INTERVAL_WARMUP : 0,
        .start_ns = first * LENGTH_NS,
        .end_ns = (last + 1) * LENGTH_NS,
        .in_flight_before = fakes.in_flight[index],
        .in_flight_after = fakes.in_flight[index],
    };
}

void fakes_count(uint32_t index, enum counter counter, uint64_t by)
{
    fakes.interval->counters[counter] += by;
    atomic_fetch_add(&ipc_worker(fakes.segment, index)->counters[counter], by);
    if (counter == COUNTER_SENT) /* a closed loop: what is sent is due */
        fakes_count(index, COUNTER_DUE, by);
}

void fakes_answer(uint32_t index, uint64_t times)
{
    fakes_count(index, COUNTER_SENT, times);
    fakes_count(index, COUNTER_OK, times);
    for (uint64_t i = 0; i < times; i++)
        interval_histogram_record(&fakes.interval->histograms[HISTOGRAM_SERVICE_OK], LATENCY_NS);
}

void fakes_leave_in_flight(uint32_t index, uint64_t requests)
{
    fakes_count(index, COUNTER_SENT, requests);
    fakes.interval->header.in_flight_after += requests;
}

void fakes_push(uint32_t index)
{
    fakes.in_flight[index] = fakes.interval->header.in_flight_after;
    atomic_store(&ipc_worker(fakes.segment, index)->in_flight, fakes.in_flight[index]);
    size_t bytes = interval_encode(fakes.wire, fakes.interval);
    ck_assert(ring_try_push(ipc_ring(fakes.segment, index), fakes.wire, (uint32_t)bytes));
}

void fakes_publish(uint32_t index, uint32_t number, uint64_t answers, bool last)
{
    fakes_record(index, number, number);
    fakes_answer(index, answers);
    if (last) {
        fakes.interval->header.flags |= INTERVAL_LAST;
        fakes.interval->header.end_ns -= LENGTH_NS / 2;
    }
    fakes_push(index);
}

void fakes_collect(uint64_t elapsed_ns)
{
    struct err err = {.code = OK};
    ck_assert_msg(collector_collect(&fakes.collector, elapsed_ns, &err) == OK, "%s", err.text);
}

void fakes_finish(void)
{
    struct err err = {.code = OK};
    ck_assert_msg(collector_finish(&fakes.collector, &err) == OK, "%s", err.text);
    ck_assert_msg(collector_check(&fakes.collector, &err) == OK, "%s", err.text);
}

void fakes_expect_row(uint32_t number, uint32_t first, uint32_t last, uint64_t ok)
{
    ck_assert_uint_lt(number, fakes.row_count);
    ck_assert_uint_eq(fakes.rows[number].header.first, first);
    ck_assert_uint_eq(fakes.rows[number].header.last, last);
    ck_assert_uint_eq(fakes.rows[number].counters[COUNTER_OK], ok);
    ck_assert_uint_eq(fakes.rows[number].latencies, ok);
}

void fakes_keep_log(void)
{
    log_kept = tmpfile();
    ck_assert_ptr_nonnull(log_kept);
    fflush(stderr);
    ck_assert_int_ge(dup2(fileno(log_kept), 2), 0);
}

bool fakes_logged(const char *text)
{
    char all[4096] = "";
    rewind(log_kept);
    size_t got = fread(all, 1, sizeof all - 1, log_kept);
    all[got] = '\0';
    return strstr(all, text) != NULL;
}

struct run_result *fakes_conclude(void)
{
    struct run_result *result = calloc(1, sizeof *result);
    ck_assert_ptr_nonnull(result);
    result->seconds = 1;
    timeline_run_end(&fakes.timeline, result);
    return result;
}
