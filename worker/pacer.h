/* Open loop: which tickets are due. The schedule itself is common/schedule.c.
 *
 * A ticket that is due and finds no connection with a free slot is not kept anywhere: it stays the stream's
 * next one, and goes out as soon as a slot frees. A backlog of any length costs no memory. */
#ifndef WORKER_PACER_H
#define WORKER_PACER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/interval.h"
#include "common/schedule.h"
#include "worker/slot_list.h"

struct stream;

/* All zero in a closed loop. */
struct pacer {
    struct arrivals draw; /* the next ticket to be sent                                    */
    struct arrivals due;  /* the same stream, as far as it has been counted                */
    struct schedule *warmup_schedule; /* constant; NULL without a warm-up                  */
    bool measuring;           /* the streams are those of the run, no longer of the warm-up    */
    uint64_t origin_ns;       /* clock reading of the streams' time 0                          */
    uint64_t next_ns;         /* clock reading at which `draw` is due; UINT64_MAX: never       */
    uint64_t last_ns;         /* the intended time of the ticket drawn last                    */
    uint64_t due_warmup;      /* due in the warm-up, once it is over                           */
    bool starved;             /* a ticket is due and no connection can take it ...             */
    enum counter starved_for; /* ... blocked or unconnected ...                            */
    uint64_t starved_ns;      /* ... counted up to this clock reading                          */
};

/* Before anything is connected. */
enum err_code pacer_create(struct stream *stream, struct err *err);
void pacer_destroy(struct pacer *pacer);
/* From the common start, or the end of the warm-up, on: tickets come from this stream. */
void pacer_begin_warmup(struct stream *stream);
void pacer_begin_measuring(struct stream *stream);
/* A replacement's first act: what fell due while nobody was there is shed. */
void pacer_shed_missed(struct stream *stream, uint64_t now_ns);
/* Where users say what is due: requests may have their fate. */
void pacer_look(struct stream *stream, uint64_t now_ns);
/* Takes over segments that were added to the schedule. */
void pacer_refresh(struct stream *stream);
/* Brings the counters of what is due, shed and starved up to at_ns, an edge. end_of_warmup: what is
 * left of the warm-up is shed. */
void pacer_settle(struct stream *stream, uint64_t at_ns, bool end_of_warmup);
/* The load is over: what of a replay was due before until_ns and never read counts as due, and as never sent. */
void pacer_count_unread(struct stream *stream, uint64_t until_ns);
/* The next ticket, if it is due. */
bool pacer_draw(struct stream *stream, uint64_t now_ns, struct request_slot *slot);
/* Drops what is late by --shed-after. */
void pacer_shed_late(struct stream *stream, uint64_t now_ns);
/* Why a ticket that is due is not sent, over time: evidence for "target not reached". To be called when what
 * is due has been sent as far as possible. */
void pacer_note_starved(struct stream *stream, uint64_t now_ns);

#endif
