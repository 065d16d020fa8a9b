/* What the scripts of pictures have in common: a sheet with a title, boxes in it that share an axis of time, blocks of data,
 * regions and marks. For those that draw, here and in rooms above. Places are pixels of the sheet, from the lower left corner. */
#ifndef ORCHESTRATOR_PAGE_PICTURE_SCRIPT_H
#define ORCHESTRATOR_PAGE_PICTURE_SCRIPT_H

#include "orchestrator/page/page.h"
#include "orchestrator/page/picture.h"

#define PICTURE_WIDTH 1600
#define PICTURE_HEIGHT 900
#define PICTURE_LEFT 92
#define PICTURE_RIGHT (PICTURE_WIDTH - 28)

/* Okabe and Ito's, as in orchestrator/page/src/panels.js: a series has one colour in every picture. */
#define PICTURE_BLACK "#000000"
#define PICTURE_GREY "#767676"
#define PICTURE_ORANGE "#E69F00"
#define PICTURE_SKY "#56B4E9"
#define PICTURE_GREEN "#009E73"
#define PICTURE_BLUE "#0072B2"
#define PICTURE_VERMILION "#D55E00"
#define PICTURE_PURPLE "#CC79A7"

struct picture_sheet {
    FILE *out;
    const struct page_result *result; /* NULL: picture_open_titled */
    double begin, end;                /* seconds: the axis of time */
    double font_scale;                /* of pixels to what the terminal counts in */
};

struct picture_box {
    int left, right, bottom, top;
};

/* Terminal, and the title: what, and where and when the result is from. */
struct picture_sheet picture_open(FILE *out, enum picture_format format, const char *what,
                                  const struct page_result *result);
/* The same without a result, under a title of the caller's: there is no axis of time. */
struct picture_sheet picture_open_titled(FILE *out, enum picture_format format, const char *title);
void picture_close(const struct picture_sheet *sheet);
/* What follows stands there, nothing of the box before is left, and there is a grid. */
void picture_box(const struct picture_sheet *sheet, const struct picture_box *box);
/* Clock of the sheet's time along a box; labelled: with words, for the lowest of several. */
void picture_time_axis(const struct picture_sheet *sheet, const struct picture_box *box,
                       bool labelled);
/* What its horizontal axis shows. */
void picture_words(const struct picture_sheet *sheet, const struct picture_box *box,
                   const char *words);
/* At a place; align: "left", "center", "right". */
void picture_label(const struct picture_sheet *sheet, double x, double y, const char *align,
                   int font, const char *colour, const char *text);
double picture_text_width(const char *text, int font);
double picture_x(const struct picture_sheet *sheet, const struct picture_box *box, double seconds);

/* Runs or phases, warm-ups, outages and what was done, as tints behind the data; named: with their names in the rows above
 * the box, as far as there is room. */
#define PICTURE_NAME_ROWS 5
#define PICTURE_NAME_ROW_HEIGHT 16
void picture_regions(const struct picture_sheet *sheet, const struct picture_box *box, bool named);
/* Kinds of phases; a colour each. */
#define PICTURE_TYPES_MAX 16u
struct picture_types {
    uint32_t count;
    const char *names[PICTURE_TYPES_MAX];
};
struct picture_types picture_types(const struct page_result *result);
/* PICTURE_TYPES_MAX: of none. */
uint32_t picture_type_at(const struct page_result *result, const struct picture_types *types,
                         double seconds);
const char *picture_type_colour(uint32_t type);

/* A column as a block of points, thinned to what can be seen: smallest and largest of each stretch. */
struct picture_block {
    const char *name;
    bool any, open; /* open: a block NAME_open, of times that are at least so much */
    double least, most;
};
/* NULL: it has no such column. */
const struct page_column *picture_column(const struct page_table *table, const char *name);
double picture_low(const struct page_table *table, const struct page_column *column, size_t row);
double picture_high(const struct page_table *table, const struct page_column *column, size_t row);
struct picture_block picture_block(const struct picture_sheet *sheet, const char *name,
                                   const struct page_table *table, const char *column,
                                   double divisor);
/* A median of what is known of a column, and its largest value. */
double picture_median(const struct page_table *table, const char *column);
double picture_most(const struct page_table *table, const char *column);

/* Of values of a unit up to the largest of them: by what they are divided, and how they are called then. */
struct picture_unit {
    double divisor;
    const char *name, *tics;
};
struct picture_unit picture_unit(const char *unit, double most, bool logarithmic);

/* "20k", as axes have it. */
#define PICTURE_NUMBER_BYTES 32
const char *picture_short_number(char text[PICTURE_NUMBER_BYTES], double value);
/* A logarithmic axis, 'x' or 'y', between values above 0 that are not divided yet: labels at 1, 2, 5, 10 and so on, or of many
 * decades at their beginnings. */
void picture_log_axis(const struct picture_sheet *sheet, char axis, double least, double most,
                      const struct picture_unit *unit);

/* What is drawn into a box, and the key below it, which names it. */
#define PICTURE_KEYS_MAX 24u
struct picture_plot {
    const struct picture_sheet *sheet;
    unsigned count, key_count;
    struct picture_key {
        char title[80];
        const char *colour;
        enum picture_sign {
            PICTURE_SIGN_LINE,
            PICTURE_SIGN_DASHES,
            PICTURE_SIGN_DOT,
            PICTURE_SIGN_OPEN,
            PICTURE_SIGN_CROSS,
            PICTURE_SIGN_RING
        } sign;
    } keys[PICTURE_KEYS_MAX];
    char parts[6000];
};
/* title NULL: without a name. */
void picture_curve(struct picture_plot *plot, const char *block, const char *style,
                   const char *colour, double width, const char *title);
/* A function of x, dashed. */
void picture_function(struct picture_plot *plot, const char *function, const char *colour,
                      const char *title);
/* A block with what is open in it. */
void picture_line(struct picture_plot *plot, const struct picture_block *block, const char *colour,
                  double width, const char *title);
void picture_key(struct picture_plot *plot, enum picture_sign sign, const char *colour,
                 const char *title);
/* Draws; labelled: the box has words below it. */
void picture_plot_end(struct picture_plot *plot, const struct picture_box *box, bool labelled);

#endif
