#include "orchestrator/suite/store.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/printable.h"
#include "orchestrator/machine/program_path.h"
#include "orchestrator/suite/store_schema.h"
#include "orchestrator/suite/store_sqlite.h"

/* ---- the driver ---- */

/* The folder of the program has it when built, the other one when installed. */
static const char *const module_places[] = {".", "../lib/volley"};

static enum err_code load_postgres(struct store *store, struct err *err)
{
    /* Stays until the process ends: libpq and what it brings leave functions behind for that. */
    static void *library;
    char path[PATH_MAX];
    if (!program_path_beside(path, sizeof path, module_places,
                             sizeof module_places / sizeof module_places[0], "volley-postgres.so"))
        return err_set(
            err, E_SYSTEM,
            "%s: PostgreSQL needs the module volley-postgres.so, which is not there: install "
            "libpq-dev (`make deps ALL=1`) and build volley again",
            store->shown);
    if (library == NULL)
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct store_driver *driver =
        library != NULL ? dlsym(library, STORE_DRIVER_SYMBOL) : NULL;
    if (driver == NULL)
        return err_set(err, E_SYSTEM, "%s cannot be loaded: %s", PRINTABLE(path),
                       PRINTABLE(dlerror()));
    if (driver->abi != STORE_DRIVER_ABI)
        return err_set(err, E_SYSTEM, "%s is of another volley: build both together",
                       PRINTABLE(path));
    store->driver = driver;
    return OK;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return text != NULL && strncmp(text, prefix, strlen(prefix)) == 0;
}

bool store_is_postgres(const struct store_address *address)
{
    return address->host != NULL || has_prefix(address->database, "postgresql://") ||
           has_prefix(address->database, "postgres://") ||
           has_prefix(address->database, "service=");
}

/* Without what may be a password: user and password stand in front of an address's last '@', and behind a '?' may be more. */
static void show(struct store *store, const struct store_address *address)
{
    const char *database = address->database != NULL ? address->database : "";
    if (!store_is_postgres(address)) {
        snprintf(store->shown, sizeof store->shown, "%s", database);
    } else if (address->host != NULL) {
        snprintf(store->shown, sizeof store->shown, "PostgreSQL at %s, database %s", address->host,
                 database[0] != '\0' ? database : "of the user's name");
    } else {
        const char *at = strrchr(database, '@'); /* a password may hold any other sign */
        const char *behind = at != NULL ? at + 1 : database;
        snprintf(store->shown, sizeof store->shown, "PostgreSQL at %.*s", (int)strcspn(behind, "?"),
                 behind);
    }
    printable_line(store->shown);
}

static enum err_code refuse(const struct store *store, const char *doing,
                            const struct store_problem *problem, struct err *err)
{
    switch (problem->kind) {
    case STORE_PROBLEM_ADDRESS:
        return err_set(err, E_USAGE, "%s: %s", store->shown, problem->text);
    case STORE_PROBLEM_CONNECT:
        return err_set(err, E_CONNECT, "%s: %s: %s", store->shown, doing, problem->text);
    case STORE_PROBLEM_BUSY:
        return err_set(err, E_CONNECT,
                       "%s: %s: another process holds it: %s; try again when that has ended",
                       store->shown, doing, problem->text);
    case STORE_PROBLEM_VALUE:
        return err_set(err, E_DATA, "%s: %s: %s", store->shown, doing, problem->text);
    case STORE_PROBLEM_NONE:
    case STORE_PROBLEM_REFUSED:
        break;
    }
    return err_set(err, E_SYSTEM, "%s: %s: %s", store->shown, doing, problem->text);
}

/* A file that is not there cannot be read, and a folder of its own is made for one that is to be written. */
static enum err_code look_at_file(const struct store *store, const struct store_address *address,
                                  struct err *err)
{
    struct stat about;
    if (stat(address->database, &about) == 0)
        return S_ISREG(about.st_mode) ? OK
                                      : err_set(err, E_USAGE, "--db %s: is no file", store->shown);
    if (errno != ENOENT)
        return err_set_errno(err, E_USAGE, errno, "--db %s", store->shown);
    if (address->read_only)
        return err_set(
            err, E_USAGE,
            "%s: there is no such file: nothing has been kept in it yet (volley push, volley "
            "track mark)",
            store->shown);
    const char *slash = strrchr(address->database, '/');
    char folder[PATH_MAX];
    if (slash == NULL)
        return OK;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - address->database), address->database);
    if (slash > address->database && mkdir(folder, 0777) != 0 && errno != EEXIST)
        return err_set_errno(err, E_USAGE, errno, "--db %s: its folder cannot be made",
                             store->shown);
    return OK;
}

