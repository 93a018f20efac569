/* Starting, and following the zone files. */
#include <sys/stat.h>

#include "t/unit/sync_bed.h"

static struct bed bed;

static void
test_first_start(void)
{
	bed_write_zone(&bed, "a.test", 1, "www A 192.0.2.1\n");
	bed_write_zone(&bed, "b.test", 1, "");
	bed_write_zone(&bed, "bad.test", 1, "www A 1.2.3\n");
	bed_start(&bed);
	is_int(bed_served(&bed), 1, "a first generation is served");
	is_int(bed_current(&bed), 1, "and is the current one");
	is_int(atomic_load(&bed.region->swap.zone_count), 3, "of three zones");
	is_int(atomic_load(&bed.region->swap.broken_count), 1, "one of them in error");
	is_int(bed_serial(&bed, "a.test."), 1, "a good zone");
	is_int(bed_serial(&bed, "bad.test."), -1, "a bad one gets SERVFAIL");
	ok(bed_is_whole(&bed, 1), "the generation is whole");
	ok(bed_log_has(&bed, "bad.test.zone:4:"), "the log names file and line");
	ok(atomic_load(&bed.region->swap.checked_at_s) > 0, "the sources were read");
}

static void
test_nothing_changed(void)
{
	is_int(bed_ask(&bed, "reload"), 0, "reload without a change");
	ok(bed_reply_has(&bed, "\"nothing has changed\""), "says so");
	ok(bed_reply_has(&bed, "\"changed\":0"), "no zone changed");
	ok(bed_reply_has(&bed, "\"zones_in_error\":1"), "one is in error still");
	ok(bed_reply_has(&bed, "\"line\":4"), "with its line");
}

static void
test_change(void)
{
	uint64_t before = bed_served(&bed);

	bed_write_zone(&bed, "a.test", 2, "www A 192.0.2.2\n");
	is_int(bed_ask(&bed, "reload"), 0, "a zone changes");
	ok(bed_reply_has(&bed, "\"changed\":1"), "one zone changed");
	is_int(bed_served(&bed), before + 1, "a new generation");
	is_int(bed_current(&bed), before + 1, "is current");
	is_int(bed_serial(&bed, "a.test."), 2, "with the new data");
	is_int(bed_serial(&bed, "b.test."), 1, "and the old");
	ok(bed_is_whole(&bed, before + 1), "the generation is whole");

	bed_write_zone(&bed, "new.test", 7, "");
	bed_remove_zone(&bed, "b.test");
	is_int(bed_ask(&bed, "reload"), 0, "a zone comes and one goes");
	ok(bed_reply_has(&bed, "\"changed\":1"), "one is new");
	ok(bed_reply_has(&bed, "\"removed\":1"), "one is gone");
	is_int(bed_serial(&bed, "new.test."), 7, "the new one is served");
	is_int(bed_serial(&bed, "b.test."), 0, "the other one is not");
}

static void
test_bad_zone(void)
{
	bed_write_zone(&bed, "a.test", 3, "www CNAME x\nwww A 192.0.2.3\n");
	is_int(bed_ask(&bed, "reload"), 0, "a zone becomes bad: the others are served");
	ok(bed_reply_has(&bed, "\"zones_in_error\":2"), "it is counted");
	ok(bed_reply_has(&bed, "\"state\":\"stale\""), "as stale");
	is_int(bed_serial(&bed, "a.test."), 2, "its older data goes on being served");
	is_int(bed_ask(&bed, "reload a.test"), 1, "reload of the zone itself fails");
	ok(bed_reply_has(&bed, "\"error\":\""), "with the reason");
	ok(bed_reply_has(&bed, "\"nothing has changed\""), "and nothing changed by it");
	is_int(bed_ask(&bed, "reload new.test"), 0, "reload of a good one does not");

	bed_write_zone(&bed, "a.test", 4, "");
	is_int(bed_ask(&bed, "reload a.test"), 0, "the zone is mended");
	is_int(bed_serial(&bed, "a.test."), 4, "and served");
	bed_write_zone(&bed, "bad.test", 2, "");
	is_int(bed_ask(&bed, "reload"), 0, "so is the other one");
	ok(bed_reply_has(&bed, "\"zones_in_error\":0"), "no error is left");
	is_int(bed_serial(&bed, "bad.test."), 2, "it is served");
}

