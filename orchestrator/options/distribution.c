#include "orchestrator/options/distribution.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/suggest.h"
#include "common/units.h"

#define PART_BYTES 64u
#define SHAPE_MAX 1000.0
#define TAIL 16.0 /* times the 99th percentile: the largest size where none is said */

/* A word of a distribution, and what is said when the rest of it is not understood. */
struct form {
    const char *name;
    int kind;
    const char *allowed; /* behind the name; NULL: nothing */
};

static const struct form key_forms[] = {
    {"uniform", ORDER_UNIFORM, NULL},
    {"sequential", ORDER_SEQUENTIAL, NULL},
    {"zipf", ORDER_ZIPF, "zipf, or zipf:EXPONENT with 0 to 5"},
    {"gaussian", ORDER_GAUSSIAN,
     "gaussian, or gaussian:DEVIATION as a part of the range, above 0 to 1000"},
    {"exponential", ORDER_EXPONENTIAL,
     "exponential, or exponential:SCALE as a part of the range, above 0 to 1000"},
    {"hotset", ORDER_HOTSET,
     "hotset:KEYS/DRAWS in percent, 0 to 100 and of keys above 0, as in hotset:10/90"},
    {"latest", ORDER_LATEST, "latest, or latest:EXPONENT with 0 to 5"},
    {"parallel", ORDER_PARALLEL, NULL},
    {"walk", ORDER_WALK, NULL},
    {"seq", ORDER_SEQUENTIAL, NULL}, /* short for the other, and not among the known ones */
};
#define KEY_FORMS (sizeof key_forms / sizeof key_forms[0])
#define KEYS_KNOWN                                                                                 \
    "uniform, sequential, zipf[:EXPONENT], gaussian[:DEVIATION], exponential[:SCALE], "            \
    "hotset:KEYS/DRAWS, latest[:EXPONENT], parallel, walk"

#define SIZE_BIMODAL (SIZE_PARETO + 1) /* weights of two */
static const struct form size_forms[] = {
    {"range", SIZE_RANGE, "range:A-B, the smaller size first"},
    {"weights", SIZE_WEIGHTS,
     "weights:SIZE:WEIGHT,... of up to 32 sizes, weights 0 or more and not all 0"},
    {"bimodal", SIZE_BIMODAL, "bimodal:A/B/P, two sizes and the percent of the first, 0 to 100"},
    {"lognormal", SIZE_LOGNORMAL,
     "lognormal:MEDIAN:P99 or lognormal:MEDIAN:P99:MAX, none below the one before"},
    {"pareto", SIZE_PARETO,
     "pareto:MIN:SHAPE or pareto:MIN:SHAPE:MAX, a shape above 0 to 1000, MAX not below MIN"},
    {"list", SIZE_WEIGHTS, "list:SIZE:WEIGHT,... as of weights:"},
};
#define SIZE_FORMS (sizeof size_forms / sizeof size_forms[0])
#define SIZES_KNOWN                                                                                \
    "SIZE, A-B, weights:SIZE:WEIGHT,..., bimodal:A/B/P, lognormal:MEDIAN:P99[:MAX], "              \
    "pareto:MIN:SHAPE[:MAX]"
#define SIZES_LIMITS "; a size is 1 byte to 512mb, the most that a server takes"
static_assert(SIZE_BYTES_MAX == 512ull << 20, "said above");

/* ---- parts of a text */

/* The next part up to a separator, without blanks around it. One that is too long for any number is cut to what is
 * none. False: there is none. */
static bool next_part(char part[PART_BYTES], const char **at, char separator)
{
    struct list_word word;
    if (!list_next(&word, at, separator))
        return false;
    const bool whole = word.byte_count < PART_BYTES;
    snprintf(part, PART_BYTES, "%.*s", whole ? (int)word.byte_count : 0, word.text);
    return true;
}

static bool next_real(double *value, const char **at, char separator, double most)
{
    char part[PART_BYTES];
    return next_part(part, at, separator) && units_parse_real(value, part) && *value <= most;
}

static bool next_size(uint64_t *bytes, const char **at, char separator)
{
    char part[PART_BYTES];
    return next_part(part, at, separator) && units_parse_size(bytes, part) && *bytes >= 1 &&
           *bytes <= SIZE_BYTES_MAX;
}

static const struct form *find_form(const struct form *forms, size_t form_count, const char *text)
{
    const char *at = text;
    char name[PART_BYTES];
    if (!next_part(name, &at, ':'))
        return NULL;
    for (size_t i = 0; i < form_count; i++)
        if (strcasecmp(name, forms[i].name) == 0)
            return &forms[i];
    return NULL;
}

static enum err_code unknown(const struct form *forms, size_t form_count, const char *text,
                             const char *known, struct err *reason)
{
    struct suggestion suggestion = {.wanted = text, .wanted_bytes = strcspn(text, ":")};
    for (size_t i = 0; i < form_count; i++)
        suggest_offer(&suggestion, forms[i].name, strlen(forms[i].name));
    return err_set(reason, E_USAGE, "unknown distribution%s%s%s; allowed: %s",
                   SUGGESTED(suggestion.best), known);
}

