// TypeScript: its compiler checks its own declarations, which are ten thousand lines.
const path = require('node:path');
const ts = require('typescript');
const file = path.join(path.dirname(require.resolve('typescript')), 'typescript.d.ts');
const begun = performance.now();
const program = ts.createProgram([file], { noEmit: true, strict: true, target: ts.ScriptTarget.ESNext, types: [] });
const faults = ts.getPreEmitDiagnostics(program).length;
const ms = performance.now() - begun;
if (faults > 0 || program.getTypeCount() < 1_000) throw new Error(`${faults} faults`);
console.log(JSON.stringify({ ms }));
