/* What a real server says about the keys of commands. */
#include <check.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/slots.h"
#include "orchestrator/server/command_info.h"
#include "orchestrator/server/command_keys.h"
#include "tests/support/check/fake_server.h"
#include "tests/support/check/server.h"

Suite *test_command_keys_suite(void);

static struct test_server server;
static struct spec spec;

static void spec_for(uint16_t port)
{
    spec = (struct spec){.endpoint.host = "127.0.0.1",
                         .endpoint.port = port,
                         .endpoint.cluster = true,
                         .load.key_order = KEYS_RANDOM,
                         .load.keyspace = 1000000,
                         .load.data_bytes = 5,
                         .load.function_keys = 1,
                         .load.seed = 3,
                         .endpoint.connection_timeout_ns = 2 * NS_PER_SECOND,
                         .endpoint.request_timeout_ns = 5 * NS_PER_SECOND};
}

/* Words are separated by single spaces. */
static struct workload *compile(const char *text)
{
    char copy[512], *rest = copy;
    const char *argv[64];
    size_t argc = 0;
    struct workload *workload;
    struct err err = {.code = OK};
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        argv[argc++] = word;
    struct workload_source source = {.argv = argv, .argc = argc};
    ck_assert_msg(workload_create(&workload, &source, &spec, &err) == OK, "%s", err.text);
    return workload;
}

static bool guess;

static enum err_code find(struct workload *workload, struct err *err)
{
    struct control *control;
    struct target_address target;
    *err = (struct err){.code = OK};
    ck_assert_msg(control_connect(&control, &target, &spec.endpoint, NULL, err) == OK, "%s",
                  err->text);
    enum err_code code = command_keys_find(workload, control, guess, err);
    control_close(control);
    return code;
}

/* Of the key that stands in the place of an argument. */
static uint16_t slot_of_argument(const struct workload *workload, uint32_t command, size_t argument,
                                 uint64_t ticket)
{
    char key[512];
    struct workload_range place = workload_argument(workload, command, argument);
    ck_assert_uint_le(place.byte_count, sizeof key);
    workload_render_part(workload, ticket, place.offset_bytes, place.byte_count, key);
    return slots_of_key(key, place.byte_count);
}

START_TEST(test_keys_of_commands)
{
    /* Breaks when a command is routed by an argument that is not its key, or goes to a replica though
     * it writes. */
    static const struct {
        const char *text;
        size_t key;  /* argument that decides; 0: none           */
        uint32_t of; /* command of the sequence that it stands in */
        bool reads_only;
    } cases[] = {
        {"GET __key__", 1, 0, true},
        {"get __key__", 1, 0, true},
        {"SET __key__ __data__", 1, 0, false},
        {"PING", 0, 0, false},
        {"ECHO __key__", 0, 0, false},
        {"CONFIG GET maxmemory", 0, 0, false},
        {"MSET {tag}__rand_int__ 1 {tag}__rand_int__ 2", 3, 0, false},
        {"MGET a:{tag} b:{tag} c:{tag}", 2, 0, true},
        {"EVAL return_1 0 __key__", 0, 0, false},
        {"EVAL return_1 1 __key__ arg", 3, 0, false},
        {"EVAL return_1 2 {tag}__rand_int__ {tag}x 2", 4, 0, false},
        {"EVAL_RO return_1 1 __key__ arg", 3, 0, true},
        {"XREAD COUNT 2 STREAMS {tag}a {tag}b 0 0", 5, 0, true},
        {"ZUNIONSTORE {tag}d 2 {tag}a {tag}b", 3, 0, false},
        {"ZUNION 2 {tag}a {tag}__rand_int__ WEIGHTS 1 2", 3, 0, true},
        {"BITOP AND {tag}d {tag}a {tag}b", 2, 0, false},
        {"OBJECT ENCODING __key__", 2, 0, true},
        {"MEMORY USAGE __key__", 2, 0, true},
        {"XGROUP CREATE __key__ g $", 2, 0, false},
        {"SORT {tag}a STORE {tag}b", 3, 0, false},
        {"MULTI ; SET {tag}__rand_int__ 1 ; INCR n{tag} ; EXEC", 1, 2, false},
        {"GET __rand_1st__ ; 3 STRLEN __rand_1st__", 1, 1, true},
        {"GET __rand_1st__ ; SET __rand_1st__ x", 1, 1, false},
        {"GETRANGE __key__ 0 0", 1, 0, true},
    };
    test_server_start(&server, NULL);
    spec_for(server.port);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err;
        struct workload *workload = compile(cases[i].text);
        ck_assert_msg(find(workload, &err) == OK, "%s: %s", cases[i].text, err.text);
        ck_assert(workload_keys_known(workload));
        ck_assert_msg(workload_reads_only(workload) == cases[i].reads_only, "%s", cases[i].text);
        for (uint64_t ticket = 0; ticket < 20 && cases[i].key > 0; ticket++)
            ck_assert_msg(workload_slot(workload, ticket) ==
                              slot_of_argument(workload, cases[i].of, cases[i].key, ticket),
                          "%s", cases[i].text);
        workload_destroy(workload);
    }
    test_server_stop(&server);
}
END_TEST

