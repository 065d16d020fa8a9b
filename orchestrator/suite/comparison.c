#include "orchestrator/suite/comparison.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/statistics.h"
#include "orchestrator/report/two_samples.h"

#define POWER 0.8

struct making {
    struct comparison *comparison;
    double *values[2], *room; /* of one figure of one group */
};

/* ---- one row ---- */

static struct comparison_side describe(const double *values, size_t count)
{
    struct comparison_side side = {.count = count, .mean = statistics_mean(values, count)};
    side.deviation = count > 1 ? statistics_deviation(values, count) : 0;
    side.cv_percent = side.mean != 0 ? 100 * side.deviation / side.mean : 0;
    return side;
}

/* The least p that ranks of so many values can have: 2 of all orders. */
static double least_rank_p(size_t one, size_t other)
{
    const double n = (double)one, m = (double)other;
    return 2 * exp(lgamma(n + 1) + lgamma(m + 1) - lgamma(n + m + 1));
}

static struct sample_mean mean_of(const struct comparison_side *side)
{
    return (struct sample_mean){.mean = side->mean,
                                .error = side->deviation / sqrt((double)side->count)};
}

static struct ratio_interval interval_of(const struct comparison_row *row, double confidence)
{
    return ratio_interval(mean_of(&row->sides[0]), mean_of(&row->sides[1]), row->freedom,
                          confidence);
}

static void compare_runs(struct comparison_row *row, const struct making *making)
{
    const struct comparison_wishes *wishes = &making->comparison->wishes;
    const struct sample base = {making->values[0], (uint32_t)row->sides[0].count};
    const struct sample other = {making->values[1], (uint32_t)row->sides[1].count};
    const struct welch welch = welch_test(base, other);
    const double whole = row->sides[0].mean, alpha = 1 - wishes->confidence;
    if (!(whole > 0))
        return;
    row->change = welch.difference / whole;
    row->p_ranks = mann_whitney_test(base, other, making->room).p;
    if (isnan(welch.p))
        return;
    row->p = welch.p;
    row->freedom = welch.freedom;
    const struct ratio_interval interval = interval_of(row, wishes->confidence);
    row->low = interval.low - 1;
    row->high = interval.high - 1;
    row->detectable = detectable_difference(&welch, wishes->confidence, POWER) / whole;
    row->ranks_disagree =
        row->p < alpha && row->p_ranks >= alpha && least_rank_p(base.count, other.count) < alpha;
}

/* Values of a figure that are known. */
static size_t collect(double *values, const struct comparison_group *group, int side,
                      enum record_figure figure)
{
    size_t known = 0;
    for (size_t i = 0; i < group->counts[side]; i++)
        if (!isnan(group->records[side][i]->values[figure]))
            values[known++] = group->records[side][i]->values[figure];
    return known;
}

/* Not every tool or version has it: what one side lacks is nothing to tell then. */
static bool is_extra(enum record_figure figure)
{
    return figure == RECORD_SERVER_CPU;
}

/* Whether a side has the figure, and knows it of no run. */
static bool is_missing(const struct comparison_row *row)
{
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < row->group->counts[side] && row->sides[side].count == 0; i++)
            if (record_hides(row->group->records[side][i], row->figure))
                return true;
    return false;
}

static bool is_one_sided(const struct comparison_row *row)
{
    return row->sides[0].count == 0 || row->sides[1].count == 0;
}

static void add_row(struct making *making, const struct comparison_group *group,
                    enum record_figure figure)
{
    struct comparison *comparison = making->comparison;
    struct comparison_row row = {.group = group,
                                 .of = group->counts[0] > 0 ? group->records[0][0]
                                                            : group->records[1][0],
                                 .figure = figure,
                                 .change = NAN,
                                 .low = NAN,
                                 .high = NAN,
                                 .p = NAN,
                                 .p_ranks = NAN,
                                 .p_corrected = NAN,
                                 .detectable = NAN,
                                 .answer = ANSWER_ONE_SIDED};
    for (int side = 0; side < 2; side++) {
        const size_t count = collect(making->values[side], group, side, figure);
        row.sides[side] = describe(making->values[side], count);
    }
    if (is_missing(&row))
        row.answer = ANSWER_MISSING;
    else if (row.sides[0].count + row.sides[1].count == 0 ||
             (is_extra(figure) && is_one_sided(&row)))
        return;
    if (!is_one_sided(&row)) {
        row.answer = ANSWER_CANNOT_TELL;
        compare_runs(&row, making);
    }
    comparison->rows[comparison->count++] = row;
}

