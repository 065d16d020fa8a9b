#include "common/interval.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COUNTER_NAME(id, name) name,
const char *const counter_names[COUNTER_COUNT] = {COUNTER_TABLE(COUNTER_NAME)};
#undef COUNTER_NAME

#define FLAGS_KNOWN                                                                                \
    ((uint64_t)(INTERVAL_WARMUP | INTERVAL_LAST | INTERVAL_DEGRADED | INTERVAL_OPEN_LOOP))

/* Everything but histograms and lanes, each number at its longest: header 14, counters and their number,
 * kinds and their number, numbers of nodes and classes, end of a window. */
static_assert((14 + COUNTER_COUNT + 1 + 1 + 2 * ERROR_KINDS_MAX + 3) * 10 <= 4096,
              "INTERVAL_WIRE_MAX_BYTES holds any interval");

void interval_init(struct interval *interval)
{
    memset(interval, 0, offsetof(struct interval, histograms));
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        interval_histogram_init(&interval->histograms[i]);
    interval->class_count = 0;
    interval->window_ends = false;
    interval->classes = NULL;
    interval->class_windows = NULL;
}

void interval_reset(struct interval *interval)
{
    memset(interval->nodes, 0, interval->node_count * sizeof interval->nodes[0]);
    memset(interval, 0, offsetof(struct interval, nodes));
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        interval_histogram_reset(&interval->histograms[i]);
    for (uint32_t i = 0; i < interval->class_count; i++)
        interval->classes[i] = (struct class_figures){0};
    for (uint32_t i = 0; interval->window_ends && i < interval->class_count * CLASS_TIMES; i++)
        interval_histogram_reset(&interval->class_windows[i]);
    interval->window_ends = false;
}

struct interval *interval_create(uint32_t class_count)
{
    struct interval *interval = malloc(sizeof *interval);
    assert(class_count <= CLASSES_MAX);
    if (interval == NULL)
        return NULL;
    interval_init(interval);
    if (class_count < 2)
        return interval;
    interval->classes = malloc(class_count * sizeof interval->classes[0]);
    interval->class_windows = malloc(class_count * CLASS_TIMES * sizeof interval->class_windows[0]);
    if (interval->classes == NULL || interval->class_windows == NULL) {
        interval_destroy(interval);
        return NULL;
    }
    interval->class_count = class_count;
    for (uint32_t i = 0; i < class_count * CLASS_TIMES; i++)
        interval_histogram_init(&interval->class_windows[i]);
    interval_reset(interval); /* the classes' figures, too */
    return interval;
}

void interval_destroy(struct interval *interval)
{
    if (interval == NULL)
        return;
    free(interval->classes);
    free(interval->class_windows);
    free(interval);
}

struct interval_row *interval_row_create(void)
{
    struct interval_row *row = calloc(1, sizeof *row);
    for (unsigned i = 0; row != NULL && i < HISTOGRAM_KINDS; i++)
        histogram_init_zeroed(&row->histograms[i]);
    return row;
}

void interval_row_init(struct interval_row *row)
{
    memset(row->class_windows, 0, row->class_count * CLASS_TIMES * sizeof row->class_windows[0]);
    memset(row, 0, offsetof(struct interval_row, histograms));
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        histogram_init(&row->histograms[i]);
}

void interval_row_reset(struct interval_row *row)
{
    memset(row->nodes, 0, row->node_count * sizeof row->nodes[0]);
    memset(row->classes, 0, row->class_count * sizeof row->classes[0]);
    for (uint32_t i = 0; i < row->class_count * CLASS_TIMES; i++)
        histogram_reset(&row->class_windows[i]);
    memset(row, 0, offsetof(struct interval_row, nodes));
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        histogram_reset(&row->histograms[i]);
}

/* What a row has of classes that it has not seen is zero, and its histograms are not touched. */
static void add_classes(struct interval_row *row, uint32_t class_count)
{
    for (uint32_t i = row->class_count * CLASS_TIMES; i < class_count * CLASS_TIMES; i++)
        histogram_init_zeroed(&row->class_windows[i]);
    if (row->class_count < class_count)
        row->class_count = class_count;
}

