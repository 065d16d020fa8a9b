/* -t custom with a file of Lua, at a real server: what is sent, what is made of replies, and what a user is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/at_server.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct program program;
static char file[256];

static void set_up(void)
{
    at_server_set_up();
    temp_tree_make(&tree);
    snprintf(file, sizeof file, "%s/script.lua", tree.path);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

static void write_script(const char *text)
{
    temp_tree_write(&tree, "/script.lua", text, 0644);
}

static long long count(const char *path)
{
    return run_json_count_or_zero(&call, 0, path);
}

TEST(classes_sequences_and_judgements)
{
    /* Breaks when classes are mixed up, a sequence is not one request, or false is no failed request. */
    write_script("classes = {'pair', 'echo'}\n"
                 "function request(t)\n"
                 "  if t % 4 == 3 then return {'ECHO', t}, 'echo' end\n"
                 "  return {{'SET', 'k', t}, {'LRANGE', 'l', 0, -1}}\n"
                 "end\n"
                 "function response(r)\n"
                 "  if r.class == 'echo' then return r.text == tostring(r.ticket) end\n"
                 "  if r.command == 1 then return r.text == 'OK' end\n"
                 "  return r.ticket % 8 ~= 0 and r.strings[2] == 'two' and #r.strings == 2\n"
                 "end\n");
    test_server_integer(&server, "RPUSH l one two");
    call_expect(&call, 0, &at_server,
                "-t custom --custom-command-file %s -n 8000 -P 3 --processes 2", file);
    ck_assert_int_eq(count("requests.ok"), 7000);
    ck_assert_int_eq(count("errors_by_kind.PLUGIN"), 1000);
    ck_assert_int_eq(count("classes.0.requests.ok"), 5000);
    ck_assert_int_eq(count("classes.1.requests.ok"), 2000);
}

TEST(delays_that_differ)
{
    /* Breaks when a connection that waits beside others that end before it is forgotten, or one that was closed meanwhile is not. */
    write_script("function request() return {'PING'} end\n"
                 "function delay() return math.random() < 0.1 and 20 or math.random() * 4 end\n");
    call_expect(&call, 0, &at_server,
                "-t custom --custom-command-file %s -n 4000 -c 40 --reconnect-every 7", file);
    ck_assert_int_eq(count("requests.ok"), 4000);
}

TEST(a_rate_and_a_delay)
{
    /* Breaks when a script without delay() is refused a rate, or one with it is not. */
    write_script("function request() return {'PING'} end\n");
    call_expect(&call, 0, &at_server, "-t custom --custom-command-file %s -n 200 --qps 2000", file);
    ck_assert_int_eq(count("requests.ok"), 200);
    call_free(&call);
    write_script("function request() return {'PING'} end function delay() return 1 end\n");
    call_expect(&call, 0, &at_server, "-t custom --custom-command-file %s -n 200", file);
    ck_assert_int_eq(count("requests.ok"), 200);
    program_run_volley(&program, "bench", "-p", "1", "-t", "custom", "--custom-command-file", file,
                       "--qps", "10", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "has a delay of its own"));
}

/* What is refused before anything is asked of a server (nobody listens at port 1), and where. */
static const struct {
    const char *text, *why;
} wrong[] = {
    {"function request(\n", "script.lua:2: "},
    {"x = 1\n", "has no function request(ticket)"},
    {"function request() end\n\n\nfunction setup(thread) end\n",
     "script.lua:4: setup() is wrk's, and volley never calls it"},
    {"\nfunction request() return {'SET', {}} end\n",
     "script.lua:2: request() returned a table as element 2 of command 1"},
    {"function request() os.exit(0) end\n", "script.lua:1: os.exit() would end a worker"},
    {"classes = {'a b'} function request() return {'PING'} end\n", "'.', '_' and '-'"},
};

LOOP_TEST(what_is_wrong_is_told_before_the_run, sizeof wrong / sizeof wrong[0])
{
    /* Breaks when a mistake in a script comes out under load, or without its place. */
    write_script(wrong[_i].text);
    program_run_volley(&program, "bench", "-p", "1", "-t", "custom", "--custom-command-file", file,
                       NULL);
    ck_assert_msg(program.exit_status == 3 && strstr(program.err, wrong[_i].why) != NULL,
                  "status %d: %s", program.exit_status, program.err);
}

static const struct {
    const char *text, *said;
} late[] = {
    {"function request(t)\n  if t >= 500 then error('no more') end\n  return {'PING'}\nend\n",
     "script.lua:2: no more"},
    {"function request(t) return {'PING'} end\n"
     "function response(r) if r.ticket >= 500 then r.x.y = 1 end end\n",
     "script.lua:2: attempt to index field 'x'"},
};

LOOP_TEST(an_error_under_load_ends_the_run, sizeof late / sizeof late[0])
{
    /* Breaks when an error of a script is not told with its place, or the run goes on for ever. */
    write_script(late[_i].text);
    program_run_volley(&program, "bench", "-p", server.port_text, "-t", "custom",
                       "--custom-command-file", file, "-n", "100000", "-c", "4", "-q",
                       "--processes", "1", NULL);
    ck_assert_int_gt(program.exit_status, 0);
    ck_assert_msg(strstr(program.err, late[_i].said) != NULL, "%s", program.err);
}

TEST(a_marked_key_in_a_cluster)
{
    /* Breaks when a request goes to another node than that of the key that the script marked. */
    struct test_cluster cluster;
    test_cluster_start(&cluster, 3, 0, NULL);
    const struct bench_setting at_cluster = {.port = cluster.nodes[0].port_text};
    write_script("function request(t)\n"
                 "  return {'EVAL', 'return KEYS[1]', 1, volley.key('key:' .. t)}\n"
                 "end\n");
    call_expect(&call, 0, &at_cluster, "--cluster -t custom --custom-command-file %s -n 3000 -P 4",
                file);
    ck_assert_int_eq(count("requests.ok"), 3000);
    ck_assert_int_eq(count("redirections.moved"), 0);
    test_cluster_stop(&cluster);
}

TEST(what_explain_says)
{
    /* Breaks when --explain takes a script for a command that is always the same. */
    write_script("function request(t) return {'GET', 'key:' .. t} end\n");
    program_run_volley(&program, "bench", "-p", "1", "-t", "custom", "--custom-command-file", file,
                       "--explain", NULL);
    ck_assert_int_eq(program.exit_status, 0);
    ck_assert_msg(strstr(program.out, "request       as the plug-in makes it") != NULL &&
                      strstr(program.out, "key:0\\r") != NULL &&
                      strstr(program.out, "ticket 1") == NULL &&
                      strstr(program.out, "always the same") == NULL,
                  "%s", program.out);
}

TEST(where_the_module_is_looked_for)
{
    /* Breaks when an installed volley does not find its module, or nobody is told which package is missing. */
    write_script("function request() return {'PING'} end\n");
    const char *line = "mkdir -p bin lib && cp $volley bin/ && "
                       "bin/volley bench -p 1 -t custom --custom-command-file script.lua";
    program_run_shell(&program, tree.path, line, 1);
    ck_assert_msg(strstr(program.err, "install libluajit-5.1-dev") != NULL, "%s", program.err);
    program_free(&program);
    program_run_shell(
        &program, tree.path,
        "mkdir -p lib/volley && cp \"$(dirname $volley)/volley-lua.so\" lib/volley && "
        "bin/volley bench -p 1 -t custom --custom-command-file script.lua --explain",
        0);
    ck_assert_msg(strstr(program.out, "PING") != NULL, "%s", program.out);
}

TEST_SUITE_WITH(lua_run, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
