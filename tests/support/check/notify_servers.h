/* Real servers that notifications are sent to (tests/support/notify_servers.py), and what they got. They die with the test; whatever
 * goes wrong fails it. */
#ifndef TESTS_SUPPORT_CHECK_NOTIFY_SERVERS_H
#define TESTS_SUPPORT_CHECK_NOTIFY_SERVERS_H

#include <jansson.h>
#include <stdint.h>

#include "tests/support/check/run.h"

#define NOTIFY_MAIL_PASSWORD "mail-Pz7-secret" /* of the user volley, where STARTTLS is */

struct notify_servers {
    struct program program;
    unsigned http, smtp, starttls; /* ports of 127.0.0.1; certificates of `directory` */
};

/* With the certificate that test_certificates_make has put there. */
void notify_servers_start(struct notify_servers *servers, const char *directory);
void notify_servers_stop(struct notify_servers *servers);

/* What has come so far, an array in the order of its coming; the caller frees. */
json_t *notify_servers_got(const struct notify_servers *servers);
/* Waits until `text` stands in what has come. */
void notify_servers_wait(struct notify_servers *servers, const char *text);
/* Of what came for this path (NULL: mails), number `index`; NULL: there is none. Borrowed. */
json_t *notify_servers_find(json_t *got, const char *path, size_t index);
size_t notify_servers_count(json_t *got, const char *path);

#endif
