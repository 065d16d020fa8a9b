/* Results in PostgreSQL, by libpq. Loaded by orchestrator/suite/store.c, through common/store_driver.h. What the server does is
 * waited for with poll(), so that one that has stopped costs a minute and no more. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/printable.h"
#include "common/store_driver.h"

#define COLUMNS_MAX 2000
#define STRINGS(value) #value
#define STRING(value) STRINGS(value)

struct connection {
    PGconn *database;
    char *text; /* of the statement that is prepared; NULL: none */
    const char *password;
};

/* Whatever the library says: never the password. */
static void say(const struct connection *connection, struct store_problem *problem,
                enum store_problem_kind kind, const char *text)
{
    char clean[STORE_PROBLEM_BYTES * 2];
    const char *password = connection != NULL ? connection->password : NULL;
    snprintf(clean, sizeof clean, "%s", text != NULL ? text : "no memory");
    for (char *at;
         password != NULL && password[0] != '\0' && (at = strstr(clean, password)) != NULL;) {
        const size_t bytes = strlen(password);
        memmove(at, at + bytes, strlen(at + bytes) + 1);
    }
    for (char *at = clean; *at != '\0'; at++)
        if (*at == '\n' || *at == '\t')
            *at = ' ';
    size_t end = strlen(clean);
    while (end > 0 && clean[end - 1] == ' ')
        clean[--end] = '\0';
    problem->kind = kind;
    snprintf(problem->text, sizeof problem->text, "%s", PRINTABLE(clean));
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* An address may hold a password. False: it is none that libpq reads, and what it says might have the password in it. */
static bool read_address(const char *address, char **password)
{
    char *complaint = NULL;
    PQconninfoOption *options = PQconninfoParse(address, &complaint);
    PQfreemem(complaint);
    for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
        if (strcmp(option->keyword, "password") == 0 && option->val != NULL)
            *password = strdup(option->val);
    PQconninfoFree(options);
    return options != NULL;
}

static bool is_address(const char *database)
{
    return database != NULL && (strncmp(database, "postgresql://", 13) == 0 ||
                                strncmp(database, "postgres://", 11) == 0);
}

static const char *own_settings[] = {
    "SET statement_timeout = '" STRING(STORE_STATEMENT_SECONDS) "s'",
    "SET lock_timeout = '" STRING(STORE_WAIT_SECONDS) "s'",
    "SET client_min_messages = warning",
    "SET timezone = 'UTC'",
    "SET standard_conforming_strings = on",
};

static bool run(void *opened, const char *text, const char *const *values, size_t value_count,
                store_row *row, void *row_state, uint64_t *changed_count,
                struct store_problem *problem);

static void hear_nothing(void *state, const char *message)
{
    (void)state;
    (void)message;
}

static bool connect_to(struct connection *connection, const struct store_address *address,
                       struct store_problem *problem)
{
    char port[8];
    snprintf(port, sizeof port, "%u", address->port);
    const char *const names[] = {"dbname",
                                 "host",
                                 "port",
                                 "user",
                                 "password",
                                 "connect_timeout",
                                 "application_name",
                                 "client_encoding",
                                 "tcp_user_timeout",
                                 NULL};
    const char *const values[] = {address->database,
                                  address->host,
                                  address->port > 0 ? port : NULL,
                                  address->user,
                                  address->password,
                                  STRING(STORE_WAIT_SECONDS),
                                  "volley",
                                  "UTF8",
                                  "30000",
                                  NULL};
    connection->database = PQconnectdbParams(names, values, 1);
    if (connection->database == NULL || PQstatus(connection->database) != CONNECTION_OK) {
        say(connection, problem, STORE_PROBLEM_CONNECT, PQerrorMessage(connection->database));
        return false;
    }
    PQsetNoticeProcessor(connection->database, hear_nothing, NULL);
    if (PQsetnonblocking(connection->database, 1) != 0) {
        say(connection, problem, STORE_PROBLEM_CONNECT, PQerrorMessage(connection->database));
        return false;
    }
    bool ready = true;
    for (size_t i = 0; i < sizeof own_settings / sizeof own_settings[0] && ready; i++)
        ready = run(connection, own_settings[i], NULL, 0, NULL, NULL, NULL, problem);
    if (ready && address->read_only)
        ready = run(connection, "SET default_transaction_read_only = on", NULL, 0, NULL, NULL, NULL,
                    problem);
    return ready;
}

static bool open_connection(void **opened, const struct store_address *address,
                            struct store_problem *problem)
{
    struct connection *connection = calloc(1, sizeof *connection);
    *opened = connection;
    if (connection == NULL) {
        say(NULL, problem, STORE_PROBLEM_REFUSED, NULL);
        return false;
    }
    char *password = NULL;
    if (is_address(address->database) && !read_address(address->database, &password)) {
        say(NULL, problem, STORE_PROBLEM_ADDRESS,
            "it is no address as postgresql://user@host:5432/database");
        return false;
    }
    connection->password = address->password != NULL ? address->password : password;
    const bool connected = connect_to(connection, address, problem);
    connection->password = NULL;
    if (password != NULL)
        explicit_bzero(password, strlen(password));
    free(password);
    return connected;
}

static void close_connection(void *closed)
{
    struct connection *connection = closed;
    if (connection == NULL)
        return;
    PQfinish(connection->database);
    free(connection->text);
    free(connection);
}

/* Until the socket can be read (or written, while something is left to send). False: the limit has passed. */
static bool wait_for(PGconn *database, bool to_send, uint64_t limit_ms)
{
    struct pollfd socket = {.fd = PQsocket(database),
                            .events = (short)(POLLIN | (to_send ? POLLOUT : 0))};
    for (;;) {
        const uint64_t now = now_ms();
        if (now >= limit_ms)
            return false;
        const int ready = poll(&socket, 1, (int)(limit_ms - now));
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

/* The results of what was sent; NULL: the last one has come, or the time is over, or the connection. */
static PGresult *next_result(PGconn *database, uint64_t limit_ms, bool *late)
{
    *late = false;
    for (int left; (left = PQflush(database)) != 0;)
        if (left < 0 || !wait_for(database, true, limit_ms) || !PQconsumeInput(database)) {
            *late = now_ms() >= limit_ms;
            return NULL;
        }
    while (PQisBusy(database))
        if (!wait_for(database, false, limit_ms) || !PQconsumeInput(database)) {
            *late = now_ms() >= limit_ms;
            return NULL;
        }
    return PQgetResult(database);
}

static enum store_problem_kind kind_of(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == NULL)
        return STORE_PROBLEM_CONNECT;
    if (strncmp(state, "55P03", 5) == 0 || strncmp(state, "57014", 5) == 0 ||
        strncmp(state, "40", 2) == 0)
        return STORE_PROBLEM_BUSY; /* a lock, a statement that was ended, two that wait for each other */
    if (strncmp(state, "22", 2) == 0 || strncmp(state, "42804", 5) == 0)
        return STORE_PROBLEM_VALUE;
    if (strncmp(state, "57P", 3) == 0 || strncmp(state, "08", 2) == 0)
        return STORE_PROBLEM_CONNECT;
    return STORE_PROBLEM_REFUSED;
}

static void hand_out(const PGresult *result, store_row *row, void *row_state)
{
    const char *columns[COLUMNS_MAX];
    const int count = PQnfields(result) < COLUMNS_MAX ? PQnfields(result) : COLUMNS_MAX;
    for (int i = 0; i < PQntuples(result); i++) {
        for (int k = 0; k < count; k++) {
            columns[k] = PQgetisnull(result, i, k) ? NULL : PQgetvalue(result, i, k);
            if (columns[k] != NULL && PQftype(result, k) == 16 /* BOOLOID of pg_type.dat */)
                columns[k] = columns[k][0] == 't' ? "1" : "0";
        }
        if (!row(row_state, columns, (size_t)count))
            return;
    }
}

/* All results of what was sent last; the first complaint counts. */
static bool take_results(struct connection *connection, store_row *row, void *row_state,
                         uint64_t *changed_count, struct store_problem *problem)
{
    const uint64_t limit_ms = now_ms() + STORE_STATEMENT_SECONDS * 1000ull + 5000;
    bool late = false, done = true;
    for (PGresult *result; (result = next_result(connection->database, limit_ms, &late)) != NULL;
         PQclear(result)) {
        const ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_TUPLES_OK && row != NULL && done)
            hand_out(result, row, row_state);
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
            if (changed_count != NULL)
                *changed_count = strtoull(PQcmdTuples(result), NULL, 10);
            continue;
        }
        const char *told = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        if (done)
            say(connection, problem, kind_of(result),
                told != NULL ? told : PQresultErrorMessage(result));
        done = false;
    }
    if (late)
        say(connection, problem, STORE_PROBLEM_CONNECT, "it does not answer any more");
    else if (done && PQstatus(connection->database) != CONNECTION_OK)
        say(connection, problem, STORE_PROBLEM_CONNECT, PQerrorMessage(connection->database));
    return done && !late && PQstatus(connection->database) == CONNECTION_OK;
}

