#include "orchestrator/server/managed_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/rng.h"
#include "orchestrator/machine/local_ports.h"
#include "orchestrator/machine/port_owner.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/reply_value.h"

#define READY_TIMEOUT_NS (30 * NS_PER_SECOND)
#define STOP_TIMEOUT_NS (10 * NS_PER_SECOND)
#define PROBE_TIMEOUT_NS NS_PER_SECOND
#define POLL_NS (10 * NS_PER_MS)
#define PORT_ATTEMPTS 5
#define PORT_PROBES 200

static void pause_ns(uint64_t duration_ns)
{
    struct timespec pause = {.tv_sec = (time_t)(duration_ns / NS_PER_SECOND),
                             .tv_nsec = (long)(duration_ns % NS_PER_SECOND)};
    (void)nanosleep(&pause, NULL); /* an interrupt shortens it, which is what is wanted */
}

/* ---- where ---- */

/* Takes a port, 0: any, for a moment. Returns it, 0: it is taken, and errno tells. again: connections of a server that was
 * there before, and that the kernel has not forgotten yet, do not count, as they do not for a server. */
static uint16_t probe_port(uint16_t port, int again)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    bool found = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again) == 0 &&
                 bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address, &address_bytes) == 0;
    int sys_errno = errno;
    close(fd);
    errno = sys_errno;
    return found ? ntohs(address.sin_port) : 0;
}

/* A port nobody listens on now; somebody may by the time the server does, see PORT_ATTEMPTS. Where the system lets
 * it be, one that no connection is given while a server that is to be started again is down. */
static enum err_code find_free_port(uint16_t *port, bool cluster, struct err *err)
{
    /* Nobody listens, yet, on one that was found a moment ago: each is another one. */
    static uint64_t drawn;
    struct local_ports ports;
    int sys_errno = EADDRINUSE;
    local_ports_read(&ports, "");
    const uint32_t count = local_ports_for_servers(&ports, cluster ? MANAGED_BUS_OFFSET : 0);
    const uint64_t start = rng_mix((uint64_t)getpid());
    for (uint32_t attempt = 0; attempt < PORT_PROBES; attempt++) {
        *port =
            probe_port(count == 0 ? 0 : LOCAL_PORTS_SERVERS_FIRST + (start + drawn++) % count, 0);
        if (*port == 0)
            sys_errno = errno;
        else if (!cluster || (*port <= UINT16_MAX - MANAGED_BUS_OFFSET &&
                              probe_port((uint16_t)(*port + MANAGED_BUS_OFFSET), 0) != 0))
            return OK;
    }
    return err_set_errno(err, E_SYSTEM, sys_errno, "cannot find a free port on 127.0.0.1");
}

/* ---- waiting for it ---- */

#define OUTPUT_TAIL_BYTES 4096u

/* The end of what the server printed, terminated. Returns its length. */
static size_t read_output(char text[OUTPUT_TAIL_BYTES], const struct managed_server *server)
{
    char path[sizeof server->directory.path + sizeof SERVER_OUTPUT_NAME];
    snprintf(path, sizeof path, "%s/" SERVER_OUTPUT_NAME, server->directory.path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t filled = 0;
    if (fd >= 0) {
        off_t size = lseek(fd, 0, SEEK_END);
        off_t from = size > (off_t)OUTPUT_TAIL_BYTES - 1 ? size - (off_t)OUTPUT_TAIL_BYTES + 1 : 0;
        filled = pread(fd, text, OUTPUT_TAIL_BYTES - 1, from);
        close(fd);
    }
    size_t text_bytes = filled > 0 ? (size_t)filled : 0;
    while (text_bytes > 0 && text[text_bytes - 1] == '\n')
        text_bytes--;
    text[text_bytes] = '\0';
    return text_bytes;
}

/* The last three lines that the server printed, as one line, cut at their front. */
static void last_lines(char *lines, size_t lines_bytes, const struct managed_server *server)
{
    char output[OUTPUT_TAIL_BYTES];
    size_t end = read_output(output, server);
    size_t start = end;
    for (uint32_t count = 0; start > 0; start--)
        if (output[start - 1] == '\n' && ++count == 3)
            break;
    if (end - start >= lines_bytes)
        start = end - (lines_bytes - 1);
    memcpy(lines, output + start, end - start + 1);
    for (char *at = lines; *at != '\0'; at++)
        if ((unsigned char)*at < ' ')
            *at = *at == '\n' ? '|' : ' ';
}

#define KEPT_BYTES (1 << 20)

/* It writes at the end of the file, whatever that is: the blocks of the beginning are given back to the file system, or all of
 * the file where it cannot take them. */
static void bound_output(struct managed_server *server)
{
    char path[sizeof server->directory.path + sizeof SERVER_OUTPUT_NAME];
    struct stat about;
    snprintf(path, sizeof path, "%s/" SERVER_OUTPUT_NAME, server->directory.path);
    if (server->directory.path[0] == '\0' || stat(path, &about) != 0)
        return;
    if (about.st_size < server->output_dropped_bytes) /* another process has begun it anew */
        server->output_dropped_bytes = 0;
    if (about.st_size - server->output_dropped_bytes <= MANAGED_OUTPUT_BYTES_MAX)
        return;
    const int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    const off_t end = about.st_size - KEPT_BYTES;
    if (fd < 0)
        return;
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, end) == 0)
        server->output_dropped_bytes = end;
    else if (ftruncate(fd, 0) == 0)
        server->output_dropped_bytes = 0;
    close(fd);
}

