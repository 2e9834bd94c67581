//! `--since`: a length of time before now, or a day.

use entente_model::Timestamp;

use crate::failure::Failure;

/// `45m`, `24h` or `7d` before now, or the beginning of a day, `2026-12-01`.
pub(crate) fn beginning(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Ok(date) = text.parse::<entente_model::Date>() {
        return Ok(date.begins());
    }
    let unit = |letter: char| match letter {
        'm' => Some(60),
        'h' => Some(3_600),
        'd' => Some(86_400),
        _ => None,
    };
    let split = text.char_indices().last().and_then(|(at, letter)| Some((text.get(..at)?, unit(letter)?)));
    let ago = split.and_then(|(number, unit)| number.parse::<u32>().ok().map(|number| i64::from(number) * unit));
    ago.map(|ago| Timestamp::from_unix(now.as_unix().saturating_sub(ago))).ok_or_else(|| {
        Failure::Usage(format!("--since {text:?} is neither a length of time (45m, 24h, 7d) nor a day (2026-12-01)"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_length_of_time_or_a_day() {
        let now: Timestamp = "2026-12-02T12:00:00Z".parse().unwrap();
        let at = |text: &str| beginning(text, now).map(|at| at.to_string());
        assert_eq!(at("24h").unwrap(), "2026-12-01T12:00:00Z");
        assert_eq!(at("7d").unwrap(), "2026-11-25T12:00:00Z");
        assert_eq!(at("2026-12-01").unwrap(), "2026-12-01T00:00:00Z");
        for wrong in ["", "h", "-1h", "24", "1w", "ü"] {
            assert!(at(wrong).unwrap_err().to_string().contains("--since"), "{wrong}");
        }
    }
}
