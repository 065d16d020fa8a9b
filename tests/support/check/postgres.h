/* A real PostgreSQL for one test: from the distribution's package, as an ordinary user, on a free loopback port and a socket, in a
 * directory of its own, with a database of the user "volley". It dies with the test. Whatever goes wrong fails the test. */
#ifndef TESTS_SUPPORT_CHECK_POSTGRES_H
#define TESTS_SUPPORT_CHECK_POSTGRES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct postgres {
    pid_t pid; /* 0: not running */
    uint16_t port;
    char port_text[8];
    char directory[64]; /* with its socket */
    char address[160];  /* postgresql://volley@127.0.0.1:port/postgres */
};

/* password NULL: whoever comes is let in. */
void postgres_start(struct postgres *server, const char *password);
/* At once; removes the directory. Safe when not running. */
void postgres_stop(struct postgres *server);

/* What psql prints of a statement, columns with "|" between them, without the last line's end; the caller frees. */
char *postgres_ask(const struct postgres *server, const char *statement);

#endif