/* Header, counters and kinds: all that comes before the histograms. */
static size_t encode_numbers(unsigned char *out, const struct interval_header *header,
                             const uint64_t counters[COUNTER_COUNT],
                             const uint64_t errors_by_kind[ERROR_KINDS_MAX])
{
    const uint64_t fields[] = {header->first,
                               header->last,
                               header->flags,
                               header->start_ns,
                               header->end_ns,
                               header->in_flight_before,
                               header->in_flight_after,
                               header->connections_open,
                               header->backlog_before,
                               header->backlog_after,
                               header->times.first_ok_ns,
                               header->times.last_ok_ns,
                               header->times.first_failed_ns,
                               header->times.last_failed_ns,
                               header->own_stops.count};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        bytes += varint_encode(out + bytes, fields[i]);
    for (uint32_t i = 0; i < header->own_stops.count; i++) {
        bytes += varint_encode(out + bytes, header->own_stops.items[i].from_ns);
        bytes += varint_encode(out + bytes, header->own_stops.items[i].to_ns);
    }
    bytes += varint_encode(out + bytes, COUNTER_COUNT);
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        bytes += varint_encode(out + bytes, counters[i]);
    unsigned kinds = 0;
    for (unsigned i = 0; i < ERROR_KINDS_MAX; i++)
        kinds += errors_by_kind[i] > 0;
    bytes += varint_encode(out + bytes, kinds);
    for (unsigned i = 0; i < ERROR_KINDS_MAX; i++) {
        if (errors_by_kind[i] == 0)
            continue;
        bytes += varint_encode(out + bytes, i);
        bytes += varint_encode(out + bytes, errors_by_kind[i]);
    }
    return bytes;
}

static size_t encode_nodes(unsigned char *out, const struct node_figures *nodes,
                           uint32_t node_count)
{
    size_t bytes = varint_encode(out, node_count);
    for (uint32_t i = 0; i < node_count; i++)
        bytes += node_figures_encode(out + bytes, &nodes[i]);
    return bytes;
}

static size_t encode_classes(unsigned char *out, const struct class_figures *classes,
                             uint32_t class_count, bool window_ends)
{
    size_t bytes = varint_encode(out, class_count);
    for (uint32_t i = 0; i < class_count; i++)
        bytes += class_figures_encode(out + bytes, &classes[i]);
    if (class_count > 0)
        out[bytes++] = window_ends;
    return bytes;
}

size_t interval_encode(unsigned char *out, const struct interval *interval)
{
    size_t bytes =
        encode_numbers(out, &interval->header, interval->counters, interval->errors_by_kind);
    bytes += encode_nodes(out + bytes, interval->nodes, interval->node_count);
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        bytes += interval_histogram_encode(out + bytes, &interval->histograms[i]);
    bytes += encode_classes(out + bytes, interval->classes, interval->class_count,
                            interval->window_ends);
    for (uint32_t i = 0; interval->window_ends && i < interval->class_count * CLASS_TIMES; i++)
        bytes += interval_histogram_encode(out + bytes, &interval->class_windows[i]);
    return bytes;
}

size_t interval_row_encode(unsigned char *out, const struct interval_row *row)
{
    size_t bytes = encode_numbers(out, &row->header, row->counters, row->errors_by_kind);
    bytes += encode_nodes(out + bytes, row->nodes, row->node_count);
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        bytes += histogram_encode(out + bytes, &row->histograms[i]);
    bytes += encode_classes(out + bytes, row->classes, row->class_count, row->window_ends);
    for (uint32_t i = 0; row->window_ends && i < row->class_count * CLASS_TIMES; i++)
        bytes += histogram_encode(out + bytes, &row->class_windows[i]);
    return bytes;
}

/* Where decoding stands. */
struct cursor {
    const unsigned char *in;
    size_t left_bytes;
};

static bool next_number(struct cursor *cursor, uint64_t *number)
{
    size_t bytes = varint_decode(number, cursor->in, cursor->left_bytes);
    cursor->in += bytes;
    cursor->left_bytes -= bytes;
    return bytes > 0;
}

