/* Outages found in rows that were cut out of made-up streams of requests, against a model that looks at
 * every request. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"
#include "orchestrator/report/outage.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

#define REQUESTS_MAX 200000u
#define MS NS_PER_MS
#define INTERVAL_NS (200 * MS)

struct request {
    uint64_t done_ns; /* 0: never */
    uint64_t sent_ns;
    uint32_t node;
    bool ok;
};

static struct request requests[REQUESTS_MAX];
static uint32_t request_count;
static struct outages *outages;
static struct outage_setup setup;
static struct own_stop own_stop; /* of volley in the stream */

static void set_up(void)
{
    outages = outages_create();
    ck_assert_ptr_nonnull(outages);
    request_count = 0;
    setup = (struct outage_setup){.open_loop = false};
    own_stop = (struct own_stop){0};
    for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++)
        setup.primary_of[i] = OUTAGE_NOBODY;
}

static void tear_down(void)
{
    outages_destroy(outages);
}

static void request(uint64_t sent_ns, uint64_t done_ns, bool ok, uint32_t node)
{
    ck_assert_uint_lt(request_count, REQUESTS_MAX);
    requests[request_count++] =
        (struct request){.sent_ns = sent_ns, .done_ns = done_ns, .ok = ok, .node = node};
}

static int by_done(const void *a, const void *b)
{
    const struct request *left = a, *right = b;
    return left->done_ns < right->done_ns ? -1 : left->done_ns > right->done_ns;
}

static void count_done(struct interval_row *row, const struct request *one, bool nodes)
{
    struct node_figures *node = &row->nodes[one->node];
    uint64_t took_ns = one->done_ns - one->sent_ns;
    if (one->ok) {
        row->counters[COUNTER_OK]++;
        outcome_ok(&row->header.times, one->done_ns);
        histogram_record_n(&row->histograms[HISTOGRAM_SERVICE_OK], took_ns, 1);
        outcome_ok(&node->times, one->done_ns);
        node_figures_ok(node, took_ns, 1);
    } else {
        row->counters[COUNTER_ERROR_REPLIES]++;
        row->errors_by_kind[one->node]++;
        outcome_failed(&row->header.times, one->done_ns);
        outcome_failed(&node->times, one->done_ns);
        node->counters[NODE_ERRORS]++;
    }
    if (nodes && row->node_count <= one->node)
        row->node_count = one->node + 1;
}

/* Cuts the requests into rows and feeds them; the first warmup_rows are of the warm-up. */
static void feed(uint64_t interval_ns, uint64_t end_ns, uint32_t warmup_rows, bool nodes)
{
    struct interval_row *row = interval_row_create();
    ck_assert_ptr_nonnull(row);
    qsort(requests, request_count, sizeof requests[0], by_done);
    outages_begin(outages, &setup);
    uint32_t next = 0;
    while (next < request_count && requests[next].done_ns == 0)
        next++;
    for (uint32_t index = 0; index * interval_ns < end_ns; index++) {
        uint64_t start_ns = index * interval_ns, edge_ns = start_ns + interval_ns;
        interval_row_reset(row);
        memset(row->nodes, 0, sizeof row->nodes);
        row->header = (struct interval_header){
            .first = index, .last = index, .start_ns = start_ns, .end_ns = edge_ns};
        row->header.flags = index < warmup_rows ? INTERVAL_WARMUP : 0;
        own_stops_add(&row->header.own_stops,
                      own_stop_common(own_stop, (struct own_stop){start_ns, edge_ns}));
        for (uint32_t i = 0; i < request_count; i++) {
            const struct request *one = &requests[i];
            bool sent = one->sent_ns >= start_ns && one->sent_ns < edge_ns;
            row->counters[COUNTER_SENT] += sent;
            row->nodes[one->node].counters[NODE_SENT] += sent;
            if (sent && nodes && row->node_count <= one->node)
                row->node_count = one->node + 1;
            row->header.in_flight_after +=
                one->sent_ns < edge_ns && (one->done_ns == 0 || one->done_ns >= edge_ns);
        }
        row->counters[COUNTER_DUE] = row->counters[COUNTER_SENT];
        for (; next < request_count && requests[next].done_ns < edge_ns; next++)
            count_done(row, &requests[next], nodes);
        outages_add(outages, row);
    }
    outages_end(outages, end_ns);
    free(row);
}

/* ---- Against the model. ---- */

