/* `volley suite` on servers that run: certificates and passwords, and where they are not to be. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/server.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/suite_tree.h"

static struct suite_tree suite;
static struct test_server server;

static void set_up(void)
{
    suite_tree_make(&suite);
    server = (struct test_server){.pid = 0};
}

static void tear_down(void)
{
    test_server_stop(&server);
    suite_tree_remove(&suite);
}

static void configure(unsigned port, const char *tls)
{
    char text[500];
    snprintf(text, sizeof text,
             "[{\"requests\": 500, \"port\": %u, \"commands\": [\"SET\"], \"keyspacelen\": 100, "
             "\"data_sizes\": 8, \"pipelines\": 1, \"clients\": 4, \"cluster_mode\": \"no\", "
             "\"tls_mode\": \"%s\", \"warmup\": 0}]",
             port, tls);
    suite_tree_configure(&suite, text);
}

static void link_certificate(const char *to, const char *name)
{
    char path[400];
    snprintf(path, sizeof path, "%s/tests/tls/%s", suite.sources, name);
    ck_assert_int_eq(symlink(to, path), 0);
}

TEST(certificates_of_a_tree)
{
    /* breaks when valkey's own test certificates, whose names are not the server's, are not taken, the client's is not shown, or
     * a server that another authority has signed for is measured */
    struct test_certificates made;
    char path[300];
    test_certificates_make(&made, suite.tree.path);
    test_server_start(&server, &(struct test_server_options){.certificates = &made,
                                                             .certificate = "elsewhere",
                                                             .asks_for_certificate = true});
    configure(server.tls_port, "yes");
    suite_tree_run(&suite, "--mode", "client", NULL);
    program_expect_status(&suite.program, 2);
    program_expect_text(suite.program.err, "tests/tls/ca.crt is not there");
    program_free(&suite.program);
    program_run_shell(&suite.program, suite.sources, "mkdir -p tests/tls", 0);
    link_certificate(test_certificate(path, sizeof path, &made, "ca"), "ca.crt");
    link_certificate(test_certificate(path, sizeof path, &made, "client"), "valkey.crt");
    link_certificate(test_certificate_key(path, sizeof path, &made, "client"), "valkey.key");
    suite_tree_run(&suite, "--mode", "client", "--allow-flush", NULL);
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "1 record, 1 run measured");
    suite_tree_run(&suite, "--mode", "client", "--cacert",
                   test_certificate(path, sizeof path, &made, "other-ca"), NULL);
    program_expect_status(&suite.program, 5);
    program_expect_text(suite.program.err, "TLS");
}

TEST(certificates_of_a_server_alone)
{
    /* breaks when what --mode server says of its certificates is not what --mode client needs */
    static const char word[] = "--cacert ";
    char path[300] = "";
    test_server_start(&server, NULL); /* for a port that is free */
    configure(server.port, "yes");
    test_server_stop(&server);
    suite_tree_start(&suite, "--mode", "server", NULL);
    program_wait_text(&suite.program, PROGRAM_ERR, "Ctrl+C ends the server");
    char *said = program_output(&suite.program, PROGRAM_ERR);
    const char *at = strstr(said, word);
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(sscanf(at + strlen(word), "%299s", path), 1);
    free(said);
    struct suite_tree client = suite;
    client.program = (struct program){.pid = 0};
    snprintf(client.results, sizeof client.results, "%s/other", suite.tree.path);
    suite_tree_run(&client, "--mode", "client", "--cacert", path, NULL);
    program_expect_status(&client.program, 0);
    program_expect_text(client.program.out, "1 record, 1 run measured");
    program_free(&client.program);
    program_signal(&suite.program, SIGINT);
    program_wait(&suite.program);
    program_expect_status(&suite.program, 0);
}

TEST(a_password_is_in_the_environment_alone)
{
    /* breaks when a server with a password cannot be measured, or its password stands in a log, in results or among the
     * arguments of the load, or is given to a tool that has it there */
    static const char *const login[] = {"VOLLEY_AUTH=verysecretword", NULL};
    static const char *const wrong[] = {"VOLLEY_AUTH=otherword", NULL};
    test_server_start(&server, &(struct test_server_options){.password = "verysecretword"});
    configure(server.port, "no");
    suite_tree_run(&suite, "--mode", "client", NULL);
    program_expect_status(&suite.program, 5);
    suite.environment = wrong;
    suite_tree_run(&suite, "--mode", "client", NULL);
    program_expect_status(&suite.program, 5);
    ck_assert_ptr_null(strstr(suite.program.err, "otherword"));
    suite.environment = login;
    suite_tree_run(&suite, "--mode", "client", "--user", "default", "--allow-flush", "--log-level",
                   "debug", NULL);
    program_expect_status(&suite.program, 0);
    program_expect_text(suite.program.out, "1 record, 1 run measured");
    program_expect_text(suite.program.err, "--user default ");
    program_free(&suite.program);
    program_run_shell(&suite.program, suite.tree.path, "! grep -r verysecretword results", 0);
    suite_tree_run(&suite, "--mode", "client", "--valkey-benchmark-path", "/bin/true", NULL);
    program_expect_status(&suite.program, 2);
    program_expect_text(suite.program.err, "takes a password among its arguments only");
    suite_tree_run(&suite, "--cacert", "x", NULL);
    program_expect_status(&suite.program, 2);
    program_expect_text(suite.program.err, "--cacert is for a running server");
    suite.environment = NULL;
    suite_tree_run(&suite, "--mode", "client", "--user", "default", NULL);
    program_expect_status(&suite.program, 2);
    program_expect_text(suite.program.err, "--user default needs a password");
}

TEST(a_password_is_not_for_servers_of_volleys_own)
{
    /* breaks when the variable reaches a load on a server without a password, which would refuse it */
    static const char *const login[] = {"VOLLEY_AUTH=verysecretword", NULL};
    suite.environment = login;
    suite_tree_configure(&suite,
                         "[{\"requests\": 500, \"commands\": [\"SET\"], " SUITE_TREE_NEEDED "}]");
    suite_tree_run(&suite, NULL);
    program_expect_status(&suite.program, 0);
}

TEST_SUITE_WITH(suite_running, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 120)
