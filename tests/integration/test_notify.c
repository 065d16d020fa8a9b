/* Notifications to real servers: what is sent, tried again, given up and hidden. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/watch/notifier.h"
#include "tests/support/check/certificates.h"
#include "tests/support/check/notify_servers.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define HOOK_SECRET "T00/B11/hook-Xq7-secret"
#define KEY_SECRET "key-Wv4-secret"
#define TOKEN_SECRET "token-Rn2-secret"
#define USER_SECRET "user-Kd9-secret"

static struct temp_tree tree;
static struct test_certificates certificates;
static struct notify_servers servers;
static struct program program;
static char path[160];

static void set_up(void)
{
    ck_assert_int_eq(setenv("NO_PROXY", "*", 1), 0);
    temp_tree_make(&tree);
    test_certificates_make(&certificates, tree.path);
    notify_servers_start(&servers, tree.path);
    snprintf(path, sizeof path, "%s/channels.yaml", tree.path);
}

static void tear_down(void)
{
    notify_servers_stop(&servers);
    temp_tree_remove(&tree);
}

/* HTTP, SMTP, STARTTLS, FOLDER stand for what they are. */
static void write_file(const char *text)
{
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    while (*text != '\0') {
        if (strncmp(text, "HTTP", 4) == 0)
            text += fprintf(out, "http://127.0.0.1:%u", servers.http) > 0 ? 4 : 0;
        else if (strncmp(text, "SMTP", 4) == 0)
            text += fprintf(out, "smtp://127.0.0.1:%u", servers.smtp) > 0 ? 4 : 0;
        else if (strncmp(text, "STARTTLS", 8) == 0)
            text += fprintf(out, "smtp://127.0.0.1:%u", servers.starttls) > 0 ? 8 : 0;
        else if (strncmp(text, "FOLDER", 6) == 0)
            text += fprintf(out, "%s", tree.path) > 0 ? 6 : 0;
        else
            fputc(*text++, out);
    }
    fclose(out);
}

static const char *const environment[] = {"HOOK=" HOOK_SECRET,
                                          "KEY=" KEY_SECRET,
                                          "TOKEN=" TOKEN_SECRET,
                                          "MAIL_USER=volley",
                                          "MAIL_PASSWORD=" NOTIFY_MAIL_PASSWORD,
                                          NULL};

static void start(const char *option, const char *value)
{
    const char *const argv[] = {program_volley(), "notify", "test", "--notify", path,
                                option,           value,    NULL};
    program_start(&program, &(struct program_options){.argv = argv, .environment = environment});
}

static void test_channels(int status, const char *option, const char *value)
{
    start(option, value);
    program_wait(&program);
    program_expect_status(&program, status);
}

static const char *text_of(json_t *got, const char *where, size_t index, const char *key)
{
    json_t *one = notify_servers_find(got, where, index);
    ck_assert_msg(one != NULL, "nothing number %zu for %s", index,
                  where != NULL ? where : "the mailbox");
    const char *text = json_string_value(json_object_get(one, key));
    return text != NULL ? text : "";
}

static json_t *body_of(json_t *got, const char *where, size_t index)
{
    json_t *body = json_loads(text_of(got, where, index, "body"), 0, NULL);
    ck_assert_ptr_nonnull(body);
    return body;
}

static const char *at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text != NULL ? text : "";
}

TEST(slack_and_webhooks_get_their_json)
{
    /* Breaks when the body is not what those services take, or a variable or a header is not filled in. */
    write_file(
        "notification_channels:\n"
        "- {name: ops, type: slack, webhook_url: \"HTTP/ok/${HOOK}\", channel: \"#alerts\"}\n"
        "- name: hook\n  type: webhook\n  url: HTTP/ok/hook\n"
        "  headers: {Authorization: \"Bearer ${TOKEN}\"}\n");
    test_channels(0, "--severity", "critical");
    program_expect_text(program.out, "ops (slack): sent: 2 messages");
    json_t *got = notify_servers_got(&servers);
    json_t *body = body_of(got, "/ok/" HOOK_SECRET, 0);
    ck_assert_uint_eq(json_object_size(body), 2);
    ck_assert_str_eq(at(body, "channel"), "#alerts");
    program_expect_text(at(body, "text"), "FIRING critical VolleyTest: This is a test");
    json_decref(body);
    body = body_of(got, "/ok/" HOOK_SECRET, 1);
    program_expect_text(at(body, "text"), "RESOLVED critical VolleyTest");
    json_decref(body);
    static const char *const states[] = {"firing", "resolved"};
    for (size_t i = 0; i < 2; i++) {
        body = body_of(got, "/ok/hook", i);
        ck_assert_str_eq(at(body, "alert"), "VolleyTest");
        ck_assert_str_eq(at(body, "state"), states[i]);
        json_decref(body);
    }
    const json_t *headers = json_object_get(notify_servers_find(got, "/ok/hook", 0), "headers");
    ck_assert_str_eq(at(headers, "authorization"), "Bearer " TOKEN_SECRET);
    ck_assert_str_eq(at(headers, "content-type"), "application/json");
    json_decref(got);
    program_free(&program);
}

