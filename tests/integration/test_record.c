/* `volley record`: what clients send to a server, in a file. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/recording.h"
#include "tests/support/check/at_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static char path[200];
static struct program program;
static struct err err;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    snprintf(path, sizeof path, "%s/traffic", tree.path);
    err = (struct err){.code = OK};
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

/* Until the server has a client that monitors. */
static void wait_for_monitor(void)
{
    for (bool found = false; !found;) {
        char *clients = test_server_text(&server, "CLIENT LIST");
        found = strstr(clients, "cmd=monitor") != NULL;
        free(clients);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

static void start_recording(const char *more, const char *more_value)
{
    program_start_volley(&program, "record", "-p", server.port_text, "-o", path, "--duration", "60",
                         more, more_value, NULL);
    wait_for_monitor();
}

static void end_recording(int exit_status)
{
    program_signal(&program, SIGINT);
    program_wait(&program);
    ck_assert_msg(program.exit_status == exit_status, "exit status %d: %s%s", program.exit_status,
                  program.out, program.err);
}

static uint64_t count_of(const struct recording_facts *facts, const char *name)
{
    for (uint32_t i = 0; i < facts->command_count; i++) {
        if (strcmp(facts->commands[i].name, name) == 0)
            return facts->commands[i].count;
    }
    return 0;
}

static struct recording_facts facts_of(const char *file)
{
    struct recording_reader *reader;
    ck_assert_msg(recording_open(&reader, file, &err) == OK, "%s", err.text);
    ck_assert_msg(recording_known_facts(reader) != NULL, "it has no trailer");
    struct recording_facts facts = *recording_known_facts(reader);
    recording_close(reader);
    return facts;
}

static char *read_all(const char *file)
{
    FILE *in = fopen(file, "rb");
    ck_assert_ptr_nonnull(in);
    char *bytes = calloc(1, 4 << 20);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_gt(fread(bytes, 1, (4 << 20) - 1, in), 0);
    fclose(in);
    return bytes;
}

TEST(every_request_is_recorded_once)
{
    /* Breaks when requests are lost, volley's own are among them, or an interrupt leaves a file without its end. */
    start_recording(NULL, NULL);
    call_expect(&call, 0, &at_server, "--ratio 1:3 -n 4000 -r 100 -d 50 -c 4");
    call_free(&call);
    end_recording(130);
    struct recording_facts facts = facts_of(path);
    ck_assert_uint_eq(count_of(&facts, "SET"), 1000);
    ck_assert_uint_eq(count_of(&facts, "GET"), 3000);
    ck_assert_uint_eq(count_of(&facts, "MONITOR"), 0);
    ck_assert(facts.has_times && facts.span_us > 0);
    ck_assert_uint_ge(facts.clients, 4);
    ck_assert_ptr_nonnull(strstr(program.out, "Ended by an interrupt"));
    ck_assert_ptr_nonnull(strstr(program.out, "What MONITOR cost"));
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
}

TEST(secrets_are_not_recorded)
{
    /* Breaks when a password stands in the file, in either form. */
    static const char *const forms[] = {NULL, "--text"};
    for (size_t i = 0; i < 2; i++) {
        unlink(path);
        start_recording(forms[i], NULL);
        free(test_server_text(&server, "AUTH swordfish"));
        free(test_server_text(&server, "HELLO 2 AUTH default swordfish"));
        free(test_server_text(&server, "ACL SETUSER other on >swordfish"));
        free(test_server_text(&server, "CONFIG SET masterauth swordfish"));
        free(test_server_text(&server, "SET shown clownfish"));
        end_recording(130);
        char *bytes = read_all(path);
        FILE *in = fopen(path, "rb");
        fseek(in, 0, SEEK_END);
        ck_assert_ptr_null(memmem(bytes, (size_t)ftell(in), "swordfish", 9));
        ck_assert_ptr_nonnull(memmem(bytes, (size_t)ftell(in), "clownfish", 9));
        fclose(in);
        free(bytes);
        program_free(&program);
    }
}

TEST(text_becomes_the_compact_form)
{
    /* Breaks when --text is not what --from reads, or an existing file is overwritten. */
    char compact[300];
    snprintf(compact, sizeof compact, "%s-compact", path);
    start_recording("--text", NULL);
    test_server_integer(&server, "RPUSH list %s", "a\"\n\xff");
    test_server_integer(&server, "LLEN list");
    end_recording(130);
    program_free(&program);
    program_run_volley(&program, "record", "--from", path, "-o", compact, "--strict", NULL);
    ck_assert_msg(program.exit_status == 0, "%s%s", program.out, program.err);
    program_free(&program);

    struct recording_reader *reader;
    struct recording_entry entry;
    bool more = true, found = false;
    ck_assert_int_eq(recording_open(&reader, compact, &err), OK);
    while (recording_next(reader, &entry, &more, &err) == OK && more)
        found |= entry.argument_count == 3 && entry.arguments[2].byte_count == 4 &&
                 memcmp(entry.arguments[2].bytes, "a\"\n\xff", 4) == 0;
    recording_close(reader);
    ck_assert(found);

    program_run_volley(&program, "record", "--from", path, "-o", compact, NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "exists"));
}

TEST(lines_that_do_not_parse_are_named)
{
    /* Breaks when a damaged text is read in silence, or --strict reads on. */
    char compact[300];
    snprintf(compact, sizeof compact, "%s-compact", path);
    FILE *out = fopen(path, "w");
    fprintf(out, "OK\n100.5 [0 a:1] \"PING\"\n100.6 [0 a:1] \"PING\n");
    fclose(out);
    program_run_volley(&program, "record", "--from", path, "-o", compact, "--strict", NULL);
    ck_assert_int_eq(program.exit_status, 4);
    ck_assert_ptr_nonnull(strstr(program.err, "/traffic:3: an argument is not within quotes"));
    ck_assert_ptr_null(strstr(program.err, "skipped"));
    ck_assert_int_ne(access(compact, F_OK), 0);
    program_free(&program);
    program_run_volley(&program, "record", "--from", path, "-o", compact, NULL);
    ck_assert_int_eq(program.exit_status, 0);
    ck_assert_ptr_nonnull(strstr(program.err, "/traffic:3: "));
    ck_assert_ptr_nonnull(strstr(program.err, "1 line does not parse and was skipped"));
    ck_assert_ptr_nonnull(strstr(program.out, "1 requests of 1 client in 0.0 s"));
}

TEST(an_append_only_file_of_the_server)
{
    /* Breaks when what a real server writes to disk is not read: its manifest, its base, its SELECT. */
    char manifest[300], compact[300];
    free(test_server_text(&server, "SET before 1"));
    free(test_server_text(&server, "CONFIG SET appendonly yes"));
    for (long long waiting = 1; waiting != 0;)
        waiting = test_server_info(&server, "aof_rewrite_in_progress") +
                  test_server_info(&server, "aof_rewrite_scheduled");
    free(test_server_text(&server, "SET after 2"));
    test_server_integer(&server, "INCR count");
    snprintf(manifest, sizeof manifest, "%s/appendonlydir/appendonly.aof.manifest",
             server.directory);
    snprintf(compact, sizeof compact, "%s-compact", path);
    program_run_volley(&program, "record", "--from", manifest, "-o", compact, "--strict", NULL);
    ck_assert_msg(program.exit_status == 0, "%s%s", program.out, program.err);
    ck_assert_ptr_nonnull(strstr(program.err, "is a snapshot (RDB) and was skipped"));
    ck_assert_ptr_nonnull(strstr(program.err, "no times and no clients"));
    struct recording_facts facts = facts_of(compact);
    ck_assert_uint_eq(facts.entries, 2);
    ck_assert(!facts.has_times);

    /* In one file, as servers before Redis 7 write it. */
    program_free(&program);
    unlink(compact);
    program_run_shell(&program, server.directory,
                      "cat appendonlydir/*.base.rdb appendonlydir/*.incr.aof > whole", 0);
    program_free(&program);
    snprintf(manifest, sizeof manifest, "%s/whole", server.directory);
    program_run_volley(&program, "record", "--from", manifest, "-o", compact, "--strict", NULL);
    ck_assert_msg(program.exit_status == 0, "%s%s", program.out, program.err);
    ck_assert_ptr_nonnull(strstr(program.err, "is a snapshot (RDB) and was skipped"));
    ck_assert_uint_eq(facts_of(compact).entries, 2);
}

TEST(a_server_that_forbids_monitor)
{
    /* Breaks when it looks as if nothing had been sent, or a file is left that holds nothing. */
    free(test_server_text(&server, "ACL SETUSER watcher on nopass +@all -monitor"));
    program_run_volley(&program, "record", "-p", server.port_text, "-o", path, "--user", "watcher",
                       "--password", "x", NULL);
    ck_assert_int_eq(program.exit_status, 5);
    ck_assert_msg(strstr(program.err, "forbids MONITOR: NOPERM") != NULL, "%s", program.err);
    ck_assert_int_ne(access(path, F_OK), 0);
}

TEST(a_server_that_goes_away)
{
    /* Breaks when what was recorded until then is lost, or its end is not said. */
    start_recording(NULL, NULL);
    free(test_server_text(&server, "SET k v"));
    free(test_server_text(&server, "CLIENT KILL TYPE normal SKIPME yes"));
    program_wait(&program);
    ck_assert_msg(program.exit_status == 5, "exit status %d: %s%s", program.exit_status,
                  program.out, program.err);
    ck_assert_msg(strstr(program.err, "closed") != NULL, "%s", program.err);
    ck_assert_msg(strstr(program.out, "Ended before its time: the server has gone") != NULL, "%s",
                  program.out);
    struct recording_facts facts = facts_of(path);
    ck_assert_uint_eq(count_of(&facts, "SET"), 1);
}

TEST(size_and_time_end_it)
{
    /* Breaks when a recording fills a disk, or never ends. */
    start_recording("--max-bytes", "200kb");
    call_expect(&call, 0, &at_server, "-t set -n 3000 -d 200 -c 2");
    call_free(&call);
    program_wait(&program);
    ck_assert_msg(program.exit_status == 0, "%s%s", program.out, program.err);
    ck_assert_ptr_nonnull(strstr(program.out, "has reached --max-bytes"));
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_lt(status.st_size, 210 << 10);
    program_free(&program);
    unlink(path);
    program_run_volley(&program, "record", "-p", server.port_text, "-o", path, "--duration", "50ms",
                       NULL);
    ck_assert_int_eq(program.exit_status, 4);
    ck_assert_ptr_nonnull(strstr(program.err, "no client sent anything"));
}

/* The number behind a text. */
static double number_behind(const char *text, const char *before)
{
    const char *at = strstr(text, before);
    ck_assert_msg(at != NULL, "%s is not in %s", before, text);
    return strtod(at + strlen(before), NULL);
}

TEST(a_model_of_a_recorded_run)
{
    /* Breaks when the model of a known load is another load, or one that volley does not take. */
    char yaml[300];
    snprintf(yaml, sizeof yaml, "%s.yaml", path);
    start_recording(NULL, NULL);
    call_expect(&call, 0, &at_server,
                "--workload configs/workloads/ycsb-b.yaml -n 100000 -c 4 -P 16");
    call_free(&call);
    end_recording(130);
    program_free(&program);
    program_run_volley(&program, "model", path, "-o", yaml, "--name", "again", NULL);
    ck_assert_msg(program.exit_status == 0, "%s%s", program.out, program.err);
    ck_assert_ptr_nonnull(strstr(program.out, "; zipf 0.9"));
    char *text = read_all(yaml);
    ck_assert_double_eq_tol(number_behind(text, "exponent: "), 0.99, 0.03);
    ck_assert_double_eq_tol(number_behind(text, "name: hgetall-1, weight: "), 950000, 10000);
    ck_assert_double_eq_tol(number_behind(text, "name: hset-2, weight: "), 50000, 10000);
    ck_assert_double_eq_tol(number_behind(text, "{size: "), 100, 2);
    ck_assert_double_eq_tol(number_behind(text, "user: {count: "), 100000, 2000);
    free(text);
    call_expect(&call, 0, &at_server, "--workload %s -n 2000 -c 2", yaml);
    call_free(&call);
    program_free(&program);
    program_run_volley(&program, "model", path, "-o", yaml, NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "exists"));
}

