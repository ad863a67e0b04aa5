/** The files that are read: made once below `target/`, the same on every machine. */
import { execFileSync } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";

const MIB = 1024 * 1024;
const WORDS = ("the of and to in a is that for it as was with be by on not he his but at are this have from or had an they " +
  "which one you were her all their there been if more when will would who so no fox quick brown lazy dog").split(" ");

/** Numbers that are the same on every run. */
function generator(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function* lines(count, random) {
  for (let made = 0; made < count; made++) yield `${random(1_000_000_000)} ${WORDS[random(WORDS.length)]}\n`;
}

/** Text of so many bytes and a little more: lines of words, of which one in a thousand has `needle`. */
function* text(bytes, random) {
  for (let made = 0, line = 0; made < bytes; line++) {
    const words = Array.from({ length: 5 + random(12) }, () => WORDS[random(WORDS.length)]);
    if (line % 1000 === 7) words[2] = "needle";
    const whole = `${words.join(" ")}\n`;
    made += whole.length;
    yield whole;
  }
}

async function write(path, pieces) {
  if (existsSync(path)) return;
  const stream = createWriteStream(`${path}.new`);
  let kept = [];
  let length = 0;
  for (const piece of pieces) {
    kept.push(piece);
    length += piece.length;
    if (length < MIB) continue;
    if (!stream.write(kept.join(""))) await once(stream, "drain");
    [kept, length] = [[], 0];
  }
  stream.end(kept.join(""));
  await once(stream, "finish");
  renameSync(`${path}.new`, path);
}

/** A tree of so many files, a hundred a folder, as an archive too: that is how it gets into a VM. */
function tree(folder, name, files, contents) {
  const archive = join(folder, `${name}.tar`);
  if (existsSync(archive)) return;
  const path = join(folder, name);
  rmSync(path, { recursive: true, force: true });
  for (let made = 0; made < files; made++) {
    const inside = join(path, `folder-${Math.floor(made / 100)}`);
    if (made % 100 === 0) mkdirSync(inside, { recursive: true });
    writeFileSync(join(inside, `file-${made}.${made % 2 === 0 ? "txt" : "log"}`), contents(made));
  }
  execFileSync("tar", ["-cf", `${archive}.new`, "-C", folder, name]);
  renameSync(`${archive}.new`, archive);
}

/** Makes the files for these sizes; their folder. */
export async function prepare(target, sizes) {
  const folder = join(target, `${sizes.lines}-${sizes.megabytes}-${sizes.files}-${sizes.archive}`);
  mkdirSync(folder, { recursive: true });
  await write(join(folder, "lines"), lines(sizes.lines, generator(1)));
  await write(join(folder, "text"), text(sizes.megabytes * MIB, generator(2)));
  await write(join(folder, "half"), text(sizes.archive * MIB, generator(3)));
  tree(folder, "tree", sizes.files, (made) => `file ${made}\n`);
  const random = generator(4);
  tree(folder, "parts", sizes.archive, () => [...text(MIB, random)].join(""));
  return folder;
}
