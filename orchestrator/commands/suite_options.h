/* The options of `volley suite`: rows, parsing, and what they may not say together. */
#ifndef ORCHESTRATOR_COMMANDS_SUITE_OPTIONS_H
#define ORCHESTRATOR_COMMANDS_SUITE_OPTIONS_H

#include "common/log.h"
#include "common/spec.h"
#include "orchestrator/commands/notifying.h"
#include "orchestrator/options/options.h"

enum suite_mode { SUITE_BOTH, SUITE_SERVER, SUITE_CLIENT };
enum suite_kinds { SUITE_BOTH_KINDS, SUITE_CLUSTERS, SUITE_NO_CLUSTERS };
enum suite_order { SUITE_TURNS, SUITE_PLAN };

#define SUITE_REFS_MAX 64u

struct suite_request {
    struct option_values values;
    const char *commits_text, *baseline, *config, *valkey_path, *repository, *make_args, *tool_path,
        *target_ip, *results_dir, *groups, *scenarios, *module, *module_path, *module_commit,
        *module_timestamp, *repository_name, *cacert, *cert, *key, *user;
    char *password; /* of a server that runs, from the environment; owned */
    unsigned mode, order, cluster_filter;
    uint64_t runs, seed;
    bool skip_config_sets, skip_profiling, flamegraph;
    bool has_seed, use_running, list_plan, resume, control, keep_histograms, allow_flush, help;
    enum log_level log_level;
    struct notify_options notify;
    struct watch_options watch; /* of it listen, listen_token and listen_linger_ns */

    /* Of commits and baseline, each once, in the order given; into the values, or into `commits_words`. */
    const char *refs[SUITE_REFS_MAX];
    size_t ref_count;
    char *commits_words; /* owned */
    const char **argv;   /* owned: the arguments, as the table takes them */
};

/* --commits takes all words behind it. E_USAGE, E_SYSTEM. suite_options_free in any case. */
MUST_USE enum err_code suite_options_parse(void *request, int argc, const char *const *argv,
                                           struct err *err);
void suite_options_free(void *request);

extern const struct option_table suite_option_table;

#endif