bool managed_server_died(struct managed_server *server, char *text, size_t text_bytes)
{
    char lines[260], how[40];
    const struct child *process = &server->process;
    bound_output(server);
    if (!child_gone(&server->process) || process->end == CHILD_END_UNKNOWN || server->end_expected)
        return false;
    server->end_expected = true; /* it is said once */
    last_lines(lines, sizeof lines, server);
    const bool killed = process->end == CHILD_KILLED;
    snprintf(text, text_bytes, "%s on port %u %s%s%s%s%s%s", server->setup.program.path,
             server->port, child_describe(how, sizeof how, process), killed ? " (" : "",
             killed ? strsignal(process->number) : "", killed ? ")" : "",
             lines[0] != '\0' ? "; it said last: " : "", lines);
    return true;
}

enum err_code managed_server_copy_log(const struct managed_server *server, FILE *file,
                                      struct err *err)
{
    char path[sizeof server->directory.path + sizeof SERVER_OUTPUT_NAME], part[4096];
    snprintf(path, sizeof path, "%s/" SERVER_OUTPUT_NAME, server->directory.path);
    const int fd = server->directory.path[0] != '\0' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return OK;
    const off_t size = lseek(fd, 0, SEEK_END);
    (void)lseek(fd, size > KEPT_BYTES ? size - KEPT_BYTES : 0, SEEK_SET);
    ssize_t bytes;
    while ((bytes = read(fd, part, sizeof part)) > 0)
        (void)fwrite(part, 1, (size_t)bytes, file);
    close(fd);
    return fflush(file) == 0 && !ferror(file)
               ? OK
               : err_set_errno(err, E_SYSTEM, errno, "the server's log cannot be written");
}

static bool port_was_taken(const struct managed_server *server)
{
    char output[OUTPUT_TAIL_BYTES];
    return read_output(output, server) > 0 && (strstr(output, "Address already in use") != NULL ||
                                               strstr(output, "Failed listening on port") != NULL);
}

void managed_server_address(struct endpoint *endpoint, const struct managed_server *server)
{
    *endpoint = (struct endpoint){.host = "127.0.0.1",
                                  .port = server->port,
                                  .password = server->setup.password,
                                  .tls.wanted = server->setup.certificates != NULL,
                                  .tls_client = server->setup.tls_client,
                                  .connection_timeout_ns = PROBE_TIMEOUT_NS,
                                  .wait_ready_ns = READY_TIMEOUT_NS};
}

/* True when our own child, or a child of it, not a stranger who was quicker to take the port, answers PING. */
static bool answers(const struct managed_server *server, const volatile int *interrupted,
                    int64_t *stranger)
{
    struct endpoint probe;
    struct control *control;
    struct target_address target;
    struct err ignored = {.code = OK};
    char *info = NULL;
    managed_server_address(&probe, server);
    /* What a user has named may be a script that changes the user; a server of ours does not. */
    *stranger = -1;
    if (!server->setup.program.named && !port_is_ours(server->port, "", stranger))
        return false;
    if (control_connect(&control, &target, &probe, interrupted, &ignored) != OK)
        return false;
    bool ours = false;
    control_aside_begin();
    if (control_info(control, &info, &ignored) == OK) {
        uint64_t pid;
        /* or what a script has started, which is then of our child's group */
        ours = info_number(&pid, info, "process_id", INT32_MAX) && pid > 0 &&
               ((pid_t)pid == server->process.pid || getpgid((pid_t)pid) == server->process.pid);
    }
    free(info);
    control_close(control);
    return ours;
}

