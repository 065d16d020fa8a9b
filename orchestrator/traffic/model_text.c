/* A model as a workload file, and how well it fits. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/normal.h"
#include "common/units.h"
#include "orchestrator/traffic/model.h"

#define RATE_ROWS 10u
#define SIZE_POINTS 31u /* odd: the one in the middle is the median */
#define P99_Z 2.3263478740408408
/* A lognormal is taken when its quantiles are so near to those that were recorded. */
#define LOGNORMAL_TOLERANCE 0.1
#define NAME_MAX_BYTES 31
#define FIELDS_MAX 32u /* of a hash, that a prefill writes at once */

/* A text within double quotes, as JSON and YAML have it; with `braces`, one before a letter is no placeholder. */
static void put_quoted(FILE *out, const char *text, bool braces)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if (*text == '{' && braces)
            fputs("\\\\", out);
        fputc(*text, out);
    }
}

/* "user" of "user:", made different from the names of other spaces by its number. */
static const char *space_name(char name[32], const struct model *model, uint32_t index)
{
    const char *prefix = model->spaces[index].prefix;
    size_t used = 0;
    for (size_t i = 0; prefix[i] != '\0' && used < 20; i++) {
        if (isalnum((unsigned char)prefix[i]))
            name[used++] = (char)tolower((unsigned char)prefix[i]);
    }
    name[used] = '\0';
    if (used == 0)
        used = (size_t)snprintf(name, 32, "keys");
    if (index > 0)
        snprintf(name + used, 32 - used, "-%" PRIu32, index + 1);
    return name;
}

/* ---- sizes ---- */

enum size_kind { SIZE_FIXED, SIZE_LOGNORMAL, SIZE_POINTS_OF_QUANTILES };

static double lognormal_at(double median, double p99, double probability)
{
    double deviation = log(p99 / median) / P99_Z;
    return median * exp(deviation * normal_quantile(probability));
}

static enum size_kind choose_size(const struct histogram *sizes)
{
    static const double probabilities[] = {0.1, 0.25, 0.75, 0.9};
    if (sizes->min_ns == sizes->max_ns)
        return SIZE_FIXED;
    double median = (double)histogram_quantile(sizes, 0.5);
    double p99 = (double)histogram_quantile(sizes, 0.99);
    bool near = p99 > median && median >= 1;
    for (size_t i = 0; near && i < sizeof probabilities / sizeof probabilities[0]; i++) {
        double recorded = (double)histogram_quantile(sizes, probabilities[i]);
        double expected = lognormal_at(median, p99, probabilities[i]);
        near = fabs(expected - recorded) <= LOGNORMAL_TOLERANCE * recorded + 1;
    }
    return near ? SIZE_LOGNORMAL : SIZE_POINTS_OF_QUANTILES;
}

static uint64_t at_least_one(uint64_t size)
{
    return size > 0 ? size : 1;
}

static void put_size(FILE *out, const struct histogram *sizes)
{
    switch (choose_size(sizes)) {
    case SIZE_FIXED:
        fprintf(out, "%" PRIu64, at_least_one(sizes->max_ns));
        return;
    case SIZE_LOGNORMAL:
        fprintf(out, "{lognormal: {median: %" PRIu64 ", p99: %" PRIu64 ", max: %" PRIu64 "}}",
                histogram_quantile(sizes, 0.5), histogram_quantile(sizes, 0.99), sizes->max_ns);
        return;
    case SIZE_POINTS_OF_QUANTILES:
        break;
    }
    fputs("\"weights", out);
    for (uint32_t i = 0, alike = 1; i < SIZE_POINTS; i++, alike++) {
        uint64_t size = at_least_one(histogram_quantile(sizes, (i + 0.5) / SIZE_POINTS));
        uint64_t next = i + 1 < SIZE_POINTS
                            ? at_least_one(histogram_quantile(sizes, (i + 1.5) / SIZE_POINTS))
                            : 0;
        if (size == next)
            continue;
        fprintf(out, "%c%" PRIu64 ":%" PRIu32, i + 1 == alike ? ':' : ',', size, alike);
        alike = 0;
    }
    fputc('"', out);
}

/* ---- the fit ---- */

