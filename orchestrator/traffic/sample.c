/* The keys of a sample, and what is fitted to them. */
#include "orchestrator/traffic/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A new key's counter, so that it is not evicted before it was asked for. */
#define COUNTER_OF_NEW 5u
/* A counter so high has an error of a third at most: the order of keys is hardly chance from there on. */
#define COUNTER_RELIABLE (COUNTER_OF_NEW + 10u)
#define RELIABLE_RANKS_MIN 20u

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

/* From n the counter grows with the probability 1 / (factor n + 1), so that it has taken n + factor n (n - 1) / 2 accesses; and what
 * holds it there against its fall is factor n + 1 accesses in each lfu-decay-time. The first counts for a server that
 * has been up for minutes, the second for one that has been for days. */
double sample_accesses(const struct sample *sample, uint8_t counter)
{
    const double n = above_new(counter), factor = sample->log_factor;
    double accesses = n + factor * n * (n - 1) / 2;
    if (n > 0 && sample->decay_minutes > 0)
        accesses += (factor * n + 1) * floor(sample->up_minutes / sample->decay_minutes);
    return accesses;
}

static int compare_falling(const void *a, const void *b)
{
    uint8_t left = *(const uint8_t *)a, right = *(const uint8_t *)b;
    return (left < right) - (left > right);
}

/* Counters of keys that are asked for alike scatter by half their mean at most. */
static bool scatters(const uint8_t *counters, uint64_t count)
{
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double n = above_new(counters[i]);
        sum += n;
        squares += n * n;
    }
    const double keys = (double)count, mean = sum / keys;
    return mean > 0 && (squares / keys - mean * mean) / mean > 1 + 5 * sqrt(2 / keys);
}

/* The part that the hottest 1 % of the keys get. */
static double hottest_part(const uint32_t *accesses, uint64_t count)
{
    const uint64_t hottest = count / 100 > 0 ? count / 100 : 1;
    double all = 0, part = 0;
    for (uint64_t i = 0; i < count; i++) {
        all += accesses[i];
        part += i < hottest ? accesses[i] : 0;
    }
    return all > 0 ? part / all : 0;
}

/* counters: of the keys of the space, falling. Ranks of a sample stand to each other as those of all keys do. */
static void fit_skew(struct sample *sample, uint32_t index, const uint8_t *counters,
                     uint32_t *accesses, uint64_t count)
{
    struct model_space *fitted = &sample->model->spaces[index];
    struct sample_space *space = &sample->spaces[index];
    uint64_t reliable = 0;
    for (uint64_t i = 0; i < count; i++) {
        const double told = sample_accesses(sample, counters[i]);
        accesses[i] = told < UINT32_MAX ? (uint32_t)told : UINT32_MAX;
        space->accesses += told;
        reliable += counters[i] >= COUNTER_RELIABLE;
    }
    fitted->exponent = model_zipf_exponent(
        accesses, reliable >= RELIABLE_RANKS_MIN ? reliable : count, &fitted->ranks);
    fitted->skewed = fitted->ranks > 1 && fitted->exponent > 0 && scatters(counters, count);
    space->hottest = hottest_part(accesses, count);
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
    uint32_t *accesses = malloc((sample->sampled + 1) * sizeof *accesses);
    find_types(sample);
    const bool done = counters != NULL && accesses != NULL && measure_keys(sample);
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
            fit_skew(sample, i, counters, accesses, count);
    }
    free(counters);
    free(accesses);
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
