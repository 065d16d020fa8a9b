/* Servers of volley's own that differ, side by side. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/transport_tls.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/managed_server.h"
#include "tests/support/check/temp_tree.h"

#define TCASE_TIMEOUT_SECONDS 60

static struct temp_tree tree;
static struct err err;

/* A server and all that is its own. */
struct kept_server {
    struct managed_certificates certificates;
    struct tls_client *client;
    struct managed_server server;
};

static void make_tree(void)
{
    temp_tree_make(&tree);
    ck_assert_int_eq(setenv("TMPDIR", tree.path, 1), 0);
    memset(&err, 0, sizeof err);
}

static void remove_tree(void)
{
    ck_assert_int_eq(temp_tree_count(&tree), 0);
    temp_tree_remove(&tree);
}

static void ck_ok(enum err_code code)
{
    ck_assert_msg(code == OK, "%s", err.text);
}

static void make_certificates(struct kept_server *kept)
{
    ck_ok(managed_certificates_make(&kept->certificates, 0, &err));
    const struct tls_options options = {.wanted = true, .cacert = kept->certificates.authority};
    ck_ok(tls_client_create(&kept->client, &options, &err));
}

static void put_away(struct kept_server *kept)
{
    managed_server_stop(&kept->server);
    tls_client_destroy(kept->client);
    managed_certificates_remove(&kept->certificates);
}

/* Connects to a server with this TLS client. */
static enum err_code try_connecting(const struct kept_server *kept, struct tls_client *client)
{
    struct endpoint endpoint;
    struct control *control;
    struct target_address target;
    err = (struct err){.code = OK};
    managed_server_address(&endpoint, &kept->server);
    endpoint.tls_client = client;
    enum err_code code = control_connect(&control, &target, &endpoint, NULL, &err);
    control_close(control);
    return code;
}

START_TEST(each_with_its_certificates)
{
    /* One TLS client for all connections: of two servers with certificates of their own only one is ever
     * trusted, or both whatever they show. */
    static struct kept_server kept[2];
    for (size_t i = 0; i < 2; i++) {
        make_certificates(&kept[i]);
        const struct managed_server_setup setup = {
            .cpu = -1, .certificates = &kept[i].certificates, .tls_client = kept[i].client};
        ck_ok(managed_server_launch(&kept[i].server, &setup, &err));
    }
    for (size_t i = 0; i < 2; i++)
        ck_ok(managed_server_await(&kept[i].server, NULL, &err));
    for (size_t i = 0; i < 2; i++) {
        ck_ok(try_connecting(&kept[i], kept[i].client));
        ck_assert_int_eq(try_connecting(&kept[i], kept[1 - i].client), E_CONNECT);
        ck_assert_msg(strstr(err.text, "certificate") != NULL, "%s", err.text);
    }
    for (size_t i = 0; i < 2; i++)
        put_away(&kept[i]);
}
END_TEST

Suite *test_provider_suite(void);
Suite *test_provider_suite(void)
{
    Suite *suite = suite_create("provider");
    TCase *tcase = tcase_create("provider");
    tcase_set_timeout(tcase, TCASE_TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, make_tree, remove_tree);
    tcase_add_test(tcase, each_with_its_certificates);
    suite_add_tcase(suite, tcase);
    return suite;
}
