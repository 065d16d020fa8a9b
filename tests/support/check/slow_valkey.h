/* Valkey 9.1 in a git repository with two commits: as it is, tagged "base", and with a slowdown that was planted, tagged "slow". Each
 * command costs the server about 0.4 us more: 5 to 10 % of GET and SET one at a time, a third of them in pipelines of
 * ten. Made once, with the programs, in the cache folder of the tests' servers, from the source that
 * configs/get-server.sh fetches. Fails the running test when it cannot be made. */
#ifndef TESTS_SUPPORT_CHECK_SLOW_VALKEY_H
#define TESTS_SUPPORT_CHECK_SLOW_VALKEY_H

#include <stdbool.h>

#include "orchestrator/server/source_build.h"

/* Whether tests that build a real server are to be run: a build takes about 40 s of two CPUs, once; VOLLEY_BUILDS=1, as
 * tests/test-servers.sh sets it. */
bool slow_valkey_wanted(void);

/* The path of the repository. It lives as long as the process. */
const char *slow_valkey_repository(void);

/* What XDG_CACHE_HOME has to be for a volley that is to find its programs there. After slow_valkey_repository. */
const char *slow_valkey_cache_home(void);

/* How its commits are built quickly, the server alone, and where the programs are kept for the next tests. */
struct source_wish slow_valkey_wish(void);

#endif
