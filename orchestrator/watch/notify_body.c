#include "orchestrator/watch/notify_body.h"

#include <inttypes.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/json_value.h"

#define LINE_BYTES 1200u
#define HASH_BYTES 16u /* of a digest, in the key */

size_t notify_body_takes(enum notify_type type, size_t count)
{
    const bool together = type == NOTIFY_SLACK || type == NOTIFY_EMAIL;
    return together || count == 0 ? count : 1;
}

/* ---- an alert as a line ---- */

static const char *number(char text[48], double value, int digits)
{
    if (isnan(value))
        snprintf(text, 48, "unknown");
    else
        units_format_figure(text, 48, value, digits);
    return text;
}

static const char *word_of(const struct notify_told *told)
{
    if (told->event.state == ALERT_RESOLVED)
        return "RESOLVED";
    return told->repeated ? "STILL FIRING" : "FIRING";
}

/* Its name, and the server it is about. */
struct name {
    char text[ALERT_NAME_BYTES + ALERT_SERVER_BYTES + 8];
};
static struct name name_of(const struct alert_event *event)
{
    struct name name;
    snprintf(name.text, sizeof name.text, "%s%s%s", event->alert,
             event->server[0] != '\0' ? " on " : "", event->server);
    return name;
}

/* "FIRING critical HighMemoryUsage on 127.0.0.1:7001: Memory is short (value 2100, threshold 2000, for 2m) in nightly; it changed 7
 * times ..." */
static void make_line(char line[LINE_BYTES], const struct notify_told *told)
{
    char value[48], threshold[48], duration[32], times[80] = "", figures[200] = "";
    const struct alert_event *event = &told->event;
    if (!isnan(event->value) || !isnan(event->threshold))
        snprintf(figures, sizeof figures, " (value %s%s, threshold %s%s%s)",
                 event->at_least ? "at least " : "",
                 number(value, event->value, ALERT_VALUE_DIGITS),
                 number(threshold, event->threshold, ALERT_LIMIT_DIGITS),
                 event->for_ns > 0 ? ", for " : "",
                 event->for_ns > 0 ? units_format_duration(duration, sizeof duration, event->for_ns)
                                   : "");
    if (told->change_count > 0)
        snprintf(times, sizeof times, "; it changed %" PRIu64 " times since the last message",
                 told->change_count);
    snprintf(line, LINE_BYTES, "%s %s %s%s%s%s%s%s%s", word_of(told),
             alert_severity_name(event->severity), name_of(event).text,
             event->summary[0] != '\0' ? ": " : "", event->summary, figures,
             event->run[0] != '\0' ? " in " : "", event->run, times);
    printable_line(line);
}

/* A text that grows. */
struct text {
    char *bytes;
    size_t used;
    bool failed;
};

static void add(struct text *text, const char *more)
{
    const size_t bytes = strlen(more);
    char *grown = text->failed ? NULL : realloc(text->bytes, text->used + bytes + 1);
    if (grown == NULL) {
        text->failed = true;
        return;
    }
    memcpy(grown + text->used, more, bytes + 1);
    text->bytes = grown;
    text->used += bytes;
}

static char *end(struct text *text)
{
    if (!text->failed)
        return text->bytes;
    free(text->bytes);
    return NULL;
}

/* ---- Slack ---- */

/* "<!channel>" would call everybody, and "<URL|text>" be a link. */
static void add_slack(struct text *text, const char *line)
{
    for (; *line != '\0'; line++) {
        const char letter[2] = {*line, '\0'};
        add(text, *line == '&' ? "&amp;" : *line == '<' ? "&lt;" : *line == '>' ? "&gt;" : letter);
    }
}

static json_t *make_slack(const struct notify_channel *channel, const struct notify_told *told,
                          size_t count)
{
    struct text text = {.bytes = NULL};
    char line[LINE_BYTES];
    json_t *message = json_object();
    add(&text, "");
    for (size_t i = 0; i < count; i++) {
        make_line(line, &told[i]);
        add(&text, i > 0 ? "\n" : "");
        add_slack(&text, line);
    }
    if (channel->room != NULL)
        json_object_set_new(message, "channel", json_value_text(channel->room));
    json_object_set_new(message, "text", text.failed ? NULL : json_value_text(text.bytes));
    free(text.bytes);
    return message;
}

