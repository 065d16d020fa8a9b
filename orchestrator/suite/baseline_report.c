#include "orchestrator/suite/baseline_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "orchestrator/page/page_leaves.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/statistics.h"
#include "orchestrator/report/two_samples.h"

#define SURE_P 0.05
#define ALIKE                                                                                      \
    0.05 /* a part of the second one's mean: --threshold of compare and check, unless another is asked for */
#define NOISY_CV 10.0 /* percent */
#define MB 1048576.0

static const struct {
    const char *name, *words;
    unsigned figure;
    bool most; /* else the least is best */
} uses[BASELINE_USES] = {
    [USE_THROUGHPUT] = {"throughput", "throughput", RECORD_RPS, true},
    [USE_LATENCY] = {"latency", "latency (p99)", RECORD_P99, false},
    [USE_MEMORY] = {"memory", "memory", BASELINE_MEMORY, false},
};

/* ---- profiles ---- */

struct numbered {
    const struct record *record;
    size_t index;
};

static int by_configuration(const void *one, const void *other)
{
    const struct numbered *left = one, *right = other;
    const int order = record_order(left->record, right->record);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static double value_of(const struct baseline *baseline, size_t index, unsigned figure)
{
    return figure == BASELINE_MEMORY ? baseline->set.records[index].used_memory_bytes
                                     : baseline->set.records[index].values[figure];
}

static void summarise(struct baseline_figure *figure)
{
    figure->mean = figure->count > 0 ? statistics_mean(figure->values, figure->count) : (double)NAN;
    figure->deviation = statistics_deviation(figure->values, figure->count);
    figure->cv_percent = figure->mean > 0 ? 100 * figure->deviation / figure->mean : (double)NAN;
}

/* `values`: room for all figures of all records that are left; returns behind what is used. */
static double *make_profile(struct baseline_profile *profile, const struct baseline *baseline,
                            const struct numbered *runs, size_t count, double *values)
{
    profile->of = runs[0].record;
    profile->runs = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        profile->red += runs[i].record->verdict == VERDICT_RED;
        profile->hidden |= runs[i].record->hidden;
    }
    for (unsigned f = 0; f < BASELINE_FIGURES; f++) {
        struct baseline_figure *figure = &profile->figures[f];
        figure->values = values;
        for (size_t i = 0; i < count; i++) {
            const double value = value_of(baseline, runs[i].index, f);
            if (!isnan(value))
                figure->values[figure->count++] = value;
        }
        values += figure->count;
        summarise(figure);
    }
    return values;
}

/* Keys of leaves that are not the same in all of them. */
static json_t *find_varying(const json_t *leaves)
{
    json_t *varying = json_object(), *first = json_array_get(leaves, 0), *member, *value;
    const char *key;
    size_t i;
    json_array_foreach(leaves, i, member){json_object_foreach(member, key, value){
        if (!json_equal(value, json_object_get(first, key)))(void)
            json_object_set_new(varying, key, json_true());
}
json_object_foreach(first, key, value)
{
    if (json_object_get(member, key) == NULL)
        (void)json_object_set_new(varying, key, json_true());
}
}
(void)json_object_del(varying, "command");
return varying;
}

/* The command, and what varies. */
static void name_profile(struct baseline_profile *profile, json_t *leaves, const json_t *varying)
{
    const char *key;
    json_t *value;
    if (profile->of == NULL)
        return;
    size_t used = (size_t)snprintf(profile->name, sizeof profile->name, "%.60s",
                                   PRINTABLE(profile->of->command));
    json_object_foreach(leaves, key, value)
    {
        const char *shown = strncmp(key, "config_set.", 11) == 0 ? key + 11 : key;
        if (json_object_get(varying, key) != NULL && used < sizeof profile->name - 1)
            used +=
                (size_t)snprintf(profile->name + used, sizeof profile->name - used, " %.30s=%.40s",
                                 PRINTABLE(shown), PRINTABLE(json_string_value(value)));
    }
}

static void name_profiles(struct baseline_report *report)
{
    json_t *leaves = json_array();
    for (size_t i = 0; i < report->profile_count; i++) {
        json_t *tree = baseline_configuration(report->profiles[i].of);
        (void)json_array_append_new(leaves, page_leaves(tree));
        json_decref(tree);
    }
    json_t *varying = find_varying(leaves);
    for (size_t i = 0; i < json_array_size(leaves); i++)
        name_profile(&report->profiles[i], json_array_get(leaves, i), varying);
    json_decref(varying);
    json_decref(leaves);
}

/* ---- which is best ---- */

