/* MONITOR's text as traffic. */
#include <errno.h>

#include "common/printable.h"
#include "orchestrator/traffic/traffic_source.h"

/* A byte of a request takes four of the text at most. */
#define LINE_MAX_BYTES (4ull * RECORDING_REQUEST_MAX_BYTES)

static enum err_code take_request(struct traffic_source *source, const struct monitor_line *line,
                                  struct recording_entry *entry, struct err *err)
{
    if (!monitor_entry_make(&source->monitor, entry, line, &source->arguments))
        return err_set(err, E_SYSTEM, "no memory for the clients of %s", PRINTABLE(source->path));
    source->start_unix_us = source->monitor.start_unix_us;
    source->report->shared_clients = source->monitor.clients.shared;
    source->report->went_back = source->monitor.went_back;
    return OK;
}

enum err_code monitor_next(struct traffic_source *source, struct recording_entry *entry,
                           bool *found, bool *more, struct err *err)
{
    char *text;
    size_t text_bytes;
    const char *reason = "it is longer than any request";
    struct monitor_line line;
    enum file_line kind = file_input_line(&source->input, LINE_MAX_BYTES, &text, &text_bytes);
    *found = false;
    *more = kind != FILE_LINE_END;
    if (source->input.failed != 0)
        return err_set_errno(err, E_SYSTEM, source->input.failed, "cannot read %s",
                             PRINTABLE(source->path));
    if (!*more)
        return OK;
    source->line++;
    source->report->lines++;
    enum monitor_status status =
        kind == FILE_LINE_TOO_LONG
            ? MONITOR_BAD
            : monitor_line_read(&line, &source->arguments, text, text_bytes, &reason);
    source->report->from_scripts += status == MONITOR_SCRIPT;
    *found = status == MONITOR_REQUEST;
    if (status == MONITOR_BAD)
        return traffic_skip(source, reason, err);
    return *found ? take_request(source, &line, entry, err) : OK;
}
