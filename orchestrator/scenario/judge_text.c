/* What a scenario came to, as tables for people. */
#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/capacity/table.h"
#include "orchestrator/scenario/judge.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/words.h"

#define EVENTS_SHOWN 12u

/* A name that is longer than its cell says so. */
static void name_cell(char cell[TABLE_CELL_BYTES], const char *name)
{
    const int bytes = snprintf(cell, TABLE_CELL_BYTES, "%s", name);
    if (bytes >= (int)TABLE_CELL_BYTES)
        snprintf(cell + TABLE_CELL_BYTES - 3, 3, "..");
}

static void head(struct table_line *line, const char *const *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        snprintf(line->cells[i], TABLE_CELL_BYTES, "%s", names[i]);
}

struct checks_table {
    const struct scenario *scenario;
    const struct check_outcome *outcomes;
};

#define CHECK_COLUMNS 5u
static void checks_heading(struct table_line *line, const void *state, uint32_t part)
{
    static const char *const names[CHECK_COLUMNS] = {"Check", "Phase", "Value", "Limit", "Result"};
    (void)state;
    if (part == 1)
        head(line, names, CHECK_COLUMNS);
}

static void checks_row(struct table_line *line, const void *state, uint32_t index)
{
    const struct checks_table *table = state;
    const struct scenario_check *check = &table->scenario->checks[index];
    const struct check_outcome *outcome = &table->outcomes[index];
    char name[2 * SCENARIO_NAME_BYTES + 16], value[NUMBER_TEXT_BYTES], limit[NUMBER_TEXT_BYTES];
    snprintf(name, sizeof name, "%s%s%s",
             check->aggregate == AGGREGATE_LAST ? "" : check_aggregate_word(check->aggregate),
             check->aggregate == AGGREGATE_LAST ? "" : " ", check->metric);
    name_cell(line->cells[0], name);
    snprintf(name, sizeof name, "%s%s%s", check->phase[0] != '\0' ? check->phase : "all",
             check->relative_to[0] != '\0' ? " / " : "", check->relative_to);
    name_cell(line->cells[1], name);
    check_texts(value, limit, check, outcome->value);
    snprintf(line->cells[2], TABLE_CELL_BYTES, "%s", value);
    snprintf(line->cells[3], TABLE_CELL_BYTES, "%s %.30s%s", check_operator_word(check->operator),
             limit, check->relative_to[0] != '\0' ? " x" : "");
    snprintf(line->cells[4], TABLE_CELL_BYTES, "%s", check_result_word(outcome->result));
    if (outcome->result != CHECK_PASS)
        snprintf(line->note, TABLE_NOTE_BYTES, "%s", outcome->reason);
}

void judge_print_checks(struct output *out, const struct scenario *scenario,
                        const struct check_outcome *outcomes)
{
    const struct checks_table state = {scenario, outcomes};
    const struct table table = {&state, CHECK_COLUMNS, scenario->check_count, checks_heading,
                                checks_row};
    if (scenario->check_count > 0)
        table_write(out, &table);
}

#define PHASE_COLUMNS 8u
static void phases_heading(struct table_line *line, const void *state, uint32_t part)
{
    static const char *const above[PHASE_COLUMNS] = {"", "", "", "", "p99", "used", "frag.", ""};
    static const char *const below[PHASE_COLUMNS] = {"Phase", "Type", "Seconds", "Ops/s",
                                                     "ms",    "MB",   "ratio",   "Keys"};
    (void)state;
    head(line, part == 0 ? above : below, PHASE_COLUMNS);
}

static void decimals(char cell[TABLE_CELL_BYTES], double value, int places)
{
    if (isfinite(value))
        snprintf(cell, TABLE_CELL_BYTES, "%.*f", places, value);
    else
        snprintf(cell, TABLE_CELL_BYTES, "-");
}

static void phases_row(struct table_line *line, const void *state, uint32_t index)
{
    const struct observation *observation = state;
    const struct phase *phase = &observation->scenario->phases[index];
    const struct phase_account *account = &observation->accounts[index];
    char number[NUMBER_TEXT_BYTES];
    name_cell(line->cells[0], phase->name);
    snprintf(line->cells[1], TABLE_CELL_BYTES, "%s", scenario_type_name(phase->type));
    if (!account->ran) {
        snprintf(line->note, TABLE_NOTE_BYTES, "%s",
                 account->done_before ? "done before"
                 : account->left_out  ? "not taken"
                                      : "not reached");
        return;
    }
    const bool asked = account->requests_ok + account->requests_failed > 0;
    decimals(line->cells[2], (double)(account->end_ns - account->start_ns) / 1e9, 1);
    snprintf(line->cells[3], TABLE_CELL_BYTES, "%s%s",
             number_text(number, asked ? round(account->rate) : NAN),
             judge_rate_is_apart(account) ? "*" : "");
    decimals(line->cells[4], account->p99_ms, 3);
    decimals(line->cells[5], account->after[SERIES_USED_MEMORY] / SERIES_MB, 1);
    decimals(line->cells[6], observation_value(observation, account->after, SERIES_FRAGMENTATION),
             2);
    const bool gone = account->failed && isnan(account->after[SERIES_KEYS]);
    snprintf(line->cells[7], TABLE_CELL_BYTES, "%s",
             number_text(number, gone ? NAN : (double)account->keys_after));
    if (account->failed || account->target_missed) /* the end of one that failed begins so */
        snprintf(line->note, TABLE_NOTE_BYTES, "%s%s",
                 account->failed ? "" : "target not reached: ", account->end);
    else if (phase->type == PHASE_CONDITION)
        snprintf(line->note, TABLE_NOTE_BYTES, "%s", account->end);
}

void judge_print_phases(struct output *out, const struct observation *observation)
{
    const struct table table = {observation, PHASE_COLUMNS, observation->scenario->phase_count,
                                phases_heading, phases_row};
    table_write(out, &table);
    judge_print_phase_notes(out, observation);
}

void judge_print_events(struct output *out, const struct scenario *scenario,
                        const struct scenario_events *events)
{
    for (size_t i = 0; i < events->count && i < EVENTS_SHOWN; i++) {
        const struct scenario_event *event = &events->items[i];
        const struct note *note = &event->note;
        output_printf(out, "%s%9.3f s  %-20s  %-10s  %s%s%s\n", i == 0 ? "\nEvents:\n" : "",
                      clock_seconds(note->at_ns), PRINTABLE(scenario->phases[event->phase].name),
                      note_teller(note), PRINTABLE(note->text),
                      note->ok ? "" : ": failed: ", note->ok ? "" : PRINTABLE(note->cause));
    }
    if (events->count > EVENTS_SHOWN)
        output_printf(out, "  and %zu more, in the file of phases\n", events->count - EVENTS_SHOWN);
}
