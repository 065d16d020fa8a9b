#include "orchestrator/watch/http_service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/watch/http_address.h"

#define BACKLOG 64
#define SWEEP_SECONDS 1
#define COOKIE "volley_token_%u" /* of the port: browsers send cookies to all ports of a host */
/* A page of ours, and nothing else: no script of others, no frame around it, no address but its own. */
#define CONTENT_POLICY                                                                             \
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; "           \
    "connect-src 'self'; img-src data: blob:; base-uri 'none'; form-action 'none'; "               \
    "frame-ancestors 'none'"

/* evhttp neither counts its connections nor tells when one ends: they are found among the loop's events, by their fd. */
struct connection {
    int fd;
    uint16_t peer_port; /* another peer's: the fd is another connection's now */
    bool streaming, seen;
    uint64_t since_ns; /* it began, or was answered last */
};

struct http_service {
    struct event_base *base;
    struct evhttp *http;
    struct evconnlistener *listener; /* evhttp's */
    struct event *sweeper;
    struct http_setup setup;
    struct http_address address;
    char token[HTTP_TOKEN_MOST_BYTES + 1]; /* "": none */
    char url[96], machine[256], cookie[32];
    struct connection connections[HTTP_CONNECTIONS_MAX + 1];
    unsigned count; /* at the last look, and those that came since */
    bool full_told, refused_told;
    struct http_service *next; /* of all that are open */
};

static struct http_service *services;

/* ---- connections ---- */

static uint16_t port_of(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    return address->ss_family == AF_INET ? ntohs(((const struct sockaddr_in *)address)->sin_port)
                                         : 0;
}

/* Whether it is one of ours: what was accepted has our port as its own, and a peer. */
static bool is_ours(const struct http_service *service, int fd, uint16_t *peer_port)
{
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC}, peer = own;
    socklen_t own_bytes = sizeof own, peer_bytes = sizeof peer;
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&own, &own_bytes) != 0 ||
        port_of(&own) != service->address.port ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_bytes) != 0)
        return false;
    *peer_port = port_of(&peer);
    return true;
}

static struct connection *connection_at(struct http_service *service, int fd, uint16_t peer_port)
{
    struct connection *free_place = NULL;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX + 1; i++) {
        struct connection *connection = &service->connections[i];
        if (connection->peer_port == 0)
            free_place = connection;
        else if (connection->fd == fd) {
            if (connection->peer_port == peer_port)
                return connection;
            free_place = connection;
            break;
        }
    }
    if (free_place != NULL)
        *free_place =
            (struct connection){.fd = fd, .peer_port = peer_port, .since_ns = clock_now_ns()};
    return free_place;
}

static int look_at(const struct event_base *base, const struct event *event, void *argument)
{
    struct http_service *service = argument;
    uint16_t peer_port = 0;
    (void)base;
    const int fd = (int)event_get_fd(event);
    if (!is_ours(service, fd, &peer_port))
        return 0;
    struct connection *connection = connection_at(service, fd, peer_port);
    if (connection != NULL)
        connection->seen = true;
    return 0;
}

/* Counts those that are there, forgets those that have gone, and ends those that have sent no request for too long: what one
 * byte now and then keeps alive for evhttp is none for us. */
static void sweep(struct http_service *service)
{
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX + 1; i++)
        service->connections[i].seen = false;
    event_base_foreach_event(service->base, look_at, service);
    const uint64_t now_ns = clock_now_ns(); /* no earlier than those that were just found */
    service->count = 0;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX + 1; i++) {
        struct connection *connection = &service->connections[i];
        if (!connection->seen) {
            connection->peer_port = 0;
            continue;
        }
        service->count++;
        if (!connection->streaming &&
            now_ns - connection->since_ns > service->setup.request_seconds * NS_PER_SECOND)
            shutdown(connection->fd, SHUT_RDWR); /* evhttp hears of it, and frees it */
    }
    if (service->count < HTTP_CONNECTIONS_MAX)
        evconnlistener_enable(service->listener);
}

static void on_sweep(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    sweep(argument);
}

