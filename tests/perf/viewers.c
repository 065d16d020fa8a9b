/* Many readers of a run's events in one process that throws away what it reads: so what looking on costs volley is told apart
 * from what a hundred programs of viewers cost the machine that they share with it.
 *
 *     viewers PORT CONNECTIONS
 *
 * Ends when the last stream has ended, or is ended; then prints how many bytes came, in how many reads, and its own CPU time
 * in ms. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 10000u

static volatile sig_atomic_t told;

static void end(int number)
{
    (void)number;
    told = 1;
}

static bool view(int epoll, uint16_t port)
{
    static const char asked[] = "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
           write(fd, asked, sizeof asked - 1) == sizeof asked - 1 &&
           epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

int main(int argc, char **argv)
{
    static char thrown_away[1 << 20];
    struct epoll_event ready[256];
    uint64_t bytes = 0, reads = 0;
    const unsigned long wanted = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (wanted == 0 || wanted > CONNECTIONS_MAX) {
        fprintf(stderr, "viewers PORT CONNECTIONS, at most %u\n", CONNECTIONS_MAX);
        return 2;
    }
    signal(SIGTERM, end);
    const int epoll = epoll_create1(0);
    unsigned long open = 0;
    for (; open < wanted; open++)
        if (!view(epoll, (uint16_t)strtoul(argv[1], NULL, 10))) {
            perror("viewers: cannot look on");
            return 1;
        }
    while (open > 0 && told == 0) {
        const int count = epoll_wait(epoll, ready, 256, 1000);
        for (int i = 0; i < count; i++) {
            const ssize_t got = read(ready[i].data.fd, thrown_away, sizeof thrown_away);
            if (got <= 0) {
                close(ready[i].data.fd);
                open--;
                continue;
            }
            bytes += (uint64_t)got;
            reads++;
        }
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("%llu bytes in %llu reads, %ld ms of CPU\n", (unsigned long long)bytes,
           (unsigned long long)reads,
           (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
               (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000);
    return 0;
}
