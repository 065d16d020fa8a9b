#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/secret.h"
#include "common/tls_stream.h"

/* Files ----------------------------------------------------------------------------------------- */

/* Nothing is read: a pipe, as <(...) of a shell is, gives each byte once. */
static enum err_code check_readable(const char *option, const char *path, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    bool readable = fd >= 0 && fstat(fd, &status) == 0;
    int sys_errno = readable ? EISDIR : errno;
    if (fd >= 0)
        close(fd);
    if (readable && !S_ISDIR(status.st_mode))
        return OK;
    return err_set_errno(err, E_USAGE, sys_errno, "%s %.200s cannot be read", option, path);
}

static bool queue_says(int library, int reason)
{
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == library && ERR_GET_REASON(error) == reason;
}

/* The innermost thing that OpenSSL says went wrong; empties its queue. */
static enum err_code refuse(const char *option, const char *path, const char *what, struct err *err)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return err_set(err, E_USAGE, "%s %.160s %s%s%s%s", option, path, what,
                   reason != NULL ? " (" : "", reason != NULL ? reason : "",
                   reason != NULL ? ")" : "");
}

/* "5ed36f99.0", as `openssl rehash` names certificates. */
static bool is_hashed_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && name[9] >= '0' &&
           name[9] <= '9';
}

static enum err_code check_directory(const char *path, struct err *err)
{
    DIR *directory = opendir(path);
    bool found = false;
    if (directory == NULL)
        return err_set_errno(err, E_USAGE, errno, "--cacertdir %.200s cannot be read", path);
    for (const struct dirent *entry; !found && (entry = readdir(directory)) != NULL;)
        found = is_hashed_name(entry->d_name);
    closedir(directory);
    if (found)
        return OK;
    return err_set(err, E_USAGE,
                   "--cacertdir %.160s holds no certificate under its hash, where OpenSSL would "
                   "look for it: run openssl rehash on it",
                   path);
}

static enum err_code load_authorities(SSL_CTX *context, const struct tls_options *options,
                                      struct err *err)
{
    enum err_code code = OK;
    if (options->cacert != NULL) {
        code = check_readable("--cacert", options->cacert, err);
        if (code == OK && SSL_CTX_load_verify_file(context, options->cacert) != 1)
            code = refuse("--cacert", options->cacert, "holds no certificate in PEM", err);
    }
    if (code == OK && options->cacertdir != NULL) {
        code = check_directory(options->cacertdir, err);
        if (code == OK && SSL_CTX_load_verify_dir(context, options->cacertdir) != 1)
            code = refuse("--cacertdir", options->cacertdir, "cannot be used", err);
    }
    /* Where the system keeps none, the handshake tells that the authority is not known. */
    if (options->cacert == NULL && options->cacertdir == NULL)
        (void)SSL_CTX_set_default_verify_paths(context);
    return code;
}

/* No terminal to ask at: an encrypted key is refused. argument: whether it is one; may be NULL. */
static int no_passphrase(char *buffer, int buffer_bytes, int writing, void *argument)
{
    (void)buffer;
    (void)buffer_bytes;
    (void)writing;
    bool *encrypted = argument;
    if (encrypted != NULL)
        *encrypted = true;
    return -1;
}

static enum err_code load_key(SSL_CTX *context, const struct tls_options *options, struct err *err)
{
    enum err_code code = check_readable("--key", options->key, err);
    if (code != OK)
        return code;
    bool encrypted = false;
    secret_forbid_dumps(); /* OpenSSL has several copies of it, in no place of ours */
    SSL_CTX_set_default_passwd_cb_userdata(context, &encrypted);
    bool loaded = SSL_CTX_use_PrivateKey_file(context, options->key, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    if (loaded)
        return OK;
    if (queue_says(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH) ||
        queue_says(ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH)) {
        ERR_clear_error();
        return err_set(err, E_USAGE,
                       "--key %.120s is not the key of the certificate --cert %.120s: give the "
                       "two that belong together",
                       options->key, options->cert);
    }
    if (encrypted) {
        ERR_clear_error();
        return err_set(err, E_USAGE,
                       "--key %.160s is encrypted, and volley does not ask for passphrases: write "
                       "a plain one with openssl pkey",
                       options->key);
    }
    return refuse("--key", options->key, "holds no private key in PEM", err);
}

static enum err_code load_certificate(SSL_CTX *context, const struct tls_options *options,
                                      struct err *err)
{
    if (options->cert == NULL)
        return OK;
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    enum err_code code = check_readable("--cert", options->cert, err);
    if (code == OK && SSL_CTX_use_certificate_chain_file(context, options->cert) != 1)
        code = refuse("--cert", options->cert, "holds no certificate in PEM", err);
    return code == OK ? load_key(context, options, err) : code;
}

/* What is spoken ---------------------------------------------------------------------------------- */

/* With an anonymous cipher there is no certificate to check, and a null cipher keeps nothing secret: a
 * list such as HIGH:@SECLEVEL=0 holds both. Where nothing is checked the list is taken as it is. */
static enum err_code choose_old_ciphers(SSL_CTX *context, const struct tls_options *options,
                                        struct err *err)
{
    char *checkable = NULL;
    if (SSL_CTX_set_cipher_list(context, options->ciphers) != 1)
        return refuse("--tls-ciphers", options->ciphers,
                      "names no cipher that OpenSSL has: openssl ciphers lists them", err);
    if (options->insecure)
        return OK;
    if (asprintf(&checkable, "%s:!aNULL:!eNULL", options->ciphers) < 0)
        return err_set(err, E_SYSTEM, "cannot set up TLS: out of memory");
    bool usable = SSL_CTX_set_cipher_list(context, checkable) == 1;
    free(checkable);
    if (usable)
        return OK;
    ERR_clear_error();
    return err_set(err, E_USAGE,
                   "--tls-ciphers %.120s names only ciphers without a certificate to check, or "
                   "without encryption: name others, or give --insecure",
                   options->ciphers);
}

static enum err_code choose_ciphers(SSL_CTX *context, const struct tls_options *options,
                                    struct err *err)
{
    enum err_code code = options->ciphers != NULL ? choose_old_ciphers(context, options, err) : OK;
    if (code != OK)
        return code;
    if (options->ciphersuites != NULL &&
        SSL_CTX_set_ciphersuites(context, options->ciphersuites) != 1)
        return refuse("--tls-ciphersuites", options->ciphersuites,
                      "is no list of TLS 1.3's: openssl ciphers -s -tls1_3 lists them", err);
    return OK;
}

static int on_certificate_asked(SSL *ssl, X509 **certificate, EVP_PKEY **key)
{
    (void)certificate;
    (void)key;
    tls_stream_of(ssl)->certificate_asked = true;
    return 0; /* none is shown */
}

/* Remembers a session that a server has given. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_session *entry = tls_stream_of(ssl)->session;
    if (entry == NULL)
        return 0; /* OpenSSL keeps the reference */
    SSL_SESSION_free(entry->session);
    entry->session = session;
    return 1;
}

