/* What a run came to: its length, its workers, its status. */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/secret.h"
#include "common/units.h"
#include "orchestrator/fleet/due_time.h"
#include "orchestrator/fleet/fleet_state.h"
#include "orchestrator/fleet/run_control.h"
#include "orchestrator/fleet/run_drawn.h"
#include "orchestrator/fleet/run_nodes.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/server/chaos.h"
#include "orchestrator/server/command_stats.h"

/* Connections of the orchestrator and its scout beside those of the load. */
#define CONTROLS_MAX 16u

static uint64_t last_done_ns(const struct fleet *fleet)
{
    uint64_t latest_ns = 0;
    for (uint32_t i = 0; i < fleet->collector.member_count; i++) {
        const struct collector_member *member = &fleet->collector.members[i];
        uint64_t done_ns = atomic_load(&ipc_worker(member->segment, member->worker)->last_done_ns);
        latest_ns = done_ns > latest_ns ? done_ns : latest_ns;
    }
    return latest_ns;
}

/* Of one workload. */
static uint64_t due_of_run_ns(const struct fleet *fleet, uint32_t run, uint64_t begin_ns)
{
    const struct schedule *schedule = ipc_schedule(fleet->segments.each[run]);
    if (fleet->facts->has_users)
        return 0;
    return due_time_ns(&fleet->run[run], schedule, begin_ns, fleet->stop_ns);
}

/* As long as one of them has requests that fall due. */
static uint64_t due_ns(const struct fleet *fleet, uint64_t begin_ns)
{
    uint64_t longest_ns = 0;
    for (uint32_t i = 0; i < fleet->run_count; i++) {
        const uint64_t length_ns = due_of_run_ns(fleet, i, begin_ns);
        longest_ns = length_ns > longest_ns ? length_ns : longest_ns;
    }
    return longest_ns;
}

/* When the run was to end. With -n in an open loop: when one more would be due, since n requests at a
 * steady rate take n gaps, and the last reply comes after n - 1 of them. */
static uint64_t planned_end_ns(const struct fleet *fleet, uint64_t begin_ns)
{
    if (fleet->stop_ns != IPC_NEVER)
        return fleet->stop_ns;
    if (fleet->run->duration_ns > 0)
        return begin_ns + fleet->run->duration_ns;
    return fleet->run->spec->rate.arrival == ARRIVAL_EVEN && run_facts_have_rate(fleet->facts)
               ? begin_ns + due_ns(fleet, begin_ns)
               : 0;
}

/* Length of the measured part, to the latest of: the planned end or the stop; the last reply; the end
 * of the last row. The last is later with -n when what was sent last was never answered: the time
 * waited for it is part of the run. */
static double measured_seconds(const struct fleet *fleet)
{
    if (fleet->run->warmup_ns == IPC_NEVER)
        return 0; /* stopped before the warm-up had an end */
    uint64_t begin_ns = fleet->start_ns + fleet->run->warmup_ns;
    uint64_t planned_ns = planned_end_ns(fleet, begin_ns);
    uint64_t end_ns = fleet->start_ns + fleet->timeline->total->header.end_ns;
    uint64_t done_ns = last_done_ns(fleet);
    end_ns = done_ns > end_ns ? done_ns : end_ns;
    end_ns = planned_ns > end_ns ? planned_ns : end_ns;
    return end_ns > begin_ns ? clock_seconds(end_ns - begin_ns) : 0;
}

/* Of an open loop's measured part, the time in which requests fell due, and the rate asked for. */
static void summarise_target(const struct fleet *fleet)
{
    struct run_result *result = fleet->result;
    const uint64_t begin_ns = fleet->start_ns + fleet->facts->warmup_ns;
    const uint64_t length_ns = due_ns(fleet, begin_ns);
    result->due_seconds = clock_seconds(length_ns);
    result->rate_changes = fleet->steering.changes;
    result->target_rate = 0;
    for (uint32_t i = 0; i < fleet->run_count && length_ns > 0; i++) {
        const uint64_t own_ns = due_of_run_ns(fleet, i, begin_ns);
        const double rate =
            due_rate(ipc_schedule(fleet->segments.each[i]), own_ns, result->rate_changes > 0);
        result->streams[i].target_rate = rate;
        result->target_rate += rate * ((double)own_ns / (double)length_ns);
    }
}

