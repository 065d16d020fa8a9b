#include "tests/support/check/fake_server.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/check/support.h"

#define READ_BYTES 65536
#define IN_FULL_BYTES (64u << 20) /* the longest command that is understood */
#define OUT_FULL_BYTES (1u << 20) /* with so much to send, no further command is looked at */
#define NAME_BYTES 32

/* What follows once everything queued is sent. */
enum ending { ENDING_NONE, ENDING_CLOSE, ENDING_RESET, ENDING_ENDLESS };

struct buffer {
    char *bytes;
    size_t begin, end, capacity;
};

struct connection {
    int fd;
    bool silent;
    enum ending ending;
    const char *more;             /* what an endless reply goes on with        */
    uint64_t hold_until_ms;       /* no command is looked at before            */
    const struct fake_rule *held; /* the rule that waits for it                */
    char held_name[NAME_BYTES];
    unsigned byte_delay_ms; /* what is queued goes out byte by byte      */
    uint64_t next_byte_ms;
    uint64_t received_bytes;
    struct buffer in, out;
    unsigned matches[FAKE_RULES_MAX];
};

/* Of the child alone. */
struct fake {
    const struct fake_script *script;
    struct fake_counters *counters;
    int listener;
    unsigned matches[FAKE_RULES_MAX];
    struct connection *connections[FAKE_CONNECTIONS_MAX];
    size_t connection_count;
};

static void buffer_add(struct buffer *buffer, const char *bytes, size_t byte_count)
{
    if (buffer->begin == buffer->end)
        buffer->begin = buffer->end = 0;
    if (buffer->begin > 0 && buffer->end + byte_count > buffer->capacity) {
        memmove(buffer->bytes, buffer->bytes + buffer->begin, buffer->end - buffer->begin);
        buffer->end -= buffer->begin;
        buffer->begin = 0;
    }
    if (buffer->end + byte_count > buffer->capacity) {
        buffer->capacity = (buffer->end + byte_count) * 2;
        buffer->bytes = realloc(buffer->bytes, buffer->capacity);
        if (buffer->bytes == NULL)
            _exit(1);
    }
    memcpy(buffer->bytes + buffer->end, bytes, byte_count);
    buffer->end += byte_count;
}

static size_t buffer_fill(const struct buffer *buffer)
{
    return buffer->end - buffer->begin;
}

static void say(struct connection *connection, const char *text)
{
    buffer_add(&connection->out, text, strlen(text));
}

/* The friendly answer. */
static void answer(struct connection *connection, const char *name)
{
    static const char info[] = "redis_version:7.0.0\r\nredis_mode:standalone\r\nloading:0\r\n";
    static const struct {
        const char *name, *reply;
    } replies[] = {{"PING", "+PONG\r\n"},
                   {"GET", "$3\r\nabc\r\n"},
                   {"INCR", ":1\r\n"},
                   {"CONFIG", "*0\r\n"},
                   {"COMMAND", "*0\r\n"},
                   {"DBSIZE", ":0\r\n"},
                   {"HELLO", "-ERR unknown command 'HELLO'\r\n"},
                   {"CLUSTER", "-ERR This instance has cluster support disabled\r\n"}};
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        if (strcasecmp(name, replies[i].name) == 0) {
            say(connection, replies[i].reply);
            return;
        }
    }
    if (strcasecmp(name, "INFO") == 0) {
        char head[24];
        snprintf(head, sizeof head, "$%zu\r\n", sizeof info - 1);
        say(connection, head);
        say(connection, info);
        say(connection, "\r\n");
    } else if (strcmp(name, FAKE_ON_CONNECT) != 0) {
        say(connection, "+OK\r\n");
    }
}

static void close_listener(struct fake *fake)
{
    if (fake->listener >= 0)
        close(fake->listener);
    fake->listener = -1;
}

