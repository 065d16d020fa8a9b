#include "orchestrator/commands/scenario_resume.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/report/output.h"
#include "orchestrator/scenario/run_file.h"

#define SCHEMA "volley.resume/1"
#define WORD_KEYS 64u
#define CHUNK_WORDS 1024u
#define ASKED_KEYS 1000u /* live ones and others, to see that the server is as it was left */
#define BATCH_KEYS 100u
#define JSON_BYTES_MAX (16ull << 20)
#define KEY_BYTES (LIVE_PREFIX_BYTES + 24u)

/* ---- whether it is the same scenario ---- */

static uint64_t mix_text(uint64_t hash, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return (hash ^ 0xff) * 1099511628211u;
}

/* Of all keys and values, with variables put in; not of comments and layout. */
static uint64_t mix_node(uint64_t hash, const struct config_node *node)
{
    hash = mix_text(mix_text(hash, node->key), node->text);
    for (size_t i = 0; i < node->count; i++)
        hash = mix_node(hash, &node->children[i]);
    return mix_text(hash, "end");
}

static uint64_t fingerprint_of(const struct scenario_document *document)
{
    return mix_node(14695981039346656037u, &document->file.root) >> 1; /* JSON has no 64th bit */
}

/* ---- what is left of a phase ---- */

struct rest {
    bool nothing; /* it was done: the next phase is begun */
    uint64_t keys, keep, duration_ns, stable_max_ns;
    bool has_keep;
};

/* NULL: the phase can go on; else why it cannot. */
static const char *find_rest(struct rest *rest, const struct phase *phase,
                             const struct phase_account *account)
{
    const uint64_t since_ns = account->end_ns - account->start_ns;
    *rest = (struct rest){.keys = phase->keys,
                          .keep = phase->keep,
                          .has_keep = phase->has_keep,
                          .stable_max_ns = phase->stable.max_ns};
    if (phase->duration_ns > 0)
        rest->duration_ns = phase->duration_ns > since_ns ? phase->duration_ns - since_ns : 0;
    rest->nothing = phase->duration_ns > 0 && rest->duration_ns == 0;
    switch (phase->type) {
    case PHASE_LOAD: {
        const uint64_t new_keys = account->keys_after - account->keys_before;
        if (phase->keys > 0)
            rest->keys = phase->keys > new_keys ? phase->keys - new_keys : 0;
        rest->nothing |= phase->keys > 0 && rest->keys == 0;
        return NULL;
    }
    case PHASE_DELETE:
        if (phase->strategy == LIVE_PICK_STRIDE)
            return "it deletes every so many keys, and would count anew from those that are left";
        rest->has_keep = true;
        if (!phase->has_keep)
            rest->keep = account->keys_before -
                         (uint64_t)llround(phase->fraction * (double)account->keys_before);
        return NULL;
    case PHASE_FAILOVER:
    case PHASE_REBALANCE:
        return "what was done to the servers is not done again";
    case PHASE_OVERWRITE:
        return "which keys it has written again already is not known";
    case PHASE_RAMP:
        return "a rate that moves cannot begin in the middle";
    case PHASE_IDLE:
        if (phase->stable.max_ns > 0)
            rest->stable_max_ns =
                phase->stable.max_ns > since_ns ? phase->stable.max_ns - since_ns : 0;
        rest->nothing |= phase->stable.max_ns > 0 && rest->stable_max_ns == 0;
        return NULL;
    default:
        return NULL;
    }
}

/* The one that was interrupted. */
static uint32_t last_phase(const struct scenario_run *run)
{
    uint32_t phase = run->scenario->phase_count - 1;
    while (phase > 0 && !run->accounts[phase].ran)
        phase--;
    return phase;
}

/* Why a run cannot go on; NULL: it can. */
static const char *find_reason(struct rest *rest, const struct scenario_run *run)
{
    const struct scenario *scenario = run->scenario;
    const uint32_t last = last_phase(run);
    if (run->session->interrupts->count > 1)
        return "it was ended at once, and what the last requests did is not known";
    if (topology_primaries(run->session->topology) != 1)
        return "only those on one server do";
    if (!run->accounts[last].ran)
        return "none of its phases had begun";
    for (uint32_t i = 0; i <= last; i++)
        if (scenario->phases[i].most_ttl_s > 0)
            return "its keys expire by themselves, and which are left is not known";
    for (uint32_t i = 0; i < scenario->phase_count; i++) {
        const struct phase *phase = &scenario->phases[i];
        if (phase->condition_place > 0 || phase->parallel_place > 0)
            return "it has branches, or phases side by side";
        if (phase->datatype == LIVE_VECTOR || phase->type == PHASE_INDEX_CREATE)
            return "which vectors are in its index is not known";
        if (phase->skew_share > 0)
            return "which keys lie at one node is not known";
        if (phase->key_prefix[0] != '\0')
            return "which keys have which prefix is not known";
        if (i >= last && (phase->qps_share > 0 || phase->ramp_shares))
            return "it sends parts of a rate that was measured before";
    }
    if (run->sent_workload)
        return "keys of its workloads are not known one by one";
    for (uint32_t i = 0; i <= last; i++)
        if (run->accounts[i].requests_failed > 0)
            return "requests have failed, and what they did is not known";
    const char *why = find_rest(rest, &scenario->phases[last], &run->accounts[last]);
    if (why == NULL && rest->nothing && last + 1 == scenario->phase_count)
        why = "all of it is done";
    return why;
}

