/* Recorded requests that are sent again: what the file holds, and how it is to be sent. Made by the orchestrator before
 * the fork; workers read the file themselves (replay.h). */
#ifndef WORKER_GENERATE_REPLAY_PLAN_H
#define WORKER_GENERATE_REPLAY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/lane.h"

/* Recorded clients have a connection each up to so many; beyond that several share one. */
#define REPLAY_CONNECTIONS_MAX 10000u
/* Beyond so many clients some share an order in a cluster. */
#define REPLAY_GATES_MAX (1u << 20)

/* Kinds of commands that cannot be sent again, and are left out. */
enum replay_reason {
    REPLAY_SENT,     /* it is not left out */
    REPLAY_NO_REPLY, /* does not give one reply to each request: SUBSCRIBE, MONITOR, CLIENT REPLY ... */
    REPLAY_ENDLESS, /* waits without a limit: BLPOP key 0 ... */
    REPLAY_LOGIN,   /* says who the client is: AUTH, HELLO; volley's connections have logged in */
    REPLAY_SELECT,  /* each request is sent in the database in which it was recorded */
    REPLAY_SERVER,  /* ends the server, or changes whose replica it is */
    REPLAY_TRANSACTION, /* MULTI and its like, where clients share a connection */
    REPLAY_REASONS
};
/* "commands that wait without a limit": for sentences. */
const char *replay_reason_text(enum replay_reason reason);

/* What becomes of a request, an array of bulk strings. shared: its client has no connection of its own. Hot path. */
struct recording_entry; /* common/recording.h */
enum replay_reason replay_judge(const struct recording_entry *entry, bool shared);

/* One reading of the file. Transactions are left out, until it is known that no clients share a connection. */
struct replay_facts {
    uint64_t entries; /* that are sent                   */
    uint64_t left_out[REPLAY_REASONS];
    uint64_t span_ns;    /* from the first to the last, as recorded */
    uint64_t most_bytes; /* of a request */
    /* Commands that have figures of their own, the most frequent ones first; where there are more of them the last one stands
     * for the others. */
    uint32_t class_count;
    char classes[CLASSES_MAX][CLASS_NAME_BYTES];
    bool has_others;
    uint32_t clients;
    uint32_t most_database;
    bool has_times;
    bool cut; /* the file ends in the middle of an entry */
    /* What the file never held, as far as it tells (recording.h). */
    uint64_t never_recorded, skipped_lines;
    bool snapshot, source_cut;
};

struct replay_plan {
    const char *path; /* as the user named it, for messages */
    int fd;           /* the recording, without a name of its own; -1: it is the file `path` */
    /* Of all workers: what a client's requests keep their order on; a client has number client % connections. Connections,
     * or in a cluster gates (replay.h). */
    uint64_t connections;
    uint64_t limit; /* so many entries are sent, the first ones                 */
    double
        speed; /* recorded times are divided by it; 0: the schedule, or in a closed loop the replies, say when */
    bool by_number; /* times are those of a schedule's tickets */
    bool shared;    /* clients share connections: there are more of them, or it is a cluster */
    bool routed;    /* in a cluster: to the node of the first key */
    struct replay_facts facts;
};

/* Of facts->classes. Hot path. */
uint32_t replay_class(const struct replay_facts *facts, const struct recording_entry *entry);
/* Some class's replies tell hits from misses. */
bool replay_reads(const struct replay_facts *facts);
/* Once after replay_look, when it is known whether clients share connections: then transactions are left out and their
 * commands are no classes, else they are sent. */
void replay_settle_transactions(struct replay_facts *facts, bool shared);

/* Reads the file once, in constant memory, into the plan's facts. E_CONFIG: it cannot be opened;
 * E_DATA: it is damaged. */
MUST_USE enum err_code replay_look(struct replay_plan *plan, struct err *err);
/* A reader of its own. */
struct recording_reader;
MUST_USE enum err_code replay_open(const struct replay_plan *plan, struct recording_reader **reader,
                                   struct err *err);

#endif
