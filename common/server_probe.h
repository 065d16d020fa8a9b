/* The question that shows that a server serves: a TCP connect succeeds against one that is stopped,
 * full or still loading, too. PING is asked where it is known; what stands in front of a server may
 * refuse it, or close on it, and then another question is found out once and asked by all. Pure. */
#ifndef COMMON_SERVER_PROBE_H
#define COMMON_SERVER_PROBE_H

#include <stddef.h>

/* In the order in which they are tried. GET stands before ECHO: a server that loads its data, or wants
 * a password, answers ECHO all the same. */
enum server_probe {
    PROBE_TYPE = -1, /* where who counts PINGs is to see those of the load alone */
    PROBE_PING,
    PROBE_GET, /* of a key that nobody has */
    PROBE_ECHO,
    PROBE_ANY, /* PING, and whatever it is answered: every question was refused in words */
    PROBE_NONE /* nothing: it closes on every question, but has taken AUTH or SELECT     */
};
#define PROBE_QUESTIONS 3 /* the first ones */
#define PROBE_WORDS_MAX 2u

/* The words to send; 0 for PROBE_NONE. */
size_t probe_words(const char *words[PROBE_WORDS_MAX], enum server_probe probe);

enum server_probe_answer {
    PROBE_ANSWERED, /* an error too: that this user may not, that the key is elsewhere            */
    PROBE_NOT_YET,  /* the data is being loaded                                                   */
    PROBE_BARRED,   /* nobody is served, or not without a password                                */
    PROBE_UNKNOWN,  /* the server does not know the question                                      */
    PROBE_REFUSED   /* in other words                                                             */
};
/* What an error reply to a probe means; text is terminated. */
enum server_probe_answer probe_judge(const char *text);

#endif
