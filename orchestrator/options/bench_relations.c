#include "orchestrator/options/bench_relations.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "common/clock.h"
#include "common/ipc.h"
#include "common/units.h"
#include "orchestrator/options/client_relations.h"
#include "orchestrator/options/connection_relations.h"
#include "orchestrator/options/credentials.h"
#include "orchestrator/options/managed_relations.h"
#include "orchestrator/options/rate_relations.h"
#include "orchestrator/options/relation.h"
#include "orchestrator/options/tls_relations.h"
#include "orchestrator/options/topology_relations.h"
#include "worker/worker.h"

#define KEYS_MAX 1000000000000ull

/* --- the target ------------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* The URI's parts have the weight of the URI: they replace a weaker option, give way to a stronger
 * one, and must agree with an equal one. True: the part is to be stored. */
static bool uri_part_counts(const struct bench_request *request, const char *name, bool agrees,
                            struct err *err)
{
    enum option_origin_kind uri_kind = relation_origin(request, "uri")->kind;
    enum option_origin_kind kind = relation_origin(request, name)->kind;
    if (kind == uri_kind && !agrees)
        err_set(err, E_USAGE, "--uri and --%s contradict each other: give one of them", name);
    return kind < uri_kind;
}

static void uri_text(struct bench_request *request, const char *name, bool has, const char *part,
                     const char **stored, struct err *err)
{
    if (!has || !uri_part_counts(request, name, same_text(*stored, part), err))
        return;
    *stored = part;
    options_derive(&request->values, name, "uri", part);
}

static void uri_number(struct bench_request *request, const char *name, bool has, uint64_t part,
                       uint64_t *stored, struct err *err)
{
    if (!has || !uri_part_counts(request, name, *stored == part, err))
        return;
    *stored = part;
    options_derive(&request->values, name, "uri", "in the URI");
}

static enum err_code settle_uri(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    relation_exclude(request, "uri", "socket", "each names a server", err);
    if (err->code != OK || !relation_given(request, "uri"))
        return err->code;
    const struct uri *uri = request->uri;
    uri_text(request, "host", uri->has_host, uri->host, &spec->endpoint.host, err);
    uri_number(request, "port", uri->has_port, uri->port, &spec->endpoint.port, err);
    uri_text(request, "user", uri->has_user, uri->user, &spec->endpoint.user, err);
    uri_text(request, "password", uri->has_password, uri->password, &spec->endpoint.password, err);
    uri_number(request, "dbnum", uri->has_database, uri->database, &spec->endpoint.database, err);
    return err->code;
}

static enum err_code settle_target(struct bench_request *request, struct err *err)
{
    static const char *const addresses[] = {"host", "port", "socket", "uri"};
    static const char *const secrets[] = {"password", "password-fd", "user"};
    struct spec *spec = &request->spec;
    /* before the URI's parts count as options of their own */
    for (size_t i = 0; i < 4; i++)
        relation_exclude_if(spec->managed.wanted, request, "managed", addresses[i],
                            "volley starts its own server", err);
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        relation_exclude_if(spec->managed.wanted, request, "managed", secrets[i],
                            "the private server has no password", err);
    relation_exclude_if(spec->managed.wanted && request->ask_password, request, "managed",
                        "askpass", "the private server has no password", err);
    enum err_code code = err->code == OK ? topology_relations_settle(request, err) : err->code;
    if (code == OK)
        code = settle_uri(request, err);
    if (code != OK)
        return code;
    for (size_t i = 0; i < 2; i++)
        relation_exclude(request, "socket", addresses[i], "each names a server", err);
    relation_exclude_if(spec->load.null_transport && spec->managed.wanted, request, "null",
                        "managed", "--null uses no server", err);
    if (err->code != OK)
        return err->code;
    struct sockaddr_un address;
    if (spec->endpoint.socket_path != NULL &&
        strlen(spec->endpoint.socket_path) >= sizeof address.sun_path)
        return err_set(err, E_USAGE,
                       "--socket: the path is %zu bytes long; at most %zu are allowed",
                       strlen(spec->endpoint.socket_path), sizeof address.sun_path - 1);
    return credentials_settle(request, err);
}

/* --- the load -------------------------------------------------------------------------------- */

