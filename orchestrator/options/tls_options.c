#include "orchestrator/options/bench_groups.h"

#define AT(member) offsetof(struct tls_options, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row tls_rows[] = {
    {ROW("tls", NULL, OPTION_FLAG, NULL, AT(wanted)), .told = true,
     .help = "Speak TLS (1.2 or 1.3) with the server, and check its certificate; a URI of "
             "rediss:// or valkeys:// asks for it, too."},
    {ROW("cacert", NULL, OPTION_TEXT, "FILE", AT(cacert)),
     .help = "Certificates of the authorities to trust, in PEM; without --cacert and --cacertdir "
             "those that the system trusts."},
    {ROW("cacertdir", NULL, OPTION_TEXT, "DIR", AT(cacertdir)),
     .help = "A directory of such certificates, each under its hash, as openssl rehash names "
             "them."},
    {ROW("cert", NULL, OPTION_TEXT, "FILE", AT(cert)),
     .help = "A client certificate to show, in PEM, with those between it and its authority behind "
             "it; needs --key."},
    {ROW("key", NULL, OPTION_TEXT, "FILE", AT(key)),
     .help = "The private key of --cert, in PEM, not encrypted."},
    {ROW("sni", NULL, OPTION_TEXT, "NAME", AT(sni)),
     .help = "The host name to ask for, and that the certificate must hold, in place of that of "
             "the server's address."},
    {ROW("any-name", NULL, OPTION_FLAG, NULL, AT(any_name)),
     .help = "Check who has signed the server's certificate, and not for which name, as "
             "valkey-benchmark does."},
    {ROW("insecure", NULL, OPTION_FLAG, NULL, AT(insecure)), .help = "Take any certificate."},
    {ROW("tls-ciphers", NULL, OPTION_TEXT, "LIST", AT(ciphers)),
     .help = "Ciphers up to TLS 1.2, as openssl ciphers names them."},
    {ROW("tls-ciphersuites", NULL, OPTION_TEXT, "LIST", AT(ciphersuites)),
     .help = "Ciphers of TLS 1.3, as TLS_AES_128_GCM_SHA256, separated by colons."},
    {ROW("tls-resume", NULL, OPTION_FLAG, NULL, AT(resume)),
     .help = "Begin new connections with the session of an earlier one, which shortens the "
             "handshake."},
    {ROW("ktls", NULL, OPTION_FLAG, NULL, AT(kernel)),
     .help = "Let the kernel encrypt and decrypt, where it can; the report says whether it did."},
};
/* clang-format on */
#undef AT
const struct option_group tls_group = GROUP("TLS", OF_SPEAKS, tls_rows);

/* Without TLS none of them means anything. */
static enum err_code check_plain(const struct bench_request *request, struct err *err)
{
    for (size_t i = 0; i < tls_group.row_count; i++)
        if (options_meant(&request->values, tls_rows[i].name))
            return err_set(err, E_USAGE,
                           "--%s has no meaning without TLS: give --tls, or a URI of rediss://",
                           tls_rows[i].name);
    return OK;
}

static enum err_code check_tls(struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    const struct tls_options *tls = &request->spec.endpoint.tls;
    relation_exclude(request, "insecure", "cacert cacertdir any-name", "nothing is checked", err);
    if (tls->cert != NULL && tls->key == NULL)
        return err_set(err, E_USAGE, "--cert %.120s needs the key that belongs to it: --key FILE",
                       tls->cert);
    if (tls->key != NULL && tls->cert == NULL)
        return err_set(err, E_USAGE,
                       "--key %.120s needs the certificate that it belongs to: --cert FILE",
                       tls->key);
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
    relation_exclude(request, "managed", "cacert cacertdir cert key sni any-name insecure",
                     "volley makes the certificates of its own server", err);
    return err->code;
}

enum err_code tls_settle(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    struct tls_options *tls = &request->spec.endpoint.tls;
    if (request->login.uri != NULL && request->login.uri->tls && !tls->wanted) {
        tls->wanted = true;
        options_derive(&request->values, "tls", "uri", "true");
    }
    if (!tls->wanted)
        return check_plain(request, err);
    if (spec->managed.wanted && !spec->managed.tls)
        return err_set(err, E_USAGE,
                       "--managed and --tls: a server of volley's own speaks TLS with --managed "
                       "tls");
    enum err_code code = spec->managed.wanted ? check_managed(request, err) : OK;
    return code == OK ? check_tls(request, err) : code;
}
