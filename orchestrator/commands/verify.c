/* `volley verify DIR`: after a failure, reads the last acknowledged version of each key that `bench --verify --out DIR`
 * wrote. */
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/tls_stream.h"
#include "common/units.h"
#include "common/version.h"
#include "common/version_table.h"
#include "orchestrator/commands/commands.h"
#include "orchestrator/commands/frame.h"
#include "orchestrator/commands/interrupts.h"
#include "orchestrator/commands/verify_page.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/report/checked_report.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/sinks.h"
#include "orchestrator/server/discover.h"
#include "orchestrator/server/reach.h"

#define BATCH_KEYS 128u
#define CHUNK_ENTRIES 4096u
#define SAID_EVERY_NS (5 * NS_PER_SECOND)

/* A key of the batch under way. */
struct waiting {
    uint64_t number;
    const struct version_space *space;
    struct version_entry entry;
    struct control *control;
};

struct verify_request {
    struct bench_request bench; /* first: its options fit */
    struct command_words words;
    const char *directory, *json_path, *html_path;
    struct output html; /* open, where a page is wanted */

    int fd;
    struct version_header header;
    struct tls_client *tls;
    struct topology *topology;
    char target_text[160];
    struct control **controls; /* one for each node, as it is needed */
    uint32_t control_count;
    const volatile int *interrupted;
    char *key; /* VERSION_KEY_BYTES_MAX and a prefix */

    struct waiting batch[BATCH_KEYS];
    uint32_t batch_count;
    uint64_t keys, right, unverified, said_ns;
    struct checked_report report;
};

#define AT(member) offsetof(struct verify_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row own_rows[] = {
    {ROW("json", NULL, OPTION_TEXT, "FILE", AT(json_path)), .section = "Output",
     .help = "Write the result as JSON, too; - is standard output, in place of the text."},
    {ROW("html", NULL, OPTION_TEXT, "FILE", AT(html_path)), .section = "Output",
     .help = "Write a page with the result, too: one file, which needs nothing else."},
    HELP_ROW(AT(bench.help)),
};
/* clang-format on */
#undef AT

const struct option_table *verify_option_table(void)
{
    static struct option_row rows[OPTION_TABLE_ROWS_MAX];
    static struct option_table table = {
        .command = "verify",
        .usage = "volley verify DIR [OPTIONS]",
        .synopsis =
            "Reads the last acknowledged version of each key that \"bench --verify --out DIR\" has "
            "written, from its primary: after a failure test, or a restart. Says which writes are "
            "lost and which values are corrupted, the first ten with key, expected and got. Exit "
            "status 1 when there are any.",
        .takes_command = true,
        .takes_directory = true,
    };
    static const struct option_group own = GROUP(NULL, 0, own_rows);
    endpoint_table_fill(&table, rows, OF_VERIFY, &own);
    return &table;
}

/* ---- the file ---- */

