/* What a run came to: its region, marks and spectrum, and what people read without a script. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/page/page_state.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_value.h"

static void append(json_t *list, json_t *value, size_t most)
{
    if (json_array_size(list) < most)
        json_array_append_new(list, value);
    else
        json_decref(value);
}

static json_t *region(const char *kind, const char *name, double start, double end)
{
    return json_pack("{s:s, s:o, s:f, s:f}", "kind", kind, "name", json_value_text(name), "start",
                     start, "end", end);
}

static void add_regions(struct page *page, const struct run_result *run)
{
    json_t *regions = page->newest->regions;
    const double begin = page->offset_seconds;
    const double measured = begin + clock_seconds(run->facts->warmup_ns);
    char name[200];
    snprintf(name, sizeof name, "%s%s", run->facts->prefill ? "prefill of " : "",
             run->facts->prefill ? run->facts->prefill_for : run->facts->name);
    if (run->facts->warmup_ns > 0)
        append(regions, region("warmup", "warm-up", begin, measured), PAGE_REGIONS_MAX);
    append(regions, region("run", name, begin, begin + clock_seconds(run->total->header.end_ns)),
           PAGE_REGIONS_MAX);
}

static void add_mark(struct page *page, const char *source, const char *text, uint64_t start_ns,
                     uint64_t end_ns, bool ok, const char *cause)
{
    append(page->newest->marks,
           json_pack("{s:s, s:o, s:f, s:f, s:b, s:o}", "source", source, "text",
                     json_value_text(text), "start", page->offset_seconds + clock_seconds(start_ns),
                     "end", page->offset_seconds + clock_seconds(end_ns), "ok", ok, "cause",
                     json_value_text(ok ? NULL : cause)),
           PAGE_MARKS_MAX);
}

static void add_outages(struct page *page, const struct outage_list *list, const char *where)
{
    char text[240];
    for (uint32_t i = 0; list != NULL && i < list->kept; i++) {
        const struct outage *outage = &list->items[i];
        snprintf(text, sizeof text, "%s of %s", outage->pause ? "pause" : "outage", where);
        add_mark(page, "outage", text, outage->begin_ns, outage->end_ns, outage->recovered,
                 "it did not recover");
    }
}

static void add_marks(struct page *page, const struct run_result *run)
{
    for (uint32_t i = 0; i < run->notes->count; i++) {
        const struct note *note = &run->notes->items[i];
        char told[NOTE_TOLD_BYTES];
        if (note->source != NOTE_SAMPLE && note->source != NOTE_SCRAPE)
            add_mark(page, note_source_name(note->source), note_told(told, note), note->at_ns,
                     note->end_ns, note->ok, note->cause);
    }
    add_outages(page, outages_of_all(run->outages), "the target");
    for (uint32_t i = 0; i < run->facts->node_count && run->facts->node_count > 1; i++)
        add_outages(page, outages_of_node(run->outages, i), run->facts->nodes[i].text);
}

/* ---- Spectrum. ---- */

/* Up to where there is a value: five steps for each halving of the distance to 100 %. */
#define SPECTRUM_STEPS 5.0
#define SPECTRUM_HALVINGS 24u
static json_t *spectrum(const struct interval_row *total, enum interval_histogram_kind kind)
{
    const struct histogram *histogram = &total->histograms[kind];
    json_t *list = json_array();
    for (uint32_t i = 0; histogram->count > 0 && i < SPECTRUM_HALVINGS * (uint32_t)SPECTRUM_STEPS;
         i++) {
        const uint32_t halving = i / (uint32_t)SPECTRUM_STEPS;
        const double left =
            pow(0.5, halving) * (1 - (i % (uint32_t)SPECTRUM_STEPS) / SPECTRUM_STEPS / 2);
        const double percent = 100 * (1 - left);
        const struct figure_percentile value = figure_percentile(total, kind, percent);
        if (value.empty || left * (double)histogram->count < 0.5)
            break;
        const double us = (double)value.value_ns / 1e3;
        json_array_append_new(list, json_pack("[f, f]", percent, value.censored ? -us : us));
    }
    return list;
}

