/* A file that is read once from its beginning, as lines or as bytes, with memory for the longest piece that was asked
 * for. */
#ifndef ORCHESTRATOR_TRAFFIC_FILE_INPUT_H
#define ORCHESTRATOR_TRAFFIC_FILE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Zeroed but for fd = -1: closed. */
struct file_input {
    int fd;
    char *buffer;
    size_t room, start, end; /* what has been read and not passed: start to end */
    uint64_t offset;         /* of buffer[start] in the file */
    bool ended;              /* nothing comes behind `end` */
    int failed;              /* errno of a read; 0 */
};

enum file_line { FILE_LINE, FILE_LINE_TOO_LONG, FILE_LINE_END };

/* "-": standard input. E_CONFIG: it cannot be read. */
MUST_USE enum err_code file_input_open(struct file_input *input, const char *path, struct err *err);
void file_input_close(struct file_input *input);

/* How many of byte_count bytes stand at buffer + start now: fewer at the end of the file, or when `failed` is set.
 * Moves what is in the buffer. */
size_t file_input_have(struct file_input *input, size_t byte_count);
/* Passes over bytes that are there; and over as many as asked, there or still to be read: returns how many. */
void file_input_pass(struct file_input *input, size_t byte_count);
uint64_t file_input_skip(struct file_input *input, uint64_t byte_count);

/* The next line, with its end, passed over; valid until the next call, and may be written to. TOO_LONG: above most_bytes, passed
 * over in pieces. END: none is left, or `failed` is set. */
enum file_line file_input_line(struct file_input *input, size_t most_bytes, char **text,
                               size_t *text_bytes);

#endif
