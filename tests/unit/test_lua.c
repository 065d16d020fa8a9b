/* The module volley-lua.so, with a host of the test's own in volley's place: what a file of Lua may do, and what is said when
 * it does something else. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/volley_plugin.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;

/* A request as one line: words with blanks between them, a key with @ in front, commands with " ; ". */
struct line_request {
    struct volley_request request; /* first */
    char line[512];
    size_t byte_count;
};

/* What does not fit is left out. Asserts nothing: memory_does_not_grow comes here often. */
static void append(struct volley_request *request, const char *lead, const void *bytes,
                   size_t byte_count)
{
    struct line_request *line = (struct line_request *)request;
    const size_t room = sizeof line->line - line->byte_count;
    const size_t added = (size_t)snprintf(line->line + line->byte_count, room, "%s%s%.*s",
                                          line->byte_count > 0 ? " " : "", lead, (int)byte_count,
                                          (const char *)bytes);
    line->byte_count += added < room ? added : room - 1;
}

static void add(struct volley_request *request, const void *bytes, size_t byte_count)
{
    append(request, "", bytes, byte_count);
}

static void add_key(struct volley_request *request, const void *bytes, size_t byte_count)
{
    append(request, "@", bytes, byte_count);
}

static void begin_command(struct volley_request *request)
{
    append(request, ";", "", 0);
}

static const struct volley_plugin *load_module(void)
{
    static void *module; /* stays loaded, so that leaks have names */
    char path[4096 + 32];
    const ssize_t length = readlink("/proc/self/exe", path, 4096);
    ck_assert_int_gt(length, 0);
    path[length] = '\0';
    snprintf(strrchr(path, '/'), 32, "/volley-lua.so");
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(module != NULL, "%s (make deps ALL=1)", dlerror());
    const struct volley_plugin *plugin =
        (const struct volley_plugin *)dlsym(module, "volley_plugin");
    ck_assert_ptr_nonnull(plugin);
    ck_assert_uint_eq(plugin->version, VOLLEY_PLUGIN_VERSION);
    return plugin;
}

/* A script that is open. */
struct opened {
    const struct volley_plugin *plugin;
    void *state;
    struct volley_setup setup;
    struct line_request request; /* the last one */
    char file[256];
    struct volley_settings settings;
};

static bool open_file(struct opened *opened, const char *file, const char *arguments)
{
    memset(opened, 0, sizeof *opened);
    snprintf(opened->file, sizeof opened->file, "%s", file);
    opened->settings = (struct volley_settings){.file = opened->file,
                                                .arguments = arguments,
                                                .seed = 7,
                                                .data_bytes = 3,
                                                .key_count = 100,
                                                .first_key = 5,
                                                .sequential = true,
                                                .worker = 2};
    opened->plugin = load_module();
    return opened->plugin->init(&opened->state, &opened->settings, &opened->setup);
}

static bool try_text(struct opened *opened, const char *text, const char *arguments)
{
    char file[256];
    temp_tree_write(&tree, "/t.lua", text, 0600);
    snprintf(file, sizeof file, "%s/t.lua", tree.path);
    return open_file(opened, file, arguments);
}

static void open_text(struct opened *opened, const char *text)
{
    const bool ok = try_text(opened, text, "");
    ck_assert_msg(ok, "%s", opened->setup.error);
}

static bool next(struct opened *opened, uint64_t ticket)
{
    opened->request = (struct line_request){
        .request = {.add = add, .add_key = add_key, .begin_command = begin_command}};
    return opened->plugin->next(opened->state, ticket, &opened->request.request);
}

/* The request of a ticket, as a line. */
static const char *line_of(struct opened *opened, uint64_t ticket)
{
    const bool made = next(opened, ticket);
    ck_assert_msg(made, "%s", opened->request.request.error);
    return opened->request.line;
}

static void close_script(struct opened *opened)
{
    opened->plugin->close(opened->state);
}

