// package: dayjs
const dayjs = require("dayjs");
for (const name of [
  "utc",
  "timezone",
  "relativeTime",
  "duration",
  "customParseFormat",
  "weekOfYear",
  "localizedFormat",
])
  dayjs.extend(require(`dayjs/plugin/${name}`));
require("dayjs/locale/de");
const day = dayjs.utc("2024-02-29T12:34:56.789Z");
console.log(
  day.format("YYYY-MM-DD HH:mm:ss.SSS Z [w]W"),
  day.add(1, "year").format(),
  day.endOf("month").toISOString(),
  day.week(),
);
console.log(
  day.tz("America/New_York").format(),
  dayjs.tz("2024-03-10 12:00", "Europe/Berlin").toISOString(),
  day.locale("de").format("dddd, LL"),
);
console.log(
  dayjs("31/12/2020", "DD/MM/YYYY", true).isValid(),
  day.from(dayjs.utc("2024-03-05")),
  dayjs.duration(90061000).format("D[d] H[h] m[m] s[s]"),
  day.diff("2024-01-01", "week", true),
);
