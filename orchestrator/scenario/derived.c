#include "orchestrator/scenario/derived.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/statistics.h"
#include "orchestrator/scenario/derived_trouble.h"
#include "orchestrator/scenario/derived_vectors.h"
#include "orchestrator/scenario/leak.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LITTLE_BYTES SERIES_MB
#define LITTLE_SHARE 0.01
#define STALL_SHARE 0.1
#define NS_PER_SECOND 1e9

/* The account of phase i, when the set has it. */
static const struct phase_account *account_in(const struct observation *observation,
                                              const struct phase_set *set, uint32_t i)
{
    return set->has[i] ? &observation->accounts[i] : NULL;
}

#define FOR_ACCOUNTS(account, observation, set)                                                    \
    for (uint32_t phase_ = 0; phase_ < (observation)->scenario->phase_count; phase_++)             \
        for (const struct phase_account *account = account_in(observation, set, phase_);           \
             (account) != NULL; (account) = NULL)

double derived_cleanup_efficiency(const struct observation *observation,
                                  const struct phase_set *set)
{
    double used = 0, resident = 0;
    FOR_ACCOUNTS(account, observation, set)
    {
        const double before = account->before[SERIES_USED_MEMORY];
        const double fall = before - account->after[SERIES_USED_MEMORY];
        const double given_back = account->before[SERIES_RSS] - account->after[SERIES_RSS];
        if (!(fall > fmax(LITTLE_BYTES, before * LITTLE_SHARE)) || isnan(given_back))
            continue;
        used += fall;
        resident += given_back;
    }
    return used > 0 ? resident / used : NAN;
}

double derived_alloc_efficiency(const struct observation *observation, const struct phase_set *set)
{
    double stored = 0, growth = 0;
    FOR_ACCOUNTS(account, observation, set)
    {
        const double grown =
            account->after[SERIES_USED_MEMORY] - account->before[SERIES_USED_MEMORY];
        const double payload = (double)account->payload_bytes;
        if (!(grown > LITTLE_BYTES) || payload == 0 || payload > grown)
            continue;
        stored += payload;
        growth += grown;
    }
    return growth > 0 ? stored / growth : NAN;
}

/* Of one phase; `room` holds as many numbers as there are samples. Each sample stands for the time since the one before it,
 * or since its phase began. NAN: without samples. */
static double stalled(const struct observation *observation, uint32_t phase, double *room)
{
    const struct phase_set set = phase_set_of(phase);
    const size_t count = observation_samples(observation, &set, SERIES_OPS, NULL, room);
    if (count == 0)
        return NAN;
    const double limit = statistics_median(room, count) * STALL_SHARE;
    uint64_t since_ns = observation->accounts[phase].start_ns, stalled_ns = 0;
    for (size_t i = 0; i < observation->series->count; i++) {
        const struct series_row *row = &observation->series->rows[i];
        if (row->phase != phase)
            continue;
        if (row->values[SERIES_OPS] < limit && row->at_ns > since_ns)
            stalled_ns += row->at_ns - since_ns;
        since_ns = row->at_ns;
    }
    return (double)stalled_ns / NS_PER_SECOND;
}

double derived_stall_seconds(const struct observation *observation, const struct phase_set *set)
{
    double *room = calloc(observation->series->count + 1, sizeof *room);
    double sum = NAN;
    for (uint32_t i = 0; room != NULL && i < observation->scenario->phase_count; i++) {
        const double seconds = set->has[i] ? stalled(observation, i, room) : NAN;
        if (!isnan(seconds))
            sum = isnan(sum) ? seconds : sum + seconds;
    }
    free(room);
    return sum;
}

static double error_rate(const struct observation *observation, const struct phase_set *set)
{
    double failed = 0, all = 0;
    FOR_ACCOUNTS(account, observation, set)
    {
        failed += (double)account->requests_failed;
        all += (double)account->requests_failed + (double)account->requests_ok;
    }
    return all > 0 ? failed / all : NAN;
}

/* What the servers count, of all that was read there. */
static double hit_rate(const struct observation *observation, const struct phase_set *set)
{
    double hits = 0, misses = 0;
    FOR_ACCOUNTS(account, observation, set)
    {
        hits += account->after[SERIES_HITS] - account->before[SERIES_HITS];
        misses += account->after[SERIES_MISSES] - account->before[SERIES_MISSES];
    }
    return hits + misses > 0 ? hits / (hits + misses) : NAN;
}

/* Over the time in which the phases sent requests. */
static double throughput(const struct observation *observation, const struct phase_set *set)
{
    double requests = 0, seconds = 0;
    FOR_ACCOUNTS(account, observation, set)
    {
        if (account->requests_ok + account->requests_failed == 0 || isnan(account->rate))
            continue;
        requests += account->rate * account->load_seconds;
        seconds += account->load_seconds;
    }
    return seconds > 0 ? requests / seconds : NAN;
}

