/* Options about rates and ramps, and what they mean together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/rate_text.h"
#include "tests/support/check/bench_line.h"
#include "tests/support/check/suite.h"

static const struct spec *const spec = &line_request.spec;

static void ck_step(uint32_t i, uint64_t length_ns, uint64_t from, uint64_t to,
                    enum schedule_shape shape)
{
    ck_assert_uint_lt(i, spec->rate.step_count);
    ck_assert_uint_eq(spec->rate.steps[i].length_ns, length_ns);
    ck_assert_uint_eq(spec->rate.steps[i].from_micro, from * SCHEDULE_MICRO);
    ck_assert_uint_eq(spec->rate.steps[i].to_micro, to * SCHEDULE_MICRO);
    ck_assert_int_eq(spec->rate.steps[i].shape, shape);
}

#define S NS_PER_SECOND

/* --- one rate -------------------------------------------------------------------------------- */

TEST(no_rate_is_a_closed_loop)
{
    /* breaks if a run without a rate gets one, or --qps 0 is a load that never sends */
    static const char *const lines[] = {"", "--qps 0", "--rps 0.000", "--qps-ramp-mode linear"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        line_quiet(lines[i]);
        ck_assert_ptr_null(spec->rate.steps);
        ck_assert_uint_eq(spec->rate.step_count, 0);
        ck_assert_str_eq(spec->rate.text, "");
        ck_assert_int_eq(spec->rate.arrival, ARRIVAL_EVEN);
        ck_assert_int_eq(spec->rate.pacing, PACING_AUTO);
        ck_assert_uint_eq(spec->rate.shed_after_ns, 0);
        ck_assert_ptr_null(spec->rate.control_path);
    }
}

TEST(rates_as_written)
{
    /* breaks if a fraction is lost, or a rate is rounded to another one */
    static const struct {
        const char *text;
        uint64_t micro;
    } rates[] = {
        {"1000", 1000000000},
        {"0.5", 500000},
        {"0", 0},
        {"10k", 10000000000},
        {"2.5m", 2500000000000},
        {"0.1G", 100000000000000},
        {"100000000", 100000000000000},
        {"100000000.0000004", 100000000000000},
        {"0.000001", 1},
        {"0.0000005", 1},
        {"0.3333333", 333333},
        {"0.33333333333333333333333333333333", 333333},
        {"0000000000000000000000000001.50000000000000000000000000", 1500000},
    };
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        uint64_t micro = 77;
        struct err reason = {.code = OK};
        ck_assert_msg(rate_parse(&micro, rates[i].text, &reason) == OK, "%s: %s", rates[i].text,
                      reason.text);
        ck_assert_msg(micro == rates[i].micro, "%s: %llu", rates[i].text,
                      (unsigned long long)micro);
    }
}

