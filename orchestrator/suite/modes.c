#include "orchestrator/suite/modes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_value.h"

/* ---- runs ---- */

enum err_code modes_init(struct modes *modes, struct err *err)
{
    for (int side = 0; side < MODES; side++) {
        struct mode *mode = &modes->modes[side];
        mode->runs = calloc(modes->planned, sizeof mode->runs[0]);
        mode->errors = calloc(modes->planned, sizeof mode->errors[0]);
        if (mode->runs == NULL || mode->errors == NULL)
            return err_set(err, E_SYSTEM, "no memory for %u runs", modes->planned);
    }
    return OK;
}

void modes_free(struct modes *modes)
{
    comparison_free(&modes->comparison);
    for (int side = 0; side < MODES; side++) {
        free(modes->modes[side].runs);
        free(modes->modes[side].errors);
        record_set_free(&modes->sets[side]);
    }
    *modes = (struct modes){.planned = 0};
}

static double milliseconds(const struct figure_percentile *figure)
{
    return figure->empty || figure->censored ? NAN : (double)figure->value_ns / (double)NS_PER_MS;
}

static bool counts(const struct mode_run *run)
{
    return run->status == OK && run->mishap[0] == '\0';
}

void modes_read_run(struct mode *mode, const struct run_result *result)
{
    static const double percents[RECORD_FIGURES] = {
        [RECORD_P50] = 50, [RECORD_P95] = 95, [RECORD_P99] = 99};
    struct mode_run *run = &mode->runs[mode->count++];
    const struct interval_row *total = result->total;
    const enum interval_histogram_kind kind = figure_latency_kind(result->facts->open_loop);
    const uint64_t failed = figure_failed(total->counters);
    *run = (struct mode_run){
        .seconds = result->seconds,
        .rate = figure_rate(total->counters[COUNTER_OK], result->seconds),
        .error_percent = 100 * figure_share(failed, failed + total->counters[COUNTER_OK]),
        .status = result->status,
        .verdict = result->verdict.level,
    };
    for (unsigned figure = 0; figure < RECORD_FIGURES; figure++) {
        const struct figure_percentile value = figure_percentile(total, kind, percents[figure]);
        run->figures_ms[figure] = percents[figure] > 0 ? milliseconds(&value) : NAN;
    }
    if (!mishap_find(run->mishap, sizeof run->mishap, result) && !(result->seconds > 0))
        snprintf(run->mishap, sizeof run->mishap, "it ended before anything was measured");
    if (counts(run))
        mode->errors[mode->counted++] = run->error_percent;
}

/* ---- comparison ---- */

/* As a line of metrics.json. */
static json_t *record_of(const struct mode_run *run, const json_t *configuration)
{
    json_t *record = json_copy((json_t *)(uintptr_t)configuration);
    if (record == NULL)
        return NULL;
    (void)json_object_set_new(record, record_figure_name(RECORD_RPS), json_real(run->rate));
    for (unsigned figure = RECORD_P50; figure <= RECORD_P99; figure++)
        if (!isnan(run->figures_ms[figure]))
            (void)json_object_set_new(record, record_figure_name((enum record_figure)figure),
                                      json_real(run->figures_ms[figure]));
    (void)json_object_set_new(record, "verdict", json_string(verdict_level_name(run->verdict)));
    return record;
}

static enum err_code take_records(struct record_set *set, const struct mode *mode,
                                  const json_t *configuration, struct err *err)
{
    json_t *list = json_array();
    bool made = list != NULL;
    for (uint32_t i = 0; i < mode->count && made; i++)
        if (counts(&mode->runs[i]))
            made = json_array_append_new(list, record_of(&mode->runs[i], configuration)) == 0;
    const enum err_code code = made ? record_set_take(set, list, mode->name, err)
                                    : err_set(err, E_SYSTEM, "no memory for records of runs");
    json_decref(list);
    snprintf(set->name, sizeof set->name, "%.63s", mode->name);
    return code;
}

enum err_code modes_compare(struct modes *modes, const json_t *configuration, struct err *err)
{
    const struct mode *a = &modes->modes[MODE_A], *b = &modes->modes[MODE_B];
    enum err_code code = OK;
    if (a->counted == 0 || b->counted == 0)
        return OK;
    for (int side = 0; side < MODES && code == OK; side++)
        code = take_records(&modes->sets[side], &modes->modes[side], configuration, err);
    if (code == OK)
        code = comparison_make(&modes->comparison, &modes->sets[MODE_B], &modes->sets[MODE_A],
                               &modes->wishes, err);
    modes->errors =
        welch_test((struct sample){b->errors, b->counted}, (struct sample){a->errors, a->counted});
    modes->compared = code == OK;
    return code;
}