static enum err_code read_at(const struct verify_request *request, void *out, size_t byte_count,
                             uint64_t at, struct err *err)
{
    size_t done = 0;
    while (done < byte_count) {
        const ssize_t got =
            pread(request->fd, (char *)out + done, byte_count - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set_errno(err, E_DATA, errno, "cannot read %.200s/" VERSION_NAME,
                                 request->directory);
        if (got == 0)
            return err_set(err, E_DATA, "%.200s/" VERSION_NAME " became shorter",
                           request->directory);
        done += (size_t)got;
    }
    return OK;
}

static enum err_code open_versions(struct verify_request *request, struct err *err)
{
    char path[4096];
    struct stat status;
    struct err reason = {.code = OK};
    if ((size_t)snprintf(path, sizeof path, "%s/" VERSION_NAME, request->directory) >= sizeof path)
        return err_set(err, E_USAGE, "the path of the directory is too long");
    request->fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (request->fd < 0 && errno == ENOENT)
        return err_set(err, E_DATA,
                       "%.300s does not exist: a run keeps versions with --verify --out DIR", path);
    if (request->fd < 0 || fstat(request->fd, &status) != 0)
        return err_set_errno(err, E_DATA, errno, "cannot read %.300s", path);
    if (!S_ISREG(status.st_mode))
        return err_set(err, E_DATA, "%.300s is no regular file", path);
    if (status.st_size < (off_t)VERSION_HEADER_BYTES)
        return err_set(err, E_DATA, "%.300s: it is no file of versions that --verify has kept",
                       path);
    if (journal_in_use(request->directory))
        return err_set(err, E_DATA, "the run in %.300s goes on: end it first", request->directory);
    enum err_code code = read_at(request, &request->header, sizeof request->header, 0, err);
    if (code == OK &&
        version_header_check(&request->header, (uint64_t)status.st_size, &reason) != OK)
        code = err_set(err, reason.code, "%.300s: %s", path, reason.text);
    return code;
}

/* ---- the server ---- */

static enum err_code reach(struct verify_request *request, struct err *err)
{
    struct endpoint *endpoint = &request->bench.spec.endpoint;
    struct control *control = NULL;
    struct target_address first;
    request->interrupted = &interrupts_install()->count;
    request->topology = calloc(1, sizeof *request->topology);
    request->key = malloc(VERSION_KEY_BYTES_MAX + 2 * VERSION_PREFIX_BYTES);
    if (request->topology == NULL || request->key == NULL)
        return err_set(err, E_SYSTEM, "no memory for who serves what");
    enum err_code code = OK;
    if (endpoint->tls.wanted)
        code = tls_client_create(&request->tls, &endpoint->tls, err);
    endpoint->tls_client = request->tls;
    if (code == OK)
        code = reach_begin(endpoint, request->interrupted, err);
    if (code == OK)
        code = topology_discover(request->topology, &control, &endpoint->probe, &first, endpoint,
                                 request->interrupted, err);
    control_close(control);
    if (code != OK)
        return code;
    topology_describe(request->target_text, sizeof request->target_text, request->topology, &first,
                      endpoint);
    if (request->topology->kind == TOPOLOGY_ALIKE && topology_primaries(request->topology) > 1)
        return err_set(err, E_USAGE, "verify needs one server, or one cluster");
    request->control_count = request->topology->node_count;
    request->controls = calloc(request->control_count + 1u, sizeof(struct control *));
    return request->controls != NULL ? OK : err_set(err, E_SYSTEM, "no memory for connections");
}

/* The connection to the primary that has the key. */
static enum err_code find_control(struct control **found, struct verify_request *request,
                                  size_t key_bytes, struct err *err)
{
    const struct topology *topology = request->topology;
    uint32_t node = 0;
    if (topology->kind == TOPOLOGY_SLOTS)
        node = topology->owner[slots_of_key(request->key, key_bytes)];
    else
        while (node < topology->node_count && topology->nodes[node].role != TOPOLOGY_PRIMARY)
            node++;
    if (node >= request->control_count)
        return err_set(err, E_CONNECT, "%s: nobody serves some of the keys", request->target_text);
    if (request->controls[node] == NULL &&
        control_connect_to(&request->controls[node], &topology->nodes[node].address,
                           &request->bench.spec.endpoint, request->interrupted, err) != OK)
        return err->code;
    *found = request->controls[node];
    return OK;
}

/* ---- keys ---- */

/* A GET that fails because of what the key is, not because of the server. */
static bool is_wrong_type(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGTYPE", 9) == 0;
}

static void judge(struct verify_request *request, const struct waiting *waiting,
                  const redisReply *reply)
{
    const struct version_space *space = waiting->space;
    const struct version_state state = version_look(&waiting->entry);
    struct checked_finding finding = {
        .reading = VALUE_MALFORMED, .expected_least = state.acked, .expected_most = state.current};
    if (reply->type == REDIS_REPLY_NIL)
        finding.reading = VALUE_MISSING;
    if (reply->type == REDIS_REPLY_STRING) {
        struct checked_value value;
        checked_value_begin(
            &value,
            checked_value_key(version_space_seed(space, request->header.seed), waiting->number),
            reply->len);
        checked_value_take(&value, reply->str, reply->len);
        finding.reading = value.fault == CHECKED_RIGHT ? VALUE_WHOLE : VALUE_MALFORMED;
        finding.version = value.version;
        finding.value_bytes = value.size;
        finding.fault = value.fault;
        finding.fault_at = value.fault_at;
        finding.expected = value.expected;
        finding.got = value.got;
    }
    const enum version_verdict verdict =
        version_judge(&waiting->entry, space, state.acked, finding.reading, finding.version);
    request->right += verdict == VERSION_RIGHT;
    request->unverified += verdict == VERSION_UNKNOWN;
    if (verdict == VERSION_RIGHT || verdict == VERSION_UNKNOWN)
        return;
    finding.kind = verdict == VERSION_CORRUPTED ? CHECKED_CORRUPTED : CHECKED_LOST;
    request->report.counts[finding.kind]++;
    if (request->report.finding_count == CHECKED_FINDINGS_MAX)
        return;
    finding.key_bytes = (uint32_t)version_key_bytes(space, waiting->number);
    version_key_write(finding.key, sizeof finding.key, space, waiting->number);
    checked_finding_show(&request->report.findings[request->report.finding_count++], &finding);
}

static enum err_code take_batch(struct verify_request *request, struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = 0; i < request->batch_count && code == OK; i++) {
        const struct waiting *waiting = &request->batch[i];
        redisReply *reply = NULL;
        code = control_take(waiting->control, &reply, err);
        if (code == OK && reply->type == REDIS_REPLY_ERROR && !is_wrong_type(reply))
            code = err_set(err, E_CONNECT, "%s: GET: %.200s", request->target_text, reply->str);
        if (code == OK)
            judge(request, waiting, reply);
        freeReplyObject(reply);
    }
    request->batch_count = 0;
    return code;
}