/* A text with FILE for the path of the script is in what was said, and what was said is printable. */
static void assert_said(const struct opened *opened, const char *said, const char *wanted)
{
    char text[512];
    const char *mark = strstr(wanted, "FILE");
    if (mark != NULL)
        snprintf(text, sizeof text, "%.*s%s%s", (int)(mark - wanted), wanted, opened->file,
                 mark + 4);
    else
        snprintf(text, sizeof text, "%s", wanted);
    ck_assert_msg(strstr(said, text) != NULL, "\"%s\" in place of \"%s\"", said, text);
    for (const char *at = said; *at != '\0'; at++)
        ck_assert_int_ge((unsigned char)*at, ' ');
}

static const struct {
    const char *text, *request;
} requests[] = {
    {"function request(ticket) return {'GET', 'key:' .. ticket} end", "GET key:5"},
    {"function request() return {{'SET', 'a', 'b'}, {'GET', 'a'}} end", "SET a b ; GET a"},
    {"function request() return {'SET', 7, 1.5} end", "SET 7 1.5"},
    {"function request() return {'X', -3, 1e14, 123456789012345, -9007199254740992} end",
     "X -3 100000000000000 123456789012345 -9007199254740992"},
    {"function request() return {'EVAL', 's', 1, volley.key('k')} end", "EVAL s 1 @k"},
    {"function request() return {{'MULTI'}, {'SET', volley.key('k'), 'k'}} end",
     "MULTI ; SET @k @k"},
    {"function request() return {'MGET', volley.key('a'), volley.key('b')} end", "MGET @a b"},
    {"function request() return {volley.key('GET'), 'GET'} end", "GET @GET"},
    {"local t = {'PING'} function request() return t end", "PING"},
    {"function init() request = function() return {'PING'} end end", "PING"},
    {"request = require('other')", "OTHER"},
    {"local ffi = require('ffi') function request() return {'X', ffi.string('ab', 1)} end", "X a"},
    {"function request() return {'X', '', 'a b'} end", "X  a b"},
    {"function request() return {'X', volley.worker, volley.seed, volley.data_size, "
     "volley.keyspace, volley.keyspace_offset, tostring(volley.sequential), "
     "tostring(volley.trial)} end",
     "X 2 7 3 100 5 true false"},
};

LOOP_TEST(a_request_is_what_the_file_returns, sizeof requests / sizeof requests[0])
{
    /* Breaks when a table is sent otherwise than it stands in the file, or a key is marked that is none. */
    struct opened opened;
    temp_tree_write(&tree, "/other.lua", "return function() return {'OTHER'} end", 0600);
    open_text(&opened, requests[_i].text);
    ck_assert_str_eq(line_of(&opened, 5), requests[_i].request);
    ck_assert_str_eq(line_of(&opened, 5), requests[_i].request);
    ck_assert(opened.setup.without_replies);
    ck_assert(opened.setup.without_delay);
    ck_assert_uint_eq(opened.setup.class_count, 0);
    close_script(&opened);
}

TEST(bytes_go_through_as_they_are)
{
    /* Breaks when a zero byte ends an argument. */
    struct opened opened;
    open_text(&opened, "function request() return {'SET', 'k', 'a\\0b'} end");
    ck_assert(next(&opened, 0));
    ck_assert_uint_eq(opened.request.byte_count, strlen("SET k a"));
    close_script(&opened);
}

TEST(init_has_the_arguments)
{
    /* Breaks when an argument is lost, or cut at the wrong place. */
    struct opened opened;
    const char *text = "function init(args) a = args end\n"
                       "function request() return {'X', a[0], a[1], a[2], a.n, a.empty, a.x} end";
    ck_assert(try_text(&opened, text, "first,n=10,empty=,x=a=b,,second"));
    ck_assert_str_eq(line_of(&opened, 0), "X first,n=10,empty=,x=a=b,,second first  10  a=b");
    close_script(&opened);
}

