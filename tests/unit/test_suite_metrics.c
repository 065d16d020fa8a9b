/* metrics.json of a suite: what others do to it while the suite runs, and what is too much for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "orchestrator/suite/record_set.h"
#include "orchestrator/suite/suite_metrics.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct suite_metrics metrics;
static struct err err;
static char told[3000];

static void tell(void *state, const char *text)
{
    (void)state;
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s\n", text);
}

static void set_up(void)
{
    temp_tree_make(&tree);
    err = (struct err){.code = OK};
    ck_assert_int_eq(suite_metrics_open(&metrics, tree.path, tell, NULL, &err), OK);
}

static void tear_down(void)
{
    suite_metrics_close(&metrics);
    temp_tree_remove(&tree);
}

static enum err_code add(const char *name)
{
    json_t *record = json_pack("{s:s}", "command", name);
    err = (struct err){.code = OK};
    told[0] = '\0';
    return suite_metrics_add(&metrics, &record, 1, &err);
}

/* "A B C": what the file's records are called. */
static void ck_file(const char *wanted)
{
    char text[300] = "";
    size_t index;
    const json_t *record;
    json_error_t reason;
    json_t *list = json_load_file(metrics.path, 0, &reason);
    ck_assert_msg(list != NULL, "%s: %s", metrics.path, reason.text);
    json_array_foreach(list, index, record)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", index > 0 ? " " : "",
                 json_string_value(json_object_get(record, "command")));
    ck_assert_str_eq(text, wanted);
    ck_assert_uint_eq(json_array_size(metrics.records), json_array_size(list));
    json_decref(list);
}

static void ck_told(const char *wanted)
{
    ck_assert_msg(strstr(told, wanted) != NULL, "no \"%s\" in: %s", wanted, told);
}

TEST(what_others_wrote_is_kept)
{
    /* breaks when a file that was edited or replaced while the suite runs is overwritten from memory, or that is not told; or when
     * one that nobody touched is */
    ck_assert_int_eq(add("A"), OK);
    ck_assert_int_eq(add("B"), OK);
    ck_assert_str_eq(told, "");
    temp_tree_write(&tree, "/metrics.json", "[{\"command\": \"X\"}, {\"command\": \"B\"}]", 0600);
    ck_assert_int_eq(add("C"), OK);
    ck_file("X B C");
    ck_told("was changed while the suite ran: records are added to what it holds now");
    char other[PATH_MAX];
    snprintf(other, sizeof other, "%s/other", tree.path);
    temp_tree_write(&tree, "/other", "[{\"command\": \"Y\"}]", 0600);
    ck_assert_int_eq(rename(other, metrics.path), 0);
    ck_assert_int_eq(add("D"), OK);
    ck_file("Y D");
    ck_assert_int_eq(add("E"), OK);
    ck_file("Y D E");
    ck_assert_str_eq(told, "");
    ck_assert_int_eq(temp_tree_count(&tree), 1);
}

TEST(what_is_gone_is_written_again)
{
    /* breaks when records are lost because the file was removed or damaged while the suite runs, or the damaged one is lost */
    ck_assert_int_eq(add("A"), OK);
    ck_assert_int_eq(unlink(metrics.path), 0);
    ck_assert_int_eq(add("B"), OK);
    ck_file("A B");
    ck_told("was removed while the suite ran: the records that this suite has in memory are");
    temp_tree_write(&tree, "/metrics.json", "[{\"half\": ", 0600);
    ck_assert_int_eq(add("C"), OK);
    ck_file("A B C");
    ck_told("metrics.json.damaged-1, and the records that this suite has in memory are written");
    ck_assert_int_eq(temp_tree_count(&tree), 2);
}

static void write_records(size_t count)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/metrics.json", tree.path);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "[{\"command\": \"A\"}");
    for (size_t i = 1; i < count; i++)
        fprintf(file, ",{}");
    fprintf(file, "]\n");
    ck_assert_int_eq(fclose(file), 0);
}

static void ck_too_large(enum err_code code, const char *wanted)
{
    ck_assert_int_eq(code, E_USAGE);
    ck_assert_msg(strstr(err.text, wanted) != NULL, "no \"%s\" in: %s", wanted, err.text);
    ck_assert_int_eq(temp_tree_count(&tree), 1);
}

