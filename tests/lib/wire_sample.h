/* wire_sample: a message for tests of wire. */
#ifndef MEENT_TEST_WIRE_SAMPLE_H
#define MEENT_TEST_WIRE_SAMPLE_H

#include "wire.h"

/* A literal with NULs in it. */
#define BYTES(s) mt_slice((s), sizeof(s) - 1)

/* Writes one of everything, in canonical form; returns its length. Aborts when `cap` is too small. */
size_t wire_sample(uint8_t *buf, size_t cap);

#endif
