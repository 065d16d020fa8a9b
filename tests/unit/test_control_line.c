#include <stdlib.h>
#include <string.h>

#include "common/schedule.h"
#include "orchestrator/fleet/control_line.h"
#include "tests/support/check/suite.h"

static const struct {
    const char *line;
    enum control_action action;
    uint64_t rate_micro;
} good[] = {
    {"{\"rate\": 20000}", CONTROL_RATE, 20000 * SCHEDULE_MICRO},
    {"{\"rate\":0.5}\r", CONTROL_RATE, SCHEDULE_MICRO / 2},
    {" { \"rate\" : 1e3 } ", CONTROL_RATE, 1000 * SCHEDULE_MICRO},
    {"{\"rate\": 0.000001}", CONTROL_RATE, 1},
    {"{\"rate\": 100000000}", CONTROL_RATE, SCHEDULE_RATE_MAX_MICRO},
    {"{\"rate\": 99999999.999999}", CONTROL_RATE, SCHEDULE_RATE_MAX_MICRO - 1},
    {"{\"pause\": true}", CONTROL_PAUSE, 0},
    {"{\"pause\": false}", CONTROL_RESUME, 0},
    {"{\"stop\": true}", CONTROL_STOP, 0},
    {"{\"status\": true}", CONTROL_STATUS, 0},
    {"{\"note\": \"a\\tb\"}", CONTROL_NOTE, 0},
};

LOOP_TEST(commands_are_read, sizeof good / sizeof good[0])
{
    /* breaks if a command is taken for another, or a rate is not exact to the millionth */
    struct control_command command;
    struct err err = {.code = OK};
    ck_assert_msg(control_line_parse(&command, good[_i].line, strlen(good[_i].line), &err) == OK,
                  "%s: %s", good[_i].line, err.text);
    ck_assert_int_eq(command.action, good[_i].action);
    ck_assert_uint_eq(command.rate_micro, good[_i].rate_micro);
}

static const struct {
    const char *line;
    const char *why; /* stands in the sentence */
} bad[] = {
    {"", "not JSON"},
    {"stop", "not JSON"},
    {"{\"rate\": 20000", "not JSON"},
    {"{\"rate\": 20000} {\"stop\": true}", "not JSON"},
    {"{\"rate\": 1, \"rate\": 2}", "not JSON"},
    {"{\"rate\": NaN}", "not JSON"},
    {"{\"rate\": 1e999}", "not JSON"},
    {"\xff\xfe", "not JSON"},
    {"null", "one command"},
    {"[\"stop\"]", "one command"},
    {"{}", "one command"},
    {"{\"note\": \"\"}", "takes text"},
    {"{\"note\": 5}", "takes text"},
    {"{\"note\": \"a\\u0000b\"}", "not JSON"},
    {"{\"rate\": 1, \"pause\": true}", "one command"},
    {"{\"rate\": \"20k\"}", "takes a number"},
    {"{\"rate\": null}", "takes a number"},
    {"{\"rate\": 0}", "above 0"},
    {"{\"rate\": -1}", "above 0"},
    {"{\"rate\": 0.0000001}", "at least 0.000001"},
    {"{\"rate\": 100000001}", "at most 100,000,000"},
    {"{\"rate\": 9223372036854775807}", "at most 100,000,000"},
    {"{\"pause\": 1}", "true or false"},
    {"{\"stop\": false}", "stop takes true"},
    {"{\"status\": {}}", "status takes true"},
    {"{\"halt\": true}", "no command \"halt\""},
};

LOOP_TEST(everything_else_is_a_sentence, sizeof bad / sizeof bad[0])
{
    /* breaks if what is no command is carried out, or refused without saying why */
    struct control_command command;
    struct err err = {.code = OK};
    ck_assert_int_eq(control_line_parse(&command, bad[_i].line, strlen(bad[_i].line), &err),
                     E_DATA);
    ck_assert_msg(strstr(err.text, bad[_i].why) != NULL, "%s: %s", bad[_i].line, err.text);
}

TEST(a_line_is_bounded)
{
    /* breaks if a line of any length is parsed */
    char line[CONTROL_LINE_BYTES + 2];
    struct control_command command;
    struct err err = {.code = OK};
    memset(line, ' ', sizeof line);
    memcpy(line, "{\"stop\": true}", 14);
    ck_assert_int_eq(control_line_parse(&command, line, CONTROL_LINE_BYTES, &err), OK);
    ck_assert_int_eq(control_line_parse(&command, line, CONTROL_LINE_BYTES + 1, &err), E_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "4096 bytes"));
}

TEST(a_name_with_a_zero_byte_is_refused)
{
    /* breaks if a zero byte cuts a name short, so that it is a known one */
    const char line[] = "{\"stop\\u0000x\": true}";
    const char raw[] = "{\"stop\0x\": true}";
    struct control_command command;
    struct err err = {.code = OK}, raw_err = {.code = OK};
    ck_assert_int_eq(control_line_parse(&command, line, sizeof line - 1, &err), E_DATA);
    ck_assert_int_eq(control_line_parse(&command, raw, sizeof raw - 1, &raw_err), E_DATA);
}

static void expect_line(char *line, const char *expected)
{
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(line, expected);
    free(line);
}

TEST(answers_are_one_line_of_json)
{
    /* breaks if an answer is no JSON, has no end or more than one, or a rate gains digits */
    expect_line(control_line_answer(NULL), "{\"ok\": true}\n");
    expect_line(control_line_answer(json_pack("{s:o, s:o}", "a", control_rate_to_json(500500000),
                                              "b", control_rate_to_json(20000000000))),
                "{\"ok\": true, \"a\": 500.5, \"b\": 20000}\n");
    expect_line(control_line_answer(json_pack("{s:o}", "a", control_rate_to_json(99999999999999))),
                "{\"ok\": true, \"a\": 99999999.999999}\n");
    expect_line(control_line_refusal("say \"please\"\n\xff"),
                "{\"ok\": false, \"error\": \"say \\\"please\\\"\\n\\\\xFF\"}\n");
}

TEST_SUITE(control_line)
