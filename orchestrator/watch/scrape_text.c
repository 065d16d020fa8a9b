#include "orchestrator/watch/scrape_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/printable.h"

#define LINE_MAX_BYTES 4096u
#define PORT_USUAL 80u

static bool begins_name(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_' ||
           letter == ':';
}

static bool in_name(char letter)
{
    return begins_name(letter) || (letter >= '0' && letter <= '9');
}

static size_t name_length(const char *text)
{
    size_t length = 0;
    if (!begins_name(text[0]))
        return 0;
    while (in_name(text[length]))
        length++;
    return length;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* name="value", with \\, \" and \n in it; *at moves behind it. */
static bool read_label(struct scrape_label *label, const char **at)
{
    const char *from = skip_blanks(*at);
    const size_t length = name_length(from);
    size_t used = 0;
    if (length == 0 || length >= sizeof label->name)
        return false;
    memcpy(label->name, from, length);
    label->name[length] = '\0';
    from = skip_blanks(from + length);
    if (*from++ != '=')
        return false;
    from = skip_blanks(from);
    if (*from++ != '"')
        return false;
    for (; *from != '"'; from++) {
        char letter = *from;
        if (letter == '\\') {
            letter = *++from;
            if (letter == 'n')
                letter = '\n';
        }
        if (letter == '\0')
            return false;
        if (used + 1 < sizeof label->value) /* a longer one is no label that is asked for */
            label->value[used] = letter;
        used++;
    }
    label->value[used < sizeof label->value ? used : sizeof label->value - 1] = '\0';
    *at = skip_blanks(from + 1);
    return true;
}

/* ---- what is asked for ---- */

static enum err_code refuse(const char *item, const char *why, struct err *err)
{
    return err_set(
        err, E_USAGE,
        "--scrape %.120s: %s; right is http://HOST:PORT/metrics#SERIES, where a series is "
        "node_load1, or requests_total{code=\"500\"}",
        PRINTABLE(item), why);
}

static enum err_code read_series(struct scrape_series *series, const char *item, const char *text,
                                 struct err *err)
{
    const size_t length = name_length(text);
    if (strlen(text) >= sizeof series->text)
        return refuse(item, "the series is too long", err);
    if (length == 0)
        return refuse(item, "behind # the name of a series is needed", err);
    snprintf(series->text, sizeof series->text, "%s", text);
    memcpy(series->name, text, length);
    series->name[length] = '\0';
    const char *at = skip_blanks(text + length);
    if (*at == '\0')
        return OK;
    if (*at++ != '{')
        return refuse(item, "behind the name only {LABEL=\"VALUE\"} may stand", err);
    while (*at != '}') {
        if (series->label_count == SCRAPE_LABELS_MAX)
            return refuse(item, "there are more than 8 labels", err);
        if (!read_label(&series->labels[series->label_count++], &at) || (*at != ',' && *at != '}'))
            return refuse(item, "a label is LABEL=\"VALUE\"", err);
        at += *at == ',';
        at = skip_blanks(at);
    }
    return *skip_blanks(at + 1) == '\0' ? OK : refuse(item, "something stands behind }", err);
}

static bool read_port(uint16_t *port, const char *text, size_t bytes)
{
    unsigned long number = 0;
    if (bytes == 0 || bytes > 5)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = number * 10 + (unsigned long)(text[i] - '0');
    }
    *port = (uint16_t)number;
    return number > 0 && number <= UINT16_MAX;
}

