/* The journal of a run's directory: what happened, written at once, so that a killed orchestrator
 * loses at most the interval under way. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "orchestrator/report/journal_format.h"
#include "orchestrator/report/output_entry.h"
#include "orchestrator/report/output_place.h"
#include "orchestrator/report/sinks.h"

struct journal {
    int fd, directory_fd;
    char *path; /* for messages */
    struct output_place *place;
    bool run_begun;
    off_t whole_bytes; /* of the magic and the records that are in the file as a whole */
    uint32_t kinds_written;
    unsigned char *record; /* head, bytes and crc of one record */
    size_t record_bytes;
};

static enum err_code write_all(struct journal *journal, const unsigned char *bytes,
                               size_t byte_count, struct err *err)
{
    size_t written = 0;
    while (written < byte_count) {
        ssize_t now = write(journal->fd, bytes + written, byte_count - written);
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0) {
            err_set_errno(err, E_SYSTEM, now < 0 ? errno : ENOSPC, "cannot write %s",
                          journal->path);
            /* Take back the torn record: what stands before it stays readable to its end. When
             * even that fails, the replay finds the tear by itself. */
            if (ftruncate(journal->fd, journal->whole_bytes) != 0)
                return err->code;
            return err->code;
        }
        written += (size_t)now;
    }
    journal->whole_bytes += (off_t)byte_count;
    return OK;
}

/* Room for the bytes of one record, behind its head. */
static unsigned char *reserve(struct journal *journal, size_t byte_count, struct err *err)
{
    size_t needed = JOURNAL_HEAD_BYTES + byte_count + JOURNAL_CRC_BYTES;
    if (needed > journal->record_bytes) {
        unsigned char *larger = realloc(journal->record, needed);
        if (larger == NULL) {
            err_set(err, E_SYSTEM, "no memory for the journal");
            return NULL;
        }
        journal->record = larger;
        journal->record_bytes = needed;
    }
    return journal->record + JOURNAL_HEAD_BYTES;
}

/* Writes the record whose bytes stand in the reserved room. */
static enum err_code append(struct journal *journal, enum journal_record type, size_t byte_count,
                            struct err *err)
{
    size_t covered = JOURNAL_HEAD_BYTES + byte_count;
    if (byte_count > journal_record_max_bytes(type))
        return err_set(err, E_SYSTEM, "%s: a record of %zu bytes is longer than one may be",
                       journal->path, byte_count);
    journal_put_u32(journal->record, (uint32_t)type);
    journal_put_u32(journal->record + 4, (uint32_t)byte_count);
    uLong crc = crc32(crc32(0, NULL, 0), journal->record, (uInt)covered);
    journal_put_u32(journal->record + covered, (uint32_t)crc);
    return write_all(journal, journal->record, covered + JOURNAL_CRC_BYTES, err);
}

static enum err_code append_json(struct journal *journal, enum journal_record type, json_t *json,
                                 struct err *err)
{
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (text == NULL)
        return err_set(err, E_SYSTEM, "no memory for the journal");
    size_t byte_count = strlen(text);
    unsigned char *room = reserve(journal, byte_count, err);
    if (room != NULL)
        memcpy(room, text, byte_count);
    free(text);
    return room != NULL ? append(journal, type, byte_count, err) : E_SYSTEM;
}

static enum err_code session_begin(void *state, const struct session_facts *session,
                                   struct err *err)
{
    return append_json(state, JOURNAL_SESSION, journal_session_to_json(session), err);
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct journal *journal = state;
    journal->run_begun = true;
    journal->kinds_written = 0;
    return append_json(journal, JOURNAL_RUN_BEGIN, journal_facts_to_json(run), err);
}

static enum err_code append_new_kinds(struct journal *journal, const struct error_kinds *kinds,
                                      struct err *err)
{
    while (journal->kinds_written < kinds->count) {
        const struct ipc_error_kind *kind = &kinds->kinds[journal->kinds_written];
        size_t word_bytes = strnlen(kind->word, sizeof kind->word - 1);
        size_t text_bytes = strnlen(kind->text, sizeof kind->text - 1);
        unsigned char *room = reserve(journal, word_bytes + text_bytes + 2, err);
        if (room == NULL)
            return E_SYSTEM;
        memcpy(room, kind->word, word_bytes);
        room[word_bytes] = '\0';
        memcpy(room + word_bytes + 1, kind->text, text_bytes);
        room[word_bytes + 1 + text_bytes] = '\0';
        if (append(journal, JOURNAL_ERROR_KIND, word_bytes + text_bytes + 2, err) != OK)
            return err->code;
        journal->kinds_written++;
    }
    return OK;
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct journal *journal = state;
    if (append_new_kinds(journal, error_kinds, err) != OK)
        return err->code;
    unsigned char *room = reserve(journal, INTERVAL_WIRE_MAX_BYTES, err);
    if (room == NULL)
        return err->code;
    return append(journal, JOURNAL_INTERVAL, interval_row_encode(room, row), err);
}

