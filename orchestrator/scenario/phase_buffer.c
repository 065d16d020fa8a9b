#include "orchestrator/scenario/phase_buffer.h"

#include <math.h>
#include <stdio.h>

#include "common/units.h"
#include "orchestrator/capacity/table.h"
#include "orchestrator/report/buffer_figures.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/scenario/observation.h"

static double or_zero(double number)
{
    return isfinite(number) ? number : 0;
}

void phase_buffer_add(struct phase_buffer *buffer, const struct run_result *result)
{
    const struct metric_slice whole = metric_slice_of_run(result);
    const uint64_t *counters = result->total->counters;
    struct buffer_figures figures;
    if (!buffer_figures_look(&figures, &whole))
        return;
    const double seconds = or_zero(whole.seconds);
    buffer->known = true;
    buffer->has_cache = result->facts->cache_most > 0;
    snprintf(buffer->text, sizeof buffer->text, "%s", result->facts->buffer_text);
    buffer->full += figures.full;
    buffer->late += figures.late;
    buffer->idle += figures.idle;
    buffer->messages += figures.messages;
    buffer->hits += counters[COUNTER_CACHE_HITS];
    buffer->misses += counters[COUNTER_CACHE_MISSES];
    buffer->invalidated += counters[COUNTER_CACHE_INVALIDATED];
    buffer->cleared += counters[COUNTER_CACHE_CLEARED];
    buffer->expired += counters[COUNTER_CACHE_EXPIRED];
    buffer->evicted += counters[COUNTER_CACHE_EVICTED];
    buffer->most_unsent = result->facts->buffer_most;
    buffer->seconds += seconds;
    buffer->full_seconds += or_zero(figures.full_share) * seconds;
    buffer->busy_seconds += or_zero(figures.busy_share) * seconds;
    buffer->unsent_seconds += or_zero(figures.unsent) * seconds;
    buffer->round_seconds += or_zero(figures.round_messages) * seconds;
    buffer->hybrid_seconds += or_zero(figures.hybrid_batches) * seconds;
}

/* Figures -------------------------------------------------------------------------------------- */

static double part(double of, double whole)
{
    return whole > 0 ? of / whole : (double)NAN;
}

static uint64_t batches(const struct phase_buffer *buffer)
{
    return buffer->full + buffer->late + buffer->idle;
}

static double mean_batch(const struct phase_buffer *buffer)
{
    return part((double)buffer->messages, (double)batches(buffer));
}

static double full_share(const struct phase_buffer *buffer)
{
    return part(buffer->full_seconds, buffer->seconds);
}

static double busy_share(const struct phase_buffer *buffer)
{
    return part(buffer->busy_seconds, buffer->seconds);
}

static double unsent(const struct phase_buffer *buffer)
{
    return part(buffer->unsent_seconds, buffer->seconds);
}

static double hit_rate(const struct phase_buffer *buffer)
{
    return buffer->has_cache ? part((double)buffer->hits, (double)(buffer->hits + buffer->misses))
                             : (double)NAN;
}

static double of_phases(const struct observation *observation, const struct phase_set *set,
                        double (*of)(const struct phase_buffer *buffer))
{
    struct phase_buffer sum = {.known = false};
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_buffer *buffer = &observation->accounts[i].buffer;
        if (!set->has[i] || !buffer->known)
            continue;
        sum.known = true;
        sum.has_cache |= buffer->has_cache;
        sum.full += buffer->full;
        sum.late += buffer->late;
        sum.idle += buffer->idle;
        sum.messages += buffer->messages;
        sum.hits += buffer->hits;
        sum.misses += buffer->misses;
        sum.seconds += buffer->seconds;
        sum.full_seconds += buffer->full_seconds;
        sum.busy_seconds += buffer->busy_seconds;
        sum.unsent_seconds += buffer->unsent_seconds;
    }
    return sum.known ? of(&sum) : (double)NAN;
}

#define DERIVED(name, of)                                                                          \
    double name(const struct observation *observation, const struct phase_set *set)                \
    {                                                                                              \
        return of_phases(observation, set, of);                                                    \
    }
DERIVED(derived_avg_batch_size, mean_batch)
DERIVED(derived_buffer_utilization, full_share)
DERIVED(derived_buffer_worker_utilization, busy_share)
DERIVED(derived_buffer_cache_hit_rate, hit_rate)
DERIVED(derived_buffer_unsent, unsent)

