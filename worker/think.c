#include "worker/think.h"

#include "worker/stream.h"

bool think_is_wanted(const struct stream *stream)
{
    const struct generation *generation = &stream->generation;
    return !stream->open_loop &&
           (stream->spec->load.think_ns > 0 ||
            (generation->kind->delays != NULL && generation->kind->delays(generation->state)));
}

enum err_code think_create(struct stream *stream, event_callback_fn callback, struct err *err)
{
    struct think *think = &stream->think;
    TAILQ_INIT(&think->connections);
    think->time_ns = stream->open_loop ? 0 : stream->spec->load.think_ns;
    think->waits = think_is_wanted(stream);
    if (!think->waits)
        return OK;
    if (!deadline_heap_create(&think->earlier, stream->share->connections))
        return err_set(err, E_SYSTEM, "worker %u: no memory for connections that wait",
                       stream->share->index);
    think->timer = event_new(stream->worker->base, -1, 0, callback, stream);
    return think->timer != NULL
               ? OK
               : err_set(err, E_SYSTEM, "worker %u: no memory for a timer", stream->share->index);
}

void think_destroy(struct think *think)
{
    if (think->timer != NULL)
        event_free(think->timer);
    think->timer = NULL;
    deadline_heap_destroy(&think->earlier);
}

/* The one that ends first; NULL: nobody thinks. */
static struct connection *first_of(struct stream *stream)
{
    struct connection *listed = TAILQ_FIRST(&stream->think.connections);
    const struct deadline *earlier = deadline_heap_first(&stream->think.earlier);
    if (earlier == NULL || (listed != NULL && listed->thinks_until_ns <= earlier->at_ns))
        return listed;
    return &stream->connections[earlier->owner];
}

static void arm(struct think *think, const struct connection *first, uint64_t now_ns)
{
    const uint64_t left_ns = first->thinks_until_ns > now_ns ? first->thinks_until_ns - now_ns : 0;
    const struct timeval delay = {.tv_sec = (time_t)(left_ns / NS_PER_SECOND),
                                  .tv_usec = (suseconds_t)(left_ns % NS_PER_SECOND / NS_PER_US)};
    event_add(think->timer, &delay);
}

static uint32_t place_of(const struct connection *connection)
{
    return (uint32_t)(connection - connection->stream->connections);
}

static void insert(struct think *think, struct connection *connection)
{
    const struct connection *last = TAILQ_LAST(&think->connections, thinking_list);
    if (last != NULL && last->thinks_until_ns > connection->thinks_until_ns)
        deadline_heap_push(&think->earlier, place_of(connection), connection->thinks_until_ns);
    else
        TAILQ_INSERT_TAIL(&think->connections, connection, by_think);
}

static void take_out(struct think *think, struct connection *connection)
{
    if (!deadline_heap_remove(&think->earlier, place_of(connection)))
        TAILQ_REMOVE(&think->connections, connection, by_think);
    connection->thinks_until_ns = 0;
}

bool think_begin(struct connection *connection, uint64_t now_ns)
{
    struct think *think = &connection->stream->think;
    if (!stream_holds_back(connection))
        return false;
    if (connection->thinks_until_ns != 0 || connection->in_flight + connection->unsent > 0)
        return true;
    const struct generation *generation = &connection->stream->generation;
    connection->thinks_until_ns =
        now_ns +
        (think->time_ns > 0 ? think->time_ns : generation->kind->delay_ns(generation->state));
    connection->thought_at_head = connection->head_index;
    insert(think, connection);
    if (first_of(connection->stream) == connection)
        arm(think, connection, now_ns);
    pools_connection_changed(connection);
    return true;
}

void think_forget(struct connection *connection)
{
    if (connection->thinks_until_ns != 0)
        take_out(&connection->stream->think, connection);
    connection->thought_at_head = connection->head_index;
}

void think_expire(struct stream *stream, uint64_t now_ns)
{
    struct connection *connection;
    while ((connection = first_of(stream)) != NULL && connection->thinks_until_ns <= now_ns) {
        take_out(&stream->think, connection);
        pools_connection_changed(connection);
    }
    if (connection != NULL)
        arm(&stream->think, connection, now_ns);
}
