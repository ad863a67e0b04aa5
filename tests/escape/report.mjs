// How an attack says what came of each of its probes, one line each:
//
//   DENIED what: how    how it was refused: the error's code or name, or what was seen instead
//   ESCAPED what        it worked
//   BROKEN what         the probe itself is wrong
//
// Everything used here is taken before an attack changes it. On the platform `bare` there is no console.
import { writeFile } from "cordon:vm/filesystem";

const print = typeof console === "object" ? console.log : (line) => writeFile("/dev/stdout", `${line}\n`);

/** Makes an attack and says what came of it. It gives `true` if it worked, else throws or says what it saw. */
export function attempt(what, attack) {
  let seen;
  try {
    seen = attack();
  } catch (error) {
    seen = nameOf(error);
  }
  say(what, seen);
}

/** The same for an attack that waits. */
export async function attemptAsync(what, attack) {
  let seen;
  try {
    seen = await attack();
  } catch (error) {
    seen = nameOf(error);
  }
  say(what, seen);
}

/** Whether a text or bytes hold what only the host has. Spelt so that this file does not hold it itself. */
export function isCanary(value) {
  let text = "";
  if (typeof value === "string") text = value;
  else for (let i = 0; i < value.length; i++) text += String.fromCharCode(value[i]);
  return text.includes(["canary", "4f1d9c27"].join("-"));
}

function nameOf(error) {
  if (typeof error !== "object" || error === null) return `${typeof error}`;
  return `${error.code ?? error.name}`;
}

function say(what, seen) {
  if (seen === true) print(`ESCAPED ${what}`);
  else if (typeof seen === "string") print(`DENIED ${what}: ${seen}`);
  else print(`BROKEN ${what}`);
}
