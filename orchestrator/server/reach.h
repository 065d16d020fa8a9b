/* Where servers may lead volley: a cluster's table, a ROLE and sentinels name the hosts that it connects to
 * next, and so who gets the password and the load. Every control connection and every node of a topology
 * is looked at here; workers connect to nodes of the topology only.
 *
 * Inside are the hosts that the user named, and what lies near one of them (ip_network_near). A password
 * that goes outside of that without a checked TLS is said, once for each host. --redirect-hosts refuses
 * what it does not list; hosts that the user named are always listed. */
#ifndef ORCHESTRATOR_SERVER_REACH_H
#define ORCHESTRATOR_SERVER_REACH_H

#include "common/endpoint.h"
#include "common/err.h"
#include "common/transport.h"

/* For this process and those that it forks, until reach_end; replaces what was before. Looks names up; one
 * that cannot be found counts by its name alone. Where no server can name others everything is
 * allowed, and so it is without this call: with servers of volley's own. E_INTERRUPTED: *interrupted (may be NULL). */
MUST_USE enum err_code reach_begin(const struct endpoint *endpoint, const volatile int *interrupted,
                                   struct err *err);
/* From now on what is refused is said in a warning, too, once for each host: the run goes on without it. */
void reach_go_on(void);
/* E_CONNECT: refused. address: resolved, with the name it was announced as; a Unix socket is allowed. */
MUST_USE enum err_code reach_allow(const struct target_address *address, struct err *err);
void reach_end(void);

#endif
