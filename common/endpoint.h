/* Whom volley speaks to, and how a connection there begins: all that a client of a server has to know.
 * Part of the spec: constant from the fork on, text owned by the option parser. Times are nanoseconds. */
#ifndef COMMON_ENDPOINT_H
#define COMMON_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/server_probe.h"

/* Which nodes serve requests that only read; all others go to primaries. */
enum replica_reads {
    REPLICA_READS_NO,  /* primaries                                              */
    REPLICA_READS_YES, /* replicas                                               */
    REPLICA_READS_ALL  /* both                                                   */
};

struct tls_options {
    bool wanted;
    const char *cacert; /* files and directory in PEM; NULL: what the system trusts */
    const char *cacertdir;
    const char *cert; /* NULL: no client certificate */
    const char *key;
    const char *sni; /* NULL: the host */
    bool insecure;
    bool any_name;            /* the chain of a certificate is checked, but not its name */
    const char *ciphers;      /* up to TLS 1.2 */
    const char *ciphersuites; /* TLS 1.3       */
    bool resume;
    bool kernel; /* --ktls */
};

struct tls_client; /* common/transport_tls.h */

struct endpoint {
    const char *host; /* one, or several separated by commas: each a host or host:port */
    uint64_t port;
    const char *socket_path; /* NULL: TCP */
    const char *user;        /* NULL: none */
    const char *password;    /* NULL: none */
    uint64_t database;
    bool resp3;              /* HELLO 3                                                 */
    const char *client_name; /* for CLIENT SETNAME; NULL: none is set                   */
    bool tracking;           /* CLIENT TRACKING ON; with resp3                          */
    enum server_probe probe; /* asked last; set once the server is known                */
    struct tls_options tls;
    struct tls_client
        *tls_client; /* made from tls, which the orchestrator connects with; NULL: plain */

    /* Where there are several servers. */
    bool cluster;
    enum replica_reads replica_reads;
    const char *sentinels;      /* host:port,...; NULL: none */
    const char *master_name;    /* of the primary that sentinels watch */
    const char *redirect_hosts; /* that servers may lead to; NULL: all */

    uint64_t connection_timeout_ns, request_timeout_ns;
    uint64_t wait_ready_ns; /* for one that loads its data; 0: not at all */
};

#endif
