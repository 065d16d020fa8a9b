#include "orchestrator/commands/scenario_watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/scenario_host.h"
#include "orchestrator/commands/scenario_nodes.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/watch/terminal.h"

/* Near the end of a phase samples come so early that the value moves on by half of what is left, and no more often. */
#define HURRY_LEAST_NS (2 * NS_PER_MS)
#define HURRY_FIRST_NS (20 * NS_PER_MS)
#define HURRY_COST                                                                                 \
    10.0 /* times what a sample takes: it costs the server no more than a tenth of that time */
/* From a sample to the last request that the end of a phase lets through, beside what the next sample would take. */
#define STOP_TAKES_NS (3.0 * 1e6)
#define ANSWER_LIMIT_NS (10 * NS_PER_SECOND) /* of a checkpoint's sample */

const struct phase *scenario_phase_now(const struct scenario_run *run)
{
    return run->aside != NULL ? run->aside : &run->scenario->phases[run->phase];
}

struct phase_account *scenario_account_now(const struct scenario_run *run)
{
    return &run->accounts[run->phase];
}

void scenario_phase_end(struct scenario_run *run, const char *why)
{
    struct phase_account *account = scenario_account_now(run);
    if (!run->done)
        snprintf(account->end, sizeof account->end, "%s", why);
    run->done = true;
    if (run->running)
        run->session->interrupts->enough = true;
    else
        event_base_loopbreak(run->session->base);
}

struct latency_summary scenario_latency(const struct histogram *latency)
{
    if (latency->count == 0)
        return (struct latency_summary){NAN, NAN, NAN, NAN, NAN};
    return (struct latency_summary){.mean_ms = histogram_mean(latency) / 1e6,
                                    .p50_ms = (double)histogram_quantile(latency, 0.5) / 1e6,
                                    .p95_ms = (double)histogram_quantile(latency, 0.95) / 1e6,
                                    .p99_ms = (double)histogram_quantile(latency, 0.99) / 1e6,
                                    .max_ms = (double)latency->max_ns / 1e6};
}

static void add_client_values(struct scenario_run *run, double values[SERIES_METRICS])
{
    if (!(run->window_seconds > 0))
        return;
    const struct latency_summary latency = scenario_latency(run->window_latency);
    values[SERIES_OPS] = (double)run->window_ok / run->window_seconds;
    values[SERIES_REQUESTS] = (double)run->window_ok;
    values[SERIES_ERRORS] = (double)run->window_failed;
    values[SERIES_P50] = latency.p50_ms;
    values[SERIES_P95] = latency.p95_ms;
    values[SERIES_P99] = latency.p99_ms;
    values[SERIES_MAX] = latency.max_ms;
    run->window_ok = run->window_failed = 0;
    run->window_seconds = 0;
    histogram_reset(run->window_latency);
}

/* What is left of the phase: by its duration at most, or by how fast its value comes near. Returns text; "": not known. */
static char *put_left(char *text, size_t text_bytes, const struct scenario_run *run,
                      const double *values, uint64_t now_ns)
{
    const struct phase *phase = scenario_phase_now(run);
    const double since =
        clock_seconds(now_ns - run->began_ns) - clock_seconds(scenario_account_now(run)->start_ns);
    double wanted = NAN;
    const double value = scenario_value_of(run, &phase->until, values, &wanted);
    const double most = phase->duration_ns > 0 ? fmax(clock_seconds(phase->duration_ns) - since, 0)
                                               : (double)INFINITY;
    const double by_value = !isnan(value) && run->slope != 0
                                ? (wanted - value) / run->slope / (double)NS_PER_SECOND
                                : (double)NAN;
    text[0] = '\0';
    if (by_value > 0 && by_value < most)
        snprintf(text, text_bytes, ", about %.0f s left", by_value);
    else if (isfinite(most))
        snprintf(text, text_bytes, ", %.0f s left%s", most,
                 phase->until.metric[0] != '\0' ? " at most" : "");
    return text;
}

/* The value that the phase ends by, as a part of what it is to be; "": it ends by none, or that is not known. */
static void put_part(char *text, size_t text_bytes, const struct scenario_run *run,
                     const double *values)
{
    const struct phase_until *until = &scenario_phase_now(run)->until;
    double wanted = NAN;
    const double value = scenario_value_of(run, until, values, &wanted);
    text[0] = '\0';
    if (until->metric[0] == '\0')
        return;
    if (until->at_least && wanted > 0 && value >= 0)
        snprintf(text, text_bytes, ", %.0f %% of %.50s", 100 * value / wanted, until->text);
    else
        snprintf(text, text_bytes, " until %.50s", until->text);
}

/* Without the time, and the figures, which the screen has. */
static void tell_phase(struct terminal *terminal, const char *head, const char *part,
                       const char *left)
{
    char text[160];
    const char *behind_time = strstr(head, "] ");
    snprintf(text, sizeof text, "%.100s%.40s%.18s", behind_time != NULL ? behind_time + 2 : head,
             part, left);
    terminal_tell_phase(terminal, text);
}

