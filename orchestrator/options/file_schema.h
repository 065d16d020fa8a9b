/* JSON Schema of files that people write, from the tables that read them: for editors, and for who makes such files.
 * What is valid by it is read; of what is read it leaves out some ways to write it (words in capitals, "yes" for
 * true). Called by `volley docs`. */
#ifndef ORCHESTRATOR_OPTIONS_FILE_SCHEMA_H
#define ORCHESTRATOR_OPTIONS_FILE_SCHEMA_H

#include <jansson.h>

#include "orchestrator/options/file_reader.h"

/* A new reference; NULL: no memory. */
json_t *file_schema(const struct file_kind *kind);
/* Of a map whose keys are the options of a table. */
json_t *file_schema_of_options(const struct file_kind *kind, const struct option_table *table);

#endif
