/* How the server of a scenario is told to a program that is called by hand: options, each with a blank before it, as a
 * shell takes them. No password is among them. For `volley run`, once the server has been reached. */
#ifndef ORCHESTRATOR_COMMANDS_SCENARIO_ADDRESS_H
#define ORCHESTRATOR_COMMANDS_SCENARIO_ADDRESS_H

#include "common/endpoint.h"
#include "common/transport.h"

#define SCENARIO_ADDRESS_BYTES 640u

/* Of valkey-cli, which takes one server: the node that was reached. What does not fit ends in "...". */
void scenario_address_of_cli(char text[SCENARIO_ADDRESS_BYTES], const struct endpoint *endpoint,
                             const struct target_address *target);
/* Of volley itself: the server as it was named. */
void scenario_address_of_volley(char text[SCENARIO_ADDRESS_BYTES], const struct endpoint *endpoint);

#endif
