// package: cheerio
import * as cheerio from "cheerio";
const $ = cheerio.load(
  '<ul id="fruits"><li class="apple">Apple</li><li class="orange">Orange</li></ul><form><input name="q" value="1&amp;2"></form>',
);
$("ul")
  .append('<li class="pear" data-price="3">Pear</li>')
  .find("li:nth-child(2)")
  .addClass("big")
  .attr("title", "x<y");
console.log(
  $.html(),
  $("li")
    .map((_, each) => $(each).text())
    .get(),
  $(".pear").data("price"),
  $("form").serialize(),
);
console.log(
  $.extract({ fruits: ["li"], big: { selector: ".big", value: "title" } }),
  cheerio.load("<a><b/></a>", { xml: true }).xml(),
);
console.log(
  $("li:not(.apple)").filter((_, each) => $(each).is(":has(+ li)")).length,
  $("#fruits").children().first().next().prop("tagName"),
);