TEST(the_rates_of_a_recording_are_a_plan)
{
    /* Breaks when the plan of a recording is none that bench takes, or one is written that has no rates. */
    char plan[300], text[300];
    snprintf(plan, sizeof plan, "%s.rates", path);
    snprintf(text, sizeof text, "%s/long", tree.path);
    FILE *out = fopen(text, "w");
    ck_assert_ptr_nonnull(out);
    for (int i = 0; i <= 300; i++)
        fprintf(out, "%d.%02d [0 a:1] \"GET\" \"k:%d\"\n", 100 + i / 100, i % 100, i % 7);
    fclose(out);
    program_run_volley(&program, "model", text, "--rates", plan, NULL);
    ck_assert_msg(program.exit_status == 0, "%s%s", program.out, program.err);
    call_expect(&call, 0, &at_server, "-t set -c 2 --rate-plan %s --duration 300ms", plan);
    ck_assert_int_gt(run_json_count(&call, 0, "requests.sent"), 20);
    call_free(&call);
    program_free(&program);
    program_run_volley(&program, "model", text, "--rates", plan, NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "exists"));
    program_free(&program);
    unlink(plan);
    program_run_volley(&program, "model", "configs/recordings/example.rec", "--rates", plan, NULL);
    ck_assert_int_eq(program.exit_status, 4);
    ck_assert_ptr_nonnull(strstr(program.err, "it is shorter than a second; nothing is written"));
    ck_assert_int_ne(access(plan, F_OK), 0);
}

TEST(bad_command_lines)
{
    /* Breaks when a mistake connects, or is taken for something else. */
    static const struct {
        const char *arguments[4], *said;
    } lines[] = {
        {{"--duration", "1"}, "name the file that is to be written"},
        {{"-o", "x", "--from=y", "--port=1"}, "--port and --from contradict each other"},
        {{"-o", "x", "--host=a,b"}, "name one"},
        {{"-o", "/nowhere/x", "--port=1"}, "/nowhere"},
        {{"-o", ".", "--port=1"}, "exists"},
        {{"-o", "x", "--cluster"}, "--cluster"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *const *a = lines[i].arguments;
        program_run_volley(&program, "record", a[0], a[1], a[2], a[3], NULL);
        ck_assert_int_eq(program.exit_status, 2);
        ck_assert_msg(strstr(program.err, lines[i].said) != NULL, "%s", program.err);
        program_free(&program);
    }
}

TEST_SUITE_WITH(record, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
