/* Journals of other versions. Those in tests/support/journals are never made anew: each is of the version whose
 * commit it is named by, and there is one of each layout that a record of an interval has had. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "orchestrator/report/journal_format.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"

#define KEPT_DIRECTORY "tests/support/journals"
#define NODES_MAX 3

/* What that version itself wrote to run.json at the end of the run. */
static const struct kept {
    const char *name;
    long long sent, ok;
    double p50_us, max_us; /* open loop: response times; cluster: service times */
    size_t own_stops;
    struct {
        long long ok;
        double max_us;
    } nodes[NODES_MAX];
} kept[] = {
    /* clang-format off: a row reads best as a whole */
    {"57b9076-open", 125, 125, 5292.031, 242780.67, 0, {{0}}},
    {"57b9076-cluster",
     300,
     300,
     50.623,
     3826.953,
     0,
     {{101, 2814.552}, {105, 3826.953}, {94, 2878.087}}},
    {"52ce1b2-open", 125, 125, 1252.351, 241225.968, 0, {{0}}},
    {"5d2ec94-open", 125, 125, 2977.791, 240081.698, 0, {{0}}},
    {"f152c4c-open", 125, 125, 1872.895, 244320.184, 1, {{0}}},
    {"7763c9e-open", 125, 125, 1254.399, 242781.624, 1, {{0}}},
    {"1603014-open", 125, 125, 1534.975, 241172.67, 1, {{0}}},
    {"9bec8dc-open", 125, 125, 1805.311, 241749.625, 1, {{0}}},
    {"9bec8dc-cluster",
     300,
     300,
     84.159,
     4814.216,
     0,
     {{101, 2787.032}, {105, 2809.996}, {94, 4814.216}}},
    {"bbb83ea-open", 225, 225, 19759.103, 243719.782, 2, {{0}}},
    {"bbb83ea-cluster",
     300,
     300,
     39.391,
     1875.691,
     0,
     {{101, 356.518}, {105, 265.373}, {94, 1875.691}}},
    {"6d37f29-open", 225, 225, 26411.007, 250367.915, 2, {{0}}},
    {"6d37f29-cluster",
     300,
     300,
     35.167,
     1389.66,
     0,
     {{101, 1389.66}, {105, 161.92}, {94, 518.789}}},
    {"45d4b2f-classes-open", 100, 100, 300.543, 725.523, 0, {{0}}},
    {"5b9185c-open",
     230,
     230,
     247.039,
     545922.381,
     0,
     {{0}}}, /* the last with records of samples and events */
    /* clang-format on */
};
#define KEPT_COUNT (sizeof kept / sizeof kept[0])
#define WITH_EVENTS (&kept[KEPT_COUNT - 1])
#define WITH_CLASSES (&kept[KEPT_COUNT - 2])

static char *directory;

static void set_up(void)
{
    directory = fixture_directory();
}

static void tear_down(void)
{
    fixture_remove(directory);
}

