/* Managed servers under test, asked over connections of the test's own. Whatever goes wrong here fails
 * the test. */
#ifndef TESTS_SUPPORT_CHECK_MANAGED_H
#define TESTS_SUPPORT_CHECK_MANAGED_H

#include <stdbool.h>
#include <stdint.h>

#include "orchestrator/server/cluster_nodes.h"
#include "orchestrator/server/managed_cluster.h"

#define MANAGED_TEXT_BYTES 4096

/* Starts primaries (0: no cluster) and replicas, not pinned, with a password. */
void managed_start(struct managed_cluster *cluster, uint64_t primaries, uint64_t replicas);

/* What a node answers to one command of words separated by blanks, cut: text, a number, or the words
 * of an error. Returns text. */
char *managed_say(char text[MANAGED_TEXT_BYTES], const struct managed_cluster *cluster,
                  uint32_t node, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Fails the test unless the answer contains the text. */
void managed_expect(const struct managed_cluster *cluster, uint32_t node, const char *command,
                    const char *part);
/* Waits up to 30 s until it does. */
void managed_await(const struct managed_cluster *cluster, uint32_t node, const char *command,
                   const char *part);
long long managed_integer(const struct managed_cluster *cluster, uint32_t node,
                          const char *command);

/* The node `seen` as node `by` sees it; false: it does not know it. */
bool managed_seen(struct cluster_node *seen, const struct managed_cluster *cluster, uint32_t by,
                  uint32_t node);
/* SET key value on the primary that serves the key's slot, as node 0 sees it; returns its number. */
uint32_t managed_set(const struct managed_cluster *cluster, const char *key, const char *value);

#endif