void model_write_shares(const struct model *model, FILE *out, const char *begin)
{
    for (uint32_t i = 0; i < model->shape_count; i++) {
        const struct model_shape *shape = &model->shapes[i];
        fprintf(out, "%s%-14s %6.2f %% of the requests, %6.2f %% of the model\n", begin,
                shape->name, 100.0 * (double)shape->requests / (double)model->requests,
                100.0 * (double)shape->requests / (double)model->modelled);
    }
}

static void put_spaces(const struct model *model, FILE *out, const char *begin)
{
    for (uint32_t i = 0; i < model->space_count; i++) {
        const struct model_space *space = &model->spaces[i];
        fprintf(out, "%skeys \"%s\": %s keys met in %s draws", begin, space->prefix,
                UNITS_GROUPED(space->distinct), UNITS_GROUPED(space->draws));
        if (space->skewed)
            fprintf(out, "; zipf %.3f by the %s hottest", space->exponent,
                    UNITS_GROUPED(space->ranks));
        else
            fputs("; uniform", out);
        if (model->halvings == 0)
            fprintf(out, ", %.1f %% of the draws at most elsewhere than recorded",
                    100 * space->distance);
        fputc('\n', out);
    }
}

static void put_sizes(const struct model *model, FILE *out, const char *begin)
{
    static const char *const kinds[] = {"one size", "lognormal", "31 sizes of equal weight"};
    for (uint32_t i = 0; i < model->shape_count; i++) {
        for (uint32_t k = 0; k < model->shapes[i].argument_count; k++) {
            const struct histogram *sizes = model->shapes[i].arguments[k].sizes;
            if (sizes == NULL)
                continue;
            uint64_t p99 = histogram_quantile(sizes, 0.99);
            enum size_kind kind = choose_size(sizes);
            fprintf(out, "%ssizes of %s, argument %" PRIu32 ": median %s, p99 %s, largest %s; %s\n",
                    begin, model->shapes[i].name, k, UNITS_GROUPED(histogram_quantile(sizes, 0.5)),
                    UNITS_GROUPED(p99), UNITS_GROUPED(sizes->max_ns), kinds[kind]);
        }
    }
}

static void put_rate(const struct model *model, FILE *out, const char *begin)
{
    if (!model->has_times || model->span_us < 1000000) {
        fprintf(out, "%srate: not known%s\n", begin,
                model->has_times ? ", less than a second was recorded" : ", there are no times");
        return;
    }
    fprintf(out, "%srate: %.1f/s in the mean; over time, for --qps or --rate-plan:\n", begin,
            (double)model->requests / ((double)model->span_us / 1e6));
    /* Whole seconds only: the last one was cut. */
    uint64_t seconds = model->span_us / 1000000;
    seconds = seconds < MODEL_SECONDS_MAX ? seconds : MODEL_SECONDS_MAX;
    uint64_t rows = seconds < RATE_ROWS ? seconds : RATE_ROWS;
    for (uint64_t row = 0; row < rows; row++) {
        uint64_t from = row * seconds / rows, to = (row + 1) * seconds / rows, requests = 0;
        for (uint64_t second = from; second < to; second++)
            requests += model->per_second[second];
        fprintf(out, "%s  %6" PRIu64 " s  %.1f/s\n", begin, from,
                (double)requests / (double)(to - from));
    }
}

void model_write_fit(const struct model *model, FILE *out, const char *line_begin)
{
    uint64_t small =
        model->requests - model->modelled - model->administrative - model->without_room;
    fprintf(out, "%s%s requests; the model has %.2f %% of them\n", line_begin,
            UNITS_GROUPED(model->requests),
            100.0 * (double)model->modelled / (double)model->requests);
    if (model->administrative > 0)
        fprintf(out, "%sleft out: %s of scripts, transactions, administration, or that wait\n",
                line_begin, UNITS_GROUPED(model->administrative));
    if (small > 0)
        fprintf(out, "%sleft out: %s of kinds that are rare, or beyond the %u classes of a file\n",
                line_begin, UNITS_GROUPED(small), MODEL_CLASSES_MAX);
    if (model->without_room > 0)
        fprintf(out, "%sleft out: %s of too many kinds, key spaces or arguments to be told apart\n",
                line_begin, UNITS_GROUPED(model->without_room));
    if (model->halvings > 0)
        fprintf(out, "%sof keys one in %" PRIu64 " was counted, chosen by its hash\n", line_begin,
                UINT64_C(1) << model->halvings);
    model_write_shares(model, out, line_begin);
    put_spaces(model, out, line_begin);
    put_sizes(model, out, line_begin);
    put_rate(model, out, line_begin);
}

