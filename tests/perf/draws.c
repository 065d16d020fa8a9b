/* draws: what a key number costs, by each distribution, of a million keys.
 *
 *   draws
 *
 * Prints "zipf draw: N ns", a line each: the best of nine rounds of a million draws, in one process and one after
 * the other, as a worker draws them. Figures only; nothing here passes or fails. */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "worker/generate/key_draw.h"

#define KEYS 1000000u
#define DRAWS 1000000u
#define ROUNDS 9

static double nanoseconds_each(const struct key_draw *draw)
{
    static volatile uint64_t seen; /* so that no draw is left out */
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t sum = 0;
        const uint64_t began_ns = clock_now_ns();
        for (uint64_t index = 0; index < DRAWS; index++)
            sum += key_draw_at(draw, index);
        const double each = (double)(clock_now_ns() - began_ns) / DRAWS;
        seen = sum;
        best = round == 0 || each < best ? each : best;
    }
    (void)seen;
    return best;
}

int main(void)
{
    static const struct {
        const char *name;
        struct key_order_wish wish;
    } orders[] = {
        {"uniform", {.kind = ORDER_UNIFORM}},
        {"zipf", {.kind = ORDER_ZIPF, .exponent = KEY_EXPONENT_USUAL, .scattered = true}},
        {"zipf unscattered", {.kind = ORDER_ZIPF, .exponent = KEY_EXPONENT_USUAL}},
        {"gaussian", {.kind = ORDER_GAUSSIAN, .deviation = KEY_DEVIATION_USUAL}},
        {"exponential", {.kind = ORDER_EXPONENTIAL, .scale = KEY_SCALE_USUAL}},
        {"hotset", {.kind = ORDER_HOTSET, .hot_keys = 0.1, .hot_draws = 0.9, .scattered = true}},
        {"latest", {.kind = ORDER_LATEST, .exponent = KEY_EXPONENT_USUAL}},
        {"walk", {.kind = ORDER_WALK}},
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct key_draw draw;
        struct err err = {.code = OK};
        if (key_draw_prepare(&draw, &orders[i].wish, KEYS, 1, 1, &err) != OK) {
            fprintf(stderr, "draws: %s\n", err.text);
            return EXIT_FAILURE;
        }
        printf("%s draw: %.1f ns\n", orders[i].name, nanoseconds_each(&draw));
    }
    return EXIT_SUCCESS;
}
