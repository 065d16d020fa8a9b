#include "orchestrator/server/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/units.h"
#include "orchestrator/machine/child.h"

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

/* host, host:port, [IPv6], [IPv6]:port, or an IPv6 address as it is. *bad_port: its port is none. */
static bool take_name(struct host_name *name, bool *bad_port, const char *text, size_t byte_count)
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
    *bad_port = port != NULL;
    if (port != NULL) {
        char digits[8];
        uint64_t number;
        if (end - port >= (ptrdiff_t)sizeof digits)
            return false;
        snprintf(digits, sizeof digits, "%.*s", (int)(end - port), port);
        if (strspn(digits, "0123456789") != strlen(digits) || !units_parse_count(&number, digits) ||
            number < 1 || number > UINT16_MAX)
            return false;
        *bad_port = false;
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
    struct list_word word;
    while (list_next(&word, &text, ',')) {
        if (*name_count >= names_max)
            return err_set(err, E_USAGE, "%s: more than %u servers", option, names_max);
        struct host_name *name = &names[*name_count];
        bool bad_port = false;
        name->port = (uint16_t)default_port;
        if (take_name(name, &bad_port, word.text, word.byte_count)) {
            (*name_count)++;
            continue;
        }
        const int bytes = word.byte_count > 100 ? 100 : (int)word.byte_count;
        if (bad_port)
            return err_set(err, E_USAGE, "%s: '%.*s': its port has to be 1 to 65,535", option,
                           bytes, word.text);
        return err_set(err, E_USAGE,
                       "%s: '%.*s' is no server; allowed are HOST, HOST:PORT and [IPV6]:PORT, "
                       "separated by commas",
                       option, bytes, word.text);
    }
    return OK;
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

struct answer {
    struct err err;
    uint32_t count;
    struct target_address addresses[RESOLVE_ADDRESSES_MAX];
};

static void take_addresses(struct answer *answer, const struct addrinfo *found, const char *host,
                           uint16_t port)
{
    for (const struct addrinfo *at = found; at != NULL && answer->count < RESOLVE_ADDRESSES_MAX;
         at = at->ai_next) {
        struct target_address *target = &answer->addresses[answer->count++];
        memcpy(&target->address, at->ai_addr, at->ai_addrlen);
        target->address_bytes = at->ai_addrlen;
        format_ip_target(target, host, port);
    }
}

/* As long as the system takes, which is no time with AI_NUMERICHOST. */
static void look_up(struct answer *answer, const char *host, uint16_t port, int flags)
{
    char service[8];
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    struct addrinfo *found = NULL;
    memset(answer, 0, sizeof *answer);
    snprintf(service, sizeof service, "%u", port);
    int failed = getaddrinfo(host, service, &hints, &found);
    if (failed == EAI_SYSTEM)
        (void)err_set_errno(&answer->err, E_CONNECT, errno, "cannot resolve host '%s'", host);
    else if (failed != 0)
        (void)err_set(&answer->err, E_CONNECT, "cannot resolve host '%s': %s", host,
                      gai_strerror(failed));
    if (failed == 0) {
        take_addresses(answer, found, host, port);
        freeaddrinfo(found);
    }
}

struct question {
    struct answer *answer;
    const struct host_name *name;
};

static int ask(void *state, int telling_fd)
{
    const struct question *question = state;
    struct answer *answer = question->answer;
    look_up(answer, question->name->host, question->name->port, 0);
    return write(telling_fd, answer, sizeof *answer) == (ssize_t)sizeof *answer ? 0 : 1;
}

static enum err_code unanswered(enum child_heard heard, const char *host, uint64_t limit_ns,
                                struct err *err)
{
    char duration[32];
    if (heard == CHILD_INTERRUPTED)
        return err_set(err, E_INTERRUPTED, "interrupted while looking for '%s'", host);
    if (heard == CHILD_HEARD_LATE)
        return err_set(err, E_CONNECT,
                       "cannot resolve host '%s': the resolver has no answer within %s", host,
                       units_format_duration(duration, sizeof duration, limit_ns));
    return err_set(err, E_SYSTEM, "cannot resolve host '%s': the process that asks ended", host);
}

/* Nothing ends a question to the resolver but the end of the process that has asked. */
static enum err_code look_up_aside(struct answer *answer, const struct host_name *name,
                                   uint64_t limit_ns, const volatile int *interrupted,
                                   struct err *err)
{
    struct question question = {.answer = answer, .name = name};
    struct child child;
    size_t heard_bytes;
    if (!child_start(&child, &(struct child_plan){.run = ask, .state = &question, .heard = true}))
        return err_set_errno(err, E_SYSTEM, errno, "cannot resolve host '%s'", name->host);
    enum child_heard heard =
        child_hear(&child, answer, sizeof *answer, &heard_bytes, limit_ns, interrupted);
    child_end(&child);
    return heard == CHILD_HEARD_ALL ? OK : unanswered(heard, name->host, limit_ns, err);
}

enum err_code resolve_host(struct target_address *addresses, uint32_t *address_count,
                           uint32_t addresses_max, const struct host_name *name, uint64_t limit_ns,
                           const volatile int *interrupted, struct err *err)
{
    *address_count = 0;
    struct answer *answer = malloc(sizeof *answer);
    if (answer == NULL)
        return err_set(err, E_SYSTEM, "cannot resolve host '%s': out of memory", name->host);
    enum err_code code = OK;
    look_up(answer, name->host, name->port, AI_NUMERICHOST);
    if (answer->err.code != OK)
        code = look_up_aside(answer, name, limit_ns, interrupted, err);
    if (code == OK && answer->err.code != OK)
        code = err_set(err, answer->err.code, "%s", answer->err.text);
    if (code == OK) {
        *address_count = answer->count < addresses_max ? answer->count : addresses_max;
        memcpy(addresses, answer->addresses, *address_count * sizeof addresses[0]);
    }
    free(answer);
    return code;
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
