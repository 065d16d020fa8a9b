/* What the TLS options name is checked before anything connects, and the transport keeps its promises
 * to the event loop. The server's side is OpenSSL in this process, over a Unix socket. */
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/tls_stream.h"
#include "tests/support/check/certificates.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct temp_tree tree;
static struct test_certificates certificates;
static struct tls_options options;
static struct err err;
static struct tls_client *client;

static void set_up(void)
{
    temp_tree_make(&tree);
    test_certificates_make(&certificates, tree.path);
    memset(&options, 0, sizeof options);
    memset(&err, 0, sizeof err);
}

static void tear_down(void)
{
    tls_client_destroy(client);
    client = NULL;
    temp_tree_remove(&tree);
}

/* A path of the test's own, which lives for some calls. */
static char *next_path(void)
{
    static char paths[8][192];
    static unsigned next;
    return paths[next++ % 8];
}

static const char *pem(const char *name)
{
    return test_certificate(next_path(), 192, &certificates, name);
}

static const char *key(const char *name)
{
    return test_certificate_key(next_path(), 192, &certificates, name);
}

static const char *file(const char *name, const char *text)
{
    char *path = next_path();
    snprintf(path, 192, "/%s", name);
    temp_tree_write(&tree, path, text, 0600);
    snprintf(path, 192, "%.120s/%s", tree.path, name);
    return path;
}

static void expect_refused(const char *first, const char *second)
{
    err = (struct err){.code = OK};
    ck_assert_int_eq(tls_client_create(&client, &options, &err), E_USAGE);
    ck_assert_ptr_null(client);
    ck_assert_msg(strstr(err.text, first) != NULL && strstr(err.text, second) != NULL, "%s",
                  err.text);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    memset(&options, 0, sizeof options);
}

static void expect_created(void)
{
    ck_assert_msg(tls_client_create(&client, &options, &err) == OK, "%s", err.text);
}

static const struct suite_setting files = {.set_up = set_up, .tear_down = tear_down};

TEST_IN(files, test_authorities)
{
    /* Breaks when a file of authorities that cannot be used is noticed only at the handshake, or not
     * at all. */
    char path[192];
    options.cacert = "/nowhere/ca.pem";
    expect_refused("--cacert /nowhere/ca.pem cannot be read", "No such file");
    options.cacert = tree.path;
    expect_refused("--cacert", "Is a directory");
    options.cacert = file("text.pem", "this is no certificate\n");
    expect_refused("--cacert", "holds no certificate in PEM");
    options.cacert = file("empty.pem", "");
    expect_refused("--cacert", "holds no certificate in PEM");
    options.cacertdir = "/nowhere";
    expect_refused("--cacertdir /nowhere cannot be read", "No such file");
    options.cacertdir = tree.path;
    expect_refused("--cacertdir", "openssl rehash");
    snprintf(path, sizeof path, "%s/0123abcd.0", tree.path);
    ck_assert_int_eq(symlink("ca.pem", path), 0);
    options.cacertdir = tree.path;
    options.cacert = pem("ca");
    expect_created();
}

TEST_IN(files, test_certificate_and_key)
{
    /* Breaks when a key that is not the certificate's, or no key at all, is sent to a server. */
    options.cert = "/nowhere/cert.pem";
    options.key = key("client");
    expect_refused("--cert /nowhere/cert.pem cannot be read", "No such file");
    options.cert = key("client");
    options.key = key("client");
    expect_refused("--cert", "holds no certificate in PEM");
    options.cert = pem("client");
    options.key = "/nowhere/key.pem";
    expect_refused("--key /nowhere/key.pem cannot be read", "No such file");
    options.cert = pem("client");
    options.key = pem("client");
    expect_refused("--key", "holds no private key in PEM");
    options.cert = pem("client");
    options.key = key("server");
    expect_refused("is not the key of the certificate", "client.pem");
    options.cert = pem("client");
    options.key = key("client");
    expect_created();
}

TEST_IN(files, test_key_in_no_dump)
{
    /* Breaks when a core dump of a run with a private key holds the key, which OpenSSL keeps in memory of its
     * own; or when runs without one cannot be looked into any more. */
    expect_created();
    ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 1);
    tls_client_destroy(client);
    options.cert = pem("client");
    options.key = key("client");
    expect_created();
    ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 0);
}

