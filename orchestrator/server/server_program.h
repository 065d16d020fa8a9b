/* The program that managed servers are started from. */
#ifndef ORCHESTRATOR_SERVER_SERVER_PROGRAM_H
#define ORCHESTRATOR_SERVER_SERVER_PROGRAM_H

#include <stddef.h>

#include "common/err.h"

/* valkey-server, else redis-server, from PATH or where they usually are. E_CONNECT: neither. */
MUST_USE enum err_code server_program_find(char *program, size_t program_bytes, struct err *err);

/* Whether a path that a user gave leads to a server, whatever it is called: it exists, may be executed,
 * and with --version says that it is one, within 5 s. E_USAGE. */
MUST_USE enum err_code server_program_check(const char *path, struct err *err);
/* The same without running it. */
MUST_USE enum err_code server_program_check_file(const char *path, struct err *err);

#endif
