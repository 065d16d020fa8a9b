#include "orchestrator/target/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/units.h"

/* ---- lists ---- */

/* Copies what is at most the longest name there can be. */
static bool take_host(struct host_name *name, const char *from, size_t byte_count)
{
    if (byte_count == 0 || byte_count >= sizeof name->host)
        return false;
    for (size_t i = 0; i < byte_count; i++)
        if ((unsigned char)from[i] <= ' ' || from[i] == 0x7F || from[i] == '[' || from[i] == ']')
            return false;
    memcpy(name->host, from, byte_count);
    name->host[byte_count] = '\0';
    return true;
}

/* host, host:port, [IPv6], [IPv6]:port, or an IPv6 address as it is. */
static bool take_name(struct host_name *name, const char *text, size_t byte_count)
{
    const char *colon = memchr(text, ':', byte_count);
    const char *end = text + byte_count;
    const char *host = text, *host_end = end, *port = NULL;
    if (byte_count > 0 && text[0] == '[') {
        host = text + 1;
        host_end = memchr(host, ']', byte_count - 1);
        if (host_end == NULL || (host_end + 1 < end && host_end[1] != ':'))
            return false;
        port = host_end + 1 < end ? host_end + 2 : NULL;
    } else if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) == NULL) {
        host_end = colon;
        port = colon + 1;
    }
    if (port != NULL) {
        char digits[8];
        uint64_t number;
        if (end - port >= (ptrdiff_t)sizeof digits)
            return false;
        snprintf(digits, sizeof digits, "%.*s", (int)(end - port), port);
        if (strspn(digits, "0123456789") != strlen(digits) || !units_parse_count(&number, digits) ||
            number < 1 || number > UINT16_MAX)
            return false;
        name->port = (uint16_t)number;
    }
    return take_host(name, host, (size_t)(host_end - host));
}

enum err_code resolve_split(struct host_name *names, uint32_t *name_count, uint32_t names_max,
                            const char *text, uint64_t default_port, const char *option,
                            struct err *err)
{
    *name_count = 0;
    if (default_port == 0 || default_port > UINT16_MAX)
        return err_set(err, E_USAGE, "--port %llu: a port is 1 to 65535",
                       (unsigned long long)default_port);
    for (const char *at = text;; at++) {
        size_t byte_count = strcspn(at, ",");
        const char *blanks = at;
        while (byte_count > 0 && blanks[0] == ' ') {
            blanks++;
            byte_count--;
        }
        const char *next = blanks + byte_count;
        while (byte_count > 0 && blanks[byte_count - 1] == ' ')
            byte_count--;
        if (*name_count >= names_max)
            return err_set(err, E_USAGE, "%s: more than %u servers", option, names_max);
        struct host_name *name = &names[*name_count];
        name->port = (uint16_t)default_port;
        if (!take_name(name, blanks, byte_count))
            return err_set(err, E_USAGE,
                           "%s: '%.*s' is no server; allowed are HOST, HOST:PORT and [IPV6]:PORT, "
                           "separated by commas",
                           option, byte_count > 100 ? 100 : (int)byte_count, blanks);
        (*name_count)++;
        at = next;
        if (*at == '\0')
            return OK;
    }
}

/* ---- addresses ---- */

static void format_ip_target(struct target_address *target, const char *host, uint16_t port)
{
    char numeric[INET6_ADDRSTRLEN + 32] = "";
    if (getnameinfo((const struct sockaddr *)&target->address, target->address_bytes, numeric,
                    sizeof numeric, NULL, 0, NI_NUMERICHOST) != 0)
        numeric[0] = '\0';
    const char *open = strchr(host, ':') != NULL ? "[" : "";
    const char *shut = open[0] != '\0' ? "]" : "";
    if (numeric[0] == '\0' || strcmp(numeric, host) == 0)
        snprintf(target->text, sizeof target->text, "%s%.110s%s:%u", open, host, shut, port);
    else
        snprintf(target->text, sizeof target->text, "%s%.80s%s:%u (%.60s)", open, host, shut, port,
                 numeric);
    snprintf(target->host, sizeof target->host, "%s", host);
}

enum err_code resolve_host(struct target_address *addresses, uint32_t *address_count,
                           uint32_t addresses_max, const char *host, uint16_t port, struct err *err)
{
    char service[8];
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    *address_count = 0;
    snprintf(service, sizeof service, "%u", port);
    int failed = getaddrinfo(host, service, &hints, &found);
    if (failed == EAI_SYSTEM)
        return err_set_errno(err, E_CONNECT, errno, "cannot resolve host '%s'", host);
    if (failed != 0)
        return err_set(err, E_CONNECT, "cannot resolve host '%s': %s", host, gai_strerror(failed));
    for (const struct addrinfo *at = found; at != NULL && *address_count < addresses_max;
         at = at->ai_next) {
        struct target_address *target = &addresses[(*address_count)++];
        memset(target, 0, sizeof *target);
        memcpy(&target->address, at->ai_addr, at->ai_addrlen);
        target->address_bytes = at->ai_addrlen;
        format_ip_target(target, host, port);
    }
    freeaddrinfo(found);
    return OK;
}

enum err_code resolve_unix(struct target_address *target, const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t path_bytes = strlen(path);
    if (path_bytes >= sizeof address.sun_path)
        return err_set(err, E_USAGE, "--socket: the path has %zu bytes, at most %zu are possible",
                       path_bytes, sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, path_bytes + 1);
    memset(target, 0, sizeof *target);
    memcpy(&target->address, &address, sizeof address);
    target->address_bytes = (socklen_t)sizeof address;
    snprintf(target->text, sizeof target->text, "%s", path);
    return OK;
}
