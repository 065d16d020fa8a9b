#include "orchestrator/capacity/abort.h"

#include <stdio.h>
#include <string.h>

#include "orchestrator/report/figures.h"
#include "orchestrator/report/metric.h"

static enum err_code begin_run(void *state, const struct run_facts *run, struct err *err)
{
    struct abort_watch *watch = state;
    (void)err;
    watch->run = run;
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

static enum err_code look(void *state, const struct interval_row *row,
                          const struct error_kinds *error_kinds, struct err *err)
{
    struct abort_watch *watch = state;
    const struct metric_slice slice = metric_slice_of(row, watch->run->open_loop);
    const unsigned aside = INTERVAL_WARMUP | INTERVAL_DEGRADED;
    char seen[64], moment[48];
    (void)error_kinds;
    (void)err;
    if (watch->run->prefill || watch->interrupts->enough || (row->header.flags & aside) != 0)
        return OK;
    for (uint32_t i = 0; i < watch->conditions->count; i++) {
        const struct objective *condition = &watch->conditions->items[i];
        const struct objective_reading reading = objective_read(condition, &slice);
        if (!has_lasted(watch, i, row, &reading))
            continue;
        snprintf(watch->interrupts->ended_by, sizeof watch->interrupts->ended_by,
                 "ended by --abort-on %s at %s: %s", condition->text,
                 figure_moment(moment, sizeof moment, row->header.end_ns, watch->run->warmup_ns),
                 objective_format_reading(seen, sizeof seen, condition, &watch->seen[i]));
        watch->interrupts->enough = true;
        break;
    }
    return OK;
}

struct sink abort_sink(struct abort_watch *watch)
{
    return (struct sink){
        .name = "--abort-on", .state = watch, .run_begin = begin_run, .interval = look};
}
