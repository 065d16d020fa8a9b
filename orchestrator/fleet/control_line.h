/* The language of the control socket: one line of JSON is a command, one line is its answer.
 *
 *   {"rate": 20000}                   {"ok": true, ...}
 *   {"pause": true}  {"pause": false} {"ok": false, "error": "..."}
 *   {"stop": true}
 *   {"status": true}
 *   {"clear_cache": true}
 *   {"note": "text"}
 *
 * Pure functions; docs/reference/control.md is the manual. */
#ifndef ORCHESTRATOR_FLEET_CONTROL_LINE_H
#define ORCHESTRATOR_FLEET_CONTROL_LINE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/report/note.h"

/* Longest line, without its end. */
#define CONTROL_LINE_BYTES 4096u

enum control_action {
    CONTROL_RATE,
    CONTROL_PAUSE,
    CONTROL_RESUME,
    CONTROL_STOP,
    CONTROL_STATUS,
    CONTROL_CLEAR_CACHE,
    CONTROL_NOTE
};

struct control_command {
    enum control_action action;
    enum note_by by;            /* where it comes from: the socket, unless somebody says so */
    uint64_t rate_micro;        /* CONTROL_RATE: from 1 to SCHEDULE_RATE_MAX_MICRO */
    char note[NOTE_TEXT_BYTES]; /* CONTROL_NOTE: not empty */
};

/* Any bytes are safe. E_DATA: no command, with a sentence for its sender. */
MUST_USE enum err_code control_line_parse(struct control_command *command, const char *line,
                                          size_t line_bytes, struct err *err);

/* A JSON object, which is released, as a line with its end. The caller frees; NULL: no memory. */
char *control_line_make(json_t *object);
/* An answer as a line with its end; members (may be NULL) stand behind "ok" and are released. The
 * caller frees; NULL: no memory. */
char *control_line_answer(json_t *members);
char *control_line_refusal(const char *error);

/* Requests per second: an integer where it is one. */
json_t *control_rate_to_json(uint64_t rate_micro);

#endif
