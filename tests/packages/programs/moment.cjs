// package: moment
const moment = require("moment");
const day = moment.utc("2024-02-29T12:34:56Z");
console.log(
  day.format("dddd, MMMM Do YYYY, h:mm:ss a"),
  day.clone().add(1, "y").toISOString(),
  day.from(moment.utc("2024-03-10")),
  day.isBetween("2024-01-01", "2025-01-01"),
);
console.log(
  moment.duration(3723, "s").humanize(),
  moment("2024-13-01", "YYYY-MM-DD", true).isValid(),
  moment.parseZone("2024-01-01T00:00:00+05:30").format(),
  day.locale("fr").format("LLLL"),
  moment.locales().length,
);
console.log(moment("2024-07-01T12:00").format(), moment.utc(0).calendar(moment.utc(86400000)));
