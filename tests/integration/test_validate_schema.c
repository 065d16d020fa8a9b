/* Every JSON document that the tests before this one have looked at, against the published schema, by
 * another project's validator. Sorted last of the integration tests by its name. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/suite.h"

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

/* Where the documents of a schema are kept, and how many there are at least in a run of all tests. */
static const struct {
    const char *directory, *schema;
    unsigned least;
} kinds[] = {
    {".", "volley.run-1", 100},
    {"find-max", "volley.find-max-1", 4},
    {"sweep", "volley.sweep-1", 3},
    {"load-test", "volley.load-test-1", 3},
    {"verify", "volley.verify-1", 1},
    {"comparison", "volley.comparison-1", 4},
    {"diagnosis", "volley.diagnosis-1", 10},
    {"compare-modes", "volley.compare-modes-1", 5},
    {"optimize", "volley.optimize-1", 4},
};

LOOP_TEST(test_every_document_is_valid, sizeof kinds / sizeof kinds[0])
{
    /* Breaks when volley writes what docs/schema does not describe, in any situation tested. */
    const char *produced = getenv("VOLLEY_PRODUCED");
    if (produced == NULL)
        return; /* the tests were not run by make */
    char directory[512];
    snprintf(directory, sizeof directory, "%s/%s", produced, kinds[_i].directory);
    bool all = getenv("CK_RUN_SUITE") == NULL;
    unsigned documents = all || access(directory, F_OK) == 0 ? count_documents(directory) : 0;
    if (all)
        ck_assert_uint_ge(documents, kinds[_i].least);
    if (documents == 0)
        return;
    char command[1024], output[4096];
    snprintf(command, sizeof command,
             "timeout 100 node tests/support/js/check_files.js schema "
             "docs/schema/%s.schema.json '%s' 2>&1 | tail -c 4000",
             kinds[_i].schema, directory);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t used = fread(output, 1, sizeof output - 1, pipe);
    output[used] = '\0';
    pclose(pipe);
    char expected[64];
    snprintf(expected, sizeof expected, "%u files\n", documents);
    ck_assert_str_eq(output, expected);
}

TEST_SUITE_WITH(validate_schema, .timeout_seconds = 120)
