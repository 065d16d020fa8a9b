#include "orchestrator/watch/alert_rules.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/options/option_group.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define WEEK_NS (7 * 24 * 3600 * NS_PER_SECOND)
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-"
#define LABEL_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* ---- what stands in a file ---- */

struct written_label {
    struct file_place place; /* its key */
    const char *value;
};

struct written_annotations {
    struct file_place place;
    const char *summary, *description;
};

struct written_rule {
    struct file_place place;
    const char *alert, *condition;
    uint64_t for_ns;
    struct written_label *labels;
    size_t label_count;
    struct written_annotations annotations;
};

struct written_group {
    struct file_place place;
    const char *name;
    struct written_rule *rules;
    size_t rule_count;
};

struct written_file {
    struct file_place place;
    struct written_rule *alerts;
    size_t alert_count;
    struct written_group *groups;
    size_t group_count;
};

static const struct file_field label_element = {
    .row = {.kind = OPTION_TEXT, .offset = offsetof(struct written_label, value)}};

#define AT(member) offsetof(struct written_annotations, member)
static const struct file_field annotation_fields[] = {
    {.row = {ROW("summary", NULL, OPTION_TEXT, NULL, AT(summary)), .help = "In one sentence."}},
    {.row = {ROW("description", NULL, OPTION_TEXT, NULL, AT(description)), .help = "More of it."}},
};
#undef AT
static const struct file_object annotations_object = {
    .name = "annotations", .fields = annotation_fields, .field_count = COUNT(annotation_fields)};

#define AT(member) offsetof(struct written_rule, member)
static const struct file_field rule_fields[] = {
    {.row = {ROW("alert", NULL, OPTION_TEXT, NULL, AT(alert)),
             .help = "Its name: letters, digits, _ . : -."},
     .required = true},
    {.row = {ROW("expr", NULL, OPTION_TEXT, NULL, AT(condition)),
             .hint = "as in expr: volley_rate < 1000",
             .help = "The condition: figures, numbers, > >= < <= == !=, and, or, parentheses; TBD "
                     "for a number that nobody knows yet."},
     .required = true},
    {.row = {ROW("for", NULL, OPTION_DURATION, NULL, AT(for_ns)), BARE(NS_PER_SECOND, 0, WEEK_NS),
             .unset = "0", .help = "How long it has to hold without a break."}},
    {.row = {.name = "labels",
             .offset = AT(labels),
             .help = "Names and values; severity: info, warning or critical."},
     .form = FILE_MAP,
     .of = &label_element,
     .element_bytes = sizeof(struct written_label),
     .count_offset = AT(label_count),
     .most = ALERT_LABELS_MAX},
    {.row = {.name = "annotations", .offset = AT(annotations), .help = "What to say of it."},
     .form = FILE_OBJECT,
     .object = &annotations_object},
};
#undef AT
static const struct file_object rule_object = {
    .name = "a rule", .fields = rule_fields, .field_count = COUNT(rule_fields)};
static const struct file_field rule_element = {.form = FILE_OBJECT, .object = &rule_object};

#define AT(member) offsetof(struct written_group, member)
static const struct file_field group_fields[] = {
    {.row = {ROW("name", NULL, OPTION_TEXT, NULL, AT(name)), .help = "For people."}},
    {.row = {.name = "rules", .offset = AT(rules), .help = "As under alerts."},
     .form = FILE_LIST,
     .required = true,
     .of = &rule_element,
     .element_bytes = sizeof(struct written_rule),
     .count_offset = AT(rule_count)},
};
#undef AT
static const struct file_object group_object = {
    .name = "a group", .fields = group_fields, .field_count = COUNT(group_fields)};
static const struct file_field group_element = {.form = FILE_OBJECT, .object = &group_object};

