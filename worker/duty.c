#include "worker/duty.h"

const struct duty duty_load = {.name = "load", .load = true};
const struct duty duty_idle = {.name = "idle"};
