#include "orchestrator/machine/cache_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/printable.h"

bool cache_folder_is_own(const char *path, bool folder)
{
    struct stat status;
    return lstat(path, &status) == 0 &&
           (folder ? S_ISDIR(status.st_mode) : S_ISREG(status.st_mode)) &&
           status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static enum err_code find_path(char *path, size_t path_bytes, const char *given, const char *name,
                               const char *instead, struct err *err)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const bool has_cache = cache != NULL && cache[0] == '/';
    if (given == NULL && !has_cache && (home == NULL || home[0] != '/'))
        return err_set(err, E_SYSTEM,
                       "no folder for what is compiled: set XDG_CACHE_HOME or HOME, or %s",
                       instead);
    const int length = given != NULL
                           ? snprintf(path, path_bytes, "%s", given)
                           : snprintf(path, path_bytes, "%s%s/volley/%s", has_cache ? cache : home,
                                      has_cache ? "" : "/.cache", name);
    if (length <= 0 || (size_t)length >= path_bytes)
        return err_set(err, E_SYSTEM, "the path of the cache folder is too long");
    return OK;
}

enum err_code cache_folder_make(char *path, size_t path_bytes, const char *given, const char *name,
                                const char *instead, struct err *err)
{
    if (find_path(path, path_bytes, given, name, instead, err) != OK)
        return err->code;
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = '\0';
        const bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        const int cause = errno;
        if (!made)
            return err_set(err, E_SYSTEM, "%s: cannot be made: %s", PRINTABLE(path),
                           strerror(cause));
        if (slash == NULL)
            break;
        *slash = '/';
    }
    if (!cache_folder_is_own(path, true))
        return err_set(err, E_SYSTEM,
                       "%s: is no folder of yours alone, so nothing that stands there is run; %s",
                       PRINTABLE(path),
                       given == NULL ? "set XDG_CACHE_HOME to another place" : "name another one");
    return OK;
}
