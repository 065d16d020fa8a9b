/* Rounds of made-up runs: what is kept, what is not and why, and who is next. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/watch/optimisation.h"
#include "tests/support/check/suite.h"

enum { RATE, LATENCY, ERRORS, KPIS };
#define RUNS 4u

static struct optimisation optimisation;

static void begin(size_t named, uint32_t rounds)
{
    static const char *const names[KPIS] = {"messages_per_minute", "p95_latency_ms",
                                            "error_percentage"};
    struct err err = {.code = OK};
    const struct diagnosis none = {.found = 0};
    const double first[KPIS] = {100, 10, 0};
    optimisation = (struct optimisation){.kpi_count = KPIS,
                                         .named = named,
                                         .errors = ERRORS,
                                         .confidence = 0.95,
                                         .threshold = 0.05,
                                         .planned_rounds = rounds,
                                         .planned_runs = RUNS};
    for (size_t i = 0; i < KPIS; i++) {
        struct kpi *kpi = &optimisation.kpis[i];
        *kpi = (struct kpi){.target = NAN, .warning = NAN, .critical = NAN};
        snprintf(kpi->name, sizeof kpi->name, "%s", names[i]);
        ck_assert_int_eq(watch_figure_find(&kpi->figure, names[i], strlen(names[i]), &err), OK);
        kpi->higher_is_better = kpi->figure.higher_is_better;
    }
    ck_assert_int_eq(tuning_book_read(&optimisation.book, CACHES_NONE, &err), OK);
    optimisation.before = (struct tuning_profile){
        .buffer = optimisation.book.shipped[SHIPPED_BYPASS], .request_timeout_ns = NS_PER_SECOND};
    optimisation.best = optimisation.before;
    ck_assert_int_eq(optimisation_init(&optimisation, &err), OK);
    optimisation_look(&optimisation, first, &none, 0);
}

static struct optimisation_round *begin_round(void)
{
    struct err err = {.code = OK};
    struct optimisation_round *round;
    ck_assert_int_eq(optimisation_begin_round(&round, &optimisation, &err), OK);
    return round;
}

/* Its runs vary by a hundredth. */
static void add(struct optimisation_round *round, int side, const double means[KPIS])
{
    for (uint32_t i = 0; i < RUNS; i++) {
        double values[KPIS];
        for (size_t k = 0; k < KPIS; k++)
            values[k] = means[k] * (1 + 0.01 * ((double)i - 1.5));
        optimisation_add(&optimisation, round, side, values, "");
    }
}

static const struct {
    size_t named;
    double best[KPIS], tried[KPIS];
    double critical; /* of latency; 0: none */
    enum optimisation_answer answer;
} rounds[] = {
    {RATE, {100, 10, 0}, {150, 10, 0}, 0, OPTIMISATION_KEPT},
    {RATE, {100, 10, 0}, {50, 1, 0}, 0, OPTIMISATION_WORSE},
    {RATE, {100, 10, 0}, {100.1, 10, 0}, 0, OPTIMISATION_NO_BETTER},
    {RATE, {100, 10, 0}, {104.5, 10, 0}, 0, OPTIMISATION_NO_BETTER}, /* sure, and too little */
    {RATE, {100, 10, 0}, {150, 10, 3}, 0, OPTIMISATION_HARMS},
    {RATE, {100, 10, 3}, {150, 10, 3}, 0, OPTIMISATION_KEPT},
    {RATE, {100, 10, 0}, {150, 30, 0}, 20, OPTIMISATION_HARMS},
    {RATE, {100, 25, 0}, {150, 30, 0}, 20, OPTIMISATION_KEPT}, /* it was critical before */
    {RATE, {100, 10, 0}, {150, 15, 0}, 20, OPTIMISATION_KEPT},
    {RATE, {0, 10, 0}, {10, 10, 0}, 0, OPTIMISATION_KEPT}, /* of nothing there is no part */
    {RATE, {100, 10, 0}, {NAN, 10, 0}, 0, OPTIMISATION_CANNOT_TELL},
    {RATE, {100, 10, 0}, {150, NAN, 0}, 20, OPTIMISATION_KEPT},
    {LATENCY, {100, 10, 0}, {100, 5, 0}, 0, OPTIMISATION_KEPT},
    {LATENCY, {100, 10, 0}, {100, 15, 0}, 0, OPTIMISATION_WORSE},
    {ERRORS, {100, 10, 4}, {100, 10, 1}, 0, OPTIMISATION_KEPT},
};

