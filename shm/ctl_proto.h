/* Control messages between martletctl and the master, on a Unix stream socket.
 *
 * One request, then one reply, then the server closes.
 *
 *	request   struct ctl_head, kind CTL_REQUEST, then `len` octets: NUL-terminated
 *	          arguments, the command first ("reload\0example.com.\0"); 64 KiB at most
 *	reply     any number of CTL_PROGRESS (one line of text for stderr), any number of
 *	          CTL_DATA (pieces of one JSON object, to be joined), then one CTL_END,
 *	          whose `status` is the exit code: 0 done, 1 refused or failed
 *
 * Behind a request of simulate the client sends files: each any number of CTL_INPUT (pieces
 * of it, 1..CTL_DATA_MAX octets), ended by one without octets, and then one CTL_END.  They
 * are, as far as the request names them, the other country database, the other ASN database,
 * the clients.
 *
 * On failure the object has a member "error" (text for people, one line).  Numbers are
 * in network order.  An unknown version, kind or command is answered by CTL_END with
 * status 1 and an object that says so.
 *
 * The objects, whose members man/martletctl.8 describes; "..." are lists of texts,
 * times are UTC as "2024-11-21T04:20:00Z", what is not known is null:
 *
 *	status       version pid uptime_s state generation overlay_records zones records
 *	             source:{kind connected staleness_s cursor last_error, and with
 *	             Redis state server connected_s oldest_digest_s} workers
 *	             problems:[...] notices:[...]
 *	ready        ready (true, false) generation
 *	workers      workers:[{id pid cpu state restarts uptime_s qps queries generation
 *	             rss_bytes}]
 *	stats        every figure of shm/figures.h by name, then latency_p50_ns
 *	             latency_p90_ns latency_p99_ns latency_p999_ns latency_max_ns
 *	             stages:{a stage's name:{count mean_ns p50_ns p90_ns p99_ns p999_ns
 *	             max_ns spent_ns}} stream_propagation, event_propagation:{count p50_us p90_us p99_us
 *	             max_us buckets:[{below_us count}]}; with --per-worker also
 *	             stats:[{id, every counter by name, latency_... stages}]
 *	top          window_s queries qps receive_to_send, queue:{as a stage} dropped
 *	             workers:[{id qps busy}] top:{zones:[{zone queries error qps nxdomain}]
 *	             names:[{name zone ...}] sources:[{client ...}]
 *	             rcodes:[{rcode queries error qps}]}
 *	zones        zones:[{name serial records source state loaded_at error}]
 *	             with --digest zones:[{name serial records digest}] digest
 *	errors       errors:[{zone owner type source line reason state}] unlisted
 *	changes      changes:[{number id cause zone zones added removed written served
 *	             took_us}], the newest first; times with milliseconds
 *	reload, resume   generation zones records changed removed zones_in_error
 *	             rrsets_in_error errors:[as errors] took_ms notices:[...]
 *	swap, rollback   generation zones records took_ms notices:[...]
 *	generations  generations:[{id created zones records bytes serving state reason}]
 *	             chosen
 *	diff         a b diff:[{zone name removed:[...] added:[...]}], lines of zone files
 *	held         held:[{id since change reason served offered zones first:[{zone
 *	             served offered reason}]}]
 *	accept       id
 *	export       export:[{zone apex records:[...]}], a name each, lines of zone files
 *	explain      explain:{name type client ecs transport do generation live_changes
 *	             same_on_straight_path steps:[{step text ...}] rcode flags size ecs_scope
 *	             extended_error extended_error_text answer authority additional}
 *	simulate     simulate:[{address share share_after change answered answered_after}]
 *	             name type generation clients moved unanswered unanswered_after lines
 *	             skipped notices:[...]
 *	profile, trace, schedtrace   kind version begun_us seconds workers, and what man/martletctl.8
 *	             names of each kind
 *	stop         nothing; answered once the server has stopped */
#ifndef SHM_CTL_PROTO_H
#define SHM_CTL_PROTO_H

#include <stdint.h>

enum {
	CTL_VERSION = 1,
	CTL_REQUEST_MAX = 65536,
	CTL_DATA_MAX = 65536,		/* octets behind one reply head */
	CTL_PEERS_MAX = 16,
	CTL_REQUEST_MS = 5000,		/* to send a request */
	CTL_ARGS_MAX = 64,
};
#define CTL_MAGIC 0x4d54u		/* "MT" */

enum ctl_kind { CTL_REQUEST = 1, CTL_PROGRESS = 2, CTL_DATA = 3, CTL_END = 4, CTL_INPUT = 5 };

struct ctl_head {
	uint16_t magic_be;
	uint8_t version;
	uint8_t kind;
	uint16_t status_be;
	uint16_t reserved;
	uint32_t len_be;
};

#endif
