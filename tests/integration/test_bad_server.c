/* Servers that answer rubbish, half a reply, a reply without end, or one that nobody asked for: with a
 * rate and without. The connection is dropped with its cause in the books, and the run goes on. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90
#define LOAD "-p", world.fake.port_text, "-t", "get", "-r", "100", "--processes", "1"
/* What makes a load open; the same number of arguments for both. */
#define RATE(open, rate) ((open) ? "--qps" : "--request-timeout"), ((open) ? (rate) : "5s")
#define COUNT(array) (sizeof(array) / sizeof *(array))

Suite *test_bad_server_suite(void);

static struct trial trial;

static void serve(const struct fake_rule *rules, size_t rule_count)
{
    fake_server_start(&world.fake, &(struct fake_script){.rules = rules, .rule_count = rule_count});
}

static long long lost_to(const char *cause)
{
    return trial_count(&trial, "errors_by_kind", cause);
}

/* Every request is a success or lost to one of these, and each loss took its connection. */
static void assert_whole(long long sent)
{
    ck_assert_int_eq(trial_count(&trial, "requests", "sent"), sent);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok") +
                         trial_count(&trial, "requests", "lost") +
                         trial_count(&trial, "requests", "timed_out"),
                     sent);
    ck_assert_str_eq(trial_verdict(&trial, "lost_workers"), "GREEN");
    ck_assert_int_eq(trial_restarts(&trial), 0);
}

/* Rubbish -------------------------------------------------------------------------------------- */

static const struct {
    const char *bytes;
    size_t byte_count; /* 0: terminated */
} rubbish[] = {
    {"HTTP/1.1 400 Bad Request\r\n\r\n", 0},
    {"SSH-2.0-OpenSSH_9.2p1\r\n", 0},
    {"220 mail.example ESMTP\r\n", 0},
    {"\x15\x03\x01\x00\x02\x02\x46", 7}, /* an alert of TLS */
    {"\0\0\0\0", 4},
    {"\r\n", 0},
    {"\n", 0},
    {"+OK\n+OK\r\n", 0},
    {"+O\rK\r\n", 0},
    {"$3\r\nabcdef\r\n", 0},
    {"$3\r\nabc\n\n", 0},
    {"$03\r\nabc\r\n", 0},
    {"$-2\r\n", 0},
    {"$\r\n", 0},
    {"$3 \r\nabc\r\n", 0},
    {"$99999999999999999999\r\n", 0},
    {"$4294967297\r\n", 0},
    {"$?\r\n;3\r\nabc\r\n", 0},
    {"*-7\r\n", 0},
    {"*?\r\n", 0},
    {"*1\r\n>1\r\n+x\r\n", 0},
    {"*2\r\n+a\r\nb\r\n", 0},
    {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*"
     "1\r\n*1\r\n+x\r\n",
     0},
    {":12x\r\n", 0},
    {":\r\n", 0},
    {"#x\r\n", 0},
    {"_x\r\n", 0},
    {"%-1\r\n", 0},
    {"~-3\r\n", 0},
    {"!x\r\n", 0},
    {".\r\n", 0},
};
#define RUBBISH_STEP 8

START_TEST(test_rubbish)
{
    /* breaks: bytes that are no reply crash a worker, end the run, pass for a reply, or are billed to another
     * cause; every second test has a rate */
    const bool open = _i % 2 != 0;
    for (size_t i = (size_t)_i / 2; i < COUNT(rubbish); i += RUBBISH_STEP) {
        const struct fake_rule rules[] = {{.command = "GET",
                                           .action = FAKE_REPLY,
                                           .bytes = rubbish[i].bytes,
                                           .byte_count = rubbish[i].byte_count,
                                           .skip = 10,
                                           .times = 2}};
        serve(rules, COUNT(rules));
        trial_start(&trial, LOAD, "-c", "2", "-n", "100", RATE(open, "5k"), NULL);
        trial_end(&trial, 0);
        assert_whole(100);
        ck_assert_msg(lost_to("protocol") == 2, "%lld of 2 for %s", lost_to("protocol"),
                      rubbish[i].bytes);
        ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 2);
        ck_assert_int_ge(trial_count(&trial, "connections", "opened"), 1);
        trial_expect(&trial, PROGRAM_OUT, "lost (protocol): 2");
        trial_free(&trial);
        fake_server_stop(&world.fake);
        fake_server_free(&world.fake);
    }
}
END_TEST

