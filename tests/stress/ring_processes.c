/* The ring between two processes, as volley uses it. Stand-alone: exit status 0 when nothing is lost.
 *
 *   ring_processes [--records N] [--sleep-seconds S]
 *
 * 1. A child pushes N records (default 1,000,000); every byte is checked.
 * 2. A child is killed in the middle of pushing, 30 times; what it published is whole, and its
 *    replacement goes on in the same ring.
 * 3. A child cuts an interval a millisecond while the reader sleeps S seconds (default 1). The ring
 *    fills up, the child keeps what it has and merges it into the next record. In the end every
 *    interval is covered once and all totals are equal. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/interval.h"
#include "common/ring.h"
#include "common/rng.h"
#include "common/units.h"
#include "tests/support/check/by_hand.h"

#define RECORD_MAX_BYTES 2000u
#define KILLS 30u
#define SMALL_RING_BYTES (1u << 14)
#define INTERVAL_RING_BYTES (1u << 20)
#define STEP_NS NS_PER_MS
#define VALUES_PER_STEP 400u

struct totals {
    uint64_t counters[COUNTER_COUNT];
    uint64_t errors_by_kind[ERROR_KINDS_MAX];
    uint64_t intervals;
    struct histogram histograms[HISTOGRAM_KINDS];
};

struct shared {
    struct totals totals;  /* the child's own tally, read when it has exited */
    _Atomic uint64_t kept; /* edges at which the ring was full; the child's  */
    _Atomic bool stop;     /* the reader's: the next interval is the last    */
    struct ring *ring;
};

static bool fail(const char *part, const char *what)
{
    printf("ring_processes: %s: %s\n", part, what);
    return false;
}

static void *map_shared(size_t byte_count)
{
    void *memory =
        mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("ring_processes: mmap");
        exit(EXIT_FAILURE);
    }
    return memory;
}

static struct ring *map_ring(uint64_t capacity_bytes)
{
    struct ring *ring = map_shared(ring_size_bytes(capacity_bytes));
    ring_init(ring, capacity_bytes);
    return ring;
}

static void unmap_ring(struct ring *ring)
{
    munmap(ring, ring_size_bytes(ring->capacity_bytes));
}

static void sleep_ns(uint64_t duration_ns)
{
    struct timespec left = {(time_t)(duration_ns / NS_PER_SECOND),
                            (long)(duration_ns % NS_PER_SECOND)};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* A child that dies with its parent. */
static pid_t start_child(void)
{
    fflush(NULL);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        perror("ring_processes: fork");
        exit(EXIT_FAILURE);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
    }
    return pid;
}

