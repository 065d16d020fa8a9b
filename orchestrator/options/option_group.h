/* Options in groups. A group is a list of rows for a struct of its own, and may stand in any command: the
 * table of a command is made of groups, each with the place of its struct in the command's target, and has of
 * them the rows that the command takes. The words that rows are written in stand here, too. */
#ifndef ORCHESTRATOR_OPTIONS_OPTION_GROUP_H
#define ORCHESTRATOR_OPTIONS_OPTION_GROUP_H

#include "orchestrator/options/options.h"

/* Commands that take options of bench, for option_row.commands; OF_LOADS: those that put load on a
 * server. */
enum option_command {
    OF_BENCH = 1,
    OF_FIND_MAX = 2,
    OF_SWEEP = 4,
    OF_REPORT = 8,
    OF_VERIFY = 16,
    OF_RECORD = 32,
    OF_MODEL = 64,
    OF_RUN = 128,
    OF_MONITOR = 256,
    OF_LOAD_TEST = 512,
    OF_MODES = 1024, /* compare-modes */
    OF_OPTIMIZE = 2048
};
#define OF_LOADS (OF_BENCH | OF_FIND_MAX | OF_SWEEP | OF_LOAD_TEST | OF_MODES | OF_OPTIMIZE)
#define OF_FINDS (OF_LOADS | OF_VERIFY | OF_MODEL | OF_RUN) /* all servers that share the data */
#define OF_SPEAKS (OF_FINDS | OF_RECORD | OF_MONITOR)       /* to a server */

struct option_group {
    const struct option_row *rows; /* offsets count from the group's struct */
    size_t row_count;
    const char *section; /* of those of its rows that do not say otherwise; may be NULL    */
    unsigned commands;   /* that take those of its rows that do not say otherwise; 0: all */
};

/* A group in a command's target. */
struct option_use {
    const struct option_group *group;
    size_t offset; /* of the group's struct */
};

/* What a row says otherwise in one command. */
struct option_change {
    const char *name;  /* of a row of the table (assert)          */
    const char *unset; /* another default, "": none; NULL: the row's own */
    const char *help;  /* other words for it; NULL: the row's own */
};

#define OPTION_TABLE_ROWS_MAX 200

/* Adds the rows of a group to a table whose rows are `rows`, each behind the last one of its section. command:
 * one bit. */
void option_table_add(struct option_table *table, struct option_row rows[OPTION_TABLE_ROWS_MAX],
                      unsigned command, const struct option_use *use);
void option_table_change(const struct option_table *table,
                         struct option_row rows[OPTION_TABLE_ROWS_MAX],
                         const struct option_change *changes, size_t change_count);

/* clang-format off: lists */
#define GROUP(section_, commands_, rows_)                                                          \
    {                                                                                              \
        .rows = rows_, .row_count = sizeof rows_ / sizeof rows_[0], .section = section_,           \
        .commands = commands_                                                                      \
    }
#define TABLE_ROWS(rows_) .rows = rows_, .row_count = sizeof rows_ / sizeof rows_[0]
#define ROW(name_, shorts_, kind_, argument_, at_)                                                 \
    .name = name_, .shorts = shorts_, .kind = kind_, .argument = argument_, .offset = at_
#define NUMBER(min_, max_) .min = min_, .max = max_
#define REAL(least_, most_) .least = least_, .most = most_
#define BARE(unit_ns_, min_, max_) .bare_unit_ns = unit_ns_, .min = min_, .max = max_
#define NOT_YET(name_)                                                                             \
    {                                                                                              \
        .name = name_, .kind = OPTION_NOT_YET                                                      \
    }
/* What every table of a command ends with. */
#define HELP_ROW(at_)                                                                              \
    {                                                                                              \
        ROW("help", NULL, OPTION_FLAG, NULL, at_), .command_line_only = true, .section = "Other",  \
                                                   .help = "This text."                            \
    }
#define ELSEWHERE(name_, shorts_, help_)                                                           \
    {                                                                                              \
        .name = name_, .shorts = shorts_, .kind = OPTION_ELSEWHERE, .help = help_                  \
    }
/* clang-format on */

#endif
