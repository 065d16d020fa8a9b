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
}

static void arm(struct think *think, uint64_t now_ns)
{
    const struct connection *first = TAILQ_FIRST(&think->connections);
    const uint64_t left_ns = first->thinks_until_ns > now_ns ? first->thinks_until_ns - now_ns : 0;
    const struct timeval delay = {.tv_sec = (time_t)(left_ns / NS_PER_SECOND),
                                  .tv_usec = (suseconds_t)(left_ns % NS_PER_SECOND / NS_PER_US)};
    event_add(think->timer, &delay);
}

/* Behind those that end before it. */
static void insert(struct think *think, struct connection *connection)
{
    struct connection *before = TAILQ_LAST(&think->connections, thinking_list);
    while (before != NULL && before->thinks_until_ns > connection->thinks_until_ns)
        before = TAILQ_PREV(before, thinking_list, by_think);
    if (before != NULL)
        TAILQ_INSERT_AFTER(&think->connections, before, connection, by_think);
    else
        TAILQ_INSERT_HEAD(&think->connections, connection, by_think);
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
    if (TAILQ_FIRST(&think->connections) == connection)
        arm(think, now_ns);
    pools_connection_changed(connection);
    return true;
}

void think_forget(struct connection *connection)
{
    if (connection->thinks_until_ns != 0)
        TAILQ_REMOVE(&connection->stream->think.connections, connection, by_think);
    connection->thinks_until_ns = 0;
    connection->thought_at_head = connection->head_index;
}

void think_expire(struct stream *stream, uint64_t now_ns)
{
    struct think *think = &stream->think;
    struct connection *connection;
    while ((connection = TAILQ_FIRST(&think->connections)) != NULL &&
           connection->thinks_until_ns <= now_ns) {
        TAILQ_REMOVE(&think->connections, connection, by_think);
        connection->thinks_until_ns = 0;
        pools_connection_changed(connection);
    }
    if (connection != NULL)
        arm(think, now_ns);
}
