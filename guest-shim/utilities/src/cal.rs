//! `cal` and `ncal`: months, with their days across or down.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use cordon_multicall::files::{finish, output};
use cordon_multicall::{calendar, options, say};

type Args = std::vec::IntoIter<OsString>;

/// Wrong usage, as the programs of BSD have it.
const USAGE: i32 = 64;

const HELP: &str = "\
Usage: cal [general options] [-jy] [[month] year]
       cal [general options] [-j] [-m month] [year]
       ncal -C [general options] [-jy] [[month] year]
       ncal -C [general options] [-j] [-m month] [year]
       ncal [general options] [-bhjwySM] [[month] year]
General options: [-31] [-A months] [-B months] [-d yyyy-mm]";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"];

/// Weeks that a month reaches into at most.
const WEEKS: usize = 6;

/// A month of a year, counted from 0.
type Month = (i64, usize);

/// The day by its number, counted on from one calendar into the other; those of 1752 that England left out are none.
fn number(year: i64, month: usize, day: i64) -> i64 {
    let before = i64::from(month < 2);
    let (year_of_march, month_of_march) = (year + 4800 - before, month as i64 + 12 * before - 2);
    let julian = day + (153 * month_of_march + 2) / 5 + 365 * year_of_march + year_of_march / 4;
    if (year, month as i64, day) < (1752, 8, 14) {
        julian - 32083
    } else {
        julian - year_of_march / 100 + year_of_march / 400 - 32045
    }
}

fn days((year, month): Month) -> Vec<i64> {
    const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leaps =
        if year <= 1752 { year % 4 == 0 } else { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) };
    let length = LENGTHS[month] + i64::from(leaps && month == 1);
    (1..=length).filter(|day| (year, month) != (1752, 8) || !(3..14).contains(day)).collect()
}

struct Style {
    /// Weeks are columns.
    down: bool,
    of_year: bool,
    monday: bool,
    weeks: bool,
    /// The day that is shown in reverse.
    today: Option<(i64, usize, i64)>,
}

/// What is in the places of a month's weeks: texts of one width.
type Grid = Vec<[String; 7]>;

impl Style {
    const fn width(&self) -> usize {
        if self.of_year { 3 } else { 2 }
    }

    fn grid(&self, month: Month) -> Grid {
        let width = self.width();
        let mut grid: Grid = vec![std::array::from_fn(|_| " ".repeat(width)); WEEKS];
        let first = number(month.0, 0, 1);
        let mut week = 0;
        for (at, day) in days(month).into_iter().enumerate() {
            let number = number(month.0, month.1, day);
            let weekday = self.place(number);
            if at > 0 && weekday == 0 {
                week += 1;
            }
            let shown = if self.of_year { number - first + 1 } else { day };
            let text = format!("{shown:>width$}");
            grid[week][weekday] = if self.today == Some((month.0, month.1, day)) {
                let bare = text.trim_start();
                format!("{}\x1b[7m{bare}\x1b[27m", &text[..text.len() - bare.len()])
            } else {
                text
            };
        }
        grid
    }

    /// Where in a week a day is.
    fn place(&self, number: i64) -> usize {
        // Day 0 is a Monday.
        let weekday = (number + 1).rem_euclid(7);
        (if self.monday { (weekday + 6) % 7 } else { weekday }) as usize
    }

    fn names(&self) -> [&'static str; 7] {
        std::array::from_fn(|at| DAYS[(at + usize::from(self.monday)) % 7])
    }