/* ---- PagerDuty ---- */

void notify_body_dedup_key(char key[NOTIFY_DEDUP_BYTES], const struct alert_event *event)
{
    struct text text = {.bytes = NULL};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned bytes = 0;
    add(&text, event->alert);
    add(&text, "\n");
    add(&text, event->run);
    if (event->server[0] != '\0') {
        add(&text, "\n" ALERT_SERVER_LABEL "\n");
        add(&text, event->server);
    }
    for (uint32_t i = 0; i < event->label_count; i++) {
        add(&text, "\n");
        add(&text, event->labels[i].name);
        add(&text, "\n");
        add(&text, event->labels[i].value);
    }
    snprintf(key, NOTIFY_DEDUP_BYTES, "volley-");
    if (!text.failed && EVP_Digest(text.bytes, text.used, digest, &bytes, EVP_sha256(), NULL) == 1)
        for (unsigned i = 0; i < bytes && i < HASH_BYTES; i++)
            snprintf(key + strlen(key), NOTIFY_DEDUP_BYTES - strlen(key), "%02x", digest[i]);
    free(text.bytes);
}

static json_t *make_pagerduty(const char *key, const struct notify_told *told)
{
    const struct alert_event *event = &told->event;
    char dedup_key[NOTIFY_DEDUP_BYTES], summary[LINE_BYTES];
    const char *source = event->server[0] != '\0' ? event->server : event->run;
    source = source[0] != '\0' ? source : "volley";
    notify_body_dedup_key(dedup_key, event);
    snprintf(summary, sizeof summary, "%s%s%s", name_of(event).text,
             event->summary[0] != '\0' ? ": " : "", event->summary);
    return json_pack("{s:o, s:s, s:s, s:{s:o, s:o, s:s, s:o}}", "routing_key", json_value_text(key),
                     "event_action", event->state == ALERT_RESOLVED ? "resolve" : "trigger",
                     "dedup_key", dedup_key, "payload", "summary", json_value_text(summary),
                     "source", json_value_text(source), "severity",
                     alert_severity_name(event->severity), "custom_details",
                     alert_event_to_json(event));
}

/* ---- mail ---- */

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text > 126)
            return false;
    return true;
}

static void add_base64(struct text *text, const char *bytes, size_t byte_count)
{
    unsigned char coded[80];
    EVP_EncodeBlock(coded, (const unsigned char *)bytes, (int)byte_count);
    add(text, (const char *)coded);
}

/* As much of a text as one encoded word of a head, or one line, has room for, at the end of a character. */
static size_t cut(const char *text, size_t bytes_max)
{
    size_t bytes = strlen(text);
    if (bytes <= bytes_max)
        return bytes;
    for (bytes = bytes_max; bytes > 0 && ((unsigned char)text[bytes] & 0xc0u) == 0x80u;)
        bytes--;
    return bytes > 0 ? bytes : bytes_max;
}

