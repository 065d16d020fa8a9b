#include "orchestrator/machine/program_path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* First match in a list of directories as PATH has them. */
static bool find_in(char *path, size_t path_bytes, const char *directories, const char *name)
{
    for (const char *at = directories; *at != '\0';) {
        size_t bytes = strcspn(at, ":");
        int written = snprintf(path, path_bytes, "%.*s/%s", (int)bytes, at, name);
        if (bytes > 0 && written > 0 && (size_t)written < path_bytes && is_program(path))
            return true;
        at += bytes + (at[bytes] == ':');
    }
    return false;
}

bool program_path_find_listed(char *path, size_t path_bytes, const char *name)
{
    const char *directories = getenv("PATH");
    return find_in(path, path_bytes, directories != NULL ? directories : "", name);
}

bool program_path_find(char *path, size_t path_bytes, const char *name)
{
    return program_path_find_listed(path, path_bytes, name) ||
           find_in(path, path_bytes, "/usr/local/bin:/usr/bin:/usr/sbin", name);
}

bool program_path_beside(char *path, size_t path_bytes, const char *const *places,
                         size_t place_count, const char *name)
{
    char program[PATH_MAX];
    const ssize_t bytes = readlink("/proc/self/exe", program, sizeof program - 1);
    program[bytes > 0 ? bytes : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    for (size_t i = 0; i < place_count; i++) {
        const int length = snprintf(path, path_bytes, "%s/%s/%s", program, places[i], name);
        if (length > 0 && (size_t)length < path_bytes && access(path, R_OK) == 0)
            return true;
    }
    return false;
}
