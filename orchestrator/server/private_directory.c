#include "orchestrator/server/private_directory.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "orchestrator/report/output_entry.h"

#define LOCK_NAME "volley.lock"
#define LOCK_NEW_NAME "volley.lock.new"
#define RANDOM_CHARACTERS 6u /* mkdtemp's */
#define DEPTH_MAX 8u
#define UNLOCKED_SECONDS 600 /* so long nobody takes for making a lock */
#define ENTRIES_MAX 100000u  /* of a directory of temporary files */

/* Locked before it has its name: another one's sweep sees no lock, or one that is held. */
static int make_lock(const char *path)
{
    int directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int fd = directory_fd < 0 ? -1
                              : openat(directory_fd, LOCK_NEW_NAME,
                                       O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) != 0 ||
                    renameat(directory_fd, LOCK_NEW_NAME, directory_fd, LOCK_NAME) != 0)) {
        close(fd);
        fd = -1;
    }
    if (directory_fd >= 0)
        close(directory_fd);
    return fd;
}

/* Who may change its names may put another directory in the place of the one that is made there. */
static bool is_trusted(const char *parent)
{
    struct err ignored = {.code = OK};
    int fd;
    bool trusted = output_directory_open(&fd, parent, &ignored) == OK;
    if (trusted)
        close(fd);
    return trusted;
}

enum err_code private_directory_make(struct private_directory *directory, const char *prefix,
                                     const char *what, struct err *err)
{
    const char *const parents[] = {getenv("TMPDIR"), "/tmp"};
    int sys_errno = EACCES;
    directory->lock_fd = -1;
    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        if (parents[i] == NULL || parents[i][0] == '\0' || !is_trusted(parents[i]))
            continue;
        int bytes =
            snprintf(directory->path, sizeof directory->path, "%s/%s-XXXXXX", parents[i], prefix);
        if (bytes < 0 || (size_t)bytes >= sizeof directory->path)
            continue;
        if (mkdtemp(directory->path) != NULL) {
            /* Without a lock (a file system that has none) it is as good, and nobody sweeps it. */
            directory->lock_fd = make_lock(directory->path);
            return OK;
        }
        sys_errno = errno;
    }
    directory->path[0] = '\0';
    return err_set_errno(err, E_SYSTEM, sys_errno, "cannot make a directory for %s in /tmp", what);
}

/* ---- removing ---- */

/* Never through a link: each step is relative to a directory that is held open. */
static void empty(int directory_fd, uint32_t depth)
{
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            unlinkat(directory_fd, entry->d_name, 0) == 0 || depth == DEPTH_MAX)
            continue;
        int inner =
            openat(directory_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner < 0)
            continue;
        empty(inner, depth + 1);
        close(inner);
        (void)unlinkat(directory_fd, entry->d_name, AT_REMOVEDIR);
    }
    closedir(entries);
}

void private_directory_remove(struct private_directory *directory)
{
    if (directory->path[0] == '\0')
        return;
    int fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        empty(fd, 0);
        close(fd);
    }
    (void)rmdir(directory->path);
    if (directory->lock_fd >= 0)
        close(directory->lock_fd);
    directory->path[0] = '\0';
    directory->lock_fd = -1;
}

/* ---- what others have left ---- */

static bool is_name(const char *name, const char *prefix)
{
    const size_t prefix_bytes = strlen(prefix);
    if (strncmp(name, prefix, prefix_bytes) != 0 || name[prefix_bytes] != '-' ||
        strlen(name) != prefix_bytes + 1 + RANDOM_CHARACTERS)
        return false;
    for (const char *at = name + prefix_bytes + 1; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at))
            return false;
    return true;
}

static bool is_ours(int fd, bool directory)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_uid != geteuid())
        return false;
    return directory ? S_ISDIR(status.st_mode) && (status.st_mode & 07777) == 0700
                     : S_ISREG(status.st_mode);
}

/* Whether the name still leads to what is open. */
static bool is_same(int parent_fd, const char *name, int fd)
{
    struct stat open_one, named;
    return fstat(fd, &open_one) == 0 &&
           fstatat(parent_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

/* Made long ago, and its volley was killed before it had made the lock: nothing is in it, or the lock without
 * its name. One with files in it is another matter: its file system may have no locks. */
static bool sweep_unlocked(int parent_fd, int fd, const char *name)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_mtime > time(NULL) - UNLOCKED_SECONDS ||
        !is_same(parent_fd, name, fd))
        return false;
    if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0)
        return true;
    int lock_fd = openat(fd, LOCK_NEW_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (lock_fd >= 0 && is_ours(lock_fd, false) && flock(lock_fd, LOCK_EX | LOCK_NB) == 0)
        (void)unlinkat(fd, LOCK_NEW_NAME, 0);
    if (lock_fd >= 0)
        close(lock_fd);
    return unlinkat(parent_fd, name, AT_REMOVEDIR) == 0;
}

static bool sweep_one(int parent_fd, const char *name)
{
    bool swept = false;
    int lock_fd = -1;
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    const bool ours = fd >= 0 && is_ours(fd, true);
    if (ours)
        lock_fd = openat(fd, LOCK_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (ours && lock_fd < 0 && errno == ENOENT)
        swept = sweep_unlocked(parent_fd, fd, name);
    if (lock_fd >= 0 && is_ours(lock_fd, false) && flock(lock_fd, LOCK_EX | LOCK_NB) == 0 &&
        is_same(fd, LOCK_NAME, lock_fd) && is_same(parent_fd, name, fd)) {
        empty(fd, 0);
        swept = unlinkat(parent_fd, name, AT_REMOVEDIR) == 0;
    }
    if (lock_fd >= 0)
        close(lock_fd);
    if (fd >= 0)
        close(fd);
    return swept;
}

static uint32_t sweep_in(const char *parent, const char *prefix)
{
    uint32_t count = 0, seen = 0;
    DIR *entries = opendir(parent);
    if (entries == NULL)
        return 0;
    for (const struct dirent *entry; seen < ENTRIES_MAX && (entry = readdir(entries)) != NULL;
         seen++) {
        if (!is_name(entry->d_name, prefix) || !sweep_one(dirfd(entries), entry->d_name))
            continue;
        count++;
        log_line(LOG_INFO, "removed %s/%s, which a run that was killed had left", parent,
                 entry->d_name);
    }
    closedir(entries);
    return count;
}

uint32_t private_directory_sweep(const char *prefix)
{
    const char *parent = getenv("TMPDIR");
    uint32_t count = sweep_in("/tmp", prefix);
    if (parent != NULL && parent[0] != '\0' && strcmp(parent, "/tmp") != 0)
        count += sweep_in(parent, prefix);
    return count;
}
