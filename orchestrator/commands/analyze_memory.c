/* `volley analyze-memory`: what a server's memory is made of, what of it grows, and what could be done. */
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/transport_tls.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/commands/memory_report.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/node_list.h"
#include "orchestrator/server/reply_value.h"

#define DAY_NS (24 * 3600 * NS_PER_SECOND)
#define LOOK_MS 100u /* at interrupts */

struct memory_node {
    struct target_address address;
    struct control *control; /* NULL: none yet, or it has gone */
    struct memory_samples samples;
    struct memory_report report;
};

struct memory_request {
    struct bench_request bench; /* first: its options fit */
    struct command_words words;
    uint64_t duration_ns;
    uint32_t samples;
    bool as_json;
    struct tls_client *tls;
    struct memory_node *nodes;
    size_t node_count;
    const volatile int *interrupted;
};

#define AT(member) offsetof(struct memory_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row own_rows[] = {
    {ROW("duration", NULL, OPTION_DURATION, "TIME", AT(duration_ns)), .section = "Memory",
     BARE(NS_PER_SECOND, 0, 7 * DAY_NS), .unset = "10s", .zero_counts = true,
     .help =
         "How long the memory is watched for what grows; a bare number is seconds, 0 looks once."},
    {ROW("samples", NULL, OPTION_COUNT, "N", AT(samples)), .section = "Memory",
     NUMBER(MEMORY_SAMPLES_LEAST, MEMORY_SAMPLES_MOST), .unset = "20",
     .help = "How often it is looked at meanwhile, at even distances."},
    {ROW("json", NULL, OPTION_FLAG, NULL, AT(as_json)), .section = "Output",
     .help = "As JSON, in place of lines."},
    HELP_ROW(AT(bench.help)),
};
/* clang-format on */
#undef AT

const struct option_table *analyze_memory_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "analyze-memory",
        .usage = "volley analyze-memory [OPTIONS]",
        .synopsis =
            "Says what the memory of a server is made of (MEMORY STATS and INFO memory), with "
            "parts that come to used_memory; which parts grow while it is watched, beyond what "
            "keys explain; what MEMORY DOCTOR says; and what could be done. Of a node of a "
            "cluster: all nodes. It reads alone, and changes nothing.",
        .takes_command = true,
    };
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    endpoint_table_fill(&table, rows, OF_VERIFY, &own);
    return &table;
}

/* ---- one look ---- */

/* An error reply in the server's words, cut and clean. False: it is none. */
static bool is_refusal(char *words, size_t words_bytes, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR)
        return false;
    (void)printable_copy(words, words_bytes, reply->str);
    return true;
}

static enum err_code take_info(struct memory_node *node, struct memory_account *account,
                               struct err *err)
{
    redisReply *reply;
    char words[160];
    if (control_take(node->control, &reply, err) != OK)
        return err->code;
    enum err_code code = OK;
    if (is_refusal(words, sizeof words, reply))
        code = err_set(err, E_CONNECT,
                       "%.100s refuses INFO memory: %s; its user needs +info, +memory|stats and "
                       "+memory|doctor",
                       PRINTABLE(node->address.text), words);
    else if (!memory_account_info(account, reply_info(reply)))
        code = err_set(err, E_CONNECT,
                       "INFO memory of %.100s does not say used_memory: is it a "
                       "Valkey or Redis server?",
                       PRINTABLE(node->address.text));
    freeReplyObject(reply);
    return code;
}

static enum err_code take_stats(struct memory_node *node, struct memory_account *account,
                                struct err *err)
{
    redisReply *reply;
    struct memory_report *report = &node->report;
    if (control_take(node->control, &reply, err) != OK)
        return err->code;
    if (!is_refusal(report->refusal, sizeof report->refusal, reply) &&
        !memory_account_stats(account, reply))
        snprintf(report->refusal, sizeof report->refusal,
                 "its reply is no list with total.allocated");
    freeReplyObject(reply);
    return OK;
}

static enum err_code look(struct memory_node *node, struct err *err)
{
    static const char *const info[] = {"INFO", "memory"}, *const stats[] = {"MEMORY", "STATS"};
    struct memory_account account;
    const bool refused = node->report.refusal[0] != '\0';
    memory_account_init(&account);
    enum err_code code = control_send(node->control, 2, info, NULL, err);
    if (code == OK && !refused)
        code = control_send(node->control, 2, stats, NULL, err);
    if (code == OK)
        code = take_info(node, &account, err);
    if (code == OK && !refused)
        code = take_stats(node, &account, err);
    if (code != OK)
        return code;
    node->report.account = account;
    node->report.read = true;
    return OK;
}

/* ---- what is asked once ---- */