/* The gaps of the stream that a row's edge falls into. Rates are so high here that only the two fixed
 * lengths decide. */
struct model {
    uint64_t begin_ns, end_ns, first_failed_ns;
    bool failed;
};

static uint32_t model_outages(struct model *found, uint64_t interval_ns, uint64_t end_ns)
{
    uint32_t count = 0;
    uint64_t last_ns = 0, failed_ns = 0;
    for (uint32_t i = 0; i <= request_count; i++) {
        bool at_end = i == request_count;
        uint64_t now_ns = at_end ? end_ns : requests[i].done_ns;
        if (!at_end && !requests[i].ok) {
            failed_ns = failed_ns == 0 ? now_ns : failed_ns;
            continue;
        }
        bool crosses = last_ns / interval_ns != now_ns / interval_ns || at_end;
        uint64_t least_ns = failed_ns != 0 ? OUTAGE_FAILED_NS : OUTAGE_PAUSE_NS;
        if (crosses && now_ns >= last_ns + least_ns && (failed_ns != 0 || last_ns > 0))
            found[count++] = (struct model){last_ns, now_ns, failed_ns, failed_ns != 0};
        last_ns = now_ns;
        failed_ns = 0;
    }
    return count;
}

/* 2,000/s with phases in which all fail at once, or nothing answers and all is answered at their end. */
static void make_stream(uint64_t seed, uint64_t end_ns)
{
    uint64_t phase_begin_ns = 0, phase_end_ns = 0, phases = 0;
    bool failing = false;
    for (uint64_t at_ns = 500000, k = 0; at_ns < end_ns - 100 * MS; at_ns += 500000, k++) {
        if (at_ns > phase_end_ns + 400 * MS && rng_at(seed, k) % 2000 == 0) {
            failing = rng_at(seed, ++phases + (1u << 30)) % 2 == 0;
            phase_begin_ns = at_ns;
            phase_end_ns = at_ns + (rng_at(seed, phases + (1u << 29)) % 2500) * MS;
        }
        uint64_t took_ns = 50000 + rng_at(seed, k + (1u << 28)) % 300000;
        bool down = at_ns >= phase_begin_ns && at_ns < phase_end_ns;
        if (down && failing)
            request(at_ns, at_ns + took_ns, false, 0);
        else if (down && phase_end_ns < end_ns)
            request(at_ns, phase_end_ns + took_ns, true, 0);
        else
            request(at_ns, at_ns + took_ns, true, 0);
    }
}

TEST(test_against_the_model)
{
    /* Breaks when an outage is missed, invented, or begins or ends at another instant than it did. */
    static struct model found[1000];
    uint64_t seen = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        uint64_t end_ns = 8 * NS_PER_SECOND;
        uint64_t interval_ns = (50 + rng_at(seed, 99) % 1000) * MS;
        end_ns -= end_ns % interval_ns;
        request_count = 0;
        make_stream(seed, end_ns);
        feed(interval_ns, end_ns, 0, false);
        uint32_t expected = model_outages(found, interval_ns, end_ns);
        const struct outage_list *list = outages_of_all(outages);
        ck_assert_uint_eq(list->count, expected);
        ck_assert_uint_eq(list->kept, expected);
        uint64_t total_ns = 0, longest_ns = 0;
        for (uint32_t i = 0; i < expected; i++) {
            const struct outage *outage = &list->items[i];
            ck_assert_uint_eq(outage->begin_ns, found[i].begin_ns);
            ck_assert_uint_eq(outage->end_ns, found[i].end_ns);
            ck_assert_uint_eq(outage->first_failed_ns, found[i].first_failed_ns);
            ck_assert_int_eq(outage->pause, !found[i].failed);
            ck_assert_int_eq(outage->recovered, outage->end_ns != end_ns);
            uint64_t length_ns = outage->end_ns - outage->begin_ns;
            total_ns += length_ns;
            longest_ns = length_ns > longest_ns ? length_ns : longest_ns;
        }
        ck_assert_uint_eq(list->total_ns, total_ns);
        ck_assert_uint_eq(list->longest_ns, longest_ns);
        seen += expected;
    }
    ck_assert_uint_gt(seen, 30); /* or the streams test nothing */
}

/* Requests at an even rate from begin to end, each answered after took_ns; one in `fail_every` with an
 * error, 0: none. */
