#include "tests/support/check/recorder.h"

#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program_recorder(void)
{
    const char *path = getenv("VOLLEY_RECORDER");
    return path != NULL && *path != '\0' ? path : "build/support/recorder_server";
}

void test_recorder_start(struct test_recorder *recorder, ...)
{
    const char *argv[PROGRAM_ARGS_MAX] = {program_recorder(), "--record", recorder->path};
    size_t argc = 3;
    va_list args;
    memset(recorder, 0, sizeof *recorder);
    snprintf(recorder->path, sizeof recorder->path, "/tmp/volley-record-XXXXXX");
    const int fd = mkstemp(recorder->path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    va_start(args, recorder);
    for (const char *arg = va_arg(args, const char *); arg != NULL;
         arg = va_arg(args, const char *)) {
        ck_assert_uint_lt(argc, PROGRAM_ARGS_MAX - 1);
        argv[argc++] = arg;
    }
    va_end(args);
    program_start(&recorder->program, &(struct program_options){.argv = argv});
    program_wait_text(&recorder->program, PROGRAM_OUT, "\n");
    char *port = program_output(&recorder->program, PROGRAM_OUT);
    recorder->port = (uint16_t)strtoul(port, NULL, 10);
    snprintf(recorder->port_text, sizeof recorder->port_text, "%u", (unsigned)recorder->port);
    free(port);
}

void test_recorder_stop(struct test_recorder *recorder, struct recorder_record *record)
{
    struct err err = {.code = OK};
    program_signal(&recorder->program, SIGTERM);
    program_wait(&recorder->program);
    ck_assert_msg(recorder->program.exit_status == 0, "recorder_server: %s", recorder->program.err);
    program_free(&recorder->program);
    if (record != NULL)
        ck_assert_msg(recorder_record_load(record, recorder->path, &err) == OK, "%s", err.text);
    unlink(recorder->path);
}
