/* Phases that consist of phases: loops, branches of a condition, and what is sent side by side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/scenario_reading.h"
#include "orchestrator/scenario/series.h"

static enum err_code add_entries(struct reading *reading, const struct scenario_entry *entries,
                                 size_t count, const struct scenario_turn *turn);

/* ---- how many ---- */

static size_t count_entries(const struct scenario_entry *entries, size_t count);

/* With loops unrolled; once more than fit, the number does not matter. */
static size_t count_entry(const struct scenario_entry *entry)
{
    const size_t variant = entry->phase.place.variant;
    if (variant == SCENARIO_LOOP)
        return entry->iterations *
               (count_entries(entry->phases, entry->phase_count) + entry->stop_count);
    if (variant == PHASE_PARALLEL)
        return 1 + entry->phase_count;
    if (variant == PHASE_CONDITION)
        return 1 + count_entries(entry->branches[0], entry->branch_counts[0]) +
               count_entries(entry->branches[1], entry->branch_counts[1]);
    return 1;
}

static size_t count_entries(const struct scenario_entry *entries, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count && sum <= SCENARIO_PHASES_MAX; i++)
        sum += count_entry(&entries[i]);
    return sum;
}

/* ---- conditions ---- */

/* In a loop the name of a phase means that of this turn, where there is one by now. */
static void name_of_turn(char *name, const struct reading *reading,
                         const struct scenario_turn *turn)
{
    for (uint32_t i = 0; i < reading->scenario->phase_count && turn->loop != NULL; i++) {
        const struct phase *phase = &reading->scenario->phases[i];
        if (phase->loop_index == turn->index && strcmp(phase->loop, turn->loop) == 0 &&
            strcmp(phase->base, name) == 0) {
            snprintf(name, SCENARIO_NAME_BYTES, "%s", phase->name);
            return;
        }
    }
}

static enum err_code settle_test(struct reading *reading, struct phase *phase,
                                 const struct scenario_check_entry *entry,
                                 const struct file_place *place, const struct scenario_turn *turn)
{
    struct scenario_check_entry named = *entry;
    enum series_metric metric;
    double divisor;
    name_of_turn(named.check.phase, reading, turn);
    if (named.check.phase[0] == '\0' &&
        (!series_metric_find(&metric, &divisor, named.check.metric) ||
         named.check.relative_to[0] != '\0'))
        return file_refuse(reading->file, place, "metric", reading->err,
                           "%s: which phase it is of is missing: phase: NAME", named.check.metric);
    return scenario_settle_check(reading, &phase->test, &named, place);
}

/* ---- loops ---- */

/* Conditions behind a turn: the next one is for when none of them holds. */
static enum err_code add_stops(struct reading *reading, const struct scenario_entry *loop,
                               struct scenario_turn *turn)
{
    enum err_code code = OK;
    for (size_t i = 0; i < loop->stop_count && code == OK; i++) {
        struct scenario_entry made = {.phase = {.place = loop->phase.place}};
        made.phase.place.variant = PHASE_CONDITION;
        snprintf(made.phase.name, sizeof made.phase.name, "%.30s_ends_%u", loop->phase.name,
                 (unsigned)(i + 1));
        struct phase *added = &reading->scenario->phases[reading->scenario->phase_count];
        code = scenario_add_phase(reading, &made, turn);
        if (code == OK)
            code = settle_test(reading, added, &loop->stops[i], &loop->stops[i].check.place, turn);
        turn->condition_place = reading->scenario->phase_count;
        turn->if_true = false;
    }
    return code;
}

static enum err_code add_loop(struct reading *reading, const struct scenario_entry *loop,
                              const struct scenario_turn *turn)
{
    enum err_code code = OK;
    const char *name = loop->phase.name;
    struct scenario_turn inner = *turn;
    if (turn->loop != NULL)
        return REFUSE(reading, &loop->phase, NULL, "a loop stands in no loop");
    if (strstr(name, "${") != NULL)
        return REFUSE(reading, &loop->phase, "name",
                      "${loop_index} stands in names of what is in the loop, not in its own");
    for (uint32_t i = 0; i < reading->scenario->phase_count; i++)
        if (scenario_phase_is(&reading->scenario->phases[i], name))
            return REFUSE(reading, &loop->phase, "name",
                          "name: there is a phase or loop %s already", name);
    inner.loop = name;
    for (inner.index = 1; inner.index <= loop->iterations && code == OK; inner.index++) {
        code = add_entries(reading, loop->phases, loop->phase_count, &inner);
        if (code == OK && inner.index < loop->iterations)
            code = add_stops(reading, loop, &inner);
    }
    return code;
}

