#include <stdlib.h>
#include <string.h>

#include "common/interval.h"
#include "common/rng.h"
#include "tests/support/check/by_hand.h"
#include "tests/support/check/suite.h"

/* Large, so static; Check forks for each test. */
static struct interval interval;
static struct interval_row row, again;
static unsigned char bytes[INTERVAL_WIRE_MAX_BYTES], bytes_again[INTERVAL_WIRE_MAX_BYTES];

/* Room for the most there can be; how many there are is up to fill. */
static struct class_figures classes[CLASSES_MAX];
static struct interval_histogram class_windows[CLASSES_MAX * CLASS_TIMES];
static struct class_figures parts[PARTS_MAX];

static uint64_t share_of(uint64_t all, uint32_t class)
{
    return all / interval.class_count + (class < all % interval.class_count);
}

/* Their shares of the whole; service times as many as ok. A window ends with every other seed. */
static void fill_classes(uint64_t seed, uint32_t class_count)
{
    const uint64_t *counters = interval.counters;
    memset(classes, 0, sizeof classes);
    interval.class_count = class_count;
    interval.classes = classes;
    interval.class_windows = class_windows;
    interval.window_ends = true;
    for (unsigned i = 0; i < CLASSES_MAX * CLASS_TIMES; i++)
        interval_histogram_init(&class_windows[i]);
    for (uint32_t i = 0; i < class_count; i++) {
        struct class_figures *class = &classes[i];
        class->counters[CLASS_SENT] =
            share_of(counters[COUNTER_SENT] + counters[COUNTER_FOLLOW_UPS], i);
        class->counters[CLASS_OK] =
            share_of(counters[COUNTER_OK] + counters[COUNTER_FOLLOW_UPS_OK], i);
        class->counters[CLASS_ERRORS] =
            share_of(counters[COUNTER_ERROR_REPLIES] + counters[COUNTER_FOLLOW_UPS_ERRORS], i);
        class->counters[CLASS_TIMED_OUT] =
            share_of(counters[COUNTER_TIMED_OUT] + counters[COUNTER_FOLLOW_UPS_TIMED_OUT], i);
        class->counters[CLASS_HITS] = share_of(counters[COUNTER_HITS], i);
        class->counters[CLASS_MISSES] = share_of(counters[COUNTER_MISSES], i);
        class->counters[CLASS_LOST] =
            share_of(counters_lost(counters) - counters[COUNTER_LOST_WORKER] +
                         counters[COUNTER_FOLLOW_UPS_LOST],
                     i);
        for (uint64_t k = 0; k < class->counters[CLASS_OK]; k++) {
            uint64_t took_ns = rng_at(seed + i, k) >> (24 + k % 20);
            coarse_record(&class->times[CLASS_SERVICE], took_ns, 1);
            interval_histogram_record(&class_windows[i * CLASS_TIMES], took_ns);
        }
    }
    interval.window_ends = seed % 2 == 0;
}

/* They are no shares of anything. */
static void fill_parts(uint64_t seed, uint32_t part_count)
{
    memset(parts, 0, sizeof parts);
    interval.part_count = part_count;
    interval.parts = parts;
    for (uint32_t i = 0; i < part_count; i++) {
        parts[i].counters[CLASS_OK] = 5 + i;
        parts[i].counters[CLASS_ERRORS] = i;
        for (uint64_t k = 0; k < parts[i].counters[CLASS_OK]; k++)
            coarse_record(&parts[i].times[CLASS_SERVICE], rng_at(seed + i, k) >> (24 + k % 20), 1);
    }
}

