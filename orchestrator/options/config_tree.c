#include "orchestrator/options/config_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <yaml.h>

#include "common/secret.h"

#define SILENCE_MS 5000 /* of what is no terminal */

struct reader {
    const char *name;
    const char *text;
    size_t text_bytes;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; owned */
    bool has_event;
    unsigned depth;
    struct err *err;
};

static struct config_mark mark_of(const yaml_mark_t *mark)
{
    return (struct config_mark){(unsigned)mark->line + 1, (unsigned)mark->column + 1};
}

enum err_code config_refuse(struct err *err, const char *name, struct config_mark mark,
                            const char *format, ...)
{
    char what[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(err, E_CONFIG, "%.150s:%u:%u: %s", name, mark.line, mark.column, what);
}

static enum err_code refuse(struct reader *reader, const char *what)
{
    return config_refuse(reader->err, reader->name, mark_of(&reader->event.start_mark), "%s", what);
}

static enum err_code out_of_memory(struct reader *reader)
{
    return err_set(reader->err, E_SYSTEM, "reading %s: out of memory", reader->name);
}

static void drop_event(struct reader *reader)
{
    if (reader->has_event && reader->event.type == YAML_SCALAR_EVENT)
        secret_wipe((char *)reader->event.data.scalar.value);
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    reader->has_event = false;
}

/* Of bytes that are no text the parser knows the place, and no line. */
static struct config_mark mark_of_problem(const struct reader *reader)
{
    struct config_mark mark = {1, 1};
    if (reader->parser.error != YAML_READER_ERROR)
        return mark_of(&reader->parser.problem_mark);
    for (size_t i = 0; i < reader->parser.problem_offset && i < reader->text_bytes; i++) {
        mark.column = reader->text[i] == '\n' ? 1 : mark.column + 1;
        mark.line += reader->text[i] == '\n';
    }
    return mark;
}

static enum err_code next_event(struct reader *reader)
{
    drop_event(reader);
    if (yaml_parser_parse(&reader->parser, &reader->event)) {
        reader->has_event = true;
        return OK;
    }
    const char *problem = reader->parser.problem;
    return config_refuse(reader->err, reader->name, mark_of_problem(reader),
                         "neither JSON nor YAML: %s", problem != NULL ? problem : "unreadable");
}

static bool scalar_is_missing(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    return *text == '\0' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

/* The current event's scalar, as a copy. */
static enum err_code take_scalar(struct reader *reader, char **text)
{
    const char *scalar = (const char *)reader->event.data.scalar.value;
    if (strlen(scalar) != reader->event.data.scalar.length)
        return refuse(reader, "a text with a NUL byte in it");
    *text = strdup(scalar);
    return *text != NULL ? OK : out_of_memory(reader);
}

/* A new node at the end of the parent's children; NULL: out of memory. */
static struct config_node *add_child(struct config_node *parent)
{
    if (parent->count == parent->capacity) {
        size_t capacity = parent->capacity == 0 ? 8 : parent->capacity * 2;
        struct config_node *grown = realloc(parent->children, capacity * sizeof *grown);
        if (grown == NULL)
            return NULL;
        parent->children = grown;
        parent->capacity = capacity;
    }
    struct config_node *child = &parent->children[parent->count++];
    *child = (struct config_node){.kind = CONFIG_NOTHING};
    return child;
}

struct config_node *config_node_get(const struct config_node *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->children[i].key, key) == 0)
            return &map->children[i];
    return NULL;
}

struct config_node *config_node_append(struct config_node *parent, enum config_kind kind,
                                       const char *key, struct config_mark mark)
{
    struct config_node *child = add_child(parent);
    if (child == NULL)
        return NULL;
    *child = (struct config_node){
        .kind = kind, .mark = mark, .key = key != NULL ? strdup(key) : NULL, .key_mark = mark};
    return key == NULL || child->key != NULL ? child : NULL;
}

