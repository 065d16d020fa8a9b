#include "orchestrator/machine/system_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

bool system_file_read(char *text, size_t text_bytes, const char *path_format, ...)
{
    char path[PATH_MAX];
    va_list args;
    text[0] = '\0';
    va_start(args, path_format);
    int path_bytes = vsnprintf(path, sizeof path, path_format, args);
    va_end(args);
    if (path_bytes < 0 || (size_t)path_bytes >= sizeof path)
        return false;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    size_t filled = 0;
    ssize_t got = 0;
    while (filled < text_bytes - 1) {
        got = read(fd, text + filled, text_bytes - 1 - filled);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        filled += (size_t)got;
    }
    close(fd);
    while (filled > 0 && isspace((unsigned char)text[filled - 1]))
        filled--;
    text[filled] = '\0';
    return got >= 0;
}
