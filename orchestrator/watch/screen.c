#include "orchestrator/watch/screen.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/metric.h"

void screen_init(struct screen *screen, const char *command)
{
    memset(screen, 0, sizeof *screen);
    snprintf(screen->command, sizeof screen->command, "%s", command);
    screen->watching = strcmp(command, "monitor") == 0;
    histogram_init_zeroed(&screen->latency);
    screen->target = -1;
    for (unsigned i = 0; i < SCREEN_SERIES; i++)
        screen->newest[i].number = -1;
}

static void forget_run(struct screen *screen)
{
    screen->ended = screen->warming = screen->judged = false;
    screen->rows = screen->point_count = screen->answered = screen->elapsed_ns = 0;
    screen->errors = screen->timed_out = screen->lost = screen->shed = 0;
    screen->connections_lost = screen->connections_failed = 0;
    screen->connections_open = screen->backlog = screen->row_ok = screen->row_failed = 0;
    screen->class_count = screen->node_count = 0;
    screen->target = -1;
    screen->doubt[0] = screen->state[0] = '\0';
    for (unsigned i = 0; i < SCREEN_SERIES; i++)
        screen->newest[i] = (struct screen_figure){.number = -1};
    histogram_reset(&screen->latency);
}

void screen_begin_run(struct screen *screen, const struct run_facts *run)
{
    forget_run(screen);
    screen->begun = true;
    screen->prefill = run->prefill;
    screen->open_loop = run->open_loop;
    screen->warmup_ns = run->warmup_ns;
    screen->duration_ns = run->duration_ns;
    screen->requests = run->requests;
    screen->warming = run->warmup_ns > 0;
    if (run->prefill)
        snprintf(screen->name, sizeof screen->name, "prefill for %.100s", run->prefill_for);
    else
        snprintf(screen->name, sizeof screen->name, "%s", run->name);
    snprintf(screen->target_text, sizeof screen->target_text, "%s", run->target);
    snprintf(screen->rate_text, sizeof screen->rate_text, "%s", run->rate_text);
}

/* In ms, as far as it is known. */
static struct screen_figure figure_of(struct metric_value value)
{
    if (value.censored)
        return (struct screen_figure){(double)value.at_least_ns / NS_PER_MS, true};
    return (struct screen_figure){value.known ? value.number / NS_PER_MS : -1, false};
}

static void read_times(struct screen_figure figures[SCREEN_SERIES],
                       const struct metric_slice *slice)
{
    const struct metric_value rate = metric_read(slice, METRIC_ACHIEVED_RATE, NULL);
    figures[SCREEN_RATE] = (struct screen_figure){rate.known ? rate.number : -1, false};
    figures[SCREEN_P50] = figure_of(metric_percentile(slice, METRIC_RESPONSE_TIME, 50));
    figures[SCREEN_P99] = figure_of(metric_percentile(slice, METRIC_RESPONSE_TIME, 99));
    figures[SCREEN_MAX] = figure_of(metric_percentile(slice, METRIC_RESPONSE_TIME, 100));
}

static void read_classes(struct screen *screen, const struct run_facts *run,
                         const struct metric_slice *slice)
{
    screen->class_count = 0;
    for (uint32_t i = 0; i < run->class_count && i < SCREEN_LANES_MAX; i++) {
        const struct metric_slice class = metric_slice_of_class(slice, i);
        struct screen_lane *lane = &screen->classes[screen->class_count++];
        *lane = (struct screen_lane){
            .rate = metric_read(&class, METRIC_ACHIEVED_RATE, NULL).number,
            .p99 = figure_of(metric_percentile(&class, METRIC_RESPONSE_TIME, 99)),
            .failed = (uint64_t)metric_read(&class, METRIC_FAILED, NULL).number,
        };
        snprintf(lane->name, sizeof lane->name, "%s", run->class_names[i]);
    }
}

static void read_nodes(struct screen *screen, const struct run_facts *run,
                       const struct interval_row *row)
{
    screen->node_count = 0;
    for (uint32_t i = 0; i < row->node_count && i < SCREEN_LANES_MAX; i++) {
        const uint64_t *counters = row->nodes[i].counters;
        struct screen_lane *lane = &screen->nodes[screen->node_count++];
        *lane = (struct screen_lane){
            .rate = figure_rate(counters[NODE_OK], figure_row_seconds(row)),
            .failed = counters[NODE_ERRORS] + counters[NODE_TIMED_OUT] + counters[NODE_LOST],
            .share = figure_node_share(row, i),
            .role = i < run->node_count ? run_role_name(run->nodes[i].role) : "",
        };
        figure_node_name(lane->name, sizeof lane->name, run, i);
    }
}

static void count(struct screen *screen, const struct interval_row *row)
{
    const uint64_t *counters = row->counters;
    screen->errors += counters[COUNTER_ERROR_REPLIES];
    screen->timed_out += counters[COUNTER_TIMED_OUT];
    screen->lost += counters_lost(counters);
    screen->shed += counters_shed(counters);
    screen->connections_lost += counters[COUNTER_CONNECTIONS_LOST];
    screen->connections_failed += counters[COUNTER_CONNECT_FAILURES];
    screen->connections_open = row->header.connections_open;
    screen->backlog = row->header.backlog_after;
    screen->row_ok = counters[COUNTER_OK];
    screen->row_failed = figure_failed(counters);
    screen->row_seconds = figure_row_seconds(row);
    if (!screen->warming)
        screen->answered += figure_answered(counters);
}