struct config_node *config_node_add(struct config_node *map, const char *key, const char *text,
                                    size_t text_bytes)
{
    struct config_node *child = add_child(map);
    if (child == NULL)
        return NULL;
    *child = (struct config_node){.kind = CONFIG_SCALAR,
                                  .mark = map->mark,
                                  .key = strdup(key),
                                  .key_mark = map->mark,
                                  .text = strndup(text, text_bytes)};
    return child->key != NULL && child->text != NULL ? child : NULL;
}

bool config_node_wrap(struct config_node *node, const char *key)
{
    struct config_node map = {
        .kind = CONFIG_MAP, .mark = node->mark, .key = node->key, .key_mark = node->key_mark};
    struct config_node *child = add_child(&map);
    char *name = strdup(key);
    if (child != NULL && name != NULL) {
        *child = *node;
        child->key = name;
        *node = map;
        return true;
    }
    free(map.children);
    free(name);
    return false;
}

static enum err_code read_node(struct reader *reader, struct config_node *node);

static enum err_code read_list(struct reader *reader, struct config_node *list)
{
    for (;;) {
        enum err_code code = next_event(reader);
        if (code != OK || reader->event.type == YAML_SEQUENCE_END_EVENT)
            return code;
        struct config_node *child = add_child(list);
        if (child == NULL)
            return out_of_memory(reader);
        code = read_node(reader, child);
        if (code != OK)
            return code;
    }
}

/* The next key with its value; the current event is the key. */
static enum err_code read_entry(struct reader *reader, struct config_node *map)
{
    if (reader->event.type != YAML_SCALAR_EVENT)
        return refuse(reader, "a key is the name of what follows it");
    if (map->count == CONFIG_TREE_KEYS_MAX)
        return refuse(reader, "too many keys");
    char *key = NULL;
    enum err_code code = take_scalar(reader, &key);
    if (key == NULL)
        return code;
    struct config_mark mark = mark_of(&reader->event.start_mark);
    const struct config_node *earlier = config_node_get(map, key);
    struct config_node *child = earlier == NULL ? add_child(map) : NULL;
    if (child == NULL) {
        code = earlier == NULL
                   ? out_of_memory(reader)
                   : config_refuse(reader->err, reader->name, mark,
                                   "%.60s stands in line %u already", key, earlier->key_mark.line);
        free(key);
        return code;
    }
    child->key = key;
    child->key_mark = mark;
    code = next_event(reader);
    return code == OK ? read_node(reader, child) : code;
}

static enum err_code read_map(struct reader *reader, struct config_node *map)
{
    for (;;) {
        enum err_code code = next_event(reader);
        if (code != OK || reader->event.type == YAML_MAPPING_END_EVENT)
            return code;
        code = read_entry(reader, map);
        if (code != OK)
            return code;
    }
}

/* The current event, and all that belongs to it, into node. */
static enum err_code read_node(struct reader *reader, struct config_node *node)
{
    node->mark = mark_of(&reader->event.start_mark);
    if (reader->event.type == YAML_SCALAR_EVENT) {
        node->kind = CONFIG_SCALAR;
        node->missing = scalar_is_missing(&reader->event);
        return take_scalar(reader, &node->text);
    }
    if (reader->event.type == YAML_ALIAS_EVENT)
        return refuse(reader, "an alias (*name) is not allowed here");
    if (reader->depth == CONFIG_TREE_DEPTH_MAX)
        return refuse(reader, "lists and maps are nested too deep");
    reader->depth++;
    node->kind = reader->event.type == YAML_SEQUENCE_START_EVENT ? CONFIG_LIST : CONFIG_MAP;
    enum err_code code =
        node->kind == CONFIG_LIST ? read_list(reader, node) : read_map(reader, node);
    reader->depth--;
    return code;
}

/* Stream start, at most one document, stream end. */
static enum err_code read_stream(struct reader *reader, struct config_node *root)
{
    bool had_document = false;
    for (;;) {
        enum err_code code = next_event(reader);
        if (code != OK)
            return code;
        switch (reader->event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (had_document)
                return refuse(reader, "a second document; one file holds one");
            had_document = true;
            break;
        case YAML_STREAM_END_EVENT:
            return OK;
        default:
            code = read_node(reader, root);
            if (code != OK)
                return code;
            if (root->kind == CONFIG_SCALAR && root->missing)
                root->kind = CONFIG_NOTHING;
        }
    }
}

