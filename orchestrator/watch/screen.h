/* What a person sees who watches on a terminal (--tui): the newest figures and how they came about, from the events of the
 * timeline, and where each stands in so many lines and columns (screen_draw.c). Pure; owned by the command, on the heap. All
 * text of users, servers and files is cleaned where it is drawn. */
#ifndef ORCHESTRATOR_WATCH_SCREEN_H
#define ORCHESTRATOR_WATCH_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/report/timeline.h"
#include "orchestrator/watch/grid.h"
#include "orchestrator/watch/samples.h"

/* Everything that has to be seen has its place from here on; a smaller terminal shows less. */
#define SCREEN_COLUMNS_MIN 60u
#define SCREEN_LINES_MIN 15u

#define SCREEN_POINTS_MAX GRID_COLUMNS_MAX
#define SCREEN_LANES_MAX 64u /* of each kind */
#define SCREEN_RUNS_MAX 64u  /* the newest   */
#define SCREEN_TEXT_BYTES 320u

enum screen_series { SCREEN_RATE, SCREEN_P50, SCREEN_P99, SCREEN_MAX, SCREEN_SERIES };

/* A figure of an interval. */
struct screen_figure {
    double number; /* requests per second, or ms; below 0: there is none */
    bool at_least; /* requests without a reply hide it */
};

struct screen_lane { /* a class of requests, or a node */
    char name[160];
    double rate;
    struct screen_figure p99; /* of classes */
    uint64_t failed;
    double share; /* of nodes: of what was answered, 0..1 */
    const char *role;
};

struct screen_run { /* that has ended */
    char name[128];
    double rate;
    struct screen_figure figures[SCREEN_SERIES];
    uint64_t failed;
    enum verdict_level level;
    bool prefill;
};

enum screen_table {
    SCREEN_CLASSES,
    SCREEN_NODES,
    SCREEN_ENDED_RUNS,
    SCREEN_BARS, /* none: the histogram has all the room */
    SCREEN_TABLES
};

struct screen {
    /* of the session */
    char command[24];

    /* of the run under way, or of the last one */
    bool begun, ended;
    char name[128], target_text[160], rate_text[96];
    bool prefill, open_loop;
    uint64_t warmup_ns, duration_ns, requests;
    uint64_t answered; /* of the measured part: how far a run of so many requests is */
    uint64_t elapsed_ns;

    /* told from outside */
    char state[32];  /* "running", "paused"; "": not known */
    char phase[160]; /* of a scenario; "": none            */
    char message[SCREEN_TEXT_BYTES];
    bool message_is_warning;
    bool noting; /* a note is being typed */
    char note[NOTE_TEXT_BYTES];
    bool stopping; /* q was pressed */

    /* of the newest interval */
    uint64_t rows;
    bool warming;
    double target; /* requests per second, below 0: there is none */
    struct screen_figure newest[SCREEN_SERIES];
    struct histogram latency;
    uint64_t row_ok, row_failed;
    double row_seconds;
    uint64_t connections_open, backlog;
    struct screen_lane classes[SCREEN_LANES_MAX], nodes[SCREEN_LANES_MAX];
    uint32_t class_count, node_count;

    /* of the run so far, warm-up included */
    uint64_t errors, timed_out, lost, shed, connections_lost, connections_failed;

    /* the newest intervals of the run, a ring */
    struct screen_figure points[SCREEN_POINTS_MAX][SCREEN_SERIES];
    double point_seconds[SCREEN_POINTS_MAX];
    uint64_t point_count; /* of all that there were */

    struct screen_run runs[SCREEN_RUNS_MAX];
    uint64_t run_count; /* of all that there were */

    /* so far; valid once a measured interval has ended */
    bool judged;
    enum verdict_level level;
    char
        doubt[SCREEN_TEXT_BYTES]; /* the first check that is as bad as the whole; "": all is well */

    enum screen_table table;
    bool table_chosen; /* by hand */
};

void screen_init(struct screen *screen, const char *command);
void screen_begin_run(struct screen *screen, const struct run_facts *run);
void screen_add_row(struct screen *screen, const struct run_facts *run,
                    const struct interval_row *row);
void screen_end_run(struct screen *screen, const struct run_result *result);
void screen_hear(struct screen *screen, const struct note *note);
/* The newest line about something; a warning stands out. */
void screen_say(struct screen *screen, bool warning, const char *text);
/* What volley would say of the run if it ended now. */
void screen_judge(struct screen *screen, const struct verdict *verdict);
/* The next table that has something in it, or the histogram alone. */
void screen_turn(struct screen *screen);
bool screen_table_filled(const struct screen *screen, enum screen_table table);

/* Lays all of it out, into a grid that has been cleared to the size of the terminal. samples may be NULL. Where a note is
 * being typed, its cursor; else beyond the grid. */
struct screen_cursor {
    unsigned line, column;
};
struct screen_cursor screen_draw(const struct screen *screen, const struct watch_samples *samples,
                                 struct grid *grid);

#endif
