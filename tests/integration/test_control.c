#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/managed_server.h"
#include "orchestrator/server/reply_value.h"
#include "tests/support/check/canned_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct managed_server server;
static struct endpoint endpoint;
static struct control *control;
static struct target_address target;
static struct err err;

static void reset_spec(void)
{
    memset(&endpoint, 0, sizeof endpoint);
    memset(&err, 0, sizeof err);
    endpoint.host = "127.0.0.1";
    endpoint.connection_timeout_ns = 20 * NS_PER_SECOND;
    endpoint.wait_ready_ns = 20 * NS_PER_SECOND;
}

static void start_real(void)
{
    reset_spec();
    ck_assert_msg(managed_server_start(&server, &(struct managed_server_setup){.cpu_count = 0},
                                       NULL, &err) == OK,
                  "%s", err.text);
    endpoint.port = server.port;
}

static void stop_real(void)
{
    managed_server_stop(&server);
}

static void expect_connection(void)
{
    ck_assert_msg(control_connect(&control, &target, &endpoint, NULL, &err) == OK, "%s", err.text);
    ck_assert_ptr_nonnull(control);
}

/* Ends in the code and a text with this part. */
static void expect_failure(enum err_code code, const char *text_part)
{
    memset(&err, 0, sizeof err);
    enum err_code got = control_connect(&control, &target, &endpoint, NULL, &err);
    ck_assert_msg(got == code, "code %d: %s", got, err.text);
    ck_assert_msg(strstr(err.text, text_part) != NULL, "'%s' is not in: %s", text_part, err.text);
    ck_assert_ptr_null(control);
}

/* ---- a real server ---- */

static const struct suite_setting real_server = {.set_up = start_real, .tear_down = stop_real};

TEST_IN(real_server, connects_and_asks)
{
    /* INFO cut, CONFIG GET misread, or an unknown parameter taken for an error. */
    char *info, value[64], expected[32], port[16];
    expect_connection();
    snprintf(expected, sizeof expected, "127.0.0.1:%u", server.port);
    ck_assert_str_eq(target.text, expected);
    ck_assert_int_eq(target.address.ss_family, AF_INET);
    ck_assert_msg(control_info(control, &info, &err) == OK, "%s", err.text);
    snprintf(port, sizeof port, "%u", server.port);
    ck_assert(info_field(info, "tcp_port", value, sizeof value));
    ck_assert_str_eq(value, port);
    ck_assert(info_field(info, "cmdstat_info", value, sizeof value) ||
              info_field(info, "cmdstat_ping", value, sizeof value));
    free(info);
    ck_assert_int_eq(control_config_get(control, "appendonly", value, sizeof value, &err), OK);
    ck_assert_str_eq(value, "no");
    ck_assert_int_eq(control_config_get(control, "no-such", value, sizeof value, &err), OK);
    ck_assert_str_eq(value, "");
    control_close(control);
    control_close(NULL);
}

TEST_IN(real_server, names_are_resolved)
{
    /* A name that has several addresses, of which only one has the server. */
    char expected[32];
    endpoint.host = "localhost";
    expect_connection();
    snprintf(expected, sizeof expected, "localhost:%u (127.0.0.1)", server.port);
    ck_assert_str_eq(target.text, expected);
    control_close(control);
}

TEST_IN(real_server, passwords)
{
    /* A wrong or missing password told without the server, its words or what to do, or a right one not
     * sent. */
    server_say(server.port, "ACL SETUSER alice on >pw ~* +@all", "+OK");
    server_say(server.port, "CONFIG SET requirepass secret", "+OK");
    expect_failure(E_CONNECT, "asks for a password (NOAUTH");
    ck_assert(strstr(err.text, "-a") != NULL);
    endpoint.password = "wrong";
    expect_failure(E_CONNECT, "authentication failed: WRONGPASS");
    ck_assert(strstr(err.text, "-a") != NULL && strstr(err.text, "127.0.0.1:") == err.text);
    endpoint.password = "secret";
    expect_connection();
    control_close(control);
    endpoint.user = "alice";
    expect_failure(E_CONNECT, "authentication failed: WRONGPASS");
    endpoint.password = "pw";
    expect_connection();
    control_close(control);
    endpoint.password = NULL;
    endpoint.user = NULL;
    endpoint.database = 1;
    expect_failure(E_CONNECT, "asks for a password (NOAUTH");
}

TEST_IN(real_server, databases)
{
    /* A database that does not exist silently replaced by database 0. */
    endpoint.database = 99;
    expect_failure(E_CONNECT, "SELECT 99: ERR DB index is out of range");
    memset(&err, 0, sizeof err);
    endpoint.database = 7;
    expect_connection();
    server_say(server.port, "CLIENT LIST", " db=7 ");
    control_close(control);
}

