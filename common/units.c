#include "common/units.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"

__extension__ typedef unsigned __int128 wide;

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit count_units[] = {
    {"", 1}, {"k", 1000}, {"m", 1000000}, {"g", 1000000000}, {NULL, 0}};

static const struct unit size_units[] = {
    {"", 1},           {"b", 1},           {"k", 1ull << 10}, {"kb", 1ull << 10},
    {"m", 1ull << 20}, {"mb", 1ull << 20}, {"g", 1ull << 30}, {"gb", 1ull << 30},
    {"t", 1ull << 40}, {"tb", 1ull << 40}, {"p", 1ull << 50}, {"pb", 1ull << 50},
    {NULL, 0}};

#define LARGEST_TOLD_NS (3600 * NS_PER_SECOND) /* "24h", not "1d" */
static const struct unit duration_units[] = {{"ns", 1},
                                             {"us", NS_PER_US},
                                             {"ms", NS_PER_MS},
                                             {"s", NS_PER_SECOND},
                                             {"m", 60 * NS_PER_SECOND},
                                             {"h", 3600 * NS_PER_SECOND},
                                             {"d", 24 * 3600 * NS_PER_SECOND},
                                             {NULL, 0}};

/* A decimal number kept exact: digits / divisor. */
struct decimal {
    wide digits;
    uint64_t divisor;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads "12" or "12.5" and returns what follows; NULL when there is no number or it is beyond what
 * any unit could bring back into 64 bits. Zeros at the end of a fraction cost no precision. */
static const char *decimal_read(struct decimal *decimal, const char *text)
{
    if (!is_digit(*text))
        return NULL;
    wide digits = 0;
    for (; is_digit(*text); text++) {
        digits = digits * 10 + (unsigned)(*text - '0');
        if (digits > UINT64_MAX)
            return NULL;
    }
    uint64_t divisor = 1;
    if (*text == '.') {
        text++;
        if (!is_digit(*text))
            return NULL;
        size_t places = strspn(text, "0123456789");
        const char *end = text + places;
        while (places > 0 && text[places - 1] == '0')
            places--;
        if (places > 15) /* digits stay below 2^64 * 10^15 < 2^114 */
            return NULL;
        for (size_t i = 0; i < places; i++) {
            digits = digits * 10 + (unsigned)(text[i] - '0');
            divisor *= 10;
        }
        text = end;
    }
    decimal->digits = digits;
    decimal->divisor = divisor;
    return text;
}

/* number * factor when that is whole and fits in 64 bits. */
static bool scale(uint64_t *value, const struct decimal *number, uint64_t factor)
{
    wide whole = number->digits / number->divisor;
    wide rest = number->digits % number->divisor; /* < 10^15: times any factor stays in range */
    wide rest_scaled = rest * factor;
    if (rest_scaled % number->divisor != 0)
        return false;
    wide result = whole * factor + rest_scaled / number->divisor;
    if (result > UINT64_MAX)
        return false;
    *value = (uint64_t)result;
    return true;
}

static bool parse(uint64_t *value, const char *text, const struct unit *units)
{
    struct decimal number;
    const char *suffix = decimal_read(&number, text);
    if (suffix == NULL)
        return false;
    for (const struct unit *unit = units; unit->name != NULL; unit++)
        if (strcasecmp(suffix, unit->name) == 0)
            return scale(value, &number, unit->factor);
    return false;
}

bool units_parse_count(uint64_t *count, const char *text)
{
    return parse(count, text, count_units);
}

bool units_parse_size(uint64_t *size_bytes, const char *text)
{
    return parse(size_bytes, text, size_units);
}

bool units_parse_duration(uint64_t *duration_ns, const char *text, uint64_t bare_unit_ns)
{
    assert(bare_unit_ns > 0);
    const struct unit bare[] = {{"", bare_unit_ns}, {NULL, 0}};
    return parse(duration_ns, text, bare) || parse(duration_ns, text, duration_units);
}

/* A comma before each three of the digits in front of the point. */
static char *group(char *text, size_t text_bytes, const char *plain)
{
    size_t digits = strspn(plain, "0123456789"), out = 0;
    for (size_t i = 0; plain[i] != '\0' && out + 2 < text_bytes; i++) {
        if (i > 0 && i < digits && (digits - i) % 3 == 0)
            text[out++] = ',';
        text[out++] = plain[i];
    }
    text[out] = '\0';
    return text;
}

bool units_parse_digits(uint64_t *number, const char *digits, size_t digit_count, uint64_t max)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digit_count; i++) {
        const unsigned digit = (unsigned)(unsigned char)digits[i] - '0';
        if (digit > 9 || digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (digit_count > 0)
        *number = value;
    return digit_count > 0;
}

#define REAL_DIGITS 15u
#define REAL_PLACES 30u

bool units_parse_real(double *value, const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    const char *behind = text + digits;
    const size_t places = *behind == '.' ? strspn(behind + 1, "0123456789") : 0;
    if (digits == 0 || digits > REAL_DIGITS || places > REAL_PLACES ||
        (*behind == '.' && places == 0) || behind[places > 0 ? places + 1 : 0] != '\0')
        return false;
    *value = strtod(text, NULL); /* the program stays in the C locale: a point is a point */
    return true;
}

bool units_parse_percent(double *part, const char *text, double most)
{
    char number[32];
    double percent = 0;
    const size_t bytes = strlen(text), unit = bytes > 0 && text[bytes - 1] == '%';
    if (bytes - unit >= sizeof number)
        return false;
    snprintf(number, sizeof number, "%.*s", (int)(bytes - unit), text);
    if (!units_parse_real(&percent, number) || !(percent > 0) || percent > most)
        return false;
    *part = percent / 100;
    return true;
}

char *units_format_plain(char *text, size_t text_bytes, double value)
{
    for (unsigned places = 0; places <= REAL_PLACES; places++) {
        snprintf(text, text_bytes, "%.*f", (int)places, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

uint64_t units_whole(double amount)
{
    if (!(amount > 0))
        return 0;
    return amount < 0x1p64 ? (uint64_t)round(amount) : UINT64_MAX;
}

char *units_format_grouped(char *text, size_t text_bytes, uint64_t value)
{
    char plain[24];
    snprintf(plain, sizeof plain, "%" PRIu64, value);
    return group(text, text_bytes, plain);
}

char *units_format_real(char *text, size_t text_bytes, double value, int decimals)
{
    char plain[UNITS_REAL_BYTES];
    snprintf(plain, sizeof plain, fabs(value) < 1e15 ? "%.*f" : "%.*e", decimals, value);
    return group(text, text_bytes, plain);
}

char *units_format_duration(char *text, size_t text_bytes, uint64_t duration_ns)
{
    const struct unit *best = &duration_units[0];
    for (const struct unit *unit = duration_units; unit->factor <= LARGEST_TOLD_NS; unit++)
        if (duration_ns % unit->factor == 0)
            best = unit;
    if (duration_ns == 0)
        best = &duration_units[3]; /* "0s", not "0h" */
    snprintf(text, text_bytes, "%" PRIu64 "%s", duration_ns / best->factor, best->name);
    return text;
}

char *units_format_figure(char *text, size_t text_bytes, double value, int digits)
{
    char rounded[40], plain[40];
    snprintf(rounded, sizeof rounded, "%.*e", digits - 1, value);
    const char *mark = strchr(rounded, 'e');
    const long exponent = mark != NULL ? strtol(mark + 1, NULL, 10) : LONG_MAX;
    if (exponent >= 15 || exponent < -15) { /* infinite, too */
        snprintf(text, text_bytes, "%.*g", digits, value);
        return text;
    }
    const int decimals = exponent < digits ? digits - 1 - (int)exponent : 0;
    const bool minus = rounded[0] == '-';
    snprintf(plain, sizeof plain, "%.*f", decimals, strtod(rounded + minus, NULL));
    if (strchr(plain, '.') != NULL) {
        char *end = plain + strlen(plain);
        while (end[-1] == '0')
            *--end = '\0';
        if (end[-1] == '.')
            end[-1] = '\0';
    }
    if (minus && text_bytes > 1)
        text[0] = '-';
    group(text + minus, text_bytes - minus, plain);
    return text;
}

char *units_format_size(char *text, size_t text_bytes, uint64_t size_bytes)
{
    static const char *const names[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    size_t power = 0;
    wide hundredths = (wide)size_bytes * 100;
    /* Rounds first and compares then, so that 1023.999 KB is "1 MB" and not "1024 KB". */
    while (hundredths >= 102400 && power + 1 < sizeof names / sizeof names[0]) {
        power++;
        wide unit = (wide)1 << (10 * power);
        hundredths = ((wide)size_bytes * 100 + unit / 2) / unit;
    }
    uint64_t whole = (uint64_t)(hundredths / 100);
    unsigned part = (unsigned)(hundredths % 100);
    if (part == 0)
        snprintf(text, text_bytes, "%" PRIu64 " %s", whole, names[power]);
    else if (part % 10 == 0)
        snprintf(text, text_bytes, "%" PRIu64 ".%u %s", whole, part / 10, names[power]);
    else
        snprintf(text, text_bytes, "%" PRIu64 ".%02u %s", whole, part, names[power]);
    return text;
}

bool list_next(struct list_word *word, const char **at, char separator)
{
    const char ends[] = {separator, '\0'};
    if (*at == NULL)
        return false;
    word->text = *at + strspn(*at, " ");
    word->byte_count = strcspn(word->text, ends);
    if (separator == ' ' && word->byte_count == 0)
        return false;
    const char *end = word->text + word->byte_count;
    *at = *end != '\0' ? end + 1 : NULL;
    while (word->byte_count > 0 && word->text[word->byte_count - 1] == ' ')
        word->byte_count--;
    return true;
}

bool list_has(const char *list, char separator, const char *word, size_t byte_count)
{
    struct list_word next;
    while (list_next(&next, &list, separator))
        if (next.byte_count == byte_count && memcmp(next.text, word, byte_count) == 0)
            return true;
    return false;
}