/* The file may hold a password, and the library frees its copies of it as they are. */
static void wipe_buffers(yaml_parser_t *parser)
{
    explicit_bzero(parser->raw_buffer.start,
                   (size_t)(parser->raw_buffer.end - parser->raw_buffer.start));
    explicit_bzero(parser->buffer.start, (size_t)(parser->buffer.end - parser->buffer.start));
}

enum err_code config_tree_parse(struct config_node *root, const char *name, const char *text,
                                size_t text_bytes, struct err *err)
{
    *root = (struct config_node){.kind = CONFIG_NOTHING, .mark = {1, 1}};
    struct reader reader = {.name = name, .text = text, .text_bytes = text_bytes, .err = err};
    if (!yaml_parser_initialize(&reader.parser))
        return err_set(err, E_SYSTEM, "reading %s: out of memory", name);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, text_bytes);
    enum err_code code = read_stream(&reader, root);
    drop_event(&reader);
    wipe_buffers(&reader.parser);
    yaml_parser_delete(&reader.parser);
    return code;
}

/* Whether there is something to read, or the end. A fifo that nobody writes to would never say so. */
static bool await_bytes(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&poll_fd, 1, isatty(fd) ? -1 : SILENCE_MS);
    } while (ready < 0 && errno == EAGAIN);
    if (ready == 0)
        errno = ETIME;
    return ready > 0;
}

/* Up to CONFIG_TREE_BYTES_MAX + 1 bytes. False: errno tells. */
static bool read_all(int fd, char *text, size_t *text_bytes)
{
    *text_bytes = 0;
    while (*text_bytes <= CONFIG_TREE_BYTES_MAX) {
        if (!await_bytes(fd))
            return false;
        ssize_t got = read(fd, text + *text_bytes, CONFIG_TREE_BYTES_MAX + 1 - *text_bytes);
        if (got == 0)
            return true;
        if (got < 0 && errno != EAGAIN)
            return false;
        *text_bytes += got > 0 ? (size_t)got : 0;
    }
    return true;
}

enum err_code config_tree_read(struct config_node *root, const char *path, const char *what,
                               struct err *err)
{
    *root = (struct config_node){.kind = CONFIG_NOTHING};
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_set_errno(err, E_CONFIG, errno, "cannot read the %s %s", what, path);
    enum err_code code;
    size_t text_bytes = 0;
    char *text = malloc(CONFIG_TREE_BYTES_MAX + 1);
    bool whole = text != NULL && read_all(fd, text, &text_bytes);
    int sys_errno = errno;
    if (text == NULL)
        code = err_set(err, E_SYSTEM, "reading %s: out of memory", path);
    else if (!whole && sys_errno == ETIME)
        code = err_set(err, E_CONFIG, "cannot read the %s %s: nothing has come for %d s", what,
                       path, SILENCE_MS / 1000);
    else if (!whole)
        code = err_set_errno(err, E_CONFIG, sys_errno, "cannot read the %s %s", what, path);
    else if (text_bytes > CONFIG_TREE_BYTES_MAX)
        code = err_set(err, E_CONFIG, "the %s %s is larger than 1 MB", what, path);
    else
        code = config_tree_parse(root, path, text, text_bytes, err);
    if (text != NULL)
        explicit_bzero(text, CONFIG_TREE_BYTES_MAX + 1);
    free(text);
    close(fd);
    return code;
}

void config_tree_free(struct config_node *root)
{
    for (size_t i = 0; i < root->count; i++)
        config_tree_free(&root->children[i]);
    free(root->children);
    free(root->array);
    free(root->key);
    secret_wipe(root->text);
    free(root->text);
    *root = (struct config_node){.kind = CONFIG_NOTHING};
}
