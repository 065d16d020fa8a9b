/* The record of an event: what was done to the target, or to the load. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/figures.h"
#include "orchestrator/report/journal_format.h"

json_t *journal_event_to_json(const struct run_event *event)
{
    return json_pack("{s:I, s:I, s:b, s:s, s:s, s:s}", "at_ns", (json_int_t)event->at_ns, "end_ns",
                     (json_int_t)event->end_ns, "ok", event->ok, "text", event->text, "cause",
                     event->cause, "source", run_event_source_name(event->source));
}

static enum run_event_source find_source(const char *name)
{
    unsigned i = 0;
    while (i < RUN_EVENT_SOURCES &&
           strcmp(run_event_source_name((enum run_event_source)i), name) != 0)
        i++;
    return (enum run_event_source)i;
}

enum err_code journal_event_from_json(struct run_event *event, json_t *json, struct err *err)
{
    json_int_t at_ns = 0, end_ns = 0;
    int ok = 0;
    const char *text = "", *cause = "";
    const char *name = run_event_source_name(RUN_EVENT_CHAOS); /* all of older journals */
    bool good =
        json_unpack(json, "{s:I, s:I, s:b, s:s, s:s, s?s}", "at_ns", &at_ns, "end_ns", &end_ns,
                    "ok", &ok, "text", &text, "cause", &cause, "source", &name) == 0;
    if (!good || at_ns < 0 || end_ns < at_ns)
        return err_set(err, E_DATA, "an event's record has unexpected members");
    *event = (struct run_event){.source = find_source(name),
                                .at_ns = (uint64_t)at_ns,
                                .end_ns = (uint64_t)end_ns,
                                .ok = ok != 0};
    snprintf(event->text, sizeof event->text, "%s", text);
    snprintf(event->cause, sizeof event->cause, "%s", cause);
    return OK;
}

/* "rate 1,500/s", "resume, rate 0.25/s", "pause". */
double journal_event_rate(const struct run_event *event)
{
    const char *at = strstr(event->text, "rate ");
    char digits[sizeof event->text], *end;
    size_t used = 0;
    if (strcmp(event->text, "pause") == 0)
        return 0;
    if (at == NULL)
        return -1;
    for (at += strlen("rate "); *at != '\0' && *at != '/'; at++)
        if (*at != ',')
            digits[used++] = *at;
    digits[used] = '\0';
    const double rate = strtod(digits, &end);
    return used > 0 && *end == '\0' && strcmp(at, "/s") == 0 && rate > 0 && rate <= FIGURE_RATE_MAX
               ? rate
               : -1;
}