static enum err_code settle_length(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    (void)err;
    if (spec->load.duration_ns == 0)
        return OK;
    char duration[32];
    units_format_duration(duration, sizeof duration, spec->load.duration_ns);
    if (relation_given(request, "requests") &&
        relation_origin(request, "requests")->kind >
            relation_origin(request, "test-duration")->kind) {
        relation_notice(request, "the config file's test-duration %s is ignored: -n was given",
                        duration);
        options_drop(&request->values, "test-duration");
        return OK;
    }
    if (relation_given(request, "requests"))
        relation_notice(request, "-n %" PRIu64 " is ignored: --test-duration %s decides",
                        spec->load.requests, duration);
    spec->load.requests = 0;
    options_derive(&request->values, "requests", "test-duration", NULL);
    return OK;
}

/* "; maybe is no value of --read-from-replica, which takes no, yes, all": what may have been meant with
 * the first word of a command. "" when it stands behind no such option. Returns text. */
static const char *say_no_value(char *text, size_t text_bytes, const struct option_values *values)
{
    const struct option_row *row = values->rest_behind;
    size_t used = 0;
    text[0] = '\0';
    if (row == NULL)
        return text;
    used = (size_t)snprintf(text, text_bytes, "; %.40s is no value of --%s", values->rest[0],
                            row->name);
    for (size_t i = 0; row->value_at != NULL && row->value_at(i) != NULL && used < text_bytes; i++)
        used += (size_t)snprintf(text + used, text_bytes - used, "%s%s",
                                 i == 0 ? ", which takes " : ", ", row->value_at(i));
    return text;
}

/* Which servers are measured would depend on whether a word is a command: no guess is made. */
static enum err_code refuse_no_value(struct bench_request *request, struct err *err)
{
    const struct option_values *values = &request->values;
    char no_value[160];
    if (values->rest_behind == NULL || !values->rest_behind->closed)
        return OK;
    say_no_value(no_value, sizeof no_value, values);
    return err_set(err, E_USAGE, "%s; a command needs -- before it", no_value + strlen("; "));
}

static enum err_code settle_command(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    const struct option_values *values = &request->values;
    char no_value[160];
    if (values->rest_count == 0) {
        if (spec->load.last_argument_from_stdin)
            return err_set(err, E_USAGE,
                           "-x needs a command whose last argument it reads: "
                           "-x -- set key");
        return OK;
    }
    if (relation_origin(request, "type")->kind == ORIGIN_COMMAND_LINE)
        return err_set(err, E_USAGE,
                       "--type %.80s and the command %.80s exclude each other: give one of them%s",
                       relation_origin(request, "type")->value, values->rest[0],
                       say_no_value(no_value, sizeof no_value, values));
    spec->load.test_count = 0;
    options_derive(&request->values, "type", "type", NULL);
    spec->load.command = values->rest;
    spec->load.command_argc = (uint32_t)values->rest_count;
    /* As with valkey-benchmark all that follows a command belongs to it, often unintended. */
    for (size_t i = 1; i < values->rest_count && !values->rest_marked; i++) {
        const char *argument = values->rest[i];
        if (argument[0] != '-' || !isalpha((unsigned char)argument[argument[1] == '-' ? 2 : 1]))
            continue;
        relation_notice(
            request,
            "%.80s stands behind the command and is sent with it: options come first, or put -- "
            "before the command%s",
            argument, say_no_value(no_value, sizeof no_value, values));
        break;
    }
    return OK;
}

static enum err_code settle_keys(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    relation_exclude_if(request->random_keys > 0, request, "random", "sequential",
                        "keys come in one order", err);
    if (err->code != OK)
        return err->code;
    spec->load.key_order = request->sequential_keys > 0 ? KEYS_SEQUENTIAL
                           : request->random_keys > 0   ? KEYS_RANDOM
                                                        : KEYS_ONE;
    spec->load.keyspace = spec->load.key_order == KEYS_SEQUENTIAL ? request->sequential_keys
                          : spec->load.key_order == KEYS_RANDOM   ? request->random_keys
                                                                  : 1;
    if (spec->load.keyspace_offset > 0 && spec->load.key_order == KEYS_ONE)
        return err_set(err, E_USAGE, "--keyspace-offset %" PRIu64 " needs --random or --sequential",
                       spec->load.keyspace_offset);
    if (spec->load.sequential_random_start && spec->load.key_order != KEYS_SEQUENTIAL)
        return err_set(err, E_USAGE, "--sequential-random-start needs --sequential");
    if (spec->load.keyspace_offset > KEYS_MAX - spec->load.keyspace)
        return err_set(err, E_USAGE,
                       "--keyspace-offset %" PRIu64 " and %" PRIu64
                       " keys: the last key's number has more than 12 digits",
                       spec->load.keyspace_offset, spec->load.keyspace);
    return OK;
}

