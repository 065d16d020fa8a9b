/* What went wrong with TLS, in sentences: OpenSSL names the check that failed, users need to know what
 * to do. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/tls_stream.h"

#define NAMES_BYTES 120u

/* Certificates ---------------------------------------------------------------------------------- */

static void format_time(char *text, size_t text_bytes, const ASN1_TIME *time)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int got = 0;
    if (bio != NULL && time != NULL && ASN1_TIME_print(bio, time) == 1)
        got = BIO_read(bio, text, (int)text_bytes - 1);
    text[got > 0 ? got : 0] = '\0';
    BIO_free(bio);
}

static void add_name(char *names, size_t names_bytes, const char *name, size_t name_bytes)
{
    size_t used = strlen(names);
    snprintf(names + used, names_bytes - used, "%s%.*s", used > 0 ? ", " : "", (int)name_bytes,
             name);
}

static void add_address(char *names, size_t names_bytes, const ASN1_OCTET_STRING *address)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(address);
    char text[64] = "";
    if (ASN1_STRING_length(address) == 4)
        snprintf(text, sizeof text, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
    else if (ASN1_STRING_length(address) == 16)
        for (size_t i = 0, used = 0; i < 16; i += 2, used = strlen(text))
            snprintf(text + used, sizeof text - used, "%s%x", i > 0 ? ":" : "",
                     (unsigned)bytes[i] << 8 | bytes[i + 1]);
    add_name(names, names_bytes, text, strlen(text));
}

/* The hosts that a certificate is for: its alternative names, else its common name. */
static void format_names(char *names, size_t names_bytes, X509 *certificate)
{
    names[0] = '\0';
    GENERAL_NAMES *alternatives = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); i++) {
        int kind;
        const ASN1_STRING *value =
            GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(alternatives, i), &kind);
        if (kind == GEN_DNS)
            add_name(names, names_bytes, (const char *)ASN1_STRING_get0_data(value),
                     (size_t)ASN1_STRING_length(value));
        else if (kind == GEN_IPADD)
            add_address(names, names_bytes, value);
    }
    GENERAL_NAMES_free(alternatives);
    if (names[0] == '\0' && X509_NAME_get_text_by_NID(X509_get_subject_name(certificate),
                                                      NID_commonName, names, (int)names_bytes) <= 0)
        snprintf(names, names_bytes, "no host");
}

static void explain_time(struct tls_stream *stream, X509 *certificate, int depth, int error)
{
    char time[64];
    bool expired = error == X509_V_ERR_CERT_HAS_EXPIRED;
    format_time(time, sizeof time,
                expired ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate));
    snprintf(stream->why, sizeof stream->why,
             "the server's certificate%s %s %s; --insecure skips the check",
             depth > 0 ? ", or rather that of its authority," : "",
             expired ? "has expired: it was valid until" : "is not yet valid: it begins", time);
}

static void explain_name(struct tls_stream *stream, X509 *certificate, const char *wanted)
{
    char names[NAMES_BYTES];
    format_names(names, sizeof names, certificate);
    snprintf(stream->why, sizeof stream->why,
             "the server's certificate is for %s, not for %.80s: give a name that it holds with "
             "--sni",
             names, wanted);
}

int tls_failure_on_verify(int passed, X509_STORE_CTX *store)
{
    if (passed == 1)
        return 1;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_stream *stream = tls_stream_of(ssl);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    int error = X509_STORE_CTX_get_error(store);
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        explain_time(stream, certificate, X509_STORE_CTX_get_error_depth(store), error);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        explain_name(stream, certificate, stream->host);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        snprintf(stream->why, sizeof stream->why,
                 "the server's certificate is signed by an authority that is not known here (%s): "
                 "give its certificate with --cacert",
                 X509_verify_cert_error_string(error));
        break;
    default:
        snprintf(stream->why, sizeof stream->why, "the server's certificate is refused: %s",
                 X509_verify_cert_error_string(error));
        break;
    }
    return 0;
}

/* Everything else -------------------------------------------------------------------------------- */

static bool is_record_type(unsigned char byte)
{
    return byte >= 0x14 && byte <= 0x17; /* change of cipher, alert, handshake, data */
}

/* OpenSSL may have read no more than a record's head. */
static void fill_first(struct tls_stream *stream)
{
    ssize_t got = recv(stream->fd, stream->first + stream->first_bytes,
                       sizeof stream->first - stream->first_bytes, MSG_DONTWAIT);
    if (got > 0)
        stream->first_bytes += (size_t)got;
}

