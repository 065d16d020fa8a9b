/* Lists of hosts that servers may lead to, and which addresses lie near each other. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "orchestrator/options/redirect_hosts.h"
#include "tests/support/check/suite.h"

static struct redirect_hosts hosts;

static struct ip_network network(const char *text)
{
    struct target_address address = {.address_bytes = 0};
    struct sockaddr_in ip4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6};
    struct ip_network result;
    if (inet_pton(AF_INET, text, &ip4.sin_addr) == 1) {
        memcpy(&address.address, &ip4, sizeof ip4);
        address.address_bytes = sizeof ip4;
    } else {
        ck_assert_int_eq(inet_pton(AF_INET6, text, &ip6.sin6_addr), 1);
        memcpy(&address.address, &ip6, sizeof ip6);
        address.address_bytes = sizeof ip6;
    }
    ck_assert(ip_network_of(&result, &address));
    return result;
}

TEST(test_near)
{
    /* Breaks when a host in another network gets the password without a word, or one in the same is warned
     * of. */
    static const struct {
        const char *a, *b;
        bool near;
    } cases[] = {
        {"198.51.100.1", "198.51.100.254", true},
        {"198.51.100.1", "198.51.101.1", false},
        {"127.0.0.1", "127.9.9.9", true},
        {"127.0.0.1", "::1", true},
        {"::1", "198.51.100.1", false},
        {"127.0.0.1", "10.0.0.1", false},
        {"10.0.0.1", "192.168.7.7", true},
        {"10.0.0.1", "172.31.0.1", true},
        {"10.0.0.1", "172.32.0.1", false},
        {"10.0.0.1", "11.0.0.1", false},
        {"10.0.0.1", "fd00::1", true},
        {"169.254.1.1", "fe80::1", true},
        {"10.0.0.1", "198.51.100.1", false},
        {"2001:db8::1", "2001:db8::ffff", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"198.51.100.1", "::ffff:198.51.100.9", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ip_network a = network(cases[i].a), b = network(cases[i].b);
        ck_assert_msg(ip_network_near(&a, &b) == cases[i].near &&
                          ip_network_near(&b, &a) == cases[i].near,
                      "%s and %s", cases[i].a, cases[i].b);
    }
    struct target_address nowhere = {.address_bytes = 0};
    struct ip_network ignored;
    ck_assert(!ip_network_of(&ignored, &nowhere));
    nowhere.address.ss_family = AF_UNIX;
    nowhere.address_bytes = sizeof(struct sockaddr_un);
    ck_assert(!ip_network_of(&ignored, &nowhere));
}

static bool holds(const char *text)
{
    const struct ip_network where = network(text);
    for (uint32_t i = 0; i < hosts.network_count; i++)
        if (ip_network_holds(&hosts.networks[i], &where))
            return true;
    return false;
}

TEST(test_lists)
{
    /* Breaks when a listed host is refused, or one that is not is taken. */
    struct err err = {.code = OK};
    ck_assert_int_eq(redirect_hosts_parse(&hosts,
                                          "10.1.0.0/16, 198.51.100.7 ,2001:db8::/32,::5,"
                                          "db-1.example,same,203.0.113.77/25,7up",
                                          &err),
                     OK);
    ck_assert(hosts.same);
    ck_assert_uint_eq(hosts.network_count, 5);
    ck_assert_uint_eq(hosts.name_count, 2);
    ck_assert_str_eq(hosts.names[0], "db-1.example");
    ck_assert(holds("10.1.255.1"));
    ck_assert(!holds("10.2.0.1"));
    ck_assert(holds("198.51.100.7"));
    ck_assert(!holds("198.51.100.8"));
    ck_assert(holds("2001:db8:9::1"));
    ck_assert(!holds("2001:db9::1"));
    ck_assert(holds("::5"));
    ck_assert(holds("203.0.113.1"));
    ck_assert(!holds("203.0.113.128"));
    ck_assert_int_eq(redirect_hosts_parse(&hosts, "0.0.0.0/0", &err), OK);
    ck_assert(holds("198.51.100.8"));
    ck_assert(!holds("::5"));
    ck_assert(!hosts.same);
    ck_assert_int_eq(redirect_hosts_parse(&hosts, "::/0", &err), OK);
    ck_assert(holds("2001:db9::1"));
    ck_assert(!holds("198.51.100.8"));
}

TEST(test_refusals)
{
    /* Breaks when a mistake in the list silently allows more, or less, or a password is repeated. */
    static const char *const lists[] = {
        "",          "10.0.0.1,",   ",a",          "10.0.0.0/33", "::/129",
        "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/ 8", "10.0.0",      "10.0.0.256",
        "host:7001", "[::1]",       "a b",         "a/24",        "10.0.0.0/8/8",
        "-",         "10.0.0.0/1k",
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct err err = {.code = OK};
        ck_assert_msg(redirect_hosts_check(lists[i], &err) == E_USAGE, "%s", lists[i]);
        ck_assert_msg(strstr(err.text, "--redirect-hosts: '") != NULL, "%s", err.text);
    }
    struct err err = {.code = OK};
    ck_assert_int_eq(redirect_hosts_check("redis://me:hunter2@h", &err), E_USAGE);
    ck_assert_ptr_null(strstr(err.text, "hunter2"));
    char many[REDIRECT_HOSTS_MAX * 2 + 2] = "";
    for (size_t i = 0; i < sizeof many - 1; i++)
        many[i] = i % 2 == 0 ? 'a' : ',';
    many[REDIRECT_HOSTS_MAX * 2 - 1] = '\0';
    err = (struct err){.code = OK};
    ck_assert_int_eq(redirect_hosts_check(many, &err), OK);
    many[REDIRECT_HOSTS_MAX * 2 - 1] = ',';
    ck_assert_int_eq(redirect_hosts_check(many, &err), E_USAGE);
}

TEST_SUITE(redirect_hosts)