static bool command_holds(const struct spec *spec, const char *word)
{
    for (uint32_t i = 0; spec->load.command != NULL && i < spec->load.command_argc; i++)
        if (strstr(spec->load.command[i], word) != NULL)
            return true;
    return false;
}

static bool runs_test(const struct spec *spec, enum workload_more more)
{
    for (uint32_t i = 0; i < spec->load.test_count; i++) {
        const struct workload_test *test = workload_test_find(spec->load.tests[i]);
        if (test != NULL && test->more == more)
            return true;
    }
    return false;
}

/* Options on the command line that change nothing in what is sent. */
static enum err_code notice_unused(struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    (void)err;
    const bool command = spec->load.command != NULL;
    const bool numbered = command_holds(spec, "__rand_") || command_holds(spec, "__key__");
    const struct {
        const char *name, *why;
        bool unused;
    } options[] = {
        {"datasize", "the command holds no __data__",
         command && !spec->load.prefill && !command_holds(spec, "__data__")},
        {"random", "the command holds no __rand_int__, and no placeholder like it",
         command && !numbered},
        {"sequential", "the command holds no __rand_int__, and no placeholder like it",
         command && !numbered},
        {"num-functions", "it is for the test function_load", !runs_test(spec, MORE_LIBRARY)},
        {"num-keys-in-fcall", "it is for the test fcall", !runs_test(spec, MORE_KEYS)},
    };
    for (size_t i = 0;
         i < sizeof options / sizeof options[0] && spec->load.placeholders == PLACEHOLDERS_OWN; i++)
        if (options[i].unused &&
            relation_origin(request, options[i].name)->kind == ORIGIN_COMMAND_LINE)
            relation_notice(request, "--%s changes nothing: %s", options[i].name, options[i].why);
    return OK;
}

static enum err_code settle_prefill(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    if (!spec->load.prefill)
        return OK;
    relation_exclude_if(spec->load.null_transport, request, "prefill", "null",
                        "--null uses no server that could keep keys", err);
    if (err->code != OK || !spec->load.prefill || spec->load.command != NULL)
        return err->code;
    for (uint32_t i = 0; i < spec->load.test_count; i++) {
        const struct workload_test *test = workload_test_find(spec->load.tests[i]);
        if (test != NULL && test->prefill_name != NULL)
            return OK;
    }
    relation_notice(request, "--prefill has nothing to write: no test of --type %.120s reads keys",
                    relation_origin(request, "type")->value);
    return OK;
}

/* --- the fleet ------------------------------------------------------------------------------- */

static enum err_code settle_workers(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    if (request->single_process) {
        if (relation_given(request, "processes") && spec->workers.processes != 1)
            relation_notice(request, "--processes %.40s is ignored: --single-process wins",
                            relation_origin(request, "processes")->value);
        spec->workers.processes = 1;
        options_derive(&request->values, "processes", "single-process", "1");
    }
    if (spec->workers.processes ==
        0) /* the plan chooses, and never more workers than connections */
        return OK;
    uint64_t workers = spec->workers.processes * spec->workers.threads;
    if (workers > IPC_WORKERS_MAX)
        return err_set(err, E_USAGE,
                       "--processes %" PRIu64 " times --threads %" PRIu64 " is %" PRIu64
                       " workers; at most %u are allowed",
                       spec->workers.processes, spec->workers.threads, workers, IPC_WORKERS_MAX);
    return OK;
}

/* --- how long before measuring --------------------------------------------------------------- */

static enum err_code settle_steady(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    relation_exclude_if(spec->load.warmup_ns > 0, request, "steady", "warmup",
                        "each says when the warm-up ends", err);
    spec->load.steady_auto = relation_given(request, "steady");
    if (err->code != OK || (!spec->load.steady_auto && !relation_given(request, "steady-limit")))
        return err->code;
    if (!spec->load.steady_auto)
        return err_set(err, E_USAGE, "--steady-limit needs --steady auto");
    if (spec->load.duration_ns == 0)
        return err_set(err, E_USAGE,
                       "--steady auto needs --test-duration: how long to measure once the load "
                       "has settled%s",
                       relation_given(request, "requests") ? "; -n cannot tell" : "");
    return OK;
}

