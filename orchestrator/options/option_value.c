#include "orchestrator/options/option_value.h"

#include <string.h>
#include <strings.h>

#include "common/units.h"
#include "orchestrator/options/rate_text.h"

static void *field(void *target, const struct option_row *row)
{
    return (char *)target + row->base + row->offset;
}

static void store_number(void *target, const struct option_row *row, uint64_t number)
{
    memcpy(field(target, row), &number, sizeof number);
}

static void store_pointer(void *target, const struct option_row *row, const char *text)
{
    memcpy(field(target, row), &text, sizeof text);
}

bool option_value_parse_flag(bool *flag, const char *text)
{
    static const char *const words[][2] = {
        {"false", "true"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int value = 0; value < 2; value++) {
            if (strcasecmp(text, words[i][value]) != 0)
                continue;
            *flag = value == 1;
            return true;
        }
    }
    return false;
}

static bool parse_number(uint64_t *number, const struct option_row *row, const char *text)
{
    switch (row->kind) {
    case OPTION_COUNT:
        return units_parse_count(number, text);
    case OPTION_SIZE:
        return units_parse_size(number, text);
    case OPTION_DURATION:
        return units_parse_duration(number, text, row->bare_unit_ns);
    default:
        return false;
    }
}

/* Digits only, with or without a minus: such a text can only be out of range. */
static bool is_plain_integer(const char *text)
{
    if (*text == '-')
        text++;
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static enum err_code store_ranged(void *target, const struct option_row *row, const char *text,
                                  struct err *reason)
{
    static const char *const nouns[] = {[OPTION_COUNT] = "number",
                                        [OPTION_SIZE] = "size (in b, kb, mb, gb, tb, pb)",
                                        [OPTION_DURATION] = "duration (in ns, us, ms, s, m, h, d)"};
    char range[80];
    uint64_t number;
    options_format_range(range, sizeof range, row);
    bool parsed = parse_number(&number, row, text);
    if (row->clamps && (parsed || is_plain_integer(text))) {
        number = !parsed ? (*text == '-' ? 0 : UINT64_MAX) : number;
        number = number < row->min ? row->min : number > row->max ? row->max : number;
        store_number(target, row, number);
        return OK;
    }
    if (!parsed && !is_plain_integer(text))
        return err_set(reason, E_USAGE, "not a %s; allowed: %s", nouns[row->kind], range);
    if (!parsed || number < row->min || number > row->max)
        return err_set(reason, E_USAGE, "out of range; allowed: %s", range);
    store_number(target, row, number);
    return OK;
}

static enum err_code store_real(void *target, const struct option_row *row, const char *text,
                                struct err *reason)
{
    char range[80];
    double value;
    options_format_range(range, sizeof range, row);
    if (!units_parse_real(&value, text) && !is_plain_integer(text))
        return err_set(reason, E_USAGE, "not a number; allowed: %s", range);
    if (!units_parse_real(&value, text) || value < row->least || value > row->most)
        return err_set(reason, E_USAGE, "out of range; allowed: %s", range);
    memcpy(field(target, row), &value, sizeof value);
    return OK;
}

static enum err_code store_rate(void *target, const struct option_row *row, const char *text,
                                struct err *reason)
{
    uint64_t micro = 0;
    if (rate_parse(&micro, text, reason) != OK)
        return reason->code;
    store_number(target, row, micro);
    return OK;
}

static enum err_code store_word(void *target, const struct option_row *row, const char *text,
                                struct err *reason)
{
    char words[200] = "";
    size_t used = 0;
    const char *word;
    for (unsigned i = 0; (word = row->value_at(i)) != NULL; i++) {
        if (strcasecmp(word, text) == 0) {
            memcpy(field(target, row), &i, sizeof i);
            return OK;
        }
        if (used < sizeof words)
            used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", i > 0 ? ", " : "",
                                     word);
    }
    return err_set(reason, E_USAGE, "allowed: %s", words);
}

enum err_code option_value_store(void *target, const struct option_row *row, const char *text,
                                 struct err *reason)
{
    bool flag;
    switch (row->kind) {
    case OPTION_FLAG:
        if (!option_value_parse_flag(&flag, text))
            return err_set(reason, E_USAGE, "takes true or false, or nothing");
        memcpy(field(target, row), &flag, sizeof flag);
        return OK;
    case OPTION_COUNT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        return store_ranged(target, row, text, reason);
    case OPTION_REAL:
        return store_real(target, row, text, reason);
    case OPTION_TEXT:
        if (*text == '\0')
            return err_set(reason, E_USAGE, "the value is empty");
        store_pointer(target, row, text);
        return OK;
    case OPTION_RATE:
        return store_rate(target, row, text, reason);
    case OPTION_WORD:
        return store_word(target, row, text, reason);
    case OPTION_CUSTOM:
        return row->parse((char *)target + row->base, text, reason);
    case OPTION_NOT_YET:
    case OPTION_ELSEWHERE:
        break;
    }
    return OK;
}

enum err_code option_value_store_unset(void *target, const struct option_row *row,
                                       struct err *reason)
{
    const bool off = false;
    const double nothing = 0;
    if (row->unset != NULL)
        return option_value_store(target, row, row->unset, reason);
    switch (row->kind) {
    case OPTION_FLAG:
        memcpy(field(target, row), &off, sizeof off);
        break;
    case OPTION_COUNT:
    case OPTION_SIZE:
    case OPTION_DURATION:
        store_number(target, row, 0);
        break;
    case OPTION_REAL:
        memcpy(field(target, row), &nothing, sizeof nothing);
        break;
    case OPTION_TEXT:
        store_pointer(target, row, NULL);
        break;
    default:
        break;
    }
    return OK;
}
