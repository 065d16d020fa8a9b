/* Whether the numbers of an interval add up. */
#include <inttypes.h>
#include <stdbool.h>

#include "common/interval.h"

static bool is_open_loop(const struct interval_row *row)
{
    return (row->header.flags & INTERVAL_OPEN_LOOP) != 0;
}

static uint64_t kept(const struct interval_row *row, enum interval_histogram_kind kind)
{
    return row->histograms[kind].count;
}

/* A record of an older version may not have the histogram. */
static bool differs(const struct interval_row *row, enum interval_histogram_kind kind,
                    uint64_t expected)
{
    return interval_row_has(row, kind) && kept(row, kind) != expected;
}

/* Who got no reply. Of the backlog those are among them whose worker has published its last record. */
static enum err_code check_unanswered(const struct interval_row *row, struct err *err)
{
    const uint64_t *counters = row->counters;
    uint64_t backlog = row->header.backlog_after;
    uint64_t sent =
        counters[COUNTER_TIMED_OUT] + counters_lost(counters) - counters[COUNTER_LOST_WORKER];
    uint64_t due = is_open_loop(row) ? sent + counters_shed(counters) : 0;
    uint64_t responses = kept(row, HISTOGRAM_RESPONSE_UNANSWERED);
    if (differs(row, HISTOGRAM_SERVICE_UNANSWERED, sent))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " waits kept of %" PRIu64
                       " requests that were sent and got no reply",
                       row->header.first, kept(row, HISTOGRAM_SERVICE_UNANSWERED), sent);
    if (interval_row_has(row, HISTOGRAM_RESPONSE_UNANSWERED) &&
        (responses < due || responses > due + (is_open_loop(row) ? backlog : 0)))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " waits kept of %" PRIu64
                       " requests that were due and got no reply, and a backlog of %" PRIu64,
                       row->header.first, responses, due, backlog);
    return OK;
}

static enum err_code check_schedule(const struct interval_row *row, struct err *err)
{
    const struct interval_header *header = &row->header;
    uint64_t due = row->counters[COUNTER_DUE];
    uint64_t sent = row->counters[COUNTER_SENT];
    uint64_t shed = counters_shed(row->counters);
    if (header->backlog_before + due != sent + shed + header->backlog_after)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": backlog before %" PRIu64 " + due %" PRIu64
                       " is not sent %" PRIu64 " + shed %" PRIu64 " + backlog after %" PRIu64,
                       header->first, header->backlog_before, due, sent, shed,
                       header->backlog_after);
    uint64_t responses = is_open_loop(row) ? row->counters[COUNTER_OK] : 0;
    if (differs(row, HISTOGRAM_RESPONSE_OK, responses))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " response times kept of %" PRIu64
                       " ok replies",
                       header->first, kept(row, HISTOGRAM_RESPONSE_OK), responses);
    uint64_t delays = is_open_loop(row) ? sent : 0;
    const bool both = (row->header.flags & INTERVAL_BOTH_LOOPS) != 0;
    if (differs(row, HISTOGRAM_SLIP, both ? kept(row, HISTOGRAM_WAIT) : delays) ||
        (both ? kept(row, HISTOGRAM_WAIT) > delays : differs(row, HISTOGRAM_WAIT, delays)))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " slips and %" PRIu64
                       " waits kept of %" PRIu64 " requests sent",
                       header->first, kept(row, HISTOGRAM_SLIP), kept(row, HISTOGRAM_WAIT), delays);
    return OK;
}

static enum err_code check_outcomes(const struct interval_row *row, struct err *err)
{
    const struct interval_header *header = &row->header;
    uint64_t sent = row->counters[COUNTER_SENT];
    uint64_t ok = row->counters[COUNTER_OK];
    uint64_t errors = row->counters[COUNTER_ERROR_REPLIES];
    uint64_t timed_out = row->counters[COUNTER_TIMED_OUT];
    uint64_t lost = counters_lost(row->counters);
    const uint64_t *follow_ups = row->counters;
    const uint64_t followed =
        follow_ups[COUNTER_FOLLOW_UPS_OK] + follow_ups[COUNTER_FOLLOW_UPS_ERRORS] +
        follow_ups[COUNTER_FOLLOW_UPS_TIMED_OUT] + follow_ups[COUNTER_FOLLOW_UPS_LOST];
    if (header->in_flight_before + sent + follow_ups[COUNTER_FOLLOW_UPS] !=
        ok + errors + timed_out + lost + followed + header->in_flight_after)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": in flight before %" PRIu64 " + sent %" PRIu64
                       " is not ok %" PRIu64 " + errors %" PRIu64 " + timed out %" PRIu64
                       " + lost %" PRIu64 " + in flight after %" PRIu64 " (follow-ups: %" PRIu64
                       " sent, %" PRIu64 " ended)",
                       header->first, header->in_flight_before, sent, ok, errors, timed_out, lost,
                       header->in_flight_after, follow_ups[COUNTER_FOLLOW_UPS], followed);
    if (differs(row, HISTOGRAM_SERVICE_OK, ok))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " times kept of %" PRIu64 " ok replies",
                       header->first, kept(row, HISTOGRAM_SERVICE_OK), ok);
    if (differs(row, HISTOGRAM_SERVICE_ERROR, errors))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " times kept of %" PRIu64 " error replies",
                       header->first, kept(row, HISTOGRAM_SERVICE_ERROR), errors);
    uint64_t kinds = 0;
    for (unsigned i = 0; i < ERROR_KINDS_MAX; i++)
        kinds += row->errors_by_kind[i];
    if (kinds != errors)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " errors by kind of %" PRIu64
                       " error replies",
                       header->first, kinds, errors);
    return OK;
}

