#include "orchestrator/report/journal_legacy.h"

#include <string.h>

#define COUNTERS_MAX 46
#define NODE_COUNTERS_MAX 11
#define HEADER_NUMBERS 14u /* before the stops */
#define NODE_NUMBERS 6u    /* behind the counters, before the times */

enum stops { STOPS_NONE, STOPS_ONE, STOPS_LIST };

struct layout {
    unsigned journal_number;
    enum stops stops;
    unsigned counters, node_counters;
    unsigned kind_count;
    unsigned char kinds[12];
};

/* clang-format off: a row reads best as a whole */
#define FIRST_KINDS                                                                                \
    HISTOGRAM_SERVICE_OK, HISTOGRAM_SERVICE_ERROR, HISTOGRAM_LOOP_LAG, HISTOGRAM_RESPONSE_OK,      \
        HISTOGRAM_SLIP, HISTOGRAM_CONNECT
#define UNANSWERED_KINDS HISTOGRAM_SERVICE_UNANSWERED, HISTOGRAM_RESPONSE_UNANSWERED
#define LAST_KINDS                                                                                 \
    FIRST_KINDS, HISTOGRAM_LAGGED, HISTOGRAM_UNLAGGED, HISTOGRAM_HANDSHAKE, HISTOGRAM_WAIT,        \
        UNANSWERED_KINDS
static const struct layout layouts[] = {
    {3, STOPS_LIST, 46, 11, 12, {LAST_KINDS}},
    {3, STOPS_ONE, 46, 11, 12, {LAST_KINDS}},
    {2, STOPS_ONE, 46, 9, 12, {LAST_KINDS}},
    {2, STOPS_ONE, 46, 9, 10, {FIRST_KINDS, HISTOGRAM_HANDSHAKE, HISTOGRAM_WAIT, UNANSWERED_KINDS}},
    {1, STOPS_ONE, 46, 9, 8, {FIRST_KINDS, HISTOGRAM_HANDSHAKE, HISTOGRAM_WAIT}},
    {1, STOPS_NONE, 45, 9, 8, {FIRST_KINDS, HISTOGRAM_HANDSHAKE, HISTOGRAM_WAIT}},
    {1, STOPS_NONE, 45, 9, 7, {FIRST_KINDS, HISTOGRAM_HANDSHAKE}},
    {1,
     STOPS_NONE,
     44,
     9,
     7,
     {FIRST_KINDS, HISTOGRAM_HANDSHAKE}}, /* without COUNTER_RUN_DELAY_NS */
};
/* clang-format on */

/* Where reading stands, and writing. in.cut also says that the record is none of this layout. */
struct walk {
    struct wire_cursor in;
    unsigned char *out;
};

static void skip_numbers(struct walk *walk, uint64_t count)
{
    for (; count > 0 && !walk->in.cut; count--)
        (void)wire_number(&walk->in);
}

/* Copies what was read since `begin` behind the first `bytes` of a section's or a node's; returns all of
 * them. */
static size_t copy_since(const struct walk *walk, const unsigned char *begin, unsigned char *body,
                         size_t bytes)
{
    memcpy(body + bytes, begin, (size_t)(walk->in.in - begin));
    return bytes + (size_t)(walk->in.in - begin);
}

static void close_section(struct walk *walk, enum interval_section section, size_t byte_count)
{
    walk->out += interval_section_close(walk->out, section, byte_count);
}

static void take_header(struct walk *walk, enum stops stops)
{
    unsigned char *body = walk->out + INTERVAL_SECTION_HEAD_BYTES;
    const unsigned char *begin = walk->in.in;
    skip_numbers(walk, HEADER_NUMBERS);
    if (stops == STOPS_LIST) {
        uint64_t count = wire_number(&walk->in);
        walk->in.cut |= count > OWN_STOPS_IN_ROW;
        skip_numbers(walk, 2 * count);
    }
    size_t bytes = copy_since(walk, begin, body, 0);
    if (stops == STOPS_ONE) {
        uint64_t from_ns = wire_number(&walk->in), to_ns = wire_number(&walk->in);
        bytes += varint_encode(body + bytes, to_ns > 0);
        if (to_ns > 0) {
            bytes += varint_encode(body + bytes, from_ns);
            bytes += varint_encode(body + bytes, to_ns);
        }
    }
    close_section(walk, INTERVAL_SECTION_HEADER, bytes);
}