static void load(uint64_t begin_ms, uint64_t end_ms, uint64_t gap_us, uint32_t node,
                 uint64_t took_ns, unsigned fail_every)
{
    unsigned k = 0;
    for (uint64_t at_ns = begin_ms * MS; at_ns < end_ms * MS; at_ns += gap_us * NS_PER_US, k++)
        request(at_ns + 1, at_ns + 1 + took_ns, fail_every == 0 || k % fail_every != 1, node);
}

TEST(test_slow_and_faulty_loads_are_no_outages)
{
    /* Breaks when a load of one request a second, with errors, a rate that drops, or a pause of the load
     * itself is called an outage. */
    load(0, 60000, 1000000, 0, 20 * MS, 0);
    feed(INTERVAL_NS, 60 * NS_PER_SECOND, 0, false);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
    request_count = 0;
    load(0, 60000, 300000, 0, MS, 3); /* every third fails: gaps of 300 and 600 ms */
    feed(NS_PER_SECOND, 60 * NS_PER_SECOND, 0, false);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
    request_count = 0;
    load(0, 10000, 2000, 0, MS, 0);
    load(10000, 40000, 1000000, 0, MS, 0); /* 500/s, then 1/s */
    load(70000, 80000, 2000, 0, MS, 0);    /* and nothing at all for a while */
    feed(INTERVAL_NS, 80 * NS_PER_SECOND, 0, false);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
    request_count = 0;
    for (uint64_t i = 0; i < 6; i++) /* a blocking command of 5 s, one connection */
        request(i * 5000 * MS + 1, (i + 1) * 5000 * MS, true, 0);
    feed(NS_PER_SECOND, 30 * NS_PER_SECOND, 0, false);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
}

/* Everything from begin_ms until end_ms is read at its end: nobody was there before. */
static void load_with_stop(uint64_t begin_ms, uint64_t end_ms)
{
    load(0, begin_ms, 1000, 0, MS / 2, 0);
    for (uint64_t i = 0; i < 50; i++)
        request(begin_ms * MS - i, end_ms * MS + i * 1000, true, 0);
    load(end_ms + 1, 12000, 1000, 0, MS / 2, 0);
}

TEST(test_a_stop_of_volley_is_no_outage)
{
    /* Breaks when a volley that stood still for three seconds reports an outage of its target, or a target
     * that stood still is excused by a shorter stop of volley. */
    load_with_stop(5000, 8000);
    own_stop = (struct own_stop){4990 * MS, 8000 * MS};
    feed(INTERVAL_NS, 12 * NS_PER_SECOND, 0, false);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
    const struct own_stop_list *stops = outages_own_stops(outages);
    ck_assert_uint_eq(stops->count, 1);
    ck_assert_uint_eq(stops->total_ns, 3010 * MS);
    ck_assert_mem_eq(&stops->items[0], &own_stop, sizeof own_stop);

    own_stop.to_ns = 6500 * MS; /* and the target for a second and a half more */
    feed(INTERVAL_NS, 12 * NS_PER_SECOND, 0, false);
    const struct outage_list *list = outages_of_all(outages);
    ck_assert_uint_eq(list->count, 1);
    ck_assert_uint_eq(list->items[0].end_ns, 8000 * MS);
    ck_assert_uint_eq(list->items[0].own_stop_ns, own_stop.to_ns - list->items[0].begin_ns);
}

TEST(test_a_stop_from_the_warmup_on)
{
    /* Breaks when the report has a stop of volley that began in the warm-up begin with the measured part, or
     * at all otherwise than it was said while the run was under way. */
    load_with_stop(5000, 8000);
    own_stop = (struct own_stop){4990 * MS, 8000 * MS};
    feed(INTERVAL_NS, 12 * NS_PER_SECOND, (uint32_t)(7 * NS_PER_SECOND / INTERVAL_NS), false);
    const struct own_stop_list *stops = outages_own_stops(outages);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
    ck_assert_uint_eq(stops->count, 1);
    ck_assert_mem_eq(&stops->items[0], &own_stop, sizeof own_stop);
}

