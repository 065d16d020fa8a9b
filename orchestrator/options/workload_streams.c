#include "orchestrator/options/workload_streams.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/secret.h"
#include "common/suggest.h"
#include "common/units.h"
#include "orchestrator/options/credentials.h"
#include "orchestrator/options/rate_text.h"
#include "worker/worker.h"

#define CLIENTS_MAX 1000000u
#define PIPELINE_MAX 100000u
/* A file of options may name a variable and a server, and has no business with other variables. */
#define VARIABLE_PREFIX "VOLLEY_"

/* ---- settings ---- */

static bool set_clients(struct stream_wish *wish, const char *value)
{
    return units_parse_count(&wish->clients, value) && wish->clients > 0 &&
           wish->clients <= CLIENTS_MAX;
}

static bool set_pipeline(struct stream_wish *wish, const char *value)
{
    return units_parse_count(&wish->pipeline, value) && wish->pipeline > 0 &&
           wish->pipeline <= PIPELINE_MAX;
}

static bool set_rate(struct stream_wish *wish, const char *value)
{
    struct err reason = {.code = OK};
    wish->has_rate = true;
    return rate_parse(&wish->rate_micro, value, &reason) == OK;
}

static bool set_database(struct stream_wish *wish, const char *value)
{
    wish->has_database = true;
    return units_parse_count(&wish->database, value) && wish->database <= INT32_MAX;
}

static bool set_user(struct stream_wish *wish, const char *value)
{
    wish->user = value;
    return value[0] != '\0';
}

static bool set_password_variable(struct stream_wish *wish, const char *value)
{
    wish->password_variable = value;
    return strncmp(value, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) == 0 &&
           strcmp(value, CREDENTIALS_VARIABLE) != 0;
}

/* It stands in front of ':' in names of classes, and in lists. */
static bool set_name(struct stream_wish *wish, const char *value)
{
    wish->name = value;
    if (value[0] == '\0' || strlen(value) >= SPEC_STREAM_NAME_BYTES)
        return false;
    for (const char *at = value; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || *at == 127 || strchr(",<>:=", *at) != NULL)
            return false;
    return true;
}

/* One row a setting, called as the option of the run that it stands for, or by its short name. */
static const struct setting {
    const char *name, *alias;
    bool (*set)(struct stream_wish *wish, const char *value);
    const char *expected;
} settings[] = {
    {"clients", "c", set_clients, "a number of connections from 1 to 1,000,000"},
    {"pipeline", "P", set_pipeline, "a number from 1 to 100,000"},
    {"qps", "rate", set_rate, "requests per second, as in 10k; 0 is no limit"},
    {"dbnum", "db", set_database, "the number of a database"},
    {"user", NULL, set_user, "a user's name"},
    {"password-env", NULL, set_password_variable,
     "the name of an environment variable that begins with " VARIABLE_PREFIX},
    {"name", NULL, set_name,
     "a name of at most 31 bytes without blanks and without any of , < > : ="},
};
#define SETTINGS (sizeof settings / sizeof settings[0])
_Static_assert(SETTINGS == STREAM_SETTINGS, "one row a setting");

static const struct setting *find_setting(const char *name)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(settings[i].name, name) == 0 ||
            (settings[i].alias != NULL && strcmp(settings[i].alias, name) == 0))
            return &settings[i];
    return NULL;
}

static enum err_code unknown_setting(const char *word, const char *name, struct err *err)
{
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = strlen(name)};
    char names[160] = "";
    for (size_t i = 0; i < SETTINGS; i++) {
        const size_t used = strlen(names);
        suggest_offer(&suggestion, settings[i].name, strlen(settings[i].name));
        snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", settings[i].name);
    }
    return err_set(err, E_USAGE,
                   "--workload: unknown setting %.60s%s%s%s; behind a workload may stand %s", word,
                   SUGGESTED(suggestion.best), names);
}

/* ---- parsing ---- */

static enum err_code take_setting(struct stream_wishes *wishes, char *word, char *equals,
                                  struct err *err)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(equals - word), word);
    const struct setting *setting = find_setting(name);
    if (setting == NULL)
        return unknown_setting(word, name, err);
    if (wishes->count == 0)
        return err_set(err, E_USAGE,
                       "--workload %.60s: a setting stands behind the workload that it is for, as "
                       "in session-store,qps=1000",
                       word);
    if (wishes->items[wishes->count - 1].given[setting - settings] != NULL)
        return err_set(err, E_USAGE, "--workload %.60s: %s was given already for this workload",
                       word, setting->name);
    if (!setting->set(&wishes->items[wishes->count - 1], equals + 1))
        return err_set(err, E_USAGE, "--workload %.60s: %s is expected", word, setting->expected);
    wishes->items[wishes->count - 1].given[setting - settings] = equals + 1;
    return OK;
}

