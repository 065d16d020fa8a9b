/* Phases that consist of phases: loops, branches of a condition, and what is sent side by side. */
#include <stdlib.h>
#include <string.h>

#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/scenario_reading.h"
#include "orchestrator/scenario/scenario_values.h"

static enum err_code add_entries(struct reading *reading, const struct scenario_entry *entries,
                                 size_t count, const struct scenario_turn *turn);

/* ---- how many ---- */

static size_t count_entries(const struct scenario_entry *entries, size_t count);

/* With loops unrolled; once more than fit, the number does not matter. */
static size_t count_entry(const struct scenario_entry *entry)
{
    const size_t variant = entry->phase.place.variant;
    if (variant == SCENARIO_LOOP)
        return entry->iterations * count_entries(entry->phases, entry->phase_count);
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

/* ---- loops ---- */

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
    for (inner.index = 1; inner.index <= loop->iterations && code == OK; inner.index++)
        code = add_entries(reading, loop->phases, loop->phase_count, &inner);
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
    struct err reason = {.code = OK};
    if (entry->branch_counts[0] + entry->branch_counts[1] == 0)
        return REFUSE(reading, &entry->phase, NULL,
                      "%s: neither if_true nor if_false: nothing depends on it", entry->phase.name);
    enum err_code code = scenario_add_phase(reading, entry, turn);
    if (code == OK &&
        scenario_check_value(&phase->test.value, phase->test.metric, entry->divisor,
                             scenario->memory_target_bytes, entry->value, &reason) != OK)
        code = REFUSE(reading, phase, "value", "value: %.40s: %s", entry->value, reason.text);
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
           phase->type == PHASE_EXPIRE;
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
    if (child->duration_ns != 0)
        return REFUSE(reading, child, "duration",
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
                picking > 1 ? "delete, overwrite or expire some of the keys" : "load keys");
    }
    parent->child_count = (uint32_t)entry->phase_count;
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
    reading->scenario->phases = calloc(SCENARIO_PHASES_MAX, sizeof(struct phase));
    if (reading->scenario->phases == NULL)
        return err_set(reading->err, E_SYSTEM, "reading %.150s: out of memory",
                       reading->file->name);
    return add_entries(reading, fields->phases, fields->phase_count,
                       &(struct scenario_turn){.loop = NULL});
}
