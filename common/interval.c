#include "common/interval.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static_assert(HISTOGRAM_KINDS < 32, "a bit each in absent");

#define COUNTER_NAME(id, name) name,
const char *const counter_names[COUNTER_COUNT] = {COUNTER_TABLE(COUNTER_NAME)};
#undef COUNTER_NAME

#define FLAGS_KNOWN                                                                                \
    ((uint64_t)(INTERVAL_WARMUP | INTERVAL_LAST | INTERVAL_DEGRADED | INTERVAL_OPEN_LOOP |         \
                INTERVAL_BOTH_LOOPS | INTERVAL_USERS))

#define HEADER_NUMBERS 15u /* and two for each stop */

/* All but lanes and histograms, each number at its longest; and the heads of all sections, with that of a node and
 * of a class, and the kind of a histogram. */
static_assert((HEADER_NUMBERS + 2 * OWN_STOPS_IN_ROW + 2 * (COUNTER_COUNT + ERROR_KINDS_MAX + 1)) *
                          VARINT_MAX_BYTES +
                      (INTERVAL_SECTIONS + HISTOGRAM_KINDS + NODE_FIGURES_MAX + CLASSES_MAX +
                       CLASSES_MAX * CLASS_TIMES + PARTS_MAX) *
                          (INTERVAL_SECTION_HEAD_BYTES + 1) <=
                  INTERVAL_SECTIONS_MAX_BYTES,
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
    interval->part_count = 0;
    interval->parts = NULL;
}

void interval_reset(struct interval *interval)
{
    memset(interval->nodes, 0, interval->node_count * sizeof interval->nodes[0]);
    memset(interval, 0, offsetof(struct interval, nodes));
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        interval_histogram_reset(&interval->histograms[i]);
    for (uint32_t i = 0; i < interval->class_count; i++)
        interval->classes[i] = (struct class_figures){0};
    for (uint32_t i = 0; i < interval->part_count; i++)
        interval->parts[i] = (struct class_figures){0};
    for (uint32_t i = 0; interval->window_ends && i < interval->class_count * CLASS_TIMES; i++)
        interval_histogram_reset(&interval->class_windows[i]);
    interval->window_ends = false;
}

static bool add_memory(struct interval *interval, uint32_t class_count, uint32_t part_count)
{
    const uint32_t windows = class_count * CLASS_TIMES;
    if (part_count > 0 &&
        (interval->parts = malloc(part_count * sizeof interval->parts[0])) == NULL)
        return false;
    interval->part_count = part_count;
    if (class_count == 0)
        return true;
    interval->classes = malloc(class_count * sizeof interval->classes[0]);
    interval->class_windows = malloc(windows * sizeof interval->class_windows[0]);
    if (interval->classes == NULL || interval->class_windows == NULL)
        return false;
    interval->class_count = class_count;
    for (uint32_t i = 0; i < windows; i++)
        interval_histogram_init(&interval->class_windows[i]);
    return true;
}

struct interval *interval_create(uint32_t class_count, uint32_t part_count)
{
    struct interval *interval = malloc(sizeof *interval);
    assert(class_count <= CLASSES_MAX && part_count <= PARTS_MAX);
    if (interval == NULL)
        return NULL;
    interval_init(interval);
    if (!add_memory(interval, class_count, part_count)) {
        interval_destroy(interval);
        return NULL;
    }
    interval_reset(interval); /* the figures of classes and parts, too */
    return interval;
}

void interval_destroy(struct interval *interval)
{
    if (interval == NULL)
        return;
    free(interval->classes);
    free(interval->class_windows);
    free(interval->parts);
    free(interval);
}

struct interval_row *interval_row_create(void)
{
    struct interval_row *row = calloc(1, sizeof *row);
    for (unsigned i = 0; row != NULL && i < HISTOGRAM_KINDS; i++)
        histogram_init_zeroed(&row->histograms[i]);
    return row;
}

