/* recorder_server: a small server that knows what really happened. It answers as Valkey and Redis do,
 * and stamps when each request came and when its reply went: the truth that a load generator's figures
 * are held against (recorder_record.h has the file, and how to tell what was intended).
 *
 *   recorder_server [--stall AT:LENGTH]... [--service-time TIME] [--capacity 2m] [--limit 300s]
 *                   [--record FILE]
 *
 *   --stall AT:LENGTH    so long after the first recorded request it neither reads nor answers for so
 *                        long; times as volley takes them, bare numbers are seconds
 *   --service-time TIME  requests are served one at a time, in the order in which they came, each for so
 *                        long: it answers 1 / TIME requests per second and never more
 *   --capacity COUNT     room for so many requests; further ones get an error reply
 *   --limit TIME         it ends by itself after so long
 *   --record FILE        written at the end, that is at SIGTERM, SIGINT or the limit
 *
 * It prints its port, free on the loopback address, and a newline. A request is recorded when its first
 * argument is key: and twelve digits; GET answers three bytes, everything unknown +OK. Two commands of
 * its own: RECORDER DUMP FILE writes the record now, RECORDER RESET forgets all requests and begins
 * the plan of stalls anew.
 *
 * One thread, level-triggered epoll, all memory taken before the port is printed. Capacity is exact
 * because time is kept in a virtual clock: when a request has been served is computed from when the one
 * before it had, never from when this process woke up. The last stretch before such a moment it spins,
 * so with a service time it wants a CPU of its own. Exit status 0, or 1 with a message. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/units.h"
#include "tests/support/recorder_command.h"
#include "tests/support/recorder_record.h"

#define BUFFER_BYTES COMMAND_BYTES_MAX /* of each connection, each way */
#define CONNECTIONS_MAX 16384
#define EVENTS_MAX 512
#define SPIN_NS (60 * NS_PER_US)
#define NEVER UINT64_MAX

struct connection {
    int fd;
    uint32_t slot;
    uint32_t waiting; /* requests of it that are being served */
    uint32_t in_bytes, out_bytes;
    bool overrun; /* replies found no room, as the client never reads: it is to end */
    char in[BUFFER_BYTES], out[BUFFER_BYTES];
};

/* One recorded request, as long as the server lives. */
struct served {
    struct recorder_request request;
    const char *reply;
    struct connection *connection; /* NULL: answered, or its connection has ended */
};

struct planned_stall {
    uint64_t at_ns, length_ns;
};

struct server {
    struct planned_stall plan[RECORDER_STALLS_MAX];
    uint32_t plan_count;
    uint64_t service_ns, capacity, limit_ns;
    const char *record_path;

    int listen_fd, epoll_fd;
    uint16_t port;
    struct connection *connections[CONNECTIONS_MAX];
    struct recorder_header header;
    struct served *requests;
    uint64_t first_ns;   /* arrival of the first recorded request; 0: none yet     */
    uint64_t queue_head; /* with a service time: the first that is not answered     */
    uint64_t free_ns;    /* virtual: when the request before queue_head was served */
    uint64_t limit_clock_ns;
    sigset_t waiting_mask; /* signals come only while it waits */
};

static volatile sig_atomic_t end_asked;

static void on_signal(int number)
{
    (void)number;
    end_asked = 1;
}

static bool failed(const char *what)
{
    fprintf(stderr, "recorder_server: %s: %s\n", what, strerror(errno));
    return false;
}

/* The record --------------------------------------------------------------------------------- */

static bool write_record(const struct server *server, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return failed(path);
    bool good = fwrite(&server->header, sizeof server->header, 1, file) == 1;
    for (uint64_t i = 0; i < server->header.request_count && good; i++)
        good =
            fwrite(&server->requests[i].request, sizeof server->requests[i].request, 1, file) == 1;
    if (fclose(file) != 0 || !good)
        return failed(path);
    return true;
}

static void forget_record(struct server *server)
{
    memset(&server->header, 0, sizeof server->header);
    memcpy(server->header.magic, RECORDER_MAGIC, sizeof server->header.magic);
    server->header.request_bytes = sizeof(struct recorder_request);
    server->header.service_ns = server->service_ns;
    server->first_ns = server->queue_head = server->free_ns = 0;
}

/* Connections ---------------------------------------------------------------------------------- */

