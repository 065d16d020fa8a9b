/* Files of notification channels: what they hold, what is wrong with them, variables, routes. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/watch/notify_file.h"
#include "tests/support/check/suite.h"

#define LIST "notification_channels:\n"
#define SLACK LIST "- {name: a, type: slack, webhook_url: \"https://h.example/x\"}\n"

static struct notify_file file;
static struct err err;
static char token[32];

static void tear_down(void)
{
    notify_file_free(&file);
}

/* As getenv(). */
static char *variable(const char *name)
{
    static char url[] = "https://hooks.example/T1/secret", folded[] = "one\ntwo", empty[] = "";
    return strcmp(name, "URL") == 0      ? url
           : strcmp(name, "TOKEN") == 0  ? token
           : strcmp(name, "FOLDED") == 0 ? folded
           : strcmp(name, "EMPTY") == 0  ? empty
                                         : NULL;
}

static enum err_code parse(const char *text)
{
    const struct file_source source = {"f", text, strlen(text)};
    notify_file_free(&file);
    memset(&err, 0, sizeof err);
    snprintf(token, sizeof token, "token-of-test");
    return notify_file_read(&file, &source, variable, &err);
}

#define EXPECT_OK(given) ck_assert_msg(parse(given) == OK, "%s", err.text)

TEST(the_example_of_the_specification)
{
    /* Breaks when a file that was written for the system before does not do any more. */
    EXPECT_OK("notification_channels:\n"
              "  - name: \"buffer-alerts\"\n    type: \"slack\"\n"
              "    webhook_url: \"${URL}\"\n    channel: \"#memfuse-alerts\"\n"
              "  - name: \"critical-alerts\"\n    type: \"email\"\n"
              "    recipients: [\"ops@company.com\"]\n"
              "  - name: \"performance-alerts\"\n    type: \"pagerduty\"\n"
              "    service_key: \"${PAGERDUTY_SERVICE_KEY}\"\n");
    ck_assert_uint_eq(file.channel_count, 3);
    ck_assert_str_eq(file.channels[0].url, "https://hooks.example/T1/secret");
    ck_assert_str_eq(file.channels[0].room, "#memfuse-alerts");
    ck_assert_str_eq(file.channels[0].missing, "");
    ck_assert_str_eq(file.channels[1].url, "smtp://localhost:25");
    ck_assert(!file.channels[1].starttls);
    ck_assert_str_eq(file.channels[2].missing, "PAGERDUTY_SERVICE_KEY");
    ck_assert_uint_eq(file.timing.group_wait_ns, NS_PER_SECOND);
    ck_assert_uint_eq(file.timing.group_interval_ns, 60 * NS_PER_SECOND);
    ck_assert_uint_eq(file.timing.repeat_interval_ns, 4 * 3600 * NS_PER_SECOND);
}

TEST(variables_are_filled_in_and_wiped)
{
    /* Breaks when a variable in the middle of a text, or twice, is not filled in, or what was a secret stays readable. */
    EXPECT_OK(LIST "- name: a\n  type: webhook\n  url: \"https://h.example/${TOKEN}/${TOKEN}?$x\"\n"
                   "  headers: {X-Token: \"Bearer ${TOKEN}\"}\n");
    ck_assert_str_eq(file.channels[0].url, "https://h.example/token-of-test/token-of-test?$x");
    ck_assert_str_eq(file.channels[0].headers[0], "X-Token: Bearer token-of-test");
    ck_assert_str_eq(token, "*************");
    EXPECT_OK(LIST "- {name: a, type: webhook, url: \"https://h.example/${EMPTY}\"}\n");
    ck_assert_str_eq(file.channels[0].missing, "EMPTY");
}

