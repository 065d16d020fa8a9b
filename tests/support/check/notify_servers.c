#include "tests/support/check/notify_servers.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check/certificates.h"

void notify_servers_start(struct notify_servers *servers, const char *directory)
{
    char certificate[200], key[200];
    struct test_certificates made;
    snprintf(made.directory, sizeof made.directory, "%s", directory);
    const char *const argv[] = {"/usr/bin/python3", "tests/support/notify_servers.py",
                                test_certificate(certificate, sizeof certificate, &made, "server"),
                                test_certificate_key(key, sizeof key, &made, "server"), NULL};
    const struct program_options options = {.argv = argv, .deadline_ms = 120000};
    memset(servers, 0, sizeof *servers);
    program_start(&servers->program, &options);
    notify_servers_wait(servers, "\"ready\"");
    json_t *got = notify_servers_got(servers);
    const json_t *ports = json_array_get(got, 0);
    servers->http = (unsigned)json_integer_value(json_object_get(ports, "http"));
    servers->smtp = (unsigned)json_integer_value(json_object_get(ports, "smtp"));
    servers->starttls = (unsigned)json_integer_value(json_object_get(ports, "starttls"));
    ck_assert_uint_gt(servers->starttls, 0);
    json_decref(got);
}

void notify_servers_stop(struct notify_servers *servers)
{
    if (servers->program.name[0] != '\0')
        program_free(&servers->program);
}

json_t *notify_servers_got(const struct notify_servers *servers)
{
    char *text = program_output(&servers->program, PROGRAM_OUT), *rest = text;
    json_t *got = json_array();
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        json_t *one = json_loads(line, 0, NULL); /* the last may be half written */
        if (one != NULL)
            json_array_append_new(got, one);
    }
    free(text);
    return got;
}

void notify_servers_wait(struct notify_servers *servers, const char *text)
{
    program_wait_text(&servers->program, PROGRAM_OUT, text);
}

json_t *notify_servers_find(json_t *got, const char *path, size_t index)
{
    for (size_t i = 0; i < json_array_size(got); i++) {
        json_t *one = json_array_get(got, i);
        const char *its = json_string_value(json_object_get(one, path != NULL ? "path" : "mail"));
        if (its != NULL && (path == NULL || strcmp(its, path) == 0) && index-- == 0)
            return one;
    }
    return NULL;
}

size_t notify_servers_count(json_t *got, const char *path)
{
    size_t count = 0;
    while (notify_servers_find(got, path, count) != NULL)
        count++;
    return count;
}
