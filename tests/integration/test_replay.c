/* `volley bench --replay`: what reaches a real server, by client and in order, and what is said of the rest. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/recording.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define CLIENTS 23u
#define DATABASES 3u
#define REQUESTS 9000u
#define TCASE_TIMEOUT_SECONDS 90

/* Behind each number: bytes that would end a line, a text or a request. */
static const char tail[] = " \r\n*1\r\n$4\r\nPING\r\n\0\xff";
#define TAIL_BYTES (sizeof tail - 1)

/* As a server writes it to disk. */
#define AOF_SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\nv\r\n1\r\n"

static struct trial trial;
static char path[200];
static struct recording_writer *writer;
static struct err err;

static void begin(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", world.tree.path, name);
    ck_assert_msg(recording_create(&writer, path, true, 0, &err) == OK, "%s", err.text);
}

static void end(void)
{
    ck_assert_msg(recording_finish(writer, &err) == OK, "%s", err.text);
}

static void add(uint64_t at_us, uint32_t client, uint32_t database, uint32_t count,
                const struct recording_argument *arguments)
{
    const struct recording_entry entry = {.at_us = at_us,
                                          .client = client,
                                          .database = database,
                                          .argument_count = count,
                                          .arguments = arguments};
    if (recording_append(writer, &entry, &err) != OK) /* an assertion each is slow to be reported */
        ck_abort_msg("%s", err.text);
}

/* Words separated by blanks. */
static void add_words(uint32_t client, const char *words)
{
    struct recording_argument arguments[8];
    uint32_t count = 0;
    for (const char *at = words; *at != '\0'; at += *at == ' ') {
        arguments[count++] = (struct recording_argument){at, strcspn(at, " ")};
        at += arguments[count - 1].byte_count;
    }
    add(0, client, 0, count, arguments);
}

/* Each client pushes 0, 1, 2 ... to a list of its own: the list is its order. It changes its database now and then,
 * and the last element of the list says how many there are in all of them. */
static void record_lists(uint64_t gap_us)
{
    uint32_t next[CLIENTS] = {0}, random = 1;
    begin("lists");
    for (uint32_t i = 0; i < REQUESTS; i++) {
        char key[32], element[64];
        random = random * 1103515245u + 12345u;
        const uint32_t client = i < CLIENTS ? i : (random >> 16) * (random >> 24) % CLIENTS;
        const int digits = snprintf(element, sizeof element, "%u", next[client]);
        memcpy(element + digits, tail, TAIL_BYTES);
        const struct recording_argument arguments[] = {
            {"RPUSH", 5},
            {key, (size_t)snprintf(key, sizeof key, "list:%u", client)},
            {element, (size_t)digits + TAIL_BYTES}};
        add(i * gap_us, client, next[client] / 7 % DATABASES, 3, arguments);
        next[client]++;
    }
    end();
}

/* How many elements the lists hold; each stands where it belongs. gaps: some may be missing. */
static unsigned long long elements_in_order(bool gaps)
{
    static const char script[] =
        "local sum, last = 0, {} "
        "for db = 0, ARGV[2] - 1 do redis.call('SELECT', db) "
        "for c = 0, ARGV[1] - 1 do local before = -1 "
        "for _, e in ipairs(redis.call('LRANGE', 'list:' .. c, 0, -1)) do "
        "local n = tonumber(string.match(e, '^%d+')) "
        "if n <= before or math.floor(n / 7) % ARGV[2] ~= db or "
        "#e ~= #tostring(n) + ARGV[3] then return 'wrong: ' .. c .. ' ' .. db .. ' ' .. n end "
        "if ARGV[4] == '0' and before >= 0 and n % 7 ~= 0 and n ~= before + 1 then "
        "return 'gap: ' .. c .. ' ' .. db .. ' ' .. n end "
        "before = n sum = sum + 1 end end end return tostring(sum)";
    char *text = test_server_text(&world.server, "EVAL %s 0 %d %d %d %d", script, (int)CLIENTS,
                                  (int)DATABASES, (int)TAIL_BYTES, (int)gaps);
    char *rest;
    const unsigned long long sum = strtoull(text, &rest, 10);
    ck_assert_msg(*rest == '\0', "%s", text);
    free(text);
    return sum;
}

