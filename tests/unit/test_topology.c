#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/topology.h"
#include "tests/support/check/suite.h"

static struct topology *topology_new(void)
{
    struct topology *topology = calloc(1, sizeof *topology);
    ck_assert_ptr_nonnull(topology);
    memset(topology->owner, 0xFF, sizeof topology->owner);
    topology->kind = TOPOLOGY_SLOTS;
    return topology;
}

static struct topology_shared *shared_new(void)
{
    struct topology_shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    return shared;
}

TEST(names)
{
    /* Breaks when a node gets a second index, or a MOVED names another node than the one meant. */
    struct topology *topology = topology_new();
    ck_assert_int_eq(topology_find(topology, "127.0.0.1", 7000), -1);
    ck_assert_int_eq(topology_add(topology, "127.0.0.1", 7000), 0);
    ck_assert_int_eq(topology_add(topology, "127.0.0.1", 7001), 1);
    ck_assert_int_eq(topology_add(topology, "Node.example", 7001), 2);
    ck_assert_int_eq(topology_add(topology, "127.0.0.1", 7001), 1);
    ck_assert_uint_eq(topology->node_count, 3);
    ck_assert_int_eq(topology_find(topology, "node.EXAMPLE", 7001), 2);
    ck_assert_int_eq(topology_find(topology, "", 7000), 0);
    ck_assert_int_eq(topology_find(topology, "", 7001), -1); /* two have it */
    ck_assert_int_eq(topology_find(topology, "", 7002), -1);
    topology->nodes[1].role = TOPOLOGY_GONE;
    ck_assert_int_eq(topology_find(topology, "", 7001), 2);
    ck_assert_int_eq(topology_find(topology, "127.0.0.1", 7001), 1);
    ck_assert_int_eq(topology_add(topology, "127.0.0.1", 7001), 1);
    ck_assert_uint_eq(topology->nodes[1].role, TOPOLOGY_PRIMARY);
    free(topology);
}

TEST(addresses)
{
    /* Breaks when a node that a MOVED names by its address has to wait for the scout. */
    struct topology *topology = topology_new();
    ck_assert_int_eq(topology_add(topology, "127.0.0.1", 7000), 0);
    ck_assert_int_eq(topology_add(topology, "::1", 7000), 1);
    ck_assert_int_eq(topology_add(topology, "node", 7000), 2);
    const struct target_address *target = &topology->nodes[0].address;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&target->address;
    ck_assert_uint_eq(target->address_bytes, sizeof *v4);
    ck_assert_uint_eq(ntohs(v4->sin_port), 7000);
    ck_assert_uint_eq(ntohl(v4->sin_addr.s_addr), INADDR_LOOPBACK);
    ck_assert_str_eq(target->text, "127.0.0.1:7000");
    ck_assert_int_eq(topology->nodes[1].address.address.ss_family, AF_INET6);
    ck_assert_str_eq(topology->nodes[1].address.text, "[::1]:7000");
    ck_assert_str_eq(topology->nodes[1].address.host, "::1");
    ck_assert_uint_eq(topology->nodes[2].address.address_bytes, 0);
    free(topology);
}

TEST(full)
{
    /* Breaks when one node too many is written behind the table. */
    struct topology *topology = topology_new();
    for (uint16_t i = 0; i < TOPOLOGY_NODES_MAX; i++)
        ck_assert_int_eq(topology_add(topology, "h", (uint16_t)(i + 1)), i);
    ck_assert_int_eq(topology_add(topology, "h", 9999), -1);
    ck_assert_int_eq(topology_add(topology, "h", 256), 255);
    free(topology);
}

TEST(counts)
{
    /* Breaks when the report names other numbers of nodes, or an uncovered slot is not seen. */
    struct topology *topology = topology_new();
    for (uint16_t i = 0; i < 5; i++)
        ck_assert_int_eq(topology_add(topology, "h", (uint16_t)(i + 1)), i);
    topology->nodes[2].role = TOPOLOGY_REPLICA;
    topology->nodes[4].role = TOPOLOGY_GONE;
    ck_assert_uint_eq(topology_primaries(topology), 3);
    ck_assert_uint_eq(topology_replicas(topology), 1);
    ck_assert_uint_eq(topology_uncovered(topology), SLOTS_COUNT);
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        topology->owner[slot] = 0;
    topology->owner[77] = TOPOLOGY_NOBODY;
    ck_assert_uint_eq(topology_uncovered(topology), 1);
    free(topology);
}

TEST(serving)
{
    /* Breaks when a primary without slots, or its replica, has a say in how many connections are needed. */
    struct topology *topology = topology_new();
    for (uint16_t i = 0; i < 7; i++)
        ck_assert_int_eq(topology_add(topology, "h", (uint16_t)(i + 1)), i);
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        topology->owner[slot] = slot % 2 == 0 ? 0 : 1;
    const struct {
        uint32_t node;
        uint16_t primary;
    } replicas[] = {{3, 0}, {4, 0}, {5, 2}};
    for (size_t i = 0; i < sizeof replicas / sizeof replicas[0]; i++) {
        topology->nodes[replicas[i].node].role = TOPOLOGY_REPLICA;
        topology->nodes[replicas[i].node].primary = replicas[i].primary;
    }
    topology->nodes[6].role = TOPOLOGY_GONE;
    const struct topology_count count = topology_count_serving(topology);
    ck_assert_uint_eq(count.primaries, 2);
    ck_assert_uint_eq(count.alone, 1);
    ck_assert_uint_eq(count.replicas, 2);
    free(topology);
}

