// JSON: a document of some megabytes is made, written and read.
const begun = performance.now();
const rows = Array.from({ length: 20_000 }, (_, id) => ({
  id, name: `row ${id}`, tags: ['a', 'b', `t${id % 17}`], nested: { x: id / 3, y: id % 2 === 0, z: null },
}));
let length = 0;
for (let round = 0; round < 12; round++) length += JSON.stringify(JSON.parse(JSON.stringify(rows))).length;
if (length < 1e6) throw new Error('too short');
console.log(JSON.stringify({ ms: performance.now() - begun }));
