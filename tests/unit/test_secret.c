/* Passwords in memory and in other people's words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "tests/support/check/suite.h"

TEST(test_wipe)
{
    /* Breaks when a password stays readable in memory that anybody can look at. */
    char text[] = "hunter2";
    secret_wipe(text);
    ck_assert_str_eq(text, "*******");
    secret_wipe(NULL);
}

/* Whether the flags of the mapping that holds an address have "dd": not in core dumps. */
static bool is_kept_out_of_dumps(const void *memory)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[512];
    bool here = false, kept_out = false;
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        char *end;
        unsigned long from = strtoul(line, &end, 16);
        if (*end == '-') {
            unsigned long to = strtoul(end + 1, &end, 16);
            here = from <= (unsigned long)memory && (unsigned long)memory < to;
        } else if (here && strncmp(line, "VmFlags:", 8) == 0) {
            kept_out = strstr(line, " dd") != NULL;
        }
    }
    fclose(maps);
    return kept_out;
}

TEST(test_memory)
{
    /* Breaks when a core dump holds a password, or memory for one is too small or not zeroed. */
    char *copy = secret_copy("hunter2");
    char *large = secret_alloc(100000);
    ck_assert_str_eq(copy, "hunter2");
    ck_assert(is_kept_out_of_dumps(copy));
    ck_assert(is_kept_out_of_dumps(large + 99999));
    ck_assert_int_eq(large[99999], 0);
    large[99999] = 'x';
    secret_free(copy);
    secret_free(large);
    secret_free(NULL);
}

TEST(test_mask)
{
    /* Breaks when the words of others show a password: elsewhere than at its beginning, in another case, in
     * parts, cut; or when ordinary words are taken for a short one. */
    static const struct {
        const char *password, *text, *masked;
    } cases[] = {
        {"correct-Horse-battery", "ERR correct-Horse-battery is it", "ERR *** is it"},
        {"correct-Horse-battery", "ERR CORRECT-hORSE-BATTERY", "ERR ***"},
        {"correct-Horse-battery", "ERR it ends in -battery.", "ERR it ends in ***."},
        {"correct-Horse-battery", "ERR battery", "ERR battery"},
        {"correct-Horse-battery", "no orse-batt, nor t-horse-b", "no ***, nor ***"},
        {"correct-Horse-battery", "ERR cut to corre", "ERR cut to ***"},
        {"correct-Horse-battery", "ERR cut to cor", "ERR cut to cor"},
        {"correct-Horse-battery", "ERR corre stands within", "ERR corre stands within"},
        {"correct-Horse-battery", "correct-Horse-batterycorrect-Horse-battery", "******"},
        {"aaaaaaaaaa", "x aaaaaaaaaaaaaaaaaaaaaaaa", "x *********"},
        {"secret", "ERR no SECRET", "ERR no ***"},
        {"wrong", "WRONGPASS is 'wrong'", "WRONGPASS is '***'"},
        {"secret", "ERR secre t", "ERR secre t"},
        {"secret", "ERR secr", "ERR ***"},
        {"e", "ERR some e here, 'E'", "ERR some * here, '*'"},
        {"pw", "ERR pwd pw", "ERR pwd **"},
        {"12345678", "ERR 12345678", "ERR ***"},
        {"", "ERR", "ERR"},
        {NULL, "ERR", "ERR"},
        {"hunter2-hunter2", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", cases[i].text);
        bool found = secret_mask(text, cases[i].password);
        ck_assert_str_eq(text, cases[i].masked);
        ck_assert_int_eq(found, strcmp(cases[i].text, cases[i].masked) != 0);
    }
}

TEST(test_reply)
{
    /* Breaks when arguments that a server repeats are shown, or a reply of megabytes takes minutes. */
    char words[] = "ERR unknown command 'AUTH', with args beginning with: 'pa' ";
    secret_mask_reply(words, NULL);
    secret_mask_reply(words, "");
    ck_assert_uint_eq(strlen(words), sizeof words - 1);
    secret_mask_reply(words, "a password");
    ck_assert_str_eq(words, "ERR unknown command 'AUTH'");
    const size_t long_bytes = 1u << 20;
    char *endless = malloc(long_bytes + 1);
    ck_assert_ptr_nonnull(endless);
    memset(endless, 'a', long_bytes);
    endless[long_bytes] = '\0';
    secret_mask_reply(endless, "bbbbbbbbb");
    ck_assert_uint_le(strlen(endless), 4096);
    free(endless);
}

TEST_SUITE(secret)
