// package: sanitize-html
const sanitize = require("sanitize-html");
console.log(
  sanitize(
    '<p onclick="x()">a<script>alert(1)</script><a href="javascript:x" title="t">b</a><img src=x onerror=y></p><b>c',
  ),
  sanitize('<i class="k">x</i><u style="color:red;position:fixed">y</u>', {
    allowedTags: ["i", "u"],
    allowedAttributes: { u: ["style"] },
    allowedStyles: { u: { color: [/^red$/] } },
    transformTags: { i: "em" },
  }),
);
console.log(
  sanitize("<div>a &amp; b<br></div>", { allowedTags: [] }),
  sanitize("<a href='http://x.test'>l</a>", {
    transformTags: { a: sanitize.simpleTransform("a", { rel: "nofollow" }) },
    allowedAttributes: false,
  }),
);
