/* Phases of a scenario against their figures: a cell each, each column on a scale of its own. */
#include <math.h>
#include <string.h>

#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/picture_script.h"

#define ROWS_MAX 48u /* rows of text that can be read */
#define NAME_WIDTH 250
#define HEAD_HEIGHT 46

static const struct figure {
    const char *name, *title, *unit;
} figures[] = {{"ops_per_second", "requests/s", ""},
               {"p50_ms", "p50", "ms"},
               {"p95_ms", "p95", "ms"},
               {"p99_ms", "p99", "ms"},
               {"max_ms", "max", "ms"},
               {"errors", "errors", "requests"},
               {"used_memory", "used", "bytes"},
               {"used_memory_rss", "RSS", "bytes"},
               {"mem_fragmentation_ratio", "fragm.", "ratio"},
               {"allocator_frag_ratio", "alloc. fragm.", "ratio"},
               {"keys", "keys", ""},
               {"connected_clients", "clients", ""},
               {"replica_lag_bytes", "replica lag", "bytes"}};
#define FIGURES (sizeof figures / sizeof figures[0])

struct column {
    const struct figure *figure;
    double least, most;
    struct picture_unit unit;
};

struct grid {
    size_t row_count, column_count, left_out;
    const json_t *rows[ROWS_MAX];
    struct column columns[FIGURES];
};

