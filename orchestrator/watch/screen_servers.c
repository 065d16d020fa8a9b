/* Where a monitor's servers stand on the screen. */
#include <math.h>
#include <stdio.h>

#include "common/units.h"
#include "orchestrator/watch/screen_draw.h"

#define FIGURES 6u
#define FIGURES_COLUMNS 60u
#define STATE_COLUMNS 32u /* "  down since 2026-11-28 07:12:31" */
#define RESTARTS_COLUMNS 10u
#define NAME_COLUMNS_MIN 18u
/* From here on a server takes one line, below it two. */
#define ONE_LINE_COLUMNS (NAME_COLUMNS_MIN + STATE_COLUMNS + FIGURES_COLUMNS + RESTARTS_COLUMNS)
/* So many lines of an area that has them are for the bars, whatever number of servers there is. */
#define BARS_LINES 5u
#define AREA_LINES_FOR_BARS 12u

struct server_row {
    char name[sizeof((struct screen_server *)0)->name + 40];
    char state[STATE_COLUMNS + 8], restarts[SCREEN_NUMBER_BYTES];
    char figures[FIGURES][SCREEN_NUMBER_BYTES];
    enum terminal_style style;
};

/* The last of them ends at that column. */
static void put_figures(struct grid *grid, unsigned line, unsigned end,
                        const struct server_row *row)
{
    static const unsigned columns[FIGURES] = {10, 10, 10, 8, 11, 11};
    unsigned right = FIGURES_COLUMNS;
    for (unsigned i = 0; i < FIGURES; right -= columns[i++])
        if (end >= right)
            grid_put_right(grid, line, end - right + 1, columns[i] - 1, row->style,
                           row->figures[i]);
}

/* Returns how many lines it took. */
static unsigned put_row(struct grid *grid, unsigned line, const struct screen_area *area,
                        const struct server_row *row)
{
    const bool one_line = area->columns >= ONE_LINE_COLUMNS;
    const unsigned end = area->column + area->columns;
    const unsigned figures = one_line ? FIGURES_COLUMNS : 0;
    const unsigned right = figures + STATE_COLUMNS + RESTARTS_COLUMNS;
    const unsigned room = area->columns > right ? area->columns - right : 0;
    grid_put(grid, line, area->column, room, row->style, row->name);
    grid_put(grid, line, area->column + room + 2, STATE_COLUMNS - 2, row->style, row->state);
    if (end >= RESTARTS_COLUMNS)
        grid_put_right(grid, line, end - RESTARTS_COLUMNS, RESTARTS_COLUMNS, row->style,
                       row->restarts);
    put_figures(grid, one_line ? line : line + 1, one_line ? end - RESTARTS_COLUMNS : end, row);
    return one_line ? 1 : 2;
}

static void make_heading(struct server_row *row, const char *name)
{
    static const char *const figures[FIGURES] = {"p50 ms", "p99 ms",     "max ms",
                                                 "hits",   "commands/s", "memory"};
    *row = (struct server_row){.style = TERMINAL_STRONG, .state = "state", .restarts = "restarts"};
    snprintf(row->name, sizeof row->name, "%s", name);
    for (unsigned i = 0; i < FIGURES; i++)
        snprintf(row->figures[i], sizeof row->figures[i], "%s", figures[i]);
}

