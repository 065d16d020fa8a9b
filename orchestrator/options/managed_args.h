/* The value of --managed-args: further arguments of the servers that volley starts, as words. */
#ifndef ORCHESTRATOR_OPTIONS_MANAGED_ARGS_H
#define ORCHESTRATOR_OPTIONS_MANAGED_ARGS_H

#include <stdint.h>

#include "common/err.h"

#define MANAGED_ARGS_MAX 48u
#define MANAGED_ARGS_BYTES_MAX 4096u

struct managed_args {
    const char *words[MANAGED_ARGS_MAX]; /* into text */
    uint32_t count;                      /* 0 when a password is all there was */
    const char
        *password; /* behind --requirepass, which is in no word then; "": the servers shall have
                             none; NULL: nothing is said of it */
    char *text;    /* owned */
};

/* Cuts at blanks as a shell does, with '...', "..." and \ to quote. Nothing is ever expanded: no
 * variable, no command, no pattern. E_USAGE: a quote without its end, a control character, too many or
 * too long words, a first word that is no option, or an option that is volley's own to set. Errors begin
 * with "--managed-args". managed_args_free in any case. */
MUST_USE enum err_code managed_args_parse(struct managed_args *args, const char *text,
                                          struct err *err);
void managed_args_free(struct managed_args *args);

#endif
