#include "orchestrator/commands/replaying.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/recording.h"
#include "common/units.h"
#include "orchestrator/options/relation.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/traffic/traffic.h"
#include "worker/worker.h"

static void say_left_out(const struct replay_facts *facts, const char *path)
{
    for (int i = REPLAY_SENT + 1; i < REPLAY_REASONS; i++)
        if (facts->left_out[i] > 0)
            log_line(LOG_WARNING, "%s: %s commands are left out: %s", PRINTABLE(path),
                     UNITS_GROUPED(facts->left_out[i]), replay_reason_text((enum replay_reason)i));
    if (facts->cut)
        log_line(LOG_WARNING,
                 "%s ends in the middle of an entry: what stands before it is sent, and what was "
                 "to follow is not known",
                 PRINTABLE(path));
}

/* ---- other forms than volley's own ---- */

static int open_unnamed_in(const char *directory)
{
    char name[PATH_MAX];
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 ||
        snprintf(name, sizeof name, "%s/volley-replay-XXXXXX", directory) >= (int)sizeof name)
        return fd;
    fd = mkostemp(name, O_CLOEXEC); /* a file system that has no O_TMPFILE */
    if (fd >= 0)
        unlink(name);
    return fd;
}

/* A file that is gone when the last process that has it open is, whatever ends that. */
static int open_unnamed(const char **directory)
{
    const char *given = getenv("TMPDIR");
    *directory = given != NULL && given[0] != '\0' ? given : "/tmp";
    int fd = open_unnamed_in(*directory);
    if (fd < 0 && strcmp(*directory, "/tmp") != 0)
        fd = open_unnamed_in(*directory = "/tmp");
    return fd;
}

static enum err_code refuse_without_times(const struct bench_request *request, struct err *err)
{
    return err_set(err, E_USAGE,
                   "%.200s has no times of its requests: give --qps N, or --speed max for as fast "
                   "as replies come",
                   request->replay.path);
}

static enum err_code import(struct replay_plan *plan, struct traffic_source *source,
                            struct err *err)
{
    char name[300];
    const char *directory;
    plan->fd = open_unnamed(&directory);
    if (plan->fd < 0)
        return err_set_errno(err, E_SYSTEM, errno,
                             "--replay %.200s: cannot make a file in %.200s for its requests",
                             plan->path, directory);
    snprintf(name, sizeof name, "the requests of %.100s to a file without a name in %.100s",
             plan->path, directory);
    const int writer_fd = fcntl(plan->fd, F_DUPFD_CLOEXEC, 0);
    if (writer_fd < 0)
        return err_set_errno(err, E_SYSTEM, errno, "--replay %.200s", plan->path);
    struct err own = {.code = OK};
    const enum err_code code = recording_import_on(source, writer_fd, name, &own);
    if (code == OK)
        return OK;
    return err_set(err, code, "%s%s", own.text,
                   code == E_SYSTEM ? "; TMPDIR names another directory" : "");
}

/* What is no recording of volley becomes one. */
static enum err_code take_in(struct bench_request *request, struct err *err)
{
    static const char *const forms[] = {
        [TRAFFIC_COMPACT] = "recording", [TRAFFIC_MONITOR] = "monitor", [TRAFFIC_AOF] = "aof"};
    struct replay_request *replay = &request->replay;
    struct traffic_report report = {.entries = 0};
    struct traffic_source *source = NULL;
    enum err_code code = traffic_open(&source, replay->path, replay->strict, &report, err);
    replay->form = forms[report.form];
    if (code == OK && !report.has_times && !replay->fast && request->spec.rate.steps == NULL)
        code = refuse_without_times(request, err);
    if (code == OK && report.form != TRAFFIC_COMPACT) {
        code = import(&replay->plan, source, err);
        traffic_report_warn(&report);
    }
    traffic_close(source);
    return code;
}

/* ---- what it means for the run ---- */

/* In a cluster a connection goes to a node, and not to a client. */
static enum err_code settle_gates(struct bench_request *request, struct replay_plan *plan,
                                  struct err *err)
{
    struct load_options *load = &request->spec.load;
    const uint32_t clients = plan->facts.clients;
    if (plan->facts.most_database > 0)
        return err_set(err, E_USAGE,
                       "--replay %.200s: it has requests of database %u, and a cluster has "
                       "database 0 only",
                       plan->path, plan->facts.most_database);
    if (!relation_given(request, "clients") && clients > load->clients) {
        load->clients = clients < REPLAY_CONNECTIONS_MAX ? clients : REPLAY_CONNECTIONS_MAX;
        options_derive(&request->values, "clients", "replay", NULL);
    }
    plan->connections = clients < REPLAY_GATES_MAX ? clients : REPLAY_GATES_MAX;
    plan->shared = true;
    return OK;
}

static enum err_code settle_connections(struct bench_request *request, struct replay_plan *plan,
                                        struct err *err)
{
    struct load_options *load = &request->spec.load;
    const uint32_t clients = plan->facts.clients;
    plan->routed = request->spec.endpoint.cluster;
    if (plan->routed)
        return settle_gates(request, plan, err);
    if (!relation_given(request, "clients")) {
        load->clients = clients < REPLAY_CONNECTIONS_MAX ? clients : REPLAY_CONNECTIONS_MAX;
        options_derive(&request->values, "clients", "replay", NULL);
    }
    if (load->clients > clients)
        return err_set(err, E_USAGE,
                       "--clients %llu: the recording has %s clients, and each has one connection",
                       (unsigned long long)load->clients, UNITS_GROUPED(clients));
    plan->connections = load->clients;
    plan->shared = load->clients < clients;
    if (plan->shared)
        log_line(LOG_WARNING, "%s: %s recorded clients share %s connections", PRINTABLE(plan->path),
                 UNITS_GROUPED(clients), UNITS_GROUPED(load->clients));
    return OK;
}