/* ---- keeping ---- */

static enum err_code create(struct output *out, const char *directory, const char *name,
                            struct err *err)
{
    char path[RESUME_PATH_BYTES];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path)
        return err_set(err, E_USAGE, "the path of the run is too long");
    return output_create(out, path, OUTPUT_OWN, err);
}

/* A bit a key, from 0 on, in words of 64 as this machine has them. */
static enum err_code write_map(const struct live_map *map, const char *directory, struct err *err)
{
    struct output out = {.file = NULL};
    uint64_t words[CHUNK_WORDS];
    size_t count = 0;
    const uint64_t end = live_map_end(map);
    enum err_code code = create(&out, directory, "resume.map", err);
    for (uint64_t key = 0; code == OK && key < end; key += WORD_KEYS) {
        words[count] = 0;
        for (uint64_t i = 0; i < WORD_KEYS && key + i < end; i++)
            words[count] |= (uint64_t)live_map_has(map, key + i) << i;
        if (++count == CHUNK_WORDS || key + WORD_KEYS >= end) {
            output_write(&out, words, count * sizeof words[0]);
            count = 0;
        }
    }
    if (code == OK)
        code = output_commit(&out, err);
    output_discard(&out);
    return code;
}

static double rate_before(const struct scenario_run *run, uint32_t phase)
{
    while (phase-- > 0)
        if (run->accounts[phase].rate > 0)
            return run->accounts[phase].rate;
    return run->resume != NULL ? run->resume->last_rate : 0;
}

static json_t *describe(const struct scenario_run *run, const struct rest *rest,
                        const struct scenario_document *document,
                        const struct scenario_origin *origin, const char *name)
{
    const uint32_t last = last_phase(run), phase = last + (rest->nothing ? 1 : 0);
    const json_t *server = json_object_get(run->session->facts.environment, "server");
    const char *run_id = json_string_value(json_object_get(server, "run_id"));
    return json_pack(
        "{s:s, s:s, s:s, s:s?, s:s?, s:f, s:I, s:I, s:f, s:b, s:I, s:I, s:b, s:I, s:I, "
        "s:s?, s:s, s:I, s:I}",
        "schema", SCHEMA, "run", name, "path", origin->path, "text",
        origin->path[0] == '\0' ? origin->text : NULL, "variables", origin->variables, "scale",
        origin->scale, "fingerprint", (json_int_t)fingerprint_of(document), "phase",
        (json_int_t)phase, "last_rate", rate_before(run, last), "in_phase", !rest->nothing, "keys",
        (json_int_t)rest->keys, "keep", (json_int_t)rest->keep, "has_keep", rest->has_keep,
        "duration_ns", (json_int_t)rest->duration_ns, "stable_max_ns",
        (json_int_t)rest->stable_max_ns, "run_id", run_id, "prefix", run->prefix, "live_keys",
        (json_int_t)live_map_count(run->map), "end_keys", (json_int_t)live_map_end(run->map));
}

enum err_code scenario_resume_keep(bool *kept, const struct scenario_run *run,
                                   const struct scenario_document *document,
                                   const struct scenario_origin *origin, const char *name,
                                   const char *directory, struct err *err)
{
    struct rest rest;
    struct output out = {.file = NULL};
    const char *why = find_reason(&rest, run);
    *kept = why == NULL;
    if (why != NULL) {
        log_line(LOG_INFO, "phase %s cannot go on later: %s",
                 PRINTABLE(run->scenario->phases[last_phase(run)].name), why);
        return OK;
    }
    enum err_code code = write_map(run->map, directory, err);
    if (code == OK)
        code = create(&out, directory, "resume.json", err);
    if (code != OK)
        return code;
    json_t *root = describe(run, &rest, document, origin, name);
    if (root == NULL || !json_value_write(&out, root, JSON_INDENT(1)))
        code = err_set(err, E_SYSTEM, "no memory for resume.json");
    json_decref(root);
    if (code == OK)
        code = output_commit(&out, err);
    output_discard(&out);
    return code;
}