TEST(pagerduty_opens_and_closes_one_incident)
{
    /* Breaks when the end of an alert does not close what its beginning has opened. */
    write_file("notification_channels:\n"
               "- {name: pager, type: pagerduty, service_key: \"${KEY}\", url: HTTP/ok/pager}\n");
    test_channels(0, "--severity", "critical");
    json_t *got = notify_servers_got(&servers);
    json_t *trigger = body_of(got, "/ok/pager", 0), *resolve = body_of(got, "/ok/pager", 1);
    ck_assert_str_eq(at(trigger, "routing_key"), KEY_SECRET);
    ck_assert_str_eq(at(trigger, "event_action"), "trigger");
    ck_assert_str_eq(at(resolve, "event_action"), "resolve");
    ck_assert_str_ne(at(trigger, "dedup_key"), "");
    ck_assert_str_eq(at(trigger, "dedup_key"), at(resolve, "dedup_key"));
    const json_t *payload = json_object_get(trigger, "payload");
    program_expect_text(at(payload, "summary"), "VolleyTest");
    ck_assert_str_eq(at(payload, "source"), "notify test");
    ck_assert_str_eq(at(payload, "severity"), "critical");
    json_decref(trigger);
    json_decref(resolve);
    json_decref(got);
    program_free(&program);
}

TEST(mail_goes_over_starttls_with_a_login)
{
    /* Breaks when a mail is sent in the clear where TLS is wanted, without the login, or has no head. */
    write_file(
        "notification_channels:\n"
        "- {name: plain, type: email, recipients: [a@example.com, b@example.com], from: "
        "v@example.com, smtp: SMTP}\n"
        "- name: secure\n  type: email\n  recipients: [c@example.com]\n  smtp: STARTTLS\n"
        "  cacert: FOLDER/ca.pem\n  user: \"${MAIL_USER}\"\n  password: \"${MAIL_PASSWORD}\"\n"
        "- name: stranger\n  type: email\n  recipients: [d@example.com]\n  smtp: STARTTLS\n"
        "  cacert: FOLDER/other-ca.pem\n  starttls: true\n"
        "- name: clear\n  type: email\n  recipients: [e@example.com]\n  smtp: SMTP\n"
        "  starttls: true\n");
    test_channels(1, NULL, NULL);
    program_expect_text(program.out, "plain (email): sent: 2 messages");
    program_expect_text(program.out, "secure (email): sent: 2 messages");
    program_expect_text(program.out, "stranger (email): failed: the certificate of the server");
    program_expect_text(program.out, "clear (email): failed: the server does not do STARTTLS");
    json_t *got = notify_servers_got(&servers);
    ck_assert_uint_eq(notify_servers_count(got, NULL), 4);
    size_t safe_count = 0;
    for (size_t i = 0; i < 4; i++) {
        json_t *mail = notify_servers_find(got, NULL, i);
        const bool safe = json_is_true(json_object_get(mail, "tls"));
        safe_count += safe ? 1 : 0;
        ck_assert_str_eq(at(mail, "user"), safe ? "volley" : "");
        ck_assert_uint_eq(json_array_size(json_object_get(mail, "to")), safe ? 1 : 2);
        program_expect_text(at(mail, "mail"), "Subject: [volley] ");
        program_expect_text(at(mail, "mail"), "Content-Type: text/plain; charset=utf-8");
        program_expect_text(at(mail, "mail"), "warning VolleyTest: This is a test");
    }
    ck_assert_uint_eq(safe_count, 2);
    json_decref(got);
    program_free(&program);
}