START_TEST(test_rubbish_in_a_pipeline)
{
    /* breaks: what stands behind the rubbish is taken for replies, or the requests that waited there are
     * forgotten */
    const bool open = _i != 0;
    const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_REPLY, .bytes = "rubbish\r\n", .skip = 40, .times = 1}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "1", "-P", "16", "-n", "400", RATE(open, "20k"), NULL);
    trial_end(&trial, 0);
    assert_whole(400);
    ck_assert_int_ge(lost_to("protocol"), 1);
    ck_assert_int_le(lost_to("protocol"), 16);
    ck_assert_int_eq(trial_count(&trial, "requests", "lost"), lost_to("protocol"));
    ck_assert_int_eq(trial_count(&trial, "requests", "hits"),
                     trial_count(&trial, "requests", "ok"));
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 1);
    trial_free(&trial);
}
END_TEST

START_TEST(test_rubbish_in_a_sequence)
{
    /* breaks: a sequence whose second reply is rubbish counts as a success, or as two losses */
    const bool open = _i != 0;
    const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_REPLY, .bytes = "?\r\n", .skip = 5, .times = 2}};
    serve(rules, COUNT(rules));
    trial_start(&trial, "-p", world.fake.port_text, "--processes", "1", "-c", "1", "-n", "50",
                RATE(open, "2k"), "--", "set", "a", "b", ";", "get", "a", ";", "incr", "c", NULL);
    trial_end(&trial, 0);
    assert_whole(50);
    ck_assert_int_eq(lost_to("protocol"), 2);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 48);
    trial_free(&trial);
}
END_TEST

START_TEST(test_nothing_but_rubbish)
{
    /* breaks: a server that never answers well makes volley crash, hang, or report a success */
    const bool open = _i != 0;
    const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_REPLY, .bytes = "rubbish\r\n"}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "2", "-n", "20", RATE(open, "1k"), NULL);
    trial_end(&trial, 1);
    assert_whole(20);
    ck_assert_int_eq(lost_to("protocol"), 20);
    trial_expect(&trial, PROGRAM_ERR, "no request succeeded");
    trial_free(&trial);
}
END_TEST

START_TEST(test_big_rubbish)
{
    /* breaks: rubbish that fills many reads is scanned for ever, or read after the connection is lost */
    const bool open = _i != 0;
    char *bytes = malloc(1 << 20);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'x', 1 << 20);
    const struct fake_rule rules[] = {{.command = "GET",
                                       .action = FAKE_REPLY,
                                       .bytes = bytes,
                                       .byte_count = 1 << 20,
                                       .skip = 10,
                                       .times = 2}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "2", "-n", "100", RATE(open, "5k"), NULL);
    trial_end(&trial, 0);
    assert_whole(100);
    ck_assert_int_eq(lost_to("protocol"), 2);
    trial_free(&trial);
    free(bytes);
}
END_TEST

/* Half a reply --------------------------------------------------------------------------------- */

static const char *const halves[] = {
    "$",      "$100\r\nhalf a rep",       "$3\r\nabc\r",        "+OK", "+OK\r",
    "*2\r\n", "*2\r\n$3\r\nabc\r\n",      "%1\r\n+a\r\n",       ":1",  "-ERR",
    "*0",     "*3\r\n*1\r\n:1\r\n:2\r\n", "|1\r\n+a\r\n+b\r\n", "=",   "*4294967295\r\n+a\r\n"};
#define HALVES_STEP 3

