/* Where everything stands on the screen. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/text.h"
#include "orchestrator/watch/screen_draw.h"

#define LABEL_COLUMNS 7u    /* "p50 ms " */
#define EDGE_COLUMNS 10u    /* a number at an end of a sparkline */
#define SIDE_BY_SIDE 104u   /* from here on histogram and table stand beside each other */
#define HISTOGRAM_LINES 12u /* at most, so that they are read at a glance */
#define BAR_LABEL_COLUMNS 14u
#define BAR_COUNT_COLUMNS 12u

static const enum terminal_style level_styles[] = {[VERDICT_GREEN] = TERMINAL_RATE,
                                                   [VERDICT_AMBER] = TERMINAL_WARNING,
                                                   [VERDICT_RED] = TERMINAL_P99};

static unsigned least(unsigned one, unsigned other)
{
    return one < other ? one : other;
}

/* "12.3k" has no place here: digits, as in every other output. */
const char *screen_rate_text(char text[SCREEN_NUMBER_BYTES], double rate)
{
    if (rate < 0)
        snprintf(text, SCREEN_NUMBER_BYTES, "-");
    else
        units_format_grouped(text, SCREEN_NUMBER_BYTES, (uint64_t)(rate + 0.5));
    return text;
}

/* ">=" where requests without a reply hide it. */
const char *screen_figure_text(char text[SCREEN_NUMBER_BYTES], struct screen_figure figure)
{
    if (figure.number < 0)
        snprintf(text, SCREEN_NUMBER_BYTES, "-");
    else
        snprintf(text, SCREEN_NUMBER_BYTES, "%s%s", figure.at_least ? ">=" : "",
                 UNITS_REAL(figure.number, 3));
    return text;
}

