/* Which form a file has, and what is common to all. */
#include "orchestrator/traffic/traffic.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/traffic/traffic_source.h"

#define LOOKED_AT_BYTES 4096u

enum err_code traffic_skip(struct traffic_source *source, const char *reason, struct err *err)
{
    struct traffic_report *report = source->report;
    if (report->skipped < TRAFFIC_PLACES_MAX)
        snprintf(report->places[report->skipped], TRAFFIC_PLACE_BYTES, "%.120s:%" PRIu64 ": %s",
                 PRINTABLE(source->path), source->line, reason);
    report->skipped++;
    if (!source->strict)
        return OK;
    return err_set(err, E_DATA, "%.120s:%" PRIu64 ": %s", PRINTABLE(source->path), source->line,
                   reason);
}

/* A time as MONITOR has it, or OK, within the first lines. */
static bool looks_like_monitor(const char *bytes, size_t byte_count)
{
    size_t digits = 0;
    for (size_t i = 0; i < byte_count; i++) {
        if (bytes[i] >= '0' && bytes[i] <= '9') {
            digits++;
        } else if (bytes[i] == '.' && digits > 0 && i + 1 < byte_count && bytes[i + 1] >= '0' &&
                   bytes[i + 1] <= '9') {
            return memchr(bytes + i, '"', byte_count - i) != NULL;
        } else {
            digits = 0;
        }
    }
    return false;
}

static enum err_code open_form(struct traffic_source *source, struct err *err)
{
    struct traffic_report *report = source->report;
    size_t have = file_input_have(&source->input, LOOKED_AT_BYTES);
    const char *bytes = source->input.buffer + source->input.start;
    if (source->input.failed != 0)
        return err_set_errno(err, E_CONFIG, source->input.failed, "cannot read %s",
                             PRINTABLE(source->path));
    if (recording_has_magic(bytes, have)) {
        report->form = TRAFFIC_COMPACT;
        if (recording_open(&source->reader, source->path, err) != OK)
            return err->code;
        const struct recording_facts *facts = recording_known_facts(source->reader);
        report->has_times = recording_has_times(source->reader);
        report->secrets = facts != NULL ? facts->left_out : 0;
        source->start_unix_us = recording_start_unix_us(source->reader);
        return OK;
    }
    report->form = TRAFFIC_AOF;
    if (aof_is_snapshot(bytes, have)) {
        if (aof_skip_snapshot(source))
            return OK;
        return err_set(
            err, E_DATA,
            "%s begins with a snapshot (RDB) whose end cannot be found, since it is cut or "
            "has no checksum (rdbchecksum no); what may stand behind it is not read",
            PRINTABLE(source->path));
    }
    if (have > 5 && memcmp(bytes, "file ", 5) == 0)
        return aof_open_manifest(source, err);
    if (have > 1 && ((bytes[0] == '*' && bytes[1] >= '1' && bytes[1] <= '9') ||
                     (have > 4 && memcmp(bytes, "#TS:", 4) == 0)))
        return OK;
    report->form = TRAFFIC_MONITOR;
    report->has_times = true;
    if (looks_like_monitor(bytes, have))
        return OK;
    if (have == 0)
        return err_set(err, E_DATA, "%s is empty", PRINTABLE(source->path));
    return err_set(
        err, E_DATA,
        "%s is neither a recording of volley, nor text of MONITOR, nor an append-only file "
        "or its manifest",
        PRINTABLE(source->path));
}

enum err_code traffic_open(struct traffic_source **source, const char *path, bool strict,
                           struct traffic_report *report, struct err *err)
{
    *source = NULL;
    struct traffic_source *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return err_set(err, E_SYSTEM, "no memory to read %s", PRINTABLE(path));
    opened->input.fd = -1;
    opened->strict = report->strict = strict;
    opened->report = report;
    enum err_code code = aof_find_manifest(&opened->path, path, err);
    if (code == OK)
        code = file_input_open(&opened->input, opened->path, err);
    if (code == OK)
        code = open_form(opened, err);
    if (code != OK)
        traffic_close(opened);
    else
        *source = opened;
    return code;
}

static enum err_code compact_next(struct traffic_source *source, struct recording_entry *entry,
                                  bool *found, bool *more, struct err *err)
{
    enum err_code code = recording_next(source->reader, entry, more, err);
    *found = *more;
    if (code == OK && !*more && recording_was_cut(source->reader)) {
        snprintf(source->report->cut, TRAFFIC_PLACE_BYTES, "%.180s ends before its end",
                 PRINTABLE(source->path));
        if (source->strict)
            return err_set(err, E_DATA, "%s", source->report->cut);
    }
    return code;
}

static enum err_code next_of_form(struct traffic_source *source, struct recording_entry *entry,
                                  bool *found, bool *more, struct err *err)
{
    switch (source->report->form) {
    case TRAFFIC_COMPACT:
        return compact_next(source, entry, found, more, err);
    case TRAFFIC_MONITOR:
        return monitor_next(source, entry, found, more, err);
    case TRAFFIC_AOF:
        break;
    }
    return aof_next(source, entry, found, more, err);
}

enum err_code traffic_next(struct traffic_source *source, struct recording_entry *entry, bool *more,
                           struct err *err)
{
    bool found = false;
    *more = true;
    while (*more) {
        enum err_code code = next_of_form(source, entry, &found, more, err);
        if (code != OK)
            return code;
        if (!found)
            continue;
        if (arguments_are_secret(entry->arguments, entry->argument_count)) {
            source->report->secrets++;
            continue;
        }
        source->report->entries++;
        return OK;
    }
    return OK;
}

