#include "orchestrator/page/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/machine/child.h"
#include "orchestrator/machine/program_path.h"

/* A picture takes less than a second; a machine that is busy, some. */
#define DRAW_LIMIT_SECONDS 15u
#define DRAW_LIMIT_NS (DRAW_LIMIT_SECONDS * NS_PER_SECOND)
#define SAID_BYTES 4096u
/* Of what it said: enough to see what is wrong. */
#define SAID_SHOWN 200

volatile sig_atomic_t gnuplot_group;

bool gnuplot_there(void)
{
    char path[PATH_MAX];
    return program_path_find_listed(path, sizeof path, "gnuplot");
}

enum err_code gnuplot_check(const char *option, struct err *err)
{
    if (gnuplot_there())
        return OK;
    return err_set(err, E_SYSTEM,
                   "%s: gnuplot draws PNG and SVG, and is not in PATH; install it (packages "
                   "gnuplot-nox and fonts-dejavu-core), or ask for a page, which needs neither",
                   option);
}

FILE *gnuplot_script_open(void)
{
    const int fd = memfd_create("script", MFD_CLOEXEC);
    FILE *script = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (script == NULL && fd >= 0)
        close(fd);
    return script;
}

void gnuplot_text(FILE *script, const char *text)
{
    /* In single quotes nothing has a meaning but these. */
    unsigned brackets = 0;
    fputc('\'', script);
    for (const char *at = PRINTABLE(text); *at != '\0'; at++) {
        if (*at == '\'')
            fputc('\'', script);
        if (*at == '>' && brackets >= 2)
            fputc(' ', script); /* ]]> is no text of XML, and gnuplot lets it through */
        brackets = *at == ']' ? brackets + 1 : 0;
        fputc(*at, script);
    }
    fputc('\'', script);
}

/* ---- drawing ---- */

static enum err_code tell_failure(const struct child *child, bool in_time, char *said,
                                  struct err *err)
{
    char end[64];
    if (!in_time)
        return err_set(err, E_SYSTEM,
                       "gnuplot does not draw the picture within %u s: does the gnuplot in PATH "
                       "wait for something?",
                       DRAW_LIMIT_SECONDS);
    return err_set(err, E_SYSTEM, "gnuplot %s: %.*s", child_describe(end, sizeof end, child),
                   SAID_SHOWN, said[0] != '\0' ? printable_line(said) : "it says nothing");
}

static enum err_code run(int script_fd, int drawn_fd, struct err *err)
{
    char program[PATH_MAX], script[32], drawn[48], said[SAID_BYTES];
    size_t heard_bytes = 0;
    struct child child = {.pid = 0};
    if (!program_path_find_listed(program, sizeof program, "gnuplot"))
        return gnuplot_check("a picture", err);
    snprintf(script, sizeof script, "/dev/fd/%d", script_fd);
    snprintf(drawn, sizeof drawn, "drawn = '/dev/fd/%d'", drawn_fd);
    /* -d: no settings of the user's. */
    const char *const argv[] = {program, "-d", "-e", drawn, script, NULL};
    const int kept[] = {script_fd, drawn_fd};
    const struct child_plan plan = {
        .argv = argv, .heard = true, .keep_fds = kept, .keep_count = 2, .name = "gnuplot"};
    if (!child_start(&child, &plan))
        return err_set_errno(err, E_SYSTEM, errno, "gnuplot cannot be started");
    gnuplot_group = child.pid;
    const uint64_t end_ns = clock_now_ns() + DRAW_LIMIT_NS;
    const enum child_heard heard =
        child_hear(&child, said, sizeof said - 1, &heard_bytes, DRAW_LIMIT_NS, NULL);
    said[heard_bytes] = '\0';
    const uint64_t now_ns = clock_now_ns();
    const bool in_time = heard != CHILD_HEARD_LATE &&
                         child_gone_within(&child, now_ns < end_ns ? end_ns - now_ns : 0);
    const bool done = in_time && child.end == CHILD_EXITED && child.number == 0;
    child_end(&child);
    gnuplot_group = 0;
    return done ? OK : tell_failure(&child, in_time, said, err);
}

/* From the beginning. */
static enum err_code copy(struct output *out, int drawn_fd, struct err *err)
{
    char part[16384];
    ssize_t bytes;
    off_t at = 0;
    while ((bytes = pread(drawn_fd, part, sizeof part, at)) > 0) {
        output_write(out, part, (size_t)bytes);
        at += bytes;
    }
    if (bytes < 0 || at == 0)
        return err_set(err, E_SYSTEM, "gnuplot ends without a picture: has it pngcairo and svg?");
    return OK;
}

enum err_code gnuplot_draw(FILE *script, const char *path, enum output_naming naming,
                           struct err *err)
{
    struct output out = {.file = NULL};
    if (fflush(script) != 0)
        return err_set_errno(err, E_SYSTEM, errno, "no memory for the script of %.200s", path);
    if (output_create(&out, path, naming, err) != OK)
        return err->code;
    const int drawn_fd = memfd_create("drawn", MFD_CLOEXEC);
    enum err_code code = drawn_fd >= 0
                             ? run(fileno(script), drawn_fd, err)
                             : err_set_errno(err, E_SYSTEM, errno, "no memory for %.200s", path);
    if (code == OK)
        code = copy(&out, drawn_fd, err);
    if (code == OK)
        code = output_commit(&out, err);
    if (drawn_fd >= 0)
        close(drawn_fd);
    output_discard(&out);
    return code;
}
