/* A process that listens and answers each thing it reads with the next of some canned replies. It
 * speaks no protocol: what it says is up to the test. Fails the running test when it cannot start. */
#ifndef TESTS_SUPPORT_CHECK_CANNED_SERVER_H
#define TESTS_SUPPORT_CHECK_CANNED_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct canned_server {
    pid_t pid; /* dies with the test */
    uint16_t port;
};

enum canned_kind {
    CANNED_ANSWERS, /* one reply for each read; the last one again and again       */
    CANNED_GREETS,  /* the first reply at once on accept, unasked, and closes      */
    CANNED_SILENT   /* listens, and nobody ever accepts                            */
};

/* replies ends with NULL. path NULL: a free port on 127.0.0.1, else a Unix socket. */
void canned_server_start(struct canned_server *server, enum canned_kind kind,
                         const char *const *replies, const char *path);
void canned_server_stop(struct canned_server *server);

/* One inline command to a real server on 127.0.0.1, whose reply must contain expect. */
void server_say(uint16_t port, const char *command, const char *expect);

#endif