TEST(rates_that_are_none)
{
    /* breaks if rubbish is taken for a rate, or a rate that cannot be paced is tried */
    static const struct line_refusal cases[] = {
        {"", "not a rate"},
        {"x", "not a rate"},
        {"5x", "not a rate"},
        {".5", "not a rate"},
        {"5.", "not a rate"},
        {"1e3", "not a rate"},
        {" 5", "not a rate"},
        {"+5", "not a rate"},
        {"5kk", "not a rate"},
        {"-5", "negative"},
        {"100000001", "above 100 million"},
        {"100000000.0000006", "above 100 million"},
        {"101m", "above 100 million"},
        {"1g", "above 100 million"},
        {"99999999999999999999999999999999999999999999", "above 100 million"},
        {"0.0000001", "below a request in a million seconds"},
        {"0.00000000000000000000000000000000000001", "below a request"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t micro = 77;
        struct err reason = {.code = OK};
        ck_assert_msg(rate_parse(&micro, cases[i].line, &reason) == E_USAGE, "%s", cases[i].line);
        ck_assert_msg(strstr(reason.text, cases[i].text) != NULL, "%s: %s", cases[i].line,
                      reason.text);
        ck_assert_uint_eq(micro, 77);
    }
}

TEST(rates_and_times_for_people)
{
    /* breaks if a report shows another rate than the one that is paced */
    char text[RATE_TEXT_BYTES];
    ck_assert_str_eq(rate_format(text, sizeof text, 10000 * SCHEDULE_MICRO), "10,000");
    ck_assert_str_eq(rate_format(text, sizeof text, 0), "0");
    ck_assert_str_eq(rate_format(text, sizeof text, 1), "0.000001");
    ck_assert_str_eq(rate_format(text, sizeof text, 500000), "0.5");
    ck_assert_str_eq(rate_format(text, sizeof text, 1234500100), "1,234.5001");
    ck_assert_str_eq(rate_format_time(text, sizeof text, 5 * S), "5 s");
    ck_assert_str_eq(rate_format_time(text, sizeof text, 1500 * NS_PER_MS), "1.5 s");
    ck_assert_str_eq(rate_format_time(text, sizeof text, 0), "0 s");
}

TEST(constant_rate)
{
    /* breaks if --qps or its other name is not the rate of the whole run */
    static const char *const lines[] = {"--qps 10k", "--rps 10000", "--qps=10000.0"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        line_quiet(lines[i]);
        ck_assert_uint_eq(spec->rate.step_count, 1);
        ck_step(0, SCHEDULE_NEVER, 10000, 10000, SCHEDULE_CONSTANT);
        ck_assert_str_eq(spec->rate.text, "10,000/s, even");
        ck_assert_uint_eq(spec->rate.warmup_micro, 10000 * SCHEDULE_MICRO);
    }
    line_quiet("--qps 0.5 --arrival Poisson --pacing spin --shed-after 250 --control /tmp/c");
    ck_assert_str_eq(spec->rate.text, "0.5/s, poisson");
    ck_assert_int_eq(spec->rate.arrival, ARRIVAL_POISSON);
    ck_assert_int_eq(spec->rate.pacing, PACING_SPIN);
    ck_assert_uint_eq(spec->rate.shed_after_ns, 250 * NS_PER_MS);
    ck_assert_str_eq(spec->rate.control_path, "/tmp/c");
    line_quiet("--qps 5 --pacing sleep --arrival even");
    ck_assert_int_eq(spec->rate.pacing, PACING_SLEEP);
}

TEST(one_end_of_a_ramp)
{
    /* breaks if half of a ramp is a rate that nobody is told about */
    line_notices("--start-qps 1k", "--start-qps without the rest of a ramp: the rate is a constant "
                                   "1,000/s");
    ck_step(0, SCHEDULE_NEVER, 1000, 1000, SCHEDULE_CONSTANT);
    line_notices("--end-qps 20",
                 "--end-qps without the rest of a ramp: the rate is a constant 20/s");
    ck_step(0, SCHEDULE_NEVER, 20, 20, SCHEDULE_CONSTANT);
    line_notices("--start-qps 10 --qps 20", "--qps 20 is ignored: --start-qps 10 decides");
    ck_step(0, SCHEDULE_NEVER, 10, 10, SCHEDULE_CONSTANT);
}

TEST(what_needs_a_rate)
{
    /* breaks if an option about an open loop is without effect in a closed one */
    static const struct line_refusal refusals[] = {
        {"--arrival poisson", "--arrival needs a rate: give --qps N"},
        {"--arrival even", "--arrival needs a rate"},
        {"--pacing auto", "--pacing needs a rate"},
        {"--shed-after 1", "--shed-after needs a rate"},
        {"--qps 5 --arrival odd", "--arrival odd: allowed: even, poisson"},
        {"--qps 5 --pacing fast", "--pacing fast: allowed: auto, sleep, spin"},
        {"--qps 5 --shed-after 0", "--shed-after 0: out of range; allowed: 1us to 1h"},
        {"--qps 5 --control /a -s /a", "--control and --socket both name /a"},
        {"--start-qps 0", "--start-qps 0 alone sends nothing"},
        {"--end-qps 0", "--end-qps 0 alone sends nothing"},
        {"--qps 101m", "--qps 101m: above 100 million"},
        {"--rps -5", "--qps -5: negative"},
        {"--qps 0.0000001", "--qps 0.0000001: below"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST(control_without_a_rate)
{
    /* breaks if a closed loop, whose status, stop and near cache can be asked for, has no control socket */
    line_parses("--control /tmp/x");
    ck_assert_str_eq(spec->rate.control_path, "/tmp/x");
    ck_assert_uint_eq(spec->rate.step_count, 0);
}

TEST(control_path_length)
{
    /* breaks if a path that the kernel would cut makes a socket somewhere else */
    char line[300] = "--qps 5 --control /";
    size_t used = strlen(line);
    memset(line + used, 'x', 106);
    line_parses(line); /* 107 bytes */
    ck_assert_uint_eq(strlen(spec->rate.control_path), 107);
    line[used + 106] = 'x';
    ck_assert_int_eq(line_parse(line), E_USAGE);
    ck_assert_ptr_nonnull(
        strstr(line_err.text, "--control: the path is 108 bytes long; at most 107"));
}

/* --- ramps ----------------------------------------------------------------------------------- */

TEST(linear_ramp_of_the_seed)
{
    /* breaks if the example of the tool that volley replaces makes another load */
    line_notices(
        "--test-duration 60 --start-qps 1000 --end-qps 10000 --qps-change-interval 5 "
        "--qps-change 500",
        "the ramp takes 90 s, and --test-duration is 60 s: it reaches 6,500/s of 10,000/s");
    ck_assert_uint_eq(line_request.notice_count, 1);
    ck_assert_uint_eq(spec->rate.step_count, 19);
    for (uint32_t i = 0; i < 18; i++)
        ck_step(i, 5 * S, 1000 + 500 * i, 1000 + 500 * i, SCHEDULE_CONSTANT);
    ck_step(18, SCHEDULE_NEVER, 10000, 10000, SCHEDULE_CONSTANT);
    ck_assert_str_eq(spec->rate.text, "1,000 -> 10,000/s, +500 every 5 s, even");
    ck_assert_uint_eq(spec->rate.warmup_micro, 1000 * SCHEDULE_MICRO);
    /* clamped at the end: 9.8 steps */
    line_quiet("--processes 4 --test-duration 120 --start-qps 1000 --end-qps 50000 "
               "--qps-change-interval 10 --qps-change 5000");
    ck_assert_uint_eq(spec->rate.step_count, 11);
    ck_step(9, 10 * S, 46000, 46000, SCHEDULE_CONSTANT);
    ck_step(10, SCHEDULE_NEVER, 50000, 50000, SCHEDULE_CONSTANT);
}

TEST(linear_ramp_down)
{
    /* breaks if a falling ramp rises, passes its end, or takes a sign without saying so */
    line_notices("--test-duration 9 --start-qps 100 --end-qps 10 --qps-change-interval 500ms "
                 "--qps-change 40",
                 "--qps-change 40 is taken as -40: --end-qps 10 is below --start-qps 100");
    ck_assert_uint_eq(spec->rate.step_count, 4);
    ck_step(0, S / 2, 100, 100, SCHEDULE_CONSTANT);
    ck_step(1, S / 2, 60, 60, SCHEDULE_CONSTANT);
    ck_step(2, S / 2, 20, 20, SCHEDULE_CONSTANT);
    ck_step(3, SCHEDULE_NEVER, 10, 10, SCHEDULE_CONSTANT);
    ck_assert_str_eq(spec->rate.text, "100 -> 10/s, -40 every 0.5 s, even");
    line_quiet("--test-duration 9 --start-qps 100 --end-qps 10 --qps-change-interval 500ms "
               "--qps-change -40");
    ck_step(2, S / 2, 20, 20, SCHEDULE_CONSTANT);
    /* from nothing and to nothing, with fractions */
    line_quiet("--test-duration 9 --start-qps 0 --end-qps 1 --qps-change-interval 1 "
               "--qps-change +0.5");
    ck_step(0, S, 0, 0, SCHEDULE_CONSTANT);
    ck_assert_uint_eq(spec->rate.steps[1].from_micro, SCHEDULE_MICRO / 2);
    ck_assert_uint_eq(spec->rate.warmup_micro, SCHEDULE_MICRO / 2);
}

TEST(exponential_ramp)
{
    /* breaks if factors add up rounding, or the last step passes the end */
    line_quiet("--test-duration 120 --start-qps 100 --end-qps 10000 --qps-change-interval 5 "
               "--qps-ramp-mode exponential --qps-ramp-factor 2.0");
    ck_assert_uint_eq(spec->rate.step_count, 8);
    for (uint32_t i = 0; i < 7; i++)
        ck_step(i, 5 * S, 100u << i, 100u << i, SCHEDULE_CONSTANT);
    ck_step(7, SCHEDULE_NEVER, 10000, 10000, SCHEDULE_CONSTANT);
    ck_assert_str_eq(spec->rate.text, "100 -> 10,000/s, x2 every 5 s, even");
    line_quiet("--test-duration 120 --start-qps 1 --end-qps 2 --qps-change-interval 1 "
               "--qps-ramp-mode exponential --qps-ramp-factor 1.1");
    for (uint32_t i = 0; i + 1 < spec->rate.step_count; i++)
        ck_assert_uint_eq(spec->rate.steps[i].from_micro,
                          (uint64_t)(1e6 * pow(1.1, (double)i) + 0.5));
    line_quiet("--test-duration 120 --start-qps 1000 --end-qps 100 --qps-change-interval 1 "
               "--qps-ramp-mode exponential --qps-ramp-factor 0.5 --arrival poisson");
    ck_assert_uint_eq(spec->rate.step_count, 5);
    ck_step(3, S, 125, 125, SCHEDULE_CONSTANT);
    ck_step(4, SCHEDULE_NEVER, 100, 100, SCHEDULE_CONSTANT);
    ck_assert_str_eq(spec->rate.text, "1,000 -> 100/s, x0.5 every 1 s, poisson");
}

TEST(smooth_ramp)
{
    /* breaks if a smooth ramp has another slope than its stairs, or never ends */
    line_quiet("--test-duration 100 --start-qps 1000 --end-qps 10000 --qps-change-interval 5 "
               "--qps-change 500 --qps-ramp-mode smooth");
    ck_assert_uint_eq(spec->rate.step_count, 2);
    ck_step(0, 90 * S, 1000, 10000, SCHEDULE_LINEAR);
    ck_step(1, SCHEDULE_NEVER, 10000, 10000, SCHEDULE_CONSTANT);
    ck_assert_str_eq(spec->rate.text, "1,000 -> 10,000/s, smoothly +500 every 5 s, even");
    line_quiet("--test-duration 100 --start-qps 800 --end-qps 100 --qps-change-interval 5 "
               "--qps-ramp-factor 0.5 --qps-ramp-mode smooth");
    ck_step(0, 15 * S, 800, 100, SCHEDULE_EXPONENTIAL);
    /* over the whole test, with nothing more said: it arrives, so there is nothing to say */
    line_quiet("--test-duration 30 --start-qps 0 --end-qps 100 --qps-ramp-mode smooth");
    ck_step(0, 30 * S, 0, 100, SCHEDULE_LINEAR);
    ck_assert_str_eq(spec->rate.text, "0 -> 100/s, smoothly in 30 s, even");
    ck_assert_uint_eq(spec->rate.warmup_micro, 100 * SCHEDULE_MICRO);
    line_notices(
        "--test-duration 45 --start-qps 1000 --end-qps 10000 --qps-change-interval 5 "
        "--qps-change 500 --qps-ramp-mode smooth",
        "the ramp takes 90 s, and --test-duration is 45 s: it reaches 5,500/s of 10,000/s");
}

TEST(parts_that_are_missing)
{
    /* breaks if half of a ramp is run, or its user must guess which half */
    static const struct line_refusal refusals[] = {
        {"--start-qps 1 --end-qps 2",
         "a linear rate ramp requires all of --start-qps, --end-qps, --qps-change-interval, "
         "--qps-change. Missing: --qps-change-interval, --qps-change"},
        {"--start-qps 1 --qps-change 2", "Missing: --end-qps, --qps-change-interval"},
        {"--start-qps 1 --end-qps 2 --qps-change-interval 5", "Missing: --qps-change"},
        {"--start-qps 1 --end-qps 2 --qps-change 5", "Missing: --qps-change-interval"},
        {"--end-qps 2 --qps-change 5 --qps-change-interval 1", "Missing: --start-qps"},
        {"--qps-change-interval 1", "Missing: --start-qps, --end-qps, --qps-change"},
        {"--qps 5 --end-qps 10", "Missing: --qps-change-interval, --qps-change"},
        {"--qps 5 --qps-change 10", "Missing: --end-qps, --qps-change-interval"},
        {"--qps 0 --end-qps 10 --qps-change 1 --qps-change-interval 1", "Missing: --start-qps"},
        {"--qps-ramp-mode exponential",
         "--qps-ramp-mode exponential requires all of --start-qps, --end-qps, "
         "--qps-change-interval, --qps-ramp-factor. Missing: --start-qps, --end-qps, "
         "--qps-change-interval, --qps-ramp-factor"},
        {"--qps-ramp-mode exponential --start-qps 1 --end-qps 5 --qps-change-interval 1",
         "Missing: --qps-ramp-factor"},
        {"--qps-ramp-mode exponential --start-qps 1 --end-qps 5 --qps-ramp-factor 2",
         "Missing: --qps-change-interval"},
        {"--qps-ramp-mode smooth --start-qps 1 --end-qps 5", "Missing: --test-duration"},
        {"--qps-ramp-mode smooth --end-qps 5 --test-duration 5", "Missing: --start-qps"},
        {"--qps-ramp-mode smooth --start-qps 1 --end-qps 5 --qps-change 1",
         "Missing: --qps-change-interval"},
        {"--qps-ramp-mode smooth --start-qps 1 --end-qps 5 --qps-change-interval 1",
         "requires one of --qps-change, --qps-ramp-factor"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

#define LINEAR "--qps-change-interval 1 --test-duration 9 "
#define EXPONENTIAL "--qps-ramp-mode exponential --qps-change-interval 1 --test-duration 9 "
#define SMOOTH "--qps-ramp-mode smooth --qps-change-interval 1 --test-duration 9 "

TEST(ramps_that_lead_nowhere)
{
    /* breaks if a ramp stays where it is, or runs away from its end */
    static const struct line_refusal refusals[] = {
        {LINEAR "--start-qps 1 --end-qps 5 --qps-change 0", "--qps-change 0: the rate would never"},
        {LINEAR "--start-qps 1 --end-qps 5 --qps-change -0.0", "would never change"},
        {LINEAR "--start-qps 1 --end-qps 5 --qps-change -1",
         "--qps-change -1 leads away from the end: from --start-qps 1 to --end-qps 5 it must be "
         "+1"},
        {LINEAR "--start-qps 5 --end-qps 1 --qps-change +1", "it must be -1"},
        {LINEAR "--start-qps 5 --end-qps 5 --qps-change 1", "are both 5: there is nothing to ramp"},
        {LINEAR "--start-qps 1 --end-qps 5 --qps-change x", "--qps-change x: not a rate"},
        {LINEAR "--start-qps 1 --end-qps 5 --qps-change --1", "--qps-change --1: negative"},
        {LINEAR "--start-qps 1 --end-qps 101m --qps-change 1", "--end-qps 101m: above 100 million"},
        {EXPONENTIAL "--start-qps 1 --end-qps 5 --qps-ramp-factor 1",
         "--qps-ramp-factor 1: the rate would never change"},
        {EXPONENTIAL "--start-qps 1 --end-qps 5 --qps-ramp-factor 1.000", "would never change"},
        {EXPONENTIAL "--start-qps 1 --end-qps 5 --qps-ramp-factor 0.5", "it must be above 1"},
        {EXPONENTIAL "--start-qps 5 --end-qps 1 --qps-ramp-factor 2", "above 0 and below 1"},
        {EXPONENTIAL "--start-qps 5 --end-qps 1 --qps-ramp-factor 0", "not a factor"},
        {EXPONENTIAL "--start-qps 5 --end-qps 1 --qps-ramp-factor -2", "not a factor"},
        {EXPONENTIAL "--start-qps 5 --end-qps 1 --qps-ramp-factor nan", "not a factor"},
        {EXPONENTIAL "--start-qps 0 --end-qps 5 --qps-ramp-factor 2",
         "--start-qps 0 with --qps-ramp-factor: no factor leads away from 0"},
        {EXPONENTIAL "--start-qps 5 --end-qps 0 --qps-ramp-factor 0.5",
         "--end-qps 0 with --qps-ramp-factor: no factor leads to 0"},
        {SMOOTH "--start-qps 0 --end-qps 5 --qps-ramp-factor 2", "no factor leads away from 0"},
        {SMOOTH "--start-qps 5 --end-qps 1 --qps-change +2", "leads away from the end"},
        {"--start-qps 1 --end-qps 5 --qps-change 1 --qps-change-interval 0",
         "--qps-change-interval 0: out of range; allowed: 1ms"},
        {"--qps-ramp-mode steep", "--qps-ramp-mode steep: allowed: linear, exponential, smooth"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST(ramps_that_contradict_themselves)
{
    /* breaks if one of two options that cannot both be meant is dropped in silence */
    static const struct line_refusal refusals[] = {
        {LINEAR "--start-qps 1 --end-qps 5 --qps-change 1 --qps-ramp-factor 2",
         "--qps-ramp-factor needs --qps-ramp-mode exponential, or smooth"},
        {"--start-qps 1 --end-qps 5 --qps-ramp-factor 2", "--qps-ramp-factor needs"},
        {EXPONENTIAL "--start-qps 1 --end-qps 5 --qps-change 1 --qps-ramp-factor 2",
         "--qps-change has no meaning with --qps-ramp-mode exponential"},
        {SMOOTH "--start-qps 1 --end-qps 5 --qps-change 1 --qps-ramp-factor 2",
         "--qps-change and --qps-ramp-factor exclude each other"},
        {"--rate-plan f --qps 5", "--rate-plan and --qps exclude each other: each gives the rate"},
        {"--rate-plan f --start-qps 5", "--rate-plan and --start-qps exclude each other"},
        {"--rate-plan f --qps-ramp-mode smooth", "--rate-plan and --qps-ramp-mode exclude"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST(ramps_that_are_too_long)
{
    /* breaks if an absurd ramp takes all memory or overflows its times */
    static const struct line_refusal refusals[] = {
        {"--test-duration 9 --start-qps 1 --end-qps 100002 --qps-change-interval 1ms --qps-change "
         "1",
         "is more than 100,000 steps; let it take larger steps, or none at all with "
         "--qps-ramp-mode smooth"},
        {"--test-duration 9 --start-qps 1 --end-qps 100m --qps-change-interval 1ms "
         "--qps-ramp-mode exponential --qps-ramp-factor 1.0001",
         "more than 100,000 steps"},
        {"--test-duration 9 --start-qps 1 --end-qps 2000 --qps-change-interval 1h --qps-change 1",
         "longer than 1,000 hours"},
        {"--test-duration 9 --start-qps 0.000001 --end-qps 100m --qps-change-interval 1000h "
         "--qps-change 0.000001 --qps-ramp-mode smooth",
         "longer than 1,000 hours in all; let it take larger steps"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
    line_notices("--test-duration 9 --start-qps 1 --end-qps 100000 --qps-change-interval 1ms "
                 "--qps-change 1",
                 "the ramp takes 99.999 s");
    ck_assert_uint_eq(spec->rate.step_count, 100000);
    /* as steep as can be */
    line_quiet("--test-duration 9 --start-qps 0 --end-qps 0.000001 --qps-change-interval 1ms "
               "--qps-change 100m --qps-ramp-mode smooth");
    ck_assert_uint_ge(spec->rate.steps[0].length_ns, 1);
}

TEST(qps_beside_a_ramp)
{
    /* breaks if --qps is dropped beside a ramp and nobody is told */
    line_notices(LINEAR "--qps 7 --start-qps 1 --end-qps 5 --qps-change 1",
                 "--qps 7 is ignored: the ramp begins with --start-qps 1");
    ck_step(0, S, 1, 1, SCHEDULE_CONSTANT);
    line_notices(LINEAR "--qps 2 --end-qps 5 --qps-change 1",
                 "the ramp begins with --qps 2, in place of --start-qps");
    ck_step(0, S, 2, 2, SCHEDULE_CONSTANT);
    ck_assert_uint_eq(spec->rate.step_count, 4);
}

TEST(requests_and_ramps)
{
    /* breaks if a run with -n never ends, or ends before its ramp without a word */
    static const struct line_refusal refusals[] = {
        {"--start-qps 100 --end-qps 0 --qps-change-interval 1 --qps-change 10",
         "-n 100000 is never reached: the rate ends at 0/s; give --test-duration"},
        {"-n 551 --start-qps 100 --end-qps 0 --qps-change-interval 1 --qps-change 10",
         "-n 551 is never reached"},
        {"-n 10000000000000000 --qps 0.000001", "is never reached"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
    /* 100 + 90 + ... + 10 in 10 s, and then nothing */
    line_notices("-n 550 --start-qps 100 --end-qps 0 --qps-change-interval 1 --qps-change 10",
                 "is taken as -10");
    line_notices("-n 150 --start-qps 100 --end-qps 200 --qps-change-interval 1 --qps-change 10",
                 "the ramp takes 10 s, and -n 150 is over after 1.445455 s: it reaches 110/s of "
                 "200/s");
    line_quiet("-n 10k --start-qps 100 --end-qps 200 --qps-change-interval 1 --qps-change 10");
}

TEST(rates_from_a_config_file)
{
    /* breaks if the command line does not win over the file's rate */
    line_parses_with_config("qps: 100\n", "--qps 0.5");
    ck_assert_str_eq(spec->rate.text, "0.5/s, even");
    line_parses_with_config("start-qps: 1\nend-qps: 5\nqps-change: 1\nqps-change-interval: 1\n",
                            "--qps 7");
    ck_assert_str_eq(spec->rate.text, "7/s, even");
    ck_assert_uint_eq(line_request.notice_count, 4);
    ck_assert_ptr_nonnull(
        strstr(line_request.notices[0], "the config file's start-qps is ignored"));
    line_parses_with_config("rate-plan: /nonexistent\n", "--qps 7");
    ck_assert_str_eq(spec->rate.text, "7/s, even");
    line_parses_with_config("rps: 2\narrival: poisson\n", "");
    ck_assert_str_eq(spec->rate.text, "2/s, poisson");
}

TEST(echo)
{
    /* breaks if a report cannot say which rate was asked for */
    line_parses(
        "--rps 10k --arrival poisson --shed-after 1s --processes 2 --clients-per-process 3");
    json_t *json = options_to_json(&line_request.values);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_string_value(json_object_get(json, "qps")), "10k");
    ck_assert_str_eq(json_string_value(json_object_get(json, "arrival")), "poisson");
    ck_assert_str_eq(json_string_value(json_object_get(json, "shed-after")), "1s");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "clients")), 6);
    ck_assert(json_is_null(json_object_get(json, "start-qps")));
    ck_assert(json_is_false(json_object_get(json, "require-green")));
    json_decref(json);
}

TEST_SUITE_WITH(rate_options, .tear_down = line_teardown)
