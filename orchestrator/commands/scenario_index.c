#include "orchestrator/commands/scenario_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/commands/scenario_acts.h"
#include "orchestrator/commands/scenario_send.h"
#include "orchestrator/commands/scenario_watch.h"
#include "orchestrator/vector/exact.h"

#define LOOK_EVERY_NS (100 * NS_PER_MS)
/* Recall: so many queries, and fewer where all of them against all vectors were more products than that, some seconds. */
#define RECALL_QUERIES_MOST 100u
#define RECALL_QUERIES_LEAST 10u
#define RECALL_PRODUCTS 2e10
#define SLICE_NS (5 * NS_PER_MS) /* in which nothing is sampled */
#define FLUSH_CLIENTS 50u
#define FLUSH_PIPELINE 16u

struct scenario_index {
    const struct vector_driver *driver;
    struct vector_space *space;
    struct vector_keys keys;
    struct live_vectors vectors;
    bool exists;
    uint32_t created_in; /* phase */
    uint64_t created_ns;
};

static bool is_about_vectors(const struct phase *phase)
{
    return phase->datatype == LIVE_VECTOR && phase->index.dimensions > 0;
}

static const struct phase *first_about_vectors(const struct scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->phase_count; i++)
        if (is_about_vectors(&scenario->phases[i]))
            return &scenario->phases[i];
    return NULL;
}

const struct vector_driver *scenario_index_driver(const struct scenario_run *run)
{
    return run->index != NULL ? run->index->driver : NULL;
}

enum err_code scenario_index_settle(const struct scenario *scenario,
                                    const struct endpoint *endpoint, struct err *err)
{
    const struct phase *phase = first_about_vectors(scenario);
    return phase != NULL && endpoint->cluster
               ? err_set(
                     err, E_USAGE,
                     "phase %s is about vectors, which lie on one server: leave the cluster out",
                     phase->name)
               : OK;
}

static enum err_code connect_to_server(struct control **control, const struct scenario_run *run,
                                       struct err *err)
{
    const struct session *session = run->session;
    return control_connect_to(control, &session->target, &session->request->spec.endpoint,
                              &session->interrupts->count, err);
}

static enum err_code check_phases(const struct scenario_run *run, struct err *err)
{
    for (uint32_t i = 0; i < run->scenario->phase_count; i++) {
        const struct phase *phase = &run->scenario->phases[i];
        struct err own = {.code = OK};
        if (is_about_vectors(phase) &&
            vector_driver_check(run->index->driver, &phase->index, &own) != OK)
            return err_set(err, E_USAGE, "phase %s: %s", phase->name, own.text);
    }
    return OK;
}

static void say_driver(const struct vector_driver *driver)
{
    log_line(driver->finds_neighbours ? LOG_INFO : LOG_WARNING, "vectors: %s (%s)", driver->name,
             driver->about);
    if (driver->finds_neighbours && !driver->keeps_documents)
        log_line(LOG_INFO, "its index is not without its vectors: it is dropped by UNLINK, and "
                           "built anew by adding all of them again");
}

enum err_code scenario_index_open(struct scenario_run *run, struct err *err)
{
    const struct phase *phase = first_about_vectors(run->scenario);
    struct control *control = NULL;
    if (phase == NULL)
        return OK;
    struct scenario_index *index = calloc(1, sizeof *index);
    run->index = index;
    if (index == NULL)
        return err_set(err, E_SYSTEM, "no memory for an index of vectors");
    enum err_code code = connect_to_server(&control, run, err);
    if (code == OK)
        code = vector_driver_find(&index->driver, control, err);
    control_close(control);
    if (code == OK)
        code = check_phases(run, err);
    if (code == OK)
        code = vector_space_create(&index->space, run->session->request->spec.load.seed,
                                   (uint32_t)phase->index.dimensions,
                                   vector_metric_copies(phase->index.metric), err);
    if (code == OK)
        say_driver(index->driver);
    index->vectors =
        (struct live_vectors){.space = index->space, .keys = &index->keys, .query_levels = 1};
    return code;
}

void scenario_index_free(struct scenario_index *index)
{
    if (index == NULL)
        return;
    vector_space_destroy(index->space);
    free(index);
}

/* ---- what is sent ---- */

static bool inserts(const struct phase *phase)
{
    if (phase->type == PHASE_LOAD)
        return true;
    for (uint32_t i = 0; i < phase->mix_count; i++)
        if (phase->mix[i].operation == OPERATION_LOAD)
            return true;
    return false;
}

