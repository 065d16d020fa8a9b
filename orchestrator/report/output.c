#include "orchestrator/report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/report/output_place.h"

#define TEMPORARY_TRIES 100
#define ENDING ".XXXXXX.tmp" /* of a temporary name */
#define READER_NOTICE_NS (1 * NS_PER_SECOND)
#define READER_LIMIT_NS (5 * NS_PER_SECOND)

bool output_is_stdout(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

void output_borrow(struct output *output, FILE *file)
{
    *output = (struct output){.file = file, .terminal = isatty(fileno(file)) == 1};
}

unsigned output_columns(const struct output *output)
{
    struct winsize size;
    return output->terminal && ioctl(fileno(output->file), TIOCGWINSZ, &size) == 0 ? size.ws_col
                                                                                   : 0;
}

/* A fifo has a reader first: until it comes, opening fails. errno is EINTR when a signal came meanwhile. */
static int open_special(const struct output_entry *entry, const char *path)
{
    const int flags =
        O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (entry->through_proc ? 0 : O_NOFOLLOW);
    const struct timespec pause = {.tv_nsec = 20 * (long)NS_PER_MS};
    const uint64_t begin_ns = clock_now_ns();
    bool told = !S_ISFIFO(entry->there.st_mode);
    /* Signals come in the pauses alone, which they end: in between one would be counted, and not seen here. */
    sigset_t ending, before;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGHUP);
    sigprocmask(SIG_BLOCK, &ending, &before);
    int fd = openat(entry->directory_fd, entry->name, flags);
    while (fd < 0 && errno == ENXIO && clock_now_ns() - begin_ns < READER_LIMIT_NS &&
           ppoll(NULL, 0, &pause, &before) == 0) {
        if (!told && clock_now_ns() - begin_ns >= READER_NOTICE_NS) {
            log_line(LOG_WARNING, "waiting for a reader of %s", path);
            told = true;
        }
        fd = openat(entry->directory_fd, entry->name, flags);
    }
    const int sys_errno = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (fd >= 0)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    errno = sys_errno;
    return fd;
}

static enum err_code create_in_place(struct output *output, struct err *err)
{
    if (S_ISDIR(output->entry.there.st_mode))
        return err_set_errno(err, E_USAGE, EISDIR, "cannot create %s", output->path);
    int fd = open_special(&output->entry, output->path);
    if (fd < 0 && errno == EINTR)
        return err_set(err, E_INTERRUPTED, "interrupted while waiting for a reader of %s",
                       output->path);
    if (fd < 0 && errno == ENXIO)
        return err_set(err, E_USAGE, "cannot write to %s: %s", output->path,
                       S_ISFIFO(output->entry.there.st_mode) ? "nobody reads it"
                                                             : "it is not a file");
    output->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    return output->file != NULL
               ? OK
               : err_set_errno(err, E_USAGE, errno, "cannot write to %s", output->path);
}