enum err_code store_open(struct store *store, const struct store_address *address, struct err *err)
{
    *store = (struct store){.driver = &store_sqlite};
    show(store, address);
    enum err_code code =
        store_is_postgres(address) ? load_postgres(store, err) : look_at_file(store, address, err);
    if (code != OK)
        return code;
    struct store_problem problem = {.kind = STORE_PROBLEM_NONE};
    if (!store->driver->open(&store->connection, address, &problem))
        return refuse(store, "it cannot be opened", &problem, err);
    return address->read_only ? store_schema_check(store, err) : store_schema_make(store, err);
}

void store_close(struct store *store)
{
    store_undo(store);
    if (store->driver != NULL && store->connection != NULL)
        store->driver->close(store->connection);
    *store = (struct store){0};
}

/* ---- statements ---- */

enum err_code store_run(struct store *store, const char *doing, const char *statement,
                        const char *const *values, size_t value_count, store_row *row,
                        void *row_state, uint64_t *changed_count, struct err *err)
{
    struct store_problem problem = {.kind = STORE_PROBLEM_NONE};
    return store->driver->run(store->connection, statement, values, value_count, row, row_state,
                              changed_count, &problem)
               ? OK
               : refuse(store, doing, &problem, err);
}

enum err_code store_begin(struct store *store, struct err *err)
{
    enum err_code code = OK;
    store->writing = true;
    for (size_t i = 0; store->driver->begin_writing[i] != NULL && code == OK; i++)
        code = store_run(store, "it cannot be written to", store->driver->begin_writing[i], NULL, 0,
                         NULL, NULL, NULL, err);
    if (code != OK)
        store_undo(store);
    return code;
}

enum err_code store_commit(struct store *store, struct err *err)
{
    const enum err_code code =
        store_run(store, "it cannot be written to", "COMMIT", NULL, 0, NULL, NULL, NULL, err);
    if (code != OK)
        store_undo(store);
    store->writing = false;
    return code;
}

void store_undo(struct store *store)
{
    struct store_problem ignored = {.kind = STORE_PROBLEM_NONE};
    if (store->writing)
        (void)store->driver->run(store->connection, "ROLLBACK", NULL, 0, NULL, NULL, NULL,
                                 &ignored);
    store->writing = false;
}

bool store_quote(char quoted[STORE_QUOTED_BYTES], const char *name)
{
    size_t at = 0;
    if (name[0] == '\0' || strlen(name) >= STORE_NAME_BYTES)
        return false;
    quoted[at++] = '"';
    for (; *name != '\0'; name++) {
        if (*name == '"')
            quoted[at++] = '"';
        quoted[at++] = *name;
    }
    quoted[at++] = '"';
    quoted[at] = '\0';
    return true;
}

/* ---- columns ---- */

static const struct {
    const char *name; /* as a table is made with it; of SQLite in lower case, too */
    const char *of_postgres;
} types[] = {
    [STORE_NOTHING] = {"TEXT", ""},
    [STORE_BOOLEAN] = {"BOOLEAN", "boolean"},
    [STORE_INTEGER] = {"INTEGER", "integer"},
    [STORE_BIGINT] = {"BIGINT", "bigint"},
    [STORE_DECIMAL] = {"DECIMAL(15,6)", "numeric("},
    [STORE_NUMERIC] = {"NUMERIC", "numeric"},
    [STORE_TEXT] = {"TEXT", "text"},
    [STORE_TIME] = {"TIMESTAMPTZ", "timestamp"},
    [STORE_JSON] = {"JSONB", "json"},
};
#define TYPES (sizeof types / sizeof types[0])

char *store_kind_name(char text[STORE_KIND_BYTES], struct store_kind kind)
{
    if (kind.type == STORE_TEXT && kind.most > 0)
        snprintf(text, STORE_KIND_BYTES, "VARCHAR(%u)", kind.most);
    else
        snprintf(text, STORE_KIND_BYTES, "%s", types[kind.type].name);
    return text;
}

