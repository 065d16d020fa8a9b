#include "orchestrator/watch/notify_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/secret.h"
#include "common/units.h"
#include "orchestrator/options/option_group.h"

#define HOUR_NS (3600 * NS_PER_SECOND)
#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define TEXT_BYTES_MAX 4096u
#define PAGERDUTY_URL "https://events.pagerduty.com/v2/enqueue"
#define MAIL_URL "smtp://localhost:25"

/* ---- what stands in the file ---- */

struct pair {
    struct file_place place; /* whose key is its name */
    const char *value;
};

struct channel_wish {
    struct file_place place;
    const char *name, *webhook_url, *room, *service_key, *url, *from, *smtp, *user, *password;
    const char *authority;
    struct pair *headers;
    size_t header_count;
    const char **recipients;
    size_t recipient_count;
    bool starttls;
};

struct route_wish {
    struct file_place place;
    unsigned severities;
    struct pair *labels;
    size_t label_count;
    const char **channels;
    size_t channel_count;
};

struct wishes {
    struct file_place place;
    struct channel_wish *channels;
    size_t channel_count;
    struct route_wish *routes;
    size_t route_count;
    uint64_t wait_ns, interval_ns, repeat_ns, limit_ns;
};

static enum err_code parse_severities(void *target, const char *value, struct err *err)
{
    struct route_wish *route = target;
    struct list_word word;
    route->severities = 0;
    for (const char *at = value; list_next(&word, &at, ',');) {
        enum alert_severity severity;
        char name[16];
        snprintf(name, sizeof name, "%.*s", (int)word.byte_count, word.text);
        if (!alert_severity_find(&severity, name))
            return err_set(err, E_CONFIG, "is no severity; there are info, warning and critical");
        route->severities |= 1u << severity;
    }
    return OK;
}

#define TEXT(name_, member_, help_)                                                                \
    {                                                                                              \
        .row = { ROW(name_, NULL, OPTION_TEXT, NULL, AT(member_)), .help = help_ }                 \
    }
#define SECRET(name_, member_, needed_, help_)                                                     \
    {                                                                                              \
        .row = {ROW(name_, NULL, OPTION_TEXT, NULL, AT(member_)), .secret = true, .help = help_},  \
        .required = needed_                                                                        \
    }
#define LIST(name_, member_, counted_, of_, form_, element_, least_, most_, hint_, help_)          \
    {                                                                                              \
        .row = {.name = name_, .offset = AT(member_), .hint = hint_, .help = help_},               \
        .form = form_, .of = of_, .element_bytes = sizeof(element_), .count_offset = AT(counted_), \
        .least = least_, .most = most_                                                             \
    }

/* clang-format off: a row reads best as a few short lines */
#define AT(member) offsetof(struct pair, member)
static const struct file_field header_value = SECRET(NULL, value, false, "Its value.");
static const struct file_field label_value = TEXT(NULL, value, "Its value.");
#undef AT
static const struct file_field element_text = {
    .row = {.kind = OPTION_TEXT, .help = "One of them."}};

