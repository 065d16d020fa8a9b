/* Pages made of the sessions of other outputs' tests: what stands in them without a script, and in their data. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/clock.h"
#include "orchestrator/page/page_pack.h"
#include "orchestrator/page/page_state.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static char *html;
static size_t html_bytes;
static json_t *data;

static void tear_down(void)
{
    free(html);
    json_decref(data);
    html = NULL;
    data = NULL;
}

static int digit_of(char letter)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = letter != '\0' ? strchr(digits, letter) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* What a browser does with it. The caller frees. */
static char *unpack(const char *text, size_t text_bytes, size_t *byte_count)
{
    unsigned char *packed = malloc(text_bytes);
    size_t packed_bytes = 0, room = text_bytes * 40 + 65536;
    unsigned bits = 0, bit_count = 0;
    char *bytes = malloc(room);
    for (size_t i = 0; i < text_bytes && text[i] != '='; i++) {
        ck_assert_int_ge(digit_of(text[i]), 0);
        bits = bits << 6 | (unsigned)digit_of(text[i]);
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            packed[packed_bytes++] = (unsigned char)(bits >> bit_count);
        }
    }
    z_stream inflating = {.next_in = packed,
                          .avail_in = (uInt)packed_bytes,
                          .next_out = (unsigned char *)bytes,
                          .avail_out = (uInt)room};
    ck_assert_int_eq(inflateInit2(&inflating, 15 + 16), Z_OK);
    ck_assert_int_eq(inflate(&inflating, Z_FINISH), Z_STREAM_END);
    ck_assert_uint_eq(inflating.avail_in, 0);
    *byte_count = inflating.total_out;
    inflateEnd(&inflating);
    free(packed);
    return bytes;
}

typedef void play_function(struct timeline *timeline, const struct session_facts *session);

static void write_and_unpack(const struct page *page);

static void make(play_function *play, const char *label)
{
    static struct timeline timeline; /* too large for a stack */
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    struct page *page = page_create();
    session.label = label;
    ck_assert_ptr_nonnull(page);
    ck_assert_int_eq(page_result_add(page, NULL, &err), OK);
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    timeline_add(&timeline, page_listen(page));
    play(&timeline, &session);
    ck_assert(timeline_complete(&timeline));
    write_and_unpack(page);
    timeline_destroy(&timeline);
    page_destroy(page);
    fixture_session_free(&session);
}

static void write_and_unpack(const struct page *page)
{
    static const char opening[] = "<script id=\"data\" type=\"text/plain\">";
    struct err err = {.code = OK};
    struct output out = {.file = NULL};
    FILE *file = open_memstream(&html, &html_bytes);
    output_borrow(&out, file);
    ck_assert_int_eq(page_write(page, "runs", NULL, &out, &err), OK);
    fclose(file);
    const char *packed = strstr(html, opening);
    size_t byte_count;
    ck_assert_ptr_nonnull(packed);
    packed += strlen(opening);
    char *bytes = unpack(packed, strcspn(packed, "<"), &byte_count);
    data = json_loadb(bytes, byte_count, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(data);
    free(bytes);
}

static const json_t *result(void)
{
    return json_array_get(json_object_get(data, "results"), 0);
}

static const json_t *column(const char *name)
{
    const json_t *table = json_array_get(json_object_get(result(), "tables"), 0);
    return json_object_get(json_object_get(table, "columns"), name);
}

static double value(const char *name, size_t row)
{
    const json_t *cell = json_array_get(json_object_get(column(name), "low"), row);
    return json_is_number(cell) ? json_number_value(cell) : NAN;
}

TEST(values_are_those_of_the_rows)
{
    /* breaks when a page shows other numbers than the other outputs: 900, 0 and 1,000 of 1,000 due a second are answered */
    make(fixture_play_open, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(data, "schema")), "volley.page/1");
    ck_assert_double_eq(value("rate.target", 1), 1000);
    ck_assert_double_eq(value("requests.ok", 1), 900);
    ck_assert_double_eq(value("requests.ok", 2), 0);
    ck_assert_double_eq(value("requests.ok", 3), 1000);
    ck_assert_str_eq(json_string_value(json_object_get(column("requests.ok"), "unit")),
                     "requests/s");
    ck_assert_ptr_null(column("requests.moved")); /* what did not happen is not there */
}

