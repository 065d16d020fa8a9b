/* Passwords in memory and in other people's words. Callable from any process. */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* ---- memory ---- */

/* Zeroed memory on pages of its own, which no core dump holds, not those of workers forked later either.
 * NULL: out of memory. secret_free wipes it; NULL does nothing. */
void *secret_alloc(size_t byte_count);
/* A copy of a text in such memory. */
char *secret_copy(const char *text);
void secret_free(void *memory);

/* From now on this process, and those that it forks, leave no core dump: where a library holds a secret, in
 * memory of its own. */
void secret_forbid_dumps(void);

/* Overwrites a text, which may be NULL, in a way that no compiler leaves out; its length stays. */
void secret_wipe(char *text);

#define SECRET_RANDOM_BYTES 33u /* with the terminating NUL */

/* A password that nobody can guess: 128 random bits, in hexadecimal. False: the system gives none. */
bool secret_random(char text[SECRET_RANDOM_BYTES]);

/* ---- words ---- */

/* Takes the password out of a text, in place: wherever it stands, in any case of its letters, and any part
 * of it of eight bytes or more becomes "***"; so do its first bytes, four or more, at the end of the text,
 * where it may be cut. One of less than eight bytes stands in other words by accident, and masking those
 * would tell it: it is looked for as a word of its own. True: something was taken out. password NULL: nothing to hide. */
bool secret_mask(char *text, const char *password);

/* Makes a server's error reply fit to be shown: servers that do not know a command repeat its arguments,
 * which are cut off, and so is what is too long for any message; the password is masked. Works in place;
 * text is terminated. password NULL: nothing to hide. */
void secret_mask_reply(char *text, const char *password);

#endif
