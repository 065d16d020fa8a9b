/* One stage of a run: the programs that make the load, one or several at once, are started, watched and waited for. */
#ifndef ORCHESTRATOR_SUITE_SUITE_LOAD_H
#define ORCHESTRATOR_SUITE_SUITE_LOAD_H

#include "orchestrator/suite/suite_servers.h"

struct suite_load {
    const char *const *argv;        /* NULL behind the last */
    const uint32_t *cpus;           /* pinned to these, which volley does itself */
    uint32_t cpu_count;             /* 0: not pinned */
    uint64_t limit_ns;              /* it is ended then, and has failed ...      */
    uint64_t stop_ns;               /* ... or then, and has not; 0: by itself    */
    int output_fd;                  /* what it prints */
    const char *const *environment; /* beside that of this process, as child.h has it */
};

/* SUITE_PARTS_MAX of them at most; stop_ns is the same for all. E_FAILED: one did not end well, or one of the servers ended by itself, with what was said last; E_INTERRUPTED: it was told to
 * end, and waited for, until a second interrupt at the most; E_SYSTEM: it cannot be started. Nothing of it runs any more in any case. */
MUST_USE enum err_code suite_load_run(const struct suite_load *loads, size_t count,
                                      struct suite_servers *servers,
                                      const volatile int *interrupted, struct err *err);

/* How long a stage may take: what the combination asks for, and room for slow servers. */
uint64_t suite_load_limit_ns(const struct suite_combination *combination);

/* What a tool prints with one argument: --help, --version; text is terminated. E_USAGE: it cannot be run, or says nothing in 5 s. */
MUST_USE enum err_code suite_load_ask(char *text, size_t text_bytes, const char *path,
                                      const char *argument, struct err *err);

#endif
