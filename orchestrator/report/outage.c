#include "orchestrator/report/outage.h"

#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/outage_sample.h"

/* A node that had no success for so long before another one failed was idle, and may take over. */
#define HEIR_IDLE_NS (OUTAGE_PAUSE_NS / 2)

/* Failures since the last success that may lie in the gap under way. */
struct pending {
    struct outage_failures failures;
    uint64_t evidence; /* requests that failed, and not for a reason of volley's own */
    uint64_t first_failed_ns;
    bool shared;
    bool waited;   /* at an edge of a row requests waited for replies */
    bool degraded; /* a worker of volley died or was late */
    bool cut_off;  /* connections were lost or could not be opened */
};

struct successes {
    uint64_t first_ns, count;
};

/* All nodes together, or one of them. */
struct track {
    const struct own_stop_list *own_stops; /* of the run */
    struct outage_list list;
    uint64_t last_ok_ns;   /* or where measuring or load began */
    bool started;          /* something was sent to it, or failed at it */
    bool succeeded;        /* last_ok_ns is a success */
    uint64_t newest_ok_ns; /* last success; 0: none */
    /* The last success before the node was idle, 0 when there was none, and the first one after. */
    uint64_t before_idle_ns, resumed_ns;
    uint64_t used_ns; /* end of the last row in which something was tried at it */
    bool gone;
    int32_t follows; /* the node that took over until it succeeds again, OUTAGE_NOBODY: none */
    uint64_t in_flight;
    struct outage *newest; /* NULL: none, or it is not kept */
    struct pending pending;
    struct successes history[OUTAGE_HISTORY]; /* newest first */
    struct outage_windows windows;
};

struct outages {
    struct outage_setup setup;
    struct track all;
    struct track *nodes[NODE_FIGURES_MAX];
    struct node_figures coarse;
    struct own_stop_list own_stops;
    uint64_t end_ns;         /* of the last row */
    bool begun;              /* a measured row has come */
    uint64_t last_ok_ns;     /* of all nodes, while draining, too            */
    uint64_t last_error_ns;  /* end of the last row that had an error reply  */
    uint64_t silent_from_ns; /* the load ended in an outage, without any answer; UINT64_MAX: no */
};

struct outages *outages_create(void)
{
    return calloc(1, sizeof(struct outages));
}

static void forget_nodes(struct outages *outages)
{
    for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++) {
        if (outages->nodes[i] != NULL)
            free(outages->nodes[i]->list.items);
        free(outages->nodes[i]);
        outages->nodes[i] = NULL;
    }
}

void outages_destroy(struct outages *outages)
{
    if (outages == NULL)
        return;
    forget_nodes(outages);
    free(outages->all.list.items);
    free(outages);
}

void outages_begin(struct outages *outages, const struct outage_setup *setup)
{
    struct outage *items = outages->all.list.items;
    forget_nodes(outages);
    outages->all = (struct track){
        .list.items = items, .own_stops = &outages->own_stops, .follows = OUTAGE_NOBODY};
    memset(&outages->own_stops, 0, sizeof outages->own_stops);
    outages->setup = *setup;
    outages->begun = false;
    outages->end_ns = outages->last_ok_ns = outages->last_error_ns = 0;
    outages->silent_from_ns = UINT64_MAX;
}

/* ---- The rule. ---- */

/* False: there were not two successes since the last outage. */
static bool usual_gap(const struct track *track, uint64_t *usual_ns)
{
    uint64_t count = 0;
    *usual_ns = 0;
    for (uint32_t i = 0; i < OUTAGE_HISTORY && track->history[i].count > 0; i++) {
        count += track->history[i].count;
        uint64_t first_ns = track->history[i].first_ns;
        if (count < 2 || first_ns > track->last_ok_ns)
            continue;
        uint64_t mean_ns = (track->last_ok_ns - first_ns) / (count - 1);
        *usual_ns = mean_ns > *usual_ns ? mean_ns : *usual_ns;
    }
    return count >= 2;
}

/* Of the gap that ends at end_ns, if it did. */
static uint64_t own_stop_ns(const struct track *track, uint64_t end_ns)
{
    uint64_t sum_ns = 0;
    for (uint32_t i = 0; i < track->own_stops->kept; i++) {
        struct own_stop both = own_stop_common(track->own_stops->items[i],
                                               (struct own_stop){track->last_ok_ns, end_ns});
        sum_ns += both.to_ns - both.from_ns;
    }
    return sum_ns;
}

