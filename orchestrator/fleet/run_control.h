/* The control socket of a session (--control): a listening Unix socket on the session's event loop. Each
 * line that a client sends is a command (control_line.h) and gets one line back.
 *
 * The socket lives as long as the session. Between runs only a status and a stop are possible, and are
 * answered here. Nothing a client does can stop a run, but for {"stop": true}: there are limits for lines,
 * clients, unread answers and idle time, and what breaks one is answered, or closed. Orchestrator only;
 * workers close what they inherit. */
#ifndef ORCHESTRATOR_FLEET_RUN_CONTROL_H
#define ORCHESTRATOR_FLEET_RUN_CONTROL_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>

#include "common/err.h"
#include "orchestrator/fleet/control_line.h"
#include "orchestrator/report/timeline.h"

#define RUN_CONTROL_CLIENTS_MAX 16u
#define RUN_CONTROL_IDLE_SECONDS 300    /* a client that sends nothing for so long is closed  */
#define RUN_CONTROL_WRITE_SECONDS 10    /* one that reads nothing for so long is closed       */
#define RUN_CONTROL_UNREAD_BYTES 65536u /* no more commands are read before it reads answers */

struct run_control; /* owns sockets and the file at its path */

/* Carries a command out; *members as in steering_apply. */
struct run_control_handler {
    enum err_code (*handle)(void *state, json_t **members, const struct control_command *command,
                            struct err *err);
    void *state;
};

/* Listens at path, mode 0600; the base outlives it. NULL: nowhere, and commands come by run_control_command alone. E_USAGE:
 * somebody listens there already, something else stands there, or it cannot be made. The socket file of a process that
 * is gone is replaced. */
MUST_USE enum err_code run_control_open(struct run_control **control, struct event_base *base,
                                        const char *path, struct err *err);
/* Disconnects everybody and removes the file, if it is still this one's. NULL is fine. */
void run_control_close(struct run_control *control);

/* Between these two, commands go to the handler of a run. */
void run_control_attach(struct run_control *control, struct run_control_handler handler);
void run_control_detach(struct run_control *control); /* safe when not attached */

/* Carries a command out that came another way, in this process: from the live page or a terminal. *members (released by the
 * caller, also after an error) stand in the answer beside "ok". E_DATA: refused, with a sentence for whoever asked. */
MUST_USE enum err_code run_control_command(struct run_control *control, json_t **members,
                                           const struct control_command *command, struct err *err);

/* Whether a client has asked for the end of the session. */
bool run_control_stop_asked(const struct run_control *control);
/* And where it was asked for, when it was. */
enum note_by run_control_stop_by(const struct run_control *control);

/* A listener that keeps the name of the run, and the rate of its newest row. Its state stays the control's. */
struct sink run_control_sink(struct run_control *control);
/* Successful requests per second of the run's newest row, below 0 when there is none. */
double run_control_achieved(const struct run_control *control);

#endif
