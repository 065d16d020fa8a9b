/* Any bytes into the histogram decoder. What it accepts must be consistent, and must come back
 * unchanged from another encoding. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/histogram_wire.h"
#include "tests/support/check/by_hand.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_consistent(const struct histogram *histogram)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < HISTOGRAM_COUNTS; i++) {
        bool touched = i >= histogram->low_index && i <= histogram->high_index;
        require(touched || histogram->counts[i] == 0);
        total += histogram->counts[i];
    }
    require(total == histogram->count);
    require(histogram->clamped_count <= histogram->count);
    if (histogram->count == 0)
        return;
    require(histogram->min_ns <= histogram->max_ns);
    require(histogram->counts[histogram->low_index] > 0);
    require(histogram->counts[histogram->high_index] > 0);
    uint64_t before = 0;
    for (int sixteenth = 0; sixteenth <= 16; sixteenth++) {
        uint64_t value = histogram_quantile(histogram, sixteenth / 16.0);
        require(value >= before && value <= histogram->max_ns);
        before = value;
    }
    require(histogram_count_at_or_below(histogram, UINT64_MAX) == histogram->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    static struct histogram histogram, again;
    static unsigned char bytes[HISTOGRAM_WIRE_MAX_BYTES];
    static bool ready;
    if (!ready) {
        histogram_init(&histogram);
        histogram_init(&again);
        ready = true;
    }
    struct err payload_err = {OK, ""};
    histogram_reset(&histogram);
    if (histogram_payload_decode_add(&histogram, input, input_bytes, &payload_err) == OK)
        check_consistent(&histogram);
    else
        require(payload_err.code == E_DATA && payload_err.text[0] != '\0');
    histogram_reset(&histogram);
    struct err err = {OK, ""};
    size_t used_bytes = 0;
    enum err_code code = histogram_decode_bytes(&histogram, input, input_bytes, &used_bytes, &err);
    require(code == err.code);
    if (code != OK) {
        require(code == E_DATA && err.text[0] != '\0');
        return 0;
    }
    require(used_bytes > 0 && used_bytes <= input_bytes);
    check_consistent(&histogram);
    size_t written = histogram_encode(bytes, &histogram);
    require(written <= sizeof bytes);
    histogram_reset(&again);
    require(histogram_decode_bytes(&again, bytes, written, &used_bytes, &err) == OK);
    require(used_bytes == written);
    require(memcmp(&again, &histogram, sizeof again) == 0);
    require(histogram_payload_encode(bytes, &histogram) <= sizeof bytes);
    return 0;
}
