"use strict";

/* Drawing on canvases: areas that stand on each other, a map of times, dots. */

const WINDOW_MS_MAX = 300000, WINDOW_MS_MIN = 60000;

/* Grows with what was seen, so that a page that was just opened is not empty. */
let windowMs = WINDOW_MS_MIN;

function chartSpan(seenMs) {
	windowMs = [WINDOW_MS_MIN, 120000].find(ms => seenMs <= ms) || WINDOW_MS_MAX;
}

/* of the size of letters */
const AXIS_LEFT = 3.6, AXIS_BOTTOM = 1.25, AXIS_TOP = .5, AXIS_RIGHT = .15;

function cssColor(name) {
	return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/* The canvas at the size that it is shown in, sharp on any screen. */
function chartBegin(canvas) {
	const ratio = window.devicePixelRatio || 1;
	const width = canvas.clientWidth, height = canvas.clientHeight;
	const wide = Math.round(width * ratio), high = Math.round(height * ratio);

	if (canvas.width !== wide || canvas.height !== high) {
		canvas.width = wide;
		canvas.height = high;
	}
	const context = canvas.getContext("2d");
	context.setTransform(ratio, 0, 0, ratio, 0, 0);
	context.clearRect(0, 0, width, height);
	const letter = parseFloat(getComputedStyle(document.documentElement).fontSize);

	context.font = (.85 * letter).toFixed(1) + "px system-ui, sans-serif";
	return {
		context, width, height, letter,
		left: AXIS_LEFT * letter, top: AXIS_TOP * letter,
		right: width - AXIS_RIGHT * letter, bottom: height - AXIS_BOTTOM * letter,
	};
}

function chartX(chart, atMs, nowMs) {
	return chart.right - (nowMs - atMs) / windowMs * (chart.right - chart.left);
}

function chartTimes(chart) {
	const { context } = chart;

	context.fillStyle = cssColor("dim");
	context.textBaseline = "bottom";
	const step = windowMs / (windowMs === WINDOW_MS_MAX ? 5 : 4);

	for (let ms = 0; ms <= windowMs; ms += step) {
		const text = windowMs === WINDOW_MS_MAX ? ms / 60000 + " min" : ms / 1000 + " s";

		context.textAlign = ms === 0 ? "right" : ms === windowMs ? "left" : "center";
		context.fillText(ms === 0 ? "now" : "−" + text, chart.right - ms / windowMs * (chart.right - chart.left),
			chart.height);
	}
}

function chartLine(chart, y, label) {
	const { context } = chart;

	context.strokeStyle = cssColor("line");
	context.lineWidth = 1;
	context.beginPath();
	context.moveTo(chart.left, Math.round(y) + .5);
	context.lineTo(chart.right, Math.round(y) + .5);
	context.stroke();
	context.fillStyle = cssColor("dim");
	context.textAlign = "right";
	context.textBaseline = "middle";
	context.fillText(label, chart.left - .5 * chart.letter, y);
}

/* 1, 2 or 5 times a power of ten, not below `value`. */
function roundUp(value) {
	const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));

	return [1, 2, 5, 10].map(n => n * power).find(n => n >= value) || 10 * power;
}

/* Areas on each other.
 * samples  [{at, values: [..]}], oldest first; a value for each color; null: a gap follows */
function drawAreas(canvas, samples, nowMs, colors, format) {
	const chart = chartBegin(canvas);
	const { context } = chart;
	let most = 0;

	for (const sample of samples)
		most = Math.max(most, sample.values.reduce((sum, value) => sum + value, 0));
	const top = roundUp(most * 1.04);
	const yOf = value => chart.bottom - value / top * (chart.bottom - chart.top);

	for (const share of [0, .5, 1])
		chartLine(chart, yOf(top * share), format(top * share));
	chartTimes(chart);
	context.save();
	context.beginPath();
	context.rect(chart.left, 0, chart.right - chart.left, chart.height);
	context.clip();
	for (const run of runsOf(samples)) {
		const sums = run.map(() => 0);

		colors.forEach((color, which) => {
			const lower = sums.slice();

			run.forEach((sample, i) => { sums[i] += sample.values[which] || 0; });
			context.beginPath();
			run.forEach((sample, i) => context.lineTo(chartX(chart, sample.at, nowMs), yOf(sums[i])));
			context.strokeStyle = color;
			context.lineWidth = 1.2;
			if (sums.some((sum, i) => sum > lower[i]))
				context.stroke();
			for (let i = run.length - 1; i >= 0; i--)
				context.lineTo(chartX(chart, run[i].at, nowMs), yOf(lower[i]));
			context.closePath();
			context.globalAlpha = .5;
			context.fillStyle = color;
			context.fill();
			context.globalAlpha = 1;
		});
	}
	context.restore();
}

