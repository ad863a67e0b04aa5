/** Cents as people write them. */
export function format(cents) {
  const sign = cents < 0 ? "-" : "";
  const all = Math.abs(cents);
  return `${sign}${Math.trunc(all / 100)}.${String(all % 100).padStart(2, "0")}`;
}

export function parse(text) {
  const found = /^(-?)(\d+)\.(\d\d)$/.exec(text);
  if (found === null) throw new SyntaxError(`not an amount: ${text}`);
  const [, sign, whole, rest] = found;
  return (sign === "-" ? -1 : 1) * (Number(whole) * 100 + Number(rest));
}
