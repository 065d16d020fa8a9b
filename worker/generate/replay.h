/* What is sent again, as a worker sees it: those entries of the recorded file that are its connections'. They are
 * loaded into a ring some way ahead of their time, numbered from 0, and stay there until their replies are here.
 *
 * A number has three states: loaded, drawn (it has a slot, whose ticket it is), and given back. Memory is reserved
 * when the file is opened. Called by replaying.c; what the requests are the generator says. */
#ifndef WORKER_GENERATE_REPLAY_H
#define WORKER_GENERATE_REPLAY_H

#include "common/schedule.h"
#include "worker/generate/generator.h"
#include "worker/generate/replay_plan.h"

/* Its source. */
struct replay_source {
    const struct replay_plan *plan;
    uint32_t workers;
};
extern const struct generator replay_generator;
/* The same in a cluster, with gates: a client has one, which lets one of its requests through at a time, so that they keep their
 * order whatever nodes they go to. */
extern const struct generator replay_routed_generator;

struct replay; /* its state */

/* Entry g of the file is intended for the time of ticket g; where the plan has no speed. */
void replay_use_schedule(struct replay *replay, const struct schedule *schedule);

/* Whether a loaded entry can be drawn. If not: the file is at its end, or the ring is full. */
bool replay_has_next(struct replay *replay);
bool replay_is_over(const struct replay *replay);
/* When the next one is intended, since the start; SCHEDULE_NEVER: there is none, or it is not known yet. */
uint64_t replay_next_ns(const struct replay *replay);
/* Draws it. Returns its number. */
uint64_t replay_draw(struct replay *replay);

/* Loads what is intended for before at_ns, as far as there is room, and returns the first number that is not: what has found no
 * room is counted, by reading on in the file. For the edges of intervals. */
uint64_t replay_due(struct replay *replay, uint64_t at_ns);
/* When a loaded number is intended. */
uint64_t replay_time_ns(const struct replay *replay, uint64_t number);

/* The first number that is not loaded. */
uint64_t replay_loaded(const struct replay *replay);
/* Nothing will be drawn any more: passes over the next entry that is not loaded, if it is intended for before until_ns. */
bool replay_read_on(struct replay *replay, uint64_t until_ns, uint64_t *intended_ns);

/* Before anything is drawn: passes over so many entries, or those before at_ns. Returns the next number. */
uint64_t replay_pass(struct replay *replay, uint64_t count, uint64_t at_ns);

/* The oldest number that is drawn and not given back, and its connection. False: there is none. */
bool replay_oldest(const struct replay *replay, uint64_t *number, uint32_t *connection);
/* Its reply is here, or none will come. */
void replay_give_back(struct replay *replay);

/* ---- gates, in a cluster ---- */

uint32_t replay_gate_count(const struct replay *replay);
/* What waits at a gate, which is its user's. */
struct slot_list *replay_gate_list(struct replay *replay, uint32_t gate);
/* The slot goes through its client's gate, which is then closed until it is settled. False: it is closed, or others wait. */
bool replay_enter(struct replay *replay, const struct request_slot *slot);
/* The same of the first one that waited at a gate that has opened. */
void replay_close_gate(struct replay *replay, const struct request_slot *slot);
/* A gate that has opened since; false: none has. */
bool replay_opened(struct replay *replay, uint32_t *gate);
/* Whether a number that is drawn has been answered, or never will be. */
bool replay_is_settled(const struct replay *replay, uint64_t number);

/* Of a slot: the worker's connection that it belongs to, or gate, and its database. */
uint32_t replay_connection(const struct replay *replay, const struct request_slot *slot);
uint32_t replay_database(const struct replay *replay, const struct request_slot *slot);

/* Why the file could not be read to its end; OK: it could. */
const struct err *replay_error(const struct replay *replay);

#endif