TEST(test_pause_without_failure)
{
    /* Breaks when a server that stands still for three seconds and then answers all is no outage. */
    load(0, 5000, 1000, 0, MS, 0);
    for (uint64_t i = 0; i < 50; i++)
        request(5000 * MS + i, 8000 * MS + i * 1000, true, 0);
    load(8001, 20000, 1000, 0, MS, 0);
    feed(INTERVAL_NS, 20 * NS_PER_SECOND, 0, false);
    const struct outage_list *list = outages_of_all(outages);
    ck_assert_uint_eq(list->count, 1);
    ck_assert(list->items[0].pause && list->items[0].recovered);
    ck_assert_uint_eq(list->items[0].begin_ns, 5000 * MS + 1);
    ck_assert_uint_eq(list->items[0].end_ns, 8000 * MS);
    ck_assert_uint_eq(outage_failed_to_ok_ns(&list->items[0]), 0);
    ck_assert_uint_eq(list->items[0].before.max_ns, MS);
    ck_assert_uint_eq(list->items[0].during.max_ns, 3000 * MS + 49 * 999);
    ck_assert_uint_eq(list->items[0].after.max_ns, MS);
    ck_assert_uint_eq(list->items[0].before.count, 5000);
    ck_assert_uint_eq(list->items[0].during.count, 50 + 4998);
    ck_assert_uint_eq(list->items[0].after.count, 20000 - 13000);
}

TEST(test_until_the_end)
{
    /* Breaks when an outage that is not over is forgotten, or draining is one. */
    load(0, 5000, 1000, 0, MS, 0);
    load(5000, 9000, 1000, 0, MS, 1);
    for (uint32_t i = 0; i < request_count; i++)
        requests[i].ok = requests[i].sent_ns < 5000 * MS;
    feed(INTERVAL_NS, 10 * NS_PER_SECOND, 0, false);
    const struct outage_list *list = outages_of_all(outages);
    ck_assert_uint_eq(list->count, 1);
    ck_assert(!list->items[0].recovered && !list->items[0].pause);
    ck_assert_uint_eq(list->items[0].end_ns, 10 * NS_PER_SECOND);
    ck_assert_uint_eq(list->items[0].failures.errors, 4000);
    ck_assert_uint_eq(list->total_ns, 10 * NS_PER_SECOND - 5000 * MS - 1);

    struct interval_row *row = fixture_row(0); /* load ends at 1 s; one more is given up at 2 s */
    outages_begin(outages, &setup);
    fixture_node_ok(row, 0, 1, 990, MS, 1000);
    fixture_node_failed(row, 0, 1990, 1990, NODE_LOST, 1);
    row->counters[COUNTER_LOST_DISCONNECT] = 0;
    row->counters[COUNTER_LOST_DRAIN] = 1;
    outages_add(outages, row);
    outages_end(outages, 0);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
    ck_assert_uint_eq(outages_nodes(outages), 0);
    free(row);
}

/* Answers in each of the first two seconds; then the target stands still while 50 requests wait, and the
 * load ends at 5 s. Draining brings them their fate: given up, timed out, or answered, at 5.5 s. */
enum fate { GIVEN_UP, TIMED_OUT, ANSWERED };

static bool under_way[2][5]; /* after each row: of all, and of node 0 */
static uint64_t under_way_begin_ns;

static void feed_frozen(enum fate fate, bool nodes)
{
    outages_begin(outages, &setup);
    under_way_begin_ns = 0;
    for (uint32_t second = 0; second < 5; second++) {
        struct interval_row *row = fixture_row(second);
        if (second < 2)
            fixture_node_ok(row, 0, second * 1000 + 1, second * 1000 + 500, MS, 1000);
        row->header.in_flight_after = second > 0 && second < 4 ? 50 : 0;
        if (second == 1)
            row->nodes[0].counters[NODE_SENT] = row->counters[COUNTER_SENT] = 1050;
        if (second == 4 && fate == ANSWERED) {
            fixture_node_ok(row, 0, 5500, 5500, MS, 50);
            row->header.end_ns = 5500 * MS;
            row->nodes[0].counters[NODE_SENT] = row->counters[COUNTER_SENT] = 0;
        } else if (second == 4) {
            fixture_node_failed(row, 0, 5500, 5500, fate == TIMED_OUT ? NODE_TIMED_OUT : NODE_LOST,
                                50);
            row->nodes[0].counters[NODE_SENT] = row->counters[COUNTER_SENT] = 0;
        }
        if (second == 4 && fate == GIVEN_UP) {
            row->counters[COUNTER_LOST_DISCONNECT] = 0;
            row->counters[COUNTER_LOST_DRAIN] = 50;
        }
        if (!nodes)
            row->node_count = 0;
        outages_add(outages, row);
        free(row);
        for (int node = 0; node < 2; node++)
            under_way[node][second] =
                outages_under_way(outages, node == 0 ? OUTAGE_NOBODY : 0, &under_way_begin_ns);
    }
    outages_end(outages, 5 * NS_PER_SECOND);
}

