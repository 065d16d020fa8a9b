#include "orchestrator/suite/suite_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/printable.h"

enum err_code suite_log_open(struct suite_log *log, const char *directory, struct err *err)
{
    char path[PATH_MAX];
    struct stat about;
    log->file = NULL;
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
    return OK;
}

void suite_log_close(struct suite_log *log)
{
    if (log->file != NULL)
        (void)fclose(log->file);
    log->file = NULL;
}

void suite_log_line(struct suite_log *log, enum log_level level, const char *format, ...)
{
    static const char *const levels[] = {"ERROR", "WARNING", "INFO", "DEBUG"};
    char text[2048], when[32];
    const time_t now = time(NULL);
    struct tm utc;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printable_line(text);
    log_line(level, "%s", text);
    if (log->file == NULL || gmtime_r(&now, &utc) == NULL)
        return;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    fprintf(log->file, "%s %s %s\n", when, levels[level], text);
    (void)fflush(log->file);
}

void suite_log_copy(struct suite_log *log, int fd, size_t bytes_max)
{
    char part[4096];
    ssize_t bytes;
    const off_t size = lseek(fd, 0, SEEK_END);
    off_t at = size > (off_t)bytes_max ? size - (off_t)bytes_max : 0;
    if (log->file == NULL)
        return;
    while ((bytes = pread(fd, part, sizeof part, at)) > 0) {
        (void)fwrite(part, 1, (size_t)bytes, log->file);
        at += bytes;
    }
    (void)fflush(log->file);
}
