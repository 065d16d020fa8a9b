/* What commands do to the schedule of a run; the run is a segment that this test fills. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/ipc.h"
#include "orchestrator/fleet/steering.h"
#include "tests/support/check/suite.h"

#define WORKERS 2u
#define RING_BYTES 4096u
#define START_NS (1000 * NS_PER_SECOND) /* clock reading of the common start */
#define RATE(per_second) ((per_second)*SCHEDULE_MICRO)

static struct spec spec;
static struct run_facts facts;
static struct steering steering;
static struct note heard[8];
static unsigned heard_count;

static void hear(void *state, const struct note *note)
{
    ck_assert_ptr_eq(state, &heard);
    if (heard_count < sizeof heard / sizeof heard[0])
        heard[heard_count++] = *note;
}

/* A run of 10 s that ramps from 1,000 to 3,000/s, behind 2 s of warm-up at 1,000/s. */
static void set_up(void)
{
    const struct rate_step ramp = {.length_ns = 10 * NS_PER_SECOND,
                                   .from_micro = RATE(1000),
                                   .to_micro = RATE(3000),
                                   .shape = SCHEDULE_LINEAR};
    size_t bytes = ipc_segment_bytes(WORKERS, RING_BYTES, schedule_bytes(1, true));
    void *segment = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(segment, MAP_FAILED);
    ipc_segment_init(segment, WORKERS, RING_BYTES);
    schedule_plan(ipc_schedule(segment), &ramp, 1, true);
    atomic_store(&ipc_control(segment)->measure_after_ns, 2 * NS_PER_SECOND);
    memset(&spec, 0, sizeof spec);
    spec.rate.warmup_micro = RATE(1000);
    facts = (struct run_facts){.name = "GET", .open_loop = true, .duration_ns = 10 * NS_PER_SECOND};
    steering = (struct steering){
        .segments = {{segment}, 1}, .spec = &spec, .facts = &facts, .listener = {hear, &heard}};
    heard_count = 0;
}

static void begin(void)
{
    atomic_store(&ipc_control(steering.segments.each[0])->start_ns, START_NS);
}

/* A command at a time since the start of measuring; negative: in the warm-up. The members are the
 * caller's. */
static enum err_code apply(enum control_action action, uint64_t rate_micro, int64_t at_ns,
                           enum steering_effect *effect, json_t **members, struct err *err)
{
    const struct control_command command = {.action = action, .rate_micro = rate_micro};
    uint64_t now_ns = START_NS + (uint64_t)((int64_t)(2 * NS_PER_SECOND) + at_ns);
    *err = (struct err){.code = OK};
    return steering_apply(&steering, effect, members, &command, now_ns, 1234.5, err);
}

static void expect_done(enum control_action action, uint64_t rate_micro, uint64_t at_ns,
                        double answered_rate)
{
    enum steering_effect effect;
    json_t *members;
    struct err err;
    ck_assert_msg(apply(action, rate_micro, (int64_t)at_ns, &effect, &members, &err) == OK, "%s",
                  err.text);
    ck_assert_int_eq(effect, STEERING_WAKE_WORKERS);
    ck_assert_double_eq_tol(json_number_value(json_object_get(members, "rate")), answered_rate,
                            1e-6);
    json_decref(members);
}

static void expect_refused(enum control_action action, int64_t at_ns, const char *why)
{
    enum steering_effect effect;
    json_t *members = NULL;
    struct err err;
    uint32_t before = atomic_load(&ipc_schedule(steering.segments.each[0])->count);
    ck_assert_int_eq(apply(action, RATE(5), at_ns, &effect, &members, &err), E_DATA);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
    ck_assert_ptr_null(members);
    ck_assert_uint_eq(atomic_load(&ipc_schedule(steering.segments.each[0])->count), before);
}

static uint64_t rate_at(uint64_t at_ns)
{
    return schedule_rate_micro(ipc_schedule(steering.segments.each[0]), at_ns);
}

