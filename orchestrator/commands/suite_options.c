#include "orchestrator/commands/suite_options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/secret.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/options/credentials.h"
#include "orchestrator/options/option_group.h"

#define RUNS_MAX 1000u
#define REPOSITORY "https://github.com/valkey-io/valkey.git"

static const char *mode_at(size_t index)
{
    static const char *const words[] = {"both", "server", "client"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

static const char *order_at(size_t index)
{
    static const char *const words[] = {"turns", "plan"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

static const char *filter_at(size_t index)
{
    static const char *const words[] = {"both", "true", "false"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

static const char *level_at(size_t index)
{
    static const char *const words[] = {"error", "warning", "info", "debug"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

static enum err_code parse_level(void *target, const char *value, struct err *reason)
{
    return log_level_parse(&((struct suite_request *)target)->log_level, value)
               ? OK
               : err_set(reason, E_USAGE, "--log-level %.80s: allowed: error, warning, info, debug",
                         PRINTABLE(value));
}

#define AT(member) offsetof(struct suite_request, member)
#define WHAT "What"
#define SERVERS "Servers"
#define LOAD "Load"
#define RESULTS "Results"
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("config", NULL, OPTION_TEXT, "FILE", AT(config)), .section = WHAT,
     .command_line_only = true, .unset = "configs/benchmark-configs.json",
     .help = "What is measured, JSON or YAML: configurations with lists that are crossed."},
    {ROW("commits", NULL, OPTION_TEXT, "REF...", AT(commits_text)), .section = WHAT,
     .repeats = true,
     .help = "Commits, branches or tags to build and measure, one or more; HEAD without it."},
    {ROW("baseline", NULL, OPTION_TEXT, "REF", AT(baseline)), .section = WHAT,
     .help = "Measured, too, and all others are compared with it in the end: comparison.md."},
    {ROW("runs", NULL, OPTION_COUNT, "N", AT(runs)), NUMBER(1, RUNS_MAX), .section = WHAT,
     .unset = "1",
     .help = "How often each combination is measured, with a server started anew for each."},
    {ROW("control", NULL, OPTION_FLAG, NULL, AT(control)), .section = WHAT,
     .help = "Measure the baseline, or else the first commit, twice, as if it were two: what a "
             "comparison of them finds is noise."},
    {ROW("order", NULL, OPTION_WORD, "ORDER", AT(order)), .value_at = order_at, .section = WHAT,
     .unset = "turns",
     .help = "turns: run by run, the commits by turns in each combination, in an order that the "
             "seed decides, so "
             "that what changes with time meets them all alike. plan: a commit after the other, as "
             "--list-plan "
             "has it."},
    {ROW("seed", NULL, OPTION_COUNT, "N", AT(seed)), NUMBER(0, UINT32_MAX), .section = WHAT,
     .help = "Where order and load begin; drawn, and told, without it."},
    {ROW("groups", NULL, OPTION_TEXT, "LIST", AT(groups)), .section = WHAT,
     .help = "Only configurations whose group is one of these, separated by commas."},
    {ROW("scenarios", NULL, OPTION_TEXT, "LIST", AT(scenarios)), .section = WHAT,
     .help = "Only configurations whose scenario is one of these."},
    {ROW("cluster-mode-filter", NULL, OPTION_WORD, "true|false", AT(cluster_filter)),
     .value_at = filter_at, .section = WHAT, .unset = "both",
     .help = "Only clusters, or only what is none."},
    {ROW("skip-config-set", NULL, OPTION_FLAG, NULL, AT(skip_config_sets)), .section = WHAT,
     .help = "Leave config_sets out: all is measured once, with none of them."},
    {ROW("skip-profiling", NULL, OPTION_FLAG, NULL, AT(skip_profiling)), .section = WHAT,
     .help = "Leave profiling_sets out: no flame graphs but those of --flamegraph."},
    {ROW("list-plan", NULL, OPTION_FLAG, NULL, AT(list_plan)), .command_line_only = true,
     .section = WHAT,
     .help = "Print a line for each combination, with its command, and how long all of them take, "
             "about; with --resume of what has no records yet."},

    {ROW("mode", NULL, OPTION_WORD, "MODE", AT(mode)), .value_at = mode_at, .section = SERVERS,
     .unset = "both",
     .help = "both: servers and load. server: start the server of the first configuration, say "
             "where it is, and "
             "wait for Ctrl+C. client: the load alone, for a server that runs elsewhere."},
    {ROW("repo", NULL, OPTION_TEXT, "URL|PATH", AT(repository)), .section = SERVERS,
     .unset = REPOSITORY, .needs_trust = true, .help = "The git repository that commits are of."},
    {ROW("valkey-path", NULL, OPTION_TEXT, "DIR", AT(valkey_path)), .section = SERVERS,
     .needs_trust = true,
     .help =
         "Sources that are there already, in place of a repository; without --commits the programs "
         "that were built there are taken as they are."},
    {ROW("make-args", NULL, OPTION_TEXT, "ARGS", AT(make_args)), .section = SERVERS,
     .needs_trust = true, .help = "Further arguments of make, as 'OPTIMIZATION=-O3 MALLOC=libc'."},
    {ROW("repository", NULL, OPTION_TEXT, "OWNER/NAME", AT(repository_name)), .section = SERVERS,
     .help = "What records call the repository."},
    {ROW("module", NULL, OPTION_TEXT, "NAME", AT(module)), .section = SERVERS,
     .help = "The name of --module-path's module in the records."},
    {ROW("module-path", NULL, OPTION_TEXT, "FILE", AT(module_path)), .section = SERVERS,
     .needs_trust = true, .help = "A module that each server loads."},
    {ROW("module-commit", NULL, OPTION_TEXT, "SHA", AT(module_commit)), .section = SERVERS,
     .help = "The commit that it was built from, for the records."},
    {ROW("module-commit-timestamp", NULL, OPTION_TEXT, "TIME", AT(module_timestamp)),
     .section = SERVERS, .help = "Of that commit."},
    {ROW("use-running-server", NULL, OPTION_FLAG, NULL, AT(use_running)), .section = SERVERS,
     .help = "Start none: one runs at --target-ip, at the configuration's port, or 6379. To start "
             "it anew "
             "between runs is yours to do."},
    {ROW("target-ip", NULL, OPTION_TEXT, "IP", AT(target_ip)), .section = SERVERS,
     .unset = "127.0.0.1",
     .help = "Where that server is; another one than 127.0.0.1 is one that runs."},
    {ROW("cacert", NULL, OPTION_TEXT, "FILE", AT(cacert)), .section = SERVERS,
     .help = "Certificates of the authorities to trust, in PEM, where that server speaks TLS: "
             "--mode server says where its own is. Without it those of --valkey-path."},
    {ROW("cert", NULL, OPTION_TEXT, "FILE", AT(cert)), .section = SERVERS,
     .help = "A client certificate to show there, in PEM; needs --key."},
    {ROW("key", NULL, OPTION_TEXT, "FILE", AT(key)), .section = SERVERS,
     .help = "The private key of --cert."},
    {ROW("user", NULL, OPTION_TEXT, "NAME", AT(user)), .section = SERVERS,
     .help = "User for AUTH there; the password is in the environment variable VOLLEY_AUTH."},
    {ROW("allow-flush", NULL, OPTION_FLAG, NULL, AT(allow_flush)), .section = SERVERS,
     .needs_trust = true,
     .help = "Empty a server that volley has not started (FLUSHDB) before each run."},

    {ROW("valkey-benchmark-path", NULL, OPTION_TEXT, "FILE", AT(tool_path)), .section = LOAD,
     .needs_trust = true, .help = "Let this valkey-benchmark make the load, in place of volley."},

    {ROW("results-dir", NULL, OPTION_TEXT, "DIR", AT(results_dir)), .section = RESULTS,
     .unset = "results", .needs_trust = true,
     .help =
         "Where each commit has a directory with metrics.json, logs.txt and its servers' logs."},
    {ROW("resume", NULL, OPTION_FLAG, NULL, AT(resume)), .section = RESULTS,
     .help = "Leave out what has its records already."},
    {ROW("keep-histograms", NULL, OPTION_FLAG, NULL, AT(keep_histograms)), .section = RESULTS,
     .help = "Keep each run's latencies as an HdrHistogram log, too."},
    {ROW("flamegraph", NULL, OPTION_FLAG, NULL, AT(flamegraph)), .section = RESULTS,
     .help = "Afterwards each combination once more, for 10 s or longer, with perf at its servers: "
             "folded "
             "stacks and a page that shows where their time goes. Nothing of it is measured."},
    NOTIFY_ROWS(AT(notify), RESULTS, "Tell over the channels of this file how it ended."),
    {ROW("listen", NULL, OPTION_TEXT, "[ADDRESS:]PORT", AT(watch.listen)), .section = RESULTS,
     .needs_trust = true,
     .help = "Serve a page and endpoints (/metrics for Prometheus, /health, /stats, /api/run.json) "
             "there while it runs: on this host alone, unless an address is given. Port 0: any "
             "free one, which is said."},
    {ROW("listen-token", NULL, OPTION_TEXT, "FILE", AT(watch.listen_token)), .section = RESULTS,
     .needs_trust = true,
     .help = "A file with the token that whoever asks has to show; needed for an address that is "
             "not local. Nobody else may be able to read it."},
    {ROW("listen-linger", NULL, OPTION_DURATION, "TIME", AT(watch.listen_linger_ns)),
     BARE(NS_PER_SECOND, 0, 24 * 3600 * NS_PER_SECOND), .section = RESULTS,
     .help = "How long the page and the endpoints stay after the end. A bare number is seconds."},
    ELSEWHERE("allow-control", NULL, "a suite is not steered, so that its runs are alike"),
    {ROW("log-level", NULL, OPTION_CUSTOM, "LEVEL", 0), .parse = parse_level, .value_at = level_at,
     .unset = "info", .section = RESULTS,
     .help =
         "What is told on standard error: error, warning, info or debug. logs.txt has all of it."},
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

const struct option_table suite_option_table = {
    TABLE_ROWS(rows),
    .command = "suite",
    .config_is_own = true,
    .usage = "volley suite [--config FILE] [--commits REF...] [--baseline REF] [OPTIONS]",
    .synopsis =
        "Builds commits of a server, measures each with every combination of a configuration, "
        "and keeps the figures of each run for volley compare.",
};

/* --- words ----------------------------------------------------------------------------------- */

/* "--commits A B" as "--commits A --commits B", whose values are joined. */
static enum err_code spread_commits(struct suite_request *request, int *argc,
                                    const char *const *argv, struct err *err)
{
    static const char option[] = "--commits";
    const char **spread = calloc(2 * (size_t)*argc + 1, sizeof spread[0]);
    bool behind = false;
    int count = 0;
    request->argv = spread;
    if (spread == NULL)
        return err_set(err, E_SYSTEM, "no memory for the arguments");
    for (int i = 0; i < *argc; i++) {
        const bool is_ref = behind && argv[i][0] != '-' && i > 0;
        if (is_ref && strcmp(argv[i - 1], option) != 0)
            spread[count++] = option;
        spread[count++] = argv[i];
        behind = strcmp(argv[i], option) == 0 || is_ref;
    }
    *argc = count;
    return OK;
}

static enum err_code add_ref(struct suite_request *request, const char *ref, struct err *err)
{
    for (size_t i = 0; i < request->ref_count; i++)
        if (strcmp(request->refs[i], ref) == 0)
            return OK;
    if (request->ref_count == SUITE_REFS_MAX)
        return err_set(err, E_USAGE, "--commits: %u commits are the most", SUITE_REFS_MAX);
    request->refs[request->ref_count++] = ref;
    return OK;
}

static enum err_code find_refs(struct suite_request *request, struct err *err)
{
    char *rest = NULL;
    enum err_code code = OK;
    request->commits_words = request->commits_text != NULL ? strdup(request->commits_text) : NULL;
    for (char *ref = request->commits_words != NULL ? strtok_r(request->commits_words, ",", &rest)
                                                    : NULL;
         ref != NULL && code == OK; ref = strtok_r(NULL, ",", &rest))
        code = add_ref(request, ref, err);
    if (code == OK && request->ref_count == 0)
        code = add_ref(request, "HEAD", err);
    if (code == OK && request->baseline != NULL)
        code = add_ref(request, request->baseline, err);
    return code;
}

/* What it takes to speak with a server that runs; volley's own have no password, and certificates of their own. */
static enum err_code check_login(const struct suite_request *request, struct err *err)
{
    const char *const given = request->cacert != NULL ? "cacert"
                              : request->cert != NULL ? "cert"
                              : request->key != NULL  ? "key"
                              : request->user != NULL ? "user"
                                                      : NULL;
    if (given != NULL && !request->use_running)
        return err_set(err, E_USAGE,
                       "--%s is for a running server: those that volley starts are known to it",
                       given);
    if ((request->cert != NULL) != (request->key != NULL) ||
        (request->cert != NULL && request->cacert == NULL))
        return err_set(err, E_USAGE, "--cacert, --cert and --key: a client certificate needs all");
    if (request->user != NULL && request->password == NULL)
        return err_set(err, E_USAGE,
                       "--user %.80s needs a password: put it into the environment variable %s",
                       PRINTABLE(request->user), CREDENTIALS_VARIABLE);
    if (request->password != NULL && request->use_running && request->tool_path != NULL)
        return err_set(
            err, E_USAGE,
            "--valkey-benchmark-path: that tool takes a password among its arguments "
            "only, which everybody on this machine can read; volley's own load does not");
    return OK;
}

static enum err_code check_listening(const struct suite_request *request, struct err *err)
{
    const struct watch_options *watch = &request->watch;
    if (watch->listen == NULL && (watch->listen_token != NULL || watch->listen_linger_ns > 0))
        return err_set(err, E_USAGE, "--%s needs --listen",
                       watch->listen_token != NULL ? "listen-token" : "listen-linger");
    if (watch->listen != NULL && request->mode == SUITE_SERVER)
        return err_set(err, E_USAGE, "--listen shows what is measured, and --mode server does not");
    return OK;
}

static enum err_code check(struct suite_request *request, struct err *err)
{
    const bool elsewhere =
        request->target_ip != NULL && strcmp(request->target_ip, "127.0.0.1") != 0;
    if (request->mode == SUITE_CLIENT || elsewhere)
        request->use_running = true;
    if (check_login(request, err) != OK || check_listening(request, err) != OK)
        return err->code;
    if (request->mode == SUITE_SERVER && request->use_running)
        return err_set(err, E_USAGE, "--mode server starts one, and %s says that it runs",
                       elsewhere ? "--target-ip" : "--use-running-server");
    if (request->use_running && (request->baseline != NULL || request->control))
        return err_set(err, E_USAGE,
                       "%s needs servers that volley starts: a running one is of one version",
                       request->baseline != NULL ? "--baseline" : "--control");
    if (request->use_running && request->ref_count > 1)
        return err_set(err, E_USAGE, "--commits: a running server is of one commit");
    if (request->allow_flush && !request->use_running)
        return err_set(err, E_USAGE,
                       "--allow-flush is for a running server: those that volley "
                       "starts begin empty");
    if (request->flamegraph && request->use_running)
        return err_set(err, E_USAGE, "--flamegraph needs servers that volley starts");
    if (request->module_path == NULL &&
        (request->module != NULL || request->module_commit != NULL ||
         request->module_timestamp != NULL))
        return err_set(err, E_USAGE, "--module: --module-path says which module is loaded");
    if (request->module_path != NULL && request->use_running)
        return err_set(err, E_USAGE, "--module-path: a running server has loaded its own modules");
    if (request->module_path != NULL && access(request->module_path, R_OK) != 0)
        return err_set(err, E_USAGE, "--module-path %.200s: %s", PRINTABLE(request->module_path),
                       strerror(errno));
    if (request->valkey_path != NULL) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%.4000s/src", request->valkey_path);
        if (!request->use_running && access(path, F_OK) != 0)
            return err_set(err, E_USAGE,
                           "--valkey-path %.200s: there are no sources of a server: %s "
                           "is missing",
                           PRINTABLE(request->valkey_path), "src/");
    }
    if (request->mode == SUITE_SERVER && request->ref_count > 1)
        return err_set(err, E_USAGE, "--mode server starts the server of one commit");
    return OK;
}

enum err_code suite_options_parse(void *target, int argc, const char *const *argv, struct err *err)
{
    struct suite_request *request = target;
    int count = argc;
    enum err_code code = spread_commits(request, &count, argv, err);
    if (code == OK)
        code = options_parse(&request->values, &suite_option_table, request, count, request->argv,
                             err);
    if (code != OK || request->help)
        return code;
    for (int i = 1; i < argc; i++)
        request->has_seed |= strncmp(argv[i], "--seed", 6) == 0;
    request->password = credentials_take_variable();
    code = find_refs(request, err);
    return code == OK ? check(request, err) : code;
}

void suite_options_free(void *target)
{
    struct suite_request *request = target;
    options_free(&request->values);
    secret_free(request->password);
    free(request->commits_words);
    free(request->argv);
}
