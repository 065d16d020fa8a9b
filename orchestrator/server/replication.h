/* Primary and replicas as servers and sentinels name them. The parsers are pure functions on hiredis
 * replies, any reply is safe; the questions go over a control connection, with its deadlines. Called
 * by the orchestrator and its scout. */
#ifndef ORCHESTRATOR_SERVER_REPLICATION_H
#define ORCHESTRATOR_SERVER_REPLICATION_H

#include <stdbool.h>

#include "common/err.h"
#include "common/topology.h"
#include "orchestrator/server/control.h"

struct redisReply;
struct sightings;

/* What ROLE says. */
struct server_role {
    bool primary;
    struct host_name primary_name; /* of a replica */
    char link[16];                 /* of a replica, to its primary: "connected", "sync"; "" */
    struct host_name replicas[RESOLVE_NAMES_MAX];
    uint32_t
        replica_count; /* of a primary: those that it has filled and that are connected to it */
    uint32_t left_out; /* of them: so many more were named than there is room for             */
};

/* False: no reply to ROLE. */
MUST_USE bool role_parse(struct server_role *role, const struct redisReply *reply);
/* E_CONNECT: not answered, or by something else than a primary or a replica. */
MUST_USE enum err_code role_ask(struct server_role *role, struct control *control, struct err *err);

/* INFO replication of a primary, into what was seen: its replicas; those that its ROLE did not name are on
 * their way. */
void replicas_seen(struct sightings *seen, const struct server_role *role, const char *info);
/* Asks for it. A server that refuses to tell has shown nothing. E_CONNECT: no answer. */
MUST_USE enum err_code replicas_ask_seen(struct sightings *seen, const struct server_role *role,
                                         struct control *control, struct err *err);
/* What a server says of itself in its INFO replication. */
struct replica_view {
    bool replica;             /* it follows a primary                          */
    struct host_name primary; /* host "": it did not say                       */
    bool ready;               /* filled, and in touch with its primary         */
    char state[32];           /* "online", "being filled", "link down"; "" unknown */
};
/* E_CONNECT: no answer. */
MUST_USE enum err_code replica_ask(struct replica_view *view, struct control *control,
                                   struct err *err);

/* Sentinel's list of replicas: those that can serve; role->replicas is filled, and seen (NULL: nobody
 * wants to know) with all of them. False: no such list. */
MUST_USE bool sentinel_replicas_parse(struct server_role *role, struct sightings *seen,
                                      const struct redisReply *reply);
/* Name and port out of a list of two texts. False: it is none. */
MUST_USE bool sentinel_primary_parse(struct host_name *primary, const struct redisReply *reply);
/* A message on +switch-master: "name old-host old-port new-host new-port", for this name. */
MUST_USE bool sentinel_switch_parse(struct host_name *primary, const struct redisReply *message,
                                    const char *master_name);

/* A sentinel takes neither a database nor, as a rule, the password of the servers it watches: that is
 * tried when it asks for one. Errors as control_connect_host. */
MUST_USE enum err_code sentinel_connect(struct control **control, struct target_address *target,
                                        const struct host_name *name,
                                        const struct endpoint *endpoint,
                                        const volatile int *interrupted, struct err *err);
/* *known false: this sentinel watches nobody of that name. E_CONNECT: it does not answer. */
MUST_USE enum err_code sentinel_ask_primary(struct host_name *primary, bool *known,
                                            struct control *sentinel, const char *master_name,
                                            struct err *err);
MUST_USE enum err_code sentinel_ask_replicas(struct server_role *role, struct sightings *seen,
                                             struct control *sentinel, const char *master_name,
                                             struct err *err);

/* Makes the primary at index the only user of these replicas: they are added, those that it had and
 * that are not among them are TOPOLOGY_GONE. False: the table is full. */
MUST_USE bool replicas_into(struct topology *topology, uint32_t primary,
                            const struct server_role *role);

#endif
