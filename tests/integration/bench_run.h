/* One `volley bench` under test: started with --json, and after its end everything is looked at that
 * must hold for every run: the exit status, the books in the JSON, and that no process is left. */
#ifndef TESTS_INTEGRATION_BENCH_RUN_H
#define TESTS_INTEGRATION_BENCH_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/check/fake_server.h"
#include "tests/support/check/run.h"
#include "tests/support/check/server.h"
#include "tests/support/check/temp_tree.h"

/* What a test may use; bench_tear_down ends and removes all of it. One test, one process. */
struct bench_world {
    struct test_server server;
    struct fake_server fake;
    struct temp_tree tree; /* also TMPDIR of what the test starts */
};
extern struct bench_world world;

/* Fixtures. What volley leaves behind becomes a child of the test, and is seen. */
void bench_set_up(void);
void bench_tear_down(void);

struct bench_run {
    struct program program;
    char json_path[192];
    json_t *json; /* NULL: none was written */
    json_t *run;  /* the last of its runs; borrowed */
};

/* `volley bench --json FILE arguments ...`, NULL behind the last. */
void bench_start(struct bench_run *bench, ...) __attribute__((sentinel));
/* The same through `sh -c "prelude; exec volley bench ..."`, for limits and a session of its own:
 * exec_word stands between "exec" and volley. */
void bench_start_shell(struct bench_run *bench, const char *prelude, const char *exec_word, ...)
    __attribute__((sentinel));
/* Waits for the end; exit status, books, and nothing left. */
void bench_end(struct bench_run *bench, int exit_status);
void bench_free(struct bench_run *bench);

/* Text must stand (or not) in what it printed on the stream. */
void bench_expect(const struct bench_run *bench, enum program_stream stream, const char *text);
void bench_expect_not(const struct bench_run *bench, enum program_stream stream, const char *text);

/* run.requests.sent and the like; 0 when there is no such key and group is "errors_by_kind". */
long long bench_count(const struct bench_run *bench, const char *group, const char *key);
double bench_number(const struct bench_run *bench, const char *group, const char *key);
bool bench_interrupted(const struct bench_run *bench);
/* Sum over the workers, and how many intervals are degraded. */
long long bench_restarts(const struct bench_run *bench);
size_t bench_degraded(const struct bench_run *bench);
/* Level of one check of the verdict; NULL: of the verdict itself. */
const char *bench_verdict(const struct bench_run *bench, const char *check);

/* Checks the books of a whole volley.run/1 document. */
void bench_check_books(const json_t *json);
/* No process of a run is left, after ms at most. */
void bench_nothing_left(unsigned ms);
/* Waits until the real server has seen so many calls of a command since it started. */
void bench_wait_calls(const char *command, long long calls);
/* Waits until it sees calls of a command again (or still). */
void bench_wait_flow(const char *command);
/* Whole file, terminated; fails the test when there is none. The caller frees. */
char *bench_read_file(const char *directory, const char *name);

#endif