static void
test_include(void)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof path, "%s/more.inc", bed.zones_dir);
	bed_write_zone(&bed, "inc.test", 1, "$INCLUDE more.inc\n");
	is_int(bed_ask(&bed, "reload"), 0, "an included file is missing");
	is_int(bed_serial(&bed, "inc.test."), -1, "the zone is in error");
	file = fopen(path, "w");
	if (!file)
		bail_out("cannot write");
	fputs("www A 192.0.2.9\n", file);
	fclose(file);
	is_int(bed_ask(&bed, "reload"), 0, "it appears");
	is_int(bed_serial(&bed, "inc.test."), 1, "and the zone is served");
	file = fopen(path, "w");
	fputs("www A 192.0.2.10\n", file);
	fclose(file);
	is_int(bed_ask(&bed, "reload"), 0, "the included file alone changes");
	ok(bed_reply_has(&bed, "\"changed\":1"), "and the zone with it");
}

static void
test_one_zone(void)
{
	uint64_t before;

	bed_write_zone(&bed, "a.test", 5, "");
	bed_write_zone(&bed, "new.test", 8, "");
	bed_remove_zone(&bed, "bad.test");
	is_int(bed_ask(&bed, "reload A.TEST."), 0, "one zone alone");
	is_int(bed_serial(&bed, "a.test."), 5, "is read");
	is_int(bed_serial(&bed, "new.test."), 7, "others are not");
	is_int(bed_serial(&bed, "bad.test."), 2, "nor removed");
	before = bed_served(&bed);
	is_int(bed_ask(&bed, "reload no.test"), 1, "a zone that is not configured");
	ok(bed_reply_has(&bed, "zone no.test. is not configured"), "is refused");
	is_int(bed_ask(&bed, "reload a..test"), 1, "what is no name");
	is_int(bed_ask(&bed, "reload a.test b.test"), 1, "too many arguments");
	is_int(bed_ask(&bed, "no-such-command"), 1, "an unknown command");
	is_int(bed_served(&bed), before, "change nothing");
	is_int(bed_ask(&bed, "reload"), 0, "then all");
	ok(bed_reply_has(&bed, "\"removed\":1"), "the removal too");
	is_int(bed_serial(&bed, "new.test."), 8, "and the other change");
}

static void
test_no_directory(void)
{
	uint64_t before = bed_served(&bed);
	char reason[256];

	bed_shell("mv %s %s.away", bed.zones_dir, bed.zones_dir);
	is_int(bed_ask(&bed, "reload"), 1, "the directory of zones is gone");
	ok(bed_reply_has(&bed, "\"error\":\""), "that is an error");
	is_int(bed_served(&bed), before, "and no reason to serve nothing");
	region_get_error(bed.region, reason);
	ok(strstr(reason, bed.zones_dir) != NULL, "status states it: %s", reason);
	bed_shell("mv %s.away %s", bed.zones_dir, bed.zones_dir);
	is_int(bed_ask(&bed, "reload"), 0, "it is back");
	region_get_error(bed.region, reason);
	is(reason, "", "the error is gone");
}