TEST(test_a_gap_is_known_while_it_lasts)
{
    /* Breaks when a run says nothing of an outage before it is over, or calls every second without
     * a row one. */
    feed_frozen(GIVEN_UP, true);
    for (uint32_t second = 0; second < 5; second++)
        for (int node = 0; node < 2; node++)
            ck_assert_int_eq(under_way[node][second], second >= 2);
    ck_assert_uint_eq(under_way_begin_ns, 1500 * MS);
    ck_assert_uint_eq(outages_of_node(outages, 0)->items[0].begin_ns, under_way_begin_ns);
    ck_assert(!outages_under_way(outages, 1, &under_way_begin_ns));
    ck_assert(!outages_under_way(outages, NODE_FIGURES_MAX, &under_way_begin_ns));
}

LOOP_TEST(test_frozen_at_the_end, 6)
{
    /* Breaks when an outage that lasts to the end of the load is forgotten, or its length depends on how
     * draining went. */
    setup.load_end_ns = 5 * NS_PER_SECOND;
    setup.open_loop = _i % 2 == 1;
    feed_frozen((enum fate)(_i / 2), false);
    const struct outage_list *list = outages_of_all(outages);
    ck_assert_uint_eq(list->count, 1);
    ck_assert(!list->items[0].recovered);
    ck_assert_uint_eq(list->items[0].begin_ns, 1500 * MS);
    ck_assert_uint_eq(list->items[0].end_ns, 5 * NS_PER_SECOND);

    feed_frozen((enum fate)(_i / 2), true);
    list = outages_of_node(outages, 0);
    ck_assert_uint_eq(list->count, 1);
    ck_assert_uint_eq(list->items[0].begin_ns, 1500 * MS);
    ck_assert_uint_eq(list->items[0].end_ns, 5 * NS_PER_SECOND);
}

TEST(test_from_the_start)
{
    /* Breaks when a target that fails until it has loaded its data seems to have been well. */
    load(0, 2000, 1000, 0, MS, 0);
    for (uint32_t i = 0; i < request_count; i++)
        requests[i].ok = false;
    load(2000, 5000, 1000, 0, MS, 0);
    feed(INTERVAL_NS, 5 * NS_PER_SECOND, 0, false);
    const struct outage_list *list = outages_of_all(outages);
    ck_assert_uint_eq(list->count, 1);
    ck_assert(list->items[0].from_start && list->items[0].recovered);
    ck_assert_uint_eq(list->items[0].begin_ns, 0);
    ck_assert_uint_eq(list->items[0].end_ns, 2001 * MS + 1);
    ck_assert_uint_eq(list->items[0].before.count, 0);

    feed(INTERVAL_NS, 5 * NS_PER_SECOND, 5, false); /* the first second is warm-up */
    ck_assert_uint_eq(list->count, 1);
    ck_assert_uint_eq(list->items[0].begin_ns, 1000 * MS);
}

TEST(test_nodes_stand_apart)
{
    /* Breaks when the failure of one node is hidden by the others, or billed to them. */
    load(0, 10000, 3000, 0, MS, 0);
    load(0, 10000, 3000, 2, MS, 0);
    load(0, 4000, 3000, 1, MS, 0);
    uint32_t before = request_count;
    load(4000, 6000, 3000, 1, MS, 0);
    for (uint32_t i = before; i < request_count; i++)
        requests[i].ok = false;
    load(6000, 10000, 3000, 1, MS, 0);
    feed(INTERVAL_NS, 10 * NS_PER_SECOND, 0, true);
    ck_assert_uint_eq(outages_of_all(outages)->count, 0);
    ck_assert_uint_eq(outages_nodes(outages), 1);
    ck_assert_uint_eq(outages_of_node(outages, 0)->count, 0);
    const struct outage_list *list = outages_of_node(outages, 1);
    ck_assert_uint_eq(list->count, 1);
    ck_assert_uint_eq(list->items[0].begin_ns, 3999 * MS + MS + 1);
    ck_assert_uint_eq(list->items[0].end_ns, 6001 * MS + 1);
    ck_assert_uint_eq(list->items[0].failures.errors, 667);
    ck_assert_int_eq(list->items[0].taken_over_by, OUTAGE_NOBODY);
    ck_assert_ptr_null(outages_of_node(outages, 7));
}

