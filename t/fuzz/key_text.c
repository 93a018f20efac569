/* Keys as people and Redis write them: the public half, an octet 0, the private half.  What
 * can be read is written and read again; what is a whole key signs. */
#include "loader/sign/key_text.h"

#include <stdlib.h>
#include <string.h>

#include "loader/sign/sign_crypto.h"
#include "shm/errcode.h"
#include "t/fuzz/target.h"

/* A copy without an octet behind it. */
static char *
copy_of(const uint8_t *data, size_t len)
{
	char *copy = malloc(len ? len : 1);

	demand(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

static bool
read_public(const uint8_t *data, size_t len, struct key_public *key)
{
	char *text = copy_of(data, len), written[KEY_TEXT_MAX];
	const char *reason;
	struct key_public again;
	bool is_read = key_text_read_public(text, len, key, &reason);
	size_t written_len;

	free(text);
	if (!is_read)
		return false;
	written_len = key_text_write_public(key, written, sizeof written);
	demand(written_len > 0);
	demand(key_text_read_public(written, written_len, &again, &reason));
	demand(again.rdata_len == key->rdata_len && again.ttl == key->ttl &&
	       memcmp(again.rdata, key->rdata, key->rdata_len) == 0);
	return true;
}

static bool
read_private(const uint8_t *data, size_t len, struct key_private *key)
{
	char *text = copy_of(data, len), written[KEY_TEXT_MAX];
	const char *reason;
	struct key_private again;
	bool is_read = key_text_read_private(text, len, key, &reason);
	size_t written_len;

	free(text);
	if (!is_read)
		return false;
	written_len = key_text_write_private(key, written, sizeof written);
	demand(written_len > 0);
	demand(key_text_read_private(written, written_len, &again, &reason));
	demand(again.algorithm == key->algorithm);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *middle = len ? memchr(data, 0, len) : NULL;
	size_t public_len = middle ? (size_t)(middle - data) : len;
	uint8_t signature[SIGNATURE_MAX];
	struct crypto_key *key = NULL;
	struct key_private secret;
	struct key_public public;

	if (!read_public(data, public_len, &public) || !middle ||
	    !read_private(middle + 1, len - public_len - 1, &secret))
		return 0;
	if (crypto_key_new(&secret, public.rdata, public.rdata_len, &key) != ERR_OK)
		return 0;
	demand(crypto_key_signature_len(key) <= sizeof signature);
	demand(crypto_key_sign(key, data, len, signature) == ERR_OK);
	crypto_key_free(key);
	return 0;
}