static bool prepare(struct connection *connection, const char *text, struct store_problem *problem)
{
    if (connection->text != NULL && strcmp(connection->text, text) == 0)
        return true;
    free(connection->text);
    connection->text = NULL;
    /* the unnamed statement: the next one takes its place */
    if (!PQsendPrepare(connection->database, "", text, 0, NULL)) {
        say(connection, problem, STORE_PROBLEM_CONNECT, PQerrorMessage(connection->database));
        return false;
    }
    if (!take_results(connection, NULL, NULL, NULL, problem))
        return false;
    connection->text = strdup(text);
    return true;
}

static bool run(void *opened, const char *text, const char *const *values, size_t value_count,
                store_row *row, void *row_state, uint64_t *changed_count,
                struct store_problem *problem)
{
    struct connection *connection = opened;
    if (changed_count != NULL)
        *changed_count = 0;
    if (!prepare(connection, text, problem))
        return false;
    if (!PQsendQueryPrepared(connection->database, "", (int)value_count, values, NULL, NULL, 0)) {
        say(connection, problem, STORE_PROBLEM_CONNECT, PQerrorMessage(connection->database));
        return false;
    }
    return take_results(connection, row, row_state, changed_count, problem);
}

__attribute__((visibility("default"))) extern const struct store_driver volley_store_driver;

const struct store_driver volley_store_driver = {
    .abi = STORE_DRIVER_ABI,
    .name = "PostgreSQL",
    .id_type = "SERIAL PRIMARY KEY",
    .now = "NOW()",
    .columns_query = "SELECT column_name, CASE "
                     "WHEN character_maximum_length IS NOT NULL "
                     "THEN data_type || '(' || character_maximum_length || ')' "
                     "WHEN data_type = 'numeric' AND numeric_precision IS NOT NULL "
                     "THEN 'numeric(' || numeric_precision || ',' || numeric_scale || ')' "
                     "ELSE data_type END "
                     "FROM information_schema.columns "
                     "WHERE table_schema = current_schema() AND table_name = $1 "
                     "ORDER BY ordinal_position",
    /* "volley" in ASCII: whoever pushes waits for who pushed before */
    .begin_writing = {"BEGIN", "SELECT pg_advisory_xact_lock(130220932490617)", NULL},
    .keeps_types = true,
    .open = open_connection,
    .close = close_connection,
    .run = run,
};
