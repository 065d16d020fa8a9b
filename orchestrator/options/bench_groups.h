/* The groups that the options of `volley bench` are made of, one file each: rows, the parsers of those that are
 * more than a number or a text, and what the options mean together. Commands that put load on a server in
 * other ways take rows of the same groups. */
#ifndef ORCHESTRATOR_OPTIONS_BENCH_GROUPS_H
#define ORCHESTRATOR_OPTIONS_BENCH_GROUPS_H

#include "orchestrator/options/bench_options.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/options/relation.h"

extern const struct option_group endpoint_group, time_limit_group; /* for a struct endpoint */
extern const struct option_group login_group;
extern const struct option_group tls_group;
extern const struct option_group managed_group;
extern const struct option_group load_group, load_limit_group;
extern const struct option_group workload_group; /* for a struct workload_request */
extern const struct option_group custom_group;   /* for a struct custom_options */
extern const struct option_group replay_group;   /* for a struct replay_request */
extern const struct option_group buffer_group;   /* for a struct buffer_request */
extern const struct option_group client_group;
extern const struct option_group connection_group;
extern const struct option_group rate_group;   /* for a struct rate_request: how much */
extern const struct option_group pacing_group; /* for a struct rate_options: how      */
extern const struct option_group worker_group;
extern const struct option_group check_group;
extern const struct option_group output_group;
extern const struct option_group watch_group; /* for a struct watch_options */

/* What the options of a group mean together, and beside others: completes request->spec, with notices. Steps of
 * bench_options_settle, in the order in which it calls them. E_USAGE: options that contradict each other. */
typedef enum err_code option_step(struct bench_request *request, struct err *err);
option_step load_refuse_no_value, endpoint_settle, connection_settle, managed_settle, tls_settle,
    load_settle_length, rate_settle, load_settle_command, custom_settle, workload_settle,
    load_settle_keys, load_settle_prefill, load_notice_unused, worker_settle, client_settle,
    load_settle_steady, workload_settle_streams, replay_settle, buffer_settle, chaos_settle,
    output_settle, output_settle_intervals, watch_settle;

void workload_files_free(struct workload_files *files);

/* For what is spelled otherwise in a dialect; target: a struct login_request. */
enum err_code login_parse_uri(void *target, const char *value, struct err *err);
/* Names of tests and of groups of them; the group that a test is in, NULL: none. */
const char *load_test_at(size_t index);
const char *load_test_group(const char *name);
/* Modes of ramps, of which those of connections are the first two. */
const char *rate_mode_at(size_t index);

#endif
