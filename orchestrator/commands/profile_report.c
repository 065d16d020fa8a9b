#include "orchestrator/commands/profile_report.h"

#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/server/bottleneck.h"

#define SHOWN_MAX 20u

/* ---- all together ---- */

enum err_code profile_report_add_up(struct profile_report *report, struct err *err)
{
    struct profile_part *total = &report->total;
    if (!report->is_cluster)
        return OK;
    snprintf(total->name, sizeof total->name, "cluster of %zu primaries", report->node_count);
    total->sample_count = report->nodes[0].sample_count;
    total->samples = calloc(total->sample_count, sizeof total->samples[0]);
    if (total->samples == NULL)
        return err_set(err, E_SYSTEM, "no memory for samples");
    memcpy(total->samples, report->nodes[0].samples,
           total->sample_count * sizeof total->samples[0]);
    enum err_code code = operations_add(&total->operations, &report->nodes[0].operations, err);
    for (size_t i = 1; i < report->node_count && code == OK; i++) {
        for (size_t k = 0; k < total->sample_count; k++)
            profile_sample_add(&total->samples[k], &report->nodes[i].samples[k]);
        code = operations_add(&total->operations, &report->nodes[i].operations, err);
    }
    return code;
}

static void free_part(struct profile_part *part)
{
    operations_free(&part->operations);
    free(part->samples);
}

void profile_report_free(struct profile_report *report)
{
    for (size_t i = 0; i < report->node_count; i++)
        free_part(&report->nodes[i]);
    free_part(&report->total);
    free(report->nodes);
    *report = (struct profile_report){.nodes = NULL};
}

/* ---- figures ---- */

static const struct profile_sample *last_of(const struct profile_part *part)
{
    return &part->samples[part->sample_count - 1];
}

static double seconds_of(const struct profile_part *part)
{
    return last_of(part)->seconds - part->samples[0].seconds;
}

static uint64_t calls_of(const struct profile_part *part, enum operation_kind kind)
{
    uint64_t calls = 0;
    for (size_t i = 0; i < part->operations.count; i++)
        if (part->operations.items[i].kind == kind)
            calls += part->operations.items[i].calls;
    return calls;
}

static double mean_usec(const struct operation *operation)
{
    return operation->calls > 0 ? (double)operation->usec / (double)operation->calls : 0;
}

static const char *const kind_names[OPERATION_KINDS] = {[OPERATION_WRITE] = "write_ops",
                                                        [OPERATION_QUERY] = "query_ops",
                                                        [OPERATION_OTHER] = "other_ops"};
static const char *const kind_words[OPERATION_KINDS] = {
    [OPERATION_WRITE] = "writes", [OPERATION_QUERY] = "queries", [OPERATION_OTHER] = "others"};
static const enum operation_kind kinds_in_order[OPERATION_KINDS] = {
    OPERATION_WRITE, OPERATION_QUERY, OPERATION_OTHER};

/* ---- text ---- */

static void print_kinds(const struct profile_part *part, FILE *out)
{
    const double seconds = seconds_of(part);
    for (int i = 0; i < OPERATION_KINDS; i++) {
        const uint64_t calls = calls_of(part, kinds_in_order[i]);
        fprintf(out, "  %-10s %15s  %12.1f a second\n", kind_words[kinds_in_order[i]],
                UNITS_GROUPED(calls), seconds > 0 ? (double)calls / seconds : 0);
    }
}

static void print_commands(const struct profile_part *part, FILE *out)
{
    const struct operations *operations = &part->operations;
    fprintf(out, "\n  %-24s %15s %12s %12s %10s\n", "command", "calls", "us a call", "ms in all",
            "failed");
    for (size_t i = 0; i < operations->count && i < SHOWN_MAX; i++) {
        const struct operation *operation = &operations->items[i];
        fprintf(out, "  %-24s %15s %12.2f %12.1f %10llu\n", PRINTABLE(operation->name),
                UNITS_GROUPED(operation->calls), mean_usec(operation),
                (double)operation->usec / 1e3, (unsigned long long)operation->failed);
    }
    if (operations->count > SHOWN_MAX)
        fprintf(out, "  and %zu others\n", operations->count - SHOWN_MAX);
}

static void print_memory(const struct profile_part *part, FILE *out)
{
    size_t peaks[PROFILE_PEAKS_MAX];
    const size_t count = profile_peaks(peaks, part->samples, part->sample_count);
    fprintf(out, "\n  memory: %s bytes at first, %s at last%s\n",
            UNITS_GROUPED(units_whole(part->samples[0].used_memory)),
            UNITS_GROUPED(units_whole(last_of(part)->used_memory)),
            count == 0 ? ", without a peak" : "; peaks:");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  - %s bytes at %.1f s\n",
                UNITS_GROUPED(units_whole(part->samples[peaks[i]].used_memory)),
                part->samples[peaks[i]].seconds);
}

