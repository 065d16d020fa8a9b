/* The counters that servers keep of the commands they execute (INFO commandstats, LATENCY HISTOGRAM), taken before
 * and after a run. Servers are asked while no request is measured. */
#ifndef ORCHESTRATOR_SERVER_COMMAND_STATS_H
#define ORCHESTRATOR_SERVER_COMMAND_STATS_H

#include "common/endpoint.h"
#include "common/topology.h"
#include "orchestrator/report/server_account.h"

struct command_stats; /* owned by the caller: free */
struct control;

/* Sums over all primaries. control: to the one at *connected, which is asked over it; NULL: there is no connection.
 * All of it is asked aside (control.h). NULL: one of them does not answer within a second, or tells nothing; there are
 * more than 32; or replicas answer, too, which count what their primaries send them. */
struct command_stats *command_stats_take(const struct topology *topology,
                                         const struct endpoint *endpoint, struct control *control,
                                         const struct target_address *connected,
                                         const volatile int *interrupted);
/* What lies between the two; not known when either is NULL, or a counter has gone back: a server was started anew.
 * own_commands: sent by volley in this time. Pure. */
void command_stats_account(struct server_account *account, const struct command_stats *before,
                           const struct command_stats *after, uint64_t own_commands);
/* Calls of each command that was called between the two; before NULL: since its start. False: a counter has gone
 * back, and nothing was told. Pure. */
typedef void command_stats_each(void *context, const char *name, uint64_t calls);
MUST_USE bool command_stats_between(const struct command_stats *before,
                                    const struct command_stats *after, command_stats_each *each,
                                    void *context);

/* For tests and fuzzing, and who asks a server himself: takes in one server's INFO text. Empty at first. */
struct command_stats *command_stats_new(void);
void command_stats_read_info(struct command_stats *stats, const char *info);
struct redisReply;
void command_stats_read_histograms(struct command_stats *stats, const struct redisReply *reply);

#endif
