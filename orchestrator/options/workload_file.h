/* The file of --workload: YAML or JSON with key spaces, values and classes of requests. docs/reference/workloads.md
 * is for its users. */
#ifndef ORCHESTRATOR_OPTIONS_WORKLOAD_FILE_H
#define ORCHESTRATOR_OPTIONS_WORKLOAD_FILE_H

#include "orchestrator/options/file_reader.h"
#include "worker/worker.h"

struct workload_file {
    struct workload_plan plan; /* points into what follows */
    struct buffer_options buffer;
    const char *buffer_profile; /* as the file names it; NULL: it has keys of its own */
    bool has_buffer;            /* false: the file says nothing of one */
    const char *about;          /* likewise; NULL: the file does not say what it models */
    struct file file;
    struct workload_document *document;
};

/* Reads it, and compiles it once to find what cannot be. E_CONFIG: "name:line:column: what is wrong".
 * workload_file_free in any case, when nobody looks at the plan any more. */
MUST_USE enum err_code workload_file_read(struct workload_file *workload,
                                          const struct file_source *source, struct err *err);
void workload_file_free(struct workload_file *workload);

extern const struct file_kind workload_file_kind;

#endif
