// Refuses a binary that is not what its platform's name says: another system's or processor's, or, for Linux, one that is not static.
//
//     node platform.mjs PLATFORM BINARY
import { readFileSync } from 'node:fs';

// The machine in the head of an ELF file, or the processor's type in that of a Mach-O file.
const KNOWN = { 'linux-x64': 0x3e, 'linux-arm64': 0xb7, 'darwin-x64': 0x0100_0007, 'darwin-arm64': 0x0100_000c };
const PT_INTERP = 3;

const [platform, file] = process.argv.slice(2);
const bytes = readFileSync(file);
const wrong = KNOWN[platform] === undefined ? `no platform of larder's is called ${platform}` : platform.startsWith('linux-') ? elf() : machO();
if (wrong) {
	console.error(`${file} is not for ${platform}: ${wrong}`);
	process.exit(1);
}

// 64 bits, little endian.
function elf() {
	if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) return 'no ELF file of 64 bits';
	const machine = bytes.readUInt16LE(18);
	if (machine !== KNOWN[platform]) return `its machine is 0x${machine.toString(16)}, not 0x${KNOWN[platform].toString(16)}`;
	const [start, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
	for (let at = start; at < start + size * count; at += size) if (bytes.readUInt32LE(at) === PT_INTERP) return 'it is not static';
}

function machO() {
	if (bytes.length < 32 || bytes.readUInt32LE(0) !== 0xfeedfacf) return 'no Mach-O file of 64 bits';
	const processor = bytes.readUInt32LE(4);
	if (processor !== KNOWN[platform]) return `its processor is 0x${processor.toString(16)}, not 0x${KNOWN[platform].toString(16)}`;
}
