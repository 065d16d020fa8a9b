#include "orchestrator/server/managed_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define ARGS_MAX 512 /* volley's own are about 50 */

#define OWN_ARGS_MAX 16

struct arguments_list {
    const char *items[ARGS_MAX + 1]; /* the last one NULL */
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
static void add_wishes(struct arguments_list *list, const struct managed_server_setup *setup,
                       char io_threads[12])
{
    if (setup->io_threads > 0) {
        snprintf(io_threads, 12, "%u", setup->io_threads);
        add(list, "--io-threads", io_threads);
    }
    for (uint32_t i = 0; i < setup->arg_count && list->count < ARGS_MAX; i++)
        list->items[list->count++] = setup->args[i];
}

/* What is volley's alone to say, whatever a wish, or a file that it names, says. */
static void add_own(struct arguments_list *list, const struct managed_server *server,
                    const char *port)
{
    if (list->count > ARGS_MAX - OWN_ARGS_MAX)
        list->count = ARGS_MAX - OWN_ARGS_MAX;
    add(list, server->setup.certificates != NULL ? "--tls-port" : "--port", port);
    if (server->setup.certificates != NULL)
        add(list, "--port", "0");
    add(list, "--bind", "127.0.0.1");
    add(list, "--dir", server->directory.path);
    add(list, "--logfile", "");
    add(list, "--daemonize", "no");
}

/* What goes wrong in the child is written where the server's own words would be. */
static bool start(struct managed_server *server, int output_fd)
{
    struct arguments_list list = {.items = {server->setup.program.path}, .count = 1};
    const struct password_path password = password_path(server);
    const struct managed_certificates *certificates = server->setup.certificates;
    char port[8], primary[24], node_timeout[12], io_threads[12], key[32];
    snprintf(port, sizeof port, "%u", server->port);
    snprintf(primary, sizeof primary, "127.0.0.1 %u", server->setup.replica_of);
    snprintf(node_timeout, sizeof node_timeout, "%d", MANAGED_NODE_TIMEOUT_MS);
    if (server->setup.password != NULL)
        list.items[list.count++] = password.text; /* a file of settings comes first */
    add(&list, certificates != NULL ? "--tls-port" : "--port", port);
    if (certificates != NULL) {
        add(&list, "--port", "0");
        add(&list, "--tls-ca-cert-file", certificates->authority);
        add(&list, "--tls-cert-file", certificates->certificate);
        snprintf(key, sizeof key, "/proc/self/fd/%d", certificates->key_fd);
        add(&list, "--tls-key-file", key);
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
    add_wishes(&list, &server->setup, io_threads);
    add_own(&list, server, port);
    return child_start(&server->process,
                       &(struct child_plan){
                           .argv = list.items,
                           .name = "the server",
                           .output_fd = output_fd,
                           .keep_fds = certificates != NULL ? &certificates->key_fd : NULL,
                           .keep_count = certificates != NULL,
                           .cpus = server->setup.cpus,
                           .cpu_count = server->setup.cpu_count,
                       });
}

enum err_code server_process_spawn(struct managed_server *server, struct err *err)
{
    char path[sizeof server->directory.path + sizeof SERVER_OUTPUT_NAME];
    snprintf(path, sizeof path, "%s/" SERVER_OUTPUT_NAME, server->directory.path);
    int output_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (output_fd < 0)
        return err_set_errno(err, E_SYSTEM, errno, "cannot write %s", path);
    const bool started = start(server, output_fd);
    const int sys_errno = errno;
    close(output_fd);
    if (!started)
        return err_set_errno(err, E_SYSTEM, sys_errno, "cannot start %s",
                             server->setup.program.path);
    server->end_expected = false;
    return OK;
}
