#include "common/lane.h"

#include <math.h>

#define NODE_COUNTER_NAME(id, name) name,
const char *const node_counter_names[NODE_COUNTERS] = {NODE_COUNTER_TABLE(NODE_COUNTER_NAME)};
#undef NODE_COUNTER_NAME
#define CLASS_COUNTER_NAME(id, name) name,
const char *const class_counter_names[CLASS_COUNTERS] = {CLASS_COUNTER_TABLE(CLASS_COUNTER_NAME)};
#undef CLASS_COUNTER_NAME

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

uint64_t coarse_highest(uint32_t index)
{
    if (index < 2 * COARSE_STEPS)
        return index;
    uint32_t shift = (index >> COARSE_STEP_BITS) - 1;
    uint64_t lowest = (uint64_t)(COARSE_STEPS + index % COARSE_STEPS) << shift;
    return lowest + (1ull << shift) - 1;
}

uint64_t coarse_count(const struct coarse_times *times)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < COARSE_COUNTS; i++)
        count += times->counts[i];
    return count;
}

uint64_t coarse_quantile(const struct coarse_times *times, double q)
{
    uint64_t wanted = (uint64_t)ceil(q * (double)coarse_count(times));
    return coarse_value_of_rank(times, wanted > 0 ? wanted : 1);
}

uint64_t coarse_value_of_rank(const struct coarse_times *times, uint64_t rank)
{
    uint64_t seen = 0;
    for (uint32_t i = 0; i < COARSE_COUNTS; i++) {
        seen += times->counts[i];
        if (seen >= rank) {
            uint64_t highest_ns = coarse_highest(i);
            return highest_ns < times->max_ns ? highest_ns : times->max_ns;
        }
    }
    return times->max_ns;
}

static void coarse_add(struct coarse_times *into, const struct coarse_times *from)
{
    into->sum_ns += from->sum_ns;
    later(&into->max_ns, from->max_ns);
    for (unsigned i = 0; i < COARSE_COUNTS; i++)
        into->counts[i] += from->counts[i];
}

static void counters_add(uint64_t *into, const uint64_t *from, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        into[i] += from[i];
}

/* Bytes ---------------------------------------------------------------------------------------- */

static size_t encode_numbers(unsigned char *out, const uint64_t *numbers, unsigned count)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < count; i++)
        bytes += varint_encode(out + bytes, numbers[i]);
    return bytes;
}

/* Sum and maximum; then pairs of (buckets left out, count), with their number in front. */
static size_t encode_times(unsigned char *out, const struct coarse_times *times)
{
    uint64_t buckets = 0;
    for (uint32_t i = 0; i < COARSE_COUNTS; i++)
        buckets += times->counts[i] > 0;
    const uint64_t numbers[] = {times->sum_ns, times->max_ns, buckets};
    size_t bytes = encode_numbers(out, numbers, 3);
    uint32_t next = 0;
    for (uint32_t i = 0; i < COARSE_COUNTS; i++) {
        if (times->counts[i] == 0)
            continue;
        bytes += varint_encode(out + bytes, i - next);
        bytes += varint_encode(out + bytes, times->counts[i]);
        next = i + 1;
    }
    return bytes;
}

/* As many times as ok; or none, where that may be. */
static enum err_code decode_times(struct coarse_times *times, uint64_t ok, bool may_be_none,
                                  struct wire_cursor *cursor, struct err *err)
{
    times->sum_ns = wire_number(cursor);
    times->max_ns = wire_number(cursor);
    uint64_t total = 0, buckets = wire_number(cursor), next = 0;
    for (uint64_t i = 0; i < buckets && !cursor->cut; i++) {
        uint64_t skipped = wire_number(cursor), count = wire_number(cursor);
        if (skipped >= COARSE_COUNTS || next + skipped >= COARSE_COUNTS ||
            count > UINT64_MAX - total)
            return err_set(err, E_DATA, "lane: a bucket is out of range");
        next += skipped;
        times->counts[next++] = count;
        total += count;
    }
    if (cursor->cut)
        return err_set(err, E_DATA, "lane: cut short");
    if (total != ok && !(may_be_none && total == 0))
        return err_set(err, E_DATA, "lane: not as many times as answers");
    return OK;
}

/* Nodes ---------------------------------------------------------------------------------------- */

bool node_figures_empty(const struct node_figures *node)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < NODE_COUNTERS; i++)
        any |= node->counters[i];
    return any == 0;
}

void node_figures_add(struct node_figures *into, const struct node_figures *from)
{
    counters_add(into->counters, from->counters, NODE_COUNTERS);
    outcome_times_add(&into->times, &from->times);
    coarse_add(&into->response, &from->response);
}

size_t node_figures_encode(unsigned char *out, const struct node_figures *node)
{
    const uint64_t instants[] = {node->times.first_ok_ns, node->times.last_ok_ns,
                                 node->times.first_failed_ns, node->times.last_failed_ns};
    size_t bytes = wire_pairs_encode(out, node->counters, NODE_COUNTERS);
    bytes += encode_numbers(out + bytes, instants, 4);
    return bytes + encode_times(out + bytes, &node->response);
}

enum err_code node_figures_decode_add(struct node_figures *into, uint64_t *unknown,
                                      struct wire_cursor *cursor, struct err *err)
{
    struct node_figures node = {0};
    uint64_t *const instants[] = {&node.times.first_ok_ns, &node.times.last_ok_ns,
                                  &node.times.first_failed_ns, &node.times.last_failed_ns};
    cursor->cut |= !wire_pairs_decode_add(node.counters, NODE_COUNTERS, NULL, unknown, cursor);
    for (unsigned i = 0; i < 4; i++)
        *instants[i] = wire_number(cursor);
    enum err_code code = decode_times(&node.response, node.counters[NODE_OK], false, cursor, err);
    if (code == OK)
        node_figures_add(into, &node);
    return code;
}

/* Classes -------------------------------------------------------------------------------------- */

void class_figures_add(struct class_figures *into, const struct class_figures *from)
{
    counters_add(into->counters, from->counters, CLASS_COUNTERS);
    for (unsigned i = 0; i < CLASS_TIMES; i++)
        coarse_add(&into->times[i], &from->times[i]);
}

size_t class_figures_encode(unsigned char *out, const struct class_figures *class)
{
    size_t bytes = wire_pairs_encode(out, class->counters, CLASS_COUNTERS);
    for (unsigned i = 0; i < CLASS_TIMES; i++)
        bytes += encode_times(out + bytes, &class->times[i]);
    return bytes;
}

enum err_code class_figures_decode_add(struct class_figures *into, uint64_t *unknown,
                                       struct wire_cursor *cursor, struct err *err)
{
    struct class_figures class = {0};
    enum err_code code = OK;
    cursor->cut |= !wire_pairs_decode_add(class.counters, CLASS_COUNTERS, NULL, unknown, cursor);
    for (unsigned i = 0; i < CLASS_TIMES && code == OK; i++)
        code = decode_times(&class.times[i], class.counters[CLASS_OK], i == CLASS_RESPONSE, cursor,
                            err);
    if (code == OK)
        class_figures_add(into, &class);
    return code;
}
