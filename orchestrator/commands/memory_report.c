#include "orchestrator/commands/memory_report.h"

#include <math.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/json_value.h"

/* ---- text ---- */

static void print_bytes(FILE *out, const char *words, double bytes, double of)
{
    char share[24] = "";
    if (!isnan(bytes) && of > 0)
        snprintf(share, sizeof share, "%.1f %%", 100 * bytes / of);
    fprintf(out, "  %-28s %s%19s %12s %9s\n", words, bytes < 0 ? "-" : " ",
            UNITS_GROUPED(units_whole(fabs(bytes))), MEMORY_SIZE(bytes), share);
}

static void print_parts(const struct memory_account *account, FILE *out)
{
    fprintf(out, "  %-28s %20s %12s %9s\n", "used_memory is", "bytes", "", "share");
    for (int part = 0; part < MEMORY_PARTS; part++)
        if (!isnan(account->parts[part]))
            print_bytes(out, memory_part_words((enum memory_part)part), account->parts[part],
                        account->used);
    print_bytes(out, account->from_stats ? "left over, not named" : "left over, tables of keys too",
                account->rest, account->used);
    print_bytes(out, "used_memory", account->used, account->used);
}

static void print_gaps(const struct memory_account *account, FILE *out)
{
    if (isnan(account->rss))
        return;
    fprintf(out, "\n  %-28s\n", "the resident size has beside it");
    for (int gap = 0; gap < MEMORY_GAPS; gap++) {
        const double bytes = memory_account_gap(account, (enum memory_gap)gap);
        if (!isnan(bytes))
            print_bytes(out, memory_gap_words((enum memory_gap)gap), bytes, account->rss);
    }
    print_bytes(out, "resident size", account->rss, account->rss);
}

static void print_growths(const struct memory_report *report, FILE *out)
{
    const struct memory_growths *growths = &report->growths;
    unsigned growing = 0;
    fprintf(out, "\n  potential leaks: ");
    if (!report->watched || growths->judged == 0) {
        fprintf(out, "not judged, with %zu of at least %u samples (--duration, --samples)\n",
                growths->samples, MEMORY_SAMPLES_LEAST);
        return;
    }
    for (unsigned series = 0; series < GROWTH_SERIES; series++)
        growing += growths->series[series].grows;
    fprintf(out, "%s in %zu samples of %.1f s (limit %s an hour, p below %.4f of %u parts)\n",
            growing == 0 ? "none" : "found", growths->samples, growths->seconds,
            MEMORY_SIZE(growths->limit), growths->p_limit, growths->judged);
    for (unsigned series = 0; series < GROWTH_SERIES; series++) {
        const struct memory_growth *growth = &growths->series[series];
        if (growth->grows)
            fprintf(out, "  - %s: %s an hour, from %s to %s (R2 %.2f, p %.2g)\n",
                    memory_growth_words(series), MEMORY_SIZE(growth->slope_per_hour),
                    MEMORY_SIZE(growth->first), MEMORY_SIZE(growth->last), growth->r2, growth->p);
    }
    if (growths->keys_vary)
        fprintf(out, "  data are not judged: %s\n",
                isnan(growths->keys[0]) ? "the server does not say how many keys it has"
                                        : "there were more than twice or less than half the keys");
    else if (growths->keys[0] != growths->keys[1])
        fprintf(out, "  keys went from %.0f to %.0f; data are judged for each of them\n",
                growths->keys[0], growths->keys[1]);
}

static void print_advice(const struct memory_report *report, FILE *out)
{
    struct memory_advice advice[MEMORY_ADVICE_MOST];
    const size_t count =
        memory_advice_find(advice, &report->account, report->watched ? &report->growths : NULL);
    fprintf(out, "\n  suggestions:%s\n", count == 0 ? " none" : "");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  - %s: %s\n", PRINTABLE(advice[i].evidence), advice[i].suggestion);
}

/* Its words are of several lines. */
static void print_doctor(const char *words, FILE *out)
{
    char text[sizeof((struct memory_report *)NULL)->doctor];
    struct list_word line;
    snprintf(text, sizeof text, "%s", words);
    const char *at = printable_lines(text);
    fprintf(out, "\n  MEMORY DOCTOR:\n");
    while (list_next(&line, &at, '\n'))
        if (line.byte_count > 0)
            fprintf(out, "  %.*s\n", (int)line.byte_count, line.text);
}