static json_t *report(struct program *program, const char *journal, size_t byte_count)
{
    char path[256];
    snprintf(path, sizeof path, "%s/journal", directory);
    FILE *out = fopen(path, "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(journal, 1, byte_count, out), byte_count);
    ck_assert_int_eq(fclose(out), 0);
    program_run_volley(program, "report", directory, "--json", "-", NULL);
    ck_assert_msg(program->exit_status == 0, "%s", program->err);
    json_t *root = json_loads(program->out, 0, NULL);
    ck_assert_ptr_nonnull(root);
    return root;
}

static char *read_kept(const struct kept *journal, size_t *byte_count)
{
    char *bytes = fixture_read_file(KEPT_DIRECTORY, journal->name, byte_count);
    ck_assert_msg(bytes != NULL, KEPT_DIRECTORY "/%s cannot be read", journal->name);
    return bytes;
}

static void expect_figures(const json_t *root, const struct kept *expected)
{
    const json_t *run = run_json_at(root, 0);
    const char *times = strstr(expected->name, "-open") != NULL ? "response" : "service";
    char path[64];
    ck_assert_double_eq(run_json_number(run, "requests.sent"), (double)expected->sent);
    ck_assert_double_eq(run_json_number(run, "requests.ok"), (double)expected->ok);
    snprintf(path, sizeof path, "%s_time_us.p50", times);
    ck_assert_double_eq_tol(run_json_number(run, path), expected->p50_us, 1e-6);
    snprintf(path, sizeof path, "%s_time_us.max", times);
    ck_assert_double_eq_tol(run_json_number(run, path), expected->max_us, 1e-6);
    const json_t *stops = json_object_get(json_object_get(run, "failures"), "own_stops");
    ck_assert_uint_eq(json_array_size(stops), expected->own_stops);
    for (size_t i = 0; i < NODES_MAX && expected->nodes[i].ok > 0; i++) {
        const json_t *node = json_array_get(json_object_get(run, "nodes"), i);
        ck_assert_double_eq(run_json_number(node, "ok"), (double)expected->nodes[i].ok);
        ck_assert_double_eq_tol(run_json_number(node, "response_time_us.max"),
                                expected->nodes[i].max_us, 1e-6);
    }
}

LOOP_TEST(a_kept_journal_is_reported, KEPT_COUNT)
{
    /* breaks if a change of the records, or of what is read of them, loses the runs of an earlier version */
    struct program program;
    size_t byte_count = 0;
    char *bytes = read_kept(&kept[_i], &byte_count);
    json_t *root = report(&program, bytes, byte_count);
    expect_figures(root, &kept[_i]);
    ck_assert_msg(strstr(program.err, "newer") == NULL, "%s", program.err);
    json_decref(root);
    program_free(&program);
    free(bytes);
}

TEST(samples_and_events_are_read)
{
    /* breaks if what a journal has beside its intervals is lost, or told with other figures */
    struct program program;
    size_t byte_count = 0;
    char *bytes = read_kept(WITH_EVENTS, &byte_count);
    json_t *root = report(&program, bytes, byte_count);
    const json_t *events = json_object_get(run_json_at(root, 0), "events");
    static const char *const sources[] = {"ctl", "note", "chaos", "chaos", "chaos", "chaos"};
    ck_assert_uint_eq(json_array_size(events), sizeof sources / sizeof sources[0]);
    for (size_t i = 0; i < json_array_size(events); i++)
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(events, i), "source")),
                         sources[i]);
    json_decref(root);
    program_free(&program);
    program_run_volley(&program, "report", directory, NULL);
    ck_assert_ptr_nonnull(strstr(program.out, "\nSamples: 13\nSamples without an answer: 1\n"));
    ck_assert_ptr_nonnull(strstr(program.out, "\nFewest and most keys: 0, 163\n"));
    program_free(&program);
    free(bytes);
}

TEST(classes_are_read)
{
    /* breaks if classes of requests, what follows a miss among them, lose their names, counts or times */
    static const struct {
        const char *name;
        double sent, hits, misses, p50_us, max_us;
    } classes[] = {{"read", 77, 56, 21, 300.543, 725.523},
                   {"write", 23, 0, 0, 304.127, 381.858},
                   {"fill", 0, 0, 0, NAN, NAN},
                   {"read:on_miss", 21, 0, 0, 65.503, 85.139}};
    struct program program;
    size_t byte_count = 0;
    char *bytes = read_kept(WITH_CLASSES, &byte_count);
    json_t *root = report(&program, bytes, byte_count);
    const json_t *read = json_object_get(run_json_at(root, 0), "classes");
    ck_assert_uint_eq(json_array_size(read), sizeof classes / sizeof classes[0]);
    for (size_t i = 0; i < json_array_size(read); i++) {
        const json_t *class = json_array_get(read, i);
        ck_assert_str_eq(json_string_value(json_object_get(class, "name")), classes[i].name);
        ck_assert_double_eq(run_json_number(class, "requests.sent"), classes[i].sent);
        ck_assert_double_eq(run_json_number(class, "requests.ok"), classes[i].sent);
        ck_assert_double_eq(run_json_number(class, "requests.hits"), classes[i].hits);
        ck_assert_double_eq(run_json_number(class, "requests.misses"), classes[i].misses);
        if (isnan(classes[i].p50_us))
            continue;
        ck_assert_double_eq_tol(run_json_number(class, "response_time_us.p50"), classes[i].p50_us,
                                1e-6);
        ck_assert_double_eq_tol(run_json_number(class, "response_time_us.max"), classes[i].max_us,
                                1e-6);
    }
    ck_assert_double_eq(run_json_number(run_json_at(root, 0), "follow_ups.ok"), 21);
    json_decref(root);
    program_free(&program);
    free(bytes);
}

