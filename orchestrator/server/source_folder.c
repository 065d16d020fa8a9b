#include "orchestrator/server/source_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/machine/cache_folder.h"

#define FOLDER_BYTES_MAX 130u /* so that what stands in it has paths that are not too long */
#define LOCK_LIMIT_NS (100 * 60 * NS_PER_SECOND) /* a clone and a build may take that */
#define LOCK_LOOK_NS (200 * NS_PER_MS)
#define LOCK_TELL_NS (30 * NS_PER_SECOND)
#define TREES_MAX 9u /* of one commit at a time */
#define REMOVE_FDS 16

/* ---- names ---- */

void source_key(char key[SOURCE_KEY_BYTES], const void *text, size_t byte_count)
{
    unsigned char sum[EVP_MAX_MD_SIZE] = {0};
    (void)EVP_Digest(text, byte_count, sum, NULL, EVP_sha256(), NULL);
    for (unsigned i = 0; i < SOURCE_KEY_BYTES / 2; i++)
        snprintf(key + (size_t)i * 2, 3, "%02x", sum[i]);
}

enum err_code source_path(char path[SOURCE_PATH_BYTES], struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int bytes = vsnprintf(path, SOURCE_PATH_BYTES, format, args);
    va_end(args);
    if (bytes >= 0 && (size_t)bytes < SOURCE_PATH_BYTES)
        return OK;
    return err_set(err, E_SYSTEM, "%.60s...: paths of more than %u bytes are not possible here",
                   PRINTABLE(path), SOURCE_PATH_BYTES - 1);
}

enum err_code source_folder_find(struct source_folder *folder, const char *given, struct err *err)
{
    char whole[PATH_MAX];
    *folder = (struct source_folder){.lock_fd = 0};
    if (cache_folder_make(folder->path, sizeof folder->path, given, "builds", "name a folder",
                          err) != OK)
        return err->code;
    if (realpath(folder->path, whole) == NULL)
        return err_set_errno(err, E_SYSTEM, errno, "%s", PRINTABLE(folder->path));
    if (strlen(whole) > FOLDER_BYTES_MAX)
        return err_set(err, E_SYSTEM,
                       "the path of the cache folder is longer than %u bytes: name another one",
                       FOLDER_BYTES_MAX);
    memcpy(folder->path, whole, strlen(whole) + 1);
    static const char *const parts[] = {"logs", "programs"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char part[SOURCE_PATH_BYTES];
        if (source_path(part, err, "%s/%s", whole, parts[i]) != OK)
            return err->code;
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return err_set_errno(err, E_SYSTEM, errno, "%s cannot be made", part);
    }
    return OK;
}

/* ---- one process at a time ---- */

static int holder(int lock_fd)
{
    char text[32] = "";
    if (pread(lock_fd, text, sizeof text - 1, 0) <= 0)
        return 0;
    return (int)strtol(text, NULL, 10);
}

static enum err_code await_lock(int lock_fd, const char *path,
                                void (*tell)(void *state, const char *text), void *state,
                                const volatile int *interrupted, struct err *err)
{
    const struct timespec pause = {.tv_nsec = LOCK_LOOK_NS};
    const uint64_t begin_ns = clock_now_ns();
    uint64_t tell_ns = begin_ns;
    while (flock(lock_fd, LOCK_EX | LOCK_NB) != 0) {
        const uint64_t now_ns = clock_now_ns();
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_set_errno(err, E_SYSTEM, errno, "%s cannot be locked", path);
        if (interrupted != NULL && *interrupted != 0)
            return err_set(err, E_INTERRUPTED, "interrupted while process %d built in %s",
                           holder(lock_fd), path);
        if (now_ns - begin_ns >= LOCK_LIMIT_NS)
            return err_set(err, E_SYSTEM,
                           "process %d has held %s for 100 minutes: end it, or name another cache "
                           "folder",
                           holder(lock_fd), path);
        if (tell != NULL && now_ns >= tell_ns) {
            char text[128];
            snprintf(text, sizeof text, "waiting for process %d, which builds in the same folder",
                     holder(lock_fd));
            tell(state, text);
            tell_ns = now_ns + LOCK_TELL_NS;
        }
        (void)nanosleep(&pause, NULL);
    }
    return OK;
}

enum err_code source_folder_lock(struct source_folder *folder,
                                 void (*tell)(void *state, const char *text), void *state,
                                 const volatile int *interrupted, struct err *err)
{
    char path[SOURCE_PATH_BYTES];
    if (source_path(path, err, "%s/lock", folder->path) != OK)
        return err->code;
    const int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, E_SYSTEM, errno, "%s cannot be opened", path);
    if (await_lock(fd, path, tell, state, interrupted, err) != OK) {
        close(fd);
        return err->code;
    }
    folder->lock_fd = fd;
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
        const int cause = errno;
        source_folder_unlock(folder);
        return err_set_errno(err, E_SYSTEM, cause, "%s cannot be written", path);
    }
    return OK;
}

void source_folder_unlock(struct source_folder *folder)
{
    if (folder->lock_fd > 0)
        close(folder->lock_fd);
    folder->lock_fd = 0;
}

/* ---- trees ---- */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    (void)remove(path);
    return 0;
}

void source_folder_remove(const char *path)
{
    (void)nftw(path, remove_entry, REMOVE_FDS, FTW_DEPTH | FTW_PHYS);
}

int source_tree_hold(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    close(fd);
    return -1;
}

/* valkey_, 40 digits, and a number if need be: nothing else in a folder that a user has named is volley's. */
static bool is_tree_name(const char *name)
{
    static const char prefix[] = "valkey_";
    const size_t digits = SOURCE_SHA_BYTES - 1;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0 ||
        strspn(name + sizeof prefix - 1, "0123456789abcdef") != digits)
        return false;
    const char *end = name + sizeof prefix - 1 + digits;
    return end[0] == '\0' || (end[0] == '-' && end[1] >= '2' && end[1] <= '9' && end[2] == '\0');
}

static void remove_left(const struct source_folder *folder)
{
    DIR *entries = opendir(folder->path);
    if (entries == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[SOURCE_PATH_BYTES];
        if (!is_tree_name(entry->d_name) ||
            source_path(path, NULL, "%s/%s", folder->path, entry->d_name) != OK)
            continue;
        const int fd = source_tree_hold(path);
        if (fd >= 0) {
            source_folder_remove(path);
            close(fd);
        }
    }
    closedir(entries);
}

enum err_code source_tree_place(char path[SOURCE_PATH_BYTES], const struct source_folder *folder,
                                const char *sha, struct err *err)
{
    remove_left(folder);
    for (unsigned i = 1; i <= TREES_MAX; i++) {
        char number[16] = "";
        if (i > 1)
            snprintf(number, sizeof number, "-%u", i);
        if (source_path(path, err, "%s/valkey_%s%s", folder->path, sha, number) != OK)
            return err->code;
        if (access(path, F_OK) != 0)
            return OK;
    }
    return err_set(err, E_SYSTEM, "%s: other processes use that, and %u more of the same commit",
                   path, TREES_MAX - 1);
}
