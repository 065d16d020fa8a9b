/* The child of suite_live.h: what it keeps of what it is told, and what it answers. */
#ifndef ORCHESTRATOR_WATCH_SUITE_LIVE_SERVER_H
#define ORCHESTRATOR_WATCH_SUITE_LIVE_SERVER_H

#include "common/err.h"
#include "common/spec.h"

struct suite_live_server_setup {
    const struct watch_options *options;
};

/* The first and only packet that the child tells; those that it hears are {"event": NAME, "object": {...}}. */
struct suite_live_ready {
    struct err err; /* code OK: it listens */
    char url[96];
};

/* For struct child_plan, and it talks; state: a struct suite_live_server_setup. */
int suite_live_server_run(void *state, int telling_fd);

#endif
