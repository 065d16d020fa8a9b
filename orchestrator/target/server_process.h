/* The process of a managed server: forked, cut off from volley's terminal, files and signals, and tied
 * to its life. A step of managed_server. */
#ifndef ORCHESTRATOR_TARGET_SERVER_PROCESS_H
#define ORCHESTRATOR_TARGET_SERVER_PROCESS_H

#include "orchestrator/target/managed_server.h"

#define SERVER_OUTPUT_NAME "server.log" /* in its directory: what it prints */

/* Runs server->program as its setup says, on its port and in its directory, and sets its pid. Does not
 * wait. E_SYSTEM. */
MUST_USE enum err_code server_process_spawn(struct managed_server *server, struct err *err);

#endif
