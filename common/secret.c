#include "common/secret.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

/* Memory -------------------------------------------------------------------------------------- */

/* In front of what a caller gets. */
struct secret_head {
    _Alignas(16) size_t mapped_bytes;
};

void *secret_alloc(size_t byte_count)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (sizeof(struct secret_head) + byte_count + page_bytes - 1) / page_bytes;
    size_t mapped_bytes = pages * page_bytes;
    struct secret_head *head =
        mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (head == MAP_FAILED)
        return NULL;
    (void)madvise(head, mapped_bytes, MADV_DONTDUMP); /* a kernel without it makes larger dumps */
    head->mapped_bytes = mapped_bytes;
    return head + 1;
}

char *secret_copy(const char *text)
{
    const size_t byte_count = strlen(text) + 1;
    char *copy = secret_alloc(byte_count);
    if (copy != NULL)
        memcpy(copy, text, byte_count);
    return copy;
}

void secret_free(void *memory)
{
    if (memory == NULL)
        return;
    struct secret_head *head = (struct secret_head *)memory - 1;
    size_t mapped_bytes = head->mapped_bytes;
    explicit_bzero(head, mapped_bytes);
    (void)munmap(head, mapped_bytes);
}

void secret_forbid_dumps(void)
{
    (void)prctl(PR_SET_DUMPABLE,
                0); /* RLIMIT_CORE would not bind a program that dumps are piped to */
}

void secret_wipe(char *text)
{
    if (text == NULL)
        return;
    for (volatile char *at = text; *at != '\0'; at++)
        *at = '*';
}

bool secret_random(char text[SECRET_RANDOM_BYTES])
{
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    snprintf(text, SECRET_RANDOM_BYTES, "%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
    return true;
}

/* Words --------------------------------------------------------------------------------------- */

#define TELLING_BYTES 8u /* a part of a password that is as long is no accident           */
#define CUT_BYTES 4u     /* nor is its beginning, where the text ends                     */
#define SHOWN_BYTES 4096u
#define STARS 3u

static size_t common_bytes(const char *a, const char *b)
{
    size_t bytes = 0;
    while (a[bytes] != '\0' && tolower((unsigned char)a[bytes]) == tolower((unsigned char)b[bytes]))
        bytes++;
    return bytes;
}

static bool is_word(const char *text, const char *at, size_t bytes)
{
    return (at == text || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[bytes]);
}

/* How many bytes from here on tell something of the password. */
static size_t telling_bytes(const char *text, const char *at, const char *password,
                            size_t password_bytes)
{
    size_t least = password_bytes < TELLING_BYTES ? password_bytes : TELLING_BYTES;
    size_t most = common_bytes(at, password);
    bool cut = most >= CUT_BYTES && at[most] == '\0';
    for (size_t i = 1; i + least <= password_bytes; i++) {
        size_t bytes = common_bytes(at, password + i);
        most = bytes > most ? bytes : most;
    }
    if (most < least && !cut)
        return 0;
    return least == TELLING_BYTES || is_word(text, at, most) ? most : 0;
}

bool secret_mask(char *text, const char *password)
{
    const size_t password_bytes = password == NULL ? 0 : strlen(password);
    bool found = false;
    for (char *at = text; password_bytes > 0 && *at != '\0'; at++) {
        size_t bytes = telling_bytes(text, at, password, password_bytes);
        if (bytes == 0)
            continue;
        size_t stars = bytes < STARS ? bytes : STARS;
        memset(at, '*', stars);
        memmove(at + stars, at + bytes, strlen(at + bytes) + 1);
        at += stars - 1;
        found = true;
    }
    return found;
}

void secret_mask_reply(char *text, const char *password)
{
    if (password == NULL || password[0] == '\0')
        return;
    char *arguments = strcasestr(text, ", with args");
    if (arguments != NULL)
        *arguments = '\0';
    if (strnlen(text, SHOWN_BYTES) == SHOWN_BYTES)
        text[SHOWN_BYTES] = '\0';
    (void)secret_mask(text, password);
}
