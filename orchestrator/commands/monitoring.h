/* MONITOR of a server, written to a file while it runs. */
#ifndef ORCHESTRATOR_COMMANDS_MONITORING_H
#define ORCHESTRATOR_COMMANDS_MONITORING_H

#include "common/endpoint.h"
#include "common/recording.h"
#include "orchestrator/traffic/traffic.h"

enum monitoring_end { MONITORING_TIME, MONITORING_SIZE, MONITORING_INTERRUPTED, MONITORING_LOST };

/* What the server's own counters say of a stretch of time; not known: its INFO does not tell. */
struct monitoring_cost {
    bool known;
    double seconds, cpu_seconds;
    uint64_t commands;
};

struct monitoring {
    /* set by the caller, the rest zeroed */
    const struct endpoint *endpoint;
    const volatile int *interrupted;
    const char *path; /* of a file that does not exist */
    bool text, strict, show_progress;
    uint64_t duration_ns, max_bytes;

    /* what it came to */
    enum monitoring_end end;
    char target_text[160];
    bool cluster_node;
    double seconds;
    uint64_t heard_bytes, file_bytes;
    struct recording_facts facts;
    struct traffic_report report;
    struct monitoring_cost before, during;
};

/* Asks the server for MONITOR and writes what it says, until the time is over, the file is full, an interrupt, or the
 * server ends it. What came until then is in the file, which is whole, whatever ended it; without a request there is
 * no file. Nothing of volley's own is in it: between MONITOR and its end no other command is sent. E_CONNECT: the server
 * cannot be reached, forbids MONITOR, or has gone (end is MONITORING_LOST then); E_USAGE: the file exists, or cannot be made; E_DATA: with
 * strict, a line that does not parse. */
MUST_USE enum err_code monitoring_run(struct monitoring *monitoring, struct err *err);

#endif
