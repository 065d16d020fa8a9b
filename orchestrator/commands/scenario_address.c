#include "orchestrator/commands/scenario_address.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/printable.h"
#include "orchestrator/report/shell_word.h"

struct words {
    char *text;
    size_t used;
};

static void add(struct words *words, const char *option, const char *value)
{
    const size_t room = SCENARIO_ADDRESS_BYTES - words->used;
    char word[SCENARIO_ADDRESS_BYTES] = "";
    const size_t word_bytes = value != NULL ? shell_word(word, sizeof word, value) : 0;
    if (words->used == SCENARIO_ADDRESS_BYTES)
        return;
    const size_t bytes = (size_t)snprintf(words->text + words->used, room, " %s%s%s", option,
                                          value != NULL ? " " : "", word);
    words->used += bytes;
    if (word_bytes < sizeof word && bytes < room)
        return;
    words->used = SCENARIO_ADDRESS_BYTES;
    snprintf(words->text + SCENARIO_ADDRESS_BYTES - sizeof "...", sizeof "...", "...");
}

static void add_text(struct words *words, const char *option, const char *value)
{
    if (value != NULL)
        add(words, option, value);
}

static void add_number(struct words *words, const char *option, uint64_t value)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRIu64, value);
    add(words, option, number);
}

/* Both programs call these alike. */
static void add_login_and_tls(struct words *words, const struct endpoint *endpoint)
{
    const struct tls_options *tls = &endpoint->tls;
    add_text(words, "--user", endpoint->user);
    if (tls->wanted)
        add(words, "--tls", NULL);
    add_text(words, "--cacert", tls->cacert);
    add_text(words, "--cacertdir", tls->cacertdir);
    add_text(words, "--cert", tls->cert);
    add_text(words, "--key", tls->key);
    add_text(words, "--sni", tls->sni);
    if (tls->insecure)
        add(words, "--insecure", NULL);
    add_text(words, "--tls-ciphers", tls->ciphers);
    add_text(words, "--tls-ciphersuites", tls->ciphersuites);
    printable_line(words->text);
}

static uint64_t port_of(const struct target_address *target)
{
    struct sockaddr_in six_or_four;
    memcpy(&six_or_four, &target->address, sizeof six_or_four); /* ports of both lie alike */
    return ntohs(six_or_four.sin_port);
}

void scenario_address_of_cli(char text[SCENARIO_ADDRESS_BYTES], const struct endpoint *endpoint,
                             const struct target_address *target)
{
    struct words words = {.text = text};
    text[0] = '\0';
    if (endpoint->socket_path != NULL) {
        add(&words, "-s", endpoint->socket_path);
    } else {
        add(&words, "-h", target->host);
        add_number(&words, "-p", port_of(target));
    }
    if (endpoint->cluster)
        add(&words, "-c", NULL);
    if (endpoint->database > 0)
        add_number(&words, "-n", endpoint->database);
    add_login_and_tls(&words, endpoint);
}

void scenario_address_of_volley(char text[SCENARIO_ADDRESS_BYTES], const struct endpoint *endpoint)
{
    struct words words = {.text = text};
    text[0] = '\0';
    if (endpoint->socket_path != NULL) {
        add(&words, "-s", endpoint->socket_path);
    } else if (endpoint->sentinels != NULL) {
        add(&words, "--sentinel", endpoint->sentinels);
        add_text(&words, "--master", endpoint->master_name);
    } else {
        add_text(&words, "-h", endpoint->host);
        add_number(&words, "-p", endpoint->port);
    }
    if (endpoint->cluster)
        add(&words, "--cluster", NULL);
    if (endpoint->database > 0)
        add_number(&words, "--dbnum", endpoint->database);
    add_login_and_tls(&words, endpoint);
}
