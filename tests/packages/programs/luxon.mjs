// package: luxon
import { DateTime, Duration, Info, Interval, Settings } from "luxon";
Settings.defaultZone = "Europe/Berlin";
const day = DateTime.fromISO("2024-03-31T01:30:00");
console.log(
  day.toISO(),
  day.plus({ hours: 1 }).toISO(),
  day.setZone("Asia/Tokyo").toFormat("yyyy LLL dd HH:mm ZZZZ"),
  day.setLocale("fr").toLocaleString(DateTime.DATETIME_FULL),
);
console.log(
  Interval.fromDateTimes(day, day.plus({ days: 3 }))
    .splitBy({ days: 1 })
    .map(String),
  Duration.fromObject({ hours: 30, minutes: 5 }).shiftTo("days", "hours", "minutes").toHuman(),
);
console.log(
  Info.months("short", { locale: "es" }),
  DateTime.fromFormat("x", "yyyy").invalidReason,
  day.weekNumber,
  day.toRelative({ base: day.plus({ days: 2 }), locale: "de" }),
  DateTime.local().zoneName,
);
