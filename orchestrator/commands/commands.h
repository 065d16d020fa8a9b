/* The sub-commands: each takes its own arguments (argv[0] is its name) and returns the exit status.
 * Called by main only. */
#ifndef ORCHESTRATOR_COMMANDS_COMMANDS_H
#define ORCHESTRATOR_COMMANDS_COMMANDS_H

#include "orchestrator/options/options.h"

int command_bench(int argc, const char *const *argv);
/* Another tool's command line (dialect.h): argv[0] is its name, or the path of a link of that name. */
int command_dialect(int argc, const char *const *argv);
int command_find_max(int argc, const char *const *argv);
int command_sweep(int argc, const char *const *argv);
int command_load_test(int argc, const char *const *argv);
int command_compare_modes(int argc, const char *const *argv);
int command_optimize(int argc, const char *const *argv);
int command_ctl(int argc, const char *const *argv);
int command_report(int argc, const char *const *argv);
int command_model(int argc, const char *const *argv);
int command_run(int argc, const char *const *argv);
int command_visualize(int argc, const char *const *argv);
int command_suite(int argc, const char *const *argv);
int command_compare(int argc, const char *const *argv);
/* `volley baseline`, `volley check`: runs under a name, and others held against them. */
int command_baseline(int argc, const char *const *argv);
int command_check(int argc, const char *const *argv);
int command_diagnose(int argc, const char *const *argv);
int command_track(int argc, const char *const *argv);
int command_push(int argc, const char *const *argv);
/* `volley notify test`: a test alert over each notification channel of a file. */
int command_notify(int argc, const char *const *argv);
int command_history(int argc, const char *const *argv);
int command_results(int argc, const char *const *argv);
int command_record(int argc, const char *const *argv);
int command_monitor(int argc, const char *const *argv);
int command_latency_history(int argc, const char *const *argv);
int command_analyze_memory(int argc, const char *const *argv);
int command_profile(int argc, const char *const *argv);
int command_validate(int argc, const char *const *argv);
int command_info(int argc, const char *const *argv);
int command_dataset(int argc, const char *const *argv);
int command_calibrate(int argc, const char *const *argv);
int command_alerts(int argc, const char *const *argv);
int command_verify(int argc, const char *const *argv);
int command_workloads(int argc, const char *const *argv);
/* `volley docs markdown|man|completion`, `volley docs dialect NAME`: what is generated from the option tables. */
int command_docs(int argc, const char *const *argv);

extern const struct option_table ctl_option_table, results_option_table, workloads_option_table;
const struct option_table *find_max_option_table(void);
const struct option_table *sweep_option_table(void);
const struct option_table *load_test_option_table(void);
const struct option_table *compare_modes_option_table(void);
const struct option_table *optimize_option_table(void);
const struct option_table *report_option_table(void);
const struct option_table *verify_option_table(void);
const struct option_table *record_option_table(void);
const struct option_table *model_option_table(void);
const struct option_table *run_option_table(void);
const struct option_table *info_option_table(void);
const struct option_table *analyze_memory_option_table(void);
const struct option_table *profile_option_table(void);
const struct option_table *monitor_option_table(void);
const struct option_table *latency_history_option_table(void);
extern const struct option_table visualize_option_table, compare_option_table,
    diagnose_option_table, suite_option_table, dataset_option_table, validate_option_table,
    track_option_table, push_option_table, history_option_table, notify_option_table,
    alerts_option_table, calibrate_option_table, baseline_option_table, check_option_table;

#endif
