/* HTTP as bytes, for tests of what listens: right requests, and wrong ones. Everything has a deadline; what does not come fails
 * the test. */
#ifndef TESTS_SUPPORT_CHECK_HTTP_CLIENT_H
#define TESTS_SUPPORT_CHECK_HTTP_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_reply {
    int status; /* 0: the other side closed, and said nothing */
    char *head; /* with the status line */
    char *body; /* chunks joined; terminated */
    size_t body_bytes;
};

/* "http://127.0.0.1:8080/" as a program has told it; fails the test without one. */
uint16_t http_port_in(const char *text);
/* Connected, blocking, with time limits. */
int http_connect(uint16_t port);
void http_send(int fd, const void *bytes, size_t byte_count);
/* Whether the other side has closed, within its time. */
bool http_is_closed(int fd, int timeout_ms);
/* One answer, whole. */
void http_read(struct http_reply *reply, int fd);
/* GET path on a connection of its own; headers: whole lines with their ends, or "". */
void http_get(struct http_reply *reply, uint16_t port, const char *path, const char *headers);
void http_post(struct http_reply *reply, uint16_t port, const char *path, const char *headers,
               const char *body);
/* Bytes as they are on a connection of its own. */
void http_raw(struct http_reply *reply, uint16_t port, const void *bytes, size_t byte_count);
/* GET, 200, and JSON. */
json_t *http_get_json(uint16_t port, const char *path);
void http_reply_free(struct http_reply *reply);

#endif
