#include "tests/support/check/run.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check/support.h"

#define DEADLINE_DEFAULT_MS 60000
#define STEP_MS 2

const char *program_volley(void)
{
    const char *path = getenv("VOLLEY");
    return path != NULL && *path != '\0' ? path : "build/volley";
}

/* An unlinked file, away from the descriptors that a child gets. */
static int make_file(const char *text)
{
    const int low_fd = memfd_create("program", MFD_CLOEXEC);
    ck_assert_int_ge(low_fd, 0);
    const int fd = fcntl(low_fd, F_DUPFD_CLOEXEC, 10);
    ck_assert_int_ge(fd, 0);
    close(low_fd);
    if (text != NULL) {
        const size_t text_bytes = strlen(text);
        ck_assert_int_eq(write(fd, text, text_bytes), (ssize_t)text_bytes);
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    }
    return fd;
}

/* In the child; the descriptors are made the standard ones before all others are closed. */
static void enter(const struct program_options *options, int in_fd, int out_fd, int err_fd)
{
    if (in_fd < 0)
        in_fd = open("/dev/null", O_RDONLY);
    dup2(in_fd, STDIN_FILENO);
    dup2(out_fd, STDOUT_FILENO);
    dup2(err_fd, STDERR_FILENO);
    support_close_all_but(-1);
    for (const char *const *pair = options->environment; pair != NULL && *pair != NULL; pair++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*pair, "="), *pair);
        setenv(name, *pair + strcspn(*pair, "=") + 1, 1);
    }
    if (options->directory != NULL && chdir(options->directory) != 0)
        _exit(126);
    execvp(options->argv[0], (char *const *)(uintptr_t)options->argv);
    _exit(127);
}

void program_start(struct program *program, const struct program_options *options)
{
    memset(program, 0, sizeof *program);
    program->out_fd = make_file(NULL);
    program->err_fd = make_file(NULL);
    snprintf(program->name, sizeof program->name, "%s", options->argv[0]);
    for (size_t i = 1; options->argv[i] != NULL; i++) {
        const size_t used = strlen(program->name);
        snprintf(program->name + used, sizeof program->name - used, " %s", options->argv[i]);
    }
    const unsigned deadline_ms =
        options->deadline_ms > 0 ? options->deadline_ms : DEADLINE_DEFAULT_MS;
    program->end_ms = support_now_ms() + deadline_ms;
    const int in_fd = options->stdin_text != NULL ? make_file(options->stdin_text) : -1;
    program->pid = support_fork();
    if (program->pid == 0)
        enter(options, in_fd, options->stdout_fd > 0 ? options->stdout_fd : program->out_fd,
              options->stderr_fd > 0 ? options->stderr_fd : program->err_fd);
    if (in_fd >= 0)
        close(in_fd);
}

static void start_volley(struct program *program, va_list args)
{
    const char *argv[PROGRAM_ARGS_MAX] = {program_volley()};
    size_t argc = 1;
    for (const char *arg = va_arg(args, const char *); arg != NULL;
         arg = va_arg(args, const char *)) {
        ck_assert_uint_lt(argc, PROGRAM_ARGS_MAX - 1);
        argv[argc++] = arg;
    }
    program_start(program, &(struct program_options){.argv = argv});
}

void program_start_volley(struct program *program, ...)
{
    va_list args;
    va_start(args, program);
    start_volley(program, args);
    va_end(args);
}

void program_run(struct program *program, const struct program_options *options)
{
    program_start(program, options);
    program_wait(program);
}

void program_run_volley(struct program *program, ...)
{
    va_list args;
    va_start(args, program);
    start_volley(program, args);
    va_end(args);
    program_wait(program);
}

void program_start_shell(struct program *program, const char *directory, const char *line)
{
    char text[1536], path[PATH_MAX], volley[PATH_MAX + 8];
    ck_assert_ptr_nonnull(realpath(program_volley(), path));
    snprintf(volley, sizeof volley, "volley=%s", path);
    snprintf(text, sizeof text, "load=\"bench --null -n 1000 -r 10 --processes 1\"; %s", line);
    program_start(program,
                  &(struct program_options){.argv = (const char *[]){"bash", "-c", text, NULL},
                                            .environment = (const char *[]){volley, NULL},
                                            .directory = directory});
}

