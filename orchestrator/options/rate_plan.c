#include "orchestrator/options/rate_plan.h"

#include "common/clock.h"
#include "orchestrator/options/option_group.h"

/* The whole plan, or an item of it. */
struct item {
    struct file_place place;
    uint64_t length_ns;
    uint64_t from_micro, to_micro; /* a constant rate: from_micro alone */
    unsigned mode;
    struct item *items; /* of a plan */
    size_t count;
    uint64_t times;
};

enum variant { CONSTANT, MOVING, PLAN };

static const char *constant_mode_at(size_t index)
{
    return index == 0 ? "constant" : NULL;
}

static const char *moving_mode_at(size_t index)
{
    static const char *const words[] = {"linear", "exponential"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

#define AT(member) offsetof(struct item, member)
#define LENGTH                                                                                     \
    {                                                                                              \
        .row = {ROW("for", NULL, OPTION_DURATION, NULL, AT(length_ns)),                            \
                BARE(NS_PER_SECOND, 1, RATE_STEPS_LONGEST_NS), .hint = "as in for: 10s",           \
                .help = "How long it takes; a number without a unit is seconds."},                 \
        .required = true                                                                           \
    }
#define RATE(name_, member_, help_)                                                                \
    {                                                                                              \
        .row = {ROW(name_, NULL, OPTION_RATE, NULL, AT(member_)), .help = help_}, .required = true \
    }
#define MODE(value_at_, help_)                                                                     \
    {                                                                                              \
        .row = {                                                                                   \
            ROW("mode", NULL, OPTION_WORD, NULL, AT(mode)),                                        \
            .value_at = value_at_,                                                                 \
            .help = help_                                                                          \
        }                                                                                          \
    }

static const struct file_object item_object;
static const struct file_field item = {
    .form = FILE_OBJECT,
    .object = &item_object,
    .row.hint =
        "as in {for: 10s, rate: 1000}, {for: 10s, from: 0, to: 5k} or {repeat: 3, plan: [...]}",
};
static const struct file_field constant_fields[] = {
    RATE("rate", from_micro, "Requests per second; 0 is a pause."),
    LENGTH,
    MODE(constant_mode_at, "Says what a constant rate is."),
};
static const struct file_field moving_fields[] = {
    RATE("from", from_micro, "Requests per second at the beginning."),
    RATE("to", to_micro, "Requests per second at the end."),
    LENGTH,
    MODE(moving_mode_at, "The same change every second (linear, the default), or the same factor."),
};
static const struct file_field plan_fields[] = {
    {.row = {.name = "plan", .offset = AT(items), .help = "Items one after the other."},
     .form = FILE_LIST,
     .required = true,
     .of = &item,
     .element_bytes = sizeof(struct item),
     .count_offset = AT(count),
     .least = 1},
    {.row = {ROW("repeat", NULL, OPTION_COUNT, NULL, AT(times)), NUMBER(1, SCHEDULE_STEPS_MAX),
             .unset = "1", .help = "How often."}},
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
static const struct file_variant variants[] = {
    [CONSTANT] = {"a constant rate", constant_fields, COUNT(constant_fields), 1, NULL},
    [MOVING] = {"a rate that moves", moving_fields, COUNT(moving_fields), 2, NULL},
    [PLAN] = {"a plan", plan_fields, COUNT(plan_fields), 1, NULL},
};
static const struct file_object item_object = {
    .name = "an item", .variants = variants, .variant_count = COUNT(variants)};
static const struct file_object plan_object = {
    .name = "a plan", .fields = plan_fields, .field_count = COUNT(plan_fields), .short_form = true};
const struct file_kind rate_plan_kind = {
    .name = "rate-plan",
    .what = "rate plan",
    .help = "Rates over time, for --rate-plan: items one after the other.",
    .root = {.form = FILE_OBJECT,
             .object = &plan_object,
             .row.hint = "as in [{for: 10s, rate: 1000}] or {repeat: 3, plan: [...]}"},
};

/* --- the steps that it makes ----------------------------------------------------------------- */

struct planner {
    struct rate_steps *steps;
    const struct file *file;
    struct err *err;
};

static enum err_code add_step(const struct planner *planner, const struct item *from,
                              const struct rate_step *step)
{
    struct err reason = {.code = OK};
    enum err_code code = rate_steps_add(planner->steps, step, &reason);
    if (code == E_SYSTEM)
        return err_set(planner->err, E_SYSTEM, "reading %.120s: out of memory",
                       planner->file->name);
    return code == OK ? OK
                      : file_refuse(planner->file, &from->place, NULL, planner->err,
                                    "the plan is too large: %s", reason.text);
}

static enum err_code add_rates(const struct planner *planner, const struct item *rates)
{
    struct rate_step step = {.length_ns = rates->length_ns,
                             .from_micro = rates->from_micro,
                             .to_micro = rates->to_micro,
                             .shape = rates->mode == 0 ? SCHEDULE_LINEAR : SCHEDULE_EXPONENTIAL};
    if (rates->place.variant == CONSTANT)
        step.to_micro = step.from_micro;
    if (step.shape == SCHEDULE_EXPONENTIAL && (step.from_micro == 0 || step.to_micro == 0))
        return file_refuse(
            planner->file, &rates->place, NULL, planner->err,
            "mode: exponential never comes from 0 or gets to 0: no factor does; begin or "
            "end with a small rate, or take linear");
    if (step.from_micro == step.to_micro)
        step.shape = SCHEDULE_CONSTANT;
    return add_step(planner, rates, &step);
}

/* The items of a plan, so many times over. */
static enum err_code add_plan(const struct planner *planner, const struct item *plan,
                              unsigned depth)
{
    uint32_t first = planner->steps->count;
    enum err_code code = OK;
    for (size_t i = 0; i < plan->count && code == OK; i++) {
        const struct item *next = &plan->items[i];
        if (next->place.variant != PLAN)
            code = add_rates(planner, next);
        else if (depth == RATE_PLAN_DEPTH_MAX)
            code = file_refuse(planner->file, &next->place, NULL, planner->err,
                               "plans are nested more than %d deep", RATE_PLAN_DEPTH_MAX);
        else
            code = add_plan(planner, next, depth + 1);
    }
    uint32_t end = planner->steps->count;
    /* Every item adds a step, so that the limit of steps ends this too. */
    for (uint64_t turn = 1; turn < plan->times && code == OK; turn++)
        for (uint32_t i = first; i < end && code == OK; i++) {
            struct rate_step again = planner->steps->items[i];
            code = add_step(planner, plan, &again);
        }
    return code;
}

enum err_code rate_plan_read(struct rate_steps *steps, const struct file_source *source,
                             struct err *err)
{
    struct file file;
    struct item plan = {.count = 0};
    const struct planner planner = {.steps = steps, .file = &file, .err = err};
    enum err_code code = file_read(&file, &rate_plan_kind, &plan, source, err);
    if (code == OK)
        code = add_plan(&planner, &plan, 0);
    if (code == OK && rate_steps_first_micro(steps) == 0)
        code = file_refuse(&file, &plan.place, NULL, err, "every rate is 0: nothing would be sent");
    file_free(&file);
    return code;
}