TEST(a_mail_that_is_refused_is_told_with_its_status)
{
    /* Breaks when a mailbox that is not there is tried for ever, or one that is busy given up. */
    write_file("notification_channels:\n"
               "- {name: unknown, type: email, recipients: [nobody@example.com], smtp: SMTP}\n"
               "- {name: busy, type: email, recipients: [busy@example.com], smtp: SMTP}\n");
    test_channels(1, NULL, NULL);
    program_expect_text(program.out, "unknown (email): failed: it answers with SMTP status 550");
    program_expect_text(program.out, "busy (email): sent: 2 messages");
    json_t *got = notify_servers_got(&servers);
    ck_assert_uint_eq(notify_servers_count(got, NULL), 2);
    json_decref(got);
    program_free(&program);
}

/* Nobody has this name. */
#define NAMED_CHANNEL                                                                              \
    "- {name: named, type: webhook, url: \"http://" USER_SECRET ":" TOKEN_SECRET                   \
    "@volley-notify.invalid/" HOOK_SECRET "\"}\n"

static void expect_hidden(const char *what, const char *bytes, size_t byte_count)
{
    static const char *const secrets[] = {HOOK_SECRET, KEY_SECRET, TOKEN_SECRET, USER_SECRET,
                                          NOTIFY_MAIL_PASSWORD};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        ck_assert_msg(memmem(bytes, byte_count, secrets[i], strlen(secrets[i])) == NULL,
                      "%s tells %s", what, secrets[i]);
}

TEST(what_fails_is_tried_four_times_and_told)
{
    /* Breaks when a channel that is down stops the others, is never tried again, or for ever, or nobody says so, or one of several
     * variables that are not set is not named. */
    write_file("timeout: 100ms\nnotification_channels:\n"
               "- {name: hanging, type: webhook, url: HTTP/hang/a}\n");
    start(NULL, NULL);
    notify_servers_wait(&servers, "/hang/a");
    struct program waiting = program;
    write_file(
        "notification_channels:\n"
        "- {name: down, type: webhook, url: HTTP/fail/a}\n"
        "- {name: shaky, type: webhook, url: HTTP/once/a}\n"
        "- {name: gone, type: webhook, url: HTTP/gone/a}\n"
        "- {name: mute, type: webhook, url: HTTP/close/a}\n" NAMED_CHANNEL
        "- {name: unset, type: slack, webhook_url: \"${VOLLEY_NOBODY_SETS_THIS}\"}\n"
        "- {name: more, type: email, smtp: \"${VOLLEY_NO_HOST}\", from: \"${VOLLEY_NO_FROM}\", "
        "recipients: [\"${VOLLEY_NO_FROM}\"], user: me, password: \"${VOLLEY_NO_WORD}\"}\n"
        "- {name: well, type: webhook, url: HTTP/ok/a}\n");
    test_channels(1, NULL, NULL);
    program_expect_text(program.out, "more (email): disabled: the environment variables "
                                     "VOLLEY_NO_HOST, VOLLEY_NO_FROM, VOLLEY_NO_WORD are not set");
    program_expect_text(program.out, "down (webhook): failed: it answers with HTTP status 500");
    program_expect_text(program.out, "shaky (webhook): sent: 2 messages");
    program_expect_text(program.out, "gone (webhook): failed: it answers with HTTP status 404");
    program_expect_text(program.out, "mute (webhook): failed: the connection was closed without");
    program_expect_text(program.out, "named (webhook): failed: ");
    expect_hidden("stdout", program.out, program.out_bytes);
    expect_hidden("stderr", program.err, program.err_bytes);
    program_expect_text(program.out, "unset (slack): disabled: the environment variable "
                                     "VOLLEY_NOBODY_SETS_THIS is not set");
    program_expect_text(program.out, "well (webhook): sent: 2 messages");
    program_expect_text(program.err, "6 of 8 channels were not told");
    json_t *got = notify_servers_got(&servers);
    ck_assert_uint_eq(notify_servers_count(got, "/fail/a"), 8);
    ck_assert_uint_eq(notify_servers_count(got, "/once/a"), 3);
    ck_assert_uint_eq(notify_servers_count(got, "/gone/a"), 2);
    ck_assert_str_eq(text_of(got, "/once/a", 0, "body"), text_of(got, "/once/a", 1, "body"));
    json_decref(got);
    program_free(&program);
    program_wait(&waiting);
    program_expect_status(&waiting, 1);
    program_expect_text(waiting.out, "hanging (webhook): failed: no answer within 0.1 s");
    program_free(&waiting);
}

