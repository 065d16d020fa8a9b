#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/resp.h"
#include "tests/support/check/resp_oracle.h"
#include "tests/support/check/suite.h"

#define SAMPLE_COUNT 400

/* A reply and what the scanner must say about it. */
struct good_row {
    const char *in;
    struct resp_reply expect;
};

static const struct good_row good_rows[] = {
    {"+OK\r\n", {.type = '+', .text = "OK", .text_bytes = 2}},
    {"+\r\n", {.type = '+', .text = "", .text_bytes = 0}},
    {"-ERR no\r\n", {.type = '-', .is_error = true, .text = "ERR no", .text_bytes = 6}},
    {":0\r\n", {.type = ':', .text = "0", .text_bytes = 1}},
    {":+12\r\n", {.type = ':', .integer = 12, .text = "+12", .text_bytes = 3}},
    {":-2\r\n", {.type = ':', .integer = -2, .text = "-2", .text_bytes = 2}},
    {":9223372036854775807\r\n",
     {.type = ':', .integer = INT64_MAX, .text = "9223372036854775807", .text_bytes = 19}},
    {":-9223372036854775808\r\n",
     {.type = ':', .integer = INT64_MIN, .text = "-9223372036854775808", .text_bytes = 20}},
    {"$0\r\n\r\n", {.type = '$'}},
    {"$4\r\n\r\n\r\n\r\n", {.type = '$', .integer = 4}},
    {"$-1\r\n", {.type = '$', .is_null = true, .integer = -1}},
    {"*-1\r\n", {.type = '*', .is_null = true, .integer = -1}},
    {"*0\r\n", {.type = '*'}},
    {"*3\r\n$1\r\na\r\n$-1\r\n*-1\r\n", {.type = '*', .integer = 3, .nulls = 2}},
    {"*2\r\n+OK\r\n-ERR no\r\n", {.type = '*', .integer = 2, .errors = 1}},
    {"*2\r\n*1\r\n$-1\r\n*1\r\n-E\r\n", {.type = '*', .integer = 2, .nulls = 1, .errors = 1}},
    {"_\r\n", {.type = '_', .is_null = true}},
    {"#t\r\n", {.type = '#', .integer = 1}},
    {"#f\r\n", {.type = '#'}},
    {",-1.5e+3\r\n", {.type = ',', .text = "-1.5e+3", .text_bytes = 7}},
    {",inf\r\n", {.type = ',', .text = "inf", .text_bytes = 3}},
    {"(-123456789012345678901\r\n",
     {.type = '(', .text = "-123456789012345678901", .text_bytes = 22}},
    {"!6\r\nERR\r\nx\r\n",
     {.type = '!', .is_error = true, .integer = 6, .text = "ERR\r\nx", .text_bytes = 6}},
    {"!0\r\n\r\n", {.type = '!', .is_error = true, .text = "", .text_bytes = 0}},
    {"=8\r\ntxt:text\r\n", {.type = '=', .integer = 8}},
    {"%2\r\n+a\r\n_\r\n+b\r\n!1\r\nE\r\n", {.type = '%', .integer = 2, .nulls = 1, .errors = 1}},
    {"%0\r\n", {.type = '%'}},
    {"~2\r\n:1\r\n#t\r\n", {.type = '~', .integer = 2}},
    {">2\r\n+message\r\n*1\r\n_\r\n", {.type = '>', .integer = 2, .nulls = 1}},
    {"|1\r\n+ttl\r\n:9\r\n+OK\r\n", {.type = '+', .text = "OK", .text_bytes = 2}},
    {"|0\r\n$1\r\na\r\n", {.type = '$', .integer = 1}},
    {"|1\r\n_\r\n-E\r\n*1\r\n|1\r\n_\r\n*1\r\n_\r\n_\r\n", {.type = '*', .integer = 1, .nulls = 1}},
    {"*2\r\n|1\r\n$-1\r\n-E\r\n:1\r\n:2\r\n", {.type = '*', .integer = 2}},
};

#define GOOD_ROWS ((int)(sizeof good_rows / sizeof good_rows[0]))

