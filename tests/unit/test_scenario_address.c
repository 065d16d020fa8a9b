/* What a person is told to call, so that it goes to the server of a scenario's run. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/commands/scenario_address.h"
#include "orchestrator/report/shell_word.h"
#include "tests/support/check/suite.h"

static struct target_address target;

static void set_up(void)
{
    const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(17341)};
    memcpy(&target.address, &at, sizeof at);
    snprintf(target.host, sizeof target.host, "b.example");
}

static void ck_words(const struct endpoint *endpoint, const char *cli, const char *volley)
{
    char text[SCENARIO_ADDRESS_BYTES];
    scenario_address_of_cli(text, endpoint, &target);
    ck_assert_str_eq(text, cli);
    scenario_address_of_volley(text, endpoint);
    ck_assert_str_eq(text, volley);
}

TEST(where_it_is)
{
    /* breaks when a command that removes keys is shown so that it goes to another server or database */
    ck_words(&(struct endpoint){.host = "a,b.example:17341", .port = 7000},
             " -h b.example -p 17341", " -h a,b.example:17341 -p 7000");
    ck_words(&(struct endpoint){.host = "b.example", .port = 17341, .database = 3, .cluster = true},
             " -h b.example -p 17341 -c -n 3", " -h b.example -p 17341 --cluster --dbnum 3");
    ck_words(&(struct endpoint){.host = "127.0.0.1", .port = 6379, .socket_path = "/a b/s"},
             " -s '/a b/s'", " -s '/a b/s'");
    ck_words(&(struct endpoint){.sentinels = "s:26379", .master_name = "m"},
             " -h b.example -p 17341", " --sentinel s:26379 --master m");
}

TEST(login_and_tls)
{
    /* breaks when TLS is left out of such a command, or a password stands in it */
    ck_words(&(struct endpoint){.host = "b.example",
                                .port = 17341,
                                .user = "o'hara",
                                .password = "secret",
                                .tls = {.wanted = true, .cacert = "ca.pem", .insecure = true}},
             " -h b.example -p 17341 --user 'o'\\''hara' --tls --cacert ca.pem --insecure",
             " -h b.example -p 17341 --user 'o'\\''hara' --tls --cacert ca.pem --insecure");
}

TEST(too_long)
{
    /* breaks when a path that does not fit is shown as if it were whole */
    char path[2 * SCENARIO_ADDRESS_BYTES], text[SCENARIO_ADDRESS_BYTES];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    for (size_t bytes = SCENARIO_ADDRESS_BYTES - 20; bytes < sizeof path; bytes++) {
        const struct endpoint endpoint = {.socket_path = path + sizeof path - 1 - bytes};
        scenario_address_of_cli(text, &endpoint, &target);
        if (bytes + strlen(" -s ") < SCENARIO_ADDRESS_BYTES)
            ck_assert_uint_eq(strlen(text), bytes + strlen(" -s "));
        else
            ck_assert_str_eq(text + strlen(text) - 3, "...");
    }
}

TEST_SUITE_WITH(scenario_address, .set_up = set_up)
