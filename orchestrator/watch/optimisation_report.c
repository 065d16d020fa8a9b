/* An optimisation for people and for programs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/capacity/capacity_json.h"
#include "orchestrator/capacity/table.h"
#include "orchestrator/options/buffer_file.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/markdown.h"
#include "orchestrator/report/shell_word.h"
#include "orchestrator/watch/optimisation.h"

#define LINE_BYTES 700u
#define WORD_BYTES 220u

/* ---- words ---- */

static const struct kpi *kpi_of(const struct optimisation *optimisation)
{
    return &optimisation->kpis[optimisation->named];
}

static char *format_figure(char *text, size_t text_bytes, double value)
{
    if (isnan(value))
        snprintf(text, text_bytes, "-");
    else
        snprintf(text, text_bytes, "%s", UNITS_REAL(value, fabs(value) < 100 ? 3 : 0));
    return text;
}

static char *format_change(char *text, size_t text_bytes, double part)
{
    snprintf(text, text_bytes, isnan(part) ? "-" : "%+.1f %%", 100 * part);
    return text;
}

static char *format_interval(char *text, size_t text_bytes, const struct optimisation_round *round)
{
    snprintf(text, text_bytes, isnan(round->low) ? "-" : "%+.1f to %+.1f %%", 100 * round->low,
             100 * round->high);
    return text;
}

/* "tuned: 10 requests or 1500 tokens a batch, 10 batches wait, 6 flush workers, size_based, 5ms". */
static char *format_profile(char text[LINE_BYTES], const struct tuning_profile *profile)
{
    const struct buffer_options *buffer = &profile->buffer;
    char wait[32], timeout[32], tokens[40] = "", cache[60] = "";
    units_format_duration(timeout, sizeof timeout, profile->request_timeout_ns);
    if (!buffer->wanted) {
        snprintf(text, LINE_BYTES, "%.60s: no buffer; a request may take %s",
                 PRINTABLE(buffer->name), timeout);
        return text;
    }
    if (buffer->cache_replies > 0)
        snprintf(cache, sizeof cache, ", %llu replies kept",
                 (unsigned long long)buffer->cache_replies);
    if (buffer->round_tokens > 0)
        snprintf(tokens, sizeof tokens, " or %llu tokens",
                 (unsigned long long)buffer->round_tokens);
    snprintf(text, LINE_BYTES,
             "%.60s: %llu requests%s a batch, %llu batches wait, %llu flush workers, "
             "%s, %s%s%s; a request may take %s",
             PRINTABLE(buffer->name), (unsigned long long)buffer->round_messages, tokens,
             (unsigned long long)buffer->hybrid_batches, (unsigned long long)buffer->flush_workers,
             buffer->strategy == BUFFER_TIME_BASED ? "time_based" : "size_based",
             units_format_duration(wait, sizeof wait, buffer->flush_interval_ns),
             buffer->async ? ", async" : "", cache, timeout);
    return text;
}

static char *format_level(char text[LINE_BYTES], const struct optimisation *optimisation)
{
    const struct diagnosis *diagnosis = &optimisation->diagnosis;
    enum tuning_level level;
    if (!optimisation_level(&level, optimisation)) {
        snprintf(text, LINE_BYTES, "not decided: it did not come to its end");
        return text;
    }
    const size_t used = (size_t)snprintf(text, LINE_BYTES, "%s, %s: ", tuning_level_label(level),
                                         tuning_level_name(level));
    const char *kept = optimisation->kept > 0 ? "a change was kept, and the KPI is still beyond a "
                                                "limit"
                                              : "no change made it better";
    if (level == LEVEL_AUTOMATIC)
        snprintf(text + used, LINE_BYTES - used, "%u of %u changes %s kept", optimisation->kept,
                 optimisation->round_count, optimisation->kept == 1 ? "was" : "were");
    else if (diagnosis->found > 0)
        snprintf(text + used, LINE_BYTES - used, "%s; %s: %s \u2192 %s", kept,
                 diagnosis_rule(diagnosis->order[0])->name,
                 PRINTABLE(diagnosis->findings[diagnosis->order[0]].text),
                 diagnosis_rule(diagnosis->order[0])->suggestion);
    else
        snprintf(text + used, LINE_BYTES - used, "%s, and no bottleneck was found \u2192 %s", kept,
                 tuning_type_by_hand(tuning_type_of_kpi(kpi_of(optimisation))));
    return text;
}

