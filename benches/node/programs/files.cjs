// Files: many small ones and a large one are written, listed, read and removed, in memory on both sides.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const base = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
const folder = fs.mkdtempSync(path.join(base, 'bench-'));
const begun = performance.now();
for (let index = 0; index < 3_000; index++) fs.writeFileSync(path.join(folder, `f${index}`), `contents ${index}`);
let length = 0;
for (const name of fs.readdirSync(folder)) {
  const file = path.join(folder, name);
  length += fs.readFileSync(file, 'utf8').length + fs.statSync(file).size;
}
const large = path.join(folder, 'large');
fs.writeFileSync(large, Buffer.alloc(32 << 20, 1));
length += fs.readFileSync(large).length;
const descriptor = fs.openSync(large, 'r');
const piece = Buffer.alloc(4_096);
for (let index = 0; index < 4_000; index++) length += fs.readSync(descriptor, piece, 0, piece.length, index * 4_096);
fs.closeSync(descriptor);
fs.rmSync(folder, { recursive: true });
if (length < 1e6) throw new Error();
console.log(JSON.stringify({ ms: performance.now() - begun }));
