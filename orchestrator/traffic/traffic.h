/* Recorded traffic from a file of any form: volley's compact form, text of MONITOR, an append-only file or the manifest
 * of one in several parts. The form is seen by the content. Read once, in memory that does not grow with the file.
 *
 * What no replay can use is left out and counted: requests with secrets, what scripts called (their EVAL is there), and
 * the SELECT of an append-only file, which becomes each entry's database. */
#ifndef ORCHESTRATOR_TRAFFIC_TRAFFIC_H
#define ORCHESTRATOR_TRAFFIC_TRAFFIC_H

#include "common/recording.h"

enum traffic_form { TRAFFIC_COMPACT, TRAFFIC_MONITOR, TRAFFIC_AOF };

#define TRAFFIC_PLACES_MAX 8u
#define TRAFFIC_PLACE_BYTES 256u

/* What was read, and what was not. Zeroed by the caller. */
struct traffic_report {
    enum traffic_form form;
    bool has_times, strict;
    uint64_t entries;
    uint64_t lines;   /* of MONITOR */
    uint64_t skipped; /* lines that do not parse, of which the first are named: "file:line: why" */
    char places[TRAFFIC_PLACES_MAX][TRAFFIC_PLACE_BYTES];
    uint64_t secrets;        /* requests that were left out since they tell a secret */
    uint64_t from_scripts;   /* commands that scripts called */
    uint64_t too_large;      /* requests larger than a recording takes */
    uint64_t shared_clients; /* requests of clients that share a number with another one */
    uint64_t went_back;      /* requests whose time was before the last one's */
    char snapshot[TRAFFIC_PLACE_BYTES]; /* an RDB base that was skipped; "": there was none */
    char cut[TRAFFIC_PLACE_BYTES]; /* "file ends within a request, at byte N"; "": it is whole */
};

struct traffic_source;

/* A directory stands for the manifest of the append-only file in it. E_CONFIG: it cannot be read; E_DATA: it is nothing of these forms. strict: what would be skipped is an error, E_DATA. The report
 * is filled as the traffic is read, and outlives the source. */
MUST_USE enum err_code traffic_open(struct traffic_source **source, const char *path, bool strict,
                                    struct traffic_report *report, struct err *err);
/* The next entry, valid until the next call; its request is NULL but of the compact form. *more false: the end. E_DATA:
 * damaged. */
MUST_USE enum err_code traffic_next(struct traffic_source *source, struct recording_entry *entry,
                                    bool *more, struct err *err);
/* Unix time of the first entry; 0: not known, or nothing has been read. */
uint64_t traffic_start_unix_us(const struct traffic_source *source);
/* NULL is fine. */
void traffic_close(struct traffic_source *source);

/* Reads from_path, whatever its form, and writes it to to_path in the compact form, which must not exist: E_USAGE. On an
 * error there is no file. */
MUST_USE enum err_code recording_import(const char *from_path, const char *to_path, bool strict,
                                        struct traffic_report *report, struct err *err);

/* The same of a source that is open and has not been read, onto an open, empty file, which is closed in any case; path: for
 * messages. */
MUST_USE enum err_code recording_import_on(struct traffic_source *source, int fd,
                                           const char *to_path, struct err *err);

/* Logs what a user should know of a report, as warnings. */
void traffic_report_warn(const struct traffic_report *report);

#endif