static enum err_code ask_version(struct memory_node *node, struct err *err)
{
    static const char *const info[] = {"INFO", "server"};
    redisReply *reply;
    char version[40];
    struct memory_report *report = &node->report;
    if (control_command(node->control, &reply, 2, info, err) != OK)
        return err->code;
    const bool valkey = info_field(reply_info(reply), "valkey_version", version, sizeof version);
    if (valkey || info_field(reply_info(reply), "redis_version", version, sizeof version))
        snprintf(report->version, sizeof report->version, "%s %s", valkey ? "valkey" : "redis",
                 version);
    freeReplyObject(reply);
    return OK;
}

static enum err_code ask_doctor(struct memory_node *node, struct err *err)
{
    static const char *const doctor[] = {"MEMORY", "DOCTOR"};
    redisReply *reply;
    struct memory_report *report = &node->report;
    if (control_command(node->control, &reply, 2, doctor, err) != OK)
        return err->code;
    const char *words = reply->type == REDIS_REPLY_ERROR ? reply->str : reply_text(reply);
    snprintf(report->doctor, sizeof report->doctor, "%s%.1900s",
             reply->type == REDIS_REPLY_ERROR ? "refused: " : "",
             words != NULL ? words : "no words");
    for (size_t end = strlen(report->doctor); end > 0 && report->doctor[end - 1] == '\n'; end--)
        report->doctor[end - 1] = '\0';
    freeReplyObject(reply);
    return OK;
}

/* A node that goes away, or is silent, is told; the others go on. */
static void fail_node(struct memory_node *node, const struct err *err)
{
    snprintf(node->report.failure, sizeof node->report.failure, "%.290s", err->text);
    control_close(node->control);
    node->control = NULL;
}

static enum err_code begin_node(struct memory_node *node, const struct memory_request *request,
                                struct err *err)
{
    const size_t room = request->duration_ns > 0 ? request->samples : 1;
    snprintf(node->report.name, sizeof node->report.name, "%s", node->address.text);
    memory_account_init(&node->report.account);
    enum err_code code = memory_samples_make(&node->samples, room, err);
    if (code == OK)
        code = control_connect_to(&node->control, &node->address, &request->bench.spec.endpoint,
                                  request->interrupted, err);
    if (code == OK)
        code = ask_version(node, err);
    if (code == OK)
        code = look(node, err);
    return code == OK ? ask_doctor(node, err) : code;
}

/* ---- who is asked ---- */

/* The server alone, or where it is in a cluster all of them. */
static enum err_code find_nodes(struct memory_request *request, struct err *err)
{
    struct node_list list;
    enum err_code code =
        node_list_find(&list, &request->bench.spec.endpoint, NODES_ALL, request->interrupted, err);
    request->nodes = code == OK ? calloc(list.count + 1, sizeof request->nodes[0]) : NULL;
    if (code == OK && request->nodes == NULL)
        code = err_set(err, E_SYSTEM, "no memory for the nodes of a cluster");
    for (size_t i = 0; i < list.count && code == OK; i++)
        request->nodes[request->node_count++].address = list.addresses[i];
    node_list_free(&list);
    return code;
}

/* ---- watching ---- */

static void add_samples(struct memory_request *request, uint64_t start_ns)
{
    const double seconds = clock_seconds(clock_now_ns() - start_ns);
    for (size_t i = 0; i < request->node_count; i++) {
        struct memory_node *node = &request->nodes[i];
        if (node->control != NULL)
            memory_samples_add(&node->samples, seconds, &node->report.account);
    }
}

static bool anybody_is_there(const struct memory_request *request)
{
    for (size_t i = 0; i < request->node_count; i++)
        if (request->nodes[i].control != NULL)
            return true;
    return false;
}

static void wait_until(const struct memory_request *request, uint64_t until_ns)
{
    uint64_t now_ns;
    while (anybody_is_there(request) && *request->interrupted == 0 &&
           (now_ns = clock_now_ns()) < until_ns) {
        const uint64_t left_ms = (until_ns - now_ns) / NS_PER_MS + 1;
        (void)poll(NULL, 0, (int)(left_ms < LOOK_MS ? left_ms : LOOK_MS));
    }
}

/* Returns how many samples there are. The first one is what there is already. */
static uint32_t watch(struct memory_request *request)
{
    const uint64_t start_ns = clock_now_ns();
    const uint32_t count = request->duration_ns > 0 ? request->samples : 1;
    add_samples(request, start_ns);
    for (uint32_t k = 1; k < count; k++) {
        wait_until(request, start_ns + request->duration_ns / (count - 1) * k);
        if (*request->interrupted > 0 || !anybody_is_there(request))
            return k;
        for (size_t i = 0; i < request->node_count; i++) {
            struct memory_node *node = &request->nodes[i];
            struct err err = {.code = OK};
            if (node->control != NULL && look(node, &err) != OK && err.code != E_INTERRUPTED)
                fail_node(node, &err);
        }
        add_samples(request, start_ns);
    }
    return count;
}

