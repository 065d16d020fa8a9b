#include "orchestrator/capacity/windows.h"

#include <stdlib.h>

#include "common/clock.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/metric.h"

static bool nearly(uint64_t part, uint64_t whole)
{
    if (part >= whole)
        return true;
    uint64_t missing = whole - part;
    return missing <= 1 || (double)missing <= (1 - WINDOWS_ACHIEVED) * (double)whole;
}

static uint64_t growth(uint64_t before, uint64_t after)
{
    return after > before ? after - before : 0;
}

/* Requests of the workloads beside the one that is searched. Closed loops, or at a rate of their own: what was due of
 * them was sent, or the server is too slow for all together. */
static void leave_out_others(struct window *window, const struct metric_slice *slice)
{
    static const struct metric_statistic median = {"p50", STATISTIC_PERCENTILE, 50};
    for (uint32_t i = 1; i < slice->run->stream_count; i++) {
        const struct metric_slice other = metric_slice_of_stream(slice, i);
        const uint64_t *counters = other.class->counters;
        window->due -= counters[CLASS_SENT];
        window->sent -= counters[CLASS_SENT];
        window->ok -= counters[CLASS_OK];
        window->answered -= counters[CLASS_OK] + counters[CLASS_ERRORS];
        window->failed -= counters[CLASS_ERRORS] + counters[CLASS_TIMED_OUT] + counters[CLASS_LOST];
    }
    const struct metric_slice searched = metric_slice_of_stream(slice, 0);
    const struct metric_value time = metric_read(&searched, METRIC_RESPONSE_TIME, &median);
    window->median_ns = (uint64_t)time.number;
}

void window_judge(struct window *window, const struct interval_row *row,
                  const struct objective_list *objectives, const struct run_facts *run)
{
    const uint64_t *counters = row->counters;
    const struct interval_header *header = &row->header;
    uint64_t more_in_flight = growth(header->in_flight_before, header->in_flight_after);
    window->seconds = figure_row_seconds(row);
    window->due = counters[COUNTER_DUE];
    window->sent = counters[COUNTER_SENT];
    window->ok = counters[COUNTER_OK];
    window->failed = figure_failed(counters);
    window->answered = figure_answered(counters);
    window->in_flight_before = header->in_flight_before;
    window->in_flight_after = header->in_flight_after;
    window->median_ns = histogram_quantile(&row->histograms[HISTOGRAM_RESPONSE_OK], 0.5);
    window->backlog = header->backlog_after;
    struct metric_slice slice = metric_slice_of(row, true);
    slice.run = run;
    if (run != NULL && run->stream_count > 0)
        leave_out_others(window, &slice);
    window->achieved = figure_rate(window->ok, window->seconds);
    window->kept_up =
        nearly(window->sent, window->due) && nearly(window->answered + more_in_flight, window->due);
    window->passed = window->kept_up;
    for (uint32_t i = 0; i < objectives->count; i++) {
        window->readings[i] = objective_read(&objectives->items[i], &slice);
        window->passed = window->passed && window->readings[i].kept;
    }
}

bool windows_kept_up(const struct windows *windows)
{
    uint64_t due = 0, answered = 0;
    if (windows->count == 0)
        return true;
    for (uint32_t i = 0; i < windows->count; i++) {
        due += windows->list[i].due;
        answered += windows->list[i].answered;
    }
    const struct window *first = &windows->list[0], *last = &windows->list[windows->count - 1];
    double rate = figure_rate(first->due, first->seconds);
    uint64_t explained = (uint64_t)(rate * (double)first->median_ns / (double)NS_PER_SECOND + 0.5);
    uint64_t more_in_flight = growth(first->in_flight_before, last->in_flight_after);
    return nearly(answered + (more_in_flight < explained ? more_in_flight : explained), due);
}

static enum err_code begin_run(void *state, const struct run_facts *run, struct err *err)
{
    struct windows *windows = state;
    (void)err;
    windows->run = run;
    windows->count = windows->passed = windows->degraded = 0;
    windows->begun = windows->open = windows->ended = windows->hopeless = false;
    return OK;
}

static void begin_window(struct windows *windows, const struct interval_row *row)
{
    windows->open = true;
    interval_row_reset(windows->row);
    windows->row->header = row->header;
    windows->row->header.flags = 0;
    windows->row->header.times = (struct outcome_times){0};
}

static void end_window(struct windows *windows)
{
    const struct interval_row *row = windows->row;
    windows->open = false;
    while (windows->edge_ns <= row->header.end_ns) /* a wide row may fill several */
        windows->edge_ns += windows->window_ns;
    if (row->header.flags & INTERVAL_DEGRADED) {
        windows->degraded++;
        return;
    }
    struct window *window = &windows->list[windows->count++];
    window_judge(window, row, windows->objectives, windows->run);
    window->start_seconds = clock_seconds(row->header.start_ns - windows->begin_ns);
    windows->passed += window->passed;
}

static bool has_much_to_spare(const struct windows *windows, const struct window *window)
{
    for (uint32_t i = 0; i < windows->objectives->count; i++)
        if (objective_has_little_to_spare(&windows->objectives->items[i], &window->readings[i]))
            return false;
    return window->passed;
}

/* Nothing that is still to come could change what the run says. */
static bool is_enough(struct windows *windows, const struct interval_row *row)
{
    const uint32_t majority = windows->wanted / 2 + 1;
    const uint32_t failed = windows->count - windows->passed;
    windows->hopeless = row->header.backlog_after > windows->hopeless_backlog;
    if (windows->hopeless || windows->ending == WINDOWS_WHOLE)
        return windows->hopeless;
    return failed >= majority || windows->passed >= majority ||
           (windows->ending == WINDOWS_CLIMBING && windows->count == 1 &&
            has_much_to_spare(windows, &windows->list[0]));
}

static enum err_code add_row(void *state, const struct interval_row *row,
                             const struct error_kinds *error_kinds, struct err *err)
{
    struct windows *windows = state;
    struct interval_header *header = &windows->row->header;
    (void)error_kinds;
    (void)err;
    if ((row->header.flags & INTERVAL_WARMUP) != 0 || windows->ended ||
        windows->count + windows->degraded >= windows->wanted)
        return OK;
    if (!windows->begun) {
        windows->begun = true;
        windows->begin_ns = row->header.start_ns;
        windows->edge_ns = row->header.start_ns + windows->window_ns;
    }
    if (!windows->open)
        begin_window(windows, row);
    interval_row_add(windows->row, row);
    outcome_times_add(&header->times, &row->header.times);
    header->flags |= row->header.flags;
    header->last = row->header.last;
    header->end_ns = row->header.end_ns;
    header->in_flight_after = row->header.in_flight_after;
    header->backlog_after = row->header.backlog_after;
    if (header->end_ns >= windows->edge_ns)
        end_window(windows);
    if (windows->enough != NULL && is_enough(windows, row))
        *windows->enough = windows->ended = true;
    return OK;
}

enum err_code windows_init(struct windows *windows, struct err *err)
{
    windows->row = interval_row_create();
    if (windows->row == NULL)
        return err_set(err, E_SYSTEM, "no memory for the figures of a window");
    return OK;
}

void windows_free(struct windows *windows)
{
    free(windows->row);
    windows->row = NULL;
}

struct sink windows_sink(struct windows *windows)
{
    return (struct sink){
        .name = "windows", .state = windows, .run_begin = begin_run, .interval = add_row};
}