/* A head may hold ASCII alone: RFC 2047. */
static void add_subject(struct text *text, const char *subject)
{
    add(text, "Subject: ");
    for (const char *at = subject; !is_ascii(subject) && *at != '\0';) {
        const size_t bytes = cut(at, 36);
        add(text, at > subject ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
        add_base64(text, at, bytes);
        add(text, "?=");
        at += bytes;
    }
    add(text, is_ascii(subject) ? subject : "");
    add(text, "\r\n");
}

static void make_subject(char *subject, size_t subject_bytes, const struct notify_told *told,
                         size_t count)
{
    size_t ended_count = 0;
    for (size_t i = 0; i < count; i++)
        ended_count += told[i].event.state == ALERT_RESOLVED ? 1 : 0;
    if (count == 1)
        snprintf(subject, subject_bytes, "[volley] %s %s: %s%s%s", word_of(told),
                 alert_severity_name(told->event.severity), name_of(&told->event).text,
                 told->event.run[0] != '\0' ? " in " : "", told->event.run);
    else
        snprintf(subject, subject_bytes, "[volley] %zu alerts: %zu firing, %zu resolved", count,
                 count - ended_count, ended_count);
    printable_line(subject);
}

static void add_mail_text(struct text *mail, const struct notify_told *told, size_t count)
{
    char line[LINE_BYTES];
    for (size_t i = 0; i < count; i++) {
        const struct alert_event *event = &told[i].event;
        make_line(line, &told[i]);
        add(mail, line);
        add(mail, "\r\n");
        if (event->description[0] != '\0') {
            snprintf(line, sizeof line, "  %s\r\n", PRINTABLE(event->description));
            add(mail, line);
        }
        for (uint32_t k = 0; k < event->label_count; k++) {
            if (strcmp(event->labels[k].name, "severity") == 0)
                continue; /* stands in the line */
            snprintf(line, sizeof line, "  %s = %s\r\n", PRINTABLE(event->labels[k].name),
                     PRINTABLE(event->labels[k].value));
            add(mail, line);
        }
    }
}

/* ASCII as it is; lines are bounded. Else base64, whose lines are short. */
static void add_part(struct text *mail, struct text *part)
{
    const bool plain = part->bytes != NULL && is_ascii(part->bytes);
    mail->failed |= part->failed || part->bytes == NULL;
    add(mail, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n");
    add(mail, plain ? "Content-Transfer-Encoding: 7bit\r\n\r\n"
                    : "Content-Transfer-Encoding: base64\r\n\r\n");
    if (plain)
        add(mail, part->bytes);
    for (size_t at = 0; !plain && !mail->failed && at < part->used; at += 54) {
        add_base64(mail, part->bytes + at, part->used - at < 54 ? part->used - at : 54);
        add(mail, "\r\n");
    }
    free(part->bytes);
}

static char *make_mail(const struct notify_channel *channel, const struct notify_told *told,
                       size_t count, uint64_t wall_ms)
{
    struct text mail = {.bytes = NULL}, part = {.bytes = NULL};
    char line[256], subject[480], dedup_key[NOTIFY_DEDUP_BYTES];
    const time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts = {0};
    (void)gmtime_r(&seconds, &parts);
    add(&mail, "From: ");
    add(&mail, channel->from);
    for (size_t i = 0; i < channel->recipient_count; i++) {
        add(&mail, i == 0 ? "\r\nTo: " : ",\r\n ");
        add(&mail, channel->recipients[i]);
    }
    add(&mail, "\r\n");
    make_subject(subject, sizeof subject, told, count);
    add_subject(&mail, subject);
    if (strftime(line, sizeof line, "Date: %a, %d %b %Y %H:%M:%S +0000\r\n", &parts) > 0)
        add(&mail, line);
    notify_body_dedup_key(dedup_key, &told->event);
    snprintf(line, sizeof line, "Message-ID: <%" PRIu64 ".%s.%d@volley.invalid>\r\n", wall_ms,
             dedup_key, (int)told->event.state);
    add(&mail, line);
    add_mail_text(&part, told, count);
    add_part(&mail, &part);
    return end(&mail);
}

/* ---- all ---- */

char *notify_body_make(const struct notify_channel *channel, const char *key,
                       const struct notify_told *told, size_t count, uint64_t wall_ms)
{
    json_t *json = NULL;
    switch (channel->type) {
    case NOTIFY_SLACK:
        json = make_slack(channel, told, count);
        break;
    case NOTIFY_PAGERDUTY:
        json = make_pagerduty(key != NULL ? key : channel->key, told);
        break;
    case NOTIFY_WEBHOOK:
        json = alert_event_to_json(&told->event);
        break;
    case NOTIFY_EMAIL:
        return make_mail(channel, told, count, wall_ms);
    }
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(json);
    return text;
}