static void make_row(struct server_row *row, const struct screen_server *server)
{
    static const char *const states[] = {"-", "up", "down"};
    *row = (struct server_row){.style = server->state == SCREEN_SERVER_DOWN ? TERMINAL_WARNING
                                                                            : TERMINAL_PLAIN};
    snprintf(row->name, sizeof row->name, "%s", server->name);
    snprintf(row->state, sizeof row->state, "%s%s%s", states[server->state],
             server->since[0] != '\0' ? " since " : "", server->since);
    units_format_grouped(row->restarts, sizeof row->restarts, server->restarts);
    for (unsigned i = 0; i < 3; i++)
        screen_figure_text(row->figures[i], server->times[i]);
    snprintf(row->figures[3], sizeof row->figures[3], "-");
    if (server->hit_ratio >= 0)
        snprintf(row->figures[3], sizeof row->figures[3], "%.1f %%", server->hit_ratio * 100);
    screen_rate_text(row->figures[4],
                     server->commands_per_second >= 0 ? server->commands_per_second : -1);
    snprintf(row->figures[5], sizeof row->figures[5], "-");
    if (server->memory_bytes >= 0)
        units_format_size(row->figures[5], sizeof row->figures[5],
                          units_whole(server->memory_bytes));
}

/* Returns how many lines it took. */
static unsigned draw_table(const struct screen *screen, struct grid *grid,
                           const struct screen_area *area)
{
    struct server_row row;
    char name[80] = "Server";
    const unsigned each = area->columns >= ONE_LINE_COLUMNS ? 1 : 2;
    if (area->lines < 2 * each)
        return 0;
    const unsigned fit = area->lines / each - 1;
    const unsigned pages = (screen->server_count + fit - 1) / fit;
    const unsigned first = pages > 0 ? screen->page % pages * fit : 0;
    const unsigned left = screen->server_count - first, count = left < fit ? left : fit;
    if (pages > 1)
        snprintf(name, sizeof name, "%u to %u of %u", first + 1, first + count,
                 screen->server_count);
    make_heading(&row, name);
    unsigned line = put_row(grid, area->line, area, &row);
    for (unsigned i = 0; i < count; i++) {
        make_row(&row, &screen->servers[first + i]);
        line += put_row(grid, area->line + line, area, &row);
    }
    return line;
}

void screen_draw_servers(const struct screen *screen, struct grid *grid,
                         const struct screen_area *area)
{
    struct screen_area table = *area, bars = *area;
    if (area->lines >= AREA_LINES_FOR_BARS)
        table.lines -= BARS_LINES;
    const unsigned taken = draw_table(screen, grid, &table);
    bars.line += taken;
    bars.lines -= taken;
    screen_draw_histogram(screen, grid, &bars);
}

void screen_draw_answering(const struct screen *screen, struct grid *grid, unsigned line,
                           unsigned column)
{
    char text[80];
    unsigned up = 0;
    for (uint32_t i = 0; i < screen->server_count; i++)
        up += screen->servers[i].state == SCREEN_SERVER_UP;
    snprintf(text, sizeof text, "  %u of %u server%s up", up, screen->server_count,
             screen->server_count == 1 ? "" : "s");
    if (column < grid->columns)
        grid_put(grid, line, column, grid->columns - column,
                 up < screen->server_count ? TERMINAL_WARNING : TERMINAL_PLAIN, text);
}

void screen_draw_alerts(const struct screen *screen, struct grid *grid, unsigned line)
{
    static const enum terminal_style styles[] = {[ALERT_INFO] = TERMINAL_STRONG,
                                                 [ALERT_WARNING] = TERMINAL_WARNING,
                                                 [ALERT_CRITICAL] = TERMINAL_P99};
    char text[SCREEN_TEXT_BYTES + 40];
    const unsigned at = grid_put(grid, line, 0, 8, TERMINAL_PLAIN, "Alerts  ");
    if (screen->alerts_firing > 0)
        snprintf(text, sizeof text, "%u firing: %s", screen->alerts_firing, screen->alerts);
    else if (screen->alert_rules > 0)
        snprintf(text, sizeof text, "none of %u is firing", screen->alert_rules);
    else
        snprintf(text, sizeof text, "no rules are given (--alerts, --kpis)");
    grid_put(grid, line, at, grid->columns > at ? grid->columns - at : 0,
             screen->alerts_firing > 0 ? styles[screen->alert_severity]
             : screen->alert_rules > 0 ? TERMINAL_PLAIN
                                       : TERMINAL_FAINT,
             text);
}
