#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/resp.h"
#include "tests/support/check/suite.h"
#include "worker/generate/workload.h"

#define REQUEST_ROOM 65536

static struct spec spec;
static char request[REQUEST_ROOM];

static void plain_spec(void)
{
    spec = (struct spec){.load.key_order = KEYS_RANDOM,
                         .load.keyspace = 1000,
                         .load.data_bytes = 5,
                         .load.function_count = 10,
                         .load.function_keys = 1,
                         .load.seed = 3};
}

/* A request of one ticket; fails when it does not have its length exactly. */
static size_t render(const struct workload *workload, uint64_t ticket)
{
    size_t bytes = workload_request_bytes(workload);
    ck_assert_uint_lt(bytes, REQUEST_ROOM);
    memset(request, 0, sizeof request);
    request[bytes] = '~';
    workload_render(workload, ticket, request);
    ck_assert_int_eq(request[bytes], '~');
    request[bytes] = '\0';
    return bytes;
}

/* Reads the request as a server would; the caller frees each command. Returns their number. */
static size_t parse(size_t bytes, redisReply **commands, size_t room)
{
    size_t count = 0;
    redisReader *reader = redisReaderCreate();
    ck_assert_int_eq(redisReaderFeed(reader, request, bytes), REDIS_OK);
    for (;;) {
        void *reply = NULL;
        ck_assert_msg(redisReaderGetReply(reader, &reply) == REDIS_OK, "%s in %s", reader->errstr,
                      request);
        if (reply == NULL)
            break;
        ck_assert_uint_lt(count, room);
        commands[count++] = reply;
        ck_assert_int_eq(commands[count - 1]->type, REDIS_REPLY_ARRAY);
        for (size_t i = 0; i < commands[count - 1]->elements; i++)
            ck_assert_int_eq(commands[count - 1]->element[i]->type, REDIS_REPLY_STRING);
    }
    /* Nothing is left half read. */
    ck_assert_uint_eq(reader->len - reader->pos, 0);
    redisReaderFree(reader);
    return count;
}

static struct workload *of_test(const char *name)
{
    struct workload *workload;
    struct err err = {.code = OK};
    struct workload_source source = {.test = workload_test_find(name)};
    ck_assert_ptr_nonnull(source.test);
    ck_assert_msg(workload_create(&workload, &source, &spec, &err) == OK, "%s", err.text);
    return workload;
}

/* A command of words separated by single spaces. */
struct words {
    char text[512];
    const char *argv[64];
    size_t argc;
};

static void split(struct words *words, const char *text)
{
    *words = (struct words){.argc = 0};
    snprintf(words->text, sizeof words->text, "%s", text);
    char *rest = words->text;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        words->argv[words->argc++] = word;
}

static enum err_code compile(struct workload **workload, const char *text, struct err *err)
{
    struct words words;
    split(&words, text);
    struct workload_source source = {.argv = words.argv, .argc = words.argc};
    *err = (struct err){.code = OK};
    return workload_create(workload, &source, &spec, err);
}

static struct workload *of_command(const char *text)
{
    struct workload *workload;
    struct err err;
    ck_assert_msg(compile(&workload, text, &err) == OK, "%s: %s", text, err.text);
    return workload;
}

static bool same_without_tag(const char *sent, const char *in_row)
{
    const char *tag = strstr(in_row, ":{tag}");
    size_t bytes = tag != NULL ? (size_t)(tag - in_row) : strlen(in_row);
    return strlen(sent) == bytes && memcmp(sent, in_row, bytes) == 0;
}

