#include <hiredis.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/command_stats.h"
#include "tests/support/check/suite.h"

static struct command_stats *stats_of(const char *info, const char *histograms)
{
    struct command_stats *stats = command_stats_new();
    void *reply = NULL;
    redisReader *reader = redisReaderCreate();
    command_stats_read_info(stats, info);
    redisReaderFeed(reader, histograms, strlen(histograms));
    ck_assert_int_eq(redisReaderGetReply(reader, &reply), REDIS_OK);
    if (reply != NULL)
        command_stats_read_histograms(stats, reply);
    freeReplyObject(reply);
    redisReaderFree(reader);
    return stats;
}

#define NO_HISTOGRAMS "*0\r\n"
#define LINE(name, calls, usec)                                                                    \
    "cmdstat_" name ":calls=" calls ",usec=" usec ",usec_per_call=1.00,rejected_calls=0,"          \
    "failed_calls=0\r\n"

static struct server_account account;

/* What lies between the two texts, of which volley has sent `own`. */
static void between(const char *before_text, const char *after_text, uint64_t own)
{
    struct command_stats *before = stats_of(before_text, NO_HISTOGRAMS);
    struct command_stats *after = stats_of(after_text, NO_HISTOGRAMS);
    command_stats_account(&account, before, after, own);
    free(before);
    free(after);
}

TEST(test_others)
{
    /* Breaks when what volley did not send counts as its own, when connecting and looking on count as a load, or
     * what the server did before the run. */
    between("# Commandstats\r\n" LINE("get", "500", "900") LINE("ping", "5", "5"),
            "# Commandstats\r\n" LINE("get", "1500", "3400") LINE("ping", "900", "5")
                LINE("config|get", "70", "9") LINE("set", "250", "500") LINE("info", "9", "9"),
            1000);
    ck_assert(account.known && account.others_known);
    ck_assert_uint_eq(account.commands, 1250);
    ck_assert_uint_eq(account.own_commands, 1000);
    ck_assert_double_eq_tol(server_account_other_share(&account), 0.2, 1e-9);
    ck_assert_uint_eq(account.time_count, 2);
    ck_assert_str_eq(account.times[0].command, "get");
    ck_assert_uint_eq(account.times[0].calls, 1000);
    ck_assert_double_eq_tol(account.times[0].mean_us, 2.5, 1e-9);
    ck_assert_double_lt(account.times[0].p99_us, 0);
    ck_assert_str_eq(account.times[1].command, "set");
}

TEST(test_unknown)
{
    /* Breaks when a server that was started anew, one that tells nothing, or a script, which counts as itself and as
     * what it calls, makes somebody else's load of volley's own. */
    between(LINE("get", "500", "900"), LINE("get", "20", "40"), 20);
    ck_assert(!account.known);
    command_stats_account(&account, NULL, NULL, 20);
    ck_assert(!account.known);
    between("", LINE("evalsha", "100", "900") LINE("set", "300", "300"), 100);
    ck_assert(account.known && !account.others_known);
    ck_assert_double_eq(server_account_other_share(&account), 0);
    between("", LINE("get", "70", "100"), 100); /* some were lost on the way */
    ck_assert_double_eq(server_account_other_share(&account), 0);
}

TEST(test_histograms)
{
    /* Breaks when a percentile of the server's own time is read from the whole histogram in place of the run's part, or
     * from the wrong column. */
    static const char earlier[] =
        "*2\r\n$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:100\r\n$14\r\nhistogram_"
        "usec\r\n*4\r\n:1\r\n:50\r\n:1056\r\n:100\r\n";
    static const char later[] =
        "*2\r\n$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:1100\r\n$14\r\nhistogram_"
        "usec\r\n*8\r\n:1\r\n:50\r\n:4\r\n:1035\r\n:33\r\n:1050\r\n:1056\r\n:"
        "1100\r\n";
    struct command_stats *before = stats_of(LINE("set", "100", "100"), earlier);
    struct command_stats *after = stats_of(LINE("set", "1100", "5100"), later);
    command_stats_account(&account, before, after, 1000);
    ck_assert_uint_eq(account.time_count, 1);
    ck_assert_double_eq_tol(account.times[0].mean_us, 5, 1e-9);
    ck_assert_double_eq_tol(account.times[0].p50_us, 1.024 * 4, 1e-9);
    ck_assert_double_eq_tol(account.times[0].p99_us, 1.024 * 32, 1e-9);
    ck_assert_double_eq_tol(account.times[0].p99_9_us, 1.024 * 32, 1e-9);
    free(before);
    free(after);
}

TEST(what_a_server_dropped_is_what_lies_between)
{
    /* Breaks when keys that went before the run count to it, or a server that was started anew has dropped millions. */
    between("evicted_keys:10\r\nexpired_keys:5\r\n" LINE("get", "10", "25"),
            "evicted_keys:17\r\nexpired_keys:5\r\n" LINE("get", "20", "50"), 10);
    ck_assert_uint_eq(account.evicted_keys, 7);
    ck_assert_uint_eq(account.expired_keys, 0);
    between("evicted_keys:10\r\nexpired_keys:5\r\n" LINE("get", "10", "25"),
            "evicted_keys:1\r\nexpired_keys:9\r\n" LINE("get", "20", "50"), 10);
    ck_assert_uint_eq(account.evicted_keys, 0);
    ck_assert_uint_eq(account.expired_keys, 4);
}

