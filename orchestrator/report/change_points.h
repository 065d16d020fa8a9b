/* Where a series of figures goes to another level, and stays there: a step, not an outlier, and not the noise from one figure to
 * the next. Pure but for its memory; callable from anywhere in the orchestrator.
 *
 * The method: of all places in a stretch of the series, the one at which the ranks before and behind differ most is looked at, by
 * the standardized statistic of Mann and Whitney with mid-ranks. How often chance alone makes the largest of so many as large is
 * told by Miller and Siegmund ("Maximally selected chi square statistics", Biometrics 38, 1982). Where that is below `alpha`, the
 * stretch is cut there, and both parts are looked at in turn; so are parts of halves, quarters and so on that overlap by half
 * (Kovacs, Buehlmann, Li and Munk, "Seeded binary segmentation", Biometrika 110, 2023), with p times their number (Vostrikova, "Detecting disorder in multidimensional random
 * processes", Soviet Mathematics Doklady 24, 1981); in the end each place is sought anew between its neighbours, and
 * dropped where it does not stand there. Ranks, since a single wild figure must not make a step.
 *
 * Figures are taken to be independent of one another: what drifts (heat, neighbours) is marked, too, and rightly so. */
#ifndef ORCHESTRATOR_REPORT_CHANGE_POINTS_H
#define ORCHESTRATOR_REPORT_CHANGE_POINTS_H

#include <stdbool.h>
#include <stddef.h>

/* A level has as many figures at least: fewer tell nothing by their ranks. */
#define CHANGE_POINT_LEAST 5u
/* So that of a hundred series without a step at most one is marked; fewer are, since the parts overlap. */
#define CHANGE_POINT_ALPHA 0.01

struct change_point {
    size_t place;         /* of the first figure of the new level */
    double before, after; /* medians of the levels that meet there */
    double p;             /* that chance makes one as large between the neighbours */
};

struct change_points {
    struct change_point *items; /* by place */
    size_t count;
};

/* Of figures none of which is NAN. False: no memory. change_points_free in any case. */
bool change_points_find(struct change_points *points, const double *values, size_t count,
                        double alpha);
void change_points_free(struct change_points *points);

/* Miller and Siegmund's probability that the largest of a stretch of `count` is `statistic` or more. */
double change_point_probability(double statistic, size_t count);

#endif
