#include "common/transport_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/secret.h"
#include "common/tls_stream.h"

/* The socket as OpenSSL sees it ---------------------------------------------------------------- */

static void keep_first(struct tls_stream *stream, const char *bytes, size_t byte_count)
{
    size_t room = sizeof stream->first - stream->first_bytes;
    size_t count = byte_count < room ? byte_count : room;
    memcpy(stream->first + stream->first_bytes, bytes, count);
    stream->first_bytes += count;
}

/* A recv() that brought less than was asked for has emptied the socket: another one would only say
 * so, and new bytes give a new edge. */
static int bio_read(BIO *bio, char *buffer, int wanted)
{
    struct tls_stream *stream = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (stream->ended)
        return 0;
    if (stream->drained) {
        BIO_set_retry_read(bio);
        return -1;
    }
    ssize_t got;
    do
        got = recv(stream->fd, buffer, (size_t)wanted, 0);
    while (got < 0 && errno == EINTR);
    stream->drained = got < wanted;
    if (got > 0) {
        if (!stream->established)
            keep_first(stream, buffer, (size_t)got);
        return (int)got;
    }
    if (got == 0) {
        stream->ended = true;
        return 0;
    }
    if (errno == EAGAIN)
        BIO_set_retry_read(bio);
    else
        stream->sys_errno = errno;
    return -1;
}

/* Sends; returns how many bytes the socket took, or -1 on a failure other than a full one. */
static ssize_t send_some(struct tls_stream *stream, const void *bytes, size_t byte_count)
{
    ssize_t sent;
    do
        sent = send(stream->fd, bytes, byte_count, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EAGAIN)
        return 0;
    if (sent < 0)
        stream->sys_errno = errno;
    return sent;
}

/* Once the handshake is over a record is taken whole, so that what SSL_write was given is written. */
static int bio_write(BIO *bio, const char *bytes, int byte_count)
{
    struct tls_stream *stream = BIO_get_data(bio);
    size_t wanted = (size_t)byte_count, sent = 0;
    BIO_clear_retry_flags(bio);
    if (stream->overflow_bytes == 0) {
        ssize_t took = send_some(stream, bytes, wanted);
        if (took < 0)
            return -1;
        sent = (size_t)took;
        stream->overflow_at = 0;
    }
    size_t rest = wanted - sent;
    size_t filled = stream->overflow_at + stream->overflow_bytes;
    if (rest == 0)
        return byte_count;
    if (stream->established && rest <= TLS_OVERFLOW_BYTES - filled) {
        memcpy(stream->overflow + filled, bytes + sent, rest);
        stream->overflow_bytes += rest;
        return byte_count;
    }
    if (sent > 0)
        return (int)sent;
    BIO_set_retry_write(bio);
    return -1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_stream *stream = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH: /* nothing waits here that the socket would take */
        return 1;
    case BIO_CTRL_EOF:
        return stream->ended;
    default:
        return 0;
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *tls_stream_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "volley socket");
    if (method != NULL && BIO_meth_set_create(method, bio_create) == 1 &&
        BIO_meth_set_read(method, bio_read) == 1 && BIO_meth_set_write(method, bio_write) == 1 &&
        BIO_meth_set_ctrl(method, bio_control) == 1)
        return method;
    BIO_meth_free(method);
    return NULL;
}

/* Life of a stream ----------------------------------------------------------------------------- */

struct tls_stream *tls_stream_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