static void perform(struct fake *fake, struct connection *connection, const struct fake_rule *rule,
                    const char *name)
{
    const size_t byte_count = rule->byte_count > 0  ? rule->byte_count
                              : rule->bytes != NULL ? strlen(rule->bytes)
                                                    : 0;
    switch (rule->action) {
    case FAKE_CLOSE_LISTENER:
        close_listener(fake);
        answer(connection, name);
        return;
    case FAKE_DEFAULT:
        answer(connection, name);
        return;
    case FAKE_SILENT:
        connection->silent = true;
        return;
    case FAKE_ENDLESS_BULK:
        say(connection, "$4294967296\r\n");
        connection->ending = ENDING_ENDLESS;
        connection->more = "x";
        return;
    case FAKE_ENDLESS:
        connection->ending = ENDING_ENDLESS;
        connection->more = rule->more;
        break;
    case FAKE_REPLY_BYTEWISE:
        connection->byte_delay_ms = rule->delay_ms > 0 ? rule->delay_ms : 1;
        connection->next_byte_ms = support_now_ms() + connection->byte_delay_ms;
        break;
    case FAKE_CLOSE:
        connection->ending = ENDING_CLOSE;
        break;
    case FAKE_RESET:
        connection->ending = ENDING_RESET;
        break;
    case FAKE_REPLY:
        break;
    }
    if (byte_count > 0)
        buffer_add(&connection->out, rule->bytes, byte_count);
}

static const struct fake_rule *find_rule(struct fake *fake, struct connection *connection,
                                         const char *name)
{
    for (size_t i = 0; i < fake->script->rule_count; i++) {
        const struct fake_rule *rule = &fake->script->rules[i];
        const bool applies = rule->command == NULL ? strcmp(name, FAKE_ON_CONNECT) != 0
                                                   : strcasecmp(rule->command, name) == 0;
        if (!applies)
            continue;
        unsigned *matches = rule->per_connection ? &connection->matches[i] : &fake->matches[i];
        const unsigned match = (*matches)++;
        if (match >= rule->skip && (rule->times == 0 || match - rule->skip < rule->times))
            return rule;
    }
    return NULL;
}

static void react(struct fake *fake, struct connection *connection, const char *name)
{
    static const struct fake_rule friendly = {.action = FAKE_DEFAULT};
    const struct fake_rule *rule = find_rule(fake, connection, name);
    if (rule == NULL)
        rule = &friendly;
    if (rule->delay_ms > 0 && rule->action != FAKE_REPLY_BYTEWISE) {
        connection->held = rule;
        connection->hold_until_ms = support_now_ms() + rule->delay_ms;
        snprintf(connection->held_name, sizeof connection->held_name, "%s", name);
        return;
    }
    perform(fake, connection, rule, name);
}

/* ---- Commands in. ---- */

/* The number on the line at *at, behind its type byte. False: the line is not whole. */
static bool take_number(const struct buffer *in, size_t *at, char type, size_t *number)
{
    const char *line = in->bytes + *at;
    const char *feed = *at < in->end ? memchr(line, '\n', in->end - *at) : NULL;
    if (feed == NULL)
        return false;
    if (*line != type)
        _exit(3); /* the client speaks no RESP: the test sees broken connections */
    *number = (size_t)strtoull(line + 1, NULL, 10);
    *at += (size_t)(feed - line) + 1;
    return true;
}

/* Takes one whole command off the buffer and leaves its name. */
static bool take_command(struct buffer *in, char name[NAME_BYTES])
{
    if (buffer_fill(in) == 0)
        return false;
    size_t at = in->begin;
    if (in->bytes[at] != '*') {
        const char *line = in->bytes + at;
        const char *feed = memchr(line, '\n', buffer_fill(in));
        if (feed == NULL)
            return false;
        size_t name_bytes = 0; /* nothing ends the buffer with a zero: no strcspn here */
        while (line + name_bytes < feed && line[name_bytes] != ' ' && line[name_bytes] != '\r')
            name_bytes++;
        snprintf(name, NAME_BYTES, "%.*s", (int)name_bytes, line);
        in->begin += (size_t)(feed - line) + 1;
        return true;
    }
    size_t argc = 0;
    if (!take_number(in, &at, '*', &argc))
        return false;
    name[0] = '\0';
    for (size_t i = 0; i < argc; i++) {
        size_t arg_bytes = 0;
        if (!take_number(in, &at, '$', &arg_bytes) || at + arg_bytes + 2 > in->end)
            return false;
        if (i == 0)
            snprintf(name, NAME_BYTES, "%.*s", (int)arg_bytes, in->bytes + at);
        at += arg_bytes + 2;
    }
    in->begin = at;
    return true;
}

