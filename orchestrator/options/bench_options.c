#include "orchestrator/options/bench_options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/secret.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/options/dialect.h"

#define AT(member) offsetof(struct bench_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row other_rows[] = {
    {ROW("config", NULL, OPTION_TEXT, "FILE", AT(config_path)), .command_line_only = true,
     .help = "Read options from a file, JSON or YAML, with these long names as keys. What stands "
             "on the command line wins. Trust a file as you trust a script: it says where requests "
             "and passwords go."},
    {ROW("trust-config", NULL, OPTION_FLAG, NULL, AT(trust_config)), .command_line_only = true,
     .help = "Let the file of --config also name what is written, listened on, started or read "
             "from."},
    {ROW("help", NULL, OPTION_FLAG, NULL, AT(help)), .command_line_only = true,
     .commands = OF_LOADS | OF_REPORT, .help = "Print this."},
    {ROW("version", "v", OPTION_FLAG, NULL, AT(version)), .command_line_only = true,
     .commands = OF_BENCH, .help = "Print the version."},
};

static const struct option_row refused_rows[] = {
    NOT_YET("xml-root-element"),
    NOT_YET("mptcp"),
    NOT_YET("rdma"),
    NOT_YET("fuzz"),
    NOT_YET("fuzz-mode"),
    NOT_YET("fuzz-loglevel"),
    ELSEWHERE("intended-latency", NULL,
              "with --qps the response time, from the intended moment on, is always reported"),
    ELSEWHERE(
        "slo", NULL,
        "use --check to judge this load, or volley find-max --slo to look for the highest rate "
        "that keeps it"),
    ELSEWHERE("glide-log-level", NULL, "use --log-level"),
    ELSEWHERE("test-time", NULL, "use --test-duration"),
    ELSEWHERE("server", NULL, "use --host"),
    ELSEWHERE("authenticate", NULL, "use --user and --password"),
    ELSEWHERE("hide-histogram", NULL, "use --quiet"),
    ELSEWHERE("json-out-file", NULL, "use --json"),
};
/* clang-format on */
#undef AT
static const struct option_group other_group = GROUP("Other", OF_LOADS, other_rows);
static const struct option_group refused_group = GROUP(NULL, OF_BENCH, refused_rows);

/* In the order of help. */
#define IN(member) offsetof(struct bench_request, member)
static const struct option_use uses[] = {
    {&endpoint_group, IN(spec.endpoint)},
    {&login_group, IN(login)},
    {&managed_group, IN(spec.managed)},
    {&tls_group, IN(spec.endpoint.tls)},
    {&load_group, IN(spec.load)},
    {&workload_group, IN(workload)},
    {&replay_group, IN(replay)},
    {&buffer_group, IN(buffer)},
    {&client_group, IN(ramp)},
    {&custom_group, IN(spec.load.custom)},
    {&connection_group, IN(spec.connections)},
    {&rate_group, IN(rate)},
    {&pacing_group, IN(spec.rate)},
    {&worker_group, IN(spec.workers)},
    {&time_limit_group, IN(spec.endpoint)},
    {&load_limit_group, IN(spec.load)},
    {&check_group, IN(checks)},
    {&output_group, IN(spec.outputs)},
    {&watch_group, IN(spec.watch)},
    {&other_group, 0},
    {&refused_group, 0},
};

void bench_groups_add(struct option_table *table, struct option_row rows[OPTION_TABLE_ROWS_MAX],
                      enum option_command command)
{
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        option_table_add(table, rows, command, &uses[i]);
}

bool endpoint_table_fill(struct option_table *table, struct option_row rows[OPTION_TABLE_ROWS_MAX],
                         enum option_command command, const struct option_group *own)
{
    static const struct option_use speaking[] = {
        {&endpoint_group, IN(spec.endpoint)},
        {&login_group, IN(login)},
        {&tls_group, IN(spec.endpoint.tls)},
        {&time_limit_group, IN(spec.endpoint)},
    };
    if (table->row_count > 0)
        return false;
    table->wider = bench_option_table();
    option_table_add(table, rows, command, &(struct option_use){own, 0});
    for (size_t i = 0; i < sizeof speaking / sizeof speaking[0]; i++)
        option_table_add(table, rows, command, &speaking[i]);
    return true;
}