/* An interval in which every identity holds and no two numbers are alike by accident. */
static void fill(uint64_t seed)
{
    interval_init(&interval);
    interval.header = (struct interval_header){
        .first = 7,
        .last = 9,
        .flags = INTERVAL_WARMUP | INTERVAL_LAST,
        .start_ns = 7000000000,
        .end_ns = 10000000001,
        .in_flight_before = 500,
        .connections_open = 123,
        .times = {7000000100 + seed, 10000000000 - seed, 8000000000 + seed, 9000000000 - seed},
        .own_stops = {2, {{7000000200, 8000000300 + seed}, {9000000400 + seed, 9900000500}}}};
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        interval.counters[i] = 1000 + 13 * i;
    uint64_t ok = interval.counters[COUNTER_OK] = 300 + seed % 100;
    uint64_t errors = interval.counters[COUNTER_ERROR_REPLIES] = 60;
    interval.header.in_flight_after = 11;
    interval.counters[COUNTER_SENT] = ok + errors + interval.counters[COUNTER_TIMED_OUT] +
                                      counters_lost(interval.counters) + 11 - 500;
    interval.counters[COUNTER_FOLLOW_UPS] = interval.counters[COUNTER_FOLLOW_UPS_OK] +
                                            interval.counters[COUNTER_FOLLOW_UPS_ERRORS] +
                                            interval.counters[COUNTER_FOLLOW_UPS_TIMED_OUT] +
                                            interval.counters[COUNTER_FOLLOW_UPS_LOST];
    interval.header.backlog_before = 40;
    interval.header.backlog_after = 50;
    interval.counters[COUNTER_DUE] =
        interval.counters[COUNTER_SENT] + counters_shed(interval.counters) + 50 - 40;
    interval.errors_by_kind[0] = 10;
    interval.errors_by_kind[3] = 20;
    interval.errors_by_kind[ERROR_KINDS_MAX - 1] = 30;
    for (uint64_t i = 0; i < ok; i++)
        interval_histogram_record(&interval.histograms[HISTOGRAM_SERVICE_OK],
                                  rng_at(seed, i) >> (24 + i % 20));
    for (uint64_t i = 0; i < errors; i++)
        interval_histogram_record(&interval.histograms[HISTOGRAM_SERVICE_ERROR],
                                  rng_at(seed + 1, i) >> 40);
    for (uint64_t i = 0; i < 77; i++)
        interval_histogram_record(&interval.histograms[HISTOGRAM_LOOP_LAG],
                                  rng_at(seed + 2, i) >> 50);
    uint64_t unanswered = interval.counters[COUNTER_TIMED_OUT] + counters_lost(interval.counters) -
                          interval.counters[COUNTER_LOST_WORKER];
    for (uint64_t i = 0; i < unanswered; i++)
        interval_histogram_record(&interval.histograms[HISTOGRAM_SERVICE_UNANSWERED],
                                  rng_at(seed + 3, i) >> 34);
    interval.node_count = seed % 4; /* 0: one server only; the second node did nothing */
    const uint64_t hits = interval.counters[COUNTER_CACHE_HITS] = 20; /* of no node */
    for (uint64_t i = hits; i < ok && seed % 4 > 0; i++)
        node_figures_ok(&interval.nodes[i % 2 == 0 ? 0 : interval.node_count - 1],
                        rng_at(seed, i) >> (24 + i % 20), 1);
    static const uint32_t class_counts[] = {0, 2, CLASSES_MAX};
    if (seed % 3 > 0)
        fill_classes(seed, class_counts[seed % 3]);
    if (seed % 7 > 0)
        fill_parts(seed, seed % 7 == 6 ? PARTS_MAX : (uint32_t)(seed % 7));
    if (seed % 4 == 0)
        return;
    interval.nodes[0].counters[NODE_ERRORS] = errors;
    interval.nodes[0].counters[NODE_CONNECT_FAILURES] = seed;
    interval.nodes[0].times = interval.header.times;
}

/* The same as a row, made without the codec. */
static void fill_row(struct interval_row *into)
{
    interval_row_init(into);
    into->header = interval.header;
    memcpy(into->counters, interval.counters, sizeof into->counters);
    memcpy(into->errors_by_kind, interval.errors_by_kind, sizeof into->errors_by_kind);
    into->node_count = interval.node_count;
    memcpy(into->nodes, interval.nodes, sizeof into->nodes);
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        histogram_add_interval(&into->histograms[i], &interval.histograms[i]);
    into->class_count = interval.class_count;
    into->window_ends = interval.window_ends;
    memcpy(into->classes, classes, interval.class_count * sizeof classes[0]);
    into->part_count = interval.part_count;
    memcpy(into->parts, parts, interval.part_count * sizeof parts[0]);
    for (uint32_t i = 0; i < interval.class_count * CLASS_TIMES; i++) {
        histogram_init(&into->class_windows[i]);
        if (interval.window_ends)
            histogram_add_interval(&into->class_windows[i], &class_windows[i]);
    }
}

