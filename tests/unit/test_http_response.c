#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http_response.h"
#include "common/rng.h"
#include "tests/support/check/http_oracle.h"
#include "tests/support/check/suite.h"

#define LENGTH(n) "Content-Length: " n "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define OK_LINE "HTTP/1.1 200 OK\r\n"

/* A whole response and what the scanner must say about it; closed: it ends with the connection. */
static const struct good_row {
    const char *in;
    bool to_head, closed;
    uint16_t status;
    bool closes;
    uint64_t body_bytes;
} good_rows[] = {
    {OK_LINE LENGTH("5") "\r\nhello", false, false, 200, false, 5},
    {OK_LINE LENGTH("0") "\r\n", false, false, 200, false, 0},
    {OK_LINE "content-LENGTH:5\r\n\r\nhello", false, false, 200, false, 5},
    {OK_LINE "Content-Length: \t 005 \r\n\r\nhello", false, false, 200, false, 5},
    {"HTTP/1.1 200\r\n" LENGTH("1") "\r\nx", false, false, 200, false, 1},
    {"HTTP/1.1 404 Not Found\r\n" LENGTH("2") "\r\nno", false, false, 404, false, 2},
    {"HTTP/1.1 204 \r\n\r\n", false, false, 204, false, 0},
    {"HTTP/1.1 204 \r\n" LENGTH("5") "\r\n", false, false, 204, false, 0},
    {"HTTP/1.1 304 Not Modified\r\n" LENGTH("5") "\r\n", false, false, 304, false, 0},
    {OK_LINE LENGTH("1024") "\r\n", true, false, 200, false, 0},
    {OK_LINE CHUNKED "\r\n", true, false, 200, false, 0},
    {OK_LINE "\r\n", true, false, 200, false, 0},
    {OK_LINE CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\n", false, false, 200, false, 5},
    {OK_LINE CHUNKED "\r\n00a;x=\"y\"\r\n0123456789\r\n1 \r\nx\r\n0\r\n\r\n", false, false, 200,
     false, 11},
    {OK_LINE CHUNKED "\r\n1\r\n\n\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n", false, false, 200,
     false, 1},
    {OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", false, false, 200, false, 0},
    {OK_LINE "Transfer-Encoding: gzip\r\n\r\nabc", false, true, 200, true, 3},
    {OK_LINE "\r\nuntil the end", false, true, 200, true, 13},
    {OK_LINE "Connection: close\r\n" LENGTH("1") "\r\nx", false, false, 200, true, 1},
    {OK_LINE "Connection: Upgrade , CLOSE\r\n" LENGTH("1") "\r\nx", false, false, 200, true, 1},
    {"HTTP/1.0 200 OK\r\n" LENGTH("1") "\r\nx", false, false, 200, true, 1},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" LENGTH("1") "\r\nx", false, false, 200, false,
     1},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" CHUNKED "\r\n0\r\n\r\n", false, false, 200,
     true, 0},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK_LINE LENGTH(
         "1") "\r\nx",
     false, false, 200, false, 1},
    {OK_LINE "Server: a\r\n b\r\n" LENGTH("1") "\r\nx", false, false, 200, false, 1},
    {"HTTP/1.1 200 OK\nContent-Length: 1\n\nx", false, false, 200, false, 1},
    {"HTTP/1.1 999 Own\r\n" LENGTH("0") "\r\n", false, false, 999, false, 0},
};
#define GOOD_ROWS ((int)(sizeof good_rows / sizeof good_rows[0]))

static void check_row(const struct good_row *row, const struct http_outcome *outcome)
{
    ck_assert_int_eq(outcome->fault, HTTP_FAULT_NONE);
    ck_assert_int_eq(outcome->status, row->closed ? HTTP_SCAN_RESPONSE : HTTP_SCAN_MORE);
    ck_assert_uint_eq(outcome->responses, 1);
    ck_assert_uint_eq(outcome->end_bytes, strlen(row->in));
    ck_assert_uint_eq(outcome->last.status, row->status);
    ck_assert_int_eq(outcome->last.closes, row->closes);
    ck_assert_uint_eq(outcome->last.body_bytes, row->body_bytes);
}

