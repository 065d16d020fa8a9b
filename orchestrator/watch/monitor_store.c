#include "orchestrator/watch/monitor_store.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/machine/child.h"

#define ROOM_BYTES (1 << 20) /* as much of it as the system gives: some hundred rows at the least */
#define BATCH_MAX 512u
#define RESTART_MS 60000u
#define END_WAIT_NS (5 * NS_PER_SECOND)
#define LOCK_ENDING ".lock"
#define LOCK_PATH_BYTES (PATH_BYTES + sizeof LOCK_ENDING)
#define LOCK_TRIES 100 /* each fails because another monitor has just ended */
#define PATH_BYTES 4096u

/* What goes to the child, as a message of a socket each: it arrives whole, or not at all. (Pipes shrink to a page or two where a user
 * has many.) */
enum record_kind { RECORD_SAMPLE, RECORD_ALERT, RECORD_LOST, RECORD_END };
struct record {
    enum record_kind kind;
    uint64_t at_ms;
    union {
        struct monitor_sample sample;
        struct {
            char alert[ALERT_NAME_BYTES], state[16], severity[16], text[ALERT_TEXT_BYTES],
                server[ALERT_SERVER_BYTES];
            double value;
        } alert;
        uint64_t lost; /* that found no room */
    } of;
};
/* What a child has done with what it was given, on a page of both: the monitor looks at it when the child is gone. */
struct tally {
    uint64_t written, lost;
    uint64_t lost_untold; /* of those: not in the file yet */
};

struct monitor_store {
    struct monitor_store_setup setup;
    char path[PATH_BYTES];
    int lock_fd;
    struct child child;
    uint64_t started_ns;         /* the child, or the last try to */
    struct tally *tally, before; /* of this child, and of those that have died */
    uint64_t given;              /* rows of which this child was told, also of lost ones */
    uint64_t unsent; /* rows that found no room, and of which the child does not know yet */
    bool unsent_said;
};

/* ---- the child ---- */

struct writer {
    const struct monitor_store_setup *setup;
    const char *path;
    int records_fd;
    sqlite3 *database; /* NULL: it has to be opened */
    sqlite3_stmt *sample, *target, *alert, *run;
    sqlite3_int64 run_id;
    struct tally *tally;
    uint64_t newest_ms;
    uint64_t now_ms, pruned_ms;  /* by the wall clock: of the last record */
    bool looked;                 /* what the file had when it was opened first: */
    uint64_t found_ms, found_ns; /* the newest row, 0: none; and the clock's reading then */
    bool broken;                 /* said */
};

static void close_file(struct writer *writer)
{
    sqlite3_finalize(writer->sample);
    sqlite3_finalize(writer->target);
    sqlite3_finalize(writer->alert);
    sqlite3_finalize(writer->run);
    sqlite3_close(writer->database);
    writer->sample = writer->target = writer->alert = writer->run = NULL;
    writer->database = NULL;
}

