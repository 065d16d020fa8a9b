/* valkey-benchmark's command line as it is meant there: each row, what the rows mean together, refusals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/dialect.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define MAX_ARGS 64

static struct bench_request request;
static struct err err;
static const struct dialect *dialect = &dialect_valkey;

static void setup(void)
{
    dialect = &dialect_valkey;
}

static void teardown(void)
{
    bench_options_free(&request);
}

/* One line, cut at blanks. */
static enum err_code parse(const char *line)
{
    static char buffer[1024];
    const char *argv[MAX_ARGS] = {"valkey-benchmark"};
    int argc = 1;
    bench_options_free(&request);
    memset(&err, 0, sizeof err);
    snprintf(buffer, sizeof buffer, "%s", line);
    for (char *at = buffer; *at != '\0' && argc < MAX_ARGS;) {
        argv[argc++] = at;
        at += strcspn(at, " ");
        if (*at == ' ')
            *at++ = '\0';
    }
    return dialect_options_parse(&request, dialect, argc, argv, &err);
}

static const struct spec *ck_parses(const char *line)
{
    enum err_code code = parse(line);
    ck_assert_msg(code == OK, "\"%s\": %s", line, err.text);
    return &request.spec;
}

#define CK_NUMBER(line_, of_, number_) ck_assert_int_eq((int64_t)ck_parses(line_)->of_, number_)
#define CK_TEXT(line_, member_, expected_) ck_assert_str_eq(ck_parses(line_)->member_, expected_)

TEST(names)
{
    /* a link of that name is volley with another command line than it says */
    ck_assert_ptr_eq(dialect_find("valkey-benchmark"), &dialect_valkey);
    ck_assert_ptr_eq(dialect_find("/usr/libexec/volley/redis-benchmark"), &dialect_redis);
    ck_assert_ptr_null(dialect_find("volley"));
    ck_assert_ptr_null(dialect_find("valkey-benchmark/volley"));
    ck_assert_ptr_null(dialect_find(""));
    ck_assert_ptr_eq(dialect_at(0), &dialect_valkey);
    ck_assert_ptr_null(dialect_at(2));
    ck_assert_str_eq(dialect_with_option("--precision"), "valkey-benchmark");
    ck_assert_ptr_null(dialect_with_option("--clients"));
    ck_assert_ptr_null(dialect_with_option(""));
}

TEST(tables)
{
    /* a row that nobody can give, two rows that one word gives, or one without help */
    for (size_t d = 0; dialect_at(d) != NULL; d++) {
        const struct option_table *table = dialect_option_table(dialect_at(d));
        ck_assert_uint_eq(table->row_count, dialect_at(d)->row_count);
        for (size_t i = 0; i < table->row_count; i++) {
            const struct option_row *row = &table->rows[i];
            ck_assert_ptr_nonnull(row->spelled);
            ck_assert(row->help != NULL || row->kind == OPTION_NOT_YET);
            for (size_t k = 0; k < i; k++) {
                ck_assert_str_ne(row->name, table->rows[k].name);
                ck_assert(row->spelled[0] == '\0' ||
                          strcmp(row->spelled, table->rows[k].spelled) != 0);
            }
        }
    }
}

TEST(defaults)
{
    /* what is not said means what volley's own means by it, not what that tool means */
    const struct spec *spec = ck_parses("");
    ck_assert_str_eq(spec->endpoint.host, "127.0.0.1");
    ck_assert_uint_eq(spec->endpoint.port, 6379);
    ck_assert_uint_eq(spec->load.clients, 50);
    ck_assert_uint_eq(spec->load.requests, 100000);
    ck_assert_uint_eq(spec->load.data_bytes, 3);
    ck_assert_uint_eq(spec->load.pipeline, 1);
    ck_assert_uint_eq(spec->workers.processes, 1);
    ck_assert_uint_eq(spec->load.max_errors, 1);
    ck_assert_uint_eq(spec->load.interval_ns, 250 * NS_PER_MS);
    ck_assert_uint_eq(spec->load.function_count, 10);
    ck_assert_uint_eq(spec->load.function_keys, 1);
    ck_assert_int_eq(spec->outputs.log_level, LOG_ERROR);
    ck_assert_int_eq(spec->load.placeholders, PLACEHOLDERS_BENCHMARK_FIXED);
    ck_assert(spec->load.requests_are_commands && spec->load.tag_all_tests &&
              spec->endpoint.tls.any_name);
    ck_assert_uint_eq(request.notice_count, 0);
    ck_assert_str_eq(spec->load.tests[0], "ping_inline");
    ck_assert_str_eq(spec->load.tests[spec->load.test_count - 1], "fcall");
    ck_assert_ptr_null(spec->load.command);
    dialect = &dialect_redis;
    spec = ck_parses("");
    ck_assert_str_eq(spec->load.tests[spec->load.test_count - 1], "xadd");
    for (uint32_t i = 0; i < spec->load.test_count; i++)
        ck_assert_str_ne(spec->load.tests[i], "mget");
}

