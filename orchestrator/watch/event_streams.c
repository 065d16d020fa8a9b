#include "orchestrator/watch/event_streams.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/watch/http_answers.h"
#include "orchestrator/watch/live_ring.h"

#define DUMP_FLAGS (HTTP_JSON_FLAGS | JSON_ENCODE_ANY)
#define SESSION_BYTES 24u
#define EVENTS_MAX_BYTES (4u << 20) /* memory for those who come back, taken at the beginning */

struct reader {
    struct evhttp_request *request; /* NULL: the place is free */
    struct event_streams *streams;
    uint64_t next; /* the first event that it has not got */
};

struct event_streams {
    struct live_ring events;
    struct reader readers[HTTP_CONNECTIONS_MAX];
    char session[SESSION_BYTES];
};

/* ---- sending ---- */

static void catch_up(struct reader *reader);

/* All that was queued has been read: there is room for what was told meanwhile. */
static void on_read(struct evhttp_connection *connection, void *argument)
{
    struct reader *reader = argument;
    (void)connection;
    if (reader->request != NULL)
        catch_up(reader);
}

static void send_text(struct reader *reader, const char *text)
{
    struct evbuffer *buffer = evbuffer_new();
    if (buffer == NULL)
        return;
    evbuffer_add(buffer, text, strlen(text));
    evhttp_send_reply_chunk_with_cb(reader->request, buffer, on_read, reader);
    evbuffer_free(buffer);
}

static bool has_room(const struct reader *reader)
{
    return reader->request != NULL && http_unread_bytes(reader->request) < HTTP_UNREAD_MAX_BYTES;
}

/* As many events as there is room for. */
static void catch_up(struct reader *reader)
{
    const struct live_ring *events = &reader->streams->events;
    if (reader->next < events->first && has_room(reader)) {
        char text[160];
        snprintf(text, sizeof text,
                 "event: gap\ndata: {\"from\":%" PRIu64 ",\"first\":%" PRIu64 "}\n\n", reader->next,
                 events->first);
        send_text(reader, text);
        reader->next = events->first;
    }
    while (reader->next < events->next && has_room(reader)) {
        const char *text = live_ring_at(events, reader->next++);
        if (text != NULL)
            send_text(reader, text);
    }
}

/* The caller frees; NULL: no memory. */
static char *event_text(const char *id, const char *name, const char *data)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return NULL;
    fprintf(out, "%sevent: %s\ndata: %s\n\n", id, name, data);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

void event_streams_tell_text(struct event_streams *streams, const char *name, const char *data)
{
    char id[SESSION_BYTES + 32];
    snprintf(id, sizeof id, "id: %s-%" PRIu64 "\n", streams->session, streams->events.next);
    char *text = event_text(id, name, data);
    live_ring_add(&streams->events, text);
    free(text);
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        if (streams->readers[i].request != NULL)
            catch_up(&streams->readers[i]);
}

void event_streams_tell(struct event_streams *streams, const char *name, json_t *data)
{
    char *text = data != NULL ? json_dumps(data, DUMP_FLAGS) : NULL;
    event_streams_tell_text(streams, name, text != NULL ? text : "{}");
    free(text);
    json_decref(data);
}

/* Lets go of the data. The caller frees; NULL: no memory, or no data. */
static char *passing_text(const char *name, json_t *data)
{
    char *told = data != NULL ? json_dumps(data, DUMP_FLAGS) : NULL;
    char *text = told != NULL ? event_text("", name, told) : NULL;
    json_decref(data);
    free(told);
    return text;
}

void event_streams_tell_now(struct event_streams *streams, const char *name, json_t *data)
{
    char *text = passing_text(name, data);
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX && text != NULL; i++)
        if (has_room(&streams->readers[i]) && streams->readers[i].next >= streams->events.next)
            send_text(&streams->readers[i], text);
    free(text);
}

/* ---- coming and going ---- */