#define AT(member) offsetof(struct written_file, member)
static const struct file_field file_fields[] = {
    {.row = {.name = "alerts", .offset = AT(alerts), .help = "Rules, one after the other."},
     .form = FILE_LIST,
     .of = &rule_element,
     .element_bytes = sizeof(struct written_rule),
     .count_offset = AT(alert_count)},
    {.row = {.name = "groups",
             .offset = AT(groups),
             .help = "Rules in groups, as Prometheus has them."},
     .form = FILE_LIST,
     .of = &group_element,
     .element_bytes = sizeof(struct written_group),
     .count_offset = AT(group_count)},
};
#undef AT
static const struct file_object file_object = {
    .name = "a file of alert rules", .fields = file_fields, .field_count = COUNT(file_fields)};
const struct file_kind alert_rules_kind = {.name = "alerts",
                                           .what = "file of alert rules",
                                           .help = "When somebody is to be told, for --alerts.",
                                           .root = {.form = FILE_OBJECT, .object = &file_object}};

/* ---- rules of it ---- */

const char *alert_name_trouble(const char *name)
{
    if (name[0] == '\0')
        return "a name is missing";
    if (strlen(name) >= ALERT_NAME_BYTES)
        return "a name has 63 characters at most";
    if (name[strspn(name, NAME_LETTERS)] != '\0')
        return "a name has letters, digits, _ . : - only";
    return "";
}

struct alert_rule *alert_rules_add(struct alert_rules *rules, const char *name,
                                   enum alert_severity severity, struct err *err)
{
    for (size_t i = 0; i < rules->count; i++)
        if (strcmp(rules->items[i].name, name) == 0 && rules->items[i].severity == severity) {
            (void)err_set(err, E_CONFIG, "%s stands there twice with severity %s", name,
                          alert_severity_name(severity));
            return NULL;
        }
    if (rules->count == ALERT_RULES_MAX) {
        (void)err_set(err, E_CONFIG, "there are more than %u rules", ALERT_RULES_MAX);
        return NULL;
    }
    struct alert_rule *items = reallocarray(rules->items, rules->count + 1, sizeof items[0]);
    if (items == NULL) {
        (void)err_set(err, E_SYSTEM, "no memory for alert rules");
        return NULL;
    }
    rules->items = items;
    struct alert_rule *rule = &items[rules->count++];
    memset(rule, 0, sizeof *rule);
    snprintf(rule->name, sizeof rule->name, "%s", name);
    rule->severity = severity;
    snprintf(rule->labels[0].name, sizeof rule->labels[0].name, "severity");
    snprintf(rule->labels[0].value, sizeof rule->labels[0].value, "%s",
             alert_severity_name(severity));
    rule->label_count = 1;
    return rule;
}

struct adding {
    struct alert_rules *rules;
    const struct file *file;
    struct err *err;
};

static const char *label_trouble(const char *name, const char *value)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return "a label's name begins with a letter";
    if (name[strspn(name, LABEL_LETTERS)] != '\0' || strlen(name) >= ALERT_NAME_BYTES)
        return "a label's name has letters, digits and _ only, at most 63";
    if (strncmp(name, "__", 2) == 0 || strcmp(name, "alertname") == 0)
        return "Prometheus has this label itself";
    if (strlen(value) >= sizeof((struct alert_label *)NULL)->value)
        return "a label's value has 127 bytes at most";
    return "";
}

static enum err_code add_labels(const struct adding *adding, struct alert_rule *rule,
                                const struct written_rule *written)
{
    for (size_t i = 0; i < written->label_count; i++) {
        const struct written_label *from = &written->labels[i];
        const char *name = from->place.node->key, *trouble = label_trouble(name, from->value);
        if (trouble[0] != '\0')
            return file_refuse(adding->file, &from->place, NULL, adding->err, "%.60s: %s",
                               PRINTABLE(name), trouble);
        if (strcmp(name, "severity") == 0)
            continue;
        if (rule->label_count == ALERT_LABELS_MAX)
            return file_refuse(adding->file, &written->place, "labels", adding->err,
                               "labels: at most %u, severity among them", ALERT_LABELS_MAX);
        struct alert_label *label = &rule->labels[rule->label_count++];
        snprintf(label->name, sizeof label->name, "%s", name);
        snprintf(label->value, sizeof label->value, "%s", from->value);
        printable_line(label->value);
    }
    return OK;
}

