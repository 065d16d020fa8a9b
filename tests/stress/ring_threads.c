/* The ring under two threads, for ThreadSanitizer: one pushes records of random lengths, the other
 * checks every byte of each. Stand-alone: exit status 0 when all arrived whole and in order.
 *
 *   ring_threads [--records N]        per capacity; default 1,000,000 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/ring.h"
#include "common/rng.h"
#include "common/units.h"
#include "tests/support/check/by_hand.h"

#define RECORD_MAX_BYTES 1500u
#define PATTERN_BYTES 8192u
#define DEADLINE_NS (120 * NS_PER_SECOND) /* of one capacity: then something is stuck */

static unsigned char pattern[PATTERN_BYTES + RECORD_MAX_BYTES];

struct shift {
    struct ring *ring;
    uint64_t records;
    uint64_t longest_bytes;
    uint64_t deadline_ns;
    uint64_t waits; /* times the ring was full (producer) or empty (consumer) */
    const char *failure;
};

/* Record k is a stretch of the pattern: length and start are functions of k. */
static uint32_t record_bytes(const struct shift *shift, uint64_t k)
{
    return 1 + (uint32_t)rng_bounded(rng_at(1, k), shift->longest_bytes);
}

static const unsigned char *record_start(uint64_t k)
{
    return pattern + rng_bounded(rng_at(2, k), PATTERN_BYTES);
}

/* Lets the other thread on. False: the deadline has passed. */
static bool wait_a_little(struct shift *shift)
{
    shift->waits++;
    sched_yield();
    return shift->waits % 1024 != 0 || clock_now_ns() < shift->deadline_ns;
}

static void *produce(void *argument)
{
    struct shift *shift = argument;
    for (uint64_t k = 0; k < shift->records; k++) {
        while (!ring_try_push(shift->ring, record_start(k), record_bytes(shift, k))) {
            if (!wait_a_little(shift)) {
                shift->failure = "the producer waited too long";
                return NULL;
            }
        }
    }
    return NULL;
}

static void *consume(void *argument)
{
    struct shift *shift = argument;
    unsigned char out[RECORD_MAX_BYTES];
    for (uint64_t k = 0; k < shift->records; k++) {
        uint32_t length;
        while ((length = ring_peek(shift->ring, out, sizeof out)) == 0) {
            if (!wait_a_little(shift)) {
                shift->failure = "the consumer waited too long";
                return NULL;
            }
        }
        if (length != record_bytes(shift, k)) {
            shift->failure = "a record has another length";
            return NULL;
        }
        if (memcmp(out, record_start(k), length) != 0) {
            shift->failure = "a record has other bytes";
            return NULL;
        }
        ring_pop(shift->ring);
        if (k % 256 == 0 && ring_fill_bytes(shift->ring) > shift->ring->capacity_bytes) {
            shift->failure = "the fill is beyond the capacity";
            return NULL;
        }
    }
    return NULL;
}

static bool run(uint64_t capacity_bytes, uint64_t records)
{
    struct ring *ring = aligned_alloc(64, ring_size_bytes(capacity_bytes));
    if (ring == NULL)
        return false;
    memset(ring, 0, ring_size_bytes(capacity_bytes));
    ring_init(ring, capacity_bytes);
    uint64_t longest =
        capacity_bytes - 4 < RECORD_MAX_BYTES ? capacity_bytes - 4 : RECORD_MAX_BYTES;
    struct shift producer = {.ring = ring,
                             .records = records,
                             .longest_bytes = longest,
                             .deadline_ns = clock_now_ns() + DEADLINE_NS};
    struct shift consumer = producer;
    pthread_t threads[2];
    if (pthread_create(&threads[0], NULL, produce, &producer) != 0)
        abort();
    if (pthread_create(&threads[1], NULL, consume, &consumer) != 0)
        abort();
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    const char *failure = consumer.failure != NULL ? consumer.failure : producer.failure;
    if (failure == NULL && ring_fill_bytes(ring) != 0)
        failure = "something is left in the ring";
    printf("ring_threads: capacity %lu: %lu records, full %lu times, empty %lu times: %s\n",
           (unsigned long)capacity_bytes, (unsigned long)records, (unsigned long)producer.waits,
           (unsigned long)consumer.waits, failure == NULL ? "ok" : failure);
    free(ring);
    return failure == NULL;
}

int main(int argc, char **argv)
{
    static const uint64_t capacities[] = {64, 256, 4096, 1 << 16};
    uint64_t records = 1000000;
    if (argc == 3 && strcmp(argv[1], "--records") == 0) {
        if (!units_parse_count(&records, argv[2]))
            return 2;
    } else if (argc != 1) {
        fprintf(stderr, "usage: ring_threads [--records N]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (unsigned char)rng_at(3, i);
    bool ok = true;
    for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++)
        ok = run(capacities[i], records) && ok;
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