/* All of a node's requests in this time fail. */
static void load_failing(uint64_t from_ms, uint64_t until_ms, uint32_t node)
{
    const uint32_t before = request_count;
    load(from_ms, until_ms, 1000, node, MS, 0);
    for (uint32_t i = before; i < request_count; i++)
        requests[i].ok = false;
}

TEST(test_outages_that_overlap)
{
    /* Breaks when time in which two nodes fail together counts twice, or that of one of them not at all. */
    load(0, 3000, 1000, 0, MS, 0);
    load_failing(3000, 5000, 0);
    load(5000, 10000, 1000, 0, MS, 0);
    load(0, 4000, 1000, 1, MS, 0);
    load_failing(4000, 6000, 1);
    load(6000, 8000, 1000, 1, MS, 0);
    load_failing(8000, 9000, 1);
    load(9000, 10000, 1000, 1, MS, 0);
    feed(INTERVAL_NS, 10 * NS_PER_SECOND, 0, true);
    ck_assert_uint_ge(outages_any_ns(outages), 4000 * MS);
    ck_assert_uint_le(outages_any_ns(outages), 4010 * MS);
}

/* Node 1 fails at 4 s; its replica, node 3, answers from 6 s on. */
static void fail_over(uint64_t failed_after_ns)
{
    setup.node_count = 4;
    setup.primary_of[3] = 1;
    request_count = 0;
    load(0, 12000, 3000, 0, MS, 0);
    load(0, 4000, 3000, 1, MS, 0);
    for (uint64_t i = 0; i < 20; i++)
        request(4000 * MS + i * MS, 4000 * MS + i * MS + failed_after_ns, false, 1);
    load(6000, 12000, 3000, 3, MS, 0);
    feed(INTERVAL_NS, 12 * NS_PER_SECOND, 0, true);
}

TEST(test_a_replica_takes_over)
{
    /* Breaks when a node that was replaced seems to fail for ever, or a late time-out hides the heir. */
    static const uint64_t failed_after_ms[] = {1, 1500, 5000};
    for (unsigned i = 0; i < 3; i++) {
        fail_over(failed_after_ms[i] * MS);
        const struct outage_list *list = outages_of_node(outages, 1);
        ck_assert_uint_eq(list->count, 1);
        ck_assert_int_eq(list->items[0].taken_over_by, 3);
        ck_assert_uint_eq(list->items[0].begin_ns, 4000 * MS + 1);
        ck_assert_uint_eq(list->items[0].end_ns, 6001 * MS + 1);
        ck_assert_uint_eq(list->items[0].failures.errors, 20);
        ck_assert_int_eq(list->items[0].pause, failed_after_ms[i] == 5000);
        ck_assert_uint_eq(list->items[0].before.max_ns, MS);
        ck_assert_uint_gt(list->items[0].during.count, 1500);
        ck_assert_uint_eq(outages_nodes(outages), 1);
    }
    setup.primary_of[3] = OUTAGE_NOBODY; /* of another shard */
    for (uint32_t i = 0; i < 2; i++) {
        outages_begin(outages, &setup);
        feed(INTERVAL_NS, 12 * NS_PER_SECOND, 0, true);
    }
    ck_assert(!outages_of_node(outages, 1)->items[0].recovered);
}

TEST(test_many_outages_are_counted)
{
    /* Breaks when a service that flaps for hours costs memory without end, or loses count. */
    struct interval_row *row = fixture_row(0);
    outages_begin(outages, &setup);
    for (uint32_t i = 0; i < 300; i++) {
        interval_row_reset(row);
        row->header.start_ns = i * NS_PER_SECOND;
        row->header.end_ns = row->header.start_ns + NS_PER_SECOND;
        fixture_node_ok(row, 0, 1000 * i + 300, 1000 * i + 600, MS, 301);
        fixture_node_failed(row, 0, 1000 * i + 601, 1000 * i + 990, NODE_ERRORS, 390);
        outages_add(outages, row);
    }
    outages_end(outages, 300 * NS_PER_SECOND);
    const struct outage_list *list = outages_of_all(outages);
    ck_assert_uint_eq(list->count, 300);
    ck_assert_uint_eq(list->kept, OUTAGES_KEPT);
    ck_assert_uint_eq(list->total_ns, 299 * 700 * MS + 400 * MS);
    ck_assert(list->items[1].shared == false);
    free(row);
}

TEST_SUITE_WITH(outage, .set_up = set_up, .tear_down = tear_down)
