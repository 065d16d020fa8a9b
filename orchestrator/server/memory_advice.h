/* What could be done about a server's memory: a table of rules, each of which looks at the account, or at what grows,
 * and says what it has seen. Pure. */
#ifndef ORCHESTRATOR_SERVER_MEMORY_ADVICE_H
#define ORCHESTRATOR_SERVER_MEMORY_ADVICE_H

#include <stddef.h>

#include "orchestrator/server/memory_growth.h"

#define MEMORY_EVIDENCE_BYTES 200u
#define MEMORY_ADVICE_MOST 24u

struct memory_advice {
    const char *name;       /* of the rule: "fragmentation" */
    const char *suggestion; /* a sentence */
    char evidence[MEMORY_EVIDENCE_BYTES];
};

/* Returns how many there are, in the order of the table. growths: NULL, nobody has looked for them. */
size_t memory_advice_find(struct memory_advice advice[MEMORY_ADVICE_MOST],
                          const struct memory_account *account,
                          const struct memory_growths *growths);

/* "1.5 MB", "-64 KB", "unknown". Returns text. */
#define MEMORY_SIZE_BYTES 32u
char *memory_size_format(char text[MEMORY_SIZE_BYTES], double bytes);
#define MEMORY_SIZE(bytes) memory_size_format((char[MEMORY_SIZE_BYTES]){0}, bytes)

#endif