static bool is_number(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* Whom the certificate must name, and whom the server is asked for: an address is never asked for. */
static bool set_name(struct tls_stream *stream, const struct target_address *target)
{
    const char *name = stream->client->sni != NULL ? stream->client->sni : target->host;
    snprintf(stream->host, sizeof stream->host, "%s", name);
    /* A node that was announced without a name is known by its address. */
    if (name[0] == '\0' &&
        getnameinfo((const struct sockaddr *)&target->address, target->address_bytes, stream->host,
                    sizeof stream->host, NULL, 0, NI_NUMERICHOST) != 0)
        return false;
    name = stream->host;
    if (stream->client->verify && !stream->client->any_name &&
        SSL_set1_host(stream->ssl, name) != 1)
        return false;
    return is_number(name) || SSL_set_tlsext_host_name(stream->ssl, stream->host) == 1;
}

static bool set_socket(struct tls_stream *stream)
{
    if (stream->kernel) {
        SSL_set_options(stream->ssl, SSL_OP_ENABLE_KTLS);
        SSL_set_read_ahead(stream->ssl, 0); /* the kernel gives records, not bytes */
        return SSL_set_fd(stream->ssl, stream->fd) == 1;
    }
    BIO *bio = BIO_new(stream->client->method);
    if (bio == NULL)
        return false;
    BIO_set_data(bio, stream);
    SSL_set_bio(stream->ssl, bio, bio);
    return true;
}

static void offer_session(struct tls_stream *stream, const struct target_address *target)
{
    stream->session = tls_client_session(stream->client, target->text);
    if (stream->session == NULL || stream->session->session == NULL)
        return;
    /* With TLS 1.3 OpenSSL lets each be used once; a copy leaves it for others that connect meanwhile.
     * Where this fails the handshake is a whole one. */
    SSL_SESSION *copy = SSL_SESSION_dup(stream->session->session);
    if (copy != NULL)
        (void)SSL_set_session(stream->ssl, copy);
    SSL_SESSION_free(copy);
}

static void stream_destroy(struct tls_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->ssl != NULL) {
        /* Otherwise OpenSSL takes the session for one that must not be resumed. */
        SSL_set_shutdown(stream->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(stream->ssl);
    }
    if (stream->kernel)
        secret_free(stream->overflow);
    else
        free(stream->overflow);
    free(stream);
}

static struct tls_stream *stream_create(struct tls_client *client, int fd,
                                        const struct target_address *target)
{
    struct tls_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->client = client;
    stream->fd = fd;
    stream->kernel = client->kernel;
    /* With the kernel's help it is plain text, a login's too. */
    stream->overflow =
        stream->kernel ? secret_alloc(TLS_OVERFLOW_BYTES) : malloc(TLS_OVERFLOW_BYTES);
    stream->ssl = SSL_new(client->context);
    if (stream->overflow != NULL && stream->ssl != NULL && set_socket(stream) &&
        SSL_set_app_data(stream->ssl, stream) == 1 && set_name(stream, target)) {
        SSL_set_connect_state(stream->ssl);
        if (client->resume)
            offer_session(stream, target);
        return stream;
    }
    ERR_clear_error();
    stream_destroy(stream);
    return NULL;
}

/* The transport -------------------------------------------------------------------------------- */

static enum io_status tls_connect(struct wire *wire, const struct wire_setup *setup,
                                  const struct target_address *target,
                                  const struct target_address *source, int *sys_errno)
{
    enum io_status status = transport_tcp.connect(wire, setup, target, source, sys_errno);
    if (status == IO_FAILED)
        return status;
    wire->unflushed = false;
    wire->tls = stream_create(setup->tls, wire->fd, target);
    if (wire->tls == NULL) {
        transport_tcp.close(wire);
        *sys_errno = ENOMEM;
        return IO_FAILED;
    }
    return status;
}

static enum io_status tls_connected(struct wire *wire, int *sys_errno)
{
    return transport_tcp.connected(wire, sys_errno);
}

static bool is_verified(const struct tls_stream *stream)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(stream->ssl);
    return SSL_get0_peer_certificate(stream->ssl) != NULL &&
           SSL_get_verify_result(stream->ssl) == X509_V_OK && cipher != NULL &&
           SSL_CIPHER_get_auth_nid(cipher) != NID_auth_null &&
           SSL_CIPHER_get_bits(cipher, NULL) > 0;
}

/* Ciphers that check nothing are not offered, unless OpenSSL's own configuration has them. */
static enum io_status refuse_unverified(struct tls_stream *stream, struct err *err)
{
    snprintf(stream->why, sizeof stream->why,
             "the server shows no certificate that was checked, or does not encrypt (cipher %s): "
             "--insecure takes it as it is",
             SSL_get_cipher_name(stream->ssl));
    err_set(err, E_CONNECT, "%s", stream->why);
    return IO_FAILED;
}

