/* Several workloads side by side: what --workload says of each, and how the rows of streams become one. */
#include <stdlib.h>
#include <string.h>

#include "common/interval.h"
#include "orchestrator/options/workload_streams.h"
#include "orchestrator/report/run_stream.h"
#include "orchestrator/report/timeline.h"
#include "tests/support/check/suite.h"
#include "worker/generate/workload_plan.h"

static const struct workload_plan first_plan = {.name = "orders"},
                                  second_plan = {.name = "a, very long name: of a workload"};
static struct stream_wishes wishes;
static struct spec spec;

static void set_up(void)
{
    wishes = (struct stream_wishes){.text = NULL};
    spec = (struct spec){.load = {.clients = 50, .pipeline = 4}, .endpoint = {.database = 7}};
}

static void tear_down(void)
{
    stream_wishes_free(&wishes);
}

static void parse(const char *value)
{
    struct err err = {.code = OK};
    ck_assert_msg(stream_wishes_parse(&wishes, value, &err) == OK, "%s", err.text);
}

static void settle(void)
{
    const struct workload_plan *plans[] = {&first_plan, &second_plan, &first_plan};
    struct err err = {.code = OK};
    ck_assert_msg(stream_wishes_settle(&wishes, &spec, plans, &err) == OK, "%s", err.text);
}

TEST(test_settings_stand_behind_their_workload)
{
    /* breaks if a setting goes to another workload, or what none says is not as for the run */
    parse("orders,c=5,qps=1k,orders,pipeline=16,db=2,name=fast,orders");
    ck_assert_uint_eq(wishes.count, 3);
    settle();
    ck_assert_uint_eq(spec.load.stream_count, 3);
    const struct spec_stream *streams = spec.load.streams;
    ck_assert_str_eq(streams[0].name, "orders");
    ck_assert_uint_eq(streams[0].clients, 5);
    ck_assert_uint_eq(streams[0].pipeline, 4);
    ck_assert_uint_eq(streams[0].database, 7);
    ck_assert_uint_eq(streams[0].rate.steps[0].from_micro, 1000ull * SCHEDULE_MICRO);
    ck_assert_str_eq(streams[0].rate.text, "1,000/s, even");
    ck_assert_str_eq(streams[1].name, "fast");
    ck_assert_uint_eq(streams[1].clients, 50);
    ck_assert_uint_eq(streams[1].pipeline, 16);
    ck_assert_uint_eq(streams[1].database, 2);
    ck_assert_ptr_null(streams[1].rate.steps);
    ck_assert_str_eq(streams[2].name, "orders-2");
    /* the run is the first one's */
    ck_assert_uint_eq(spec.load.clients, 5);
    ck_assert_ptr_eq(spec.rate.steps, streams[0].rate.steps);
}

TEST(test_one_workload_without_settings_is_none)
{
    /* breaks if a plain --workload becomes something else than it was */
    parse("orders");
    settle();
    ck_assert_uint_eq(spec.load.stream_count, 0);
    ck_assert_uint_eq(spec.load.clients, 50);
}

TEST(test_a_rate_of_0_is_a_closed_loop)
{
    /* breaks if one workload cannot run as fast as it can beside others with the rate of the run */
    const struct rate_step step = {.length_ns = SCHEDULE_NEVER, .from_micro = 1, .to_micro = 1};
    spec.rate = (struct rate_options){.steps = &step, .step_count = 1, .text = "1/s"};
    parse("orders,qps=0,orders");
    settle();
    ck_assert_ptr_null(spec.load.streams[0].rate.steps);
    ck_assert_str_eq(spec.load.streams[0].rate.text, "");
    ck_assert_ptr_eq(spec.load.streams[1].rate.steps, &step);
}

TEST(test_names_fit_into_names_of_classes)
{
    /* breaks if a name that a file has breaks what is read as NAME:CLASS, or a list */
    parse("orders,orders");
    settle();
    const char *name = spec.load.streams[1].name;
    ck_assert_uint_lt(strlen(name), SPEC_STREAM_NAME_BYTES);
    ck_assert_msg(strpbrk(name, ", :<>=") == NULL, "%s", name);
}

