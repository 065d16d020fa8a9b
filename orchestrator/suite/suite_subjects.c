#include "orchestrator/suite/suite_subjects.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/rng.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/reply_value.h"

/* A step of a build, for whom it is about. How far make is, once a second, is for who waits. */
static void tell(void *state, const char *text)
{
    if (strstr(text, " of make)") != NULL)
        log_line(LOG_INFO, "%s", text);
    else
        suite_log_line(state, LOG_INFO, "%s", text);
}

static void name_now(char time_text[40])
{
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL)
        strftime(time_text, 40, "%Y-%m-%dT%H:%M:%S+00:00", &utc);
}

/* What may stand as the name of a directory. */
static void name_directory(char name[128], const char *from)
{
    snprintf(name, 128, "%.100s", from);
    for (char *at = name; *at != '\0'; at++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+", *at) ==
            NULL)
            *at = '_';
    if (name[0] == '\0' || name[0] == '.')
        snprintf(name, 128, "unnamed");
}

/* --- built ----------------------------------------------------------------------------------- */

/* A program that does not say what it is may be a server all the same. */
static void identify(struct suite_subject *subject, const char *path)
{
    struct err ignored = {.code = OK};
    if (provider_obtain(&subject->program, &provider_path, path, &ignored) == OK)
        snprintf(subject->server_version, sizeof subject->server_version, "%s %s",
                 subject->program.name, subject->program.version);
    snprintf(subject->program.path, sizeof subject->program.path, "%s", path);
    subject->program.named = subject->server_version[0] == '\0';
}

static void fill(struct suite_subject *subject, const struct source_commit *commit,
                 const struct source_build *build, bool named)
{
    *subject = (struct suite_subject){.measured = 0};
    identify(subject, build->server_path);
    snprintf(subject->commit, sizeof subject->commit, "%s",
             commit->sha[0] != '\0'               ? commit->sha
             : subject->server_version[0] != '\0' ? subject->server_version
                                                  : "unknown");
    name_directory(subject->name, subject->commit);
    if (build->changed || build->was_there) {
        snprintf(subject->source, sizeof subject->source, "%s",
                 build->changed ? "tree with changes" : "programs as found");
        strncat(subject->name, build->changed ? "-changed" : "-found",
                sizeof subject->name - strlen(subject->name) - 1);
    }
    if (named && strcmp(commit->wanted, commit->sha) != 0)
        snprintf(subject->reference, sizeof subject->reference, "%s", commit->wanted);
    snprintf(subject->timestamp, sizeof subject->timestamp, "%s", commit->time);
    if (subject->timestamp[0] == '\0')
        name_now(subject->timestamp);
}

void suite_subjects_make_suffix(char text[SUITE_MAKE_SUFFIX_BYTES], const char *make_args)
{
    uint64_t hash = 0;
    for (const char *at = make_args; at != NULL && *at != '\0'; at++)
        hash = rng_mix(hash + (unsigned char)*at + 1);
    text[0] = '\0';
    if (make_args != NULL && make_args[0] != '\0')
        snprintf(text, SUITE_MAKE_SUFFIX_BYTES, "-make-%08llx",
                 (unsigned long long)(hash & 0xFFFFFFFFu));
}

static void name_make_args(struct suite_subject *subject, const char *make_args)
{
    char text[SUITE_MAKE_SUFFIX_BYTES];
    suite_subjects_make_suffix(text, make_args);
    strncat(subject->name, text, sizeof subject->name - strlen(subject->name) - 1);
}

static bool is_there(const struct suite_subjects *subjects, const struct suite_subject *wanted)
{
    for (size_t i = 0; i < subjects->count; i++)
        if (strcmp(subjects->items[i].name, wanted->name) == 0)
            return true;
    return false;
}

/* Of what builds; where the ref that is meant does not, of the first one. */
static void add_control(struct suite_subjects *subjects, const char *ref)
{
    struct suite_subject *control = &subjects->items[subjects->count];
    size_t of = 0;
    for (size_t i = 0; i < subjects->count; i++)
        if (strcmp(subjects->items[i].reference, ref) == 0 ||
            strcmp(subjects->items[i].commit, ref) == 0)
            of = i;
    *control = subjects->items[of];
    control->log = (struct suite_log){.file = NULL};
    suite_log_put_before(&control->log, &subjects->items[of].log);
    subjects->count++;
    control->control = true;
    strncat(control->name, SUITE_CONTROL_SUFFIX, sizeof control->name - strlen(control->name) - 1);
    strncat(control->commit, SUITE_CONTROL_SUFFIX,
            sizeof control->commit - strlen(control->commit) - 1);
}

