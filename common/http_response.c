#include "common/http_response.h"

#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define LENGTH_MAX ((uint64_t)INT64_MAX) /* a longer one is rubbish */
#define COLD __attribute__((noinline, cold))

enum {
    STATE_STATUS, /* begins at 0: a zeroed scanner */
    STATE_HEADERS,
    STATE_BODY,       /* left_bytes of it */
    STATE_TO_THE_END, /* of the connection */
    STATE_CHUNK_SIZE,
    STATE_CHUNK,
    STATE_CHUNK_CR,
    STATE_CHUNK_LF,
    STATE_TRAILERS,
    STATE_INVALID
};

void http_scanner_reset(struct http_scanner *scanner)
{
    memset(scanner, 0, sizeof *scanner);
}

bool http_scanner_idle(const struct http_scanner *scanner)
{
    return scanner->state == STATE_STATUS && scanner->head_bytes == 0 && scanner->line_bytes == 0 &&
           !scanner->line_return;
}

uint64_t http_scanner_least_bytes(const struct http_scanner *scanner)
{
    if (scanner->state == STATE_TO_THE_END)
        return UINT64_MAX;
    return scanner->state == STATE_BODY || scanner->state == STATE_CHUNK ? scanner->left_bytes : 0;
}

enum http_fault http_scanner_fault(const struct http_scanner *scanner)
{
    return (enum http_fault)scanner->fault;
}

const char *http_fault_text(enum http_fault fault)
{
    static const char *const texts[HTTP_FAULTS] = {
#define HTTP_FAULT_TEXT(id, text) [HTTP_FAULT_##id] = text,
        HTTP_FAULT_TABLE(HTTP_FAULT_TEXT)
#undef HTTP_FAULT_TEXT
    };
    return texts[fault];
}

size_t http_scanner_seen(const struct http_scanner *scanner, const char **bytes)
{
    *bytes = scanner->line;
    return scanner->line_bytes < HTTP_SEEN_BYTES ? scanner->line_bytes : HTTP_SEEN_BYTES;
}

static bool begins(const char *bytes, size_t byte_count, const char *with)
{
    const size_t with_bytes = strlen(with);
    return byte_count >= with_bytes && memcmp(bytes, with, with_bytes) == 0;
}

/* A TLS record is an alert or a handshake of version 3; a frame of HTTP/2 that a server begins with is SETTINGS, of stream 0. */
const char *http_guess_protocol(const char *bytes, size_t byte_count)
{
    static const struct {
        const char *begin, *name;
    } known[] = {{"\x15\x03", "TLS"}, {"\x16\x03", "TLS"}, {"-ERR", "RESP"},
                 {"-NOAUTH", "RESP"}, {"-DENIED", "RESP"}, {"+OK", "RESP"},
                 {"+PONG", "RESP"},   {"SSH-", "SSH"},     {"220", "SMTP or FTP"},
                 {"RTSP/", "RTSP"},   {"<", "HTTP/0.9"},   {"HTTP/2", "HTTP/2 in HTTP/1's words"},
                 {"* OK", "IMAP"}};
    for (size_t i = 0; i < COUNT(known); i++)
        if (begins(bytes, byte_count, known[i].begin))
            return known[i].name;
    return byte_count >= 9 && bytes[0] == 0 && bytes[3] == 4 &&
                   memcmp(bytes + 5, "\0\0\0\0", 4) == 0
               ? "HTTP/2"
               : NULL;
}

COLD static bool fail(struct http_scanner *scanner, enum http_fault fault)
{
    scanner->state = STATE_INVALID;
    scanner->fault = (uint8_t)fault;
    return false;
}

/* ---- lines ---- */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* "HTTP/1.1 200 OK"; the words behind the status may be missing, and the blank ahead of them. */
static bool take_status(struct http_scanner *scanner, const char *line, size_t byte_count,
                        const struct http_tap *tap)
{
    static const char word[] = "HTTP/1.";
    const size_t at = sizeof word - 1; /* of the minor version */
    if (!begins(line, byte_count, word) || byte_count < at + 2 || !is_digit(line[at]) ||
        line[at + 1] != ' ')
        return fail(scanner, HTTP_FAULT_NOT_HTTP);
    const char *status = line + at + 2;
    const size_t left = byte_count - (at + 2);
    if (left < 3 || !is_digit(status[0]) || !is_digit(status[1]) || !is_digit(status[2]) ||
        status[0] == '0' || (left > 3 && status[3] != ' '))
        return fail(scanner, HTTP_FAULT_STATUS);
    scanner->minor_version = (uint8_t)(line[at] - '0');
    scanner->status =
        (uint16_t)((status[0] - '0') * 100 + (status[1] - '0') * 10 + status[2] - '0');
    scanner->has_length = scanner->has_coding = scanner->chunked = false;
    scanner->said_close = scanner->said_keep_alive = false;
    scanner->last_matters = true; /* no header goes on with it */
    scanner->left_bytes = scanner->body_bytes = 0;
    if (scanner->status == 101)
        return fail(scanner, HTTP_FAULT_SWITCHED);
    if (tap != NULL && tap->status != NULL && scanner->status >= 200)
        tap->status(tap->state, scanner->status);
    scanner->state = STATE_HEADERS;
    return true;
}

