#include "orchestrator/server/source_tool.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/secret.h"
#include "orchestrator/machine/child.h"
#include "orchestrator/machine/program_path.h"

#define SLICE_NS (200 * NS_PER_MS)
#define END_LIMIT_NS (10 * NS_PER_SECOND) /* with its streams shut */
#define PART_BYTES 4096u
#define LINE_BYTES 1024u /* a longer one is taken for several */
#define ENVIRONMENT_MAX 32u

/* No question to a terminal or a window, words in English; and nothing of a git or a make around this process, whose
 * repository and jobs are not meant. */
static const char *const usual_environment[] = {
    "GIT_TERMINAL_PROMPT=0",
    "GIT_ASKPASS=",
    "SSH_ASKPASS_REQUIRE=never",
    "LC_ALL=C",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_CURL_VERBOSE",
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "GNUMAKEFLAGS",
};

/* ---- what it says ---- */

/* The longest first part of a run's output that is no whole line yet. */
struct hearing {
    struct source_tool *tool;
    char line[LINE_BYTES];
    size_t bytes;
    int write_errno;
};

static bool looks_like_error(const char *line)
{
    static const char *const marks[] = {
        "error:",    "No space left on device", "undefined reference",
        "not found", "No rule to make",         "fatal:"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strstr(line, marks[i]) != NULL)
            return true;
    return false;
}

static void write_all(struct hearing *hearing, const char *text)
{
    size_t bytes = strlen(text);
    while (bytes > 0 && hearing->write_errno == 0) {
        const ssize_t written = write(hearing->tool->log_fd, text, bytes);
        if (written < 0 && errno != EINTR) {
            hearing->write_errno = errno;
        } else if (written > 0) {
            text += written;
            bytes -= (size_t)written;
        }
    }
}

/* Colours and the like: ESC [ ... and a letter. What is no whole one stays, for others to clean. */
static void strip_colours(char *line)
{
    char *out = line;
    for (const char *at = line; *at != '\0';) {
        const size_t inner = at[0] == '\033' && at[1] == '[' ? strspn(at + 2, "0123456789;?") : 0;
        const char end = at[0] == '\033' && at[1] == '[' ? at[2 + inner] : '\0';
        if ((end >= 'A' && end <= 'Z') || (end >= 'a' && end <= 'z'))
            at += 3 + inner;
        else
            *out++ = *at++;
    }
    *out = '\0';
}

static void take_line(struct hearing *hearing)
{
    struct source_tool *tool = hearing->tool;
    hearing->line[hearing->bytes] = '\0';
    hearing->bytes = 0;
    strip_colours(hearing->line);
    printable_lines(hearing->line);
    for (size_t i = 0; i < SOURCE_TOOL_SECRETS; i++)
        (void)secret_mask(hearing->line, tool->secrets[i]);
    if (tool->log_fd > 0) {
        write_all(hearing, hearing->line);
        write_all(hearing, "\n");
    }
    if (tool->hear != NULL)
        tool->hear(tool->state, hearing->line);
    char *kept = tool->last_lines[tool->line_count++ % SOURCE_TOOL_LAST_LINES];
    (void)printable_copy(kept, SOURCE_TOOL_LINE_BYTES, hearing->line);
    if (tool->first_error[0] == '\0' && looks_like_error(hearing->line))
        memcpy(tool->first_error, kept, SOURCE_TOOL_LINE_BYTES);
}

static void take_bytes(struct hearing *hearing, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const bool ends = bytes[i] == '\n' || bytes[i] == '\r';
        if (!ends)
            hearing->line[hearing->bytes++] = bytes[i] != '\0' ? bytes[i] : '?';
        if ((ends && hearing->bytes > 0) || hearing->bytes == LINE_BYTES - 1)
            take_line(hearing);
    }
}

/* ---- running ---- */

