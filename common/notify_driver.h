/* What sends notifications: libcurl, as a module (orchestrator/modules/notify), in the child that watch/notifier.h starts.
 * Transfers go on beside each other, so that one that hangs keeps none waiting. One process, one thread; secrets stand in
 * requests alone, and never in a problem. */
#ifndef COMMON_NOTIFY_DRIVER_H
#define COMMON_NOTIFY_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTIFY_DRIVER_ABI 1u
#define NOTIFY_DRIVER_SYMBOL "volley_notify_driver"
#define NOTIFY_PROBLEM_BYTES 160u

/* A POST over HTTP, or a mail. All of it is the caller's, and stays until the answer. */
struct notify_request {
    const char *url; /* http://, https://, smtp://, smtps:// */
    const char *body;
    size_t body_bytes;
    const char *
        authority; /* a file of certificates that are trusted beside none else; NULL: the system's */
    uint64_t limit_ms; /* for all of it, names included */

    const char *const *headers; /* of HTTP: "Name: value" */
    size_t header_count;

    const char *from; /* of a mail; NULL: it is none */
    const char *const *recipients;
    size_t recipient_count;
    const char *user, *password; /* NULL: nobody logs in */
    bool starttls;               /* without it nothing is sent */
};

enum notify_outcome {
    NOTIFY_SENT,
    NOTIFY_FAILED, /* may be better the next time: nobody answers, or HTTP says so */
    NOTIFY_REFUSED /* will not */
};

/* At once, or from within step(): what has become of a request. problem: "no answer within 10 s"; "": sent. */
typedef void notify_answer(void *state, enum notify_outcome outcome, const char *problem);

struct notify_driver {
    uint32_t abi;
    /* NULL: no memory. What was opened ends with the process. */
    void *(*open)(void);
    void (*send)(void *handle, const struct notify_request *request, notify_answer *answer,
                 void *state);
    /* Lets transfers go on until one of them has ended, wake_fd (-1: none) can be read, or so long has passed. */
    void (*step)(void *handle, int wake_fd, uint64_t limit_ms);
};

#endif
