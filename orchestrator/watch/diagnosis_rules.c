/* The table of causes, and how each is judged. A rule stands here when tests plant its cause (docs/design/diagnosis.md). */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/watch/diagnosis.h"

#define CONFIDENCE_LEAST 0.5
#define CONFIDENCE_MOST 0.95

#define OUTAGE_SECONDS 0.5 /* shorter ones are stalls of a command or a fork              */
#define OUTAGE_SURE_SECONDS 1.0
#define PAUSE_PART 0.3
#define FORK_SECONDS 0.05
#define DELAY_PERCENT 10.0
#define TRIP_US 500.0 /* a shorter one is no network that anybody would change       */
#define BYTES_PER_REQUEST 10e3
#define BYTES_PER_SECOND 100e6
#define BUSY_SHARE 0.7

/* Where it begins to hold, and where nobody would doubt. */
static double confidence(double value, double from, double sure)
{
    const double part = (value - from) / (sure - from);
    return CONFIDENCE_LEAST + (CONFIDENCE_MOST - CONFIDENCE_LEAST) * (part < 0   ? 0
                                                                      : part > 1 ? 1
                                                                                 : part);
}

__attribute__((format(printf, 3, 4))) static void found(struct diagnosis_finding *finding,
                                                        double sure, const char *format, ...)
{
    va_list arguments;
    finding->state = DIAGNOSIS_FOUND;
    finding->confidence = sure;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
}

/* Whether this is not known; then the rule is skipped. */
static bool absent(struct diagnosis_finding *finding, double number, const char *what)
{
    if (!isnan(number))
        return false;
    finding->state = DIAGNOSIS_SKIPPED;
    snprintf(finding->text, sizeof finding->text, "this run does not tell %s", what);
    return true;
}

/* ", p95 41 ms"; "" where it is not known. */
struct latency_text {
    char text[32];
};
static struct latency_text latency(const struct diagnosis_evidence *evidence)
{
    struct latency_text said = {.text = ""};
    if (!isnan(evidence->p95_ms))
        snprintf(said.text, sizeof said.text, ", p95 %.3g ms", evidence->p95_ms);
    return said;
}

static void judge_starved(struct diagnosis_finding *finding,
                          const struct diagnosis_evidence *evidence)
{
    const double share = evidence->server_delay_share;
    if (absent(finding, share,
               "how long the server waited for its CPU: no process of it on this host was seen"))
        return;
    if (share >= 0.2)
        found(finding, confidence(share, 0.2, 0.45),
              "the server was ready to run and waited for its CPU for %.0f %% of the time%s",
              share * 100, latency(evidence).text);
}

static void judge_client(struct diagnosis_finding *finding,
                         const struct diagnosis_evidence *evidence)
{
    if (absent(finding, evidence->worker_cpu_percent, "the CPU time of volley's workers"))
        return;
    const double busy = evidence->worker_cpu_percent, delay = evidence->worker_delay_percent;
    if (evidence->worker_cpu_is_limit)
        found(finding, confidence(busy, 90, 100), "%s: the figures are volley's limit",
              evidence->worker_cpu_text);
    else if (evidence->worker_delay_is_limit && delay >= DELAY_PERCENT)
        found(finding, confidence(delay, DELAY_PERCENT, 4 * DELAY_PERCENT),
              "%s: replies waited in volley", evidence->worker_delay_text);
}

static void judge_slow_command(struct diagnosis_finding *finding,
                               const struct diagnosis_evidence *evidence)
{
    if (absent(finding, evidence->commands_known ? 0 : NAN, "the server's times of commands"))
        return;
    if (evidence->slow_share >= 0.1)
        found(finding, confidence(evidence->slow_share, 0.1, 0.5),
              "the server was in %s for %.0f %% of the time, %.3g ms a call, and did nothing else "
              "meanwhile%s",
              evidence->slow_command, fmin(evidence->slow_share, 1) * 100, evidence->slow_mean_ms,
              latency(evidence).text);
}

