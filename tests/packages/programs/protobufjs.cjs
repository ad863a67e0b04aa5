// package: protobufjs
const protobuf = require("protobufjs");
const { root } = protobuf.parse(
  'syntax = "proto3"; package p; enum E { A = 0; B = 1; } message M { string name = 1; repeated int32 ns = 2; map<string, M> kids = 3; oneof o { int64 big = 4; bytes raw = 5; } E e = 6; double d = 7; }',
  { keepCase: true },
);
const M = root.lookupType("p.M");
const bytes = M.encode(
  M.fromObject({
    name: "ada",
    ns: [1, -1, 300],
    kids: { k: { name: "kid" } },
    big: "9007199254740993",
    e: "B",
    d: 1.5,
  }),
).finish();
console.log(
  Buffer.from(bytes).toString("hex"),
  M.toObject(M.decode(bytes), { longs: String, enums: String, defaults: false }),
  M.verify({ name: 5 }),
);
console.log(
  JSON.stringify(root.toJSON()).length,
  M.decodeDelimited(M.encodeDelimited(M.create({ raw: new Uint8Array([1, 2]) })).finish()).raw,
  new protobuf.Writer().uint32(300).finish(),
);
try {
  M.decode(new Uint8Array([10, 5, 1]));
} catch (error) {
  console.log(error.name, error.message);
}