/* ---- reading ---- */

static enum err_code damaged(const struct scenario_resume *resume, const char *what,
                             struct err *err)
{
    return err_set(err, E_DATA, "--resume: %.200s/%s", PRINTABLE(resume->directory), what);
}

static enum err_code read_map(struct scenario_resume *resume, uint64_t live, uint64_t end,
                              struct err *err)
{
    char path[RESUME_PATH_BYTES + 16];
    uint64_t words[CHUNK_WORDS], key = 0, size_bytes = 0;
    size_t got;
    FILE *file = NULL;
    snprintf(path, sizeof path, "%s/resume.map", resume->directory);
    if (end >= LIVE_KEYS_MAX || live > end)
        return damaged(resume, "resume.json has numbers of keys that cannot be", err);
    enum err_code code = live_map_create(&resume->map, end + 1, err);
    if (code == OK)
        code = run_file_open(&file, &size_bytes, path, err);
    if (code == OK && size_bytes != (end + WORD_KEYS - 1) / WORD_KEYS * sizeof words[0])
        code = damaged(resume, "resume.map is not the map that resume.json tells of", err);
    while (code == OK && (got = fread(words, sizeof words[0], CHUNK_WORDS, file)) > 0)
        for (size_t i = 0; i < got; i++, key += WORD_KEYS)
            for (uint64_t word = words[i]; word != 0; word &= word - 1)
                live_map_set(resume->map, key + (uint64_t)__builtin_ctzll(word));
    if (file != NULL)
        (void)fclose(file);
    if (code == OK && end > 0 && !live_map_has(resume->map, end - 1)) { /* for its end */
        live_map_set(resume->map, end - 1);
        live_map_clear(resume->map, end - 1);
    }
    if (code == OK && (live_map_count(resume->map) != live || live_map_end(resume->map) != end))
        return damaged(resume, "resume.map is not the map that resume.json tells of", err);
    return code;
}

enum err_code scenario_resume_read(struct scenario_resume *resume, const char *directory,
                                   struct err *err)
{
    char path[RESUME_PATH_BYTES + 16], schema[32];
    struct err own = {.code = OK};
    json_error_t error;
    uint64_t phase, live, end, size_bytes;
    FILE *file;
    if ((size_t)snprintf(resume->directory, sizeof resume->directory, "%s", directory) >=
        sizeof resume->directory)
        return err_set(err, E_USAGE, "--resume: the path is too long");
    snprintf(path, sizeof path, "%s/resume.json", directory);
    if (run_file_open(&file, &size_bytes, path, &own) == OK) {
        resume->kept = size_bytes > JSON_BYTES_MAX ? NULL : json_loadf(file, 0, &error);
        (void)fclose(file);
    }
    if (resume->kept == NULL)
        return err_set(err, E_DATA,
                       "--resume %.200s: there is no resume.json that can be read: only a run that "
                       "Ctrl+C has ended on a server that is not volley's own can go on, where its "
                       "phase allows that",
                       PRINTABLE(directory));
    const json_t *kept = resume->kept;
    if (!json_value_get_text(schema, sizeof schema, kept, "schema") ||
        strcmp(schema, SCHEMA) != 0 ||
        !json_value_get_text(resume->run, sizeof resume->run, kept, "run") ||
        !json_value_get_text(resume->origin.path, sizeof resume->origin.path, kept, "path") ||
        !json_value_get_count(&phase, kept, "phase") || phase >= SCENARIO_PHASES_MAX ||
        !json_value_get_count(&live, kept, "live_keys") ||
        !json_value_get_count(&end, kept, "end_keys"))
        return damaged(resume, "resume.json is damaged, or of another version", err);
    resume->phase = (uint32_t)phase;
    resume->last_rate = json_number_value(json_object_get(kept, "last_rate"));
    resume->origin.scale = json_number_value(json_object_get(kept, "scale"));
    resume->origin.variables = json_string_value(json_object_get(kept, "variables"));
    resume->origin.text = json_string_value(json_object_get(kept, "text"));
    if (resume->origin.path[0] == '\0' && resume->origin.text == NULL)
        return damaged(resume, "resume.json names no scenario", err);
    return read_map(resume, live, end, err);
}