static void summarise_streams(const struct fleet *fleet)
{
    const struct collector *collector = &fleet->collector;
    for (uint32_t i = 0; i < fleet->run_count; i++) {
        struct stream_result *stream = &fleet->result->streams[i];
        uint64_t counters[COUNTER_COUNT];
        for (int k = 0; k < COUNTER_COUNT; k++)
            counters[k] = collector_of_stream(collector, i, (enum counter)k);
        stream->known = true;
        stream->due = counters[COUNTER_DUE];
        stream->sent = counters[COUNTER_SENT];
        stream->shed = counters_shed(counters);
        stream->ok = counters[COUNTER_OK];
        stream->backlog = 0;
        for (uint32_t k = 0; k < collector->worker_count; k++)
            stream->backlog += collector->members[i * collector->worker_count + k].backlog;
    }
}

static void summarise_workers(const struct fleet *fleet)
{
    struct run_result *result = fleet->result;
    result->worker_count = fleet->member_count;
    for (uint32_t i = 0; i < fleet->member_count; i++) {
        uint64_t measured[COUNTER_COUNT];
        for (int k = 0; k < COUNTER_COUNT; k++)
            measured[k] = collector_of_worker(&fleet->collector, i, (enum counter)k);
        result->workers[i] = (struct worker_summary){
            .index = i,
            .pid = fleet->members[i].last_pid,
            .cpu = fleet->plan->workers[i].cpu,
            .restarts = fleet->members[i].restarts,
            .requests = measured[COUNTER_OK] + measured[COUNTER_ERROR_REPLIES],
            .cpu_user_seconds = clock_seconds(measured[COUNTER_CPU_USER_NS]),
            .cpu_system_seconds = clock_seconds(measured[COUNTER_CPU_SYSTEM_NS]),
            .run_delay_seconds = clock_seconds(measured[COUNTER_RUN_DELAY_NS]),
            .spin_seconds = clock_seconds(measured[COUNTER_SPIN_NS]),
            .rss_peak_bytes = fleet->members[i].process.rss_peak_bytes,
        };
    }
}

/* Fills result->said_last. Every worker is gone. */
static void find_last_words(const struct fleet *fleet)
{
    char *said = fleet->result->said_last;
    const uint64_t last_ok_ns = fleet->timeline->total->header.times.last_ok_ns;
    uint64_t newest_ns = last_ok_ns > 0 ? fleet->start_ns + last_ok_ns : 0;
    said[0] = '\0';
    for (uint32_t i = 0; i < fleet->collector.member_count; i++) {
        const struct collector_member *member = &fleet->collector.members[i];
        const struct ipc_refusal *refusal = &ipc_worker(member->segment, member->worker)->refusal;
        /* Acquire: partner is the worker's release store. */
        const uint64_t count = atomic_load_explicit(&refusal->count, memory_order_acquire);
        const uint64_t at_ns = atomic_load_explicit(&refusal->at_ns, memory_order_relaxed);
        if (count == 0 || at_ns <= newest_ns)
            continue;
        newest_ns = at_ns;
        snprintf(said, sizeof fleet->result->said_last, "%s", refusal->texts[count % 2]);
    }
    for (uint32_t i = 0; i < fleet->run_count; i++)
        (void)secret_mask(said, fleet->run[i].spec->endpoint.password);
    printable_line(said);
}

/* What failed, and the server's own words for it. */
static void say_failed(char *text, size_t text_bytes, const struct fleet *fleet)
{
    const struct error_kinds *kinds = &fleet->timeline->error_kinds;
    const bool nothing = fleet->err.code == OK;
    const char *what = nothing ? "no request succeeded" : fleet->err.text;
    if (fleet->result->said_last[0] != '\0')
        snprintf(text, text_bytes, "%.210s; the server said last: %s", what,
                 fleet->result->said_last);
    else if (nothing && kinds->count > 0)
        snprintf(text, text_bytes, "%s; the server says: %s", what,
                 kinds->kinds[kinds->count - 1].text);
    else
        snprintf(text, text_bytes, "%s", what);
}

