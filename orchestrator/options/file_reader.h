/* Files that people write, JSON or YAML, read by tables. A kind of file is a table of fields; from it come
 * the reading, and messages with file, line and column. Adding a kind: docs/design/files-of-users.md.
 *
 * What is read goes into the caller's structs, and points into the struct file, which is freed last. */
#ifndef ORCHESTRATOR_OPTIONS_FILE_READER_H
#define ORCHESTRATOR_OPTIONS_FILE_READER_H

#include "orchestrator/options/config_tree.h"
#include "orchestrator/options/options.h"

enum file_form {
    FILE_VALUE,  /* one value                                                        */
    FILE_OBJECT, /* keys that are known, each with what is its own; a struct within the target   */
    FILE_LIST,   /* elements of one form: an array                                   */
    FILE_MAP,    /* likewise, under names that the user chooses; each begins with a file_place */
    FILE_ANY     /* whatever it is, it is not read: for the caller to say so                     */
};

struct file_field {
    /* Name, help and place in the target. A value is described as an option's is: kind, limits, default
     * (`unset`), hint, parse. parse's error is the reason alone. */
    struct option_row row;
    enum file_form form;
    bool required;
    bool joins; /* FILE_VALUE: may be a list, whose elements are joined by commas */
    const struct file_object *object; /* FILE_OBJECT */
    /* FILE_LIST, FILE_MAP: what an element is and its size; row.offset is that of the array's pointer. */
    const struct file_field *of;
    size_t element_bytes;
    size_t count_offset; /* of a size_t */
    size_t least, most;  /* elements; most 0: no limit but the file's size */
    bool nameless;       /* FILE_MAP: a name may be empty                              */
    bool alone;          /* FILE_LIST: what is no list is the only element of one */
};

/* One of several objects that stand in the same place. */
struct file_variant {
    const char *name;
    const struct file_field *fields;
    size_t field_count;
    size_t
        telling_count; /* without a tag: that one of the first so many is there tells the variant */
    const char *help;
};

struct file_object {
    const char *name; /* "an item": in messages, and of its part of the schema */
    const char *help;
    const struct file_field *fields;
    size_t field_count;
    /* Which variant it is says the value of the key `tag`, or, when that is NULL, which variant's telling keys
     * are there. Its fields are allowed beside the fields above. */
    const struct file_variant *variants;
    size_t variant_count;
    const char *tag;
    const char *tag_help;
    /* A value or list, as the first field takes, stands for a map that has only this field. */
    bool short_form;
    /* Called first: makes other ways to write the object into the map that they stand for, and leaves what it
     * does not know. Its error is the reason alone. May be NULL. */
    enum err_code (*rewrite)(const struct file_object *object, struct config_node *node,
                             struct err *reason);
    const char *other_forms; /* JSON Schema of these ways, a list as text; NULL: there are none */
};

/* The fields of an object that is this variant, one by one; NULL behind the last. */
const struct file_field *file_object_field(const struct file_object *object, size_t variant,
                                           size_t index);

/* The struct of an object begins with one: where it stands, and which variant it is. */
struct file_place {
    const struct config_node *node;
    size_t variant;
};

struct file_kind {
    const char *name; /* "rate-plan": of its schema */
    const char *what; /* "rate plan": in messages   */
    const char *help;
    struct file_field root; /* the row's offset: in the target of file_read */
};

struct file_source {
    const char *name; /* the path; in messages */
    const char *text; /* what it holds; NULL: the file is read */
    size_t text_bytes;
};

struct file {
    const char *name; /* the source's */
    struct config_node root;
};

/* Reads into target, which the caller has zeroed. E_CONFIG, as "name:line:column: what is wrong; what is
 * allowed". file_free in any case, when target is no longer looked at. */
MUST_USE enum err_code file_read(struct file *file, const struct file_kind *kind, void *target,
                                 const struct file_source *source, struct err *err);
void file_free(struct file *file);
/* Its two halves, for a caller that puts something into the tree in between. file_free in any case. */
MUST_USE enum err_code file_parse(struct file *file, const struct file_kind *kind,
                                  const struct file_source *source, struct err *err);
MUST_USE enum err_code file_read_tree(struct file *file, const struct file_kind *kind, void *target,
                                      struct err *err);

/* Whether a key of an object was given. */
bool file_given(const struct file_place *place, const char *key);
/* E_CONFIG for what only the caller can know, at this key of an object, or at the object when the key is NULL
 * or was not given. */
enum err_code file_refuse(const struct file *file, const struct file_place *place, const char *key,
                          struct err *err, const char *format, ...) PRINTF_LIKE(5, 6);

#endif
