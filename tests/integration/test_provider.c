/* Servers of volley's own that differ, side by side. */
#include <ctype.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/transport_tls.h"
#include "orchestrator/machine/cpu_order.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/managed_server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

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
static enum err_code connect_to(struct control **control, const struct kept_server *kept,
                                struct tls_client *client)
{
    struct endpoint endpoint;
    struct target_address target;
    err = (struct err){.code = OK};
    managed_server_address(&endpoint, &kept->server);
    endpoint.tls_client = client;
    return control_connect(control, &target, &endpoint, NULL, &err);
}

static void launch(struct kept_server *kept, const struct managed_server_setup *setup)
{
    ck_ok(managed_server_launch(&kept->server, setup, &err));
}

/* With this limit of memory among its arguments, which is how a test knows it. */
static void ck_serves(struct kept_server *kept, const char *maxmemory)
{
    struct control *control;
    char value[32];
    ck_ok(managed_server_await(&kept->server, NULL, &err));
    ck_ok(connect_to(&control, kept, kept->client));
    ck_ok(control_config_get(control, "maxmemory", value, sizeof value, &err));
    ck_assert_str_eq(value, maxmemory);
    control_close(control);
}

TEST(each_as_it_was_wished)
{
    /* What one server is started with goes to the one beside it: program, arguments, CPUs, password or
     * certificates. */
    static struct kept_server plain, secret;
    static const char *const plain_args[] = {"--maxmemory", "3000000"};
    static const char *const secret_args[] = {"--maxmemory", "5000000"};
    static struct cpu_set_order order;
    char path[512], script[600];
    cpu_set_t cpus;
    struct managed_server_setup to_plain = {.args = plain_args, .arg_count = 2};
    ck_ok(provider_obtain(&to_plain.program, &provider_path, NULL, &err));
    ck_ok(cpu_order_discover(&order, "", NULL, &err));
    make_certificates(&secret);
    struct managed_server_setup to_secret = {.args = secret_args,
                                             .arg_count = 2,
                                             .password = "of the test",
                                             .cpus = order.cpus,
                                             .cpu_count = 1,
                                             .certificates = &secret.certificates,
                                             .tls_client = secret.client};
    snprintf(script, sizeof script, "#!/bin/sh\nexec %s \"$@\"\n", to_plain.program.path);
    temp_tree_write(&tree, "/another", script, 0700);
    snprintf(path, sizeof path, "%s/another", tree.path);
    ck_ok(provider_obtain(&to_secret.program, &provider_path, path, &err));
    ck_assert_str_eq(to_secret.program.path, path);
    ck_assert_ptr_nonnull(
        strstr(to_plain.program.path, to_secret.program.name[0] == 'V' ? "valkey" : "redis"));
    ck_assert(isdigit((unsigned char)to_secret.program.version[0]));
    launch(&plain, &to_plain);
    launch(&secret, &to_secret);
    ck_serves(&plain, plain_args[1]);
    ck_serves(&secret, secret_args[1]);
    ck_assert_int_eq(sched_getaffinity(secret.server.process.pid, sizeof cpus, &cpus), 0);
    ck_assert_int_eq(CPU_COUNT(&cpus), 1);
    put_away(&plain);
    put_away(&secret);
    ck_assert_int_eq(unlink(path), 0);
}

TEST(each_with_its_certificates)
{
    /* One TLS client for all connections: of two servers with certificates of their own only one is ever
     * trusted, or both whatever they show. */
    static struct kept_server kept[2];
    for (size_t i = 0; i < 2; i++) {
        make_certificates(&kept[i]);
        launch(&kept[i], &(struct managed_server_setup){.certificates = &kept[i].certificates,
                                                        .tls_client = kept[i].client});
    }
    for (size_t i = 0; i < 2; i++)
        ck_ok(managed_server_await(&kept[i].server, NULL, &err));
    for (size_t i = 0; i < 2; i++) {
        struct control *control;
        ck_ok(connect_to(&control, &kept[i], kept[i].client));
        control_close(control);
        ck_assert_int_eq(connect_to(&control, &kept[i], kept[1 - i].client), E_CONNECT);
        ck_assert_msg(strstr(err.text, "certificate") != NULL, "%s", err.text);
    }
    for (size_t i = 0; i < 2; i++)
        put_away(&kept[i]);
}

TEST_SUITE_WITH(provider, .set_up = make_tree, .tear_down = remove_tree)
