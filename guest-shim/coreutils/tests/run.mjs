// Runs the coreutils module in Node's WASI host: what it does without a virtual machine. What needs one (chmod, du, mv, stat,
// timeout, env with a command) is only tested as far as its arguments.
//
//   scripts/wasi-cargo.sh build -p cordon-coreutils && node guest-shim/coreutils/tests/run.mjs [module] [word]
//
// With a word, only the cases whose command line contains it. Node >= 20.
import { spawnSync } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(here, "../../target");
const module_ = process.argv[2] ?? join(target, "wasm32-wasip1/release/coreutils.wasm");
const only = process.argv[3] ?? "";

// What each test process runs: one program in a WASI host, over a folder that is its root.
const host = `
import { WASI } from "node:wasi";
import { readFileSync } from "node:fs";
const [file, root, pwd, ...args] = process.argv.slice(1);
const wasi = new WASI({ version: "preview1", args, env: { PWD: pwd }, preopens: { "/": root }, returnOnExit: true });
const module = await WebAssembly.compile(readFileSync(file));
const imports = wasi.getImportObject();
for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    if (from in imports && name in imports[from]) continue;
    // The process is there from the beginning.
    if (from.startsWith("cordon:runtime/begin@")) { imports[from] = { [name]: () => {} }; continue; }
    // Lists of strings, and of pairs of strings, as the component model lays them out.
    const told = { arguments: args.map((text) => [text]), environment: [["PWD", pwd]] };
    if (from.startsWith("cordon:vm/process@") && name in told) {
        (imports[from] ??= {})[name] = (result) => {
            const { memory, cabi_realloc } = instance.exports;
            const words = (at, ...values) => new Uint32Array(memory.buffer, at, values.length).set(values);
            const rows = told[name].map((row) => row.flatMap((text) => {
                const bytes = new TextEncoder().encode(text);
                const at = cabi_realloc(0, 0, 1, bytes.length);
                new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
                return [at, bytes.length];
            }));
            const list = cabi_realloc(0, 0, 4, 4 * rows.flat().length);
            words(list, ...rows.flat());
            words(result, list, rows.length);
        };
        continue;
    }
    // Nobody knows more of a file than WASI tells; there is a umask.
    if (from.startsWith("cordon:vm/filesystem@") && name === "status") {
        (imports[from] ??= {})[name] = (path, length, symlinks, result) => {
            new Uint8Array(instance.exports.memory.buffer)[result] = 1;
        };
        continue;
    }
    if (from.startsWith("cordon:vm/descriptors@") && name === "inherited") {
        (imports[from] ??= {})[name] = (number, result) => {
            new Uint8Array(instance.exports.memory.buffer)[result] = 1;
        };
        continue;
    }
    if (from.startsWith("cordon:vm/process@") && name === "set-umask") {
        (imports[from] ??= {})[name] = () => 0o022;
        continue;
    }
    (imports[from] ??= {})[name] = () => { throw new Error("not in this host: " + from + " " + name); };
}
const instance = await WebAssembly.instantiate(module, imports);
process.exitCode = wasi.start(instance);
`;

