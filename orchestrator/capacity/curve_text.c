/* The curve for people, and as CSV. */
#include <stdlib.h>

#include "common/printable.h"
#include "common/schedule.h"
#include "orchestrator/capacity/curve.h"
#include "orchestrator/capacity/doubts.h"
#include "orchestrator/capacity/table.h"
#include "orchestrator/options/rate_text.h"

char *curve_format_reason(char *text, size_t text_bytes, const struct curve *curve,
                          const struct probe *probe)
{
    size_t used = 0;
    uint32_t behind = 0;
    snprintf(text, text_bytes, "%s", probe->mishap);
    if (probe->end == PROBE_ERROR)
        return text;
    for (uint32_t w = 0; w < probe->window_count; w++)
        behind += !probe->windows[w].kept_up;
    if (probe->end == PROBE_HOPELESS)
        used += (size_t)snprintf(text, text_bytes, "backlog of more than 1 s");
    else if (!probe->kept_up)
        used += (size_t)snprintf(text, text_bytes, "behind");
    else if (behind > 0)
        used += (size_t)snprintf(text, text_bytes, "behind in %u", behind);
    for (uint32_t i = 0; i < curve->objectives->count && used < text_bytes; i++) {
        uint32_t broken = 0;
        for (uint32_t w = 0; w < probe->window_count; w++)
            broken += !probe->windows[w].readings[i].kept;
        if (broken > 0)
            used +=
                (size_t)snprintf(text + used, text_bytes - used, "%s%s broken in %u",
                                 used > 0 ? ", " : "", curve->objectives->items[i].text, broken);
    }
    return text;
}

char *curve_format_doubt(char *text, size_t text_bytes, const struct search *search)
{
    const uint64_t next_micro = search_next_unbounded(search);
    const struct search_rate *seen = search_seen(search, next_micro);
    char rate[40], high[40];
    rate_format(rate, sizeof rate, seen != NULL ? next_micro : search->low_micro);
    rate_format(high, sizeof high, search->high_micro);
    if (seen != NULL && (seen->passed == 0 || seen->passed == seen->windows))
        snprintf(text, text_bytes, "at %s/s %s of %u windows passed, too few to be certain", rate,
                 seen->passed == 0 ? "none" : "all", seen->windows);
    else if (seen != NULL)
        snprintf(text, text_bytes,
                 "at %s/s %u of %u windows pass, which is no clear answer yet: the server, or this "
                 "machine, is not steady there",
                 rate, seen->passed, seen->windows);
    else if (search->high_micro == 0)
        snprintf(text, text_bytes, "every rate up to %s/s has passed so far", rate);
    else if (search->low_micro == 0)
        snprintf(text, text_bytes, "every rate down to %s/s has failed so far", high);
    else
        snprintf(text, text_bytes, "the limit seems to lie between %s/s and %s/s by now", rate,
                 high);
    return text;
}

static const char *verdict_word(const struct probe *probe)
{
    if (!probe_counts(probe))
        return probe_end_name(probe->end);
    return probe->passed ? "pass" : "FAIL";
}

char *curve_format_probe(char *text, size_t text_bytes, const struct curve *curve,
                         const struct probe *probe)
{
    char rate[40], reason[256], figures[OBJECTIVE_MAX * (OBJECTIVE_READING_BYTES + 2)] = "";
    char figure[OBJECTIVE_READING_BYTES];
    rate_format(rate, sizeof rate, probe->rate_micro);
    curve_format_reason(reason, sizeof reason, curve, probe);
    for (uint32_t i = 0, used = 0; i < curve->objectives->count; i++)
        used += (uint32_t)snprintf(figures + used, sizeof figures - used, ", %s",
                                   objective_format_reading(figure, sizeof figure,
                                                            &curve->objectives->items[i],
                                                            &probe->readings[i]));
    snprintf(text, text_bytes, "probe %u, %s/s%s: %s, %u of %u windows%s%s%s",
             (unsigned)(probe - curve->probes) + 1, rate, probe->retest ? " again" : "",
             verdict_word(probe), probe->windows_passed, probe->windows_judged, figures,
             reason[0] != '\0' ? ": " : "", reason);
    return text;
}

/* --- the table ------------------------------------------------------------------------------- */

static int by_rate(const void *a, const void *b)
{
    const struct probe *x = *(const struct probe *const *)a, *y = *(const struct probe *const *)b;
    if (x->rate_micro != y->rate_micro)
        return x->rate_micro < y->rate_micro ? -1 : 1;
    return x < y ? -1 : x > y;
}