/* One more than the highest level of which a copy is live. */
static uint32_t live_levels(const struct scenario_run *run)
{
    const struct vector_keys *keys = &run->index->keys;
    const uint64_t end = live_map_end(run->map);
    uint32_t levels = 1;
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct vector_stretch *stretch = &keys->stretches[i];
        uint64_t key = stretch->first_key;
        const uint64_t behind = i + 1 < keys->count ? keys->stretches[i + 1].first_key : end;
        while (key < behind && !live_map_has(run->map, key))
            key++;
        if (key < behind && stretch->level >= levels)
            levels = stretch->level + 1;
    }
    return levels;
}

enum err_code scenario_index_vectors(const struct live_vectors **vectors, struct scenario_run *run,
                                     const struct phase *phase, struct err *err)
{
    struct scenario_index *index = run->index;
    *vectors = &index->vectors;
    vector_driver_words(index->vectors.words, index->driver, run->prefix, &phase->index,
                        phase->query.k > 0 ? &phase->query : NULL);
    if (inserts(phase) &&
        !vector_keys_add(&index->keys, live_map_end(run->map),
                         phase->type == PHASE_LOAD ? (uint32_t)phase->copy_level : 0))
        return err_set(err, E_USAGE,
                       "vectors and copies of them were loaded in turns more than %u times",
                       VECTOR_STRETCHES_MAX);
    index->vectors.query_levels = live_levels(run);
    return OK;
}

void scenario_index_copies(uint64_t *from, uint64_t *end, const struct scenario_run *run,
                           uint32_t level)
{
    const struct vector_keys *keys = &run->index->keys;
    *from = live_map_end(run->map);
    *end = *from + 1; /* none */
    for (uint32_t i = 0; i < keys->count; i++)
        if (keys->stretches[i].level == level) {
            *from = keys->stretches[i].first_key;
            *end = i + 1 < keys->count ? keys->stretches[i + 1].first_key : *end;
        }
}

enum err_code scenario_index_load(struct scenario_run *run, const struct phase *phase,
                                  struct err *err)
{
    const struct vector_keys *keys = &run->index->keys;
    struct phase part = *phase;
    if (phase->copy_level > 0) {
        part.keys = live_map_end(run->map);
        for (uint32_t i = keys->count; i-- > 0;)
            if (keys->stretches[i].level > 0)
                part.keys = keys->stretches[i].first_key;
    }
    return scenario_send(run, &part, err);
}

/* ---- the index ---- */

/* Of a phase that asks the server for something. */
static enum err_code tell(struct scenario_run *run, const struct phase *phase, bool create,
                          struct err *err)
{
    const struct scenario_index *index = run->index;
    struct control *control = NULL;
    enum err_code code = connect_to_server(&control, run, err);
    if (code == OK)
        code = create ? vector_index_create(control, index->driver, run->prefix, &phase->index, err)
                      : vector_index_drop(control, index->driver, run->prefix, err);
    control_close(control);
    return code;
}

static void note_build(struct scenario_run *run, uint32_t phase, double seconds, double documents)
{
    struct vector_account *account = &run->accounts[phase].vectors;
    account->build_seconds = seconds;
    account->built = documents;
}

enum err_code scenario_index_begin(struct scenario_run *run, const struct phase *phase,
                                   uint32_t place, struct err *err)
{
    struct scenario_index *index = run->index;
    index->created_in = place;
    index->created_ns = clock_now_ns();
    index->exists = true;
    return tell(run, phase, index->driver->builds_itself, err);
}

void scenario_index_end(struct scenario_run *run, uint32_t place)
{
    struct phase_account *account = &run->accounts[place];
    const bool built =
        account->requests_failed == 0 && account->requests_ok >= account->keys_before;
    account->target_missed = !built && !run->index->driver->builds_itself;
    account->vectors = VECTOR_ACCOUNT_EMPTY;
    account->vectors.dimensions = vector_dimensions(run->index->space);
    if (built)
        note_build(run, place, account->load_seconds, (double)account->requests_ok);
}

bool scenario_index_builds_itself(const struct scenario_run *run)
{
    return run->index != NULL && run->index->driver->builds_itself;
}

enum err_code scenario_index_create(struct scenario_run *run, const struct phase *phase,
                                    struct err *err)
{
    const struct scenario_index *index = run->index;
    const struct phase_account *account = scenario_account_now(run);
    enum err_code code = scenario_index_begin(run, phase, run->phase, err);
    if (code != OK)
        return code;
    if (index->driver->builds_itself || live_map_count(run->map) == 0) {
        scenario_phase_end(run, "done");
        return OK;
    }
    code = scenario_send(run, phase, err);
    if (code == OK && !account->target_missed && run->session->interrupts->count == 0)
        note_build(run, run->phase, run->sent_seconds, (double)account->requests_ok);
    return code;
}