/* How far it is, as people read it; what says least stands last. */
static void show(struct scenario_run *run, const double *values, uint64_t now_ns)
{
    const struct phase *phase = scenario_phase_now(run);
    char head[192], part[96], left[48], rate[96] = "", keys[64], memory[48], used[32];
    if (!run->show_progress || now_ns - run->shown_ns < NS_PER_SECOND * 9 / 10)
        return;
    run->shown_ns = now_ns;
    snprintf(head, sizeof head, "[%.1fs] phase %u of %u, %s: %.1f s",
             clock_seconds(now_ns - run->began_ns), run->phase + 1, run->scenario->phase_count,
             PRINTABLE(phase->name),
             clock_seconds(now_ns - run->began_ns) -
                 clock_seconds(scenario_account_now(run)->start_ns));
    put_part(part, sizeof part, run, values);
    put_left(left, sizeof left, run, values, now_ns);
    snprintf(keys, sizeof keys, "; %s keys",
             values[SERIES_KEYS] >= 0 ? UNITS_GROUPED(units_whole(values[SERIES_KEYS])) : "?");
    units_format_size(used, sizeof used, units_whole(values[SERIES_USED_MEMORY]));
    snprintf(memory, sizeof memory, ", %s used", used);
    if (values[SERIES_OPS] >= 0)
        snprintf(rate, sizeof rate, "; %s requests/s, p99 %.3f ms",
                 UNITS_GROUPED((uint64_t)values[SERIES_OPS]), values[SERIES_P99]);
    const char *const parts[] = {head, printable_line(part), left, keys, memory, rate};
    if (run->session->watching.terminal != NULL)
        tell_phase(run->session->watching.terminal, parts[0], parts[1], parts[2]);
    else
        live_line_show_parts(&run->line, parts, sizeof parts / sizeof parts[0]);
}

double scenario_value_of(const struct scenario_run *run, const struct phase_until *until,
                         const double *values, double *wanted)
{
    enum series_metric metric;
    double divisor;
    if (until->metric[0] == '\0' || !series_metric_find(&metric, &divisor, until->metric))
        return NAN;
    *wanted = until->of_target ? until->value * (double)run->scenario->memory_target_bytes / divisor
                               : until->value;
    /* vectors may all lie in one key; the map knows of a part of a load when it has been sent */
    const struct phase *phase = scenario_phase_now(run);
    if (metric == SERIES_KEYS && phase->type == PHASE_LOAD && phase->datatype == LIVE_VECTOR)
        return (double)live_map_count(run->map);
    return values[metric] / divisor;
}

static void watch_until(struct scenario_run *run, const double *values, uint64_t at_ns,
                        uint64_t took_ns)
{
    const struct phase_until *until = &scenario_phase_now(run)->until;
    double wanted = NAN;
    const double value = scenario_value_of(run, until, values, &wanted);
    if (isnan(value))
        return;
    const double gap_ns = (double)(at_ns - run->last_value_ns);
    if (run->phase_samples > 1 && gap_ns > 0)
        run->slope = (value - run->last_value) / gap_ns;
    run->last_value = value;
    run->last_value_ns = at_ns;
    const double lag =
        run->running && !run->in_parts ? run->slope * (STOP_TAKES_NS + (double)took_ns) : 0;
    if (until->at_least ? value + lag >= wanted : value + lag <= wanted) {
        scenario_phase_end(run, until->text);
        return;
    }
    /* No later than in twice the time of the last one, since a load that begins is slower than it will be. */
    const bool moves = until->at_least ? run->slope > 0 : run->slope < 0;
    const double left_ns = moves ? (wanted - value) / run->slope : INFINITY;
    double delay_ns = run->phase_samples > 1 ? 2 * gap_ns : (double)HURRY_FIRST_NS;
    delay_ns = fmax(fmin(delay_ns, left_ns / 2), (double)HURRY_LEAST_NS);
    delay_ns = fmax(delay_ns, HURRY_COST * (double)took_ns);
    if (delay_ns < (double)run->scenario->sample_interval_ns)
        server_sampler_hurry(run->sampler, (uint64_t)delay_ns);
}

static bool keep_stable_value(struct scenario_run *run, double value, uint64_t at_ns)
{
    if (run->stable_count == run->stable_room) {
        const size_t room = run->stable_room > 0 ? 2 * run->stable_room : 256;
        double *values = realloc(run->stable_values, room * sizeof *values);
        if (values != NULL)
            run->stable_values = values;
        uint64_t *times = realloc(run->stable_at_ns, room * sizeof *times);
        if (times != NULL)
            run->stable_at_ns = times;
        if (values == NULL || times == NULL)
            return false;
        run->stable_room = room;
    }
    run->stable_values[run->stable_count] = value;
    run->stable_at_ns[run->stable_count++] = at_ns;
    return true;
}

