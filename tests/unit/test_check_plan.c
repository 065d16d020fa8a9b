/* Which keys of a workload file are checked, and that their names are those that are sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/workload_file.h"
#include "tests/support/check/suite.h"
#include "worker/worker.h"

static struct workload_file file;
static struct workload *workload;
static struct check_spaces spaces;

static void compile(const char *keys, const char *classes)
{
    static char text[4096];
    struct spec spec = {.load.seed = 3, .load.clients = 1};
    struct err err = {.code = OK};
    snprintf(text, sizeof text, "name: t\nkeys: {%s}\nvalues: {v: {size: 20}}\nclasses: [%s]\n",
             keys, classes);
    const struct file_source source = {.name = "t.yaml", .text = text, .text_bytes = strlen(text)};
    ck_assert_msg(workload_file_read(&file, &source, &err) == OK, "%s", err.text);
    ck_assert_msg(workload_create(&workload, &(struct workload_source){.plan = &file.plan}, &spec,
                                  &err) == OK,
                  "%s", err.text);
    memset(&spaces, 0, sizeof spaces);
}

static void forget(void)
{
    workload_destroy(workload);
    workload_file_free(&file);
}

/* Whether the request's second string is the name of one of the space's keys. */
static bool has_a_key_of(const struct workload_sample *sample, const struct version_space *space)
{
    static char key[VERSION_KEY_BYTES_MAX];
    const char *at = strstr(sample->bytes, "SET\r\n$") + strlen("SET\r\n$");
    const size_t bytes = strtoul(at, NULL, 10);
    at = strstr(at, "\r\n") + 2;
    for (uint64_t i = 0; i < space->count; i++) {
        const uint64_t number = space->first + i;
        if (version_key_bytes(space, number) != bytes)
            continue;
        version_key_write(key, bytes, space, number);
        if (memcmp(key, at, bytes) == 0)
            return true;
    }
    return false;
}

static const char *const shapes[] = {
    "k: {count: 20}",
    "k: {count: 20, first: 95, digits: 0}",
    "k: {count: 20, prefix: \"a:b:\", digits: 18}",
    "k: {count: 20, prefix: \"7\", digits: 3, first: 990}",
    "k: {count: 20, size: 40, tag: yes}",
    "k: {count: 20, binary: true, first: 250}",
    "k: {count: 20, binary: true, size: 30, order: zipf}",
};

TEST(test_names_are_those_that_are_sent)
{
    /* Breaks when `volley verify` asks for keys that the load has not written. */
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct err err = {.code = OK};
        compile(shapes[i], "{name: c, command: \"SET {key} {value}\"}");
        ck_assert_int_eq(check_plan_find(&spaces, workload, &err), OK);
        ck_assert_uint_eq(spaces.count, 1);
        for (uint64_t ticket = 0; ticket < 50; ticket++) {
            struct workload_sample sample;
            ck_assert_int_eq(workload_sample(&sample, workload, ticket, &err), OK);
            ck_assert_msg(has_a_key_of(&sample, &spaces.spaces[0]), "%s: %s", shapes[i],
                          sample.bytes);
            free(sample.bytes);
        }
        forget();
    }
}

static enum err_code find(const char *keys, const char *classes, struct err *err)
{
    struct check_marks marks;
    *err = (struct err){.code = OK};
    compile(keys, classes);
    enum err_code code = check_plan_find(&spaces, workload, err);
    if (code == OK)
        code = check_plan_mark(workload, &spaces, &marks, err);
    return code;
}

TEST(test_key_spaces)
{
    /* Breaks when key spaces with the same names are taken for two, or two that share names for one. */
    struct err err;
    ck_assert_int_eq(find("a: {prefix: k, count: 5, first: 2}, b: {prefix: k, count: 90, first: 4}",
                          "{name: c, command: \"SET {key:a} {value}\"}, "
                          "{name: d, command: \"GET {key:b}\"}, "
                          "{name: e, command: \"SETEX {key:b} 9 {value}\"}",
                          &err),
                     OK);
    ck_assert_uint_eq(spaces.count, 1);
    ck_assert_uint_eq(spaces.spaces[0].first, 2);
    ck_assert_uint_eq(spaces.spaces[0].count, 92);
    ck_assert_uint_eq(spaces.spaces[0].flags, VERSION_MAY_GO);
    forget();
    ck_assert_int_eq(find("a: {prefix: k, count: 5}, b: {prefix: k1, count: 90}",
                          "{name: c, command: \"SET {key:a} {value}\"}, "
                          "{name: d, command: \"INCR {key:b}\"}",
                          &err),
                     E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "keys of b may be those of another key space"));
    forget();
    ck_assert_int_eq(find("a: {prefix: k, count: 5, order: latest}, b: {prefix: q, count: 90}",
                          "{name: c, command: \"SET {new:a} {value}\"}, "
                          "{name: d, command: \"HSET {key:b} f {value}\"}, "
                          "{name: e, command: \"DEL {key:b} {key:a}\"}",
                          &err),
                     OK);
    ck_assert_uint_eq(spaces.count, 1);
    ck_assert_uint_eq(spaces.spaces[0].count, 5 + CHECK_GROWTH_KEYS);
    ck_assert_uint_eq(spaces.spaces[0].flags, VERSION_MAY_GO);
    forget();
}

TEST(test_transactions_are_refused)
{
    /* Breaks when a read or a write whose reply stands inside of another one is taken to be checked. */
    struct err err;
    ck_assert_int_eq(find("a: {count: 5}",
                          "{name: c, command: \"SET {key} {value}\"}, {name: d, unit: "
                          "transaction, commands: [\"GET {key}\", \"PING\"]}",
                          &err),
                     E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "class d: GET stands in a transaction"));
    forget();
    ck_assert_int_eq(find("a: {count: 5}",
                          "{name: d, unit: sequence, commands: [\"SET {key#1} {value}\", \"GET "
                          "{key#1}\", \"STRLEN {key#1}\"]}",
                          &err),
                     OK);
    forget();
}

TEST_SUITE(check_plan)
