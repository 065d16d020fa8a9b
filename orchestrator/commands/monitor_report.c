#include "orchestrator/commands/monitor_report.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/commands/monitor_report_page.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"
#include "orchestrator/watch/monitor_review.h"

#define STRETCHES_SHOWN 8u
#define ALERTS_SHOWN 12u
#define TIME_BYTES MONITOR_TEXT_BYTES

/* ---- words ---- */

static const char *local_time(char text[TIME_BYTES], uint64_t at_ms)
{
    const time_t seconds = (time_t)(at_ms / 1000);
    struct tm split;
    text[0] = '\0';
    if (localtime_r(&seconds, &split) != NULL)
        (void)strftime(text, TIME_BYTES, "%Y-%m-%d %H:%M:%S", &split);
    return text;
}
#define AT(at_ms) local_time((char[TIME_BYTES]){0}, at_ms)

const char *monitor_time_text(char text[MONITOR_TEXT_BYTES], uint64_t ms)
{
    if (ms < 120000)
        snprintf(text, TIME_BYTES, "%.1f s", (double)ms / 1000);
    else if (ms < 7200000)
        snprintf(text, TIME_BYTES, "%.1f min", (double)ms / 60000);
    else if (ms < 2 * 86400000ull)
        snprintf(text, TIME_BYTES, "%.1f h", (double)ms / 3600000);
    else
        snprintf(text, TIME_BYTES, "%.1f days", (double)ms / 86400000);
    return text;
}
#define LONG(ms) monitor_time_text((char[TIME_BYTES]){0}, ms)

static const char *real_text(char text[TIME_BYTES], double value, int decimals, const char *unit)
{
    char number[UNITS_REAL_BYTES];
    if (!isfinite(value))
        snprintf(text, TIME_BYTES, "n/a");
    else
        snprintf(text, TIME_BYTES, "%s%s%.12s", value < 0 ? "-" : "",
                 units_format_real(number, sizeof number, fabs(value), decimals), unit);
    return text;
}
#define NUMBER_TEXT(value, decimals, unit) real_text((char[TIME_BYTES]){0}, value, decimals, unit)
#define MS(us) NUMBER_TEXT((us) / 1000, 3, "")

const char *monitor_percent_text(char text[MONITOR_TEXT_BYTES], double part)
{
    const double percent = 100 * part;
    return real_text(text, part < 1 && percent > 99.99 ? 99.99 : percent, 2, " %");
}
#define PERCENT(part) monitor_percent_text((char[TIME_BYTES]){0}, part)

static const char *size_text(char text[TIME_BYTES], double bytes)
{
    if (!isfinite(bytes))
        snprintf(text, TIME_BYTES, "n/a");
    else {
        text[0] = '-';
        units_format_size(text + (bytes < 0), TIME_BYTES - 1, units_whole(fabs(bytes)));
    }
    return text;
}
#define SIZE(bytes) size_text((char[TIME_BYTES]){0}, bytes)

/* ---- text ---- */

static void print_stretches(struct output *out, const char *caption,
                            const struct review_stretches *list)
{
    for (size_t i = 0; i < list->count && i < STRETCHES_SHOWN; i++)
        output_printf(out, "    %s from %s for %s\n", caption, AT(list->items[i].from_ms),
                      LONG(list->items[i].to_ms - list->items[i].from_ms));
    if (list->count > STRETCHES_SHOWN)
        output_printf(out, "    and %zu more\n", list->count - STRETCHES_SHOWN);
}

static void print_days(struct output *out, const struct review_target *target)
{
    output_printf(out, "  %-10s %10s %9s %9s %9s %10s %12s %12s %10s\n", "day", "available",
                  "p50 ms", "p95 ms", "p99 ms", "max ms", "commands/s", "peak", "memory");
    for (size_t i = 0; i < target->day_count; i++) {
        const struct review_figures *day = &target->days[i];
        output_printf(out, "  %-10.10s %10s %9s %9s %9s %10s %12s %12s %10s\n", AT(day->to_ms),
                      PERCENT(review_availability(day)), MS(day->p50_us), MS(day->p95_us),
                      MS(day->p99_us), MS(day->max_us), NUMBER_TEXT(day->ops_mean, 0, ""),
                      NUMBER_TEXT(day->ops_peak, 0, ""), SIZE(day->used_memory));
    }
}