TEST_IN(files, test_key_from_a_pipe)
{
    /* Breaks when a key that a shell passes on, --key <(...), loses its first byte to a check. */
    static char path[40]; /* options keeps it */
    char text[4096];
    int ends[2];
    int in = open(key("client"), O_RDONLY | O_CLOEXEC);
    ssize_t bytes = read(in, text, sizeof text);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_gt(bytes, 0);
    ck_assert_int_eq(write(ends[1], text, (size_t)bytes), bytes);
    close(in);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    options.cert = pem("client");
    options.key = path;
    expect_created();
    close(ends[0]);
}

TEST_IN(files, test_encrypted_key)
{
    /* Breaks when an encrypted key makes volley ask at a terminal, and wait there. */
    char path[192];
    FILE *in = fopen(key("client"), "re");
    ck_assert_ptr_nonnull(in);
    EVP_PKEY *plain = PEM_read_PrivateKey(in, NULL, NULL, NULL);
    fclose(in);
    snprintf(path, sizeof path, "%s/locked.pem", tree.path);
    FILE *out = fopen(path, "we");
    ck_assert_ptr_nonnull(out);
    char secret[] = "secret";
    ck_assert_int_eq(
        PEM_write_PrivateKey(out, plain, EVP_aes_128_cbc(), (unsigned char *)secret, 6, NULL, NULL),
        1);
    fclose(out);
    EVP_PKEY_free(plain);
    options.cert = pem("client");
    options.key = path;
    expect_refused("--key", "is encrypted");
}

TEST_IN(files, test_ciphers)
{
    /* Breaks when a misspelt cipher silently means another one. */
    options.ciphers = "NO-SUCH-CIPHER";
    expect_refused("--tls-ciphers NO-SUCH-CIPHER", "openssl ciphers");
    options.ciphersuites = "TLS_NO_SUCH";
    expect_refused("--tls-ciphersuites TLS_NO_SUCH", "openssl ciphers");
    options.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    options.ciphersuites = "TLS_CHACHA20_POLY1305_SHA256";
    expect_created();
}

/* --- two ends ---------------------------------------------------------------------------------- */

static SSL_CTX *server_context;
static SSL *server;
static int listener = -1, server_fd = -1;
static struct wire wire = {.fd = -1};
static struct target_address address;

static void listen_here(void)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    snprintf(path.sun_path, sizeof path.sun_path, "%.90s/s", tree.path);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (const struct sockaddr *)&path, sizeof path), 0);
    ck_assert_int_eq(listen(listener, 5), 0);
    memcpy(&address.address, &path, sizeof path);
    address.address_bytes = sizeof path;
    snprintf(address.host, sizeof address.host, "localhost");
    snprintf(address.text, sizeof address.text, "a Unix socket");
}

static void connect_wire(void)
{
    const struct wire_setup setup = {.tls = client};
    int sys_errno;
    ck_assert_int_eq(transport_tls.connect(&wire, &setup, &address, NULL, &sys_errno), IO_DONE);
    struct sockaddr_un peer;
    socklen_t peer_bytes = sizeof peer;
    server_fd = accept4(listener, (struct sockaddr *)&peer, &peer_bytes, SOCK_NONBLOCK);
    ck_assert_int_ge(server_fd, 0);
}

static void begin_server(const char *name)
{
    if (server_context == NULL)
        server_context = SSL_CTX_new(TLS_server_method());
    ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(server_context, pem(name)), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(server_context, key(name), SSL_FILETYPE_PEM), 1);
    server = SSL_new(server_context);
    SSL_set_fd(server, server_fd);
    SSL_set_accept_state(server);
}

/* Both sides in turn, until the client's is done or has failed. */
static enum io_status shake_hands(void)
{
    enum io_status status = IO_AGAIN;
    bool wants_write;
    for (int i = 0; i < 20 && status == IO_AGAIN; i++) {
        status = transport_tls.handshake(&wire, &wants_write, &err);
        (void)SSL_do_handshake(server);
    }
    ERR_clear_error();
    return status;
}

/* With the whole of a connection: client options as in options, server certificate by name. */
static enum io_status open_pair(const char *name)
{
    if (options.cacertdir == NULL)
        options.cacert = pem("ca");
    if (client == NULL)
        expect_created();
    if (listener < 0)
        listen_here();
    connect_wire();
    begin_server(name);
    return shake_hands();
}

static void close_pair(void)
{
    SSL_free(server);
    server = NULL;
    if (server_fd >= 0)
        close(server_fd);
    server_fd = -1;
    if (wire.fd >= 0)
        transport_tls.close(&wire);
}

static void tear_down_pair(void)
{
    close_pair();
    SSL_CTX_free(server_context);
    server_context = NULL;
    close(listener);
    listener = -1;
    tear_down();
}

