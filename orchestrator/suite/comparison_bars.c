/* All figures as bars: a box each, and in it a group of bars for each command. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/page/gnuplot.h"
#include "orchestrator/report/student.h"
#include "orchestrator/suite/comparison_graph.h"

#define TOP 846
#define LABEL_FONT 12
#define LEGEND_FONT 12
#define LEGEND_ROW 20
#define SLANTED_HEIGHT 104
#define FLAT_HEIGHT 26

double graph_half_width(const struct comparison *comparison, const struct comparison_side *side)
{
    if (side->count < 2)
        return NAN;
    const double probability = 1 - (1 - comparison->wishes.confidence) / 2;
    return student_point(probability, (double)side->count - 1) * side->deviation /
           sqrt((double)side->count);
}

/* ---- what stands where ---- */

static const struct record *record_of(const struct comparison_group *group)
{
    return group->counts[0] > 0 ? group->records[0][0] : group->records[1][0];
}

static bool same_place(const struct record *one, const struct record *other)
{
    return strcmp(one->command, other->command) == 0 && strcmp(one->section, other->section) == 0;
}

static size_t load_of(struct bars *bars, const struct record *record)
{
    for (size_t i = 0; i < bars->load_count; i++)
        if (strcmp(bars->of_load[i]->pipeline, record->pipeline) == 0 &&
            strcmp(bars->of_load[i]->io_threads, record->io_threads) == 0)
            return i;
    if (bars->load_count == BARS_ALL_LOADS_MAX)
        return BARS_ALL_LOADS_MAX;
    bars->of_load[bars->load_count] = record;
    return bars->load_count++;
}

enum err_code bars_plan(struct bars *bars, const struct comparison *comparison, struct err *err)
{
    const size_t count = comparison->group_count;
    *bars = (struct bars){.comparison = comparison,
                          .place = calloc(count + 1, sizeof(size_t)),
                          .load = calloc(count + 1, sizeof(size_t)),
                          .of_place = calloc(count + 1, sizeof(const struct record *))};
    if (bars->place == NULL || bars->load == NULL || bars->of_place == NULL)
        return err_set(err, E_SYSTEM, "no memory for graphs");
    comparison_keys_find(&bars->keys, comparison);
    for (size_t i = 0; i < count; i++) {
        const struct record *record = record_of(&comparison->groups[i]);
        if (bars->place_count == 0 || !same_place(bars->of_place[bars->place_count - 1], record))
            bars->of_place[bars->place_count++] = record;
        bars->place[i] = bars->place_count - 1;
        bars->load[i] = load_of(bars, record);
    }
    return OK;
}

void bars_free(struct bars *bars)
{
    free(bars->place);
    free(bars->load);
    free(bars->of_place);
    *bars = (struct bars){.place = NULL};
}

static size_t sheets_across(const struct bars *bars)
{
    return (bars->load_count + BARS_LOADS_MAX - 1) / BARS_LOADS_MAX;
}

size_t bars_sheets(const struct bars *bars)
{
    return sheets_across(bars) * ((bars->place_count + BARS_PLACES_MAX - 1) / BARS_PLACES_MAX);
}

size_t bars_sheet_of(const struct bars *bars, const struct comparison_group *group)
{
    const size_t i = (size_t)(group - bars->comparison->groups);
    return bars->load[i] == BARS_ALL_LOADS_MAX
               ? bars_sheets(bars)
               : bars->place[i] / BARS_PLACES_MAX * sheets_across(bars) +
                     bars->load[i] / BARS_LOADS_MAX;
}

/* ---- one sheet ---- */

struct sheet {
    const struct bars *bars;
    struct picture_sheet picture;
    size_t number, first_place, places, first_load, loads;
    bool figures[RECORD_FIGURES];
    unsigned figure_count;
    bool slanted;
    int bottom; /* of all boxes, above the legend */
};

static bool is_on(const struct sheet *sheet, const struct comparison_row *row)
{
    return bars_sheet_of(sheet->bars, row->group) == sheet->number;
}

static void series_name(char text[COMPARISON_NAME_BYTES], const struct sheet *sheet, size_t load,
                        int side)
{
    char words[COMPARISON_NAME_BYTES];
    comparison_load_format(words, sheet->bars->of_load[sheet->first_load + load]);
    snprintf(text, COMPARISON_NAME_BYTES, "%.30s-%.80s", sheet->bars->comparison->sets[side]->name,
             words);
}

/* Of several loads the later ones are paler. */
static double density(const struct sheet *sheet, size_t load)
{
    return sheet->loads > 1 ? 1 - 0.75 * (double)load / (double)(sheet->loads - 1) : 0.9;
}

