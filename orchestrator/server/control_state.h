/* What the parts of a control connection share. Private to control*.c. */
#ifndef ORCHESTRATOR_SERVER_CONTROL_STATE_H
#define ORCHESTRATOR_SERVER_CONTROL_STATE_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/server/control.h"
#include "orchestrator/server/talk.h"

#define CONTROL_QUESTION_BYTES 32u
#define CONTROL_CLOSING_MAX 16u /* more questions than are asked */

struct control {
    struct talk talk;    /* closed: none, or given up because a reply may be outstanding */
    bool closed_by_peer; /* instead of an answer to the last command         */
    char text[sizeof((struct target_address *)0)->text];
    const volatile int *interrupted;
    uint64_t answer_timeout_ns;
    char question[CONTROL_QUESTION_BYTES]; /* the command under way; "": none, yet  */
    uint64_t deadline_ns;   /* of the command under way                             */
    uint64_t limit_ns;      /* no deadline is later while a command is under way    */
    uint64_t round_trip_ns; /* the shortest one; 0: none, yet                     */
    bool unanswered;        /* the last command, for as long as an answer may take  */
    bool all_aside;         /* the load needs nothing of what is asked now          */
    bool late_aside; /* given up over such a question: the next one that the load needs opens it */

    struct target_address target; /* that has accepted */
    struct endpoint endpoint;     /* to log in again; the probe is the one that was answered */
    /* Questions on which the server closes: they are not asked again. */
    char closing[CONTROL_CLOSING_MAX][CONTROL_QUESTION_BYTES];
    uint32_t closing_count;
};

/* ---- control.c ---- */

void control_deadline_begin(struct control *control);
/* Closes the socket; the next command finds none. */
void control_give_up(struct control *control);
/* Waits so long. False: interrupted. */
bool control_pause(const struct control *control, uint64_t until_ns);
MUST_USE enum err_code control_interrupted_error(const struct control *control, struct err *err);
/* Connects to the first of the addresses that accepts, and which is left in control->target. */
MUST_USE enum err_code control_open(struct control *control, const struct target_address *addresses,
                                    uint32_t address_count, struct err *err);
/* One command, one reply (freeReplyObject), before control->deadline_ns. After a failure the
 * connection is closed: a late reply would be taken for that of the next command. */
MUST_USE enum err_code control_exchange(struct control *control, redisReply **reply, int argc,
                                        const char *const *argv, const size_t *lengths,
                                        struct err *err);

/* ---- control_greet.c ---- */

/* Opens the connection again and logs in, after the server has closed it. */
MUST_USE enum err_code control_reopen(struct control *control, struct err *err);

#endif
