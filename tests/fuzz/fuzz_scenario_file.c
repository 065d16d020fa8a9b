/* libFuzzer target: any bytes are a scenario whose phases can be carried out, or one sentence that begins with the
 * file's name. The first byte says the scale. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/scenario/scenario_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void check_phase(const struct phase *phase)
{
    const bool mixes =
        phase->type == PHASE_RAMP || phase->type == PHASE_HOLD || phase->type == PHASE_BURST;
    double sum = 0;
    for (uint32_t i = 0; i < phase->mix_count; i++)
        sum += phase->mix[i].weight;
    if (phase->type >= PHASE_TYPES || phase->name[0] == '\0' || phase->mix_count > 4 ||
        mixes != (sum > 0))
        abort();
    if (mixes && phase->duration_ns == 0)
        abort();
    if (phase->type == PHASE_RAMP &&
        (phase->ramp_interval_ns == 0 || !isfinite(phase->ramp_step) ||
         !isfinite(phase->ramp_factor) || (phase->ramp_step > 0) == (phase->ramp_factor > 0)))
        abort();
    if (!(phase->fraction >= 0 && phase->fraction <= 1) || !(phase->until.value >= 0))
        abort();
}

static void check(const struct scenario *scenario)
{
    uint64_t sum_ns = 0;
    if (scenario->phase_count == 0 || scenario->phase_count > SCENARIO_PHASES_MAX ||
        scenario->check_count > SCENARIO_CHECKS_MAX)
        abort();
    for (uint32_t i = 0; i < scenario->phase_count; i++) {
        check_phase(&scenario->phases[i]);
        sum_ns += scenario->phases[i].duration_ns;
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(scenario->phases[i].name, scenario->phases[k].name) == 0)
                abort();
    }
    if (sum_ns > scenario->planned_duration_ns)
        abort();
    for (uint32_t i = 0; i < scenario->check_count; i++)
        if (!isfinite(scenario->checks[i].value))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    static const char *const items[] = {"RATE=10k", "NAME=a"};
    static const double scales[] = {0, 0.0001, 0.01, 10};
    if (input_bytes == 0)
        return 0;
    const struct file_source source = {"file", (const char *)input + 1, input_bytes - 1};
    const struct scenario_wish wish = {.variables = {items, input[0] & 4 ? 2 : 0},
                                       .scale = scales[input[0] & 3]};
    struct scenario scenario;
    struct scenario_document document;
    struct err err = {.code = OK};
    enum err_code code = scenario_read(&scenario, &document, &source, &wish, &err);
    if (code == OK)
        check(&scenario);
    else if ((code != E_CONFIG || strncmp(err.text, "file:", 5) != 0) &&
             (code != E_USAGE || strncmp(err.text, "--variables", 11) != 0))
        abort();
    scenario_free(&scenario, &document);
    return 0;
}
