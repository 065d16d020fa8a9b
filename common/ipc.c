#include "common/ipc.h"

#include <assert.h>

#include "common/clock.h"

#define PAGE_BYTES 4096u

#define RING_SECONDS 60u
#define RING_TOTAL_MAX_BYTES (512ull << 20)
/* Ordinary records: of an interval below 100 ms, and from there on. */
#define RECORD_SHORT_BYTES 4096u
#define RECORD_LONG_BYTES 20480u
/* What each of several classes adds: to a record, by its coarse figures, and to a second, by its window. Measured at
 * 200,000 requests a second of 16 classes: 240 and 5,100 bytes, and the whole needs 3,000 more than said above. */
#define CLASS_SHORT_BYTES 384u
#define CLASS_LONG_BYTES 512u
#define CLASS_SECOND_BYTES 8192u

static_assert(sizeof(struct ipc_control) % 64 == 0, "a worker would share its last line");
static_assert(offsetof(struct ipc_tickets, known_end) == 64,
              "the contended line holds nothing else");
static_assert(sizeof(struct ipc_tickets) % 64 == 0, "a worker would share its last line");
static_assert(IPC_WORKERS_MAX == 1u << 10, "a claim holds a worker's number in ten bits");
static_assert(sizeof(struct ipc_worker) % 64 == 0, "workers would share a line");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock inside an atomic does not cross processes");

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static size_t workers_offset_bytes(void)
{
    return sizeof(struct ipc_control) + sizeof(struct ipc_tickets);
}

static size_t topology_offset_bytes(uint32_t worker_count)
{
    return round_up(workers_offset_bytes() + worker_count * sizeof(struct ipc_worker), PAGE_BYTES);
}

/* Rings begin on pages, so that pages a ring never reaches are never touched. */
static size_t rings_offset_bytes(uint32_t worker_count)
{
    return topology_offset_bytes(worker_count) +
           round_up(sizeof(struct topology_shared), PAGE_BYTES);
}

static size_t ring_stride_bytes(uint64_t ring_capacity_bytes)
{
    return round_up(ring_size_bytes(ring_capacity_bytes), PAGE_BYTES);
}

static size_t schedule_offset_bytes(uint32_t worker_count, uint64_t ring_capacity_bytes)
{
    return rings_offset_bytes(worker_count) + worker_count * ring_stride_bytes(ring_capacity_bytes);
}

size_t ipc_segment_bytes(uint32_t worker_count, uint64_t ring_capacity_bytes, size_t schedule_bytes)
{
    return schedule_offset_bytes(worker_count, ring_capacity_bytes) + schedule_bytes;
}

void ipc_segment_init(void *segment, uint32_t worker_count, uint64_t ring_capacity_bytes)
{
    assert(worker_count > 0 && worker_count <= IPC_WORKERS_MAX);
    struct ipc_control *control = ipc_control(segment);
    control->version = IPC_VERSION;
    control->worker_count = worker_count;
    control->ring_offset_bytes = rings_offset_bytes(worker_count);
    control->ring_stride_bytes = ring_stride_bytes(ring_capacity_bytes);
    control->topology_offset_bytes = topology_offset_bytes(worker_count);
    control->schedule_offset_bytes = schedule_offset_bytes(worker_count, ring_capacity_bytes);
    /* Relaxed: no worker exists yet, and fork publishes everything. */
    atomic_store_explicit(&control->start_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&control->stop_ns, IPC_NEVER, memory_order_relaxed);
    atomic_store_explicit(&control->measure_after_ns, IPC_NEVER, memory_order_relaxed);
    for (uint32_t i = 0; i < worker_count; i++)
        ring_init(ipc_ring(segment, i), ring_capacity_bytes);
}

/* By way of void *: the segment is mapped, so its alignment is a page's. */
static void *at(void *segment, size_t offset_bytes)
{
    return (unsigned char *)segment + offset_bytes;
}

struct ipc_control *ipc_control(void *segment)
{
    return segment;
}

struct ipc_tickets *ipc_tickets(void *segment)
{
    return at(segment, sizeof(struct ipc_control));
}

struct ipc_worker *ipc_worker(void *segment, uint32_t index)
{
    assert(index < ipc_control(segment)->worker_count);
    return at(segment, workers_offset_bytes() + index * sizeof(struct ipc_worker));
}

struct ring *ipc_ring(void *segment, uint32_t index)
{
    const struct ipc_control *control = ipc_control(segment);
    assert(index < control->worker_count);
    return at(segment, (size_t)(control->ring_offset_bytes + index * control->ring_stride_bytes));
}

struct topology_shared *ipc_topology(void *segment)
{
    return at(segment, (size_t)ipc_control(segment)->topology_offset_bytes);
}

struct schedule *ipc_schedule(void *segment)
{
    return at(segment, (size_t)ipc_control(segment)->schedule_offset_bytes);
}

static uint64_t power_of_two_at_least(uint64_t value)
{
    uint64_t power = 64;
    while (power < value)
        power *= 2;
    return power;
}

/* A busy interval of a second touches some thousand buckets; one of 10 ms has seen only so many requests and is
 * smaller. All rings together stay below a bound: a full ring loses nothing, it only coarsens rows. A record that is
 * larger than its ring could never be published, and one that was held must fit beside it. */
uint64_t ipc_ring_capacity_bytes(uint64_t interval_ns, uint32_t worker_count, uint32_t class_count,
                                 uint32_t part_count)
{
    uint32_t classes = class_count > 1 ? class_count : 0;
    bool long_ones = interval_ns >= 100 * NS_PER_MS;
    uint32_t lanes = classes + part_count;
    uint64_t record_bytes = long_ones ? RECORD_LONG_BYTES + lanes * CLASS_LONG_BYTES
                                      : RECORD_SHORT_BYTES + lanes * CLASS_SHORT_BYTES;
    uint64_t records = interval_ns > 0 ? RING_SECONDS * NS_PER_SECOND / interval_ns + 1 : 1;
    uint64_t least = power_of_two_at_least(
        2 * (INTERVAL_CLASSES_MAX_BYTES(classes) + INTERVAL_PARTS_MAX_BYTES(part_count)));
    uint64_t capacity =
        power_of_two_at_least(records * record_bytes + RING_SECONDS * classes * CLASS_SECOND_BYTES);
    while (capacity > least && capacity > RING_TOTAL_MAX_BYTES / worker_count)
        capacity /= 2;
    return capacity > least ? capacity : least;
}

uint64_t ipc_failures(void *segment)
{
    static const enum counter failures[] = {COUNTER_ERROR_REPLIES, COUNTER_TIMED_OUT,
                                            COUNTER_LOST_TIMEOUT, COUNTER_LOST_DISCONNECT,
                                            COUNTER_LOST_PROTOCOL};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        sum += ipc_live_total(segment, failures[i]);
    return sum;
}

uint64_t ipc_live_total(void *segment, enum counter counter)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ipc_control(segment)->worker_count; i++)
        sum +=
            atomic_load_explicit(&ipc_worker(segment, i)->counters[counter], memory_order_relaxed);
    return sum;
}

uint32_t ipc_live_connections(void *segment)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < ipc_control(segment)->worker_count; i++)
        sum +=
            atomic_load_explicit(&ipc_worker(segment, i)->connections_ready, memory_order_relaxed);
    return sum;
}

void ipc_worker_disconnected(struct ipc_worker *worker)
{
    atomic_store_explicit(&worker->connections_ready, 0, memory_order_relaxed);
    for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++)
        atomic_store_explicit(&worker->nodes[i].connected, 0, memory_order_relaxed);
}