void memory_report_print(const struct memory_report *report, FILE *out)
{
    fprintf(out, "%s%s%s\n", PRINTABLE(report->name), report->version[0] != '\0' ? ", " : "",
            PRINTABLE(report->version));
    if (report->failure[0] != '\0')
        fprintf(out, "  %s\n", PRINTABLE(report->failure));
    if (!report->read)
        return;
    if (report->refusal[0] != '\0')
        fprintf(out, "  MEMORY STATS: %s; parts are those of INFO memory\n",
                PRINTABLE(report->refusal));
    fprintf(out, "\n");
    print_parts(&report->account, out);
    print_gaps(&report->account, out);
    print_growths(report, out);
    print_advice(report, out);
    print_doctor(report->doctor, out);
}

/* ---- JSON ---- */

static json_t *number(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *bytes_of(double value)
{
    return isnan(value) ? json_null() : json_integer((json_int_t)value);
}

static json_t *part_json(const char *name, double bytes, double of)
{
    return json_pack("{s:s, s:o, s:o}", "name", name, "bytes", bytes_of(bytes), "share",
                     number(of > 0 ? bytes / of : (double)NAN));
}

static json_t *parts_json(const struct memory_account *account)
{
    json_t *list = json_array();
    for (int part = 0; part < MEMORY_PARTS; part++)
        if (!isnan(account->parts[part]))
            (void)json_array_append_new(list, part_json(memory_part_name((enum memory_part)part),
                                                        account->parts[part], account->used));
    (void)json_array_append_new(list, part_json("left_over", account->rest, account->used));
    return list;
}

static json_t *gaps_json(const struct memory_account *account)
{
    json_t *list = json_array();
    for (int gap = 0; gap < MEMORY_GAPS; gap++)
        (void)json_array_append_new(
            list, part_json(memory_gap_name((enum memory_gap)gap),
                            memory_account_gap(account, (enum memory_gap)gap), account->rss));
    return list;
}

static json_t *growths_json(const struct memory_report *report)
{
    const struct memory_growths *growths = &report->growths;
    json_t *series_list = json_array();
    for (unsigned series = 0; series < GROWTH_SERIES; series++) {
        const struct memory_growth *growth = &growths->series[series];
        if (!growth->judged)
            continue;
        (void)json_array_append_new(
            series_list,
            json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o}", "name", memory_growth_name(series),
                      "grows", growth->grows, "bytes_per_hour", number(growth->slope_per_hour),
                      "first_bytes", bytes_of(growth->first), "last_bytes", bytes_of(growth->last),
                      "r2", number(growth->r2), "p", number(growth->p)));
    }
    return json_pack("{s:b, s:I, s:f, s:o, s:o, s:o, s:o, s:o}", "judged",
                     report->watched && growths->judged > 0, "samples",
                     (json_int_t)growths->samples, "seconds", growths->seconds,
                     "limit_bytes_per_hour", number(report->watched ? growths->limit : (double)NAN),
                     "p_limit", number(report->watched ? growths->p_limit : (double)NAN),
                     "keys_first", bytes_of(report->watched ? growths->keys[0] : (double)NAN),
                     "keys_last", bytes_of(report->watched ? growths->keys[1] : (double)NAN),
                     "parts", series_list);
}

static json_t *advice_json(const struct memory_report *report)
{
    struct memory_advice advice[MEMORY_ADVICE_MOST];
    const size_t count =
        memory_advice_find(advice, &report->account, report->watched ? &report->growths : NULL);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "rule", advice[i].name,
                                                    "evidence", json_value_text(advice[i].evidence),
                                                    "suggestion", advice[i].suggestion));
    return list;
}

static json_t *words_or_null(const char *words)
{
    return words[0] != '\0' ? json_value_text(words) : json_null();
}

json_t *memory_report_json(const struct memory_report *report)
{
    const struct memory_account *account = &report->account;
    json_t *all =
        json_pack("{s:o, s:o, s:o}", "server", json_value_text(report->name), "version",
                  words_or_null(report->version), "failure", words_or_null(report->failure));
    if (all == NULL || !report->read)
        return all;
    json_t *more = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "source",
        account->from_stats ? "MEMORY STATS" : "INFO memory", "memory_stats_refused",
        words_or_null(report->refusal), "used_memory", bytes_of(account->used), "components",
        parts_json(account), "used_memory_rss", bytes_of(account->rss), "beyond",
        gaps_json(account), "used_memory_peak", bytes_of(account->peak), "maxmemory",
        bytes_of(account->max), "maxmemory_policy", words_or_null(account->policy), "allocator",
        words_or_null(account->allocator), "keys", bytes_of(account->keys), "potential_leaks",
        growths_json(report), "suggestions", advice_json(report), "memory_doctor",
        words_or_null(report->doctor));
    if (more != NULL)
        (void)json_object_update(all, more);
    json_decref(more);
    return all;
}