#define REPLAY(...)                                                                                \
    trial_start(&trial, "-p", world.server.port_text, "--replay", path, "--cpus", "none",          \
                __VA_ARGS__, NULL)

static void expect_all(void)
{
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), REQUESTS);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), REQUESTS);
    ck_assert_uint_eq(elements_in_order(false), REQUESTS);
    free(test_server_text(&world.server, "FLUSHALL"));
    trial_free(&trial);
}

TEST(every_request_in_the_order_of_its_client)
{
    /* breaks when a request is lost, sent twice, overtaken by a later one of its client, or sent in another database */
    test_server_start(&world.server, NULL);
    record_lists(50);
    REPLAY("--speed", "max", "--processes", "2", "-P", "8");
    expect_all();
    REPLAY("--speed", "max", "--processes", "1");
    expect_all();
    REPLAY("--speed", "max", "--processes", "3", "-c", "7", "-P", "5");
    expect_all();
    REPLAY("--processes", "3");
    expect_all();
    REPLAY("--speed", "4x", "--processes", "2", "-P", "3", "-c", "6");
    expect_all();
    REPLAY("--qps", "30000", "--processes", "2", "-P", "2");
    expect_all();
}

TEST(the_first_requests_only)
{
    /* breaks when -n or the end of the time cuts each worker's requests and not those of all */
    test_server_start(&world.server, NULL);
    record_lists(1000);
    REPLAY("--speed", "max", "--processes", "3", "-n", "1000");
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 1000);
    ck_assert_uint_eq(elements_in_order(false), 1000);
    trial_free(&trial);
    REPLAY("--processes", "2", "--duration", "1", "--interval", "100ms");
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "due"), 1000);
    trial_free(&trial);
}

TEST(large_requests_one_by_one)
{
    /* breaks when a request that is longer than the ring of a worker is cut, or stops those behind it */
    const size_t large_bytes = 40u << 20;
    char *value = calloc(1, large_bytes);
    ck_assert_ptr_nonnull(value);
    begin("large");
    for (uint32_t i = 0; i < 12; i++) {
        const struct recording_argument arguments[] = {
            {"APPEND", 6}, {"sum", 3}, {value, i % 4 == 1 ? large_bytes : 1000}};
        add(i, 0, i % 2, 3, arguments);
    }
    end();
    free(value);
    test_server_start(&world.server, NULL);
    REPLAY("--speed", "max", "-P", "4");
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 12);
    char *length = test_server_text(&world.server, "EVAL %s 0",
                                    "redis.call('SELECT', 1) return tostring(redis.call('STRLEN', "
                                    "'sum'))");
    ck_assert_uint_eq(strtoull(length, NULL, 10), 3 * large_bytes + 3 * 1000);
    free(length);
    trial_free(&trial);
}

TEST(what_cannot_be_sent_is_left_out)
{
    /* breaks when a recorded SUBSCRIBE or QUIT breaks a connection, or is left out and nobody is told */
    static const char *const words[] = {"SET a 1",          "SUBSCRIBE c",
                                        "BLPOP nothing 0",  "MULTI",
                                        "SET a 2",          "EXEC",
                                        "CLIENT REPLY OFF", "SELECT 3",
                                        "HELLO 3",          "quit",
                                        "CLIENT ID",        "SHUTDOWN",
                                        "NOSUCH a",         "XREAD BLOCK 0 STREAMS s $"};
    begin("odd");
    for (uint32_t i = 0; i < 2 * sizeof words / sizeof words[0]; i++)
        add_words(i % 2, words[i / 2]);
    end();
    test_server_start(&world.server, NULL);
    REPLAY("--speed", "max");
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), 2 * 6);
    ck_assert_int_eq(trial_count(&trial, "requests", "errors"), 2); /* NOSUCH */
    trial_expect(&trial, PROGRAM_ERR, "6 commands are left out: that do not give one reply");
    trial_expect(&trial, PROGRAM_ERR, "4 commands are left out: that wait without a limit");
    trial_expect(&trial, PROGRAM_ERR, "2 commands are left out: SELECT");
    trial_expect_not(&trial, PROGRAM_ERR, "MULTI");
    trial_free(&trial);
    REPLAY("--speed", "max", "-c", "1");
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), 2 * 4);
    trial_expect(&trial, PROGRAM_ERR, "4 commands are left out: MULTI");
    trial_expect(&trial, PROGRAM_ERR, "2 recorded clients share 1 connections");
    trial_free(&trial);
}