/* As those speak of it who count messages. */
static double messages_per_minute(const struct observation *observation,
                                  const struct phase_set *set)
{
    return 60 * throughput(observation, set);
}

/* CPU seconds of the servers by second of the phases: cores that they kept busy. */
static double server_cpu(const struct observation *observation, const struct phase_set *set)
{
    double cpu = 0, seconds = 0;
    FOR_ACCOUNTS(account, observation, set)
    {
        const double used = account->after[SERIES_CPU_SYS] + account->after[SERIES_CPU_USER] -
                            account->before[SERIES_CPU_SYS] - account->before[SERIES_CPU_USER];
        if (isnan(used))
            continue;
        cpu += used;
        seconds += (double)(account->end_ns - account->start_ns) / NS_PER_SECOND;
    }
    return seconds > 0 ? cpu / seconds : NAN;
}

/* Percentiles of phases cannot be added up; none of them is worse than this. */
#define WORST(name, member)                                                                        \
    static double name(const struct observation *observation, const struct phase_set *set)         \
    {                                                                                              \
        double worst = NAN;                                                                        \
        FOR_ACCOUNTS(account, observation, set) worst = fmax(worst, account->member);              \
        return worst;                                                                              \
    }
WORST(worst_mean, mean_ms)
WORST(worst_p50, p50_ms)
WORST(worst_p95, p95_ms)
WORST(worst_p99, p99_ms)
WORST(worst_max, max_ms)

/* What the last of the phases has more than the first, as a part of it. */
static double drift(const struct observation *observation, const struct phase_set *set,
                    double (*of)(const struct observation *, const struct phase_set *))
{
    double first = NAN, last = NAN;
    uint32_t known = 0;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_set one = phase_set_of(i);
        const double value = set->has[i] ? of(observation, &one) : NAN;
        if (isnan(value))
            continue;
        first = known++ == 0 ? value : first;
        last = value;
    }
    return known >= 2 && first > 0 ? last / first - 1 : NAN;
}

static double throughput_drift(const struct observation *observation, const struct phase_set *set)
{
    return drift(observation, set, throughput);
}

static double p99_drift(const struct observation *observation, const struct phase_set *set)
{
    return drift(observation, set, worst_p99);
}

/* A metric against another one, or against minutes, in these phases. */
static struct statistics_line line_of(const struct observation *observation,
                                      const struct phase_set *set, enum series_metric metric,
                                      const enum series_metric *against)
{
    struct statistics_line line = {.slope = NAN, .r2 = NAN};
    const size_t room = observation->series->count + 1;
    double *x = calloc(room, sizeof *x), *y = calloc(room, sizeof *y);
    if (x != NULL && y != NULL) {
        size_t count = observation_samples(observation, set, metric, x, y);
        if (against != NULL && observation_samples(observation, set, *against, NULL, x) != count)
            count = 0; /* one is known where the other is not */
        line = statistics_line(x, y, count);
    }
    free(x);
    free(y);
    return line;
}

/* MB by minute. */
static double growth_slope(const struct observation *observation, const struct phase_set *set)
{
    return line_of(observation, set, SERIES_USED_MEMORY, NULL).slope / SERIES_MB;
}

/* How far used_memory goes by the number of keys. */
static double growth_r2(const struct observation *observation, const struct phase_set *set)
{
    static const enum series_metric keys = SERIES_KEYS;
    return line_of(observation, set, SERIES_USED_MEMORY, &keys).r2;
}

/* Of the phases of one turn of a loop, or of one phase. */
static double fragmentation_of_turn(const struct observation *observation,
                                    const struct phase_set *set, uint32_t turn)
{
    struct phase_set of_turn = *set;
    double sum = 0;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++)
        of_turn.has[i] = set->has[i] && observation->scenario->phases[i].loop_index == turn;
    double *values = calloc(observation->series->count + 1, sizeof *values);
    size_t count = 0;
    if (values != NULL)
        count = observation_samples(observation, &of_turn, SERIES_FRAGMENTATION, NULL, values);
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    free(values);
    return count > 0 ? sum / (double)count : NAN;
}

/* By how much mem_fragmentation_ratio is higher in the last turn of a loop than in its first. */
static double fragmentation_trend(const struct observation *observation,
                                  const struct phase_set *set)
{
    uint32_t first = UINT32_MAX, last = 0;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const uint32_t turn = observation->scenario->phases[i].loop_index;
        if (!set->has[i] || turn == 0)
            continue;
        first = turn < first ? turn : first;
        last = turn > last ? turn : last;
    }
    return last > first ? fragmentation_of_turn(observation, set, last) -
                              fragmentation_of_turn(observation, set, first)
                        : NAN;
}

