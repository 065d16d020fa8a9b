/* Pictures by gnuplot, a program that is asked for what nobody should write again: it reads a script from a file without a name,
 * and draws into another, so that it learns of no path of ours. Called by commands, behind or before all loads. */
#ifndef ORCHESTRATOR_PAGE_GNUPLOT_H
#define ORCHESTRATOR_PAGE_GNUPLOT_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/err.h"
#include "orchestrator/report/output.h"

bool gnuplot_there(void);
/* E_SYSTEM, with how to get it: it is not in PATH. For options, before anything connects. */
MUST_USE enum err_code gnuplot_check(const char *option, struct err *err);

/* A file for a script, without a name; the caller closes. The script begins with a `set terminal` and `set output drawn`.
 * NULL: the system refuses one, and errno says why. */
FILE *gnuplot_script_open(void);
/* A text as a constant of a script, whatever it holds: gnuplot sees neither a command nor a format in it. Not for labels of
 * tics, which are formats. */
void gnuplot_text(FILE *script, const char *text);
/* Of the one that draws just now: it and all that it has started, for a handler that ends this process. 0: none does. */
extern volatile sig_atomic_t gnuplot_group;
/* Runs a script, within 15 s, and puts what it drew at this path. E_SYSTEM: gnuplot fails, and what it said; else as
 * output_create and output_commit. */
MUST_USE enum err_code gnuplot_draw(FILE *script, const char *path, enum output_naming naming,
                                    struct err *err);

#endif
