#include "worker/transport_null.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct {
    struct null_connection {
        uint64_t owed_bytes;   /* of replies                             */
        size_t received_bytes; /* of a request that has not come whole   */
    } * connections;
    bool *open;                      /* of each of these */
    uint32_t connection_count, next; /* that is probably not open */
    const char *reply;
    size_t reply_bytes, request_bytes;
} null_target;

enum err_code transport_null_init(const struct workload *workload, uint32_t connections,
                                  struct err *err)
{
    assert(null_target.connections == NULL); /* one stream of a worker */
    null_target.reply = workload_null_reply(workload, &null_target.reply_bytes);
    null_target.request_bytes = workload_request_bytes(workload);
    null_target.connection_count = connections;
    null_target.next = 0;
    null_target.connections = calloc(connections, sizeof null_target.connections[0]);
    null_target.open = calloc(connections, sizeof null_target.open[0]);
    if (null_target.connections == NULL || null_target.open == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate %u null connections", connections);
    return OK;
}

void transport_null_destroy(void)
{
    free(null_target.connections);
    free(null_target.open);
    null_target.connections = NULL;
    null_target.open = NULL;
}

static enum io_status null_connect(struct wire *wire, const struct wire_setup *setup,
                                   const struct target_address *target,
                                   const struct target_address *source, int *sys_errno)
{
    (void)setup;
    (void)source;
    (void)target;
    /* A worker has no more than these, so one is not open. */
    for (uint32_t tried = 0; tried < null_target.connection_count; tried++) {
        uint32_t number = null_target.next;
        null_target.next = (number + 1) % null_target.connection_count;
        if (null_target.open[number])
            continue;
        null_target.connections[number] = (struct null_connection){0};
        null_target.open[number] = true;
        wire->fd = (int)number;
        return IO_DONE;
    }
    *sys_errno = EMFILE;
    return IO_FAILED;
}

static enum io_status null_connected(struct wire *wire, int *sys_errno)
{
    (void)wire;
    (void)sys_errno;
    return IO_DONE;
}

static enum io_status null_read(struct wire *wire, void *buffer, size_t buffer_bytes,
                                size_t *read_bytes, int *sys_errno)
{
    (void)sys_errno;
    char *out = buffer;
    uint64_t owed_bytes = null_target.connections[wire->fd].owed_bytes;
    if (owed_bytes == 0)
        return IO_AGAIN;
    size_t written_bytes = 0;
    while (owed_bytes > 0 && written_bytes < buffer_bytes) {
        /* Replies are equal, so what is owed tells where in a reply the stream stands. */
        size_t rest_of_reply = (owed_bytes - 1) % null_target.reply_bytes + 1;
        size_t count = rest_of_reply;
        if (count > buffer_bytes - written_bytes)
            count = buffer_bytes - written_bytes;
        memcpy(out + written_bytes, null_target.reply + null_target.reply_bytes - rest_of_reply,
               count);
        written_bytes += count;
        owed_bytes -= count;
    }
    null_target.connections[wire->fd].owed_bytes = owed_bytes;
    *read_bytes = written_bytes;
    return IO_DONE;
}

static enum io_status null_write(struct wire *wire, const void *bytes, size_t byte_count,
                                 size_t *written_bytes, int *sys_errno)
{
    (void)bytes;
    (void)sys_errno;
    struct null_connection *connection = &null_target.connections[wire->fd];
    size_t received_bytes = connection->received_bytes + byte_count;
    connection->owed_bytes += received_bytes / null_target.request_bytes * null_target.reply_bytes;
    connection->received_bytes = received_bytes % null_target.request_bytes;
    *written_bytes = byte_count;
    return IO_DONE;
}

static void null_close(struct wire *wire)
{
    null_target.open[wire->fd] = false;
    wire->fd = -1;
}

const struct transport transport_null = {
    .name = "null",
    .connect = null_connect,
    .connected = null_connected,
    .read = null_read,
    .write = null_write,
    .close = null_close,
    .answers_at_once = true,
};
