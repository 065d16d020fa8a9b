/* The queue of batches of a client that buffers, against a plain list. */
#include <string.h>

#include "common/rng.h"
#include "tests/support/check/suite.h"
#include "worker/batches.h"

#define MOST 37u
#define STEPS 20000u

static uint32_t model[4 * MOST], model_count;

static uint32_t hybrids(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model_count; i++)
        count += (model[i] & BATCH_DIRECT) == 0;
    return count;
}

TEST(test_against_a_list)
{
    /* breaks when a batch is lost, comes out of its order, in another size, or holds a place of the hybrid buffer for ever */
    struct batches batches;
    ck_assert(batches_create(&batches, MOST));
    for (uint64_t step = 0; step < STEPS; step++) {
        const uint64_t random = rng_at(7, step);
        const uint32_t batch =
            (uint32_t)(1 + random / 8 % 9) | (random / 128 % 2 == 0 ? BATCH_DIRECT : 0);
        if (random % 8 < 3 && !batches_are_full(&batches)) {
            batches_push(&batches, batch);
            model[model_count++] = batch;
        } else if (random % 8 == 3 && !batches_are_full(&batches)) {
            batches_push_front(&batches, batch);
            memmove(model + 1, model, model_count++ * sizeof model[0]);
            model[0] = batch;
        } else if (random % 8 > 3 && model_count > 0) {
            const uint32_t room = 1 + (uint32_t)(random / 1024 % 9);
            const uint32_t whole = model[0] & ~BATCH_DIRECT;
            ck_assert(batches_first_is_hybrid(&batches) == ((model[0] & BATCH_DIRECT) == 0));
            ck_assert_uint_eq(batches_take(&batches, room), whole < room ? whole : room);
            if (whole <= room)
                memmove(model, model + 1, --model_count * sizeof model[0]);
            else
                model[0] -= room;
        }
        ck_assert_uint_eq(batches.count, model_count);
        ck_assert_uint_eq(batches.hybrid_count, hybrids());
    }
    batches_clear(&batches);
    ck_assert_uint_eq(batches.count + batches.hybrid_count, 0);
    batches_destroy(&batches);
}

TEST_SUITE(batches)
