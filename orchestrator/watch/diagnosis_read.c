/* The evidence of a run, out of its run.json. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/watch/diagnosis.h"

#define KEY_BYTES 64u
#define SLOW_MEAN_US 1000.0

/* "requests.ok" of an object; NULL: not there. */
static const json_t *at(const json_t *json, const char *path)
{
    while (json != NULL && *path != '\0') {
        char key[KEY_BYTES];
        const size_t bytes = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)bytes, path);
        json = json_object_get(json, key);
        path += bytes + (path[bytes] == '.');
    }
    return json;
}

/* From 0 on; NAN: not known. */
static double number(const json_t *json, const char *path)
{
    const json_t *value = at(json, path);
    const double found = json_is_number(value) ? json_number_value(value) : NAN;
    return found >= 0 && found < 1e18 ? found : NAN;
}

static void text(char *copy, size_t copy_bytes, const json_t *json, const char *path)
{
    const char *found = json_string_value(at(json, path));
    snprintf(copy, copy_bytes, "%s", found != NULL ? found : "");
}

static void read_name(struct diagnosis_evidence *evidence, const json_t *run)
{
    char name[DIAGNOSIS_NAME_BYTES / 2];
    const double repetition = number(run, "repetition");
    text(name, sizeof name, run, "name");
    if (repetition > 0 && repetition < 1e6)
        snprintf(evidence->run, sizeof evidence->run, "%s, repetition %.0f", name, repetition);
    else
        snprintf(evidence->run, sizeof evidence->run, "%s", name);
    text(evidence->target, sizeof evidence->target, run, "target");
}

/* One of its checks. */
static void read_check(double *value, bool *is_limit, char said[DIAGNOSIS_TEXT_BYTES],
                       const json_t *run, const char *name)
{
    size_t index;
    const json_t *check;
    *value = NAN;
    json_array_foreach(at(run, "verdict.checks"), index, check)
    {
        char found[KEY_BYTES], level[KEY_BYTES];
        text(found, sizeof found, check, "name");
        if (strcmp(found, name) != 0)
            continue;
        text(level, sizeof level, check, "level");
        *value = number(check, "value");
        *is_limit = strcmp(level, "GREEN") != 0;
        text(said, DIAGNOSIS_TEXT_BYTES, check, "text");
    }
}

static void read_verdict(struct diagnosis_evidence *evidence, const json_t *run)
{
    text(evidence->verdict, sizeof evidence->verdict, run, "verdict.level");
    read_check(&evidence->worker_cpu_percent, &evidence->worker_cpu_is_limit,
               evidence->worker_cpu_text, run, "worker_cpu");
    read_check(&evidence->worker_delay_percent, &evidence->worker_delay_is_limit,
               evidence->worker_delay_text, run, "run_delay");
}

/* A server that stands still refuses nothing: requests wait, or time out, and volley closes their connections. */
static void read_outages(struct diagnosis_evidence *evidence, const json_t *run)
{
    size_t index;
    const json_t *outage;
    const json_t *list = at(run, "failures.outages");
    const double none = json_is_array(list) ? 0 : NAN;
    evidence->pause_seconds = evidence->longest_pause_seconds = none;
    evidence->silent_seconds = none;
    evidence->gone_seconds = evidence->longest_gone_seconds = evidence->gone_connections = none;
    json_array_foreach(list, index, outage)
    {
        const double seconds = number(outage, "seconds") - number(outage, "own_stop_seconds");
        const double lost = number(outage, "connections_lost"),
                     refused = number(outage, "connect_failures");
        if (refused > 0 || (lost > 0 && number(outage, "timed_out") == 0)) {
            evidence->gone_seconds += seconds;
            evidence->gone_connections += lost + refused;
            evidence->longest_gone_seconds = fmax(evidence->longest_gone_seconds, seconds);
        } else if (number(outage, "errors") == 0) {
            evidence->pause_seconds += seconds;
            evidence->silent_seconds += number(outage, "seconds");
            evidence->longest_pause_seconds = fmax(evidence->longest_pause_seconds, seconds);
        }
    }
}

