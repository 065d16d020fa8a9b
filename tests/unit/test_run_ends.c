/* What is said of a run whose rate or end was not the one that was planned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

/* 4 s of an open loop with 6,000 requests due, all of them answered. */
static struct run_facts facts;
static struct interval_row *row;
static struct run_result *result;

static void set_up(void)
{
    facts = fixture_open_facts();
    row = fixture_row(0);
    row->header.end_ns = 4 * NS_PER_SECOND;
    fixture_answer_at(row, 100000, 1000, 6000);
    row->counters[COUNTER_DUE] = 6000;
    result = fixture_result();
    result->seconds = result->due_seconds = 4;
}

static void tear_down(void)
{
    free(row);
    free(result);
}

/* The report of that run, the caller's; as JSON when json is not NULL, whose runs[0] it then is. */
static char *report(json_t **json)
{
    char *directory = fixture_directory(), path[200], *text = NULL;
    size_t bytes = 0;
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    snprintf(path, sizeof path, "%s/run.json", directory);
    ck_assert_int_eq(json != NULL ? sink_json(&sink, path, OUTPUT_NAMED, &err)
                                  : sink_text(&sink, out, TEXT_REPORT, false, &err),
                     OK);
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    ck_assert_msg(timeline_interval(&timeline, row, &err) == OK, "%s", err.text);
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    fclose(out);
    if (json != NULL) {
        char *whole = fixture_read_file(directory, "run.json", &bytes);
        json_t *root = json_loads(whole, 0, NULL);
        *json = json_incref(json_array_get(json_object_get(root, "runs"), 0));
        ck_assert_ptr_nonnull(*json);
        json_decref(root);
        free(whole);
    }
    fixture_remove(directory);
    return text;
}

static void expect_text(const char *part, bool there)
{
    char *text = report(NULL);
    ck_assert_msg((strstr(text, part) != NULL) == there, "%s: %s", part, text);
    free(text);
}

static double rate_figure(const json_t *run, const char *key)
{
    return json_number_value(json_object_get(json_object_get(run, "rate"), key));
}

TEST(the_target_is_what_was_asked)
{
    /* Breaks when the target of an interrupted run, or of Poisson arrivals, is the number of requests that
     * happened to fall due by the time that they happened to have. */
    json_t *run;
    result->target_rate = 1499.5;
    free(report(&run));
    ck_assert_double_eq(rate_figure(run, "target"), 1499.5);
    ck_assert_double_eq(rate_figure(run, "changes"), 0);
    json_decref(run);
    expect_text("Target rate: 1,499.50 per second\n", true);
    expect_text("(100.03% of the target)", true);
    result->target_rate = 1600; /* of Poisson arrivals */
    expect_text("Target rate: 1,600.00 per second\n"
                "Achieved rate: 1,500.00 per second (100.00% of what fell due)\n",
                true);
}

TEST(a_changed_rate_has_no_one_target)
{
    /* Breaks when a rate that was changed over the control socket has a target that nobody asked for, its
     * parts' mean, or the last one is told as that of the whole run, or text and JSON mean different things by it. */
    json_t *run;
    result->target_rate = 4000;
    result->rate_changes = 2;
    free(report(&run));
    ck_assert_double_eq(rate_figure(run, "target"), 4000);
    ck_assert_double_eq(rate_figure(run, "changes"), 2);
    json_decref(run);
    expect_text("Target rate: changed 2 times, 4,000.00 per second at the end; on average 1,500.00 "
                "fell due\n"
                "Achieved rate: 1,500.00 per second (100.00% of what fell due)\n",
                true);
    row->header.backlog_after = 600;
    row->counters[COUNTER_DUE] = 6600;
    expect_text("Target not reached: 91 % of what fell due sent, ", true);
    expect_text("% of what fell due sent   (limit: 99 %", true);
    result->target_rate = 0; /* a pause */
    result->rate_changes = 1;
    expect_text(
        "Target rate: changed 1 time, 0.00 per second at the end; on average 1,650.00 fell due\n",
        true);
}

TEST(a_stop_is_told)
{
    /* Breaks when a run that somebody ended early looks in the report or in run.json as if it had come to its
     * end. */
    json_t *run;
    expect_text("Stopped:", false);
    result->stopped = true;
    result->stopped_by = NOTE_BY_PAGE;
    snprintf(result->status_text, sizeof result->status_text,
             "stopped at the page after 4.0 s of 10.0 s");
    free(report(&run));
    ck_assert(json_is_true(json_object_get(run, "stopped_by_ctl")));
    ck_assert(json_is_false(json_object_get(run, "interrupted")));
    ck_assert_str_eq(json_string_value(json_object_get(run, "stopped_by")), "page");
    json_decref(run);
    expect_text("Stopped: at the page, before its end\n"
                "Status: stopped at the page after 4.0 s of 10.0 s\n",
                true);
    result->stopped_by = -1; /* of an older journal */
    expect_text("Stopped: by ctl, before its end\n", true);
    facts.prefill = true;
    result->stopped_by = NOTE_BY_TERMINAL;
    expect_text(", stopped at the terminal\nStatus: stopped at the page after 4.0 s of 10.0 s\n",
                true);
}

TEST_SUITE_WITH(run_ends, .set_up = set_up, .tear_down = tear_down)
