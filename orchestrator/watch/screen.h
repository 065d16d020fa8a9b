/* What a person sees who watches on a terminal (--tui): the newest figures and how they came about, from the events of the
 * timeline, and where each stands in so many lines and columns (screen_draw.c). Pure; owned by the command, on the heap. All
 * text of users, servers and files is cleaned where it is drawn. */
#ifndef ORCHESTRATOR_WATCH_SCREEN_H
#define ORCHESTRATOR_WATCH_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/report/timeline.h"
#include "orchestrator/watch/alerts.h"
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

enum screen_server_state { SCREEN_SERVER_UNKNOWN, SCREEN_SERVER_UP, SCREEN_SERVER_DOWN };

struct screen_server { /* of a monitor. NAN: not known */
    char name[160];
    enum screen_server_state state;
    char since[24];                /* "2026-11-28 07:12:31"; "": not known   */
    struct screen_figure times[3]; /* p50, p99, max of PING: of its window   */
    double hit_ratio, commands_per_second, memory_bytes; /* of the newest INFO */
    uint64_t restarts; /* that were seen                         */
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
    bool watching; /* a monitor: servers and alerts in place of rate, verdict and tables */
    bool takes_notes;

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

    /* of a monitor */
    struct screen_server servers[SCREEN_LANES_MAX];
    uint32_t server_count;
    uint32_t
        page; /* of the table, as often as it was turned; from the first again behind the last */
    uint32_t alert_rules, alerts_firing;
    enum alert_severity alert_severity; /* the gravest that is firing */
    char alerts[SCREEN_TEXT_BYTES];     /* "HighLatency (critical) on 127.0.0.1:7001, ..." */

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
/* Of a monitor, at most SCREEN_LANES_MAX; copied. */
void screen_set_servers(struct screen *screen, const struct screen_server *servers, uint32_t count);
/* Which of them fire now. */
void screen_set_alerts(struct screen *screen, const struct alerts *alerts);
/* The next page of a monitor's servers. Else the next table that has something in it, or the histogram alone. */
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