static const struct {
    const char *value, *said;
} wrong[] = {
    {"", "nothing stands before or behind a comma"},
    {"orders,", "nothing stands before or behind a comma"},
    {"qps=5,orders", "a setting stands behind the workload"},
    {"orders,qsp=5", "unknown setting qsp=5; did you mean qps?"},
    {"orders,clients=0", "a number of connections from 1 to 1,000,000"},
    {"orders,clients=2m", "a number of connections from 1 to 1,000,000"},
    {"orders,pipeline=-1", "a number from 1 to 100,000"},
    {"orders,qps=fast", "requests per second"},
    {"orders,db=-1", "the number of a database"},
    {"orders,user=", "a user's name"},
    {"orders,name=a:b", "a name of at most 31 bytes"},
    {"orders,name=", "a name of at most 31 bytes"},
    {"orders,password-env=HOME", "begins with VOLLEY_"},
    {"orders,password-env=VOLLEY_AUTH", "begins with VOLLEY_"},
    {"orders,qps=1,rate=2", "qps was given already"},
    {"a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", "more than 16 workloads"},
};

LOOP_TEST(test_what_is_wrong_is_refused, (int)(sizeof wrong / sizeof wrong[0]))
{
    /* breaks if a wrong setting is taken for something else, or nobody says what is wrong with it */
    struct err err = {.code = OK};
    ck_assert_int_eq(stream_wishes_parse(&wishes, wrong[_i].value, &err), E_USAGE);
    ck_assert_msg(strstr(err.text, "--workload") == err.text, "%s", err.text);
    ck_assert_msg(strstr(err.text, wrong[_i].said) != NULL, "%s", err.text);
}

static void expect_refused(const char *value, const char *said)
{
    const struct workload_plan *plans[] = {&first_plan, &second_plan};
    struct err err = {.code = OK};
    parse(value);
    ck_assert_int_eq(stream_wishes_settle(&wishes, &spec, plans, &err), E_USAGE);
    ck_assert_msg(strstr(err.text, said) != NULL, "%s", err.text);
}

TEST(test_what_cannot_be_together_is_refused)
{
    /* breaks if a run begins whose workloads cannot do what was asked of them */
    expect_refused("orders,user=app", "user=app needs a password");
    expect_refused("orders,password-env=VOLLEY_NONE", "needs user=NAME");
    expect_refused("orders,user=app,password-env=VOLLEY_NONE", "there is no such variable");
    expect_refused("orders,name=a,orders,name=a", "two workloads have name=a");
    spec.endpoint.cluster = true;
    spec.endpoint.database = 0;
    expect_refused("orders,orders,db=1", "in a cluster there is database 0 only");
    spec.endpoint.cluster = false;
    spec.load.think_ns = 1;
    expect_refused("orders,qps=1,orders,qps=1", "every workload has a rate");
    spec.load.think_ns = 0;
    spec.load.client_ramp.start_clients = 1;
    expect_refused("orders,orders", "a ramp of clients is for one workload");
}

TEST(test_a_password_leaves_the_environment)
{
    /* breaks if a password that was read stays where every child can read it */
    ck_assert_int_eq(setenv("VOLLEY_TEST_STREAM", "secret-of-app", 1), 0);
    parse("orders,user=app,password-env=VOLLEY_TEST_STREAM");
    settle();
    ck_assert_str_eq(spec.load.streams[0].password, "secret-of-app");
    ck_assert_str_eq(spec.endpoint.user, "app");
    ck_assert_ptr_null(getenv("VOLLEY_TEST_STREAM"));
}

static enum err_code vary(const char *value, const char *setting, struct err *err)
{
    parse(value);
    return stream_wishes_vary(&wishes, setting, err);
}

TEST(test_what_is_varied_is_the_first_ones)
{
    /* breaks if a search changes the rate of what was to be in the background, or overrides what was asked */
    struct err err = {.code = OK};
    ck_assert_int_eq(vary("orders,c=5,orders,qps=0", "qps", &err), OK);
    ck_assert_int_eq(vary("orders", "qps", &err), OK);
    ck_assert_int_eq(vary("orders,qps=5,orders,qps=0", "qps", &err), E_USAGE);
    ck_assert_msg(strstr(err.text, "leave out qps=5") != NULL, "%s", err.text);
    err.code = OK;
    ck_assert_int_eq(vary("orders,orders,c=5", "qps", &err), E_USAGE);
    ck_assert_msg(strstr(err.text, "0 for as fast as it can") != NULL, "%s", err.text);
}

/* ---- rows ---- */