static void take_counters(struct walk *walk, unsigned count)
{
    uint64_t counters[COUNTERS_MAX] = {0};
    walk->in.cut |= wire_number(&walk->in) != count;
    for (unsigned i = 0; i < count; i++)
        counters[i + (count == 44 && i >= COUNTER_RUN_DELAY_NS)] = wire_number(&walk->in);
    close_section(
        walk, INTERVAL_SECTION_COUNTERS,
        wire_pairs_encode(walk->out + INTERVAL_SECTION_HEAD_BYTES, counters, COUNTERS_MAX));
}

static void take_error_kinds(struct walk *walk)
{
    const unsigned char *begin = walk->in.in;
    uint64_t count = wire_number(&walk->in);
    for (; count > 0 && !walk->in.cut; count--)
        skip_numbers(walk, 2);
    close_section(walk, INTERVAL_SECTION_ERROR_KINDS,
                  copy_since(walk, begin, walk->out + INTERVAL_SECTION_HEAD_BYTES, 0));
}

static size_t take_node(struct walk *walk, unsigned counter_count, unsigned char *out)
{
    uint64_t counters[NODE_COUNTERS_MAX] = {0};
    unsigned char *body = out + VARINT_MAX_BYTES;
    for (unsigned i = 0; i < counter_count; i++)
        counters[i] = wire_number(&walk->in);
    size_t bytes = wire_pairs_encode(body, counters, NODE_COUNTERS_MAX);
    const unsigned char *begin = walk->in.in;
    skip_numbers(walk, NODE_NUMBERS);
    for (uint64_t buckets = wire_number(&walk->in); buckets > 0 && !walk->in.cut; buckets--)
        skip_numbers(walk, 2);
    return wire_prefix_length(out, copy_since(walk, begin, body, bytes));
}

static void take_nodes(struct walk *walk, unsigned counter_count)
{
    uint64_t count = wire_number(&walk->in);
    size_t bytes = 0;
    walk->in.cut |= count > NODE_FIGURES_MAX;
    for (; count > 0 && !walk->in.cut; count--)
        bytes += take_node(walk, counter_count, walk->out + INTERVAL_SECTION_HEAD_BYTES + bytes);
    close_section(walk, INTERVAL_SECTION_NODES, bytes);
}

static void take_histogram(struct walk *walk, unsigned char kind)
{
    unsigned char *body = walk->out + INTERVAL_SECTION_HEAD_BYTES;
    const unsigned char *begin = walk->in.in;
    uint64_t count = wire_number(&walk->in);
    skip_numbers(walk, count > 0 ? 5 : 1); /* all up to the length of its counts */
    if (count > 0)
        (void)wire_entry(&walk->in);
    if (walk->in.cut)
        return;
    *body = kind;
    close_section(walk, INTERVAL_SECTION_HISTOGRAM, copy_since(walk, begin, body, 1));
}

size_t journal_legacy_interval(unsigned char *out, unsigned journal_number, const unsigned char *in,
                               size_t in_bytes)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        const struct layout *layout = &layouts[i];
        struct walk walk = {{in, in_bytes, layout->journal_number != journal_number}, out};
        if (!walk.in.cut)
            take_header(&walk, layout->stops);
        if (!walk.in.cut)
            take_counters(&walk, layout->counters);
        if (!walk.in.cut)
            take_error_kinds(&walk);
        if (!walk.in.cut)
            take_nodes(&walk, layout->node_counters);
        for (unsigned kind = 0; kind < layout->kind_count && !walk.in.cut; kind++)
            take_histogram(&walk, layout->kinds[kind]);
        if (!walk.in.cut && walk.in.left_bytes == 0)
            return (size_t)(walk.out - out);
    }
    return 0;
}