/* ---- the file ---- */

/* The requests, and behind them what writes keys. */
static uint32_t all_shapes(const struct model *model)
{
    return model->shape_count + model->fill_count;
}

static const struct model_shape *shape_at(const struct model *model, uint32_t index)
{
    return index < model->shape_count ? &model->shapes[index]
                                      : &model->fills[index - model->shape_count];
}

bool model_uses_space(const struct model *model, uint32_t space)
{
    for (uint32_t i = 0; i < all_shapes(model); i++) {
        for (uint32_t k = 0; k < shape_at(model, i)->argument_count; k++) {
            const struct model_argument *argument = &shape_at(model, i)->arguments[k];
            if (argument->kind == ARGUMENT_KEY && argument->space == space)
                return true;
        }
    }
    return false;
}

static void put_key_spaces(const struct model *model, FILE *out)
{
    char name[32];
    bool begun = false;
    for (uint32_t i = 0; i < model->space_count; i++) {
        const struct model_space *space = &model->spaces[i];
        if (!model_uses_space(model, i))
            continue;
        fputs(begun ? "" : "keys:\n", out);
        begun = true;
        fprintf(out, "  %s: {count: %" PRIu64 ", prefix: \"", space_name(name, model, i),
                space->count);
        put_quoted(out, space->prefix, false);
        fprintf(out, "\", first: %" PRIu64 ", digits: %" PRIu32,
                space->opaque ? UINT64_C(0) : space->lowest, space->digits);
        if (space->skewed)
            fprintf(out, ", order: zipf, exponent: %.4f", space->exponent);
        fputs("}\n", out);
    }
}

static void put_values(const struct model *model, FILE *out)
{
    bool begun = false;
    for (uint32_t i = 0; i < all_shapes(model); i++) {
        for (uint32_t k = 0; k < shape_at(model, i)->argument_count; k++) {
            const struct histogram *sizes = shape_at(model, i)->arguments[k].sizes;
            if (sizes == NULL)
                continue;
            fprintf(out, "%s  value-%" PRIu32 "-%" PRIu32 ": {size: ", begun ? "" : "values:\n",
                    i + 1, k);
            begun = true;
            put_size(out, sizes);
            fputs("}\n", out);
        }
    }
}

static void put_argument(const struct model *model, FILE *out, uint32_t shape, uint32_t place,
                         uint64_t turn)
{
    const struct model_argument *argument = &shape_at(model, shape)->arguments[place];
    char name[32];
    fputs(", \"", out);
    switch (argument->kind) {
    case ARGUMENT_KEY:
        fprintf(out, "{key:%s}", space_name(name, model, argument->space));
        put_quoted(out, model->spaces[argument->space].suffix, true);
        break;
    case ARGUMENT_NUMBER:
        put_quoted(out, argument->text, true);
        if (argument->each)
            fprintf(out, "%" PRIu64, argument->lowest + turn);
        else
            fprintf(out, "{int %" PRIu64 " %" PRIu64 "}", argument->lowest, argument->highest);
        break;
    case ARGUMENT_VALUE:
        if (argument->sizes != NULL)
            fprintf(out, "{value:value-%" PRIu32 "-%" PRIu32 "}", shape + 1, place);
        else
            fputs("x", out);
        break;
    case ARGUMENT_NEW:
    case ARGUMENT_LITERAL:
        put_quoted(out, argument->text, true);
        break;
    }
    fputc('"', out);
}

static void put_command(const struct model *model, FILE *out, uint32_t shape)
{
    const struct model_shape *command = shape_at(model, shape);
    const uint32_t times = command->group_times > 0 ? command->group_times : 1;
    const uint32_t from = command->group_times > 0 ? command->group_from : command->argument_count;
    fprintf(out, "[\"%s\"", command->name);
    for (uint32_t k = 1; k < from; k++)
        put_argument(model, out, shape, k, 0);
    for (uint32_t turn = 0; turn < times; turn++) {
        for (uint32_t k = from; k < command->argument_count; k++)
            put_argument(model, out, shape, k, turn);
    }
    fputc(']', out);
}

