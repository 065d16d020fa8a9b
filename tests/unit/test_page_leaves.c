#include <jansson.h>
#include <stdio.h>

#include "orchestrator/page/page_leaves.h"
#include "tests/support/check/suite.h"

static json_t *tree_of(const char *text)
{
    json_t *tree = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(tree);
    return tree;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

TEST(paths_and_texts)
{
    /* breaks when a value within a value is shown under another name, or a list is lost */
    json_t *tree =
        tree_of("{\"a\": {\"b\": [1, \"x\", {}], \"c\": null}, \"d\": true, \"e\": 0.25}");
    json_t *leaves = page_leaves(tree);
    ck_assert_uint_eq(json_object_size(leaves), 3);
    ck_assert_str_eq(text_at(leaves, "a.b"), "1 x ...");
    ck_assert_str_eq(text_at(leaves, "d"), "yes");
    ck_assert_str_eq(text_at(leaves, "e"), "0.25");
    json_decref(leaves);
    json_decref(tree);
}

TEST(what_differs)
{
    /* breaks when an option that differs is not told, one that is the same is, or what always differs hides the rest */
    json_t *trees[] = {
        tree_of(
            "{\"option\": {\"qps\": \"10k\", \"clients\": 50, \"out\": \"a\"}, \"environment\": "
            "{\"server\": {\"run_id\": \"1\"}}}"),
        tree_of("{\"option\": {\"qps\": \"10k\", \"clients\": 60, \"out\": \"b\", \"tls\": true}, "
                "\"environment\": {\"server\": {\"run_id\": \"2\"}}}")};
    const char *const names[] = {"one", "two"};
    json_t *rows = page_leaves_differing(trees, names, 2);
    ck_assert_uint_eq(json_array_size(rows), 2);
    ck_assert_str_eq(text_at(json_array_get(rows, 0), "what"), "option.clients");
    ck_assert_str_eq(text_at(json_array_get(rows, 0), "two"), "60");
    ck_assert_str_eq(text_at(json_array_get(rows, 1), "what"), "option.tls");
    ck_assert_str_eq(text_at(json_array_get(rows, 1), "one"), "");
    json_decref(rows);
    json_decref(trees[0]);
    json_decref(trees[1]);
}

TEST(deep_and_many)
{
    /* breaks when a document that is not volley's own costs the stack, or a page without end */
    json_t *deep = json_object(), *many = json_object();
    for (int i = 0; i < 1000; i++) {
        json_t *outer = json_object();
        json_object_set_new(outer, "a", deep);
        deep = outer;
    }
    for (int i = 0; i < 5000; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        json_object_set_new(many, key, json_integer(i));
    }
    json_t *of_deep = page_leaves(deep), *of_many = page_leaves(many);
    ck_assert_uint_le(json_object_size(of_deep), 1);
    ck_assert_uint_eq(json_object_size(of_many), PAGE_LEAVES_MAX);
    json_decref(of_deep);
    json_decref(of_many);
    json_decref(deep);
    json_decref(many);
}

TEST_SUITE(page_leaves)
