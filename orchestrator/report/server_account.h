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

/* What a server says of itself beside its commands: identifier, and key in JSON. Of several primaries the sum, or the highest.
 * How INFO tells it is a row of command_stats.c. The event loop: in which it did something and did not wait for requests, on a
 * CPU or not. The last fork: what it took, whenever it was. Appends: 1, there is an append only file. Maxmemory: 0, no limit. */
#define SERVER_FIGURE_TABLE(X)                                                                     \
    X(SERVER_MAIN_THREAD, "main_thread_seconds")                                                   \
    X(SERVER_EVENT_LOOP, "event_loop_seconds")                                                     \
    X(SERVER_FORKS, "forks")                                                                       \
    X(SERVER_FORK, "last_fork_seconds")                                                            \
    X(SERVER_DELAYED_FSYNCS, "delayed_fsyncs")                                                     \
    X(SERVER_APPENDS, "appends")                                                                   \
    X(SERVER_USED_MEMORY, "used_memory_bytes")                                                     \
    X(SERVER_MAXMEMORY, "maxmemory_bytes")

#define SERVER_FIGURE_ID(id, key) id,
enum server_figure { SERVER_FIGURE_TABLE(SERVER_FIGURE_ID) SERVER_FIGURES };
#undef SERVER_FIGURE_ID

struct server_account {
    bool known; /* else nothing below is */
    /* Executed by all primaries, without what connecting, looking on and replicating take. */
    uint64_t commands;
    uint64_t own_commands; /* those that volley sent, also to where they were not executed */
    bool others_known;     /* false: a script counts as itself and as what it calls        */
    uint64_t evicted_keys, expired_keys;
    double cpu_seconds; /* user and system time of all primaries' processes; below 0: not known */
    double seconds;     /* between the two questions; below 0: not known */
    /* The shortest of the orchestrator's own questions before the load, of the primary where it was longest; below 0: not known */
    double round_trip_us;
    uint32_t primaries;             /* 0: not known */
    double figures[SERVER_FIGURES]; /* below 0: not known */
    uint32_t time_count;
    struct server_time times[SERVER_TIMES_MAX]; /* the most called first */
};

const char *server_figure_key(enum server_figure figure);
/* Of all commands, those that nobody can say volley sent. 0 when it is not known. */
double server_account_other_share(const struct server_account *account);
/* For JSON and journals; NULL: not known. */
json_t *server_account_to_json(const struct server_account *account);
/* False: damaged. json may be NULL: not known. */
bool server_account_from_json(struct server_account *account, const json_t *json);

#endif
