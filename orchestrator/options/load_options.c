#include "orchestrator/options/bench_groups.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/suggest.h"
#include "common/units.h"
#include "orchestrator/options/distribution.h"
#include "orchestrator/options/load_limits.h"
#include "worker/worker.h"

#define HOUR_NS (3600 * NS_PER_SECOND)

/* --- values ---------------------------------------------------------------------------------- */

/* The names that valkey-benchmark gives to several tests at once. */
static const struct {
    const char *name;
    const char *members; /* separated by commas */
} test_groups[] = {
    {"ping", "ping_inline,ping_mbulk"},
    {"lrange", "lrange_100,lrange_300,lrange_500,lrange_600"},
};

const char *load_test_group(const char *name)
{
    for (size_t i = 0; i < sizeof test_groups / sizeof test_groups[0]; i++)
        if (list_has(test_groups[i].members, ',', name, strlen(name)))
            return test_groups[i].name;
    return NULL;
}

const char *load_test_at(size_t index)
{
    size_t group_count = sizeof test_groups / sizeof test_groups[0];
    if (index < group_count)
        return test_groups[index].name;
    const struct workload_test *test = workload_test_at(index - group_count);
    return test != NULL ? test->name : NULL;
}

static enum err_code unknown_test(const char *name, size_t name_bytes, struct err *err)
{
    char known[320] = "";
    size_t used = 0;
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = name_bytes};
    const struct workload_test *test;
    for (size_t i = 0; (test = workload_test_at(i)) != NULL && used < sizeof known; i++) {
        used += (size_t)snprintf(known + used, sizeof known - used, " %s", test->name);
        suggest_offer(&suggestion, test->name, strlen(test->name));
    }
    return err_set(err, E_USAGE, "--type: unknown test %.*s%s%s%s; known are%s",
                   (int)(name_bytes < 40 ? name_bytes : 40), name, SUGGESTED(suggestion.best),
                   known);
}

static enum err_code add_test(struct load_options *load, const char *name, size_t name_bytes,
                              struct err *err)
{
    char text[64];
    if (name_bytes == 0)
        return err_set(err, E_USAGE, "--type: an empty name in the list");
    if (name_bytes >= sizeof text)
        return unknown_test(name, name_bytes, err);
    memcpy(text, name, name_bytes);
    text[name_bytes] = '\0';
    if (strcasecmp(text, "custom") == 0) {
        load->custom.is_wanted = true;
        return OK;
    }
    const struct workload_test *test = workload_test_find(text);
    if (test == NULL)
        return unknown_test(name, name_bytes, err);
    if (load->test_count == SPEC_TESTS_MAX)
        return err_set(err, E_USAGE, "--type: more than %d tests", SPEC_TESTS_MAX);
    load->tests[load->test_count++] = test->name;
    return OK;
}

static const char *group_members(const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < sizeof test_groups / sizeof test_groups[0]; i++)
        if (strlen(test_groups[i].name) == name_bytes &&
            strncasecmp(test_groups[i].name, name, name_bytes) == 0)
            return test_groups[i].members;
    return NULL;
}

static enum err_code add_tests(struct load_options *load, const char *list, bool expand,
                               struct err *err)
{
    struct list_word name;
    enum err_code code = OK;
    while (code == OK && list_next(&name, &list, ',')) {
        const char *members = expand ? group_members(name.text, name.byte_count) : NULL;
        code = members != NULL ? add_tests(load, members, false, err)
                               : add_test(load, name.text, name.byte_count, err);
    }
    return code;
}

static enum err_code parse_tests(void *target, const char *value, struct err *err)
{
    struct load_options *load = target;
    load->test_count = 0;
    load->custom.is_wanted = false;
    return add_tests(load, value, true, err);
}

static const char *steady_at(size_t index)
{
    return index == 0 ? "auto" : NULL;
}

static enum err_code parse_steady(void *target, const char *value, struct err *err)
{
    if (strcasecmp(value, steady_at(0)) != 0)
        return err_set(err, E_USAGE, "--steady %.80s: allowed: %s", value, steady_at(0));
    ((struct load_options *)target)->steady_auto = true;
    return OK;
}

