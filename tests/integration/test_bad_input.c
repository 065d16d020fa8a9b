/* What cannot be meant is refused before anything connects, with the option named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/suite.h"
#include "tests/support/check/trial.h"

#define ARGS_MAX 12
#define LONG_PATH                                                                                  \
    "/tmp/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"   \
    "567890123456789012345678901234567890123456789"

/* Every case is also given the port of a server, in front, unless it names its own. */
struct bad_case {
    const char *args[ARGS_MAX];
    const char *words[3]; /* all of them on standard error */
    bool own_target;
};

static const struct bad_case bad_cases[] = {
    /* unknown */
    {{"--cleints", "5"}, {"unknown option --cleints", "--clients"}, false},
    {{"--piplines", "5"}, {"unknown option --piplines", "--pipeline"}, false},
    {{"-Z"}, {"-Z"}, false},
    {{"--rps", "1g"}, {"--qps 1g", "100 million"}, false},
    {{"--start-qps", "1000", "--qps-change", "5"},
     {"requires all of --start-qps", "Missing: --end-qps, --qps-change-interval"},
     false},
    {{"--clients-ramp-end", "5"}, {"requires all of", "Missing: --clients-ramp-start"}, false},
    {{"--shed-after", "5"}, {"--shed-after needs a rate", "--qps N"}, false},
    {{"--steady", "auto"}, {"--steady auto needs --test-duration"}, false},
    {{"--master", "m"}, {"--master m needs --sentinel"}, false},
    {{"--null", "--cluster"}, {"--cluster and --null exclude each other"}, false},
    {{"--rfr=maybe"}, {"--read-from-replica", "no, yes, all"}, false},
    {{"-I"}, {"-I needs a value"}, false},
    {{"-k", "0", "--null"}, {"--null and --keepalive exclude each other"}, false},
    {{"--source-address", "here"}, {"--source-address", "\"here\" is no IPv4 or IPv6"}, false},
    {{"--source-address", "192.0.2.77"}, {"this machine has no such address"}, false},
    {{"--client-name", "a b"}, {"--client-name a b", "without blanks"}, false},
    {{"--askpass", "--password-fd", "0"}, {"--password-fd and --askpass exclude"}, false},
    {{"--password-fd", "0"}, {"--password-fd 0: the password is empty"}, false},
    {{"--password-fd", "99"}, {"--password-fd 99: cannot read the password"}, false},
    {{"-e"}, {"-e"}, false},
    {{"--precision", "3"}, {"--precision", "valkey-benchmark"}, false},
    {{"-t", "nosuch"}, {"--type", "nosuch", "lrange_100"}, false},
    {{"-t", "gett"}, {"--type", "did you mean get?"}, false},
    {{"-t", "get,,set"}, {"--type", "an empty name"}, false},
    /* numbers */
    {{"-c", "0"}, {"-c 0", "1 to 1,000,000"}, false},
    {{"-c", "5x"}, {"-c 5x", "not a number"}, false},
    {{"-c", ""}, {"-c"}, false},
    {{"-c", "-5"}, {"-c"}, false},
    {{"-c", "99999999999999999999"}, {"-c"}, false},
    {{"-P", "0"}, {"-P 0", "1 to 100,000"}, false},
    {{"-n", "0"}, {"-n 0"}, false},
    {{"-n", "10.5"}, {"-n 10.5"}, false},
    {{"-n"}, {"-n needs a value"}, false},
    {{"-d", "0"}, {"-d 0"}, false},
    {{"-d", "2gb"}, {"-d 2gb"}, false},
    {{"--processes", "0"}, {"--processes must be at least 1"}, false},
    {{"--processes", "-2"}, {"--processes must be at least 1"}, false},
    {{"--processes", "many"}, {"Invalid value for --processes: many"}, false},
    {{"--processes", "2000"}, {"--processes 2000", "1 to 1024"}, false},
    {{"--threads", "0"}, {"--threads 0"}, false},
    {{"--port", "70000"}, {"--port 70000", "65,535"}, true},
    {{"--duration", "1x"}, {"--duration 1x"}, false},
    {{"--warmup", "-1"}, {"--warmup"}, false},
    {{"--interval", "1ms"}, {"--interval 1ms", "10ms to 10s"}, false},
    {{"--interval", "11s"}, {"--interval 11s"}, false},
    {{"--request-timeout", "0"}, {"--request-timeout 0"}, false},
    {{"--percentiles", "50,101"}, {"--percentiles", "101"}, false},
    {{"--percentiles", "nan"}, {"--percentiles", "nan"}, false},
    {{"--log-level", "loud"}, {"--log-level loud", "warning"}, false},
    {{"-k", "2"}, {"--keepalive 2"}, false},
    {{"--cpus", "a-b"}, {"--cpus a-b", "0-3,8"}, false},
    {{"--cpus", "3-1"}, {"--cpus 3-1"}, false},
    {{"--cpus", "4000"}, {"--cpus", "CPU 4000 does not exist or is not allowed"}, false},
    /* relations */
    {{"-c", "2", "--processes", "4"}, {"--clients 2", "--processes 4"}, false},
    {{"-c", "8", "--processes", "4", "--threads", "3"}, {"--clients 8", "12 workers"}, false},
    {{"-c", "5000", "--processes", "1000", "--threads", "2"}, {"--processes 1000", "1024"}, false},
    {{"-r", "10", "--sequential", "10"}, {"--random and --sequential"}, false},
    {{"--keyspace-offset", "5"}, {"--keyspace-offset 5", "--random"}, false},
    {{"-r", "10", "--sequential-random-start"},
     {"--sequential-random-start", "--sequential"},
     false},
    {{"-r", "1000000000000", "--keyspace-offset", "1"}, {"--keyspace-offset", "12 digits"}, false},
    {{"-x"}, {"-x needs a command"}, false},
    {{"-t", "get", "--", "get", "x"}, {"--type get", "the command get"}, false},
    {{"--prefill", "--null"}, {"--prefill and --null"}, false},
    {{"--csv", "--csv-interval", "1"}, {"--csv and --csv-interval"}, false},
    {{"--json", "-", "--csv"}, {"--json and --csv"}, false},
    {{"--json", "-", "--csv-interval", "1"}, {"--json and --csv-interval"}, false},
    {{"--json", "-", "-q"}, {"--json and --quiet"}, false},
    {{"--hdr", "-"}, {"--hdr -"}, false},
    {{"-t", "set,get", "--csv-interval", "1"}, {"--csv-interval with 2 tests"}, false},
    {{"--csv-interval", "300ms", "--interval", "200ms"},
     {"--csv-interval 300ms", "--interval 200ms"},
     false},
    /* the target */
    {{"--user", "bob"}, {"--user bob needs a password"}, false},
    {{"-s", LONG_PATH}, {"--socket", "at most 107"}, true},
    {{"-s", "/tmp/x.sock"}, {"--socket and --port"}, false},
    {{"-u", "redis://127.0.0.1:1", "-s", "/tmp/x"}, {"--uri and --socket"}, true},
    {{"-u", "redis://127.0.0.1:1"}, {"--uri and --port contradict"}, false},
    {{"-u", "http://127.0.0.1"}, {"--uri", "http://", "redis://"}, true},
    {{"--managed"}, {"--managed and --port"}, false},
    {{"--managed", "-h", "127.0.0.1"}, {"--managed and --host"}, true},
    {{"--managed", "-s", "/tmp/x"}, {"--managed and --socket"}, true},
    {{"--managed", "-u", "redis://127.0.0.1"}, {"--managed and --uri"}, true},
    {{"--managed", "--null"}, {"--null and --managed"}, true},
    /* TLS */
    {{"--cacert", "/x"}, {"--cacert has no meaning without TLS", "--tls"}, false},
    {{"--insecure"}, {"--insecure has no meaning without TLS"}, false},
    {{"--ktls"}, {"--ktls has no meaning without TLS"}, false},
    {{"--tls", "--cert", "/x"}, {"--cert /x needs the key", "--key"}, false},
    {{"--tls", "--key", "/x"}, {"--key /x needs the certificate", "--cert"}, false},
    {{"--tls", "--insecure", "--cacert", "/x"}, {"--insecure and --cacert"}, false},
    {{"--tls", "-s", "/tmp/x"}, {"--tls with --socket", "TCP ports only"}, true},
    {{"--tls", "--null"}, {"--null and --tls"}, true},
    {{"--tls", "--managed"}, {"--managed and --tls", "--managed tls"}, true},
    {{"--managed", "tls", "--insecure"}, {"--managed and --insecure"}, true},
    {{"--tls", "--cacert", "/nowhere/ca.pem"}, {"--cacert /nowhere/ca.pem cannot be read"}, false},
    {{"-u", "rediss://127.0.0.1:1", "--cacert", "/nowhere/ca.pem"},
     {"--cacert /nowhere/ca.pem cannot be read"},
     true},
    {{"--tls", "--cacertdir", "/nowhere"}, {"--cacertdir /nowhere cannot be read"}, false},
    {{"--tls", "--tls-ciphers", "nosuch"}, {"--tls-ciphers nosuch names no cipher"}, false},
    {{"--tls", "--tls-ciphersuites", "nosuch"}, {"--tls-ciphersuites nosuch is no list"}, false},
    /* commands */
    {{"--", "set", "__rand_foo__", "x"}, {"__rand_foo__", "__rand_1st__"}, false},
    {{"--", "subscribe", "x"}, {"SUBSCRIBE cannot be measured"}, false},
    {{"--", "monitor"}, {"MONITOR cannot be measured"}, false},
    {{"--", "client", "reply", "off"}, {"CLIENT"}, false},
    {{"--", "shutdown"}, {"SHUTDOWN cannot be measured"}, false},
    {{"--", "blpop", "x", "0"}, {"blpop with timeout 0"}, false},
    {{"--", "set", "a", "b", ";", ";", "get", "a"}, {";"}, false},
};