/* Field by field: struct interval_header has padding. */
static void assert_same_header(const struct interval_header *a, const struct interval_header *b)
{
    ck_assert_uint_eq(a->first, b->first);
    ck_assert_uint_eq(a->last, b->last);
    ck_assert_uint_eq(a->flags, b->flags);
    ck_assert_uint_eq(a->start_ns, b->start_ns);
    ck_assert_uint_eq(a->end_ns, b->end_ns);
    ck_assert_uint_eq(a->in_flight_before, b->in_flight_before);
    ck_assert_uint_eq(a->in_flight_after, b->in_flight_after);
    ck_assert_uint_eq(a->connections_open, b->connections_open);
    ck_assert_uint_eq(a->backlog_before, b->backlog_before);
    ck_assert_uint_eq(a->backlog_after, b->backlog_after);
    ck_assert_mem_eq(&a->times, &b->times, sizeof a->times);
    ck_assert_mem_eq(&a->own_stops, &b->own_stops, sizeof a->own_stops);
}

static void assert_same_content(const struct interval_row *a, const struct interval_row *b)
{
    ck_assert_mem_eq(a->counters, b->counters, sizeof a->counters);
    ck_assert_mem_eq(a->errors_by_kind, b->errors_by_kind, sizeof a->errors_by_kind);
    ck_assert_uint_eq(a->node_count, b->node_count);
    ck_assert_mem_eq(a->nodes, b->nodes, sizeof a->nodes);
    ck_assert_mem_eq(a->histograms, b->histograms, sizeof a->histograms);
    ck_assert_uint_eq(a->class_count, b->class_count);
    ck_assert_uint_eq(a->window_ends, b->window_ends);
    ck_assert_mem_eq(a->classes, b->classes, sizeof a->classes);
    ck_assert_mem_eq(a->class_windows, b->class_windows, sizeof a->class_windows);
    ck_assert_uint_eq(a->part_count, b->part_count);
    ck_assert_mem_eq(a->parts, b->parts, sizeof a->parts);
}

TEST(round_trip)
{
    /* Breaks when a counter, gauge or flag does not arrive, or arrives as another. */
    struct err err = {OK, ""};
    for (uint64_t seed = 0; seed < 20; seed++) {
        fill(seed);
        if (seed == 1)
            interval_init(&interval);
        fill_row(&row);
        size_t written = interval_encode(bytes, &interval);
        ck_assert_uint_le(written, INTERVAL_RECORD_MAX_BYTES);
        struct interval_header header;
        ck_assert_int_eq(interval_decode_header(&header, bytes, written, &err), OK);
        assert_same_header(&header, &interval.header);
        interval_row_init(&again);
        again.header = header;
        ck_assert_int_eq(interval_decode_add(&again, bytes, written, NULL, &err), OK);
        assert_same_content(&again, &row);
        assert_same_header(&again.header, &row.header);
        ck_assert_uint_eq(interval_row_encode(bytes_again, &again), written);
        ck_assert_mem_eq(bytes_again, bytes, written);
    }
}

TEST(every_counter_and_flag_by_itself)
{
    /* Breaks when two counters share a place, which a record full of numbers could hide. */
    struct err err = {OK, ""};
    for (unsigned i = 0; i < COUNTER_COUNT + ERROR_KINDS_MAX + 8; i++) {
        interval_init(&interval);
        interval.header.first = interval.header.last = 3;
        if (i < COUNTER_COUNT)
            interval.counters[i] = UINT64_MAX;
        else if (i < COUNTER_COUNT + ERROR_KINDS_MAX)
            interval.errors_by_kind[i - COUNTER_COUNT] = UINT64_MAX;
        else
            interval.header.flags = i - COUNTER_COUNT - ERROR_KINDS_MAX; /* all 8 of 3 flags */
        fill_row(&row);
        size_t written = interval_encode(bytes, &interval);
        interval_row_init(&again);
        ck_assert_int_eq(interval_decode_header(&again.header, bytes, written, &err), OK);
        ck_assert_int_eq(interval_decode_add(&again, bytes, written, NULL, &err), OK);
        assert_same_header(&again.header, &row.header);
        assert_same_content(&again, &row);
    }
}

