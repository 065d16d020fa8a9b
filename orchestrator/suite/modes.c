#include "orchestrator/suite/modes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer_stage.h"
#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/report/buffer_figures.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/report/metric_class.h"

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

void modes_name(struct modes *modes, int side, const struct buffer_options *buffer)
{
    struct mode *mode = &modes->modes[side];
    snprintf(mode->name, sizeof mode->name, "%s (%c)", PRINTABLE(buffer->name),
             side == MODE_A ? 'A' : 'B');
    snprintf(mode->text, sizeof mode->text, "%s",
             buffer->wanted ? "not run" : "nothing is buffered");
    mode->buffered = buffer->wanted;
}

/* Behind its name, which stands in front of it already. */
static void take_text(struct mode *mode, const struct run_facts *run)
{
    const char *behind = strstr(run->buffer_text, ": ");
    if (behind != NULL)
        snprintf(mode->text, sizeof mode->text, "%s", behind + 2);
}

static double milliseconds(const struct figure_percentile *figure)
{
    return figure->empty || figure->censored ? NAN : (double)figure->value_ns / (double)NS_PER_MS;
}

bool modes_run_counts(const struct mode_run *run)
{
    return run->status == OK && run->mishap[0] == '\0';
}

const double mode_percentiles[MODE_PERCENTILES] = {50, 90, 95, 99};

static double percentile_of(const struct metric_slice *slice, double percent)
{
    const struct metric_statistic statistic = {"", STATISTIC_PERCENTILE, percent};
    const struct metric_value value =
        metric_class_times(slice, slice->open_loop ? CLASS_RESPONSE : CLASS_SERVICE, &statistic);
    return value.known ? value.number / (double)NS_PER_MS : NAN;
}

/* What the near cache answered, and what it did not: stages of the run. */
static void read_cached(struct mode_run *run, const struct run_result *result)
{
    static const uint32_t stages[MODE_KINDS] = {
        [MODE_CACHED] = STAGE_QUERY_CACHED, [MODE_COLD] = STAGE_QUERY_TOTAL};
    const struct metric_slice whole = metric_slice_of_run(result);
    struct buffer_figures figures;
    const bool has_cache = result->facts->cache_most > 0 && buffer_figures_look(&figures, &whole);
    for (unsigned kind = MODE_CACHED; kind < MODE_KINDS; kind++)
        for (size_t i = 0; i < MODE_PERCENTILES; i++) {
            const struct metric_statistic statistic = {"", STATISTIC_PERCENTILE,
                                                       mode_percentiles[i]};
            run->matrix_ms[kind][i] = NAN;
            if (!has_cache)
                continue;
            const struct metric_slice slice =
                metric_slice_of_part(&whole, figures.first_part + stages[kind]);
            const struct metric_value value = metric_read(&slice, METRIC_SERVICE_TIME, &statistic);
            if (value.known)
                run->matrix_ms[kind][i] = value.number / (double)NS_PER_MS;
        }
}

static void read_matrix(struct mode_run *run, const struct run_result *result,
                        const bool reads[CLASSES_MAX])
{
    const struct metric_slice whole = metric_slice_of_run(result);
    const bool classes = result->facts->class_count > 0;
    read_cached(run, result);
    for (unsigned kind = MODE_WRITES; kind <= MODE_QUERIES; kind++) {
        bool wanted[CLASSES_MAX];
        for (uint32_t i = 0; i < CLASSES_MAX; i++)
            wanted[i] = reads[i] == (kind == MODE_QUERIES);
        const struct metric_slice slice = metric_slice_of_classes(&whole, wanted);
        for (size_t i = 0; i < MODE_PERCENTILES; i++) {
            const struct figure_percentile value = figure_percentile(
                result->total, figure_latency_kind(whole.open_loop), mode_percentiles[i]);
            run->matrix_ms[kind][i] = classes     ? percentile_of(&slice, mode_percentiles[i])
                                      : wanted[0] ? milliseconds(&value)
                                                  : NAN;
        }
    }
}

double modes_matrix_ms(const struct mode *mode, unsigned kind, size_t percentile)
{
    double sum = 0;
    uint32_t known = 0;
    for (uint32_t i = 0; i < mode->count; i++) {
        const double value = mode->runs[i].matrix_ms[kind][percentile];
        if (!modes_run_counts(&mode->runs[i]) || isnan(value))
            continue;
        sum += value;
        known++;
    }
    return known > 0 ? sum / known : NAN;
}

char *modes_format_column(char text[MODES_COLUMN_BYTES], const struct modes *modes, int side,
                          unsigned kind)
{
    static const char *const letters[MODES] = {[MODE_A] = "A", [MODE_B] = "B"};
    const bool both = modes->modes[MODE_A].buffered && modes->modes[MODE_B].buffered;
    if (kind >= MODE_CACHED) {
        const bool one = isnan(modes_matrix_ms(&modes->modes[MODES - 1 - side], MODE_COLD, 0));
        snprintf(text, MODES_COLUMN_BYTES, "Query(%s%s%s)", kind == MODE_CACHED ? "Cached" : "Cold",
                 one ? "" : " ", one ? "" : letters[side]);
        return text;
    }
    snprintf(text, MODES_COLUMN_BYTES, "%s(%s)", kind == MODE_WRITES ? "Write" : "Query",
             both                          ? letters[side]
             : modes->modes[side].buffered ? "Buffer"
                                           : "Bypass");
    return text;
}

void modes_read_run(struct mode *mode, const struct run_result *result,
                    const bool reads[CLASSES_MAX])
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
    take_text(mode, result->facts);
    read_matrix(run, result, reads);
    if (!mishap_find(run->mishap, sizeof run->mishap, result) && !(result->seconds > 0))
        snprintf(run->mishap, sizeof run->mishap, "it ended before anything was measured");
    if (modes_run_counts(run))
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
        if (modes_run_counts(&mode->runs[i]))
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
