#include "orchestrator/watch/scraper.h"

#include <arpa/inet.h>
#include <assert.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/server/resolve.h"

#define LIMIT_SECONDS 5

static_assert(SCRAPE_TOLD_BYTES <= NOTE_TEXT_BYTES, "a series has its whole name in a note");

/* An address that is asked. */
struct endpoint_asked {
    struct scraper *scraper;
    const struct scrape_address *address;
    struct evhttp_connection *connection;
    struct evhttp_request *request; /* that is under way; NULL: none is */
    struct event *limit;   /* of a whole answer: a time-out of the connection is of each read */
    bool silent;           /* that was said */
    uint32_t told_missing; /* series of it that are not there: a bit each; that was said */
};

struct scraper {
    struct scrape_list list;
    struct event_base *base;
    struct timeline *timeline;
    struct event *timer;
    struct endpoint_asked endpoints[SCRAPE_SERIES_MAX];
    uint64_t started_wall_ns; /* of the run under way; 0: none is */
};

static void miss(struct endpoint_asked *endpoint, const char *why)
{
    if (!endpoint->silent)
        log_line(LOG_WARNING, "--scrape: %s %s; it is asked again",
                 PRINTABLE(endpoint->address->text), why);
    endpoint->silent = true;
}

static void tell(struct scraper *scraper, const struct scrape_series *series, double value)
{
    const uint64_t now_ns = clock_wall_ns();
    struct note note = {.source = NOTE_SCRAPE, .ok = true};
    if (scraper->started_wall_ns == 0 || now_ns < scraper->started_wall_ns)
        return;
    note.at_ns = note.end_ns = now_ns - scraper->started_wall_ns;
    snprintf(note.text, sizeof note.text, "%s", series->told);
    note_set_number(&note, value);
    timeline_note(scraper->timeline, &note);
}

static void read_answer(struct endpoint_asked *endpoint, const char *text, size_t bytes)
{
    const struct scrape_list *list = &endpoint->scraper->list;
    for (uint32_t i = 0; i < list->series_count; i++) {
        double value;
        if (&list->addresses[list->series[i].address] != endpoint->address)
            continue;
        if (scrape_text_sum(&value, text, bytes, &list->series[i])) {
            tell(endpoint->scraper, &list->series[i], value);
        } else if ((endpoint->told_missing & 1u << i) == 0) {
            endpoint->told_missing |= 1u << i;
            log_line(LOG_WARNING, "--scrape: %s has no series %s",
                     PRINTABLE(endpoint->address->text), PRINTABLE(list->series[i].text));
        }
    }
}

static void on_answer(struct evhttp_request *request, void *argument)
{
    struct endpoint_asked *endpoint = argument;
    endpoint->request = NULL;
    (void)event_del(endpoint->limit);
    if (request == NULL || evhttp_request_get_response_code(request) == 0) {
        miss(endpoint, "does not answer");
        return;
    }
    if (evhttp_request_get_response_code(request) != 200) {
        char why[64];
        snprintf(why, sizeof why, "answers with status %d",
                 evhttp_request_get_response_code(request));
        miss(endpoint, why);
        return;
    }
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    const size_t bytes = evbuffer_get_length(body);
    const char *text = bytes > 0 ? (const char *)evbuffer_pullup(body, -1) : "";
    endpoint->silent = false;
    if (text != NULL)
        read_answer(endpoint, text, bytes);
}

static void on_limit(evutil_socket_t fd, short what, void *argument)
{
    struct endpoint_asked *endpoint = argument;
    (void)fd;
    (void)what;
    if (endpoint->request == NULL)
        return;
    evhttp_cancel_request(endpoint->request); /* on_answer is not called */
    endpoint->request = NULL;
    miss(endpoint, "has no whole answer within 5 s");
}

static void ask(struct endpoint_asked *endpoint)
{
    const struct timeval limit = {.tv_sec = LIMIT_SECONDS};
    char host[300];
    struct evhttp_request *request = evhttp_request_new(on_answer, endpoint);
    if (request == NULL)
        return;
    const bool six = strchr(endpoint->address->host, ':') != NULL;
    snprintf(host, sizeof host, "%s%s%s:%u", six ? "[" : "", endpoint->address->host,
             six ? "]" : "", endpoint->address->port);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Host", host);
    evhttp_add_header(headers, "Accept", "text/plain;version=0.0.4");
    endpoint->request = request; /* on_answer may be called at once */
    if (event_add(endpoint->limit, &limit) != 0 ||
        evhttp_make_request(endpoint->connection, request, EVHTTP_REQ_GET,
                            endpoint->address->path) != 0) {
        endpoint->request = NULL;
        (void)event_del(endpoint->limit);
        miss(endpoint, "cannot be asked");
    }
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct scraper *scraper = argument;
    (void)fd;
    (void)what;
    for (uint32_t i = 0; i < scraper->list.address_count; i++)
        if (scraper->started_wall_ns > 0 && scraper->endpoints[i].request == NULL)
            ask(&scraper->endpoints[i]);
}