TEST(regions_are_runs_and_warm_ups)
{
    /* breaks when the warm-up of a run cannot be told from what was measured */
    make(fixture_play_open, NULL);
    const json_t *regions = json_object_get(result(), "regions");
    ck_assert_uint_eq(json_array_size(regions), 2);
    const json_t *warmup = json_array_get(regions, 0);
    ck_assert_str_eq(json_string_value(json_object_get(warmup, "kind")), "warmup");
    ck_assert_double_eq(json_number_value(json_object_get(warmup, "end")), 1);
}

static void play_run(struct timeline *timeline, bool prefill, uint64_t started_s, uint64_t requests)
{
    struct err err = {.code = OK};
    struct run_facts facts = fixture_facts();
    struct run_result *ended = fixture_result();
    struct interval_row *row = fixture_row(0);
    facts.prefill = prefill;
    snprintf(facts.prefill_for, sizeof facts.prefill_for, "GET");
    facts.started_wall_ns = FIXTURE_WALL_NS + started_s * NS_PER_SECOND;
    timeline_run_begin(timeline, &facts);
    fixture_answer(row, 150000, requests);
    ck_assert_int_eq(timeline_interval(timeline, row, &err), OK);
    timeline_run_end(timeline, ended);
    free(row);
    free(ended);
}

static void play_prefilled(struct timeline *timeline, const struct session_facts *session)
{
    timeline_session_begin(timeline, session);
    play_run(timeline, true, 0, 500000);
    play_run(timeline, false, 60, 1000);
    timeline_session_end(timeline);
}

TEST(a_prefill_is_no_result)
{
    /* breaks when the rate of a prefill, hundreds of times that of the run behind it, is drawn beside it, or its time is part
     * of the axis */
    make(play_prefilled, NULL);
    const json_t *regions = json_object_get(result(), "regions");
    ck_assert_uint_eq(json_array_size(regions), 1);
    ck_assert_double_eq(json_number_value(json_object_get(json_array_get(regions, 0), "start")), 0);
    ck_assert_double_eq(value("requests.ok", 0), 1000);
    ck_assert_uint_eq(json_array_size(json_object_get(column("requests.ok"), "low")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(result(), "spectra")), 1);
}

/* 1,000 are due in each row, and the last 40 of the warm-up are not sent. */
static void play_warmed_up(struct timeline *timeline, const struct session_facts *session,
                           uint64_t shed_after_ns)
{
    struct err err = {.code = OK};
    struct run_facts facts = fixture_open_facts();
    struct run_result *ended = fixture_result();
    facts.warmup_ns = NS_PER_SECOND;
    facts.shed_after_ns = shed_after_ns;
    timeline_session_begin(timeline, session);
    timeline_run_begin(timeline, &facts);
    for (uint32_t i = 0; i < 2; i++) {
        struct interval_row *row = fixture_row(i);
        fixture_answer_at(row, 150000, 0, i == 0 ? 960 : 1000);
        if (i == 0) {
            row->header.flags |= INTERVAL_WARMUP;
            row->counters[COUNTER_DUE] += 40;
            fixture_unanswered(row, COUNTER_SHED_LATE, NS_PER_MS, 0, 40);
        }
        ck_assert_int_eq(timeline_interval(timeline, row, &err), OK);
        free(row);
    }
    timeline_run_end(timeline, ended);
    timeline_session_end(timeline);
    free(ended);
}

static void play_warmup_left(struct timeline *timeline, const struct session_facts *session)
{
    play_warmed_up(timeline, session, 0);
}

static void play_warmup_shed(struct timeline *timeline, const struct session_facts *session)
{
    play_warmed_up(timeline, session, NS_PER_MS);
}

