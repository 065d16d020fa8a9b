/* The keys of a sample, and what is fitted to them. */
#include "orchestrator/traffic/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A new key's counter, so that it is not evicted before it was asked for. */
#define COUNTER_OF_NEW 5u
#define COUNTER_END 255u
struct sample *sample_create(uint32_t keys_max)
{
    struct sample *sample = calloc(1, sizeof *sample);
    if (sample == NULL)
        return NULL;
    sample->model = model_create();
    sample->keys = calloc(keys_max, sizeof *sample->keys);
    sample->key_room = keys_max;
    if (sample->model != NULL && sample->keys != NULL)
        return sample;
    sample_free(sample);
    return NULL;
}

void sample_free(struct sample *sample)
{
    if (sample == NULL)
        return;
    for (uint32_t i = 0; i < MODEL_SPACES_MAX; i++) {
        free(sample->spaces[i].value_bytes);
        free(sample->spaces[i].elements);
        free(sample->spaces[i].time_left_s);
    }
    model_free(sample->model);
    free(sample->keys);
    free(sample);
}

const char *sample_type_name(enum sample_type type)
{
    static const char *const names[SAMPLE_TYPES] = {"string", "hash",   "list", "set",
                                                    "zset",   "stream", "other"};
    return names[type];
}

bool sample_add_key(struct sample *sample, const struct recording_argument *name,
                    const struct sample_key *key)
{
    uint32_t space;
    if (sample->sampled == sample->key_room)
        return true;
    if (!model_add_key(sample->model, name, &space))
        return false;
    if (space == MODEL_SPACES_MAX) {
        sample->without_room++;
        return true;
    }
    sample->keys[sample->sampled] = *key;
    sample->keys[sample->sampled++].space = (uint8_t)space;
    return true;
}

/* ---- access counters ---- */

static uint8_t above_new(uint8_t counter)
{
    return counter > COUNTER_OF_NEW ? (uint8_t)(counter - COUNTER_OF_NEW) : 0;
}

static double accesses_to_reach(const struct sample *sample, uint8_t counter)
{
    const double n = above_new(counter);
    return n + sample->log_factor * n * (n - 1) / 2;
}

/* In a minute; none for a counter that may have been let fall for ever. */
static double accesses_to_hold(const struct sample *sample, uint8_t counter)
{
    const double n = above_new(counter);
    if (!(n > 0 && sample->decay_minutes > 0))
        return 0;
    return (sample->log_factor * n + 1) / sample->decay_minutes;
}

static double accesses_of(const struct sample *sample, uint8_t counter)
{
    return accesses_to_reach(sample, counter) / sample->age_minutes +
           accesses_to_hold(sample, counter);
}

/* The age of the load with which all keys get what the server is asked for. */
static void find_age(struct sample *sample)
{
    double reach = 0, hold = 0, calls = 0;
    sample->age_minutes = sample->up_minutes > 0 ? sample->up_minutes : 1.0 / 60;
    for (uint64_t i = 0; i < sample->sampled; i++) {
        reach += accesses_to_reach(sample, sample->keys[i].counter);
        hold += accesses_to_hold(sample, sample->keys[i].counter);
    }
    for (uint32_t i = 0; i < sample->command_count; i++)
        if (sample_command_has_keys(sample->commands[i].name))
            calls += (double)sample->commands[i].calls;
    if (sample->since_start || !(sample->seconds > 0) || !(reach > 0))
        return;
    const double part = (double)sample->sampled / (double)sample->keys_there;
    const double left = calls * 60 / sample->seconds * (part < 1 ? part : 1) - hold;
    if (left > 0 && reach / left < sample->age_minutes)
        sample->age_minutes = reach / left;
}

static int compare_falling(const void *a, const void *b)
{
    uint8_t left = *(const uint8_t *)a, right = *(const uint8_t *)b;
    return (left < right) - (left > right);
}

/* Counters of keys that are asked for alike scatter by a third of their mean while they grow, and by half of it where
 * they are held. */
static bool scatters(const uint8_t *counters, uint64_t count)
{
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double n = above_new(counters[i]);
        sum += n;
        squares += n * n;
    }
    const double keys = (double)count, mean = sum / keys;
    return mean > 0 && (squares / keys - mean * mean) / mean > 0.75 * (1 + 5 * sqrt(2 / keys));
}

/* The first rank that is not fitted any more. The higher a counter, the smaller its error, which is a half at 5 above that of a new key and a fifth at
 * 25: where the order of enough keys is sure, only these are taken. */
static uint64_t ranks_end(const uint8_t *counters, uint64_t count, uint64_t first)
{
    static const struct {
        uint8_t least;
        uint64_t ranks;
    } choices[] = {{COUNTER_OF_NEW + 25, 50}, {COUNTER_OF_NEW + 10, 20}, {COUNTER_OF_NEW + 4, 0}};
    uint64_t end = first;
    for (size_t choice = 0; choice < sizeof choices / sizeof choices[0]; choice++) {
        for (end = first; end < count && counters[end] >= choices[choice].least;)
            end++;
        if (end - first >= choices[choice].ranks)
            break;
    }
    return end - first < MODEL_RANKS_MAX ? end : first + MODEL_RANKS_MAX;
}

