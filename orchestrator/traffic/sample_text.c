/* What a sample tells, what is guessed, and the workload file. */
#include <inttypes.h>

#include "common/units.h"
#include "orchestrator/traffic/sample.h"

static void put_names(FILE *out, const struct sample_calls *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        fprintf(out, "%s %s (%s)", i == 0 ? ":" : ",", names[i].name,
                UNITS_GROUPED(names[i].calls));
    fputs(count == SAMPLE_LEFT_OUT_MAX ? " ...\n" : "\n", out);
}

static void put_mix(const struct sample *sample, FILE *out, const char *begin)
{
    const struct model *model = sample->model;
    const uint64_t told = model->modelled + model->administrative + sample->unknown +
                          sample->without_keys + model->without_room;
    const uint64_t small = model->requests > told ? model->requests - told : 0;
    fprintf(out, "%s%s commands", begin, UNITS_GROUPED(model->requests));
    if (sample->since_start)
        fputs(" since the start of the server, or CONFIG RESETSTAT", out);
    else
        fprintf(out, " in %.1f s", sample->seconds);
    fprintf(out, "; the model has %.2f %% of them\n",
            100.0 * (double)model->modelled / (double)model->requests);
    if (model->administrative > 0)
        fprintf(out, "%sleft out: %s of scripts, transactions, administration, or that wait\n",
                begin, UNITS_GROUPED(model->administrative));
    if (sample->unknown > 0) {
        fprintf(out, "%sleft out: %s of commands whose arguments cannot be guessed", begin,
                UNITS_GROUPED(sample->unknown));
        put_names(out, sample->unknown_names, sample->unknown_count);
    }
    if (sample->without_keys > 0) {
        fprintf(out, "%sleft out: %s for types of keys that are not in the sample", begin,
                UNITS_GROUPED(sample->without_keys));
        put_names(out, sample->without_keys_names, sample->without_keys_count);
    }
    if (small + model->without_room > 0)
        fprintf(out, "%sleft out: %s of kinds that are rare, or beyond the %u classes of a file\n",
                begin, UNITS_GROUPED(small + model->without_room), MODEL_CLASSES_MAX);
    model_write_shares(model, out, begin);
    if (!sample->since_start && sample->seconds > 0)
        fprintf(out, "%srate: %.1f/s in the mean, for --qps\n", begin,
                (double)(model->requests - model->administrative) / sample->seconds);
}

static void put_skew(const struct sample *sample, FILE *out, uint32_t index)
{
    const struct model_space *fitted = &sample->model->spaces[index];
    const struct sample_space *space = &sample->spaces[index];
    if (!sample->counters_known) {
        fputs("; uniform, which is a guess", out);
        return;
    }
    if (!(space->accesses > 0)) {
        fputs("; uniform: no counter says that it was asked for", out);
        return;
    }
    if (fitted->skewed)
        fprintf(out, "; zipf %.3f by the counters of %s hot keys", fitted->exponent,
                UNITS_GROUPED(fitted->ranks));
    else
        fputs("; uniform", out);
    if (space->at_end > 0)
        fprintf(out, "; %s more are hotter than a counter tells", UNITS_GROUPED(space->at_end));
    fprintf(out, "; the hottest 1 %% get %.1f %%, in the model %.1f %%", 100 * space->hottest,
            100 * space->hottest_modelled);
}

static void put_sizes(const struct sample_space *space, FILE *out, const char *begin)
{
    const struct histogram *sizes = space->value_bytes;
    if (space->type == SAMPLE_OTHER)
        return;
    fprintf(out, "%s  %s: median %s bytes, p99 %s, largest %s\n", begin,
            space->type == SAMPLE_STRING ? "values" : "an element",
            UNITS_GROUPED(histogram_quantile(sizes, 0.5)),
            UNITS_GROUPED(histogram_quantile(sizes, 0.99)), UNITS_GROUPED(sizes->max_ns));
    if (space->type != SAMPLE_STRING)
        fprintf(out, "%s  elements: median %s, largest %s; the model: %" PRIu32 "\n", begin,
                UNITS_GROUPED(histogram_quantile(space->elements, 0.5)),
                UNITS_GROUPED(space->elements->max_ns), sample_elements(space));
}

static void put_times(const struct sample_space *space, FILE *out, const char *begin)
{
    if (space->expiring == 0)
        return;
    fprintf(out,
            "%s  time left: of %.1f %% of these keys; median %s s, p99 %s s, largest %s s; "
            "the model: %s\n",
            begin, 100.0 * (double)space->expiring / (double)space->keys,
            UNITS_GROUPED(histogram_quantile(space->time_left_s, 0.5)),
            UNITS_GROUPED(histogram_quantile(space->time_left_s, 0.99)),
            UNITS_GROUPED(space->time_left_s->max_ns),
            sample_expires(space) ? "all of them" : "none of them");
}

static void put_spaces(const struct sample *sample, FILE *out, const char *begin)
{
    for (uint32_t i = 0; i < sample->model->space_count; i++) {
        const struct model_space *fitted = &sample->model->spaces[i];
        const struct sample_space *space = &sample->spaces[i];
        if (space->keys == 0)
            continue;
        fprintf(out, "%skeys \"%s\": %s of type %s, %s in the sample", begin, fitted->prefix,
                UNITS_GROUPED(fitted->count), sample_type_name(space->type),
                UNITS_GROUPED(space->keys));
        if (space->others > 0)
            fprintf(out, ", beside %s of other types, which are left out",
                    UNITS_GROUPED(space->others));
        put_skew(sample, out, i);
        fputs(model_uses_space(sample->model, i) ? "\n" : "; no class asks for them\n", out);
        put_sizes(space, out, begin);
        put_times(space, out, begin);
    }
}

static void put_guesses(const struct sample *sample, FILE *out, const char *begin)
{
    fprintf(out, "%sguessed: which keys a command asks for, %s\n", begin,
            sample->counters_known ? "by the counters of all keys of its type"
                                   : "by how many keys of its type there are");
    fprintf(out,
            "%sguessed: its other arguments, one key or element each; names of fields and "
            "members\n",
            begin);
    fprintf(out, "%sguessed: a time to live that is written, the largest that was left\n", begin);
    if (!sample->counters_known)
        fprintf(out,
                "%sskew is not known: maxmemory-policy is %s, and only with an LFU policy does a "
                "server count accesses\n",
                begin, sample->policy);
}

void sample_write_fit(const struct sample *sample, FILE *out, const char *line_begin)
{
    fprintf(out, "%s%s keys, of which %s were sampled", line_begin,
            UNITS_GROUPED(sample->keys_there), UNITS_GROUPED(sample->sampled));
    if (sample->vanished > 0)
        fprintf(out, "; %s more were gone when they were asked for",
                UNITS_GROUPED(sample->vanished));
    if (sample->without_room > 0)
        fprintf(out, "; %s more are of too many patterns, or have names that no file takes",
                UNITS_GROUPED(sample->without_room));
    fputc('\n', out);
    put_mix(sample, out, line_begin);
    put_spaces(sample, out, line_begin);
    put_guesses(sample, out, line_begin);
}

void sample_write(const struct sample *sample, FILE *out, const char *name, const char *source)
{
    fprintf(out, "# Fitted to a sample of a server's keys, and its counters of commands.\n#\n");
    sample_write_fit(sample, out, "# ");
    model_write_body(sample->model, out, name, source);
}
