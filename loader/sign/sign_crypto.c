/* Signing with libcrypto.
 *
 * A context per key is set up once: making one for each signature costs a tenth of it. */
#include "loader/sign/sign_crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/wire.h"

enum {
	POINT_MAX = 1 + 2 * 48, /* uncompressed */
	DER_MAX = 160, /* of an ECDSA signature */
	RSA_BITS_MIN = 1024,
	RSA_BITS_MAX = 4096,
	RSA_BITS_NEW = 2048,
};

enum family { FAMILY_RSA, FAMILY_EC, FAMILY_ED };

struct scheme {
	uint8_t algorithm;
	enum family family;
	const char *name; /* of the group, or the key type */
	size_t number_len; /* octets of a coordinate, of an EdDSA key */
	size_t signature_len; /* 0: that of the modulus */
	const EVP_MD *(*digest)(void); /* NULL: EdDSA hashes by itself */
};

static const struct scheme schemes[] = {
	{ 8, FAMILY_RSA, "RSA", 0, 0, EVP_sha256 },
	{ 10, FAMILY_RSA, "RSA", 0, 0, EVP_sha512 },
	{ 13, FAMILY_EC, "P-256", 32, 64, EVP_sha256 },
	{ 14, FAMILY_EC, "P-384", 48, 96, EVP_sha384 },
	{ 15, FAMILY_ED, "ED25519", 32, 64, NULL },
	{ 16, FAMILY_ED, "ED448", 57, 114, NULL },
};

struct crypto_key {
	const struct scheme *scheme;
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *sign_context; /* of RSA and ECDSA */
	EVP_MD_CTX *digest_context;
	size_t signature_len;
};

static const struct scheme *
scheme_find(uint8_t algorithm)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (schemes[i].algorithm == algorithm)
			return &schemes[i];
	return NULL;
}

/* ---- from numbers to keys ---- */

/* The fields of a key, by libcrypto's names. */
struct fields {
	OSSL_PARAM_BLD *builder;
	BIGNUM *numbers[KEY_PARTS];
	unsigned count;
	bool is_bad;
};

static void
fields_add_number(struct fields *fields, const char *name, const uint8_t *octets,
		  size_t len)
{
	BIGNUM *number = BN_secure_new();

	if (!number || !BN_bin2bn(octets, (int)len, number) ||
	    !OSSL_PARAM_BLD_push_BN(fields->builder, name, number))
		fields->is_bad = true;
	fields->numbers[fields->count++] = number;
}

static EVP_PKEY *
fields_make_key(struct fields *fields, const char *type)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params =
		fields->is_bad ? NULL : OSSL_PARAM_BLD_to_param(fields->builder);
	EVP_PKEY *pkey = NULL;

	if (!context || !params || EVP_PKEY_fromdata_init(context) <= 0 ||
	    EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, params) <= 0)
		pkey = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(context);
	for (unsigned i = 0; i < fields->count; i++)
		BN_clear_free(fields->numbers[i]);
	OSSL_PARAM_BLD_free(fields->builder);
	return pkey;
}

/* The exponent's length, then exponent and modulus (RFC 3110, section 2). */
static bool
split_rsa(const uint8_t *key, size_t len, size_t *exponent_at, size_t *modulus_at)
{
	size_t exponent_len;

	if (len < 3)
		return false;
	*exponent_at = key[0] ? 1 : 3;
	exponent_len = key[0] ? key[0] : wire_get_u16(key + 1);
	*modulus_at = *exponent_at + exponent_len;
	return exponent_len > 0 && *modulus_at < len &&
	       len - *modulus_at >= RSA_BITS_MIN / 8 &&
	       len - *modulus_at <= RSA_BITS_MAX / 8;
}

