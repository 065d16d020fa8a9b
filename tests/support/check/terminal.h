/* A terminal of so many columns, and what is written to it. */
#ifndef TESTS_SUPPORT_TERMINAL_H
#define TESTS_SUPPORT_TERMINAL_H

#include <stdio.h>

/* The terminal of a pseudo terminal, and its other end in *master; both are the caller's to close. */
FILE *test_terminal_open(int *master, unsigned short columns);

#endif
