#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/perf/compare.h"

#define SHOWN_BYTES 300

volatile int compare_interrupted;

void command_add(struct command *command, const char *format, ...)
{
    if (command->argc == ARGS_MAX)
        return;
    char *text = command->text[command->argc];
    va_list args;
    va_start(args, format);
    vsnprintf(text, ARG_BYTES, format, args);
    va_end(args);
    command->argv[command->argc++] = text;
    command->argv[command->argc] = NULL;
}

void placement_choose(struct placement *placement)
{
    *placement = (struct placement){.server_cpu = -1, .client_cpu = -1};
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 2)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE && placement->client_cpu < 0; cpu++) {
        if (!CPU_ISSET((size_t)cpu, &allowed))
            continue;
        if (placement->server_cpu < 0)
            placement->server_cpu = cpu;
        else
            placement->client_cpu = cpu;
    }
}

bool program_find(char *path, size_t path_bytes, const char *name)
{
    const char *list = getenv("PATH");
    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, ":");
        snprintf(path, path_bytes, "%.*s/%s", (int)length, list, name);
        if (access(path, X_OK) == 0)
            return true;
        list += length + (list[length] == ':');
    }
    return false;
}

/* In the child: becomes the program. Never returns. */
static void become(const struct spawn *spawn)
{
    if (spawn->own_session)
        setsid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (spawn->cpu >= 0) {
        cpu_set_t only;
        CPU_ZERO(&only);
        CPU_SET((size_t)spawn->cpu, &only);
        if (sched_setaffinity(0, sizeof only, &only) != 0)
            _exit(126);
    }
    int log_fd = open(spawn->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log_fd < 0 || dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
        _exit(126);
    alarm(spawn->seconds_max); /* outlives exec, and ends the program */
    execv(spawn->command->argv[0], spawn->command->argv);
    _exit(127);
}

pid_t process_spawn(const struct spawn *spawn)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(spawn);
    return pid;
}

static enum err_code describe_failure(const struct command *command, int status,
                                      const char *log_path, struct err *err)
{
    char tail[SHOWN_BYTES + 1] = "";
    FILE *log = fopen(log_path, "r");
    if (log != NULL) {
        if (fseek(log, -SHOWN_BYTES, SEEK_END) != 0)
            rewind(log);
        size_t length = fread(tail, 1, SHOWN_BYTES, log);
        tail[length] = '\0';
        fclose(log);
    }
    if (WIFSIGNALED(status))
        return err_set(err, E_FAILED, "%s: ended by signal %d: %s", command->argv[0],
                       WTERMSIG(status), tail);
    return err_set(err, E_FAILED, "%s: exit status %d: %s", command->argv[0], WEXITSTATUS(status),
                   tail);
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

enum err_code client_run(struct cost *cost, const struct command *command, int cpu,
                         uint64_t requests, const char *log_path, struct err *err)
{
    const struct spawn spawn = {
        .command = command, .cpu = cpu, .log_path = log_path, .seconds_max = CLIENT_SECONDS_MAX};
    uint64_t started_ns = clock_now_ns();
    pid_t pid = process_spawn(&spawn);
    if (pid < 0)
        return err_set_errno(err, E_SYSTEM, errno, "starting %s", command->argv[0]);
    int status = 0;
    struct rusage usage;
    pid_t waited;
    while ((waited = wait4(pid, &status, 0, &usage)) < 0 && errno == EINTR)
        continue;
    if (compare_interrupted)
        return err_set(err, E_INTERRUPTED, "interrupted");
    if (waited != pid)
        return err_set_errno(err, E_SYSTEM, errno, "waiting for %s", command->argv[0]);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return describe_failure(command, status, log_path, err);
    double seconds = (double)(clock_now_ns() - started_ns) / (double)NS_PER_SECOND;
    /* Of the program and of every child that it waited for: volley's workers are in it. */
    double cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    cost->cpu_us = cpu_seconds / (double)requests * 1e6;
    cost->requests_per_second = (double)requests / seconds;
    return OK;
}