static enum err_code build_one(struct suite_subjects *subjects, const struct source_commit *commit,
                               const struct suite_subjects_wish *wish, struct err *err)
{
    struct err reason = {.code = OK};
    struct source_build *build = &subjects->builds[subjects->build_count++];
    struct suite_subject subject;
    struct suite_log log = {.file = NULL};
    const enum err_code code =
        source_build_make(build, commit, &wish->source, tell, &log, wish->interrupted, &reason);
    if (code == OK) {
        fill(&subject, commit, build, wish->named);
        name_make_args(&subject, wish->source.make_args);
        if (build->log_path[0] != '\0')
            suite_log_line(&log, LOG_INFO, "%s: what git and make said: %s", subject.name,
                           build->log_path);
        subject.log = log;
        if (!is_there(subjects, &subject))
            subjects->items[subjects->count++] = subject;
        else
            suite_log_close(&log);
        return OK;
    }
    suite_log_put_before(&log, &subjects->log); /* what was said last belongs to all */
    suite_log_close(&subjects->log);
    subjects->log = log;
    if (code != E_FAILED)
        return err_set(err, code, "%s", reason.text);
    subjects->failed++;
    suite_log_line(&subjects->log, LOG_ERROR, "%s: %s", commit->wanted, reason.text);
    return OK;
}

enum err_code suite_subjects_build(struct suite_subjects *subjects,
                                   const struct suite_subjects_wish *wish, struct err *err)
{
    struct source_commit *commits = calloc(wish->ref_count, sizeof commits[0]);
    *subjects =
        (struct suite_subjects){.items = calloc(wish->ref_count + 1, sizeof subjects->items[0]),
                                .builds = calloc(wish->ref_count, sizeof subjects->builds[0])};
    struct source_wish source = wish->source;
    source.tell = tell;
    source.tell_state = &subjects->log;
    enum err_code code = commits != NULL && subjects->items != NULL && subjects->builds != NULL
                             ? OK
                             : err_set(err, E_SYSTEM, "no memory for %zu commits", wish->ref_count);
    if (code == OK)
        code =
            source_resolve(commits, wish->ref_count, wish->refs, &source, wish->interrupted, err);
    for (size_t i = 0; i < wish->ref_count && code == OK; i++)
        code = build_one(subjects, &commits[i], wish, err);
    free(commits);
    for (size_t i = 0; i < subjects->count; i++)
        suite_log_put_before(&subjects->items[i].log, &subjects->log);
    if (code == OK && subjects->count == 0)
        code = err_set(err, E_FAILED, "no commit that builds is left to measure");
    if (code == OK && wish->control_of != NULL)
        add_control(subjects, wish->control_of);
    return code;
}

void suite_subjects_free(struct suite_subjects *subjects)
{
    for (size_t i = 0; i < subjects->build_count; i++)
        source_build_remove(&subjects->builds[i]);
    for (size_t i = 0; i < subjects->count; i++)
        suite_log_close(&subjects->items[i].log);
    suite_log_close(&subjects->log);
    free(subjects->builds);
    free(subjects->items);
    *subjects = (struct suite_subjects){.items = NULL};
}

/* --- running --------------------------------------------------------------------------------- */

enum err_code suite_subjects_running(struct suite_subjects *subjects,
                                     const struct suite_running *running, const char *name,
                                     const volatile int *interrupted, struct err *err)
{
    const struct endpoint endpoint = {.host = running->host,
                                      .port = running->port,
                                      .tls_client = running->tls,
                                      .tls.wanted = running->tls != NULL,
                                      .user = running->user,
                                      .password = running->password,
                                      .connection_timeout_ns = 2 * NS_PER_SECOND,
                                      .request_timeout_ns = 5 * NS_PER_SECOND};
    struct control *control = NULL;
    struct target_address target;
    char *info = NULL, version[40] = "", product[20] = "";
    *subjects = (struct suite_subjects){.items = calloc(1, sizeof subjects->items[0]), .count = 1};
    if (subjects->items == NULL)
        return err_set(err, E_SYSTEM, "no memory for a server");
    struct suite_subject *subject = subjects->items;
    enum err_code code = control_connect(&control, &target, &endpoint, interrupted, err);
    if (code == OK)
        code = control_info(control, &info, err);
    control_close(control);
    if (code == OK) {
        const bool valkey = info_field(info, "valkey_version", version, sizeof version);
        if (!valkey)
            (void)info_field(info, "redis_version", version, sizeof version);
        snprintf(product, sizeof product, "%s", valkey ? "Valkey" : "Redis");
        snprintf(subject->server_version, sizeof subject->server_version, "%s %s", product,
                 printable_line(version));
        snprintf(subject->commit, sizeof subject->commit, "%s",
                 name != NULL ? name : subject->server_version);
        name_directory(subject->name, subject->commit);
        name_now(subject->timestamp);
    }
    free(info);
    return code;
}