static bool may_look(const struct connection *connection)
{
    return connection->ending == ENDING_NONE && connection->held == NULL &&
           connection->byte_delay_ms == 0 && buffer_fill(&connection->out) < OUT_FULL_BYTES;
}

static void look(struct fake *fake, struct connection *connection)
{
    char name[NAME_BYTES];
    if (connection->held != NULL && support_now_ms() >= connection->hold_until_ms) {
        const struct fake_rule *rule = connection->held;
        connection->held = NULL;
        perform(fake, connection, rule, connection->held_name);
    }
    if (connection->silent)
        connection->in.begin = connection->in.end;
    while (may_look(connection) && take_command(&connection->in, name)) {
        fake->counters->commands++;
        if (!connection->silent)
            react(fake, connection, name);
    }
}

/* ---- Bytes in and out. ---- */

static void drop(struct fake *fake, size_t index, bool reset)
{
    struct connection *connection = fake->connections[index];
    if (reset) {
        const struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    } else {
        /* unread bytes would turn the close into a reset */
        char rest[4096];
        shutdown(connection->fd, SHUT_WR);
        for (int i = 0; i < 1000 && read(connection->fd, rest, sizeof rest) > 0; i++)
            continue;
    }
    close(connection->fd);
    free(connection->in.bytes);
    free(connection->out.bytes);
    free(connection);
    fake->connections[index] = fake->connections[--fake->connection_count];
    fake->counters->closed++;
}

/* False when the connection is over. */
static bool receive(struct fake *fake, struct connection *connection)
{
    static char bytes[READ_BYTES];
    const uint64_t limit = fake->script->close_at_bytes > 0 ? fake->script->close_at_bytes
                                                            : fake->script->reset_at_bytes;
    size_t room = sizeof bytes;
    if (limit > 0 && limit - connection->received_bytes < room)
        room = (size_t)(limit - connection->received_bytes);
    const ssize_t got = read(connection->fd, bytes, room);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0)
        return false;
    connection->received_bytes += (uint64_t)got;
    fake->counters->received_bytes += (uint64_t)got;
    buffer_add(&connection->in, bytes, (size_t)got);
    return true;
}

static bool send_queued(struct connection *connection)
{
    struct buffer *out = &connection->out;
    if (buffer_fill(out) == 0 && connection->ending == ENDING_ENDLESS)
        while (buffer_fill(out) < READ_BYTES)
            say(connection, connection->more);
    size_t byte_count = buffer_fill(out);
    if (connection->byte_delay_ms > 0) {
        if (support_now_ms() < connection->next_byte_ms)
            return true;
        connection->next_byte_ms = support_now_ms() + connection->byte_delay_ms;
        byte_count = byte_count > 0 ? 1 : 0;
    }
    if (byte_count > 0) {
        const ssize_t sent =
            send(connection->fd, out->bytes + out->begin, byte_count, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        out->begin += (size_t)sent;
    }
    if (buffer_fill(out) == 0)
        connection->byte_delay_ms = 0;
    return true;
}

static void serve(struct fake *fake, size_t index, short events)
{
    const struct fake_script *script = fake->script;
    struct connection *connection = fake->connections[index];
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive(fake, connection)) {
        drop(fake, index, false);
        return;
    }
    look(fake, connection);
    if (script->close_at_bytes > 0 && connection->received_bytes >= script->close_at_bytes)
        connection->ending = ENDING_CLOSE;
    else if (script->reset_at_bytes > 0 && connection->received_bytes >= script->reset_at_bytes)
        connection->ending = ENDING_RESET;
    if (!send_queued(connection)) {
        drop(fake, index, false);
        return;
    }
    look(fake, connection);
    const bool over = connection->ending == ENDING_CLOSE || connection->ending == ENDING_RESET;
    if (over && buffer_fill(&connection->out) == 0)
        drop(fake, index, connection->ending == ENDING_RESET);
}

