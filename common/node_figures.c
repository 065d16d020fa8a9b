#include "common/node_figures.h"

#include <math.h>

#include "common/histogram_wire.h"

#define NODE_COUNTER_NAME(id, name) name,
const char *const node_counter_names[NODE_COUNTERS] = {NODE_COUNTER_TABLE(NODE_COUNTER_NAME)};
#undef NODE_COUNTER_NAME

static void earlier(uint64_t *into, uint64_t from)
{
    if (from != 0 && (*into == 0 || from < *into))
        *into = from;
}

static void later(uint64_t *into, uint64_t from)
{
    if (from > *into)
        *into = from;
}

void outcome_times_add(struct outcome_times *into, const struct outcome_times *from)
{
    earlier(&into->first_ok_ns, from->first_ok_ns);
    later(&into->last_ok_ns, from->last_ok_ns);
    earlier(&into->first_failed_ns, from->first_failed_ns);
    later(&into->last_failed_ns, from->last_failed_ns);
}

uint64_t node_times_highest(uint32_t index)
{
    if (index < 2 * NODE_TIMES_STEPS)
        return index;
    uint32_t shift = (index >> NODE_TIMES_STEP_BITS) - 1;
    uint64_t lowest = (uint64_t)(NODE_TIMES_STEPS + index % NODE_TIMES_STEPS) << shift;
    return lowest + (1ull << shift) - 1;
}

uint64_t node_figures_quantile(const struct node_figures *node, double q)
{
    uint64_t total = node->counters[NODE_OK];
    uint64_t wanted = (uint64_t)ceil(q * (double)total);
    uint64_t seen = 0;
    if (wanted == 0)
        wanted = 1;
    for (uint32_t i = 0; i < NODE_TIMES_COUNTS; i++) {
        seen += node->response[i];
        if (seen >= wanted) {
            uint64_t highest_ns = node_times_highest(i);
            return highest_ns < node->max_ns ? highest_ns : node->max_ns;
        }
    }
    return node->max_ns;
}

bool node_figures_empty(const struct node_figures *node)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < NODE_COUNTERS; i++)
        any |= node->counters[i];
    return any == 0;
}

void node_figures_add(struct node_figures *into, const struct node_figures *from)
{
    for (unsigned i = 0; i < NODE_COUNTERS; i++)
        into->counters[i] += from->counters[i];
    outcome_times_add(&into->times, &from->times);
    into->sum_ns += from->sum_ns;
    later(&into->max_ns, from->max_ns);
    for (unsigned i = 0; i < NODE_TIMES_COUNTS; i++)
        into->response[i] += from->response[i];
}

/* Counters as pairs, instants, sum and maximum; then pairs of (buckets left out, count) behind their
 * number. */
size_t node_figures_encode(unsigned char *out, const struct node_figures *node)
{
    const uint64_t numbers[] = {
        node->times.first_ok_ns,    node->times.last_ok_ns, node->times.first_failed_ns,
        node->times.last_failed_ns, node->sum_ns,           node->max_ns};
    size_t bytes = wire_pairs_encode(out, node->counters, NODE_COUNTERS);
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        bytes += varint_encode(out + bytes, numbers[i]);
    uint32_t buckets = 0;
    for (uint32_t i = 0; i < NODE_TIMES_COUNTS; i++)
        buckets += node->response[i] > 0;
    bytes += varint_encode(out + bytes, buckets);
    uint32_t next = 0;
    for (uint32_t i = 0; i < NODE_TIMES_COUNTS; i++) {
        if (node->response[i] == 0)
            continue;
        bytes += varint_encode(out + bytes, i - next);
        bytes += varint_encode(out + bytes, node->response[i]);
        next = i + 1;
    }
    return bytes;
}

struct reader {
    const unsigned char *in;
    size_t left_bytes;
    bool cut;
};

static uint64_t number(struct reader *reader)
{
    uint64_t value = 0;
    size_t bytes = varint_decode(&value, reader->in, reader->left_bytes);
    reader->cut |= bytes == 0;
    reader->in += bytes;
    reader->left_bytes -= bytes;
    return value;
}

static enum err_code decode_times(struct node_figures *node, struct reader *reader, struct err *err)
{
    uint64_t total = 0, buckets = number(reader), next = 0;
    for (uint64_t i = 0; i < buckets && !reader->cut; i++) {
        uint64_t skipped = number(reader), count = number(reader);
        if (skipped >= NODE_TIMES_COUNTS || next + skipped >= NODE_TIMES_COUNTS ||
            count > UINT64_MAX - total)
            return err_set(err, E_DATA, "node figures: a bucket is out of range");
        next += skipped;
        node->response[next++] = count;
        total += count;
    }
    if (reader->cut)
        return err_set(err, E_DATA, "node figures: cut short");
    if (total != node->counters[NODE_OK])
        return err_set(err, E_DATA, "node figures: not as many times as answers");
    return OK;
}

enum err_code node_figures_decode_add(struct node_figures *into, uint64_t *unknown,
                                      const unsigned char *in, size_t in_bytes, size_t *used_bytes,
                                      struct err *err)
{
    struct node_figures node = {0};
    uint64_t *const numbers[] = {
        &node.times.first_ok_ns,    &node.times.last_ok_ns, &node.times.first_failed_ns,
        &node.times.last_failed_ns, &node.sum_ns,           &node.max_ns};
    size_t bytes = wire_pairs_decode_add(node.counters, NODE_COUNTERS, NULL, unknown, in, in_bytes);
    struct reader reader = {.in = in + bytes, .left_bytes = in_bytes - bytes, .cut = bytes == 0};
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = number(&reader);
    enum err_code code = decode_times(&node, &reader, err);
    if (code != OK)
        return code;
    node_figures_add(into, &node);
    *used_bytes = in_bytes - reader.left_bytes;
    return OK;
}
