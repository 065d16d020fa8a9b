#include "orchestrator/machine/host.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "orchestrator/machine/system_file.h"
#include "orchestrator/report/json_value.h"

/* The value of the first line "key<blanks>: value"; false when there is none. */
static bool cpuinfo_value(char *value, size_t value_bytes, const char *cpuinfo, const char *key)
{
    size_t key_bytes = strlen(key);
    for (const char *line = cpuinfo; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, key_bytes) != 0)
            continue;
        const char *at = line + key_bytes + strspn(line + key_bytes, " \t");
        if (*at != ':')
            continue;
        at += 1 + strspn(at + 1, " \t");
        snprintf(value, value_bytes, "%.*s", (int)strcspn(at, "\n"), at);
        return true;
    }
    return false;
}

/* Architectures disagree on what the model is called; arm64 often says nothing at all. */
static json_t *cpu_model(void)
{
    static const char *const keys[] = {"model name", "Model", "cpu model", "Hardware", "cpu"};
    char text[8192], value[256];
    if (!system_file_read(text, sizeof text, "/proc/cpuinfo"))
        return json_null();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (cpuinfo_value(value, sizeof value, text, keys[i]))
            return json_value_known_text(true, value);
    return json_null();
}

/* "always [madvise] never" -> "madvise" */
static json_t *chosen_word(const char *path)
{
    char text[256];
    if (!system_file_read(text, sizeof text, "%s", path))
        return json_null();
    char *open = strchr(text, '[');
    char *shut = open != NULL ? strchr(open, ']') : NULL;
    if (shut == NULL)
        return json_value_known_text(true, text);
    *shut = '\0';
    return json_value_known_text(true, open + 1);
}

static json_t *system_text(const char *path)
{
    char text[256];
    bool known = system_file_read(text, sizeof text, "%s", path);
    return json_value_known_text(known, text);
}

static json_t *system_number(const char *path)
{
    char text[64];
    bool known = system_file_read(text, sizeof text, "%s", path);
    return json_value_known_digits(known, text);
}

/* "Debian GNU/Linux 12 (bookworm)" */
static json_t *os_name(void)
{
    static const char key[] = "PRETTY_NAME=";
    char text[4096];
    if (!system_file_read(text, sizeof text, "/etc/os-release"))
        return json_null();
    char *value = strstr(text, key);
    if (value == NULL || (value != text && value[-1] != '\n'))
        return json_null();
    value += sizeof key - 1;
    value += *value == '"';
    value[strcspn(value, "\"\n")] = '\0';
    return json_value_known_text(true, value);
}

/* Intel's driver says whether it is off, the others whether it is on. */
static json_t *turbo(void)
{
    char text[16];
    if (system_file_read(text, sizeof text, "/sys/devices/system/cpu/intel_pstate/no_turbo"))
        return json_boolean(strcmp(text, "0") == 0);
    if (system_file_read(text, sizeof text, "/sys/devices/system/cpu/cpufreq/boost"))
        return json_boolean(strcmp(text, "1") == 0);
    return json_null();
}

/* Weaknesses of the CPU, by name and each with a blank behind it, of which the kernel's file begins with this word. */
static void add_weaknesses(char *text, size_t text_bytes, const char *word)
{
    static const char folder[] = "/sys/devices/system/cpu/vulnerabilities";
    struct dirent **entries = NULL;
    char state[256];
    const int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const size_t used = strlen(text);
        if (entries[i]->d_name[0] != '.' &&
            system_file_read(state, sizeof state, "%s/%s", folder, entries[i]->d_name) &&
            strncmp(state, word, strlen(word)) == 0 &&
            used + strlen(entries[i]->d_name) + 2 < text_bytes)
            snprintf(text + used, text_bytes - used, "%s ", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

/* "mitigated: mds meltdown; vulnerable: tsa"; each half may be missing. */
static json_t *mitigations(void)
{
    static const struct {
        const char *word, *text;
    } states[] = {{"Mitigation", "mitigated: "}, {"Vulnerable", "vulnerable: "}};
    char text[1024] = "", names[480];
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        names[0] = '\0';
        add_weaknesses(names, sizeof names, states[i].word);
        if (names[0] == '\0')
            continue;
        names[strlen(names) - 1] = '\0';
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s%s", used > 0 ? "; " : "", states[i].text,
                 names);
    }
    return json_value_known_text(true, text);
}

static json_t *limit_value(rlim_t limit)
{
    return limit == RLIM_INFINITY ? json_null() : json_integer((json_int_t)limit);
}

static json_t *describe_limits(void)
{
    struct rlimit limit;
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0;
    json_t *limits = json_object();
    json_object_set_new(limits, "open_files_soft",
                        known ? limit_value(limit.rlim_cur) : json_null());
    json_object_set_new(limits, "open_files_hard",
                        known ? limit_value(limit.rlim_max) : json_null());
    return limits;
}

static json_t *describe_cgroup(const struct cpu_set_order *order)
{
    json_t *cgroup = json_object();
    json_object_set_new(cgroup, "quota_cpus",
                        order->quota_cpus > 0 ? json_real(order->quota_cpus) : json_null());
    json_object_set_new(cgroup, "reason", json_value_known_text(true, order->reason));
    return cgroup;
}

static json_t *utc_offset(void)
{
    struct tm local;
    time_t now = time(NULL);
    return localtime_r(&now, &local) != NULL ? json_integer(local.tm_gmtoff) : json_null();
}

json_t *host_describe(const struct cpu_set_order *order)
{
    struct utsname names;
    bool named = uname(&names) == 0;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    json_t *host = json_object();
    json_t *usable = json_array();
    for (uint32_t i = 0; i < order->count; i++)
        (void)json_array_append_new(usable, json_integer(order->cpus[i]));

    char kernel[sizeof names.sysname + sizeof names.release + 1] = "";
    if (named)
        snprintf(kernel, sizeof kernel, "%s %s", names.sysname, names.release);
    json_object_set_new(host, "name", json_value_known_text(named, named ? names.nodename : ""));
    json_object_set_new(host, "utc_offset_seconds", utc_offset());
    json_object_set_new(host, "kernel", json_value_known_text(named, kernel));
    json_object_set_new(host, "architecture",
                        json_value_known_text(named, named ? names.machine : ""));
    json_object_set_new(host, "os", os_name());
    json_object_set_new(host, "cpu_model", cpu_model());
    json_object_set_new(host, "cpu_count", cpus > 0 ? json_integer(cpus) : json_null());
    json_object_set_new(host, "usable_cpus", usable);
    json_object_set_new(host, "physical_cores", json_integer(order->physical_core_count));
    json_object_set_new(host, "governor",
                        system_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
    json_object_set_new(host, "turbo", turbo());
    json_object_set_new(host, "numa_nodes", system_text("/sys/devices/system/node/online"));
    json_object_set_new(host, "mitigations", mitigations());
    json_object_set_new(host, "limits", describe_limits());
    json_object_set_new(host, "cgroup", describe_cgroup(order));
    json_object_set_new(host, "transparent_hugepages",
                        chosen_word("/sys/kernel/mm/transparent_hugepage/enabled"));
    json_object_set_new(host, "aslr", system_number("/proc/sys/kernel/randomize_va_space"));
    json_object_set_new(
        host, "clocksource",
        system_text("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
    return host;
}