static struct interval_row *row_of(uint64_t ok, uint64_t ns)
{
    struct interval_row *row = interval_row_create();
    struct interval *interval = interval_create(1, 0);
    unsigned char *wire = malloc(INTERVAL_RECORD_MAX_BYTES);
    struct err err = {.code = OK};
    ck_assert(row != NULL && interval != NULL && wire != NULL);
    interval->counters[COUNTER_DUE] = interval->counters[COUNTER_SENT] = ok;
    interval->counters[COUNTER_OK] = ok;
    interval->classes[0].counters[CLASS_SENT] = interval->classes[0].counters[CLASS_OK] = ok;
    for (uint64_t i = 0; i < ok; i++) {
        interval_histogram_record(&interval->histograms[HISTOGRAM_SERVICE_OK], ns);
        coarse_record(&interval->classes[0].times[CLASS_SERVICE], ns, 1);
        interval_histogram_record(&interval->class_windows[CLASS_SERVICE], ns);
    }
    interval->window_ends = true;
    const size_t bytes = interval_encode(wire, interval);
    ck_assert_msg(interval_decode_add(row, wire, bytes, NULL, &err) == OK, "%s", err.text);
    interval_destroy(interval);
    free(wire);
    return row;
}

TEST(test_a_closed_loop_beside_an_open_one)
{
    /* breaks if response times of a run are not those of all its requests, or a row of both loops is said not to
     * add up */
    struct interval_row *both = interval_row_create(), *closed = row_of(3, 1000),
                        *open = row_of(2, 5000);
    struct err err = {.code = OK};
    interval_row_close_loop(closed);
    interval_row_close_loop(
        open); /* as if it had met every intended time, but for slip and wait: */
    histogram_add(&open->histograms[HISTOGRAM_SLIP], &open->histograms[HISTOGRAM_SERVICE_OK]);
    histogram_add(&open->histograms[HISTOGRAM_WAIT], &open->histograms[HISTOGRAM_SERVICE_OK]);
    interval_row_add_at(both, open, 0, 0);
    interval_row_add_at(both, closed, 1, 0);
    both->header.flags = INTERVAL_OPEN_LOOP | INTERVAL_BOTH_LOOPS;
    ck_assert_msg(interval_row_check(both, &err) == OK, "%s", err.text);
    ck_assert_uint_eq(both->class_count, 2);
    ck_assert_uint_eq(both->classes[0].counters[CLASS_OK], 2);
    ck_assert_uint_eq(both->classes[1].counters[CLASS_OK], 3);
    ck_assert_uint_eq(both->class_windows[CLASS_TIMES + CLASS_RESPONSE].count, 3);
    ck_assert_uint_eq(both->histograms[HISTOGRAM_RESPONSE_OK].count, 5);
    ck_assert_uint_eq(both->histograms[HISTOGRAM_SLIP].count, 2);
    both->header.flags = INTERVAL_OPEN_LOOP; /* then every request has to have a slip */
    ck_assert_int_eq(interval_row_check(both, &err), E_UNTRUSTED);
    err.code = OK;
    both->header.flags |= INTERVAL_BOTH_LOOPS;
    histogram_add(&both->histograms[HISTOGRAM_SLIP], &both->histograms[HISTOGRAM_SERVICE_OK]);
    ck_assert_int_eq(interval_row_check(both, &err), E_UNTRUSTED);
    free(both);
    free(closed);
    free(open);
}

/* ---- journals ---- */

TEST(test_streams_come_back_from_a_journal)
{
    /* breaks if a report that is rebuilt does not tell workloads apart, or takes classes that there are not */
    static struct run_facts run, back;
    run.class_count = back.class_count = 3;
    run.stream_count = 2;
    run.streams[0] = (struct run_stream){.name = "a",
                                         .user = "u",
                                         .rate_text = "5/s",
                                         .clients = 3,
                                         .pipeline = 1,
                                         .database = 2,
                                         .class_count = 2,
                                         .weighted_count = 1};
    run.streams[1] = (struct run_stream){.name = "b",
                                         .clients = 1,
                                         .pipeline = 9,
                                         .first_class = 2,
                                         .class_count = 1,
                                         .weighted_count = 1};
    json_t *json = run_streams_to_json(&run);
    ck_assert(run_streams_from_json(&back, json));
    ck_assert_uint_eq(back.stream_count, 2);
    ck_assert_mem_eq(back.streams, run.streams, sizeof run.streams);
    back.class_count = 2; /* one less than they have together */
    ck_assert(!run_streams_from_json(&back, json));
    back.class_count = 4;
    ck_assert(!run_streams_from_json(&back, json));
    back.class_count = 3;
    json_object_set_new(json_array_get(json, 1), "first_class", json_integer(1));
    ck_assert(!run_streams_from_json(&back, json));
    json_decref(json);
    ck_assert(run_streams_from_json(&back, NULL));
    ck_assert_uint_eq(back.stream_count, 0);
}

TEST_SUITE_WITH(workload_streams, .set_up = set_up, .tear_down = tear_down)