static char *sample_statement(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return NULL;
    fprintf(out, "INSERT OR REPLACE INTO samples(target, at_ms");
    for (unsigned i = 0; i < MONITOR_VALUES; i++)
        fprintf(out, ", %s", monitor_value_name(i));
    fprintf(out, ") VALUES((SELECT id FROM targets WHERE name=?1), ?2");
    for (unsigned i = 0; i < MONITOR_VALUES; i++)
        fprintf(out, ", ?%u", i + 3);
    fprintf(out, ")");
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static bool prepare(struct writer *writer)
{
    char *sample = sample_statement();
    const bool prepared =
        sample != NULL &&
        sqlite3_prepare_v2(writer->database, sample, -1, &writer->sample, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(writer->database, "INSERT OR IGNORE INTO targets(name) VALUES(?1)", -1,
                           &writer->target, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(writer->database,
                           "INSERT INTO alerts(at_ms, alert, state, severity, value, text, server) "
                           "VALUES(?1,?2,?3,?4,?5,?6,?7)",
                           -1, &writer->alert, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(writer->database,
                           "INSERT INTO runs(id, began_ms, newest_ms, ended_ms, interval_ms, lost) "
                           "VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(id) DO UPDATE SET "
                           "newest_ms=?3, ended_ms=?4, lost=lost+?6",
                           -1, &writer->run, NULL) == SQLITE_OK;
    free(sample);
    return prepared;
}

static bool step(sqlite3_stmt *statement)
{
    const bool done = sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_reset(statement) == SQLITE_OK && done;
}

static void bind_real(sqlite3_stmt *statement, int place, double value)
{
    if (isnan(value))
        (void)sqlite3_bind_null(statement, place);
    else
        (void)sqlite3_bind_double(statement, place, value);
}

static void bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    (void)sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

static bool write_sample(struct writer *writer, const struct monitor_sample *sample)
{
    bind_text(writer->target, 1, sample->target);
    bind_text(writer->sample, 1, sample->target);
    (void)sqlite3_bind_int64(writer->sample, 2, (sqlite3_int64)sample->at_ms);
    for (int i = 0; i < MONITOR_VALUES; i++)
        bind_real(writer->sample, 3 + i, sample->values[i]);
    return step(writer->target) && step(writer->sample);
}

static bool write_record(struct writer *writer, const struct record *record)
{
    if (record->kind == RECORD_SAMPLE)
        return write_sample(writer, &record->of.sample);
    if (record->kind != RECORD_ALERT)
        return true;
    (void)sqlite3_bind_int64(writer->alert, 1, (sqlite3_int64)record->at_ms);
    bind_text(writer->alert, 2, record->of.alert.alert);
    bind_text(writer->alert, 3, record->of.alert.state);
    bind_text(writer->alert, 4, record->of.alert.severity);
    bind_real(writer->alert, 5, record->of.alert.value);
    bind_text(writer->alert, 6, record->of.alert.text);
    bind_text(writer->alert, 7, record->of.alert.server);
    return step(writer->alert);
}

/* When this run of the monitor began, and that it goes on. */
static bool write_run(struct writer *writer, bool ended)
{
    if (writer->run_id > 0)
        (void)sqlite3_bind_int64(writer->run, 1, writer->run_id);
    else
        (void)sqlite3_bind_null(writer->run, 1);
    (void)sqlite3_bind_int64(writer->run, 2, (sqlite3_int64)writer->setup->began_ms);
    (void)sqlite3_bind_int64(writer->run, 3, (sqlite3_int64)writer->newest_ms);
    if (ended)
        (void)sqlite3_bind_int64(writer->run, 4, (sqlite3_int64)writer->newest_ms);
    else
        (void)sqlite3_bind_null(writer->run, 4);
    (void)sqlite3_bind_int64(writer->run, 5, (sqlite3_int64)writer->setup->interval_ms);
    (void)sqlite3_bind_int64(writer->run, 6, (sqlite3_int64)writer->tally->lost_untold);
    return step(writer->run);
}

static bool open_file(struct writer *writer, struct err *err)
{
    if (writer->database != NULL)
        return true;
    if (monitor_file_open(&writer->database, writer->path, MONITOR_FILE_WRITE, err) != OK ||
        !prepare(writer))
        return false;
    if (!writer->looked) {
        writer->looked = monitor_file_newest(writer->database, &writer->found_ms);
        writer->found_ns = clock_now_ns();
    }
    return writer->looked;
}

/* All of them, or none. */
static bool write_all(struct writer *writer, const struct record *records, size_t count, bool ended,
                      struct err *err)
{
    if (!open_file(writer, err) ||
        sqlite3_exec(writer->database, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return false;
    bool done = write_run(writer, ended);
    const sqlite3_int64 run_id =
        writer->run_id > 0 ? writer->run_id : sqlite3_last_insert_rowid(writer->database);
    for (size_t i = 0; i < count && done; i++)
        done = write_record(writer, &records[i]);
    done = done && sqlite3_exec(writer->database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (done)
        writer->run_id = run_id;
    return done;
}

/* A tenth of an hour of the retention's own measure is enough: what is too old by that does no harm. */
static void prune(struct writer *writer)
{
    const uint64_t retention_ms = writer->setup->retention_ms, now_ms = writer->now_ms;
    const uint64_t part_ms = retention_ms / 100;
    const uint64_t period_ms = part_ms < 3600000 ? part_ms : 3600000;
    const uint64_t found_now_ms =
        writer->found_ms + (clock_now_ns() - writer->found_ns) / NS_PER_MS;
    const uint64_t known_ms = writer->found_ms > 0 && found_now_ms < now_ms ? found_now_ms : now_ms;
    if (writer->database == NULL ||
        (now_ms >= writer->pruned_ms && now_ms < writer->pruned_ms + period_ms))
        return;
    writer->pruned_ms = now_ms;
    (void)monitor_file_prune(writer->database, 0,
                             monitor_file_before(writer->database, known_ms, retention_ms));
    if (now_ms > retention_ms) /* its own, after a long time in which nobody watched */
        (void)monitor_file_prune(writer->database, writer->found_ms, now_ms - retention_ms);
}

static void write_batch(struct writer *writer, const struct record *records, size_t count,
                        bool ended)
{
    struct err err = {.code = OK};
    uint64_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        rows += records[i].kind == RECORD_SAMPLE || records[i].kind == RECORD_ALERT;
        if (records[i].kind == RECORD_LOST) {
            writer->tally->lost += records[i].of.lost;
            writer->tally->lost_untold += records[i].of.lost;
        }
        if (records[i].at_ms > writer->newest_ms)
            writer->newest_ms = records[i].at_ms;
        writer->now_ms = records[i].at_ms;
    }
    if (write_all(writer, records, count, ended, &err)) {
        writer->tally->written += rows;
        if (writer->broken)
            log_line(LOG_WARNING, "%s is written to again; %llu row%s lost",
                     PRINTABLE(writer->path), (unsigned long long)writer->tally->lost_untold,
                     writer->tally->lost_untold == 1 ? " was" : "s were");
        writer->broken = false;
        writer->tally->lost_untold = 0;
        prune(writer);
        return;
    }
    writer->tally->lost += rows;
    writer->tally->lost_untold += rows;
    if (!writer->broken)
        log_line(LOG_WARNING,
                 "%s cannot be written to: %s; rows are lost until it can, and it is tried again",
                 PRINTABLE(writer->path),
                 err.code != OK             ? err.text
                 : writer->database != NULL ? sqlite3_errmsg(writer->database)
                                            : "no memory");
    writer->broken = true;
    close_file(writer);
}

/* At the end, by itself: the count takes less room than the rows that found none, and the log has gone with the connection. */
static void tell_lost(struct writer *writer, bool ended)
{
    struct err ignored = {.code = OK};
    if (write_all(writer, NULL, 0, ended, &ignored))
        writer->tally->lost_untold = 0;
}

/* 1: a record, 0: none is there (wait false), -1: the end. */
static int read_record(const struct writer *writer, struct record *record, bool wait)
{
    struct pollfd readable = {.fd = writer->records_fd, .events = POLLIN};
    ssize_t got;
    if (!wait && poll(&readable, 1, 0) <= 0)
        return 0;
    do
        got = read(writer->records_fd, record, sizeof *record);
    while (got < 0 && errno == EINTR);
    return got == sizeof *record ? 1 : -1;
}

static int serve(void *state, int telling_fd)
{
    struct writer *writer = state;
    writer->records_fd = telling_fd;
    struct record *records = calloc(BATCH_MAX, sizeof *records);
    int more = 1;
    bool ended = false;
    if (records == NULL)
        return 1;
    while (more > 0) {
        size_t count = 0;
        more = read_record(writer, &records[0], true);
        while (more > 0) {
            ended = ended || records[count].kind == RECORD_END;
            if (++count == BATCH_MAX || (more = read_record(writer, &records[count], false)) <= 0)
                break;
        }
        if (count > 0)
            write_batch(writer, records, count, ended);
        more = more == 0 ? 1 : more;
    }
    if (writer->tally->lost_untold > 0)
        tell_lost(writer, ended);
    close_file(writer); /* the last one puts what stands in the log into the file */
    free(records);
    return 0;
}

/* ---- the monitor ---- */

enum err_code monitor_store_begin(struct monitor_store *store, struct err *err)
{
    const int room_bytes = ROOM_BYTES;
    store->started_ns = clock_now_ns();
    struct writer writer = {.setup = &store->setup,
                            .path = store->path,
                            .tally = store->tally,
                            .newest_ms = store->setup.began_ms};
    if (!child_start(&store->child,
                     &(struct child_plan){.run = serve, .state = &writer, .talks = true}))
        return err_set_errno(err, E_SYSTEM, errno, "the writer of the store cannot start");
    (void)setsockopt(store->child.hearing_fd, SOL_SOCKET, SO_SNDBUF, &room_bytes,
                     sizeof room_bytes);
    return OK;
}

/* What it had not written is lost: the next one puts that into the file. */
static void count_dead_child(struct monitor_store *store)
{
    char how[64];
    const uint64_t told = store->tally->lost - store->tally->lost_untold;
    log_line(LOG_WARNING, "the writer of %s %s; it is started again, once a minute at most",
             PRINTABLE(store->path), child_describe(how, sizeof how, &store->child));
    child_end(&store->child);
    store->before.written += store->tally->written;
    store->before.lost += told;
    store->unsent += store->given - store->tally->written - told;
    store->given = 0;
    *store->tally = (struct tally){.written = 0};
}

static void keep_child(struct monitor_store *store, uint64_t at_ms)
{
    struct err err = {.code = OK};
    const uint64_t restart_ms = store->setup.restart_ms > 0 ? store->setup.restart_ms : RESTART_MS;
    if (store->started_ns == 0 || !child_gone(&store->child))
        return;
    if (store->child.hearing_fd > 0)
        count_dead_child(store);
    if (clock_now_ns() < store->started_ns + restart_ms * NS_PER_MS)
        return;
    store->setup.began_ms =
        at_ms - store->setup.interval_ms; /* another run: between them is a gap */
    (void)!monitor_store_begin(store, &err);
}

static bool try_send(struct monitor_store *store, const struct record *record, uint64_t rows)
{
    const int fd = store->child.hearing_fd;
    if (fd == 0 || send(fd, record, sizeof *record, MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof *record)
        return false;
    store->given += rows;
    return true;
}

static void send_record(struct monitor_store *store, const struct record *record)
{
    const uint64_t rows = record->kind != RECORD_END;
    keep_child(store, record->at_ms);
    if (store->unsent > 0) {
        const struct record lost = {
            .kind = RECORD_LOST, .at_ms = record->at_ms, .of = {.lost = store->unsent}};
        if (try_send(store, &lost, store->unsent))
            store->unsent = 0;
    }
    if (store->unsent == 0 && try_send(store, record, rows))
        return;
    store->unsent += rows;
    if (!store->unsent_said)
        log_line(LOG_WARNING,
                 "%s: the disk does not keep up, or its writer has gone; rows are lost",
                 PRINTABLE(store->path));
    store->unsent_said = true;
}

void monitor_store_sample(struct monitor_store *store, const struct monitor_sample *sample)
{
    struct record record = {.kind = RECORD_SAMPLE, .at_ms = sample->at_ms};
    record.of.sample = *sample;
    send_record(store, &record);
}

void monitor_store_alert(struct monitor_store *store, const struct alert_event *event)
{
    struct record record = {.kind = RECORD_ALERT, .at_ms = event->at_ms};
    snprintf(record.of.alert.alert, sizeof record.of.alert.alert, "%s", event->alert);
    snprintf(record.of.alert.state, sizeof record.of.alert.state, "%s",
             alert_state_name(event->state));
    snprintf(record.of.alert.severity, sizeof record.of.alert.severity, "%s",
             alert_severity_name(event->severity));
    snprintf(record.of.alert.text, sizeof record.of.alert.text, "%s", event->summary);
    snprintf(record.of.alert.server, sizeof record.of.alert.server, "%s", event->server);
    record.of.alert.value = event->value;
    send_record(store, &record);
}

bool monitor_store_has_room(const struct monitor_store *store)
{
    struct pollfd writable = {.fd = store->child.hearing_fd, .events = POLLOUT};
    return writable.fd > 0 && poll(&writable, 1, 0) > 0;
}

static enum err_code make_tally(struct monitor_store *store, struct err *err)
{
    void *page =
        mmap(NULL, sizeof *store->tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return err_set(err, E_SYSTEM, "no memory for the store");
    store->tally = page;
    return OK;
}

static const char *lock_path(char path[LOCK_PATH_BYTES], const struct monitor_store *store)
{
    snprintf(path, LOCK_PATH_BYTES, "%s" LOCK_ENDING, store->path);
    return path;
}

/* Whether a file is still the one of that name: who ends removes it while it is locked. */
static bool stands_there(int fd, const char *path)
{
    struct stat own, there;
    return fstat(fd, &own) == 0 && lstat(path, &there) == 0 && own.st_dev == there.st_dev &&
           own.st_ino == there.st_ino;
}

static enum err_code take_lock(struct monitor_store *store, struct err *err)
{
    char path[LOCK_PATH_BYTES];
    for (int i = 0; i < LOCK_TRIES; i++) {
        const int fd =
            open(lock_path(path, store), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return err_set_errno(err, E_USAGE, errno, "--store: %.250s cannot be written",
                                 PRINTABLE(path));
        const bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (locked && stands_there(fd, path)) {
            store->lock_fd = fd;
            return OK;
        }
        close(fd);
        if (!locked)
            break;
    }
    return err_set(err, E_USAGE,
                   "--store %.200s: another monitor writes there; wait for its end, or name "
                   "another file",
                   PRINTABLE(store->path));
}

/* While it is locked: who opens it meanwhile finds that it is not there any more, and makes another one. */
static void leave_lock(const struct monitor_store *store)
{
    char path[LOCK_PATH_BYTES];
    if (store->lock_fd < 0)
        return;
    if (stands_there(store->lock_fd, lock_path(path, store)))
        (void)unlink(path);
    close(store->lock_fd);
}

/* Whether it can be written, and is what it should be; for the user's eyes alone where it is new. */
static enum err_code check_file(const struct monitor_store *store, struct err *err)
{
    sqlite3 *database = NULL;
    const int fd = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0)
        return err_set_errno(err, E_USAGE, errno, "--store: %.250s cannot be written",
                             PRINTABLE(store->path));
    close(fd);
    if (monitor_file_open(&database, store->path, MONITOR_FILE_WRITE, err) == OK)
        sqlite3_close(database);
    return err->code;
}

enum err_code monitor_store_open(struct monitor_store **opened,
                                 const struct monitor_store_setup *setup, struct err *err)
{
    struct monitor_store *store = calloc(1, sizeof *store);
    *opened = NULL;
    if (store == NULL)
        return err_set(err, E_SYSTEM, "no memory for the store");
    store->setup = *setup;
    store->lock_fd = -1;
    enum err_code code =
        (size_t)snprintf(store->path, sizeof store->path, "%s", setup->path) < sizeof store->path
            ? take_lock(store, err)
            : err_set(err, E_USAGE, "--store: the path is too long");
    if (code == OK)
        code = check_file(store, err);
    if (code == OK)
        code = make_tally(store, err);
    if (code != OK) {
        (void)monitor_store_close(store, 0);
        return code;
    }
    *opened = store;
    return OK;
}

struct monitor_store_account monitor_store_close(struct monitor_store *store, uint64_t at_ms)
{
    struct monitor_store_account account = {.known = false};
    if (store == NULL)
        return account;
    if (store->tally != NULL && store->started_ns > 0) {
        const struct record end = {.kind = RECORD_END, .at_ms = at_ms};
        send_record(store, &end);
    }
    child_hang_up(&store->child);
    (void)child_gone_within(&store->child, END_WAIT_NS);
    child_end(&store->child);
    if (store->tally != NULL) {
        const uint64_t written = store->before.written + store->tally->written;
        account = (struct monitor_store_account){.written = written,
                                                 .lost = store->before.lost + store->unsent +
                                                         store->given - store->tally->written,
                                                 .known = true};
        (void)munmap(store->tally, sizeof *store->tally);
    }
    leave_lock(store);
    free(store);
    return account;
}
