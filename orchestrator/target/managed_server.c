#include "orchestrator/target/managed_server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/fleet/cpu_order.h"
#include "orchestrator/target/control.h"

#define READY_TIMEOUT_NS (30 * NS_PER_SECOND)
#define STOP_TIMEOUT_NS (10 * NS_PER_SECOND)
#define PROBE_TIMEOUT_NS NS_PER_SECOND
#define POLL_NS (10 * NS_PER_MS)
#define PORT_ATTEMPTS 5
#define OUTPUT_NAME "server.log"

static void pause_ns(uint64_t duration_ns)
{
    struct timespec pause = {.tv_sec = (time_t)(duration_ns / NS_PER_SECOND),
                             .tv_nsec = (long)(duration_ns % NS_PER_SECOND)};
    (void)nanosleep(&pause, NULL); /* an interrupt shortens it, which is what is wanted */
}

/* ---- what to start ---- */

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* First match in a list of directories as PATH has them. */
static bool find_in(char *program, size_t program_bytes, const char *directories, const char *name)
{
    for (const char *at = directories; *at != '\0';) {
        size_t bytes = strcspn(at, ":");
        int written = snprintf(program, program_bytes, "%.*s/%s", (int)bytes, at, name);
        if (bytes > 0 && written > 0 && (size_t)written < program_bytes && is_program(program))
            return true;
        at += bytes + (at[bytes] == ':');
    }
    return false;
}

static enum err_code find_program(char *program, size_t program_bytes, struct err *err)
{
    static const char *const names[] = {"valkey-server", "redis-server"};
    const char *path = getenv("PATH");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (find_in(program, program_bytes, path != NULL ? path : "", names[i]) ||
            find_in(program, program_bytes, "/usr/local/bin:/usr/bin:/usr/sbin", names[i]))
            return OK;
    program[0] = '\0';
    return err_set(err, E_CONNECT,
                   "cannot start a managed server: neither valkey-server nor redis-server is in "
                   "PATH; install one of them, or give --host of a running server");
}

static enum err_code make_directory(char *directory, size_t directory_bytes, struct err *err)
{
    const char *parent = getenv("TMPDIR");
    int bytes = -1;
    if (parent != NULL && parent[0] != '\0')
        bytes = snprintf(directory, directory_bytes, "%s/volley-server-XXXXXX", parent);
    if (bytes < 0 || (size_t)bytes >= directory_bytes || mkdtemp(directory) == NULL) {
        snprintf(directory, directory_bytes, "/tmp/volley-server-XXXXXX");
        if (mkdtemp(directory) == NULL) {
            int sys_errno = errno;
            directory[0] = '\0';
            return err_set_errno(err, E_SYSTEM, sys_errno,
                                 "cannot make a directory for the managed server in /tmp");
        }
    }
    return OK;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    (void)remove(path);
    return 0;
}

static void remove_directory(char *directory)
{
    if (directory[0] != '\0')
        (void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    directory[0] = '\0';
}

/* A port nobody listens on now; somebody may by the time the server does, see PORT_ATTEMPTS. */
static enum err_code find_free_port(uint16_t *port, struct err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int sys_errno = errno;
    bool found = false;
    if (fd >= 0) {
        found = bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &address_bytes) == 0;
        sys_errno = errno;
        close(fd);
    }
    if (!found)
        return err_set_errno(err, E_SYSTEM, sys_errno, "cannot find a free port on 127.0.0.1");
    *port = ntohs(address.sin_port);
    return OK;
}

/* ---- the child ---- */

static void close_inherited(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0)
        return;
#endif
    DIR *open_files = opendir("/proc/self/fd");
    if (open_files == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(open_files)) != NULL;) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (fd > STDERR_FILENO && fd != dirfd(open_files))
            close(fd);
    }
    closedir(open_files);
}

