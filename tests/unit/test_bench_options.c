#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/fleet/fleet_state.h"
#include "tests/support/check/bench_line.h"
#include "tests/support/check/suite.h"

TEST(patience_by_default)
{
    /* Breaks when -n with a node that is lost for good takes longer than 30 s to end without anybody having
     * asked for it. */
    line_parses("-n 1000 --qps 100");
    ck_assert_uint_eq(fleet_progress_patience_ns(&line_request.spec), 25 * NS_PER_SECOND);
    line_parses("-n 1000 --qps 100 --wait-ready 90s --request-timeout 1s");
    ck_assert_uint_eq(fleet_progress_patience_ns(&line_request.spec), 31 * NS_PER_SECOND);
}

TEST(defaults)
{
    /* a default that changes unnoticed makes old and new results differ */
    line_parses("");
    const struct spec *spec = &line_request.spec;
    ck_assert_str_eq(spec->endpoint.host, "127.0.0.1");
    ck_assert_uint_eq(spec->endpoint.port, 6379);
    ck_assert_ptr_null(spec->endpoint.socket_path);
    ck_assert_ptr_null(spec->endpoint.password);
    ck_assert_uint_eq(spec->load.clients, 50);
    ck_assert_uint_eq(spec->load.requests, 100000);
    ck_assert_uint_eq(spec->load.duration_ns, 0);
    ck_assert_uint_eq(spec->load.data_bytes, 3);
    ck_assert_uint_eq(spec->load.pipeline, 1);
    ck_assert_uint_eq(spec->load.test_count, 1);
    ck_assert_str_eq(spec->load.tests[0], "set");
    ck_assert_int_eq(spec->load.key_order, KEYS_ONE);
    ck_assert_uint_eq(spec->load.keyspace, 1);
    ck_assert_uint_eq(spec->load.seed, 1);
    ck_assert_uint_eq(spec->workers.processes, 0);
    ck_assert_uint_eq(spec->workers.threads, 1);
    ck_assert_int_eq(spec->workers.cpus_choice, CPUS_AUTO);
    ck_assert_uint_eq(spec->load.interval_ns, NS_PER_SECOND);
    ck_assert_uint_eq(spec->outputs.csv_interval_ns, 0);
    ck_assert_uint_eq(spec->endpoint.request_timeout_ns, 5 * NS_PER_SECOND);
    ck_assert_uint_eq(spec->endpoint.connection_timeout_ns, 2 * NS_PER_SECOND);
    ck_assert_uint_eq(spec->load.drain_timeout_ns, NS_PER_SECOND);
    ck_assert_uint_eq(spec->endpoint.wait_ready_ns, 60 * NS_PER_SECOND);
    ck_assert_uint_eq(spec->outputs.percentile_count, 5);
    ck_assert_int_eq(spec->outputs.log_level, LOG_WARNING);
    ck_assert_uint_eq(line_request.notice_count, 0);
}

