/* The books of a worker: what has happened, kept by interval, and the record of it that goes to the ring. Knows
 * nobody who writes in them. */
#ifndef WORKER_RECORDER_H
#define WORKER_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/interval.h"
#include "worker/slot_list.h"

struct stream;

/* Of the process, as last counted. What comes next is counted by whichever of its streams looks first: of CPU
 * time only the sum over streams means something. */
struct process_cpu {
    uint64_t user_ns, system_ns, run_delay_ns;
    uint64_t counted_ns; /* then; 0: not yet */
    int schedstat_fd;    /* -1: the kernel does not tell */
};

struct recorder {
    /* Interval under way: counters are differences of the live totals. */
    struct interval *interval;
    uint64_t published[COUNTER_COUNT];
    unsigned char *wire; /* INTERVAL_RECORD_MAX_BYTES */
    /* The last record of the warm-up while it waits for room: it must not be merged with what is
     * measured. As long as wire; NULL without a warm-up. */
    unsigned char *held;
    uint32_t held_bytes; /* 0: none waits */

    uint64_t alive_ns; /* clock reading of the newest tick: the worker was not standing still */
    /* When the worker stood still, in clock readings: in the record under way, and the newest time. A signal
     * may end a wait before that looks, so what came meanwhile is read in that turn or in the next one. */
    struct own_stops own_stops;
    struct own_stop still;
    uint32_t woken_turns; /* that are left of these two */
};

/* The process's CPU time: where it begins at the common start, and its counters. */
void recorder_start_cpu(struct stream *stream, uint64_t now_ns);
void recorder_count_cpu(struct stream *stream);
/* Pushes the record under way, ended at end_ns since the start, and before it one that is held. When the ring
 * has no room it returns false, and leaves the record's encoded_bytes in recorder.wire. */
bool recorder_publish(struct stream *stream, uint64_t end_ns, uint32_t *encoded_bytes);
/* Sets the record aside that recorder_publish has encoded: the warm-up's last, so there is only one. */
void recorder_hold(struct stream *stream, uint32_t encoded_bytes);
/* Whether the loop has stood still until now. */
void recorder_look_for_stop(struct stream *stream, uint64_t now_ns);
/* Counts the part of the newest stop that lies between from_ns and the end of the interval under way. */
void recorder_count_still(struct stream *stream, uint64_t from_ns);
/* A record begins at this clock reading. */
void recorder_begin_stops(struct stream *stream, uint64_t begin_ns);

/* A request that was sent will get no reply: keeps how long it has waited by now_ns, or by the end of the
 * load, if that was earlier. Called with the counting of its fate. */
void recorder_unanswered(struct stream *stream, const struct request_slot *slot, uint64_t now_ns);
/* The same of so many tickets that were due at since_ns or before, and never will be sent. */
void recorder_unsent(struct stream *stream, uint64_t tickets, uint64_t since_ns, uint64_t now_ns);
/* The worker's number for the first word of an error reply; a new word takes the next one. */
uint32_t recorder_error_kind(struct stream *stream, const char *text, size_t text_bytes);
/* Keeps what the server said that was no answer to a request, before a connection ended or instead of
 * taking one: an error kind of its own, which nothing counts. */
void recorder_closing_words(struct stream *stream, const char *text, size_t text_bytes);
/* Keeps what a cluster said instead of answering a request. */
void recorder_refusal(struct stream *stream, const char *text, size_t text_bytes, uint64_t now_ns);
/* Counts a request that failed with an error of this kind, once its last reply is here. */
void recorder_error_reply(struct stream *stream, uint32_t kind);
/* Counts an answer without an error for the class of its request, with its times; nothing with one class. */
void recorder_class_ok(struct stream *stream, const struct request_slot *slot, uint64_t done_ns);
/* The same of so many requests of a closed loop that were sent and answered together. */
void recorder_class_ok_alike(struct stream *stream, uint32_t class, uint64_t service_ns,
                             uint32_t count);
/* The same for a part of it; there is one. */
void recorder_part_ok(struct stream *stream, uint32_t part, const struct request_slot *slot,
                      uint64_t done_ns);
/* Counts messages of a request for the consumers that its class feeds: as expected, or as unsure. */
void recorder_fed(struct stream *stream, const struct request_slot *slot,
                  enum class_counter counter);
/* To be called when requests have been counted as failed: with --max-errors of them in all workers this one sends
 * nothing any more. */
void recorder_heed_failures(struct stream *stream, uint64_t now_ns);

#endif