static void accept_one(struct fake *fake)
{
    const int fd = accept4(fake->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        _exit(1);
    connection->fd = fd;
    fake->connections[fake->connection_count++] = connection;
    fake->counters->accepted++;
    react(fake, connection, FAKE_ON_CONNECT);
    if (fake->counters->accepted == fake->script->accept_max)
        close_listener(fake);
    serve(fake, fake->connection_count - 1, 0);
}

/* What to wait for on one connection, and at most how long. */
static short wanted_events(const struct connection *connection, int *timeout_ms)
{
    const uint64_t now_ms = support_now_ms();
    uint64_t wake_ms = UINT64_MAX;
    short events = 0;
    if (connection->ending == ENDING_NONE && buffer_fill(&connection->in) < IN_FULL_BYTES)
        events |= POLLIN;
    if (connection->held != NULL)
        wake_ms = connection->hold_until_ms;
    if (connection->byte_delay_ms > 0)
        wake_ms = connection->next_byte_ms;
    else if (buffer_fill(&connection->out) > 0 || connection->ending == ENDING_ENDLESS)
        events |= POLLOUT;
    if (wake_ms != UINT64_MAX) {
        const int wait_ms = wake_ms > now_ms ? (int)(wake_ms - now_ms) : 0;
        *timeout_ms = *timeout_ms < 0 || wait_ms < *timeout_ms ? wait_ms : *timeout_ms;
    }
    return events;
}

static void loop(struct fake *fake)
{
    static struct pollfd polled[FAKE_CONNECTIONS_MAX + 1];
    for (;;) {
        int timeout_ms = -1;
        const size_t count = fake->connection_count;
        for (size_t i = 0; i < count; i++) {
            polled[i].fd = fake->connections[i]->fd;
            polled[i].events = wanted_events(fake->connections[i], &timeout_ms);
        }
        const bool accepting = !fake->script->never_accept && count < FAKE_CONNECTIONS_MAX;
        polled[count].fd = accepting ? fake->listener : -1;
        polled[count].events = POLLIN;
        if (poll(polled, count + 1, timeout_ms) < 0 && errno != EINTR)
            _exit(1);
        for (size_t i = count; i-- > 0;) /* backwards: drop moves the last one here */
            serve(fake, i, polled[i].revents);
        if (accepting && (polled[count].revents & POLLIN) != 0)
            accept_one(fake);
    }
}

void fake_server_start(struct fake_server *server, const struct fake_script *script)
{
    static const struct fake_script friendly = {0};
    memset(server, 0, sizeof *server);
    ck_assert_uint_le(script == NULL ? 0 : script->rule_count, FAKE_RULES_MAX);
    server->counters = mmap(NULL, sizeof *server->counters, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(server->counters != MAP_FAILED);
    const int listener = support_listen(&server->port);
    ck_assert_int_ge(listener, 0);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    snprintf(server->port_text, sizeof server->port_text, "%u", (unsigned)server->port);
    server->pid = support_fork();
    if (server->pid == 0) {
        support_close_all_but(listener);
        static struct fake fake;
        fake.script = script != NULL ? script : &friendly;
        fake.counters = server->counters;
        fake.listener = listener;
        loop(&fake);
    }
    close(listener);
}

void fake_server_stop(struct fake_server *server)
{
    if (server->pid > 0)
        support_kill(server->pid);
    server->pid = 0;
}

void fake_server_free(struct fake_server *server)
{
    fake_server_stop(server);
    if (server->counters != NULL)
        munmap(server->counters, sizeof *server->counters);
    server->counters = NULL;
}

void fake_server_wait(const volatile uint64_t *counter, uint64_t at_least)
{
    const uint64_t end_ms = support_now_ms() + 10000;
    while (*counter < at_least) {
        ck_assert_msg(support_now_ms() < end_ms, "a counter of the fake server stays at %llu",
                      (unsigned long long)*counter);
        support_sleep_ms(1);
    }
}
