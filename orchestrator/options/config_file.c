#include "orchestrator/options/config_file.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"

static enum err_code refuse(const char *name, unsigned line, const char *what, struct err *err)
{
    return err_set(err, E_CONFIG, "%s:%u: %s", name, line, what);
}

/* The elements joined by commas, as they would be given on a command line. */
static enum err_code join(char **value, const struct config_node *list, const char *name,
                          struct err *err)
{
    size_t bytes = 1, used = 0;
    if (list->count == 0)
        return refuse(name, list->line, "a list without elements", err);
    for (size_t i = 0; i < list->count; i++) {
        const struct config_node *element = &list->children[i];
        if (element->kind != CONFIG_SCALAR)
            return refuse(name, element->line, "a list holds plain values only", err);
        if (element->missing)
            return refuse(name, element->line, "a value is missing", err);
        bytes += strlen(element->text) + 1;
    }
    char *text = malloc(bytes);
    if (text == NULL)
        return err_set(err, E_SYSTEM, "reading %s: out of memory", name);
    for (size_t i = 0; i < list->count; i++) {
        const char *element = list->children[i].text;
        size_t element_bytes = strlen(element);
        if (i > 0)
            text[used++] = ',';
        memcpy(text + used, element, element_bytes);
        used += element_bytes;
    }
    text[used] = '\0';
    *value = text;
    return OK;
}

static enum err_code add_entry(struct config_file *file, const struct config_node *node,
                               const char *name, struct err *err)
{
    struct config_entry *entry = &file->entries[file->count];
    *entry = (struct config_entry){.line = node->key_line};
    enum err_code code = OK;
    if (node->kind == CONFIG_LIST)
        code = join(&entry->value, node, name, err);
    else if (node->kind != CONFIG_SCALAR)
        code = refuse(name, node->line,
                      "a value is a text, a number, true, false, or a list of these", err);
    else if (node->missing)
        code = refuse(name, node->line, "a value is missing", err);
    else
        entry->value = strdup(node->text);
    if (code != OK)
        return code;
    entry->key = strdup(node->key);
    file->count++;
    if (entry->key == NULL || entry->value == NULL)
        return err_set(err, E_SYSTEM, "reading %s: out of memory", name);
    return OK;
}

static enum err_code flatten(struct config_file *file, const struct config_node *root,
                             const char *name, struct err *err)
{
    if (root->kind == CONFIG_NOTHING)
        return OK;
    if (root->kind != CONFIG_MAP)
        return refuse(name, root->line,
                      "options with their values are expected, as in \"clients: 50\"", err);
    file->entries = calloc(root->count + 1, sizeof *file->entries);
    if (file->entries == NULL)
        return err_set(err, E_SYSTEM, "reading %s: out of memory", name);
    enum err_code code = OK;
    for (size_t i = 0; i < root->count && code == OK; i++)
        code = add_entry(file, &root->children[i], name, err);
    return code;
}

enum err_code config_file_parse(struct config_file *file, const char *name, const char *text,
                                size_t text_bytes, struct err *err)
{
    struct config_node root;
    *file = (struct config_file){0};
    enum err_code code = config_tree_parse(&root, name, text, text_bytes, err);
    if (code == OK)
        code = flatten(file, &root, name, err);
    config_tree_free(&root);
    return code;
}

enum err_code config_file_read(struct config_file *file, const char *path, struct err *err)
{
    struct config_node root;
    *file = (struct config_file){0};
    enum err_code code = config_tree_read(&root, path, "config file", err);
    if (code == OK)
        code = flatten(file, &root, path, err);
    config_tree_free(&root);
    return code;
}

void config_file_free(struct config_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->entries[i].key);
        secret_wipe(file->entries[i].value);
        free(file->entries[i].value);
    }
    free(file->entries);
    *file = (struct config_file){0};
}
