/* Health checks: defaults, stored form, key. */
#include "shm/health_target.h"

#include <string.h>
#include <strings.h>

#include "shm/board.h"
#include "shm/sha256.h"
#include "shm/wire.h"

enum {
	FIXED_LEN = 16,
	CODES_LEN = 4,
	TEXT_HEAD_LEN = 2,
	DEFAULT_COUNT = 3,
	DEFAULT_TIMEOUT_MS = 1000,
	PORT_HTTP = 80,
	PORT_HTTPS = 443,
};

static const char *const protocol_names[] = {
	[HEALTH_HTTP] = "http",
	[HEALTH_HTTPS] = "https",
	[HEALTH_TCP] = "tcp",
	[HEALTH_ICMP] = "icmp",
};

const char *
health_protocol_name(enum health_protocol protocol)
{
	return protocol_names[protocol];
}

bool
health_protocol_find(const char *word, enum health_protocol *out)
{
	*out = HEALTH_HTTP;
	if (word[0] == '\0')
		return true;
	for (unsigned i = HEALTH_HTTP; i <= HEALTH_ICMP; i++)
		if (strcasecmp(word, protocol_names[i]) == 0) {
			*out = (enum health_protocol)i;
			return true;
		}
	if (strcasecmp(word, "ping") != 0)
		return false;
	*out = HEALTH_ICMP;
	return true;
}

static int
bounded(int count)
{
	return count > HEALTH_COUNT_MAX ? HEALTH_COUNT_MAX : count;
}

static void
settle_counts(struct health_check *check)
{
	int up = check->up_count, down = check->down_count;

	if (up < -HEALTH_COUNT_MAX)
		up = -HEALTH_COUNT_MAX;
	if (down < -HEALTH_COUNT_MAX)
		down = -HEALTH_COUNT_MAX;
	check->up_count = up == 0 ? DEFAULT_COUNT : bounded(up < 0 ? -up : up);
	check->down_count =
		down == 0 ? -DEFAULT_COUNT : -bounded(down < 0 ? -down : down);
}

static void
settle_http(struct health_check *check)
{
	if (check->code_count == 0) {
		check->code_count = 2;
		check->codes[0] = (struct health_codes){ 200, 200 };
		check->codes[1] = (struct health_codes){ 301, 302 };
	}
	if (check->uri[0] == '\0')
		strcpy(check->uri, "/");
	for (char *at = check->host; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at | 0x20);
	if (check->protocol != HEALTH_HTTPS)
		check->verify = false;
}

void
health_check_settle(struct health_check *check)
{
	settle_counts(check);
	if (check->timeout_ms == 0)
		check->timeout_ms = DEFAULT_TIMEOUT_MS;
	if (check->timeout_ms > HEALTH_TIMEOUT_MAX_MS)
		check->timeout_ms = HEALTH_TIMEOUT_MAX_MS;
	if (check->interval_s > HEALTH_INTERVAL_MAX_S)
		check->interval_s = HEALTH_INTERVAL_MAX_S;
	if (check->port == 0)
		check->port = check->protocol == HEALTH_HTTPS ? PORT_HTTPS : PORT_HTTP;
	if (check->protocol == HEALTH_ICMP)
		check->port = 0;
	if (check->protocol == HEALTH_HTTP || check->protocol == HEALTH_HTTPS) {
		settle_http(check);
		return;
	}
	check->verify = false;
	check->code_count = 0;
	check->host[0] = check->uri[0] = check->body[0] = '\0';
}