TEST(test_every_row_renders)
{
    /* Breaks when a test of the table does not go out as a whole command that a server can read, with
     * the arguments of its row, or two of its requests have different lengths. */
    plain_spec();
    size_t rows = 0;
    for (const struct workload_test *test; (test = workload_test_at(rows)) != NULL; rows++) {
        struct workload *workload = of_test(test->name);
        ck_assert_ptr_eq(workload_test(workload), test);
        ck_assert_str_eq(workload_title(workload), test->title);
        ck_assert_uint_eq(workload_replies(workload), 1);
        ck_assert_int_eq(workload_read_kind(workload, 0), test->read_kind);
        ck_assert_int_eq(workload_reads(workload), test->read_kind != READ_NONE);
        if (test->prefill_name != NULL)
            ck_assert_ptr_nonnull(workload_test_find(test->prefill_name));
        for (uint64_t ticket = 0; ticket < 50; ticket++) {
            size_t bytes = render(workload, ticket);
            if (test->inline_command) {
                ck_assert_str_eq(request, "PING\r\n");
                continue;
            }
            redisReply *command;
            ck_assert_uint_eq(parse(bytes, &command, 1 + 1), 1);
            size_t argc = 0;
            while (test->argv[argc] != NULL)
                argc++;
            ck_assert_uint_eq(command->elements,
                              argc + (test->more == MORE_KEYS ? 2u : test->more == MORE_LIBRARY));
            for (size_t i = 0; i < argc; i++)
                if (strstr(test->argv[i], "__") == NULL)
                    ck_assert(same_without_tag(command->element[i]->str, test->argv[i]));
                else
                    ck_assert_ptr_null(strstr(command->element[i]->str, "__"));
            freeReplyObject(command);
        }
        workload_destroy(workload);
    }
    ck_assert_uint_eq(rows, 23);
    ck_assert_ptr_null(workload_test_at(rows + 1));
}

TEST(test_last_argument_verbatim)
{
    /* Breaks when bytes from standard input are taken for placeholders, for a separator or for text that ends at a
     * NUL. */
    static const char *const words[] = {"SET", "k", ";", "SET", "l", ";\0__init__"};
    static const size_t words_bytes[] = {3, 1, 1, 3, 1, 10};
    struct err err = {.code = OK};
    struct workload *workload;
    redisReply *commands[3];
    struct workload_source source = {
        .argv = words, .argv_bytes = words_bytes, .argc = 6, .last_verbatim = true};
    plain_spec();
    ck_assert_msg(workload_create(&workload, &source, &spec, &err) == OK, "%s", err.text);
    ck_assert_uint_eq(parse(render(workload, 0), commands, 3), 2);
    ck_assert_uint_eq(commands[1]->elements, 3);
    ck_assert_uint_eq(commands[1]->element[2]->len, 10);
    ck_assert_mem_eq(commands[1]->element[2]->str, words[5], 10);
    freeReplyObject(commands[0]);
    freeReplyObject(commands[1]);
    workload_destroy(workload);
}

TEST(test_rows_without_key_numbers)
{
    /* Breaks when a row cannot run by valkey-benchmark's rules without -r, where keys are text and a score must be
     * a number all the same. */
    redisReply *command;
    plain_spec();
    spec.load.placeholders = PLACEHOLDERS_BENCHMARK_FIXED;
    struct workload *workload = of_test("zadd");
    ck_assert_uint_eq(parse(render(workload, 7), &command, 1), 1);
    ck_assert_str_eq(command->element[2]->str, "0");
    ck_assert_str_eq(command->element[3]->str, "element:__rand_1st__");
    freeReplyObject(command);
    workload_destroy(workload);
}

TEST(test_tags_of_all_tests)
{
    /* Breaks when the keys of a test do not spread over a cluster where they are meant to. */
    for (int all = 0; all < 2; all++) {
        plain_spec();
        spec.endpoint.cluster = true;
        spec.load.tag_all_tests = all != 0;
        const struct workload_test *test;
        for (size_t i = 0; (test = workload_test_at(i)) != NULL; i++) {
            struct workload *workload = of_test(test->name);
            bool has_key = test->keys.first > 0;
            ck_assert_int_eq(workload_has_tag(workload),
                             has_key && (all || test->tagged_on_cluster));
            workload_destroy(workload);
        }
        spec.endpoint.cluster = false;
        struct workload *workload = of_test("lpush");
        ck_assert(!workload_has_tag(workload));
        workload_destroy(workload);
    }
}