struct sorted {
    const struct curve *curve;
    const struct probe *probes[SEARCH_PROBES_MAX]; /* by rate, then by time */
};

enum { COLUMN_FOUND, COLUMN_RATE, COLUMN_ACHIEVED, COLUMN_PERCENTILES };
#define COLUMNS_BEHIND 3u /* the percentiles: errors, windows, verdict */

static void fill_heading(struct table_line *line, const void *state, uint32_t part)
{
    static const char *const words[2][3] = {{"errors", "windows", ""}, {"%", "passed", "verdict"}};
    const struct curve *curve = ((const struct sorted *)state)->curve;
    const uint32_t behind = COLUMN_PERCENTILES + curve->percentile_count;
    if (part == 1) {
        snprintf(line->cells[COLUMN_RATE], TABLE_CELL_BYTES, "rate/s");
        snprintf(line->cells[COLUMN_ACHIEVED], TABLE_CELL_BYTES, "achieved/s");
    }
    for (uint32_t i = 0; i < curve->percentile_count; i++)
        snprintf(line->cells[COLUMN_PERCENTILES + i], TABLE_CELL_BYTES, part == 0 ? "p%.10g" : "ms",
                 curve->percentiles[i]);
    for (uint32_t i = 0; i < COLUMNS_BEHIND; i++)
        snprintf(line->cells[behind + i], TABLE_CELL_BYTES, "%s", words[part][i]);
}

static void fill_row(struct table_line *line, const void *state, uint32_t index)
{
    const struct sorted *sorted = state;
    const struct curve *curve = sorted->curve;
    const struct probe *probe = sorted->probes[index];
    const uint32_t behind = COLUMN_PERCENTILES + curve->percentile_count;
    char reason[256];
    if (probe->rate_micro == curve->finding.rate_micro && probe_counts(probe))
        snprintf(line->cells[COLUMN_FOUND], TABLE_CELL_BYTES, ">");
    rate_format(line->cells[COLUMN_RATE], TABLE_CELL_BYTES, probe->rate_micro);
    figure_rate_text(line->cells[COLUMN_ACHIEVED], TABLE_CELL_BYTES, probe->achieved);
    for (uint32_t i = 0; i < curve->percentile_count; i++)
        table_cell_ms(line->cells[COLUMN_PERCENTILES + i], &probe->percentiles[i]);
    snprintf(line->cells[behind], TABLE_CELL_BYTES, "%.3f", probe->error_share * 100);
    snprintf(line->cells[behind + 1], TABLE_CELL_BYTES, "%u/%u", probe->windows_passed,
             probe->windows_judged);
    snprintf(line->cells[behind + 2], TABLE_CELL_BYTES, "%s", verdict_word(probe));
    curve_format_reason(reason, sizeof reason, curve, probe);
    snprintf(line->note, sizeof line->note, "%s%s%s", probe->retest ? "again" : "",
             probe->retest && reason[0] != '\0' ? ": " : "", reason);
}

static void write_table(struct output *out, const struct curve *curve)
{
    struct sorted sorted = {.curve = curve};
    const struct table table = {.state = &sorted,
                                .column_count =
                                    COLUMN_PERCENTILES + curve->percentile_count + COLUMNS_BEHIND,
                                .row_count = curve->probe_count,
                                .heading = fill_heading,
                                .row = fill_row};
    for (uint32_t i = 0; i < curve->probe_count; i++)
        sorted.probes[i] = &curve->probes[i];
    if (curve->probe_count > 1)
        qsort(sorted.probes, curve->probe_count, sizeof sorted.probes[0], by_rate);
    table_write(out, &table);
    if (curve->finding.rate_micro != 0)
        output_printf(out, "> the sustainable rate\n");
    output_printf(out, "\n");
}

/* --- what was found -------------------------------------------------------------------------- */

static const struct probe *last_probe_at(const struct curve *curve, uint64_t rate_micro)
{
    const struct probe *found = NULL;
    for (uint32_t i = 0; i < curve->probe_count; i++)
        if (curve->probes[i].rate_micro == rate_micro && probe_counts(&curve->probes[i]))
            found = &curve->probes[i];
    return found;
}

/* What a reader must know before trusting the knee. */
static void write_doubts(struct output *out, const struct curve *curve)
{
    const struct probe *probe = last_probe_at(curve, curve->finding.rate_micro);
    if (probe == NULL)
        return;
    struct doubts_said said = {.count = 0};
    char rate[40], where[48];
    snprintf(where, sizeof where, "%s/s", rate_format(rate, sizeof rate, probe->rate_micro));
    doubts_write(out, where, &probe->verdict, &said);
}

