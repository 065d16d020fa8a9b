#include "tests/support/check/resp_oracle.h"

#include <hiredis/hiredis.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"

static void digest_add(struct resp_outcome *outcome, uint64_t word)
{
    outcome->digest = rng_mix(outcome->digest ^ (word + 0x9e3779b97f4a7c15ull));
}

static void outcome_reply(struct resp_outcome *outcome, const struct resp_reply *reply,
                          size_t end_bytes)
{
    outcome->replies++;
    outcome->end_bytes = end_bytes;
    outcome->last = *reply;
    outcome->last.text = outcome->last_text;
    memset(outcome->last_text, 0, sizeof outcome->last_text);
    if (reply->text_bytes > sizeof outcome->last_text)
        abort();
    if (reply->text_bytes > 0)
        memcpy(outcome->last_text, reply->text, reply->text_bytes);
    digest_add(outcome, end_bytes);
    digest_add(outcome, (uint64_t)(unsigned char)reply->type);
    digest_add(outcome, (uint64_t)(reply->is_error * 2 + reply->is_null));
    digest_add(outcome, (uint64_t)reply->integer);
    digest_add(outcome, reply->nulls);
    digest_add(outcome, reply->errors);
    for (uint32_t i = 0; i < reply->text_bytes; i++)
        digest_add(outcome, (uint64_t)(unsigned char)reply->text[i]);
}

/* One piece, which begins at in_offset of the stream. */
static void scan_piece(struct resp_outcome *outcome, struct resp_scanner *scanner,
                       const char *bytes, size_t byte_count, size_t in_offset)
{
    char *piece = malloc(byte_count > 0 ? byte_count : 1);
    if (piece == NULL)
        abort();
    memcpy(piece, bytes, byte_count);
    size_t at = 0;
    do {
        size_t consumed = 0;
        struct resp_reply reply;
        outcome->status = resp_scan(scanner, piece + at, byte_count - at, &consumed, &reply);
        if (outcome->status == RESP_INVALID)
            break;
        if (consumed > byte_count - at ||
            (outcome->status == RESP_REPLY && consumed == 0 && at > 0))
            abort();
        at += consumed;
        if (outcome->status == RESP_MORE && at != byte_count)
            abort();
        if (outcome->status == RESP_REPLY)
            outcome_reply(outcome, &reply, in_offset + at);
    } while (outcome->status == RESP_REPLY);
    memset(piece, 'x', byte_count);
    free(piece);
}

void resp_outcome_scan(struct resp_outcome *outcome, const char *in, size_t in_bytes,
                       const size_t *cuts, size_t cut_count)
{
    struct resp_scanner scanner;
    resp_scanner_reset(&scanner);
    memset(outcome, 0, sizeof *outcome);
    size_t begin = 0;
    for (size_t i = 0; i <= cut_count && outcome->status != RESP_INVALID; i++) {
        const size_t end = i < cut_count ? cuts[i] : in_bytes;
        scan_piece(outcome, &scanner, in + begin, end - begin, begin);
        begin = end;
    }
    outcome->idle = resp_scanner_idle(&scanner);
}

void resp_outcome_scan_bytes(struct resp_outcome *outcome, const char *in, size_t in_bytes)
{
    struct resp_scanner scanner;
    resp_scanner_reset(&scanner);
    memset(outcome, 0, sizeof *outcome);
    outcome->status = RESP_MORE;
    for (size_t i = 0; i < in_bytes && outcome->status != RESP_INVALID; i++)
        scan_piece(outcome, &scanner, in + i, 1, i);
    outcome->idle = resp_scanner_idle(&scanner);
}

bool resp_outcome_same(const struct resp_outcome *a, const struct resp_outcome *b)
{
    return a->status == b->status && a->idle == b->idle && a->replies == b->replies &&
           a->end_bytes == b->end_bytes && a->digest == b->digest;
}

void resp_outcome_first(struct resp_outcome *outcome, const char *in, size_t in_bytes)
{
    struct resp_scanner scanner;
    resp_scanner_reset(&scanner);
    memset(outcome, 0, sizeof *outcome);
    size_t consumed = 0;
    struct resp_reply reply;
    outcome->status = resp_scan(&scanner, in, in_bytes, &consumed, &reply);
    outcome->idle = outcome->status == RESP_REPLY;
    if (outcome->status != RESP_REPLY)
        return;
    if (reply.is_null) { /* hiredis tells neither kind nor length of a null */
        reply.type = '_';
        reply.integer = 0;
    }
    if (reply.type == ':') /* nor the text of a number */
        reply.text_bytes = 0;
    outcome_reply(outcome, &reply, consumed);
}

/* ---- hiredis's reader, building nothing: a reply of any announced size costs no memory. ---- */

static void *reader_note(const redisReadTask *task, struct resp_reply reply)
{
    struct resp_reply *top = task->privdata;
    if (task->parent == NULL) {
        *top = reply;
    } else {
        top->nulls += reply.is_null;
        top->errors += reply.is_error;
    }
    return top;
}

static void *reader_string(const redisReadTask *task, char *text, size_t text_bytes)
{
    struct resp_reply reply = {.type = '$', .integer = (int64_t)text_bytes};
    if (task->type == REDIS_REPLY_STATUS || task->type == REDIS_REPLY_ERROR) {
        const uint32_t kept =
            text_bytes < RESP_LINE_BYTES ? (uint32_t)text_bytes : (uint32_t)RESP_LINE_BYTES;
        reply = (struct resp_reply){.type = task->type == REDIS_REPLY_ERROR ? '-' : '+',
                                    .is_error = task->type == REDIS_REPLY_ERROR,
                                    .text = text,
                                    .text_bytes = kept};
        if (task->parent == NULL) { /* the reader's buffer may move before the caller looks */
            static char line[RESP_LINE_BYTES];
            if (kept > 0)
                memcpy(line, text, kept);
            reply.text = line;
        }
    }
    return reader_note(task, reply);
}

