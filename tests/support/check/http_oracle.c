#include "tests/support/check/http_oracle.h"

#include <http_parser.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"

struct walk {
    struct http_scanner scanner;
    struct http_outcome *outcome;
    bool to_head;
};

static void digest_add(struct http_outcome *outcome, uint64_t word)
{
    outcome->digest = rng_mix(outcome->digest ^ (word + 0x9e3779b97f4a7c15ull));
}

static void take_body(void *state, const char *bytes, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i++)
        digest_add(state, (uint64_t)(unsigned char)bytes[i]);
}

static void take_status(void *state, uint16_t status)
{
    digest_add(state, status);
}

static void note(struct http_outcome *outcome, const struct http_response *response,
                 size_t end_bytes)
{
    outcome->responses++;
    outcome->end_bytes = end_bytes;
    outcome->last = *response;
    digest_add(outcome, end_bytes);
    digest_add(outcome, response->status);
    digest_add(outcome, response->closes);
    digest_add(outcome, response->body_bytes);
    digest_add(outcome, response->head_bytes);
}

/* One piece, which begins at in_offset of the stream. */
static void scan_piece(struct walk *walk, const char *bytes, size_t byte_count, size_t in_offset)
{
    struct http_outcome *outcome = walk->outcome;
    const struct http_tap tap = {.state = outcome, .status = take_status, .body = take_body};
    char *piece = malloc(byte_count > 0 ? byte_count : 1);
    if (piece == NULL)
        abort();
    memcpy(piece, bytes, byte_count);
    size_t at = 0;
    do {
        size_t consumed = 0;
        struct http_response response;
        outcome->status = http_scan(&walk->scanner, walk->to_head, piece + at, byte_count - at,
                                    &consumed, &response, &tap);
        if (consumed > byte_count - at || (outcome->status == HTTP_SCAN_RESPONSE && consumed == 0))
            abort();
        at += consumed;
        if (outcome->status == HTTP_SCAN_MORE && at != byte_count)
            abort();
        if (outcome->status == HTTP_SCAN_RESPONSE)
            note(outcome, &response, in_offset + at);
    } while (outcome->status == HTTP_SCAN_RESPONSE);
    memset(piece, 'x', byte_count);
    free(piece);
}

static void finish(struct walk *walk, size_t in_bytes, bool closed)
{
    struct http_outcome *outcome = walk->outcome;
    struct http_response response;
    outcome->idle = http_scanner_idle(&walk->scanner);
    if (closed) {
        outcome->status = http_scan_end(&walk->scanner, &response);
        if (outcome->status == HTTP_SCAN_RESPONSE)
            note(outcome, &response, in_bytes);
    }
    outcome->fault = http_scanner_fault(&walk->scanner);
}

void http_outcome_scan(struct http_outcome *outcome, const char *in, size_t in_bytes, bool to_head,
                       bool closed, const size_t *cuts, size_t cut_count)
{
    struct walk walk = {.outcome = outcome, .to_head = to_head};
    memset(outcome, 0, sizeof *outcome);
    outcome->status = HTTP_SCAN_MORE;
    size_t begin = 0;
    for (size_t i = 0; i <= cut_count && outcome->status != HTTP_SCAN_INVALID; i++) {
        const size_t end = i < cut_count ? cuts[i] : in_bytes;
        scan_piece(&walk, in + begin, end - begin, begin);
        begin = end;
    }
    finish(&walk, in_bytes, closed);
}

void http_outcome_scan_bytes(struct http_outcome *outcome, const char *in, size_t in_bytes,
                             bool to_head, bool closed)
{
    struct walk walk = {.outcome = outcome, .to_head = to_head};
    memset(outcome, 0, sizeof *outcome);
    outcome->status = HTTP_SCAN_MORE;
    for (size_t i = 0; i < in_bytes && outcome->status != HTTP_SCAN_INVALID; i++)
        scan_piece(&walk, in + i, 1, i);
    finish(&walk, in_bytes, closed);
}

bool http_outcome_same(const struct http_outcome *a, const struct http_outcome *b)
{
    return a->status == b->status && a->fault == b->fault && a->responses == b->responses &&
           a->end_bytes == b->end_bytes &&
           (a->digest == b->digest || a->status == HTTP_SCAN_INVALID) &&
           (a->idle == b->idle || a->status == HTTP_SCAN_INVALID);
}

/* ---- http-parser ---- */

struct second {
    http_parser parser;
    bool to_head, complete;
    unsigned status;
    uint64_t body_bytes;
};

static int on_headers(http_parser *parser)
{
    const struct second *second = parser->data;
    const unsigned status = parser->status_code;
    /* 1: no body follows; http-parser would wait for one that is announced where RFC 9112, 6.3, has none. */
    return second->to_head || status < 200 || status == 204 || status == 304 ? 1 : 0;
}

static int on_body(http_parser *parser, const char *bytes, size_t byte_count)
{
    (void)bytes;
    ((struct second *)parser->data)->body_bytes += byte_count;
    return 0;
}

static int on_complete(http_parser *parser)
{
    struct second *second = parser->data;
    if (parser->status_code < 200)
        return 0;
    second->status = parser->status_code;
    second->complete = true;
    http_parser_pause(parser, 1);
    return 0;
}

/* http-parser refuses these in headers, and a tab behind a length, where RFC 9110, 5.5, leaves it to the recipient. */
static bool has_controls(const char *in, size_t in_bytes)
{
    for (size_t i = 0; i < in_bytes; i++) {
        const unsigned char byte = (unsigned char)in[i];
        if (byte == 0x7f || (byte < ' ' && byte != '\r' && byte != '\n'))
            return true;
    }
    return false;
}

bool http_oracle_agrees(const char *in, size_t in_bytes, bool to_head)
{
    static const http_parser_settings settings = {
        .on_headers_complete = on_headers, .on_body = on_body, .on_message_complete = on_complete};
    struct http_scanner scanner = {0};
    struct http_response response;
    size_t consumed = 0;
    enum http_scan_status status =
        http_scan(&scanner, to_head, in, in_bytes, &consumed, &response, NULL);
    if (status == HTTP_SCAN_MORE)
        status = http_scan_end(&scanner, &response);
    if (status != HTTP_SCAN_RESPONSE || has_controls(in, consumed))
        return true;
    struct second second = {.to_head = to_head};
    http_parser_init(&second.parser, HTTP_RESPONSE);
    second.parser.data = &second;
    (void)http_parser_execute(&second.parser, &settings, in, consumed);
    if (!second.complete)
        (void)http_parser_execute(&second.parser, &settings, NULL, 0);
    return second.complete && second.status == response.status &&
           second.body_bytes == response.body_bytes;
}
