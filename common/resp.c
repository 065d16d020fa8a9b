#include "common/resp.h"

#include <assert.h>
#include <string.h>

#include "common/resp_usual.h"

/* A line that is no free text is longer than this only when it is rubbish. */
#define NUMBER_LINE_BYTES RESP_LINE_BYTES
#define ELEMENT_BYTES_MIN 3 /* a type byte and an empty line */

enum scanner_state {
    STATE_IDLE,    /* between replies                                   */
    STATE_ELEMENT, /* inside a reply; a type byte comes next            */
    STATE_LINE,    /* behind the type byte, before the end of its line  */
    STATE_BODY,    /* inside a bulk body or its CRLF: skip_bytes to go  */
    STATE_BROKEN   /* not RESP                                          */
};

/* What a step of the state machine leaves behind. */
enum step {
    STEP_ELEMENT, /* go on with the next type byte                */
    STEP_BODY,    /* a bulk body follows                          */
    STEP_REPLY,   /* the top-level reply is whole                 */
    STEP_MORE,    /* the buffer is used up                        */
    STEP_INVALID
};

static_assert(sizeof(struct resp_scanner) <= 400, "one per connection: keep it small");

void resp_scanner_reset(struct resp_scanner *scanner)
{
    *scanner = (struct resp_scanner){.state = STATE_IDLE};
}

bool resp_scanner_idle(const struct resp_scanner *scanner)
{
    return scanner->state == STATE_IDLE;
}

int64_t resp_scanner_integer(const struct resp_scanner *scanner, unsigned index)
{
    assert(index < RESP_INTEGERS);
    return scanner->integers[index];
}

uint64_t resp_scanner_least_bytes(const struct resp_scanner *scanner)
{
    uint64_t elements = 0;
    for (uint32_t level = 0; level < scanner->depth; level++)
        elements += (uint64_t)scanner->remaining[level] - 1; /* the one under way is left out */
    return elements * ELEMENT_BYTES_MIN +
           (scanner->state == STATE_BODY ? (uint64_t)scanner->skip_bytes : 0);
}

/* ---- The state machine: any reply, cut anywhere. What it says depends on the bytes alone, never on
 * where a buffer ended; so each rule is checked either at the first byte that breaks it or at the
 * end of the line. ---- */