static enum err_code parse_key_distribution(void *target, const char *value, struct err *err)
{
    struct load_options *load = target;
    struct err reason = {.code = OK};
    if (distribution_parse_keys(&load->key_distribution, value, &reason) == OK)
        return OK;
    return err_set(err, E_USAGE, "--key-dist %.80s: %s", value, reason.text);
}

/* --- rows ------------------------------------------------------------------------------------ */

#define AT(member) offsetof(struct load_options, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row load_rows[] = {
    {ROW("type", "t", OPTION_CUSTOM, "LIST", AT(tests)), .parse = parse_tests,
     .value_at = load_test_at, .unset = "set", .aliases = "tests", .told = true,
     .help = "Tests to run one after the other, separated by commas; case does not matter. A "
             "command behind the options takes their place."},
    {ROW("clients", "c", OPTION_COUNT, "N", AT(clients)), NUMBER(1, LOAD_CLIENTS_MAX),
     .unset = "50", .commands = OF_BENCH | OF_FIND_MAX | OF_MODES | OF_OPTIMIZE, .told = true,
     .help = "Connections, over all workers."},
    {ROW("requests", "n", OPTION_COUNT, "N", AT(requests)), NUMBER(1, LOAD_REQUESTS_MAX),
     .unset = "100000", .commands = OF_BENCH | OF_MODES, .told = true,
     .help = "Requests of each test; errors count. Without meaning when a duration is given."},
    {ROW("test-duration", NULL, OPTION_DURATION, "TIME", AT(duration_ns)),
     BARE(NS_PER_SECOND, NS_PER_MS, LOAD_NS_MAX), .aliases = "duration",
     .commands = OF_BENCH | OF_MODES, .told = true,
     .help = "Measure each test for so long in place of a number of requests; a bare number is "
             "seconds."},
    {ROW("warmup", NULL, OPTION_DURATION, "TIME", AT(warmup_ns)),
     BARE(NS_PER_SECOND, 0, LOAD_NS_MAX), .unset = "0", .told = true,
     .help = "Load before the measuring begins, rounded up to whole intervals; a bare number is "
             "seconds."},
    {ROW("steady", NULL, OPTION_CUSTOM, "auto", 0), .parse = parse_steady, .value_at = steady_at,
     .commands = OF_BENCH, .told = true,
     .help = "auto ends the warm-up by itself, when rate and latency have settled; in place of "
             "--warmup, and with --test-duration only."},
    {ROW("steady-limit", NULL, OPTION_DURATION, "TIME", AT(steady_limit_ns)),
     BARE(NS_PER_SECOND, NS_PER_MS, LOAD_NS_MAX), .unset = "60s", .commands = OF_BENCH,
     .told = true,
     .help = "Measure after so long in any case, and say that it has not settled; needs --steady. "
             "A bare number is seconds."},
    {ROW("pipeline", "P", OPTION_COUNT, "N", AT(pipeline)), NUMBER(1, LOAD_PIPELINE_MAX),
     .unset = "1", .commands = OF_BENCH | OF_FIND_MAX, .told = true,
     .help = "Requests in flight on each connection."},
    {ROW("think-time", NULL, OPTION_DURATION, "TIME", AT(think_ns)),
     BARE(NS_PER_SECOND, NS_PER_MS, HOUR_NS), .commands = OF_BENCH,
     .help =
         "Each connection waits so long between a reply and its next request, or with --pipeline "
         "its next requests; not with a rate. A bare number is seconds."},
    {ROW("datasize", "d", OPTION_SIZE, "SIZE", AT(data_bytes)), NUMBER(1, LOAD_VALUE_BYTES_MAX),
     .unset = "3", .told = true, .help = "Bytes of a value; takes b, kb, mb and gb."},
    {ROW("num-functions", NULL, OPTION_COUNT, "N", AT(function_count)), NUMBER(1, 10000),
     .unset = "10", .help = "Functions of the library that the test function_load loads."},
    {ROW("num-keys-in-fcall", NULL, OPTION_COUNT, "N", AT(function_keys)), NUMBER(0, 10000),
     .unset = "1", .help = "Keys of each call of the test fcall."},
    {ROW("loop", "l", OPTION_FLAG, NULL, AT(loop)), .commands = OF_BENCH,
     .help = "Repeat the tests until Ctrl+C, or until a run fails."},
    {ROW("runs", NULL, OPTION_COUNT, "N", AT(runs)), NUMBER(1, 1000), .unset = "1",
     .commands = OF_BENCH, .told = true,
     .help =
         "Run all tests so often, a managed server started anew for each time, and report means of "
         "rate and latency with the intervals that they lie in with 95 % confidence."},
    {ROW("stdin-last-argument", "x", OPTION_FLAG, NULL, AT(last_argument_from_stdin)),
     .needs_trust = true,
     .help = "Read the last argument of the command from standard input; it is sent as it is."},
    {ROW("null", NULL, OPTION_FLAG, NULL, AT(null_transport)), .told = true,
     .help = "Use no server: every request is answered inside the worker. What is measured is "
             "volley itself."},
    {ROW("random", "r", OPTION_COUNT, "K", AT(random_keys)), NUMBER(0, LOAD_KEYS_MAX),
     .section = "Keys", .told = true,
     .help = "Keys are drawn at random from so many. Without --random and --sequential there is "
             "one key only."},
    {ROW("key-dist", NULL, OPTION_CUSTOM, "DIST", 0), .parse = parse_key_distribution,
     .value_at = distribution_key_word_at, .unset = "uniform", .section = "Keys", .told = true,
     .help =
         "How often each of the keys of --random is asked for: uniform; zipf[:EXPONENT], 0 to 5, "
         "0.99 by default; hotset:10/90, 10 % of the keys with 90 % of the requests; "
         "gaussian[:DEVIATION], about the middle; exponential[:SCALE], from the first key down, "
         "each a part of the range; latest[:EXPONENT], zipf from the last key down; sequential; "
         "parallel, as many ranges as connections, side by side; walk, in random order and each "
         "once before one comes again. Hot keys of zipf and hotset lie all over the range."},
    {ROW("sequential", NULL, OPTION_COUNT, "K", AT(sequential_keys)), NUMBER(1, LOAD_KEYS_MAX),
     .hint = "the flag beside -r is valkey-benchmark's: volley valkey-benchmark -r K --sequential",
     .section = "Keys", .told = true,
     .help = "Keys run through so many in turn, and from the beginning again."},
    {ROW("keyspace-offset", NULL, OPTION_COUNT, "N", AT(keyspace_offset)),
     NUMBER(0, LOAD_KEYS_MAX - 1), .unset = "0", .section = "Keys",
     .help = "The first key's number; needs --random or --sequential."},
    {ROW("sequential-random-start", NULL, OPTION_FLAG, NULL, AT(sequential_random_start)),
     .section = "Keys", .help = "Begin anywhere in the range; needs --sequential."},
    {ROW("seed", NULL, OPTION_COUNT, "N", AT(seed)), NUMBER(0, UINT64_MAX), .unset = "1",
     .section = "Keys",
     .help = "Where all randomness begins. The default is fixed, so that runs repeat; another seed "
             "gives other keys and values."},
    {ROW("prefill", NULL, OPTION_FLAG, NULL, AT(prefill)), .section = "Keys",
     .help = "Write the keys once before a test, or a command, that reads them, and count them."},
    {ROW("prefill-only", NULL, OPTION_FLAG, NULL, AT(prefill_only)), .section = "Keys",
     .commands = OF_BENCH,
     .help = "Write the keys that --prefill would write, count them, and measure nothing."},
    {ROW("flush-before", NULL, OPTION_FLAG, NULL, AT(flush_before)), .section = "Keys",
     .help = "Empty the database (FLUSHDB on every primary) before anything is written, and before "
             "each repetition of the tests; needs --managed or --allow-flush."},
    {ROW("allow-flush", NULL, OPTION_FLAG, NULL, AT(allow_flush)), .section = "Keys",
     .needs_trust = true,
     .help = "Let --flush-before empty a database of a server that volley has not started."},
};

