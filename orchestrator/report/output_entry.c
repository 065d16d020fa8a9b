#include "orchestrator/report/output_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINKS_MAX 40   /* as the kernel has it */
#define GROUPS_MAX 256 /* of this user; further ones are strangers */

/* Of the working directory; a user who has gone there trusts whose it is. */
static struct stat working_directory(void)
{
    struct stat status;
    if (stat(".", &status) != 0)
        status = (struct stat){.st_uid = geteuid(), .st_gid = getegid()};
    return status;
}

static bool user_is_trusted(uid_t user)
{
    return user == geteuid() || user == 0 || user == working_directory().st_uid;
}

/* With a umask of 002 every directory is writable for its group: one that the user is of is the user's. */
static bool group_is_trusted(gid_t group)
{
    gid_t groups[GROUPS_MAX];
    if (group == getegid() || group == 0 || group == working_directory().st_gid)
        return true;
    int count = getgroups(GROUPS_MAX, groups);
    for (int i = 0; i < count; i++)
        if (groups[i] == group)
            return true;
    return false;
}

static bool is_sticky(const struct stat *directory)
{
    return (directory->st_mode & S_ISVTX) != 0;
}

static enum err_code check_directory(const struct stat *directory, const char *path,
                                     struct err *err)
{
    bool open_to_group =
        (directory->st_mode & S_IWGRP) != 0 && !group_is_trusted(directory->st_gid);
    if (!user_is_trusted(directory->st_uid))
        return err_set(err, E_USAGE,
                       "cannot write %.200s: the directory belongs to user %u, who could lead what "
                       "is written elsewhere; name another, or change into it if you trust them",
                       path, (unsigned)directory->st_uid);
    if (!is_sticky(directory) && (open_to_group || (directory->st_mode & S_IWOTH) != 0))
        return err_set(err, E_USAGE,
                       "cannot write %.200s: the directory has mode %04o, and others could lead "
                       "what is written elsewhere; name another, or chmod go-w this one",
                       path, (unsigned)directory->st_mode & 07777);
    return OK;
}