/* A server that must never be asked. */
static void run_refused(struct program *program, const char *const *args, bool own_target,
                        int exit_status)
{
    const char *argv[ARGS_MAX + 8] = {program_volley(), "bench"};
    size_t argc = 2;
    fake_server_start(&world.fake, NULL);
    if (!own_target) {
        argv[argc++] = "-p";
        argv[argc++] = world.fake.port_text;
    }
    for (size_t i = 0; i < ARGS_MAX && args[i] != NULL; i++)
        argv[argc++] = args[i];
    program_run(program, &(struct program_options){.argv = argv});
    ck_assert_msg(program->exit_status == exit_status, "%s: exit status %d, not %d: %s",
                  program->name, program->exit_status, exit_status, program->err);
    ck_assert_msg(program->out_bytes == 0, "%s: %s", program->name, program->out);
    ck_assert_uint_eq(world.fake.counters->accepted, 0);
    trial_nothing_left(5000);
}

static void expect_words(const struct program *program, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count && words[i] != NULL; i++)
        ck_assert_msg(strstr(program->err, words[i]) != NULL, "%s: no \"%s\" in: %s", program->name,
                      words[i], program->err);
}

LOOP_TEST(test_bad_case, sizeof bad_cases / sizeof bad_cases[0])
{
    /* breaks: a mistake on the command line is run as something else, or gives a riddle */
    struct program program;
    run_refused(&program, bad_cases[_i].args, bad_cases[_i].own_target, 2);
    expect_words(&program, bad_cases[_i].words, 3);
    program_free(&program);
}

