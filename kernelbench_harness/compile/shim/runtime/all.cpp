// One translation unit, so that the standard headers are read once.
#include "guards.cpp"
#include "storage.cpp"
#include "text.cpp"
#include "views.cpp"
#include "elements.cpp"
#include "table.cpp"