#define AT(member) offsetof(struct channel_wish, member)
static const struct file_field common_fields[] = {
    {.row = {ROW("name", NULL, OPTION_TEXT, NULL, AT(name)), .help = "What it is called."},
     .required = true},
    TEXT("cacert", authority,
         "A file of certificates (PEM) that its server is trusted by, in place of the system's."),
};
static const struct file_field slack_fields[] = {
    SECRET("webhook_url", webhook_url, true, "Where it is posted to."),
    TEXT("channel", room, "The channel of Slack, as in \"#alerts\"."),
};
static const struct file_field pagerduty_fields[] = {
    SECRET("service_key", service_key, true, "The routing key of Events API v2."),
    SECRET("url", url, false, "Where it is posted to; without it " PAGERDUTY_URL "."),
};
static const struct file_field webhook_fields[] = {
    SECRET("url", url, true, "Where it is posted to."),
    LIST("headers", headers, header_count, &header_value, FILE_MAP, struct pair, 0, NOTIFY_LIST_MAX,
         "as in headers: {Authorization: \"Bearer ${TOKEN}\"}", "Of the request."),
};
static const struct file_field email_fields[] = {
    LIST("recipients", recipients, recipient_count, &element_text, FILE_LIST, const char *, 1,
         NOTIFY_LIST_MAX, "as in recipients: [ops@example.com]", "Who gets it."),
    TEXT("from", from, "Who sends it; without it volley at this host."),
    TEXT("smtp", smtp,
         "The mail server, smtp://HOST:PORT, or smtps:// for TLS from the start; without "
         "it " MAIL_URL "."),
    {.row = {ROW("starttls", NULL, OPTION_FLAG, NULL, AT(starttls)),
             .help = "Send nothing before TLS has been agreed on; without it so where there is a "
                     "password."}},
    SECRET("user", user, false, "Who logs in."),
    SECRET("password", password, false, "Of the user."),
};
#undef AT
static const struct file_variant channel_variants[] = {
    [NOTIFY_SLACK] = {"slack", slack_fields, COUNT(slack_fields), 0,
                      "A message to a webhook of Slack, or what understands the same."},
    [NOTIFY_PAGERDUTY] = {"pagerduty", pagerduty_fields, COUNT(pagerduty_fields), 0,
                          "An event that opens an incident, and one that closes it."},
    [NOTIFY_WEBHOOK] = {"webhook", webhook_fields, COUNT(webhook_fields), 0,
                        "The alert as JSON, one POST each."},
    [NOTIFY_EMAIL] = {"email", email_fields, COUNT(email_fields), 0, "A mail of plain text."},
};
static const struct file_object channel_object = {.name = "a channel",
                                                  .fields = common_fields,
                                                  .field_count = COUNT(common_fields),
                                                  .variants = channel_variants,
                                                  .variant_count = COUNT(channel_variants),
                                                  .tag = "type",
                                                  .tag_help = "What kind of channel it is."};
static const struct file_field channel_field = {.form = FILE_OBJECT, .object = &channel_object};

#define AT(member) offsetof(struct route_wish, member)
static const struct file_field route_fields[] = {
    {.row = {.name = "severity",
             .kind = OPTION_CUSTOM,
             .parse = parse_severities,
             .hint = "as in severity: [warning, critical]",
             .help = "Of which severities; without it of all."},
     .joins = true},
    LIST("labels", labels, label_count, &label_value, FILE_MAP, struct pair, 0, ALERT_LABELS_MAX,
         "as in labels: {team: cache}", "Labels that an alert has to have, all of them."),
    {.row = {.name = "channels",
             .offset = AT(channels),
             .hint = "as in channels: [ops]",
             .help = "Names of the channels it goes to; an empty list: nowhere."},
     .form = FILE_LIST,
     .required = true,
     .of = &element_text,
     .element_bytes = sizeof(const char *),
     .count_offset = AT(channel_count),
     .most = NOTIFY_CHANNELS_MAX,
     .alone = true},
};
#undef AT
static const struct file_object route_object = {
    .name = "a route", .fields = route_fields, .field_count = COUNT(route_fields)};
static const struct file_field route_field = {.form = FILE_OBJECT, .object = &route_object};

#define AT(member) offsetof(struct wishes, member)
static const struct file_field file_fields[] = {
    {.row = {.name = "notification_channels",
             .offset = AT(channels),
             .help = "Where alerts are told."},
     .form = FILE_LIST,
     .required = true,
     .of = &channel_field,
     .element_bytes = sizeof(struct channel_wish),
     .count_offset = AT(channel_count),
     .least = 1,
     .most = NOTIFY_CHANNELS_MAX},
    LIST("routes", routes, route_count, &route_field, FILE_LIST, struct route_wish, 0,
         NOTIFY_ROUTES_MAX, "as in - {severity: critical, channels: [pager]}",
         "Which alert goes where, by the first that it matches; one that matches none goes to all "
         "channels."),
    {.row = {ROW("group_wait", NULL, OPTION_DURATION, NULL, AT(wait_ns)),
             BARE(NS_PER_SECOND, 0, HOUR_NS), .unset = "1s",
             .help = "How long an alert waits for others, to be told with them."}},
    {.row = {ROW("group_interval", NULL, OPTION_DURATION, NULL, AT(interval_ns)),
             BARE(NS_PER_SECOND, 0, 24 * HOUR_NS), .unset = "1m",
             .help = "How long at least between two messages about the same alert."}},
    {.row = {ROW("repeat_interval", NULL, OPTION_DURATION, NULL, AT(repeat_ns)),
             BARE(NS_PER_SECOND, 0, 1000 * HOUR_NS), .unset = "4h",
             .help = "When an alert that still fires is told again; 0: never."}},
    {.row = {ROW("timeout", NULL, OPTION_DURATION, NULL, AT(limit_ns)),
             BARE(NS_PER_SECOND, 10 * NS_PER_MS, 600 * NS_PER_SECOND), .unset = "10s",
             .help = "Of one try to send, of which there are four."}},
};
#undef AT
/* clang-format on */
static const struct file_object file_object = {
    .name = "a file of channels", .fields = file_fields, .field_count = COUNT(file_fields)};
