/* recorder_server itself: its stamps are the truth that volley's figures are held against. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/support/check/recorder.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

#define DEADLINE_MS 20000
#define GET_BYTES 36
#define VALUE "$3\r\nabc\r\n"

static struct test_recorder server;
static struct recorder_record record;
static int fd;

static void connect_to_server(void)
{
    fd = support_connect(server.port, DEADLINE_MS);
    ck_assert_int_ge(fd, 0);
}

static void send_text(const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void send_gets(unsigned first, unsigned count)
{
    static char requests[1000 * GET_BYTES + 1];
    char *at = requests;
    for (unsigned i = first; i < first + count; i++, at += GET_BYTES)
        snprintf(at, GET_BYTES + 1, "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012u\r\n", i);
    send_text(requests);
}

static void expect_text(const char *text)
{
    char got[64] = "";
    ck_assert_uint_lt(strlen(text), sizeof got);
    ck_assert(support_read_exactly(fd, got, strlen(text)));
    ck_assert_str_eq(got, text);
}

static void expect_values(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        expect_text(VALUE);
}

static void stop(void)
{
    close(fd);
    test_recorder_stop(&server, &record);
}

/* Tickets first .. in their order, each answered after it came. */
static void check_order(uint64_t count)
{
    ck_assert_uint_eq(record.header.request_count, count);
    for (uint64_t i = 0; i < count; i++) {
        const struct recorder_request *request = &record.requests[i];
        ck_assert_uint_eq(request->ticket, i);
        ck_assert_uint_ge(request->reply_ns, request->arrival_ns);
        ck_assert(i == 0 || request->arrival_ns >= request[-1].arrival_ns);
        ck_assert(i == 0 || request->reply_ns >= request[-1].reply_ns);
    }
}

TEST(test_stamps)
{
    /* Breaks when a stamp is taken before the request was sent or after its reply came, or a key is
     * misread. */
    test_recorder_start(&server, NULL);
    connect_to_server();
    uint64_t before_ns[50], after_ns[50];
    for (unsigned i = 0; i < 50; i++) {
        before_ns[i] = clock_now_ns();
        send_gets(i, 1);
        expect_values(1);
        after_ns[i] = clock_now_ns();
    }
    stop();
    check_order(50);
    for (unsigned i = 0; i < 50; i++) {
        ck_assert_uint_ge(record.requests[i].arrival_ns, before_ns[i]);
        ck_assert_uint_le(record.requests[i].reply_ns, after_ns[i]);
    }
    recorder_record_free(&record);
}

TEST(test_pieces)
{
    /* Breaks when a request that comes in two pieces, or many in one, is counted wrongly, or stamped
     * before its last byte. */
    test_recorder_start(&server, NULL);
    connect_to_server();
    send_text("*2\r\n$3\r\nGET\r\n$16\r\nkey:0000000");
    send_text("00000\r");
    support_sleep_ms(20);
    uint64_t last_byte_ns = clock_now_ns();
    send_text("\n");
    expect_values(1);
    send_gets(1, 999);
    expect_values(999);
    stop();
    check_order(1000);
    ck_assert_uint_ge(record.requests[0].arrival_ns, last_byte_ns);
    recorder_record_free(&record);
}

TEST(test_other_commands)
{
    /* Breaks when what volley asks besides its requests is recorded, or not answered. */
    test_recorder_start(&server, NULL);
    connect_to_server();
    send_text("*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000000\r\n$2\r\nxy\r\n");
    expect_text("+PONG\r\n+OK\r\n");
    send_text("*1\r\n$6\r\nDBSIZE\r\n*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$4\r\nsave\r\n");
    expect_text(":0\r\n*0\r\n");
    send_text("*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n*2\r\n$3\r\nGET\r\n$5\r\nkey:1\r\n");
    expect_text("+OK\r\n" VALUE);
    stop();
    check_order(1);
    recorder_record_free(&record);
}

TEST(test_rubbish)
{
    /* Breaks when bytes that are no command are waited for, or answered. */
    char byte;
    test_recorder_start(&server, NULL);
    connect_to_server();
    send_text("*1\r\n:5\r\n");
    ck_assert_int_eq(read(fd, &byte, 1), 0);
    stop();
    ck_assert_uint_eq(record.header.request_count, 0);
    recorder_record_free(&record);
}

TEST(test_reset_and_dump)
{
    /* Breaks when a second run against the same server is mixed with the first. */
    char dump[300], path[96];
    test_recorder_start(&server, NULL);
    connect_to_server();
    send_gets(500, 10);
    expect_values(10);
    send_text("*2\r\n$8\r\nRECORDER\r\n$5\r\nRESET\r\n");
    expect_text("+OK\r\n");
    send_gets(0, 3);
    expect_values(3);
    snprintf(path, sizeof path, "%s", server.path); /* the file of its end, written early */
    snprintf(dump, sizeof dump, "*3\r\n$8\r\nRECORDER\r\n$4\r\nDUMP\r\n$%zu\r\n%s\r\n",
             strlen(path), path);
    send_text(dump);
    expect_text("+OK\r\n");
    struct err err = {.code = OK};
    ck_assert_int_eq(recorder_record_load(&record, path, &err), OK);
    check_order(3);
    recorder_record_free(&record);
    stop();
    check_order(3);
    recorder_record_free(&record);
}