TEST_IN(real_server, server_that_goes_away)
{
    /* SIGPIPE kills the run, or a late reply is taken for that of the next command. */
    char *info, value[64];
    expect_connection();
    managed_server_stop(&server);
    ck_assert_int_eq(control_info(control, &info, &err), E_CONNECT);
    ck_assert_ptr_null(info);
    memset(&err, 0, sizeof err);
    ck_assert_int_eq(control_config_get(control, "save", value, sizeof value, &err), E_CONNECT);
    ck_assert(strstr(err.text, "is closed") != NULL);
    control_close(control);
    expect_failure(E_CONNECT, "Connection refused");
}

/* ---- servers that misbehave ---- */

TEST(nobody_listens)
{
    /* The message without the address, or an error other than 5. */
    struct canned_server canned;
    char expected[80];
    reset_spec();
    canned_server_start(&canned, CANNED_SILENT, NULL, NULL);
    canned_server_stop(&canned);
    endpoint.port = canned.port;
    snprintf(expected, sizeof expected, "cannot connect to 127.0.0.1:%u: Connection refused",
             canned.port);
    expect_failure(E_CONNECT, expected);
    ck_assert_int_eq(control_connect(&control, &target, &endpoint, NULL, NULL), E_CONNECT);
    endpoint.host = "no-such-host.invalid";
    expect_failure(E_CONNECT, "cannot resolve host 'no-such-host.invalid': ");
    endpoint.host = "127.0.0.1";
    endpoint.port = 0;
    expect_failure(E_USAGE, "--port 0");
}

TEST(accepts_but_never_answers)
{
    /* A stopped server, whose kernel still accepts, stops volley for ever. */
    struct canned_server canned;
    char expected[80];
    reset_spec();
    canned_server_start(&canned, CANNED_SILENT, NULL, NULL);
    endpoint.port = canned.port;
    endpoint.connection_timeout_ns = 150 * NS_PER_MS;
    snprintf(expected, sizeof expected, "127.0.0.1:%u: no answer to PING within 150ms",
             canned.port);
    expect_failure(E_CONNECT, expected);
    canned_server_stop(&canned);
}

TEST(does_not_even_accept)
{
    /* A full accept queue, as a packet filter that drops: the kernel's own time-out is minutes. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    int fds[8];
    reset_spec();
    int listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listen_fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(listen_fd, (struct sockaddr *)&address, &address_bytes), 0);
    ck_assert_int_eq(listen(listen_fd, 0), 0);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], (const struct sockaddr *)&address, sizeof address);
    }
    endpoint.port = ntohs(address.sin_port);
    endpoint.connection_timeout_ns = 150 * NS_PER_MS;
    expect_failure(E_CONNECT, "no answer within 150ms");
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        close(fds[i]);
    close(listen_fd);
}

TEST(waits_while_loading)
{
    /* A server that has just been restarted refused instead of waited for. */
    static const char *const replies[] = {"-LOADING the dataset\r\n", "-LOADING the dataset\r\n",
                                          "+PONG\r\n", NULL};
    struct canned_server canned;
    reset_spec();
    canned_server_start(&canned, CANNED_ANSWERS, replies, NULL);
    endpoint.port = canned.port;
    endpoint.connection_timeout_ns = 10 * NS_PER_SECOND;
    expect_connection();
    control_close(control);
    canned_server_stop(&canned);
}

TEST(loads_for_too_long)
{
    /* --wait-ready without effect: an endless wait, or none. */
    static const char *const replies[] = {"-LOADING the dataset\r\n", NULL};
    struct canned_server canned;
    reset_spec();
    canned_server_start(&canned, CANNED_ANSWERS, replies, NULL);
    endpoint.port = canned.port;
    endpoint.wait_ready_ns = 250 * NS_PER_MS;
    expect_failure(E_CONNECT, "still loading its data after 250ms (LOADING the dataset)");
    ck_assert(strstr(err.text, "--wait-ready") != NULL);
    canned_server_stop(&canned);
}

TEST(refuses_in_its_own_words)
{
    /* "Connection reset" in place of the reason that the server gave before it closed. */
    static const char *const replies[] = {"-ERR max number of clients reached\r\n", NULL};
    struct canned_server canned;
    reset_spec();
    canned_server_start(&canned, CANNED_GREETS, replies, NULL);
    endpoint.port = canned.port;
    expect_failure(E_CONNECT, "ERR max number of clients reached");
    canned_server_stop(&canned);
}