#define CPU(user, system) "used_cpu_sys:" system "\r\nused_cpu_user:" user "\r\n"

TEST(cpu_time_is_what_lies_between)
{
    /* Breaks when a server's CPU time before the run counts to it, or what one does not tell, or of a server started anew, is
     * taken for 0. */
    between(CPU("1.5", "0.25") LINE("get", "10", "25"), CPU("3.0", "1.25") LINE("get", "20", "50"),
            10);
    ck_assert_double_eq_tol(account.cpu_seconds, 2.5, 1e-9);
    json_t *json = server_account_to_json(&account);
    struct server_account read;
    ck_assert(server_account_from_json(&read, json));
    ck_assert_double_eq_tol(read.cpu_seconds, 2.5, 1e-9);
    json_object_del(json, "cpu_seconds"); /* an earlier version's */
    ck_assert(server_account_from_json(&read, json));
    ck_assert_double_lt(read.cpu_seconds, 0);
    json_object_set_new(json, "cpu_seconds", json_string("much"));
    ck_assert(!server_account_from_json(&read, json));
    json_decref(json);
    between(LINE("get", "10", "25"), LINE("get", "20", "50"), 10);
    ck_assert_double_lt(account.cpu_seconds, 0);
    between(CPU("9", "9") LINE("get", "10", "25"), CPU("1", "1") LINE("get", "20", "50"), 10);
    ck_assert_double_lt(account.cpu_seconds, 0);
}

#define THREAD(user, system)                                                                       \
    "used_cpu_user_main_thread:" user "\r\nused_cpu_sys_main_thread:" system "\r\n"

TEST(test_figures)
{
    /* Breaks when a diagnosis reads what a server did before the run, takes what it does not tell for 0, or has forgotten
     * it after a report from the journal. */
    between(
        THREAD("1", "0.5") "total_forks:3\r\neventloop_duration_sum:1000000\r\n"
                           "used_memory:500\r\nmaxmemory:1000\r\nlatest_fork_usec:10\r\n" LINE(
                               "get", "10", "25"),
        THREAD("2", "1.25") "total_forks:5\r\neventloop_duration_sum:3500000\r\n"
                            "used_memory:900\r\nmaxmemory:1000\r\nlatest_fork_usec:2500\r\n" LINE(
                                "get", "20", "50"),
        10);
    json_t *json = server_account_to_json(&account);
    struct server_account read;
    ck_assert(server_account_from_json(&read, json));
    ck_assert_double_eq_tol(read.figures[SERVER_MAIN_THREAD], 1.75, 1e-9);
    ck_assert_double_eq_tol(read.figures[SERVER_EVENT_LOOP], 2.5, 1e-9);
    ck_assert_double_eq_tol(read.figures[SERVER_FORKS], 2, 1e-9);
    ck_assert_double_eq_tol(read.figures[SERVER_FORK], 0.0025, 1e-9);
    ck_assert_double_eq_tol(read.figures[SERVER_USED_MEMORY], 900, 1e-9);
    ck_assert_double_eq_tol(read.figures[SERVER_MAXMEMORY], 1000, 1e-9);
    ck_assert_double_lt(read.figures[SERVER_DELAYED_FSYNCS], 0);
    ck_assert_double_lt(read.figures[SERVER_APPENDS], 0);
    ck_assert_double_lt(read.round_trip_us, 0);
    ck_assert_uint_eq(read.primaries, 1);
    json_object_del(json, "forks"); /* an earlier version's */
    ck_assert(server_account_from_json(&read, json));
    ck_assert_double_lt(read.figures[SERVER_FORKS], 0);
    json_object_set_new(json, "forks", json_string("many"));
    ck_assert(!server_account_from_json(&read, json));
    json_decref(json);
    between("total_forks:9\r\n" LINE("get", "10", "25"),
            "total_forks:1\r\n" LINE("get", "20", "50"), 10); /* started anew */
    ck_assert_double_lt(account.figures[SERVER_FORKS], 0);
}

TEST(test_journal)
{
    /* Breaks when what the journal keeps is read as something else, or damage is taken for it. */
    struct server_account read;
    between("",
            "evicted_keys:3\r\nexpired_keys:4\r\n" LINE("get", "10", "25") LINE("set", "5", "5"),
            15);
    json_t *json = server_account_to_json(&account);
    ck_assert(server_account_from_json(&read, json));
    ck_assert_uint_eq(read.commands, 15);
    ck_assert_str_eq(read.times[0].command, "get");
    ck_assert_double_eq(read.times[0].mean_us, 2.5);
    ck_assert_uint_eq(read.evicted_keys, 3);
    ck_assert_uint_eq(read.expired_keys, 4);
    json_object_del(json, "evicted_keys"); /* an earlier version's */
    ck_assert(server_account_from_json(&read, json));
    json_object_set_new(json, "commands", json_integer(-1));
    ck_assert(!server_account_from_json(&read, json));
    json_decref(json);
    ck_assert(server_account_from_json(&read, NULL) && !read.known);
}

TEST_SUITE(command_stats)