TEST(a_request_may_name_its_class)
{
    /* Breaks when classes are mixed up, or the first one is not the usual. */
    struct opened opened;
    open_text(&opened, "classes = {'read', 'write'}\n"
                       "function request(t)\n"
                       "  if t == 0 then return {'GET', 'a'} end\n"
                       "  return {'SET', 'a', t}, t % 2 == 0 and 'read' or 'write'\n"
                       "end\n"
                       "collectgarbage()");
    ck_assert_uint_eq(opened.setup.class_count, 2);
    ck_assert_str_eq(opened.setup.classes[0].name, "read");
    ck_assert_str_eq(opened.setup.classes[1].name, "write");
    ck_assert_uint_eq(opened.setup.classes[1].commands, 0);
    for (uint64_t ticket = 0; ticket < 5; ticket++) {
        line_of(&opened, ticket);
        ck_assert_uint_eq(opened.request.request.class_index, ticket % 2);
    }
    close_script(&opened);
}

TEST(a_reply_is_a_table)
{
    /* Breaks when a field of a reply is missing, or one of the reply before it is left standing. */
    struct opened opened;
    open_text(&opened,
              "classes = {'one', 'two'}\n"
              "function response(r)\n"
              "  local s = {} for i, v in ipairs(r.strings) do s[i] = tostring(v) end\n"
              "  seen = table.concat({r.type, tostring(r.error), tostring(r.null), r.integer,\n"
              "      tostring(r.text), table.concat(s, '+'), r.class, r.command, r.ticket}, ' ')\n"
              "end\n"
              "function request() return {seen} end");
    ck_assert(!opened.setup.without_replies);
    struct volley_reply reply = {.class_index = 1,
                                 .command = 1,
                                 .type = '*',
                                 .integer = 3,
                                 .strings = {{"a", 1}, {NULL, 0}, {"bcd", 2}},
                                 .string_count = 3};
    ck_assert(opened.plugin->reply(opened.state, 9, &reply));
    ck_assert_str_eq(line_of(&opened, 0), "* false false 3 nil a+false+bc two 2 9");
    reply =
        (struct volley_reply){.type = '*', .integer = 1, .strings = {{"x", 1}}, .string_count = 1};
    ck_assert(opened.plugin->reply(opened.state, 1, &reply));
    ck_assert_str_eq(line_of(&opened, 0), "* false false 1 nil x one 1 1");
    reply = (struct volley_reply){
        .type = '-', .is_error = true, .integer = 0, .text = "ERR no!", .text_bytes = 6};
    ck_assert(opened.plugin->reply(opened.state, 2, &reply));
    ck_assert_str_eq(line_of(&opened, 0), "- true false 0 ERR no  one 1 2");
    reply = (struct volley_reply){.type = '$', .is_null = true, .integer = -1};
    ck_assert(opened.plugin->reply(opened.state, 3, &reply));
    ck_assert_str_eq(line_of(&opened, 0), "$ false true -1 nil  one 1 3");
    close_script(&opened);
}

