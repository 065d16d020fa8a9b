/* One function a figure: runs volley, takes the truth from the server's record, and judges. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/perf/honesty.h"

#define TEXT_BYTES 96
#define TRIES_MAX 3 /* where a busy machine spoils a whole run */

/* The truth about a run at a constant rate whose keys tell the tickets. */
struct truth {
    struct schedule *schedule;
    uint64_t *intended_ns; /* by ticket */
    uint64_t start_ns;
};

static void truth_free(struct truth *truth)
{
    free(truth->schedule);
    free(truth->intended_ns);
    *truth = (struct truth){.start_ns = 0};
}

static enum err_code truth_find(struct truth *truth, const struct observed *observed,
                                const struct load *load, struct err *err)
{
    const struct rate_step step = {.length_ns = SCHEDULE_NEVER,
                                   .from_micro = load->rate * SCHEDULE_MICRO,
                                   .to_micro = load->rate * SCHEDULE_MICRO,
                                   .shape = SCHEDULE_CONSTANT};
    *truth = (struct truth){.schedule = calloc(1, schedule_bytes(1, false))};
    if (truth->schedule == NULL)
        return err_set(err, E_SYSTEM, "out of memory");
    schedule_plan(truth->schedule, &step, 1, false);
    const struct recorder_load intended = {
        .schedule = truth->schedule,
        .arrival = load->poisson ? ARRIVAL_POISSON : ARRIVAL_EVEN,
        .seed = (uint64_t)json_integer_value(
            json_object_get(json_object_get(observed->document, "spec"), "seed")),
        .workers = load->workers};
    truth->intended_ns =
        recorder_record_intended(&intended, recorder_record_ticket_end(&observed->record));
    if (truth->intended_ns == NULL)
        return err_set(err, E_SYSTEM, "out of memory");
    truth->start_ns = recorder_record_start_ns(&observed->record, truth->intended_ns);
    return OK;
}

static const char *arrival_name(bool poisson)
{
    return poisson ? "Poisson" : "even";
}

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

/* The stall -------------------------------------------------------------------------------------- */

#define STALL_TOLERANCE 0.02

static enum err_code judge_stall(struct honesty *honesty, const struct observed *observed,
                                 const struct load *load, struct err *err)
{
    static const struct {
        const char *name, *path;
        double q;
    } points[] = {{"p95", "response_time_us.p95", 0.95},
                  {"p99", "response_time_us.p99", 0.99},
                  {"max", "response_time_us.max", 1.0}};
    struct truth truth;
    uint64_t count, *waits = NULL;
    enum err_code code = truth_find(&truth, observed, load, err);
    if (code == OK) {
        waits = true_waits(&count, &observed->record, truth.intended_ns, truth.start_ns);
        if (waits == NULL || count == 0)
            code = err_set(err, E_FAILED, "no request was answered");
    }
    for (size_t i = 0; i < sizeof points / sizeof points[0] && code == OK; i++) {
        char wanted[TEXT_BYTES], got[TEXT_BYTES];
        double true_ms = (double)quantile(waits, count, points[i].q) / (double)NS_PER_MS;
        double said_ms = observed_number(observed, points[i].path) / 1e3;
        double error = relative_error(said_ms, true_ms);
        snprintf(wanted, sizeof wanted, "%.1f ms, within 2 %%", true_ms);
        snprintf(got, sizeof got, "%.1f ms, %.2f %% off", said_ms, error * 100);
        judge(honesty, error <= STALL_TOLERANCE, wanted, got, "stall, %s, %u worker%s: %s",
              arrival_name(load->poisson), load->workers, plural(load->workers), points[i].name);
    }
    free(waits);
    truth_free(&truth);
    return code;
}

/* A machine that takes the CPU away for half a second leaves a backlog at the end, and with it unknown
 * percentiles: such a run says nothing, and is repeated. */
static enum err_code observe_stall(struct observed *observed, const struct honesty *honesty,
                                   const struct load *load, struct err *err)
{
    for (uint32_t tries = 1;; tries++) {
        enum err_code code = observe_volley(observed, honesty, load, err);
        if (code != OK || tries == TRIES_MAX ||
            !isnan(observed_number(observed, "response_time_us.p99")))
            return code;
        observed_free(observed);
    }
}

enum err_code figure_stall(struct honesty *honesty, struct err *err)
{
    enum err_code code = OK;
    for (uint32_t row = 0; row < 8 && code == OK; row++) {
        struct observed observed;
        const struct load load = {.workers = row % 4 + 1,
                                  .poisson = row >= 4,
                                  .tickets = true,
                                  .rate = 10000,
                                  .duration_ms = 10000,
                                  .stall = "4.5:1"};
        code = observe_stall(&observed, honesty, &load, err);
        if (code == OK)
            code = judge_stall(honesty, &observed, &load, err);
        observed_free(&observed);
    }
    return code;
}