static enum err_code cut_short(struct err *err)
{
    return err_set(err, E_DATA, "interval: cut short");
}

static enum err_code decode_own_stops(struct own_stops *stops, uint64_t count,
                                      struct cursor *cursor, struct err *err)
{
    uint64_t newest_ns = 0;
    if (count > OWN_STOPS_IN_ROW)
        return err_set(err, E_DATA, "interval: %" PRIu64 " stops are more than it can have", count);
    for (uint64_t i = 0; i < count; i++) {
        struct own_stop *stop = &stops->items[stops->count++];
        if (!next_number(cursor, &stop->from_ns) || !next_number(cursor, &stop->to_ns))
            return cut_short(err);
        if (stop->from_ns < newest_ns || stop->from_ns >= stop->to_ns)
            return err_set(err, E_DATA, "interval: a stop in it ends before it begins");
        newest_ns = stop->to_ns;
    }
    return OK;
}

static enum err_code decode_header(struct interval_header *header, struct cursor *cursor,
                                   struct err *err)
{
    uint64_t first = 0;
    uint64_t last = 0;
    uint64_t flags = 0;
    uint64_t stops = 0;
    struct interval_header found = {0};
    uint64_t *const fields[] = {&first,
                                &last,
                                &flags,
                                &found.start_ns,
                                &found.end_ns,
                                &found.in_flight_before,
                                &found.in_flight_after,
                                &found.connections_open,
                                &found.backlog_before,
                                &found.backlog_after,
                                &found.times.first_ok_ns,
                                &found.times.last_ok_ns,
                                &found.times.first_failed_ns,
                                &found.times.last_failed_ns,
                                &stops};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (!next_number(cursor, fields[i]))
            return cut_short(err);
    if (first > last || last > UINT32_MAX)
        return err_set(err, E_DATA, "interval: numbers %" PRIu64 " to %" PRIu64 " make no range",
                       first, last);
    if ((flags & ~FLAGS_KNOWN) != 0)
        return err_set(err, E_DATA, "interval: unknown flags %#" PRIx64, flags);
    enum err_code code = decode_own_stops(&found.own_stops, stops, cursor, err);
    if (code != OK)
        return code;
    if (found.start_ns > found.end_ns)
        return err_set(err, E_DATA, "interval: it ends before it starts");
    found.first = (uint32_t)first;
    found.last = (uint32_t)last;
    found.flags = (uint32_t)flags;
    *header = found;
    return OK;
}

enum err_code interval_decode_header(struct interval_header *header, const unsigned char *in,
                                     size_t in_bytes, struct err *err)
{
    struct cursor cursor = {in, in_bytes};
    return decode_header(header, &cursor, err);
}

static enum err_code decode_counters(uint64_t counters[COUNTER_COUNT], struct cursor *cursor,
                                     struct err *err)
{
    uint64_t count = 0;
    if (!next_number(cursor, &count))
        return cut_short(err);
    if (count != COUNTER_COUNT)
        return err_set(err, E_DATA,
                       "interval: %" PRIu64
                       " counters where %d are known: written by another version",
                       count, (int)COUNTER_COUNT);
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        uint64_t value = 0;
        if (!next_number(cursor, &value))
            return cut_short(err);
        if (__builtin_add_overflow(counters[i], value, &counters[i]))
            return err_set(err, E_DATA, "interval: counter %s overflows", counter_names[i]);
    }
    return OK;
}

static enum err_code decode_kinds(uint64_t errors_by_kind[ERROR_KINDS_MAX], struct cursor *cursor,
                                  const uint8_t *kind_map, struct err *err)
{
    uint64_t count = 0;
    if (!next_number(cursor, &count))
        return cut_short(err);
    uint64_t kind_min = 0; /* they stand in rising order, so none comes twice */
    for (; count > 0; count--) {
        uint64_t kind = 0;
        uint64_t value = 0;
        if (!next_number(cursor, &kind) || !next_number(cursor, &value))
            return cut_short(err);
        if (kind < kind_min || kind >= ERROR_KINDS_MAX)
            return err_set(err, E_DATA, "interval: error kind %" PRIu64 " is out of range or order",
                           kind);
        kind_min = kind + 1;
        unsigned into = kind_map == NULL ? (unsigned)kind : kind_map[kind];
        assert(into < ERROR_KINDS_MAX); /* the map is the caller's own */
        if (__builtin_add_overflow(errors_by_kind[into], value, &errors_by_kind[into]))
            return err_set(err, E_DATA, "interval: error kind %" PRIu64 " overflows", kind);
    }
    return OK;
}