/* A peer that goes away or never reads must not hold anything up. */
static void
test_bad_peers(void)
{
	uint64_t begun_ms;
	int fds[2];

	for (unsigned i = 0; i < 3000; i++) {
		char origin[32];

		snprintf(origin, sizeof origin, "bad%u.test", i);
		bed_write_zone(&bed, origin, 1, "no-such-type\n");
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		bail_out("no socket");
	bed_send(&bed, "reload", 7, fds[1]);
	close(fds[1]);
	begun_ms = clock_now_ms();
	is_int(bed_ask(&bed, "reload a.test"), 0,
	       "a request behind a peer that never reads");
	ok(clock_now_ms() - begun_ms < 20000, "is answered in time (%" PRIu64 " ms)",
	   clock_now_ms() - begun_ms);
	close(fds[0]);
	is_int(bed_ask(&bed, "reload"), 0, "thousands of errors");
	ok(bed_reply_has(&bed, "bad2999.test."), "all of them are in the reply");
	ok(bed_log_has(&bed, "more errors: martletctl errors"),
	   "the log has the first ones");

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		bail_out("no socket");
	bed_send(&bed, "reload", 7, fds[1]);
	close(fds[1]);
	close(fds[0]);
	is_int(bed_ask(&bed, "reload a.test"), 0, "a peer that has hung up");
	bed_send(&bed, "reload", 7, -1);
	is_int(bed_ask(&bed, "reload a.test"), 0, "a request without a peer");
	bed_send(&bed, "no end", 6, -1);
	bed_send(&bed,
		 "sweep\0"
		 "123",
		 10, -1);
	is_int(bed_ask(&bed, "reload a.test"), 0, "messages that ask for nothing");
}

/* Restart: what was served is served at once, then what changed meanwhile. */
static void
test_restart(void)
{
	uint64_t before;

	bed_shell("rm %s/bad[0-9]*.zone", bed.zones_dir);
	is_int(bed_ask(&bed, "reload"), 0, "clean again");
	before = bed_served(&bed);
	bed_stop(&bed);
	bed_start(&bed);
	is_int(bed_served(&bed), before, "after a restart the same is served");
	ok(bed_log_has(&bed, "nothing changed"), "and found up to date");
	bed_stop(&bed);
	bed_write_zone(&bed, "a.test", 9, "");
	bed_shell("mkdir %s/generations/00009999.tmp", bed.state_dir);
	bed_start(&bed);
	is_int(bed_served(&bed), before + 1,
	       "a change while it was down is caught up with");
	is_int(bed_serial(&bed, "a.test."), 9, "and served");
	ok(bed_log_has(&bed, "00009999.tmp"), "what was half built is swept");
	bed_stop(&bed);

	bed_shell("mv %s %s.away", bed.zones_dir, bed.zones_dir);
	bed_start(&bed);
	is_int(bed_served(&bed), before + 1,
	       "without the zone files the store is served");
	is_int(bed_serial(&bed, "a.test."), 9, "as it was");
	bed_shell("mv %s.away %s", bed.zones_dir, bed.zones_dir);
}

/* The master starts sync anew when settings of its own have changed, and has the reload
 * wait for it: the reload finds the changes, no catching up does before it. */
static void
test_restart_for_reload(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		bail_out("no socket");
	bed_kill(&bed, SIGKILL);
	bed_write_zone(&bed, "a.test", 11, "");
	bed.first_request = "reload";
	bed.first_fd = fds[1];
	bed_fork_sync(&bed);
	bed.first_request = NULL;
	close(fds[1]);
	is_int(bed_read_reply(&bed, fds[0]), 0, "the reload that waited");
	close(fds[0]);
	ok(bed_reply_has(&bed, "\"changed\":1"), "has found the change");
	is_int(bed_serial(&bed, "a.test."), 11, "which is served");
}

static void
test_retention(void)
{
	struct generation_list list;

	for (unsigned serial = 20; serial < 26; serial++) {
		bed_write_zone(&bed, "a.test", serial, "");
		bed_ask(&bed, "reload");
	}
	is_int(bed_serial(&bed, "a.test."), 25, "after many reloads");
	is_int(generations_list(bed.state_dir, &list), 0, "the list");
	is_int(list.count, 3, "holds generations.keep of them");
	generations_list_free(&list);
}

int
main(void)
{
	bed_init(&bed);
	test_first_start();
	test_nothing_changed();
	test_change();
	test_bad_zone();
	test_include();
	test_one_zone();
	test_no_directory();
	test_bad_peers();
	test_restart();
	test_restart_for_reload();
	test_retention();
	bed_stop(&bed);
	bed_fini(&bed);
	return done_testing();
}
