#include "tests/support/check/simulated_run.h"

#include <check.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/support/check/by_hand.h"
#include "tests/support/check/simulation.h"

#define RING_BYTES (1ull << 24)
#define LOOK_NS NS_PER_MS

void simulated_run_init(struct simulated_run *simulated)
{
    *simulated = (struct simulated_run){
        .spec = {.load.key_order = KEYS_RANDOM,
                 .load.keyspace = 1000,
                 .load.data_bytes = 3,
                 .load.interval_ns = 100 * NS_PER_MS,
                 .endpoint.request_timeout_ns = 5 * NS_PER_SECOND,
                 .endpoint.connection_timeout_ns = 2 * NS_PER_SECOND,
                 .load.drain_timeout_ns = NS_PER_SECOND,
                 .rate.pacing = PACING_SLEEP},
        .run = {.pipeline = 1, .worker_count = 1},
        .share = {.cpu = -1, .connections = 1},
    };
}

static size_t segment_bytes(const struct simulated_run *simulated)
{
    return ipc_segment_bytes(1, RING_BYTES, simulated->rate > 0 ? schedule_bytes(1, true) : 0);
}

static void map_segment(struct simulated_run *simulated)
{
    void *segment = mmap(NULL, segment_bytes(simulated), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(segment, MAP_FAILED);
    ipc_segment_init(segment, 1, RING_BYTES);
    struct ipc_control *control = ipc_control(segment);
    atomic_store(&control->measure_after_ns, simulated->run.warmup_ns);
    atomic_store(&control->stop_ns, IPC_NEVER);
    if (simulated->rate > 0) {
        const struct rate_step rate = {.length_ns = SCHEDULE_NEVER,
                                       .from_micro = simulated->rate * SCHEDULE_MICRO,
                                       .to_micro = simulated->rate * SCHEDULE_MICRO,
                                       .shape = SCHEDULE_CONSTANT};
        schedule_plan(ipc_schedule(segment), &rate, 1, true);
        simulated->spec.rate.warmup_micro = rate.from_micro;
        simulated->run.open_loop = true;
    }
    if (simulated->topology != NULL)
        topology_publish(ipc_topology(segment), simulated->topology);
    simulated->run.topology = simulated->topology;
    simulated->run.segment = segment;
}

static struct workload *compile(const struct simulated_run *simulated)
{
    struct err err = {.code = OK};
    struct workload *workload = NULL;
    struct workload_source source = {.argv = simulated->command, .argc = simulated->argument_count};
    if (simulated->command == NULL)
        source.test = workload_test_find("set");
    enum err_code code = workload_create(&workload, &source, &simulated->spec, &err);
    ck_assert_msg(code == OK, "%s", err.text);
    return workload;
}

/* The streams of the worker under way. */
static struct simulated_run *const *under_way;
static size_t under_way_count;

static void announce_start(uint64_t ahead_ns)
{
    const uint64_t start_ns = simulation_now_ns() + ahead_ns;
    for (size_t i = 0; i < under_way_count; i++) {
        struct ipc_control *control = ipc_control(under_way[i]->run.segment);
        under_way[i]->start_ns = start_ns;
        if (under_way[i]->stop_after_ns > 0)
            atomic_store(&control->stop_ns, start_ns + under_way[i]->stop_after_ns);
        atomic_store(&control->start_ns, start_ns);
    }
    simulation_pass(under_way[0]->woken_late_ns);
}

/* What the fleet does: one start for all, once the worker is ready. */
static void start(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < under_way_count; i++)
        if (atomic_load(&ipc_worker(under_way[i]->run.segment, 0)->state) != WORKER_READY) {
            simulation_at(simulation_now_ns() + LOOK_NS, start, NULL);
            return;
        }
    announce_start(LOOK_NS);
    ck_assert_int_eq(eventfd_write(under_way[0]->run.wake_fd, 1), 0);
}