static const struct {
    const char *text, *error;
} wrong[] = {
    {"", "f:1:1: "},
    {"channels: []\n", "f:1:1: unknown key channels"},
    {"notification_channels: []\n", "f:1:24: notification_channels: needs at least 1 element"},
    {LIST "- {type: slack, webhook_url: \"https://h\"}\n", "f:2:3: \"name\" is missing"},
    {LIST "- {name: a, webhook_url: \"https://h\"}\n", "f:2:3: \"type\" is missing"},
    {LIST "- {name: a, type: slac, webhook_url: x}\n",
     "f:2:19: type: unknown: slac; did you mean slack"},
    {LIST "- {name: a, type: slack}\n", "f:2:3: \"webhook_url\" is missing"},
    {LIST "- {name: a, type: slack, webhook_url: \"h.example\"}\n",
     "f:2:39: webhook_url: is no address that begins with one of http:// https:// and a host"},
    {LIST "- {name: a, type: webhook, url: \"https://h\", headers: {\"a b\": c}}\n",
     "f:2:55: headers: \"a b\" is no name of a header"},
    {LIST "- {name: a, type: webhook, url: \"https://h/${\"}\n",
     "f:2:33: url: behind \"${\" stands the name"},
    {LIST "- {name: a, type: webhook, url: \"https://h/${FOLDED}\"}\n",
     "f:2:33: url: the environment variable FOLDED holds a line break"},
    {LIST "- {name: a, type: webhook, url: \"https://h/\\n\"}\n",
     "f:2:33: url: holds a control character"},
    {LIST "- {name: a, type: email, recipients: [\"a b@c\"]}\n",
     "f:2:38: recipients: each is an address of mail"},
    {LIST "- {name: a, type: email, recipients: [a@b], user: u}\n",
     "f:2:51: user and password need each other"},
    {LIST "- {name: a, type: email, recipients: [a@b], smtp: \"smtp://h\", starttls: no, user: u, "
          "password: p}\n",
     "password: would be sent for everybody to read"},
    {SLACK "- {name: a, type: slack, webhook_url: \"https://h\"}\n",
     "f:3:10: name: another channel is called \"a\", too"},
    {SLACK "routes:\n- {channels: [b]}\n",
     "f:4:14: channels: there is no channel \"b\" in notification_channels"},
    {SLACK "routes:\n- {severity: bad, channels: a}\n", "is no severity"},
    {SLACK "routes:\n- {severity: critical}\n", "f:4:3: \"channels\" is missing"},
    {SLACK "group_wait: 2h\n", "group_wait"},
};

LOOP_TEST(what_is_wrong_is_told_with_its_place, sizeof wrong / sizeof wrong[0])
{
    /* Breaks when a mistake is taken, or told without line, column and what is allowed. */
    ck_assert_int_eq(parse(wrong[_i].text), E_CONFIG);
    ck_assert_msg(strstr(err.text, wrong[_i].error) != NULL, "\"%s\" is not in %s", wrong[_i].error,
                  err.text);
    ck_assert_msg(strncmp(err.text, "f:", 2) == 0, "%s", err.text);
}

TEST(the_first_route_that_matches_counts)
{
    /* Breaks when a later route, or none, decides, or half of the labels are enough. */
    struct alert_event event = {
        .severity = ALERT_CRITICAL, .labels = {{"team", "cache"}, {"node", "1"}}, .label_count = 2};
    EXPECT_OK(SLACK "- {name: b, type: slack, webhook_url: \"https://h\"}\n"
                    "- {name: c, type: slack, webhook_url: \"https://h\"}\n"
                    "routes:\n"
                    "- {severity: [info, warning], channels: a}\n"
                    "- {labels: {team: cache, node: \"2\"}, channels: [a]}\n"
                    "- {labels: {team: cache}, severity: critical, channels: [b, c]}\n"
                    "- {severity: critical, channels: []}\n");
    ck_assert_uint_eq(notify_file_route(&file, &event), 6);
    event.severity = ALERT_WARNING;
    ck_assert_uint_eq(notify_file_route(&file, &event), 1);
    event = (struct alert_event){.severity = ALERT_CRITICAL};
    ck_assert_uint_eq(notify_file_route(&file, &event), 0);
    snprintf(event.server, sizeof event.server, "10.0.0.1:6379");
    EXPECT_OK(SLACK "- {name: b, type: slack, webhook_url: \"https://h\"}\n"
                    "routes:\n- {labels: {server: \"10.0.0.2:6379\"}, channels: a}\n"
                    "- {labels: {server: \"10.0.0.1:6379\"}, channels: b}\n");
    ck_assert_uint_eq(notify_file_route(&file, &event), 2);
    EXPECT_OK(SLACK "- {name: b, type: slack, webhook_url: \"https://h\"}\n"
                    "routes:\n- {severity: info, channels: []}\n");
    ck_assert_uint_eq(notify_file_route(&file, &event), 3);
}

TEST(a_password_turns_starttls_on)
{
    /* Breaks when a password goes over the wire in the clear unless somebody thought of it. */
    EXPECT_OK(
        LIST
        "- {name: a, type: email, recipients: [a@b], smtp: \"smtp://h\", user: u, password: p}\n"
        "- {name: b, type: email, recipients: [a@b], smtp: \"smtps://h\", user: u, password: p}\n"
        "- {name: c, type: email, recipients: [a@b], smtp: \"smtp://127.0.0.1:25\", user: u, "
        "password: p, starttls: false}\n");
    ck_assert(file.channels[0].starttls);
    ck_assert(!file.channels[1].starttls);
    ck_assert(!file.channels[2].starttls);
}

TEST_SUITE_WITH(notify_file, .tear_down = tear_down)
