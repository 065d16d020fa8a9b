#include "orchestrator/report/target_reached.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"

#define SLIP_BEARABLE_NS (250 * NS_PER_US)
#define STEAL_BEARABLE 0.02
#define REASON_BYTES 248
#define NODE_NAME_BYTES 96

/* A cause must account for at least this part of what is missing. */
#define CAUSE_PART 0.5
/* A node with a smaller part than this of what the worst one has is not among those that are named. */
#define NODE_PART 10u
/* A node is named for an outage of all when its own is longer by this part of that: it went first. */
#define OUTAGE_PART 0.05

/* Workers that share a CPU are at its limit together. What others of them use, each waits for, and so it
 * does for strangers. */
static void add_worker(struct target_cpu *cpu, const struct worker_summary *worker, double seconds,
                       double *busiest)
{
    double busy = worker->cpu_user_seconds + worker->cpu_system_seconds - worker->spin_seconds;
    double used = (busy > 0 ? busy : 0) + worker->run_delay_seconds;
    cpu->workers++;
    cpu->busy_share += busy > 0 ? busy / seconds : 0;
    cpu->delay_share = fmax(cpu->delay_share, worker->run_delay_seconds / seconds);
    cpu->share = fmax(cpu->share, fmax(cpu->busy_share, used / seconds));
    if (used > *busiest) {
        *busiest = used;
        cpu->worker = worker->index;
    }
}

struct target_cpu target_busiest_cpu(const struct run_result *result)
{
    struct target_cpu fullest = {.cpu = -1};
    for (uint32_t i = 0; i < result->worker_count && result->seconds >= CPU_SHARE_KNOWN_SECONDS;
         i++) {
        struct target_cpu cpu = {.cpu = result->workers[i].cpu};
        double busiest = -1;
        for (uint32_t j = 0; j < result->worker_count; j++)
            if (j == i || (cpu.cpu >= 0 && result->workers[j].cpu == cpu.cpu))
                add_worker(&cpu, &result->workers[j], result->seconds, &busiest);
        if (cpu.share > fullest.share || fullest.workers == 0)
            fullest = cpu;
    }
    fullest.share = fmin(fullest.share, 1);
    return fullest;
}

uint64_t target_slip_limit_ns(const struct interval_row *total)
{
    uint64_t tenth_ns = figure_percentile(total, HISTOGRAM_RESPONSE_OK, 50).value_ns / 10;
    return tenth_ns > SLIP_BEARABLE_NS ? tenth_ns : SLIP_BEARABLE_NS;
}

/* What was due and has been sent. A run of -n requests ends only when all are sent, however late: the
 * last ones were sent so late at most as the longest wait and the largest slip make, and that time
 * counts as if its part of the target were missing. */
static double sent_share(const struct run_result *result)
{
    const struct interval_row *total = result->total;
    const struct figure_scheduled scheduled = figure_scheduled(result);
    double due = (double)scheduled.due, sent = (double)scheduled.sent;
    if (!(due > 0))
        return 1;
    double share = sent < due ? sent / due : 1;
    if (result->facts->requests > 0 && result->due_seconds > 0) {
        double late = result->seconds - result->due_seconds;
        double waited = ((double)total->histograms[HISTOGRAM_WAIT].max_ns +
                         (double)total->histograms[HISTOGRAM_SLIP].max_ns) /
                        (double)NS_PER_SECOND;
        late = late < waited ? late : waited;
        if (late > 0)
            share *= result->due_seconds / (result->due_seconds + late);
    }
    return share;
}

/* Of all nodes the one with the most. */
static uint64_t find_worst(const struct interval_row *total, enum node_counter counter,
                           uint32_t *worst, uint64_t *sum)
{
    uint64_t most = 0;
    *sum = 0;
    for (uint32_t i = 0; i < total->node_count; i++) {
        uint64_t count = total->nodes[i].counters[counter];
        *sum += count;
        if (count > most)
            *worst = i;
        most = count > most ? count : most;
    }
    return most;
}

