//! Numbers and times out of text.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::report::Reason;
use crate::data::TimeUnit;

/// Why a row is refused.
pub(super) type Refused = (Reason, String);

/// A finite weight.
pub(super) fn weight(text: &str) -> Result<f32, Refused> {
    let text = text.trim_ascii();
    if let Some(value) = short_decimal(text.as_bytes()) {
        return Ok(value);
    }
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(value) => Err((Reason::Weight, format!("weight {text:?} is {value}, not finite"))),
        Err(_) => Err((Reason::Weight, format!("weight {text:?} is not a number"))),
    }
}

/// Digits with at most one point, few enough that one division of exact `f32`s rounds correctly:
/// a mantissa below 2²⁴ and a power of ten up to 10¹⁰.
fn short_decimal(text: &[u8]) -> Option<f32> {
    const POWERS: [f32; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    let (mut mantissa, mut point, mut digits) = (0u32, None, 0);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + u32::from(byte - b'0');
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let decimals = point.map_or(0, |at| text.len() - 1 - at);
    (digits > 0 && mantissa < 1 << 24).then(|| mantissa as f32 / POWERS[decimals])
}

/// What the times of a file look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeKind {
    /// Numbers, kept as they are (fractions cut off).
    Number,
    /// ISO dates or dates with times, converted to this unit.
    Date(TimeUnit),
}

impl TimeKind {
    /// The kind of a first value; numbers if it is neither.
    pub(super) fn of(sample: &str, unit: Option<TimeUnit>) -> Self {
        let dated = nanoseconds(sample.trim_ascii()).is_some() && number(sample).is_none();
        match unit {
            _ if !dated => Self::Number,
            None | Some(TimeUnit::Unknown) => Self::Date(TimeUnit::Second),
            Some(unit) => Self::Date(unit),
        }
    }

    /// Reads a time of this kind.
    pub(super) fn parse(self, text: &str) -> Result<i64, Refused> {
        let text = text.trim_ascii();
        let read = match self {
            Self::Number => number(text),
            Self::Date(unit) => in_unit(text, unit),
        };
        read.ok_or_else(|| {
            let expected = match self {
                Self::Number => "a number, as the first rows have",
                Self::Date(_) => "an ISO date, as the first rows have",
            };
            (Reason::Time, format!("time {text:?} is not {expected}"))
        })
    }
}

fn in_unit(text: &str, unit: TimeUnit) -> Option<i64> {
    if number(text).is_some() {
        return None;
    }
    let ticks = unit.per_second().unwrap_or(1);
    let nanos = nanoseconds(text)?;
    i64::try_from(nanos.div_euclid(1_000_000_000 / i128::from(ticks))).ok()
}

/// A number as a whole count; floats are rounded down.
pub(super) fn number(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    let digits = text.as_bytes();
    if !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit) {
        return Some(digits.iter().fold(0, |v, d| v * 10 + i64::from(d - b'0')));
    }
    text.parse::<i64>().ok().or_else(|| whole(text.parse::<f64>().ok()?))
}

/// A float as a whole count, rounded down; none where it is not finite or out of range.
pub(super) fn whole(value: f64) -> Option<i64> {
    let floor = value.floor();
    (floor >= i64::MIN as f64 && floor < i64::MAX as f64).then_some(floor as i64)
}

/// An ISO 8601 date or date and time as nanoseconds since 1970; UTC unless it says otherwise.
pub(super) fn nanoseconds(text: &str) -> Option<i128> {
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    if text.len() < 8 || text.len() > 40 || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if text.as_bytes().get(4) == Some(&b'/') {
        return nanoseconds(&text.replacen('/', "-", 2));
    }
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return Some(stamp.as_nanosecond());
    }
    let civil: DateTime = text.parse().ok()?;
    Some(TimeZone::UTC.to_timestamp(civil).ok()?.as_nanosecond())
}

/// A time as a date and time in UTC, where the unit is known.
pub(super) fn date(time: i64, unit: TimeUnit) -> Option<String> {
    let nanos = i128::from(time) * i128::from(1_000_000_000 / unit.per_second()?);
    let stamp = Timestamp::from_nanosecond(nanos).ok()?;
    Some(stamp.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_decimals_are_the_nearest_float() {
        for text in ["0", "3", "4.5", "273.0", ".5", "5.", "0.1", "14.9", "16777215", "0.000001"] {
            assert_eq!(weight(text).unwrap(), text.parse::<f32>().unwrap(), "{text}");
        }
        for text in ["", ".", "a", "1.2.3", "nan", "inf", "-inf", "1e99", "1,5"] {
            assert!(weight(text).is_err(), "{text}");
        }
        assert_eq!(weight(" -2.5e1 ").unwrap(), -25.0);
    }

    #[test]
    fn times_in_all_spellings() {
        let second = TimeKind::Date(TimeUnit::Second);
        for text in [
            "2015-06-02T05:02:12Z",
            "2015-06-02 05:02:12",
            "2015-06-02 05:02:12 UTC",
            "2015/06/02 05:02:12.9",
            "2015-06-02T07:02:12+02:00",
        ] {
            assert_eq!(second.parse(text), Ok(1_433_221_332), "{text}");
        }
        assert_eq!(second.parse("1970-01-02"), Ok(86_400));
        assert_eq!(second.parse("1969-12-31T23:59:59.5Z"), Ok(-1));
        let milli = TimeKind::Date(TimeUnit::Millisecond);
        assert_eq!(milli.parse("2015-06-02T05:02:12.117Z"), Ok(1_433_221_332_117));
        assert_eq!(TimeKind::Number.parse("8.81250949E8"), Ok(881_250_949));
        assert_eq!(TimeKind::Number.parse("-1.5"), Ok(-2));
        for bad in ["", "soon", "nan", "1e300", "2015-06-02"] {
            assert!(TimeKind::Number.parse(bad).is_err(), "{bad}");
        }
        for bad in ["", "2015-13-02", "1433221332", "20150602"] {
            assert!(second.parse(bad).is_err(), "{bad}");
        }
        assert_eq!(TimeKind::of("2015-06-02", None), second);
        assert_eq!(TimeKind::of("20150602", None), TimeKind::Number);
    }
}