/* RFC 9110, 5.6.2. */
static bool is_token(const char *bytes, size_t byte_count)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < byte_count; i++) {
        const char low = (char)(bytes[i] | 0x20);
        if (!(low >= 'a' && low <= 'z') && !is_digit(bytes[i]) &&
            (bytes[i] == '\0' || strchr(others, bytes[i]) == NULL))
            return false;
    }
    return byte_count > 0;
}

/* word: small letters. */
static bool is_word(const char *bytes, size_t byte_count, const char *word)
{
    if (strlen(word) != byte_count)
        return false;
    for (size_t i = 0; i < byte_count; i++) {
        const char byte = bytes[i];
        if ((byte >= 'A' && byte <= 'Z' ? (char)(byte + 'a' - 'A') : byte) != word[i])
            return false;
    }
    return true;
}

static void trim(const char **bytes, size_t *byte_count)
{
    for (; *byte_count > 0 && is_blank(**bytes); (*bytes)++)
        (*byte_count)--;
    while (*byte_count > 0 && is_blank((*bytes)[*byte_count - 1]))
        (*byte_count)--;
}

/* The next word of a list with commas; false: there is none left. */
static bool next_word(const char **list, size_t *list_bytes, const char **word, size_t *word_bytes)
{
    while (*list_bytes > 0) {
        const char *comma = memchr(*list, ',', *list_bytes);
        *word = *list;
        *word_bytes = comma != NULL ? (size_t)(comma - *list) : *list_bytes;
        const size_t step = *word_bytes + (comma != NULL);
        *list += step;
        *list_bytes -= step;
        trim(word, word_bytes);
        if (*word_bytes > 0)
            return true;
    }
    return false;
}

static bool take_length(struct http_scanner *scanner, const char *value, size_t byte_count)
{
    uint64_t length = 0;
    if (scanner->has_length || scanner->has_coding)
        return fail(scanner, HTTP_FAULT_LENGTHS);
    for (size_t i = 0; i < byte_count; i++) {
        if (!is_digit(value[i]))
            return fail(scanner, value[i] == ',' ? HTTP_FAULT_LENGTHS : HTTP_FAULT_LENGTH);
        const uint64_t digit = (uint64_t)(value[i] - '0');
        if (length > (LENGTH_MAX - digit) / 10)
            return fail(scanner, HTTP_FAULT_LENGTH);
        length = length * 10 + digit;
    }
    if (byte_count == 0)
        return fail(scanner, HTTP_FAULT_LENGTH);
    scanner->has_length = true;
    scanner->left_bytes = length;
    return true;
}

/* Chunks end a body that has them; another coding alone goes to the end of the connection. */
static bool take_coding(struct http_scanner *scanner, const char *value, size_t byte_count)
{
    const char *word;
    size_t word_bytes;
    if (scanner->has_length)
        return fail(scanner, HTTP_FAULT_LENGTHS);
    if (byte_count == 0 || value[0] == ',' || value[byte_count - 1] == ',') /* read so and so */
        return fail(scanner, HTTP_FAULT_CODING);
    while (next_word(&value, &byte_count, &word, &word_bytes)) {
        if (scanner->chunked) /* has to be the last one */
            return fail(scanner, HTTP_FAULT_CODING);
        scanner->chunked = is_word(word, word_bytes, "chunked");
        scanner->has_coding = true;
    }
    return scanner->has_coding || fail(scanner, HTTP_FAULT_CODING);
}

static bool take_connection(struct http_scanner *scanner, const char *value, size_t byte_count)
{
    const char *word;
    size_t word_bytes;
    while (next_word(&value, &byte_count, &word, &word_bytes)) {
        scanner->said_close |= is_word(word, word_bytes, "close");
        scanner->said_keep_alive |= is_word(word, word_bytes, "keep-alive");
    }
    return true;
}