/* evhttp asks for a bufferevent for each connection that it has accepted; its own one is right. */
static struct bufferevent *on_connection(struct event_base *base, void *argument)
{
    struct http_service *service = argument;
    (void)base;
    if (++service->count < HTTP_CONNECTIONS_MAX)
        return NULL;
    sweep(service);
    if (++service->count < HTTP_CONNECTIONS_MAX) /* this one has no event yet */
        return NULL;
    evconnlistener_disable(service->listener);
    if (!service->full_told)
        log_line(LOG_WARNING, "%s: %u connections are open, the most there can be; others wait",
                 service->url, HTTP_CONNECTIONS_MAX);
    service->full_told = true;
    return NULL;
}

/* Out of descriptors: who waits to be accepted would wake the loop again and again. The next look lets them in. */
static void on_no_connection(struct evconnlistener *listener, void *evhttp)
{
    const int code = errno;
    struct http_service *service = services;
    (void)evhttp; /* a listener has one argument for all, which is evhttp's */
    evconnlistener_disable(listener);
    while (service != NULL && service->listener != listener)
        service = service->next;
    if (service == NULL)
        return;
    if (!service->refused_told)
        log_line(LOG_WARNING, "%s: no further connection can be taken: %s; others wait",
                 service->url, strerror(code));
    service->refused_told = true;
}

static struct connection *connection_of(struct http_service *service,
                                        struct evhttp_request *request)
{
    struct evhttp_connection *from = evhttp_request_get_connection(request);
    uint16_t peer_port = 0;
    const int fd =
        from != NULL ? (int)bufferevent_getfd(evhttp_connection_get_bufferevent(from)) : -1;
    return is_ours(service, fd, &peer_port) ? connection_at(service, fd, peer_port) : NULL;
}

void http_service_stream(struct http_service *service, struct evhttp_request *request)
{
    struct connection *connection = connection_of(service, request);
    if (connection != NULL)
        connection->streaming = true;
}

unsigned http_service_connections(const struct http_service *service)
{
    return service->count;
}

/* ---- answers ---- */

void http_put_headers(struct evhttp_request *request, const char *type)
{
    static const char *const fixed[][2] = {{"Cache-Control", "no-store"},
                                           {"X-Content-Type-Options", "nosniff"},
                                           {"Referrer-Policy", "no-referrer"},
                                           {"Cross-Origin-Resource-Policy", "same-origin"},
                                           {"Content-Security-Policy", CONTENT_POLICY}};
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Content-Type", type);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        evhttp_add_header(headers, fixed[i][0], fixed[i][1]);
}

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {409, "Conflict"},
                   {415, "Unsupported Media Type"},
                   {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Error";
}

/* evhttp reads while it writes, to hear that a peer has gone, and takes one that has no more to ask for one of these: it would
 * get what fits into one write. Without reading, a peer that is gone is heard of by writing, and one that does not read by the
 * limit for that. evhttp reads again when the answer is written. */
static void send_all(struct evhttp_request *request, int status, struct evbuffer *body)
{
    struct evhttp_connection *to = evhttp_request_get_connection(request);
    evhttp_send_reply(request, status, reason_of(status), body); /* which frees no connection */
    if (to != NULL)
        bufferevent_disable(evhttp_connection_get_bufferevent(to), EV_READ);
}

void http_answer(struct evhttp_request *request, int status, const char *type, const void *body,
                 size_t body_bytes)
{
    struct evbuffer *buffer = evbuffer_new();
    char length[32];
    http_put_headers(request, type);
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
        snprintf(length, sizeof length, "%zu", body_bytes);
        evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", length);
    } else if (buffer != NULL) {
        evbuffer_add(buffer, body, body_bytes);
    }
    send_all(request, status, buffer);
    if (buffer != NULL)
        evbuffer_free(buffer);
}

void http_refuse(struct evhttp_request *request, int status, const char *error)
{
    json_t *object = json_pack("{s:s}", "error", error);
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    http_answer(request, status, "application/json", text != NULL ? text : "{}",
                text != NULL ? strlen(text) : 2);
    free(text);
}

size_t http_unread_bytes(struct evhttp_request *request)
{
    struct evhttp_connection *from = evhttp_request_get_connection(request);
    return from == NULL ? 0
                        : evbuffer_get_length(
                              bufferevent_get_output(evhttp_connection_get_bufferevent(from)));
}

/* ---- who may ask ---- */

