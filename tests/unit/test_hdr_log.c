#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/histogram_wire.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static char *directory;
static char path[256];

static void set_up(void)
{
    directory = fixture_directory();
    snprintf(path, sizeof path, "%s/latency.hlog", directory);
}

static void tear_down(void)
{
    fixture_remove(directory);
}

/* One line of the log, taken apart. */
struct line {
    char tag[64];
    double start, length, max;
    uint32_t digits;
    uint64_t lowest, highest;
    double ratio;
    uint64_t count, low, high; /* of the values' bucket edges */
};

static int base64_value(char digit)
{
    const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = digit != '\0' ? strchr(digits, digit) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

static size_t base64_decode(unsigned char *out, const char *in)
{
    size_t used = 0;
    unsigned group = 0, digits = 0;
    for (; base64_value(*in) >= 0; in++) {
        group = group << 6 | (unsigned)base64_value(*in);
        if (++digits % 4 == 0) {
            for (int shift = 16; shift >= 0; shift -= 8)
                out[used++] = (unsigned char)(group >> shift);
            group = 0;
        }
    }
    if (digits % 4 == 2)
        out[used++] = (unsigned char)(group >> 4);
    if (digits % 4 == 3) {
        out[used++] = (unsigned char)(group >> 10);
        out[used++] = (unsigned char)(group >> 2);
    }
    size_t padding = strspn(in, "=");
    ck_assert_uint_eq(padding, (4 - digits % 4) % 4);
    ck_assert(in[padding] == '\n');
    return used;
}

static uint64_t big_endian(const unsigned char *in, int byte_count)
{
    uint64_t value = 0;
    for (int i = 0; i < byte_count; i++)
        value = value << 8 | in[i];
    return value;
}

/* The ZigZag LEB128 numbers of the payload: counts, and -n for n empty buckets. */
static void read_payload(struct line *line, const unsigned char *in, size_t in_bytes)
{
    uint32_t index = 0;
    for (size_t used = 0; used < in_bytes;) {
        uint64_t raw;
        size_t now = varint_decode(&raw, in + used, in_bytes - used);
        ck_assert_uint_gt(now, 0);
        used += now;
        int64_t number = (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
        if (number < 0) {
            index += (uint32_t)-number;
            continue;
        }
        if (number > 0) {
            line->count += (uint64_t)number;
            line->high = histogram_highest_value(index);
            if (line->low == 0)
                line->low = histogram_lowest_value(index);
        }
        index++;
    }
}

static struct line read_line(const char *text)
{
    struct line line = {.count = 0};
    int head = 0;
    ck_assert_msg(sscanf(text, "Tag=%63[^,],%lf,%lf,%lf,%n", line.tag, &line.start, &line.length,
                         &line.max, &head) == 4,
                  "%.80s", text);
    unsigned char *packed = calloc(1, strlen(text));
    unsigned char *encoded = calloc(1, HISTOGRAM_WIRE_MAX_BYTES);
    size_t packed_bytes = base64_decode(packed, text + head);
    ck_assert_uint_eq(big_endian(packed, 4), 0x1c849314);
    ck_assert_uint_eq(big_endian(packed + 4, 4), packed_bytes - 8);
    uLongf encoded_bytes = HISTOGRAM_WIRE_MAX_BYTES;
    ck_assert_int_eq(uncompress(encoded, &encoded_bytes, packed + 8, packed_bytes - 8), Z_OK);
    ck_assert_uint_eq(big_endian(encoded, 4), 0x1c849313);
    ck_assert_uint_eq(big_endian(encoded + 4, 4), encoded_bytes - 40);
    ck_assert_uint_eq(big_endian(encoded + 8, 4), 0);
    line.digits = (uint32_t)big_endian(encoded + 12, 4);
    line.lowest = big_endian(encoded + 16, 8);
    line.highest = big_endian(encoded + 24, 8);
    uint64_t bits = big_endian(encoded + 32, 8);
    memcpy(&line.ratio, &bits, sizeof line.ratio);
    read_payload(&line, encoded + 40, encoded_bytes - 40);
    free(packed);
    free(encoded);
    return line;
}

static char *play(void (*play_session)(struct timeline *timeline,
                                       const struct session_facts *session))
{
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_msg(sink_hdr_log(&sink, path, OUTPUT_NAMED, &err) == OK, "%s", err.text);
    timeline_add(&timeline, sink);
    play_session(&timeline, &session);
    ck_assert(!timeline.failed[0]);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    return fixture_read_file(directory, "latency.hlog", NULL);
}

TEST(every_line_decodes_to_what_was_counted)
{
    /* breaks if another HDR tool reads other values than volley measured */
    static const struct {
        const char *tag;
        double start, max;
        uint64_t count, value;
    } expected[] = {{"GET-service", 1, 2.5, 1000, 150000},
                    {"GET-error", 1, 0.05, 2, 50000},
                    {"GET-service", 2, 0, 0, 0},
                    {"GET-service", 3, 0.15, 500, 150000},
                    {"GET-service_unanswered", 3, 2000, 1, 2000000000}};
    char *text = play(fixture_play);
    const char *head = "#[Histogram log format version 1.3]\n"
                       "#[StartTime: 1800000000.000 (seconds since epoch), "
                       "Fri Jan 15 08:00:00 UTC 2027]\n"
                       "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                       "\"Interval_Compressed_Histogram\"\n";
    ck_assert_msg(strncmp(text, head, strlen(head)) == 0, "%.300s", text);
    const char *at = text + strlen(head);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct line line = read_line(at);
        ck_assert_str_eq(line.tag, expected[i].tag);
        ck_assert_double_eq_tol(line.start, expected[i].start, 1e-9);
        ck_assert_double_eq_tol(line.length, 1.0, 1e-9);
        ck_assert_double_eq_tol(line.max, expected[i].max, 1e-9);
        ck_assert_uint_eq(line.digits, 3);
        ck_assert_uint_eq(line.lowest, 1);
        ck_assert_uint_eq(line.highest, 3600000000000ull);
        ck_assert_double_eq(line.ratio, 1.0);
        ck_assert_uint_eq(line.count, expected[i].count);
        ck_assert_uint_le(line.low, expected[i].value);
        ck_assert_uint_ge(line.high, expected[i].value);
        at = strchr(at, '\n') + 1;
    }
    ck_assert_str_eq(at, "");
    free(text);
}

TEST(an_open_loop_has_four_times)
{
    /* breaks if the log of a run at a rate lacks the response time, or swaps it with the others */
    static const struct {
        const char *tag;
        size_t second;
        uint64_t count, high;
    } expected[] = {{"GET-response", 1, 900, 200000},
                    {"GET-service", 1, 900, 150000},
                    {"GET-wait", 1, 900, 0},
                    {"GET-slip", 1, 900, 50000},
                    {"GET-response", 2, 0, 0},
                    {"GET-service", 2, 0, 0},
                    {"GET-wait", 2, 0, 0},
                    {"GET-slip", 2, 0, 0},
                    {"GET-response_unanswered", 2, 400, 900000000},
                    {"GET-response", 3, 1000, 900000000},
                    {"GET-service", 3, 1000, 250000},
                    {"GET-wait", 3, 1020, 0},
                    {"GET-slip", 3, 1020, 899750000},
                    {"GET-response_unanswered", 3, 700, 950000000},
                    {"GET-service_unanswered", 3, 20, 51000000}};
    char *text = play(fixture_play_open);
    const char *at = strstr(text, "Tag=");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct line line = read_line(at);
        ck_assert_str_eq(line.tag, expected[i].tag);
        ck_assert_double_eq_tol(line.start, (double)expected[i].second, 1e-9);
        ck_assert_uint_eq(line.count, expected[i].count);
        ck_assert_double_eq_tol(line.max, (double)expected[i].high / 1e6, 1e-9);
        ck_assert_uint_ge(line.high, expected[i].high);
        ck_assert_double_le((double)line.high, (double)expected[i].high * 1.001);
        at = strchr(at, '\n') + 1;
    }
    ck_assert_str_eq(at, "");
    free(text);
}

