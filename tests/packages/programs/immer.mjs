// package: immer
import { applyPatches, current, enableMapSet, enablePatches, original, produce, produceWithPatches } from "immer";
enablePatches();
enableMapSet();
const base = { list: [{ done: false }], map: new Map([["a", 1]]), set: new Set([1]) };
const [next, patches, inverse] = produceWithPatches(base, (draft) => {
  draft.list[0].done = true;
  draft.list.push({ done: false });
  draft.map.set("b", 2);
  draft.set.delete(1);
});
console.log(next, base, patches, applyPatches(next, inverse).list.length, Object.isFrozen(next.list));
console.log(
  produce(base, () => {}) === base,
  produce([3, 1, 2], (draft) => {
    draft.sort();
  }),
  produce({ a: 1 }, (draft) => {
    draft.a++;
    console.log(current(draft), original(draft));
  }),
);
try {
  next.list.push(1);
} catch (error) {
  console.log(error.name);
}
