#include "orchestrator/commands/explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/buffer_guide.h"
#include "orchestrator/options/chaos_plan.h"
#include "orchestrator/options/distribution.h"
#include "orchestrator/options/rate_steps.h"
#include "orchestrator/options/rate_text.h"

#define TICKETS_COMPARED 64u
#define COMMAND_BYTES_SHOWN 240u
#define TIMES_SHOWN 10u
#define ROWS_MAX 14u /* more edges than this: a row every tenth of the time */
#define ROWS_EVEN 10u

/* Connections ----------------------------------------------------------------------------------- */

static void print_login(FILE *out, const struct spec *spec)
{
    fprintf(out, "  protocol      %s\n", spec->endpoint.resp3 ? "RESP3 (HELLO 3)" : "RESP2");
    if (spec->endpoint.password == NULL)
        fprintf(out, "  login         none\n");
    else if (spec->managed.wanted)
        fprintf(out, "  login         password only (that of the managed server)\n");
    else if (spec->endpoint.user != NULL)
        fprintf(out, "  login         user %s with a password\n", PRINTABLE(spec->endpoint.user));
    else
        fprintf(out, "  login         password only (the default user)\n");
    if (spec->endpoint.client_name != NULL)
        fprintf(out, "  name          %s\n", PRINTABLE(spec->endpoint.client_name));
    if (spec->endpoint.tracking)
        fprintf(out, "  tracking      on: invalidation messages are counted\n");
}

static void print_life(FILE *out, const struct spec *spec)
{
    if (spec->connections.reconnect_every > 0)
        fprintf(out, "  each lives    for %s request%s, then it is opened anew\n",
                UNITS_GROUPED(spec->connections.reconnect_every),
                spec->connections.reconnect_every == 1 ? "" : "s");
    else
        fprintf(out, "  each lives    for the whole run\n");
    if (spec->connections.source_addresses != NULL)
        fprintf(out, "  from          %s, in turn\n",
                PRINTABLE(spec->connections.source_addresses));
    if (spec->connections.reset_on_close)
        fprintf(out, "  ends with     a reset: its local port is free at once\n");
    if (spec->connections.idle > 0)
        fprintf(out, "  beside them   %s that carry nothing\n",
                UNITS_GROUPED(spec->connections.idle));
    if (spec->connections.max_reconnects > 0)
        fprintf(out, "  when broken   given up after %s failed attempt%s in a row\n",
                UNITS_GROUPED(spec->connections.max_reconnects),
                spec->connections.max_reconnects == 1 ? "" : "s");
    else
        fprintf(out, "  when broken   tried again for ever, at most 1 s apart\n");
}

/* How they are made, what they say first, but for the password, and how long they last. */
static void print_connections(FILE *out, const struct spec *spec)
{
    if (spec->load.null_transport)
        return;
    fprintf(out, "Connections:\n");
    print_login(out, spec);
    print_life(out, spec);
}

/* Steps ----------------------------------------------------------------------------------------- */

/* Bytes as they go out, with what is not printable escaped; long ones are cut. */
static void print_bytes(FILE *out, const char *bytes, size_t byte_count)
{
    size_t shown = byte_count < COMMAND_BYTES_SHOWN ? byte_count : COMMAND_BYTES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '\r')
            fputs("\\r", out);
        else if (c == '\n')
            fputs("\\n", out);
        else if (c >= ' ' && c < 127 && c != '\\')
            fputc(c, out);
        else
            fprintf(out, "\\x%02x", c);
    }
    if (shown < byte_count)
        fprintf(out, "... (%s bytes)", UNITS_GROUPED(byte_count));
}

/* Values begin anywhere in a pool of letters: a few tickets alike are all alike. */
static bool is_always_the_same(const struct workload *workload)
{
    size_t request_bytes = workload_request_bytes(workload);
    char *first = malloc(request_bytes), *other = malloc(request_bytes);
    bool same = first != NULL && other != NULL;
    if (same)
        workload_render(workload, 0, first);
    for (uint64_t ticket = 1; same && ticket < TICKETS_COMPARED; ticket++) {
        workload_render(workload, ticket, other);
        same = memcmp(first, other, request_bytes) == 0;
    }
    free(first);
    free(other);
    return same;
}

