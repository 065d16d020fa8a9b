#include "orchestrator/target/environment.h"

const char volley_version[] = "0.1.0";