/* Whether the gap would be one if it ended at end_ns. */
static bool is_outage(const struct track *track, uint64_t end_ns)
{
    const struct pending *pending = &track->pending;
    uint64_t own_ns = own_stop_ns(track, end_ns), gap_ns = end_ns - track->last_ok_ns;
    gap_ns = own_ns < gap_ns ? gap_ns - own_ns : 0;
    uint64_t least_ns = OUTAGE_FAILED_NS, usual_ns = 0;
    bool known = usual_gap(track, &usual_ns);
    if (pending->evidence == 0 && !(pending->cut_off && track->succeeded)) {
        /* A pause. A dead worker pauses, too, and so do replies of which one may take long. */
        if (!pending->waited || pending->degraded || !track->succeeded || !known)
            return false;
        least_ns = OUTAGE_PAUSE_NS;
    }
    usual_ns *= OUTAGE_USUAL_GAPS;
    return gap_ns >= (usual_ns > least_ns ? usual_ns : least_ns);
}

/* The gap ends at end_ns. */
static void close_gap(struct track *track, uint64_t end_ns, bool recovered, int32_t taken_over_by)
{
    struct outage_list *list = &track->list;
    uint64_t gap_ns = end_ns - track->last_ok_ns;
    if (end_ns <= track->last_ok_ns || !is_outage(track, end_ns))
        return;
    struct outage *outage = NULL;
    if (list->items == NULL)
        list->items = calloc(OUTAGES_KEPT, sizeof *list->items);
    if (list->items != NULL && list->kept < OUTAGES_KEPT)
        outage = &list->items[list->kept++];
    list->count++;
    list->total_ns += gap_ns;
    if (gap_ns > list->longest_ns) {
        list->longest_ns = gap_ns;
        list->longest_begin_ns = track->last_ok_ns;
    }
    track->newest = outage;
    if (outage != NULL)
        *outage =
            (struct outage){.begin_ns = track->last_ok_ns,
                            .first_failed_ns = track->pending.first_failed_ns,
                            .end_ns = end_ns,
                            .from_start = !track->succeeded,
                            .recovered = recovered,
                            .pause = track->pending.first_failed_ns == 0 && !track->pending.cut_off,
                            .own_stop_ns = own_stop_ns(track, end_ns),
                            .shared = track->pending.shared,
                            .taken_over_by = taken_over_by,
                            .failures = track->pending.failures};
    outage_windows_open(&track->windows, outage);
    memset(track->history, 0, sizeof track->history);
}

/* ---- Row by row. ---- */

static void add_failures(struct outage_failures *into, const struct outage_failures *from)
{
    into->errors += from->errors;
    into->timed_out += from->timed_out;
    into->lost += from->lost;
    for (uint32_t i = 0; i < ERROR_KINDS_MAX; i++)
        into->errors_by_kind[i] += from->errors_by_kind[i];
    for (uint32_t i = 0; i < OUTAGE_LOST_CAUSES; i++)
        into->lost_by_cause[i] += from->lost_by_cause[i];
}

/* Connections have no instants: those of a row count in every gap that it is part of. */
static void gather_connections(struct pending *pending, const struct outage_sample *sample)
{
    pending->failures.connections_lost += sample->failures.connections_lost;
    pending->failures.connect_failures += sample->failures.connect_failures;
    pending->failures.clusterdown += sample->failures.clusterdown;
    pending->cut_off |= sample->cut_off;
    pending->degraded |= sample->degraded;
}

/* The first failure after begin_ns, as far as it is told: where others came before it, the last one. */
static uint64_t first_failed_after(const struct outcome_times *times, uint64_t begin_ns)
{
    return times->first_failed_ns > begin_ns ? times->first_failed_ns : times->last_failed_ns;
}

/* Nodes may tell it more closely than the row does. */
static uint64_t first_failed_in(const struct outage_sample *sample, uint64_t begin_ns)
{
    uint64_t first_ns = first_failed_after(&sample->times, begin_ns);
    for (uint32_t i = 0; sample->row != NULL && i < sample->row->node_count; i++) {
        uint64_t found_ns = first_failed_after(&sample->row->nodes[i].times, begin_ns);
        if (found_ns > begin_ns && found_ns < first_ns)
            first_ns = found_ns;
    }
    return first_ns;
}

/* Requests of this row failed in the gap that began at begin_ns. */
static void gather(struct pending *pending, const struct outage_sample *sample, uint64_t begin_ns,
                   bool shared)
{
    uint64_t first_ns = first_failed_in(sample, begin_ns);
    if (pending->first_failed_ns == 0 || first_ns < pending->first_failed_ns)
        pending->first_failed_ns = first_ns;
    pending->evidence += sample->evidence;
    pending->shared |= shared;
    add_failures(&pending->failures, &sample->failures);
}