/* What follows the name; NULL: nothing. A reader takes all of it: NULL is left. */
static const char *behind_name(const char *text)
{
    const char *colon = strchr(text, ':');
    return colon != NULL ? colon + 1 : NULL;
}

/* ---- keys */

/* One number may follow. */
static bool read_optional(double *value, const char **at, double usual, double most)
{
    *value = usual;
    return *at == NULL || next_real(value, at, '\0', most);
}

static bool read_hotset(struct key_order_wish *wish, const char **at)
{
    if (!next_real(&wish->hot_keys, at, '/', 100) || !next_real(&wish->hot_draws, at, '/', 100))
        return false;
    wish->hot_keys /= 100;
    wish->hot_draws /= 100;
    return wish->hot_keys > 0;
}

static bool read_keys(struct key_order_wish *wish, const char **at)
{
    switch (wish->kind) {
    case ORDER_ZIPF:
    case ORDER_LATEST:
        return read_optional(&wish->exponent, at, KEY_EXPONENT_USUAL, KEY_EXPONENT_MAX);
    case ORDER_GAUSSIAN:
        return read_optional(&wish->deviation, at, KEY_DEVIATION_USUAL, KEY_FRACTION_MAX) &&
               wish->deviation > 0;
    case ORDER_EXPONENTIAL:
        return read_optional(&wish->scale, at, KEY_SCALE_USUAL, KEY_FRACTION_MAX) &&
               wish->scale > 0;
    case ORDER_HOTSET:
        return read_hotset(wish, at);
    case ORDER_UNIFORM:
    case ORDER_SEQUENTIAL:
    case ORDER_PARALLEL:
    case ORDER_WALK:
        break;
    }
    return true;
}

enum err_code distribution_parse_keys(struct key_order_wish *wish, const char *text,
                                      struct err *reason)
{
    const struct form *form = find_form(key_forms, KEY_FORMS, text);
    if (form == NULL)
        return unknown(key_forms, KEY_FORMS, text, KEYS_KNOWN, reason);
    struct key_order_wish read = {.kind = (enum key_order_kind)form->kind,
                                  .scattered =
                                      form->kind == ORDER_ZIPF || form->kind == ORDER_HOTSET};
    const char *at = behind_name(text);
    if (!read_keys(&read, &at) || at != NULL)
        return err_set(reason, E_USAGE, "allowed: %s",
                       form->allowed != NULL ? form->allowed : form->name);
    *wish = read;
    return OK;
}

/* The shortest percent that reads back as this part of 1. */
static char *format_percent(char *text, size_t text_bytes, double part)
{
    double percent = part * 100, read = -1;
    if (percent / 100 != part) /* rounded away from the one that it came from, its neighbour */
        percent = nextafter(percent, percent / 100 < part ? HUGE_VAL : 0);
    for (int places = 0; places <= 30 && read / 100 != part; places++) {
        snprintf(text, text_bytes, "%.*f", places, percent);
        if (!units_parse_real(&read, text))
            break;
    }
    return text;
}

char *distribution_format_keys(char *text, size_t text_bytes, const struct key_order_wish *wish)
{
    char first[UNITS_PLAIN_BYTES], second[UNITS_PLAIN_BYTES];
    const char *name = key_forms[wish->kind].name; /* the first ones are in the order of the enum */
    double value;
    switch (wish->kind) {
    case ORDER_ZIPF:
    case ORDER_LATEST:
        value = wish->exponent;
        break;
    case ORDER_GAUSSIAN:
        value = wish->deviation;
        if (value != KEY_DEVIATION_USUAL) /* which no short number is */
            break;
        snprintf(text, text_bytes, "%s", name);
        return text;
    case ORDER_EXPONENTIAL:
        value = wish->scale;
        break;
    case ORDER_HOTSET:
        snprintf(text, text_bytes, "%s:%s/%s", name,
                 format_percent(first, sizeof first, wish->hot_keys),
                 format_percent(second, sizeof second, wish->hot_draws));
        return text;
    default:
        snprintf(text, text_bytes, "%s", name);
        return text;
    }
    snprintf(text, text_bytes, "%s:%s", name, units_format_plain(first, sizeof first, value));
    return text;
}

const char *distribution_key_word_at(size_t index)
{
    return index < KEY_FORMS - 1 ? key_forms[index].name : NULL;
}

/* ---- sizes */

static bool read_range(struct size_wish *wish, const char **at)
{
    return next_size(&wish->least_bytes, at, '-') && next_size(&wish->most_bytes, at, '-') &&
           wish->least_bytes <= wish->most_bytes;
}