static enum io_status tls_handshake(struct wire *wire, bool *wants_write, struct err *err)
{
    struct tls_stream *stream = wire->tls;
    *wants_write = false;
    stream->drained = false;
    int result = SSL_do_handshake(stream->ssl);
    if (result == 1) {
        if (stream->client->verify && !is_verified(stream))
            return refuse_unverified(stream, err);
        stream->established = true;
        return IO_DONE;
    }
    int reason = SSL_get_error(stream->ssl, result);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
        *wants_write = reason == SSL_ERROR_WANT_WRITE;
        return IO_AGAIN;
    }
    tls_failure_explain(stream);
    err_set(err, E_CONNECT, "%s", stream->why);
    return IO_FAILED;
}

/* What a call that did not return 1 means. The queue of errors is empty again afterwards, as
 * SSL_get_error wants it before the next call. */
static enum io_status settle(struct tls_stream *stream, int result)
{
    int reason = SSL_get_error(stream->ssl, result);
    if (stream->kernel && reason == SSL_ERROR_SYSCALL)
        stream->sys_errno = errno;
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
        return IO_AGAIN;
    tls_failure_explain(stream);
    if (reason == SSL_ERROR_ZERO_RETURN || (reason == SSL_ERROR_SYSCALL && stream->ended))
        return IO_CLOSED;
    if (stream->sys_errno == 0)
        stream->sys_errno = EPROTO;
    return IO_FAILED;
}

/* A record is returned by itself however many are there, so this asks until the buffer is full or
 * nothing is left. */
static enum io_status tls_read(struct wire *wire, void *buffer, size_t buffer_bytes,
                               size_t *read_bytes, int *sys_errno)
{
    struct tls_stream *stream = wire->tls;
    char *at = buffer;
    size_t left_bytes = buffer_bytes;
    enum io_status status = IO_AGAIN;
    *sys_errno = stream->sys_errno;
    if (stream->failure != IO_DONE)
        return stream->failure;
    stream->drained = false;
    do {
        size_t got;
        int result = SSL_read_ex(stream->ssl, at, left_bytes, &got);
        if (result != 1) {
            status = settle(stream, result);
            break;
        }
        at += got;
        left_bytes -= got;
    } while (left_bytes > 0 && !(stream->drained && SSL_has_pending(stream->ssl) == 0));
    wire->unflushed = stream->overflow_bytes > 0; /* new keys are answered by a record of our own */
    *read_bytes = buffer_bytes - left_bytes;
    *sys_errno = stream->sys_errno;
    if (status != IO_AGAIN)
        stream->failure = status;
    if (*read_bytes == 0)
        return status;
    /* A failure behind these bytes must not wait for an edge that may never come. */
    if (stream->failure != IO_DONE)
        (void)shutdown(stream->fd, SHUT_RD);
    return IO_DONE;
}

/* What the kernel is to encrypt is given from a buffer that stays. */
static enum io_status flush_kernel(struct wire *wire, int *sys_errno)
{
    struct tls_stream *stream = wire->tls;
    size_t taken;
    int result = SSL_write_ex(stream->ssl, stream->overflow, stream->overflow_bytes, &taken);
    if (result != 1) {
        enum io_status status = settle(stream, result);
        *sys_errno = stream->sys_errno;
        return status;
    }
    stream->overflow_bytes = 0;
    wire->unflushed = false;
    return IO_DONE;
}

static enum io_status tls_flush(struct wire *wire, int *sys_errno)
{
    struct tls_stream *stream = wire->tls;
    if (stream->kernel)
        return stream->overflow_bytes > 0 ? flush_kernel(wire, sys_errno) : IO_DONE;
    while (stream->overflow_bytes > 0) {
        ssize_t sent =
            send_some(stream, stream->overflow + stream->overflow_at, stream->overflow_bytes);
        if (sent < 0) {
            *sys_errno = stream->sys_errno;
            return IO_FAILED;
        }
        if (sent == 0)
            return IO_AGAIN;
        stream->overflow_at += (size_t)sent;
        stream->overflow_bytes -= (size_t)sent;
    }
    wire->unflushed = false;
    return IO_DONE;
}