TEST(lines_of_the_old_tools)
{
    /* the command lines of the tools that volley replaces stop working */
    line_parses("-c 50 -t set");
    line_parses("--test-duration 60");
    ck_assert_uint_eq(line_request.spec.load.duration_ns, 60 * NS_PER_SECOND);
    ck_assert_uint_eq(line_request.spec.load.requests, 0);
    line_parses("--sequential 1000000");
    ck_assert_int_eq(line_request.spec.load.key_order, KEYS_SEQUENTIAL);
    ck_assert_uint_eq(line_request.spec.load.keyspace, 1000000);
    line_parses("-r 1000000");
    ck_assert_int_eq(line_request.spec.load.key_order, KEYS_RANDOM);
    line_parses("-c 200 -n 10000000 --processes 8 -t set");
    ck_assert_uint_eq(line_request.spec.workers.processes, 8);
    line_parses("-h localhost -p 7000 -a secret --user me -t GET,Set -n 10k -P16 -q --dbnum 3 -l");
    ck_assert_str_eq(line_request.spec.endpoint.host, "localhost");
    ck_assert_str_eq(line_request.spec.load.tests[0], "get");
    ck_assert_str_eq(line_request.spec.load.tests[1], "set");
    ck_assert_uint_eq(line_request.spec.load.pipeline, 16);
    ck_assert(line_request.spec.load.loop && line_request.spec.outputs.quiet);
    line_parses("-H 10.0.0.1 --duration=1.5s --interval-metrics-interval-duration-sec 2 -d 4kb");
    ck_assert_uint_eq(line_request.spec.load.duration_ns, 1500 * NS_PER_MS);
    ck_assert_uint_eq(line_request.spec.outputs.csv_interval_ns, 2 * NS_PER_SECOND);
    ck_assert_uint_eq(line_request.spec.load.data_bytes, 4096);
    line_parses("--request-timeout 250 --connection-timeout 1000 --warmup 2 -k 1 -t ping,lrange");
    ck_assert_uint_eq(line_request.spec.endpoint.request_timeout_ns, 250 * NS_PER_MS);
    ck_assert_uint_eq(line_request.spec.load.test_count, 6);
}

