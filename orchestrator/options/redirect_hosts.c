#include "orchestrator/options/redirect_hosts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/options/uri.h"

#define MAPPED_BITS 96u /* in front of an IPv4 address in its IPv6 form */

/* Addresses ----------------------------------------------------------------------------------- */

static void from_ip4(struct ip_network *network, const void *address)
{
    *network = (struct ip_network){.bytes = {[10] = 0xff, [11] = 0xff}, .bits = 128};
    memcpy(network->bytes + 12, address, 4);
}

static void from_ip6(struct ip_network *network, const void *address)
{
    *network = (struct ip_network){.bits = 128};
    memcpy(network->bytes, address, 16);
}

bool ip_network_of(struct ip_network *network, const struct target_address *address)
{
    if (address->address_bytes == 0)
        return false;
    if (address->address.ss_family == AF_INET)
        from_ip4(network, &((const struct sockaddr_in *)&address->address)->sin_addr);
    else if (address->address.ss_family == AF_INET6)
        from_ip6(network, &((const struct sockaddr_in6 *)&address->address)->sin6_addr);
    else
        return false;
    return true;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    if (memcmp(a, b, bits / 8) != 0)
        return false;
    return bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0;
}

static bool is_ip4(const struct ip_network *address)
{
    static const unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff};
    return same_bits(address->bytes, mapped, MAPPED_BITS);
}

bool ip_network_holds(const struct ip_network *network, const struct ip_network *address)
{
    if (network->bits < MAPPED_BITS && is_ip4(address))
        return false; /* ::/0 is all of IPv6 */
    return same_bits(network->bytes, address->bytes, network->bits);
}

static const struct ip_network loopback[] = {
    {{[10] = 0xff, 0xff, 127}, MAPPED_BITS + 8}, /* 127.0.0.0/8 */
    {{[15] = 1}, 128},                           /* ::1 */
};
static const struct ip_network private[] = {
    {{[10] = 0xff, 0xff, 10}, MAPPED_BITS + 8},        /* 10.0.0.0/8 */
    {{[10] = 0xff, 0xff, 172, 16}, MAPPED_BITS + 12},  /* 172.16.0.0/12 */
    {{[10] = 0xff, 0xff, 192, 168}, MAPPED_BITS + 16}, /* 192.168.0.0/16 */
    {{[10] = 0xff, 0xff, 169, 254}, MAPPED_BITS + 16}, /* 169.254.0.0/16 */
    {{0xfc}, 7},                                       /* fc00::/7 */
    {{0xfe, 0x80}, 10},                                /* fe80::/10 */
};

static bool is_among(const struct ip_network *networks, size_t count,
                     const struct ip_network *address)
{
    for (size_t i = 0; i < count; i++)
        if (ip_network_holds(&networks[i], address))
            return true;
    return false;
}

bool ip_network_near(const struct ip_network *a, const struct ip_network *b)
{
    const size_t loops = sizeof loopback / sizeof loopback[0];
    const size_t privates = sizeof private / sizeof private[0];
    unsigned bits = is_ip4(a) ? MAPPED_BITS + 24 : 64;
    return (is_ip4(a) == is_ip4(b) && same_bits(a->bytes, b->bytes, bits)) ||
           (is_among(loopback, loops, a) && is_among(loopback, loops, b)) ||
           (is_among(private, privates, a) && is_among(private, privates, b));
}

/* Lists --------------------------------------------------------------------------------------- */

/* "10.0.0.0/8", "::1". False: neither, or more bits than the address has. */
static bool parse_network(struct ip_network *network, const char *text)
{
    char address[INET6_ADDRSTRLEN + 1];
    unsigned char bytes[16];
    size_t address_bytes = strcspn(text, "/");
    uint64_t bits = 128;
    if (address_bytes >= sizeof address)
        return false;
    memcpy(address, text, address_bytes);
    address[address_bytes] = '\0';
    const bool ip4 = inet_pton(AF_INET, address, bytes) == 1;
    if (ip4)
        from_ip4(network, bytes);
    else if (inet_pton(AF_INET6, address, bytes) == 1)
        from_ip6(network, bytes);
    else
        return false;
    const char *prefix = text + address_bytes;
    if (*prefix == '/') {
        if (!isdigit((unsigned char)prefix[1]) || !units_parse_count(&bits, prefix + 1) ||
            bits > (ip4 ? 32 : 128))
            return false;
        bits += ip4 ? MAPPED_BITS : 0;
    }
    network->bits = (uint8_t)bits;
    return true;
}

/* What holds no letter is an address with a mistake in it. */
static bool is_name(const char *text)
{
    bool letter = false;
    for (const char *at = text; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("-._", *at) == NULL)
            return false;
        letter |= isalpha((unsigned char)*at) != 0;
    }
    return letter;
}

static bool take(struct redirect_hosts *hosts, const char *text)
{
    if (strcmp(text, "same") == 0)
        return hosts->same = true;
    if (parse_network(&hosts->networks[hosts->network_count], text)) {
        hosts->network_count++;
        return true;
    }
    if (!is_name(text))
        return false;
    snprintf(hosts->names[hosts->name_count++], sizeof hosts->names[0], "%s", text);
    return true;
}

enum err_code redirect_hosts_parse(struct redirect_hosts *hosts, const char *list, struct err *err)
{
    memset(hosts, 0, sizeof *hosts);
    if (uri_holds_login(list))
        return err_set(err, E_USAGE,
                       "--redirect-hosts takes addresses, networks and names, and no URIs");
    struct list_word word;
    while (list_next(&word, &list, ',')) {
        char text[sizeof hosts->names[0]];
        snprintf(text, sizeof text, "%.*s", (int)word.byte_count, word.text);
        if (hosts->network_count + hosts->name_count == REDIRECT_HOSTS_MAX)
            return err_set(err, E_USAGE, "--redirect-hosts: more than %u hosts",
                           REDIRECT_HOSTS_MAX);
        if (word.byte_count >= sizeof text || !take(hosts, text))
            return err_set(err, E_USAGE,
                           "--redirect-hosts: '%.60s' is no host; allowed are addresses "
                           "(10.0.0.7), networks (10.0.0.0/16), names, without ports, and same, "
                           "separated by commas",
                           text);
    }
    return OK;
}

enum err_code redirect_hosts_check(const char *list, struct err *err)
{
    struct redirect_hosts *hosts = calloc(1, sizeof *hosts);
    if (hosts == NULL)
        return err_set(err, E_SYSTEM, "--redirect-hosts: out of memory");
    enum err_code code = redirect_hosts_parse(hosts, list, err);
    free(hosts);
    return code;
}
