/* valkey-benchmark's command line, which is redis-benchmark's with more options. The rows say what of it
 * differs from bench's, and what they mean together is settled below; the numbers are those of
 * valkey-benchmark 9.1. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/options/dialect.h"
#include "orchestrator/options/load_limits.h"
#include "orchestrator/options/relation.h"
#include "orchestrator/report/sinks.h"
#include "worker/worker.h"

#define AT(member) offsetof(struct bench_request, member)
#define THREADS_MAX 500 /* there; volley could run more */

/* --- values that are read another way -------------------------------------------------------- */

/* Later options win, one by one: those of the URI are stored as if each had been given where it stands. */
static enum err_code parse_uri(void *target, const char *value, struct err *err)
{
    struct bench_request *request = target;
    struct spec *spec = &request->spec;
    const struct uri *uri = request->login.uri;
    if (uri != NULL) { /* another one stands before: its parts are gone now */
        spec->endpoint.user = spec->endpoint.user == uri->user ? NULL : spec->endpoint.user;
        spec->endpoint.password =
            spec->endpoint.password == uri->password ? NULL : spec->endpoint.password;
    }
    enum err_code code = login_parse_uri(&request->login, value, err);
    if (code != OK)
        return code;
    uri = request->login.uri;
    spec->endpoint.host = uri->has_host ? uri->host : spec->endpoint.host;
    spec->endpoint.port = uri->has_port ? uri->port : spec->endpoint.port;
    spec->endpoint.user = uri->has_user ? uri->user : spec->endpoint.user;
    spec->endpoint.password = uri->has_password ? uri->password : spec->endpoint.password;
    spec->endpoint.database = uri->has_database ? uri->database : spec->endpoint.database;
    spec->endpoint.tls.wanted |= uri->tls;
    return OK;
}

/* Whether a name stands between the commas of a list. Any case. */
static bool list_has(const char *list, const char *name)
{
    size_t name_bytes = name != NULL ? strlen(name) : 0;
    for (const char *at = list; name_bytes > 0; at++) {
        size_t bytes = strcspn(at, ",");
        if (bytes == name_bytes && strncasecmp(at, name, bytes) == 0)
            return true;
        at += bytes;
        if (*at == '\0')
            return false;
    }
    return false;
}

/* The tests run in the order of the table, each once, wherever they stand in the list. NULL: all. */
static void choose_tests(struct spec *spec, const char *list)
{
    const struct workload_test *test;
    spec->load.test_count = 0;
    for (size_t i = 0; (test = workload_test_at(i)) != NULL; i++)
        if (list == NULL || list_has(list, test->name) ||
            list_has(list, load_test_group(test->name)))
            spec->load.tests[spec->load.test_count++] = test->name;
}

static bool is_test(const char *name, size_t name_bytes)
{
    const char *known;
    for (size_t i = 0; (known = load_test_at(i)) != NULL; i++)
        if (strlen(known) == name_bytes && strncasecmp(known, name, name_bytes) == 0)
            return true;
    return false;
}

static enum err_code parse_tests(void *target, const char *value, struct err *err)
{
    struct bench_request *request = target;
    char *unknown = request->valkey.unknown_tests;
    choose_tests(&request->spec, value);
    unknown[0] = '\0';
    for (const char *at = value;; at++) {
        size_t bytes = strcspn(at, ",");
        size_t used = strlen(unknown);
        if (bytes > 0 && !is_test(at, bytes))
            snprintf(unknown + used, sizeof request->valkey.unknown_tests - used, "%s%.*s",
                     used > 0 ? ", " : "", (int)bytes, at);
        at += bytes;
        if (*at == '\0')
            break;
    }
    if (request->spec.load.test_count == 0)
        return err_set(err, E_USAGE, "-t %.80s names no test that there is", value);
    return OK;
}