static void set_up(struct tls_client *client)
{
    SSL_CTX *context = client->context;
    (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, client->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       client->verify ? tls_failure_on_verify : NULL);
    SSL_CTX_set_client_cert_cb(context, on_certificate_asked);
    /* One recv() brings whatever is there, not a record's head and then its body. */
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* A server that ends the stream without saying so first is as good as one that does. */
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context, client->resume
                                                ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
                                                : SSL_SESS_CACHE_OFF);
    if (client->resume)
        SSL_CTX_sess_set_new_cb(context, on_session);
}

/* The kernel's part ------------------------------------------------------------------------------- */

const char *tls_kernel_obstacle(void)
{
#ifdef OPENSSL_NO_KTLS
    return "this OpenSSL is built without it";
#else
    char names[256];
    int fd = open("/proc/sys/net/ipv4/tcp_available_ulp", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, names, sizeof names - 1) : -1;
    if (fd >= 0)
        close(fd);
    names[got > 0 ? got : 0] = '\0';
    for (const char *at = names; *at != '\0'; at += strspn(at, " \n")) {
        size_t bytes = strcspn(at, " \n");
        if (bytes == 3 && strncmp(at, "tls", 3) == 0)
            return NULL;
        at += bytes;
    }
    return "the kernel has no tls module loaded (modprobe tls)";
#endif
}

/* Sessions ---------------------------------------------------------------------------------------- */

struct tls_session *tls_client_session(struct tls_client *client, const char *target)
{
    for (unsigned i = 0; i < client->session_count; i++)
        if (strcmp(client->sessions[i].target, target) == 0)
            return &client->sessions[i];
    if (client->session_count == TLS_SESSIONS_MAX)
        return NULL;
    struct tls_session *fresh = &client->sessions[client->session_count++];
    snprintf(fresh->target, sizeof fresh->target, "%s", target);
    return fresh;
}

/* Life --------------------------------------------------------------------------------------------- */

enum err_code tls_client_create(struct tls_client **client, const struct tls_options *options,
                                struct err *err)
{
    *client = NULL;
    struct tls_client *made = calloc(1, sizeof *made);
    if (made == NULL)
        return err_set(err, E_SYSTEM, "cannot set up TLS: out of memory");
    made->sni = options->sni;
    made->verify = !options->insecure;
    made->any_name = options->any_name;
    made->resume = options->resume;
    made->kernel_asked = options->kernel;
    made->kernel = options->kernel && tls_kernel_obstacle() == NULL;
    made->has_certificate = options->cert != NULL;
    made->sessions = calloc(TLS_SESSIONS_MAX, sizeof made->sessions[0]);
    made->context = SSL_CTX_new(TLS_client_method());
    made->method = tls_stream_bio_method();
    enum err_code code = OK;
    if (made->sessions == NULL || made->context == NULL || made->method == NULL)
        code = err_set(err, E_SYSTEM, "cannot set up TLS: OpenSSL refuses");
    if (code == OK)
        code = load_authorities(made->context, options, err);
    if (code == OK)
        code = load_certificate(made->context, options, err);
    if (code == OK)
        code = choose_ciphers(made->context, options, err);
    ERR_clear_error(); /* what is left of it would be taken for a connection's */
    if (code != OK) {
        tls_client_destroy(made);
        return code;
    }
    set_up(made);
    *client = made;
    return OK;
}

void tls_client_destroy(struct tls_client *client)
{
    if (client == NULL)
        return;
    for (unsigned i = 0; i < client->session_count; i++)
        SSL_SESSION_free(client->sessions[i].session);
    free(client->sessions);
    SSL_CTX_free(client->context);
    BIO_meth_free(client->method);
    free(client);
}