TEST(copies)
{
    /* Breaks when a copy leaves a node out, or a cleared table remembers one. */
    struct topology *topology = topology_new(), *copy = topology_new();
    for (uint16_t i = 0; i < 2000; i++)
        ck_assert_int_eq(topology_add(topology, "127.0.0.1", (uint16_t)(i + 1)), i);
    topology->owner[16383] = 1999;
    topology_copy(copy, topology);
    ck_assert_uint_eq(copy->node_count, 2000);
    ck_assert_int_eq(topology_find(copy, "127.0.0.1", 2000), 1999);
    ck_assert_uint_eq(copy->owner[16383], 1999);
    topology_clear(copy);
    ck_assert_int_eq(topology_find(copy, "127.0.0.1", 2000), -1);
    ck_assert_int_eq(topology_add(copy, "other", 9), 0);
    ck_assert_uint_eq(copy->nodes[0].address.address_bytes, 0);
    free(topology);
    free(copy);
}

TEST(versions)
{
    /* Breaks when workers copy a table they have, or miss a new one. */
    struct topology *topology = topology_new(), *copy = topology_new();
    struct topology_shared *shared = shared_new();
    uint32_t version = 0;
    ck_assert(!topology_refresh(copy, &version, shared));
    ck_assert_int_eq(topology_add(topology, "127.0.0.1", 7000), 0);
    topology->owner[16383] = 0;
    topology_publish(shared, topology);
    ck_assert(topology_refresh(copy, &version, shared));
    ck_assert_uint_eq(version, 2);
    ck_assert_uint_eq(copy->node_count, 1);
    ck_assert_uint_eq(copy->owner[16383], 0);
    ck_assert_str_eq(copy->nodes[0].address.text, "127.0.0.1:7000");
    ck_assert(!topology_refresh(copy, &version, shared));
    topology_publish(shared, topology);
    ck_assert(topology_refresh(copy, &version, shared));
    ck_assert_uint_eq(version, 4);
    munmap(shared, sizeof *shared);
    free(topology);
    free(copy);
}

TEST(writer_died_half_way)
{
    /* Breaks when half a table is used, or the next scout cannot publish any more. */
    struct topology *topology = topology_new(), *copy = topology_new();
    struct topology_shared *shared = shared_new();
    uint32_t version = 0;
    topology_publish(shared, topology);
    ck_assert(topology_refresh(copy, &version, shared));
    atomic_store(&shared->version, 3);
    shared->topology.node_count = 200;
    ck_assert(!topology_refresh(copy, &version, shared));
    ck_assert_uint_eq(copy->node_count, 0);
    ck_assert_uint_eq(version, 2);
    topology_publish(shared, topology);
    ck_assert(topology_refresh(copy, &version, shared));
    ck_assert_uint_eq(version, 4);
    munmap(shared, sizeof *shared);
    free(topology);
    free(copy);
}

#define TORN_NODES 257u /* of large tables there would be few */

/* Every table that this writes has one number in all its places. */
static void fill_with(struct topology *topology, uint16_t number)
{
    topology->node_count = number % TORN_NODES;
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        topology->owner[slot] = number;
    for (uint32_t i = 0; i < topology->node_count; i++) {
        topology->nodes[i].port = topology->nodes[i].primary = number;
        topology->nodes[i].role = number;
    }
}

static bool is_whole(const struct topology *topology)
{
    uint16_t number = topology->owner[0];
    bool whole = topology->node_count == number % TORN_NODES;
    for (uint32_t slot = 0; slot < SLOTS_COUNT; slot++)
        whole &= topology->owner[slot] == number;
    for (uint32_t i = 0; whole && i < topology->node_count; i++)
        whole &= topology->nodes[i].port == number && topology->nodes[i].primary == number &&
                 topology->nodes[i].role == number;
    return whole;
}

#define TABLES 2000

TEST(never_torn)
{
    /* Breaks when a worker uses a table that is half the old and half the new one. */
    struct topology *topology = topology_new();
    struct topology_shared *shared = shared_new();
    fill_with(topology, 1);
    topology_publish(shared, topology);
    pid_t writer = fork();
    ck_assert_int_ge(writer, 0);
    if (writer == 0) {
        for (uint16_t number = 2; number <= TABLES; number++) {
            fill_with(topology, number);
            topology_publish(shared, topology);
        }
        _exit(0);
    }
    uint32_t version = 0, taken = 0;
    while (version < 2 * TABLES && taken < 1000000) {
        uint32_t before = version;
        if (!topology_refresh(topology, &version, shared))
            continue;
        taken++;
        ck_assert_uint_gt(version, before);
        ck_assert_uint_eq(version, 2u * topology->owner[0]);
        ck_assert(is_whole(topology));
    }
    ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
    ck_assert_uint_eq(topology->owner[0], TABLES);
    munmap(shared, sizeof *shared);
    free(topology);
}

TEST_SUITE(topology)