TEST(what_a_warmup_leaves_has_not_failed)
{
    /* breaks when requests that a warm-up had not sent when it was over are drawn as failures of a run that has none; or what
     * --shed-after dropped is not */
    make(play_warmup_left, NULL);
    ck_assert_double_eq(value("requests.ok", 0), 960);
    ck_assert_ptr_null(column("requests.shed"));
    tear_down();
    make(play_warmup_shed, NULL);
    ck_assert_double_eq(value("requests.shed", 0), 40);
}

TEST(heat_has_all_requests)
{
    /* breaks when requests are missing in the heat map, or counted twice */
    double sum = 0, ok = 0;
    make(fixture_play, NULL);
    const json_t *cells = json_object_get(json_object_get(result(), "heat"), "cells");
    for (size_t i = 2; i < json_array_size(cells); i += 3)
        sum += json_number_value(json_array_get(cells, i));
    const json_t *low = json_object_get(column("requests.ok"), "low");
    for (size_t i = 0; i < json_array_size(low); i++)
        ok += json_number_value(json_array_get(low, i));
    ck_assert_double_gt(sum, 0);
    ck_assert_double_eq(sum, ok);
}

TEST(outages_and_nodes)
{
    /* breaks when an outage is no mark, or nodes have no columns of their own */
    unsigned outages = 0, nodes = 0;
    size_t i;
    const json_t *item;
    make(fixture_play_cluster, NULL);
    json_array_foreach(json_object_get(result(), "marks"), i, item) outages +=
        strcmp(json_string_value(json_object_get(item, "source")), "outage") == 0;
    json_array_foreach(json_object_get(result(), "tables"), i, item) nodes +=
        strcmp(json_string_value(json_object_get(item, "of")), "node") == 0;
    ck_assert_uint_ge(outages, 2);
    ck_assert_uint_eq(nodes, 4);
}

TEST(text_is_no_markup)
{
    /* breaks when a label, which may be anybody's, becomes markup of the page, or an address that it loads */
    make(fixture_play, "</script><img src=x onerror=alert(1)>\x01\xff\"'&");
    ck_assert_ptr_null(strstr(html, "<img"));
    ck_assert_ptr_nonnull(
        strstr(html, "&#60;/script&#62;&#60;img src=x onerror=alert(1)&#62; \\xFF&#34;&#39;&#38;"));
    ck_assert_str_eq(json_string_value(json_object_get(data, "title")),
                     "</script><img src=x onerror=alert(1)>\x01\\xFF\"'&");
    unsigned scripts = 0;
    for (const char *at = html; (at = strstr(at, "<script")) != NULL; at++)
        scripts++;
    ck_assert_uint_eq(scripts, 2);
}

#define HURTS "</script><img src=x onerror=alert(1)>\"'&"

static json_t *hostile_rows(const char *const *keys, size_t count)
{
    json_t *row = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(row, keys[i], json_string(HURTS));
    return json_pack("[o]", row);
}

TEST(no_text_is_markup)
{
    /* breaks when a name of a class, node, phase or file, or a text of a check, an action or a finding, becomes markup */
    static const char *const of_checks[] = {"result", "metric", "phase", "reason", HURTS};
    static const char *const of_phases[] = {"phase", "type", HURTS};
    static const char *const of_findings[] = {"what", "key", "got"};
    struct err err = {.code = OK};
    struct page *page = page_create();
    ck_assert_int_eq(page_result_add(page, HURTS, &err), OK);
    struct page_result *hostile = page_result_newest(page);
    hostile->checks = hostile_rows(of_checks, 5);
    hostile->phases = hostile_rows(of_phases, 3);
    hostile->findings = hostile_rows(of_findings, 3);
    hostile->numbers = json_pack("[{s:s, s:i}]", "name", "keys", "value", 7);
    hostile->environment = json_pack("{s:s}", HURTS, HURTS);
    snprintf(hostile->judgement, sizeof hostile->judgement, "<b>FAIL");
    page_result_notice(hostile, "%s: cannot be read", HURTS);
    json_array_append_new(hostile->marks, json_pack("{s:s, s:s}", "source", HURTS, "text", HURTS));
    json_array_append_new(hostile->regions, json_pack("{s:s, s:s}", "name", HURTS, "type", HURTS));
    ck_assert_int_eq(
        page_table_init(&hostile->lanes[hostile->lane_count++], "class", HURTS, 1, 2, &err), OK);
    ck_assert_int_eq(
        page_table_init(&hostile->lanes[hostile->lane_count++], "server_node", HURTS, 1, 2, &err),
        OK);
    write_and_unpack(page);
    page_destroy(page);
    ck_assert_ptr_null(strstr(html, "<img"));
    ck_assert_ptr_null(strstr(html, "<b>FAIL</b>"));
    const json_t *class = json_array_get(json_object_get(result(), "tables"), 1);
    ck_assert_str_eq(json_string_value(json_object_get(class, "name")), HURTS);
}

