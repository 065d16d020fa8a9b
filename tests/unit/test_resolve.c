#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "orchestrator/server/resolve.h"
#include "tests/support/check/suite.h"

#define NAMES_MAX 4

TEST(lists)
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

static const struct {
    const char *text, *told;
} refused[] = {
    {"", "--host: '' is no server"},
    {"a,", "--host: '' is no server"},
    {",a", "--host: '' is no server"},
    {"a:", "--host: 'a:': its port has to be 1 to 65,535"},
    {"a:0", "'a:0': its port has to be 1 to 65,535"},
    {"a:65536", "'a:65536': its port has to be 1 to 65,535"},
    {"a:-1", "'a:-1': its port has to be 1 to 65,535"},
    {"a:1k", "'a:1k': its port has to be 1 to 65,535"},
    {"a:99999999999", "its port has to be 1 to 65,535"},
    {"[::1]:99999", "its port has to be 1 to 65,535"},
    {":7000", "':7000' is no server"},
    {"[::1", "'[::1' is no server"},
    {"[::1]7000", "is no server"},
    {"[]:1", "is no server"},
    {"a b", "'a b' is no server"},
    {"a,b,c,d,e", "more than 4 servers"},
};

LOOP_TEST(lists_refused, sizeof refused / sizeof refused[0])
{
    /* Breaks when a list with a slip of the pen is half used. */
    struct host_name names[NAMES_MAX];
    uint32_t count;
    struct err err = {.code = OK};
    ck_assert_int_eq(
        resolve_split(names, &count, NAMES_MAX, refused[_i].text, 6379, "--host", &err), E_USAGE);
    ck_assert_msg(strstr(err.text, refused[_i].told) != NULL, "%s", err.text);
}

TEST(longest_host)
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

/* One name makes the resolver hang, as one does whose servers swallow questions. This is the one that all of
 * the program calls, and passes the rest on. */
#define HANGING "hanging.invalid"
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    lookup *next = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
    while (strcmp(host, HANGING) == 0 && (hints->ai_flags & AI_NUMERICHOST) == 0)
        pause();
    return next(host, service, hints, found);
}

static enum err_code resolve(struct target_address *found, uint32_t *count, const char *host,
                             struct err *err)
{
    struct host_name name = {.port = 7000};
    snprintf(name.host, sizeof name.host, "%s", host);
    return resolve_host(found, count, RESOLVE_ADDRESSES_MAX, &name, RESOLVE_LONGEST_NS, NULL, err);
}

LOOP_TEST(hanging_resolver, 2)
{
    /* Breaks when a name that somebody else gives can stop volley for as long as its servers like, whoever presses
     * Ctrl+C; or the child that asks is left. */
    static const struct host_name name = {.host = HANGING, .port = 7000};
    const volatile int interrupted = _i;
    struct target_address found;
    uint32_t count;
    struct err err = {.code = OK};
    const uint64_t limit_ns = _i == 0 ? 50 * NS_PER_MS : 3600 * NS_PER_SECOND;
    enum err_code code = resolve_host(&found, &count, 1, &name, limit_ns, &interrupted, &err);
    ck_assert_int_eq(code, _i == 0 ? E_CONNECT : E_INTERRUPTED);
    ck_assert_msg(strstr(err.text, _i == 0 ? "no answer within 50ms" : HANGING) != NULL, "%s",
                  err.text);
    ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
    ck_assert_int_eq(errno, ECHILD);
}

TEST(addresses)
{
    /* Breaks when an address has another port, or messages name another server. */
    struct target_address found[RESOLVE_ADDRESSES_MAX];
    uint32_t count;
    struct err err = {.code = OK};
    ck_assert_int_eq(resolve(found, &count, "127.0.0.1", &err), OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(found[0].text, "127.0.0.1:7000");
    ck_assert_str_eq(found[0].host, "127.0.0.1");
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&found[0].address;
    ck_assert_uint_eq(ntohs(v4->sin_port), 7000);
    ck_assert_int_eq(resolve(found, &count, "::1", &err), OK);
    ck_assert_str_eq(found[0].text, "[::1]:7000");
    ck_assert_int_eq(resolve(found, &count, "localhost", &err), OK);
    ck_assert_uint_ge(count, 1);
    ck_assert_msg(strncmp(found[0].text, "localhost:7000 (", 16) == 0, "%s", found[0].text);
    ck_assert_str_eq(found[0].host, "localhost");
    ck_assert_int_eq(resolve(found, &count, "no-such-host.invalid", &err), E_CONNECT);
    ck_assert_msg(strstr(err.text, "cannot resolve host 'no-such-host.invalid'") != NULL, "%s",
                  err.text);
}

TEST_SUITE(resolve)
