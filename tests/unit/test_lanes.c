/* Figures of sixteen classes of requests: by a whole worker against a server that counts for itself, and how much
 * room they take. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"

static struct simulated_run simulated;

/* What the server did with each class; the worker must have it the same. */
static uint64_t answered[CLASSES_MAX], missed[CLASSES_MAX], refused[CLASSES_MAX],
    ignored[CLASSES_MAX];

static enum err_code open_many(void **state, const void *source, uint32_t worker, struct err *err)
{
    (void)source;
    (void)worker;
    (void)err;
    *state = NULL;
    return OK;
}

static void close_many(void *state)
{
    (void)state;
}

static enum read_kind reads_nothing(const void *state, uint32_t class, uint32_t index)
{
    (void)class;
    (void)state;
    (void)index;
    return READ_NONE;
}

static enum read_kind reads_a_key(const void *state, uint32_t class, uint32_t index)
{
    (void)class;
    (void)state;
    (void)index;
    return READ_VALUE;
}

static bool is_read(unsigned class)
{
    return class % 2 == 1;
}

static const struct request_class *many_classes(const void *state, uint32_t *count)
{
    static struct request_class classes[CLASSES_MAX];
    (void)state;
    for (unsigned i = 0; i < CLASSES_MAX; i++)
        classes[i] = (struct request_class){
            .name = "one", .replies = 1, .read_kind = is_read(i) ? reads_a_key : reads_nothing};
    *count = CLASSES_MAX;
    return classes;
}

#define REQUEST_BYTES (sizeof "*2\r\n$3\r\nGET\r\n$2\r\n00\r\n" - 1)

static size_t many_bytes(const void *state)
{
    (void)state;
    return REQUEST_BYTES;
}

static void many_draw(void *state, struct request_slot *slot)
{
    (void)state;
    slot->class = rng_at(3, slot->ticket) % CLASSES_MAX;
    slot->bytes = REQUEST_BYTES;
}

/* The key is the class. */
static void many_render_part(const void *state, const struct request_slot *slot, size_t from_byte,
                             size_t byte_count, char *out)
{
    char request[REQUEST_BYTES + 3]; /* of any number */
    (void)state;
    snprintf(request, sizeof request, "*2\r\n$3\r\nGET\r\n$2\r\n%02u\r\n", slot->class);
    memcpy(out, request + from_byte, byte_count);
}

static void many_render(const void *state, const struct request_slot *slot, char *out)
{
    many_render_part(state, slot, 0, REQUEST_BYTES, out);
}

static const struct generator many = {
    .name = "many",
    .open = open_many,
    .close = close_many,
    .classes = many_classes,
    .most_bytes = many_bytes,
    .draw = many_draw,
    .render = many_render,
    .render_part = many_render_part,
};

/* In a time of the class's own; one of 50 with an error, and one of 200 never. */
static void answer_by_class(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    if (byte_count != REQUEST_BYTES) { /* the greeting */
        scripted_answer(peer, bytes, byte_count);
        return;
    }
    unsigned class = (unsigned)strtoul(bytes + REQUEST_BYTES - 4, NULL, 10);
    ck_assert_uint_lt(class, CLASSES_MAX);
    uint64_t after_ns = SCRIPTED_SERVICE_NS * (1 + class);
    if (peer->memo++ % 200 == 150) {
        ignored[class]++;
    } else if (peer->memo % 50 == 0) {
        refused[class]++;
        scripted_say(peer, "-ERR no\r\n", 9, after_ns);
    } else if (peer->memo % 7 == 0) {
        answered[class]++;
        missed[class]++;
        scripted_say(peer, "$-1\r\n", 5, after_ns);
    } else {
        answered[class]++;
        scripted_say(peer, "+OK\r\n", 5, after_ns);
    }
}

static void prepare(uint64_t rate)
{
    memset(answered, 0, sizeof answered);
    memset(missed, 0, sizeof missed);
    memset(refused, 0, sizeof refused);
    memset(ignored, 0, sizeof ignored);
    simulated_run_init(&simulated);
    simulated.run.generator = &many;
    simulated.rate = rate;
    simulated.run.warmup_ns = 1500 * NS_PER_MS;
    simulated.run.duration_ns = 2700 * NS_PER_MS;
    simulated.spec.endpoint.request_timeout_ns = 50 * NS_PER_MS;
    simulated.spec.load.interval_ns = 10 * NS_PER_MS;
    simulated.share.connections = 8;
}

/* Of the warm-up and of what was measured: the last window of each ends with it. */
static void check_windows(const struct interval_row *row, bool open_loop)
{
    ck_assert(row->window_ends);
    ck_assert_uint_eq(row->class_count, CLASSES_MAX);
    for (uint32_t i = 0; i < CLASSES_MAX * CLASS_TIMES; i++) {
        const struct class_figures *class = &row->classes[i / CLASS_TIMES];
        const struct coarse_times *coarse = &class->times[i % CLASS_TIMES];
        const struct histogram *window = &row->class_windows[i];
        bool kept = open_loop || i % CLASS_TIMES == CLASS_SERVICE;
        ck_assert_uint_eq(window->count, kept ? class->counters[CLASS_OK] : 0);
        ck_assert_uint_eq(window->count, coarse_count(coarse));
        ck_assert_uint_eq(window->sum_ns, coarse->sum_ns);
        ck_assert_uint_eq(window->max_ns, coarse->max_ns);
        if (kept)
            ck_assert_uint_ge(coarse_quantile(coarse, 0.5),
                              SCRIPTED_SERVICE_NS * (1 + i / CLASS_TIMES));
    }
}