static void check_reply(const struct resp_reply *reply, const struct resp_reply *expect)
{
    ck_assert_int_eq(reply->type, expect->type);
    ck_assert_int_eq(reply->is_error, expect->is_error);
    ck_assert_int_eq(reply->is_null, expect->is_null);
    ck_assert_int_eq(reply->integer, expect->integer);
    ck_assert_uint_eq(reply->nulls, expect->nulls);
    ck_assert_uint_eq(reply->errors, expect->errors);
    ck_assert_uint_eq(reply->text_bytes, expect->text_bytes);
    if (expect->text_bytes > 0)
        ck_assert_mem_eq(reply->text, expect->text, expect->text_bytes);
}

LOOP_TEST(test_types, GOOD_ROWS)
{
    /* Breaks when a type is not known, or a field of its reply is not what resp.h promises. */
    const struct good_row *row = &good_rows[_i];
    const size_t in_bytes = strlen(row->in);
    struct resp_scanner scanner;
    resp_scanner_reset(&scanner);
    struct resp_reply reply;
    size_t consumed = 0;
    ck_assert_int_eq(resp_scan(&scanner, row->in, in_bytes, &consumed, &reply), RESP_REPLY);
    ck_assert_uint_eq(consumed, in_bytes);
    ck_assert(resp_scanner_idle(&scanner));
    check_reply(&reply, &row->expect);
}

LOOP_TEST(test_types_cut_anywhere, GOOD_ROWS)
{
    /* Breaks when what the scanner remembers between two buffers is not all that it needs. */
    const struct good_row *row = &good_rows[_i];
    const size_t in_bytes = strlen(row->in);
    for (size_t first = 0; first <= in_bytes; first++) {
        for (size_t second = first; second <= in_bytes; second++) {
            struct resp_outcome outcome;
            resp_outcome_scan(&outcome, row->in, in_bytes, (const size_t[]){first, second}, 2);
            ck_assert_int_eq(outcome.status, RESP_MORE);
            ck_assert_uint_eq(outcome.replies, 1);
            ck_assert_uint_eq(outcome.end_bytes, in_bytes);
            ck_assert(outcome.idle);
            check_reply(&outcome.last, &row->expect);
        }
    }
}

LOOP_TEST(test_prefix_is_more, GOOD_ROWS)
{
    /* Breaks when a reply is said to be whole before its last byte, or idle inside a reply. */
    const struct good_row *row = &good_rows[_i];
    for (size_t in_bytes = 0; in_bytes < strlen(row->in); in_bytes++) {
        struct resp_scanner scanner;
        resp_scanner_reset(&scanner);
        struct resp_reply reply;
        size_t consumed = 99;
        ck_assert_int_eq(resp_scan(&scanner, row->in, in_bytes, &consumed, &reply), RESP_MORE);
        ck_assert_uint_eq(consumed, in_bytes);
        ck_assert_int_eq(resp_scanner_idle(&scanner), in_bytes == 0);
    }
}

TEST(test_samples_as_generated)
{
    /* Breaks when a random nested RESP3 reply is not counted as its generator counted it. */
    for (uint64_t seed = 0; seed < SAMPLE_COUNT; seed++) {
        struct resp_sample sample;
        resp_sample_make(&sample, seed, 6, true);
        struct resp_outcome outcome;
        resp_outcome_scan(&outcome, sample.bytes, sample.byte_count, NULL, 0);
        ck_assert_uint_eq(outcome.replies, 1);
        ck_assert_uint_eq(outcome.end_bytes, sample.byte_count);
        check_reply(&outcome.last, &sample.expect);
        resp_sample_free(&sample);
    }
}

TEST(test_samples_cut_anywhere)
{
    /* Breaks when a random nested reply reads differently once it is cut. */
    for (uint64_t seed = 0; seed < SAMPLE_COUNT; seed++) {
        struct resp_sample sample;
        resp_sample_make(&sample, seed, 6, true);
        struct resp_outcome whole, cut;
        resp_outcome_scan(&whole, sample.bytes, sample.byte_count, NULL, 0);
        resp_outcome_scan_bytes(&cut, sample.bytes, sample.byte_count);
        ck_assert(resp_outcome_same(&whole, &cut));
        const size_t step = sample.byte_count / 200 + 1;
        for (size_t at = 0; at <= sample.byte_count; at += step) {
            const size_t end = at + resp_sample_draw(&sample, sample.byte_count - at + 1);
            resp_outcome_scan(&cut, sample.bytes, sample.byte_count, (const size_t[]){at, end}, 2);
            ck_assert(resp_outcome_same(&whole, &cut));
        }
        resp_sample_free(&sample);
    }
}