#define SERIES_WIDTH 24
/* Draws, or only counts, the rows of the legend. */
static int legend(const struct sheet *sheet, bool drawn)
{
    int row = 0;
    double x = PICTURE_LEFT;
    for (size_t i = 0; i < sheet->loads * 2; i++) {
        char name[COMPARISON_NAME_BYTES];
        series_name(name, sheet, i / 2, (int)(i % 2));
        const double width = SERIES_WIDTH + picture_text_width(name, LEGEND_FONT) + 22;
        if (x + width > PICTURE_RIGHT && x > PICTURE_LEFT) {
            row++;
            x = PICTURE_LEFT;
        }
        const double y = sheet->bottom - 18 - row * LEGEND_ROW;
        if (drawn) {
            fprintf(sheet->picture.out,
                    "set object rectangle from screen %.5f,%.5f to screen %.5f,%.5f front "
                    "fillcolor rgb '%s' fillstyle solid %.2f border linecolor rgb '%s'\n",
                    x / PICTURE_WIDTH, (y - 6) / PICTURE_HEIGHT, (x + 16) / PICTURE_WIDTH,
                    (y + 6) / PICTURE_HEIGHT, GRAPH_COLOUR(i % 2), density(sheet, i / 2),
                    GRAPH_COLOUR(i % 2));
            picture_label(&sheet->picture, x + SERIES_WIDTH, y, "left", LEGEND_FONT, "#333333",
                          name);
        }
        x += width;
    }
    return row + 1;
}

static struct picture_box box_of(const struct sheet *sheet, unsigned number)
{
    const unsigned figures = sheet->figure_count;
    const int columns = figures == 1 ? 1 : figures <= 4 ? 2 : figures <= 6 ? 3 : 4;
    const int rows = ((int)figures + columns - 1) / columns;
    const int column = (int)number % columns, row = (int)number / columns;
    const int width = (PICTURE_WIDTH - 16) / columns, height = (TOP - sheet->bottom) / rows;
    return (struct picture_box){.left = 8 + column * width + 72,
                                .right = 8 + (column + 1) * width - 12,
                                .bottom = TOP - (row + 1) * height +
                                          (sheet->slanted ? SLANTED_HEIGHT : FLAT_HEIGHT),
                                .top = TOP - row * height - 26};
}

static bool must_slant(const struct sheet *sheet)
{
    const struct picture_box box = box_of(sheet, 0);
    const double room = (double)(box.right - box.left) / (double)sheet->places - 8;
    for (size_t i = 0; i < sheet->places; i++) {
        char name[COMPARISON_NAME_BYTES];
        comparison_short_name_format(name, &sheet->bars->keys,
                                     sheet->bars->of_place[sheet->first_place + i]);
        if (picture_text_width(name, LABEL_FONT) > room)
            return true;
    }
    return false;
}

/* Letters that fit below a box; the rest of a name is cut. */
#define SLANTED_LETTERS 18
static void put_places(const struct sheet *sheet, const struct picture_box *box)
{
    const double width = (double)(box->right - box->left) / (double)sheet->places;
    for (size_t i = 0; i < sheet->places; i++) {
        char name[COMPARISON_NAME_BYTES];
        const double x = box->left + ((double)i + 0.5) * width;
        comparison_short_name_format(name, &sheet->bars->keys,
                                     sheet->bars->of_place[sheet->first_place + i]);
        if (!sheet->slanted) {
            picture_label(&sheet->picture, x, box->bottom - 14, "center", LABEL_FONT, "#333333",
                          name);
            continue;
        }
        if (strlen(name) > SLANTED_LETTERS)
            memcpy(name + SLANTED_LETTERS - 2, "..", 3);
        fprintf(sheet->picture.out, "set label ");
        gnuplot_text(sheet->picture.out, name);
        fprintf(sheet->picture.out,
                " at screen %.5f,%.5f right rotate by 50 front font ',%g' textcolor rgb '#333333' "
                "noenhanced\n",
                (x + 6) / PICTURE_WIDTH, (box->bottom - 10.0) / PICTURE_HEIGHT,
                LABEL_FONT * sheet->picture.font_scale);
    }
}

/* The bars of a series and of a figure as a block; returns the largest, with its interval. -1: it has none. */
static double put_block(const struct sheet *sheet, enum record_figure figure, size_t load, int side,
                        double divisor)
{
    const struct comparison *comparison = sheet->bars->comparison;
    const double slot = 0.84 / ((double)sheet->loads * 2);
    double most = -1;
    for (size_t i = 0; i < comparison->count; i++) {
        const struct comparison_row *row = &comparison->rows[i];
        const size_t group = (size_t)(row->group - comparison->groups);
        if (row->figure != figure || row->sides[side].count == 0 || !is_on(sheet, row) ||
            sheet->bars->load[group] != sheet->first_load + load)
            continue;
        const double half = graph_half_width(comparison, &row->sides[side]);
        const double place = (double)(sheet->bars->place[group] - sheet->first_place);
        const double mean = row->sides[side].mean, shown = isnan(half) ? 0 : half;
        if (most < 0)
            fprintf(sheet->picture.out, "$bars_%zu_%d << EOD\n", load, side);
        fprintf(sheet->picture.out, "%.6g %.7g %.7g %.7g\n",
                place + 0.5 - 0.42 + ((double)load * 2 + side + 0.5) * slot, mean / divisor,
                fmax(mean - shown, 0) / divisor, (mean + shown) / divisor);
        most = fmax(most, mean + shown);
    }
    if (most >= 0)
        fprintf(sheet->picture.out, "EOD\n");
    return most;
}

