/* -t custom: plug-ins in C at a real server, and what is wrong with one. */
#include <dirent.h>
#include <signal.h>
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
    snprintf(file, sizeof file, "%s/plugin.c", tree.path);
    setenv("XDG_CACHE_HOME", tree.path, 1);
}

static void tear_down(void)
{
    program_free(&program);
    temp_tree_remove(&tree);
    at_server_tear_down();
}

#define HEAD "#include <volley_plugin.h>\n#include <unistd.h>\n"
#define TABLE(members)                                                                             \
    "const struct volley_plugin volley_plugin = {VOLLEY_PLUGIN_VERSION, " members "};\n"
#define NEXT(body)                                                                                 \
    "static bool next(void *state, uint64_t ticket, struct volley_request *request) {\n"           \
    "    (void)state; (void)ticket; (void)request;\n" body "\n    return true; }\n"

static void write_plugin(const char *text)
{
    temp_tree_write(&tree, "/plugin.c", text, 0644);
}

/* Refused before anything is asked of a server: nobody listens at port 1. */
static void expect_refused(int exit_status, const char *why, const char *arguments)
{
    program_free(&program);
    program_run_volley(&program, "bench", "-p", "1", "-t", "custom", "--custom-command-file", file,
                       "--custom-command-args", arguments, NULL);
    ck_assert_msg(program.exit_status == exit_status && strstr(program.err, why) != NULL,
                  "status %d: %s", program.exit_status, program.err);
}

static double number(const char *path)
{
    return run_json_number(run_json_at(call.root, 0), path);
}

static const char *const languages[] = {"c", "lua"};

LOOP_TEST(the_counterpart_of_the_python_sample, sizeof languages / sizeof languages[0])
{
    /* Breaks when the sample of the polyglot benchmark does something else, or a request gets lost. */
    call_expect(&call, 0, &at_server,
                "-t custom --custom-command-file configs/plugins/custom_commands.%s -n 5000 -P 4 "
                "--processes 1",
                languages[_i]);
    ck_assert_double_eq(number("requests.ok"), 5000);
    ck_assert_int_eq(test_server_integer(&server, "DBSIZE"), 5000);
    char *value = test_server_text(&server, "GET custom:key:0");
    ck_assert_str_eq(value, "custom:value");
    free(value);
}

static const struct {
    const char *operation, *command, *key;
    long long expected;
} operations[] = {
    {"set", "STRLEN", "u:7", 30},
    {"mset", "EXISTS", "u:99", 1},
    {"hset", "HLEN", "u:7", 1},
    {"lpush", "LLEN", "u", 1000},
    {"lpush_keyspace", "LLEN", "u:99", 10},
};

LOOP_TEST(sample_operations, 2 * (sizeof operations / sizeof operations[0]))
{
    /* Breaks when a sample operation sends another command, other keys or another value, in one of the languages. */
    const size_t at = (size_t)_i / 2;
    call_expect(&call, 0, &at_server,
                "-t custom --custom-command-file configs/plugins/operations.%s "
                "--custom-command-args operation=%s,key_prefix=u,batch_size=4 --sequential 100 "
                "-d 30 -n 1000",
                languages[_i % 2], operations[at].operation);
    ck_assert_int_eq(
        test_server_integer(&server, "%s %s", operations[at].command, operations[at].key),
        operations[at].expected);
}

TEST(without_a_file)
{
    /* Breaks when -t custom without a file sends something else than the polyglot benchmark does. */
    call_expect(&call, 0, &at_server, "-t custom -n 100");
    char *value = test_server_text(&server, "GET default:key");
    ck_assert_str_eq(value, "default:value");
    free(value);
}

