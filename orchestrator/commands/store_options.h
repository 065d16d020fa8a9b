/* Where the history is: options of push, track and history. */
#ifndef ORCHESTRATOR_COMMANDS_STORE_OPTIONS_H
#define ORCHESTRATOR_COMMANDS_STORE_OPTIONS_H

#include "orchestrator/options/option_group.h"
#include "orchestrator/options/options.h"
#include "orchestrator/suite/store.h"

struct store_options {
    const char *db, *host, *database, *username, *password;
    uint64_t port;
};

/* clang-format off: a row reads best as a few short lines */
/* Rows of a table whose target holds a struct store_options at this offset. */
#define STORE_ROWS(at_)                                                                            \
    {ROW("db", NULL, OPTION_TEXT, "DATABASE", (at_) + offsetof(struct store_options, db)),         \
     .section = "Database", .unset = STORE_FILE, .needs_trust = true,                              \
     .help = "A file of SQLite, or PostgreSQL as postgresql://USER@HOST:5432/NAME or "             \
             "service=NAME. Its password comes from PGPASSWORD, .pgpass or a service file."},      \
        {ROW("host", NULL, OPTION_TEXT, "HOST", (at_) + offsetof(struct store_options, host)),     \
         .section = "Database",                                                                    \
         .help = "PostgreSQL on this host, or in this directory with its socket."},                \
        {ROW("port", NULL, OPTION_COUNT, "PORT", (at_) + offsetof(struct store_options, port)),    \
         NUMBER(1, 65535), .unset = "5432", .section = "Database", .help = "With --host."},        \
        {ROW("database", NULL, OPTION_TEXT, "NAME",                                                \
             (at_) + offsetof(struct store_options, database)),                                    \
         .section = "Database", .help = "With --host."},                                           \
        {ROW("username", NULL, OPTION_TEXT, "NAME",                                                \
             (at_) + offsetof(struct store_options, username)),                                    \
         .section = "Database", .help = "With --host; without it the system's user."},             \
    {                                                                                              \
        ROW("password", NULL, OPTION_TEXT, "TEXT",                                                 \
            (at_) + offsetof(struct store_options, password)),                                     \
            .section = "Database", .secret = true,                                                 \
            .help =                                                                                \
                "With --host. Others may have read it before it is hidden: PGPASSWORD is safer."   \
    }
/* clang-format on */

/* E_USAGE: they do not go together. A password given here is told as the risk that it is. */
MUST_USE enum err_code store_options_address(struct store_address *address,
                                             const struct store_options *options,
                                             const struct option_values *values, struct err *err);

#endif
