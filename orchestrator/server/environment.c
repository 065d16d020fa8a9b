#include "orchestrator/server/environment.h"

#include <stdlib.h>
#include <string.h>

#include "common/transport_tls.h"
#include "common/version.h"
#include "orchestrator/machine/host.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/server/reply_value.h"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

/* ---- volley ---- */

static json_t *describe_volley(void)
{
    char compiler[] = COMPILER;
    size_t end = strlen(compiler);
    while (end > 0 && compiler[end - 1] == ' ') /* clang leaves one behind its version */
        compiler[--end] = '\0';
    json_t *volley = json_object();
    json_object_set_new(volley, "version", json_string(volley_version));
    json_object_set_new(volley, "commit", json_string(volley_commit));
    json_object_set_new(volley, "compiler", json_string(compiler));
    return volley;
}

/* ---- server ---- */

static json_t *info_text(const char *info, const char *field)
{
    char value[256];
    bool known = info_field(info, field, value, sizeof value);
    return json_value_known_text(known, value);
}

static json_t *info_number_or_null(const char *info, const char *field)
{
    uint64_t value;
    return info_number(&value, info, field, INT64_MAX) ? json_integer((json_int_t)value)
                                                       : json_null();
}

/* Valkey keeps redis_version for old clients, beside its own. */
static void put_product(json_t *server, const char *info)
{
    char value[64];
    bool valkey = info_field(info, "valkey_version", value, sizeof value);
    bool redis = !valkey && info_field(info, "redis_version", value, sizeof value);
    json_object_set_new(server, "product",
                        valkey ? json_string("valkey") : json_value_known_text(redis, "redis"));
    json_object_set_new(server, "version", json_value_known_text(valkey || redis, value));
}

/* Valkey 8 says server_mode, older ones and Redis say redis_mode. */
static json_t *info_mode(const char *info)
{
    char value[64];
    bool known = info_field(info, "server_mode", value, sizeof value) ||
                 info_field(info, "redis_mode", value, sizeof value);
    return json_value_known_text(known, value);
}

/* An empty value of `save` means "never", and is told as such; a refusal is unknown. The reply of
 * CONFIG GET does not tell them apart, so `save` is believed only where another parameter is. */
static void put_config(json_t *server, struct control *control)
{
    static const char *const names[][2] = {
        {"maxmemory_policy", "maxmemory-policy"}, {"appendonly", "appendonly"}, {"save", "save"}};
    char value[256];
    bool allowed = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct err ignored = {.code = OK};
        bool known = control_config_get(control, names[i][1], value, sizeof value, &ignored) == OK;
        bool said = known && value[0] != '\0';
        allowed = allowed || said;
        if (strcmp(names[i][0], "save") == 0)
            json_object_set_new(server, "save",
                                known && allowed ? json_string(value) : json_null());
        else
            json_object_set_new(server, names[i][0], json_value_known_text(said, value));
    }
    struct err ignored = {.code = OK};
    bool known = control_config_get(control, "io-threads", value, sizeof value, &ignored) == OK;
    json_object_set_new(server, "io_threads", json_value_known_digits(known, value));
    ignored.code = OK;
    known = control_config_get(control, "maxmemory", value, sizeof value, &ignored) == OK;
    json_object_set_new(server, "maxmemory", json_value_known_digits(known, value));
}

/* What INFO knows where CONFIG is forbidden, as managed services do. */
static void complete_from_info(json_t *server, const char *info)
{
    if (json_is_null(json_object_get(server, "maxmemory")))
        json_object_set_new(server, "maxmemory", info_number_or_null(info, "maxmemory"));
    if (json_is_null(json_object_get(server, "maxmemory_policy")))
        json_object_set_new(server, "maxmemory_policy", info_text(info, "maxmemory_policy"));
    if (json_is_null(json_object_get(server, "appendonly"))) {
        char value[8];
        if (info_field(info, "aof_enabled", value, sizeof value))
            json_object_set_new(server, "appendonly", json_string(value[0] == '1' ? "yes" : "no"));
    }
}

static json_t *describe_server(struct control *control, const char *address)
{
    char *info = NULL;
    struct err ignored = {.code = OK};
    bool known = control_info(control, &info, &ignored) == OK;
    const char *text = known ? info : "";
    json_t *server = json_object();
    json_object_set_new(server, "address", json_value_known_text(true, address));
    put_product(server, text);
    json_object_set_new(server, "run_id", info_text(text, "run_id"));
    json_object_set_new(server, "mode", info_mode(text));
    json_object_set_new(server, "os", info_text(text, "os"));
    json_object_set_new(server, "arch_bits", info_number_or_null(text, "arch_bits"));
    json_object_set_new(server, "process_id", info_number_or_null(text, "process_id"));
    json_object_set_new(server, "tcp_port", info_number_or_null(text, "tcp_port"));
    json_object_set_new(server, "connected_clients",
                        info_number_or_null(text, "connected_clients"));
    put_config(server, control);
    complete_from_info(server, text);
    free(info);
    return server;
}

/* ---- TLS ---- */

static json_t *describe_tls(const struct wire *wire)
{
    const char *kernel = tls_kernel_state(wire);
    if (wire->tls == NULL)
        return json_null();
    json_t *tls = json_object();
    json_object_set_new(tls, "version", json_string(tls_version(wire)));
    json_object_set_new(tls, "cipher", json_string(tls_cipher(wire)));
    json_object_set_new(tls, "certificate_checked", json_boolean(tls_is_verified(wire)));
    json_object_set_new(tls, "kernel", kernel != NULL ? json_string(kernel) : json_null());
    return tls;
}

json_t *environment_collect(struct control *control, const char *server_address,
                            const struct cpu_set_order *order)
{
    json_t *environment = json_object();
    if (environment == NULL)
        return NULL;
    json_object_set_new(environment, "volley", describe_volley());
    json_object_set_new(environment, "host", host_describe(order));
    json_object_set_new(environment, "server",
                        control != NULL ? describe_server(control, server_address) : json_null());
    json_object_set_new(environment, "tls",
                        control != NULL ? describe_tls(control_wire(control)) : json_null());
    return environment;
}