bool http_service_guarded(const struct http_service *service)
{
    return service->token[0] != '\0';
}

static bool has_token(const struct http_service *service, struct evhttp_request *request)
{
    static const char bearer[] = "Bearer ";
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *header = evhttp_find_header(headers, "Authorization");
    const char *value;
    size_t bytes;
    if (header != NULL && strncasecmp(header, bearer, sizeof bearer - 1) == 0) {
        value = header + sizeof bearer - 1;
        return http_token_equal(service->token, value, strlen(value));
    }
    return http_cookie_find(&value, &bytes, evhttp_find_header(headers, "Cookie"),
                            service->cookie) &&
           http_token_equal(service->token, value, bytes);
}

/* A page of another origin cannot write a body of this type here without asking first, and nobody answers that. */
static bool is_own_body(struct evhttp_request *request)
{
    static const char json[] = "application/json";
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *type = evhttp_find_header(headers, "Content-Type");
    const char *origin = evhttp_find_header(headers, "Origin");
    const char *host = evhttp_find_header(headers, "Host");
    if (origin != NULL &&
        (strncmp(origin, "http://", 7) != 0 || host == NULL || strcasecmp(origin + 7, host) != 0))
        return false;
    return type != NULL && strncasecmp(type, json, sizeof json - 1) == 0 &&
           strchr("; ", type[sizeof json - 1]) != NULL;
}

void http_service_login(struct http_service *service, struct evhttp_request *request)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    const size_t bytes = evbuffer_get_length(input);
    json_t *body = json_loadb((const char *)evbuffer_pullup(input, -1), bytes, 0, NULL);
    const char *given = json_string_value(json_object_get(body, "token"));
    if (!http_service_guarded(service)) {
        http_answer(request, 200, "application/json", "{}", 2);
    } else if (given == NULL || !http_token_equal(service->token, given, strlen(given))) {
        http_refuse(request, 401, "this is not the token that --listen-token names");
    } else {
        char cookie[HTTP_TOKEN_MOST_BYTES + 100];
        snprintf(cookie, sizeof cookie, "%s=%s; HttpOnly; SameSite=Strict; Path=/", service->cookie,
                 service->token);
        evhttp_add_header(evhttp_request_get_output_headers(request), "Set-Cookie", cookie);
        http_answer(request, 200, "application/json", "{}", 2);
        explicit_bzero(cookie, sizeof cookie);
    }
    json_decref(body);
}

/* ---- requests ---- */

static const struct http_route *route_of(const struct http_service *service, const char *path)
{
    for (size_t i = 0; i < service->setup.route_count; i++)
        if (strcmp(service->setup.routes[i].path, path) == 0)
            return &service->setup.routes[i];
    return NULL;
}

static void on_request(struct evhttp_request *request, void *argument)
{
    struct http_service *service = argument;
    struct connection *connection = connection_of(service, request);
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    const struct http_route *route = path != NULL ? route_of(service, path) : NULL;
    unsigned method = evhttp_request_get_command(request);
    if (connection != NULL)
        connection->since_ns = clock_now_ns();
    if (method == EVHTTP_REQ_HEAD)
        method = EVHTTP_REQ_GET;
    if (!http_host_known(evhttp_find_header(evhttp_request_get_input_headers(request), "Host"),
                         service->machine))
        http_refuse(request, 403,
                    "the host that this request names is not this one: ask by its address");
    else if (http_service_guarded(service) && (route == NULL || !route->open) &&
             !has_token(service, request))
        http_refuse(request, 401,
                    "the token is missing, or is not the one that --listen-token names");
    else if (route == NULL)
        http_refuse(request, 404, "there is nothing here; / is the live page");
    else if ((route->methods & method) == 0)
        http_refuse(request, 405, "this takes another method");
    else if (method == EVHTTP_REQ_POST && !is_own_body(request))
        http_refuse(request, 415, "the body has to be application/json, of this page's own origin");
    else
        route->answer(service->setup.state, request);
}

/* ---- life ---- */

