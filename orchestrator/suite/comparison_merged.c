#include "orchestrator/suite/comparison_merged.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "orchestrator/suite/histogram_file.h"

#define NS_PER_MILLISECOND 1e6
#define OPEN_MAX_FILES 16u
#define COMPLAINTS_MAX 5u

/* Files that were read last stay open: those of one suite are named by record after record. */
struct merging {
    struct {
        const char *path; /* a record's */
        struct histogram_file *file;
    } open[OPEN_MAX_FILES];
    unsigned next, complaints;
    struct histogram *histogram;
    const struct record **records; /* of a side of a group */
};

static const double shares[RECORD_FIGURES] = {[RECORD_P50] = 0.5,
                                              [RECORD_P95] = 0.95,
                                              [RECORD_P99] = 0.99,
                                              [RECORD_P99_9] = 0.999,
                                              [RECORD_P99_99] = 0.9999};

static enum err_code find_file(struct histogram_file **file, struct merging *merging,
                               const char *path, struct err *err)
{
    for (unsigned i = 0; i < OPEN_MAX_FILES; i++)
        if (merging->open[i].path != NULL && strcmp(merging->open[i].path, path) == 0) {
            *file = merging->open[i].file;
            return OK;
        }
    const enum err_code code = histogram_file_open(file, path, err);
    if (code != OK)
        return code;
    const unsigned slot = merging->next++ % OPEN_MAX_FILES;
    histogram_file_close(merging->open[slot].file);
    merging->open[slot].path = path;
    merging->open[slot].file = *file;
    return OK;
}

static int by_lines(const void *one, const void *other)
{
    const struct record *left = *(const struct record *const *)one;
    const struct record *right = *(const struct record *const *)other;
    const int order = strcmp(left->histogram_path, right->histogram_path);
    return order != 0 ? order : strcmp(left->histogram_tag, right->histogram_tag);
}

static bool has_all(const struct comparison_group *group)
{
    for (int side = 0; side < 2; side++) {
        if (group->counts[side] == 0)
            return false;
        for (size_t i = 0; i < group->counts[side]; i++)
            if (group->records[side][i]->histogram_path == NULL)
                return false;
    }
    return true;
}

/* Lines that several records name are added once. E_DATA: some cannot be read, or are not there. */
static enum err_code merge_side(struct merging *merging, const struct comparison_group *group,
                                int side, struct err *err)
{
    const size_t count = group->counts[side];
    const struct record **records = merging->records;
    enum err_code code = OK;
    memcpy(records, group->records[side], count * sizeof(const struct record *));
    qsort(records, count, sizeof(const struct record *), by_lines);
    histogram_reset(merging->histogram);
    for (size_t i = 0; i < count && code == OK; i++) {
        struct histogram_file *file = NULL;
        size_t lines = 0;
        if (i > 0 && by_lines(&records[i - 1], &records[i]) == 0)
            continue;
        code = find_file(&file, merging, records[i]->histogram_path, err);
        if (code == OK)
            code = histogram_file_add(merging->histogram, &lines, file, records[i]->histogram_tag,
                                      err);
        if (code == OK && lines == 0)
            code = err_set(err, E_DATA, "%.300s has no lines of the tag %.100s",
                           records[i]->histogram_path, records[i]->histogram_tag);
    }
    return code;
}

/* False: no memory. What is damaged is said, and the group stays without. */
static enum err_code merge_group(struct merging *merging, struct comparison_group *group,
                                 struct err *err)
{
    double merged_ms[2][RECORD_FIGURES];
    for (int side = 0; side < 2; side++) {
        struct err reason = {.code = OK};
        const enum err_code code = merge_side(merging, group, side, &reason);
        if (code == E_SYSTEM)
            return err_set(err, code, "%s", reason.text);
        if (code != OK && merging->complaints++ < COMPLAINTS_MAX)
            log_line(LOG_WARNING, "percentiles are not merged: %s", reason.text);
        if (code != OK || merging->histogram->count == 0)
            return OK;
        for (unsigned figure = 0; figure < RECORD_FIGURES; figure++)
            merged_ms[side][figure] =
                shares[figure] > 0
                    ? (double)histogram_quantile(merging->histogram, shares[figure]) /
                          NS_PER_MILLISECOND
                    : NAN;
    }
    memcpy(group->merged_ms, merged_ms, sizeof merged_ms);
    group->merged = true;
    return OK;
}

enum err_code comparison_merge(struct comparison *comparison, struct err *err)
{
    const size_t most = comparison->sets[0]->count > comparison->sets[1]->count
                            ? comparison->sets[0]->count
                            : comparison->sets[1]->count;
    struct merging merging = {.histogram = calloc(1, sizeof *merging.histogram),
                              .records = calloc(most + 1, sizeof(const struct record *))};
    enum err_code code = OK;
    if (merging.histogram == NULL || merging.records == NULL)
        code = err_set(err, E_SYSTEM, "no memory for merged histograms");
    else
        histogram_init_zeroed(merging.histogram);
    for (size_t i = 0; i < comparison->group_count && code == OK; i++)
        if (has_all(&comparison->groups[i]))
            code = merge_group(&merging, &comparison->groups[i], err);
    if (merging.complaints > COMPLAINTS_MAX)
        log_line(LOG_WARNING, "percentiles of %u more configurations are not merged",
                 merging.complaints - COMPLAINTS_MAX);
    for (unsigned i = 0; i < OPEN_MAX_FILES; i++)
        histogram_file_close(merging.open[i].file);
    free(merging.histogram);
    free(merging.records);
    return code;
}

double comparison_merged(const struct comparison_row *row, int side)
{
    return row->group->merged ? row->group->merged_ms[side][row->figure] : NAN;
}

bool comparison_has_merged(const struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++)
        if (!isnan(comparison_merged(&comparison->rows[i], 0)))
            return true;
    return false;
}
