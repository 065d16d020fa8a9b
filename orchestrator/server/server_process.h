/* The process of a managed server: forked, cut off from volley's terminal, files and signals, and tied
 * to its life. A step of managed_server. */
#ifndef ORCHESTRATOR_SERVER_SERVER_PROCESS_H
#define ORCHESTRATOR_SERVER_SERVER_PROCESS_H

#include "orchestrator/server/managed_server.h"

#define SERVER_OUTPUT_NAME "server.log" /* in its directory: what it prints */

/* Writes the password where the server reads it from, a file in its directory for its owner alone: what
 * stands among its arguments is everybody's. E_SYSTEM. */
MUST_USE enum err_code server_process_hide_password(const struct managed_server *server,
                                                    const char *password, struct err *err);

/* Runs the program of its setup as that says, on its port and in its directory, and sets its pid. Does not
 * wait. E_SYSTEM. */
MUST_USE enum err_code server_process_spawn(struct managed_server *server, struct err *err);

#endif
