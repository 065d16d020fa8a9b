#include "worker/generate/mix_order.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "worker/generate/workload.h"

/* Streams of the seed. */
#define STREAM_ORDER 0x6f72646572ull
#define STREAM_TABLE 0x7461626c65ull

void mix_share(uint16_t shares[], const uint64_t weights[], size_t count)
{
    double sum = 0, rests[CLASSES_MAX] = {0};
    uint32_t left = MIX_BLOCK;
    for (size_t i = 0; i < count; i++)
        sum += (double)weights[i];
    for (size_t i = 0; i < count; i++) {
        const double exact = (double)weights[i] / sum * MIX_BLOCK;
        shares[i] = (uint16_t)floor(exact);
        rests[i] = exact - shares[i];
        left -= shares[i];
    }
    for (; left > 0; left--) {
        size_t largest = 0;
        for (size_t i = 1; i < count; i++)
            if (rests[i] > rests[largest])
                largest = i;
        shares[largest]++;
        rests[largest] = -1;
    }
}

void mix_order_prepare(struct mix_order *order, const uint64_t weights[], uint32_t count,
                       uint64_t seed)
{
    assert(count > 0 && count <= CLASSES_MAX);
    memset(order, 0, sizeof *order);
    order->class_count = count;
    order->seed = seed ^ STREAM_ORDER;
    mix_share(order->weights, weights, count);
    uint32_t place = 0;
    for (uint32_t class = 0; class < count; class ++)
        for (uint32_t i = 0; i < order->weights[class]; i++)
            order->places[place++] = (struct mix_place){.class = (uint16_t) class};
    /* Fisher and Yates. */
    for (uint32_t i = MIX_BLOCK - 1; i > 0; i--) {
        const uint32_t other = (uint32_t)rng_bounded(rng_at(seed ^ STREAM_TABLE, i), i + 1);
        const struct mix_place moved = order->places[i];
        order->places[i] = order->places[other];
        order->places[other] = moved;
    }
    uint16_t met[CLASSES_MAX] = {0};
    for (uint32_t i = 0; i < MIX_BLOCK; i++)
        order->places[i].rank = met[order->places[i].class]++;
}

/* Numbers that have no factor in common with 1,000, from which each block takes one. */
static uint32_t coprime_to_block(uint32_t random)
{
    static const uint8_t last_digits[] = {1, 3, 7, 9};
    return random / 4 % 100 * 10 + last_digits[random % 4];
}

struct mix_block mix_block_of(const struct mix_order *order, uint64_t ticket)
{
    const uint64_t apart = ticket >= WORKLOAD_WARMUP_TICKET ? WORKLOAD_WARMUP_TICKET : 0;
    const uint64_t number = (ticket - apart) / MIX_BLOCK;
    const uint64_t random = rng_at(order->seed + apart, number);
    return (struct mix_block){.first_ticket = apart + number * MIX_BLOCK,
                              .apart = apart,
                              .number = number,
                              .factor = coprime_to_block((uint32_t)(random >> 32)),
                              .shift = (uint32_t)random % MIX_BLOCK};
}

struct mix_turn mix_order_turn(const struct mix_order *order, uint64_t ticket)
{
    const struct mix_block block = mix_block_of(order, ticket);
    return mix_turn_in(order, &block, ticket);
}