START_TEST(test_refusals)
{
    /* Breaks when a command whose node cannot be told runs all the same, or the message does not say
     * which command it is. */
    static const struct {
        const char *text, *named;
    } cases[] = {
        {"NOSUCH __key__", "does not know the command NOSUCH"},
        {"OBJECT NOSUCH __key__", "OBJECT|NOSUCH"},
        {"GET", "GET has 1 words"},
        {"GET a b", "GET has 3 words, but the server expects 2"},
        {"GET a ; SET b", "SET has 2 words, but the server expects at least 3"},
        {"XREAD COUNT 2 STREAMS", "XREAD"},
        {"MSET a 1 b 2", "MSET with keys in different slots cannot run on a cluster: put {tag}"},
        {"EVAL return_1 2 __key__ __key__", "EVAL with keys in different slots"},
        {"XREAD STREAMS a b 0 0", "XREAD with keys in different slots"},
        {"BITOP AND d a b", "BITOP with keys in different slots"},
        {"MULTI ; INCR a ; INCR b ; EXEC", "a sequence with keys in different slots"},
    };
    test_server_start(&server, NULL);
    spec_for(server.port);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err;
        struct workload *workload = compile(cases[i].text);
        ck_assert_msg(find(workload, &err) == E_USAGE, "%s: %s", cases[i].text, err.text);
        ck_assert_msg(strstr(err.text, cases[i].named) != NULL, "%s: %s", cases[i].text, err.text);
        workload_destroy(workload);
    }
    test_server_stop(&server);
}
END_TEST

START_TEST(test_tests_know_their_keys)
{
    /* Breaks when a row of the table names other keys than the server does. */
    test_server_start(&server, NULL);
    spec_for(server.port);
    for (size_t row = 0; workload_test_at(row) != NULL; row++) {
        const struct workload_test *test = workload_test_at(row);
        struct workload_source of_row = {.test = test};
        struct workload *known, *asked;
        struct err err = {.code = OK};
        const char *argv[WORKLOAD_TEST_ARGS_MAX];
        size_t argc = 0;
        if (test->inline_command)
            continue;
        for (; test->argv[argc] != NULL; argc++)
            argv[argc] = test->argv[argc];
        if (test->more == MORE_KEYS) {
            argv[argc++] = "1";
            argv[argc++] = "{tag}:key1";
        } else if (test->more == MORE_LIBRARY) {
            argv[argc++] = "library";
        }
        struct workload_source of_words = {.argv = argv, .argc = argc};
        of_row.tagged = true;
        ck_assert_int_eq(workload_create(&known, &of_row, &spec, &err), OK);
        ck_assert_int_eq(workload_create(&asked, &of_words, &spec, &err), OK);
        ck_assert_msg(find(asked, &err) == OK, "%s: %s", test->name, err.text);
        ck_assert_msg(workload_reads_only(known) == workload_reads_only(asked), "%s", test->name);
        for (uint64_t ticket = 0; ticket < 100; ticket++)
            ck_assert_msg(workload_slot(known, ticket) == workload_slot(asked, ticket), "%s",
                          test->name);
        workload_destroy(known);
        workload_destroy(asked);
    }
    test_server_stop(&server);
}
END_TEST

START_TEST(test_forbidden)
{
    /* Breaks when a user without the right to ask gets a message that does not say so. */
    struct err err;
    test_server_start(&server, NULL);
    spec_for(server.port);
    free(test_server_text(&server, "ACL SETUSER limited on >pw ~* +ping +get +set"));
    spec.endpoint.user = "limited";
    spec.endpoint.password = "pw";
    struct workload *workload = compile("GET __key__");
    ck_assert_int_eq(find(workload, &err), E_CONNECT);
    ck_assert_msg(strstr(err.text, "NOPERM") != NULL && strstr(err.text, "+command|info") != NULL,
                  "%s", err.text);
    workload_destroy(workload);
    test_server_stop(&server);
}
END_TEST

