/* compare: CPU that each load generator spends on a request, side by side in one run.
 *
 *   compare [--volley FILE] [--floor FILE] [--connections 50] [--pipelines 1,16] [--rounds 9]
 *           [--size 64] [--keys 100k] [--requests 150k] [--tls] [--json FILE]
 *
 * Starts a private server on one CPU, writes the keys, and runs every client on another CPU, in turn
 * and in alternating order, so many rounds, on the same work: GET of random keys that exist. At
 * pipeline 1 a client sends --requests, above that five times as many.
 *
 * Throughput on a shared machine says little, and so does one round. What holds is CPU per request
 * as a ratio to the floor (floor.c) of the same round, and of these ratios the median over the
 * rounds: that is the column "x floor". With --tls there is no floor: the yardstick is valkey-benchmark
 * or else redis-benchmark, and volley's targets are checked. Clients are those that are found: valkey-benchmark,
 * redis-benchmark and memtier_benchmark on PATH, volley where --volley points. */
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/units.h"
#include "tests/perf/compare.h"

#define CLIENTS_MAX 8
#define PIPELINES_MAX 8
#define ROUNDS_MAX 1000
#define PIPELINED_FACTOR 5

struct settings {
    const char *volley;
    const char *floor;
    const char *json_path;
    uint64_t connections, rounds, value_bytes, keys, requests;
    uint64_t pipelines[PIPELINES_MAX];
    uint32_t pipeline_count;
    bool tls;
};

/* One comparison: what every client is asked to do. */
struct job {
    const struct settings *settings;
    uint16_t port;
    const char *authority; /* of the server's certificate; NULL: plain */
    int client_cpu;
    uint64_t pipeline;
    uint64_t requests;
};

struct client {
    const char *name;
    bool (*prepare)(struct command *command, const struct job *job); /* false: not here */
};

struct contender {
    const char *name;
    struct command command;
    struct cost costs[ROUNDS_MAX]; /* by round */
};

static unsigned long long number(uint64_t value)
{
    return value;
}

static bool prepare_floor(struct command *command, const struct job *job)
{
    if (job->authority != NULL)
        return false;
    command_add(command, "%s", job->settings->floor);
    command_add(command, "%u", (unsigned)job->port);
    command_add(command, "%llu", number(job->settings->connections));
    command_add(command, "%llu", number(job->requests));
    command_add(command, "%llu", number(job->pipeline));
    command_add(command, "%llu", number(job->settings->keys));
    return true;
}

static bool prepare_lean_floor(struct command *command, const struct job *job)
{
    if (!prepare_floor(command, job))
        return false;
    command_add(command, "lean");
    return true;
}

/* The options that volley shares with valkey-benchmark. */
static void add_shared_options(struct command *command, const struct job *job)
{
    static const char *const letters = "pcnPrd";
    const uint64_t values[] = {job->port,           job->settings->connections,
                               job->requests,       job->pipeline,
                               job->settings->keys, job->settings->value_bytes};
    for (size_t i = 0; letters[i] != '\0'; i++) {
        command_add(command, "-%c", letters[i]);
        command_add(command, "%llu", number(values[i]));
    }
    command_add(command, "-t");
    command_add(command, "get");
    command_add(command, "-q");
    if (job->authority == NULL)
        return;
    command_add(command, "--tls");
    command_add(command, "--cacert");
    command_add(command, "%s", job->authority);
}

static bool prepare_volley(struct command *command, const struct job *job)
{
    if (access(job->settings->volley, X_OK) != 0)
        return false;
    command_add(command, "%s", job->settings->volley);
    command_add(command, "bench");
    command_add(command, "-h");
    command_add(command, "127.0.0.1");
    command_add(command, "--processes");
    command_add(command, "1");
    if (job->client_cpu >= 0) {
        command_add(command, "--cpus");
        command_add(command, "%d", job->client_cpu);
    }
    add_shared_options(command, job);
    return true;
}

static bool prepare_benchmark(struct command *command, const struct job *job, const char *name)
{
    char path[ARG_BYTES];
    if (!program_find(path, sizeof path, name))
        return false;
    command_add(command, "%s", path);
    add_shared_options(command, job);
    return true;
}

static bool prepare_valkey_benchmark(struct command *command, const struct job *job)
{
    return prepare_benchmark(command, job, "valkey-benchmark");
}

static bool prepare_redis_benchmark(struct command *command, const struct job *job)
{
    return prepare_benchmark(command, job, "redis-benchmark");
}

static bool prepare_memtier(struct command *command, const struct job *job)
{
    char path[ARG_BYTES];
    if (!program_find(path, sizeof path, "memtier_benchmark"))
        return false;
    command_add(command, "%s", path);
    command_add(command, "--server=127.0.0.1");
    command_add(command, "--port=%u", (unsigned)job->port);
    command_add(command, "--threads=1");
    command_add(command, "--clients=%llu", number(job->settings->connections));
    command_add(command, "--requests=%llu", number(job->requests / job->settings->connections));
    command_add(command, "--pipeline=%llu", number(job->pipeline));
    command_add(command, "--ratio=0:1");
    command_add(command, "--key-prefix=key:");
    command_add(command, "--key-minimum=0");
    command_add(command, "--key-maximum=%llu", number(job->settings->keys - 1));
    command_add(command, "--hide-histogram");
    if (job->authority != NULL) {
        command_add(command, "--tls");
        command_add(command, "--cacert=%s", job->authority);
    }
    return true;
}

