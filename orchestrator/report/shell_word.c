#include "orchestrator/report/shell_word.h"

#include <stdio.h>
#include <string.h>

#include "common/printable.h"

size_t shell_word(char *text, size_t text_bytes, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_@%+=:,./-";
    size_t used = 0;
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0')
        return (size_t)snprintf(text, text_bytes, "%s", word);
    for (const char *at = word; *at != '\0' && used < text_bytes; at++)
        used += (size_t)snprintf(text + used, text_bytes - used, *at == '\'' ? "%s'\\'%c" : "%s%c",
                                 at == word ? "'" : "", *at);
    if (used < text_bytes)
        used +=
            (size_t)snprintf(text + used, text_bytes - used, "%s", word[0] == '\0' ? "''" : "'");
    return used;
}

bool shell_word_take(char **out, const char **at)
{
    char quote = '\0';
    for (; **at != '\0' && (quote != '\0' || strchr(" \t", **at) == NULL); ++*at) {
        char c = **at;
        if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == quote) {
            quote = '\0';
        } else if (c == '\\' && quote != '\'' &&
                   (quote == '\0' || (*at)[1] == '"' || (*at)[1] == '\\')) {
            if (*++*at == '\0')
                return false;
            *(*out)++ = **at;
        } else {
            *(*out)++ = c;
        }
    }
    *(*out)++ = '\0';
    return quote == '\0';
}

char *shell_line(char *text, size_t text_bytes, const char *command, int argc,
                 const char *const *argv)
{
    size_t used = (size_t)snprintf(text, text_bytes, "%s", command);
    for (int i = 1; i < argc && used + 1 < text_bytes; i++) {
        text[used++] = ' ';
        text[used] = '\0';
        used += shell_word(text + used, text_bytes - used, argv[i]);
    }
    return printable_line(text);
}