/* How long nothing succeeded at a node (OUTAGE_NOBODY: at any), as far as rows tell, but for what volley
 * stood still of it. */
static double outage_seconds(const struct run_result *result, int32_t node)
{
    const struct outage_list *list = NULL;
    if (result->outages != NULL)
        list = node == OUTAGE_NOBODY ? outages_of_all(result->outages)
                                     : outages_of_node(result->outages, (uint32_t)node);
    if (list == NULL)
        return 0;
    uint64_t own_ns = 0;
    for (uint32_t i = 0; i < list->kept; i++)
        own_ns += list->items[i].own_stop_ns;
    return list->total_ns > own_ns ? clock_seconds(list->total_ns - own_ns) : 0;
}

static void weigh_nodes(struct target_nodes *nodes, const struct run_result *result,
                        double worker_ns)
{
    const struct interval_row *total = result->total;
    uint64_t unsent, full_ns;
    uint64_t most = find_worst(total, NODE_UNSENT, &nodes->worst, &unsent);
    find_worst(total, NODE_RING_FULL_NS, &nodes->fullest, &full_ns);
    for (uint32_t i = 0; i < total->node_count && most > 0; i++) {
        uint64_t count = total->nodes[i].counters[NODE_UNSENT];
        if (count < most / NODE_PART)
            continue;
        nodes->unsent += count;
        nodes->count++;
    }
    nodes->unsent_share = figure_share(unsent, figure_scheduled(result).due);
    if (worker_ns > 0)
        nodes->full_share = fmin((double)full_ns / worker_ns, 1);
}

/* A delay that is not as long cannot have made what is missing. */
static double late_seconds(const struct target_evidence *evidence, const struct run_result *result)
{
    double missing = (1 - evidence->share) * result->due_seconds;
    double shed_after = clock_seconds(result->facts->shed_after_ns);
    return shed_after > 0 ? fmin(missing, shed_after) : missing;
}

static void weigh(struct target_evidence *evidence, const struct run_result *result)
{
    const struct interval_row *total = result->total;
    const uint64_t *counters = total->counters;
    double worker_ns = result->seconds * (double)NS_PER_SECOND * result->facts->worker_count;
    evidence->target = figure_target(result);
    evidence->share = sent_share(result);
    if (worker_ns > 0) {
        evidence->blocked_share = fmin((double)counters[COUNTER_BLOCKED_NS] / worker_ns, 1);
        evidence->unconnected_share = fmin((double)counters[COUNTER_UNCONNECTED_NS] / worker_ns, 1);
        evidence->still_share = fmin((double)counters[COUNTER_STOOD_STILL_NS] / worker_ns, 1);
    }
    if (result->seconds > 0)
        evidence->throttled_share =
            fmin(figure_rate(result->evidence.throttled_ns, result->seconds) / NS_PER_SECOND, 1);
    weigh_nodes(&evidence->nodes, result, worker_ns);
    /* Where a full ring stops the drawing, not every connection is busy. */
    evidence->blocked_share = fmax(evidence->blocked_share - evidence->nodes.full_share, 0);
    evidence->late_seconds = late_seconds(evidence, result);
    if (result->seconds > 0)
        evidence->outage_share = fmin(outage_seconds(result, OUTAGE_NOBODY) / result->seconds, 1);
    evidence->dead_share =
        figure_share(counters[COUNTER_SHED_WORKER], figure_scheduled(result).due);
    evidence->cpu = target_busiest_cpu(result);
    evidence->slip_p99_ns = histogram_quantile(&total->histograms[HISTOGRAM_SLIP], 0.99);
    evidence->slip_limit_ns = target_slip_limit_ns(total);
    evidence->wait_p99_ns = histogram_quantile(&total->histograms[HISTOGRAM_WAIT], 0.99);
    evidence->waits_outweigh =
        total->histograms[HISTOGRAM_WAIT].sum_ns > total->histograms[HISTOGRAM_SLIP].sum_ns;
}