START_TEST(test_half_then_silence)
{
    /* breaks: half a reply counts as a whole one, or its request has no time-out; every second test has
     * a rate */
    const bool open = _i % 2 != 0;
    for (size_t i = (size_t)_i / 2; i < COUNT(halves); i += HALVES_STEP) {
        const struct fake_rule rules[] = {
            {.command = "GET", .action = FAKE_REPLY, .bytes = halves[i], .skip = 10, .times = 2}};
        serve(rules, COUNT(rules));
        trial_start(&trial, LOAD, "-c", "2", "-n", "60", "--request-timeout", "500ms",
                    open ? "--qps" : "--interval", open ? "2k" : "1s", NULL);
        trial_end(&trial, 0);
        assert_whole(60);
        ck_assert_msg(trial_count(&trial, "requests", "timed_out") == 2, "%s", halves[i]);
        ck_assert_int_eq(lost_to("timeout"), 0); /* no other request was on these connections */
        ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 2);
        trial_free(&trial);
        fake_server_stop(&world.fake);
        fake_server_free(&world.fake);
    }
}
END_TEST

START_TEST(test_half_then_gone)
{
    /* breaks: the end of a connection in a reply is no loss, or another's; every second test has a rate */
    const bool open = _i % 2 != 0;
    const enum fake_action action = _i < 2 ? FAKE_CLOSE : FAKE_RESET;
    for (size_t i = 0; i < COUNT(halves); i += 5) {
        const struct fake_rule rules[] = {
            {.command = "GET", .action = action, .bytes = halves[i], .skip = 10, .times = 2}};
        serve(rules, COUNT(rules));
        trial_start(&trial, LOAD, "-c", "2", "-n", "60", RATE(open, "5k"), NULL);
        trial_end(&trial, 0);
        assert_whole(60);
        ck_assert_msg(lost_to("disconnect") == 2, "%s", halves[i]);
        trial_free(&trial);
        fake_server_stop(&world.fake);
        fake_server_free(&world.fake);
    }
}
END_TEST

START_TEST(test_half_in_a_pipeline)
{
    /* breaks: replies that a half one swallows as its value are in no book, or the request behind it is
     * answered by what is left of them */
    const bool open = _i != 0;
    const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_REPLY, .bytes = "$100\r\n", .skip = 40, .times = 1}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "1", "-P", "4", "-n", "200", "--request-timeout", "1s",
                open ? "--qps" : "--interval", open ? "5k" : "1s", NULL);
    trial_end(&trial, 0);
    assert_whole(200);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 1);
    ck_assert_int_ge(trial_count(&trial, "requests", "timed_out") + lost_to("protocol"), 1);
    ck_assert_int_le(
        trial_count(&trial, "requests", "timed_out") + trial_count(&trial, "requests", "lost"), 8);
    ck_assert_int_eq(trial_count(&trial, "requests", "hits"),
                     trial_count(&trial, "requests", "ok"));
    trial_free(&trial);
}
END_TEST

START_TEST(test_slow_reply)
{
    /* breaks: with a rate, a reply that comes byte by byte is taken for several, or for none */
    const struct fake_rule rules[] = {{.command = "GET",
                                       .action = FAKE_REPLY_BYTEWISE,
                                       .bytes = "$10\r\n0123456789\r\n",
                                       .delay_ms = 1}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "3", "-P", "2", "-n", "30", "--qps", "200", NULL);
    trial_end(&trial, 0);
    assert_whole(30);
    ck_assert_int_eq(trial_count(&trial, "requests", "hits"), 30);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 0);
    trial_free(&trial);
}
END_TEST

/* Without end ---------------------------------------------------------------------------------- */

START_TEST(test_endless_with_a_rate)
{
    /* breaks: a value that never ends keeps due requests of other connections from being sent */
    const struct fake_rule rules[] = {
        {.command = "GET", .action = FAKE_ENDLESS_BULK, .skip = 20, .times = 2}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "4", "-n", "300", "--qps", "500", "--request-timeout", "500ms",
                NULL);
    trial_end(&trial, 0);
    assert_whole(300);
    /* 4 GiB and no end of line is rubbish, for a machine that reads them in time */
    ck_assert_int_eq(trial_count(&trial, "requests", "timed_out") + lost_to("protocol"), 2);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 298);
    trial_free(&trial);
}
END_TEST