TEST(test_rows_are_found_by_name)
{
    /* Breaks when a test that valkey-benchmark has is missing, is titled otherwise, or its case
     * matters. */
    static const struct {
        const char *name, *title;
    } known[] = {{"ping_inline", "PING_INLINE"},
                 {"PING_MBULK", "PING_MBULK"},
                 {"set", "SET"},
                 {"Get", "GET"},
                 {"incr", "INCR"},
                 {"lpush", "LPUSH"},
                 {"rpush", "RPUSH"},
                 {"lpop", "LPOP"},
                 {"rpop", "RPOP"},
                 {"sadd", "SADD"},
                 {"hset", "HSET"},
                 {"spop", "SPOP"},
                 {"zadd", "ZADD"},
                 {"zpopmin", "ZPOPMIN"},
                 {"lrange_100", "LRANGE_100 (first 100 elements)"},
                 {"lrange_300", "LRANGE_300 (first 300 elements)"},
                 {"lrange_500", "LRANGE_500 (first 500 elements)"},
                 {"lrange_600", "LRANGE_600 (first 600 elements)"},
                 {"mset", "MSET (10 keys)"},
                 {"mget", "MGET (10 keys)"},
                 {"xadd", "XADD"},
                 {"function_load", "FUNCTION LOAD"},
                 {"fcall", "FCALL"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const struct workload_test *test = workload_test_find(known[i].name);
        ck_assert_msg(test != NULL, "%s", known[i].name);
        ck_assert_str_eq(test->title, known[i].title);
    }
    ck_assert_ptr_null(workload_test_find("getx"));
    ck_assert_ptr_null(workload_test_find(""));
}

static int compare_requests(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

TEST(test_split_does_not_matter)
{
    /* Breaks when what tickets 0..n ask for depends on how many workers there are. */
    enum { TICKETS = 300 };
    static const char *const commands[] = {"SET __key__ __data__",
                                           "ZADD z __rand_int__ e:__rand_int__ ; GET __rand_1st__"};
    for (size_t form = 0; form < 2; form++) {
        static char *requests[2][TICKETS];
        static const uint64_t workers[2] = {1, 7};
        for (int side = 0; side < 2; side++) {
            plain_spec();
            size_t count = 0;
            for (uint64_t worker = 0; worker < workers[side]; worker++) {
                /* Each worker compiles nothing, but inherits; a compiled copy must be the same. */
                struct workload *workload = of_command(commands[form]);
                for (uint64_t ticket = worker; ticket < TICKETS; ticket += workers[side]) {
                    render(workload, ticket);
                    requests[side][count++] = strdup(request);
                }
                workload_destroy(workload);
            }
            ck_assert_uint_eq(count, TICKETS);
            qsort(requests[side], TICKETS, sizeof requests[side][0], compare_requests);
        }
        for (size_t i = 0; i < TICKETS; i++) {
            ck_assert_str_eq(requests[0][i], requests[1][i]);
            free(requests[0][i]);
            free(requests[1][i]);
        }
    }
}

TEST(test_command_of_the_user)
{
    /* Breaks when a command behind "--" does not go out as it was given. */
    plain_spec();
    struct workload *workload = of_command("hSet h:__rand_1st__ f __rand_1st__ \xff\"'");
    redisReply *command;
    ck_assert_str_eq(workload_title(workload), "hSet h:__rand_1st__ f __rand_1st__ \xff\"'");
    ck_assert_uint_eq(workload_keys_per_request(workload), 1);
    ck_assert_uint_eq(parse(render(workload, 3), &command, 2), 1);
    ck_assert_uint_eq(command->elements, 5);
    ck_assert_str_eq(command->element[0]->str, "hSet");
    ck_assert_str_eq(command->element[1]->str + 2, command->element[3]->str);
    ck_assert_str_eq(command->element[4]->str, "\xff\"'");
    freeReplyObject(command);
    workload_destroy(workload);
}

TEST(test_binary_argument)
{
    /* Breaks when an argument from standard input ends at its first zero byte. */
    plain_spec();
    struct err err = {.code = OK};
    const char *const argv[] = {"SET", "k", "a\0b\r\n__rand_int__"};
    const size_t argv_bytes[] = {3, 1, 17};
    struct workload_source source = {.argv = argv, .argv_bytes = argv_bytes, .argc = 3};
    struct workload *workload;
    redisReply *command;
    ck_assert_int_eq(workload_create(&workload, &source, &spec, &err), OK);
    ck_assert_uint_eq(parse(render(workload, 0), &command, 2), 1);
    ck_assert_uint_eq(command->element[2]->len, 17);
    ck_assert_int_eq(memcmp(command->element[2]->str, "a\0b\r\n000000000", 14), 0);
    freeReplyObject(command);
    workload_destroy(workload);
}

TEST(test_sequences)
{
    /* Breaks when the commands between ';' are not sent all and in order, with one reply each, or a
     * number does not repeat its command. */
    plain_spec();
    struct workload *workload =
        of_command("SET __rand_1st__ __data__ ; 3 GET __rand_1st__ ; MGET __key__ __key__");
    static const char *const names[] = {"SET", "GET", "GET", "GET", "MGET"};
    static const enum read_kind kinds[] = {READ_NONE, READ_VALUE, READ_VALUE, READ_VALUE,
                                           READ_EACH};
    ck_assert_uint_eq(workload_replies(workload), 5);
    ck_assert(workload_reads(workload));
    for (uint64_t ticket = 0; ticket < 10; ticket++) {
        redisReply *commands[8];
        ck_assert_uint_eq(parse(render(workload, ticket), commands, 8), 5);
        for (uint32_t i = 0; i < 5; i++) {
            ck_assert_str_eq(commands[i]->element[0]->str, names[i]);
            ck_assert_int_eq(workload_read_kind(workload, i), kinds[i]);
            if (i > 0 && i < 4)
                ck_assert_str_eq(commands[i]->element[1]->str, commands[0]->element[1]->str);
        }
        for (uint32_t i = 0; i < 5; i++)
            freeReplyObject(commands[i]);
    }
    workload_destroy(workload);
}

TEST(test_null_replies)
{
    /* Breaks when --null answers with something that is no reply, or with another number of them. */
    plain_spec();
    spec.load.null_transport = true;
    static const char *const commands[] = {"PING", "GET k", "MGET a b",
                                           "SET k v ; 2 GET k ; MGET k"};
    static const uint32_t replies[] = {1, 1, 1, 4};
    for (size_t i = 0; i < 4; i++) {
        struct workload *workload = of_command(commands[i]);
        size_t bytes;
        const char *reply = workload_null_reply(workload, &bytes);
        struct resp_scanner scanner;
        resp_scanner_reset(&scanner);
        uint32_t count = 0;
        for (size_t at = 0, used; at < bytes; at += used, count++) {
            struct resp_reply scanned;
            ck_assert_int_eq(resp_scan(&scanner, reply + at, bytes - at, &used, &scanned),
                             RESP_REPLY);
            ck_assert(!scanned.is_error && !scanned.is_null);
        }
        ck_assert_uint_eq(count, replies[i]);
        workload_destroy(workload);
    }
}

TEST(test_null_reply_only_for_null)
{
    /* Breaks when every run makes the reply of --null: ten values of --datasize for MGET. */
    plain_spec();
    struct workload *workload = of_command("MGET a b");
    size_t bytes = 1;
    ck_assert_ptr_null(workload_null_reply(workload, &bytes));
    ck_assert_uint_eq(bytes, 0);
    workload_destroy(workload);
}

TEST(test_refusals)
{
    /* Breaks when a command that would hang, end or confuse a run is accepted, or the refusal does
     * not say which one. */
    static const struct {
        const char *command, *named;
    } cases[] = {{"SUBSCRIBE c", "SUBSCRIBE"},
                 {"psubscribe c*", "PSUBSCRIBE"},
                 {"SSUBSCRIBE c", "SSUBSCRIBE"},
                 {"MONITOR", "MONITOR"},
                 {"SHUTDOWN NOSAVE", "SHUTDOWN"},
                 {"QUIT", "QUIT"},
                 {"RESET", "RESET"},
                 {"CLIENT REPLY OFF", "CLIENT REPLY"},
                 {"client reply skip", "CLIENT REPLY"},
                 {"BLPOP k 0", "BLPOP"},
                 {"BLPOP k 0.0", "BLPOP"},
                 {"BRPOP a b 0", "BRPOP"},
                 {"BZPOPMIN k 0", "BZPOPMIN"},
                 {"BLMOVE a b LEFT LEFT 0", "BLMOVE"},
                 {"BLMPOP 0 1 k LEFT", "BLMPOP"},
                 {"WAIT 1 0", "WAIT"},
                 {"WAITAOF 1 0 0", "WAITAOF"},
                 {"XREAD BLOCK 0 STREAMS s $", "XREAD"},
                 {"XREADGROUP GROUP g c COUNT 1 BLOCK 0 STREAMS s >", "XREADGROUP"},
                 {"PING ; BLPOP k 0", "BLPOP"},
                 {"3 MONITOR", "MONITOR"},
                 {"GET __rand_in__", "__rand_in__"},
                 {"GET __rand_0th__", "__rand_0th__"},
                 {"GET k ; ; GET k", "empty"},
                 {"GET k ;", "empty"},
                 {"; GET k", "empty"},
                 {"0 GET k", "\"0\""},
                 {"10001 GET k", "10001"},
                 {"99999999999999999999 GET k", "99999999999999999999"}};
    plain_spec();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct workload *workload;
        struct err err;
        ck_assert_msg(compile(&workload, cases[i].command, &err) == E_USAGE, "%s",
                      cases[i].command);
        ck_assert_ptr_null(workload);
        ck_assert_msg(strstr(err.text, cases[i].named) != NULL, "%s: %s", cases[i].command,
                      err.text);
    }
}

TEST(test_too_long_is_refused_at_once)
{
    /* Breaks when a request that is too long is put together, in gigabytes, before it is refused. */
    struct rusage usage;
    plain_spec();
    spec.load.data_bytes = 1u << 30;
    struct workload *workload;
    struct workload_source source = {.test = workload_test_find("mset")};
    struct err err = {.code = OK};
    ck_assert_int_eq(workload_create(&workload, &source, &spec, &err), E_USAGE);
    ck_assert_msg(strstr(err.text, "too long: MSET") != NULL, "%s", err.text);
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    ck_assert_int_lt(usage.ru_maxrss, 1 << 20); /* kB */
    spec.load.data_bytes = 1u << 20;
    ck_assert_int_eq(compile(&workload, "9000 SET k __data__", &err), E_USAGE);
    ck_assert_int_eq(compile(&workload, "100 SET k __data__", &err), OK);
    workload_destroy(workload);
}

TEST(test_close_to_refusals)
{
    /* Breaks when a harmless command is refused because it looks like a harmful one. */
    static const char *const commands[] = {"BLPOP k 1",
                                           "BLPOP 0 0.1",
                                           "XREAD BLOCK 10 STREAMS s $",
                                           "XREAD COUNT 1 STREAMS BLOCK 1",
                                           "CLIENT LIST",
                                           "CLIENT NO-EVICT ON",
                                           "GET MONITOR",
                                           "SET BLPOP 0",
                                           "WAIT 0 100",
                                           "PUBLISH SUBSCRIBE x"};
    plain_spec();
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct workload *workload = of_command(commands[i]);
        ck_assert_msg(workload != NULL, "%s was refused", commands[i]);
        workload_destroy(workload);
    }
}

