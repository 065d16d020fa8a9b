/* What a monitor has seen, in a file of SQLite that stays small: samples by target and interval, alerts, and when it ran. A child
 * process writes, so that a slow disk delays no probe: what it is told goes through a socket, and what finds no room there is
 * lost, and counted. A disk that is full, or a file that is broken, is said once; rows are lost and counted until it can be written
 * again. A child that dies is started again; what it had not written is lost, and counted. What a monitor that was killed has left is
 * gone on with. What is older than the retention is removed: of what a monitor itself has kept, by its clock; of what it found, by the
 * newest row that it found and the time since, where its clock is ahead of that, so that a start with a wrong clock removes no history;
 * time between two of its runs that is longer than the retention makes nothing older, so that the next start does not, either.
 * Orchestrator; one monitor a file. */
#ifndef ORCHESTRATOR_WATCH_MONITOR_STORE_H
#define ORCHESTRATOR_WATCH_MONITOR_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/watch/alert_event.h"

struct sqlite3;

#define MONITOR_NAME_BYTES 160u
#define MONITOR_STORE_NAME "monitor.db"

/* Identifier, column. Counts, then times in microseconds, then fields of INFO of that name. A new one is the last row, and a new
 * MONITOR_STORE_VERSION. */
#define MONITOR_VALUE_TABLE(X)                                                                     \
    X(MONITOR_SECONDS, "seconds")                                                                  \
    X(MONITOR_SENT, "sent")                                                                        \
    X(MONITOR_OK, "ok")                                                                            \
    X(MONITOR_ERRORS, "errors")                                                                    \
    X(MONITOR_TIMED_OUT, "timed_out")                                                              \
    X(MONITOR_LOST, "lost")                                                                        \
    X(MONITOR_SHED, "shed")                                                                        \
    X(MONITOR_P50, "p50_us")                                                                       \
    X(MONITOR_P95, "p95_us")                                                                       \
    X(MONITOR_P99, "p99_us")                                                                       \
    X(MONITOR_MAX, "max_us")                                                                       \
    X(MONITOR_USED_MEMORY, "used_memory")                                                          \
    X(MONITOR_RSS, "used_memory_rss")                                                              \
    X(MONITOR_FRAGMENTATION, "mem_fragmentation_ratio")                                            \
    X(MONITOR_EVICTED, "evicted_keys")                                                             \
    X(MONITOR_EXPIRED, "expired_keys")                                                             \
    X(MONITOR_HITS, "keyspace_hits")                                                               \
    X(MONITOR_MISSES, "keyspace_misses")                                                           \
    X(MONITOR_OPS, "instantaneous_ops_per_sec")                                                    \
    X(MONITOR_CONNECTED, "connected_clients")                                                      \
    X(MONITOR_KEYS, "keys")                                                                        \
    X(MONITOR_MAXMEMORY, "maxmemory")                                                              \
    X(MONITOR_HOST_MEMORY, "total_system_memory")                                                  \
    X(MONITOR_UPTIME, "uptime_in_seconds")                                                         \
    X(MONITOR_PROCESS, "process_id")

#define MONITOR_ID(id, name) id,
enum monitor_value { MONITOR_VALUE_TABLE(MONITOR_ID) MONITOR_VALUES };
#undef MONITOR_ID
const char *monitor_value_name(enum monitor_value value);

struct monitor_sample {
    uint64_t at_ms; /* wall clock: the end of the interval */
    char target[MONITOR_NAME_BYTES];
    double values[MONITOR_VALUES]; /* NAN: not known */
};

struct monitor_store_setup {
    const char *path;
    uint64_t retention_ms;
    uint64_t began_ms; /* wall clock: this run of the monitor */
    uint64_t interval_ms;
    uint64_t
        restart_ms; /* a child that dies is started again no sooner after its start; 0: a minute */
};

struct monitor_store; /* owns a lock, a socket, and a child */

/* Where it is without --store: $XDG_STATE_HOME/volley/monitor.db, else in ~/.local/state/volley. make: the folders, for the user
 * alone. E_SYSTEM: neither variable says where, or it cannot be made. */
MUST_USE enum err_code monitor_store_path(char *path, size_t path_bytes, bool make,
                                          struct err *err);
/* E_USAGE: it cannot be written, is no store of a monitor, is one of a newer volley, or another monitor writes it. */
MUST_USE enum err_code monitor_store_open(struct monitor_store **store,
                                          const struct monitor_store_setup *setup, struct err *err);
/* Starts the process that writes, whose standard error is that of now. E_SYSTEM. */
MUST_USE enum err_code monitor_store_begin(struct monitor_store *store, struct err *err);
/* Never wait. Begun. */
void monitor_store_sample(struct monitor_store *store, const struct monitor_sample *sample);
/* Whether the child keeps up; for those who feed it faster than time goes. */
bool monitor_store_has_room(const struct monitor_store *store);
void monitor_store_alert(struct monitor_store *store, const struct alert_event *event);

struct monitor_store_account {
    uint64_t written, lost; /* rows */
    bool known;             /* false: the child did not say */
};
/* Lets the child write what it was told, for some seconds at most. NULL is fine. */
struct monitor_store_account monitor_store_close(struct monitor_store *store, uint64_t at_ms);

/* For the two that read and write such files: opens it, and makes its tables where it is empty. One of an older volley stays as it
 * is for who reads; who writes, which is one alone, makes it a newer one. E_USAGE as above. */
enum monitor_file_use { MONITOR_FILE_READ, MONITOR_FILE_WRITE };
MUST_USE enum err_code monitor_file_open(struct sqlite3 **database, const char *path,
                                         enum monitor_file_use use, struct err *err);
/* Whether its alerts name their servers: not those of older volleys. */
bool monitor_file_names_servers(struct sqlite3 *database);
/* When the newest sample was; 0: there is none. False: it cannot be read. */
MUST_USE bool monitor_file_newest(struct sqlite3 *database, uint64_t *at_ms);
/* The moment that is so long before another one, by the runs in the file: time between two of them that is longer than the span
 * itself does not count, since nobody watched then, or a clock was wrong. 0: they do not go back so far. */
uint64_t monitor_file_before(struct sqlite3 *database, uint64_t at_ms, uint64_t span_ms);
/* Removes what was between these two moments, and gives the room back. False: it could not. */
bool monitor_file_prune(struct sqlite3 *database, uint64_t after_ms, uint64_t before_ms);

#endif