START_TEST(test_endless_line)
{
    /* breaks: a line without end is kept in memory, or never timed out */
    static const char types[] = "+-:";
    const bool open = _i % 2 != 0;
    char *bytes = malloc(4 << 20);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, '7', 4 << 20);
    bytes[0] = types[_i / 2];
    const struct fake_rule rules[] = {{.command = "GET",
                                       .action = FAKE_REPLY,
                                       .bytes = bytes,
                                       .byte_count = 4 << 20,
                                       .skip = 10,
                                       .times = 2}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "2", "-n", "60", "--request-timeout", "500ms",
                open ? "--qps" : "--interval", open ? "2k" : "1s", NULL);
    trial_end(&trial, 0);
    assert_whole(60);
    ck_assert_int_eq(trial_count(&trial, "requests", "timed_out") + lost_to("protocol"), 2);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 2);
    trial_free(&trial);
    free(bytes);
}
END_TEST

START_TEST(test_signal_with_a_rate)
{
    /* breaks: Ctrl+C has no effect at a rate while values without end come in on all connections */
    const struct fake_rule rules[] = {{.command = "GET", .action = FAKE_ENDLESS_BULK, .skip = 20}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "2", "--duration", "60", "--qps", "1k", "--request-timeout",
                "60s", "--drain-timeout", "100ms", NULL);
    fake_server_wait(&world.fake.counters->commands, 20);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    ck_assert_int_le(trial_count(&trial, "requests", "lost"), 3);
    trial_free(&trial);
}
END_TEST

/* Unasked -------------------------------------------------------------------------------------- */

START_TEST(test_reply_too_many)
{
    /* breaks: with a rate, a reply too many answers the next request */
    const struct fake_rule rules[] = {{.command = "GET",
                                       .action = FAKE_REPLY,
                                       .bytes = "$3\r\nabc\r\n$-1\r\n",
                                       .skip = 20,
                                       .times = 2}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "1", "-n", "100", "--qps", "1k", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 100);
    ck_assert_int_eq(trial_count(&trial, "requests", "misses"), 0);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 2);
    ck_assert_int_eq(trial_count(&trial, "connections", "opened"), 2);
    trial_free(&trial);
}
END_TEST

START_TEST(test_reply_while_idle)
{
    /* breaks: what comes while nothing is asked waits in the connection for the next request. A reply of nine
     * bytes a millisecond apart, and one more behind it, between requests 100 ms apart. */
    const struct fake_rule rules[] = {{.command = "GET",
                                       .action = FAKE_REPLY_BYTEWISE,
                                       .bytes = "$3\r\nabc\r\n$-1\r\n",
                                       .delay_ms = 1,
                                       .skip = 3,
                                       .times = 2}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "1", "-n", "15", "--qps", "10", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 15);
    ck_assert_int_eq(trial_count(&trial, "requests", "misses"), 0);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 2);
    trial_free(&trial);
}
END_TEST

START_TEST(test_half_while_idle)
{
    /* breaks: half a reply that nobody asked for swallows the next reply, and its request is never over */
    const struct fake_rule rules[] = {{.command = "GET",
                                       .action = FAKE_REPLY_BYTEWISE,
                                       .bytes = "$3\r\nabc\r\n$100\r\n",
                                       .delay_ms = 1,
                                       .skip = 3,
                                       .times = 1}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "1", "-n", "15", "--qps", "10", "--request-timeout", "1s",
                NULL);
    trial_end(&trial, 0);
    assert_whole(15);
    ck_assert_int_le(trial_count(&trial, "requests", "timed_out"), 1);
    ck_assert_int_ge(trial_count(&trial, "requests", "ok"), 14);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 1);
    trial_free(&trial);
}
END_TEST

START_TEST(test_push_is_no_reply)
{
    /* breaks: an out-of-band message is taken for the reply, or for rubbish */
    const bool open = _i != 0;
    const struct fake_rule rules[] = {
        {.command = "GET",
         .action = FAKE_REPLY,
         .bytes = ">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n$3\r\nabc\r\n>1\r\n+x\r\n"}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "2", "-n", "100", RATE(open, "2k"), NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 100);
    ck_assert_int_eq(trial_count(&trial, "requests", "hits"), 100);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 0);
    trial_free(&trial);
}
END_TEST

/* The first words ------------------------------------------------------------------------------ */