/* Of the same struct; help has them elsewhere. */
static const struct option_row load_limit_rows[] = {
    {ROW("drain-timeout", NULL, OPTION_DURATION, "TIME", AT(drain_timeout_ns)),
     BARE(NS_PER_SECOND, 0, HOUR_NS), .unset = "1s",
     .help = "How long to wait at the end for replies under way; a bare number is seconds."},
    {ROW("max-errors", NULL, OPTION_COUNT, "N", AT(max_errors)), NUMBER(0, UINT64_MAX),
     .unset = "0", .commands = OF_BENCH,
     .help = "Stop after so many errors, and those of requests that are in flight then; 0 is no "
             "limit."},
    {ROW("interval", NULL, OPTION_DURATION, "TIME", AT(interval_ns)),
     BARE(NS_PER_SECOND, 10 * NS_PER_MS, 10 * NS_PER_SECOND), .unset = "1s",
     .commands = OF_BENCH | OF_SWEEP | OF_LOAD_TEST | OF_OPTIMIZE, .section = "Output",
     .told = true, .help = "The grid of all that is measured over time; a bare number is seconds."},
};
/* clang-format on */
#undef AT
const struct option_group load_group = GROUP("Load", OF_LOADS, load_rows);
const struct option_group load_limit_group =
    GROUP("Time limits and failures", OF_LOADS, load_limit_rows);