/* One record at most. IO_AGAIN: taken, and not sent yet. */
static enum io_status write_record(struct wire *wire, const char *bytes, size_t byte_count,
                                   size_t *taken, int *sys_errno)
{
    struct tls_stream *stream = wire->tls;
    size_t chunk = byte_count < TLS_RECORD_BYTES ? byte_count : TLS_RECORD_BYTES;
    if (stream->kernel) {
        memcpy(stream->overflow, bytes, chunk);
        stream->overflow_bytes = *taken = chunk;
        return flush_kernel(wire, sys_errno);
    }
    int result = SSL_write_ex(stream->ssl, bytes, chunk, taken);
    if (result == 1)
        return IO_DONE;
    *taken = 0;
    enum io_status status = settle(stream, result);
    *sys_errno = stream->sys_errno;
    return status;
}

static enum io_status tls_write(struct wire *wire, const void *bytes, size_t byte_count,
                                size_t *written_bytes, int *sys_errno)
{
    struct tls_stream *stream = wire->tls;
    const char *at = bytes;
    size_t left_bytes = byte_count;
    enum io_status status = IO_AGAIN;
    *written_bytes = 0;
    if (wire->unflushed) {
        status = tls_flush(wire, sys_errno);
        if (status != IO_DONE)
            return status;
    }
    do {
        size_t taken;
        status = write_record(wire, at, left_bytes, &taken, sys_errno);
        if (status != IO_DONE && status != IO_AGAIN)
            break;
        at += taken;
        left_bytes -= taken;
    } while (status == IO_DONE && left_bytes > 0 && stream->overflow_bytes == 0);
    wire->unflushed = stream->overflow_bytes > 0;
    *written_bytes = byte_count - left_bytes;
    return *written_bytes > 0 ? IO_DONE : status;
}

static void tls_close(struct wire *wire)
{
    stream_destroy(wire->tls);
    wire->tls = NULL;
    wire->unflushed = false;
    transport_tcp.close(wire);
}

const struct transport transport_tls = {
    .name = "tls",
    .connect = tls_connect,
    .connected = tls_connected,
    .handshake = tls_handshake,
    .read = tls_read,
    .write = tls_write,
    .flush = tls_flush,
    .close = tls_close,
};

/* What others may know of a stream ------------------------------------------------------------- */

bool tls_resumed(const struct wire *wire)
{
    return wire->tls != NULL && SSL_session_reused(wire->tls->ssl) == 1;
}

const char *tls_version(const struct wire *wire)
{
    return wire->tls != NULL ? SSL_get_version(wire->tls->ssl) : "";
}

const char *tls_cipher(const struct wire *wire)
{
    const char *name = wire->tls != NULL ? SSL_get_cipher_name(wire->tls->ssl) : "";
    return name != NULL ? name : "";
}

bool tls_is_verified(const struct wire *wire)
{
    return wire->tls != NULL && wire->tls->client->verify && is_verified(wire->tls);
}

const char *tls_kernel_state(const struct wire *wire)
{
    const struct tls_stream *stream = wire->tls;
    if (stream == NULL || !stream->client->kernel_asked)
        return NULL;
    if (!stream->kernel)
        return tls_kernel_obstacle();
    bool sends = BIO_get_ktls_send(SSL_get_wbio(stream->ssl));
    bool receives = BIO_get_ktls_recv(SSL_get_rbio(stream->ssl));
    if (sends && receives)
        return "in use";
    if (sends || receives)
        return sends ? "in use for sending only" : "in use for receiving only";
    return "the kernel refuses this version or cipher";
}

const char *tls_failure(const struct wire *wire)
{
    struct tls_stream *stream = wire->tls;
    char ignored[512];
    size_t got;
    if (stream == NULL)
        return NULL;
    /* A write that failed says only that the server has hung up; its last words are still here. */
    stream->drained = false;
    while (stream->why[0] == '\0' && stream->failure == IO_DONE) {
        int result = SSL_read_ex(stream->ssl, ignored, sizeof ignored, &got);
        if (result == 1)
            continue;
        enum io_status status = settle(stream, result);
        if (status == IO_AGAIN)
            break;
        stream->failure = status;
    }
    return stream->why[0] != '\0' ? stream->why : NULL;
}
