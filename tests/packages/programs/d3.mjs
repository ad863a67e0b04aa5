// package: d3
import {
  arc,
  csvParse,
  extent,
  geoPath,
  geoMercator,
  hierarchy,
  interpolateRgb,
  line,
  curveBasis,
  pack,
  rollup,
  scaleLinear,
  scaleTime,
  scaleOrdinal,
  schemeCategory10,
  timeDay,
  format,
  timeFormat,
  utcFormat,
  forceSimulation,
  forceManyBody,
} from "d3";
console.log(
  csvParse("a,b\n1,2\n"),
  extent([3, 1, 2]),
  rollup(
    [
      ["x", 1],
      ["y", 2],
      ["x", 3],
    ],
    (v) => v.length,
    (d) => d[0],
  ),
  interpolateRgb("red", "#00f")(0.5),
);
console.log(
  scaleLinear([0, 10], [0, 100]).ticks(3),
  scaleTime([new Date(0), new Date(864e5)]).ticks(2).length,
  scaleOrdinal(schemeCategory10)("a"),
  format(",.2f")(1234.567),
  utcFormat("%Y-%m-%d")(new Date(0)),
  timeDay.count(new Date(0), new Date(864e6)),
  typeof timeFormat,
);
console.log(
  line().curve(curveBasis)([
    [0, 0],
    [1, 2],
    [3, 1],
  ]),
  arc()({ innerRadius: 1, outerRadius: 2, startAngle: 0, endAngle: 1 }),
  geoPath(geoMercator())({ type: "Point", coordinates: [0, 0] }),
);
console.log(
  pack()
    .size([10, 10])(hierarchy({ children: [{ v: 1 }, { v: 2 }] }).sum((d) => d.v ?? 0))
    .leaves()
    .map((leaf) => leaf.r.toFixed(3)),
  forceSimulation([{}, {}])
    .force("c", forceManyBody())
    .stop()
    .tick(5)
    .nodes()
    .map((node) => node.x.toFixed(4)),
);
