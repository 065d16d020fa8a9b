#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "tests/support/check/resp_oracle.h"

/* Where an element stands. */
struct place {
    uint32_t depth; /* aggregates around it                          */
    bool attribute; /* inside an attribute: counts for nothing       */
};

static void put_bytes(struct resp_sample *sample, const char *bytes, size_t byte_count)
{
    if (sample->byte_count + byte_count > sample->capacity_bytes) {
        sample->capacity_bytes = (sample->byte_count + byte_count) * 2;
        sample->bytes = realloc(sample->bytes, sample->capacity_bytes);
        if (sample->bytes == NULL)
            abort();
    }
    memcpy(sample->bytes + sample->byte_count, bytes, byte_count);
    sample->byte_count += byte_count;
}

static void put(struct resp_sample *sample, const char *format, ...) PRINTF_LIKE(2, 3);
static void put(struct resp_sample *sample, const char *format, ...)
{
    char text[64];
    va_list args;
    va_start(args, format);
    const int written = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (written < 0 || (size_t)written >= sizeof text)
        abort();
    put_bytes(sample, text, (size_t)written);
}

uint64_t resp_sample_draw(struct resp_sample *sample, uint64_t bound)
{
    return rng_bounded(rng_at(sample->seed, sample->draws++), bound);
}

/* What the element at this place means for the reply. */
static void expect_element(struct resp_sample *sample, struct place place, struct resp_reply reply)
{
    if (place.attribute)
        return;
    if (place.depth == 0) {
        reply.nulls = sample->expect.nulls;
        reply.errors = sample->expect.errors;
        sample->expect = reply;
        if (reply.text_bytes > 0)
            memcpy(sample->expect_text, reply.text, reply.text_bytes);
        sample->expect.text = sample->expect_text;
    } else {
        sample->expect.nulls += reply.is_null;
        sample->expect.errors += reply.is_error;
    }
}

/* Lengths around what is kept of a line are as likely as short ones. */
static size_t draw_text_bytes(struct resp_sample *sample)
{
    switch (resp_sample_draw(sample, 8)) {
    case 0:
        return 0;
    case 1:
        return RESP_LINE_BYTES - 2 + resp_sample_draw(sample, 5);
    case 2:
        return 2ul * RESP_LINE_BYTES + resp_sample_draw(sample, 40);
    default:
        return 1 + resp_sample_draw(sample, 24);
    }
}

/* Text for a line, or any bytes at all, CR and LF foremost, for a body. */
static void make_text(struct resp_sample *sample, char *text, size_t text_bytes, bool any_byte)
{
    static const char awkward[] = "\r\n$*:-";
    for (size_t i = 0; i < text_bytes; i++) {
        text[i] = (char)('a' + resp_sample_draw(sample, 26));
        if (any_byte && resp_sample_draw(sample, 3) == 0)
            text[i] = awkward[resp_sample_draw(sample, sizeof awkward)];
    }
}

static void make_line(struct resp_sample *sample, struct place place, char type)
{
    char text[4 * RESP_LINE_BYTES];
    const size_t text_bytes = draw_text_bytes(sample);
    make_text(sample, text, text_bytes, false);
    put_bytes(sample, &type, 1);
    put_bytes(sample, text, text_bytes);
    put(sample, "\r\n");
    expect_element(
        sample, place,
        (struct resp_reply){
            .type = type,
            .is_error = type == '-',
            .text = text,
            .text_bytes = (uint32_t)(text_bytes < RESP_LINE_BYTES ? text_bytes : RESP_LINE_BYTES)});
}

static void make_bulk(struct resp_sample *sample, struct place place, char type)
{
    char body[4 * RESP_LINE_BYTES];
    const size_t body_bytes = draw_text_bytes(sample);
    make_text(sample, body, body_bytes, true);
    put(sample, "%c%zu\r\n", type, body_bytes);
    put_bytes(sample, body, body_bytes);
    put(sample, "\r\n");
    struct resp_reply reply = {
        .type = type, .is_error = type == '!', .integer = (int64_t)body_bytes};
    if (type == '!') {
        reply.text = body;
        reply.text_bytes = (uint32_t)(body_bytes < RESP_LINE_BYTES ? body_bytes : RESP_LINE_BYTES);
    }
    expect_element(sample, place, reply);
}

