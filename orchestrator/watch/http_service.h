/* What all endpoints have in common: a listener on the session's loop, by libevent's evhttp, with the limits and checks that it
 * has not. Only connections of volley's own listener get in, HTTP_CONNECTIONS_MAX at once; a request's Host has to be this
 * host; where there is a token, nothing but the page's frame and the login is served without it. Nothing here reads a file for
 * a request. Orchestrator only; workers close what they inherit. */
#ifndef ORCHESTRATOR_WATCH_HTTP_SERVICE_H
#define ORCHESTRATOR_WATCH_HTTP_SERVICE_H

#include <event2/event.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

#define HTTP_CONNECTIONS_MAX 100u
#define HTTP_HEADERS_MAX_BYTES 8192u
#define HTTP_BODY_MAX_BYTES 8192u
#define HTTP_IDLE_SECONDS 20          /* of a connection that neither sends nor reads       */
#define HTTP_REQUEST_SECONDS 30       /* from its begin, or the answer before, to a request */
#define HTTP_UNREAD_MAX_BYTES 262144u /* no more is queued for somebody who does not read  */

struct http_service; /* owns the listener, its connections, the token */

/* A path, whole; evhttp's commands that it takes (EVHTTP_REQ_GET: HEAD, too). */
struct http_route {
    const char *path;
    unsigned methods;
    bool open; /* also without the token */
    /* Answers, now or later: by http_answer and its like, or by evhttp's own functions. */
    void (*answer)(void *state, struct evhttp_request *request);
};

struct http_setup {
    const char *listen;     /* "PORT" or "ADDRESS:PORT" */
    const char *token_path; /* NULL: none */
    const struct http_route *routes;
    size_t route_count;
    void *state;                            /* of all routes */
    unsigned idle_seconds, request_seconds; /* other limits than HTTP_..._SECONDS; 0: those */
};

/* Listens. E_USAGE: the address is none, or in use, or not of this host; it is not local and there is no token; the token's file
 * cannot be read, holds none, or others can read it. The base outlives it. */
MUST_USE enum err_code http_service_open(struct http_service **service, struct event_base *base,
                                         const struct http_setup *setup, struct err *err);
/* What can be written at once is written; then all connections end. NULL is fine. */
void http_service_close(struct http_service *service);
/* "http://127.0.0.1:8080/" */
const char *http_service_url(const struct http_service *service);
/* Of those that are open now. */
unsigned http_service_connections(const struct http_service *service);
/* Whether a token is asked for. */
bool http_service_guarded(const struct http_service *service);
/* The route of the login: {"token": TEXT} sets the cookie; where no token is asked for, any is right. */
void http_service_login(struct http_service *service, struct evhttp_request *request);

/* A whole answer. type: "text/html; charset=utf-8". body is copied. */
void http_answer(struct evhttp_request *request, int status, const char *type, const void *body,
                 size_t body_bytes);
/* {"error": TEXT} */
void http_refuse(struct evhttp_request *request, int status, const char *error);
/* The headers that every answer has. http_answer adds them by itself. */
void http_put_headers(struct evhttp_request *request, const char *type);
/* Its answer goes on for as long as the connection does: it has no deadline, as long as it reads. */
void http_service_stream(struct http_service *service, struct evhttp_request *request);
/* Bytes that the other side has not read yet. */
size_t http_unread_bytes(struct evhttp_request *request);

#endif
