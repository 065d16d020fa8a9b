#include "orchestrator/commands/monitoring.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/recording_format.h"
#include "common/units.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/info_text.h"
#include "orchestrator/server/reply_value.h"
#include "orchestrator/traffic/monitor_line.h"

#define WAIT_MS 100
#define SAID_EVERY_NS NS_PER_SECOND
/* How long the server is watched before MONITOR, to say what that costs. */
#define BASELINE_NS NS_PER_SECOND
/* Lines between two looks at the clock. */
#define LINES_AT_ONCE 1024u

struct watch {
    struct monitoring *monitoring;
    struct control *control, *asking;
    struct monitor_entries entries;
    struct argument_list arguments;
    struct recording_writer *writer;
    FILE *text;
    char *room; /* for a line of text */
    size_t room_bytes;
    uint64_t began_ns, said_ns;
};

/* ---- what the server says of itself ---- */

struct sample {
    bool known;
    uint64_t at_ns, commands;
    double cpu_seconds;
};

static void take_sample(struct watch *watch, struct sample *sample)
{
    char *info = NULL;
    struct err err = {.code = OK};
    *sample = (struct sample){.at_ns = clock_now_ns()};
    if (control_info(watch->asking, &info, &err) == OK) {
        uint64_t cluster = 0;
        sample->known =
            info_text_cpu_seconds(&sample->cpu_seconds, info) &&
            info_number(&sample->commands, info, "total_commands_processed", UINT64_MAX);
        watch->monitoring->cluster_node |=
            info_number(&cluster, info, "cluster_enabled", 1) && cluster == 1;
    }
    free(info);
}

static struct monitoring_cost between(const struct sample *from, const struct sample *to)
{
    if (!from->known || !to->known || to->commands < from->commands ||
        to->cpu_seconds < from->cpu_seconds)
        return (struct monitoring_cost){0};
    return (struct monitoring_cost){.known = true,
                                    .seconds = (double)(to->at_ns - from->at_ns) / NS_PER_SECOND,
                                    .cpu_seconds = to->cpu_seconds - from->cpu_seconds,
                                    .commands = to->commands - from->commands};
}

static void watch_before(struct watch *watch, struct sample *last)
{
    struct sample first;
    take_sample(watch, &first);
    *last = first;
    if (!first.known)
        return;
    for (uint64_t until_ns = first.at_ns + BASELINE_NS;
         clock_now_ns() < until_ns && *watch->monitoring->interrupted == 0;)
        poll(NULL, 0, WAIT_MS);
    take_sample(watch, last);
    watch->monitoring->before = between(&first, last);
}

/* ---- the file ---- */