static const struct {
    const char *name, *text; /* text NULL: no such file */
    const char *words[3];
} bad_configs[] = {
    {"/none.json", NULL, {"/none.json", "No such file"}},
    {"/broken.json", "{\"clients\": 5,\n \"requests\": }\n", {"/broken.json:2:14: "}},
    {"/key.json",
     "{\"clients\": 5,\n \"reqests\": 10}\n",
     {"/key.json:2:2: ", "reqests", "requests"}},
    {"/value.json", "{\"clients\":\n 0}\n", {"clients", "1 to 1,000,000"}},
    {"/key.yaml", "clients: 5\npiplines: 3\n", {"/key.yaml:2:1: ", "piplines", "pipeline"}},
    {"/broken.yaml", "clients: [5\n", {"/broken.yaml:2:1: "}},
    {"/later.yaml", "mptcp: true\n", {"mptcp", "not available yet"}},
    {"/plan.yaml",
     "rate-plan: /nonexistent/plan.yaml\n",
     {"cannot read the rate plan /nonexistent/plan.yaml", "No such file"}},
    {"/list.json", "[1, 2]", {"/list.json"}},
};

LOOP_TEST(test_bad_config, sizeof bad_configs / sizeof bad_configs[0])
{
    /* breaks: a wrong configuration file is ignored in part, or its line is not told */
    char path[200];
    struct program program;
    snprintf(path, sizeof path, "%s%s", world.tree.path, bad_configs[_i].name);
    if (bad_configs[_i].text != NULL)
        temp_tree_write(&world.tree, bad_configs[_i].name, bad_configs[_i].text, 0600);
    run_refused(&program, (const char *const[ARGS_MAX]){"--config", path}, false, 3);
    expect_words(&program, bad_configs[_i].words, 3);
    program_free(&program);
}