const struct file_kind notify_file_kind = {
    .name = "notify",
    .what = "file of notification channels",
    .help = "Where alerts are told, and which: --notify.",
    .root = {.form = FILE_OBJECT, .object = &file_object},
};

const char *notify_type_name(enum notify_type type)
{
    return channel_variants[type].name;
}

/* ---- variables ---- */

struct maker {
    const struct file *file;
    notify_variable *variable;
    struct err *err;
    /* Names of variables that stood for secrets. */
    char (*secret_names)[NOTIFY_NAME_BYTES];
    size_t secret_count;
};

/* A text with its variables replaced. */
struct expansion {
    char *text; /* of secret_alloc */
    size_t used;
    bool from_variable; /* some of it */
};

#define REFUSE(maker, place, key, ...)                                                             \
    file_refuse((maker)->file, place, key, (maker)->err, __VA_ARGS__)

static enum err_code remember(struct maker *maker, const char *name)
{
    char(*names)[NOTIFY_NAME_BYTES] =
        reallocarray(maker->secret_names, maker->secret_count + 1, sizeof *names);
    if (names == NULL)
        return err_set(maker->err, E_SYSTEM, "no memory for the channels of notifications");
    maker->secret_names = names;
    snprintf(names[maker->secret_count++], NOTIFY_NAME_BYTES, "%s", name);
    return OK;
}

/* "NAME}...": the name, and how many bytes it takes with its bracket. False: it is none. */
static bool read_name(char name[NOTIFY_NAME_BYTES], size_t *taken, const char *text)
{
    size_t bytes = 0;
    while (isalnum((unsigned char)text[bytes]) || text[bytes] == '_')
        bytes++;
    if (bytes == 0 || bytes >= NOTIFY_NAME_BYTES || text[bytes] != '}' ||
        isdigit((unsigned char)text[0]))
        return false;
    snprintf(name, NOTIFY_NAME_BYTES, "%.*s", (int)bytes, text);
    *taken = bytes + 1;
    return true;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || (unsigned char)*text == 127)
            return true;
    return false;
}

/* Each once. */
static void add_missing(struct notify_channel *channel, const char *name)
{
    static const char more[] = ", ...";
    struct list_word word;
    const size_t used = strlen(channel->missing), bytes = strlen(name);
    for (const char *at = channel->missing; list_next(&word, &at, ',');)
        if (word.byte_count == bytes && strncmp(word.text, name, bytes) == 0)
            return;
    if (used + 2 + bytes + sizeof more <= sizeof channel->missing)
        snprintf(channel->missing + used, sizeof channel->missing - used, "%s%s",
                 used > 0 ? ", " : "", name);
    else if (used > 3 && strcmp(channel->missing + used - 3, "...") != 0)
        snprintf(channel->missing + used, sizeof channel->missing - used, "%s", more);
}

const char *notify_missing_text(char text[NOTIFY_MISSING_BYTES + 64], const char *missing)
{
    const bool several = strchr(missing, ',') != NULL;
    snprintf(text, NOTIFY_MISSING_BYTES + 64, "the environment variable%s %s %s not set",
             several ? "s" : "", missing, several ? "are" : "is");
    return text;
}

