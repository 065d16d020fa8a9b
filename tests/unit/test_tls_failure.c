/* OpenSSL's queue of errors in sentences: what 3.0 leaves there and what later versions do, with either of them. */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/tls_stream.h"
#include "tests/support/check/suite.h"

#define RECORD_LAYER_FAILURE 313 /* SSL_R_RECORD_LAYER_FAILURE, which 3.0 does not have */
#define ALERT(number) (SSL_AD_REASON_OFFSET + (number))

static struct tls_client client;
static struct tls_stream stream;

static void begin(bool established, int sys_errno)
{
    memset(&client, 0, sizeof client);
    memset(&stream, 0, sizeof stream);
    stream.client = &client;
    stream.fd = -1;
    stream.established = established;
    stream.sys_errno = sys_errno;
}

static void expect(const char *text)
{
    tls_failure_explain(&stream);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    if (text[0] == '\0')
        ck_assert_str_eq(stream.why, "");
    else
        ck_assert_msg(strstr(stream.why, text) != NULL, "\"%s\" instead of \"%s\"", stream.why,
                      text);
}

TEST(test_failures_of_the_socket)
{
    /* Breaks when a failed write, which 3.2 and later queue as an error, is told in place of the alert that is
     * still to be read. */
    begin(true, ECONNRESET);
    expect("");
    ERR_raise(ERR_LIB_SYS, ECONNRESET);
    expect("");
    ERR_raise(ERR_LIB_SYS, EPIPE);
    ERR_raise(ERR_LIB_SSL, RECORD_LAYER_FAILURE);
    expect("");
    ERR_raise(ERR_LIB_SSL, ALERT(SSL_AD_CERTIFICATE_REQUIRED));
    expect("asks for a client certificate: give one with --cert and --key");
}

TEST(test_failures_of_the_socket_in_a_handshake)
{
    /* Breaks when the reason depends on whether OpenSSL has queued what the system said. */
    static const struct {
        int sys_errno;
        const char *text;
    } rows[] = {{ECONNRESET, "the server closed the connection; is it a TLS port?"},
                {EHOSTUNREACH, "No route to host"}};
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        begin(false, rows[i / 2].sys_errno);
        if (i % 2 == 1)
            ERR_raise(ERR_LIB_SYS, rows[i / 2].sys_errno);
        expect(rows[i / 2].text);
    }
    begin(false, 0);
    expect("the server closed the connection; is it a TLS port?");
}

TEST(test_alerts)
{
    /* Breaks when an alert is told in OpenSSL's words, or one about a certificate as if there were one. */
    static const struct {
        int alert;
        bool asked, shown;
        const char *text;
    } rows[] = {
        {SSL_AD_CERTIFICATE_REQUIRED, true, false, "asks for a client certificate"},
        {SSL_AD_HANDSHAKE_FAILURE, true, false, "asks for a client certificate"},
        {SSL_AD_HANDSHAKE_FAILURE, false, false, "no common cipher or protocol"},
        {SSL_AD_UNKNOWN_CA, true, true, "does not know the authority"},
        {SSL_AD_CERTIFICATE_EXPIRED, true, true, "the client certificate of --cert has expired"},
        {SSL_AD_BAD_CERTIFICATE, true, true, "refuses the client certificate of --cert"},
        {SSL_AD_PROTOCOL_VERSION, false, false, "refuses TLS 1.2 and 1.3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(false, 0);
        client.has_certificate = rows[i].shown;
        stream.certificate_asked = rows[i].asked;
        ERR_raise(ERR_LIB_SSL, ALERT(rows[i].alert));
        ERR_raise(ERR_LIB_SSL, RECORD_LAYER_FAILURE);
        expect(rows[i].text);
    }
}

TEST(test_first_words)
{
    /* Breaks when of a server that does not speak TLS only so much is told as OpenSSL has read: 3.0 reads all that
     * is there, later versions a record's head of five bytes. */
    static const struct {
        const char *said, *text;
    } rows[] = {{"-ERR max clients\r\n", "speaks plain RESP here (\"-ERR max clients\")"},
                {"HTTP/1.1 400 Bad\r\n", "does not speak TLS (\"HTTP/1.1 400 Bad\")"},
                {"HELLO", "does not speak TLS (\"HELLO\")"}};
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const char *said = rows[i / 2].said;
        size_t said_bytes = strlen(said);
        int pair[2];
        begin(false, 0);
        stream.first_bytes = i % 2 == 0 ? said_bytes : 5;
        memcpy(stream.first, said, stream.first_bytes);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        stream.fd = pair[0];
        ck_assert_int_eq(write(pair[1], said + stream.first_bytes, said_bytes - stream.first_bytes),
                         (ssize_t)(said_bytes - stream.first_bytes));
        ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER);
        expect(rows[i / 2].text);
        close(pair[0]);
        close(pair[1]);
    }
}

TEST(test_first_words_that_the_kernel_has_read)
{
    /* Breaks when with --ktls, where volley does not see the first bytes, OpenSSL's words are told. */
    begin(false, 0);
    stream.kernel = true;
    ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER);
    expect("what the server sends is not TLS");
}

TEST_SUITE(tls_failure)
