#include "orchestrator/fleet/scout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/ipc.h"
#include "common/log.h"
#include "orchestrator/fleet/scout_state.h"

#define LOOK_NS (20 * NS_PER_MS)
#define URGENT_NS (2 * NS_PER_SECOND)
/* While it is urgent: users of the target wait for the answer, so what passes here is time without
 * success. A large cluster takes longer to answer, and is asked less often for that. */
#define URGENT_LOOK_NS (5 * NS_PER_MS)
#define URGENT_EVERY_NS (50 * NS_PER_MS)
#define URGENT_SOON_NS (15 * NS_PER_MS)
#define URGENT_REST 3u
#define CALM_EVERY_NS NS_PER_SECOND
/* How long one node may take to answer; doubled while nobody does, up to --connection-timeout. */
#define PATIENCE_NS (500 * NS_PER_MS)

bool scout_is_needed(const struct spec *spec, const struct topology *topology)
{
    if (spec->load.null_transport || topology == NULL || spec->endpoint.socket_path != NULL)
        return false;
    if (topology->kind == TOPOLOGY_SLOTS || spec->endpoint.sentinels != NULL ||
        spec->endpoint.replica_reads != REPLICA_READS_NO)
        return true;
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (scout_is_name(&topology->nodes[i]))
            return true;
    return false;
}

/* ---- a life ---- */

static void set_patience(struct scout *scout, uint64_t patience_ns)
{
    uint64_t limit_ns = scout->run->spec->endpoint.connection_timeout_ns;
    if (patience_ns > limit_ns)
        patience_ns = limit_ns;
    scout->patience.connection_timeout_ns = patience_ns;
    scout->patience.request_timeout_ns = patience_ns;
}

static uint64_t wishes(const struct scout *scout)
{
    uint64_t sum = 0;
    for (uint32_t s = 0; s < scout->run->segments.count; s++)
        for (uint32_t i = 0; i < scout->run->worker_count; i++)
            sum += atomic_load_explicit(
                &ipc_worker(scout->run->segments.each[s], i)->refresh_wanted, memory_order_relaxed);
    return sum;
}

static void begin(struct scout *scout)
{
    uint32_t version = 0;
    topology_copy(&scout->current, scout->run->topology);
    /* The one before this may have found more, and may have died while it wrote, or between two segments. */
    if (!topology_refresh(&scout->current, &version, ipc_topology(scout->run->segments.each[0])) ||
        scout->run->segments.count > 1)
        scout_show(scout);
    topology_copy(&scout->next, &scout->current);
    topology_copy(&scout->told, &scout->current);
    scout->patience = scout->run->spec->endpoint;
    scout->patience.wait_ready_ns = 0;
    set_patience(scout, PATIENCE_NS);
}

static void look(struct scout *scout)
{
    bool answered = true;
    topology_copy(&scout->next, &scout->current);
    scout->heard = false;
    if (scout->run->spec->endpoint.sentinels != NULL)
        answered = scout_ask_sentinels(scout);
    else if (scout->current.kind == TOPOLOGY_SLOTS)
        answered = scout_ask_cluster(scout);
    else
        answered = scout_ask_servers(scout);
    if (answered)
        scout_publish(scout);
    set_patience(scout, answered || scout->heard ? PATIENCE_NS
                                                 : 2 * scout->patience.connection_timeout_ns);
}

static _Noreturn void live(struct scout *scout)
{
    uint64_t seen = 0, urgent_until_ns = 0, next_ns = clock_now_ns() + CALM_EVERY_NS;
    for (;;) {
        uint64_t now_ns = clock_now_ns();
        uint64_t wanted = wishes(scout);
        if (scout->run->spec->endpoint.sentinels != NULL)
            scout_hear_sentinels(scout);
        scout->wished = wanted != seen;
        if (scout->wished || scout->unsettled) {
            urgent_until_ns = now_ns + URGENT_NS;
            if (next_ns > now_ns + URGENT_EVERY_NS)
                next_ns = scout->wished ? now_ns : now_ns + URGENT_EVERY_NS;
        }
        if (scout->wished)
            scout->wish_open = true;
        seen = wanted;
        if (now_ns >= next_ns) {
            look(scout);
            scout->wish_open = false;
            uint64_t rest_ns = URGENT_REST * (clock_now_ns() - now_ns);
            if (rest_ns < URGENT_SOON_NS)
                rest_ns = URGENT_SOON_NS;
            if (rest_ns > URGENT_EVERY_NS)
                rest_ns = URGENT_EVERY_NS;
            next_ns = clock_now_ns() + (now_ns < urgent_until_ns ? rest_ns : CALM_EVERY_NS);
        }
        clock_sleep_until(clock_now_ns() + (now_ns < urgent_until_ns ? URGENT_LOOK_NS : LOOK_NS));
    }
}

static int scout_main(void *run, int telling_fd)
{
    struct scout *scout = calloc(1, sizeof *scout);
    (void)telling_fd;
    if (scout == NULL)
        return 1;
    scout->run = run;
    begin(scout);
    live(scout);
}

enum err_code scout_start(struct child *scout, struct scout_run *run, struct err *err)
{
    const int log_fd = log_file_fd();
    const struct child_plan plan = {
        .run = scout_main, .state = run, .keep_fds = &log_fd, .keep_count = 1};
    return child_start(scout, &plan)
               ? OK
               : err_set_errno(err, E_SYSTEM, errno,
                               "cannot fork the process that follows the topology");
}
