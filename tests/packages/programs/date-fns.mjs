// package: date-fns
import {
  addBusinessDays,
  differenceInCalendarDays,
  eachDayOfInterval,
  format,
  formatDistance,
  intervalToDuration,
  isValid,
  parse,
  parseISO,
  startOfWeek,
} from "date-fns";
import { de, ja } from "date-fns/locale";
const day = parseISO("2024-02-29T10:20:30");
console.log(
  format(day, "yyyy-MM-dd'T'HH:mm:ss EEEE do QQQ"),
  format(day, "PPPP", { locale: de }),
  format(day, "PPP", { locale: ja }),
  startOfWeek(day, { weekStartsOn: 1 }).toString(),
);
console.log(
  addBusinessDays(day, 5).getDate(),
  differenceInCalendarDays(parseISO("2025-01-01"), day),
  eachDayOfInterval({ start: day, end: parseISO("2024-03-02") }).length,
);
console.log(
  formatDistance(day, parseISO("2024-05-01"), { addSuffix: true, locale: de }),
  isValid(parse("31.02.2024", "dd.MM.yyyy", new Date(0))),
  intervalToDuration({ start: day, end: parseISO("2025-04-01T00:00:00") }),
);