static EVP_PKEY *
make_rsa(const struct key_private *secret, const uint8_t *key, size_t len)
{
	static const struct {
		enum key_part part;
		const char *name;
	} names[] = {
		{ KEY_PRIVATE, OSSL_PKEY_PARAM_RSA_D },
		{ KEY_PRIME1, OSSL_PKEY_PARAM_RSA_FACTOR1 },
		{ KEY_PRIME2, OSSL_PKEY_PARAM_RSA_FACTOR2 },
		{ KEY_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT1 },
		{ KEY_EXPONENT2, OSSL_PKEY_PARAM_RSA_EXPONENT2 },
		{ KEY_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
	};
	struct fields fields = { .builder = OSSL_PARAM_BLD_new() };
	size_t exponent_at = 0, modulus_at = 0;

	if (!fields.builder)
		return NULL;
	fields.is_bad = !split_rsa(key, len, &exponent_at, &modulus_at);
	if (!fields.is_bad) {
		fields_add_number(&fields, OSSL_PKEY_PARAM_RSA_E, key + exponent_at,
				  modulus_at - exponent_at);
		fields_add_number(&fields, OSSL_PKEY_PARAM_RSA_N, key + modulus_at,
				  len - modulus_at);
	}
	for (size_t i = 0; i < sizeof names / sizeof *names && !fields.is_bad; i++) {
		fields.is_bad = secret->part_len[names[i].part] == 0;
		if (!fields.is_bad)
			fields_add_number(&fields, names[i].name,
					  secret->parts[names[i].part],
					  secret->part_len[names[i].part]);
	}
	return fields_make_key(&fields, "RSA");
}

static EVP_PKEY *
make_ec(const struct scheme *scheme, const struct key_private *secret, const uint8_t *key,
	size_t len)
{
	struct fields fields = { .builder = OSSL_PARAM_BLD_new() };
	uint8_t point[POINT_MAX];

	if (!fields.builder)
		return NULL;
	fields.is_bad = len != 2 * scheme->number_len ||
			secret->part_len[KEY_PRIVATE] > scheme->number_len;
	if (!fields.is_bad) {
		point[0] = POINT_CONVERSION_UNCOMPRESSED;
		memcpy(point + 1, key, len);
		fields.is_bad =
			!OSSL_PARAM_BLD_push_utf8_string(fields.builder,
							 OSSL_PKEY_PARAM_GROUP_NAME,
							 scheme->name, 0) ||
			!OSSL_PARAM_BLD_push_octet_string(
				fields.builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + len);
		fields_add_number(&fields, OSSL_PKEY_PARAM_PRIV_KEY,
				  secret->parts[KEY_PRIVATE],
				  secret->part_len[KEY_PRIVATE]);
	}
	return fields_make_key(&fields, "EC");
}

/* The public half follows from the private one: it must be the one that is published. */
static EVP_PKEY *
make_ed(const struct scheme *scheme, const struct key_private *secret, const uint8_t *key,
	size_t len, int *error)
{
	uint8_t found[DNSKEY_RDATA_MAX];
	size_t found_len = sizeof found;
	EVP_PKEY *pkey;

	if (len != scheme->number_len ||
	    secret->part_len[KEY_PRIVATE] != scheme->number_len)
		return NULL;
	pkey = EVP_PKEY_new_raw_private_key_ex(NULL, scheme->name, NULL,
					       secret->parts[KEY_PRIVATE],
					       secret->part_len[KEY_PRIVATE]);
	if (pkey && EVP_PKEY_get_raw_public_key(pkey, found, &found_len) > 0 &&
	    found_len == len && memcmp(found, key, len) == 0)
		return pkey;
	if (pkey)
		*error = ERR_DAMAGED;
	EVP_PKEY_free(pkey);
	return NULL;
}

/* ---- signing ---- */

static int
prepare(struct crypto_key *key)
{
	key->digest_context = EVP_MD_CTX_new();
	if (!key->digest_context)
		return ERR_NOMEM;
	if (key->scheme->family == FAMILY_ED)
		return ERR_OK;
	key->sign_context = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	if (!key->sign_context || EVP_PKEY_sign_init(key->sign_context) <= 0 ||
	    EVP_PKEY_CTX_set_signature_md(key->sign_context, key->scheme->digest()) <= 0)
		return ERR_NOMEM;
	if (key->scheme->family == FAMILY_RSA &&
	    EVP_PKEY_CTX_set_rsa_padding(key->sign_context, RSA_PKCS1_PADDING) <= 0)
		return ERR_NOMEM;
	return ERR_OK;
}

static int
sign_ed(struct crypto_key *key, const uint8_t *data, size_t len, uint8_t *signature)
{
	size_t signature_len = key->signature_len;

	if (EVP_MD_CTX_reset(key->digest_context) <= 0 ||
	    EVP_DigestSignInit(key->digest_context, NULL, NULL, NULL, key->pkey) <= 0 ||
	    EVP_DigestSign(key->digest_context, signature, &signature_len, data, len) <=
		    0)
		return ERR_NOMEM;
	return ERR_OK;
}

/* r and s, each as long as the group's numbers (RFC 6605, section 4). */
static int
put_ec(const uint8_t *der, size_t der_len, size_t number_len, uint8_t *signature)
{
	ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
	int rc = ERR_NOMEM;

	if (parsed &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, (int)number_len) > 0 &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signature + number_len,
			 (int)number_len) > 0)
		rc = ERR_OK;
	ECDSA_SIG_free(parsed);
	return rc;
}