TEST(rows)
{
    /* an option of that tool is not known, or decides something else */
    CK_TEXT("-h there", endpoint.host, "there");
    CK_NUMBER("-p 7000", endpoint.port, 7000);
    CK_TEXT("-s /run/v.sock", endpoint.socket_path, "/run/v.sock");
    CK_TEXT("-a -secret", endpoint.password, "-secret"); /* a value may look like anything */
    CK_TEXT("--user ann -a x", endpoint.user, "ann");
    CK_NUMBER("-c 7", load.clients, 7);
    CK_NUMBER("-c 0", load.clients, 1);
    CK_NUMBER("-n 5", load.requests, 5);
    CK_NUMBER("--duration 3", load.duration_ns, 3 * NS_PER_SECOND);
    CK_NUMBER("--duration 3", load.requests, 0);
    CK_NUMBER("--duration 0", load.requests, 100000);
    CK_NUMBER("--warmup 2", load.warmup_ns, 2 * NS_PER_SECOND);
    CK_NUMBER("--warmup -1", load.warmup_ns, 0);
    CK_NUMBER("-d 42", load.data_bytes, 42);
    CK_NUMBER("-d 0", load.data_bytes, 1);
    CK_NUMBER("-d 99999999999999999999", load.data_bytes, 1ull << 30);
    CK_NUMBER("--dbnum 4", endpoint.database, 4);
    CK_NUMBER("-3", endpoint.resp3, true);
    CK_NUMBER("--threads 4", workers.threads, 4);
    CK_NUMBER("--threads 4", workers.processes, 0);
    CK_NUMBER("--threads 0", workers.processes, 1);
    CK_NUMBER("--threads 9999", workers.threads, 500);
    ck_assert_str_eq(request.notices[0], "WARNING: --threads 9999: no more than 500 run.");
    CK_NUMBER("--cluster", endpoint.cluster, true);
    CK_NUMBER("--cluster --rfr yes", endpoint.replica_reads, REPLICA_READS_YES);
    CK_NUMBER("--cluster --rfr all", endpoint.replica_reads, REPLICA_READS_ALL);
    CK_NUMBER("--rfr yes", endpoint.replica_reads, REPLICA_READS_NO);
    CK_NUMBER("--enable-tracking", endpoint.tracking, true);
    CK_NUMBER("-k 0", connections.reconnect_every, 1);
    CK_NUMBER("-k 1", connections.reconnect_every, 0);
    CK_NUMBER("-k -2", connections.reconnect_every, 0);
    CK_NUMBER("-P 16", load.pipeline, 16);
    CK_NUMBER("-P -3", load.pipeline, 1);
    CK_NUMBER("-q", outputs.quiet, true);
    CK_NUMBER("--csv", outputs.csv, true);
    CK_NUMBER("-l", load.loop, true);
    CK_NUMBER("-x set k", load.last_argument_from_stdin, true);
    CK_NUMBER("--rps 1000", rate.step_count, 1);
    CK_NUMBER("--rps 0", rate.step_count, 0);
    CK_NUMBER("--seed 12", load.seed, 12);
    CK_NUMBER("--num-functions 3", load.function_count, 3);
    CK_NUMBER("--num-keys-in-fcall 0", load.function_keys, 0);
    ck_parses("--precision 4");
    ck_parses("--precision -1");
    ck_parses("--help --nonsense");
    ck_assert(request.help);
    ck_parses("-v");
    ck_assert(request.version);
    ck_parses("--version");
    ck_assert(request.version);
}

