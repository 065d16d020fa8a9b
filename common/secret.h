/* Passwords in memory and in other people's words. Pure; callable from any process. */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Overwrites a text, which may be NULL, in a way that no compiler leaves out; its length stays. */
void secret_wipe(char *text);

/* Makes a server's error reply to a command that carried the password fit to be shown: servers that do
 * not know the command repeat its arguments, and older ones name the password in a sentence. What
 * repeats it is cut off. Works in place; text is terminated. password NULL: nothing to hide. */
void secret_mask_reply(char *text, const char *password);

#endif
