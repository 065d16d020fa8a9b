/* Calls `volley bench` for a test and judges the JSON of the call by the identities of design.md
 * 4.6, recomputed here: whatever a test asks for, its numbers must add up. */
#ifndef TESTS_SUPPORT_RUN_JSON_H
#define TESTS_SUPPORT_RUN_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "tests/support/check/run.h"

struct bench_call {
    struct program program; /* has ended */
    json_t *root;           /* volley.run/1; NULL: volley wrote none            */
    char directory[64];     /* of this call, with out.json; the test may use it */
};

/* What a call needs besides its words. */
struct bench_setting {
    const char *program;     /* NULL: program_volley()                           */
    const char *port;        /* -p; NULL: nothing                                */
    const char *socket_path; /* -s                                               */
    const char *stdin_text;  /* NULL: /dev/null                                  */
    const char *last_word;   /* one more word, which may hold spaces             */
    const char *const *environment;
};

/* Runs "volley bench [-p PORT] --json FILE words", waits for its end and checks the JSON. Words are
 * separated by single spaces. The exit status is the test's to look at. */
void call_run(struct bench_call *call, const struct bench_setting *setting, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, and the exit status must be this. */
void call_expect(struct bench_call *call, int exit_status, const struct bench_setting *setting,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Without the end and the check: for a test that does something meanwhile. */
void call_start(struct bench_call *call, const struct bench_setting *setting, const char *format,
                ...) __attribute__((format(printf, 3, 4)));
void call_finish(struct bench_call *call);
void call_free(struct bench_call *call);

/* Run `index` of the session; run_json_number is a number at a path such as "requests.sent". */
json_t *run_json_at(const json_t *root, size_t index);
double run_json_number(const json_t *run, const char *path);
/* A number in a path is an index of an array. */
long long run_json_count(const struct bench_call *call, size_t index, const char *path);
/* Of what is left out when it did not happen. */
long long run_json_count_or_zero(const struct bench_call *call, size_t index, const char *path);

/* Every run of a session must add up. The document is also kept in the directory that VOLLEY_PRODUCED
 * names, if any, for test_validate_schema. */
void run_json_check(const json_t *root);
/* Keeps a document of another schema for test_validate_schema, in the directory of its kind: "find-max". */
void run_json_keep(const json_t *root, const char *kind);

#endif
