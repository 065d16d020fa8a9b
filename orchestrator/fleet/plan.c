#include "orchestrator/fleet/plan.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/clock.h"
#include "common/units.h"

/* A worker's own descriptors besides its connections: standard streams, epoll, eventfd, journal,
 * and what libraries keep open. */
#define FD_RESERVE 32u

static void note(struct plan *plan, const char *format, ...) PRINTF_LIKE(2, 3);
static void note(struct plan *plan, const char *format, ...)
{
    if (plan->note_count == PLAN_NOTES_MAX)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(plan->notes[plan->note_count], sizeof plan->notes[0], format, args);
    va_end(args);
    plan->note_count++;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- CPUs ---- */

/* The CPUs that workers are placed on, in the order they are given out. A quota limits how many
 * workers auto starts, not which CPUs they may be on. */
struct cpu_pool {
    uint32_t cpus[SPEC_CPUS_MAX];
    uint32_t count;
    uint32_t kept_away; /* usable CPUs that are left to a local server        */
    bool elsewhere;     /* a local server runs on none of the usable CPUs     */
};

/* A quota of 1.5 CPUs can keep two busy for most of the time; a third would only be throttled. */
static uint32_t usable_count(const struct cpu_set_order *order)
{
    if (order->quota_cpus <= 0 || order->quota_cpus >= order->count)
        return order->count;
    uint32_t whole = (uint32_t)ceil(order->quota_cpus);
    return whole > 0 ? whole : 1;
}

static enum err_code pool_from_list(struct cpu_pool *pool, const struct spec *spec,
                                    const struct cpu_set_order *order, struct err *err)
{
    for (uint32_t i = 0; i < spec->workers.cpu_count; i++) {
        if (!cpu_order_has(order, spec->workers.cpus[i])) {
            char allowed[160];
            return err_set(err, E_USAGE,
                           "--cpus: CPU %u does not exist or is not allowed here; allowed: %s",
                           spec->workers.cpus[i],
                           cpu_order_list(allowed, sizeof allowed, order->cpus, order->count));
        }
        pool->cpus[pool->count++] = spec->workers.cpus[i];
    }
    if (pool->count == 0)
        return err_set(err, E_USAGE, "--cpus: the list names no CPU");
    return OK;
}

static void give_server(struct plan *plan, uint32_t cpu)
{
    if (plan->server_cpu_count == 0)
        plan->server_cpu = (int)cpu;
    plan->server_cpus[plan->server_cpu_count++] = cpu;
}

/* CPUs that a managed server has work for. */
static uint32_t server_wish(const struct spec *spec)
{
    uint64_t threads = spec->managed.io_threads > 0 ? spec->managed.io_threads : 1;
    return threads < PLAN_SERVER_CPUS_MAX ? (uint32_t)threads : PLAN_SERVER_CPUS_MAX;
}

/* All usable CPUs but those of a local server that has only some of them. */
static void pool_beside_local(struct cpu_pool *pool, const struct cpu_set_order *order,
                              const struct server_cpus *server)
{
    uint32_t shared = 0;
    for (uint32_t i = 0; i < order->count; i++)
        shared += cpu_list_has(server->cpus, server->count, order->cpus[i]);
    pool->elsewhere = shared == 0;
    pool->kept_away = shared < order->count ? shared : 0;
    for (uint32_t i = 0; i < order->count; i++)
        if (pool->kept_away == 0 || !cpu_list_has(server->cpus, server->count, order->cpus[i]))
            pool->cpus[pool->count++] = order->cpus[i];
}

/* The managed server gets the best CPU, or as many as it has threads for, and the workers all others, at
 * least one; with --cpus, the best ones that the list leaves free. */
static enum err_code place_server_and_pool(struct plan *plan, struct cpu_pool *pool,
                                           const struct spec *spec,
                                           const struct cpu_set_order *order,
                                           enum server_place place,
                                           const struct server_cpus *server, struct err *err)
{
    const uint32_t wish = server_wish(spec);
    plan->server_cpu = -1;
    if (spec->workers.cpus_choice == CPUS_LIST) {
        enum err_code code = pool_from_list(pool, spec, order, err);
        if (code != OK || place != SERVER_MANAGED)
            return code;
        for (uint32_t i = 0; i < order->count && plan->server_cpu_count < wish; i++)
            if (!cpu_list_has(pool->cpus, pool->count, order->cpus[i]))
                give_server(plan, order->cpus[i]);
        return OK;
    }
    if (place == SERVER_LOCAL && spec->workers.cpus_choice == CPUS_AUTO && server != NULL &&
        server->count > 0) {
        pool_beside_local(pool, order, server);
        return OK;
    }
    uint32_t first = 0;
    if (place == SERVER_MANAGED && spec->workers.cpus_choice == CPUS_AUTO) {
        give_server(plan, order->cpus[0]);
        for (first = 1; first < wish && first + 1 < order->count; first++)
            give_server(plan, order->cpus[first]);
        first = order->count > 1 ? first : 0; /* with one CPU, server and workers share it */
    }
    for (uint32_t i = first; i < order->count; i++)
        pool->cpus[pool->count++] = order->cpus[i];
    return OK;
}

/* ---- how many workers ---- */

/* Workers that --processes auto asks for, and why. */
static uint64_t auto_count(char *why, size_t why_bytes, const struct plan *plan,
                           const struct spec *spec, const struct cpu_set_order *order,
                           enum server_place place, const struct cpu_pool *pool)
{
    uint64_t count = spec->workers.cpus_choice == CPUS_LIST ? pool->count : usable_count(order);
    char less[64] = "";
    if (pool->kept_away > 0) {
        count = count < pool->count ? count : pool->count;
        snprintf(less, sizeof less, ", less %u of the server on this machine", pool->kept_away);
    } else if (spec->workers.cpus_choice != CPUS_LIST && place != SERVER_REMOTE &&
               !pool->elsewhere && count > 1) {
        uint64_t taken = plan->server_cpu_count > 1 ? plan->server_cpu_count : 1;
        count = count > taken ? count - taken : 1;
        if (place == SERVER_MANAGED && taken > 1)
            snprintf(less, sizeof less, ", less the %llu of the managed server",
                     (unsigned long long)taken);
        else
            snprintf(less, sizeof less, "%s",
                     place == SERVER_MANAGED ? ", less the one of the managed server"
                                             : ", less one for the server on this machine");
    }
    if (spec->workers.threads > 1) {
        count = spec->workers.threads;
        snprintf(why, why_bytes, "one for each event loop of --threads %llu",
                 (unsigned long long)spec->workers.threads);
    } else if (spec->workers.cpus_choice == CPUS_LIST) {
        snprintf(why, why_bytes, "one for each CPU that --cpus lists");
    } else {
        snprintf(why, why_bytes, "one for each usable CPU%s (%s)", less, order->reason);
    }
    return count;
}

static uint64_t first_clients(const struct spec *spec)
{
    return spec->load.client_ramp.start_clients > 0 ? spec->load.client_ramp.start_clients
                                                    : spec->load.clients;
}

/* Each worker needs a connection from the start on, so that it has something to send with, and in a
 * cluster one to each node. */
static uint64_t connections_needed(const struct spec *spec)
{
    if (spec->buffer.wanted) /* whose flush workers are as many as it takes */
        return 1;
    return spec->connections.worker_min > 1 ? spec->connections.worker_min : 1;
}

/* The option that says how many connections there are from the start on. */
static const char *first_clients_option(const struct spec *spec)
{
    return spec->load.client_ramp.start_clients > 0 ? "clients-ramp-start"
           : spec->load.clients_option != NULL      ? spec->load.clients_option
                                                    : "clients";
}

/* What auto asks for, as far as there are connections for it. */
static uint64_t limited_auto_count(struct plan *plan, const struct spec *spec,
                                   const struct cpu_set_order *order, enum server_place place,
                                   const struct cpu_pool *pool)
{
    char why[320]; /* the reason has up to 199 bytes */
    uint64_t count = auto_count(why, sizeof why, plan, spec, order, place, pool);
    uint64_t first = first_clients(spec) / connections_needed(spec);
    uint64_t most = first < IPC_WORKERS_MAX ? first : IPC_WORKERS_MAX;
    if (count <= most) {
        note(plan, "%llu worker%s: %s.", (unsigned long long)count, plural(count), why);
        return count;
    }
    note(plan, "%llu worker%s: %s; %s would be %llu.", (unsigned long long)most, plural(most),
         most < first                   ? "volley runs no more than that"
         : connections_needed(spec) > 1 ? "each needs a connection to every node"
         : spec->load.client_ramp.start_clients > 0
             ? "the client ramp starts with no more connections"
             : "there are no more connections",
         why, (unsigned long long)count);
    plan->reduction = plan->notes[plan->note_count - 1];
    return most;
}

static enum err_code count_workers(struct plan *plan, const struct spec *spec,
                                   const struct cpu_set_order *order, enum server_place place,
                                   const struct cpu_pool *pool, struct err *err)
{
    uint64_t threads = spec->workers.threads > 0 ? spec->workers.threads : 1;
    uint64_t count;
    if (spec->workers.processes == 0) {
        count = limited_auto_count(plan, spec, order, place, pool);
    } else {
        if (spec->workers.processes > IPC_WORKERS_MAX ||
            threads > IPC_WORKERS_MAX / spec->workers.processes)
            return err_set(err, E_USAGE,
                           "--processes %llu with --threads %llu: at most %u workers are possible",
                           (unsigned long long)spec->workers.processes, (unsigned long long)threads,
                           IPC_WORKERS_MAX);
        count = spec->workers.processes * threads;
        uint64_t first = first_clients(spec), needed = connections_needed(spec);
        if (needed > 1 && count > first / needed)
            return err_set(err, E_USAGE,
                           "%s connection%s cannot be shared by %llu worker%s: each needs one to "
                           "each of %s nodes; raise --%s to %llu, or use fewer --processes",
                           UNITS_GROUPED(first), plural(first), (unsigned long long)count,
                           plural(count), UNITS_GROUPED(needed), first_clients_option(spec),
                           (unsigned long long)(needed * count));
        if (count > first)
            return err_set(err, E_USAGE,
                           "%s connection%s cannot be shared by %llu workers (--processes %llu "
                           "times --threads %llu): each needs one; raise --%s, or use "
                           "--processes auto",
                           UNITS_GROUPED(first), plural(first), (unsigned long long)count,
                           (unsigned long long)spec->workers.processes, (unsigned long long)threads,
                           first_clients_option(spec));
        if (threads > 1)
            note(plan, "%llu workers: --processes %llu times --threads %llu, one event loop each.",
                 (unsigned long long)count, (unsigned long long)spec->workers.processes,
                 (unsigned long long)threads);
        else
            note(plan, "%llu worker%s: --processes %llu.", (unsigned long long)count, plural(count),
                 (unsigned long long)spec->workers.processes);
    }
    if (count == 0 && connections_needed(spec) == 1)
        return err_set(err, E_USAGE, "--clients 0: at least one connection is needed");
    if (count == 0)
        return err_set(err, E_USAGE,
                       "--%s %llu: at least %s connections are needed, one to each node",
                       first_clients_option(spec), (unsigned long long)first_clients(spec),
                       UNITS_GROUPED(connections_needed(spec)));
    plan->worker_count = (uint32_t)count;
    plan->usable_cpus = usable_count(order);
    return OK;
}

/* ---- who gets what ---- */

static void place_workers(struct plan *plan, const struct spec *spec,
                          const struct cpu_set_order *order, const struct cpu_pool *pool)
{
    char list[128];
    assert(pool->count > 0);
    for (uint32_t i = 0; i < plan->worker_count; i++)
        plan->workers[i].cpu =
            spec->workers.cpus_choice == CPUS_NONE ? -1 : (int)pool->cpus[i % pool->count];
    if (spec->workers.cpus_choice == CPUS_NONE) {
        note(plan, "Workers are not pinned: --cpus none.");
        return;
    }
    uint32_t used = plan->worker_count < pool->count ? plan->worker_count : pool->count;
    cpu_order_list(list, sizeof list, pool->cpus, used);
    if (plan->worker_count == 1)
        note(plan, "Pinned to CPU %s.", list);
    else if (plan->worker_count <= pool->count)
        note(plan, "Pinned to CPU%s %s, one worker each.", plural(used), list);
    else {
        note(plan, "Pinned to CPU%s %s in turn: %u workers share %u CPU%s.", plural(used), list,
             plan->worker_count, used, plural(used));
        plan->crowding = plan->notes[plan->note_count - 1];
    }
    uint32_t siblings = 0;
    for (uint32_t i = order->physical_core_count; i < order->count; i++)
        for (uint32_t k = 0; k < used; k++)
            siblings += pool->cpus[k] == order->cpus[i];
    if (siblings > 0)
        note(plan, "%u of these CPUs share%s a physical core with another one.", siblings,
             siblings == 1 ? "s" : "");
}

static bool is_worker_cpu(const struct plan *plan, uint32_t cpu)
{
    for (uint32_t i = 0; i < plan->worker_count; i++)
        if (plan->workers[i].cpu == (int)cpu)
            return true;
    return false;
}

static void note_managed(struct plan *plan, const struct spec *spec)
{
    char list[128];
    if (plan->server_cpu < 0) {
        note(plan, "The managed server is not pinned: %s.",
             spec->workers.cpus_choice == CPUS_NONE ? "--cpus none"
                                                    : "--cpus leaves no CPU free for it");
        return;
    }
    for (uint32_t i = 0; i < plan->server_cpu_count; i++)
        if (is_worker_cpu(plan, plan->server_cpus[i])) {
            note(plan, "The managed server shares CPU %u with the workers: there is no other.",
                 plan->server_cpus[i]);
            return;
        }
    note(plan, "The managed server is pinned to CPU%s %s, away from the workers.",
         plural(plan->server_cpu_count),
         cpu_order_list(list, sizeof list, plan->server_cpus, plan->server_cpu_count));
    if (plan->server_cpu_count < server_wish(spec))
        note(plan, "--io-threads %llu: %u CPU%s left for the server.",
             (unsigned long long)spec->managed.io_threads, plan->server_cpu_count,
             plan->server_cpu_count == 1 ? " is" : "s are");
}

/* A local server is where others have put it. */
static void note_local(struct plan *plan, const struct spec *spec, const struct cpu_pool *pool,
                       const struct server_cpus *server)
{
    char list[128];
    if (spec->workers.cpus_choice != CPUS_AUTO)
        return;
    if (server == NULL || server->count == 0) {
        note(plan, "The server on this machine is taken to run on any CPU; which it may use is "
                   "found out when it answers.");
        return;
    }
    cpu_order_list(list, sizeof list, server->cpus, server->count);
    if (pool->kept_away > 0)
        note(plan, "The server on this machine may run on CPU%s %s: the workers keep away.",
             plural(server->count), list);
    else if (pool->elsewhere)
        note(plan, "The server on this machine may run on CPU%s %s, which volley does not use.",
             plural(server->count), list);
    else
        note(plan, "The server on this machine may run on all CPUs that volley may use.");
}

static void split_connections(struct plan *plan, const struct spec *spec)
{
    uint64_t clients = spec->load.clients;
    uint32_t each = (uint32_t)(clients / plan->worker_count);
    uint32_t more = (uint32_t)(clients % plan->worker_count);
    for (uint32_t i = 0; i < plan->worker_count; i++)
        plan->workers[i].connections = plan_share(clients, plan->worker_count, i).count;
    if (plan->worker_count == 1)
        note(plan, "%s connection%s in one worker.", UNITS_GROUPED(clients), plural(clients));
    else if (more == 0)
        note(plan, "%s connection%s: %s in each worker.", UNITS_GROUPED(clients), plural(clients),
             UNITS_GROUPED(each));
    else
        note(plan, "%s connections: %s in each of the first %u worker%s, %s in each other.",
             UNITS_GROUPED(clients), UNITS_GROUPED(each + 1), more, plural(more),
             UNITS_GROUPED(each));
    if (spec->load.client_ramp.start_clients > 0)
        note(plan,
             "%s of them are open at the start, the others are opened as the client ramp says.",
             UNITS_GROUPED(spec->load.client_ramp.start_clients));
}

struct connection_share plan_share(uint64_t connections, uint32_t worker_count, uint32_t worker)
{
    const uint64_t each = connections / worker_count, more = connections % worker_count;
    return (struct connection_share){
        .count = (uint32_t)(each + (worker < more)),
        .before = (uint32_t)(each * worker + (worker < more ? worker : more)),
    };
}

void plan_add_connections(struct plan *plan, uint64_t connections)
{
    for (uint32_t i = 0; i < plan->worker_count; i++)
        plan->workers[i].connections += plan_share(connections, plan->worker_count, i).count;
    note(plan, "%s connection%s of another workload beside them.", UNITS_GROUPED(connections),
         plural(connections));
}

void plan_add_consumers(struct plan *plan, uint64_t connections)
{
    for (uint32_t i = 0; i < plan->worker_count; i++)
        plan->workers[i].consumers = plan_share(connections, plan->worker_count, i).count;
    if (connections > 0)
        note(plan, "%s connection%s of consumers beside them.", UNITS_GROUPED(connections),
             plural(connections));
}

static void split_idle(struct plan *plan, const struct spec *spec)
{
    for (uint32_t i = 0; i < plan->worker_count; i++)
        plan->workers[i].idle = (uint32_t)(spec->connections.idle / plan->worker_count +
                                           (i < spec->connections.idle % plan->worker_count));
    if (spec->connections.idle > 0)
        note(plan, "%s idle connection%s beside %s.", UNITS_GROUPED(spec->connections.idle),
             plural(spec->connections.idle), spec->load.clients == 1 ? "it" : "them");
}

enum err_code plan_build(struct plan *plan, const struct spec *spec,
                         const struct cpu_set_order *order, enum server_place place,
                         const struct server_cpus *server, struct err *err)
{
    static struct cpu_pool pool; /* too large for a stack */
    memset(&pool, 0, sizeof pool);
    memset(plan, 0, sizeof *plan);
    enum err_code code = place_server_and_pool(plan, &pool, spec, order, place, server, err);
    if (code == OK)
        code = count_workers(plan, spec, order, place, &pool, err);
    if (code != OK)
        return code;
    place_workers(plan, spec, order, &pool);
    if (place == SERVER_MANAGED)
        note_managed(plan, spec);
    else if (place == SERVER_LOCAL)
        note_local(plan, spec, &pool, server);
    split_connections(plan, spec);
    split_idle(plan, spec);
    plan->ring_capacity_bytes =
        ipc_ring_capacity_bytes(spec->load.interval_ns, plan->worker_count, 1, 0);
    return OK;
}

enum err_code plan_raise_fd_limit(const struct plan *plan, struct err *err)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < plan->worker_count; i++) {
        uint64_t connections = (uint64_t)plan->workers[i].connections + plan->workers[i].idle +
                               plan->workers[i].consumers;
        if (connections > most)
            most = connections;
    }
    rlim_t need = (rlim_t)(most + FD_RESERVE);

    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "cannot read the limit of open files");
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= need)
        return OK;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < need)
        return err_set(err, E_USAGE,
                       "%s connections in one worker need %s open files, and the hard limit is "
                       "%s: raise it (ulimit -n %llu as root, or LimitNOFILE=%llu in a systemd "
                       "unit), or use fewer --clients or --idle, or more --processes",
                       UNITS_GROUPED(most), UNITS_GROUPED(need), UNITS_GROUPED(limit.rlim_max),
                       (unsigned long long)need, (unsigned long long)need);
    limit.rlim_cur = need;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "cannot raise the limit of open files to %s",
                             UNITS_GROUPED(need));
    return OK;
}
