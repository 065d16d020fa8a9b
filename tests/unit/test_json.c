#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/json_value.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/suite.h"

static char *directory;
static char path[256];

static void set_up(void)
{
    directory = fixture_directory();
    snprintf(path, sizeof path, "%s/run.json", directory);
}

static void tear_down(void)
{
    fixture_remove(directory);
}

static void open_json(struct timeline *timeline)
{
    struct sink sink;
    struct err err = {.code = OK};
    ck_assert_int_eq(timeline_init(timeline, &err), OK);
    ck_assert_msg(sink_json(&sink, path, OUTPUT_NAMED, &err) == OK, "%s", err.text);
    timeline_add(timeline, sink);
}

static json_t *load(void)
{
    json_error_t json_err;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &json_err);
    ck_assert_msg(json != NULL, "line %d: %s", json_err.line, json_err.text);
    return json;
}

/* The member at a path of keys such as "requests.ok". */
static json_t *at(json_t *json, const char *keys)
{
    char copy[128], *rest = copy;
    snprintf(copy, sizeof copy, "%s", keys);
    for (char *key = strsep(&rest, "."); key != NULL && json != NULL; key = strsep(&rest, "."))
        json = json_object_get(json, key);
    ck_assert_msg(json != NULL, "%s is missing", keys);
    return json;
}

static json_int_t number(json_t *json, const char *keys)
{
    ck_assert_msg(json_is_integer(at(json, keys)), "%s", keys);
    return json_integer_value(at(json, keys));
}

TEST(the_keys_that_programs_rely_on_are_there)
{
    /* breaks if a key of volley.run/1 is gone, renamed, or has another unit */
    static const char *const run_keys[] = {"name",
                                           "started",
                                           "seconds",
                                           "interrupted",
                                           "requests.due",
                                           "requests.sent",
                                           "requests.ok",
                                           "requests.errors",
                                           "requests.timed_out",
                                           "requests.lost",
                                           "requests.backlog",
                                           "requests.shed",
                                           "requests.in_flight",
                                           "requests.hits",
                                           "requests.misses",
                                           "rate.target",
                                           "rate.achieved",
                                           "slip_us.p99",
                                           "errors_by_kind",
                                           "connections.opened",
                                           "connections.lost",
                                           "classes",
                                           "workers",
                                           "intervals",
                                           "verdict.level",
                                           "verdict.checks"};
    static const char *const latency_keys[] = {"count", "min", "mean",  "stdev",  "p50",     "p90",
                                               "p95",   "p99", "p99_9", "p99_99", "p99_999", "max"};
    static const char *const latencies[] = {"response_time_us", "service_time_us", "wait_us",
                                            "slip_us"};
    struct timeline timeline;
    struct session_facts session = fixture_session();
    open_json(&timeline);
    fixture_play(&timeline, &session);
    ck_assert(!timeline.failed[0]);
    timeline_destroy(&timeline);
    fixture_session_free(&session);

    json_t *json = load();
    ck_assert_str_eq(json_string_value(at(json, "schema")), "volley.run/1");
    ck_assert_str_eq(json_string_value(at(json, "volley.version")), "0.1.0");
    ck_assert_str_eq(json_string_value(at(json, "volley.commit")), "abc");
    ck_assert_int_eq(number(json, "spec.clients"), 4);
    ck_assert_str_eq(json_string_value(at(json, "environment.volley.compiler")), "cc");
    json_t *run = json_array_get(at(json, "runs"), 0);
    for (size_t i = 0; i < sizeof run_keys / sizeof run_keys[0]; i++)
        at(run, run_keys[i]);
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 12; k++)
            at(at(run, latencies[i]), latency_keys[k]);
        ck_assert_uint_ge(json_object_size(at(run, latencies[i])), 12);
    }
    ck_assert_str_eq(json_string_value(at(run, "started")), "2027-01-15T08:00:00Z");
    ck_assert(json_is_null(at(run, "rate.target")));
    ck_assert_double_eq(json_number_value(at(run, "rate.achieved")), 500.0);
    ck_assert_double_eq(json_number_value(at(run, "seconds")), 3.0);
    ck_assert_int_eq(number(run, "slip_us.count"), 0);
    ck_assert(json_is_null(at(run, "slip_us.max")));
    ck_assert(json_equal(at(run, "response_time_us"), at(run, "service_time_us")));
    ck_assert_double_eq(json_number_value(at(run, "service_time_us.min")), 150.0);
    ck_assert_double_eq(json_number_value(at(run, "service_time_us.max")), 2500.0);
    ck_assert_int_eq(number(run, "errors_by_kind.WRONGTYPE"), 2);
    ck_assert_int_eq(number(run, "errors_by_kind.timed_out"), 1);
    ck_assert_str_eq(json_string_value(at(run, "error_texts.WRONGTYPE")),
                     "WRONGTYPE Operation against a key");
    json_t *worker = json_array_get(at(run, "workers"), 1);
    ck_assert_int_eq(number(worker, "pid"), 102);
    ck_assert(json_is_null(at(worker, "cpu")));
    ck_assert_str_eq(json_string_value(at(run, "verdict.level")), "AMBER");
    ck_assert_uint_eq(json_array_size(at(run, "verdict.checks")), 32);
    json_decref(json);
}