TEST(header_limits)
{
    /* Breaks when times or gauges of a long or large run are cut to 32 bits. */
    struct err err = {OK, ""};
    interval_init(&interval);
    interval.header =
        (struct interval_header){.first = UINT32_MAX,
                                 .last = UINT32_MAX,
                                 .flags = INTERVAL_WARMUP | INTERVAL_LAST | INTERVAL_DEGRADED,
                                 .start_ns = UINT64_MAX - 1,
                                 .end_ns = UINT64_MAX,
                                 .in_flight_before = UINT64_MAX,
                                 .in_flight_after = UINT64_MAX - 2,
                                 .connections_open = UINT64_MAX - 3};
    size_t written = interval_encode(bytes, &interval);
    struct interval_header header;
    ck_assert_int_eq(interval_decode_header(&header, bytes, written, &err), OK);
    assert_same_header(&header, &interval.header);
}

TEST(kinds_are_mapped)
{
    /* Breaks when one worker's MOVED is added to another worker's WRONGTYPE. */
    struct err err = {OK, ""};
    fill(3);
    size_t written = interval_encode(bytes, &interval);
    uint8_t map[ERROR_KINDS_MAX];
    for (unsigned i = 0; i < ERROR_KINDS_MAX; i++)
        map[i] = (uint8_t)(ERROR_KINDS_MAX - 1 - i);
    map[3] = 0; /* two of the record's kinds become one of the row's */
    interval_row_init(&row);
    row.errors_by_kind[0] = 5;
    ck_assert_int_eq(interval_decode_add(&row, bytes, written, map, &err), OK);
    for (unsigned i = 0; i < ERROR_KINDS_MAX; i++) {
        uint64_t expected = i == 0 ? 5 + 20 + 30 : i == ERROR_KINDS_MAX - 1 ? 10 : 0;
        ck_assert_uint_eq(row.errors_by_kind[i], expected);
    }
}

TEST(decode_adds_and_keeps_the_header)
{
    /* Breaks when merging workers replaces instead of adding, or moves the row in time. */
    struct err err = {OK, ""};
    interval_row_init(&again);
    interval_row_init(&row);
    again.header.first = 41;
    for (uint64_t worker = 0; worker < 5; worker++) {
        fill(worker);
        size_t written = interval_encode(bytes, &interval);
        ck_assert_int_eq(interval_decode_add(&again, bytes, written, NULL, &err), OK);
        static struct interval_row one;
        fill_row(&one);
        interval_row_add(&row, &one);
    }
    assert_same_content(&again, &row);
    ck_assert_uint_eq(again.counters[COUNTER_PUSHES], 5 * (1000 + 13 * COUNTER_PUSHES));
    ck_assert_uint_eq(again.header.first, 41);
    ck_assert_uint_eq(again.header.last, 0);
    ck_assert_uint_eq(row.header.last, 0);
}

TEST(truncation_is_an_error)
{
    /* Breaks when half a record is taken for a quiet interval. What ends between two sections is one without
     * the others, as an older version may write it: whoever keeps records knows their length. */
    fill(1);
    size_t written = interval_encode(bytes, &interval);
    unsigned betweens = 0;
    interval_row_init(&row);
    for (size_t cut = 0; cut < written; cut++) {
        struct err err = {OK, ""};
        unsigned char *copy = malloc(cut + 1); /* exact, for AddressSanitizer */
        memcpy(copy + 1, bytes, cut);
        interval_row_reset(&row);
        bool between = interval_decode_add(&row, copy + 1, cut, NULL, &err) == OK;
        ck_assert(between ? row.absent != 0 : err.code == E_DATA);
        betweens += between;
        free(copy);
    }
    ck_assert_uint_eq(betweens, 5 + HISTOGRAM_KINDS);
    struct err err = {OK, ""};
    interval_row_reset(&row);
    ck_assert_int_eq(interval_decode_add(&row, bytes, written + 1, NULL, &err), E_DATA);
}