static void print_keys(FILE *out, const struct spec *spec, const struct workload *workload)
{
    if (workload_mix(workload) != NULL || workload_live(workload) != NULL) {
        fprintf(out, "  keys          %s\n", UNITS_GROUPED(workload_key_count(workload)));
        return;
    }
    if (workload_keys_per_request(workload) == 0) {
        fprintf(out, "  key numbers   none: %s\n",
                is_always_the_same(workload) ? "the request is always the same"
                                             : "the keys are fixed by the command");
    } else if (spec->load.key_order == KEYS_ONE) {
        fprintf(out, "  key numbers   000000000000 only: neither -r nor --sequential was given\n");
    } else {
        char order[DISTRIBUTION_KEYS_BYTES];
        fprintf(out, "  key numbers   %012llu to %012llu, %s, %u a request\n",
                (unsigned long long)spec->load.keyspace_offset,
                (unsigned long long)(spec->load.keyspace_offset + spec->load.keyspace - 1),
                spec->load.key_order == KEYS_SEQUENTIAL ? "in sequence"
                : spec->load.key_distribution.kind == ORDER_UNIFORM
                    ? "at random"
                    : distribution_format_keys(order, sizeof order, &spec->load.key_distribution),
                workload_keys_per_request(workload));
    }
}

/* {tag}: which requests share one. */
static void print_tags(FILE *out, const struct workload *workload)
{
    const uint64_t numbers = workload_numbers_per_tag(workload);
    if (numbers > 0)
        fprintf(out,
                "  hash tags     the same for key numbers %llu*n to %llu*n+%llu, and for all keys "
                "of a request\n",
                (unsigned long long)numbers, (unsigned long long)numbers,
                (unsigned long long)numbers - 1);
    else if (workload_has_tag(workload))
        fprintf(out, "  hash tags     of each slot in turn, the same for all keys of a request\n");
}

/* Of a plug-in nothing is known before it makes one. */
static void print_request(FILE *out, const struct spec *spec, const struct workload *workload)
{
    if (workload_plugin(workload) != NULL) {
        fprintf(out, "  request       as the plug-in makes it, the first one in its trial:\n");
        return;
    }
    fprintf(out, "  request       %s bytes, %s %s\n",
            UNITS_GROUPED(workload_request_bytes(workload)),
            UNITS_GROUPED(workload_replies(workload)),
            workload_replies(workload) == 1 ? "reply" : "replies");
    print_keys(out, spec, workload);
    print_tags(out, workload);
}

/* The first requests, of a plug-in the first one; of several classes each with its own. */
static void print_tickets(FILE *out, const struct bench_step *step)
{
    struct err ignored = {.code = OK};
    const bool classes = step->spec.load.workload != NULL;
    const uint64_t most = workload_plugin(step->workload) != NULL ? 1 : UINT64_MAX;
    if (workload_walks(step->workload))
        fprintf(out, "  {cursor} is 0 where a walk begins, and then what the reply to its last "
                     "request said; a page has all else of the first one\n");
    for (uint64_t ticket = 0; ticket < step->spec.outputs.tickets_shown && ticket < most;
         ticket++) {
        struct workload_sample sample;
        if (workload_sample(&sample, step->workload, ticket, &ignored) != OK)
            return;
        fprintf(out, "  ticket %-6llu ", (unsigned long long)ticket);
        if (classes)
            fprintf(out, "%-12s ", sample.class);
        print_bytes(out, sample.bytes, sample.byte_count);
        fputc('\n', out);
        free(sample.bytes);
    }
}

static void print_replay(FILE *out, const struct replay_plan *replay)
{
    const struct replay_facts *facts = &replay->facts;
    fprintf(out, "  requests      %s of %s recorded client%s, %s bytes at most\n",
            UNITS_GROUPED(facts->entries), UNITS_GROUPED(facts->clients),
            facts->clients == 1 ? "" : "s", UNITS_GROUPED(facts->most_bytes));
    fprintf(out, "  recorded in   %s s\n", UNITS_REAL(clock_seconds(facts->span_ns), 3));
    fprintf(out, "  commands     ");
    for (uint32_t i = 0; i < facts->class_count; i++)
        fprintf(out, " %s", PRINTABLE(facts->classes[i]));
    fputc('\n', out);
}