/* ---- answers ---- */

/* What "the same" is said by: an interval that holds over all rows together, by Bonferroni. */
static double same_within(const struct comparison_wishes *wishes, const struct comparison_row *row,
                          size_t row_count)
{
    const struct ratio_interval interval =
        interval_of(row, 1 - (1 - wishes->confidence) / (double)row_count);
    return fmax(1 - interval.low, interval.high - 1);
}

static enum comparison_answer answer_of(const struct comparison_wishes *wishes,
                                        const struct comparison_row *row, size_t row_count)
{
    if (row->answer == ANSWER_ONE_SIDED || row->answer == ANSWER_MISSING || isnan(row->p_corrected))
        return row->answer;
    if (row->p_corrected < 1 - wishes->confidence && !row->ranks_disagree)
        return (row->change > 0) == record_figure_is_rate(row->figure) ? ANSWER_FASTER
                                                                       : ANSWER_SLOWER;
    return same_within(wishes, row, row_count) <= wishes->threshold ? ANSWER_SAME
                                                                    : ANSWER_CANNOT_TELL;
}

/* One of so many rows, at the level that each has by Bonferroni's correction: enough for Holm's, too. */
static void find_runs_to_tell(struct comparison_row *row, const struct comparison_wishes *wishes,
                              size_t row_count)
{
    const double wanted = wishes->threshold * row->sides[0].mean;
    const uint32_t runs = runs_to_detect(wanted, row->sides[0].deviation, row->sides[1].deviation,
                                         1 - (1 - wishes->confidence) / (double)row_count, POWER,
                                         COMPARISON_RUNS_MAX);
    row->many_runs_to_tell = runs == 0 && wanted > 0;
    row->runs_to_tell = runs > row->sides[0].count && runs > row->sides[1].count ? runs : 0;
}

static enum err_code no_memory(struct err *err)
{
    return err_set(err, E_SYSTEM, "no memory for a comparison");
}

static enum err_code answer_all(struct comparison *comparison, struct err *err)
{
    double *p = calloc(comparison->count + 1, sizeof *p);
    struct holm_place *room = calloc(comparison->count + 1, sizeof *room);
    const bool made = p != NULL && room != NULL;
    size_t known = 0;
    for (size_t i = 0; i < comparison->count && made; i++)
        known += !isnan(p[i] = comparison->rows[i].p);
    if (made)
        holm_correct(p, comparison->count, room);
    for (size_t i = 0; i < comparison->count && made; i++) {
        struct comparison_row *row = &comparison->rows[i];
        row->p_corrected = p[i];
        row->answer = answer_of(&comparison->wishes, row, known);
        if (row->answer == ANSWER_SAME)
            row->same_within = same_within(&comparison->wishes, row, known);
        if (row->answer == ANSWER_CANNOT_TELL && !isnan(row->p))
            find_runs_to_tell(row, &comparison->wishes, known);
        comparison->answers[row->answer]++;
        comparison->regressed |=
            row->answer == ANSWER_SLOWER && fabs(row->change) >= comparison->wishes.threshold;
    }
    free(p);
    free(room);
    return made ? OK : no_memory(err);
}

/* ---- all of them ---- */

static int by_configuration(const void *one, const void *other)
{
    const struct record *left = *(const struct record *const *)one;
    const struct record *right = *(const struct record *const *)other;
    const int order = record_order(left, right);
    return order != 0 ? order : (left > right) - (left < right); /* of one list */
}

