/* What is sent over channels: JSON of Slack, PagerDuty and webhooks, mails. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/watch/notify_body.h"
#include "orchestrator/watch/notify_sender.h"
#include "tests/support/check/suite.h"

#define WALL_MS 1764410400000ull /* 2025-11-29 10:00 UTC, a Saturday */

static struct notify_told told[3];
static char *body;

static void set_up(void)
{
    for (size_t i = 0; i < 3; i++)
        told[i] =
            (struct notify_told){.event = {.alert = "HighMemory",
                                           .state = ALERT_FIRING,
                                           .severity = ALERT_CRITICAL,
                                           .value = 2100.5,
                                           .threshold = 2000,
                                           .for_ns = 120 * NS_PER_SECOND,
                                           .run = "nightly",
                                           .summary = "Memory is short",
                                           .labels = {{"severity", "critical"}, {"team", "cache"}},
                                           .label_count = 2}};
}

static void tear_down(void)
{
    free(body);
    body = NULL;
}

static const char *make(struct notify_channel channel, size_t count)
{
    free(body);
    body = notify_body_make(&channel, NULL, told, count, WALL_MS);
    ck_assert_ptr_nonnull(body);
    return body;
}

static void expect(const char *text)
{
    ck_assert_msg(strstr(body, text) != NULL, "no \"%s\" in\n%s", text, body);
}

TEST(slack_has_a_line_for_each_and_no_markup)
{
    /* Breaks when words of a user call everybody of a channel, or an alert of several is missing. */
    snprintf(told[1].event.summary, sizeof told[1].event.summary, "<!channel> & <http://x|y>");
    told[1].event.state = ALERT_RESOLVED;
    told[1].change_count = 7;
    told[2].repeated = true;
    told[2].event.value = NAN;
    told[2].event.for_ns = 0;
    json_t *json = json_loads(
        make((struct notify_channel){.type = NOTIFY_SLACK, .room = (char[]){"#a"}}, 3), 0, NULL);
    ck_assert_uint_eq(json_object_size(json), 2);
    ck_assert_str_eq(json_string_value(json_object_get(json, "channel")), "#a");
    ck_assert_str_eq(
        json_string_value(json_object_get(json, "text")),
        "FIRING critical HighMemory: Memory is short (value 2,100, threshold 2,000, for 2m) in "
        "nightly\n"
        "RESOLVED critical HighMemory: &lt;!channel&gt; &amp; &lt;http://x|y&gt; (value 2,100, "
        "threshold 2,000, for 2m) in nightly; it changed 7 times since the last message\n"
        "STILL FIRING critical HighMemory: Memory is short (value unknown, threshold 2,000) in "
        "nightly");
    json_decref(json);
}

TEST(one_incident_has_one_key)
{
    /* Breaks when the end has another key than the beginning, or two alerts have the same. */
    char began[NOTIFY_DEDUP_BYTES], ended[NOTIFY_DEDUP_BYTES], other[NOTIFY_DEDUP_BYTES];
    notify_body_dedup_key(began, &told[0].event);
    told[1].event.state = ALERT_RESOLVED;
    told[1].event.value = 1;
    told[1].event.at_ms = 77;
    notify_body_dedup_key(ended, &told[1].event);
    ck_assert_str_eq(began, ended);
    snprintf(told[2].event.labels[1].value, 128, "disk");
    notify_body_dedup_key(other, &told[2].event);
    ck_assert_str_ne(began, other);
    make((struct notify_channel){.type = NOTIFY_PAGERDUTY, .key = (char[]){"secret"}}, 1);
    expect("\"routing_key\":\"secret\",\"event_action\":\"trigger\"");
    expect(began);
    expect("\"payload\":{\"summary\":\"HighMemory: Memory is short\",\"source\":\"nightly\","
           "\"severity\":\"critical\"");
}

