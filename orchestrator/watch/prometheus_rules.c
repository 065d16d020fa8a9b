#include "orchestrator/watch/prometheus_rules.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/watch/prometheus_name.h"

#define TERM_BYTES 220u

/* Names that are series of /metrics already get one of their own: volley:rate. */
const char *prometheus_record_name(const struct watch_figure *figure)
{
    static char names[2][PROMETHEUS_RECORD_BYTES];
    static unsigned turn;
    char *name = names[turn++ % 2];
    size_t used = 0;
    const bool series = strncmp(figure->name, "volley_", 7) == 0;
    for (const char *at = figure->name; *at != '\0' && used + 1 < PROMETHEUS_RECORD_BYTES; at++) {
        if (strchr("\"=}", *at) != NULL)
            continue;
        name[used++] = (char)(isalnum((unsigned char)*at) ? *at : *at == '{' ? ':' : '_');
    }
    name[used] = '\0';
    if (series)
        name[6] = ':';
    return name;
}

/* A factor, where there is one. */
static void scaled(char *text, size_t text_bytes, const char *term, double factor)
{
    if (factor > 0.999999999 && factor < 1.000000001)
        snprintf(text, text_bytes, "%s", term);
    else
        snprintf(text, text_bytes, "%s * %.15g", term, factor);
}

static const char *prometheus_time(char text[24], uint64_t ns)
{
    if (ns % NS_PER_SECOND == 0)
        snprintf(text, 24, "%llus", (unsigned long long)(ns / NS_PER_SECOND));
    else
        snprintf(text, 24, "%llums", (unsigned long long)(ns / NS_PER_MS));
    return text;
}

/* What a counter of the whole session grew by. */
static void put_growth(char term[TERM_BYTES], const char *series, uint64_t interval_ns)
{
    char time[24];
    snprintf(term, TERM_BYTES, "(sum(%.80s) - sum(%.80s offset %s))", series, series,
             prometheus_time(time, interval_ns));
}

static void put_load(char term[TERM_BYTES], double *factor, const struct watch_figure *figure,
                     uint64_t interval_ns)
{
    char series[PROMETHEUS_NAME_BYTES + 40], family[PROMETHEUS_NAME_BYTES];
    double q;
    if (figure->statistic != NULL && figure->statistic->kind != STATISTIC_COUNT) {
        prometheus_name_of_statistic(family, &q, figure->metric, figure->statistic);
        if (q >= 0)
            snprintf(term, TERM_BYTES, "max(%s{q=\"%g\"})", family, q);
        else
            snprintf(term, TERM_BYTES, "max(%s)", family);
        *factor = figure->factor * 1e6;
        return;
    }
    const struct prometheus_name name = prometheus_name_of(figure->metric);
    *factor = figure->factor / (figure->statistic != NULL ? 1 : name.factor);
    if (figure->statistic != NULL)
        snprintf(series, sizeof series, "%s_count", name.family);
    else if (name.value != NULL)
        snprintf(series, sizeof series, "%s{%s=\"%.30s\"}", name.family, name.label, name.value);
    else
        snprintf(series, sizeof series, "%s", name.family);
    if (figure->statistic != NULL || name.type == PROMETHEUS_COUNTER)
        put_growth(term, series, interval_ns);
    else
        snprintf(term, TERM_BYTES, "max(%s)", series);
}

static void put_server(char term[TERM_BYTES], double *factor, const struct watch_figure *figure)
{
    if (figure->field == SERIES_KEYS) {
        snprintf(term, TERM_BYTES, "sum(volley_server_keys)");
        *factor = figure->factor;
        return;
    }
    const struct prometheus_name name = prometheus_name_of_field(figure->field);
    const bool ratio = strstr(series_metric_name(figure->field), "_ratio") != NULL;
    snprintf(term, TERM_BYTES, "%s(%s)", ratio ? "max" : "sum", name.family);
    *factor = figure->factor / name.factor;
}

char *prometheus_record_source(char *text, size_t text_bytes, const struct watch_figure *figure,
                               uint64_t interval_ns)
{
    char term[TERM_BYTES] = "";
    double factor = 1;
    switch (figure->origin) {
    case WATCH_LOAD:
        put_load(term, &factor, figure, interval_ns);
        break;
    case WATCH_SERVER:
        put_server(term, &factor, figure);
        break;
    case WATCH_HIT_RATIO:
        snprintf(term, sizeof term, "max(volley_cache_hit_ratio)");
        factor = figure->factor;
        break;
    case WATCH_SERVER_UP:
        snprintf(term, sizeof term, "min(volley_server_up)");
        factor = figure->factor;
        break;
    case WATCH_NOBODY:
        break;
    }
    scaled(text, text_bytes, term, factor);
    return text;
}