TEST(gaps_are_in_the_data)
{
    /* breaks when a page has to guess where lines are broken, and guesses otherwise than pictures do */
    struct err err = {.code = OK};
    struct page *page = page_create();
    ck_assert_int_eq(page_result_add(page, "gaps", &err), OK);
    struct page_table *samples = &page_result_newest(page)->samples;
    ck_assert_int_eq(page_table_init(samples, "server", "", 1, 64, &err), OK);
    page_table_column(samples, "keys", "keys", NULL);
    for (unsigned i = 0; i < 20; i++)
        page_table_add(samples, i < 12 ? i : i + 10, i < 12 ? i : i + 10, (const double[]){7});
    write_and_unpack(page);
    page_destroy(page);
    const json_t *table = json_array_get(json_object_get(result(), "tables"), 1);
    const json_t *gaps = json_object_get(table, "gaps");
    ck_assert_uint_eq(json_array_size(gaps), 1);
    ck_assert_int_eq(json_integer_value(json_array_get(gaps, 0)), 12);
}

TEST(people_without_scripts)
{
    /* breaks when the verdict, the five numbers or the report need a script */
    make(fixture_play_open, NULL);
    static const char *const words[] = {"class=\"verdict verdict-red\"",
                                        "<b>RED</b>",
                                        "requests/s",
                                        "asked for",
                                        "p50",
                                        "p99",
                                        "max",
                                        "errors",
                                        "Report as text",
                                        "Final Results:"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        ck_assert_msg(strstr(html, words[i]) != NULL, "no %s in %.2000s", words[i], html);
}

TEST(doubts_beside_what_is_worse)
{
    /* breaks when a page of a RED run keeps quiet about what is AMBER, or tells it first, or at such a length that the figures
     * are not seen */
    make(fixture_play_open, NULL);
    const char *head = strstr(html, "class=\"verdict verdict-red\"");
    const char *red = strstr(head, "<li><b>lost_or_timed_out</b>: ");
    const char *amber = strstr(head, " more, AMBER</summary><ul>\n<li><b>");
    ck_assert_msg(red != NULL && amber != NULL, "%.3000s", head);
    ck_assert(red < amber && amber < strstr(head, "</div>"));
}

LOOP_TEST(packing, 9)
{
    /* breaks when data of some length cannot be unpacked: at the edges of buffers, of groups of three bytes, of nothing */
    static const size_t lengths[] = {0, 1, 2, 3, 8191, 8192, 8193, 100000, 1000003};
    const size_t length = lengths[_i];
    struct page_pack pack;
    struct output out = {.file = NULL};
    struct err err = {.code = OK};
    char *source = malloc(length + 1), *text = NULL;
    size_t text_bytes = 0, byte_count = 0;
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < length; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        source[i] = (char)state; /* cannot be compressed */
    }
    FILE *file = open_memstream(&text, &text_bytes);
    output_borrow(&out, file);
    ck_assert_int_eq(page_pack_begin(&pack, &out, &err), OK);
    page_pack_write(&pack, source, length / 3);
    page_pack_write(&pack, source + length / 3, length - length / 3);
    page_pack_end(&pack);
    fclose(file);
    char *bytes = unpack(text, text_bytes, &byte_count);
    ck_assert_uint_eq(byte_count, length);
    ck_assert_int_eq(memcmp(bytes, source, length), 0);
    free(bytes);
    free(text);
    free(source);
}

TEST_SUITE_WITH(page, .tear_down = tear_down)
