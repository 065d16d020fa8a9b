#include "orchestrator/commands/replaying.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/recording.h"
#include "common/units.h"
#include "orchestrator/options/relation.h"
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

/* Other forms of traffic have to be made into a recording first. */
static enum err_code refuse_other_forms(const char *path, struct err *err)
{
    char begin[sizeof RECORDING_MAGIC];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return OK; /* said by who opens it as one */
    const size_t bytes = fread(begin, 1, sizeof begin - 1, file);
    fclose(file);
    return bytes == 0 || recording_has_magic(begin, bytes)
               ? OK
               : err_set(err, E_DATA,
                         "--replay %.200s: no recording in volley's form; of MONITOR's text and of "
                         "append-only files \"volley record --from %.200s -o FILE\" makes one",
                         path, path);
}

static enum err_code settle_connections(struct bench_request *request, struct replay_plan *plan,
                                        struct err *err)
{
    struct load_options *load = &request->spec.load;
    const uint32_t clients = plan->facts.clients;
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
    else
        replay_keep_transactions(&plan->facts);
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
        return err_set(err, E_USAGE,
                       "%.200s has no times of its requests: give --qps N, or --speed max for as "
                       "fast as replies come",
                       plan->path);
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
    *plan = (struct replay_plan){.path = request->replay.path};
    enum err_code code = refuse_other_forms(plan->path, err);
    if (code == OK)
        code = replay_look(&plan->facts, plan->path, err);
    if (code == OK && plan->facts.clients == 0)
        code = err_set(err, E_USAGE, "--replay %.200s: it holds no request", plan->path);
    if (code == OK)
        code = settle_connections(request, plan, err);
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