LOOP_TEST(responses, GOOD_ROWS)
{
    /* Breaks when the end of a response is not where RFC 9112 has it. */
    const struct good_row *row = &good_rows[_i];
    struct http_outcome outcome;
    http_outcome_scan(&outcome, row->in, strlen(row->in), row->to_head, row->closed, NULL, 0);
    check_row(row, &outcome);
    ck_assert_int_eq(outcome.idle, !row->closed);
}

LOOP_TEST(responses_cut_anywhere, GOOD_ROWS)
{
    /* Breaks when what the scanner remembers between two buffers is not all that it needs. */
    const struct good_row *row = &good_rows[_i];
    const size_t in_bytes = strlen(row->in);
    struct http_outcome outcome;
    for (size_t first = 0; first <= in_bytes; first++)
        for (size_t second = first; second <= in_bytes; second++) {
            http_outcome_scan(&outcome, row->in, in_bytes, row->to_head, row->closed,
                              (const size_t[]){first, second}, 2);
            check_row(row, &outcome);
        }
}

LOOP_TEST(second_opinion, GOOD_ROWS)
{
    /* Breaks when http-parser ends a response elsewhere, or sees another one. */
    const struct good_row *row = &good_rows[_i];
    ck_assert(http_oracle_agrees(row->in, strlen(row->in), row->to_head));
}

LOOP_TEST(prefixes_are_cut, GOOD_ROWS)
{
    /* Breaks when a response that the connection's end cut short counts as whole. */
    const struct good_row *row = &good_rows[_i];
    struct http_outcome outcome;
    for (size_t in_bytes = 0; !row->closed && in_bytes < strlen(row->in); in_bytes++) {
        http_outcome_scan(&outcome, row->in, in_bytes, row->to_head, true, NULL, 0);
        ck_assert_uint_eq(outcome.responses, 0);
        ck_assert_int_eq(outcome.fault, in_bytes == 0 ? HTTP_FAULT_NONE : HTTP_FAULT_CUT);
        ck_assert_int_eq(outcome.status, in_bytes == 0 ? HTTP_SCAN_MORE : HTTP_SCAN_INVALID);
    }
}