/* "stopped at the page after 3.2 s of 10.0 s", "interrupted after 3.2 s and 120 of 10,000 requests". */
static void say_ended_early(char *text, size_t text_bytes, const struct fleet *fleet,
                            const char *how)
{
    const struct worker_run *run = fleet->run;
    const uint64_t warmup_ns = run->warmup_ns == IPC_NEVER ? fleet->stop_ns : run->warmup_ns;
    const int decimals = run->duration_ns > 0 && run->duration_ns < NS_PER_SECOND ? 3 : 1;
    uint64_t passed_ns = fleet->stop_ns > fleet->start_ns ? fleet->stop_ns - fleet->start_ns : 0;
    if (passed_ns <= warmup_ns) {
        snprintf(text, text_bytes, "%s %s", how,
                 warmup_ns > 0 ? "in the warm-up" : "before the first request");
        return;
    }
    passed_ns -= warmup_ns;
    if (run->duration_ns > 0 && passed_ns > run->duration_ns)
        passed_ns = run->duration_ns;
    int used = snprintf(text, text_bytes, "%s after %s s", how,
                        UNITS_REAL(clock_seconds(passed_ns), decimals));
    if (run->duration_ns > 0)
        snprintf(text + used, text_bytes - (size_t)used, " of %s s",
                 UNITS_REAL(clock_seconds(run->duration_ns), decimals));
    else
        snprintf(text + used, text_bytes - (size_t)used, " and %s of %s requests",
                 UNITS_GROUPED(fleet->timeline->total->counters[COUNTER_SENT]),
                 UNITS_GROUPED(fleet->facts->requests));
}

/* What the run came to: the gravest of its own errors, the interrupt, and success of nothing, unless
 * a planned stop came before the first measured request. What succeeded in the warm-up is in no figure
 * and does not count here either. */
static void judge_run(struct fleet *fleet)
{
    struct run_result *result = fleet->result;
    enum err_code code = fleet->err.code;
    const struct run_control *control = fleet->interrupts->control;
    bool stop_asked = control != NULL && run_control_stop_asked(control);
    uint64_t sent = 0, succeeded = 0;
    for (uint32_t i = 0; i < fleet->collector.member_count; i++) {
        sent += fleet->collector.members[i].measured[COUNTER_SENT];
        succeeded += fleet->collector.members[i].measured[COUNTER_OK];
    }
    if (succeeded == 0 && (sent > 0 || !stop_asked))
        code = err_worse(code, E_FAILED);
    if (result->interrupted)
        code = err_worse(code, E_INTERRUPTED);
    result->status = code;
    const char *text = fleet->err.text;
    char own[sizeof result->status_text];
    if (code == E_FAILED) {
        say_failed(own, sizeof own, fleet);
        text = own;
    }
    result->stopped = fleet->stopped;
    result->stopped_by = fleet->stopped ? (int)fleet->stopped_by : -1;
    if (fleet->err.code == OK && (code == E_INTERRUPTED || (code == OK && fleet->stopped))) {
        char how[40];
        snprintf(how, sizeof how, "stopped %s", note_by_phrase(result->stopped_by));
        say_ended_early(own, sizeof own, fleet, result->interrupted ? "interrupted" : how);
        text = own;
    }
    snprintf(result->status_text, sizeof result->status_text, "%s", text);
}