TEST(ranges)
{
    /* a number out of range or with rubbish behind it starts a run that nobody asked for */
    static const struct line_refusal refusals[] = {
        {"-c 0", "-c 0: out of range; allowed: 1 to 1,000,000"},
        {"-c -5", "-c -5: out of range"},
        {"-c 5x", "-c 5x: not a number; allowed: 1 to 1,000,000"},
        {"-c5x", "-c 5x: not a number"},
        {"--clients=99999999999999999999", "out of range"},
        {"-P 0", "-P 0: out of range; allowed: 1 to 100,000"},
        {"-p 0", "1 to 65,535"},
        {"-p 65536", "1 to 65,535"},
        {"-d 0", "1b to 1gb"},
        {"-d 2gb", "out of range"},
        {"-d 4kbx", "not a size"},
        {"-n 0", "1 to 10,000,000,000,000,000"},
        {"-n 1e6", "not a number"},
        {"--interval 5ms", "10ms to 10s"},
        {"--interval 11", "out of range"},
        {"--test-duration 10parsec", "not a duration"},
        {"--test-duration 0", "out of range"},
        {"-r 1000000000001", "out of range"},
        {"--percentiles 0,50", "\"0\" is not above 0"},
        {"--percentiles 50,101", "\"101\""},
        {"--percentiles 50,nan", "\"nan\""},
        {"--percentiles 50,,99", "\"\""},
        {"--percentiles 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "more than 16"},
        {"--log-level loud", "error, warning, info, debug"},
        {"--cpus 3-1", "--cpus 3-1: not a list"},
        {"--cpus 0,x", "not a list"},
        {"--cpus 5000", "not a list"},
        {"--quiet=maybe", "takes true or false"},
        {"-k 2", "allowed are 0 and 1"},
        {"--host=", "the value is empty"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST(processes_in_the_old_words)
{
    /* scripts look for exactly these sentences */
    line_refused("--processes 0", "");
    ck_assert_str_eq(line_err.text, "--processes must be at least 1");
    line_refused("--processes -2", "");
    ck_assert_str_eq(line_err.text, "--processes must be at least 1");
    line_refused("--processes many", "");
    ck_assert_str_eq(line_err.text, "Invalid value for --processes: many");
    line_parses("--processes AUTO");
    ck_assert_uint_eq(line_request.spec.workers.processes, 0);
}

TEST(tests_by_name)
{
    /* an unknown test runs as something else, or the user does not learn which there are */
    line_refused("-t sett", "unknown test sett; did you mean set?; known are ping_inline");
    line_refused("-t set,,get", "an empty name");
    line_parses("-t custom --custom-command-file a/b.c --custom-command-args x=1");
    ck_assert(line_request.spec.load.custom.is_wanted);
    ck_assert_int_eq(line_request.spec.load.custom.kind, CUSTOM_C);
    line_refused("-t set,custom", "-t custom stands alone");
    line_refused("-t custom --custom-command-file a.py", "a plug-in in C (.c or .so)");
    line_refused("-t custom --custom-command-args a=1", "needs --custom-command-file");
    line_refused("-t set --custom-command-file a.c", "needs -t custom");
    line_refused("-t custom --prefill", "exclude each other");
    line_refused("-t custom --workload w.yaml", "exclude each other");
    line_parses("-t SET,get,LPush,set");
    ck_assert_uint_eq(line_request.spec.load.test_count, 4);
    ck_assert_str_eq(line_request.spec.load.tests[2], "lpush");
    ck_assert_str_eq(line_request.spec.load.tests[3], "set");
}

TEST(percentiles_and_cpus)
{
    /* percentiles are shown in another order than asked for, or twice */
    line_parses("--percentiles 99.9,50,99,50.0,100 --cpus 3,0-1,1");
    static const double expected[] = {99.9, 50, 99, 100};
    ck_assert_uint_eq(line_request.spec.outputs.percentile_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert(fabs(line_request.spec.outputs.percentiles[i] - expected[i]) < 1e-9);
    ck_assert_int_eq(line_request.spec.workers.cpus_choice, CPUS_LIST);
    ck_assert_uint_eq(line_request.spec.workers.cpu_count, 3);
    ck_assert_uint_eq(line_request.spec.workers.cpus[0], 3);
    ck_assert_uint_eq(line_request.spec.workers.cpus[2], 1);
    line_parses("--cpus none");
    ck_assert_int_eq(line_request.spec.workers.cpus_choice, CPUS_NONE);
}

TEST(not_available)
{
    /* an option of another tool is ignored, or its value is mistaken for a command */
    static const struct line_refusal refusals[] = {
        {"--mptcp", "--mptcp is not available yet"},
        {"--intended-latency", "the response time, from the intended moment on, is always"},
        {"--precision 3", "--precision is an option of valkey-benchmark, whose command line"},
        {"-e", "-e is an option of valkey-benchmark"},
        {"--glide-log-level info", "use --log-level"},
        {"--slo p99<1ms", "use --check to judge this load, or volley find-max --slo"},
        {"--xml-root-element f --bogus", "--xml-root-element is not available yet"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST(contradictions)
{
    /* two options that contradict each other: one of them is silently ignored */
    static const struct line_refusal refusals[] = {
        {"-r 10 --sequential 10", "--random and --sequential exclude each other"},
        {"-r 10 --sequential 10 --key-dist zipf", "--random and --sequential exclude each other"},
        {"--sequential 10 --key-dist zipf", "--key-dist and --sequential exclude each other"},
        {"--key-dist zipf", "--key-dist zipf needs --random"},
        {"-r 0 --key-dist walk", "--key-dist walk needs --random"},
        {"-r 10 --key-dist zipf:6",
         "--key-dist zipf:6: allowed: zipf, or zipf:EXPONENT with 0 to 5"},
        {"-r 10 --key-dist zpif", "did you mean zipf?"},
        {"--keyspace-offset 5", "needs --random or --sequential"},
        {"--sequential-random-start -r 5", "needs --sequential"},
        {"-r 1000000000000 --keyspace-offset 1", "12 digits"},
        {"-s /tmp/x -H h", "--socket and --host exclude each other"},
        {"-s /tmp/x -p 1", "--socket and --port exclude each other"},
        {"-s /tmp/x -u redis://h", "--uri and --socket exclude each other"},
        {"-u redis://h:1 -p 2", "--uri and --port contradict each other"},
        {"-u redis://h:1 -H g", "--uri and --host contradict each other"},
        {"-u redis://:pw@h -a other", "--uri and --password contradict each other"},
        {"-u redis://h/1 --dbnum 2", "--uri and --dbnum contradict each other"},
        {"--user me", "needs a password"},
        {"--managed -H h", "--managed and --host exclude each other"},
        {"--managed -u redis://h", "--managed and --uri exclude each other"},
        {"--managed -s /x", "--managed and --socket exclude each other"},
        {"--managed -a x", "--managed and --password exclude each other"},
        {"--managed --user x -a y", "--managed and --password exclude each other"},
        {"--managed --user x", "--managed and --user exclude each other"},
        {"--null --managed", "--null and --managed exclude each other"},
        {"--null --prefill -t get", "--prefill and --null exclude each other"},
        {"--json - --csv", "--json and --csv exclude each other"},
        {"--json - --csv-interval 1", "--json and --csv-interval exclude each other"},
        {"--json - -q", "--json and --quiet exclude each other"},
        {"--csv --csv-interval 1", "--csv and --csv-interval exclude each other"},
        {"--csv-interval 1 -t set,get", "--csv-interval with 2 tests"},
        {"--csv-interval 1.5 --interval 1", "not a whole multiple of --interval 1s"},
        {"--hdr -", "a file of its own"},
        {"-x", "-x needs a command"},
        {"-t set --mix get:1", "--mix and --type exclude each other"},
        {"--ratio 1:1 -t set", "--ratio and --type exclude each other"},
        {"--value-size 16 -d 3", "--value-size and --datasize exclude each other"},
        {"--mix set:1,", "--mix set:1,: a test is missing"},
        {"--maxdocs 3 -- get x", "--maxdocs needs --dataset"},
        {"--dataset f.csv --template -- get {key}", "the command holds no {field NAME} of it"},
        {"--dataset f\xff.csv -- get __field:a__", "is no UTF-8"},
        {"--template -- get k\xe9", "--template: k\xe9 is no UTF-8"},
        {"--key-prefix \xff -t get", "--key-prefix: \xff is no UTF-8"},
        {"--template -- {key", "{key has no }"},
        {"--explain=-1", "--explain -1: allowed: 0 to 100,000 requests"},
        {"--explain=x", "--explain x: allowed: 0 to 100,000 requests"},
        {"--explain=100001", "--explain 100001: allowed: 0 to 100,000 requests"},
        {"-t set -- get x", "--type set and the command get exclude each other"},
        {"-c 3 --processes 2 --threads 2", "below the 4 workers"},
        {"--monitoring-interval 2", "--monitoring-interval needs --extended-metrics"},
        {"--extended-metrics --monitoring-interval 50ms", "allowed: 100ms to 1h"},
        {"--steady-limit 5", "--steady-limit needs --steady auto"},
        {"--steady now --test-duration 5", "--steady now: allowed: auto"},
        {"--steady auto", "--steady auto needs --test-duration"},
        {"--steady auto -n 100", "-n cannot tell"},
        {"--steady auto --test-duration 5 --warmup 5", "--steady and --warmup exclude each other"},
        {"--processes 1024 --threads 2", "at most 1024"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST(combinations_that_agree)
{
    /* what makes sense together is refused */
    static const char *const lines[] = {
        "-c 50 -c 50",
        "-u redis://h:1 -H h -p 1",
        "-u redis://h -p 7 -a pw",
        "-q --csv",
        "-l --csv-interval 1",
        "--json f --csv -q",
        "-t get",
        "-r 10 --prefill -t get",
        "--null -t get,set -P 10",
        "-c 4 --processes 2 --threads 2",
        "-c 1",
        "--quiet --quiet",
        "-r 0",
        "-r 999999999999 --keyspace-offset 1",
        "-x -- set foo",
        "--managed -t set",
        "-ql",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        line_parses(lines[i]);
}

TEST(command)
{
    /* the command is taken for an option, or its options for volley's */
    line_parses("-n 10 -- set foo -c");
    ck_assert_uint_eq(line_request.spec.load.command_argc, 3);
    ck_assert_str_eq(line_request.spec.load.command[2], "-c");
    ck_assert_uint_eq(line_request.spec.load.test_count, 0);
    line_parses("-n 10 set foo -c 99");
    ck_assert_uint_eq(line_request.spec.load.command_argc, 4);
    ck_assert_str_eq(line_request.spec.load.command[0], "set");
    ck_assert_uint_eq(line_request.spec.load.clients, 50);
    line_parses("-n 10 --");
    ck_assert_uint_eq(line_request.spec.load.command_argc, 0);
    ck_assert_uint_eq(line_request.spec.load.test_count, 1);
}

TEST(notices)
{
    /* an option gives way without a word */
    line_parses("-n 10 --duration 5");
    ck_assert_uint_eq(line_request.notice_count, 1);
    ck_assert_ptr_nonnull(strstr(line_request.notices[0], "-n 10 is ignored"));
    ck_assert_uint_eq(line_request.spec.load.requests, 0);
    line_parses("--single-process --processes 4");
    ck_assert_uint_eq(line_request.notice_count, 1);
    ck_assert_uint_eq(line_request.spec.workers.processes, 1);
    line_parses("--warmup 1.2s --interval 500ms");
    ck_assert_uint_eq(line_request.spec.load.warmup_ns, 1500 * NS_PER_MS);
    ck_assert_ptr_nonnull(strstr(line_request.notices[0], "rounded up to 1500ms"));
    line_parses("--prefill -t set");
    ck_assert_ptr_nonnull(strstr(line_request.notices[0], "nothing to write"));
    line_parses("get foo -n 5");
    ck_assert_ptr_nonnull(strstr(line_request.notices[0], "-n stands behind the command"));
    line_parses("-n 5 -- get foo -n 5");
    ck_assert_uint_eq(line_request.notice_count, 0);
    line_parses("incrby foo -1");
    ck_assert_uint_eq(line_request.notice_count, 0);
    line_parses("--warmup 2 --prefill -t set,get -r 10");
    ck_assert_uint_eq(line_request.notice_count, 0);
}

TEST(csv_interval_sets_the_grid)
{
    /* rows of 250 ms from a grid of 1 s cannot be cut */
    line_parses("--csv-interval 0.25");
    ck_assert_uint_eq(line_request.spec.load.interval_ns, 250 * NS_PER_MS);
    line_parses("--csv-interval 1.5");
    ck_assert_uint_eq(line_request.spec.load.interval_ns, 750 * NS_PER_MS);
    line_parses("--csv-interval 1.001"); /* 3 * 7 * 11 * 13 ms, hence never in two */
    ck_assert_uint_eq(line_request.spec.load.interval_ns, 143 * NS_PER_MS);
    line_parses("--csv-interval 3");
    ck_assert_uint_eq(line_request.spec.load.interval_ns, NS_PER_SECOND);
    line_parses("--csv-interval 2 --interval 500ms");
    ck_assert_uint_eq(line_request.spec.load.interval_ns, 500 * NS_PER_MS);
    ck_assert_uint_eq(line_request.spec.outputs.csv_interval_ns, 2 * NS_PER_SECOND);
}

TEST(uri_fills_the_target)
{
    /* a part of the URI is lost, or the password is echoed */
    line_parses("-u valkey://me:s%40fe@db.example:7001/5");
    ck_assert_str_eq(line_request.spec.endpoint.host, "db.example");
    ck_assert_uint_eq(line_request.spec.endpoint.port, 7001);
    ck_assert_str_eq(line_request.spec.endpoint.user, "me");
    ck_assert_str_eq(line_request.spec.endpoint.password, "s@fe");
    ck_assert_uint_eq(line_request.spec.endpoint.database, 5);
    json_t *json = options_to_json(&line_request.values);
    char *text = json_dumps(json, 0);
    ck_assert_ptr_null(strstr(text, "s@fe"));
    ck_assert_ptr_null(strstr(text, "s%40fe"));
    ck_assert_str_eq(json_string_value(json_object_get(json, "host")), "db.example");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "port")), 7001);
    free(text);
    json_decref(json);
    line_refused("-u redis://me:topsecret@h:99999", "--uri: the port is not a number");
    ck_assert_ptr_null(strstr(line_err.text, "topsecret"));
}

TEST(socket_path_length)
{
    /* a path that the kernel would cut connects somewhere else */
    char line[300] = "-s /";
    memset(line + 4, 'x', 106);
    line_parses(line); /* 107 bytes */
    ck_assert_uint_eq(strlen(line_request.spec.endpoint.socket_path), 107);
    line[110] = 'x';
    line_refused(line, "at most 107");
}

TEST(key_distribution)
{
    /* --key-dist is not what -r draws its keys by, or changes what comes without it */
    line_parses("-r 100");
    ck_assert_int_eq(line_request.spec.load.key_distribution.kind, ORDER_UNIFORM);
    line_parses("--sequential 100 --key-dist uniform");
    ck_assert_int_eq(line_request.spec.load.key_order, KEYS_SEQUENTIAL);
    line_parses("-r 100 --key-dist Zipf:1.1");
    ck_assert_int_eq(line_request.spec.load.key_order, KEYS_RANDOM);
    ck_assert_int_eq(line_request.spec.load.key_distribution.kind, ORDER_ZIPF);
    ck_assert_double_eq(line_request.spec.load.key_distribution.exponent, 1.1);
    line_parses_with_config("random: 100\nkey-dist: hotset:10/90\n", "--key-dist walk");
    ck_assert_int_eq(line_request.spec.load.key_distribution.kind, ORDER_WALK);
    line_parses_with_config("random: 100\nkey-dist: zipf\n", "--sequential 9");
    ck_assert_int_eq(line_request.spec.load.key_order, KEYS_SEQUENTIAL);
    ck_assert_int_eq(line_request.spec.load.key_distribution.kind, ORDER_UNIFORM);
}

TEST(options_that_change_nothing)
{
    /* an option that has no effect on what is sent is passed over in silence, or one that has is doubted */
    static const struct {
        const char *line, *notice; /* NULL: none */
    } cases[] = {
        {"-d 100 -- set k v", "--datasize changes nothing"},
        {"-d 100 -- set k __data__", NULL},
        {"-d 100 --prefill -- get k", NULL},
        {"-r 100 -- incr c", "--random changes nothing"},
        {"-r 100 --key-dist zipf -- incr c:__rand_int__", NULL},
        {"--sequential 100 -- incr c", "--sequential changes nothing"},
        {"-r 100 -- incr c:__rand_3rd__", NULL},
        {"-r 100 -- incr __key__", NULL},
        {"-d 100 -r 100 -t incr", NULL},
        {"--num-functions 3 -t fcall", "--num-functions changes nothing"},
        {"--num-functions 3 --num-keys-in-fcall 2 -t fcall,function_load", NULL},
        {"--ttl 5 --mix get,lpush", "--ttl changes nothing: no test that is sent is SET"},
        {"--ttl 5 --value-size 9 -t get,lpush", "--ttl changes nothing"},
        {"--value-size 9 -t get", "--value-size changes nothing"},
        {"--key-prefix u: -t lpush", "--key-prefix changes nothing"},
        {"--ratio 1:1 --ttl 5 --value-size 9 --key-prefix u:", NULL},
        {"-r 9 --template -- incr {seq}", "--random changes nothing"},
        {"-r 9 --template -- set {new} {seq}", NULL},
        {"-d 9 --template -- incr {key}", "--datasize changes nothing"},
        {"-r 9 --value-size 9 --template -- set {key} {value}", NULL},
        {"--num-keys-in-fcall 3 -- get k", "--num-keys-in-fcall changes nothing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(line_parse(cases[i].line) == OK, "%s: %s", cases[i].line, line_err.text);
        ck_assert_msg(line_request.notice_count == (cases[i].notice != NULL), "%s: %s",
                      cases[i].line, line_request.notices[0]);
        if (cases[i].notice != NULL)
            ck_assert_ptr_nonnull(strstr(line_request.notices[0], cases[i].notice));
    }
}

TEST(config_and_command_line)
{
    /* the command line does not win over the file, or contradicts what it should override */
    line_parses_with_config("clients: 7\nrandom: 100\ntype: [get, set]\n", "");
    ck_assert_uint_eq(line_request.spec.load.clients, 7);
    ck_assert_uint_eq(line_request.spec.load.test_count, 2);
    line_parses_with_config("clients: 7\nrandom: 100\n", "-c 9 --sequential 5");
    ck_assert_uint_eq(line_request.spec.load.clients, 9);
    ck_assert_int_eq(line_request.spec.load.key_order, KEYS_SEQUENTIAL);
    line_parses_with_config("socket: /tmp/s\n", "-H h");
    ck_assert_ptr_null(line_request.spec.endpoint.socket_path);
    line_parses_with_config("host: h\n", "-s /tmp/s");
    ck_assert_str_eq(line_request.spec.endpoint.socket_path, "/tmp/s");
    line_parses_with_config("uri: redis://h:1/2\n", "-p 5");
    ck_assert_uint_eq(line_request.spec.endpoint.port, 5);
    ck_assert_str_eq(line_request.spec.endpoint.host, "h");
    line_parses_with_config("host: h\n", "-u redis://g");
    ck_assert_str_eq(line_request.spec.endpoint.host, "g");
    line_parses_with_config("test-duration: 60\n", "-n 5");
    ck_assert_uint_eq(line_request.spec.load.requests, 5);
    ck_assert_uint_eq(line_request.spec.load.duration_ns, 0);
    ck_assert_uint_eq(line_request.notice_count, 1);
    line_parses_with_config("clients: 7\n", "-c 9 -t get --clients 11 -t set,incr");
    ck_assert_uint_eq(line_request.spec.load.clients, 11);
    ck_assert_uint_eq(line_request.spec.load.test_count, 2);
    ck_assert_str_eq(line_request.spec.load.tests[0], "set");
    ck_assert_int_eq(line_parse("--managed cluster=3,tls --managed --qps 5 --rps 6"), OK);
    ck_assert(line_request.spec.managed.wanted && line_request.spec.managed.primaries == 0);
    ck_assert(!line_request.spec.managed.tls);
    ck_assert_uint_eq(line_request.rate.qps_micro, 6000000);
    line_parses_with_config("quiet: true\n", "--quiet=false");
    ck_assert(!line_request.spec.outputs.quiet);
    line_parses_with_config("type: get\n", "ping");
    ck_assert_uint_eq(line_request.spec.load.test_count, 0);
}

TEST(config_mistakes)
{
    /* a mistake in the file is passed over, or the user must search for it */
    static const struct line_refusal refusals[] = {
        {"clients: 5\ncleints: 6\n", ":2:1: unknown key cleints; did you mean clients?"},
        {"\nclients: 5x\n", ":2:1: clients: 5x: not a number"},
        {"processes: 0\n", ":1:1: --processes must be at least 1"},
        {"help: true\n", "help belongs on the command line"},
        {"config: x\n", "config belongs on the command line"},
        {"duration: 5\ntest-duration: 5\n", "same option as duration in line 1"},
        {"mptcp: 1\n", ":1:1: mptcp is not available yet"},
        {"\nrps: fast\n", ":2:1: rps: fast: not a rate"},
        {"password: [\n", "neither JSON nor YAML"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        ck_assert_int_eq(line_parse_with_config(refusals[i].line, ""), E_CONFIG);
        ck_assert_msg(strstr(line_err.text, refusals[i].text) != NULL, "%s", line_err.text);
    }
    ck_assert_int_eq(line_parse("--config /nonexistent/volley.yaml"), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(line_err.text, "/nonexistent/volley.yaml"));
}

TEST(a_file_reaches_nothing_by_itself)
{
    /* a configuration from somebody else writes files, listens, starts programs or reads descriptors */
    static const char *const texts[] = {
        "json: x\n",
        "json: [x]\n",
        "{\"json\": \"x\"}",
        "json: \"-\"\n",
        "out: x\n",
        "hdr: x\n",
        "control: x\n",
        "password-fd: 0\n",
        "stdin-last-argument: true\n",
        "managed: true\n",
        "managed: [cluster=3, tls]\n",
        "managed-program: x\n",
        "managed-args: \"--loadmodule x\"\n",
        "clients: 5\nseed: 1\nout: x\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        static const char *const untrusted[] = {"", "--json y --out y --hdr y",
                                                "--trust-config=no"};
        for (size_t k = 0; k < sizeof untrusted / sizeof untrusted[0]; k++) {
            ck_assert_int_eq(line_parse_with_config(texts[i], untrusted[k]), E_CONFIG);
            ck_assert_msg(strstr(line_err.text, "or --trust-config if") != NULL, "%s",
                          line_err.text);
        }
        enum err_code code = line_parse_with_config(texts[i], "--trust-config -n 5");
        ck_assert_msg(code == OK || strstr(line_err.text, "trust") == NULL, "%s", line_err.text);
    }
    ck_assert_ptr_nonnull(
        strstr((line_parse_with_config(texts[13], "") != OK ? line_err.text : ""), ":3:1: out"));
    ck_assert_int_eq(line_parse_with_config("trust-config: true\njson: x\n", ""), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(line_err.text, "belongs on the command line"));
    line_parses_with_config("json: x\nout: y\n", "--trust-config");
    ck_assert_str_eq(line_request.spec.outputs.json_path, "x");
    ck_assert_int_eq(
        line_parse_with_config("clients: 7\n", "--json x --hdr y --out z --qps 9 --control c"), OK);
    ck_assert_str_eq(line_request.spec.outputs.json_path, "x");
}

TEST(a_path_is_read_or_needs_trust)
{
    /* a new option that names a file to write is taken from any configuration */
    static const char *const only_read[] = {"socket",  "chaos",  "cacert", "cacertdir",
                                            "cert",    "key",    "config", "rate-plan",
                                            "dataset", "replay", "alerts", "kpis"};
    for (size_t i = 0; i < bench_option_table()->row_count; i++) {
        const struct option_row *row = &bench_option_table()->rows[i];
        const char *what = row->argument != NULL ? row->argument : "";
        bool path =
            strcmp(what, "FILE") == 0 || strcmp(what, "DIR") == 0 || strcmp(what, "PATH") == 0;
        bool read = false;
        for (size_t k = 0; k < sizeof only_read / sizeof only_read[0]; k++)
            read |= strcmp(row->name, only_read[k]) == 0;
        ck_assert_msg(!path || read != row->needs_trust, "%s", row->name);
    }
}

TEST(help_before_everything)
{
    /* someone who asks for help gets an error about something else */
    line_parses("-c 0 --help");
    ck_assert(line_request.help);
    line_parses("--help --bogus");
    ck_assert(line_request.help);
    line_parses("-v");
    ck_assert(line_request.version && !line_request.help);
    line_refused("-h", "help is --help");
    line_refused("-r 5 --sequential", "volley valkey-benchmark -r K --sequential");
    line_refused("-r 5 --sequential -q", "volley valkey-benchmark -r K --sequential");
    line_refused("-r 5 --sequential get k", "volley valkey-benchmark -r K --sequential");
}

TEST_SUITE_WITH(bench_options, .tear_down = line_teardown)
