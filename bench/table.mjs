// Prints the medians of one group of samples as a Markdown table.
//
//     node table.mjs SAMPLES GROUP BASE
//
// A line of SAMPLES: group, label, wall microseconds, "user seconds, system seconds, peak KiB"; separated by tabs.
import { readFileSync } from 'node:fs';

const [file, group, base] = process.argv.slice(2);
const samples = new Map();
for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
	const [itsGroup, label, wall, rest] = line.split('\t');
	if (itsGroup !== group) {
		continue;
	}
	const [user, system, peak] = rest.split(' ').map(Number);
	const runs = samples.get(label) ?? { wall: [], cpu: [], peak: [] };
	runs.wall.push(Number(wall) / 1e6);
	runs.cpu.push(user + system);
	runs.peak.push(peak / 1024);
	samples.set(label, runs);
}

function median(numbers) {
	const sorted = [...numbers].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
const seconds = (s) => (s < 0.1 ? `${(1000 * s).toFixed(1)} ms` : `${s.toFixed(2)} s`);

if (samples.size === 0) {
	process.exit(0);
}
const unit = samples.has(base) ? median(samples.get(base).wall) : undefined;
console.log(`\n| ${group} | median | fastest | ratio to ${base} | CPU s | peak MiB | runs |\n|---|---|---|---|---|---|---|`);
for (const [label, { wall, cpu, peak }] of samples) {
	const ratio = unit ? (median(wall) / unit).toFixed(2) : '–';
	const cells = [label, seconds(median(wall)), seconds(Math.min(...wall)), ratio, median(cpu).toFixed(2), Math.max(...peak).toFixed(0), wall.length];
	console.log(`| ${cells.join(' | ')} |`);
}
