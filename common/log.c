#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"

#define LOG_TEXT_BYTES 2048

static enum log_level stderr_level = LOG_WARNING;
static FILE *log_file;
static bool log_file_failed;
static unsigned progress_columns; /* of the progress line that stands unfinished; 0: none does */

static void (*told)(void *state, enum log_level level, const char *text);
static void *told_state;

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const char *const level_tags[] = {"ERROR", "WARNING", "INFO", "DEBUG"};

void log_set_level(enum log_level level)
{
    stderr_level = level;
}

void log_tell(void (*hear)(void *state, enum log_level level, const char *text), void *state)
{
    told = hear;
    told_state = state;
}

void log_progress_line(unsigned columns)
{
    progress_columns = columns;
}

bool log_progress_stands(void)
{
    return progress_columns > 0;
}

void log_wipe_progress(void)
{
    if (progress_columns == 0)
        return;
    fprintf(stderr, "\r%*s\r", (int)progress_columns, "");
    fflush(stderr);
    progress_columns = 0;
}

/* What may have another name, too, is not appended to: no link, hard ones included, and no special
 * file. -1: errno, ELOOP for these. */
static int open_appending(const char *path)
{
    struct stat status;
    int fd = open(
        path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
    if (fd < 0) {
        errno = errno == ENXIO ? ELOOP : errno; /* a fifo that nobody reads */
        return fd;
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1)
        return fd;
    close(fd);
    errno = ELOOP;
    return -1;
}

enum err_code log_to_file(const char *path, struct err *err)
{
    if (log_file != NULL)
        fclose(log_file);
    log_file = NULL;
    if (path == NULL)
        return OK;
    int fd = open_appending(path);
    if (fd < 0 && errno == ELOOP)
        return err_set(err, E_USAGE,
                       "cannot open the log file %s: it is a link, or not a regular file; remove "
                       "it, or name another directory",
                       path);
    log_file = fd >= 0 ? fdopen(fd, "a") : NULL;
    return log_file != NULL
               ? OK
               : err_set_errno(err, E_SYSTEM, errno, "cannot open the log file %s", path);
}

bool log_file_complete(void)
{
    return !log_file_failed;
}

int log_file_fd(void)
{
    return log_file != NULL ? fileno(log_file) : -1;
}

static void write_stderr(const char *text)
{
    if (progress_columns > 0)
        fputc('\n', stderr);
    progress_columns = 0;
    fprintf(stderr, "volley: %s\n", text);
}

static bool write_file(enum log_level level, const char *text)
{
    time_t now = (time_t)(clock_wall_ns() / NS_PER_SECOND);
    struct tm utc;
    char stamp[32] = "";
    if (gmtime_r(&now, &utc) != NULL)
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
    /* Flushed line by line: a forked worker inherits no half-written buffer, and a killed
     * orchestrator leaves everything it said. */
    return fprintf(log_file, "%s [%s] %s\n", stamp, level_tags[level], text) >= 0 &&
           fflush(log_file) == 0;
}

void log_line(enum log_level level, const char *format, ...)
{
    char text[LOG_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0)
        return;
    printable_line(text); /* one message is one line, whatever words it quotes */
    if (level <= stderr_level) {
        write_stderr(text);
        if (told != NULL)
            told(told_state, level, text);
    }
    if (log_file != NULL && !write_file(level, text)) {
        int sys_errno = errno;
        fclose(log_file);
        log_file_failed = true;
        log_file = NULL; /* a full disk ends the file, not the run, and is said once */
        char reason[256];
        snprintf(reason, sizeof reason, "the log file cannot be written and ends here: %s",
                 strerror(sys_errno));
        write_stderr(reason);
    }
}

bool log_level_parse(enum log_level *level, const char *text)
{
    if (strcasecmp(text, "critical") == 0) {
        *level = LOG_ERROR;
        return true;
    }
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcasecmp(text, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}