static void end_connection(struct server *server, struct connection *connection)
{
    assert(server->requests != NULL);
    for (uint64_t i = server->queue_head;
         connection->waiting > 0 && i < server->header.request_count; i++)
        if (server->requests[i].connection == connection) {
            server->requests[i].connection = NULL;
            connection->waiting--;
        }
    server->connections[connection->slot] = NULL;
    close(connection->fd);
    free(connection);
}

static bool watch(const struct server *server, struct connection *connection, int operation)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (connection->out_bytes > 0)
        event.events |= EPOLLOUT;
    return epoll_ctl(server->epoll_fd, operation, connection->fd, &event) == 0;
}

static void accept_one(struct server *server)
{
    struct sockaddr_in client;
    socklen_t client_bytes = sizeof client;
    int fd = accept4(server->listen_fd, (struct sockaddr *)&client, &client_bytes,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    uint32_t slot = 0;
    while (slot < CONNECTIONS_MAX && server->connections[slot] != NULL)
        slot++;
    struct connection *connection = slot < CONNECTIONS_MAX ? malloc(sizeof *connection) : NULL;
    if (connection == NULL) {
        close(fd);
        return;
    }
    connection->fd = fd;
    connection->slot = slot;
    connection->waiting = connection->in_bytes = connection->out_bytes = 0;
    connection->overrun = false;
    server->connections[slot] = connection;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (!watch(server, connection, EPOLL_CTL_ADD))
        end_connection(server, connection);
}

/* False when the connection has ended. */
static bool flush(struct server *server, struct connection *connection)
{
    bool watched = false;
    while (connection->out_bytes > 0) {
        ssize_t sent = send(connection->fd, connection->out, connection->out_bytes, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            watched = true;
            break;
        }
        if (sent < 0) {
            end_connection(server, connection);
            return false;
        }
        connection->out_bytes -= (uint32_t)sent;
        memmove(connection->out, connection->out + sent, connection->out_bytes);
    }
    if (connection->overrun) {
        end_connection(server, connection);
        return false;
    }
    if (watched)
        (void)watch(server, connection, EPOLL_CTL_MOD);
    return true;
}

static void add_reply(struct connection *connection, const char *reply, size_t reply_bytes)
{
    connection->overrun |= reply_bytes > BUFFER_BYTES - connection->out_bytes;
    if (connection->overrun)
        return;
    memcpy(connection->out + connection->out_bytes, reply, reply_bytes);
    connection->out_bytes += (uint32_t)reply_bytes;
}

/* Commands ------------------------------------------------------------------------------------ */

static void add_info(const struct server *server, struct connection *connection)
{
    char info[256], reply[300];
    int info_bytes = snprintf(info, sizeof info,
                              "# Server\r\nredis_version:0.0.0\r\nredis_mode:standalone\r\n"
                              "process_id:%d\r\ntcp_port:%u\r\n",
                              (int)getpid(), (unsigned)server->port);
    int reply_bytes = snprintf(reply, sizeof reply, "$%d\r\n%s\r\n", info_bytes, info);
    add_reply(connection, reply, (size_t)reply_bytes);
}

/* DUMP and RESET. What is being served would be lost: the client waits for its replies first. */
static const char *own_command(struct server *server, const struct command *command)
{
    char path[512];
    bool busy = server->service_ns > 0 && server->queue_head < server->header.request_count;
    if (command_argument_is(command, 1, "RESET") && !busy) {
        forget_record(server);
        return "+OK\r\n";
    }
    if (!command_argument_is(command, 1, "DUMP") || command->argc < 3 ||
        command->arg_bytes[2] >= sizeof path)
        return "-ERR RECORDER DUMP file, or RECORDER RESET when nothing is under way\r\n";
    memcpy(path, command->args[2], command->arg_bytes[2]);
    path[command->arg_bytes[2]] = '\0';
    return write_record(server, path) ? "+OK\r\n" : "-ERR the record cannot be written\r\n";
}

static void answer_other(struct server *server, struct connection *connection,
                         const struct command *command)
{
    static const struct {
        const char *name, *reply;
    } fixed[] = {
        {"PING", "+PONG\r\n"},
        {"GET", "$3\r\nabc\r\n"},
        {"DBSIZE", ":0\r\n"},
        {"CONFIG", "*0\r\n"},
        {"HELLO", "*4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:2\r\n"},
    };
    const char *reply = "+OK\r\n";
    if (command_argument_is(command, 0, "INFO")) {
        add_info(server, connection);
        return;
    }
    if (command_argument_is(command, 0, "RECORDER"))
        reply = own_command(server, command);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (command_argument_is(command, 0, fixed[i].name))
            reply = fixed[i].reply;
    add_reply(connection, reply, strlen(reply));
}

/* Requests ------------------------------------------------------------------------------------- */

static void record_request(struct server *server, struct connection *connection,
                           const struct command *command, uint64_t ticket, uint64_t arrival_ns)
{
    static const char full[] = "-ERR the record is full\r\n";
    const char *reply = command_argument_is(command, 0, "GET") ? "$3\r\nabc\r\n" : "+OK\r\n";
    if (server->header.request_count == server->capacity) {
        server->header.unrecorded++;
        add_reply(connection, full, sizeof full - 1);
        return;
    }
    if (server->first_ns == 0)
        server->first_ns = arrival_ns;
    server->requests[server->header.request_count++] = (struct served){
        .request = {.ticket = ticket, .arrival_ns = arrival_ns},
        .reply = reply,
        .connection = server->service_ns > 0 ? connection : NULL,
    };
    if (server->service_ns > 0)
        connection->waiting++;
    else
        add_reply(connection, reply, strlen(reply));
}

/* Takes the whole commands that have come. False when the connection is not to go on. */
static bool take_commands(struct server *server, struct connection *connection, uint64_t arrival_ns)
{
    struct command command;
    uint32_t taken = 0;
    long command_bytes;
    while ((command_bytes = command_parse(&command, connection->in + taken,
                                          connection->in_bytes - taken)) > 0) {
        uint64_t ticket;
        if (command_ticket(&ticket, &command))
            record_request(server, connection, &command, ticket, arrival_ns);
        else if (connection->waiting > 0)
            return false; /* its reply would overtake those that are being served */
        else
            answer_other(server, connection, &command);
        taken += (uint32_t)command_bytes;
    }
    connection->in_bytes -= taken;
    memmove(connection->in, connection->in + taken, connection->in_bytes);
    return command_bytes == -1 && connection->in_bytes < BUFFER_BYTES;
}

/* The wall clock is slewed by at most 500 parts in a million (adjtimex); so much less is believed. */
#define WALL_SLEW 2000u

static uint64_t timespec_ns(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * NS_PER_SECOND + (uint64_t)time->tv_nsec;
}

/* Reads, and tells when the last of it reached the socket. The kernel stamps that, so a server that is
 * not let run at once, or that stalls, is not taken for a client that was late. The stamp is of the wall
 * clock: how long ago it was is what counts. */
static ssize_t receive(const struct connection *connection, void *bytes, size_t room,
                       uint64_t *arrival_ns)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = room};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(connection->fd, &message, 0);
    /* The wall clock first: being stopped between the two makes an arrival later than it was, never
     * earlier. A single early one would move the start of the run that is estimated from all. */
    uint64_t wall_ns = clock_wall_ns();
    uint64_t now_ns = clock_now_ns();
    *arrival_ns = now_ns;
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header != NULL && header->cmsg_level == SOL_SOCKET &&
        header->cmsg_type == SCM_TIMESTAMPNS) {
        struct timespec stamp;
        memcpy(&stamp, CMSG_DATA(header), sizeof stamp);
        uint64_t age_ns = timespec_ns(&stamp) <= wall_ns ? wall_ns - timespec_ns(&stamp) : 0;
        *arrival_ns = now_ns - (age_ns - age_ns / WALL_SLEW);
    }
    return got;
}

