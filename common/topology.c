#include "common/topology.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The table is copied word by word with relaxed atomics: a copy made while the writer was at work is
 * thrown away, but it must not be undefined behaviour to have made it. */
typedef uint64_t word __attribute__((may_alias));

static_assert(sizeof(struct topology) % sizeof(word) == 0, "a table is whole words");
static_assert(_Alignof(struct topology) % _Alignof(word) == 0, "words must be aligned");
static_assert(ATOMIC_INT_LOCK_FREE == 2, "a lock inside an atomic does not cross processes");

/* Nodes stand last, and most tables have few: what is not in use is not copied. */
static size_t used_words(uint32_t node_count)
{
    if (node_count > TOPOLOGY_NODES_MAX)
        node_count = TOPOLOGY_NODES_MAX;
    size_t bytes = offsetof(struct topology, nodes) + node_count * sizeof(struct topology_node);
    return (bytes + sizeof(word) - 1) / sizeof(word);
}

void topology_clear(struct topology *topology)
{
    memset(topology, 0, offsetof(struct topology, nodes));
}

void topology_copy(struct topology *into, const struct topology *from)
{
    memmove(into, from, used_words(from->node_count) * sizeof(word));
}

void topology_publish(struct topology_shared *shared, const struct topology *topology)
{
    word *to = (word *)&shared->topology;
    const word *from = (const word *)topology;
    /* A writer that died half way has left an odd version: nobody has taken that. */
    uint32_t odd = atomic_load_explicit(&shared->version, memory_order_relaxed) | 1u;
    size_t words = used_words(topology->node_count);
    atomic_store_explicit(&shared->version, odd, memory_order_relaxed);
    /* Partner: the acquire fence of topology_refresh. */
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < words; i++)
        __atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
    /* Partner: the acquire load of topology_refresh. */
    atomic_store_explicit(&shared->version, odd + 1, memory_order_release);
}

bool topology_refresh(struct topology *copy, uint32_t *version,
                      const struct topology_shared *shared)
{
    const word *from = (const word *)&shared->topology;
    /* Acquire: partner is the release store at the end of topology_publish. */
    uint32_t before = atomic_load_explicit(&shared->version, memory_order_acquire);
    if (before == *version || before % 2 != 0)
        return false;
    size_t words = used_words(__atomic_load_n(&shared->topology.node_count, __ATOMIC_RELAXED));
    word *fresh = malloc(words * sizeof *fresh);
    if (fresh == NULL)
        return false;
    for (size_t i = 0; i < words; i++)
        fresh[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    /* Partner: the release fence of topology_publish. */
    atomic_thread_fence(memory_order_acquire);
    bool whole = atomic_load_explicit(&shared->version, memory_order_relaxed) == before;
    if (whole) {
        memcpy(copy, fresh, words * sizeof *fresh);
        *version = before;
    }
    free(fresh);
    return whole;
}

static bool is_named(const struct topology_node *node, const char *host, uint16_t port)
{
    return node->port == port && strcasecmp(node->address.host, host) == 0;
}

int topology_find(const struct topology *topology, const char *host, uint16_t port)
{
    int found = -1;
    for (uint32_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        if (host[0] != '\0' && is_named(node, host, port))
            return (int)i;
        if (host[0] != '\0' || node->port != port || node->role == TOPOLOGY_GONE)
            continue;
        if (found >= 0)
            return -1; /* which of them? */
        found = (int)i;
    }
    return found;
}

/* A host that is an address needs no resolver. Others are left for the scout: address_bytes 0. */
static void fill_address(struct target_address *target, const char *host, uint16_t port)
{
    memset(target, 0, sizeof *target);
    snprintf(target->host, sizeof target->host, "%s", host);
    snprintf(target->text, sizeof target->text, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u",
             host, port);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        memcpy(&target->address, &v4, sizeof v4);
        target->address_bytes = sizeof v4;
    } else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        memcpy(&target->address, &v6, sizeof v6);
        target->address_bytes = sizeof v6;
    }
}

int topology_add(struct topology *topology, const char *host, uint16_t port)
{
    int found = topology_find(topology, host, port);
    if (found >= 0) {
        if (topology->nodes[found].role == TOPOLOGY_GONE)
            topology->nodes[found].role = TOPOLOGY_PRIMARY;
        return found;
    }
    if (host[0] == '\0' || topology->node_count >= TOPOLOGY_NODES_MAX)
        return -1;
    struct topology_node *node = &topology->nodes[topology->node_count];
    memset(node, 0, sizeof *node);
    fill_address(&node->address, host, port);
    node->port = port;
    node->primary = TOPOLOGY_NOBODY;
    node->role = TOPOLOGY_PRIMARY;
    return (int)topology->node_count++;
}

static uint32_t count_role(const struct topology *topology, enum topology_role role)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < topology->node_count; i++)
        count += topology->nodes[i].role == role;
    return count;
}

uint32_t topology_primaries(const struct topology *topology)
{
    return count_role(topology, TOPOLOGY_PRIMARY);
}

uint32_t topology_replicas(const struct topology *topology)
{
    return count_role(topology, TOPOLOGY_REPLICA);
}

void topology_count_slots(const struct topology *topology, uint16_t *counts)
{
    memset(counts, 0, topology->node_count * sizeof counts[0]);
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        if (topology->owner[slot] < topology->node_count)
            counts[topology->owner[slot]]++;
}

struct topology_count topology_count_serving(const struct topology *topology)
{
    struct topology_count count = {0};
    uint16_t slots[TOPOLOGY_NODES_MAX];
    bool followed[TOPOLOGY_NODES_MAX] = {false};
    topology_count_slots(topology, slots);
    for (uint32_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        if (node->role != TOPOLOGY_REPLICA || node->primary >= topology->node_count ||
            slots[node->primary] == 0)
            continue;
        followed[node->primary] = true;
        count.replicas++;
    }
    for (uint32_t i = 0; i < topology->node_count; i++) {
        if (topology->nodes[i].role != TOPOLOGY_PRIMARY || slots[i] == 0)
            continue;
        count.primaries++;
        count.alone += !followed[i];
    }
    return count;
}

uint32_t topology_writers(const struct topology *topology)
{
    if (topology == NULL || topology->kind != TOPOLOGY_SLOTS)
        return 1;
    const uint32_t primaries = topology_count_serving(topology).primaries;
    return primaries > 0 ? primaries : 1;
}

uint32_t topology_uncovered(const struct topology *topology)
{
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        count += topology->owner[slot] == TOPOLOGY_NOBODY;
    return count;
}