LOOP_TEST(what_is_kept, sizeof rounds / sizeof rounds[0])
{
    /* Breaks when what is not surely better is kept, or at the cost of another figure; or what is, is not, in either direction. */
    begin(rounds[_i].named, 3);
    if (rounds[_i].critical > 0)
        optimisation.kpis[LATENCY].critical = rounds[_i].critical;
    struct optimisation_round *round = begin_round();
    add(round, SIDE_TRIED, rounds[_i].tried);
    add(round, SIDE_BEST, rounds[_i].best);
    optimisation_judge(&optimisation, round);
    ck_assert_str_eq(optimisation_answer_word(round->answer),
                     optimisation_answer_word(rounds[_i].answer));
    const bool kept = rounds[_i].answer == OPTIMISATION_KEPT;
    ck_assert_uint_eq(optimisation.kept, kept ? 1 : 0);
    ck_assert_str_eq(optimisation.best.buffer.name,
                     kept ? round->choice.profile.buffer.name : "bypass");
    ck_assert_str_ne(round->reason, "");
    optimisation_free(&optimisation);
}

TEST(costs_are_told)
{
    /* Breaks when what is paid for a better KPI is not said, or what is no cost is. */
    const double base[KPIS] = {100, 10, 0}, dear[KPIS] = {150, 20, 0}, cheap[KPIS] = {150, 9, 0};
    for (int costs = 0; costs < 2; costs++) {
        begin(RATE, 3);
        struct optimisation_round *round = begin_round();
        add(round, SIDE_TRIED, costs > 0 ? dear : cheap);
        add(round, SIDE_BEST, base);
        optimisation_judge(&optimisation, round);
        ck_assert_int_eq(round->answer, OPTIMISATION_KEPT);
        ck_assert_str_eq(round->reason, costs > 0
                                            ? "messages_per_minute is surely better; it costs "
                                              "p95_latency_ms (+100.0 %)"
                                            : "messages_per_minute is surely better");
        optimisation_free(&optimisation);
    }
}

TEST(many_rounds_are_one_family)
{
    /* Breaks when trying often enough finds something by luck: what one round alone would keep, fifty do not. */
    const double tried[RUNS] = {108, 113, 105, 122}, best[RUNS] = {100, 95, 104, 99};
    for (int several = 0; several < 2; several++) {
        begin(RATE, several > 0 ? 50 : 1);
        struct optimisation_round *round = begin_round();
        for (uint32_t i = 0; i < RUNS; i++) {
            optimisation_add(&optimisation, round, SIDE_TRIED, (double[KPIS]){tried[i], 1, 0}, "");
            optimisation_add(&optimisation, round, SIDE_BEST, (double[KPIS]){best[i], 1, 0}, "");
        }
        optimisation_judge(&optimisation, round);
        ck_assert_double_lt(round->p, 0.05);
        ck_assert_double_gt(round->p, 0.001);
        ck_assert_int_eq(round->answer, several > 0 ? OPTIMISATION_NO_BETTER : OPTIMISATION_KEPT);
        ck_assert(several > 0 ? round->low < 0 : round->low > 0);
        optimisation_free(&optimisation);
    }
}

TEST(mishaps_keep_nothing)
{
    /* Breaks when a round counts of which a run failed, or is missing. */
    const double better[KPIS] = {200, 5, 0}, base[KPIS] = {100, 10, 0};
    begin(RATE, 2);
    struct optimisation_round *round = begin_round();
    add(round, SIDE_BEST, base);
    optimisation_add(&optimisation, round, SIDE_TRIED, better, "the server was away");
    optimisation_judge(&optimisation, round);
    ck_assert_int_eq(round->answer, OPTIMISATION_CANNOT_TELL);
    ck_assert_ptr_nonnull(strstr(round->reason, "the server was away"));
    round = begin_round();
    add(round, SIDE_BEST, base);
    optimisation_add(&optimisation, round, SIDE_TRIED, better, "");
    optimisation_judge(&optimisation, round);
    ck_assert_int_eq(round->answer, OPTIMISATION_CANNOT_TELL);
    ck_assert_uint_eq(optimisation.kept, 0);
    ck_assert_ptr_null(begin_round());
    ck_assert(!optimisation.exhausted);
    optimisation_free(&optimisation);
}

