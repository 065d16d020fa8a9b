#include "orchestrator/options/bench_groups.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/options/rate_plan.h"
#include "orchestrator/options/rate_text.h"

#define HOUR_NS (3600 * NS_PER_SECOND)
#define LONGEST_NS (1000 * HOUR_NS)

/* --- values ---------------------------------------------------------------------------------- */

static enum err_code parse_change(void *target, const char *value, struct err *err)
{
    struct rate_request *rate = target;
    bool is_signed = value[0] == '+' || value[0] == '-';
    struct err reason = {.code = OK};
    if (rate_parse(&rate->change_micro, value + is_signed, &reason) != OK)
        return err_set(err, E_USAGE, "--qps-change %.80s: %s", value, reason.text);
    if (rate->change_micro == 0)
        return err_set(err, E_USAGE, "--qps-change %.80s: the rate would never change", value);
    rate->change_sign = is_signed ? value[0] : ' ';
    return OK;
}

static enum err_code parse_factor(void *target, const char *value, struct err *err)
{
    double *factor = &((struct rate_request *)target)->factor;
    if (!rate_parse_factor(factor, value))
        return err_set(err, E_USAGE,
                       "--qps-ramp-factor %.80s: not a factor; allowed: a number above 0, as in 2 "
                       "or 0.5",
                       value);
    if (!(*factor < 1 || *factor > 1))
        return err_set(err, E_USAGE, "--qps-ramp-factor %.80s: the rate would never change", value);
    return OK;
}