static enum err_code take_word(struct stream_wishes *wishes, char *word, struct err *err)
{
    char *equals = strchr(word, '=');
    if (word[0] == '\0')
        return err_set(err, E_USAGE, "--workload: nothing stands before or behind a comma");
    if (equals != NULL && access(word, F_OK) != 0)
        return take_setting(wishes, word, equals, err);
    if (wishes->count == SPEC_STREAMS_MAX)
        return err_set(err, E_USAGE, "--workload: more than %u workloads side by side",
                       SPEC_STREAMS_MAX);
    wishes->items[wishes->count++] = (struct stream_wish){.path = word};
    return OK;
}

enum err_code stream_wishes_parse(struct stream_wishes *wishes, const char *value, struct err *err)
{
    enum err_code code = OK;
    stream_wishes_free(wishes);
    wishes->text = strdup(value);
    if (wishes->text == NULL)
        return err_set(err, E_SYSTEM, "--workload: out of memory");
    if (access(wishes->text, F_OK) == 0) {
        wishes->items[wishes->count++] = (struct stream_wish){.path = wishes->text};
        return OK;
    }
    for (char *at = wishes->text; at != NULL && code == OK;) {
        char *comma = strchr(at, ',');
        if (comma != NULL)
            *comma = '\0';
        code = take_word(wishes, at, err);
        at = comma != NULL ? comma + 1 : NULL;
    }
    return code;
}

void stream_wishes_free(struct stream_wishes *wishes)
{
    for (uint32_t i = 0; i < wishes->count; i++)
        secret_free(wishes->items[i].password);
    free(wishes->text);
    *wishes = (struct stream_wishes){.text = NULL};
}

bool stream_wishes_rated(const struct stream_wishes *wishes)
{
    bool rated = false;
    for (uint32_t i = 0; i < wishes->count; i++)
        rated |= wishes->items[i].has_rate && wishes->items[i].rate_micro > 0;
    return rated;
}

/* ---- what they mean ---- */

static bool has_settings(const struct stream_wish *wish)
{
    bool any = false;
    for (size_t i = 0; i < SETTINGS; i++)
        any |= wish->given[i] != NULL;
    return any;
}

const char *stream_wishes_first(const struct stream_wishes *wishes, size_t index,
                                const char **option)
{
    *option = settings[index].name;
    return wishes->count > 0 ? wishes->items[0].given[index] : NULL;
}

enum err_code stream_wishes_vary(const struct stream_wishes *wishes, const char *setting,
                                 struct err *err)
{
    const size_t index = (size_t)(find_setting(setting) - settings);
    for (uint32_t i = 0; i < wishes->count; i++) {
        const struct stream_wish *wish = &wishes->items[i];
        if (i == 0 && wish->given[index] != NULL)
            return err_set(err, E_USAGE,
                           "--workload %.60s: its %s is what is varied here; leave out %s=%.20s",
                           wish->path, setting, setting, wish->given[index]);
        if (i > 0 && wish->given[index] == NULL)
            return err_set(
                err, E_USAGE,
                "--workload %.60s: the %s of the first workload is varied here; say what "
                "it is for this one by %s=N behind it%s",
                wish->path, setting, setting,
                strcmp(setting, "qps") == 0 ? ", 0 for as fast as it can" : "");
    }
    return OK;
}

/* A password stays nowhere else. */
static enum err_code find_password(struct stream_wish *wish, struct err *err)
{
    if (wish->password_variable == NULL)
        return OK;
    char *found = getenv(wish->password_variable);
    if (wish->user == NULL)
        return err_set(err, E_USAGE, "--workload: password-env=%.60s needs user=NAME beside it",
                       wish->password_variable);
    if (found == NULL || found[0] == '\0')
        return err_set(err, E_USAGE, "--workload: password-env=%.60s: there is no such variable",
                       wish->password_variable);
    wish->password = secret_copy(found);
    return wish->password != NULL ? OK : err_set(err, E_SYSTEM, "--workload: out of memory");
}

static void forget_passwords(const struct stream_wishes *wishes)
{
    for (uint32_t i = 0; i < wishes->count; i++) {
        const char *variable = wishes->items[i].password_variable;
        char *found = variable != NULL ? getenv(variable) : NULL;
        if (found == NULL)
            continue;
        secret_wipe(found);
        (void)unsetenv(variable);
    }
}

/* A name that was given is one workload's. */
static enum err_code check_names(const struct stream_wishes *wishes, struct err *err)
{
    for (uint32_t i = 0; i < wishes->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (wishes->items[i].name != NULL && wishes->items[k].name != NULL &&
                strcmp(wishes->items[i].name, wishes->items[k].name) == 0)
                return err_set(err, E_USAGE, "--workload: two workloads have name=%s",
                               wishes->items[i].name);
    return OK;
}

static bool is_taken(const struct stream_wishes *wishes, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(wishes->streams[i].name, name) == 0)
            return true;
    return false;
}

