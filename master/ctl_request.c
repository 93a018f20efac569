/* Decodes control requests. */
#include "master/ctl_request.h"

#include <arpa/inet.h>
#include <string.h>

const char *
ctl_request_check_head(const uint8_t *octets, size_t *len)
{
	struct ctl_head head;

	memcpy(&head, octets, sizeof head);
	if (ntohs(head.magic_be) != CTL_MAGIC)
		return "this is no request of martletctl";
	if (head.version != CTL_VERSION)
		return "the request is of another version: use the martletctl that came "
		       "with this server";
	if (head.kind != CTL_REQUEST)
		return "this is no request";
	if (ntohl(head.len_be) > CTL_REQUEST_MAX)
		return "the request is longer than 64 KiB";
	if (head.len_be == 0)
		return "the request is empty";
	*len = ntohl(head.len_be);
	return NULL;
}

const char *
ctl_request_split(uint8_t *octets, size_t len, struct ctl_request *out)
{
	char *text = (char *)octets;

	out->arg_count = 0;
	if (len == 0 || text[len - 1] != '\0')
		return "the request does not end with a NUL";
	for (size_t at = 0; at < len; at += strlen(text + at) + 1) {
		if (out->arg_count == CTL_ARGS_MAX)
			return "the request has too many arguments";
		out->args[out->arg_count++] = text + at;
	}
	return NULL;
}
