#include "orchestrator/server/certificates.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"

#define LEAST_SECONDS (48L * 3600) /* of runs whose length is not known before */
#define AUTHORITY_NAME "volley-ca"
#define SERVER_NAME "volley-server"

static void certificate_path(char path[CERTIFICATE_PATH_BYTES], const char *directory,
                             const char *name, const char *suffix)
{
    snprintf(path, CERTIFICATE_PATH_BYTES, "%.160s/%.60s%s", directory, name, suffix);
}

static enum err_code close_file(FILE *file, bool written, const char *path, struct err *err)
{
    bool closed = fclose(file) == 0;
    ERR_clear_error();
    return written && closed ? OK : err_set_errno(err, E_SYSTEM, errno, "cannot write %s", path);
}

/* The certificate, or NULL: the key. */
static enum err_code write_file(const char *path, X509 *certificate, EVP_PKEY *key, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        (void)err_set_errno(err, E_SYSTEM, errno, "cannot write %s", path);
        if (fd >= 0)
            close(fd);
        return E_SYSTEM;
    }
    bool written = certificate != NULL
                       ? PEM_write_X509(file, certificate) == 1
                       : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
    return close_file(file, written, path, err);
}

/* A certificate and its key. NULL both: none yet. */
struct signer {
    X509 *certificate;
    EVP_PKEY *key;
};

static void signer_free(struct signer *signer)
{
    X509_free(signer->certificate);
    EVP_PKEY_free(signer->key);
}

static enum err_code read_signer(struct signer *signer, const char *directory, const char *name,
                                 struct err *err)
{
    char path[CERTIFICATE_PATH_BYTES];
    certificate_path(path, directory, name, ".pem");
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        signer->certificate = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
    }
    certificate_path(path, directory, name, "-key.pem");
    file = fopen(path, "re");
    if (file != NULL) {
        signer->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
    }
    ERR_clear_error();
    if (signer->certificate != NULL && signer->key != NULL)
        return OK;
    return err_set(err, E_SYSTEM, "cannot read the authority %s in %s", name, directory);
}

static bool add_extension(X509 *certificate, X509V3_CTX *context, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, kind, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool add_extensions(X509 *certificate, X509 *issuer, const struct certificate_wish *wish)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    return add_extension(certificate, &context, NID_basic_constraints,
                         wish->authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
           add_extension(certificate, &context, NID_key_usage,
                         wish->authority ? "critical,keyCertSign,cRLSign"
                                         : "critical,digitalSignature") &&
           add_extension(certificate, &context, NID_subject_key_identifier, "hash") &&
           (wish->alternatives == NULL ||
            add_extension(certificate, &context, NID_subject_alt_name, wish->alternatives));
}

static bool set_serial(X509 *certificate)
{
    uint64_t serial = 0;
    return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1;
}

static bool fill_in(X509 *certificate, EVP_PKEY *key, const struct signer *signer,
                    const struct certificate_wish *wish)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509 *issuer = signer->certificate != NULL ? signer->certificate : certificate;
    EVP_PKEY *signing_key = signer->key != NULL ? signer->key : key;
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), wish->begins_seconds) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), wish->ends_seconds) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                      (const unsigned char *)wish->name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
           X509_set_pubkey(certificate, key) == 1 && add_extensions(certificate, issuer, wish) &&
           X509_sign(certificate, signing_key, EVP_sha256()) > 0;
}

/* by: the authority that signs, or none: itself. signer_free in any case. */
static enum err_code make(struct signer *made, const struct certificate_wish *wish,
                          const struct signer *by, struct err *err)
{
    enum err_code code = OK;
    *made = (struct signer){.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
    if (made->key == NULL || made->certificate == NULL ||
        !fill_in(made->certificate, made->key, by, wish))
        code = err_set(err, E_SYSTEM, "OpenSSL cannot make the certificate %s", wish->name);
    ERR_clear_error();
    return code;
}

enum err_code certificate_make(const char *directory, const struct certificate_wish *wish,
                               struct err *err)
{
    char path[CERTIFICATE_PATH_BYTES];
    struct signer authority = {NULL, NULL}, made = {NULL, NULL};
    enum err_code code = OK;
    if (wish->signed_by != NULL)
        code = read_signer(&authority, directory, wish->signed_by, err);
    if (code == OK)
        code = make(&made, wish, &authority, err);
    if (code == OK) {
        certificate_path(path, directory, wish->name, ".pem");
        code = write_file(path, made.certificate, NULL, err);
    }
    if (code == OK) {
        certificate_path(path, directory, wish->name, "-key.pem");
        code = write_file(path, NULL, made.key, err);
    }
    signer_free(&made);
    signer_free(&authority);
    return code;
}

/* ---- of managed servers ---- */

static enum err_code keep_key(int *fd, EVP_PKEY *key, struct err *err)
{
    *fd = memfd_create("volley-key", MFD_CLOEXEC);
    int copy = *fd >= 0 ? fcntl(*fd, F_DUPFD_CLOEXEC, 0) : -1;
    FILE *file = copy >= 0 ? fdopen(copy, "w") : NULL;
    if (file == NULL && copy >= 0)
        close(copy);
    if (file == NULL)
        return err_set_errno(err, E_SYSTEM, errno, "cannot keep the managed server's key");
    (void)setvbuf(file, NULL, _IONBF, 0); /* a buffer would be freed as it is */
    bool written = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
    return close_file(file, written, "the managed server's key", err);
}

static enum err_code make_both(struct managed_certificates *made, long seconds, struct err *err)
{
    /* From an hour ago on, for machines whose clocks disagree a little. */
    const struct certificate_wish of_authority = {.name = AUTHORITY_NAME,
                                                  .authority = true,
                                                  .begins_seconds = -3600,
                                                  .ends_seconds = seconds};
    const struct certificate_wish of_server = {.name = SERVER_NAME,
                                               .alternatives = "DNS:localhost,IP:127.0.0.1,IP:::1",
                                               .begins_seconds = -3600,
                                               .ends_seconds = seconds};
    struct signer authority, server = {NULL, NULL};
    bool whole = make(&authority, &of_authority, &(struct signer){NULL, NULL}, err) == OK &&
                 make(&server, &of_server, &authority, err) == OK &&
                 write_file(made->authority, authority.certificate, NULL, err) == OK &&
                 write_file(made->certificate, server.certificate, NULL, err) == OK &&
                 keep_key(&made->key_fd, server.key, err) == OK;
    signer_free(&server);
    signer_free(&authority);
    return whole ? OK : err->code;
}

enum err_code managed_certificates_make(struct managed_certificates *made, uint64_t planned_ns,
                                        struct err *err)
{
    made->key_fd = -1;
    enum err_code code = private_directory_make(&made->directory, CERTIFICATES_DIRECTORY_PREFIX,
                                                "the managed server's certificates", err);
    if (code != OK)
        return code;
    certificate_path(made->authority, made->directory.path, AUTHORITY_NAME, ".pem");
    certificate_path(made->certificate, made->directory.path, SERVER_NAME, ".pem");
    code = make_both(made, LEAST_SECONDS + (long)(planned_ns / NS_PER_SECOND), err);
    if (code != OK)
        managed_certificates_remove(made);
    return code;
}

void managed_certificates_remove(struct managed_certificates *made)
{
    if (made->directory.path[0] != '\0' && made->key_fd >= 0)
        close(made->key_fd);
    private_directory_remove(&made->directory);
}
