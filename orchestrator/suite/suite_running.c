#include "orchestrator/suite/suite_running.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/printable.h"
#include "common/secret.h"
#include "common/transport_tls.h"

#define USUAL_PORT 6379u

/* valkey's own test certificates, as its script makes them. */
static enum err_code find_in_tree(struct suite_running *running, const char *tree, struct err *err)
{
    static const char *const names[] = {"ca.crt", "valkey.crt", "valkey.key"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(running->paths[i], PATH_MAX, "%.3900s/tests/tls/%s", tree, names[i]);
        if (access(running->paths[i], R_OK) != 0)
            return err_set(err, E_USAGE,
                           "--valkey-path: %.250s is not there: make it with "
                           "utils/gen-test-certs.sh",
                           PRINTABLE(running->paths[i]));
    }
    running->cacert = running->paths[0];
    running->cert = running->paths[1];
    running->key = running->paths[2];
    return OK;
}

/* Names in certificates are not looked at, as benchmarks do not: those of tests hold none. */
static enum err_code find_certificates(struct suite_running *running,
                                       const struct suite_running_wish *wish, struct err *err)
{
    enum err_code code = OK;
    if (wish->cacert == NULL && wish->tree == NULL)
        return err_set(err, E_USAGE,
                       "tls_mode with a running server: --cacert says whom to trust, or "
                       "--valkey-path whose tests/tls has the certificates");
    if (wish->cacert != NULL) {
        running->cacert = wish->cacert;
        running->cert = wish->cert;
        running->key = wish->key;
    } else
        code = find_in_tree(running, wish->tree, err);
    const struct tls_options options = {.wanted = true,
                                        .cacert = running->cacert,
                                        .cert = running->cert,
                                        .key = running->key,
                                        .any_name = true};
    return code == OK ? tls_client_create(&running->tls, &options, err) : code;
}

static enum err_code keep_password(struct suite_running *running,
                                   const struct suite_running_wish *wish, struct err *err)
{
    running->user = wish->user;
    running->password = wish->password;
    if (wish->password == NULL)
        return OK;
    const size_t bytes = strlen(wish->variable) + strlen(wish->password) + 2;
    running->secret = secret_alloc(bytes);
    if (running->secret == NULL)
        return err_set(err, E_SYSTEM, "no memory for a password");
    snprintf(running->secret, bytes, "%s=%s", wish->variable, wish->password);
    running->load_environment[0] = running->secret;
    return OK;
}

enum err_code suite_running_find(struct suite_running *running,
                                 const struct suite_running_wish *wish,
                                 const struct suite_plan *plan, struct err *err)
{
    const uint64_t port = plan->items[0].block->port;
    *running = (struct suite_running){.host = wish->host,
                                      .port = (uint16_t)(port > 0 ? port : USUAL_PORT),
                                      .may_flush = wish->may_flush};
    for (size_t i = 0; i < plan->count; i++)
        if (plan->items[i].block->port != port)
            return err_set(err, E_CONFIG,
                           "the configurations name several ports, and there is one "
                           "running server");
    enum err_code code = keep_password(running, wish, err);
    if (code == OK && suite_plan_has_tls(plan))
        code = find_certificates(running, wish, err);
    return code;
}

void suite_running_free(struct suite_running *running)
{
    tls_client_destroy(running->tls);
    secret_free(running->secret);
    running->tls = NULL;
    running->secret = NULL;
}
