/* `volley alerts check|export FILE...`: alert rules and KPIs, looked at without a load, and as rules for Prometheus. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/watch/prometheus_rules.h"

struct alerts_request {
    struct option_values values;
    struct command_words words;
    bool prometheus, help;
    uint64_t interval_ns;
};

#define AT(member) offsetof(struct alerts_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("prometheus", NULL, OPTION_FLAG, NULL, AT(prometheus)), .section = "Export",
     .help = "Of export: rules for Prometheus, over what a run serves with --listen."},
    {ROW("interval", NULL, OPTION_DURATION, "TIME", AT(interval_ns)),
     BARE(NS_PER_SECOND, 100 * NS_PER_MS, 3600 * NS_PER_SECOND), .unset = "1s", .section = "Export",
     .help = "How often Prometheus asks and evaluates: what is counted in an interval is counted "
             "in this time there. A bare number is seconds."},
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

const struct option_table alerts_option_table = {
    TABLE_ROWS(rows),
    .command = "alerts",
    .usage = "volley alerts check FILE... | export --prometheus FILE... | names",
    .synopsis =
        "Reads files of alert rules and of KPIs. check says what each rule means, and exits "
        "with status 3 when one is not right; export writes them for Prometheus, where they "
        "fire at the same samples; names lists the figures that there are, with their units. "
        "--alerts and --kpis of bench use them.",
    .takes_command = true,
};

static void print_rules(const struct alert_rules *rules)
{
    char duration[32];
    for (size_t i = 0; i < rules->count; i++) {
        const struct alert_rule *rule = &rules->items[i];
        printf("%-24s %-8s  %s", rule->name, alert_severity_name(rule->severity), rule->condition);
        if (rule->for_ns > 0)
            printf(" for %s", units_format_duration(duration, sizeof duration, rule->for_ns));
        printf("%s\n", rule->expression.uncalibrated ? "  (uncalibrated)" : "");
    }
}

static void print_names(void)
{
    const char *name;
    for (size_t i = 0; (name = watch_figure_name_at(i)) != NULL; i++) {
        struct watch_figure figure;
        if (watch_figure_find(&figure, name, strlen(name), NULL) == OK)
            printf("%-48s %s\n", figure.name, figure.unit);
    }
}

static enum err_code run(void *target, struct err *err)
{
    const struct alerts_request *request = target;
    const struct command_words *words = &request->words;
    struct alert_rules rules = {.items = NULL};
    const char *what = words->count > 0 ? words->items[0] : "";
    if (strcmp(what, "names") == 0 && words->count == 1) {
        print_names();
        return OK;
    }
    const bool export = strcmp(what, "export") == 0;
    if (!export && strcmp(what, "check") != 0)
        return err_set(err, E_USAGE, "%.40s%s: %s", PRINTABLE(what),
                       what[0] != '\0' ? " is none of these" : "say what to do",
                       alerts_option_table.usage);
    if (words->count < 2)
        return err_set(err, E_USAGE, "name a file: %s", alerts_option_table.usage);
    if (export && !request->prometheus)
        return err_set(err, E_USAGE, "export needs --prometheus, which is all there is");
    enum err_code code = OK;
    for (size_t i = 1; i < words->count && code == OK; i++)
        code = alert_rules_read_any(&rules, words->items[i], err);
    if (code == OK && export)
        prometheus_rules_write(stdout, &rules, request->interval_ns);
    else if (code == OK)
        print_rules(&rules);
    alert_rules_free(&rules);
    return code;
}

int command_alerts(int argc, const char *const *argv)
{
    struct alerts_request request = {.help = false};
    const struct command_frame frame = WORDS_FRAME(alerts_option_table, request, run);
    return command_frame_run(&frame, argc, argv);
}
