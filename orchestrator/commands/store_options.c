#include "orchestrator/commands/store_options.h"

#include <string.h>

#include "common/log.h"

/* What is no file, and no address that is understood, may hold a password: it is refused, and not repeated. */
static enum err_code check_database(const char *database, bool is_name, struct err *err)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    const bool service = strncmp(database, "service=", 8) == 0;
    const bool address =
        strncmp(database, "postgresql://", 13) == 0 || strncmp(database, "postgres://", 11) == 0;
    if (is_name)
        return strstr(database, "://") == NULL && strchr(database, '=') == NULL
                   ? OK
                   : err_set(err, E_USAGE,
                             "--database: the name of a database is expected; an "
                             "address stands behind --db");
    if (service && (database[8] == '\0' || database[8 + strspn(database + 8, letters)] != '\0'))
        return err_set(err, E_USAGE, "--db service=NAME: the name of a service alone is expected");
    if (!service && !address &&
        (strstr(database, "://") != NULL || strchr(database, '=') != NULL ||
         strncmp(database, "file:", 5) == 0 || database[0] == ':' || database[0] == '\0'))
        return err_set(err, E_USAGE,
                       "--db: the path of a file, postgresql://USER@HOST:PORT/NAME "
                       "or service=NAME is expected");
    return OK;
}

enum err_code store_options_address(struct store_address *address,
                                    const struct store_options *options,
                                    const struct option_values *values, struct err *err)
{
    static const char *const of_host[] = {"port", "database", "username", "password"};
    *address = (struct store_address){.database = options->db};
    if (options->host == NULL) {
        for (size_t i = 0; i < sizeof of_host / sizeof of_host[0]; i++)
            if (options_given(values, of_host[i]))
                return err_set(err, E_USAGE, "--%s says more of PostgreSQL: --host is missing",
                               of_host[i]);
        return check_database(options->db, false, err);
    }
    if (options->database != NULL && check_database(options->database, true, err) != OK)
        return err->code;
    if (options_given(values, "db"))
        return err_set(err, E_USAGE, "--host and --db both say where the database is: give one");
    *address = (struct store_address){.host = options->host,
                                      .port = (uint16_t)options->port,
                                      .database = options->database,
                                      .user = options->username,
                                      .password = options->password};
    if (options->password != NULL)
        log_line(LOG_WARNING, "--password was to be read in the list of processes until now; "
                              "PGPASSWORD or ~/.pgpass keep it out of there");
    return OK;
}
