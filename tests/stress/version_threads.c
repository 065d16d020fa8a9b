/* Versions of keys under threads, for ThreadSanitizer: each writes and reads few keys at a server that is one word a
 * key, as fast as it can. Stand-alone: exit status 0 when no right value was called wrong.
 *
 *   version_threads [--operations N]        of each thread; default 1,000,000 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/units.h"
#include "common/version_table.h"

#define THREADS 4u
#define KEYS 3u

static const struct version_space space = {.count = KEYS};
static struct version_entry entries[KEYS];
static _Atomic uint32_t values[KEYS]; /* the server's */

struct shift {
    uint64_t seed, operations, reads;
    const char *failure;
};

static void write_key(uint32_t key, uint64_t random)
{
    const uint32_t version = version_claim(&entries[key]);
    const bool arrives = random % 16 != 0;
    if (arrives)
        atomic_store_explicit(&values[key], version, memory_order_seq_cst);
    if (arrives && random % 5 != 0)
        version_taken(&entries[key]);
    else if (!arrives && random % 5 == 0)
        version_refused(&entries[key]);
    else
        version_unsure(&entries[key]);
    /* The server may go on with it long after the connection broke. */
    if (!arrives && random % 5 == 1) {
        sched_yield();
        atomic_store_explicit(&values[key], version, memory_order_seq_cst);
    }
}

static void *work(void *argument)
{
    struct shift *shift = argument;
    for (uint64_t i = 0; i < shift->operations; i++) {
        const uint64_t random = rng_at(shift->seed, i);
        const uint32_t key = (uint32_t)(random >> 60) % KEYS;
        if (random % 2 == 0) {
            write_key(key, random >> 8);
            continue;
        }
        const uint32_t acked = version_look(&entries[key]).acked;
        const uint32_t value = atomic_load_explicit(&values[key], memory_order_seq_cst);
        const enum version_verdict verdict = version_judge(
            &entries[key], &space, acked, value > 0 ? VALUE_WHOLE : VALUE_MISSING, value);
        shift->reads += verdict == VERSION_RIGHT;
        if (verdict == VERSION_CORRUPTED || verdict == VERSION_OLD)
            shift->failure = "a right value was called wrong";
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct shift shifts[THREADS];
    pthread_t threads[THREADS];
    uint64_t operations = 1000000, reads = 0;
    const char *failure = NULL;
    if (argc == 3 && strcmp(argv[1], "--operations") == 0) {
        if (!units_parse_count(&operations, argv[2]))
            return 2;
    } else if (argc != 1) {
        fprintf(stderr, "usage: version_threads [--operations N]\n");
        return 2;
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        shifts[i] = (struct shift){.seed = i, .operations = operations};
        if (pthread_create(&threads[i], NULL, work, &shifts[i]) != 0)
            abort();
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        reads += shifts[i].reads;
        failure = shifts[i].failure != NULL ? shifts[i].failure : failure;
    }
    for (uint32_t i = 0; i < KEYS && failure == NULL; i++)
        if (version_look(&entries[i]).in_flight != 0 || version_look(&entries[i]).current < 10)
            failure = "writes are left, or there were none";
    if (failure == NULL && reads < operations / 10)
        failure = "hardly a read was checked";
    printf("version_threads: %u threads, %lu operations each, %lu reads checked: %s\n", THREADS,
           (unsigned long)operations, (unsigned long)reads, failure == NULL ? "ok" : failure);
    return failure == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
