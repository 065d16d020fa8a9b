#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "orchestrator/watch/http_address.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static const struct {
    const char *text, *host;
    uint16_t port;
    bool local;
} good[] = {
    {"8080", "127.0.0.1", 8080, true},
    {"0", "127.0.0.1", 0, true},
    {"127.0.0.1:1", "127.0.0.1", 1, true},
    {"localhost:65535", "127.0.0.1", 65535, true},
    {"[::1]:9", "::1", 9, true},
    {"127.9.9.9:80", "127.9.9.9", 80, true},
    {"0.0.0.0:80", "0.0.0.0", 80, false},
    {"[::]:80", "::", 80, false},
    {"192.168.1.2:80", "192.168.1.2", 80, false},
};

LOOP_TEST(test_addresses, sizeof good / sizeof good[0])
{
    /* Breaks when an address that others can reach is taken for a local one, and nobody asks for a token. */
    struct http_address address;
    struct err err = {.code = OK};
    ck_assert_msg(http_address_parse(&address, good[_i].text, &err) == OK, "%s", err.text);
    ck_assert_str_eq(address.host, good[_i].host);
    ck_assert_uint_eq(address.port, good[_i].port);
    ck_assert(address.local == good[_i].local);
}

static const char *const bad[] = {"",         "x",          ":80",           "65536",    "-1",
                                  "80:",      "::1:80",     "[::1]",         "[::1]80",  "host:80",
                                  "1.2.3:80", "a.b.c.d:80", "127.0.0.1:8 0", "80\033[2J"};

LOOP_TEST(test_addresses_that_are_none, sizeof bad / sizeof bad[0])
{
    /* Breaks when a mistyped address makes volley listen somewhere else. */
    struct http_address address;
    struct err err = {.code = OK};
    ck_assert_int_eq(http_address_parse(&address, bad[_i], &err), E_USAGE);
    ck_assert(strchr(err.text, '\033') == NULL);
}

static const struct {
    const char *host;
    bool known;
} hosts[] = {
    {"127.0.0.1:80", true},
    {"localhost", true},
    {"LOCALHOST:1", true},
    {"[::1]:80", true},
    {"10.0.0.1", true},
    {"machine:80", true},
    {"evil.com", false},
    {"localhost.evil.com", false},
    {"", false},
    {"[::1", false},
    {"[::1]x", false},
    {"127.0.0.1.evil.com", false},
    {"machine.evil.com", false},
    {NULL, false},
};

LOOP_TEST(test_hosts, sizeof hosts / sizeof hosts[0])
{
    /* Breaks when a page of another name, whose address was changed to this one, may read what is here. */
    ck_assert(http_host_known(hosts[_i].host, "machine") == hosts[_i].known);
}

TEST(test_tokens_are_compared_whole)
{
    /* Breaks when a part of the token, or more than it, opens the door. */
    ck_assert(http_token_equal("abcdefghijklmnop", "abcdefghijklmnop", 16));
    ck_assert(!http_token_equal("abcdefghijklmnop", "abcdefghijklmno", 15));
    ck_assert(!http_token_equal("abcdefghijklmnop", "abcdefghijklmnopabcdefghijklmnop", 32));
    ck_assert(!http_token_equal("abcdefghijklmnop", "", 0));
    ck_assert(!http_token_equal("", "x", 1));
}

TEST(test_cookies_are_found_by_their_whole_name)
{
    /* Breaks when another cookie's value is taken for the token. */
    const char *value;
    size_t bytes;
    ck_assert(http_cookie_find(&value, &bytes, "a=1; volley_token=abc; b=2", "volley_token"));
    ck_assert_uint_eq(bytes, 3);
    ck_assert(strncmp(value, "abc", 3) == 0);
    ck_assert(!http_cookie_find(&value, &bytes, "xvolley_token=abc", "volley_token"));
    ck_assert(!http_cookie_find(&value, &bytes, "volley_token", "volley_token"));
    ck_assert(!http_cookie_find(&value, &bytes, NULL, "volley_token"));
}

static const struct {
    const char *text;
    mode_t mode;
    const char *says; /* NULL: it is good */
} token_files[] = {
    {"0123456789abcdef\n", 0600, NULL},
    {"0123456789abcdef", 0400, NULL},
    {"0123456789abcdef\n", 0640, "chmod 600"},
    {"0123456789abcdef\n", 0604, "chmod 600"},
    {"short\n", 0600, "openssl rand"},
    {"", 0600, "openssl rand"},
    {"0123456789 abcdef\n", 0600, "openssl rand"},
    {"0123456789abcdef\nmore\n", 0600, "openssl rand"},
};

LOOP_TEST(test_token_files, sizeof token_files / sizeof token_files[0])
{
    /* Breaks when a token that others can read, or guess, is taken. */
    struct temp_tree tree;
    char path[200], token[HTTP_TOKEN_MOST_BYTES + 1];
    struct err err = {.code = OK};
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/token", token_files[_i].text, 0600);
    snprintf(path, sizeof path, "%s/token", tree.path);
    ck_assert_int_eq(chmod(path, token_files[_i].mode), 0);
    const enum err_code code = http_token_read(token, path, &err);
    if (token_files[_i].says == NULL) {
        ck_assert_msg(code == OK, "%s", err.text);
        ck_assert_str_eq(token, "0123456789abcdef");
    } else {
        ck_assert_int_eq(code, E_USAGE);
        ck_assert_msg(strstr(err.text, token_files[_i].says) != NULL, "%s", err.text);
        ck_assert_msg(strstr(err.text, "0123456789") == NULL, "the token is told: %s", err.text);
    }
    temp_tree_remove(&tree);
    err = (struct err){.code = OK};
    ck_assert_int_eq(http_token_read(token, path, &err), E_USAGE);
}

TEST_SUITE(http_address)
