/* What the forms of traffic share; for this room alone. */
#ifndef ORCHESTRATOR_TRAFFIC_TRAFFIC_SOURCE_H
#define ORCHESTRATOR_TRAFFIC_TRAFFIC_SOURCE_H

#include "orchestrator/traffic/file_input.h"
#include "orchestrator/traffic/monitor_line.h"
#include "orchestrator/traffic/traffic.h"

#define AOF_PARTS_MAX 1024u

struct traffic_source {
    char *path; /* of the file that is read, for messages */
    bool strict;
    struct traffic_report *report;
    struct file_input input;
    struct argument_list arguments;
    struct recording_reader *reader; /* the compact form */

    /* MONITOR */
    uint64_t line; /* that was read last, from 1 */
    struct monitor_entries monitor;
    uint64_t start_unix_us;

    /* AOF */
    uint32_t database;
    char **parts; /* paths that come, in order; NULL: one file */
    uint32_t part_count, next_part;
    size_t *ends; /* of the arguments of the request under way: pairs (begin, length) */
    size_t end_room;
};

/* A line that is skipped; E_DATA when that is an error. */
MUST_USE enum err_code traffic_skip(struct traffic_source *source, const char *reason,
                                    struct err *err);

/* One request: *found false: that was none, and there may be more; *more false: the end. */
MUST_USE enum err_code monitor_next(struct traffic_source *source, struct recording_entry *entry,
                                    bool *found, bool *more, struct err *err);
MUST_USE enum err_code aof_next(struct traffic_source *source, struct recording_entry *entry,
                                bool *found, bool *more, struct err *err);
/* *found: path, or where that is a directory the manifest in it; owned by the caller, NULL on error. */
MUST_USE enum err_code aof_find_manifest(char **found, const char *path, struct err *err);
/* Reads the manifest in the input, whose paths are beside it, and opens the first part. */
MUST_USE enum err_code aof_open_manifest(struct traffic_source *source, struct err *err);
/* Whether it begins as a snapshot does. */
bool aof_is_snapshot(const char *bytes, size_t byte_count);
/* Passes over the snapshot that an append-only file of one part begins with: to the first place where its checksum fits,
 * without knowing what is in it. False: there is none, as with "rdbchecksum no". */
MUST_USE bool aof_skip_snapshot(struct traffic_source *source);

#endif
