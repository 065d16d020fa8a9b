/* libFuzzer target: any bytes are a plan whose steps a schedule takes, or one sentence that begins
 * with the file's name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/rate_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

/* What schedule_plan asserts, and that the length is the sum. */
static void check(const struct rate_steps *steps)
{
    uint64_t length_ns = 0;
    if (steps->count == 0 || steps->count > SCHEDULE_STEPS_MAX ||
        rate_steps_first_micro(steps) == 0)
        abort();
    for (uint32_t i = 0; i < steps->count; i++)
        length_ns += steps->items[i].length_ns;
    if (length_ns != steps->length_ns || length_ns > RATE_STEPS_LONGEST_NS)
        abort();
    struct schedule *schedule = rate_steps_schedule(steps->items, steps->count);
    if (schedule == NULL)
        return;
    /* The last rate is held: what is planned is all that ever changes. */
    if (schedule_rate_micro(schedule, length_ns) != steps->items[steps->count - 1].to_micro)
        abort();
    free(schedule);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    const struct file_source source = {"file", (const char *)input, input_bytes};
    struct rate_steps steps = {.items = NULL};
    struct err err = {.code = OK};
    enum err_code code = rate_plan_read(&steps, &source, &err);
    if (code == OK)
        check(&steps);
    else if (code != E_CONFIG || strncmp(err.text, "file:", 5) != 0)
        abort();
    rate_steps_free(&steps);
    return 0;
}