static const struct {
    const char *in;
    enum http_fault fault;
} bad_rows[] = {
    {"x", HTTP_FAULT_NOT_HTTP},
    {"-ERR unknown command 'GET'\r\n", HTTP_FAULT_NOT_HTTP},
    {"\r\n" OK_LINE, HTTP_FAULT_NOT_HTTP},
    {"http/1.1 200 OK\r\n", HTTP_FAULT_NOT_HTTP},
    {"HTTP/2 200\r\n", HTTP_FAULT_NOT_HTTP},
    {"HTTP/1.1\r\n", HTTP_FAULT_NOT_HTTP},
    {"HTTP/1.1\t200 OK\r\n", HTTP_FAULT_NOT_HTTP},
    {"HTTP/1.1 20\r\n", HTTP_FAULT_STATUS},
    {"HTTP/1.1 2000 OK\r\n", HTTP_FAULT_STATUS},
    {"HTTP/1.1 099 OK\r\n", HTTP_FAULT_STATUS},
    {"HTTP/1.1  200 OK\r\n", HTTP_FAULT_STATUS},
    {"HTTP/1.1 101 Switching Protocols\r\n", HTTP_FAULT_SWITCHED},
    {OK_LINE "no colon\r\n", HTTP_FAULT_HEADER},
    {OK_LINE ": no name\r\n", HTTP_FAULT_HEADER},
    {OK_LINE "Blank : ahead of the colon\r\n", HTTP_FAULT_HEADER},
    {OK_LINE " goes on with nothing\r\n", HTTP_FAULT_HEADER},
    {OK_LINE LENGTH("1") " 2\r\n", HTTP_FAULT_HEADER},
    {OK_LINE "A: b\rc\r\n", HTTP_FAULT_HEADER},
    {OK_LINE "Content-Length:\r\n", HTTP_FAULT_LENGTH},
    {OK_LINE LENGTH("-1"), HTTP_FAULT_LENGTH},
    {OK_LINE LENGTH("+1"), HTTP_FAULT_LENGTH},
    {OK_LINE LENGTH("0x5"), HTTP_FAULT_LENGTH},
    {OK_LINE LENGTH("1 2"), HTTP_FAULT_LENGTH},
    {OK_LINE LENGTH("9223372036854775808"), HTTP_FAULT_LENGTH},
    {OK_LINE LENGTH("18446744073709551621"), HTTP_FAULT_LENGTH},
    {OK_LINE LENGTH("5, 5"), HTTP_FAULT_LENGTHS},
    {OK_LINE LENGTH("5") LENGTH("5"), HTTP_FAULT_LENGTHS},
    {OK_LINE LENGTH("5") CHUNKED, HTTP_FAULT_LENGTHS},
    {OK_LINE CHUNKED LENGTH("5"), HTTP_FAULT_LENGTHS},
    {OK_LINE "Transfer-Encoding: chunked, gzip\r\n", HTTP_FAULT_CODING},
    {OK_LINE "Transfer-Encoding: chunked,\r\n", HTTP_FAULT_CODING},
    {OK_LINE "Transfer-Encoding:\r\n", HTTP_FAULT_CODING},
    {OK_LINE CHUNKED CHUNKED, HTTP_FAULT_CODING},
    {OK_LINE CHUNKED "\r\n\r\n", HTTP_FAULT_CHUNK},
    {OK_LINE CHUNKED "\r\n-1\r\n", HTTP_FAULT_CHUNK},
    {OK_LINE CHUNKED "\r\n5 5\r\n", HTTP_FAULT_CHUNK},
    {OK_LINE CHUNKED "\r\n0x5\r\n", HTTP_FAULT_CHUNK},
    {OK_LINE CHUNKED "\r\n5\nhello", HTTP_FAULT_CHUNK},
    {OK_LINE CHUNKED "\r\n8000000000000000\r\n", HTTP_FAULT_CHUNK},
    {OK_LINE CHUNKED "\r\n1\r\nx\r\n7fffffffffffffff\r\n", HTTP_FAULT_CHUNK},
    {OK_LINE CHUNKED "\r\n1\r\nxy", HTTP_FAULT_CHUNK_END},
    {OK_LINE CHUNKED "\r\n1\r\nx\ry", HTTP_FAULT_CHUNK_END},
    {OK_LINE CHUNKED "\r\n0\r\nno trailer\r\n", HTTP_FAULT_HEADER},
};
#define BAD_ROWS ((int)(sizeof bad_rows / sizeof bad_rows[0]))

LOOP_TEST(hostile_bytes, BAD_ROWS)
{
    /* Breaks when bytes that can be read in two ways are read in one, or their fault depends on how they are cut. */
    struct http_outcome whole, bytes;
    const size_t in_bytes = strlen(bad_rows[_i].in);
    http_outcome_scan(&whole, bad_rows[_i].in, in_bytes, false, false, NULL, 0);
    http_outcome_scan_bytes(&bytes, bad_rows[_i].in, in_bytes, false, false);
    ck_assert_int_eq(whole.status, HTTP_SCAN_INVALID);
    ck_assert_int_eq(whole.fault, bad_rows[_i].fault);
    ck_assert_uint_eq(whole.responses, 0);
    ck_assert(http_outcome_same(&whole, &bytes));
    ck_assert_str_ne(http_fault_text(whole.fault), "");
}