static void print_bottlenecks(const struct profile_part *part, FILE *out)
{
    struct bottleneck bottlenecks[BOTTLENECKS_MAX];
    const size_t count =
        bottlenecks_find(bottlenecks, &part->operations, &part->samples[0], last_of(part));
    fprintf(out, "\n  bottlenecks:%s\n", count == 0 ? " none that its counters show" : "");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  - %s: %s: %s\n", bottlenecks[i].name, PRINTABLE(bottlenecks[i].evidence),
                bottlenecks[i].suggestion);
}

void profile_report_print(const struct profile_report *report, FILE *out)
{
    const struct profile_part *whole = report->is_cluster ? &report->total : &report->nodes[0];
    fprintf(out, "%s, %.1f s\n\n", PRINTABLE(whole->name), seconds_of(whole));
    print_kinds(whole, out);
    print_commands(whole, out);
    print_memory(whole, out);
    if (!report->is_cluster) {
        print_bottlenecks(whole, out);
        return;
    }
    for (size_t i = 0; i < report->node_count; i++) {
        fprintf(out, "\n%s\n\n", PRINTABLE(report->nodes[i].name));
        print_kinds(&report->nodes[i], out);
        print_memory(&report->nodes[i], out);
        print_bottlenecks(&report->nodes[i], out);
    }
}

/* ---- JSON ---- */

static json_t *operations_json(const struct profile_part *part)
{
    json_t *list = json_array();
    for (size_t i = 0; i < part->operations.count; i++) {
        const struct operation *operation = &part->operations.items[i];
        (void)json_array_append_new(
            list,
            json_pack("{s:o, s:s, s:I, s:I, s:f, s:I}", "command", json_value_text(operation->name),
                      "kind", kind_names[operation->kind], "calls", (json_int_t)operation->calls,
                      "usec", (json_int_t)operation->usec, "usec_per_call", mean_usec(operation),
                      "failed", (json_int_t)operation->failed));
    }
    return list;
}

static json_t *ops_json(const struct profile_part *part, enum operation_kind kind)
{
    const uint64_t calls = calls_of(part, kind);
    const double seconds = seconds_of(part);
    return json_pack("{s:I, s:f}", "calls", (json_int_t)calls, "per_second",
                     seconds > 0 ? (double)calls / seconds : 0.0);
}

static json_t *sample_json(const struct profile_sample *sample)
{
    return json_pack("{s:f, s:I}", "at_seconds", sample->seconds, "used_memory",
                     (json_int_t)sample->used_memory);
}

static json_t *peaks_json(const struct profile_part *part)
{
    size_t peaks[PROFILE_PEAKS_MAX];
    const size_t count = profile_peaks(peaks, part->samples, part->sample_count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, sample_json(&part->samples[peaks[i]]));
    return list;
}

static void add_bottlenecks(json_t *list, const struct profile_part *part)
{
    struct bottleneck bottlenecks[BOTTLENECKS_MAX];
    const size_t count =
        bottlenecks_find(bottlenecks, &part->operations, &part->samples[0], last_of(part));
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:s}", "server",
                                                    json_value_text(part->name), "rule",
                                                    bottlenecks[i].name, "evidence",
                                                    json_value_text(bottlenecks[i].evidence),
                                                    "suggestion", bottlenecks[i].suggestion));
}

static json_t *part_json(const struct profile_part *part)
{
    return json_pack("{s:o, s:f, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "server",
                     json_value_text(part->name), "seconds", seconds_of(part), "samples",
                     (json_int_t)part->sample_count, "write_ops", ops_json(part, OPERATION_WRITE),
                     "query_ops", ops_json(part, OPERATION_QUERY), "other_ops",
                     ops_json(part, OPERATION_OTHER), "commands", operations_json(part),
                     "memory_first", sample_json(&part->samples[0]), "memory_last",
                     sample_json(last_of(part)), "memory_peaks", peaks_json(part));
}

json_t *profile_report_json(const struct profile_report *report)
{
    json_t *json = json_pack("{s:s}", "schema", PROFILE_SCHEMA);
    json_t *whole = part_json(report->is_cluster ? &report->total : &report->nodes[0]);
    json_t *bottlenecks = json_array(), *nodes = json_array();
    for (size_t i = 0; i < report->node_count; i++) {
        add_bottlenecks(bottlenecks, &report->nodes[i]);
        if (report->is_cluster)
            (void)json_array_append_new(nodes, part_json(&report->nodes[i]));
    }
    const bool told = json != NULL && json_object_update(json, whole) == 0 &&
                      json_object_set(json, "bottlenecks", bottlenecks) == 0 &&
                      json_object_set(json, "nodes", nodes) == 0;
    json_decref(whole);
    json_decref(bottlenecks);
    json_decref(nodes);
    if (told)
        return json;
    json_decref(json);
    return NULL;
}
