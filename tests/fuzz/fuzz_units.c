/* Any text into the number parsers. What they refuse leaves the value alone; what they take is a
 * number without sign or blanks, and comes back from its printed form. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

#define UNTOUCHED 0x5a5a5a5a5a5a5a5aull

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_text(const char *text)
{
    require(text[0] >= '0' && text[0] <= '9');
    require(strspn(text, "0123456789.kmgtpbnushdKMGTPBNUSHD") == strlen(text));
}

/* A count without its commas is the count. */
static void check_grouped(uint64_t value)
{
    char grouped[UNITS_GROUPED_BYTES];
    char plain[UNITS_GROUPED_BYTES];
    size_t at = 0;
    units_format_grouped(grouped, sizeof grouped, value);
    for (const char *c = grouped; *c != '\0'; c++)
        if (*c != ',')
            plain[at++] = *c;
    plain[at] = '\0';
    uint64_t again = UNTOUCHED;
    require(units_parse_count(&again, plain) && again == value);
}

static void check_duration(uint64_t value)
{
    char text[40];
    uint64_t again = UNTOUCHED;
    units_format_duration(text, sizeof text, value);
    require(units_parse_duration(&again, text, 1) && again == value);
}

/* Printed to hundredths of its unit, the size is back within half a hundredth. */
static void check_size(uint64_t value)
{
    char text[40];
    char unit[8];
    double number = 0;
    units_format_size(text, sizeof text, value);
    require(strlen(text) <= 10);
    require(sscanf(text, "%lf %7s", &number, unit) == 2);
    double scale = 1;
    for (const char *c = "BKMGTPE"; *c != unit[0]; c++)
        scale *= 1024;
    double away = number * scale - (double)value;
    require(away <= 0.00501 * scale && -away <= 0.00501 * scale);
}

static void check_real(double value)
{
    char text[UNITS_PLAIN_BYTES];
    double again = -1;
    units_format_plain(text, sizeof text, value);
    require(units_parse_real(&again, text) && again == value);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    char text[64];
    if (input_bytes >= sizeof text)
        return 0;
    if (input_bytes > 0)
        memcpy(text, input, input_bytes);
    text[input_bytes] = '\0';
    uint64_t value = UNTOUCHED;
    if (units_parse_count(&value, text)) {
        check_text(text);
        check_grouped(value);
    } else {
        require(value == UNTOUCHED);
    }
    value = UNTOUCHED;
    if (units_parse_size(&value, text)) {
        check_text(text);
        check_size(value);
    } else {
        require(value == UNTOUCHED);
    }
    value = UNTOUCHED;
    if (units_parse_duration(&value, text, NS_PER_SECOND)) {
        check_text(text);
        check_duration(value);
    } else {
        require(value == UNTOUCHED);
    }
    double real = -1;
    if (units_parse_real(&real, text)) {
        check_text(text);
        check_real(real);
    } else {
        require(real == -1);
    }
    return 0;
}