static enum err_code read_address(struct scrape_address *address, const char *item, size_t bytes,
                                  struct err *err)
{
    static const char scheme[] = "http://";
    const size_t scheme_bytes = sizeof scheme - 1;
    if (strncasecmp(item, "https://", 8) == 0)
        return refuse(item,
                      "https is not spoken here; name a port of it that speaks http, or a proxy "
                      "on this host that does",
                      err);
    if (bytes <= scheme_bytes || strncmp(item, scheme, scheme_bytes) != 0)
        return refuse(item, "it has to begin with http://", err);
    const char *host = item + scheme_bytes;
    const size_t left = bytes - scheme_bytes;
    const char *slash = memchr(host, '/', left);
    size_t host_bytes = slash != NULL ? (size_t)(slash - host) : left;
    const size_t path_bytes = left - host_bytes;
    const bool bracket = host[0] == '[';
    const char *close = bracket ? memchr(host, ']', host_bytes) : host;
    const char *colon =
        close != NULL ? memchr(close, ':', host_bytes - (size_t)(close - host)) : NULL;
    address->port = PORT_USUAL;
    if (colon != NULL) {
        if (!read_port(&address->port, colon + 1, host_bytes - (size_t)(colon + 1 - host)))
            return refuse(item, "the port is none", err);
        host_bytes = (size_t)(colon - host);
    }
    if (bracket) {
        if (close == NULL)
            return refuse(item, "the address has no ]", err);
        host++;
        host_bytes -= 2;
    }
    if (host_bytes == 0 || host_bytes >= sizeof address->host ||
        memchr(host, '@', host_bytes) != NULL)
        return refuse(item, "the host is missing, or too long, or has a user in front", err);
    if (path_bytes >= sizeof address->path)
        return refuse(item, "the path is too long", err);
    memcpy(address->host, host, host_bytes);
    snprintf(address->path, sizeof address->path, "%.*s", path_bytes > 0 ? (int)path_bytes : 8,
             path_bytes > 0 ? slash : "/metrics");
    for (const char *at = address->path; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~')
            return refuse(item, "the path has a blank, or a letter that an address cannot have",
                          err);
    snprintf(address->text, sizeof address->text, "%.*s", (int)bytes, item);
    return OK;
}

static bool same_host(const struct scrape_address *a, const struct scrape_address *b)
{
    return strcmp(a->host, b->host) == 0 && a->port == b->port;
}

static bool same_address(const struct scrape_address *a, const struct scrape_address *b)
{
    return same_host(a, b) && strcmp(a->path, b->path) == 0;
}

static enum err_code add_item(struct scrape_list *list, char *item, struct err *err)
{
    struct scrape_address address = {.host = ""};
    char *mark = strchr(item, '#');
    if (list->series_count == SCRAPE_SERIES_MAX)
        return refuse(item, "there are more than 16 series", err);
    if (mark == NULL)
        return refuse(item, "the name of a series is missing", err);
    struct scrape_series *series = &list->series[list->series_count];
    if (read_address(&address, item, (size_t)(mark - item), err) != OK ||
        read_series(series, item, mark + 1, err) != OK)
        return err->code;
    uint32_t at = 0;
    while (at < list->address_count && !same_address(&list->addresses[at], &address))
        at++;
    for (uint32_t i = 0; i < list->series_count; i++)
        if (list->series[i].address == at && strcmp(list->series[i].text, series->text) == 0)
            return err_set(err, E_USAGE,
                           "--scrape %.120s: this series of this address is asked for twice; name "
                           "it once",
                           PRINTABLE(item));
    if (at == list->address_count)
        list->addresses[list->address_count++] = address;
    series->address = at;
    list->series_count++;
    return OK;
}

/* "load @127.0.0.1:9100" where another endpoint is asked for the same; its path as well where the host is the same, too. Of
 * a name that is too long the series is cut, since the place tells them apart. */
static void name_series(const struct scrape_list *list, struct scrape_series *series)
{
    char place[SCRAPE_TOLD_BYTES - 40];
    const struct scrape_address *address = &list->addresses[series->address];
    bool again = false, here = false;
    for (uint32_t i = 0; i < list->series_count; i++) {
        const struct scrape_series *other = &list->series[i];
        if (other == series || strcmp(other->text, series->text) != 0)
            continue;
        again = true;
        here = here || same_host(&list->addresses[other->address], address);
    }
    const bool six = strchr(address->host, ':') != NULL;
    snprintf(series->told, sizeof series->told, "%s", series->text);
    if (!again)
        return;
    snprintf(place, sizeof place, " @%s%s%s:%u%s", six ? "[" : "", address->host, six ? "]" : "",
             address->port, here ? address->path : "");
    snprintf(series->told, sizeof series->told, "%.*s%s",
             (int)(sizeof series->told - 1 - strlen(place)), series->text, place);
}

enum err_code scrape_list_parse(struct scrape_list *list, const char *text, struct err *err)
{
    char *copy = strdup(text);
    enum err_code code = OK;
    memset(list, 0, sizeof *list);
    if (copy == NULL)
        return err_set(err, E_SYSTEM, "no memory for --scrape");
    for (char *item = copy; item != NULL && code == OK;) {
        char *at = item;
        bool braces = false, quoted = false;
        for (; *at != '\0' && (*at != ',' || braces || quoted); at++) {
            if (*at == '\\' && quoted && at[1] != '\0')
                at++;
            else if (*at == '"')
                quoted = !quoted;
            else if (!quoted && (*at == '{' || *at == '}'))
                braces = *at == '{';
        }
        char *next = *at == ',' ? at + 1 : NULL;
        *at = '\0';
        code = add_item(list, item, err);
        item = next;
    }
    free(copy);
    for (uint32_t i = 0; i < list->series_count && code == OK; i++)
        name_series(list, &list->series[i]);
    return code;
}

/* ---- what a text says ---- */

static bool matches(const struct scrape_series *series, uint32_t label_bits)
{
    return label_bits == (1u << series->label_count) - 1;
}

/* A line of a sample, terminated; false: it is another series, or none. */
static bool read_sample(double *value, const char *line, const struct scrape_series *series)
{
    const size_t length = strlen(series->name);
    uint32_t found = 0;
    char *end;
    if (strncmp(line, series->name, length) != 0 || in_name(line[length]))
        return false;
    const char *at = skip_blanks(line + length);
    if (*at == '{') {
        at = skip_blanks(at + 1);
        while (*at != '}') {
            struct scrape_label label;
            if (!read_label(&label, &at) || (*at != ',' && *at != '}'))
                return false;
            for (uint32_t i = 0; i < series->label_count; i++)
                if (strcmp(label.name, series->labels[i].name) == 0 &&
                    strcmp(label.value, series->labels[i].value) == 0)
                    found |= 1u << i;
            at += *at == ',';
            at = skip_blanks(at);
        }
        at++;
    }
    if (!matches(series, found))
        return false;
    at = skip_blanks(at);
    const size_t digits = strspn(at, "+-.0123456789eE"); /* strtod would take 0x10, too */
    *value = strtod(at, &end);
    return end != at && end == at + digits &&
           (*end == '\0' || *end == ' ' || *end == '\t' || *end == '\r') && isfinite(*value);
}

bool scrape_text_sum(double *sum, const char *text, size_t text_bytes,
                     const struct scrape_series *series)
{
    char line[LINE_MAX_BYTES];
    bool any = false;
    *sum = 0;
    while (text_bytes > 0) {
        const char *end = memchr(text, '\n', text_bytes);
        const size_t bytes = end != NULL ? (size_t)(end - text) : text_bytes;
        double value;
        if (bytes < sizeof line && bytes > 0 && text[0] == series->name[0]) {
            memcpy(line, text, bytes);
            line[bytes] = '\0';
            if (read_sample(&value, line, series)) {
                *sum += value;
                any = true;
            }
        }
        text += bytes + (end != NULL);
        text_bytes -= bytes + (end != NULL);
    }
    return any && isfinite(*sum);
}