TEST(test_full)
{
    /* Breaks when requests beyond the capacity vanish: the record must not look whole. */
    struct err err = {.code = OK};
    test_recorder_start(&server, "--capacity", "5", NULL);
    connect_to_server();
    send_gets(0, 6);
    expect_values(5);
    expect_text("-ERR the record is full\r\n");
    close(fd);
    program_signal(&server.program, SIGTERM);
    program_wait(&server.program);
    ck_assert_int_eq(recorder_record_load(&record, server.path, &err), E_FAILED);
    ck_assert_ptr_nonnull(strstr(err.text, "1 requests found no room"));
    recorder_record_free(&record);
    program_free(&server.program);
    unlink(server.path);
}

TEST(test_stalls)
{
    /* Breaks when it answers during a stall, or stalls at another time than planned. */
    test_recorder_start(&server, "--stall", "50ms:100ms", "--stall", "0.3:0.05", NULL);
    connect_to_server();
    unsigned sent = 0;
    do {
        send_gets(sent++, 1);
        expect_values(1);
        support_sleep_ms(1);
    } while (sent < 200);
    support_sleep_ms(200);
    send_gets(sent++, 1);
    expect_values(1);
    stop();
    check_order(sent);
    ck_assert_uint_eq(record.header.stall_count, 2);
    static const uint64_t at_ms[] = {50, 300}, length_ms[] = {100, 50};
    uint64_t first_ns = record.requests[0].arrival_ns;
    for (unsigned i = 0; i < 2; i++) {
        const struct recorder_stall *stall = &record.header.stalls[i];
        ck_assert_uint_ge(stall->begin_ns, first_ns + at_ms[i] * NS_PER_MS);
        ck_assert_uint_ge(stall->end_ns, first_ns + (at_ms[i] + length_ms[i]) * NS_PER_MS);
        for (unsigned k = 0; k < sent; k++) {
            const struct recorder_request *request = &record.requests[k];
            ck_assert(request->reply_ns <= stall->begin_ns || request->reply_ns >= stall->end_ns);
        }
    }
    recorder_record_free(&record);
}

TEST(test_service_time)
{
    /* Breaks when requests are served side by side, too fast, or each a little late: a queue of n
     * takes n times the service time, however late the process wakes up. */
    test_recorder_start(&server, "--service-time", "500us", NULL);
    connect_to_server();
    send_gets(0, 400);
    expect_values(400);
    stop();
    check_order(400);
    uint64_t begin_ns = record.requests[0].arrival_ns;
    uint64_t least_late_ns = UINT64_MAX;
    for (uint64_t i = 0; i < 400; i++) {
        uint64_t due_ns = begin_ns + (i + 1) * 500 * NS_PER_US;
        uint64_t reply_ns = record.requests[i].reply_ns;
        ck_assert_uint_ge(reply_ns, due_ns);
        if (i >= 200 && reply_ns - due_ns < least_late_ns)
            least_late_ns = reply_ns - due_ns;
    }
    /* At some time in the second half it was on time, so nothing had added up. */
    ck_assert_uint_lt(least_late_ns, 500 * NS_PER_US);
    recorder_record_free(&record);
}

TEST(test_service_of_a_closed_connection)
{
    /* Breaks when the queue holds requests of a connection that has ended: the server crashed, or
     * answered somebody else. */
    test_recorder_start(&server, "--service-time", "20ms", NULL);
    connect_to_server();
    send_gets(0, 3);
    expect_values(1);
    close(fd);
    connect_to_server();
    send_gets(3, 1);
    expect_values(1);
    stop();
    ck_assert_uint_eq(record.header.request_count, 4);
    ck_assert_uint_ge(record.requests[3].reply_ns, record.requests[0].arrival_ns + 80 * NS_PER_MS);
    recorder_record_free(&record);
}

TEST(test_limit)
{
    /* Breaks when a server that nobody stops stays for ever, or keeps its record to itself. */
    struct err err = {.code = OK};
    test_recorder_start(&server, "--limit", "100ms", "--stall", "0:1h", NULL);
    connect_to_server();
    send_gets(0, 1);
    program_wait(&server.program);
    ck_assert_int_eq(server.program.exit_status, 0);
    ck_assert_int_eq(recorder_record_load(&record, server.path, &err), OK);
    close(fd);
    recorder_record_free(&record);
    program_free(&server.program);
    unlink(server.path);
}

TEST(test_bad_options)
{
    /* Breaks when a wrong plan is taken for another one. */
    static const char *const bad[] = {"--stall=5",       "--stall=x:1",    "--service-time=fast",
                                      "--capacity=0",    "--limit=-1",     "--unknown=1",
                                      "--stall=1:2,3:4", "--service-time="};
    const char *recorder = getenv("VOLLEY_RECORDER");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct program program;
        const char *argv[] = {recorder != NULL ? recorder : "build/support/recorder_server", bad[i],
                              NULL};
        program_run(&program, &(struct program_options){.argv = argv});
        ck_assert_msg(program.exit_status == E_USAGE, "%s: %d", bad[i], program.exit_status);
        program_free(&program);
    }
}

TEST_SUITE(recorder_server)
