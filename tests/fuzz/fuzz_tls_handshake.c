/* libFuzzer target: whatever a server sends in place of TLS, or in the middle of it, the client's wire
 * says in its four words what came of it; a failure has a sentence, and nothing is left in OpenSSL's
 * queue of errors, where the next connection would find it. The first byte chooses whether the
 * certificate is checked and how the rest, the server's side of the stream, is cut.
 * Links common/transport_tls.c, tls_client.c and tls_failure.c. */
#include <openssl/err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/transport_tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static struct tls_client *clients[2]; /* that check, and that do not */
static struct target_address address = {.host = "localhost", .text = "the fuzzer"};
static int listener = -1;

/* An abstract socket of this process: nothing is left behind. */
static void set_up(void)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    snprintf(path.sun_path + 1, sizeof path.sun_path - 1, "volley-fuzz-tls-%d", (int)getpid());
    memcpy(&address.address, &path, sizeof path);
    address.address_bytes = sizeof path;
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (const struct sockaddr *)&path, sizeof path) != 0 ||
        listen(listener, 1) != 0)
        abort();
    for (int i = 0; i < 2; i++) {
        const struct tls_options options = {.wanted = true, .insecure = i == 1, .resume = true};
        if (tls_client_create(&clients[i], &options, NULL) != OK)
            abort();
    }
}

static void check_queue(void)
{
    if (ERR_peek_error() != 0)
        abort();
}

/* False: the wire has failed. */
static bool go_on(struct wire *wire, bool *established)
{
    char buffer[64];
    size_t count = 0;
    int sys_errno = 0;
    bool wants_write;
    struct err err = {.code = OK};
    enum io_status status;
    if (!*established) {
        status = transport_tls.handshake(wire, &wants_write, &err);
        check_queue();
        *established = status == IO_DONE;
        if (status == IO_FAILED && (err.code != E_CONNECT || err.text[0] == '\0'))
            abort();
        return status == IO_DONE || status == IO_AGAIN;
    }
    status = transport_tls.write(wire, "PING\r\n", 6, &count, &sys_errno);
    check_queue();
    if (status == IO_DONE && wire->unflushed)
        status = transport_tls.flush(wire, &sys_errno);
    if (status == IO_DONE || status == IO_AGAIN)
        status = transport_tls.read(wire, buffer, sizeof buffer, &count, &sys_errno);
    check_queue();
    if (count > sizeof buffer)
        abort();
    return status == IO_DONE || status == IO_AGAIN;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct wire wire = {.fd = -1};
    int sys_errno = 0;
    bool established = false;
    if (listener < 0)
        set_up();
    if (input_bytes == 0)
        return 0;
    const struct wire_setup setup = {.tls = clients[input[0] & 1]};
    size_t cut_bytes = input[0] < 2 ? input_bytes : (size_t)input[0] * 8;
    if (transport_tls.connect(&wire, &setup, &address, NULL, &sys_errno) != IO_DONE)
        abort();
    struct sockaddr_un peer;
    socklen_t peer_bytes = sizeof peer;
    int server_fd =
        accept4(listener, (struct sockaddr *)&peer, &peer_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    bool alive = go_on(&wire, &established);
    for (size_t at = 1; at < input_bytes && alive; at += cut_bytes) {
        size_t left_bytes = input_bytes - at;
        (void)!write(server_fd, input + at, left_bytes < cut_bytes ? left_bytes : cut_bytes);
        alive = go_on(&wire, &established);
    }
    close(server_fd);
    while (alive)
        alive = go_on(&wire, &established);
    (void)tls_failure(&wire);
    check_queue();
    transport_tls.close(&wire);
    return 0;
}
