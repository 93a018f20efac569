/* Targets and addresses, each in a hash table with chains. */
#include "loader/health/target_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "loader/health/probe_address.h"
#include "shm/errcode.h"

enum { FIRST_PLACES = 1024 };

/* Strangers choose addresses, hence the seed. */
static size_t
address_place(const struct target_table *table, const uint8_t octets[16])
{
	return (size_t)XXH3_64bits_withSeed(octets, HEALTH_ADDRESS_LEN, table->seed) &
	       (table->place_count - 1);
}

int
target_table_init(struct target_table *table)
{
	*table = (struct target_table){ .place_count = FIRST_PLACES };
	if (getentropy(&table->seed, sizeof table->seed) != 0)
		return ERR_IO;
	table->places = calloc(FIRST_PLACES, sizeof(struct target *));
	table->addresses = calloc(FIRST_PLACES, sizeof(struct target_address *));
	return table->places && table->addresses ? ERR_OK : ERR_NOMEM;
}

struct target *
target_table_find(const struct target_table *table, uint64_t key)
{
	struct target *target = table->places[key & (table->place_count - 1)];

	while (target && target->key != key)
		target = target->next;
	return target;
}

static void
link_target(struct target_table *table, struct target *target)
{
	struct target **place = &table->places[target->key & (table->place_count - 1)];

	target->next = *place;
	*place = target;
}

static void
link_address(struct target_table *table, struct target_address *address)
{
	struct target_address **place =
		&table->addresses[address_place(table, address->octets)];

	address->next = *place;
	*place = address;
}

/* Without memory chains only grow longer. */
static void
grow(struct target_table *table)
{
	struct target_table old = *table;
	size_t count = 2 * old.place_count;
	struct target **places = calloc(count, sizeof(struct target *));
	struct target_address **addresses =
		calloc(count, sizeof(struct target_address *));

	if (!places || !addresses) {
		free(places);
		free(addresses);
		return;
	}
	table->places = places;
	table->addresses = addresses;
	table->place_count = count;
	for (size_t i = 0; i < old.place_count; i++) {
		while (old.places[i]) {
			struct target *target = old.places[i];

			old.places[i] = target->next;
			link_target(table, target);
		}
		while (old.addresses[i]) {
			struct target_address *address = old.addresses[i];

			old.addresses[i] = address->next;
			link_address(table, address);
		}
	}
	free(old.places);
	free(old.addresses);
}

static struct target_address *
take_address(struct target_table *table, const uint8_t *octets)
{
	struct target_address *address = table->addresses[address_place(table, octets)];

	while (address && memcmp(address->octets, octets, HEALTH_ADDRESS_LEN) != 0)
		address = address->next;
	if (!address) {
		address = calloc(1, sizeof *address);
		if (!address)
			return NULL;
		memcpy(address->octets, octets, HEALTH_ADDRESS_LEN);
		link_address(table, address);
	}
	address->target_count++;
	return address;
}

static void
leave_address(struct target_table *table, struct target_address *address)
{
	struct target_address **at =
		&table->addresses[address_place(table, address->octets)];

	if (--address->target_count > 0)
		return;
	while (*at != address)
		at = &(*at)->next;
	*at = address->next;
	free(address);
}

static bool
take_spec(struct target *target, const uint8_t *spec, size_t len)
{
	struct health_check check;

	if (len <= HEALTH_ADDRESS_LEN ||
	    !health_check_read(spec + HEALTH_ADDRESS_LEN, len - HEALTH_ADDRESS_LEN,
			       &check))
		return false;
	target->spec = malloc(len);
	if (!target->spec)
		return false;
	memcpy(target->spec, spec, len);
	target->spec_len = len;
	target->interval_ms = check.interval_s * 1000;
	target->timeout_ms = check.timeout_ms;
	target->up_count = (int8_t)check.up_count;
	target->down_count = (int8_t)check.down_count;
	return true;
}

struct target *
target_table_add(struct target_table *table, uint64_t key, const uint8_t *spec,
		 size_t spec_len)
{
	struct target *target = calloc(1, sizeof *target);

	if (!target || !take_spec(target, spec, spec_len)) {
		free(target);
		return NULL;
	}
	target->address = take_address(table, spec);
	if (!target->address) {
		free(target->spec);
		free(target);
		return NULL;
	}
	target->key = key;
	if (table->count >= table->place_count)
		grow(table);
	link_target(table, target);
	table->count++;
	return target;
}

void
target_table_drop(struct target_table *table, struct target *target)
{
	struct target **at = &table->places[target->key & (table->place_count - 1)];

	while (*at != target)
		at = &(*at)->next;
	*at = target->next;
	table->count--;
	leave_address(table, target->address);
	free(target->spec);
	free(target);
}

void
target_table_each(struct target_table *table,
		  void (*call)(void *context, struct target *target), void *context)
{
	for (size_t i = 0; i < table->place_count; i++) {
		struct target *next;

		for (struct target *at = table->places[i]; at; at = next) {
			next = at->next;
			call(context, at);
		}
	}
}

void
target_print(const struct target *target, char out[TARGET_TEXT_MAX])
{
	struct health_check check = { 0 };
	char address[INET6_ADDRSTRLEN];

	if (!health_check_read(target->spec + HEALTH_ADDRESS_LEN,
			       target->spec_len - HEALTH_ADDRESS_LEN, &check))
		check.protocol = HEALTH_ICMP;
	probe_address_print(target->spec, address);
	if (check.protocol == HEALTH_ICMP)
		snprintf(out, TARGET_TEXT_MAX, "icmp %s", address);
	else
		snprintf(out, TARGET_TEXT_MAX, "%s %s port %u%s%s%.60s",
			 health_protocol_name(check.protocol), address, check.port,
			 check.host[0] ? " " : "", check.host, check.uri);
}