static void skip(struct cursor *cursor, size_t bytes)
{
    cursor->in += bytes;
    cursor->left_bytes -= bytes;
}

static enum err_code decode_nodes(struct interval_row *row, struct cursor *cursor, struct err *err)
{
    uint64_t count = 0;
    enum err_code code = OK;
    if (!next_number(cursor, &count))
        return cut_short(err);
    if (count > NODE_FIGURES_MAX)
        return err_set(err, E_DATA, "interval: %" PRIu64 " nodes are more than there can be",
                       count);
    for (uint32_t i = 0; i < count && code == OK; i++) {
        size_t used_bytes = 0;
        code = node_figures_decode_add(&row->nodes[i], cursor->in, cursor->left_bytes, &used_bytes,
                                       err);
        if (row->node_count <= i)
            row->node_count = i + 1;
        skip(cursor, used_bytes);
    }
    return code;
}

static enum err_code decode_histograms(struct histogram *histograms, unsigned count,
                                       struct cursor *cursor, struct err *err)
{
    enum err_code code = OK;
    for (unsigned i = 0; i < count && code == OK; i++) {
        size_t used_bytes = 0;
        code =
            histogram_decode_add(&histograms[i], cursor->in, cursor->left_bytes, &used_bytes, err);
        skip(cursor, used_bytes);
    }
    return code;
}

static enum err_code decode_classes(struct interval_row *row, struct cursor *cursor,
                                    struct err *err)
{
    uint64_t count = 0, window_ends = 0;
    enum err_code code = OK;
    if (!next_number(cursor, &count))
        return cut_short(err);
    if (count > CLASSES_MAX)
        return err_set(err, E_DATA, "interval: %" PRIu64 " classes are more than there can be",
                       count);
    add_classes(row, (uint32_t)count);
    for (uint32_t i = 0; i < count && code == OK; i++) {
        size_t used_bytes = 0;
        code = class_figures_decode_add(&row->classes[i], cursor->in, cursor->left_bytes,
                                        &used_bytes, err);
        skip(cursor, used_bytes);
    }
    if (code == OK && count > 0 && !next_number(cursor, &window_ends))
        return cut_short(err);
    if (code != OK || window_ends == 0)
        return code;
    row->window_ends = true;
    return decode_histograms(row->class_windows, (unsigned)count * CLASS_TIMES, cursor, err);
}

enum err_code interval_decode_add(struct interval_row *row, const unsigned char *in,
                                  size_t in_bytes, const uint8_t *kind_map, struct err *err)
{
    struct cursor cursor = {in, in_bytes};
    struct interval_header header;
    enum err_code code = decode_header(&header, &cursor, err);
    if (code == OK)
        code = decode_counters(row->counters, &cursor, err);
    if (code == OK)
        code = decode_kinds(row->errors_by_kind, &cursor, kind_map, err);
    if (code == OK)
        code = decode_nodes(row, &cursor, err);
    if (code == OK)
        code = decode_histograms(row->histograms, HISTOGRAM_KINDS, &cursor, err);
    if (code == OK)
        code = decode_classes(row, &cursor, err);
    if (code == OK && cursor.left_bytes > 0)
        return err_set(err, E_DATA, "interval: %zu bytes behind its end", cursor.left_bytes);
    return code;
}

