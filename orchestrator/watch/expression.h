/* Conditions over figures (watch/figure.h), as alert rules have them:
 *
 *   volley_latency_quantile_seconds{q="0.99"} > 0.005 and (volley_rate < 1e4 or failed_percent >= 1)
 *
 * Names, numbers, > >= < <= == !=, and, or, parentheses; they bind as in Prometheus: comparisons before and, and before or.
 * TBD, null or [TBD ...] in place of a number: nobody has said yet. Such a condition is uncalibrated, and never holds.
 *
 * What is not known makes its comparison false, != too. What requests without a reply hide is compared as infinite: above
 * every limit, below none. Pure functions over a value that owns nothing; the orchestrator only. */
#ifndef ORCHESTRATOR_WATCH_EXPRESSION_H
#define ORCHESTRATOR_WATCH_EXPRESSION_H

#include <stdint.h>
#include <stdio.h>

#include "orchestrator/watch/figure.h"

#define EXPRESSION_BYTES_MAX 1000u
#define EXPRESSION_NODES_MAX 64u
#define EXPRESSION_FIGURES_MAX 16u /* different ones */
#define EXPRESSION_DEPTH_MAX 16u   /* parentheses within each other */

enum expression_kind {
    EXPRESSION_NUMBER,
    EXPRESSION_UNSET,
    EXPRESSION_FIGURE,
    EXPRESSION_COMPARISON,
    EXPRESSION_AND,
    EXPRESSION_OR
};
enum expression_sign {
    SIGN_ABOVE,
    SIGN_AT_LEAST,
    SIGN_BELOW,
    SIGN_AT_MOST,
    SIGN_EQUAL,
    SIGN_UNEQUAL
};

struct expression_node {
    enum expression_kind kind;
    enum expression_sign sign; /* EXPRESSION_COMPARISON */
    uint32_t left, right;      /* nodes, of what has two sides */
    uint32_t figure;           /* EXPRESSION_FIGURE */
    double number;             /* EXPRESSION_NUMBER */
    unsigned column;           /* from 1: where it begins */
};

struct expression {
    struct expression_node nodes[EXPRESSION_NODES_MAX];
    uint32_t node_count, root;
    struct watch_figure figures[EXPRESSION_FIGURES_MAX];
    uint32_t figure_count;
    uint32_t first;    /* the comparison that stands first */
    bool uncalibrated; /* some number is not set */
};

/* What a condition comes to at one moment. */
struct expression_result {
    bool holds;
    /* Of the comparison that stands first: its figure, and the number that it is compared with, NAN: a figure, or not set. */
    struct watch_value value;
    double threshold;
};

/* E_CONFIG: it is none, and err says why and from which column, "column 7: ...". *column may be NULL. */
MUST_USE enum err_code expression_parse(struct expression *expression, const char *text,
                                        size_t text_bytes, unsigned *column, struct err *err);
/* values: of expression->figures. */
struct expression_result expression_evaluate(const struct expression *expression,
                                             const struct watch_value *values);
struct expression_result expression_read(const struct expression *expression,
                                         const struct watch_reading *reading);

/* A comparison of a figure with a number, NAN: it is not set; as KPIs have them. */
void expression_of_limit(struct expression *expression, const struct watch_figure *figure,
                         enum expression_sign sign, double limit);

const char *expression_sign_text(enum expression_sign sign); /* ">=" */
/* Written so that it reads back the same. figure_text: what a figure is called there; NULL: its own name. Where strict,
 * as Prometheus needs it: x != 1 and x == x, since what is not known is different from 1 there. */
void expression_print(FILE *out, const struct expression *expression,
                      const char *(*figure_text)(const struct watch_figure *figure), bool strict);

#endif