/* ---- What people read without a script. ---- */

/* The maximum is of those answered: where requests failed, or had waited longer, it is at least so much. */
static json_t *time_of(const struct metric_slice *slice, enum metric_statistic_kind kind,
                       double percent)
{
    const struct metric_statistic statistic = {"", kind, percent};
    const struct metric_value value = metric_read(slice, METRIC_RESPONSE_TIME, &statistic);
    const bool more = kind == STATISTIC_MAX && (figure_failed(slice->row->counters) > 0 ||
                                                (double)value.at_least_ns > value.number);
    if (value.censored && (!value.known || more))
        return json_pack("{s:f}", "at_least_us", (double)value.at_least_ns / 1e3);
    return value.known ? json_real(value.number / 1e3) : json_null();
}

/* Checks that are not GREEN, the worst ones first. */
static json_t *reasons_of(const struct verdict *verdict)
{
    json_t *list = json_array();
    for (uint32_t level = VERDICT_RED; level > VERDICT_GREEN; level--)
        for (uint32_t i = 0; i < verdict->check_count; i++) {
            const struct verdict_check *check = &verdict->checks[i];
            if (check->level != level)
                continue;
            json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o}", "name",
                                                  json_value_text(check->name), "level",
                                                  verdict_level_name(check->level), "text",
                                                  json_value_text(check->text), "advice",
                                                  json_value_text(check->advice)));
        }
    return list;
}

static void add_to_graphic(struct page *page, const struct run_result *run)
{
    add_regions(page, run);
    add_marks(page, run);
    json_array_append_new(
        page->newest->spectra,
        json_pack("{s:o, s:o, s:o}", "name", json_value_text(run->facts->name), "response_time_us",
                  run->facts->open_loop ? spectrum(run->total, HISTOGRAM_RESPONSE_OK)
                                        : json_array(),
                  "service_time_us", spectrum(run->total, HISTOGRAM_SERVICE_OK)));
}

/* What was achieved stands beside it: of a rate that was changed under way, what fell due in the whole run. */
static json_t *target_of(const struct run_result *run, const struct metric_slice *slice)
{
    const struct metric_value due = metric_read(slice, METRIC_TARGET_RATE, NULL);
    if (!run_facts_have_rate(run->facts))
        return json_null();
    return json_real(run->rate_changes > 0 && due.known ? due.number : figure_target(run));
}

void page_runs_add(struct page *page, const struct run_result *run)
{
    struct metric_slice slice = metric_slice_of_run(run);
    const double failed = (double)figure_failed(run->total->counters);
    const struct metric_value share = metric_read(&slice, METRIC_FAILED_PERCENT, NULL);
    if (page->run_drawn)
        add_to_graphic(page, run);
    json_t *name = json_value_text(run->facts->name);
    append(page->newest->runs,
           json_pack("{s:o, s:o, s:b, s:s, s:o, s:o, s:f, s:o, s:o, s:o, s:f, s:f, s:f, s:o, s:b}",
                     "name", name, "target_name", json_value_text(run->facts->target), "prefill",
                     run->facts->prefill, "verdict", verdict_level_name(run->verdict.level),
                     "reasons", reasons_of(&run->verdict), "target", target_of(run, &slice),
                     "achieved", metric_read(&slice, METRIC_ACHIEVED_RATE, NULL).number, "p50",
                     time_of(&slice, STATISTIC_PERCENTILE, 50), "p99",
                     time_of(&slice, STATISTIC_PERCENTILE, 99), "max",
                     time_of(&slice, STATISTIC_MAX, 0), "errors", failed, "errors_percent",
                     share.known ? share.number : 0, "seconds", run->seconds, "status",
                     json_value_text(run->status == OK ? NULL : run->status_text), "interrupted",
                     run->interrupted),
           PAGE_REGIONS_MAX);
}
