/* Any text as a distribution of keys and of sizes: it is refused in one sentence that says what is allowed, or it is
 * one that can be drawn from, and its printed form is the same one. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "orchestrator/options/distribution.h"
#include "worker/generate/key_draw.h"
#include "worker/generate/size_draw.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_refused(const struct err *err)
{
    require(err->code == E_USAGE && strstr(err->text, "allowed: ") != NULL);
}

static void check_keys(const char *text)
{
    static const uint64_t counts[] = {1, 2, 1000, KEY_DRAW_COUNT_MAX};
    char printed[DISTRIBUTION_KEYS_BYTES], again_printed[DISTRIBUTION_KEYS_BYTES];
    struct key_order_wish wish, again;
    struct err err = {.code = OK};
    if (distribution_parse_keys(&wish, text, &err) != OK) {
        check_refused(&err);
        return;
    }
    distribution_format_keys(printed, sizeof printed, &wish);
    require(distribution_parse_keys(&again, printed, NULL) == OK);
    require(wish.kind == again.kind && wish.exponent == again.exponent &&
            wish.deviation == again.deviation && wish.scale == again.scale &&
            wish.hot_keys == again.hot_keys && wish.hot_draws == again.hot_draws);
    require(strcmp(printed,
                   distribution_format_keys(again_printed, sizeof again_printed, &again)) == 0);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct key_draw draw;
        require(key_draw_prepare(&draw, &wish, counts[i], 1, 3, NULL) == OK);
        for (uint64_t index = 0; index < 20; index++)
            require(key_draw_at(&draw, index) < counts[i]);
        const double hottest = key_draw_share(&draw, 1);
        require(hottest >= 0 && hottest <= 1.000001);
    }
}

static void check_sizes(const char *text)
{
    static char printed[DISTRIBUTION_SIZES_BYTES], again_printed[DISTRIBUTION_SIZES_BYTES];
    struct size_wish wish, again;
    struct size_draw draw;
    struct err err = {.code = OK};
    if (distribution_parse_sizes(&wish, text, &err) != OK) {
        check_refused(&err);
        return;
    }
    distribution_format_sizes(printed, sizeof printed, &wish);
    require(distribution_parse_sizes(&again, printed, NULL) == OK);
    require(strcmp(printed,
                   distribution_format_sizes(again_printed, sizeof again_printed, &again)) == 0);
    require(size_draw_prepare(&draw, &wish, NULL) == OK);
    const uint64_t most = size_draw_most(&draw);
    require(most <= SIZE_BYTES_MAX);
    for (uint64_t index = 0; index < 20; index++) {
        const uint64_t bytes = size_draw_at(&draw, rng_at(1, index));
        require(bytes >= 1 && bytes <= most);
    }
    require(size_draw_at(&draw, 0) <= most && size_draw_at(&draw, UINT64_MAX) <= most);
    const double mean = size_draw_mean(&draw);
    require(mean > 0 && mean <= (double)most * 1.000001);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    char *text = malloc(input_bytes + 1);
    if (text == NULL)
        return 0;
    memcpy(text, input, input_bytes);
    text[input_bytes] = '\0';
    check_keys(text);
    check_sizes(text);
    free(text);
    return 0;
}