/* The first that is here is what the others are measured by: the floor, or a server's benchmark. */
static const struct client clients[] = {
    {"floor", prepare_floor},
    {"floor, lean", prepare_lean_floor},
    {"valkey-benchmark", prepare_valkey_benchmark},
    {"redis-benchmark", prepare_redis_benchmark},
    {"volley", prepare_volley},
    {"memtier_benchmark", prepare_memtier},
};
#define CLIENT_COUNT (sizeof clients / sizeof clients[0])

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, uint64_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct figures {
    double cpu_us, times_floor, requests_per_second;
};

static struct figures summarise(const struct contender *contender, const struct contender *floor,
                                uint64_t rounds)
{
    double cpu[ROUNDS_MAX], ratio[ROUNDS_MAX], rate[ROUNDS_MAX];
    for (uint64_t i = 0; i < rounds; i++) {
        cpu[i] = contender->costs[i].cpu_us;
        ratio[i] = contender->costs[i].cpu_us / floor->costs[i].cpu_us;
        rate[i] = contender->costs[i].requests_per_second;
    }
    return (struct figures){.cpu_us = median(cpu, rounds),
                            .times_floor = median(ratio, rounds),
                            .requests_per_second = median(rate, rounds)};
}

static void print_figures(const struct job *job, const struct contender *contenders, uint32_t count,
                          json_t *results)
{
    const struct settings *settings = job->settings;
    printf("\n%llu connections, pipeline %llu, values of %llu bytes, %llu requests, median of %llu "
           "rounds\n",
           number(settings->connections), number(job->pipeline), number(settings->value_bytes),
           number(job->requests), number(settings->rounds));
    printf("  %-18s %15s %9s %12s\n", "client", "us CPU/request",
           settings->tls ? "x first" : "x floor", "requests/s");
    for (uint32_t i = 0; i < count; i++) {
        struct figures figures = summarise(&contenders[i], &contenders[0], settings->rounds);
        char rate[UNITS_GROUPED_BYTES];
        units_format_grouped(rate, sizeof rate, (uint64_t)figures.requests_per_second);
        printf("  %-18s %15.3f %9.2f %12s\n", contenders[i].name, figures.cpu_us,
               figures.times_floor, rate);
        json_array_append_new(
            results,
            json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f}", "client", contenders[i].name,
                      "connections", (json_int_t)settings->connections, "pipeline",
                      (json_int_t)job->pipeline, "value_bytes", (json_int_t)settings->value_bytes,
                      "requests", (json_int_t)job->requests, "rounds", (json_int_t)settings->rounds,
                      "cpu_us_per_request", figures.cpu_us, "times_floor", figures.times_floor,
                      "requests_per_second", figures.requests_per_second));
    }
    fflush(stdout);
}

/* Of the CPU of the benchmark that comes with a server, at pipeline 1 and above. */
#define TLS_TARGET 0.65
#define TLS_TARGET_PIPELINED 0.75

static void check_tls_target(const struct job *job, const struct contender *contenders,
                             uint32_t count)
{
    double target = job->pipeline > 1 ? TLS_TARGET_PIPELINED : TLS_TARGET;
    for (uint32_t i = 1; i < count; i++) {
        if (strcmp(contenders[i].name, "volley") != 0)
            continue;
        double ratio = summarise(&contenders[i], &contenders[0], job->settings->rounds).times_floor;
        printf("  volley over TLS: %.2f of %s's CPU, target at most %.2f: %s\n", ratio,
               contenders[0].name, target, ratio <= target ? "met" : "MISSED");
    }
}

/* All rounds of one pipeline depth. Every other round goes backwards, so that a drift of the machine
 * does not always meet the same client. */
static enum err_code run_job(const struct job *job, const struct server *server, json_t *results,
                             struct err *err)
{
    struct contender *contenders = calloc(CLIENT_COUNT, sizeof *contenders);
    uint32_t count = 0;
    char log_path[96];
    snprintf(log_path, sizeof log_path, "%s/client.log", server->directory);
    if (contenders == NULL)
        return err_set(err, E_SYSTEM, "out of memory");
    for (size_t i = 0; i < CLIENT_COUNT; i++)
        if (clients[i].prepare(&contenders[count].command, job))
            contenders[count++].name = clients[i].name;
    enum err_code code = OK;
    for (uint64_t round = 0; round < job->settings->rounds && code == OK; round++)
        for (uint32_t i = 0; i < count && code == OK; i++) {
            struct contender *next = &contenders[round % 2 == 0 ? i : count - 1 - i];
            code = client_run(&next->costs[round], &next->command, job->client_cpu, job->requests,
                              log_path, err);
        }
    if (code == OK)
        print_figures(job, contenders, count, results);
    if (code == OK && job->authority != NULL)
        check_tls_target(job, contenders, count);
    free(contenders);
    return code;
}