/* A slope is told with its direction only where it is more than noise. */
static void print_trend(struct output *out, const char *caption, const struct review_trend *trend,
                        const char *amount)
{
    if (isnan(trend->per_day))
        return;
    if (trend->real)
        output_printf(out, "    %s %s by %s a day\n", caption,
                      trend->per_day > 0 ? "rises" : "falls", amount);
    else
        output_printf(out, "    %s: no trend beyond noise\n", caption);
}

static void print_trends(struct output *out, const struct review_target *target)
{
    const struct review_trend *trends = target->trends;
    output_printf(out, "  trends\n");
    print_trend(out, "p50", &trends[TREND_P50],
                NUMBER_TEXT(fabs(trends[TREND_P50].per_day) / 1000, 4, " ms"));
    print_trend(out, "p99", &trends[TREND_P99],
                NUMBER_TEXT(fabs(trends[TREND_P99].per_day) / 1000, 4, " ms"));
    print_trend(out, "commands/s", &trends[TREND_OPS],
                NUMBER_TEXT(fabs(trends[TREND_OPS].per_day), 1, ""));
    print_trend(out, "used memory", &trends[TREND_MEMORY],
                SIZE(fabs(trends[TREND_MEMORY].per_day)));
}

static void print_capacity(struct output *out, const struct review_target *target)
{
    const struct review_figures *whole = &target->whole;
    output_printf(out, "  capacity\n    memory: %s used", SIZE(whole->used_memory));
    if (target->limit_bytes > 0)
        output_printf(out, " of %s (%s), %s", SIZE(target->limit_bytes),
                      target->limit_is_maxmemory ? "maxmemory" : "of the host; no maxmemory is set",
                      NUMBER_TEXT(100 * whole->used_memory / target->limit_bytes, 1, " %"));
    if (isfinite(target->days_until_full))
        output_printf(out, "; full in %s days at this trend",
                      NUMBER_TEXT(target->days_until_full, 1, ""));
    output_printf(
        out, "\n    commands/s: %s on the average, %s at the peak, %s times as many\n",
        NUMBER_TEXT(whole->ops_mean, 1, ""), NUMBER_TEXT(whole->ops_peak, 0, ""),
        NUMBER_TEXT(whole->ops_mean > 0 ? whole->ops_peak / whole->ops_mean : (double)NAN, 1, ""));
    output_printf(out,
                  "    hit ratio %s, evicted %s, expired %s, fragmentation %s, at most %s "
                  "clients\n",
                  PERCENT(target->hit_ratio), NUMBER_TEXT(target->evicted, 0, ""),
                  NUMBER_TEXT(target->expired, 0, ""), NUMBER_TEXT(target->fragmentation, 2, ""),
                  NUMBER_TEXT(target->connected_most, 0, ""));
}

static void print_target(struct output *out, const struct review_target *target)
{
    const struct review_figures *whole = &target->whole;
    output_printf(
        out, "\n%s\n  available %s: %s of %s PINGs were answered; down %zu time%s, %s%s\n",
        target->name, PERCENT(review_availability(whole)), NUMBER_TEXT(whole->answered, 0, ""),
        NUMBER_TEXT(whole->asked, 0, ""), target->down.count, target->down.count == 1 ? "" : "s",
        LONG(target->down.total_ms), target->down.count > 0 ? " (to the interval)" : "");
    print_stretches(out, "down", &target->down);
    if (target->missing.count > 0)
        output_printf(out, "  rows may be missing: nothing is kept of %s while a monitor ran\n",
                      LONG(target->missing.total_ms));
    print_stretches(out, "missing", &target->missing);
    output_printf(out, "  restarts seen: %zu\n", target->restarts.count);
    for (size_t i = 0; i < target->restarts.count && i < STRETCHES_SHOWN; i++)
        output_printf(out, "    between %s and %s\n", AT(target->restarts.items[i].from_ms),
                      AT(target->restarts.items[i].to_ms));
    output_printf(out, "  latency p50 %s, p95 %s, p99 %s (medians of intervals), max %s ms\n",
                  MS(whole->p50_us), MS(whole->p95_us), MS(whole->p99_us), MS(whole->max_us));
    print_days(out, target);
    print_trends(out, target);
    print_capacity(out, target);
}

