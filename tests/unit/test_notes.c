/* What was done and found out while a run was under way, on its way into the outputs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/report/journal_format.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static const struct note done = {.at_ns = 1500 * NS_PER_MS,
                                 .end_ns = 1750 * NS_PER_MS,
                                 .ok = true,
                                 .text = "kill node 2 (port 7002)"};
static const struct note failed = {.at_ns = 2 * NS_PER_SECOND,
                                   .end_ns = 2 * NS_PER_SECOND,
                                   .text = "failover node \"1\"",
                                   .cause = "no replica answers"};

static const struct note steered = {.source = NOTE_CTL,
                                    .at_ns = 2500 * NS_PER_MS,
                                    .end_ns = 2500 * NS_PER_MS,
                                    .ok = true,
                                    .text = "rate 500/s"};

static const struct note sampled = {.source = NOTE_SAMPLE,
                                    .at_ns = 2600 * NS_PER_MS,
                                    .end_ns = 2601 * NS_PER_MS,
                                    .ok = true,
                                    .known = 1u << NOTE_KEYS | 1u << NOTE_LAG_BYTES,
                                    .values = {[NOTE_KEYS] = INT64_MAX}};

static bool same(const struct note *a, const struct note *b)
{
    return a->source == b->source && a->at_ns == b->at_ns && a->end_ns == b->end_ns &&
           a->ok == b->ok && strcmp(a->text, b->text) == 0 && strcmp(a->cause, b->cause) == 0 &&
           a->known == b->known && memcmp(a->values, b->values, sizeof a->values) == 0;
}

LOOP_TEST(through_the_journal, 4)
{
    /* Breaks when a replay tells something else than the run did. */
    const struct note *const notes[] = {&done, &failed, &steered, &sampled};
    struct note read;
    bool unknown = false;
    struct err err = {.code = OK};
    json_t *json = journal_note_to_json(notes[_i]);
    ck_assert_ptr_nonnull(json);
    ck_assert_msg(journal_note_from_json(&read, &unknown, json, &err) == OK, "%s", err.text);
    ck_assert(same(&read, notes[_i]));
    ck_assert(!unknown);
    json_decref(json);
}

LOOP_TEST(damaged_records, 7)
{
    /* Breaks when a record that is no event is told as one, or its end comes before its begin. */
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"at_ns\": 5, \"end_ns\": 4, \"ok\": true, \"text\": \"x\", \"cause\": \"\"}",
        "{\"at_ns\": -1, \"end_ns\": 4, \"ok\": true, \"text\": \"x\", \"cause\": \"\"}",
        "{\"at_ns\": 1, \"end_ns\": 4, \"ok\": 1, \"text\": \"x\", \"cause\": \"\"}",
        "{\"at_ns\": 1, \"end_ns\": 4, \"ok\": true, \"text\": null, \"cause\": \"\"}",
        "{\"at_ns\":1,\"end_ns\":4,\"ok\":true,\"text\":\"\",\"cause\":\"\",\"source\":7}",
    };
    struct note read;
    bool unknown = false;
    struct err err = {.code = OK};
    json_t *json = json_loads(texts[_i], 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_int_eq(journal_note_from_json(&read, &unknown, json, &err), E_DATA);
    json_decref(json);
}

TEST(of_an_older_journal)
{
    /* Breaks when a journal from before the changes of a rate were events cannot be read any more. */
    struct note read;
    bool unknown = false;
    struct err err = {.code = OK};
    json_t *json = journal_note_to_json(&done);
    ck_assert_int_eq(json_object_del(json, "source"), 0);
    ck_assert_msg(journal_note_from_json(&read, &unknown, json, &err) == OK, "%s", err.text);
    ck_assert(same(&read, &done));
    json_decref(json);
}

TEST(values_of_a_newer_journal)
{
    /* Breaks when a value that a later version tells hides those that this one knows, or is left out in
     * silence. */
    struct note read;
    bool unknown = false;
    struct err err = {.code = OK};
    json_t *json = journal_note_to_json(&sampled);
    json_object_set_new(json_object_get(json, "values"), "heat", json_real(36.6));
    ck_assert_msg(journal_note_from_json(&read, &unknown, json, &err) == OK, "%s", err.text);
    ck_assert(unknown);
    ck_assert(same(&read, &sampled));
    json_object_set_new(json_object_get(json, "values"), "keys", json_string("1"));
    ck_assert_int_eq(journal_note_from_json(&read, &unknown, json, &err), E_DATA);
    json_decref(json);
}

