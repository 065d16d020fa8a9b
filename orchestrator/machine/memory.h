/* How much memory this host has left. Called by the session, before something large is written to a server on it. */
#ifndef ORCHESTRATOR_MACHINE_MEMORY_H
#define ORCHESTRATOR_MACHINE_MEMORY_H

#include <stdint.h>

/* Bytes that the kernel can give without taking them from anybody. Files are read below root ("" in production).
 * UINT64_MAX: it does not tell. */
uint64_t memory_available(const char *root);

#endif
