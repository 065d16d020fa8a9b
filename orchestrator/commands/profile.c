/* `volley profile --duration 60`: what a live server is called for, the peaks of its memory, and what holds it back. */
#include <assert.h>
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/transport_tls.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/commands/profile_report.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/node_list.h"

#define DAY_NS (24 * 3600 * NS_PER_SECOND)
#define LOOK_MS 100u /* at interrupts */
#define SAMPLES_MAX 100000u
#define NAMES_AT_ONCE 50u

struct profile_node {
    struct control *control;
    struct target_address address;
    struct operations before; /* at the beginning */
};

struct profile_request {
    struct bench_request bench; /* first: its options fit */
    struct command_words words;
    uint64_t duration_ns, interval_ns;
    bool as_json;
    struct tls_client *tls;
    struct profile_node *nodes;
    struct profile_report report; /* its nodes are these, in the same order */
    size_t samples_most;
    const volatile int *interrupted;
};

#define AT(member) offsetof(struct profile_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row own_rows[] = {
    {ROW("duration", NULL, OPTION_DURATION, "TIME", AT(duration_ns)), .section = "Profile",
     BARE(NS_PER_SECOND, 100 * NS_PER_MS, DAY_NS), .unset = "60s",
     .help = "How long the server is watched; a bare number is seconds."},
    {ROW("interval", NULL, OPTION_DURATION, "TIME", AT(interval_ns)), .section = "Profile",
     BARE(NS_PER_SECOND, 50 * NS_PER_MS, 3600 * NS_PER_SECOND), .unset = "1s",
     .help = "How often its memory is looked at; a bare number is seconds."},
    {ROW("json", NULL, OPTION_FLAG, NULL, AT(as_json)), .section = "Output",
     .help = "As JSON, in place of lines."},
    HELP_ROW(AT(bench.help)),
};
/* clang-format on */
#undef AT

const struct option_table *profile_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "profile",
        .usage = "volley profile [OPTIONS]",
        .synopsis =
            "Says what a live server is called for while it is watched: how much it writes and is "
            "asked, which commands take its time, the peaks of its memory, and what holds it back. "
            "From INFO and COMMAND INFO alone: it puts no load on the server, and changes nothing. "
            "Of a cluster, all primaries, each and together.",
        .takes_command = true,
    };
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    endpoint_table_fill(&table, rows, OF_MONITOR, &own);
    return &table;
}

/* ---- looks ---- */

static enum err_code look(struct profile_request *request, size_t index, uint64_t start_ns,
                          char **info, struct err *err)
{
    struct profile_part *part = &request->report.nodes[index];
    assert(part->samples != NULL && part->sample_count < request->samples_most);
    if (control_info(request->nodes[index].control, info, err) != OK)
        return err->code;
    struct profile_sample *sample = &part->samples[part->sample_count];
    profile_sample_read(sample, clock_seconds(clock_now_ns() - start_ns), *info);
    if (isnan(sample->used_memory)) {
        free(*info);
        *info = NULL;
        return err_set(err, E_CONNECT, "INFO of %.100s does not say used_memory",
                       PRINTABLE(part->name));
    }
    part->sample_count++;
    return OK;
}

static void wait_until(const struct profile_request *request, uint64_t until_ns)
{
    uint64_t now_ns;
    while (*request->interrupted == 0 && (now_ns = clock_now_ns()) < until_ns) {
        const uint64_t left_ms = (until_ns - now_ns) / NS_PER_MS + 1;
        (void)poll(NULL, 0, (int)(left_ms < LOOK_MS ? left_ms : LOOK_MS));
    }
}

static enum err_code mark_some(struct control *control, struct operations *operations, size_t first,
                               struct err *err)
{
    const char *words[NAMES_AT_ONCE + 2] = {"COMMAND", "INFO"};
    redisReply *reply;
    int count = 2;
    for (size_t i = first; i < operations->count && count < (int)NAMES_AT_ONCE + 2; i++)
        words[count++] = operations->items[i].name;
    if (control_command(control, &reply, count, words, err) != OK)
        return err->code;
    operations_mark(operations, first, reply);
    freeReplyObject(reply);
    return OK;
}

static enum err_code take_difference(struct profile_node *node, struct profile_part *part,
                                     const char *info, struct err *err)
{
    struct operations *operations = &part->operations;
    if (operations_read(operations, info, err) != OK)
        return err->code;
    if (!operations_subtract(operations, &node->before))
        return err_set(err, E_DATA,
                       "the counters of %.100s have gone back: it was started anew, or CONFIG "
                       "RESETSTAT came, and what was counted is of no use; profile it again",
                       PRINTABLE(part->name));
    for (size_t first = 0; first < operations->count; first += NAMES_AT_ONCE)
        if (mark_some(node->control, operations, first, err) != OK)
            return err->code;
    return OK;
}

enum look_kind { LOOK_FIRST, LOOK_BETWEEN, LOOK_LAST };

