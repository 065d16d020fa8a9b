/* Where find-max, sweep, load-test and compare-modes put what they have found: one thing on standard output, and the files that
 * were asked for. All files are created before the load starts, and get their names at the end. */
#ifndef ORCHESTRATOR_COMMANDS_CAPACITY_FILES_H
#define ORCHESTRATOR_COMMANDS_CAPACITY_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"
#include "orchestrator/report/output.h"

struct capacity_files {
    struct output text;            /* standard output */
    bool text_on_stdout;           /* false: --json - or --csv - has it */
    struct output json[2], csv[2]; /* as asked, and in the directory of --out */
    struct output markdown[1];     /* in that directory */
    uint32_t json_count, csv_count, markdown_count;
};

/* What stands in the directory of --out beside <name>.json. */
enum capacity_file { CAPACITY_CSV = 1u << 0, CAPACITY_MARKDOWN = 1u << 1 };

/* --json, --csv (NULL: none), and with --out, whose directory is there, DIR/<name>.json, and of kinds .csv and .md.
 * E_USAGE: a file cannot be created, or both are to go to standard output. */
MUST_USE enum err_code capacity_files_open(struct capacity_files *files, const char *name,
                                           unsigned kinds, const struct spec *spec,
                                           const char *csv_path, struct err *err);
/* The first that could not be written, after all were tried. */
MUST_USE enum err_code capacity_files_commit(struct capacity_files *files, struct err *err);
/* Removes what was not committed. Safe on a zeroed struct. */
void capacity_files_discard(struct capacity_files *files);

#endif