static enum err_code run_all(const struct settings *settings, json_t *results, struct err *err)
{
    struct placement placement;
    struct server server;
    char path[ARG_BYTES], authority[ARG_BYTES];
    placement_choose(&placement);
    if (placement.client_cpu < 0)
        printf("Only one CPU may be used: server and clients share it, the figures mean little.\n");
    enum err_code code = settings->tls ? server_start_tls(&server, placement.server_cpu, err)
                                       : server_start(&server, placement.server_cpu, err);
    snprintf(authority, sizeof authority, "%s/" SERVER_AUTHORITY, server.directory);
    if (code == OK)
        code = server_fill(&server, settings->keys, settings->value_bytes,
                           program_find(path, sizeof path, "memtier_benchmark"), err);
    for (uint32_t i = 0; i < settings->pipeline_count && code == OK; i++) {
        const struct job job = {
            .settings = settings,
            .port = settings->tls ? server.tls_port : server.port,
            .authority = settings->tls ? authority : NULL,
            .client_cpu = placement.client_cpu,
            .pipeline = settings->pipelines[i],
            .requests = settings->requests * (settings->pipelines[i] > 1 ? PIPELINED_FACTOR : 1),
        };
        code = run_job(&job, &server, results, err);
    }
    server_stop(&server);
    return code;
}

static bool parse_pipelines(struct settings *settings, const char *text)
{
    char one[24];
    settings->pipeline_count = 0;
    while (settings->pipeline_count < PIPELINES_MAX) {
        size_t length = strcspn(text, ",");
        uint64_t *pipeline = &settings->pipelines[settings->pipeline_count++];
        if (length >= sizeof one)
            return false;
        memcpy(one, text, length);
        one[length] = '\0';
        if (!units_parse_count(pipeline, one) || *pipeline < 1 || *pipeline > 1000)
            return false;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
    return false;
}

static bool parse_within(uint64_t *value, const char *text, uint64_t max)
{
    return units_parse_count(value, text) && *value >= 1 && *value <= max;
}

static bool parse_option(struct settings *settings, int letter, const char *value)
{
    switch (letter) {
    case 'v':
        settings->volley = value;
        return true;
    case 'f':
        settings->floor = value;
        return true;
    case 'j':
        settings->json_path = value;
        return true;
    case 'c':
        return parse_within(&settings->connections, value, 10000);
    case 'P':
        return parse_pipelines(settings, value);
    case 'R':
        return parse_within(&settings->rounds, value, ROUNDS_MAX);
    case 'd':
        return units_parse_size(&settings->value_bytes, value) && settings->value_bytes >= 1 &&
               settings->value_bytes <= (512u << 20);
    case 'k':
        return parse_within(&settings->keys, value, 1000000000);
    case 'n':
        return parse_within(&settings->requests, value, 1000000000);
    case 't':
        settings->tls = true;
        return true;
    default:
        return false;
    }
}

static bool parse(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {
        {"volley", required_argument, NULL, 'v'},
        {"floor", required_argument, NULL, 'f'},
        {"json", required_argument, NULL, 'j'},
        {"connections", required_argument, NULL, 'c'},
        {"pipelines", required_argument, NULL, 'P'},
        {"rounds", required_argument, NULL, 'R'},
        {"size", required_argument, NULL, 'd'},
        {"keys", required_argument, NULL, 'k'},
        {"requests", required_argument, NULL, 'n'},
        {"tls", no_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int letter;
    int index = 0;
    while ((letter = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (parse_option(settings, letter, optarg))
            continue;
        if (letter != '?')
            fprintf(stderr, "compare: --%s %s: not allowed\n", options[index].name, optarg);
        return false;
    }
    return optind == argc;
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    compare_interrupted = 1;
}

int main(int argc, char **argv)
{
    struct settings settings = {.volley = "build/volley",
                                .floor = "build/perf/floor",
                                .connections = 50,
                                .rounds = 9,
                                .value_bytes = 64,
                                .keys = 100000,
                                .requests = 150000,
                                .pipelines = {1, 16},
                                .pipeline_count = 2};
    struct err err = {0};
    if (!parse(&settings, argc, argv)) {
        fprintf(stderr, "usage: compare [--volley FILE] [--floor FILE] [--connections N] "
                        "[--pipelines N,N] [--rounds N] [--size BYTES] [--keys N] [--requests N] "
                        "[--tls] [--json FILE]\n");
        return E_USAGE;
    }
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    json_t *results = json_array();
    enum err_code code = run_all(&settings, results, &err);
    if (code == OK && settings.json_path != NULL &&
        json_dump_file(results, settings.json_path, JSON_INDENT(1)) != 0)
        code = err_set(&err, E_FAILED, "writing %s failed", settings.json_path);
    json_decref(results);
    if (code != OK)
        fprintf(stderr, "compare: %s\n", err.text);
    return err_exit_status(code);
}