/* A check of the verdict. */
static json_t *check_of(json_t *run, const char *name)
{
    size_t index;
    json_t *check;
    json_array_foreach(at(run, "verdict.checks"), index, check)
    {
        if (strcmp(json_string_value(at(check, "name")), name) == 0)
            return check;
    }
    ck_abort_msg("there is no check %s", name);
}

TEST(checks_of_the_verdict_are_numbers)
{
    /* breaks if a program must pick the evidence of a check, its unit or its limit out of a sentence */
    struct timeline timeline;
    struct session_facts session = fixture_session();
    open_json(&timeline);
    fixture_play(&timeline, &session);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    json_t *json = load(), *run = json_array_get(at(json, "runs"), 0);
    json_t *errors = check_of(run, "errors");
    double answered = (double)(number(run, "requests.ok") + number(run, "requests.errors"));
    ck_assert_double_eq_tol(json_number_value(at(errors, "value")),
                            100 * (double)number(run, "requests.errors") / answered, 1e-9);
    ck_assert_str_eq(json_string_value(at(errors, "unit")), "percent");
    ck_assert_double_eq(json_number_value(at(errors, "threshold")), 0.1);
    ck_assert_double_eq(json_number_value(at(errors, "red_threshold")), 1);
    ck_assert_ptr_nonnull(strstr(json_string_value(at(errors, "text")), "% of replies"));
    json_t *target = check_of(run, "target"); /* of a closed loop */
    ck_assert(json_is_null(at(target, "value")));
    ck_assert_str_eq(json_string_value(at(target, "text")), "closed loop");
    ck_assert(json_is_false(at(target, "note")));
    json_decref(json);
}

TEST(intervals_add_up_to_the_totals)
{
    /* breaks if an interval is missing, double, or of the warm-up */
    static const char *const sums[] = {
        "requests.sent",    "requests.ok",   "requests.errors", "requests.timed_out",
        "requests.lost",    "requests.hits", "requests.misses", "service_time_us.count",
        "connections.lost", "bytes.out",     "bytes.in"};
    struct timeline timeline;
    struct session_facts session = fixture_session();
    open_json(&timeline);
    fixture_play(&timeline, &session);
    timeline_destroy(&timeline);
    fixture_session_free(&session);

    json_t *json = load();
    json_t *run = json_array_get(at(json, "runs"), 0);
    json_t *intervals = at(run, "intervals");
    ck_assert_uint_eq(json_array_size(intervals), 3);
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        json_int_t sum = 0;
        for (size_t k = 0; k < 3; k++)
            sum += number(json_array_get(intervals, k), sums[i]);
        ck_assert_msg(sum == number(run, sums[i]), "%s", sums[i]);
    }
    ck_assert_int_eq(number(run, "requests.ok"), 1500);
    json_t *first = json_array_get(intervals, 0);
    ck_assert_int_eq(number(first, "index"), 1);
    ck_assert_double_eq(json_number_value(at(first, "start_seconds")), 1.0);
    ck_assert_double_eq(json_number_value(at(first, "seconds")), 1.0);
    ck_assert_int_eq(number(first, "requests.in_flight"), 1);
    ck_assert(json_is_null(at(json_array_get(intervals, 1), "service_time_us.p50")));
    json_decref(json);
}