static void print_step(FILE *out, const struct bench_step *step, uint32_t number, bool beside)
{
    const struct spec *spec = &step->spec;
    char text[32];
    fprintf(out, "\nStep %u: %s", number,
            PRINTABLE(step->stream != NULL ? step->stream : workload_title(step->workload)));
    if (beside)
        fprintf(out, ", beside it");
    if (step->prefill_for != NULL)
        fprintf(out, ", prefill for %s, not measured", PRINTABLE(step->prefill_for));
    fputc('\n', out);
    if (spec->load.duration_ns > 0)
        fprintf(out, "  length        %s",
                units_format_duration(text, sizeof text, spec->load.duration_ns));
    else
        fprintf(out, "  length        %s request%s", UNITS_GROUPED(spec->load.requests),
                spec->load.requests == 1 ? "" : "s");
    if (spec->load.warmup_ns > 0)
        fprintf(out, ", after a warm-up of %s",
                units_format_duration(text, sizeof text, spec->load.warmup_ns));
    if (spec->load.steady_auto)
        fprintf(out, ", once the load is steady, or after %s",
                units_format_duration(text, sizeof text, spec->load.steady_limit_ns));
    fprintf(out, "\n");
    if (step->stream != NULL)
        fprintf(out, "  connections   %s, database %s\n", UNITS_GROUPED(spec->load.clients),
                UNITS_GROUPED(spec->endpoint.database));
    fprintf(out, "  pipeline      %s\n", UNITS_GROUPED(spec->load.pipeline));
    if (spec->load.replay != NULL) {
        print_replay(out, spec->load.replay);
        return;
    }
    print_request(out, spec, step->workload);
    print_tickets(out, step);
}

/* Schedule -------------------------------------------------------------------------------------- */

static uint64_t request_limit(const struct spec *spec)
{
    return spec->load.duration_ns > 0 ? 0 : spec->load.requests;
}

/* The streams of all workers, merged by time. */
static void print_first_times(FILE *out, const struct spec *spec, const struct schedule *schedule,
                              uint32_t worker_count)
{
    struct arrivals *streams = calloc(worker_count, sizeof *streams);
    uint64_t end_ns = spec->load.duration_ns > 0 ? spec->load.duration_ns : SCHEDULE_NEVER;
    if (streams == NULL)
        return;
    for (uint32_t i = 0; i < worker_count; i++)
        arrivals_init(&streams[i], schedule, spec->rate.arrival, spec->load.seed, i, worker_count,
                      request_limit(spec));
    fprintf(out, "  first requests, from the start of measuring on\n");
    for (uint32_t shown = 0; shown < TIMES_SHOWN; shown++) {
        struct arrivals *next = &streams[0];
        for (uint32_t i = 1; i < worker_count; i++)
            if (streams[i].time_ns < next->time_ns)
                next = &streams[i];
        if (next->time_ns >= end_ns)
            break;
        fprintf(out, "  %15.9f s   ticket %-6" PRIu64 " worker %" PRIu32 "\n",
                clock_seconds(next->time_ns), next->index + next->number * worker_count,
                next->index);
        arrivals_advance(next);
    }
    free(streams);
}

static void print_rate_row(FILE *out, const struct spec *spec, const struct schedule *schedule,
                           uint64_t at_ns, uint64_t rate_micro)
{
    char rate[RATE_TEXT_BYTES];
    schedule_hint hint = 0;
    uint64_t tickets = schedule_tickets_before(schedule, at_ns, &hint);
    if (request_limit(spec) > 0 && tickets > request_limit(spec))
        tickets = request_limit(spec);
    fprintf(out, "  %15.3f s %17s/s %20s\n", clock_seconds(at_ns),
            rate_format(rate, sizeof rate, rate_micro), UNITS_GROUPED(tickets));
}

/* The rate in force up to the end, and not that of a step which would begin there. */
static uint64_t rate_up_to(const struct schedule *schedule, uint64_t end_ns)
{
    for (uint32_t i = 0; i + 1 < schedule->planned_count; i++)
        if (schedule->segments[i + 1].start_ns == end_ns)
            return schedule->segments[i].step.to_micro;
    return schedule_rate_micro(schedule, end_ns > 0 ? end_ns - 1 : 0);
}

