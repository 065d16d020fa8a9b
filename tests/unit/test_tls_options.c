/* What the TLS options mean together. */

#include "tests/support/check/bench_line.h"
#include "tests/support/check/suite.h"

TEST(test_taken)
{
    /* Breaks when an option does not reach its place, or a URI does not ask for TLS. */
    line_parses("--tls --cacert ca --cacertdir dir --cert crt --key k --sni name --tls-ciphers a "
                "--tls-ciphersuites b --tls-resume --ktls");
    const struct spec *spec = &line_request.spec;
    ck_assert(spec->endpoint.tls.wanted && spec->endpoint.tls.resume && spec->endpoint.tls.kernel &&
              !spec->endpoint.tls.insecure);
    ck_assert_str_eq(spec->endpoint.tls.cacert, "ca");
    ck_assert_str_eq(spec->endpoint.tls.cacertdir, "dir");
    ck_assert_str_eq(spec->endpoint.tls.cert, "crt");
    ck_assert_str_eq(spec->endpoint.tls.key, "k");
    ck_assert_str_eq(spec->endpoint.tls.sni, "name");
    ck_assert_str_eq(spec->endpoint.tls.ciphers, "a");
    ck_assert_str_eq(spec->endpoint.tls.ciphersuites, "b");
    line_parses("--tls --insecure");
    ck_assert(line_request.spec.endpoint.tls.insecure);
    line_parses("-u rediss://h:1 --cacert ca");
    ck_assert(line_request.spec.endpoint.tls.wanted);
    line_parses("-u valkeys://h");
    ck_assert(line_request.spec.endpoint.tls.wanted);
    line_parses("-u redis://h --tls");
    ck_assert(line_request.spec.endpoint.tls.wanted);
    line_parses("--managed tls --tls-resume");
    ck_assert(line_request.spec.endpoint.tls.wanted && line_request.spec.managed.tls);
    line_parses("");
    ck_assert(!line_request.spec.endpoint.tls.wanted);
    line_parses("--insecure=false --ktls=false");
    ck_assert(!line_request.spec.endpoint.tls.wanted);
}

TEST(test_config_gives_way)
{
    /* Breaks when what a file says cannot be taken back on the command line. */
    line_parses_with_config("tls: true\ncacert: ca\n", "--insecure");
    ck_assert(line_request.spec.endpoint.tls.wanted && line_request.spec.endpoint.tls.insecure);
    ck_assert_ptr_null(line_request.spec.endpoint.tls.cacert);
}

TEST(test_refused)
{
    /* Breaks when an option that has no effect is taken in silence: what is measured is not what was
     * asked for. */
    static const struct line_refusal refusals[] = {
        {"--cacert x", "--cacert has no meaning without TLS"},
        {"--cacertdir x", "--cacertdir has no meaning without TLS"},
        {"--cert x --key y", "--cert has no meaning without TLS"},
        {"--sni x", "--sni has no meaning without TLS"},
        {"--insecure", "--insecure has no meaning without TLS"},
        {"--tls-ciphers x", "--tls-ciphers has no meaning without TLS"},
        {"--tls-ciphersuites x", "--tls-ciphersuites has no meaning without TLS"},
        {"--tls-resume", "--tls-resume has no meaning without TLS"},
        {"--ktls -u redis://h", "--ktls has no meaning without TLS"},
        {"--tls --cert x", "--cert x needs the key that belongs to it"},
        {"--tls --key x", "--key x needs the certificate that it belongs to"},
        {"--tls --insecure --cacert x", "--insecure and --cacert exclude each other"},
        {"--tls --insecure --cacertdir x", "--insecure and --cacertdir exclude each other"},
        {"--tls --socket /tmp/s", "--tls with --socket"},
        {"--tls --null", "--null and --tls exclude each other"},
        {"--tls --managed", "a server of volley's own speaks TLS with --managed tls"},
        {"--managed tls --cacert x", "--managed and --cacert exclude each other"},
        {"--managed tls --sni x", "--managed and --sni exclude each other"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST_SUITE_WITH(tls_options, .tear_down = line_teardown)
