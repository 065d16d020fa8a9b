#include "orchestrator/machine/plugin_build.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/machine/cache_folder.h"
#include "orchestrator/machine/child.h"
#include "orchestrator/machine/program_path.h"

#define COMPILE_LIMIT_NS (60 * NS_PER_SECOND)
#define SAID_BYTES 16384u
#define KEY_DIGITS 32u

/* What decides about the code, beside the text. */
static const char *const usual_flags[] = {"-std=gnu11", "-O2", "-g", "-fPIC", "-shared", "-Wall"};
#define FLAG_COUNT (sizeof usual_flags / sizeof usual_flags[0])

/* From the folder of the program: installed, built, and built as another variant. */
static const char *const header_places[] = {"../include", "../common", "../../common"};

struct build {
    const char *file;
    char compiler[PATH_MAX], header[PATH_MAX], folder[PATH_MAX - 64];
    char text[PATH_MAX], made[PATH_MAX]; /* for a while: beside the library */
    char said[SAID_BYTES];
};

/* ---- the compiler ---- */

static enum err_code compile(struct build *build, const char *const *flags, size_t flag_count,
                             const char *out, struct err *err)
{
    const char *argv[FLAG_COUNT + 8];
    size_t count = 0, heard_bytes = 0;
    struct child child = {.pid = 0};
    char *folder = strrchr(build->header, '/');
    char include[PATH_MAX + 4];
    snprintf(include, sizeof include, "-I%.*s", (int)(folder - build->header), build->header);
    argv[count++] = build->compiler;
    for (size_t i = 0; i < flag_count; i++)
        argv[count++] = flags[i];
    argv[count++] = include;
    argv[count++] = "-o";
    argv[count++] = out;
    argv[count++] = build->file;
    argv[count] = NULL;
    const struct child_plan plan = {.argv = argv, .heard = true, .name = "the compiler"};
    if (!child_start(&child, &plan))
        return err_set(err, E_SYSTEM, "%s: cannot be started: %s", PRINTABLE(build->compiler),
                       strerror(errno));
    const enum child_heard heard = child_hear(&child, build->said, sizeof build->said - 1,
                                              &heard_bytes, COMPILE_LIMIT_NS, NULL);
    build->said[heard_bytes] = '\0';
    printable_lines(build->said);
    const bool in_time = heard != CHILD_HEARD_LATE && child_gone_within(&child, COMPILE_LIMIT_NS);
    const bool done = in_time && child.end == CHILD_EXITED && child.number == 0;
    child_end(&child);
    if (done)
        return OK;
    if (build->said[0] != '\0')
        fprintf(stderr, "%s", build->said);
    if (!in_time)
        return err_set(err, E_SYSTEM, "%s: does not compile within a minute",
                       PRINTABLE(build->file));
    return err_set(err, E_CONFIG, "%s: does not compile (%s)", PRINTABLE(build->file),
                   PRINTABLE(build->compiler));
}

/* ---- which library it is ---- */

static bool add_file(EVP_MD_CTX *digest, const char *path)
{
    char part[4096];
    ssize_t bytes;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while ((bytes = read(fd, part, sizeof part)) > 0)
        EVP_DigestUpdate(digest, part, (size_t)bytes);
    close(fd);
    return bytes == 0;
}

/* Of the text that the compiler sees, and of how it is called. */
static bool find_key(char key[KEY_DIGITS + 1], const struct build *build)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned sum_bytes = 0;
    struct stat compiler;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool found = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
                 stat(build->compiler, &compiler) == 0;
    if (found) {
        for (size_t i = 0; i < FLAG_COUNT; i++)
            EVP_DigestUpdate(digest, usual_flags[i], strlen(usual_flags[i]) + 1);
        EVP_DigestUpdate(digest, build->compiler, strlen(build->compiler) + 1);
        EVP_DigestUpdate(digest, &compiler.st_size, sizeof compiler.st_size);
        EVP_DigestUpdate(digest, &compiler.st_mtim, sizeof compiler.st_mtim);
        found = add_file(digest, build->text) && EVP_DigestFinal_ex(digest, sum, &sum_bytes) == 1 &&
                sum_bytes * 2 >= KEY_DIGITS;
    }
    EVP_MD_CTX_free(digest);
    for (unsigned i = 0; found && i < KEY_DIGITS / 2; i++)
        snprintf(key + (size_t)i * 2, 3, "%02x", sum[i]);
    return found;
}

static enum err_code find_tools(struct build *build, struct err *err)
{
    if (access(build->file, R_OK) != 0)
        return err_set(err, E_CONFIG, "%s: %s", PRINTABLE(build->file), strerror(errno));
    if (!program_path_find(build->compiler, sizeof build->compiler, "cc"))
        return err_set(err, E_SYSTEM,
                       "%s: has to be compiled, and no cc is in PATH: install a C compiler (gcc or "
                       "clang), or give the plug-in as a .so",
                       PRINTABLE(build->file));
    if (!program_path_beside(build->header, sizeof build->header, header_places,
                             sizeof header_places / sizeof header_places[0], "volley_plugin.h"))
        return err_set(err, E_SYSTEM,
                       "volley_plugin.h is not there: neither in %s nor in %s beside the program; "
                       "`make install` puts it in place",
                       header_places[0], header_places[1]);
    return cache_folder_make(build->folder, sizeof build->folder, NULL, "plugins",
                             "compile the plug-in and give the .so", err);
}

static enum err_code make_library(struct build *build, const char *library, struct err *err)
{
    enum err_code code = compile(build, usual_flags, FLAG_COUNT, build->made, err);
    if (code == OK && build->said[0] != '\0')
        fprintf(stderr, "%s", build->said); /* warnings, once */
    if (code == OK && rename(build->made, library) != 0)
        code = err_set(err, E_SYSTEM, "%s: %s", PRINTABLE(library), strerror(errno));
    return code;
}

enum err_code plugin_build(char library[PATH_MAX], const char *file, struct err *err)
{
    static const char *const only_text[] = {"-E", "-std=gnu11"};
    char key[KEY_DIGITS + 1] = "";
    struct build *build = calloc(1, sizeof *build);
    if (build == NULL)
        return err_set(err, E_SYSTEM, "no memory to compile %s", PRINTABLE(file));
    build->file = file;
    enum err_code code = find_tools(build, err);
    if (code == OK) {
        snprintf(build->text, sizeof build->text, "%s/%d.i", build->folder, (int)getpid());
        snprintf(build->made, sizeof build->made, "%s/%d.so", build->folder, (int)getpid());
        code = compile(build, only_text, sizeof only_text / sizeof only_text[0], build->text, err);
    }
    if (code == OK && !find_key(key, build))
        code = err_set(err, E_SYSTEM, "%s: cannot be looked at: %s", PRINTABLE(build->text),
                       strerror(errno));
    if (code == OK) {
        snprintf(library, PATH_MAX, "%s/%s.so", build->folder, key);
        if (!cache_folder_is_own(library, false))
            code = make_library(build, library, err);
    }
    if (build->text[0] != '\0') {
        unlink(build->text);
        unlink(build->made);
    }
    free(build);
    return code;
}
