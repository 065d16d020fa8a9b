#include "orchestrator/options/connection_relations.h"

#include <inttypes.h>
#include <string.h>

#include "orchestrator/options/relation.h"
#include "orchestrator/options/sources.h"

#define CLIENT_NAME_BYTES_MAX 256u

static enum err_code settle_protocol(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    if (spec->endpoint.tracking && !spec->endpoint.resp3) {
        if (relation_origin(request, "resp3")->kind >=
            relation_origin(request, "enable-tracking")->kind)
            return err_set(err, E_USAGE,
                           "--enable-tracking and --resp3=false contradict each other: "
                           "invalidation messages need RESP3");
        spec->endpoint.resp3 = true;
        options_derive(&request->values, "resp3", "enable-tracking", "true");
    }
    for (const char *at = spec->endpoint.client_name; at != NULL && *at != '\0'; at++)
        if (*at <= ' ' || *at > '~')
            return err_set(err, E_USAGE,
                           "--client-name %.80s: allowed are letters, digits and signs of ASCII, "
                           "without blanks",
                           spec->endpoint.client_name);
    if (spec->endpoint.client_name != NULL &&
        strlen(spec->endpoint.client_name) > CLIENT_NAME_BYTES_MAX)
        return err_set(err, E_USAGE, "--client-name is longer than %u bytes",
                       CLIENT_NAME_BYTES_MAX);
    return OK;
}

static enum err_code settle_churn(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    relation_exclude_if(request->one_pipelined && spec->connections.reconnect_every > 0 &&
                            spec->connections.reconnect_every != spec->load.pipeline,
                        request, "keepalive", "reconnect-every",
                        "each says how many requests a connection carries", err);
    if (err->code != OK)
        return err->code;
    if (request->one_pipelined) {
        spec->connections.reconnect_every = spec->load.pipeline;
        options_derive(&request->values, "reconnect-every", "keepalive", "");
    }
    if (spec->connections.reconnect_every > 0 &&
        spec->connections.reconnect_every < spec->load.pipeline)
        relation_notice(request,
                        "--reconnect-every %" PRIu64 " is below --pipeline %" PRIu64
                        ": no more than %" PRIu64 " requests are in flight on a connection",
                        spec->connections.reconnect_every, spec->load.pipeline,
                        spec->connections.reconnect_every);
    return OK;
}

static enum err_code settle_null(struct bench_request *request, struct err *err)
{
    static const char why[] = "--null makes no connections";
    const struct spec *spec = &request->spec;
    relation_exclude_if(request->one_pipelined, request, "null", "keepalive", why, err);
    relation_exclude_if(spec->connections.reconnect_every > 0, request, "null", "reconnect-every",
                        why, err);
    relation_exclude_if(spec->connections.idle > 0, request, "null", "idle", why, err);
    relation_exclude(request, "null", "source-address", why, err);
    relation_exclude_if(spec->endpoint.tracking, request, "null", "enable-tracking", why, err);
    return err->code;
}

enum err_code connection_relations_settle(struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    enum err_code code = spec->load.null_transport ? settle_null(request, err) : OK;
    if (code == OK)
        code = settle_protocol(request, err);
    if (code == OK)
        code = settle_churn(request, err);
    if (code != OK)
        return code;
    relation_exclude(request, "socket", "source-address", "a Unix socket has no addresses", err);
    return err->code == OK && spec->connections.source_addresses != NULL
               ? sources_check(spec->connections.source_addresses, err)
               : err->code;
}