// [arguments, { in: stdin, out: stdout, err: stderr, code: status, pwd }]; a string is compared, an expression tested.
const cases = [
    [["pwd"], { out: "/home\n" }],
    [["pwd"], { pwd: "/home/sub", out: "/home/sub\n" }],
    [["pwd"], { pwd: "/nowhere", out: "/\n" }],
    [["/usr/bin/cat", "nope"], { err: "cat: nope: No such file or directory\n", code: 1 }],
    [["cat", "letters"], { out: "b\na\nc\n" }],
    [["coreutils", "cat", "letters"], { out: "b\na\nc\n" }],
    [["coreutils.wasm", "echo", "hi"], { out: "hi\n" }],
    [["coreutils", "--list"], { out: /^\[\narch\n[^]*\nyes\n$/ }],
    [["coreutils", "frobnicate"], { err: "coreutils: unknown program 'frobnicate'\n", code: 127 }],
    [["frobnicate"], { err: "coreutils: unknown program 'frobnicate'\n", code: 127 }],
    [["coreutils"], { err: /missing argument/, code: 1 }],
    [["ls"], { out: "letters\nsub\n" }],
    [["ls", "/nope"], { err: "ls: cannot access '/nope': No such file or directory\n", code: 2 }],
    [["ls", "--nope"], { err: /unexpected argument '--nope'/, code: 2 }],
    [["cat", "--help"], { out: /^Concatenate FILE\(s\)[^]*Usage: cat \[OPTION\]/ }],
    [["true"], { code: 0 }],
    [["false"], { code: 1 }],
    [["[", "-f", "letters", "]"], { code: 0 }],
    [["[", "-d", "letters", "]"], { code: 1 }],
    [["test", "1", "-lt", "x"], { err: /integer/, code: 2 }],
    [["expr", "6", "*", "7"], { out: "42\n" }],
    [["tr", "a-z", "A-Z"], { in: "abc\n", out: "ABC\n" }],
    [["tr", "-cs", "[:alnum:]", "\\n"], { in: "a, b!!\nc", out: "a\nb\nc" }],
    [["tr", "-d", "a-c\\n"], { in: "abcde\n", out: "de" }],
    [["tr", "a", "[x*]"], { in: "abc", out: "xbc" }],
    [["tr", "z-a", "b"], { err: /range-endpoints/, code: 1 }],
    [["fold", "-w", "4"], { in: "abcdef\nab\tc\n", out: "abcd\nef\nab\n\t\nc\n" }],
    [["fold", "-s", "-6"], { in: "one two three", out: "one \ntwo \nthree" }],
    [["fold", "-w", "0"], { err: /./, code: 1 }],
    [["paste", "-d", ",;", "letters", "-", "letters"], { in: "1\n2", out: "b,1;b\na,2;a\nc,;c\n" }],
    [["paste", "-s", "-d", "\\0+", "letters"], { out: "ba+c\n" }],
    [["paste", "-", "nope"], { err: /No such file/, code: 1 }],
    [["wc"], { in: "a b\nc\n", out: "      2       3       6\n" }],
    [["head", "-n", "1", "letters"], { out: "b\n" }],
    [["tail", "-n", "1", "letters"], { out: "c\n" }],
    [["seq", "3"], { out: "1\n2\n3\n" }],
    [["printf", "%05d|%s\\n", "42", "x"], { out: "00042|x\n" }],
    [["cut", "-d:", "-f2"], { in: "a:b:c\n", out: "b\n" }],
    [["uniq", "-c"], { in: "a\na\nb\n", out: "      2 a\n      1 b\n" }],
    [["sha256sum"], { in: "abc", out: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n" }],
    [["md5sum", "nope"], { err: "md5sum: nope: No such file or directory\n", code: 1 }],
    [["base64", "-d"], { in: "aGk=\n", out: "hi" }],
    [["factor", "123456789012345678901"], { out: "123456789012345678901: 11 5471 10000799 205126079\n" }],
    [["numfmt", "--to=iec", "123456"], { out: "121K\n" }],
    [["date", "-u", "-d", "@0", "+%F %T"], { out: "1970-01-01 00:00:00\n" }],
    [["env"], { out: "PWD=/home\n" }],
    [["env", "-u", "PWD", "A=b"], { out: "A=b\n" }],
    [["env", "--nope"], { err: /unexpected argument/, code: 125 }],
    [["timeout", "--help"], { out: /^Usage: timeout/ }],
    [["timeout", "x", "true"], { err: /invalid time interval 'x'/, code: 125 }],
    [["timeout", "-s", "NOPE", "1", "true"], { err: /'NOPE': invalid signal/, code: 125 }],
    [["timeout", "1"], { err: /missing operand/, code: 125 }],
    [["chmod"], { err: /missing operand/, code: 1 }],
    [["chmod", "u+q", "letters"], { err: /invalid mode: 'u\+q'/, code: 1 }],
    [["chmod", "--nope", "644", "letters"], { err: /unrecognized option '--nope'/, code: 1 }],
    [["stat"], { err: /missing operand/, code: 1 }],
    [["mkdir", "a/b"], { err: "mkdir: cannot create directory 'a/b': No such file or directory\n", code: 1 }],
    [["rmdir", "sub"], { code: 0 }],
    [["rm", "nope"], { err: "rm: cannot remove 'nope': No such file or directory\n", code: 1 }],
    [["ln", "-s", "letters", "link"], { code: 0 }],
    [["mktemp", "-d"], { out: /^\/tmp\/tmp\.\w{10}\n$/ }],
    [["tee", "copy"], { in: "x\n", out: "x\n" }],
    [["split", "-l", "1", "letters"], { code: 0 }],
    [["sleep", "0.01"], { code: 0 }],
    [["sort", "letters"], { out: "a\nb\nc\n" }],
    [["sort", "-rn"], { in: "2\n10\n1\n", out: "10\n2\n1\n" }],
    [["sort", "-m", "letters", "-"], { in: "d\n", out: "a\nb\nc\nd\n" }],
    [["sort", "-um"], { in: "a\na\n", out: "a\n" }],
    [["sort", "-c", "letters"], { err: "sort: letters:2: disorder: a\n", code: 1 }],
    [["sort", "-nc"], { in: "1\n2\n10\n9\n11\n", err: "sort: -:4: disorder: 9\n", code: 1 }],
    [["sort", "-nc"], { in: "1\n2\n10\n", out: "", err: "", code: 0 }],
    [["sort", "-cu"], { in: "1\n1\n", err: "sort: -:2: disorder: 1\n", code: 1 }],
    [["sort", "-C", "letters"], { err: "", code: 1 }],
    [["sort", "-c", "-k2,2", "-t:"], { in: "b:1\na:2\n", code: 0 }],
    [["sort", "-c", "nope"], { err: /nope: No such file/, code: 2 }],
    [["sort", "-c", "letters", "letters"], { err: /./, code: 2 }],
    [["dd"], { in: "hello", out: "hello", err: /^0\+1 records in\n0\+1 records out\n5 bytes copied/ }],
    [["dd", "if=letters", "bs=2", "skip=1", "count=1", "status=none"], { out: "a\n", err: "" }],
    [["dd", "conv=ucase,swab", "status=none"], { in: "abcd", out: "BADC" }],
    [["dd", "if=letters", "ibs=4", "obs=3", "status=noxfer"], { out: "b\na\nc\n", err: "1+1 records in\n2+0 records out\n" }],
    [["dd", "if=letters", "of=new", "seek=1", "bs=4"], { err: /^1\+1 records in/ }],
    [["dd", "bs=2", "count=3B", "status=none"], { in: "abcdef", out: "abc" }],
    [["dd", "if=nope"], { err: "dd: failed to open 'nope': No such file or directory\n", code: 1 }],
    [["dd", "bs=0"], { err: /invalid number: '0'/, code: 1 }],
    [["dd", "frob"], { err: /unrecognized operand 'frob'/, code: 1 }],
];

const matches = (wanted, got) =>
    wanted === undefined || (typeof wanted === "string" ? wanted === got : wanted.test(got));

let failed = 0;
let ran = 0;
for (const [args, wanted] of cases) {
    if (!args.join(" ").includes(only)) continue;
    const root = mkdtempSync(join(tmpdir(), "coreutils-"));
    mkdirSync(join(root, "home/sub"), { recursive: true });
    mkdirSync(join(root, "tmp"));
    writeFileSync(join(root, "home/letters"), "b\na\nc\n");
    const run = spawnSync(
        process.execPath,
        ["--no-warnings", "--input-type=module", "-e", host, module_, root, wanted.pwd ?? "/home", ...args],
        { input: wanted.in ?? "", encoding: "utf8" },
    );
    rmSync(root, { recursive: true });
    ran += 1;
    const code = wanted.code ?? 0;
    if (run.status !== code || !matches(wanted.out, run.stdout) || !matches(wanted.err, run.stderr)) {
        failed += 1;
        console.error(`FAILED ${args.join(" ")}\n  status ${run.status}, expected ${code}`);
        console.error(`  stdout ${JSON.stringify(run.stdout)}, expected ${wanted.out}`);
        console.error(`  stderr ${JSON.stringify(run.stderr.slice(0, 600))}, expected ${wanted.err}`);
    }
}
console.log(`${ran - failed} of ${ran} passed`);
process.exitCode = failed === 0 ? 0 : 1;
