#include <math.h>
#include <stdlib.h>

#include "common/clock.h"
#include "tests/perf/honesty.h"

double arrivals_variance_per_mean(const struct recorder_record *record, uint64_t from_ns,
                                  uint64_t to_ns)
{
    uint64_t bins = to_ns > from_ns ? (to_ns - from_ns) / NS_PER_MS : 0;
    uint64_t *counts = calloc(bins + 1, sizeof *counts);
    if (counts == NULL || bins < 2) {
        free(counts);
        return NAN;
    }
    for (uint64_t i = 0; i < record->header.request_count; i++) {
        uint64_t at_ns = record->requests[i].arrival_ns;
        if (at_ns >= from_ns && (at_ns - from_ns) / NS_PER_MS < bins)
            counts[(at_ns - from_ns) / NS_PER_MS]++;
    }
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < bins; i++)
        sum += (double)counts[i];
    double mean = sum / (double)bins;
    for (uint64_t i = 0; i < bins; i++)
        squares += ((double)counts[i] - mean) * ((double)counts[i] - mean);
    free(counts);
    return squares / (double)(bins - 1) / mean;
}

uint64_t arrivals_between(const struct recorder_record *record, uint64_t from_ns, uint64_t to_ns)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < record->header.request_count; i++)
        count +=
            record->requests[i].arrival_ns >= from_ns && record->requests[i].arrival_ns < to_ns;
    return count;
}

/* The server keeps them in the order in which they came. */
uint64_t first_arrival_ns(const struct recorder_record *record)
{
    return record->header.request_count > 0 ? record->requests[0].arrival_ns : 0;
}

uint64_t last_arrival_ns(const struct recorder_record *record)
{
    uint64_t count = record->header.request_count;
    return count > 0 ? record->requests[count - 1].arrival_ns : 0;
}

static int compare_counts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t quantile(uint64_t *values, uint64_t count, double q)
{
    qsort(values, count, sizeof *values, compare_counts);
    double rank = ceil(q * (double)count);
    uint64_t index = rank >= 1 ? (uint64_t)rank - 1 : 0;
    return values[index < count ? index : count - 1];
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median_of(double *values, uint64_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double smallest_of(const double *values, uint64_t count)
{
    double smallest = INFINITY;
    for (uint64_t i = 0; i < count; i++)
        smallest = fmin(smallest, values[i]);
    return smallest;
}

double relative_error(double value, double truth)
{
    return fabs(value - truth) / truth;
}

uint64_t *true_waits(uint64_t *count, const struct recorder_record *record,
                     const uint64_t *intended_ns, uint64_t start_ns)
{
    uint64_t *waits = calloc(record->header.request_count + 1, sizeof *waits);
    *count = 0;
    for (uint64_t i = 0; waits != NULL && i < record->header.request_count; i++) {
        const struct recorder_request *request = &record->requests[i];
        if (request->reply_ns != 0)
            waits[(*count)++] = request->reply_ns - start_ns - intended_ns[request->ticket];
    }
    return waits;
}