TEST(an_incident_is_of_one_server)
{
    /* Breaks when two servers with the same trouble are one incident, or a message does not say which one it is about. */
    char one[NOTIFY_DEDUP_BYTES], other[NOTIFY_DEDUP_BYTES], ended[NOTIFY_DEDUP_BYTES];
    for (size_t i = 0; i < 3; i++)
        snprintf(told[i].event.server, sizeof told[i].event.server, "10.0.0.%d:6379", i == 1);
    told[2].event.state = ALERT_RESOLVED;
    notify_body_dedup_key(one, &told[0].event);
    notify_body_dedup_key(other, &told[1].event);
    notify_body_dedup_key(ended, &told[2].event);
    ck_assert_str_eq(one, ended);
    ck_assert_str_ne(one, other);
    make((struct notify_channel){.type = NOTIFY_SLACK}, 2);
    expect("FIRING critical HighMemory on 10.0.0.0:6379: Memory is short (value 2,100, ");
    expect("FIRING critical HighMemory on 10.0.0.1:6379: Memory is short (value 2,100, ");
    make((struct notify_channel){.type = NOTIFY_PAGERDUTY, .key = (char[]){"secret"}}, 1);
    expect("\"summary\":\"HighMemory on 10.0.0.0:6379: Memory is "
           "short\",\"source\":\"10.0.0.0:6379\"");
    make((struct notify_channel){.type = NOTIFY_WEBHOOK}, 1);
    expect(
        "\"labels\":{\"severity\":\"critical\",\"team\":\"cache\",\"server\":\"10.0.0.0:6379\"}");
    make((struct notify_channel){.type = NOTIFY_EMAIL, .from = (char[]){"v@example.com"}}, 1);
    expect("Subject: [volley] FIRING critical: HighMemory on 10.0.0.0:6379 in nightly\r\n");
}

TEST(a_mail_has_head_and_text)
{
    /* Breaks when a mail has no subject, no date, or a line that a server would cut. */
    struct notify_channel channel = {
        .type = NOTIFY_EMAIL,
        .from = (char[]){"v@example.com"},
        .recipients = {(char[]){"a@example.com"}, (char[]){"b@example.com"}},
        .recipient_count = 2};
    make(channel, 1);
    expect("From: v@example.com\r\nTo: a@example.com,\r\n b@example.com\r\n"
           "Subject: [volley] FIRING critical: HighMemory in nightly\r\n"
           "Date: Sat, 29 Nov 2025 10:00:00 +0000\r\nMessage-ID: <");
    expect("Content-Transfer-Encoding: 7bit\r\n\r\nFIRING critical HighMemory: Memory is short");
    expect("\r\n  team = cache\r\n");
    told[2].event.state = ALERT_RESOLVED;
    make(channel, 3);
    expect("Subject: [volley] 3 alerts: 2 firing, 1 resolved\r\n");
    snprintf(told[0].event.run, sizeof told[0].event.run,
             "n\xc3\xa4"
             "chtlich\r\nBcc: x@example.com");
    make(channel, 1);
    expect("Subject: =?UTF-8?B?");
    expect("Content-Transfer-Encoding: base64\r\n\r\n");
    ck_assert_ptr_null(strstr(body, "\r\nBcc"));
    for (const char *line = body; (line = strstr(line, "\r\n")) != NULL; line += 2)
        ck_assert_uint_lt(strcspn(line + 2, "\r"), 200);
}

TEST(only_slack_and_mail_take_many)
{
    /* Breaks when several alerts become one incident. */
    ck_assert_uint_eq(notify_body_takes(NOTIFY_SLACK, 5), 5);
    ck_assert_uint_eq(notify_body_takes(NOTIFY_EMAIL, 5), 5);
    ck_assert_uint_eq(notify_body_takes(NOTIFY_PAGERDUTY, 5), 1);
    ck_assert_uint_eq(notify_body_takes(NOTIFY_WEBHOOK, 5), 1);
}

TEST(long_lines_are_told_in_pieces)
{
    /* Breaks when a part of what would be sent is left out of a dry run, or a character is cut into two lines. */
    char text[400] = "";
    size_t used = 0;
    for (unsigned i = 0; i < 60; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s", i % 3 == 0 ? "\u20ac" : "x");
    size_t left = strlen(text), pieces = 0;
    for (const char *at = text; left > 0; pieces++) {
        const size_t bytes = notify_piece_bytes(at, left, 10);
        ck_assert_uint_ge(bytes, left < 8 ? left : 8);
        ck_assert_uint_le(bytes, 10);
        at += bytes;
        left -= bytes;
        ck_assert_int_ne((unsigned char)*at & 0xc0, 0x80);
    }
    ck_assert_uint_ge(pieces, 10);
    ck_assert_uint_eq(notify_piece_bytes("abc", 3, 10), 3);
}

TEST_SUITE_WITH(notify_body, .set_up = set_up, .tear_down = tear_down)
