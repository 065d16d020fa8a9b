/* What a server's own counters say of a run: how many commands it executed, and how long it took for them, which is
 * without queueing, network and volley. From before the first connection to the end, the warm-up included. */
#ifndef ORCHESTRATOR_REPORT_SERVER_ACCOUNT_H
#define ORCHESTRATOR_REPORT_SERVER_ACCOUNT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define SERVER_TIMES_MAX 8u
#define SERVER_COMMAND_BYTES 40u

struct server_time {
    char command[SERVER_COMMAND_BYTES];
    uint64_t calls;
    double mean_us;
    /* From a histogram of the server, whose columns are powers of two: no more than this; below 0: not known. */
    double p50_us, p99_us, p99_9_us;
};

struct server_account {
    bool known; /* else nothing below is */
    /* Executed by all primaries, without what connecting, looking on and replicating take. */
    uint64_t commands;
    uint64_t own_commands; /* those that volley sent, also to where they were not executed */
    bool others_known;     /* false: a script counts as itself and as what it calls        */
    uint64_t evicted_keys, expired_keys;
    double cpu_seconds; /* user and system time of all primaries' processes; below 0: not known */
    uint32_t time_count;
    struct server_time times[SERVER_TIMES_MAX]; /* the most called first */
};

/* Of all commands, those that nobody can say volley sent. 0 when it is not known. */
double server_account_other_share(const struct server_account *account);
/* For JSON and journals; NULL: not known. */
json_t *server_account_to_json(const struct server_account *account);
/* False: damaged. json may be NULL: not known. */
bool server_account_from_json(struct server_account *account, const json_t *json);

#endif