static void expect_failure(const char *name, const char *text)
{
    err = (struct err){.code = OK};
    ck_assert_int_eq(open_pair(name), IO_FAILED);
    ck_assert_int_eq(err.code, E_CONNECT);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    close_pair();
}

TEST(test_certificates_are_checked)
{
    /* Breaks when a certificate is trusted that must not be, or its fault is not named. */
    expect_failure("expired", "has expired: it was valid until");
    expect_failure("future", "is not yet valid");
    expect_failure("elsewhere", "is for elsewhere.example, not for localhost");
    expect_failure("stranger", "give its certificate with --cacert");
    ck_assert_int_eq(open_pair("server"), IO_DONE);
    ck_assert_str_eq(tls_version(&wire), "TLSv1.3");
    ck_assert(tls_is_verified(&wire));
}

TEST(test_a_name_of_its_own)
{
    /* Breaks when --sni is not what the certificate must hold, or is not what the server is asked. */
    options.sni = "elsewhere.example";
    ck_assert_int_eq(open_pair("elsewhere"), IO_DONE);
    ck_assert_str_eq(SSL_get_servername(server, TLSEXT_NAMETYPE_host_name), "elsewhere.example");
    close_pair();
    expect_failure("server", "is for localhost, 127.0.0.1, 0:0:0:0:0:0:0:1, not for elsewhere");
}

TEST(test_an_address_is_no_name)
{
    /* Breaks when a server is asked for a name that is an address, which the standard forbids, or
     * the address is not checked. */
    listen_here();
    snprintf(address.host, sizeof address.host, "127.0.0.1");
    ck_assert_int_eq(open_pair("server"), IO_DONE);
    ck_assert_ptr_null(SSL_get_servername(server, TLSEXT_NAMETYPE_host_name));
    close_pair();
    snprintf(address.host, sizeof address.host, "127.0.0.2");
    expect_failure("server", "not for 127.0.0.2");
}

TEST(test_directory_of_authorities)
{
    /* Breaks when the authorities of --cacertdir are not those that are trusted. */
    char path[192];
    FILE *in = fopen(pem("ca"), "re");
    ck_assert_ptr_nonnull(in);
    X509 *authority = PEM_read_X509(in, NULL, NULL, NULL);
    fclose(in);
    snprintf(path, sizeof path, "%s/%08lx.0", tree.path, X509_subject_name_hash(authority));
    X509_free(authority);
    ck_assert_int_eq(symlink("ca.pem", path), 0);
    options.cacertdir = tree.path;
    ck_assert_int_eq(open_pair("server"), IO_DONE);
    close_pair();
    expect_failure("stranger", "give its certificate with --cacert");
}

TEST(test_insecure)
{
    /* Breaks when --insecure still checks, or a check is skipped without it. */
    options.insecure = true;
    ck_assert_int_eq(open_pair("expired"), IO_DONE);
    ck_assert(!tls_is_verified(&wire));
}

/* A server that offers what needs no certificate. */
static void offer_anonymous(const char *ciphers)
{
    server_context = SSL_CTX_new(TLS_server_method());
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(server_context, TLS1_2_VERSION), 1);
    ck_assert_int_eq(SSL_CTX_set_cipher_list(server_context, ciphers), 1);
    ck_assert_int_eq(SSL_CTX_set_dh_auto(server_context, 1), 1);
}

TEST(test_anonymous_ciphers)
{
    /* Breaks when a connection without a certificate, or without encryption, counts as checked: anybody may
     * be on the other end, and gets the password. */
    options.ciphers = "aNULL:@SECLEVEL=0";
    expect_refused("--tls-ciphers aNULL:@SECLEVEL=0 names only ciphers without a certificate",
                   "--insecure");
    options.ciphers = "eNULL:@SECLEVEL=0";
    expect_refused("or without encryption", "--insecure");
    for (int i = 0; i < 2; i++) {
        options.ciphers = "ALL:eNULL:@SECLEVEL=0";
        offer_anonymous(i == 0 ? "aNULL:@SECLEVEL=0" : "eNULL:!aNULL:@SECLEVEL=0");
        expect_failure("server", "the server found no common cipher");
        SSL_CTX_free(server_context);
        server_context = NULL;
        tls_client_destroy(client);
        client = NULL;
    }
    /* OpenSSL's own configuration may offer them all the same */
    options.ciphers = "HIGH:@SECLEVEL=0";
    expect_created();
    ck_assert_int_eq(SSL_CTX_set_cipher_list(client->context, "aNULL:@SECLEVEL=0"), 1);
    offer_anonymous("aNULL:@SECLEVEL=0");
    expect_failure("server", "shows no certificate that was checked");
    tls_client_destroy(client);
    client = NULL;
    options.insecure = true;
    options.ciphers = "aNULL:@SECLEVEL=0";
    ck_assert_int_eq(open_pair("server"), IO_DONE);
    ck_assert(!tls_is_verified(&wire));
}

