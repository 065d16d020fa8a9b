/* Requests of another kind than a workload's: of two classes and many sizes, by a generator that cannot make the
 * same request twice. By a whole worker against a scripted server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"

#define KEPT_MAX 4096u
#define PAYLOAD_MAX 90000u /* more than one write of the worker */

static struct simulated_run simulated;

/* What was drawn, until its last reply, or until it is dropped. */
static struct {
    char *bytes[KEPT_MAX];
    size_t byte_count[KEPT_MAX];
    uint32_t kept, drawn, dropped, replies, of_class[2];
    uint64_t draws; /* goes on with every request: no ticket is drawn alike again */
    uint32_t largest_bytes;
} made;

static const char get[] = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";

static enum err_code open_varied(void **state, const void *source, uint32_t worker, struct err *err)
{
    (void)worker;
    (void)err;
    memset(&made, 0, sizeof made);
    made.largest_bytes = *(const uint32_t *)source;
    *state = &made;
    return OK;
}

static void close_varied(void *state)
{
    (void)state;
}

static enum read_kind varied_read_kind(const void *state, uint32_t class, uint32_t index)
{
    (void)class;
    (void)state;
    return index == 1 ? READ_VALUE : READ_NONE;
}

static const struct request_class *varied_classes(const void *state, uint32_t *count)
{
    static const struct request_class classes[] = {
        {.name = "write", .replies = 1, .read_kind = varied_read_kind},
        {.name = "write and read", .replies = 2, .read_kind = varied_read_kind},
    };
    (void)state;
    *count = 2;
    return classes;
}

static size_t varied_most_bytes(const void *state)
{
    (void)state;
    return made.largest_bytes + 64 + sizeof get;
}

static void varied_draw(void *state, struct request_slot *slot)
{
    uint64_t random = rng_at(7, made.draws++);
    uint32_t value_bytes = (uint32_t)rng_bounded(random, made.largest_bytes);
    char *bytes = malloc(value_bytes + 64 + sizeof get);
    (void)state;
    ck_assert_uint_lt(slot->ticket, KEPT_MAX);
    ck_assert_ptr_null(made.bytes[slot->ticket]);
    ck_assert_ptr_nonnull(bytes);
    size_t count =
        (size_t)snprintf(bytes, 64, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%u\r\n", value_bytes);
    memset(bytes + count, 'a' + (int)(random % 26), value_bytes);
    count += value_bytes;
    memcpy(bytes + count, "\r\n", 2);
    count += 2;
    slot->class = random >> 63;
    if (slot->class == 1) {
        memcpy(bytes + count, get, sizeof get - 1);
        count += sizeof get - 1;
    }
    slot->bytes = (uint32_t)count;
    made.bytes[slot->ticket] = bytes;
    made.byte_count[slot->ticket] = count;
    made.kept++;
    made.drawn++;
    made.of_class[slot->class]++;
}

static void varied_render_part(const void *state, const struct request_slot *slot, size_t from_byte,
                               size_t byte_count, char *out)
{
    (void)state;
    ck_assert_ptr_nonnull(made.bytes[slot->ticket]);
    ck_assert_uint_le(from_byte + byte_count, made.byte_count[slot->ticket]);
    memcpy(out, made.bytes[slot->ticket] + from_byte, byte_count);
}

static void varied_render(const void *state, const struct request_slot *slot, char *out)
{
    varied_render_part(state, slot, 0, slot->bytes, out);
}

static void forget(const struct request_slot *slot)
{
    free(made.bytes[slot->ticket]);
    made.bytes[slot->ticket] = NULL;
    made.kept--;
}

static bool varied_reply(void *state, const struct request_slot *slot, uint32_t index,
                         const struct resp_reply *reply)
{
    (void)state;
    (void)reply;
    made.replies++;
    if (index == slot->class) /* the last one */
        forget(slot);
    return true;
}

static void varied_drop(void *state, const struct request_slot *slot)
{
    (void)state;
    made.dropped++;
    forget(slot);
}

static const struct generator varied = {
    .name = "varied",
    .open = open_varied,
    .close = close_varied,
    .classes = varied_classes,
    .most_bytes = varied_most_bytes,
    .draw = varied_draw,
    .render = varied_render,
    .render_part = varied_render_part,
    .reply = varied_reply,
    .drop = varied_drop,
};

static uint32_t largest_bytes;
static char expected[64 * (PAYLOAD_MAX + 128)];
static size_t expected_bytes;

/* As the worker renders them, in the order of the tickets. */
static void note_expected(uint64_t requests)
{
    struct err err;
    void *state;
    expected_bytes = 0;
    ck_assert_int_eq(open_varied(&state, &largest_bytes, 0, &err), OK);
    for (uint64_t ticket = 0; ticket < requests; ticket++) {
        struct request_slot slot = {.ticket = ticket};
        varied_draw(state, &slot);
        ck_assert_uint_le(expected_bytes + slot.bytes, sizeof expected);
        varied_render(state, &slot, expected + expected_bytes);
        expected_bytes += slot.bytes;
        forget(&slot);
    }
}

static void prepare(uint64_t requests, uint64_t pipeline)
{
    simulated_run_init(&simulated);
    simulated.run.generator = &varied;
    simulated.run.generator_source = &largest_bytes;
    simulated.run.requests = requests;
    simulated.run.pipeline = pipeline;
}

static size_t cut_at_byte;

/* So much of what follows the greeting, then the rest when there is room again. */
static size_t take_up_to_cut(struct scripted_peer *peer, size_t byte_count)
{
    size_t cut = peer->greeting_bytes + cut_at_byte;
    if (peer->greeting_bytes == 0 || peer->received_bytes >= cut)
        return byte_count;
    size_t room_bytes = cut - peer->received_bytes;
    if (room_bytes < byte_count)
        scripted_wake(peer, 20 * NS_PER_US);
    return room_bytes < byte_count ? room_bytes : byte_count;
}

static void run_with_cut(size_t at_byte, uint64_t requests, uint64_t pipeline)
{
    const struct scripted_server server = {.command = scripted_answer, .takes = take_up_to_cut};
    note_expected(requests);
    cut_at_byte = at_byte;
    prepare(requests, pipeline);
    simulated_run_go(&simulated, &server);
    const struct scripted_peer *peer = scripted_peer(0);
    ck_assert_uint_eq(peer->received_bytes - peer->greeting_bytes, expected_bytes);
    ck_assert_mem_eq(peer->received + peer->greeting_bytes, expected, expected_bytes);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), requests);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_HITS), made.of_class[1]);
    ck_assert_uint_eq(made.replies, made.of_class[0] + 2 * made.of_class[1]);
    ck_assert_uint_eq(made.kept, 0);
    simulated_run_free(&simulated);
}

