#include "orchestrator/report/catalogue_suite.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/units.h"

#define FILE_BYTES_MAX (256u << 20)

static uint64_t moment_of(const char *text)
{
    struct tm parts = {0};
    if (text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) == NULL)
        return 0;
    const time_t second = timegm(&parts);
    return second > 0 ? (uint64_t)second * NS_PER_SECOND : 0;
}

static double number_of(const json_t *record, const char *key)
{
    const double number = json_number_value(json_object_get(record, key));
    return isfinite(number) && number > 0 ? number : 0;
}

static void take_verdict(struct catalogue_run *run, const json_t *verdict, bool first)
{
    const char *word = json_string_value(verdict);
    for (int level = VERDICT_GREEN; level <= VERDICT_RED && word != NULL; level++)
        if (strcmp(verdict_level_name((enum verdict_level)level), word) == 0 &&
            (first || level > (int)run->level))
            run->level = (enum verdict_level)level;
}

static void take_record(struct catalogue_run *run, const json_t *record)
{
    const char *command = json_string_value(json_object_get(record, "command"));
    const char *reference = json_string_value(json_object_get(record, "reference"));
    const uint64_t started = moment_of(json_string_value(json_object_get(record, "started")));
    const size_t used = strlen(run->tests);
    if (command != NULL && !list_has(run->tests, ',', command, strlen(command)))
        snprintf(run->tests + used, sizeof run->tests - used, "%s%s", used > 0 ? "," : "",
                 PRINTABLE(command));
    if (reference != NULL && run->label[0] == '\0')
        snprintf(run->label, sizeof run->label, "%s", PRINTABLE(reference));
    if (started > 0 && (run->started_wall_ns == 0 || started < run->started_wall_ns))
        run->started_wall_ns = started;
    run->seconds += number_of(record, "seconds");
    run->rate = number_of(record, "rps");
    take_verdict(run, json_object_get(record, "verdict"), run->test_count == 0);
    run->test_count++;
}

void catalogue_suite_read(struct catalogue_run *run, const char *path)
{
    char file[PATH_MAX];
    struct stat about = {0};
    size_t i;
    const json_t *record;
    json_error_t reason = {.text = "is no file that can be read"};
    json_t *records = NULL;
    snprintf(file, sizeof file, "%.4000s/" CATALOGUE_SUITE_FILE, path);
    snprintf(run->command, sizeof run->command, "suite");
    const int fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
        if (about.st_size <= (off_t)FILE_BYTES_MAX)
            records = json_loadfd(fd, 0, &reason);
        else
            snprintf(reason.text, sizeof reason.text, "has more than %u MB", FILE_BYTES_MAX >> 20);
        run->started_wall_ns = 0;
    }
    if (fd >= 0)
        (void)close(fd);
    run->complete = true;
    if (!json_is_array(records))
        snprintf(run->problem, sizeof run->problem, CATALOGUE_SUITE_FILE ": %s",
                 records == NULL ? PRINTABLE(reason.text) : "is no list of records");
    json_array_foreach(records, i, record) take_record(run, record);
    if (run->started_wall_ns == 0 && run->problem[0] == '\0') /* another tool says no moment */
        run->started_wall_ns = (uint64_t)about.st_mtime * NS_PER_SECOND;
    json_decref(records);
}

bool catalogue_suite_in_use(const char *results)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/" CATALOGUE_SUITE_LOCK, results);
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool held = flock(fd, LOCK_SH | LOCK_NB) != 0;
    (void)close(fd);
    return held;
}
