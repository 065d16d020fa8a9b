/* libFuzzer target: the replies that come out of a stream do not depend on how it is cut, are those that
 * hiredis reads in it, and none is longer than what went in. The first byte chooses the pieces. */
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/reply_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Everything that a reply says, in one number. */
static uint64_t digest(const redisReply *reply)
{
    uint64_t sum = (uint64_t)reply->type * 0x9E3779B97F4A7C15u + (uint64_t)reply->integer;
    for (size_t i = 0; reply->str != NULL && i < (size_t)reply->len; i++)
        sum = (sum ^ (unsigned char)reply->str[i]) * 0x100000001B3u;
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++)
        sum = (sum ^ digest(reply->element[i])) * 0x100000001B3u;
    return sum;
}

struct outcome {
    uint64_t digest;
    size_t replies;
    bool refused;
};

static struct outcome read_in_pieces(const char *stream, size_t stream_bytes, size_t piece_bytes)
{
    struct outcome outcome = {0};
    struct reply_reader *reader = reply_reader_create();
    if (reader == NULL)
        abort();
    for (size_t at = 0; at < stream_bytes && !outcome.refused; at += piece_bytes) {
        const size_t left = stream_bytes - at, piece = piece_bytes < left ? piece_bytes : left;
        redisReply *reply;
        const char *why;
        memcpy(reply_reader_room(reader), stream + at, piece);
        reply_reader_filled(reader, piece);
        enum reply_status status;
        while ((status = reply_reader_next(reader, &reply, &why)) == REPLY_WHOLE) {
            outcome.digest = outcome.digest * 31 + digest(reply);
            outcome.replies++;
            freeReplyObject(reply);
        }
        require(reply == NULL);
        outcome.refused = status == REPLY_REFUSED;
        require(!outcome.refused || why[0] != '\0');
    }
    reply_reader_free(reader);
    return outcome;
}

/* As many replies as the reader has let through: nothing is announced in them that does not follow. */
static void compare(const char *stream, size_t stream_bytes, const struct outcome *outcome)
{
    redisReader *hiredis = redisReaderCreate();
    uint64_t sum = 0;
    if (hiredis == NULL || redisReaderFeed(hiredis, stream, stream_bytes) != REDIS_OK)
        abort();
    for (size_t i = 0; i < outcome->replies; i++) {
        void *reply = NULL;
        require(redisReaderGetReply(hiredis, &reply) == REDIS_OK && reply != NULL);
        sum = sum * 31 + digest(reply);
        freeReplyObject(reply);
    }
    require(sum == outcome->digest);
    redisReaderFree(hiredis);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    if (input_bytes < 2 || input_bytes > REPLY_ROOM_BYTES)
        return 0;
    const char *stream = (const char *)input + 1;
    const size_t stream_bytes = input_bytes - 1;
    struct outcome whole = read_in_pieces(stream, stream_bytes, stream_bytes);
    struct outcome cut = read_in_pieces(stream, stream_bytes, 1u + input[0]);
    require(whole.replies == cut.replies && whole.digest == cut.digest &&
            whole.refused == cut.refused);
    if (whole.replies > 0)
        compare(stream, stream_bytes, &whole);
    return 0;
}