/* ---- branches ---- */

struct lengths {
    uint64_t unscaled_ns, planned_ns;
};

static struct lengths lengths_of(const struct reading *reading)
{
    return (struct lengths){reading->unscaled_ns, reading->scenario->planned_duration_ns};
}

static void set_lengths(struct reading *reading, struct lengths lengths)
{
    reading->unscaled_ns = lengths.unscaled_ns;
    reading->scenario->planned_duration_ns = lengths.planned_ns;
}

static uint64_t larger(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

/* Both branches count as the longer one. */
static enum err_code add_condition(struct reading *reading, const struct scenario_entry *entry,
                                   const struct scenario_turn *turn)
{
    struct scenario *scenario = reading->scenario;
    struct phase *phase = &scenario->phases[scenario->phase_count];
    if (entry->branch_counts[0] + entry->branch_counts[1] == 0)
        return REFUSE(reading, &entry->phase, NULL,
                      "%s: neither if_true nor if_false: nothing depends on it", entry->phase.name);
    enum err_code code = scenario_add_phase(reading, entry, turn);
    if (code == OK)
        code = settle_test(reading, phase, &entry->test, &entry->phase.place, turn);
    struct scenario_turn inner = *turn;
    inner.condition_place = scenario->phase_count;
    const struct lengths before = lengths_of(reading);
    struct lengths longest = before;
    for (int branch = 1; branch >= 0 && code == OK; branch--) {
        inner.if_true = branch == 1;
        set_lengths(reading, before);
        code = add_entries(reading, entry->branches[branch], entry->branch_counts[branch], &inner);
        longest.unscaled_ns = larger(longest.unscaled_ns, reading->unscaled_ns);
        longest.planned_ns = larger(longest.planned_ns, scenario->planned_duration_ns);
    }
    set_lengths(reading, longest);
    return code;
}

/* ---- side by side ---- */

static bool picks_keys(const struct phase *phase)
{
    bool deletes = false;
    for (uint32_t i = 0; i < phase->mix_count; i++)
        deletes |= phase->mix[i].operation == OPERATION_DEL;
    return deletes || phase->type == PHASE_DELETE || phase->type == PHASE_OVERWRITE ||
           phase->type == PHASE_EXPIRE || phase->type == PHASE_INDEX_CREATE ||
           (phase->type == PHASE_QUERY && phase->fraction > 0);
}

static bool adds_keys(const struct phase *phase)
{
    bool loads = false;
    for (uint32_t i = 0; i < phase->mix_count; i++)
        loads |= phase->mix[i].operation == OPERATION_LOAD;
    return loads || phase->type == PHASE_LOAD;
}

/* With those that follow a miss. */
static uint32_t class_count(const struct phase *phase)
{
    const struct workload_plan *plan = phase->workload;
    if (plan == NULL)
        return phase->mix_count > 0 ? phase->mix_count : 1;
    uint32_t count = (uint32_t)plan->class_count;
    for (size_t i = 0; i < plan->class_count; i++)
        count +=
            (plan->classes[i].on_miss != PLAN_NO_CLASS) + (plan->classes[i].then != PLAN_NO_CLASS);
    return count;
}

static enum err_code check_child(const struct reading *reading, const struct scenario_entry *entry,
                                 const struct phase *parent)
{
    const struct phase *child = &entry->phase;
    switch (child->place.variant) {
    case PHASE_LOAD:
    case PHASE_RAMP:
    case PHASE_HOLD:
    case SCENARIO_MIXED:
    case PHASE_BURST:
    case PHASE_QUERY:
    case PHASE_DELETE:
    case PHASE_OVERWRITE:
    case PHASE_EXPIRE:
    case PHASE_INDEX_CREATE:
        break;
    default:
        return REFUSE(reading, child, "type", "type: only phases that send requests stand in %s",
                      parent->base);
    }
    if (child->until.metric[0] != '\0' || entry->target_bytes > 0)
        return REFUSE(reading, child, child->until.metric[0] != '\0' ? "until" : "target_memory",
                      "%s: until is of %s as a whole", child->name, parent->base);
    if (entry->on_error != 0)
        return REFUSE(reading, child, "on_error", "%s: on_error is of %s as a whole", child->name,
                      parent->base);
    if (entry->actions.count > 0)
        return REFUSE(reading, child, "actions", "%s: actions are of %s as a whole", child->name,
                      parent->base);
    if (child->duration_ns != 0 || entry->timeout_ns != 0)
        return REFUSE(reading, child, child->duration_ns != 0 ? "duration" : "timeout",
                      "%s: duration is of %s as a whole; a load may have keys, and what is done to "
                      "a fraction of the keys ends when it is done",
                      child->name, parent->base);
    return child->wait
               ? REFUSE(reading, child, "wait", "%s: wait stands in no parallel phase", child->name)
               : OK;
}

static enum err_code add_parallel(struct reading *reading, const struct scenario_entry *entry,
                                  const struct scenario_turn *turn)
{
    struct scenario *scenario = reading->scenario;
    const uint32_t place = scenario->phase_count;
    struct phase *parent = &scenario->phases[place];
    for (size_t i = 0; i < entry->phase_count; i++)
        reading->paced |= entry->phases[i].phase.place.variant == PHASE_INDEX_CREATE;
    enum err_code code = scenario_add_phase(reading, entry, turn);
    struct scenario_turn inner = *turn;
    inner.parallel_place = place + 1;
    inner.parallel_ns = entry->phase.duration_ns;
    const struct lengths whole = lengths_of(reading);
    uint32_t picking = 0, adding = 0, classes = 0;
    for (size_t i = 0; i < entry->phase_count && code == OK; i++) {
        const struct scenario_entry *child = &entry->phases[i];
        const struct phase *added = &scenario->phases[scenario->phase_count];
        code = check_child(reading, child, parent);
        if (code == OK)
            code = scenario_add_phase(reading, child, &inner);
        if (code != OK)
            break;
        classes += class_count(added);
        if (classes > CLASSES_MAX)
            code = REFUSE(reading, added, NULL,
                          "%s: the phases side by side have more than %u classes of requests",
                          added->base, CLASSES_MAX);
        picking += picks_keys(added);
        adding += adds_keys(added);
        if (code == OK && (picking > 1 || adding > 1))
            code = REFUSE(
                reading, added, NULL, "%s: only one of the phases side by side may %s", added->base,
                picking > 1 ? "delete, overwrite, expire or index some of the keys" : "load keys");
    }
    parent->child_count = (uint32_t)entry->phase_count;
    reading->paced = false;
    set_lengths(reading, whole);
    return code;
}

/* ---- all of them ---- */

static enum err_code add_entries(struct reading *reading, const struct scenario_entry *entries,
                                 size_t count, const struct scenario_turn *turn)
{
    enum err_code code = OK;
    for (size_t i = 0; i < count && code == OK; i++) {
        const struct scenario_entry *entry = &entries[i];
        switch (entry->phase.place.variant) {
        case SCENARIO_LOOP:
            code = add_loop(reading, entry, turn);
            break;
        case PHASE_CONDITION:
            code = add_condition(reading, entry, turn);
            break;
        case PHASE_PARALLEL:
            code = add_parallel(reading, entry, turn);
            break;
        default:
            code = scenario_add_phase(reading, entry, turn);
        }
    }
    return code;
}

enum err_code scenario_add_phases(struct reading *reading)
{
    const struct scenario_fields *fields = reading->fields;
    if (count_entries(fields->phases, fields->phase_count) > SCENARIO_PHASES_MAX)
        return file_refuse(reading->file, &fields->place, "phases", reading->err,
                           "phases: with loops unrolled there are more than %u",
                           SCENARIO_PHASES_MAX);
    reading->scenario->phases =
        calloc(SCENARIO_PHASES_MAX + 1,
               sizeof(struct phase)); /* one more: what stands aside is numbered as it */
    if (reading->scenario->phases == NULL)
        return err_set(reading->err, E_SYSTEM, "reading %.150s: out of memory",
                       reading->file->name);
    return add_entries(reading, fields->phases, fields->phase_count,
                       &(struct scenario_turn){.loop = NULL});
}
