#include "orchestrator/options/bench_groups.h"

#include "common/clock.h"

#define HOUR_NS (3600 * NS_PER_SECOND)

/* 0, else 1 + enum alert_severity */
static const char *fail_on_alert_at(size_t index)
{
    static const char *const words[] = {"never", "info", "warning", "critical"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

#define AT(member) offsetof(struct watch_options, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row watch_rows[] = {
    {ROW("listen", NULL, OPTION_TEXT, "[ADDRESS:]PORT", AT(listen)), .needs_trust = true,
     .told = true,
     .help = "Serve a live page and endpoints (/metrics for Prometheus, /health, /stats, /api) "
             "there while it "
             "runs: on this host alone, unless an address is given. Port 0: any free one, which is "
             "said."},
    {ROW("listen-token", NULL, OPTION_TEXT, "FILE", AT(listen_token)), .needs_trust = true,
     .told = true,
     .help =
         "A file with the token that whoever asks has to show, as a bearer or at the page; needed "
         "for an "
         "address that is not local, and for --allow-control. Nobody else may be able to read it."},
    {ROW("allow-control", NULL, OPTION_FLAG, NULL, AT(allow_control)), .needs_trust = true,
     .told = true, .commands = OF_LOADS | OF_RUN,
     .help = "The live page may change the rate, pause, stop and take notes, as the control socket "
             "does."},
    {ROW("listen-linger", NULL, OPTION_DURATION, "TIME", AT(listen_linger_ns)),
     BARE(NS_PER_SECOND, 0, 24 * HOUR_NS), .told = true,
     .help = "How long the page and the endpoints stay after the end. A bare number is seconds."},
    {ROW("scrape", NULL, OPTION_TEXT, "URL#SERIES", AT(scrapes)), .repeats = true, .told = true,
     .help = "Take a series of another program's /metrics onto the time axis, once a second: "
             "http://127.0.0.1:9100/metrics#node_load1, or with labels, of all that have them the "
             "sum; http alone, no https. Several of them separated by commas, or --scrape again; "
             "at most 16."},
    {ROW("notify", NULL, OPTION_TEXT, "FILE", AT(notify_path)), .needs_trust = true, .told = true,
     .help = "Tell alerts over the channels of this file (Slack, PagerDuty, webhooks, mail), which "
             "is YAML or "
             "JSON."},
    {ROW("notify-dry-run", NULL, OPTION_FLAG, NULL, AT(notify_dry_run)), .told = true,
     .help = "Print what --notify would send, without secrets, and send nothing."},
    {ROW("tui", NULL, OPTION_FLAG, NULL, AT(tui)), .told = true,
     .help =
         "Watch it on the terminal while it runs: rate, latencies, errors, nodes or classes; of "
         "a monitor its servers and alerts. Keys stop it, take notes, and pause a load or "
         "change its rate; the report follows."},
    {ROW("alerts", NULL, OPTION_TEXT, "FILE", AT(alerts_path)), .told = true,
     .help = "Alert rules: what fires is told as it happens, and stands in all results "
             "(docs/reference/alerts.md)."},
    {ROW("kpis", NULL, OPTION_TEXT, "FILE", AT(kpis_path)), .told = true,
     .help = "Figures with their target and two limits, which are alerts, too."},
    {ROW("for-scale", NULL, OPTION_REAL, "X", AT(for_scale)), REAL(0, 1000), .unset = "1",
     .told = true,
     .help = "The times of \"for\" of all rules are multiplied by it: below 1 for short runs."},
    {ROW("fail-on-alert", NULL, OPTION_WORD, "SEVERITY", AT(fail_on_alert)),
     .value_at = fail_on_alert_at, .unset = "never", .told = true,
     .help = "Exit status 1 when an alert of this severity, or a graver one, has fired."},
};
/* clang-format on */
#undef AT
const struct option_group watch_group =
    GROUP("Watching", OF_LOADS | OF_RUN | OF_MONITOR, watch_rows);

enum err_code watch_settle(struct bench_request *request, struct err *err)
{
    static const char *const names[] = {"listen-token", "allow-control", "listen-linger"};
    static const char *const of_alerts[] = {"for-scale", "fail-on-alert"};
    const struct watch_options *watch = &request->spec.watch;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (watch->listen == NULL && relation_given(request, names[i]))
            return err_set(err, E_USAGE, "--%s needs --listen", names[i]);
    relation_exclude(request, "tui", "progress", "the screen shows it", err);
    if (err->code != OK)
        return err->code;
    for (size_t i = 0; i < 2; i++)
        if (watch->alerts_path == NULL && watch->kpis_path == NULL &&
            relation_given(request, of_alerts[i]))
            return err_set(err, E_USAGE, "--%s needs --alerts or --kpis", of_alerts[i]);
    if (watch->allow_control && watch->listen_token == NULL)
        return err_set(
            err, E_USAGE,
            "--allow-control needs --listen-token FILE: else any page in any browser here "
            "could steer the load");
    if (watch->notify_path != NULL && watch->alerts_path == NULL && watch->kpis_path == NULL)
        return err_set(err, E_USAGE,
                       "--notify needs --alerts or --kpis: they are what is told to its channels");
    if (watch->notify_dry_run && watch->notify_path == NULL)
        return err_set(err, E_USAGE, "--notify-dry-run needs --notify FILE");
    return OK;
}
