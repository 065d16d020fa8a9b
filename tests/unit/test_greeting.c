/* What a connection says first, and what its answers mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/greeting.h"
#include "tests/support/check/suite.h"

static struct greeting greeting;
static struct endpoint endpoint;
static char why[GREETING_TEXT_BYTES];

static void set_up(void)
{
    endpoint = (struct endpoint){.database = 0};
}

static void tear_down(void)
{
    greeting_destroy(&greeting);
}

/* The commands as inline text: "AUTH pw;PING;". */
static const char *said(unsigned flags)
{
    static char text[512];
    struct err err = {.code = OK};
    size_t used = 0;
    greeting_destroy(&greeting);
    ck_assert_int_eq(greeting_create(&greeting, &endpoint, flags, &err), OK);
    char bytes[1024]; /* terminated, as strtol wants it */
    ck_assert_uint_lt(greeting.byte_count, sizeof bytes);
    memcpy(bytes, greeting.bytes, greeting.byte_count);
    bytes[greeting.byte_count] = '\0';
    const char *at = bytes, *end = bytes + greeting.byte_count;
    uint32_t commands = 0;
    while (at < end) {
        char *next;
        ck_assert_int_eq(*at, '*');
        long count = strtol(at + 1, &next, 10);
        at = next + 2;
        for (long i = 0; i < count; i++) {
            ck_assert_int_eq(*at, '$');
            long argument_bytes = strtol(at + 1, &next, 10);
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i > 0 ? " " : "",
                                     (int)argument_bytes, next + 2);
            at = next + 2 + argument_bytes + 2;
        }
        used += (size_t)snprintf(text + used, sizeof text - used, ";");
        commands++;
    }
    ck_assert_ptr_eq(at, end);
    ck_assert_uint_eq(commands, greeting.replies);
    return text;
}

static enum greeting_step answer(uint32_t index, char type, const char *text)
{
    const struct resp_reply reply = {
        .type = type, .is_error = type == '-', .text = text, .text_bytes = (uint32_t)strlen(text)};
    return greeting_take(&greeting, index, &reply, why, sizeof why);
}

static void ck_why(const char *part)
{
    ck_assert_msg(strstr(why, part) != NULL, "\"%s\" is not in: %s", part, why);
}

TEST(test_order)
{
    /* Breaks when something is said before AUTH, which a server with a password refuses, or when a
     * command is missing from what was asked for. */
    ck_assert_str_eq(said(0), "PING;");
    endpoint.password = "pw";
    ck_assert_str_eq(said(0), "AUTH pw;PING;");
    endpoint.user = "me";
    endpoint.database = 3;
    endpoint.client_name = "load";
    ck_assert_str_eq(said(0), "AUTH me pw;SELECT 3;CLIENT SETNAME load;PING;");
    ck_assert_str_eq(said(GREETING_REPLICA),
                     "AUTH me pw;SELECT 3;CLIENT SETNAME load;READONLY;PING;");
}

TEST(test_other_questions)
{
    /* Breaks when who counts the PINGs of a load sees those of its connections, too. */
    static const struct {
        enum server_probe probe;
        const char *said;
    } questions[] = {{PROBE_TYPE, "TYPE volley:probe;"},
                     {PROBE_PING, "PING;"},
                     {PROBE_GET, "GET volley:probe;"},
                     {PROBE_ECHO, "ECHO volley:probe;"}};
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        endpoint.probe = questions[i].probe;
        ck_assert_str_eq(said(0), questions[i].said);
        ck_assert_int_eq(answer(0, '-', "MOVED 1 127.0.0.1:7000"), GREETING_COMPLETE);
        ck_assert_int_eq(answer(0, '-', "ERR max number of clients reached"), GREETING_REFUSED);
    }
}

