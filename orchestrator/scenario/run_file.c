#include "orchestrator/scenario/run_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/printable.h"

enum err_code run_file_open(FILE **file, uint64_t *size_bytes, const char *path, struct err *err)
{
    struct stat there;
    enum err_code code = OK;
    *file = NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* of a pipe, too, at once */
    if (fd < 0 || fstat(fd, &there) != 0)
        code = err_set_errno(err, E_DATA, errno, "cannot read %.300s", PRINTABLE(path));
    else if (!S_ISREG(there.st_mode))
        code = err_set(err, E_DATA, "cannot read %.300s: it is no regular file", PRINTABLE(path));
    if (code == OK && (*file = fdopen(fd, "r")) == NULL)
        code = err_set_errno(err, E_SYSTEM, errno, "cannot read %.300s", PRINTABLE(path));
    if (code != OK && fd >= 0)
        (void)close(fd);
    if (code == OK)
        *size_bytes = (uint64_t)there.st_size;
    return code;
}