static void judge_persistence(struct diagnosis_finding *finding,
                              const struct diagnosis_evidence *evidence)
{
    const double blocked = evidence->blocked_share;
    if (absent(finding, evidence->forks, "how often the server forked") ||
        absent(finding, evidence->last_fork_seconds, "how long a fork took"))
        return;
    if (evidence->delayed_fsyncs > 0)
        found(finding, CONFIDENCE_MOST,
              "%.0f writes waited for the disk to take the append only file%s",
              evidence->delayed_fsyncs, latency(evidence).text);
    else if (evidence->forks > 0 && evidence->last_fork_seconds >= FORK_SECONDS)
        found(finding, confidence(evidence->last_fork_seconds, FORK_SECONDS, 4 * FORK_SECONDS),
              "%.0f forks, the last one stopped the server for %.3g s%s", evidence->forks,
              evidence->last_fork_seconds, latency(evidence).text);
    else if (evidence->appends && blocked >= 0.2)
        found(finding, confidence(blocked, 0.2, 0.6),
              "an append only file, and the server stood still at something else than commands for "
              "%.0f %% of the time%s",
              fmin(blocked, 1) * 100, latency(evidence).text);
}

/* Whether something that the server did itself took so much of a pause. */
static bool was_busy(const struct diagnosis_evidence *evidence, double pause_seconds)
{
    const double part_seconds = pause_seconds * PAUSE_PART;
    return evidence->slow_mean_ms / 1e3 >= part_seconds || evidence->delayed_fsyncs > 0 ||
           (evidence->forks > 0 && evidence->last_fork_seconds >= part_seconds);
}

static void judge_stopped(struct diagnosis_finding *finding,
                          const struct diagnosis_evidence *evidence)
{
    const double longest = evidence->longest_pause_seconds;
    if (absent(finding, longest, "its outages"))
        return;
    if (longest >= OUTAGE_SECONDS && !was_busy(evidence, longest))
        found(finding, confidence(longest, OUTAGE_SECONDS, OUTAGE_SURE_SECONDS),
              "nothing was answered for %.3g s, the longest time %.3g s, and no connection was "
              "refused",
              evidence->pause_seconds, longest);
}

static void judge_gone(struct diagnosis_finding *finding, const struct diagnosis_evidence *evidence)
{
    const double longest = evidence->longest_gone_seconds;
    if (absent(finding, longest, "its outages"))
        return;
    if (longest > 0)
        found(finding, confidence(longest, 0, 1),
              "nothing was answered for %.3g s, the longest time %.3g s, and %s connections were "
              "lost or refused",
              evidence->gone_seconds, longest, UNITS_GROUPED((uint64_t)evidence->gone_connections));
}

static void judge_memory(struct diagnosis_finding *finding,
                         const struct diagnosis_evidence *evidence)
{
    char full[64] = "", evicted[64] = "", refused[64] = "";
    if (absent(finding, evidence->evicted_keys, "how many keys were evicted") ||
        absent(finding, evidence->oom_errors, "kinds of errors"))
        return;
    if (evidence->evicted_keys > 0)
        snprintf(evicted, sizeof evicted, "%s keys were evicted",
                 UNITS_GROUPED((uint64_t)evidence->evicted_keys));
    if (evidence->oom_errors > 0)
        snprintf(refused, sizeof refused, "%s%s writes were refused (OOM)",
                 evicted[0] != '\0' ? ", " : "", UNITS_GROUPED((uint64_t)evidence->oom_errors));
    if (evidence->memory_share >= 0)
        snprintf(full, sizeof full, ", memory %.0f %% of maxmemory", evidence->memory_share * 100);
    if (evidence->evicted_keys > 0 || evidence->oom_errors > 0)
        found(finding, evidence->memory_share >= 0.9 ? CONFIDENCE_MOST : 0.7, "%s%s%s", evicted,
              refused, full);
}

/* Of its main thread, of the time in which it had a CPU, or did not want one. */
static double server_share(const struct diagnosis_evidence *evidence)
{
    const double delay = evidence->server_delay_share > 0 ? evidence->server_delay_share : 0;
    return evidence->main_thread_share / (1 - fmin(delay, 0.9));
}

static void judge_big_values(struct diagnosis_finding *finding,
                             const struct diagnosis_evidence *evidence)
{
    const double bytes = evidence->bytes_per_request;
    if (absent(finding, bytes, "bytes that were sent and received"))
        return;
    const bool busy = server_share(evidence) >= BUSY_SHARE ||
                      evidence->worker_cpu_percent >= BUSY_SHARE * 100 ||
                      evidence->bytes_per_second >= BYTES_PER_SECOND;
    if (bytes >= BYTES_PER_REQUEST && busy)
        found(finding, confidence(bytes, BYTES_PER_REQUEST, 5 * BYTES_PER_REQUEST),
              "%.3g kB a request, %.3g MB/s, which copying and the network have to carry",
              bytes / 1e3, evidence->bytes_per_second / 1e6);
}

