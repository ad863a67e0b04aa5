//! Dates of days, for utilities that show them: a VM is in UTC.

/// Year, month and day of a number of days since 1970-01-01, counted in 400-year cycles that begin in March.
pub fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (cycle * 400 + year + u64::from(month <= 2), month, day)
}

/// A time in nanoseconds since 1970 as `ls -l` shows it: month, day and time; the year where it was long ago.
pub fn listed(nanoseconds: u64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const HALF_A_YEAR: u64 = 31_556_952 / 2;
    let seconds = nanoseconds / 1_000_000_000;
    let (year, month, day) = date(seconds / 86400);
    let month =
        usize::try_from(month).ok().and_then(|month| MONTHS.get(month.wrapping_sub(1))).unwrap_or(&"");
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if seconds > now || now - seconds > HALF_A_YEAR {
        format!("{month} {day:>2}  {year}")
    } else {
        format!("{month} {day:>2} {:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60)
    }
}