/* `count` times piece behind what begins the stream. */
static char *repeated(const char *begin, const char *piece, size_t count, size_t *byte_count)
{
    const size_t begin_bytes = strlen(begin), piece_bytes = strlen(piece);
    char *text = malloc(begin_bytes + count * piece_bytes);
    ck_assert_ptr_nonnull(text);
    memcpy(text, begin, begin_bytes);
    for (size_t i = 0; i < count; i++)
        memcpy(text + begin_bytes + i * piece_bytes, piece, piece_bytes);
    *byte_count = begin_bytes + count * piece_bytes;
    return text;
}

TEST(headers_without_end)
{
    /* Breaks when a server can send headers, one header, or interim responses for ever. */
    static const struct {
        const char *begin, *piece;
        enum http_fault fault;
    } rows[] = {{OK_LINE, "A: b\r\n", HTTP_FAULT_HEAD_ENDLESS},
                {OK_LINE "A: ", "bbbbbbbb", HTTP_FAULT_HEAD_ENDLESS},
                {"HTTP/1.1 200 ", "OK", HTTP_FAULT_HEAD_ENDLESS},
                {"", "HTTP/1.1 102 \r\n\r\n", HTTP_FAULT_HEAD_ENDLESS},
                {OK_LINE CHUNKED "\r\n1;", "xxxxxxxx", HTTP_FAULT_CHUNK},
                {OK_LINE CHUNKED "\r\n0\r\n", "A: b\r\n", HTTP_FAULT_HEAD_ENDLESS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_outcome outcome;
        size_t byte_count;
        char *text = repeated(rows[i].begin, rows[i].piece, HTTP_HEAD_MAX_BYTES, &byte_count);
        http_outcome_scan_bytes(&outcome, text, byte_count, false, false);
        ck_assert_int_eq(outcome.fault, rows[i].fault);
        free(text);
    }
}

TEST(long_header)
{
    /* Breaks when a header that frames the body counts only by what a cut has left of it, or a long one of no matter breaks. */
    struct http_outcome outcome;
    size_t byte_count;
    char *text = repeated(OK_LINE "Content-Length: 5", " ", HTTP_LINE_BYTES, &byte_count);
    text[byte_count - 1] = '\n';
    http_outcome_scan_bytes(&outcome, text, byte_count, false, false);
    ck_assert_int_eq(outcome.fault, HTTP_FAULT_LENGTH);
    http_outcome_scan(&outcome, text, byte_count, false, false, NULL, 0);
    ck_assert_int_eq(outcome.fault, HTTP_FAULT_LENGTH);
    free(text);
    text = repeated(OK_LINE "Set-Cookie: ", "abcd", HTTP_LINE_BYTES, &byte_count);
    text[byte_count - 1] = '\n';
    http_outcome_scan_bytes(&outcome, text, byte_count, false, false);
    ck_assert_int_eq(outcome.status, HTTP_SCAN_MORE);
    free(text);
}

TEST(long_lines_cut_anywhere)
{
    /* Breaks when a limit strikes earlier or later by how the bytes are cut, or a size of a chunk is read in part. */
    static const struct {
        const char *begin, *piece;
        size_t count;
        const char *end;
        enum http_fault fault;
    } rows[] = {{"", "X", 300000, "", HTTP_FAULT_NOT_HTTP},
                {OK_LINE CHUNKED "\r\n", "0", 256, "30\r\n", HTTP_FAULT_CHUNK},
                {OK_LINE CHUNKED "\r\n", "0", 254, "1\r\nx\r\n", HTTP_FAULT_NONE},
                {OK_LINE CHUNKED "A: b\r\n\r\n1;", "x", 262000, "\r\nx\r\n", HTTP_FAULT_NONE},
                {OK_LINE CHUNKED "\r\n1;", "x", 262140, "\r\nx\r\n", HTTP_FAULT_NONE},
                {OK_LINE CHUNKED "\r\n1;", "x", 262141, "\r\nx\r\n", HTTP_FAULT_CHUNK},
                {OK_LINE "A: ", "b", 262120, "\r\n\r\n", HTTP_FAULT_NONE},
                {OK_LINE "A: ", "b", 262121, "\r\n\r\n", HTTP_FAULT_HEAD_ENDLESS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_outcome whole, bytes;
        size_t byte_count;
        char *text = repeated(rows[i].begin, rows[i].piece, rows[i].count + strlen(rows[i].end),
                              &byte_count);
        memcpy(text + byte_count - strlen(rows[i].end), rows[i].end, strlen(rows[i].end));
        http_outcome_scan(&whole, text, byte_count, false, false, NULL, 0);
        http_outcome_scan_bytes(&bytes, text, byte_count, false, false);
        ck_assert_msg(whole.fault == rows[i].fault, "row %zu: %d", i, (int)whole.fault);
        ck_assert(http_outcome_same(&whole, &bytes));
        free(text);
    }
}

TEST(pipelined)
{
    /* Breaks when consumed_bytes does not lead from one response to the next, or one leaves something to the next. */
    char in[8192] = "";
    struct http_scanner scanner = {0};
    struct http_response response;
    for (int i = 0; i < GOOD_ROWS; i++)
        if (!good_rows[i].to_head && !good_rows[i].closed)
            strncat(in, good_rows[i].in, sizeof in - strlen(in) - 1);
    size_t at = 0, consumed = 0;
    for (int i = 0; i < GOOD_ROWS; i++) {
        if (good_rows[i].to_head || good_rows[i].closed)
            continue;
        ck_assert_int_eq(
            http_scan(&scanner, false, in + at, strlen(in) - at, &consumed, &response, NULL),
            HTTP_SCAN_RESPONSE);
        ck_assert_uint_eq(response.status, good_rows[i].status);
        ck_assert_uint_eq(response.body_bytes, good_rows[i].body_bytes);
        ck_assert_int_eq(response.closes, good_rows[i].closes);
        at += consumed;
    }
    ck_assert_uint_eq(at, strlen(in));
}

/* ---- random streams ---- */

#define SAMPLES 3000u

static size_t draw(uint64_t *draws, size_t bound)
{
    return (size_t)rng_bounded(rng_at(22, (*draws)++), bound);
}

/* Lines that go together, and such that do not. */
static size_t sample(char *text, size_t text_bytes, uint64_t *draws)
{
    static const char *const lines[] = {OK_LINE,
                                        "HTTP/1.1 100 \r\n\r\n",
                                        "HTTP/1.1 304 N\r\n",
                                        "HTTP/1.0 500\r\n",
                                        LENGTH("3"),
                                        "Connection: close\r\n",
                                        CHUNKED,
                                        "Server: x\r\n",
                                        " more\r\n",
                                        "\r\n",
                                        "3\r\nabc\r\n",
                                        "0\r\n\r\n",
                                        "abc",
                                        "\n",
                                        "\r"};
    const size_t pieces = 2 + draw(draws, 8);
    text[0] = '\0';
    if (draw(draws, 4) > 0)
        strncat(text, OK_LINE, text_bytes - 1);
    for (size_t i = 0; i < pieces; i++)
        strncat(text, lines[draw(draws, sizeof lines / sizeof lines[0])],
                text_bytes - strlen(text) - 1);
    return strlen(text);
}

TEST(random_streams)
{
    /* Breaks when a stream reads differently once it is cut, or what is taken for a response is another one for http-parser. */
    uint64_t draws = 0;
    char text[512];
    size_t found = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        struct http_outcome whole, cut;
        const size_t byte_count = sample(text, sizeof text, &draws);
        const bool to_head = draw(&draws, 8) == 0, closed = draw(&draws, 2) == 0;
        const size_t at = draw(&draws, byte_count + 1);
        http_outcome_scan(&whole, text, byte_count, to_head, closed, NULL, 0);
        http_outcome_scan_bytes(&cut, text, byte_count, to_head, closed);
        ck_assert(http_outcome_same(&whole, &cut));
        http_outcome_scan(&cut, text, byte_count, to_head, closed, &at, 1);
        ck_assert(http_outcome_same(&whole, &cut));
        ck_assert_msg(http_oracle_agrees(text, byte_count, to_head), "%.500s", text);
        found += whole.responses;
    }
    ck_assert_uint_gt(found, SAMPLES / 20);
}

/* ---- what it is told of ---- */

struct heard {
    char headers[200], body[50];
    uint16_t status;
};

static void hear_status(void *state, uint16_t status)
{
    struct heard *heard = state;
    ck_assert_str_eq(heard->headers, "");
    heard->status = status;
}

static void hear_header(void *state, const char *name, size_t name_bytes, const char *value,
                        size_t value_bytes)
{
    struct heard *heard = state;
    const size_t at = strlen(heard->headers);
    snprintf(heard->headers + at, sizeof heard->headers - at, "%.*s=%.*s;", (int)name_bytes, name,
             (int)value_bytes, value);
}

static void hear_body(void *state, const char *bytes, size_t byte_count)
{
    strncat(((struct heard *)state)->body, bytes, byte_count);
}

TEST(tap)
{
    /* Breaks when who looks at a response gets another status, header or body than the server sent. */
    static const char in[] = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK_LINE
                             "A:  b c \r\n" CHUNKED "\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nT: u\r\n\r\n";
    struct heard heard = {.status = 0};
    const struct http_tap tap = {
        .state = &heard, .status = hear_status, .header = hear_header, .body = hear_body};
    struct http_scanner scanner = {0};
    struct http_response response;
    for (size_t i = 0; i < sizeof in - 1; i++) {
        size_t consumed;
        ck_assert_int_eq(http_scan(&scanner, false, in + i, 1, &consumed, &response, &tap),
                         i + 2 < sizeof in ? HTTP_SCAN_MORE : HTTP_SCAN_RESPONSE);
    }
    ck_assert_uint_eq(heard.status, 200);
    ck_assert_str_eq(heard.headers, "A=b c;Transfer-Encoding=chunked;T=u;");
    ck_assert_str_eq(heard.body, "hello");
}

TEST(looks_like)
{
    /* Breaks when a port of another protocol is not told by its name. */
    static const struct {
        const char *bytes;
        size_t byte_count;
        const char *name;
    } rows[] = {{"\x15\x03\x01\0\x02\x02\x46", 7, "TLS"},
                {"-ERR unknown command", 20, "RESP"},
                {"SSH-2.0-OpenSSH_9.2", 19, "SSH"},
                {"\0\0\x12\x04\0\0\0\0\0", 9, "HTTP/2"},
                {"\0\0\x12\x04\0\0\0\0\1", 9, NULL},
                {"", 0, NULL},
                {"hello", 5, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *name = http_guess_protocol(rows[i].bytes, rows[i].byte_count);
        ck_assert_int_eq(name == NULL, rows[i].name == NULL);
        if (name != NULL)
            ck_assert_str_eq(name, rows[i].name);
    }
    for (int cut = 0; cut < 2; cut++) { /* and its bytes are still there */
        struct http_scanner scanner = {0};
        struct http_response response;
        size_t consumed;
        const char *bytes;
        static const char in[] = "-ERR unknown command\r\n";
        for (size_t at = 0; at < sizeof in - 1; at += cut ? 1 : sizeof in - 1)
            if (http_scan(&scanner, false, in + at, cut ? 1 : sizeof in - 1, &consumed, &response,
                          NULL) == HTTP_SCAN_INVALID)
                break;
        ck_assert_int_eq(http_scanner_fault(&scanner), HTTP_FAULT_NOT_HTTP);
        const size_t byte_count = http_scanner_seen(&scanner, &bytes);
        ck_assert_uint_ge(byte_count, 1);
        ck_assert_int_eq(memcmp(bytes, in, byte_count), 0);
    }
}

TEST_SUITE(http_response)