enum err_code scenario_index_flush(struct scenario_run *run, const struct phase *phase,
                                   struct err *err)
{
    struct phase all = *phase;
    enum err_code code = OK;
    all.type = PHASE_FLUSH;
    if (phase->type != PHASE_FLUSH) {
        all.clients = FLUSH_CLIENTS;
        all.pipeline = FLUSH_PIPELINE;
    }
    if (run->index->driver->keeps_documents)
        code = scenario_send(run, &all, err);
    if (code == OK && (run->index->exists || !run->index->driver->keeps_documents))
        code = tell(run, phase, false, err);
    if (code != OK || run->session->interrupts->count > 0 ||
        (run->index->driver->keeps_documents && live_map_count(run->map) > 0))
        return code;
    scenario_phase_end(run, "done");
    return scenario_begin_new_map(run, err);
}

enum err_code scenario_index_drop(struct scenario_run *run, const struct phase *phase,
                                  struct err *err)
{
    if (!phase->keep_docs)
        return scenario_index_flush(run, phase, err);
    const enum err_code code = tell(run, phase, false, err);
    run->index->exists = run->index->exists && code != OK;
    if (code == OK)
        scenario_phase_end(run, "done");
    return code;
}

bool scenario_index_exists(const struct scenario_run *run)
{
    return run->index != NULL && run->index->exists;
}

void scenario_index_forget(struct scenario_run *run)
{
    if (run->index == NULL)
        return;
    run->index->exists = false;
    run->index->keys.count = 0;
}

/* ---- waiting ---- */

static void on_time(evutil_socket_t fd, short what, void *passed)
{
    (void)fd;
    (void)what;
    *(bool *)passed = true;
}

/* Samples go on; ends early at the end of the phase. */
static void pause_until_next_look(struct scenario_run *run, struct event *timer, bool *passed)
{
    const struct timeval delay = {.tv_usec = (suseconds_t)(LOOK_EVERY_NS / NS_PER_US)};
    *passed = event_add(timer, &delay) != 0;
    while (!*passed && !run->done && run->session->interrupts->count == 0)
        event_base_loop(run->session->base, EVLOOP_ONCE);
    event_del(timer);
}

static enum err_code wait_until_built(struct scenario_run *run, struct control *control,
                                      struct event *timer, bool *passed, struct err *err)
{
    const struct scenario_index *index = run->index;
    const double wanted = (double)live_map_count(run->map);
    while (!run->done && run->session->interrupts->count == 0) {
        struct vector_state state;
        const enum err_code code =
            vector_index_look(&state, control, index->driver, run->prefix, err);
        if (code != OK)
            return code;
        if (state.built && !(state.documents < wanted)) {
            const double seconds = clock_seconds(clock_now_ns() - index->created_ns);
            scenario_phase_end(run, "indexed");
            if (index->driver->builds_itself) {
                note_build(run, run->phase, seconds, state.documents);
                note_build(run, index->created_in, seconds, state.documents);
            }
            break;
        }
        pause_until_next_look(run, timer, passed);
    }
    return OK;
}

enum err_code scenario_index_wait(struct scenario_run *run, const struct phase *phase,
                                  struct err *err)
{
    struct phase_account *account = scenario_account_now(run);
    struct control *control = NULL;
    bool passed = false;
    struct event *timer = evtimer_new(run->session->base, on_time, &passed);
    enum err_code code = timer != NULL ? connect_to_server(&control, run, err)
                                       : err_set(err, E_SYSTEM, "no memory for a timer");
    scenario_set_deadline(run, phase->duration_ns);
    if (code == OK)
        code = wait_until_built(run, control, timer, &passed, err);
    control_close(control);
    if (timer != NULL)
        event_free(timer);
    account->target_missed =
        code == OK && run->session->interrupts->count == 0 && strcmp(account->end, "indexed") != 0;
    if (account->target_missed)
        log_line(LOG_WARNING, "%s: not all vectors are in the index", phase->name);
    return code;
}

/* ---- recall ---- */

/* Lets samples be taken, once in a while. */
static void breathe(struct scenario_run *run, uint64_t *last_ns)
{
    if (clock_now_ns() - *last_ns < SLICE_NS)
        return;
    event_base_loop(run->session->base, EVLOOP_NONBLOCK);
    *last_ns = clock_now_ns();
}

static void offer_all(struct scenario_run *run, struct exact *exact)
{
    const uint64_t end = live_map_end(run->map);
    uint64_t last_ns = clock_now_ns();
    for (uint64_t key = 0; key < end && run->session->interrupts->count == 0; key++) {
        uint32_t level;
        if (!live_map_has(run->map, key))
            continue;
        const uint64_t number = vector_of_key(&run->index->keys, key, &level);
        exact_offer(exact, number, level);
        breathe(run, &last_ns);
    }
}