/* Even pacing ------------------------------------------------------------------------------------ */

#define EVEN_MS 3000
#define EVEN_LIMIT(floor_) (1.2 * (floor_) + 0.1)

static double whole_run_evenness(const struct observed *observed)
{
    return arrivals_variance_per_mean(&observed->record, first_arrival_ns(&observed->record),
                                      last_arrival_ns(&observed->record));
}

static enum err_code floor_evenness(double *evenness, const struct honesty *honesty, uint64_t rate,
                                    struct err *err)
{
    struct observed observed;
    enum err_code code = observe_floor(&observed, honesty, rate, EVEN_MS, err);
    if (code == OK)
        *evenness = whole_run_evenness(&observed);
    observed_free(&observed);
    return code;
}

static enum err_code volley_evenness(double *evenness, const struct honesty *honesty,
                                     const char *pacing, uint64_t rate, struct err *err)
{
    struct observed observed;
    const struct load load = {.workers = 1, .pacing = pacing, .rate = rate, .duration_ms = EVEN_MS};
    enum err_code code = observe_volley(&observed, honesty, &load, err);
    if (code == OK)
        *evenness = whole_run_evenness(&observed);
    observed_free(&observed);
    return code;
}

/* Every other round goes backwards, so that a drift of the machine does not always meet the same one. */
static enum err_code judge_evenness(struct honesty *honesty, uint64_t rate, struct err *err)
{
    static const char *const names[] = {"floor", "auto", "sleep"};
    double evenness[3][HONESTY_ROUNDS_MAX] = {{0}};
    char wanted[TEXT_BYTES], got[TEXT_BYTES];
    enum err_code code = OK;
    for (uint64_t round = 0; round < honesty->rounds && code == OK; round++)
        for (uint32_t i = 0; i < 3 && code == OK; i++) {
            uint32_t who = round % 2 == 0 ? i : 2 - i;
            double *one = &evenness[who][round];
            code = who == 0 ? floor_evenness(one, honesty, rate, err)
                            : volley_evenness(one, honesty, names[who], rate, err);
        }
    if (code != OK)
        return code;
    double floor_best = smallest_of(evenness[0], honesty->rounds);
    snprintf(got, sizeof got, "%.2f (median %.2f)", floor_best,
             median_of(evenness[0], honesty->rounds));
    show(honesty, got, "even, %llu/s: variance/mean per ms, floor", (unsigned long long)rate);
    snprintf(wanted, sizeof wanted, "at most %.2f", EVEN_LIMIT(floor_best));
    for (uint32_t who = 1; who < 3; who++) {
        double best = smallest_of(evenness[who], honesty->rounds);
        snprintf(got, sizeof got, "%.2f (median %.2f)", best,
                 median_of(evenness[who], honesty->rounds));
        judge(honesty, best <= EVEN_LIMIT(floor_best), wanted, got,
              "even, %llu/s: variance/mean per ms, %s", (unsigned long long)rate, names[who]);
    }
    return OK;
}

static enum err_code judge_sent(struct honesty *honesty, uint64_t rate, struct err *err)
{
    struct observed observed;
    const struct load load = {.workers = 1, .rate = rate, .duration_ms = 10000};
    char wanted[TEXT_BYTES], got[TEXT_BYTES];
    enum err_code code = observe_volley(&observed, honesty, &load, err);
    if (code == OK) {
        double sent = (double)observed.record.header.request_count;
        double asked = (double)rate * 10;
        snprintf(wanted, sizeof wanted, "%.0f, within 0.1 %%", asked);
        snprintf(got, sizeof got, "%.0f", sent);
        judge(honesty, relative_error(sent, asked) <= 0.001, wanted, got,
              "even, %llu/s: requests in 10 s", (unsigned long long)rate);
    }
    observed_free(&observed);
    return code;
}

enum err_code figure_even(struct honesty *honesty, struct err *err)
{
    static const uint64_t rates[] = {1000, 10000, 50000};
    enum err_code code = OK;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0] && code == OK; i++) {
        code = judge_evenness(honesty, rates[i], err);
        if (code == OK)
            code = judge_sent(honesty, rates[i], err);
    }
    return code;
}

/* No bursts -------------------------------------------------------------------------------------- */