static uint64_t counted(uint32_t class, enum class_counter counter)
{
    return simulated.warmup->classes[class].counters[counter] +
           simulated.measured->classes[class].counters[counter];
}

/* Every record has been checked against the whole. */
static void run_and_check(uint64_t rate)
{
    const struct scripted_server server = {.command = answer_by_class};
    uint64_t unanswered = 0;
    prepare(rate);
    simulated_run_go(&simulated, &server);
    check_windows(simulated.warmup, rate > 0);
    check_windows(simulated.measured, rate > 0);
    for (uint32_t i = 0; i < CLASSES_MAX; i++) {
        ck_assert_uint_gt(answered[i], 100);
        ck_assert_uint_eq(counted(i, CLASS_OK), answered[i]);
        ck_assert_uint_eq(counted(i, CLASS_ERRORS), refused[i]);
        ck_assert_uint_eq(counted(i, CLASS_TIMED_OUT) + counted(i, CLASS_LOST), ignored[i]);
        ck_assert_uint_eq(counted(i, CLASS_SENT), answered[i] + refused[i] + ignored[i]);
        ck_assert_uint_eq(counted(i, CLASS_MISSES), is_read(i) ? missed[i] : 0);
        ck_assert_uint_eq(counted(i, CLASS_HITS), is_read(i) ? answered[i] - missed[i] : 0);
        ck_assert_uint_eq(counted(i, CLASS_BYTES_OUT), counted(i, CLASS_SENT) * REQUEST_BYTES);
        ck_assert_uint_eq(counted(i, CLASS_BYTES_IN), 5 * answered[i] + 9 * refused[i]);
        unanswered += counted(i, CLASS_TIMED_OUT);
    }
    ck_assert_uint_gt(unanswered, 10);
    simulated_run_free(&simulated);
}

TEST(test_closed_loop_by_class)
{
    /* Breaks when a request is counted for another class than its own, or for none, or a window loses times. */
    run_and_check(0);
}

TEST(test_open_loop_by_class)
{
    /* Breaks when the same goes wrong where requests have intended times. */
    run_and_check(4000);
}

TEST(test_windows_end_with_seconds)
{
    /* Breaks when full histograms are in every record, which has no room for them, or in too few. */
    static const struct {
        uint64_t interval_ms, windows; /* of 1.5 s of warm-up and 2.7 s */
    } cases[] = {{10, 5}, {100, 5}, {300, 5}, {500, 5}};
    const struct scripted_server server = {.command = answer_by_class};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        prepare(4000);
        simulated.spec.load.interval_ns = cases[i].interval_ms * NS_PER_MS;
        simulated_run_go(&simulated, &server);
        ck_assert_uint_eq(simulated.window_count, cases[i].windows);
        simulated_run_free(&simulated);
    }
}

/* Room ------------------------------------------------------------------------------------------ */

/* Most between 80 us and 400 us, one of a hundred up to 30 times as long. */
static uint64_t usual_time_ns(uint64_t number)
{
    double spread = (double)(rng_at(5, number) >> 11) / (double)(1ull << 53);
    double longer = rng_at(6, number) % 100 == 0 ? 30 * spread : 1;
    return (uint64_t)(80000 * (1 + longer * 4 * pow(spread, 3)));
}

/* Of a record of so many requests. */
static size_t record_bytes(struct interval *interval, uint64_t requests, uint64_t *number)
{
    static unsigned char wire[INTERVAL_RECORD_MAX_BYTES];
    static const enum interval_histogram_kind kinds[] = {
        HISTOGRAM_SERVICE_OK, HISTOGRAM_RESPONSE_OK, HISTOGRAM_SLIP, HISTOGRAM_LOOP_LAG};
    for (uint64_t i = 0; i < requests; i++) {
        const uint32_t class = rng_at(9, *number) % interval->class_count;
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            interval_histogram_record(&interval->histograms[kinds[k]],
                                      usual_time_ns(++*number) >> (k < 2 ? 0 : 4));
        interval->classes[class].counters[CLASS_OK]++;
        interval->classes[class].counters[CLASS_SENT]++;
        for (unsigned k = 0; k < CLASS_TIMES; k++) {
            uint64_t took_ns = usual_time_ns(++*number) * (1 + class % 4);
            coarse_record(&interval->classes[class].times[k], took_ns, 1);
            interval_histogram_record(&interval->class_windows[class * CLASS_TIMES + k], took_ns);
        }
    }
    interval->counters[COUNTER_OK] = interval->counters[COUNTER_SENT] = requests;
    size_t bytes = interval_encode(wire, interval);
    interval_reset(interval);
    return bytes;
}

TEST(test_a_minute_fits_the_ring)
{
    /* Breaks when a reader that sleeps for a minute coarsens the rows of sixteen classes. */
    static const uint64_t intervals_ms[] = {10, 100, 1000};
    static const uint64_t rates[] = {20000, 200000};
    for (size_t i = 0; i < 6; i++) {
        const uint64_t interval_ms = intervals_ms[i / 2], in_second = 1000 / interval_ms;
        const uint64_t requests = rates[i % 2] / in_second;
        struct interval *interval = interval_create(CLASSES_MAX, 0);
        uint64_t number = 0, second_bytes = 0;
        ck_assert_ptr_nonnull(interval);
        for (uint64_t k = 1; k <= in_second; k++) {
            interval->window_ends = k == in_second;
            second_bytes += record_bytes(interval, requests, &number);
        }
        uint64_t capacity = ipc_ring_capacity_bytes(interval_ms * NS_PER_MS, 1, CLASSES_MAX, 0);
        ck_assert_uint_ge(capacity, 60 * second_bytes);
        interval_destroy(interval);
    }
}

TEST_SUITE(lanes)
