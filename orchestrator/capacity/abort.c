#include "orchestrator/capacity/abort.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/figures.h"
#include "orchestrator/report/metric.h"

enum err_code abort_watch_init(struct abort_watch *watch, struct err *err)
{
    bool classes = false;
    for (uint32_t i = 0; i < watch->conditions->count; i++)
        classes |= watch->conditions->items[i].class[0] != '\0';
    watch->window = classes ? interval_row_create() : NULL;
    return !classes || watch->window != NULL
               ? OK
               : err_set(err, E_SYSTEM, "no memory for the figures of a window");
}

void abort_watch_free(struct abort_watch *watch)
{
    free(watch->window);
    watch->window = NULL;
}

static enum err_code begin_run(void *state, const struct run_facts *run, struct err *err)
{
    struct abort_watch *watch = state;
    (void)err;
    watch->run = run;
    watch->window_open = false;
    memset(watch->since_ns, 0, sizeof watch->since_ns);
    return OK;
}

/* Whether the condition has held for long enough at the end of this row. Where it cannot tell it holds on. */
static bool has_lasted(struct abort_watch *watch, uint32_t index, const struct interval_row *row,
                       const struct objective_reading *reading)
{
    uint64_t *since_ns = &watch->since_ns[index];
    const bool tells = reading->known || reading->value_ns > 0;
    if (tells && !reading->kept)
        *since_ns = 0;
    else if (reading->kept && *since_ns == 0)
        *since_ns = row->header.start_ns + 1;
    if (reading->kept)
        watch->seen[index] = *reading;
    return *since_ns > 0 &&
           row->header.end_ns + 1 - *since_ns >= watch->conditions->items[index].for_ns;
}

/* All conditions about classes, or all others. */
static void judge(struct abort_watch *watch, const struct interval_row *row, bool classes)
{
    struct metric_slice slice = metric_slice_of(row, watch->run->open_loop);
    char seen[OBJECTIVE_READING_BYTES], moment[48];
    slice.run = watch->run;
    for (uint32_t i = 0; i < watch->conditions->count && !watch->interrupts->enough; i++) {
        const struct objective *condition = &watch->conditions->items[i];
        if (objective_is_of_class(condition, watch->run) != classes)
            continue;
        const struct objective_reading reading = objective_read(condition, &slice);
        if (!has_lasted(watch, i, row, &reading))
            continue;
        snprintf(watch->interrupts->ended_by, sizeof watch->interrupts->ended_by,
                 "ended by --abort-on %s at %s: %s", condition->text,
                 figure_moment(moment, sizeof moment, row->header.end_ns, watch->run->warmup_ns),
                 objective_format_reading(seen, sizeof seen, condition, &watch->seen[i]));
        watch->interrupts->enough = true;
    }
}

static void add_to_window(struct abort_watch *watch, const struct interval_row *row)
{
    struct interval_row *window = watch->window;
    if (!watch->window_open) {
        interval_row_reset(window);
        window->header = row->header;
        watch->window_open = true;
    }
    interval_row_add(window, row);
    window->header.flags |= row->header.flags;
    window->header.end_ns = row->header.end_ns;
    if (!row->window_ends)
        return;
    watch->window_open = false;
    if ((window->header.flags & INTERVAL_DEGRADED) == 0)
        judge(watch, window, true);
}

static enum err_code look(void *state, const struct interval_row *row,
                          const struct error_kinds *error_kinds, struct err *err)
{
    struct abort_watch *watch = state;
    (void)error_kinds;
    (void)err;
    if (watch->run->prefill || (row->header.flags & INTERVAL_WARMUP) != 0)
        return OK;
    if (!watch->interrupts->enough && (row->header.flags & INTERVAL_DEGRADED) == 0)
        judge(watch, row, false);
    if (watch->window != NULL && watch->run->class_count > 0)
        add_to_window(watch, row);
    return OK;
}

struct sink abort_sink(struct abort_watch *watch)
{
    return (struct sink){
        .name = "--abort-on", .state = watch, .run_begin = begin_run, .interval = look};
}
