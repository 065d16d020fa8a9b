#include "orchestrator/scenario/scenario_plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/words.h"

#define TEXT_BYTES 256u
#define NAME_COLUMNS 28

struct text {
    char bytes[TEXT_BYTES];
    size_t used;
};

static void PRINTF_LIKE(2, 3) append(struct text *text, const char *format, ...)
{
    const size_t room = sizeof text->bytes - text->used;
    va_list args;
    va_start(args, format);
    const int needed = vsnprintf(text->bytes + text->used, room, format, args);
    va_end(args);
    text->used += needed < 0 ? 0 : (size_t)needed < room ? (size_t)needed : room - 1;
}

static bool is_about_nodes(const struct phase *phase)
{
    return phase->type == PHASE_FAILOVER || phase->type == PHASE_REBALANCE;
}

static bool sends(const struct phase *phase)
{
    if (is_about_nodes(phase))
        return phase->mix_count > 0 || phase->workload != NULL;
    return phase->type == PHASE_LOAD || phase->type == PHASE_RAMP || phase->type == PHASE_HOLD ||
           phase->type == PHASE_BURST || phase->type == PHASE_QUERY ||
           phase->type == PHASE_DELETE || phase->type == PHASE_OVERWRITE ||
           phase->type == PHASE_EXPIRE;
}

/* One that works until all is done, however long that takes. */
static bool is_endless(const struct phase *phase)
{
    const bool works = (sends(phase) && !is_about_nodes(phase)) || phase->type == PHASE_FLUSH ||
                       phase->type == PHASE_INDEX_CREATE || phase->type == PHASE_WAIT_INDEX;
    return works && phase->duration_ns == 0 && phase->parallel_place == 0;
}

/* What it ends by, beside its duration. */
static void add_aims(struct text *text, const struct phase *phase)
{
    if (phase->keys > 0)
        append(text, "%s keys", UNITS_GROUPED(phase->keys));
    if (phase->until.metric[0] != '\0')
        append(text, "%s%.95s", text->used > 0 ? " or " : "until ", phase->until.text);
    if (phase->stable.metric[0] != '\0')
        append(text, "until %s is stable", phase->stable.metric);
    if (phase->has_keep)
        append(text, "%s keys left", UNITS_GROUPED(phase->keep));
    else if (phase->fraction > 0)
        append(text, "%.6g %% of the keys", 100 * phase->fraction);
}

static void add_end(struct text *text, const struct scenario *scenario, const struct phase *phase)
{
    if (phase->type == PHASE_CONDITION) {
        append(text, "%s %s %.6g", phase->test.metric, check_operator_word(phase->test.operator),
               phase->test.value);
        return;
    }
    add_aims(text, phase);
    if (phase->duration_ns > 0 && is_about_nodes(phase))
        append(text, "%.1f s, and until the cluster is whole", clock_seconds(phase->duration_ns));
    else if (phase->duration_ns > 0)
        append(text, "%s%.1f s%s", text->used > 0 ? ", " : "", clock_seconds(phase->duration_ns),
               text->used > 0 ? " at most" : "");
    else if (text->used == 0 && phase->parallel_place > 0)
        append(text, "as long as %s", scenario->phases[phase->parallel_place - 1].name);
    else if (text->used == 0)
        append(text, "when it is done");
}

static void add_rate(struct text *text, const struct phase *phase)
{
    const char *unit = phase->ramp_shares ? " of the maximum" : "/s";
    const double times = phase->ramp_shares ? 100 : 1;
    const char *percent = phase->ramp_shares ? " %" : "";
    if (phase->type == PHASE_RAMP)
        append(text, ", %.6g%s to %.6g%s%s", times * phase->ramp_from, percent,
               times * phase->ramp_to, percent, unit);
    else if (phase->type == PHASE_BURST && phase->factor > 0)
        append(text, ", %.6g times the last rate", phase->factor);
    else if (phase->qps_share > 0)
        append(text, ", %.6g %% of the maximum", 100 * phase->qps_share);
    else if (phase->qps > 0)
        append(text, ", %.6g/s", phase->qps);
    else
        append(text, ", as fast as replies come");
}

/* In how many branches and groups it stands. */
static int depth_of(const struct scenario *scenario, const struct phase *phase)
{
    int depth = 0;
    while (phase->condition_place > 0 || phase->parallel_place > 0) {
        const uint32_t place =
            phase->parallel_place > 0 ? phase->parallel_place : phase->condition_place;
        phase = &scenario->phases[place - 1];
        depth++;
    }
    return depth;
}

static void print_phase(struct output *out, const struct scenario *scenario,
                        const struct phase *phase)
{
    const int indent = 2 * depth_of(scenario, phase);
    const char *group = phase->parallel_place > 0     ? "| "
                        : phase->condition_place == 0 ? ""
                        : phase->if_true              ? "if so: "
                                                      : "if not: ";
    char name[SCENARIO_NAME_BYTES + 16];
    struct text text = {.used = 0};
    snprintf(name, sizeof name, "%s%s", group, phase->name);
    add_end(&text, scenario, phase);
    if (sends(phase)) {
        append(&text, "; %" PRIu64 " client%s", phase->clients, phase->clients == 1 ? "" : "s");
        add_rate(&text, phase);
        if (phase->buffer.wanted)
            append(&text, "; buffer %s", phase->buffer.name);
    }
    output_printf(out, "  %*s%-*s %-16s  %s\n", indent, "",
                  indent < NAME_COLUMNS ? NAME_COLUMNS - indent : 0, PRINTABLE(name),
                  scenario_type_name(phase->type), PRINTABLE(text.bytes));
}

void scenario_plan_print(struct output *out, const struct scenario *scenario)
{
    char target[32];
    uint32_t endless = 0;
    for (uint32_t i = 0; i < scenario->phase_count; i++)
        endless += is_endless(&scenario->phases[i]);
    units_format_size(target, sizeof target, scenario->memory_target_bytes);
    output_printf(out, "%s: %s\n", PRINTABLE(scenario->name), PRINTABLE(scenario->description));
    output_printf(out, "%u phases, %.0f s", scenario->phase_count,
                  clock_seconds(scenario->planned_duration_ns));
    if (endless > 0)
        output_printf(out, ", and %u phase%s without a limit", endless, endless == 1 ? "" : "s");
    else
        output_printf(out, " at most");
    if (scenario->memory_target_bytes > 0)
        output_printf(out, ", memory target %s", target);
    output_printf(out, "; %u checks\n", scenario->check_count);
    for (uint32_t i = 0; i < scenario->phase_count; i++)
        print_phase(out, scenario, &scenario->phases[i]);
}