static void reset_signals(void)
{
    sigset_t none;
    for (int signal_number = 1; signal_number < NSIG; signal_number++)
        (void)signal(signal_number, SIG_DFL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void pin(int cpu)
{
    cpu_set_t *set = CPU_ALLOC(SPEC_CPUS_MAX);
    size_t set_bytes = CPU_ALLOC_SIZE(SPEC_CPUS_MAX);
    if (set == NULL)
        return;
    CPU_ZERO_S(set_bytes, set);
    CPU_SET_S((size_t)cpu, set_bytes, set);
    if (sched_setaffinity(0, set_bytes, set) != 0) {
        dprintf(STDERR_FILENO, "cannot pin the server to CPU %d: %s\n", cpu, strerror(errno));
        _exit(126);
    }
    CPU_FREE(set);
}

/* Never returns. What goes wrong is written where the server's own words would be. */
static void child_main(const struct managed_server *server, int output_fd, pid_t parent)
{
    /* Before anything else: from here on this process cannot outlive volley. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(126);
    (void)setsid();
    reset_signals();
    int null_fd = open("/dev/null", O_RDONLY);
    if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(output_fd, STDOUT_FILENO) < 0 ||
        dup2(output_fd, STDERR_FILENO) < 0)
        _exit(126);
    close_inherited();
    if (server->cpu >= 0)
        pin(server->cpu);

    char port[8];
    snprintf(port, sizeof port, "%u", server->port);
    /* maxclients: the default of 10,000 is less than volley's users ask for; the server lowers it
     * by itself to what its limit of open files allows. */
    const char *const args[] = {server->program,
                                "--port",
                                port,
                                "--bind",
                                "127.0.0.1",
                                "--save",
                                "",
                                "--appendonly",
                                "no",
                                "--dir",
                                server->directory,
                                "--logfile",
                                "",
                                "--protected-mode",
                                "no",
                                "--daemonize",
                                "no",
                                "--maxclients",
                                "65000",
                                NULL};
    char *argv[sizeof args / sizeof args[0]];
    memcpy(argv, args, sizeof argv);
    execv(server->program, argv);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", server->program, strerror(errno));
    _exit(127);
}

static enum err_code spawn(struct managed_server *server, struct err *err)
{
    char path[sizeof server->directory + sizeof OUTPUT_NAME];
    snprintf(path, sizeof path, "%s/" OUTPUT_NAME, server->directory);
    int output_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (output_fd < 0)
        return err_set_errno(err, E_SYSTEM, errno, "cannot write %s", path);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0)
        child_main(server, output_fd, parent);
    int sys_errno = errno;
    close(output_fd);
    if (child < 0)
        return err_set_errno(err, E_SYSTEM, sys_errno, "cannot start %s", server->program);
    server->pid = child;
    return OK;
}

/* ---- waiting for it ---- */

#define OUTPUT_TAIL_BYTES 4096u

/* The end of what the server printed, terminated. Returns its length. */
static size_t read_output(char text[OUTPUT_TAIL_BYTES], const struct managed_server *server)
{
    char path[sizeof server->directory + sizeof OUTPUT_NAME];
    snprintf(path, sizeof path, "%s/" OUTPUT_NAME, server->directory);
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

/* True when the process is gone; then pid is 0. */
static bool reap(struct managed_server *server, int *status)
{
    pid_t reaped = waitpid(server->pid, status, WNOHANG);
    if (reaped == 0 || (reaped < 0 && errno == EINTR))
        return false;
    server->pid = 0; /* ECHILD: somebody else has reaped it, and the number may be another's */
    return true;
}

static bool port_was_taken(const struct managed_server *server)
{
    char output[OUTPUT_TAIL_BYTES];
    return read_output(output, server) > 0 && (strstr(output, "Address already in use") != NULL ||
                                               strstr(output, "Failed listening on port") != NULL);
}

/* True when our own child, not a stranger who was quicker to take the port, answers PING. */
static bool answers(const struct managed_server *server, const volatile int *interrupted)
{
    struct spec probe = {.host = "127.0.0.1",
                         .port = server->port,
                         .connection_timeout_ns = PROBE_TIMEOUT_NS,
                         .wait_ready_ns = READY_TIMEOUT_NS};
    struct control *control;
    struct target_address target;
    struct err ignored = {.code = OK};
    char *info = NULL;
    if (control_connect(&control, &target, &probe, interrupted, &ignored) != OK)
        return false;
    bool ours = false;
    if (control_info(control, &info, &ignored) == OK) {
        char pid[24], expected[24];
        snprintf(expected, sizeof expected, "%lld", (long long)server->pid);
        ours = info_field(info, "process_id", pid, sizeof pid) && strcmp(pid, expected) == 0;
    }
    free(info);
    control_close(control);
    return ours;
}

static enum err_code wait_ready(struct managed_server *server, const volatile int *interrupted,
                                bool *port_taken, struct err *err)
{
    uint64_t deadline_ns = clock_now_ns() + READY_TIMEOUT_NS;
    char lines[260];
    *port_taken = false;
    for (;;) {
        int status = 0;
        if (interrupted != NULL && *interrupted != 0)
            return err_set(err, E_INTERRUPTED, "interrupted while %s started", server->program);
        if (reap(server, &status)) {
            *port_taken = port_was_taken(server);
            last_lines(lines, sizeof lines, server);
            if (WIFSIGNALED(status))
                return err_set(err, E_CONNECT, "%s was killed by signal %d as it started: %s",
                               server->program, WTERMSIG(status), lines);
            return err_set(err, E_CONNECT, "%s ended with status %d as it started: %s",
                           server->program, WEXITSTATUS(status), lines);
        }
        if (answers(server, interrupted))
            return OK;
        if (clock_now_ns() >= deadline_ns) {
            last_lines(lines, sizeof lines, server);
            return err_set(err, E_CONNECT, "%s did not answer PING on port %u within 30s: %s",
                           server->program, server->port, lines);
        }
        pause_ns(POLL_NS);
    }
}

enum err_code managed_server_start(struct managed_server *server, int cpu,
                                   const volatile int *interrupted, struct err *err)
{
    *server = (struct managed_server){.cpu = cpu};
    enum err_code code = find_program(server->program, sizeof server->program, err);
    if (code == OK)
        code = make_directory(server->directory, sizeof server->directory, err);
    for (uint32_t attempt = 1; code == OK; attempt++) {
        struct err start_err = {.code = OK};
        bool port_taken = false;
        code = find_free_port(&server->port, &start_err);
        if (code == OK)
            code = spawn(server, &start_err);
        if (code == OK)
            code = wait_ready(server, interrupted, &port_taken, &start_err);
        if (code == OK)
            return OK;
        if (!port_taken || attempt == PORT_ATTEMPTS) {
            (void)err_set(err, code, "%s", start_err.text);
            break;
        }
        code = OK;
    }
    managed_server_stop(server);
    return code;
}

static bool reaped_within(struct managed_server *server, uint64_t duration_ns)
{
    uint64_t deadline_ns = clock_now_ns() + duration_ns;
    int status;
    while (!reap(server, &status)) {
        if (clock_now_ns() >= deadline_ns)
            return false;
        pause_ns(POLL_NS);
    }
    return true;
}

void managed_server_stop(struct managed_server *server)
{
    int status;
    if (server->pid > 0 && !reap(server, &status)) {
        (void)kill(server->pid, SIGTERM);
        if (!reaped_within(server, STOP_TIMEOUT_NS)) {
            (void)kill(server->pid, SIGKILL);
            (void)reaped_within(server, STOP_TIMEOUT_NS);
        }
    }
    server->pid = 0;
    remove_directory(server->directory);
}
