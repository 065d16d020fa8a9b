#include "orchestrator/server/server_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEY_FD 3 /* of the server: where it reads its key from */
#define KEY_FD_TEXT "3"

/* All from this one on. */
static void close_inherited(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
        return;
#endif
    DIR *open_files = opendir("/proc/self/fd");
    if (open_files == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(open_files)) != NULL;) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (fd >= first && fd != dirfd(open_files))
            close(fd);
    }
    closedir(open_files);
}

/* To the program that is executed, at a number that it knows. */
static bool give_key(int key_fd)
{
    return key_fd == KEY_FD ? fcntl(KEY_FD, F_SETFD, 0) == 0 : dup2(key_fd, KEY_FD) == KEY_FD;
}

static void reset_signals(void)
{
    sigset_t none;
    for (int signal_number = 1; signal_number < NSIG; signal_number++)
        (void)signal(signal_number, SIG_DFL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void pin(const uint32_t *cpus, uint32_t cpu_count)
{
    cpu_set_t *set = CPU_ALLOC(SPEC_CPUS_MAX);
    size_t set_bytes = CPU_ALLOC_SIZE(SPEC_CPUS_MAX);
    if (set == NULL)
        return;
    CPU_ZERO_S(set_bytes, set);
    for (uint32_t i = 0; i < cpu_count; i++)
        CPU_SET_S((size_t)cpus[i], set_bytes, set);
    if (sched_setaffinity(0, set_bytes, set) != 0) {
        dprintf(STDERR_FILENO, "cannot pin the server to CPU %u: %s\n", cpus[0], strerror(errno));
        _exit(126);
    }
    CPU_FREE(set);
}

#define ARGS_MAX 128 /* volley's own are about 50 */

struct arguments_list {
    const char *items[ARGS_MAX];
    size_t count;
};

static void add(struct arguments_list *list, const char *name, const char *value)
{
    list->items[list->count++] = name;
    list->items[list->count++] = value;
}

#define PASSWORD_FILE_NAME "password.conf"

struct password_path {
    char text[PRIVATE_DIRECTORY_BYTES + sizeof PASSWORD_FILE_NAME];
};

static struct password_path password_path(const struct managed_server *server)
{
    struct password_path path;
    snprintf(path.text, sizeof path.text, "%s/" PASSWORD_FILE_NAME, server->directory.path);
    return path;
}

/* Each byte as its number, so that none means anything to who reads the file. */
static void write_setting(FILE *file, const char *name, const char *value)
{
    fprintf(file, "%s \"", name);
    for (const char *at = value; *at != '\0'; at++)
        fprintf(file, "\\x%02x", (unsigned)(unsigned char)*at);
    fprintf(file, "\"\n");
}

enum err_code server_process_hide_password(const struct managed_server *server,
                                           const char *password, struct err *err)
{
    const struct password_path path = password_path(server);
    int fd = open(path.text, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file != NULL) {
        (void)setvbuf(file, NULL, _IONBF, 0); /* a buffer would be freed as it is */
        write_setting(file, "requirepass", password);
        write_setting(file, "masterauth", password); /* a replica's, to its primary */
    } else if (fd >= 0) {
        close(fd);
    }
    return file != NULL && fclose(file) == 0
               ? OK
               : err_set_errno(err, E_SYSTEM, errno, "cannot write %s", path.text);
}

/* Behind all others: the last one wins. */
static void add_options(struct arguments_list *list, const struct managed_options *options,
                        char io_threads[12])
{
    if (options == NULL)
        return;
    if (options->io_threads > 0) {
        snprintf(io_threads, 12, "%u", options->io_threads);
        add(list, "--io-threads", io_threads);
    }
    for (uint32_t i = 0; i < options->arg_count && list->count < ARGS_MAX; i++)
        list->items[list->count++] = options->args[i];
}

/* Replaces the process, or returns. */
static void execute(const struct managed_server *server)
{
    struct arguments_list list = {.items = {server->program}, .count = 1};
    const struct password_path password = password_path(server);
    const struct managed_certificates *certificates = server->setup.certificates;
    char port[8], primary[24], node_timeout[12], io_threads[12];
    snprintf(port, sizeof port, "%u", server->port);
    snprintf(primary, sizeof primary, "127.0.0.1 %u", server->setup.replica_of);
    snprintf(node_timeout, sizeof node_timeout, "%d", MANAGED_NODE_TIMEOUT_MS);
    if (server->setup.options != NULL && server->setup.options->password != NULL)
        list.items[list.count++] = password.text; /* a file of settings comes first */
    add(&list, certificates != NULL ? "--tls-port" : "--port", port);
    if (certificates != NULL) {
        add(&list, "--port", "0");
        add(&list, "--tls-ca-cert-file", certificates->authority);
        add(&list, "--tls-cert-file", certificates->certificate);
        add(&list, "--tls-key-file", "/proc/self/fd/" KEY_FD_TEXT);
        add(&list, "--tls-auth-clients", "no");
        add(&list, "--tls-replication", "yes");
        add(&list, "--tls-cluster", "yes");
    }
    add(&list, "--bind", "127.0.0.1");
    add(&list, "--save", "");
    add(&list, "--appendonly", "no");
    add(&list, "--dir", server->directory.path);
    add(&list, "--logfile", "");
    add(&list, "--protected-mode",
        "no"); /* where none is to have a password: from 127.0.0.2, too */
    add(&list, "--daemonize", "no");
    /* The default of 10,000 is less than volley's users ask for; the server lowers it by itself to
     * what its limit of open files allows. */
    add(&list, "--maxclients", "65000");
    /* Replicas are filled at once, and without a file. */
    add(&list, "--repl-diskless-sync", "yes");
    add(&list, "--repl-diskless-sync-delay", "0");
    if (server->setup.cluster) {
        add(&list, "--cluster-enabled", "yes");
        add(&list, "--cluster-node-timeout", node_timeout);
        add(&list, "--cluster-announce-ip", "127.0.0.1");
    }
    if (server->setup.replica_of != 0)
        add(&list, "--replicaof", primary);
    add_options(&list, server->setup.options, io_threads);
    char *argv[ARGS_MAX + 1];
    memcpy(argv, list.items, list.count * sizeof argv[0]);
    argv[list.count] = NULL;
    execv(server->program, argv);
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
    const struct managed_certificates *certificates = server->setup.certificates;
    if (certificates != NULL && !give_key(certificates->key_fd))
        _exit(126);
    close_inherited(certificates != NULL ? KEY_FD + 1 : KEY_FD);
    const struct managed_options *options = server->setup.options;
    const uint32_t cpu = (uint32_t)server->setup.cpu;
    if (options != NULL && options->cpu_count > 0)
        pin(options->cpus, options->cpu_count);
    else if (server->setup.cpu >= 0)
        pin(&cpu, 1);
    execute(server);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", server->program, strerror(errno));
    _exit(127);
}

enum err_code server_process_spawn(struct managed_server *server, struct err *err)
{
    char path[sizeof server->directory.path + sizeof SERVER_OUTPUT_NAME];
    snprintf(path, sizeof path, "%s/" SERVER_OUTPUT_NAME, server->directory.path);
    int output_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (output_fd < 0)
        return err_set_errno(err, E_SYSTEM, errno, "cannot write %s", path);
    pid_t parent = getpid();
    /* A signal that comes before the child has its own handlers is kept for them: volley's would
     * swallow it, and a stop would have to wait until it kills. */
    sigset_t all, before;
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    if (child == 0)
        child_main(server, output_fd, parent);
    int sys_errno = errno;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    close(output_fd);
    if (child < 0)
        return err_set_errno(err, E_SYSTEM, sys_errno, "cannot start %s", server->program);
    server->pid = child;
    server->told_to_end = server->ended_untold = false;
    return OK;
}
