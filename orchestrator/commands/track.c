/* `volley track determine|mark|query|cleanup`: which commits are to be measured, and how far they are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/store_options.h"
#include "orchestrator/scenario/run_file.h"
#include "orchestrator/suite/track_commits.h"

#define CONFIG_BYTES_MAX (4u << 20)
#define HASH_SHOWN 12

struct track_request {
    struct option_values values;
    struct command_words words;
    struct store_options store;
    const char *repo, *branch, *config_file, *architecture;
    uint64_t max_commits;
    unsigned status; /* of status_at */
    bool exact, list_configs, json, help;
};

static const char *status_at(size_t index)
{
    return index < TRACK_STATUSES ? track_status_name((enum track_status)index) : NULL;
}

#define AT(member) offsetof(struct track_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("repo", NULL, OPTION_TEXT, "DIR", AT(repo)), .unset = ".", .section = "Commits",
     .help = "The git repository, of determine and mark."},
    {ROW("branch", NULL, OPTION_TEXT, "NAME", AT(branch)), .unset = "unstable",
     .section = "Commits", .help = "Of determine: whose commits, the newest first."},
    {ROW("max-commits", NULL, OPTION_COUNT, "N", AT(max_commits)), NUMBER(1, 1000000), .unset = "3",
     .section = "Commits", .help = "Of determine: no more than so many."},
    {ROW("status", NULL, OPTION_WORD, "WORD", AT(status)), .value_at = status_at,
     .section = "Commits",
     .help = "Of mark: how far they are. in_progress is forgotten by the next determine or "
             "cleanup; benchmark_complete is measured and not pushed yet; complete is done."},
    {ROW("config-file", NULL, OPTION_TEXT, "FILE", AT(config_file)), .section = "Commits",
     .help = "The configuration they are measured with, JSON: its content counts, not its name."},
    {ROW("disable-subset-detection", NULL, OPTION_FLAG, NULL, AT(exact)), .section = "Commits",
     .help = "Of determine: take only commits as measured that were so with exactly this "
             "configuration, not with one that holds all of it."},
    {ROW("architecture", NULL, OPTION_TEXT, "NAME", AT(architecture)), .section = "Commits",
     .help = "Of which machines; without it this one's."},
    {ROW("list-configs", NULL, OPTION_FLAG, NULL, AT(list_configs)), .section = "Commits",
     .help = "Of query: list configurations in place of commits."},
    {ROW("json", NULL, OPTION_FLAG, NULL, AT(json)), .section = "Commits",
     .help = "Of query: print JSON, with whole configurations."},
    STORE_ROWS(AT(store)),
    HELP_ROW(AT(help)),
};
/* clang-format on */
#undef AT

/* ---- the configuration ---- */

/* NULL in *config: none was given. */
static enum err_code read_config(json_t **config, const char *path, struct err *err)
{
    FILE *file = NULL;
    uint64_t size_bytes = 0;
    json_error_t reason = {.text = ""};
    *config = NULL;
    if (path == NULL)
        return OK;
    struct err problem = {.code = OK};
    if (run_file_open(&file, &size_bytes, path, &problem) != OK)
        return err_set(err, E_CONFIG, "--config-file: %s", problem.text);
    if (size_bytes <= CONFIG_BYTES_MAX)
        *config = json_loadf(file, JSON_REJECT_DUPLICATES, &reason);
    fclose(file);
    if (size_bytes > CONFIG_BYTES_MAX)
        return err_set(err, E_CONFIG, "--config-file %.200s: has more than %u MB", PRINTABLE(path),
                       CONFIG_BYTES_MAX >> 20);
    return *config != NULL
               ? OK
               : err_set(err, E_CONFIG, "--config-file %.200s:%d:%d: is no JSON: %s",
                         PRINTABLE(path), reason.line, reason.column, PRINTABLE(reason.text));
}

/* ---- determine ---- */

static enum err_code print_missing(const struct track_request *request,
                                   const struct track_done *done, struct err *err)
{
    char(*shas)[TRACK_SHA_BYTES] = NULL;
    size_t count = 0, chosen = 0, skipped = 0;
    enum err_code code = track_commits_list(&shas, &count, request->repo, request->branch, err);
    for (size_t i = 0; code == OK && i < count && chosen < request->max_commits; i++) {
        if (track_done_has(done, shas[i])) {
            skipped++;
            continue;
        }
        printf("%s%s", chosen > 0 ? " " : "", shas[i]);
        chosen++;
    }
    free(shas);
    if (code != OK)
        return code;
    if (chosen > 0)
        printf("\n");
    log_line(LOG_INFO, "%zu commits to measure of %zu on %s; %zu newer ones are measured%s", chosen,
             count, PRINTABLE(request->branch), skipped,
             done->covering > 0 ? ", some with a configuration that holds all of this one" : "");
    return OK;
}

