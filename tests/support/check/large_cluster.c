#include "tests/support/check/large_cluster.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/check/support.h"

#define SLOTS 16384u
#define IN_BYTES 4096u
#define PORT_TRIES 20
#define CLIENTS_MAX 32768
#define IP_BYTES 32

struct client {
    int fd;
    uint32_t node;
    size_t in_bytes;
    char in[IN_BYTES];
};

/* Of the child alone. */
static struct {
    int epoll;
    uint32_t owners, count;
    struct large_cluster *cluster;
    int listeners[LARGE_CLUSTER_MAX];
    struct client *clients[CLIENTS_MAX]; /* by descriptor */
    char *shards;
    size_t shards_bytes;
} host;

static void node_ip(char text[IP_BYTES], uint32_t node)
{
    snprintf(text, IP_BYTES, "127.0.%u.%u", 1 + node / 250, 1 + node % 250);
}

static int listen_as(uint32_t node, uint16_t *port)
{
    char ip[IP_BYTES];
    const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t address_bytes = sizeof address;
    node_ip(ip, node);
    inet_pton(AF_INET, ip, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 64) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &address_bytes) == 0) {
        *port = ntohs(address.sin_port);
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool listen_on_one_port(void)
{
    uint16_t port = 0;
    for (uint32_t i = 0; i < host.count; i++) {
        host.listeners[i] = listen_as(i, &port);
        if (host.listeners[i] >= 0)
            continue;
        while (i-- > 0)
            close(host.listeners[i]);
        return false;
    }
    host.cluster->port = port;
    return true;
}

/* ---- the answers ---- */

static void print_shards(void)
{
    FILE *out = open_memstream(&host.shards, &host.shards_bytes);
    if (out == NULL)
        _exit(1);
    fprintf(out, "*%u\r\n", host.count);
    for (uint32_t i = 0; i < host.count; i++) {
        char ip[IP_BYTES];
        node_ip(ip, i);
        fprintf(out, "*4\r\n$5\r\nslots\r\n");
        if (i < host.owners)
            fprintf(out, "*2\r\n:%u\r\n:%u\r\n", i * SLOTS / host.owners,
                    (i + 1) * SLOTS / host.owners - 1);
        else
            fprintf(out, "*0\r\n");
        fprintf(out,
                "$5\r\nnodes\r\n*1\r\n*12\r\n$4\r\nport\r\n:%u\r\n$2\r\nip\r\n$%zu\r\n%s\r\n"
                "$8\r\nendpoint\r\n$%zu\r\n%s\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
                "$18\r\nreplication-offset\r\n:1\r\n$6\r\nhealth\r\n$6\r\nonline\r\n",
                host.cluster->port, strlen(ip), ip, strlen(ip), ip);
    }
    fclose(out);
}

static void say(const struct client *client, const char *text, size_t byte_count)
{
    for (size_t sent = 0; sent < byte_count;) {
        ssize_t count = send(client->fd, text + sent, byte_count - sent, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN)
            return;
        if (count < 0)
            support_sleep_ms(1);
        else
            sent += (size_t)count;
    }
}

static void answer(const struct client *client, const char *name, const char *second)
{
    static const char ok[] = "+OK\r\n",
                      info[] = "$43\r\ncluster_state:ok\r\ncluster_current_epoch:1\r\n\r\n",
                      pong[] = "+PONG\r\n", value[] = "$3\r\nabc\r\n", no[] = "-ERR not here\r\n";
    if (strcasecmp(name, "GET") == 0) {
        host.cluster->gets[client->node]++;
        say(client, value, sizeof value - 1);
    } else if (strcasecmp(name, "PING") == 0) {
        say(client, pong, sizeof pong - 1);
    } else if (strcasecmp(name, "SELECT") == 0) {
        say(client, ok, sizeof ok - 1);
    } else if (strcasecmp(name, "CLUSTER") == 0 && strcasecmp(second, "INFO") == 0) {
        say(client, info, sizeof info - 1);
    } else if (strcasecmp(name, "CLUSTER") == 0 && strcasecmp(second, "SHARDS") == 0) {
        say(client, host.shards, host.shards_bytes);
    } else {
        say(client, no, sizeof no - 1);
    }
}

/* One command at the beginning of the bytes; its length, 0: not whole. */
static size_t take_command(const struct client *client, char name[32], char second[32])
{
    const char *at = client->in, *end = client->in + client->in_bytes;
    const char *feed = memchr(at, '\n', client->in_bytes);
    unsigned long words = feed != NULL ? strtoul(at + 1, NULL, 10) : 0;
    name[0] = second[0] = '\0';
    if (feed == NULL)
        return 0;
    at = feed + 1;
    for (unsigned long i = 0; i < words; i++) {
        feed = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        unsigned long bytes = feed != NULL ? strtoul(at + 1, NULL, 10) : 0;
        if (feed == NULL || feed + 1 + bytes + 2 > end)
            return 0;
        if (i < 2)
            snprintf(i == 0 ? name : second, 32, "%.*s", (int)bytes, feed + 1);
        at = feed + 1 + bytes + 2;
    }
    return (size_t)(at - client->in);
}

static void receive(struct client *client)
{
    char name[32], second[32];
    ssize_t got = recv(client->fd, client->in + client->in_bytes, IN_BYTES - client->in_bytes, 0);
    if (got <= 0) {
        host.clients[client->fd] = NULL;
        close(client->fd);
        free(client);
        return;
    }
    client->in_bytes += (size_t)got;
    for (size_t used; (used = take_command(client, name, second)) > 0;) {
        client->in_bytes -= used;
        memmove(client->in, client->in + used, client->in_bytes);
        answer(client, name, second);
    }
}

static void accept_at(uint32_t node)
{
    const int on = 1;
    struct sockaddr_in peer;
    socklen_t peer_bytes = sizeof peer;
    int fd = accept4(host.listeners[node], (struct sockaddr *)&peer, &peer_bytes,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct client *client = fd < CLIENTS_MAX ? calloc(1, sizeof *client) : NULL;
    if (client == NULL) {
        close(fd);
        return;
    }
    host.clients[fd] = client;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *client = (struct client){.fd = fd, .node = node};
    host.cluster->accepts[node]++;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 2 * (uint64_t)fd};
    epoll_ctl(host.epoll, EPOLL_CTL_ADD, fd, &event);
}

/* A listener's event is its number with the lowest bit set, a client's its descriptor without. */
static _Noreturn void serve(void)
{
    struct epoll_event events[256];
    host.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < host.count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = 2 * (uint64_t)i + 1};
        epoll_ctl(host.epoll, EPOLL_CTL_ADD, host.listeners[i], &event);
    }
    for (;;) {
        int count = epoll_wait(host.epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 % 2 != 0)
                accept_at((uint32_t)(events[i].data.u64 / 2));
            else
                receive(host.clients[events[i].data.u64 / 2]);
        }
    }
}