static void print_alerts(struct output *out, const struct review *review)
{
    output_printf(out, "\nalerts: %zu%s\n", review->alert_count,
                  review->alert_count == REVIEW_ALERTS_MAX ? " and more" : "");
    for (size_t i = 0; i < review->alert_count && i < ALERTS_SHOWN; i++)
        output_printf(out, "  %s %-8s %s%s%s\n", AT(review->alerts[i].at_ms),
                      review->alerts[i].state, review->alerts[i].server,
                      review->alerts[i].server[0] != '\0' ? ": " : "",
                      review_alert_text(&review->alerts[i]));
}

static void print_review(struct output *out, const struct review *review)
{
    output_printf(out, "Monitor report from %s to %s: %zu server%s, %zu run%s of the monitor\n",
                  AT(review->from_ms), AT(review->to_ms), review->target_count,
                  review->target_count == 1 ? "" : "s", review->run_count,
                  review->run_count == 1 ? "" : "s");
    if (review->gaps.count > 0)
        output_printf(out, "nobody watched for %s between runs of the monitor\n",
                      LONG(review->gaps.total_ms));
    print_stretches(out, "not watched", &review->gaps);
    if (review->rows_lost > 0)
        output_printf(out, "%s row%s lost: the disk did not take %s\n",
                      UNITS_GROUPED(review->rows_lost), review->rows_lost == 1 ? " was" : "s were",
                      review->rows_lost == 1 ? "it" : "them");
    for (size_t i = 0; i < review->target_count; i++)
        print_target(out, &review->targets[i]);
    print_alerts(out, review);
}

/* ---- JSON ---- */

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *stretches_to_json(const struct review_stretches *list)
{
    json_t *items = json_array();
    for (size_t i = 0; i < list->count && i < REVIEW_LIST_MAX; i++)
        json_array_append_new(items, json_pack("{s:o, s:o}", "from_ms",
                                               json_value_count(list->items[i].from_ms), "to_ms",
                                               json_value_count(list->items[i].to_ms)));
    return json_pack("{s:o, s:o, s:o}", "count", json_value_count(list->count), "seconds",
                     json_real((double)list->total_ms / 1000), "stretches", items);
}

static json_t *figures_to_json(const struct review_figures *figures)
{
    return json_pack(
        "{s:o, s:o, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "from_ms",
        json_value_count(figures->from_ms), "to_ms", json_value_count(figures->to_ms), "asked",
        figures->asked, "answered", figures->answered, "availability",
        real_or_null(review_availability(figures)), "p50_us", real_or_null(figures->p50_us),
        "p95_us", real_or_null(figures->p95_us), "p99_us", real_or_null(figures->p99_us), "max_us",
        real_or_null(figures->max_us), "commands_per_second", real_or_null(figures->ops_mean),
        "commands_per_second_peak", real_or_null(figures->ops_peak), "used_memory",
        real_or_null(figures->used_memory));
}

static json_t *target_to_json(const struct review_target *target)
{
    json_t *days = json_array(), *trends = json_object();
    for (size_t i = 0; i < target->day_count; i++)
        json_array_append_new(days, figures_to_json(&target->days[i]));
    for (unsigned i = 0; i < REVIEW_TRENDS; i++)
        json_object_set_new(trends, review_trend_name(i),
                            json_pack("{s:o, s:b}", "per_day",
                                      real_or_null(target->trends[i].per_day), "beyond_noise",
                                      target->trends[i].real));
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "target", json_value_text(target->name),
        "samples", json_value_count(target->row_count), "whole", figures_to_json(&target->whole),
        "days", days, "trends", trends, "down", stretches_to_json(&target->down), "missing",
        stretches_to_json(&target->missing), "restarts", stretches_to_json(&target->restarts));
    json_object_set_new(object, "capacity",
                        json_pack("{s:o, s:s, s:o, s:o, s:o}", "limit_bytes",
                                  real_or_null(target->limit_bytes), "limit",
                                  target->limit_is_maxmemory ? "maxmemory" : "host",
                                  "days_until_full", real_or_null(target->days_until_full),
                                  "mem_fragmentation_ratio", real_or_null(target->fragmentation),
                                  "connected_clients_max", real_or_null(target->connected_most)));
    json_object_set_new(object, "keyspace",
                        json_pack("{s:o, s:f, s:f}", "hit_ratio", real_or_null(target->hit_ratio),
                                  "evicted_keys", target->evicted, "expired_keys",
                                  target->expired));
    return object;
}

