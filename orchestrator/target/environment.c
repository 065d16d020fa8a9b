#include "orchestrator/target/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "common/transport_tls.h"
#include "common/units.h"
#include "orchestrator/fleet/system_file.h"
#include "orchestrator/target/reply_value.h"

#ifndef VOLLEY_COMMIT /* given by the Makefile, for this file only */
#define VOLLEY_COMMIT "unknown"
#endif

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

const char volley_commit[] = VOLLEY_COMMIT;

/* json_object_set_new refuses NULL, which is how lack of memory shows: the key is then missing,
 * and everything else still told. */
static void put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

/* Text that is not UTF-8 cannot be told in JSON; it is as good as unknown. */
static json_t *text_or_null(bool known, const char *text)
{
    json_t *value = known && text[0] != '\0' ? json_string(text) : NULL;
    return value != NULL ? value : json_null();
}

static json_t *number_or_null(bool known, const char *text)
{
    uint64_t value;
    return known && units_parse_digits(&value, text, strlen(text), INT64_MAX)
               ? json_integer((json_int_t)value)
               : json_null();
}

/* ---- volley ---- */

static json_t *describe_volley(void)
{
    char compiler[] = COMPILER;
    size_t end = strlen(compiler);
    while (end > 0 && compiler[end - 1] == ' ') /* clang leaves one behind its version */
        compiler[--end] = '\0';
    json_t *volley = json_object();
    put(volley, "version", json_string(volley_version));
    put(volley, "commit", json_string(volley_commit));
    put(volley, "compiler", json_string(compiler));
    return volley;
}

/* ---- host ---- */

/* The value of the first line "key<blanks>: value"; false when there is none. */
static bool cpuinfo_value(char *value, size_t value_bytes, const char *cpuinfo, const char *key)
{
    size_t key_bytes = strlen(key);
    for (const char *line = cpuinfo; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, key_bytes) != 0)
            continue;
        const char *at = line + key_bytes + strspn(line + key_bytes, " \t");
        if (*at != ':')
            continue;
        at += 1 + strspn(at + 1, " \t");
        snprintf(value, value_bytes, "%.*s", (int)strcspn(at, "\n"), at);
        return true;
    }
    return false;
}

/* Architectures disagree on what the model is called; arm64 often says nothing at all. */
static json_t *cpu_model(void)
{
    static const char *const keys[] = {"model name", "Model", "cpu model", "Hardware", "cpu"};
    char text[8192], value[256];
    if (!system_file_read(text, sizeof text, "/proc/cpuinfo"))
        return json_null();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (cpuinfo_value(value, sizeof value, text, keys[i]))
            return text_or_null(true, value);
    return json_null();
}

/* "always [madvise] never" -> "madvise" */
static json_t *chosen_word(const char *path)
{
    char text[256];
    if (!system_file_read(text, sizeof text, "%s", path))
        return json_null();
    char *open = strchr(text, '[');
    char *shut = open != NULL ? strchr(open, ']') : NULL;
    if (shut == NULL)
        return text_or_null(true, text);
    *shut = '\0';
    return text_or_null(true, open + 1);
}

static json_t *system_text(const char *path)
{
    char text[256];
    bool known = system_file_read(text, sizeof text, "%s", path);
    return text_or_null(known, text);
}

static json_t *system_number(const char *path)
{
    char text[64];
    bool known = system_file_read(text, sizeof text, "%s", path);
    return number_or_null(known, text);
}

/* "Debian GNU/Linux 12 (bookworm)" */
static json_t *os_name(void)
{
    static const char key[] = "PRETTY_NAME=";
    char text[4096];
    if (!system_file_read(text, sizeof text, "/etc/os-release"))
        return json_null();
    char *value = strstr(text, key);
    if (value == NULL || (value != text && value[-1] != '\n'))
        return json_null();
    value += sizeof key - 1;
    value += *value == '"';
    value[strcspn(value, "\"\n")] = '\0';
    return text_or_null(true, value);
}

static json_t *limit_value(rlim_t limit)
{
    return limit == RLIM_INFINITY ? json_null() : json_integer((json_int_t)limit);
}

static json_t *describe_limits(void)
{
    struct rlimit limit;
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0;
    json_t *limits = json_object();
    put(limits, "open_files_soft", known ? limit_value(limit.rlim_cur) : json_null());
    put(limits, "open_files_hard", known ? limit_value(limit.rlim_max) : json_null());
    return limits;
}

static json_t *describe_cgroup(const struct cpu_set_order *order)
{
    json_t *cgroup = json_object();
    put(cgroup, "quota_cpus", order->quota_cpus > 0 ? json_real(order->quota_cpus) : json_null());
    put(cgroup, "reason", text_or_null(true, order->reason));
    return cgroup;
}

static json_t *utc_offset(void)
{
    struct tm local;
    time_t now = time(NULL);
    return localtime_r(&now, &local) != NULL ? json_integer(local.tm_gmtoff) : json_null();
}