static bool parse_integer(const char *text, uint32_t text_bytes, bool plus_allowed,
                          int64_t *integer)
{
    uint32_t i = 0;
    const bool negative = text_bytes > 0 && text[0] == '-';
    if (negative || (plus_allowed && text_bytes > 0 && text[0] == '+'))
        i++;
    if (i == text_bytes || (text[i] == '0' && text_bytes > 1))
        return false;
    const uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t value = 0;
    for (; i < text_bytes; i++) {
        const unsigned digit = resp_digit(text[i]);
        if (digit > 9 || value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *integer = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static uint32_t skip_digits(const char *text, uint32_t text_bytes, uint32_t i)
{
    while (i < text_bytes && resp_digit(text[i]) <= 9)
        i++;
    return i;
}

/* [sign] digits [. digits] [e [sign] digits], or [sign] inf, or [sign] nan. */
static bool is_double(const char *text, uint32_t text_bytes)
{
    uint32_t i = text_bytes > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    if (text_bytes - i == 3 && (memcmp(text + i, "inf", 3) == 0 || memcmp(text + i, "nan", 3) == 0))
        return true;
    const uint32_t first = i;
    i = skip_digits(text, text_bytes, i);
    if (i == first)
        return false;
    if (i < text_bytes && text[i] == '.')
        i = skip_digits(text, text_bytes, i + 1);
    if (i < text_bytes && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        if (i < text_bytes && (text[i] == '-' || text[i] == '+'))
            i++;
        const uint32_t exponent = i;
        i = skip_digits(text, text_bytes, i);
        if (i == exponent)
            return false;
    }
    return i == text_bytes;
}

static bool is_type(char type)
{
    return type != '\0' && strchr("+-:$*_#,(!=%~>|", type) != NULL;
}

/* Closes the levels that the element just ended completes. */
static enum step element_end(struct resp_scanner *scanner)
{
    while (scanner->depth > 0) {
        const uint32_t level = scanner->depth - 1;
        if (--scanner->remaining[level] > 0)
            return STEP_ELEMENT;
        scanner->depth--;
        if (scanner->attribute[level]) {
            scanner->attributes--;
            return STEP_ELEMENT; /* what it was about follows */
        }
    }
    return STEP_REPLY;
}

static void element_note(struct resp_scanner *scanner, bool is_null, int64_t integer)
{
    const bool is_error = scanner->element == '-' || scanner->element == '!';
    if (scanner->depth == 0) {
        scanner->reply = (struct resp_reply){
            .type = scanner->element, .is_error = is_error, .is_null = is_null, .integer = integer};
        memset(scanner->integers, 0, sizeof scanner->integers);
    } else if (scanner->attributes == 0) {
        scanner->reply.nulls += is_null;
        scanner->reply.errors += is_error;
        const int64_t element = scanner->reply.integer - scanner->remaining[0];
        if (is_error && element >= 0 && element < 64)
            scanner->reply.failed |= 1ull << element;
        if (scanner->element == ':' && scanner->depth == 1 && element >= 0 &&
            element < RESP_INTEGERS)
            scanner->integers[element] = integer;
    }
}

static bool is_tapped(const struct resp_scanner *scanner)
{
    return scanner->tap != NULL && scanner->attributes == 0 &&
           (scanner->depth == 0 || scanner->reply.type != '>' || scanner->tap->pushes);
}

/* A string, or -1 for a null, as somebody may want it. */
static void tap_string(const struct resp_scanner *scanner, int64_t length)
{
    if (is_tapped(scanner))
        scanner->tap->string(scanner->tap->state, length);
}

static void tap_bytes(const struct resp_scanner *scanner, const char *bytes, int64_t byte_count)
{
    if (byte_count > 0 && scanner->element == '$' && is_tapped(scanner))
        scanner->tap->bytes(scanner->tap->state, bytes, (size_t)byte_count);
}

static enum step aggregate_begin(struct resp_scanner *scanner, int64_t count)
{
    const bool attribute = scanner->element == '|';
    if (scanner->depth == RESP_DEPTH_MAX)
        return STEP_INVALID;
    if (!attribute)
        element_note(scanner, false, count);
    if (count == 0)
        return attribute ? STEP_ELEMENT : element_end(scanner);
    const bool pairs = attribute || scanner->element == '%';
    scanner->remaining[scanner->depth] = pairs ? count * 2 : count;
    scanner->attribute[scanner->depth] = attribute;
    scanner->attributes += attribute;
    scanner->depth++;
    return STEP_ELEMENT;
}

/* '$' '!' '=' and the aggregates, whose line is a length. */
static enum step length_end(struct resp_scanner *scanner, int64_t length)
{
    const char type = scanner->element;
    if (length == -1 && (type == '$' || type == '*')) {
        element_note(scanner, true, -1);
        tap_string(scanner, -1);
        return element_end(scanner);
    }
    if (length < 0 || length > RESP_BULK_MAX_BYTES)
        return STEP_INVALID;
    if (type != '$' && type != '!' && type != '=')
        return aggregate_begin(scanner, length);
    element_note(scanner, false, length);
    if (type == '$')
        tap_string(scanner, length);
    if (type == '!' && scanner->depth == 0)
        scanner->reply.text = scanner->line;
    scanner->skip_bytes = length + RESP_CRLF_BYTES;
    scanner->line_bytes = 0;
    return STEP_BODY;
}

/* The element's line is whole. */
static enum step line_end(struct resp_scanner *scanner, const char *text, uint32_t text_bytes)
{
    int64_t integer = 0;
    bool valid = true;
    switch (scanner->element) {
    case '+':
    case '-':
        break;
    case ':':
        valid = parse_integer(text, text_bytes, true, &integer);
        break;
    case ',':
        valid = is_double(text, text_bytes);
        break;
    case '(': /* line_may_hold has seen every byte */
        valid = text_bytes > 0 && resp_digit(text[text_bytes - 1]) <= 9;
        break;
    case '#':
        valid = text_bytes == 1 && (text[0] == 't' || text[0] == 'f');
        integer = valid && text[0] == 't';
        break;
    case '_':
        valid = text_bytes == 0;
        break;
    default:
        if (!parse_integer(text, text_bytes, false, &integer))
            return STEP_INVALID;
        return length_end(scanner, integer);
    }
    if (!valid)
        return STEP_INVALID;
    element_note(scanner, scanner->element == '_', integer);
    if (scanner->element == '_')
        tap_string(scanner, -1);
    if (scanner->depth == 0 && scanner->element != '#' && scanner->element != '_') {
        scanner->reply.text = text;
        scanner->reply.text_bytes = text_bytes;
    }
    return element_end(scanner);
}

/* Whether the next bytes may stand in the line. Big numbers have no bound, so they are checked as
 * they pass. */
static bool line_may_hold(const struct resp_scanner *scanner, const char *bytes, size_t byte_count)
{
    if (scanner->element == '+' || scanner->element == '-')
        return true;
    if (scanner->element != '(')
        return byte_count <= NUMBER_LINE_BYTES - scanner->line_bytes;
    for (size_t i = 0; i < byte_count; i++) {
        const bool sign = bytes[i] == '-' || bytes[i] == '+';
        if (resp_digit(bytes[i]) > 9 && !(sign && i == 0 && scanner->line_bytes == 0))
            return false;
    }
    return true;
}

static void line_keep(struct resp_scanner *scanner, const char *bytes, size_t byte_count)
{
    const size_t space_bytes = RESP_LINE_BYTES - scanner->line_bytes;
    const size_t kept_bytes = byte_count < space_bytes ? byte_count : space_bytes;
    if (kept_bytes > 0)
        memcpy(scanner->line + scanner->line_bytes, bytes, kept_bytes);
    scanner->line_bytes += (uint32_t)kept_bytes;
}

static enum step line_step(struct resp_scanner *scanner, const char **in, const char *end)
{
    const char *p = *in;
    const char *at = p;
    if (!scanner->line_return) {
        while (at < end && *at != '\r' && *at != '\n')
            at++;
        const size_t text_bytes = (size_t)(at - p);
        if (!line_may_hold(scanner, p, text_bytes) || (at < end && *at == '\n'))
            return STEP_INVALID;
        if (end - at >= RESP_CRLF_BYTES && scanner->line_bytes == 0) {
            *in = at + RESP_CRLF_BYTES;
            if (at[1] != '\n')
                return STEP_INVALID;
            return line_end(scanner, p,
                            text_bytes < RESP_LINE_BYTES ? (uint32_t)text_bytes : RESP_LINE_BYTES);
        }
        line_keep(scanner, p, text_bytes);
        if (at < end) {
            scanner->line_return = true;
            at++;
        }
    }
    if (at == end)
        return STEP_MORE;
    *in = at + 1;
    scanner->line_return = false;
    if (*at != '\n')
        return STEP_INVALID;
    return line_end(scanner, scanner->line, scanner->line_bytes);
}

/* The text of a '!' at the top level is kept, and always aside: its CRLF may come in a later buffer
 * than its last byte. Every other body is only passed over, and passed on where somebody wants it. */
static void body_pass(struct resp_scanner *scanner, const char *p, int64_t body_bytes)
{
    tap_bytes(scanner, p, body_bytes);
    if (scanner->element != '!' || scanner->depth > 0)
        return;
    line_keep(scanner, p, (size_t)body_bytes);
    scanner->reply.text_bytes = scanner->line_bytes;
}

static enum step body_step(struct resp_scanner *scanner, const char **in, const char *end)
{
    const char *p = *in;
    if (scanner->skip_bytes > RESP_CRLF_BYTES) {
        const int64_t left_bytes = scanner->skip_bytes - RESP_CRLF_BYTES;
        const int64_t body_bytes = end - p < left_bytes ? end - p : left_bytes;
        body_pass(scanner, p, body_bytes);
        p += body_bytes;
        scanner->skip_bytes -= body_bytes;
        if (scanner->skip_bytes > RESP_CRLF_BYTES)
            return STEP_MORE;
    }
    while (scanner->skip_bytes > 0) {
        if (p == end)
            return STEP_MORE;
        if (*p++ != (scanner->skip_bytes == RESP_CRLF_BYTES ? '\r' : '\n'))
            return STEP_INVALID;
        scanner->skip_bytes--;
    }
    *in = p;
    return element_end(scanner);
}

/* Passes over the bulks at the head of an aggregate's rest; the level's last element is left to the
 * state machine, which closes it. */
static const char *pass_bulks(struct resp_scanner *scanner, const char *p, const char *end)
{
    int64_t remaining = scanner->remaining[scanner->depth - 1];
    uint32_t nulls = 0;
    for (; remaining > 1 && p < end && *p == '$'; remaining--) {
        int64_t length;
        const char *next = resp_usual_bulk(p + 1, end, &length);
        if (next == NULL) {
            next = resp_usual_null(p + 1, end);
            if (next == NULL)
                break;
            nulls++;
        }
        p = next;
    }
    scanner->remaining[scanner->depth - 1] = remaining;
    if (scanner->attributes == 0)
        scanner->reply.nulls += nulls;
    return p;
}

static enum step element_step(struct resp_scanner *scanner, const char **in, const char *end)
{
    if (scanner->depth > 0 && scanner->tap == NULL)
        *in = pass_bulks(scanner, *in, end);
    if (*in == end)
        return STEP_MORE;
    const char type = *(*in)++;
    if (!is_type(type) || (type == '>' && scanner->depth > 0))
        return STEP_INVALID;
    scanner->element = type;
    scanner->line_bytes = 0;
    scanner->state = STATE_LINE;
    return line_step(scanner, in, end);
}

static enum resp_status scan_any(struct resp_scanner *scanner, const char *in, size_t in_bytes,
                                 size_t *consumed_bytes, struct resp_reply *reply)
{
    const char *p = in;
    const char *end = in + in_bytes;
    for (;;) {
        enum step step = STEP_INVALID;
        if (scanner->state == STATE_LINE)
            step = line_step(scanner, &p, end);
        else if (scanner->state == STATE_BODY)
            step = body_step(scanner, &p, end);
        else if (scanner->state != STATE_BROKEN)
            step = element_step(scanner, &p, end);
        switch (step) {
        case STEP_ELEMENT:
            scanner->state = STATE_ELEMENT;
            break;
        case STEP_BODY:
            scanner->state = STATE_BODY;
            break;
        case STEP_REPLY:
            scanner->state = STATE_IDLE;
            *consumed_bytes = (size_t)(p - in);
            *reply = scanner->reply;
            return RESP_REPLY;
        case STEP_MORE:
            *consumed_bytes = in_bytes;
            return RESP_MORE;
        case STEP_INVALID:
            scanner->state = STATE_BROKEN;
            *consumed_bytes = 0;
            return RESP_INVALID;
        }
    }
}

enum resp_status resp_scan(struct resp_scanner *scanner, const char *in, size_t in_bytes,
                           size_t *consumed_bytes, struct resp_reply *reply)
{
    if (scanner->state == STATE_IDLE && in_bytes > 0) {
        const char *next = resp_usual_reply(in, in + in_bytes, reply);
        if (next != NULL) {
            *consumed_bytes = (size_t)(next - in);
            return RESP_REPLY;
        }
    }
    return scan_any(scanner, in, in_bytes, consumed_bytes, reply);
}

/* A whole string at the top level, which is what most reads bring. */
static const char *tap_usual(const char *in, const char *end, struct resp_reply *reply,
                             const struct resp_tap *tap)
{
    int64_t length;
    if (in == end || *in != '$')
        return NULL;
    const char *next = resp_usual_bulk(in + 1, end, &length);
    if (next == NULL)
        return NULL;
    *reply = (struct resp_reply){.type = '$', .integer = length};
    tap->string(tap->state, length);
    if (length > 0)
        tap->bytes(tap->state, next - RESP_CRLF_BYTES - length, (size_t)length);
    return next;
}

enum resp_status resp_scan_tapped(struct resp_scanner *scanner, const char *in, size_t in_bytes,
                                  size_t *consumed_bytes, struct resp_reply *reply,
                                  const struct resp_tap *tap)
{
    if (scanner->state == STATE_IDLE) {
        const char *next = tap_usual(in, in + in_bytes, reply, tap);
        if (next != NULL) {
            *consumed_bytes = (size_t)(next - in);
            return RESP_REPLY;
        }
    }
    scanner->tap = tap;
    const enum resp_status status = scan_any(scanner, in, in_bytes, consumed_bytes, reply);
    scanner->tap = NULL;
    return status;
}

/* Writes type, number and CRLF from the end of a field; returns their length. */
#define HEAD_BYTES_MAX 24
static size_t head_write(char head[HEAD_BYTES_MAX], char type, size_t number)
{
    char digits[HEAD_BYTES_MAX];
    size_t digit_count = 0;
    do {
        digits[digit_count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    size_t head_bytes = 0;
    head[head_bytes++] = type;
    while (digit_count > 0)
        head[head_bytes++] = digits[--digit_count];
    head[head_bytes++] = '\r';
    head[head_bytes++] = '\n';
    return head_bytes;
}

size_t resp_encode_command(char *out, size_t out_bytes, size_t argc, const char *const *argv,
                           const size_t *arg_bytes)
{
    char head[HEAD_BYTES_MAX];
    size_t need_bytes = head_write(head, '*', argc);
    for (size_t i = 0; i < argc; i++) {
        const size_t bytes = arg_bytes != NULL ? arg_bytes[i] : strlen(argv[i]);
        need_bytes += head_write(head, '$', bytes) + bytes + RESP_CRLF_BYTES;
    }
    if (out == NULL || need_bytes > out_bytes)
        return need_bytes;

    size_t at = head_write(head, '*', argc);
    memcpy(out, head, at);
    for (size_t i = 0; i < argc; i++) {
        const size_t bytes = arg_bytes != NULL ? arg_bytes[i] : strlen(argv[i]);
        const size_t head_bytes = head_write(head, '$', bytes);
        memcpy(out + at, head, head_bytes);
        at += head_bytes;
        if (bytes > 0)
            memcpy(out + at, argv[i], bytes);
        at += bytes;
        memcpy(out + at, "\r\n", RESP_CRLF_BYTES);
        at += RESP_CRLF_BYTES;
    }
    return need_bytes;
}
