/* Zone configurations: defaults first, then what is written over them. */
#include "loader/zone/zone_config_json.h"

#include <string.h>

#include "loader/zone/name_text.h"
#include "loader/zone/zone_messages.h"
#include "shm/errcode.h"
#include "shm/wire.h"

/* The defaults of the SOA; an origin too long for a label before it is the name itself. */
static size_t
below_origin(const char *label, const uint8_t *origin, size_t origin_len,
	     uint8_t out[DNAME_MAX])
{
	size_t label_len = strlen(label), head_len = label_len + 1;

	if (head_len + origin_len > DNAME_MAX)
		head_len = 0;
	if (head_len > 0) {
		out[0] = (uint8_t)label_len;
		memcpy(out + 1, label, label_len);
	}
	memcpy(out + head_len, origin, origin_len);
	return head_len + origin_len;
}

static void
set_default_soa(struct zone_config *config, const uint8_t *origin, size_t origin_len,
		uint32_t ttl)
{
	config->mname_len =
		(uint8_t)below_origin("ns1", origin, origin_len, config->mname);
	config->rname_len =
		(uint8_t)below_origin("hostmaster", origin, origin_len, config->rname);
	config->ttl = ttl;
	config->refresh = 86400;
	config->retry = 7200;
	config->expire = 3600;
	config->minimum = 300;
	config->serial = 0;
	config->has_serial = false;
}

/* Over a default; "" leaves it. */
static void
read_name(struct json_fault *fault, const struct json_node *soa, const char *key,
	  size_t (*parse)(const char *text, size_t len, uint8_t out[DNAME_MAX],
			  const char **reason),
	  uint8_t name[DNAME_MAX], uint8_t *name_len)
{
	struct json_node node = json_node_member(soa, key);
	struct json_text text = json_reader_text(fault, &node);
	const char *reason;
	size_t len;

	if (text.len == 0)
		return;
	len = parse(text.bytes, text.len, name, &reason);
	if (len == 0)
		json_reader_fail(fault, &node, "\"%.60s\" %s", text.bytes, reason);
	else
		*name_len = (uint8_t)len;
}

static void
read_number(struct json_fault *fault, const struct json_node *soa, const char *key,
	    uint32_t *value)
{
	struct json_node node = json_node_member(soa, key);

	*value = json_reader_number(fault, &node, UINT32_MAX, *value);
}

static void
read_soa(struct json_fault *fault, const struct json_node *soa,
	 struct zone_config *config)
{
	json_reader_object(fault, soa);
	read_name(fault, soa, "ns", name_text_parse, config->mname, &config->mname_len);
	read_name(fault, soa, "mbox", name_text_parse_mailbox, config->rname,
		  &config->rname_len);
	read_number(fault, soa, "ttl", &config->ttl);
	read_number(fault, soa, "refresh", &config->refresh);
	read_number(fault, soa, "retry", &config->retry);
	read_number(fault, soa, "expire", &config->expire);
	read_number(fault, soa, "minttl", &config->minimum);
	read_number(fault, soa, "serial", &config->serial);
	config->has_serial = json_node_member(soa, "serial").value != NULL;
}

/* returns false when the member is neither missing nor a truth value. */
static bool
read_flag(struct json_fault *fault, const struct json_node *root, const char *key,
	  bool *flag)
{
	struct json_node node = json_node_member(root, key);
	struct json_fault own = { 0 };

	*flag = json_reader_bool(&own, &node, false);
	if (own.found && !fault->found)
		*fault = own;
	return !own.found;
}

static void
read_domain_id(struct json_fault *fault, const struct json_node *root,
	       struct zone_config *config)
{
	struct json_node node = json_node_member(root, "domain_id");
	struct json_text text = json_reader_text(fault, &node);

	if (text.len > ZONE_CONFIG_DOMAIN_ID_MAX)
		json_reader_fail(fault, &node, "is longer than 100 octets");
	else
		zone_message_printable(text.bytes, config->domain_id,
				       sizeof config->domain_id);
}

bool
zone_config_json_denial(struct json_fault *fault, const struct json_node *config,
			uint16_t *denial)
{
	static const char *const words[] = { "nsec", "nsec3", "optout" };
	struct json_node node = json_node_member(config, "denial");
	struct json_text word;

	if (!node.value)
		return false;
	word = json_reader_text(fault, &node);
	for (uint16_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(word.bytes, words[i]) != 0)
			continue;
		*denial = i;
		return true;
	}
	json_reader_fail(fault, &node, "must be \"nsec\", \"nsec3\" or \"optout\"");
	return false;
}

int
zone_config_json_read(const char *bytes, size_t len, const uint8_t *origin,
		      size_t origin_len, uint32_t default_ttl, struct zone_config *out,
		      struct json_fault *fault)
{
	struct json_fault soa_fault = { 0 };
	struct json_node root = { 0 }, soa;
	int code = len > 0 ? json_reader_open(bytes, len, &root, fault) : ERR_OK;

	if (code != ERR_OK && code != ERR_SYNTAX)
		return code;
	memset(out, 0, sizeof *out);
	set_default_soa(out, origin, origin_len, default_ttl);
	json_reader_object(fault, &root);
	out->dnssec_is_known = !fault->found;
	soa = json_node_member(&root, "soa");
	read_soa(&soa_fault, &soa, out);
	if (soa_fault.found) {
		set_default_soa(out, origin, origin_len, default_ttl);
		if (!fault->found)
			*fault = soa_fault;
	}
	if (!read_flag(fault, &root, "dnssec", &out->dnssec))
		out->dnssec_is_known = false;
	out->has_denial = zone_config_json_denial(fault, &root, &out->denial);
	(void)read_flag(fault, &root, "cname_flattening", &out->cname_flattening);
	read_domain_id(fault, &root, out);
	json_reader_close(&root);
	return ERR_OK;
}

size_t
zone_config_soa(const struct zone_config *config, uint32_t serial,
		uint8_t out[ZONE_CONFIG_SOA_MAX])
{
	size_t at = config->mname_len;

	memcpy(out, config->mname, at);
	memcpy(out + at, config->rname, config->rname_len);
	at += config->rname_len;
	wire_put_u32(out + at, serial);
	wire_put_u32(out + at + 4, config->refresh);
	wire_put_u32(out + at + 8, config->retry);
	wire_put_u32(out + at + 12, config->expire);
	wire_put_u32(out + at + 16, config->minimum);
	return at + 20;
}