static const char *time_text(char text[SCREEN_NUMBER_BYTES], uint64_t elapsed_ns)
{
    const uint64_t seconds = elapsed_ns / NS_PER_SECOND;
    if (seconds >= 3600)
        snprintf(text, SCREEN_NUMBER_BYTES, "%llu:%02u:%02u", (unsigned long long)(seconds / 3600),
                 (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
    else
        snprintf(text, SCREEN_NUMBER_BYTES, "%02u:%02u", (unsigned)(seconds / 60),
                 (unsigned)(seconds % 60));
    return text;
}

/* ---- the head ---- */

static void draw_title(const struct screen *screen, struct grid *grid)
{
    char left[SCREEN_TEXT_BYTES], right[SCREEN_NUMBER_BYTES * 2 + 8], at[SCREEN_NUMBER_BYTES],
        of[SCREEN_NUMBER_BYTES];
    snprintf(left, sizeof left, " volley %s  %s  %.150s", screen->command,
             screen->begun ? screen->name : "connecting", screen->target_text);
    time_text(at, screen->elapsed_ns);
    if (screen->duration_ns > 0)
        snprintf(right, sizeof right, " %s of %s ", at,
                 time_text(of, screen->warmup_ns + screen->duration_ns));
    else
        snprintf(right, sizeof right, " %s ", at);
    const unsigned room = grid_width(right);
    grid_put(grid, 0, 0, grid->columns > room ? grid->columns - room : 0, TERMINAL_TITLE, left);
    grid_put_right(grid, 0, 0, grid->columns, TERMINAL_TITLE, right);
    grid_style_line(grid, 0, TERMINAL_TITLE);
}

static const char *state_of(const struct screen *screen)
{
    if (screen->stopping)
        return "stopping";
    if (screen->ended)
        return "ended";
    if (screen->state[0] != '\0')
        return screen->state;
    return !screen->begun      ? "connecting"
           : screen->watching  ? "watching"
           : screen->rows == 0 ? "starting"
           : screen->warming   ? "warming up"
                               : "running";
}

/* Of its time or of its requests, as it ends. */
static double share_done(const struct screen *screen)
{
    const uint64_t measured_ns =
        screen->elapsed_ns > screen->warmup_ns ? screen->elapsed_ns - screen->warmup_ns : 0;
    if (screen->duration_ns > 0)
        return fmin(1, (double)measured_ns / (double)screen->duration_ns);
    return screen->requests > 0 ? fmin(1, (double)screen->answered / (double)screen->requests) : -1;
}

static void draw_state(const struct screen *screen, struct grid *grid, unsigned line)
{
    char text[SCREEN_TEXT_BYTES];
    const char *state = state_of(screen);
    const bool unusual = strcmp(state, "running") != 0 && strcmp(state, "ended") != 0 &&
                         strcmp(state, "watching") != 0;
    unsigned at =
        grid_put(grid, line, 0, grid->columns, unusual ? TERMINAL_WARNING : TERMINAL_STRONG, state);
    const double share = share_done(screen);
    text[0] = '\0';
    if (screen->duration_ns == 0 && screen->requests > 0)
        snprintf(text, sizeof text, "  %s of %s requests (%.1f %%)",
                 UNITS_GROUPED(screen->answered), UNITS_GROUPED(screen->requests), share * 100);
    else if (share >= 0)
        snprintf(text, sizeof text, "  %.1f %% of the time", share * 100);
    at += grid_put(grid, line, at, grid->columns - at, TERMINAL_PLAIN, text);
    if (screen->watching)
        screen_draw_answering(screen, grid, line, at);
    if (screen->phase[0] != '\0') {
        snprintf(text, sizeof text, "  %s", screen->phase);
        grid_put(grid, line, at, grid->columns - at, TERMINAL_PLAIN, text);
    }
}

static void draw_rate(const struct screen *screen, struct grid *grid, unsigned line)
{
    char rate[SCREEN_NUMBER_BYTES], target[SCREEN_NUMBER_BYTES], text[SCREEN_TEXT_BYTES];
    screen_rate_text(rate, screen->newest[SCREEN_RATE].number);
    if (screen->target < 0) {
        snprintf(text, sizeof text, "Rate    %s/s%s", rate,
                 screen->open_loop ? "" : ", as fast as replies come");
        grid_put(grid, line, 0, grid->columns, TERMINAL_PLAIN, text);
        return;
    }
    const double reached =
        screen->target > 0 ? screen->newest[SCREEN_RATE].number / screen->target : -1;
    if (reached >= 0)
        snprintf(text, sizeof text, "Rate    %s/s of %s/s (%.1f %%) ", rate,
                 screen_rate_text(target, screen->target), reached * 100);
    else
        snprintf(text, sizeof text, "Rate    %s/s of %s/s ", rate,
                 screen_rate_text(target, screen->target));
    unsigned at = grid_put(grid, line, 0, grid->columns, TERMINAL_PLAIN, text);
    const unsigned room = grid->columns - at;
    const unsigned filled = reached > 0 ? least((unsigned)(reached * room + 0.5), room) : 0;
    for (unsigned i = 0; i < room; i++)
        grid_put(grid, line, at + i, 1, i < filled ? TERMINAL_RATE : TERMINAL_FAINT,
                 i < filled ? (grid->ascii ? "=" : "\u2501") : (grid->ascii ? "-" : "\u2500"));
}

/* ---- lines over time ---- */

static const struct {
    const char *label;
    enum terminal_style style;
} series[SCREEN_SERIES] = {[SCREEN_RATE] = {"rate/s", TERMINAL_RATE},
                           [SCREEN_P50] = {"p50 ms", TERMINAL_P50},
                           [SCREEN_P99] = {"p99 ms", TERMINAL_P99},
                           [SCREEN_MAX] = {"max ms", TERMINAL_MAX}};

static const struct screen_figure *point_at(const struct screen *screen, uint64_t number)
{
    return screen->points[number % SCREEN_POINTS_MAX];
}

/* Its smallest value, its points, its largest one, and the newest: of as many intervals as fit. */
static void draw_spark(const struct screen *screen, struct grid *grid, unsigned line,
                       enum screen_series which)
{
    char number[SCREEN_NUMBER_BYTES];
    const unsigned edges = LABEL_COLUMNS + 3 * EDGE_COLUMNS + 4;
    const unsigned room = grid->columns > edges ? grid->columns - edges : 1;
    const uint64_t kept = screen->point_count < room ? screen->point_count : room;
    const uint64_t shown = kept < SCREEN_POINTS_MAX ? kept : SCREEN_POINTS_MAX;
    struct screen_figure low = {.number = INFINITY}, high = {.number = -1};
    for (uint64_t i = screen->point_count - shown; i < screen->point_count; i++) {
        const struct screen_figure figure = point_at(screen, i)[which];
        if (figure.number >= 0 && figure.number < low.number)
            low = figure;
        if (figure.number > high.number)
            high = figure;
    }
    const bool rate = which == SCREEN_RATE;
    const enum terminal_style style = series[which].style;
    grid_put(grid, line, 0, LABEL_COLUMNS, TERMINAL_PLAIN, series[which].label);
    grid_put_right(grid, line, LABEL_COLUMNS, EDGE_COLUMNS, TERMINAL_STRONG,
                   rate ? screen_rate_text(number, screen->newest[which].number)
                        : screen_figure_text(number, screen->newest[which]));
    if (high.number < 0)
        return;
    unsigned column = LABEL_COLUMNS + EDGE_COLUMNS;
    grid_put_right(grid, line, column, EDGE_COLUMNS + 1, TERMINAL_FAINT,
                   rate ? screen_rate_text(number, low.number) : screen_figure_text(number, low));
    column += EDGE_COLUMNS + 2;
    for (uint64_t i = screen->point_count - shown; i < screen->point_count; i++)
        grid_put(grid, line, column++, 1, style,
                 spark_cell(point_at(screen, i)[which].number, low.number, high.number, rate,
                            grid->ascii));
    grid_put(grid, line, column + 1, EDGE_COLUMNS + 1, TERMINAL_FAINT,
             rate ? screen_rate_text(number, high.number) : screen_figure_text(number, high));
}

/* ---- what went wrong, and who serves ---- */

static unsigned put_count(struct grid *grid, unsigned line, unsigned column, const char *name,
                          uint64_t number, bool bad)
{
    char text[80];
    snprintf(text, sizeof text, "%s %s", name, UNITS_GROUPED(number));
    if (column > 0 && column + 2 + grid_width(text) > grid->columns)
        return column;
    const unsigned at = column > 0 ? column + 2 : 0;
    return at + grid_put(grid, line, at, grid->columns - at,
                         bad && number > 0 ? TERMINAL_WARNING : TERMINAL_PLAIN, text);
}

static void draw_counts(const struct screen *screen, struct grid *grid, unsigned line)
{
    unsigned at = put_count(grid, line, 0, "Errors", screen->errors, true);
    at = put_count(grid, line, at, "timeouts", screen->timed_out, true);
    at = put_count(grid, line, at, "lost", screen->lost, true);
    at = put_count(grid, line, at, "connections", screen->connections_open, false);
    if (screen->connections_lost > 0)
        at = put_count(grid, line, at, "broken", screen->connections_lost, true);
    if (screen->connections_failed > 0)
        at = put_count(grid, line, at, "not made", screen->connections_failed, true);
    if (screen->open_loop)
        at = put_count(grid, line, at, "backlog", screen->backlog, true);
    if (screen->open_loop)
        put_count(grid, line, at, "shed", screen->shed, true);
}

static unsigned put_bytes(struct grid *grid, unsigned line, unsigned column, double bytes,
                          const char *what)
{
    char size[SCREEN_NUMBER_BYTES], text[80];
    if (!(bytes >= 0))
        return column;
    snprintf(text, sizeof text, "%s%s %s", column > LABEL_COLUMNS + 1 ? ", " : "",
             units_format_size(size, sizeof size, units_whole(bytes)), what);
    return column + grid_put(grid, line, column, grid->columns - column, TERMINAL_PLAIN, text);
}

static void draw_server(const struct watch_samples *samples, struct grid *grid, unsigned line)
{
    char text[80];
    unsigned at = grid_put(grid, line, 0, LABEL_COLUMNS + 1, TERMINAL_PLAIN, "Server  ");
    if (samples == NULL || !samples->known) {
        grid_put(grid, line, at, grid->columns - at, TERMINAL_FAINT,
                 samples != NULL && samples->missed > 0 ? "its INFO has no answer"
                                                        : "nothing is known of its memory");
        return;
    }
    at = put_bytes(grid, line, at, samples->newest[SERIES_USED_MEMORY], "used");
    at = put_bytes(grid, line, at, samples->newest[SERIES_RSS], "resident");
    text[0] = '\0';
    if (samples->newest[SERIES_FRAGMENTATION] >= 0)
        snprintf(text, sizeof text, ", fragmentation %.2f", samples->newest[SERIES_FRAGMENTATION]);
    at += grid_put(grid, line, at, grid->columns - at, TERMINAL_PLAIN, text);
    text[0] = '\0';
    if (samples->hit_ratio >= 0)
        snprintf(text, sizeof text, ", hits %.1f %%", samples->hit_ratio * 100);
    at += grid_put(grid, line, at, grid->columns - at, TERMINAL_PLAIN, text);
    text[0] = '\0';
    if (samples->newest[SERIES_KEYS] >= 0)
        snprintf(text, sizeof text, ", %s keys",
                 UNITS_GROUPED(units_whole(samples->newest[SERIES_KEYS])));
    grid_put(grid, line, at, grid->columns - at, TERMINAL_PLAIN, text);
}

static void draw_verdict(const struct screen *screen, struct grid *grid, unsigned line)
{
    char text[SCREEN_TEXT_BYTES + 4];
    if (screen->prefill) {
        const unsigned behind =
            grid_put(grid, line, 0, LABEL_COLUMNS + 1, TERMINAL_PLAIN, "Phase   ");
        grid_put(grid, line, behind, grid->columns - behind, TERMINAL_PLAIN,
                 "prefill: the keys are written, and nothing is judged");
        return;
    }
    unsigned at = grid_put(grid, line, 0, LABEL_COLUMNS + 1, TERMINAL_PLAIN, "Verdict ");
    if (!screen->judged) {
        grid_put(grid, line, at, grid->columns - at, TERMINAL_FAINT, "nothing is measured yet");
        return;
    }
    at += grid_put(grid, line, at, grid->columns - at, level_styles[screen->level],
                   verdict_level_name(screen->level));
    at += grid_put(grid, line, at, grid->columns - at, TERMINAL_PLAIN,
                   screen->ended ? "" : " so far");
    snprintf(text, sizeof text, ": %s", screen->doubt);
    if (screen->doubt[0] != '\0')
        grid_put(grid, line, at, grid->columns - at, TERMINAL_PLAIN, text);
}

/* ---- the latency histogram ---- */

struct bar {
    uint64_t up_to_ns, count;
};

/* From the smallest latency to the largest, each as many times the one before; the counts add up to all. */
static unsigned make_bars(struct bar *bars, unsigned room, const struct histogram *latency)
{
    const double low = latency->min_ns > 0 ? (double)latency->min_ns : 1;
    const double high = fmax((double)latency->max_ns, low);
    unsigned count = 0;
    uint64_t before = 0;
    for (unsigned i = 1; i <= room; i++) {
        const double edge = low * pow(high / low, (double)i / room);
        const uint64_t up_to_ns = i == room ? latency->max_ns : (uint64_t)edge;
        const uint64_t below =
            i == room ? latency->count : histogram_count_at_or_below(latency, up_to_ns);
        const bool nothing_more =
            i == room ? below == before : count > 0 && up_to_ns <= bars[count - 1].up_to_ns;
        if (nothing_more)
            continue;
        bars[count++] = (struct bar){up_to_ns, below - before};
        before = below;
    }
    return count;
}

static void draw_bar(struct grid *grid, unsigned line, const struct screen_area *area,
                     const struct bar *bar, uint64_t most)
{
    static const char *const eighths[] = {"",       "\u258f", "\u258e", "\u258d",
                                          "\u258c", "\u258b", "\u258a", "\u2589"};
    char text[SCREEN_NUMBER_BYTES + 8];
    snprintf(text, sizeof text, "%s %s", grid->ascii ? "<=" : "\u2264",
             UNITS_REAL((double)bar->up_to_ns / NS_PER_MS, 3));
    grid_put_right(grid, line, area->column, BAR_LABEL_COLUMNS - 1, TERMINAL_PLAIN, text);
    grid_put_right(grid, line, area->column + BAR_LABEL_COLUMNS, BAR_COUNT_COLUMNS - 1,
                   TERMINAL_PLAIN, UNITS_GROUPED(bar->count));
    const unsigned begin = BAR_LABEL_COLUMNS + BAR_COUNT_COLUMNS;
    const unsigned room = area->columns > begin ? area->columns - begin : 0;
    const double share = most > 0 ? (double)bar->count / (double)most : 0;
    unsigned parts = (unsigned)(share * room * 8 + 0.5);
    if (bar->count > 0 && parts == 0) /* what there is can be seen */
        parts = 1;
    unsigned column = area->column + begin;
    for (; parts >= 8; parts -= 8)
        grid_put(grid, line, column++, 1, TERMINAL_P50, grid->ascii ? "#" : "\u2588");
    if (parts > 0)
        grid_put(grid, line, column, 1, TERMINAL_P50, grid->ascii ? "|" : eighths[parts]);
}

void screen_draw_histogram(const struct screen *screen, struct grid *grid,
                           const struct screen_area *area)
{
    struct bar bars[HISTOGRAM_LINES];
    char text[SCREEN_TEXT_BYTES];
    if (area->lines < 2)
        return;
    snprintf(text, sizeof text, "Latency (ms) of the last %.*f s, %s replies",
             screen->row_seconds < 1 ? 2 : 0, screen->row_seconds,
             UNITS_GROUPED(screen->latency.count));
    grid_put(grid, area->line, area->column, area->columns, TERMINAL_STRONG,
             screen->rows > 0 ? text : "Latency (ms)");
    if (screen->latency.count == 0)
        return;
    const unsigned count =
        make_bars(bars, least(area->lines - 1, HISTOGRAM_LINES), &screen->latency);
    uint64_t most = 0;
    for (unsigned i = 0; i < count; i++)
        most = bars[i].count > most ? bars[i].count : most;
    for (unsigned i = 0; i < count; i++)
        draw_bar(grid, area->line + 1 + i, area, &bars[i], most);
}

/* ---- tables ---- */

#define COLUMNS_AT_RIGHT 3u
#define CELL_COLUMNS 12u

struct table_row {
    const char *name;
    enum terminal_style style;
    char cells[COLUMNS_AT_RIGHT][SCREEN_NUMBER_BYTES];
};

static void draw_row(struct grid *grid, unsigned line, const struct screen_area *area,
                     const struct table_row *row)
{
    const unsigned right = COLUMNS_AT_RIGHT * CELL_COLUMNS;
    const unsigned room = area->columns > right ? area->columns - right : 0;
    grid_put(grid, line, area->column, room, row->style, row->name);
    for (unsigned i = 0; i < COLUMNS_AT_RIGHT; i++)
        grid_put_right(grid, line, area->column + room + i * CELL_COLUMNS + 1, CELL_COLUMNS - 1,
                       row->style, row->cells[i]);
}

static void heading(struct table_row *row, const char *name, const char *one, const char *two,
                    const char *three)
{
    *row = (struct table_row){.name = name, .style = TERMINAL_STRONG};
    snprintf(row->cells[0], sizeof row->cells[0], "%s", one);
    snprintf(row->cells[1], sizeof row->cells[1], "%s", two);
    snprintf(row->cells[2], sizeof row->cells[2], "%s", three);
}

static void class_row(struct table_row *row, const struct screen_lane *lane)
{
    *row = (struct table_row){.name = lane->name};
    screen_rate_text(row->cells[0], lane->rate);
    screen_figure_text(row->cells[1], lane->p99);
    units_format_grouped(row->cells[2], sizeof row->cells[2], lane->failed);
    row->style = lane->failed > 0 ? TERMINAL_WARNING : TERMINAL_PLAIN;
}

static void node_row(struct table_row *row, const struct screen_lane *lane,
                     const struct watch_samples *samples)
{
    class_row(row, lane);
    snprintf(row->cells[1], sizeof row->cells[1], "-");
    for (uint32_t i = 0; samples != NULL && i < samples->node_count; i++)
        if (strcmp(samples->nodes[i].text, lane->name) == 0 && samples->nodes[i].used_memory >= 0)
            units_format_size(row->cells[1], sizeof row->cells[1],
                              units_whole(samples->nodes[i].used_memory));
}

static void run_row(struct table_row *row, const struct screen_run *run)
{
    *row = (struct table_row){.name = run->name, .style = TERMINAL_PLAIN};
    screen_rate_text(row->cells[0], run->rate);
    screen_figure_text(row->cells[1], run->figures[SCREEN_P99]);
    snprintf(row->cells[2], sizeof row->cells[2], "%s",
             run->prefill ? "" : verdict_level_name(run->level));
    if (run->level != VERDICT_GREEN && !run->prefill)
        row->style = level_styles[run->level];
}

/* SCREEN_BARS: none. */
static enum screen_table table_shown(const struct screen *screen)
{
    if (screen->table_chosen && screen_table_filled(screen, screen->table))
        return screen->table;
    for (enum screen_table table = 0; table < SCREEN_BARS; table++)
        if (screen_table_filled(screen, table))
            return table;
    return SCREEN_BARS;
}

static void draw_table(const struct screen *screen, const struct watch_samples *samples,
                       struct grid *grid, const struct screen_area *area)
{
    struct table_row row;
    const enum screen_table table = table_shown(screen);
    if (area->lines < 2 || table == SCREEN_BARS)
        return;
    if (table == SCREEN_CLASSES)
        heading(&row, "Class", "rate/s", "p99 ms", "failed");
    else if (table == SCREEN_NODES)
        heading(&row, "Node", "rate/s", "memory", "failed");
    else
        heading(&row, strcmp(screen->command, "find-max") == 0 ? "Probe" : "Run", "rate/s",
                "p99 ms", "verdict");
    draw_row(grid, area->line, area, &row);
    const uint64_t kept = screen->run_count < SCREEN_RUNS_MAX ? screen->run_count : SCREEN_RUNS_MAX;
    const uint64_t count = table == SCREEN_CLASSES ? screen->class_count
                           : table == SCREEN_NODES ? screen->node_count
                                                   : kept;
    for (unsigned i = 0; i < area->lines - 1 && i < count; i++) {
        if (table == SCREEN_CLASSES)
            class_row(&row, &screen->classes[i]);
        else if (table == SCREEN_NODES)
            node_row(&row, &screen->nodes[i], samples);
        else /* the newest first */
            run_row(&row, &screen->runs[(screen->run_count - 1 - i) % SCREEN_RUNS_MAX]);
        draw_row(grid, area->line + 1 + i, area, &row);
    }
}

/* Beside each other where there is room, else one above the other; where neither fits, the one that was asked for. */
static void draw_middle(const struct screen *screen, const struct watch_samples *samples,
                        struct grid *grid, struct screen_area area)
{
    struct screen_area histogram = area, beside = area;
    if (table_shown(screen) == SCREEN_BARS) {
        screen_draw_histogram(screen, grid, &area);
        return;
    }
    if (grid->columns >= SIDE_BY_SIDE) {
        histogram.columns = area.columns / 2 - 1;
        beside.column = area.column + area.columns / 2 + 1;
        beside.columns = area.columns - area.columns / 2 - 1;
    } else if (area.lines >= 8) {
        histogram.lines = least(area.lines / 2, HISTOGRAM_LINES + 1);
        beside.line += histogram.lines;
        beside.lines -= histogram.lines;
    } else if (screen->table_chosen || screen->class_count + screen->node_count > 0) {
        histogram.lines = 0;
    } else {
        beside.lines = 0;
    }
    screen_draw_histogram(screen, grid, &histogram);
    draw_table(screen, samples, grid, &beside);
}

/* ---- the foot ---- */

static const char *keys_of(const struct screen *screen)
{
    if (screen->watching)
        return screen->stopping      ? "waiting for what is being written"
               : screen->takes_notes ? "n note  tab more servers  q stop"
                                     : "tab more servers  q stop";
    return screen->stopping ? "waiting for the last replies; q once more does not wait"
                            : "space pause  + - rate  n note  tab table  q stop";
}

static struct screen_cursor draw_foot(const struct screen *screen, struct grid *grid)
{
    struct screen_cursor cursor = {.line = UINT32_MAX, .column = UINT32_MAX};
    const unsigned last = grid->lines - 1;
    if (screen->noting) {
        unsigned at = grid_put(grid, last - 1, 0, grid->columns, TERMINAL_STRONG, "Note: ");
        const unsigned width = grid_width(screen->note);
        const char *text = screen->note;
        /* Its end is what is being typed. */
        for (unsigned over = width; *text != '\0' && at + over + 1 > grid->columns;) {
            const size_t bytes = printable_sequence_bytes(text);
            text += bytes > 0 ? bytes : 1;
            over = grid_width(text);
        }
        at += grid_put(grid, last - 1, at, grid->columns - at, TERMINAL_PLAIN, text);
        cursor = (struct screen_cursor){.line = last - 1, .column = at};
        grid_put(grid, last, 0, grid->columns, TERMINAL_FAINT,
                 "Enter keeps the note, Escape does not");
        return cursor;
    }
    grid_put(grid, last - 1, 0, grid->columns,
             screen->message_is_warning ? TERMINAL_WARNING : TERMINAL_PLAIN, screen->message);
    grid_put(grid, last, 0, grid->columns, TERMINAL_FAINT, keys_of(screen));
    return cursor;
}

/* Returns the line behind them. */
static unsigned draw_judged(const struct screen *screen, const struct watch_samples *samples,
                            struct grid *grid, unsigned line, unsigned last)
{
    if (screen->watching) {
        screen_draw_alerts(screen, grid, line++);
        return line;
    }
    draw_server(samples, grid, line++);
    if (line < last)
        draw_verdict(screen, grid, line++);
    return line;
}

struct screen_cursor screen_draw(const struct screen *screen, const struct watch_samples *samples,
                                 struct grid *grid)
{
    if (grid->lines < 4 || grid->columns < 8)
        return (struct screen_cursor){.line = UINT32_MAX, .column = UINT32_MAX};
    unsigned line = 1;
    draw_title(screen, grid);
    const unsigned last = grid->lines - 2; /* the foot's first */
    if (line < last)
        draw_state(screen, grid, line++);
    if (line < last && !screen->watching)
        draw_rate(screen, grid, line++);
    for (enum screen_series which = screen->watching ? SCREEN_P50 : 0;
         which < SCREEN_SERIES && line < last; which++)
        draw_spark(screen, grid, line++, which);
    if (line < last)
        draw_counts(screen, grid, line++);
    if (line < last)
        line = draw_judged(screen, samples, grid, line, last);
    const struct screen_area middle = {
        .line = line, .lines = last - line, .columns = grid->columns};
    if (line < last && screen->watching)
        screen_draw_servers(screen, grid, &middle);
    else if (line < last)
        draw_middle(screen, samples, grid, middle);
    return draw_foot(screen, grid);
}
