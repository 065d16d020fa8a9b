/* Files of KPIs: figures with a target and two limits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/watch/alert_rules.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define WEEK_NS (7 * 24 * 3600 * NS_PER_SECOND)
#define KPIS_MAX 50u

struct written_kpi {
    struct file_place place;
    const char *metric, *summary;
    unsigned direction; /* enum */
    uint64_t for_ns;
};
enum { AS_THE_FIGURE, HIGHER, LOWER };

struct written_file {
    struct file_place place;
    struct written_kpi *kpis;
    size_t kpi_count;
};

static const char *direction_at(size_t index)
{
    static const char *const words[] = {"auto", "higher", "lower"};
    return index < COUNT(words) ? words[index] : NULL;
}

#define LIMIT(name_, help_)                                                                        \
    {                                                                                              \
        .row = {.name = name_, .help = help_}, .form = FILE_ANY                                    \
    }
#define AT(member) offsetof(struct written_kpi, member)
static const struct file_field kpi_fields[] = {
    {.row = {ROW("metric", NULL, OPTION_TEXT, NULL, AT(metric)),
             .help = "A figure; without it the KPI's name is one."}},
    LIMIT("target", "What it should be; a number, or TBD."),
    LIMIT("warning", "Worse than this number it warns; TBD: not known yet."),
    LIMIT("critical", "Worse than this number it is critical; TBD: not known yet."),
    {.row = {ROW("direction", NULL, OPTION_WORD, NULL, AT(direction)), .value_at = direction_at,
             .unset = "auto", .help = "Which way is better."}},
    {.row = {ROW("for", NULL, OPTION_DURATION, NULL, AT(for_ns)), BARE(NS_PER_SECOND, 0, WEEK_NS),
             .unset = "0", .help = "How long a limit has to be passed before it is an alert."}},
    {.row = {ROW("summary", NULL, OPTION_TEXT, NULL, AT(summary)),
             .help = "What its alerts say, in one sentence."}},
};
#undef AT
static const struct file_object kpi_object = {
    .name = "a KPI", .fields = kpi_fields, .field_count = COUNT(kpi_fields)};
static const struct file_field kpi_element = {.form = FILE_OBJECT, .object = &kpi_object};
static const struct file_field file_fields[] = {
    {.row = {.name = "kpis",
             .offset = offsetof(struct written_file, kpis),
             .help = "Figures with their limits, by names."},
     .form = FILE_MAP,
     .required = true,
     .of = &kpi_element,
     .element_bytes = sizeof(struct written_kpi),
     .count_offset = offsetof(struct written_file, kpi_count),
     .least = 1,
     .most = KPIS_MAX},
};
static const struct file_object file_object = {
    .name = "a file of KPIs", .fields = file_fields, .field_count = COUNT(file_fields)};
const struct file_kind kpi_file_kind = {.name = "kpis",
                                        .what = "file of KPIs",
                                        .help = "Figures to be kept, for --kpis.",
                                        .root = {.form = FILE_OBJECT, .object = &file_object}};

struct adding {
    struct alert_rules *rules;
    const struct file *file;
    struct err *err;
};

static bool is_unset(const struct config_node *node)
{
    if (node->kind == CONFIG_SCALAR)
        return node->missing || node->text[0] == '\0' || strncasecmp(node->text, "tbd", 3) == 0;
    if (node->kind == CONFIG_LIST)
        return node->count > 0 && is_unset(&node->children[0]);
    return node->kind == CONFIG_MAP && node->count == 1 &&
           strncasecmp(node->children[0].key, "tbd", 3) == 0;
}

/* Also 2.5e9; no hexadecimal one, no infinity. */
static bool is_number(double *number, const char *text)
{
    char *end;
    if (strspn(text, "0123456789.eE+-") != strlen(text))
        return false;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*number);
}

/* A number of the figure's unit; NAN: nobody has said yet. */
static enum err_code read_limit(double *number, const struct adding *adding,
                                const struct written_kpi *written, const char *key)
{
    const struct config_node *node = config_node_get(written->place.node, key);
    *number = NAN;
    if (node == NULL || is_unset(node))
        return OK;
    if (node->kind != CONFIG_SCALAR || !is_number(number, node->text))
        return file_refuse(adding->file, &written->place, key, adding->err,
                           "%s: %.40s: a number, or TBD", key,
                           node->kind == CONFIG_SCALAR ? PRINTABLE(node->text) : "no value");
    return OK;
}

static enum err_code check_order(const struct adding *adding, const struct written_kpi *written,
                                 const struct kpi *kpi)
{
    const double beyond =
        kpi->higher_is_better ? kpi->warning - kpi->critical : kpi->critical - kpi->warning;
    if (beyond < 0)
        return file_refuse(adding->file, &written->place, "critical", adding->err,
                           "critical: it is reached before warning, where %s is better; direction "
                           "says which way is",
                           kpi->higher_is_better ? "higher" : "lower");
    return OK;
}