enum err_code scenario_resume_settle(struct scenario_resume *resume, struct scenario *scenario,
                                     const struct scenario_document *document, struct err *err)
{
    uint64_t fingerprint = 0, keys = 0, keep = 0, duration_ns = 0, stable_max_ns = 0;
    const json_t *kept = resume->kept;
    if (!json_value_get_count(&fingerprint, kept, "fingerprint") ||
        fingerprint != fingerprint_of(document) || resume->phase >= scenario->phase_count)
        return err_set(err, E_DATA,
                       "--resume: %.200s is not what the run began with: it was changed, or a "
                       "variable of the environment that it takes",
                       resume->origin.path[0] != '\0' ? PRINTABLE(resume->origin.path)
                                                      : "the scenario");
    if (!json_is_true(json_object_get(kept, "in_phase")))
        return OK;
    if (!json_value_get_count(&keys, kept, "keys") || !json_value_get_count(&keep, kept, "keep") ||
        !json_value_get_count(&duration_ns, kept, "duration_ns") ||
        !json_value_get_count(&stable_max_ns, kept, "stable_max_ns"))
        return damaged(resume, "resume.json is damaged, or of another version", err);
    struct phase *phase = &scenario->phases[resume->phase];
    phase->keys = keys;
    phase->keep = keep;
    phase->has_keep = json_is_true(json_object_get(kept, "has_keep"));
    phase->duration_ns = duration_ns;
    phase->stable.max_ns = stable_max_ns;
    return OK;
}

/* ---- the server ---- */

struct asking {
    const struct scenario_run *run;
    struct control *control;
    char keys[BATCH_KEYS][KEY_BYTES];
    uint32_t count;
    bool live; /* what is asked for has to be there, or else must not be */
};

static enum err_code ask(struct asking *asking, struct err *err)
{
    const char *argv[BATCH_KEYS + 1] = {"EXISTS"};
    redisReply *reply = NULL;
    for (uint32_t i = 0; i < asking->count; i++)
        argv[1 + i] = asking->keys[i];
    if (asking->count == 0)
        return OK;
    enum err_code code =
        control_command(asking->control, &reply, (int)asking->count + 1, argv, err);
    if (code == OK && (reply->type != REDIS_REPLY_INTEGER ||
                       reply->integer != (asking->live ? (long long)asking->count : 0)))
        code = err_set(err, E_DATA,
                       "--resume: the server has not the keys that the run left: of %u that were "
                       "%s, %lld are there",
                       asking->count, asking->live ? "there" : "not there",
                       reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1);
    freeReplyObject(reply);
    asking->count = 0;
    return code;
}

/* Some of the keys that are live, and some that are not, also of those that would come next. */
static enum err_code ask_keys(struct asking *asking, const struct live_map *map, struct err *err)
{
    const uint64_t end = live_map_end(map), last = end + BATCH_KEYS;
    const uint64_t step = end / ASKED_KEYS + 1;
    enum err_code code = OK;
    for (unsigned pass = 0; pass < 2 && code == OK; pass++) {
        asking->live = pass == 0;
        for (uint64_t key = 0; key < last && code == OK; key += key < end ? step : 1) {
            if ((key < end && live_map_has(map, key)) != asking->live)
                continue;
            snprintf(asking->keys[asking->count++], KEY_BYTES, "%s%012" PRIu64, asking->run->prefix,
                     key);
            if (asking->count == BATCH_KEYS)
                code = ask(asking, err);
        }
        if (code == OK)
            code = ask(asking, err);
    }
    return code;
}

enum err_code scenario_resume_check(const struct scenario_resume *resume,
                                    const struct scenario_run *run, struct err *err)
{
    const struct session *session = run->session;
    const json_t *server = json_object_get(session->facts.environment, "server");
    const char *now = json_string_value(json_object_get(server, "run_id")),
               *then = json_string_value(json_object_get(resume->kept, "run_id")),
               *prefix = json_string_value(json_object_get(resume->kept, "prefix"));
    if (now == NULL || then == NULL || strcmp(now, then) != 0)
        return err_set(
            err, E_DATA,
            "--resume: %s is not the server of that run, or was started anew since: begin "
            "the scenario again",
            session->target_text);
    if (prefix == NULL || strcmp(prefix, run->prefix) != 0)
        return err_set(err, E_DATA, "--resume: the keys of that run begin otherwise");
    struct asking *asking = calloc(1, sizeof *asking);
    if (asking == NULL)
        return err_set(err, E_SYSTEM, "no memory to look at the keys of a run");
    asking->run = run;
    enum err_code code =
        control_connect_to(&asking->control, &session->target, &session->request->spec.endpoint,
                           &session->interrupts->count, err);
    if (code == OK)
        code = ask_keys(asking, resume->map, err);
    control_close(asking->control);
    free(asking);
    return code;
}

void scenario_resume_free(struct scenario_resume *resume)
{
    live_map_destroy(resume->map);
    json_decref(resume->kept);
    *resume = (struct scenario_resume){.map = NULL};
}