void interval_row_add(struct interval_row *into, const struct interval_row *from)
{
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        into->counters[i] += from->counters[i];
    for (unsigned i = 0; i < ERROR_KINDS_MAX; i++)
        into->errors_by_kind[i] += from->errors_by_kind[i];
    for (uint32_t i = 0; i < from->node_count; i++)
        node_figures_add(&into->nodes[i], &from->nodes[i]);
    if (into->node_count < from->node_count)
        into->node_count = from->node_count;
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        histogram_add(&into->histograms[i], &from->histograms[i]);
    add_classes(into, from->class_count);
    into->window_ends |= from->window_ends;
    for (uint32_t i = 0; i < from->class_count; i++)
        class_figures_add(&into->classes[i], &from->classes[i]);
    for (uint32_t i = 0; i < from->class_count * CLASS_TIMES; i++)
        histogram_add(&into->class_windows[i], &from->class_windows[i]);
}

struct node_figures *interval_node(struct interval *interval, uint32_t node)
{
    uint32_t place = node < NODE_FIGURES_MAX ? node : NODE_FIGURES_MAX - 1;
    if (interval->node_count <= place)
        interval->node_count = place + 1;
    return &interval->nodes[place];
}

struct own_stop own_stop_common(struct own_stop one, struct own_stop other)
{
    struct own_stop both = {one.from_ns > other.from_ns ? one.from_ns : other.from_ns,
                            one.to_ns < other.to_ns ? one.to_ns : other.to_ns};
    return both.from_ns < both.to_ns ? both : (struct own_stop){0};
}

static uint64_t length_of(struct own_stop stop)
{
    return stop.to_ns - stop.from_ns;
}

static void leave_out(struct own_stops *stops, uint32_t index)
{
    stops->count--;
    for (uint32_t i = index; i < stops->count; i++)
        stops->items[i] = stops->items[i + 1];
}

void own_stops_add(struct own_stops *stops, struct own_stop stop)
{
    struct own_stop *newest = stops->count > 0 ? &stops->items[stops->count - 1] : NULL;
    uint32_t shortest = 0;
    if (stop.to_ns <= stop.from_ns)
        return;
    if (newest != NULL && stop.from_ns <= newest->to_ns) {
        newest->to_ns = stop.to_ns > newest->to_ns ? stop.to_ns : newest->to_ns;
        return;
    }
    for (uint32_t i = 1; i < stops->count; i++)
        if (length_of(stops->items[i]) < length_of(stops->items[shortest]))
            shortest = i;
    if (stops->count == OWN_STOPS_IN_ROW && length_of(stop) <= length_of(stops->items[shortest]))
        return;
    if (stops->count == OWN_STOPS_IN_ROW)
        leave_out(stops, shortest);
    stops->items[stops->count++] = stop;
}

struct own_stops own_stops_common(const struct own_stops *one, const struct own_stops *other)
{
    struct own_stops both = {0};
    for (uint32_t i = 0; i < one->count; i++)
        for (uint32_t j = 0; j < other->count; j++)
            own_stops_add(&both, own_stop_common(one->items[i], other->items[j]));
    return both;
}

uint64_t counters_lost(const uint64_t counters[COUNTER_COUNT])
{
    return counters[COUNTER_LOST_TIMEOUT] + counters[COUNTER_LOST_DISCONNECT] +
           counters[COUNTER_LOST_PROTOCOL] + counters[COUNTER_LOST_DRAIN] +
           counters[COUNTER_LOST_WORKER];
}

uint64_t counters_shed(const uint64_t counters[COUNTER_COUNT])
{
    return counters[COUNTER_SHED_LATE] + counters[COUNTER_SHED_WORKER] +
           counters[COUNTER_SHED_NODE];
}

/* Who got no reply: `more` may be among those whose response time is not known. */
static enum err_code check_unanswered(const struct interval_header *header,
                                      const uint64_t counters[COUNTER_COUNT],
                                      const uint64_t counted[HISTOGRAM_KINDS], uint64_t least_more,
                                      uint64_t most_more, struct err *err)
{
    bool open_loop = (header->flags & INTERVAL_OPEN_LOOP) != 0;
    uint64_t sent =
        counters[COUNTER_TIMED_OUT] + counters_lost(counters) - counters[COUNTER_LOST_WORKER];
    uint64_t due = open_loop ? sent + counters_shed(counters) : 0;
    uint64_t responses = counted[HISTOGRAM_RESPONSE_UNANSWERED];
    if (counted[HISTOGRAM_SERVICE_UNANSWERED] != sent)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " waits kept of %" PRIu64
                       " requests that were sent and got no reply",
                       header->first, counted[HISTOGRAM_SERVICE_UNANSWERED], sent);
    if (responses < due + least_more || responses > due + (open_loop ? most_more : 0))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " waits kept of %" PRIu64
                       " requests that were due and got no reply, and a backlog of %" PRIu64,
                       header->first, responses, due, most_more);
    return OK;
}

