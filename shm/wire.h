/* Reading and writing numbers in network order at unaligned places. */
#ifndef SHM_WIRE_H
#define SHM_WIRE_H

#include <stdint.h>
#include <string.h>

static inline uint16_t
wire_get_u16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof value);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value = __builtin_bswap16(value);
#endif
	return value;
}

static inline uint32_t
wire_get_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value = __builtin_bswap32(value);
#endif
	return value;
}

static inline uint64_t
wire_get_u64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof value);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value = __builtin_bswap64(value);
#endif
	return value;
}

static inline void
wire_put_u16(uint8_t *at, uint16_t value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value = __builtin_bswap16(value);
#endif
	memcpy(at, &value, sizeof value);
}

static inline void
wire_put_u32(uint8_t *at, uint32_t value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value = __builtin_bswap32(value);
#endif
	memcpy(at, &value, sizeof value);
}

static inline void
wire_put_u64(uint8_t *at, uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value = __builtin_bswap64(value);
#endif
	memcpy(at, &value, sizeof value);
}

#endif