static void record_classes(void)
{
    static const char *const names[] = {"GET",  "SET",    "INCR",    "DECR",   "TTL",    "TYPE",
                                        "PTTL", "DUMP",   "LLEN",    "SCARD",  "HLEN",   "ZCARD",
                                        "XLEN", "STRLEN", "PERSIST", "EXISTS", "UNLINK", "quit"};
    begin("classes");
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (uint32_t k = 0; k < 40 - i; k++) {
            char words[40];
            snprintf(words, sizeof words, "%s key:%u%s", names[i], i, i == 1 ? " v" : "");
            add_words(k % 5, words);
        }
    add_words(0, "get key:1"); /* as a client wrote it */
    end();
}

TEST(commands_are_classes)
{
    /* breaks when figures of one command are counted for another, or a rare command for none */
    record_classes();
    test_server_start(&world.server, NULL);
    REPLAY("--speed", "max", "-P", "3", "--processes", "2");
    trial_end(&trial, 0);
    json_t *classes = json_object_get(trial.run, "classes");
    ck_assert_uint_eq(json_array_size(classes), 16);
    for (size_t i = 0; i < 16; i++) {
        const json_t *class = json_array_get(classes, i);
        const long long sent =
            json_integer_value(json_object_get(json_object_get(class, "requests"), "sent"));
        const char *name = json_string_value(json_object_get(class, "name"));
        ck_assert_msg(sent == (i == 0   ? 41
                               : i < 15 ? 40 - (long long)i
                                        : 25 + 24),
                      "%s: %lld", name, sent);
        ck_assert_str_eq(i == 0 ? "GET" : i == 15 ? "other" : name, name);
    }
    trial_free(&trial);
}

TEST(worker_killed)
{
    /* breaks when a worker's death makes its replacement send requests again, or skip some that nobody counts */
    pid_t workers[2];
    test_server_start(&world.server, NULL);
    record_lists(1000);
    for (unsigned turn = 0; turn < 2; turn++) {
        if (turn == 0)
            REPLAY("--speed", "2x", "--processes", "2", "--interval", "100ms");
        else
            REPLAY("--qps", "3000", "--processes", "2", "--interval", "100ms", "-c", "9");
        trial_wait_calls("rpush", 500);
        program_wait_children(&trial.program, workers, 2);
        ck_assert_int_eq(kill(workers[turn], SIGKILL), 0);
        trial_end(&trial, 0);
        ck_assert_int_eq(trial_restarts(&trial), 1);
        const long long sent = trial_count(&trial, "requests", "sent");
        ck_assert_int_eq(sent + trial_count(&trial, "requests", "shed"), REQUESTS);
        ck_assert_uint_le(elements_in_order(true), (unsigned long long)sent);
        ck_assert_uint_ge(elements_in_order(true),
                          (unsigned long long)trial_count(&trial, "requests", "ok"));
        trial_free(&trial);
        free(test_server_text(&world.server, "FLUSHALL"));
        free(test_server_text(&world.server, "CONFIG RESETSTAT"));
    }
}

TEST(worker_killed_as_fast_as_possible)
{
    /* the same where no schedule goes on meanwhile */
    pid_t workers[2];
    test_server_start(&world.server, NULL);
    record_lists(0);
    test_server_pause(&world.server);
    REPLAY("--speed", "max", "--processes", "2", "--interval", "100ms", "--wait-ready", "20s",
           "--connection-timeout", "20s");
    test_server_resume(&world.server);
    trial_wait_calls("rpush", 100);
    test_server_pause(&world.server);
    program_wait_children(&trial.program, workers, 2);
    ck_assert_int_eq(kill(workers[1], SIGKILL), 0);
    program_wait_text(&trial.program, PROGRAM_ERR, "died by signal 9");
    test_server_resume(&world.server);
    trial_end(&trial, 0);
    const long long sent = trial_count(&trial, "requests", "sent");
    ck_assert_int_eq(sent + trial_count(&trial, "requests", "shed"), REQUESTS);
    ck_assert_uint_ge(elements_in_order(true),
                      (unsigned long long)trial_count(&trial, "requests", "ok"));
    trial_free(&trial);
}