static enum err_code read_kpi(struct kpi *kpi, const struct adding *adding,
                              const struct written_kpi *written)
{
    const char *name = written->place.node->key, *trouble = alert_name_trouble(name);
    const char *metric = written->metric != NULL ? written->metric : name;
    struct err reason = {.code = OK};
    if (trouble[0] != '\0')
        return file_refuse(adding->file, &written->place, NULL, adding->err, "%.60s: %s",
                           PRINTABLE(name), trouble);
    if (watch_figure_find(&kpi->figure, metric, strlen(metric), &reason) != OK)
        return file_refuse(adding->file, &written->place, "metric", adding->err, "metric: %s",
                           reason.text);
    snprintf(kpi->name, sizeof kpi->name, "%s", name);
    kpi->higher_is_better = written->direction == AS_THE_FIGURE ? kpi->figure.higher_is_better
                                                                : written->direction == HIGHER;
    enum err_code code = read_limit(&kpi->target, adding, written, "target");
    if (code == OK)
        code = read_limit(&kpi->warning, adding, written, "warning");
    if (code == OK)
        code = read_limit(&kpi->critical, adding, written, "critical");
    return code == OK ? check_order(adding, written, kpi) : code;
}

/* One of its two rules. */
static enum err_code add_rule(const struct adding *adding, const struct written_kpi *written,
                              const struct kpi *kpi, enum alert_severity severity)
{
    struct err reason = {.code = OK};
    const double limit = severity == ALERT_WARNING ? kpi->warning : kpi->critical;
    struct alert_rule *rule = alert_rules_add(adding->rules, kpi->name, severity, &reason);
    if (rule == NULL)
        return reason.code == E_SYSTEM ? err_set(adding->err, E_SYSTEM, "%s", reason.text)
                                       : file_refuse(adding->file, &written->place, NULL,
                                                     adding->err, "%s", reason.text);
    expression_of_limit(&rule->expression, &kpi->figure,
                        kpi->higher_is_better ? SIGN_BELOW : SIGN_ABOVE, limit);
    FILE *out = fmemopen(rule->condition, sizeof rule->condition, "w");
    if (out == NULL)
        return err_set(adding->err, E_SYSTEM, "no memory for alert rules");
    expression_print(out, &rule->expression, NULL, false);
    (void)fclose(out);
    rule->for_ns = written->for_ns;
    if (written->summary != NULL)
        snprintf(rule->summary, sizeof rule->summary, "%s", written->summary);
    else
        snprintf(rule->summary, sizeof rule->summary, "%s is %s its limit", kpi->name,
                 kpi->higher_is_better ? "below" : "above");
    printable_line(rule->summary);
    return OK;
}

static enum err_code add_kpi(const struct adding *adding, const struct written_kpi *written)
{
    struct alert_rules *rules = adding->rules;
    struct kpi kpi = {.target = NAN, .warning = NAN, .critical = NAN};
    enum err_code code = read_kpi(&kpi, adding, written);
    if (code == OK)
        code = add_rule(adding, written, &kpi, ALERT_WARNING);
    if (code == OK)
        code = add_rule(adding, written, &kpi, ALERT_CRITICAL);
    if (code != OK)
        return code;
    struct kpi *kpis = reallocarray(rules->kpis, rules->kpi_count + 1, sizeof kpis[0]);
    if (kpis == NULL)
        return err_set(adding->err, E_SYSTEM, "no memory for KPIs");
    rules->kpis = kpis;
    kpis[rules->kpi_count++] = kpi;
    return OK;
}

enum err_code kpi_file_read(struct alert_rules *rules, const struct file_source *source,
                            struct err *err)
{
    struct written_file written = {.kpis = NULL};
    struct file file;
    const struct adding adding = {rules, &file, err};
    enum err_code code = file_read(&file, &kpi_file_kind, &written, source, err);
    for (size_t i = 0; i < written.kpi_count && code == OK; i++)
        code = add_kpi(&adding, &written.kpis[i]);
    file_free(&file);
    return code;
}

/* ---- what a value comes to ---- */

static bool is_beyond(const struct kpi *kpi, double limit, struct watch_value value)
{
    const double number = value.at_least ? (double)INFINITY : value.number;
    return kpi->higher_is_better ? number < limit : number > limit;
}

enum kpi_status kpi_judge(const struct kpi *kpi, struct watch_value value)
{
    if (isnan(value.number))
        return KPI_UNKNOWN;
    if (is_beyond(kpi, kpi->critical, value))
        return KPI_CRITICAL;
    if (is_beyond(kpi, kpi->warning, value))
        return KPI_WARNING;
    return isnan(kpi->warning) && isnan(kpi->critical) ? KPI_UNCALIBRATED : KPI_OK;
}

const char *kpi_status_name(enum kpi_status status)
{
    static const char *const names[] = {[KPI_UNKNOWN] = "unknown",
                                        [KPI_UNCALIBRATED] = "uncalibrated",
                                        [KPI_OK] = "ok",
                                        [KPI_WARNING] = "warning",
                                        [KPI_CRITICAL] = "critical"};
    return names[status];
}
