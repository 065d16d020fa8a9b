#include "orchestrator/commands/scenario_acts.h"

#include <hiredis/hiredis.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/commands/scenario_index.h"
#include "orchestrator/commands/scenario_watch.h"
#include "orchestrator/server/keyspace.h"

void scenario_on_deadline(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    scenario_phase_end(argument, "duration");
}

void scenario_set_deadline(struct scenario_run *run, uint64_t length_ns)
{
    const struct timeval delay = {.tv_sec = (time_t)(length_ns / NS_PER_SECOND),
                                  .tv_usec = (suseconds_t)(length_ns % NS_PER_SECOND / NS_PER_US)};
    if (length_ns > 0 && event_add(run->deadline, &delay) != 0)
        log_line(LOG_WARNING, "%s: no timer for its end", scenario_phase_now(run)->name);
}

void scenario_wait_for_end(struct scenario_run *run)
{
    while (!run->done && run->session->interrupts->count == 0)
        event_base_loop(run->session->base, EVLOOP_ONCE);
}

void scenario_idle(struct scenario_run *run, const struct phase *phase)
{
    uint64_t length_ns = phase->duration_ns;
    if (phase->stable.metric[0] != '\0' && phase->stable.max_ns > 0 &&
        (length_ns == 0 || phase->stable.max_ns < length_ns))
        length_ns = phase->stable.max_ns;
    scenario_set_deadline(run, length_ns);
    scenario_wait_for_end(run);
}

enum err_code scenario_tell_servers(const struct session *session, int argc,
                                    const char *const *argv, struct err *err)
{
    const struct topology *topology = session->topology;
    for (uint32_t i = 0; i < topology->node_count || i == 0; i++) {
        const struct target_address *target =
            topology->node_count > 0 ? &topology->nodes[i].address : &session->target;
        struct control *control = NULL;
        redisReply *reply = NULL;
        struct err own = {.code = OK};
        if (topology->node_count > 0 && topology->nodes[i].role != TOPOLOGY_PRIMARY)
            continue;
        enum err_code code = control_connect_to(&control, target, &session->request->spec.endpoint,
                                                &session->interrupts->count, &own);
        if (code == OK)
            code = control_command(control, &reply, argc, argv, &own);
        if (code == OK && reply->type == REDIS_REPLY_ERROR)
            code =
                err_set(&own, E_CONNECT, "%s %s: %s", argv[0], argc > 1 ? argv[1] : "", reply->str);
        if (code != OK && err->code == OK)
            (void)err_set(err, code, "%s", own.text);
        freeReplyObject(reply);
        control_close(control);
    }
    return err->code;
}

void scenario_purge(struct scenario_run *run, const struct phase *phase)
{
    static const char *const defrag[] = {"CONFIG", "SET", "activedefrag", "yes"},
                             *const memory[] = {"MEMORY", "PURGE"};
    struct err err = {.code = OK};
    enum err_code code = OK;
    if (phase->activedefrag)
        code = scenario_tell_servers(run->session, 4, defrag, &err);
    if (phase->memory_purge)
        code = err_worse(code, scenario_tell_servers(run->session, 2, memory, &err));
    if (code != OK)
        log_line(LOG_WARNING, "%s: %s; the scenario goes on without it", phase->name,
                 PRINTABLE(err.text));
    scenario_phase_end(run, code == OK ? "done" : "done, but for what the server does not do");
    if (phase->duration_ns > 0) {
        run->done = false;
        scenario_idle(run, phase);
    }
}

void scenario_await_expired(struct scenario_run *run, const struct phase *phase,
                            double expired_before)
{
    const struct phase_account *account = scenario_account_now(run);
    const double wanted =
        expired_before + (double)(account->keys_before - live_map_count(run->map));
    run->done = false;
    scenario_set_deadline(run, phase->duration_ns > 0 ? phase->duration_ns
                                                      : phase->most_ttl_s * 2 * NS_PER_SECOND);
    while (!run->done && run->session->interrupts->count == 0 &&
           !(run->newest.values[SERIES_EXPIRED] >= wanted))
        event_base_loop(run->session->base, EVLOOP_ONCE);
    event_del(run->deadline);
    if (!run->done)
        scenario_phase_end(run, "expired");
}

enum err_code scenario_begin_new_map(struct scenario_run *run, struct err *err)
{
    struct live_map *fresh = NULL;
    const enum err_code code = live_map_create(&fresh, live_map_capacity(run->map), err);
    if (code != OK)
        return code;
    live_map_destroy(run->map);
    run->map = fresh;
    run->skew_count = run->name_count = 0; /* keys are numbered from 0 on again */
    scenario_index_forget(run);
    return OK;
}

enum err_code scenario_flush_all(struct scenario_run *run, const struct phase *phase,
                                 struct err *err)
{
    static const char *const all[] = {"FLUSHALL"};
    const struct session *session = run->session;
    enum err_code code = phase->every_database
                             ? scenario_tell_servers(session, 1, all, err)
                             : keyspace_flush(session->topology, &session->request->spec.endpoint,
                                              &session->interrupts->count, err);
    if (code == OK)
        code = scenario_begin_new_map(run, err);
    if (code == OK)
        scenario_phase_end(run, "done");
    return code;
}
