#include "orchestrator/report/change_points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PART_LEAST (4 * CHANGE_POINT_LEAST) /* ranks of fewer are never sure enough */

struct ranked {
    double value;
    size_t place;
};

struct search {
    const double *values;
    double alpha;
    struct ranked *ranked; /* room for all figures, likewise: */
    double *ranks;
    bool *cuts; /* a new level begins there */
};

static int by_value(const void *one, const void *other)
{
    const double left = ((const struct ranked *)one)->value,
                 right = ((const struct ranked *)other)->value;
    return (left > right) - (left < right);
}

double change_point_probability(double statistic, size_t count)
{
    const double pi = acos(-1);
    const double edge = (double)CHANGE_POINT_LEAST / (double)count;
    const double density = exp(-statistic * statistic / 2) / sqrt(2 * pi);
    if (count < 2 * CHANGE_POINT_LEAST || statistic < 1.5) /* for the tail alone */
        return 1;
    const double range = 2 * log((1 - edge) / edge);
    const double p = density * ((statistic - 1 / statistic) * range + 4 / statistic);
    return fmin(p, 1);
}

/* Mid-ranks of a stretch, from 1 on; returns by how much ties make their variance smaller (1: none are). */
static double rank_stretch(const struct search *search, size_t begin, size_t end)
{
    const size_t count = end - begin;
    double tied = 0;
    for (size_t i = 0; i < count; i++)
        search->ranked[i] = (struct ranked){search->values[begin + i], i};
    qsort(search->ranked, count, sizeof search->ranked[0], by_value);
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && search->ranked[next].value == search->ranked[i].value;)
            next++;
        for (size_t k = i; k < next; k++)
            search->ranks[search->ranked[k].place] = (double)(i + 1 + next) / 2;
        const double alike = (double)(next - i);
        tied += alike * (alike * alike - 1);
    }
    const double all = (double)count;
    return 1 - tied / (all * (all * all - 1));
}

/* The place in a stretch at which it falls apart most; 0: nowhere. */
static size_t scan(const struct search *search, size_t begin, size_t end, double *p)
{
    const size_t count = end - begin;
    size_t best = 0;
    double sum = 0, largest = 0;
    *p = 1;
    if (count < 2 * CHANGE_POINT_LEAST)
        return 0;
    const double spread = rank_stretch(search, begin, end), all = (double)count;
    if (!(spread > 0))
        return 0;
    for (size_t i = 1; i <= count - CHANGE_POINT_LEAST; i++) {
        const double before = (double)i;
        sum += search->ranks[i - 1];
        if (i < CHANGE_POINT_LEAST)
            continue;
        const double variance = before * (all - before) * (all + 1) / 12 * spread;
        const double statistic = fabs(sum - before * (all + 1) / 2) / sqrt(variance);
        if (statistic > largest) {
            largest = statistic;
            best = i;
        }
    }
    *p = change_point_probability(largest, count);
    return best > 0 ? begin + best : 0;
}

/* The same, of the stretch or of a part of it, whichever says so most surely: a level that ends again is seen where what is behind it
 * is left out. p is that of the most extreme of so many, by Bonferroni. */
static size_t find_cut(const struct search *search, size_t begin, size_t end, double *p)
{
    double parts = 1, other;
    size_t best = scan(search, begin, end, p);
    for (size_t length = (end - begin) / 2; length >= PART_LEAST; length /= 2)
        for (size_t from = begin; from + length <= end; from += length / 2) {
            const size_t cut = scan(search, from, from + length, &other);
            parts++;
            if (cut > 0 && other < *p) {
                *p = other;
                best = cut;
            }
        }
    *p = fmin(1, *p * parts);
    return best;
}

/* Cuts a stretch as often as it falls apart: without recursion, since there may be many levels. */
static bool cut_all(const struct search *search, size_t count)
{
    size_t *ends = calloc(count + 1, sizeof *ends), waiting = 0, begin = 0;
    if (ends == NULL)
        return false;
    ends[waiting++] = count;
    while (waiting > 0) {
        const size_t end = ends[waiting - 1];
        double p;
        const size_t cut = find_cut(search, begin, end, &p);
        if (cut > 0 && p < search->alpha) {
            search->cuts[cut] = true;
            ends[waiting++] = cut;
        } else {
            begin = end;
            waiting--;
        }
    }
    free(ends);
    return true;
}

static size_t next_cut(const struct search *search, size_t from, size_t count)
{
    while (from < count && !search->cuts[from])
        from++;
    return from;
}

/* Each cut sought anew between those beside it, until none moves: the first ones were found while others lay in between. */
static void settle(const struct search *search, size_t count)
{
    bool moved = true;
    for (size_t round = 0; moved && round < 10; round++) {
        size_t begin = 0;
        moved = false;
        for (size_t cut = next_cut(search, 1, count); cut < count;) {
            const size_t end = next_cut(search, cut + 1, count);
            double p;
            const size_t found = scan(search, begin, end, &p);
            if (found != cut || p >= search->alpha) {
                moved = true;
                search->cuts[cut] = false;
                if (found > 0 && p < search->alpha)
                    search->cuts[found] = true;
            }
            begin = found > 0 && p < search->alpha ? found : begin;
            cut = end;
        }
    }
}

static double median(const struct search *search, size_t begin, size_t end)
{
    const size_t count = end - begin;
    (void)rank_stretch(search, begin, end);
    return (search->ranked[(count - 1) / 2].value + search->ranked[count / 2].value) / 2;
}

static bool take_points(struct change_points *points, const struct search *search, size_t count)
{
    size_t begin = 0;
    points->items = calloc(count / CHANGE_POINT_LEAST + 1, sizeof points->items[0]);
    if (points->items == NULL)
        return false;
    for (size_t cut = next_cut(search, 1, count); cut < count;) {
        const size_t end = next_cut(search, cut + 1, count);
        struct change_point *point = &points->items[points->count++];
        point->place = cut;
        (void)scan(search, begin, end, &point->p);
        point->before = median(search, begin, cut);
        point->after = median(search, cut, end);
        begin = cut;
        cut = end;
    }
    return true;
}

bool change_points_find(struct change_points *points, const double *values, size_t count,
                        double alpha)
{
    struct search search = {.values = values,
                            .alpha = alpha,
                            .ranked = calloc(count + 1, sizeof(struct ranked)),
                            .ranks = calloc(count + 1, sizeof(double)),
                            .cuts = calloc(count + 1, sizeof(bool))};
    *points = (struct change_points){.items = NULL};
    bool done = search.ranked != NULL && search.ranks != NULL && search.cuts != NULL &&
                cut_all(&search, count);
    if (done) {
        settle(&search, count);
        done = take_points(points, &search, count);
    }
    free(search.ranked);
    free(search.ranks);
    free(search.cuts);
    return done;
}

void change_points_free(struct change_points *points)
{
    free(points->items);
    *points = (struct change_points){.items = NULL};
}
