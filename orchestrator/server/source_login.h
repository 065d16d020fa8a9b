/* User and password of a repository's address: git gets them from its environment, through a credential helper for this host alone, so
 * that they are in no argument, file or message. The orchestrator's builds. */
#ifndef ORCHESTRATOR_SERVER_SOURCE_LOGIN_H
#define ORCHESTRATOR_SERVER_SOURCE_LOGIN_H

#include <stddef.h>

#include "common/err.h"
#include "orchestrator/server/source_tool.h"

struct source_login;

/* Leaves the address without them. *login NULL: it has none. Only http and https have a use for them; of another
 * address the password is taken out, too. E_USAGE: the address is too long, has a control character, or they have. */
MUST_USE enum err_code source_login_take(struct source_login **login, char *bare, size_t bare_bytes,
                                         const char *address, struct err *err);
/* Words, environment and secrets of a git command that is not yet named. login NULL: nothing. */
void source_login_use(const struct source_login *login, struct source_tool *tool);
void source_login_free(struct source_login *login);

#endif