TEST(test_damaged_samples_cut_anywhere)
{
    /* Breaks when a damaged stream is refused or accepted depending on where it was cut. */
    for (uint64_t seed = 0; seed < 4 * SAMPLE_COUNT; seed++) {
        struct resp_sample sample;
        resp_sample_make(&sample, seed, 4, true);
        const size_t at = resp_sample_draw(&sample, sample.byte_count);
        sample.bytes[at] = "\r\n0-9$*+|x"[resp_sample_draw(&sample, 10)];
        struct resp_outcome whole, cut;
        resp_outcome_scan(&whole, sample.bytes, sample.byte_count, NULL, 0);
        resp_outcome_scan_bytes(&cut, sample.bytes, sample.byte_count);
        ck_assert(resp_outcome_same(&whole, &cut));
        resp_outcome_scan(&cut, sample.bytes, sample.byte_count, &at, 1);
        ck_assert(resp_outcome_same(&whole, &cut));
        resp_sample_free(&sample);
    }
}

TEST(test_pipelined)
{
    /* Breaks when consumed_bytes does not lead from one reply of a buffer to the next. */
    struct resp_scanner scanner;
    resp_scanner_reset(&scanner);
    size_t at = 0;
    char in[4096] = "";
    for (int i = 0; i < GOOD_ROWS; i++)
        strncat(in, good_rows[i].in, sizeof in - strlen(in) - 1);
    for (int i = 0; i < GOOD_ROWS; i++) {
        struct resp_reply reply;
        size_t consumed = 0;
        ck_assert_int_eq(resp_scan(&scanner, in + at, strlen(in) - at, &consumed, &reply),
                         RESP_REPLY);
        check_reply(&reply, &good_rows[i].expect);
        at += consumed;
    }
    ck_assert_uint_eq(at, strlen(in));
}

static const char *const bad_rows[] = {
    "x", "HTTP/1.1 400 Bad Request\r\n", "\r\n", " +OK\r\n", ".\r\n", ";4\r\nabcd\r\n",
    /* lines */
    "+a\rb\r\n", "+a\nb\r\n", "-a\n", ":1\n", "$1\n", "+OK\r\r\n",
    /* numbers */
    ":\r\n", ":-\r\n", ":+\r\n", ":1 \r\n", ": 1\r\n", ":01\r\n", ":-0\r\n", ":1a\r\n", ":--1\r\n",
    ":9223372036854775808\r\n", ":-9223372036854775809\r\n", ":99999999999999999999999\r\n",
    /* lengths */
    "$\r\n", "$-2\r\n", "$-\r\n", "$+1\r\na\r\n", "$01\r\na\r\n", "$4294967297\r\n",
    "$99999999999999999999\r\n", "$1x\r\na\r\n", "$?\r\n", "*?\r\n", "*-2\r\n", "*1a\r\n",
    "*4294967297\r\n", "~-1\r\n", "%-1\r\n", "!-1\r\n", "=-1\r\n", ">-1\r\n", "|-1\r\n",
    /* bodies */
    "$1\r\nab\r\n", "$1\r\na\n\r", "$1\r\na\rx", "$0\r\nx\r\n", "!1\r\nab\r\n",
    "*1\r\n$1\r\nab\r\n", "*2\r\n$1\r\nab\r\n$1\r\na\r\n",
    /* RESP3 lines */
    "_x\r\n", "#\r\n", "#x\r\n", "#tt\r\n", ",\r\n", ",1.5.5\r\n", ",e5\r\n", ",1e\r\n", ",1e+\r\n",
    ",.5\r\n", ",in\r\n", ",infx\r\n", ",+\r\n", ",1 \r\n", "(\r\n", "(-\r\n", "(12a\r\n",
    "(1-\r\n", "*1\r\n>1\r\n+a\r\n"};

