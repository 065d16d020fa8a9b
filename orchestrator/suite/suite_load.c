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
    return NS_PER_SECOND *
           (SPARE_SECONDS + 2 * (combination->warmup_seconds + combination->duration_seconds) +
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
                   strrchr(load->argv[0], '/') != NULL ? strrchr(load->argv[0], '/') + 1
                                                       : load->argv[0],
                   child_describe(how, sizeof how, child), said[0] != '\0' ? ": " : "", said);
}

/* All of them, or none. */
static enum err_code start_all(struct child *children, const struct suite_load *loads, size_t count,
                               struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct suite_load *load = &loads[i];
        const struct child_plan plan = {.argv = load->argv,
                                        .output_fd = load->output_fd,
                                        .environment = load->environment,
                                        .cpus = load->cpus,
                                        .cpu_count = load->cpu_count,
                                        .name = "the load"};
        if (!child_start(&children[i], &plan))
            return err_set_errno(err, E_SYSTEM, errno, "cannot start %s", PRINTABLE(load->argv[0]));
    }
    return OK;
}

/* Why it has to end now; OK: it has not to. */
static enum err_code look(const struct suite_load *load, struct suite_servers *servers,
                          uint64_t passed_ns, const volatile int *interrupted, struct err *err)
{
    char died[700];
    if (suite_servers_died(servers, died, sizeof died))
        return err_set(err, E_FAILED, "the server is gone: %.300s", died);
    if (*interrupted != 0)
        return err_set(err, E_INTERRUPTED, "interrupted");
    if (lseek(load->output_fd, 0, SEEK_END) > OUTPUT_BYTES_MAX)
        return err_set(err, E_FAILED, "it printed more than %d MB, and was ended",
                       OUTPUT_BYTES_MAX >> 20);
    if (passed_ns >= load->limit_ns)
        return err_set(err, E_FAILED, "it was ended after %.0f s: it would not come to its end",
                       (double)passed_ns / NS_PER_SECOND);
    return OK;
}

/* One look at those that still run. *running: how many there are. */
static enum err_code watch(struct child *children, const struct suite_load *loads, size_t count,
                           bool *ended, size_t *running, struct err *err)
{
    enum err_code code = OK;
    *running = 0;
    for (size_t i = 0; i < count && code == OK; i++) {
        if (!ended[i] && child_gone(&children[i])) {
            ended[i] = true;
            code = judge(&children[i], &loads[i], err);
        }
        *running += !ended[i];
    }
    return code;
}

enum err_code suite_load_run(const struct suite_load *loads, size_t count,
                             struct suite_servers *servers, const volatile int *interrupted,
                             struct err *err)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    const uint64_t begun_ns = clock_now_ns();
    struct child children[SUITE_PARTS_MAX] = {{.pid = 0}};
    bool ended[SUITE_PARTS_MAX] = {false};
    size_t running = count;
    enum err_code code = start_all(children, loads, count, err);
    while (code == OK) {
        const uint64_t passed_ns = clock_now_ns() - begun_ns;
        code = watch(children, loads, count, ended, &running, err);
        if (running == 0 || code != OK)
            break;
        for (size_t i = 0; i < count && code == OK; i++)
            if (!ended[i])
                code = look(&loads[i], servers, passed_ns, interrupted, err);
        if (loads[0].stop_ns > 0 && passed_ns >= loads[0].stop_ns)
            break;
        (void)nanosleep(&pause, NULL);
    }
    for (size_t i = 0; i < count; i++)
        if (!ended[i] && children[i].pid > 0)
            child_tell(&children[i], SIGINT);
    for (size_t i = 0; i < count; i++)
        if (!ended[i] && children[i].pid > 0)
            stop(&children[i], interrupted);
    return code;
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