/* Counters fall. The ranks of a sample stand to each other as those of all keys do. */
static double fit_exponent(const struct sample *sample, const uint8_t *counters, uint64_t count,
                           uint64_t *ranks)
{
    uint64_t first = 0;
    double sum = 0, logs = 0;
    while (first < count && counters[first] >= COUNTER_END)
        first++;
    const uint64_t last = ranks_end(counters, count, first);
    *ranks = last - first;
    if (*ranks < 2)
        return 0;
    for (uint64_t i = first; i < last; i++) {
        const double accesses = accesses_of(sample, counters[i]);
        sum += accesses;
        logs += accesses * log((double)i + 1);
    }
    return model_zipf_of_mean(logs / sum, first + 1, last);
}

static void fit_skew(struct sample *sample, uint32_t index, const uint8_t *counters, uint64_t count)
{
    struct model_space *fitted = &sample->model->spaces[index];
    struct sample_space *space = &sample->spaces[index];
    const uint64_t hottest_here = count / 100 > 0 ? count / 100 : 1;
    double part = 0;
    for (uint64_t i = 0; i < count; i++) {
        space->accesses += accesses_of(sample, counters[i]);
        space->at_end += counters[i] >= COUNTER_END;
        part += i < hottest_here ? accesses_of(sample, counters[i]) : 0;
    }
    space->hottest = space->accesses > 0 ? part / space->accesses : 0;
    fitted->exponent = fit_exponent(sample, counters, count, &fitted->ranks);
    fitted->skewed = fitted->ranks > 1 && fitted->exponent > 0 && scatters(counters, count);
    const uint64_t hottest = fitted->count / 100 > 0 ? fitted->count / 100 : 1;
    space->hottest_modelled = fitted->skewed ? model_zipf_sum(fitted->exponent, hottest) /
                                                   model_zipf_sum(fitted->exponent, fitted->count)
                                             : (double)hottest / (double)fitted->count;
}

/* ---- key spaces ---- */

static bool record(struct histogram **histogram, uint64_t value)
{
    if (*histogram == NULL) {
        *histogram = calloc(1, sizeof **histogram);
        if (*histogram == NULL)
            return false;
        histogram_init_zeroed(*histogram);
    }
    histogram_record_n(*histogram, value, 1);
    return true;
}

static void find_types(struct sample *sample)
{
    uint64_t counts[MODEL_SPACES_MAX][SAMPLE_TYPES] = {{0}};
    for (uint64_t i = 0; i < sample->sampled; i++)
        counts[sample->keys[i].space][sample->keys[i].type]++;
    for (uint32_t i = 0; i < sample->model->space_count; i++) {
        struct sample_space *space = &sample->spaces[i];
        for (unsigned type = 0; type < SAMPLE_TYPES; type++) {
            space->others += counts[i][type];
            if (counts[i][type] > counts[i][space->type])
                space->type = (enum sample_type)type;
        }
        space->keys = counts[i][space->type];
        space->others -= space->keys;
    }
}

static bool measure_keys(struct sample *sample)
{
    for (uint64_t i = 0; i < sample->sampled; i++) {
        const struct sample_key *key = &sample->keys[i];
        struct sample_space *space = &sample->spaces[key->space];
        if (key->type != space->type)
            continue;
        space->expiring += key->time_left_ms >= 0;
        if (!record(&space->value_bytes, key->value_bytes) ||
            !record(&space->elements, key->elements) ||
            (key->time_left_ms >= 0 &&
             !record(&space->time_left_s, ((uint64_t)key->time_left_ms + 999) / 1000)))
            return false;
    }
    return true;
}

/* Its share of all keys; where their numbers leave no more room than that, as many as these. */
static uint64_t estimate_count(const struct sample *sample, uint32_t index)
{
    const struct model_space *fitted = &sample->model->spaces[index];
    const double there =
        sample->keys_there > sample->sampled ? (double)sample->keys_there : (double)sample->sampled;
    const double part = (double)sample->spaces[index].keys / (double)sample->sampled;
    const double count = round(there * part);
    const double range = (double)(fitted->highest - fitted->lowest) + 1;
    if (!fitted->opaque && range > 0.8 * count && range < 1.2 * count)
        return (uint64_t)range;
    return count >= 1 ? (uint64_t)count : 1;
}

bool sample_fit_keys(struct sample *sample)
{
    uint8_t *counters = malloc(sample->sampled + 1);
    find_types(sample);
    find_age(sample);
    const bool done = counters != NULL && measure_keys(sample);
    for (uint32_t i = 0; done && i < sample->model->space_count; i++) {
        struct sample_space *space = &sample->spaces[i];
        uint64_t count = 0;
        if (space->keys == 0)
            continue;
        sample->model->spaces[i].count = estimate_count(sample, i);
        for (uint64_t k = 0; k < sample->sampled; k++) {
            const struct sample_key *key = &sample->keys[k];
            if (key->space == i && key->type == space->type)
                counters[count++] = key->counter;
        }
        qsort(counters, count, sizeof *counters, compare_falling);
        if (sample->counters_known)
            fit_skew(sample, i, counters, count);
    }
    free(counters);
    return done;
}

uint32_t sample_elements(const struct sample_space *space)
{
    const uint64_t median = space->elements != NULL ? histogram_quantile(space->elements, 0.5) : 1;
    if (median > SAMPLE_ELEMENTS_MAX)
        return SAMPLE_ELEMENTS_MAX;
    return median > 0 ? (uint32_t)median : 1;
}

bool sample_expires(const struct sample_space *space)
{
    return space->expiring * 2 >= space->keys && space->expiring > 0;
}

bool sample_fit(struct sample *sample)
{
    return sample_fit_keys(sample) && sample_fit_classes(sample);
}