static bool is_better(const struct baseline_profile *one, const struct baseline_profile *other,
                      enum baseline_use use)
{
    const double left = one->figures[uses[use].figure].mean,
                 right = other->figures[uses[use].figure].mean;
    return uses[use].most ? left > right : left < right;
}

static struct sample_mean mean_of(const struct baseline_figure *figure)
{
    return (struct sample_mean){.mean = figure->mean,
                                .error = figure->deviation / sqrt(figure->count)};
}

static void advise(struct baseline_advice *advice, const struct baseline_report *report,
                   const char *command, enum baseline_use use)
{
    *advice = (struct baseline_advice){.command = command, .p = NAN};
    for (size_t i = 0; i < report->profile_count; i++) {
        const struct baseline_profile *profile = &report->profiles[i];
        if (strcmp(profile->of->command, command) != 0)
            continue;
        if (profile->figures[uses[use].figure].count == 0) {
            advice->unknown++;
            continue;
        }
        if (advice->best == NULL || is_better(profile, advice->best, use)) {
            advice->second = advice->best;
            advice->best = profile;
        } else if (advice->second == NULL || is_better(profile, advice->second, use))
            advice->second = profile;
    }
    if (advice->second == NULL)
        return;
    const struct baseline_figure *best = &advice->best->figures[uses[use].figure],
                                 *second = &advice->second->figures[uses[use].figure];
    const struct welch welch = welch_test((struct sample){second->values, second->count},
                                          (struct sample){best->values, best->count});
    const struct ratio_interval ratio =
        ratio_interval(mean_of(second), mean_of(best), welch.freedom, 1 - SURE_P);
    advice->p = welch.p;
    advice->apart = fabs(best->mean / second->mean - 1);
    advice->sure = welch.p < SURE_P && advice->apart >= ALIKE;
    advice->alike = advice->apart < ALIKE &&
                    (welch.p < SURE_P || (ratio.low > 1 - ALIKE && ratio.high < 1 + ALIKE));
}

static bool is_first_of_command(const struct baseline_report *report, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(report->profiles[i].of->command, report->profiles[index].of->command) == 0)
            return false;
    return true;
}

enum err_code baseline_report_make(struct baseline_report *report, const struct baseline *baseline,
                                   struct err *err)
{
    const size_t count = baseline->set.count;
    struct numbered *runs = calloc(count + 1, sizeof runs[0]);
    *report = (struct baseline_report){.baseline = baseline};
    report->profiles = calloc(count + 1, sizeof report->profiles[0]);
    report->advice = calloc(count * BASELINE_USES + 1, sizeof report->advice[0]);
    report->values = calloc(count * BASELINE_FIGURES + 1, sizeof(double));
    if (runs == NULL || report->profiles == NULL || report->advice == NULL ||
        report->values == NULL) {
        free(runs);
        return err_set(err, E_SYSTEM, "no memory for the report of a baseline");
    }
    for (size_t i = 0; i < count; i++)
        runs[i] = (struct numbered){.record = &baseline->set.records[i], .index = i};
    qsort(runs, count, sizeof runs[0], by_configuration);
    double *values = report->values;
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && record_order(runs[i].record, runs[end].record) == 0;)
            end++;
        values = make_profile(&report->profiles[report->profile_count++], baseline, runs + i,
                              end - i, values);
    }
    free(runs);
    name_profiles(report);
    for (size_t i = 0; i < report->profile_count; i++)
        if (is_first_of_command(report, i)) {
            for (int use = 0; use < BASELINE_USES; use++)
                advise(&report->advice[report->command_count * BASELINE_USES + (size_t)use], report,
                       report->profiles[i].of->command, (enum baseline_use)use);
            report->command_count++;
        }
    return OK;
}

void baseline_report_free(struct baseline_report *report)
{
    free(report->profiles);
    free(report->advice);
    free(report->values);
    *report = (struct baseline_report){.profiles = NULL};
}

/* ---- Markdown ---- */

/* Into a cell, or a line: what Markdown would obey is escaped. */
static void write_words(struct output *output, const char *words)
{
    char text[PRINTABLE_BYTES];
    (void)printable_copy(text, sizeof text, words != NULL ? words : "");
    for (const char *at = text; *at != '\0'; at++)
        output_printf(output, "%s%c", strchr("\\`*_{}[]<>()#+!|~", *at) != NULL ? "\\" : "", *at);
}

static double shown(unsigned figure, double value)
{
    return figure == BASELINE_MEMORY ? value / MB : value;
}

static int decimals(unsigned figure)
{
    return figure == RECORD_RPS || figure == BASELINE_MEMORY ? 1 : 3;
}