/* ---- the run under way ---- */

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct scraper *scraper = state;
    (void)err;
    scraper->started_wall_ns = run->started_wall_ns;
    return OK;
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    struct scraper *scraper = state;
    (void)result;
    (void)err;
    scraper->started_wall_ns = 0;
    return OK;
}

struct sink scraper_sink(struct scraper *scraper)
{
    return (struct sink){
        .name = "scraper", .state = scraper, .run_begin = run_begin, .run_end = run_end};
}

/* ---- life ---- */

static enum err_code connect_to(struct endpoint_asked *endpoint, const volatile int *interrupted,
                                struct err *err)
{
    struct target_address found[RESOLVE_ADDRESSES_MAX];
    struct host_name name = {.port = endpoint->address->port};
    uint32_t count = 0;
    char text[INET6_ADDRSTRLEN] = "";
    snprintf(name.host, sizeof name.host, "%s", endpoint->address->host);
    if (resolve_host(found, &count, RESOLVE_ADDRESSES_MAX, &name, LIMIT_SECONDS * NS_PER_SECOND,
                     interrupted, err) != OK)
        return err->code;
    const struct sockaddr_storage *address = &found[0].address;
    const void *bytes = address->ss_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    if (inet_ntop(address->ss_family, bytes, text, sizeof text) == NULL)
        return err_set(err, E_CONNECT, "--scrape: %.200s has no address that can be used",
                       PRINTABLE(endpoint->address->text));
    endpoint->connection =
        evhttp_connection_base_new(endpoint->scraper->base, NULL, text, endpoint->address->port);
    endpoint->limit = evtimer_new(endpoint->scraper->base, on_limit, endpoint);
    if (endpoint->connection == NULL || endpoint->limit == NULL)
        return err_set(err, E_SYSTEM, "no memory for --scrape");
    evhttp_connection_set_timeout(endpoint->connection, LIMIT_SECONDS);
    evhttp_connection_set_max_body_size(endpoint->connection, SCRAPER_ANSWER_MAX_BYTES);
    evhttp_connection_set_max_headers_size(endpoint->connection, 16384);
    return OK;
}

enum err_code scraper_open(struct scraper **opened, struct event_base *base,
                           struct timeline *timeline, const char *text, uint64_t period_ns,
                           const volatile int *interrupted, struct err *err)
{
    struct scraper *scraper = calloc(1, sizeof *scraper);
    *opened = scraper;
    if (scraper == NULL)
        return err_set(err, E_SYSTEM, "no memory for --scrape");
    scraper->base = base;
    scraper->timeline = timeline;
    enum err_code code = scrape_list_parse(&scraper->list, text, err);
    for (uint32_t i = 0; i < scraper->list.address_count && code == OK; i++) {
        scraper->endpoints[i] =
            (struct endpoint_asked){.scraper = scraper, .address = &scraper->list.addresses[i]};
        code = connect_to(&scraper->endpoints[i], interrupted, err);
    }
    const struct timeval period = {.tv_sec = (time_t)(period_ns / NS_PER_SECOND),
                                   .tv_usec = (suseconds_t)(period_ns % NS_PER_SECOND / NS_PER_US)};
    if (code == OK) {
        scraper->timer = event_new(base, -1, EV_PERSIST, on_timer, scraper);
        if (scraper->timer == NULL || event_add(scraper->timer, &period) != 0)
            code = err_set(err, E_SYSTEM, "no memory for --scrape");
    }
    if (code != OK) {
        scraper_close(scraper);
        *opened = NULL;
    }
    return code;
}

void scraper_close(struct scraper *scraper)
{
    if (scraper == NULL)
        return;
    if (scraper->timer != NULL)
        event_free(scraper->timer);
    for (uint32_t i = 0; i < SCRAPE_SERIES_MAX; i++) {
        if (scraper->endpoints[i].limit != NULL)
            event_free(scraper->endpoints[i].limit);
        if (scraper->endpoints[i].connection != NULL)
            evhttp_connection_free(scraper->endpoints[i].connection);
    }
    free(scraper);
}
