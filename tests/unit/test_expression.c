#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "orchestrator/watch/expression.h"
#include "tests/support/check/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Values of a made-up moment, by name. */
static const struct {
    const char *name;
    struct watch_value value;
} moment[] = {
    {"volley_rate", {.number = 1000}},
    {"buffer_latency_p95", {.number = 12}},
    {"buffer.latency.p95", {.number = 12}},
    {"volley_latency_quantile_seconds{q=\"0.99\"}", {.number = 0.02}},
    {"failed_percent", {.number = 0}},
    {"response_time_us.p99", {.number = 5, .at_least = true}},
    {"used_memory", {.number = NAN}},
};

static struct expression_result at_the_moment(const struct expression *expression)
{
    struct watch_value values[EXPRESSION_FIGURES_MAX];
    for (uint32_t i = 0; i < expression->figure_count; i++)
        for (size_t k = 0; k < COUNT(moment); k++)
            if (strcmp(expression->figures[i].name, moment[k].name) == 0)
                values[i] = moment[k].value;
    return expression_evaluate(expression, values);
}

static void parse(struct expression *expression, const char *text)
{
    struct err err = {.code = OK};
    ck_assert_msg(expression_parse(expression, text, strlen(text), NULL, &err) == OK, "%s: %s",
                  text, err.text);
}

static const struct {
    const char *text;
    bool holds;
    double value, threshold;
} good[] = {
    {"volley_rate > 999", true, 1000, 999},
    {"volley_rate>1000", false, 1000, 1000},
    {"volley_rate >= 1e3", true, 1000, 1000},
    {"volley_rate < 1000.5", true, 1000, 1000.5},
    {"volley_rate <= 9.9e2", false, 1000, 990},
    {"volley_rate == 1000", true, 1000, 1000},
    {"volley_rate != 1000", false, 1000, 1000},
    {"volley_rate > -5", true, 1000, -5},
    {"10 < buffer_latency_p95", true, 12, 10},
    {"buffer.latency.p95 > 10", true, 12, 10},
    {"volley_latency_quantile_seconds{q=\"0.99\"} > 0.01", true, 0.02, 0.01},
    {"volley_latency_quantile_seconds { q = '0.99' } > 0.01", true, 0.02, 0.01},
    {"volley_latency_quantile_seconds{ q = '0.99' } > 0.01", true, 0.02, 0.01},
    {"volley_rate > buffer_latency_p95", true, 1000, NAN},
    /* and binds closer than or */
    {"volley_rate > 1 or volley_rate > 1 and volley_rate < 1", true, 1000, 1},
    {"(volley_rate > 1 or volley_rate > 1) and volley_rate < 1", false, 1000, 1},
    {"failed_percent > 1 and volley_rate > 1 or volley_rate > 1", true, 0, 1},
    {"failed_percent > 1 AND (volley_rate > 1 OR volley_rate > 1)", false, 0, 1},
    {"((volley_rate)) > (1)", true, 1000, 1},
    {"volley_rate > 1\n  and failed_percent < 1\n", true, 1000, 1},
    /* hidden by requests without a reply: above every limit, below none */
    {"response_time_us.p99 > 1e300", true, 5, 1e300},
    {"response_time_us.p99 < 1e300", false, 5, 1e300},
    /* not known */
    {"used_memory > 0", false, NAN, 0},
    {"used_memory <= 0", false, NAN, 0},
    {"used_memory != 0", false, NAN, 0},
    {"used_memory == 0 or volley_rate > 1", true, NAN, 0},
    /* not set */
    {"volley_rate > TBD", false, 1000, NAN},
    {"volley_rate > null", false, 1000, NAN},
    {"volley_rate > [TBD: after the first runs]", false, 1000, NAN},
    {"volley_rate > 1 or failed_percent > tbd", false, 1000, 1},
};