/* The server's first bytes, as far as they are one readable line. */
static void explain_not_tls(struct tls_stream *stream)
{
    char line[41];
    size_t count = 0;
    fill_first(stream);
    while (count < stream->first_bytes && count < sizeof line - 1 && stream->first[count] >= ' ' &&
           stream->first[count] < 0x7f) {
        line[count] = (char)stream->first[count];
        count++;
    }
    line[count] = '\0';
    if (count > 0 && strchr("+-:$*%_", line[0]) != NULL)
        snprintf(stream->why, sizeof stream->why,
                 "the server speaks plain RESP here (\"%s\"), not TLS: leave out --tls", line);
    else
        snprintf(stream->why, sizeof stream->why,
                 "what answers here does not speak TLS%s%s%s; is it the right port?",
                 count > 0 ? " (\"" : "", line, count > 0 ? "\")" : "");
}

static const char *of_alert(const struct tls_stream *stream, int alert)
{
    bool shown = stream->client->has_certificate;
    switch (alert) {
    case SSL_AD_CERTIFICATE_REQUIRED:
        return "the server asks for a client certificate: give one with --cert and --key";
    case SSL_AD_HANDSHAKE_FAILURE:
        if (stream->certificate_asked && !shown)
            return "the server asks for a client certificate: give one with --cert and --key";
        return "the server found no common cipher or protocol: see --tls-ciphers and "
               "--tls-ciphersuites";
    case SSL_AD_INSUFFICIENT_SECURITY:
        return "the server refuses the ciphers offered as too weak: see --tls-ciphers and "
               "--tls-ciphersuites";
    case SSL_AD_PROTOCOL_VERSION:
        return "the server refuses TLS 1.2 and 1.3, and volley speaks nothing older";
    case SSL_AD_UNKNOWN_CA:
        return "the server does not know the authority that signed the client certificate of "
               "--cert";
    case SSL_AD_CERTIFICATE_EXPIRED:
        return "the server says that the client certificate of --cert has expired";
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_DECRYPT_ERROR:
        return "the server refuses the client certificate of --cert";
    case SSL_AD_UNRECOGNIZED_NAME:
        return "the server does not know the host name that it was asked for: see --sni";
    default:
        return NULL;
    }
}

static const char *of_reason(int reason)
{
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        return "what the server sends is not TLS; is it the right port?";
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_NO_CIPHERS_AVAILABLE:
        return "none of the ciphers of --tls-ciphers and --tls-ciphersuites can be offered";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
        return "the server speaks a version of TLS before 1.2, which volley does not";
    case SSL_R_DH_KEY_TOO_SMALL:
    case SSL_R_EE_KEY_TOO_SMALL:
    case SSL_R_CA_KEY_TOO_SMALL:
    case SSL_R_CA_MD_TOO_WEAK:
        return "the server's keys or signatures are weaker than OpenSSL accepts";
    default:
        return NULL;
    }
}

static void explain_error(struct tls_stream *stream, unsigned long error)
{
    int reason = ERR_GET_REASON(error);
    bool ours = ERR_GET_LIB(error) == ERR_LIB_SSL;
    const char *text = NULL;
    if (ours && reason > SSL_AD_REASON_OFFSET)
        text = of_alert(stream, reason - SSL_AD_REASON_OFFSET);
    else if (ours)
        text = of_reason(reason);
    if (text == NULL)
        text = ERR_reason_error_string(error);
    snprintf(stream->why, sizeof stream->why, "%s", text != NULL ? text : "a fault of OpenSSL's");
}

void tls_failure_explain(struct tls_stream *stream)
{
    unsigned long error = ERR_peek_error();
    ERR_clear_error();
    if (ERR_GET_LIB(error) == ERR_LIB_SYS)
        error = 0; /* since OpenSSL 3.2 the socket's failures stand there too */
    if (stream->why[0] != '\0')
        return; /* a certificate was refused, and what follows is only that */
    if (!stream->established && stream->first_bytes > 0 && !is_record_type(stream->first[0]))
        explain_not_tls(stream);
    else if (error != 0)
        explain_error(stream, error);
    else if (stream->established)
        return; /* the end of the stream, or the system's error number, says it all */
    else if (stream->sys_errno != 0 && stream->sys_errno != ECONNRESET)
        snprintf(stream->why, sizeof stream->why, "%s", strerror(stream->sys_errno));
    else
        snprintf(stream->why, sizeof stream->why,
                 "the server closed the connection; is it a TLS port?");
}

const char *tls_advice_for_plain(const void *bytes, size_t byte_count)
{
    const unsigned char *first = bytes;
    if (byte_count == 0)
        return "if this is a TLS port, give --tls";
    return first[0] == 0x15 || first[0] == 0x16 ? "it looks like a TLS port: give --tls" : NULL;
}