TEST(bit_flips_are_survived)
{
    /* Breaks when damaged bytes crash the orchestrator. Kinds are mapped into a full row, so that an
     * index out of range would be seen by the sanitizers. */
    fill(2);
    size_t written = interval_encode(bytes, &interval);
    unsigned refused = 0;
    interval_row_init(&row);
    for (size_t bit = 0; bit < written * 8; bit++) {
        struct err err = {OK, ""};
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        interval_row_reset(&row);
        enum err_code code = interval_decode_add(&row, bytes, written, NULL, &err);
        ck_assert(code == OK || code == E_DATA);
        refused += code != OK;
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    ck_assert_uint_gt(refused, written);
}

#define HEADER_FIELDS 15
#define STOPS_FIELD 14
#define STOPS_MAX 2

/* Header fields, the last one says how many stops follow; error kinds and nothing else. */
static size_t write_record(const uint64_t header[HEADER_FIELDS + 2 * STOPS_MAX],
                           const uint64_t *kinds, uint64_t kind_count)
{
    unsigned char *body = bytes + INTERVAL_SECTION_HEAD_BYTES;
    const uint64_t stops = header[STOPS_FIELD] < STOPS_MAX ? header[STOPS_FIELD] : STOPS_MAX;
    size_t used = 0;
    for (unsigned i = 0; i < HEADER_FIELDS + 2 * stops; i++)
        used += varint_encode(body + used, header[i]);
    const size_t at = interval_section_close(bytes, INTERVAL_SECTION_HEADER, used);
    body = bytes + at + INTERVAL_SECTION_HEAD_BYTES;
    used = varint_encode(body, kind_count);
    for (unsigned i = 0; i < 2 * kind_count; i++)
        used += varint_encode(body + used, kinds[i]);
    return at + interval_section_close(bytes + at, INTERVAL_SECTION_ERROR_KINDS, used);
}

TEST(contradictions_are_refused)
{
    /* Breaks when a hostile record is taken at its word, or one with more than is known is refused. */
    static const struct {
        uint64_t header[HEADER_FIELDS + 2 * STOPS_MAX];
        uint64_t kinds[4];
        uint64_t kind_count;
        enum err_code expected;
        enum interval_section unknown; /* 0: all is known */
    } samples[] = {
        {{1, 2, 0, 5, 6}, {0, 1, 31, 1}, 2, OK, 0},
        {{2, 1, 0, 5, 6}, {0}, 0, E_DATA, 0},
        {{1, 1ull << 32, 0, 5, 6}, {0}, 0, E_DATA, 0},
        {{1, 2, 64, 5, 6}, {0}, 0, OK, INTERVAL_SECTION_HEADER},
        {{1, 2, 1ull << 32, 5, 6}, {0}, 0, OK, INTERVAL_SECTION_HEADER},
        {{1, 2, 0, 6, 5}, {0}, 0, E_DATA, 0},
        {{1, 2, 0, 5, 6, [STOPS_FIELD] = 2, 7, 8, 8, 9}, {0}, 0, OK, 0},
        {{1, 2, 0, 5, 6, [STOPS_FIELD] = 1, 8, 7}, {0}, 0, E_DATA, 0},
        {{1, 2, 0, 5, 6, [STOPS_FIELD] = 2, 5, 7, 6, 8}, {0}, 0, E_DATA, 0},
        {{1, 2, 0, 5, 6, [STOPS_FIELD] = STOPS_MAX + 1, 5, 6, 7, 8}, {0}, 0, E_DATA, 0},
        {{1, 2, 0, 5, 6}, {32, 1}, 1, OK, INTERVAL_SECTION_ERROR_KINDS},
        {{1, 2, 0, 5, 6}, {1ull << 32, 1}, 1, OK, INTERVAL_SECTION_ERROR_KINDS},
        {{1, 2, 0, 5, 6}, {4, 1, 4, 1}, 2, E_DATA, 0},
        {{1, 2, 0, 5, 6}, {UINT64_MAX, 1}, 1, E_DATA, 0},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct err err = {OK, ""};
        size_t written = write_record(samples[i].header, samples[i].kinds, samples[i].kind_count);
        interval_row_init(&row);
        ck_assert_msg(interval_decode_add(&row, bytes, written, NULL, &err) == samples[i].expected,
                      "sample %zu: %s", i, err.text);
        ck_assert_uint_eq(row.unknown[INTERVAL_UNKNOWN_SECTIONS],
                          samples[i].unknown != 0 ? 1ull << samples[i].unknown : 0);
    }
}

/* A section of these numbers. */
static size_t add_section(size_t at, unsigned section, const uint64_t *numbers, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        used += varint_encode(bytes + at + INTERVAL_SECTION_HEAD_BYTES + used, numbers[i]);
    return at + interval_section_close(bytes + at, section, used);
}

TEST(what_is_not_known_is_left_out)
{
    /* Breaks when a record of a newer version cannot be read, is read as something else, or when nobody can tell
     * that a part of it was not. */
    struct err err = {OK, ""};
    fill(3);
    interval.node_count = 0;
    memset(interval.nodes, 0, sizeof interval.nodes);
    fill_row(&row);
    size_t at = interval_encode(bytes, &interval);
    at = add_section(at, 70, (const uint64_t[]){1, 2, 3}, 3);
    at = add_section(at, 71, NULL, 0);
    at = add_section(at, INTERVAL_SECTION_COUNTERS, (const uint64_t[]){1, COUNTER_COUNT, 7}, 3);
    at = add_section(at, INTERVAL_SECTION_HISTOGRAM, (const uint64_t[]){HISTOGRAM_KINDS, 9}, 2);
    /* A node of 20 bytes: one more counter, all else 0, and a number behind it. */
    at = add_section(at, INTERVAL_SECTION_NODES,
                     (const uint64_t[]){11, 1, NODE_COUNTERS, 5, 0, 0, 0, 0, 0, 0, 0, 8}, 12);
    interval_row_init(&again);
    ck_assert_msg(interval_decode_add(&again, bytes, at, NULL, &err) == OK, "%s", err.text);
    ck_assert_uint_eq(again.node_count, 1);
    ck_assert(node_figures_empty(&again.nodes[0]));
    again.node_count = 0;
    assert_same_content(&again, &row);
    ck_assert_uint_eq(again.absent, 0);
    ck_assert_uint_eq(again.unknown[INTERVAL_UNKNOWN_SECTIONS],
                      1u << 6 | 1u << 7 | 1u << INTERVAL_SECTION_NODES);
    ck_assert_uint_eq(again.unknown[INTERVAL_UNKNOWN_COUNTERS], 1ull << COUNTER_COUNT % 64);
    ck_assert_uint_eq(again.unknown[INTERVAL_UNKNOWN_NODE_COUNTERS], 1ull << NODE_COUNTERS);
    ck_assert_uint_eq(again.unknown[INTERVAL_UNKNOWN_HISTOGRAMS], 1ull << HISTOGRAM_KINDS);
}

TEST(headers_of_other_lengths)
{
    /* Breaks when a gauge that is added to the header makes all earlier records, or later ones, unreadable. */
    static const uint64_t numbers[HEADER_FIELDS + 2] = {1, 2, 0, 5, 6, [HEADER_FIELDS] = 7, 8};
    struct interval_header header;
    for (size_t count = 5; count <= HEADER_FIELDS + 2; count++) {
        struct err err = {OK, ""};
        size_t written = add_section(0, INTERVAL_SECTION_HEADER, numbers, count);
        ck_assert_int_eq(interval_decode_header(&header, bytes, written, &err), OK);
        ck_assert_uint_eq(header.end_ns, 6);
        ck_assert_uint_eq(header.backlog_after, 0);
        interval_row_init(&row);
        ck_assert_int_eq(interval_decode_add(&row, bytes, written, NULL, &err), OK);
        ck_assert_uint_eq(row.unknown[INTERVAL_UNKNOWN_SECTIONS],
                          count > HEADER_FIELDS ? 1u << INTERVAL_SECTION_HEADER : 0);
        ck_assert_uint_eq(row.absent, (1u << HISTOGRAM_KINDS) - 1);
    }
}

TEST(overflow_is_refused)
{
    /* Breaks when a hostile counter makes a total wrap around. */
    struct err err = {OK, ""};
    interval_init(&interval);
    interval.counters[COUNTER_BYTES_IN] = 1;
    size_t written = interval_encode(bytes, &interval);
    interval_row_init(&row);
    row.counters[COUNTER_BYTES_IN] = UINT64_MAX;
    ck_assert_int_eq(interval_decode_add(&row, bytes, written, NULL, &err), E_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "overflow"));
    interval_reset(&interval);
    interval.errors_by_kind[4] = 1;
    written = interval_encode(bytes, &interval);
    interval_row_reset(&row);
    row.errors_by_kind[4] = UINT64_MAX;
    err.code = OK;
    ck_assert_int_eq(interval_decode_add(&row, bytes, written, NULL, &err), E_DATA);
}