    /// Months in a row, with the days of a week across.
    fn across(&self, months: &[Month], with_year: bool, out: &mut dyn Write) -> io::Result<()> {
        let width = self.width();
        let whole = (width + 1) * 7 - 1;
        for month in months {
            let title = title(*month, with_year);
            let left = (whole - title.len().min(whole)) / 2;
            write!(out, "{:left$}{title:<rest$}", "", rest = whole + 2 - left)?;
        }
        writeln!(out)?;
        let names: Vec<String> = self.names().iter().map(|name| format!("{name:>width$}")).collect();
        writeln!(out, "{}", format!("{}  ", names.join(" ")).repeat(months.len()))?;
        let grids: Vec<Grid> = months.iter().map(|month| self.grid(*month)).collect();
        for week in 0..WEEKS {
            for grid in &grids {
                write!(out, "{}  ", grid[week].join(" "))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// Months in a row, with the days of a week down.
    fn down(&self, months: &[Month], with_year: bool, out: &mut dyn Write) -> io::Result<()> {
        let whole = (self.width() + 1) * WEEKS;
        let titles: String =
            months.iter().map(|month| format!("{:<whole$}", title(*month, with_year))).collect();
        writeln!(out, "    {titles}")?;
        let grids: Vec<Grid> = months.iter().map(|month| self.grid(*month)).collect();
        for (at, name) in self.names().iter().enumerate() {
            write!(out, "{name}")?;
            for week in grids.iter().flatten() {
                write!(out, " {}", week[at])?;
            }
            writeln!(out)?;
        }
        if self.weeks {
            write!(out, "  ")?;
            for month in months {
                let last = days(*month).last().copied().unwrap_or(1);
                let first = number(month.0, month.1, 1);
                let end = number(month.0, month.1, last);
                let start = first - self.place(first) as i64;
                for week in 0..WEEKS as i64 {
                    let monday_or_sunday = start + 7 * week;
                    let width = self.width();
                    let text = if monday_or_sunday > end {
                        String::new()
                    } else {
                        self.week(monday_or_sunday).to_string()
                    };
                    write!(out, " {text:>width$}")?;
                }
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// The number of a week by its first day: of the year that its Thursday is in.
    fn week(&self, start: i64) -> i64 {
        let thursday = start + if self.monday { 3 } else { 4 };
        // The year is nearly that many days; it is not off by more than one.
        let guess = (thursday - 1_721_424) * 400 / 146_097 + 1;
        let year =
            [guess + 1, guess].into_iter().find(|year| number(*year, 0, 1) <= thursday).unwrap_or(guess - 1);
        (thursday - number(year, 0, 1)) / 7 + 1
    }
}

fn title((year, month): Month, with_year: bool) -> String {
    if with_year { format!("{} {year}", MONTHS[month]) } else { MONTHS[month].to_owned() }
}

/// A month by its number or the beginning of its name.
fn month_of(text: &str) -> Option<usize> {
    if let Ok(number) = text.parse::<usize>() {
        return number.checked_sub(1).filter(|month| *month < 12);
    }
    let lower = text.to_ascii_lowercase();
    let mut near =
        MONTHS.iter().enumerate().filter(|(_, name)| name.to_ascii_lowercase().starts_with(&lower));
    let found = near.next().filter(|_| lower.len() >= 3)?;
    Some(found.0)
}

pub fn cal(args: Args) -> i32 {
    run("cal", args)
}

pub fn ncal(args: Args) -> i32 {
    run("ncal", args)
}

fn run(name: &str, args: Args) -> i32 {
    let fail = |message: &str| {
        say(&mut io::stderr(), &format!("{name}: {message}"));
        USAGE
    };
    let shorts = if name == "cal" { "31A:B:d:hjm:yC" } else { "31A:B:d:hjm:yCbwMSp" };
    let parsed = match options::parse(args, shorts, &["help=?"]) {
        Ok(parsed) => parsed,
        Err(message) => return fail(&format!("{message}\n{HELP}")),
    };
    if parsed.has('?') {
        say(&mut io::stdout(), HELP);
        return 0;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = calendar::date(now / 86400);
    let today = (year.cast_signed(), month as usize - 1, day.cast_signed());
    let mut current = (today.0, today.1);
    if let Some(text) = parsed.value('d') {
        let parts =
            text.split_once('-').and_then(|(year, month)| Some((year.parse().ok()?, month_of(month)?)));
        match parts {
            Some(parts) => current = parts,
            None => return fail(HELP.trim_end()),
        }
    }
    let words = parsed.words();
    let (month_text, year_text) = match words.as_slice() {
        [] => (parsed.value('m'), None),
        [year] => (parsed.value('m'), Some(year)),
        [month, year] => (Some(month.as_str()), Some(year)),
        _ => {
            say(&mut io::stderr(), HELP);
            return USAGE;
        }
    };
    let year = match year_text {
        None => current.0,
        Some(text) => match text.parse::<i64>() {
            Ok(year @ 1..=9999) => year,
            Ok(year) => return fail(&format!("year `{year}' not in range 1..9999")),
            Err(_) => return fail(&format!("not a valid year {text}")),
        },
    };
    let month = match month_text {
        None => None,
        Some(text) => match month_of(text) {
            Some(month) => Some(month),
            None => return fail(&format!("{text} is neither a month number (1..12) nor a name")),
        },
    };
    let whole = parsed.has('y') || month.is_none() && year_text.is_some();
    let count = |letter: char| {
        parsed
            .value(letter)
            .map_or(Some(0), |text| text.parse::<i64>().ok().filter(|count| (0..=12000).contains(count)))
    };
    let (Some(mut after), Some(mut before)) = (count('A'), count('B')) else {
        return fail("Argument to -A and -B must be positive");
    };
    if parsed.has('3') {
        (after, before) = (1, 1);
    }
    let style = Style {
        down: name == "ncal" && !parsed.has('C') && !parsed.has('b'),
        of_year: parsed.has('j'),
        monday: parsed.has('M'),
        weeks: parsed.has('w'),
        today: (io::stdout().is_terminal() && !parsed.has('h')).then_some(today),
    };
    let months: Vec<Month> = if whole {
        (0..12).map(|month| (year, month)).collect()
    } else {
        let middle = year * 12 + month.unwrap_or(current.1) as i64;
        (middle - before..=middle + after)
            .filter(|at| (12..120_000).contains(at))
            .map(|at| (at.div_euclid(12), at.rem_euclid(12) as usize))
            .collect()
    };
    let mut out = output();
    let done = show(&style, &months, whole, &mut out);
    finish(name, out, i32::from(done.is_err()))
}

fn show(style: &Style, months: &[Month], whole: bool, out: &mut dyn Write) -> io::Result<()> {
    let across = match (style.down, style.of_year) {
        (true, false) => 4,
        (true, true) | (false, false) => 3,
        (false, true) => 2,
    };
    let mut told = None;
    for (at, row) in months.chunks(across).enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        let year = row[0].0;
        let one_year = row.iter().all(|month| month.0 == year);
        // A year stands above the months that have it in common, once.
        let is_told = whole || row.len() == across || !style.down && row.len() > 1;
        if one_year && is_told && told != Some(year) {
            let text = year.to_string();
            let width = if style.down { (style.width() + 1) * WEEKS } else { (style.width() + 1) * 7 - 1 };
            writeln!(out, "{:left$}{text}", "", left = (width * across - text.len()) / 2)?;
            told = Some(year);
        }
        let with_year = !one_year || told != Some(year);
        if style.down { style.down(row, with_year, out)? } else { style.across(row, with_year, out)? }
    }
    Ok(())
}