static void write_interval(struct output *out, const struct search_finding *finding)
{
    char lower[40], upper[40];
    rate_format(lower, sizeof lower, finding->lower_micro);
    rate_format(upper, sizeof upper, finding->upper_micro);
    if (finding->lower_micro != 0 && finding->upper_micro != 0)
        output_printf(out, "%.0f %% confidence: %s to %s requests per second\n",
                      SEARCH_CONFIDENCE * 100, lower, upper);
    else if (finding->lower_micro != 0)
        output_printf(out, "%.0f %% confidence: %s requests per second or more\n",
                      SEARCH_CONFIDENCE * 100, lower);
    else if (finding->upper_micro != 0)
        output_printf(out, "%.0f %% confidence: below %s requests per second\n",
                      SEARCH_CONFIDENCE * 100, upper);
    else
        output_printf(out, "No confidence interval: neither side was tested often enough\n");
}

static const char *why_unfinished(const struct curve *curve, const char *otherwise)
{
    return curve->interrupted        ? " so far (interrupted)"
           : curve->error[0] != '\0' ? " so far (ended by an error)"
                                     : otherwise;
}

static void write_headroom(struct output *out, const struct curve *curve)
{
    char load[40], wanted[40];
    rate_format(load, sizeof load, curve->headroom.load_micro);
    rate_format(wanted, sizeof wanted, headroom_wanted_micro(&curve->headroom));
    output_printf(out, "Headroom: %.2f times %s/s; %g times it, %s/s, %s\n", curve_headroom(curve),
                  load, curve->headroom.factor, wanted,
                  curve_keeps_headroom(curve) ? "is sustained" : "is NOT sustained");
}

void curve_write_text(struct output *out, const struct curve *curve, bool quiet)
{
    const struct search_finding *finding = &curve->finding;
    const char *limit = curve->probe_count >= curve->limits.probes_max
                            ? " so far (--max-probes)"
                            : " so far (ended by an error)";
    char rate[40];
    if (!quiet)
        write_table(out, curve);
    rate_format(rate, sizeof rate, finding->rate_micro);
    if (finding->rate_micro == 0)
        output_printf(out, "Sustainable rate: none found%s\n", why_unfinished(curve, ""));
    else if (finding->status == SEARCH_NO_LIMIT)
        output_printf(out, "Sustainable rate: %s requests per second or more (--max-rate)\n", rate);
    else
        output_printf(out, "Sustainable rate: %s requests per second%s\n", rate,
                      finding->status == SEARCH_FOUND ? "" : why_unfinished(curve, limit));
    if (finding->windows > 0)
        output_printf(out, "Kept in %u of %u windows at that rate%s\n", finding->passed,
                      finding->windows,
                      finding->passed < finding->windows ? ": the majority decides" : "");
    write_interval(out, finding);
    if (curve->headroom.factor > 0)
        write_headroom(out, curve);
    if (curve->error[0] != '\0')
        output_printf(out, "Ended by an error: %s\n", PRINTABLE(curve->error));
    if (curve->limit.kind != LIMIT_UNKNOWN)
        output_printf(out, "Limit: %s: %s\n", curve->limit.name, curve->limit.evidence);
    write_doubts(out, curve);
}

/* --- CSV ------------------------------------------------------------------------------------- */

void curve_write_csv(struct output *out, const struct curve *curve)
{
    output_printf(out, "probe,rate_per_second,retest,end,achieved_per_second");
    for (uint32_t i = 0; i < curve->percentile_count; i++) {
        char key[32];
        output_printf(out, ",%s_us", table_percentile_key(key, sizeof key, curve->percentiles[i]));
    }
    output_printf(out, ",mean_us,max_us,errors_percent,windows_passed,windows,passed\n");
    for (uint32_t p = 0; p < curve->probe_count; p++) {
        const struct probe *probe = &curve->probes[p];
        output_printf(out, "%u,%.6f,%d,%s,%.3f", p + 1,
                      (double)probe->rate_micro / (double)SCHEDULE_MICRO, probe->retest,
                      probe_end_name(probe->end), probe->achieved);
        for (uint32_t i = 0; i < curve->percentile_count; i++)
            table_csv_us(out, &probe->percentiles[i]);
        if (probe->answered)
            output_printf(out, ",%.3f,%.3f", (double)probe->mean_ns / 1e3,
                          (double)probe->max_ns / 1e3);
        else
            output_printf(out, ",,");
        output_printf(out, ",%.6f,%u,%u,%d\n", probe->error_share * 100, probe->windows_passed,
                      probe->windows_judged, probe->passed);
    }
}
