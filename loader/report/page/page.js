"use strict";

/* Asks the reporter each second, and shows what has changed.  Whatever it is told goes onto
 * the page as text, never as markup. */

const EVERY_MS = 1000, STALE_MS = 5000, PATIENCE_MS = 4500;
const $ = id => document.getElementById(id);

/* ---- words and numbers ---- */

function count(value) {
	for (const [unit, name] of [[1e9, " G"], [1e6, " M"], [1e3, " k"]])
		if (value >= unit * 9.995)
			return (value / unit).toPrecision(3) + name;
	if (value >= 100 || Number.isInteger(value))
		return Math.round(value).toLocaleString("en");
	return value < .1 ? "< 0.1" : value.toPrecision(2);
}

function whole(value) {
	return value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en");
}

function time(ns) {
	if (!(ns > 0))
		return "–";
	for (const [unit, name] of [[1e9, " s"], [1e6, " ms"], [1e3, " µs"]])
		if (ns >= unit * .9995)
			return String(+(ns / unit).toPrecision(ns >= unit * 99.95 ? 3 : 2)) + name;
	return Math.round(ns) + " ns";
}

function lasting(seconds) {
	if (seconds < 120)
		return Math.round(seconds) + " s";
	if (seconds < 7200)
		return Math.round(seconds / 60) + " min";
	return seconds < 172800 ? Math.round(seconds / 3600) + " h" : Math.round(seconds / 86400) + " d";
}

function bytes(value) {
	for (const [unit, name] of [[1073741824, " GiB"], [1048576, " MiB"], [1024, " KiB"]])
		if (value >= unit)
			return (value / unit).toPrecision(3) + name;
	return value + " B";
}

/* Names come with \DDD for what is no printable ASCII; so does whatever else slipped in. */
function plain(name) {
	return String(name).replace(/[^\x20-\x7e]/g, one => "\\u" + one.codePointAt(0).toString(16).padStart(4, "0"));
}

/* ---- elements ---- */

function element(tag, style, text) {
	const made = document.createElement(tag);

	if (style)
		made.className = style;
	if (text !== undefined)
		made.textContent = text;
	return made;
}

function fill(parent, children) {
	parent.replaceChildren(...children);
}

/* rows  [{label, value, more, share, style, isName}] */
function fillBars(list, rows, emptiness) {
	if (rows.length === 0) {
		fill(list, [element("li", "empty", emptiness)]);
		return;
	}
	while (list.children.length > rows.length || list.querySelector(".empty"))
		list.lastChild.remove();
	while (list.children.length < rows.length) {
		const item = element("li");

		item.append(element("span", "fill"), element("span", "label"), element("span", "value"),
			element("span", "more"));
		list.append(item);
	}
	rows.forEach((row, i) => {
		const [bar, label, value, more] = list.children[i].children;

		list.children[i].className = row.style || "";
		bar.style.width = (100 * Math.min(1, row.share || 0)).toFixed(1) + "%";
		label.className = row.isName ? "label name" : "label";
		label.textContent = row.label;
		list.children[i].title = row.title || row.label;
		value.textContent = row.value;
		more.textContent = row.more || "";
	});
}

function fillPairs(parent, pairs) {
	fill(parent, pairs.map(([label, value]) => {
		const pair = element("span", "", label);

		pair.append(element("em", "", value));
		return pair;
	}));
}

/* ---- what was asked ---- */

const asked = new Map(); /* path: {at, value, busy, missing} */

async function ask(path, freshMs) {
	const now = Date.now(), past = asked.get(path) || { at: 0, value: null };

	if (past.busy || now - past.at < freshMs)
		return past.value;
	past.busy = true;
	past.at = now;
	asked.set(path, past);
	try {
		const stop = new AbortController();
		const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
		const response = await fetch(path, { signal: stop.signal });
		const value = await response.json();

		clearTimeout(timer);
		past.value = response.ok ? value : null;
		past.skew = Date.parse(response.headers.get("Date")) - Date.now();
	} catch (error) {
		past.value = null;
	}
	past.busy = false;
	return past.value;
}

/* ---- what was seen ---- */

const seen = { last: null, lastMs: 0, samples: [] };

/* How much more there is in sums of buckets, by bucket. */
function bucketsSince(now, before) {
	const sums = new Map(before), more = [];

	for (const [limit, sum] of now) {
		const grown = sum - (sums.get(limit) || 0);

		if (grown > 0)
			more.push([limit, grown]);
	}
	return more.sort((a, b) => a[0] - b[0]);
}

