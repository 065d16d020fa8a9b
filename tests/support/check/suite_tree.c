#include "tests/support/check/suite_tree.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_BYTES (1u << 20)

void suite_tree_make(struct suite_tree *suite)
{
    *suite = (struct suite_tree){.program = {.pid = 0}};
    temp_tree_make(&suite->tree);
    snprintf(suite->results, sizeof suite->results, "%s/results", suite->tree.path);
    snprintf(suite->sources, sizeof suite->sources, "%s/valkey", suite->tree.path);
    snprintf(suite->config, sizeof suite->config, "%s/config.json", suite->tree.path);
    temp_tree_write(&suite->tree, "/valkey/src/server.c", "", 0600);
    program_run_shell(&suite->program, suite->tree.path,
                      "ln -s \"$(command -v valkey-server || command -v redis-server)\" "
                      "valkey/src/valkey-server",
                      0);
    program_free(&suite->program);
}

void suite_tree_remove(struct suite_tree *suite)
{
    program_free(&suite->program);
    temp_tree_remove(&suite->tree);
}

void suite_tree_configure(struct suite_tree *suite, const char *text)
{
    temp_tree_write(&suite->tree, "/config.json", text, 0600);
}

static void start(struct suite_tree *suite, va_list args)
{
    const char *argv[60] = {program_volley(), "suite",        "--config",      suite->config,
                            "--results-dir",  suite->results, "--valkey-path", suite->sources};
    size_t count = 8;
    program_free(&suite->program);
    while (count < sizeof argv / sizeof argv[0] - 1 &&
           (argv[count] = va_arg(args, const char *)) != NULL)
        count++;
    program_start(&suite->program,
                  &(struct program_options){.argv = argv, .environment = suite->environment});
}

void suite_tree_start(struct suite_tree *suite, ...)
{
    va_list args;
    va_start(args, suite);
    start(suite, args);
    va_end(args);
}

void suite_tree_run(struct suite_tree *suite, ...)
{
    va_list args;
    va_start(args, suite);
    start(suite, args);
    va_end(args);
    program_wait(&suite->program);
}

void suite_tree_directory(const struct suite_tree *suite, char path[600])
{
    struct dirent *entry;
    DIR *directory = opendir(suite->results);
    ck_assert_ptr_nonnull(directory);
    path[0] = '\0';
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.') {
            ck_assert_msg(path[0] == '\0', "%s, and %s", path, entry->d_name);
            snprintf(path, 600, "%s/%s", suite->results, entry->d_name);
        }
    closedir(directory);
    ck_assert_str_ne(path, "");
}

json_t *suite_tree_records(const struct suite_tree *suite)
{
    char directory[600], path[700];
    json_error_t error;
    suite_tree_directory(suite, directory);
    snprintf(path, sizeof path, "%s/metrics.json", directory);
    json_t *list = json_load_file(path, 0, &error);
    ck_assert_msg(list != NULL && json_is_array(list), "%s: %s", path, error.text);
    return list;
}

char *suite_tree_read(const char *directory, const char *name)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    char *text = calloc(1, READ_BYTES);
    (void)!fread(text, 1, READ_BYTES - 1, file);
    (void)fclose(file);
    return text;
}

int suite_tree_servers(const struct suite_tree *suite)
{
    char line[700];
    snprintf(line, sizeof line, "pgrep -f '%s/src/[v]alkey-server' | wc -l", suite->sources);
    FILE *out = popen(line, "r");
    int count = -1;
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(fscanf(out, "%d", &count), 1);
    (void)pclose(out);
    return count;
}

const char *suite_tree_text(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));
    ck_assert_msg(text != NULL, "no text %s", key);
    return text;
}

double suite_tree_number(const json_t *record, const char *key)
{
    ck_assert_msg(json_is_number(json_object_get(record, key)), "no number %s", key);
    return json_number_value(json_object_get(record, key));
}

void suite_tree_check_figures(const json_t *record)
{
    ck_assert_double_gt(suite_tree_number(record, "rps"), 0);
    ck_assert_double_gt(suite_tree_number(record, "min_latency_ms"), 0);
    ck_assert_double_le(suite_tree_number(record, "min_latency_ms"),
                        suite_tree_number(record, "p50_latency_ms"));
    ck_assert_double_le(suite_tree_number(record, "p50_latency_ms"),
                        suite_tree_number(record, "p95_latency_ms"));
    ck_assert_double_le(suite_tree_number(record, "p95_latency_ms"),
                        suite_tree_number(record, "p99_latency_ms"));
    ck_assert_double_le(suite_tree_number(record, "p99_latency_ms"),
                        suite_tree_number(record, "max_latency_ms"));
    ck_assert_double_le(suite_tree_number(record, "avg_latency_ms"),
                        suite_tree_number(record, "max_latency_ms"));
}
