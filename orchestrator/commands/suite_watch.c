#include "orchestrator/commands/suite_watch.h"

#include <stdio.h>

#include "orchestrator/report/json_value.h"

enum err_code suite_watch_open(struct suite_watch *watch, const struct suite_request *request,
                               struct err *err)
{
    *watch = (struct suite_watch){.request = request};
    return notifying_open(&watch->notifier, &request->notify, err);
}

/* ---- while it goes on ---- */

void suite_watch_hear(void *state, const char *event, json_t *object)
{
    const struct suite_watch *watch = state;
    suite_live_tell(watch->live, event, object);
}

static void hear_log(void *watch, enum log_level level, const char *text)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    suite_watch_hear(
        watch, "notice",
        json_pack("{s:s, s:o}", "level", levels[level], "text", json_value_text(text)));
}

void suite_watch_phase(struct suite_watch *watch, const char *phase)
{
    suite_watch_hear(watch, "state", json_pack("{s:s}", "phase", phase));
}

enum err_code suite_watch_begin(struct suite_watch *watch, size_t combination_count,
                                struct err *err)
{
    const struct suite_request *request = watch->request;
    if (request->watch.listen == NULL)
        return OK;
    const enum err_code code = suite_live_start(&watch->live, &request->watch, err);
    if (code != OK)
        return code;
    json_t *refs = json_array();
    for (size_t i = 0; i < request->ref_count && !request->use_running; i++)
        json_array_append_new(refs, json_value_text(request->refs[i]));
    log_line(LOG_WARNING, "the live page is at %s", suite_live_url(watch->live));
    suite_watch_hear(watch, "state",
                     json_pack("{s:s, s:o, s:o, s:o}", "phase", "building", "refs", refs,
                               "combinations", json_value_count(combination_count), "runs",
                               json_value_count(request->runs)));
    log_tell(hear_log, watch);
    return OK;
}

/* ---- its end ---- */

/* A list of what would be measured is no end of a suite. */
static void notify(const struct suite_watch *watch, const struct suite_watch_verdict *verdict)
{
    char summary[200];
    const bool failed = verdict->code != OK;
    if (watch->request->list_plan) {
        notifier_free(watch->notifier);
        return;
    }
    snprintf(summary, sizeof summary, "%zu run%s measured, %zu failed%s%.120s",
             verdict->measured_count, verdict->measured_count == 1 ? "" : "s",
             verdict->failed_count, failed ? ": " : "", failed ? verdict->error : "");
    notifying_end(watch->notifier, &(struct notifying_verdict){.alert = "SuiteFailed",
                                                               .run = watch->request->config,
                                                               .failed = failed,
                                                               .summary = summary});
}

void suite_watch_end(struct suite_watch *watch, const struct suite_watch_verdict *verdict,
                     const volatile int *interrupted)
{
    notify(watch, verdict);
    log_tell(NULL, NULL);
    suite_watch_hear(watch, "state",
                     json_pack("{s:s, s:b, s:n, s:o}", "phase",
                               verdict->code == OK ? "ended" : "failed", "ended", 1, "combination",
                               "error",
                               json_value_text(verdict->code != OK ? verdict->error : NULL)));
    suite_live_linger(watch->live, watch->request->watch.listen_linger_ns, interrupted);
    suite_live_close(watch->live);
}
