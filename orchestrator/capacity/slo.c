#include "orchestrator/capacity/slo.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/metric.h"

#define EXPRESSION_SHOWN 60
#define NUMBER_BYTES 32
#define LIMIT_MAX_NS (3600 * NS_PER_SECOND) /* where the histograms end */

/* One expression, and how far it has been read. */
struct reader {
    const char *begin, *end, *at;
};

static enum err_code mistake(const struct reader *reader, const char *at, const char *what,
                             struct err *err)
{
    size_t bytes = (size_t)(reader->end - reader->begin);
    return err_set(err, E_USAGE, "--slo \"%.*s%s\": column %zu: %s",
                   (int)(bytes < EXPRESSION_SHOWN ? bytes : EXPRESSION_SHOWN), reader->begin,
                   bytes < EXPRESSION_SHOWN ? "" : "...", (size_t)(at - reader->begin) + 1, what);
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
        reader->at++;
}

static bool take_word(struct reader *reader, const char *word)
{
    size_t bytes = strlen(word);
    if ((size_t)(reader->end - reader->at) < bytes || strncasecmp(reader->at, word, bytes) != 0)
        return false;
    const char *behind = reader->at + bytes;
    if (behind < reader->end && isalnum((unsigned char)*behind))
        return false;
    reader->at = behind;
    return true;
}

/* Digits with at most one point between them, copied out; "" when there are none. */
static void take_decimal(struct reader *reader, char number[NUMBER_BYTES])
{
    size_t used = 0;
    bool point = false;
    number[0] = '\0';
    while (reader->at < reader->end && used < NUMBER_BYTES - 1) {
        char c = *reader->at;
        bool last = reader->at + 1 == reader->end;
        if (c == '.' && (point || used == 0 || last || !isdigit((unsigned char)reader->at[1])))
            break;
        if (c != '.' && !isdigit((unsigned char)c))
            break;
        point |= c == '.';
        number[used++] = c;
        number[used] = '\0';
        reader->at++;
    }
}

static enum err_code read_percentile(struct slo *slo, struct reader *reader, struct err *err)
{
    char number[NUMBER_BYTES];
    reader->at++;
    const char *begin = reader->at;
    take_decimal(reader, number);
    slo->percent = strtod(number, NULL);
    if (number[0] == '\0' || !(slo->percent > 0 && slo->percent < 100))
        return mistake(reader, begin, "expected a percentile above 0 and below 100, as in p99.9",
                       err);
    slo->kind = SLO_PERCENTILE;
    return OK;
}

static enum err_code read_figure(struct slo *slo, struct reader *reader, struct err *err)
{
    if (take_word(reader, "mean") || take_word(reader, "avg"))
        slo->kind = SLO_MEAN;
    else if (take_word(reader, "max"))
        slo->kind = SLO_LONGEST;
    else if (take_word(reader, "errors"))
        slo->kind = SLO_ERRORS;
    else if (reader->at < reader->end && (*reader->at == 'p' || *reader->at == 'P'))
        return read_percentile(slo, reader, err);
    else
        return mistake(reader, reader->at,
                       "expected p and a percentile, mean, max or errors, as in p99<1ms", err);
    return OK;
}

static enum err_code read_sign(struct slo *slo, struct reader *reader, struct err *err)
{
    if (reader->at == reader->end || *reader->at != '<')
        return mistake(reader, reader->at, "expected < or <=", err);
    reader->at++;
    slo->or_equal = reader->at < reader->end && *reader->at == '=';
    reader->at += slo->or_equal;
    return OK;
}

static enum err_code read_share(struct slo *slo, struct reader *reader, struct err *err)
{
    char number[NUMBER_BYTES];
    const char *begin = reader->at;
    take_decimal(reader, number);
    if (number[0] == '\0')
        return mistake(reader, begin, "expected a share in percent, as in errors<0.1%", err);
    skip_blanks(reader);
    if (reader->at == reader->end || *reader->at != '%')
        return mistake(reader, reader->at, "expected %, as in errors<0.1%", err);
    reader->at++;
    slo->limit_share = strtod(number, NULL) / 100;
    if (slo->limit_share > 1)
        return mistake(reader, begin, "a share of errors is at most 100%", err);
    if (!(slo->limit_share > 0) && !slo->or_equal)
        return mistake(reader, begin, "no share of errors is below 0%: errors<=0% asks for none",
                       err);
    return OK;
}

static enum err_code read_time(struct slo *slo, struct reader *reader, struct err *err)
{
    char number[NUMBER_BYTES];
    char with_unit[NUMBER_BYTES + 4];
    const char *begin = reader->at;
    take_decimal(reader, number);
    if (number[0] == '\0')
        return mistake(reader, begin, "expected a time, as in p99<1ms", err);
    skip_blanks(reader);
    const char *unit = reader->at;
    size_t unit_bytes = 0;
    while (reader->at < reader->end && isalpha((unsigned char)*reader->at)) {
        reader->at++;
        unit_bytes++;
    }
    if (unit_bytes == 0 || unit_bytes > 2)
        return mistake(reader, unit, "expected a unit of time: ns, us, ms, s, m or h", err);
    snprintf(with_unit, sizeof with_unit, "%s%.*s", number, (int)unit_bytes, unit);
    if (!units_parse_duration(&slo->limit_ns, with_unit, 1))
        return mistake(reader, begin, "expected a time in ns, us, ms, s, m or h, as in p99<1ms",
                       err);
    if (slo->limit_ns == 0)
        return mistake(reader, begin, "no request is answered in no time", err);
    if (slo->limit_ns > LIMIT_MAX_NS)
        return mistake(reader, begin, "times above 1h are not told apart", err);
    return OK;
}

