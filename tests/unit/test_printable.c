/* Words from outside on a terminal: shown, and not obeyed. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/sinks.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static const struct {
    const char *text, *line;
} cases[] = {
    {"GET", "GET"},
    {"a\33[2Jb\7\177", "a [2Jb  "},
    {"one\ntwo\r\tthree", "one two  three"},
    {"\302\233m\302\200\302\237", "  m    "},              /* control characters of two bytes */
    {"\233m\200\377", "?m??"},                             /* the same as single bytes        */
    {"gr\303\274n \342\202\254 \360\237\230\200 \302\240", /* whole characters stay         */
     "gr\303\274n \342\202\254 \360\237\230\200 \302\240"},
    {"a\342\200\256b\342\201\251c\330\234d", "a   b   c  d"}, /* the direction of text */
    {"\342\200\223\342\201\252\330\233", "\342\200\223\342\201\252\330\233"},
    {"\303", "?"}, /* cut short                       */
    {"\342\202", "??"},
    {"\300\233 \340\202\233 \355\240\200", "?? ??? ???"}, /* too long for what they mean     */
};

LOOP_TEST(control_characters_and_no_utf8, sizeof cases / sizeof cases[0])
{
    /* Breaks when a byte gets through that a terminal takes for an order, or a letter is lost. */
    char text[64];
    snprintf(text, sizeof text, "%s", cases[_i].text);
    ck_assert_str_eq(printable_line(text), cases[_i].line);
    ck_assert_str_eq(PRINTABLE(cases[_i].text), cases[_i].line);
}

TEST(breaks_may_stay)
{
    /* Breaks when a whole report becomes one line, or its lines hold orders. */
    char text[] = "a\n\tb\r\33c";
    ck_assert_str_eq(printable_lines(text), "a\n\tb  c");
}

TEST(json_holds_no_orders)
{
    /* Breaks when JSON on a terminal holds a control character as it is, or is another text for those who
     * read it. */
    static const char words[] = "a\33\177b\302\233\302\240\303\237\302\200";
    char *text = NULL;
    size_t bytes = 0;
    struct output output;
    FILE *out = open_memstream(&text, &bytes);
    json_t *value = json_pack("[s]", words);
    output_borrow(&output, out);
    ck_assert(json_value_write(&output, value, 0));
    fclose(out);
    output_discard(&output);
    ck_assert_str_eq(text, "[\"a\\u001B\\u007Fb\\u009B\302\240\303\237\\u0080\"]");
    json_t *read_back = json_loads(text, 0, NULL);
    ck_assert(json_equal(value, read_back));
    json_decref(value);
    json_decref(read_back);
    free(text);
}

/* ---- what sinks print ---- */

#define HOSTILE "\33]0;x\7\nnext\302\233\233"
#define HARMLESS " ]0;x  next  ?"

static struct sink make_sink(FILE *out, int kind)
{
    struct sink sink;
    struct err err = {.code = OK};
    struct valkey_report report = {.style = kind == 3   ? TEXT_REPORT
                                            : kind == 4 ? TEXT_QUIET
                                                        : TEXT_CSV};
    enum err_code code = kind < 3 ? sink_text(&sink, out,
                                              kind == 0   ? TEXT_REPORT
                                              : kind == 1 ? TEXT_QUIET
                                                          : TEXT_CSV,
                                              false, &err)
                                  : sink_valkey_benchmark(&sink, out, &report, &err);
    ck_assert_msg(code == OK, "%s", err.text);
    return sink;
}

static void play(struct timeline *timeline, uint32_t errors)
{
    struct err err = {.code = OK};
    struct run_facts facts = fixture_facts();
    struct note note = {.text = "kill " HOSTILE, .cause = HOSTILE};
    struct interval_row *row = fixture_row(0);
    struct run_result *result = fixture_result();
    snprintf(facts.name, sizeof facts.name, "=SET " HOSTILE);
    snprintf(facts.target, sizeof facts.target, "at " HOSTILE);
    fixture_answer(row, 1000000, 20);
    timeline_run_begin(timeline, &facts);
    if (errors > 0) {
        fixture_kind(timeline, "ERR" HOSTILE, "ERR" HOSTILE " more");
        fixture_refuse(row, 0, 1000000, errors);
    }
    ck_assert_msg(timeline_interval(timeline, row, &err) == OK, "%s", err.text);
    timeline_note(timeline, &note);
    timeline_run_end(timeline, result);
    free(result);
    free(row);
}

LOOP_TEST(reports_hold_no_orders, 6)
{
    /* Breaks when a name, a target, an error or a note of a run prints what a terminal obeys, or begins
     * a line of its own; or when a spreadsheet takes a name for a formula. */
    static const char *const parts[] = {
        "Command: =SET " HARMLESS "\n",      "=SET " HARMLESS ": ", "\n\"'=SET " HARMLESS "\",\"",
        "====== =SET " HARMLESS " ======\n", "=SET " HARMLESS ": ", "\n\"'=SET " HARMLESS "\",\""};
    static const char *const of_report[] = {
        "Target: at " HARMLESS "\n", "\nERR" HARMLESS ": 3 (first: ERR" HARMLESS " more)\n",
        ": kill " HARMLESS ": failed after ", ": " HARMLESS "\n"};
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    struct timeline timeline;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    timeline_add(&timeline, make_sink(out, _i));
    timeline_session_begin(&timeline, &session);
    play(&timeline, _i < 3 ? 3 : 0); /* the other tool reports no run that failed */
    timeline_session_end(&timeline);
    timeline_destroy(&timeline);
    fclose(out);
    ck_assert_msg(strstr(text, parts[_i]) != NULL, "'%s' is not in: %s", parts[_i], text);
    ck_assert_ptr_null(strpbrk(text, "\33\7\233"));
    ck_assert_ptr_null(strstr(text, "\nnext"));
    for (size_t i = 0; i < sizeof of_report / sizeof of_report[0] && _i == 0; i++)
        ck_assert_msg(strstr(text, of_report[i]) != NULL, "'%s' is not in: %s", of_report[i], text);
    free(text);
    fixture_session_free(&session);
}

static void expect_cell(const char *text, const char *cell)
{
    struct printed printed;
    printed_begin(&printed);
    output_csv_text(&printed.out, text);
    char *written = printed_end(&printed);
    ck_assert_str_eq(written, cell);
    free(written);
}

TEST(text_cells)
{
    /* Breaks when a cell ends early, or is a formula for a spreadsheet. */
    expect_cell("", "\"\"");
    expect_cell("SET \"a\", b", "\"SET \"\"a\"\", b\"");
    expect_cell("=1+1", "\"'=1+1\"");
    expect_cell("+1", "\"'+1\"");
    expect_cell("-1", "\"'-1\"");
    expect_cell("@a", "\"'@a\"");
    expect_cell("a=1 gr\303\274n\n", "\"a=1 gr\303\274n \"");
}

TEST_SUITE(printable)
