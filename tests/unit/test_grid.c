#include <stdlib.h>
#include <string.h>

#include "orchestrator/watch/grid.h"
#include "tests/support/check/suite.h"

static struct grid *grid;
static char text[2048];

static void set_up(void)
{
    grid = calloc(1, sizeof *grid);
    ck_assert_ptr_nonnull(grid);
    grid_clear(grid, 5, 10, false);
}

static void tear_down(void)
{
    free(grid);
}

static const char *line(unsigned number)
{
    return grid_line_text(text, sizeof text, grid, number);
}

TEST(text_stays_in_its_room)
{
    /* breaks if text runs into what stands beside it, over the right edge, or off the grid */
    ck_assert_uint_eq(grid_put(grid, 0, 2, 4, TERMINAL_PLAIN, "abcdef"), 4);
    ck_assert_str_eq(line(0), "  abcd");
    ck_assert_uint_eq(grid_put(grid, 1, 7, 100, TERMINAL_PLAIN, "abcdef"), 3);
    ck_assert_str_eq(line(1), "       abc");
    ck_assert_uint_eq(grid_put(grid, 5, 0, 9, TERMINAL_PLAIN, "abc"), 0);
    ck_assert_uint_eq(grid_put(grid, 0, 10, 9, TERMINAL_PLAIN, "abc"), 0);
    grid_put_right(grid, 2, 1, 6, TERMINAL_PLAIN, "abc");
    ck_assert_str_eq(line(2), "    abc");
    grid_put_right(grid, 3, 1, 2, TERMINAL_PLAIN, "abc");
    ck_assert_str_eq(line(3), " ab");
}

TEST(wide_characters_keep_columns)
{
    /* breaks if a character of two columns counts as one, is cut in half, or what stands behind it is shown in the same piece */
    ck_assert_uint_eq(grid_width("\u4e16\u754c!"), 5);
    ck_assert_uint_eq(grid_put(grid, 0, 0, 3, TERMINAL_PLAIN, "\u4e16\u754c"), 2);
    grid_put(grid, 0, 3, 1, TERMINAL_PLAIN, "|");
    ck_assert_str_eq(line(0), "\u4e16 |");
    struct grid_piece piece;
    unsigned column = 0;
    ck_assert(grid_next(&piece, grid, 0, &column));
    ck_assert_str_eq(piece.text, "\u4e16");
    ck_assert(grid_next(&piece, grid, 0, &column));
    ck_assert_uint_eq(piece.column, 2);
    ck_assert_str_eq(piece.text, " |      ");
    ck_assert(!grid_next(&piece, grid, 0, &column));
}

TEST(hostile_text_is_shown_and_not_obeyed)
{
    /* breaks if control characters, turned text or broken UTF-8 reach a terminal, or marks take a place */
    grid_put(grid, 0, 0, 10, TERMINAL_PLAIN,
             "\033[2Ja\nb\x7f\xc2\x9b"
             "c");
    ck_assert_str_eq(line(0), "[2Jabc");
    grid_put(grid, 1, 0, 10, TERMINAL_PLAIN, "\u202eab\xff\xc3");
    ck_assert_str_eq(line(1), "ab??");
    grid_put(grid, 2, 0, 10, TERMINAL_PLAIN, "e\u0301!");
    ck_assert_str_eq(line(2), "e!");
}

TEST(ascii_alone)
{
    /* breaks if a terminal without UTF-8 gets anything but ASCII */
    grid_clear(grid, 5, 10, true);
    ck_assert_uint_eq(grid_put(grid, 0, 0, 10, TERMINAL_PLAIN, "\u00fcb\u4e16\U0001f600"), 4);
    ck_assert_str_eq(line(0), "?b??");
}

TEST(pieces_are_of_one_style)
{
    /* breaks if a style runs on into what stands behind it */
    grid_put(grid, 0, 0, 10, TERMINAL_RATE, "ab");
    grid_put(grid, 0, 2, 10, TERMINAL_P99, "cd");
    struct grid_piece piece;
    unsigned column = 0;
    ck_assert(grid_next(&piece, grid, 0, &column) && piece.style == TERMINAL_RATE);
    ck_assert_str_eq(piece.text, "ab");
    ck_assert(grid_next(&piece, grid, 0, &column) && piece.style == TERMINAL_P99);
    ck_assert_str_eq(piece.text, "cd");
    ck_assert(grid_next(&piece, grid, 0, &column) && piece.style == TERMINAL_PLAIN);
    ck_assert_uint_eq(column, 10);
}

TEST(larger_than_there_can_be)
{
    /* breaks if a huge terminal is written beyond the cells */
    grid_clear(grid, 100000, 100000, false);
    ck_assert_uint_eq(grid->lines, GRID_LINES_MAX);
    ck_assert_uint_eq(grid->columns, GRID_COLUMNS_MAX);
    grid_put(grid, GRID_LINES_MAX - 1, GRID_COLUMNS_MAX - 1, 9, TERMINAL_PLAIN, "\u4e16");
    ck_assert_str_eq(line(GRID_LINES_MAX - 1), "");
    grid_put(grid, GRID_LINES_MAX - 1, GRID_COLUMNS_MAX - 2, 9, TERMINAL_PLAIN, "\u4e16x");
    ck_assert_uint_eq(strlen(line(GRID_LINES_MAX - 1)), GRID_COLUMNS_MAX - 2 + 3);
}

TEST_SUITE_WITH(grid, .set_up = set_up, .tear_down = tear_down)
