/* Options about connections over time and the end of the warm-up. */
#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/commands/bench_steps.h"
#include "tests/support/check/bench_line.h"
#include "tests/support/check/suite.h"

static const struct spec *const spec = &line_request.spec;

#define S NS_PER_SECOND

TEST(client_ramp)
{
    /* breaks if connections over time are not those that were asked for */
    line_quiet("--clients-ramp-start 10 --clients-ramp-end 100 --clients-per-ramp 30 "
               "--client-ramp-interval 0.5 --test-duration 5");
    ck_assert_uint_eq(spec->load.clients, 100);
    ck_assert_uint_eq(spec->load.client_ramp.start_clients, 10);
    ck_assert_uint_eq(spec->load.client_ramp.end_clients, 100);
    ck_assert_uint_eq(spec->load.client_ramp.per_step, 30);
    ck_assert_uint_eq(spec->load.client_ramp.interval_ns, S / 2);
    ck_assert(!(spec->load.client_ramp.factor > 0));
    line_notices("--clients-ramp-start 10 --clients-ramp-end 100 --clients-per-ramp 30 "
                 "--client-ramp-interval 5 --test-duration 10",
                 "the client ramp takes 15 s, and --test-duration is 10 s: it reaches 40 of 100 "
                 "connections");
    line_quiet("--clients-ramp-start 1 --clients-ramp-end 9 --client-ramp-factor 1.5 "
               "--client-ramp-interval 1 --client-ramp-mode exponential --qps 100");
    ck_assert_uint_eq(spec->load.clients, 9);
    ck_assert(fabs(spec->load.client_ramp.factor - 1.5) < 1e-9);
    ck_assert_uint_eq(spec->load.client_ramp.per_step, 0);
    line_quiet("--client-ramp-mode linear");
    ck_assert_uint_eq(spec->load.clients, 50);
    ck_assert_uint_eq(spec->load.client_ramp.start_clients, 0);
}

#define RAMP "--clients-ramp-start 2 --clients-ramp-end 9 --client-ramp-interval 1 "