static void without_success(struct track *track, const struct outage_sample *sample)
{
    struct pending *pending = &track->pending;
    gather_connections(pending, sample);
    if (sample->times.last_failed_ns > track->last_ok_ns)
        gather(pending, sample, track->last_ok_ns,
               sample->times.first_failed_ns <= track->last_ok_ns);
    pending->waited |= sample->waiting;
    bool failed = pending->evidence > 0 || pending->cut_off;
    if (sample->sent > 0 || sample->waiting || (failed && !sample->no_load))
        return;
    if (failed)
        close_gap(track, sample->start_ns, false, OUTAGE_NOBODY);
    track->last_ok_ns = sample->end_ns; /* no load: the gap begins when there is some again */
    track->succeeded = false;
    memset(pending, 0, sizeof *pending);
}

static void with_success(struct track *track, const struct outage_sample *sample)
{
    const struct outcome_times *times = &sample->times;
    struct pending *pending = &track->pending;
    if (times->first_ok_ns > track->last_ok_ns && track->follows == OUTAGE_NOBODY) {
        gather_connections(pending, sample);
        if (times->first_failed_ns > 0 && times->first_failed_ns < times->first_ok_ns &&
            times->last_failed_ns > track->last_ok_ns)
            gather(pending, sample, track->last_ok_ns,
                   times->last_failed_ns > times->first_ok_ns ||
                       times->first_failed_ns <= track->last_ok_ns);
        close_gap(track, times->first_ok_ns, true, OUTAGE_NOBODY);
    }
    track->follows = OUTAGE_NOBODY;
    memset(pending, 0, sizeof *pending);
    if (times->last_ok_ns > track->last_ok_ns)
        track->last_ok_ns = times->last_ok_ns;
    track->succeeded = true;
    if (track->newest_ok_ns == 0 || times->first_ok_ns > track->newest_ok_ns + HEIR_IDLE_NS) {
        track->before_idle_ns = track->newest_ok_ns;
        track->resumed_ns = times->first_ok_ns;
    }
    track->newest_ok_ns = track->last_ok_ns;
    gather_connections(pending, sample);
    if (times->last_failed_ns > track->last_ok_ns)
        gather(pending, sample, track->last_ok_ns, times->first_failed_ns <= track->last_ok_ns);
    pending->waited = sample->waiting;
    memmove(&track->history[1], &track->history[0],
            sizeof track->history - sizeof track->history[0]);
    track->history[0] = (struct successes){times->first_ok_ns, sample->ok};
}

static void track_add(struct track *track, const struct outage_sample *sample)
{
    bool succeeded = sample->ok > 0 && sample->times.first_ok_ns > 0;
    if (sample->sent > 0 || sample->ok > 0 || sample->evidence > 0 || sample->cut_off)
        track->used_ns = sample->end_ns;
    if (!track->started && !succeeded && sample->sent == 0 && sample->evidence == 0)
        return;
    if (!track->started) {
        track->started = true;
        track->last_ok_ns = sample->start_ns;
    }
    if (succeeded)
        with_success(track, sample);
    else if (track->follows == OUTAGE_NOBODY)
        without_success(track, sample);
    else if (track->newest != NULL)
        add_failures(&track->newest->failures, &sample->failures);
}

/* Replies that came while the run drained found nobody who still loads the target. */
static void cut_draining(const struct outages *outages, struct outage_sample *sample)
{
    const uint64_t end_ns = outages->setup.load_end_ns;
    struct outcome_times *times = &sample->times;
    if (end_ns == 0 || sample->ok == 0 || times->last_ok_ns <= end_ns)
        return;
    times->last_ok_ns = end_ns;
    if (times->first_ok_ns > end_ns) {
        sample->ok = times->first_ok_ns = times->last_ok_ns = 0;
        sample->waiting = true;
    }
}

/* Of one node no gauge is told; it is what was sent and is not over. A worker that died leaves it
 * unknown. */
static void count_in_flight(struct track *track, const struct interval_row *row, uint32_t node)
{
    const uint64_t *counters = row->nodes[node].counters;
    track->in_flight += counters[NODE_SENT] - counters[NODE_OK] - counters[NODE_ERRORS] -
                        counters[NODE_REDIRECTED] - counters[NODE_TIMED_OUT] - counters[NODE_LOST];
    bool below_none = track->in_flight > INT64_MAX;
    if (below_none || (row->header.flags & INTERVAL_DEGRADED) != 0 ||
        row->header.in_flight_after == 0)
        track->in_flight = 0;
}

