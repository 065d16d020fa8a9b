/* Workloads side by side, as --workload names them: "FILE|NAME[,SETTING=VALUE...]", several separated by commas or given
 * again. Each is a stream of its own; what no setting says is as the options of the run say. */
#ifndef ORCHESTRATOR_OPTIONS_WORKLOAD_STREAMS_H
#define ORCHESTRATOR_OPTIONS_WORKLOAD_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/schedule.h"
#include "common/spec.h"

#define STREAM_SETTINGS 7u

/* One of them. Texts point into stream_wishes.text. */
struct stream_wish {
    char *path;
    const char *name; /* NULL: the workload's own */
    const char *user; /* NULL: as the run        */
    const char *password_variable;
    char *password;             /* found in it; owned, of secret_alloc */
    uint64_t clients, pipeline; /* 0: as the run */
    bool has_database, has_rate;
    uint64_t database, rate_micro;      /* rate 0: a closed loop */
    const char *given[STREAM_SETTINGS]; /* as it was; NULL: not */
    struct rate_step step;              /* what spec_stream.rate.steps points to */
    char own_name[SPEC_STREAM_NAME_BYTES];
};

struct stream_wishes {
    char *text; /* owned */
    struct stream_wish items[SPEC_STREAMS_MAX];
    uint32_t count;
    struct spec_stream streams[SPEC_STREAMS_MAX]; /* what spec.load.streams points to */
};

/* Over what was there before. A name with a comma in it is one when there is such a file. E_USAGE: a sentence that
 * names --workload. */
MUST_USE enum err_code stream_wishes_parse(struct stream_wishes *wishes, const char *value,
                                           struct err *err);
/* Whether one of them has a rate of its own. */
bool stream_wishes_rated(const struct stream_wishes *wishes);
/* Setting `index` of the first, below STREAM_SETTINGS, and the option that it stands for, if there is one; NULL: it
 * was not given. */
const char *stream_wishes_first(const struct stream_wishes *wishes, size_t index,
                                const char **option);
/* Where the command varies a setting of the first, E_USAGE: the first has it already, or one beside it does not say what
 * is its own. */
MUST_USE enum err_code stream_wishes_vary(const struct stream_wishes *wishes, const char *setting,
                                          struct err *err);
/* Fills spec->load.streams, where there are several workloads or settings, from plans in the same order, and gives the
 * spec itself what the first one has. The rest of the spec is settled. Passwords leave the environment. E_USAGE: what
 * cannot be side by side. */
MUST_USE enum err_code stream_wishes_settle(struct stream_wishes *wishes, struct spec *spec,
                                            const struct workload_plan *const *plans,
                                            struct err *err);
void stream_wishes_free(struct stream_wishes *wishes);

#endif