static double real(json_t *json, const char *keys)
{
    ck_assert_msg(json_is_real(at(json, keys)), "%s", keys);
    return json_real_value(at(json, keys));
}

static void play_with(void (*play)(struct timeline *, const struct session_facts *))
{
    struct timeline timeline;
    struct session_facts session = fixture_session();
    open_json(&timeline);
    play(&timeline, &session);
    ck_assert(!timeline.failed[0]);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
}

static void play_open(void)
{
    play_with(fixture_play_open);
}

TEST(an_open_loop_has_a_target)
{
    /* breaks if the JSON of a run at a rate does not say what was asked for, sent, and left undone */
    play_open();
    json_t *json = load();
    json_t *run = json_array_get(at(json, "runs"), 0);
    ck_assert_str_eq(json_string_value(at(run, "rate_asked")), "1,000/s, even");
    ck_assert_double_eq(real(run, "rate.target"), 1000.0);
    ck_assert_double_eq_tol(real(run, "rate.achieved"), 1900 / 3.0, 1e-9);
    ck_assert_double_eq_tol(real(run, "rate.sent_share"), 0.64, 1e-12);
    ck_assert_str_eq(
        json_string_value(at(run, "rate.reason")),
        "target not reached: 64 % of 1,000/s sent, because the server answered too slowly "
        "for 4 connections: all were busy 33 % of the time");
    ck_assert_int_eq(number(run, "requests.due"), 3000);
    ck_assert_int_eq(number(run, "requests.sent"), 1920);
    ck_assert_int_eq(number(run, "requests.backlog"), 680);
    ck_assert_int_eq(number(run, "requests.backlog_before"), 0);
    ck_assert_int_eq(number(run, "requests.shed"), 400);
    ck_assert_int_eq(number(run, "shed_by_cause.late"), 400);
    ck_assert_uint_eq(json_object_size(at(run, "shed_by_cause")), 1);
    ck_assert_double_eq(json_number_value(at(run, "warmup_seconds")), 1.0);
    ck_assert_double_eq_tol(real(json_array_get(at(run, "workers"), 0), "spin_seconds"), 0.3, 1e-9);
    ck_assert_str_eq(json_string_value(at(run, "verdict.level")), "RED");
    json_t *second = json_array_get(at(run, "intervals"), 1);
    ck_assert_double_eq(real(second, "rate.target"), 1000.0);
    ck_assert_int_eq(number(second, "requests.backlog_before"), 100);
    ck_assert_int_eq(number(second, "requests.backlog"), 700);
    ck_assert_int_eq(number(second, "connections.open"), 4);
    json_decref(json);
}

/* Ends with a record of no length: the load ended at an interval's end. */
static void play_empty_end(struct timeline *timeline, const struct session_facts *session)
{
    struct run_facts facts = fixture_open_facts();
    timeline_session_begin(timeline, session);
    timeline_run_begin(timeline, &facts);
    for (uint32_t i = 0; i < 2; i++) {
        struct interval_row *row = fixture_row(i);
        fixture_answer_at(row, 150000, 50000, 10);
        row->header.flags = INTERVAL_OPEN_LOOP;
        if (i == 1)
            row->header.end_ns = row->header.start_ns;
        struct err err = {.code = OK};
        ck_assert_int_eq(timeline_interval(timeline, row, &err), OK);
        free(row);
    }
    struct run_result *result = fixture_result();
    timeline_run_end(timeline, result);
    timeline_session_end(timeline);
    free(result);
}

TEST(an_interval_without_length_has_a_target)
{
    /* breaks if an interval of a run at a rate looks like one of a closed loop because it took no time */
    play_with(play_empty_end);
    json_t *json = load();
    json_t *intervals = at(json_array_get(at(json, "runs"), 0), "intervals");
    ck_assert_double_eq(real(json_array_get(intervals, 0), "rate.target"), 10.0);
    ck_assert_double_eq(real(json_array_get(intervals, 1), "rate.target"), 0.0);
    json_decref(json);
}

