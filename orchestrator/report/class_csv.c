/* One CSV row for each interval and class of requests, of the measured part, for all tests of a session: in a run's
 * directory, and only there where a test has several classes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/report/metric.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/sinks.h"

struct class_csv {
    struct output out; /* closed before the first run that has classes */
    char *path;
    enum output_naming naming;
    struct run_facts run;
    bool consumers; /* it has columns of theirs */
    uint32_t tests; /* begun, prefills aside: the first column */
};

static const enum metric_id counts[] = {METRIC_SENT,      METRIC_OK,        METRIC_ERRORS,
                                        METRIC_TIMED_OUT, METRIC_LOST,      METRIC_HITS,
                                        METRIC_MISSES,    METRIC_BYTES_OUT, METRIC_BYTES_IN};
static const struct metric_statistic times[] = {{"p50_usec", STATISTIC_PERCENTILE, 50},
                                                {"p95_usec", STATISTIC_PERCENTILE, 95},
                                                {"p99_usec", STATISTIC_PERCENTILE, 99},
                                                {"p100_usec", STATISTIC_MAX, 0}};
#define COUNTS (sizeof counts / sizeof counts[0])
#define TIMES (sizeof times / sizeof times[0])

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct class_csv *csv = state;
    csv->run = *run;
    csv->tests += !run->prefill;
    if (run->prefill || run->class_count + run->part_count == 0 || csv->out.file != NULL)
        return OK;
    for (uint32_t i = 0; i < run->part_count; i++)
        csv->consumers |= run->parts[i].consumes;
    if (output_create(&csv->out, csv->path, csv->naming, err) != OK)
        return err->code;
    output_printf(&csv->out, "test,interval,start_seconds,seconds,class,sent,ok,errors,timed_out,"
                             "lost,hits,misses,bytes_out,bytes_in");
    for (size_t i = 0; i < TIMES; i++)
        output_printf(&csv->out, ",%s", times[i].name);
    output_printf(&csv->out, ",coarse%s\n",
                  csv->consumers ? ",expected,duplicates,out_of_order" : "");
    return output_status(&csv->out, err);
}

/* Whole microseconds, as in the CSV of the whole; what is not known leaves its cell empty. */
static void print_times(struct output *out, const struct metric_slice *slice)
{
    for (size_t i = 0; i < TIMES; i++) {
        const struct metric_value time = metric_read(slice, METRIC_RESPONSE_TIME, &times[i]);
        if (time.known)
            output_printf(out, ",%" PRIu64, (uint64_t)(time.number / NS_PER_US));
        else
            output_printf(out, ",");
    }
}

static bool is_of_parts(enum metric_id metric)
{
    return metric == METRIC_OK || metric == METRIC_ERRORS || metric == METRIC_HITS ||
           metric == METRIC_MISSES;
}

static void print_row(struct class_csv *csv, const struct interval_row *row, const char *name,
                      const struct metric_slice *slice, bool is_part, bool consumes)
{
    output_printf(&csv->out, "%" PRIu32 ",%" PRIu32 ",%.3f,%.3f,", csv->tests, row->header.first,
                  clock_seconds(row->header.start_ns), slice->seconds);
    output_csv_text(&csv->out, name);
    for (size_t k = 0; k < COUNTS; k++) {
        const bool of_consumers = counts[k] == METRIC_SENT || counts[k] == METRIC_BYTES_OUT ||
                                  counts[k] == METRIC_BYTES_IN;
        const bool none = consumes && (counts[k] == METRIC_HITS || counts[k] == METRIC_MISSES);
        if (is_part && (none || !is_of_parts(counts[k])) && !(consumes && of_consumers))
            output_printf(&csv->out, ",");
        else
            output_printf(&csv->out, ",%" PRIu64, metric_count(slice, counts[k]));
    }
    print_times(&csv->out, slice);
    output_printf(&csv->out, ",%d", slice->class_windows == NULL);
    if (csv->consumers && consumes)
        output_printf(&csv->out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
                      metric_count(slice, METRIC_MESSAGES_EXPECTED),
                      metric_count(slice, METRIC_MESSAGES_DUPLICATES),
                      metric_count(slice, METRIC_MESSAGES_OUT_OF_ORDER));
    else if (csv->consumers)
        output_printf(&csv->out, ",,,");
    output_printf(&csv->out, "\n");
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct class_csv *csv = state;
    const struct metric_slice whole = metric_slice_of(row, csv->run.open_loop);
    (void)error_kinds;
    if (csv->run.prefill || (row->header.flags & INTERVAL_WARMUP) != 0)
        return OK;
    for (uint32_t i = 0; i < csv->run.class_count; i++) {
        const struct metric_slice slice = metric_slice_of_class(&whole, i);
        print_row(csv, row, csv->run.class_names[i], &slice, false, false);
    }
    for (uint32_t i = 0; i < csv->run.part_count; i++) {
        const struct metric_slice slice = metric_slice_of_part(&whole, i);
        print_row(csv, row, csv->run.parts[i].name, &slice, true, csv->run.parts[i].consumes);
    }
    return csv->out.file != NULL ? output_status(&csv->out, err) : OK;
}

static enum err_code session_end(void *state, struct err *err)
{
    struct class_csv *csv = state;
    return csv->out.file != NULL ? output_commit(&csv->out, err) : OK;
}

static void destroy(void *state)
{
    struct class_csv *csv = state;
    output_discard(&csv->out);
    free(csv->path);
    free(csv);
}

enum err_code sink_class_csv(struct sink *sink, const char *path, enum output_naming naming,
                             struct err *err)
{
    struct class_csv *csv = calloc(1, sizeof *csv);
    if (csv == NULL || (csv->path = strdup(path)) == NULL) {
        free(csv);
        return err_set(err, E_SYSTEM, "no memory for the CSV of classes");
    }
    csv->naming = naming;
    *sink = (struct sink){.name = "CSV of classes",
                          .state = csv,
                          .run_begin = run_begin,
                          .interval = interval,
                          .session_end = session_end,
                          .destroy = destroy};
    return OK;
}