static double target_missed(const struct observation *observation, const struct phase_set *set)
{
    double missed = NAN;
    FOR_ACCOUNTS(account, observation, set)
    missed = (isnan(missed) ? 0 : missed) + (account->target_missed ? 1 : 0);
    return missed;
}

static double leak_verdict(const struct observation *observation, const struct phase_set *set)
{
    (void)set;
    const struct leak leak = leak_judge(observation);
    return leak.verdict == LEAK_NOT_JUDGED ? NAN : (double)(leak.verdict - LEAK_NONE);
}

#define NO_REQUEST "no request was answered there"
#define NO_VECTORS "no vectors were added there, or used_memory grew by no more than 1 MB"
#define NO_INDEX "there is no index there, or its server does not say"
#define NO_BUILD "no index was built there of vectors that were there"
#define NO_DROP "no index was dropped before, or used_memory was not sampled"
#define NO_SENT "no request was sent there"
#define NO_BUFFER "no phase there had a buffer of the client, or it sent nothing"
static const struct derived_metric table[] = {
    {"cleanup_efficiency", false, derived_cleanup_efficiency,
     "used_memory fell by no more than 1 % or 1 MB there"},
    {"alloc_efficiency", false, derived_alloc_efficiency,
     "used_memory did not grow by what was written there"},
    {"error_rate", false, error_rate, "no request was sent there"},
    {"hit_rate", false, hit_rate, "nothing was read there, or the server does not tell"},
    {"throughput", false, throughput, "no request was sent there"},
    {"messages_per_minute", false, messages_per_minute, NO_SENT},
    {"server_cpu", false, server_cpu, "the server does not tell its CPU time there"},
    {"avg_batch_size", false, derived_avg_batch_size, NO_BUFFER},
    {"buffer_utilization", false, derived_buffer_utilization, NO_BUFFER},
    {"buffer_worker_utilization", false, derived_buffer_worker_utilization, NO_BUFFER},
    {"buffer_unsent", false, derived_buffer_unsent, NO_BUFFER},
    {"buffer_cache_hit_rate", false, derived_buffer_cache_hit_rate,
     "no phase there had a near cache that was asked"},
    {"throughput_drift", false, throughput_drift, "fewer than two such phases have a throughput"},
    {"mean_ms", false, worst_mean, NO_REQUEST},
    {"p50_ms", false, worst_p50, NO_REQUEST},
    {"p95_ms", false, worst_p95, NO_REQUEST},
    {"p99_ms", false, worst_p99, NO_REQUEST},
    {"p99_drift", false, p99_drift, "fewer than two such phases have a p99"},
    {"max_ms", false, worst_max, NO_REQUEST},
    {"stalls", false, derived_stall_seconds, "no sample counted requests there"},
    {"moved", false, derived_moved, NO_SENT},
    {"asked", false, derived_asked, NO_SENT},
    {"clusterdown", false, derived_clusterdown, NO_SENT},
    {"reconnects", false, derived_reconnects, NO_SENT},
    {"unavailable_seconds", false, derived_unavailable_seconds, NO_SENT},
    {"lost_writes", false, derived_lost_writes,
     "no query of a fraction of the keys had an answer for each of them there"},
    {"target_missed", false, target_missed, "no such phase ran"},
    {"growth_slope", false, growth_slope, "used_memory was not sampled twice there"},
    {"growth_r2", false, growth_r2, "used_memory and keys were not sampled together there"},
    {"fragmentation_trend", false, fragmentation_trend,
     "the ratio cannot be judged in two turns of a loop there"},
    {"recall", false, derived_recall,
     "no vectors were looked for there with verify: recall, or what was found are no neighbours"},
    {"bytes_per_vector", false, derived_bytes_per_vector, NO_VECTORS},
    {"overhead_ratio", false, derived_overhead_ratio, NO_VECTORS},
    {"index_bytes", false, derived_index_bytes, NO_INDEX},
    {"num_docs", false, derived_num_docs, NO_INDEX},
    {"docs_indexed", false, derived_docs_indexed, NO_INDEX},
    {"rebuild_seconds", false, derived_rebuild_seconds, NO_BUILD},
    {"docs_per_second", false, derived_docs_per_second, NO_BUILD},
    {"spike_ratio", false, derived_spike_ratio, NO_DROP},
    {"residual_ratio", false, derived_residual_ratio, NO_DROP},
    {"leak_verdict", true, leak_verdict,
     "a leak was not judged: fewer than five checkpoints or idle phases with keys"},
};

const struct derived_metric *derived_metric_at(size_t index)
{
    return index < COUNT(table) ? &table[index] : NULL;
}

const struct derived_metric *derived_metric_find(const char *name)
{
    for (size_t i = 0; i < COUNT(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}
