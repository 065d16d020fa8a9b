#include <string.h>

#include "orchestrator/options/uri.h"
#include "tests/support/check/suite.h"

static struct uri parsed(const char *text)
{
    struct uri uri;
    struct err err = {.code = OK};
    ck_assert_msg(uri_parse(&uri, text, &err) == OK, "%s: %s", text, err.text);
    return uri;
}

TEST(whole)
{
    /* a part goes astray */
    struct uri uri = parsed("redis://me:secret@db.example:7000/12");
    ck_assert_str_eq(uri.host, "db.example");
    ck_assert_str_eq(uri.user, "me");
    ck_assert_str_eq(uri.password, "secret");
    ck_assert_uint_eq(uri.port, 7000);
    ck_assert_uint_eq(uri.database, 12);
    ck_assert(uri.has_host && uri.has_user && uri.has_password && uri.has_port && uri.has_database);
}

TEST(parts_may_be_absent)
{
    /* an absent part is mistaken for an empty or zero one */
    struct uri uri = parsed("VALKEY://h");
    ck_assert_str_eq(uri.host, "h");
    ck_assert(!uri.has_user && !uri.has_password && !uri.has_port && !uri.has_database);
    uri = parsed("valkey://h/");
    ck_assert(!uri.has_database);
    uri = parsed("redis://:7000");
    ck_assert(!uri.has_host && uri.has_port);
    uri = parsed("redis:///3");
    ck_assert(!uri.has_host && uri.has_database);
}

TEST(schemes)
{
    /* a scheme that asks for TLS gives a plain connection, or the reverse */
    ck_assert(!parsed("redis://h").tls);
    ck_assert(!parsed("valkey://h").tls);
    ck_assert(parsed("rediss://h").tls);
    ck_assert(parsed("VALKEYS://me:PW@h:7000/1").tls);
}

TEST(passwords)
{
    /* one word before '@' is taken for the user, or a password with special signs breaks */
    struct uri uri = parsed("redis://secret@h");
    ck_assert_str_eq(uri.password, "secret");
    ck_assert(!uri.has_user);
    uri = parsed("redis://:secret@h");
    ck_assert_str_eq(uri.password, "secret");
    ck_assert(!uri.has_user);
    uri = parsed("redis://u%3A1:a%40%2F%25@h");
    ck_assert_str_eq(uri.user, "u:1");
    ck_assert_str_eq(uri.password, "a@/%");
    uri = parsed("redis://u:a:b@c@h");
    ck_assert_str_eq(uri.password, "a:b@c");
    ck_assert_str_eq(uri.host, "h");
}

TEST(ipv6)
{
    /* the colons of an IPv6 address are taken for the port's */
    struct uri uri = parsed("redis://[::1]:7000/1");
    ck_assert_str_eq(uri.host, "::1");
    ck_assert_uint_eq(uri.port, 7000);
    uri = parsed("redis://[fe80::1]");
    ck_assert_str_eq(uri.host, "fe80::1");
    ck_assert(!uri.has_port);
}

TEST(refused)
{
    /* half an address is used, or the password stands in an error message */
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "no scheme"},
        {"h:6379", "no scheme"},
        {"http://h", "unknown scheme http://"},
        {"unix:///tmp/s", "--socket"},
        {"redis://PW@h:0", "the port is not"},
        {"redis://PW@h:65536", "the port is not"},
        {"redis://PW@h:", "port"},
        {"redis://PW@h:12x", "the port is not"},
        {"redis://user:PW", "the port is not"},
        {"redis://PW@h/x", "database"},
        {"redis://PW@h/1/2", "database"},
        {"redis://PW@h/99999999999", "database"},
        {"redis://PW@h?x=1", "nothing may follow"},
        {"redis://u:PW%4@h", "broken %XX"},
        {"redis://u:PW%zz@h", "broken %XX"},
        {"redis://u:PW%00@h", "broken %XX"},
        {"redis://PW%", "broken %XX"},
        {"redis://u:@h", "no password"},
        {"redis://[::1", "between [ and ]"},
        {"redis://[]", "between [ and ]"},
        {"redis://[::1]x", "behind the host"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct uri uri;
        struct err err = {.code = OK};
        ck_assert_msg(uri_parse(&uri, cases[i].text, &err) == E_USAGE, "%s", cases[i].text);
        ck_assert_msg(strstr(err.text, cases[i].says) != NULL, "%s: %s", cases[i].text, err.text);
        ck_assert_msg(strstr(err.text, "PW") == NULL, "%s: %s", cases[i].text, err.text);
    }
}

TEST(too_long)
{
    /* a long host or password writes behind its field */
    char text[2000] = "redis://";
    struct uri uri;
    struct err err = {.code = OK};
    memset(text + 8, 'h', 256);
    ck_assert_int_eq(uri_parse(&uri, text, &err), E_USAGE);
    text[8 + 255] = '\0';
    ck_assert_uint_eq(strlen(parsed(text).host), 255);
    memset(text + 8, 'p', 1024);
    memcpy(text + 8 + 1024, "@h", 3);
    err.code = OK;
    ck_assert_int_eq(uri_parse(&uri, text, &err), E_USAGE);
}

TEST_SUITE(uri)
