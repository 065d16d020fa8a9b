#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/target/resolve.h"

Suite *test_resolve_suite(void);

#define NAMES_MAX 4

START_TEST(lists)
{
    /* Breaks when a server of a list is left out, or gets the port of another. */
    struct host_name names[NAMES_MAX];
    uint32_t count;
    struct err err = {.code = OK};
    ck_assert_int_eq(
        resolve_split(names, &count, NAMES_MAX, "a, b:7001,[::1]:7002,::1", 6379, "--host", &err),
        OK);
    ck_assert_uint_eq(count, 4);
    ck_assert_str_eq(names[0].host, "a");
    ck_assert_uint_eq(names[0].port, 6379);
    ck_assert_str_eq(names[1].host, "b");
    ck_assert_uint_eq(names[1].port, 7001);
    ck_assert_str_eq(names[2].host, "::1");
    ck_assert_uint_eq(names[2].port, 7002);
    ck_assert_str_eq(names[3].host, "::1");
    ck_assert_uint_eq(names[3].port, 6379);
    ck_assert_int_eq(resolve_split(names, &count, NAMES_MAX, "[::1]", 1, "--host", &err), OK);
    ck_assert_str_eq(names[0].host, "::1");
}
END_TEST

static const struct {
    const char *text, *told;
} refused[] = {
    {"", "--host: '' is no server"},
    {"a,", "--host: '' is no server"},
    {",a", "--host: '' is no server"},
    {"a:", "--host: 'a:' is no server"},
    {"a:0", "'a:0' is no server"},
    {"a:65536", "'a:65536' is no server"},
    {"a:-1", "'a:-1' is no server"},
    {"a:1k", "'a:1k' is no server"},
    {"a:99999999999", "is no server"},
    {":7000", "':7000' is no server"},
    {"[::1", "'[::1' is no server"},
    {"[::1]7000", "is no server"},
    {"[]:1", "is no server"},
    {"a b", "'a b' is no server"},
    {"a,b,c,d,e", "more than 4 servers"},
};

START_TEST(lists_refused)
{
    /* Breaks when a list with a slip of the pen is half used. */
    struct host_name names[NAMES_MAX];
    uint32_t count;
    struct err err = {.code = OK};
    ck_assert_int_eq(
        resolve_split(names, &count, NAMES_MAX, refused[_i].text, 6379, "--host", &err), E_USAGE);
    ck_assert_msg(strstr(err.text, refused[_i].told) != NULL, "%s", err.text);
}
END_TEST

START_TEST(longest_host)
{
    /* Breaks when a long name is cut into that of another host. */
    struct host_name names[NAMES_MAX];
    char text[300];
    uint32_t count;
    struct err err = {.code = OK};
    memset(text, 'a', sizeof text);
    text[255] = '\0';
    ck_assert_int_eq(resolve_split(names, &count, NAMES_MAX, text, 1, "--host", &err), OK);
    ck_assert_uint_eq(strlen(names[0].host), 255);
    text[255] = 'a';
    text[256] = '\0';
    ck_assert_int_eq(resolve_split(names, &count, NAMES_MAX, text, 1, "--host", &err), E_USAGE);
}
END_TEST

START_TEST(addresses)
{
    /* Breaks when an address has another port, or messages name another server. */
    struct target_address found[RESOLVE_ADDRESSES_MAX];
    uint32_t count;
    struct err err = {.code = OK};
    ck_assert_int_eq(resolve_host(found, &count, RESOLVE_ADDRESSES_MAX, "127.0.0.1", 7000, &err),
                     OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(found[0].text, "127.0.0.1:7000");
    ck_assert_str_eq(found[0].host, "127.0.0.1");
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&found[0].address;
    ck_assert_uint_eq(ntohs(v4->sin_port), 7000);
    ck_assert_int_eq(resolve_host(found, &count, RESOLVE_ADDRESSES_MAX, "::1", 7000, &err), OK);
    ck_assert_str_eq(found[0].text, "[::1]:7000");
    ck_assert_int_eq(resolve_host(found, &count, RESOLVE_ADDRESSES_MAX, "localhost", 7000, &err),
                     OK);
    ck_assert_uint_ge(count, 1);
    ck_assert_msg(strncmp(found[0].text, "localhost:7000 (", 16) == 0, "%s", found[0].text);
    ck_assert_str_eq(found[0].host, "localhost");
    ck_assert_int_eq(resolve_host(found, &count, 1, "no-such-host.invalid", 7000, &err), E_CONNECT);
    ck_assert_msg(strstr(err.text, "cannot resolve host 'no-such-host.invalid'") != NULL, "%s",
                  err.text);
}
END_TEST

Suite *test_resolve_suite(void)
{
    Suite *suite = suite_create("resolve");
    TCase *cases = tcase_create("resolve");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, lists);
    tcase_add_loop_test(cases, lists_refused, 0, sizeof refused / sizeof refused[0]);
    tcase_add_test(cases, longest_host);
    tcase_add_test(cases, addresses);
    suite_add_tcase(suite, cases);
    return suite;
}
