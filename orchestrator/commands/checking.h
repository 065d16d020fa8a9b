/* Values that are checked (--verify), as a session has them: which keys, their versions in memory or in DIR/versions, and
 * when to forget them. Called by the session. */
#ifndef ORCHESTRATOR_COMMANDS_CHECKING_H
#define ORCHESTRATOR_COMMANDS_CHECKING_H

#include <stdio.h>

#include "common/err.h"
#include "common/version_table.h"
#include "orchestrator/commands/bench_steps.h"

struct checking {
    bool wanted, open;
    struct check_spaces spaces;
    struct version_table table;
};

/* Before anything connects. Errors as check_plan_find and check_plan_mark; E_USAGE: nothing that the steps write can be
 * checked. */
MUST_USE enum err_code checking_plan(struct checking *checking, const struct bench_steps *steps,
                                     const struct spec *spec, struct err *err);
/* One line for each key space whose values are checked. */
void checking_explain(const struct checking *checking, FILE *out);
/* Makes the table, with --out its file, once it is known who answers. Errors as version_table_create. */
struct session;
MUST_USE enum err_code checking_open(struct session *session, struct err *err);
/* What runs are given; NULL: values are not checked. Forgets what the run before has found. */
const struct version_table *checking_begin_run(struct checking *checking);
/* The server was emptied. */
MUST_USE enum err_code checking_forget(struct checking *checking, struct err *err);
/* At any stage. */
void checking_free(struct checking *checking);

#endif