function percentile(buckets, share) {
	const all = buckets.reduce((sum, bucket) => sum + bucket[1], 0);
	let below = 0;

	for (const [limit, number] of buckets) {
		below += number;
		if (below >= share * all)
			return limit;
	}
	return 0;
}

function rowsOf(buckets) {
	const rows = new Map();

	for (const [limit, number] of buckets)
		rows.set(rowOf(limit), (rows.get(rowOf(limit)) || 0) + number);
	return rows;
}

/* What happened between two looks. */
function sampleOf(live, before) {
	const span = live.now_ms - before.now_ms, perS = 1000 / span;
	const counters = {}, stages = {};

	for (const [name, value] of Object.entries(live.counters))
		counters[name] = Math.max(0, value - (before.counters[name] || 0)) * perS;
	for (const [name, value] of Object.entries(live.stages))
		stages[name] = Math.max(0, value - (before.stages[name] || 0)) / 1e6 / span / live.workers.length;
	const latency = bucketsSince(live.latency, before.latency);

	return {
		at: live.now_ms, span, counters, stages, latency,
		workers: live.workers.map((worker, i) => {
			const grown = worker.queries - (before.workers[i] ? before.workers[i].queries : 0);

			/* a worker that was started anew counts from 0 */
			return (grown < 0 ? worker.queries : grown) * perS;
		}),
		rows: rowsOf(latency),
		p50: percentile(latency, .5), p99: percentile(latency, .99),
		stream: bucketsSince(live.lag.stream, before.lag.stream),
		event: bucketsSince(live.lag.event, before.lag.event),
	};
}

function isSameServer(live, before) {
	return live.uptime_s >= before.uptime_s && live.now_ms > before.now_ms &&
		live.counters.udp_queries >= before.counters.udp_queries;
}

function take(live) {
	const before = seen.last;

	seen.lastMs = Date.now();
	if (before && !isSameServer(live, before))
		seen.samples = [];
	else if (before && live.now_ms - before.now_ms >= 200)
		seen.samples.push(sampleOf(live, before));
	else if (before)
		return;
	seen.last = live;
	while (seen.samples.length && live.now_ms - seen.samples[0].at > WINDOW_MS_MAX + 2000)
		seen.samples.shift();
}

/* Of the last ten seconds, so that figures can be read. */
function lately(key) {
	const last = seen.samples.filter(sample => seen.last.now_ms - sample.at < 10000);
	const sum = {}, ms = last.reduce((total, sample) => total + sample.span, 0) || 1;

	for (const sample of last)
		for (const [name, value] of Object.entries(sample[key]))
			sum[name] = (sum[name] || 0) + value * sample.span / ms;
	return sum;
}

function latelyBuckets(keys, spanMs) {
	const sums = new Map();

	for (const sample of seen.samples)
		if (seen.last.now_ms - sample.at < spanMs)
			for (const key of keys)
				for (const [limit, number] of sample[key])
					sums.set(limit, (sums.get(limit) || 0) + number);
	return [...sums].sort((a, b) => a[0] - b[0]);
}

/* ---- panels ---- */

function workerColor(i, total) {
	const isLight = document.documentElement.classList.contains("light");
	const hue = 170 + 50 * (total > 1 ? i / (total - 1) : 0);

	return `hsl(${hue} ${isLight ? "55% 45%" : "45% 56%"})`;
}

function showQueries(rates) {
	const workers = seen.last.workers, total = workers.length;
	const colors = workers.map((worker, i) => workerColor(i, total));
	const now = lately("workers");
	const all = (rates.udp_queries || 0) + (rates.tcp_queries || 0);
	const share = value => all > 0 ? (100 * (value || 0) / all).toFixed((value || 0) / all < .0995 ? 1 : 0) + " %" : "–";

	$("qps").textContent = count(all);
	fillPairs($("asked"), [["TCP", share(rates.tcp_queries)], ["IPv6", share(rates.ipv6_queries)],
		["EDNS", share(rates.edns)], ["DO", share(rates.edns_do)]]);
	drawAreas($("queries-chart"), seen.samples.map(sample => ({ at: sample.at, values: sample.workers })),
		seen.last.now_ms, colors, count);
	fill($("workers"), workers.map((worker, i) => {
		const item = element("li", worker.state === "serving" ? "" : "bad");
		const dot = element("span", "dot");

		dot.style.backgroundColor = colors[i];
		item.append(dot, element("span", "", "worker " + worker.id), element("em", "",
			worker.state === "serving" ? count(now[i] || 0) : worker.state));
		if (worker.restarts)
			item.append(element("span", "", worker.restarts + (worker.restarts === 1 ? " restart" : " restarts")));
		return item;
	}));
}