/* A row of a run of classes that ends no window, and one that ends the window of both. */
static void play_windows(struct timeline *timeline, const struct session_facts *session)
{
    struct err err = {.code = OK};
    struct run_facts facts = fixture_class_facts();
    snprintf(facts.class_names[1], sizeof facts.class_names[1], "write, slow");
    timeline_session_begin(timeline, session);
    timeline_run_begin(timeline, &facts);
    for (uint32_t i = 0; i < 3; i++) {
        struct interval_row *row = fixture_row(i);
        row->header.flags = i == 0 ? INTERVAL_WARMUP : 0;
        fixture_class_ok(row, 0, 150000, 10);
        fixture_class_ok(row, 1, 900000, 20);
        row->window_ends = i != 1;
        if (i == 2)
            histogram_record_n(&row->class_windows[CLASS_TIMES], 900000, 20);
        ck_assert_int_eq(timeline_interval(timeline, row, &err), OK);
        free(row);
    }
    struct run_result *result = fixture_result();
    timeline_run_end(timeline, result);
    timeline_session_end(timeline);
    free(result);
}

TEST(classes_have_lines_of_their_own)
{
    /* Breaks when a class's times are left out, stand under a tag that readers do not get through, or a window of
     * several intervals passes for one of them. */
    char *text = play(play_windows);
    char *at = strstr(text, "\nTag=shop-service,2.000,1.000,");
    ck_assert_ptr_nonnull(at);
    at = strchr(at + 1, '\n') + 1;
    struct line read = read_line(at);
    ck_assert_str_eq(read.tag, "shop-read-service");
    ck_assert_uint_eq(read.count, 10);
    struct line write = read_line(strchr(at, '\n') + 1);
    ck_assert_str_eq(write.tag, "shop-write__slow-service");
    ck_assert_double_eq_tol(write.start, 1, 1e-9);
    ck_assert_double_eq_tol(write.length, 2, 1e-9);
    ck_assert_uint_eq(write.count, 40);
    ck_assert_ptr_null(strstr(text, "response"));
    free(text);
}

