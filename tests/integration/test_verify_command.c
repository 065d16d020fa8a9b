/* `volley verify DIR`: what a run with --verify --out DIR has kept, against what the server has afterwards. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/rng.h"
#include "common/version_table.h"
#include "tests/support/check/at_server.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static char directory[200];
static struct program program;

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    snprintf(directory, sizeof directory, "%s/run", tree.path);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

/* What it says begins with the directory and the target. */
static void expect_verified(const struct test_server *at, const char *more, int exit_status,
                            const char *said)
{
    program_free(&program);
    program_run_volley(&program, "verify", directory, "-p", at->port_text, more, NULL);
    ck_assert_msg(program.exit_status == exit_status, "exit status %d: %s%s", program.exit_status,
                  program.out, program.err);
    ck_assert_msg(strstr(exit_status < 2 ? program.out : program.err, said) != NULL,
                  "%s is not in: %s%s", said, program.out, program.err);
}

static char *text_of(const char *path)
{
    char *text = NULL;
    size_t room = 0;
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_int_gt(getdelim(&text, &room, '\0', in), 0);
    fclose(in);
    return text;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

TEST(test_after_a_restart)
{
    /* Breaks when a server that has forgotten everything passes, or one that has kept it does not. */
    call_expect(&call, 0, &at_server, "--verify --prefill-only -t get -r 3000 -d 40 --out %s",
                directory);
    call_free(&call);
    expect_verified(&server, NULL, 0, "3,000 keys read: 3,000 right, 0 corrupted, 0 lost writes\n");
    for (unsigned i = 0; i < 1000; i++)
        free(test_server_text(&server, "SETRANGE key:%012u 20 %s", i * 3, "XXXX"));
    expect_verified(
        &server, NULL, 1,
        "3,000 keys read: 2,000 right, 1,000 corrupted, 0 lost writes\n"
        "The first 10 of them:\n"
        "  corrupted   key:000000000000: expected version 1, got version 1 of 40 bytes, "
        "byte 20 of which is 0x58 instead of 0x");
    free(test_server_text(&server, "DEL key:000000000000"));
    free(test_server_text(&server, "RPUSH key:000000000000 a"));
    free(test_server_text(&server, "DEL key:000000000001"));
    expect_verified(&server, NULL, 1,
                    "key:000000000000: expected version 1, got a reply that is no string");
    ck_assert_ptr_nonnull(strstr(program.out, "1,000 corrupted, 1 lost writes"));
    test_server_kill(&server);
    expect_verified(&server, NULL, 5, "cannot connect to");
    test_server_restart(&server);
    expect_verified(&server, NULL, 1, "3,000 keys read: 0 right, 0 corrupted, 3,000 lost writes\n");
    ck_assert_ptr_nonnull(
        strstr(program.out, "  lost write  key:000000000009: expected version 1, got nothing\n"));
    ck_assert_ptr_null(strstr(program.out, "key:000000000010"));
}

TEST(test_few_of_many_keys)
{
    /* Breaks when keys that were never written are asked for, or a file that is mostly empty is read from end to end. */
    call_expect(&call, 0, &at_server, "--verify --ratio 1:0 -r 50m -n 990 -d 40 --out %s",
                directory);
    call_free(&call);
    char said[80];
    const long long written = test_server_integer(&server, "DBSIZE");
    snprintf(said, sizeof said, "%lld keys read: %lld right, 0 corrupted", written, written);
    ck_assert_int_lt(written, 1000);
    expect_verified(&server, NULL, 0, said);
}

TEST(test_result_as_a_page)
{
    /* Breaks when what was found has no page, a key becomes markup of it, or keys are read for one that cannot be written. */
    char option[220], page[200];
    snprintf(page, sizeof page, "%s/page.html", tree.path);
    snprintf(option, sizeof option, "--html=%s", page);
    call_expect(&call, 0, &at_server,
                "--verify -t set --key-prefix <b>: --sequential 50 -n 50 -d 40 -c 1 --out %s",
                directory);
    call_free(&call);
    ck_assert_int_eq(test_server_integer(&server, "DEL <b>:000000000007"), 1);
    expect_verified(&server, option, 1, "49 right, 0 corrupted, 1 lost writes");
    char *html = text_of(page);
    static const char *const words[] = {"<b>FAIL</b> 1 of 2 checks hold", "<b>50</b>keys read",
                                        "<td>lost write<td>&#60;b&#62;:000000000007<td>version 1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        ck_assert_msg(strstr(html, words[i]) != NULL, "no %s in %.3000s", words[i], html);
    free(html);
    expect_verified(&server, "--html=-", 2, "a file of its own");
    expect_verified(&server, "--html=/nowhere/x.html", 2, "/nowhere/x.html");
}

TEST(test_result_as_json)
{
    /* Breaks when a program cannot read what was found. */
    call_expect(&call, 0, &at_server, "--verify -t set --sequential 50 -n 100 -d 40 -c 1 --out %s",
                directory);
    call_free(&call);
    ck_assert_int_eq(test_server_integer(&server, "DEL key:000000000007"), 1);
    expect_verified(&server, "--json=-", 1, "\"schema\": \"volley.verify/1\"");
    json_t *json = json_loads(program.out, 0, NULL);
    ck_assert_ptr_nonnull(json);
    run_json_keep(json, "verify");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "keys")), 50);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "right")), 49);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "lost_writes")), 1);
    const json_t *first = json_array_get(json_object_get(json, "first"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "expected")), "version 2");
    json_decref(json);
}

