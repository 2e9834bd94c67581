//! In which zone tables show instants: UTC, or one that the user chose. What programs read is always in UTC.

use std::sync::OnceLock;

use jiff::tz::TimeZone;

use crate::failure::Failure;

static ZONE: OnceLock<TimeZone> = OnceLock::new();

/// Chosen once, before anything is printed: `UTC`, `local`, or a name such as `Europe/Stockholm`.
pub(crate) fn choose(name: &str) -> Result<(), Failure> {
    if let Some(zone) = zone(name)? {
        let _ = ZONE.set(zone);
    }
    Ok(())
}

fn zone(name: &str) -> Result<Option<TimeZone>, Failure> {
    if name.is_empty() || name.eq_ignore_ascii_case("UTC") {
        return Ok(None);
    }
    let found = if name.eq_ignore_ascii_case("local") { TimeZone::try_system() } else { TimeZone::get(name) };
    let unknown = |_| {
        let text = format!("{name:?} is no time zone that this machine knows");
        Failure::Usage(format!("{text}; write UTC, local, or a name such as Europe/Stockholm"))
    };
    found.map(Some).map_err(unknown)
}

/// Seconds of Unix time in the zone that was chosen, with its offset; none where that is UTC.
pub(super) fn shown(seconds: i64) -> Option<String> {
    ZONE.get().and_then(|zone| within(zone, seconds))
}

fn within(zone: &TimeZone, seconds: i64) -> Option<String> {
    let at = jiff::Timestamp::from_second(seconds).ok()?.to_zoned(zone.clone());
    Some(at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_in_a_zone_has_its_offset_of_that_day() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let at = |text: &str| within(&zone, text.parse::<entente_model::Timestamp>().unwrap().as_unix()).unwrap();
        assert_eq!(at("2026-12-01T12:00:00Z"), "2026-12-01T13:00:00+01:00");
        assert_eq!(at("2026-07-01T22:30:00Z"), "2026-07-02T00:30:00+02:00");
        assert_eq!(within(&zone, i64::MAX), None);
    }

    #[test]
    fn utc_is_no_choice_and_a_wrong_name_is_an_error() {
        assert!(zone("UTC").unwrap().is_none() && zone("utc").unwrap().is_none() && zone("").unwrap().is_none());
        let wrong = zone("Europe/Stokholm").unwrap_err().to_string();
        assert!(wrong.contains("Europe/Stokholm") && wrong.contains("write UTC, local, or a name"), "{wrong}");
    }
}
