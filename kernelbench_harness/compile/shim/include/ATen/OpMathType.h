// Stands in for the header of this name.
#pragma once
#include "kbshim/wide.h"
