#include "tests/support/check/screen_reader.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include "common/printable.h"
#include "tests/support/check/support.h"

#define WAIT_MS 30000
#define PARAMETERS_MAX 16

/* ---- what is written, as a terminal reads it ---- */

static void scroll(struct screen_reader *reader, unsigned from, int by)
{
    const size_t line_bytes = sizeof reader->cells[0];
    for (; by > 0; by--) {
        memmove(reader->cells[from], reader->cells[from + 1], (reader->bottom - from) * line_bytes);
        for (unsigned i = 0; i < reader->columns; i++)
            reader->cells[reader->bottom][i] = ' ';
    }
    for (; by < 0; by++) {
        memmove(reader->cells[from + 1], reader->cells[from], (reader->bottom - from) * line_bytes);
        for (unsigned i = 0; i < reader->columns; i++)
            reader->cells[from][i] = ' ';
    }
}

static void next_line(struct screen_reader *reader)
{
    if (reader->line == reader->bottom)
        scroll(reader, reader->top, 1);
    else if (reader->line + 1 < reader->lines)
        reader->line++;
}

static void put(struct screen_reader *reader, uint32_t character)
{
    const int width = wcwidth((wchar_t)character);
    if (width <= 0)
        return;
    if (reader->wraps || reader->column + (unsigned)width > reader->columns) {
        reader->column = 0;
        next_line(reader);
    }
    reader->cells[reader->line][reader->column] = character;
    for (int i = 1; i < width; i++)
        reader->cells[reader->line][reader->column + (unsigned)i] = 0;
    reader->newest = character;
    reader->column += (unsigned)width;
    reader->wraps = reader->column >= reader->columns;
    if (reader->wraps)
        reader->column = reader->columns - 1;
}

static void move_to(struct screen_reader *reader, int line, int column)
{
    const int last_line = (int)reader->lines - 1, last_column = (int)reader->columns - 1;
    reader->line = (unsigned)(line < 0 ? 0 : line > last_line ? last_line : line);
    reader->column = (unsigned)(column < 0 ? 0 : column > last_column ? last_column : column);
    reader->wraps = false;
}

static void erase(struct screen_reader *reader, unsigned line, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to && i < reader->columns; i++)
        reader->cells[line][i] = ' ';
}

static void erase_lines(struct screen_reader *reader, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        erase(reader, i, 0, reader->columns);
}

static void erase_display(struct screen_reader *reader, int which)
{
    if (which == 0)
        erase(reader, reader->line, reader->column, reader->columns);
    if (which == 1)
        erase(reader, reader->line, 0, reader->column + 1);
    erase_lines(reader, which == 0 ? reader->line + 1 : 0,
                which == 1 ? reader->line : reader->lines);
}

static void shift(struct screen_reader *reader, int by)
{
    uint32_t *cells = reader->cells[reader->line];
    const unsigned count = (unsigned)abs(by);
    const unsigned room = reader->columns - reader->column;
    const unsigned moved = count < room ? room - count : 0;
    uint32_t *at = cells + reader->column;
    if (by > 0)
        memmove(at + count, at, moved * sizeof *cells);
    else
        memmove(at, at + count, moved * sizeof *cells);
    const unsigned blank = by > 0 ? reader->column : reader->column + moved;
    erase(reader, reader->line, blank, blank + (room - moved));
}

/* Sequences that begin with ESC [; numbers: -1 where none was given. False: it is another one. */
static bool obey_move(struct screen_reader *reader, char final, const int *numbers)
{
    const int first = numbers[0] > 0 ? numbers[0] : 1;
    const int line = (int)reader->line, column = (int)reader->column;
    switch (final) {
    case 'H':
    case 'f':
        move_to(reader, first - 1, numbers[1] > 0 ? numbers[1] - 1 : 0);
        return true;
    case 'A':
        move_to(reader, line - first, column);
        return true;
    case 'B':
        move_to(reader, line + first, column);
        return true;
    case 'C':
        move_to(reader, line, column + first);
        return true;
    case 'D':
        move_to(reader, line, column - first);
        return true;
    case 'd':
        move_to(reader, first - 1, column);
        return true;
    case 'G':
        move_to(reader, line, first - 1);
        return true;
    default:
        return false;
    }
}