/* ---- within a run ---- */

static struct notifier *start_notifier(void)
{
    struct notifier *notifier = NULL;
    struct err err = {.code = OK};
    const struct notifier_setup setup = {.path = path};
    ck_assert_msg(notifier_start(&notifier, &setup, &err) == OK, "%s", err.text);
    return notifier;
}

static void tell(struct notifier *notifier, const char *name, enum alert_state state)
{
    struct alert_event event = {.state = state, .severity = ALERT_WARNING, .run = "nightly"};
    snprintf(event.alert, sizeof event.alert, "%s", name);
    notifier_tell(notifier, &event);
}

TEST(a_flapping_alert_floods_nobody)
{
    /* Breaks when each change of an alert is a message, or the last state is not told at the end. */
    write_file("group_wait: 0\ngroup_interval: 1h\nnotification_channels:\n"
               "- {name: hook, type: webhook, url: HTTP/ok/flap}\n");
    struct notifier *notifier = start_notifier();
    tell(notifier, "Flap", ALERT_FIRING);
    notify_servers_wait(&servers, "/ok/flap");
    for (unsigned i = 0; i < 10; i++) {
        tell(notifier, "Flap", ALERT_RESOLVED);
        tell(notifier, "Flap", ALERT_FIRING);
    }
    tell(notifier, "Flap", ALERT_RESOLVED);
    notifier_end(notifier, 60 * NS_PER_SECOND);
    json_t *got = notify_servers_got(&servers);
    ck_assert_uint_eq(notify_servers_count(got, "/ok/flap"), 2);
    json_t *last = body_of(got, "/ok/flap", 1);
    ck_assert_str_eq(at(last, "state"), "resolved");
    json_decref(last);
    json_decref(got);
}

TEST(routes_say_who_is_told)
{
    /* Breaks when an alert goes where no route sends it, or one that no route knows is lost. */
    write_file(
        "notification_channels:\n"
        "- {name: a, type: webhook, url: HTTP/ok/a}\n- {name: b, type: webhook, url: HTTP/ok/b}\n"
        "routes:\n- {severity: critical, channels: b}\n- {severity: info, channels: []}\n");
    struct notifier *notifier = start_notifier();
    struct alert_event event = {
        .alert = "Critical", .state = ALERT_FIRING, .severity = ALERT_CRITICAL};
    notifier_tell(notifier, &event);
    event = (struct alert_event){.alert = "Info", .state = ALERT_FIRING, .severity = ALERT_INFO};
    notifier_tell(notifier, &event);
    tell(notifier, "Warning", ALERT_FIRING);
    notifier_end(notifier, 60 * NS_PER_SECOND);
    json_t *got = notify_servers_got(&servers);
    ck_assert_uint_eq(notify_servers_count(got, "/ok/a"), 1);
    ck_assert_uint_eq(notify_servers_count(got, "/ok/b"), 2);
    json_decref(got);
}

TEST(a_channel_that_hangs_does_not_keep_the_end)
{
    /* Breaks when the end of a run waits for an answer that never comes (its limit is ten minutes), or leaves the child behind. */
    pid_t children[4];
    write_file("timeout: 10m\ngroup_wait: 0\nnotification_channels:\n"
               "- {name: hanging, type: webhook, url: HTTP/hang/a}\n"
               "- {name: hook, type: webhook, url: HTTP/ok/b}\n");
    struct notifier *notifier = start_notifier();
    ck_assert_uint_eq(support_children(getpid(), children, 4), 2); /* the servers, too */
    tell(notifier, "First", ALERT_FIRING);
    notify_servers_wait(&servers, "/hang/a");
    tell(notifier, "Second", ALERT_FIRING);
    notify_servers_wait(&servers, "Second"); /* at the other one */
    notifier_end(notifier, NS_PER_SECOND);
    notify_servers_wait(&servers, "\"gone\": \"/hang/a\"");
    ck_assert_uint_eq(support_children(getpid(), children, 4), 1);
}