int
crypto_key_sign(struct crypto_key *key, const uint8_t *data, size_t len,
		uint8_t *signature)
{
	uint8_t digest[EVP_MAX_MD_SIZE], der[DER_MAX];
	size_t der_len = sizeof der, signature_len = key->signature_len;
	unsigned digest_len;

	if (key->scheme->family == FAMILY_ED)
		return sign_ed(key, data, len, signature);
	if (EVP_DigestInit_ex(key->digest_context, key->scheme->digest(), NULL) <= 0 ||
	    EVP_DigestUpdate(key->digest_context, data, len) <= 0 ||
	    EVP_DigestFinal_ex(key->digest_context, digest, &digest_len) <= 0)
		return ERR_NOMEM;
	if (key->scheme->family == FAMILY_RSA)
		return EVP_PKEY_sign(key->sign_context, signature, &signature_len, digest,
				     digest_len) > 0
			       ? ERR_OK
			       : ERR_NOMEM;
	if (EVP_PKEY_sign(key->sign_context, der, &der_len, digest, digest_len) <= 0)
		return ERR_NOMEM;
	return put_ec(der, der_len, key->scheme->number_len, signature);
}

size_t
crypto_key_signature_len(const struct crypto_key *key)
{
	return key->signature_len;
}

/* ---- checking that the halves belong together ---- */

static int
get_der(const struct crypto_key *key, const uint8_t *signature, uint8_t der[DER_MAX])
{
	size_t half = key->scheme->number_len;
	ECDSA_SIG *made = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, (int)half, NULL);
	BIGNUM *s = BN_bin2bn(signature + half, (int)half, NULL);
	int len = -1;

	if (made && r && s && ECDSA_SIG_set0(made, r, s) > 0)
		len = i2d_ECDSA_SIG(made, &der);
	ECDSA_SIG_free(made);
	return len;
}

