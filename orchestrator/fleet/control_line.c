#include "orchestrator/fleet/control_line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/schedule.h"
#include "orchestrator/report/json_value.h"

#define COMMANDS                                                                                   \
    "{\"rate\": N}, {\"pause\": true}, {\"pause\": false}, {\"stop\": true}, {\"status\": true}, " \
    "{\"clear_cache\": true} or {\"note\": TEXT}"

static enum err_code parse_rate(struct control_command *command, const json_t *value,
                                struct err *err)
{
    const double most = (double)SCHEDULE_RATE_MAX_MICRO / (double)SCHEDULE_MICRO;
    if (!json_is_number(value))
        return err_set(err, E_DATA, "rate takes a number, requests per second");
    double rate = json_number_value(value);
    if (!(rate > 0))
        return err_set(err, E_DATA,
                       "rate must be above 0; {\"pause\": true} stops the load for a while");
    if (rate > most)
        return err_set(err, E_DATA, "rate must be at most 100,000,000 requests per second");
    command->action = CONTROL_RATE;
    /* Exact: 10^14 is far below 2^53. */
    command->rate_micro = (uint64_t)llround(rate * (double)SCHEDULE_MICRO);
    if (command->rate_micro == 0)
        return err_set(err, E_DATA, "rate must be at least 0.000001, one request in 11 days");
    return OK;
}

/* What stands on the time axis later is one line. */
static enum err_code parse_note(struct control_command *command, const json_t *value,
                                struct err *err)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    const size_t bytes = json_string_length(value);
    if (text[0] == '\0' || bytes >= sizeof command->note || strlen(text) != bytes)
        return err_set(err, E_DATA, "note takes text, at most %zu bytes of it",
                       sizeof command->note - 1);
    command->action = CONTROL_NOTE;
    memcpy(command->note, text, bytes + 1);
    (void)printable_line(command->note);
    return OK;
}

/* Commands that take true, and one that takes false as well. */
static enum err_code parse_switch(struct control_command *command, const char *name,
                                  const json_t *value, struct err *err)
{
    static const struct {
        const char *name;
        enum control_action when_true;
    } switches[] = {{"pause", CONTROL_PAUSE},
                    {"stop", CONTROL_STOP},
                    {"status", CONTROL_STATUS},
                    {"clear_cache", CONTROL_CLEAR_CACHE}};
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        if (strcmp(name, switches[i].name) != 0)
            continue;
        command->action = switches[i].when_true;
        if (json_is_true(value))
            return OK;
        if (command->action != CONTROL_PAUSE)
            return err_set(err, E_DATA, "%s takes true", name);
        command->action = CONTROL_RESUME;
        if (!json_is_false(value))
            return err_set(err, E_DATA, "pause takes true or false");
        return OK;
    }
    return err_set(err, E_DATA, "there is no command \"%.40s\"; give " COMMANDS, name);
}

enum err_code control_line_parse(struct control_command *command, const char *line,
                                 size_t line_bytes, struct err *err)
{
    json_error_t json_err;
    *command = (struct control_command){.action = CONTROL_STATUS};
    if (line_bytes > CONTROL_LINE_BYTES)
        return err_set(err, E_DATA, "a line is at most %u bytes long", CONTROL_LINE_BYTES);
    json_t *json =
        json_loadb(line, line_bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &json_err);
    if (json == NULL)
        return err_set(err, E_DATA, "the line is not JSON (%s); give " COMMANDS, json_err.text);
    enum err_code code;
    if (!json_is_object(json) || json_object_size(json) != 1) {
        code = err_set(err, E_DATA, "a line holds one command: " COMMANDS);
    } else {
        void *member = json_object_iter(json);
        const char *name = json_object_iter_key(member);
        const json_t *value = json_object_iter_value(member);
        code = strcmp(name, "rate") == 0   ? parse_rate(command, value, err)
               : strcmp(name, "note") == 0 ? parse_note(command, value, err)
                                           : parse_switch(command, name, value, err);
    }
    json_decref(json);
    return code;
}

char *control_line_make(json_t *object)
{
    /* As many digits as a rate can have. */
    char *text = object != NULL ? json_dumps(object, JSON_REAL_PRECISION(15)) : NULL, *line = NULL;
    json_decref(object);
    if (text != NULL && asprintf(&line, "%s\n", text) < 0)
        line = NULL;
    free(text);
    return line;
}

char *control_line_answer(json_t *members)
{
    json_t *answer = json_pack("{s:b}", "ok", 1);
    if (answer != NULL && members != NULL && json_object_update(answer, members) != 0) {
        json_decref(answer);
        answer = NULL;
    }
    json_decref(members);
    return control_line_make(answer);
}

char *control_line_refusal(const char *error)
{
    return control_line_make(json_pack("{s:b, s:o}", "ok", 0, "error", json_value_text(error)));
}

json_t *control_rate_to_json(uint64_t rate_micro)
{
    if (rate_micro % SCHEDULE_MICRO == 0)
        return json_integer((json_int_t)(rate_micro / SCHEDULE_MICRO));
    return json_real((double)rate_micro / (double)SCHEDULE_MICRO);
}
