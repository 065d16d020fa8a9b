#include "orchestrator/suite/suite_leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS "0123456789"
#define RANDOM_LETTERS "abcdefghijklmnopqrstuvwxyz" DIGITS
#define RANDOM_BYTES 6u
#define TEMPORARY_BYTES (sizeof "." - 1 + RANDOM_BYTES + sizeof ".tmp" - 1)

static bool is_text(const char *at, size_t bytes, const char *text)
{
    return bytes == strlen(text) && strncmp(at, text, bytes) == 0;
}

/* "run-12.hlog", "flamegraph-3-GET.html": a number behind the first part, and behind that nothing, or what begins so. */
static bool is_numbered(const char *name, size_t bytes, const char *first, const char *behind,
                        const char *ending)
{
    const size_t first_bytes = strlen(first), ending_bytes = strlen(ending);
    if (bytes <= first_bytes + ending_bytes || strncmp(name, first, first_bytes) != 0 ||
        strncmp(name + bytes - ending_bytes, ending, ending_bytes) != 0)
        return false;
    const size_t digits = strspn(name + first_bytes, DIGITS);
    const size_t end = first_bytes + digits;
    return digits > 0 && (behind[0] == '\0' ? end == bytes - ending_bytes : name[end] == behind[0]);
}

static bool is_of_suite(const char *name, size_t bytes)
{
    static const char *const names[] = {".run.json", "metrics.json", "comparison.md"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is_text(name, bytes, names[i]))
            return true;
    return is_numbered(name, bytes, "run-", "", ".hlog") ||
           is_numbered(name, bytes, "flamegraph-", "-", ".html") ||
           is_numbered(name, bytes, "flamegraph-", "-", ".folded");
}

/* NAME.XXXXXX.tmp, as output.c has it, or what is never kept. */
static bool is_left(const char *name)
{
    const size_t bytes = strlen(name);
    if (strcmp(name, ".run.json") == 0 || strcmp(name, ".perf.data") == 0)
        return true;
    if (bytes <= TEMPORARY_BYTES)
        return false;
    const char *ending = name + bytes - TEMPORARY_BYTES;
    return ending[0] == '.' && strspn(ending + 1, RANDOM_LETTERS) == RANDOM_BYTES &&
           strcmp(ending + 1 + RANDOM_BYTES, ".tmp") == 0 &&
           is_of_suite(name, bytes - TEMPORARY_BYTES);
}

size_t suite_leftovers_remove(const char *directory)
{
    struct stat about;
    size_t count = 0;
    DIR *entries = opendir(directory);
    for (const struct dirent *entry = entries != NULL ? readdir(entries) : NULL; entry != NULL;
         entry = readdir(entries))
        if (is_left(entry->d_name) &&
            fstatat(dirfd(entries), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(about.st_mode) && unlinkat(dirfd(entries), entry->d_name, 0) == 0)
            count++;
    if (entries != NULL)
        (void)closedir(entries);
    return count;
}
