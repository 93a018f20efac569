/* The list of a zone's keys, for the others of a fleet. */
#include <stdlib.h>
#include <string.h>

#include "loader/sign/fleet_list.h"
#include "loader/sign/key_files.h"
#include "loader/sign/key_store_private.h"
#include "shm/errcode.h"

struct listing {
	struct key_store *store;
	const struct roll_zone *roll;
	struct fleet_text text;
	struct key_files files;
	struct fleet_key key;
};

static int
add_key(struct listing *l, const char *name)
{
	const char *what, *reason;
	int rc = key_files_read(l->store->kept, name, &l->files, &what);

	if (rc != ERR_OK)
		return rc;
	if (!key_text_read_public(l->files.public_text, l->files.public_len,
				  &l->key.public, &reason) ||
	    !key_text_read_private(l->files.private_text, l->files.private_len,
				   &l->key.secret, &reason))
		return ERR_SYNTAX;
	fleet_list_add(&l->text, &l->key);
	return ERR_OK;
}

/* All good keys are among the kept ones. */
static int
add_keys(struct listing *l, const uint8_t *zone, const struct sign_keys *keys)
{
	char prefix[NAME_MAX + 1], name[NAME_MAX + 1];
	int rc = key_dir_prefix(zone, prefix) ? ERR_OK : ERR_RANGE;

	for (size_t i = 0; i < keys->count && rc == ERR_OK; i++) {
		const struct sign_key *key = &keys->items[i];

		if (!fleet_list_has(l->roll, sign_key_algorithm(key), key->tag))
			continue;
		rc = key_files_name(prefix, key->rdata, key->rdata_len, name)
			     ? add_key(l, name)
			     : ERR_RANGE;
	}
	return rc;
}

static int
write_list(struct listing *l, const uint8_t *zone, const struct sign_keys *keys,
	   const struct fleet_head *head)
{
	int rc;

	l->text.text = malloc(FLEET_LIST_MAX);
	if (!l->text.text)
		return ERR_NOMEM;
	fleet_list_begin(&l->text, zone, head, l->roll);
	pthread_mutex_lock(&l->store->lock);
	rc = add_keys(l, zone, keys);
	pthread_mutex_unlock(&l->store->lock);
	if (rc == ERR_OK && !fleet_list_end(&l->text))
		rc = ERR_FULL;
	if (rc == ERR_OK)
		return rc;
	explicit_bzero(l->text.text, FLEET_LIST_MAX);
	free(l->text.text);
	return rc;
}

int
key_store_list(struct key_store *store, const uint8_t *zone, uint64_t number,
	       int64_t written_s, char **text, size_t *len)
{
	struct fleet_head head = { .number = number, .written_s = written_s };
	struct crypto_key *secrets[SIGN_KEYS_MAX];
	struct listing *l = calloc(1, sizeof *l);
	struct sign_keys *keys = malloc(sizeof *keys);
	struct roll_zone roll;
	int rc = ERR_NOMEM;

	if (l && keys)
		rc = key_load_zone(store, zone, keys, secrets, &roll);
	if (rc == ERR_OK) {
		strcpy(head.node, store->self.node);
		l->store = store;
		l->roll = &roll;
		rc = write_list(l, zone, keys, &head);
		for (size_t i = 0; i < keys->count; i++)
			crypto_key_free(secrets[i]);
	}
	if (rc == ERR_OK) {
		*text = l->text.text;
		*len = l->text.len;
	}
	if (l)
		explicit_bzero(l, sizeof *l);
	free(l);
	free(keys);
	return rc;
}