void large_cluster_start(struct large_cluster *cluster, uint32_t owners, uint32_t empty)
{
    struct rlimit files;
    host.owners = owners;
    host.count = owners + empty;
    host.cluster = cluster;
    ck_assert_uint_le(host.count, LARGE_CLUSTER_MAX);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    const size_t shared_bytes = 2 * LARGE_CLUSTER_MAX * sizeof(uint64_t);
    cluster->gets =
        mmap(NULL, shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne((void *)(uintptr_t)cluster->gets, MAP_FAILED);
    cluster->accepts = cluster->gets + LARGE_CLUSTER_MAX;
    bool listens = false;
    for (int i = 0; i < PORT_TRIES && !listens; i++)
        listens = listen_on_one_port();
    ck_assert_msg(listens, "no port is free on %u loopback addresses", host.count);
    snprintf(cluster->address, sizeof cluster->address, "127.0.1.1:%u", cluster->port);
    print_shards();
    cluster->pid = support_fork();
    if (cluster->pid == 0)
        serve();
    for (uint32_t i = 0; i < host.count; i++)
        close(host.listeners[i]);
    free(host.shards);
}

void large_cluster_stop(struct large_cluster *cluster)
{
    if (cluster->pid > 0)
        support_kill(cluster->pid);
    cluster->pid = 0;
    if (cluster->gets != NULL)
        munmap((void *)(uintptr_t)cluster->gets, 2 * LARGE_CLUSTER_MAX * sizeof(uint64_t));
    cluster->gets = NULL;
}
