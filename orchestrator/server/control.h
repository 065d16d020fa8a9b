/* The orchestrator's own connection to the target: finds out whether it answers, who it is, and
 * does small things (INFO, CONFIG GET). hiredis formats and parses; every wait has a deadline. Never used
 * by workers and never while requests are measured, except through server/environment. */
#ifndef ORCHESTRATOR_SERVER_CONTROL_H
#define ORCHESTRATOR_SERVER_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/endpoint.h"
#include "common/err.h"
#include "common/transport.h"
#include "orchestrator/server/resolve.h"

struct control;    /* owns a socket and a hiredis reader */
struct redisReply; /* hiredis */

/* Resolves host or socket path and connects within connection_timeout_ns, trying each address in
 * turn, and each host where there are several; authenticates, selects the database, and asks a question
 * that shows that it serves: endpoint->probe, or the next one (server_probe.h) where the server refuses it or
 * closes on it. While the server answers LOADING it waits, saying so once through log_line, up to wait_ready_ns. *interrupted (may be NULL) is looked
 * at in every wait, at least each 100 ms; when set: E_INTERRUPTED. It must live as long as the
 * control, and so must endpoint->tls_client. E_CONNECT: with host, port and cause, or the server's own words. *target gets the address
 * that answered. */
MUST_USE enum err_code control_connect(struct control **control, struct target_address *target,
                                       const struct endpoint *endpoint,
                                       const volatile int *interrupted, struct err *err);
/* The same to one server, whatever host and port the endpoint has, and to one address. */
MUST_USE enum err_code control_connect_host(struct control **control, struct target_address *target,
                                            const struct host_name *name,
                                            const struct endpoint *endpoint,
                                            const volatile int *interrupted, struct err *err);
MUST_USE enum err_code control_connect_to(struct control **control,
                                          const struct target_address *target,
                                          const struct endpoint *endpoint,
                                          const volatile int *interrupted, struct err *err);
void control_close(struct control *control);

/* For tls_version and the like. */
const struct wire *control_wire(const struct control *control);

/* The shortest time from a command to its reply since it was connected; 0: not known. */
uint64_t control_round_trip_ns(const struct control *control);
/* As it was given, for whoever works long on a reply. */
const volatile int *control_interrupted(const struct control *control);
/* The question that the server has answered. */
enum server_probe control_probe(const struct control *control);

/* The commands below wait at most for the longer one of connection and request time-out, and no
 * longer than to an interrupt; after one nothing is asked. After a failure the connection is closed, and
 * every command is E_CONNECT, or E_INTERRUPTED where that was the failure.
 *
 * A server that closes the connection instead of answering, and serves on a new one, has refused the
 * command: E_CONNECT, but the control goes on on the new one, and the same command is E_CONNECT at once
 * from then on. */
bool control_is_open(const struct control *control);

/* Any command. The reply, an error reply too, is the caller's (freeReplyObject); NULL after a failure.
 * The second form takes arguments that are not text, with their lengths. */
MUST_USE enum err_code control_command(struct control *control, struct redisReply **reply, int argc,
                                       const char *const *argv, struct err *err);
MUST_USE enum err_code control_command_bytes(struct control *control, struct redisReply **reply,
                                             int argc, const char *const *argv,
                                             const size_t *lengths, struct err *err);
/* Several at once: a command behind those that have no reply yet, and the next reply, in the time that one command
 * has. One reply for each command, before anything else is asked. */
MUST_USE enum err_code control_send(struct control *control, int argc, const char *const *argv,
                                    const size_t *lengths, struct err *err);
MUST_USE enum err_code control_take(struct control *control, struct redisReply **reply,
                                    struct err *err);
/* The same for what the load does not need. All that is asked so, of whatever server, takes CONTROL_ASIDE_NS
 * at most since control_aside_begin, which is warned of, as is one without an answer in the usual time; from then
 * on each is E_CONNECT. What the load needs is still answered: its next command opens the connection again. */
#define CONTROL_ASIDE_NS (5 * NS_PER_SECOND)
void control_aside_begin(void);
/* Whether one of them has had no answer in time, so that the next may fail without saying anything. */
bool control_aside_is_late(const struct control *control);
/* Whether all commands count as such from now on, whoever asks. */
void control_set_aside(struct control *control, bool all);
MUST_USE enum err_code control_command_aside(struct control *control, struct redisReply **reply,
                                             int argc, const char *const *argv, struct err *err);
/* What the server has said unasked (a published message), without waiting; NULL: nothing. */
MUST_USE enum err_code control_heard(struct control *control, struct redisReply **reply,
                                     struct err *err);

/* Whether the server knows HELLO, and with it RESP3, and does not refuse it. The connection itself stays
 * with RESP2. */
MUST_USE enum err_code control_knows_hello(struct control *control, bool *known, struct err *err);
/* These three are asked aside. CLIENT SETNAME. E_CONNECT: with the server's words, or it closes on that. */
MUST_USE enum err_code control_set_name(struct control *control, const char *name, struct err *err);
/* INFO of all sections as text, "field:value" lines; owned by the caller (free). */
MUST_USE enum err_code control_info(struct control *control, char **info, struct err *err);
/* Value of one CONFIG GET parameter; "" when the server refuses or does not know it. */
MUST_USE enum err_code control_config_get(struct control *control, const char *parameter,
                                          char *value, size_t value_bytes, struct err *err);
#endif
