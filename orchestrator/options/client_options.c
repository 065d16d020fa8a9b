#include "orchestrator/options/bench_groups.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/options/load_limits.h"
#include "orchestrator/options/rate_text.h"

#define CLIENTS_MAX 1000000ull

static const char *mode_at(size_t index)
{
    return index <= RAMP_EXPONENTIAL ? rate_mode_at(index) : NULL;
}

static enum err_code parse_factor(void *target, const char *value, struct err *err)
{
    double *factor = &((struct client_options *)target)->factor;
    if (!rate_parse_factor(factor, value) || !(*factor > 1))
        return err_set(err, E_USAGE,
                       "--client-ramp-factor %.80s: not a factor above 1: connections are opened, "
                       "never closed",
                       value);
    return OK;
}

#define AT(member) offsetof(struct client_options, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row client_rows[] = {
    {ROW("clients-per-process", NULL, OPTION_COUNT, "N", AT(per_worker)),
     NUMBER(1, LOAD_CLIENTS_MAX), .told = true,
     .help = "Connections of each worker, in place of a number over all; needs --processes."},
    {ROW("clients-ramp-start", NULL, OPTION_COUNT, "N", AT(start)), NUMBER(1, LOAD_CLIENTS_MAX),
     .told = true,
     .help = "Connections, over all workers, that are open at the start of a client ramp, in place "
             "of --clients."},
    {ROW("clients-ramp-end", NULL, OPTION_COUNT, "N", AT(end)), NUMBER(1, LOAD_CLIENTS_MAX),
     .told = true, .help = "Connections at the end of a client ramp."},
    {ROW("clients-per-ramp", NULL, OPTION_COUNT, "N", AT(per_step)), NUMBER(1, LOAD_CLIENTS_MAX),
     .help = "How many more a linear client ramp opens every interval."},
    {ROW("client-ramp-interval", NULL, OPTION_DURATION, "TIME", AT(interval_ns)),
     BARE(NS_PER_SECOND, NS_PER_MS, 3600 * NS_PER_SECOND),
     .help = "How often a client ramp opens more; a bare number is seconds."},
    {ROW("client-ramp-mode", NULL, OPTION_WORD, "MODE", AT(mode)), .value_at = mode_at,
     .unset = "linear",
     .help = "linear: start, end, per-ramp and interval. exponential: start, end, interval and "
             "factor."},
    {ROW("client-ramp-factor", NULL, OPTION_CUSTOM, "F", 0), .parse = parse_factor,
     .help = "By what an exponential client ramp multiplies the connections every interval; above "
             "1."},
};
/* clang-format on */
#undef AT
const struct option_group client_group = GROUP("Load", OF_BENCH, client_rows);

#define COUNT_OF(list) (sizeof list / sizeof list[0])

static const char *const ramp_names[] = {"clients-ramp-start", "clients-ramp-end",
                                         "clients-per-ramp",   "client-ramp-interval",
                                         "client-ramp-mode",   "client-ramp-factor"};

/* A mode that is the default anyway says nothing. */
static bool is_ramp(const struct bench_request *request)
{
    for (size_t i = 0; i < 4; i++)
        if (relation_given(request, ramp_names[i]))
            return true;
    return relation_given(request, "client-ramp-factor") ||
           (relation_given(request, "client-ramp-mode") && request->ramp.mode != RAMP_LINEAR);
}

static enum err_code require_parts(const struct bench_request *request, struct err *err)
{
    bool step = relation_given(request, "clients-per-ramp");
    bool factor = relation_given(request, "client-ramp-factor");
    bool exponential = request->ramp.mode == RAMP_EXPONENTIAL;
    if (exponential && step)
        return err_set(err, E_USAGE,
                       "--clients-per-ramp has no meaning with --client-ramp-mode exponential, "
                       "which takes --client-ramp-factor");
    if (!exponential && factor)
        return err_set(err, E_USAGE, "--client-ramp-factor needs --client-ramp-mode exponential");
    const struct relation_part parts[] = {
        {"clients-ramp-start", relation_given(request, "clients-ramp-start")},
        {"clients-ramp-end", relation_given(request, "clients-ramp-end")},
        exponential ? (struct relation_part){"client-ramp-factor", factor}
                    : (struct relation_part){"clients-per-ramp", step},
        {"client-ramp-interval", relation_given(request, "client-ramp-interval")},
    };
    return relation_require_all(exponential ? "--client-ramp-mode exponential"
                                            : "a linear client ramp",
                                parts, COUNT_OF(parts), err);
}

