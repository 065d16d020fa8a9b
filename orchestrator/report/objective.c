#include "orchestrator/report/objective.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/metric.h"

#define EXPRESSION_SHOWN 60
#define NUMBER_BYTES 32
#define RATE_MAX 1000000000000ull
#define DECIMALS_MAX 9
#define LIMIT_MAX_NS (3600 * NS_PER_SECOND) /* where the histograms end */

const struct objective_grammar objective_of_check = {.option = "--check", .both = true};
const struct objective_grammar objective_of_abort = {
    .option = "--abort-on", .both = true, .lasting = true};

/* One expression, and how far it has been read. */
struct reader {
    const char *begin, *end, *at;
    const char *figure; /* behind its class */
    const struct objective_grammar *grammar;
};

static enum err_code mistake(const struct reader *reader, const char *at, const char *what,
                             struct err *err)
{
    size_t bytes = (size_t)(reader->end - reader->begin);
    return err_set(err, E_USAGE, "%s \"%.*s%s\": column %zu: %s", reader->grammar->option,
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

static enum err_code read_percentile(struct objective *objective, struct reader *reader,
                                     struct err *err)
{
    char number[NUMBER_BYTES];
    reader->at++;
    const char *begin = reader->at;
    take_decimal(reader, number);
    objective->percent = strtod(number, NULL);
    if (number[0] == '\0' || !(objective->percent > 0 && objective->percent < 100))
        return mistake(reader, begin, "expected a percentile above 0 and below 100, as in p99.9",
                       err);
    objective->kind = OBJECTIVE_PERCENTILE;
    return OK;
}

/* "read:", up to the last colon before the sign. */
static enum err_code read_class(struct objective *objective, struct reader *reader, struct err *err)
{
    const char *colon = NULL;
    for (const char *at = reader->at; at < reader->end && *at != '<' && *at != '>'; at++)
        colon = *at == ':' ? at : colon;
    if (colon == NULL)
        return OK;
    const char *end = colon;
    while (end > reader->at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    const size_t bytes = (size_t)(end - reader->at);
    if (bytes == 0)
        return mistake(reader, colon, "expected a class of requests before it, as in read:p99<1ms",
                       err);
    if (bytes >= sizeof objective->class)
        return mistake(reader, reader->at, "the name of a class is shorter", err);
    for (const char *at = reader->at; at < end; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            return mistake(reader, at, "no class of requests has such a character", err);
    memcpy(objective->class, reader->at, bytes);
    objective->class[bytes] = '\0';
    snprintf(objective->text, sizeof objective->text, "%.*s:", (int)bytes, reader->at);
    reader->at = colon + 1;
    reader->figure = reader->at;
    skip_blanks(reader);
    return OK;
}

static enum err_code read_figure(struct objective *objective, struct reader *reader,
                                 struct err *err)
{
    if (take_word(reader, "mean") || take_word(reader, "avg"))
        objective->kind = OBJECTIVE_MEAN;
    else if (take_word(reader, "max"))
        objective->kind = OBJECTIVE_LONGEST;
    else if (take_word(reader, "errors"))
        objective->kind = OBJECTIVE_ERRORS;
    else if (reader->grammar->both && take_word(reader, "rate"))
        objective->kind = OBJECTIVE_RATE;
    else if (reader->at < reader->end && (*reader->at == 'p' || *reader->at == 'P'))
        return read_percentile(objective, reader, err);
    else
        return mistake(reader, reader->at,
                       reader->grammar->both
                           ? "expected p and a percentile, mean, max, errors or rate, as in p99<1ms"
                           : "expected p and a percentile, mean, max or errors, as in p99<1ms",
                       err);
    return OK;
}

static enum err_code read_sign(struct objective *objective, struct reader *reader, struct err *err)
{
    const bool both = reader->grammar->both;
    if (reader->at == reader->end || !(*reader->at == '<' || (both && *reader->at == '>')))
        return mistake(reader, reader->at,
                       both ? "expected <, <=, > or >=" : "expected < or <=", err);
    objective->above = *reader->at++ == '>';
    objective->or_equal = reader->at < reader->end && *reader->at == '=';
    reader->at += objective->or_equal;
    return OK;
}

static enum err_code read_share(struct objective *objective, struct reader *reader, struct err *err)
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
    objective->limit_share = strtod(number, NULL) / 100;
    if (objective->limit_share > 1)
        return mistake(reader, begin, "a share of errors is at most 100%", err);
    if (!(objective->limit_share > 0) && !objective->or_equal && !objective->above)
        return mistake(reader, begin, "no share of errors is below 0%: errors<=0% asks for none",
                       err);
    return OK;
}

/* "50k": letters behind digits. */
static enum err_code read_rate(struct objective *objective, struct reader *reader, struct err *err)
{
    char text[NUMBER_BYTES];
    size_t bytes = 0;
    while (reader->at + bytes < reader->end && isalnum((unsigned char)reader->at[bytes]) &&
           bytes + 1 < sizeof text)
        bytes++;
    snprintf(text, sizeof text, "%.*s", (int)bytes, reader->at);
    if (!units_parse_count(&objective->limit_rate, text) || objective->limit_rate > RATE_MAX)
        return mistake(reader, reader->at, "expected requests per second, as in rate>=50k", err);
    reader->at += bytes;
    return OK;
}

/* A time, up to LIMIT_MAX_NS. */
static enum err_code read_time(uint64_t *time_ns, bool lasting, struct reader *reader,
                               struct err *err)
{
    char number[NUMBER_BYTES];
    char with_unit[NUMBER_BYTES + 4];
    const char *begin = reader->at;
    take_decimal(reader, number);
    if (number[0] == '\0')
        return mistake(
            reader, begin,
            lasting ? "expected a time, as in for 10s" : "expected a time, as in p99<1ms", err);
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
    if (!units_parse_duration(time_ns, with_unit, 1))
        return mistake(reader, begin, "expected a time in ns, us, ms, s, m or h, as in p99<1ms",
                       err);
    if (*time_ns == 0)
        return mistake(reader, begin,
                       lasting ? "a time above 0 is needed behind for"
                               : "no request is answered in no time",
                       err);
    if (*time_ns > LIMIT_MAX_NS)
        return mistake(reader, begin, lasting ? "at most 1h" : "times above 1h are not told apart",
                       err);
    return OK;
}

static enum err_code read_limit(struct objective *objective, struct reader *reader, struct err *err)
{
    switch (objective->kind) {
    case OBJECTIVE_ERRORS:
        return read_share(objective, reader, err);
    case OBJECTIVE_RATE:
        return read_rate(objective, reader, err);
    case OBJECTIVE_PERCENTILE:
    case OBJECTIVE_MEAN:
    case OBJECTIVE_LONGEST:
        break;
    }
    return read_time(&objective->limit_ns, false, reader, err);
}

/* What stands from `begin` up to `end` without its blanks, behind what there is. */
static void add_text(struct objective *objective, const char *begin, const char *end)
{
    size_t used = strlen(objective->text);
    for (const char *c = begin; c < end && used < sizeof objective->text - 1; c++)
        if (*c != ' ' && *c != '\t')
            objective->text[used++] = *c;
    objective->text[used] = '\0';
}

/* "for 10s", where it may stand. */
static enum err_code read_lasting(struct objective *objective, struct reader *reader,
                                  struct err *err)
{
    add_text(objective, reader->figure, reader->at);
    if (!reader->grammar->lasting || !take_word(reader, "for"))
        return OK;
    skip_blanks(reader);
    const char *const begin = reader->at;
    enum err_code code = read_time(&objective->for_ns, true, reader, err);
    const size_t used = strlen(objective->text);
    snprintf(objective->text + used, sizeof objective->text - used, " for ");
    add_text(objective, begin, reader->at);
    return code;
}

static enum err_code read_expression(struct objective *objective, const char *begin,
                                     const char *end, const struct objective_grammar *grammar,
                                     struct err *err)
{
    struct reader reader = {
        .begin = begin, .end = end, .at = begin, .figure = begin, .grammar = grammar};
    *objective = (struct objective){.kind = OBJECTIVE_MEAN};
    skip_blanks(&reader);
    enum err_code code = read_class(objective, &reader, err);
    if (code == OK)
        code = read_figure(objective, &reader, err);
    skip_blanks(&reader);
    if (code == OK)
        code = read_sign(objective, &reader, err);
    skip_blanks(&reader);
    if (code == OK)
        code = read_limit(objective, &reader, err);
    skip_blanks(&reader);
    if (code == OK)
        code = read_lasting(objective, &reader, err);
    skip_blanks(&reader);
    if (code == OK && reader.at < reader.end)
        return mistake(&reader, reader.at, "expected the end, or a comma before the next one", err);
    return code;
}

static bool same_figure(const struct objective *a, const struct objective *b)
{
    return a->kind == b->kind && a->above == b->above && !(a->percent < b->percent) &&
           !(a->percent > b->percent) && strcmp(a->class, b->class) == 0;
}

enum err_code objective_parse_list(struct objective_list *list, const char *text,
                                   const struct objective_grammar *grammar, struct err *err)
{
    *list = (struct objective_list){0};
    for (;;) {
        size_t bytes = strcspn(text, ",");
        if (list->count == OBJECTIVE_MAX)
            return err_set(err, E_USAGE, "%s: more than %d objectives", grammar->option,
                           OBJECTIVE_MAX);
        struct objective *objective = &list->items[list->count];
        enum err_code code = read_expression(objective, text, text + bytes, grammar, err);
        if (code != OK)
            return code;
        for (uint32_t i = 0; i < list->count; i++)
            if (same_figure(&list->items[i], objective))
                return err_set(err, E_USAGE, "%s: %s and %s limit the same figure: give one",
                               grammar->option, list->items[i].text, objective->text);
        list->count++;
        if (text[bytes] == '\0')
            return OK;
        text += bytes + 1;
    }
}

static bool is_kept(const struct objective *objective, double value, double limit)
{
    if (objective->above)
        return objective->or_equal ? value >= limit : value > limit;
    return objective->or_equal ? value <= limit : value < limit;
}

/* Nothing ended, none was connected at the end, and those who tried to were turned away. */
static bool nobody_is_served(const struct metric_slice *slice)
{
    return slice->row != NULL && slice->row->header.connections_open == 0 &&
           slice->row->counters[COUNTER_CONNECT_FAILURES] > 0;
}

static struct objective_reading read_slice(const struct objective *objective,
                                           const struct metric_slice *slice)
{
    static const enum metric_statistic_kind kinds[] = {[OBJECTIVE_PERCENTILE] =
                                                           STATISTIC_PERCENTILE,
                                                       [OBJECTIVE_MEAN] = STATISTIC_MEAN,
                                                       [OBJECTIVE_LONGEST] = STATISTIC_MAX};
    if (objective->kind == OBJECTIVE_ERRORS) {
        struct metric_value failed = metric_read(slice, METRIC_FAILED_PERCENT, NULL);
        const bool known = failed.known || nobody_is_served(slice);
        const double share = failed.known || !known ? failed.number / 100 : 1;
        return (struct objective_reading){
            .known = known,
            .share = share,
            .kept = known && is_kept(objective, share, objective->limit_share)};
    }
    if (objective->kind == OBJECTIVE_RATE) {
        const double rate = metric_read(slice, METRIC_ACHIEVED_RATE, NULL).number;
        return (struct objective_reading){
            .known = true,
            .rate = rate,
            .kept = is_kept(objective, rate, (double)objective->limit_rate)};
    }
    const struct metric_statistic statistic = {NULL, kinds[objective->kind], objective->percent};
    struct metric_value time = metric_read(slice, METRIC_RESPONSE_TIME, &statistic);
    struct objective_reading reading = {.few_samples = time.few_samples,
                                        .known = time.known && !time.censored,
                                        .value_ns = time.censored ? time.at_least_ns
                                                                  : (uint64_t)llround(time.number)};
    reading.kept = (reading.known || objective->above) &&
                   is_kept(objective, (double)reading.value_ns, (double)objective->limit_ns);
    return reading;
}

bool objective_is_of_class(const struct objective *objective, const struct run_facts *run)
{
    return objective->class[0] != '\0' && run != NULL && run->class_count + run->part_count > 0;
}

static bool find_part(uint32_t *part, const struct objective *objective,
                      const struct run_facts *run)
{
    for (*part = 0; *part < run->part_count; (*part)++)
        if (strcmp(run->parts[*part].name, objective->class) == 0)
            return true;
    return false;
}

struct objective_reading objective_read(const struct objective *objective,
                                        const struct metric_slice *slice)
{
    const struct run_facts *run = slice->run;
    uint32_t class = 0, part = 0;
    if (!objective_is_of_class(objective, run))
        return read_slice(objective, slice);
    if (find_part(&part, objective, run)) {
        const struct metric_slice of_part = metric_slice_of_part(slice, part);
        return read_slice(objective, &of_part);
    }
    if (run->class_count == 0)
        return read_slice(objective, slice);
    while (class < run->class_count && strcmp(run->class_names[class], objective->class) != 0)
        class ++;
    if (class < run->class_count) {
        const struct metric_slice of_class = metric_slice_of_class(slice, class);
        return read_slice(objective, &of_class);
    }
    for (uint32_t i = 0; i < run->stream_count; i++)
        if (strcmp(run->streams[i].name, objective->class) == 0) {
            const struct metric_slice of_stream = metric_slice_of_stream(slice, i);
            return read_slice(objective, &of_stream);
        }
    return (struct objective_reading){.known = false};
}

/* Decimals from `least` on with which a value is on the side of the limit on which it is; "7,777" would not say why
 * rate>=7777 is not kept. */
static int telling_decimals(const struct objective *objective, double value, double unit,
                            double limit, int least)
{
    const bool kept = is_kept(objective, value, limit);
    for (int decimals = least; decimals <= DECIMALS_MAX; decimals++) {
        char text[UNITS_REAL_BYTES];
        snprintf(text, sizeof text, "%.*f", decimals, value / unit);
        if (is_kept(objective, strtod(text, NULL) * unit, limit) == kept)
            return decimals;
    }
    return least;
}

static char *format_rate(char *text, size_t text_bytes, const struct objective *objective,
                         double rate)
{
    const double limit = (double)objective->limit_rate;
    figure_rate_text(text, text_bytes, rate);
    if (!(rate < FIGURE_RATE_MAX))
        return text;
    const double shown = rate < 1000 ? strtod(text, NULL) : floor(rate + 0.5);
    if (is_kept(objective, shown, limit) != is_kept(objective, rate, limit))
        units_format_real(text, text_bytes, rate,
                          telling_decimals(objective, rate, 1, limit, rate < 1000));
    return text;
}

char *objective_format_reading(char *text, size_t text_bytes, const struct objective *objective,
                               const struct objective_reading *reading)
{
    static const char *const names[] = {[OBJECTIVE_MEAN] = "mean",
                                        [OBJECTIVE_LONGEST] = "max",
                                        [OBJECTIVE_ERRORS] = "errors",
                                        [OBJECTIVE_RATE] = "rate"};
    char name[CLASS_NAME_BYTES + 32], rate[40];
    const char *const class = objective->class, *const colon = class[0] != '\0' ? ":" : "";
    if (objective->kind == OBJECTIVE_PERCENTILE)
        snprintf(name, sizeof name, "%s%sp%.10g", class, colon, objective->percent);
    else
        snprintf(name, sizeof name, "%s%s%s", class, colon, names[objective->kind]);
    if (objective->kind == OBJECTIVE_ERRORS && reading->known)
        snprintf(text, text_bytes, "%s %.*f %%", name,
                 telling_decimals(objective, reading->share, 0.01, objective->limit_share, 3),
                 reading->share * 100);
    else if (objective->kind == OBJECTIVE_RATE)
        snprintf(text, text_bytes, "%s %s/s", name,
                 format_rate(rate, sizeof rate, objective, reading->rate));
    else if (!reading->known && reading->value_ns == 0)
        snprintf(text, text_bytes, "%s unknown: no answer", name);
    else
        snprintf(text, text_bytes, "%s %s%.*f ms%s", name, reading->known ? "" : "at least ",
                 telling_decimals(objective, (double)reading->value_ns, NS_PER_MS,
                                  (double)objective->limit_ns, 3),
                 clock_ms(reading->value_ns), reading->few_samples ? " (few samples)" : "");
    return text;
}

bool objective_has_little_to_spare(const struct objective *objective,
                                   const struct objective_reading *reading)
{
    if (objective->kind == OBJECTIVE_ERRORS)
        return reading->share > objective->limit_share / 2;
    return reading->value_ns > objective->limit_ns / 2;
}
