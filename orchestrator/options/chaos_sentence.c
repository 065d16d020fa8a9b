#include "orchestrator/options/chaos_plan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct sentence {
    const struct file_object *actions;
    struct config_node map; /* what it stands for */
    const char *at;
    struct err *reason;
};

static enum err_code refuse(struct sentence *sentence, const char *what, const char *text,
                            size_t text_bytes)
{
    return err_set(sentence->reason, E_CONFIG, "%s: %.*s", what,
                   (int)(text_bytes < 60 ? text_bytes : 60), text);
}

/* The next word's length, 0 at the end. It stands at sentence->at. */
static size_t word_ahead(struct sentence *sentence)
{
    sentence->at += strspn(sentence->at, " \t\r\n");
    return strcspn(sentence->at, " \t\r\n");
}

static bool is_word(const char *text, size_t bytes, const char *word)
{
    return strlen(word) == bytes && strncasecmp(text, word, bytes) == 0;
}

/* Takes the next word as the value of a key; NULL: of none. */
static enum err_code take_value(struct sentence *sentence, const char *key)
{
    size_t bytes = word_ahead(sentence);
    if (key != NULL && bytes == 0)
        return refuse(sentence, "a value is missing behind", key, strlen(key));
    if (key == NULL || config_node_get(&sentence->map, key) != NULL)
        return refuse(sentence, "one word too many", sentence->at, bytes);
    if (config_node_add(&sentence->map, key, sentence->at, bytes) == NULL)
        return err_set(sentence->reason, E_SYSTEM, "out of memory");
    sentence->at += bytes;
    return OK;
}

/* A blank counts as a hyphen. */
static bool same_name(const char *name, const char *text, size_t text_bytes)
{
    if (strlen(name) != text_bytes)
        return false;
    for (size_t i = 0; i < text_bytes; i++)
        if (name[i] != (text[i] == ' ' ? '-' : tolower((unsigned char)text[i])))
            return false;
    return true;
}

static const struct file_variant *find_action(const struct file_object *actions, const char *text,
                                              size_t text_bytes)
{
    for (size_t i = 0; i < actions->variant_count; i++)
        if (same_name(actions->variants[i].name, text, text_bytes))
            return &actions->variants[i];
    return NULL;
}

/* The action: one word, or two where a blank stands for the hyphen. One that is unknown is for the reader to
 * refuse, which knows the nearest name; *action is NULL then. */
static enum err_code take_action(struct sentence *sentence, const struct file_variant **action)
{
    size_t first = word_ahead(sentence);
    const char *begin = sentence->at;
    if (first == 0)
        return refuse(sentence, "an action is missing behind the time", "at 10s: kill node 0", 19);
    sentence->at += first;
    size_t both = word_ahead(sentence);
    both += (size_t)(sentence->at - begin);
    *action = find_action(sentence->actions, begin, both);
    if (*action == NULL) {
        both = first;
        *action = find_action(sentence->actions, begin, first);
    }
    sentence->at = begin;
    if (*action == NULL)
        return take_value(sentence, sentence->actions->tag);
    sentence->at += both;
    return config_node_add(&sentence->map, sentence->actions->tag, (*action)->name,
                           strlen((*action)->name)) != NULL
               ? OK
               : err_set(sentence->reason, E_SYSTEM, "out of memory");
}

/* The key of any action that this word is; NULL: none. */
static const char *key_named(const struct file_object *actions, const char *text, size_t bytes)
{
    for (size_t i = 0; i < actions->variant_count; i++)
        for (size_t k = 0; k < actions->variants[i].field_count; k++)
            if (is_word(text, bytes, actions->variants[i].fields[k].row.name))
                return actions->variants[i].fields[k].row.name;
    return NULL;
}

/* "node 2", "for 3s", "from node 0", "100 slots", or a value alone, which is of the action's first key. */
static enum err_code take_part(struct sentence *sentence, const struct file_variant *action)
{
    size_t bytes = word_ahead(sentence);
    const char *key = key_named(sentence->actions, sentence->at, bytes);
    if (key != NULL) {
        sentence->at += bytes;
        bytes = word_ahead(sentence);
        bool between = strcmp(key, "from") == 0 || strcmp(key, "to") == 0;
        if (between && is_word(sentence->at, bytes, "node"))
            sentence->at += bytes;
        return take_value(sentence, key);
    }
    struct sentence behind = *sentence;
    behind.at += bytes;
    size_t next = word_ahead(&behind);
    bool slots = is_word(behind.at, next, "slots") || is_word(behind.at, next, "slot");
    const char *bare = action->field_count > 0 ? action->fields[0].row.name : NULL;
    enum err_code code = take_value(sentence, slots ? "slots" : bare);
    if (code == OK && slots)
        sentence->at = behind.at + next;
    return code;
}