static void put_classes(const struct model *model, FILE *out)
{
    fputs("classes:\n", out);
    for (uint32_t i = 0; i < model->shape_count; i++) {
        const struct model_shape *shape = &model->shapes[i];
        char name[NAME_MAX_BYTES + 1];
        size_t used = 0;
        for (size_t k = 0; shape->name[k] != '\0' && used < 20; k++) {
            if (isalnum((unsigned char)shape->name[k]))
                name[used++] = (char)tolower((unsigned char)shape->name[k]);
        }
        snprintf(name + used, sizeof name - used, "-%" PRIu32, i + 1);
        /* Parts of a million, so that the numbers stay readable whatever was recorded. */
        fprintf(out, "  - {name: %s, weight: %.0f, command: ", name,
                1e6 * (double)shape->requests / (double)model->modelled);
        put_command(model, out, i);
        fputs("}\n", out);
    }
}

/* The space of a request that writes one key; false: it is none. */
static bool writes_space(const struct model_shape *shape, uint32_t *space)
{
    static const char *const writers[] = {"SET",  "SETEX", "PSETEX", "HSET", "HMSET",
                                          "SADD", "LPUSH", "RPUSH",  "ZADD", "APPEND"};
    uint32_t keys = 0;
    for (uint32_t k = 1; k < shape->argument_count; k++) {
        if (shape->arguments[k].kind == ARGUMENT_KEY) {
            *space = shape->arguments[k].space;
            keys++;
        }
    }
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) {
        if (strcmp(writers[i], shape->name) == 0)
            return keys == 1;
    }
    return false;
}

/* A hash whose fields are counted gets all of them at once. */
static void put_all_fields(const struct model *model, FILE *out, uint32_t shape)
{
    const struct model_argument *field = &model->shapes[shape].arguments[2];
    fprintf(out, "[\"%s\"", model->shapes[shape].name);
    put_argument(model, out, shape, 1, 0);
    for (uint64_t number = field->lowest; number <= field->highest; number++) {
        fputs(", \"", out);
        put_quoted(out, field->text, true);
        fprintf(out, "%" PRIu64 "\"", number);
        put_argument(model, out, shape, 3, 0);
    }
    fputc(']', out);
}

static bool has_counted_fields(const struct model_shape *shape)
{
    return shape->argument_count == 4 && shape->name[0] == 'H' &&
           shape->arguments[2].kind == ARGUMENT_NUMBER &&
           shape->arguments[2].highest - shape->arguments[2].lowest < FIELDS_MAX;
}

static void put_prefill(const struct model *model, FILE *out)
{
    char name[32];
    uint32_t space = 0;
    bool begun = false, done[MODEL_SPACES_MAX] = {false};
    for (uint32_t i = 0; i < model->fill_count; i++) {
        space = model->fills[i].arguments[1].space;
        fprintf(out, "%s  - {keys: %s, command: ", begun ? "" : "prefill:\n",
                space_name(name, model, space));
        put_command(model, out, model->shape_count + i);
        fputs("}\n", out);
        begun = done[space] = true;
    }
    for (uint32_t i = 0; i < model->shape_count; i++) {
        if (!writes_space(&model->shapes[i], &space) || done[space])
            continue;
        done[space] = true;
        fprintf(out, "%s  - {keys: %s, command: ", begun ? "" : "prefill:\n",
                space_name(name, model, space));
        if (has_counted_fields(&model->shapes[i]))
            put_all_fields(model, out, i);
        else
            put_command(model, out, i);
        fputs("}\n", out);
        begun = true;
    }
    for (uint32_t i = 0; i < model->space_count; i++) {
        if (model_uses_space(model, i) && !done[i])
            fprintf(out, "# No request was recorded that writes keys of %s: --prefill does not.\n",
                    space_name(name, model, i));
    }
}

void model_write(const struct model *model, FILE *out, const char *name, const char *source)
{
    fprintf(out, "# Fitted to recorded traffic.\n#\n");
    model_write_fit(model, out, "# ");
    model_write_body(model, out, name, source);
}

void model_write_body(const struct model *model, FILE *out, const char *name, const char *about)
{
    fprintf(out, "name: %s\nabout: \"Fitted to ", name);
    put_quoted(out, about, false);
    fputs("\"\n", out);
    put_key_spaces(model, out);
    put_values(model, out);
    put_classes(model, out);
    put_prefill(model, out);
}
