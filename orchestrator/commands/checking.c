#include "orchestrator/commands/checking.h"

#include <stdio.h>

#include "common/log.h"
#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/commands/session.h"

enum err_code checking_plan(struct checking *checking, const struct bench_steps *steps,
                            const struct spec *spec, struct err *err)
{
    struct check_marks sum = {0};
    enum err_code code = OK;
    checking->wanted = spec->load.verify;
    if (!checking->wanted)
        return OK;
    for (uint32_t i = 0; i < steps->count && code == OK; i++)
        code = check_plan_find(&checking->spaces, steps->steps[i].workload, err);
    for (uint32_t i = 0; i < steps->count && code == OK; i++) {
        struct check_marks marks;
        code = check_plan_mark(steps->steps[i].workload, &checking->spaces, &marks, err);
        sum.reads += marks.reads;
        sum.writes += marks.writes;
    }
    if (code == OK && sum.writes == 0)
        return err_set(err, E_USAGE,
                       "--verify: nothing writes values that can be checked, as SET {key} {value} "
                       "does (hashes, lists, values from a file and the like are not); for a test "
                       "that reads add "
                       "--prefill");
    if (code == OK && sum.reads == 0 && spec->outputs.out_dir == NULL)
        log_line(LOG_WARNING,
                 "--verify: nothing reads the values that are written, and without --out DIR "
                 "nothing is kept for \"volley verify DIR\"");
    return code;
}

void checking_explain(const struct checking *checking, FILE *out)
{
    for (uint32_t i = 0; i < checking->spaces.count; i++) {
        const struct version_space *space = &checking->spaces.spaces[i];
        char key[CHECKED_KEY_SHOWN + 1] = "";
        version_key_write(key, sizeof key - 1, space, space->first);
        fprintf(out, "%s%s keys from %s on%s\n", i == 0 ? "\nValues are checked of\n  " : "  ",
                UNITS_GROUPED(space->count), PRINTABLE(key),
                (space->flags & VERSION_MAY_GO) != 0
                    ? ", which may go by themselves: one that is not there tells nothing"
                    : "");
    }
}

/* Keys that a server drops at its limit are no lost writes. */
static bool evicts(struct session *session)
{
    struct keyspace seen = {.known = false};
    struct err unknown = {.code = OK};
    return keyspace_look(&seen, session->topology, &session->request->spec.endpoint,
                         &session->interrupts->count, &unknown) == OK &&
           seen.evicts && seen.room_bytes != UINT64_MAX;
}

static void let_keys_go(struct checking *checking)
{
    log_line(LOG_WARNING,
             "--verify: the server drops keys at its maxmemory: those that are not there count as "
             "unverified, and not as lost");
    for (uint32_t i = 0; i < checking->spaces.count; i++)
        checking->spaces.spaces[i].flags |= VERSION_MAY_GO;
}

enum err_code checking_open(struct session *session, struct err *err)
{
    char path[4096];
    struct checking *checking = &session->checking;
    const struct spec *spec = &session->request->spec;
    const char *directory = spec->outputs.out_dir;
    if (!checking->wanted)
        return OK;
    if (session->topology->kind == TOPOLOGY_ALIKE && topology_primaries(session->topology) > 1)
        return err_set(err, E_USAGE,
                       "--verify needs one server, or one cluster: with several servers a key is "
                       "read from another one than it was written to");
    if (evicts(session))
        let_keys_go(checking);
    if (directory != NULL &&
        (size_t)snprintf(path, sizeof path, "%s/%s", directory, VERSION_NAME) >= sizeof path)
        return err_set(err, E_USAGE, "--out: the path is too long");
    checking->open = true;
    return version_table_create(&checking->table, checking->spaces.spaces, checking->spaces.count,
                                spec->load.seed, directory != NULL ? path : NULL, err);
}

const struct version_table *checking_begin_run(struct checking *checking)
{
    if (!checking->open)
        return NULL;
    checked_findings_clear(checking->table.findings);
    return &checking->table;
}

enum err_code checking_forget(struct checking *checking, struct err *err)
{
    return checking->open ? version_table_forget(&checking->table, err) : OK;
}

void checking_free(struct checking *checking)
{
    if (checking->open)
        version_table_destroy(&checking->table);
    checking->open = false;
}