static enum err_code determine(const struct track_request *request, const struct track *track,
                               struct err *err)
{
    uint64_t removed_count = 0;
    struct track_done done = {0};
    enum err_code code = track_cleanup(track, &removed_count, err);
    if (code == OK && removed_count > 0)
        log_line(LOG_INFO, "%llu commits that were in progress are not any more",
                 (unsigned long long)removed_count);
    if (code == OK)
        code = track_done_read(&done, track, request->exact, err);
    if (code == OK)
        code = print_missing(request, &done, err);
    track_done_free(&done);
    return code;
}

/* ---- mark ---- */

static enum err_code mark(const struct track_request *request, const struct track *track,
                          struct err *err)
{
    const enum track_status status = (enum track_status)request->status;
    const size_t count = request->words.count - 1;
    struct track_commit *commits = calloc(count > 0 ? count : 1, sizeof commits[0]);
    enum err_code code = commits != NULL ? OK : err_set(err, E_SYSTEM, "no memory for commits");
    for (size_t i = 0; i < count && code == OK; i++)
        code = track_commit_find(&commits[i], request->repo, request->words.items[i + 1], err);
    if (code == OK)
        code = store_begin(track->store, err);
    for (size_t i = 0; i < count && code == OK; i++)
        code = track_mark(track, commits[i].sha, commits[i].time, status, err);
    if (code == OK)
        code = store_commit(track->store, err);
    for (size_t i = 0; i < count && code == OK; i++)
        log_line(LOG_INFO, "%s of %s is %s on %s", commits[i].sha, commits[i].time,
                 track_status_name(status), PRINTABLE(track->architecture));
    free(commits);
    return code;
}

/* ---- query ---- */

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(PRINTABLE(text)) : json_null();
}

/* Databases have ways of their own to write a moment. */
static const char *moment_of(char utc[STORE_TIME_BYTES], const char *text)
{
    if (text == NULL || !store_time(utc, text))
        snprintf(utc, STORE_TIME_BYTES, "%s", PRINTABLE(text != NULL ? text : "-"));
    return utc;
}

static bool keep_row(void *state, const char *const *columns, size_t column_count)
{
    json_t *config = NULL;
    char utc[STORE_TIME_BYTES];
    if (column_count != TRACK_COLUMNS)
        return false;
    if (columns[3] != NULL)
        config = json_loads(columns[3], JSON_DECODE_ANY, NULL);
    return json_array_append_new(state, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "sha",
                                                  text_or_null(columns[0]), "timestamp",
                                                  json_string(moment_of(utc, columns[1])), "status",
                                                  text_or_null(columns[2]), "config",
                                                  config != NULL ? config : json_null(),
                                                  "architecture", text_or_null(columns[4]),
                                                  "config_hash", text_or_null(columns[5]))) == 0;
}

/* "<sha> <date> complete 0123456789ab", as columns. */
static bool print_row(void *state, const char *const *columns, size_t column_count)
{
    size_t *count = state;
    char utc[STORE_TIME_BYTES];
    if (column_count != TRACK_COLUMNS)
        return false;
    (*count)++;
    printf("%-40s  %-22s  %-18s  %.*s\n", PRINTABLE(columns[0] != NULL ? columns[0] : "-"),
           moment_of(utc, columns[1]), PRINTABLE(columns[2] != NULL ? columns[2] : "-"), HASH_SHOWN,
           PRINTABLE(columns[5] != NULL ? columns[5] : "-"));
    return true;
}

static bool print_config(void *state, const char *const *columns, size_t column_count)
{
    size_t *count = state;
    if (column_count != 3)
        return false;
    (*count)++;
    printf("%.*s  %s commits  %.2000s\n", HASH_SHOWN, PRINTABLE(columns[2]),
           PRINTABLE(columns[1] != NULL ? columns[1] : "0"),
           PRINTABLE(columns[0] != NULL ? columns[0] : "-"));
    return true;
}

static bool keep_config(void *state, const char *const *columns, size_t column_count)
{
    if (column_count != 3)
        return false;
    json_t *config = json_loads(columns[0] != NULL ? columns[0] : "null", JSON_DECODE_ANY, NULL);
    const long long commits = columns[1] != NULL ? strtoll(columns[1], NULL, 10) : 0;
    return json_array_append_new(state, json_pack("{s:o, s:o, s:I}", "config",
                                                  config != NULL ? config : json_null(),
                                                  "config_hash", text_or_null(columns[2]),
                                                  "commits", (json_int_t)commits)) == 0;
}

