#include "common/server_probe.h"

#include <string.h>

#define KEY "volley:probe"

size_t probe_words(const char *words[PROBE_WORDS_MAX], enum server_probe probe)
{
    words[0] = probe == PROBE_TYPE   ? "TYPE"
               : probe == PROBE_GET  ? "GET"
               : probe == PROBE_ECHO ? "ECHO"
                                     : "PING";
    words[1] = KEY;
    switch (probe) {
    case PROBE_TYPE:
    case PROBE_GET:
    case PROBE_ECHO:
        return 2;
    case PROBE_PING:
    case PROBE_ANY:
        return 1;
    case PROBE_NONE:
        break;
    }
    return 0;
}

enum server_probe_answer probe_judge(const char *text)
{
    /* Beginnings, each up to the end of a word. */
    static const struct {
        const char *words;
        enum server_probe_answer answer;
    } known[] = {
        {"NOPERM", PROBE_ANSWERED},
        {"MOVED", PROBE_ANSWERED},
        {"ASK", PROBE_ANSWERED},
        {"TRYAGAIN", PROBE_ANSWERED},
        {"CLUSTERDOWN", PROBE_ANSWERED},
        {"WRONGTYPE", PROBE_ANSWERED},
        {"LOADING", PROBE_NOT_YET},
        {"NOAUTH", PROBE_BARRED},
        {"DENIED", PROBE_BARRED},
        {"MASTERDOWN", PROBE_BARRED},
        {"ERR max number of clients", PROBE_BARRED},
        {"ERR unknown command", PROBE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t bytes = strlen(known[i].words);
        if (strncmp(text, known[i].words, bytes) == 0 && strchr(" ,:", text[bytes]) != NULL)
            return known[i].answer;
    }
    return PROBE_REFUSED;
}