/* Headers that say how the response ends; others are passed over. */
static const struct {
    const char *name;
    bool (*take)(struct http_scanner *scanner, const char *value, size_t byte_count);
    enum http_fault too_long;
} headers[] = {{"content-length", take_length, HTTP_FAULT_LENGTH},
               {"transfer-encoding", take_coding, HTTP_FAULT_CODING},
               {"connection", take_connection, HTTP_FAULT_HEADER}};

/* whole_bytes: of the line, of which byte_count are there. */
static bool take_header(struct http_scanner *scanner, const char *line, size_t byte_count,
                        size_t whole_bytes, const struct http_tap *tap)
{
    if (is_blank(line[0])) /* goes on with the header before: which matters only where that did */
        return !scanner->last_matters || fail(scanner, HTTP_FAULT_HEADER);
    const char *colon =
        memchr(line, ':', byte_count < HTTP_LINE_BYTES ? byte_count : HTTP_LINE_BYTES);
    if (colon == NULL || !is_token(line, (size_t)(colon - line)))
        return fail(scanner, HTTP_FAULT_HEADER);
    const size_t name_bytes = (size_t)(colon - line);
    const char *value = colon + 1;
    size_t value_bytes = byte_count - name_bytes - 1;
    trim(&value, &value_bytes);
    scanner->last_matters = false;
    for (size_t i = 0; i < COUNT(headers) && scanner->state == STATE_HEADERS; i++) {
        if (!is_word(line, name_bytes, headers[i].name))
            continue;
        scanner->last_matters = true;
        if (whole_bytes > HTTP_LINE_BYTES)
            return fail(scanner, headers[i].too_long);
        if (!headers[i].take(scanner, value, value_bytes))
            return false;
    }
    if (tap != NULL && tap->header != NULL && scanner->status >= 200)
        tap->header(tap->state, line, name_bytes, value, value_bytes);
    return true;
}

