#include "orchestrator/commands/buffer_guide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/units.h"

#define WRITES_SAMPLED 256u
#define TICKETS_SAMPLED 8192u
#define BYTES_SAMPLED (64u << 20)

static bool is_read(const struct workload *workload, const char *class)
{
    const uint32_t count = workload_class_count(workload);
    for (uint32_t i = 0; i < count; i++)
        if (count == 1 || strcmp(workload_class_name(workload, i), class) == 0)
            return workload_class_reads_only(workload, i);
    return false;
}

struct writes {
    bool none, of_one_size; /* of_one_size: as far as they were looked at */
    uint64_t mean_bytes;
};

/* The first ones, since writes alone are held; a plug-in's and a recording's are known by their largest alone. */
static struct writes look_at_writes(const struct bench_step *step)
{
    const struct workload *workload = step->workload;
    uint64_t sum = 0, count = 0, looked = 0, least = UINT64_MAX, most = 0;
    const bool known = step->spec.load.replay == NULL && workload_plugin(workload) == NULL;
    if (known && workload_reads_only(workload))
        return (struct writes){.none = true};
    for (uint64_t ticket = 0;
         known && ticket < TICKETS_SAMPLED && count < WRITES_SAMPLED && looked < BYTES_SAMPLED;
         ticket++) {
        struct workload_sample sample;
        struct err ignored = {.code = OK};
        if (workload_sample(&sample, workload, ticket, &ignored) != OK)
            break;
        looked += sample.byte_count;
        if (!is_read(workload, sample.class)) {
            sum += sample.byte_count;
            least = sample.byte_count < least ? sample.byte_count : least;
            most = sample.byte_count > most ? sample.byte_count : most;
            count++;
        }
        free(sample.bytes);
    }
    if (count == 0)
        return (struct writes){.mean_bytes = workload_request_bytes(workload)};
    return (struct writes){.of_one_size = least == most, .mean_bytes = (sum + count / 2) / count};
}

void buffer_guide_workers(uint32_t *least, uint32_t *most, uint32_t cpus)
{
    static const struct {
        uint32_t cpus, least, most;
    } rows[] = {{8, 5, 8}, {4, 3, 5}, {2, 2, 3}};
    *least = *most = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && *most == 0; i++)
        if (cpus >= rows[i].cpus) {
            *least = rows[i].least;
            *most = rows[i].most;
        }
}

/* The last one may go beyond the tokens, and is in it all the same. */
static uint64_t round_writes(const struct buffer_options *buffer, uint64_t write_bytes)
{
    const uint64_t bytes = buffer->round_tokens * BUFFER_TOKEN_BYTES;
    const uint64_t by_tokens = write_bytes > 0 ? (bytes + write_bytes - 1) / write_bytes : 0;
    return by_tokens > 0 && by_tokens < buffer->round_messages ? by_tokens : buffer->round_messages;
}

static uint64_t bounded(uint64_t count, uint64_t users)
{
    return users > 0 && users < count ? users : count;
}

struct buffer_guide buffer_guide_of(const struct bench_step *step, uint32_t buffers, uint32_t cpus)
{
    const struct buffer_options *buffer = &step->spec.buffer;
    const struct writes writes = look_at_writes(step);
    const uint64_t rounds = (buffer->hybrid_batches + 1) * buffers;
    struct buffer_guide guide = {
        .request_bytes = writes.mean_bytes,
        .round_writes = round_writes(buffer, writes.mean_bytes),
        .users = step->spec.rate.steps == NULL ? step->spec.load.clients : 0,
    };
    const uint64_t most = writes.of_one_size ? guide.round_writes : buffer->round_messages;
    guide.most_unsent = writes.none ? 0 : bounded(most * rounds, guide.users);
    guide.bytes = bounded(guide.round_writes * rounds, guide.users) * guide.request_bytes;
    buffer_guide_workers(&guide.least_workers, &guide.most_workers, cpus);
    return guide;
}

void buffer_guide_describe(char *text, size_t text_bytes, const struct buffer_options *buffer)
{
    char interval[32], tokens[64] = "", cache[64] = "";
    if (buffer->cache_replies > 0)
        snprintf(cache, sizeof cache, ", near cache of %s replies a process",
                 UNITS_GROUPED(buffer->cache_replies));
    if (buffer->round_tokens > 0)
        snprintf(tokens, sizeof tokens, " or %s tokens", UNITS_GROUPED(buffer->round_tokens));
    snprintf(text, text_bytes,
             "%s: batches of %s requests%s, %s of them waiting, %s flush workers a process, %s, "
             "%s%s%s",
             PRINTABLE(buffer->name), UNITS_GROUPED(buffer->round_messages), tokens,
             UNITS_GROUPED(buffer->hybrid_batches), UNITS_GROUPED(buffer->flush_workers),
             buffer->strategy == BUFFER_SIZE_BASED ? "size_based" : "time_based",
             units_format_duration(interval, sizeof interval, buffer->flush_interval_ns),
             buffer->async ? ", async" : "", cache);
}