TEST(tls_rows)
{
    /* a certificate's name is held against the server's, which that tool does not do, or an option without
     * --tls is refused */
    CK_NUMBER("--tls", endpoint.tls.wanted, true);
    CK_TEXT("--tls --sni name", endpoint.tls.sni, "name");
    CK_TEXT("--tls --cacert ca.pem", endpoint.tls.cacert, "ca.pem");
    CK_TEXT("--tls --cacertdir ca", endpoint.tls.cacertdir, "ca");
    CK_NUMBER("--tls --insecure", endpoint.tls.insecure, true);
    CK_TEXT("--tls --cert c --key k", endpoint.tls.key, "k");
    CK_TEXT("--tls --tls-ciphers DEFAULT:-AES128-SHA256", endpoint.tls.ciphers,
            "DEFAULT:-AES128-SHA256");
    CK_TEXT("--tls --tls-ciphersuites TLS_AES_128_GCM_SHA256", endpoint.tls.ciphersuites,
            "TLS_AES_128_GCM_SHA256");
    ck_assert_ptr_null(ck_parses("--cacert ca.pem --insecure --sni x")->endpoint.tls.cacert);
    CK_NUMBER("-u valkeys://h:1", endpoint.tls.wanted, true);
}

TEST(later_wins)
{
    /* two options for one thing are refused, or the first one counts */
    CK_NUMBER("-c 5 -c 6", load.clients, 6);
    CK_TEXT("-u redis://a:1 -h b", endpoint.host, "b");
    CK_TEXT("-h b -u redis://a:1", endpoint.host, "a");
    CK_NUMBER("-h b -p 9 -u redis://a", endpoint.port, 9);
    CK_TEXT("-u valkey://ann:pw@a:1/3", endpoint.user, "ann");
    CK_NUMBER("-u valkey://ann:pw@a:1/3", endpoint.database, 3);
    ck_assert_ptr_null(ck_parses("-u valkey://ann:pw@a:1/3 -u valkey://b")->endpoint.user);
    CK_TEXT("-a x -u valkey://b", endpoint.password, "x");
    CK_TEXT("-h b -p 9 -s /sock", endpoint.socket_path, "/sock");
    CK_TEXT("-u redis://a:1 -s /sock", endpoint.socket_path, "/sock");
}

TEST(keys)
{
    /* placeholders are drawn without -r, or the numbers of --sequential are not those of -r */
    CK_NUMBER("-r 100", load.placeholders, PLACEHOLDERS_BENCHMARK);
    CK_NUMBER("-r 100", load.key_order, KEYS_RANDOM);
    CK_NUMBER("-r 100", load.keyspace, 100);
    CK_NUMBER("-r 0", load.key_order, KEYS_ONE);
    CK_NUMBER("-r -5", load.placeholders, PLACEHOLDERS_BENCHMARK);
    CK_NUMBER("--sequential", load.placeholders, PLACEHOLDERS_BENCHMARK_FIXED);
    CK_NUMBER("-r 100 --sequential", load.key_order, KEYS_SEQUENTIAL);
    CK_NUMBER("--sequential -r 100", load.keyspace, 100);
    CK_NUMBER("--sequential", load.key_order, KEYS_ONE);
    CK_NUMBER("-r 100000 --sequential --seed 1 -t set -n 100000", load.keyspace, 100000);
}

TEST(tests_of_t)
{
    /* tests run in another order than there, twice, or not at all without a word */
    const struct spec *spec = ck_parses("-t GET,set,get,ping");
    ck_assert_uint_eq(spec->load.test_count, 4);
    ck_assert_str_eq(spec->load.tests[0], "ping_inline");
    ck_assert_str_eq(spec->load.tests[1], "ping_mbulk");
    ck_assert_str_eq(spec->load.tests[2], "set");
    ck_assert_str_eq(spec->load.tests[3], "get");
    ck_assert_uint_eq(ck_parses("-t lrange")->load.test_count, 4);
    ck_assert_uint_eq(request.notice_count, 0);
    ck_assert_uint_eq(ck_parses("-t ,set,,old,older")->load.test_count, 1);
    ck_assert_uint_eq(request.notice_count, 1);
    ck_assert_str_eq(request.notices[0], "WARNING: there is no test old, older: left out.");
    ck_assert_int_eq(parse("-t old"), E_USAGE);
    ck_assert_int_eq(parse("-t ,"), E_USAGE);
}