static int bind_at(struct http_address *address)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
    const bool is_four = inet_pton(AF_INET, address->host, &four.sin_addr) == 1;
    if (!is_four && inet_pton(AF_INET6, address->host, &six.sin6_addr) != 1)
        return -1;
    const int fd =
        socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};
    socklen_t bound_bytes = sizeof bound;
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const struct sockaddr *at =
        is_four ? (const struct sockaddr *)&four : (const struct sockaddr *)&six;
    if (bind(fd, at, is_four ? sizeof four : sizeof six) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &bound_bytes) != 0) {
        const int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    address->port = port_of(&bound);
    return fd;
}

static enum err_code listen_there(struct http_service *service, struct err *err)
{
    const int fd = bind_at(&service->address);
    if (fd < 0)
        return err_set_errno(err, E_USAGE, errno, "--listen %.80s: cannot listen there",
                             PRINTABLE(service->setup.listen));
    struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(service->http, fd);
    if (bound == NULL) {
        close(fd);
        return err_set(err, E_SYSTEM, "no memory for what listens");
    }
    service->listener = evhttp_bound_socket_get_listener(bound);
    service->next = services;
    services = service;
    evconnlistener_set_error_cb(service->listener, on_no_connection);
    const bool six = strchr(service->address.host, ':') != NULL;
    snprintf(service->url, sizeof service->url, "http://%s%s%s:%u/", six ? "[" : "",
             service->address.host, six ? "]" : "", service->address.port);
    snprintf(service->cookie, sizeof service->cookie, COOKIE, service->address.port);
    return OK;
}

static enum err_code make_http(struct http_service *service, struct err *err)
{
    const struct timeval every = {.tv_sec = SWEEP_SECONDS};
    service->http = evhttp_new(service->base);
    service->sweeper = event_new(service->base, -1, EV_PERSIST, on_sweep, service);
    if (service->http == NULL || service->sweeper == NULL ||
        event_add(service->sweeper, &every) != 0)
        return err_set(err, E_SYSTEM, "no memory for what listens");
    evhttp_set_max_headers_size(service->http, HTTP_HEADERS_MAX_BYTES);
    evhttp_set_max_body_size(service->http, HTTP_BODY_MAX_BYTES);
    evhttp_set_timeout(service->http, (int)service->setup.idle_seconds);
    evhttp_set_allowed_methods(service->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
    evhttp_set_bevcb(service->http, on_connection, service);
    evhttp_set_gencb(service->http, on_request, service);
    return OK;
}

enum err_code http_service_open(struct http_service **opened, struct event_base *base,
                                const struct http_setup *setup, struct err *err)
{
    struct http_service *service = calloc(1, sizeof *service);
    *opened = service;
    if (service == NULL)
        return err_set(err, E_SYSTEM, "no memory for what listens");
    service->base = base;
    service->setup = *setup;
    if (setup->idle_seconds == 0)
        service->setup.idle_seconds = HTTP_IDLE_SECONDS;
    if (setup->request_seconds == 0)
        service->setup.request_seconds = HTTP_REQUEST_SECONDS;
    (void)gethostname(service->machine, sizeof service->machine - 1);
    enum err_code code = http_address_parse(&service->address, setup->listen, err);
    if (code == OK && setup->token_path != NULL)
        code = http_token_read(service->token, setup->token_path, err);
    if (code == OK && !service->address.local && setup->token_path == NULL)
        code = err_set(err, E_USAGE,
                       "--listen %.80s: whoever can reach that address could look on; give "
                       "--listen-token FILE, or listen on this host alone",
                       PRINTABLE(setup->listen));
    if (code == OK)
        code = make_http(service, err);
    if (code == OK)
        code = listen_there(service, err);
    if (code == OK)
        return OK;
    http_service_close(service);
    *opened = NULL;
    return code;
}

const char *http_service_url(const struct http_service *service)
{
    return service->url;
}

void http_service_close(struct http_service *service)
{
    if (service == NULL)
        return;
    for (struct http_service **at = &services; *at != NULL; at = &(*at)->next)
        if (*at == service) {
            *at = service->next;
            break;
        }
    if (service->listener != NULL) {
        evconnlistener_disable(service->listener);
        event_base_loop(service->base, EVLOOP_NONBLOCK);
    }
    if (service->http != NULL)
        evhttp_free(service->http);
    if (service->sweeper != NULL)
        event_free(service->sweeper);
    explicit_bzero(service->token, sizeof service->token);
    free(service);
}