void program_run_shell(struct program *program, const char *directory, const char *line,
                       int exit_status)
{
    program_start_shell(program, directory, line);
    program_wait(program);
    ck_assert_msg(program->exit_status == exit_status, "%s: status %d (signal %d)\n%s%s", line,
                  program->exit_status, program->exit_signal, program->out, program->err);
}

void program_signal(const struct program *program, int number)
{
    ck_assert_msg(program->pid > 0, "%s has ended already", program->name);
    ck_assert_int_eq(kill(program->pid, number), 0);
}

char *program_output(const struct program *program, enum program_stream stream)
{
    size_t byte_count = 0;
    return support_read_file(stream == PROGRAM_OUT ? program->out_fd : program->err_fd,
                             &byte_count);
}

static void collect(struct program *program, int wait_status)
{
    program->pid = 0;
    program->exit_status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
    program->exit_signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    program->out = support_read_file(program->out_fd, &program->out_bytes);
    program->err = support_read_file(program->err_fd, &program->err_bytes);
}

bool program_wait_at_most(struct program *program, unsigned ms)
{
    int wait_status = 0;
    if (program->pid == 0)
        return true;
    if (!support_reap(program->pid, ms, &wait_status))
        return false;
    collect(program, wait_status);
    return true;
}

/* Ends the test with all that the program has printed. */
static void fail_with_output(struct program *program, const char *what)
{
    if (program->pid > 0)
        support_kill(program->pid);
    program->pid = 0;
    char *out = program_output(program, PROGRAM_OUT);
    char *err = program_output(program, PROGRAM_ERR);
    ck_abort_msg("%s: %s\n--- stdout\n%.1500s\n--- stderr\n%.1500s", program->name, what, out, err);
}

static unsigned left_ms(const struct program *program)
{
    const uint64_t now_ms = support_now_ms();
    return now_ms < program->end_ms ? (unsigned)(program->end_ms - now_ms) : 0;
}

void program_wait(struct program *program)
{
    if (!program_wait_at_most(program, left_ms(program)))
        fail_with_output(program, "did not end before its deadline");
}

void program_wait_text(struct program *program, enum program_stream stream, const char *text)
{
    for (;;) {
        /* looked at before the output: what is printed last must still be seen */
        const bool ended = program_wait_at_most(program, 0);
        char *output = program_output(program, stream);
        const bool found = strstr(output, text) != NULL;
        free(output);
        if (found)
            return;
        char what[300];
        if (ended || left_ms(program) == 0) {
            snprintf(what, sizeof what, "%s without printing \"%s\"",
                     ended ? "ended" : "reached its deadline", text);
            fail_with_output(program, what);
        }
        support_sleep_ms(STEP_MS);
    }
}

void program_wait_children(const struct program *program, pid_t *children, size_t count)
{
    size_t found = 0;
    do {
        ck_assert_int_gt(program->pid, 0);
        found = support_children(program->pid, children, count);
        if (found == count)
            return;
        support_sleep_ms(STEP_MS);
    } while (left_ms(program) > 0);
    ck_abort_msg("%s: %zu children instead of %zu", program->name, found, count);
}

void program_free(struct program *program)
{
    if (program->pid > 0)
        support_kill(program->pid);
    program->pid = 0;
    if (program->out_fd > 0) {
        close(program->out_fd);
        close(program->err_fd);
    }
    program->out_fd = program->err_fd = 0; /* their numbers are those of others from now on */
    free(program->out);
    free(program->err);
    program->out = program->err = NULL;
}

/* Check refuses messages that are too long. */
#define SHOWN "%.1500s"

void program_expect_status(const struct program *program, int status)
{
    ck_assert_msg(program->exit_status == status, "status %d, not %d:\n" SHOWN "\n" SHOWN,
                  program->exit_status, status, program->out, program->err);
}

void program_expect_text(const char *text, const char *wanted)
{
    ck_assert_msg(strstr(text, wanted) != NULL, "no \"%s\" in:\n" SHOWN, wanted, text);
}
