#include "orchestrator/server/reply_reader.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/resp.h"

struct reply_reader {
    struct resp_scanner scanner;
    redisReader *hiredis;
    uint64_t byte_count, line_count; /* of the reply under way */
    size_t begin, end;               /* of what is in the room and was not scanned */
    char why[120];
    char room[REPLY_ROOM_BYTES];
};

struct reply_reader *reply_reader_create(void)
{
    struct reply_reader *made = malloc(sizeof *made);
    if (made == NULL)
        return NULL;
    made->hiredis = redisReaderCreate();
    resp_scanner_reset(&made->scanner);
    made->byte_count = made->line_count = 0;
    made->begin = made->end = 0;
    if (made->hiredis != NULL)
        return made;
    free(made);
    return NULL;
}

void reply_reader_free(struct reply_reader *reader)
{
    if (reader == NULL)
        return;
    redisReaderFree(reader->hiredis);
    free(reader);
}

char *reply_reader_room(struct reply_reader *reader)
{
    assert(reader->begin == reader->end);
    return reader->room;
}

void reply_reader_filled(struct reply_reader *reader, size_t byte_count)
{
    reader->begin = 0;
    reader->end = byte_count;
}

static uint64_t count_lines(const char *bytes, size_t byte_count)
{
    uint64_t lines = 0;
    for (const char *at = bytes, *end = bytes + byte_count;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        lines++;
    return lines;
}

/* Bytes that belong to the reply under way. False: why. */
static bool keep(struct reply_reader *reader, const char *bytes, size_t byte_count)
{
    reader->byte_count += byte_count;
    reader->line_count += count_lines(bytes, byte_count);
    if (reader->byte_count + resp_scanner_least_bytes(&reader->scanner) > REPLY_MAX_BYTES)
        snprintf(reader->why, sizeof reader->why, "answers with more than %u MB; is it a server?",
                 REPLY_MAX_BYTES >> 20);
    else if (reader->line_count > REPLY_LINES_MAX)
        snprintf(reader->why, sizeof reader->why,
                 "answers with more than %u elements; is it a server?", REPLY_LINES_MAX / 2);
    else if (redisReaderFeed(reader->hiredis, bytes, byte_count) != REDIS_OK)
        snprintf(reader->why, sizeof reader->why,
                 "sends a reply for which there is no memory here");
    else
        return true;
    return false;
}

static void refuse_rubbish(struct reply_reader *reader, const char *detail)
{
    snprintf(reader->why, sizeof reader->why, "does not speak the Valkey/Redis protocol%s%.60s",
             detail[0] != '\0' ? ": " : "", detail);
}

/* What was kept is a whole reply. */
static enum reply_status build(struct reply_reader *reader, redisReply **reply)
{
    void *whole = NULL;
    reader->byte_count = reader->line_count = 0;
    if (redisReaderGetReply(reader->hiredis, &whole) == REDIS_OK && whole != NULL) {
        *reply = whole;
        return REPLY_WHOLE;
    }
    refuse_rubbish(reader, reader->hiredis->errstr);
    return REPLY_REFUSED;
}

enum reply_status reply_reader_next(struct reply_reader *reader, redisReply **reply,
                                    const char **why)
{
    const char *bytes = reader->room + reader->begin;
    size_t used_bytes = 0;
    struct resp_reply scanned;
    *reply = NULL;
    *why = reader->why;
    if (reader->begin == reader->end)
        return REPLY_MORE;
    enum resp_status status =
        resp_scan(&reader->scanner, bytes, reader->end - reader->begin, &used_bytes, &scanned);
    if (status == RESP_INVALID) {
        refuse_rubbish(reader, "");
        return REPLY_REFUSED;
    }
    reader->begin += used_bytes;
    if (!keep(reader, bytes, used_bytes))
        return REPLY_REFUSED;
    return status == RESP_REPLY ? build(reader, reply) : REPLY_MORE;
}
