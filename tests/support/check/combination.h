/* A cluster with TLS that asks for a client certificate and a user, and runs of `volley bench` on it.
 * Whatever a run does, its books must be those of the servers. One cluster per test. */
#ifndef TESTS_SUPPORT_CHECK_COMBINATION_H
#define TESTS_SUPPORT_CHECK_COMBINATION_H

#include <stdint.h>

#include "tests/support/check/certificates.h"
#include "tests/support/check/cluster.h"
#include "tests/support/check/run_json.h"
#include "tests/support/check/temp_tree.h"

struct combination {
    struct test_cluster servers;
    struct temp_tree tree; /* the test may use it */
    struct test_certificates certificates;
    char port[8];    /* of servers.nodes[0], as volley sees it             */
    char words[512]; /* what else volley needs to reach them, blank behind */
    struct bench_call call;
};
extern struct combination combination;

void combination_set_up(uint32_t primaries, uint32_t replicas);
void combination_tear_down(void);

/* `volley bench`, the words for the servers, and these. Frees the call before. */
void combination_start(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Waits for the end of combination_start. */
void combination_end(int exit_status);
void combination_run(int exit_status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Ctrl+C, and the end. */
void combination_interrupt(void);

/* What the running servers have counted, together, and their counting from zero again. */
long long combination_calls(const char *command);
void combination_forget(void);
/* Waits until they have counted so many more; fails after 30 s. */
void combination_await(const char *command, long long more);

/* Of the run `index`: a count, 0 when it is left out; every request answered well; and the servers have
 * executed this command as often as volley was answered. */
long long combination_count(size_t index, const char *path);
void combination_expect_no_harm(size_t index);
void combination_expect_same(size_t index, const char *command);

/* A whole file; the caller frees. */
char *combination_read(const char *path);

/* The worker that was forked last; kills it with SIGKILL. */
void combination_kill_worker(void);

#endif