static enum err_code check_schedule(const struct interval_header *header,
                                    const uint64_t counters[COUNTER_COUNT],
                                    const uint64_t counted[HISTOGRAM_KINDS], struct err *err)
{
    uint64_t due = counters[COUNTER_DUE];
    uint64_t sent = counters[COUNTER_SENT];
    uint64_t shed = counters_shed(counters);
    if (header->backlog_before + due != sent + shed + header->backlog_after)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": backlog before %" PRIu64 " + due %" PRIu64
                       " is not sent %" PRIu64 " + shed %" PRIu64 " + backlog after %" PRIu64,
                       header->first, header->backlog_before, due, sent, shed,
                       header->backlog_after);
    bool open_loop = (header->flags & INTERVAL_OPEN_LOOP) != 0;
    uint64_t responses = open_loop ? counters[COUNTER_OK] : 0;
    if (counted[HISTOGRAM_RESPONSE_OK] != responses)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " response times kept of %" PRIu64
                       " ok replies",
                       header->first, counted[HISTOGRAM_RESPONSE_OK], responses);
    uint64_t delays = open_loop ? sent : 0;
    if (counted[HISTOGRAM_SLIP] != delays || counted[HISTOGRAM_WAIT] != delays)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " slips and %" PRIu64
                       " waits kept of %" PRIu64 " requests sent",
                       header->first, counted[HISTOGRAM_SLIP], counted[HISTOGRAM_WAIT], delays);
    return OK;
}

/* least_more, most_more: as check_unanswered has them. */
static enum err_code check(const struct interval_header *header,
                           const uint64_t counters[COUNTER_COUNT],
                           const uint64_t errors_by_kind[ERROR_KINDS_MAX],
                           const uint64_t counted[HISTOGRAM_KINDS], uint64_t least_more,
                           uint64_t most_more, struct err *err)
{
    if ((header->flags & INTERVAL_DEGRADED) != 0)
        return OK;
    uint64_t counted_ok = counted[HISTOGRAM_SERVICE_OK];
    uint64_t counted_errors = counted[HISTOGRAM_SERVICE_ERROR];
    uint64_t sent = counters[COUNTER_SENT];
    uint64_t ok = counters[COUNTER_OK];
    uint64_t errors = counters[COUNTER_ERROR_REPLIES];
    uint64_t timed_out = counters[COUNTER_TIMED_OUT];
    uint64_t lost = counters_lost(counters);
    if (header->in_flight_before + sent != ok + errors + timed_out + lost + header->in_flight_after)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": in flight before %" PRIu64 " + sent %" PRIu64
                       " is not ok %" PRIu64 " + errors %" PRIu64 " + timed out %" PRIu64
                       " + lost %" PRIu64 " + in flight after %" PRIu64,
                       header->first, header->in_flight_before, sent, ok, errors, timed_out, lost,
                       header->in_flight_after);
    if (counted_ok != ok)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " times kept of %" PRIu64 " ok replies",
                       header->first, counted_ok, ok);
    if (counted_errors != errors)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " times kept of %" PRIu64 " error replies",
                       header->first, counted_errors, errors);
    uint64_t kinds = 0;
    for (unsigned i = 0; i < ERROR_KINDS_MAX; i++)
        kinds += errors_by_kind[i];
    if (kinds != errors)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " errors by kind of %" PRIu64
                       " error replies",
                       header->first, kinds, errors);
    enum err_code code = check_schedule(header, counters, counted, err);
    return code != OK ? code
                      : check_unanswered(header, counters, counted, least_more, most_more, err);
}

