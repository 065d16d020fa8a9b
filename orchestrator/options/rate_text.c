#include "orchestrator/options/rate_text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/schedule.h"
#include "common/units.h"

#define PLACES_MAX 15u /* of a fraction that count; far below what a micro rate can show */
#define PLACES_SCALE 1000000000000000ull

__extension__ typedef unsigned __int128 wide;

static enum err_code not_a_rate(struct err *reason)
{
    return err_set(reason, E_USAGE,
                   "not a rate; allowed: 0 to 100 million requests per second, as in 1000, 0.5 or "
                   "10k");
}

static bool suffix_factor(uint64_t *factor, const char *suffix)
{
    static const struct {
        const char *name;
        uint64_t factor;
    } suffixes[] = {{"", 1}, {"k", 1000}, {"m", 1000000}, {"g", 1000000000}};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (strcasecmp(suffix, suffixes[i].name) != 0)
            continue;
        *factor = suffixes[i].factor;
        return true;
    }
    return false;
}

enum err_code rate_parse(uint64_t *micro, const char *text, struct err *reason)
{
    const uint64_t most = SCHEDULE_RATE_MAX_MICRO / SCHEDULE_MICRO;
    uint64_t whole = 0, part = 0, scale = PLACES_SCALE, factor;
    bool above_zero = false;
    if (text[0] == '-' && text[1] >= '0' && text[1] <= '9')
        return err_set(reason, E_USAGE, "negative; a rate is 0 or more requests per second");
    size_t digits = strspn(text, "0123456789");
    const char *suffix = text + digits;
    size_t places = *suffix == '.' ? strspn(suffix + 1, "0123456789") : 0;
    if (digits == 0 || (*suffix == '.' && places == 0))
        return not_a_rate(reason);
    for (size_t i = 0; i < digits; i++)
        whole = whole > most ? whole : whole * 10 + (unsigned)(text[i] - '0');
    for (size_t i = 0; i < places; i++) {
        unsigned digit = (unsigned)(suffix[1 + i] - '0');
        above_zero |= digit > 0;
        if (i >= PLACES_MAX)
            continue;
        scale /= 10;
        part += digit * scale;
    }
    suffix += places > 0 ? places + 1 : 0;
    if (!suffix_factor(&factor, suffix))
        return not_a_rate(reason);
    wide value = (wide)whole * factor * SCHEDULE_MICRO +
                 ((wide)part * factor * SCHEDULE_MICRO + PLACES_SCALE / 2) / PLACES_SCALE;
    if (value > SCHEDULE_RATE_MAX_MICRO)
        return err_set(reason, E_USAGE, "above 100 million per second, the highest rate");
    if (value == 0 && above_zero)
        return err_set(reason, E_USAGE, "below a request in a million seconds, the lowest rate");
    *micro = (uint64_t)value;
    return OK;
}

bool rate_parse_factor(double *factor, const char *text)
{
    double value;
    if (!units_parse_real(&value, text) || !(value > 0) || value >= 1e9)
        return false;
    *factor = value;
    return true;
}

char *rate_format(char *text, size_t text_bytes, uint64_t micro)
{
    char whole[UNITS_GROUPED_BYTES], part[16];
    units_format_grouped(whole, sizeof whole, micro / SCHEDULE_MICRO);
    snprintf(part, sizeof part, ".%06u", (unsigned)(micro % SCHEDULE_MICRO));
    size_t used = strlen(part);
    while (used > 0 && (part[used - 1] == '0' || part[used - 1] == '.'))
        part[--used] = '\0';
    snprintf(text, text_bytes, "%s%s", whole, part);
    return text;
}

char *rate_format_time(char *text, size_t text_bytes, uint64_t time_ns)
{
    /* Microseconds of a second are what a micro rate's digits are. */
    char number[RATE_TEXT_BYTES];
    uint64_t us = time_ns / NS_PER_US + (time_ns % NS_PER_US >= NS_PER_US / 2);
    snprintf(text, text_bytes, "%s s", rate_format(number, sizeof number, us));
    return text;
}
