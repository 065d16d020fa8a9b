#include "worker/generate/brace.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/distribution.h"
#include "common/stamp.h"
#include "common/suggest.h"
#include "common/units.h"

#define ARGUMENTS_MAX 2u
#define ARGUMENT_BYTES BRACE_NAME_BYTES

/* What stands between the braces, cut. */
struct inside {
    char word[16], name[BRACE_NAME_BYTES];
    uint32_t label;
    char arguments[ARGUMENTS_MAX][ARGUMENT_BYTES];
    size_t argument_count;
};

static const struct known {
    const char *word;
    enum brace_kind kind;
    bool named;
    size_t least, most; /* arguments */
    const char *usage;
} known[] = {
    {"key", BRACE_KEY, true, 0, 0, "{key}, {key:NAME} or {key:NAME#1}"},
    {"new", BRACE_NEW, true, 0, 0, "{new} or {new:NAME}"},
    {"value", BRACE_VALUE, true, 0, 0, "{value} or {value:NAME}"},
    {"int", BRACE_INT, false, 2, 2, "{int A B}, A at most B"},
    {"float", BRACE_FLOAT, false, 0, 2, "{float} or {float A B}, A below B"},
    {"zipf", BRACE_ZIPF, false, 1, 2, "{zipf N} or {zipf N EXPONENT}"},
    {"seq", BRACE_SEQ, false, 0, 0, "{seq}"},
    {"ticket", BRACE_TICKET, false, 0, 0, "{ticket}"},
    {"worker", BRACE_WORKER, false, 0, 0, "{worker}"},
    {"run", BRACE_RUN, false, 0, 0, "{run}"},
    {"now", BRACE_NOW, false, 0, 0, "{now}"},
    {"uuid", BRACE_UUID, false, 0, 0, "{uuid}"},
    {"cursor", BRACE_CURSOR, false, 0, 0, "{cursor}"},
    {"script", BRACE_SCRIPT, false, 1, 1, "{script NAME}"},
    {"field", BRACE_FIELD, false, 1, 1, "{field NAME}"},
    {"vector", BRACE_VECTOR, false, 1, 1, "{vector N}, N from 1 to 65536"},
    {"stamp", BRACE_STAMP, false, 0, 1, "{stamp} or {stamp N}, N bytes from 64 to 1048576"},
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

static bool is_placeholder(const char *word, size_t word_bytes)
{
    return word_bytes > 1 && word[0] == '{' && isalpha((unsigned char)word[1]);
}

static bool is_escaped_brace(const char *word, size_t word_bytes)
{
    return word_bytes > 1 && word[0] == '\\' && word[1] == '{';
}

/* Copies what fits until one of these characters. */
static size_t take(char *out, size_t room, const char *text, size_t text_bytes, const char *until)
{
    size_t bytes = 0;
    while (bytes < text_bytes && strchr(until, text[bytes]) == NULL)
        bytes++;
    size_t kept = bytes < room ? bytes : room - 1;
    memcpy(out, text, kept);
    out[kept] = '\0';
    return bytes;
}

static bool take_name(struct inside *inside, const char **text, size_t *text_bytes)
{
    size_t used = take(inside->name, sizeof inside->name, *text, *text_bytes, "# ");
    if (used == 0 || used >= sizeof inside->name)
        return false;
    *text += used;
    *text_bytes -= used;
    return true;
}

static bool take_label(struct inside *inside, const char **text, size_t *text_bytes)
{
    if (*text_bytes < 2 || (*text)[1] < '1' || (*text)[1] > '9')
        return false;
    inside->label = (uint32_t)((*text)[1] - '0');
    *text += 2;
    *text_bytes -= 2;
    return true;
}

/* False: it has not the form of a placeholder. */
static bool read_inside(struct inside *inside, const char *text, size_t text_bytes)
{
    *inside = (struct inside){.argument_count = 0};
    size_t used = take(inside->word, sizeof inside->word, text, text_bytes, ":# ");
    text += used;
    text_bytes -= used;
    if (text_bytes > 0 && *text == ':') {
        text++;
        text_bytes--;
        if (!take_name(inside, &text, &text_bytes))
            return false;
    }
    if (text_bytes > 0 && *text == '#' && !take_label(inside, &text, &text_bytes))
        return false;
    const bool rest_is_one = strcmp(inside->word, "field") == 0; /* names of fields have blanks */
    while (rest_is_one && text_bytes > 0 && text[text_bytes - 1] == ' ')
        text_bytes--;
    while (text_bytes > 0) {
        if (*text != ' ')
            return false;
        while (text_bytes > 0 && *text == ' ') {
            text++;
            text_bytes--;
        }
        if (text_bytes == 0)
            break;
        if (inside->argument_count == ARGUMENTS_MAX)
            return false;
        used = take(inside->arguments[inside->argument_count++], ARGUMENT_BYTES, text, text_bytes,
                    rest_is_one ? "" : " ");
        text += used;
        text_bytes -= used;
    }
    return true;
}

static bool read_integer(int64_t *number, const char *text)
{
    uint64_t count;
    const bool negative = *text == '-';
    if (!units_parse_count(&count, text + negative) || count > INT64_MAX)
        return false;
    *number = negative ? -(int64_t)count : (int64_t)count;
    return true;
}

static bool read_real(double *number, const char *text)
{
    const bool negative = *text == '-';
    if (!units_parse_real(number, text + negative))
        return false;
    if (*number > BRACE_FLOAT_MAX)
        return false;
    *number = negative ? -*number : *number;
    return true;
}

static bool read_arguments(struct brace_piece *piece, const struct inside *inside)
{
    const char *first = inside->arguments[0], *second = inside->arguments[1];
    const size_t count = inside->argument_count;
    switch (piece->kind) {
    case BRACE_INT:
        return read_integer(&piece->from, first) && read_integer(&piece->to, second) &&
               piece->from <= piece->to;
    case BRACE_FLOAT:
        piece->high = 1;
        return count == 0 || (count == 2 && read_real(&piece->low, first) &&
                              read_real(&piece->high, second) && piece->low < piece->high);
    case BRACE_ZIPF:
        piece->low = KEY_EXPONENT_USUAL;
        return read_integer(&piece->from, first) && piece->from > 0 &&
               (count == 1 || (read_real(&piece->low, second) && piece->low <= KEY_EXPONENT_MAX));
    case BRACE_FIELD:
    case BRACE_SCRIPT:
        memcpy(piece->name, first, sizeof piece->name);
        return true;
    case BRACE_VECTOR:
        return read_integer(&piece->from, first) && piece->from > 0 &&
               piece->from <= BRACE_DIMENSIONS_MAX;
    case BRACE_STAMP:
        piece->from = STAMP_BYTES;
        return count == 0 || (read_integer(&piece->from, first) && piece->from >= STAMP_BYTES &&
                              piece->from <= BRACE_STAMP_BYTES_MAX);
    default:
        return true;
    }
}

static enum err_code refuse_unknown(const char *word, int shown, const char *name, struct err *err)
{
    char list[KNOWN_COUNT * 16] = "";
    size_t used = 0;
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = strlen(name)};
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, " {%s}", known[i].word);
        suggest_offer(&suggestion, known[i].word, strlen(known[i].word));
    }
    return err_set(err, E_CONFIG,
                   "no such placeholder: %.*s%s%s%s; known are%s, and \\{ is a brace", shown, word,
                   SUGGESTED(suggestion.best), list);
}

