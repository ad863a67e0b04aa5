// package: msgpackr
import { Readable } from "node:stream";
import { Packr, PackrStream, UnpackrStream, addExtension, pack, unpack } from "msgpackr";
const value = {
  a: [1, -1, 1.5, 2n ** 60n, null, undefined, true],
  s: "grüße 👋",
  d: new Date(1000),
  b: Buffer.from([1, 2]),
  m: new Map([["k", new Set([1])]]),
  big: "x".repeat(300),
};
console.log(
  pack({ a: 1, b: [2] }).toString("hex"),
  unpack(new Packr({ moreTypes: true, mapsAsObjects: false, structuredClone: true }).pack(value)) !== undefined,
);
const structured = new Packr({ structuredClone: true });
const cyclic = { name: "c" };
cyclic.self = cyclic;
const back = structured.unpack(structured.pack({ ...value, cyclic }));
console.log(back, back.cyclic.self === back.cyclic);
class P {
  constructor(x) {
    this.x = x;
  }
}
addExtension({ Class: P, type: 11, pack: (p) => pack(p.x), unpack: (bytes) => new P(unpack(bytes)) });
console.log(unpack(pack(new P(4))));
for await (const each of Readable.from([{ n: 1 }, { n: 2 }])
  .pipe(new PackrStream())
  .pipe(new UnpackrStream()))
  console.log(each);