TEST(what_is_too_large_is_not_damaged)
{
    /* breaks when a file with more records or bytes than compare reads is moved aside, begun anew or written, or the limit is not
     * told; or one with just as many is refused */
    write_records(RECORDS_MAX - 1);
    ck_assert_int_eq(add("B"), OK);
    ck_assert_uint_eq(json_array_size(metrics.records), RECORDS_MAX);
    ck_too_large(add("C"), "has more than 100000 records with those of this run, the most");
    ck_assert_uint_eq(json_array_size(metrics.records), RECORDS_MAX);
    err = (struct err){.code = OK};
    ck_too_large(suite_metrics_check_room(&metrics, 1, &err),
                 "more than 100000 records with those that are planned");
    suite_metrics_close(&metrics);
    write_records(RECORDS_MAX + 1);
    err = (struct err){.code = OK};
    ck_too_large(suite_metrics_open(&metrics, tree.path, tell, NULL, &err),
                 "has more than 100000 records, the most that is written or compared");
    suite_metrics_close(&metrics);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/metrics.json", tree.path);
    ck_assert_int_eq(truncate(path, (off_t)RECORD_FILE_BYTES_MAX + 1), 0);
    err = (struct err){.code = OK};
    ck_too_large(suite_metrics_open(&metrics, tree.path, tell, NULL, &err),
                 "has more than 256 MB, the most that is");
    struct record_set set;
    err = (struct err){.code = OK};
    ck_assert_int_eq(record_set_read(&set, tree.path, &err), E_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "has more than 256 MB, the most that is"));
    record_set_free(&set);
}

TEST(a_look_changes_nothing)
{
    /* breaks when a file that is only looked at is moved aside, or records of one that is whole are not seen */
    struct suite_metrics look;
    ck_assert_int_eq(add("A"), OK);
    ck_assert_int_eq(suite_metrics_look(&look, tree.path, tell, NULL, &err), OK);
    ck_assert_uint_eq(json_array_size(look.records), 1);
    suite_metrics_close(&look);
    temp_tree_write(&tree, "/metrics.json", "[{\"half\": ", 0600);
    ck_assert_int_eq(suite_metrics_look(&look, tree.path, tell, NULL, &err), OK);
    ck_assert_uint_eq(json_array_size(look.records), 0);
    suite_metrics_close(&look);
    ck_assert_int_eq(suite_metrics_look(&look, "", tell, NULL, &err), OK);
    ck_assert_uint_eq(json_array_size(look.records), 0);
    suite_metrics_close(&look);
    ck_assert_str_eq(told, "");
    ck_assert_int_eq(temp_tree_count(&tree), 1);
}

TEST(a_verdict_says_why)
{
    /* breaks when a record does not say which checks are RED or AMBER, the worst first, or is too long for compare then */
    json_t *run = json_pack("{s:{s:s, s:[{s:s,s:s,s:s},{s:s,s:s,s:s},{s:s,s:s,s:s}]}}", "verdict",
                            "level", "RED", "checks", "name", "slip", "level", "AMBER", "text",
                            "5 ms", "name", "errors", "level", "GREEN", "text", "none", "name",
                            "misses", "level", "RED", "text", "3 % of reads");
    json_t *record = json_object();
    suite_record_of_run(record, run);
    char *text = json_dumps(json_object_get(record, "verdict_reasons"), JSON_COMPACT);
    ck_assert_str_eq(text, "[\"RED misses: 3 % of reads\",\"AMBER slip: 5 ms\"]");
    free(text);
    json_t *checks = json_object_get(json_object_get(run, "verdict"), "checks");
    char words[600];
    memset(words, 'x', sizeof words);
    words[sizeof words - 1] = '\0';
    for (unsigned i = 0; i < 40; i++)
        json_array_append_new(
            checks, json_pack("{s:s,s:s,s:s}", "name", "more", "level", "AMBER", "text", words));
    suite_record_of_run(record, run);
    text = json_dumps(json_object_get(record, "verdict_reasons"), JSON_COMPACT);
    ck_assert_uint_lt(strlen(text), 4000);
    ck_assert_ptr_nonnull(strstr(text, "\"and 34 more\"]"));
    free(text);
    json_decref(record);
    json_decref(run);
}

TEST_SUITE_WITH(suite_metrics, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