static void write_figure(struct output *output, unsigned figure,
                         const struct baseline_profile *profile)
{
    const struct baseline_figure *about = &profile->figures[figure];
    if (about->count == 0)
        output_printf(output, profile->hidden >> figure & 1 ? " not known |" : " n/a |");
    else if (about->count < profile->runs)
        output_printf(output, " %.*f (n=%u) |", decimals(figure), shown(figure, about->mean),
                      about->count);
    else if (about->count == 1)
        output_printf(output, " %.*f |", decimals(figure), shown(figure, about->mean));
    else
        output_printf(output, " %.*f ±%.*f |", decimals(figure), shown(figure, about->mean),
                      decimals(figure), shown(figure, about->deviation));
}

static void write_profiles(struct output *output, const struct baseline_report *report)
{
    output_printf(output,
                  "## Profiles\n\nMeans of runs, with the deviation of a sample. Not known is what "
                  "requests without a reply hide; n is how many runs have a figure, where not all "
                  "do.\n\n"
                  "| Profile | Runs | requests/s | messages/min | avg ms | p50 ms | p95 ms | "
                  "p99 ms | p99.9 ms | p99.99 ms | server CPU us/request | used memory MB "
                  "| Doubts |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < report->profile_count; i++) {
        const struct baseline_profile *profile = &report->profiles[i];
        output_printf(output, "| ");
        write_words(output, profile->name);
        output_printf(output, " | %u |", profile->runs);
        for (unsigned figure = 0; figure < BASELINE_FIGURES; figure++) {
            write_figure(output, figure, profile);
            if (figure == RECORD_RPS && profile->figures[figure].count > 0)
                output_printf(output, " %.0f |", 60 * profile->figures[figure].mean);
            else if (figure == RECORD_RPS)
                output_printf(output, " n/a |");
        }
        const double cv = profile->figures[RECORD_RPS].cv_percent;
        if (profile->red > 0)
            output_printf(output, " %u RED", profile->red);
        if (cv > NOISY_CV)
            output_printf(output, " noisy: CV %.0f %%", cv);
        output_printf(output, "%s |\n",
                      profile->runs == 1                  ? " one run"
                      : profile->red > 0 || cv > NOISY_CV ? ""
                                                          : " none");
    }
}

/* Runs that do not vary have one of 0, which nothing has. */
static const char *format_p(char *text, size_t text_bytes, double p)
{
    snprintf(text, text_bytes, p < 0.001 ? "p below 0.001" : "p %.2g", p);
    return text;
}

static void write_advice(struct output *output, const struct baseline_advice *advice,
                         enum baseline_use use)
{
    const unsigned figure = uses[use].figure;
    char p[30];
    output_printf(output, "| ");
    write_words(output, advice->command);
    output_printf(output, " | %s | ", uses[use].words);
    if (advice->best == NULL) {
        output_printf(output, "not measured | n/a | %s |\n",
                      use == USE_MEMORY ? "the server has not told its used\\_memory"
                      : use == USE_LATENCY
                          ? "requests without a reply hide it, or the tool has none"
                          : "");
        return;
    }
    write_words(output, advice->best->name);
    output_printf(output, " | %.*f %s | ", decimals(figure),
                  shown(figure, advice->best->figures[figure].mean),
                  figure == BASELINE_MEMORY ? "MB"
                                            : record_figure_unit((enum record_figure)figure));
    if (advice->second == NULL && advice->unknown > 0)
        output_printf(output, "the only one of %u profiles of which it is known",
                      advice->unknown + 1);
    else if (advice->second == NULL)
        output_printf(output, "the only profile");
    else if (advice->sure)
        output_printf(output, "better than the next one by %.1f %%, %s", 100 * advice->apart,
                      format_p(p, sizeof p, advice->p));
    else {
        output_printf(output, advice->alike ? "as good as " : "cannot be told from ");
        write_words(output, advice->second->name);
        if (advice->alike)
            output_printf(output, ": %.1f %% apart", 100 * advice->apart);
        else
            output_printf(output, isnan(advice->p) ? ": repeat the runs" : ", %s",
                          format_p(p, sizeof p, advice->p));
    }
    output_printf(output, " |\n");
}

static void write_sources(struct output *output, const struct baseline_report *report)
{
    const json_t *records = json_object_get(report->baseline->root, "records");
    const char *last = "";
    for (size_t i = 0; i < json_array_size(records); i++) {
        const char *source =
            json_string_value(json_object_get(json_array_get(records, i), "source"));
        if (source == NULL || strcmp(source, last) == 0)
            continue;
        output_printf(output, "- ");
        write_words(output, source);
        output_printf(output, "\n");
        last = source;
    }
}