static bool child_succeeded(pid_t pid)
{
    int status = 0;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void kill_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Record k: its number, then bytes that depend on number and place. */
static uint32_t make_record(unsigned char *record, uint64_t k)
{
    uint32_t length =
        (uint32_t)sizeof k + (uint32_t)rng_bounded(rng_at(1, k), RECORD_MAX_BYTES - 8);
    memcpy(record, &k, sizeof k);
    uint64_t state = rng_at(2, k);
    for (uint32_t i = sizeof k; i < length; i++) {
        record[i] = (unsigned char)(state >> 56);
        state = state * 6364136223846793005ull + 1442695040888963407ull;
    }
    return length;
}

static void push_records(struct ring *ring, uint64_t first, uint64_t end)
{
    unsigned char record[RECORD_MAX_BYTES];
    for (uint64_t k = first; k < end; k++) {
        uint32_t length = make_record(record, k);
        while (!ring_try_push(ring, record, length))
            sched_yield();
    }
}

/* Takes one record and compares it with number k. False: none there (*good stays), or a wrong one
 * (*good becomes false). */
static bool take_record(struct ring *ring, uint64_t k, bool *good)
{
    unsigned char out[RECORD_MAX_BYTES];
    unsigned char expected[RECORD_MAX_BYTES];
    uint32_t length = ring_peek(ring, out, sizeof out);
    if (length == 0)
        return false;
    *good = length == make_record(expected, k) && memcmp(out, expected, length) == 0;
    if (*good)
        ring_pop(ring);
    return *good;
}

static bool check_records(uint64_t records)
{
    struct ring *ring = map_ring(SMALL_RING_BYTES);
    uint64_t deadline_ns = clock_now_ns() + 300 * NS_PER_SECOND;
    pid_t pid = start_child();
    if (pid == 0) {
        push_records(ring, 0, records);
        _exit(0);
    }
    bool good = true;
    uint64_t k = 0;
    uint64_t waits = 0;
    while (k < records && good) {
        if (take_record(ring, k, &good)) {
            k++;
        } else if (good) {
            sched_yield();
            good = ++waits % 1024 != 0 || clock_now_ns() < deadline_ns;
        }
    }
    if (!good)
        kill_child(pid);
    bool ended = good && child_succeeded(pid);
    bool empty = ring_fill_bytes(ring) == 0;
    unmap_ring(ring);
    if (!ended || !empty)
        return fail("records", "a record is wrong, missing or late");
    printf("ring_processes: records: %lu ok\n", (unsigned long)records);
    return true;
}

static bool check_kills(void)
{
    struct ring *ring = map_ring(SMALL_RING_BYTES);
    uint64_t deadline_ns = clock_now_ns() + 300 * NS_PER_SECOND;
    uint64_t k = 0;
    bool good = true;
    for (uint64_t round = 0; round < KILLS && good; round++) {
        pid_t pid = start_child();
        if (pid == 0) {
            push_records(ring, k, UINT64_MAX);
            _exit(0);
        }
        uint64_t kill_at = k + 1 + rng_bounded(rng_at(3, round), 5000);
        uint64_t waits = 0;
        while (k < kill_at && good) {
            if (take_record(ring, k, &good))
                k++;
            else if (good)
                good = ++waits % 1024 != 0 || clock_now_ns() < deadline_ns;
        }
        kill_child(pid);
        while (take_record(ring, k, &good))
            k++;
        good = good && ring_fill_bytes(ring) == 0;
    }
    unmap_ring(ring);
    if (!good)
        return fail("kills", "a killed producer left a broken ring");
    printf("ring_processes: kills: %u producers killed, %lu records ok\n", KILLS, (unsigned long)k);
    return true;
}

/* What a worker does in one interval: counters, kinds, histograms; the same into its tally. */
static void work(struct interval *interval, struct totals *totals, uint64_t step)
{
    for (uint64_t i = 0; i < VALUES_PER_STEP; i++) {
        uint64_t place = step * VALUES_PER_STEP + i;
        uint64_t value = 50000 + (rng_at(4, place) >> (36 + place % 12));
        bool is_error = place % 97 == 0;
        enum counter counter = is_error ? COUNTER_ERROR_REPLIES : COUNTER_OK;
        enum interval_histogram_kind kind =
            is_error ? HISTOGRAM_SERVICE_ERROR : HISTOGRAM_SERVICE_OK;
        unsigned word = (unsigned)(place % ERROR_KINDS_MAX);
        interval->counters[COUNTER_SENT]++;
        interval->counters[COUNTER_DUE]++;
        interval->counters[counter]++;
        interval_histogram_record(&interval->histograms[kind], value);
        totals->counters[COUNTER_SENT]++;
        totals->counters[COUNTER_DUE]++;
        totals->counters[counter]++;
        histogram_record_n(&totals->histograms[kind], value, 1);
        if (is_error) {
            interval->errors_by_kind[word]++;
            totals->errors_by_kind[word]++;
        }
    }
    totals->intervals++;
}

/* The child: one interval a step; a full ring keeps the interval, which grows. */
static int produce_intervals(struct shared *shared, uint64_t deadline_ns)
{
    static struct interval interval;
    static unsigned char bytes[INTERVAL_RECORD_MAX_BYTES];
    interval_init(&interval);
    uint64_t step = 0;
    uint64_t first = 0;
    for (bool last = false; !last; step++) {
        last = atomic_load(&shared->stop) || clock_now_ns() > deadline_ns;
        work(&interval, &shared->totals, step);
        interval.header.first = (uint32_t)first;
        interval.header.last = (uint32_t)step;
        interval.header.flags = last ? INTERVAL_LAST : 0;
        size_t length = interval_encode(bytes, &interval);
        bool pushed = ring_try_push(shared->ring, bytes, (uint32_t)length);
        while (last && !pushed) { /* the last one has no next to be merged into */
            if (clock_now_ns() > deadline_ns + 5 * NS_PER_SECOND)
                return EXIT_FAILURE;
            sleep_ns(STEP_NS);
            pushed = ring_try_push(shared->ring, bytes, (uint32_t)length);
        }
        if (pushed) {
            interval_reset(&interval);
            first = step + 1;
        } else {
            atomic_fetch_add(&shared->kept, 1);
        }
        sleep_ns(STEP_NS);
    }
    return EXIT_SUCCESS;
}

/* The reader: adds up all records to the last; each must begin where the one before ended. The first
 * one that was kept and merged ends the run. */
static const char *collect_intervals(struct shared *shared, struct interval_row *row,
                                     uint64_t *next_number, uint64_t *widest, uint64_t deadline_ns)
{
    static unsigned char bytes[INTERVAL_RECORD_MAX_BYTES];
    struct ring *ring = shared->ring;
    for (;;) {
        uint32_t length = ring_peek(ring, bytes, sizeof bytes);
        if (length == 0) {
            if (clock_now_ns() > deadline_ns)
                return "no last record came";
            sleep_ns(STEP_NS);
            continue;
        }
        struct err err = {OK, ""};
        struct interval_header header;
        if (length > sizeof bytes)
            return "a record is longer than the bound";
        if (interval_decode_header(&header, bytes, length, &err) != OK ||
            interval_decode_add(row, bytes, length, NULL, &err) != OK)
            return "a record cannot be read";
        ring_pop(ring);
        if (header.first != *next_number)
            return "an interval is missing or came twice";
        *next_number = (uint64_t)header.last + 1;
        uint64_t width = (uint64_t)header.last - header.first + 1;
        if (width > *widest)
            *widest = width;
        if (width > 1)
            atomic_store(&shared->stop, true);
        if ((header.flags & INTERVAL_LAST) != 0)
            return NULL;
    }
}

static const char *compare_totals(const struct totals *totals, const struct interval_row *row)
{
    if (memcmp(totals->counters, row->counters, sizeof row->counters) != 0)
        return "counters differ";
    if (memcmp(totals->errors_by_kind, row->errors_by_kind, sizeof row->errors_by_kind) != 0)
        return "error kinds differ";
    if (memcmp(totals->histograms, row->histograms, sizeof row->histograms) != 0)
        return "histograms differ";
    struct err err = {OK, ""};
    if (interval_row_check(row, &err) != OK)
        return "the identities do not hold";
    return NULL;
}

static bool check_sleeping_reader(uint64_t sleep_seconds)
{
    static struct interval_row row;
    interval_row_init(&row);
    struct shared *shared = map_shared(sizeof *shared);
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        histogram_init(&shared->totals.histograms[i]);
    shared->ring = map_ring(INTERVAL_RING_BYTES);
    uint64_t deadline_ns = clock_now_ns() + (sleep_seconds + 60) * NS_PER_SECOND;
    pid_t pid = start_child();
    if (pid == 0)
        _exit(produce_intervals(shared, deadline_ns));
    sleep_ns(sleep_seconds * NS_PER_SECOND);
    while (atomic_load(&shared->kept) < 10 && clock_now_ns() < deadline_ns)
        sleep_ns(STEP_NS); /* a slow machine needs longer to fill the ring */
    uint64_t fill_bytes = ring_fill_bytes(shared->ring);
    uint64_t next_number = 0;
    uint64_t widest = 0;
    const char *failure =
        collect_intervals(shared, &row, &next_number, &widest, deadline_ns + 10 * NS_PER_SECOND);
    if (failure != NULL)
        kill_child(pid);
    else if (!child_succeeded(pid))
        failure = "the producer failed";
    if (failure == NULL)
        failure = compare_totals(&shared->totals, &row);
    if (failure == NULL && next_number != shared->totals.intervals)
        failure = "the number of intervals differs";
    if (failure == NULL && widest < 2)
        failure = "the ring was never full: this run shows nothing";
    printf("ring_processes: reader slept %lu s: %lu intervals, fill %lu bytes, kept %lu times, "
           "widest record %lu intervals, %lu requests\n",
           (unsigned long)sleep_seconds, (unsigned long)next_number, (unsigned long)fill_bytes,
           (unsigned long)atomic_load(&shared->kept), (unsigned long)widest,
           (unsigned long)row.counters[COUNTER_SENT]);
    unmap_ring(shared->ring);
    munmap(shared, sizeof *shared);
    return failure == NULL || fail("sleeping reader", failure);
}

int main(int argc, char **argv)
{
    uint64_t records = 1000000;
    uint64_t sleep_seconds = 1;
    for (int i = 1; i < argc; i += 2) {
        uint64_t *value = strcmp(argv[i], "--records") == 0         ? &records
                          : strcmp(argv[i], "--sleep-seconds") == 0 ? &sleep_seconds
                                                                    : NULL;
        if (value == NULL || i + 1 >= argc || !units_parse_count(value, argv[i + 1]) ||
            sleep_seconds > 300) {
            fprintf(stderr, "usage: ring_processes [--records N] [--sleep-seconds 0..300]\n");
            return 2;
        }
    }
    bool ok = check_records(records);
    ok = check_kills() && ok;
    ok = check_sleeping_reader(sleep_seconds) && ok;
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