static enum err_code ask(struct verify_request *request, const struct version_space *space,
                         uint64_t number, const uint64_t words[2], struct err *err)
{
    const size_t key_bytes = version_key_bytes(space, number);
    const char *const argv[] = {"GET", request->key};
    const size_t lengths[] = {3, key_bytes};
    struct waiting *waiting = &request->batch[request->batch_count];
    version_key_write(request->key, key_bytes, space, number);
    *waiting = (struct waiting){.number = number, .space = space};
    atomic_init(&waiting->entry.state, words[0]);
    atomic_init(&waiting->entry.maybe, words[1]);
    if (version_look(&waiting->entry).current == 0)
        return OK;
    request->keys++;
    enum err_code code = find_control(&waiting->control, request, key_bytes, err);
    if (code == OK)
        code = control_send(waiting->control, 2, argv, lengths, err);
    if (code == OK && ++request->batch_count == BATCH_KEYS)
        code = take_batch(request, err);
    return code;
}

static void say_progress(struct verify_request *request)
{
    const uint64_t now_ns = clock_now_ns();
    if (request->said_ns == 0)
        request->said_ns = now_ns;
    if (now_ns - request->said_ns < SAID_EVERY_NS)
        return;
    request->said_ns = now_ns;
    log_line(LOG_INFO, "%s keys read", UNITS_GROUPED(request->keys));
}

/* Entries of a space, from one on, that a sparse file says nothing of. */
static uint64_t hole_entries(const struct verify_request *request,
                             const struct version_space *space, uint64_t from)
{
    const off_t at =
        (off_t)(VERSION_HEADER_BYTES + (space->entry + from) * sizeof(struct version_entry));
    const off_t written = lseek(request->fd, at, SEEK_DATA);
    if (written < 0)
        return errno == ENXIO ? space->count - from : 0;
    const uint64_t entries = (uint64_t)(written - at) / sizeof(struct version_entry);
    return entries < space->count - from ? entries : space->count - from;
}

static enum err_code ask_space(struct verify_request *request, const struct version_space *space,
                               struct err *err)
{
    static uint64_t chunk[CHUNK_ENTRIES][2]; /* too large for a stack */
    enum err_code code = OK;
    uint64_t count;
    for (uint64_t from = 0; from < space->count && code == OK; from += count) {
        from += hole_entries(request, space, from);
        const uint64_t left = space->count - from;
        count = left < CHUNK_ENTRIES ? left : CHUNK_ENTRIES;
        code = read_at(request, chunk, count * sizeof chunk[0],
                       VERSION_HEADER_BYTES + (space->entry + from) * sizeof chunk[0], err);
        for (uint64_t i = 0; i < count && code == OK; i++)
            if (chunk[i][0] != 0)
                code = ask(request, space, space->first + from + i, chunk[i], err);
        say_progress(request);
        if (code == OK && *request->interrupted > 0)
            code = E_INTERRUPTED;
    }
    return code;
}

static enum err_code ask_all(struct verify_request *request, struct err *err)
{
    enum err_code code = OK;
    request->report.known = true;
    for (uint32_t i = 0; i < request->header.space_count && code == OK; i++) {
        request->report.may_go |= (request->header.spaces[i].flags & VERSION_MAY_GO) != 0;
        code = ask_space(request, &request->header.spaces[i], err);
    }
    return code == OK ? take_batch(request, err) : code;
}

/* ---- what it comes to ---- */

static void print_text(const struct verify_request *request, bool cut)
{
    struct output out = {0};
    output_borrow(&out, stdout);
    out.plain = true;
    output_printf(&out, "%s against %s%s\n", PRINTABLE(request->directory),
                  PRINTABLE(request->target_text),
                  cut ? ": not to its end, and this is as far as it came" : "");
    output_printf(&out, "%s keys read: %s right, %s corrupted, %s lost writes",
                  UNITS_GROUPED(request->keys), UNITS_GROUPED(request->right),
                  UNITS_GROUPED(request->report.counts[CHECKED_CORRUPTED]),
                  UNITS_GROUPED(request->report.counts[CHECKED_LOST]));
    if (request->unverified > 0)
        output_printf(&out, ", %s of which no version was acknowledged%s",
                      UNITS_GROUPED(request->unverified),
                      request->report.may_go ? ", or which may have gone by themselves" : "");
    output_printf(&out, "\n");
    if (request->keys > 0 && request->report.counts[CHECKED_LOST] == request->keys)
        output_printf(&out, "Nothing of the run is there: was it this server, and this database "
                            "(--dbnum)?\n");
    text_findings(&out, &request->report);
    output_discard(&out);
}