static enum err_code judge(struct memory_request *request, struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < request->node_count && code == OK; i++) {
        struct memory_node *node = &request->nodes[i];
        node->report.watched = node->samples.count > 1;
        code = memory_growths_judge(&node->report.growths, &node->samples, err);
    }
    return code;
}

/* ---- what is told ---- */

static enum err_code tell(const struct memory_request *request, struct err *err)
{
    struct output out;
    json_t *servers = json_array();
    output_borrow(&out, stdout);
    for (size_t i = 0; i < request->node_count; i++) {
        if (!request->as_json && i > 0)
            printf("\n");
        if (!request->as_json)
            memory_report_print(&request->nodes[i].report, stdout);
        else
            (void)json_array_append_new(servers, memory_report_json(&request->nodes[i].report));
    }
    json_t *all = json_pack("{s:s, s:O}", "schema", MEMORY_REPORT_SCHEMA, "servers", servers);
    const bool whole =
        json_array_size(servers) == (request->as_json ? request->node_count : 0) && all != NULL;
    bool written = whole;
    if (whole && request->as_json) {
        written = json_value_write(&out, all, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
        output_printf(&out, "\n");
    }
    json_decref(all);
    json_decref(servers);
    return written ? OK : err_set(err, E_SYSTEM, "no memory for what is to be told");
}

static bool anybody_was_read(const struct memory_request *request)
{
    for (size_t i = 0; i < request->node_count; i++)
        if (request->nodes[i].report.read)
            return true;
    return false;
}

static enum err_code count_failures(const struct memory_request *request, struct err *err)
{
    size_t failed = 0, last = 0;
    for (size_t i = 0; i < request->node_count; i++)
        if (request->nodes[i].report.failure[0] != '\0') {
            failed++;
            last = i;
        }
    if (failed == 0)
        return OK;
    const char *why = request->nodes[last].report.failure;
    return request->node_count == 1
               ? err_set(err, E_CONNECT, "%s", why)
               : err_set(err, E_CONNECT, "%zu of %zu nodes were not watched to the end; %.200s",
                         failed, request->node_count, why);
}

static enum err_code run(void *target, struct err *err)
{
    static option_step *const steps[] = {endpoint_settle, tls_settle};
    struct memory_request *request = target;
    struct endpoint *endpoint = &request->bench.spec.endpoint;
    enum err_code code = OK;
    request->interrupted = &interrupts_install()->count;
    if (request->words.count > 0)
        return err_set(err, E_USAGE, "%.60s: the server is named by -h and -p, --uri or -s",
                       PRINTABLE(request->words.items[0]));
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == OK; i++)
        code = steps[i](&request->bench, err);
    if (code == OK && endpoint->tls.wanted)
        code = tls_client_create(&request->tls, &endpoint->tls, err);
    endpoint->tls_client = request->tls;
    if (code == OK)
        code = find_nodes(request, err);
    for (size_t i = 0; i < request->node_count && code == OK; i++) {
        struct err failure = {.code = OK};
        code = begin_node(&request->nodes[i], request, &failure);
        if (code == E_CONNECT) {
            fail_node(&request->nodes[i], &failure);
            code = OK;
        } else if (code != OK)
            (void)err_set(err, code, "%s", failure.text);
    }
    if (code != OK)
        return code;
    if (!anybody_was_read(request))
        return count_failures(request, err);
    const uint32_t taken = watch(request);
    code = judge(request, err);
    if (code == OK)
        code = tell(request, err);
    if (code == OK)
        code = count_failures(request, err);
    if (code == OK && *request->interrupted > 0 && request->duration_ns > 0)
        code = err_set(err, E_INTERRUPTED, "ended after %u of %u samples", taken, request->samples);
    return code;
}

static void destroy(void *target)
{
    struct memory_request *request = target;
    for (size_t i = 0; i < request->node_count; i++) {
        control_close(request->nodes[i].control);
        memory_samples_free(&request->nodes[i].samples);
    }
    free(request->nodes);
    tls_client_destroy(request->tls);
    bench_options_free(&request->bench);
}

int command_analyze_memory(int argc, const char *const *argv)
{
    const struct command_frame frame = {
        .table = analyze_memory_option_table(), .run = run, .destroy = destroy};
    return command_frame_run_bench(&frame, sizeof(struct memory_request),
                                   offsetof(struct memory_request, words), argc, argv);
}