#define BURST_RATE 10000
#define BURST_START_NS (100 * NS_PER_MS)
#define BURST_LATE_NS (2 * NS_PER_MS) /* later than this is backlog                   */
#define BURST_EARLY_US 100            /* what the start's estimate may be off         */

enum burst_part { BURST_START, BURST_BEFORE, BURST_AFTER, BURST_PARTS };

struct bursts {
    double evenness[BURST_PARTS];
    double early_us; /* of the earliest request behind the stall, before its time */
};

/* Where the backlog of the stall has gone: behind the last request that came too late. */
static uint64_t drained_ns(const struct observed *observed, const struct truth *truth)
{
    const struct recorder_record *record = &observed->record;
    uint64_t drained = record->header.stalls[0].end_ns;
    for (uint64_t i = 0; i < record->header.request_count; i++) {
        const struct recorder_request *request = &record->requests[i];
        uint64_t intended_ns = truth->start_ns + truth->intended_ns[request->ticket];
        /* Not what this machine did to it long after the stall. */
        if (request->arrival_ns >= record->header.stalls[0].end_ns &&
            request->arrival_ns < record->header.stalls[0].end_ns + NS_PER_SECOND &&
            request->arrival_ns > intended_ns + BURST_LATE_NS)
            drained = request->arrival_ns;
    }
    return drained;
}

static void measure_bursts(struct bursts *bursts, const struct observed *observed,
                           const struct truth *truth)
{
    const struct recorder_record *record = &observed->record;
    uint64_t first_ns = first_arrival_ns(record);
    bursts->evenness[BURST_START] =
        arrivals_variance_per_mean(record, first_ns, first_ns + BURST_START_NS);
    bursts->evenness[BURST_BEFORE] =
        arrivals_variance_per_mean(record, first_ns, record->header.stalls[0].begin_ns);
    bursts->evenness[BURST_AFTER] = arrivals_variance_per_mean(
        record, drained_ns(observed, truth) + NS_PER_MS, last_arrival_ns(record));
    /* The start as the requests before the stall tell it. */
    struct recorder_record before = *record;
    before.header.request_count = arrivals_between(record, 0, record->header.stalls[0].begin_ns);
    uint64_t start_ns = recorder_record_start_ns(&before, truth->intended_ns);
    bursts->early_us = ((double)start_ns - (double)truth->start_ns) / (double)NS_PER_US;
}

static enum err_code observe_bursts(struct bursts *bursts, const struct honesty *honesty,
                                    uint32_t workers, struct err *err)
{
    struct observed observed;
    struct truth truth = {.start_ns = 0};
    const struct load load = {.workers = workers,
                              .tickets = true,
                              .rate = BURST_RATE,
                              .duration_ms = 4000,
                              .stall = "2:500ms"};
    enum err_code code = observe_volley(&observed, honesty, &load, err);
    if (code == OK && observed.record.header.stall_count != 1)
        code = err_set(err, E_FAILED, "the server did not stall");
    if (code == OK)
        code = truth_find(&truth, &observed, &load, err);
    if (code == OK)
        measure_bursts(bursts, &observed, &truth);
    truth_free(&truth);
    observed_free(&observed);
    return code;
}

static void judge_bursts(struct honesty *honesty, uint32_t workers, const struct bursts *rounds,
                         const double *limits)
{
    static const char *const names[] = {"at the start", "before a stall", "after its backlog"};
    char wanted[TEXT_BYTES], got[TEXT_BYTES];
    for (uint32_t part = 0; part < BURST_PARTS; part++) {
        double evenness[HONESTY_ROUNDS_MAX] = {0};
        for (uint64_t round = 0; round < honesty->rounds; round++)
            evenness[round] = rounds[round].evenness[part];
        double best = smallest_of(evenness, honesty->rounds);
        snprintf(wanted, sizeof wanted, "at most %.2f", limits[part]);
        snprintf(got, sizeof got, "%.2f (median %.2f)", best, median_of(evenness, honesty->rounds));
        judge(honesty, best <= limits[part], wanted, got, "bursts, %u workers: variance/mean %s",
              workers, names[part]);
    }
    double early_us = rounds[0].early_us;
    for (uint64_t round = 1; round < honesty->rounds; round++)
        early_us = fmin(early_us, rounds[round].early_us);
    snprintf(wanted, sizeof wanted, "at most %d us early", BURST_EARLY_US);
    snprintf(got, sizeof got, "%.0f us early", early_us);
    judge(honesty, early_us <= BURST_EARLY_US, wanted, got,
          "bursts, %u workers: ahead of time after a stall", workers);
}

