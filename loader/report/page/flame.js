"use strict";

/* A flame graph of the workers, made by the server when it is asked for: `profile cpu`.
 * Stacks come as "worker 0;stage;function;..", with how often each was seen. */

const FLAME_SECONDS = 5;
const flame = { root: null, focus: null, shown: [], row: 22 };

function flameTree(folded) {
	const root = { name: "all", count: 0, children: new Map(), parent: null };

	for (const { stack, count: number } of folded) {
		let node = root;

		root.count += number;
		for (const name of stack.split(";")) {
			if (!node.children.has(name))
				node.children.set(name, { name, count: 0, children: new Map(), parent: node });
			node = node.children.get(name);
			node.count += number;
		}
	}
	return root;
}

/* The same name has the same color, whichever graph it is in. */
function flameColor(name) {
	const isLight = document.documentElement.classList.contains("light");
	let hash = 7;

	for (const one of name)
		hash = (hash * 31 + one.codePointAt(0)) % 9973;
	if (name.startsWith("kernel") || name.endsWith("_[k]"))
		return `hsl(${212 + hash % 16} 35% ${isLight ? 74 : 42}%)`;
	if (name.startsWith("stage: "))
		return `hsl(172 ${isLight ? "38% 74%" : "35% 34%"})`;
	return `hsl(${20 + hash % 24} ${36 + hash % 16}% ${(isLight ? 74 : 40) + hash % 6}%)`;
}

function flamePut(chart, node, x, width, row) {
	const { context } = chart;
	const y = chart.height - (row + 1) * flame.row;

	if (width < .6)
		return;
	flame.shown.push({ node, x, width, y });
	context.fillStyle = node === flame.root ? cssColor("faint") : flameColor(node.name);
	context.fillRect(x, y, Math.max(width - 1, .6), flame.row - 1);
	if (width > 34) {
		context.save();
		context.beginPath();
		context.rect(x, y, width - 4, flame.row);
		context.clip();
		context.fillStyle = node === flame.root ? cssColor("text") : document.documentElement.classList.contains("light") ? "#1a1208" : "#fdf6ee";
		context.fillText(node.name, x + 4, y + flame.row / 2);
		context.restore();
	}
	let at = x;

	for (const child of [...node.children.values()].sort((a, b) => a.name < b.name ? -1 : 1)) {
		const wide = width * child.count / node.count;

		flamePut(chart, child, at, wide, row + 1);
		at += wide;
	}
}

/* Those that it stands on are as wide as it is. */
function flameDraw() {
	if (!flame.root)
		return;
	const chart = chartBegin($("flame-chart"));
	const below = [];

	flame.row = Math.round(1.7 * chart.letter);
	chart.context.textAlign = "left";
	chart.context.textBaseline = "middle";
	flame.shown = [];
	for (let node = flame.focus.parent; node; node = node.parent)
		below.unshift(node);
	below.forEach((node, row) => {
		const alone = { ...node, children: new Map() };

		chart.context.globalAlpha = .5;
		flamePut(chart, alone, 0, chart.width, row);
		flame.shown[flame.shown.length - 1].node = node;
		chart.context.globalAlpha = 1;
	});
	flamePut(chart, flame.focus, 0, chart.width, below.length);
}

function flameAt(event) {
	return flame.shown.find(one => event.offsetX >= one.x && event.offsetX < one.x + one.width &&
		event.offsetY >= one.y && event.offsetY < one.y + flame.row);
}

async function flameTake() {
	$("flame-again").disabled = true;
	$("flame-note").textContent = "workers are sampled for " + FLAME_SECONDS + " s…";
	try {
		const response = await fetch("/profile?seconds=" + FLAME_SECONDS);
		const answer = await response.json();

		if (!response.ok || answer.error || !answer.folded)
			throw new Error(answer.error || "the server has no answer");
		flame.root = flame.focus = flameTree(answer.folded);
		$("flame-note").textContent = flame.root.count === 0 ? "nobody was at work" :
			whole(flame.root.count) + " samples at " + answer.hz + " Hz; a click takes a closer look";
		flameDraw();
	} catch (error) {
		$("flame-note").textContent = error.message;
	}
	$("flame-again").disabled = false;
}

function flameStart() {
	$("flame-open").addEventListener("click", () => {
		$("flame").showModal();
		flameTake();
	});
	$("flame-close").addEventListener("click", () => $("flame").close());
	$("flame-again").addEventListener("click", flameTake);
	$("flame-chart").addEventListener("click", event => {
		const one = flameAt(event);

		if (one) {
			flame.focus = one.node;
			flameDraw();
		}
	});
	$("flame-chart").addEventListener("mousemove", event => {
		const one = flameAt(event);

		$("flame-detail").textContent = one ? one.node.name + ": " +
			(100 * one.node.count / flame.root.count).toFixed(1) + " % of the time at work" : "";
	});
	addEventListener("resize", flameDraw);
}