static double value_of(const json_t *region, const struct figure *figure)
{
    const json_t *value = json_object_get(json_object_get(region, "figures"), figure->name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void find_rows(struct grid *grid, const struct page_result *result)
{
    size_t i;
    const json_t *region;
    json_array_foreach(result->regions, i, region)
    {
        if (json_object_size(json_object_get(region, "figures")) == 0)
            continue;
        if (grid->row_count < ROWS_MAX)
            grid->rows[grid->row_count++] = region;
        else
            grid->left_out++;
    }
}

static void find_columns(struct grid *grid)
{
    for (size_t i = 0; i < FIGURES; i++) {
        struct column column = {&figures[i], INFINITY, -INFINITY, {1, figures[i].unit, ""}};
        for (size_t row = 0; row < grid->row_count; row++) {
            const double value = value_of(grid->rows[row], &figures[i]);
            if (!isfinite(value))
                continue;
            column.least = fmin(column.least, value);
            column.most = fmax(column.most, value);
        }
        if (!(column.most >= column.least) || (column.least >= 0 && column.most <= 0))
            continue; /* nothing is known, or nothing happened */
        if (strcmp(figures[i].unit, "bytes") == 0)
            column.unit = picture_unit("bytes", column.most, false);
        grid->columns[grid->column_count++] = column;
    }
}

static void print_number(char text[32], double value)
{
    if (fabs(value) >= 1e6)
        snprintf(text, 32, "%.3gM", value / 1e6);
    else if (fabs(value) >= 1e4)
        snprintf(text, 32, "%.3gk", value / 1e3);
    else if (fabs(value) >= 1e3)
        snprintf(text, 32, "%.0f", value);
    else
        snprintf(text, 32, "%.3g", value);
}

/* From white to the blue of figures. */
static unsigned shade(double part)
{
    static const double blue[] = {0x00, 0x72, 0xB2};
    unsigned colour = 0;
    for (size_t i = 0; i < 3; i++)
        colour = colour << 8 | (unsigned)lround(250 + (blue[i] - 250) * part);
    return colour;
}

static void put_cell(const struct picture_sheet *sheet, const struct picture_box *box, double value,
                     const struct column *column, int font)
{
    char text[32] = "n/a";
    double part = 0;
    if (isfinite(value)) {
        print_number(text, value / column->unit.divisor);
        part = column->most > column->least
                   ? (value - column->least) / (column->most - column->least)
                   : 0;
    }
    if (isfinite(value))
        fprintf(sheet->out,
                "set object rectangle from screen %.5f,%.5f to screen %.5f,%.5f back fillcolor rgb "
                "'#%06x' fillstyle solid 1 noborder\n",
                (double)(box->left + 1) / PICTURE_WIDTH, (double)(box->bottom + 1) / PICTURE_HEIGHT,
                (double)(box->right - 1) / PICTURE_WIDTH, (double)(box->top - 1) / PICTURE_HEIGHT,
                shade(part));
    picture_label(sheet, (box->left + box->right) / 2.0, (box->bottom + box->top) / 2.0, "center",
                  font,
                  !isfinite(value) ? PICTURE_GREY
                  : part > 0.92    ? "#ffffff"
                                   : "#000000",
                  text);
}

static void put_head(const struct picture_sheet *sheet, const struct column *column, double x,
                     int top)
{
    picture_label(sheet, x, top + 28, "center", 15, "#000000", column->figure->title);
    picture_label(sheet, x, top + 11, "center", 13, PICTURE_GREY, column->unit.name);
}

static void put_rows(const struct picture_sheet *sheet, const struct grid *grid,
                     const struct picture_box *box)
{
    const double height = fmin(90, (double)(box->top - box->bottom) / (double)grid->row_count);
    const double width = (double)(box->right - box->left) / (double)grid->column_count;
    const int font = height >= 19 ? 14 : height >= 15 ? 12 : 10;
    for (size_t i = 0; i < grid->row_count; i++) {
        const char *name = json_string_value(json_object_get(grid->rows[i], "name"));
        char shown[120];
        const struct picture_box row = {0, 0, (int)(box->top - height * (double)(i + 1)),
                                        (int)(box->top - height * (double)i)};
        snprintf(shown, sizeof shown, "%.*s", 110, name != NULL ? name : "");
        size_t bytes = strlen(shown);
        while (bytes > 0 && picture_text_width(shown, font) > NAME_WIDTH - 16)
            shown[--bytes] = '\0';
        picture_label(sheet, box->left - 10, (row.bottom + row.top) / 2.0, "right", font, "#000000",
                      shown);
        for (size_t k = 0; k < grid->column_count; k++) {
            const struct picture_box place = {(int)(box->left + width * (double)k),
                                              (int)(box->left + width * (double)(k + 1)),
                                              row.bottom, row.top};
            put_cell(sheet, &place, value_of(grid->rows[i], grid->columns[k].figure),
                     &grid->columns[k], font);
        }
    }
}

bool picture_phases(FILE *script, enum picture_format format, const struct page_result *result)
{
    struct grid grid = {.row_count = 0};
    const struct picture_box box = {NAME_WIDTH, PICTURE_RIGHT, 40,
                                    PICTURE_HEIGHT - 50 - HEAD_HEIGHT};
    char words[240];
    find_rows(&grid, result);
    find_columns(&grid);
    if (grid.row_count == 0 || grid.column_count == 0)
        return false;
    const struct picture_sheet sheet = picture_open(script, format, "Figures of phases", result);
    const double width = (double)(box.right - box.left) / (double)grid.column_count;
    picture_box(&sheet, &box);
    for (size_t k = 0; k < grid.column_count; k++)
        put_head(&sheet, &grid.columns[k], box.left + width * ((double)k + 0.5), box.top);
    put_rows(&sheet, &grid, &box);
    snprintf(
        words, sizeof words,
        "Each column has a scale of its own: the darkest cell is its largest value. Those of the "
        "load are of the whole phase, those of samples are means.%s",
        grid.left_out > 0 ? " Phases beyond these are left out." : "");
    picture_label(&sheet, box.left, fmax(18, box.top - 90.0 * (double)grid.row_count - 22), "left",
                  13, PICTURE_GREY, words);
    fprintf(script, "unset border\nunset tics\nunset grid\nset xrange [0:1]\n"
                    "set yrange [0:1]\nplot NaN notitle\n");
    picture_close(&sheet);
    return true;
}