TEST(test_sizes_share_a_write)
{
    /* Breaks when the arithmetic of a write that was cut takes all requests for equally long, or renders
     * something else than what was begun: every byte of some requests, at several pipelines. */
    largest_bytes = 40;
    for (uint64_t pipeline = 1; pipeline <= 5; pipeline += 2) {
        note_expected(7);
        for (size_t at = 1; at < expected_bytes; at++)
            run_with_cut(at, 7, pipeline);
    }
}

TEST(test_sizes_beyond_a_write)
{
    /* Breaks when a request that does not fit behind others into one write is cut off, or skipped. */
    largest_bytes = PAYLOAD_MAX;
    note_expected(40);
    for (size_t at = 1; at < expected_bytes; at += 99991)
        run_with_cut(at, 40, 8);
}

/* Every third connection ends in place of an answer. */
static void answer_or_end(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    if (peer->greeting_bytes > 0 && peer->commands % 7 == 6) {
        scripted_end(peer, SCRIPTED_SERVICE_NS);
        return;
    }
    scripted_answer(peer, bytes, byte_count);
}

TEST(test_what_gets_no_reply_is_dropped)
{
    /* Breaks when a generator that keeps what it has drawn is not told that no reply will come: it would
     * keep it for ever. What was not sent when its connection ended goes out on the next one. */
    const struct scripted_server server = {.command = answer_or_end};
    largest_bytes = 40;
    prepare(200, 4);
    simulated.share.connections = 3;
    simulated_run_go(&simulated, &server);
    uint64_t lost = counters_lost(simulated.measured->counters);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK) + lost, 200);
    ck_assert_uint_gt(lost, 10);
    ck_assert_uint_eq(made.drawn, 200);
    ck_assert_uint_eq(made.dropped, lost);
    ck_assert_uint_eq(made.kept, 0);
    simulated_run_free(&simulated);
}

TEST_SUITE(generator)