LOOP_TEST(test_a_condition_means_what_it_says, COUNT(good))
{
    /* Breaks when a comparison, or how they bind, is read otherwise than Prometheus would. */
    struct expression expression;
    const char *text = good[_i].text;
    if (strstr(text, "seconds {") != NULL) { /* a blank before the brace: two words */
        ck_assert_int_eq(expression_parse(&expression, text, strlen(text), NULL, NULL), E_CONFIG);
        return;
    }
    parse(&expression, text);
    const struct expression_result result = at_the_moment(&expression);
    ck_assert_msg(result.holds == good[_i].holds, "%s", text);
    ck_assert_msg(isnan(good[_i].value) ? isnan(result.value.number)
                                        : result.value.number == good[_i].value,
                  "%s: %f", text, result.value.number);
    ck_assert_msg(isnan(good[_i].threshold) ? isnan(result.threshold)
                                            : result.threshold == good[_i].threshold,
                  "%s: %f", text, result.threshold);
    ck_assert(expression.uncalibrated ==
              (strstr(text, "TBD") != NULL || strstr(text, "null") || strstr(text, "tbd")));
}

static const struct {
    const char *text, *says;
    unsigned column;
} bad[] = {
    {"", "it is empty", 1},
    {"   ", "it is empty", 1},
    {"volley_rate", "compared with nothing", 1},
    {"volley_rat > 1", "did you mean volley_rate?", 1},
    {"volley_rate > 1 and buffer_latency_p96 > 1", "did you mean buffer_latency_p9", 21},
    {"1 > 2", "both sides are numbers", 3},
    {"volley_rate > 1 and 1 < TBD", "both sides are numbers", 23},
    {"volley_rate > 1 > 0", "a comparison cannot be compared", 17},
    {"volley_rate >", "missing at the end", 14},
    {"> 1", "missing before \">\"", 1},
    {"volley_rate > 1 and", "missing at the end", 20},
    {"volley_rate > 1 volley_rate > 2", "is missing before \"volley_rate\"", 17},
    {"(volley_rate > 1", "is not closed", 1},
    {"volley_rate > 1)", "that none opened", 16},
    {"volley_rate = 1", "equal is ==", 13},
    {"volley_rate + 1 > 2", "no arithmetic", 13},
    {"volley_rate > 10ms", "no unit", 17},
    {"volley_rate > 10%", "no unit", 17},
    {"volley_rate > 1e999", "no finite number", 15},
    {"volley_rate[5m] > 1", "no ranges", 12},
    {"volley_rate > 1 unless failed_percent > 1", "there are and, or", 17},
    {"volley_latency_quantile_seconds{q=\"0.99\" > 1", "is not closed", 32},
    {"volley_rate and failed_percent > 1", "compared with nothing", 1},
    {"volley_rate > 1 or 5", "compared with nothing", 20},
    {"\xc3\xa4 > 1", "does not belong here", 1},
    {"volley_rate > 1 or \xc3\xa4", "does not belong here", 20},
};

LOOP_TEST(test_what_is_none_is_refused_where_it_is_wrong, COUNT(bad))
{
    /* Breaks when a typing error is taken for a condition, or the message points elsewhere. */
    struct expression expression;
    struct err err = {.code = OK};
    unsigned column = 0;
    ck_assert_int_eq(
        expression_parse(&expression, bad[_i].text, strlen(bad[_i].text), &column, &err), E_CONFIG);
    ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s: %s", bad[_i].text, err.text);
    ck_assert_msg(column == bad[_i].column, "%s: %u, %s", bad[_i].text, column, err.text);
}

TEST(test_length_and_depth_are_bounded)
{
    /* Breaks when a hostile condition takes the stack, or more places than there are. */
    struct expression expression;
    static char text[EXPRESSION_BYTES_MAX + 2];
    struct err err = {.code = OK};
    memset(text, '(', 500);
    ck_assert_int_eq(expression_parse(&expression, text, 500, NULL, &err), E_CONFIG);
    ck_assert(strstr(err.text, "deeper") != NULL);
    memset(text, ' ', sizeof text);
    err.code = OK;
    ck_assert_int_eq(expression_parse(&expression, text, sizeof text - 1, NULL, &err), E_CONFIG);
    ck_assert(strstr(err.text, "too long") != NULL);
    size_t used = 0;
    for (unsigned i = 0; used + 20 < EXPRESSION_BYTES_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%svolley_rate>1",
                                 i > 0 ? " or " : "");
    err.code = OK;
    ck_assert_int_eq(expression_parse(&expression, text, used, NULL, &err), E_CONFIG);
    ck_assert_msg(strstr(err.text, "too long") != NULL, "%s", err.text);
}

