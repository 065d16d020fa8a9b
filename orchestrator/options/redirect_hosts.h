/* Lists of hosts that servers may lead volley to (--redirect-hosts), and which addresses lie near each
 * other. Pure but for the memory of a list. */
#ifndef ORCHESTRATOR_OPTIONS_REDIRECT_HOSTS_H
#define ORCHESTRATOR_OPTIONS_REDIRECT_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/transport.h"

/* An address with the bits of it that count; IPv4 ones stand in their IPv6 form (::ffff:a.b.c.d). */
struct ip_network {
    unsigned char bytes[16];
    uint8_t bits; /* 128: one address */
};

/* False: not an address of IPv4 or IPv6. */
bool ip_network_of(struct ip_network *network, const struct target_address *address);
bool ip_network_holds(const struct ip_network *network, const struct ip_network *address);
/* In the same /24 (IPv4) or /64 (IPv6); or both loopback; or both private (RFC 1918, fc00::/7, and what
 * is valid on one link only). */
bool ip_network_near(const struct ip_network *a, const struct ip_network *b);

#define REDIRECT_HOSTS_MAX 256u

struct redirect_hosts {
    bool same; /* the word `same` is among them */
    uint32_t name_count, network_count;
    struct ip_network networks[REDIRECT_HOSTS_MAX];
    char names[REDIRECT_HOSTS_MAX][256];
};

/* "10.0.0.0/16,db.example,::1,same": addresses, networks, names, and `same`, separated by commas.
 * E_USAGE: the text begins with "--redirect-hosts" and says what is wrong with which of them. */
MUST_USE enum err_code redirect_hosts_parse(struct redirect_hosts *hosts, const char *list,
                                            struct err *err);
/* The same, for nothing but the error. */
MUST_USE enum err_code redirect_hosts_check(const char *list, struct err *err);

#endif
