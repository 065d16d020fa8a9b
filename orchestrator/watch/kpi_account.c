#include "orchestrator/watch/kpi_account.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/watch/alerts.h"

enum err_code kpi_account_open(struct kpi_account *account, const struct alert_rules *rules,
                               const char *path, struct err *err)
{
    account->rules = rules;
    account->sums = calloc(rules->kpi_count + 1, sizeof account->sums[0]);
    account->counts = calloc(rules->kpi_count + 1, sizeof account->counts[0]);
    account->runs = json_array();
    if (account->sums == NULL || account->counts == NULL || account->runs == NULL)
        return err_set(err, E_SYSTEM, "no memory for KPIs");
    if (path == NULL || rules->kpi_count == 0)
        return OK;
    const enum err_code code = output_create(&account->output, path, OUTPUT_OWN, err);
    account->opened = account->written = code == OK;
    return code;
}

void kpi_account_run_begin(struct kpi_account *account)
{
    memset(account->sums, 0, account->rules->kpi_count * sizeof account->sums[0]);
    memset(account->counts, 0, account->rules->kpi_count * sizeof account->counts[0]);
}

void kpi_account_add(struct kpi_account *account, const struct watch_reading *reading)
{
    for (size_t i = 0; i < account->rules->kpi_count; i++) {
        const struct watch_value value =
            watch_figure_read(&account->rules->kpis[i].figure, reading);
        if (isnan(value.number))
            continue;
        account->sums[i] += value.number;
        account->counts[i]++;
    }
}

static struct watch_value value_of(const struct kpi_account *account, size_t index,
                                   const struct metric_slice *slice)
{
    const struct watch_reading reading = {.load = slice, .hit_ratio = NAN};
    const struct watch_figure *figure = &account->rules->kpis[index].figure;
    if (figure->origin == WATCH_LOAD || figure->buffer != WATCH_NO_BUFFER)
        return watch_figure_read(figure, &reading);
    return (struct watch_value){
        .number = account->counts[index] > 0 ? account->sums[index] / (double)account->counts[index]
                                             : (double)NAN};
}

static json_t *number_or_null(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

static json_t *to_json(const struct kpi *kpi, struct watch_value value)
{
    return json_pack("{s:o, s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:s, s:s}", "name",
                     json_value_text(kpi->name), "metric", json_value_text(kpi->figure.name),
                     "unit", kpi->figure.unit, "value", number_or_null(value.number), "at_least",
                     value.at_least, "target", number_or_null(kpi->target), "warning",
                     number_or_null(kpi->warning), "critical", number_or_null(kpi->critical),
                     "direction", kpi->higher_is_better ? "higher" : "lower", "status",
                     kpi_status_name(kpi_judge(kpi, value)));
}

static const char *limit_text(char text[24], double limit)
{
    if (isnan(limit))
        return "TBD";
    return units_format_figure(text, 24, limit, ALERT_LIMIT_DIGITS);
}

static void print_row(FILE *out, const struct kpi *kpi, struct watch_value value)
{
    char number[64], target[24], warning[24], critical[24];
    fprintf(out, "  %-20s %-26s %10s %10s %10s   %s\n", kpi->name,
            alert_value_text(number, sizeof number, value, kpi->figure.unit),
            limit_text(target, kpi->target), limit_text(warning, kpi->warning),
            limit_text(critical, kpi->critical), kpi_status_name(kpi_judge(kpi, value)));
}

json_t *kpi_account_of(const struct kpi_account *account, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    json_t *list = json_array();
    for (size_t i = 0; i < account->rules->kpi_count; i++)
        json_array_append_new(list,
                              to_json(&account->rules->kpis[i], value_of(account, i, &slice)));
    return list;
}

void kpi_account_run_end(struct kpi_account *account, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    if (account->rules->kpi_count > 0 && account->table != NULL)
        fprintf(account->table, "\nKPIs:\n  %-20s %-26s %10s %10s %10s   %s\n", "name", "value",
                "target", "warning", "critical", "status");
    for (size_t i = 0; i < account->rules->kpi_count && account->table != NULL; i++)
        print_row(account->table, &account->rules->kpis[i], value_of(account, i, &slice));
    json_array_append_new(account->runs,
                          json_pack("{s:o, s:o}", "name", json_value_text(result->facts->name),
                                    "kpis", kpi_account_of(account, result)));
}

enum err_code kpi_account_end(struct kpi_account *account, struct err *err)
{
    if (!account->written)
        return OK;
    json_t *root = json_pack("{s:s, s:O}", "schema", KPI_FILE_SCHEMA, "runs", account->runs);
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(root);
    if (text == NULL)
        return err_set(err, E_SYSTEM, "no memory for kpis.json");
    output_printf(&account->output, "%s\n", text);
    free(text);
    account->written = false;
    return output_commit(&account->output, err);
}

void kpi_account_free(struct kpi_account *account)
{
    if (account->opened)
        output_discard(&account->output);
    free(account->sums);
    free(account->counts);
    json_decref(account->runs);
    *account = (struct kpi_account){.rules = NULL};
}
