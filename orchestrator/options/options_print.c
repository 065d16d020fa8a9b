/* The table for people: help, reference, man page, completion. */
#include <string.h>

#include "common/units.h"
#include "orchestrator/options/options.h"

#define HELP_COLUMN 30
#define HELP_WIDTH 96

#define SPELLING_BYTES 80

static bool is_offered(const struct option_row *row)
{
    bool hidden = row->spelled != NULL && row->spelled[0] == '\0';
    return row->kind != OPTION_NOT_YET && row->kind != OPTION_ELSEWHERE && !hidden;
}

/* Word `index` of a list with blanks between them, behind a prefix; NULL: there are no more. */
static const char *word_at(char text[SPELLING_BYTES], const char *prefix, const char *list,
                           size_t index)
{
    struct list_word word;
    for (size_t i = 0; list_next(&word, &list, ' '); i++)
        if (i == index) {
            snprintf(text, SPELLING_BYTES, "%s%.*s", prefix, (int)word.byte_count, word.text);
            return text;
        }
    return NULL;
}

/* Spelling `index` of a row, with its dashes: letters, the name, and nothing more. NULL behind the
 * last. */
static const char *spelling_at(char text[SPELLING_BYTES], const struct option_row *row,
                               size_t index)
{
    size_t letters = row->shorts != NULL ? strlen(row->shorts) : 0;
    if (row->spelled != NULL)
        return word_at(text, "", row->spelled, index);
    if (index > letters)
        return NULL;
    if (index == letters)
        return word_at(text, "--", row->name, 0);
    snprintf(text, SPELLING_BYTES, "-%c", row->shorts[index]);
    return text;
}

static bool begins_section(const struct option_table *table, size_t i)
{
    const struct option_row *row = &table->rows[i];
    for (size_t j = i; j-- > 0;)
        if (is_offered(&table->rows[j]))
            return strcmp(table->rows[j].section, row->section) != 0;
    return true;
}

/* Words from column `column` on; further lines begin at `indent`. Ends with the line. */
static void print_wrapped(FILE *out, const char *text, size_t column, size_t indent)
{
    bool first = true;
    while (*text != '\0') {
        text += strspn(text, " ");
        size_t word_bytes = strcspn(text, " ");
        if (word_bytes == 0)
            break;
        if (!first && column + 1 + word_bytes > HELP_WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", (int)word_bytes, text);
        column += word_bytes + (first ? 0 : 1);
        first = false;
        text += word_bytes;
    }
    fputc('\n', out);
}

/* "-H, -h, --host HOST" */
static size_t format_names(char *text, size_t text_bytes, const struct option_row *row)
{
    char spelling[SPELLING_BYTES];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; spelling_at(spelling, row, i) != NULL; i++)
        used +=
            (size_t)snprintf(text + used, text_bytes - used, "%s%s", i > 0 ? ", " : "", spelling);
    if (row->argument != NULL)
        used += (size_t)snprintf(text + used, text_bytes - used, " %s", row->argument);
    return used;
}

/* " (1 to 65,535; default 6379)", or nothing. */
static void format_limits(char *text, size_t text_bytes, const struct option_row *row)
{
    char range[100];
    options_format_range(range, sizeof range, row);
    const char *unset = row->unset;
    if (range[0] == '\0' && unset == NULL)
        snprintf(text, text_bytes, "%s", "");
    else
        snprintf(text, text_bytes, " (%s%s%s%s)", range,
                 range[0] != '\0' && unset != NULL ? "; " : "", unset != NULL ? "default " : "",
                 unset != NULL ? unset : "");
}

/* " Also --pass, --auth.", or nothing. */
static void format_aliases(char *text, size_t text_bytes, const struct option_row *row)
{
    char alias[SPELLING_BYTES];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; word_at(alias, "--", row->aliases, i) != NULL && used < text_bytes; i++)
        used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", i == 0 ? " Also " : ", ",
                                 alias);
    if (used > 0 && used < text_bytes)
        snprintf(text + used, text_bytes - used, ".");
}

/* What a config file needs to give it, or nothing. */
static const char *trust_note(const struct option_table *table, const struct option_row *row)
{
    return row->needs_trust && options_row(table, "trust-config") >= 0
               ? " In a config file with --trust-config only."
               : "";
}

static void format_description(char *text, size_t text_bytes, const struct option_table *table,
                               const struct option_row *row)
{
    char aliases[200], limits[200];
    format_aliases(aliases, sizeof aliases, row);
    format_limits(limits, sizeof limits, row);
    snprintf(text, text_bytes, "%s%s%s%s", row->help != NULL ? row->help : "",
             trust_note(table, row), aliases, limits);
}

