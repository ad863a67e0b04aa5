import { parse, type Kind } from "./parse.js";

const kind: Kind = "triangle";
export const area: string = parse(kind).area();
export function first(values: number[]): number {
  return values[0];
}
parse(1, 2);
