#include "common/secret.h"

#include <string.h>

/* A server may cut the password, so its beginning is looked for. */
#define TELLING_BYTES 6u

void secret_wipe(char *text)
{
    if (text == NULL)
        return;
    for (volatile char *at = text; *at != '\0'; at++)
        *at = '*';
}

void secret_mask_reply(char *text, const char *password)
{
    char beginning[TELLING_BYTES + 1] = "";
    if (password == NULL || password[0] == '\0')
        return;
    char *arguments = strcasestr(text, ", with args");
    if (arguments != NULL)
        *arguments = '\0';
    strncat(beginning, password, TELLING_BYTES);
    if (strstr(text, beginning) != NULL)
        text[strcspn(text, " ")] = '\0';
    if (strstr(text, beginning) != NULL)
        text[0] = '\0';
}