static double largest(const struct sheet *sheet, enum record_figure figure)
{
    const struct comparison *comparison = sheet->bars->comparison;
    double most = 0;
    for (size_t i = 0; i < comparison->count; i++)
        if (comparison->rows[i].figure == figure && is_on(sheet, &comparison->rows[i]))
            for (int side = 0; side < 2; side++)
                most = fmax(most, comparison->rows[i].sides[side].mean);
    return most;
}

static void draw_figure(const struct sheet *sheet, enum record_figure figure, unsigned number)
{
    const struct picture_box box = box_of(sheet, number);
    const bool rate = record_figure_is_rate(figure);
    const struct picture_unit unit =
        rate ? picture_unit("requests/s", largest(sheet, figure), false)
             : (struct picture_unit){1, record_figure_unit(figure), "%g"};
    FILE *out = sheet->picture.out;
    char title[80];
    bool has[BARS_LOADS_MAX * 2];
    double most = 0;
    const char *joint = "plot ";
    picture_box(&sheet->picture, &box);
    snprintf(title, sizeof title, "%s (%s is better)", record_figure_name(figure),
             rate ? "more" : "less");
    picture_label(&sheet->picture, box.left, box.top + 12, "left", 13, "#000000", title);
    put_places(sheet, &box);
    if (number == 0)
        (void)legend(sheet, true);
    for (size_t i = 0; i < sheet->loads * 2; i++) {
        const double value = put_block(sheet, figure, i / 2, (int)(i % 2), unit.divisor);
        has[i] = value >= 0;
        most = fmax(most, value);
    }
    fprintf(out,
            "unset xtics\nset grid noxtics\nset boxwidth %.6g absolute\nset xrange [0:%zu]\n"
            "set yrange [0:%.7g]\nset format y '%s'\n",
            0.84 / ((double)sheet->loads * 2), sheet->places,
            most > 0 ? most / unit.divisor * 1.06 : 1, unit.tics);
    for (size_t i = 0; i < sheet->loads * 2; i++) {
        if (!has[i])
            continue;
        fprintf(out,
                "%s$bars_%zu_%zu using 1:2 with boxes linecolor rgb '%s' fillstyle solid %.2f "
                "border linecolor rgb '%s' notitle, \\\n  $bars_%zu_%zu using 1:3:(0):($4-$3) with "
                "vectors heads size screen 0.0018,90 linewidth 0.8 linecolor rgb '" PICTURE_BLACK
                "' notitle",
                joint, i / 2, i % 2, GRAPH_COLOUR(i % 2), density(sheet, i / 2),
                GRAPH_COLOUR(i % 2), i / 2, i % 2);
        joint = ", \\\n  ";
    }
    fprintf(out, "\n");
    for (size_t i = 0; i < sheet->loads * 2; i++)
        if (has[i])
            fprintf(out, "undefine $bars_%zu_%zu\n", i / 2, i % 2);
}

static void plan_sheet(struct sheet *sheet, const struct bars *bars, size_t number)
{
    const size_t across = sheets_across(bars);
    *sheet = (struct sheet){.bars = bars,
                            .number = number,
                            .first_place = number / across * BARS_PLACES_MAX,
                            .first_load = number % across * BARS_LOADS_MAX};
    const size_t places = bars->place_count - sheet->first_place;
    const size_t loads = bars->load_count - sheet->first_load;
    sheet->places = places < BARS_PLACES_MAX ? places : BARS_PLACES_MAX;
    sheet->loads = loads < BARS_LOADS_MAX ? loads : BARS_LOADS_MAX;
    for (size_t i = 0; i < bars->comparison->count; i++)
        if (is_on(sheet, &bars->comparison->rows[i]))
            sheet->figures[bars->comparison->rows[i].figure] = true;
    for (unsigned figure = 0; figure < RECORD_FIGURES; figure++)
        sheet->figure_count += sheet->figures[figure];
}

bool bars_write(FILE *script, enum picture_format format, const struct bars *bars, size_t number)
{
    const struct comparison *comparison = bars->comparison;
    struct sheet sheet;
    char title[600];
    unsigned drawn = 0;
    plan_sheet(&sheet, bars, number);
    if (sheet.figure_count == 0)
        return false;
    int used = snprintf(title, sizeof title,
                        "Benchmark comparison: %.64s vs %.64s, means with their %.4g %% intervals",
                        comparison->sets[0]->name, comparison->sets[1]->name,
                        100 * comparison->wishes.confidence);
    for (size_t i = 0; i < bars->keys.count && i < 5; i++)
        used += snprintf(title + used, sizeof title - (size_t)used, "%s%s",
                         i == 0 ? ", by command, " : ", ", bars->keys.names[i]);
    sheet.picture = picture_open_titled(script, format, title);
    sheet.bottom = 14 + legend(&sheet, false) * LEGEND_ROW;
    sheet.slanted = must_slant(&sheet);
    for (unsigned figure = 0; figure < RECORD_FIGURES; figure++)
        if (sheet.figures[figure])
            draw_figure(&sheet, (enum record_figure)figure, drawn++);
    picture_close(&sheet.picture);
    return true;
}
