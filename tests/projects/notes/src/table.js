import { styleText, stripVTControlCharacters } from "node:util";

/** Notes in columns. */
export function table(notes) {
  const rows = notes.map(({ id, body, tags, priority }) => [
    `#${id}`,
    "!".repeat(priority),
    priority > 1 ? styleText("bold", body) : body,
    tags.map((tag) => styleText("cyan", `@${tag}`, { validateStream: false })).join(" "),
  ]);
  const width = (cell) => stripVTControlCharacters(cell).length;
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => width(row[column]))));
  const line = (row) => row.map((cell, column) => cell + " ".repeat(widths[column] - width(cell))).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}