#define BAD_ROWS ((int)(sizeof bad_rows / sizeof bad_rows[0]))

LOOP_TEST(test_invalid, BAD_ROWS)
{
    /* Breaks when rubbish is taken for a reply, whole or cut anywhere. */
    const char *in = bad_rows[_i];
    const size_t in_bytes = strlen(in);
    struct resp_outcome whole, cut;
    resp_outcome_scan(&whole, in, in_bytes, NULL, 0);
    ck_assert_int_eq(whole.status, RESP_INVALID);
    ck_assert_uint_eq(whole.replies, 0);
    for (size_t at = 0; at <= in_bytes; at++) {
        resp_outcome_scan(&cut, in, in_bytes, &at, 1);
        ck_assert(resp_outcome_same(&whole, &cut));
    }
}

TEST(test_invalid_stays)
{
    /* Breaks when a broken stream comes back to life, or a reset does not mend it. */
    struct resp_scanner scanner;
    resp_scanner_reset(&scanner);
    struct resp_reply reply;
    size_t consumed = 0;
    ck_assert_int_eq(resp_scan(&scanner, "$x\r\n", 4, &consumed, &reply), RESP_INVALID);
    ck_assert(!resp_scanner_idle(&scanner));
    ck_assert_int_eq(resp_scan(&scanner, "+OK\r\n", 5, &consumed, &reply), RESP_INVALID);
    resp_scanner_reset(&scanner);
    ck_assert_int_eq(resp_scan(&scanner, "+OK\r\n", 5, &consumed, &reply), RESP_REPLY);
}

/* count times "*1\r\n", then tail. */
static enum resp_status scan_nested(int count, const char *level, const char *tail)
{
    char in[40 * 8 + 32] = "";
    for (int i = 0; i < count; i++)
        strncat(in, level, sizeof in - strlen(in) - 1);
    strncat(in, tail, sizeof in - strlen(in) - 1);
    struct resp_outcome whole, cut;
    resp_outcome_scan(&whole, in, strlen(in), NULL, 0);
    resp_outcome_scan_bytes(&cut, in, strlen(in));
    ck_assert(resp_outcome_same(&whole, &cut));
    if (whole.status == RESP_MORE)
        ck_assert_uint_eq(whole.end_bytes, strlen(in));
    return whole.status;
}

TEST(test_depth_limit)
{
    /* Breaks when the deepest allowed level is refused, or one more is written past the arrays. */
    ck_assert_int_eq(scan_nested(RESP_DEPTH_MAX, "*1\r\n", ":1\r\n"), RESP_MORE);
    ck_assert_int_eq(scan_nested(RESP_DEPTH_MAX, "*1\r\n", "*-1\r\n"), RESP_MORE);
    ck_assert_int_eq(scan_nested(RESP_DEPTH_MAX - 1, "*1\r\n", "*0\r\n"), RESP_MORE);
    ck_assert_int_eq(scan_nested(RESP_DEPTH_MAX, "*1\r\n", "*0\r\n"), RESP_INVALID);
    ck_assert_int_eq(scan_nested(RESP_DEPTH_MAX + 1, "*1\r\n", ":1\r\n"), RESP_INVALID);
    ck_assert_int_eq(scan_nested(RESP_DEPTH_MAX + 1, "|1\r\n", ":1\r\n"), RESP_INVALID);
    ck_assert_int_eq(scan_nested(RESP_DEPTH_MAX * 2, "|0\r\n", ":1\r\n"), RESP_MORE);
}

