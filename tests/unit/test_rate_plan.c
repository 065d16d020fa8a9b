/* Plan files: what they hold as steps, and what is wrong with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/options/rate_plan.h"
#include "tests/support/check/bench_line.h"
#include "tests/support/check/suite.h"

static struct rate_steps steps;
static struct err err;
static char plan_path[64];

static void teardown(void)
{
    rate_steps_free(&steps);
    line_teardown();
    if (plan_path[0] != '\0')
        unlink(plan_path);
    plan_path[0] = '\0';
}

static enum err_code parse(const char *text)
{
    const struct file_source source = {"f", text, strlen(text)};
    rate_steps_free(&steps);
    memset(&err, 0, sizeof err);
    return rate_plan_read(&steps, &source, &err);
}

static void ck_plan(const char *text, uint32_t count, uint64_t length_ns)
{
    enum err_code code = parse(text);
    ck_assert_msg(code == OK, "%s: %s", text, err.text);
    ck_assert_uint_eq(steps.count, count);
    ck_assert_uint_eq(steps.length_ns, length_ns);
}

static void ck_step(uint32_t i, uint64_t length_ms, uint64_t from, uint64_t to,
                    enum schedule_shape shape)
{
    ck_assert_uint_eq(steps.items[i].length_ns, length_ms * NS_PER_MS);
    ck_assert_uint_eq(steps.items[i].from_micro, from * SCHEDULE_MICRO);
    ck_assert_uint_eq(steps.items[i].to_micro, to * SCHEDULE_MICRO);
    ck_assert_int_eq(steps.items[i].shape, shape);
}

#define S NS_PER_SECOND

TEST(items)
{
    /* breaks if an item of a plan is another load than the one that is written */
    ck_plan("- {for: 10s, rate: 1000}\n"
            "- {for: 2, from: 0, to: 5k}\n"
            "- {for: 500ms, from: 5k, to: 1, mode: exponential}\n"
            "- {for: 1m, rate: 0}\n"
            "- for: 1\n  rate: 0.5\n  mode: constant\n"
            "- {for: 1, from: 7, to: 8, mode: linear}\n"
            "- {for: 1, from: 7, to: 7}\n",
            7, 75 * S + S / 2);
    ck_step(0, 10000, 1000, 1000, SCHEDULE_CONSTANT);
    ck_step(1, 2000, 0, 5000, SCHEDULE_LINEAR);
    ck_step(2, 500, 5000, 1, SCHEDULE_EXPONENTIAL);
    ck_step(3, 60000, 0, 0, SCHEDULE_CONSTANT);
    ck_assert_uint_eq(steps.items[4].from_micro, SCHEDULE_MICRO / 2);
    ck_assert_int_eq(steps.items[4].shape, SCHEDULE_CONSTANT);
    ck_step(5, 1000, 7, 8, SCHEDULE_LINEAR);
    ck_step(6, 1000, 7, 7, SCHEDULE_CONSTANT);
}

TEST(json_and_maps)
{
    /* breaks if JSON, or a plan in a map, is read as something else */
    ck_plan("[{\"for\": \"10s\", \"rate\": 1000}, {\"for\": 2, \"from\": 1, \"to\": 2.5}]", 2,
            12 * S);
    ck_plan("{\"plan\": [{\"for\": \"1s\", \"rate\": 10}], \"repeat\": 3}", 3, 3 * S);
    ck_plan("plan:\n  - {for: 1, rate: 10}\n", 1, S);
}