TEST(test_after_everything_was_killed)
{
    /* Breaks when what was acknowledged is not kept by a run that was killed, or what was under way is called wrong. */
    pid_t workers[2];
    call_start(&call, &at_server,
               "--verify --ratio 3:1 -r 2000 --value-size 8-500 -c 20 -P 4 --test-duration 30 "
               "--processes 2 --out %s",
               directory);
    program_wait_children(&call.program, workers, 2);
    while (test_server_integer(&server, "DBSIZE") < 2000)
        nap();
    expect_verified(&server, NULL, 4, "goes on: end it first");
    kill(call.program.pid, SIGKILL);
    program_wait(&call.program);
    while (kill(workers[0], 0) == 0 || kill(workers[1], 0) == 0)
        nap();
    expect_verified(&server, NULL, 0, "0 corrupted, 0 lost writes");
    ck_assert_ptr_nonnull(strstr(program.out, "2,000 keys read: "));
    free(test_server_text(&server, "FLUSHALL"));
    expect_verified(&server, NULL, 1, "2,000 keys read: 0 right");
    program_free(&call.program);
}

TEST(test_after_an_interrupt_and_a_failure)
{
    /* Breaks when a run that lost its server, or was interrupted, leaves versions that make a right value look wrong. */
    call_start(&call, &at_server,
               "--verify --ratio 1:1 -r 500 -d 30 -c 20 -P 2 --test-duration 20 --request-timeout "
               "200ms --out %s",
               directory);
    while (test_server_integer(&server, "DBSIZE") < 500)
        nap();
    test_server_pause(&server);
    for (unsigned i = 0; i < 200; i++)
        nap();
    test_server_resume(&server);
    for (unsigned i = 0; i < 50; i++)
        nap();
    program_signal(&call.program, SIGINT);
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 130);
    call_free(&call);
    /* A key whose only write was on its way when the server stood still has no version that was acknowledged. */
    expect_verified(&server, NULL, 0, ", 0 corrupted, 0 lost writes");
}

/* ---- files ---- */

static void write_versions(const void *bytes, size_t byte_count)
{
    char path[256];
    mkdir(directory, 0700);
    snprintf(path, sizeof path, "%s/versions", directory);
    unlink(path);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, byte_count, file), byte_count);
    ck_assert_int_eq(fclose(file), 0);
}

TEST(test_files_that_are_none)
{
    /* Breaks when a file that somebody made is believed, or keeps the command waiting. */
    static char bytes[VERSION_HEADER_BYTES + 1600];
    char path[256];
    expect_verified(&server, NULL, 4, "does not exist: a run keeps versions with --verify");
    write_versions("", 0);
    expect_verified(&server, NULL, 4, "it is no file of versions");
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)rng_at(5, i);
    write_versions(bytes, sizeof bytes);
    expect_verified(&server, NULL, 4, "it is no file of versions");
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, "volley versions", 16);
    write_versions(bytes, sizeof bytes);
    expect_verified(&server, NULL, 4, "another version of volley");
    snprintf(path, sizeof path, "%s/versions", directory);
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_verified(&server, NULL, 4, "is no regular file");
    unlink(path);
    ck_assert_int_eq(symlink("/dev/zero", path), 0);
    expect_verified(&server, NULL, 4, "cannot read");
    program_free(&program);
    program_run_volley(&program, "verify", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "name one directory"));
}

/* ---- clusters ---- */

static struct test_cluster cluster;

static void cluster_set_up(void)
{
    temp_tree_make(&tree);
    snprintf(directory, sizeof directory, "%s/run", tree.path);
    test_cluster_start(&cluster, 3, 0, NULL);
}
static void cluster_tear_down(void)
{
    program_free(&program);
    test_cluster_stop(&cluster);
    temp_tree_remove(&tree);
}
static const struct suite_setting with_cluster = {
    .set_up = cluster_set_up, .tear_down = cluster_tear_down, .timeout_seconds = 60};

TEST_IN(with_cluster, test_keys_of_a_cluster)
{
    /* Breaks when a key is not read from the node that has it. */
    call_expect(&call, 0, &(struct bench_setting){.port = cluster.nodes[0].port_text},
                "--cluster --verify -t set --sequential 3000 -n 3000 -d 20 -c 6 --out %s",
                directory);
    call_free(&call);
    test_cluster_move_slot(&cluster, 5, 0, 2);
    expect_verified(&cluster.nodes[1], "--cluster", 0, "3,000 keys read: 3,000 right");
    const long long kept = test_server_integer(&cluster.nodes[0], "DBSIZE");
    free(test_server_text(&cluster.nodes[0], "FLUSHALL"));
    char said[80];
    snprintf(said, sizeof said, "0 corrupted, %lld lost writes", kept);
    for (char *at = said; kept >= 1000 && *at != '\0'; at++) /* "1,000" */
        if (*at == ' ' && at[1] >= '1' && at[1] <= '9' && at > said + 10) {
            memmove(at + 3, at + 2, strlen(at + 2) + 1);
            at[2] = ',';
            break;
        }
    expect_verified(&cluster.nodes[1], "--cluster", 1, said);
}

TEST_SUITE_WITH(verify_command, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 90)