#if HIREDIS_MAJOR >= 1
static void *reader_array(const redisReadTask *task, size_t elements)
#else
static void *reader_array(const redisReadTask *task, int elements)
#endif
{
    return reader_note(task, (struct resp_reply){.type = '*', .integer = (int64_t)elements});
}

static void *reader_integer(const redisReadTask *task, long long integer)
{
    return reader_note(task, (struct resp_reply){.type = ':', .integer = integer});
}

static void *reader_null(const redisReadTask *task)
{
    return reader_note(task, (struct resp_reply){.type = '_', .is_null = true});
}

static void reader_free(void *object)
{
    (void)object;
}

void resp_outcome_hiredis(struct resp_outcome *outcome, const char *in, size_t in_bytes)
{
    static redisReplyObjectFunctions functions = {.createString = reader_string,
                                                  .createArray = reader_array,
                                                  .createInteger = reader_integer,
                                                  .createNil = reader_null,
                                                  .freeObject = reader_free};
    memset(outcome, 0, sizeof *outcome);
    struct resp_reply top = {0};
    redisReader *reader = redisReaderCreateWithFunctions(&functions);
    if (reader == NULL)
        abort();
    reader->privdata = &top;
    void *object = NULL;
    if (redisReaderFeed(reader, in, in_bytes) != REDIS_OK ||
        redisReaderGetReply(reader, &object) != REDIS_OK)
        outcome->status = RESP_INVALID;
    else
        outcome->status = object != NULL ? RESP_REPLY : RESP_MORE;
    outcome->idle = object != NULL;
    if (object != NULL)
        outcome_reply(outcome, &top, in_bytes - (reader->len - reader->pos));
    redisReaderFree(reader);
}

/* ---- Where hiredis and the scanner part. Walks the bytes once, in order, so that the first
 * difference decides. ---- */

struct line_view {
    size_t text_at, text_bytes, next_at;
    bool whole, stray; /* ends in CRLF; has a lone CR or LF */
};

static struct line_view line_at(const char *in, size_t in_bytes, size_t at)
{
    struct line_view line = {.text_at = at};
    size_t end = at;
    while (end < in_bytes && in[end] != '\r' && in[end] != '\n')
        end++;
    line.text_bytes = end - at;
    line.whole = end + 1 < in_bytes && in[end] == '\r' && in[end + 1] == '\n';
    line.stray = end < in_bytes && !line.whole && !(in[end] == '\r' && end + 1 == in_bytes);
    line.next_at = end + 2;
    return line;
}

/* "0", "-1" or digits without a leading zero, as strtoll reads them; false: both must refuse. */
static bool number_at(const char *text, size_t text_bytes, long long *number)
{
    char copy[RESP_LINE_BYTES + 1];
    if (text_bytes == 0 || text_bytes >= sizeof copy)
        return false;
    memcpy(copy, text, text_bytes);
    copy[text_bytes] = '\0';
    const size_t sign = copy[0] == '-';
    if (strspn(copy + sign, "0123456789") != text_bytes - sign || text_bytes == sign)
        return false;
    if (copy[sign] == '0' && text_bytes > 1)
        return false;
    char *end = NULL;
    *number = strtoll(copy, &end, 10);
    return *end == '\0';
}

static enum resp_comparison body_compare(const char *in, size_t in_bytes, size_t body_at,
                                         long long length, size_t *next_at)
{
    if (length > RESP_BULK_MAX_BYTES)
        return RESP_REFUSED;
    const size_t end = body_at + (size_t)length;
    if ((end < in_bytes && in[end] != '\r') || (end + 1 < in_bytes && in[end + 1] != '\n'))
        return RESP_REFUSED;
    *next_at = end + 2;
    return RESP_SAME;
}

enum resp_comparison resp_hiredis_compare(const char *in, size_t in_bytes)
{
    long long left[RESP_HIREDIS_DEPTH + 1] = {1};
    size_t depth = 0;
    size_t at = 0;
    while (at < in_bytes) {
        const char type = in[at];
        if (type != '\0' && strchr("_#,(!=%~>|", type) != NULL)
            return RESP_INCOMPARABLE;
        if (type == '\0' || strchr("+-:$*", type) == NULL)
            return RESP_SAME;
        if (type == '*' && depth >= RESP_HIREDIS_DEPTH)
            return RESP_INCOMPARABLE;
        const struct line_view line = line_at(in, in_bytes, at + 1);
        const bool is_text = type == '+' || type == '-';
        if (line.stray || (!is_text && line.text_bytes > RESP_LINE_BYTES))
            return RESP_REFUSED;
        if (!line.whole)
            return RESP_SAME;
        at = line.next_at;
        const char *text = in + line.text_at;
        long long number = 0;
        if (type == ':' && line.text_bytes > 0 && text[0] == '+')
            return RESP_INCOMPARABLE;
        if (!is_text && !number_at(text, line.text_bytes, &number))
            return RESP_SAME;
        if ((type == '$' || type == '*') && number < -1)
            return RESP_SAME;
        if (type == '*' && number > INT_MAX)
            return RESP_INCOMPARABLE;
        if (type == '$' && number >= 0) {
            const enum resp_comparison body = body_compare(in, in_bytes, at, number, &at);
            if (body != RESP_SAME)
                return body;
        }
        if (type == '*' && number > 0) {
            left[++depth] = number;
            continue;
        }
        while (--left[depth] == 0) {
            if (depth-- == 0)
                return RESP_SAME;
        }
    }
    return RESP_SAME;
}
