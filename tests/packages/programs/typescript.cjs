// package: typescript
const ts = require("typescript");
const source =
  "enum Color { Red, Green }\nabstract class A<T> { constructor(private readonly x: T) {} get y(): T { return this.x; } }\nexport const f = async (o?: { a?: number }) => o?.a ?? Color.Green;\n";
console.log(
  ts.transpileModule(source, { compilerOptions: { target: ts.ScriptTarget.ES2017, module: ts.ModuleKind.CommonJS } })
    .outputText,
);
const file = ts.createSourceFile("a.ts", source, ts.ScriptTarget.Latest, true);
console.log(file.statements.map((each) => ts.SyntaxKind[each.kind]));
const files = {
  "main.ts":
    'import { n } from "./lib";\nconst s: string = n;\nfunction g(x: number | string) { return x.toFixed(); }\nlet m = new Map<string, number>([["a", "b"]]);\n',
  "lib.ts": "export const n: number = 1;\n",
};
const options = {
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  types: [],
};
const host = ts.createCompilerHost(options);
const own = {
  ...host,
  getSourceFile: (name, ...more) =>
    files[name] ? ts.createSourceFile(name, files[name], ts.ScriptTarget.ES2022) : host.getSourceFile(name, ...more),
  fileExists: (name) => name in files || host.fileExists(name),
  readFile: (name) => files[name] ?? host.readFile(name),
};
for (const each of ts.getPreEmitDiagnostics(ts.createProgram(["main.ts"], options, own))) {
  console.log(
    each.file.fileName,
    each.file.getLineAndCharacterOfPosition(each.start),
    each.code,
    ts.flattenDiagnosticMessageText(each.messageText, "\n"),
  );
}