/* The name that was given, or the workload's as far as it can be one; a number behind it when it comes again. */
static const char *name_of(struct stream_wishes *wishes, uint32_t index, const char *title)
{
    struct stream_wish *wish = &wishes->items[index];
    char plain[SPEC_STREAM_NAME_BYTES];
    snprintf(plain, sizeof plain, "%s", wish->name != NULL ? wish->name : title);
    for (char *at = plain; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || *at == 127 || strchr(",<>:=", *at) != NULL)
            *at = '_';
    snprintf(wish->own_name, sizeof wish->own_name, "%s", plain);
    for (unsigned copy = 2; is_taken(wishes, index, wish->own_name); copy++)
        snprintf(wish->own_name, sizeof wish->own_name, "%.*s-%u", SPEC_STREAM_NAME_BYTES - 5,
                 plain, copy);
    return wish->own_name;
}

/* One rate from the start on, or none. */
static struct rate_options rate_of(struct stream_wish *wish, const struct rate_options *of_run)
{
    struct rate_options rate = *of_run;
    char text[RATE_TEXT_BYTES];
    if (!wish->has_rate)
        return rate;
    rate.steps = NULL;
    rate.step_count = 0;
    rate.warmup_micro = wish->rate_micro;
    rate.text[0] = '\0';
    if (wish->rate_micro == 0) {
        rate.shed_after_ns = 0;
        return rate;
    }
    wish->step = (struct rate_step){
        .length_ns = SCHEDULE_NEVER, .from_micro = wish->rate_micro, .to_micro = wish->rate_micro};
    rate.steps = &wish->step;
    rate.step_count = 1;
    snprintf(rate.text, sizeof rate.text, "%s/s, %s",
             rate_format(text, sizeof text, wish->rate_micro),
             rate.arrival == ARRIVAL_POISSON ? "poisson" : "even");
    return rate;
}

static enum err_code check_together(const struct stream_wishes *wishes, const struct spec *spec,
                                    struct err *err)
{
    bool closed = false;
    for (uint32_t i = 0; i < wishes->count; i++) {
        const struct spec_stream *stream = &wishes->streams[i];
        closed |= stream->rate.steps == NULL;
        if (spec->endpoint.cluster && stream->database != 0)
            return err_set(err, E_USAGE,
                           "--workload: dbnum=%" PRIu64 " with --cluster: in a cluster there is "
                           "database 0 only",
                           stream->database);
        if (stream->user != NULL && stream->password == NULL)
            return err_set(err, E_USAGE,
                           "--workload: user=%.60s needs a password: name the variable that holds "
                           "it by password-env, or give one for all by --password-fd or the like",
                           stream->user);
    }
    if (spec->load.think_ns > 0 && !closed)
        return err_set(err, E_USAGE,
                       "--think-time is for a closed loop: every workload has a rate");
    if (wishes->count > 1 && spec->load.verify)
        return err_set(err, E_USAGE,
                       "--verify checks the values of one workload, not of several side by side");
    if (wishes->count > 1 && spec->load.client_ramp.start_clients > 0)
        return err_set(err, E_USAGE,
                       "--workload: a ramp of clients is for one workload, not for several side by "
                       "side");
    return OK;
}

/* The run's own things are those of the first. */
static void give_first(struct spec *spec, const struct spec_stream *first)
{
    spec->load.clients = first->clients;
    spec->load.pipeline = first->pipeline;
    spec->rate = first->rate;
    spec->endpoint.database = first->database;
    spec->endpoint.user = first->user;
    spec->endpoint.password = first->password;
}

enum err_code stream_wishes_settle(struct stream_wishes *wishes, struct spec *spec,
                                   const struct workload_plan *const *plans, struct err *err)
{
    enum err_code code = check_names(wishes, err);
    if (wishes->count == 0 || (wishes->count == 1 && !has_settings(&wishes->items[0])))
        return OK;
    for (uint32_t i = 0; i < wishes->count && code == OK; i++) {
        struct stream_wish *wish = &wishes->items[i];
        code = find_password(wish, err);
        wishes->streams[i] = (struct spec_stream){
            .plan = plans[i],
            .name = name_of(wishes, i, plans[i]->name),
            .clients = wish->clients > 0 ? wish->clients : spec->load.clients,
            .pipeline = wish->pipeline > 0 ? wish->pipeline : spec->load.pipeline,
            .rate = rate_of(wish, &spec->rate),
            .database = wish->has_database ? wish->database : spec->endpoint.database,
            .user = wish->user != NULL ? wish->user : spec->endpoint.user,
            .password = wish->password != NULL ? wish->password : spec->endpoint.password,
        };
    }
    forget_passwords(wishes);
    spec->load.streams = wishes->streams;
    spec->load.stream_count = wishes->count;
    if (code == OK)
        code = check_together(wishes, spec, err);
    if (code == OK)
        give_first(spec, &wishes->streams[0]);
    return code;
}
