/* Several loads of one session, one after the other, and what came of all of them: the frame of sweep, load-test and compare-modes.
 * They say what each load is, read what it came to, and have a document, a page and tables of the whole. One thread. */
#ifndef ORCHESTRATOR_COMMANDS_LOAD_SERIES_H
#define ORCHESTRATOR_COMMANDS_LOAD_SERIES_H

#include <jansson.h>

#include "orchestrator/commands/capacity_files.h"
#include "orchestrator/commands/curve_outputs.h"
#include "orchestrator/commands/session.h"

/* What a command is, as callbacks get it: it begins with a struct load_series. */
struct load_series_kind {
    const char
        *command; /* "sweep": also of the session, and of the files in the directory of --out */
    const char *loads; /* "steps" */
    size_t bytes;      /* of the command's own struct, which is made zeroed */
    size_t request_at; /* where its request is in that, which begins with a struct bench_request */
    const struct option_table *(*table)(void);
    enum err_code (*parse)(void *command, int argc, const char *const *argv, struct err *err);
    /* How many loads there are, into series.planned, and what else is known now; nothing is prepared. */
    enum err_code (*plan)(void *command, struct err *err);
    /* What is refused without connecting, once there are steps; NULL: nothing. */
    enum err_code (*check)(void *command, struct err *err);
    /* Makes load `index` of the session's last step. What it points to stays until the load has ended. */
    void (*set_step)(void *command, uint32_t index, struct bench_step *step);
    /* Around all loads, once keys are filled; NULL: nothing. */
    enum err_code (*begin)(void *command, struct err *err);
    void (*end)(void *command);
    /* In front of a load, NULL: nothing; and what it came to, from the session's result. */
    void (*look)(void *command);
    void (*read)(void *command, uint32_t index, const struct bench_step *step);
    /* After the last one; how they ended is in the series. The session has ended. */
    enum err_code (*conclude)(void *command, struct err *err);
    /* What came of them: a new reference, NULL: no memory; what is printed; and CSV. NULL: there is none. run NULL: nothing ran. */
    json_t *(*document)(const void *command, const struct run_facts *run);
    void (*write_text)(struct output *out, const void *command);
    void (*write_csv)(struct output *out, const void *command);
    void (*write_markdown)(struct output *out, const void *command);
    const char *page_name; /* of a page in the directory of --out; NULL: none */
    /* Whether what came of them fails the command, where all went well; NULL: never. */
    enum err_code (*judge)(const void *command, struct err *err);
    void (*destroy)(void *command); /* what is the command's own; NULL: nothing */
};

struct load_series {
    const struct load_series_kind *kind;
    struct bench_request *request; /* the command's */
    const char *csv_path;          /* likewise; NULL: none was asked for */
    struct session session;
    bool as_markdown;        /* what is printed; the command's */
    uint32_t planned, count; /* loads; those that were run */
    bool interrupted;
    char error[ERR_TEXT_BYTES]; /* that ended them; "": none did */

    /* private */
    struct capacity_files files;
    struct curve_outputs pictures;
    enum err_code worst; /* status of the loads */
};

/* The command from beginning to end. Returns its exit status. */
int load_series_main(const struct load_series_kind *kind, int argc, const char *const *argv);

#endif