/* A row for each edge of the schedule, or where there are many, for each tenth of the time. */
static void print_rates(FILE *out, const struct spec *spec, const struct schedule *schedule,
                        uint64_t end_ns)
{
    uint32_t edges = 0;
    while (edges < schedule->planned_count && schedule->segments[edges].start_ns < end_ns)
        edges++;
    fprintf(out, "  time              rate at that moment    requests due so far%s\n",
            spec->rate.arrival == ARRIVAL_POISSON ? ", on average" : "");
    uint32_t rows = edges <= ROWS_MAX ? edges : ROWS_EVEN;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t at_ns =
            edges <= ROWS_MAX ? schedule->segments[i].start_ns : end_ns / ROWS_EVEN * i;
        print_rate_row(out, spec, schedule, at_ns, schedule_rate_micro(schedule, at_ns));
    }
    print_rate_row(out, spec, schedule, end_ns, rate_up_to(schedule, end_ns));
}

static void print_rate(FILE *out, const struct spec *spec, uint32_t worker_count)
{
    static const char *const pacings[] = {
        [PACING_AUTO] = "auto", [PACING_SLEEP] = "sleep", [PACING_SPIN] = "spin"};
    char text[RATE_TEXT_BYTES];
    struct schedule *schedule = rate_steps_schedule(spec->rate.steps, spec->rate.step_count);
    schedule_hint hint = 0;
    if (schedule == NULL)
        return;
    fprintf(out, "\nSchedule: %s; open loop, pacing %s\n", spec->rate.text,
            pacings[spec->rate.pacing]);
    if (spec->load.warmup_ns > 0 || spec->load.steady_auto)
        fprintf(out, "  warm-up at %s/s\n",
                rate_format(text, sizeof text, spec->rate.warmup_micro));
    if (spec->rate.shed_after_ns > 0)
        fprintf(out, "  requests later than %s are dropped and counted\n",
                units_format_duration(text, sizeof text, spec->rate.shed_after_ns));
    if (spec->load.replay == NULL)
        print_first_times(out, spec, schedule, worker_count);
    else if (spec->load.replay->speed > 0)
        fprintf(out, "  on the average; each request has the time at which it was recorded\n");
    /* With -n the test ends behind its last ticket. */
    uint64_t end_ns = spec->load.duration_ns > 0
                          ? spec->load.duration_ns
                          : schedule_time_ns(schedule, spec->load.requests - 1, &hint) + 1;
    print_rates(out, spec, schedule, end_ns);
    free(schedule);
}

static void print_client_ramp(FILE *out, const struct spec *spec)
{
    const struct client_ramp *ramp = &spec->load.client_ramp;
    uint64_t end_ns = client_ramp_length_ns(ramp);
    uint64_t steps = end_ns / ramp->interval_ns;
    uint64_t each = steps <= ROWS_MAX ? 1 : (steps + ROWS_EVEN - 1) / ROWS_EVEN;
    fprintf(out, "\nClient ramp: %s to %s connections in all\n", UNITS_GROUPED(ramp->start_clients),
            UNITS_GROUPED(ramp->end_clients));
    for (uint64_t step = 0; step < steps; step += each)
        fprintf(out, "  %15.3f s %10s\n", clock_seconds(step * ramp->interval_ns),
                UNITS_GROUPED(client_ramp_count(ramp, step * ramp->interval_ns)));
    fprintf(out, "  %15.3f s %10s\n", clock_seconds(end_ns),
            UNITS_GROUPED(client_ramp_count(ramp, end_ns)));
}

/* The first intended times and whose they are, the rate over time, the client ramp. Nothing in a closed loop
 * without a ramp. */
static void print_schedule(FILE *out, const struct spec *spec, uint32_t worker_count)
{
    if (spec->rate.step_count > 0)
        print_rate(out, spec, worker_count);
    if (spec->load.client_ramp.start_clients > 0)
        print_client_ramp(out, spec);
}

/* The whole ------------------------------------------------------------------------------------- */

/* In the order in which they will be carried out. */
static void print_chaos(FILE *out, const struct spec *spec)
{
    char at[32];
    if (spec->managed.chaos == NULL)
        return;
    fprintf(out, "\nDone to the target, from the start of measuring on:\n");
    for (uint32_t i = 0; i < spec->managed.chaos->count; i++)
        fprintf(out, "  at %-8s %s\n",
                units_format_duration(at, sizeof at, spec->managed.chaos->actions[i].at_ns),
                PRINTABLE(spec->managed.chaos->actions[i].text));
}

