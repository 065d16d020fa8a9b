/* TLS through OpenSSL, straight on the socket: no copy through memory BIOs, one recv() for each edge
 * of the event loop, and a write that never stops within a record.
 *
 * A tls_client is made once, before the fork, from the options; every process has its own copy of
 * it from then on, and with it its own sessions. Nothing allocates per read or write. */
#ifndef COMMON_TRANSPORT_TLS_H
#define COMMON_TRANSPORT_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/endpoint.h"
#include "common/err.h"
#include "common/transport.h"

/* Reads and checks every file that the TLS options name. E_USAGE: a file cannot be read, is not PEM,
 * the key is not the certificate's, or a list of ciphers holds none; the text names option and file.
 * Keeps pointers into options. */
MUST_USE enum err_code tls_client_create(struct tls_client **client,
                                         const struct tls_options *options, struct err *err);
/* NULL is fine. After the last wire is closed. */
void tls_client_destroy(struct tls_client *client);

/* wire_setup.tls must be set. A server certificate is checked against target_address.host, or --sni.
 * read returns all that is there or a full buffer, so that an edge is never lost. write takes a
 * record whole: what the socket has no room for is kept, and sets wire->unflushed. */
extern const struct transport transport_tls;

/* Of a wire whose handshake is complete; false for a plain one. */
bool tls_resumed(const struct wire *wire);
/* The protocol's version and the cipher: "TLSv1.3", "TLS_AES_256_GCM_SHA384"; "" for a plain wire. */
const char *tls_version(const struct wire *wire);
const char *tls_cipher(const struct wire *wire);

#define TLS_FAILURE_BYTES 300

/* Why the last read or write said IO_FAILED or IO_CLOSED, as far as TLS knows more than the system's
 * error number does: with TLS 1.3 a server tells only after the handshake that it wants another
 * certificate. NULL: it does not. Before close; the text lives as long as the wire is open. */
const char *tls_failure(const struct wire *wire);

/* Whether the server showed a certificate and it was checked, and the connection is encrypted. A handshake
 * that ends otherwise fails, without --insecure. */
bool tls_is_verified(const struct wire *wire);

/* What keeps the kernel from doing the work (--ktls) on this host; NULL: nothing. */
const char *tls_kernel_obstacle(void);
/* Of a wire whose handshake is complete: what came of --ktls, for the report; NULL: it was not asked for. */
const char *tls_kernel_state(const struct wire *wire);

/* What to tell a user whose plain connection was answered by these bytes, or by an end of the stream
 * without any (0 bytes). NULL: it does not look like TLS. */
const char *tls_advice_for_plain(const void *bytes, size_t byte_count);

#endif
