// package: nanoid
import { customAlphabet, customRandom, nanoid, urlAlphabet } from "nanoid";
import { nanoid as insecure } from "nanoid/non-secure";
console.log(nanoid().length, nanoid(8).length, /^[\w-]+$/.test(nanoid()), insecure(5).length, urlAlphabet.length);
console.log(
  /^[abc]{12}$/.test(customAlphabet("abc", 12)()),
  customRandom("abcdef", 10, (size) => new Uint8Array(size).map((_, i) => i * 7))(),
);
console.log(new Set(Array.from({ length: 2000 }, () => nanoid())).size);