/* The expression without its blanks. */
static void keep_text(struct slo *slo, const struct reader *reader)
{
    size_t used = 0;
    for (const char *c = reader->begin; c < reader->end && used < sizeof slo->text - 1; c++)
        if (*c != ' ' && *c != '\t')
            slo->text[used++] = *c;
    slo->text[used] = '\0';
}

static enum err_code read_expression(struct slo *slo, const char *begin, const char *end,
                                     struct err *err)
{
    struct reader reader = {.begin = begin, .end = end, .at = begin};
    *slo = (struct slo){.kind = SLO_MEAN};
    skip_blanks(&reader);
    enum err_code code = read_figure(slo, &reader, err);
    skip_blanks(&reader);
    if (code == OK)
        code = read_sign(slo, &reader, err);
    skip_blanks(&reader);
    if (code == OK)
        code =
            slo->kind == SLO_ERRORS ? read_share(slo, &reader, err) : read_time(slo, &reader, err);
    skip_blanks(&reader);
    if (code == OK && reader.at < reader.end)
        return mistake(&reader, reader.at, "expected the end, or a comma before the next one", err);
    keep_text(slo, &reader);
    return code;
}

static bool same_figure(const struct slo *a, const struct slo *b)
{
    return a->kind == b->kind && !(a->percent < b->percent) && !(a->percent > b->percent);
}

enum err_code slo_parse_list(struct slo_list *list, const char *text, struct err *err)
{
    *list = (struct slo_list){0};
    for (;;) {
        size_t bytes = strcspn(text, ",");
        if (list->count == SLO_MAX)
            return err_set(err, E_USAGE, "--slo: more than %d objectives", SLO_MAX);
        struct slo *slo = &list->items[list->count];
        enum err_code code = read_expression(slo, text, text + bytes, err);
        if (code != OK)
            return code;
        for (uint32_t i = 0; i < list->count; i++)
            if (same_figure(&list->items[i], slo))
                return err_set(err, E_USAGE, "--slo: %s and %s limit the same figure: give one",
                               list->items[i].text, slo->text);
        list->count++;
        if (text[bytes] == '\0')
            return OK;
        text += bytes + 1;
    }
}

static bool below(const struct slo *slo, double value, double limit)
{
    return slo->or_equal ? value <= limit : value < limit;
}

struct slo_reading slo_read(const struct slo *slo, const struct interval_row *row)
{
    static const enum metric_statistic_kind kinds[] = {[SLO_PERCENTILE] = STATISTIC_PERCENTILE,
                                                       [SLO_MEAN] = STATISTIC_MEAN,
                                                       [SLO_LONGEST] = STATISTIC_MAX};
    const struct metric_slice slice = metric_slice_of(row, true);
    if (slo->kind == SLO_ERRORS) {
        struct metric_value failed = metric_read(&slice, METRIC_FAILED_PERCENT, NULL);
        double share = failed.number / 100;
        return (struct slo_reading){.known = failed.known,
                                    .share = share,
                                    .kept = failed.known && below(slo, share, slo->limit_share)};
    }
    const struct metric_statistic statistic = {NULL, kinds[slo->kind], slo->percent};
    struct metric_value time = metric_read(&slice, METRIC_RESPONSE_TIME, &statistic);
    struct slo_reading reading = {.known = time.known && !time.censored,
                                  .value_ns = time.censored ? time.at_least_ns
                                                            : (uint64_t)llround(time.number)};
    reading.kept = reading.known && below(slo, (double)reading.value_ns, (double)slo->limit_ns);
    return reading;
}

char *slo_format_reading(char *text, size_t text_bytes, const struct slo *slo,
                         const struct slo_reading *reading)
{
    char name[32];
    if (slo->kind == SLO_PERCENTILE)
        snprintf(name, sizeof name, "p%.10g", slo->percent);
    else
        snprintf(name, sizeof name, "%s",
                 slo->kind == SLO_MEAN      ? "mean"
                 : slo->kind == SLO_LONGEST ? "max"
                                            : "errors");
    if (slo->kind == SLO_ERRORS && reading->known)
        snprintf(text, text_bytes, "%s %.3f %%", name, reading->share * 100);
    else if (!reading->known && reading->value_ns == 0)
        snprintf(text, text_bytes, "%s unknown: no answer", name);
    else
        snprintf(text, text_bytes, "%s %s%.3f ms", name, reading->known ? "" : "at least ",
                 clock_ms(reading->value_ns));
    return text;
}

bool slo_has_little_to_spare(const struct slo *slo, const struct slo_reading *reading)
{
    if (slo->kind == SLO_ERRORS)
        return reading->share > slo->limit_share / 2;
    return reading->value_ns > slo->limit_ns / 2;
}