static void read_requests(struct server *server, struct connection *connection)
{
    uint64_t arrival_ns;
    ssize_t got = receive(connection, connection->in + connection->in_bytes,
                          BUFFER_BYTES - connection->in_bytes, &arrival_ns);
    if (got < 0 && errno == EAGAIN)
        return;
    uint64_t first = server->header.request_count;
    connection->in_bytes += got > 0 ? (uint32_t)got : 0;
    if (got <= 0 || !take_commands(server, connection, arrival_ns)) {
        end_connection(server, connection);
        return;
    }
    if (server->service_ns == 0 && server->header.request_count > first) {
        assert(server->requests != NULL);
        uint64_t reply_ns = clock_now_ns();
        for (uint64_t i = first; i < server->header.request_count; i++)
            server->requests[i].request.reply_ns = reply_ns;
    }
    (void)flush(server, connection);
}

/* When the request at the head of the queue has been served; NEVER when there is none. */
static uint64_t head_served_ns(const struct server *server)
{
    if (server->service_ns == 0 || server->queue_head == server->header.request_count)
        return NEVER;
    uint64_t arrival_ns = server->requests[server->queue_head].request.arrival_ns;
    return (arrival_ns > server->free_ns ? arrival_ns : server->free_ns) + server->service_ns;
}

