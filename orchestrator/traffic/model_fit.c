/* Counts of keys, and what is fitted to them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/traffic/model_keys.h"

/* A rank is used when its key was met so often: then its place is hardly chance. */
#define RANK_LEAST_COUNT 25u
#define EXPONENT_MAX 5.0

bool model_keys_create(struct model *model)
{
    model->keys = calloc(MODEL_KEY_SLOTS, sizeof *model->keys);
    return model->keys != NULL;
}

static struct model_key *find_key(struct model_key *keys, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (MODEL_KEY_SLOTS - 1);
    while (keys[at].hash != 0 && keys[at].hash != hash)
        at = (at + 1) & (MODEL_KEY_SLOTS - 1);
    return &keys[at];
}

static bool is_chosen(const struct model *model, uint64_t hash)
{
    return model->halvings == 0 || hash >> (64 - model->halvings) == 0;
}

static bool halve(struct model *model)
{
    struct model_key *kept = calloc(MODEL_KEY_SLOTS, sizeof *kept);
    if (kept == NULL)
        return false;
    model->halvings++;
    model->key_count = 0;
    for (uint32_t i = 0; i < MODEL_KEY_SLOTS; i++) {
        const struct model_key *key = &model->keys[i];
        if (key->hash != 0 && is_chosen(model, key->hash)) {
            *find_key(kept, key->hash) = *key;
            model->key_count++;
        }
    }
    free(model->keys);
    model->keys = kept;
    return true;
}

bool model_keys_count(struct model *model, uint64_t hash, uint32_t space)
{
    hash = hash != 0 ? hash : 1;
    if (!is_chosen(model, hash))
        return true;
    struct model_key *key = find_key(model->keys, hash);
    while (key->hash == 0 && model->key_count == MODEL_KEYS_MAX) {
        if (!halve(model))
            return false;
        if (!is_chosen(model, hash))
            return true;
        key = find_key(model->keys, hash);
    }
    if (key->hash == 0) {
        *key = (struct model_key){.hash = hash, .space = space};
        model->key_count++;
    }
    key->count += key->count < UINT32_MAX;
    return true;
}

/* ---- zipf ---- */

/* The mean of ln(rank) of ranks under an exponent: what it falls with. */
static double mean_log_rank(double exponent, uint64_t first, uint64_t last)
{
    double sum = 0, weighted = 0;
    for (uint64_t rank = first; rank <= last; rank++) {
        double weight = pow((double)rank, -exponent);
        sum += weight;
        weighted += weight * log((double)rank);
    }
    return weighted / sum;
}