START_TEST(test_guess)
{
    /* Breaks when a cluster cannot be loaded with a command of one's own because the server does not say
     * where its keys are, in words or by closing; or when a refusal is taken for an unknown command. */
    static const struct fake_rule refusals[] = {
        {.command = "COMMAND", .action = FAKE_REPLY, .bytes = "-no\r\n"},
        {.command = "COMMAND", .action = FAKE_CLOSE},
        {.command = "COMMAND", .action = FAKE_REPLY, .bytes = "*1\r\n*-1\r\n"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct fake_server fake;
        struct err err;
        fake_server_start(&fake, &(struct fake_script){.rules = &refusals[i], .rule_count = 1});
        spec_for(fake.port);
        guess = true;
        struct workload *workload = compile("GET __key__"), *other = compile("GET __key__");
        ck_assert_int_eq(find(workload, &err), i < 2 ? OK : E_USAGE);
        if (i < 2)
            ck_assert_uint_eq(workload_slot(workload, 7), slot_of_argument(workload, 0, 1, 7));
        guess = false;
        ck_assert_int_ne(find(other, &err), OK);
        workload_destroy(workload);
        workload_destroy(other);
        fake_server_free(&fake);
    }
}
END_TEST

#define INFO_HEAD "*1\r\n*6\r\n$4\r\nbusy\r\n:2\r\n*1\r\n+movablekeys\r\n"

START_TEST(test_strange_answers)
{
    /* Breaks when an answer of another shape than that of a server crashes volley or is believed. */
    static const char *const answers[][2] = {
        {"+OK\r\n", NULL},
        {"*0\r\n", NULL},
        {"*1\r\n*0\r\n", NULL},
        {"*1\r\n$-1\r\n", NULL},
        {"*1\r\n*6\r\n+a\r\n+b\r\n+c\r\n+d\r\n+e\r\n+f\r\n", NULL},
        {"*1\r\n*6\r\n+a\r\n:2\r\n:3\r\n:-5\r\n:-9\r\n:0\r\n", ""},
        {"*1\r\n*6\r\n+a\r\n:-1\r\n*0\r\n:9\r\n:900\r\n:1\r\n", ""},
        {"*1\r\n*6\r\n+a\r\n:-1\r\n*0\r\n:1\r\n:-7\r\n:-1\r\n", ""},
        {"*1\r\n*6\r\n+a\r\n:2\r\n*2\r\n:7\r\n*0\r\n:1\r\n:1\r\n:1\r\n", ""},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct fake_server fake;
        struct err err;
        const struct fake_rule rule = {
            .command = "COMMAND", .action = FAKE_REPLY, .bytes = answers[i][0]};
        fake_server_start(&fake, &(struct fake_script){.rules = &rule, .rule_count = 1});
        spec_for(fake.port);
        struct workload *workload = compile("busy key");
        enum err_code code = find(workload, &err);
        if (answers[i][1] != NULL)
            ck_assert_msg(code == OK, "answer %zu: %s", i, err.text);
        else
            ck_assert_msg(code == E_USAGE, "answer %zu: %s", i, err.text);
        workload_destroy(workload);
        fake_server_stop(&fake);
        fake_server_free(&fake);
    }
}
END_TEST

START_TEST(test_numbers_out_of_range)
{
    /* Breaks when a number that describes a command is reckoned with whatever it is: the sum of place and step
     * wraps round, and keys are looked for outside the request. */
    static const char *const numbers[] = {
        ":-1\r\n*0\r\n:2\r\n:9223372036854775807\r\n:9223372036854775806\r\n",
        ":-1\r\n*0\r\n:1\r\n:-1\r\n:9223372036854775807\r\n",
        ":-1\r\n*0\r\n:-9223372036854775807\r\n:-1\r\n:1\r\n",
        ":-1\r\n*0\r\n:1\r\n:-9223372036854775808\r\n:1\r\n",
        ":-9223372036854775808\r\n*0\r\n:1\r\n:1\r\n:1\r\n",
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct fake_server fake;
        struct err err;
        char answer[200];
        snprintf(answer, sizeof answer, "*1\r\n*6\r\n+a\r\n%s", numbers[i]);
        const struct fake_rule rule = {.command = "COMMAND", .action = FAKE_REPLY, .bytes = answer};
        fake_server_start(&fake, &(struct fake_script){.rules = &rule, .rule_count = 1});
        spec_for(fake.port);
        struct workload *workload = compile("busy key value");
        ck_assert_msg(find(workload, &err) == E_CONNECT, "answer %zu: %s", i, err.text);
        ck_assert_msg(strstr(err.text, "COMMAND INFO") != NULL, "%s", err.text);
        workload_destroy(workload);
        fake_server_stop(&fake);
        fake_server_free(&fake);
    }
}
END_TEST

#define MANY 20000u

/* So many words of the same length, and what a server says of their keys. */
static enum err_code match_many(bool reversed, size_t *key_count)
{
    static char texts[MANY][8];
    static char *argv[MANY];
    static size_t argv_bytes[MANY];
    static redisReply items[MANY], *elements[MANY];
    struct command_words words = {
        .argc = MANY, .argv = argv, .argv_bytes = argv_bytes, .name = "busy"};
    struct workload_command_keys keys = {.arguments = calloc(MANY, sizeof(size_t))};
    struct err err = {.code = OK};
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof texts[i], "%07u", i);
        argv[i] = texts[i];
        argv_bytes[i] = 7;
        items[i] = (redisReply){.type = REDIS_REPLY_STRING, .str = texts[i], .len = 7};
        elements[i] = &items[reversed ? MANY - 1 - i : i + 1];
    }
    redisReply reply = {.type = REDIS_REPLY_ARRAY, .elements = MANY - 1, .element = elements};
    enum err_code code = command_info_match(&keys, &words, &reply, &err);
    *key_count = keys.count;
    free(keys.arguments);
    return code;
}