static void watch_stable(struct scenario_run *run, const double *values, uint64_t at_ns)
{
    const struct phase_stable *stable = &scenario_phase_now(run)->stable;
    enum series_metric metric;
    double divisor, least = INFINITY, most = -INFINITY, sum = 0;
    size_t count = 0;
    if (stable->metric[0] == '\0' || !series_metric_find(&metric, &divisor, stable->metric) ||
        isnan(values[metric]) || !keep_stable_value(run, values[metric], at_ns) ||
        at_ns - run->stable_at_ns[0] < stable->window_ns)
        return;
    for (size_t i = run->stable_count; i-- > 0 && at_ns - run->stable_at_ns[i] <= stable->window_ns;
         count++) {
        sum += run->stable_values[i];
        least = fmin(least, run->stable_values[i]);
        most = fmax(most, run->stable_values[i]);
    }
    const double mean = sum / (double)count;
    if (count > 1 && most - mean <= stable->tolerance * fabs(mean) &&
        mean - least <= stable->tolerance * fabs(mean))
        scenario_phase_end(run, "stable");
}

/* Of a cluster some nodes may answer while it is not whole. */
static bool is_silent(const struct server_sample *sample)
{
    bool silent = !sample->known;
    for (uint32_t i = 0; i < sample->node_count; i++)
        silent &= !sample->nodes[i].answered;
    return silent;
}

/* One miss is no death. A phase that sends ends by itself when it waits in vain, one with actions may have stopped the
 * server for a while. */
static void look_at_silence(struct scenario_run *run, const struct server_sample *sample)
{
    if (!is_silent(sample)) {
        run->silent_since_ns = 0;
        return;
    }
    if (run->silent_since_ns == 0)
        run->silent_since_ns = sample->at_ns;
    run->silent_at_ns = sample->at_ns;
    if (!scenario_server_gone(run))
        server_sampler_hurry(run->sampler, NS_PER_SECOND);
    else if (!run->done && !run->running && run->chaos == NULL)
        scenario_phase_end(run, "no answer");
}

bool scenario_server_gone(const struct scenario_run *run)
{
    return run->silent_since_ns > 0 && clock_now_ns() - run->silent_since_ns >= ANSWER_LIMIT_NS;
}

void scenario_hear_sample(void *state, const struct server_sample *sample)
{
    struct scenario_run *run = state;
    struct series_row row = {.at_ns = sample->at_ns - run->began_ns, .phase = run->phase};
    struct err err = {.code = OK};
    watch_samples_hear(&run->session->watching.samples, sample);
    run->samples++;
    run->samples_missed += !sample->known;
    run->unheard = !sample->known;
    run->sampling_seconds += clock_seconds(sample->took_ns);
    row.wall_ns = run->began_wall_ns + row.at_ns;
    for (uint32_t i = 0; i < SERIES_METRICS; i++)
        row.values[i] = NAN;
    memcpy(row.values, sample->values, SERIES_OPS * sizeof row.values[0]);
    add_client_values(run, row.values);
    scenario_nodes_hear(run, sample, &row);
    scenario_host_look(run, row.values);
    if (series_add(&run->series, &row, &err) != OK)
        log_line(LOG_WARNING, "a sample is lost: %s", err.text);
    look_at_silence(run, sample);
    if (!sample->known)
        return;
    run->newest = row;
    run->phase_samples++;
    show(run, row.values, sample->at_ns);
    scenario_host_guard(run, row.values);
    if (!run->done) {
        watch_until(run, row.values, sample->at_ns, sample->took_ns);
        watch_stable(run, row.values, sample->at_ns);
    }
}

bool scenario_sample_now(struct scenario_run *run)
{
    const uint64_t from_ns = clock_now_ns(), until_ns = from_ns + ANSWER_LIMIT_NS;
    server_sampler_hurry(run->sampler, 0);
    while (run->newest.at_ns + run->began_ns < from_ns && clock_now_ns() < until_ns &&
           run->session->interrupts->count == 0 &&
           !(scenario_server_gone(run) && run->silent_at_ns >= from_ns))
        event_base_loop(run->session->base, EVLOOP_ONCE);
    return run->newest.at_ns + run->began_ns >= from_ns;
}

static void watch_branches(struct scenario_run *run, const struct interval_row *row)
{
    const struct run_facts *facts = run->session->run;
    for (uint32_t i = 0; i < facts->stream_count && i < SCENARIO_CHILDREN_MAX; i++) {
        const struct run_stream *stream = &facts->streams[i];
        for (uint32_t k = stream->first_class; k < stream->first_class + stream->class_count; k++) {
            const uint64_t *counters = row->classes[k].counters;
            if (counters[CLASS_OK] + counters[CLASS_ERRORS] + counters[CLASS_TIMED_OUT] +
                    counters[CLASS_LOST] >
                0)
                run->branch_end_ns[i] = row->header.end_ns;
        }
    }
}

enum err_code scenario_hear_row(void *state, const struct interval_row *row,
                                const struct error_kinds *error_kinds, struct err *err)
{
    struct scenario_run *run = state;
    (void)error_kinds;
    (void)err;
    watch_branches(run, row);
    run->window_ok += row->counters[COUNTER_OK];
    run->window_failed += figure_failed(row->counters);
    run->window_seconds += clock_seconds(row->header.end_ns - row->header.start_ns);
    histogram_add(run->window_latency,
                  figure_latency(row, (row->header.flags & INTERVAL_OPEN_LOOP) != 0));
    return OK;
}
