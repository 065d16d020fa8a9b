/* Files of configs/buffers: what a client does before it sends (struct buffer_options). Keys are those of the systems whose clients
 * buffer. */
#ifndef ORCHESTRATOR_OPTIONS_BUFFER_FILE_H
#define ORCHESTRATOR_OPTIONS_BUFFER_FILE_H

#include "common/spec.h"
#include "orchestrator/options/file_reader.h"
#include "orchestrator/options/shipped_files.h"

extern const struct file_kind buffer_file_kind;
extern const struct shipped_kind buffer_library;

/* The file of this path, or the one of this name that comes with volley. buffer->wanted is false where the file says that
 * nothing is buffered. E_CONFIG: file, line and what is wrong. */
MUST_USE enum err_code buffer_file_read(struct buffer_options *buffer, const char *path,
                                        struct err *err);

#endif