/* Of the target's causes that together account for enough the largest. */
static enum target_limit find_target_limit(const struct target_evidence *evidence, double enough)
{
    const struct {
        enum target_limit limit;
        double share;
    } causes[] = {{TARGET_NODE_UNSENT, evidence->nodes.unsent_share},
                  {TARGET_NODE_FULL, evidence->nodes.full_share},
                  {TARGET_SERVER_SLOW, evidence->blocked_share},
                  {TARGET_SERVER_AWAY, evidence->unconnected_share}};
    size_t largest = 0;
    double sum = 0;
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        sum += causes[i].share;
        largest = causes[i].share > causes[largest].share ? i : largest;
    }
    return sum >= enough ? causes[largest].limit : TARGET_LIMIT_UNKNOWN;
}

/* Whether a delay is as long as what is missing. */
static bool is_long(const struct target_evidence *evidence, uint64_t delay_ns)
{
    return delay_ns > evidence->slip_limit_ns &&
           clock_seconds(delay_ns) >= CAUSE_PART * evidence->late_seconds;
}

static enum target_limit find_limit(const struct target_evidence *evidence,
                                    const struct run_result *result)
{
    double enough = CAUSE_PART * (1 - evidence->share);
    double volley_share = evidence->still_share + evidence->throttled_share;
    double steal_share = result->evidence.steal_share;
    if (evidence->share >= TARGET_REACHED_SHARE)
        return TARGET_REACHED;
    if (evidence->dead_share >= enough)
        return TARGET_WORKER_DIED;
    /* However busy volley was: nothing came from that node, and what is missing was for it. */
    if (evidence->nodes.unsent_share >= enough &&
        outage_seconds(result, (int32_t)evidence->nodes.worst) > 0)
        return TARGET_NODE_UNSENT;
    /* Before the connections: a worker without time to read replies keeps them busy by itself. */
    if (evidence->cpu.share >= WORKER_LIMIT_SHARE)
        return TARGET_WORKER_BUSY;
    /* Connections that were busy when volley stopped were so for as long as it stood. */
    if (volley_share >= enough)
        return TARGET_VOLLEY_LATE;
    enum target_limit limit = find_target_limit(evidence, enough);
    /* Connections are busy as well while requests wait for a server that is not there. */
    if ((limit == TARGET_SERVER_SLOW || limit == TARGET_LIMIT_UNKNOWN) &&
        evidence->outage_share >= enough)
        return TARGET_OUTAGE;
    if (limit != TARGET_LIMIT_UNKNOWN)
        return limit;
    if (volley_share + (steal_share > STEAL_BEARABLE ? steal_share : 0) >= enough)
        return TARGET_VOLLEY_LATE;
    if (evidence->waits_outweigh)
        return is_long(evidence, evidence->wait_p99_ns) ? TARGET_WAITED : TARGET_LIMIT_UNKNOWN;
    return is_long(evidence, evidence->slip_p99_ns) ? TARGET_VOLLEY_LATE : TARGET_LIMIT_UNKNOWN;
}

/* "97 %"; near the ends "99.8 %" and "0.4 %", cut, so that what is not whole does not look it, and what
 * is something does not look like nothing: "under 0.1 %". */
static char *percent(char *text, size_t text_bytes, double share)
{
    bool near_an_end = (share >= 0.985 && share < 1) || (share > 0 && share < 0.015);
    if (near_an_end && share < 0.001)
        snprintf(text, text_bytes, "under 0.1 %%");
    else if (near_an_end)
        snprintf(text, text_bytes, "%.1f %%", floor(share * 1000) / 10);
    else
        snprintf(text, text_bytes, "%.0f %%", share * 100);
    return text;
}

bool target_cpu_is_kept(const struct target_cpu *cpu)
{
    return cpu->busy_share < WORKER_LIMIT_SHARE && cpu->share > cpu->busy_share;
}

