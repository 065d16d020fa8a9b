#include "tests/support/check/temp_tree.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void temp_tree_make(struct temp_tree *tree)
{
    snprintf(tree->path, sizeof tree->path, "/tmp/volley-test-XXXXXX");
    ck_assert_msg(mkdtemp(tree->path) != NULL, "mkdtemp: %s", strerror(errno));
}

void temp_tree_write(const struct temp_tree *tree, const char *name, const char *text, mode_t mode)
{
    char path[1024];
    int path_bytes = snprintf(path, sizeof path, "%s%s", tree->path, name);
    ck_assert(path_bytes > 0 && (size_t)path_bytes < sizeof path);
    for (char *slash = path + strlen(tree->path) + 1; (slash = strchr(slash, '/')) != NULL;
         slash++) {
        *slash = '\0';
        ck_assert_msg(mkdir(path, 0700) == 0 || errno == EEXIST, "mkdir %s: %s", path,
                      strerror(errno));
        *slash = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    ck_assert_msg(fd >= 0, "open %s: %s", path, strerror(errno));
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static int entries;

static int count_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)path;
    (void)status;
    (void)kind;
    entries += place->level > 0;
    return 0;
}

int temp_tree_count(const struct temp_tree *tree)
{
    entries = 0;
    ck_assert_int_eq(nftw(tree->path, count_entry, 8, FTW_PHYS), 0);
    return entries;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void temp_tree_remove(const struct temp_tree *tree)
{
    (void)nftw(tree->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
