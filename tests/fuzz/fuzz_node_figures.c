/* Any bytes into the decoder of one node's figures. What it accepts must come back unchanged from
 * another encoding, its buckets must add up to its answers, and its quantiles must rise to the maximum
 * of what was counted. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/lane.h"
#include "tests/support/check/by_hand.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    static struct node_figures node, again;
    static unsigned char bytes[NODE_FIGURES_WIRE_MAX_BYTES];
    struct err err = {OK, ""};
    size_t used = 0, used_again = 0;
    uint64_t unknown = 0;
    memset(&node, 0, sizeof node);
    enum err_code code =
        node_figures_decode_bytes(&node, &unknown, input, input_bytes, &used, &err);
    require(code == OK || (code == E_DATA && err.text[0] != '\0'));
    if (code != OK)
        return 0;
    require(used <= input_bytes);
    uint64_t counted = 0;
    for (uint32_t i = 0; i < COARSE_COUNTS; i++)
        counted += node.response.counts[i];
    require(counted == node.counters[NODE_OK]);
    uint64_t below = 0;
    for (int percent = 0; percent <= 100; percent++) {
        uint64_t value = coarse_quantile(&node.response, percent / 100.0);
        require(value >= below && value <= node.response.max_ns);
        below = value;
    }
    unknown = 0;
    size_t written = node_figures_encode(bytes, &node);
    require(written <= sizeof bytes);
    memset(&again, 0, sizeof again);
    require(node_figures_decode_bytes(&again, &unknown, bytes, written, &used_again, &err) == OK);
    require(used_again == written && memcmp(&again, &node, sizeof node) == 0);
    require(unknown == 0);
    node_figures_add(&again, &node);
    require(node_figures_empty(&again) == node_figures_empty(&node) || !node_figures_empty(&node));
    return 0;
}
