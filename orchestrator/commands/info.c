/* `volley info`: what volley sees of this machine and of a server, and what comes with it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/tls_stream.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/machine/host.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/options/workload_library.h"
#include "orchestrator/scenario/scenario_library.h"
#include "orchestrator/server/environment.h"
#include "orchestrator/server/reach.h"

struct info_request {
    struct bench_request bench; /* first: its options fit */
    struct command_words words;
    bool as_json;
    struct tls_client *tls;
    struct control *control;
};

#define AT(member) offsetof(struct info_request, member)
static const struct option_row own_rows[] = {
    {ROW("json", NULL, OPTION_FLAG, NULL, AT(as_json)), .section = "Output",
     .help = "As JSON, in place of lines."},
    HELP_ROW(AT(bench.help)),
};
#undef AT

const struct option_table *info_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "info",
        .usage = "volley info system|server|workloads [OPTIONS]",
        .synopsis = "Says what volley sees of this machine (system), of a server (server; also "
                    "valkey or redis), or which workloads and scenarios come with it (workloads).",
        .takes_command = true,
    };
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    endpoint_table_fill(&table, rows, OF_VERIFY, &own);
    return &table;
}

static enum err_code describe_system(json_t **facts, struct info_request *request, struct err *err)
{
    struct cpu_set_order *order = calloc(1, sizeof *order);
    (void)request;
    enum err_code code = order != NULL ? cpu_order_discover(order, "", NULL, err)
                                       : err_set(err, E_SYSTEM, "no memory to describe the host");
    if (code == OK)
        *facts = host_describe(order);
    free(order);
    return code;
}

static enum err_code describe_server(json_t **facts, struct info_request *request, struct err *err)
{
    static option_step *const steps[] = {endpoint_settle, tls_settle};
    struct bench_request *bench = &request->bench;
    struct endpoint *endpoint = &bench->spec.endpoint;
    const volatile int *interrupted = &interrupts_install()->count;
    struct target_address target;
    enum err_code code = OK;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == OK; i++)
        code = steps[i](bench, err);
    if (code == OK && endpoint->tls.wanted)
        code = tls_client_create(&request->tls, &endpoint->tls, err);
    endpoint->tls_client = request->tls;
    if (code == OK)
        code = reach_begin(endpoint, interrupted, err);
    if (code == OK)
        code = control_connect(&request->control, &target, endpoint, interrupted, err);
    if (code != OK)
        return code;
    struct cpu_set_order *order = calloc(1, sizeof *order);
    if (order == NULL)
        return err_set(err, E_SYSTEM, "no memory to describe a server");
    code = cpu_order_discover(order, "", NULL, err);
    json_t *all = code == OK ? environment_collect(request->control, target.text, order) : NULL;
    *facts = json_incref(json_object_get(all, "server"));
    json_decref(all);
    free(order);
    return code;
}

/* The names of these kinds of files; where they are not there, none. */
static json_t *list_names(const struct shipped_kind *kinds, unsigned count)
{
    struct shipped_files files;
    struct err err = {.code = OK};
    json_t *names = json_array();
    for (unsigned k = 0; k < count; k++) {
        if (shipped_files_open(&files, &kinds[k], &err) == OK)
            for (size_t i = 0; i < files.count; i++)
                (void)json_array_append_new(names, json_string(files.names[i]));
        shipped_files_close(&files);
    }
    return names;
}

static enum err_code describe_workloads(json_t **facts, struct info_request *request,
                                        struct err *err)
{
    (void)request;
    (void)err;
    *facts = json_pack("{s:o, s:o}", "workloads", list_names(&workload_library, 1), "scenarios",
                       list_names(scenario_libraries, SCENARIO_LIBRARIES));
    return OK;
}

/* A line a fact; what is in a fact stands behind its name. */
static void print_fact(const char *outer, const char *key, const json_t *value)
{
    char name[128];
    const char *inner_key;
    json_t *inner;
    snprintf(name, sizeof name, "%s%s%s", outer, outer[0] != '\0' ? "." : "", key);
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, inner_key, inner)
            print_fact(name, inner_key, inner);
        return;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
    printf("%-32s %s\n", name,
           json_is_string(value) ? PRINTABLE(json_string_value(value))
           : json_is_null(value) ? "unknown"
           : text != NULL        ? PRINTABLE(text)
                                 : "");
    free(text);
}

static void print_list(const char *title, const json_t *names)
{
    size_t i;
    json_t *name;
    printf("%s:\n", title);
    json_array_foreach(names, i, name) printf("  %s\n", PRINTABLE(json_string_value(name)));
}

static enum err_code run(void *target, struct err *err)
{
    static const struct {
        const char *name;
        enum err_code (*describe)(json_t **facts, struct info_request *request, struct err *err);
    } kinds[] = {{"system", describe_system},
                 {"server", describe_server},
                 {"valkey", describe_server},
                 {"redis", describe_server},
                 {"workloads", describe_workloads}};
    struct info_request *request = target;
    const struct command_words *words = &request->words;
    const char *what = words->count > 0 ? words->items[0] : "", *key;
    json_t *facts = NULL, *value;
    size_t found = 0;
    while (found < sizeof kinds / sizeof kinds[0] && strcmp(kinds[found].name, what) != 0)
        found++;
    if (found == sizeof kinds / sizeof kinds[0] || words->count != 1)
        return err_set(err, E_USAGE, "%s%.40s: %s",
                       what[0] != '\0' ? "there is no info " : "info needs a word", PRINTABLE(what),
                       info_option_table()->usage);
    const enum err_code code = kinds[found].describe(&facts, request, err);
    if (code != OK)
        return code;
    if (facts == NULL)
        return err_set(err, E_SYSTEM, "no memory for what is to be told");
    if (request->as_json) {
        (void)json_dumpf(facts, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
        printf("\n");
    } else if (kinds[found].describe == describe_workloads)
        json_object_foreach(facts, key, value) print_list(key, value);
    else
        json_object_foreach(facts, key, value) print_fact("", key, value);
    json_decref(facts);
    return OK;
}

static void destroy(void *target)
{
    struct info_request *request = target;
    control_close(request->control);
    tls_client_destroy(request->tls);
    bench_options_free(&request->bench);
}

int command_info(int argc, const char *const *argv)
{
    const struct command_frame frame = {
        .table = info_option_table(), .run = run, .destroy = destroy};
    return command_frame_run_bench(&frame, sizeof(struct info_request),
                                   offsetof(struct info_request, words), argc, argv);
}
