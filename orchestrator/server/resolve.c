#include "orchestrator/server/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/units.h"

/* Longest wait without a look at *interrupted. */
#define SLICE_MS 100

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

static _Noreturn void child_main(struct answer *answer, int fd, const char *host, uint16_t port)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    look_up(answer, host, port, 0);
    _exit(write(fd, answer, sizeof *answer) == (ssize_t)sizeof *answer ? 0 : 1);
}

static enum err_code await(struct answer *answer, int fd, const char *host, uint64_t limit_ns,
                           const volatile int *interrupted, struct err *err)
{
    char duration[32];
    size_t got_bytes = 0;
    const uint64_t end_ns = clock_now_ns() + limit_ns;
    while (got_bytes < sizeof *answer) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        if (interrupted != NULL && *interrupted != 0)
            return err_set(err, E_INTERRUPTED, "interrupted while looking for '%s'", host);
        if (clock_now_ns() >= end_ns)
            return err_set(err, E_CONNECT,
                           "cannot resolve host '%s': the resolver has no answer within %s", host,
                           units_format_duration(duration, sizeof duration, limit_ns));
        if (poll(&readable, 1, SLICE_MS) <= 0)
            continue;
        ssize_t got = read(fd, (char *)answer + got_bytes, sizeof *answer - got_bytes);
        if (got == 0)
            return err_set(err, E_SYSTEM, "cannot resolve host '%s': the process that asks ended",
                           host);
        got_bytes += got > 0 ? (size_t)got : 0;
    }
    return OK;
}

/* Nothing ends a question to the resolver but the end of the process that has asked. */
static enum err_code look_up_aside(struct answer *answer, const char *host, uint16_t port,
                                   uint64_t limit_ns, const volatile int *interrupted,
                                   struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "cannot resolve host '%s'", host);
    pid_t child = fork();
    if (child == 0)
        child_main(answer, ends[1], host, port);
    close(ends[1]);
    enum err_code code =
        child > 0 ? await(answer, ends[0], host, limit_ns, interrupted, err)
                  : err_set_errno(err, E_SYSTEM, errno, "cannot resolve host '%s'", host);
    close(ends[0]);
    if (child > 0)
        kill(child, SIGKILL);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    return code;
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
        code = look_up_aside(answer, name->host, name->port, limit_ns, interrupted, err);
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