TEST(interrupted)
{
    /* breaks when a replay that is stopped loses its report, or sends what was to come */
    test_server_start(&world.server, NULL);
    record_lists(10000);
    REPLAY("--processes", "2", "--interval", "100ms");
    trial_wait_calls("rpush", 50);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    ck_assert(trial_interrupted(&trial));
    ck_assert_int_lt(trial_count(&trial, "requests", "sent"), REQUESTS);
    ck_assert_uint_eq(elements_in_order(false),
                      (unsigned long long)trial_count(&trial, "requests", "ok"));
    trial_free(&trial);
}

TEST(connections_end_under_way)
{
    /* breaks when what a broken connection had not sent is forgotten, or goes to the database of the one before */
    test_server_start(&world.server, NULL);
    record_lists(200);
    REPLAY("--processes", "2", "-P", "4");
    for (int i = 0; i < 3; i++) {
        trial_wait_calls("rpush", 1500 * (i + 1));
        free(test_server_text(&world.server, "CLIENT KILL TYPE normal"));
    }
    trial_end(&trial, 0);
    const long long sent = trial_count(&trial, "requests", "sent");
    ck_assert_int_eq(sent, REQUESTS);
    ck_assert_uint_ge(elements_in_order(true),
                      (unsigned long long)trial_count(&trial, "requests", "ok"));
    trial_free(&trial);
}

TEST(far_behind)
{
    /* breaks when what was due and never read is missing in the totals or the row in which it was due, so that a replay which the server cannot keep up
     * with says that it reached its target */
    const uint32_t requests = 200000;
    begin("far");
    for (uint32_t i = 0; i < requests; i++) {
        const struct recording_argument arguments[] = {{"INCR", 4}, {"counter", 7}};
        add(i / 100, i % 10, 0, 2, arguments);
    }
    end();
    test_server_start(&world.server, NULL);
    test_server_pause(&world.server);
    REPLAY("--processes", "2", "--duration", "1", "--interval", "100ms", "--wait-ready", "20s",
           "--connection-timeout", "20s", "--request-timeout", "20s");
    test_server_resume(&world.server);
    trial_wait_calls("incr", 1);
    test_server_pause(&world.server);
    program_wait_text(&trial.program, PROGRAM_OUT, "Verdict: ");
    test_server_resume(&world.server);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "due"), requests);
    const json_t *first = json_array_get(json_object_get(trial.run, "intervals"), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(first, "requests"), "due")),
                     requests);
    ck_assert_str_eq(trial_verdict(&trial, "target"), "RED");
    trial_free(&trial);
}

TEST(over_tls)
{
    /* breaks when what goes ahead of a request, or a part of one, is lost where the transport keeps bytes back */
    record_lists(20);
    trial_start(&trial, "--managed", "tls", "--replay", path, "--speed", "max", "-P", "8",
                "--processes", "2", "--cpus", "none", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), REQUESTS);
    trial_free(&trial);
}

static void expect_refused(const char *words, int exit_status, const char *text)
{
    struct program program;
    char command[600];
    snprintf(command, sizeof command, "$volley bench --replay %s %s", path, words);
    program_run_shell(&program, world.tree.path, command, exit_status);
    ck_assert_msg(strstr(program.err, text) != NULL, "%s: %s", words, program.err);
    program_free(&program);
}

static void damage(void)
{
    FILE *file = fopen(path, "r+b");
    ck_assert(file != NULL && fseek(file, 3000, SEEK_SET) == 0 && fputs("\1\2\3\4", file) >= 0 &&
              fclose(file) == 0);
}