/* The mode that open() would give, or that of the file which is replaced. */
static void settle_mode(int fd, const struct stat *there)
{
    if (there != NULL) {
        fchmod(fd, there->st_mode & 07777);
        if (there->st_uid != geteuid() && fchown(fd, there->st_uid, there->st_gid) != 0)
            return; /* then it is ours */
        return;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
}

static const char *temporary_name(const struct output *output)
{
    const char *slash = strrchr(output->temporary, '/');
    return slash != NULL ? slash + 1 : output->temporary;
}

struct output_waiting output_waiting[OUTPUT_WAITING_MAX];

static void remember(const struct output *output)
{
    size_t i = 0;
    while (i < OUTPUT_WAITING_MAX && output_waiting[i].name != NULL)
        i++;
    if (i == OUTPUT_WAITING_MAX)
        return;
    output_waiting[i].directory_fd = output->entry.directory_fd;
    output_waiting[i].process = getpid();
    output_waiting[i].name = temporary_name(output);
}

/* Frees the name, too. */
static void forget(struct output *output)
{
    for (size_t i = 0; i < OUTPUT_WAITING_MAX && output->temporary != NULL; i++)
        if (output_waiting[i].name == temporary_name(output))
            output_waiting[i].name = NULL;
    free(output->temporary);
    output->temporary = NULL;
}

/* A new file of a name that nobody can foresee, NAME.XXXXXX.tmp. -1: errno. */
static int open_temporary(struct output *output)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    char *random_part = strrchr(output->temporary, '.') - 6;
    for (int tries = 0; tries < TEMPORARY_TRIES; tries++) {
        unsigned char bytes[6];
        if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
            return -1;
        for (size_t i = 0; i < sizeof bytes; i++)
            random_part[i] = characters[bytes[i] % (sizeof characters - 1)];
        int fd = openat(output->entry.directory_fd, temporary_name(output),
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

static enum err_code create_beside(struct output *output, struct err *err)
{
    const struct output_entry *entry = &output->entry;
    if (entry->exists && faccessat(entry->directory_fd, entry->name, W_OK, 0) != 0)
        return err_set_errno(err, E_USAGE, errno, "cannot replace %s", output->path);
    /* A name that is as long as it may be is cut. */
    size_t kept_bytes = strlen(entry->name);
    if (kept_bytes > NAME_MAX - strlen(ENDING))
        kept_bytes = NAME_MAX - strlen(ENDING);
    kept_bytes += (size_t)(entry->name - entry->path);
    if (asprintf(&output->temporary, "%.*s" ENDING, (int)kept_bytes, entry->path) < 0) {
        output->temporary = NULL;
        return err_set(err, E_SYSTEM, "no memory for an output");
    }
    int fd = open_temporary(output);
    if (fd < 0) {
        int sys_errno = errno;
        free(output->temporary);
        output->temporary = NULL;
        return err_set_errno(err, E_USAGE, sys_errno, "cannot create %s", output->path);
    }
    remember(output);
    settle_mode(fd, entry->exists ? &entry->there : NULL);
    output->file = fdopen(fd, "w");
    return output->file != NULL
               ? OK
               : err_set_errno(err, E_SYSTEM, errno, "cannot create %s", output->path);
}

/* What would be written in place is only looked at. */
static enum err_code probe_in_place(const struct output *output, struct err *err)
{
    const struct output_entry *entry = &output->entry;
    if (S_ISDIR(entry->there.st_mode))
        return err_set_errno(err, E_USAGE, EISDIR, "cannot create %s", output->path);
    return entry->through_proc || faccessat(entry->directory_fd, entry->name, W_OK, 0) == 0
               ? OK
               : err_set_errno(err, E_USAGE, errno, "cannot write to %s", output->path);
}

static enum err_code create(struct output *output, const char *path, enum output_naming naming,
                            bool probing, struct err *err)
{
    if (naming == OUTPUT_NAMED && output_is_stdout(path)) {
        output_borrow(output, stdout);
        return OK;
    }
    *output = (struct output){.owned = true, .naming = naming, .path = strdup(path)};
    if (output->path == NULL)
        return err_set(err, E_SYSTEM, "no memory for an output");
    enum err_code code = naming == OUTPUT_NAMED ? output_entry_find(&output->entry, path, err)
                                                : output_entry_find_own(&output->entry, path, err);
    bool in_place = output->entry.exists && !S_ISREG(output->entry.there.st_mode);
    if (code == OK)
        code = output_place_claim(&output->place, output->entry.path, path, err);
    if (code == OK)
        code = !in_place ? create_beside(output, err)
               : probing ? probe_in_place(output, err)
                         : create_in_place(output, err);
    if (code != OK)
        output_discard(output);
    return code;
}

enum err_code output_create(struct output *output, const char *path, enum output_naming naming,
                            struct err *err)
{
    return create(output, path, naming, false, err);
}

enum err_code output_probe(struct output *output, const char *path, enum output_naming naming,
                           struct err *err)
{
    return create(output, path, naming, true, err);
}

static bool writable(const struct output *output)
{
    return output->file != NULL && !output->gone && output->sys_errno == 0;
}

static void failed(struct output *output, int sys_errno)
{
    if (!output->owned && (sys_errno == EPIPE || sys_errno == EBADF)) /* or never was one */
        output->gone = true;
    else
        output->sys_errno = sys_errno != 0 ? sys_errno : EIO;
}

void output_write(struct output *output, const void *bytes, size_t byte_count)
{
    if (!writable(output))
        return;
    if (output->terminal) /* a progress line never shares its line with results */
        log_wipe_progress();
    errno = 0;
    if (fwrite(bytes, 1, byte_count, output->file) != byte_count)
        failed(output, errno);
}

void output_printf(struct output *output, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    if (!writable(output))
        return;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        failed(output, ENOMEM);
    else
        output_write(output, output->plain ? printable_lines(text) : text, (size_t)length);
    free(text);
}

void output_csv_text(struct output *output, const char *text)
{
    char cell[2 * PRINTABLE_BYTES + sizeof "\"'\""];
    size_t used = 0;
    const char *at = PRINTABLE(text);
    cell[used++] = '"';
    if (*at != '\0' && strchr("=+-@", *at) != NULL)
        cell[used++] = '\'';
    for (; *at != '\0'; at++) {
        if (*at == '"')
            cell[used++] = '"';
        cell[used++] = *at;
    }
    cell[used++] = '"';
    output_write(output, cell, used);
}

enum err_code output_status(struct output *output, struct err *err)
{
    if (writable(output)) {
        errno = 0;
        if (fflush(output->file) != 0)
            failed(output, errno);
    }
    if (output->sys_errno != 0)
        return err_set_errno(err, E_SYSTEM, output->sys_errno, "cannot write %s",
                             output->owned ? output->path : "standard output");
    return OK;
}

enum err_code output_close(struct output *output, struct err *err)
{
    enum err_code code = output_status(output, err);
    if (!output->owned || code != OK || output->file == NULL)
        return code;
    FILE *file = output->file;
    output->file = NULL;
    errno = 0;
    if (fclose(file) != 0) {
        failed(output, errno);
        return output_status(output, err);
    }
    return OK;
}

/* What is at a mount point can be written, but not replaced. */
static bool copy(const struct output *output)
{
    char bytes[8192];
    struct stat there;
    const struct output_entry *entry = &output->entry;
    /* Only what stood there from the start: something else there is somebody else's. */
    if (!entry->exists ||
        fstatat(entry->directory_fd, entry->name, &there, AT_SYMLINK_NOFOLLOW) != 0 ||
        there.st_dev != entry->there.st_dev || there.st_ino != entry->there.st_ino)
        return false;
    int in = openat(entry->directory_fd, temporary_name(output), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int out = in >= 0 ? openat(entry->directory_fd, entry->name,
                               O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC)
                      : -1;
    bool good = out >= 0;
    for (ssize_t got = 1; good && got > 0;) {
        got = read(in, bytes, sizeof bytes);
        good = got >= 0 && (got == 0 || write(out, bytes, (size_t)got) == got);
    }
    if (in >= 0)
        close(in);
    return out >= 0 && close(out) == 0 && good;
}

enum err_code output_commit(struct output *output, struct err *err)
{
    const struct output_entry *entry = &output->entry;
    struct stat there;
    enum err_code code = output_close(output, err);
    if (code != OK || output->temporary == NULL)
        return code;
    bool kept = output->naming == OUTPUT_MISSING &&
                fstatat(entry->directory_fd, entry->name, &there, AT_SYMLINK_NOFOLLOW) == 0;
    int renamed = kept ? 0
                       : renameat(entry->directory_fd, temporary_name(output), entry->directory_fd,
                                  entry->name);
    int sys_errno = errno;
    if (renamed != 0 && !copy(output))
        code = err_set_errno(err, E_SYSTEM, sys_errno, "cannot replace %s; the whole file is %s",
                             entry->path, output->temporary);
    else if (kept || renamed != 0)
        unlinkat(entry->directory_fd, temporary_name(output), 0);
    forget(output);
    return code;
}

bool output_reader_gone(FILE *file)
{
    struct pollfd reader = {.fd = fileno(file)};
    return poll(&reader, 1, 0) > 0 && (reader.revents & (POLLERR | POLLHUP)) != 0;
}

void output_discard(struct output *output)
{
    if (output->owned && output->file != NULL)
        fclose(output->file);
    if (output->temporary != NULL)
        unlinkat(output->entry.directory_fd, temporary_name(output), 0);
    output_place_release(output->place);
    forget(output);
    output_entry_close(&output->entry);
    free(output->path);
    *output = (struct output){0};
}

void output_destroy(void *state)
{
    output_discard(state);
    free(state);
}
