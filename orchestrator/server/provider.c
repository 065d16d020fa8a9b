#include "orchestrator/server/provider.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/machine/child.h"
#include "orchestrator/machine/program_path.h"

#define VERSION_TIMEOUT_NS (5 * NS_PER_SECOND)

/* ---- in PATH ---- */

static enum err_code find(struct server_program *program, struct err *err)
{
    static const char *const names[] = {"valkey-server", "redis-server"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (program_path_find(program->path, sizeof program->path, names[i]))
            return OK;
    program->path[0] = '\0';
    return err_set(err, E_CONNECT,
                   "cannot start a managed server: neither valkey-server nor redis-server is in "
                   "PATH; install one of them, name one with --managed-program, or give --host of "
                   "a running server");
}

/* ---- one that was named ---- */

static enum err_code check_file(const char *path, struct err *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return err_set(err, E_USAGE, "--managed-program %.200s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return err_set(err, E_USAGE, "--managed-program %.200s: that is no file", path);
    if (access(path, X_OK) != 0)
        return err_set(err, E_USAGE, "--managed-program %.200s: it may not be executed (%s)", path,
                       strerror(errno));
    if (strlen(path) >= 256)
        return err_set(err, E_USAGE, "--managed-program: the path is longer than 255 bytes");
    return OK;
}

static enum err_code obtain_file(struct server_program *program, const char *path, struct err *err)
{
    if (path == NULL)
        return find(program, err);
    snprintf(program->path, sizeof program->path, "%s", path);
    return check_file(path, err);
}

const struct provider_source provider_path = {
    .name = "path", .check = check_file, .obtain = obtain_file};

/* ---- what it is ---- */

/* What it prints until it ends, or the time is over. */
static void read_words(char *words, size_t words_bytes, struct child *child)
{
    size_t heard_bytes;
    (void)child_hear(child, words, words_bytes - 1, &heard_bytes, VERSION_TIMEOUT_NS, NULL);
    words[heard_bytes] = '\0';
    for (char *at = words; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || (unsigned char)*at >= 0x7F)
            *at = ' ';
}

static enum err_code identify(struct server_program *program, struct err *err)
{
    char words[512];
    struct child child;
    const char *const argv[] = {program->path, "--version", NULL};
    if (!child_start(&child, &(struct child_plan){.argv = argv, .heard = true}))
        return err_set_errno(err, E_SYSTEM, errno, "cannot ask %.200s for its version",
                             program->path);
    read_words(words, sizeof words, &child);
    child_end(&child); /* it has said what it had to say, or will not */
    /* "Valkey server v=9.1.0 sha=..." of every fork so far */
    if (strstr(words, "server v=") == NULL)
        return err_set(err, E_USAGE,
                       "--managed-program %.150s: with --version it does not say that it is a "
                       "server: %.100s",
                       program->path, words[0] != '\0' ? words : "nothing within 5s");
    (void)sscanf(words, "%31s server v=%31s", program->name, program->version);
    return OK;
}

enum err_code provider_obtain(struct server_program *program, const struct provider_source *source,
                              const char *wanted, struct err *err)
{
    *program = (struct server_program){.named = wanted != NULL};
    enum err_code code = source->obtain(program, wanted, err);
    return code == OK && program->named ? identify(program, err) : code;
}
