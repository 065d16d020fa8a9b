#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/ipc.h"
#include "tests/support/check/by_hand.h"
#include "tests/support/check/suite.h"

#define LINE_BYTES 64u

struct span {
    uintptr_t first, end;
};

static void *segment_new(uint32_t worker_count, uint64_t capacity_bytes, size_t *segment_bytes)
{
    *segment_bytes = ipc_segment_bytes(worker_count, capacity_bytes, 0);
    void *segment =
        mmap(NULL, *segment_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(segment, MAP_FAILED);
    ipc_segment_init(segment, worker_count, capacity_bytes);
    return segment;
}

static struct span span_of(const void *start, size_t byte_count)
{
    return (struct span){(uintptr_t)start, (uintptr_t)start + byte_count};
}

static const struct {
    uint32_t worker_count;
    uint64_t capacity_bytes;
} shapes[] = {{1, 64}, {2, 64}, {3, 4096}, {7, 1 << 16}, {64, 1 << 20}, {IPC_WORKERS_MAX, 64}};
#define SHAPES (sizeof shapes / sizeof shapes[0])

TEST(parts_do_not_overlap)
{
    /* Breaks when two workers, or a worker and the orchestrator, write into one cache line. */
    for (size_t s = 0; s < SHAPES; s++) {
        uint32_t workers = shapes[s].worker_count;
        size_t segment_bytes = 0;
        void *segment = segment_new(workers, shapes[s].capacity_bytes, &segment_bytes);
        struct span *spans = calloc(2 * (size_t)workers + 2, sizeof *spans);
        size_t count = 0;
        spans[count++] = span_of(ipc_control(segment), sizeof(struct ipc_control));
        spans[count++] = span_of(ipc_tickets(segment), sizeof(struct ipc_tickets));
        for (uint32_t i = 0; i < workers; i++)
            spans[count++] = span_of(ipc_worker(segment, i), sizeof(struct ipc_worker));
        for (uint32_t i = 0; i < workers; i++)
            spans[count++] =
                span_of(ipc_ring(segment, i), ring_size_bytes(shapes[s].capacity_bytes));
        /* They stand in this order, so each must begin, on a line of its own, where or after the
         * one before it has ended. */
        ck_assert_uint_eq(spans[0].first, (uintptr_t)segment);
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_eq(spans[i].first % LINE_BYTES, 0);
            if (i > 0)
                ck_assert_uint_ge(spans[i].first / LINE_BYTES,
                                  (spans[i - 1].end - 1) / LINE_BYTES + 1);
        }
        ck_assert_uint_le(spans[count - 1].end, (uintptr_t)segment + segment_bytes);
        free(spans);
        ck_assert_int_eq(munmap(segment, segment_bytes), 0);
    }
}

TEST(init_sets_the_words)
{
    /* Breaks when a worker takes the run for started or stopped before it was, or finds no ring. */
    for (size_t s = 0; s < SHAPES; s++) {
        size_t segment_bytes = 0;
        void *segment =
            segment_new(shapes[s].worker_count, shapes[s].capacity_bytes, &segment_bytes);
        struct ipc_control *control = ipc_control(segment);
        ck_assert_uint_eq(control->version, IPC_VERSION);
        ck_assert_uint_eq(control->worker_count, shapes[s].worker_count);
        ck_assert_uint_eq(atomic_load(&control->start_ns), 0);
        ck_assert(atomic_load(&control->stop_ns) == IPC_NEVER);
        ck_assert_uint_eq(atomic_load(&ipc_tickets(segment)->claimed), 0);
        for (uint32_t i = 0; i < shapes[s].worker_count; i++) {
            ck_assert_uint_eq(atomic_load(&ipc_worker(segment, i)->state), WORKER_FORKED);
            ck_assert_uint_eq(ipc_ring(segment, i)->capacity_bytes, shapes[s].capacity_bytes);
            ck_assert_uint_eq(ring_fill_bytes(ipc_ring(segment, i)), 0);
        }
        ck_assert_int_eq(munmap(segment, segment_bytes), 0);
    }
}

