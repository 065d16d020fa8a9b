/* A connection on the orchestrator's event loop, to a server that does not stop talking. */
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/async_control.h"
#include "orchestrator/server/reply_reader.h"
#include "orchestrator/server/resolve.h"
#include "tests/support/check/fake_server.h"
#include "tests/support/check/suite.h"

#define REPLY "+x\r\n"
#define REPLY_BYTES 4u
#define REPLIES 2000000u
#define READS_AT_ONCE 16u

static struct {
    struct event_base *base;
    struct async_control *control;
    struct event *tick; /* comes up again in every turn of the loop */
    uint64_t replies, since_tick, most_between_ticks;
    bool lost;
} heard;

static const struct timeval at_once = {0};

static void on_ready(void *state)
{
    (void)state;
}

static void on_reply(void *state, redisReply *reply)
{
    (void)state;
    ck_assert_int_eq(reply->type, REDIS_REPLY_STATUS);
    heard.replies++;
    if (++heard.since_tick > heard.most_between_ticks)
        heard.most_between_ticks = heard.since_tick;
    if (heard.replies == REPLIES)
        event_base_loopbreak(heard.base);
}

static void on_lost(void *state)
{
    (void)state;
    heard.lost = true;
    async_control_close(heard.control);
    heard.control = NULL;
    event_base_loopbreak(heard.base);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    (void)argument;
    heard.since_tick = 0;
    ck_assert_int_eq(event_add(heard.tick, &at_once), 0);
}

/* Until all replies are there or the connection is lost. */
static void listen_to(const struct fake_rule *rule)
{
    struct fake_server fake;
    struct target_address target;
    struct err err = {.code = OK};
    uint32_t address_count = 0;
    const struct async_listener listener = {.ready = on_ready, .reply = on_reply, .lost = on_lost};
    memset(&heard, 0, sizeof heard);
    fake_server_start(&fake, &(struct fake_script){.rules = rule, .rule_count = 1});
    const struct host_name name = {.host = "127.0.0.1", .port = fake.port};
    ck_assert_int_eq(resolve_host(&target, &address_count, 1, &name, 0, NULL, &err), OK);
    heard.base = event_base_new();
    heard.tick = evtimer_new(heard.base, on_tick, NULL);
    ck_assert_int_eq(event_add(heard.tick, &at_once), 0);
    heard.control = async_control_open(heard.base, &target, NULL, listener);
    ck_assert_ptr_nonnull(heard.control);
    ck_assert(async_control_send(heard.control, 1, (const char *[]){"INFO"}));
    ck_assert_int_ge(event_base_dispatch(heard.base), 0);
    async_control_close(heard.control);
    event_free(heard.tick);
    event_base_free(heard.base);
    fake_server_free(&fake);
}

TEST(test_others_have_their_turns)
{
    /* Breaks when a server that goes on and on keeps everything else on the loop from happening. */
    char *bytes = malloc(REPLIES * REPLY_BYTES);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < REPLIES; i++)
        memcpy(bytes + i * REPLY_BYTES, REPLY, REPLY_BYTES);
    listen_to(&(struct fake_rule){.command = "INFO",
                                  .action = FAKE_REPLY,
                                  .bytes = bytes,
                                  .byte_count = REPLIES * REPLY_BYTES});
    free(bytes);
    ck_assert(!heard.lost);
    ck_assert_uint_eq(heard.replies, REPLIES);
    ck_assert_uint_le(heard.most_between_ticks, READS_AT_ONCE * REPLY_ROOM_BYTES / REPLY_BYTES + 1);
}

TEST(test_what_is_too_much_is_lost)
{
    /* Breaks when a server can make the orchestrator keep what it sends or announces. */
    static const struct fake_rule rules[] = {
        {.command = "INFO", .action = FAKE_ENDLESS_BULK},
        {.command = "INFO", .action = FAKE_REPLY, .bytes = "*2147483647\r\n"},
        {.command = "INFO", .action = FAKE_ENDLESS, .bytes = "+", .more = "x"},
        {.command = "INFO", .action = FAKE_ENDLESS, .bytes = "*4000000\r\n", .more = ":1\r\n"},
        {.command = "INFO", .action = FAKE_REPLY, .bytes = "rubbish\r\n"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        listen_to(&rules[i]);
        ck_assert(heard.lost);
        ck_assert_uint_eq(heard.replies, 0);
    }
}

TEST_SUITE_WITH(async_control, .timeout_seconds = 90)