/* NULL: no memory, and this node is left out. */
static struct track *track_of(struct outages *outages, uint32_t node)
{
    struct track **track = &outages->nodes[node];
    if (*track == NULL)
        *track = calloc(1, sizeof **track);
    if (*track != NULL)
        (*track)->own_stops = &outages->own_stops;
    if (*track != NULL && !(*track)->started)
        (*track)->follows = OUTAGE_NOBODY;
    return *track;
}

/* ---- Nodes that take over. ---- */

static int32_t shard_of(const struct outages *outages, uint32_t node)
{
    if (outages->setup.one_shard)
        return 0;
    if (node >= outages->setup.node_count || outages->setup.primary_of[node] == OUTAGE_NOBODY)
        return (int32_t)node;
    return outages->setup.primary_of[node];
}

/* Idle when the other failed, and a success since. */
static bool took_over(const struct outages *outages, uint32_t node, uint32_t failed)
{
    const struct track *heir = outages->nodes[node], *track = outages->nodes[failed];
    if (node == failed || heir == NULL || shard_of(outages, node) != shard_of(outages, failed))
        return false;
    bool idle =
        heir->before_idle_ns == 0 || heir->before_idle_ns + HEIR_IDLE_NS < track->last_ok_ns;
    return idle && heir->resumed_ns > track->last_ok_ns;
}

static void find_heir(struct outages *outages, uint32_t node, uint32_t node_count)
{
    struct track *track = outages->nodes[node];
    const struct pending *pending = &track->pending;
    bool failed = pending->evidence > 0 || pending->failures.connections_lost > 0;
    if (!track->succeeded || track->follows != OUTAGE_NOBODY || (!failed && !pending->waited))
        return;
    for (uint32_t heir = 0; heir < node_count; heir++) {
        if (!took_over(outages, heir, node))
            continue;
        uint64_t resumed_ns = outages->nodes[heir]->resumed_ns;
        if (!failed && !is_outage(track, resumed_ns))
            continue;
        track->newest = NULL;
        close_gap(track, resumed_ns, true, (int32_t)heir);
        track->follows = (int32_t)heir;
        memset(&track->pending, 0, sizeof track->pending);
        return;
    }
}

/* Whether each node that served until the end of all successes is cut off, or failing. */
static bool nodes_cut_off(const struct outages *outages)
{
    bool any = false;
    for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++) {
        const struct track *track = outages->nodes[i];
        if (track == NULL || track->newest_ok_ns == 0 ||
            track->newest_ok_ns + HEIR_IDLE_NS < outages->all.last_ok_ns)
            continue;
        if (!track->pending.cut_off && track->pending.evidence == 0)
            return false;
        any = true;
    }
    return any;
}

/* Returns whether all of them are cut off. */
static bool add_nodes(struct outages *outages, const struct interval_row *row)
{
    bool measured = (row->header.flags & INTERVAL_WARMUP) == 0;
    for (uint32_t i = 0; i < row->node_count; i++) {
        struct track *track = track_of(outages, i);
        if (track == NULL)
            continue;
        count_in_flight(track, row, i);
        if (!measured)
            continue;
        struct outage_sample sample = outage_sample_of_node(row, i, track->in_flight > 0);
        cut_draining(outages, &sample);
        track_add(track, &sample);
    }
    bool cut_off = nodes_cut_off(outages); /* before heirs make it forgotten */
    for (uint32_t i = 0; i < row->node_count && measured; i++) {
        struct track *track = outages->nodes[i];
        if (track == NULL)
            continue;
        find_heir(outages, i, row->node_count);
        uint32_t whose = track->follows == OUTAGE_NOBODY ? i : (uint32_t)track->follows;
        outage_windows_add(&track->windows, &row->nodes[whose], row->header.start_ns);
    }
    return cut_off;
}

/* One that goes on in the next row is one. A row may repeat what an earlier one has told: when workers
 * went on at different times the record of the last one fills a row of its own. */
static void add_own_stop(struct own_stop_list *list, const struct own_stop *stop)
{
    struct own_stop *newest = list->kept > 0 ? &list->items[list->kept - 1] : NULL;
    uint64_t from_ns = stop->from_ns > list->end_ns ? stop->from_ns : list->end_ns;
    if (stop->to_ns <= from_ns)
        return;
    list->total_ns += stop->to_ns - from_ns;
    list->end_ns = stop->to_ns;
    if (newest != NULL && list->count == list->kept && newest->to_ns == from_ns) {
        newest->to_ns = stop->to_ns;
        return;
    }
    list->count++;
    if (list->kept < OWN_STOPS_KEPT)
        list->items[list->kept++] = (struct own_stop){from_ns, stop->to_ns};
}

