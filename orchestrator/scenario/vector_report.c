#include "orchestrator/scenario/vector_report.h"

#include <math.h>
#include <stdio.h>

#include "orchestrator/capacity/table.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/scenario/derived.h"
#include "orchestrator/scenario/words.h"

/* In files all of these; in the table those that have a heading and are known of some phase. */
static const struct {
    const char *metric, *above, *below;
    double divisor;
} figures[] = {
    {"num_docs", "", "Indexed", 1},
    {"docs_indexed", NULL, NULL, 1},
    {"index_bytes", "index", "MB", SERIES_MB},
    {"bytes_per_vector", "bytes by", "vector", 1},
    {"overhead_ratio", "over", "values", 1},
    {"recall", "", "Recall", 1},
    {"rebuild_seconds", "rebuild", "s", 1},
    {"docs_per_second", "indexed", "/s", 1},
    {"spike_ratio", "", "Spike", 1},
    {"residual_ratio", "", "Residual", 1},
};
#define FIGURES (sizeof figures / sizeof figures[0])

static double figure_of(const struct observation *observation, size_t figure, uint32_t phase)
{
    const struct phase_set set = phase_set_of(phase);
    const struct derived_metric *derived = derived_metric_find(figures[figure].metric);
    return derived != NULL && observation->accounts[phase].ran ? derived->of(observation, &set)
                                                               : (double)NAN;
}

json_t *vector_report_driver(const struct vector_driver *driver)
{
    json_t *object = json_object();
    json_object_set_new(object, "driver", json_value_text(driver->name));
    json_object_set_new(object, "about", json_value_text(driver->about));
    json_object_set_new(object, "emulated", json_boolean(!driver->finds_neighbours));
    return object;
}

json_t *vector_report_phase(const struct vector_driver *driver,
                            const struct observation *observation, uint32_t phase)
{
    const struct vector_account *account = &observation->accounts[phase].vectors;
    json_t *object = vector_report_driver(driver);
    json_object_set_new(object, "dimensions", json_value_count(account->dimensions));
    json_object_set_new(object, "recall_queries", json_value_count(account->recall_queries));
    for (size_t i = 0; i < FIGURES; i++) {
        const double value = figure_of(observation, i, phase);
        json_object_set_new(object, figures[i].metric,
                            isfinite(value) ? json_real(value) : json_null());
    }
    return object;
}

/* ---- for people ---- */

struct vectors_table {
    const struct observation *observation;
    uint32_t phases[SCENARIO_PHASES_MAX], phase_count;
    size_t figures[FIGURES];
    uint32_t figure_count;
};

static void heading(struct table_line *line, const void *state, uint32_t part)
{
    const struct vectors_table *table = state;
    if (part == 1)
        snprintf(line->cells[0], TABLE_CELL_BYTES, "Vectors");
    for (uint32_t i = 0; i < table->figure_count; i++)
        snprintf(line->cells[i + 1], TABLE_CELL_BYTES, "%s",
                 part == 0 ? figures[table->figures[i]].above : figures[table->figures[i]].below);
}

static void row(struct table_line *line, const void *state, uint32_t index)
{
    const struct vectors_table *table = state;
    const uint32_t phase = table->phases[index];
    snprintf(line->cells[0], TABLE_CELL_BYTES, "%.30s",
             table->observation->scenario->phases[phase].name);
    for (uint32_t i = 0; i < table->figure_count; i++) {
        const size_t figure = table->figures[i];
        const double value = figure_of(table->observation, figure, phase) / figures[figure].divisor;
        char number[NUMBER_TEXT_BYTES];
        snprintf(line->cells[i + 1], TABLE_CELL_BYTES, "%s",
                 isnan(value) ? "n/a" : number_text(number, value));
    }
}

static void choose(struct vectors_table *table)
{
    const uint32_t phase_count = table->observation->scenario->phase_count;
    bool shown[FIGURES] = {false};
    for (uint32_t i = 0; i < phase_count; i++) {
        bool any = false;
        for (size_t k = 0; k < FIGURES; k++)
            if (isfinite(figure_of(table->observation, k, i)))
                any = shown[k] = true;
        if (any)
            table->phases[table->phase_count++] = i;
    }
    for (size_t k = 0; k < FIGURES; k++)
        if (shown[k] && figures[k].above != NULL)
            table->figures[table->figure_count++] = k;
}

void vector_report_print(struct output *out, const struct vector_driver *driver,
                         const struct observation *observation)
{
    struct vectors_table state = {.observation = observation};
    choose(&state);
    output_printf(out, "\nVectors by %s: %s\n", driver->name, driver->about);
    if (!driver->finds_neighbours)
        output_printf(out, "Recall is n/a: nothing is compared by distance there.\n");
    const struct table table = {&state, state.figure_count + 1, state.phase_count, heading, row};
    if (state.phase_count > 0)
        table_write(out, &table);
}