void interval_row_reset(struct interval_row *row)
{
    memset(row->nodes, 0, row->node_count * sizeof row->nodes[0]);
    memset(row->classes, 0, row->class_count * sizeof row->classes[0]);
    memset(row->parts, 0, row->part_count * sizeof row->parts[0]);
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

size_t interval_section_close(unsigned char *out, enum interval_section section, size_t byte_count)
{
    *out = (unsigned char)section;
    return 1 + wire_prefix_length(out + 1, byte_count);
}

static size_t encode_header(unsigned char *out, const struct interval_header *header)
{
    const uint64_t fields[HEADER_NUMBERS] = {header->first,
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
    unsigned char *body = out + INTERVAL_SECTION_HEAD_BYTES;
    size_t bytes = 0;
    for (size_t i = 0; i < HEADER_NUMBERS; i++)
        bytes += varint_encode(body + bytes, fields[i]);
    for (uint32_t i = 0; i < header->own_stops.count; i++) {
        bytes += varint_encode(body + bytes, header->own_stops.items[i].from_ns);
        bytes += varint_encode(body + bytes, header->own_stops.items[i].to_ns);
    }
    return interval_section_close(out, INTERVAL_SECTION_HEADER, bytes);
}

/* Nothing when all of them are 0. */
static size_t encode_pairs(unsigned char *out, enum interval_section section,
                           const uint64_t *values, unsigned value_count)
{
    size_t bytes = wire_pairs_encode(out + INTERVAL_SECTION_HEAD_BYTES, values, value_count);
    return bytes > 1 ? interval_section_close(out, section, bytes) : 0;
}

/* Nothing when there is none. */
static size_t encode_nodes(unsigned char *out, const struct node_figures *nodes,
                           uint32_t node_count)
{
    unsigned char *body = out + INTERVAL_SECTION_HEAD_BYTES;
    size_t bytes = 0;
    for (uint32_t i = 0; i < node_count; i++)
        bytes += wire_prefix_length(
            body + bytes, node_figures_encode(body + bytes + VARINT_MAX_BYTES, &nodes[i]));
    return bytes > 0 ? interval_section_close(out, INTERVAL_SECTION_NODES, bytes) : 0;
}

static size_t encode_classes(unsigned char *out, enum interval_section section,
                             const struct class_figures *classes, uint32_t class_count)
{
    unsigned char *body = out + INTERVAL_SECTION_HEAD_BYTES;
    size_t bytes = 0;
    for (uint32_t i = 0; i < class_count; i++)
        bytes += wire_prefix_length(
            body + bytes, class_figures_encode(body + bytes + VARINT_MAX_BYTES, &classes[i]));
    return bytes > 0 ? interval_section_close(out, section, bytes) : 0;
}

/* Where the bytes of a histogram go that has a number, and then the section around them. */
static unsigned char *histogram_at(unsigned char *out)
{
    return out + INTERVAL_SECTION_HEAD_BYTES + 1;
}
static size_t close_histogram(unsigned char *out, enum interval_section section, uint32_t number,
                              size_t histogram_bytes)
{
    out[INTERVAL_SECTION_HEAD_BYTES] = (unsigned char)number;
    return interval_section_close(out, section, 1 + histogram_bytes);
}

/* Of a histogram in class_windows: one that stays when a class has further times. */
static uint32_t window_number(uint32_t place)
{
    return place % CLASS_TIMES * CLASSES_MAX + place / CLASS_TIMES;
}

/* All that comes before the histograms. */
static size_t encode_figures(unsigned char *out, const struct interval_header *header,
                             const uint64_t counters[COUNTER_COUNT],
                             const uint64_t errors_by_kind[ERROR_KINDS_MAX],
                             const struct node_figures *nodes, uint32_t node_count)
{
    size_t bytes = encode_header(out, header);
    bytes += encode_pairs(out + bytes, INTERVAL_SECTION_COUNTERS, counters, COUNTER_COUNT);
    bytes +=
        encode_pairs(out + bytes, INTERVAL_SECTION_ERROR_KINDS, errors_by_kind, ERROR_KINDS_MAX);
    return bytes + encode_nodes(out + bytes, nodes, node_count);
}

size_t interval_encode(unsigned char *out, const struct interval *interval)
{
    size_t bytes = encode_figures(out, &interval->header, interval->counters,
                                  interval->errors_by_kind, interval->nodes, interval->node_count);
    bytes += encode_classes(out + bytes, INTERVAL_SECTION_CLASSES, interval->classes,
                            interval->class_count);
    bytes +=
        encode_classes(out + bytes, INTERVAL_SECTION_PARTS, interval->parts, interval->part_count);
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        bytes += close_histogram(
            out + bytes, INTERVAL_SECTION_HISTOGRAM, i,
            interval_histogram_encode(histogram_at(out + bytes), &interval->histograms[i]));
    for (uint32_t i = 0; interval->window_ends && i < interval->class_count * CLASS_TIMES; i++)
        bytes += close_histogram(
            out + bytes, INTERVAL_SECTION_CLASS_WINDOW, window_number(i),
            interval_histogram_encode(histogram_at(out + bytes), &interval->class_windows[i]));
    return bytes;
}

size_t interval_row_encode(unsigned char *out, const struct interval_row *row)
{
    size_t bytes = encode_figures(out, &row->header, row->counters, row->errors_by_kind, row->nodes,
                                  row->node_count);
    bytes += encode_classes(out + bytes, INTERVAL_SECTION_CLASSES, row->classes, row->class_count);
    bytes += encode_classes(out + bytes, INTERVAL_SECTION_PARTS, row->parts, row->part_count);
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        if (interval_row_has(row, i))
            bytes +=
                close_histogram(out + bytes, INTERVAL_SECTION_HISTOGRAM, i,
                                histogram_encode(histogram_at(out + bytes), &row->histograms[i]));
    for (uint32_t i = 0; row->window_ends && i < row->class_count * CLASS_TIMES; i++)
        bytes +=
            close_histogram(out + bytes, INTERVAL_SECTION_CLASS_WINDOW, window_number(i),
                            histogram_encode(histogram_at(out + bytes), &row->class_windows[i]));
    return bytes;
}

static enum err_code cut_short(struct err *err)
{
    return err_set(err, E_DATA, "interval: cut short");
}

static enum err_code decode_own_stops(struct own_stops *stops, uint64_t count,
                                      struct wire_cursor *cursor, uint64_t *unknown,
                                      struct err *err)
{
    uint64_t newest_ns = 0;
    for (; count > 0; count--) {
        struct own_stop stop;
        stop.from_ns = wire_number(cursor);
        stop.to_ns = wire_number(cursor);
        if (cursor->cut)
            return cut_short(err);
        if (stop.from_ns < newest_ns || stop.from_ns >= stop.to_ns)
            return err_set(err, E_DATA, "interval: a stop in it ends before it begins");
        newest_ns = stop.to_ns;
        if (stops->count < OWN_STOPS_IN_ROW)
            stops->items[stops->count++] = stop;
        else
            *unknown |= 1u << INTERVAL_SECTION_HEADER;
    }
    return OK;
}

/* Sets bit INTERVAL_SECTION_HEADER of *unknown for flags that are not known and stops without room. */
static enum err_code decode_header(struct interval_header *header, struct wire_cursor *cursor,
                                   uint64_t *unknown, struct err *err)
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
    /* One of an older version is shorter: the others are 0. */
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (cursor->left_bytes > 0)
            *fields[i] = wire_number(cursor);
    if (cursor->cut)
        return cut_short(err);
    if (first > last || last > UINT32_MAX)
        return err_set(err, E_DATA, "interval: numbers %" PRIu64 " to %" PRIu64 " make no range",
                       first, last);
    if ((flags & ~FLAGS_KNOWN) != 0)
        *unknown |= 1u << INTERVAL_SECTION_HEADER;
    enum err_code code = decode_own_stops(&found.own_stops, stops, cursor, unknown, err);
    if (code != OK)
        return code;
    if (found.start_ns > found.end_ns)
        return err_set(err, E_DATA, "interval: it ends before it starts");
    found.first = (uint32_t)first;
    found.last = (uint32_t)last;
    found.flags = (uint32_t)(flags & FLAGS_KNOWN);
    *header = found;
    return OK;
}

static enum err_code take_header(struct interval_header *header, struct wire_cursor *cursor,
                                 uint64_t *unknown, struct err *err)
{
    uint64_t section = wire_number(cursor);
    struct wire_cursor body = wire_entry(cursor);
    if (cursor->cut || section != INTERVAL_SECTION_HEADER)
        return err_set(err, E_DATA, "interval: it does not begin with its header");
    enum err_code code = decode_header(header, &body, unknown, err);
    if (body.left_bytes > 0)
        *unknown |= 1u << INTERVAL_SECTION_HEADER;
    return code;
}

enum err_code interval_decode_header(struct interval_header *header, const unsigned char *in,
                                     size_t in_bytes, struct err *err)
{
    struct wire_cursor cursor = {.in = in, .left_bytes = in_bytes};
    uint64_t unknown = 0;
    return take_header(header, &cursor, &unknown, err);
}

static enum err_code decode_pairs(uint64_t *values, unsigned value_count, const uint8_t *map,
                                  uint64_t *unknown, struct wire_cursor *cursor, struct err *err)
{
    return wire_pairs_decode_add(values, value_count, map, unknown, cursor)
               ? OK
               : err_set(err, E_DATA, "interval: counts cut short, out of order, or overflowing");
}

static enum err_code decode_nodes(struct interval_row *row, struct wire_cursor *list,
                                  struct err *err)
{
    for (uint32_t i = 0; list->left_bytes > 0; i++) {
        struct wire_cursor entry = wire_entry(list);
        if (i == NODE_FIGURES_MAX)
            return err_set(err, E_DATA, "interval: more nodes than there can be");
        if (list->cut)
            return cut_short(err);
        if (node_figures_decode_add(&row->nodes[i], &row->unknown[INTERVAL_UNKNOWN_NODE_COUNTERS],
                                    &entry, err) != OK)
            return err->code;
        if (entry.left_bytes > 0)
            row->unknown[INTERVAL_UNKNOWN_SECTIONS] |= 1u << INTERVAL_SECTION_NODES;
        if (row->node_count <= i)
            row->node_count = i + 1;
    }
    return OK;
}

static enum err_code decode_classes(struct interval_row *row, struct wire_cursor *list,
                                    struct err *err)
{
    for (uint32_t i = 0; list->left_bytes > 0; i++) {
        struct wire_cursor entry = wire_entry(list);
        if (i == CLASSES_MAX)
            return err_set(err, E_DATA, "interval: more classes than there can be");
        if (list->cut)
            return cut_short(err);
        add_classes(row, i + 1);
        if (class_figures_decode_add(&row->classes[i], &row->unknown[INTERVAL_UNKNOWN_COUNTERS],
                                     &entry, err) != OK)
            return err->code;
        if (entry.left_bytes > 0)
            row->unknown[INTERVAL_UNKNOWN_SECTIONS] |= 1u << INTERVAL_SECTION_CLASSES;
    }
    return OK;
}

static enum err_code decode_parts(struct interval_row *row, struct wire_cursor *list,
                                  struct err *err)
{
    for (uint32_t i = 0; list->left_bytes > 0; i++) {
        struct wire_cursor entry = wire_entry(list);
        if (i == PARTS_MAX)
            return err_set(err, E_DATA, "interval: more parts of requests than there can be");
        if (list->cut)
            return cut_short(err);
        if (class_figures_decode_add(&row->parts[i], &row->unknown[INTERVAL_UNKNOWN_COUNTERS],
                                     &entry, err) != OK)
            return err->code;
        if (entry.left_bytes > 0)
            row->unknown[INTERVAL_UNKNOWN_SECTIONS] |= 1u << INTERVAL_SECTION_PARTS;
        if (row->part_count <= i)
            row->part_count = i + 1;
    }
    return OK;
}

static enum err_code decode_class_window(struct interval_row *row, struct wire_cursor *cursor,
                                         struct err *err)
{
    const uint64_t number = wire_number(cursor);
    if (cursor->cut)
        return cut_short(err);
    const uint64_t class = number % CLASSES_MAX, times = number / CLASSES_MAX;
    if (class >= row->class_count)
        return err_set(err, E_DATA, "interval: a window of a class that is not there");
    if (times >= CLASS_TIMES)
        return OK;
    row->window_ends = true;
    return histogram_decode_add(&row->class_windows[class * CLASS_TIMES + times], cursor, err);
}

static enum err_code decode_histogram(struct interval_row *row, uint32_t *seen,
                                      struct wire_cursor *cursor, struct err *err)
{
    const uint64_t kind = wire_number(cursor);
    if (cursor->cut)
        return cut_short(err);
    if (kind >= HISTOGRAM_KINDS) {
        row->unknown[INTERVAL_UNKNOWN_HISTOGRAMS] |= 1ull << kind % 64;
        cursor->left_bytes = 0;
        return OK;
    }
    *seen |= 1u << kind;
    return histogram_decode_add(&row->histograms[kind], cursor, err);
}

/* What is left in `body` afterwards, or said to be, is not known. */
static enum err_code decode_section(struct interval_row *row, uint64_t section, uint32_t *seen,
                                    struct wire_cursor *body, const uint8_t *kind_map,
                                    struct err *err)
{
    uint64_t kinds = 0;
    enum err_code code = OK;
    switch (section) {
    case INTERVAL_SECTION_COUNTERS:
        return decode_pairs(row->counters, COUNTER_COUNT, NULL,
                            &row->unknown[INTERVAL_UNKNOWN_COUNTERS], body, err);
    case INTERVAL_SECTION_ERROR_KINDS:
        code = decode_pairs(row->errors_by_kind, ERROR_KINDS_MAX, kind_map, &kinds, body, err);
        if (kinds != 0)
            row->unknown[INTERVAL_UNKNOWN_SECTIONS] |= 1u << INTERVAL_SECTION_ERROR_KINDS;
        return code;
    case INTERVAL_SECTION_NODES:
        return decode_nodes(row, body, err);
    case INTERVAL_SECTION_HISTOGRAM:
        return decode_histogram(row, seen, body, err);
    case INTERVAL_SECTION_CLASSES:
        return decode_classes(row, body, err);
    case INTERVAL_SECTION_CLASS_WINDOW:
        return decode_class_window(row, body, err);
    case INTERVAL_SECTION_PARTS:
        return decode_parts(row, body, err);
    default:
        body->left_bytes = 1;
        return OK;
    }
}

enum err_code interval_decode_add(struct interval_row *row, const unsigned char *in,
                                  size_t in_bytes, const uint8_t *kind_map, struct err *err)
{
    struct wire_cursor cursor = {.in = in, .left_bytes = in_bytes};
    struct interval_header header;
    uint32_t seen = 0;
    enum err_code code =
        take_header(&header, &cursor, &row->unknown[INTERVAL_UNKNOWN_SECTIONS], err);
    while (code == OK && cursor.left_bytes > 0) {
        uint64_t section = wire_number(&cursor);
        struct wire_cursor body = wire_entry(&cursor);
        if (cursor.cut)
            return cut_short(err);
        code = decode_section(row, section, &seen, &body, kind_map, err);
        if (code == OK && body.left_bytes > 0)
            row->unknown[INTERVAL_UNKNOWN_SECTIONS] |= 1ull << section % 64;
    }
    row->absent |= ~seen & ((1u << HISTOGRAM_KINDS) - 1);
    return code;
}

void interval_row_add(struct interval_row *into, const struct interval_row *from)
{
    interval_row_add_at(into, from, 0, 0);
}

void interval_row_add_at(struct interval_row *into, const struct interval_row *from,
                         uint32_t first_class, uint32_t first_part)
{
    assert(from->class_count == 0 || first_class + from->class_count <= CLASSES_MAX);
    assert(from->part_count == 0 || first_part + from->part_count <= PARTS_MAX);
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
    if (from->class_count > 0)
        add_classes(into, first_class + from->class_count);
    into->window_ends |= from->window_ends;
    for (uint32_t i = 0; i < from->class_count; i++)
        class_figures_add(&into->classes[first_class + i], &from->classes[i]);
    for (uint32_t i = 0; i < from->part_count; i++)
        class_figures_add(&into->parts[first_part + i], &from->parts[i]);
    if (from->part_count > 0 && into->part_count < first_part + from->part_count)
        into->part_count = first_part + from->part_count;
    for (uint32_t i = 0; i < from->class_count * CLASS_TIMES; i++)
        histogram_add(&into->class_windows[first_class * CLASS_TIMES + i], &from->class_windows[i]);
    into->absent |= from->absent;
    for (unsigned i = 0; i < INTERVAL_UNKNOWNS; i++)
        into->unknown[i] |= from->unknown[i];
}

void interval_row_close_loop(struct interval_row *row)
{
    histogram_add(&row->histograms[HISTOGRAM_RESPONSE_OK], &row->histograms[HISTOGRAM_SERVICE_OK]);
    histogram_add(&row->histograms[HISTOGRAM_RESPONSE_UNANSWERED],
                  &row->histograms[HISTOGRAM_SERVICE_UNANSWERED]);
    for (uint32_t i = 0; i < row->class_count; i++) {
        struct coarse_times *times = row->classes[i].times;
        struct histogram *windows = &row->class_windows[i * CLASS_TIMES];
        times[CLASS_RESPONSE] = times[CLASS_SERVICE];
        histogram_add(&windows[CLASS_RESPONSE], &windows[CLASS_SERVICE]);
    }
    for (uint32_t i = 0; i < row->part_count; i++)
        row->parts[i].times[CLASS_RESPONSE] = row->parts[i].times[CLASS_SERVICE];
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
