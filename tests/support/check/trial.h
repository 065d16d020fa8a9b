/* One `volley bench` under test: started with --json, and after its end everything is looked at that
 * must hold for every run: the exit status, the books in the JSON, and that no process is left. */
#ifndef TESTS_SUPPORT_TRIAL_H
#define TESTS_SUPPORT_TRIAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/check/fake_server.h"
#include "tests/support/check/run.h"
#include "tests/support/check/server.h"
#include "tests/support/check/temp_tree.h"

/* What a test may use; trial_tear_down ends and removes all of it. One test, one process. */
struct trial_world {
    struct test_server server;
    struct fake_server fake;
    struct temp_tree tree; /* also TMPDIR of what the test starts */
};
extern struct trial_world world;

/* Fixtures. What volley leaves behind becomes a child of the test, and is seen. */
void trial_set_up(void);
void trial_tear_down(void);

struct trial {
    struct program program;
    char json_path[192];
    json_t *json; /* NULL: none was written */
    json_t *run;  /* the last of its runs; borrowed */
};

/* `volley bench --json FILE arguments ...`, NULL behind the last. */
void trial_start(struct trial *trial, ...) __attribute__((sentinel));
/* The same of a line, cut at blanks; its word "@" is this one, whatever is in it. */
void trial_start_line(struct trial *trial, const char *line, const char *word);
/* The same through `sh -c "prelude; exec volley bench ..."`, for limits and a session of its own:
 * exec_word stands between "exec" and volley. */
void trial_start_shell(struct trial *trial, const char *prelude, const char *exec_word, ...)
    __attribute__((sentinel));
/* A real server, and the load of the file's macro LOAD under way. */
#define trial_start_load(trial, ...)                                                               \
    do {                                                                                           \
        test_server_start(&world.server, NULL);                                                    \
        trial_start(trial, LOAD, __VA_ARGS__, NULL);                                               \
        trial_wait_calls("get", 500);                                                              \
    } while (0)
/* Waits for the end; exit status, books, and nothing left. */
void trial_end(struct trial *trial, int exit_status);
void trial_free(struct trial *trial);

/* Text must stand (or not) in what it printed on the stream. */
void trial_expect(const struct trial *trial, enum program_stream stream, const char *text);
void trial_expect_not(const struct trial *trial, enum program_stream stream, const char *text);

/* run.requests.sent and the like; 0 when there is no such key and group is "errors_by_kind". */
long long trial_count(const struct trial *trial, const char *group, const char *key);
double trial_number(const struct trial *trial, const char *group, const char *key);
bool trial_interrupted(const struct trial *trial);
/* Sum over the workers, and how many intervals are degraded. */
long long trial_restarts(const struct trial *trial);
size_t trial_degraded(const struct trial *trial);
/* Level of one check of the verdict; NULL: of the verdict itself. */
const char *trial_verdict(const struct trial *trial, const char *check);

/* Checks what must hold even when a worker died or the end is missing: every request that was in
 * flight or sent is somewhere, and no latency has wrapped. trial_end also calls run_json_check. */
void trial_check_books(const json_t *json);
/* No process of a run is left, after ms at most. */
void trial_nothing_left(unsigned ms);
/* Waits until the real server has seen so many calls of a command since it started. */
void trial_wait_calls(const char *command, long long calls);
/* Waits until it sees calls of a command again (or still). */
void trial_wait_flow(const char *command);
/* Whole file, terminated; fails the test when there is none. The caller frees. */
char *trial_read_file(const char *directory, const char *name);

#endif
