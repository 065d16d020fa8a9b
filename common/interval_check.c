/* Whether the numbers of an interval add up. */
#include <inttypes.h>
#include <stdbool.h>

#include "common/interval.h"

/* Of a histogram that the record does not have, as one of an older version. */
#define ABSENT UINT64_MAX

static bool differs(uint64_t counted, uint64_t expected)
{
    return counted != expected && counted != ABSENT;
}

/* Who got no reply: `more` may be among those whose response time is not known. */
static enum err_code check_unanswered(const struct interval_header *header,
                                      const uint64_t counters[COUNTER_COUNT],
                                      const uint64_t counted[HISTOGRAM_KINDS], uint64_t least_more,
                                      uint64_t most_more, struct err *err)
{
    bool open_loop = (header->flags & INTERVAL_OPEN_LOOP) != 0;
    uint64_t sent =
        counters[COUNTER_TIMED_OUT] + counters_lost(counters) - counters[COUNTER_LOST_WORKER];
    uint64_t due = open_loop ? sent + counters_shed(counters) : 0;
    uint64_t responses = counted[HISTOGRAM_RESPONSE_UNANSWERED];
    if (differs(counted[HISTOGRAM_SERVICE_UNANSWERED], sent))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " waits kept of %" PRIu64
                       " requests that were sent and got no reply",
                       header->first, counted[HISTOGRAM_SERVICE_UNANSWERED], sent);
    if (responses != ABSENT &&
        (responses < due + least_more || responses > due + (open_loop ? most_more : 0)))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " waits kept of %" PRIu64
                       " requests that were due and got no reply, and a backlog of %" PRIu64,
                       header->first, responses, due, most_more);
    return OK;
}

static enum err_code check_schedule(const struct interval_header *header,
                                    const uint64_t counters[COUNTER_COUNT],
                                    const uint64_t counted[HISTOGRAM_KINDS], struct err *err)
{
    uint64_t due = counters[COUNTER_DUE];
    uint64_t sent = counters[COUNTER_SENT];
    uint64_t shed = counters_shed(counters);
    if (header->backlog_before + due != sent + shed + header->backlog_after)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": backlog before %" PRIu64 " + due %" PRIu64
                       " is not sent %" PRIu64 " + shed %" PRIu64 " + backlog after %" PRIu64,
                       header->first, header->backlog_before, due, sent, shed,
                       header->backlog_after);
    bool open_loop = (header->flags & INTERVAL_OPEN_LOOP) != 0;
    uint64_t responses = open_loop ? counters[COUNTER_OK] : 0;
    if (differs(counted[HISTOGRAM_RESPONSE_OK], responses))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " response times kept of %" PRIu64
                       " ok replies",
                       header->first, counted[HISTOGRAM_RESPONSE_OK], responses);
    uint64_t delays = open_loop ? sent : 0;
    if (differs(counted[HISTOGRAM_SLIP], delays) || differs(counted[HISTOGRAM_WAIT], delays))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " slips and %" PRIu64
                       " waits kept of %" PRIu64 " requests sent",
                       header->first, counted[HISTOGRAM_SLIP], counted[HISTOGRAM_WAIT], delays);
    return OK;
}

/* least_more, most_more: as check_unanswered has them. */
static enum err_code check(const struct interval_header *header,
                           const uint64_t counters[COUNTER_COUNT],
                           const uint64_t errors_by_kind[ERROR_KINDS_MAX],
                           const uint64_t counted[HISTOGRAM_KINDS], uint64_t least_more,
                           uint64_t most_more, struct err *err)
{
    if ((header->flags & INTERVAL_DEGRADED) != 0)
        return OK;
    uint64_t counted_ok = counted[HISTOGRAM_SERVICE_OK];
    uint64_t counted_errors = counted[HISTOGRAM_SERVICE_ERROR];
    uint64_t sent = counters[COUNTER_SENT];
    uint64_t ok = counters[COUNTER_OK];
    uint64_t errors = counters[COUNTER_ERROR_REPLIES];
    uint64_t timed_out = counters[COUNTER_TIMED_OUT];
    uint64_t lost = counters_lost(counters);
    if (header->in_flight_before + sent != ok + errors + timed_out + lost + header->in_flight_after)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": in flight before %" PRIu64 " + sent %" PRIu64
                       " is not ok %" PRIu64 " + errors %" PRIu64 " + timed out %" PRIu64
                       " + lost %" PRIu64 " + in flight after %" PRIu64,
                       header->first, header->in_flight_before, sent, ok, errors, timed_out, lost,
                       header->in_flight_after);
    if (differs(counted_ok, ok))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " times kept of %" PRIu64 " ok replies",
                       header->first, counted_ok, ok);
    if (differs(counted_errors, errors))
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " times kept of %" PRIu64 " error replies",
                       header->first, counted_errors, errors);
    uint64_t kinds = 0;
    for (unsigned i = 0; i < ERROR_KINDS_MAX; i++)
        kinds += errors_by_kind[i];
    if (kinds != errors)
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": %" PRIu64 " errors by kind of %" PRIu64
                       " error replies",
                       header->first, kinds, errors);
    enum err_code code = check_schedule(header, counters, counted, err);
    return code != OK ? code
                      : check_unanswered(header, counters, counted, least_more, most_more, err);
}