static void make_number(struct resp_sample *sample, struct place place)
{
    static const int64_t edges[] = {0, 1, -1, 9, 10, INT64_MAX, INT64_MIN, 4294967296, 9999999999};
    int64_t integer = edges[resp_sample_draw(sample, sizeof edges / sizeof edges[0])];
    if (resp_sample_draw(sample, 2) == 0)
        integer = (int64_t)(rng_at(sample->seed, sample->draws++) >> resp_sample_draw(sample, 64));
    char text[32];
    const int text_bytes = snprintf(text, sizeof text, "%" PRId64, integer);
    put(sample, ":%s\r\n", text);
    expect_element(
        sample, place,
        (struct resp_reply){
            .type = ':', .integer = integer, .text = text, .text_bytes = (uint32_t)text_bytes});
}

/* RESP3's short lines. */
static void make_fixed(struct resp_sample *sample, struct place place)
{
    static const struct {
        char type, text[32];
        int64_t integer;
    } rows[] = {{'_', "", 0},         {'#', "t", 1},
                {'#', "f", 0},        {',', "1.25e-3", 0},
                {',', "-inf", 0},     {',', "nan", 0},
                {',', "10", 0},       {'(', "-1234567890123456789012", 0},
                {'(', "7", 0},        {',', "3.", 0},
                {',', "-0.5E+10", 0}, {'(', "+0", 0}};
    const size_t i = resp_sample_draw(sample, sizeof rows / sizeof rows[0]);
    put(sample, "%c%s\r\n", rows[i].type, rows[i].text);
    struct resp_reply reply = {
        .type = rows[i].type, .is_null = rows[i].type == '_', .integer = rows[i].integer};
    if (rows[i].type == ',' || rows[i].type == '(') {
        reply.text = rows[i].text;
        reply.text_bytes = (uint32_t)strlen(rows[i].text);
    }
    expect_element(sample, place, reply);
}

static void make_element(struct resp_sample *sample, struct place place);

static void make_aggregate(struct resp_sample *sample, struct place place, char type)
{
    const uint64_t count = resp_sample_draw(sample, 6);
    put(sample, "%c%" PRIu64 "\r\n", type, count);
    const bool attribute = type == '|';
    if (!attribute)
        expect_element(sample, place, (struct resp_reply){.type = type, .integer = (int64_t)count});
    const struct place inside = {place.depth + 1, place.attribute || attribute};
    const uint64_t elements = attribute || type == '%' ? count * 2 : count;
    for (uint64_t i = 0; i < elements; i++)
        make_element(sample, inside);
}

static void make_null(struct resp_sample *sample, struct place place, char type)
{
    put(sample, "%c-1\r\n", type);
    expect_element(sample, place,
                   (struct resp_reply){.type = type, .is_null = true, .integer = -1});
}

static void make_element(struct resp_sample *sample, struct place place)
{
    static const char resp2_lines[] = "+-";
    static const char resp3_bulks[] = "$!=";
    static const char resp3_aggregates[] = "*%~>";
    /* One kind in nine nests: with at most ten elements a level a sample stays small. */
    const bool may_nest = place.depth < sample->depth_max && sample->byte_count < 4000;
    if (may_nest &&
        (place.depth == 0 ? resp_sample_draw(sample, 2) == 0 : resp_sample_draw(sample, 4) == 0)) {
        if (sample->resp3 && resp_sample_draw(sample, 4) == 0) {
            make_aggregate(sample, place, '|');
            make_element(sample, place);
            return;
        }
        const uint64_t kinds = place.depth == 0 ? 4 : 3;
        make_aggregate(sample, place,
                       sample->resp3 ? resp3_aggregates[resp_sample_draw(sample, kinds)] : '*');
        return;
    }
    switch (resp_sample_draw(sample, sample->resp3 ? 6 : 4)) {
    case 0:
        make_line(sample, place, resp2_lines[resp_sample_draw(sample, 2)]);
        break;
    case 1:
        make_number(sample, place);
        break;
    case 2:
        make_null(sample, place, resp_sample_draw(sample, 2) == 0 ? '$' : '*');
        break;
    case 4:
    case 5:
        make_fixed(sample, place);
        break;
    default:
        make_bulk(sample, place, sample->resp3 ? resp3_bulks[resp_sample_draw(sample, 3)] : '$');
        break;
    }
}

void resp_sample_make(struct resp_sample *sample, uint64_t seed, uint32_t depth_max, bool resp3)
{
    *sample = (struct resp_sample){.seed = seed, .depth_max = depth_max, .resp3 = resp3};
    make_element(sample, (struct place){0, false});
}

void resp_sample_free(struct resp_sample *sample)
{
    free(sample->bytes);
    sample->bytes = NULL;
}
