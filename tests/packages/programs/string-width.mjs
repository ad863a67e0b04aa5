// package: string-width
import stringWidth from "string-width";
console.log(
  ["abc", "日本", "👨‍👩‍👧", "\u001b[31mred\u001b[0m", "e\u0301", "ｆ", "🇩🇪", "\t"].map((text) => stringWidth(text)),
  stringWidth("±", { ambiguousIsNarrow: false }),
);
