#include "orchestrator/server/bottleneck.h"

#include <math.h>
#include <stdio.h>

#define CPU_BUSY 0.95
#define MEMORY_FULL 0.9
#define SLOW_USEC 1000.0 /* a call */
#define SLOW_SHARE 0.5   /* of the time of all commands */
#define FAILED_SHARE 0.01
#define FORK_SLOW_USEC 100000.0
#define HITS_FEW 0.5
#define LOOKUPS_LEAST 1000.0

struct look {
    const struct operations *operations;
    const struct profile_sample *first, *last;
    char *evidence;
};

static bool cpu_is_busy(const struct look *look)
{
    const double seconds = look->last->seconds - look->first->seconds;
    const double cpu = look->last->thread_cpu_seconds - look->first->thread_cpu_seconds;
    if (!(seconds > 0) || !(cpu >= CPU_BUSY * seconds))
        return false;
    snprintf(look->evidence, BOTTLENECK_EVIDENCE_BYTES,
             "its main thread used %.1f s of CPU time in %.1f s", cpu, seconds);
    return true;
}

static bool memory_is_full(const struct look *look)
{
    const struct profile_sample *last = look->last;
    const double evicted = last->evicted - look->first->evicted;
    if (!(evicted > 0) &&
        !(last->maxmemory > 0 && last->used_memory >= MEMORY_FULL * last->maxmemory))
        return false;
    snprintf(look->evidence, BOTTLENECK_EVIDENCE_BYTES,
             "%.0f keys were evicted; %.0f bytes of maxmemory %.0f are used",
             evicted > 0 ? evicted : 0, last->used_memory, last->maxmemory);
    return true;
}

static bool command_is_slow(const struct look *look)
{
    uint64_t all = 0;
    for (size_t i = 0; i < look->operations->count; i++)
        all += look->operations->items[i].usec;
    if (look->operations->count == 0 || all == 0)
        return false;
    const struct operation *most = &look->operations->items[0];
    const double each = most->calls > 0 ? (double)most->usec / (double)most->calls : 0;
    if (each < SLOW_USEC || (double)most->usec < SLOW_SHARE * (double)all)
        return false;
    snprintf(look->evidence, BOTTLENECK_EVIDENCE_BYTES,
             "%.60s takes %.3f ms a call, and %.0f %% of the time of all commands", most->name,
             each / 1e3, 100 * (double)most->usec / (double)all);
    return true;
}

static bool calls_fail(const struct look *look)
{
    uint64_t calls = 0, failed = 0;
    for (size_t i = 0; i < look->operations->count; i++) {
        calls += look->operations->items[i].calls;
        failed += look->operations->items[i].failed;
    }
    if (failed == 0 || (double)failed < FAILED_SHARE * (double)(calls + failed))
        return false;
    snprintf(look->evidence, BOTTLENECK_EVIDENCE_BYTES,
             "%llu calls failed or were rejected beside %llu", (unsigned long long)failed,
             (unsigned long long)calls);
    return true;
}

/* One of the counters that should stand still. */
static bool has_risen(const struct look *look, double first, double last, const char *words)
{
    if (!(last > first))
        return false;
    snprintf(look->evidence, BOTTLENECK_EVIDENCE_BYTES, "%.0f %s", last - first, words);
    return true;
}

static bool connections_are_rejected(const struct look *look)
{
    return has_risen(look, look->first->rejected_connections, look->last->rejected_connections,
                     "connections were refused at the limit of maxclients");
}

static bool disk_is_slow(const struct look *look)
{
    return has_risen(look, look->first->delayed_fsyncs, look->last->delayed_fsyncs,
                     "times a write had to wait for the disk (aof_delayed_fsync)");
}

static bool fork_is_slow(const struct look *look)
{
    if (!(look->last->forks > look->first->forks) || !(look->last->fork_usec >= FORK_SLOW_USEC))
        return false;
    snprintf(look->evidence, BOTTLENECK_EVIDENCE_BYTES,
             "the newest fork stopped it for %.0f ms (latest_fork_usec)",
             look->last->fork_usec / 1e3);
    return true;
}

static bool lookups_miss(const struct look *look)
{
    const double hits = look->last->hits - look->first->hits,
                 misses = look->last->misses - look->first->misses;
    if (!(hits + misses >= LOOKUPS_LEAST) || hits >= HITS_FEW * (hits + misses))
        return false;
    snprintf(look->evidence, BOTTLENECK_EVIDENCE_BYTES, "%.1f %% of %.0f lookups found their key",
             100 * hits / (hits + misses), hits + misses);
    return true;
}

static const struct {
    const char *name;
    bool (*holds)(const struct look *look);
    const char *suggestion;
} rules[] = {
    {"cpu", cpu_is_busy,
     "one thread carries out commands: cheaper commands, pipelining, io-threads, or more shards"},
    {"memory", memory_is_full, "raise maxmemory, or let fewer data stay"},
    {"slow_command", command_is_slow,
     "all others wait meanwhile: look for a smaller reach (COUNT, ranges), smaller values, shorter "
     "scripts; SLOWLOG GET has single calls"},
    {"failed_calls", calls_fail, "INFO errorstats tells the kinds of errors"},
    {"connections", connections_are_rejected,
     "let clients keep their connections, or raise maxclients"},
    {"disk", disk_is_slow, "a faster disk for the AOF, or no-appendfsync-on-rewrite"},
    {"fork", fork_is_slow,
     "a fork copies page tables: fewer saves, smaller servers, no transparent huge pages"},
    {"misses", lookups_miss,
     "more of what is asked for could stay: a larger maxmemory, longer TTLs"},
};
_Static_assert(sizeof rules / sizeof rules[0] <= BOTTLENECKS_MAX, "no room for all bottlenecks");

size_t bottlenecks_find(struct bottleneck bottlenecks[BOTTLENECKS_MAX],
                        const struct operations *operations, const struct profile_sample *first,
                        const struct profile_sample *last)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct bottleneck *one = &bottlenecks[count];
        *one = (struct bottleneck){.name = rules[i].name, .suggestion = rules[i].suggestion};
        const struct look look = {
            .operations = operations, .first = first, .last = last, .evidence = one->evidence};
        count += rules[i].holds(&look);
    }
    return count;
}