uint64_t traffic_start_unix_us(const struct traffic_source *source)
{
    return source->start_unix_us;
}

void traffic_close(struct traffic_source *source)
{
    if (source == NULL)
        return;
    file_input_close(&source->input);
    recording_close(source->reader);
    client_numbers_free(&source->monitor.clients);
    for (uint32_t i = 0; i < source->part_count; i++)
        free(source->parts[i]);
    free(source->parts);
    free(source->ends);
    free(source->arguments.items);
    free(source->path);
    free(source);
}

/* ---- import */

static enum err_code write_entries(struct traffic_source *source, struct recording_writer *writer,
                                   struct recording_entry *entry, struct err *err)
{
    const struct traffic_report *report = source->report;
    bool more = true;
    uint64_t left_out = 0;
    while (more) {
        struct err own = {.code = OK};
        enum err_code code = recording_append(writer, entry, &own);
        if (code == E_DATA) {
            /* What is too large is left out, and does not end it. */
            source->report->too_large++;
            source->report->entries--;
        } else if (code != OK) {
            return err_set(err, code, "%s", own.text);
        }
        if (traffic_next(source, entry, &more, err) != OK)
            return err->code;
        for (; left_out < report->secrets + report->too_large; left_out++)
            recording_leave_out(writer);
    }
    recording_note_source(writer, report->skipped, report->snapshot[0] != '\0',
                          report->cut[0] != '\0');
    return OK;
}

/* Writes all of it, and ends the writer. */
static enum err_code write_recording(struct traffic_source *source, struct recording_writer *writer,
                                     struct recording_entry *first, struct err *err)
{
    enum err_code code = write_entries(source, writer, first, err);
    struct err own = {.code = OK};
    enum err_code finished = recording_finish(writer, &own);
    return code == OK && finished != OK ? err_set(err, finished, "%s", own.text) : code;
}

static enum err_code first_of(struct traffic_source *source, struct recording_entry *entry,
                              struct err *err)
{
    bool more = false;
    enum err_code code = traffic_next(source, entry, &more, err);
    return code == OK && !more ? err_set(err, E_DATA, "%s has no requests", PRINTABLE(source->path))
                               : code;
}

enum err_code recording_import(const char *from_path, const char *to_path, bool strict,
                               struct traffic_report *report, struct err *err)
{
    struct traffic_source *source = NULL;
    struct recording_writer *writer = NULL;
    struct recording_entry entry;
    enum err_code code = traffic_open(&source, from_path, strict, report, err);
    if (code == OK)
        code = first_of(source, &entry, err);
    if (code == OK)
        code = recording_create(&writer, to_path, report->has_times, traffic_start_unix_us(source),
                                err);
    if (code == OK) {
        code = write_recording(source, writer, &entry, err);
        if (code != OK)
            unlink(to_path);
    }
    traffic_close(source);
    return code;
}

enum err_code recording_import_on(struct traffic_source *source, int fd, const char *to_path,
                                  struct err *err)
{
    struct recording_writer *writer = NULL;
    struct recording_entry entry;
    enum err_code code = first_of(source, &entry, err);
    if (code != OK) {
        close(fd);
        return code;
    }
    code = recording_create_on(&writer, fd, to_path, source->report->has_times,
                               traffic_start_unix_us(source), err);
    return code == OK ? write_recording(source, writer, &entry, err) : code;
}

/* ---- what is to be said */

static void warn_of(uint64_t count, const char *one, const char *several)
{
    if (count > 0)
        log_line(LOG_WARNING, "%s %s", UNITS_GROUPED(count), count == 1 ? one : several);
}

/* With --strict the first of these is the error that ended it. */
static void warn_of_skipped(const struct traffic_report *report)
{
    if (report->strict)
        return;
    for (uint64_t i = 0; i < report->skipped && i < TRAFFIC_PLACES_MAX; i++)
        log_line(LOG_WARNING, "%s", report->places[i]);
    warn_of(report->skipped, "line does not parse and was skipped; --strict ends at it",
            "lines do not parse and were skipped; --strict ends at the first one");
    if (report->cut[0] != '\0')
        log_line(LOG_WARNING, "%.250s; what stands before it was read", report->cut);
}

void traffic_report_warn(const struct traffic_report *report)
{
    warn_of_skipped(report);
    warn_of(report->secrets, "request was left out since it tells a password or another secret",
            "requests were left out since they tell a password or another secret");
    warn_of(report->from_scripts,
            "command was called by a script, whose EVAL or FCALL is there in its place",
            "commands were called by scripts, whose EVAL or FCALL is there in their place");
    warn_of(report->too_large, "request was left out since it is larger than 64 MiB",
            "requests were left out since they are larger than 64 MiB");
    warn_of(report->shared_clients,
            "request is of a client beyond the first million, which share their numbers",
            "requests are of clients beyond the first million, which share their numbers");
    warn_of(report->went_back,
            "request has a time before the one in front of it, and counts as sent with it",
            "requests have a time before the one in front of them, and count as sent with it");
    if (report->snapshot[0] != '\0')
        log_line(LOG_WARNING,
                 "%.200s is a snapshot (RDB) and was skipped: what was in the database before the "
                 "recorded requests is not there",
                 report->snapshot);
    if (report->form == TRAFFIC_AOF)
        log_line(LOG_WARNING, "an append-only file has no times and no clients: the order of the "
                              "requests is all that is known");
}
