#include "orchestrator/options/managed_args.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "orchestrator/report/shell_word.h"

/* What a managed server cannot do without, and why nobody else may set it. */
static const struct {
    const char *name, *why;
} own[] = {
    {"port", "volley chooses the port"},
    {"tls-port", "volley chooses the port; --managed tls gives TLS"},
    {"bind", "a managed server listens on 127.0.0.1 only"},
    {"bind-source-addr", "a managed server connects from 127.0.0.1 only"},
    {"protected-mode", "a managed server listens on 127.0.0.1 only"},
    {"daemonize", "volley has to hold its process"},
    {"supervised", "volley has to hold its process"},
    {"dir", "volley makes a directory for it, and removes it"},
    {"appenddirname", "its files stay in the directory that volley makes and removes"},
    {"pidfile", "volley knows its process, and a file that stands there would be lost"},
    {"logfile", "volley reads what it prints"},
    {"syslog-enabled", "volley reads what it prints"},
    {"include", "a file may set anything"},
    {"sentinel", "it is to be a server"},
    {"cluster-enabled", "--managed cluster=3+3 starts a cluster"},
    {"cluster-config-file", "each node has one of its own in its directory"},
    {"cluster-port", "volley chooses the port"},
    {"cluster-announce-ip", "the nodes are at 127.0.0.1"},
    {"cluster-announce-port", "volley chooses the port"},
    {"cluster-announce-tls-port", "volley chooses the port"},
    {"cluster-announce-bus-port", "volley chooses the port"},
    {"replicaof", "--managed replicas=1 starts a replica"},
    {"slaveof", "--managed replicas=1 starts a replica"},
    {"tls-cluster", "--managed tls gives TLS"},
    {"tls-replication", "--managed tls gives TLS"},
    {"tls-auth-clients", "--managed tls gives TLS"},
    {"tls-cert-file", "--managed tls makes the certificates"},
    {"tls-key-file", "--managed tls makes the certificates"},
    {"tls-ca-cert-file", "--managed tls makes the certificates"},
    {"tls-ca-cert-dir", "--managed tls makes the certificates"},
    {"masterauth", "it follows from --requirepass, the one password of all servers"},
    {"primaryauth", "it follows from --requirepass, the one password of all servers"},
    {"user", "volley logs in as the default user, with the password of --requirepass"},
    {"aclfile", "volley logs in as the default user, with the password of --requirepass"},
    {"rename-command", "volley asks it with INFO, PING and others"},
    {"io-threads", "--io-threads N sets it, and plans CPUs for it"},
};

/* A server trims the line that an option becomes, and takes off quotes: no other name may mean one above. */
#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

static enum err_code refuse(const char *why, const char *word, struct err *err)
{
    return err_set(err, E_USAGE, "--managed-args: %s%s%.80s", why, word[0] != '\0' ? ": " : "",
                   word);
}

static bool is_password(const char *name, size_t bytes)
{
    static const char option[] = "requirepass";
    return bytes == sizeof option - 1 && strncasecmp(name, option, bytes) == 0;
}

/* The name in "--name", "--name value" in one word, and "--name=value". */
static enum err_code check_word(const char *word, struct err *err)
{
    if (strncmp(word, "--", 2) != 0)
        return OK;
    const char *name = word + 2;
    size_t bytes = strspn(name, NAME_BYTES);
    if (bytes == 0 || (name[bytes] != '\0' && strchr(" \t=", name[bytes]) == NULL))
        return refuse("the name of an option is of letters, digits and hyphens", word, err);
    if (is_password(name, bytes) && name[bytes] != '\0')
        return err_set(err, E_USAGE,
                       "--managed-args: the password of --requirepass is a word of its own");
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strlen(own[i].name) == bytes && strncasecmp(own[i].name, name, bytes) == 0)
            return err_set(err, E_USAGE, "--managed-args: --%s cannot be set: %s", own[i].name,
                           own[i].why);
    return OK;
}

static enum err_code check_text(const char *text, struct err *err)
{
    if (strlen(text) > MANAGED_ARGS_BYTES_MAX)
        return err_set(err, E_USAGE, "--managed-args: at most %u bytes are possible",
                       MANAGED_ARGS_BYTES_MAX);
    for (const char *at = text; *at != '\0'; at++)
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7F)
            return refuse("control characters such as a line's end are not possible", "", err);
    return OK;
}

/* The password leaves the words: these are for everybody to see while a server runs. */
static enum err_code take_password(struct managed_args *args, struct err *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < args->count; i++) {
        const char *word = args->words[i];
        if (strncmp(word, "--", 2) != 0 || !is_password(word + 2, strlen(word + 2)))
            args->words[kept++] = word;
        else if (++i < args->count)
            args->password = args->words[i];
        else
            return err_set(err, E_USAGE,
                           "--managed-args: --requirepass has no password behind it; '' is none");
    }
    args->count = kept;
    return OK;
}

enum err_code managed_args_parse(struct managed_args *args, const char *text, struct err *err)
{
    *args = (struct managed_args){.count = 0};
    enum err_code code = check_text(text, err);
    if (code != OK)
        return code;
    char *out = args->text = calloc(strlen(text) + 1, 1);
    if (out == NULL)
        return err_set(err, E_SYSTEM, "no memory for --managed-args");
    for (const char *at = text;;) {
        at += strspn(at, " \t");
        if (*at == '\0')
            break;
        if (args->count == MANAGED_ARGS_MAX)
            return err_set(err, E_USAGE, "--managed-args: at most %u words are possible",
                           MANAGED_ARGS_MAX);
        args->words[args->count++] = out;
        if (!shell_word_take(&out, &at))
            return refuse("a quote or a backslash has nothing behind it", text, err);
        code = check_word(args->words[args->count - 1], err);
        if (code != OK)
            return code;
    }
    if (args->count == 0)
        return refuse("it holds no argument; such as '--maxmemory 1gb'", "", err);
    if (strncmp(args->words[0], "--", 2) != 0)
        return refuse("the first word is no option of a server, as --maxmemory is", args->words[0],
                      err);
    return take_password(args, err);
}

void managed_args_free(struct managed_args *args)
{
    free(args->text);
    *args = (struct managed_args){.count = 0};
}