static void judge_network(struct diagnosis_finding *finding,
                          const struct diagnosis_evidence *evidence)
{
    const double trip = evidence->round_trip_us, share = trip / evidence->service_p50_us;
    if (absent(finding, trip, "the round trip before the load") ||
        absent(finding, share, "the median of its service time"))
        return;
    if (trip >= TRIP_US && share >= 0.4)
        found(finding, confidence(share, 0.4, 0.9),
              "a round trip without load took %.3g ms, of a median of %.3g ms", trip / 1e3,
              evidence->service_p50_us / 1e3);
}

static void judge_server_cpu(struct diagnosis_finding *finding,
                             const struct diagnosis_evidence *evidence)
{
    const double share = server_share(evidence);
    if (absent(finding, share, "the CPU time of the server's main thread"))
        return;
    if (share >= 0.95)
        found(finding, confidence(share, 0.95, 1),
              "the server's main thread used %.0f %% of its CPU, %s requests/s",
              fmin(share, 1) * 100,
              UNITS_GROUPED(evidence->rate > 0 ? (uint64_t)evidence->rate : 0));
}

#define BIT(cause) (1u << (cause))

static const struct diagnosis_rule rules[CAUSES] = {
    [CAUSE_STARVED] = {"SERVER_STARVED", "something else runs on the server's CPU",
                       "`server_process.run_delay_share`: a server on this host",
                       "20 % of the time or more", "45 %",
                       "give the server a CPU of its own (taskset, cpusets), or stop what runs "
                       "beside it",
                       judge_starved, BIT(CAUSE_SERVER_CPU)},
    [CAUSE_CLIENT] =
        {"CLIENT", "volley has too few CPUs", "the verdict's checks `worker_cpu` and `run_delay`",
         "`worker_cpu` is not GREEN, or a worker waited for its CPU for 10 % of the time",
         "100 % of a worker's time; 40 % of waiting",
         "give volley more CPUs (--processes, --cpus), or ask for less (--qps, fewer "
         "connections): the server can do more than this",
         judge_client, 0},
    [CAUSE_SLOW_COMMAND] =
        {"SLOW_COMMAND", "a command or script keeps the server for long", "`server.times`",
         "a command of 1 ms or more takes 10 % of the time or more", "50 %",
         "look at SLOWLOG GET, split the command or script up, and give it fewer elements a call",
         judge_slow_command, BIT(CAUSE_SERVER_CPU)},
    [CAUSE_PERSISTENCE] =
        {"PERSISTENCE", "saving, or the disk of the append only file, stops the server",
         "`server.forks`, `last_fork_seconds`, `delayed_fsyncs`, `event_loop_seconds`",
         "a write waited for the disk; or a fork took 50 ms or more; or there is an append only "
         "file and its event loop stood still for 20 % of the time",
         "delayed writes; a fork of 200 ms; 60 % of the time",
         "append with appendfsync everysec on a faster disk, save on a replica, and leave memory "
         "for the fork (no huge pages)",
         judge_persistence, BIT(CAUSE_SERVER_CPU)},
    [CAUSE_STOPPED] =
        {"SERVER_STOPPED", "the server, or the way to it, stood still and went on again",
         "`failures`",
         "nothing was answered for 0.5 s or more, not even with an error; no connection was "
         "refused, no write waited for the disk, and no command or fork took a third of that",
         "1 second",
         "find out what stopped the process or its host (SIGSTOP, a debugger, a "
         "snapshot of the machine, swapping)",
         judge_stopped, 0},
    [CAUSE_GONE] = {"SERVER_GONE", "the server, or the way to it, broke connections", "`failures`",
                    "nothing was answered for a while, and connections were lost or refused", "1 s",
                    "look at the server's log and at its host's (killed for want of memory, "
                    "restarted, a failover, a firewall)",
                    judge_gone, BIT(CAUSE_STOPPED)},
    [CAUSE_MEMORY] = {"MEMORY", "the server is at its maxmemory",
                      "`server.evicted_keys`, `errors_by_kind`",
                      "a key was evicted, or a write was refused", "90 % of maxmemory in use",
                      "raise maxmemory, store less (smaller values, a time to live), or add nodes",
                      judge_memory, 0},
    [CAUSE_BIG_VALUES] =
        {"BIG_VALUES", "values are so large that carrying them is the work", "`bytes`",
         "10 kB a request or more, and 100 MB/s, or 70 % of the CPU time that the server's main "
         "thread can get, or of a worker's time",
         "50 kB a request",
         "split or compress values, read parts of them (GETRANGE, HGET), and use I/O threads",
         judge_big_values, BIT(CAUSE_SERVER_CPU) | BIT(CAUSE_CLIENT)},
    [CAUSE_NETWORK] =
        {"NETWORK", "the way to the server is most of the latency", "`server.round_trip_us`",
         "without load it took 0.5 ms or more, and 40 % of the median", "90 % of the median",
         "run nearer to the server, send more at once (--pipeline), or use more connections",
         judge_network, 0},
    [CAUSE_SERVER_CPU] =
        {"SERVER_CPU", "the server's one thread has no time left", "`server.main_thread_seconds`",
         "95 % or more of the CPU time that it can get", "100 %",
         "spread keys over more primaries, use I/O threads or pipelining, or ask for less",
         judge_server_cpu, 0},
};