static const struct record **sorted(const struct record_set *set)
{
    const struct record **records = calloc(set->count + 1, sizeof(const struct record *));
    for (size_t i = 0; i < set->count && records != NULL; i++)
        records[i] = &set->records[i];
    if (records != NULL)
        qsort(records, set->count, sizeof records[0], by_configuration);
    return records;
}

static bool is_wanted(const struct comparison_wishes *wishes, enum record_figure figure)
{
    if (is_extra(figure))
        return wishes->rates && wishes->latencies;
    return record_figure_is_rate(figure) ? wishes->rates : wishes->latencies;
}

/* Of both sides those records that come next and have one configuration. */
static struct comparison_group next_group(const struct record *const *const records[2],
                                          const size_t counts[2], size_t places[2])
{
    struct comparison_group group = {.counts = {0, 0}};
    const struct record *first = NULL;
    for (int side = 0; side < 2; side++)
        if (places[side] < counts[side] &&
            (first == NULL || record_order(records[side][places[side]], first) < 0))
            first = records[side][places[side]];
    for (int side = 0; side < 2; side++) {
        group.records[side] = records[side] + places[side];
        while (places[side] < counts[side] &&
               record_order(records[side][places[side]], first) == 0) {
            group.counts[side]++;
            places[side]++;
        }
    }
    return group;
}

static size_t add_groups(struct making *making, const struct record *const *const records[2])
{
    struct comparison *comparison = making->comparison;
    const size_t counts[2] = {comparison->sets[0]->count, comparison->sets[1]->count};
    size_t places[2] = {0, 0}, shared = 0;
    while (places[0] < counts[0] || places[1] < counts[1]) {
        struct comparison_group *group = &comparison->groups[comparison->group_count++];
        *group = next_group(records, counts, places);
        shared += group->counts[0] > 0 && group->counts[1] > 0;
        for (unsigned figure = 0; figure < RECORD_FIGURES; figure++)
            if (is_wanted(&comparison->wishes, (enum record_figure)figure))
                add_row(making, group, (enum record_figure)figure);
    }
    return shared;
}

enum err_code comparison_make(struct comparison *comparison, const struct record_set *base,
                              const struct record_set *other,
                              const struct comparison_wishes *wishes, struct err *err)
{
    *comparison = (struct comparison){.sets = {base, other}, .wishes = *wishes};
    struct making making = {.comparison = comparison};
    const struct record **const records[2] = {sorted(base), sorted(other)};
    enum err_code code = OK;
    memcpy(comparison->records, records, sizeof records);
    comparison->groups = calloc(base->count + other->count + 1, sizeof comparison->groups[0]);
    comparison->rows =
        calloc((base->count + other->count + 1) * RECORD_FIGURES, sizeof comparison->rows[0]);
    making.values[0] = calloc(base->count + 1, sizeof(double));
    making.values[1] = calloc(other->count + 1, sizeof(double));
    making.room = calloc(base->count + other->count + 1, sizeof(double));
    if (records[0] == NULL || records[1] == NULL || comparison->rows == NULL ||
        comparison->groups == NULL || making.values[0] == NULL || making.values[1] == NULL ||
        making.room == NULL)
        code = no_memory(err);
    const struct record *const *const given[2] = {records[0], records[1]};
    if (code == OK && add_groups(&making, given) == 0)
        code = err_set(err, E_DATA,
                       "%s and %s have no configuration in common: the same command, pipeline, "
                       "clients, sizes and so on",
                       PRINTABLE(base->name), PRINTABLE(other->name));
    if (code == OK)
        code = answer_all(comparison, err);
    if (code == OK && comparison->answers[ANSWER_ONE_SIDED] + comparison->answers[ANSWER_MISSING] ==
                          comparison->count)
        code =
            err_set(err, E_DATA, "%s and %s have none of the figures that are compared in common",
                    PRINTABLE(base->name), PRINTABLE(other->name));
    for (int side = 0; side < 2; side++)
        free(making.values[side]);
    free(making.room);
    return code;
}

void comparison_free(struct comparison *comparison)
{
    for (int side = 0; side < 2; side++)
        free(comparison->records[side]);
    free(comparison->groups);
    free(comparison->rows);
    *comparison = (struct comparison){.rows = NULL};
}

