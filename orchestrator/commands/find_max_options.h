/* The options of `volley find-max`: a selection of bench's rows and its own. */
#ifndef ORCHESTRATOR_COMMANDS_FIND_MAX_OPTIONS_H
#define ORCHESTRATOR_COMMANDS_FIND_MAX_OPTIONS_H

#include "orchestrator/capacity/curve.h"
#include "orchestrator/capacity/search.h"
#include "orchestrator/options/bench_options.h"
#include "orchestrator/report/objective.h"

struct find_max_request {
    struct bench_request bench; /* first: the rows of bench fit */
    struct objective_list objectives;
    uint64_t start_rate, max_rate; /* requests per second */
    double precision;
    uint64_t windows, window_ns;
    uint64_t max_probes;
    struct headroom headroom;
    const char *csv_path;
};

/* argv -> request, zeroed before; checked as far as that is possible without connecting. The spec's
 * rate is left to the search. bench_options_free(&request->bench) in any case. */
MUST_USE enum err_code find_max_options_parse(struct find_max_request *request, int argc,
                                              const char *const *argv, struct err *err);
/* Rates as the search takes them; the lowest gives ten requests a window. */
struct search_limits find_max_limits(const struct find_max_request *request);

/* How long the search will take. The least and the most are those of a limit of 16 to 4,000 times the
 * start rate and a server that is steady enough (docs/design/capacity.md has the figures); all_seconds
 * if every probe of --max-probes is made, and measured whole. */
struct find_max_estimate {
    double shortest_probe_seconds, whole_probe_seconds;
    double least_seconds, most_seconds, all_seconds;
};
struct find_max_estimate find_max_estimate(const struct find_max_request *request);
/* In a sentence, without its end. Returns text; 160 bytes hold any. */
char *find_max_format_estimate(char *text, size_t text_bytes,
                               const struct find_max_request *request);
/* "53 s", "2.2 min", "1.5 h". Returns text; 24 bytes hold any. */
char *find_max_format_seconds(char *text, size_t text_bytes, double seconds);

#endif