function showLatency() {
	const buckets = latelyBuckets(["latency"], 10000);

	fillPairs($("percentiles"), [["p50", .5], ["p90", .9], ["p99", .99], ["p99.9", .999], ["max", 1]]
		.map(([name, share]) => [name, time(percentile(buckets, share))]));
	drawTimes($("latency-chart"), seen.samples, seen.last.now_ms, time);
}

/* Those of NOERROR are told apart. */
const CODES = [
	["answer", "answer", c => c.noerror - c.nodata - c.referrals],
	["NODATA", "nodata", c => c.nodata],
	["referral", "referral", c => c.referrals],
	["NXDOMAIN", "nxdomain", c => c.nxdomain],
	["REFUSED", "refused", c => c.refused],
	["SERVFAIL", "servfail", c => c.servfail],
	["other codes", "other", c => c.formerr + c.notimp + c.yxdomain + c.badvers + c.notauth + (c.badcookie || 0)],
];

function showCodes(rates) {
	drawAreas($("codes-chart"), seen.samples.map(sample => ({
		at: sample.at, values: CODES.map(code => Math.max(0, code[2](sample.counters))),
	})), seen.last.now_ms, CODES.map(code => cssColor(code[1])), count);
	const isSeen = ([name, , value]) => name === "answer" || name === "NXDOMAIN" || name === "SERVFAIL" ||
		seen.samples.some(sample => value(sample.counters) > 0);

	fill($("codes"), CODES.filter(isSeen).map(([name, color, value]) => {
		const item = element("li"), dot = element("span", "dot");

		dot.style.backgroundColor = cssColor(color);
		item.append(dot, element("span", "", name), element("em", "", count(Math.max(0, value(rates) || 0))));
		return item;
	}));
}

const STAGE_WORDS = {
	upkeep: "between batches", receive: "receive", lookup: "decode and look up", answer: "answer",
	steer: "choose records", general: "answer, the long way", limit: "limits", log: "query log",
	note: "count", send: "send", tcp: "TCP",
};

function showStages(rates) {
	const stages = lately("stages"), queries = (rates.udp_queries || 0) + (rates.tcp_queries || 0);
	const busy = Object.entries(stages).filter(([name]) => name !== "wait");
	const sum = busy.reduce((total, [, share]) => total + share, 0);
	const most = Math.max(...busy.map(([, share]) => share), .0001);
	const workers = seen.last.workers.length;

	$("busy").textContent = (100 * Math.min(sum, 1)).toFixed(sum < .0995 ? 1 : 0) + " %";
	fillBars($("stages"), busy.map(([name, share]) => ({
		label: STAGE_WORDS[name] || name,
		value: (100 * share).toFixed(1) + " %",
		more: queries >= 1 && share > 0 ? time(share * workers * 1e9 / queries) : "–",
		share: share / most,
		style: share < .0005 ? "quiet" : "",
	})), "");
}

function showChanges(changes, source) {
	const list = changes && changes.changes || [];
	const skew = asked.get("/changes") && asked.get("/changes").skew || 0;
	const lag = latelyBuckets(["stream", "event"], WINDOW_MS_MAX);
	const wallMs = Date.now() + skew;

	fillPairs($("lag"), lag.length === 0 ? [] :
		[["p50", .5], ["p99", .99], ["max", 1]].map(([name, share]) =>
			[name, time(1000 * percentile(lag, share))]));
	if (source) {
		const since = source.staleness_s > 10 ? ", " + lasting(source.staleness_s) + " behind" : "";

		$("source").textContent = source.kind === "files" ? "from files" :
			"from " + source.kind + ", " + (source.state || "not connected") + since;
		$("source").title = source.last_error || "";
	}
	drawDots($("changes-chart"), list.filter(change => change.took_us !== null).map(change => ({
		at: Date.parse(change.served), us: change.took_us,
		color: cssColor(change.cause === "stream" ? "accent" : "referral"),
	})), wallMs, time);
	if (list.length === 0) {
		fill($("changes"), [element("li", "empty", changes ? "no change since the server's start" : "")]);
		return;
	}
	fill($("changes"), list.slice(0, 3).map(change => {
		const item = element("li");

		item.append(element("span", "name", plain(change.zone === null ? "" : change.zone) +
				(change.zones > 1 ? " and " + (change.zones - 1) + " more" : "")),
			element("span", "", "+" + whole(change.added) + " −" + whole(change.removed)),
			element("span", "", lasting(Math.max(0, (wallMs - Date.parse(change.served)) / 1000)) + " ago"),
			element("em", "", change.took_us === null ? "–" : time(1000 * change.took_us)));
		return item;
	}));
}