/* One of a channel's texts. channel->missing says that a variable is not there; *made is NULL then. */
static enum err_code expand(struct maker *maker, struct notify_channel *channel, char **made,
                            const struct file_place *place, const char *key, bool secret,
                            const char *text)
{
    struct expansion expansion = {.text = secret_alloc(TEXT_BYTES_MAX)};
    enum err_code code = OK;
    *made = expansion.text; /* the channel's in any case */
    if (expansion.text == NULL)
        return err_set(maker->err, E_SYSTEM, "no memory for the channels of notifications");
    for (const char *at = text; *at != '\0' && code == OK;) {
        char name[NOTIFY_NAME_BYTES];
        char letter[2] = {at[0], '\0'};
        const char *piece = letter;
        size_t taken = 1;
        if (at[0] == '$' && at[1] == '{') {
            if (!read_name(name, &taken, at + 2))
                return REFUSE(maker, place, key,
                              "%.40s: behind \"${\" stands the name of an environment variable, "
                              "and \"}\"",
                              key);
            taken += 2;
            piece = maker->variable(name);
            if (piece != NULL && has_control(piece))
                return REFUSE(maker, place, key,
                              "%.40s: the environment variable %s holds a line break, or another "
                              "control character",
                              key, name);
            if (piece == NULL || piece[0] == '\0')
                add_missing(channel, name);
            if (piece == NULL)
                piece = "";
            if (secret)
                code = remember(maker, name);
        } else if (has_control(letter)) {
            return REFUSE(maker, place, key, "%.40s: holds a control character", key);
        }
        const size_t bytes = strlen(piece);
        if (expansion.used + bytes >= TEXT_BYTES_MAX)
            return REFUSE(maker, place, key, "%.40s: is longer than %u bytes", key,
                          TEXT_BYTES_MAX - 1);
        memcpy(expansion.text + expansion.used, piece, bytes);
        expansion.used += bytes;
        at += taken;
    }
    return code;
}

/* ---- channels ---- */

/* Whether an address has one of these beginnings, and a host behind. */
static bool begins(const char *address, const char *beginnings)
{
    struct list_word word;
    for (const char *at = beginnings; list_next(&word, &at, ' ');)
        if (strncasecmp(address, word.text, word.byte_count) == 0 &&
            address[word.byte_count] != '\0' && address[word.byte_count] != '/')
            return true;
    return false;
}

/* The address, with what it has to begin with. */
static enum err_code make_url(struct maker *maker, struct notify_channel *channel,
                              const struct channel_wish *wish, const char *key, const char *text,
                              const char *beginnings)
{
    enum err_code code = expand(maker, channel, &channel->url, &wish->place, key, true, text);
    if (code != OK || channel->missing[0] != '\0')
        return code;
    if (!begins(channel->url, beginnings) || strpbrk(channel->url, " \t") != NULL)
        return REFUSE(maker, &wish->place, key,
                      "%s: is no address that begins with one of %s and a host", key, beginnings);
    return OK;
}

