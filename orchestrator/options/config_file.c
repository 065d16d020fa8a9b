#include "orchestrator/options/config_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

struct reader {
    struct config_file *file;
    const char *name;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; owned */
    bool has_event;
    struct err *err;
};

static unsigned event_line(const struct reader *reader)
{
    return (unsigned)reader->event.start_mark.line + 1;
}

static enum err_code refuse(struct reader *reader, const char *what)
{
    return err_set(reader->err, E_CONFIG, "%s:%u: %s", reader->name, event_line(reader), what);
}

static void drop_event(struct reader *reader)
{
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    reader->has_event = false;
}

static enum err_code next_event(struct reader *reader)
{
    drop_event(reader);
    if (yaml_parser_parse(&reader->parser, &reader->event)) {
        reader->has_event = true;
        return OK;
    }
    const char *problem = reader->parser.problem;
    return err_set(reader->err, E_CONFIG, "%s:%zu: neither JSON nor YAML: %s", reader->name,
                   reader->parser.problem_mark.line + 1, problem != NULL ? problem : "unreadable");
}

static bool scalar_is_null(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    return *text == '\0' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

/* Appends the current event's scalar to *text, which grows; *text_bytes counts without the NUL. */
static enum err_code append_scalar(struct reader *reader, char **text, size_t *text_bytes,
                                   bool with_comma)
{
    const char *scalar = (const char *)reader->event.data.scalar.value;
    size_t scalar_bytes = reader->event.data.scalar.length;
    if (strlen(scalar) != scalar_bytes)
        return refuse(reader, "a text with a NUL byte in it");
    char *grown = realloc(*text, *text_bytes + scalar_bytes + 2);
    if (grown == NULL)
        return err_set(reader->err, E_SYSTEM, "reading %s: out of memory", reader->name);
    *text = grown;
    if (with_comma)
        grown[(*text_bytes)++] = ',';
    memcpy(grown + *text_bytes, scalar, scalar_bytes + 1);
    *text_bytes += scalar_bytes;
    return OK;
}

/* The same for a value, which must be there. A key may well be called null. */
static enum err_code append_value(struct reader *reader, char **text, size_t *text_bytes,
                                  bool with_comma)
{
    if (scalar_is_null(&reader->event))
        return refuse(reader, "a value is missing");
    return append_scalar(reader, text, text_bytes, with_comma);
}

static enum err_code read_list(struct reader *reader, char **value)
{
    size_t value_bytes = 0;
    for (bool first = true;; first = false) {
        enum err_code code = next_event(reader);
        if (code != OK)
            return code;
        if (reader->event.type == YAML_SEQUENCE_END_EVENT)
            return first ? refuse(reader, "a list without elements") : OK;
        if (reader->event.type != YAML_SCALAR_EVENT)
            return refuse(reader, "a list holds plain values only");
        code = append_value(reader, value, &value_bytes, !first);
        if (code != OK)
            return code;
    }
}

/* The value behind a key: the event after it. */
static enum err_code read_value(struct reader *reader, char **value)
{
    size_t value_bytes = 0;
    enum err_code code = next_event(reader);
    if (code != OK)
        return code;
    switch (reader->event.type) {
    case YAML_SCALAR_EVENT:
        return append_value(reader, value, &value_bytes, false);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(reader, value);
    case YAML_ALIAS_EVENT:
        return refuse(reader, "an alias (*name) is not allowed here");
    default:
        return refuse(reader, "a value is a text, a number, true, false, or a list of these");
    }
}

static const struct config_entry *find_entry(const struct config_file *file, const char *key)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->entries[i].key, key) == 0)
            return &file->entries[i];
    return NULL;
}

/* The next entry of the file with the current event, a scalar, as its key. */
static enum err_code add_entry(struct reader *reader)
{
    struct config_file *file = reader->file;
    if (file->count == CONFIG_FILE_KEYS_MAX)
        return refuse(reader, "too many keys");
    if (file->count == file->capacity) {
        size_t capacity = file->capacity == 0 ? 32 : file->capacity * 2;
        struct config_entry *grown = realloc(file->entries, capacity * sizeof *grown);
        if (grown == NULL)
            return err_set(reader->err, E_SYSTEM, "reading %s: out of memory", reader->name);
        file->entries = grown;
        file->capacity = capacity;
    }
    char *key = NULL;
    size_t key_bytes = 0;
    enum err_code code = append_scalar(reader, &key, &key_bytes, false);
    if (code != OK) {
        free(key);
        return code;
    }
    unsigned line = event_line(reader);
    const struct config_entry *earlier = find_entry(file, key);
    if (earlier != NULL) {
        code = err_set(reader->err, E_CONFIG, "%s:%u: %.60s stands in line %u already",
                       reader->name, line, key, earlier->line);
        free(key);
        return code;
    }
    struct config_entry *entry = &file->entries[file->count++];
    *entry = (struct config_entry){.key = key, .line = line};
    return read_value(reader, &entry->value);
}

static enum err_code read_mapping(struct reader *reader)
{
    for (;;) {
        enum err_code code = next_event(reader);
        if (code != OK || reader->event.type == YAML_MAPPING_END_EVENT)
            return code;
        if (reader->event.type != YAML_SCALAR_EVENT || reader->event.data.scalar.length == 0)
            return refuse(reader, "a key is the name of an option");
        code = add_entry(reader);
        if (code != OK)
            return code;
    }
}

/* Stream start, at most one document with one mapping in it, stream end. */
static enum err_code read_stream(struct reader *reader)
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
        case YAML_MAPPING_START_EVENT:
            code = read_mapping(reader);
            if (code != OK)
                return code;
            break;
        case YAML_SCALAR_EVENT:
            if (scalar_is_null(&reader->event))
                break;
            /* fall through */
        default:
            return refuse(reader, "options with their values are expected, as in \"clients: 50\"");
        }
    }
}

enum err_code config_file_parse(struct config_file *file, const char *name, const char *text,
                                size_t text_bytes, struct err *err)
{
    *file = (struct config_file){0};
    struct reader reader = {.file = file, .name = name, .err = err};
    if (!yaml_parser_initialize(&reader.parser))
        return err_set(err, E_SYSTEM, "reading %s: out of memory", name);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, text_bytes);
    enum err_code code = read_stream(&reader);
    drop_event(&reader);
    yaml_parser_delete(&reader.parser);
    return code;
}

enum err_code config_file_read(struct config_file *file, const char *path, struct err *err)
{
    *file = (struct config_file){0};
    FILE *stream = fopen(path, "re");
    if (stream == NULL)
        return err_set_errno(err, E_CONFIG, errno, "cannot read the config file %s", path);
    enum err_code code;
    char *text = malloc(CONFIG_FILE_BYTES_MAX + 1);
    if (text == NULL) {
        code = err_set(err, E_SYSTEM, "reading %s: out of memory", path);
    } else {
        size_t text_bytes = fread(text, 1, CONFIG_FILE_BYTES_MAX + 1, stream);
        if (ferror(stream))
            code = err_set_errno(err, E_CONFIG, errno, "cannot read the config file %s", path);
        else if (text_bytes > CONFIG_FILE_BYTES_MAX)
            code = err_set(err, E_CONFIG, "the config file %s is larger than 1 MB", path);
        else
            code = config_file_parse(file, path, text, text_bytes, err);
    }
    free(text);
    fclose(stream);
    return code;
}

void config_file_free(struct config_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->entries[i].key);
        free(file->entries[i].value);
    }
    free(file->entries);
    *file = (struct config_file){0};
}