TEST(the_three_times_stand_apart)
{
    /* breaks if response time, service time and slip are mixed up, or what nobody knows is a number */
    play_open();
    json_t *json = load();
    json_t *run = json_array_get(at(json, "runs"), 0);
    ck_assert_double_eq(real(run, "response_time_us.min"), 200.0);
    ck_assert_double_eq(real(run, "response_time_us.max"), 900000.0);
    ck_assert(json_is_null(at(run, "response_time_us.p95"))); /* 1,100 of 3,000 have none */
    ck_assert_double_eq(real(run, "service_time_us.max"), 250.0);
    ck_assert_double_eq(real(run, "service_time_us.p95"), 250.0);
    ck_assert(json_is_null(at(run, "service_time_us.p99"))); /* 20 of 1,920 have none */
    ck_assert_int_eq(number(run, "slip_us.count"), 1920);
    ck_assert_double_eq(real(run, "slip_us.max"), 899750.0);
    ck_assert_double_eq(real(run, "slip_us.p99_9"), 899750.0);
    ck_assert_int_eq(number(run, "connect_time_us.count"), 4);
    ck_assert_double_eq(real(run, "connect_time_us.max"), 400.0);
    json_t *asked = at(run, "percentiles");
    ck_assert(json_is_real(at(json_array_get(asked, 0), "response_time_us")));
    ck_assert(json_is_null(at(json_array_get(asked, 0), "at_least_us")));
    ck_assert(json_is_null(at(json_array_get(asked, 1), "response_time_us")));
    ck_assert_double_eq_tol(real(json_array_get(asked, 1), "at_least_us"), 900e3, 900);
    json_t *class = json_array_get(at(run, "classes"), 0);
    ck_assert(json_equal(at(class, "response_time_us"), at(run, "response_time_us")));
    ck_assert(json_equal(at(class, "service_time_us"), at(run, "service_time_us")));
    json_t *third = json_array_get(at(run, "intervals"), 2);
    ck_assert_double_eq(real(third, "response_time_us.p50"), 900e3); /* of 1,700, 1,000 answered */
    ck_assert_double_eq_tol(real(third, "response_time_us.at_least.p90"), 900e3, 900);
    ck_assert_double_eq_tol(real(third, "service_time_us.p50"), 250.0, 0.2);
    ck_assert_int_eq(number(third, "response_time_us.unanswered"), 700);
    ck_assert_int_eq(number(third, "service_time_us.unanswered"), 20);
    ck_assert_double_eq(real(third, "slip_us.p99"), 899750.0);
    ck_assert(json_is_null(at(json_array_get(at(run, "intervals"), 1), "response_time_us.p50")));
    json_decref(json);
}