static json_t *review_to_json(const struct review *review)
{
    json_t *targets = json_array(), *alerts = json_array();
    for (size_t i = 0; i < review->target_count; i++)
        json_array_append_new(targets, target_to_json(&review->targets[i]));
    for (size_t i = 0; i < review->alert_count; i++) {
        const struct review_alert *alert = &review->alerts[i];
        json_t *object = json_pack(
            "{s:o, s:o, s:o, s:o, s:o}", "at_ms", json_value_count(alert->at_ms), "alert",
            json_value_text(alert->alert), "state", json_value_text(alert->state), "severity",
            json_value_text(alert->severity), "text", json_value_text(alert->text));
        if (object != NULL && alert->server[0] != '\0')
            json_object_set_new(object, "server", json_value_text(alert->server));
        json_array_append_new(alerts, object);
    }
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", "volley.monitor-report/1", "from_ms",
        json_value_count(review->from_ms), "to_ms", json_value_count(review->to_ms), "runs",
        json_value_count(review->run_count), "not_watched", stretches_to_json(&review->gaps),
        "rows_lost", json_value_count(review->rows_lost), "targets", targets, "alerts", alerts);
}

static enum err_code write_json(struct output *out, const struct review *review, struct err *err)
{
    json_t *json = review_to_json(review);
    const bool written =
        json != NULL && json_value_write(out, json, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(json);
    if (!written)
        return err_set(err, E_SYSTEM, "no memory for the report");
    output_printf(out, "\n");
    return output_commit(out, err);
}

/* ---- the story ---- */

static enum err_code write_text(FILE *file, const struct review *review, struct err *err)
{
    struct output out;
    output_borrow(&out, file);
    print_review(&out, review);
    return output_status(&out, err);
}

static enum err_code write_page(struct output *out, const struct review *review, struct err *err)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    enum err_code code = file != NULL ? write_text(file, review, err)
                                      : err_set(err, E_SYSTEM, "no memory for the page");
    if (file != NULL && fclose(file) != 0)
        code = err_set(err, E_SYSTEM, "no memory for the page");
    if (code == OK)
        code = monitor_report_page(out, review, text, bytes, err);
    free(text);
    return code == OK ? output_commit(out, err) : code;
}

static enum err_code write_all(const struct monitor_report_setup *setup, struct output outputs[2],
                               const struct review *review, struct err *err)
{
    enum err_code code = OK;
    if (setup->json == NULL || !output_is_stdout(setup->json))
        code = write_text(stdout, review, err);
    if (code == OK && setup->json != NULL)
        code = write_json(&outputs[0], review, err);
    if (code == OK && setup->html != NULL)
        code = write_page(&outputs[1], review, err);
    return code;
}

enum err_code monitor_report(const struct monitor_report_setup *setup, struct err *err)
{
    static struct review review;
    struct output outputs[2] = {{.file = NULL}, {.file = NULL}};
    const uint64_t from_ms = setup->to_ms > setup->since_ms ? setup->to_ms - setup->since_ms : 0;
    enum err_code code = OK;
    if (setup->html != NULL)
        code = page_bundle_check("--html", setup->html, err);
    if (code == OK)
        code = review_read(&review, setup->path, from_ms, setup->to_ms, err);
    if (code == OK && review.target_count == 0)
        code = err_set(err, E_DATA, "the store holds nothing of the last %s; is a monitor running?",
                       LONG(setup->since_ms));
    if (code == OK && setup->json != NULL)
        code = output_create(&outputs[0], setup->json, OUTPUT_NAMED, err);
    if (code == OK && setup->html != NULL)
        code = output_create(&outputs[1], setup->html, OUTPUT_NAMED, err);
    if (code == OK)
        code = write_all(setup, outputs, &review, err);
    output_discard(&outputs[0]);
    output_discard(&outputs[1]);
    review_free(&review);
    return code;
}