TEST(test_resp3)
{
    /* Breaks when HELLO comes before the password, a name is set twice, or a control connection, which reads RESP2,
     * does not log in. */
    endpoint.resp3 = true;
    ck_assert_str_eq(said(0), "HELLO 3;PING;");
    endpoint.password = "pw";
    ck_assert_str_eq(said(0), "HELLO 3 AUTH default pw;PING;");
    endpoint.user = "me";
    endpoint.client_name = "load";
    endpoint.tracking = true;
    ck_assert_str_eq(said(GREETING_REPLICA),
                     "HELLO 3 AUTH me pw SETNAME load;CLIENT TRACKING ON;READONLY;PING;");
    ck_assert_str_eq(said(GREETING_RESP2),
                     "AUTH me pw;CLIENT SETNAME load;CLIENT TRACKING ON;PING;");
}

TEST(test_replies)
{
    /* Breaks when a connection is ready before its last reply, or never. */
    endpoint.password = "pw";
    endpoint.database = 1;
    said(0);
    ck_assert_int_eq(answer(0, '+', "OK"), GREETING_GOES_ON);
    ck_assert_int_eq(answer(1, '+', "OK"), GREETING_GOES_ON);
    ck_assert_int_eq(answer(2, '+', "PONG"), GREETING_COMPLETE);
}

TEST(test_refusals_name_the_command)
{
    /* Breaks when an error of the greeting does not say which of its commands failed, and why. */
    endpoint.resp3 = endpoint.tracking = true;
    said(GREETING_REPLICA);
    ck_assert_int_eq(answer(1, '-', "NOPERM no permissions to run 'client|tracking'"),
                     GREETING_REFUSED);
    ck_why("CLIENT TRACKING: NOPERM no permissions");
    ck_why("+client|tracking, or leave out --enable-tracking");
    ck_assert_int_eq(answer(2, '-', "ERR This instance has cluster support disabled"),
                     GREETING_REFUSED);
    ck_why("READONLY: ERR This instance");
    ck_assert_int_eq(answer(0, '-', "ERR unknown command 'HELLO'"), GREETING_REFUSED);
    ck_why("does not speak RESP3: leave out -3");
    ck_assert_int_eq(answer(3, '-', "NOAUTH Authentication required."), GREETING_REFUSED);
    ck_why("NOAUTH Authentication required.; the server asks for a password");
    ck_assert_int_eq(answer(3, '-', "LOADING the dataset"), GREETING_NOT_YET);
}

TEST(test_forbidden_ping_is_an_answer)
{
    /* Breaks when a user without the right to PING cannot be used, though all it needs is GET. */
    endpoint.password = "pw";
    said(0);
    ck_assert_int_eq(answer(1, '-', "NOPERM this user has no permissions to run 'ping'"),
                     GREETING_COMPLETE);
    ck_assert_int_eq(answer(0, '-', "NOPERM nothing"), GREETING_REFUSED);
}

TEST(test_no_password_in_words)
{
    /* Breaks when a server's error carries the password into volley's own messages. */
    static const char *const echoes[] = {
        "ERR unknown command `AUTH`, with args beginning with: `hunter2-hunter2`, ",
        "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'me' 'hunter",
        "ERR AUTH hunter2-hunter2 called without any password configured",
        "ERR hunter2-hunter2",
        "hunter2-hunter2",
    };
    endpoint.password = "hunter2-hunter2";
    for (int resp3 = 0; resp3 < 2; resp3++) {
        endpoint.resp3 = resp3 == 1;
        said(0);
        for (size_t i = 0; i < sizeof echoes / sizeof echoes[0]; i++) {
            ck_assert_int_eq(answer(0, '-', echoes[i]), GREETING_REFUSED);
            ck_assert_msg(strstr(why, "hunter") == NULL, "%s", why);
        }
        ck_why(resp3 == 1 ? "HELLO 3: ***" : "AUTH: ***");
        ck_assert_int_eq(answer(0, '-', "WRONGPASS invalid username-password pair"),
                         GREETING_REFUSED);
        ck_why("WRONGPASS invalid username-password pair");
    }
}

TEST_SUITE_WITH(greeting, .set_up = set_up, .tear_down = tear_down)