TEST(test_long_line)
{
    /* Breaks when a long text is cut at another length than resp.h says, or a number line may grow. */
    char in[3 * RESP_LINE_BYTES];
    static const size_t lengths[] = {RESP_LINE_BYTES - 1, RESP_LINE_BYTES, RESP_LINE_BYTES + 1,
                                     2 * RESP_LINE_BYTES};
    static const char types[] = {'+', '-', '(', ',', '!'};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t t = 0; t < sizeof types; t++) {
            char head[16] = {types[t]};
            if (types[t] == '!')
                ck_assert(snprintf(head, sizeof head, "!%zu\r\n", lengths[i]) > 0);
            const size_t head_bytes = strlen(head);
            const size_t in_bytes = head_bytes + lengths[i] + 2;
            memcpy(in, head, head_bytes);
            memset(in + head_bytes, '7', lengths[i]);
            memcpy(in + in_bytes - 2, "\r\n", 2);
            const bool too_long = types[t] == ',' && lengths[i] > RESP_LINE_BYTES;
            struct resp_outcome whole, cut;
            resp_outcome_scan(&whole, in, in_bytes, NULL, 0);
            ck_assert_int_eq(whole.status, too_long ? RESP_INVALID : RESP_MORE);
            if (!too_long)
                ck_assert_uint_eq(whole.last.text_bytes,
                                  lengths[i] < RESP_LINE_BYTES ? lengths[i] : RESP_LINE_BYTES);
            resp_outcome_scan_bytes(&cut, in, in_bytes);
            ck_assert(resp_outcome_same(&whole, &cut));
            const size_t at = in_bytes / 2;
            resp_outcome_scan(&cut, in, in_bytes, &at, 1);
            ck_assert(resp_outcome_same(&whole, &cut));
        }
    }
}

TEST(test_big_bulk)
{
    /* Breaks when a body of the greatest length is refused or its end is miscounted; the body is
     * handed over as one block again and again, and never kept. */
    const size_t block_bytes = 1 << 20;
    char *block = calloc(1, block_bytes);
    ck_assert_ptr_nonnull(block);
    struct resp_scanner scanner;
    resp_scanner_reset(&scanner);
    struct resp_reply reply;
    size_t consumed = 0;
    ck_assert_int_eq(resp_scan(&scanner, "*1\r\n$4294967296\r\n", 17, &consumed, &reply),
                     RESP_MORE);
    for (int64_t left = RESP_BULK_MAX_BYTES; left > 0; left -= (int64_t)block_bytes) {
        ck_assert_int_eq(resp_scan(&scanner, block, block_bytes, &consumed, &reply), RESP_MORE);
        ck_assert_uint_eq(consumed, block_bytes);
    }
    ck_assert_int_eq(resp_scan(&scanner, "\r\n+", 3, &consumed, &reply), RESP_REPLY);
    ck_assert_uint_eq(consumed, 2);
    ck_assert_int_eq(reply.integer, 1);
    free(block);
}

TEST(test_encode)
{
    /* Breaks when the encoding is not what servers read, or bytes are written where they do not fit. */
    static const char *const argv[] = {"SET", "k\r\n", "", "0123456789"};
    static const size_t arg_bytes[] = {3, 3, 0, 10};
    static const char expect[] =
        "*4\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n$10\r\n0123456789\r\n";
    const size_t need_bytes = sizeof expect - 1;
    char out[sizeof expect];
    memset(out, '#', sizeof out);
    ck_assert_uint_eq(resp_encode_command(NULL, 0, 4, argv, arg_bytes), need_bytes);
    ck_assert_uint_eq(resp_encode_command(out, need_bytes - 1, 4, argv, arg_bytes), need_bytes);
    for (size_t i = 0; i < sizeof out; i++)
        ck_assert_int_eq(out[i], '#');
    ck_assert_uint_eq(resp_encode_command(out, need_bytes, 4, argv, arg_bytes), need_bytes);
    ck_assert_mem_eq(out, expect, need_bytes);
    ck_assert_int_eq(out[need_bytes], '#');
}

TEST(test_encode_scans)
{
    /* Breaks when an encoded command is not one array of as many bulks as it has arguments. */
    char arg[2000];
    memset(arg, '\r', sizeof arg);
    for (size_t argc = 1; argc <= 12; argc++) {
        const char *argv[12];
        size_t arg_bytes[12];
        for (size_t i = 0; i < argc; i++) {
            argv[i] = arg;
            arg_bytes[i] = i * 160 + argc;
        }
        char out[16384];
        const size_t out_bytes = resp_encode_command(out, sizeof out, argc, argv, arg_bytes);
        ck_assert_uint_le(out_bytes, sizeof out);
        struct resp_outcome outcome;
        resp_outcome_scan_bytes(&outcome, out, out_bytes);
        ck_assert_uint_eq(outcome.end_bytes, out_bytes);
        check_reply(&outcome.last, &(struct resp_reply){.type = '*', .integer = (int64_t)argc});
    }
}