const LIMIT_WORDS = {
	limit_client_rate: "clients over their rate", limit_client_blacklist: "clients on the blacklist",
	limit_refused: "clients refused", limit_dropped: "clients not answered", limit_log_only: "let through: log_only",
	limit_rrl_answers: "too many answers alike", limit_rrl_nxdomain: "too many NXDOMAIN", limit_rrl_nodata: "too many NODATA",
	limit_rrl_referrals: "too many referrals", limit_rrl_errors: "too many errors", limit_rrl_dropped: "responses dropped",
	limit_rrl_slipped: "responses with TC", badcookie: "responses BADCOOKIE", udp_socket_drops: "dropped by the kernel",
	isolation_short: "workers fell behind", isolation_shed_absent: "shed: names that do not exist",
	isolation_shed_existing: "shed: names that exist",
};

function topRows(list, member) {
	const most = list.length ? list[0].qps : 1;

	return list.slice(0, 8).map(one => ({
		label: plain(one[member]), isName: true,
		value: count(one.qps),
		more: one.nxdomain >= .01 * one.queries ? Math.round(100 * one.nxdomain / one.queries) + " % nx" : "",
		title: plain(one[member]) + ": " + whole(one.queries) + " queries, ± " + whole(one.error),
		share: most > 0 ? one.qps / most : 0,
		style: one.nxdomain > .5 * one.queries ? "warn" : "",
	}));
}

/* Clients stand there with http.debug only. */
function showTop(answer) {
	const top = answer && answer.top || { zones: [], names: [] };
	const note = answer && answer.window_s ? "a second, of the last " + Math.round(answer.window_s) + " s" : "";

	$("zones-note").textContent = $("names-note").textContent = note;
	fillBars($("top-zones"), topRows(top.zones, "zone"), "nothing is asked for");
	fillBars($("top-names"), topRows(top.names, "name"), "nothing is asked for");
	document.querySelector(".clients").hidden = !top.sources;
	document.querySelector("main").classList.toggle("has-clients", Boolean(top.sources));
	fillBars($("top-clients"), topRows(top.sources || [], "client"), "nobody asks");
}

function showLimits(rates) {
	const rows = Object.entries(seen.last.counters)
		.filter(([name, total]) => /^(?:limit|isolation)_|^badcookie$|^udp_socket_drops$/.test(name) && total > 0)
		.map(([name, total]) => ({ name, total, rate: rates[name] || 0 }))
		.sort((a, b) => b.rate - a.rate || b.total - a.total).slice(0, 8);
	const most = Math.max(...rows.map(row => row.rate), .0001);

	fillBars($("limits"), rows.map(row => ({
		label: LIMIT_WORDS[row.name] || row.name.replace(/_/g, " "),
		value: row.rate > 0 ? count(row.rate) : "",
		more: count(row.total),
		share: row.rate / most,
		style: row.rate > 0 ? row.name === "udp_socket_drops" ? "bad" : "warn" : "quiet",
	})), "nothing was limited or dropped");
}

function showHealth(status) {
	const health = seen.last.health, role = status && status.health ? status.health.role : null;
	const all = health.up + health.down + health.unknown;

	$("health-note").textContent = role === "off" ? "" : all ? "of " + count(all) + " targets" : "";
	fillBars($("health"), role === "off" || !all ? [] : [
		{ label: "up", value: count(health.up), share: health.up / all },
		{ label: "down", value: count(health.down), share: health.down / all, style: health.down ? "bad" : "quiet" },
		{ label: "unknown", value: count(health.unknown), share: health.unknown / all,
			style: health.unknown ? "warn" : "quiet" },
		...health.held ? [{ label: "held by mass_guard", value: count(health.held), share: health.held / all, style: "warn" }] : [],
	], role === "off" ? "health checks are off" : "no targets");
}

