/* Certificates made on the spot, for servers that volley starts itself: an authority of the run's own,
 * and what it signs. Keys are EC P-256. */
#ifndef ORCHESTRATOR_SERVER_CERTIFICATES_H
#define ORCHESTRATOR_SERVER_CERTIFICATES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "orchestrator/server/private_directory.h"

#define CERTIFICATE_PATH_BYTES 256
#define CERTIFICATES_DIRECTORY_PREFIX "volley-tls"

struct certificate_wish {
    const char *name; /* common name, and of the files: DIRECTORY/NAME.pem, NAME-key.pem    */
    const char
        *alternatives;     /* "DNS:localhost,IP:127.0.0.1"; NULL: none                           */
    const char *signed_by; /* name of an authority made in the same directory; NULL: by itself   */
    bool authority;        /* may sign others                                                    */
    long begins_seconds;   /* from now; below 0 is past                                          */
    long ends_seconds;
};

/* Writes certificate and key; readable by their owner only. E_SYSTEM: a file cannot be written, or
 * OpenSSL refuses. */
MUST_USE enum err_code certificate_make(const char *directory, const struct certificate_wish *wish,
                                        struct err *err);

/* For servers on loopback, and for those who connect to them: certificates in a directory of their own. The
 * server's key is in memory, and gone with the last process that holds it; the authority's is forgotten as
 * soon as it has signed. */
struct managed_certificates {
    struct private_directory directory;
    char authority[CERTIFICATE_PATH_BYTES]; /* --tls-ca-cert-file, and what clients trust */
    char certificate[CERTIFICATE_PATH_BYTES];
    int key_fd; /* a memfd, closed on exec */
};

/* An authority and a certificate for localhost, 127.0.0.1 and ::1 that holds so long, and two days. After a
 * failure nothing is left. E_SYSTEM. */
MUST_USE enum err_code managed_certificates_make(struct managed_certificates *made,
                                                 uint64_t planned_ns, struct err *err);
/* Safe when there are none. */
void managed_certificates_remove(struct managed_certificates *made);

#endif
