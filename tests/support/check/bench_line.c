#include "tests/support/check/bench_line.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ARGS 64

struct bench_request line_request;
struct err line_err;
static char config_path[64];

void line_teardown(void)
{
    bench_options_free(&line_request);
    if (config_path[0] != '\0')
        unlink(config_path);
    config_path[0] = '\0';
}

enum err_code line_parse(const char *line)
{
    static char buffer[4096];
    const char *argv[MAX_ARGS] = {"volley"};
    int argc = 1;
    bench_options_free(&line_request);
    memset(&line_err, 0, sizeof line_err);
    snprintf(buffer, sizeof buffer, "%s", line);
    for (char *at = buffer; *at != '\0' && argc < MAX_ARGS;) {
        argv[argc++] = at;
        at += strcspn(at, " ");
        while (*at == ' ')
            *at++ = '\0';
    }
    return bench_options_parse(&line_request, argc, argv, &line_err);
}

void line_parses(const char *line)
{
    enum err_code code = line_parse(line);
    ck_assert_msg(code == OK, "\"%s\": %s", line, line_err.text);
}

void line_notices(const char *line, const char *text)
{
    line_parses(line);
    for (uint32_t i = 0; i < line_request.notice_count; i++)
        if (strstr(line_request.notices[i], text) != NULL)
            return;
    ck_abort_msg("\"%s\" does not say: %s; but: %s", line, text,
                 line_request.notice_count > 0 ? line_request.notices[0] : "nothing");
}

void line_quiet(const char *line)
{
    line_parses(line);
    ck_assert_msg(line_request.notice_count == 0, "\"%s\" says: %s", line, line_request.notices[0]);
}

enum err_code line_parse_with_config(const char *text, const char *line)
{
    char whole[1024];
    if (config_path[0] != '\0')
        unlink(config_path);
    snprintf(config_path, sizeof config_path, "/tmp/volley_test_XXXXXX");
    int fd = mkstemp(config_path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    snprintf(whole, sizeof whole, "--config %s%s%s", config_path, *line != '\0' ? " " : "", line);
    return line_parse(whole);
}

void line_parses_with_config(const char *text, const char *line)
{
    enum err_code code = line_parse_with_config(text, line);
    ck_assert_msg(code == OK, "\"%s\": %s", line, line_err.text);
}

void line_refused(const char *line, const char *text)
{
    enum err_code code = line_parse(line);
    ck_assert_msg(code == E_USAGE, "\"%s\" gives %d, \"%s\"", line, code, line_err.text);
    ck_assert_msg(strstr(line_err.text, text) != NULL, "\"%s\" says: %s", line, line_err.text);
}

void line_all_refused(const struct line_refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        line_refused(refusals[i].line, refusals[i].text);
}
