#include "orchestrator/watch/samples.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/topology.h"

void watch_samples_init(struct watch_samples *samples)
{
    *samples = (struct watch_samples){.hit_ratio = NAN};
    for (unsigned i = 0; i < SERIES_METRICS; i++)
        samples->newest[i] = NAN;
}

const struct sampler_field *watch_samples_fields(uint32_t *count)
{
    static struct sampler_field fields[SERIES_OPS];
    for (unsigned i = 0; i < SERIES_OPS; i++) {
        const char *name = series_metric_name(i);
        fields[i] = (struct sampler_field){.name = name, .highest = strstr(name, "_ratio") != NULL};
    }
    *count = SERIES_OPS;
    return fields;
}

/* Of the lookups since the sample before. A server that was started anew counts from 0 again. */
static double hit_ratio(const double *before, const double *now)
{
    const double hits = now[SERIES_HITS] - before[SERIES_HITS];
    const double misses = now[SERIES_MISSES] - before[SERIES_MISSES];
    return hits >= 0 && misses >= 0 && hits + misses > 0 ? hits / (hits + misses) : (double)NAN;
}

static void keep_nodes(struct watch_samples *samples, const struct server_sample *sample)
{
    samples->node_count =
        sample->node_count < WATCH_NODES_MAX ? sample->node_count : WATCH_NODES_MAX;
    for (uint32_t i = 0; i < samples->node_count; i++) {
        const struct sampled_node *from = &sample->nodes[i];
        struct watch_node_sample *node = &samples->nodes[i];
        *node = (struct watch_node_sample){
            .answered = from->answered, .used_memory = NAN, .frag_ratio = NAN};
        snprintf(node->text, sizeof node->text, "%s", from->address->text);
        if (!from->answered)
            continue;
        node->used_memory = from->values[SERIES_USED_MEMORY];
        node->frag_ratio = from->values[SERIES_FRAGMENTATION];
    }
}

void watch_samples_hear(void *state, const struct server_sample *sample)
{
    struct watch_samples *samples = state;
    samples->heard++;
    samples->missed += !sample->known;
    samples->known = sample->known;
    samples->at_ns = sample->at_ns;
    if (sample->known) {
        samples->hit_ratio = hit_ratio(samples->newest, sample->values);
        memcpy(samples->newest, sample->values, SERIES_OPS * sizeof samples->newest[0]);
    } else { /* what was true a while ago is not known now */
        samples->hit_ratio = NAN;
        for (unsigned i = 0; i < SERIES_METRICS; i++)
            samples->newest[i] = NAN;
    }
    keep_nodes(samples, sample);
    if (samples->hear != NULL)
        samples->hear(samples->state);
}

enum err_code watch_samples_start(struct watch_samples *samples, struct event_base *base,
                                  const struct server_sampler_setup *setup, struct err *err)
{
    struct server_sampler_setup own = *setup;
    own.fields = watch_samples_fields(&own.field_count);
    own.hear = watch_samples_hear;
    own.state = samples;
    return server_sampler_start(&samples->sampler, base, &own, err);
}

void watch_samples_stop(struct watch_samples *samples)
{
    server_sampler_stop(samples->sampler);
    samples->sampler = NULL;
}

static double server_up(const struct watch_samples *samples)
{
    bool all = samples->known;
    for (uint32_t i = 0; i < samples->node_count; i++)
        all = all && samples->nodes[i].answered;
    return samples->heard > 0 ? (double)all : (double)NAN;
}

void watch_reading_of_row(struct watch_reading *reading, struct metric_slice *slice,
                          const struct interval_row *row, const struct run_facts *run,
                          const struct error_kinds *error_kinds, uint64_t first_wall_ns,
                          const struct watch_samples *samples)
{
    const uint64_t end_wall_ns = run->started_wall_ns + row->header.end_ns;
    *slice = metric_slice_of(row, run->open_loop);
    slice->run = run;
    slice->error_kinds = error_kinds;
    slice->worker_count = run->worker_count;
    *reading = (struct watch_reading){
        .at_ms = end_wall_ns / NS_PER_MS,
        .at_seconds = end_wall_ns >= first_wall_ns
                          ? (double)(end_wall_ns - first_wall_ns) / NS_PER_SECOND
                          : 0,
        .load = slice,
        .server = samples != NULL ? samples->newest : NULL,
        .hit_ratio = samples != NULL ? samples->hit_ratio : (double)NAN,
        .server_up = samples != NULL ? server_up(samples) : (double)NAN};
}
