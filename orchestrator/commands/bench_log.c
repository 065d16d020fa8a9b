#include "orchestrator/commands/bench_log.h"

#include "common/log.h"
#include "common/units.h"

void bench_log_plan(const struct plan *plan, const struct cpu_set_order *cpus)
{
    char list[160];
    for (uint32_t i = 0; i < plan->note_count; i++)
        log_line(LOG_INFO, "plan: %s", plan->notes[i]);
    log_line(LOG_DEBUG, "usable CPUs, the best ones first: %u of them in %s (%s)", cpus->count,
             cpu_order_list(list, sizeof list, cpus->cpus, cpus->count), cpus->reason);
    for (uint32_t i = 0; i < plan->worker_count; i++)
        log_line(LOG_DEBUG,
                 "worker %u: CPU %d (-1: not pinned), %u connections, ring of %llu bytes", i,
                 plan->workers[i].cpu, plan->workers[i].connections,
                 (unsigned long long)plan->ring_capacity_bytes);
}

void bench_log_servers_started(const struct managed_cluster *managed)
{
    for (uint32_t i = 0; i < managed->count; i++) {
        const struct managed_server *server = &managed->nodes[i];
        if (managed->count > 1)
            log_line(LOG_INFO, "started node %u, %s (pid %d) on port %u", i,
                     server->setup.program.path, (int)server->process.pid, (unsigned)server->port);
        else
            log_line(LOG_INFO, "started %s (pid %d) on port %u", server->setup.program.path,
                     (int)server->process.pid, (unsigned)server->port);
        log_line(LOG_DEBUG, "the server runs in %s, on CPU %d (-1: not pinned)%s",
                 server->directory.path,
                 server->setup.cpu_count > 0 ? (int)server->setup.cpus[0] : -1,
                 server->setup.cpu_count > 1 ? " and others" : "");
    }
}

void bench_log_servers_stop(const struct managed_cluster *managed)
{
    for (uint32_t i = 0; i < managed->count; i++)
        if (managed->nodes[i].process.pid != 0)
            log_line(LOG_INFO, "stopping the server (pid %d)", (int)managed->nodes[i].process.pid);
}

void bench_log_one_key(const struct run_facts *run, const struct bench_step *step)
{
    /* Options that make up a workload have -r, too; a file has key spaces of its own. */
    if (step->spec.load.workload != NULL && step->fixed_key)
        log_line(LOG_WARNING, "%s: every request has the same key; more keys are more like a load",
                 run->name);
    else
        log_line(LOG_WARNING,
                 "%s: every request has the same key; give %s-r KEYSPACE or "
                 "--sequential KEYSPACE to spread them",
                 run->name, step->fixed_key ? "__key__ in its place, and " : "");
}

void bench_log_run_begin(const struct run_facts *run)
{
    log_line(LOG_INFO, "%s: begins on %s%s%s", run->name, run->target,
             run->prefill ? ", prefill for " : "", run->prefill_for);
    log_line(LOG_DEBUG, "%s: %s connections in %u workers, requests of %s bytes", run->name,
             UNITS_GROUPED(run->clients), run->worker_count, UNITS_GROUPED(run->request_bytes));
}

void bench_log_run_end(const struct run_facts *run, const struct run_result *result)
{
    log_line(LOG_INFO, "%s: ended after %.3f s, exit status %d, verdict %s", run->name,
             result->seconds, err_exit_status(result->status),
             verdict_level_name(result->verdict.level));
    for (uint32_t i = 0; i < result->worker_count; i++) {
        const struct worker_summary *worker = &result->workers[i];
        log_line(LOG_DEBUG, "%s: worker %u (pid %lld): %.3f s of CPU time, %u restarts", run->name,
                 worker->index, (long long)worker->pid,
                 worker->cpu_user_seconds + worker->cpu_system_seconds, worker->restarts);
    }
}