/* Whether a window of classes ends with it. */
static bool check_record(const unsigned char *record, uint32_t bytes,
                         const struct interval_header *header)
{
    struct err err = {.code = OK};
    struct interval_row *row = interval_row_create();
    ck_assert_ptr_nonnull(row);
    ck_assert_int_eq(interval_decode_add(row, record, bytes, NULL, &err), OK);
    row->header = *header;
    enum err_code code = interval_row_check(row, &err);
    ck_assert_msg(code == OK, "%s", err.text);
    const bool window_ends = row->window_ends;
    free(row);
    return window_ends;
}

static void read_books(struct simulated_run *simulated)
{
    struct err err = {.code = OK};
    struct ring *ring = ipc_ring(simulated->run.segment, 0);
    unsigned char *record = malloc(INTERVAL_RECORD_MAX_BYTES);
    simulated->warmup = interval_row_create();
    simulated->measured = interval_row_create();
    ck_assert_ptr_nonnull(record);
    for (uint32_t bytes; (bytes = ring_peek(ring, record, INTERVAL_RECORD_MAX_BYTES)) > 0;) {
        struct interval_header header;
        ck_assert_int_eq(interval_decode_header(&header, record, bytes, &err), OK);
        simulated->window_count += check_record(record, bytes, &header);
        struct interval_row *sum =
            header.flags & INTERVAL_WARMUP ? simulated->warmup : simulated->measured;
        ck_assert_int_eq(interval_decode_add(sum, record, bytes, NULL, &err), OK);
        outcome_times_add(&sum->header.times, &header.times);
        if (simulated->record_count++ == 0)
            simulated->first = header;
        else
            ck_assert_uint_eq(header.first, simulated->last.last + 1);
        simulated->last = header;
        for (uint32_t i = 0; i < header.own_stops.count; i++)
            own_stops_add(&simulated->own_stops, header.own_stops.items[i]);
        ring_pop(ring);
    }
    if (simulated->own_stops.count == 1)
        simulated->own_stop = simulated->own_stops.items[0];
    ck_assert(simulated->last.flags & INTERVAL_LAST);
    free(record);
}

void simulated_runs_go(struct simulated_run *const *streams, size_t count,
                       const struct scripted_server *server)
{
    struct worker_stream given[WORKER_STREAMS_MAX];
    const int wake_fd = eventfd(0, EFD_NONBLOCK);
    simulation_begin(SIMULATED_LIMIT_SECONDS * NS_PER_SECOND);
    scripted_begin(server);
    for (size_t i = 0; i < count; i++) {
        struct simulated_run *simulated = streams[i];
        simulated->workload = compile(simulated);
        map_segment(simulated);
        simulated->run.spec = &simulated->spec;
        simulated->run.workload = simulated->workload;
        simulated->run.transport = &scripted_transport;
        simulated->run.wake_fd = wake_fd;
        given[i] = (struct worker_stream){&simulated->run, &simulated->share};
    }
    under_way = streams;
    under_way_count = count;
    if (streams[0]->share.replacement)
        announce_start(SIMULATED_START_NS);
    else
        simulation_at(simulation_now_ns() + SIMULATED_START_NS, start, NULL);
    int status = worker_main(given, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        streams[i]->live = ipc_worker(streams[i]->run.segment, 0);
        ck_assert_msg(status == 0, "stream %zu: %s", i, streams[i]->live->err.text);
        read_books(streams[i]);
    }
}

void simulated_run_go(struct simulated_run *simulated, const struct scripted_server *server)
{
    simulated_runs_go(&simulated, 1, server);
}

void simulated_runs_free(struct simulated_run *const *streams, size_t count)
{
    simulation_forget();
    scripted_free();
    close(streams[0]->run.wake_fd);
    for (size_t i = 0; i < count; i++) {
        workload_destroy(streams[i]->workload);
        free(streams[i]->warmup);
        free(streams[i]->measured);
        munmap(streams[i]->run.segment, segment_bytes(streams[i]));
    }
}

void simulated_run_free(struct simulated_run *simulated)
{
    simulated_runs_free(&simulated, 1);
}
