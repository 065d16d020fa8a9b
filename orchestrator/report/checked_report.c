#include "orchestrator/report/checked_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/json_value.h"

const char *checked_kind_name(enum checked_kind kind)
{
    static const char *const names[CHECKED_KINDS] = {"corrupted", "stale", "lost write"};
    return names[kind];
}

/* ---- in words ---- */

static void show_key(struct checked_shown *shown, const struct checked_finding *finding)
{
    const uint32_t bytes =
        finding->key_bytes < CHECKED_KEY_SHOWN ? finding->key_bytes : CHECKED_KEY_SHOWN;
    size_t used = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        const unsigned char byte = (unsigned char)finding->key[i];
        const bool plain = byte >= 0x20 && byte < 0x7f && byte != '\\';
        used += (size_t)snprintf(shown->key + used, sizeof shown->key - used,
                                 plain ? "%c" : "\\x%02x", byte);
    }
    if (bytes < finding->key_bytes)
        snprintf(shown->key + used, sizeof shown->key - used, "...");
}

static void show_expected(struct checked_shown *shown, const struct checked_finding *finding)
{
    if (finding->expected_least == finding->expected_most)
        snprintf(shown->expected, sizeof shown->expected, "version %s",
                 UNITS_GROUPED(finding->expected_least));
    else
        snprintf(shown->expected, sizeof shown->expected, "version %s to %s",
                 UNITS_GROUPED(finding->expected_least), UNITS_GROUPED(finding->expected_most));
}

static void show_got(struct checked_shown *shown, const struct checked_finding *finding)
{
    const char *bytes = UNITS_GROUPED(finding->value_bytes);
    char *const got = shown->got;
    if (finding->reading == VALUE_MISSING)
        snprintf(got, sizeof shown->got, "nothing");
    else if (finding->reading == VALUE_WHOLE)
        snprintf(got, sizeof shown->got, "version %s of %s bytes", UNITS_GROUPED(finding->version),
                 bytes);
    else if (finding->fault == CHECKED_SHORT)
        snprintf(got, sizeof shown->got, "%s bytes, too few for any version", bytes);
    else if (finding->fault == CHECKED_HEADER)
        snprintf(got, sizeof shown->got, "%s bytes that are no value of this key", bytes);
    else if (finding->fault == CHECKED_BODY)
        snprintf(got, sizeof shown->got,
                 "version %s of %s bytes, byte %s of which is 0x%02x instead of 0x%02x",
                 UNITS_GROUPED(finding->version), bytes, UNITS_GROUPED(finding->fault_at),
                 finding->got, finding->expected);
    else
        snprintf(got, sizeof shown->got, "a reply that is no string");
}

void checked_finding_show(struct checked_shown *shown, const struct checked_finding *finding)
{
    memset(shown, 0, sizeof *shown);
    snprintf(shown->kind, sizeof shown->kind, "%s", checked_kind_name(finding->kind));
    show_key(shown, finding);
    show_expected(shown, finding);
    show_got(shown, finding);
}

void checked_report_read(struct checked_report *report, const struct version_table *versions)
{
    memset(report, 0, sizeof *report);
    if (versions == NULL)
        return;
    const struct checked_findings *findings = versions->findings;
    report->known = true;
    for (uint32_t i = 0; i < CHECKED_KINDS; i++)
        report->counts[i] = atomic_load_explicit(&findings->counts[i], memory_order_relaxed);
    for (uint32_t i = 0; i < versions->header->space_count; i++)
        report->may_go |= (versions->header->spaces[i].flags & VERSION_MAY_GO) != 0;
    /* Acquire: partner is the release of checked_findings_add. One whose worker died is never ready. */
    for (uint32_t i = 0; i < CHECKED_FINDINGS_MAX; i++)
        if (atomic_load_explicit(&findings->ready[i], memory_order_acquire))
            checked_finding_show(&report->findings[report->finding_count++], &findings->items[i]);
}

/* ---- JSON ---- */