const char *rate_mode_at(size_t index)
{
    static const char *const words[] = {
        [RAMP_LINEAR] = "linear", [RAMP_EXPONENTIAL] = "exponential", [RAMP_SMOOTH] = "smooth"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

static const char *arrival_at(size_t index)
{
    static const char *const words[] = {[ARRIVAL_EVEN] = "even", [ARRIVAL_POISSON] = "poisson"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

static const char *pacing_at(size_t index)
{
    static const char *const words[] = {
        [PACING_AUTO] = "auto", [PACING_SLEEP] = "sleep", [PACING_SPIN] = "spin"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

/* --- rows ------------------------------------------------------------------------------------ */

#define AT(member) offsetof(struct rate_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rate_rows[] = {
    {ROW("qps", NULL, OPTION_RATE, "N", AT(qps_micro)), .aliases = "rps", .told = true,
     .commands = OF_BENCH | OF_MODES | OF_OPTIMIZE,
     .help = "Send so many requests per second over all workers, whatever the server does (open "
             "loop); fractions and k, m are allowed, at most 100 million, 0 is no limit. Without a "
             "rate the loop is closed: the next request waits for the last reply."},
    {ROW("start-qps", NULL, OPTION_RATE, "N", AT(start_micro)), .told = true,
     .help = "The rate that a ramp begins with, from the start of measuring on; alone, a constant "
             "rate."},
    {ROW("end-qps", NULL, OPTION_RATE, "N", AT(end_micro)), .told = true,
     .help = "The rate that a ramp ends with, and that is held from then on."},
    {ROW("qps-change-interval", NULL, OPTION_DURATION, "TIME", AT(interval_ns)),
     BARE(NS_PER_SECOND, NS_PER_MS, LONGEST_NS), .told = true,
     .help = "How often a ramp changes the rate; a bare number is seconds."},
    {ROW("qps-change", NULL, OPTION_CUSTOM, "N", 0), .parse = parse_change, .told = true,
     .help = "By how much a linear ramp changes the rate every interval; without a sign it leads "
             "from start to end."},
    {ROW("qps-ramp-mode", NULL, OPTION_WORD, "MODE", AT(mode)), .value_at = rate_mode_at,
     .unset = "linear", .told = true,
     .help = "linear: start, end, interval and change. exponential: start, end, interval and "
             "factor. smooth: the rate moves all the time, by --qps-change or --qps-ramp-factor "
             "every interval, or linear over --test-duration."},
    {ROW("qps-ramp-factor", NULL, OPTION_CUSTOM, "F", 0), .parse = parse_factor, .told = true,
     .help = "By what an exponential ramp multiplies the rate every interval: above 1 to rise, "
             "below 1 to fall."},
    {ROW("rate-plan", NULL, OPTION_TEXT, "FILE", AT(plan_path)), .told = true,
     .help = "Rates over time from a file, JSON or YAML: a list of {for: TIME, rate: N}, {for: "
             "TIME, from: N, to: N, mode: linear or exponential} and {repeat: N, plan: [...]}; a "
             "rate of 0 is a pause. Without -n and --test-duration its length is the test's."},
};
/* clang-format on */
#undef AT
const struct option_group rate_group = GROUP("Rate", OF_BENCH, rate_rows);

#define AT(member) offsetof(struct rate_options, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row pacing_rows[] = {
    {ROW("arrival", NULL, OPTION_WORD, "KIND", AT(arrival)), .value_at = arrival_at,
     .unset = "even", .told = true,
     .help = "even: the same gap between all requests. poisson: exponential gaps of that mean, as "
             "independent users make them, one stream for each worker."},
    {ROW("pacing", NULL, OPTION_WORD, "HOW", AT(pacing)), .value_at = pacing_at, .unset = "auto",
     .help = "How a worker waits for the next request: sleep; spin, which keeps a CPU for each "
             "worker busy; or auto, which spins the last stretch when the worker has a CPU of its "
             "own."},
    {ROW("shed-after", NULL, OPTION_DURATION, "TIME", AT(shed_after_ns)),
     BARE(NS_PER_MS, NS_PER_US, HOUR_NS), .commands = OF_BENCH | OF_SWEEP, .told = true,
     .help = "Drop and count requests that could not be sent for so long after their time; a bare "
             "number is milliseconds. Without it nothing is dropped: what is late piles up."},
    {ROW("control", NULL, OPTION_TEXT, "PATH", AT(control_path)), .needs_trust = true,
     .commands = OF_BENCH | OF_LOAD_TEST, .told = true,
     .help =
         "Make a Unix socket there that takes commands while the test runs: its status, a stop, "
         "notes, clear-cache, and with a rate another one, or a pause."},
};
/* clang-format on */
#undef AT
const struct option_group pacing_group = GROUP("Rate", OF_LOADS, pacing_rows);

#define COUNT_OF(list) (sizeof list / sizeof list[0])

/* What makes a schedule of one rate or several; --rate-plan stands alone. */
static const char *const rate_names[] = {
    "qps",           "start-qps",      "end-qps", "qps-change", "qps-change-interval",
    "qps-ramp-mode", "qps-ramp-factor"};
#define RAMP_NAMES (rate_names + 1)
#define RAMP_NAME_COUNT (COUNT_OF(rate_names) - 1)

/* A rate or a time, for sentences: neither has more than 19 characters in here. */
struct rate_words {
    char text[24];
};

static struct rate_words words(uint64_t micro)
{
    struct rate_words rate = {""};
    rate_format(rate.text, sizeof rate.text, micro);
    return rate;
}

static struct rate_words time_words(uint64_t time_ns)
{
    struct rate_words time = {""};
    rate_format_time(time.text, sizeof time.text, time_ns);
    return time;
}

/* --- which rate ------------------------------------------------------------------------------ */

/* --qps on the command line replaces a ramp of the config file, and each of them a plan. */
static enum err_code settle_origins(struct bench_request *request, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(rate_names); i++)
        relation_exclude(request, "rate-plan", rate_names[i], "each gives the rate", err);
    if (relation_origin(request, "qps")->kind != ORIGIN_COMMAND_LINE)
        return err->code;
    for (size_t i = 0; i < RAMP_NAME_COUNT; i++)
        if (relation_origin(request, RAMP_NAMES[i])->kind == ORIGIN_COMMAND_LINE)
            return err->code;
    for (size_t i = 0; i < RAMP_NAME_COUNT; i++) {
        if (relation_origin(request, RAMP_NAMES[i])->kind != ORIGIN_CONFIG)
            continue;
        relation_notice(request, "the config file's %s is ignored: --qps was given", RAMP_NAMES[i]);
        options_drop(&request->values, RAMP_NAMES[i]);
    }
    return err->code;
}

/* --qps 0 is no limit: as if it had not been given. */
static bool has_qps(const struct bench_request *request)
{
    return relation_given(request, "qps") && request->rate.qps_micro > 0;
}

/* Whether anything speaks of a rate that changes. */
static bool is_ramp(const struct bench_request *request)
{
    bool end = relation_given(request, "end-qps");
    return relation_given(request, "qps-change") || relation_given(request, "qps-ramp-factor") ||
           relation_given(request, "qps-change-interval") ||
           (relation_given(request, "qps-ramp-mode") && request->rate.mode != RAMP_LINEAR) ||
           (end && (has_qps(request) || relation_given(request, "start-qps")));
}

/* --- ramps ----------------------------------------------------------------------------------- */

static enum err_code require_parts(const struct bench_request *request, bool has_start,
                                   struct err *err)
{
    const struct rate_request *rate = &request->rate;
    bool end = relation_given(request, "end-qps");
    bool interval = relation_given(request, "qps-change-interval");
    bool change = relation_given(request, "qps-change");
    bool factor = relation_given(request, "qps-ramp-factor");
    struct relation_part parts[4] = {
        {"start-qps", has_start}, {"end-qps", end}, {"qps-change-interval", interval}};
    if (rate->mode == RAMP_LINEAR) {
        if (factor)
            return err_set(err, E_USAGE,
                           "--qps-ramp-factor needs --qps-ramp-mode exponential, or smooth");
        parts[3] = (struct relation_part){"qps-change", change};
        return relation_require_all("a linear rate ramp", parts, 4, err);
    }
    if (rate->mode == RAMP_EXPONENTIAL) {
        if (change)
            return err_set(err, E_USAGE,
                           "--qps-change has no meaning with --qps-ramp-mode exponential, which "
                           "takes --qps-ramp-factor");
        parts[3] = (struct relation_part){"qps-ramp-factor", factor};
        return relation_require_all("--qps-ramp-mode exponential", parts, 4, err);
    }
    if (change && factor)
        return err_set(err, E_USAGE,
                       "--qps-change and --qps-ramp-factor exclude each other: each says how a "
                       "smooth ramp moves");
    if (change || factor)
        return relation_require_all("--qps-ramp-mode smooth", parts, 3, err);
    if (interval)
        return err_set(err, E_USAGE,
                       "--qps-ramp-mode smooth with --qps-change-interval requires one of "
                       "--qps-change, --qps-ramp-factor. Missing: both");
    parts[2] = (struct relation_part){"test-duration", request->spec.load.duration_ns > 0};
    return relation_require_all("--qps-ramp-mode smooth without --qps-change and --qps-ramp-factor",
                                parts, 3, err);
}

/* What is there leads from start to end. */
static enum err_code check_direction(struct bench_request *request, struct rate_ramp *ramp,
                                     struct err *err)
{
    const struct rate_request *rate = &request->rate;
    struct rate_words start = words(ramp->start_micro), end = words(ramp->end_micro);
    bool up = ramp->start_micro < ramp->end_micro;
    if (ramp->start_micro == ramp->end_micro)
        return err_set(err, E_USAGE,
                       "--start-qps and --end-qps are both %s: there is nothing to ramp; a "
                       "constant rate is --qps",
                       start.text);
    if (relation_given(request, "qps-change")) {
        ramp->change_micro = rate->change_micro;
        struct rate_words change = words(rate->change_micro);
        if (rate->change_sign != ' ' && (rate->change_sign == '-') == up)
            return err_set(err, E_USAGE,
                           "--qps-change %c%s leads away from the end: from --start-qps %s to "
                           "--end-qps %s it must be %c%s",
                           rate->change_sign, change.text, start.text, end.text, up ? '+' : '-',
                           change.text);
        if (rate->change_sign == ' ' && !up)
            relation_notice(request,
                            "--qps-change %s is taken as -%s: --end-qps %s is below --start-qps %s",
                            change.text, change.text, end.text, start.text);
    }
    if (relation_given(request, "qps-ramp-factor")) {
        ramp->factor = rate->factor;
        if ((rate->factor > 1) != up)
            return err_set(err, E_USAGE,
                           "--qps-ramp-factor %g leads away from the end: from --start-qps %s to "
                           "--end-qps %s it must be %s",
                           rate->factor, start.text, end.text,
                           up ? "above 1" : "above 0 and below 1");
        if (ramp->start_micro == 0 || ramp->end_micro == 0)
            return err_set(err, E_USAGE,
                           "--%s 0 with --qps-ramp-factor: no factor leads %s 0; give a small rate "
                           "such as 1, or a linear ramp",
                           ramp->start_micro == 0 ? "start-qps" : "end-qps",
                           ramp->start_micro == 0 ? "away from" : "to");
    }
    return OK;
}

static enum err_code add_ramp(struct bench_request *request, const struct rate_ramp *ramp,
                              struct err *err)
{
    struct err reason = {.code = OK};
    enum err_code code = rate_ramp_steps(&request->steps, ramp, &reason);
    if (code == OK || code == E_SYSTEM)
        return code == OK ? OK : err_set(err, code, "planning the rate: %s", reason.text);
    struct rate_words start = words(ramp->start_micro), end = words(ramp->end_micro);
    return err_set(err, code, "the ramp from --start-qps %s to --end-qps %s is %s; %s", start.text,
                   end.text, reason.text,
                   ramp->mode == RAMP_SMOOTH ? "let it take larger steps"
                                             : "let it take larger steps, or none at all with "
                                               "--qps-ramp-mode smooth");
}

static void describe_ramp(struct spec *spec, const struct rate_ramp *ramp, uint64_t length_ns)
{
    struct rate_words start = words(ramp->start_micro), end = words(ramp->end_micro);
    struct rate_words change = words(ramp->change_micro), interval = time_words(ramp->interval_ns);
    struct rate_words length = time_words(length_ns);
    char by[64], text[160];
    if (ramp->factor > 0)
        snprintf(by, sizeof by, "x%g every %s", ramp->factor, interval.text);
    else if (ramp->change_micro > 0)
        snprintf(by, sizeof by, "%c%s every %s", ramp->start_micro < ramp->end_micro ? '+' : '-',
                 change.text, interval.text);
    else
        snprintf(by, sizeof by, "in %s", length.text);
    snprintf(text, sizeof text, "%s -> %s/s, %s%s", start.text, end.text,
             ramp->mode == RAMP_SMOOTH ? "smoothly " : "", by);
    /* ", poisson" follows; only numbers with many places are ever cut. */
    snprintf(spec->rate.text, sizeof spec->rate.text, "%.85s", text);
}

static enum err_code settle_ramp(struct bench_request *request, struct err *err)
{
    const struct rate_request *rate = &request->rate;
    struct spec *spec = &request->spec;
    bool has_start = relation_given(request, "start-qps");
    enum err_code code = require_parts(request, has_start || has_qps(request), err);
    if (code != OK)
        return code;
    struct rate_ramp ramp = {.mode = rate->mode,
                             .start_micro = has_start ? rate->start_micro : rate->qps_micro,
                             .end_micro = rate->end_micro,
                             .interval_ns = rate->interval_ns,
                             .length_ns = spec->load.duration_ns};
    const char *qps = relation_origin(request, "qps")->value;
    if (relation_given(request, "qps") && has_start)
        relation_notice(request, "--qps %.40s is ignored: the ramp begins with --start-qps %.40s",
                        qps, relation_origin(request, "start-qps")->value);
    else if (!has_start)
        relation_notice(request, "the ramp begins with --qps %.40s, in place of --start-qps", qps);
    code = check_direction(request, &ramp, err);
    if (code == OK)
        code = add_ramp(request, &ramp, err);
    if (code == OK)
        describe_ramp(spec, &ramp, request->steps.length_ns);
    return code;
}

/* --- constant rates and plans ---------------------------------------------------------------- */

/* --qps, or one end of a ramp alone. */
static enum err_code settle_constant(struct bench_request *request, struct err *err)
{
    const struct rate_request *rate = &request->rate;
    bool start = relation_given(request, "start-qps"), end = relation_given(request, "end-qps");
    uint64_t micro = start ? rate->start_micro : end ? rate->end_micro : rate->qps_micro;
    const char *name = start ? "start-qps" : end ? "end-qps" : "qps";
    if (!start && !end && !has_qps(request))
        return OK;
    if (micro == 0)
        return err_set(err, E_USAGE,
                       "--%s 0 alone sends nothing: give the rest of a ramp, or --qps", name);
    struct rate_words rate_text = words(micro);
    if (has_qps(request) && start)
        relation_notice(request, "--qps %.40s is ignored: --start-qps %.40s decides",
                        relation_origin(request, "qps")->value,
                        relation_origin(request, "start-qps")->value);
    if (start || end)
        relation_notice(request, "--%s without the rest of a ramp: the rate is a constant %s/s",
                        name, rate_text.text);
    const struct rate_step step = rate_step_constant(micro);
    snprintf(request->spec.rate.text, sizeof request->spec.rate.text, "%s/s", rate_text.text);
    return rate_steps_add(&request->steps, &step, err);
}

static enum err_code settle_plan(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    const char *path = request->rate.plan_path;
    const struct rate_steps *steps = &request->steps;
    enum err_code code = rate_plan_read(&request->steps, &(struct file_source){.name = path}, err);
    if (code != OK)
        return code;
    const char *slash = strrchr(path, '/');
    snprintf(spec->rate.text, sizeof spec->rate.text, "plan %.50s (%" PRIu32 " step%s)",
             slash != NULL && slash[1] != '\0' ? slash + 1 : path, steps->count,
             steps->count == 1 ? "" : "s");
    if (spec->load.duration_ns > 0 || relation_given(request, "requests"))
        return OK;
    spec->load.duration_ns = steps->length_ns;
    spec->load.requests = 0;
    options_derive(&request->values, "test-duration", "rate-plan",
                   units_format_duration(request->plan_length, sizeof request->plan_length,
                                         spec->load.duration_ns));
    options_derive(&request->values, "requests", "rate-plan", NULL);
    return OK;
}

/* --- against the length of the test ---------------------------------------------------------- */

static uint64_t final_micro(const struct rate_steps *steps)
{
    return steps->items[steps->count - 1].to_micro;
}

/* The test ends before the ramp or plan does, or goes on behind a plan. */
static void notice_length(struct bench_request *request, const struct schedule *schedule,
                          uint64_t test_ns)
{
    const struct spec *spec = &request->spec;
    const struct rate_steps *steps = &request->steps;
    bool plan = relation_given(request, "rate-plan");
    const char *subject = plan ? "the rate plan" : "the ramp";
    struct rate_words length = time_words(steps->length_ns), test = time_words(test_ns);
    struct rate_words end = words(final_micro(steps));
    uint64_t reached_micro = schedule_rate_micro(schedule, test_ns - 1);
    char ending[80];
    if (spec->load.duration_ns > 0)
        snprintf(ending, sizeof ending, "--test-duration is %s", test.text);
    else
        snprintf(ending, sizeof ending, "-n %" PRIu64 " is over after %s", spec->load.requests,
                 test.text);
    /* The last stair of a ramp begins where the ramp ends; a slope has arrived there. */
    bool stairs = !plan && steps->items[0].shape == SCHEDULE_CONSTANT;
    if (steps->length_ns > 0 &&
        (test_ns < steps->length_ns || (stairs && test_ns == steps->length_ns))) {
        struct rate_words reached = words(reached_micro);
        if (plan)
            relation_notice(request, "%s takes %s, and %s: it ends early, at %s/s", subject,
                            length.text, ending, reached.text);
        else
            relation_notice(request, "%s takes %s, and %s: it reaches %s/s of %s/s", subject,
                            length.text, ending, reached.text, end.text);
    } else if (plan && test_ns > steps->length_ns) {
        relation_notice(request, "%s takes %s, and %s: its last rate, %s/s, is held until then",
                        subject, length.text, ending, end.text);
    }
}

static enum err_code check_length(struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    uint64_t test_ns = spec->load.duration_ns;
    schedule_hint hint = 0;
    struct schedule *schedule = rate_steps_schedule(spec->rate.steps, spec->rate.step_count);
    if (schedule == NULL)
        return err_set(err, E_SYSTEM, "planning the rate: out of memory");
    if (test_ns == 0)
        test_ns = schedule_time_ns(schedule, spec->load.requests - 1, &hint);
    enum err_code code = OK;
    if (test_ns == SCHEDULE_NEVER)
        code = err_set(err, E_USAGE,
                       "-n %" PRIu64 " is never reached: the rate ends at %s/s; give "
                       "--test-duration, or a smaller -n",
                       spec->load.requests, words(final_micro(&request->steps)).text);
    else if (test_ns > 0)
        notice_length(request, schedule, test_ns);
    free(schedule);
    return code;
}

/* --- all of it ------------------------------------------------------------------------------- */

static enum err_code check_needs_rate(const struct bench_request *request, struct err *err)
{
    static const char *const names[] = {"arrival", "pacing", "shed-after"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (relation_given(request, names[i]) && request->steps.count == 0 &&
            request->replay.path == NULL && !stream_wishes_rated(&request->workload.streams))
            return err_set(err, E_USAGE,
                           "--%s needs a rate: give --qps N, a ramp with --start-qps and "
                           "--end-qps, or --rate-plan FILE",
                           names[i]);
    return OK;
}

static enum err_code check_control(const struct spec *spec, struct err *err)
{
    struct sockaddr_un address;
    if (spec->rate.control_path == NULL)
        return OK;
    if (strlen(spec->rate.control_path) >= sizeof address.sun_path)
        return err_set(err, E_USAGE,
                       "--control: the path is %zu bytes long; at most %zu are allowed",
                       strlen(spec->rate.control_path), sizeof address.sun_path - 1);
    if (spec->endpoint.socket_path != NULL &&
        strcmp(spec->endpoint.socket_path, spec->rate.control_path) == 0)
        return err_set(err, E_USAGE, "--control and --socket both name %.100s: that is the server",
                       spec->endpoint.socket_path);
    return OK;
}

enum err_code rate_settle(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    enum err_code code = settle_origins(request, err);
    if (code != OK)
        return code;
    if (relation_given(request, "rate-plan"))
        code = settle_plan(request, err);
    else
        code = is_ramp(request) ? settle_ramp(request, err) : settle_constant(request, err);
    if (code == OK)
        code = check_needs_rate(request, err);
    if (code == OK)
        code = check_control(spec, err);
    if (code != OK || request->steps.count == 0)
        return code;
    spec->rate.steps = request->steps.items;
    spec->rate.step_count = request->steps.count;
    spec->rate.warmup_micro = rate_steps_first_micro(&request->steps);
    size_t used = strlen(spec->rate.text);
    snprintf(spec->rate.text + used, sizeof spec->rate.text - used, ", %s",
             spec->rate.arrival == ARRIVAL_POISSON ? "poisson" : "even");
    return check_length(request, err);
}