TEST(repeats)
{
    /* breaks if a repeat comes in another order, or once too often */
    ck_plan("- {for: 1, rate: 1}\n"
            "- repeat: 2\n"
            "  plan:\n"
            "    - {for: 1, rate: 2}\n"
            "    - {repeat: 3, plan: [{for: 1, rate: 3}, {for: 1, rate: 4}]}\n"
            "- {for: 1, rate: 5}\n",
            16, 16 * S);
    static const uint64_t rates[] = {1, 2, 3, 4, 3, 4, 3, 4, 2, 3, 4, 3, 4, 3, 4, 5};
    for (uint32_t i = 0; i < 16; i++)
        ck_step(i, 1000, rates[i], rates[i], SCHEDULE_CONSTANT);
    ck_plan("{repeat: 2, plan: [{plan: [{plan: [{plan: [{plan: [{for: 1, rate: 1}]}]}]}]}]}", 2,
            2 * S);
    ck_plan("{repeat: 100000, plan: [{for: 1ms, rate: 1}]}", 100000, 100 * S);
}

TEST(mistakes)
{
    /* breaks if a plan is run that says something else, or the item must be searched for */
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"",
         "f:1:1: a plan is expected; as in [{for: 10s, rate: 1000}] or {repeat: 3, plan: [...]}"},
        {"just text",
         "f:1:1: a plan is expected; as in [{for: 10s, rate: 1000}] or {repeat: 3, plan: [...]}"},
        {"for: 5\nrate: 3\n", "f:1:1: unknown key for; known are plan, repeat"},
        {"[]", "f:1:1: plan: needs at least 1 element; there are 0"},
        {"plan: []", "f:1:7: plan: needs at least 1 element; there are 0"},
        {"- {for: 1, rate: 5}\n- {repeat: 2, plan: []}\n",
         "f:2:21: plan: needs at least 1 element; there are 0"},
        {"- 5\n", "f:1:3: an item is expected; as in {for: 10s, rate: 1000}, {for: 10s, from: 0, "
                  "to: 5k} or {repeat: 3, plan: [...]}"},
        {"- {for: 1, rate: 5}\n- {rate: 5}\n", "f:2:3: \"for\" is missing; as in for: 10s"},
        {"- {for: 1}\n", "f:1:3: one of these is missing: rate, from, to, plan"},
        {"- {for: 1, from: 5}\n", "f:1:3: \"to\" is missing"},
        {"- {for: 1, to: 5}\n", "f:1:3: \"from\" is missing"},
        {"- {for: 1, rate: 5, to: 5}\n", "f:1:21: rate and to exclude each other"},
        {"- for: 1\n  rate: -5\n",
         "f:2:9: rate: -5: negative; a rate is 0 or more requests per second"},
        {"- {for: 1, rate: 101m}\n",
         "f:1:18: rate: 101m: above 100 million per second, the highest rate"},
        {"- {for: 1, from: 1, to: 1g}\n",
         "f:1:25: to: 1g: above 100 million per second, the highest rate"},
        {"- {for: 1, rate: 0.0000001}\n",
         "f:1:18: rate: 0.0000001: below a request in a million seconds, the lowest rate"},
        {"- {for: 1, rate: fast}\n", "f:1:18: rate: fast: not a rate; allowed: 0 to 100 million "
                                     "requests per second, as in 1000, 0.5 or 10k"},
        {"- {for: 1, rate: ~}\n", "f:1:18: rate: a value is missing"},
        {"- {for: 1, rate: [5]}\n", "f:1:18: rate: a value is expected"},
        {"- {for: 0, rate: 5}\n",
         "f:1:9: for: 0: out of range; allowed: 1ns to 1000h; as in for: 10s"},
        {"- {for: -1, rate: 5}\n",
         "f:1:9: for: -1: out of range; allowed: 1ns to 1000h; as in for: 10s"},
        {"- {for: 1001h, rate: 5}\n",
         "f:1:9: for: 1001h: out of range; allowed: 1ns to 1000h; as in for: 10s"},
        {"- {for: soon, rate: 5}\n",
         "f:1:9: for: soon: not a duration (in ns, us, ms, s, m, h, d); "
         "allowed: 1ns to 1000h; as in for: 10s"},
        {"- {for: 1, rate: 5, color: red}\n",
         "f:1:21: unknown key color; known are rate, for, mode, from, to, plan, repeat"},
        {"- {for: 1, rat: 5}\n", "f:1:12: unknown key rat; did you mean rate?; known are rate, "
                                 "for, mode, from, to, plan, repeat"},
        {"- {for: 1, rate: 5, mode: linear}\n", "f:1:27: mode: linear: allowed: constant"},
        {"- {for: 1, from: 5, to: 6, mode: constant}\n",
         "f:1:34: mode: constant: allowed: linear, exponential"},
        {"- {for: 1, from: 5, to: 6, mode: smooth}\n",
         "f:1:34: mode: smooth: allowed: linear, exponential"},
        {"- {for: 1, from: 0, to: 6, mode: exponential}\n",
         "f:1:3: mode: exponential never comes from 0 or gets to 0: no factor does; begin or end "
         "with a small rate, or take linear"},
        {"- {for: 1, from: 6, to: 0, mode: exponential}\n",
         "f:1:3: mode: exponential never comes from 0 or gets to 0: no factor does; begin or end "
         "with a small rate, or take linear"},
        {"- {for: 1, rate: 5, repeat: 2}\n",
         "f:1:21: a constant rate has no use for \"repeat\"; known are rate, for, mode"},
        {"- {for: 1, plan: [{for: 1, rate: 5}]}\n",
         "f:1:4: a plan has no use for \"for\"; known are plan, repeat"},
        {"- {plan: {for: 1, rate: 5}}\n", "f:1:10: plan: a list is expected"},
        {"- {repeat: 0, plan: [{for: 1, rate: 5}]}\n",
         "f:1:12: repeat: 0: out of range; allowed: 1 to 100,000"},
        {"- {repeat: -1, plan: [{for: 1, rate: 5}]}\n",
         "f:1:12: repeat: -1: out of range; allowed: 1 to 100,000"},
        {"- {repeat: 2.5, plan: [{for: 1, rate: 5}]}\n",
         "f:1:12: repeat: 2.5: not a number; allowed: 1 to 100,000"},
        {"- {for: 1, rate: 1}\n- plan:\n  - {for: 1, rate: 1}\n  - plan:\n    - {for: 1}\n",
         "f:5:7: one of these is missing: rate, from, to, plan"},
        {"[{plan: [{plan: [{plan: [{plan: [{plan: [{for: 1, rate: 1}]}]}]}]}]}]",
         "f:1:34: plans are nested more than 4 deep"},
        {"- {for: 1, rate: 0}\n- {for: 1, from: 0, to: 0}\n",
         "f:1:1: every rate is 0: nothing would be sent"},
        {"- {for: 1, rate: 1, for: 2}\n", "f:1:21: for stands in line 1 already"},
        {"- {for: 1, rate: 1\n", "f:2:1: neither JSON nor YAML: did not find expected ',' or '}'"},
        {"- {repeat: 100000, plan: [{for: 1ms, rate: 1}, {for: 1ms, rate: 2}]}\n",
         "f:1:3: the plan is too large: more than 100,000 steps"},
        {"- repeat: 100000\n  plan: [{repeat: 100000, plan: [{for: 1ms, rate: 1}]}]\n",
         "f:1:3: the plan is too large: more than 100,000 steps"},
        {"- {for: 1000h, rate: 1}\n- {for: 1, rate: 1}\n",
         "f:2:3: the plan is too large: longer than 1,000 hours in all"},
        {"{repeat: 99999, plan: [{for: 999h, rate: 1}]}\n",
         "f:1:1: the plan is too large: longer than 1,000 hours in all"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(parse(cases[i].text) == E_CONFIG, "\"%s\" is taken", cases[i].text);
        ck_assert_msg(strstr(err.text, cases[i].says) != NULL, "\"%s\": %s", cases[i].text,
                      err.text);
        ck_assert_msg(strncmp(err.text, "f:", 2) == 0, "%s", err.text);
    }
}

