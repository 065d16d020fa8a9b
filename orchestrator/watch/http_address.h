/* Where endpoints listen, who may ask, and with what: pure but for the token's file. */
#ifndef ORCHESTRATOR_WATCH_HTTP_ADDRESS_H
#define ORCHESTRATOR_WATCH_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define HTTP_TOKEN_LEAST_BYTES 16u
#define HTTP_TOKEN_MOST_BYTES 256u

struct http_address {
    char host[64]; /* an IP address, without brackets */
    uint16_t port; /* 0: any free one */
    bool local;    /* loopback */
};

/* "8080", "127.0.0.1:8080", "[::1]:8080", "localhost:8080", "0.0.0.0:8080". E_USAGE. */
MUST_USE enum err_code http_address_parse(struct http_address *address, const char *text,
                                          struct err *err);
/* Whether a request may name this host: an IP address (a page elsewhere that wants to be taken for this one needs a name), localhost,
 * or the name of this machine; with any port. NULL: no. */
bool http_host_known(const char *host, const char *machine);
/* One line of printable characters without blanks, from a regular file that its owner alone can read. E_USAGE. */
MUST_USE enum err_code http_token_read(char token[HTTP_TOKEN_MOST_BYTES + 1], const char *path,
                                       struct err *err);
/* In a time that does not tell how much of it is right. */
bool http_token_equal(const char *token, const char *given, size_t given_bytes);
/* The value of a cookie in a header; false: it is not there. */
bool http_cookie_find(const char **value, size_t *value_bytes, const char *header,
                      const char *name);

#endif
