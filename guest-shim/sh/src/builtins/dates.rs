//! Times as `printf`'s `%(format)T` shows them, in UTC, which is a VM's only time zone.

use std::time::SystemTime;

use time::{OffsetDateTime, format_description::parse_strftime_owned};

/// A time in seconds since 1970, or now, by a format of `strftime`; none where either is none.
pub fn format(format: &str, seconds: Option<i64>) -> Option<String> {
    let moment = match seconds {
        Some(seconds) => OffsetDateTime::from_unix_timestamp(seconds).ok()?,
        None => SystemTime::now().into(),
    };
    let format = if format.is_empty() { "%H:%M:%S" } else { format };
    moment.format(&parse_strftime_owned(format).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates() {
        assert_eq!(super::format("%Y-%m-%d %H:%M:%S", Some(86_400)).as_deref(), Some("1970-01-02 00:00:00"));
        assert_eq!(
            super::format("%F %T %s %j %a", Some(0)).as_deref(),
            Some("1970-01-01 00:00:00 0 001 Thu")
        );
    }
}