TEST(refused_before_anything_connects)
{
    /* breaks when what makes no sense beside --replay is passed over in silence, or found out under load */
    static const struct {
        const char *words, *text;
    } refused[] = {
        {"-t get", "--replay and --type exclude each other"},
        {"--workload cache", "--replay and --workload exclude each other"},
        {"--cluster", "a cluster has database 0 only"},
        {"--read-from-replica yes", "--replay and --read-from-replica exclude each other"},
        {"--warmup 1", "each recorded request is sent once"},
        {"--speed 0", "give a factor from 0.001x to 1000x"},
        {"--speed fast", "give a factor from 0.001x to 1000x"},
        {"--speed 2x --qps 5", "--speed and --qps exclude each other"},
        {"--qps 5 --arrival poisson", "--arrival poisson exclude each other"},
        {"-c 24", "the recording has 23 clients"},
        {"-- GET a", "the command GET exclude each other"},
        {"--dbnum 2", "in the database in which it was recorded"},
    };
    record_lists(10);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char words[100];
        snprintf(words, sizeof words, "-p 1 %s", refused[i].words);
        expect_refused(words, 2, refused[i].text);
    }
    damage();
    expect_refused("-p 1", 4, "damaged");
    temp_tree_write(&world.tree, "/lists", "", 0600);
    expect_refused("-p 1", 4, "lists is empty");
    temp_tree_write(&world.tree, "/lists", "\177ELF\2\1\1", 0600);
    expect_refused("-p 1", 4, "is neither a recording of volley, nor text of MONITOR");
    temp_tree_write(&world.tree, "/lists", AOF_SET "*2\r\n$3\r\nDELL\r\n", 0600);
    expect_refused("-p 1 --speed max", 4, "damaged in the request that begins at byte 30");
    expect_refused("-p 1", 2, "has no times of its requests: give --qps N, or --speed max");
    unlink(path);
    expect_refused("-p 1", 3, "lists");
}

/* ---- what is no recording of volley ---- */

#define MONITORED                                                                                  \
    "OK\n1339518083.100000 [0 127.0.0.1:60866] \"set\" \"k\" \"a\\x00\\r\\n\\\"\\xff\"\n"          \
    "1339518083.101000 [0 127.0.0.1:60867] \"AUTH\" \"secret\"\n"                                  \
    "1339518083.102000 [0 127.0.0.1:60867] \"append\" \"k\n"                                       \
    "+1339518083.103000 (db 2) \"rpush\" \"list\" \"v\"\n"                                         \
    "1339518083.104000 [0 lua] \"incr\" \"n\"\n1339518083.104000 [0 127.0.0.1:60867] \"QUIT\"\n"

/* How many of this reason were left out, as run.json has it. */
static long long left_out(const char *reason)
{
    const json_t *replay = json_object_get(json_object_get(trial.json, "environment"), "replay");
    const json_t *list = json_object_get(replay, "left_out");
    ck_assert(json_is_array(list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (strcmp(json_string_value(json_object_get(item, "reason")), reason) == 0)
            return json_integer_value(json_object_get(item, "count"));
    }
    return 0;
}

static void expect_monitored(const char *form)
{
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 2);
    ck_assert_int_eq(test_server_integer(&world.server, "STRLEN k"), 6);
    char *text = test_server_text(&world.server, "EVAL %s 0",
                                  "redis.call('SELECT', 2) return redis.call('LRANGE', 'list', 0, "
                                  "-1)[1]");
    ck_assert_str_eq(text, "v");
    free(text);
    const json_t *replay = json_object_get(json_object_get(trial.json, "environment"), "replay");
    ck_assert_str_eq(json_string_value(json_object_get(replay, "form")), form);
    ck_assert_int_eq(left_out("unparsed"), 1);
    ck_assert_int_eq(left_out("not_recorded"), 1);
    ck_assert_int_eq(left_out("no_reply"), 1);
    trial_expect(&trial, PROGRAM_OUT, ", 2 requests of 3 clients\n");
    trial_expect(&trial, PROGRAM_OUT, "  left out: 1: lines that do not parse\n");
    trial_expect(&trial, PROGRAM_OUT, "  left out: 1: requests with secrets, or");
    trial_free(&trial);
    free(test_server_text(&world.server, "FLUSHALL"));
}