char *target_cpu_text(char *text, size_t text_bytes, const struct target_cpu *cpu)
{
    char busy[16], waited[16], number[32] = "its CPU", who[48], delay[48] = "";
    percent(busy, sizeof busy, cpu->busy_share);
    if (cpu->workers > 1)
        snprintf(number, sizeof number, "CPU %d", cpu->cpu);
    if (cpu->workers > 1)
        snprintf(who, sizeof who, "%u workers", cpu->workers);
    else
        snprintf(who, sizeof who, "worker %u", cpu->worker);
    if (cpu->share > cpu->busy_share)
        snprintf(delay, sizeof delay, " and waited %s for it",
                 percent(waited, sizeof waited, cpu->delay_share));
    snprintf(text, text_bytes, "%s used %s of %s%s", who, busy, number, delay);
    return text;
}

static void say_server_slow(char *reason, const struct target_evidence *evidence,
                            const struct run_result *result)
{
    char busy[16], server[64] = "", used[16], pipeline[48] = "";
    const struct run_facts *facts = result->facts;
    if (facts->pipeline > 1)
        snprintf(pipeline, sizeof pipeline, " of %s requests each", UNITS_GROUPED(facts->pipeline));
    if (result->evidence.server_cpu_share >= SERVER_BUSY_SHARE)
        snprintf(server, sizeof server, "; the server's CPU was %s busy",
                 percent(used, sizeof used, result->evidence.server_cpu_share));
    snprintf(reason, REASON_BYTES,
             "the server answered too slowly for %s connection%s%s: all were busy %s of the time%s",
             UNITS_GROUPED(facts->clients), facts->clients == 1 ? "" : "s", pipeline,
             percent(busy, sizeof busy, evidence->blocked_share), server);
}

PRINTF_LIKE(2, 3) static void append(char *reason, const char *format, ...)
{
    size_t used = strlen(reason);
    va_list args;
    va_start(args, format);
    vsnprintf(reason + used, REASON_BYTES - used, format, args);
    va_end(args);
}

static void say_outage(char *reason, const struct run_result *result, uint32_t node)
{
    double seconds = outage_seconds(result, (int32_t)node);
    if (seconds > 0)
        append(reason, "; nothing succeeded there for %.3f s", seconds);
}

static void say_node_unsent(char *reason, const struct target_nodes *nodes,
                            const struct run_result *result)
{
    char name[NODE_NAME_BYTES];
    append(reason, "%s requests for %s", UNITS_GROUPED(nodes->unsent),
           figure_node_name(name, sizeof name, result->facts, nodes->worst));
    if (nodes->count > 1)
        append(reason, " and %u more node%s", nodes->count - 1, nodes->count == 2 ? "" : "s");
    append(reason, " found no free connection and were never sent");
    say_outage(reason, result, nodes->worst);
}

static void say_node_full(char *reason, const struct target_nodes *nodes,
                          const struct run_result *result)
{
    char name[NODE_NAME_BYTES], share[16];
    append(reason, "so many requests waited for %s that no others were drawn %s of the time",
           figure_node_name(name, sizeof name, result->facts, nodes->fullest),
           percent(share, sizeof share, nodes->full_share));
    say_outage(reason, result, nodes->fullest);
}

/* A cluster is down because one of its nodes is. */
static void say_nothing_succeeded(char *reason, const struct run_result *result)
{
    double all_seconds = outage_seconds(result, OUTAGE_NOBODY);
    double longest_seconds = all_seconds * (1 + OUTAGE_PART);
    int32_t longest = OUTAGE_NOBODY;
    append(reason, "nothing succeeded for %.3f s", all_seconds);
    for (uint32_t i = 0; i < result->total->node_count; i++) {
        double seconds = outage_seconds(result, (int32_t)i);
        if (seconds <= longest_seconds)
            continue;
        longest_seconds = seconds;
        longest = (int32_t)i;
    }
    if (longest == OUTAGE_NOBODY)
        return;
    char name[NODE_NAME_BYTES];
    append(reason, ", and at %s for %.3f s",
           figure_node_name(name, sizeof name, result->facts, (uint32_t)longest), longest_seconds);
}

