#include <math.h>
#include <string.h>

#include "orchestrator/report/json_value.h"
#include "orchestrator/suite/comparison_merged.h"
#include "orchestrator/suite/comparison_report.h"

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *describe_side(const struct comparison_row *row, int number_of_side)
{
    const struct comparison_side *side = &row->sides[number_of_side];
    return json_pack("{sI so so so so}", "runs", (json_int_t)side->count, "mean",
                     side->count > 0 ? number(side->mean) : json_null(), "stdev",
                     side->count > 1 ? number(side->deviation) : json_null(), "cv_percent",
                     side->count > 1 ? number(side->cv_percent) : json_null(), "merged",
                     number(comparison_merged(row, number_of_side)));
}

/* "key: value" lines as an object. */
static json_t *describe_section(const char *section)
{
    json_t *object = json_object();
    while (*section != '\0') {
        char line[4200], *value;
        const size_t bytes = strcspn(section, "\n");
        snprintf(line, sizeof line, "%.*s", (int)bytes, section);
        value = strstr(line, ": ");
        if (value != NULL) {
            *value = '\0';
            json_object_set_new(object, line, json_value_text(value + 2));
        }
        section += bytes + (section[bytes] == '\n');
    }
    return object;
}

json_t *comparison_row_json(const struct comparison *comparison, const struct comparison_row *row)
{
    char answer[COMPARISON_ANSWER_BYTES];
    json_t *object = json_object();
    comparison_answer_format(answer, comparison, row);
    json_object_set_new(object, "command", json_value_text(row->of->command));
    json_object_set_new(object, "metric", json_string(record_figure_name(row->figure)));
    json_object_set_new(object, "pipeline", json_value_known_text(true, row->of->pipeline));
    json_object_set_new(object, "io_threads", json_value_known_text(true, row->of->io_threads));
    json_object_set_new(object, "configuration", describe_section(row->of->section));
    json_object_set_new(object, "base", describe_side(row, 0));
    json_object_set_new(object, "other", describe_side(row, 1));
    json_object_set_new(object, "answer", json_string(comparison_answer_word(row->answer)));
    json_object_set_new(object, "answer_text", json_string(answer));
    json_object_set_new(object, "change_percent", number(100 * row->change));
    json_object_set_new(object, "low_percent", number(100 * row->low));
    json_object_set_new(object, "high_percent", number(100 * row->high));
    json_object_set_new(object, "p", number(row->p));
    json_object_set_new(object, "p_corrected", number(row->p_corrected));
    json_object_set_new(object, "p_ranks", number(row->p_ranks));
    json_object_set_new(object, "detectable_percent", number(100 * row->detectable));
    json_object_set_new(object, "runs_to_tell",
                        row->runs_to_tell > 0 ? json_integer(row->runs_to_tell) : json_null());
    return object;
}

json_t *comparison_verdicts_json(const struct record_set *set)
{
    size_t counts[VERDICT_RED + 1];
    json_t *object = json_object();
    record_set_verdicts(counts, set);
    for (int level = VERDICT_GREEN; level <= VERDICT_RED; level++)
        json_object_set_new(object, verdict_level_name((enum verdict_level)level),
                            json_integer((json_int_t)counts[level]));
    return object;
}

bool comparison_write_json(struct output *output, const struct comparison *comparison)
{
    json_t *head = json_pack("{ss so so so so sf sf sb}", "schema", "volley.comparison/1", "base",
                             json_value_text(comparison->sets[0]->name), "other",
                             json_value_text(comparison->sets[1]->name), "base_verdicts",
                             comparison_verdicts_json(comparison->sets[0]), "other_verdicts",
                             comparison_verdicts_json(comparison->sets[1]), "confidence",
                             comparison->wishes.confidence, "threshold",
                             comparison->wishes.threshold, "regressed", comparison->regressed);
    if (head == NULL)
        return false;
    /* Rows one by one: of ten thousand configurations all of them together would be a hundred megabytes. */
    bool written = true;
    const char *key;
    json_t *value;
    output_printf(output, "{\n");
    json_object_foreach(head, key, value)
    {
        output_printf(output, "  \"%s\": ", key);
        written = json_value_write(output, value, JSON_ENCODE_ANY) && written;
        output_printf(output, ",\n");
    }
    json_decref(head);
    output_printf(output, "  \"rows\": [");
    for (size_t i = 0; i < comparison->count && written; i++) {
        json_t *row = comparison_row_json(comparison, &comparison->rows[i]);
        output_printf(output, "%s\n    ", i > 0 ? "," : "");
        written = row != NULL && json_value_write(output, row, JSON_COMPACT);
        json_decref(row);
    }
    output_printf(output, "\n  ]\n}\n");
    return written;
}

/* ---- JUnit ---- */

static void write_attribute(struct output *output, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '&':
            output_printf(output, "&amp;");
            break;
        case '<':
            output_printf(output, "&lt;");
            break;
        case '"':
            output_printf(output, "&quot;");
            break;
        case '\n':
            output_printf(output, " ");
            break;
        case '\xEF': /* U+FFFE and U+FFFF are no characters of XML */
            if (text[1] == '\xBF' && (text[2] == '\xBE' || text[2] == '\xBF')) {
                output_printf(output, "?");
                text += 2;
                break;
            }
            output_write(output, text, 1);
            break;
        default:
            output_write(output, text, 1);
        }
}

static bool has_failed(const struct comparison *comparison, const struct comparison_row *row)
{
    return row->answer == ANSWER_SLOWER && fabs(row->change) >= comparison->wishes.threshold;
}

static bool is_skipped(const struct comparison_row *row)
{
    return row->answer == ANSWER_CANNOT_TELL || row->answer == ANSWER_ONE_SIDED ||
           row->answer == ANSWER_MISSING;
}

void comparison_write_junit(struct output *output, const struct comparison *comparison)
{
    size_t failed = 0, skipped = 0;
    for (size_t i = 0; i < comparison->count; i++) {
        failed += has_failed(comparison, &comparison->rows[i]);
        skipped += is_skipped(&comparison->rows[i]);
    }
    output_printf(output,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"volley compare\" "
                  "tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\">\n",
                  comparison->count, failed, skipped);
    for (size_t i = 0; i < comparison->count; i++) {
        const struct comparison_row *row = &comparison->rows[i];
        char answer[COMPARISON_ANSWER_BYTES];
        comparison_answer_format(answer, comparison, row);
        output_printf(output, "  <testcase classname=\"");
        write_attribute(output, row->of->command);
        output_printf(output, "\" name=\"%s pipeline=", record_figure_name(row->figure));
        write_attribute(output, row->of->pipeline);
        output_printf(output, " io_threads=");
        write_attribute(output, row->of->io_threads);
        output_printf(output, " ");
        write_attribute(output, row->of->section);
        output_printf(output, "\">");
        if (has_failed(comparison, row) || is_skipped(row)) {
            output_printf(output, "<%s message=\"",
                          has_failed(comparison, row) ? "failure" : "skipped");
            write_attribute(output, answer);
            output_printf(output, "\"/>");
        }
        output_printf(output, "</testcase>\n");
    }
    output_printf(output, "</testsuite>\n");
}
