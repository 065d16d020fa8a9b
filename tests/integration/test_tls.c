/* TLS against real servers, with good certificates and with bad ones. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/certificates.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/trial.h"

#define TCASE_TIMEOUT_SECONDS 90

static struct trial trial;
static struct test_certificates certificates;
static char authority[192], other_authority[192];

static void set_up(void)
{
    trial_set_up();
    test_certificates_make(&certificates, world.tree.path);
    test_certificate(authority, sizeof authority, &certificates, "ca");
    test_certificate(other_authority, sizeof other_authority, &certificates, "other-ca");
}

static const char *const versions[] = {"TLSv1.2", "TLSv1.3"};

/* A server that speaks this version only; NULL: both. */
static void start_server(const char *version, const char *certificate, bool asks_for_certificate)
{
    const char *args[] = {"--tls-protocols", version, NULL};
    test_server_start(&world.server,
                      &(struct test_server_options){.args = version != NULL ? args : NULL,
                                                    .certificates = &certificates,
                                                    .certificate = certificate,
                                                    .asks_for_certificate = asks_for_certificate});
}

#define AT_SERVER "-p", world.server.tls_port_text, "--tls", "--cacert", authority

static const char *environment_text(const char *key)
{
    return json_string_value(
        json_object_get(json_object_get(json_object_get(trial.json, "environment"), "tls"), key));
}

LOOP_TEST(test_versions, 2)
{
    /* Breaks when a version of TLS is not spoken, or a request gets lost or is sent twice on the way. */
    start_server(versions[_i], NULL, false);
    trial_start(&trial, AT_SERVER, "-t", "set", "-r", "1000", "-n", "50000", "-P", "16", "-c", "20",
                "-d", "100", "--processes", "2", "--cpus", "none", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 50000);
    ck_assert_int_eq(test_server_calls(&world.server, "set"), 50000);
    ck_assert_str_eq(environment_text("version"), versions[_i]);
    trial_expect(&trial, PROGRAM_OUT, versions[_i]);
    trial_expect(&trial, PROGRAM_OUT, "certificate checked");
    trial_free(&trial);
}

TEST(test_large_values)
{
    /* Breaks when a record that the socket has no room for is lost or torn, or a reply of many records
     * is left half read. */
    start_server(NULL, NULL, false);
    trial_start(&trial, AT_SERVER, "-t", "set,get", "-r", "5", "-n", "300", "-P", "4", "-c", "5",
                "-d", "3mb", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 300);
    ck_assert_int_eq(test_server_integer(&world.server, "STRLEN key:000000000003"), 3 << 20);
    trial_free(&trial);
}

TEST(test_open_loop)
{
    /* Breaks when a rate is not kept over TLS, or an arrival waits for an edge that has passed. */
    start_server(NULL, NULL, false);
    trial_start(&trial, AT_SERVER, "-t", "get", "-r", "100", "--qps", "2000", "--duration", "2",
                "-c", "10", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "due"), 4000);
    /* A machine that stands still at the end leaves a backlog. */
    ck_assert_int_eq(
        trial_count(&trial, "requests", "ok") + trial_count(&trial, "requests", "backlog"), 4000);
    ck_assert_int_gt(trial_count(&trial, "requests", "ok"), 1000);
    trial_free(&trial);
}

TEST(test_interrupt)
{
    /* Breaks when Ctrl+C over TLS hangs, or loses requests from the books. */
    start_server(NULL, NULL, false);
    trial_start(&trial, AT_SERVER, "-t", "set", "-r", "100", "-P", "8", "--duration", "60", NULL);
    trial_wait_calls("set", 1000);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    ck_assert(trial_interrupted(&trial));
    trial_free(&trial);
}

TEST(test_reconnects)
{
    /* Breaks when connections do not come back with TLS after the server was gone. */
    start_server(NULL, NULL, false);
    trial_start(&trial, AT_SERVER, "-t", "set", "-r", "100", "-c", "5", "--duration", "60", NULL);
    trial_wait_calls("set", 1000);
    test_server_kill(&world.server);
    test_server_restart(&world.server);
    trial_wait_calls("set", 1000);
    program_signal(&trial.program, SIGINT);
    trial_end(&trial, 130);
    ck_assert_int_ge(trial_count(&trial, "connections", "lost"), 5);
    ck_assert_int_ge(trial_count(&trial, "connections", "opened"), 5);
    trial_free(&trial);
}

LOOP_TEST(test_resume, 4)
{
    /* Breaks when --tls-resume makes whole handshakes, or volley resumes without being asked to. */
    start_server(versions[_i % 2], NULL, false);
    trial_start(&trial, AT_SERVER, "-t", "set", "-r", "100", "-c", "5", "-n", "2000",
                "--reconnect-every", "10", _i < 2 ? "--tls-resume" : "--tls-resume=false", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 2000);
    long long handshakes = trial_count(&trial, "handshakes", "count");
    long long resumed = trial_count(&trial, "handshakes", "resumed");
    ck_assert_int_ge(handshakes, 190);
    if (_i < 2)
        ck_assert_int_ge(resumed, handshakes - 10); /* the first ones of each worker are whole */
    else
        ck_assert_int_eq(resumed, 0);
    trial_free(&trial);
}

