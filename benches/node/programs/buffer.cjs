// Buffers: many are made, written, joined, sliced, searched and turned into text.
const begun = performance.now();
let sum = 0;
for (let round = 0; round < 40; round++) {
  const pieces = [];
  for (let index = 0; index < 2_000; index++) {
    const piece = Buffer.alloc(512);
    piece.writeUInt32BE(index, 0);
    piece.write(`piece ${index}`, 8);
    pieces.push(piece);
  }
  const whole = Buffer.concat(pieces);
  sum += whole.indexOf('piece 1999') + whole.subarray(100, 90_000).toString('base64').length;
  sum += Buffer.from(whole.toString('latin1'), 'latin1').length + Buffer.from(whole.subarray(0, 4_096).toString('hex'), 'hex').length;
}
for (let index = 0; index < 5_000; index++) sum += new Uint8Array(65_536).length;
if (sum === 0) throw new Error();
console.log(JSON.stringify({ ms: performance.now() - begun }));