TEST(false_is_a_failed_request)
{
    /* Breaks when a reply that the file is content with fails, or the other way round. */
    static const struct {
        const char *returned;
        bool accepted;
    } cases[] = {{"", true},
                 {"return nil", true},
                 {"return true", true},
                 {"return 0", true},
                 {"return false", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct opened opened;
        char text[160];
        snprintf(text, sizeof text,
                 "function request() return {'PING'} end function response() %s end",
                 cases[i].returned);
        open_text(&opened, text);
        const struct volley_reply reply = {.type = '+', .text = "PONG", .text_bytes = 4};
        ck_assert_msg(opened.plugin->reply(opened.state, 0, &reply) == cases[i].accepted, "%s",
                      cases[i].returned);
        close_script(&opened);
    }
}

TEST(a_delay_is_in_milliseconds)
{
    /* Breaks when delay() is not asked, or its number is changed. */
    struct opened opened;
    open_text(&opened, "function request() return {'PING'} end function delay() return 2.5 end");
    ck_assert(!opened.setup.without_delay);
    ck_assert_double_eq(opened.plugin->delay_ms(opened.state), 2.5);
    close_script(&opened);
}

#define PING "function request() return {'PING'} end "

/* What is refused before a run. */
static const struct {
    const char *text, *said;
} refused[] = {
    {"x = = 1", "FILE:1: unexpected symbol"},
    {"\n\nerror('no\\nway')", "FILE:3: no way"},
    {"local x = nil\nx.y = 1", "FILE:2: attempt to index local 'x'"},
    {"error({})", "FILE:1: the error is a table"},
    {"error(setmetatable({}, {__tostring = function() return 'worded' end}))", "FILE:1: worded"},
    {"error()", "FILE:1: the error is a nil"},
    {"local function f() return f() + 1 end f()", "stack overflow"},
    {"string.rep('x', 2^31 - 1):rep(2)", "not enough memory"},
    {"error('no place', 0)", "FILE:1: no place"},
    {"x = 1", "FILE: has no function request(ticket)"},
    {"request = 5", "FILE: request is a number; a function is wanted"},
    {PING "response = {}", "FILE: response is a table; a function is wanted"},
    {PING "delay = 5", "FILE: delay is a number; a function is wanted"},
    {PING "init = 'x'", "FILE: init is a string; a function is wanted"},
    {PING "\nfunction init(args)\n  args.x.y = 1\nend", "FILE:3: attempt to index field 'x'"},
    {PING "\n\nfunction setup(thread) end", "FILE:3: setup() is wrk's, and volley never calls it"},
    {PING "\nfunction done() end", "FILE:2: done() is wrk's, and volley never calls it"},
    {PING "\nos.exit(1)", "FILE:2: os.exit() would end a worker"},
    {PING "volley.key(5)", "FILE:1: volley.key() wants a string, not a number"},
    {PING "classes = 'a'", "FILE: classes is a string; a table of names is wanted"},
    {PING "classes = {}", "FILE: classes has 0 names"},
    {PING "classes = {'a', {}}", "FILE: classes[2] is a table; a name is wanted"},
    {PING "classes = {} for i = 1, 200 do classes[i] = 'c' .. i end",
     "FILE: classes has 200 names"},
    {"\033LJ\2", "attempt to load chunk with wrong mode"}, /* compiled: not for volley */
};

LOOP_TEST(what_cannot_run_is_refused_with_its_place, sizeof refused / sizeof refused[0])
{
    /* Breaks when a mistake in a file goes unnoticed before a run, or nobody is told where it is. */
    struct opened opened;
    ck_assert(!try_text(&opened, refused[_i].text, ""));
    assert_said(&opened, opened.setup.error, refused[_i].said);
    ck_assert_ptr_null(opened.state);
    ck_assert_uint_eq(opened.setup.class_count, 0);
    close_script(&opened);
}

TEST(a_file_that_is_not_there_is_refused)
{
    /* Breaks when a missing file, or a folder, is taken for an empty script. */
    struct opened opened;
    ck_assert(!open_file(&opened, "/nowhere/t.lua", ""));
    assert_said(&opened, opened.setup.error, "cannot open FILE");
    ck_assert(!open_file(&opened, tree.path, ""));
    assert_said(&opened, opened.setup.error, "cannot read FILE");
}

/* What request returns, and what is said of it. */
static const struct {
    const char *text, *said;
} rubbish[] = {
    {"\nfunction request() end", "FILE:2: request() returned nil; a table of strings is wanted"},
    {"function request() return 5 end", "FILE:1: request() returned a number;"},
    {"function request() return 'GET a' end", "FILE:1: request() returned a string;"},
    {"function request() return {} end", "FILE:1: request() returned an empty table;"},
    {"function request() return {{}} end", "FILE:1: request() returned a command without a name;"},
    {"function request() return {{'A'}, {}} end",
     "FILE:1: request() returned a command without a name;"},
    {"function request() return {'GET', {}} end",
     "FILE:1: request() returned a table as element 2 of command 1;"},
    {"function request() return {{'A'}, {'GET', true}} end",
     "FILE:1: request() returned a boolean as element 2 of command 2;"},
    {"function request() return {{'A'}, 'B'} end",
     "FILE:1: request() returned a string as command 2;"},
    {"function request() return {'SET', nil, 'x'} end",
     "FILE:1: request() returned nil as element 2 of command 1;"},
    {"function request() return {'SET', nil, nil, nil, 'x', 'y'} end",
     "FILE:1: request() returned nil as element 2 of command 1;"},
    {"function request() local t = {} t[1] = 'SET' t[3] = 'x' return {t} end",
     "FILE:1: request() returned nil as element 2 of command 1;"},
    {"function request() return {'GET', 5LL} end",
     "FILE:1: request() returned a cdata as element 2 of command 1;"},
    {"function request() return {'GET', 'a'}, 'b' end",
     "FILE:1: request() returned the class \"b\", which the table `classes` does not have"},
    {"function request() return {'GET', 'a'}, 5 end",
     "FILE:1: request() returned a number as its class;"},
    {"function request() local k = volley.key('a') return {'GET', k .. 'b'} end",
     "FILE:1: request() returned no argument that is the marked key \"a\";"},
    {"function request()\n  return {'GET', 'k' .. nil}\nend",
     "FILE:2: attempt to concatenate a nil"},
    {"function request()\n  os.exit()\nend", "FILE:2: os.exit() would end a worker"},
    {"request = string.rep", "bad argument #2"},
    {"function request() error('\\27[2J' .. string.rep('x', 1000)) end", "FILE:1:  [2Jxxx"},
};

LOOP_TEST(a_request_that_is_none_ends_with_its_place, sizeof rubbish / sizeof rubbish[0])
{
    /* Breaks when rubbish is sent, or nobody is told which function made it. */
    struct opened opened;
    open_text(&opened, rubbish[_i].text);
    ck_assert(!next(&opened, 0));
    assert_said(&opened, opened.request.request.error, rubbish[_i].said);
    close_script(&opened);
}

TEST(an_error_in_response_is_told_by_the_next_request)
{
    /* Breaks when an error in response() is lost, or comes again and again. */
    struct opened opened;
    open_text(&opened, PING "\nfunction response(r)\n  return r.nothing.at_all\nend");
    const struct volley_reply reply = {.type = '+', .text = "PONG", .text_bytes = 4};
    ck_assert(next(&opened, 0));
    ck_assert(!opened.plugin->reply(opened.state, 0, &reply));
    ck_assert(opened.plugin->reply(opened.state, 1, &reply));
    ck_assert(!next(&opened, 1));
    assert_said(&opened, opened.request.request.error, "FILE:3: attempt to index field 'nothing'");
    close_script(&opened);
}

static const struct {
    const char *returned, *said;
} bad_delays[] = {
    {"nil", "FILE:1: delay() returned nil; milliseconds are wanted"},
    {"'5'", "FILE:1: delay() returned 5; milliseconds are wanted"},
    {"-1", "FILE:1: delay() returned -1; milliseconds are wanted"},
    {"0 / 0", "FILE:1: delay() returned "}, /* nan or -nan */
    {"{}", "FILE:1: delay() returned a table; milliseconds are wanted"},
    {"nil + 1", "FILE:1: attempt to perform arithmetic on a nil"},
};

LOOP_TEST(an_error_in_delay_is_told_by_the_next_request, sizeof bad_delays / sizeof bad_delays[0])
{
    /* Breaks when a delay that is none is waited for, or not told. */
    struct opened opened;
    char text[160];
    snprintf(text, sizeof text, PING "function delay() return %s end", bad_delays[_i].returned);
    open_text(&opened, text);
    ck_assert_double_eq(opened.plugin->delay_ms(opened.state), 0);
    ck_assert(!next(&opened, 1));
    assert_said(&opened, opened.request.request.error, bad_delays[_i].said);
    close_script(&opened);
}

TEST(print_writes_to_standard_error)
{
    /* Breaks when a file's print stands among a report on standard output. */
    struct opened opened;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    open_text(&opened, PING "print('a', nil, 5)");
    char said[32] = {0};
    ck_assert_int_eq(read(ends[0], said, sizeof said - 1), 8);
    ck_assert_str_eq(said, "a\tnil\t5\n");
    close_script(&opened);
}

TEST(chance_follows_seed_and_worker)
{
    /* Breaks when all workers draw the same numbers, or a run with the same seed others. */
    const char *const text = "function request() return {'X', math.random(1e9)} end";
    struct opened opened;
    char first[512];
    open_text(&opened, text);
    snprintf(first, sizeof first, "%s", line_of(&opened, 0));
    close_script(&opened);
    open_text(&opened, text);
    ck_assert_str_eq(line_of(&opened, 0), first);
    close_script(&opened);
    open_text(&opened, text);
    close_script(&opened);
    opened.settings.worker = 3;
    ck_assert(opened.plugin->init(&opened.state, &opened.settings, &opened.setup));
    ck_assert_str_ne(line_of(&opened, 0), first);
    close_script(&opened);
}

/* In pages: Lua has its memory from the system, not from malloc. */
static long resident_pages(void)
{
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%ld %ld", &size, &resident), 2);
    fclose(file);
    return resident;
}

static void many(struct opened *opened, unsigned count)
{
    static const struct volley_reply reply = {
        .type = '*', .integer = 2, .strings = {{"some text", 9}, {"other", 5}}, .string_count = 2};
    unsigned failed = 0;
    for (unsigned i = 0; i < count; i++)
        failed += !next(opened, i) || !opened->plugin->reply(opened->state, i, &reply);
    ck_assert_uint_eq(failed, 0);
}

TEST(memory_does_not_grow)
{
    /* Breaks when a request or a reply leaves something behind: on Lua's stack, or beyond the reach of its collector. */
    struct opened opened;
    open_text(&opened, "function request(t) return {{'SET', volley.key('k' .. t), t}, {'X'}} end\n"
                       "function response(r) kept = r.strings[1] .. r.ticket end");
    many(&opened, 20000);
    const long before = resident_pages();
    many(&opened, 200000);
    ck_assert_int_lt(resident_pages() - before, 500);
    close_script(&opened);
}

/* The examples that are installed. */
static const struct {
    const char *file, *arguments, *first, *second;
} examples[] = {
    {"custom_commands", "", "SET custom:key:0 custom:value", "SET custom:key:1 custom:value"},
    {"operations", "", "SET custom:5 xxx", "SET custom:6 xxx"},
    {"operations", "operation=mset,batch_size=2,key_prefix=p", "MSET p:5 xxx p:6 xxx",
     "MSET p:7 xxx p:8 xxx"},
    {"operations", "operation=hset", "HSET custom:5 field xxx", "HSET custom:6 field xxx"},
    {"operations", "operation=lpush", "LPUSH custom xxx", "LPUSH custom xxx"},
    {"operations", "operation=lpush_keyspace", "LPUSH custom:5 xxx", "LPUSH custom:6 xxx"},
};

LOOP_TEST(the_examples_make_what_they_say, sizeof examples / sizeof examples[0])
{
    /* Breaks when an example does something else than its head says. */
    struct opened opened;
    char file[128];
    snprintf(file, sizeof file, "configs/plugins/%s.lua", examples[_i].file);
    const bool ok = open_file(&opened, file, examples[_i].arguments);
    ck_assert_msg(ok, "%s", opened.setup.error);
    ck_assert_str_eq(line_of(&opened, 0), examples[_i].first);
    ck_assert_str_eq(line_of(&opened, 1), examples[_i].second);
    close_script(&opened);
}

static const struct {
    const char *arguments, *said;
} bad_arguments[] = {
    {"operation=get", "operation=get is none of set, mset, hset, lpush, lpush_keyspace"},
    {"batch_size=0", "batch_size=0 is no number from 1 to 1000"},
    {"batch_size=x", "batch_size=x is no number from 1 to 1000"},
};

LOOP_TEST(the_operations_refuse_what_they_do_not_know,
          sizeof bad_arguments / sizeof bad_arguments[0])
{
    /* Breaks when a mistyped argument of the example is taken for something else. */
    struct opened opened;
    ck_assert(!open_file(&opened, "configs/plugins/operations.lua", bad_arguments[_i].arguments));
    assert_said(&opened, opened.setup.error, bad_arguments[_i].said);
}

static void make_tree(void)
{
    temp_tree_make(&tree);
}

static void remove_tree(void)
{
    temp_tree_remove(&tree);
}

TEST_SUITE_WITH(lua, .set_up = make_tree, .tear_down = remove_tree)
