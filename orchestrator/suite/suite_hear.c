#include "orchestrator/suite/suite_hear.h"

#include "orchestrator/report/json_value.h"

static json_t *text_of(const struct measurement *measurement)
{
    char text[300];
    return json_value_text(suite_combination_text(text, sizeof text, measurement->combination));
}

static json_t *subject_and_combination(const struct measurement *measurement)
{
    const struct suite_subject *subject = measurement->subject;
    return json_pack(
        "{s:o, s:o, s:o, s:o}", "commit", json_value_text(subject->commit), "reference",
        json_value_text(subject->reference[0] != '\0' ? subject->reference : NULL), "combination",
        text_of(measurement), "run", json_value_count(measurement->number));
}

void suite_hear_state(const struct suite_run *run, const char *phase,
                      const struct measurement *measurements, size_t count)
{
    uint64_t measured_count = 0, failed_count = 0, skipped_count = 0;
    if (run->hear == NULL)
        return;
    for (size_t i = 0; i < run->subject_count; i++) {
        measured_count += run->subjects[i].measured;
        failed_count += run->subjects[i].failed;
        skipped_count += run->subjects[i].skipped;
    }
    json_t *state =
        count > 0 ? subject_and_combination(&measurements[0])
                  : json_pack("{s:n, s:n, s:n, s:n}", "commit", "reference", "combination", "run");
    if (state == NULL)
        return;
    json_t *beside = json_array();
    for (size_t i = 1; i < count; i++)
        json_array_append_new(beside, text_of(&measurements[i]));
    json_object_set_new(state, "beside", beside);
    json_object_set_new(state, "phase", json_string(phase));
    json_object_set_new(state, "planned",
                        json_value_count(run->plan->count * run->subject_count * run->runs));
    json_object_set_new(state, "measured", json_value_count(measured_count));
    json_object_set_new(state, "failed", json_value_count(failed_count));
    json_object_set_new(state, "skipped", json_value_count(skipped_count));
    run->hear(run->hearer, "state", state);
}

void suite_hear_record(const struct measurement *measurement, const json_t *record)
{
    static const char *const keys[] = {"command", "rps", "p50_latency_ms", "p99_latency_ms",
                                       "verdict"};
    const struct suite_run *run = measurement->run;
    json_t *result = run->hear != NULL ? subject_and_combination(measurement) : NULL;
    if (result == NULL)
        return;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        json_object_set(result, keys[i], json_object_get(record, keys[i]));
    run->hear(run->hearer, "result", result);
}

void suite_hear_failure(const struct measurement *measurement, const char *reason)
{
    const struct suite_run *run = measurement->run;
    json_t *result = run->hear != NULL ? subject_and_combination(measurement) : NULL;
    if (result == NULL)
        return;
    json_object_set_new(result, "command",
                        json_value_text(measurement->combination->command->name));
    json_object_set_new(result, "error", json_value_text(reason));
    run->hear(run->hearer, "result", result);
}
