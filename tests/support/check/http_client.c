#include "tests/support/check/http_client.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 20000
#define ANSWER_MAX_BYTES (16u << 20)

uint16_t http_port_in(const char *text)
{
    const char *at = strstr(text, "http://");
    const char *colon = at != NULL ? strchr(at + 7, ':') : NULL;
    while (colon != NULL && strchr("0123456789", colon[1]) == NULL)
        colon = strchr(colon + 1, ':');
    if (colon == NULL)
        ck_abort_msg("no address in: %.1000s", text);
    return (uint16_t)strtoul(colon + 1, NULL, 10);
}

int http_connect(uint16_t port)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void http_send(int fd, const void *bytes, size_t byte_count)
{
    const char *at = bytes;
    while (byte_count > 0) {
        const ssize_t sent = send(fd, at, byte_count, MSG_NOSIGNAL);
        if (sent <= 0) /* who refuses a request may close before it is whole */
            return;
        at += sent;
        byte_count -= (size_t)sent;
    }
}

/* Bytes read; 0: closed. */
static size_t read_some(int fd, void *into, size_t room)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    if (poll(&readable, 1, DEADLINE_MS) != 1)
        ck_abort_msg("no answer in %d ms", DEADLINE_MS);
    const ssize_t got = recv(fd, into, room, 0);
    return got > 0 ? (size_t)got : 0;
}

bool http_is_closed(int fd, int timeout_ms)
{
    char byte;
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    return poll(&readable, 1, timeout_ms) == 1 && recv(fd, &byte, 1, MSG_PEEK) <= 0;
}

static const char *header_of(const char *head, const char *name)
{
    const size_t bytes = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, bytes) == 0 && line[2 + bytes] == ':')
            return line + 3 + bytes + strspn(line + 3 + bytes, " ");
    return NULL;
}

/* Joins chunks in place; false: the last one is not there yet. */
static bool join_chunks(const char *in, size_t in_bytes, struct http_reply *reply)
{
    size_t at = 0;
    reply->body_bytes = 0;
    for (;;) {
        const char *end = memchr(in + at, '\n', in_bytes - at);
        if (end == NULL)
            return false;
        const size_t chunk = strtoul(in + at, NULL, 16);
        at = (size_t)(end + 1 - in);
        if (chunk == 0)
            return true;
        if (in_bytes - at < chunk + 2)
            return false;
        reply->body = realloc(reply->body, reply->body_bytes + chunk + 1);
        ck_assert_ptr_nonnull(reply->body);
        memcpy(reply->body + reply->body_bytes, in + at, chunk);
        reply->body_bytes += chunk;
        reply->body[reply->body_bytes] = '\0';
        at += chunk + 2;
    }
}

static bool is_whole(struct http_reply *reply, const char *text, size_t bytes, bool closed)
{
    const char *end = bytes > 0 ? memmem(text, bytes, "\r\n\r\n", 4) : NULL;
    if (end == NULL)
        return closed;
    if (reply->head == NULL) {
        reply->head = strndup(text, (size_t)(end + 2 - text));
        ck_assert_int_eq(sscanf(reply->head, "HTTP/%*d.%*d %d", &reply->status), 1);
    }
    const size_t begin = (size_t)(end + 4 - text);
    const char *length = header_of(reply->head, "Content-Length");
    const char *coding = header_of(reply->head, "Transfer-Encoding");
    if (coding != NULL && strncasecmp(coding, "chunked", 7) == 0)
        return join_chunks(text + begin, bytes - begin, reply) || closed;
    const size_t wanted = length != NULL ? strtoul(length, NULL, 10) : SIZE_MAX;
    if (bytes - begin < wanted && !closed)
        return false;
    free(reply->body);
    reply->body_bytes = bytes - begin < wanted ? bytes - begin : wanted;
    reply->body = malloc(reply->body_bytes + 1);
    ck_assert_ptr_nonnull(reply->body);
    memcpy(reply->body, text + begin, reply->body_bytes);
    reply->body[reply->body_bytes] = '\0';
    return true;
}

void http_read(struct http_reply *reply, int fd)
{
    size_t bytes = 0, room = 1u << 16;
    char *text = malloc(ANSWER_MAX_BYTES); /* which costs nothing before it is touched */
    bool closed = false;
    *reply = (struct http_reply){.status = 0};
    while (!is_whole(reply, text, bytes, closed)) {
        if (bytes == room) {
            room *= 2;
            ck_assert_uint_le(room, ANSWER_MAX_BYTES);
        }
        ck_assert_ptr_nonnull(text);
        const size_t got = read_some(fd, text + bytes, room - bytes);
        closed = got == 0;
        bytes += got;
    }
    free(text);
}

void http_raw(struct http_reply *reply, uint16_t port, const void *bytes, size_t byte_count)
{
    const int fd = http_connect(port);
    http_send(fd, bytes, byte_count);
    http_read(reply, fd);
    close(fd);
}

void http_get(struct http_reply *reply, uint16_t port, const char *path, const char *headers)
{
    char request[2048];
    const bool named = strncasecmp(headers, "Host:", 5) == 0;
    const int bytes = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n%s%s\r\n", path,
                               named ? "" : "Host: 127.0.0.1\r\n", headers);
    http_raw(reply, port, request, (size_t)bytes);
}

void http_post(struct http_reply *reply, uint16_t port, const char *path, const char *headers,
               const char *body)
{
    char request[4096];
    const bool typed = strcasestr(headers, "Content-Type:") != NULL;
    const int bytes = snprintf(request, sizeof request,
                               "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%sContent-Length: "
                               "%zu\r\n\r\n%s",
                               path, typed ? "" : "Content-Type: application/json\r\n", headers,
                               strlen(body), body);
    http_raw(reply, port, request, (size_t)bytes);
}

json_t *http_get_json(uint16_t port, const char *path)
{
    struct http_reply reply;
    json_error_t error;
    http_get(&reply, port, path, "");
    ck_assert_msg(reply.status == 200, "%s: %d %.300s", path, reply.status, reply.body);
    json_t *json = json_loadb(reply.body, reply.body_bytes, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s: %.300s", path, error.text, reply.body);
    http_reply_free(&reply);
    return json;
}

void http_reply_free(struct http_reply *reply)
{
    free(reply->head);
    free(reply->body);
    *reply = (struct http_reply){.status = 0};
}