TEST(test_not_tls)
{
    /* Breaks when an answer that is not TLS gives OpenSSL's words, which help nobody. */
    static const char *const answers[][2] = {
        {"-ERR unknown command\r\n", "leave out --tls"},
        {"+PONG\r\n", "leave out --tls"},
        {"HTTP/1.1 400 Bad Request\r\n", "does not speak TLS (\"HTTP/1.1"},
        {"\x01\x02\x03\x04\x05\x06", "does not speak TLS"},
        {"", "closed the connection; is it a TLS port?"},
    };
    bool wants_write;
    options.cacert = pem("ca");
    expect_created();
    listen_here();
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        size_t bytes = strlen(answers[i][0]);
        connect_wire();
        ck_assert_int_eq(transport_tls.handshake(&wire, &wants_write, &err), IO_AGAIN);
        ck_assert_int_eq(write(server_fd, answers[i][0], bytes), (ssize_t)bytes);
        close(server_fd);
        err = (struct err){.code = OK};
        ck_assert_int_eq(transport_tls.handshake(&wire, &wants_write, &err), IO_FAILED);
        ck_assert_msg(strstr(err.text, answers[i][1]) != NULL, "%s", err.text);
        transport_tls.close(&wire);
    }
    server_fd = -1;
}

#define LARGE_BYTES (3u << 20)

static char *large_text(void)
{
    char *text = malloc(LARGE_BYTES);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        text[i] = (char)(i * 31 + i / 4096);
    return text;
}

