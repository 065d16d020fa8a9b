#include "orchestrator/commands/verify_page.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/page/page.h"
#include "orchestrator/report/json_value.h"

static json_t *check_of(const char *what, uint64_t count, uint64_t keys)
{
    char reason[96];
    snprintf(reason, sizeof reason, "%s of %s keys that were read", UNITS_GROUPED(count),
             UNITS_GROUPED(keys));
    return json_pack("{s:s, s:s, s:o, s:s}", "result", count > 0 ? "FAIL" : "PASS", "metric", what,
                     "value", json_value_count(count), "reason", reason);
}

static void add_findings(struct page_result *result, const struct checked_report *report)
{
    result->findings = json_array();
    for (uint32_t i = 0; i < report->finding_count; i++) {
        const struct checked_shown *shown = &report->findings[i];
        json_array_append_new(result->findings, json_pack("{s:o, s:o, s:o, s:o}", "what",
                                                          json_value_text(shown->kind), "key",
                                                          json_value_text(shown->key), "expected",
                                                          json_value_text(shown->expected), "got",
                                                          json_value_text(shown->got)));
    }
}

static void fill(struct page_result *result, const struct verify_outcome *outcome)
{
    const uint64_t corrupted = outcome->report->counts[CHECKED_CORRUPTED];
    const uint64_t lost = outcome->report->counts[CHECKED_LOST];
    result->started_wall_ns = clock_wall_ns();
    snprintf(result->judgement, sizeof result->judgement, "%s",
             corrupted + lost > 0 ? "FAIL"
             : outcome->cut       ? "WARN"
                                  : "PASS");
    result->checks = json_pack("[o, o]", check_of("corrupted values", corrupted, outcome->keys),
                               check_of("lost writes", lost, outcome->keys));
    result->numbers = json_pack("[{s:s, s:o}, {s:s, s:o}, {s:s, s:o}, {s:s, s:o}, {s:s, s:o}]",
                                "name", "keys read", "value", json_value_count(outcome->keys),
                                "name", "right", "value", json_value_count(outcome->right), "name",
                                "corrupted", "value", json_value_count(corrupted), "name",
                                "lost writes", "value", json_value_count(lost), "name",
                                "unverified", "value", json_value_count(outcome->unverified));
    add_findings(result, outcome->report);
    if (outcome->cut)
        page_result_notice(result, "Not all keys were read: this is as far as it came.");
    if (lost > 0 && lost == outcome->keys)
        page_result_notice(result, "Nothing of the run is there: was it this server, and this "
                                   "database (--dbnum)?");
}

enum err_code verify_page_write(struct output *out, const struct verify_outcome *outcome,
                                struct err *err)
{
    char name[160];
    struct page *page = page_create();
    enum err_code code =
        page != NULL ? OK : err_set(err, E_SYSTEM, "no memory for the page of a result");
    snprintf(name, sizeof name, "%.80s against %.60s", outcome->directory, outcome->target);
    if (code == OK)
        code = page_result_add(page, name, err);
    if (code == OK) {
        fill(page_result_newest(page), outcome);
        code = page_write(page, "verify", "What verify has found", out, err);
    }
    if (code == OK)
        code = output_commit(out, err);
    page_destroy(page);
    return code;
}
