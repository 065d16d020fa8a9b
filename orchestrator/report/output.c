#include "orchestrator/report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/report/output_place.h"

#define LINKS_MAX 40 /* as the kernel has it */
#define READER_LIMIT_NS (5 * NS_PER_SECOND)

enum err_code output_borrow(struct output *output, FILE *file, const char *name, struct err *err)
{
    *output =
        (struct output){.file = file, .terminal = isatty(fileno(file)) == 1, .path = strdup(name)};
    if (output->path == NULL)
        return err_set(err, E_SYSTEM, "no memory for an output");
    return OK;
}

/* Where path leads: links are followed one by one, since the last one may name what does not exist yet. */
static enum err_code follow_links(char target[PATH_MAX], const char *path, struct err *err)
{
    char link[PATH_MAX], joined[PATH_MAX];
    if (strlen(path) >= PATH_MAX)
        return err_set(err, E_USAGE, "cannot create %.80s...: the path is too long", path);
    snprintf(target, PATH_MAX, "%s", path);
    for (int hops = 0;; hops++) {
        ssize_t link_bytes = readlink(target, link, sizeof link - 1);
        if (link_bytes < 0) /* no link, or what follows says why it cannot be opened */
            return OK;
        link[link_bytes] = '\0';
        const char *slash = strrchr(target, '/');
        int directory_bytes = link[0] == '/' || slash == NULL ? 0 : (int)(slash - target) + 1;
        int needed = snprintf(joined, sizeof joined, "%.*s%s", directory_bytes, target, link);
        if (hops == LINKS_MAX || needed < 0 || needed >= PATH_MAX)
            return err_set_errno(err, E_USAGE, ELOOP, "cannot create %s", path);
        memcpy(target, joined, (size_t)needed + 1);
    }
}

/* A fifo has a reader first: until it comes, opening fails. */
static int open_special(const char *path)
{
    const struct timespec pause = {.tv_nsec = 20 * (long)NS_PER_MS};
    uint64_t end_ns = clock_now_ns() + READER_LIMIT_NS;
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    while (fd < 0 && errno == ENXIO && clock_now_ns() < end_ns && nanosleep(&pause, NULL) == 0)
        fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
}

static enum err_code create_in_place(struct output *output, const struct stat *there,
                                     struct err *err)
{
    if (S_ISDIR(there->st_mode))
        return err_set_errno(err, E_USAGE, EISDIR, "cannot create %s", output->path);
    int fd = open_special(output->path);
    if (fd < 0 && errno == ENXIO)
        return err_set(err, E_USAGE, "cannot write to %s: %s", output->path,
                       S_ISFIFO(there->st_mode) ? "nobody reads it" : "it is not a file");
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

static enum err_code create_beside(struct output *output, const char *target,
                                   const struct stat *there, struct err *err)
{
    static const char ending[] = ".XXXXXX.tmp";
    size_t temporary_bytes = strlen(target) + sizeof ending;
    size_t kept_bytes = strlen(target); /* a name that is as long as it may be is cut */
    const char *slash = strrchr(target, '/');
    size_t name_at = slash != NULL ? (size_t)(slash - target) + 1 : 0;
    if (kept_bytes - name_at > NAME_MAX + 1 - sizeof ending)
        kept_bytes = name_at + NAME_MAX + 1 - sizeof ending;
    if (there != NULL && access(target, W_OK) != 0)
        return err_set_errno(err, E_USAGE, errno, "cannot replace %s", output->path);
    output->target = strdup(target);
    char *temporary = malloc(temporary_bytes);
    if (output->target == NULL || temporary == NULL) {
        free(temporary);
        return err_set(err, E_SYSTEM, "no memory for an output");
    }
    snprintf(temporary, temporary_bytes, "%.*s%s", (int)kept_bytes, target, ending);
    int fd = mkostemps(temporary, sizeof ".tmp" - 1, O_CLOEXEC);
    if (fd < 0) {
        free(temporary);
        return err_set_errno(err, E_USAGE, errno, "cannot create %s", output->path);
    }
    output->temporary = temporary;
    settle_mode(fd, there);
    output->file = fdopen(fd, "w");
    return output->file != NULL
               ? OK
               : err_set_errno(err, E_SYSTEM, errno, "cannot create %s", output->path);
}

enum err_code output_create(struct output *output, const char *path, struct err *err)
{
    char target[PATH_MAX];
    struct stat there;
    if (strcmp(path, "-") == 0)
        return output_borrow(output, stdout, "standard output", err);
    *output = (struct output){.owned = true, .path = strdup(path)};
    if (output->path == NULL)
        return err_set(err, E_SYSTEM, "no memory for an output");
    bool exists = stat(path, &there) == 0;
    enum err_code code = OK;
    if (exists && !S_ISREG(there.st_mode)) {
        code = output_place_claim(&output->place, path, path, err);
        if (code == OK)
            code = create_in_place(output, &there, err);
    } else {
        code = follow_links(target, path, err);
        if (code == OK)
            code = output_place_claim(&output->place, target, path, err);
        if (code == OK)
            code = create_beside(output, target, exists ? &there : NULL, err);
    }
    if (code != OK)
        output_discard(output);
    return code;
}

static bool writable(const struct output *output)
{
    return output->file != NULL && !output->gone && output->sys_errno == 0;
}

/* A progress line never shares its line with results. */
static void make_way(const struct output *output)
{
    if (output->terminal)
        log_wipe_progress();
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
    make_way(output);
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

enum err_code output_status(struct output *output, struct err *err)
{
    if (writable(output)) {
        errno = 0;
        if (fflush(output->file) != 0)
            failed(output, errno);
    }
    if (output->sys_errno != 0)
        return err_set_errno(err, E_SYSTEM, output->sys_errno, "cannot write %s", output->path);
    return OK;
}

/* What is at a mount point can be written, but not replaced. */
static bool copy(const char *from, const char *to)
{
    char bytes[8192];
    struct stat there;
    if (lstat(to, &there) != 0 || !S_ISREG(there.st_mode))
        return false;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in >= 0 ? open(to, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC) : -1;
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
    enum err_code code = output_status(output, err);
    if (!output->owned || code != OK || output->file == NULL)
        return code;
    FILE *file = output->file;
    output->file = NULL;
    if (fclose(file) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "cannot write %s", output->path);
    if (output->temporary == NULL)
        return OK;
    if (rename(output->temporary, output->target) != 0) {
        int sys_errno = errno;
        if (!copy(output->temporary, output->target)) {
            code =
                err_set_errno(err, E_SYSTEM, sys_errno, "cannot replace %s; the whole file is %s",
                              output->target, output->temporary);
            free(output->temporary);
            output->temporary = NULL;
            return code;
        }
        unlink(output->temporary);
    }
    free(output->temporary);
    output->temporary = NULL;
    return OK;
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
        unlink(output->temporary);
    output_place_release(output->place);
    free(output->temporary);
    free(output->target);
    free(output->path);
    *output = (struct output){0};
}