/* 0 opens a connection for each request, any other number keeps them. */
static enum err_code parse_keepalive(void *target, const char *value, struct err *err)
{
    struct bench_request *request = target;
    size_t sign = value[0] == '-';
    if (value[sign] == '\0' || value[sign + strspn(value + sign, "0123456789")] != '\0')
        return err_set(err, E_USAGE, "-k %.80s: not a number; 0 opens a connection a request",
                       value);
    request->spec.connections.one_pipelined = value[sign + strspn(value + sign, "0")] == '\0';
    return OK;
}

static enum err_code parse_show_errors(void *target, const char *value, struct err *err)
{
    (void)value;
    (void)err;
    relation_notice(target, "WARNING: -e has no effect: the first error ends the run.");
    return OK;
}

/* --- the rows -------------------------------------------------------------------------------- */

/* A row reads best as a few short lines. */
/* clang-format off */
#define SAME(there_, argument_, option_) .there = there_, .argument = argument_, .option = option_
#define CLAMPED(min_, max_) .row.clamps = true, .row.min = min_, .row.max = max_
#define REFUSED(there_)                                                                            \
    {                                                                                              \
        SAME("--" there_, NULL, there_), .both = "refused"                                         \
    }

static const struct dialect_row rows[] = {
    {SAME("-h", "HOST", "host"), .here = "several, too, separated by commas"},
    {SAME("-p", "PORT", "port")},
    {SAME("-s", "SOCKET", "socket"), .meaning = "Unix socket of the server; wins over host and port.",
     .here = "refused together with a host or port"},
    {SAME("-a", "PASSWORD", "password"), .here = "also --askpass, --password-fd",
     .both = "AUTH is part of opening a connection, and a refusal ends the run with status 5"},
    {SAME("--user", "NAME", "user")},
    {SAME("-u", "URI", "uri"), .row.parse = parse_uri,
     .here = "refused beside another option that says otherwise"},
    {SAME("-c", "CLIENTS", "clients"), CLAMPED(1, LOAD_CLIENTS_MAX),
     .both = "all are open, and have been answered, before the first request is measured"},
    {SAME("-n", "REQUESTS", "requests"),
     .meaning = "Requests of each test; each command of a sequence counts as one. Not together with "
                "--duration.",
     .here = "a sequence is one request and counts once; a duration wins over it",
     .both = "exact, also with -P"},
    {SAME("--duration", "SECONDS", "test-duration"), CLAMPED(0, RATE_STEPS_LONGEST_NS)},
    {SAME("--warmup", "SECONDS", "warmup"), CLAMPED(0, RATE_STEPS_LONGEST_NS),
     .both = "rounded up to whole intervals"},
    {SAME("-d", "SIZE", "datasize"), CLAMPED(1, LOAD_VALUE_BYTES_MAX),
     .both = "values differ from request to request"},
    {SAME("--dbnum", "DB", "dbnum")},
    {SAME("-3", NULL, "resp3"), .here = "a server without HELLO: a warning",
     .both = "a server without HELLO is spoken to in RESP2"},
    {SAME("--threads", "NUM", "threads"), CLAMPED(0, THREADS_MAX), .row.unset = "0",
     .meaning = "Worker processes, each with an event loop; without it there is one.",
     .here = "without it there is a worker for each CPU", .both = "processes, not threads"},
    {SAME("--cluster", NULL, "cluster"),
     .here = "keys of the tests go to their own slots; only `mset`, `mget` and `fcall` have {tag}",
     .both = "MOVED and ASK are followed, and the map of slots is kept current; {tag} goes with the "
             "number of the key, so that a range is no larger with tags; the report names nodes by "
             "their addresses"},
    {SAME("--rfr", "MODE", "read-from-replica"),
     .meaning = "With --cluster, where requests that only read go: no, to primaries; yes, to "
                "replicas; all, to both.",
     .here = "without --cluster, too: the replicas are found by ROLE",
     .both = "requests that write go to primaries"},
    {SAME("--enable-tracking", NULL, "enable-tracking"), .here = "counts the invalidations",
     .both = "speaks RESP3"},
    {SAME("-k", "BOOLEAN", "keepalive"), .row.parse = parse_keepalive, .here = "0 and 1 only"},
    {SAME("-r", "KEYSPACELEN", "random"), CLAMPED(0, 1000000000000ull),
     .meaning = "__rand_int__ and its likes become numbers of 12 digits, from 0 to KEYSPACELEN-1; "
                "without it they are sent as they stand, and every request has the same key.",
     .here = "without it the number is always 0, with a warning",
     .both = "from the seed and the request's number, so it repeats"},
    {.there = "--sequential", .here = "`--sequential KEYSPACE` takes the number itself",
     .both = "counters begin anew with each test",
     .row = {.name = "sequential", .kind = OPTION_FLAG, .offset = AT(valkey.sequential),
             .help = "The numbers of -r come in turn, each placeholder's from a counter of its own."}},
    {SAME("-P", "NUMREQ", "pipeline"), CLAMPED(1, LOAD_PIPELINE_MAX),
     .both = "a sliding window: a reply makes room for the next request at once"},
    {SAME("-q", NULL, "quiet"), .here = "without throughput lines"},
    {.there = "--precision", .argument = "DIGITS", .here = "refused",
     .both = "latencies have three digits",
     .row = {.name = "precision", .kind = OPTION_COUNT, .offset = AT(valkey.precision),
             .clamps = true, .max = 4, .help = "No effect: latencies have three digits."}},
    {SAME("--csv", NULL, "csv")},
    {SAME("-l", NULL, "loop")},
    {SAME("-t", "TESTS", "type"), .row.unset = "", .row.parse = parse_tests,
     .row.value_at = load_test_at,
     .meaning = "Only these tests, separated by commas, in the order of the list of all tests; "
                "ignored, with a warning, when a command is given.",
     .here = "the default is `set`; the order is yours; refused with a command, and with an unknown "
             "name",
     .both = "an unknown name is not passed over in silence"},
    {.there = "-I", .here = "`-I N` opens them beside the load",
     .row = {.name = "idle-mode", .kind = OPTION_FLAG, .offset = AT(valkey.idle),
             .help = "Only open the connections, and wait until Ctrl+C."}},
    {SAME("-x", NULL, "stdin-last-argument"),
     .meaning = "Read the last argument of the command from standard input.",
     .here = "needs a command; no placeholders in it"},
    {SAME("--rps", "REQUESTS", "qps"), .here = "takes `0.5`, `20k`",
     .both = "every request has an intended time, and its latency counts from there"},
    {SAME("--seed", "NUM", "seed"), CLAMPED(0, UINT64_MAX), .row.unset = "",
     .meaning = "Where all randomness begins; by default the time.", .here = "the default is 1"},
    {.there = "-e", .here = "refused: errors are always counted and shown",
     .row = {.name = "show-errors", .kind = OPTION_CUSTOM, .parse = parse_show_errors,
             .help = "No effect, and a warning."}},
    {SAME("--num-functions", "NUM", "num-functions"), CLAMPED(1, 10000)},
    {SAME("--num-keys-in-fcall", "NUM", "num-keys-in-fcall"), CLAMPED(0, 10000)},
    {SAME("--dataset", "FILE", "dataset"),
     .meaning = "A table, CSV or TSV with the names of the fields in the first row: __field:NAME__ in "
                "the command takes a field of it, row by row.",
     .here = "also with --template and {field NAME}; of a file that is neither .csv nor .tsv each "
             "line is the field `line`",
     .both = "of development versions behind 9.1. CSV is read as RFC 4180 has it, TSV with \\t, \\n "
             "and \\\\; a row with too few or too many fields is refused, and so is {tag}; what "
             "stands in a field is sent as it is"},
    {SAME("--maxdocs", "NUM", "maxdocs"), CLAMPED(0, UINT32_MAX),
     .meaning = "Read no more than so many rows of --dataset; 0: all.", .here = "0 is refused",
     .both = "of development versions behind 9.1"},
    {SAME("--tls", NULL, "tls"), .here = "the name in the certificate is checked, too"},
    {SAME("--sni", "HOST", "sni")},
    {SAME("--cacert", "FILE", "cacert"), .here = "refused without --tls, as are its likes"},
    {SAME("--cacertdir", "DIR", "cacertdir")},
    {SAME("--insecure", NULL, "insecure")},
    {SAME("--cert", "FILE", "cert"), .both = "needs --key"},
    {SAME("--key", "FILE", "key"), .both = "needs --cert"},
    {SAME("--tls-ciphers", "LIST", "tls-ciphers")},
    {SAME("--tls-ciphersuites", "LIST", "tls-ciphersuites")},
    REFUSED("rdma"),
    REFUSED("mptcp"),
    REFUSED("fuzz"),
    REFUSED("fuzz-mode"),
    REFUSED("fuzz-loglevel"),
    {SAME("--help", NULL, "help")},
    {SAME("-v --version", NULL, "version")},

    {SAME("", NULL, "max-errors"), .row.unset = "1", .here = "errors are counted; no limit"},
    {SAME("", NULL, "request-timeout"), .row.unset = "1h", .here = "5 s; no limit there"},
    {SAME("", NULL, "connection-timeout"), .row.unset = "30s", .here = "2 s; no limit there"},
    {SAME("", NULL, "interval"), .row.unset = "250ms", .here = "1 s"},
    {SAME("", NULL, "log-level"), .row.unset = "error", .here = "warnings and advice, too"},
};
/* clang-format on */