/* Sends a large text through a small socket; the other end reads only when nothing moves. */
static void send_large(void)
{
    char *text = large_text(), *got = malloc(LARGE_BYTES);
    size_t sent = 0, received = 0;
    int sys_errno, small = 4096;
    bool unflushed = false;
    setsockopt(wire.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    while (received < LARGE_BYTES) {
        size_t taken = 0, count = 0;
        enum io_status status = IO_AGAIN;
        if (sent < LARGE_BYTES)
            status =
                transport_tls.write(&wire, text + sent, LARGE_BYTES - sent, &taken, &sys_errno);
        else if (wire.unflushed)
            status = transport_tls.flush(&wire, &sys_errno);
        ck_assert(status == IO_DONE || status == IO_AGAIN);
        ck_assert(status == IO_DONE || taken == 0);
        sent += taken;
        unflushed |= wire.unflushed;
        while (SSL_read_ex(server, got + received, LARGE_BYTES - received, &count) == 1)
            received += count;
        ERR_clear_error();
    }
    ck_assert(unflushed);
    ck_assert(!wire.unflushed);
    ck_assert_mem_eq(text, got, LARGE_BYTES);
    free(text);
    free(got);
}

LOOP_TEST(test_writes_are_whole, 3)
{
    /* Breaks when a record that the socket has no room for is lost, doubled, or asked for again; with
     * the kernel's TLS, too, though OpenSSL falls back to its own where the kernel has none. */
    if (_i == 2)
        SSL_CTX_set_max_proto_version(server_context = SSL_CTX_new(TLS_server_method()),
                                      TLS1_2_VERSION);
    options.cacert = pem("ca");
    expect_created();
    client->kernel = client->kernel_asked = _i == 1;
    ck_assert_int_eq(open_pair("server"), IO_DONE);
    ck_assert_str_eq(tls_version(&wire), _i == 2 ? "TLSv1.2" : "TLSv1.3");
    ck_assert((tls_kernel_state(&wire) != NULL) == (_i == 1));
    send_large();
}

LOOP_TEST(test_reads_take_everything, 2)
{
    /* Breaks when a read leaves something that no edge will announce: records behind the first one, or
     * bytes that OpenSSL holds. */
    char out[600], in[65536];
    size_t total = 0, got;
    int sys_errno;
    options.cacert = pem("ca");
    expect_created();
    client->kernel = client->kernel_asked = _i == 1;
    ck_assert_int_eq(open_pair("server"), IO_DONE);
    memset(out, 'x', sizeof out);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(SSL_write(server, out, sizeof out), (int)sizeof out);
    ck_assert_int_eq(transport_tls.read(&wire, in, sizeof in, &got, &sys_errno), IO_DONE);
    ck_assert_uint_eq(got, 50 * sizeof out);
    ck_assert_int_eq(transport_tls.read(&wire, in, sizeof in, &got, &sys_errno), IO_AGAIN);
    /* A buffer that is smaller than a record is filled, and what is left comes with the next. */
    ck_assert_int_eq(SSL_write(server, out, sizeof out), (int)sizeof out);
    ck_assert_int_eq(SSL_write(server, out, sizeof out), (int)sizeof out);
    while (transport_tls.read(&wire, in, 250, &got, &sys_errno) == IO_DONE)
        total += got;
    ck_assert_uint_eq(total, 2 * sizeof out);
}

LOOP_TEST(test_the_end_behind_bytes, 2)
{
    /* Breaks when the end of a stream that comes with its last bytes is forgotten. */
    char in[4096];
    size_t got;
    int sys_errno;
    ck_assert_int_eq(open_pair("server"), IO_DONE);
    ck_assert_int_eq(SSL_write(server, "last", 4), 4);
    if (_i == 0)
        SSL_shutdown(server);
    close(server_fd);
    server_fd = -1;
    ck_assert_int_eq(transport_tls.read(&wire, in, sizeof in, &got, &sys_errno), IO_DONE);
    ck_assert_uint_eq(got, 4);
    ck_assert_int_eq(transport_tls.read(&wire, in, sizeof in, &got, &sys_errno), IO_CLOSED);
    ck_assert_int_eq(transport_tls.read(&wire, in, sizeof in, &got, &sys_errno), IO_CLOSED);
}

TEST(test_rubbish_behind_the_handshake)
{
    /* Breaks when a broken record is taken for "nothing there", and its connection waits for ever. */
    char in[4096];
    size_t got;
    int sys_errno;
    ck_assert_int_eq(open_pair("server"), IO_DONE);
    ck_assert_int_eq(SSL_write(server, "good", 4), 4);
    ck_assert_int_eq(write(server_fd, "\x17\x03\x03\x00\x1d and this is no record at all", 34), 34);
    ck_assert_int_eq(transport_tls.read(&wire, in, sizeof in, &got, &sys_errno), IO_DONE);
    ck_assert_int_eq(transport_tls.read(&wire, in, sizeof in, &got, &sys_errno), IO_FAILED);
    ck_assert_int_eq(sys_errno, EPROTO);
    ck_assert_ptr_nonnull(tls_failure(&wire));
}

LOOP_TEST(test_sessions_are_resumed, 4)
{
    /* Breaks when --tls-resume does nothing, resumes what it must not, or without it happens anyway. */
    char in[4096];
    size_t got;
    int sys_errno;
    if (_i % 2 == 1)
        SSL_CTX_set_max_proto_version(server_context = SSL_CTX_new(TLS_server_method()),
                                      TLS1_2_VERSION);
    options.resume = _i < 2;
    for (int round = 0; round < 4; round++) {
        ck_assert_int_eq(open_pair("server"), IO_DONE);
        ck_assert_int_eq(tls_resumed(&wire), options.resume && round > 0);
        ck_assert_int_eq(SSL_write(server, "x", 1), 1); /* with TLS 1.3 the session comes late */
        ck_assert_int_eq(transport_tls.read(&wire, in, sizeof in, &got, &sys_errno), IO_DONE);
        close_pair();
    }
    /* No new session has come with this one: the last one serves again. */
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(open_pair("server"), IO_DONE);
        ck_assert_int_eq(tls_resumed(&wire), options.resume);
        close_pair();
    }
    snprintf(address.text, sizeof address.text, "another server");
    ck_assert_int_eq(open_pair("server"), IO_DONE);
    ck_assert(!tls_resumed(&wire));
}

TEST_IN(files, test_advice_for_plain)
{
    /* Breaks when a plain connection to a TLS port gets no hint, or a RESP server a wrong one. */
    ck_assert_ptr_nonnull(strstr(tls_advice_for_plain("\x15\x03\x01", 3), "give --tls"));
    ck_assert_ptr_nonnull(strstr(tls_advice_for_plain("", 0), "give --tls"));
    ck_assert_ptr_null(tls_advice_for_plain("+PONG\r\n", 7));
}

TEST_SUITE_WITH(tls_client, .set_up = set_up, .tear_down = tear_down_pair)
