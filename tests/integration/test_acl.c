/* Users with and without rights, on a real server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/run_json.h"
#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"

static struct test_server server;
static struct bench_setting at_server;
static struct bench_call call;

static void make_user(const char *name, const char *rights)
{
    char *made = test_server_text(&server, "ACL SETUSER %s on >pw-of-%s ~* &*", name, name);
    ck_assert_str_eq(made, "OK");
    free(made);
    for (const char *at = rights; *at != '\0';) {
        char right[64];
        size_t bytes = strcspn(at, " ");
        snprintf(right, sizeof right, "%.*s", (int)bytes, at);
        made = test_server_text(&server, "ACL SETUSER %s %s", name, right);
        ck_assert_msg(strcmp(made, "OK") == 0, "%s: %s", right, made);
        free(made);
        at += bytes;
        at += *at == ' ';
    }
}

static void set_up(void)
{
    test_server_start(&server, &(struct test_server_options){.password = "admin"});
    at_server = (struct bench_setting){.port = server.port_text};
    make_user("reader", "+get");
    make_user("named", "+get +client|setname");
    make_user("all", "+@all");
}

static void tear_down(void)
{
    test_server_stop(&server);
}

static void expect_stderr(const char *text)
{
    ck_assert_msg(strstr(call.program.err, text) != NULL, "\"%s\" is not in: %s", text,
                  call.program.err);
}

TEST(test_some_rights)
{
    /* Breaks when a user who may GET and nothing else cannot GET, or when what is forbidden is not
     * counted and named as such. */
    call_expect(&call, 1, &at_server, "-n 50 -c 5 -t get,set --user reader -a pw-of-reader");
    ck_assert_int_eq(run_json_count(&call, 0, "requests.ok"), 50);
    ck_assert_int_eq(run_json_count(&call, 0, "requests.errors"), 0);
    ck_assert_int_eq(run_json_count(&call, 1, "requests.ok"), 0);
    ck_assert_int_eq(run_json_count(&call, 1, "errors_by_kind.NOPERM"), 50);
    /* Redis 7.0 says "this user", later ones and Valkey "User reader". */
    ck_assert_ptr_nonnull(strstr(call.program.out, "NOPERM: 50 (first: NOPERM "));
    ck_assert_ptr_nonnull(strstr(call.program.out, " has no permissions to run the 'set' command"));
    expect_stderr("SET: no request succeeded");
    call_free(&call);
}

TEST(test_greeting_without_rights)
{
    /* Breaks when a right that the first words of a connection need is missing and volley does not say
     * which one, or hangs. */
    static const struct {
        const char *options, *text;
    } refusals[] = {
        {"--dbnum 1", "SELECT 1: NOPERM"},
        {"--enable-tracking", "CLIENT TRACKING: NOPERM"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        call_expect(&call, 5, &at_server, "-n 50 -c 2 -t get --user reader -a pw-of-reader %s",
                    refusals[i].options);
        expect_stderr(refusals[i].text);
        call_free(&call);
    }
    /* a name is no need of the load */
    call_expect(&call, 0, &at_server,
                "-n 50 -c 2 -t get --user reader -a pw-of-reader --client-name x");
    expect_stderr("the connections have no name: CLIENT SETNAME: NOPERM");
    expect_stderr("grant it with +client|setname");
    call_free(&call);
    call_expect(&call, 0, &at_server,
                "-n 50 -c 2 -t get --user named -a pw-of-named --client-name load");
    call_free(&call);
}

TEST(test_wrong_logins)
{
    /* Breaks when a login that fails is not told as one, with status 5. */
    static const struct {
        const char *options, *text;
    } refusals[] = {
        {"-a wrong", "authentication failed: WRONGPASS"},
        {"--user nobody -a x", "authentication failed: WRONGPASS"},
        {"-3 --user all -a x", "authentication failed: WRONGPASS"},
        {"", "asks for a password (NOAUTH Authentication required.): give one with -a"},
        {"-3", "asks for a password"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        call_expect(&call, 5, &at_server, "-n 50 -t get%s%s", refusals[i].options[0] ? " " : "",
                    refusals[i].options);
        expect_stderr(refusals[i].text);
        call_free(&call);
    }
}

TEST(test_user_disabled_meanwhile)
{
    /* Breaks when a user who loses the right to GET while the load runs ends the run, or the errors are
     * not named. */
    call_start(&call, &at_server,
               "--duration 60 --max-errors 20 --qps 200 -c 4 -t get --user all -a pw-of-all "
               "--progress --interval 100ms");
    program_wait_text(&call.program, PROGRAM_ERR, "GET");
    while (test_server_calls(&server, "get") < 20)
        support_sleep_ms(5);
    free(test_server_text(&server, "ACL SETUSER all -get"));
    call_finish(&call);
    ck_assert_int_eq(call.program.exit_status, 1);
    ck_assert_int_ge(run_json_count(&call, 0, "errors_by_kind.NOPERM"), 20);
    ck_assert_int_ge(run_json_count(&call, 0, "requests.ok"), 20);
    call_free(&call);
}

TEST_SUITE_WITH(acl, .set_up = set_up, .tear_down = tear_down)