static void begin_measuring(struct outages *outages, const struct interval_row *row)
{
    if (!outages->begun) {
        outages->all.started = true;
        outages->all.last_ok_ns = row->header.start_ns;
    }
    outages->begun = true;
}

void outages_add(struct outages *outages, const struct interval_row *row)
{
    bool open_loop = outages->setup.open_loop;
    bool measured = (row->header.flags & INTERVAL_WARMUP) == 0;
    outages->end_ns = row->header.end_ns;
    if (measured)
        begin_measuring(outages, row);
    /* Those of the warm-up may go on into measured rows. */
    for (uint32_t i = 0; i < row->header.own_stops.count; i++)
        add_own_stop(&outages->own_stops, &row->header.own_stops.items[i]);
    if (row->header.times.last_ok_ns > outages->last_ok_ns)
        outages->last_ok_ns = row->header.times.last_ok_ns;
    if (row->counters[COUNTER_ERROR_REPLIES] > 0)
        outages->last_error_ns = row->header.end_ns;
    bool cut_off = add_nodes(outages, row);
    if (!measured)
        return;
    struct outage_sample sample = outage_sample_of_all(row, open_loop, cut_off);
    cut_draining(outages, &sample);
    track_add(&outages->all, &sample);
    outage_coarse(&outages->coarse,
                  &row->histograms[open_loop ? HISTOGRAM_RESPONSE_OK : HISTOGRAM_SERVICE_OK]);
    outage_windows_add(&outages->all.windows, &outages->coarse, row->header.start_ns);
}

/* When somebody stopped to need a node that has left is not known: at the latest when it was last tried. */
static void track_end(struct track *track, uint64_t end_ns)
{
    if (track->gone && track->used_ns < end_ns)
        end_ns = track->used_ns;
    if (track->gone && track->pending.evidence == 0)
        track->follows = OUTAGE_NOBODY;
    else if (track->started && track->follows == OUTAGE_NOBODY)
        close_gap(track, end_ns, false, OUTAGE_NOBODY);
    outage_windows_close(&track->windows);
}

void outages_leave(struct outages *outages, uint32_t node)
{
    if (node < NODE_FIGURES_MAX && outages->nodes[node] != NULL)
        outages->nodes[node]->gone = true;
}

void outages_end(struct outages *outages, uint64_t load_end_ns)
{
    uint64_t end_ns = outages->end_ns;
    if (load_end_ns > 0 && load_end_ns < end_ns)
        end_ns = load_end_ns;
    const uint64_t before = outages->all.list.count, begin_ns = outages->all.last_ok_ns;
    track_end(&outages->all, end_ns);
    if (outages->all.list.count > before && outages->last_ok_ns <= begin_ns &&
        outages->last_error_ns < end_ns)
        outages->silent_from_ns = begin_ns;
    for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++)
        if (outages->nodes[i] != NULL)
            track_end(outages->nodes[i], end_ns);
}

bool outages_under_way(const struct outages *outages, int32_t node, uint64_t *begin_ns)
{
    const struct track *track = node == OUTAGE_NOBODY              ? &outages->all
                                : node < (int32_t)NODE_FIGURES_MAX ? outages->nodes[node]
                                                                   : NULL;
    if (track == NULL || !track->started || track->follows != OUTAGE_NOBODY ||
        outages->end_ns <= track->last_ok_ns)
        return false;
    *begin_ns = track->last_ok_ns;
    return is_outage(track, outages->end_ns);
}

bool outages_silent_end(const struct outages *outages, uint64_t *begin_ns)
{
    *begin_ns = outages->silent_from_ns;
    return outages->silent_from_ns != UINT64_MAX;
}

const struct outage_list *outages_of_all(const struct outages *outages)
{
    return &outages->all.list;
}

const struct outage_list *outages_of_node(const struct outages *outages, uint32_t node)
{
    bool known = node < NODE_FIGURES_MAX && outages->nodes[node] != NULL;
    return known ? &outages->nodes[node]->list : NULL;
}

const struct own_stop_list *outages_own_stops(const struct outages *outages)
{
    return &outages->own_stops;
}

uint32_t outages_nodes(const struct outages *outages)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++)
        count += outages->nodes[i] != NULL && outages->nodes[i]->list.count > 0;
    return count;
}

uint64_t outage_failed_to_ok_ns(const struct outage *outage)
{
    if (outage->first_failed_ns == 0 || !outage->recovered ||
        outage->first_failed_ns > outage->end_ns)
        return 0;
    return outage->end_ns - outage->first_failed_ns;
}
