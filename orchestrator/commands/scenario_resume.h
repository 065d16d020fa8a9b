/* Going on with a scenario that Ctrl+C ended on a server that is not volley's own: what is kept of it in its directory,
 * resume.json and resume.map, and what has to be true before it goes on. For `volley run`. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_RESUME_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_RESUME_H

#include "orchestrator/commands/scenario_run.h"
#include "orchestrator/scenario/scenario_file.h"

#define RESUME_PATH_BYTES 4096u

/* How a scenario was named, so that it can be read again. */
struct scenario_origin {
    char path[RESUME_PATH_BYTES]; /* of its file; "": it was made on the spot */
    const char *text;             /* then */
    const char *variables;        /* as given; NULL: none */
    double scale;                 /* as given; 0: not */
};

struct scenario_resume {
    struct scenario_origin origin; /* points into kept */
    char run[SCENARIO_NAME_BYTES + 32];
    struct json_t *kept;
    char directory[RESUME_PATH_BYTES];
    uint32_t phase; /* that it goes on with */
    double last_rate;
    struct live_map *map;
};

/* After a run that was interrupted once. *kept false, with a notice: this one cannot go on, and why. E_SYSTEM,
 * E_USAGE: it cannot be written. */
MUST_USE enum err_code scenario_resume_keep(bool *kept, const struct scenario_run *run,
                                            const struct scenario_document *document,
                                            const struct scenario_origin *origin, const char *name,
                                            const char *directory, struct err *err);

/* What was kept. E_DATA: there is nothing, or it is damaged. scenario_resume_free in any case. */
MUST_USE enum err_code scenario_resume_read(struct scenario_resume *resume, const char *directory,
                                            struct err *err);
/* Once the scenario has been read again: it is the same one, and the phase to go on with becomes what is left of it.
 * E_DATA: it is another one. */
MUST_USE enum err_code scenario_resume_settle(struct scenario_resume *resume,
                                              struct scenario *scenario,
                                              const struct scenario_document *document,
                                              struct err *err);
/* Once the server is reached: it is the same process, with the keys that were there and without those that were not.
 * E_DATA: it is not. */
MUST_USE enum err_code scenario_resume_check(const struct scenario_resume *resume,
                                             const struct scenario_run *run, struct err *err);
void scenario_resume_free(struct scenario_resume *resume); /* safe on a zeroed struct */

#endif