/* A request whose answer goes on is taken from a connection that ends, and is its answerer's to end: which frees it. */
static void on_reader_gone(struct evhttp_connection *connection, void *argument)
{
    struct reader *reader = argument;
    struct evhttp_request *request = reader->request;
    (void)connection;
    reader->request = NULL;
    if (request != NULL && evhttp_request_get_connection(request) == NULL)
        evhttp_send_reply_end(request);
}

/* "SESSION-12" of the event that came last, or from=12: *named. What is of another session begins anew: UINT64_MAX. */
static uint64_t first_event(const struct event_streams *streams, struct evhttp_request *request,
                            bool *named)
{
    const char *last =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Last-Event-ID");
    const size_t bytes = strlen(streams->session);
    *named = true;
    if (last != NULL) {
        if (strncmp(last, streams->session, bytes) != 0 || last[bytes] != '-')
            return UINT64_MAX;
        const uint64_t number = http_number(last + bytes + 1);
        return number == UINT64_MAX ? number : number + 1;
    }
    const uint64_t unnamed = UINT64_MAX - 1, from = http_query_number(request, "from", unnamed);
    *named = from != unnamed;
    return *named ? from : streams->events.next;
}

static void begin(struct reader *reader, const char *state)
{
    char other[SESSION_BYTES + 60];
    send_text(reader, "retry: 1000\n\n");
    if (reader->next > reader->streams->events.next) {
        snprintf(other, sizeof other, "event: other\ndata: {\"session\":\"%s\"}\n\n",
                 reader->streams->session);
        send_text(reader, other);
        reader->next = reader->streams->events.next;
    }
    if (state != NULL)
        send_text(reader, state);
    catch_up(reader);
}

void event_streams_answer(struct event_streams *streams, struct http_service *service,
                          struct evhttp_request *request, json_t *state)
{
    char *text = passing_text("state", state);
    struct reader *reader = NULL;
    bool named = false;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX && reader == NULL; i++)
        if (streams->readers[i].request == NULL)
            reader = &streams->readers[i];
    if (reader == NULL || evhttp_request_get_command(request) != EVHTTP_REQ_GET)
        http_refuse(request, reader == NULL ? 503 : 405, "no more viewers, or no GET");
    else {
        *reader = (struct reader){
            .request = request, .streams = streams, .next = first_event(streams, request, &named)};
        http_put_headers(request, "text/event-stream");
        http_service_stream(service, request);
        evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_reader_gone,
                                      reader);
        evhttp_send_reply_start(request, 200, "OK");
        begin(reader, named ? NULL : text);
    }
    free(text);
}

/* ---- life ---- */

struct event_streams *event_streams_create(void)
{
    struct event_streams *streams = calloc(1, sizeof *streams);
    struct err err = {.code = OK};
    if (streams == NULL)
        return NULL;
    snprintf(streams->session, sizeof streams->session, "%" PRIx64, clock_wall_ns());
    if (live_ring_init(&streams->events, EVENTS_MAX_BYTES, &err) == OK)
        return streams;
    event_streams_close(streams);
    return NULL;
}

void event_streams_close(struct event_streams *streams)
{
    if (streams == NULL)
        return;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        struct evhttp_request *request = streams->readers[i].request;
        streams->readers[i].request = NULL;
        if (request == NULL)
            continue;
        evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
        evhttp_send_reply_end(request);
    }
    live_ring_free(&streams->events);
    free(streams);
}

const char *event_streams_session(const struct event_streams *streams)
{
    return streams->session;
}

uint64_t event_streams_next(const struct event_streams *streams)
{
    return streams->events.next;
}

bool event_streams_watched(const struct event_streams *streams)
{
    bool watched = false;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX && !watched; i++)
        watched = streams->readers[i].request != NULL;
    return watched;
}

bool event_streams_unread(const struct event_streams *streams)
{
    bool unread = false;
    for (size_t i = 0; i < HTTP_CONNECTIONS_MAX && !unread; i++)
        unread = streams->readers[i].request != NULL &&
                 http_unread_bytes(streams->readers[i].request) > 0;
    return unread;
}