static bool obey_lines(struct screen_reader *reader, char final, const int *numbers)
{
    const int first = numbers[0] > 0 ? numbers[0] : 1;
    switch (final) {
    case 'L':
        scroll(reader, reader->line, -first);
        return true;
    case 'M':
        scroll(reader, reader->line, first);
        return true;
    case 'S':
        scroll(reader, reader->top, first);
        return true;
    case 'T':
        scroll(reader, reader->top, -first);
        return true;
    case 'r':
        reader->top = (unsigned)first - 1;
        reader->bottom = numbers[1] > 0 ? (unsigned)numbers[1] - 1 : reader->lines - 1;
        move_to(reader, 0, 0);
        return true;
    default:
        return false;
    }
}

static bool obey_edit(struct screen_reader *reader, char final, const int *numbers)
{
    const int first = numbers[0] > 0 ? numbers[0] : 1;
    switch (final) {
    case 'J':
        erase_display(reader, numbers[0] < 0 ? 0 : numbers[0]);
        return true;
    case 'K':
        erase(reader, reader->line, numbers[0] > 0 ? 0 : reader->column,
              numbers[0] == 1 ? reader->column + 1 : reader->columns);
        return true;
    case 'X':
        erase(reader, reader->line, reader->column, reader->column + (unsigned)first);
        return true;
    case 'P':
        shift(reader, -first);
        return true;
    case '@':
        shift(reader, first);
        return true;
    case 'b':
        for (int i = 0; i < first; i++)
            put(reader, reader->newest);
        return true;
    default:
        return strchr("mhlt", final) != NULL; /* styles and modes */
    }
}

static void obey(struct screen_reader *reader, char final, const int *numbers)
{
    if (!obey_move(reader, final, numbers) && !obey_lines(reader, final, numbers) &&
        !obey_edit(reader, final, numbers))
        ck_abort_msg("a sequence that ends with '%c', which the reader does not know", final);
}

static bool is_final(unsigned char byte)
{
    return byte >= 0x40 && byte <= 0x7e;
}

/* Of a sequence that begins with ESC. Returns its bytes; 0: it is not whole. */
static size_t take_sequence(struct screen_reader *reader, const unsigned char *bytes, size_t count)
{
    int numbers[PARAMETERS_MAX] = {-1, -1};
    size_t at = 2, which = 0;
    if (count < 2 || (strchr("()*+", bytes[1]) != NULL && count < 3))
        return 0;
    if (strchr("()*+", bytes[1]) != NULL)
        return 3;
    if (bytes[1] == 'M' && reader->line == reader->top)
        scroll(reader, reader->top, -1);
    else if (bytes[1] == 'M')
        move_to(reader, (int)reader->line - 1, (int)reader->column);
    if (bytes[1] == '7') {
        reader->saved_line = reader->line;
        reader->saved_column = reader->column;
    }
    if (bytes[1] == '8')
        move_to(reader, (int)reader->saved_line, (int)reader->saved_column);
    if (bytes[1] != '[')
        return 2;
    for (; at < count && !is_final(bytes[at]); at++) {
        if (bytes[at] == ';' && which + 1 < PARAMETERS_MAX)
            numbers[++which] = -1;
        else if (bytes[at] >= '0' && bytes[at] <= '9')
            numbers[which] = (numbers[which] > 0 ? numbers[which] : 0) * 10 + (bytes[at] - '0');
    }
    if (at == count)
        return 0;
    if (memcmp(bytes, "\033[?1l", at + 1 < 5 ? at + 1 : 5) == 0 && at + 1 == 5)
        screen_reader_text(reader->left_text, reader);
    obey(reader, (char)bytes[at], numbers);
    return at + 1;
}

