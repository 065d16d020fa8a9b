#include "orchestrator/watch/totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum err_code watch_totals_init(struct watch_totals *totals, struct err *err)
{
    memset(totals, 0, sizeof *totals);
    totals->newest = interval_row_create();
    return totals->newest != NULL ? OK : err_set(err, E_SYSTEM, "no memory for totals");
}

void watch_totals_free(struct watch_totals *totals)
{
    for (uint32_t i = 0; i < totals->test_count; i++)
        free(totals->tests[i].total);
    free(totals->newest);
    memset(totals, 0, sizeof *totals);
}

static struct watch_test *test_of(struct watch_totals *totals, const char *name)
{
    for (uint32_t i = 0; i < totals->test_count; i++)
        if (strcmp(totals->tests[i].name, name) == 0)
            return &totals->tests[i];
    if (totals->test_count == WATCH_TESTS_MAX)
        return NULL;
    struct watch_test *test = &totals->tests[totals->test_count];
    *test = (struct watch_test){.total = interval_row_create()};
    if (test->total == NULL)
        return NULL;
    totals->test_count++;
    snprintf(test->name, sizeof test->name, "%s", name);
    return test;
}

void watch_totals_run_begin(struct watch_totals *totals, const struct run_facts *run)
{
    char name[sizeof totals->tests[0].name];
    if (run->prefill)
        snprintf(name, sizeof name, "prefill of %.100s", run->prefill_for);
    else
        snprintf(name, sizeof name, "%s",
                 totals->test_count + 1 >= WATCH_TESTS_MAX ? "others" : run->name);
    if (!run->prefill && strcmp(name, "others") == 0)
        for (uint32_t i = 0; i < totals->test_count; i++)
            if (strcmp(totals->tests[i].name, run->name) == 0)
                snprintf(name, sizeof name, "%s", run->name);
    if (totals->first_wall_ns == 0)
        totals->first_wall_ns = run->started_wall_ns;
    totals->run = *run;
    totals->running = true;
    totals->newest_known = false;
    totals->current = test_of(totals, name);
    if (totals->current == NULL)
        return;
    totals->current->open_loop = run->open_loop;
    snprintf(totals->current->target, sizeof totals->current->target, "%s", run->target);
}

static void add_word(struct watch_test *test, const char *word, uint64_t count)
{
    for (uint32_t i = 0; i < test->word_count; i++)
        if (strcmp(test->words[i].word, word) == 0) {
            test->words[i].count += count;
            return;
        }
    if (test->word_count == ERROR_KINDS_MAX)
        return;
    struct watch_word *added = &test->words[test->word_count++];
    snprintf(added->word, sizeof added->word, "%s", word);
    added->count = count;
}

/* Gauges are those of the newest row. */
static void add_to(struct watch_test *test, const struct interval_row *row,
                   const struct error_kinds *kinds)
{
    struct interval_header *header = &test->total->header;
    interval_row_add(test->total, row);
    header->end_ns += row->header.end_ns - row->header.start_ns; /* seconds of it */
    header->in_flight_after = row->header.in_flight_after;
    header->backlog_after = row->header.backlog_after;
    header->connections_open = row->header.connections_open;
    header->flags |= row->header.flags & (INTERVAL_DEGRADED | INTERVAL_BOTH_LOOPS | INTERVAL_USERS);
    for (uint32_t i = 0; i < kinds->count; i++)
        if (row->errors_by_kind[i] > 0)
            add_word(test, kinds->kinds[i].word, row->errors_by_kind[i]);
}

void watch_totals_add(struct watch_totals *totals, const struct interval_row *row,
                      const struct error_kinds *kinds)
{
    interval_row_reset(totals->newest);
    interval_row_add(totals->newest, row);
    totals->newest->header = row->header;
    totals->newest_known = true;
    totals->newest_ns = clock_now_ns();
    totals->kinds = *kinds;
    totals->rows++;
    if ((row->header.flags & INTERVAL_WARMUP) == 0 && totals->current != NULL)
        add_to(totals->current, row, kinds);
}

void watch_totals_run_end(struct watch_totals *totals)
{
    totals->running = false;
}

bool watch_totals_reading(struct watch_reading *reading, struct metric_slice *slice,
                          const struct watch_totals *totals, const struct watch_samples *samples)
{
    watch_reading_of_row(reading, slice, totals->newest, &totals->run, &totals->kinds,
                         totals->first_wall_ns, samples);
    if (!totals->newest_known)
        reading->load = NULL;
    return totals->newest_known;
}

struct metric_slice watch_totals_slice(const struct watch_totals *totals,
                                       const struct watch_test *test)
{
    struct metric_slice slice = metric_slice_of(test->total, test->open_loop);
    slice.worker_count = totals->run.worker_count;
    return slice;
}
