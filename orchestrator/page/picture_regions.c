/* Regions and marks of a result behind the data of a picture, and their names above it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/page/gnuplot.h"
#include "orchestrator/page/picture_script.h"

#define NAME_LETTERS 34u
#define NAMES_MAX 400u
#define NAME_FONT 12

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *found = json_string_value(json_object_get(object, key));
    return found != NULL ? found : "";
}

/* ---- kinds of phases ---- */

static const char *type_of(const json_t *region)
{
    const char *type = text(region, "type");
    return type[0] != '\0' ? type : text(region, "name");
}

static bool is_warmup(const json_t *region)
{
    return strcmp(text(region, "kind"), "warmup") == 0;
}

struct picture_types picture_types(const struct page_result *result)
{
    struct picture_types types = {.count = 0};
    size_t i;
    const json_t *region;
    json_array_foreach(result->regions, i, region)
    {
        uint32_t at = 0;
        while (at < types.count && strcmp(types.names[at], type_of(region)) != 0)
            at++;
        if (at == types.count && at < PICTURE_TYPES_MAX && !is_warmup(region))
            types.names[types.count++] = type_of(region);
    }
    return types;
}

static uint32_t type_number(const struct picture_types *types, const json_t *region)
{
    for (uint32_t i = 0; i < types->count; i++)
        if (strcmp(types->names[i], type_of(region)) == 0)
            return i;
    return PICTURE_TYPES_MAX;
}

uint32_t picture_type_at(const struct page_result *result, const struct picture_types *types,
                         double seconds)
{
    size_t i;
    const json_t *region;
    json_array_foreach(result->regions, i, region)
    {
        if (!is_warmup(region) && number(region, "start") <= seconds &&
            seconds <= number(region, "end"))
            return type_number(types, region);
    }
    return PICTURE_TYPES_MAX;
}

const char *picture_type_colour(uint32_t type)
{
    static const char *const colours[] = {PICTURE_BLUE,   PICTURE_ORANGE, PICTURE_GREEN,
                                          PICTURE_PURPLE, PICTURE_SKY,    PICTURE_VERMILION,
                                          PICTURE_BLACK,  "#F0E442"};
    return type < sizeof colours / sizeof colours[0] ? colours[type] : PICTURE_GREY;
}

/* ---- tints ---- */

static void tint(const struct picture_sheet *sheet, double start, double end, const char *colour,
                 double density)
{
    fprintf(sheet->out,
            "set object rectangle from first %.9g, graph 0 to first %.9g, graph 1 behind "
            "fillcolor rgb '%s' fillstyle solid %.2f noborder\n",
            fmax(start, sheet->begin), fmin(end, sheet->end), colour, density);
}

static void line_at(const struct picture_sheet *sheet, double at, const char *colour, double width)
{
    fprintf(sheet->out,
            "set arrow from first %.9g, graph 0 to first %.9g, graph 1 nohead back linecolor rgb "
            "'%s' linewidth %g dashtype 3\n",
            at, at, colour, width);
}

/* What has a name and a place on the axis. */
struct named {
    double at;
    bool result, left_out; /* result: of what was done, which is told first */
    char text[NAME_LETTERS * 4 + 40];
};

struct names {
    size_t count;
    struct named items[NAMES_MAX];
};

static void add_name(struct names *names, double at, const char *words, double seconds)
{
    if (names->count == NAMES_MAX || words[0] == '\0')
        return;
    struct named *named = &names->items[names->count++];
    size_t bytes = 0, letters = 0;
    while (words[bytes] != '\0' && bytes + 1 < NAME_LETTERS * 4) {
        letters += ((unsigned char)words[bytes] & 0xC0u) != 0x80u;
        if (letters > NAME_LETTERS)
            break;
        bytes++;
    }
    named->at = at;
    named->result = seconds > 0;
    snprintf(named->text, sizeof named->text, "%.*s%s", (int)bytes, words,
             words[bytes] != '\0' ? "..." : "");
    if (seconds > 0)
        snprintf(named->text + strlen(named->text), sizeof named->text - strlen(named->text),
                 ", %.3g s", seconds);
}

static void add_regions(const struct picture_sheet *sheet, const struct picture_box *box,
                        struct names *names, bool warmups)
{
    const struct picture_types types = picture_types(sheet->result);
    double last = -INFINITY;
    size_t i;
    const json_t *region;
    json_array_foreach(sheet->result->regions, i, region)
    {
        const double start = number(region, "start"), end = number(region, "end");
        const double x = picture_x(sheet, box, start);
        const char *colour =
            warmups ? PICTURE_GREY : picture_type_colour(type_number(&types, region));
        if (is_warmup(region) != warmups || (types.count == 1 && !warmups))
            continue; /* the title has the name of one that is alone */
        if (end > start)
            tint(sheet, start, end, colour, 0.13);
        if (x - last >= 2 && x > box->left) {
            line_at(sheet, start, PICTURE_GREY, 0.7);
            last = x;
        }
        add_name(names, start, text(region, "name"), 0);
    }
}

