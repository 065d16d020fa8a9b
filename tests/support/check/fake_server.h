/* A scripted server for what a real one will not do: rubbish, half replies, resets, silence. It is a
 * forked child with one poll loop; it reads RESP commands and inline ones, and answers each by the
 * first rule that applies, else as a friendly empty server would (+PONG, $3 for GET, +OK ...). */
#ifndef TESTS_SUPPORT_FAKE_SERVER_H
#define TESTS_SUPPORT_FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum fake_action {
    FAKE_DEFAULT,        /* the friendly answer, after delay_ms                                */
    FAKE_REPLY,          /* bytes, after delay_ms                                              */
    FAKE_REPLY_BYTEWISE, /* bytes, one at a time with delay_ms before each                     */
    FAKE_CLOSE,          /* bytes if any, then closes the connection in good order             */
    FAKE_RESET,          /* bytes if any, then resets the connection                           */
    FAKE_SILENT,         /* reads on and never answers this connection again                   */
    FAKE_ENDLESS_BULK,   /* announces a bulk of 4 GiB and sends it                             */
    FAKE_ENDLESS,        /* bytes, and then `more` again and again                             */
    FAKE_CLOSE_LISTENER  /* the friendly answer; new connections are refused from now on       */
};

/* Events that are no commands; a rule names them like one. */
#define FAKE_ON_CONNECT "(connect)" /* the default does nothing; bytes: an unasked reply   */

struct fake_rule {
    const char *command; /* its name, any case; FAKE_ON_CONNECT; NULL: every command      */
    enum fake_action action;
    const char *bytes; /* terminated; for bytes with NUL give byte_count                */
    size_t byte_count;
    const char *more; /* of FAKE_ENDLESS */
    unsigned delay_ms;
    unsigned skip;       /* so many matching commands are passed over first              */
    unsigned times;      /* and then the rule applies so many times; 0: for ever         */
    bool per_connection; /* skip and times count anew on every connection                */
};

/* What the server does; zeroed, it is friendly. */
struct fake_script {
    const struct fake_rule *rules;
    size_t rule_count;
    unsigned accept_max;     /* so many connections, then the listener is closed; 0: no limit */
    bool never_accept;       /* connections stay in the backlog                        */
    uint64_t close_at_bytes; /* closes a connection once it has sent so many bytes; 0: never */
    uint64_t reset_at_bytes; /* the same with a reset                                  */
};

/* Written by the fake server alone, readable at any time. */
struct fake_counters {
    volatile uint64_t accepted;
    volatile uint64_t closed; /* by either side                                          */
    volatile uint64_t commands;
    volatile uint64_t received_bytes;
};

struct fake_server {
    pid_t pid;
    uint16_t port;
    char port_text[8];
    struct fake_counters *counters; /* shared memory */
};

#define FAKE_RULES_MAX 16
#define FAKE_CONNECTIONS_MAX 256

/* Listens when this returns. What the script points to is copied by the fork. script may be NULL. */
void fake_server_start(struct fake_server *server, const struct fake_script *script);
/* Kills it; its connections break. Safe when not running. The counters stay readable until
 * fake_server_free. */
void fake_server_stop(struct fake_server *server);
void fake_server_free(struct fake_server *server);
/* Waits for a counter to reach a value; fails the test after 10 s. */
void fake_server_wait(const volatile uint64_t *counter, uint64_t at_least);

#endif