TEST(reset_is_as_new)
{
    /* Breaks when an interval starts with something of the one before. */
    static struct interval fresh;
    static struct interval_row fresh_row;
    fill(4);
    fill_row(&row);
    interval_reset(&interval);
    interval_row_reset(&row);
    ck_assert_mem_eq(classes, fresh_row.classes, sizeof classes);
    ck_assert_mem_eq(parts, fresh_row.parts, sizeof parts);
    for (unsigned i = 0; i < interval.class_count * CLASS_TIMES; i++)
        ck_assert_uint_eq(class_windows[i].count, 0);
    interval.class_count = 0; /* its memory stays */
    interval.classes = NULL;
    interval.class_windows = NULL;
    interval.part_count = 0;
    interval.parts = NULL;
    interval_init(&fresh);
    interval_row_init(&fresh_row);
    for (unsigned i = 0; i < 2 * CLASS_TIMES; i++) /* of classes that were there */
        histogram_init(&fresh_row.class_windows[i]);
    ck_assert_mem_eq(&interval, &fresh, sizeof fresh);
    ck_assert_mem_eq(&row, &fresh_row, sizeof fresh_row);
}

/* Damages one number of a good interval. Returns false when there is no such damage. */
static bool break_identity(unsigned which)
{
    static const enum counter terms[] = {COUNTER_SENT,
                                         COUNTER_OK,
                                         COUNTER_ERROR_REPLIES,
                                         COUNTER_TIMED_OUT,
                                         COUNTER_LOST_TIMEOUT,
                                         COUNTER_LOST_DISCONNECT,
                                         COUNTER_LOST_PROTOCOL,
                                         COUNTER_LOST_DRAIN,
                                         COUNTER_LOST_WORKER,
                                         COUNTER_DUE,
                                         COUNTER_SHED_LATE,
                                         COUNTER_SHED_WORKER,
                                         COUNTER_FOLLOW_UPS,
                                         COUNTER_FOLLOW_UPS_OK,
                                         COUNTER_FOLLOW_UPS_ERRORS,
                                         COUNTER_FOLLOW_UPS_TIMED_OUT,
                                         COUNTER_FOLLOW_UPS_LOST};
    static const unsigned term_count = sizeof terms / sizeof terms[0];
    if (which < term_count) {
        interval.counters[terms[which]]++;
        return true;
    }
    switch (which - term_count) {
    case 0:
        interval.header.in_flight_before++;
        return true;
    case 1:
        interval.header.in_flight_after--;
        return true;
    case 2:
        interval.histograms[HISTOGRAM_SERVICE_OK].count++;
        return true;
    case 3:
        interval.histograms[HISTOGRAM_SERVICE_ERROR].count--;
        return true;
    case 4:
        interval.errors_by_kind[5]++;
        return true;
    case 5: /* the sums of the first identity still agree */
        interval.counters[COUNTER_OK]++;
        interval.counters[COUNTER_SENT]++;
        interval.counters[COUNTER_DUE]++;
        return true;
    case 6:
        interval.counters[COUNTER_ERROR_REPLIES]--;
        interval.counters[COUNTER_SENT]--;
        interval.counters[COUNTER_DUE]--;
        return true;
    case 7:
        interval.header.backlog_after++;
        return true;
    case 8: /* the sums agree, but no slips and response times were kept */
        interval.header.flags |= INTERVAL_OPEN_LOOP;
        return true;
    case 9: /* a closed loop has no slips */
        interval.histograms[HISTOGRAM_SLIP].count++;
        return true;
    case 10: /* ... and no waits */
        interval.histograms[HISTOGRAM_WAIT].count++;
        return true;
    case 11: /* an answer of nobody */
        interval.nodes[0].counters[NODE_OK]--;
        return true;
    case 12:
        interval.nodes[0].counters[NODE_ERRORS]++;
        return true;
    case 13: /* the wait of nobody */
        interval.histograms[HISTOGRAM_SERVICE_UNANSWERED].count++;
        return true;
    case 15:
        classes[1].counters[CLASS_SENT]++;
        return true;
    case 16:
        classes[0].counters[CLASS_LOST]++;
        return true;
    case 17:
        classes[0].times[CLASS_SERVICE].counts[5]++;
        return true;
    case 18: /* no intended times, either */
        classes[1].times[CLASS_RESPONSE].counts[5]++;
        return true;
    case 19:
        classes[0].counters[CLASS_HITS]++;
        return true;
    case 20:
        parts[4].counters[CLASS_OK]++;
        return true;
    case 14: /* a closed loop has no intended times */
        interval.histograms[HISTOGRAM_RESPONSE_UNANSWERED].count++;
        return true;
    default:
        return false;
    }
}

