#include "tests/support/check/certificates.h"

#include <check.h>
#include <stdio.h>

#include "orchestrator/server/certificates.h"

#define DAY 86400L
#define HERE "DNS:localhost,IP:127.0.0.1,IP:::1"

void test_certificates_make(struct test_certificates *made, const char *directory)
{
    static const struct certificate_wish wishes[] = {
        {"ca", NULL, NULL, true, -DAY, DAY},
        {"server", HERE, "ca", false, -DAY, DAY},
        {"expired", HERE, "ca", false, -2 * DAY, -DAY},
        {"future", HERE, "ca", false, DAY, 2 * DAY},
        {"elsewhere", "DNS:elsewhere.example", "ca", false, -DAY, DAY},
        {"client", NULL, "ca", false, -DAY, DAY},
        {"old", NULL, "ca", false, -2 * DAY, -DAY},
        {"other-ca", NULL, NULL, true, -DAY, DAY},
        {"stranger", HERE, "other-ca", false, -DAY, DAY},
    };
    snprintf(made->directory, sizeof made->directory, "%s", directory);
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        struct err err = {.code = OK};
        enum err_code code = certificate_make(directory, &wishes[i], &err);
        ck_assert_msg(code == OK, "%s", err.text);
    }
}

char *test_certificate(char *path, size_t path_bytes, const struct test_certificates *made,
                       const char *name)
{
    snprintf(path, path_bytes, "%s/%s.pem", made->directory, name);
    return path;
}

char *test_certificate_key(char *path, size_t path_bytes, const struct test_certificates *made,
                           const char *name)
{
    snprintf(path, path_bytes, "%s/%s-key.pem", made->directory, name);
    return path;
}