/* A word of a command line; "" where it is too long for one. */
static char *format_word(char text[WORD_BYTES], const char *before, const char *word)
{
    char quoted[WORD_BYTES - 32];
    if (word == NULL || shell_word(quoted, sizeof quoted, word) >= sizeof quoted)
        text[0] = '\0';
    else
        snprintf(text, WORD_BYTES, " %.20s %s", before, PRINTABLE(quoted));
    return text;
}

/* What is run with what was kept, or with what was there before. */
static char *format_command(char text[LINE_BYTES], const struct optimisation *optimisation,
                            bool back)
{
    char config[WORD_BYTES], buffer[WORD_BYTES], timeout[WORD_BYTES] = "", time[32];
    const char *written = optimisation->written_path != NULL ? optimisation->written_path : "FILE";
    format_word(config, "--config",
                optimisation->config_is_load ? optimisation->config_path : NULL);
    format_word(buffer, "--buffer", back ? optimisation->before_path : written);
    units_format_duration(time, sizeof time, optimisation->best.request_timeout_ns);
    if (!back && optimisation->best.request_timeout_ns != optimisation->before.request_timeout_ns)
        format_word(timeout, "--request-timeout", time);
    snprintf(text, LINE_BYTES, "volley bench%s%s%s%s", config, buffer, timeout,
             config[0] != '\0' ? "" : ", with the other options of this load");
    return text;
}

static char *format_goal(char text[LINE_BYTES], const struct optimisation *optimisation)
{
    const struct kpi *kpi = kpi_of(optimisation);
    snprintf(text, LINE_BYTES,
             "%.60s (%.63s, %s), %s is better; %u runs of both sides of a round, by turns, at most "
             "%u round%s",
             kpi->name, kpi->figure.name, kpi->figure.unit,
             kpi->higher_is_better ? "higher" : "lower", optimisation->planned_runs,
             optimisation->planned_rounds, optimisation->planned_rounds == 1 ? "" : "s");
    return text;
}

/* "": none. */
static char *format_doubt(char text[LINE_BYTES], const struct optimisation *optimisation)
{
    text[0] = '\0';
    if (optimisation->red_runs > 0)
        snprintf(text, LINE_BYTES,
                 "%u of %u runs are RED: their figures are not the server's alone\n",
                 optimisation->red_runs, optimisation->runs);
    return text;
}

static char *format_end(char text[LINE_BYTES], const struct optimisation *optimisation)
{
    const uint32_t rounds = optimisation->round_count;
    if (optimisation->interrupted)
        snprintf(text, LINE_BYTES,
                 "Interrupted: the last round is cut short, or rounds are missing");
    else if (optimisation->error[0] != '\0')
        snprintf(text, LINE_BYTES, "Ended by an error: %.500s", PRINTABLE(optimisation->error));
    else if (optimisation->exhausted)
        snprintf(text, LINE_BYTES, "Ended after %u round%s: no change is left to try", rounds,
                 rounds == 1 ? "" : "s");
    else
        snprintf(text, LINE_BYTES, "Ended after %u round%s, as many as were asked for", rounds,
                 rounds == 1 ? "" : "s");
    return text;
}

/* ---- the table of rounds ---- */

enum { AT_ROUND, AT_TYPE, AT_CHANGE, AT_BEST, AT_TRIED, AT_DIFFERENCE, AT_INTERVAL, ROUND_COLUMNS };

static void fill_round_heading(struct table_line *line, const void *state, uint32_t part)
{
    static const char *const words[ROUND_COLUMNS] = {"round", "bottleneck", "change", "best so far",
                                                     "tried", "is",         ""};
    const struct optimisation *optimisation = state;
    for (size_t i = 0; i < ROUND_COLUMNS && part == 1; i++)
        snprintf(line->cells[i], TABLE_CELL_BYTES, "%s", words[i]);
    if (part == 1) {
        snprintf(line->note, sizeof line->note, "answer");
        return;
    }
    for (int at = AT_BEST; at <= AT_TRIED; at++)
        snprintf(line->cells[at], TABLE_CELL_BYTES, "%.38s,", kpi_of(optimisation)->figure.unit);
    snprintf(line->cells[AT_INTERVAL], TABLE_CELL_BYTES, "interval");
}