/* Anybody may put something into a sticky directory: what stands there is of somebody who is trusted. */
static enum err_code check_entry(const struct stat *directory, const struct stat *entry,
                                 const char *path, struct err *err)
{
    if (!is_sticky(directory) || user_is_trusted(entry->st_uid))
        return OK;
    return err_set(err, E_USAGE,
                   "cannot write %.200s: what stands there belongs to user %u; name another file",
                   path, (unsigned)entry->st_uid);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The directory that the last name of a path is in. -1: errno. */
static int open_parent(const char *path)
{
    size_t bytes = (size_t)(base_name(path) - path);
    char *parent = bytes == 0 ? strdup(".") : strndup(path, bytes);
    if (parent == NULL)
        return -1;
    int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int sys_errno = errno;
    free(parent);
    errno = sys_errno;
    return fd;
}

/* A link in /proc leads to what a process has open, and its text need not. */
static bool leads_to_special(int directory_fd, const char *name)
{
    struct statfs system;
    struct stat end;
    return fstatfs(directory_fd, &system) == 0 && system.f_type == PROC_SUPER_MAGIC &&
           fstatat(directory_fd, name, &end, 0) == 0 && !S_ISREG(end.st_mode);
}

/* path becomes what the link there names. */
static enum err_code follow(char path[PATH_MAX], int directory_fd, const char *asked,
                            struct err *err)
{
    char link[PATH_MAX], joined[PATH_MAX];
    const char *name = base_name(path);
    ssize_t link_bytes = readlinkat(directory_fd, name, link, sizeof link - 1);
    if (link_bytes < 0)
        return err_set_errno(err, E_USAGE, errno, "cannot create %.200s", asked);
    link[link_bytes] = '\0';
    int kept_bytes = link[0] == '/' ? 0 : (int)(name - path);
    int needed = snprintf(joined, sizeof joined, "%.*s%s", kept_bytes, path, link);
    if (needed < 0 || needed >= PATH_MAX)
        return err_set_errno(err, E_USAGE, ENAMETOOLONG, "cannot create %.200s", asked);
    memcpy(path, joined, (size_t)needed + 1);
    return OK;
}

enum entry_kind { ENTRY_FILE, ENTRY_OWN_FILE, ENTRY_DIRECTORY };

/* One name on the way: opens its directory, and finds out what stands there. *is_link: a link, which a
 * directory that is trusted holds. */
static enum err_code step(struct output_entry *entry, enum entry_kind kind, const char *asked,
                          bool *is_link, struct err *err)
{
    struct stat directory, there = {0};
    *is_link = false;
    entry->name = base_name(entry->path);
    entry->directory_fd = open_parent(entry->path);
    if (entry->directory_fd >= 0 && entry->name[0] == '\0')
        return err_set_errno(err, E_USAGE, EISDIR, "cannot create %.200s", asked);
    if (entry->directory_fd < 0 || fstat(entry->directory_fd, &directory) != 0)
        return err_set_errno(err, E_USAGE, errno, "cannot create %.200s", asked);
    entry->exists = fstatat(entry->directory_fd, entry->name, &there, AT_SYMLINK_NOFOLLOW) == 0;
    entry->there = there;
    *is_link = entry->exists && S_ISLNK(entry->there.st_mode);
    if (*is_link && leads_to_special(entry->directory_fd, entry->name)) {
        *is_link = false;
        entry->through_proc = true;
        if (fstatat(entry->directory_fd, entry->name, &there, 0) != 0)
            return err_set_errno(err, E_USAGE, errno, "cannot create %.200s", asked);
        entry->there = there;
        return OK;
    }
    if (kind == ENTRY_DIRECTORY && !*is_link) /* is looked at itself */
        return OK;
    enum err_code code = check_directory(&directory, asked, err);
    return code == OK && entry->exists ? check_entry(&directory, &entry->there, asked, err) : code;
}

static enum err_code find(struct output_entry *entry, const char *path, enum entry_kind kind,
                          struct err *err)
{
    char target[PATH_MAX];
    *entry = (struct output_entry){.directory_fd = -1};
    if (strlen(path) >= PATH_MAX)
        return err_set(err, E_USAGE, "cannot create %.80s...: the path is too long", path);
    snprintf(target, sizeof target, "%s", path);
    for (int hops = 0;; hops++) {
        bool is_link = false;
        output_entry_close(entry);
        entry->path = strdup(target);
        if (entry->path == NULL)
            return err_set(err, E_SYSTEM, "no memory for an output");
        enum err_code code = step(entry, kind, path, &is_link, err);
        if (code != OK || !is_link)
            return code;
        if (kind == ENTRY_OWN_FILE)
            return err_set(err, E_USAGE,
                           "cannot write %.200s: it is a link, and names of volley's own are not "
                           "followed; remove it, or name another directory",
                           path);
        if (hops == LINKS_MAX)
            return err_set_errno(err, E_USAGE, ELOOP, "cannot create %.200s", path);
        code = follow(target, entry->directory_fd, path, err);
        if (code != OK)
            return code;
    }
}

enum err_code output_entry_find(struct output_entry *entry, const char *path, struct err *err)
{
    return find(entry, path, ENTRY_FILE, err);
}

enum err_code output_entry_find_own(struct output_entry *entry, const char *path, struct err *err)
{
    enum err_code code = find(entry, path, ENTRY_OWN_FILE, err);
    if (code == OK && entry->exists && !S_ISREG(entry->there.st_mode))
        return err_set(err, E_USAGE,
                       "cannot write %.200s: it is not a regular file; remove it, or name another "
                       "directory",
                       path);
    return code;
}

enum err_code output_entry_check_new(const char *path, struct err *err)
{
    struct output_entry entry;
    enum err_code code = output_entry_find(&entry, path, err);
    if (code == OK && entry.exists)
        code = err_set(err, E_USAGE,
                       "%.200s exists, and is not written over; name a file that does not exist",
                       path);
    else if (code == OK && faccessat(entry.directory_fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        code = err_set_errno(err, E_USAGE, errno, "cannot create %.200s", path);
    output_entry_close(&entry);
    return code;
}

void output_entry_close(struct output_entry *entry)
{
    if (entry->path != NULL && entry->directory_fd >= 0)
        close(entry->directory_fd);
    free(entry->path);
    *entry = (struct output_entry){.directory_fd = -1};
}

enum err_code output_directory_open(int *directory_fd, const char *path, struct err *err)
{
    struct output_entry entry;
    struct stat directory;
    size_t bytes = strlen(path);
    while (bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    char *bare = strcmp(path, "/") == 0 ? strdup("/.") : strndup(path, bytes);
    *directory_fd = -1;
    if (bare == NULL)
        return err_set(err, E_SYSTEM, "no memory for an output");
    enum err_code code = find(&entry, bare, ENTRY_DIRECTORY, err);
    int through = entry.through_proc ? 0 : O_NOFOLLOW;
    if (code == OK)
        *directory_fd =
            openat(entry.directory_fd, entry.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | through);
    if (code == OK && (*directory_fd < 0 || fstat(*directory_fd, &directory) != 0))
        code = err_set_errno(err, E_USAGE, errno, "cannot write to %.200s", path);
    if (code == OK)
        code = check_directory(&directory, path, err);
    if (code != OK && *directory_fd >= 0) {
        close(*directory_fd);
        *directory_fd = -1;
    }
    output_entry_close(&entry);
    free(bare);
    return code;
}
