#include "orchestrator/suite/comparison_graphs.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/page/gnuplot.h"
#include "orchestrator/suite/comparison_graph.h"

#define NAME_BYTES 200u
#define BARS_NAME "benchmark_comparison_consolidated"

struct drawing {
    struct comparison_graphs *graphs;
    const struct comparison *comparison;
    const char *directory;
    enum picture_format format;
    struct bars bars;
};

/* Letters, digits and - stay. */
static void plain(char *name)
{
    for (; *name != '\0'; name++)
        if (!isalnum((unsigned char)*name) && *name != '-')
            *name = '_';
}

/* In the list from here on: <directory>/<name>.png. NULL: no memory. */
static const char *add_path(struct drawing *drawing, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s.%s", drawing->directory, name,
                 drawing->format == PICTURE_PNG ? "png" : "svg") < 0)
        return NULL;
    return drawing->graphs->paths[drawing->graphs->count++] = path;
}

/* A name that no graph has yet. */
static void make_unique(char name[NAME_BYTES], const struct drawing *drawing)
{
    const size_t bytes = strlen(name), before = strlen(drawing->directory) + 1;
    for (unsigned number = 2; number <= GRAPHS_MAX + 1; number++) {
        const size_t now = strlen(name);
        size_t i = 0;
        while (i < drawing->graphs->count &&
               (strlen(drawing->graphs->paths[i]) != before + now + 4 ||
                strncmp(drawing->graphs->paths[i] + before, name, now) != 0))
            i++;
        if (i == drawing->graphs->count)
            return;
        snprintf(name + bytes, NAME_BYTES - bytes, "_%u", number);
    }
}

/* Ends a script that was written, with code. */
static enum err_code finish(struct drawing *drawing, FILE *script, const char *name,
                            enum err_code code, struct err *err)
{
    const char *path = code == OK ? add_path(drawing, name) : NULL;
    if (code == OK && path == NULL)
        code = err_set(err, E_SYSTEM, "no memory for the path of a graph");
    if (code == OK)
        code = gnuplot_draw(script, path, OUTPUT_OWN, err);
    (void)fclose(script);
    return code;
}

static enum err_code no_script(struct err *err)
{
    return err_set_errno(err, E_SYSTEM, errno, "no file for the script of a graph");
}

/* ---- bars ---- */

static enum err_code draw_bars(struct drawing *drawing, struct err *err)
{
    const size_t sheets = bars_sheets(&drawing->bars);
    enum err_code code = OK;
    size_t drawn = 0;
    for (size_t sheet = 0; sheet < sheets && drawn < GRAPH_SHEETS_MAX && code == OK; sheet++) {
        char name[NAME_BYTES] = BARS_NAME;
        FILE *script = gnuplot_script_open();
        if (script == NULL)
            return no_script(err);
        for (size_t i = 0; i < drawing->comparison->group_count; i++)
            drawing->graphs->configurations_left_out -=
                bars_sheet_of(&drawing->bars, &drawing->comparison->groups[i]) == sheet;
        if (!bars_write(script, drawing->format, &drawing->bars, sheet)) {
            (void)fclose(script);
            continue;
        }
        if (++drawn > 1)
            snprintf(name, sizeof name, BARS_NAME "_%zu", drawn);
        code = finish(drawing, script, name, OK, err);
    }
    return code;
}

/* ---- lines ---- */

static void line_name(char name[NAME_BYTES], const struct drawing *drawing,
                      const struct comparison_row *row)
{
    const struct record *of = row->of;
    char words[COMPARISON_NAME_BYTES];
    size_t used = (size_t)snprintf(name, NAME_BYTES, "variance_line_graph_cmd_%.40s", of->command);
    if (of->pipeline[0] != '\0')
        used += (size_t)snprintf(name + used, NAME_BYTES - used, "_pipeline_%.12s", of->pipeline);
    if (of->io_threads[0] != '\0')
        used += (size_t)snprintf(name + used, NAME_BYTES - used, "_io_%.12s", of->io_threads);
    comparison_name_format(words, &drawing->bars.keys,
                           &(struct record){.command = (char[]){""}, .section = of->section});
    if (words[0] != '\0')
        used += (size_t)snprintf(name + used, NAME_BYTES - used, "_%.60s", words + 1);
    snprintf(name + used, NAME_BYTES - used, "_%s", record_figure_name(row->figure));
    plain(name);
    make_unique(name, drawing);
}

static enum err_code draw_line(struct drawing *drawing, const struct comparison_row *row,
                               struct err *err)
{
    char name[NAME_BYTES];
    FILE *script = gnuplot_script_open();
    if (script == NULL)
        return no_script(err);
    line_name(name, drawing, row);
    return finish(
        drawing, script, name,
        lines_write(script, drawing->format, drawing->comparison, &drawing->bars.keys, row, err),
        err);
}

static enum err_code draw_lines(struct drawing *drawing, struct err *err)
{
    const struct comparison *comparison = drawing->comparison;
    size_t *places = calloc(comparison->count + 1, sizeof *places);
    enum err_code code = OK;
    size_t found = 0;
    if (places == NULL)
        return err_set(err, E_SYSTEM, "no memory for graphs");
    for (size_t i = 0; i < comparison->count; i++)
        if (comparison->rows[i].sides[0].count > 1 || comparison->rows[i].sides[1].count > 1)
            places[found++] = i;
    const size_t count = comparison_keep_surest(places, found, GRAPH_LINES_MAX, comparison);
    drawing->graphs->rows_left_out = found - count;
    for (size_t i = 0; i < count && code == OK; i++)
        code = draw_line(drawing, &comparison->rows[places[i]], err);
    free(places);
    return code;
}

/* ---- all of them ---- */

enum err_code comparison_graphs_draw(struct comparison_graphs *graphs,
                                     const struct comparison *comparison, const char *directory,
                                     enum picture_format format, struct err *err)
{
    struct drawing drawing = {
        .graphs = graphs, .comparison = comparison, .directory = directory, .format = format};
    *graphs = (struct comparison_graphs){.configurations_left_out = comparison->group_count};
    enum err_code code = picture_directory_make(directory, err);
    if (code == OK)
        code = bars_plan(&drawing.bars, comparison, err);
    if (code == OK)
        code = draw_bars(&drawing, err);
    if (code == OK)
        code = draw_lines(&drawing, err);
    bars_free(&drawing.bars);
    return code;
}

void comparison_graphs_free(struct comparison_graphs *graphs)
{
    for (size_t i = 0; i < graphs->count; i++)
        free(graphs->paths[i]);
    *graphs = (struct comparison_graphs){.count = 0};
}