TEST(closes_or_talks_rubbish)
{
    /* A web server, or a proxy without a back end, taken for a server that works. */
    static const struct {
        const char *reply;
        const char *told;
    } rows[] = {{"", ""},
                {"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak"},
                {":1\r\n", "PING was not answered"},
                {"$-1\r\n", "PING was not answered"},
                {"-DENIED protected mode\r\n", "refuses: DENIED protected mode"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const replies[] = {rows[i].reply, NULL};
        struct canned_server canned;
        reset_spec();
        canned_server_start(&canned, CANNED_GREETS, replies, NULL);
        endpoint.port = canned.port;
        expect_failure(E_CONNECT, rows[i].told);
        canned_server_stop(&canned);
    }
}

TEST(closes_between_two_commands)
{
    /* SIGPIPE kills volley when it writes to a server that has just gone. */
    static const char *const replies[] = {"-LOADING the dataset\r\n", NULL};
    struct canned_server canned;
    struct temp_tree tree;
    char path[160];
    reset_spec();
    canned_server_start(&canned, CANNED_GREETS, replies, NULL);
    endpoint.port = canned.port;
    expect_failure(E_CONNECT, "closed the connection");
    canned_server_stop(&canned);

    temp_tree_make(&tree);
    snprintf(path, sizeof path, "%s/socket", tree.path);
    canned_server_start(&canned, CANNED_GREETS, replies, path);
    endpoint.socket_path = path;
    expect_failure(E_CONNECT, path);
    canned_server_stop(&canned);
    temp_tree_remove(&tree);
}

TEST(unix_sockets)
{
    /* --socket not used, or a long path cut into that of another socket. */
    static const char *const replies[] = {"+PONG\r\n", NULL};
    struct canned_server canned;
    struct temp_tree tree;
    char path[160], long_path[200];
    reset_spec();
    temp_tree_make(&tree);
    snprintf(path, sizeof path, "%s/socket", tree.path);
    canned_server_start(&canned, CANNED_ANSWERS, replies, path);
    endpoint.socket_path = path;
    expect_connection();
    ck_assert_str_eq(target.text, path);
    ck_assert_int_eq(target.address.ss_family, AF_UNIX);
    control_close(control);
    canned_server_stop(&canned);
    expect_failure(E_CONNECT, "Connection refused");
    temp_tree_remove(&tree);
    expect_failure(E_CONNECT, "No such file or directory");
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    endpoint.socket_path = long_path;
    expect_failure(E_USAGE, "--socket: the path has 199 bytes, at most 107");
    endpoint.socket_path = NULL;
}

/* ---- interrupts ---- */

static volatile int interrupted;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    interrupted++;
}

/* SIGALRM in 50 ms, with a handler that restarts system calls, as main's does. */
static void interrupt_soon(void)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval soon = {.it_value.tv_usec = 50000};
    interrupted = 0;
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
}

TEST(interrupt_while_waiting)
{
    /* Ctrl+C without effect until the connection times out, longer than this test may take. */
    struct canned_server canned;
    reset_spec();
    canned_server_start(&canned, CANNED_SILENT, NULL, NULL);
    endpoint.port = canned.port;
    endpoint.connection_timeout_ns = 3600 * NS_PER_SECOND;
    interrupt_soon();
    ck_assert_int_eq(control_connect(&control, &target, &endpoint, &interrupted, &err),
                     E_INTERRUPTED);
    ck_assert_ptr_null(control);
    canned_server_stop(&canned);
}

TEST(interrupt_while_loading)
{
    /* Ctrl+C without effect while the server loads, for the minute of --wait-ready. */
    static const char *const replies[] = {"-LOADING the dataset\r\n", NULL};
    struct canned_server canned;
    reset_spec();
    canned_server_start(&canned, CANNED_ANSWERS, replies, NULL);
    endpoint.port = canned.port;
    endpoint.wait_ready_ns = 3600 * NS_PER_SECOND;
    interrupt_soon();
    ck_assert_int_eq(control_connect(&control, &target, &endpoint, &interrupted, &err),
                     E_INTERRUPTED);
    canned_server_stop(&canned);
}

TEST(no_questions_after_an_interrupt)
{
    /* Ctrl+C that comes while a long reply is read, and not waited for, is not heard by the next question. */
    static const char *const replies[] = {"+PONG\r\n", "$3\r\na:1\r\n", NULL};
    struct canned_server canned;
    char *info;
    reset_spec();
    canned_server_start(&canned, CANNED_ANSWERS, replies, NULL);
    endpoint.port = canned.port;
    interrupted = 0;
    ck_assert_int_eq(control_connect(&control, &target, &endpoint, &interrupted, &err), OK);
    interrupted = 1;
    ck_assert_int_eq(control_info(control, &info, &err), E_INTERRUPTED);
    ck_assert_ptr_null(info);
    control_close(control);
    canned_server_stop(&canned);
}

TEST(errors_inside_a_list)
{
    /* A server that echoes the password a million times, in a list, is not heard out: each is looked through. */
    static const char *const replies[] = {"+OK\r\n", "+PONG\r\n",
                                          "*2\r\n-ERR of the test\r\n+of the test\r\n", NULL};
    struct canned_server canned;
    redisReply *reply;
    reset_spec();
    canned_server_start(&canned, CANNED_ANSWERS, replies, NULL);
    endpoint.port = canned.port;
    endpoint.password = "of the test";
    expect_connection();
    ck_assert_int_eq(control_command(control, &reply, 1, (const char *const[]){"ROLE"}, &err), OK);
    ck_assert_uint_eq(reply->elements, 2);
    ck_assert_str_eq(reply->element[0]->str, "");
    ck_assert_uint_eq(reply->element[0]->len, 0);
    ck_assert_str_eq(reply->element[1]->str, "of the test");
    freeReplyObject(reply);
    control_close(control);
    canned_server_stop(&canned);
}

TEST_SUITE(control)