const struct option_table *load_table_fill(struct option_table *table,
                                           struct option_row rows[OPTION_TABLE_ROWS_MAX],
                                           enum option_command command,
                                           const struct load_table *own)
{
    if (table->row_count > 0)
        return table;
    table->wider = bench_option_table();
    option_table_add(table, rows, command, &(struct option_use){&own->first, 0});
    bench_groups_add(table, rows, command);
    option_table_add(table, rows, command, &(struct option_use){&own->last, 0});
    option_table_change(table, rows, own->changes, own->change_count);
    return table;
}

const struct option_table *bench_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .usage = "volley bench [options] [--] [command [argument ...]]",
        .synopsis =
            "Fires load at a Valkey or Redis server from forked, pinned workers and reports what "
            "came back. Without a command it runs the tests of --type. Numbers take k, m and g "
            "(powers of ten), sizes kb, mb and gb (powers of two), times ns, us, ms, s, m and h.",
        .epilogue =
            "A command may hold __rand_int__, __rand_1st__ to __rand_9th__, __data__, __key__ and "
            "{tag}; a backslash before one of them sends it as it stands. \";\" as an argument of "
            "its "
            "own "
            "stands between the commands of a sequence, which is one request, and counts once.",
        .takes_command = true,
        .tool_with = dialect_with_option,
    };
    if (table.row_count == 0)
        bench_groups_add(&table, rows, OF_BENCH);
    return &table;
}

enum err_code bench_options_settle(struct bench_request *request, struct err *err)
{
    static enum err_code (*const steps[])(struct bench_request *, struct err *) = {
        load_refuse_no_value,    replay_settle,      endpoint_settle,
        connection_settle,       managed_settle,     tls_settle,
        load_settle_length,      rate_settle,        load_settle_command,
        custom_settle,           load_settle_keys,   workload_settle,
        load_settle_prefill,     load_notice_unused, worker_settle,
        client_settle,           load_settle_steady, workload_settle_streams,
        buffer_settle,           chaos_settle,       output_settle,
        output_settle_intervals, watch_settle,
    };
    struct err local = {.code = OK};
    enum err_code code = OK;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == OK; i++)
        code = steps[i](request, &local);
    return code == OK ? OK : err_set(err, code, "%s", local.text);
}

enum err_code bench_options_defaults(struct bench_request *request, struct err *err)
{
    return options_store_defaults(bench_option_table(), request, err);
}

enum err_code bench_options_parse(struct bench_request *request, int argc, const char *const *argv,
                                  struct err *err)
{
    memset(request, 0, sizeof *request);
    enum err_code code =
        options_parse(&request->values, bench_option_table(), request, argc, argv, err);
    if (code != OK || request->help || request->version)
        return code;
    return bench_options_settle(request, err);
}

void bench_options_free(struct bench_request *request)
{
    options_free(&request->values);
    if (request->replay.plan.path != NULL && request->replay.plan.fd >= 0)
        close(request->replay.plan.fd);
    request->replay.plan.path = NULL;
    rate_steps_free(&request->steps);
    chaos_plan_free(&request->chaos);
    workload_files_free(&request->workload_files);
    stream_wishes_free(&request->workload.streams);
    request->spec.load.streams = NULL;
    request->spec.load.workload = NULL;
    managed_args_free(&request->managed_args);
    request->spec.managed.chaos = NULL;
    request->spec.rate.steps = NULL;
    secret_free(request->login.secret);
    secret_free(request->login.uri);
    request->login = (struct login_request){.uri = NULL};
    free((void *)(uintptr_t)request->spec.workers.cpus);
    request->spec.workers.cpus = NULL;
}