/* Whoever answers is one of the nodes. */
static enum err_code check_nodes(const struct interval_header *header,
                                 const uint64_t counters[COUNTER_COUNT],
                                 const struct node_figures *nodes, uint32_t node_count,
                                 struct err *err)
{
    uint64_t ok = 0, errors = 0;
    if (node_count == 0 || (header->flags & INTERVAL_DEGRADED) != 0)
        return OK;
    for (uint32_t i = 0; i < node_count; i++) {
        ok += nodes[i].counters[NODE_OK];
        errors += nodes[i].counters[NODE_ERRORS];
    }
    if (ok != counters[COUNTER_OK] || errors != counters[COUNTER_ERROR_REPLIES])
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": its nodes gave %" PRIu64 " ok replies of %" PRIu64
                       ", and %" PRIu64 " error replies of %" PRIu64,
                       header->first, ok, counters[COUNTER_OK], errors,
                       counters[COUNTER_ERROR_REPLIES]);
    return OK;
}

/* Every request is of one of the classes. */
static enum err_code check_classes(const struct interval_header *header,
                                   const uint64_t counters[COUNTER_COUNT],
                                   const struct class_figures *classes, uint32_t class_count,
                                   struct err *err)
{
    const uint64_t whole[CLASS_COUNTERS] = {
        [CLASS_SENT] = counters[COUNTER_SENT],
        [CLASS_OK] = counters[COUNTER_OK],
        [CLASS_ERRORS] = counters[COUNTER_ERROR_REPLIES],
        [CLASS_TIMED_OUT] = counters[COUNTER_TIMED_OUT],
        [CLASS_LOST] = counters_lost(counters) - counters[COUNTER_LOST_WORKER],
    };
    bool open_loop = (header->flags & INTERVAL_OPEN_LOOP) != 0;
    if (class_count == 0 || (header->flags & INTERVAL_DEGRADED) != 0)
        return OK;
    for (unsigned i = 0; i < CLASS_COUNTERS; i++) {
        uint64_t sum = 0;
        for (uint32_t k = 0; k < class_count; k++)
            sum += classes[k].counters[i];
        if (sum != whole[i])
            return err_set(err, E_UNTRUSTED,
                           "interval %" PRIu32 ": its classes have %" PRIu64
                           " of %s, all have %" PRIu64,
                           header->first, sum, class_counter_names[i], whole[i]);
    }
    for (uint32_t k = 0; k < class_count; k++) {
        uint64_t ok = classes[k].counters[CLASS_OK];
        if (coarse_count(&classes[k].times[CLASS_SERVICE]) != ok ||
            coarse_count(&classes[k].times[CLASS_RESPONSE]) != (open_loop ? ok : 0))
            return err_set(err, E_UNTRUSTED,
                           "interval %" PRIu32 ": class %" PRIu32
                           " has not as many times as ok, %" PRIu64,
                           header->first, k, ok);
    }
    return OK;
}

enum err_code interval_row_check(const struct interval_row *row, struct err *err)
{
    uint64_t counted[HISTOGRAM_KINDS];
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        counted[i] = row->histograms[i].count;
    enum err_code code = check(&row->header, row->counters, row->errors_by_kind, counted, 0,
                               row->header.backlog_after, err);
    if (code == OK)
        code = check_nodes(&row->header, row->counters, row->nodes, row->node_count, err);
    return code != OK
               ? code
               : check_classes(&row->header, row->counters, row->classes, row->class_count, err);
}

enum err_code interval_check(const struct interval *interval, struct err *err)
{
    uint64_t counted[HISTOGRAM_KINDS];
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        counted[i] = interval->histograms[i].count;
    const struct interval_header *header = &interval->header;
    bool last = (header->flags & INTERVAL_LAST) != 0;
    bool open_loop = (header->flags & INTERVAL_OPEN_LOOP) != 0;
    uint64_t unsent = last && open_loop ? header->backlog_after : 0;
    enum err_code code =
        check(header, interval->counters, interval->errors_by_kind, counted, unsent, unsent, err);
    if (code == OK)
        code = check_nodes(header, interval->counters, interval->nodes, interval->node_count, err);
    return code != OK ? code
                      : check_classes(header, interval->counters, interval->classes,
                                      interval->class_count, err);
}
