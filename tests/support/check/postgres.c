#include "tests/support/check/postgres.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check/run.h"
#include "tests/support/check/support.h"

#define ORDINARY_USER 65534 /* nobody; PostgreSQL refuses to run as root */
#define START_DEADLINE_MS 30000
#define PATH_BYTES 200

/* Debian keeps them beside one another, in a folder for each version. */
static const char *find_program(char path[PATH_BYTES], const char *name)
{
    char pattern[PATH_BYTES];
    glob_t found;
    snprintf(pattern, sizeof pattern, "/usr/lib/postgresql/*/bin/%s", name);
    if (glob(pattern, 0, NULL, &found) != 0 || found.gl_pathc == 0)
        ck_abort_msg("no PostgreSQL (%s): make deps, or apt-get install postgresql", pattern);
    snprintf(path, PATH_BYTES, "%s", found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return path;
}

/* Runs as an ordinary user; the caller waits. */
static pid_t start(const struct postgres *server, const char *const *argv)
{
    char log[PATH_BYTES];
    snprintf(log, sizeof log, "%s/log", server->directory);
    const pid_t pid = support_fork();
    if (pid != 0)
        return pid;
    support_close_all_but(-1);
    if (geteuid() == 0 &&
        (setgroups(0, NULL) != 0 || setgid(ORDINARY_USER) != 0 || setuid(ORDINARY_USER) != 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT); /* a change of the user takes it back */
    const int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(fd, 1);
    dup2(fd, 2);
    setenv("LC_ALL", "C", 1);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void give_up(const struct postgres *server, const char *what)
{
    char log[PATH_BYTES];
    size_t bytes = 0;
    snprintf(log, sizeof log, "%s/log", server->directory);
    const int fd = open(log, O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? support_read_file(fd, &bytes) : strdup("");
    ck_abort_msg("PostgreSQL: %s\n%.3000s", what, text);
}

static void make_cluster(const struct postgres *server, const char *password)
{
    char program[PATH_BYTES], data[PATH_BYTES], secret[PATH_BYTES], file[PATH_BYTES + 20];
    int status = 0;
    snprintf(data, sizeof data, "%s/data", server->directory);
    snprintf(secret, sizeof secret, "%s/secret", server->directory);
    snprintf(file, sizeof file, "--pwfile=%s", secret);
    FILE *out = fopen(secret, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "%s\n", password != NULL ? password : "none");
    fclose(out);
    ck_assert_int_eq(chmod(secret, 0644), 0);
    const char *const argv[] = {find_program(program, "initdb"),
                                "-D",
                                data,
                                "-U",
                                "volley",
                                "-A",
                                password != NULL ? "scram-sha-256" : "trust",
                                "-N",
                                "--no-locale",
                                "-E",
                                "UTF8",
                                file,
                                NULL};
    if (!support_reap(start(server, argv), START_DEADLINE_MS, &status) || status != 0)
        give_up(server, "initdb failed");
}

static bool answers(const struct postgres *server)
{
    char program[PATH_BYTES];
    int status = 0;
    const char *const argv[] = {find_program(program, "pg_isready"),
                                "-q",
                                "-h",
                                "127.0.0.1",
                                "-p",
                                server->port_text,
                                NULL};
    return support_reap(start(server, argv), START_DEADLINE_MS, &status) && status == 0;
}

void postgres_start(struct postgres *server, const char *password)
{
    char program[PATH_BYTES], data[PATH_BYTES];
    snprintf(server->directory, sizeof server->directory, "/tmp/volley-postgres-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(server->directory));
    ck_assert_int_eq(chmod(server->directory, 0755), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(chown(server->directory, ORDINARY_USER, ORDINARY_USER), 0);
    make_cluster(server, password);
    server->port = support_free_port();
    snprintf(server->port_text, sizeof server->port_text, "%u", server->port);
    snprintf(server->address, sizeof server->address, "postgresql://volley@127.0.0.1:%u/postgres",
             server->port);
    snprintf(data, sizeof data, "%s/data", server->directory);
    server->pid = start(
        server, (const char *const[]){find_program(program, "postgres"), "-D", data, "-p",
                                      server->port_text, "-k", server->directory, "-c",
                                      "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c",
                                      "shared_buffers=16MB", "-c", "max_connections=20", NULL});
    const uint64_t limit_ms = support_now_ms() + START_DEADLINE_MS;
    while (!answers(server)) {
        if (support_now_ms() > limit_ms || !support_process_alive(server->pid))
            give_up(server, "it does not start");
        support_sleep_ms(20);
    }
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

void postgres_stop(struct postgres *server)
{
    int status = 0;
    if (server->pid > 0) {
        (void)kill(server->pid, SIGCONT);
        (void)kill(server->pid, SIGQUIT);
        if (!support_reap(server->pid, START_DEADLINE_MS, &status))
            support_kill(server->pid);
    }
    if (server->directory[0] != '\0')
        (void)nftw(server->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    *server = (struct postgres){0};
}

char *postgres_ask(const struct postgres *server, const char *statement)
{
    char path[PATH_BYTES];
    struct program program;
    program_run(&program, &(struct program_options){.argv = (const char *const[]){
                                                        find_program(path, "psql"), "-X", "-A",
                                                        "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d",
                                                        server->address, "-c", statement, NULL}});
    ck_assert_msg(program.exit_status == 0, "%s: %s", statement, program.err);
    char *text = strdup(program.out);
    for (size_t end = strlen(text); end > 0 && text[end - 1] == '\n'; end--)
        text[end - 1] = '\0';
    program_free(&program);
    return text;
}