/* Samples without a gap between them. */
function runsOf(samples) {
	const runs = [];
	let run = [];

	for (const sample of samples) {
		if (run.length && sample.at - run[run.length - 1].at > 5000) {
			runs.push(run);
			run = [];
		}
		run.push(sample);
	}
	if (run.length)
		runs.push(run);
	return runs;
}

const ROWS_PER_OCTAVE = 4;

function rowOf(ns) {
	return Math.floor(Math.log2(Math.max(ns, 16)) * ROWS_PER_OCTAVE - .01);
}

/* When, how long, how many: the darker the more.
 * samples  [{at, span, rows: Map of row to count, p50, p99}] */
function drawTimes(canvas, samples, nowMs, format) {
	const chart = chartBegin(canvas);
	const { context } = chart;
	let lowest = rowOf(8000), highest = rowOf(1000000), most = 1;

	for (const sample of samples) {
		for (const [row, count] of sample.rows) {
			lowest = Math.min(lowest, row);
			highest = Math.max(highest, row);
			most = Math.max(most, count * 1000 / sample.span);
		}
	}
	lowest -= 1;
	highest += 2;
	const high = (chart.bottom - chart.top) / (highest - lowest);
	const yOf = row => chart.bottom - (row - lowest) * high;

	for (let ns = 1000; ns < 1e11; ns *= 10) {
		const row = Math.log2(ns) * ROWS_PER_OCTAVE;

		if (row > lowest && row < highest)
			chartLine(chart, yOf(row), format(ns));
	}
	chartTimes(chart);
	context.save();
	context.beginPath();
	context.rect(chart.left, chart.top, chart.right - chart.left, chart.bottom - chart.top);
	context.clip();
	context.fillStyle = cssColor("accent");
	for (const sample of samples) {
		const x = chartX(chart, sample.at - sample.span, nowMs);
		const wide = chartX(chart, sample.at, nowMs) - x;

		for (const [row, count] of sample.rows) {
			const weight = Math.log1p(count * 1000 / sample.span) / Math.log1p(most);

			context.globalAlpha = .1 + .8 * weight * weight;
			context.fillRect(x, yOf(row + 1), wide + .4, high + .4);
		}
	}
	context.globalAlpha = 1;
	for (const [key, color] of [["p50", "strong"], ["p99", "nxdomain"]]) {
		context.strokeStyle = cssColor(color);
		context.lineWidth = 1.4;
		for (const run of runsOf(samples.filter(sample => sample[key]))) {
			context.beginPath();
			for (const sample of run)
				context.lineTo(chartX(chart, sample.at - sample.span / 2, nowMs),
					yOf(Math.log2(sample[key]) * ROWS_PER_OCTAVE));
			context.stroke();
		}
	}
	context.restore();
}

/* dots  [{at, us, color}] */
function drawDots(canvas, dots, nowMs, format) {
	const chart = chartBegin(canvas);
	const { context } = chart;
	/* what took less, is told as the least */
	const lowest = 2;
	let highest = 5;

	for (const dot of dots) {
		highest = Math.max(highest, Math.ceil(Math.log10(Math.max(dot.us, 1))));
	}
	const yOf = us => chart.bottom -
		(Math.log10(Math.max(us, 1)) - lowest) / (highest - lowest) * (chart.bottom - chart.top);

	for (let power = lowest; power <= highest; power++)
		chartLine(chart, yOf(10 ** power), format(1000 * 10 ** power));
	chartTimes(chart);
	for (const dot of dots) {
		const x = chartX(chart, dot.at, nowMs);

		if (x < chart.left)
			continue;
		context.fillStyle = dot.color;
		context.globalAlpha = .75;
		context.beginPath();
		context.arc(Math.min(x, chart.right - 3), yOf(Math.max(dot.us, 10 ** lowest)), .2 * chart.letter, 0, 2 * Math.PI);
		context.fill();
	}
	context.globalAlpha = 1;
}
