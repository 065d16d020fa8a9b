#include "orchestrator/options/bench_groups.h"

#include <inttypes.h>
#include <string.h>

#include "orchestrator/options/sources.h"

#define CLIENT_NAME_BYTES_MAX 256u

static enum err_code parse_keepalive(void *target, const char *value, struct err *err)
{
    struct connection_options *connections = target;
    connections->one_pipelined = strcmp(value, "0") == 0;
    if (connections->one_pipelined || strcmp(value, "1") == 0)
        return OK;
    return err_set(err, E_USAGE, "--keepalive %.80s: allowed are 0 and 1", value);
}

#define AT(member) offsetof(struct connection_options, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row connection_rows[] = {
    {ROW("keepalive", "k", OPTION_CUSTOM, "0|1", 0), .parse = parse_keepalive, .unset = "1",
     .help = "1 keeps connections open over the whole run; 0 opens a new one for each request, or "
             "with --pipeline N for each N requests."},
    {ROW("reconnect-every", NULL, OPTION_COUNT, "N", AT(reconnect_every)), NUMBER(0, UINT32_MAX),
     .unset = "0", .help = "Open a connection anew after so many requests; 0 never does."},
    {ROW("reset-on-close", NULL, OPTION_FLAG, NULL, AT(reset_on_close)),
     .help = "End connections with a reset, so that their local ports are free again at once."},
    {ROW("source-address", NULL, OPTION_TEXT, "LIST", AT(source_addresses)), .repeats = true,
     .help = "Addresses of this machine to connect from, in turn, separated by commas; at most "
             "256. Each has local ports of its own."},
    {ROW("max-reconnects", NULL, OPTION_COUNT, "N", AT(max_reconnects)), NUMBER(0, UINT32_MAX),
     .unset = "0",
     .help = "Give a broken connection up after so many failed attempts in a row; 0 tries for "
             "ever, 10 ms to 1 s apart."},
    {ROW("idle", "I", OPTION_COUNT, "N", AT(idle)), NUMBER(0, 1000000), .unset = "0",
     .help = "Keep so many more connections open, over all workers, that carry nothing."},
};
/* clang-format on */
#undef AT
const struct option_group connection_group = GROUP("Connections", OF_LOADS, connection_rows);

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
    struct connection_options *connections = &request->spec.connections;
    if (connections->reconnect_every != spec->load.pipeline)
        relation_exclude(request, "keepalive", "reconnect-every",
                         "each says how many requests a connection carries", err);
    if (err->code != OK)
        return err->code;
    if (connections->one_pipelined) {
        connections->reconnect_every = spec->load.pipeline;
        options_derive(&request->values, "reconnect-every", "keepalive", "");
    }
    if (connections->reconnect_every > 0 && connections->reconnect_every < spec->load.pipeline)
        relation_notice(request,
                        "--reconnect-every %" PRIu64 " is below --pipeline %" PRIu64
                        ": no more than %" PRIu64 " requests are in flight on a connection",
                        connections->reconnect_every, spec->load.pipeline,
                        connections->reconnect_every);
    return OK;
}

static enum err_code settle_null(struct bench_request *request, struct err *err)
{
    relation_exclude(request, "null",
                     "keepalive reconnect-every idle source-address enable-tracking",
                     "--null makes no connections", err);
    return err->code;
}

enum err_code connection_settle(struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    const struct connection_options *connections = &request->spec.connections;
    enum err_code code = spec->load.null_transport ? settle_null(request, err) : OK;
    if (code == OK)
        code = settle_protocol(request, err);
    if (code == OK)
        code = settle_churn(request, err);
    if (code != OK)
        return code;
    relation_exclude(request, "socket", "source-address", "a Unix socket has no addresses", err);
    return err->code == OK && connections->source_addresses != NULL
               ? sources_check(connections->source_addresses, err)
               : err->code;
}