function showGenerations(generations) {
	const list = generations && generations.generations || [];
	const skew = asked.get("/generations") && asked.get("/generations").skew || 0;

	fill($("generations"), list.slice().sort((a, b) => b.id - a.id).slice(0, 7).map(one => {
		const item = element("li", one.serving ? "serving" : one.state === "ok" ? "" : "bad");

		item.append(element("em", "", "#" + one.id),
			element("span", "", lasting(Math.max(0, (Date.now() + skew - Date.parse(one.created)) / 1000)) + " ago" +
				(one.state === "ok" ? "" : ", " + one.state)),
			element("span", "", count(one.zones) + (one.zones === 1 ? " zone" : " zones")),
			element("span", "", count(one.records) + " records"));
		item.title = bytes(one.bytes);
		if (one.reason)
			item.title = one.reason;
		return item;
	}));
}

function showHead(status) {
	const live = seen.last, problems = status ? status.problems || [] : [];
	const state = $("state");
	const facts = [["generation", live.generation ? "#" + live.generation : "none"]];

	state.textContent = !live.ready ? "not serving" : problems.length ?
		problems.length + (problems.length === 1 ? " problem" : " problems") : "serving";
	state.className = "pill " + (!live.ready ? "bad" : problems.length ? "warn" : "good");
	document.title = (live.ready ? problems.length ? "! " : "" : "✗ ") + "martlet " + location.hostname;
	if (status) {
		facts.push(["zones", whole(status.zones)], ["records", whole(status.records)]);
		if (status.overlay_records)
			facts.push(["live changes", whole(status.overlay_records)]);
	}
	facts.push(["TCP", whole(live.counters.tcp_open)], ["up", lasting(live.uptime_s)], ["version", live.version]);
	$("flame-open").hidden = !(status && status.http && status.http.debug);
	fill($("facts"), facts.map(([name, value]) => {
		const pair = element("div");

		pair.append(element("dt", "", name), element("dd", "", value));
		return pair;
	}));
	fill($("problems"), problems.slice(0, 6).map(text => element("li", live.ready ? "" : "bad", text)));
	fill($("notices"), (status && status.notices || []).slice(0, 4).map(text => element("li", "", text)));
}

/* ---- the loop ---- */

function show(answers) {
	const rates = lately("counters");

	chartSpan(seen.samples.length ? seen.last.now_ms - seen.samples[0].at : 0);
	showHead(answers.status);
	showQueries(rates);
	showLatency();
	showCodes(rates);
	showStages(rates);
	showChanges(answers.changes, answers.status && answers.status.source);
	showTop(answers.top);
	showLimits(rates);
	showHealth(answers.status);
	showGenerations(answers.generations);
}

let latest = {};

async function turn() {
	const live = await ask("/live", EVERY_MS / 2);

	if (live) {
		take(live);
		const [status, top, changes, generations] = await Promise.all([
			ask("/status", 2000), ask("/top", 1500), ask("/changes", 2000), ask("/generations", 10000),
		]);

		latest = { status, top, changes, generations };
	}
	const silentMs = Date.now() - seen.lastMs;

	document.body.classList.toggle("stale", silentMs > STALE_MS);
	if (silentMs > STALE_MS) {
		$("state").textContent = seen.lastMs ? "no answer for " + lasting(silentMs / 1000) : "no answer";
		$("state").className = "pill bad";
	} else if (seen.last && !document.hidden) {
		show(latest);
	}
}

async function run() {
	const begun = Date.now();

	$("clock").textContent = new Date().toTimeString().slice(0, 8);
	try {
		await turn();
	} catch (error) {
		console.error(error);
	}
	setTimeout(run, Math.max(50, EVERY_MS - (Date.now() - begun)));
}

/* ---- dark and light ---- */

function setTheme(theme) {
	document.documentElement.classList.toggle("light", theme === "light");
	if (seen.last)
		show(latest);
}

const preferred = matchMedia("(prefers-color-scheme: light)");
const themeNow = () => localStorage.getItem("theme") || (preferred.matches ? "light" : "dark");

preferred.addEventListener("change", () => setTheme(themeNow()));
$("theme").addEventListener("click", () => {
	localStorage.setItem("theme", themeNow() === "light" ? "dark" : "light");
	setTheme(themeNow());
});
addEventListener("resize", () => seen.last && show(latest));
$("host").textContent = location.host;
setTheme(themeNow());
flameStart();
run();