TEST(a_full_queue_keeps_nobody_waiting)
{
    /* Breaks when an alert waits for a child that does not read, or what was queued before is lost with it. */
    pid_t children[4], sender = 0;
    char name[32];
    write_file("notification_channels:\n- {name: hook, type: webhook, url: HTTP/ok/a}\n");
    struct notifier *notifier = start_notifier();
    const size_t count = support_children(getpid(), children, 4);
    for (size_t i = 0; i < count; i++)
        sender = children[i] != servers.program.pid ? children[i] : sender;
    ck_assert_int_eq(kill(sender, SIGSTOP), 0);
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "alert %u", i);
        tell(notifier, name, ALERT_FIRING);
    }
    ck_assert_int_eq(kill(sender, SIGCONT), 0);
    notifier_end(notifier, 60 * NS_PER_SECOND);
    json_t *got = notify_servers_got(&servers);
    const size_t told_count = notify_servers_count(got, "/ok/a");
    ck_assert_uint_ge(told_count, 1);
    ck_assert_uint_lt(told_count, 2000);
    program_expect_text(text_of(got, "/ok/a", 0, "body"), "alert 0");
    json_decref(got);
}

TEST(a_run_begins_and_ends_with_its_channels)
{
    /* Breaks when a file is looked at too late, its mistake has no place, or what is disabled is not said. */
    const char *const argv[] = {program_volley(),
                                "bench",
                                "--null",
                                "-n",
                                "1000",
                                "--notify",
                                path,
                                "--kpis",
                                "configs/kpis/default.yaml",
                                NULL};
    const struct program_options options = {.argv = argv};
    write_file("notification_channels:\n"
               "- {name: hook, type: webhook, url: HTTP/ok/a}\n"
               "- {name: unset, type: slack, webhook_url: \"${VOLLEY_NOBODY_SETS_THIS}\"}\n");
    program_run(&program, &options);
    program_expect_status(&program, 0);
    program_expect_text(program.err, "notification channel \"unset\" (slack) is disabled: the "
                                     "environment variable VOLLEY_NOBODY_SETS_THIS is not set");
    program_free(&program);
    write_file("notification_channels:\n- {name: hook, type: webhook, uri: HTTP/ok/a}\n");
    program_run(&program, &options);
    program_expect_status(&program, 3);
    program_expect_text(program.err, "channels.yaml:2:31: unknown key uri; did you mean url?");
    program_free(&program);
    program_run_volley(&program, "bench", "--null", "-n", "1000", "--notify", path, NULL);
    program_expect_status(&program, 2);
    program_expect_text(program.err, "--notify needs --alerts or --kpis");
    program_free(&program);
}

TEST(without_the_module_its_package_is_named)
{
    /* Breaks when a build without libcurl fails in words that help nobody. */
    char line[400];
    write_file("notification_channels:\n- {name: hook, type: webhook, url: HTTP/ok/a}\n");
    snprintf(line, sizeof line,
             "mkdir bin && cp \"$volley\" bin/ && bin/volley notify test --notify %s", path);
    program_run_shell(&program, tree.path, line, 1);
    program_expect_text(program.err,
                        "volley-notify.so, which is not there: install libcurl4-openssl-dev");
    program_free(&program);
    snprintf(line, sizeof line, "bin/volley notify test --notify-dry-run --notify %s", path);
    program_run_shell(&program, tree.path, line, 0);
    program_expect_text(program.out, "hook: {\"alert\":");
    program_free(&program);
}

/* ---- what must not be seen, or stay ---- */

static void expect_hidden_of(pid_t pid, const char *name)
{
    char file[64];
    size_t byte_count = 0;
    snprintf(file, sizeof file, "/proc/%d/%s", (int)pid, name);
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES)
        return; /* nobody may look */
    ck_assert_int_ge(fd, 0);
    char *bytes = support_read_file(fd, &byte_count);
    expect_hidden(file, bytes, byte_count);
    free(bytes);
    close(fd);
}