static enum err_code make_headers(struct maker *maker, struct notify_channel *channel,
                                  const struct channel_wish *wish)
{
    enum err_code code = OK;
    for (size_t i = 0; i < wish->header_count && code == OK; i++) {
        const struct pair *pair = &wish->headers[i];
        const char *name = pair->place.node->key;
        char *value = NULL;
        if (name[strspn(name,
                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] !=
                '\0' ||
            strlen(name) > 100)
            return REFUSE(maker, &wish->place, "headers",
                          "headers: \"%.40s\" is no name of a header", PRINTABLE(name));
        code = expand(maker, channel, &value, &wish->place, "headers", true, pair->value);
        const size_t bytes = strlen(name) + TEXT_BYTES_MAX + 4;
        char *header = code == OK ? secret_alloc(bytes) : NULL;
        if (header != NULL)
            snprintf(header, bytes, "%s: %s", name, value);
        else if (code == OK)
            code = err_set(maker->err, E_SYSTEM, "no memory for the channels of notifications");
        channel->headers[channel->header_count++] = header;
        secret_free(value);
    }
    return code;
}

/* "local@host", of letters that need no quoting in the head of a mail. */
static bool is_mailbox(const char *text)
{
    const char *at = strchr(text, '@');
    return at != NULL && at > text && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
           strpbrk(text, " \t<>,;:\"\\()[]") == NULL;
}

static enum err_code make_recipients(struct maker *maker, struct notify_channel *channel,
                                     const struct channel_wish *wish)
{
    enum err_code code = OK;
    for (size_t i = 0; i < wish->recipient_count && code == OK; i++) {
        char **made = &channel->recipients[channel->recipient_count++];
        code = expand(maker, channel, made, &wish->place, "recipients", false, wish->recipients[i]);
        if (code == OK && channel->missing[0] == '\0' && !is_mailbox(*made))
            code = REFUSE(maker, &wish->place, "recipients",
                          "recipients: each is an address of mail, as in ops@example.com");
    }
    return code;
}

static bool is_local(const char *url)
{
    const char *host = strstr(url, "://");
    return host != NULL &&
           (strncmp(host + 3, "localhost", 9) == 0 || strncmp(host + 3, "127.", 4) == 0 ||
            strncmp(host + 3, "[::1]", 5) == 0);
}

static enum err_code make_email(struct maker *maker, struct notify_channel *channel,
                                const struct channel_wish *wish)
{
    const struct file_place *place = &wish->place;
    char host[128] = "localhost", from[160];
    (void)gethostname(host, sizeof host - 1);
    snprintf(from, sizeof from, "volley@%s", host);
    enum err_code code = make_url(maker, channel, wish, "smtp",
                                  wish->smtp != NULL ? wish->smtp : MAIL_URL, "smtp:// smtps://");
    if (code == OK)
        code = make_recipients(maker, channel, wish);
    if (code == OK)
        code = expand(maker, channel, &channel->from, place, "from", false,
                      wish->from != NULL ? wish->from : from);
    if (code == OK && wish->user != NULL)
        code = expand(maker, channel, &channel->user, place, "user", true, wish->user);
    if (code == OK && wish->password != NULL)
        code = expand(maker, channel, &channel->password, place, "password", true, wish->password);
    if (code != OK)
        return code;
    if ((wish->user == NULL) != (wish->password == NULL))
        return REFUSE(maker, place, wish->user != NULL ? "user" : "password",
                      "user and password need each other");
    if (wish->from != NULL && channel->missing[0] == '\0' && !is_mailbox(channel->from))
        return REFUSE(maker, place, "from", "from: is an address of mail, as in ops@example.com");
    if (channel->missing[0] != '\0') /* an address that is not known says nothing of TLS */
        return OK;
    const bool safe = strncasecmp(channel->url, "smtps:", 6) == 0;
    channel->starttls =
        file_given(place, "starttls") ? wish->starttls : wish->password != NULL && !safe;
    if (safe && channel->starttls && file_given(place, "starttls"))
        return REFUSE(maker, place, "starttls",
                      "starttls: smtps:// has TLS from the start; leave one of them out");
    if (wish->password != NULL && !channel->starttls && !safe && !is_local(channel->url))
        return REFUSE(maker, place, "password",
                      "password: would be sent for everybody to read; it needs starttls: true, or "
                      "smtps://");
    return OK;
}

static enum err_code make_channel(struct maker *maker, struct notify_channel *channel,
                                  const struct channel_wish *wish)
{
    static const char http[] = "http:// https://";
    const struct file_place *place = &wish->place;
    enum err_code code = OK;
    channel->type = (enum notify_type)place->variant;
    if (wish->name[0] == '\0' || strlen(wish->name) >= sizeof channel->name)
        return REFUSE(maker, place, "name", "name: has 1 to %zu bytes", sizeof channel->name - 1);
    snprintf(channel->name, sizeof channel->name, "%s", PRINTABLE(wish->name));
    if (wish->authority != NULL)
        code = expand(maker, channel, &channel->authority, place, "cacert", false, wish->authority);
    if (code != OK)
        return code;
    switch (channel->type) {
    case NOTIFY_SLACK:
        if (wish->room != NULL)
            code = expand(maker, channel, &channel->room, place, "channel", false, wish->room);
        return code == OK ? make_url(maker, channel, wish, "webhook_url", wish->webhook_url, http)
                          : code;
    case NOTIFY_PAGERDUTY:
        code = expand(maker, channel, &channel->key, place, "service_key", true, wish->service_key);
        return code == OK ? make_url(maker, channel, wish, "url",
                                     wish->url != NULL ? wish->url : PAGERDUTY_URL, http)
                          : code;
    case NOTIFY_WEBHOOK:
        code = make_headers(maker, channel, wish);
        return code == OK ? make_url(maker, channel, wish, "url", wish->url, http) : code;
    case NOTIFY_EMAIL:
        break;
    }
    return make_email(maker, channel, wish);
}

/* ---- routes ---- */

static enum err_code make_route(struct maker *maker, const struct notify_file *made,
                                struct notify_route *route, const struct route_wish *wish)
{
    route->severities = wish->severities;
    for (size_t i = 0; i < wish->label_count; i++) {
        struct alert_label *label = &route->labels[route->label_count++];
        const char *name = wish->labels[i].place.node->key;
        if (strlen(name) >= sizeof label->name ||
            strlen(wish->labels[i].value) >= sizeof label->value)
            return REFUSE(maker, &wish->place, "labels",
                          "labels: no alert has a label whose name or value is so long");
        snprintf(label->name, sizeof label->name, "%s", name);
        snprintf(label->value, sizeof label->value, "%s", wish->labels[i].value);
    }
    for (size_t i = 0; i < wish->channel_count; i++) {
        size_t found = 0;
        while (found < made->channel_count &&
               strcmp(made->channels[found].name, wish->channels[i]) != 0)
            found++;
        if (found == made->channel_count)
            return REFUSE(maker, &wish->place, "channels",
                          "channels: there is no channel \"%.60s\" in notification_channels",
                          PRINTABLE(wish->channels[i]));
        route->channels |= 1ull << found;
    }
    return OK;
}

/* ---- the whole ---- */

static enum err_code check_names(struct maker *maker, const struct notify_file *made,
                                 const struct wishes *wishes)
{
    for (size_t i = 1; i < made->channel_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(made->channels[i].name, made->channels[k].name) == 0)
                return REFUSE(maker, &wishes->channels[i].place, "name",
                              "name: another channel is called \"%.60s\", too",
                              made->channels[i].name);
    return OK;
}

/* What stood for secrets is overwritten where /proc/PID/environ shows it, and no child gets it. */
static void forget_variables(const struct maker *maker)
{
    for (size_t i = 0; i < maker->secret_count; i++) {
        secret_wipe(maker->variable(maker->secret_names[i]));
        if (maker->variable == getenv)
            (void)unsetenv(maker->secret_names[i]);
    }
}

static enum err_code make(struct maker *maker, struct notify_file *made,
                          const struct wishes *wishes)
{
    enum err_code code = OK;
    made->timing = (struct notify_timing){wishes->wait_ns, wishes->interval_ns, wishes->repeat_ns};
    made->limit_ns = wishes->limit_ns;
    made->channels = calloc(wishes->channel_count + 1, sizeof made->channels[0]);
    made->routes = calloc(wishes->route_count + 1, sizeof made->routes[0]);
    if (made->channels == NULL || made->routes == NULL)
        return err_set(maker->err, E_SYSTEM, "no memory for the channels of notifications");
    for (size_t i = 0; i < wishes->channel_count && code == OK; i++)
        code = make_channel(maker, &made->channels[made->channel_count++], &wishes->channels[i]);
    if (code == OK)
        code = check_names(maker, made, wishes);
    for (size_t i = 0; i < wishes->route_count && code == OK; i++)
        code = make_route(maker, made, &made->routes[made->route_count++], &wishes->routes[i]);
    return code;
}

enum err_code notify_file_read(struct notify_file *file, const struct file_source *source,
                               notify_variable *variable, struct err *err)
{
    struct wishes wishes = {.channels = NULL};
    struct file tree;
    struct maker maker = {.file = &tree, .variable = variable, .err = err};
    *file = (struct notify_file){.channels = NULL};
    enum err_code code = file_read(&tree, &notify_file_kind, &wishes, source, err);
    if (code == OK)
        code = make(&maker, file, &wishes);
    forget_variables(&maker);
    free(maker.secret_names);
    file_free(&tree);
    return code;
}

static void free_channel(struct notify_channel *channel)
{
    secret_free(channel->url);
    secret_free(channel->room);
    secret_free(channel->key);
    secret_free(channel->authority);
    secret_free(channel->from);
    secret_free(channel->user);
    secret_free(channel->password);
    for (size_t i = 0; i < channel->header_count; i++)
        secret_free(channel->headers[i]);
    for (size_t i = 0; i < channel->recipient_count; i++)
        secret_free(channel->recipients[i]);
}

void notify_file_free(struct notify_file *file)
{
    for (size_t i = 0; i < file->channel_count; i++)
        free_channel(&file->channels[i]);
    free(file->channels);
    free(file->routes);
    *file = (struct notify_file){.channels = NULL};
}

static bool matches(const struct notify_route *route, const struct alert_event *event)
{
    if (route->severities != 0 && (route->severities >> event->severity & 1u) == 0)
        return false;
    for (size_t i = 0; i < route->label_count; i++) {
        const char *value = alert_event_label(event, route->labels[i].name);
        if (value == NULL || strcmp(value, route->labels[i].value) != 0)
            return false;
    }
    return true;
}

uint64_t notify_file_route(const struct notify_file *file, const struct alert_event *event)
{
    for (size_t i = 0; i < file->route_count; i++)
        if (matches(&file->routes[i], event))
            return file->routes[i].channels;
    return file->channel_count < 64 ? (1ull << file->channel_count) - 1 : UINT64_MAX;
}