static json_t *status(int64_t at_ns)
{
    enum steering_effect effect;
    json_t *members;
    struct err err;
    ck_assert_int_eq(apply(CONTROL_STATUS, 0, at_ns, &effect, &members, &err), OK);
    ck_assert_int_eq(effect, STEERING_NONE);
    json_t *told = json_incref(json_object_get(members, "status"));
    json_decref(members);
    ck_assert_ptr_nonnull(told);
    return told;
}

static void expect_state(int64_t at_ns, const char *state)
{
    json_t *told = status(at_ns);
    ck_assert_str_eq(json_string_value(json_object_get(told, "state")), state);
    json_decref(told);
}

static long long count_of(const json_t *told, const char *group, const char *key)
{
    const json_t *count = json_object_get(json_object_get(told, group), key);
    ck_assert_msg(json_is_integer(count), "%s.%s", group, key);
    return json_integer_value(count);
}

TEST(a_rate_takes_over_a_moment_ahead)
{
    /* breaks if a change reaches into the past of a worker, or a ramp goes on behind it */
    begin();
    expect_done(CONTROL_RATE, RATE(700), 4 * NS_PER_SECOND, 700);
    ck_assert_uint_eq(rate_at(4 * NS_PER_SECOND), RATE(1800));
    ck_assert_uint_ge(rate_at(4 * NS_PER_SECOND + STEERING_AHEAD_NS - 1), RATE(1800));
    ck_assert_uint_eq(rate_at(4 * NS_PER_SECOND + STEERING_AHEAD_NS), RATE(700));
    ck_assert_uint_eq(rate_at(100 * NS_PER_SECOND), RATE(700));
}

TEST(a_pause_returns_to_the_rate_in_force)
{
    /* breaks if a pause forgets the rate, goes on with the ramp, or a second one remembers 0 */
    begin();
    expect_done(CONTROL_PAUSE, 0, 5 * NS_PER_SECOND, 0);
    ck_assert_uint_eq(rate_at(6 * NS_PER_SECOND), 0);
    expect_state(6 * (int64_t)NS_PER_SECOND, "paused");
    expect_done(CONTROL_PAUSE, 0, 7 * NS_PER_SECOND, 0);
    expect_done(CONTROL_RESUME, 0, 8 * NS_PER_SECOND, 2001);
    ck_assert_uint_eq(rate_at(8 * NS_PER_SECOND), 0);
    ck_assert_uint_eq(rate_at(9 * NS_PER_SECOND), RATE(2001)); /* of 5.005 s */
    expect_state(9 * (int64_t)NS_PER_SECOND, "running");
    expect_done(CONTROL_RESUME, 0, 9 * NS_PER_SECOND, 2001);
}

TEST(a_rate_ends_a_pause)
{
    /* breaks if a rate given in a pause waits for the resume, or the resume undoes it */
    begin();
    expect_done(CONTROL_PAUSE, 0, 1 * NS_PER_SECOND, 0);
    expect_done(CONTROL_RATE, RATE(50), 2 * NS_PER_SECOND, 50);
    expect_state(3 * (int64_t)NS_PER_SECOND, "running");
    expect_done(CONTROL_RESUME, 0, 4 * NS_PER_SECOND, 50);
    ck_assert_uint_eq(rate_at(5 * NS_PER_SECOND), RATE(50));
}

