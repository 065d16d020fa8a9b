/* `volley push`: the records of suites into the history. */
#include <stdio.h>

#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/commands/store_options.h"
#include "orchestrator/suite/push.h"

struct push_request {
    struct option_values values;
    struct command_words words;
    struct store_options store;
    const char *results_dir, *table, *test_type;
    bool dry_run, help;
};

#define AT(member) offsetof(struct push_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("results-dir", NULL, OPTION_TEXT, "DIR", AT(results_dir)), .unset = "results",
     .section = "Records", .help = "Where suite has kept them: DIR/<commit>/metrics.json."},
    {ROW("table", NULL, OPTION_TEXT, "NAME", AT(table)), .unset = "core", .section = "Records",
     .help = "Into which table: core is benchmark_metrics, tag benchmark_tags_metrics, any other "
             "name benchmark_metrics_<name>."},
    {ROW("test-type", NULL, OPTION_TEXT, "NAME", AT(test_type)), .unset = "core",
     .section = "Records", .help = "What stands in the column test_type of each row."},
    {ROW("dry-run", NULL, OPTION_FLAG, NULL, AT(dry_run)), .section = "Records",
     .help = "Only say what would be pushed, and with which columns; no database is needed."},
    STORE_ROWS(AT(store)),
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

const struct option_table push_option_table = {
    TABLE_ROWS(rows),
    .command = "push",
    .usage = "volley push [OPTIONS]",
    .synopsis = "Puts the records of suites into a database: a row each, a column for each of "
                "their keys, which is made where it is missing. What is there already is not "
                "pushed again. A directory is pushed as a whole or not at all.",
};

static enum err_code push_into(struct push *push, const struct store_address *address,
                               struct err *err)
{
    struct store store = {0};
    enum err_code code = store_open(&store, address, err);
    push->store = &store;
    if (code == OK)
        code = push_all(push, err);
    push->store = NULL;
    store_close(&store);
    return code;
}

static enum err_code run(void *target, struct err *err)
{
    const struct push_request *request = target;
    char table[STORE_NAME_BYTES];
    struct store_address address;
    struct push push = {.results_dir = request->results_dir,
                        .table = table,
                        .test_type = request->test_type,
                        .out = stdout,
                        .interrupted = &interrupts_install()->count};
    enum err_code code =
        request->words.count > 0
            ? err_set(err, E_USAGE, "%.60s stands alone: %s", PRINTABLE(request->words.items[0]),
                      push_option_table.usage)
            : store_options_address(&address, &request->store, &request->values, err);
    if (code == OK)
        code = push_table(table, request->table, err);
    if (code != OK)
        return code;
    code = request->dry_run ? push_all(&push, err) : push_into(&push, &address, err);
    if (!request->dry_run && push.directories + push.failed > 0)
        printf("%s records pushed, %s were there already, %s left out; %s\n",
               UNITS_GROUPED(push.inserted), UNITS_GROUPED(push.there_already),
               UNITS_GROUPED(push.skipped), code == OK ? "all directories" : "not all directories");
    if (code == OK && (fflush(stdout) != 0 || ferror(stdout) != 0))
        code = err_set(err, E_SYSTEM, "standard output cannot be written to");
    return code;
}

int command_push(int argc, const char *const *argv)
{
    struct push_request request = {.help = false};
    const struct command_frame frame = {.table = &push_option_table,
                                        .target = &request,
                                        .values = &request.values,
                                        .help = &request.help,
                                        .words = &request.words,
                                        .run = run};
    return command_frame_run(&frame, argc, argv);
}