static enum err_code look_at_all(struct profile_request *request, enum look_kind kind,
                                 uint64_t start_ns, struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < request->report.node_count && code == OK; i++) {
        struct profile_node *node = &request->nodes[i];
        struct profile_part *part = &request->report.nodes[i];
        char *info = NULL;
        code = look(request, i, start_ns, &info, err);
        if (code == OK && kind == LOOK_FIRST)
            code = operations_read(&node->before, info, err);
        if (code == OK && kind == LOOK_FIRST && node->before.count == 0)
            code = err_set(err, E_CONNECT,
                           "INFO of %.100s has no commandstats: there is nothing to "
                           "tell of its commands",
                           PRINTABLE(part->name));
        if (code == OK && kind == LOOK_LAST)
            code = take_difference(node, part, info, err);
        free(info);
    }
    return code;
}

static enum err_code watch(struct profile_request *request, struct err *err)
{
    const uint64_t start_ns = clock_now_ns(), end_ns = start_ns + request->duration_ns;
    enum err_code code = look_at_all(request, LOOK_FIRST, start_ns, err);
    for (uint64_t next_ns = start_ns; code == OK && next_ns < end_ns;) {
        next_ns += request->interval_ns;
        next_ns = next_ns < end_ns ? next_ns : end_ns;
        wait_until(request, next_ns);
        if (*request->interrupted > 0)
            code = err_set(err, E_INTERRUPTED, "interrupted before the profile was complete");
        if (code == OK)
            code = look_at_all(request, next_ns < end_ns ? LOOK_BETWEEN : LOOK_LAST, start_ns, err);
    }
    return code;
}

/* ---- who is asked ---- */

static enum err_code begin_nodes(struct profile_request *request, const struct node_list *list,
                                 struct err *err)
{
    struct profile_report *report = &request->report;
    enum err_code code = OK;
    report->is_cluster = list->is_cluster;
    report->nodes = calloc(list->count + 1, sizeof report->nodes[0]);
    request->nodes = calloc(list->count + 1, sizeof request->nodes[0]);
    if (report->nodes == NULL || request->nodes == NULL)
        return err_set(err, E_SYSTEM, "no memory for servers");
    for (size_t i = 0; i < list->count && code == OK; i++) {
        struct profile_node *node = &request->nodes[report->node_count];
        struct profile_part *part = &report->nodes[report->node_count++];
        node->address = list->addresses[i];
        snprintf(part->name, sizeof part->name, "%s", node->address.text);
        part->samples = calloc(request->samples_most, sizeof part->samples[0]);
        code = part->samples == NULL
                   ? err_set(err, E_SYSTEM, "no memory for samples")
                   : control_connect_to(&node->control, &node->address,
                                        &request->bench.spec.endpoint, request->interrupted, err);
    }
    return code;
}

static enum err_code find_nodes(struct profile_request *request, struct err *err)
{
    struct node_list list;
    enum err_code code = node_list_find(&list, &request->bench.spec.endpoint, NODES_PRIMARIES,
                                        request->interrupted, err);
    if (code == OK)
        code = begin_nodes(request, &list, err);
    node_list_free(&list);
    return code;
}

/* ---- what is told ---- */

static enum err_code tell(const struct profile_request *request, struct err *err)
{
    struct output out;
    if (!request->as_json) {
        profile_report_print(&request->report, stdout);
        return OK;
    }
    json_t *all = profile_report_json(&request->report);
    output_borrow(&out, stdout);
    const bool written =
        all != NULL && json_value_write(&out, all, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    output_printf(&out, "\n");
    json_decref(all);
    return written ? OK : err_set(err, E_SYSTEM, "no memory for what is to be told");
}

static enum err_code run(void *target, struct err *err)
{
    static option_step *const steps[] = {endpoint_settle, tls_settle};
    struct profile_request *request = target;
    struct endpoint *endpoint = &request->bench.spec.endpoint;
    const uint64_t count = request->duration_ns / request->interval_ns + 3;
    enum err_code code = OK;
    request->interrupted = &interrupts_install()->count;
    if (request->words.count > 0)
        return err_set(err, E_USAGE, "%.60s: the server is named by -h and -p, --uri or -s",
                       PRINTABLE(request->words.items[0]));
    if (count > SAMPLES_MAX)
        return err_set(err, E_USAGE, "--interval: more than %u looks in this --duration",
                       SAMPLES_MAX);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == OK; i++)
        code = steps[i](&request->bench, err);
    if (code == OK && endpoint->tls.wanted)
        code = tls_client_create(&request->tls, &endpoint->tls, err);
    endpoint->tls_client = request->tls;
    request->samples_most = count;
    if (code == OK)
        code = find_nodes(request, err);
    if (code == OK)
        code = watch(request, err);
    if (code == OK)
        code = profile_report_add_up(&request->report, err);
    return code == OK ? tell(request, err) : code;
}

static void destroy(void *target)
{
    struct profile_request *request = target;
    for (size_t i = 0; i < request->report.node_count; i++) {
        control_close(request->nodes[i].control);
        operations_free(&request->nodes[i].before);
    }
    free(request->nodes);
    profile_report_free(&request->report);
    tls_client_destroy(request->tls);
    bench_options_free(&request->bench);
}

int command_profile(int argc, const char *const *argv)
{
    const struct command_frame frame = {
        .table = profile_option_table(), .run = run, .destroy = destroy};
    return command_frame_run_bench(&frame, sizeof(struct profile_request),
                                   offsetof(struct profile_request, words), argc, argv);
}