TEST(each_change_is_told)
{
    /* breaks if a change leaves no trace in the result, with its time and what was asked, or what changed
     * nothing leaves one */
    static const char *const told[] = {"rate 700/s", "pause", "resume, rate 700/s"};
    begin();
    expect_done(CONTROL_RESUME, 0, 1 * NS_PER_SECOND, 1201);
    expect_refused(CONTROL_RATE, -1, "warm-up");
    expect_done(CONTROL_RATE, RATE(700), 4 * NS_PER_SECOND, 700);
    expect_done(CONTROL_PAUSE, 0, 5 * NS_PER_SECOND, 0);
    expect_done(CONTROL_PAUSE, 0, 5500 * NS_PER_MS, 0);
    expect_done(CONTROL_RESUME, 0, 6 * NS_PER_SECOND, 700);
    ck_assert_uint_eq(heard_count, 3);
    ck_assert_uint_eq(steering.changes, 3);
    for (unsigned i = 0; i < heard_count; i++) {
        ck_assert_str_eq(heard[i].text, told[i]);
        ck_assert_int_eq(heard[i].source, NOTE_CTL);
        ck_assert(heard[i].ok);
        /* since the common start, when it begins */
        ck_assert_uint_eq(heard[i].at_ns, (6 + i) * NS_PER_SECOND + STEERING_AHEAD_NS);
        ck_assert_uint_eq(heard[i].end_ns, heard[i].at_ns);
    }
}

TEST(changes_wait_for_the_measuring)
{
    /* breaks if the schedule changes while it does not run yet, or no more */
    expect_state(0, "connecting");
    expect_refused(CONTROL_RATE, 0, "connecting");
    begin();
    expect_refused(CONTROL_RATE, -(int64_t)NS_PER_SECOND, "warm-up");
    expect_refused(CONTROL_PAUSE, -1, "warm-up");
    expect_state(-(int64_t)NS_PER_SECOND, "warming up");
    expect_state(0, "running");
    expect_refused(CONTROL_RESUME, 10 * (int64_t)NS_PER_SECOND, "stopping");
    atomic_store(&ipc_control(steering.segments.each[0])->stop_ns, START_NS + 3 * NS_PER_SECOND);
    expect_refused(CONTROL_RATE, 0, "stopping");
    expect_state(0, "stopping");
    facts.open_loop = false;
    atomic_store(&ipc_control(steering.segments.each[0])->stop_ns, IPC_NEVER);
    expect_refused(CONTROL_RATE, 0, "GET runs without a rate");
}

TEST(an_unknown_end_of_the_warmup_is_warmup)
{
    /* breaks if --steady auto, which names no end yet, is taken for a run under way */
    begin();
    atomic_store(&ipc_control(steering.segments.each[0])->measure_after_ns, IPC_NEVER);
    expect_refused(CONTROL_RATE, 100 * (int64_t)NS_PER_SECOND, "warm-up");
    expect_state(100 * (int64_t)NS_PER_SECOND, "warming up");
}

TEST(a_stop_is_the_fleets)
{
    /* breaks if a stop is refused in some state, or asked for twice */
    enum steering_effect effect;
    json_t *members;
    struct err err;
    ck_assert_int_eq(apply(CONTROL_STOP, 0, 0, &effect, &members, &err), OK);
    ck_assert_int_eq(effect, STEERING_STOP);
    json_decref(members);
    begin();
    ck_assert_int_eq(apply(CONTROL_STOP, 0, 1, &effect, &members, &err), OK);
    ck_assert_int_eq(effect, STEERING_STOP);
    json_decref(members);
    atomic_store(&ipc_control(steering.segments.each[0])->stop_ns, START_NS + 3 * NS_PER_SECOND);
    ck_assert_int_eq(apply(CONTROL_STOP, 0, 1, &effect, &members, &err), OK);
    ck_assert_int_eq(effect, STEERING_NONE);
    json_decref(members);
}

TEST(changes_have_an_end)
{
    /* breaks if the table of the schedule overflows, or the refusal loses the state */
    begin();
    for (uint32_t i = 0; i < SCHEDULE_CHANGES_MAX; i++)
        expect_done(CONTROL_RATE, RATE(i + 1), i * 1000, i + 1);
    expect_refused(CONTROL_RATE, 1000000000, "10000 times");
    expect_refused(CONTROL_PAUSE, 1000000000, "10000 times");
    expect_state(1000000000, "running");
    ck_assert_uint_eq(rate_at(2 * NS_PER_SECOND), RATE(SCHEDULE_CHANGES_MAX));
}