static void say_volley_late(char *reason, const struct target_evidence *evidence,
                            const struct run_evidence *host)
{
    const char *separator = " ";
    append(reason, "volley was stopped or delayed:");
    if (evidence->still_share > 0) {
        char share[16];
        append(reason, "%sit stood still %s of the time", separator,
               percent(share, sizeof share, evidence->still_share));
        separator = ", ";
    }
    if (host->throttled_ns > 0) {
        append(reason, "%sthe CPU quota held it back for %.3f s", separator,
               clock_seconds(host->throttled_ns));
        separator = ", ";
    }
    if (host->steal_share > STEAL_BEARABLE) {
        append(reason, "%sthe hypervisor took %.1f %% of the CPU time", separator,
               host->steal_share * 100);
        separator = ", ";
    }
    if (evidence->slip_p99_ns > evidence->slip_limit_ns)
        append(reason, "%s1 %% of the requests went out %.3f ms late or more", separator,
               clock_ms(evidence->slip_p99_ns));
}

static void say_why(char *reason, enum target_limit limit, const struct target_evidence *evidence,
                    const struct run_result *result)
{
    char share[16], cpu[128];
    reason[0] = '\0';
    switch (limit) {
    case TARGET_REACHED:
        break;
    case TARGET_WORKER_DIED:
        snprintf(reason, REASON_BYTES,
                 "%s requests fell due while a worker was dead and not yet replaced",
                 UNITS_GROUPED(result->total->counters[COUNTER_SHED_WORKER]));
        break;
    case TARGET_NODE_UNSENT:
        say_node_unsent(reason, &evidence->nodes, result);
        break;
    case TARGET_NODE_FULL:
        say_node_full(reason, &evidence->nodes, result);
        break;
    case TARGET_OUTAGE:
        say_nothing_succeeded(reason, result);
        break;
    case TARGET_WORKER_BUSY:
        snprintf(reason, REASON_BYTES, "%s: %s",
                 target_cpu_is_kept(&evidence->cpu) ? "volley was kept from its CPU"
                                                    : "volley was at its limit",
                 target_cpu_text(cpu, sizeof cpu, &evidence->cpu));
        break;
    case TARGET_SERVER_SLOW:
        say_server_slow(reason, evidence, result);
        break;
    case TARGET_SERVER_AWAY:
        snprintf(reason, REASON_BYTES, "no connection was open %s of the time",
                 percent(share, sizeof share, evidence->unconnected_share));
        break;
    case TARGET_VOLLEY_LATE:
        say_volley_late(reason, evidence, &result->evidence);
        break;
    case TARGET_WAITED:
        snprintf(reason, REASON_BYTES,
                 "1 %% of the requests waited %.3f s or longer for a connection that could take "
                 "them",
                 clock_seconds(evidence->wait_p99_ns));
        break;
    case TARGET_LIMIT_UNKNOWN:
        snprintf(reason, REASON_BYTES, "for a reason that these figures do not show");
        break;
    }
}

char *target_name(char *text, size_t text_bytes, const struct run_result *result)
{
    char rate[UNITS_GROUPED_BYTES];
    if (result->rate_changes > 0)
        snprintf(text, text_bytes, "what fell due");
    else
        snprintf(text, text_bytes, "%s/s",
                 figure_rate_text(rate, sizeof rate, figure_target(result)));
    return text;
}

void target_reached_judge(struct target_reached *reached, const struct run_result *result)
{
    memset(reached, 0, sizeof *reached);
    struct target_evidence *evidence = &reached->evidence;
    weigh(evidence, result);
    reached->limit = find_limit(evidence, result);
    if (reached->limit == TARGET_REACHED)
        return;
    char share[16], target[UNITS_GROUPED_BYTES + 2], reason[REASON_BYTES];
    say_why(reason, reached->limit, evidence, result);
    snprintf(reached->sentence, sizeof reached->sentence, "target not reached: %s of %s sent, %s%s",
             percent(share, sizeof share, evidence->share),
             target_name(target, sizeof target, result),
             reached->limit == TARGET_LIMIT_UNKNOWN ? "" : "because ", reason);
}