void checked_report_count(struct checked_report *report, const uint64_t *counters)
{
    const uint64_t read = counters[COUNTER_VERIFIED] + counters[COUNTER_UNVERIFIED];
    if (report->known || read == 0)
        return;
    report->known = true;
    report->counts[CHECKED_CORRUPTED] = counters[COUNTER_CORRUPTED];
    report->counts[CHECKED_STALE] = counters[COUNTER_STALE];
    report->counts[CHECKED_LOST] = counters[COUNTER_LOST_WRITES];
}

json_t *checked_report_to_json(const struct checked_report *report)
{
    if (!report->known)
        return NULL;
    json_t *findings = json_array();
    for (uint32_t i = 0; i < report->finding_count; i++) {
        const struct checked_shown *shown = &report->findings[i];
        json_array_append_new(findings, json_pack("{s:s, s:o, s:s, s:s}", "kind", shown->kind,
                                                  "key", json_value_text(shown->key), "expected",
                                                  shown->expected, "got", shown->got));
    }
    return json_pack("{s:o, s:o, s:o, s:b, s:o}", "corrupted",
                     json_value_count(report->counts[CHECKED_CORRUPTED]), "stale",
                     json_value_count(report->counts[CHECKED_STALE]), "lost_writes",
                     json_value_count(report->counts[CHECKED_LOST]), "keys_may_go", report->may_go,
                     "first", findings);
}

static bool get_finding(struct checked_shown *shown, const json_t *json)
{
    return json_value_get_text(shown->kind, sizeof shown->kind, json, "kind") &&
           json_value_get_text(shown->key, sizeof shown->key, json, "key") &&
           json_value_get_text(shown->expected, sizeof shown->expected, json, "expected") &&
           json_value_get_text(shown->got, sizeof shown->got, json, "got");
}

bool checked_report_from_json(struct checked_report *report, const json_t *json)
{
    const json_t *first = json_object_get(json, "first"),
                 *may_go = json_object_get(json, "keys_may_go");
    memset(report, 0, sizeof *report);
    if (json == NULL)
        return true;
    report->known = true;
    report->may_go = json_is_true(may_go);
    bool good = json_value_get_count(&report->counts[CHECKED_CORRUPTED], json, "corrupted") &&
                json_value_get_count(&report->counts[CHECKED_STALE], json, "stale") &&
                json_value_get_count(&report->counts[CHECKED_LOST], json, "lost_writes") &&
                json_is_boolean(may_go) && json_is_array(first) &&
                json_array_size(first) <= CHECKED_FINDINGS_MAX;
    for (size_t i = 0; good && i < json_array_size(first); i++)
        good = get_finding(&report->findings[report->finding_count++], json_array_get(first, i));
    return good;
}

/* ---- text ---- */

void text_findings(struct output *out, const struct checked_report *report)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < CHECKED_KINDS; i++)
        found += report->counts[i];
    if (report->finding_count > 0 && found > report->finding_count)
        output_printf(out, "The first %" PRIu32 " of them:\n", report->finding_count);
    for (uint32_t i = 0; i < report->finding_count; i++) {
        const struct checked_shown *shown = &report->findings[i];
        output_printf(out, "  %-10s  %s: expected %s, got %s\n", PRINTABLE(shown->kind),
                      PRINTABLE(shown->key), PRINTABLE(shown->expected), PRINTABLE(shown->got));
    }
}

void text_checked(struct output *out, const struct checked_report *report,
                  const struct checked_reads *read)
{
    if (!report->known)
        return;
    output_printf(out, "\nVerification:\n=============\n");
    output_printf(out, "%s keys read and checked", UNITS_GROUPED(read->verified));
    if (read->unverified > 0)
        output_printf(out, "; %s more of which nothing was known%s",
                      UNITS_GROUPED(read->unverified),
                      report->may_go ? ", or which may have gone by themselves" : "");
    output_printf(out, "\n%s corrupted, %s stale, %s lost writes\n",
                  UNITS_GROUPED(report->counts[CHECKED_CORRUPTED]),
                  UNITS_GROUPED(report->counts[CHECKED_STALE]),
                  UNITS_GROUPED(report->counts[CHECKED_LOST]));
    text_findings(out, report);
}