static void write_environment(struct output *output, const struct baseline_report *report)
{
    json_t *leaves = page_leaves(report->baseline->set.environment), *value;
    const char *key;
    output_printf(output, "\n## Environment\n\n| What | |\n|---|---|\n");
    json_object_foreach(leaves, key, value)
    {
        if (strncmp(key, "option.", 7) == 0)
            continue;
        output_printf(output, "| ");
        write_words(output, key);
        output_printf(output, " | ");
        write_words(output, json_string_value(value));
        output_printf(output, " |\n");
    }
    json_decref(leaves);
}

void baseline_report_markdown(struct output *output, const struct baseline_report *report)
{
    const struct baseline *baseline = report->baseline;
    output_printf(output, "# Performance Baseline Report: ");
    write_words(output, baseline->set.name);
    output_printf(output, "\n\n%zu profile%s of %zu run%s, saved at ", report->profile_count,
                  report->profile_count == 1 ? "" : "s", baseline->set.count,
                  baseline->set.count == 1 ? "" : "s");
    write_words(output, baseline->saved);
    output_printf(output, " from\n\n");
    write_sources(output, report);
    output_printf(output, "\n");
    write_profiles(output, report);
    output_printf(output,
                  "\n## Recommendations\n\nThe best profile of a command for each use, and "
                  "how sure that is (Welch's t against the second one, p below %.2g). What is less "
                  "than %.0f %% better is as good.\n\n"
                  "| Command | Use | Profile | Mean | How sure |\n|---|---|---|---|---|\n",
                  SURE_P, 100 * ALIKE);
    for (size_t i = 0; i < report->command_count * BASELINE_USES; i++)
        write_advice(output, &report->advice[i], (enum baseline_use)(i % BASELINE_USES));
    write_environment(output, report);
    output_printf(output, "\n## Regression check\n\n    volley check --baseline %s DIR\n",
                  baseline->name);
}

/* ---- JSON ---- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static const char *figure_name(unsigned figure)
{
    return figure == BASELINE_MEMORY ? "used_memory_bytes"
                                     : record_figure_name((enum record_figure)figure);
}

static json_t *profile_json(const struct baseline_profile *profile)
{
    json_t *figures = json_object();
    for (unsigned i = 0; i < BASELINE_FIGURES; i++) {
        const struct baseline_figure *figure = &profile->figures[i];
        (void)json_object_set_new(figures, figure_name(i),
                                  json_pack("{s:i, s:o, s:o, s:o}", "runs", (int)figure->count,
                                            "mean", number(figure->mean), "stdev",
                                            number(figure->deviation), "cv_percent",
                                            number(figure->cv_percent)));
    }
    const double rps = profile->figures[RECORD_RPS].mean;
    return json_pack("{s:o, s:o, s:i, s:i, s:o, s:o}", "name", json_value_text(profile->name),
                     "configuration", baseline_configuration(profile->of), "runs",
                     (int)profile->runs, "red", (int)profile->red, "messages_per_minute",
                     number(60 * rps), "metrics", figures);
}

static json_t *name_or_null(const struct baseline_profile *profile)
{
    return profile != NULL ? json_value_text(profile->name) : json_null();
}

json_t *baseline_report_json(const struct baseline_report *report)
{
    const struct baseline *baseline = report->baseline;
    json_t *profiles = json_array(), *advice = json_array();
    for (size_t i = 0; i < report->profile_count; i++)
        (void)json_array_append_new(profiles, profile_json(&report->profiles[i]));
    for (size_t i = 0; i < report->command_count * BASELINE_USES; i++) {
        const struct baseline_advice *one = &report->advice[i];
        const unsigned figure = uses[i % BASELINE_USES].figure;
        (void)json_array_append_new(
            advice,
            json_pack("{s:o, s:s, s:o, s:o, s:s, s:o, s:o, s:b, s:b}", "command",
                      json_value_text(one->command), "use", uses[i % BASELINE_USES].name, "profile",
                      name_or_null(one->best), "second", name_or_null(one->second), "metric",
                      figure_name(figure), "mean",
                      number(one->best != NULL ? one->best->figures[figure].mean : (double)NAN),
                      "p", number(one->p), "sure", one->sure, "as_good", one->alike));
    }
    return json_pack("{s:s, s:o, s:o, s:I, s:O, s:o, s:o}", "schema", BASELINE_REPORT_SCHEMA,
                     "name", json_value_text(baseline->name), "saved",
                     json_value_text(baseline->saved), "runs", (json_int_t)baseline->set.count,
                     "environment", baseline->set.environment, "profiles", profiles,
                     "recommendations", advice);
}
