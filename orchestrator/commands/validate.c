/* `volley validate KIND FILE`: whether a file that people write is right, without a server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/options/buffer_file.h"
#include "orchestrator/options/workload_file.h"
#include "orchestrator/options/workload_library.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/scenario_library.h"
#include "orchestrator/suite/suite_plan.h"
#include "orchestrator/watch/alert_rules.h"
#include "orchestrator/watch/notify_file.h"

struct validate_request {
    struct option_values values;
    struct command_words words;
    bool help;
};

#define AT(member) offsetof(struct validate_request, member)
static const struct option_row rows[] = {
    HELP_ROW(AT(help)),
};
#undef AT

const struct option_table validate_option_table = {
    TABLE_ROWS(rows),
    .command = "validate",
    .usage = "volley validate scenario|workload|config|suite|alerts|kpis|notify|buffer FILE",
    .synopsis =
        "Reads and checks a file, and connects to nothing. FILE is also the name of one that "
        "comes with volley; a config is one for bench --config, a suite one for suite --config. "
        "Exit status 3 when "
        "something is wrong with it, which is told with its line and column.",
    .takes_command = true,
};

static enum err_code check_scenario(const char *given, struct err *err)
{
    struct scenario scenario = {.phase_count = 0};
    struct scenario_document document = {.notice = ""};
    char *path = NULL;
    enum err_code code = scenario_library_find(&path, given, err);
    if (code != OK)
        return code;
    code = scenario_read(&scenario, &document, &(struct file_source){.name = path},
                         &(struct scenario_wish){.scale = 0}, err);
    if (code == OK && document.notice[0] != '\0')
        log_line(LOG_WARNING, "%s", PRINTABLE(document.notice));
    if (code == OK && document.ignored[0] != '\0')
        log_line(LOG_WARNING, "%s: these keys mean nothing here: %s", PRINTABLE(path),
                 PRINTABLE(document.ignored));
    scenario_free(&scenario, &document);
    free(path);
    return code;
}

static void warn_of_buffer(const struct buffer_options *buffer)
{
    if (buffer_file_notice(buffer) != NULL)
        log_line(LOG_WARNING, "%s", buffer_file_notice(buffer));
}

/* A file of that path, else one that comes with volley. */
static enum err_code check_workload(const char *given, struct err *err)
{
    struct workload_file file = {.about = NULL};
    struct shipped_files files;
    struct err reason = {.code = OK};
    char *path = NULL;
    FILE *there = fopen(given, "re");
    if (there != NULL)
        (void)fclose(there);
    else {
        enum err_code found = shipped_files_open(&files, &workload_library, &reason);
        if (found == OK)
            found = shipped_files_find(&path, &files, given, &reason);
        shipped_files_close(&files);
        if (found != OK)
            return err_set(err, E_CONFIG, "workload %.100s: there is no such file, and %s",
                           PRINTABLE(given), reason.text);
    }
    const struct file_source source = {.name = path != NULL ? path : given};
    const enum err_code code = workload_file_read(&file, &source, err);
    if (code == OK && file.has_buffer)
        warn_of_buffer(&file.buffer);
    workload_file_free(&file);
    free(path);
    return code;
}

static void warn(void *state, const char *text)
{
    (void)state;
    log_line(LOG_WARNING, "%s", text);
}

static enum err_code check_suite(const char *given, struct err *err)
{
    struct suite_config config;
    struct suite_plan plan = {.items = NULL};
    enum err_code code = suite_config_read(&config, &(struct file_source){.name = given}, err);
    if (code == OK)
        code = suite_plan_make(&plan, &config, warn, NULL, err);
    suite_plan_free(&plan);
    suite_config_free(&config);
    return code;
}

static enum err_code check_alerts(const char *given, struct err *err)
{
    struct alert_rules rules = {.items = NULL};
    const enum err_code code = alert_rules_read(&rules, &(struct file_source){.name = given}, err);
    alert_rules_free(&rules);
    return code;
}

static enum err_code check_kpis(const char *given, struct err *err)
{
    struct alert_rules rules = {.items = NULL};
    const enum err_code code = kpi_file_read(&rules, &(struct file_source){.name = given}, err);
    alert_rules_free(&rules);
    return code;
}

/* Variables that are not set here may be where it is used. */
static enum err_code check_notify(const char *given, struct err *err)
{
    struct notify_file file = {.channels = NULL};
    char text[NOTIFY_MISSING_BYTES + 64];
    const enum err_code code =
        notify_file_read(&file, &(struct file_source){.name = given}, getenv, err);
    for (size_t i = 0; code == OK && i < file.channel_count; i++)
        if (file.channels[i].missing[0] != '\0')
            log_line(LOG_WARNING, "%s: %s is disabled here: %s", PRINTABLE(given),
                     PRINTABLE(file.channels[i].name),
                     notify_missing_text(text, file.channels[i].missing));
    notify_file_free(&file);
    return code;
}

static enum err_code check_buffer(const char *given, struct err *err)
{
    struct buffer_options buffer;
    const enum err_code code = buffer_file_read(&buffer, given, err);
    if (code == OK)
        warn_of_buffer(&buffer);
    return code;
}

/* As bench would take it. */
static enum err_code check_config(const char *given, struct err *err)
{
    struct bench_request request;
    struct err reason = {.code = OK};
    const char *const argv[] = {"bench", "--trust-config", "--config", given, NULL};
    const enum err_code code = bench_options_parse(&request, 4, argv, &reason);
    bench_options_free(&request);
    if (code == OK)
        return OK;
    return err_set(err, code == E_USAGE ? E_CONFIG : code, "%s%s%s",
                   code == E_USAGE ? PRINTABLE(given) : "", code == E_USAGE ? ": " : "",
                   reason.text);
}

static enum err_code run(void *target, struct err *err)
{
    static const struct {
        const char *name;
        enum err_code (*check)(const char *given, struct err *err);
    } kinds[] = {{"scenario", check_scenario}, {"workload", check_workload},
                 {"config", check_config},     {"suite", check_suite},
                 {"alerts", check_alerts},     {"kpis", check_kpis},
                 {"notify", check_notify},     {"buffer", check_buffer}};
    const struct validate_request *request = target;
    const struct command_words *words = &request->words;
    if (words->count != 2)
        return err_set(err, E_USAGE, "name a kind and one file: %s", validate_option_table.usage);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, words->items[0]) != 0)
            continue;
        const enum err_code code = kinds[i].check(words->items[1], err);
        if (code == OK)
            printf("%s: valid\n", PRINTABLE(words->items[1]));
        return code;
    }
    return err_set(err, E_USAGE, "there is no kind of file %.40s: %s", PRINTABLE(words->items[0]),
                   validate_option_table.usage);
}

int command_validate(int argc, const char *const *argv)
{
    struct validate_request request = {.help = false};
    const struct command_frame frame = {.table = &validate_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .words = &request.words,
                                        .run = run};
    return command_frame_run(&frame, argc, argv);
}
