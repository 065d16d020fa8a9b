/* The password: where it may come from, and how it is kept out of sight. It comes from --password (or the
 * config file), --password-fd, --askpass, the URI or the environment variable VOLLEY_AUTH, in falling
 * order of weight; two of the first four in the same place contradict each other. */
#ifndef ORCHESTRATOR_OPTIONS_CREDENTIALS_H
#define ORCHESTRATOR_OPTIONS_CREDENTIALS_H

#include "common/err.h"
#include "orchestrator/options/bench_options.h"

#define CREDENTIALS_VARIABLE "VOLLEY_AUTH"
#define CREDENTIALS_PASSWORD_BYTES 1024u /* with the terminating NUL */

/* Fills spec.password, reading the descriptor or asking on the terminal; a step of
 * bench_options_settle, behind the URI. Always takes the variable out of the environment and
 * overwrites it there, whether it is used or not. E_USAGE: sources that contradict each other, a user
 * without a password, no terminal, a descriptor that cannot be read. */
MUST_USE enum err_code credentials_settle(struct bench_request *request, struct err *err);

/* A copy (secret_free) of what the variable holds; NULL: nothing. It is overwritten, and taken out of the environment: no
 * program that is started from then on has it. */
char *credentials_take_variable(void);

/* Overwrites the secrets among the arguments, so that they are in nobody's process list: the values of
 * secret options, what stands in front of the '@' of a URI, and addresses that hold a login. argv must be main's own, whose bytes may
 * be written, and have been parsed: options keep copies. */
void credentials_hide_arguments(const struct option_table *table, int argc,
                                const char *const *argv);

/* Reads up to the first newline, and no byte more; waits 5 minutes at most. password has
 * CREDENTIALS_PASSWORD_BYTES. E_USAGE: unreadable, empty, too long, or a NUL in it. */
MUST_USE enum err_code credentials_read_fd(char *password, int fd, struct err *err);
/* Asks on the controlling terminal without echo; user may be NULL. Echo comes back in any case, also when
 * a signal ends or stops the process. Errors as credentials_read_fd; E_USAGE: no terminal. */
MUST_USE enum err_code credentials_ask(char *password, const char *user, struct err *err);

#endif
