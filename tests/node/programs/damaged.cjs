// Serialized values that were damaged are read or refused: they end nothing.
const v8 = require("node:v8");
let seed = 1;
const random = (below) => { seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff; return seed % below; };
const values = [
  { a: 1, b: [1, 2, , 4], c: new Map([["x", new Set([1n, -(2n ** 80n)])]]), d: new Date(0), e: /x/giu },
  [new Uint8Array(9), new Float64Array([1, NaN]), new DataView(new ArrayBuffer(12), 2), Buffer.from("text"), new BigInt64Array(2)],
  [new Error("e", { cause: new TypeError("t") }), Object(1), Object("s"), Object(1n), true, null, undefined, "\u{1f600}", "x".repeat(300), -0, 1e300],
  new ArrayBuffer(64, { maxByteLength: 128 }), Object.assign([1, 2], { key: "value" }),
];
const cyclic = { list: [] }; cyclic.list.push(cyclic, cyclic.list); values.push(cyclic);
const seeds = values.map((value) => v8.serialize(value));
let read = 0, refused = 0;
for (let turn = 0; turn < 20000; turn++) {
  let bytes = Buffer.from(seeds[random(seeds.length)]);
  for (let edits = 1 + random(4); edits > 0; edits--) {
    switch (random(4)) {
      case 0: bytes[random(bytes.length)] = random(256); break;
      case 1: bytes[random(bytes.length)] ^= 1 << random(8); break;
      case 2: bytes = bytes.subarray(0, 1 + random(bytes.length)); break;
      default: { const at = random(bytes.length); bytes = Buffer.concat([bytes.subarray(0, at), seeds[random(seeds.length)].subarray(2)]); }
    }
  }
  try { v8.deserialize(bytes); read++; } catch (error) { if (!(error instanceof Error)) throw error; refused++; }
  const reader = new v8.Deserializer(bytes);
  try { reader.readHeader(); for (;;) { reader.readUint32(); reader.readUint64(); reader.readDouble(); reader.readRawBytes(random(64)); reader.readValue(); } } catch {}
}
console.log(read > 100, refused > 100);
