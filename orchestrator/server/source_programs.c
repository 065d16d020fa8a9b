/* Programs that make has left, and those that are kept: source_folder.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/printable.h"
#include "orchestrator/machine/cache_folder.h"
#include "orchestrator/server/source_folder.h"

#define DEPTH_MAX 4u /* of folders below src/ */

/* What is looked for: a name's end, and names that win where several have it. */
static const struct role {
    const char *ending;
    const char *known[2];
    size_t path_offset;
} roles[] = {
    {"-server", {"valkey-server", "redis-server"}, offsetof(struct source_build, server_path)},
    {"-cli", {"valkey-cli", "redis-cli"}, offsetof(struct source_build, cli_path)},
    {"-benchmark",
     {"valkey-benchmark", "redis-benchmark"},
     offsetof(struct source_build, benchmark_path)},
};
#define ROLE_COUNT (sizeof roles / sizeof roles[0])

static char *role_path(struct source_build *build, const struct role *role)
{
    return (char *)build + role->path_offset;
}

/* ---- in a tree ---- */

struct found {
    char path[SOURCE_PATH_BYTES]; /* the best, or the first */
    unsigned count;               /* of those that are as good */
    unsigned rank;                /* 0: of a name that is known first */
};

static bool has_ending(const char *name, const char *ending)
{
    const size_t name_bytes = strlen(name), bytes = strlen(ending);
    return name_bytes > bytes && strcmp(name + name_bytes - bytes, ending) == 0;
}

static unsigned rank_of(const struct role *role, const char *name)
{
    unsigned rank = 0;
    while (rank < 2 && strcmp(role->known[rank], name) != 0)
        rank++;
    return rank;
}

static void offer(struct found *found, const struct role *role, const char *path, const char *name)
{
    struct stat status;
    if (!has_ending(name, role->ending) || stat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
        access(path, X_OK) != 0)
        return;
    const unsigned rank = rank_of(role, name);
    if (found->count > 0 && rank > found->rank)
        return;
    found->count = found->count > 0 && rank == found->rank ? found->count + 1 : 1;
    found->rank = rank;
    snprintf(found->path, sizeof found->path, "%s", path);
}

/* Links to folders are not followed. */
static void look_in(struct found *found, const struct role *role, const char *folder,
                    unsigned depth)
{
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[SOURCE_PATH_BYTES];
        struct stat status;
        if (entry->d_name[0] == '.' ||
            source_path(path, NULL, "%s/%s", folder, entry->d_name) != OK ||
            lstat(path, &status) != 0)
            continue;
        if (!S_ISDIR(status.st_mode))
            offer(found, role, path, entry->d_name);
        else if (depth > 0)
            look_in(found, role, path, depth - 1);
    }
    closedir(entries);
}

/* Of src/ first, where most have theirs; a server is looked for elsewhere, too. */
static struct found find_role(const struct role *role, const char *tree, const char *source)
{
    struct found found = {.count = 0};
    look_in(&found, role, source, 0);
    if (found.count == 0 && role == &roles[0])
        look_in(&found, role, tree, 0);
    if (found.count == 0 && role == &roles[0])
        look_in(&found, role, source, DEPTH_MAX);
    return found;
}

enum err_code source_programs_find(struct source_build *build, const char *tree, struct err *err)
{
    char source[SOURCE_PATH_BYTES];
    if (source_path(source, err, "%s/src", tree) != OK)
        return err->code;
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        const struct found found = find_role(&roles[i], tree, source);
        if (i == 0 && found.count == 0)
            return err_set(err, E_FAILED,
                           "no server was made in %s: no program whose name ends with -server "
                           "stands in its src/ or beside that",
                           PRINTABLE(tree));
        if (i == 0 && found.count > 1)
            return err_set(err, E_FAILED,
                           "%u servers were made in %s, %.100s and others: volley cannot choose",
                           found.count, PRINTABLE(tree), PRINTABLE(found.path));
        memcpy(role_path(build, &roles[i]), found.path, sizeof found.path);
    }
    return OK;
}

/* ---- kept ---- */

bool source_programs_take(struct source_build *build, const char *kept)
{
    struct found found = {.count = 0};
    if (!cache_folder_is_own(kept, true))
        return false;
    look_in(&found, &roles[0], kept, 0);
    if (found.count != 1 || !cache_folder_is_own(found.path, false))
        return false;
    memcpy(build->server_path, found.path, sizeof found.path);
    for (size_t i = 1; i < ROLE_COUNT; i++) {
        found = (struct found){.count = 0};
        look_in(&found, &roles[i], kept, 0);
        memcpy(role_path(build, &roles[i]), found.path, sizeof found.path);
    }
    return true;
}

static enum err_code copy_file(const char *to, const char *from, struct err *err)
{
    char part[16384];
    ssize_t bytes = 0;
    bool written = true;
    const int from_fd = open(from, O_RDONLY | O_CLOEXEC);
    const int to_fd = from_fd < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    while (to_fd >= 0 && written && (bytes = read(from_fd, part, sizeof part)) > 0)
        for (ssize_t at = 0, done; written && at < bytes; at += done)
            written = (done = write(to_fd, part + at, (size_t)(bytes - at))) > 0;
    written = to_fd >= 0 && written && bytes == 0 && fsync(to_fd) == 0;
    const int cause = errno;
    if (from_fd >= 0)
        close(from_fd);
    if (to_fd >= 0)
        close(to_fd);
    return written ? OK
                   : err_set_errno(err, E_SYSTEM, cause, "%s cannot be copied to %s",
                                   PRINTABLE(from), to);
}

static enum err_code copy_all(struct source_build *build, const char *folder, struct err *err)
{
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        const char *from = role_path(build, &roles[i]), *slash = strrchr(from, '/');
        char to[SOURCE_PATH_BYTES];
        if (slash == NULL)
            continue;
        if (source_path(to, err, "%s%s", folder, slash) != OK || copy_file(to, from, err) != OK)
            return err->code;
    }
    return OK;
}

enum err_code source_programs_keep(struct source_build *build, const char *kept, struct err *err)
{
    char folder[SOURCE_PATH_BYTES];
    if (source_path(folder, err, "%s.new", kept) != OK)
        return err->code;
    source_folder_remove(folder); /* of one that was killed */
    if (mkdir(folder, 0700) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "%s cannot be made", folder);
    enum err_code code = copy_all(build, folder, err);
    if (code == OK) {
        source_folder_remove(kept); /* it was no use */
        if (rename(folder, kept) != 0)
            code = err_set_errno(err, E_SYSTEM, errno, "%s cannot be made", kept);
    }
    if (code != OK)
        source_folder_remove(folder);
    else if (!source_programs_take(build, kept))
        code = err_set(err, E_SYSTEM, "%s: what was just put there is gone", kept);
    return code;
}
