#include "orchestrator/options/credentials.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "orchestrator/options/arguments.h"
#include "orchestrator/options/relation.h"

/* Out of sight -------------------------------------------------------------------------------- */

/* Bytes from..to of a text become "***", or fewer; what is behind them moves up, and the rest of the text
 * is zeroed: its length would tell something, too. */
static void shorten(char *from, char *to)
{
    char *end = to + strlen(to);
    size_t stars = (size_t)(to - from) < 3 ? (size_t)(to - from) : 3;
    memset(from, '*', stars);
    memmove(from + stars, to, (size_t)(end - to));
    char *new_end = from + stars + (end - to);
    memset(new_end, 0, (size_t)(end - new_end));
}

static void hide_uri(char *value)
{
    char *scheme = strstr(value, "://");
    char *at = scheme != NULL ? memrchr(scheme + 3, '@', strcspn(scheme + 3, "/?#")) : NULL;
    if (at != NULL)
        shorten(scheme + 3, at);
    else if (scheme == NULL)
        shorten(value, value + strlen(value));
}

/* A file's path stays. Whatever else names a database may have a password at several places. */
static void hide_database(char *value)
{
    if (strstr(value, "://") != NULL || strchr(value, '=') != NULL)
        shorten(value, value + strlen(value));
}

/* One that was given where a plain address belongs is refused, and in the process list until then. */
static void hide_value(char *value, const struct option_row *row)
{
    bool is_address = strcmp(row->name, "host") == 0 || strcmp(row->name, "sentinel") == 0;
    if (strcmp(row->name, "uri") == 0)
        hide_uri(value);
    else if (strcmp(row->name, "db") == 0 || strcmp(row->name, "database") == 0)
        hide_database(value);
    else if (row->secret || (is_address && uri_holds_login(value)))
        shorten(value, value + strlen(value));
}

void credentials_hide_arguments(const struct option_table *table, int argc, const char *const *argv)
{
    struct arguments arguments;
    struct err ignored = {.code = OK};
    enum err_code cut = arguments_cut(&arguments, table, argc, argv, &ignored);
    (void)cut; /* what is in front of a mistake is hidden all the same */
    for (size_t i = 0; i < arguments.count; i++) {
        const struct argument *argument = &arguments.items[i];
        hide_value((char *)(uintptr_t)argument->value, &table->rows[argument->row]);
    }
    arguments_free(&arguments);
}

char *credentials_take_variable(void)
{
    char *value = getenv(CREDENTIALS_VARIABLE);
    if (value == NULL)
        return NULL;
    char *copy = value[0] != '\0' ? secret_copy(value) : NULL;
    secret_wipe(value); /* /proc/PID/environ shows these very bytes */
    unsetenv(CREDENTIALS_VARIABLE);
    return copy;
}

/* Where it comes from ------------------------------------------------------------------------- */

/* A password in the URI counts as one of --password by now. */
static enum err_code choose_one(struct bench_request *request, struct err *err)
{
    static const char why[] = "each gives the password, as one in the URI does";
    relation_exclude(request, "password", "password-fd askpass", why, err);
    relation_exclude(request, "password-fd", "askpass", why, err);
    return err->code;
}

static enum err_code keep(struct bench_request *request, char *password, struct err *err)
{
    secret_free(request->login.secret);
    request->login.secret = secret_copy(password);
    secret_wipe(password);
    request->spec.endpoint.password = request->login.secret;
    return request->login.secret != NULL
               ? OK
               : err_set(err, E_SYSTEM, "reading the options: out of memory");
}

static enum err_code obtain(struct bench_request *request, char *variable, struct err *err)
{
    char password[CREDENTIALS_PASSWORD_BYTES] = "";
    struct spec *spec = &request->spec;
    const char *from = NULL;
    enum err_code code = OK;
    if (relation_given(request, "password-fd")) {
        from = "password-fd";
        code = credentials_read_fd(password, (int)request->login.password_fd, err);
    } else if (request->login.ask_password) {
        from = "askpass";
        code = credentials_ask(password, spec->endpoint.user, err);
    }
    if (from != NULL) {
        if (code == OK)
            code = keep(request, password, err);
        if (code == OK)
            options_derive(&request->values, "password", from, "***");
        return code;
    }
    if (spec->endpoint.password != NULL || variable == NULL || spec->managed.wanted ||
        spec->load.null_transport || request->dialect != NULL) /* another tool does not know it */
        return OK;
    options_from_environment(&request->values, "password", CREDENTIALS_VARIABLE);
    return keep(request, variable, err);
}

enum err_code credentials_settle(struct bench_request *request, struct err *err)
{
    const struct spec *spec = &request->spec;
    char *variable = credentials_take_variable();
    enum err_code code = choose_one(request, err);
    if (code == OK)
        code = obtain(request, variable, err);
    secret_free(variable);
    if (code == OK && spec->endpoint.user != NULL && spec->endpoint.password == NULL)
        return err_set(err, E_USAGE,
                       "--user %.80s needs a password: -a PASSWORD, --askpass, --password-fd N or "
                       "the environment variable %s",
                       spec->endpoint.user, CREDENTIALS_VARIABLE);
    return code;
}