TEST(nodes_and_outages_are_told)
{
    /* breaks if a program cannot see which node did what, and what its users saw of a failover */
    play_with(fixture_play_cluster);
    json_t *json = load();
    run_json_check(json);
    json_t *run = json_array_get(at(json, "runs"), 0);
    json_t *nodes = at(run, "nodes");
    ck_assert_uint_eq(json_array_size(nodes), 4);
    json_t *node = json_array_get(nodes, 1);
    ck_assert_str_eq(json_string_value(at(node, "address")), "127.0.0.1:7001");
    ck_assert_str_eq(json_string_value(at(node, "role_at_start")), "primary");
    ck_assert_str_eq(json_string_value(at(node, "role")), "gone");
    ck_assert_int_eq(number(node, "ok"), 320);
    ck_assert_int_eq(number(node, "errors"), 20);
    ck_assert_int_eq(number(node, "timed_out"), 3);
    ck_assert_int_eq(number(node, "lost"), 2);
    ck_assert_int_eq(number(node, "connections_lost"), 2);
    ck_assert_double_eq_tol(real(node, "share"), 340 / 1915.0, 1e-9);
    ck_assert_int_eq(number(node, "response_time_us.count"), 320);
    ck_assert_double_eq(real(node, "response_time_us.max"), 150.0);
    ck_assert_double_eq(real(json_array_get(nodes, 3), "response_time_us.max"), 9000.0);
    ck_assert_int_eq(number(run, "connections.lost_by_cause.reset"), 2);
    ck_assert_int_eq(number(run, "connections.failed_by_cause.refused"), 2);
    ck_assert_int_eq(number(run, "connections.failed_by_cause.other"), 1);
    ck_assert_int_eq(number(run, "redirections.moved"), 7);
    ck_assert_int_eq(number(run, "handshakes.resumed"), 1);
    ck_assert_double_eq(real(run, "handshakes.per_second"), 0.5);
    ck_assert_double_eq(real(run, "handshakes.time_us.max"), 2000.0);
    json_t *failures = at(run, "failures");
    ck_assert_int_eq(number(failures, "count"), 1);
    ck_assert_int_eq(number(failures, "outcome_unknown"), 5);
    ck_assert_double_eq_tol(real(failures, "seconds_without_success"), 1.4, 1e-9);
    json_t *outage = json_array_get(at(failures, "outages"), 0);
    ck_assert_double_eq_tol(real(outage, "start_seconds"), 4.5, 1e-9);
    ck_assert_double_eq_tol(real(outage, "first_failed_to_first_ok_seconds"), 1.39, 1e-9);
    ck_assert_int_eq(number(outage, "errors_by_kind.LOADING"), 60);
    ck_assert_int_eq(number(outage, "errors_by_kind.timed_out"), 3);
    ck_assert_double_eq(real(outage, "response_time_us.before.p99"), 150.0);
    ck_assert_double_eq(real(outage, "response_time_us.during.max"), 9000.0);
    ck_assert(json_is_null(at(outage, "response_time_us.after.max")));
    json_t *of_node = json_array_get(at(failures, "nodes"), 1);
    ck_assert_int_eq(number(of_node, "index"), 1);
    outage = json_array_get(at(of_node, "outages"), 0);
    ck_assert_int_eq(number(outage, "taken_over_by"), 3);
    ck_assert_double_eq_tol(real(outage, "seconds"), 2.75, 1e-9);
    json_t *interval = json_array_get(at(run, "intervals"), 4);
    ck_assert_uint_eq(json_array_size(at(interval, "nodes")), 3);
    ck_assert_int_eq(number(json_array_get(at(interval, "nodes"), 1), "errors"), 10);
    json_decref(json);
}

TEST(an_open_loop_adds_up)
{
    /* breaks if the judge of every test's JSON, and the schema behind it, refuse an open loop */
    play_open();
    json_t *json = load();
    run_json_check(json);
    json_decref(json);
}

TEST(unknowable_percentiles_are_null)
{
    /* breaks if requests without a reply are left out of a percentile in silence */
    struct timeline timeline;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    struct run_facts facts = fixture_facts();
    open_json(&timeline);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 1000000, 970);
    row->counters[COUNTER_SENT] += 30;
    row->counters[COUNTER_DUE] += 30;
    fixture_unanswered(row, COUNTER_LOST_DRAIN, 0, 800000, 29);
    fixture_unanswered(row, COUNTER_LOST_DRAIN, 0, 2000000, 1);
    ck_assert_int_eq(timeline_interval(&timeline, row, &err), OK);
    struct run_result *result = fixture_result();
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    json_t *json = load();
    json_t *run = json_array_get(at(json, "runs"), 0);
    ck_assert(json_is_real(at(run, "service_time_us.p95")));
    ck_assert(json_is_null(at(run, "service_time_us.p99")));
    ck_assert(json_is_null(at(run, "response_time_us.p99_999")));
    ck_assert(json_is_real(at(run, "service_time_us.max")));
    ck_assert_int_eq(number(run, "service_time_us.unanswered"), 30);
    ck_assert_ptr_null(json_object_get(at(run, "service_time_us.at_least"), "p95"));
    /* 999 of 1,000 waited a millisecond or less, by what is known; a bucket begins 0.1 % below it */
    ck_assert_double_eq_tol(real(run, "service_time_us.at_least.p99"), 1000, 1);
    ck_assert_double_eq(real(run, "service_time_us.at_least.p99_99"), 2000);
    ck_assert_double_eq(real(run, "service_time_us.at_least.max"), 2000);
    ck_assert_double_eq(real(run, "service_time_us.at_least.mean"),
                        (970 * 1000 + 29 * 800 + 2000) / 1000.0);
    ck_assert_double_eq(real(run, "service_time_us.mean"), 1000);
    ck_assert_int_eq(number(run, "errors_by_kind.drain"), 30);
    json_decref(json);
    free(result);
    free(row);
}