static int hex_digit(char byte)
{
    const char low = (char)(byte | 0x20);
    if (is_digit(byte))
        return byte - '0';
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* A size and, behind a semicolon, what is passed over. */
static bool take_chunk_size(struct http_scanner *scanner, const char *line, size_t byte_count)
{
    uint64_t size = 0;
    size_t at = 0;
    if (byte_count > HTTP_LINE_BYTES) /* alike however it is cut */
        byte_count = HTTP_LINE_BYTES;
    for (; at < byte_count && hex_digit(line[at]) >= 0; at++) {
        if (size > LENGTH_MAX >> 4)
            return fail(scanner, HTTP_FAULT_CHUNK);
        size = size << 4 | (uint64_t)hex_digit(line[at]);
    }
    const size_t digits = at;
    while (at < byte_count && is_blank(line[at]))
        at++;
    if (digits == 0 || digits == HTTP_LINE_BYTES || size > LENGTH_MAX - scanner->body_bytes ||
        (at < byte_count && line[at] != ';'))
        return fail(scanner, HTTP_FAULT_CHUNK);
    scanner->left_bytes = size;
    scanner->state = size > 0 ? STATE_CHUNK : STATE_TRAILERS;
    return true;
}

/* ---- the end of a head ---- */

static bool has_no_body(const struct http_scanner *scanner, bool to_head)
{
    return to_head || scanner->status == 204 || scanner->status == 304;
}

/* Whether that was all of the response. */
static bool head_ended(struct http_scanner *scanner, bool to_head)
{
    if (scanner->status < 200) { /* the response is still to come */
        scanner->state = STATE_STATUS;
        return false;
    }
    if (has_no_body(scanner, to_head)) {
        scanner->left_bytes = 0;
        return true;
    }
    if (scanner->chunked)
        scanner->state = STATE_CHUNK_SIZE;
    else if (scanner->has_length && scanner->left_bytes == 0)
        return true;
    else
        scanner->state = scanner->has_length ? STATE_BODY : STATE_TO_THE_END;
    return false;
}

/* A line without its end. Whether the response ended with it. */
static bool take_line(struct http_scanner *scanner, bool to_head, const char *line,
                      size_t byte_count, size_t whole_bytes, const struct http_tap *tap)
{
    switch (scanner->state) {
    case STATE_STATUS:
        (void)take_status(scanner, line, byte_count, tap);
        return false;
    case STATE_HEADERS:
        if (whole_bytes == 0)
            return head_ended(scanner, to_head);
        (void)take_header(scanner, line, byte_count, whole_bytes, tap);
        return false;
    case STATE_CHUNK_SIZE:
        (void)take_chunk_size(scanner, line, byte_count);
        return false;
    default: /* trailers: they say nothing of the body any more */
        return whole_bytes == 0 ||
               (take_header(scanner, line, byte_count, whole_bytes, tap) && false);
    }
}

/* Bytes of a line that hold no LF: a CR may only be the last one. */
static bool line_goes_well(const struct http_scanner *scanner, const char *bytes, size_t byte_count)
{
    if (byte_count == 0)
        return true;
    const char *line_return = memchr(bytes, '\r', byte_count);
    return !scanner->line_return && memchr(bytes, '\0', byte_count) == NULL &&
           (line_return == NULL || line_return == bytes + byte_count - 1);
}

/* What fits, behind what is there. */
static void append(struct http_scanner *scanner, const char *bytes, size_t byte_count)
{
    const size_t kept =
        scanner->line_bytes < HTTP_LINE_BYTES ? scanner->line_bytes : HTTP_LINE_BYTES;
    const size_t room = HTTP_LINE_BYTES - kept;
    memcpy(scanner->line + kept, bytes, byte_count < room ? byte_count : room);
    scanner->line_bytes += (uint32_t)byte_count;
}

COLD static bool line_fault(struct http_scanner *scanner, const char *bytes, size_t byte_count)
{
    const bool first = scanner->state == STATE_STATUS;
    if (first)
        append(scanner, bytes, byte_count);
    return fail(scanner, first                                ? HTTP_FAULT_NOT_HTTP
                         : scanner->state == STATE_CHUNK_SIZE ? HTTP_FAULT_CHUNK
                                                              : HTTP_FAULT_HEADER);
}

/* The line goes on in the next buffer. */
static bool keep_line(struct http_scanner *scanner, const char *bytes, size_t byte_count)
{
    static const char word[] = "HTTP/1.";
    if (!line_goes_well(scanner, bytes, byte_count))
        return line_fault(scanner, bytes, byte_count);
    scanner->line_return = bytes[byte_count - 1] == '\r';
    append(scanner, bytes, byte_count - scanner->line_return);
    /* Whatever else comes without an end of a line would be waited for. */
    const size_t known =
        scanner->line_bytes < sizeof word - 1 ? scanner->line_bytes : sizeof word - 1;
    if (scanner->state == STATE_STATUS && memcmp(scanner->line, word, known) != 0)
        return fail(scanner, HTTP_FAULT_NOT_HTTP);
    return true;
}

/* A line ends at `end`, where its LF stands. Whether the response ended with it. */
static bool end_line(struct http_scanner *scanner, bool to_head, const char *bytes, const char *end,
                     const struct http_tap *tap)
{
    size_t byte_count = (size_t)(end - bytes);
    if (!line_goes_well(scanner, bytes, byte_count)) {
        line_fault(scanner, bytes, byte_count);
        return false;
    }
    const bool line_return = byte_count > 0 ? end[-1] == '\r' : scanner->line_return;
    byte_count -= byte_count > 0 && line_return;
    scanner->line_return = false;
    if (scanner->state == STATE_CHUNK_SIZE &&
        !line_return) /* elsewhere a lone LF is clear enough */
        return fail(scanner, HTTP_FAULT_CHUNK);
    const bool in_place = scanner->line_bytes == 0;
    if (!in_place)
        append(scanner, bytes, byte_count);
    const size_t whole_bytes = in_place ? byte_count : scanner->line_bytes;
    const size_t there_bytes =
        in_place || whole_bytes < HTTP_LINE_BYTES ? whole_bytes : HTTP_LINE_BYTES;
    const bool ended = take_line(scanner, to_head, in_place ? bytes : scanner->line, there_bytes,
                                 whole_bytes, tap);
    if (scanner->state != STATE_INVALID)
        scanner->line_bytes = 0;
    else if (in_place && scanner->fault == HTTP_FAULT_NOT_HTTP)
        append(scanner, bytes, byte_count);
    return ended;
}

/* ---- bodies ---- */

static const char *take_body(struct http_scanner *scanner, const char *at, const char *end,
                             const struct http_tap *tap)
{
    size_t byte_count = (size_t)(end - at);
    if (scanner->state != STATE_TO_THE_END) {
        if (byte_count > scanner->left_bytes)
            byte_count = (size_t)scanner->left_bytes;
        scanner->left_bytes -= byte_count;
    }
    scanner->body_bytes += byte_count;
    if (tap != NULL && tap->body != NULL && byte_count > 0)
        tap->body(tap->state, at, byte_count);
    return at + byte_count;
}

static void chunk_end(struct http_scanner *scanner, char byte)
{
    if (byte != (scanner->state == STATE_CHUNK_CR ? '\r' : '\n'))
        (void)fail(scanner, HTTP_FAULT_CHUNK_END);
    else
        scanner->state = scanner->state == STATE_CHUNK_CR ? STATE_CHUNK_LF : STATE_CHUNK_SIZE;
}

static enum http_scan_status finish(struct http_scanner *scanner, struct http_response *response)
{
    /* HTTP/1.0 knows no codings: RFC 9112, 6.1. */
    const bool lasts = !scanner->said_close && (scanner->minor_version > 0 ||
                                                (scanner->said_keep_alive && !scanner->has_coding));
    *response = (struct http_response){.status = scanner->status,
                                       .closes = !lasts || scanner->state == STATE_TO_THE_END,
                                       .body_bytes = scanner->body_bytes,
                                       .head_bytes = scanner->head_bytes};
    scanner->state = STATE_STATUS;
    scanner->head_bytes = 0;
    scanner->line_bytes = 0;
    return HTTP_SCAN_RESPONSE;
}

/* One line, or the part of one that is there. Whether the response ended with it. */
static bool walk_line(struct http_scanner *scanner, bool to_head, const char **at, const char *end,
                      const struct http_tap *tap)
{
    const char *from = *at, *line_end = memchr(from, '\n', (size_t)(end - from));
    *at = line_end != NULL ? line_end + 1 : end;
    const bool is_chunk = scanner->state == STATE_CHUNK_SIZE;
    uint32_t *used_bytes = is_chunk ? &scanner->size_bytes : &scanner->head_bytes;
    const size_t byte_count = (size_t)(*at - from), room = HTTP_HEAD_MAX_BYTES - *used_bytes;
    if (byte_count > room) { /* what fits may be wrong in another way */
        if (room == 0 || keep_line(scanner, from, room))
            (void)fail(scanner, is_chunk ? HTTP_FAULT_CHUNK : HTTP_FAULT_HEAD_ENDLESS);
        return false;
    }
    *used_bytes += (uint32_t)byte_count;
    if (is_chunk && line_end != NULL)
        scanner->size_bytes = 0;
    if (line_end != NULL)
        return end_line(scanner, to_head, from, line_end, tap);
    (void)keep_line(scanner, from, byte_count);
    return false;
}

enum http_scan_status http_scan(struct http_scanner *scanner, bool to_head, const char *in,
                                size_t in_bytes, size_t *consumed_bytes,
                                struct http_response *response, const struct http_tap *tap)
{
    const char *at = in, *const end = in + in_bytes;
    while (at < end && scanner->state != STATE_INVALID) {
        bool ended = false;
        switch (scanner->state) {
        case STATE_BODY:
        case STATE_TO_THE_END:
            at = take_body(scanner, at, end, tap);
            ended = scanner->state == STATE_BODY && scanner->left_bytes == 0;
            break;
        case STATE_CHUNK:
            at = take_body(scanner, at, end, tap);
            if (scanner->left_bytes == 0)
                scanner->state = STATE_CHUNK_CR;
            break;
        case STATE_CHUNK_CR:
        case STATE_CHUNK_LF:
            chunk_end(scanner, *at++);
            break;
        default:
            ended = walk_line(scanner, to_head, &at, end, tap);
            break;
        }
        if (ended) {
            *consumed_bytes = (size_t)(at - in);
            return finish(scanner, response);
        }
    }
    *consumed_bytes = (size_t)(at - in);
    return scanner->state == STATE_INVALID ? HTTP_SCAN_INVALID : HTTP_SCAN_MORE;
}

enum http_scan_status http_scan_end(struct http_scanner *scanner, struct http_response *response)
{
    if (scanner->state == STATE_TO_THE_END)
        return finish(scanner, response);
    if (http_scanner_idle(scanner))
        return HTTP_SCAN_MORE;
    if (scanner->state != STATE_INVALID)
        (void)fail(scanner, HTTP_FAULT_CUT);
    return HTTP_SCAN_INVALID;
}
