/* Values whose content is a file's: another line than the order says, a line that is cut at a NUL, one that goes with
 * another key, or a file that is no table and is taken for one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/workload_file.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct workload_file file;
static struct workload *workload;
static struct err err;

static void set_up(void)
{
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/lines.txt", "one\ntw\xff\n\nfour\n", 0600);
    temp_tree_write(&tree, "/table.csv", "id,body\n1,\"a,b\"\n2,c\n", 0600);
    temp_tree_write(&tree, "/empty.csv", "", 0600);
    temp_tree_write(&tree, "/heads.csv", "id,body\n", 0600);
}

static void forget(void)
{
    workload_destroy(workload);
    workload_file_free(&file);
    workload = NULL;
}

static void tear_down(void)
{
    forget();
    temp_tree_remove(&tree);
}

#define FORM                                                                                       \
    "name: w\nkeys: {k: {count: 4, order: sequential, digits: 0, first: 10}}\n"                    \
    "values: {v: {%s}}\nclasses: [{name: a, command: \"%s\"}]\n"

/* One workload with this value and this command, in the tree beside the files. */
static enum err_code read_with(const char *value, const char *command)
{
    char text[600], path[200];
    forget();
    err = (struct err){.code = OK};
    snprintf(text, sizeof text, FORM, value, command);
    temp_tree_write(&tree, "/w.yaml", text, 0600);
    snprintf(path, sizeof path, "%s/w.yaml", tree.path);
    const struct file_source source = {.name = path};
    return workload_file_read(&file, &source, &err);
}

static void compile(const char *value, const char *command)
{
    static const struct spec spec = {.load = {.keyspace = 1, .clients = 1, .seed = 1}};
    ck_assert_msg(read_with(value, command) == OK, "%s: %s", value, err.text);
    const struct workload_source source = {.plan = &file.plan};
    ck_assert_msg(workload_create(&workload, &source, &spec, &err) == OK, "%s", err.text);
}

/* The request of a ticket ends with this argument. */
static void ck_ends(uint64_t ticket, const char *text)
{
    struct workload_sample sample;
    char end[64];
    const int bytes = snprintf(end, sizeof end, "$%zu\r\n%s\r\n", strlen(text), text);
    ck_assert_int_eq(workload_sample(&sample, workload, ticket, &err), OK);
    ck_assert_uint_gt(sample.byte_count, (size_t)bytes);
    ck_assert_msg(strcmp(sample.bytes + sample.byte_count - bytes, end) == 0, "%s", sample.bytes);
    free(sample.bytes);
}

TEST(lines_in_turn)
{
    /* breaks if a line is left out, sent twice, or has the end of another one */
    compile("content: {file: lines.txt}", "SET {key} {value}");
    static const char *const lines[] = {"one", "tw\xff", "", "four", "one", "tw\xff"};
    for (uint64_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_ends(i, lines[i]);
    ck_ends(WORKLOAD_WARMUP_TICKET + 1, "tw\xff");
    compile("content: {file: lines.txt, rows: 2}", "MSET {key} {value} {key} {value}");
    for (uint64_t i = 0; i < 3; i++)
        ck_ends(i, "tw\xff"); /* each takes two */
}

TEST(a_field_of_a_table)
{
    /* breaks if a value is another column, or quotes are sent */
    compile("content: {file: table.csv, field: body}", "SET {key} {value}");
    ck_ends(0, "a,b");
    ck_ends(1, "c");
    compile("content: {file: table.csv, field: id, format: csv}", "SET {key} <{value}>");
    ck_ends(1, "<2>");
    compile("content: {file: table.csv, format: lines}", "SET {key} {value}");
    ck_ends(1, "1,\"a,b\"");
}

TEST(a_line_that_goes_with_its_key)
{
    /* breaks if a key gets another content each time it is written */
    compile("content: {file: lines.txt}, per_key: true", "SET {key} {value}");
    static const char *const lines[] = {"one", "tw\xff", "", "four"};
    for (uint64_t i = 0; i < 12; i++)
        ck_ends(i, lines[i % 4]);
    compile("content: {file: lines.txt, order: random}, per_key: true", "SET {key} {value}");
    struct workload_sample first, again;
    for (uint64_t i = 0; i < 4; i++) {
        ck_assert_int_eq(workload_sample(&first, workload, i, &err), OK);
        ck_assert_int_eq(workload_sample(&again, workload, i + 400, &err), OK);
        ck_assert_str_eq(first.bytes, again.bytes);
        free(first.bytes);
        free(again.bytes);
    }
}

TEST(lines_at_random)
{
    /* breaks if some lines never come, or all come in turn */
    compile("content: {file: table.csv, field: id, order: random}", "SET {key} {value}");
    unsigned ones = 0, changes = 0, before = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        struct workload_sample sample;
        ck_assert_int_eq(workload_sample(&sample, workload, i, &err), OK);
        const unsigned one = sample.bytes[sample.byte_count - 3] == '1';
        ones += one;
        changes += one != before;
        before = one;
        free(sample.bytes);
    }
    ck_assert(ones > 400 && ones < 600 && changes > 400 && changes < 600);
}

static const struct {
    const char *value, *command, *says;
} refused[] = {
    {"content: {file: table.csv}", "SET {key} {value}",
     "w.yaml:3:23: which field of the file is meant must be said, as in field: id; there are id, "
     "body"},
    {"content: {file: table.csv, field: bdy}", "SET {key} {value}",
     "w.yaml:3:48: field: the file has no field bdy; did you mean body?; there are id, body"},
    {"content: {file: lines.txt, field: id}", "SET {key} {value}",
     "w.yaml:3:48: field: the file has no field id; there are line"},
    {"size: 5, content: {file: lines.txt}", "SET {key} {value}",
     "w.yaml:3:20: content of a file has its own size: leave size out"},
    {"content: {file: lines.txt, bytes: random}", "SET {key} {value}",
     "w.yaml:3:48: file excludes bytes and compressible"},
    {"content: {file: lines.txt, compressible: 0.5}", "SET {key} {value}",
     "w.yaml:3:55: file excludes bytes and compressible"},
    {"size: 5, content: {order: random}", "SET {key} {value}", "w.yaml:3:40: order goes with file"},
    {"content: {file: nowhere}", "SET {key} {value}", "nowhere: cannot be read: No such file"},
    {"content: {file: .}", "SET {key} {value}", "is no regular file"},
    {"content: {file: /dev/zero}", "SET {key} {value}", "the data /dev/zero: is no regular file"},
    {"content: {file: empty.csv}", "SET {key} {value}", "empty.csv: it holds no row"},
    {"content: {file: heads.csv, field: id}", "SET {key} {value}", "heads.csv: it holds no row"},
    {"content: {file: lines.txt}, per_key: true", "SET k {value}",
     "the row of {value:v} goes with its key, and no {key} stands in front of it"},
};

LOOP_TEST(what_is_refused, sizeof refused / sizeof refused[0])
{
    /* breaks if a mistake is found when connections are open already, or not at all */
    ck_assert_int_eq(read_with(refused[_i].value, refused[_i].command), E_CONFIG);
    ck_assert_msg(strstr(err.text, refused[_i].says) != NULL, "%s", err.text);
}

TEST_SUITE_WITH(value_files, .set_up = set_up, .tear_down = tear_down)
