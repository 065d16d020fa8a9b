#include "orchestrator/options/bench_groups.h"

static enum err_code parse_checks(void *target, const char *value, struct err *err)
{
    struct check_request *checks = target;
    return objective_parse_list(&checks->kept, value, &objective_of_check, err);
}

static enum err_code parse_aborts(void *target, const char *value, struct err *err)
{
    struct check_request *checks = target;
    return objective_parse_list(&checks->aborts, value, &objective_of_abort, err);
}

/* clang-format off: a row reads best as a few short lines */
static const struct option_row check_rows[] = {
    {ROW("check", NULL, OPTION_CUSTOM, "OBJECTIVE", 0), .parse = parse_checks, .repeats = true,
     .told = true,
     .help =
         "What the measured part has to keep, or the exit status is 1: p99<5ms, mean<=500us, "
         "max<20ms, errors<0.1% or rate>=50k. With the name of a class of requests in front it is "
         "about that class: read:p99<5ms. Several of them separated by commas, or --check "
         "again."},
    {ROW("abort-on", NULL, OPTION_CUSTOM, "CONDITION", 0), .parse = parse_aborts, .repeats = true,
     .told = true,
     .help = "End the run, with exit status 1, when this holds: 'errors>1% for 10s' or 'p99>50ms', "
             "interval by interval and from the start of measuring on; without a time the first "
             "interval is enough. Of a class of requests, 'read:p99>50ms', second by second. "
             "Several of them separated by commas, or --abort-on again."},
};
/* clang-format on */
const struct option_group check_group = GROUP("Checks", OF_BENCH, check_rows);
