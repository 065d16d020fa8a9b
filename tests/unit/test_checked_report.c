/* What --verify has found, in words, in JSON and back. */
#include <stdio.h>
#include <string.h>

#include "orchestrator/report/checked_report.h"
#include "tests/support/check/suite.h"

static const struct {
    struct checked_finding finding;
    const char *kind, *key, *expected, *got;
} rows[] = {
    {{.kind = CHECKED_LOST,
      .key = "key:1",
      .key_bytes = 5,
      .expected_least = 7,
      .expected_most = 7,
      .reading = VALUE_MISSING},
     "lost write",
     "key:1",
     "version 7",
     "nothing"},
    {{.kind = CHECKED_STALE,
      .key = "a\1\\",
      .key_bytes = 3,
      .expected_least = 7,
      .expected_most = 1234,
      .reading = VALUE_WHOLE,
      .version = 5,
      .value_bytes = 3000},
     "stale",
     "a\\x01\\x5c",
     "version 7 to 1,234",
     "version 5 of 3,000 bytes"},
    {{.kind = CHECKED_CORRUPTED,
      .key = "k",
      .key_bytes = 1,
      .reading = VALUE_MALFORMED,
      .fault = CHECKED_SHORT,
      .value_bytes = 3},
     "corrupted",
     "k",
     "version 0",
     "3 bytes, too few for any version"},
    {{.kind = CHECKED_CORRUPTED,
      .key = "k",
      .key_bytes = 1,
      .reading = VALUE_MALFORMED,
      .fault = CHECKED_HEADER,
      .value_bytes = 30},
     "corrupted",
     "k",
     "version 0",
     "30 bytes that are no value of this key"},
    {{.kind = CHECKED_CORRUPTED,
      .key = "k",
      .key_bytes = 1,
      .reading = VALUE_MALFORMED,
      .fault = CHECKED_BODY,
      .value_bytes = 30,
      .version = 2,
      .fault_at = 9,
      .expected = 0x41,
      .got = 0x42},
     "corrupted",
     "k",
     "version 0",
     "version 2 of 30 bytes, byte 9 of which is 0x42 instead of 0x41"},
    {{.kind = CHECKED_CORRUPTED, .key = "k", .key_bytes = 1, .reading = VALUE_MALFORMED},
     "corrupted",
     "k",
     "version 0",
     "a reply that is no string"},
};
#define ROWS (sizeof rows / sizeof rows[0])

TEST(test_findings_in_words)
{
    /* Breaks when a report does not say which value was wrong, and how. */
    for (size_t i = 0; i < ROWS; i++) {
        struct checked_shown shown;
        checked_finding_show(&shown, &rows[i].finding);
        ck_assert_str_eq(shown.kind, rows[i].kind);
        ck_assert_str_eq(shown.key, rows[i].key);
        ck_assert_str_eq(shown.expected, rows[i].expected);
        ck_assert_str_eq(shown.got, rows[i].got);
    }
}

TEST(test_long_keys_are_cut)
{
    /* Breaks when a key that is longer than what is kept of it is shown as if it was whole, or runs over its room. */
    struct checked_finding finding = {.key_bytes = 300};
    struct checked_shown shown;
    memset(finding.key, '\xff', sizeof finding.key);
    checked_finding_show(&shown, &finding);
    ck_assert_uint_eq(strlen(shown.key), 4 * CHECKED_KEY_SHOWN + 3);
    ck_assert_str_eq(shown.key + 4 * CHECKED_KEY_SHOWN, "...");
}

TEST(test_journals_keep_findings)
{
    /* Breaks when a report that is made of a journal has other findings, or a damaged record is believed. */
    static struct checked_report report, again;
    report = (struct checked_report){.known = true, .counts = {3, 0, 1}, .may_go = true};
    for (size_t i = 0; i < ROWS; i++)
        checked_finding_show(&report.findings[report.finding_count++], &rows[i].finding);
    json_t *json = checked_report_to_json(&report);
    ck_assert(checked_report_from_json(&again, json));
    json_t *same = checked_report_to_json(&again);
    ck_assert(json_equal(json, same));
    json_decref(same);
    json_object_set_new(json, "stale", json_integer(-1));
    ck_assert(!checked_report_from_json(&again, json));
    json_object_set_new(json, "stale", json_integer(0));
    json_t *first = json_object_get(json, "first");
    json_object_del(json_array_get(first, 0), "key");
    ck_assert(!checked_report_from_json(&again, json));
    json_array_clear(first);
    for (uint32_t i = 0; i <= CHECKED_FINDINGS_MAX; i++)
        json_array_append_new(first, json_object());
    ck_assert(!checked_report_from_json(&again, json));
    json_decref(json);
    ck_assert(checked_report_from_json(&again, NULL));
    ck_assert(!again.known);
    ck_assert_ptr_null(checked_report_to_json(&again));
}

TEST_SUITE(checked_report)