static bool read_weights(struct size_wish *wish, const char **at)
{
    double sum = 0;
    while (*at != NULL) {
        if (wish->weight_count == SIZE_WEIGHTS_MAX)
            return false;
        struct size_weight *weight = &wish->weights[wish->weight_count++];
        if (!next_size(&weight->bytes, at, ':') || *at == NULL ||
            !next_real(&weight->weight, at, ',', HUGE_VAL))
            return false;
        sum += weight->weight;
    }
    return sum > 0;
}

static bool read_bimodal(struct size_wish *wish, const char **at)
{
    struct size_weight *pair = wish->weights;
    wish->kind = SIZE_WEIGHTS;
    wish->weight_count = 2;
    if (!next_size(&pair[0].bytes, at, '/') || !next_size(&pair[1].bytes, at, '/') ||
        !next_real(&pair[0].weight, at, '/', 100))
        return false;
    pair[1].weight = 100 - pair[0].weight;
    return true;
}

/* The largest size, said or not. */
static bool read_most(struct size_wish *wish, const char **at, double p99_bytes)
{
    wish->most_bytes = (uint64_t)fmin(p99_bytes * TAIL, (double)SIZE_BYTES_MAX);
    return *at == NULL || next_size(&wish->most_bytes, at, '\0');
}

static bool read_lognormal(struct size_wish *wish, const char **at)
{
    return next_size(&wish->median_bytes, at, ':') && next_size(&wish->p99_bytes, at, ':') &&
           read_most(wish, at, (double)wish->p99_bytes) && wish->median_bytes <= wish->p99_bytes &&
           wish->p99_bytes <= wish->most_bytes;
}

static bool read_pareto(struct size_wish *wish, const char **at)
{
    return next_size(&wish->least_bytes, at, ':') && next_real(&wish->shape, at, ':', SHAPE_MAX) &&
           wish->shape > 0 &&
           read_most(wish, at, (double)wish->least_bytes * pow(100, 1 / wish->shape)) &&
           wish->least_bytes <= wish->most_bytes;
}

static bool read_sizes(struct size_wish *wish, int kind, const char **at)
{
    switch (kind) {
    case SIZE_RANGE:
        return read_range(wish, at);
    case SIZE_WEIGHTS:
        return read_weights(wish, at);
    case SIZE_BIMODAL:
        return read_bimodal(wish, at);
    case SIZE_LOGNORMAL:
        return read_lognormal(wish, at);
    case SIZE_PARETO:
        return read_pareto(wish, at);
    default:
        return next_size(&wish->least_bytes, at, '\0');
    }
}

enum err_code distribution_parse_sizes(struct size_wish *wish, const char *text, struct err *reason)
{
    const struct form *form = find_form(size_forms, SIZE_FORMS, text);
    struct size_wish read = {.kind = SIZE_FIXED};
    const char *at = text;
    if (form != NULL) {
        read.kind = (enum size_kind)form->kind;
        at = behind_name(text);
    } else if (!isdigit((unsigned char)text[0])) {
        return unknown(size_forms, SIZE_FORMS, text, SIZES_KNOWN, reason);
    } else if (strchr(text, '-') != NULL) {
        read.kind = SIZE_RANGE;
    }
    if (!read_sizes(&read, form != NULL ? form->kind : (int)read.kind, &at) || at != NULL)
        return err_set(reason, E_USAGE, "allowed: %s%s", form != NULL ? form->allowed : SIZES_KNOWN,
                       SIZES_LIMITS);
    *wish = read;
    return OK;
}

static void format_weights(char *text, size_t text_bytes, const struct size_wish *wish)
{
    char weight[UNITS_PLAIN_BYTES];
    size_t used = (size_t)snprintf(text, text_bytes, "weights:");
    for (uint32_t i = 0; i < wish->weight_count && used < text_bytes; i++)
        used +=
            (size_t)snprintf(text + used, text_bytes - used, "%s%" PRIu64 ":%s", i > 0 ? "," : "",
                             wish->weights[i].bytes,
                             units_format_plain(weight, sizeof weight, wish->weights[i].weight));
}

char *distribution_format_sizes(char *text, size_t text_bytes, const struct size_wish *wish)
{
    char shape[UNITS_PLAIN_BYTES];
    switch (wish->kind) {
    case SIZE_FIXED:
        snprintf(text, text_bytes, "%" PRIu64, wish->least_bytes);
        break;
    case SIZE_RANGE:
        snprintf(text, text_bytes, "%" PRIu64 "-%" PRIu64, wish->least_bytes, wish->most_bytes);
        break;
    case SIZE_WEIGHTS:
        format_weights(text, text_bytes, wish);
        break;
    case SIZE_LOGNORMAL:
        snprintf(text, text_bytes, "lognormal:%" PRIu64 ":%" PRIu64 ":%" PRIu64, wish->median_bytes,
                 wish->p99_bytes, wish->most_bytes);
        break;
    case SIZE_PARETO:
        snprintf(text, text_bytes, "pareto:%" PRIu64 ":%s:%" PRIu64, wish->least_bytes,
                 units_format_plain(shape, sizeof shape, wish->shape), wish->most_bytes);
        break;
    }
    return text;
}
