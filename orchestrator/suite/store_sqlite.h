/* Results in a file of SQLite. For store.c alone. */
#ifndef ORCHESTRATOR_SUITE_STORE_SQLITE_H
#define ORCHESTRATOR_SUITE_STORE_SQLITE_H

#include "common/store_driver.h"

extern const struct store_driver store_sqlite;

#endif