TEST(ends_without_changes)
{
    /* Breaks when rounds go on without anything new to try, or that is not said. */
    begin(RATE, OPTIMISATION_ROUNDS_MAX);
    const double same[KPIS] = {100, 10, 0};
    struct optimisation_round *round;
    while ((round = begin_round()) != NULL) {
        add(round, SIDE_BEST, same);
        add(round, SIDE_TRIED, same);
        optimisation_judge(&optimisation, round);
    }
    ck_assert(optimisation.exhausted);
    ck_assert_uint_ge(optimisation.round_count, 3);
    optimisation_free(&optimisation);
}

TEST(who_is_next)
{
    /* Breaks when somebody is sent for though a change was kept, nobody though the limit is still passed, or a level is told of
     * what was cut short. */
    enum tuning_level level;
    const double better[KPIS] = {200, 5, 0}, base[KPIS] = {100, 10, 0};
    const struct diagnosis server = {.order = {CAUSE_SERVER_CPU}, .found = 1};
    begin(RATE, 3);
    optimisation_look(&optimisation, base, &server, 0);
    ck_assert(optimisation_level(&level, &optimisation));
    ck_assert_int_eq(level, LEVEL_ARCHITECTURE);
    struct optimisation_round *round = begin_round();
    add(round, SIDE_BEST, base);
    add(round, SIDE_TRIED, better);
    optimisation_judge(&optimisation, round);
    ck_assert(optimisation_level(&level, &optimisation));
    ck_assert_int_eq(level, LEVEL_AUTOMATIC);
    optimisation.kpis[RATE].warning = 150; /* passed before, and no more */
    ck_assert(optimisation_level(&level, &optimisation));
    ck_assert_int_eq(level, LEVEL_AUTOMATIC);
    optimisation.kpis[RATE].warning = 250;
    ck_assert(optimisation_level(&level, &optimisation));
    ck_assert_int_eq(level, LEVEL_ARCHITECTURE);
    optimisation.interrupted = true;
    ck_assert(!optimisation_level(&level, &optimisation));
    optimisation_free(&optimisation);
}

static char *written(void (*write)(struct output *out, const struct optimisation *of))
{
    static char text[16384];
    struct output out;
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    output_borrow(&out, file);
    write(&out, &optimisation);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void ck_has(const char *text, const char *wanted)
{
    ck_assert_msg(strstr(text, wanted) != NULL, "\"%.200s\" is missing in:\n%.3000s", wanted, text);
}

TEST(what_is_told)
{
    /* Breaks when a name is Markdown or a command for a terminal, or what to run and what to go back to is missing. */
    const double better[KPIS] = {200, 5, 0}, base[KPIS] = {100, 10, 0};
    begin(RATE, 3);
    optimisation.config_path = "/tmp/my load.yaml";
    optimisation.config_is_load = true;
    optimisation.before_path = "<b>plain</b>\x1b[31m";
    optimisation.written_path = "kept.yaml";
    snprintf(optimisation.before.buffer.name, sizeof optimisation.before.buffer.name,
             "<b>plain</b>\x1b[31m");
    ck_has(written(optimisation_write_text), "Nothing was kept: it stays as it was");
    struct optimisation_round *round = begin_round();
    add(round, SIDE_BEST, base);
    add(round, SIDE_TRIED, better);
    optimisation_judge(&optimisation, round);
    optimisation.best.request_timeout_ns = 2 * NS_PER_SECOND;
    const char *text = written(optimisation_write_text);
    ck_has(text, "Use it: volley bench --config '/tmp/my load.yaml' --buffer kept.yaml "
                 "--request-timeout 2s\n");
    ck_has(text, "Go back: volley bench --config '/tmp/my load.yaml' --buffer '<b>plain</b>");
    ck_has(text, "L1, automatic configuration adjustment: 1 of 1 changes was kept");
    ck_has(text, "+100.0 %");
    ck_assert_ptr_null(strchr(text, '\x1b'));
    text = written(optimisation_write_markdown);
    ck_has(text, "kept: messages_per_minute is surely better");
    ck_assert_ptr_null(strstr(text, "- Before: <b>"));
    ck_assert_ptr_null(strchr(text, '\x1b'));
    optimisation.config_is_load = false;
    ck_has(written(optimisation_write_text), "Use it: volley bench --buffer kept.yaml "
                                             "--request-timeout 2s, with the other options");
    optimisation_free(&optimisation);
}

TEST_SUITE(optimisation)