static json_t *describe_host(const struct cpu_set_order *order)
{
    struct utsname names;
    bool named = uname(&names) == 0;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    json_t *host = json_object();
    json_t *usable = json_array();
    for (uint32_t i = 0; i < order->count; i++)
        (void)json_array_append_new(usable, json_integer(order->cpus[i]));

    char kernel[sizeof names.sysname + sizeof names.release + 1] = "";
    if (named)
        snprintf(kernel, sizeof kernel, "%s %s", names.sysname, names.release);
    put(host, "name", text_or_null(named, named ? names.nodename : ""));
    put(host, "utc_offset_seconds", utc_offset());
    put(host, "kernel", text_or_null(named, kernel));
    put(host, "architecture", text_or_null(named, named ? names.machine : ""));
    put(host, "os", os_name());
    put(host, "cpu_model", cpu_model());
    put(host, "cpu_count", cpus > 0 ? json_integer(cpus) : json_null());
    put(host, "usable_cpus", usable);
    put(host, "physical_cores", json_integer(order->physical_core_count));
    put(host, "governor", system_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
    put(host, "limits", describe_limits());
    put(host, "cgroup", describe_cgroup(order));
    put(host, "transparent_hugepages", chosen_word("/sys/kernel/mm/transparent_hugepage/enabled"));
    put(host, "aslr", system_number("/proc/sys/kernel/randomize_va_space"));
    put(host, "clocksource",
        system_text("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
    return host;
}

/* ---- server ---- */

static json_t *info_text(const char *info, const char *field)
{
    char value[256];
    bool known = info_field(info, field, value, sizeof value);
    return text_or_null(known, value);
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
    put(server, "product", valkey ? json_string("valkey") : text_or_null(redis, "redis"));
    put(server, "version", text_or_null(valkey || redis, value));
}

/* Valkey 8 says server_mode, older ones and Redis say redis_mode. */
static json_t *info_mode(const char *info)
{
    char value[64];
    bool known = info_field(info, "server_mode", value, sizeof value) ||
                 info_field(info, "redis_mode", value, sizeof value);
    return text_or_null(known, value);
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
            put(server, "save", known && allowed ? json_string(value) : json_null());
        else
            put(server, names[i][0], text_or_null(said, value));
    }
    struct err ignored = {.code = OK};
    bool known = control_config_get(control, "io-threads", value, sizeof value, &ignored) == OK;
    put(server, "io_threads", number_or_null(known, value));
    ignored.code = OK;
    known = control_config_get(control, "maxmemory", value, sizeof value, &ignored) == OK;
    put(server, "maxmemory", number_or_null(known, value));
}

/* What INFO knows where CONFIG is forbidden, as managed services do. */
static void complete_from_info(json_t *server, const char *info)
{
    if (json_is_null(json_object_get(server, "maxmemory")))
        put(server, "maxmemory", info_number_or_null(info, "maxmemory"));
    if (json_is_null(json_object_get(server, "maxmemory_policy")))
        put(server, "maxmemory_policy", info_text(info, "maxmemory_policy"));
    if (json_is_null(json_object_get(server, "appendonly"))) {
        char value[8];
        if (info_field(info, "aof_enabled", value, sizeof value))
            put(server, "appendonly", json_string(value[0] == '1' ? "yes" : "no"));
    }
}

static json_t *describe_server(struct control *control, const char *address)
{
    char *info = NULL;
    struct err ignored = {.code = OK};
    bool known = control_info(control, &info, &ignored) == OK;
    const char *text = known ? info : "";
    json_t *server = json_object();
    put(server, "address", text_or_null(true, address));
    put_product(server, text);
    put(server, "run_id", info_text(text, "run_id"));
    put(server, "mode", info_mode(text));
    put(server, "os", info_text(text, "os"));
    put(server, "arch_bits", info_number_or_null(text, "arch_bits"));
    put(server, "process_id", info_number_or_null(text, "process_id"));
    put(server, "tcp_port", info_number_or_null(text, "tcp_port"));
    put(server, "connected_clients", info_number_or_null(text, "connected_clients"));
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
    put(tls, "version", json_string(tls_version(wire)));
    put(tls, "cipher", json_string(tls_cipher(wire)));
    put(tls, "certificate_checked", json_boolean(tls_is_verified(wire)));
    put(tls, "kernel", kernel != NULL ? json_string(kernel) : json_null());
    return tls;
}

json_t *environment_collect(struct control *control, const char *server_address,
                            const struct cpu_set_order *order)
{
    json_t *environment = json_object();
    if (environment == NULL)
        return NULL;
    put(environment, "volley", describe_volley());
    put(environment, "host", describe_host(order));
    put(environment, "server",
        control != NULL ? describe_server(control, server_address) : json_null());
    put(environment, "tls", control != NULL ? describe_tls(control_wire(control)) : json_null());
    return environment;
}
