#include "orchestrator/commands/store_options.h"

#include "common/log.h"

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
        return OK;
    }
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