/* The nearest of ours: a table that others made may have VARCHAR(40), or DECIMAL(12,2). */
static struct store_kind kind_of(const char *declared)
{
    const char *bracket = strchr(declared, '(');
    if (has_prefix(declared, "varchar") || has_prefix(declared, "character"))
        return (struct store_kind){STORE_TEXT,
                                   bracket != NULL ? (unsigned)strtoul(bracket + 1, NULL, 10) : 0};
    if (has_prefix(declared, "double") || has_prefix(declared, "real") ||
        has_prefix(declared, "decimal"))
        return (struct store_kind){.type = STORE_DECIMAL};
    for (size_t i = STORE_BOOLEAN; i < TYPES; i++)
        if (strcasecmp(declared, types[i].name) == 0 || has_prefix(declared, types[i].of_postgres))
            return (struct store_kind){.type = (enum store_type)i};
    return (struct store_kind){.type = STORE_TEXT};
}

static bool take_column(void *state, const char *const *columns, size_t column_count)
{
    struct store_columns *taken = state;
    struct store_column *items =
        reallocarray(taken->items, taken->count + 1, sizeof taken->items[0]);
    if (items == NULL || column_count < 2)
        return false;
    taken->items = items;
    struct store_column *column = &items[taken->count++];
    *column = (struct store_column){.kind = kind_of(columns[1] != NULL ? columns[1] : "")};
    snprintf(column->name, sizeof column->name, "%s", columns[0] != NULL ? columns[0] : "");
    snprintf(column->declared, sizeof column->declared, "%s", columns[1] != NULL ? columns[1] : "");
    return true;
}

enum err_code store_columns_read(struct store_columns *columns, struct store *store,
                                 const char *table, struct err *err)
{
    *columns = (struct store_columns){0};
    return store_run(store, "its columns cannot be read", store->driver->columns_query,
                     (const char *const[]){table}, 1, take_column, columns, NULL, err);
}

const struct store_column *store_columns_find(const struct store_columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcmp(columns->items[i].name, name) == 0)
            return &columns->items[i];
    return NULL;
}

void store_columns_free(struct store_columns *columns)
{
    free(columns->items);
    *columns = (struct store_columns){0};
}

/* ---- values ---- */

/* "+02:00", "-0330", "Z"; "": of no zone, which is taken as UTC. */
static bool read_zone(long *seconds, const char *text)
{
    unsigned hours = 0, minutes = 0;
    int end = 0;
    *seconds = 0;
    if (text[0] == '\0' || strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    if (text[0] != '+' && text[0] != '-')
        return false;
    if (sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &end) != 2 &&
        sscanf(text + 1, "%2u%2u%n", &hours, &minutes, &end) != 2 &&
        sscanf(text + 1, "%2u%n", &hours, &end) != 1)
        return false;
    *seconds = (long)(hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
    return text[1 + end] == '\0' && hours <= 18 && minutes < 60;
}

bool store_time(char utc[STORE_TIME_BYTES], const char *text)
{
    struct tm parts = {0};
    long zone_seconds = 0;
    const char *rest = strptime(text, "%Y-%m-%d", &parts);
    if (rest == NULL)
        return false;
    if (*rest == 'T' || *rest == ' ') {
        rest = strptime(rest + 1, "%H:%M:%S", &parts);
        if (rest == NULL)
            return false;
        if (*rest == '.')
            rest += 1 + strspn(rest + 1, "0123456789");
    }
    struct tm same = parts;
    const time_t local = timegm(&same); /* which makes March of the 31st of February */
    if (!read_zone(&zone_seconds, rest) || same.tm_mday != parts.tm_mday ||
        same.tm_hour != parts.tm_hour || same.tm_sec != parts.tm_sec)
        return false;
    const time_t moment = local - zone_seconds;
    return gmtime_r(&moment, &parts) != NULL && parts.tm_year + 1900 >= 1 &&
           parts.tm_year + 1900 <= 9999 &&
           strftime(utc, STORE_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts) > 0;
}

bool store_hash_text(char hash[STORE_HASH_BYTES], const char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned bytes = 0;
    hash[0] = '\0';
    if (EVP_Digest(text, strlen(text), digest, &bytes, EVP_sha256(), NULL) == 1 &&
        bytes * 2 < STORE_HASH_BYTES)
        for (unsigned i = 0; i < bytes; i++)
            snprintf(hash + 2 * (size_t)i, 3, "%02x", digest[i]);
    return hash[0] != '\0';
}

bool store_hash(char hash[STORE_HASH_BYTES], const json_t *value, size_t number)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY), *all = NULL;
    hash[0] = '\0';
    if (text != NULL && asprintf(&all, "%s\n%zu", text, number) < 0)
        all = NULL;
    const bool done = all != NULL && store_hash_text(hash, all);
    free(text);
    free(all);
    return done;
}
