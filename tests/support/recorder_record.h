/* What recorder_server.c saw, and what it says about the run that it served.
 *
 * The file holds a struct recorder_header and then request_count times a struct recorder_request, in
 * the order in which the requests came; all of it as it lies in memory. Stamps are readings of
 * CLOCK_MONOTONIC in nanoseconds, so those of other processes of the same machine compare with them. */
#ifndef TESTS_SUPPORT_RECORDER_RECORD_H
#define TESTS_SUPPORT_RECORDER_RECORD_H

#include <stdint.h>

#include "common/err.h"
#include "common/schedule.h"

#define RECORDER_MAGIC "volleyR1"
#define RECORDER_STALLS_MAX 16

/* From the moment when the server stopped reading and answering to the one when it went on. */
struct recorder_stall {
    uint64_t begin_ns, end_ns;
};

struct recorder_header {
    char magic[8]; /* RECORDER_MAGIC without its end */
    uint32_t request_bytes;
    uint32_t stall_count;
    struct recorder_stall stalls[RECORDER_STALLS_MAX];
    uint64_t service_ns;    /* fixed time of a request; 0: none                    */
    uint64_t unrecorded;    /* requests that found no room: the record is useless   */
    uint64_t request_count; /* that follow */
};

struct recorder_request {
    uint64_t ticket;     /* the twelve digits of its key                                     */
    uint64_t arrival_ns; /* when its last byte reached the server's socket                   */
    uint64_t reply_ns;   /* just before the write of its reply; 0: never answered             */
};

struct recorder_record {
    struct recorder_header header;
    struct recorder_request *requests;
};

/* Reads a file; free with recorder_record_free, also after a failure. E_FAILED when it is none, and when requests
 * are missing from it. */
MUST_USE enum err_code recorder_record_load(struct recorder_record *record, const char *path,
                                            struct err *err);
void recorder_record_free(struct recorder_record *record);

/* One more than the highest ticket; 0 when there is none. */
uint64_t recorder_record_ticket_end(const struct recorder_record *record);

/* The truth. Clients that send key:<ticket> (volley bench --sequential with a key for each ticket)
 * tell which request is which, so the schedule says when each of them was intended. */
struct recorder_load {
    const struct schedule *schedule;
    enum arrival arrival;
    uint64_t seed;
    uint32_t workers;
};

/* Intended times of tickets 0 .. count - 1, since the start of measuring. The caller frees. NULL: out
 * of memory. */
uint64_t *recorder_record_intended(const struct recorder_load *load, uint64_t count);

/* The clock reading of the start, which the server cannot know: the latest one at which no request
 * came before it was intended. Late by the least time that any request was under way, which is some
 * microseconds on an idle machine. intended_ns: of all tickets of the record. */
uint64_t recorder_record_start_ns(const struct recorder_record *record,
                                  const uint64_t *intended_ns);

#endif
