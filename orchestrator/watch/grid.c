#include "orchestrator/watch/grid.h"

#include <stdio.h>
#include <string.h>

#include "common/printable.h"

struct range {
    uint32_t first, last;
};

/* Of Unicode 15: East Asian Wide and Fullwidth, and pictures; as terminals have them. */
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x25fd, 0x25fe},   {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26aa, 0x26ab},
    {0x26bd, 0x26be},   {0x2705, 0x2705},   {0x270a, 0x270b},   {0x2728, 0x2728},
    {0x274c, 0x274c},   {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2b1b, 0x2b1c},
    {0x2b50, 0x2b50},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0xa4cf},   {0xa960, 0xa97c},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18cff},
    {0x1aff0, 0x1b2ff}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e},
    {0x1f191, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f64f}, {0x1f680, 0x1f6ff},
    {0x1f7e0, 0x1f7eb}, {0x1f90c, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};
/* What changes the character before it, or is not seen at all. */
static const struct range unseen[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x0300, 0x036f}, {0x0483, 0x0489},
    {0x0591, 0x05bd},   {0x0610, 0x061a}, {0x064b, 0x065f}, {0x06d6, 0x06dc}, {0x0900, 0x0902},
    {0x093c, 0x093c},   {0x0941, 0x0948}, {0x094d, 0x094d}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a},
    {0x0e47, 0x0e4e},   {0x1160, 0x11ff}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},
    {0x2028, 0x202e},   {0x2060, 0x206f}, {0x20d0, 0x20ff}, {0x3099, 0x309a}, {0xd7b0, 0xd7ff},
    {0xfe00, 0xfe0f},   {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0x1f3fb, 0x1f3ff},
    {0xe0000, 0xe0fff},
};

static bool is_in(const struct range *ranges, size_t count, uint32_t character)
{
    for (size_t i = 0; i < count; i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

static uint32_t character_of(const char *text, size_t bytes)
{
    static const unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t character = (unsigned char)text[0] & lead_bits[bytes];
    for (size_t i = 1; i < bytes; i++)
        character = character << 6 | ((unsigned char)text[i] & 0x3fu);
    return character;
}

/* A character of a text, cleaned. */
struct glyph {
    char text[5];
    size_t bytes; /* in the text that it comes from */
    unsigned columns;
};

static struct glyph glyph_at(const char *text, bool ascii)
{
    const size_t bytes = printable_sequence_bytes(text);
    struct glyph glyph = {.text = "?", .bytes = bytes > 0 ? bytes : 1, .columns = 1};
    if (bytes == 0 || bytes > 4)
        return glyph;
    const uint32_t character = character_of(text, bytes);
    if (is_in(unseen, sizeof unseen / sizeof unseen[0], character))
        glyph.columns = 0;
    else if (bytes > 1 && is_in(wide, sizeof wide / sizeof wide[0], character))
        glyph.columns = ascii ? 1 : 2;
    if (bytes == 1 || !ascii) {
        memcpy(glyph.text, text, bytes);
        glyph.text[bytes] = '\0';
    }
    return glyph;
}

void grid_clear(struct grid *grid, unsigned lines, unsigned columns, bool ascii)
{
    grid->lines = lines < GRID_LINES_MAX ? lines : GRID_LINES_MAX;
    grid->columns = columns < GRID_COLUMNS_MAX ? columns : GRID_COLUMNS_MAX;
    grid->ascii = ascii;
    for (unsigned line = 0; line < grid->lines; line++)
        for (unsigned column = 0; column < grid->columns; column++)
            grid->cells[line][column] = (struct grid_cell){.columns = 1};
}

unsigned grid_put(struct grid *grid, unsigned line, unsigned column, unsigned room,
                  enum terminal_style style, const char *text)
{
    unsigned taken = 0;
    if (line >= grid->lines || column >= grid->columns)
        return 0;
    if (room > grid->columns - column)
        room = grid->columns - column;
    while (*text != '\0') {
        const struct glyph glyph = glyph_at(text, grid->ascii);
        text += glyph.bytes;
        if (glyph.columns > room - taken)
            break;
        if (glyph.columns == 0)
            continue;
        struct grid_cell *cell = &grid->cells[line][column + taken];
        *cell = (struct grid_cell){.columns = (uint8_t)glyph.columns, .style = (uint8_t)style};
        memcpy(cell->text, glyph.text, sizeof cell->text);
        if (glyph.columns == 2)
            cell[1] = (struct grid_cell){.columns = 0, .style = (uint8_t)style};
        taken += glyph.columns;
    }
    return taken;
}

void grid_put_right(struct grid *grid, unsigned line, unsigned column, unsigned room,
                    enum terminal_style style, const char *text)
{
    const unsigned width = grid_width(text);
    const unsigned before = width < room ? room - width : 0;
    grid_put(grid, line, column + before, room - before, style, text);
}

void grid_style_line(struct grid *grid, unsigned line, enum terminal_style style)
{
    for (unsigned column = 0; line < grid->lines && column < grid->columns; column++)
        grid->cells[line][column].style = (uint8_t)style;
}

unsigned grid_width(const char *text)
{
    unsigned width = 0;
    while (*text != '\0') {
        const struct glyph glyph = glyph_at(text, false);
        width += glyph.columns;
        text += glyph.bytes;
    }
    return width;
}

bool grid_next(struct grid_piece *piece, const struct grid *grid, unsigned line, unsigned *column)
{
    size_t bytes = 0;
    if (line >= grid->lines || *column >= grid->columns)
        return false;
    const struct grid_cell *cells = grid->cells[line];
    piece->column = *column;
    piece->style = cells[*column].style;
    const bool alone = cells[*column].columns == 2;
    do {
        const struct grid_cell *cell = &cells[*column];
        const char *text = cell->text[0] != '\0' ? cell->text : " ";
        const size_t length = strlen(text);
        memcpy(piece->text + bytes, text, length);
        bytes += length;
        *column += cell->columns > 0 ? cell->columns : 1;
    } while (!alone && *column < grid->columns && cells[*column].style == piece->style &&
             cells[*column].columns == 1);
    piece->text[bytes] = '\0';
    return true;
}

char *grid_line_text(char *text, size_t text_bytes, const struct grid *grid, unsigned line)
{
    struct grid_piece piece;
    size_t used = 0;
    text[0] = '\0';
    for (unsigned column = 0; grid_next(&piece, grid, line, &column);) {
        const size_t length = strlen(piece.text);
        if (length >= text_bytes - used)
            break;
        memcpy(text + used, piece.text, length + 1);
        used += length;
    }
    while (used > 0 && text[used - 1] == ' ')
        text[--used] = '\0';
    return text;
}
