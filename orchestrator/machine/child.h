/* The one way to start a child. The process that forks workers has no threads: what brings threads or
 * blocks (the resolver, a program) is a child of its own.
 *
 * A child dies with the orchestrator, whatever ends that. It has nothing open but /dev/null as its stdin and what
 * its plan gives it, and begins with no signal blocked: one that comes during the fork waits for the child's own
 * ways with it.
 *
 * A function goes on in a copy of this process, passwords included. Its stderr is this one's, its stdout
 * /dev/null. It ignores what terminals and service managers send to all of a group: the orchestrator acts on that,
 * and ends its children. Writing to what is shut, or too long, fails.
 *
 * A program leads a session and a group of its own, so that a Ctrl+C does not reach it, and gets every signal as
 * if started by a shell. Of this process it has arguments and environment, both without passwords. */
#ifndef ORCHESTRATOR_MACHINE_CHILD_H
#define ORCHESTRATOR_MACHINE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct child_plan {
    int (*run)(void *state, int telling_fd); /* returns the status; telling_fd -1: nobody hears */
    void *state;
    const char *const *argv; /* run NULL: the program, found at the path argv[0]; ends with NULL */
    /* A program's, beside that of this process: "NAME=value" is set, "NAME" taken out; ends with NULL; NULL: nothing. */
    const char *const *environment;

    bool
        heard; /* what it tells comes back: written to telling_fd, or a program's stdout and stderr */
    bool
        talks; /* a function's: telling_fd is a socket of packets, each whole or not at all, both ways */
    int output_fd; /* a program's stdout and stderr, where it is not heard */

    const int *keep_fds; /* stay open, at their numbers; those below 0 are none */
    uint32_t keep_count;
    const char *name; /* "the server"; NULL: a program that cannot begin tells the cause alone */
    const uint32_t *cpus; /* pinned to these */
    uint32_t cpu_count;   /* 0: not pinned   */
};

/* How it has ended. */
enum child_end {
    CHILD_END_UNKNOWN, /* it runs, was never started, or is not this process's (but a copy's of it) */
    CHILD_EXITED,
    CHILD_KILLED
};

/* Zeroed: none. Owns a process, and the pipe or socket in which it is heard; child_end() in any case. */
struct child {
    pid_t pid; /* 0: none runs */
    enum child_end end;
    int number;              /* of its status, or of the signal */
    uint64_t rss_peak_bytes; /* the most memory that it held, once it has ended; 0: not known */
    bool is_program;
    int hearing_fd; /* 0: not heard; of one that talks the other end of its socket */
};

/* What cannot be run, or pinned, tells so as its own last words, and ends with one of these. */
#define CHILD_STATUS_UNFIT 126
#define CHILD_STATUS_NO_PROGRAM 127

/* False: the system refuses, and errno says why. What the plan points to is not needed any more then. */
MUST_USE bool child_start(struct child *child, const struct child_plan *plan);

enum child_heard {
    CHILD_HEARD_ALL, /* as much as there is room for */
    CHILD_HEARD_END, /* it says no more             */
    CHILD_HEARD_LATE,
    CHILD_INTERRUPTED
};

/* Waits for what it tells: byte_count bytes, of which *heard_bytes have come. Until limit_ns has passed (0: what is
 * there now), and *interrupted (may be NULL), which is looked at every 100 ms, is not 0. */
enum child_heard child_hear(struct child *child, void *bytes, size_t byte_count,
                            size_t *heard_bytes, uint64_t limit_ns,
                            const volatile int *interrupted);

/* Closes the pipe or the socket, whose end is its sign to go; what it still tells is not heard. */
void child_hang_up(struct child *child);

/* True when it is gone, and reaped. Does not wait: for an event loop's ticks, and behind its SIGCHLD. */
bool child_gone(struct child *child);
/* The same, after at most so long. */
bool child_gone_within(struct child *child, uint64_t limit_ns);
/* "was killed by signal 9", "ended with status 3". Returns text. */
const char *child_describe(char *text, size_t text_bytes, const struct child *child);

/* A signal, for a program and all that it has started. None runs: nothing. */
void child_tell(const struct child *child, int signal_number);
/* Kills it, if need be, with all that it has started, and waits for it. */
void child_end(struct child *child);

/* From now on a program's group is told as it begins (pid_t, its number) and when it has been reaped (the negative): a message
 * each into this socket, which takes them at once or loses them. -1: nobody is told. */
void child_tell_groups(int socket_fd);

#endif
