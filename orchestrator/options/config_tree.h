/* JSON or YAML text as a tree of maps, lists and scalars with their places. Both are read by libyaml,
 * JSON being a part of YAML, so that messages can name line and column. What a key means, and whether a scalar
 * is a number, is for the caller to know. */
#ifndef ORCHESTRATOR_OPTIONS_CONFIG_TREE_H
#define ORCHESTRATOR_OPTIONS_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

#define CONFIG_TREE_BYTES_MAX (1024 * 1024)
#define CONFIG_TREE_KEYS_MAX 1000 /* of one map */
#define CONFIG_TREE_DEPTH_MAX 24  /* maps and lists within each other */

enum config_kind { CONFIG_NOTHING, CONFIG_SCALAR, CONFIG_LIST, CONFIG_MAP };

/* From 1 on; columns are characters. */
struct config_mark {
    unsigned line, column;
};

struct config_node {
    enum config_kind kind;   /* CONFIG_NOTHING: a text without content; of the root alone */
    struct config_mark mark; /* where it begins                                           */
    char *key;               /* its name when it stands in a map, be it "", else NULL      */
    struct config_mark key_mark;
    char *text;   /* CONFIG_SCALAR: as written; without a NUL byte */
    bool missing; /* CONFIG_SCALAR: null, ~ or nothing at all      */
    struct config_node *children;
    size_t count, capacity;
    void *array; /* of the reader: what it made of the children; freed with the node */
};

/* The one document of a text. E_CONFIG, as config_refuse says it: neither JSON nor YAML, a second
 * document, a key that comes twice or is no scalar, an alias, text with a NUL, too many or too deep.
 * config_tree_free in any case. */
MUST_USE enum err_code config_tree_parse(struct config_node *root, const char *name,
                                         const char *text, size_t text_bytes, struct err *err);
/* The same of a file; `what` says what kind of file in messages: "config file". */
MUST_USE enum err_code config_tree_read(struct config_node *root, const char *path,
                                        const char *what, struct err *err);
void config_tree_free(struct config_node *root);

/* What a map has under this key; NULL: nothing. */
struct config_node *config_node_get(const struct config_node *map, const char *key);

/* One entry more of a map, with this text, where the map begins. NULL: out of memory. */
MUST_USE struct config_node *config_node_add(struct config_node *map, const char *key,
                                             const char *text, size_t text_bytes);
/* One child more of a list or map, without content, at this place; key NULL: of a list. It stays where it is until the
 * next one. NULL: out of memory. */
MUST_USE struct config_node *config_node_append(struct config_node *parent, enum config_kind kind,
                                                const char *key, struct config_mark mark);
/* Puts a node into a map of its own, under this key; the map stands in its place. */
MUST_USE bool config_node_wrap(struct config_node *node, const char *key);

/* E_CONFIG: "name:line:column: what is wrong". */
enum err_code config_refuse(struct err *err, const char *name, struct config_mark mark,
                            const char *format, ...) PRINTF_LIKE(4, 5);

#endif
