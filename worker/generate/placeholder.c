#include "worker/generate/placeholder.h"

#include <string.h>

#define BIT(kind) (1u << (kind))
#define STRICT BIT(PLACEHOLDER_UNKNOWN) /* unknown words are refused, and a backslash escapes */

static const struct {
    const char *text;
    enum placeholder kind;
    uint32_t name_index;
} placeholders[] = {
    {"__key__", PLACEHOLDER_KEY, 0},        {"__rand_int__", PLACEHOLDER_INT, 0},
    {"__data__", PLACEHOLDER_DATA, 0},      {"__rand_1st__", PLACEHOLDER_NAMED, 0},
    {"__rand_2nd__", PLACEHOLDER_NAMED, 1}, {"__rand_3rd__", PLACEHOLDER_NAMED, 2},
    {"__rand_4th__", PLACEHOLDER_NAMED, 3}, {"__rand_5th__", PLACEHOLDER_NAMED, 4},
    {"__rand_6th__", PLACEHOLDER_NAMED, 5}, {"__rand_7th__", PLACEHOLDER_NAMED, 6},
    {"__rand_8th__", PLACEHOLDER_NAMED, 7}, {"__rand_9th__", PLACEHOLDER_NAMED, 8},
    {"{tag}", PLACEHOLDER_TAG, 0},
};

unsigned placeholder_known(enum placeholder_rules rules, bool cluster)
{
    unsigned known = BIT(PLACEHOLDER_DATA);
    switch (rules) {
    case PLACEHOLDERS_OWN:
        return known | BIT(PLACEHOLDER_KEY) | BIT(PLACEHOLDER_INT) | BIT(PLACEHOLDER_NAMED) |
               BIT(PLACEHOLDER_TAG) | STRICT;
    case PLACEHOLDERS_BENCHMARK:
        known |= BIT(PLACEHOLDER_INT) | BIT(PLACEHOLDER_NAMED);
        break;
    case PLACEHOLDERS_BENCHMARK_FIXED:
        break;
    }
    return cluster ? known | BIT(PLACEHOLDER_TAG) : known;
}

#define FIELD "__field:"

/* Bytes of the __field:NAME__ that stands here; 0: none does. The name ends at the first double underscore. */
static size_t field_bytes(const char *text, size_t text_bytes)
{
    const size_t begin = strlen(FIELD);
    if (text_bytes < begin || memcmp(text, FIELD, begin) != 0)
        return 0;
    size_t end = begin;
    while (end + 2 <= text_bytes && memcmp(text + end, "__", 2) != 0)
        end++;
    return end > begin && end + 2 <= text_bytes ? end + 2 : 0;
}

/* A word of lower-case letters, digits and underscores that begins with a letter looks like a
 * placeholder when it stands between double underscores; one that is not known is a misspelling that
 * would otherwise go out as it stands. */
static size_t unknown_placeholder_bytes(const char *text, size_t text_bytes)
{
    if (text_bytes < 5 || memcmp(text, "__", 2) != 0 || text[2] < 'a' || text[2] > 'z')
        return 0;
    size_t end = 2;
    while (end < text_bytes && ((text[end] >= 'a' && text[end] <= 'z') ||
                                (text[end] >= '0' && text[end] <= '9') || text[end] == '_')) {
        end++;
        if (end > 4 && memcmp(text + end - 2, "__", 2) == 0)
            return end;
    }
    return 0;
}

static struct placeholder_piece word_at(const char *text, size_t text_bytes, unsigned known)
{
    struct placeholder_piece piece = {.kind = PLACEHOLDER_TEXT, .text = text};
    for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++) {
        size_t bytes = strlen(placeholders[i].text);
        if ((known & BIT(placeholders[i].kind)) != 0 && text_bytes >= bytes &&
            memcmp(text, placeholders[i].text, bytes) == 0) {
            piece.kind = placeholders[i].kind;
            piece.name_index = placeholders[i].name_index;
            piece.used_bytes = piece.text_bytes = bytes;
            return piece;
        }
    }
    const size_t of_field = field_bytes(text, text_bytes);
    if (of_field > 0 && (known & PLACEHOLDER_FIELDS) != 0) {
        piece.kind = PLACEHOLDER_FIELD;
        piece.used_bytes = piece.text_bytes = of_field;
        piece.name = text + strlen(FIELD);
        piece.name_bytes = of_field - strlen(FIELD) - 2;
        return piece;
    }
    size_t unknown_bytes = of_field > 0 ? of_field : unknown_placeholder_bytes(text, text_bytes);
    if ((known & STRICT) == 0)
        unknown_bytes = 0;
    if (unknown_bytes > 0)
        piece.kind = PLACEHOLDER_UNKNOWN;
    piece.used_bytes = piece.text_bytes = unknown_bytes > 0 ? unknown_bytes : 1;
    return piece;
}

/* Backslashes, and the placeholder behind them when it is escaped. */
static struct placeholder_piece escaped_at(const char *text, size_t text_bytes, unsigned known)
{
    size_t count = 1;
    while (count < text_bytes && text[count] == '\\')
        count++;
    struct placeholder_piece piece = {.kind = PLACEHOLDER_TEXT, .text = text};
    piece.used_bytes = piece.text_bytes = count;
    if (count == text_bytes)
        return piece;
    struct placeholder_piece word = word_at(text + count, text_bytes - count, known);
    if (word.kind == PLACEHOLDER_TEXT)
        return piece;
    piece.text_bytes = count / 2;
    if (count % 2 == 1) {
        piece.used_bytes += word.used_bytes;
        piece.text_bytes += word.used_bytes;
    }
    piece.text = text + piece.used_bytes - piece.text_bytes;
    return piece;
}

struct placeholder_piece placeholder_next(const char *argument, size_t argument_bytes,
                                          unsigned known)
{
    if (*argument == '_' || *argument == '{')
        return word_at(argument, argument_bytes, known);
    if (*argument == '\\' && (known & STRICT) != 0)
        return escaped_at(argument, argument_bytes, known);
    struct placeholder_piece piece = {.kind = PLACEHOLDER_TEXT, .text = argument};
    while (piece.used_bytes < argument_bytes && strchr("_{\\", argument[piece.used_bytes]) == NULL)
        piece.used_bytes++;
    if (piece.used_bytes == 0)
        piece.used_bytes = 1;
    piece.text_bytes = piece.used_bytes;
    return piece;
}
