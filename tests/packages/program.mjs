// What the head of a program says about itself, and whether what it did is that.
//
// A program begins with lines of the form `// key: value`:
//
//   package       the package that it is about
//   webAssembly   in which VMs it runs: `deny` (where there is no such line) or `deny allow`
//   deny, allow   what is expected there other than real Node's output: `fails with TEXT`, that is an exit code other
//                 than 0 and TEXT in what was printed to stderr
//   stderr        `compared`: real Node's stderr is expected as well
//   node          `fails`: real Node fails as well

const KEYS = new Set(["package", "webAssembly", "deny", "allow", "stderr", "node"]);

/** Reads the head; anything in it that is not understood is an error. */
export function readProgram(name, text) {
  const head = {};
  for (const line of text.split("\n")) {
    const [, key, value] = /^\/\/ ([a-zA-Z]+): (.*)$/.exec(line) ?? [];
    if (key === undefined) break;
    if (!KEYS.has(key)) throw new Error(`${name}: nothing is called ${key}`);
    head[key] = value;
  }
  if (!head.package) throw new Error(`${name}: the first line has to be "// package: NAME"`);
  const failure = (key) => {
    if (head[key] === undefined) return undefined;
    const [, words] = /^fails with (.+)$/.exec(head[key]) ?? [];
    if (!words) throw new Error(`${name}: ${key} has to say "fails with TEXT"`);
    return words;
  };
  return {
    package: head.package,
    label: labelOf(name, head.package),
    webAssembly: (head.webAssembly ?? "deny").split(" "),
    failure: { deny: failure("deny"), allow: failure("allow") },
    comparesStderr: head.stderr === "compared",
    nodeFails: head.node === "fails",
  };
}

/** The package, and the program as well where it is not the package's only or main one. */
function labelOf(name, packageName) {
  const program = name.replace(/\.[cm]?js$/, "");
  const plain = (text) => text.replace(/[^a-z0-9]/gi, "");
  return plain(program) === plain(packageName) ? packageName : `${packageName} (${program})`;
}

/**
 * What became of a program in a VM. `expected` is false for whatever neither real Node nor the program's head says, a stated
 * failure that did not come about among it.
 */
export function compare(program, webAssembly, real, told) {
  if ((real.code !== 0) !== program.nodeFails) {
    return { state: "broken", expected: false, how: `real Node ended with ${real.code}: ${reasonOf(real.stderr)}` };
  }
  const how = differenceOf(program, real, told);
  const words = program.failure[webAssembly];
  if (words === undefined) return { state: how ? "differs" : "pass", expected: !how, how };
  if (!how) return { state: "pass", expected: false, how: `was expected to fail with ${words}` };
  if (told.code !== 0 && told.stderr.includes(words)) return { state: "stated", expected: true, how: `fails with ${words}` };
  return { state: "differs", expected: false, how: `${how} (was expected to fail with ${words})` };
}

function differenceOf(program, real, told) {
  if (told.code !== real.code) return `exit code ${told.code}: ${reasonOf(told.stderr || told.stdout)}`;
  if (told.stdout !== real.stdout) return `stdout: ${firstDifference(real.stdout, told.stdout)}`;
  if (program.comparesStderr && told.stderr !== real.stderr) return `stderr: ${firstDifference(real.stderr, told.stderr)}`;
  return undefined;
}

function firstDifference(wanted, got) {
  const [left, right] = [wanted.split("\n"), got.split("\n")];
  const at = left.findIndex((line, index) => line !== right[index]);
  const line = at === -1 ? left.length : at;
  return `line ${line + 1} is ${JSON.stringify(right[line]?.slice(0, 100))}, not ${JSON.stringify(left[line]?.slice(0, 100))}`;
}

/** The line of what was printed that says most. */
function reasonOf(told) {
  const lines = told.trim().split("\n");
  const line = lines.find((each) => /^\S*(Error|Exception)\b.*:|^Uncaught|is not supported in a cordon VM/.test(each));
  return (line ?? lines[0] ?? "").trim().slice(0, 160);
}
