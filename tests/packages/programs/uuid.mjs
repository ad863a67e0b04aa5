// package: uuid
import { NIL, parse, stringify, v1, v3, v4, v5, v7, validate, version } from "uuid";
console.log(v3("example.com", v3.DNS), v5("https://example.com", v5.URL), NIL);
console.log(
  v4({ random: Uint8Array.from({ length: 16 }, (_, i) => i) }),
  [v1(), v4(), v7()].map((id) => [id.length, version(id), validate(id)]),
);
console.log(
  stringify(parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
  new Set(Array.from({ length: 1000 }, () => v4())).size,
);
const early = v7(),
  late = v7();
console.log(early < late);
