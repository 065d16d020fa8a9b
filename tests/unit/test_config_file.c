#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "orchestrator/options/file_reader.h"
#include "tests/support/check/suite.h"

/* A file of --config as options.c sees it. */
struct entry {
    struct file_place place;
    const char *value;
};
static struct {
    struct entry *entries;
    size_t count;
} list;
static struct file file;
static struct err err;

static void teardown(void)
{
    file_free(&file);
    memset(&list, 0, sizeof list);
    memset(&err, 0, sizeof err);
}

static enum err_code parse(const char *text)
{
    const struct file_source source = {"f", text, strlen(text)};
    teardown();
    return file_read(&file, &options_config_kind, &list, &source, &err);
}

static enum err_code read_file(const char *path)
{
    teardown();
    return file_read(&file, &options_config_kind, &list, &(struct file_source){.name = path}, &err);
}

static void ck_entry(size_t i, const char *key, const char *value, unsigned line)
{
    ck_assert_uint_lt(i, list.count);
    ck_assert_str_eq(list.entries[i].place.node->key, key);
    ck_assert_str_eq(list.entries[i].value, value);
    ck_assert_uint_eq(list.entries[i].place.node->key_mark.line, line);
}

TEST(yaml)
{
    /* values or lines are not those of the file */
    ck_assert_int_eq(parse("# load\nclients: 50\nquiet: true\n\nlabel: \"a: b\"\n"
                           "type:\n  - set\n  - get\npercentiles: [50, 99.9]\njson: '-'\n"),
                     OK);
    ck_assert_uint_eq(list.count, 6);
    ck_entry(0, "clients", "50", 2);
    ck_entry(1, "quiet", "true", 3);
    ck_entry(2, "label", "a: b", 5);
    ck_entry(3, "type", "set,get", 6);
    ck_entry(4, "percentiles", "50,99.9", 9);
    ck_entry(5, "json", "-", 10);
}

TEST(null_is_a_key_too)
{
    /* --null, whose name is a word of YAML, cannot be given in a file */
    ck_assert_msg(parse("null: true\nquiet: true\n") == OK, "%s", err.text);
    ck_assert_uint_eq(list.count, 2);
    ck_entry(0, "null", "true", 1);
    ck_assert_int_eq(parse("a: 1\n\"\": 2\n"), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "f:2:1: a key is the name"));
}

TEST(json)
{
    /* JSON as programs write it is refused: tabs, no blanks behind the colon, escapes */
    ck_assert_int_eq(parse("{\n\t\"clients\":50,\n\t\"type\":[\"set\",\"get\"],\n"
                           "\t\"label\":\"a\\\"b\\u00e9\\/\", \"quiet\":false\n}\n"),
                     OK);
    ck_assert_uint_eq(list.count, 4);
    ck_entry(0, "clients", "50", 2);
    ck_entry(1, "type", "set,get", 3);
    ck_entry(2, "label", "a\"b\xc3\xa9/", 4);
    ck_entry(3, "quiet", "false", 4);
}

TEST(nothing_in_it)
{
    /* a file in which all is commented out is an error */
    static const char *const texts[] = {"", "\n", "# clients: 5\n", "---\n", "{}", "--- {}\n...\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ck_assert_msg(parse(texts[i]) == OK, "\"%s\": %s", texts[i], err.text);
        ck_assert_uint_eq(list.count, 0);
    }
}

TEST(refused)
{
    /* something is passed over in silence, or the message names no line */
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"clients: 5\nclients: 6\n", "f:2:1: clients stands in line 1 already"},
        {"a: 1\nclients:\n", "f:2:9: clients: a value is missing"},
        {"a: ~\n", "f:1:4: a: a value is missing"},
        {"a: null\n", "f:1:4: a: a value is missing"},
        {"{\"a\": null}", "f:1:7: a: a value is missing"},
        {"a: []\n", "f:1:4: a: a list without elements"},
        {"a: [[1]]\n", "f:1:5: a: the list holds values only"},
        {"a:\n  b: 1\n", "f:2:3: a: a value, or a list of them, is expected"},
        {"a: &x 1\nb: *x\n", "f:2:4: an alias"},
        {"a: 1\n---\nb: 2\n", "f:2:1: a second document"},
        {"- a\n- b\n", "f:1:1: a map is expected; options with their values"},
        {"just text\n", "f:1:1: a map is expected; options with their values"},
        {"[1, 2]", "f:1:1: a map is expected; options with their values"},
        {"? [a]\n: 1\n", "f:1:3: a key is the name"},
        {"a: 1\nb: [1\n", "neither JSON nor YAML"},
        {"{\"a\": 1,\n\"b\" 2}", "f:2:5: neither JSON nor YAML"},
        {"a: [1, ~]\n", "f:1:8: a: a value is missing"},
        {"a: &x [1]\nb: [*x]\n", "f:2:5: an alias"},
        {"a: [[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]",
         "f:1:27: lists and maps are nested"},
        {"a: \"x\\0y\"\n", "f:1:4: a text with a NUL"},
        {"a: 1\n\tb: 2\n", "f:2:1: neither JSON nor YAML"},
        {"a: \xff\xfe\n", "neither JSON nor YAML"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(parse(cases[i].text) == E_CONFIG, "\"%s\" is taken", cases[i].text);
        ck_assert_msg(strstr(err.text, cases[i].says) != NULL, "\"%s\": %s", cases[i].text,
                      err.text);
    }
}

TEST(too_many_keys)
{
    /* a file that is no config file keeps volley busy for minutes */
    char *text = malloc(32 * (CONFIG_TREE_KEYS_MAX + 1));
    size_t used = 0;
    for (int i = 0; i <= CONFIG_TREE_KEYS_MAX; i++)
        used += (size_t)snprintf(text + used, 32, "k%d: 1\n", i);
    ck_assert_int_eq(parse(text), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "f:1001:1: too many keys"));
    free(text);
}

TEST(fifo_without_a_writer)
{
    /* a fifo that nobody writes to is waited for without end */
    char path[] = "/tmp/volley-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(path));
    char fifo[64];
    snprintf(fifo, sizeof fifo, "%s/config", path);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert_int_eq(read_file(fifo), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "nothing has come for 5 s"));
    unlink(fifo);
    rmdir(path);
}

TEST(files)
{
    /* a file that cannot be read is taken for an empty one */
    char path[] = "/tmp/volley_test_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "clients: 3\n", 11), 11);
    ck_assert_int_eq(read_file(path), OK);
    ck_entry(0, "clients", "3", 1);
    ck_assert_int_eq(ftruncate(fd, CONFIG_TREE_BYTES_MAX + 1), 0);
    ck_assert_int_eq(read_file(path), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "larger than 1 MB"));
    close(fd);
    unlink(path);
    ck_assert_int_eq(read_file(path), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, path));
    ck_assert_int_eq(read_file("/tmp"), E_CONFIG);
}

TEST_SUITE_WITH(config_file, .tear_down = teardown)
