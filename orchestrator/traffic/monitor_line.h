/* A line of MONITOR, of any age of its format. Pure; the text is changed in place.
 *
 *   1339518083.107412 [0 127.0.0.1:60866] "set" "k" "a\x00b"       since Redis 2.6; also [0 lua], [0 unix:/path]
 *   1339518083.107412 (db 3) "set" "k" "v"                         before that; no "(db 0)"
 *
 * A "+" in front, as it stands on the wire, and the line's end are passed over. */
#ifndef ORCHESTRATOR_TRAFFIC_MONITOR_LINE_H
#define ORCHESTRATOR_TRAFFIC_MONITOR_LINE_H

#include "orchestrator/traffic/arguments.h"
#include "orchestrator/traffic/client_numbers.h"

enum monitor_status {
    MONITOR_REQUEST,
    MONITOR_NOTHING, /* an empty line, or the OK that MONITOR begins with   */
    MONITOR_SCRIPT,  /* a command that a script called: its EVAL has its own line */
    MONITOR_BAD      /* *reason says why                                    */
};

struct monitor_line {
    uint64_t unix_us;
    uint32_t database;
    const char *
        client; /* as the server names it, not terminated; no bytes: an old format, which names none */
    size_t client_bytes;
};

/* The arguments are put into the list, which is emptied first, and point into text. */
MUST_USE enum monitor_status monitor_line_read(struct monitor_line *line,
                                               struct argument_list *arguments, char *text,
                                               size_t text_bytes, const char **reason);

/* Lines become entries: clients get numbers, times count from the first line and do not go back. Zeroed at first. */
struct monitor_entries {
    struct client_numbers clients;
    uint64_t start_unix_us, last_us;
    uint64_t went_back; /* lines whose time was before the last one's */
};
/* False: no memory. */
MUST_USE bool monitor_entry_make(struct monitor_entries *entries, struct recording_entry *entry,
                                 const struct monitor_line *line,
                                 const struct argument_list *arguments);

/* Writes an entry as a line in the newest format, with its line end, client as the server named it. Returns the bytes
 * it needs; writes only when out_bytes is enough. */
size_t monitor_line_write(char *out, size_t out_bytes, const struct monitor_line *line,
                          const struct argument_list *arguments);

#endif