static enum err_code query(const struct track_request *request, const struct track *track,
                           struct err *err)
{
    size_t count = 0;
    json_t *list = json_array();
    void *state = request->json ? (void *)list : (void *)&count;
    enum err_code code =
        request->list_configs
            ? track_configs(track, request->json ? keep_config : print_config, state, err)
            : track_query(track, request->json ? keep_row : print_row, state, err);
    if (code == OK && request->json) {
        (void)json_dumpf(list, stdout, JSON_INDENT(2));
        printf("\n");
    } else if (code == OK) {
        log_line(LOG_INFO, "%zu %s", count, request->list_configs ? "configurations" : "commits");
    }
    json_decref(list);
    return code;
}

static enum err_code cleanup(const struct track_request *request, const struct track *track,
                             struct err *err)
{
    uint64_t removed_count = 0;
    (void)request;
    enum err_code code = track_cleanup(track, &removed_count, err);
    if (code == OK)
        log_line(LOG_INFO, "%llu commits that were in progress are not any more",
                 (unsigned long long)removed_count);
    return code;
}

/* ---- the command ---- */

static const struct {
    const char *word;
    enum err_code (*run)(const struct track_request *request, const struct track *track,
                         struct err *err);
} actions[] = {{"determine", determine}, {"mark", mark}, {"query", query}, {"cleanup", cleanup}};
#define ACTIONS (sizeof actions / sizeof actions[0])

const struct option_table track_option_table = {
    TABLE_ROWS(rows),
    .command = "track",
    .usage = "volley track determine|mark COMMIT...|query|cleanup [OPTIONS]",
    .synopsis =
        "Keeps which commits have been measured, with which configuration, on which "
        "machines. determine prints those that are to be measured next, on one line; mark "
        "says how far commits are; query lists them, and cleanup forgets those in progress.",
    .takes_command = true,
};

/* What stands there that the word makes no use of. */
static enum err_code check(const struct track_request *request, size_t action, struct err *err)
{
    const bool marks = actions[action].run == mark;
    if (marks && request->words.count < 2)
        return err_set(err, E_USAGE, "mark needs a commit: %s", track_option_table.usage);
    if (marks && !options_given(&request->values, "status"))
        return err_set(err, E_USAGE,
                       "mark needs --status in_progress, benchmark_complete or complete");
    if (!marks && request->words.count > 1)
        return err_set(err, E_USAGE, "%.60s: %s takes no commit: %s",
                       PRINTABLE(request->words.items[1]), actions[action].word,
                       track_option_table.usage);
    if (request->architecture != NULL && request->architecture[0] == '\0')
        return err_set(err, E_USAGE, "--architecture: is empty");
    return OK;
}

static enum err_code carry_out(const struct track_request *request, size_t action, struct err *err)
{
    struct utsname machine;
    log_set_level(
        LOG_INFO); /* notes are what these commands have to say, and standard output is for programs */
    struct store store = {0};
    struct store_address address;
    struct track track = {.store = &store, .architecture = request->architecture};
    if (track.architecture == NULL)
        track.architecture = uname(&machine) == 0 ? machine.machine : "unknown";
    enum err_code code = store_options_address(&address, &request->store, &request->values, err);
    if (code == OK)
        code = read_config(&track.config, request->config_file, err);
    address.read_only = actions[action].run == query;
    if (code == OK)
        code = store_open(&store, &address, err);
    if (code == OK)
        code = actions[action].run(request, &track, err);
    store_close(&store);
    json_decref(track.config);
    return code;
}

static enum err_code run(void *target, struct err *err)
{
    const struct track_request *request = target;
    const char *word = request->words.count > 0 ? request->words.items[0] : "";
    for (size_t i = 0; i < ACTIONS; i++)
        if (strcmp(word, actions[i].word) == 0) {
            const enum err_code code = check(request, i, err);
            return code == OK ? carry_out(request, i, err) : code;
        }
    return err_set(err, E_USAGE, "%s%.40s: %s",
                   word[0] != '\0' ? "there is no track " : "track needs a word", PRINTABLE(word),
                   track_option_table.usage);
}

int command_track(int argc, const char *const *argv)
{
    struct track_request request = {.help = false};
    const struct command_frame frame = WORDS_FRAME(track_option_table, request, run);
    return command_frame_run(&frame, argc, argv);
}