static void answer_served(struct server *server, uint64_t now_ns)
{
    uint64_t served_ns;
    while ((served_ns = head_served_ns(server)) <= now_ns) {
        struct served *served = &server->requests[server->queue_head++];
        struct connection *connection = served->connection;
        server->free_ns = served_ns;
        if (connection == NULL)
            continue;
        served->connection = NULL;
        connection->waiting--;
        add_reply(connection, served->reply, strlen(served->reply));
        served->request.reply_ns = clock_now_ns();
        (void)flush(server, connection);
    }
}

/* Time ------------------------------------------------------------------------------------------ */

static uint64_t next_stall_ns(const struct server *server)
{
    if (server->first_ns == 0 || server->header.stall_count == server->plan_count)
        return NEVER;
    return server->first_ns + server->plan[server->header.stall_count].at_ns;
}

static struct timespec timespec_of(uint64_t duration_ns)
{
    return (struct timespec){.tv_sec = (time_t)(duration_ns / NS_PER_SECOND),
                             .tv_nsec = (long)(duration_ns % NS_PER_SECOND)};
}

static void stall(struct server *server)
{
    uint64_t end_ns = next_stall_ns(server) + server->plan[server->header.stall_count].length_ns;
    if (end_ns > server->limit_clock_ns)
        end_ns = server->limit_clock_ns;
    struct recorder_stall *stamps = &server->header.stalls[server->header.stall_count];
    stamps->begin_ns = clock_now_ns();
    uint64_t now_ns = stamps->begin_ns;
    while (now_ns < end_ns && !end_asked) {
        struct timespec left = timespec_of(end_ns - now_ns);
        (void)ppoll(NULL, 0, &left, &server->waiting_mask);
        now_ns = clock_now_ns();
    }
    stamps->end_ns = now_ns;
    server->header.stall_count++;
    /* What was being served is served anew: nothing was done meanwhile. */
    if (server->free_ns < now_ns)
        server->free_ns = now_ns;
}

/* Waits for a client, or until the moment has come. */
static bool wait_until(struct server *server, uint64_t moment_ns)
{
    static struct epoll_event events[EVENTS_MAX];
    uint64_t now_ns = clock_now_ns();
    uint64_t left_ns = moment_ns > now_ns ? moment_ns - now_ns : 0;
    /* The last stretch passes in calls that do not wait. */
    struct timespec timeout = timespec_of(left_ns > SPIN_NS ? left_ns - SPIN_NS : 0);
    int count = epoll_pwait2(server->epoll_fd, events, EVENTS_MAX, &timeout, &server->waiting_mask);
    if (count < 0 && errno != EINTR)
        return failed("epoll_pwait2");
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        /* Level-triggered: those that are left come again. */
        if (clock_now_ns() >= next_stall_ns(server))
            break;
        if (connection == NULL)
            accept_one(server);
        else if ((events[i].events & EPOLLOUT) == 0 ||
                 (flush(server, connection) && watch(server, connection, EPOLL_CTL_MOD)))
            read_requests(server, connection);
    }
    return true;
}

static bool serve(struct server *server)
{
    for (uint64_t now_ns; !end_asked && (now_ns = clock_now_ns()) < server->limit_clock_ns;) {
        uint64_t moment_ns = next_stall_ns(server);
        if (now_ns >= moment_ns) {
            stall(server);
            continue;
        }
        answer_served(server, now_ns);
        if (moment_ns > head_served_ns(server))
            moment_ns = head_served_ns(server);
        if (moment_ns > server->limit_clock_ns)
            moment_ns = server->limit_clock_ns;
        if (!wait_until(server, moment_ns))
            return false;
    }
    return true;
}