/* --- what they mean together ----------------------------------------------------------------- */

enum err_code load_settle_length(struct bench_request *request, struct err *err)
{
    struct load_options *load = &request->spec.load;
    relation_exclude(request, "think-time", "null", "--null has no sockets to wait for", err);
    if (err->code != OK)
        return err->code;
    if (load->duration_ns == 0)
        return OK;
    char duration[32];
    units_format_duration(duration, sizeof duration, load->duration_ns);
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
                        load->requests, duration);
    load->requests = 0;
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
enum err_code load_refuse_no_value(struct bench_request *request, struct err *err)
{
    const struct option_values *values = &request->values;
    char no_value[160];
    if (values->rest_behind == NULL || !values->rest_behind->closed)
        return OK;
    say_no_value(no_value, sizeof no_value, values);
    return err_set(err, E_USAGE, "%s; a command needs -- before it", no_value + strlen("; "));
}

enum err_code load_settle_command(struct bench_request *request, struct err *err)
{
    struct load_options *load = &request->spec.load;
    const struct option_values *values = &request->values;
    char no_value[160];
    if (values->rest_count == 0) {
        if (load->last_argument_from_stdin)
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
    load->test_count = 0;
    load->custom.is_wanted = false;
    options_derive(&request->values, "type", "type", NULL);
    load->command = values->rest;
    load->command_argc = (uint32_t)values->rest_count;
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

enum err_code load_settle_keys(struct bench_request *request, struct err *err)
{
    struct load_options *load = &request->spec.load;
    relation_exclude(request, "random key-dist", "sequential", "keys come in one order", err);
    if (err->code != OK)
        return err->code;
    load->key_order = load->sequential_keys > 0 ? KEYS_SEQUENTIAL
                      : load->random_keys > 0   ? KEYS_RANDOM
                                                : KEYS_ONE;
    load->keyspace = load->key_order == KEYS_SEQUENTIAL ? load->sequential_keys
                     : load->key_order == KEYS_RANDOM   ? load->random_keys
                                                        : 1;
    if (load->keyspace_offset > 0 && load->key_order == KEYS_ONE)
        return err_set(err, E_USAGE, "--keyspace-offset %" PRIu64 " needs --random or --sequential",
                       load->keyspace_offset);
    if (load->key_distribution.kind != ORDER_UNIFORM && load->key_order != KEYS_RANDOM)
        return err_set(err, E_USAGE, "--key-dist %.80s needs --random",
                       relation_origin(request, "key-dist")->value);
    if (load->sequential_random_start && load->key_order != KEYS_SEQUENTIAL)
        return err_set(err, E_USAGE, "--sequential-random-start needs --sequential");
    if (load->keyspace_offset > LOAD_KEYS_MAX - load->keyspace)
        return err_set(err, E_USAGE,
                       "--keyspace-offset %" PRIu64 " and %" PRIu64
                       " keys: the last key's number has more than 12 digits",
                       load->keyspace_offset, load->keyspace);
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
enum err_code load_notice_unused(struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    const struct load_options *load = &request->spec.load;
    (void)err;
    const bool command = load->command != NULL, file = request->workload.streams.count > 0;
    const bool numbered = command_holds(spec, "__rand_") || command_holds(spec, "__key__");
    const struct {
        const char *name, *why;
        bool unused;
    } options[] = {
        {"datasize", "the workload has sizes of its own", file},
        {"random", "the workload has key spaces of its own", file},
        {"sequential", "the workload has key spaces of its own", file},
        {"datasize", "the command holds no __data__",
         command && !load->prefill && !command_holds(spec, "__data__")},
        {"random", "the command holds no __rand_int__, and no placeholder like it",
         command && !numbered},
        {"key-dist", "the command holds no __rand_int__, and no placeholder like it",
         command && !numbered},
        {"sequential", "the command holds no __rand_int__, and no placeholder like it",
         command && !numbered},
        {"num-functions", "it is for the test function_load", !runs_test(spec, MORE_LIBRARY)},
        {"num-keys-in-fcall", "it is for the test fcall", !runs_test(spec, MORE_KEYS)},
    };
    for (size_t i = 0;
         i < sizeof options / sizeof options[0] && load->placeholders == PLACEHOLDERS_OWN; i++)
        if (options[i].unused &&
            relation_origin(request, options[i].name)->kind == ORIGIN_COMMAND_LINE)
            relation_notice(request, "--%s changes nothing: %s", options[i].name, options[i].why);
    return OK;
}

enum err_code load_settle_prefill(struct bench_request *request, struct err *err)
{
    struct load_options *load = &request->spec.load;
    relation_exclude(request, "prefill prefill-only flush-before", "null",
                     "--null uses no server that could keep keys", err);
    relation_exclude(request, "prefill-only", "loop runs", "nothing is measured that repeats", err);
    if (err->code != OK)
        return err->code;
    if (load->flush_before && !load->allow_flush && !request->spec.managed.wanted)
        return err_set(err, E_USAGE,
                       "--flush-before would delete every key in database %" PRIu64
                       " of a server that volley has not started: add --allow-flush if none of "
                       "them is needed, or use --managed",
                       request->spec.endpoint.database);
    if (load->prefill_only) {
        load->prefill = true;
        options_derive(&request->values, "prefill", "prefill-only", "true");
    }
    if (!load->prefill || load->command != NULL)
        return OK;
    if (load->workload != NULL) {
        if (load->workload->prefill_count == 0)
            relation_notice(request,
                            "--prefill has nothing to write: the workload %.80s says nothing of it",
                            load->workload->name);
        return OK;
    }
    for (uint32_t i = 0; i < load->test_count; i++) {
        const struct workload_test *test = workload_test_find(load->tests[i]);
        if (test != NULL && test->prefill_name != NULL)
            return OK;
    }
    relation_notice(request, "--prefill has nothing to write: no test of --type %.120s reads keys",
                    relation_origin(request, "type")->value);
    return OK;
}

enum err_code load_settle_steady(struct bench_request *request, struct err *err)
{
    struct load_options *load = &request->spec.load;
    if (load->think_ns > 0 && request->spec.rate.steps != NULL)
        return err_set(err, E_USAGE,
                       "--think-time is for a closed loop: with a rate the schedule says when "
                       "requests are sent");
    relation_exclude(request, "loop", "runs", "each says how often the tests run", err);
    relation_exclude(request, "steady", "warmup", "each says when the warm-up ends", err);
    load->steady_auto = relation_given(request, "steady");
    if (err->code != OK || (!load->steady_auto && !relation_given(request, "steady-limit")))
        return err->code;
    if (!load->steady_auto)
        return err_set(err, E_USAGE, "--steady-limit needs --steady auto");
    if (load->duration_ns == 0)
        return err_set(err, E_USAGE,
                       "--steady auto needs --test-duration: how long to measure once the load "
                       "has settled%s",
                       relation_given(request, "requests") ? "; -n cannot tell" : "");
    return OK;
}
