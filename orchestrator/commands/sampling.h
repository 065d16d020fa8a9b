/* What `volley model --sample` asks a server, and how much it asks: counters of commands before and after a window, then a sample of the
 * keys by SCAN, with type, size, time left and access counter of each. Nothing is written; CLIENT NO-TOUCH keeps what
 * is asked from counting as an access, where the server knows it. Pauses are four times as long as what was asked took. */
#ifndef ORCHESTRATOR_COMMANDS_SAMPLING_H
#define ORCHESTRATOR_COMMANDS_SAMPLING_H

#include "common/endpoint.h"
#include "orchestrator/traffic/sample.h"

#define SAMPLING_NODES_MAX 1024u

struct sampling {
    /* set by the command */
    const struct endpoint *endpoint; /* settled; its TLS client is there */
    const volatile int *interrupted;
    uint64_t keys_max, limit_ns;
    uint64_t window_ns; /* 0: the counters since the start of the server */

    /* set by sampling_run */
    struct sample *sample; /* owned; NULL: there is none yet */
    char target_text[160];
    uint32_t primaries;
    uint64_t requests;             /* that were sent, beside those of connecting */
    double seconds, asked_seconds; /* from the first SCAN to the last reply; of these not paused */
    bool touches;                  /* a server does not know CLIENT NO-TOUCH */
    bool ended_by_time;            /* with less than keys_max */
};

/* E_USAGE: several servers that are no cluster. E_DATA: no keys, or no commands in the window. E_CONNECT: a server cannot be reached,
 * or forbids what has to be asked, which is named. E_INTERRUPTED. sampling_free in any case. */
MUST_USE enum err_code sampling_run(struct sampling *sampling, struct err *err);
/* What it cost the server, a line. */
void sampling_write_cost(const struct sampling *sampling, FILE *out, const char *line_begin);
void sampling_free(struct sampling *sampling);

#endif