/* --- as an option ---------------------------------------------------------------------------- */

static const char *line_of(const char *text, const char *rest)
{
    static char line[300];
    if (plan_path[0] != '\0')
        unlink(plan_path);
    snprintf(plan_path, sizeof plan_path, "/tmp/volley_test_XXXXXX");
    int fd = mkstemp(plan_path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    snprintf(line, sizeof line, "--rate-plan %s%s%s", plan_path, *rest != '\0' ? " " : "", rest);
    return line;
}

#define PLAN "[{for: 2, rate: 0}, {for: 3, rate: 10}, {for: 5, from: 10, to: 30}]"

TEST(the_plan_decides_the_length)
{
    /* breaks if a run ends before its plan does, or goes on behind it */
    const struct spec *spec = &line_request.spec;
    line_quiet(line_of(PLAN, "--arrival poisson"));
    ck_assert_uint_eq(spec->load.duration_ns, 10 * S);
    ck_assert_uint_eq(spec->load.requests, 0);
    ck_assert_uint_eq(spec->rate.step_count, 3);
    ck_assert_uint_eq(spec->rate.warmup_micro, 10 * SCHEDULE_MICRO);
    char expected[96];
    snprintf(expected, sizeof expected, "plan %s (3 steps), poisson", plan_path + 5);
    ck_assert_str_eq(spec->rate.text, expected);
    json_t *json = options_to_json(&line_request.values);
    ck_assert_str_eq(json_string_value(json_object_get(json, "test-duration")), "10s");
    ck_assert_str_eq(json_string_value(json_object_get(json, "rate-plan")), plan_path);
    ck_assert(json_is_null(json_object_get(json, "requests")));
    json_decref(json);
    line_quiet(line_of("{repeat: 2, plan: " PLAN "}", "--steady auto"));
    ck_assert_uint_eq(spec->load.duration_ns, 20 * S);
}

TEST(plans_and_other_lengths)
{
    /* breaks if a plan is cut or stretched and nobody is told */
    const struct spec *spec = &line_request.spec;
    line_notices(line_of(PLAN, "--test-duration 15"),
                 "the rate plan takes 10 s, and --test-duration is 15 s: its last rate, 30/s, is "
                 "held until then");
    ck_assert_uint_eq(spec->load.duration_ns, 15 * S);
    line_notices(line_of(PLAN, "--test-duration 7500ms"),
                 "the rate plan takes 10 s, and --test-duration is 7.5 s: it ends early, at 20/s");
    line_quiet(line_of(PLAN, "--test-duration 10"));
    line_notices(line_of(PLAN, "-n 11"),
                 "the rate plan takes 10 s, and -n 11 is over after 3 s: it ends early, at 10/s");
    ck_assert_uint_eq(spec->load.requests, 11);
    ck_assert_uint_eq(spec->load.duration_ns, 0);
    line_notices(line_of(PLAN, "-n 161"),
                 "and -n 161 is over after 11 s: its last rate, 30/s, is held");
    ck_assert_int_eq(line_parse(line_of("[{for: 5, rate: 10}, {for: 1, rate: 0}]", "-n 51")),
                     E_USAGE);
    ck_assert_ptr_nonnull(strstr(line_err.text, "-n 51 is never reached: the rate ends at 0/s"));
    line_notices(line_of("[{for: 5, rate: 10}, {for: 1, rate: 0}]", "-n 50"), "it ends early");
}

TEST(a_bad_plan_file)
{
    /* breaks if a bad plan is a usage error, or its name is not told */
    ck_assert_int_eq(line_parse(line_of("- {for: 1, rate: -1}\n", "")), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(line_err.text, plan_path));
    ck_assert_ptr_nonnull(strstr(line_err.text, ":1:18: rate: -1: negative"));
    ck_assert_int_eq(line_parse("--rate-plan /nonexistent/plan"), E_CONFIG);
    ck_assert_ptr_nonnull(
        strstr(line_err.text, "cannot read the rate plan /nonexistent/plan: No such file"));
}

TEST_SUITE_WITH(rate_plan, .tear_down = teardown)