static int
check_pair(struct crypto_key *key)
{
	static const uint8_t sample[] = "martlet";
	uint8_t signature[SIGNATURE_MAX], der[DER_MAX];
	const uint8_t *at = signature;
	size_t len = key->signature_len;
	int rc = crypto_key_sign(key, sample, sizeof sample, signature);

	if (rc != ERR_OK)
		return ERR_DAMAGED;
	if (key->scheme->family == FAMILY_EC) {
		int der_len = get_der(key, signature, der);

		if (der_len < 0)
			return ERR_NOMEM;
		at = der;
		len = (size_t)der_len;
	}
	if (EVP_MD_CTX_reset(key->digest_context) <= 0 ||
	    EVP_DigestVerifyInit(key->digest_context, NULL,
				 key->scheme->digest ? key->scheme->digest() : NULL, NULL,
				 key->pkey) <= 0)
		return ERR_NOMEM;
	rc = EVP_DigestVerify(key->digest_context, at, len, sample, sizeof sample) == 1
		     ? ERR_OK
		     : ERR_DAMAGED;
	return EVP_MD_CTX_reset(key->digest_context) > 0 ? rc : ERR_NOMEM;
}

int
crypto_key_new(const struct key_private *secret, const uint8_t *dnskey, size_t dnskey_len,
	       struct crypto_key **out)
{
	const struct scheme *scheme = scheme_find(secret->algorithm);
	const uint8_t *public_key = dnskey + DNSKEY_KEY_AT;
	struct crypto_key *key;
	int rc = ERR_SYNTAX;

	if (!scheme || dnskey_len <= DNSKEY_KEY_AT)
		return ERR_RANGE;
	if (dnskey[3] != secret->algorithm)
		return ERR_DAMAGED;
	key = calloc(1, sizeof *key);
	if (!key)
		return ERR_NOMEM;
	key->scheme = scheme;
	if (scheme->family == FAMILY_RSA)
		key->pkey = make_rsa(secret, public_key, dnskey_len - DNSKEY_KEY_AT);
	else if (scheme->family == FAMILY_EC)
		key->pkey =
			make_ec(scheme, secret, public_key, dnskey_len - DNSKEY_KEY_AT);
	else
		key->pkey = make_ed(scheme, secret, public_key,
				    dnskey_len - DNSKEY_KEY_AT, &rc);
	if (key->pkey) {
		key->signature_len = scheme->signature_len
					     ? scheme->signature_len
					     : (size_t)EVP_PKEY_get_size(key->pkey);
		rc = key->signature_len <= SIGNATURE_MAX ? prepare(key) : ERR_RANGE;
	}
	if (rc == ERR_OK)
		rc = check_pair(key);
	ERR_clear_error();
	if (rc == ERR_OK)
		*out = key;
	else
		crypto_key_free(key);
	return rc;
}

const char *
crypto_key_why_not(int error)
{
	if (error == ERR_RANGE)
		return "an algorithm or a size that is not signed with here: use "
		       "algorithm 8, 10, 13, 14, 15 or 16, and at most 4096 bits of RSA";
	if (error == ERR_DAMAGED)
		return "the private key is not the one of the public half";
	if (error == ERR_SYNTAX)
		return "the private key lacks a part, or is none";
	return errcode_text(error);
}

void
crypto_key_free(struct crypto_key *key)
{
	if (!key)
		return;
	EVP_PKEY_CTX_free(key->sign_context);
	EVP_MD_CTX_free(key->digest_context);
	EVP_PKEY_free(key->pkey);
	free(key);
}

/* ---- new keys ---- */

static bool
get_number(const EVP_PKEY *pkey, const char *name, size_t fixed_len, uint8_t *out,
	   uint16_t *len)
{
	BIGNUM *number = NULL;
	bool is_there = EVP_PKEY_get_bn_param(pkey, name, &number) > 0;
	size_t need = is_there ? (size_t)BN_num_bytes(number) : 0;

	if (need < fixed_len)
		need = fixed_len;
	is_there = is_there && need <= KEY_PART_MAX &&
		   BN_bn2binpad(number, out, (int)need) >= 0;
	*len = (uint16_t)need;
	BN_clear_free(number);
	return is_there;
}