TEST(test_sampling)
{
    /* Breaks when the server cannot be sampled where it speaks TLS only to volley. */
    start_server(NULL, NULL, false);
    trial_start(&trial, AT_SERVER, "-t", "set", "-r", "100", "--duration", "1",
                "--extended-metrics", "--monitoring-interval", "100ms", NULL);
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_OUT, "Keys at the last sample: 100\n");
    trial_expect_not(&trial, PROGRAM_OUT, "without an answer");
    trial_free(&trial);
}

TEST(test_kernel)
{
    /* Breaks when the report does not say what came of --ktls. */
    start_server(NULL, NULL, false);
    trial_start(&trial, AT_SERVER, "-t", "set", "-r", "100", "-n", "1000", "--ktls", NULL);
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_OUT, "Kernel TLS: ");
    ck_assert_ptr_nonnull(environment_text("kernel"));
    trial_free(&trial);
}

LOOP_TEST(test_ciphers, 2)
{
    /* Breaks when the ciphers asked for are not those that are spoken. */
    start_server(versions[_i], NULL, false);
    trial_start(&trial, AT_SERVER, "-t", "ping_mbulk", "-n", "1000", "--tls-ciphers",
                "ECDHE-ECDSA-CHACHA20-POLY1305", "--tls-ciphersuites",
                "TLS_CHACHA20_POLY1305_SHA256", NULL);
    trial_end(&trial, 0);
    ck_assert_str_eq(environment_text("cipher"),
                     _i == 0 ? "ECDHE-ECDSA-CHACHA20-POLY1305" : "TLS_CHACHA20_POLY1305_SHA256");
    trial_free(&trial);
}