enum err_code figure_bursts(struct honesty *honesty, struct err *err)
{
    static const uint32_t workers[] = {2, 4};
    struct bursts rounds[2][HONESTY_ROUNDS_MAX] = {{{.early_us = 0}}};
    double limits[BURST_PARTS] = {INFINITY, INFINITY, INFINITY};
    enum err_code code = OK;
    for (uint64_t round = 0; round < honesty->rounds && code == OK; round++) {
        struct observed observed;
        code = observe_floor(&observed, honesty, BURST_RATE, EVEN_MS, err);
        if (code == OK) {
            uint64_t first_ns = first_arrival_ns(&observed.record);
            double start =
                arrivals_variance_per_mean(&observed.record, first_ns, first_ns + BURST_START_NS);
            double whole = whole_run_evenness(&observed);
            limits[BURST_START] = fmin(limits[BURST_START], EVEN_LIMIT(start));
            limits[BURST_BEFORE] = fmin(limits[BURST_BEFORE], EVEN_LIMIT(whole));
            limits[BURST_AFTER] = limits[BURST_BEFORE];
        }
        observed_free(&observed);
        for (uint32_t i = 0; i < 2 && code == OK; i++)
            code = observe_bursts(&rounds[i][round], honesty, workers[i], err);
    }
    for (uint32_t i = 0; i < 2 && code == OK; i++)
        judge_bursts(honesty, workers[i], rounds[i], limits);
    return code;
}

/* Poisson ----------------------------------------------------------------------------------------- */

#define POISSON_TOLERANCE 0.05

static enum err_code poisson_once(double *evenness, const struct honesty *honesty, uint32_t workers,
                                  struct err *err)
{
    struct observed observed;
    const struct load load = {
        .workers = workers,
        .poisson = true,
        /* A worker with a CPU of its own need not sleep: what a virtual machine's timers add then is
         * not in the figure. Two on one CPU must. */
        .pacing = workers == 1 || honesty->many_cpus ? "spin" : NULL,
        .rate = 10000,
        .duration_ms = 20000};
    enum err_code code = observe_volley(&observed, honesty, &load, err);
    if (code == OK)
        *evenness = whole_run_evenness(&observed);
    observed_free(&observed);
    return code;
}

/* A second and third try only where the first ones fail: what a neighbour on the machine does makes
 * arrivals burst. */
enum err_code figure_poisson(struct honesty *honesty, struct err *err)
{
    enum err_code code = OK;
    for (uint32_t workers = 1; workers <= 2 && code == OK; workers++) {
        double best = INFINITY;
        uint32_t tries = 0;
        while (tries < TRIES_MAX && fabs(best - 1) > POISSON_TOLERANCE && code == OK) {
            double evenness = NAN;
            code = poisson_once(&evenness, honesty, workers, err);
            best = fabs(evenness - 1) < fabs(best - 1) ? evenness : best;
            tries++;
        }
        if (code != OK)
            break;
        char got[TEXT_BYTES];
        snprintf(got, sizeof got, "%.3f (try %u)", best, tries);
        judge(honesty, fabs(best - 1) <= POISSON_TOLERANCE, "1.00, within 5 %", got,
              "Poisson, 10,000/s, %u worker%s: variance/mean per ms", workers, plural(workers));
    }
    return code;
}

/* Ramps ------------------------------------------------------------------------------------------- */

#define RAMP_SECONDS 10
#define RAMP_ROUNDS_MAX 3

/* Requests in second i by the formula of the ramp, computed here without common/schedule. */
static double linear_steps(uint32_t second)
{
    return 10000 + 1000.0 * second;
}

static double linear_smooth(uint32_t second)
{
    return 5000 + 2000 * (second + 0.5);
}

static double exponential_steps(uint32_t second)
{
    return 5000 * pow(1.2, second);
}

static double exponential_smooth(uint32_t second)
{
    return 5000 * pow(1.2, second) * 0.2 / log(1.2);
}

static const struct ramp {
    const char *name, *words;
    double (*requests)(uint32_t second);
} ramps[] = {
    {"linear, steps", "--start-qps 10000 --end-qps 20000 --qps-change-interval 1 --qps-change 1000",
     linear_steps},
    {"linear, smooth",
     "--start-qps 5000 --end-qps 25000 --qps-change-interval 1 --qps-change 2000 "
     "--qps-ramp-mode smooth",
     linear_smooth},
    {"exponential, steps",
     "--start-qps 5000 --end-qps 50000 --qps-change-interval 1 --qps-ramp-factor 1.2 "
     "--qps-ramp-mode exponential",
     exponential_steps},
    {"exponential, smooth",
     "--start-qps 5000 --end-qps 50000 --qps-change-interval 1 --qps-ramp-factor 1.2 "
     "--qps-ramp-mode smooth",
     exponential_smooth},
};

