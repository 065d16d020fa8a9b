/* What a monitor knows of each of its servers now, for whoever looks on (screen.h): state, times of its window, the newest INFO,
 * restarts. For monitor_run.c. */
#ifndef ORCHESTRATOR_COMMANDS_MONITOR_SERVERS_H
#define ORCHESTRATOR_COMMANDS_MONITOR_SERVERS_H

#include <stdint.h>

#include "common/interval.h"
#include "orchestrator/watch/latency_probe.h"
#include "orchestrator/watch/monitor_store.h"
#include "orchestrator/watch/screen.h"

struct monitor_server {
    struct screen_server shown;
    double before[MONITOR_VALUES]; /* of the newest sample whose INFO was answered */
    uint64_t before_ms;            /* 0: there was none */
};

/* name: its address. */
void monitor_server_init(struct monitor_server *server, const char *name);
/* Whether it answers. Returns whether that is new. */
bool monitor_server_look(struct monitor_server *server, enum latency_probe_state state,
                         uint64_t wall_ms);
/* An interval is over. window: what was seen of it since the last line, this one included. */
void monitor_server_take(struct monitor_server *server, const struct monitor_sample *sample,
                         const struct interval_row *window);

#endif
