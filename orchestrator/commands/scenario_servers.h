/* What a scenario says of its servers (scenario.h), against what the command line says. For `volley run`, and the other
 * files of scenario_run.h. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_SERVERS_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_SERVERS_H

#include "orchestrator/options/bench_options.h"
#include "orchestrator/scenario/scenario.h"

/* Arguments of servers: the scenario's, and behind them those of --managed-args, which win. Points into itself, the
 * scenario and the request: outlives the servers, and does not move. */
struct scenario_server_words {
    const char *words[MANAGED_ARGS_MAX + 4];
    char maxmemory[24];
};

/* How many servers are started, where the command line does not say; before the options are settled. E_USAGE: a scenario
 * that needs a cluster is to run on something else. */
MUST_USE enum err_code scenario_servers_shape(struct bench_request *bench,
                                              const struct scenario *scenario, struct err *err);
/* maxmemory and its policy, into the arguments of servers that volley starts; after the options are settled. */
void scenario_servers_tell(struct scenario_server_words *words, struct bench_request *bench,
                           const struct scenario *scenario);
/* How often this host holds what the primaries hold: with replicas of volley's own more than once. */
double scenario_servers_copies(const struct bench_request *bench);
/* Whether maxmemory is the scenario's own, so that a target which fills it is what was asked for. */
bool scenario_servers_limited(const struct bench_request *bench, const struct scenario *scenario);

#endif