static double worst_second(const struct observed *observed, const struct ramp *ramp)
{
    uint64_t start_ns = first_arrival_ns(&observed->record);
    double worst = 0;
    for (uint32_t second = 0; second < RAMP_SECONDS; second++) {
        uint64_t from_ns = start_ns + second * NS_PER_SECOND;
        uint64_t count = arrivals_between(&observed->record, from_ns, from_ns + NS_PER_SECOND);
        worst = fmax(worst, relative_error((double)count, ramp->requests(second)));
    }
    return worst;
}

enum err_code figure_ramp(struct honesty *honesty, struct err *err)
{
    uint64_t rounds = honesty->rounds < RAMP_ROUNDS_MAX ? honesty->rounds : RAMP_ROUNDS_MAX;
    enum err_code code = OK;
    for (size_t i = 0; i < sizeof ramps / sizeof ramps[0] && code == OK; i++) {
        double worst[RAMP_ROUNDS_MAX] = {0};
        const struct load load = {
            .workers = 1, .words = ramps[i].words, .duration_ms = RAMP_SECONDS * 1000};
        for (uint64_t round = 0; round < rounds && code == OK; round++) {
            struct observed observed;
            code = observe_volley(&observed, honesty, &load, err);
            if (code == OK)
                worst[round] = worst_second(&observed, &ramps[i]);
            observed_free(&observed);
        }
        if (code != OK)
            break;
        char got[TEXT_BYTES];
        double best = smallest_of(worst, rounds);
        snprintf(got, sizeof got, "%.3f %% (median %.3f %%)", best * 100,
                 median_of(worst, rounds) * 100);
        judge(honesty, best <= 0.005, "at most 0.5 %", got, "ramp, %s: worst second",
              ramps[i].name);
    }
    return code;
}

/* CPU at a rate ----------------------------------------------------------------------------------- */

#define CPU_SECONDS 5
#define CPU_LIMIT 1.25

static enum err_code judge_cpu(struct honesty *honesty, const struct server *server, uint64_t rate,
                               struct err *err)
{
    const struct load load = {
        .workers = 1, .pacing = "sleep", .rate = rate, .duration_ms = CPU_SECONDS * 1000};
    struct command commands[2] = {{.argc = 0}, {.argc = 0}};
    double cpu_us[2][HONESTY_ROUNDS_MAX] = {{0}}, ratios[HONESTY_ROUNDS_MAX] = {0};
    char log_path[TEXT_BYTES], wanted[TEXT_BYTES], got[TEXT_BYTES];
    enum err_code code = OK;
    snprintf(log_path, sizeof log_path, "%s/client.log", honesty->directory);
    add_floor(&commands[0], honesty, server->port, rate * CPU_SECONDS, rate);
    add_volley(&commands[1], honesty, &load, server->port);
    for (uint64_t round = 0; round < honesty->rounds && code == OK; round++) {
        for (uint32_t i = 0; i < 2 && code == OK; i++) {
            uint32_t who = (round + i) % 2;
            struct cost cost = {0};
            code = client_run(&cost, &commands[who], honesty->placement.client_cpu,
                              rate * CPU_SECONDS, log_path, err);
            cpu_us[who][round] = cost.cpu_us;
        }
        ratios[round] = cpu_us[1][round] / cpu_us[0][round];
    }
    if (code != OK)
        return code;
    double ratio = median_of(ratios, honesty->rounds);
    snprintf(wanted, sizeof wanted, "at most %.2f", CPU_LIMIT);
    snprintf(got, sizeof got, "%.2f (%.2f us, %.2f us)", ratio,
             median_of(cpu_us[1], honesty->rounds), median_of(cpu_us[0], honesty->rounds));
    judge(honesty, ratio <= CPU_LIMIT, wanted, got, "CPU at %llu/s, sleep: volley / floor",
          (unsigned long long)rate);
    return OK;
}

enum err_code figure_cpu(struct honesty *honesty, struct err *err)
{
    struct server server;
    enum err_code code = server_start(&server, honesty->placement.server_cpu, err);
    if (code == OK)
        code = server_fill(&server, HONESTY_KEYS, 64, false, err);
    if (code == OK)
        code = judge_cpu(honesty, &server, 10000, err);
    if (code == OK)
        code = judge_cpu(honesty, &server, 50000, err);
    server_stop(&server);
    return code;
}
