#include "orchestrator/watch/http_address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/printable.h"

/* ---- where ---- */

static bool is_address(const char *text, bool *local)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, text, &four) == 1) {
        *local = (ntohl(four.s_addr) >> 24) == 127;
        return true;
    }
    if (inet_pton(AF_INET6, text, &six) != 1)
        return false;
    *local = IN6_IS_ADDR_LOOPBACK(&six);
    return true;
}

static bool read_port(uint16_t *port, const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    const unsigned long number = strtoul(text, NULL, 10);
    *port = (uint16_t)number;
    return number <= UINT16_MAX;
}

enum err_code http_address_parse(struct http_address *address, const char *text, struct err *err)
{
    const char *colon = strrchr(text, ':');
    const char *host = text, *port = text;
    size_t host_bytes = 0;
    *address = (struct http_address){.host = "127.0.0.1", .local = true};
    if (colon != NULL) {
        host_bytes = (size_t)(colon - text);
        port = colon + 1;
        if (host_bytes >= 2 && host[0] == '[' && host[host_bytes - 1] == ']') {
            host++;
            host_bytes -= 2;
        } else if (memchr(host, ':', host_bytes) != NULL) {
            host_bytes = sizeof address->host; /* which colon it is cannot be told */
        }
    }
    if (!read_port(&address->port, port) || host_bytes >= sizeof address->host ||
        (colon != NULL && host_bytes == 0))
        return err_set(
            err, E_USAGE,
            "--listen %.80s: a port from 0 to 65535 is needed, or an address and a port, such as "
            "8080, 0.0.0.0:8080 or [::1]:8080",
            PRINTABLE(text));
    if (colon == NULL)
        return OK;
    memcpy(address->host, host, host_bytes);
    address->host[host_bytes] = '\0';
    if (strcasecmp(address->host, "localhost") == 0)
        snprintf(address->host, sizeof address->host, "127.0.0.1");
    if (!is_address(address->host, &address->local))
        return err_set(
            err, E_USAGE,
            "--listen %.80s: the address has to be one of this host in numbers, or localhost; "
            "0.0.0.0 and [::] are all of them",
            PRINTABLE(text));
    return OK;
}

/* ---- who ---- */

bool http_host_known(const char *host, const char *machine)
{
    char name[256];
    bool local;
    if (host == NULL)
        return false;
    size_t bytes;
    if (host[0] == '[') {
        host++;
        bytes = strcspn(host, "]");
        if (host[bytes] != ']')
            return false;
        if (host[bytes + 1] != '\0' && host[bytes + 1] != ':')
            return false;
    } else {
        bytes = strcspn(host, ":");
    }
    if (bytes == 0 || bytes >= sizeof name)
        return false;
    memcpy(name, host, bytes);
    name[bytes] = '\0';
    return is_address(name, &local) || strcasecmp(name, "localhost") == 0 ||
           (machine != NULL && machine[0] != '\0' && strcasecmp(name, machine) == 0);
}

/* ---- with what ---- */

static enum err_code check_token_file(int fd, const char *path, struct err *err)
{
    struct stat there;
    if (fstat(fd, &there) != 0 || !S_ISREG(there.st_mode))
        return err_set(err, E_USAGE, "--listen-token %.200s is no regular file", PRINTABLE(path));
    if ((there.st_mode & 077) != 0)
        return err_set(err, E_USAGE,
                       "--listen-token %.200s: others can read it, or write it; chmod 600 makes it "
                       "its owner's alone",
                       PRINTABLE(path));
    if (there.st_uid != geteuid())
        return err_set(err, E_USAGE, "--listen-token %.200s belongs to another user",
                       PRINTABLE(path));
    return OK;
}

enum err_code http_token_read(char token[HTTP_TOKEN_MOST_BYTES + 1], const char *path,
                              struct err *err)
{
    char text[HTTP_TOKEN_MOST_BYTES + 2];
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_set_errno(err, E_USAGE, errno, "--listen-token: cannot read %.200s",
                             PRINTABLE(path));
    if (check_token_file(fd, path, err) != OK) {
        close(fd);
        return err->code;
    }
    const ssize_t got = read(fd, text, sizeof text);
    close(fd);
    size_t bytes = got > 0 ? (size_t)got : 0;
    while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == '\r'))
        bytes--;
    bool good = bytes >= HTTP_TOKEN_LEAST_BYTES && bytes <= HTTP_TOKEN_MOST_BYTES;
    for (size_t i = 0; i < bytes && good; i++)
        good = isalnum((unsigned char)text[i]) != 0 || strchr("-._~+/=", text[i]) != NULL;
    if (good) {
        memcpy(token, text, bytes);
        token[bytes] = '\0';
    }
    explicit_bzero(text, sizeof text);
    return good ? OK
                : err_set(err, E_USAGE,
                          "--listen-token %.200s: it has to hold one line of %u to %u letters, "
                          "digits and "
                          "-._~+/=, as `openssl rand -hex 32` makes one",
                          PRINTABLE(path), HTTP_TOKEN_LEAST_BYTES, HTTP_TOKEN_MOST_BYTES);
}

bool http_token_equal(const char *token, const char *given, size_t given_bytes)
{
    const size_t bytes = strlen(token);
    unsigned differs = bytes != given_bytes;
    for (size_t i = 0; i < given_bytes; i++)
        differs |= (unsigned char)given[i] ^ (unsigned char)token[bytes > 0 ? i % bytes : 0];
    return differs == 0;
}

bool http_cookie_find(const char **value, size_t *value_bytes, const char *header, const char *name)
{
    const size_t name_bytes = strlen(name);
    for (const char *at = header; at != NULL && *at != '\0';) {
        at += strspn(at, " ;\t");
        const size_t bytes = strcspn(at, ";");
        if (bytes > name_bytes && strncmp(at, name, name_bytes) == 0 && at[name_bytes] == '=') {
            *value = at + name_bytes + 1;
            *value_bytes = bytes - name_bytes - 1;
            return true;
        }
        at += bytes;
    }
    return false;
}
