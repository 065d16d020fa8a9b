#include "orchestrator/watch/calibration.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/printable.h"
#include "orchestrator/report/statistics.h"

#define NUMBER_BYTES 40u

/* ---- numbers ---- */

void calibration_settle(struct calibration *calibration, const struct kpi *kpi)
{
    const double way = kpi->higher_is_better ? -1 : 1;
    calibration->mean = statistics_mean(calibration->values, calibration->count);
    calibration->sigma = statistics_deviation(calibration->values, calibration->count);
    calibration->warning = fmax(0, calibration->mean + way * 2 * calibration->sigma);
    calibration->critical = fmax(0, calibration->mean + way * 3 * calibration->sigma);
}

char *calibration_number(char *text, size_t text_bytes, double number)
{
    const double size = fabs(number);
    const int digits = size > 0 ? (int)floor(log10(size)) + 1 : 1;
    if (digits > 12 || digits < -6) {
        snprintf(text, text_bytes, "%.6g", number);
        return text;
    }
    snprintf(text, text_bytes, "%.*f", digits >= 6 ? 0 : 6 - digits, number);
    if (strchr(text, '.') != NULL) {
        char *end = text + strlen(text);
        while (end[-1] == '0')
            *--end = '\0';
        if (end[-1] == '.')
            end[-1] = '\0';
    }
    return text;
}

/* ---- where they stand ---- */

/* Bytes of a text that become others. */
struct edit {
    size_t at, bytes;
    char number[NUMBER_BYTES];
};

struct editing {
    const char *name, *text;
    struct edit *edits;
    size_t count;
    struct err *err;
};