void comparison_values(double *values, const struct comparison_row *row, int side)
{
    (void)collect(values, row->group, side, row->figure);
}

/* ---- in words ---- */

const char *comparison_answer_word(enum comparison_answer answer)
{
    static const char *const words[] = {
        [ANSWER_FASTER] = "faster",       [ANSWER_SLOWER] = "slower",
        [ANSWER_SAME] = "same",           [ANSWER_CANNOT_TELL] = "cannot_tell",
        [ANSWER_ONE_SIDED] = "one_sided", [ANSWER_MISSING] = "missing"};
    return words[answer];
}

void comparison_answer_format(char text[COMPARISON_ANSWER_BYTES],
                              const struct comparison *comparison, const struct comparison_row *row)
{
    const double low = 100 * fmin(fabs(row->low), fabs(row->high));
    const double high = 100 * fmax(fabs(row->low), fabs(row->high));
    int used;
    text[0] = '\0';
    switch (row->answer) {
    case ANSWER_FASTER:
    case ANSWER_SLOWER:
        used = snprintf(text, COMPARISON_ANSWER_BYTES, "%s by %.1f %% (%.1f ",
                        comparison_answer_word(row->answer), 100 * fabs(row->change), low);
        snprintf(text + used, COMPARISON_ANSWER_BYTES - (size_t)used,
                 isfinite(high) ? "to %.1f %%)" : "%% or more)", high);
        break;
    case ANSWER_SAME:
        snprintf(text, COMPARISON_ANSWER_BYTES, "same within %.1f %%", 100 * row->same_within);
        break;
    case ANSWER_CANNOT_TELL:
        if (row->sides[0].count < 2 || row->sides[1].count < 2)
            snprintf(text, COMPARISON_ANSWER_BYTES, "cannot tell (one run says nothing of chance)");
        else if (row->ranks_disagree)
            snprintf(text, COMPARISON_ANSWER_BYTES,
                     "cannot tell (single runs make the difference)");
        else if (row->runs_to_tell > 0)
            snprintf(text, COMPARISON_ANSWER_BYTES, "cannot tell (%u runs would tell %.4g %%)",
                     row->runs_to_tell, 100 * comparison->wishes.threshold);
        else if (row->many_runs_to_tell)
            snprintf(text, COMPARISON_ANSWER_BYTES,
                     "cannot tell (more than %s runs would tell %.4g %%)",
                     UNITS_GROUPED(COMPARISON_RUNS_MAX), 100 * comparison->wishes.threshold);
        else
            snprintf(text, COMPARISON_ANSWER_BYTES, "cannot tell");
        break;
    case ANSWER_ONE_SIDED:
        snprintf(text, COMPARISON_ANSWER_BYTES, "n/a");
        break;
    case ANSWER_MISSING:
        snprintf(text, COMPARISON_ANSWER_BYTES, "not known (too many requests had no reply)");
        break;
    case COMPARISON_ANSWERS:
        break;
    }
}

/* What is surest first; without a p last. */
static int by_p(const void *one, const void *other, void *comparison)
{
    const struct comparison_row *rows = ((const struct comparison *)comparison)->rows;
    const size_t left = *(const size_t *)one, right = *(const size_t *)other;
    const double p = isnan(rows[left].p) ? 2 : rows[left].p;
    const double q = isnan(rows[right].p) ? 2 : rows[right].p;
    return p != q ? (p > q) - (p < q) : (left > right) - (left < right);
}

static int by_place(const void *one, const void *other)
{
    const size_t left = *(const size_t *)one, right = *(const size_t *)other;
    return (left > right) - (left < right);
}

size_t comparison_keep_surest(size_t *places, size_t count, size_t most,
                              const struct comparison *comparison)
{
    if (count <= most)
        return count;
    qsort_r(places, count, sizeof places[0], by_p, (void *)(uintptr_t)comparison);
    qsort(places, most, sizeof places[0], by_place);
    return most;
}
