/* Any bytes as a plan and changes to it. Whatever they say, the count before a moment is the integral
 * and the tickets intended for before it, changes move nothing that lies before them, and the streams
 * of the workers are the schedule. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/schedule_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

#define WORKERS_MAX 8u

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct bytes {
    const uint8_t *next;
    size_t left;
};

/* 0 when nothing is left. */
static uint64_t take(struct bytes *bytes, size_t count)
{
    uint64_t value = 0;
    if (count > bytes->left)
        count = bytes->left;
    memcpy(&value, bytes->next, count);
    bytes->next += count;
    bytes->left -= count;
    return value;
}

static void take_steps(struct schedule_model *model, struct bytes *bytes)
{
    model->step_count = 1 + (uint32_t)take(bytes, 1) % 8;
    for (uint32_t i = 0; i < model->step_count; i++) {
        struct rate_step *step = &model->steps[i];
        step->shape = (enum schedule_shape)(take(bytes, 1) % 3);
        step->length_ns = 1 + take(bytes, 7) % MODEL_LENGTH_MAX_NS;
        step->from_micro = take(bytes, 6) % (SCHEDULE_RATE_MAX_MICRO + 1);
        step->to_micro = step->shape == SCHEDULE_CONSTANT
                             ? step->from_micro
                             : take(bytes, 6) % (SCHEDULE_RATE_MAX_MICRO + 1);
        if (step->shape == SCHEDULE_EXPONENTIAL && (step->from_micro == 0 || step->to_micro == 0))
            step->from_micro = step->to_micro = 1;
    }
}

/* The tickets around this moment, in the schedule and in the streams of some workers. */
static void check_at(const struct schedule_model *model, const struct schedule *schedule,
                     uint64_t at_ns)
{
    require(model_fault_at(model, schedule, at_ns) == NULL);
    schedule_hint hint = 0;
    uint64_t ticket = schedule_tickets_before(schedule, at_ns, &hint);
    require(model_fault_from(schedule, ticket > 10 ? ticket - 10 : 0, 20) == NULL);
    uint32_t workers = 1 + (uint32_t)(at_ns % WORKERS_MAX);
    for (uint32_t i = 0; i < workers; i++) {
        struct arrivals stream;
        arrivals_init(&stream, schedule, ARRIVAL_EVEN, 1, i, workers, 0);
        arrivals_seek(&stream, at_ns);
        uint64_t first = i + stream.number * workers;
        require(first >= ticket && first < ticket + workers);
        for (unsigned j = 0; j < 3; j++) {
            require(stream.time_ns >= at_ns);
            require(stream.time_ns ==
                    schedule_time_ns(schedule, i + stream.number * workers, &hint));
            arrivals_advance(&stream);
        }
    }
}

static void check_poisson(const struct schedule *schedule, uint64_t seed)
{
    struct arrivals stream;
    arrivals_init(&stream, schedule, ARRIVAL_POISSON, seed, 0, 2, 200);
    require(stream.limit == 100);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t before_ns = stream.time_ns;
        arrivals_advance(&stream);
        require(stream.time_ns >= before_ns);
    }
    require(stream.time_ns == SCHEDULE_NEVER);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct bytes bytes = {input, input_bytes};
    static struct schedule_model model;
    memset(&model, 0, sizeof model);
    take_steps(&model, &bytes);
    struct schedule *schedule = model_plan(&model);
    uint64_t at_ns = take(&bytes, 7) % MODEL_LENGTH_MAX_NS;
    check_at(&model, schedule, 0);
    check_at(&model, schedule, at_ns);
    check_poisson(schedule, at_ns);
    for (unsigned i = 0; i < 8 && bytes.left > 0; i++) {
        uint64_t rate_micro = take(&bytes, 6) % (SCHEDULE_RATE_MAX_MICRO + 1);
        struct schedule *before = model_copy(schedule);
        schedule_hint hint = 0;
        uint64_t ticket = schedule_tickets_before(before, at_ns, &hint);
        require(model_change(&model, schedule, at_ns, rate_micro));
        require(schedule_tickets_before(schedule, at_ns, &hint) == ticket);
        for (uint64_t k = ticket > 10 ? ticket - 10 : 0; k < ticket + 10; k++)
            require(model_fault_of_change(before, schedule, at_ns, k) == NULL);
        free(before);
        if (at_ns > 0)
            check_at(&model, schedule, at_ns - 1);
        check_at(&model, schedule, at_ns);
        at_ns += take(&bytes, 5);
        check_at(&model, schedule, at_ns);
    }
    check_poisson(schedule, at_ns);
    free(schedule);
    return 0;
}
