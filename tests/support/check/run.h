/* Runs a program as a user would: arguments in, output, exit status or signal out, within a deadline.
 * Output goes to unlinked files, so that a program never waits for a reader. What does not end in
 * time is killed, and the test fails with what it had printed; all of it dies with the test. */
#ifndef TESTS_SUPPORT_RUN_H
#define TESTS_SUPPORT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROGRAM_ARGS_MAX 96

struct program_options {
    const char *const *argv;        /* argv[0] is the program; NULL behind the last      */
    const char *stdin_text;         /* NULL: /dev/null                                   */
    const char *const *environment; /* "NAME=value" on top of the test's own, NULL last  */
    const char *directory;          /* where it runs; NULL: where the test runs          */
    int stdout_fd;                  /* instead of the captured file; 0: captured         */
    int stderr_fd;
    unsigned deadline_ms; /* from its start; 0: 60 s                           */
};

struct program {
    pid_t pid; /* 0: ended and reaped */
    char name[256];
    uint64_t end_ms;
    int out_fd, err_fd;
    /* set when it has ended */
    int exit_status; /* -1 when a signal ended it */
    int exit_signal; /* 0 when it exited          */
    char *out, *err; /* terminated                */
    size_t out_bytes, err_bytes;
};

/* volley's path: the environment variable VOLLEY, or build/volley. */
const char *program_volley(void);

/* Starts and waits. Release with program_free. */
void program_run(struct program *program, const struct program_options *options);
/* Runs volley with these arguments, NULL behind the last. */
void program_run_volley(struct program *program, ...) __attribute__((sentinel));
/* Runs a line of bash in a directory, with volley's path in $volley, and in $load a short load that needs
 * no server. The line must end with that status. */
void program_run_shell(struct program *program, const char *directory, const char *line,
                       int exit_status);
/* Starts such a line. */
void program_start_shell(struct program *program, const char *directory, const char *line);

void program_start(struct program *program, const struct program_options *options);
void program_start_volley(struct program *program, ...) __attribute__((sentinel));
void program_signal(const struct program *program, int number);

enum program_stream { PROGRAM_OUT, PROGRAM_ERR };
/* What it has printed so far; the caller frees. */
char *program_output(const struct program *program, enum program_stream stream);
/* Waits until text stands in the stream. Fails the test when the program ends first or time is up. */
void program_wait_text(struct program *program, enum program_stream stream, const char *text);
/* Waits for the end, until the deadline. */
void program_wait(struct program *program);
/* Whether it ends within ms; when it does, the results are set. */
bool program_wait_at_most(struct program *program, unsigned ms);
/* Waits until it has that many children (volley's workers), and stores them. */
void program_wait_children(const struct program *program, pid_t *children, size_t count);
/* Fails the test, with what it has printed, unless it has ended with this status. */
void program_expect_status(const struct program *program, int status);
/* Fails the test unless `wanted` stands in a text. */
void program_expect_text(const char *text, const char *wanted);
/* Kills what still runs and releases the results. */
void program_free(struct program *program);

#endif