static const struct {
    struct fake_rule rule;
    const char *said;
} greetings[] = {
    {{.command = "PING", .action = FAKE_REPLY, .bytes = "SSH-2.0-OpenSSH\r\n", .skip = 1},
     "not RESP"},
    {{.command = "PING", .action = FAKE_REPLY, .bytes = "+PON", .skip = 1}, "no answer within"},
    {{.command = "PING", .action = FAKE_ENDLESS_BULK, .skip = 1}, "no answer within"},
    {{.command = "PING", .action = FAKE_CLOSE, .bytes = "+PO", .skip = 1}, "closed"},
    {{.command = "PING", .action = FAKE_RESET, .skip = 1}, "reset"},
    {{.command = FAKE_ON_CONNECT, .action = FAKE_REPLY, .bytes = "220 ESMTP\r\n", .skip = 1},
     "not RESP"},
};

START_TEST(test_bad_greeting)
{
    /* breaks: what the workers' connections hear first is not told, or waited for without limit */
    serve(&greetings[_i].rule, 1);
    trial_start(&trial, LOAD, "-c", "3", "--connection-timeout", "500ms", "--wait-ready", "1s",
                NULL);
    trial_end(&trial, 5);
    trial_expect(&trial, PROGRAM_ERR, "0 of 3 connections");
    trial_expect(&trial, PROGRAM_ERR, greetings[_i].said);
    trial_free(&trial);
}
END_TEST

START_TEST(test_bad_greeting_again)
{
    /* breaks: a connection that is opened anew and greeted badly is never tried again, or carries requests */
    const bool open = _i % 2 != 0;
    static const struct fake_rule bad[] = {
        {.command = "PING", .action = FAKE_REPLY, .bytes = "rubbish\r\n", .skip = 2, .times = 2},
        {.command = "PING", .action = FAKE_RESET, .bytes = "+P", .skip = 2, .times = 2},
        {.command = "PING", .action = FAKE_CLOSE, .bytes = "+P", .skip = 2, .times = 2},
        {.command = "PING", .action = FAKE_REPLY, .bytes = "+P", .skip = 2, .times = 2},
    };
    const struct fake_rule rules[] = {
        bad[_i / 2], {.command = "GET", .action = FAKE_RESET, .skip = 10, .times = 1}};
    serve(rules, COUNT(rules));
    trial_start(&trial, LOAD, "-c", "1", "-n", "50", "--connection-timeout", "1s", RATE(open, "1k"),
                NULL);
    trial_end(&trial, 0);
    assert_whole(50);
    ck_assert_int_eq(lost_to("disconnect"), 1);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 49);
    ck_assert_int_eq(trial_count(&trial, "connections", "lost"), 1);
    ck_assert_int_eq(trial_count(&trial, "connections", "failed"), 2);
    ck_assert_int_eq(trial_count(&trial, "connections", "opened"), 1);
    trial_free(&trial);
}
END_TEST

/* What the orchestrator asks on the side ------------------------------------------------------- */

/* The first INFO asks whether it is a cluster, the later ones what to write into the report. */
static const struct {
    struct fake_rule rule;
    const char *said; /* NULL: the load runs all the same */
} aside[] = {
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "rubbish\r\n"}, "does not speak"},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "$100\r\nhalf"}, NULL},
    {{.command = "INFO", .action = FAKE_CLOSE, .bytes = "$100\r\nhalf"}, NULL},
    {{.command = "INFO", .action = FAKE_ENDLESS_BULK}, "more than 16 MB"},
    {{.command = "INFO", .action = FAKE_ENDLESS, .bytes = "+", .more = "x"}, "more than 16 MB"},
    {{.command = "PING", .action = FAKE_REPLY, .bytes = "*2147483647\r\n"}, "more than 16 MB"},
    {{.command = "PING", .action = FAKE_ENDLESS, .bytes = "*4000000\r\n", .more = "*0\r\n"},
     "more than 1048576 elements"},
    {{.command = "INFO", .action = FAKE_ENDLESS, .bytes = "-", .more = "x", .skip = 1}, NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "*2147483647\r\n", .skip = 1}, NULL},
    {{.command = "CONFIG", .action = FAKE_ENDLESS, .bytes = "*9999\r\n", .more = "*9999\r\n"},
     NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "rubbish\r\n", .skip = 1}, NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "$100\r\nhalf", .skip = 1}, NULL},
    {{.command = "INFO", .action = FAKE_CLOSE, .bytes = "$100\r\nhalf", .skip = 1}, NULL},
    {{.command = "INFO", .action = FAKE_ENDLESS_BULK, .skip = 1}, NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "*3\r\n+a\r\n+b\r\n+c\r\n"}, NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "$-1\r\n"}, NULL},
    {{.command = "INFO", .action = FAKE_REPLY, .bytes = "$20\r\nredis_version:\r\n:::\r\r\n"},
     NULL},
    {{.command = "CONFIG", .action = FAKE_REPLY, .bytes = "*2\r\n:1\r\n:2\r\n"}, NULL},
    {{.command = "CONFIG", .action = FAKE_REPLY, .bytes = "*1\r\n*0\r\n"}, NULL},
    {{.command = "CONFIG", .action = FAKE_RESET}, NULL},
    {{.command = "CONFIG", .action = FAKE_ENDLESS_BULK}, NULL},
};