/* Whoever answers is one of the nodes. */
static enum err_code check_nodes(const struct interval_header *header,
                                 const uint64_t counters[COUNTER_COUNT],
                                 const struct node_figures *nodes, uint32_t node_count,
                                 struct err *err)
{
    uint64_t ok = 0, errors = 0;
    if (node_count == 0 || (header->flags & INTERVAL_DEGRADED) != 0)
        return OK;
    for (uint32_t i = 0; i < node_count; i++) {
        ok += nodes[i].counters[NODE_OK];
        errors += nodes[i].counters[NODE_ERRORS];
    }
    if (ok != counters[COUNTER_OK] || errors != counters[COUNTER_ERROR_REPLIES])
        return err_set(err, E_UNTRUSTED,
                       "interval %" PRIu32 ": its nodes gave %" PRIu64 " ok replies of %" PRIu64
                       ", and %" PRIu64 " error replies of %" PRIu64,
                       header->first, ok, counters[COUNTER_OK], errors,
                       counters[COUNTER_ERROR_REPLIES]);
    return OK;
}

/* Every request is of one of the classes. */
static enum err_code check_classes(const struct interval_header *header,
                                   const uint64_t counters[COUNTER_COUNT],
                                   const struct class_figures *classes, uint32_t class_count,
                                   struct err *err)
{
    const uint64_t whole[CLASS_COUNTERS] = {
        [CLASS_SENT] = counters[COUNTER_SENT],
        [CLASS_OK] = counters[COUNTER_OK],
        [CLASS_ERRORS] = counters[COUNTER_ERROR_REPLIES],
        [CLASS_TIMED_OUT] = counters[COUNTER_TIMED_OUT],
        [CLASS_LOST] = counters_lost(counters) - counters[COUNTER_LOST_WORKER],
    };
    bool open_loop = (header->flags & INTERVAL_OPEN_LOOP) != 0;
    if (class_count == 0 || (header->flags & INTERVAL_DEGRADED) != 0)
        return OK;
    for (unsigned i = 0; i < CLASS_COUNTERS; i++) {
        uint64_t sum = 0;
        for (uint32_t k = 0; k < class_count; k++)
            sum += classes[k].counters[i];
        if (sum != whole[i])
            return err_set(err, E_UNTRUSTED,
                           "interval %" PRIu32 ": its classes have %" PRIu64
                           " of %s, all have %" PRIu64,
                           header->first, sum, class_counter_names[i], whole[i]);
    }
    for (uint32_t k = 0; k < class_count; k++) {
        uint64_t ok = classes[k].counters[CLASS_OK];
        if (coarse_count(&classes[k].times[CLASS_SERVICE]) != ok ||
            coarse_count(&classes[k].times[CLASS_RESPONSE]) != (open_loop ? ok : 0))
            return err_set(err, E_UNTRUSTED,
                           "interval %" PRIu32 ": class %" PRIu32
                           " has not as many times as ok, %" PRIu64,
                           header->first, k, ok);
    }
    return OK;
}

enum err_code interval_row_check(const struct interval_row *row, struct err *err)
{
    uint64_t counted[HISTOGRAM_KINDS];
    if (row->unknown[INTERVAL_UNKNOWN_COUNTERS] != 0)
        return OK;
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        counted[i] = interval_row_has(row, i) ? row->histograms[i].count : ABSENT;
    enum err_code code = check(&row->header, row->counters, row->errors_by_kind, counted, 0,
                               row->header.backlog_after, err);
    if (code == OK)
        code = check_nodes(&row->header, row->counters, row->nodes, row->node_count, err);
    return code != OK
               ? code
               : check_classes(&row->header, row->counters, row->classes, row->class_count, err);
}

enum err_code interval_check(const struct interval *interval, struct err *err)
{
    uint64_t counted[HISTOGRAM_KINDS];
    for (unsigned i = 0; i < HISTOGRAM_KINDS; i++)
        counted[i] = interval->histograms[i].count;
    const struct interval_header *header = &interval->header;
    bool last = (header->flags & INTERVAL_LAST) != 0;
    bool open_loop = (header->flags & INTERVAL_OPEN_LOOP) != 0;
    uint64_t unsent = last && open_loop ? header->backlog_after : 0;
    enum err_code code =
        check(header, interval->counters, interval->errors_by_kind, counted, unsent, unsent, err);
    if (code == OK)
        code = check_nodes(header, interval->counters, interval->nodes, interval->node_count, err);
    return code != OK ? code
                      : check_classes(header, interval->counters, interval->classes,
                                      interval->class_count, err);
}
