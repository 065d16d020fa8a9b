#include "orchestrator/server/source_login.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/secret.h"

#define PART_BYTES 512u
#define HELPER                                                                                     \
    "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' \"$VOLLEY_GIT_USER\" "      \
    "\"$VOLLEY_GIT_PASSWORD\"; }; f"

/* In memory that no core dump holds. */
struct source_login {
    char user_entry[PART_BYTES + 32], password_entry[PART_BYTES + 32];
    const char *environment[3];
    char raw[2][PART_BYTES]; /* as they stand in the address: user and password, or what is both */
    char none[PART_BYTES + 64], helper[PART_BYTES + sizeof HELPER + 64]; /* settings of git */
    bool useful;
};

#define USER_NAME "VOLLEY_GIT_USER="
#define PASSWORD_NAME "VOLLEY_GIT_PASSWORD="

static int hex_digit(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

/* %40 and the like become what they mean. False: a control character. */
static bool decode(char *text)
{
    char *out = text;
    for (const char *at = text; *at != '\0'; at++) {
        char c = *at;
        if (c == '%' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
            c = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
            at += 2;
        }
        if ((unsigned char)c < ' ' || c == 0x7F)
            return false;
        *out++ = c;
    }
    *out = '\0';
    return true;
}

/* user: what stands before the host, without its end. */
static bool fill(struct source_login *login, const char *user, size_t bytes)
{
    const char *colon = memchr(user, ':', bytes);
    const size_t user_bytes = colon != NULL ? (size_t)(colon - user) : bytes;
    const size_t password_bytes = colon != NULL ? bytes - user_bytes - 1 : 0;
    if (user_bytes >= PART_BYTES || password_bytes >= PART_BYTES)
        return false;
    memcpy(login->raw[0], user, user_bytes);
    if (colon != NULL)
        memcpy(login->raw[1], colon + 1, password_bytes);
    snprintf(login->user_entry, sizeof login->user_entry, USER_NAME "%s", login->raw[0]);
    snprintf(login->password_entry, sizeof login->password_entry, PASSWORD_NAME "%s",
             login->raw[1]);
    login->environment[0] = login->user_entry;
    login->environment[1] = login->password_entry;
    return decode(login->user_entry + strlen(USER_NAME)) &&
           decode(login->password_entry + strlen(PASSWORD_NAME));
}

static bool is_web(const char *address)
{
    return strncasecmp(address, "http://", 7) == 0 || strncasecmp(address, "https://", 8) == 0;
}

enum err_code source_login_take(struct source_login **login, char *bare, size_t bare_bytes,
                                const char *address, struct err *err)
{
    *login = NULL;
    for (const char *at = address; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7F)
            return err_set(err, E_USAGE, "the repository's address has a control character");
    if (strlen(address) >= bare_bytes)
        return err_set(err, E_USAGE, "the repository's address is longer than %zu bytes",
                       bare_bytes - 1);
    memcpy(bare, address, strlen(address) + 1);
    const char *scheme_end = strstr(address, "://");
    if (scheme_end == NULL)
        return OK;
    const char *user = scheme_end + 3, *host = user;
    const char *authority_end = user + strcspn(user, "/?#");
    for (const char *at = user; at < authority_end; at++)
        if (*at == '@')
            host = at + 1;
    if (host == user)
        return OK;
    *login = secret_alloc(sizeof **login);
    if (*login == NULL)
        return err_set(err, E_SYSTEM, "no memory for the address of the repository");
    (*login)->useful = is_web(address);
    if (!fill(*login, user, (size_t)(host - user) - 1) || authority_end - host >= (int)PART_BYTES)
        return err_set(err, E_USAGE,
                       "the user or the password in the repository's address is too long, or has "
                       "a control character");
    const char *kept_user = (*login)->useful ? "" : (*login)->raw[0];
    snprintf(bare, bare_bytes, "%.*s%s%s%s", (int)(user - address), address, kept_user,
             kept_user[0] != '\0' ? "@" : "", host);
    snprintf((*login)->none, sizeof(*login)->none,
             "credential.%.*s%.*s.helper=", (int)(user - address), address,
             (int)(authority_end - host), host);
    snprintf((*login)->helper, sizeof(*login)->helper, "%s%s", (*login)->none, HELPER);
    return OK;
}

void source_login_use(const struct source_login *login, struct source_tool *tool)
{
    if (login == NULL)
        return;
    /* Of web addresses a user alone is a token. */
    tool->secrets[0] = login->raw[1];
    tool->secrets[1] = login->password_entry + strlen(PASSWORD_NAME);
    if (!login->useful)
        return;
    tool->environment = login->environment;
    if (login->raw[1][0] == '\0') {
        tool->secrets[2] = login->raw[0];
        tool->secrets[3] = login->user_entry + strlen(USER_NAME);
    }
    source_tool_add(tool, "-c", login->none, "-c", login->helper, NULL);
}

void source_login_free(struct source_login *login)
{
    secret_free(login);
}