/* Returns the bytes that were understood; 0: more are needed. */
static size_t take(struct screen_reader *reader, const unsigned char *bytes, size_t count)
{
    const unsigned char byte = bytes[0];
    const size_t needed = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    if (byte == '\033')
        return take_sequence(reader, bytes, count);
    if (byte == '\r')
        move_to(reader, (int)reader->line, 0);
    else if (byte == '\n')
        next_line(reader);
    else if (byte == '\b')
        move_to(reader, (int)reader->line, (int)reader->column - 1);
    else if (byte == '\t')
        move_to(reader, (int)reader->line, (int)(reader->column / 8 + 1) * 8);
    if (byte < ' ')
        return 1;
    if (count < needed)
        return 0;
    char text[5] = "";
    wchar_t character = L'?';
    memcpy(text, bytes, needed);
    if (mbtowc(&character, text, needed) < 1)
        ck_abort_msg("bytes that are no UTF-8 on the terminal: %02x %02x", bytes[0], bytes[1]);
    put(reader, (uint32_t)character);
    return needed;
}

static void feed(struct screen_reader *reader, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_lt(reader->pending_bytes, sizeof reader->pending - 1);
        reader->pending[reader->pending_bytes++] = (unsigned char)bytes[i];
        const bool left = reader->left_text[0] != '\0';
        if (take(reader, reader->pending, reader->pending_bytes) > 0)
            reader->pending_bytes = 0;
        if (!left && reader->left_text[0] != '\0')
            reader->left_at = reader->raw_bytes - count + i;
    }
}

/* ---- the program ---- */

static void begin(const struct screen_reader *reader, const struct screen_reader_options *options)
{
    setsid();
    if (ioctl(reader->terminal, TIOCSCTTY, 0) != 0)
        _exit(126);
    for (int fd = 0; fd <= 2; fd++)
        (void)dup2(reader->terminal, fd);
    support_close_all_but(-1);
    unsetenv("LINES");
    unsetenv("COLUMNS");
    unsetenv("NO_COLOR");
    setenv("TERM", "vt100", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    for (const char *const *each = options->environment; each != NULL && *each != NULL; each++) {
        char name[256];
        const char *value = strchr(*each, '=');
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*each, "="), *each);
        if (value != NULL)
            setenv(name, value + 1, 1);
        else
            unsetenv(name);
    }
    if (options->directory != NULL && chdir(options->directory) != 0)
        _exit(126);
    execvp(options->argv[0], (char *const *)(uintptr_t)options->argv);
    _exit(127);
}

static int raise_fd(int fd)
{
    const int high = fcntl(fd, F_DUPFD_CLOEXEC, 20);
    ck_assert_int_ge(high, 0);
    close(fd);
    return high;
}

