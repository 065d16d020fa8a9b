#include "orchestrator/options/connection_relations.h"

#include <inttypes.h>
#include <string.h>

#include "orchestrator/options/relation.h"
#include "orchestrator/options/sources.h"

#define CLIENT_NAME_BYTES_MAX 256u

static enum err_code settle_protocol(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    if (spec->tracking && !spec->resp3) {
        if (relation_origin(request, "resp3")->kind >=
            relation_origin(request, "enable-tracking")->kind)
            return err_set(err, E_USAGE,
                           "--enable-tracking and --resp3=false contradict each other: "
                           "invalidation messages need RESP3");
        spec->resp3 = true;
        options_derive(&request->values, "resp3", "enable-tracking", "true");
    }
    for (const char *at = spec->client_name; at != NULL && *at != '\0'; at++)
        if (*at <= ' ' || *at > '~')
            return err_set(err, E_USAGE,
                           "--client-name %.80s: allowed are letters, digits and signs of ASCII, "
                           "without blanks",
                           spec->client_name);
    if (spec->client_name != NULL && strlen(spec->client_name) > CLIENT_NAME_BYTES_MAX)
        return err_set(err, E_USAGE, "--client-name is longer than %u bytes",
                       CLIENT_NAME_BYTES_MAX);
    return OK;
}

static enum err_code settle_churn(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    relation_exclude_if(request->one_pipelined && spec->reconnect_every > 0 &&
                            spec->reconnect_every != spec->pipeline,
                        request, "keepalive", "reconnect-every",
                        "each says how many requests a connection carries", err);
    if (err->code != OK)
        return err->code;
    if (request->one_pipelined) {
        spec->reconnect_every = spec->pipeline;
        options_derive(&request->values, "reconnect-every", "keepalive", "");
    }
    if (spec->reconnect_every > 0 && spec->reconnect_every < spec->pipeline)
        relation_notice(request,
                        "--reconnect-every %" PRIu64 " is below --pipeline %" PRIu64
                        ": no more than %" PRIu64 " requests are in flight on a connection",
                        spec->reconnect_every, spec->pipeline, spec->reconnect_every);
    return OK;
}

static enum err_code settle_null(struct bench_request *request, struct err *err)
{
    static const char why[] = "--null makes no connections";
    const struct spec *spec = &request->spec;
    relation_exclude_if(request->one_pipelined, request, "null", "keepalive", why, err);
    relation_exclude_if(spec->reconnect_every > 0, request, "null", "reconnect-every", why, err);
    relation_exclude_if(spec->idle > 0, request, "null", "idle", why, err);
    relation_exclude(request, "null", "source-address", why, err);
    relation_exclude_if(spec->tracking, request, "null", "enable-tracking", why, err);
    return err->code;
}

enum err_code connection_relations_settle(struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    enum err_code code = spec->null_transport ? settle_null(request, err) : OK;
    if (code == OK)
        code = settle_protocol(request, err);
    if (code == OK)
        code = settle_churn(request, err);
    if (code != OK)
        return code;
    relation_exclude(request, "socket", "source-address", "a Unix socket has no addresses", err);
    return err->code == OK && spec->source_addresses != NULL
               ? sources_check(spec->source_addresses, err)
               : err->code;
}