static enum err_code find_severity(enum alert_severity *severity, const struct adding *adding,
                                   const struct written_rule *written)
{
    *severity = ALERT_WARNING;
    for (size_t i = 0; i < written->label_count; i++) {
        const struct written_label *label = &written->labels[i];
        if (strcmp(label->place.node->key, "severity") == 0 &&
            !alert_severity_find(severity, label->value))
            return file_refuse(adding->file, &label->place, NULL, adding->err,
                               "severity: %.40s: there are info, warning and critical",
                               PRINTABLE(label->value));
    }
    return OK;
}

static void keep_text(char *text, size_t text_bytes, const char *written)
{
    snprintf(text, text_bytes, "%s", written != NULL ? written : "");
    printable_line(text);
}

static enum err_code add_rule(const struct adding *adding, const struct written_rule *written)
{
    struct err reason = {.code = OK};
    struct expression expression;
    enum alert_severity severity;
    const char *trouble = alert_name_trouble(written->alert);
    if (trouble[0] != '\0')
        return file_refuse(adding->file, &written->place, "alert", adding->err, "alert: %.60s: %s",
                           PRINTABLE(written->alert), trouble);
    if (expression_parse(&expression, written->condition, strlen(written->condition), NULL,
                         &reason) != OK)
        return file_refuse(adding->file, &written->place, "expr", adding->err, "expr, %s",
                           reason.text);
    enum err_code code = find_severity(&severity, adding, written);
    if (code != OK)
        return code;
    struct alert_rule *rule = alert_rules_add(adding->rules, written->alert, severity, &reason);
    if (rule == NULL)
        return reason.code == E_SYSTEM ? err_set(adding->err, E_SYSTEM, "%s", reason.text)
                                       : file_refuse(adding->file, &written->place, "alert",
                                                     adding->err, "%s", reason.text);
    rule->expression = expression;
    rule->for_ns = written->for_ns;
    keep_text(rule->condition, sizeof rule->condition, written->condition);
    keep_text(rule->summary, sizeof rule->summary, written->annotations.summary);
    keep_text(rule->description, sizeof rule->description, written->annotations.description);
    return add_labels(adding, rule, written);
}

enum err_code alert_rules_read(struct alert_rules *rules, const struct file_source *source,
                               struct err *err)
{
    struct written_file written = {.alerts = NULL};
    struct file file;
    const struct adding adding = {rules, &file, err};
    enum err_code code = file_read(&file, &alert_rules_kind, &written, source, err);
    size_t count = written.alert_count;
    for (size_t i = 0; i < written.alert_count && code == OK; i++)
        code = add_rule(&adding, &written.alerts[i]);
    for (size_t i = 0; i < written.group_count && code == OK; i++) {
        count += written.groups[i].rule_count;
        for (size_t k = 0; k < written.groups[i].rule_count && code == OK; k++)
            code = add_rule(&adding, &written.groups[i].rules[k]);
    }
    if (code == OK && count == 0)
        code = file_refuse(&file, &written.place, NULL, err,
                           "there are no rules in it: alerts: or groups: has them");
    file_free(&file);
    return code;
}

enum err_code alert_rules_read_any(struct alert_rules *rules, const char *path, struct err *err)
{
    struct config_node root;
    enum err_code code = config_tree_read(&root, path, "file of alert rules or KPIs", err);
    const bool kpis =
        code == OK && root.kind == CONFIG_MAP && config_node_get(&root, "kpis") != NULL;
    config_tree_free(&root);
    if (code != OK)
        return code;
    const struct file_source source = {.name = path};
    return kpis ? kpi_file_read(rules, &source, err) : alert_rules_read(rules, &source, err);
}

void alert_rules_free(struct alert_rules *rules)
{
    free(rules->items);
    free(rules->kpis);
    *rules = (struct alert_rules){.items = NULL};
}