/* Start and end --------------------------------------------------------------------------------- */

static bool open_port(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->epoll_fd < 0 || server->listen_fd < 0 ||
        bind(server->listen_fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listen_fd, 1024) != 0 ||
        getsockname(server->listen_fd, (struct sockaddr *)&address, &address_bytes) != 0 ||
        epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->listen_fd, &event) != 0)
        return failed("listening");
    server->port = ntohs(address.sin_port);
    return true;
}

static bool prepare(struct server *server)
{
    const struct sigaction action = {.sa_handler = on_signal};
    sigset_t end_signals;
    sigemptyset(&end_signals);
    sigaddset(&end_signals, SIGTERM);
    sigaddset(&end_signals, SIGINT);
    sigprocmask(SIG_BLOCK, &end_signals, &server->waiting_mask);
    sigdelset(&server->waiting_mask, SIGTERM);
    sigdelset(&server->waiting_mask, SIGINT);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    prctl(PR_SET_TIMERSLACK, 1);
    /* Every page is there before the first request. */
    server->requests =
        mmap(NULL, server->capacity * sizeof *server->requests, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (server->requests == MAP_FAILED || server->requests == NULL)
        return failed("memory for the record");
    forget_record(server);
    if (!open_port(server))
        return false;
    server->limit_clock_ns = clock_now_ns() + server->limit_ns;
    printf("%u\n", (unsigned)server->port);
    return fflush(stdout) == 0 || failed("printing the port");
}

/* Stalls stand in the order in which they come. */
static bool parse_stall(struct server *server, const char *text)
{
    char at[32];
    size_t at_bytes = strcspn(text, ":");
    if (text[at_bytes] != ':' || at_bytes >= sizeof at || server->plan_count == RECORDER_STALLS_MAX)
        return false;
    memcpy(at, text, at_bytes);
    at[at_bytes] = '\0';
    struct planned_stall *stalls = server->plan, *next = &stalls[server->plan_count];
    if (!units_parse_duration(&next->at_ns, at, NS_PER_SECOND) ||
        !units_parse_duration(&next->length_ns, text + at_bytes + 1, NS_PER_SECOND))
        return false;
    if (server->plan_count > 0 && next->at_ns < next[-1].at_ns + next[-1].length_ns)
        return false;
    server->plan_count++;
    return true;
}

static bool parse(struct server *server, int argc, char **argv)
{
    static const struct option options[] = {
        {"stall", required_argument, NULL, 's'},    {"service-time", required_argument, NULL, 't'},
        {"capacity", required_argument, NULL, 'c'}, {"limit", required_argument, NULL, 'l'},
        {"record", required_argument, NULL, 'r'},   {NULL, 0, NULL, 0},
    };
    int letter, index = 0;
    while ((letter = getopt_long(argc, argv, "", options, &index)) != -1) {
        bool good = letter != '?';
        if (letter == 's')
            good = parse_stall(server, optarg);
        else if (letter == 't')
            good = units_parse_duration(&server->service_ns, optarg, NS_PER_SECOND);
        else if (letter == 'c')
            good = units_parse_count(&server->capacity, optarg) && server->capacity >= 1 &&
                   server->capacity <= 100000000;
        else if (letter == 'l')
            good = units_parse_duration(&server->limit_ns, optarg, NS_PER_SECOND);
        else if (letter == 'r')
            server->record_path = optarg;
        if (good)
            continue;
        if (letter != '?')
            fprintf(stderr, "recorder_server: --%s %s: not allowed\n", options[index].name, optarg);
        return false;
    }
    return optind == argc;
}

int main(int argc, char **argv)
{
    static struct server server = {
        .capacity = 2000000, .limit_ns = 300 * NS_PER_SECOND, .listen_fd = -1, .epoll_fd = -1};
    if (!parse(&server, argc, argv)) {
        fprintf(stderr, "usage: recorder_server [--stall AT:LENGTH]... [--service-time TIME] "
                        "[--capacity COUNT] [--limit TIME] [--record FILE]\n");
        return E_USAGE;
    }
    bool good = prepare(&server) && serve(&server);
    if (good && server.record_path != NULL)
        good = write_record(&server, server.record_path);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