double model_zipf_of_mean(double mean_log, uint64_t first, uint64_t last)
{
    /* The likelihood is highest where the expected mean is the observed one. */
    double low = 0, high = EXPONENT_MAX;
    for (int step = 0; step < 40; step++) {
        double middle = (low + high) / 2;
        if (mean_log_rank(middle, first, last) > mean_log)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double model_zipf_exponent(const uint32_t *counts, uint64_t distinct, uint64_t *ranks)
{
    double draws = 0, logs = 0;
    *ranks = 0;
    while (*ranks < distinct && *ranks < MODEL_RANKS_MAX && counts[*ranks] >= RANK_LEAST_COUNT) {
        draws += counts[*ranks];
        logs += counts[*ranks] * log((double)*ranks + 1);
        (*ranks)++;
    }
    if (*ranks < 2)
        return 0;
    return model_zipf_of_mean(logs / draws, 1, *ranks);
}

/* The first thousand, and the integral from there. */
double model_zipf_sum(double exponent, uint64_t ranks)
{
    const uint64_t exact = ranks < 1000 ? ranks : 1000;
    double sum = 0;
    for (uint64_t rank = 1; rank <= exact; rank++)
        sum += pow((double)rank, -exponent);
    if (ranks == exact)
        return sum;
    double from = (double)exact + 0.5, to = (double)ranks + 0.5;
    if (fabs(exponent - 1) < 1e-9)
        return sum + log(to / from);
    return sum + (pow(to, 1 - exponent) - pow(from, 1 - exponent)) / (1 - exponent);
}

static int compare_counts(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left < right) - (left > right);
}

/* The largest difference of what the hottest keys got, and what the fitted order gives them. */
static double largest_distance(const struct model_space *space, const uint32_t *counts,
                               uint64_t kept, double draws)
{
    double observed = 0, largest = 0;
    double all = model_zipf_sum(space->exponent, space->count);
    for (uint64_t rank = 0, next = 1; rank < kept; rank++) {
        observed += counts[rank];
        if (rank + 1 < next)
            continue;
        double expected = space->skewed ? model_zipf_sum(space->exponent, next) / all
                                        : (double)next / (double)space->count;
        double distance = fabs(observed / draws - expected);
        largest = distance > largest && counts[rank] >= RANK_LEAST_COUNT ? distance : largest;
        next = next * 5 / 4 + 1;
    }
    return largest;
}

/* How many keys there are: as many as the numbers leave room for, where most of them were met; else those that were met, and
 * for each pair of keys met once and twice as many again (Chao, "Nonparametric estimation of the number of classes in a
 * population", Scandinavian Journal of Statistics 11, 1984). */
static uint64_t estimate_count(const struct model_space *space, const uint32_t *counts,
                               uint64_t kept)
{
    uint64_t range = space->highest - space->lowest + 1;
    if (!space->opaque && range / 16 < space->distinct)
        return range;
    double once = 0, twice = 0;
    for (uint64_t i = 0; i < kept; i++) {
        once += counts[i] == 1;
        twice += counts[i] == 2;
    }
    double unseen = once * (once - 1) / (2 * (twice + 1));
    double share = kept > 0 ? (double)space->distinct / (double)kept : 1;
    return space->distinct + (uint64_t)(unseen * share);
}

static void fit_space(struct model_space *space, const uint32_t *counts, uint64_t kept,
                      uint32_t halvings)
{
    double draws = 0, squares = 0;
    for (uint64_t i = 0; i < kept; i++) {
        draws += counts[i];
        squares += (double)counts[i] * counts[i];
    }
    space->distinct = kept << halvings;
    space->count = estimate_count(space, counts, kept);
    if (kept == 0 || space->count == 0) {
        space->count = space->count > 0 ? space->count : 1;
        return;
    }
    /* Draws that are uniform scatter as much as their mean. */
    double keys = (double)space->count / (double)(1ull << halvings);
    double mean = draws / keys;
    double dispersion = (squares / keys - mean * mean) / mean;
    space->exponent = model_zipf_exponent(counts, kept, &space->ranks);
    space->skewed = dispersion > 1.1 + 5 * sqrt(2 / keys) && space->ranks > 1;
    /* Where not all keys are counted, the hottest ones need not be among them. */
    if (halvings == 0)
        space->distance = largest_distance(space, counts, kept, draws);
}

static int compare_shapes(const void *a, const void *b)
{
    const struct model_shape *left = a, *right = b;
    return (left->requests < right->requests) - (left->requests > right->requests);
}

void model_keep_shapes(struct model *model)
{
    qsort(model->shapes, model->shape_count, sizeof model->shapes[0], compare_shapes);
    /* A share below half a thousandth is none that a workload file can have. */
    uint32_t classes = 0;
    while (classes < model->shape_count && classes < MODEL_CLASSES_MAX &&
           model->shapes[classes].requests * 2000 > model->requests)
        model->modelled += model->shapes[classes++].requests;
    for (uint32_t i = classes; i < model->shape_count; i++) {
        for (uint32_t k = 0; k < model->shapes[i].argument_count; k++) {
            free(model->shapes[i].arguments[k].sizes);
            model->shapes[i].arguments[k].sizes = NULL;
        }
    }
    model->shape_count = classes;
}

bool model_fit(struct model *model)
{
    uint32_t *counts = malloc((model->key_count + 1) * sizeof *counts);
    if (counts == NULL)
        return false;
    for (uint32_t i = 0; i < model->space_count; i++) {
        uint64_t kept = 0;
        for (uint32_t k = 0; k < MODEL_KEY_SLOTS; k++) {
            if (model->keys[k].hash != 0 && model->keys[k].space == i)
                counts[kept++] = model->keys[k].count;
        }
        qsort(counts, kept, sizeof *counts, compare_counts);
        fit_space(&model->spaces[i], counts, kept, model->halvings);
    }
    free(counts);
    model_keep_shapes(model);
    return true;
}
