#include "orchestrator/options/tls_relations.h"

#include "orchestrator/options/relation.h"

/* Without TLS none of them means anything. */
static enum err_code check_plain(const struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    const struct {
        const char *name;
        bool meant;
    } options[] = {
        {"cacert", spec->endpoint.tls.cacert != NULL},
        {"cacertdir", spec->endpoint.tls.cacertdir != NULL},
        {"cert", spec->endpoint.tls.cert != NULL},
        {"key", spec->endpoint.tls.key != NULL},
        {"sni", spec->endpoint.tls.sni != NULL},
        {"insecure", spec->endpoint.tls.insecure},
        {"tls-ciphers", spec->endpoint.tls.ciphers != NULL},
        {"tls-ciphersuites", spec->endpoint.tls.ciphersuites != NULL},
        {"tls-resume", spec->endpoint.tls.resume},
        {"ktls", spec->endpoint.tls.kernel},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (options[i].meant)
            return err_set(err, E_USAGE,
                           "--%s has no meaning without TLS: give --tls, or a URI of rediss://",
                           options[i].name);
    return OK;
}

static enum err_code check_tls(struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    relation_exclude_if(spec->endpoint.tls.insecure, request, "insecure", "cacert",
                        "nothing is checked", err);
    relation_exclude_if(spec->endpoint.tls.insecure, request, "insecure", "cacertdir",
                        "nothing is checked", err);
    if (spec->endpoint.tls.cert != NULL && spec->endpoint.tls.key == NULL)
        return err_set(err, E_USAGE, "--cert %.120s needs the key that belongs to it: --key FILE",
                       spec->endpoint.tls.cert);
    if (spec->endpoint.tls.key != NULL && spec->endpoint.tls.cert == NULL)
        return err_set(err, E_USAGE,
                       "--key %.120s needs the certificate that it belongs to: --cert FILE",
                       spec->endpoint.tls.key);
    if (spec->endpoint.socket_path != NULL)
        return err_set(err, E_USAGE,
                       "--tls with --socket: servers speak TLS on TCP ports only; name one with "
                       "-h and -p, or leave out --tls");
    if (spec->load.null_transport)
        return err_set(err, E_USAGE, "--null and --tls exclude each other: --null uses no server");
    return err->code;
}

/* volley makes the certificates of its own server, and trusts just those. */
static enum err_code check_managed(struct bench_request *request, struct err *err)
{
    static const char *const given[] = {"cacert", "cacertdir", "cert", "key", "sni", "insecure"};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        relation_exclude(request, "managed", given[i],
                         "volley makes the certificates of its own server", err);
    return err->code;
}

enum err_code tls_relations_settle(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    if (request->uri != NULL && request->uri->tls && !spec->endpoint.tls.wanted) {
        spec->endpoint.tls.wanted = true;
        options_derive(&request->values, "tls", "uri", "true");
    }
    if (!spec->endpoint.tls.wanted)
        return check_plain(request, err);
    if (spec->managed.wanted && !spec->managed.tls)
        return err_set(err, E_USAGE,
                       "--managed and --tls: a server of volley's own speaks TLS with --managed "
                       "tls");
    enum err_code code = spec->managed.wanted ? check_managed(request, err) : OK;
    return code == OK ? check_tls(request, err) : code;
}
