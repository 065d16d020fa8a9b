#include <string.h>

#include "orchestrator/commands/bench_steps.h"
#include "tests/support/check/bench_line.h"
#include "tests/support/check/suite.h"

static const struct spec *const spec = &line_request.spec;

/* Keys that the last prefill of a line writes, and leaves behind with those before it. */
static void expect_keys(const char *line, uint64_t written, uint64_t expected)
{
    struct bench_steps steps;
    line_parses(line);
    ck_assert_msg(bench_steps_build(&steps, spec, &line_err) == OK, "%s: %s", line, line_err.text);
    const struct bench_step *last = &steps.steps[steps.count - 1];
    ck_assert_msg(last->keys_written == written && last->keys_expected == expected,
                  "%s: %llu and %llu", line, (unsigned long long)last->keys_written,
                  (unsigned long long)last->keys_expected);
    bench_steps_free(&steps);
}

TEST(keys_of_tests)
{
    /* breaks if lists and sets are taken for a key a request, or keys for fewer than are read */
    expect_keys("--prefill-only -t get -r 700", 700, 700);
    expect_keys("--prefill-only -t get --sequential 700 --keyspace-offset 9", 700, 700);
    expect_keys("--prefill-only -t get", 1, 1);
    expect_keys("--prefill-only -t get,mget -r 700", 700, 700);
    expect_keys("--prefill-only -t zpopmin -r 700 -n 50", 1, 1);
    expect_keys("--prefill-only -t lrange_600", 1, 1);
    expect_keys("--prefill-only -t get -r 700 --key-prefix x", 700, 700);
}

TEST(keys_of_commands)
{
    /* breaks if the same key counts twice, so that a prefill that is whole is called incomplete, or one that is
     * beside it is forgotten */
    expect_keys("--prefill-only -r 50 -- GET k:__rand_int__", 50, 50);
    expect_keys("--prefill-only -r 50 -- GET k", 1, 1);
    expect_keys("--prefill-only -r 50 -- HGET h f:__rand_int__", 1, 1);
    expect_keys("--prefill-only -r 50 -- GET a:__rand_int__ ; GET b:__rand_int__", 100, 100);
    expect_keys("--prefill-only -r 50 -- MGET a:__rand_int__ b:__rand_int__ c", 100, 100);
    expect_keys("--prefill-only -r 50 -- HGET h:__rand_int__ f ; HGET h:__rand_int__ g", 50, 50);
    expect_keys("--prefill-only -r 50 -- GET k:__rand_int__0 ; GET k:0__rand_int__", 50, 50);
    expect_keys("--prefill-only -r 50 -- 3 XLEN x:__rand_int__", 50, 50);
    expect_keys("--prefill-only -r 50 -n 9 -- GET k:__rand_int__ ; LPOP l", 1, 50);
}

TEST_SUITE_WITH(prefill_keys, .tear_down = line_teardown)
