/* How long changes take: many zones served from text, from the store, after a change of
 * one.  Usage: reload [ZONES [RECORDS-PER-ZONE]] */
#include "t/unit/sync_bed.h"

static struct bed bed;

static void
write_zones(unsigned zones, unsigned records)
{
	char *lines = malloc((size_t)records * 64 + 1), origin[32];
	size_t len = 0;

	if (!lines)
		bail_out("memory");
	lines[0] = '\0';
	for (unsigned i = 2; i < records; i++)
		len += (size_t)sprintf(lines + len, "host%u A 192.0.2.%u\n", i, i % 256);
	for (unsigned i = 0; i < zones; i++) {
		snprintf(origin, sizeof origin, "zone%u.test", i);
		bed_write_zone(&bed, origin, 1, lines);
	}
	free(lines);
	/* let the stamps of the last ones settle */
	usleep(50000);
}

/* The time from the start of sync to something served. */
static double
start_ms(void)
{
	uint64_t begun_ns = clock_now_ns(), served_ns;

	bed.region = region_create(2);
	bed.heritage.log_fd =
		open(bed.log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	bed_fork_sync(&bed);
	while (bed_served(&bed) == 0)
		usleep(200);
	served_ns = clock_now_ns();
	bed_wait_idle(&bed);
	printf("%10.1f ms until it has caught up\n",
	       (double)(clock_now_ns() - begun_ns) / 1e6);
	return (double)(served_ns - begun_ns) / 1e6;
}

static void
time_request(const char *words, const char *what)
{
	uint64_t begun_ns = clock_now_ns();

	if (bed_ask(&bed, words) != 0)
		bail_out("%s: %s", words, bed.reply);
	printf("%10.1f ms %s\n", (double)(clock_now_ns() - begun_ns) / 1e6, what);
}

static void
time_clerk(const char *words, const char *what)
{
	uint64_t begun_ns = clock_now_ns();

	if (bed_ask_clerk(&bed, words) != 0)
		bail_out("%s: %s", words, bed.reply);
	printf("%10.1f ms %s\n", (double)(clock_now_ns() - begun_ns) / 1e6, what);
}

int
main(int arg_count, char **args)
{
	unsigned zones = arg_count > 1 ? (unsigned)atoi(args[1]) : 10000;
	unsigned records = arg_count > 2 ? (unsigned)atoi(args[2]) : 10;

	bed_init(&bed);
	bed.settings.generations.keep = 100;
	write_zones(zones, records);
	printf("%u zones of %u records\n", zones, records);
	printf("%10.1f ms from start to served, from text\n", start_ms());
	time_request("reload", "reload, nothing changed");
	for (unsigned serial = 2; serial < 5; serial++) {
		bed_write_zone(&bed, "zone7.test", serial, "");
		usleep(50000);
		time_request("reload", "reload, one zone changed");
	}
	bed_write_zone(&bed, "zone7.test", 9, "");
	usleep(50000);
	time_request("reload zone7.test", "reload of the changed zone alone");
	time_clerk("zones", "zones");
	time_clerk("diff 1 live", "diff, one zone of all differs");
	time_request("rollback", "rollback");
	time_request("resume", "resume");
	bed_stop(&bed);
	printf("%10.1f ms from start to served, from the store\n", start_ms());
	bed_stop(&bed);
	bed_fini(&bed);
	return 0;
}