START_TEST(test_many_keys)
{
    /* Breaks when a server can keep volley looking for the keys of a long command, deaf to Ctrl+C; or when as
     * many in their order are not found. */
    size_t count = 0;
    ck_assert_int_eq(match_many(false, &count), OK);
    ck_assert_uint_eq(count, MANY - 1);
    ck_assert_int_eq(match_many(true, &count), E_CONNECT);
}
END_TEST

START_TEST(test_strange_keys)
{
    /* Breaks when keys that the request does not have are looked for beyond its end. */
    static const char *const answers[] = {
        "*1\r\n$5\r\nother\r\n", "*1\r\n:7\r\n",  "*2\r\n$3\r\nkey\r\n$3\r\nkey\r\n",
        "*1\r\n$-1\r\n",         "$3\r\nkey\r\n", "*1\r\n*1\r\n$3\r\nkey\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct fake_server fake;
        struct err err;
        const struct fake_rule rules[] = {
            {.command = "COMMAND",
             .action = FAKE_REPLY,
             .bytes = INFO_HEAD ":1\r\n:1\r\n:1\r\n",
             .times = 1},
            {.command = "COMMAND", .action = FAKE_REPLY, .bytes = answers[i]}};
        fake_server_start(&fake, &(struct fake_script){.rules = rules, .rule_count = 2});
        spec_for(fake.port);
        struct workload *workload = compile("busy key");
        ck_assert_int_eq(find(workload, &err), E_CONNECT);
        ck_assert_msg(strstr(err.text, "GETKEYS") != NULL, "%s", err.text);
        workload_destroy(workload);
        fake_server_stop(&fake);
        fake_server_free(&fake);
    }
}
END_TEST

static void stop_server(void)
{
    test_server_stop(&server);
}

Suite *test_command_keys_suite(void)
{
    Suite *suite = suite_create("command_keys");
    TCase *real = tcase_create("real");
    tcase_set_timeout(real, 60);
    tcase_add_checked_fixture(real, NULL, stop_server);
    tcase_add_test(real, test_keys_of_commands);
    tcase_add_test(real, test_refusals);
    tcase_add_test(real, test_tests_know_their_keys);
    tcase_add_test(real, test_forbidden);
    suite_add_tcase(suite, real);
    TCase *fake = tcase_create("fake");
    tcase_set_timeout(fake, 60);
    tcase_add_test(fake, test_guess);
    tcase_add_test(fake, test_strange_answers);
    tcase_add_test(fake, test_numbers_out_of_range);
    tcase_add_test(fake, test_many_keys);
    tcase_add_test(fake, test_strange_keys);
    suite_add_tcase(suite, fake);
    return suite;
}