static enum err_code wait_ready(struct managed_server *server, const volatile int *interrupted,
                                bool *port_taken, struct err *err)
{
    uint64_t deadline_ns = clock_now_ns() + READY_TIMEOUT_NS;
    char lines[260], how[40];
    int64_t stranger;
    *port_taken = false;
    for (;;) {
        if (interrupted != NULL && *interrupted != 0)
            return err_set(err, E_INTERRUPTED, "interrupted while %s started",
                           server->setup.program.path);
        if (child_gone(&server->process)) {
            *port_taken = port_was_taken(server);
            last_lines(lines, sizeof lines, server);
            return err_set(err, E_CONNECT, "%s %s as it started: %s", server->setup.program.path,
                           child_describe(how, sizeof how, &server->process), lines);
        }
        bound_output(server);
        if (answers(server, interrupted, &stranger))
            return OK;
        if (clock_now_ns() >= deadline_ns) {
            last_lines(lines, sizeof lines, server);
            if (stranger >= 0)
                return err_set(
                    err, E_CONNECT, "%s is not alone on port %u: user %lld listens there, too: %s",
                    server->setup.program.path, server->port, (long long)stranger, lines);
            return err_set(err, E_CONNECT, "%s did not answer PING on port %u within 30s: %s",
                           server->setup.program.path, server->port, lines);
        }
        pause_ns(POLL_NS);
    }
}

/* The port that it is to have. */
static enum err_code take_port(struct managed_server *server, struct err *err)
{
    const uint16_t port = server->setup.ports[0];
    server->port = port;
    if (server->setup.cluster && port > UINT16_MAX - MANAGED_BUS_OFFSET)
        return err_set(err, E_USAGE,
                       "port %u: a node of a cluster needs one that is %u higher, too", port,
                       MANAGED_BUS_OFFSET);
    if (probe_port(port, 1) != 0 &&
        (!server->setup.cluster || probe_port((uint16_t)(port + MANAGED_BUS_OFFSET), 1) != 0))
        return OK;
    return err_set_errno(
        err, E_CONNECT, errno,
        "port %u%s of 127.0.0.1 is not free: end what listens there, or take another one", port,
        server->setup.cluster ? ", or its second one," : "");
}

/* A port, and a process that is to listen there. */
static enum err_code settle_port(struct managed_server *server, struct err *err)
{
    enum err_code code = server->setup.ports != NULL
                             ? take_port(server, err)
                             : find_free_port(&server->port, server->setup.cluster, err);
    return code == OK ? server_process_spawn(server, err) : code;
}

enum err_code managed_server_launch(struct managed_server *server,
                                    const struct managed_server_setup *setup, struct err *err)
{
    *server = (struct managed_server){.setup = *setup};
    struct server_program *program = &server->setup.program;
    enum err_code code =
        program->path[0] == '\0' ? provider_obtain(program, &provider_path, NULL, err) : OK;
    if (code == OK)
        code = private_directory_make(&server->directory, MANAGED_DIRECTORY_PREFIX,
                                      "the managed server", err);
    if (code == OK && server->setup.password != NULL)
        code = server_process_hide_password(server, server->setup.password, err);
    return code == OK ? settle_port(server, err) : code;
}

enum err_code managed_server_await(struct managed_server *server, const volatile int *interrupted,
                                   struct err *err)
{
    for (uint32_t attempt = 1;; attempt++) {
        struct err start_err = {.code = OK};
        bool port_taken = false;
        enum err_code code = wait_ready(server, interrupted, &port_taken, &start_err);
        if (code != OK && port_taken && attempt < PORT_ATTEMPTS) {
            start_err = (struct err){.code = OK};
            code = settle_port(server, &start_err);
            if (code == OK)
                continue;
        }
        return code == OK ? OK : err_set(err, code, "%s", start_err.text);
    }
}

enum err_code managed_server_start(struct managed_server *server,
                                   const struct managed_server_setup *setup,
                                   const volatile int *interrupted, struct err *err)
{
    enum err_code code = managed_server_launch(server, setup, err);
    if (code == OK)
        code = managed_server_await(server, interrupted, err);
    if (code != OK)
        managed_server_stop(server);
    return code;
}

enum err_code managed_server_relaunch(struct managed_server *server, struct err *err)
{
    return server_process_spawn(server, err);
}

void managed_server_stop(struct managed_server *server)
{
    struct child *process = &server->process;
    const pid_t group = process->pid;
    if (!child_gone(process)) {
        server->end_expected = true;
        child_tell(process, SIGTERM);
        child_tell(process, SIGCONT); /* it may have been stopped, and deaf */
        if (!child_gone_within(process, STOP_TIMEOUT_NS)) {
            child_tell(process, SIGKILL);
            (void)child_gone_within(process, STOP_TIMEOUT_NS);
        }
        (void)kill(-group, SIGKILL); /* what a script that started the server has left behind */
    }
    process->pid = 0;
    private_directory_remove(&server->directory);
}