static enum err_code write_json(const struct verify_request *request, bool cut, struct err *err)
{
    struct output out = {0};
    json_t *json = checked_report_to_json(&request->report);
    json_object_del(json, "stale"); /* primaries alone are asked */
    json_t *head = json_pack(
        "{s:s, s:{s:s, s:s}, s:o, s:o, s:b, s:o, s:o, s:o}", "schema", "volley.verify/1", "volley",
        "version", volley_version, "commit", volley_commit, "directory",
        json_value_text(request->directory), "target", json_value_text(request->target_text),
        "interrupted", cut, "keys", json_value_count(request->keys), "right",
        json_value_count(request->right), "unverified", json_value_count(request->unverified));
    enum err_code code = output_create(&out, request->json_path, OUTPUT_NAMED, err);
    if (head == NULL || json == NULL || json_object_update(head, json) != 0)
        code = err_set(err, E_SYSTEM, "no memory for the result as JSON");
    if (code == OK && !json_value_write(&out, head, JSON_INDENT(2)))
        code = err_set(err, E_SYSTEM, "no memory for the result as JSON");
    if (code == OK) {
        output_printf(&out, "\n");
        code = output_commit(&out, err);
    }
    output_discard(&out);
    json_decref(json);
    json_decref(head);
    return code;
}

/* What cannot be written is refused before anything connects. */
static enum err_code open_page(struct verify_request *request, struct err *err)
{
    if (request->html_path == NULL)
        return OK;
    if (output_is_stdout(request->html_path))
        return err_set(err, E_USAGE, "--html -: the page needs a file of its own");
    if (page_bundle_check("--html", request->html_path, err) != OK)
        return err->code;
    return output_create(&request->html, request->html_path, OUTPUT_NAMED, err);
}

static enum err_code write_page(struct verify_request *request, bool cut, struct err *err)
{
    const struct verify_outcome outcome = {.directory = request->directory,
                                           .target = request->target_text,
                                           .keys = request->keys,
                                           .right = request->right,
                                           .unverified = request->unverified,
                                           .report = &request->report,
                                           .cut = cut};
    return verify_page_write(&request->html, &outcome, err);
}

/* What the options mean together. */
static enum err_code settle(struct bench_request *bench, struct err *err)
{
    enum err_code code = endpoint_settle(bench, err);
    if (code == OK)
        code = tls_settle(bench, err);
    for (uint32_t i = 0; i < bench->notice_count; i++)
        log_line(LOG_WARNING, "%s", bench->notices[i]);
    return code;
}

static enum err_code run(void *target, struct err *err)
{
    struct verify_request *request = target;
    struct err report_err = {.code = OK};
    if (request->words.count != 1)
        return err_set(err, E_USAGE,
                       "name one directory, and options before it or behind it, not both: %s",
                       verify_option_table()->usage);
    request->directory = request->words.items[0];
    enum err_code code = settle(&request->bench, err);
    if (code == OK)
        code = open_versions(request, err);
    if (code == OK)
        code = open_page(request, err);
    if (code == OK)
        code = reach(request, err);
    if (code != OK)
        return code;
    code = ask_all(request, err);
    /* What was read is told, also when the server went away. */
    const bool cut = code != OK;
    if (cut && request->keys == 0)
        return code;
    if (!output_is_stdout(request->json_path))
        print_text(request, cut);
    if (request->json_path != NULL && write_json(request, cut, &report_err) != OK)
        return err_set(err, report_err.code, "%s", report_err.text);
    if (request->html_path != NULL && write_page(request, cut, &report_err) != OK)
        return err_set(err, report_err.code, "%s", report_err.text);
    if (cut)
        return code;
    return request->report.counts[CHECKED_CORRUPTED] + request->report.counts[CHECKED_LOST] > 0
               ? E_FAILED
               : OK;
}

static void destroy(void *target)
{
    struct verify_request *request = target;
    for (uint32_t i = 0; request->controls != NULL && i < request->control_count; i++)
        control_close(request->controls[i]);
    free(request->controls);
    reach_end();
    tls_client_destroy(request->tls);
    free(request->topology);
    free(request->key);
    if (request->fd >= 0)
        close(request->fd);
    output_discard(&request->html);
    bench_options_free(&request->bench);
}

static void prepare(void *target, int argc, const char *const *argv)
{
    struct verify_request *request = target;
    (void)argc;
    (void)argv;
    request->fd = -1;
}

int command_verify(int argc, const char *const *argv)
{
    const struct command_frame frame = {
        .table = verify_option_table(), .prepare = prepare, .run = run, .destroy = destroy};
    return command_frame_run_bench(&frame, sizeof(struct verify_request),
                                   offsetof(struct verify_request, words), argc, argv);
}