/* --- what they mean together ----------------------------------------------------------------- */

static enum err_code check_length(const struct bench_request *request, struct err *err)
{
    if (relation_given(request, "requests") && relation_given(request, "test-duration"))
        return err_set(err, E_USAGE, "Options -n and --duration are mutually exclusive.");
    return OK;
}

static void settle_target(struct bench_request *request)
{
    struct spec *spec = &request->spec;
    options_derive(&request->values, "uri", "uri", NULL); /* its parts are stored already */
    if (spec->endpoint.socket_path != NULL) {
        options_drop(&request->values, "host");
        options_drop(&request->values, "port");
    }
    if (!spec->endpoint.cluster)
        spec->endpoint.replica_reads = REPLICA_READS_NO;
    spec->endpoint.tls.any_name = true;
    spec->endpoint.probe = PROBE_TYPE;
    if (spec->endpoint.tls.wanted)
        return;
    static const char *const names[] = {"cacert", "cacertdir", "cert",        "key",
                                        "sni",    "insecure",  "tls-ciphers", "tls-ciphersuites"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        options_drop(&request->values, names[i]);
}

static void settle_tests(struct bench_request *request)
{
    struct option_values *values = &request->values;
    struct spec *spec = &request->spec;
    while (values->rest_count > 1 && strcmp(values->rest[values->rest_count - 1], ";") == 0)
        values->rest_count--;
    if (values->rest_count > 0) {
        if (relation_given(request, "type"))
            relation_notice(request, "WARNING: Option -t is ignored.");
        options_drop(values, "type");
        return;
    }
    spec->load.last_argument_from_stdin = false;
    if (!relation_given(request, "type"))
        choose_tests(spec, request->dialect->default_tests);
    else if (request->valkey.unknown_tests[0] != '\0')
        relation_notice(request, "WARNING: there is no test %s: left out.",
                        request->valkey.unknown_tests);
}

static void settle_numbers(struct bench_request *request)
{
    struct spec *spec = &request->spec;
    spec->load.placeholders =
        relation_given(request, "random") ? PLACEHOLDERS_BENCHMARK : PLACEHOLDERS_BENCHMARK_FIXED;
    spec->load.tag_all_tests = true;
    spec->load.requests_are_commands = true;
    if (request->valkey.sequential) {
        spec->load.sequential_keys = spec->load.random_keys;
        spec->load.random_keys = 0;
    }
    if (!relation_given(request, "seed"))
        spec->load.seed = (uint64_t)time(NULL) ^ (uint64_t)getpid();
    if (spec->workers.threads == THREADS_MAX && relation_given(request, "threads"))
        relation_notice(request, "WARNING: --threads %.40s: no more than %d run.",
                        relation_origin(request, "threads")->value, THREADS_MAX);
    if (spec->workers.threads == 0) {
        spec->workers.threads = 1;
        spec->workers.processes = spec->endpoint.cluster ? 0 : 1;
    }
}

/* No request is ever due: the connections are opened as for any load, and kept. */
static enum err_code settle_idle(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    if (!request->valkey.idle)
        return OK;
    struct err reason = {.code = OK};
    const struct rate_step step = rate_step_constant(0);
    rate_steps_free(&request->steps);
    if (rate_steps_add(&request->steps, &step, &reason) != OK)
        return err_set(err, reason.code, "%s", reason.text);
    static const char *const ping[] = {"PING"};
    spec->load.command = ping;
    spec->load.command_argc = 1;
    spec->load.test_count = 0;
    spec->load.last_argument_from_stdin = false;
    spec->rate.steps = request->steps.items;
    spec->rate.step_count = request->steps.count;
    spec->load.requests = 0;
    spec->load.duration_ns = RATE_STEPS_LONGEST_NS;
    spec->load.warmup_ns = 0;
    return OK;
}

static enum err_code settle(struct bench_request *request, struct err *err)
{
    enum err_code code = check_length(request, err);
    if (code != OK)
        return code;
    settle_target(request);
    settle_tests(request);
    settle_numbers(request);
    const uint32_t notices = request->notice_count;
    code = bench_options_settle(request, err);
    request->notice_count = notices; /* the others are volley's own */
    return code == OK ? settle_idle(request, err) : code;
}

static void print_refused(const char *argument, FILE *out)
{
    fprintf(out, "Invalid option \"%s\" or option argument missing\n\n", PRINTABLE(argument));
}

static enum err_code make_report(struct sink *sink, FILE *out, const struct bench_request *request,
                                 struct err *err)
{
    const struct spec *spec = &request->spec;
    const struct valkey_report report = {
        .style = spec->outputs.csv     ? TEXT_CSV
                 : spec->outputs.quiet ? TEXT_QUIET
                                       : TEXT_REPORT,
        .idle = request->valkey.idle,
        .command = spec->load.command != NULL || spec->load.workload != NULL,
        .keepalive = !request->spec.connections.one_pipelined,
        .cluster = spec->endpoint.cluster,
        .replica_reads = spec->endpoint.replica_reads,
        .threads = relation_given(request, "threads") || spec->endpoint.cluster,
        .rate = request->rate.qps_micro / 1e6,
    };
    return sink_valkey_benchmark(sink, out, &report, err);
}

#define SHARED                                                                                     \
    .epilogue = "A command may hold __rand_int__, each a number of its own; __rand_1st__ to "      \
                "__rand_9th__, each the same number wherever it stands in the sequence; "          \
                "__data__; __field:NAME__ with --dataset; and with --cluster {tag}. \";\" as an "  \
                "argument of its own stands "                                                      \
                "between the commands of a sequence, and a number before a command repeats it.",   \
    TABLE_ROWS(rows), .usage_status = 1, .settle = settle, .print_refused = print_refused,         \
    .make_report = make_report
#define SYNOPSIS(tool_)                                                                            \
    "volley, with the command line and the report of " tool_ ". Without a command it runs all "    \
    "tests, or those of -t. Options of volley's own are not known here: volley bench --help "      \
    "lists them."

const struct dialect dialect_valkey = {
    .name = "valkey-benchmark",
    .version = "9.1",
    .usage = "valkey-benchmark [OPTIONS] [--] [COMMAND ARGS...]",
    .synopsis = SYNOPSIS("valkey-benchmark 9.1"),
    SHARED,
};

/* The same with fewer options, and fewer tests. */
const struct dialect dialect_redis = {
    .name = "redis-benchmark",
    .version = "8.0",
    .default_tests = "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange,"
                     "mset,xadd",
    .usage = "redis-benchmark [OPTIONS] [--] [COMMAND ARGS...]",
    .synopsis = SYNOPSIS("redis-benchmark 8.0, and the options of valkey-benchmark 9.1"),
    SHARED,
};