/* A run of no rows with all of these events. */
static char *report(bool as_json)
{
    char *directory = fixture_directory(), path[200], *text = NULL;
    size_t bytes = 0;
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    struct run_facts facts = fixture_facts();
    facts.warmup_ns = NS_PER_SECOND;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    snprintf(path, sizeof path, "%s/run.json", directory);
    ck_assert_int_eq(as_json ? sink_json(&sink, path, OUTPUT_NAMED, &err)
                             : sink_text(&sink, out, TEXT_REPORT, false, &err),
                     OK);
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    timeline_note(&timeline, &done);
    timeline_note(&timeline, &steered);
    timeline_note(&timeline, &failed);
    timeline_note(&timeline, &sampled);
    struct run_result *result = fixture_result();
    timeline_run_end(&timeline, result);
    ck_assert_uint_eq(result->notes->count, 3);
    ck_assert_uint_eq(result->samples->count, 1);
    timeline_session_end(&timeline);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    free(result);
    fclose(out);
    if (as_json) {
        free(text);
        text = fixture_read_file(directory, "run.json", &bytes);
    }
    fixture_remove(directory);
    return text;
}

TEST(in_the_report)
{
    /* Breaks when the report's times are not those of the file of actions: since measuring began; or
     * when a rate that somebody has changed leaves no trace. */
    char *text = report(false);
    ck_assert_ptr_nonnull(
        strstr(text, "Done to the target:\n"
                     "  at 0.500 s: kill node 2 (port 7002): done after 0.250 s\n"
                     "  at 1.000 s: failover node \"1\": failed after 0.000 s: no replica answers\n"
                     "\nChanges of the load:\n"
                     "  at 1.500 s: rate 500/s\n"));
    free(text);
}

TEST(in_the_json)
{
    /* Breaks when programs cannot tell what was done, when, and whether it worked. */
    char *text = report(true);
    json_t *root = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(root);
    json_t *run = json_array_get(json_object_get(root, "runs"), 0);
    json_t *events = json_object_get(run, "events");
    ck_assert_uint_eq(json_array_size(events), 3);
    const json_t *first = json_array_get(events, 0), *second = json_array_get(events, 2);
    const json_t *changed = json_array_get(events, 1);
    ck_assert_str_eq(json_string_value(json_object_get(first, "source")), "chaos");
    ck_assert_str_eq(json_string_value(json_object_get(changed, "source")), "ctl");
    ck_assert_str_eq(json_string_value(json_object_get(changed, "text")), steered.text);
    ck_assert_double_eq(json_number_value(json_object_get(changed, "at_seconds")), 2.5);
    ck_assert_double_eq(json_number_value(json_object_get(first, "at_seconds")), 1.5);
    ck_assert_double_eq(json_number_value(json_object_get(first, "seconds")), 0.25);
    ck_assert_str_eq(json_string_value(json_object_get(first, "text")), done.text);
    ck_assert(json_is_null(json_object_get(first, "cause")));
    ck_assert(json_is_false(json_object_get(second, "ok")));
    ck_assert_str_eq(json_string_value(json_object_get(second, "cause")), failed.cause);
    json_decref(root);
    free(text);
}

TEST(no_end_of_them)
{
    /* Breaks when more events than there is room for are written behind it, or those of one kind take
     * the room of the other. */
    struct timeline *timeline = calloc(1, sizeof *timeline);
    struct run_facts facts = fixture_facts();
    struct err err = {.code = OK};
    ck_assert_ptr_nonnull(timeline);
    ck_assert_int_eq(timeline_init(timeline, &err), OK);
    timeline_run_begin(timeline, &facts);
    for (uint32_t i = 0; i < RUN_NOTES_MAX + 10; i++)
        timeline_note(timeline, &done);
    ck_assert_uint_eq(timeline->notes.count, RUN_NOTES_MAX);
    for (uint32_t i = 0; i < RUN_NOTES_MAX + 10; i++)
        timeline_note(timeline, &steered);
    ck_assert_uint_eq(timeline->notes.count, 2 * RUN_NOTES_MAX);
    ck_assert_uint_eq(timeline->notes.all[NOTE_CTL], RUN_NOTES_MAX + 10);
    timeline_run_begin(timeline, &facts);
    ck_assert_uint_eq(timeline->notes.count, 0);
    ck_assert_uint_eq(timeline->notes.all[NOTE_CTL], 0);
    timeline_destroy(timeline);
    free(timeline);
}

TEST_SUITE(notes)
