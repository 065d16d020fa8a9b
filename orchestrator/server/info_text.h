/* What the text of INFO says, field by field. Pure functions; any text is safe. */
#ifndef ORCHESTRATOR_SERVER_INFO_TEXT_H
#define ORCHESTRATOR_SERVER_INFO_TEXT_H

#include <stdbool.h>

#include "orchestrator/report/note.h"

/* Role, replicas and lag, out of the section "replication", as far as it has them. */
void info_text_replication(struct note *note, const char *info);
/* CPU time of the server's process since its start, out of the section "cpu". */
bool info_text_cpu_seconds(double *seconds, const char *info);
/* The sum of fields that are numbers from 0 on, with a fraction or not; NULL in place of the second: there is none. */
bool info_text_number(double *sum, const char *info, const char *const fields[2]);

#endif
