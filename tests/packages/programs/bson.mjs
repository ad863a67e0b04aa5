// package: bson
import {
  BSON,
  Decimal128,
  EJSON,
  Int32,
  Long,
  ObjectId,
  Timestamp,
  UUID,
  calculateObjectSize,
  deserialize,
  serialize,
} from "bson";
const document = {
  _id: new ObjectId("0123456789abcdef01234567"),
  n: new Int32(5),
  big: Long.fromString("9007199254740993"),
  dec: Decimal128.fromString("1.50"),
  when: new Date(0),
  re: /a/i,
  bin: Buffer.from([1, 2]),
  sub: { list: [1, "x", null, true] },
  u: new UUID("9c858901-8a57-4791-81fe-4c455b099bc9"),
  t: new Timestamp({ t: 1, i: 2 }),
};
const bytes = serialize(document);
console.log(
  Buffer.from(bytes).toString("hex"),
  deserialize(bytes, { promoteLongs: false }),
  calculateObjectSize(document),
);
console.log(
  EJSON.stringify(document, { relaxed: false }),
  EJSON.parse('{"a":{"$numberLong":"5"}}'),
  new ObjectId().toHexString().length,
  ObjectId.isValid("x"),
  BSON.onDemand !== undefined,
);
try {
  deserialize(new Uint8Array([5, 0, 0, 0]));
} catch (error) {
  console.log(error.name, error.message);
}
