/* The rate of recorded traffic over time, as a rate plan. */
#include <assert.h>
#include <inttypes.h>

#include "common/units.h"
#include "orchestrator/traffic/model.h"

#define SECOND_US UINT64_C(1000000)

/* Requests of seconds from .. to - 1; what comes later than there is room for is counted in the last one. */
static uint64_t count_requests(const struct model *model, uint64_t from, uint64_t to)
{
    uint64_t requests = 0;
    for (uint64_t second = from; second < to && second < MODEL_SECONDS_MAX; second++)
        requests += model->per_second[second];
    return requests;
}

static void put_item(FILE *out, uint64_t length_us, uint64_t requests)
{
    assert(length_us > 0);
    if (length_us % SECOND_US == 0)
        fprintf(out, "- {for: %" PRIu64 "s, rate: ", length_us / SECOND_US);
    else
        fprintf(out, "- {for: %" PRIu64 "us, rate: ", length_us);
    if (requests * SECOND_US % length_us == 0)
        fprintf(out, "%" PRIu64 "}\n", requests * SECOND_US / length_us);
    else
        fprintf(out, "%.6f}\n", (double)requests * SECOND_US / (double)length_us);
}

bool model_has_rates(const struct model *model)
{
    return model->has_times && model->span_us >= SECOND_US;
}

void model_write_rates(const struct model *model, FILE *out, const char *source)
{
    uint64_t seconds = model->span_us / SECOND_US; /* the rest of a second goes with the last one */
    if (seconds > MODEL_SECONDS_MAX)
        seconds = MODEL_SECONDS_MAX;
    const uint64_t step = (seconds + MODEL_RATE_STEPS_MAX - 1) / MODEL_RATE_STEPS_MAX;
    uint64_t length_us = 0, requests = 0;
    fprintf(out, "# Requests per second of %s: %s in %.3f s, by steps of %" PRIu64 " s.\n", source,
            UNITS_GROUPED(model->requests), (double)model->span_us / 1e6, step);
    for (uint64_t from = 0; from < seconds; from += step) {
        const bool last = from + step >= seconds;
        const uint64_t next_us = last ? model->span_us - from * SECOND_US : step * SECOND_US;
        const uint64_t next = count_requests(model, from, last ? MODEL_SECONDS_MAX : from + step);
        /* Steps that are alike are one. */
        if (length_us > 0 && requests * next_us != next * length_us) {
            put_item(out, length_us, requests);
            length_us = requests = 0;
        }
        length_us += next_us;
        requests += next;
    }
    put_item(out, length_us, requests);
}
