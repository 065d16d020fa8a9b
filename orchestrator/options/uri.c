#include "orchestrator/options/uri.h"

#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* False: too long, a broken %XX, or %00, which no text can hold. */
static bool decode(char *out, size_t out_bytes, const char *text, size_t text_bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < text_bytes; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < text_bytes ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= out_bytes)
            return false;
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

static bool whole_number(uint64_t *number, const char *text, size_t text_bytes, uint64_t max)
{
    uint64_t value = 0;
    if (text_bytes == 0)
        return false;
    for (size_t i = 0; i < text_bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > max)
            return false;
    }
    *number = value;
    return true;
}

static bool scheme_is(const char *text, size_t scheme_bytes, const char *scheme)
{
    return strlen(scheme) == scheme_bytes && strncasecmp(text, scheme, scheme_bytes) == 0;
}

static enum err_code parse_scheme(struct uri *uri, const char *text, size_t bytes, struct err *err)
{
    uri->tls = scheme_is(text, bytes, "rediss") || scheme_is(text, bytes, "valkeys");
    if (uri->tls || scheme_is(text, bytes, "redis") || scheme_is(text, bytes, "valkey"))
        return OK;
    if (scheme_is(text, bytes, "unix") || scheme_is(text, bytes, "redis+unix") ||
        scheme_is(text, bytes, "valkey+unix") || scheme_is(text, bytes, "redis-socket"))
        return err_set(err, E_USAGE, "a Unix socket is named with --socket PATH");
    return err_set(err, E_USAGE,
                   "unknown scheme %.*s://; allowed are redis:// and valkey://, and "
                   "rediss:// and valkeys:// with TLS",
                   (int)(bytes < 40 ? bytes : 40), text);
}

static enum err_code parse_credentials(struct uri *uri, const char *text, size_t bytes,
                                       struct err *err)
{
    const char *colon = memchr(text, ':', bytes);
    const char *password = colon == NULL ? text : colon + 1;
    size_t password_bytes = bytes - (size_t)(password - text);
    if (colon != NULL && colon != text) {
        if (!decode(uri->user, sizeof uri->user, text, (size_t)(colon - text)))
            return err_set(err, E_USAGE, "the user is too long or holds a broken %%XX");
        uri->has_user = true;
    }
    if (password_bytes == 0)
        return uri->has_user ? err_set(err, E_USAGE, "there is a user, but no password") : OK;
    if (!decode(uri->password, sizeof uri->password, password, password_bytes))
        return err_set(err, E_USAGE, "the password is too long or holds a broken %%XX");
    uri->has_password = true;
    return OK;
}

/* host, [IPv6], with :port behind it; either may be absent. */
static enum err_code parse_authority(struct uri *uri, const char *text, size_t bytes,
                                     struct err *err)
{
    const char *host = text;
    size_t host_bytes = bytes;
    const char *behind = text + bytes;
    if (bytes > 0 && *text == '[') {
        const char *close = memchr(text, ']', bytes);
        if (close == NULL || close == text + 1)
            return err_set(err, E_USAGE, "an IPv6 address stands between [ and ]");
        host = text + 1;
        host_bytes = (size_t)(close - host);
        behind = close + 1;
    } else {
        const char *colon = memchr(text, ':', bytes);
        if (colon != NULL) {
            host_bytes = (size_t)(colon - text);
            behind = colon;
        }
    }
    if (!decode(uri->host, sizeof uri->host, host, host_bytes))
        return err_set(err, E_USAGE, "the host is too long or holds a broken %%XX");
    uri->has_host = host_bytes > 0;
    size_t rest_bytes = bytes - (size_t)(behind - text);
    if (rest_bytes == 0)
        return OK;
    if (*behind != ':')
        return err_set(err, E_USAGE, "behind the host comes :port or /database");
    if (!whole_number(&uri->port, behind + 1, rest_bytes - 1, 65535) || uri->port == 0)
        /* not echoed: without an '@' it may be the password */
        return err_set(err, E_USAGE, "the port is not a number from 1 to 65535");
    uri->has_port = true;
    return OK;
}

enum err_code uri_parse(struct uri *uri, const char *text, struct err *err)
{
    *uri = (struct uri){0};
    const char *scheme_end = strstr(text, "://");
    if (scheme_end == NULL)
        return err_set(err, E_USAGE,
                       "no scheme; the form is redis://[[user:]password@]host[:port][/database]");
    enum err_code code = parse_scheme(uri, text, (size_t)(scheme_end - text), err);
    if (code != OK)
        return code;
    const char *authority = scheme_end + 3;
    size_t bytes = strcspn(authority, "/?#");
    const char *path = authority + bytes;
    /* the last '@': a password may hold one without being encoded */
    const char *at = memrchr(authority, '@', bytes);
    if (at != NULL) {
        code = parse_credentials(uri, authority, (size_t)(at - authority), err);
        if (code != OK)
            return code;
        bytes -= (size_t)(at + 1 - authority);
        authority = at + 1;
    }
    code = parse_authority(uri, authority, bytes, err);
    if (code != OK)
        return code;
    if (*path == '\0' || strcmp(path, "/") == 0)
        return OK;
    if (*path != '/')
        return err_set(err, E_USAGE, "nothing may follow the address but /database");
    if (!whole_number(&uri->database, path + 1, strlen(path + 1), INT32_MAX))
        return err_set(err, E_USAGE, "the database is not a number from 0 to %d", INT32_MAX);
    uri->has_database = true;
    return OK;
}

bool uri_holds_login(const char *text)
{
    return strstr(text, "://") != NULL || strchr(text, '@') != NULL;
}