TEST(commands)
{
    /* a command loses a part, or options behind it are taken from it */
    const struct spec *spec = ck_parses("-n 12 -- incr foo ; 3 incr bar");
    ck_assert_uint_eq(spec->load.command_argc, 6);
    ck_assert_str_eq(spec->load.command[0], "incr");
    ck_assert_uint_eq(spec->load.test_count, 0);
    ck_assert_uint_eq(ck_parses("set k -q ;")->load.command_argc, 3);
    ck_assert(!request.spec.outputs.quiet);
    ck_assert_uint_eq(request.notice_count, 0);
    ck_parses("-t get set k v");
    ck_assert_uint_eq(request.notice_count, 1);
    ck_assert_str_eq(request.notices[0], "WARNING: Option -t is ignored.");
    ck_assert(!ck_parses("-x")->load.last_argument_from_stdin);
    ck_parses("-e set k v");
    ck_assert_uint_eq(request.notice_count, 1);
}

TEST(idle)
{
    /* idle connections carry load, or end by themselves */
    const struct spec *spec = ck_parses("-c 10 -I -n 5 -t set");
    ck_assert_uint_eq(spec->load.clients, 10);
    ck_assert_uint_eq(spec->load.requests, 0);
    ck_assert_uint_gt(spec->load.duration_ns, 1000 * NS_PER_SECOND);
    ck_assert_uint_eq(spec->rate.step_count, 1);
    ck_assert_uint_eq(spec->rate.steps[0].from_micro, 0);
}

/* Refused as that tool refuses: the option, not a sentence. */
static void ck_unknown(const char *line, const char *argument)
{
    ck_assert_msg(parse(line) == E_USAGE, "\"%s\" is accepted", line);
    ck_assert_msg(request.values.refused != NULL, "\"%s\" says: %s", line, err.text);
    ck_assert_str_eq(request.values.refused, argument);
}

/* The word that stands at this place of the only class, in braces. */
static const char *word_of(const char *line, size_t command, size_t word)
{
    const struct workload_plan *plan = ck_parses(line)->load.workload;
    ck_assert_ptr_nonnull(plan);
    ck_assert_uint_lt(command, plan->classes[0].command_count);
    ck_assert_uint_lt(word, plan->classes[0].commands[command].word_count);
    return plan->classes[0].commands[command].words[word];
}