TEST(text_of_monitor)
{
    /* breaks when lines of some age are sent as other bytes, what is left out of them is told nowhere, or a file is left */
    struct program program;
    test_server_start(&world.server, NULL);
    snprintf(path, sizeof path, "%s/text", world.tree.path);
    temp_tree_write(&world.tree, "/text", MONITORED, 0600);
    REPLAY("--processes", "2");
    program_wait_text(&trial.program, PROGRAM_ERR, "/text:4: ");
    expect_monitored("monitor");
    program_run_shell(&program, world.tree.path, "ls -A | grep volley-replay", 1);
    program_free(&program);
    expect_refused("-p 1 --strict", 4, "/text:4: ");
    program_run_shell(&program, world.tree.path, "$volley record --from text -o compact 2>&1", 0);
    program_free(&program);
    snprintf(path, sizeof path, "%s/compact", world.tree.path);
    REPLAY("--speed", "max");
    expect_monitored("recording");
}

TEST(append_only_files)
{
    /* breaks when what a real server has written to disk, whole or cut, is not sent in its order, or the RDB in front of it is
     * missing in the report */
    struct program program;
    test_server_start(&world.server, NULL);
    free(test_server_text(&world.server, "SET before 1"));
    free(test_server_text(&world.server, "CONFIG SET appendonly yes"));
    for (long long waiting = 1; waiting != 0;)
        waiting = test_server_info(&world.server, "aof_rewrite_in_progress") +
                  test_server_info(&world.server, "aof_rewrite_scheduled");
    for (int i = 0; i < 100; i++)
        test_server_integer(&world.server, "RPUSH list %s", "0123456789");
    free(test_server_text(&world.server, "CONFIG SET appendonly no"));
    free(test_server_text(&world.server, "FLUSHALL"));
    snprintf(path, sizeof path, "%s/appendonlydir", world.server.directory);
    REPLAY("--speed", "max");
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_OUT, "/appendonlydir, an append-only file, 100 requests of 1 ");
    trial_expect(&trial, PROGRAM_ERR, "is a snapshot (RDB) and was skipped");
    ck_assert_int_eq(left_out("snapshot"), 1);
    ck_assert_int_eq(test_server_integer(&world.server, "LLEN list"), 100);
    trial_free(&trial);

    program_run_shell(&program, world.server.directory,
                      "head -c -5 appendonlydir/*.incr.aof > whole", 0);
    program_free(&program);
    snprintf(path, sizeof path, "%s/whole", world.server.directory);
    REPLAY("--qps", "1000");
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_ERR, "ends within the request that begins at byte ");
    trial_expect(&trial, PROGRAM_OUT, "; it ends in the middle of a request\n");
    ck_assert_int_eq(test_server_integer(&world.server, "LLEN list"), 199);
    trial_free(&trial);
    expect_refused("-p 1 --qps 10 --strict", 4, "ends within the request");
    snprintf(path, sizeof path, "%s", world.tree.path);
    expect_refused("-p 1 --qps 10", 3, "is a directory without a manifest (*.manifest)");
}

TEST(no_room_for_what_is_made_of_it)
{
    /* breaks when a full disk ends in a part of the requests being sent, or in a message that does not say which disk */
    struct program program;
    char command[700], lines[400] = "";
    for (int i = 0; i < 4; i++)
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines),
                 "%d.5 [0 127.0.0.1:1] \"SET\" \"k\" \"%040d\"\n", i + 1, i);
    temp_tree_write(&world.tree, "/text", lines, 0600);
    snprintf(command, sizeof command,
             "for i in 1 2 3 4 5 6 7 8; do cat text text > more; mv more text; done; trap '' XFSZ; "
             "ulimit -f 16; exec $volley bench -p 1 --replay text");
    program_run_shell(&program, world.tree.path, command, 1);
    ck_assert_msg(strstr(program.err, "cannot write the requests of text to a file without a name "
                                      "in ") != NULL,
                  "%s", program.err);
    ck_assert_ptr_nonnull(strstr(program.err, "TMPDIR names another directory"));
    program_free(&program);
}

TEST_SUITE_WITH(replay, .set_up = trial_set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
