/* A diagnosis for people and for programs. */
#include <math.h>
#include <stdio.h>

#include "common/printable.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/markdown.h"
#include "orchestrator/watch/diagnosis.h"

/* In words, where no cause is found. */
static const char *answer_of(const struct diagnosis *diagnosis)
{
    return diagnosis->found > 0                ? "found"
           : diagnosis->cannot_tell[0] != '\0' ? "cannot tell"
                                               : "nothing found";
}

static void write_heading(struct output *output, const struct diagnosis *diagnosis)
{
    const struct diagnosis_evidence *evidence = &diagnosis->evidence;
    output_printf(output, "%s, %s", PRINTABLE(evidence->run), PRINTABLE(evidence->target));
    if (evidence->rate >= 0)
        output_printf(output, ": %.0f requests/s", evidence->rate);
    if (evidence->p50_ms >= 0 && evidence->p95_ms >= 0)
        output_printf(output, ", p50 %.3g ms, p95 %.3g ms", evidence->p50_ms, evidence->p95_ms);
    output_printf(output, "\n");
}

void diagnosis_write_text(struct output *output, const struct diagnosis *diagnosis)
{
    write_heading(output, diagnosis);
    for (size_t i = 0; i < diagnosis->found; i++) {
        const enum diagnosis_cause cause = diagnosis->order[i];
        const struct diagnosis_finding *finding = &diagnosis->findings[cause];
        output_printf(output, "Bottleneck: %s (confidence %.2g) \u2014 %s \u2192 suggestion: %s\n",
                      diagnosis_rule(cause)->name, finding->confidence, PRINTABLE(finding->text),
                      diagnosis_rule(cause)->suggestion);
    }
    if (diagnosis->cannot_tell[0] != '\0')
        output_printf(output, "Cannot tell: %s\n", PRINTABLE(diagnosis->cannot_tell));
    else if (diagnosis->found == 0)
        output_printf(output, "Bottleneck: nothing found\n");
    for (enum diagnosis_cause cause = 0; cause < CAUSES; cause++)
        if (diagnosis->findings[cause].state == DIAGNOSIS_SKIPPED)
            output_printf(output, "Skipped: %s, %s\n", diagnosis_rule(cause)->name,
                          PRINTABLE(diagnosis->findings[cause].text));
    output_printf(output, "\n");
}

void diagnosis_write_markdown(struct output *output, const struct diagnosis *diagnosis)
{
    output_printf(output, "## ");
    markdown_write_text(output, diagnosis->evidence.run);
    output_printf(output, ", ");
    markdown_write_text(output, diagnosis->evidence.target);
    output_printf(output, "\n\n");
    if (diagnosis->found > 0)
        output_printf(output, "| Bottleneck | Confidence | Evidence | Suggestion |\n"
                              "|---|---|---|---|\n");
    for (size_t i = 0; i < diagnosis->found; i++) {
        const enum diagnosis_cause cause = diagnosis->order[i];
        output_printf(output, "| %s | %.2g |", diagnosis_rule(cause)->name,
                      diagnosis->findings[cause].confidence);
        markdown_write_cell(output, diagnosis->findings[cause].text);
        markdown_write_cell(output, diagnosis_rule(cause)->suggestion);
        output_printf(output, "\n");
    }
    if (diagnosis->found == 0) {
        output_printf(output, "%s",
                      diagnosis->cannot_tell[0] != '\0' ? "Cannot tell: " : "Nothing found.");
        markdown_write_text(output, diagnosis->cannot_tell);
        output_printf(output, "\n");
    }
    output_printf(output, "\n");
    for (enum diagnosis_cause cause = 0; cause < CAUSES; cause++)
        if (diagnosis->findings[cause].state == DIAGNOSIS_SKIPPED) {
            output_printf(output, "- %s skipped: ", diagnosis_rule(cause)->name);
            markdown_write_text(output, diagnosis->findings[cause].text);
            output_printf(output, "\n");
        }
    if (diagnosis->skipped > 0)
        output_printf(output, "\n");
}

static json_t *rule_to_json(const struct diagnosis *diagnosis, enum diagnosis_cause cause)
{
    const struct diagnosis_finding *finding = &diagnosis->findings[cause];
    const struct diagnosis_rule *rule = diagnosis_rule(cause);
    const bool holds = finding->state >= DIAGNOSIS_EXPLAINED;
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "cause", rule->name, "state",
                     diagnosis_state_name(finding->state), "confidence",
                     holds ? json_real(finding->confidence) : json_null(), "evidence",
                     json_value_text(holds ? finding->text : NULL), "suggestion",
                     json_value_text(holds ? rule->suggestion : NULL), "explained_by",
                     json_value_text(finding->state == DIAGNOSIS_EXPLAINED
                                         ? diagnosis_rule(finding->by)->name
                                         : NULL),
                     "skipped_because",
                     json_value_text(finding->state == DIAGNOSIS_SKIPPED ? finding->text : NULL));
}

json_t *diagnosis_to_json(const struct diagnosis *diagnosis)
{
    json_t *bottlenecks = json_array(), *list = json_array();
    for (size_t i = 0; i < diagnosis->found; i++)
        json_array_append_new(bottlenecks, json_string(diagnosis_rule(diagnosis->order[i])->name));
    for (enum diagnosis_cause cause = 0; cause < CAUSES; cause++)
        json_array_append_new(list, rule_to_json(diagnosis, cause));
    return json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:o}", "run", json_value_text(diagnosis->evidence.run), "target",
        json_value_text(diagnosis->evidence.target), "answer", answer_of(diagnosis), "reason",
        json_value_text(diagnosis->cannot_tell[0] != '\0' ? diagnosis->cannot_tell : NULL),
        "bottlenecks", bottlenecks, "rules", list);
}

void diagnosis_write_rules(struct output *output)
{
    output_printf(output, "| bottleneck | is | needs of run.json | holds | sure at | suggestion | "
                          "explains |\n|---|---|---|---|---|---|---|\n");
    for (enum diagnosis_cause cause = 0; cause < CAUSES; cause++) {
        const struct diagnosis_rule *rule = diagnosis_rule(cause);
        const char *between = "";
        output_printf(output, "| `%s` | %s | %s | %s | %s | %s | ", rule->name, rule->what,
                      rule->needs, rule->holds, rule->sure, rule->suggestion);
        for (enum diagnosis_cause other = 0; other < CAUSES; other++)
            if ((rule->explains & (1u << other)) != 0) {
                output_printf(output, "%s`%s`", between, diagnosis_rule(other)->name);
                between = ", ";
            }
        output_printf(output, " |\n");
    }
}
