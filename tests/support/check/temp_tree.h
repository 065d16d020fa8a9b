/* A temporary directory with small files in it. Fails the running test when it cannot be made. */
#ifndef TESTS_SUPPORT_CHECK_TEMP_TREE_H
#define TESTS_SUPPORT_CHECK_TEMP_TREE_H

#include <sys/types.h>

struct temp_tree {
    char path[128];
};

void temp_tree_make(struct temp_tree *tree);
/* Writes a file, "/sys/fs/cgroup/cpu.max", and makes its directories. */
void temp_tree_write(const struct temp_tree *tree, const char *name, const char *text, mode_t mode);
/* Entries in the tree, directories too, itself not. */
int temp_tree_count(const struct temp_tree *tree);
void temp_tree_remove(const struct temp_tree *tree);

#endif