TEST(workers_do_not_touch_each_other)
{
    /* Breaks when what one worker writes appears in another's words or ring. */
    size_t segment_bytes = 0;
    void *segment = segment_new(5, 256, &segment_bytes);
    unsigned char record[252];
    unsigned char out[252];
    for (uint32_t i = 0; i < 5; i++) {
        memset(ipc_worker(segment, i), 'a' + (int)i, sizeof(struct ipc_worker));
        memset(record, 'a' + (int)i, sizeof record);
        ck_assert(ring_try_push(ipc_ring(segment, i), record, sizeof record));
    }
    atomic_store(&ipc_tickets(segment)->claimed, UINT64_MAX);
    for (uint32_t i = 0; i < 5; i++) {
        const unsigned char *words = (const unsigned char *)ipc_worker(segment, i);
        for (size_t b = 0; b < sizeof(struct ipc_worker); b++)
            ck_assert_int_eq(words[b], 'a' + (int)i);
        memset(record, 'a' + (int)i, sizeof record);
        ck_assert_uint_eq(ring_peek(ipc_ring(segment, i), out, sizeof out), sizeof record);
        ck_assert_mem_eq(out, record, sizeof record);
    }
    ck_assert_uint_eq(ipc_control(segment)->worker_count, 5);
    ck_assert(atomic_load(&ipc_control(segment)->stop_ns) == IPC_NEVER);
    ck_assert_int_eq(munmap(segment, segment_bytes), 0);
}

TEST(words_of_a_worker_keep_their_lines)
{
    /* Breaks when the state, which the orchestrator polls, shares a line with the live counters. */
    ck_assert_uint_eq(offsetof(struct ipc_worker, counters) % LINE_BYTES, 0);
    ck_assert_uint_eq(offsetof(struct ipc_worker, error_kind_count) % LINE_BYTES, 0);
    ck_assert_uint_eq(offsetof(struct ipc_control, start_ns) % LINE_BYTES, 0);
    ck_assert_uint_eq(sizeof(struct ipc_worker) % LINE_BYTES, 0);
    ck_assert_uint_eq(offsetof(struct ipc_tickets, known_end), LINE_BYTES);
}

TEST(capacity_suits_the_interval)
{
    /* Breaks when a record can be larger than its ring, or classes make rings larger where there are none. */
    for (uint32_t classes = 1; classes <= CLASSES_MAX; classes++) {
        uint64_t before = UINT64_MAX;
        for (uint64_t ms = 10; ms <= 10000; ms += ms < 100 ? 1 : 50) {
            uint64_t capacity = ipc_ring_capacity_bytes(ms * NS_PER_MS, 1, classes, 0);
            ck_assert_uint_eq(capacity & (capacity - 1), 0);
            ck_assert_uint_le(capacity, 512 << 20);
            ck_assert_uint_ge(capacity, 2 * INTERVAL_CLASSES_MAX_BYTES(classes > 1 ? classes : 0));
            if (ms != 100) /* longer intervals need no more, but for the step at 100 ms */
                ck_assert_uint_le(capacity, before);
            before = capacity;
        }
    }
    ck_assert_uint_eq(ipc_ring_capacity_bytes(10 * NS_PER_MS, 1, 1, 0), 32 << 20);
    ck_assert_uint_eq(ipc_ring_capacity_bytes(100 * NS_PER_MS, 1, 1, 0), 16 << 20);
    ck_assert_uint_eq(ipc_ring_capacity_bytes(NS_PER_SECOND, 1, 1, 0), 8 << 20);
    ck_assert_uint_eq(ipc_ring_capacity_bytes(10 * NS_PER_MS, 1024, 1, 0), 8 << 20);
    ck_assert_uint_eq(ipc_ring_capacity_bytes(10 * NS_PER_MS, 1, 16, 0), 128 << 20);
    ck_assert_uint_eq(ipc_ring_capacity_bytes(10 * NS_PER_MS, 8, 16, 0), 64 << 20);
}

TEST_SUITE(ipc)