static void read_requests(struct diagnosis_evidence *evidence, const json_t *run)
{
    const double seconds = number(run, "seconds"), ok = number(run, "requests.ok");
    const double bytes = number(run, "bytes.out") + number(run, "bytes.in");
    evidence->rate = number(run, "rate.achieved");
    evidence->p50_ms = number(run, "response_time_us.p50") / 1e3;
    evidence->p95_ms = number(run, "response_time_us.p95") / 1e3;
    evidence->service_p50_us = number(run, "service_time_us.p50");
    evidence->bytes_per_request = ok > 0 ? bytes / ok : NAN;
    evidence->bytes_per_second = seconds > 0 ? bytes / seconds : NAN;
    evidence->failed = number(run, "failures.failed_requests");
    evidence->outage_seconds = number(run, "failures.seconds_without_success");
    read_outages(evidence, run);
    /* Kinds that did not happen are not there. */
    const double oom = number(run, "errors_by_kind.OOM");
    evidence->oom_errors = !json_is_object(at(run, "errors_by_kind")) ? NAN : isnan(oom) ? 0 : oom;
}

/* Their time is that of a fork, which has a rule of its own. */
static bool is_fork(const char *command)
{
    static const char *const names[] = {"bgsave", "bgrewriteaof"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(command, names[i]) == 0)
            return true;
    return false;
}

static void read_times(struct diagnosis_evidence *evidence, const json_t *server, double seconds)
{
    size_t index;
    const json_t *time;
    evidence->commands_known = json_is_array(at(server, "times")) && seconds > 0;
    evidence->slow_share = evidence->slow_mean_ms = NAN;
    json_array_foreach(at(server, "times"), index, time)
    {
        char command[DIAGNOSIS_NAME_BYTES];
        const double mean_us = number(time, "mean_us"), calls = number(time, "calls");
        const double share = mean_us * calls / 1e6 / seconds;
        text(command, sizeof command, time, "command");
        if (!evidence->commands_known || is_fork(command) || !(mean_us >= SLOW_MEAN_US) ||
            share <= evidence->slow_share)
            continue;
        memcpy(evidence->slow_command, command, sizeof command);
        evidence->slow_mean_ms = mean_us / 1e3;
        evidence->slow_share = share;
    }
}

static void read_server(struct diagnosis_evidence *evidence, const json_t *run)
{
    const json_t *server = at(run, "server");
    const double load_seconds = number(run, "seconds") + number(run, "warmup_seconds");
    const double primaries = number(server, "primaries");
    /* Before the load and behind it the server has next to nothing to do. */
    const double seconds = load_seconds > 0 && primaries > 0 ? load_seconds * primaries : NAN;
    const double main_thread = number(server, "main_thread_seconds") / seconds;
    const double maxmemory = number(server, "maxmemory_bytes");
    evidence->server_delay_share = number(run, "server_process.run_delay_share");
    const double delay = evidence->server_delay_share >= 0 ? evidence->server_delay_share : 0;
    evidence->main_thread_share = main_thread > 1 ? 1 : main_thread;
    const double paused =
        evidence->silent_seconds > 0 ? evidence->silent_seconds / load_seconds : 0;
    evidence->blocked_share =
        number(server, "event_loop_seconds") / seconds - main_thread - delay - paused;
    evidence->evicted_keys = number(server, "evicted_keys");
    evidence->memory_share = maxmemory > 0 ? number(server, "used_memory_bytes") / maxmemory : NAN;
    evidence->forks = number(server, "forks");
    evidence->last_fork_seconds = number(server, "last_fork_seconds");
    evidence->delayed_fsyncs = number(server, "delayed_fsyncs");
    evidence->appends = number(server, "appends") > 0;
    evidence->round_trip_us = number(server, "round_trip_us");
    read_times(evidence, server, seconds);
}

void diagnosis_read(struct diagnosis_evidence *evidence, const json_t *run)
{
    memset(evidence, 0, sizeof *evidence);
    read_name(evidence, run);
    read_verdict(evidence, run);
    read_requests(evidence, run);
    read_server(evidence, run);
}
