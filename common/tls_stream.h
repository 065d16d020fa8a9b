/* What transport_tls.c, tls_client.c and tls_failure.c share; nobody else includes it. */
#ifndef COMMON_TLS_STREAM_H
#define COMMON_TLS_STREAM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/transport_tls.h"

/* Plain bytes of a full record, and of what it may become. */
#define TLS_RECORD_BYTES 16384u
#define TLS_OVERFLOW_BYTES (TLS_RECORD_BYTES + 1024u)

#define TLS_SESSIONS_MAX 256u

/* The newest session of one address, for --tls-resume. */
struct tls_session {
    char target[160]; /* target_address.text */
    SSL_SESSION *session;
};

struct tls_client {
    SSL_CTX *context;
    BIO_METHOD *method;
    const char *sni; /* NULL: the host */
    bool verify;
    bool any_name; /* of those that are verified, too */
    bool resume;
    bool kernel_asked;    /* --ktls ...                            */
    bool kernel;          /* ... and nothing stands in its way     */
    bool has_certificate; /* of its own */
    struct tls_session *sessions;
    unsigned session_count;
};

struct tls_stream {
    SSL *ssl;
    struct tls_client *client;
    int fd;
    bool drained;            /* the last recv() brought less than was asked for: nothing is left  */
    bool ended;              /* the peer's end of the stream has been read                       */
    bool established;        /* the handshake is complete                                        */
    bool kernel;             /* OpenSSL has the socket itself, as the kernel's TLS needs it      */
    bool certificate_asked;  /* by the server, and there was none to show                        */
    enum io_status failure;  /* of reading, for good; IO_DONE: none                               */
    int sys_errno;           /* of the last socket call that failed; 0: none has */
    unsigned char first[64]; /* the first bytes that the server sent             */
    size_t first_bytes;
    struct tls_session *session; /* NULL: no --tls-resume */
    /* TLS_OVERFLOW_BYTES: of records, what the socket did not take; with `kernel` a piece of what was
     * given to write, which OpenSSL wants again, whole and at the same place. */
    unsigned char *overflow;
    size_t overflow_at, overflow_bytes;
    char host[256];              /* whom the certificate must name; "": nobody */
    char why[TLS_FAILURE_BYTES]; /* of a failure; "" when there is nothing to say */
};

/* The stream of an SSL object. */
struct tls_stream *tls_stream_of(const SSL *ssl);
/* Certificate checks: collects why one failed. For SSL_CTX_set_verify. */
int tls_failure_on_verify(int passed, X509_STORE_CTX *store);
/* Sets stream->why from OpenSSL's queue of errors, and empties that. */
void tls_failure_explain(struct tls_stream *stream);
/* The entry of an address, made when it is new; NULL: no room. */
struct tls_session *tls_client_session(struct tls_client *client, const char *target);
/* BIO over stream->fd. NULL: no memory. */
BIO_METHOD *tls_stream_bio_method(void);

#endif