static void notice_length(struct bench_request *request)
{
    struct load_options *load = &request->spec.load;
    uint64_t length_ns = client_ramp_length_ns(&load->client_ramp);
    char length[RATE_TEXT_BYTES], test[RATE_TEXT_BYTES];
    if (load->duration_ns == 0 || length_ns < load->duration_ns)
        return;
    relation_notice(request,
                    "the client ramp takes %s, and --test-duration is %s: it reaches %s of %s "
                    "connections",
                    rate_format_time(length, sizeof length, length_ns),
                    rate_format_time(test, sizeof test, load->duration_ns),
                    UNITS_GROUPED(client_ramp_count(&load->client_ramp, load->duration_ns - 1)),
                    UNITS_GROUPED(load->client_ramp.end_clients));
}

static enum err_code settle_ramp(struct bench_request *request, struct err *err)
{
    const struct client_options *ramp = &request->ramp;
    struct load_options *load = &request->spec.load;
    enum err_code code = require_parts(request, err);
    if (code != OK)
        return code;
    if (ramp->start >= ramp->end)
        return err_set(err, E_USAGE,
                       "--clients-ramp-start %" PRIu64 " is not below --clients-ramp-end %" PRIu64
                       ": connections are opened, never closed",
                       ramp->start, ramp->end);
    bool exponential = ramp->mode == RAMP_EXPONENTIAL;
    if (!exponential && ramp->per_step > ramp->end - ramp->start)
        return err_set(err, E_USAGE,
                       "--clients-per-ramp %" PRIu64 " is above the %" PRIu64
                       " connections between --clients-ramp-start %" PRIu64
                       " and --clients-ramp-end %" PRIu64,
                       ramp->per_step, ramp->end - ramp->start, ramp->start, ramp->end);
    load->client_ramp = (struct client_ramp){.start_clients = ramp->start,
                                             .end_clients = ramp->end,
                                             .per_step = exponential ? 0 : ramp->per_step,
                                             .factor = exponential ? ramp->factor : 0,
                                             .interval_ns = ramp->interval_ns};
    load->clients = ramp->end;
    options_derive(&request->values, "clients", "clients-ramp-end", "");
    notice_length(request);
    return OK;
}

static enum err_code settle_per_process(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    uint64_t each = request->ramp.per_worker,
             workers = spec->workers.processes * spec->workers.threads;
    if (spec->workers.processes == 0)
        return err_set(err, E_USAGE,
                       "--clients-per-process %" PRIu64 " needs --processes N: with auto the "
                       "number of workers, and with it the load, depends on the machine",
                       each);
    if (workers > CLIENTS_MAX / each)
        return err_set(err, E_USAGE,
                       "--clients-per-process %" PRIu64 " times %" PRIu64
                       " workers is more than 1,000,000 connections",
                       each, workers);
    spec->load.clients = each * workers;
    options_derive(&request->values, "clients", "clients-per-process", "");
    return OK;
}

static enum err_code check_workers(const struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    const struct load_options *load = &request->spec.load;
    bool ramp = load->client_ramp.start_clients > 0;
    uint64_t first = ramp ? load->client_ramp.start_clients : load->clients;
    const char *option = load->clients_option != NULL ? load->clients_option : "clients";
    uint64_t workers = spec->workers.processes * spec->workers.threads;
    if (spec->workers.processes == 0 || first >= workers)
        return OK; /* with auto the plan takes no more workers than that */
    return err_set(err, E_USAGE,
                   "--%s %" PRIu64 " is below the %" PRIu64 " workers of --processes %" PRIu64
                   " and --threads %" PRIu64 ": each worker needs a connection of its own%s",
                   ramp ? "clients-ramp-start" : option, first, workers, spec->workers.processes,
                   spec->workers.threads, ramp ? " from the start on" : "");
}

enum err_code client_settle(struct bench_request *request, struct err *err)
{
    relation_exclude(request, "clients", "clients-per-process",
                     "the one counts all connections, the other those of a worker", err);
    for (size_t i = 0; i < COUNT_OF(ramp_names); i++)
        relation_exclude(request, "clients clients-per-process", ramp_names[i],
                         "each says how many connections there are", err);
    enum err_code code = err->code;
    if (code == OK && relation_given(request, "clients-per-process"))
        code = settle_per_process(request, err);
    else if (code == OK && is_ramp(request))
        code = settle_ramp(request, err);
    return code == OK ? check_workers(request, err) : code;
}
