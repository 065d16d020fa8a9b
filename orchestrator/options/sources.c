#include "orchestrator/options/sources.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/units.h"

static bool parse_address(struct target_address *source, const char *text)
{
    struct sockaddr_in ip4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6};
    memset(source, 0, sizeof *source);
    if (inet_pton(AF_INET, text, &ip4.sin_addr) == 1) {
        memcpy(&source->address, &ip4, sizeof ip4);
        source->address_bytes = sizeof ip4;
    } else if (inet_pton(AF_INET6, text, &ip6.sin6_addr) == 1) {
        memcpy(&source->address, &ip6, sizeof ip6);
        source->address_bytes = sizeof ip6;
    } else {
        return false;
    }
    snprintf(source->text, sizeof source->text, "%s", text);
    return true;
}

static enum err_code take_address(struct target_address *source, const struct list_word *word,
                                  struct err *err)
{
    char text[INET6_ADDRSTRLEN + 1];
    const size_t bytes = word->byte_count;
    snprintf(text, sizeof text, "%.*s", (int)bytes, word->text);
    if (bytes >= sizeof text || !parse_address(source, text))
        return err_set(err, E_USAGE,
                       "--source-address: \"%.*s\" is no IPv4 or IPv6 address of this machine",
                       (int)(bytes < 60 ? bytes : 60), word->text);
    return OK;
}

static enum err_code parse_list(struct sources *sources, const char *list, struct err *err)
{
    struct list_word word;
    while (list_next(&word, &list, ',')) {
        if (sources->count == SOURCES_MAX)
            return err_set(err, E_USAGE, "--source-address: more than %u addresses", SOURCES_MAX);
        struct target_address *source = &sources->addresses[sources->count];
        enum err_code code = take_address(source, &word, err);
        if (code != OK)
            return code;
        for (unsigned i = 0; i < sources->count; i++)
            if (target_address_same(&sources->addresses[i], source))
                return err_set(err, E_USAGE, "--source-address: %s is listed twice", source->text);
        sources->count++;
    }
    return OK;
}

static enum err_code parse(struct sources *sources, const char *list, struct err *err)
{
    *sources = (struct sources){.count = 0};
    if (list == NULL)
        return OK;
    sources->addresses = calloc(SOURCES_MAX, sizeof sources->addresses[0]);
    if (sources->addresses == NULL)
        return err_set(err, E_SYSTEM, "--source-address: out of memory");
    return parse_list(sources, list, err);
}

enum err_code sources_check(const char *list, struct err *err)
{
    struct sources sources;
    enum err_code code = parse(&sources, list, err);
    sources_free(&sources);
    return code;
}

static enum err_code try_to_bind(const struct target_address *source, struct err *err)
{
    int fd = socket(source->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = fd < 0 ? errno : 0;
    int on = 1; /* as connections do: whether a port is free shows only with the server's address */
    if (failed == 0)
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (failed == 0 &&
        bind(fd, (const struct sockaddr *)&source->address, source->address_bytes) != 0)
        failed = errno;
    if (fd >= 0)
        close(fd);
    if (failed == EADDRNOTAVAIL)
        return err_set(err, E_USAGE,
                       "--source-address %s: this machine has no such address; `ip address` lists "
                       "those that it has",
                       source->text);
    return failed == 0
               ? OK
               : err_set_errno(err, E_USAGE, failed,
                               "--source-address %s: cannot connect from there", source->text);
}

enum err_code sources_open(struct sources *sources, const char *list, struct err *err)
{
    enum err_code code = parse(sources, list, err);
    for (unsigned i = 0; i < sources->count && code == OK; i++)
        code = try_to_bind(&sources->addresses[i], err);
    return code;
}

void sources_free(struct sources *sources)
{
    free(sources->addresses);
    *sources = (struct sources){.count = 0};
}

enum err_code sources_fit(const struct sources *sources, const struct target_address *target,
                          struct err *err)
{
    for (unsigned i = 0; i < sources->count; i++)
        if (sources->addresses[i].address.ss_family != target->address.ss_family)
            return err_set(err, E_USAGE,
                           "--source-address %s cannot reach %s: one is an IPv4 address, the other "
                           "is not",
                           sources->addresses[i].text, target->text);
    return OK;
}
