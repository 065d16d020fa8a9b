/* A real server for one test: valkey-server or redis-server from PATH, on a free loopback port or on
 * a Unix socket only, without persistence, in a temporary directory. It dies with the test. Whatever
 * goes wrong here fails the test with the server's last lines. */
#ifndef TESTS_SUPPORT_SERVER_H
#define TESTS_SUPPORT_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/check/certificates.h"

#define TEST_SERVER_ARGS_MAX 48

struct test_server_options {
    const char *const *args; /* more options, as on its command line, NULL behind the last */
    const char *password;    /* --requirepass; the helpers below log in with it             */
    bool unix_socket;        /* also listens on socket_path                                 */
    bool no_tcp;             /* on socket_path only; port is 0                              */
    bool cluster;            /* --cluster-enabled; the port plus 10000 is free as well      */
    const char *config_path; /* its configuration file; NULL: none                          */
    const struct test_certificates *certificates; /* also listens with TLS on tls_port      */
    const char *certificate;                      /* NULL: "server"                         */
    bool asks_for_certificate;                    /* of clients                             */
};

struct test_server {
    pid_t pid; /* 0: not running */
    uint16_t port;
    char port_text[8];
    uint16_t tls_port; /* 0: none */
    char tls_port_text[8];
    char directory[64];
    char socket_path[80]; /* "" when there is none */
    bool stopped;
    int kept_fd;                        /* keeps the port of one that was killed; 0: none */
    struct test_server_options options; /* what options point to must outlive the server */
};

/* Waits until PING is answered, 20 s at most. options may be NULL. */
void test_server_start(struct test_server *server, const struct test_server_options *options);
/* SIGTERM, SIGKILL when it takes longer than 10 s; removes the directory. Safe when not running. */
void test_server_stop(struct test_server *server);
/* kill -9; the port and the directory stay for test_server_restart: meanwhile connections are refused there, and no other
 * server of a test that runs beside this one answers in its place. */
void test_server_kill(struct test_server *server);
/* Starts it again, empty, on the same port and socket path; stops it first when it runs. */
void test_server_restart(struct test_server *server);
/* SIGSTOP and SIGCONT. When pause returns, it has stopped. */
void test_server_pause(struct test_server *server);
void test_server_resume(struct test_server *server);

#define TEST_SERVER_FORMAT __attribute__((format(printf, 2, 3)))

/* One command on a connection of its own, in hiredis's format: "SET %s %b". Arguments are separated
 * by spaces. Fails the test unless the reply is an integer. */
long long test_server_integer(const struct test_server *server, const char *format,
                              ...) TEST_SERVER_FORMAT;
/* The same for a status, a string, or the text of an error; a null is NULL. The caller frees. */
char *test_server_text(const struct test_server *server, const char *format,
                       ...) TEST_SERVER_FORMAT;
/* A number of INFO, such as "connected_clients" or "total_commands_processed". */
long long test_server_info(const struct test_server *server, const char *field);
/* "cmdstat_get" and the like: calls of one command (lower case), 0 when it was never called. */
long long test_server_calls(const struct test_server *server, const char *command);

#endif