/* "at 10s", which ends at a colon or with the text. */
static enum err_code take_time(struct sentence *sentence, const char *text)
{
    size_t head_bytes = strcspn(text, ":");
    char *head = strndup(text, head_bytes);
    if (head == NULL)
        return err_set(sentence->reason, E_SYSTEM, "out of memory");
    enum err_code code = OK;
    sentence->at = head;
    size_t bytes = word_ahead(sentence);
    if (!is_word(sentence->at, bytes, "at"))
        code = refuse(sentence, "an action begins with its time, \"at 10s: kill node 0\"", text,
                      head_bytes);
    sentence->at += bytes;
    if (code == OK && word_ahead(sentence) == 0)
        code = refuse(sentence, "the time is missing", text, head_bytes);
    if (code == OK)
        code = take_value(sentence, "at");
    if (code == OK && word_ahead(sentence) > 0)
        code = refuse(sentence, "one word too many before the colon", sentence->at,
                      strlen(sentence->at));
    free(head);
    return code;
}

static enum err_code take_sentence(struct sentence *sentence, const char *head, const char *rest)
{
    const struct file_variant *action = NULL;
    if (rest == NULL)
        return refuse(sentence, "an action reads like \"at 10s: kill node 0\", not", head,
                      strlen(head));
    enum err_code code = take_time(sentence, head);
    sentence->at = rest;
    if (code == OK)
        code = take_action(sentence, &action);
    while (code == OK && action != NULL && word_ahead(sentence) > 0)
        code = take_part(sentence, action);
    return code;
}

/* {at: 10s, cache: clear}. */
static enum err_code name_action(const struct file_object *actions, struct config_node *map,
                                 struct err *reason)
{
    struct config_node *cache = config_node_get(map, "cache");
    if (cache == NULL || cache->kind != CONFIG_SCALAR || config_node_get(map, actions->tag) != NULL)
        return OK;
    if (strcasecmp(cache->text, "clear") != 0)
        return err_set(reason, E_CONFIG, "cache: %.40s: allowed: clear", cache->text);
    char *key = strdup(actions->tag), *text = strdup("cache-clear");
    if (key == NULL || text == NULL) {
        free(key);
        free(text);
        return err_set(reason, E_SYSTEM, "out of memory");
    }
    free(cache->key);
    free(cache->text);
    cache->key = key;
    cache->text = text;
    return OK;
}

enum err_code chaos_sentence_rewrite(const struct file_object *actions, struct config_node *node,
                                     struct err *reason)
{
    const struct config_node *only = node->children;
    struct sentence sentence = {
        .actions = actions,
        .map = {.kind = CONFIG_MAP, .mark = node->mark, .key_mark = node->key_mark},
        .reason = reason};
    enum err_code code;
    if (node->kind == CONFIG_MAP && node->count == 1 && only->kind == CONFIG_SCALAR &&
        strncasecmp(only->key, "at ", 3) == 0) {
        code = take_sentence(&sentence, only->key, only->text);
    } else if (node->kind == CONFIG_SCALAR && !node->missing) {
        const char *colon = strchr(node->text, ':');
        code = take_sentence(&sentence, node->text, colon != NULL ? colon + 1 : NULL);
    } else {
        struct config_node *tag =
            node->kind == CONFIG_MAP ? config_node_get(node, actions->tag) : NULL;
        for (char *c = tag != NULL ? tag->text : NULL; c != NULL && *c != '\0'; c++)
            *c = *c == ' ' ? '-' : *c;
        return node->kind == CONFIG_MAP ? name_action(actions, node, reason) : OK;
    }
    if (code == OK) {
        sentence.map.key = node->key;
        node->key = NULL;
        config_tree_free(node);
        *node = sentence.map;
    } else {
        config_tree_free(&sentence.map);
    }
    return code;
}