static int earlier_first(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* Those of several nodes at a time as one, so that their tints do not add up. */
static void tint_outages(const struct picture_sheet *sheet)
{
    double stretches[NAMES_MAX][2];
    const double least = (sheet->end - sheet->begin) / 700;
    size_t count = 0, i;
    const json_t *mark;
    json_array_foreach(sheet->result->marks, i, mark)
    {
        if (strcmp(text(mark, "source"), "outage") != 0 || count == NAMES_MAX)
            continue;
        stretches[count][0] = number(mark, "start");
        stretches[count][1] = fmax(number(mark, "end"), stretches[count][0] + least);
        count++;
    }
    qsort(stretches, count, sizeof stretches[0], earlier_first);
    for (i = 0; i < count;) {
        const double start = stretches[i][0];
        double end = stretches[i][1];
        for (i++; i < count && stretches[i][0] <= end; i++)
            end = fmax(end, stretches[i][1]);
        tint(sheet, start, end, PICTURE_VERMILION, 0.22);
    }
}

/* What was done, and what came of it; of slow commands and samples there would be hundreds. */
static void add_marks(const struct picture_sheet *sheet, const struct picture_box *box,
                      struct names *names)
{
    double last = -INFINITY;
    size_t i;
    const json_t *mark;
    tint_outages(sheet);
    json_array_foreach(sheet->result->marks, i, mark)
    {
        const double start = number(mark, "start"), end = number(mark, "end");
        const char *source = text(mark, "source");
        const bool outage = strcmp(source, "outage") == 0;
        const bool done = strcmp(source, "chaos") == 0 || strcmp(source, "ctl") == 0 ||
                          strcmp(source, "note") == 0 || strcmp(source, "alert") == 0;
        const double x = picture_x(sheet, box, start);
        if (done && fabs(x - last) >= 2) {
            line_at(sheet, start, PICTURE_BLACK, 1.2);
            last = x;
        }
        if (done || outage)
            add_name(names, start, text(mark, "text"), outage ? fmax(end - start, 1e-3) : 0);
    }
}

/* ---- names ---- */

static int later_first(const void *a, const void *b)
{
    const struct named *left = a, *right = b;
    return (left->at < right->at) - (left->at > right->at);
}

struct place {
    size_t row;
    double x;
};

/* From the right to the left, each in the lowest row in which it ends before all that stand there or above, whose lines go
 * down through it: so no line crosses a name. Returns the first that finds no room and matters; count: there is none. */
static size_t lay_out(struct place *places, const struct picture_sheet *sheet,
                      const struct picture_box *box, struct names *names)
{
    double free_until[PICTURE_NAME_ROWS];
    for (size_t i = 0; i < PICTURE_NAME_ROWS; i++)
        free_until[i] = PICTURE_WIDTH - 8;
    for (size_t i = 0; i < names->count; i++) {
        struct named *named = &names->items[i];
        const double width = picture_text_width(named->text, NAME_FONT) + 8;
        const double x = fmin(picture_x(sheet, box, named->at), PICTURE_WIDTH - 8 - width);
        size_t row = 0;
        while (row < PICTURE_NAME_ROWS && x + width > free_until[row])
            row++;
        places[i] = (struct place){row, x};
        if (named->left_out)
            continue;
        for (size_t below = 0; below <= row && row < PICTURE_NAME_ROWS; below++)
            free_until[below] = x;
        if (row < PICTURE_NAME_ROWS)
            continue;
        if (!named->result)
            return i;
        named->left_out = true;
    }
    return names->count;
}

/* What came of something makes room for what was done: of those to the right the nearest that is named. */
static void make_room(struct names *names, size_t without_place)
{
    size_t i = without_place;
    while (i > 0 && (names->items[i - 1].left_out || !names->items[i - 1].result))
        i--;
    names->items[i > 0 ? i - 1 : without_place].left_out = true;
}

static void put_names(const struct picture_sheet *sheet, const struct picture_box *box,
                      struct names *names)
{
    struct place places[NAMES_MAX];
    size_t without_place;
    qsort(names->items, names->count, sizeof names->items[0], later_first);
    while ((without_place = lay_out(places, sheet, box, names)) < names->count)
        make_room(names, without_place);
    for (size_t i = 0; i < names->count; i++) {
        const struct named *named = &names->items[i];
        const double at = picture_x(sheet, box, named->at);
        const double y = box->top + 11 + (double)places[i].row * PICTURE_NAME_ROW_HEIGHT;
        if (named->left_out)
            continue;
        picture_label(sheet, places[i].x + 3, y, "left", NAME_FONT, "#333333", named->text);
        fprintf(sheet->out,
                "set arrow from screen %.5f,%.5f to screen %.5f,%.5f nohead linecolor rgb "
                "'#999999' linewidth 0.7\n",
                at / PICTURE_WIDTH, (double)box->top / PICTURE_HEIGHT, at / PICTURE_WIDTH,
                (y + 5) / PICTURE_HEIGHT);
    }
}

void picture_regions(const struct picture_sheet *sheet, const struct picture_box *box, bool named)
{
    struct names *names = calloc(1, sizeof *names);
    if (names == NULL)
        return; /* a picture without tints is still one */
    add_regions(sheet, box, names, false);
    add_regions(sheet, box, names, true); /* parts of the others, and on top of them */
    add_marks(sheet, box, names);
    if (named)
        put_names(sheet, box, names);
    free(names);
}