TEST(what_was_not_measured_is_not_zero)
{
    /* breaks if a report calls a run good in something that its version did not measure */
    struct program program;
    size_t byte_count = 0;
    char *bytes = read_kept(&kept[0], &byte_count);
    json_t *root = report(&program, bytes, byte_count);
    const json_t *verdict = json_object_get(run_json_at(root, 0), "verdict");
    const json_t *check;
    size_t index, unmeasured = 0;
    json_array_foreach(json_object_get(verdict, "checks"), index, check)
    {
        const char *text = json_string_value(json_object_get(check, "text"));
        unmeasured += strcmp(text, "not measured") == 0;
    }
    ck_assert_uint_eq(unmeasured, 2); /* loop_lag, wait */
    json_decref(root);
    program_free(&program);
    program_run_volley(&program, "report", directory, NULL);
    ck_assert_ptr_nonnull(strstr(program.out, "0.037             -       242.773\n"));
    program_free(&program);
    free(bytes);
}

/* The length of the record that begins here. */
static size_t record_bytes(const char *record)
{
    return JOURNAL_HEAD_BYTES + journal_get_u32((const unsigned char *)record + 4) +
           JOURNAL_CRC_BYTES;
}

static size_t add_record(unsigned char *journal, size_t at, uint32_t type, const char *bytes,
                         uint32_t length)
{
    unsigned char *record = journal + at;
    journal_put_u32(record, type);
    journal_put_u32(record + 4, length);
    memcpy(record + JOURNAL_HEAD_BYTES, bytes, length);
    uLong crc = crc32(crc32(0, NULL, 0), record, JOURNAL_HEAD_BYTES + length);
    journal_put_u32(record + JOURNAL_HEAD_BYTES + length, (uint32_t)crc);
    return at + JOURNAL_HEAD_BYTES + length + JOURNAL_CRC_BYTES;
}

/* Three sections behind an interval's own: one that is unknown, a counter, and a kind of histogram. */
static uint32_t add_sections(char *interval, uint32_t length)
{
    const char sections[] = {99, 2,   'h', 'i', INTERVAL_SECTION_COUNTERS,
                             3,  1,   120, 1,   INTERVAL_SECTION_HISTOGRAM,
                             2,  100, 1};
    memcpy(interval + length, sections, sizeof sections);
    return length + (uint32_t)sizeof sections;
}

TEST(a_newer_journal_is_reported)
{
    /* breaks if what a newer version adds to a journal hides what this one knows, or is left out in silence */
    struct program program;
    static const char event[] =
        "{\"at_ns\":1,\"end_ns\":2,\"ok\":true,\"text\":\"\",\"cause\":\"\","
        "\"source\":\"?\",\"more\":3}";
    static const char note[] =
        "{\"at_ns\":1,\"end_ns\":2,\"ok\":true,\"text\":\"x\",\"cause\":\"\","
        "\"source\":\"note\",\"values\":{\"keys\":1,\"heat\":36.6}}";
    size_t byte_count = 0, used = JOURNAL_MAGIC_BYTES;
    char *bytes = read_kept(WITH_EVENTS, &byte_count);
    unsigned char *newer = malloc(2 * byte_count);
    char *interval = malloc(2 * byte_count);
    memcpy(newer, bytes, JOURNAL_MAGIC_BYTES);
    for (size_t at = JOURNAL_MAGIC_BYTES; at < byte_count; at += record_bytes(bytes + at)) {
        const uint32_t type = journal_get_u32((unsigned char *)bytes + at);
        uint32_t length =
            (uint32_t)(record_bytes(bytes + at) - JOURNAL_HEAD_BYTES - JOURNAL_CRC_BYTES);
        memcpy(interval, bytes + at + JOURNAL_HEAD_BYTES, length);
        if (type == JOURNAL_INTERVAL)
            length = add_sections(interval, length);
        used = add_record(newer, used, 77, "?", 1);
        used = add_record(newer, used, type, interval, length);
        if (type == JOURNAL_RUN_BEGIN)
            used = add_record(newer, used, JOURNAL_NOTE, event, sizeof event - 1);
        if (type == JOURNAL_RUN_BEGIN)
            used = add_record(newer, used, JOURNAL_NOTE, note, sizeof note - 1);
    }
    json_t *root = report(&program, (char *)newer, used);
    run_json_check(root);
    expect_figures(root, WITH_EVENTS);
    const char *said = strstr(program.err, "newer");
    ck_assert_msg(said != NULL && strstr(said + 1, "newer") == NULL, "%s", program.err);
    ck_assert_msg(strstr(said, "volley: 6 kinds of figures in it are unknown to this version and "
                               "left out") != NULL,
                  "%s", program.err);
    json_decref(root);
    program_free(&program);
    free(interval);
    free(newer);
    free(bytes);
}

TEST_SUITE_WITH(journal_layouts, .set_up = set_up, .tear_down = tear_down)