void screen_reader_start(struct screen_reader *reader, const struct screen_reader_options *options)
{
    memset(reader, 0, sizeof *reader);
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8")); /* of wcwidth() and mbtowc() */
    reader->master = raise_fd(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ck_assert_int_eq(grantpt(reader->master), 0);
    ck_assert_int_eq(unlockpt(reader->master), 0);
    reader->terminal = raise_fd(open(ptsname(reader->master), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ck_assert_int_eq(tcgetattr(reader->terminal, &reader->before), 0);
    reader->lines = options->lines > 0 ? options->lines : 24;
    reader->columns = options->columns > 0 ? options->columns : 80;
    screen_reader_resize(reader, reader->lines, reader->columns);
    erase_lines(reader, 0, reader->lines);
    reader->pid = support_fork();
    if (reader->pid == 0)
        begin(reader, options);
}

void screen_reader_resize(struct screen_reader *reader, unsigned lines, unsigned columns)
{
    const struct winsize size = {.ws_row = (unsigned short)lines,
                                 .ws_col = (unsigned short)columns};
    ck_assert_uint_le(lines, SCREEN_READER_LINES);
    ck_assert_uint_le(columns, SCREEN_READER_COLUMNS);
    for (unsigned line = 0; line < SCREEN_READER_LINES; line++)
        for (unsigned column = 0; column < SCREEN_READER_COLUMNS; column++)
            if (line >= reader->lines || column >= reader->columns)
                reader->cells[line][column] = ' ';
    reader->lines = lines;
    reader->columns = columns;
    reader->top = 0;
    reader->bottom = lines - 1;
    move_to(reader, (int)reader->line, (int)reader->column);
    ck_assert_int_eq(ioctl(reader->master, TIOCSWINSZ, &size), 0);
}

void screen_reader_pump(struct screen_reader *reader, unsigned ms)
{
    char bytes[4096];
    struct pollfd master = {.fd = reader->master, .events = POLLIN};
    if (poll(&master, 1, (int)ms) != 1)
        return;
    const ssize_t count = read(reader->master, bytes, sizeof bytes);
    if (count <= 0)
        return;
    if (reader->raw_bytes + (size_t)count >= reader->raw_room) {
        reader->raw_room = (reader->raw_room + (size_t)count) * 2;
        reader->raw = realloc(reader->raw, reader->raw_room);
        ck_assert_ptr_nonnull(reader->raw);
    }
    memcpy(reader->raw + reader->raw_bytes, bytes, (size_t)count);
    reader->raw_bytes += (size_t)count;
    reader->raw[reader->raw_bytes] = '\0';
    feed(reader, bytes, (size_t)count);
}

char *screen_reader_text(char text[SCREEN_READER_TEXT_BYTES], const struct screen_reader *reader)
{
    size_t used = 0;
    for (unsigned line = 0; line < reader->lines; line++) {
        size_t end = used;
        for (unsigned column = 0; column < reader->columns; column++) {
            const uint32_t character = reader->cells[line][column];
            char bytes[8];
            const int count = character != 0 ? wctomb(bytes, (wchar_t)character) : 0;
            ck_assert_int_ge(count, 0);
            memcpy(text + used, bytes, (size_t)count);
            used += (size_t)count;
            if (character != ' ' && character != 0)
                end = used;
        }
        used = end;
        text[used++] = '\n';
    }
    text[used] = '\0';
    return text;
}

static bool has_ended(struct screen_reader *reader)
{
    if (reader->pid != 0 && support_reap(reader->pid, 0, &reader->wait_status))
        reader->pid = 0;
    return reader->pid == 0;
}

static void wait_for(struct screen_reader *reader, const char *wanted, bool raw)
{
    static char text[SCREEN_READER_TEXT_BYTES];
    const uint64_t end_ms = support_now_ms() + WAIT_MS;
    for (bool ended = false;; ended = has_ended(reader)) {
        screen_reader_pump(reader, ended ? 0 : 20);
        const char *where = raw ? reader->raw : screen_reader_text(text, reader);
        if (where != NULL && strstr(where, wanted) != NULL)
            return;
        if (ended || support_now_ms() > end_ms)
            ck_abort_msg("\"%s\" never was to be seen%s; this is:\n%s", wanted,
                         ended ? " and the program has ended" : "",
                         screen_reader_text(text, reader));
    }
}

void screen_reader_wait(struct screen_reader *reader, const char *text)
{
    wait_for(reader, text, false);
}

void screen_reader_wait_raw(struct screen_reader *reader, const char *text)
{
    wait_for(reader, text, true);
}

void screen_reader_type(const struct screen_reader *reader, const char *keys)
{
    ck_assert_int_eq(write(reader->master, keys, strlen(keys)), (ssize_t)strlen(keys));
}

void screen_reader_expect_settings(const struct screen_reader *reader)
{
    struct termios after;
    ck_assert_int_eq(tcgetattr(reader->terminal, &after), 0);
    ck_assert_uint_eq(after.c_iflag, reader->before.c_iflag);
    ck_assert_uint_eq(after.c_oflag, reader->before.c_oflag);
    ck_assert_uint_eq(after.c_cflag, reader->before.c_cflag);
    ck_assert_uint_eq(after.c_lflag, reader->before.c_lflag);
    ck_assert_mem_eq(after.c_cc, reader->before.c_cc, sizeof after.c_cc);
}

void screen_reader_end(struct screen_reader *reader)
{
    const uint64_t end_ms = support_now_ms() + WAIT_MS;
    while (!has_ended(reader)) {
        screen_reader_pump(reader, 20);
        ck_assert_msg(support_now_ms() < end_ms, "the program does not end");
    }
    size_t before;
    do { /* what it has written last */
        before = reader->raw_bytes;
        screen_reader_pump(reader, 0);
    } while (reader->raw_bytes > before);
    screen_reader_expect_settings(reader);
}

void screen_reader_free(struct screen_reader *reader)
{
    if (reader->pid != 0)
        support_kill(reader->pid);
    close(reader->master);
    close(reader->terminal);
    free(reader->raw);
    reader->raw = NULL;
}