static void print_refused(const struct option_table *table, FILE *out)
{
    char names[2048] = "Known, but not available yet:";
    size_t used = strlen(names);
    size_t begin = used;
    for (size_t i = 0; i < table->row_count && used < sizeof names; i++)
        if (table->rows[i].kind == OPTION_NOT_YET)
            used +=
                (size_t)snprintf(names + used, sizeof names - used, " --%s", table->rows[i].name);
    if (used > begin) {
        fputc('\n', out);
        print_wrapped(out, names, 0, 2);
    }
}

void options_print_help(const struct option_table *table, FILE *out)
{
    fprintf(out, "usage: %s\n\n", table->usage);
    print_wrapped(out, table->synopsis, 0, 0);
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (!is_offered(row))
            continue;
        if (begins_section(table, i))
            fprintf(out, "\n%s:\n", row->section);
        char names[120], description[1000];
        size_t column = 2 + format_names(names, sizeof names, row);
        format_description(description, sizeof description, table, row);
        fprintf(out, "  %s", names);
        if (column + 2 > HELP_COLUMN)
            fprintf(out, "\n%*s", HELP_COLUMN, "");
        else
            fprintf(out, "%*s", (int)(HELP_COLUMN - column), "");
        print_wrapped(out, description, HELP_COLUMN, HELP_COLUMN);
    }
    print_refused(table, out);
    if (table->epilogue != NULL) {
        fputc('\n', out);
        print_wrapped(out, table->epilogue, 0, 0);
    }
}

/* '|' would end a cell, '<' begin a tag, '_' and '*' emphasis. */
static void print_markdown_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("|<>*_[]\\`", *text) != NULL)
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void print_markdown_names(FILE *out, const struct option_row *row)
{
    char spelling[SPELLING_BYTES];
    for (size_t i = 0; spelling_at(spelling, row, i) != NULL; i++)
        fprintf(out, "%s%s", i > 0 ? "` `" : "`", spelling);
    fprintf(out, "%s%s`", row->argument != NULL ? " " : "",
            row->argument != NULL ? row->argument : "");
}

/* Known spellings that a row only refuses: those of later versions, then those of other tools. */
static void print_markdown_refused(const struct option_table *table, FILE *out)
{
    const char *separator = "\nRefused as \"not available yet\": ";
    for (size_t i = 0; i < table->row_count; i++) {
        if (table->rows[i].kind != OPTION_NOT_YET)
            continue;
        fprintf(out, "%s`--%s`", separator, table->rows[i].name);
        separator = ", ";
    }
    if (*separator == ',')
        fputs(".\n", out);
    separator = "\nRefused, naming what does it:\n\n";
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (row->kind != OPTION_ELSEWHERE)
            continue;
        fprintf(out, "%s- ", separator);
        for (const char *letter = row->shorts; letter != NULL && *letter != '\0'; letter++)
            fprintf(out, "`-%c` ", *letter);
        fprintf(out, "`--%s`: ", row->name);
        print_markdown_text(out, row->help);
        fputs(".\n", out);
        separator = "";
    }
}

void options_print_markdown(const struct option_table *table, FILE *out)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (!is_offered(row))
            continue;
        if (begins_section(table, i))
            fprintf(out,
                    "%s### %s\n\n| Option | Default | Allowed | Meaning |\n|---|---|---|---|\n",
                    i == 0 ? "" : "\n", row->section);
        char range[100], aliases[200];
        fputs("| ", out);
        print_markdown_names(out, row);
        fputs(" | ", out);
        if (row->unset != NULL)
            fprintf(out, "`%s`", row->unset);
        fprintf(out, " | %s | ", options_format_range(range, sizeof range, row));
        print_markdown_text(out, row->help);
        print_markdown_text(out, trust_note(table, row));
        format_aliases(aliases, sizeof aliases, row);
        print_markdown_text(out, aliases);
        fputs(" |\n", out);
    }
    print_markdown_refused(table, out);
}

/* A hyphen that may be typed is "\-"; a dot at the beginning of a line would be a request. */
static void print_man_text(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text != '\0'; text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

void options_print_man(const struct option_table *table, FILE *out)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (!is_offered(row))
            continue;
        if (begins_section(table, i))
            fprintf(out, ".SS %s\n", row->section);
        fputs(".TP\n", out);
        char spelling[SPELLING_BYTES];
        for (size_t k = 0; spelling_at(spelling, row, k) != NULL; k++) {
            fputs(k > 0 ? ", \\fB" : "\\fB", out);
            print_man_text(out, spelling);
            fputs("\\fR", out);
        }
        if (row->argument != NULL)
            fprintf(out, " \\fI%s\\fR", row->argument);
        fputc('\n', out);
        char description[1000];
        format_description(description, sizeof description, table, row);
        print_man_text(out, description);
        fputc('\n', out);
    }
}

