#include "orchestrator/report/metric_class.h"

#include "orchestrator/report/figures.h"

uint64_t metric_class_unanswered(const struct class_figures *class)
{
    return class->counters[CLASS_TIMED_OUT] + class->counters[CLASS_LOST];
}

bool metric_class_failed(double *number, const struct class_figures *class)
{
    *number = (double)(class->counters[CLASS_ERRORS] + metric_class_unanswered(class));
    return true;
}

bool metric_class_failed_percent(double *number, const struct class_figures *class)
{
    uint64_t failed = class->counters[CLASS_ERRORS] + metric_class_unanswered(class);
    uint64_t ended = failed + class->counters[CLASS_OK];
    *number = figure_share(failed, ended) * 100;
    return ended > 0;
}

bool metric_class_lost_messages(double *number, const struct class_figures *class)
{
    const uint64_t came = class->counters[CLASS_OK] + class->counters[CLASS_CLAIMED];
    const uint64_t expected = class->counters[CLASS_EXPECTED];
    *number = expected > came ? (double)(expected - came) : 0;
    return true;
}

bool metric_class_pending(double *number, const struct class_figures *class)
{
    const uint64_t read = class->counters[CLASS_READ];
    const uint64_t acknowledged = class->counters[CLASS_ACKNOWLEDGED];
    *number = read > acknowledged ? (double)(read - acknowledged) : 0;
    return true;
}

/* The times of a class, in the finest form that there is. */
struct times {
    const struct histogram *window; /* NULL: coarse */
    const struct coarse_times *coarse;
    uint64_t count, unanswered;
    bool for_ever;
};

static uint64_t value_of_rank(const struct times *times, uint64_t rank)
{
    return times->window != NULL ? histogram_value_of_rank(times->window, rank)
                                 : coarse_value_of_rank(times->coarse, rank);
}

/* What is not above any value that is counted with this one. */
static uint64_t lowest_like(const struct times *times, uint64_t value_ns)
{
    if (times->window != NULL)
        return histogram_lowest_value(histogram_index(value_ns));
    uint32_t index = coarse_index(value_ns);
    return index > 0 ? coarse_highest(index - 1) + 1 : 0;
}

/* Those that got no reply count as longer than any other. How long they had waited is not kept by class, so the bound
 * of what they hide is what the answered ones alone say. */
static void read_percentile(struct metric_value *value, const struct times *times, double percent)
{
    const uint64_t all = times->count + times->unanswered;
    const uint64_t rank = all > 0 ? histogram_rank(all, percent / 100) : 0;
    value->censored = rank > times->count;
    value->known &= !value->censored;
    value->few_samples = figure_few_samples(times->count, percent);
    if (value->censored && times->for_ever)
        value->at_least_ns = times->coarse->max_ns;
    else if (rank > times->unanswered && value->censored)
        value->at_least_ns = lowest_like(times, value_of_rank(times, rank - times->unanswered));
    value->number = value->known ? (double)value_of_rank(times, rank) : (double)value->at_least_ns;
}

static void read_mean(struct metric_value *value, const struct times *times)
{
    const double sum_ns =
        (double)(times->window != NULL ? times->window->sum_ns : times->coarse->sum_ns);
    value->censored = times->unanswered > 0;
    if (times->count > 0)
        value->number = sum_ns / (double)times->count;
    if (value->censored)
        value->at_least_ns = (uint64_t)(sum_ns / (double)(times->count + times->unanswered));
}

static void read_max(struct metric_value *value, const struct times *times)
{
    value->number = (double)(times->window != NULL ? times->window->max_ns : times->coarse->max_ns);
    value->censored = times->unanswered > 0;
    value->at_least_ns = value->censored ? (uint64_t)value->number : 0;
}

struct metric_value metric_class_times(const struct metric_slice *slice, enum class_times which,
                                       const struct metric_statistic *statistic)
{
    const struct histogram *window =
        slice->class_windows != NULL ? &slice->class_windows[which] : NULL;
    const struct times times = {
        .window = window,
        .coarse = &slice->class->times[which],
        .count = window != NULL ? window->count : slice->class->counters[CLASS_OK],
        .unanswered = metric_class_unanswered(slice->class),
        .for_ever = slice->lost_for_ever,
    };
    struct metric_value value = {.known = times.count > 0};
    switch (statistic->kind) {
    case STATISTIC_COUNT:
        value = (struct metric_value){
            .known = true, .count = times.count, .number = (double)times.count};
        break;
    case STATISTIC_MIN:
        value.known &= window != NULL;
        value.number = value.known ? (double)window->min_ns : 0;
        break;
    case STATISTIC_STDEV:
        value.known &= window != NULL;
        value.number = value.known ? histogram_stdev(window) : 0;
        break;
    case STATISTIC_MEAN:
        read_mean(&value, &times);
        break;
    case STATISTIC_PERCENTILE:
        read_percentile(&value, &times, statistic->percent);
        break;
    case STATISTIC_MAX:
        read_max(&value, &times);
        break;
    }
    return value;
}