static enum err_code note(void *state, const struct note *note, struct err *err)
{
    return append_json(state, JOURNAL_NOTE, journal_note_to_json(note), err);
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    if (append_new_kinds(state, result->error_kinds, err) != OK)
        return err->code;
    return append_json(state, JOURNAL_RUN_END, journal_result_to_json(result), err);
}

static enum err_code session_end(void *state, struct err *err)
{
    return append(state, JOURNAL_SESSION_END, 0, err);
}

static void destroy(void *state)
{
    struct journal *journal = state;
    if (journal->fd >= 0) {
        close(journal->fd);
        if (!journal->run_begun)
            unlinkat(journal->directory_fd, JOURNAL_FILE_NAME, 0);
    }
    if (journal->directory_fd >= 0)
        close(journal->directory_fd);
    output_place_release(journal->place);
    free(journal->path);
    free(journal->record);
    free(journal);
}

/* One directory in another, which is trusted: never one that everybody may write to, as a umask of 0 would
 * have it; volley itself would not trust it. */
static enum err_code make_directory(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char *parent = slash == NULL   ? strdup(".")
                   : slash == path ? strdup("/")
                                   : strndup(path, (size_t)(slash - path));
    int parent_fd = -1;
    enum err_code code = parent != NULL ? output_directory_open(&parent_fd, parent, err)
                                        : err_set(err, E_SYSTEM, "no memory for the journal");
    if (code == OK && mkdirat(parent_fd, name, 0775) != 0 && errno != EEXIST)
        code = err_set_errno(err, E_USAGE, errno, "cannot make the directory %s", path);
    if (parent_fd >= 0)
        close(parent_fd);
    free(parent);
    return code;
}

/* The directory and what is missing above it. */
static enum err_code make_directories(const char *directory, struct err *err)
{
    struct stat there;
    char *path = strdup(directory);
    if (path == NULL)
        return err_set(err, E_SYSTEM, "no memory for the journal");
    enum err_code code = OK;
    size_t length = strlen(path);
    for (size_t i = 1; i <= length && code == OK; i++) {
        if ((path[i] != '/' && path[i] != '\0') || path[i - 1] == '/')
            continue;
        char kept = path[i];
        path[i] = '\0';
        if (lstat(path, &there) != 0)
            code = make_directory(path, err);
        path[i] = kept;
    }
    free(path);
    return code;
}

/* Tells `volley report` that the run goes on. A record lock, since it is not inherited by the
 * workers: it ends with this process. Where locks do not exist, nothing is lost but that warning. */
static void mark_in_use(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int locked = fcntl(fd, F_SETLK, &lock);
    (void)locked;
}

bool journal_in_use(const char *directory)
{
    char *path;
    if (asprintf(&path, "%s/" JOURNAL_FILE_NAME, directory) < 0)
        return false;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    free(path);
    if (fd < 0)
        return false;
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    bool in_use = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return in_use;
}

static enum err_code open_journal(struct journal *journal, const char *directory, struct err *err)
{
    if (asprintf(&journal->path, "%s/" JOURNAL_FILE_NAME, directory) < 0)
        journal->path = NULL;
    if (journal->path == NULL || reserve(journal, INTERVAL_WIRE_MAX_BYTES, err) == NULL)
        return err_set(err, E_SYSTEM, "no memory for the journal");
    if (make_directories(directory, err) != OK ||
        output_directory_open(&journal->directory_fd, directory, err) != OK)
        return err->code;
    journal->fd = openat(journal->directory_fd, JOURNAL_FILE_NAME,
                         O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (journal->fd < 0 && errno == EEXIST)
        return err_set(err, E_USAGE,
                       "%s already holds the journal of another run: name a new directory",
                       directory);
    if (journal->fd < 0)
        return err_set_errno(err, E_USAGE, errno, "cannot create %s", journal->path);
    if (output_place_claim(&journal->place, journal->path, journal->path, err) != OK)
        return err->code;
    mark_in_use(journal->fd);
    return write_all(journal, (const unsigned char *)JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES, err);
}

enum err_code sink_journal(struct sink *sink, const char *directory, struct err *err)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        return err_set(err, E_SYSTEM, "no memory for the journal");
    journal->fd = journal->directory_fd = -1;
    if (open_journal(journal, directory, err) != OK) {
        destroy(journal);
        return err->code;
    }
    *sink = (struct sink){.name = "journal",
                          .state = journal,
                          .session_begin = session_begin,
                          .run_begin = run_begin,
                          .interval = interval,
                          .note = note,
                          .run_end = run_end,
                          .session_end = session_end,
                          .destroy = destroy};
    return OK;
}