static void play_consumers(struct timeline *timeline, const struct session_facts *session)
{
    struct err err = {.code = OK};
    struct run_facts facts = fixture_class_facts();
    facts.part_count = 2;
    facts.parts[0] = (struct run_part){.name = "read:1", .command = "GET"};
    facts.parts[1] = (struct run_part){.name = "members", .consumes = true};
    timeline_session_begin(timeline, session);
    timeline_run_begin(timeline, &facts);
    struct interval_row *row = fixture_row(1);
    fixture_class_ok(row, 0, 150000, 10);
    row->part_count = 2;
    coarse_record(&row->parts[0].times[CLASS_SERVICE], 1000, 5);
    row->parts[0].counters[CLASS_OK] = 5;
    row->parts[1].counters[CLASS_OK] = 10;
    coarse_record(&row->parts[1].times[CLASS_SERVICE], 150000, 9);
    coarse_record(&row->parts[1].times[CLASS_SERVICE], 900000, 1);
    ck_assert_msg(timeline_interval(timeline, row, &err) == OK, "%s", err.text);
    free(row);
    struct run_result *result = fixture_result();
    timeline_run_end(timeline, result);
    timeline_session_end(timeline);
    free(result);
}

TEST(consumers_have_lines_of_their_own)
{
    /* Breaks when what consumers waited is left out, or stands in buckets that are more than 3.2 % above the truth. */
    char *text = play(play_consumers);
    const char *at = strstr(text, "\nTag=shop-members-service,");
    ck_assert_ptr_nonnull(at);
    const struct line line = read_line(at + 1);
    ck_assert_uint_eq(line.count, 10);
    ck_assert_double_eq_tol(line.max, 0.9, 1e-9);
    ck_assert_uint_ge(line.high, 900000);
    ck_assert_double_le((double)line.high, 900000 * 1.001);
    ck_assert_double_le((double)line.low, 150000 * 1.032);
    ck_assert_ptr_null(strstr(text, "read:1"));
    free(text);
}

TEST(later_runs_stand_later)
{
    /* breaks if the second test of a session overlaps the first, or a tag ends at a comma */
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_hdr_log(&sink, path, OUTPUT_NAMED, &err), OK);
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
    struct run_result *result = fixture_result();
    for (uint32_t i = 0; i < 3; i++) {
        struct run_facts facts = fixture_facts();
        facts.started_wall_ns += i * 5500000000ull;
        facts.prefill = i == 1;
        snprintf(facts.name, sizeof facts.name, "SET a,b\nc");
        timeline_run_begin(&timeline, &facts);
        struct interval_row *row = fixture_row(0);
        ck_assert_int_eq(timeline_interval(&timeline, row, &err), OK);
        free(row);
        timeline_run_end(&timeline, result);
    }
    timeline_session_end(&timeline);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    free(result);
    char *text = fixture_read_file(directory, "latency.hlog", NULL);
    const char *first = strstr(text, "\nTag=SET_a_b_c-service,0.000,1.000,0.000,");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first, "\nTag=SET_a_b_c-service,11.000,1.000,0.000,"));
    ck_assert_ptr_null(strstr(first, ",5.500,"));
    free(text);
}

TEST(a_log_that_cannot_be_created_is_refused)
{
    /* breaks if a bad --hdr is found out only after the load */
    struct sink sink;
    struct err err = {.code = OK};
    ck_assert_int_eq(sink_hdr_log(&sink, "/dev/null/x.hlog", OUTPUT_NAMED, &err), E_USAGE);
    err.code = OK;
    ck_assert_int_eq(sink_hdr_log(&sink, path, OUTPUT_NAMED, &err), OK);
    sink.destroy(sink.state);
    ck_assert_int_eq(fixture_count_files(directory), 0);
}

TEST_SUITE_WITH(hdr_log, .set_up = set_up, .tear_down = tear_down)