static enum err_code listen_to(struct source_tool *tool, struct child *child, struct err *err)
{
    struct hearing hearing = {.tool = tool};
    char part[PART_BYTES];
    const uint64_t end_ns = clock_now_ns() + tool->limit_ns;
    uint64_t beat_ns = clock_now_ns(), beat_lines = 0;
    for (enum child_heard heard = CHILD_HEARD_ALL; heard != CHILD_HEARD_END;) {
        size_t heard_bytes = 0;
        heard = child_hear(child, part, sizeof part, &heard_bytes, SLICE_NS, tool->interrupted);
        take_bytes(&hearing, part, heard_bytes);
        const uint64_t now_ns = clock_now_ns();
        if (heard == CHILD_INTERRUPTED)
            return err_set(err, E_INTERRUPTED, "interrupted while %s ran", tool->words[0]);
        if (hearing.write_errno != 0)
            return err_set_errno(err, E_SYSTEM, hearing.write_errno,
                                 "the log of %s cannot be written", tool->words[0]);
        if (now_ns >= end_ns)
            return err_set(err, E_SYSTEM, "%s has not ended within %.0f minutes", tool->words[0],
                           clock_seconds(tool->limit_ns) / 60);
        if (tool->beat != NULL && now_ns - beat_ns >= NS_PER_SECOND &&
            tool->line_count != beat_lines) {
            tool->beat(tool->state, tool->line_count);
            beat_ns = now_ns;
            beat_lines = tool->line_count;
        }
    }
    if (hearing.bytes > 0)
        take_line(&hearing);
    return child_gone_within(child, END_LIMIT_NS)
               ? OK
               : err_set(err, E_SYSTEM, "%s does not end", tool->words[0]);
}

static void gather_environment(const char **entries, const struct source_tool *tool)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof usual_environment / sizeof usual_environment[0]; i++)
        entries[count++] = usual_environment[i];
    for (const char *const *entry = tool->environment; entry != NULL && *entry != NULL; entry++)
        if (count < ENVIRONMENT_MAX)
            entries[count++] = *entry;
    entries[count] = NULL;
}

void source_tool_add(struct source_tool *tool, const char *word, ...)
{
    va_list words;
    va_start(words, word);
    for (; word != NULL; word = va_arg(words, const char *), tool->word_count++)
        if (tool->word_count < SOURCE_TOOL_WORDS_MAX)
            tool->words[tool->word_count] = word;
    va_end(words);
}

enum err_code source_tool_run(struct source_tool *tool, struct err *err)
{
    char program[PATH_MAX];
    const char *words[SOURCE_TOOL_WORDS_MAX + 1], *entries[ENVIRONMENT_MAX + 1];
    struct child child = {.pid = 0};
    if (tool->word_count > SOURCE_TOOL_WORDS_MAX)
        return err_set(err, E_USAGE, "%s has more than %u words to be called with", tool->words[0],
                       SOURCE_TOOL_WORDS_MAX);
    if (source_tool_check(tool->words[0], err) != OK)
        return err->code;
    (void)program_path_find_listed(program, sizeof program, tool->words[0]);
    memcpy(words, tool->words, sizeof words);
    words[0] = program;
    words[tool->word_count] = NULL;
    gather_environment(entries, tool);
    const struct child_plan plan = {
        .argv = words, .environment = entries, .heard = true, .name = tool->words[0]};
    if (!child_start(&child, &plan))
        return err_set_errno(err, E_SYSTEM, errno, "%s cannot be started", tool->words[0]);
    const enum err_code code = listen_to(tool, &child, err);
    child_end(&child);
    tool->succeeded = code == OK && child.end == CHILD_EXITED && child.number == 0;
    (void)child_describe(tool->end, sizeof tool->end, &child);
    return code;
}

/* ---- afterwards ---- */

const char *source_tool_last_line(const struct source_tool *tool, size_t index)
{
    const uint64_t kept =
        tool->line_count < SOURCE_TOOL_LAST_LINES ? tool->line_count : SOURCE_TOOL_LAST_LINES;
    if (index >= kept)
        return NULL;
    return tool->last_lines[(tool->line_count - kept + index) % SOURCE_TOOL_LAST_LINES];
}

const char *source_tool_complaint(const struct source_tool *tool, char *text, size_t text_bytes)
{
    const uint64_t count = tool->line_count;
    const char *last =
        count > 0 ? tool->last_lines[(count - 1) % SOURCE_TOOL_LAST_LINES] : "it says nothing";
    const bool both = tool->first_error[0] != '\0' && strcmp(tool->first_error, last) != 0;
    snprintf(text, text_bytes, "%.120s%s%.100s", both ? tool->first_error : last,
             both ? " ... " : "", both ? last : "");
    return text;
}

enum err_code source_tool_check(const char *name, struct err *err)
{
    char path[PATH_MAX];
    if (program_path_find_listed(path, sizeof path, name))
        return OK;
    return err_set(err, E_SYSTEM,
                   "%s is not in PATH, and servers cannot be built from git without it: install "
                   "the package %s",
                   name, name);
}

enum err_code source_tool_check_compiler(struct err *err)
{
    static const char *const names[] = {"cc", "gcc", "clang"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (program_path_find_listed(path, sizeof path, names[i]))
            return OK;
    return err_set(err, E_SYSTEM,
                   "no C compiler is in PATH (cc, gcc or clang), and servers cannot be built "
                   "without one: install the package gcc");
}
