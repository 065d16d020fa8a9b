/* Part of --explain: how connections are made, what they say first and how long they last. */
#ifndef ORCHESTRATOR_COMMANDS_EXPLAIN_CONNECTIONS_H
#define ORCHESTRATOR_COMMANDS_EXPLAIN_CONNECTIONS_H

#include <stdio.h>

#include "common/spec.h"

/* Never prints the password. Nothing with the null transport. */
void explain_connections(FILE *out, const struct spec *spec);

#endif
