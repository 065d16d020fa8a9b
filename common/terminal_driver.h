/* What a screen needs of a terminal: cells, styles, keys, its size, and to be given back. The module of it is
 * orchestrator/modules/terminal, by ncursesw; what is drawn, and where, is decided in orchestrator/watch. One process, one
 * thread, one terminal. Lines and columns count from 0. */
#ifndef COMMON_TERMINAL_DRIVER_H
#define COMMON_TERMINAL_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TERMINAL_DRIVER_ABI 1u
#define TERMINAL_DRIVER_SYMBOL "volley_terminal_driver"
#define TERMINAL_PROBLEM_BYTES 200u

/* The colours of series are those of every other picture; without colour they are plain. */
enum terminal_style {
    TERMINAL_PLAIN,
    TERMINAL_TITLE, /* reversed */
    TERMINAL_STRONG,
    TERMINAL_FAINT,
    TERMINAL_RATE,    /* green     */
    TERMINAL_P50,     /* blue      */
    TERMINAL_P99,     /* vermilion */
    TERMINAL_MAX,     /* purple    */
    TERMINAL_WARNING, /* yellow    */
    TERMINAL_STYLES
};

/* A key: a Unicode character, or one of these. */
enum terminal_key {
    TERMINAL_KEY_NONE = 0x110000, /* nothing was typed */
    TERMINAL_KEY_ENTER,
    TERMINAL_KEY_BACKSPACE,
    TERMINAL_KEY_ESCAPE,
    TERMINAL_KEY_TAB,
    TERMINAL_KEY_OTHER /* one that has no character */
};

struct terminal_setup {
    int input_fd, output_fd; /* of a terminal; the caller's, and open until close */
    bool colour;             /* may be used */
};

struct terminal_state {
    bool unicode;    /* it shows UTF-8; else put gets ASCII */
    char leave[128]; /* what brings the terminal back: for whoever has to do that without close */
    uint32_t leave_bytes; /* no more than that is written by close, beside attributes of the line */
};

struct terminal_driver {
    uint32_t abi;
    /* Whether a terminal of this type can be used; nothing is written. */
    bool (*check)(int output_fd, char problem[TERMINAL_PROBLEM_BYTES]);
    /* *terminal is close's. False: problem says why, and nothing has changed. */
    bool (*open)(void **terminal, const struct terminal_setup *setup, struct terminal_state *state,
                 char problem[TERMINAL_PROBLEM_BYTES]);
    void (*close)(void *terminal);
    /* The terminal was somebody else's meanwhile: takes it again, and shows everything anew. */
    void (*resume)(void *terminal);
    /* As it is now. When it has changed, everything is shown anew. */
    void (*size)(void *terminal, unsigned *lines, unsigned *columns);
    /* Empties all cells; put fills some, show brings what has changed to the terminal. */
    void (*clear)(void *terminal);
    void (*put)(void *terminal, unsigned line, unsigned column, const char *text,
                enum terminal_style style);
    /* cursor_line, cursor_column: where it is shown; beyond the size: nowhere. */
    void (*show)(void *terminal, unsigned cursor_line, unsigned cursor_column);
    uint32_t (*key)(void *terminal); /* never waits */
};

#endif
