/* Subscribers that have nothing of volley's: what they say of the delivery of messages is held against what volley says of
 * its own in the same run. They find the time in the message, where docs/reference/consumers.md says that it stands.
 *
 *     subscriber PORT CHANNEL CONNECTIONS SECONDS
 *
 * Prints how many messages came, and p50, p99 and maximum in microseconds. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARK "vly:"
#define SENT_AT 40
#define LATE_AT 55
#define STAMP 64
#define KEPT 256 /* of what was read before: a stamp may be cut */
#define CONNECTIONS_MAX 10000u
#define TIMES_MAX (64u << 20)

struct subscriber {
    int fd;
    size_t kept;
    char text[KEPT];
};

static uint32_t times[TIMES_MAX]; /* touched as far as it is used */
static size_t count;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t hex(const char *text, size_t digits)
{
    char copy[17] = "";
    memcpy(copy, text, digits);
    return strtoull(copy, NULL, 16);
}

/* Returns how many bytes at the end have to be kept. */
static size_t look(const char *text, size_t bytes, uint64_t read_ns)
{
    const char *at = text, *const end = text + bytes;
    while ((at = memmem(at, (size_t)(end - at), MARK, sizeof MARK - 1)) != NULL) {
        if (end - at < STAMP)
            return (size_t)(end - at);
        const uint64_t took =
            read_ns - hex(at + SENT_AT, LATE_AT - SENT_AT) + hex(at + LATE_AT, STAMP - LATE_AT);
        if (count < TIMES_MAX)
            times[count++] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
        at += STAMP;
    }
    return bytes < sizeof MARK - 2 ? bytes : sizeof MARK - 2;
}

static void receive(struct subscriber *subscriber)
{
    static char text[KEPT + 65536];
    memcpy(text, subscriber->text, subscriber->kept);
    const ssize_t got = read(subscriber->fd, text + subscriber->kept, sizeof text - KEPT);
    const uint64_t read_ns = now_ns();
    if (got <= 0)
        return;
    const size_t bytes = subscriber->kept + (size_t)got;
    subscriber->kept = look(text, bytes, read_ns);
    memcpy(subscriber->text, text + bytes - subscriber->kept, subscriber->kept);
}

static int by_size(const void *one, const void *other)
{
    const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

static int subscribe(struct subscriber *subscriber, const char *port, const char *channel)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                        .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    subscriber->fd = socket(AF_INET, SOCK_STREAM, 0);
    return subscriber->fd < 0 ||
                   connect(subscriber->fd, (const struct sockaddr *)&address, sizeof address) !=
                       0 ||
                   dprintf(subscriber->fd, "SUBSCRIBE %s\r\n", channel) < 0
               ? -1
               : 0;
}

int main(int argc, char **argv)
{
    const size_t connections = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
    if (connections == 0 || connections > CONNECTIONS_MAX)
        return 2;
    static struct subscriber all[CONNECTIONS_MAX];
    const int poll = epoll_create1(0);
    for (size_t i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        if (subscribe(&all[i], argv[1], argv[2]) != 0 ||
            epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event) != 0) {
            perror("subscriber");
            return 1;
        }
    }
    const uint64_t end_ns = now_ns() + strtoull(argv[4], NULL, 10) * 1000000000u;
    while (now_ns() < end_ns) {
        struct epoll_event events[256];
        const int ready = epoll_wait(poll, events, 256, 100);
        for (int i = 0; i < ready; i++)
            receive(events[i].data.ptr);
    }
    if (count == 0)
        return 1;
    qsort(times, count, sizeof times[0], by_size);
    const size_t middle = (count - 1) / 2, hundredth = (count * 99 + 99) / 100 - 1;
    printf("%zu %.1f %.1f %.1f\n", count, times[middle] / 1e3, times[hundredth] / 1e3,
           times[count - 1] / 1e3);
    return 0;
}
