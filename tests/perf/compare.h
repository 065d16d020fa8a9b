/* What compare (compare.c) is made of: processes on chosen CPUs, and a server to load. */
#ifndef TESTS_PERF_COMPARE_H
#define TESTS_PERF_COMPARE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

#define ARGS_MAX 48
#define ARG_BYTES 256

/* An argument list that owns its text; terminated by NULL. */
struct command {
    char text[ARGS_MAX][ARG_BYTES];
    char *argv[ARGS_MAX + 1];
    uint32_t argc;
};
/* Appends one argument; too long or too many ends up cut and is noticed when the program refuses it. */
void command_add(struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);

struct cost {
    double cpu_us;              /* of one request: user and system, children included */
    double requests_per_second; /* by the wall clock, start and end of the program included */
};

/* The CPUs to use: the first two that this process may run on; -1 when there is only one. */
struct placement {
    int server_cpu;
    int client_cpu;
};
void placement_choose(struct placement *placement);

/* Set by SIGINT and SIGTERM: everything below returns soon after. */
extern volatile int compare_interrupted;

/* A program, by full path, to be started with its output in log_path. It dies with this process. */
struct spawn {
    const struct command *command;
    const char *log_path;
    int cpu;              /* -1: any                                     */
    unsigned seconds_max; /* ended after so long; 0: never               */
    bool own_session;     /* a Ctrl+C at the terminal does not reach it  */
};
pid_t process_spawn(const struct spawn *spawn); /* -1 and errno on failure */

/* Runs a client to its end on a CPU, its output in log_path, and divides the CPU time it took by
 * requests. A client that takes longer than CLIENT_SECONDS_MAX is ended. E_FAILED with the last lines of its output
 * when it fails. */
#define CLIENT_SECONDS_MAX 300
MUST_USE enum err_code client_run(struct cost *cost, const struct command *command, int cpu,
                                  uint64_t requests, const char *log_path, struct err *err);

/* A private server on a free loopback port without persistence; dies with this process. */
struct server {
    pid_t pid;
    uint16_t port;
    uint16_t tls_port; /* 0: it speaks no TLS */
    char program[256];
    char directory[64]; /* for logs too; removed by server_stop */
};
MUST_USE enum err_code server_start(struct server *server, int cpu, struct err *err);
/* One that speaks TLS, too, with certificates made for it: clients trust SERVER_AUTHORITY in its directory. */
#define SERVER_AUTHORITY "ca.pem"
MUST_USE enum err_code server_start_tls(struct server *server, int cpu, struct err *err);
void server_stop(struct server *server); /* safe when none is running */

/* Writes keys key:000000000000 .. with values of value_bytes; plain also writes key:0 .. without the
 * zeros, which is how memtier_benchmark names them. */
MUST_USE enum err_code server_fill(const struct server *server, uint64_t keys, uint64_t value_bytes,
                                   bool plain, struct err *err);

/* Path of a program, looked up in PATH; false when there is none. */
bool program_find(char *path, size_t path_bytes, const char *name);

#endif