/* ---- strings that somebody wants ---- */

static char heard[200];

static void hear_string(void *state, int64_t byte_count)
{
    (void)state;
    const size_t used = strlen(heard);
    snprintf(heard + used, sizeof heard - used, "<%lld>", (long long)byte_count);
}

static void hear_bytes(void *state, const char *bytes, size_t byte_count)
{
    const size_t used = strlen(heard);
    ck_assert_ptr_eq(state, heard);
    ck_assert_uint_gt(byte_count, 0);
    snprintf(heard + used, sizeof heard - used, "%.*s", (int)byte_count, bytes);
}

static const struct {
    const char *in, *heard;
} tapped_rows[] = {
    {"$5\r\nhello\r\n", "<5>hello"},
    {"$0\r\n\r\n", "<0>"},
    {"$-1\r\n", "<-1>"},
    {"_\r\n", "<-1>"},
    {"+OK\r\n", ""},
    {"-ERR no\r\n", ""},
    {"=8\r\ntxt:text\r\n", ""},
    {"!3\r\nERR\r\n", ""},
    {"*4\r\n$1\r\na\r\n$-1\r\n_\r\n$2\r\n\r\n\r\n", "<1>a<-1><-1><2>\r\n"},
    {"*2\r\n*1\r\n$1\r\nb\r\n$1\r\nc\r\n", "<1>b<1>c"},
    {">2\r\n$4\r\npush\r\n_\r\n", ""},
    {"|1\r\n$1\r\na\r\n_\r\n$1\r\nv\r\n", "<1>v"},
};
#define TAPPED_ROWS ((int)(sizeof tapped_rows / sizeof tapped_rows[0]))

TEST(test_strings_of_pushes_when_asked_for)
{
    /* Breaks when what a subscriber is told comes without its text, or with that of an attribute. */
    static const char in[] = "|1\r\n$1\r\na\r\n_\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n";
    const size_t in_bytes = sizeof in - 1;
    for (size_t first = 0; first <= in_bytes; first++) {
        heard[0] = '\0';
        const struct resp_tap tap = {
            .state = heard, .string = hear_string, .bytes = hear_bytes, .pushes = true};
        struct resp_scanner scanner = {0};
        struct resp_reply reply;
        size_t used;
        enum resp_status status = resp_scan_tapped(&scanner, in, first, &used, &reply, &tap);
        if (first < in_bytes)
            ck_assert_int_eq(status, RESP_MORE);
        if (status == RESP_MORE)
            status = resp_scan_tapped(&scanner, in + first, in_bytes - first, &used, &reply, &tap);
        ck_assert_int_eq(status, RESP_REPLY);
        ck_assert_int_eq(reply.type, '>');
        ck_assert_str_eq(heard, "<7>message<1>c<2>hi");
    }
}

LOOP_TEST(test_strings_are_handed_over, TAPPED_ROWS)
{
    /* Breaks when a string of a reply, or a null in its place, is not handed over once and whole, wherever the buffers
     * end, or something else is. */
    const char *in = tapped_rows[_i].in;
    const size_t in_bytes = strlen(in);
    const struct resp_tap tap = {.state = heard, .string = hear_string, .bytes = hear_bytes};
    for (size_t first = 0; first <= in_bytes; first++)
        for (size_t second = first; second <= in_bytes; second++) {
            const size_t ends[] = {first, second, in_bytes};
            struct resp_scanner scanner;
            struct resp_reply reply;
            enum resp_status status = RESP_MORE;
            size_t used = 0, at = 0;
            resp_scanner_reset(&scanner);
            heard[0] = '\0';
            for (size_t i = 0; i < 3 && status == RESP_MORE; i++, at += used)
                status = resp_scan_tapped(&scanner, in + at, ends[i] - at, &used, &reply, &tap);
            ck_assert_int_eq(status, RESP_REPLY);
            ck_assert_uint_eq(at, in_bytes);
            ck_assert_str_eq(heard, tapped_rows[_i].heard);
        }
}

TEST_SUITE(resp)