void screen_add_row(struct screen *screen, const struct run_facts *run,
                    const struct interval_row *row)
{
    struct metric_slice slice = metric_slice_of(row, run->open_loop);
    slice.run = run;
    slice.worker_count = run->worker_count;
    screen->rows++;
    screen->warming = (row->header.flags & INTERVAL_WARMUP) != 0;
    count(screen, row);
    read_times(screen->newest, &slice);
    const struct metric_value target = metric_read(&slice, METRIC_TARGET_RATE, NULL);
    screen->target = run->open_loop && target.known ? target.number : -1;
    histogram_reset(&screen->latency);
    histogram_add(&screen->latency, figure_latency(row, run->open_loop));
    read_classes(screen, run, &slice);
    read_nodes(screen, run, row);
    const uint64_t place = screen->point_count++ % SCREEN_POINTS_MAX;
    memcpy(screen->points[place], screen->newest, sizeof screen->points[place]);
    screen->point_seconds[place] = screen->row_seconds;
    if (row->header.end_ns > screen->elapsed_ns)
        screen->elapsed_ns = row->header.end_ns;
}

void screen_end_run(struct screen *screen, const struct run_result *result)
{
    const struct metric_slice slice = metric_slice_of_run(result);
    struct screen_run *run = &screen->runs[screen->run_count++ % SCREEN_RUNS_MAX];
    *run = (struct screen_run){.failed = figure_failed(result->total->counters),
                               .level = result->verdict.level,
                               .prefill = screen->prefill};
    const char *arrivals = strstr(screen->rate_text, ", "); /* "8,000/s, even" */
    const size_t bytes =
        arrivals != NULL ? (size_t)(arrivals - screen->rate_text) : strlen(screen->rate_text);
    if (result->rate_changes > 0) /* none of them is the whole run's */
        snprintf(run->name, sizeof run->name, "%.60s at several rates", screen->name);
    else
        snprintf(run->name, sizeof run->name, "%.60s%s%.*s", screen->name, bytes > 0 ? " at " : "",
                 (int)(bytes < 60 ? bytes : 60), screen->rate_text);
    read_times(run->figures, &slice);
    run->rate = run->figures[SCREEN_RATE].number;
    screen->ended = true;
    screen_judge(screen, &result->verdict);
}

void screen_hear(struct screen *screen, const struct note *note)
{
    char text[SCREEN_TEXT_BYTES];
    if (note->source == NOTE_SAMPLE)
        return;
    snprintf(text, sizeof text, "%.1f s, %s: %s%s%s", clock_seconds(note->at_ns), note_teller(note),
             note->text, note->ok ? "" : ": ", note->ok ? "" : note->cause);
    screen_say(screen, !note->ok, text);
}

void screen_say(struct screen *screen, bool warning, const char *text)
{
    snprintf(screen->message, sizeof screen->message, "%s", text);
    screen->message_is_warning = warning;
}

void screen_judge(struct screen *screen, const struct verdict *verdict)
{
    screen->judged = true;
    screen->level = verdict->level;
    screen->doubt[0] = '\0';
    for (uint32_t i = 0; i < verdict->check_count && verdict->level != VERDICT_GREEN; i++) {
        const struct verdict_check *check = &verdict->checks[i];
        if (check->level != verdict->level)
            continue;
        snprintf(screen->doubt, sizeof screen->doubt, "%s: %s", check->name, check->text);
        break;
    }
}

void screen_set_servers(struct screen *screen, const struct screen_server *servers, uint32_t count)
{
    screen->server_count = count < SCREEN_LANES_MAX ? count : SCREEN_LANES_MAX;
    memcpy(screen->servers, servers, screen->server_count * sizeof servers[0]);
}

void screen_set_alerts(struct screen *screen, const struct alerts *alerts)
{
    struct alert_view view;
    size_t used = 0;
    screen->alerts_firing = 0;
    screen->alert_severity = ALERT_INFO;
    screen->alerts[0] = '\0';
    screen->alert_rules = alerts->rules != NULL ? (uint32_t)alerts->rules->count : 0;
    for (size_t i = 0; alerts_at(alerts, i, &view); i++) {
        if (view.status->state != ALERT_FIRING)
            continue;
        const enum alert_severity severity = view.rule->severity;
        if (used < sizeof screen->alerts)
            used += (size_t)snprintf(screen->alerts + used, sizeof screen->alerts - used,
                                     "%s%s (%s)%s%s", screen->alerts_firing > 0 ? ", " : "",
                                     view.rule->name, alert_severity_name(severity),
                                     view.server != NULL ? " on " : "",
                                     view.server != NULL ? view.server : "");
        screen->alerts_firing++;
        if (severity > screen->alert_severity)
            screen->alert_severity = severity;
    }
}

bool screen_table_filled(const struct screen *screen, enum screen_table table)
{
    switch (table) {
    case SCREEN_CLASSES:
        return screen->class_count > 0;
    case SCREEN_NODES:
        return screen->node_count > 0;
    case SCREEN_ENDED_RUNS:
        return screen->run_count > 0;
    case SCREEN_BARS:
        return screen->class_count + screen->node_count > 0 || screen->run_count > 0;
    case SCREEN_TABLES:
        break;
    }
    return false;
}

void screen_turn(struct screen *screen)
{
    if (screen->watching) {
        screen->page++;
        return;
    }
    /* What is shown as long as nobody has chosen is the first one that there is. */
    const unsigned from = screen->table_chosen ? screen->table : SCREEN_TABLES - 1;
    unsigned found = 0;
    for (unsigned i = 1; i <= SCREEN_TABLES; i++) {
        const enum screen_table next = (from + i) % SCREEN_TABLES;
        if (!screen_table_filled(screen, next) || (!screen->table_chosen && found++ == 0))
            continue;
        screen->table = next;
        screen->table_chosen = true;
        return;
    }
    screen_say(screen, false,
               "There is no other table: one server, one class, and no run has ended");
}