LOOP_TEST(test_client_certificate, 2)
{
    /* Breaks when mutual TLS does not work with one of the versions. */
    char certificate[192], key[192];
    start_server(versions[_i], NULL, true);
    trial_start(&trial, AT_SERVER, "--cert",
                test_certificate(certificate, sizeof certificate, &certificates, "client"), "--key",
                test_certificate_key(key, sizeof key, &certificates, "client"), "-t", "set", "-n",
                "1000", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(test_server_calls(&world.server, "set"), 1000);
    trial_free(&trial);
}

/* Runs to a refusal before anything is measured. */
static void expect_refusal(const char *const *arguments, const char *text)
{
    const char *argv[24] = {program_volley(), "bench", "--connection-timeout", "500ms", "-n", "10"};
    size_t argc = 6;
    struct program program;
    while (*arguments != NULL)
        argv[argc++] = *arguments++;
    program_run(&program, &(struct program_options){.argv = argv});
    ck_assert_msg(program.exit_status == 5, "status %d: %s", program.exit_status, program.err);
    ck_assert_msg(strstr(program.err, text) != NULL, "%s", program.err);
    ck_assert_ptr_null(strstr(program.err, "SSL routines"));
    program_free(&program);
}

LOOP_TEST(test_no_client_certificate, 2)
{
    /* Breaks when a server that asks for a certificate is met with OpenSSL's words for it, which with
     * TLS 1.3 come only after the handshake. */
    start_server(versions[_i], NULL, true);
    const char *const arguments[] = {AT_SERVER, NULL};
    expect_refusal(arguments, "asks for a client certificate: give one with --cert and --key");
}

LOOP_TEST(test_bad_client_certificate, 4)
{
    /* Breaks when a server's reason to refuse a client certificate is not told. */
    static const char *const names[][2] = {{"stranger", "does not know the authority"},
                                           {"old", "has expired"}};
    char certificate[192], key[192];
    start_server(versions[_i / 2], NULL, true);
    const char *name = names[_i % 2][0];
    const char *const arguments[] = {
        AT_SERVER,
        "--cert",
        test_certificate(certificate, sizeof certificate, &certificates, name),
        "--key",
        test_certificate_key(key, sizeof key, &certificates, name),
        NULL};
    expect_refusal(arguments, names[_i % 2][1]);
}

LOOP_TEST(test_bad_server_certificate, 4)
{
    /* Breaks when a server is trusted that must not be, or the reason is not told. */
    static const char *const names[][2] = {
        {"expired", "the server's certificate has expired: it was valid until"},
        {"future", "the server's certificate is not yet valid: it begins"},
        {"elsewhere", "is for elsewhere.example, not for 127.0.0.1"},
        {"stranger", "is signed by an authority that is not known here"},
    };
    start_server(NULL, names[_i][0], false);
    const char *const arguments[] = {AT_SERVER, NULL};
    expect_refusal(arguments, names[_i][1]);
    trial_start(&trial, "-p", world.server.tls_port_text, "--tls", "--insecure", "-t", "set", "-n",
                "100", NULL);
    trial_end(&trial, 0);
    trial_expect(&trial, PROGRAM_OUT, "certificate not checked");
    trial_free(&trial);
}

TEST(test_other_names)
{
    /* Breaks when --sni, a host name or another authority does not do what the messages advise. */
    const char *const unknown[] = {
        "-p", world.server.tls_port_text, "--tls", "--cacert", other_authority, NULL};
    start_server(NULL, "elsewhere", false);
    expect_refusal(unknown, "give its certificate with --cacert");
    trial_start(&trial, AT_SERVER, "--sni", "elsewhere.example", "-t", "set", "-n", "100", NULL);
    trial_end(&trial, 0);
    trial_free(&trial);
}

LOOP_TEST(test_uri, 2)
{
    /* Breaks when a URI that asks for TLS gives a plain connection. */
    char uri[64];
    start_server(NULL, NULL, false);
    snprintf(uri, sizeof uri, "%s://localhost:%s", _i == 0 ? "rediss" : "valkeys",
             world.server.tls_port_text);
    trial_start(&trial, "-u", uri, "--cacert", authority, "-t", "set", "-n", "100", NULL);
    trial_end(&trial, 0);
    ck_assert_ptr_nonnull(environment_text("version"));
    trial_free(&trial);
}

TEST(test_wrong_port)
{
    /* Breaks when TLS to a plain port, or plain to a TLS port, is not told apart from a dead server. */
    start_server(NULL, NULL, false);
    const char *const tls_to_plain[] = {
        "-p", world.server.port_text, "--tls", "--cacert", authority, NULL};
    const char *const plain_to_tls[] = {"-p", world.server.tls_port_text, NULL};
    expect_refusal(tls_to_plain, "speaks plain RESP here, not TLS: leave out --tls");
    expect_refusal(plain_to_tls, "give --tls");
}

LOOP_TEST(test_odd_servers, 7)
{
    /* Breaks when what is no TLS server hangs volley, crashes it, or gets a puzzling message. */
    static const struct fake_rule rules[] = {
        {.command = FAKE_ON_CONNECT, .action = FAKE_REPLY, .bytes = "-ERR max clients\r\n"},
        {.command = FAKE_ON_CONNECT, .action = FAKE_REPLY, .bytes = "HTTP/1.1 400 Bad\r\n"},
        {.command = FAKE_ON_CONNECT, .action = FAKE_CLOSE},
        {.command = FAKE_ON_CONNECT, .action = FAKE_RESET},
        {.command = NULL, .action = FAKE_SILENT},
        {.command = FAKE_ON_CONNECT,
         .action = FAKE_REPLY,
         .bytes = "\x15\x03\x03",
         .byte_count = 3},
        {.command = FAKE_ON_CONNECT,
         .action = FAKE_REPLY,
         .bytes = "\x16\x03\x03\x00\x04\x02\x00\x00\x00",
         .byte_count = 9},
    };
    static const char *const texts[] = {"speaks plain RESP here (\"-ERR max clients\")",
                                        "does not speak TLS (\"HTTP/1.1 400 Bad\")",
                                        "closed the connection; is it a TLS port?",
                                        "127.0.0.1:" /* as it is connected, or right behind */,
                                        "no answer within 500ms",
                                        "no answer within 500ms",
                                        "TLS handshake with 127.0.0.1"};
    fake_server_start(&world.fake, &(struct fake_script){.rules = &rules[_i], .rule_count = 1});
    const char *const arguments[] = {"-p", world.fake.port_text, "--tls", "--insecure", NULL};
    expect_refusal(arguments, texts[_i]);
}

TEST(test_plain_to_odd_servers)
{
    /* Breaks when a TLS server's alert is taken for bad RESP only. */
    static const struct fake_rule rule = {.command = "PING",
                                          .action = FAKE_REPLY,
                                          .bytes = "\x15\x03\x01\x00\x02\x02\x46",
                                          .byte_count = 7};
    fake_server_start(&world.fake, &(struct fake_script){.rules = &rule, .rule_count = 1});
    const char *const arguments[] = {"-p", world.fake.port_text, NULL};
    expect_refusal(arguments, "it looks like a TLS port: give --tls");
}

LOOP_TEST(test_managed, 2)
{
    /* Breaks when --managed tls starts a server that volley cannot check, or leaves files behind. */
    static const char *const kinds[] = {"tls", "cluster=3,tls"};
    trial_start(&trial, "--managed", kinds[_i], "--connection-timeout", "20s", "-t", "set", "-r",
                "1000", "-n", "5000", NULL);
    trial_end(&trial, 0);
    ck_assert_int_eq(trial_count(&trial, "requests", "ok"), 5000);
    trial_expect(&trial, PROGRAM_OUT, "certificate checked");
    trial_free(&trial);
}

TEST_SUITE_WITH(tls, .set_up = set_up, .tear_down = trial_tear_down,
                .timeout_seconds = TCASE_TIMEOUT_SECONDS)
