/* Where an output goes: a stream of the caller's (stdout), or a file.
 *
 * A regular file, or one that does not exist yet, is written under a temporary name beside it and
 * renamed at the end, so that nobody ever reads half a file; its mode and owner stay. A link that the
 * user named is followed to the file that it names. What is there and is no regular file (a device, a
 * fifo, the pipe of a shell's >(...)) is written in place: a rename would take it away. The directory is
 * one that output_entry.h trusts.
 *
 * The first write error is kept and returned by every later output_status; a reader that went away
 * (EPIPE), or a stream of the caller's that was closed from the start, is no error: what follows is dropped in silence. */
#ifndef ORCHESTRATOR_REPORT_OUTPUT_H
#define ORCHESTRATOR_REPORT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "common/err.h"
#include "orchestrator/report/output_entry.h"

/* How a file came by its name. */
enum output_naming {
    OUTPUT_NAMED,  /* the user named it                                                    */
    OUTPUT_OWN,    /* volley did, in a run's directory: no link, and a regular file or none */
    OUTPUT_MISSING /* the same, and what stands there in the end is left alone             */
};

struct output {
    FILE *file; /* NULL: closed */
    bool owned;
    bool terminal; /* a borrowed stream that people look at */
    bool
        plain; /* the caller may set it: control characters become blanks, whoever's words they are in */
    bool gone; /* the reader of a borrowed stream went away */
    int sys_errno;
    char *path; /* of an owned file, as the user named it */
    enum output_naming naming;
    struct output_place *place; /* of an owned file; NULL: a device                               */
    struct output_entry entry;  /* of an owned file: what it is in the end ...                    */
    char *temporary; /* ... and its path until then; NULL: written in place, borrowed, committed */
};

/* Whether the user names standard output; NULL: nothing. */
bool output_is_stdout(const char *path);
/* A stream that stays the caller's; messages call it standard output. */
void output_borrow(struct output *output, FILE *file);
/* How wide the terminal is at the moment; 0: it is none, or does not say. */
unsigned output_columns(const struct output *output);
/* Opens what will be at path; "-" borrows stdout when the user named it. E_USAGE when it cannot be
 * written: a directory stands there, a file that is write-protected, one that another output goes to, or
 * a fifo that nobody reads within some seconds, or others could lead what is written elsewhere. */
MUST_USE enum err_code output_create(struct output *output, const char *path,
                                     enum output_naming naming, struct err *err);

/* Whether output_create will take this path when its time comes, for those who have long to work before: nothing is left there,
 * and no reader of a fifo is woken. Until output_discard the place is this output's, so that two are not led to one. Errors as
 * output_create. */
MUST_USE enum err_code output_probe(struct output *output, const char *path,
                                    enum output_naming naming, struct err *err);

void output_write(struct output *output, const void *bytes, size_t byte_count);
void output_printf(struct output *output, const char *format, ...) PRINTF_LIKE(2, 3);
/* A text cell of a CSV, in quotes. One that a spreadsheet would take for a formula, and run, begins with '. */
void output_csv_text(struct output *output, const char *text);

/* Flushes and says whether all that was written so far has arrived. E_SYSTEM with path and cause. */
MUST_USE enum err_code output_status(struct output *output, struct err *err);
/* The same, and closes an owned file that waits for its name: nothing more is written. */
MUST_USE enum err_code output_close(struct output *output, struct err *err);
/* Gives an owned file its name. Where that cannot be replaced (a mount point), it is written to; a file
 * that is whole and finds no place stays under its temporary name, which the error tells. */
MUST_USE enum err_code output_commit(struct output *output, struct err *err);
/* The reader of a pipe or socket has gone: nothing that is written there arrives any more. */
bool output_reader_gone(FILE *file);
/* Files that wait for their names, the first ones if there are many: for main's handler of signals, which ends the process and
 * calls nothing that is not safe there. */
#define OUTPUT_WAITING_MAX 32u
struct output_waiting {
    const char *volatile name; /* in the directory; NULL: none; set last */
    int directory_fd;
    pid_t process; /* that will give it its name: not a child that was forked meanwhile */
};
extern struct output_waiting output_waiting[OUTPUT_WAITING_MAX];

/* Removes an owned file that was not committed, and frees. Safe on a zeroed struct. */
void output_discard(struct output *output);
/* The same, and frees the memory of what begins with the output: sink.destroy of those that own no more. */
void output_destroy(void *state);

#endif