/* JSON ----------------------------------------------------------------------------------------- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *cache_json(const struct phase_buffer *buffer)
{
    if (!buffer->has_cache)
        return json_null();
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "hit_ratio", number(hit_rate(buffer)), "hits",
        json_value_count(buffer->hits), "misses", json_value_count(buffer->misses), "invalidated",
        json_value_count(buffer->invalidated), "cleared", json_value_count(buffer->cleared),
        "expired", json_value_count(buffer->expired), "evicted", json_value_count(buffer->evicted));
}

json_t *phase_buffer_json(const struct phase_buffer *buffer)
{
    if (!buffer->known)
        return NULL;
    return json_pack(
        "{s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "text",
        json_value_text(buffer->text), "batches", json_value_count(batches(buffer)), "mean_batch",
        number(mean_batch(buffer)), "flushes", "full", json_value_count(buffer->full), "interval",
        json_value_count(buffer->late), "idle", json_value_count(buffer->idle), "full_percent",
        number(full_share(buffer) * 100), "mean_round",
        number(part(buffer->round_seconds, buffer->seconds)), "mean_waiting_batches",
        number(part(buffer->hybrid_seconds, buffer->seconds)), "workers_busy_percent",
        number(busy_share(buffer) * 100), "mean_unsent", number(unsent(buffer)), "most_unsent",
        json_value_count(buffer->most_unsent), "cache", cache_json(buffer));
}

/* Text ----------------------------------------------------------------------------------------- */

/* Without a cache the last column is left out. */
static const struct {
    const char *above, *below;
    double (*of)(const struct phase_buffer *buffer);
    double times;
    int places;
} columns[] = {{"requests", "a batch", mean_batch, 1, 1},
               {"full", "%", full_share, 100, 1},
               {"workers", "busy %", busy_share, 100, 1},
               {"unsent", "on avg.", unsent, 1, 1},
               {"cache", "hits %", hit_rate, 100, 1}};
#define COLUMNS ((uint32_t)(sizeof columns / sizeof columns[0]))

struct buffers_table {
    const struct observation *observation;
    uint32_t phases[SCENARIO_PHASES_MAX], phase_count;
    bool has_cache;
};

static uint32_t shown_columns(const struct buffers_table *table)
{
    return table->has_cache ? COLUMNS : COLUMNS - 1;
}

static void heading(struct table_line *line, const void *state, uint32_t row)
{
    const uint32_t count = shown_columns(state);
    snprintf(line->cells[0], TABLE_CELL_BYTES, "%s", row == 1 ? "Buffer" : "");
    snprintf(line->cells[1], TABLE_CELL_BYTES, "%s", row == 1 ? "batches" : "");
    for (uint32_t i = 0; i < count; i++)
        snprintf(line->cells[i + 2], TABLE_CELL_BYTES, "%s",
                 row == 0 ? columns[i].above : columns[i].below);
}

static void put_row(struct table_line *line, const void *state, uint32_t index)
{
    const struct buffers_table *table = state;
    const uint32_t count = shown_columns(table), phase = table->phases[index];
    const struct phase_buffer *buffer = &table->observation->accounts[phase].buffer;
    snprintf(line->cells[0], TABLE_CELL_BYTES, "%.30s",
             table->observation->scenario->phases[phase].name);
    snprintf(line->cells[1], TABLE_CELL_BYTES, "%s", UNITS_GROUPED(batches(buffer)));
    for (uint32_t i = 0; i < count; i++) {
        const double value = columns[i].of(buffer) * columns[i].times;
        if (isfinite(value))
            snprintf(line->cells[i + 2], TABLE_CELL_BYTES, "%.*f", columns[i].places, value);
        else
            snprintf(line->cells[i + 2], TABLE_CELL_BYTES, "-");
    }
}

void phase_buffer_print(struct output *out, const struct observation *observation)
{
    struct buffers_table state = {.observation = observation};
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_buffer *buffer = &observation->accounts[i].buffer;
        if (!buffer->known)
            continue;
        state.phases[state.phase_count++] = i;
        state.has_cache |= buffer->has_cache;
    }
    const struct table table = {&state, shown_columns(&state) + 2, state.phase_count, heading,
                                put_row};
    if (state.phase_count == 0)
        return;
    output_printf(out, "\n");
    table_write(out, &table);
}