/* A text in single quotes. Prometheus would expand "{{": it is to stand as it is. */
static void print_text(FILE *out, const char *text)
{
    fprintf(out, "'");
    for (; *text != '\0'; text++) {
        if (text[0] == '{' && text[1] == '{') {
            fprintf(out, "{{ \"{{\" }}");
            text++;
        } else if (*text == '\'') {
            fprintf(out, "''");
        } else {
            (void)fputc(*text, out);
        }
    }
    fprintf(out, "'\n");
}

static bool came_before(const struct alert_rules *rules, size_t rule, uint32_t figure)
{
    char name[PROMETHEUS_RECORD_BYTES];
    snprintf(name, sizeof name, "%s",
             prometheus_record_name(&rules->items[rule].expression.figures[figure]));
    for (size_t i = 0; i <= rule; i++) {
        const struct expression *expression = &rules->items[i].expression;
        const uint32_t end = i < rule ? expression->figure_count : figure;
        for (uint32_t k = 0; k < end && !expression->uncalibrated; k++)
            if (strcmp(prometheus_record_name(&expression->figures[k]), name) == 0)
                return true;
    }
    return false;
}

static void print_records(FILE *out, const struct alert_rules *rules, uint64_t interval_ns)
{
    char source[2 * TERM_BYTES];
    for (size_t i = 0; i < rules->count; i++) {
        const struct expression *expression = &rules->items[i].expression;
        for (uint32_t k = 0; k < expression->figure_count && !expression->uncalibrated; k++) {
            const struct watch_figure *figure = &expression->figures[k];
            if (came_before(rules, i, k))
                continue;
            prometheus_record_source(source, sizeof source, figure, interval_ns);
            if (source[0] == '\0') {
                fprintf(out, "      # %s: only a buffer of the client would have it\n",
                        figure->name);
                continue;
            }
            fprintf(out, "      # %s, %s\n      - record: %s\n        expr: ", figure->name,
                    figure->unit, prometheus_record_name(figure));
            print_text(out, source);
        }
    }
}

static void print_alert(FILE *out, const struct alert_rule *rule)
{
    char *condition = NULL, time[24];
    size_t bytes = 0;
    FILE *memory = open_memstream(&condition, &bytes);
    if (memory == NULL)
        return;
    expression_print(memory, &rule->expression, prometheus_record_name, true);
    (void)fclose(memory);
    fprintf(out, "      - alert: '%s'\n        expr: ", rule->name);
    print_text(out, condition);
    fprintf(out, "        for: %s\n        labels:\n", prometheus_time(time, rule->for_ns));
    for (uint32_t i = 0; i < rule->label_count; i++) {
        fprintf(out, "          %s: ", rule->labels[i].name);
        print_text(out, rule->labels[i].value);
    }
    if (rule->summary[0] != '\0' || rule->description[0] != '\0')
        fprintf(out, "        annotations:\n");
    if (rule->summary[0] != '\0') {
        fprintf(out, "          summary: ");
        print_text(out, rule->summary);
    }
    if (rule->description[0] != '\0') {
        fprintf(out, "          description: ");
        print_text(out, rule->description);
    }
    free(condition);
}

void prometheus_rules_write(FILE *out, const struct alert_rules *rules, uint64_t interval_ns)
{
    char time[24];
    bool any = false;
    fprintf(
        out,
        "# Written by volley alerts export: recording rules of the figures, and the alerts over "
        "them.\n");
    for (size_t i = 0; i < rules->count; i++) {
        any |= !rules->items[i].expression.uncalibrated;
        if (rules->items[i].expression.uncalibrated)
            fprintf(out, "# %s (%s) is not calibrated, and left out: %s\n", rules->items[i].name,
                    alert_severity_name(rules->items[i].severity), rules->items[i].condition);
    }
    fprintf(out, "groups:\n  - name: volley\n    interval: %s\n    rules:%s\n",
            prometheus_time(time, interval_ns), any ? "" : " []");
    print_records(out, rules, interval_ns);
    for (size_t i = 0; i < rules->count; i++)
        if (!rules->items[i].expression.uncalibrated)
            print_alert(out, &rules->items[i]);
}