/* What it takes when it is full, and who sends. */
static void print_buffer(FILE *out, const struct bench_step *step, const struct plan *plan)
{
    const struct buffer_options *buffer = &step->spec.buffer;
    const char *of = step->spec.endpoint.cluster ? " for each primary of the cluster" : "";
    char text[256], each[32], all[32], users[80] = "";
    if (!buffer->wanted)
        return;
    const struct buffer_guide guide = buffer_guide_of(step, plan->worker_count, plan->usable_cpus);
    if (guide.users > 0)
        snprintf(users, sizeof users, ", and no more than -c, %s, under way",
                 UNITS_GROUPED(guide.users));
    buffer_guide_describe(text, sizeof text, buffer);
    fprintf(out, "  buffer        %s\n", PRINTABLE(text));
    fprintf(
        out,
        "  its memory    at most %s%s; a process has %s * %s in the round buffer, and %s * %s * "
        "%s in the hybrid buffer%s\n",
        units_format_size(all, sizeof all, guide.bytes), of, UNITS_GROUPED(guide.round_writes),
        units_format_size(each, sizeof each, guide.request_bytes),
        UNITS_GROUPED(buffer->hybrid_batches), UNITS_GROUPED(guide.round_writes), each, users);
    if (buffer->cache_replies > 0)
        fprintf(out,
                "  its cache     beside that up to %s replies of a process, each of 16 KB at "
                "most\n",
                UNITS_GROUPED(buffer->cache_replies));
    fprintf(out, "  its workers   %s in all%s",
            UNITS_GROUPED(buffer->flush_workers * plan->worker_count), of);
    if (guide.most_workers > 0)
        fprintf(out, "; a beginning for %s CPUs: %u to %u", UNITS_GROUPED(plan->usable_cpus),
                guide.least_workers, guide.most_workers);
    fputc('\n', out);
}

/* Requests are claimed as workers get on, so a worker's share of -n is only an expectation. */
static void print_workers(FILE *out, const struct plan *plan)
{
    fprintf(out, "Workers: %u\n", plan->worker_count);
    for (uint32_t i = 0; i < plan->note_count; i++)
        fprintf(out, "  %s\n", plan->notes[i]);
    for (uint32_t i = 0; i < plan->worker_count; i++) {
        fprintf(out, "  worker %-4u ", i);
        if (plan->workers[i].cpu >= 0)
            fprintf(out, "CPU %-4d ", plan->workers[i].cpu);
        else
            fprintf(out, "not pinned ");
        fprintf(out, "%s connection%s, ", UNITS_GROUPED(plan->workers[i].connections),
                plan->workers[i].connections == 1 ? "" : "s");
        if (plan->worker_count == 1)
            fprintf(out, "all requests\n");
        else
            fprintf(out, "about 1/%u of the requests\n", plan->worker_count);
    }
    char list[128];
    if (plan->server_cpu >= 0)
        fprintf(out, "  server      CPU%s %s\n", plan->server_cpu_count > 1 ? "s" : "",
                cpu_order_list(list, sizeof list, plan->server_cpus, plan->server_cpu_count));
}

void explain_print(FILE *out, const struct option_values *values, const struct bench_steps *steps,
                   const struct plan *plan)
{
    print_workers(out, plan);
    if (steps->count > 0)
        print_connections(out, &steps->steps[0].spec);
    for (uint32_t i = 0; i < steps->count; i++) {
        print_step(out, &steps->steps[i], i + 1, false);
        print_buffer(out, &steps->steps[i], plan);
    }
    for (uint32_t i = 0; i < steps->beside_count; i++)
        print_step(out, &steps->beside[i], steps->count, true);
    /* All tests have the same one; what is filled before them has none. */
    for (uint32_t i = 0; i < steps->count; i++) {
        if (steps->steps[i].prefill_for != NULL)
            continue;
        print_schedule(out, &steps->steps[i].spec, plan->worker_count);
        break;
    }
    for (uint32_t i = 0; i < steps->beside_count; i++) {
        if (steps->beside[i].spec.rate.step_count > 0)
            fprintf(out, "\n%s:", PRINTABLE(steps->beside[i].stream));
        print_schedule(out, &steps->beside[i].spec, plan->worker_count);
    }
    if (steps->count > 0)
        print_chaos(out, &steps->steps[0].spec);
    fprintf(out, "\nOptions (value, where it came from):\n");
    options_print_origins(values, out);
    fprintf(out, "\nNothing was connected or sent (--explain).\n");
}