TEST(client_ramp_mistakes)
{
    /* breaks if half of a client ramp is run, or one that cannot be */
    static const struct line_refusal refusals[] = {
        {"--clients-ramp-start 5",
         "a linear client ramp requires all of --clients-ramp-start, --clients-ramp-end, "
         "--clients-per-ramp, --client-ramp-interval. Missing: --clients-ramp-end, "
         "--clients-per-ramp, --client-ramp-interval"},
        {"--clients-ramp-end 5", "Missing: --clients-ramp-start, --clients-per-ramp"},
        {"--clients-per-ramp 5", "Missing: --clients-ramp-start, --clients-ramp-end"},
        {"--client-ramp-interval 5", "--clients-ramp-end, --clients-per-ramp"},
        {RAMP, "Missing: --clients-per-ramp"},
        {RAMP "--client-ramp-mode exponential", "Missing: --client-ramp-factor"},
        {"--client-ramp-mode exponential",
         "--client-ramp-mode exponential requires all of --clients-ramp-start, --clients-ramp-end, "
         "--client-ramp-factor, --client-ramp-interval"},
        {RAMP "--clients-per-ramp 1 --client-ramp-factor 2",
         "needs --client-ramp-mode exponential"},
        {RAMP "--clients-per-ramp 1 --client-ramp-factor 2 --client-ramp-mode exponential",
         "--clients-per-ramp has no meaning with --client-ramp-mode exponential"},
        {RAMP "--client-ramp-factor 1 --client-ramp-mode exponential", "not a factor above 1"},
        {RAMP "--client-ramp-factor 0.5 --client-ramp-mode exponential", "not a factor above 1"},
        {RAMP "--client-ramp-mode smooth", "allowed: linear, exponential"},
        {RAMP "--clients-per-ramp 8",
         "--clients-per-ramp 8 is above the 7 connections between --clients-ramp-start 2 and "
         "--clients-ramp-end 9"},
        {RAMP "--clients-per-ramp 0", "--clients-per-ramp 0: out of range"},
        {"--clients-ramp-start 0 --clients-ramp-end 5", "--clients-ramp-start 0: out of range"},
        {"--clients-ramp-start 9 --clients-ramp-end 9 --clients-per-ramp 1 --client-ramp-interval "
         "1",
         "--clients-ramp-start 9 is not below --clients-ramp-end 9"},
        {"--clients-ramp-start 9 --clients-ramp-end 3 --clients-per-ramp 1 --client-ramp-interval "
         "1",
         "opened, never closed"},
        {"--client-ramp-interval 0", "--client-ramp-interval 0: out of range; allowed: 1ms"},
        {RAMP "--clients-per-ramp 1 -c 5", "--clients and --clients-ramp-start exclude each other"},
        {"-c 5 --clients-per-ramp 1", "--clients and --clients-per-ramp exclude each other"},
        {RAMP "--clients-per-ramp 1 --processes 3",
         "--clients-ramp-start 2 is below the 3 workers of --processes 3 and --threads 1: each "
         "worker needs a connection of its own from the start on"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
    line_parses(RAMP "--clients-per-ramp 7 --processes 2");
}

TEST(clients_per_process)
{
    /* breaks if the number of connections depends on the machine, or is multiplied wrongly */
    static const struct line_refusal refusals[] = {
        {"--clients-per-process 5", "--clients-per-process 5 needs --processes N: with auto"},
        {"--clients-per-process 5 --processes auto", "needs --processes N"},
        {"--clients-per-process 5 -c 10 --processes 2", "--clients and --clients-per-process"},
        {"--clients-per-process 5 --clients-ramp-end 10 --processes 2",
         "--clients-per-process and --clients-ramp-end exclude each other"},
        {"--clients-per-process 1m --processes 2", "more than 1,000,000 connections"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
    line_quiet("--clients-per-process 5 --processes 3 --threads 2");
    ck_assert_uint_eq(spec->load.clients, 30);
    line_quiet("--clients-per-process 5 --single-process");
    ck_assert_uint_eq(spec->load.clients, 5);
}

TEST(clients_from_a_config_file)
{
    /* breaks if the command line does not win over the file's connections */
    line_parses_with_config("clients: 7\n", RAMP "--clients-per-ramp 1");
    ck_assert_uint_eq(spec->load.clients, 9);
    line_parses_with_config("clients-ramp-start: 2\nclients-ramp-end: 9\nclients-per-ramp: 1\n"
                            "client-ramp-interval: 1\n",
                            "-c 5");
    ck_assert_uint_eq(spec->load.clients, 5);
    ck_assert_uint_eq(spec->load.client_ramp.start_clients, 0);
}

TEST(steady_and_monitoring)
{
    /* breaks if the warm-up that ends by itself is not asked for, or its default changes */
    line_quiet("--steady auto --test-duration 5");
    ck_assert(spec->load.steady_auto);
    ck_assert_uint_eq(spec->load.steady_limit_ns, 60 * S);
    ck_assert_uint_eq(spec->load.warmup_ns, 0);
    line_quiet("--steady auto --test-duration 5 --steady-limit 10 --warmup 0");
    ck_assert_uint_eq(spec->load.steady_limit_ns, 10 * S);
    line_quiet("--extended-metrics --monitoring-interval 0.1 --require-green");
    ck_assert(!spec->load.steady_auto);
    ck_assert(spec->outputs.extended_metrics && spec->outputs.require_green);
    ck_assert_uint_eq(spec->outputs.monitoring_interval_ns, 100 * NS_PER_MS);
    line_quiet("");
    ck_assert(!spec->outputs.extended_metrics && !spec->outputs.require_green);
    ck_assert_uint_eq(spec->outputs.monitoring_interval_ns, 5 * S);
    line_parses_with_config("warmup: 5\n", "--steady auto --test-duration 5");
    ck_assert(spec->load.steady_auto);
    ck_assert_uint_eq(spec->load.warmup_ns, 0);
    line_parses_with_config("steady: auto\ntest-duration: 5\n", "--warmup 5");
    ck_assert(!spec->load.steady_auto);
    ck_assert_uint_eq(spec->load.warmup_ns, 5 * S);
}

TEST(filling_is_a_closed_loop)
{
    /* breaks if --prefill writes at the rate of the test, or for the length of its ramps */
    struct bench_steps steps;
    line_parses(
        "--prefill -t get -r 100 --qps 5 --shed-after 1 --control /tmp/c --steady auto "
        "--test-duration 5 --clients-ramp-start 2 --clients-ramp-end 9 --clients-per-ramp 1 "
        "--client-ramp-interval 1");
    ck_assert_msg(bench_steps_build(&steps, spec, &line_err) == OK, "%s", line_err.text);
    ck_assert_uint_eq(steps.count, 2);
    const struct spec *fill = &steps.steps[0].spec, *test = &steps.steps[1].spec;
    ck_assert_ptr_nonnull(steps.steps[0].prefill_for);
    ck_assert_ptr_null(fill->rate.steps);
    ck_assert_uint_eq(fill->rate.step_count, 0);
    ck_assert_uint_eq(fill->load.client_ramp.start_clients, 0);
    ck_assert_uint_eq(fill->load.clients, 9);
    ck_assert_uint_eq(fill->rate.shed_after_ns, 0);
    ck_assert(!fill->load.steady_auto);
    ck_assert_ptr_null(fill->rate.control_path);
    ck_assert_str_eq(fill->rate.text, "");
    ck_assert_ptr_eq(test->rate.steps, spec->rate.steps);
    ck_assert_uint_eq(test->load.client_ramp.start_clients, 2);
    bench_steps_free(&steps);
}

TEST_SUITE_WITH(client_options, .tear_down = line_teardown)
