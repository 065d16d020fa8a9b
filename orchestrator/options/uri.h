/* Server addresses in one word: redis://[[user:]password@]host[:port][/database], valkey:// the same;
 * rediss:// and valkeys:// with TLS. */
#ifndef ORCHESTRATOR_OPTIONS_URI_H
#define ORCHESTRATOR_OPTIONS_URI_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* What is absent is empty text, and false beside it. */
struct uri {
    char host[256]; /* an IPv6 address without its brackets */
    char user[256];
    char password[1024];
    bool tls; /* rediss://, valkeys:// */
    bool has_host, has_user, has_password, has_port, has_database;
    uint64_t port;
    uint64_t database;
};

/* User and password may hold %XX. A single word before '@' is the password, as valkey-cli has it.
 * E_USAGE: the text says what is wrong with which part and never holds the password. */
MUST_USE enum err_code uri_parse(struct uri *uri, const char *text, struct err *err);

/* Whether a text that should be a plain address is a URI, or holds a user or password: then it must not be
 * echoed. */
bool uri_holds_login(const char *text);

#endif
