/* libFuzzer target: any bytes on the control socket are a command within its limits, or one sentence;
 * the answer to either is one line of JSON. Links orchestrator/fleet/control_line.c and
 * orchestrator/report/json_value.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/schedule.h"
#include "orchestrator/fleet/control_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void check_line(char *line)
{
    json_error_t json_err;
    const char *end = line != NULL ? strchr(line, '\n') : NULL;
    if (end == NULL || end[1] != '\0')
        abort();
    json_t *json = json_loads(line, 0, &json_err);
    if (!json_is_object(json) || !json_is_boolean(json_object_get(json, "ok")))
        abort();
    json_decref(json);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct control_command command;
    struct err err = {.code = OK};
    enum err_code code = control_line_parse(&command, (const char *)input, input_bytes, &err);
    if (code != OK) {
        if (code != E_DATA || err.text[0] == '\0')
            abort();
        check_line(control_line_refusal(err.text));
        return 0;
    }
    if (input_bytes > CONTROL_LINE_BYTES || command.action > CONTROL_STATUS)
        abort();
    if (command.action == CONTROL_RATE &&
        (command.rate_micro == 0 || command.rate_micro > SCHEDULE_RATE_MAX_MICRO))
        abort();
    check_line(
        control_line_answer(json_pack("{s:o}", "rate", control_rate_to_json(command.rate_micro))));
    return 0;
}
