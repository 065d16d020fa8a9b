/* What all probes share: when they ask, how long they wait, and what is told. The probes are made here; time
 * is the event loop's. */
#include <string.h>

#include "common/clock.h"
#include "orchestrator/server/probe.h"
#include "tests/support/check/suite.h"

static struct event_base *base;
static struct probe probe;
static struct note heard[4];
static unsigned heard_count, asked, given_up;

static void hear(void *state, const struct note *note)
{
    ck_assert_ptr_eq(state, heard);
    ck_assert_uint_lt(heard_count, sizeof heard / sizeof heard[0]);
    heard[heard_count++] = *note;
}

static void give_up(void *state)
{
    ck_assert_ptr_eq(state, &probe);
    ck_assert(probe.asking);
    given_up++;
}

static bool answer_at_once(void *state)
{
    ck_assert_ptr_eq(state, &probe);
    note_set(&probe.note, NOTE_KEYS, 100 + asked++);
    note_set(&probe.note, NOTE_LAG_BYTES, -1);
    probe_answered(&probe);
    return true;
}

static bool never_answer(void *state)
{
    (void)state;
    asked++;
    note_set(&probe.note, NOTE_KEYS, 7); /* half of an answer */
    return true;
}

static bool nothing_to_learn(void *state)
{
    (void)state;
    return asked++ == 0 ? answer_at_once(&probe) : false;
}

static void set_up(void)
{
    heard_count = asked = given_up = 0;
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
}

static void tear_down(void)
{
    probe_stop(&probe);
    probe_stop(&probe); /* safe */
    event_base_free(base);
}

static void start(bool (*ask)(void *state), uint64_t limit_ns)
{
    struct err err = {.code = OK};
    probe = (struct probe){.name = "the test",
                           .source = NOTE_SAMPLE,
                           .period_ns = NS_PER_MS,
                           .limit_ns = limit_ns,
                           .start_ns = clock_now_ns(),
                           .listener = {hear, heard},
                           .ask = ask,
                           .give_up = give_up,
                           .state = &probe};
    ck_assert_int_eq(probe_start(&probe, base, &err), OK);
}

TEST(each_answer_is_a_note)
{
    /* breaks if a probe stops after an answer, values of one go into the next, or what is not known is told */
    start(answer_at_once, 60 * NS_PER_SECOND);
    while (heard_count < 3)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(heard[i].ok);
        ck_assert_int_eq(heard[i].source, NOTE_SAMPLE);
        ck_assert_int_eq(note_get(&heard[i], NOTE_KEYS), 100 + i);
        ck_assert_int_eq(note_get(&heard[i], NOTE_LAG_BYTES), -1);
        ck_assert_uint_ge(heard[i].end_ns, heard[i].at_ns);
        ck_assert(i == 0 || heard[i].at_ns > heard[i - 1].at_ns);
    }
    ck_assert_uint_eq(given_up, 0);
}

TEST(an_answer_that_does_not_come)
{
    /* breaks if a probe waits for ever, asks a second question meanwhile, tells a question more than once, or
     * half of an answer as one */
    start(never_answer, 20 * NS_PER_MS);
    while (heard_count == 0)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    ck_assert_uint_eq(asked, 1);
    ck_assert_uint_eq(given_up, 1);
    ck_assert(!heard[0].ok && heard[0].known == 0);
    ck_assert_str_eq(heard[0].cause, "no answer in time");
    ck_assert_uint_ge(heard[0].end_ns - heard[0].at_ns, 20 * NS_PER_MS);
    while (asked < 2)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    ck_assert_uint_eq(heard_count, 1);
    probe_wait(&probe, 60 * NS_PER_SECOND); /* more of it has come in time */
    probe_answered(&probe);
    ck_assert(heard[1].ok);
    ck_assert_uint_eq(given_up, 1);
}

TEST(it_asks_no_more)
{
    /* breaks if a probe that has nothing to learn keeps asking, or tells a question that it did not ask */
    start(nothing_to_learn, NS_PER_MS);
    while (event_base_loop(base, EVLOOP_ONCE) == 0) /* 1: no event is pending */
        ck_assert_uint_le(asked, 3);
    ck_assert(!probe.asking);
    ck_assert_uint_eq(heard_count, 1);
    ck_assert_uint_eq(given_up, 0);
}

TEST_SUITE_WITH(probe, .set_up = set_up, .tear_down = tear_down)