/* Those that are live: what a server finds beside them is a miss. */
static uint32_t keep_live(const struct scenario_run *run, struct vector_found *found,
                          uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key;
        if (vector_key_of(&run->index->keys, found[i].number, found[i].level, &key) &&
            live_map_has(run->map, key))
            found[kept++] = found[i];
    }
    return kept;
}

static enum err_code ask_all(struct scenario_run *run, const struct exact *exact, uint32_t queries,
                             struct err *err)
{
    struct vector_account *account = &scenario_account_now(run)->vectors;
    const struct scenario_index *index = run->index;
    struct vector_found *found = calloc(VECTOR_K_MAX, sizeof *found);
    struct control *control = NULL;
    uint64_t last_ns = clock_now_ns();
    double sum = 0;
    uint32_t asked = 0;
    enum err_code code = found != NULL ? connect_to_server(&control, run, err)
                                       : err_set(err, E_SYSTEM, "no memory for found vectors");
    for (; asked < queries && code == OK && run->session->interrupts->count == 0; asked++) {
        uint32_t count, level;
        const uint64_t query = exact_query(exact, asked, &level);
        code = vector_ask(found, &count, control, &index->vectors.words[LIVE_VECTOR_QUERY],
                          run->prefix, index->space, query, level, err);
        sum += exact_recall(exact, asked, found, code == OK ? keep_live(run, found, count) : 0);
        breathe(run, &last_ns);
    }
    control_close(control);
    free(found);
    if (code == OK && asked == queries) {
        account->recall = sum / (double)asked;
        account->recall_queries = asked;
    }
    return code;
}

/* Vectors whose requests had no answer are not live, and may be in the index: what it finds is no measure then. */
static enum err_code has_live_alone(bool *alone, const struct scenario_run *run, struct err *err)
{
    struct vector_state state = {.documents = NAN, .index_bytes = NAN};
    struct control *control = NULL;
    const double live = (double)live_map_count(run->map);
    enum err_code code = connect_to_server(&control, run, err);
    if (code == OK)
        code = vector_index_look(&state, control, run->index->driver, run->prefix, err);
    control_close(control);
    *alone = code == OK && !(state.documents > live);
    if (code == OK && !*alone)
        log_line(LOG_WARNING,
                 "%s: the index has %.0f vectors, and %.0f are known to be there, since requests "
                 "were cut off without an answer: recall is not known",
                 PRINTABLE(scenario_phase_now(run)->name), state.documents, live);
    return code;
}

enum err_code scenario_index_query(struct scenario_run *run, const struct phase *phase,
                                   struct err *err)
{
    const struct scenario_index *index = run->index;
    const double products = (double)live_map_count(run->map) * (double)phase->index.dimensions;
    struct exact *exact = NULL;
    enum err_code code = scenario_send(run, phase, err);
    if (code != OK || !phase->recall || !index->driver->finds_neighbours || products == 0 ||
        run->session->interrupts->count > 0)
        return code;
    bool same;
    code = has_live_alone(&same, run, err);
    if (code != OK || !same)
        return code;
    const uint32_t queries =
        (uint32_t)fmin(fmax(RECALL_PRODUCTS / products, RECALL_QUERIES_LEAST), RECALL_QUERIES_MOST);
    code = exact_create(&exact, index->space, phase->index.metric, (uint32_t)phase->query.k,
                        queries, index->vectors.query_levels, err);
    if (code == OK) {
        offer_all(run, exact);
        code = ask_all(run, exact, queries, err);
    }
    exact_destroy(exact);
    return code;
}

void scenario_index_remover(char *text, size_t text_bytes, const struct scenario_run *run)
{
    const struct scenario_index *index = run->index;
    text[0] = '\0';
    if (index != NULL && index->exists && index->driver->builds_itself)
        vector_driver_remover(text, text_bytes, index->driver, run->prefix);
}

void scenario_index_look(struct scenario_run *run)
{
    struct vector_account *account = &scenario_account_now(run)->vectors;
    const struct scenario_index *index = run->index;
    struct control *control = NULL;
    struct vector_state state = {.documents = NAN, .index_bytes = NAN};
    struct err err = {.code = OK};
    if (index == NULL || run->session->interrupts->count > 0)
        return;
    account->dimensions = vector_dimensions(index->space);
    if (!index->exists)
        return;
    enum err_code code = connect_to_server(&control, run, &err);
    if (code == OK)
        code = vector_index_look(&state, control, index->driver, run->prefix, &err);
    control_close(control);
    if (code != OK)
        log_line(LOG_WARNING, "%s: how large the index is is not known: %s",
                 scenario_phase_now(run)->name, PRINTABLE(err.text));
    else {
        account->documents = state.documents;
        account->index_bytes = state.index_bytes;
    }
}
