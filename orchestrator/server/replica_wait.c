#include "orchestrator/server/replica_wait.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/units.h"

#define PAUSE_FIRST_NS (20 * NS_PER_MS)
#define PAUSE_LAST_NS (100 * NS_PER_MS)
/* Replicas that are filled at once are not worth a word. */
#define TOLD_AFTER_NS NS_PER_SECOND
/* One that does not answer is asked again at the next look. */
#define PATIENCE_NS (500 * NS_PER_MS)

enum err_code replicas_ask_unknown(struct sightings *seen, const struct server_role *role,
                                   struct control *primary, struct err *err)
{
    struct sightings of_primary = {.items = NULL};
    enum err_code code = replicas_ask_seen(&of_primary, role, primary, err);
    /* Sentinels may know them under other names than the primary does: then there are no more. */
    uint32_t known = 0;
    for (uint32_t i = 0; i < seen->count; i++)
        known += strcmp(seen->items[i].role, "replica") == 0;
    for (uint32_t i = 0; i < of_primary.count && of_primary.count > known; i++) {
        struct sighting *at = &of_primary.items[i];
        at->coming = true;
        snprintf(at->state, sizeof at->state, "not yet known to the sentinel");
        sightings_add(seen, at);
    }
    sightings_free(&of_primary);
    return code;
}

/* ---- replicas of a cluster ---- */

static enum err_code ask_one(struct replica_view *view, const struct sighting *node,
                             const struct endpoint *endpoint, const volatile int *interrupted)
{
    struct control *control = NULL;
    struct target_address target;
    struct err err = {.code = OK};
    struct endpoint impatient = *endpoint;
    impatient.wait_ready_ns = 0;
    if (impatient.connection_timeout_ns > PATIENCE_NS)
        impatient.connection_timeout_ns = PATIENCE_NS;
    impatient.request_timeout_ns = impatient.connection_timeout_ns;
    *view = (struct replica_view){.replica = false};
    enum err_code code =
        control_connect_host(&control, &target, &node->name, &impatient, interrupted, &err);
    if (code == OK)
        code = replica_ask(view, control, &err);
    control_close(control);
    if (code != OK)
        log_line(LOG_DEBUG, "topology: %s", err.text);
    return code;
}

/* What it says of itself counts. */
static enum err_code take_view(struct topology *topology, struct sighting *node,
                               const struct replica_view *view, struct err *err)
{
    if (node->primary < 0)
        node->primary = topology_find(topology, view->primary.host, view->primary.port);
    if (!view->replica || node->primary < 0)
        return OK;
    node->role = "replica";
    node->coming = !view->ready;
    if (view->state[0] != '\0')
        snprintf(node->state, sizeof node->state, "%s", view->state);
    if (!view->ready)
        return OK;
    int index = topology_add(topology, node->name.host, node->name.port);
    if (index < 0)
        return err_set(err, E_CONNECT, "there are more nodes than volley can follow (%u)",
                       TOPOLOGY_NODES_MAX);
    topology->nodes[index].role = TOPOLOGY_REPLICA;
    topology->nodes[index].primary = (uint16_t)node->primary;
    return OK;
}

enum err_code replicas_ask_themselves(struct topology *topology, struct sightings *seen,
                                      const struct endpoint *endpoint,
                                      const volatile int *interrupted, struct err *err)
{
    enum err_code code = OK;
    const uint64_t patience_ns =
        endpoint->wait_ready_ns > PATIENCE_NS ? endpoint->wait_ready_ns : PATIENCE_NS;
    const uint64_t end_ns = clock_now_ns() + patience_ns;
    for (uint32_t i = 0; i < seen->count && code == OK && clock_now_ns() < end_ns; i++) {
        struct sighting *node = &seen->items[i];
        struct replica_view view;
        if (!node->coming && !node->idle)
            continue;
        enum err_code asked = ask_one(&view, node, endpoint, interrupted);
        if (asked == E_INTERRUPTED)
            return err_set(err, E_INTERRUPTED, "interrupted while waiting for replicas");
        if (asked == OK)
            code = take_view(topology, node, &view, err);
    }
    return code;
}

/* ---- waiting ---- */

enum err_code replica_wait_step(struct replica_wait *wait, bool *over, const struct sightings *seen,
                                const struct endpoint *endpoint, const volatile int *interrupted,
                                struct err *err)
{
    char text[240], duration[32];
    uint64_t passed_ns = clock_now_ns() - wait->began_ns;
    *over = passed_ns >= endpoint->wait_ready_ns;
    if (*over)
        return OK;
    if (!wait->told && passed_ns >= TOLD_AFTER_NS &&
        (seen->forming || sightings_coming(seen) > 0)) {
        wait->told = true;
        if (seen->forming)
            log_line(LOG_WARNING, "waiting up to %s for a cluster that does not call itself ok yet",
                     units_format_duration(duration, sizeof duration, endpoint->wait_ready_ns));
        else
            log_line(LOG_WARNING, "waiting up to %s for replicas that are on their way: %s",
                     units_format_duration(duration, sizeof duration, endpoint->wait_ready_ns),
                     sightings_text(text, sizeof text, seen, true));
    }
    wait->pause_ns = wait->pause_ns == 0                  ? PAUSE_FIRST_NS
                     : 2 * wait->pause_ns < PAUSE_LAST_NS ? 2 * wait->pause_ns
                                                          : PAUSE_LAST_NS;
    uint64_t left_ns = endpoint->wait_ready_ns - passed_ns;
    uint64_t pause_ns = left_ns < wait->pause_ns ? left_ns : wait->pause_ns;
    (void)poll(NULL, 0, (int)((pause_ns + NS_PER_MS - 1) / NS_PER_MS));
    if (interrupted != NULL && *interrupted != 0)
        return err_set(err, E_INTERRUPTED, "interrupted while waiting for replicas");
    return OK;
}

enum err_code replica_wait_conclude(const struct topology *topology, const struct sightings *seen,
                                    const struct endpoint *endpoint, const char *where,
                                    struct err *err)
{
    char text[ERR_TEXT_BYTES / 2 + 60], duration[32];
    uint32_t coming = sightings_coming(seen);
    units_format_duration(duration, sizeof duration, endpoint->wait_ready_ns);
    if (topology_replicas(topology) > 0) {
        if (coming > 0)
            log_line(LOG_WARNING, "left out, not ready after %s (see --wait-ready): %s", duration,
                     sightings_text(text, sizeof text, seen, true));
        return OK;
    }
    sightings_text(text, sizeof text, seen, false);
    if (coming > 0)
        return err_set(err, E_CONNECT,
                       "a replica was asked for, and none of %s is ready after %s: %s; see "
                       "--wait-ready",
                       where, duration, text);
    return err_set(err, E_CONNECT, "a replica was asked for, and %s has none: %s", where, text);
}