const struct diagnosis_rule *diagnosis_rule(enum diagnosis_cause cause)
{
    return &rules[cause];
}

const char *diagnosis_state_name(enum diagnosis_state state)
{
    static const char *const names[] = {"skipped", "clear", "explained", "found"};
    return names[state];
}

/* The surest first; of two that are equally sure the first of the table. */
static void put_in_order(struct diagnosis *diagnosis)
{
    for (enum diagnosis_cause cause = 0; cause < CAUSES; cause++) {
        const struct diagnosis_finding *finding = &diagnosis->findings[cause];
        size_t place = diagnosis->found;
        if (finding->state != DIAGNOSIS_FOUND)
            continue;
        for (; place > 0 &&
               diagnosis->findings[diagnosis->order[place - 1]].confidence < finding->confidence;
             place--)
            diagnosis->order[place] = diagnosis->order[place - 1];
        diagnosis->order[place] = cause;
        diagnosis->found++;
    }
}

static void explain(struct diagnosis *diagnosis)
{
    for (enum diagnosis_cause cause = 0; cause < CAUSES; cause++)
        for (enum diagnosis_cause other = 0; other < CAUSES; other++)
            if (diagnosis->findings[cause].state == DIAGNOSIS_FOUND &&
                diagnosis->findings[other].state == DIAGNOSIS_FOUND &&
                (rules[cause].explains & BIT(other)) != 0) {
                diagnosis->findings[other].state = DIAGNOSIS_EXPLAINED;
                diagnosis->findings[other].by = cause;
            }
}

static void say_cannot_tell(struct diagnosis *diagnosis)
{
    const struct diagnosis_evidence *evidence = &diagnosis->evidence;
    const size_t room = sizeof diagnosis->cannot_tell;
    if (diagnosis->found > 0)
        return;
    if (diagnosis->skipped == CAUSES)
        snprintf(diagnosis->cannot_tell, room, "the run has nothing that a rule needs");
    else if (evidence->outage_seconds > 0)
        snprintf(diagnosis->cannot_tell, room,
                 "nothing was answered for %.3g s, and no rule says why", evidence->outage_seconds);
    else if (evidence->failed > 0)
        snprintf(diagnosis->cannot_tell, room, "%s requests failed, and no rule says why",
                 UNITS_GROUPED((uint64_t)evidence->failed));
    else if (strcmp(evidence->verdict, "RED") == 0)
        snprintf(diagnosis->cannot_tell, room,
                 "the verdict is RED, and no rule says why: see what it advises");
}

void diagnosis_make(struct diagnosis *diagnosis, const struct diagnosis_evidence *evidence)
{
    memset(diagnosis, 0, sizeof *diagnosis);
    diagnosis->evidence = *evidence;
    for (enum diagnosis_cause cause = 0; cause < CAUSES; cause++) {
        struct diagnosis_finding *finding = &diagnosis->findings[cause];
        finding->state = DIAGNOSIS_CLEAR;
        rules[cause].judge(finding, evidence);
        diagnosis->skipped += finding->state == DIAGNOSIS_SKIPPED;
    }
    explain(diagnosis);
    put_in_order(diagnosis);
    say_cannot_tell(diagnosis);
}