static bool
is_visible(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

bool
health_check_is_sound(const struct health_check *check)
{
	if (check->protocol == HEALTH_TCP || check->protocol == HEALTH_ICMP)
		return true;
	return check->uri[0] == '/' && check->host[0] != '\0' && is_visible(check->uri) &&
	       is_visible(check->host) && !strpbrk(check->host, "/?#@\\");
}

static uint8_t *
put_text(uint8_t *at, const char *text)
{
	size_t len = strlen(text);

	wire_put_u16(at, (uint16_t)len);
	memcpy(at + TEXT_HEAD_LEN, text, len);
	return at + TEXT_HEAD_LEN + len;
}

size_t
health_check_write(const struct health_check *check, uint8_t out[HEALTH_CHECK_LEN_MAX])
{
	uint8_t *at = out + FIXED_LEN;

	out[0] = (uint8_t)check->protocol;
	out[1] = check->verify;
	wire_put_u16(out + 2, check->port);
	out[4] = (uint8_t)check->up_count;
	out[5] = (uint8_t)-check->down_count;
	wire_put_u16(out + 6, (uint16_t)check->code_count);
	wire_put_u32(out + 8, check->timeout_ms);
	wire_put_u32(out + 12, check->interval_s);
	for (unsigned i = 0; i < check->code_count; i++, at += CODES_LEN) {
		wire_put_u16(at, check->codes[i].low);
		wire_put_u16(at + 2, check->codes[i].high);
	}
	at = put_text(at, check->host);
	at = put_text(at, check->uri);
	return (size_t)(put_text(at, check->body) - out);
}

/* Take a text of at most `max` octets from *at on; returns false on damage. */
static bool
take_text(const uint8_t **at, const uint8_t *end, char *out, size_t max)
{
	size_t left = (size_t)(end - *at), len;

	if (left < TEXT_HEAD_LEN)
		return false;
	len = wire_get_u16(*at);
	if (len > max || len > left - TEXT_HEAD_LEN ||
	    memchr(*at + TEXT_HEAD_LEN, '\0', len))
		return false;
	memcpy(out, *at + TEXT_HEAD_LEN, len);
	out[len] = '\0';
	*at += TEXT_HEAD_LEN + len;
	return true;
}

bool
health_check_read(const uint8_t *bytes, size_t len, struct health_check *out)
{
	const uint8_t *at = bytes + FIXED_LEN, *end = bytes + len;

	if (len < FIXED_LEN || bytes[0] > HEALTH_ICMP || bytes[1] > 1 || bytes[4] < 1 ||
	    bytes[4] > HEALTH_COUNT_MAX || bytes[5] < 1 || bytes[5] > HEALTH_COUNT_MAX)
		return false;
	out->protocol = (enum health_protocol)bytes[0];
	out->verify = bytes[1];
	out->port = wire_get_u16(bytes + 2);
	out->up_count = bytes[4];
	out->down_count = -(int)bytes[5];
	out->code_count = wire_get_u16(bytes + 6);
	out->timeout_ms = wire_get_u32(bytes + 8);
	out->interval_s = wire_get_u32(bytes + 12);
	if (out->code_count > HEALTH_CODES_MAX ||
	    (size_t)(end - at) < (size_t)out->code_count * CODES_LEN)
		return false;
	for (unsigned i = 0; i < out->code_count; i++, at += CODES_LEN)
		out->codes[i] =
			(struct health_codes){ wire_get_u16(at), wire_get_u16(at + 2) };
	return out->timeout_ms >= 1 && out->timeout_ms <= HEALTH_TIMEOUT_MAX_MS &&
	       out->interval_s <= HEALTH_INTERVAL_MAX_S &&
	       take_text(&at, end, out->host, HEALTH_HOST_MAX) &&
	       take_text(&at, end, out->uri, HEALTH_URI_MAX) &&
	       take_text(&at, end, out->body, HEALTH_BODY_MAX) && at == end;
}

uint64_t
health_target_key(const uint8_t address[HEALTH_ADDRESS_LEN], const uint8_t *check,
		  size_t check_len)
{
	uint8_t digest[SHA256_LEN];
	uint64_t key;

	sha256(address, HEALTH_ADDRESS_LEN, check, check_len, digest);
	key = (uint64_t)wire_get_u32(digest) << 32 | wire_get_u32(digest + 4);
	return key < BOARD_KEY_MIN ? key + BOARD_KEY_MIN : key;
}
