/* Certificates for TLS tests, good and bad, in one directory: NAME.pem and NAME-key.pem.
 *
 *   ca         signs all but the last two
 *   server     localhost, 127.0.0.1 and ::1
 *   expired    the same, ended yesterday
 *   future     the same, begins tomorrow
 *   elsewhere  elsewhere.example only
 *   client     for --cert
 *   old        for --cert, ended yesterday
 *   other-ca   another authority
 *   stranger   as server, signed by other-ca */
#ifndef TESTS_SUPPORT_CHECK_CERTIFICATES_H
#define TESTS_SUPPORT_CHECK_CERTIFICATES_H

#include <stddef.h>

struct test_certificates {
    char directory[128];
};

/* Writes all of them. Fails the running test when that cannot be done. */
void test_certificates_make(struct test_certificates *made, const char *directory);
/* DIRECTORY/NAME.pem, DIRECTORY/NAME-key.pem. Returns path. */
char *test_certificate(char *path, size_t path_bytes, const struct test_certificates *made,
                       const char *name);
char *test_certificate_key(char *path, size_t path_bytes, const struct test_certificates *made,
                           const char *name);

#endif