START_TEST(test_bad_answers_aside)
{
    /* breaks: a server that answers INFO or CONFIG badly crashes or hangs volley, fills the memory (1 GiB
     * is all there is), is not told why it is refused, or a mute one ends the run where time-outs are short */
    serve(&aside[_i].rule, 1);
    const bool sanitized = getenv("VOLLEY_SANITIZED") != NULL; /* needs terabytes of addresses */
    /* what is refused has to arrive whole, however busy the machine is */
    const char *limit = aside[_i].said != NULL ? "60s" : "1s";
    trial_start_shell(&trial, sanitized ? ":" : "ulimit -v 1048576", "", LOAD, "-c", "2", "-n",
                      "100", "--connection-timeout", limit, "--request-timeout", limit, NULL);
    trial_end(&trial, aside[_i].said != NULL ? 5 : 0);
    if (aside[_i].said != NULL)
        trial_expect(&trial, PROGRAM_ERR, aside[_i].said);
    else
        ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 100);
    trial_free(&trial);
}
END_TEST

Suite *test_bad_server_suite(void)
{
    Suite *suite = suite_create("bad_server");
    TCase *cases[5];
    static const char *const names[] = {"rubbish", "half", "endless", "unasked", "beside"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        cases[i] = tcase_create(names[i]);
        tcase_set_timeout(cases[i], TCASE_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(cases[i], trial_set_up, trial_tear_down);
        suite_add_tcase(suite, cases[i]);
    }
    tcase_add_loop_test(cases[0], test_rubbish, 0, 2 * RUBBISH_STEP);
    tcase_add_loop_test(cases[0], test_rubbish_in_a_pipeline, 0, 2);
    tcase_add_loop_test(cases[0], test_rubbish_in_a_sequence, 0, 2);
    tcase_add_loop_test(cases[0], test_nothing_but_rubbish, 0, 2);
    tcase_add_loop_test(cases[0], test_big_rubbish, 0, 2);
    tcase_add_loop_test(cases[1], test_half_then_silence, 0, 2 * HALVES_STEP);
    tcase_add_loop_test(cases[1], test_half_then_gone, 0, 4);
    tcase_add_loop_test(cases[1], test_half_in_a_pipeline, 0, 2);
    tcase_add_test(cases[1], test_slow_reply);
    tcase_add_test(cases[2], test_endless_with_a_rate);
    tcase_add_loop_test(cases[2], test_endless_line, 0, 6);
    tcase_add_test(cases[2], test_signal_with_a_rate);
    tcase_add_test(cases[3], test_reply_too_many);
    tcase_add_test(cases[3], test_reply_while_idle);
    tcase_add_test(cases[3], test_half_while_idle);
    tcase_add_loop_test(cases[3], test_push_is_no_reply, 0, 2);
    tcase_add_loop_test(cases[4], test_bad_greeting, 0, (int)COUNT(greetings));
    tcase_add_loop_test(cases[4], test_bad_greeting_again, 0, 8);
    tcase_add_loop_test(cases[4], test_bad_answers_aside, 0, (int)COUNT(aside));
    return suite;
}
