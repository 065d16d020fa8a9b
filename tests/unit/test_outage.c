/* Outages found in rows that were cut out of made-up streams of requests, against a model that looks at
 * every request. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"
#include "orchestrator/report/outage.h"

Suite *test_outage_suite(void);

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

static void set_up(void)
{
    outages = outages_create();
    ck_assert_ptr_nonnull(outages);
    request_count = 0;
    setup = (struct outage_setup){.drain_timeout_ns = NS_PER_SECOND};
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
        node_figures_ok(node, took_ns);
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

START_TEST(test_against_the_model)
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
END_TEST

Suite *test_outage_suite(void)
{
    Suite *suite = suite_create("outage");
    TCase *tcase = tcase_create("outage");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_against_the_model);
    suite_add_tcase(suite, tcase);
    return suite;
}
