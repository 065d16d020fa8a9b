/* Primary and replicas as servers and sentinels name them. The parsers are pure functions on hiredis
 * replies, any reply is safe; the questions go over a control connection, with its deadlines. Called
 * by the orchestrator and its scout. */
#ifndef ORCHESTRATOR_TARGET_REPLICATION_H
#define ORCHESTRATOR_TARGET_REPLICATION_H

#include <stdbool.h>

#include "common/err.h"
#include "common/topology.h"
#include "orchestrator/target/control.h"

struct redisReply;

/* What ROLE says. */
struct server_role {
    bool primary;
    struct host_name primary_name; /* of a replica */
    struct host_name replicas[RESOLVE_NAMES_MAX];
    uint32_t replica_count; /* of a primary: those that are connected to it */
};

/* False: no reply to ROLE. */
MUST_USE bool role_parse(struct server_role *role, const struct redisReply *reply);
/* E_CONNECT: not answered, or by something else than a primary or a replica. */
MUST_USE enum err_code role_ask(struct server_role *role, struct control *control, struct err *err);

/* Sentinel's list of replicas: those that can serve; role->replicas is filled. False: no such list. */
MUST_USE bool sentinel_replicas_parse(struct server_role *role, const struct redisReply *reply);
/* Name and port out of a list of two texts. False: it is none. */
MUST_USE bool sentinel_primary_parse(struct host_name *primary, const struct redisReply *reply);
/* A message on +switch-master: "name old-host old-port new-host new-port", for this name. */
MUST_USE bool sentinel_switch_parse(struct host_name *primary, const struct redisReply *message,
                                    const char *master_name);

/* A sentinel takes neither a database nor, as a rule, the password of the servers it watches: that is
 * tried when it asks for one. Errors as control_connect_host. */
MUST_USE enum err_code sentinel_connect(struct control **control, struct target_address *target,
                                        const struct host_name *name, const struct spec *spec,
                                        const volatile int *interrupted, struct err *err);
/* *known false: this sentinel watches nobody of that name. E_CONNECT: it does not answer. */
MUST_USE enum err_code sentinel_ask_primary(struct host_name *primary, bool *known,
                                            struct control *sentinel, const char *master_name,
                                            struct err *err);
MUST_USE enum err_code sentinel_ask_replicas(struct server_role *role, struct control *sentinel,
                                             const char *master_name, struct err *err);

/* Makes the primary at index the only user of these replicas: they are added, those that it had and
 * that are not among them are TOPOLOGY_GONE. False: the table is full. */
MUST_USE bool replicas_into(struct topology *topology, uint32_t primary,
                            const struct server_role *role);

#endif