static bool
take_rsa(const EVP_PKEY *pkey, struct key_private *secret, uint8_t *public_key,
	 size_t room, size_t *len)
{
	static const char *const names[KEY_PARTS] = {
		[KEY_PRIVATE] = OSSL_PKEY_PARAM_RSA_D,
		[KEY_MODULUS] = OSSL_PKEY_PARAM_RSA_N,
		[KEY_PUBLIC_EXPONENT] = OSSL_PKEY_PARAM_RSA_E,
		[KEY_PRIME1] = OSSL_PKEY_PARAM_RSA_FACTOR1,
		[KEY_PRIME2] = OSSL_PKEY_PARAM_RSA_FACTOR2,
		[KEY_EXPONENT1] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
		[KEY_EXPONENT2] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
		[KEY_COEFFICIENT] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
	};
	size_t exponent_len, modulus_len;

	for (unsigned i = 0; i < KEY_PARTS; i++)
		if (!get_number(pkey, names[i], 1, secret->parts[i],
				&secret->part_len[i]))
			return false;
	exponent_len = secret->part_len[KEY_PUBLIC_EXPONENT];
	modulus_len = secret->part_len[KEY_MODULUS];
	*len = 1 + exponent_len + modulus_len;
	if (*len > room || exponent_len > UINT8_MAX)
		return false;
	public_key[0] = (uint8_t)exponent_len;
	memcpy(public_key + 1, secret->parts[KEY_PUBLIC_EXPONENT], exponent_len);
	memcpy(public_key + 1 + exponent_len, secret->parts[KEY_MODULUS], modulus_len);
	return true;
}

static bool
take_ec(const EVP_PKEY *pkey, const struct scheme *scheme, struct key_private *secret,
	uint8_t *public_key, size_t room, size_t *len)
{
	uint16_t x_len, y_len;

	*len = 2 * scheme->number_len;
	return *len <= room &&
	       get_number(pkey, OSSL_PKEY_PARAM_PRIV_KEY, scheme->number_len,
			  secret->parts[KEY_PRIVATE], &secret->part_len[KEY_PRIVATE]) &&
	       get_number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, scheme->number_len, public_key,
			  &x_len) &&
	       get_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, scheme->number_len,
			  public_key + scheme->number_len, &y_len);
}

static bool
take_ed(const EVP_PKEY *pkey, struct key_private *secret, uint8_t *public_key,
	size_t room, size_t *len)
{
	size_t secret_len = KEY_PART_MAX;

	*len = room;
	if (EVP_PKEY_get_raw_public_key(pkey, public_key, len) <= 0 ||
	    EVP_PKEY_get_raw_private_key(pkey, secret->parts[KEY_PRIVATE], &secret_len) <=
		    0)
		return false;
	secret->part_len[KEY_PRIVATE] = (uint16_t)secret_len;
	return true;
}

static EVP_PKEY *
draw(const struct scheme *scheme)
{
	switch (scheme->family) {
	case FAMILY_RSA:
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS_NEW);
	case FAMILY_EC:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", scheme->name);
	case FAMILY_ED:
		break;
	}
	return EVP_PKEY_Q_keygen(NULL, NULL, scheme->name);
}

int
crypto_generate(uint8_t algorithm, struct key_private *secret, uint8_t *public_key,
		size_t room, size_t *len)
{
	const struct scheme *scheme = scheme_find(algorithm);
	EVP_PKEY *pkey = scheme ? draw(scheme) : NULL;
	bool is_taken = false;

	if (!scheme)
		return ERR_RANGE;
	memset(secret, 0, sizeof *secret);
	secret->algorithm = algorithm;
	if (pkey && scheme->family == FAMILY_RSA)
		is_taken = take_rsa(pkey, secret, public_key, room, len);
	else if (pkey && scheme->family == FAMILY_EC)
		is_taken = take_ec(pkey, scheme, secret, public_key, room, len);
	else if (pkey)
		is_taken = take_ed(pkey, secret, public_key, room, len);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return is_taken ? ERR_OK : ERR_NOMEM;
}