TEST(fields_of_a_table)
{
    /* another placeholder, or a field, becomes of what stands in a command with --dataset */
    struct temp_tree tree;
    char path[200], line[400];
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/t.csv", "id,b_c,d{e\n1,2,3\n4,5,6\n", 0600);
    snprintf(path, sizeof path, "--dataset %s/t.csv", tree.path);
    static const struct {
        const char *line;
        size_t command, word;
        const char *becomes;
    } cases[] = {
        {"SET k:__rand_int__ __field:id__", 0, 1, "k:__rand_int__"},
        {"-r 9 SET k:__rand_int__ __field:id__", 0, 1, "k:{key:rand_int}"},
        {"-r 9 SET __rand_1st____rand_9th__ __field:b_c__", 0, 1,
         "{key:rand_1st#1}{key:rand_9th#1}"},
        {"SET k __field:b_c____field:id__", 0, 2, "{field b_c}{field id}"},
        {"SET k __field:d{e__x{y}__field:", 0, 2, "{field d{e}x\\{y}__field:"},
        {"SET k{tag} __field:id__", 0, 1, "k\\{tag}"},
        {"SET k __field:id__ ; 2 INCR __field:b_c__", 2, 1, "{field b_c}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(line, sizeof line, "%s %s", path, cases[i].line);
        ck_assert_str_eq(word_of(line, cases[i].command, cases[i].word), cases[i].becomes);
    }
    snprintf(line, sizeof line, "%s --maxdocs 1 SET k __field:id__", path);
    ck_assert_uint_eq(ck_parses(line)->load.workload->data.row_count, 1);
    snprintf(line, sizeof line, "%s --maxdocs 0 SET k __field:id__", path);
    ck_assert_uint_eq(ck_parses(line)->load.workload->data.row_count, 2);
    static const struct {
        const char *line, *says;
    } refused[] = {
        {"", "Dataset mode requires a command with field placeholders"},
        {"SET a b", "Dataset mode requires at least one field placeholder"},
        {"SET a __field:__", "Dataset mode requires at least one field placeholder"},
        {"SET a __field:iid__", "the data has no field iid; did you mean id?"},
        {"SET a __field:id__ __data__", "__data__ placeholders cannot be used with --dataset"},
        {"SET a __field:i}d__", "__field:i}d__: a name of a field"},
        {"--cluster SET a{tag} __field:id__", "{tag} cannot be used with --dataset"},
        {"-x SET __field:id__", "--dataset and -x exclude each other"},
        {"65 SET a __field:id__", "a sequence has up to 64 commands"},
        {"1x SET a __field:id__", "1x: how many times the command is sent"},
        {"1 ; __field:id__", NULL},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        snprintf(line, sizeof line, "%s %s", path, refused[i].line);
        ck_assert_msg(parse(line) == (refused[i].says != NULL ? E_USAGE : OK), "%s: %s", line,
                      err.text);
        ck_assert_msg(refused[i].says == NULL || strstr(err.text, refused[i].says) != NULL,
                      "%s says: %s", line, err.text);
    }
    temp_tree_remove(&tree);
}

TEST(refusals)
{
    /* options of volley's own, or a spelling of them, mean something where that tool refuses them */
    ck_unknown("--foo", "--foo");
    ck_unknown("-c", "-c");
    ck_unknown("-n", "-n");
    ck_unknown("-c5", "-c5");
    ck_unknown("-ql", "-ql");
    ck_unknown("--rps=5", "--rps=5");
    ck_unknown("--clients 5", "--clients");
    ck_unknown("--managed", "--managed");
    ck_unknown("--config x", "--config");
    ck_unknown("--explain", "--explain");
    ck_unknown("--max-errors 3", "--max-errors");
    ck_unknown("--rfr", "--rfr");
    ck_unknown("-", "-");
    static const struct {
        const char *line, *text;
    } sentences[] = {
        {"-n 5 --duration 3", "Options -n and --duration are mutually exclusive."},
        {"--duration 3 -n 5", "Options -n and --duration are mutually exclusive."},
        {"-n many", "-n many: not a number"},
        {"-n 0", "-n 0: out of range"},
        {"-p 70000", "-p 70000: out of range"},
        {"-k yes", "-k yes: not a number"},
        {"--rfr sometimes", "sometimes"},
        {"--fuzz", "--fuzz is not available yet"},
        {"--mptcp", "--mptcp is not available yet"},
        {"--rdma", "--rdma is not available yet"},
        {"-u http://x", "-u: unknown scheme"},
    };
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        ck_assert_int_eq(parse(sentences[i].line), E_USAGE);
        ck_assert_ptr_null(request.values.refused);
        ck_assert_msg(strstr(err.text, sentences[i].text) != NULL, "\"%s\" says: %s",
                      sentences[i].line, err.text);
    }
}

TEST(page)
{
    /* the page of differences has rows that end too early, or an option less */
    struct printed printed;
    printed_begin(&printed);
    dialect_print_markdown(&dialect_valkey, printed.file);
    char *text = printed_end(&printed);
    size_t lines = 0;
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1, lines++) {
        size_t cells = 0;
        for (const char *at = line; *at != '\n'; at++)
            cells += *at == '|' && (at == line || at[-1] != '\\');
        ck_assert_msg(cells == 5, "%zu: %.*s", cells, (int)strcspn(line, "\n"), line);
    }
    ck_assert_uint_eq(lines, dialect_valkey.row_count + 2);
    ck_assert_ptr_nonnull(strstr(text, "\n| `-v`, `--version` | "));
    ck_assert_ptr_nonnull(strstr(text, "\n| `-k BOOLEAN` | `-k`, `--keepalive 0\\|1` |"));
    free(text);
}

TEST_SUITE_WITH(dialect, .set_up = setup, .tear_down = teardown)