static enum err_code create_file(struct watch *watch, struct err *err)
{
    const struct monitoring *monitoring = watch->monitoring;
    if (!monitoring->text)
        return recording_create(&watch->writer, monitoring->path, true,
                                watch->entries.start_unix_us, err);
    int fd = open(monitoring->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    watch->text = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (watch->text == NULL)
        return err_set_errno(err, E_USAGE, errno, "cannot create %s", PRINTABLE(monitoring->path));
    return OK;
}

static enum err_code write_text(struct watch *watch, const struct monitor_line *line,
                                struct recording_entry *entry, struct err *err)
{
    struct monitoring *monitoring = watch->monitoring;
    size_t needed = monitor_line_write(watch->room, watch->room_bytes, line, &watch->arguments);
    if (needed > watch->room_bytes) {
        char *larger = realloc(watch->room, needed);
        if (larger == NULL)
            return err_set(err, E_SYSTEM, "no memory for a line of %zu bytes", needed);
        watch->room = larger;
        watch->room_bytes = needed;
        needed = monitor_line_write(watch->room, watch->room_bytes, line, &watch->arguments);
    }
    if (fwrite(watch->room, 1, needed, watch->text) != needed)
        return err_set_errno(err, E_SYSTEM, errno, "cannot write %s", PRINTABLE(monitoring->path));
    entry->request_bytes = needed;
    recording_facts_add(&monitoring->facts, entry);
    monitoring->file_bytes += needed;
    return OK;
}

static enum err_code write_entry(struct watch *watch, const struct monitor_line *line,
                                 struct err *err)
{
    struct monitoring *monitoring = watch->monitoring;
    struct recording_entry entry;
    if (!monitor_entry_make(&watch->entries, &entry, line, &watch->arguments))
        return err_set(err, E_SYSTEM, "no memory for the clients of the server");
    if (watch->writer == NULL && watch->text == NULL && create_file(watch, err) != OK)
        return err->code;
    monitoring->report.entries++;
    if (monitoring->text)
        return write_text(watch, line, &entry, err);
    struct err own = {.code = OK};
    enum err_code code = recording_append(watch->writer, &entry, &own);
    if (code == E_DATA) {
        monitoring->report.too_large++;
        recording_leave_out(watch->writer);
        return OK;
    }
    monitoring->file_bytes = recording_size_bytes(watch->writer);
    return code == OK ? OK : err_set(err, code, "%s", own.text);
}

static enum err_code finish_file(struct watch *watch, struct err *err)
{
    struct monitoring *monitoring = watch->monitoring;
    enum err_code code = OK;
    if (watch->writer != NULL) {
        monitoring->facts = *recording_written(watch->writer);
        code = recording_finish(watch->writer, err);
    }
    if (watch->text != NULL && fclose(watch->text) != 0)
        code = err_set_errno(err, E_SYSTEM, errno, "cannot write %s", PRINTABLE(monitoring->path));
    return code;
}

/* ---- lines ---- */

static enum err_code take_line(struct watch *watch, char *bytes, size_t byte_count, struct err *err)
{
    struct traffic_report *report = &watch->monitoring->report;
    struct monitor_line line;
    const char *reason;
    watch->monitoring->heard_bytes += byte_count + 3;
    report->lines++;
    switch (monitor_line_read(&line, &watch->arguments, bytes, byte_count, &reason)) {
    case MONITOR_REQUEST:
        break;
    case MONITOR_SCRIPT:
        report->from_scripts++;
        return OK;
    case MONITOR_NOTHING:
        return OK;
    case MONITOR_BAD:
        if (report->skipped < TRAFFIC_PLACES_MAX)
            snprintf(report->places[report->skipped], TRAFFIC_PLACE_BYTES, "MONITOR:%llu: %s",
                     (unsigned long long)report->lines, reason);
        report->skipped++;
        return watch->monitoring->strict ? err_set(err, E_DATA, "MONITOR:%llu: %s",
                                                   (unsigned long long)report->lines, reason)
                                         : OK;
    }
    if (!arguments_are_secret(watch->arguments.items, watch->arguments.count))
        return write_entry(watch, &line, err);
    report->secrets++;
    if (watch->writer != NULL)
        recording_leave_out(watch->writer);
    return OK;
}

/* Those that have come, up to so many. *drained: there are no more for now. */
static enum err_code take_lines(struct watch *watch, bool *drained, struct err *err)
{
    struct monitoring *monitoring = watch->monitoring;
    enum err_code code = OK;
    *drained = false;
    for (unsigned i = 0; i < LINES_AT_ONCE && code == OK; i++) {
        redisReply *reply = NULL;
        if (control_heard(watch->control, &reply, err) != OK) {
            monitoring->end = MONITORING_LOST;
            return err->code;
        }
        if (reply == NULL) {
            *drained = true;
            return OK;
        }
        if (reply->type == REDIS_REPLY_STATUS)
            code = take_line(watch, reply->str, reply->len, err);
        freeReplyObject(reply);
        if (monitoring->file_bytes >= monitoring->max_bytes)
            break;
    }
    return code;
}

static void say_progress(struct watch *watch, uint64_t now_ns)
{
    const struct monitoring *monitoring = watch->monitoring;
    char size[32];
    if (!monitoring->show_progress || now_ns - watch->said_ns < SAID_EVERY_NS)
        return;
    watch->said_ns = now_ns;
    units_format_size(size, sizeof size, monitoring->file_bytes);
    int columns = fprintf(stderr, "\r%.0f s: %s requests, %s   ",
                          (double)(now_ns - watch->began_ns) / NS_PER_SECOND,
                          UNITS_GROUPED(monitoring->report.entries), size);
    log_progress_line(columns > 0 ? (unsigned)columns : 0);
}

static enum err_code watch_lines(struct watch *watch, struct err *err)
{
    struct monitoring *monitoring = watch->monitoring;
    struct pollfd readable = {.fd = control_wire(watch->control)->fd, .events = POLLIN};
    bool drained = true;
    for (;;) {
        uint64_t now_ns = clock_now_ns();
        monitoring->seconds = (double)(now_ns - watch->began_ns) / NS_PER_SECOND;
        say_progress(watch, now_ns);
        monitoring->end = *monitoring->interrupted > 0                      ? MONITORING_INTERRUPTED
                          : monitoring->file_bytes >= monitoring->max_bytes ? MONITORING_SIZE
                                                                            : MONITORING_TIME;
        if (monitoring->end != MONITORING_TIME ||
            now_ns - watch->began_ns >= monitoring->duration_ns)
            return OK;
        if (drained)
            poll(&readable, 1, WAIT_MS);
        if (take_lines(watch, &drained, err) != OK)
            return err->code;
    }
}

static enum err_code begin_monitor(struct watch *watch, struct err *err)
{
    static const char *const words[] = {"MONITOR"};
    struct monitoring *monitoring = watch->monitoring;
    redisReply *reply = NULL;
    enum err_code code = control_command(watch->control, &reply, 1, words, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        code =
            err_set(err, E_CONNECT,
                    "%s forbids MONITOR: %.150s; it takes a user with +monitor, and a server that "
                    "has not renamed it; `volley model --sample` does without",
                    monitoring->target_text, PRINTABLE(reply->str));
    freeReplyObject(reply);
    watch->began_ns = watch->said_ns = clock_now_ns();
    return code;
}

static enum err_code connect_both(struct watch *watch, struct err *err)
{
    struct monitoring *monitoring = watch->monitoring;
    struct target_address target;
    enum err_code code = control_connect(&watch->control, &target, monitoring->endpoint,
                                         monitoring->interrupted, err);
    if (code != OK)
        return code;
    snprintf(monitoring->target_text, sizeof monitoring->target_text, "%s", target.text);
    /* Also asked after an interrupt. */
    return control_connect_to(&watch->asking, &target, monitoring->endpoint, NULL, err);
}

static enum err_code watch_server(struct watch *watch, struct err *err)
{
    struct sample before, after;
    enum err_code code = connect_both(watch, err);
    if (code != OK)
        return code;
    watch_before(watch, &before);
    code = begin_monitor(watch, err);
    if (code == OK)
        code = watch_lines(watch, err);
    if (watch->monitoring->show_progress)
        log_wipe_progress();
    /* MONITOR ends with its connection; what is asked before that would be recorded. */
    control_close(watch->control);
    watch->control = NULL;
    if (watch->began_ns > 0 && watch->monitoring->end != MONITORING_LOST) {
        take_sample(watch, &after);
        watch->monitoring->during = between(&before, &after);
    }
    return code;
}

enum err_code monitoring_run(struct monitoring *monitoring, struct err *err)
{
    struct watch watch = {.monitoring = monitoring};
    struct err file_err = {.code = OK};
    monitoring->report.form = TRAFFIC_MONITOR;
    monitoring->report.has_times = true;
    enum err_code code = watch_server(&watch, err);
    if (finish_file(&watch, &file_err) != OK)
        code = err_set(err, file_err.code, "%s", file_err.text);
    monitoring->report.went_back = watch.entries.went_back;
    monitoring->report.shared_clients = watch.entries.clients.shared;
    control_close(watch.control);
    control_close(watch.asking);
    client_numbers_free(&watch.entries.clients);
    free(watch.arguments.items);
    free(watch.room);
    return code;
}
