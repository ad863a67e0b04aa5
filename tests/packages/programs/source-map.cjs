// package: source-map
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
const { SourceMapConsumer, SourceMapGenerator, SourceNode } = require("source-map");
(async () => {
  const generator = new SourceMapGenerator({ file: "out.js" });
  for (const [line, column] of [
    [1, 0],
    [1, 5],
    [3, 2],
  ])
    generator.addMapping({
      generated: { line, column },
      original: { line: line + 1, column },
      source: "a.js",
      name: `n${column}`,
    });
  generator.setSourceContent("a.js", "content");
  console.log(
    generator.toString(),
    new SourceNode(1, 0, "b.js", ["x", new SourceNode(2, 1, "b.js", "y")])
      .toStringWithSourceMap({ file: "o" })
      .map.toString(),
  );
  await SourceMapConsumer.with(generator.toJSON(), null, (consumer) => {
    console.log(
      consumer.originalPositionFor({ line: 1, column: 6 }),
      consumer.generatedPositionFor({ source: "a.js", line: 4, column: 2 }),
    );
    consumer.eachMapping((mapping) => console.log(mapping.generatedLine, mapping.originalLine, mapping.name));
  });
})();
