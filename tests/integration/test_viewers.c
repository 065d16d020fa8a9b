/* A live page that is fed by hand: what a viewer gets who does not read, and what is told of a session. */
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "orchestrator/watch/live.h"
#include "tests/support/check/http_client.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct event_base *base;
static struct timeline timeline;
static struct session_facts session;
static struct live *live;
static struct interval_row *row;
static struct watch_options options;
static uint16_t port;
static volatile int interrupted;

static void set_up(void)
{
    struct err err = {.code = OK};
    options = (struct watch_options){.listen = "0"};
    base = event_base_new();
    row = fixture_row(0);
    ck_assert_ptr_nonnull(base);
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    const struct live_setup setup = {.options = &options, .timeline = &timeline, .kind = "runs"};
    ck_assert_msg(live_open(&live, base, &setup, &err) == OK, "%s", err.text);
    timeline_add(&timeline, live_sink(live));
    port = http_port_in(live_url(live));
    session = fixture_session();
    const struct run_facts facts = fixture_facts();
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
}

static void tear_down(void)
{
    live_close(live);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    free(row);
    event_base_free(base);
}

static void feed(uint32_t index)
{
    struct err err = {.code = OK};
    interval_row_reset(row);
    memset(&row->header, 0, sizeof row->header);
    row->header.first = row->header.last = index;
    row->header.start_ns = (uint64_t)index * 1000000000;
    row->header.end_ns = row->header.start_ns + 1000000000;
    fixture_answer(row, 300000 + 1000 * (index % 100), 100);
    ck_assert_msg(timeline_interval(&timeline, row, &err) == OK, "%s", err.text);
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static int view(const char *from)
{
    char request[200];
    const int fd = http_connect(port);
    const int bytes = snprintf(request, sizeof request,
                               "GET /events?from=%s HTTP/1.1\r\nHost: localhost\r\n\r\n", from);
    http_send(fd, request, (size_t)bytes);
    for (int i = 0; i < 20; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    return fd;
}

/* Reads on until this stands at the end of what was read, while the loop turns; the caller frees. */
static char *read_until(int fd, const char *wanted)
{
    size_t room = 1u << 24, got = 0;
    char *text = malloc(room);
    ck_assert_ptr_nonnull(text);
    text[0] = '\0';
    for (int silent = 0; silent < 2000;) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        event_base_loop(base, EVLOOP_NONBLOCK);
        if (poll(&readable, 1, 5) != 1) {
            silent++;
            continue;
        }
        const ssize_t more = recv(fd, text + got, room - 1 - got, 0);
        ck_assert_int_gt(more, 0);
        silent = 0;
        const size_t before = got > 100 ? got - 100 : 0;
        text[got += (size_t)more] = '\0';
        if (strstr(text + before, wanted) != NULL)
            return text;
    }
    ck_abort_msg("no %s in %zu bytes", wanted, got);
}

TEST(test_a_viewer_who_does_not_read_gets_a_gap)
{
    /* Breaks when somebody who stands still makes volley's memory grow, or is not told of what he missed. */
    const int still = view("0");
    for (uint32_t i = 0; i < 12000; i++)
        feed(i);
    const int quick = view("0");
    char *seen = read_until(still, "event: gap");
    const char *gap = strstr(seen, "event: gap");
    unsigned long long from = 0, first = 0;
    ck_assert_int_eq(
        sscanf(strstr(gap, "data: "), "data: {\"from\":%llu,\"first\":%llu}", &from, &first), 2);
    ck_assert_uint_gt(from, 0);
    ck_assert_uint_gt(first, from);
    free(seen);
    seen = read_until(quick, "event: gap"); /* from 0 on is too old for anybody */
    free(seen);
    close(still);
    close(quick);
}

TEST(test_a_viewer_who_leaves_is_forgotten)
{
    /* Breaks when a closed page stays among those that are told, or is written to. */
    for (uint32_t i = 0; i < 300; i++) {
        const int fd = view("0");
        feed(i);
        close(fd);
        for (int k = 0; k < 5; k++)
            event_base_loop(base, EVLOOP_NONBLOCK);
    }
    const int fd = view("0");
    char *seen = read_until(fd, "event: interval");
    free(seen);
    close(fd);
}

TEST(test_names_are_text)
{
    /* Breaks when a name from outside can write an event, a label or a line of its own. */
    struct run_facts facts = fixture_facts();
    struct http_reply reply;
    struct run_result *result = fixture_result();
    timeline_run_end(&timeline, result);
    snprintf(facts.name, sizeof facts.name, "a\"b\\c\nd\nevent: end\ndata: {}\xff");
    timeline_run_begin(&timeline, &facts);
    feed(0);
    const int fd = http_connect(port);
    static const char request[] =
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    http_send(fd, request, sizeof request - 1);
    for (int i = 0; i < 200; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    http_read(&reply, fd);
    close(fd);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_msg(strstr(reply.body, "op=\"a\\\"b\\\\c\\nd\\nevent: end\\ndata: {}\\\\xFF\"") !=
                      NULL,
                  "%.3000s", reply.body);
    http_reply_free(&reply);
    const int viewer = view("0");
    char *seen = read_until(viewer, "event: interval");
    ck_assert_ptr_null(strstr(seen, "\nevent: end\n"));
    free(seen);
    close(viewer);
    free(result);
}

TEST(test_it_stays_as_long_as_asked)
{
    /* Breaks when the page goes before whoever looks has its end, or stays for ever. */
    struct run_result *result = fixture_result();
    feed(0);
    const int fd = view("0");
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    live_linger(live, 0, &interrupted, 0);
    char *seen = read_until(fd, "event: end");
    free(seen);
    close(fd);
    free(result);
}

TEST_SUITE_WITH(viewers, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