TEST(classes_sequences_and_judgements)
{
    /* Breaks when classes are mixed up, a sequence is not one request, or a false reply is no failed request. */
    write_plugin(
        HEAD
        "static bool init(void **state, const struct volley_settings *settings, struct "
        "volley_setup *setup) {\n"
        "    (void)state; (void)settings;\n"
        "    setup->class_count = 2;\n"
        "    setup->classes[0].name = \"pair\"; setup->classes[0].commands = 2;\n"
        "    setup->classes[1].name = \"list\";\n    return true; }\n" NEXT(
            "    request->class_index = ticket % 4 == 3;\n"
            "    if (ticket % 4 != 3) { volley_add_text(request, \"SET\"); "
            "volley_add_key_text(request, \"k\"); volley_add_text(request, \"v\");\n"
            "        request->begin_command(request); volley_add_text(request, \"GET\"); "
            "volley_add_text(request, \"k\"); return true; }\n"
            "    for (uint64_t i = 0; i < 1 + ticket % 3; i++) { if (i > 0) "
            "request->begin_command(request); volley_add_text(request, \"ECHO\"); "
            "volley_add_number(request, (int64_t)ticket); }") "static bool reply(void *state, "
                                                              "uint64_t ticket, const struct "
                                                              "volley_reply *r) {\n"
                                                              "    (void)state; char own[24];\n"
                                                              "    snprintf(own, sizeof own, "
                                                              "\"%llu\", (unsigned long "
                                                              "long)ticket);\n"
                                                              "    if (r->class_index == 1) return "
                                                              "r->text_bytes == strlen(own) && "
                                                              "memcmp(r->text, own, "
                                                              "r->text_bytes) == 0;\n"
                                                              "    return r->command == 0 ? "
                                                              "r->type == '+' : ticket % 8 != 0; "
                                                              "}\n" TABLE(".init = init, .next = "
                                                                          "next, .reply = reply"));
    call_expect(&call, 0, &at_server, "-t custom --custom-command-file %s -n 8000 -P 3", file);
    ck_assert_double_eq(number("requests.ok"), 7000);
    ck_assert_double_eq(number("errors_by_kind.PLUGIN"), 1000);
    json_t *classes = json_object_get(run_json_at(call.root, 0), "classes");
    ck_assert_uint_eq(json_array_size(classes), 2);
    const char *const names[] = {"pair", "list"};
    const long long ok[] = {5000, 2000};
    for (size_t i = 0; i < 2; i++) {
        json_t *class = json_array_get(classes, i);
        ck_assert_str_eq(json_string_value(json_object_get(class, "name")), names[i]);
        ck_assert_int_eq(
            json_integer_value(json_object_get(json_object_get(class, "requests"), "ok")), ok[i]);
    }
}

TEST(replies_as_the_server_gave_them)
{
    /* Breaks when a plug-in gets other strings than the server sent, or nulls and long values are not told. */
    free(test_server_text(&server, "RPUSH l one two"));
    free(test_server_text(&server, "SETRANGE long 99999 x"));
    write_plugin(HEAD NEXT(
        "    if (ticket % 3 == 0) { volley_add_text(request, \"LRANGE\"); volley_add_text(request, "
        "\"l\"); volley_add_number(request, 0); volley_add_number(request, -1); }\n"
        "    else { volley_add_text(request, \"GET\"); volley_add_text(request, ticket % 3 == 1 ? "
        "\"none\" : \"long\"); }") "static bool reply(void *state, uint64_t ticket, const struct "
                                   "volley_reply *r) {\n"
                                   "    (void)state;\n"
                                   "    if (ticket % 3 == 0) return r->type == '*' && r->integer "
                                   "== 2 && r->string_count == 2 && "
                                   "r->strings[1].byte_count == 3 && memcmp(r->strings[1].bytes, "
                                   "\"two\", 3) == 0;\n"
                                   "    if (ticket % 3 == 1) return r->is_null && r->integer == "
                                   "-1;\n"
                                   "    return r->integer == 100000 && r->text_bytes == 65536; "
                                   "}\n" TABLE(".next = next, .reply = reply"));
    call_expect(&call, 0, &at_server, "-t custom --custom-command-file %s -n 900 -P 2", file);
    ck_assert_double_eq(number("requests.ok"), 900);
}

