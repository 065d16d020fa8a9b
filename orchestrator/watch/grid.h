/* Cells of a screen, filled before anything is shown: what stands where, and in which style. Text is cut at the end of its
 * place, a character of two columns is never halved, and one that would not be seen alone (control characters, marks that
 * combine) takes no place. Pure; owned by the caller. */
#ifndef ORCHESTRATOR_WATCH_GRID_H
#define ORCHESTRATOR_WATCH_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/terminal_driver.h"

/* A larger terminal keeps the rest empty. */
#define GRID_LINES_MAX 100u
#define GRID_COLUMNS_MAX 320u

struct grid_cell {
    char text[5];    /* one character; "": blank */
    uint8_t columns; /* that it takes: 1 or 2; 0: the second one of the cell before */
    uint8_t style;   /* enum terminal_style */
};

struct grid {
    unsigned lines, columns;
    bool ascii; /* other characters become '?' */
    struct grid_cell cells[GRID_LINES_MAX][GRID_COLUMNS_MAX];
};

/* Blank cells; no more than there can be. */
void grid_clear(struct grid *grid, unsigned lines, unsigned columns, bool ascii);
/* Puts text at a place, into at most room columns. Returns those it took. A place outside is fine. */
unsigned grid_put(struct grid *grid, unsigned line, unsigned column, unsigned room,
                  enum terminal_style style, const char *text);
/* The same, and it ends at the right end of its room. */
void grid_put_right(struct grid *grid, unsigned line, unsigned column, unsigned room,
                    enum terminal_style style, const char *text);
/* Of all the cells of a line. */
void grid_style_line(struct grid *grid, unsigned line, enum terminal_style style);

/* How many columns a text takes. */
unsigned grid_width(const char *text);

/* The next piece of a line that is shown in one go: of one style, from `column` on, which is moved behind it. A character of two
 * columns stands alone, since terminals do not agree on them. False: there is no more. */
struct grid_piece {
    unsigned column;
    enum terminal_style style;
    char text[GRID_COLUMNS_MAX * 4 + 1];
};
bool grid_next(struct grid_piece *piece, const struct grid *grid, unsigned line, unsigned *column);

/* A line as text, without blanks at its end; for tests. */
char *grid_line_text(char *text, size_t text_bytes, const struct grid *grid, unsigned line);

#endif
