#include "orchestrator/suite/suite_load.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/machine/child.h"

#define LOOK_NS (20 * NS_PER_MS)
#define END_LIMIT_NS (15 * NS_PER_SECOND)
#define ASK_LIMIT_NS (5 * NS_PER_SECOND)
#define OUTPUT_BYTES_MAX (256 << 20)
#define SAID_BYTES 1024u
#define SLOWEST_RATE 500u /* requests per second */
#define SPARE_SECONDS 600u

uint64_t suite_load_limit_ns(const struct suite_combination *combination)
{
    const struct suite_block *block = combination->block;
    return NS_PER_SECOND *
           (SPARE_SECONDS + 2 * (combination->warmup_seconds + block->duration_seconds) +
            (combination->requests + combination->keyspace) / SLOWEST_RATE);
}

/* The last line that says something. */
static void last_line(char *text, size_t text_bytes, int fd)
{
    char said[SAID_BYTES];
    const off_t size = lseek(fd, 0, SEEK_END);
    const ssize_t bytes =
        pread(fd, said, sizeof said - 1,
              size > (off_t)sizeof said - 1 ? size - ((off_t)sizeof said - 1) : 0);
    size_t end = bytes > 0 ? (size_t)bytes : 0;
    while (end > 0 && (said[end - 1] == '\n' || said[end - 1] == '\r' || said[end - 1] == ' '))
        end--;
    said[end] = '\0';
    const char *line = strrchr(said, '\n');
    snprintf(text, text_bytes, "%.*s", (int)text_bytes - 1, line != NULL ? line + 1 : said);
    printable_line(text);
}

/* Lets it finish what it has begun, unless the user asks for the end once more. */
static void stop(struct child *child, const volatile int *interrupted)
{
    const uint64_t end_ns = clock_now_ns() + END_LIMIT_NS;
    child_tell(child, SIGINT);
    while (!child_gone_within(child, LOOK_NS)) {
        const bool again = *interrupted > 1;
        if (!again && clock_now_ns() < end_ns)
            continue;
        log_line(LOG_WARNING, "the load has not ended %s, and is killed",
                 again ? "before the second interrupt" : "within 15 s");
        break;
    }
    child_end(child);
}

static enum err_code judge(const struct child *child, const struct suite_load *load,
                           struct err *err)
{
    char how[64], said[200];
    if (child->end == CHILD_EXITED && child->number == 0)
        return OK;
    last_line(said, sizeof said, load->output_fd);
    return err_set(err, E_FAILED, "%s %s%s%s",
                   strrchr(load->argv->items[0], '/') != NULL
                       ? strrchr(load->argv->items[0], '/') + 1
                       : load->argv->items[0],
                   child_describe(how, sizeof how, child), said[0] != '\0' ? ": " : "", said);
}

enum err_code suite_load_run(const struct suite_load *load, struct suite_servers *servers,
                             const volatile int *interrupted, struct err *err)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    const uint64_t begun_ns = clock_now_ns();
    char died[700];
    struct child child = {.pid = 0};
    const struct child_plan plan = {.argv = load->argv->items,
                                    .output_fd = load->output_fd,
                                    .environment = load->environment,
                                    .cpus = load->cpus,
                                    .cpu_count = load->cpu_count,
                                    .name = "the load"};
    if (!child_start(&child, &plan))
        return err_set_errno(err, E_SYSTEM, errno, "cannot start %s",
                             PRINTABLE(load->argv->items[0]));
    for (;;) {
        const uint64_t passed_ns = clock_now_ns() - begun_ns;
        if (child_gone(&child))
            return judge(&child, load, err);
        if (suite_servers_died(servers, died, sizeof died)) {
            stop(&child, interrupted);
            return err_set(err, E_FAILED, "the server is gone: %.300s", died);
        }
        if (*interrupted != 0) {
            stop(&child, interrupted);
            return err_set(err, E_INTERRUPTED, "interrupted");
        }
        if (lseek(load->output_fd, 0, SEEK_END) > OUTPUT_BYTES_MAX) {
            stop(&child, interrupted);
            return err_set(err, E_FAILED, "it printed more than %d MB, and was ended",
                           OUTPUT_BYTES_MAX >> 20);
        }
        if (load->stop_ns > 0 && passed_ns >= load->stop_ns) {
            stop(&child, interrupted);
            return OK;
        }
        if (passed_ns >= load->limit_ns) {
            stop(&child, interrupted);
            return err_set(err, E_FAILED, "it was ended after %.0f s: it would not come to its end",
                           (double)passed_ns / NS_PER_SECOND);
        }
        (void)nanosleep(&pause, NULL);
    }
}

enum err_code suite_load_ask(char *text, size_t text_bytes, const char *path, const char *argument,
                             struct err *err)
{
    const char *const argv[] = {path, argument, NULL};
    const struct child_plan plan = {.argv = argv, .heard = true, .name = "the tool"};
    struct child child = {.pid = 0};
    size_t heard = 0;
    if (!child_start(&child, &plan))
        return err_set_errno(err, E_SYSTEM, errno, "cannot start %s", PRINTABLE(path));
    const enum child_heard how =
        child_hear(&child, text, text_bytes - 1, &heard, ASK_LIMIT_NS, NULL);
    text[heard] = '\0';
    const bool gone = how != CHILD_HEARD_LATE && child_gone_within(&child, NS_PER_SECOND);
    const bool unfit = gone && child.end == CHILD_EXITED && child.number >= CHILD_STATUS_UNFIT;
    child_end(&child);
    if (how == CHILD_HEARD_LATE || heard == 0 || unfit)
        return err_set(err, E_USAGE, "%.200s %s: %.100s", PRINTABLE(path), argument,
                       how == CHILD_HEARD_LATE ? "no end within 5 s"
                       : heard == 0            ? "it says nothing"
                                               : printable_line(text));
    return OK;
}