/* Places count characters; lines end with \n. */
static size_t offset_of(const char *text, struct config_mark mark)
{
    const char *at = text;
    for (unsigned line = 1; line < mark.line && *at != '\0'; line++) {
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    for (unsigned column = 1; column < mark.column && *at != '\0' && *at != '\n'; column++)
        do
            at++;
        while (((unsigned char)*at & 0xc0) == 0x80);
    return (size_t)(at - text);
}

/* How many bytes a value takes that stands in one line; 0: it does not look like one. */
static size_t value_bytes(const char *at)
{
    if (*at == '"' || *at == '\'') {
        const size_t bytes = strcspn(at + 1, (char[]){*at, '\n', '\0'});
        return at[1 + bytes] == *at ? bytes + 2 : 0;
    }
    if (*at == '[') {
        const size_t bytes = strcspn(at, "]\n");
        return at[bytes] == ']' ? bytes + 1 : 0;
    }
    size_t bytes = strcspn(at, ",}#\n\r");
    while (bytes > 0 && isspace((unsigned char)at[bytes - 1]))
        bytes--;
    return bytes;
}

/* Nothing stands behind the key: the number goes behind its colon. */
static enum err_code edit_nothing(struct editing *editing, const struct config_node *node,
                                  struct edit *edit)
{
    const size_t key = offset_of(editing->text, node->key_mark);
    const char *at = editing->text + key;
    at += strcspn(at, ":\n");
    if (*at != ':')
        return config_refuse(editing->err, editing->name, node->key_mark,
                             "%s: its value cannot be written here; write TBD there",
                             PRINTABLE(node->key));
    char number[NUMBER_BYTES];
    memcpy(number, edit->number, sizeof number);
    snprintf(edit->number, sizeof edit->number, " %.30s", number);
    edit->at = (size_t)(at + 1 - editing->text);
    editing->count++;
    return OK;
}

static enum err_code edit_value(struct editing *editing, const struct kpi *kpi,
                                const struct config_node *node, const char *key, double number)
{
    struct edit *edit = &editing->edits[editing->count];
    const struct config_node *value = config_node_get(node, key);
    if (isnan(number))
        return OK;
    if (value == NULL)
        return config_refuse(editing->err, editing->name, node->mark,
                             "%s has no \"%s\" to be filled in: write %s: TBD", kpi->name, key,
                             key);
    *edit = (struct edit){.at = 0};
    calibration_number(edit->number, sizeof edit->number, number);
    if (value->kind == CONFIG_SCALAR && value->missing && value->text[0] == '\0')
        return edit_nothing(editing, value, edit);
    edit->at = offset_of(editing->text, value->mark);
    edit->bytes = value_bytes(editing->text + edit->at);
    if (edit->bytes == 0 || value->kind == CONFIG_MAP)
        return config_refuse(editing->err, editing->name, value->mark,
                             "%s: %s cannot be replaced where it stands: write TBD there",
                             kpi->name, key);
    editing->count++;
    return OK;
}

static int by_place(const void *a, const void *b)
{
    const struct edit *left = a, *right = b;
    return (left->at > right->at) - (left->at < right->at);
}

static char *apply(const struct editing *editing)
{
    char *edited = NULL;
    size_t bytes = 0, at = 0;
    FILE *out = open_memstream(&edited, &bytes);
    if (out == NULL)
        return NULL;
    qsort(editing->edits, editing->count, sizeof editing->edits[0], by_place);
    for (size_t i = 0; i < editing->count; i++) {
        const struct edit *edit = &editing->edits[i];
        (void)fwrite(editing->text + at, 1, edit->at - at, out);
        fputs(edit->number, out);
        at = edit->at + edit->bytes;
    }
    fputs(editing->text + at, out);
    if (fclose(out) == 0)
        return edited;
    free(edited);
    return NULL;
}

static bool same(double limit, double wanted, double before)
{
    const double number = isnan(wanted) ? before : wanted;
    return (isnan(limit) && isnan(number)) || fabs(limit - number) <= 1e-5 * fabs(number) ||
           fabs(limit - number) <= 1e-12;
}

/* What comes out must say what was meant, whatever the layout: read again. */
static enum err_code check(const struct editing *editing, const char *edited,
                           const struct alert_rules *rules, const double *warnings,
                           const double *criticals)
{
    struct alert_rules again = {.items = NULL};
    struct err reason = {.code = OK};
    bool right = kpi_file_read(&again, &(struct file_source){editing->name, edited, strlen(edited)},
                               &reason) == OK &&
                 again.kpi_count == rules->kpi_count;
    for (size_t i = 0; right && i < rules->kpi_count; i++)
        right = same(again.kpis[i].warning, warnings[i], rules->kpis[i].warning) &&
                same(again.kpis[i].critical, criticals[i], rules->kpis[i].critical);
    alert_rules_free(&again);
    return right ? OK
                 : err_set(editing->err, E_CONFIG,
                           "%.200s: limits cannot be written into it as it is laid out%s%s; write "
                           "each value on a line of its own",
                           editing->name, reason.text[0] != '\0' ? ": " : "", reason.text);
}

enum err_code calibration_edit(char **edited, const char *name, const char *text,
                               const struct alert_rules *rules, const double *warnings,
                               const double *criticals, struct err *err)
{
    struct config_node root;
    struct editing editing = {.name = name, .text = text, .err = err};
    *edited = NULL;
    editing.edits = calloc(2 * rules->kpi_count + 1, sizeof editing.edits[0]);
    enum err_code code = config_tree_parse(&root, name, text, strlen(text), err);
    if (editing.edits == NULL && code == OK)
        code = err_set(err, E_SYSTEM, "no memory for a file of KPIs");
    const struct config_node *kpis = code == OK ? config_node_get(&root, "kpis") : NULL;
    for (size_t i = 0; i < rules->kpi_count && code == OK; i++) {
        const struct kpi *kpi = &rules->kpis[i];
        const struct config_node *node = kpis != NULL ? config_node_get(kpis, kpi->name) : NULL;
        if (node == NULL)
            code = err_set(err, E_CONFIG, "%.200s has no KPI %s any more", name, kpi->name);
        if (code == OK)
            code = edit_value(&editing, kpi, node, "warning", warnings[i]);
        if (code == OK)
            code = edit_value(&editing, kpi, node, "critical", criticals[i]);
    }
    if (code == OK && (*edited = apply(&editing)) == NULL)
        code = err_set(err, E_SYSTEM, "no memory for a file of KPIs");
    if (code == OK)
        code = check(&editing, *edited, rules, warnings, criticals);
    config_tree_free(&root);
    free(editing.edits);
    return code;
}
