import { areas, parse, Rounding } from "./parse.js";

declare const process: { readonly argv: string[] };
declare const console: { log(...values: unknown[]): void };

for (const [name, area] of areas(process.argv.slice(2).map(parse), Rounding.Whole)) console.log(name, area);