#define SECRET_CHANNELS                                                                            \
    "notification_channels:\n"                                                                     \
    "- {name: slack, type: slack, webhook_url: \"HTTP/%s/${HOOK}\"}\n"                             \
    "- {name: pager, type: pagerduty, service_key: \"${KEY}\", url: HTTP/%s/pager}\n"              \
    "- {name: hook, type: webhook, url: HTTP/%s/x, headers: {A: \"${TOKEN}\"}}\n"                  \
    "- {name: mail, type: email, recipients: [a@example.com], smtp: STARTTLS, user: " USER_SECRET  \
    ", password: \"${MAIL_PASSWORD}\", cacert: FOLDER/ca.pem}\n"

/* more: channels of another kind; "": none */
static void write_secret_file(const char *kind, const char *more)
{
    char text[2000];
    snprintf(text, sizeof text, SECRET_CHANNELS "%s", kind, kind, kind, more);
    write_file(text);
}

TEST(a_file_is_checked_without_a_run)
{
    /* Breaks when a file of channels cannot be looked at before it is needed, or a check of it fails for want of its secrets. */
    write_file("notification_channels:\n"
               "- {name: unset, type: slack, webhook_url: \"${VOLLEY_NOBODY_SETS_THIS}\"}\n");
    program_run_volley(&program, "validate", "notify", path, NULL);
    program_expect_status(&program, 0);
    program_expect_text(program.out, ": valid");
    program_expect_text(program.err, "unset is disabled here: the environment variable "
                                     "VOLLEY_NOBODY_SETS_THIS is not set");
    program_free(&program);
    write_file("notification_channels:\n- {name: a, type: slack, url: x}\n");
    program_run_volley(&program, "validate", "notify", path, NULL);
    program_expect_status(&program, 3);
    program_expect_text(program.err, "channels.yaml:2:");
    program_free(&program);
    program_run_volley(&program, "docs", "schema", "notify", NULL);
    program_expect_status(&program, 0);
    program_expect_text(program.out, "\"notification_channels\"");
    program_free(&program);
}

TEST(secrets_are_in_no_output)
{
    /* Breaks when an address, a key or a password stands in an outcome, an error or a dry run. */
    write_secret_file("gone", ""); /* with the name of nobody: what_fails_is_tried_four_times */
    test_channels(1, NULL, NULL);
    program_expect_text(program.out, "mail (email): failed: the server does not take its user");
    expect_hidden("stdout", program.out, program.out_bytes);
    expect_hidden("stderr", program.err, program.err_bytes);
    program_free(&program);
    write_secret_file("gone", NAMED_CHANNEL);
    test_channels(0, "--notify-dry-run", NULL);
    program_expect_text(program.out, "\"routing_key\":\"***\"");
    expect_hidden("stdout", program.out, program.out_bytes);
    expect_hidden("stderr", program.err, program.err_bytes);
    program_free(&program);
    static const char *const wrong[] = {
        "notification_channels:\n- {name: a, type: slack, webhook_url: \"ftp://" HOOK_SECRET
        "\"}\n",
        "notification_channels:\n- {name: a, type: slack, webhook_url: [\"" HOOK_SECRET "\"]}\n",
        "notification_channels:\n- {name: a, type: pagerduty, service_key: \"${" KEY_SECRET "\"}\n",
        "notification_channels:\n- {name: a, type: email, recipients: [a@b], smtp: "
        "\"smtp://far.example\", "
        "user: u, starttls: false, password: " NOTIFY_MAIL_PASSWORD "}\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_file(wrong[i]);
        test_channels(3, NULL, NULL);
        program_expect_text(program.err, "channels.yaml:2:");
        expect_hidden("stderr", program.err, program.err_bytes);
        program_free(&program);
    }
}

TEST(secrets_are_in_no_process_list_and_the_child_dies_with_volley)
{
    /* Breaks when /proc shows what came out of the environment, or the child outlives who started it. */
    pid_t child = 0;
    write_secret_file("hang", NAMED_CHANNEL);
    start(NULL, NULL);
    notify_servers_wait(&servers, "/hang/pager");
    program_wait_children(&program, &child, 1);
    const pid_t pids[] = {program.pid, child};
    for (size_t i = 0; i < 2; i++) {
        expect_hidden_of(pids[i], "cmdline");
        expect_hidden_of(pids[i], "environ");
    }
    program_signal(&program, SIGKILL);
    program_wait(&program);
    ck_assert(support_process_gone(child, 10000));
    notify_servers_wait(&servers, "\"gone\": \"/hang/pager\"");
    program_free(&program);
}

TEST_SUITE_WITH(notify, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
