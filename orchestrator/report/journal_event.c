/* The record of an event: what was done to the target. */
#include <stdio.h>

#include "orchestrator/report/journal_format.h"

json_t *journal_event_to_json(const struct run_event *event)
{
    return json_pack("{s:I, s:I, s:b, s:s, s:s}", "at_ns", (json_int_t)event->at_ns, "end_ns",
                     (json_int_t)event->end_ns, "ok", event->ok, "text", event->text, "cause",
                     event->cause);
}

enum err_code journal_event_from_json(struct run_event *event, json_t *json, struct err *err)
{
    json_int_t at_ns = 0, end_ns = 0;
    int ok = 0;
    const char *text = "", *cause = "";
    bool good = json_unpack(json, "{s:I, s:I, s:b, s:s, s:s}", "at_ns", &at_ns, "end_ns", &end_ns,
                            "ok", &ok, "text", &text, "cause", &cause) == 0;
    if (!good || at_ns < 0 || end_ns < at_ns)
        return err_set(err, E_DATA, "an event's record has unexpected members");
    *event =
        (struct run_event){.at_ns = (uint64_t)at_ns, .end_ns = (uint64_t)end_ns, .ok = ok != 0};
    snprintf(event->text, sizeof event->text, "%s", text);
    snprintf(event->cause, sizeof event->cause, "%s", cause);
    return OK;
}
