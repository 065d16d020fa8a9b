/* A workload file as it stands there, field by field. Private to workload_file.c, which makes a plan of it. */
#ifndef ORCHESTRATOR_OPTIONS_WORKLOAD_DOCUMENT_H
#define ORCHESTRATOR_OPTIONS_WORKLOAD_DOCUMENT_H

#include "orchestrator/options/buffer_file.h"
#include "orchestrator/options/dataset.h"
#include "orchestrator/options/file_reader.h"
#include "worker/worker.h"

#define WORKLOAD_NAME_BYTES_MAX 63u

struct key_entry {
    struct file_place place;
    struct plan_key_space space;
    const char *prefix;
    char usual_prefix[WORKLOAD_NAME_BYTES_MAX + 2];
    double exponent;
    bool scatter;
};
struct lognormal_entry {
    struct file_place place;
    uint64_t median_bytes, p99_bytes, max_bytes;
};
struct pareto_entry {
    struct file_place place;
    uint64_t min_bytes, max_bytes;
    double shape;
};
struct size_entry {
    struct file_place place;
    struct size_wish wish;
    struct lognormal_entry lognormal;
    struct pareto_entry pareto;
};
struct data_entry {
    struct file_place place;
    const char *path;
    unsigned format; /* enum dataset_format, behind "auto" */
    unsigned order;  /* 1: random */
    uint64_t rows;   /* 0: all    */
};
enum content_word { WORD_LETTERS, WORD_RANDOM };
struct content_entry {
    struct file_place place;
    unsigned word; /* enum content_word */
    double compressible;
    struct data_entry table; /* its place is the content's */
    const char *field;
};
struct value_entry {
    struct file_place place;
    struct size_entry size;
    struct content_entry content;
    bool per_key;
    struct dataset dataset; /* of content: {file: ...} */
};
struct command_entry {
    struct file_place place;
    const char *text;
    const char **words;
    size_t word_count;
    struct plan_command command; /* what becomes of it */
    char *split;                 /* owned: the words of the text ... */
    const char **split_words;    /* ... and the list of them         */
};
struct class_entry {
    struct file_place place;
    const char *name;
    uint64_t weight;
    unsigned unit; /* enum class_unit */
    struct command_entry command;
    struct command_entry *commands;
    size_t command_count;
    const char *on_miss, *then;
    unsigned until;            /* 1: hit */
    struct plan_command *list; /* owned */
};
/* A script, or a library of functions. */
struct script_entry {
    struct file_place place;
    const char *text;
    const char *path;
    char *bytes; /* owned: the file's */
};
struct prefill_entry {
    struct file_place place;
    const char *keys;
    struct command_entry command;
};
struct consumer_entry {
    struct file_place place;
    const char *name;
    const char *channel, *pattern, *shard_channel, *stream, *tracking; /* of these, and ... */
    struct command_entry pop;                                          /* ... this, one     */
    const char *group;
    uint64_t connections, count, block_ns, claim_after_ns;
    bool acknowledge;
    char own_group[24];
};
struct workload_document {
    struct file_place place;
    const char *name, *about;
    struct key_entry *keys;
    struct value_entry *values;
    struct class_entry *classes;
    struct prefill_entry *prefills;
    struct consumer_entry *consumers;
    struct data_entry data;
    struct dataset dataset;
    struct written_buffer buffer;
    struct script_entry *scripts, *libraries;
    size_t key_count, value_count, class_count, prefill_count, consumer_count, script_count,
        library_count;
    struct plan_key_space *plan_keys;
    struct plan_value *plan_values;
    struct plan_class *plan_classes;
    struct plan_prefill *plan_prefills;
    struct plan_consumer *plan_consumers;
    struct plan_script *plan_scripts; /* of these, and of the libraries behind them */
};

/* A path in a file counts from where the file is. The caller frees; NULL: no memory. */
char *workload_path_beside(const char *file, const char *path);
/* What stands in placeholders, in columns of tables and before the colon of an objective. */
MUST_USE enum err_code workload_check_name(const struct file *file, const struct file_place *place,
                                           const char *key, const char *name, size_t bytes_max,
                                           struct err *err);

/* workload_scripts.c: reads the files of scripts and libraries, and puts both into the plan. */
MUST_USE enum err_code workload_scripts_make(struct workload_plan *plan,
                                             struct workload_document *document,
                                             const struct file *file, struct err *err);
void workload_scripts_free(struct workload_document *document);

#endif