static void fill_round(struct table_line *line, const void *state, uint32_t index)
{
    const struct optimisation *optimisation = state;
    const struct optimisation_round *round = &optimisation->rounds[index];
    snprintf(line->cells[AT_ROUND], TABLE_CELL_BYTES, "%u", index + 1);
    snprintf(line->cells[AT_TYPE], TABLE_CELL_BYTES, "%s", tuning_type_name(round->choice.type));
    snprintf(line->cells[AT_CHANGE], TABLE_CELL_BYTES, "%s", round->choice.change);
    format_figure(line->cells[AT_BEST], TABLE_CELL_BYTES,
                  round->means[SIDE_BEST][optimisation->named]);
    format_figure(line->cells[AT_TRIED], TABLE_CELL_BYTES,
                  round->means[SIDE_TRIED][optimisation->named]);
    format_change(line->cells[AT_DIFFERENCE], TABLE_CELL_BYTES, round->change);
    format_interval(line->cells[AT_INTERVAL], TABLE_CELL_BYTES, round);
    snprintf(line->note, sizeof line->note, "%s: %s",
             round->answer == OPTIMISATION_KEPT ? "kept" : "not kept", PRINTABLE(round->reason));
}

static struct table round_table(const struct optimisation *optimisation)
{
    return (struct table){.state = optimisation,
                          .column_count = ROUND_COLUMNS,
                          .row_count = optimisation->round_count,
                          .heading = fill_round_heading,
                          .row = fill_round};
}

/* ---- the other figures of the rounds ---- */

enum { OTHER_ROUND, OTHER_NAME, OTHER_UNIT, OTHER_BEST, OTHER_TRIED, OTHER_COLUMNS };

static void fill_other_heading(struct table_line *line, const void *state, uint32_t part)
{
    static const char *const words[OTHER_COLUMNS] = {"round", "figure", "", "best so far", "tried"};
    (void)state;
    for (size_t i = 0; i < OTHER_COLUMNS && part == 1; i++)
        snprintf(line->cells[i], TABLE_CELL_BYTES, "%s", words[i]);
}

static void fill_other(struct table_line *line, const void *state, uint32_t index)
{
    const struct optimisation *optimisation = state;
    const size_t others = optimisation->kpi_count - 1;
    const struct optimisation_round *round = &optimisation->rounds[index / others];
    const size_t place = index % others, at = place + (place >= optimisation->named);
    const struct kpi *kpi = &optimisation->kpis[at];
    if (place == 0)
        snprintf(line->cells[OTHER_ROUND], TABLE_CELL_BYTES, "%u", (unsigned)(index / others) + 1);
    snprintf(line->cells[OTHER_NAME], TABLE_CELL_BYTES, "%.38s", kpi->name);
    snprintf(line->cells[OTHER_UNIT], TABLE_CELL_BYTES, "%.38s", kpi->figure.unit);
    format_figure(line->cells[OTHER_BEST], TABLE_CELL_BYTES, round->means[SIDE_BEST][at]);
    format_figure(line->cells[OTHER_TRIED], TABLE_CELL_BYTES, round->means[SIDE_TRIED][at]);
}

static struct table other_table(const struct optimisation *optimisation)
{
    return (struct table){.state = optimisation,
                          .column_count = OTHER_COLUMNS,
                          .row_count =
                              optimisation->round_count * (uint32_t)(optimisation->kpi_count - 1),
                          .heading = fill_other_heading,
                          .row = fill_other};
}

/* ---- text and Markdown ---- */

static char *format_basis(char text[LINE_BYTES], const struct optimisation *optimisation)
{
    snprintf(text, LINE_BYTES,
             "Means of runs. What is kept is better with %.4g %% confidence over all rounds "
             "together (Welch's t, each round at p below %.4g), and by %.3g %% or more.",
             100 * optimisation->confidence,
             (1 - optimisation->confidence) / optimisation->planned_rounds,
             100 * optimisation->threshold);
    return text;
}

void optimisation_write_profile(struct output *out, const struct optimisation *optimisation)
{
    char text[LINE_BYTES];
    output_printf(out, "# Kept by volley optimize for %s. It was %s\n",
                  PRINTABLE(kpi_of(optimisation)->name),
                  format_profile(text, &optimisation->before));
    if (optimisation->best.request_timeout_ns != optimisation->before.request_timeout_ns)
        output_printf(
            out, "# It goes with --request-timeout %s\n",
            units_format_duration(text, sizeof text, optimisation->best.request_timeout_ns));
    buffer_file_write(out, &optimisation->best.buffer);
}

