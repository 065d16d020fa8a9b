/* Usual replies, whole in the buffer: for resp.c, and for who reads many of them. These return NULL whenever
 * something is unusual (cut, wrong, out of range, another type): resp_scan then looks again and decides. */
#ifndef COMMON_RESP_USUAL_H
#define COMMON_RESP_USUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/resp.h"

#define RESP_LENGTH_DIGITS_MAX 10 /* of RESP_BULK_MAX_BYTES */
#define RESP_CRLF_BYTES 2

static inline unsigned resp_digit(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

static inline bool resp_is_crlf(const char *p)
{
    return p[0] == '\r' && p[1] == '\n';
}

static inline __attribute__((always_inline)) const char *
resp_usual_length(const char *p, const char *end, int64_t *length)
{
    const char *limit = end - p > RESP_LENGTH_DIGITS_MAX ? p + RESP_LENGTH_DIGITS_MAX : end;
    const char *digit = p;
    int64_t value = 0;
    for (; digit < limit && resp_digit(*digit) <= 9; digit++)
        value = value * 10 + (int64_t)resp_digit(*digit);
    if (digit == p || end - digit < RESP_CRLF_BYTES || !resp_is_crlf(digit))
        return NULL;
    if ((*p == '0' && digit - p > 1) || value > RESP_BULK_MAX_BYTES)
        return NULL;
    *length = value;
    return digit + RESP_CRLF_BYTES;
}

/* p stands behind the '$'. */
static inline __attribute__((always_inline)) const char *
resp_usual_bulk(const char *p, const char *end, int64_t *length)
{
    const char *body = resp_usual_length(p, end, length);
    if (body == NULL || end - body < *length + RESP_CRLF_BYTES || !resp_is_crlf(body + *length))
        return NULL;
    return body + *length + RESP_CRLF_BYTES;
}

static inline __attribute__((always_inline)) const char *resp_usual_null(const char *p,
                                                                         const char *end)
{
    return end - p >= 4 && memcmp(p, "-1\r\n", 4) == 0 ? p + 4 : NULL;
}

/* A status, an error or an integer. p stands behind the type byte. */
static inline const char *resp_usual_line(char type, const char *p, const char *end,
                                          struct resp_reply *reply)
{
    const char *limit = end - p > RESP_LINE_BYTES ? p + RESP_LINE_BYTES : end;
    const char *at = p;
    int64_t value = 0;
    if (type == ':') {
        const char *next = resp_usual_length(p, end, &value);
        if (next == NULL)
            return NULL;
        at = next - RESP_CRLF_BYTES;
    } else {
        while (at < limit && *at != '\r' && *at != '\n')
            at++;
        if (end - at < RESP_CRLF_BYTES || !resp_is_crlf(at))
            return NULL;
    }
    *reply = (struct resp_reply){.type = type,
                                 .is_error = type == '-',
                                 .integer = value,
                                 .text = p,
                                 .text_bytes = (uint32_t)(at - p)};
    return at + RESP_CRLF_BYTES;
}

/* p stands at the type byte of a top-level reply. */
static inline __attribute__((always_inline)) const char *
resp_usual_reply(const char *p, const char *end, struct resp_reply *reply)
{
    const char type = *p++;
    if (type == '$') {
        int64_t length = -1;
        const char *next = resp_usual_bulk(p, end, &length);
        const bool is_null = next == NULL && (next = resp_usual_null(p, end)) != NULL;
        if (next != NULL)
            *reply = (struct resp_reply){
                .type = '$', .is_null = is_null, .integer = is_null ? -1 : length};
        return next;
    }
    if (type == '+' || type == ':' || type == '-')
        return resp_usual_line(type, p, end, reply);
    return NULL;
}

#endif