TEST(a_pause_has_an_end)
{
    /* Breaks when the last change that there is room for is a pause, which nothing can end. */
    begin();
    for (uint32_t i = 0; i < SCHEDULE_CHANGES_MAX - 2; i++)
        expect_done(CONTROL_RATE, RATE(i + 1), i * 1000, i + 1);
    expect_done(CONTROL_RATE, RATE(7), 1000000000, 7);
    expect_refused(CONTROL_PAUSE, 1000000000, "needs another to end it");
    expect_state(1000000000, "running");
    expect_done(CONTROL_RATE, RATE(8), 1100000000, 8);
}

TEST(a_status_adds_up)
{
    /* breaks if warm-up, workers or the schedule's own count are left out of a status */
    begin();
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct ipc_worker *worker = ipc_worker(steering.segments.each[0], i);
        atomic_store(&worker->counters[COUNTER_SENT], 1490);
        atomic_store(&worker->counters[COUNTER_OK], 1480);
        atomic_store(&worker->counters[COUNTER_ERROR_REPLIES], 3);
        atomic_store(&worker->counters[COUNTER_LOST_DISCONNECT], 2);
        atomic_store(&worker->counters[COUNTER_SHED_LATE], 4);
        atomic_store(&worker->connections_ready, 25);
    }
    json_t *told = status((int64_t)NS_PER_SECOND);
    /* 2 s at 1,000/s, and the first second of the ramp: 1,000 + 200 / 2 */
    ck_assert_int_eq(count_of(told, "requests", "due"), 2000 + 1100);
    ck_assert_int_eq(count_of(told, "requests", "sent"), 2980);
    ck_assert_int_eq(count_of(told, "requests", "ok"), 2960);
    ck_assert_int_eq(count_of(told, "requests", "errors"), 6);
    ck_assert_int_eq(count_of(told, "requests", "lost"), 4);
    ck_assert_int_eq(count_of(told, "requests", "shed"), 8);
    ck_assert_int_eq(count_of(told, "requests", "backlog"), 3100 - 2980 - 8);
    ck_assert_int_eq(count_of(told, "connections", "open"), 50);
    ck_assert_str_eq(json_string_value(json_object_get(told, "test")), "GET");
    ck_assert_double_eq_tol(json_real_value(json_object_get(told, "elapsed_seconds")), 3, 1e-9);
    ck_assert_double_eq_tol(json_real_value(json_object_get(told, "measured_seconds")), 1, 1e-9);
    const json_t *rate = json_object_get(told, "rate");
    ck_assert_double_eq_tol(json_number_value(json_object_get(rate, "target")), 1201, 1e-6);
    ck_assert_double_eq_tol(json_number_value(json_object_get(rate, "achieved")), 1234.5, 1e-9);
    json_decref(told);
    facts.requests = 1000; /* -n: nothing more is due */
    facts.duration_ns = 0;
    told = status(5 * (int64_t)NS_PER_SECOND);
    ck_assert_int_eq(count_of(told, "requests", "due"), 3000);
    json_decref(told);
}

TEST(a_rate_that_is_measured_stays)
{
    /* breaks if somebody makes a figure of a search or a load test another one than it says */
    begin();
    spec.rate.measured = true;
    expect_refused(CONTROL_RATE, 0, "is what is measured");
    expect_refused(CONTROL_PAUSE, 0, "is what is measured");
}

TEST(a_closed_loop_has_no_target)
{
    /* breaks if the status of a prefill looks for a schedule that is not there */
    begin();
    facts.open_loop = false;
    facts.prefill = true;
    json_t *told = status(1);
    ck_assert(json_is_null(json_object_get(json_object_get(told, "rate"), "target")));
    ck_assert(json_is_true(json_object_get(told, "prefill")));
    ck_assert_int_eq(count_of(told, "requests", "backlog"), 0);
    json_decref(told);
}

TEST_SUITE_WITH(steering, .set_up = set_up)