/* A schedule of the same mean rate, for what is said of the whole run; each request has its own time. */
static enum err_code settle_times(struct bench_request *request, struct replay_plan *plan,
                                  struct err *err)
{
    const struct replay_facts *facts = &plan->facts;
    struct rate_options *rate = &request->spec.rate;
    plan->by_number = rate->steps != NULL;
    if (plan->by_number || request->replay.fast)
        return OK;
    if (!facts->has_times)
        return refuse_without_times(request, err);
    plan->speed = relation_given(request, "speed") ? request->replay.speed : 1;
    const double seconds = clock_seconds(facts->span_ns) / plan->speed;
    double micro = (double)SCHEDULE_RATE_MAX_MICRO;
    if (seconds > 0 && (double)facts->entries / seconds * (double)SCHEDULE_MICRO < micro)
        micro = (double)facts->entries / seconds * (double)SCHEDULE_MICRO;
    request->replay.step = (struct rate_step){.length_ns = SCHEDULE_NEVER,
                                              .from_micro = micro > 1 ? (uint64_t)micro : 1,
                                              .to_micro = micro > 1 ? (uint64_t)micro : 1,
                                              .shape = SCHEDULE_CONSTANT};
    rate->steps = &request->replay.step;
    rate->step_count = 1;
    snprintf(rate->text, sizeof rate->text, "as recorded, %gx", plan->speed);
    return OK;
}

enum err_code replaying_prepare(struct bench_request *request, struct err *err)
{
    struct replay_plan *plan = &request->replay.plan;
    struct load_options *load = &request->spec.load;
    if (request->replay.path == NULL)
        return OK;
    *plan = (struct replay_plan){.path = request->replay.path, .fd = -1};
    enum err_code code = take_in(request, err);
    if (code == OK)
        code = replay_look(plan, err);
    if (code == OK && request->replay.strict && plan->facts.cut)
        code =
            err_set(err, E_DATA, "--replay %.200s: it ends in the middle of an entry", plan->path);
    if (code == OK && plan->facts.clients == 0)
        code = err_set(err, E_USAGE, "--replay %.200s: it holds no request", plan->path);
    if (code == OK)
        code = settle_connections(request, plan, err);
    if (code == OK)
        replay_settle_transactions(&plan->facts, plan->shared);
    if (code == OK && plan->facts.entries == 0)
        code = err_set(err, E_USAGE, "--replay %.200s: it holds no request that can be sent",
                       plan->path);
    if (code == OK)
        code = settle_times(request, plan, err);
    if (code != OK)
        return code;
    say_left_out(&plan->facts, plan->path);
    plan->limit = plan->facts.entries;
    if (relation_given(request, "requests") && load->requests > 0 && load->requests < plan->limit)
        plan->limit = load->requests;
    if (load->duration_ns == 0)
        load->requests = plan->limit;
    load->replay = plan;
    return OK;
}

enum err_code replaying_check(const struct bench_request *request, struct control *control,
                              struct err *err)
{
    const struct replay_plan *plan = request->spec.load.replay;
    char number[16];
    redisReply *reply = NULL;
    if (plan == NULL || plan->facts.most_database == 0)
        return OK;
    snprintf(number, sizeof number, "%u", plan->facts.most_database);
    enum err_code code =
        control_command(control, &reply, 2, (const char *const[]){"SELECT", number}, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        code =
            err_set(err, E_CONNECT,
                    "%.200s has requests of database %s, and the server refuses SELECT %s: %.200s",
                    plan->path, number, number, PRINTABLE(reply->str));
    if (reply != NULL)
        freeReplyObject(reply);
    return code;
}

/* ---- what outputs say of it ---- */

static void add_left_out(json_t *list, uint64_t count, const char *reason, const char *text)
{
    if (count > 0)
        json_array_append_new(list, json_pack("{s:I, s:s, s:s}", "count", (json_int_t)count,
                                              "reason", reason, "text", text));
}

json_t *replaying_describe(const struct bench_request *request)
{
    static const char *const reasons[REPLAY_REASONS] = {
        [REPLAY_NO_REPLY] = "no_reply", [REPLAY_ENDLESS] = "endless",
        [REPLAY_LOGIN] = "login",       [REPLAY_SELECT] = "select",
        [REPLAY_SERVER] = "server",     [REPLAY_TRANSACTION] = "transaction"};
    const struct replay_plan *plan = &request->replay.plan;
    const struct replay_facts *facts = &plan->facts;
    if (plan->path == NULL)
        return NULL;
    json_t *list = json_array();
    add_left_out(list, facts->skipped_lines, "unparsed", "lines that do not parse");
    add_left_out(list, facts->never_recorded, "not_recorded",
                 "requests with secrets, or too large for a recording");
    add_left_out(list, facts->snapshot, "snapshot", "snapshot (RDB) ahead of the requests");
    for (int i = REPLAY_SENT + 1; i < REPLAY_REASONS; i++)
        add_left_out(list, facts->left_out[i], reasons[i],
                     replay_reason_text((enum replay_reason)i));
    return json_pack("{s:o, s:s, s:I, s:I, s:b, s:b, s:o}", "file", json_value_text(plan->path),
                     "form", request->replay.form, "requests", (json_int_t)facts->entries,
                     "clients", (json_int_t)facts->clients, "has_times", facts->has_times, "cut",
                     facts->cut || facts->source_cut, "left_out", list);
}