TEST(broken_identities_are_found)
{
    /* Breaks when volley's own accounting errors pass for a result. */
    struct err err = {OK, ""};
    fill(5);
    fill_row(&row);
    ck_assert_msg(interval_row_check(&row, &err) == OK, "%s", err.text);
    unsigned which = 0;
    for (; break_identity(which); which++) {
        fill_row(&row);
        err.code = OK;
        ck_assert_msg(interval_row_check(&row, &err) == E_UNTRUSTED, "damage %u", which);
        ck_assert_ptr_nonnull(strstr(err.text, "interval 7"));
        fill(5);
    }
    ck_assert_uint_eq(which, 38);
}

TEST(what_was_due_and_got_no_reply_has_a_wait)
{
    /* Breaks when the waits of an open loop's shed tickets, or of its backlog at the end, are forgotten. */
    struct err err = {OK, ""};
    fill(9); /* one class */
    interval.part_count = 0;
    interval.header.flags |= INTERVAL_OPEN_LOOP;
    interval.histograms[HISTOGRAM_RESPONSE_OK].count = interval.counters[COUNTER_OK];
    interval.histograms[HISTOGRAM_SLIP].count = interval.counters[COUNTER_SENT];
    interval.histograms[HISTOGRAM_WAIT].count = interval.counters[COUNTER_SENT];
    uint64_t known =
        interval.histograms[HISTOGRAM_SERVICE_UNANSWERED].count + counters_shed(interval.counters);
    const struct {
        uint32_t flags;
        uint64_t waits;
        bool good; /* a row may hold the last record of one worker, and not of others */
    } cases[] = {
        {0, known, true},
        {0, known - 1, false},
        {0, known + 1, true},
        {0, known + 51, false},
        {INTERVAL_LAST, known, true},
        {INTERVAL_LAST, known + 49, true},
        {INTERVAL_LAST, known + 50, true},
        {INTERVAL_LAST, known + 51, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        interval.header.flags = INTERVAL_OPEN_LOOP | cases[i].flags;
        interval.histograms[HISTOGRAM_RESPONSE_UNANSWERED].count = cases[i].waits;
        fill_row(&row);
        row.histograms[HISTOGRAM_RESPONSE_UNANSWERED].count = cases[i].waits;
        row.histograms[HISTOGRAM_RESPONSE_OK].count = interval.counters[COUNTER_OK];
        row.histograms[HISTOGRAM_SLIP].count = interval.counters[COUNTER_SENT];
        row.histograms[HISTOGRAM_WAIT].count = interval.counters[COUNTER_SENT];
        err.code = OK;
        ck_assert_msg((interval_row_check(&row, &err) == OK) == cases[i].good, "case %zu: %s", i,
                      err.text);
    }
}

TEST(degraded_stands_outside)
{
    /* Breaks when a killed worker makes the whole run untrusted. */
    struct err err = {OK, ""};
    fill(6);
    interval.counters[COUNTER_SENT] += 3;
    fill_row(&row);
    ck_assert_int_eq(interval_row_check(&row, &err), E_UNTRUSTED);
    err.code = OK;
    interval.header.flags |= INTERVAL_DEGRADED;
    fill_row(&row);
    ck_assert_int_eq(interval_row_check(&row, &err), OK);
}

TEST(every_counter_has_a_name)
{
    /* Breaks when JSON gets two keys alike or none. */
    for (unsigned i = 0; i < COUNTER_COUNT; i++) {
        ck_assert_ptr_nonnull(counter_names[i]);
        ck_assert_uint_gt(strlen(counter_names[i]), 0);
        for (unsigned j = 0; j < i; j++)
            ck_assert_str_ne(counter_names[i], counter_names[j]);
    }
    ck_assert_str_eq(counter_names[COUNTER_LOST_DRAIN], "lost_drain");
}

TEST(lost_is_the_sum_of_its_causes)
{
    /* Breaks when a cause of loss is left out of the total. */
    uint64_t counters[COUNTER_COUNT];
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        counters[i] = i < 32 ? 1ull << i : 1ull << 40; /* what is behind them is no loss */
    ck_assert_uint_eq(counters_lost(counters),
                      1ull << COUNTER_LOST_TIMEOUT | 1ull << COUNTER_LOST_DISCONNECT |
                          1ull << COUNTER_LOST_PROTOCOL | 1ull << COUNTER_LOST_DRAIN |
                          1ull << COUNTER_LOST_WORKER);
}

TEST_SUITE(interval)