TEST(several_runs_stand_in_one_list)
{
    /* breaks if the second test of -t set,get makes the file invalid, or bytes in a name do */
    struct timeline timeline;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    open_json(&timeline);
    timeline_session_begin(&timeline, &session);
    struct run_result *result = fixture_result();
    for (uint32_t i = 0; i < 3; i++) {
        struct run_facts facts = fixture_facts();
        facts.index = i;
        facts.prefill = i == 0;
        snprintf(facts.name, sizeof facts.name, "SET \"\xff\n%u", i);
        timeline_run_begin(&timeline, &facts);
        struct interval_row *row = fixture_row(0);
        fixture_kind(&timeline, "E\xff", "E\xff text");
        fixture_refuse(row, 0, 1000, 1);
        ck_assert_int_eq(timeline_interval(&timeline, row, &err), OK);
        free(row);
        timeline_run_end(&timeline, result);
    }
    timeline_session_end(&timeline);
    ck_assert(!timeline.failed[0]);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    free(result);
    json_t *json = load();
    ck_assert_uint_eq(json_array_size(at(json, "runs")), 3);
    json_t *run = json_array_get(at(json, "runs"), 2);
    ck_assert_str_eq(json_string_value(at(run, "name")), "SET \"\\xFF\n2");
    ck_assert_int_eq(json_integer_value(json_object_get(at(run, "errors_by_kind"), "E\\xFF")), 1);
    ck_assert(json_is_true(at(json_array_get(at(json, "runs"), 0), "prefill")));
    json_decref(json);
}

TEST(tests_without_a_run_are_named)
{
    /* Breaks when a session that ended before its last tests looks like one that had only the first. */
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    session.tests = json_pack("[s, s, s]", "GET", "SET", "PING");
    open_json(&timeline);
    ck_assert_int_eq(sink_text(&sink, out, TEXT_REPORT, false, &err), OK);
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
    struct run_result *result = fixture_result();
    for (uint32_t i = 0; i < 2; i++) {
        struct run_facts facts = fixture_facts();
        facts.prefill = i == 0; /* it is no test */
        timeline_run_begin(&timeline, &facts);
        timeline_run_end(&timeline, result);
    }
    timeline_session_end(&timeline);
    ck_assert(!timeline.failed[0]);
    timeline_destroy(&timeline);
    fclose(out);
    ck_assert_ptr_nonnull(
        strstr(text, "\nNot run: SET, the session ended before\nNot run: PING, "));
    free(text);
    free(result);
    json_decref(session.tests);
    fixture_session_free(&session);
    json_t *json = load();
    ck_assert_uint_eq(json_array_size(at(json, "runs")), 2);
    ck_assert_uint_eq(json_array_size(at(json, "not_run")), 2);
    ck_assert_str_eq(json_string_value(json_array_get(at(json, "not_run"), 0)), "SET");
    json_decref(json);
}