/* ---- random conditions, and what a reader of their tree says of them ---- */

struct draw {
    uint64_t seed, drawn;
    FILE *out;
    unsigned left;
};

static unsigned below(struct draw *draw, unsigned limit)
{
    return (unsigned)rng_bounded(rng_at(draw->seed, draw->drawn++), limit);
}

static bool draw_comparison(struct draw *draw)
{
    static const char *const signs[] = {">", ">=", "<", "<=", "==", "!="};
    const unsigned at = below(draw, COUNT(moment)), sign = below(draw, COUNT(signs));
    const int limit = (int)below(draw, 3000) / (int)(1 + below(draw, 200)) - 2;
    double value = moment[at].value.number;
    fprintf(draw->out, "%s%s%s%d", moment[at].name, below(draw, 2) ? " " : "", signs[sign], limit);
    if (isnan(value))
        return false;
    if (moment[at].value.at_least)
        value = INFINITY;
    const bool holds[] = {value > limit,  value >= limit, value < limit,
                          value <= limit, value == limit, value != limit};
    return holds[sign];
}

static bool draw_condition(struct draw *draw, unsigned depth);

static bool draw_in_parentheses(struct draw *draw, unsigned depth)
{
    if (depth > 5 || draw->left == 0 || below(draw, 3) == 0)
        return draw_comparison(draw);
    draw->left--;
    fprintf(draw->out, "(");
    const bool holds = draw_condition(draw, depth + 1);
    fprintf(draw->out, ")");
    return holds;
}

static bool draw_condition(struct draw *draw, unsigned depth)
{
    bool any = false;
    for (unsigned i = 0, ors = 1 + below(draw, 2); i < ors; i++) {
        bool all = true;
        fprintf(draw->out, "%s", i > 0 ? " or " : "");
        for (unsigned k = 0, ands = 1 + below(draw, 2); k < ands; k++) {
            fprintf(draw->out, "%s", k > 0 ? " and " : "");
            all &= draw_in_parentheses(draw, depth);
        }
        any |= all;
    }
    return any;
}

TEST(test_random_conditions_are_read_as_they_are_built)
{
    /* Breaks when some nesting of and, or, parentheses evaluates otherwise, or is written as another one. */
    unsigned read = 0;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        char *text = NULL, *again = NULL;
        size_t bytes = 0;
        struct draw draw = {.seed = seed, .left = 6, .out = open_memstream(&text, &bytes)};
        struct expression expression, second;
        const bool holds = draw_condition(&draw, 0);
        ck_assert_int_eq(fclose(draw.out), 0);
        if (expression_parse(&expression, text, bytes, NULL, NULL) == OK) {
            read++;
            ck_assert_msg(at_the_moment(&expression).holds == holds, "%s", text);
            FILE *out = open_memstream(&again, &bytes);
            expression_print(out, &expression, NULL, false);
            ck_assert_int_eq(fclose(out), 0);
            parse(&second, again);
            ck_assert_msg(at_the_moment(&second).holds == holds, "%s: %s", text, again);
        } else {
            ck_assert_msg(bytes > 200, "%s", text);
        }
        free(text);
        free(again);
    }
    ck_assert_uint_gt(read, 2000);
}

TEST(test_the_reference_has_every_short_name)
{
    /* Breaks when a name for rules is added, or renamed, and docs/reference/alerts.md does not have it. */
    static char page[64 * 1024];
    char wanted[WATCH_NAME_BYTES + 4];
    FILE *in = fopen("docs/reference/alerts.md", "re");
    const char *name;
    ck_assert_ptr_nonnull(in);
    ck_assert_uint_gt(fread(page, 1, sizeof page - 1, in), 0);
    ck_assert_int_eq(fclose(in), 0);
    for (size_t i = 0; (name = watch_figure_name_at(i)) != NULL; i++) {
        if (strchr(name, '.') != NULL || strncmp(name, "volley_", 7) == 0)
            continue;
        snprintf(wanted, sizeof wanted, "`%s`", name);
        ck_assert_msg(strstr(page, wanted) != NULL, "%s", name);
    }
}

TEST_SUITE(expression)