/* --- outputs and the grid of intervals ------------------------------------------------------- */

static enum err_code settle_outputs(struct bench_request *request, struct err *err)
{
    static const char why_one[] = "standard output takes one of them";
    struct spec *spec = &request->spec;
    relation_exclude_if(spec->outputs.csv, request, "csv", "csv-interval", why_one, err);
    bool json_to_stdout = same_text(spec->outputs.json_path, "-");
    relation_exclude_if(json_to_stdout && spec->outputs.csv, request, "json", "csv", why_one, err);
    relation_exclude_if(json_to_stdout, request, "json", "csv-interval", why_one, err);
    relation_exclude_if(json_to_stdout && spec->outputs.quiet, request, "json", "quiet", why_one,
                        err);
    if (same_text(spec->outputs.hdr_path, "-"))
        return err_set(err, E_USAGE, "--hdr -: the log needs a file of its own");
    if (spec->outputs.csv_interval_ns > 0 && spec->load.test_count > 1)
        return err_set(
            err, E_USAGE,
            "--csv-interval with %u tests: its rows have no name column; run them one by "
            "one",
            spec->load.test_count);
    if (relation_given(request, "monitoring-interval") && !spec->outputs.extended_metrics)
        return err_set(err, E_USAGE, "--monitoring-interval needs --extended-metrics");
    if (spec->outputs.debug && !relation_given(request, "log-level")) {
        spec->outputs.log_level = LOG_DEBUG;
        options_derive(&request->values, "log-level", "debug", "debug");
    }
    return err->code;
}

#define INTERVAL_LEAST_NS (10 * NS_PER_MS) /* as --interval has it */

/* The longest interval up to longest_ns of which whole_ns is a multiple, in whole milliseconds where
 * whole_ns is; 0: none. */
static uint64_t largest_part(uint64_t whole_ns, uint64_t longest_ns)
{
    uint64_t unit_ns = whole_ns % NS_PER_MS == 0 ? NS_PER_MS : 1;
    uint64_t most = whole_ns / INTERVAL_LEAST_NS;
    for (uint64_t parts = (whole_ns + longest_ns - 1) / longest_ns; parts <= most; parts++)
        if (whole_ns % (parts * unit_ns) == 0)
            return whole_ns / parts;
    return 0;
}

static enum err_code settle_intervals(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    uint64_t csv_ns = spec->outputs.csv_interval_ns;
    if (csv_ns > 0 && !relation_given(request, "interval")) {
        uint64_t part_ns = largest_part(csv_ns, spec->load.interval_ns);
        if (part_ns != 0 && part_ns != spec->load.interval_ns) {
            spec->load.interval_ns = part_ns;
            options_derive(&request->values, "interval", "csv-interval", "");
        }
    }
    char csv[32], interval[32];
    units_format_duration(interval, sizeof interval, spec->load.interval_ns);
    if (csv_ns % spec->load.interval_ns != 0)
        return err_set(err, E_USAGE, "--csv-interval %s is not a whole multiple of --interval %s",
                       units_format_duration(csv, sizeof csv, csv_ns), interval);
    uint64_t beyond_ns = spec->load.warmup_ns % spec->load.interval_ns;
    if (beyond_ns > 0) {
        char asked[32], rounded[32];
        units_format_duration(asked, sizeof asked, spec->load.warmup_ns);
        spec->load.warmup_ns += spec->load.interval_ns - beyond_ns;
        relation_notice(request, "--warmup %s is rounded up to %s, whole intervals of %s", asked,
                        units_format_duration(rounded, sizeof rounded, spec->load.warmup_ns),
                        interval);
    }
    return OK;
}

enum err_code bench_relations_settle(struct bench_request *request, struct err *err)
{
    static enum err_code (*const steps[])(struct bench_request *, struct err *) = {
        refuse_no_value,          settle_target,        connection_relations_settle,
        managed_relations_settle, tls_relations_settle, settle_length,
        rate_relations_settle,    settle_command,       settle_keys,
        settle_prefill,           notice_unused,        settle_workers,
        client_relations_settle,  settle_steady,        chaos_relations_settle,
        settle_outputs,           settle_intervals,
    };
    struct err local = {.code = OK};
    enum err_code code = OK;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && code == OK; i++)
        code = steps[i](request, &local);
    return code == OK ? OK : err_set(err, code, "%s", local.text);
}
