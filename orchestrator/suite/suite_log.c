#include "orchestrator/suite/suite_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/printable.h"

static void forget_early(struct suite_log *log)
{
    free(log->early);
    log->early = NULL;
    log->early_bytes = 0;
}

static void keep_early(struct suite_log *log, const char *text, size_t bytes)
{
    if (log->early == NULL)
        log->early = malloc(SUITE_LOG_EARLY_BYTES);
    if (log->early == NULL || log->early_bytes + bytes > SUITE_LOG_EARLY_BYTES)
        return;
    memcpy(log->early + log->early_bytes, text, bytes);
    log->early_bytes += bytes;
}

void suite_log_put_before(struct suite_log *log, const struct suite_log *other)
{
    struct suite_log joined = {.file = NULL};
    if (other->early_bytes > 0)
        keep_early(&joined, other->early, other->early_bytes);
    if (log->early_bytes > 0)
        keep_early(&joined, log->early, log->early_bytes);
    forget_early(log);
    *log = joined;
}

enum err_code suite_log_open(struct suite_log *log, const char *directory, struct err *err)
{
    char path[PATH_MAX];
    struct stat about;
    if ((size_t)snprintf(path, sizeof path, "%s/logs.txt", directory) >= sizeof path)
        return err_set(err, E_USAGE, "the path is too long: %.100s...", PRINTABLE(directory));
    const int fd =
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
    if (fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode))
        log->file = fdopen(fd, "a");
    if (log->file == NULL) {
        const int sys_errno = fd >= 0 ? EINVAL : errno;
        if (fd >= 0)
            close(fd);
        return err_set_errno(err, E_USAGE, sys_errno, "%s cannot be written", PRINTABLE(path));
    }
    if (log->early_bytes > 0)
        (void)fwrite(log->early, 1, log->early_bytes, log->file);
    forget_early(log);
    return OK;
}

void suite_log_close(struct suite_log *log)
{
    if (log->file != NULL)
        (void)fclose(log->file);
    log->file = NULL;
    forget_early(log);
}

void suite_log_line(struct suite_log *log, enum log_level level, const char *format, ...)
{
    static const char *const levels[] = {"ERROR", "WARNING", "INFO", "DEBUG"};
    char text[2048], when[32], line[sizeof text + sizeof when + 16];
    const time_t now = time(NULL);
    struct tm utc;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printable_line(text);
    log_line(level, "%s", text);
    if (gmtime_r(&now, &utc) == NULL)
        return;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const int bytes = snprintf(line, sizeof line, "%s %s %s\n", when, levels[level], text);
    if (log->file == NULL)
        keep_early(log, line, (size_t)bytes);
    else {
        (void)fwrite(line, 1, (size_t)bytes, log->file);
        (void)fflush(log->file);
    }
}

void suite_log_copy(struct suite_log *log, int fd, size_t bytes_max)
{
    char *text = log->file != NULL ? calloc(1, bytes_max + 1) : NULL;
    const off_t size = lseek(fd, 0, SEEK_END);
    const off_t from = size > (off_t)bytes_max ? size - (off_t)bytes_max : 0;
    const ssize_t bytes = text != NULL ? pread(fd, text, bytes_max, from) : 0;
    for (ssize_t i = 0; i < bytes; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    if (bytes > 0 && from > 0)
        fprintf(log->file, "(%lld bytes before are left out)\n", (long long)from);
    if (bytes > 0)
        fprintf(log->file, "%s%s", printable_lines(text), text[bytes - 1] != '\n' ? "\n" : "");
    free(text);
    if (log->file != NULL)
        (void)fflush(log->file);
}