TEST(classes_are_told)
{
    /* Breaks when a class of requests has the figures of another one, or of the whole. */
    struct timeline timeline;
    struct session_facts session = fixture_session();
    open_json(&timeline);
    fixture_play_classes(&timeline, &session);
    ck_assert(!timeline.failed[0]);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    json_t *json = load();
    run_json_check(json);
    json_t *run = json_array_get(at(json, "runs"), 0);
    ck_assert_uint_eq(json_array_size(at(run, "classes")), 2);
    json_t *read = json_array_get(at(run, "classes"), 0);
    json_t *write = json_array_get(at(run, "classes"), 1);
    ck_assert_str_eq(json_string_value(at(read, "name")), "read");
    ck_assert_int_eq(number(read, "requests.ok"), 3 * 790 + 10);
    ck_assert_int_eq(number(read, "requests.hits"), 2100);
    ck_assert_int_eq(number(read, "requests.misses"), 270);
    ck_assert_int_eq(number(read, "bytes.in"), 5 * 2380);
    ck_assert_double_eq(real(read, "response_time_us.p50"), 150.015);
    ck_assert_double_eq(real(read, "service_time_us.max"), 2500);
    ck_assert_double_eq_tol(real(read, "rate.achieved"), 2380.0 / 3, 1e-6);
    ck_assert_int_eq(number(write, "requests.errors"), 2);
    ck_assert_int_eq(number(write, "requests.timed_out"), 3);
    ck_assert_int_eq(number(write, "response_time_us.unanswered"), 3);
    ck_assert_double_eq(real(write, "response_time_us.min"), 900);
    ck_assert(json_is_null(at(write, "response_time_us.p99_9")));
    ck_assert_double_ge_tol(real(write, "response_time_us.at_least.p99_9"), 899.5, 1);
    ck_assert_ptr_null(json_object_get(at(write, "requests"), "due"));
    json_t *interval = json_array_get(at(run, "intervals"), 2);
    json_t *last = json_array_get(at(interval, "classes"), 1);
    ck_assert_int_eq(number(last, "timed_out"), 3);
    ck_assert_int_eq(number(last, "response_time_us.count"), 200);
    ck_assert(json_is_false(at(last, "coarse")));
    json_decref(json);
}

TEST(a_file_appears_when_it_is_whole)
{
    /* breaks if a program can pick up half a run.json */
    struct timeline timeline;
    struct session_facts session = fixture_session();
    struct run_facts facts = fixture_facts();
    open_json(&timeline);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    ck_assert_ptr_null(fixture_read_file(directory, "run.json", NULL));
    ck_assert_int_eq(fixture_count_files(directory), 1);
    timeline_session_end(&timeline); /* without the run's end: not whole */
    ck_assert(timeline.failed[0]);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    ck_assert_ptr_null(fixture_read_file(directory, "run.json", NULL));
    ck_assert_int_eq(fixture_count_files(directory), 0);
    struct sink sink;
    struct err err = {.code = OK};
    ck_assert_int_eq(sink_json(&sink, "/dev/null/run.json", OUTPUT_NAMED, &err), E_USAGE);
}

TEST(checks_of_another_version_come_back)
{
    /* breaks if a check that this version does not know is lost, or obeyed by a terminal, or has no end */
    struct verdict_foreign foreign[VERDICT_FOREIGN_MAX];
    json_t *verdict = json_pack("{s:[{s:s, s:s}, {s:s, s:s, s:s}, {s:s, s:i}, n]}", "checks",
                                "name", "accounting", "level", "RED", "name", "moon", "level",
                                "GREEN", "text", "a\x1b[2Jb", "level", "PURPLE", "text", 5);
    json_t *checks = json_object_get(verdict, "checks");
    ck_assert_uint_eq(json_value_foreign(foreign, NULL), 0);
    ck_assert_uint_eq(json_value_foreign(foreign, verdict), 3);
    ck_assert_str_eq(foreign[0].name, "moon");
    ck_assert_str_eq(foreign[0].text, "a [2Jb");
    ck_assert_int_eq(foreign[0].level, VERDICT_GREEN);
    ck_assert_str_eq(foreign[1].name, "unnamed");
    ck_assert_int_eq(foreign[1].level, VERDICT_AMBER);
    for (int i = 0; i < 20; i++)
        json_array_append_new(
            checks, json_pack("{s:s, s:s}", "name", "tide", "level", i == 10 ? "RED" : "GREEN"));
    ck_assert_uint_eq(json_value_foreign(foreign, verdict), VERDICT_FOREIGN_MAX);
    ck_assert_int_eq(foreign[VERDICT_FOREIGN_MAX - 2].level, VERDICT_GREEN);
    ck_assert_int_eq(foreign[VERDICT_FOREIGN_MAX - 1].level, VERDICT_RED);
    json_decref(verdict);
}

TEST_SUITE_WITH(json, .set_up = set_up, .tear_down = tear_down)