TEST(long_requests_and_rates)
{
    /* Breaks when a request longer than the buffers is cut, or a plug-in goes with closed loops only. */
    write_plugin(HEAD "static char value[3000000];\n" NEXT(
        "    memset(value, 'a', sizeof value); volley_add_text(request, \"SET\"); "
        "volley_add_key_text(request, \"big\"); request->add(request, value, sizeof value);")
                     TABLE(".next = next"));
    call_expect(&call, 0, &at_server,
                "-t custom --custom-command-file %s -n 40 -c 4 --qps 200 --processes 1", file);
    ck_assert_double_eq(number("requests.ok"), 40);
    ck_assert_int_eq(test_server_integer(&server, "STRLEN big"), 3000000);
}

TEST(delays)
{
    /* Breaks when a connection does not wait as its plug-in says, or a rate and a delay go together. */
    write_plugin(HEAD NEXT(
        "    volley_add_text(request, \"PING\");") "static double delay(void *state) { static int "
                                                   "i; (void)state; return i++ % 2 == 0 ? "
                                                   "20 : 10; }\n" TABLE(
                                                       ".next = next, .delay_ms = delay"));
    call_expect(&call, 0, &at_server, "-t custom --custom-command-file %s -n 40 -c 2 --processes 1",
                file);
    ck_assert_double_ge(number("seconds"), 0.2); /* 19 waits of 15 ms on each */
    call_free(&call);
    program_run_volley(&program, "bench", "-p", "1", "-t", "custom", "--custom-command-file", file,
                       "--qps", "10", NULL);
    ck_assert_int_eq(program.exit_status, 2);
    ck_assert_ptr_nonnull(strstr(program.err, "has a delay of its own"));
}

