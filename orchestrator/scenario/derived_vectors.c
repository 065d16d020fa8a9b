#include "orchestrator/scenario/derived_vectors.h"

#include <math.h>
#include <stdlib.h>

#define LITTLE_BYTES SERIES_MB

/* The account of phase i, when the set has it, and it is one of a scenario with vectors; NULL. */
static const struct phase_account *account_in(const struct observation *observation,
                                              const struct phase_set *set, uint32_t i)
{
    const struct phase_account *account = &observation->accounts[i];
    return set->has[i] && account->vectors.dimensions > 0 ? account : NULL;
}

double derived_recall(const struct observation *observation, const struct phase_set *set)
{
    double sum = 0, queries = 0;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_account *account = account_in(observation, set, i);
        if (account == NULL || isnan(account->vectors.recall))
            continue;
        sum += account->vectors.recall * account->vectors.recall_queries;
        queries += account->vectors.recall_queries;
    }
    return queries > 0 ? sum / queries : NAN;
}

/* What used_memory grew by, over what was added: vectors, or bytes of them. */
static double growth_over(const struct observation *observation, const struct phase_set *set,
                          bool bytes)
{
    double growth = 0, added = 0;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_account *account = account_in(observation, set, i);
        if (account == NULL || account->keys_after <= account->keys_before)
            continue;
        if (account->requests_failed > 0) /* some without an answer may be there all the same */
            continue;
        const double grown =
            account->after[SERIES_USED_MEMORY] - account->before[SERIES_USED_MEMORY];
        if (!(grown > LITTLE_BYTES))
            continue;
        growth += grown;
        added += (double)(account->keys_after - account->keys_before) *
                 (bytes ? sizeof(float) * account->vectors.dimensions : 1);
    }
    return added > 0 ? growth / added : NAN;
}

double derived_bytes_per_vector(const struct observation *observation, const struct phase_set *set)
{
    return growth_over(observation, set, false);
}

double derived_overhead_ratio(const struct observation *observation, const struct phase_set *set)
{
    return growth_over(observation, set, true);
}

double derived_index_bytes(const struct observation *observation, const struct phase_set *set)
{
    double last = NAN;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_account *account = account_in(observation, set, i);
        if (account != NULL && !isnan(account->vectors.index_bytes))
            last = account->vectors.index_bytes;
    }
    return last;
}

double derived_num_docs(const struct observation *observation, const struct phase_set *set)
{
    double last = NAN;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_account *account = account_in(observation, set, i);
        if (account != NULL && !isnan(account->vectors.documents))
            last = account->vectors.documents;
    }
    return last;
}

double derived_docs_indexed(const struct observation *observation, const struct phase_set *set)
{
    double last = NAN;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_account *account = account_in(observation, set, i);
        if (account != NULL && !isnan(account->vectors.documents) && account->keys_after > 0)
            last = account->vectors.documents / (double)account->keys_after;
    }
    return last;
}

double derived_rebuild_seconds(const struct observation *observation, const struct phase_set *set)
{
    double longest = NAN;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_account *account = account_in(observation, set, i);
        if (account != NULL)
            longest = fmax(longest, account->vectors.build_seconds);
    }
    return longest;
}

double derived_docs_per_second(const struct observation *observation, const struct phase_set *set)
{
    double built = 0, seconds = 0;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_account *account = account_in(observation, set, i);
        if (account == NULL || isnan(account->vectors.build_seconds) ||
            isnan(account->vectors.built))
            continue;
        built += account->vectors.built;
        seconds += account->vectors.build_seconds;
    }
    return seconds > 0 ? built / seconds : NAN;
}

/* used_memory before the last index-drop up to the first of these phases; NAN: none was. */
static double before_drop(const struct observation *observation, const struct phase_set *set)
{
    double before = NAN;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++) {
        const struct phase_account *account = &observation->accounts[i];
        if (observation->scenario->phases[i].type == PHASE_INDEX_DROP && account->ran)
            before = account->before[SERIES_USED_MEMORY];
        if (set->has[i])
            break;
    }
    return before > 0 ? before : NAN;
}

double derived_spike_ratio(const struct observation *observation, const struct phase_set *set)
{
    double *values = calloc(observation->series->count + 1, sizeof *values);
    double most = NAN;
    size_t count = 0;
    if (values != NULL)
        count = observation_samples(observation, set, SERIES_USED_MEMORY, NULL, values);
    for (size_t i = 0; i < count; i++)
        most = fmax(most, values[i]);
    free(values);
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++)
        if (set->has[i])
            most = fmax(most, observation->accounts[i].after[SERIES_USED_MEMORY]);
    return most / before_drop(observation, set);
}

double derived_residual_ratio(const struct observation *observation, const struct phase_set *set)
{
    double last = NAN;
    for (uint32_t i = 0; i < observation->scenario->phase_count; i++)
        if (set->has[i])
            last = observation->accounts[i].after[SERIES_USED_MEMORY];
    return last / before_drop(observation, set);
}
