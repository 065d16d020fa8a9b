/* A program on a terminal of its own, as under a terminal emulator: what it writes is read like a VT100 or an xterm, so that a
 * test sees what a person would see, types keys, and compares the settings of the line. Dies with the test. */
#ifndef TESTS_SUPPORT_CHECK_SCREEN_READER_H
#define TESTS_SUPPORT_CHECK_SCREEN_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#define SCREEN_READER_LINES 80u
#define SCREEN_READER_COLUMNS 250u
#define SCREEN_READER_TEXT_BYTES (SCREEN_READER_LINES * (SCREEN_READER_COLUMNS * 4 + 1) + 1)

struct screen_reader {
    int master, terminal; /* both of its ends: the program's own is open to the end of the test */
    pid_t pid;            /* 0: it has ended */
    int wait_status;
    struct termios before; /* of the line, before the program began */

    /* what is to be seen */
    unsigned lines, columns, line, column;
    uint32_t cells[SCREEN_READER_LINES]
                  [SCREEN_READER_COLUMNS]; /* 0: the second half of a wide one */
    unsigned top, bottom;                  /* what scrolls */
    bool wraps;                            /* the next character begins a line */

    char *raw; /* all that was written so far, terminated */
    size_t raw_bytes, raw_room;
    size_t left_at; /* in raw: where the program gave the keypad back; 0: it has not */
    char left_text[SCREEN_READER_TEXT_BYTES]; /* what was to be seen then */

    /* private */
    unsigned char pending[64]; /* of a sequence that is not whole */
    size_t pending_bytes;
    unsigned saved_line, saved_column;
    uint32_t newest;
};

struct screen_reader_options {
    const char *const *argv;        /* [0] is the program; NULL behind the last */
    const char *const *environment; /* "NAME=value" on top of the test's own, or "NAME": none */
    unsigned lines, columns;        /* 0: 24 and 80 */
    const char *directory;
};

void screen_reader_start(struct screen_reader *reader, const struct screen_reader_options *options);
/* Takes what has been written, waiting for it so long at most. */
void screen_reader_pump(struct screen_reader *reader, unsigned ms);
/* Waits until text is to be seen on one line; fails the test when the program ends first, or time is up. */
void screen_reader_wait(struct screen_reader *reader, const char *text);
/* The same of what was written, on a screen or not. */
void screen_reader_wait_raw(struct screen_reader *reader, const char *text);
void screen_reader_type(const struct screen_reader *reader, const char *keys);
void screen_reader_resize(struct screen_reader *reader, unsigned lines, unsigned columns);
/* All lines, without the blanks at their ends. */
char *screen_reader_text(char text[SCREEN_READER_TEXT_BYTES], const struct screen_reader *reader);
/* Waits for the end of the program, and fails the test unless the line's settings are those of before. */
void screen_reader_end(struct screen_reader *reader);
void screen_reader_expect_settings(const struct screen_reader *reader);
void screen_reader_free(struct screen_reader *reader);

#endif