/* --max-errors: how many there were in the end, those included that were in flight when the workers stopped. */
static void judge_errors(struct fleet *fleet)
{
    const uint64_t limit = fleet->run->spec->load.max_errors;
    if (limit == 0 || segments_failures(&fleet->segments) < limit)
        return;
    const uint64_t measured = figure_failed(fleet->timeline->total->counters);
    const uint64_t all = segments_failures(&fleet->segments) +
                         segments_total(&fleet->segments, COUNTER_LOST_DRAIN) +
                         segments_total(&fleet->segments, COUNTER_LOST_WORKER);
    char warmup[64] = "";
    if (all > measured)
        snprintf(warmup, sizeof warmup, ", %llu of them in the warm-up",
                 (unsigned long long)(all - measured));
    err_set(&fleet->err, E_FAILED, "stopped after %llu errors%s (--max-errors %llu)",
            (unsigned long long)all, warmup, (unsigned long long)limit);
    if (fleet->stop_ns == IPC_NEVER) /* the workers were done before anybody looked */
        fleet->stop_ns = last_done_ns(fleet);
}

/* A listener's reason. */
static void judge_abort(struct fleet *fleet)
{
    if (fleet->interrupts->ended_by[0] != '\0')
        err_set(&fleet->err, E_FAILED, "%s", fleet->interrupts->ended_by);
}

/* Of the servers' own counters; what was sent again was executed once at most. A question that is no PING, with
 * which each connection begins, may be one of the load's commands. */
static void ask_servers(const struct fleet *fleet)
{
    struct interrupts *interrupts = fleet->interrupts;
    const struct endpoint *endpoint = &fleet->run->spec->endpoint;
    const uint64_t connections =
        fleet->facts->clients + segments_total(&fleet->segments, COUNTER_CONNECTIONS_OPENED) +
        segments_total(&fleet->segments, COUNTER_CONNECTIONS_RECYCLED) + CONTROLS_MAX;
    const double commands = fleet->facts->mean_commands > 0 ? fleet->facts->mean_commands : 1;
    const uint64_t sent = segments_total(&fleet->segments, COUNTER_SENT) +
                          segments_total(&fleet->segments, COUNTER_RESENT) +
                          segments_total(&fleet->segments, COUNTER_RELOADED) -
                          segments_total(&fleet->segments, COUNTER_CACHE_HITS);
    uint64_t others = segments_total(&fleet->segments, COUNTER_FOLLOW_UPS);
    for (uint32_t i = 0; i < fleet->facts->part_count; i++)
        if (fleet->facts->parts[i].consumes)
            others += fleet->timeline->total->parts[i].counters[CLASS_SENT];
    struct command_stats *after =
        interrupts->stats != NULL && interrupts->count < 2
            ? command_stats_take(fleet->run->topology, endpoint, NULL, NULL, NULL)
            : NULL;
    command_stats_account(&fleet->result->server, interrupts->stats, after,
                          (uint64_t)((double)sent * commands) + others +
                              (endpoint->probe != PROBE_PING ? connections : 0));
    free(interrupts->stats);
    interrupts->stats = after;
}

void fleet_conclude(struct fleet *fleet)
{
    struct err *err = &fleet->err;
    chaos_end(fleet->interrupts->chaos);
    enum err_code finished = collector_finish(&fleet->collector, err);
    if (finished == OK)
        finished = collector_check(&fleet->collector, err);
    (void)finished; /* err holds it */
    judge_errors(fleet);
    judge_abort(fleet);
    fleet->result->evidence.late_records = fleet->collector.late_records;
    host_sample_end(&fleet->host, &fleet->result->evidence);
    if (fleet->sampler != NULL && fleet->result->evidence.server_cpu_share < 0)
        fleet->result->evidence.server_cpu_share = info_sampler_cpu_share(fleet->sampler);
    fleet->result->seconds = measured_seconds(fleet);
    summarise_target(fleet);
    summarise_streams(fleet);
    summarise_workers(fleet);
    find_last_words(fleet);
    judge_run(fleet);
    ask_servers(fleet);
    if (!fleet->facts->prefill)
        checked_report_read(&fleet->result->checked, fleet->run->versions);
    if (!fleet->facts->prefill)
        run_drawn_find(fleet->result, fleet->facts, fleet->run,
                       fleet->timeline->total->counters[COUNTER_SENT]);
    run_nodes_renew(&fleet->timeline->run, fleet->segments.each[0]);
    timeline_run_end(fleet->timeline, fleet->result);
}