TEST(test_titles)
{
    /* Breaks when a title holds a line break, runs over its room, or a given one is not used. */
    plain_spec();
    struct workload *workload;
    struct err err = {.code = OK};
    const char *const argv[] = {"SET", "k\r\nx"};
    struct workload_source source = {.argv = argv, .argc = 2};
    ck_assert_int_eq(workload_create(&workload, &source, &spec, &err), OK);
    ck_assert_str_eq(workload_title(workload), "SET k??x");
    workload_destroy(workload);
    source.title = "mine";
    ck_assert_int_eq(workload_create(&workload, &source, &spec, &err), OK);
    ck_assert_str_eq(workload_title(workload), "mine");
    workload_destroy(workload);
    char wide[400];
    memset(wide, 'w', sizeof wide);
    wide[sizeof wide - 1] = '\0';
    const char *const long_argv[] = {"GET", wide, wide};
    source = (struct workload_source){.argv = long_argv, .argc = 3};
    ck_assert_int_eq(workload_create(&workload, &source, &spec, &err), OK);
    ck_assert_uint_lt(strlen(workload_title(workload)), 128);
    ck_assert_int_eq(memcmp(workload_title(workload), "GET www", 7), 0);
    workload_destroy(workload);
}

TEST(test_one_key)
{
    /* Breaks when the warning about a single key is given without reason, or not given. */
    plain_spec();
    struct workload *workload = of_command("GET __key__");
    ck_assert(!workload_uses_one_key(workload));
    workload_destroy(workload);
    workload = of_command("GET fixed");
    ck_assert(!workload_uses_one_key(workload));
    ck_assert_uint_eq(workload_keys_per_request(workload), 0);
    workload_destroy(workload);
    spec.load.key_order = KEYS_ONE;
    spec.load.keyspace = 1;
    workload = of_command("GET __key__");
    ck_assert(workload_uses_one_key(workload));
    workload_destroy(workload);
}

TEST_SUITE(workload)