/* The long spellings of a row, or all of them; those of an exact table are offered as they are. */
static void print_spellings(FILE *out, const struct option_row *row, const char *separator,
                            bool all)
{
    char spelling[SPELLING_BYTES];
    const char *between = "";
    size_t skipped = all || row->spelled != NULL || row->shorts == NULL ? 0 : strlen(row->shorts);
    for (size_t i = skipped; spelling_at(spelling, row, i) != NULL; i++, between = separator)
        fprintf(out, "%s%s", between, spelling);
    for (size_t i = 0; word_at(spelling, "--", row->aliases, i) != NULL; i++)
        fprintf(out, "%s%s", separator, spelling);
}

static bool takes_file(const struct option_row *row)
{
    return row->argument != NULL && (strncmp(row->argument, "FILE", strlen("FILE")) == 0 ||
                                     strcmp(row->argument, "PATH") == 0);
}

/* The patterns of one case branch: every spelling of the rows that `chosen` accepts. */
static bool print_patterns(FILE *out, const struct option_table *table,
                           bool (*chosen)(const struct option_row *))
{
    bool any = false;
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (!is_offered(row) || !chosen(row))
            continue;
        fputs(any ? "|" : "    ", out);
        any = true;
        print_spellings(out, row, "|", true);
    }
    if (any)
        fputs(")\n", out);
    return any;
}

static bool takes_directory(const struct option_row *row)
{
    return row->argument != NULL && strcmp(row->argument, "DIR") == 0;
}

static bool takes_other(const struct option_row *row)
{
    return row->argument != NULL && !takes_file(row) && !takes_directory(row) &&
           row->value_at == NULL && row->takes_next == NULL;
}

static void print_words(FILE *out, const char *(*at)(size_t index))
{
    const char *word;
    for (size_t i = 0; (word = at(i)) != NULL; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", word);
}

/* Behind a comma the next word of a list is completed. A value that may be left out is followed by another
 * option. */
static void print_value_branch(FILE *out, const struct option_row *row)
{
    fputs("    ", out);
    print_spellings(out, row, "|", true);
    fputs(")\n", out);
    if (row->takes_next != NULL)
        fputs("        if [[ $current != -* ]]; then\n", out);
    fputs("        local head=\"\"\n        [[ $current == *,* ]] && head=\"${current%,*},\"\n"
          "        mapfile -t COMPREPLY < <(compgen -P \"$head\" -W \"",
          out);
    print_words(out, row->value_at);
    fprintf(out, "\" -- \"${current##*,}\")\n        return%s ;;\n",
            row->takes_next != NULL ? "\n        fi" : "");
}

/* A path, and one of the words behind it, wherever options stand. */
static void print_word_branch(FILE *out, const struct option_table *table)
{
    fputs("    local given=0 i\n"
          "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
          "        [[ ${COMP_WORDS[i]} == -* ]] || given=$((given + 1))\n"
          "    done\n"
          "    if [[ $current != -* ]]; then\n"
          "        COMPREPLY=()\n"
          "        [[ $given == 0 ]] && mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
          "        [[ $given == 1 ]] && mapfile -t COMPREPLY < <(compgen -W \"",
          out);
    print_words(out, table->word_at);
    fputs("\" -- \"$current\")\n        return 0\n    fi\n", out);
}

void options_print_completion(const struct option_table *table, const char *command, FILE *out)
{
    fprintf(out, "_volley_%s()\n{\n", command);
    fputs(
        "    local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
        "    [[ $previous == = ]] && previous=\"${COMP_WORDS[COMP_CWORD-2]}\"\n"
        "    [[ $current == = ]] && current=\"\"\n"
        "    case \"$previous\" in\n",
        out);
    if (print_patterns(out, table, takes_file))
        fputs("        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n        return ;;\n",
              out);
    if (print_patterns(out, table, takes_directory))
        fputs("        mapfile -t COMPREPLY < <(compgen -d -- \"$current\")\n        return ;;\n",
              out);
    if (print_patterns(out, table, takes_other))
        fputs("        COMPREPLY=()\n        return ;;\n", out);
    for (size_t i = 0; i < table->row_count; i++)
        if (is_offered(&table->rows[i]) && table->rows[i].value_at != NULL)
            print_value_branch(out, &table->rows[i]);
    fputs("    esac\n", out);
    if (table->word_at != NULL)
        print_word_branch(out, table);
    if (table->takes_directory)
        fputs("    if [[ $current != -* ]]; then\n"
              "        mapfile -t COMPREPLY < <(compgen -d -- \"$current\")\n"
              "        return\n    fi\n",
              out);
    fputs("    mapfile -t COMPREPLY < <(compgen -W \"", out);
    bool first = true;
    for (size_t i = 0; i < table->row_count; i++) {
        if (!is_offered(&table->rows[i]))
            continue;
        fputs(first ? "" : " ", out);
        print_spellings(out, &table->rows[i], " ", false);
        first = false;
    }
    fputs("\" -- \"$current\")\n}\n", out);
}
