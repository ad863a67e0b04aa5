// How results are shown: a line each, a summary, and the table of docs/node-compatibility.md.
import { readFile, writeFile } from "node:fs/promises";

const WORDS = { pass: "pass", stated: "fails as stated", differs: "DIFFERS", broken: "BROKEN" };
const [BEGIN, END] = ["<!-- packages -->\n", "<!-- end of packages -->"];

export function lineOf({ label, version, webAssembly, state, how, seconds }) {
  const columns = [`${label} ${version}`.padEnd(44), webAssembly.padEnd(5), WORDS[state].padEnd(15), `${seconds.toFixed(1)} s`];
  return [...columns, how ?? ""].join("  ").trimEnd();
}

export function summaryOf(results) {
  const packages = new Set(results.map((result) => result.package)).size;
  const parts = [`${packages} packages`];
  for (const webAssembly of ["deny", "allow"]) {
    const some = results.filter((result) => result.webAssembly === webAssembly);
    const count = (state) => some.filter((result) => result.state === state).length;
    const [pass, stated] = [count("pass"), count("stated")];
    parts.push(`WebAssembly ${webAssembly}: ${pass} of ${some.length} pass, ${stated} fail as stated, ${some.length - pass - stated} differ`);
  }
  return parts.join("; ");
}

/** One program, with what it did in each VM it ran in. */
function rowOf(results) {
  const [{ label, version }] = results;
  const cell = (webAssembly) => {
    const result = results.find((each) => each.webAssembly === webAssembly);
    if (!result) return "";
    if (result.state === "pass") return "same as Node";
    const how = result.how.replaceAll("|", "\\|").replaceAll("<", "\\<").replaceAll("\n", " ");
    return result.state === "stated" ? how : `differs: ${how}`;
  };
  return `| ${label} | ${version} | ${cell("deny")} | ${cell("allow")} |`;
}

export async function updateDocumentation(file, results) {
  const text = await readFile(file, "utf8");
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`${file} has no ${BEGIN.trim()} and ${END}`);
  const names = [...new Set(results.map((result) => result.name))];
  const rows = names.map((name) => rowOf(results.filter((result) => result.name === name)));
  const head = "| Package (program) | Version | WebAssembly denied | allowed |\n| --- | --- | --- | --- |";
  await writeFile(file, `${text.slice(0, from)}${BEGIN}${summaryOf(results)}.\n\n${head}\n${rows.join("\n")}\n${text.slice(to)}`);
}
