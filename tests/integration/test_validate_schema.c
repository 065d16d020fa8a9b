/* Every JSON document that the tests before this one have looked at, against the published schema, by
 * another project's validator. Sorted last of the integration tests by its name. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *test_validate_schema_suite(void);

static unsigned count_documents(const char *directory)
{
    unsigned count = 0;
    DIR *list = opendir(directory);
    ck_assert_msg(list != NULL, "cannot read %s", directory);
    for (const struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list))
        count += strstr(entry->d_name, ".json") != NULL;
    closedir(list);
    return count;
}

START_TEST(test_every_document_is_valid)
{
    /* Breaks when volley writes what docs/schema does not describe, in any situation tested. */
    const char *directory = getenv("VOLLEY_PRODUCED");
    if (directory == NULL)
        return; /* the tests were not run by make */
    unsigned documents = count_documents(directory);
    if (getenv("CK_RUN_SUITE") == NULL)
        ck_assert_uint_gt(documents, 100);
    if (documents == 0)
        return;
    char command[1024], output[4096];
    snprintf(command, sizeof command,
             "timeout 100 node tests/support/js/check_files.js schema "
             "docs/schema/volley.run-1.schema.json '%s' 2>&1 | tail -c 4000",
             directory);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t used = fread(output, 1, sizeof output - 1, pipe);
    output[used] = '\0';
    pclose(pipe);
    char expected[64];
    snprintf(expected, sizeof expected, "%u files\n", documents);
    ck_assert_str_eq(output, expected);
}
END_TEST

Suite *test_validate_schema_suite(void)
{
    Suite *suite = suite_create("validate_schema");
    TCase *documents = tcase_create("documents");
    tcase_set_timeout(documents, 120);
    tcase_add_test(documents, test_every_document_is_valid);
    suite_add_tcase(suite, documents);
    return suite;
}
