#include "orchestrator/options/topology_relations.h"

#include "orchestrator/options/redirect_hosts.h"
#include "orchestrator/options/relation.h"

static enum err_code settle_sentinel(struct bench_request *request, struct err *err)
{
    static const char *const addresses[] = {"host", "port", "socket", "uri"};
    struct spec *spec = &request->spec;
    if (spec->endpoint.sentinels == NULL && spec->endpoint.master_name == NULL)
        return OK;
    if (spec->endpoint.sentinels == NULL)
        return err_set(err, E_USAGE, "--master %.80s needs --sentinel: who watches it",
                       spec->endpoint.master_name);
    if (spec->endpoint.master_name == NULL)
        return err_set(err, E_USAGE,
                       "--sentinel needs --master: the name of the primary they watch");
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        relation_exclude(request, "sentinel", addresses[i], "the sentinels say where the server is",
                         err);
    relation_exclude_if(spec->endpoint.cluster, request, "sentinel", "cluster",
                        "a cluster does without sentinels", err);
    return err->code;
}

/* Never echoed: the password may be in it. */
static enum err_code refuse_login(const char *option, const char *hosts, struct err *err)
{
    if (hosts == NULL || !uri_holds_login(hosts))
        return OK;
    return err_set(
        err, E_USAGE,
        "--%s takes HOST, HOST:PORT and [IPV6]:PORT, separated by commas, and what was "
        "given is a URI or holds a login: a URI is given with --uri, a user with --user, "
        "a password with -a",
        option);
}

static enum err_code settle_redirects(struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    if (spec->endpoint.redirect_hosts == NULL)
        return OK;
    if (!spec->endpoint.cluster && spec->endpoint.sentinels == NULL &&
        spec->endpoint.replica_reads == REPLICA_READS_NO)
        relation_notice(request, "--redirect-hosts changes nothing: without --cluster, --sentinel "
                                 "and --read-from-replica no server leads elsewhere");
    return redirect_hosts_check(spec->endpoint.redirect_hosts, err);
}

enum err_code topology_relations_settle(struct bench_request *request, struct err *err)
{
    static const char *const rows[] = {"cluster", "read-from-replica", "sentinel"};
    struct spec *spec = &request->spec;
    const bool meant[] = {spec->endpoint.cluster, spec->endpoint.replica_reads != REPLICA_READS_NO,
                          spec->endpoint.sentinels != NULL};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        relation_exclude_if(meant[i] && spec->load.null_transport, request, rows[i], "null",
                            "--null uses no server", err);
        relation_exclude_if(meant[i] && spec->endpoint.socket_path != NULL, request, rows[i],
                            "socket", "other servers are found at hosts and ports", err);
    }
    relation_exclude_if(spec->endpoint.sentinels != NULL && spec->managed.wanted, request,
                        "sentinel", "managed", "volley starts its own server", err);
    relation_exclude_if(spec->managed.wanted, request, "redirect-hosts", "managed",
                        "servers of volley's own lead nowhere else", err);
    enum err_code code = err->code;
    if (code == OK)
        code = settle_sentinel(request, err);
    if (code == OK)
        code = settle_redirects(request, err);
    if (code == OK)
        code = refuse_login("host", spec->endpoint.host, err);
    if (code == OK)
        code = refuse_login("sentinel", spec->endpoint.sentinels, err);
    return code;
}