/* What the cache has. */
static unsigned libraries(void)
{
    char path[300];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/volley/plugins", tree.path);
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

TEST(compiled_once)
{
    /* Breaks when what has not changed is compiled each time, or what has changed is not. */
    write_plugin(HEAD NEXT("    volley_add_text(request, \"PING\");") TABLE(".next = next"));
    call_expect(&call, 0, &at_server, "-t custom --custom-command-file %s -n 10", file);
    call_free(&call);
    ck_assert_uint_eq(libraries(), 1);
    call_expect(&call, 0, &at_server, "-t custom --custom-command-file %s -n 10", file);
    call_free(&call);
    ck_assert_uint_eq(libraries(), 1);
    write_plugin(
        HEAD NEXT("    volley_add_text(request, \"ECHO\"); volley_add_text(request, \"x\");")
            TABLE(".next = next"));
    call_expect(&call, 0, &at_server, "-t custom --custom-command-file %s -n 10", file);
    ck_assert_uint_eq(libraries(), 2);
}

static const struct {
    const char *text, *why;
} wrong[] = {
    {"int x = ;\n", "plugin.c: does not compile"},
    {"int x;\n", "has no symbol volley_plugin"},
    {HEAD "const struct volley_plugin volley_plugin = {7, 0};\n",
     "is made for version 7 of volley_plugin.h, and this volley has version 1"},
    {HEAD TABLE("0"), "volley_plugin has no next"},
    {HEAD NEXT("") TABLE(".next = next"), "is empty: no argument was added"},
    {HEAD NEXT("    volley_add_text(request, \"PING\"); request->begin_command(request);")
         TABLE(".next = next"),
     "has a command without arguments"},
    {HEAD NEXT("    request->class_index = 3; volley_add_text(request, \"PING\");")
         TABLE(".next = next"),
     "next says class 3 for ticket 0, of 1"},
    {HEAD NEXT("    for (int i = 0; i < 1048577; i++) volley_add_text(request, \"a\");")
         TABLE(".next = next"),
     "has a command of more than 1048576 arguments"},
    {HEAD NEXT("    request->add(request, NULL, 4);") TABLE(".next = next"),
     "has an argument that is NULL"},
    {HEAD NEXT("    snprintf(request->error, 256, \"out of ideas\"); return false;")
         TABLE(".next = next"),
     "next makes no request for ticket 0: out of ideas"},
    {HEAD NEXT("    if (ticket == 2) abort(); volley_add_text(request, \"PING\");")
         TABLE(".next = next"),
     "the process of its trial was killed by signal 6 in next, of ticket 2"},
    {HEAD NEXT("    _exit(0);") TABLE(".next = next"),
     "the process of its trial ended with status 0 in next, of ticket 0"},
};

LOOP_TEST(what_is_no_plugin, sizeof wrong / sizeof wrong[0])
{
    /* Breaks when something else than a plug-in is run, or the user is not told what is wrong with it. */
    write_plugin(wrong[_i].text);
    expect_refused(3, wrong[_i].why, "a=b");
}

TEST(files_that_are_refused)
{
    /* Breaks when a file of another kind is taken, a missing one is not named, or settings are not checked. */
    snprintf(file, sizeof file, "%s/custom_commands.py", tree.path);
    expect_refused(2, "a plug-in in C (.c or .so) or a script in Lua (.lua); docs/", "a=b");
    snprintf(file, sizeof file, "%s/none.c", tree.path);
    expect_refused(2, "Custom command file not found: ", "a=b");
    snprintf(file, sizeof file, "%s/text.so", tree.path);
    temp_tree_write(&tree, "/text.so", "this is text\n", 0644);
    expect_refused(3, "text.so: cannot be loaded: ", "a=b");
    snprintf(file, sizeof file, "configs/plugins/operations.c");
    expect_refused(3, "operation is one of set, mset, hset, lpush, lpush_keyspace",
                   "operation=fly");
    expect_refused(3, "batchsize=2: there are operation, batch_size and key_prefix",
                   "operation=mset,batchsize=2");
}

static const struct {
    const char *body, *said;
} deadly[] = {
    {"    if (ticket >= 500) abort();", "in next, of ticket "},
    {"    if (ticket >= 500) { snprintf(request->error, 256, \"no more\"); return false; }",
     "next makes no request for ticket 500: no more"},
};

LOOP_TEST(a_plugin_that_fails_under_way, sizeof deadly / sizeof deadly[0])
{
    /* Breaks when a crash or a refusal within a plug-in is not told as such, or the run goes on for ever. */
    char text[1024];
    snprintf(text, sizeof text, "%s",
             HEAD NEXT("%BODY%    volley_add_text(request, \"PING\");") TABLE(".next = next"));
    char *at = strstr(text, "%BODY%");
    char *rest = strdup(at + strlen("%BODY%"));
    snprintf(at, sizeof text - (size_t)(at - text), "%s%s", deadly[_i].body, rest);
    free(rest);
    write_plugin(text);
    program_run_volley(&program, "bench", "-p", server.port_text, "-t", "custom",
                       "--custom-command-file", file, "-n", "100000", "-c", "4", "-q",
                       "--processes", "1", NULL);
    ck_assert_int_gt(program.exit_status, 0);
    ck_assert_msg(strstr(program.err, deadly[_i].said) != NULL, "%s", program.err);
}

TEST(nothing_is_sent_in_place_of_what_a_plugin_does_not_make)
{
    /* Breaks when requests that nobody made are sent, and told as the plug-in's. */
    write_plugin(HEAD NEXT("    if (ticket >= 500) { return false; }\n"
                           "    volley_add_text(request, \"ECHO\");"
                           "    volley_add_text(request, \"x\");") TABLE(".next = next"));
    call_run(&call, &(struct bench_setting){.port = server.port_text},
             "-t custom --custom-command-file %s -n 100000 -c 4 --processes 1", file);
    ck_assert_int_eq(call.program.exit_status, 3);
    ck_assert_double_eq(number("requests.sent"), 500);
    ck_assert_double_eq(number("requests.ok"), 500);
}

TEST(in_a_cluster)
{
    /* Breaks when a request goes to another node than that of its key. */
    struct test_cluster cluster;
    test_cluster_start(&cluster, 3, 0, NULL);
    const struct bench_setting at_cluster = {.port = cluster.nodes[0].port_text};
    call_expect(&call, 0, &at_cluster,
                "--cluster -t custom --custom-command-file configs/plugins/operations.c -r 10000 "
                "-n 6000 -P 4");
    ck_assert_double_eq(number("requests.ok"), 6000);
    ck_assert_int_eq(run_json_count_or_zero(&call, 0, "redirections.moved"), 0);
    test_cluster_stop(&cluster);
}

TEST_SUITE_WITH(custom, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
