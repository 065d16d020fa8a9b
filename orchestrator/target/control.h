/* The orchestrator's own connection to the target: finds out whether it answers, who it is, and
 * does small things (INFO, DBSIZE, PING). hiredis, blocking with a deadline on every wait; never used
 * by workers and never while requests are measured, except through target/environment. */
#ifndef ORCHESTRATOR_TARGET_CONTROL_H
#define ORCHESTRATOR_TARGET_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"
#include "common/transport.h"

struct control; /* owns a hiredis context */

/* Resolves host or socket path and connects within connection_timeout_ns, trying each address in
 * turn; authenticates, selects the database, and sends PING. While the server answers LOADING it
 * waits, saying so once through log_line, up to wait_ready_ns. *interrupted (may be NULL) is looked
 * at in every wait; when set: E_INTERRUPTED. E_CONNECT: with host, port and cause, or the server's
 * own words. *target gets the address that answered. */
MUST_USE enum err_code control_connect(struct control **control, struct target_address *target,
                                       const struct spec *spec, const volatile int *interrupted,
                                       struct err *err);
void control_close(struct control *control);

/* INFO of all sections as text, "field:value" lines; owned by the caller (free). */
MUST_USE enum err_code control_info(struct control *control, char **info, struct err *err);
/* Value of one CONFIG GET parameter; "" when the server refuses or does not know it. */
MUST_USE enum err_code control_config_get(struct control *control, const char *parameter,
                                          char *value, size_t value_bytes, struct err *err);
/* Copies the value of field out of INFO text; false and "" when it is not there. */
bool info_field(const char *info, const char *field, char *value, size_t value_bytes);

#endif
