#include "orchestrator/suite/suite_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/printable.h"
#include "orchestrator/report/catalogue_suite.h"

/* All that is missing. */
static enum err_code make(const char *directory, struct err *err)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s", directory) >= sizeof path - 300)
        return err_set(err, E_USAGE, "--results-dir: the path is too long");
    for (char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdir(path, 0777); /* the last one tells what is wrong */
        *at = '/';
    }
    struct stat about;
    if (mkdir(path, 0777) == 0 ||
        (errno == EEXIST && stat(path, &about) == 0 && S_ISDIR(about.st_mode)))
        return OK;
    return err_set_errno(err, E_USAGE, errno, "--results-dir %.200s cannot be made",
                         PRINTABLE(path));
}

static enum err_code refuse(int fd, const char *directory, struct err *err)
{
    char holder[40] = "";
    const ssize_t bytes = pread(fd, holder, sizeof holder - 1, 0);
    holder[bytes > 0 ? bytes : 0] = '\0';
    holder[strspn(holder, "0123456789")] = '\0';
    return err_set(
        err, E_USAGE,
        "--results-dir %.200s: another suite writes there%s%s; wait for its end, or take "
        "another directory",
        PRINTABLE(directory), holder[0] != '\0' ? ", process " : "", holder);
}

enum err_code suite_lock_take(int *fd, const char *directory, struct err *err)
{
    char path[PATH_MAX];
    *fd = -1;
    if (make(directory, err) != OK)
        return err->code;
    snprintf(path, sizeof path, "%.3900s/" CATALOGUE_SUITE_LOCK, directory);
    const int lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
    if (lock < 0)
        return err_set_errno(err, E_USAGE, errno, "--results-dir: %.250s cannot be written",
                             PRINTABLE(path));
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        const enum err_code code =
            errno == EWOULDBLOCK
                ? refuse(lock, directory, err)
                : err_set_errno(err, E_USAGE, errno, "%.250s cannot be locked", PRINTABLE(path));
        close(lock);
        return code;
    }
    char holder[40];
    const int length = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) != 0 || pwrite(lock, holder, (size_t)length, 0) != length) {
        const int sys_errno = errno;
        close(lock);
        return err_set_errno(err, E_USAGE, sys_errno, "--results-dir: %.250s cannot be written",
                             PRINTABLE(path));
    }
    *fd = lock;
    return OK;
}

void suite_lock_release(int fd)
{
    if (fd >= 0)
        close(fd);
}
