/* Replies to the orchestrator's questions: whole ones, and what must not be waited for or kept. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/reply_reader.h"
#include "tests/support/check/suite.h"

static struct reply_reader *reader;
static const char *why;

static void set_up(void)
{
    reader = reply_reader_create();
    ck_assert_ptr_nonnull(reader);
}

static void tear_down(void)
{
    reply_reader_free(reader);
}

static enum reply_status hear(const char *bytes, size_t byte_count, redisReply **reply)
{
    ck_assert_uint_le(byte_count, REPLY_ROOM_BYTES);
    memcpy(reply_reader_room(reader), bytes, byte_count);
    reply_reader_filled(reader, byte_count);
    return reply_reader_next(reader, reply, &why);
}

/* The same text until the reader refuses; returns the bytes that it took. */
static size_t hear_on(const char *text, size_t limit_bytes)
{
    char piece[REPLY_ROOM_BYTES];
    const size_t text_bytes = strlen(text);
    size_t piece_bytes = 0;
    while (piece_bytes + text_bytes <= sizeof piece) {
        memcpy(piece + piece_bytes, text, text_bytes);
        piece_bytes += text_bytes;
    }
    for (size_t sent = piece_bytes;; sent += piece_bytes) {
        redisReply *reply;
        enum reply_status status = hear(piece, piece_bytes, &reply);
        ck_assert_ptr_null(reply);
        if (status == REPLY_REFUSED)
            return sent;
        ck_assert_int_eq(status, REPLY_MORE);
        ck_assert_uint_lt(sent, limit_bytes);
    }
}

static const char stream[] =
    "+PONG\r\n:-5\r\n$3\r\na\nb\r\n*2\r\n*1\r\n$-1\r\n-ERR no\r\n*-1\r\n*0\r\n";

static void expect_stream(uint32_t number, const redisReply *reply)
{
    static const int types[] = {REDIS_REPLY_STATUS, REDIS_REPLY_INTEGER, REDIS_REPLY_STRING,
                                REDIS_REPLY_ARRAY,  REDIS_REPLY_NIL,     REDIS_REPLY_ARRAY};
    ck_assert_uint_lt(number, sizeof types / sizeof types[0]);
    ck_assert_int_eq(reply->type, types[number]);
    if (number == 2)
        ck_assert_str_eq(reply->str, "a\nb");
    if (number == 3)
        ck_assert_str_eq(reply->element[1]->str, "ERR no");
}

TEST(cut_anywhere)
{
    /* Breaks when a reply depends on how its bytes were cut, or one of several in a piece is lost. */
    for (size_t step = 1; step < sizeof stream; step++) {
        uint32_t count = 0;
        for (size_t at = 0; at < sizeof stream - 1; at += step) {
            const size_t left = sizeof stream - 1 - at;
            redisReply *reply;
            enum reply_status status = hear(stream + at, step < left ? step : left, &reply);
            for (; status == REPLY_WHOLE; status = reply_reader_next(reader, &reply, &why)) {
                expect_stream(count++, reply);
                freeReplyObject(reply);
            }
            ck_assert_int_eq(status, REPLY_MORE);
        }
        ck_assert_uint_eq(count, 6);
    }
}

static const char *const refused[][2] = {
    {"HTTP/1.1 400 Bad Request\r\n", "does not speak"},
    {"*2147483647\r\n", "more than 16 MB"},
    {"*4294967295\r\n", "more than 16 MB"},
    {"*1\r\n*1\r\n*2147483647\r\n", "more than 16 MB"},
    {"*5000000\r\n*5000000\r\n", "more than 16 MB"},
    {"*99999999999999999999\r\n", "does not speak"},
    {"$16777217\r\n", "more than 16 MB"},
    {"*2\r\n$16777217\r\n", "more than 16 MB"},
    {"$99999999999999999999\r\n", "does not speak"},
    {"*-2\r\n", "does not speak"},
    {"$-2\r\n", "does not speak"},
    {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*"
     "1\r\n*1\r\n+x\r\n",
     "does not speak"},
};

LOOP_TEST(refused_at_once, sizeof refused / sizeof refused[0])
{
    /* Breaks when memory is taken, or time, for what a server only announces. */
    redisReply *reply;
    ck_assert_int_eq(hear(refused[_i][0], strlen(refused[_i][0]), &reply), REPLY_REFUSED);
    ck_assert_ptr_null(reply);
    ck_assert_msg(strstr(why, refused[_i][1]) != NULL, "%s", why);
}

LOOP_TEST(without_end, 5)
{
    /* Breaks when a line, or a list, goes on for ever: in memory, or in time that grows faster than it does. */
    static const char *const begins[] = {"+", "-", "$16000000\r\n", "*4000000\r\n", "*4000000\r\n"};
    static const char *const goes_on[] = {"x", "x", "x", ":1\r\n", "*0\r\n"};
    redisReply *reply;
    ck_assert_int_eq(hear(begins[_i], strlen(begins[_i]), &reply), REPLY_MORE);
    const size_t most = REPLY_MAX_BYTES + 2 * REPLY_ROOM_BYTES;
    const size_t taken = hear_on(goes_on[_i], most);
    ck_assert_uint_le(taken, most);
    if (_i < 2)
        ck_assert_ptr_nonnull(strstr(why, "more than 16 MB"));
    else if (_i > 2)
        ck_assert_ptr_nonnull(strstr(why, "elements"));
}

TEST(as_long_as_may_be)
{
    /* Breaks when the fully cut up cluster, or a long INFO, is taken for no server. */
    const size_t value_bytes = REPLY_MAX_BYTES - 64;
    char piece[REPLY_ROOM_BYTES], head[32];
    redisReply *reply;
    snprintf(head, sizeof head, "$%zu\r\n", value_bytes);
    ck_assert_int_eq(hear(head, strlen(head), &reply), REPLY_MORE);
    memset(piece, 'x', sizeof piece);
    for (size_t left = value_bytes; left > 0;) {
        const size_t some = left < sizeof piece ? left : sizeof piece;
        ck_assert_int_eq(hear(piece, some, &reply), REPLY_MORE);
        left -= some;
    }
    ck_assert_int_eq(hear("\r\n", 2, &reply), REPLY_WHOLE);
    ck_assert_uint_eq(reply->len, value_bytes);
    freeReplyObject(reply);
    /* The limits are of one reply. */
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_int_eq(hear("*500000\r\n", 9, &reply), REPLY_MORE);
        for (uint32_t element = 1; element < 500000; element++)
            ck_assert_int_eq(hear("$1\r\nx\r\n", 7, &reply), REPLY_MORE);
        ck_assert_int_eq(hear(":1\r\n", 4, &reply), REPLY_WHOLE);
        ck_assert_uint_eq(reply->elements, 500000);
        freeReplyObject(reply);
    }
}

TEST_SUITE_WITH(reply_reader, .set_up = set_up, .tear_down = tear_down)