static void write_outcome(struct output *out, const struct optimisation *optimisation)
{
    char text[LINE_BYTES];
    output_printf(out, "Level: %s\n", format_level(text, optimisation));
    if (optimisation->kept == 0) {
        output_printf(out, "Nothing was kept: it stays as it was, and no profile is written\n");
        return;
    }
    output_printf(out, "Kept: %s\n", format_profile(text, &optimisation->best));
    if (optimisation->written_path != NULL)
        output_printf(out, "Written to %s:\n", PRINTABLE(optimisation->written_path));
    output_printf(out, "\n");
    optimisation_write_profile(out, optimisation);
    output_printf(out, "\n");
    output_printf(out, "Use it: %s\n", format_command(text, optimisation, false));
    output_printf(out, "Go back: %s", format_command(text, optimisation, true));
    output_printf(out, " (%s)\n", format_profile(text, &optimisation->before));
}

void optimisation_write_text(struct output *out, const struct optimisation *optimisation)
{
    const struct table rounds = round_table(optimisation), others = other_table(optimisation);
    char text[LINE_BYTES], figure[UNITS_REAL_BYTES];
    output_printf(out, "Optimisation of %s\n", format_goal(text, optimisation));
    output_printf(out, "Before: %s", format_profile(text, &optimisation->before));
    output_printf(out, "; %s %s %s\n", kpi_of(optimisation)->name,
                  format_figure(figure, sizeof figure, optimisation->first[optimisation->named]),
                  kpi_of(optimisation)->figure.unit);
    if (optimisation->round_count > 0)
        output_printf(out, "Diagnosis: %s\n\n", PRINTABLE(optimisation->rounds[0].cause));
    if (optimisation->round_count > 0) {
        table_write(out, &rounds);
        output_printf(out, "\n");
        table_write(out, &others);
        output_printf(out, "\n");
    }
    output_printf(out, "%s\n", format_end(text, optimisation));
    output_printf(out, "%s", format_doubt(text, optimisation));
    write_outcome(out, optimisation);
    output_printf(out, "%s\n", format_basis(text, optimisation));
}

static void write_item(struct output *out, const char *name, const char *text)
{
    output_printf(out, "- %s: ", name);
    markdown_write_text(out, text);
    output_printf(out, "\n");
}

void optimisation_write_markdown(struct output *out, const struct optimisation *optimisation)
{
    const struct table rounds = round_table(optimisation), others = other_table(optimisation);
    char text[LINE_BYTES];
    output_printf(out, "# Optimisation\n\n");
    write_item(out, "Of", format_goal(text, optimisation));
    write_item(out, "Before", format_profile(text, &optimisation->before));
    if (optimisation->kept > 0)
        write_item(out, "Kept", format_profile(text, &optimisation->best));
    else
        write_item(out, "Kept", "nothing, it stays as it was");
    write_item(out, "Level", format_level(text, optimisation));
    output_printf(out, "\n");
    if (optimisation->round_count > 0) {
        output_printf(out, "## Rounds\n\n");
        table_write_markdown(out, &rounds);
        output_printf(out, "\n");
    }
    for (uint32_t i = 0; i < optimisation->round_count; i++) {
        const struct optimisation_round *round = &optimisation->rounds[i];
        char name[40];
        snprintf(name, sizeof name, "Round %u, diagnosis", i + 1);
        write_item(out, name, round->cause);
        snprintf(name, sizeof name, "Round %u, tried", i + 1);
        write_item(out, name, format_profile(text, &round->choice.profile));
    }
    if (optimisation->round_count > 0) {
        output_printf(out, "\n## Other figures\n\n");
        table_write_markdown(out, &others);
        output_printf(out, "\n");
    }
    markdown_write_text(out, format_end(text, optimisation));
    output_printf(out, "\n%s", format_doubt(text, optimisation));
    if (optimisation->kept > 0) {
        output_printf(out, "\n## The kept profile\n\n");
        output_printf(out, "Use it, and go back:\n\n    %s\n",
                      format_command(text, optimisation, false));
        output_printf(out, "    %s\n\n```yaml\n", format_command(text, optimisation, true));
        optimisation_write_profile(out, optimisation);
        output_printf(out, "```\n");
    }
    output_printf(out, "\n");
    markdown_write_text(out, format_basis(text, optimisation));
    output_printf(out, "\n");
}