/* What is odd but has one meaning: said once, and run. */
static const struct {
    const char *args[ARGS_MAX];
    const char *words[2];
} odd_cases[] = {
    {{"-n", "10", "--duration", "50ms"}, {"-n 10 is ignored: --test-duration 50ms decides"}},
    {{"--threads", "4", "-c", "2", "-n", "10"}, {"2 workers: there are no more connections"}},
    {{"--single-process", "--processes", "4", "-n", "10"}, {"--processes 4 is ignored"}},
    {{"--warmup", "15ms", "--interval", "10ms", "-n", "10"},
     {"--warmup 15ms is rounded up to 20ms"}},
    {{"-t", "get", "-n", "10"}, {"every request has the same key"}},
};

LOOP_TEST(test_odd_case, sizeof odd_cases / sizeof odd_cases[0])
{
    /* breaks: volley decides something for the user and keeps it to itself */
    const char *argv[ARGS_MAX + 3] = {program_volley(), "bench", "--null"};
    struct program program;
    for (size_t i = 0; i < ARGS_MAX && odd_cases[_i].args[i] != NULL; i++)
        argv[3 + i] = odd_cases[_i].args[i];
    program_run(&program, &(struct program_options){.argv = argv});
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    expect_words(&program, odd_cases[_i].words, 2);
    const char *first = strstr(program.err, odd_cases[_i].words[0]);
    ck_assert_ptr_null(strstr(first + 1, odd_cases[_i].words[0])); /* once */
    program_free(&program);
}

TEST(test_unknown_command)
{
    /* breaks: a mistyped sub-command starts a load */
    struct program program;
    program_run_volley(&program, "bnech", "-n", "10", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "there is no command \"bnech\""));
    program_free(&program);
    /* ... or a command of the server is not told where it would belong, or its words are repeated */
    program_run_volley(&program, "auth", "secret", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "volley -- auth ..."));
    ck_assert_ptr_nonnull(strstr(program.err, "volley valkey-benchmark auth ..."));
    ck_assert_ptr_null(strstr(program.err, "secret"));
    program_free(&program);
}

TEST(test_explain_connects_to_nothing)
{
    /* breaks: --explain touches the server that the user only thinks about */
    struct program program;
    fake_server_start(&world.fake, NULL);
    program_run_volley(&program, "-p", world.fake.port_text, "-t", "get", "--explain", NULL);
    ck_assert_msg(program.exit_status == 0, "%s", program.err);
    ck_assert_ptr_nonnull(strstr(program.out, world.fake.port_text));
    ck_assert_uint_eq(world.fake.counters->accepted, 0);
    program_free(&program);
}

TEST_SUITE_WITH(bad_input, .set_up = trial_set_up, .tear_down = trial_tear_down)