/* Whoever answers is one of the nodes, or a near cache, which never fails. */
static enum err_code check_nodes(const struct interval_row *row, struct err *err)
{
    const uint64_t *counters = row->counters;
    uint64_t ok = counters[COUNTER_CACHE_HITS], errors = 0;
    for (uint32_t i = 0; i < row->node_count; i++) {
        ok += row->nodes[i].counters[NODE_OK];
        errors += row->nodes[i].counters[NODE_ERRORS];
    }
    if (row->node_count > 0 &&
        (ok != counters[COUNTER_OK] || errors != counters[COUNTER_ERROR_REPLIES]))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": its nodes and its near cache gave %" PRIu64
                       " ok replies of %" PRIu64 ", and %" PRIu64 " error replies of %" PRIu64,
                       row->header.first, ok, counters[COUNTER_OK], errors,
                       counters[COUNTER_ERROR_REPLIES]);
    return OK;
}

static bool has_times_of_ok(const struct interval_row *row, const struct class_figures *figures)
{
    const uint64_t ok = figures->counters[CLASS_OK];
    return coarse_count(&figures->times[CLASS_SERVICE]) == ok &&
           coarse_count(&figures->times[CLASS_RESPONSE]) == (is_open_loop(row) ? ok : 0);
}

/* A part has its answers before or with those of the whole, so between intervals nothing more holds. */
static enum err_code check_parts(const struct interval_row *row, struct err *err)
{
    for (uint32_t i = 0; i < row->part_count; i++)
        if (!has_times_of_ok(row, &row->parts[i]))
            return err_set(err, E_UNTRUSTED,
                           "interval %" PRIu32 ": part %" PRIu32
                           " of requests has not as many times as ok, %" PRIu64,
                           row->header.first, i, row->parts[i].counters[CLASS_OK]);
    return OK;
}

/* Every request is of one of the classes; of bytes, connecting has its own. */
static enum err_code check_classes(const struct interval_row *row, struct err *err)
{
    const uint64_t *counters = row->counters;
    const uint64_t whole[CLASS_BYTES_OUT] = {
        [CLASS_SENT] = counters[COUNTER_SENT] + counters[COUNTER_FOLLOW_UPS],
        [CLASS_OK] = counters[COUNTER_OK] + counters[COUNTER_FOLLOW_UPS_OK],
        [CLASS_ERRORS] = counters[COUNTER_ERROR_REPLIES] + counters[COUNTER_FOLLOW_UPS_ERRORS],
        [CLASS_TIMED_OUT] = counters[COUNTER_TIMED_OUT] + counters[COUNTER_FOLLOW_UPS_TIMED_OUT],
        [CLASS_LOST] = counters_lost(counters) - counters[COUNTER_LOST_WORKER] +
                       counters[COUNTER_FOLLOW_UPS_LOST],
        [CLASS_HITS] = counters[COUNTER_HITS],
        [CLASS_MISSES] = counters[COUNTER_MISSES],
    };
    for (unsigned i = 0; i < CLASS_BYTES_OUT && row->class_count > 0; i++) {
        uint64_t sum = 0;
        for (uint32_t k = 0; k < row->class_count; k++)
            sum += row->classes[k].counters[i];
        if (sum != whole[i])
            return err_set(err, E_UNTRUSTED,
                           "interval %" PRIu32 ": its classes have %" PRIu64
                           " of %s, all have %" PRIu64,
                           row->header.first, sum, class_counter_names[i], whole[i]);
    }
    for (uint32_t k = 0; k < row->class_count; k++) {
        if (!has_times_of_ok(row, &row->classes[k]))
            return err_set(err, E_UNTRUSTED,
                           "interval %" PRIu32 ": class %" PRIu32
                           " has not as many times as ok, %" PRIu64,
                           row->header.first, k, row->classes[k].counters[CLASS_OK]);
    }
    return OK;
}

enum err_code interval_row_check(const struct interval_row *row, struct err *err)
{
    static enum err_code (*const checks[])(const struct interval_row *row, struct err *err) = {
        check_outcomes, check_schedule, check_unanswered, check_nodes, check_classes, check_parts};
    enum err_code code = OK;
    if (row->unknown[INTERVAL_UNKNOWN_COUNTERS] != 0 ||
        (row->header.flags & INTERVAL_DEGRADED) != 0)
        return OK;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && code == OK; i++)
        code = checks[i](row, err);
    return code;
}