static enum err_code read_placeholder(struct brace_piece *piece, const char *word,
                                      size_t word_bytes, struct err *err)
{
    struct inside inside;
    const char *close = memchr(word, '}', word_bytes);
    if (close == NULL)
        return err_set(err, E_CONFIG, "%.*s has no } at its end; \\{ is a brace",
                       (int)(word_bytes < 60 ? word_bytes : 60), word);
    piece->used_bytes = (size_t)(close - word) + 1;
    const int shown = (int)(piece->used_bytes < 60 ? piece->used_bytes : 60);
    const bool formed = read_inside(&inside, word + 1, piece->used_bytes - 2);
    const struct known *found = NULL;
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (strcmp(inside.word, known[i].word) == 0)
            found = &known[i];
    if (found == NULL)
        return refuse_unknown(word, shown, inside.word, err);
    piece->kind = found->kind;
    piece->label = inside.label;
    memcpy(piece->name, inside.name, sizeof piece->name);
    if (!formed || inside.argument_count < found->least || inside.argument_count > found->most ||
        (inside.name[0] != '\0' && !found->named) ||
        (inside.label > 0 && found->kind != BRACE_KEY) || !read_arguments(piece, &inside))
        return err_set(err, E_CONFIG, "%.*s: it is %s", shown, word, found->usage);
    return OK;
}

enum err_code brace_next(struct brace_piece *piece, const char *word, size_t word_bytes,
                         struct err *err)
{
    *piece = (struct brace_piece){.kind = BRACE_TEXT, .text = word};
    if (is_placeholder(word, word_bytes))
        return read_placeholder(piece, word, word_bytes, err);
    if (is_escaped_brace(word, word_bytes)) {
        piece->text++;
        piece->text_bytes = 1;
        piece->used_bytes = 2;
        return OK;
    }
    size_t bytes = 1;
    while (bytes < word_bytes && !is_placeholder(word + bytes, word_bytes - bytes) &&
           !is_escaped_brace(word + bytes, word_bytes - bytes))
        bytes++;
    piece->used_bytes = piece->text_bytes = bytes;
    return OK;
}

/* Bytes of what stands at a place of a command and is not cut: a placeholder, an escaped brace, or one byte. 0: a
 * placeholder without an end. */
static size_t step_bytes(const char *at)
{
    const size_t rest_bytes = strlen(at);
    if (is_escaped_brace(at, rest_bytes))
        return 2;
    if (!is_placeholder(at, rest_bytes))
        return 1;
    const char *close = strchr(at, '}');
    return close != NULL ? (size_t)(close - at) + 1 : 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

enum err_code brace_word(char *word, bool *found, const char **at, struct err *err)
{
    const char *text = *at, *begin;
    size_t used = 0;
    while (is_blank(*text))
        text++;
    *found = *text != '\0';
    begin = text;
    const char quote = *text == '\'' || *text == '"' ? *text : '\0';
    if (quote != '\0')
        text++;
    while (*text != '\0' && (quote != '\0' ? *text != quote : !is_blank(*text))) {
        size_t bytes = step_bytes(text);
        if (bytes == 0)
            return err_set(err, E_CONFIG, "%.60s has no } at its end; \\{ is a brace", text);
        memcpy(word + used, text, bytes);
        used += bytes;
        text += bytes;
    }
    word[used] = '\0';
    if (quote != '\0' && (*text != quote || !(is_blank(text[1]) || text[1] == '\0')))
        return err_set(err, E_CONFIG, "%.60s: a word that begins with %c ends with it", begin,
                       quote);
    *at = text + (quote != '\0');
    return OK;
}
