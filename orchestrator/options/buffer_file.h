/* Files of configs/buffers, and the part `buffer` of workload files and of phases of a scenario: what a client does before it sends (struct
 * buffer_options). Keys are those of the systems whose clients buffer. */
#ifndef ORCHESTRATOR_OPTIONS_BUFFER_FILE_H
#define ORCHESTRATOR_OPTIONS_BUFFER_FILE_H

#include "common/spec.h"
#include "orchestrator/options/file_reader.h"
#include "orchestrator/options/shipped_files.h"
#include "orchestrator/report/output.h"

/* A buffer as it stands in a file. */
struct written_round {
    struct file_place place;
    uint64_t max_size, max_tokens;
};
struct written_hybrid {
    struct file_place place;
    uint64_t max_size;
};
struct written_query {
    struct file_place place;
    uint64_t cache_size, cache_ttl_ns, max_size;
    double similarity_threshold;
};
struct written_performance {
    struct file_place place;
    uint64_t max_flush_workers, flush_interval_ns;
    unsigned flush_strategy; /* enum buffer_strategy */
    bool enable_async_processing;
};
struct written_switch {
    struct file_place place;
    bool enabled;
};
struct written_buffer {
    struct file_place place;
    const char *profile; /* within another file; NULL: the rest says it */
    struct written_switch buffer;
    struct written_round round;
    struct written_hybrid hybrid;
    struct written_query query;
    struct written_performance performance;
};

extern const struct file_kind buffer_file_kind;
extern const struct shipped_kind buffer_library;

/* The file of this path, or the one of this name that comes with volley. buffer->wanted is false where the file says that
 * nothing is buffered. E_CONFIG: file, line and what is wrong. */
MUST_USE enum err_code buffer_file_read(struct buffer_options *buffer, const char *path,
                                        struct err *err);

/* The one of this name that comes with volley, whatever lies here. E_CONFIG, E_USAGE: there is none. */
MUST_USE enum err_code buffer_file_read_shipped(struct buffer_options *buffer, const char *name,
                                                struct err *err);

/* What the user should know of it, with file and line, fit to be printed; NULL: nothing. */
const char *buffer_file_notice(const struct buffer_options *buffer);

/* Whether a client does the same by both, whatever they are called. */
bool buffer_file_same(const struct buffer_options *one, const struct buffer_options *other);
/* What buffer_file_read would make it from, as YAML. */
void buffer_file_write(struct output *output, const struct buffer_options *buffer);

/* The same keys within a file of another kind, or in place of them the name of a profile. Once that file is read: whose is
 * what its own keys are called. E_CONFIG: the place in that file and what is wrong, of another file with its own place. */
extern const struct file_object buffer_within_object;
MUST_USE enum err_code buffer_within_make(struct buffer_options *buffer,
                                          struct written_buffer *written, const struct file *file,
                                          const char *whose, struct err *err);

#endif
