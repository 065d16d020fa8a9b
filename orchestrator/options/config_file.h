/* Config files, JSON or YAML, as a flat list of keys and texts with their lines: a config_tree of one
 * level. What a key means is for options.c to know. */
#ifndef ORCHESTRATOR_OPTIONS_CONFIG_FILE_H
#define ORCHESTRATOR_OPTIONS_CONFIG_FILE_H

#include <stddef.h>

#include "common/err.h"
#include "orchestrator/options/config_tree.h"

#define CONFIG_FILE_BYTES_MAX CONFIG_TREE_BYTES_MAX
#define CONFIG_FILE_KEYS_MAX CONFIG_TREE_KEYS_MAX

struct config_entry {
    char *key;
    char *value; /* a scalar as written; the elements of a list joined by commas */
    unsigned line;
};

struct config_file {
    struct config_entry *entries; /* in the file's order, every key once */
    size_t count;
};

/* One mapping of names to scalars or lists of scalars; a file without any content is an empty one.
 * E_CONFIG, naming file and line: anything else, a key that comes twice, a null, text with a NUL.
 * config_file_free in any case. name stands for the file in messages. */
MUST_USE enum err_code config_file_read(struct config_file *file, const char *path,
                                        struct err *err);
MUST_USE enum err_code config_file_parse(struct config_file *file, const char *name,
                                         const char *text, size_t text_bytes, struct err *err);
void config_file_free(struct config_file *file);

#endif
