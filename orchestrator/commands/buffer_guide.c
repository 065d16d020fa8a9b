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

/* Of the first writes, which alone are held; a plug-in's and a recording's are known by their largest alone. */
static uint64_t mean_write_bytes(const struct bench_step *step)
{
    const struct workload *workload = step->workload;
    uint64_t sum = 0, count = 0, looked = 0;
    const bool known = step->spec.load.replay == NULL && workload_plugin(workload) == NULL;
    if (known && workload_reads_only(workload))
        return 0;
    for (uint64_t ticket = 0;
         known && ticket < TICKETS_SAMPLED && count < WRITES_SAMPLED && looked < BYTES_SAMPLED;
         ticket++) {
        struct workload_sample sample;
        struct err ignored = {.code = OK};
        if (workload_sample(&sample, workload, ticket, &ignored) != OK)
            break;
        const bool read = is_read(workload, sample.class);
        looked += sample.byte_count;
        sum += read ? 0 : sample.byte_count;
        count += !read;
        free(sample.bytes);
    }
    return count > 0 ? (sum + count / 2) / count : workload_request_bytes(workload);
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

struct buffer_guide buffer_guide_of(const struct bench_step *step, uint32_t processes,
                                    uint32_t cpus)
{
    const struct buffer_options *buffer = &step->spec.buffer;
    struct buffer_guide guide = {.request_bytes = mean_write_bytes(step)};
    guide.round_bytes = buffer->round_messages * guide.request_bytes;
    guide.hybrid_bytes = buffer->hybrid_batches * guide.round_bytes;
    guide.bytes = (guide.round_bytes + guide.hybrid_bytes) * processes;
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
